/* SPDX-License-Identifier: Apache-2.0
 * pg_ndistinct, pg_dependencies and pg_mcv_list. The first two are stored as PostgreSQL stores them:
 *
 *    0  4  magic        which of the two
 *    4  4  version      1
 *    8  4  count        items
 *   12     items        8 value, a double; 4 (pg_ndistinct) or 2 (pg_dependencies) how many columns; 2 each column
 *
 * pg_mcv_list, whose text form says nothing to a reader (pg_mcv_list_items does), holds arrays of this server's:
 *
 *    0  4  magic
 *    4  4  version      1
 *    8  4  count        items
 *   12  4  parts        columns and expressions
 *   16     8 each item the shares of rows, then as many shares as if the parts were independent
 *    .     parts        4 length of an array in bytes, and the array: its elements are the items' values
 *
 * Integers and doubles are little-endian. */
#include "type/rdb_statistics.h"
#include "type/array.h"
#include "type/tables.h"

enum { COMBINATIONS_HEAD = 12, MCV_HEAD = 16, VERSION = 1 };
#define NDISTINCT_MAGIC 0xA352BFA4u
#define DEPENDENCIES_MAGIC 0xB4549A2Cu
#define MCV_MAGIC 0xE1A651C2u

static bool has_head(rdb_datum value, uint32_t magic, uint32_t head_bytes)
{
    return value.bytes.length >= head_bytes && rdb_get_u32(value.bytes.data) == magic && rdb_get_u32(value.bytes.data + 4) == VERSION;
}

static void add_u32(rdb_strbuf *bytes, uint32_t number)
{
    uint8_t place[4];
    rdb_put_u32(place, number);
    rdb_strbuf_add(bytes, place, sizeof place);
}

/* ---- columns together -------------------------------------------------------------------------------------------------------- */
static uint32_t magic_of(uint32_t type_oid)
{
    return type_oid == RDB_NDISTINCT_OID ? NDISTINCT_MAGIC : DEPENDENCIES_MAGIC;
}

bool rdb_combinations_build(rdb_call *call, uint32_t type_oid, const rdb_combination *items, uint32_t count, rdb_datum *value)
{
    rdb_strbuf bytes;
    rdb_strbuf_init(&bytes, call->arena);
    add_u32(&bytes, magic_of(type_oid));
    add_u32(&bytes, VERSION);
    add_u32(&bytes, count);
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t narrow = (uint16_t)items[i].count;
        rdb_strbuf_add(&bytes, &items[i].value, sizeof items[i].value);
        if (type_oid == RDB_NDISTINCT_OID)
            add_u32(&bytes, items[i].count);
        else
            rdb_strbuf_add(&bytes, &narrow, sizeof narrow);
        rdb_strbuf_add(&bytes, items[i].attributes, items[i].count * sizeof items[i].attributes[0]);
    }
    return rdb_strbuf_check(&bytes, call->err) && type_make_bytes(call, bytes.data, bytes.length, value);
}

bool rdb_combinations_read(rdb_arena *arena, uint32_t type_oid, rdb_datum value, const rdb_combination **items, uint32_t *count)
{
    const size_t count_bytes = type_oid == RDB_NDISTINCT_OID ? 4 : 2, least = sizeof(double) + count_bytes;
    *items = NULL;
    *count = 0;
    if (!has_head(value, magic_of(type_oid), COMBINATIONS_HEAD))
        return false;
    const uint8_t *at = value.bytes.data + COMBINATIONS_HEAD, *end = value.bytes.data + value.bytes.length;
    const uint32_t said = rdb_get_u32(value.bytes.data + 8);
    if (said > (size_t)(end - at) / least)
        return false;
    rdb_combination *read = RDB_NEW_ARRAY(arena, rdb_combination, said + 1);
    for (uint32_t i = 0; i < said; i++) {
        uint16_t narrow = 0;
        if ((size_t)(end - at) < least)
            return false;
        memcpy(&read[i].value, at, sizeof read[i].value);
        memcpy(&narrow, at + sizeof(double), sizeof narrow);
        read[i].count = count_bytes == 4 ? rdb_get_u32(at + sizeof(double)) : narrow;
        at += least;
        if (read[i].count > RDB_STATISTICS_PARTS_MAX || (size_t)(end - at) < read[i].count * sizeof(int16_t))
            return false;
        memcpy(read[i].attributes, at, read[i].count * sizeof(int16_t));
        at += read[i].count * sizeof(int16_t);
    }
    *items = read;
    *count = said;
    return at == end;
}

/* {"1, 2": 11, "1, 3": 40}; {"1 => 2": 1.000000}. */
static bool combinations_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    const rdb_combination *items = NULL;
    uint32_t count = 0;
    if (!rdb_combinations_read(call->arena, type->oid, value, &items, &count))
        return rdb_error_set(call->err, RDB_DATA_CORRUPTED, "invalid %s value", type->name);
    rdb_strbuf_addc(text, '{');
    for (uint32_t i = 0; i < count; i++) {
        rdb_strbuf_adds(text, i > 0 ? ", \"" : "\"");
        for (uint32_t k = 0; k < items[i].count; k++) {
            const bool follows = type->oid == RDB_DEPENDENCIES_OID && k + 1 == items[i].count;
            rdb_strbuf_addf(text, "%s%d", follows ? " => " : k > 0 ? ", " : "", items[i].attributes[k]);
        }
        if (type->oid == RDB_NDISTINCT_OID)
            rdb_strbuf_addf(text, "\": %d", (int)items[i].value);
        else
            rdb_strbuf_addf(text, "\": %f", items[i].value);
    }
    rdb_strbuf_addc(text, '}');
    return !text->failed;
}

/* ---- common rows -------------------------------------------------------------------------------------------------------------- */
bool rdb_mcv_list_build(rdb_call *call, const rdb_mcv_list *list, rdb_datum *value)
{
    rdb_strbuf bytes;
    rdb_strbuf_init(&bytes, call->arena);
    add_u32(&bytes, MCV_MAGIC);
    add_u32(&bytes, VERSION);
    add_u32(&bytes, list->item_count);
    add_u32(&bytes, list->part_count);
    rdb_strbuf_add(&bytes, list->frequencies, list->item_count * sizeof(double));
    rdb_strbuf_add(&bytes, list->base_frequencies, list->item_count * sizeof(double));
    for (uint32_t i = 0; i < list->part_count; i++) {
        add_u32(&bytes, list->values[i].bytes.length);
        rdb_strbuf_add(&bytes, list->values[i].bytes.data, list->values[i].bytes.length);
    }
    return rdb_strbuf_check(&bytes, call->err) && type_make_bytes(call, bytes.data, bytes.length, value);
}

bool rdb_mcv_list_read(rdb_arena *arena, rdb_datum value, rdb_mcv_list *list)
{
    *list = (rdb_mcv_list){0};
    if (!has_head(value, MCV_MAGIC, MCV_HEAD))
        return false;
    const uint8_t *at = value.bytes.data + MCV_HEAD, *end = value.bytes.data + value.bytes.length;
    const uint32_t items = rdb_get_u32(value.bytes.data + 8), parts = rdb_get_u32(value.bytes.data + 12);
    if (parts > RDB_STATISTICS_PARTS_MAX || items > (size_t)(end - at) / (2 * sizeof(double)))
        return false;
    list->frequencies = rdb_arena_memdup(arena, at, items * sizeof(double));
    at += items * sizeof(double);
    list->base_frequencies = rdb_arena_memdup(arena, at, items * sizeof(double));
    at += items * sizeof(double);
    for (uint32_t i = 0; i < parts; i++) {
        rdb_array_shape shape;
        const uint32_t length = end - at < 4 ? UINT32_MAX : rdb_get_u32(at);
        if (length < TYPE_ARRAY_HEAD || (size_t)(end - at) - 4 < length)
            return false;
        list->values[i].bytes = (rdb_bytes){.data = at + 4, .length = length};
        rdb_array_get_shape(list->values[i], &shape);
        if (shape.count != items)
            return false;
        at += 4 + length;
    }
    list->item_count = items;
    list->part_count = parts;
    return at == end;
}

/* pg_mcv_list_items: one item a row. */
typedef struct mcv_items {
    rdb_mcv_list list;
    uint32_t at;
} mcv_items;

static bool mcv_items_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    mcv_items *items = state;
    rdb_datum kept;
    return type_make_bytes(call, a[0].bytes.data, a[0].bytes.length, &kept) &&
           (rdb_mcv_list_read(call->arena, kept, &items->list) || rdb_error_set(call->err, RDB_DATA_CORRUPTED, "invalid pg_mcv_list value"));
}

static bool part_text(rdb_call *call, rdb_datum values, uint32_t item_no, rdb_datum *text, bool *is_null)
{
    rdb_array_shape shape;
    rdb_datum value;
    rdb_strbuf output;
    const rdb_type *type = NULL;
    rdb_array_get_shape(values, &shape);
    *is_null = !rdb_array_get(values, item_no, &value);
    if (*is_null)
        return true;
    rdb_strbuf_init(&output, call->arena);
    return rdb_type_descriptor(call, shape.element_oid, &type) && type->ops->output(call, type, value, &output) && type_make_bytes(call, output.data, output.length, text);
}

static bool mcv_items_next(rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    mcv_items *items = state;
    const rdb_mcv_list *list = &items->list;
    const rdb_type *text = NULL, *boolean = NULL;
    *count = 0;
    if (!rdb_type_descriptor(call, RDB_TEXTOID, &text) || !rdb_type_descriptor(call, RDB_BOOLOID, &boolean))
        return false;
    for (; *count < capacity && items->at < list->item_count; items->at++, ++*count) {
        rdb_datum row[5] = {0}, texts[RDB_STATISTICS_PARTS_MAX], nulls[RDB_STATISTICS_PARTS_MAX] = {0};
        bool is_null[RDB_STATISTICS_PARTS_MAX];
        for (uint32_t k = 0; k < list->part_count; k++) {
            if (!part_text(call, list->values[k], items->at, &texts[k], &is_null[k]))
                return false;
            nulls[k].b = is_null[k];
        }
        row[0].i32 = (int32_t)items->at;
        row[3].f8 = list->frequencies[items->at];
        row[4].f8 = list->base_frequencies[items->at];
        if (!rdb_array_build(call, text, texts, is_null, list->part_count, &row[1]) || !rdb_array_build(call, boolean, nulls, NULL, list->part_count, &row[2]))
            return false;
        for (uint32_t k = 0; k < RDB_COUNT_OF(row); k++)
            rdb_vector_put(columns[k], *count, row[k], false);
    }
    return true;
}

static const type_set_kernel SET_KERNELS[] = {
    {"pg_stats_ext_mcvlist_items", {.state_bytes = sizeof(mcv_items), .begin = mcv_items_begin, .next = mcv_items_next}, 0},
};
TYPE_SET_KERNEL_TABLE(type_statistics_set_table, SET_KERNELS);

/* ---- the types ------------------------------------------------------------------------------------------------------------------ */
static bool statistics_input(TYPE_OPS_PARAMETERS_INPUT)
{
    return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cannot accept a value of type %s", type->name);
}

static bool statistics_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    return type_bytea_ops.send(call, type, value, text);
}

static bool mcv_list_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    return type_bytea_ops.output(call, type, value, text);
}

const rdb_type_ops type_combinations_ops = {.input = statistics_input, .output = combinations_output, .receive = statistics_input, .send = statistics_send};
const rdb_type_ops type_mcv_list_ops = {.input = statistics_input, .output = mcv_list_output, .receive = statistics_input, .send = statistics_send};
