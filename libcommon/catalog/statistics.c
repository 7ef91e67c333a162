/* SPDX-License-Identifier: Apache-2.0
 * Statistics of columns: rows of pg_statistic, laid out as PostgreSQL lays them out (its views and tools read them), and what
 * a relation's descriptor has of them. A row has five slots; each has a kind, an operator, numbers and values. Those used here:
 *
 *    kind 1  most common values      values: they themselves     numbers: the share of each
 *    kind 2  histogram               values: bounds
 *    kind 3  correlation                                         numbers: one
 *    kind 4  most common elements    values: elements, in order  numbers: the share of each, then least, greatest, of nulls
 *    kind 5  counts of elements                                  numbers: a histogram, then the mean
 */
#include "catalog/ddl_int.h"

enum { SLOT_COUNT = 5, KIND_COMMON = 1, KIND_HISTOGRAM = 2, KIND_CORRELATION = 3, KIND_ELEMENTS = 4, KIND_ELEMENT_COUNTS = 5 };

/* ---- reading ------------------------------------------------------------------------------------------------------------- */
/* The elements of the array at column, which are of the representation rep; count 0 where there are none to be used. */
static bool read_values(const rdb_catalog_row *row, int column, uint8_t rep, uint32_t element_oid, rdb_arena *arena, const rdb_datum **values, uint32_t *count, rdb_error *err)
{
    rdb_array_shape shape;
    *values = NULL;
    *count = 0;
    if (row->is_null[column - 1])
        return true;
    rdb_array_get_shape(row->values[column - 1], &shape);
    if (shape.element_oid != element_oid)
        return true; /* the column's type was another one then */
    rdb_datum *read = rdb_arena_try_alloc(arena, (shape.count + 1) * sizeof *read, err);
    if (read == NULL)
        return false;
    for (uint32_t i = 0; i < shape.count; i++) {
        rdb_datum value;
        if (!rdb_array_get(row->values[column - 1], i, &value))
            return true;
        if (!rdb_datum_copy(arena, rep, value, &read[i], err))
            return false;
    }
    *values = read;
    *count = shape.count;
    return true;
}

static const float *keep_numbers(const rdb_datum *numbers, uint32_t count, rdb_arena *arena)
{
    float *kept = RDB_NEW_ARRAY(arena, float, count);
    for (uint32_t i = 0; i < count; i++)
        kept[i] = numbers[i].f4;
    return kept;
}

static bool read_slot(const rdb_catalog_row *row, int slot, const rdb_type *type, rdb_arena *arena, rdb_arena *work, rdb_statistics *statistics, rdb_error *err)
{
    const int numbers_column = RDB_pg_statistic_stanumbers1 + slot, values_column = RDB_pg_statistic_stavalues1 + slot;
    const rdb_datum *numbers, *values;
    uint32_t number_count, value_count;
    const int16_t kind = row_int16(row, RDB_pg_statistic_stakind1 + slot);
    if (kind < KIND_COMMON || kind > KIND_ELEMENT_COUNTS)
        return true;
    const rdb_type *of = kind == KIND_ELEMENTS ? type->element : type;
    if (of == NULL)
        return true;
    if (!read_values(row, numbers_column, RDB_REP_FLOAT32, RDB_FLOAT4OID, work, &numbers, &number_count, err) ||
        !read_values(row, values_column, of->rep, of->oid, arena, &values, &value_count, err))
        return false;
    if (kind == KIND_CORRELATION && number_count == 1) {
        statistics->has_correlation = true;
        statistics->correlation = (double)numbers[0].f4;
    } else if (kind == KIND_HISTOGRAM && value_count > 1) {
        statistics->bounds = values;
        statistics->bound_count = value_count;
    } else if (kind == KIND_COMMON && value_count > 0 && value_count == number_count) {
        statistics->common_values = values;
        statistics->common_fractions = keep_numbers(numbers, number_count, arena);
        statistics->common_count = value_count;
    } else if (kind == KIND_ELEMENTS && value_count > 0 && value_count + RDB_ELEMENT_FRACTIONS_MORE == number_count) {
        statistics->elements = values;
        statistics->element_fractions = keep_numbers(numbers, number_count, arena);
        statistics->element_count = value_count;
    } else if (kind == KIND_ELEMENT_COUNTS && number_count > 2) {
        statistics->element_counts = keep_numbers(numbers, number_count, arena);
        statistics->element_counts_count = number_count;
    }
    return true;
}

static const rdb_type *stored_type(const rdb_type *type)
{
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    return type;
}

bool statistics_read(const rdb_catalog_row *row, const rdb_type *type, rdb_arena *arena, rdb_arena *work, rdb_statistics *statistics, rdb_error *err)
{
    bool ok = true;
    statistics->null_fraction = (double)row->values[RDB_pg_statistic_stanullfrac - 1].f4;
    statistics->distinct = (double)row->values[RDB_pg_statistic_stadistinct - 1].f4;
    statistics->width = row_int32(row, RDB_pg_statistic_stawidth);
    for (int slot = 0; ok && slot < SLOT_COUNT; slot++)
        ok = read_slot(row, slot, stored_type(type), arena, work, statistics, err);
    return ok;
}

bool load_statistics(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    rdb_relation *relation = &entry->is.relation;
    const rdb_datum key = datum_oid(relation->oid);
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    const rdb_statistics **all = NULL;
    bool ok = rdb_catalog_scan_open(&scan, access, RDB_PG_STATISTIC, INDEX_STATISTIC, &key, 1, work, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        const int16_t number = row_int16(&row, RDB_pg_statistic_staattnum);
        if (number < 1 || number > relation->column_count || relation->columns[number - 1].is_dropped || relation->columns[number - 1].type == NULL)
            continue;
        if (row_bool(&row, RDB_pg_statistic_stainherit) && all != NULL && all[number - 1] != NULL)
            continue; /* its own rows are what a scan of it alone meets */
        if (all == NULL)
            all = RDB_NEW_ARRAY(entry->arena, const rdb_statistics *, relation->column_count);
        rdb_statistics *statistics = RDB_NEW(entry->arena, rdb_statistics);
        ok = statistics_read(&row, relation->columns[number - 1].type, entry->arena, work, statistics, err);
        all[number - 1] = statistics;
    }
    rdb_catalog_scan_close(&scan);
    relation->statistics = all;
    return ok;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------- */
typedef struct slot_writer {
    const new_row *row;
    const rdb_type *type;
    rdb_call call;
    uint32_t operators[4]; /* by strategy, 1 to 3; 0: equality of elements */
    uint32_t collation;
    int used;
} slot_writer;

static bool write_slot(slot_writer *w, int16_t kind, uint16_t strategy, const rdb_datum *values, uint32_t value_count, const float *numbers, uint32_t number_count)
{
    const int slot = w->used++;
    const new_row *row = w->row;
    set_int16(row, RDB_pg_statistic_stakind1 + slot, kind);
    set_oid(row, RDB_pg_statistic_staop1 + slot, w->operators[strategy]);
    set_oid(row, RDB_pg_statistic_stacoll1 + slot, w->collation);
    if (number_count > 0) {
        rdb_datum *boxed = RDB_NEW_ARRAY(row->arena, rdb_datum, number_count);
        for (uint32_t i = 0; i < number_count; i++)
            boxed[i].f4 = numbers[i];
        if (!rdb_array_build(&w->call, objects_type_get(RDB_FLOAT4OID), boxed, NULL, number_count, row_at(row, RDB_pg_statistic_stanumbers1 + slot)))
            return false;
    }
    return value_count == 0 || rdb_array_build(&w->call, kind == KIND_ELEMENTS ? w->type->element : w->type, values, NULL, value_count, row_at(row, RDB_pg_statistic_stavalues1 + slot));
}

bool statistics_fill(rdb_access *access, const new_row *row, uint32_t relation_oid, int16_t number, bool inherits, const rdb_type *type, uint32_t collation,
                     const rdb_statistics *statistics, rdb_error *err)
{
    slot_writer w = {.row = row, .type = stored_type(type), .call = {.arena = row->arena, .err = err, .format = rdb_format_default()}, .collation = collation};
    const float correlation = (float)statistics->correlation;
    set_oid(row, RDB_pg_statistic_starelid, relation_oid);
    set_int16(row, RDB_pg_statistic_staattnum, number);
    set_bool(row, RDB_pg_statistic_stainherit, inherits);
    set_float(row, RDB_pg_statistic_stanullfrac, (float)statistics->null_fraction);
    set_int32(row, RDB_pg_statistic_stawidth, statistics->width);
    set_float(row, RDB_pg_statistic_stadistinct, (float)statistics->distinct);
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        set_int16(row, RDB_pg_statistic_stakind1 + slot, 0);
        set_oid(row, RDB_pg_statistic_staop1 + slot, 0);
        set_oid(row, RDB_pg_statistic_stacoll1 + slot, 0);
    }
    for (uint16_t strategy = 1; strategy <= 3; strategy += 2)
        if (!rdb_opclass_operator(access, w.type->oid, w.type->oid, strategy, &w.operators[strategy], err))
            return false;
    const rdb_type *element = w.type->element != NULL ? stored_type(w.type->element) : NULL;
    if (element != NULL && !rdb_opclass_operator(access, element->oid, element->oid, 3, &w.operators[0], err))
        return false;
    return (statistics->common_count == 0 || write_slot(&w, KIND_COMMON, 3, statistics->common_values, statistics->common_count, statistics->common_fractions, statistics->common_count)) &&
           (statistics->bound_count == 0 || write_slot(&w, KIND_HISTOGRAM, 1, statistics->bounds, statistics->bound_count, NULL, 0)) &&
           (!statistics->has_correlation || write_slot(&w, KIND_CORRELATION, 1, NULL, 0, &correlation, 1)) &&
           (statistics->element_count == 0 ||
            write_slot(&w, KIND_ELEMENTS, 0, statistics->elements, statistics->element_count, statistics->element_fractions, statistics->element_count + RDB_ELEMENT_FRACTIONS_MORE)) &&
           (statistics->element_counts_count == 0 || write_slot(&w, KIND_ELEMENT_COUNTS, 0, NULL, 0, statistics->element_counts, statistics->element_counts_count));
}

bool rdb_ddl_set_column_statistics(rdb_access *access, const rdb_relation *relation, int16_t number, bool inherits, const rdb_statistics *statistics, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    if (arena == NULL)
        return false;
    const rdb_datum keys[] = {datum_oid(relation->oid), datum_int16(number), {.b = inherits}};
    const new_row row = row_begin(access, RDB_PG_STATISTIC, arena);
    rdb_catalog_row old;
    bool found = false;
    const rdb_column *column = &relation->columns[number - 1];
    bool ok = statistics_fill(access, &row, relation->oid, number, inherits, column->type, column->collation, statistics, err) &&
              catalog_find_row(access, RDB_PG_STATISTIC, INDEX_STATISTIC, keys, RDB_COUNT_OF(keys), arena, &old, &found, err);
    if (ok && found) {
        old.values = row.values;
        old.is_null = row.is_null;
        ok = rdb_catalog_update(access, RDB_PG_STATISTIC, &old, err);
    } else if (ok) {
        ok = row_insert(&row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_get_statistics_target(rdb_access *access, uint32_t relation_oid, int16_t number, int32_t *target, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = arena != NULL && need_attribute_row(access, relation_oid, number, arena, &row, err);
    *target = ok ? row_int32(&row, RDB_pg_attribute_attstattarget) : -1;
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_get_column_options(rdb_access *access, uint32_t relation_oid, int16_t number, rdb_arena *arena, const char *const **options, uint32_t *count, rdb_error *err)
{
    rdb_catalog_row row;
    *options = NULL;
    *count = 0;
    return need_attribute_row(access, relation_oid, number, arena, &row, err) &&
           (row.is_null[RDB_pg_attribute_attoptions - 1] || row_texts(arena, &row, RDB_pg_attribute_attoptions, options, count, err));
}

bool rdb_ddl_set_column_options(rdb_access *access, uint32_t relation_oid, int16_t number, const char *const *options, uint32_t count, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_datum value = {.words = {0, 0}};
    bool ok = arena != NULL && (count == 0 || datum_from_texts(arena, RDB_TEXTARRAYOID, options, count, &value, err)) &&
              rdb_ddl_set_attribute_field(access, relation_oid, number, RDB_pg_attribute_attoptions, value, count == 0, err);
    rdb_arena_destroy(arena);
    return ok;
}
