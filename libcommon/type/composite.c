/* SPDX-License-Identifier: Apache-2.0
 * Types made by users: enums (the value is the OID of a label, the order is that of the descriptor's labels) and rows.
 * A stored row is
 *
 *    0  4    count     fields
 *    4  4*n  types     OID of each field's type
 *    .       a row image over those types' representations, as vec draws it, after one byte of its flags
 *
 * and void, whose one value prints as nothing. */
#include "type/array.h"
#include "type/tables.h"

/* ---- enums ----------------------------------------------------------------------------------------------------------------- */
static bool enum_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const rdb_type *base = type_base(type);
    value->words[0] = value->words[1] = 0;
    for (uint32_t i = 0; i < base->label_count; i++) {
        if (strlen(base->labels[i]) == text.length && memcmp(base->labels[i], text.data, text.length) == 0) {
            value->oid = base->label_oids[i];
            return true;
        }
    }
    return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "invalid input value for enum %s: \"%.*s\"", base->name,
                         (int)text.length, (const char *)text.data);
}

/* The label's place in the order; the count where it is unknown. */
static uint32_t place_of(const rdb_type *type, uint32_t oid)
{
    type = type_base(type);
    uint32_t i = 0;
    while (i < type->label_count && type->label_oids[i] != oid)
        i++;
    return i;
}

static bool enum_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    uint32_t place = place_of(type, value.oid);
    if (place == type_base(type)->label_count)
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid internal value for enum: %u", value.oid);
    rdb_strbuf_adds(text, type_base(type)->labels[place]);
    return true;
}

static int enum_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    uint32_t x = place_of(type, left.oid), y = place_of(type, right.oid);
    return (x > y) - (x < y);
}

static uint64_t enum_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64(value.oid);
}

/* The key is the label's sort order, a float that a label keeps for life: one added in the middle gets a number between
 * its neighbours'. Its bits are turned so that bytes compare as numbers do. */
static uint32_t order_bits(float order)
{
    uint32_t bits;
    memcpy(&bits, &order, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static bool enum_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    const rdb_type *base = type_base(type);
    uint32_t place = place_of(base, value.oid);
    if (place == base->label_count || base->label_orders == NULL)
        return false;
    type_add_be32(key, order_bits(base->label_orders[place]));
    return !key->failed;
}

static bool enum_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    const rdb_type *base = type_base(type);
    if (end - *at < 4 || base->label_orders == NULL)
        return false;
    uint32_t bits = type_be32(*at), place = 0;
    while (place < base->label_count && order_bits(base->label_orders[place]) != bits)
        place++;
    if (place == base->label_count)
        return false;
    *at += 4;
    value->words[0] = value->words[1] = 0;
    value->oid = base->label_oids[place];
    return true;
}

const rdb_type_ops type_enum_ops = {.input = enum_input, .output = enum_output, .receive = enum_input, .send = enum_output,
                                    .compare = enum_compare, .hash = enum_hash, .encode_key = enum_encode, .decode_key = enum_decode};

/* ---- void -------------------------------------------------------------------------------------------------------------------- */
static bool void_input(TYPE_OPS_PARAMETERS_INPUT)
{
    value->words[0] = value->words[1] = 0;
    return true;
}

static bool void_output(TYPE_UNUSED rdb_call *call, TYPE_UNUSED const rdb_type *type, TYPE_UNUSED rdb_datum value, TYPE_UNUSED rdb_strbuf *text)
{
    return true;
}
const rdb_type_ops type_void_ops = {.input = void_input, .output = void_output, .receive = void_input, .send = void_output};

/* ---- rows ---------------------------------------------------------------------------------------------------------------------- */
bool rdb_record_build(rdb_call *call, const rdb_type *const *types, const rdb_datum *values, const bool *nulls, uint32_t count, rdb_datum *result)
{
    rdb_rep *reps = rdb_arena_alloc(call->arena, sizeof *reps * (count + 1));
    unsigned flags;
    if (count > 1664)
        return rdb_error_set(call->err, RDB_TOO_MANY_COLUMNS, "ROW expressions can have at most 1664 entries");
    for (uint32_t i = 0; i < count; i++)
        reps[i] = (rdb_rep)types[i]->rep;
    rdb_row_layout *layout = rdb_row_layout_create(call->arena, reps, (uint16_t)count);
    uint32_t head = 5 + 4 * count, bytes = rdb_row_measure(layout, values, nulls, &flags);
    uint8_t *data = type_alloc(call, (size_t)head + bytes);
    if (data == NULL)
        return false;
    rdb_put_u32(data, count);
    for (uint32_t i = 0; i < count; i++)
        rdb_put_u32(data + 4 + 4 * (size_t)i, types[i]->oid);
    data[head - 1] = (uint8_t)flags;
    rdb_row_write(layout, values, nulls, flags, data + head);
    result->bytes = (rdb_bytes){.data = data, .length = head + bytes};
    return true;
}

uint32_t rdb_record_count(rdb_datum record)
{
    return record.bytes.length < 5 ? 0 : rdb_get_u32(record.bytes.data);
}

bool rdb_record_read(rdb_call *call, rdb_datum record, const rdb_type **types, rdb_datum *values, bool *nulls, uint32_t count)
{
    rdb_rep *reps = rdb_arena_alloc(call->arena, sizeof *reps * (count + 1));
    const uint8_t *data = record.bytes.data;
    RDB_ASSERT(count == rdb_record_count(record));
    for (uint32_t i = 0; i < count; i++) {
        if (!rdb_type_descriptor(call, rdb_get_u32(data + 4 + 4 * (size_t)i), &types[i]))
            return false;
        reps[i] = (rdb_rep)types[i]->rep;
    }
    rdb_row_layout *layout = rdb_row_layout_create(call->arena, reps, (uint16_t)count);
    const uint8_t *image = data + 5 + 4 * (size_t)count;
    for (uint32_t i = 0; i < count; i++)
        nulls[i] = !rdb_row_read(layout, image, image[-1], (uint16_t)i, &values[i]);
    return true;
}

typedef struct fields {
    uint32_t count;
    const rdb_type **types;
    rdb_datum *values;
    bool *nulls;
} fields;

static bool read_fields(rdb_call *call, rdb_datum record, fields *f)
{
    f->count = rdb_record_count(record);
    f->types = rdb_arena_zalloc(call->arena, sizeof *f->types * (f->count + 1));
    f->values = rdb_arena_zalloc(call->arena, sizeof *f->values * (f->count + 1));
    f->nulls = rdb_arena_zalloc(call->arena, f->count + 1);
    return rdb_record_read(call, record, f->types, f->values, f->nulls, f->count);
}

static bool record_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    fields f;
    rdb_strbuf item;
    if (!read_fields(call, value, &f))
        return false;
    rdb_strbuf_init(&item, call->arena);
    rdb_strbuf_addc(text, '(');
    for (uint32_t i = 0; i < f.count; i++) {
        if (i > 0)
            rdb_strbuf_addc(text, ',');
        if (f.nulls[i])
            continue;
        rdb_strbuf_clear(&item);
        if (!type_to_text(call, f.types[i], f.values[i], &item) || !rdb_strbuf_check(&item, call->err))
            return false;
        bool quote = item.length == 0;
        for (size_t k = 0; k < item.length && !quote; k++)
            quote = strchr("\"\\(),", item.data[k]) != NULL || type_is_space((unsigned char)item.data[k]);
        if (quote)
            rdb_strbuf_addc(text, '"');
        for (size_t k = 0; k < item.length; k++) {
            if (item.data[k] == '"' || item.data[k] == '\\')
                rdb_strbuf_addc(text, item.data[k]);
            rdb_strbuf_addc(text, item.data[k]);
        }
        if (quote)
            rdb_strbuf_addc(text, '"');
    }
    rdb_strbuf_addc(text, ')');
    return true;
}

static bool record_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    fields f;
    if (!read_fields(call, value, &f))
        return false;
    type_add_be32(text, f.count);
    for (uint32_t i = 0; i < f.count; i++) {
        const rdb_type_ops *ops = f.types[i]->ops != NULL ? f.types[i]->ops : rdb_type_ops_find(f.types[i]);
        type_add_be32(text, f.types[i]->oid);
        size_t start = text->length;
        type_add_be32(text, UINT32_MAX);
        if (f.nulls[i])
            continue;
        if (ops == NULL || ops->send == NULL)
            return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "no binary output function available for type %s", f.types[i]->name);
        if (!ops->send(call, f.types[i], f.values[i], text) || !rdb_strbuf_check(text, call->err))
            return false;
        uint32_t length = __builtin_bswap32((uint32_t)(text->length - start - 4));
        memcpy(text->data + start, &length, 4);
    }
    return true;
}

static bool record_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const rdb_type *base = type_base(type);
    if (base->fields == NULL)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "input of anonymous composite types is not implemented");
    const rdb_type **types = rdb_arena_zalloc(call->arena, sizeof *types * (base->field_count + 1));
    rdb_datum *values = rdb_arena_zalloc(call->arena, sizeof *values * (base->field_count + 1));
    bool *nulls = rdb_arena_zalloc(call->arena, base->field_count + 1);
    const uint8_t *at = text.data, *end = at + text.length;
    const char *problem = NULL;
    uint32_t seen = 0;
    while (at < end && type_is_space(*at))
        at++;
    if (at == end || *at++ != '(')
        problem = "Missing left parenthesis.";
    rdb_strbuf item;
    rdb_strbuf_init(&item, call->arena);
    for (uint32_t i = 0; i < base->field_count && problem == NULL; i++) {
        types[i] = base->fields[i].type;
        nulls[i] = true;
        if (base->fields[i].is_dropped)
            continue;
        if (seen++ > 0) {
            if (at == end || *at != ',') {
                problem = "Too few columns.";
                break;
            }
            at++;
        }
        if (at < end && (*at == ',' || *at == ')'))
            continue;
        bool quoted = false;
        rdb_strbuf_clear(&item);
        for (; at < end && (quoted || (*at != ',' && *at != ')')); at++) {
            if (*at == '\\' && at + 1 < end) {
                rdb_strbuf_addc(&item, (char)*++at);
            } else if (*at == '"') {
                if (quoted && at + 1 < end && at[1] == '"')
                    rdb_strbuf_addc(&item, (char)*at++);
                else
                    quoted = !quoted;
            } else {
                rdb_strbuf_addc(&item, (char)*at);
            }
        }
        if (at == end) {
            problem = "Unexpected end of input.";
            break;
        }
        const rdb_type_ops *ops = types[i]->ops != NULL ? types[i]->ops : rdb_type_ops_find(types[i]);
        nulls[i] = false;
        if (ops == NULL || ops->input == NULL)
            return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "no text form is built for type %s", types[i]->name);
        if (!rdb_strbuf_check(&item, call->err) ||
            !ops->input(call, types[i], (rdb_slice){.data = (const uint8_t *)(item.data != NULL ? item.data : ""), .length = item.length}, base->fields[i].typmod, &values[i]))
            return false;
    }
    if (problem == NULL && (at == end || *at++ != ')'))
        problem = "Too many columns.";
    while (problem == NULL && at < end && type_is_space(*at))
        at++;
    if (problem == NULL && at < end)
        problem = "Junk after right parenthesis.";
    if (problem != NULL) {
        rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "malformed record literal: \"%.*s\"", (int)text.length, (const char *)text.data);
        return rdb_error_detail(call->err, "%s", problem);
    }
    return rdb_record_build(call, types, values, nulls, base->field_count, value);
}

const rdb_type_ops type_record_ops = {.input = record_input, .output = record_output, .send = record_send};

/* ---- comparisons ------------------------------------------------------------------------------------------------------------- */
/* Field by field; a null comes after every value and equals a null. */
static bool compare_rows(rdb_call *call, const rdb_datum *a, int *order)
{
    fields x, y;
    if (!read_fields(call, a[0], &x) || !read_fields(call, a[1], &y))
        return false;
    *order = 0;
    for (uint32_t i = 0; i < RDB_MIN(x.count, y.count) && *order == 0; i++) {
        if (x.types[i]->oid != y.types[i]->oid)
            return rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "cannot compare dissimilar column types %s and %s at record column %u",
                                 x.types[i]->name, y.types[i]->name, i + 1);
        const rdb_type_ops *ops = x.types[i]->ops != NULL ? x.types[i]->ops : rdb_type_ops_find(x.types[i]);
        if (ops == NULL || ops->compare == NULL)
            return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", x.types[i]->name);
        if (x.nulls[i] || y.nulls[i])
            *order = (int)x.nulls[i] - (int)y.nulls[i];
        else
            *order = ops->compare(x.types[i], call->collation, x.values[i], y.values[i]);
    }
    if (*order == 0 && x.count != y.count)
        return rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "cannot compare record types with different numbers of columns");
    return true;
}

static bool compare_enums(rdb_call *call, const rdb_datum *a, int *order)
{
    *order = enum_compare(call->argument_types[0], 0, a[0], a[1]);
    return true;
}

#define COMPARISON(prefix, suffix, function, field, expression)       \
    TYPE_ROW_FUNCTION(prefix##_##suffix, 2)                           \
    {                                                                 \
        int order = 0;                                                \
        if (!function(call, a, &order))                               \
            return false;                                             \
        r->field = (expression);                                      \
        return true;                                                  \
    }
#define COMPARISONS(prefix, function)                                               \
    COMPARISON(prefix, eq, function, b, order == 0)                                 \
    COMPARISON(prefix, ne, function, b, order != 0)                                 \
    COMPARISON(prefix, lt, function, b, order < 0)                                  \
    COMPARISON(prefix, le, function, b, order <= 0)                                 \
    COMPARISON(prefix, gt, function, b, order > 0)                                  \
    COMPARISON(prefix, ge, function, b, order >= 0)                                 \
    COMPARISON(prefix, cmp, function, i32, order < 0 ? -1 : order > 0)
COMPARISONS(record, compare_rows)
COMPARISONS(enum, compare_enums)
COMPARISON(enum, larger, compare_enums, oid, order > 0 ? a[0].oid : a[1].oid)
COMPARISON(enum, smaller, compare_enums, oid, order < 0 ? a[0].oid : a[1].oid)

/* enum_first, enum_last, enum_range: the type is the argument's, even where the argument is null. */
static bool enum_type(rdb_call *call, const rdb_type **type)
{
    *type = call->argument_types[0] != NULL ? type_base(call->argument_types[0]) : NULL;
    if (*type == NULL || (*type)->kind != 'e')
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "could not determine actual enum type");
    return true;
}

static bool enum_end(rdb_call *call, bool last, rdb_datum *r)
{
    const rdb_type *type;
    if (!enum_type(call, &type))
        return false;
    if (type->label_count == 0)
        return rdb_error_set(call->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "enum %s contains no values", type->name);
    r->oid = type->label_oids[last ? type->label_count - 1 : 0];
    return true;
}
TYPE_NULL_FUNCTION(enum_first, 1) { return enum_end(call, false, r); }
TYPE_NULL_FUNCTION(enum_last, 1) { return enum_end(call, true, r); }

static bool enum_range(rdb_call *call, uint32_t from, uint32_t to, rdb_datum *r)
{
    const rdb_type *type;
    if (!enum_type(call, &type))
        return false;
    rdb_datum *values = rdb_arena_zalloc(call->arena, sizeof *values * ((size_t)type->label_count + 1));
    uint32_t count = 0;
    for (uint32_t i = from; i < type->label_count && i <= to; i++)
        values[count++].oid = type->label_oids[i];
    return type_array_build_list(call, type, values, NULL, count, r);
}
TYPE_NULL_FUNCTION(enum_range_all, 1) { return enum_range(call, 0, UINT32_MAX, r); }
TYPE_NULL_FUNCTION(enum_range_bounds, 2)
{
    const rdb_type *type;
    if (!enum_type(call, &type))
        return false;
    return enum_range(call, nulls[0] ? 0 : place_of(type, a[0].oid), nulls[1] ? UINT32_MAX : place_of(type, a[1].oid), r);
}

#define F RDB_KERNEL_FALLIBLE
#define P RDB_KERNEL_POLYMORPHIC
static const type_kernel KERNELS[] = {
    {"enum_first", enum_first, F | P, 0}, {"enum_last", enum_last, F | P, 0}, {"enum_range_all", enum_range_all, F | P, 0},
    {"enum_range_bounds", enum_range_bounds, F | P, 0},
    {"record_eq", record_eq, F | P, 0}, {"record_ne", record_ne, F | P, 0}, {"record_lt", record_lt, F | P, 0}, {"record_le", record_le, F | P, 0},
    {"record_gt", record_gt, F | P, 0}, {"record_ge", record_ge, F | P, 0}, {"btrecordcmp", record_cmp, F | P, 0},
    {"enum_eq", enum_eq, P, 0}, {"enum_ne", enum_ne, P, 0}, {"enum_lt", enum_lt, P, 0}, {"enum_le", enum_le, P, 0}, {"enum_gt", enum_gt, P, 0},
    {"enum_ge", enum_ge, P, 0}, {"enum_cmp", enum_cmp, P, 0}, {"enum_larger", enum_larger, P, 0}, {"enum_smaller", enum_smaller, P, 0},
};
TYPE_KERNEL_TABLE(type_composite_table, KERNELS);
