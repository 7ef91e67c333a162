/* SPDX-License-Identifier: Apache-2.0
 * What ANALYZE found for objects of CREATE STATISTICS: rows of pg_statistic_ext_data, in PostgreSQL's columns, and what a relation's
 * descriptor has of them. */
#include "catalog/ddl_int.h"

#include <stdlib.h>

/* ---- reading ------------------------------------------------------------------------------------------------------------------- */
/* Part i of the object: a column by its number, an expression as -1, -2, ... UINT32_MAX: it has no such part. */
static uint32_t part_of(const rdb_extended_statistics *object, int16_t attribute)
{
    for (uint32_t i = 0; i < object->column_count; i++)
        if (object->columns[i] == attribute)
            return i;
    const uint32_t part = object->column_count + (uint32_t)(-attribute) - 1;
    return attribute < 0 && part < object->part_count ? part : UINT32_MAX;
}

static bool parts_of(const rdb_extended_statistics *object, const int16_t *attributes, uint32_t count, uint8_t *parts)
{
    *parts = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t part = part_of(object, attributes[i]);
        if (part == UINT32_MAX)
            return false;
        *parts |= (uint8_t)(1u << part);
    }
    return true;
}

static void read_distinct(rdb_extended_statistics *object, rdb_datum value, rdb_arena *arena, rdb_arena *work)
{
    const rdb_combination *items;
    uint32_t count, used = 0;
    if (!rdb_combinations_read(work, RDB_NDISTINCT_OID, value, &items, &count))
        return;
    rdb_parts_distinct *read = RDB_NEW_ARRAY(arena, rdb_parts_distinct, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        read[used].distinct = items[i].value;
        used += parts_of(object, items[i].attributes, items[i].count, &read[used].parts);
    }
    object->distinct = read;
    object->distinct_count = used;
}

static void read_dependencies(rdb_extended_statistics *object, rdb_datum value, rdb_arena *arena, rdb_arena *work)
{
    const rdb_combination *items;
    uint32_t count, used = 0;
    if (!rdb_combinations_read(work, RDB_DEPENDENCIES_OID, value, &items, &count))
        return;
    rdb_parts_dependency *read = RDB_NEW_ARRAY(arena, rdb_parts_dependency, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        read[used].degree = items[i].value;
        used += items[i].count > 1 && parts_of(object, items[i].attributes, items[i].count - 1, &read[used].from) &&
                parts_of(object, &items[i].attributes[items[i].count - 1], 1, &read[used].to);
    }
    object->dependencies = read;
    object->dependency_count = used;
}

static bool read_common(rdb_access *access, rdb_extended_statistics *object, rdb_datum value, rdb_arena *arena, rdb_error *err)
{
    rdb_mcv_list list;
    if (!rdb_mcv_list_read(arena, value, &list) || list.part_count != object->part_count)
        return true;
    rdb_common_part *parts = RDB_NEW_ARRAY(arena, rdb_common_part, list.part_count);
    for (uint32_t k = 0; k < list.part_count; k++) {
        rdb_array_shape shape;
        const rdb_type *type = NULL;
        rdb_datum *values = RDB_NEW_ARRAY(arena, rdb_datum, list.item_count + 1);
        bool *is_null = RDB_NEW_ARRAY(arena, bool, list.item_count + 1);
        rdb_array_get_shape(list.values[k], &shape);
        if (!rdb_type_get(access, shape.element_oid, &type, err))
            return false;
        if (type == NULL)
            return true; /* the column has another type by now, and this one is gone */
        for (uint32_t i = 0; i < list.item_count; i++) {
            rdb_datum one;
            is_null[i] = !rdb_array_get(list.values[k], i, &one);
            if (!is_null[i] && !rdb_datum_copy(arena, (rdb_rep)type->rep, one, &values[i], err))
                return false;
        }
        parts[k] = (rdb_common_part){.type_oid = type->oid, .values = values, .is_null = is_null};
    }
    object->common = parts;
    object->common_count = list.item_count;
    object->common_shares = list.frequencies;
    object->common_bases = list.base_frequencies;
    return true;
}

/* The type of an expression, as its values have it: 0 where there are none. */
static uint32_t type_of_values(const rdb_catalog_row *row)
{
    for (int column = RDB_pg_statistic_stavalues1; column <= RDB_pg_statistic_stavalues5; column++)
        if (!row->is_null[column - 1]) {
            rdb_array_shape shape;
            rdb_array_get_shape(row->values[column - 1], &shape);
            return shape.element_oid;
        }
    return 0;
}

static bool read_expressions(rdb_access *access, rdb_extended_statistics *object, rdb_datum value, rdb_arena *arena, rdb_arena *work, rdb_error *err)
{
    rdb_array_shape shape;
    rdb_array_get_shape(value, &shape);
    if (shape.count != (uint32_t)(object->part_count - object->column_count))
        return true;
    const rdb_statistics **all = RDB_NEW_ARRAY(arena, const rdb_statistics *, shape.count + 1);
    uint32_t *types = RDB_NEW_ARRAY(arena, uint32_t, shape.count + 1);
    for (uint32_t i = 0; i < shape.count; i++) {
        rdb_datum record;
        const rdb_type *type = NULL;
        rdb_catalog_row row = {.values = RDB_NEW_ARRAY(work, rdb_datum, RDB_pg_statistic_COLUMNS), .is_null = RDB_NEW_ARRAY(work, bool, RDB_pg_statistic_COLUMNS)};
        if (!rdb_array_get(value, i, &record))
            continue;
        for (uint32_t k = 0; k < RDB_pg_statistic_COLUMNS; k++)
            row.is_null[k] = !rdb_record_field(record, k, NULL, &row.values[k]);
        types[i] = type_of_values(&row);
        if (types[i] != 0 && !rdb_type_get(access, types[i], &type, err))
            return false;
        if (type == NULL) { /* it is gone, or there are no values: none are read */
            types[i] = 0;
            type = objects_type_get(RDB_INT4OID);
        }
        rdb_statistics *one = RDB_NEW(arena, rdb_statistics);
        if (!statistics_read(&row, type, arena, work, one, err))
            return false;
        all[i] = one;
    }
    object->expressions = all;
    object->expression_types = types;
    return true;
}

static bool read_object(rdb_access *access, const rdb_catalog_row *row, const rdb_statistics_object *described, rdb_extended_statistics *object, rdb_arena *arena, rdb_arena *work,
                        rdb_error *err)
{
    const bool *is_null = row->is_null;
    object->oid = described->oid;
    object->inherits = row_bool(row, RDB_pg_statistic_ext_data_stxdinherit);
    object->column_count = (uint16_t)described->column_count;
    memcpy(object->columns, described->columns, described->column_count * sizeof object->columns[0]);
    object->part_count = object->column_count;
    object->expression_tree = described->expression_tree != NULL ? rdb_arena_strdup(arena, described->expression_tree) : NULL;
    if (!is_null[RDB_pg_statistic_ext_data_stxdexpr - 1]) {
        rdb_array_shape shape;
        rdb_array_get_shape(row->values[RDB_pg_statistic_ext_data_stxdexpr - 1], &shape);
        if (shape.count + object->column_count > RDB_STATISTICS_PARTS_MAX)
            return true;
        object->part_count = (uint16_t)(object->column_count + shape.count);
    }
    if (!is_null[RDB_pg_statistic_ext_data_stxdndistinct - 1])
        read_distinct(object, row->values[RDB_pg_statistic_ext_data_stxdndistinct - 1], arena, work);
    if (!is_null[RDB_pg_statistic_ext_data_stxddependencies - 1])
        read_dependencies(object, row->values[RDB_pg_statistic_ext_data_stxddependencies - 1], arena, work);
    return (is_null[RDB_pg_statistic_ext_data_stxdmcv - 1] || read_common(access, object, row->values[RDB_pg_statistic_ext_data_stxdmcv - 1], arena, err)) &&
           (is_null[RDB_pg_statistic_ext_data_stxdexpr - 1] || read_expressions(access, object, row->values[RDB_pg_statistic_ext_data_stxdexpr - 1], arena, work, err));
}

bool load_extended_statistics(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    rdb_relation *relation = &entry->is.relation;
    const rdb_statistics_object *described = NULL;
    uint32_t count = 0;
    if (!rdb_ddl_list_statistics(access, relation->oid, work, &described, &count, err))
        return false;
    if (count == 0)
        return true;
    rdb_extended_statistics *all = RDB_NEW_ARRAY(entry->arena, rdb_extended_statistics, 2 * count); /* without and with tables below it */
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        const rdb_datum key = datum_oid(described[i].oid);
        rdb_catalog_scan *scan = NULL;
        rdb_catalog_row row;
        bool found = true;
        ok = rdb_catalog_scan_open(&scan, access, RDB_PG_STATISTIC_EXT_DATA, INDEX_STATISTIC_EXT_DATA, &key, 1, work, err);
        while (ok && relation->extended_count < 2 * count && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
            ok = read_object(access, &row, &described[i], &all[relation->extended_count++], entry->arena, work, err);
        rdb_catalog_scan_close(&scan);
    }
    relation->extended = all;
    return ok;
}

static int by_oid(const void *left, const void *right)
{
    const uint32_t a = ((const rdb_statistics_object *)left)->oid, b = ((const rdb_statistics_object *)right)->oid;
    return (a > b) - (a < b);
}

bool rdb_ddl_list_statistics(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, const rdb_statistics_object **objects, uint32_t *count, rdb_error *err)
{
    const rdb_datum key = datum_oid(relation_oid);
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    rdb_statistics_object *all = NULL;
    bool found = true;
    *objects = NULL;
    *count = 0;
    bool ok = rdb_catalog_scan_open(&scan, access, RDB_PG_STATISTIC_EXT, INDEX_STATISTIC_EXT_RELATION, &key, 1, arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        rdb_array_shape kinds;
        char schema[RDB_NAMEDATALEN];
        all = rdb_arena_try_grow(arena, all, *count * sizeof *all, (*count + 1) * sizeof *all, err);
        if (all == NULL) {
            ok = false;
            break;
        }
        rdb_statistics_object *one = &all[(*count)++];
        *one = (rdb_statistics_object){.oid = row_oid(&row, RDB_pg_statistic_ext_oid), .target = row_int32(&row, RDB_pg_statistic_ext_stxstattarget)};
        one->name = row_text(arena, &row, RDB_pg_statistic_ext_stxname);
        one->expression_tree = row_text(arena, &row, RDB_pg_statistic_ext_stxexprs);
        ok = rdb_namespace_get_name(access, row_oid(&row, RDB_pg_statistic_ext_stxnamespace), schema, err) &&
             row_int16s(arena, &row, RDB_pg_statistic_ext_stxkeys, &one->columns, &one->column_count, err);
        if (ok && one->column_count > RDB_STATISTICS_PARTS_MAX)
            ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "statistics object \"%s\" has %u columns", one->name, one->column_count);
        one->schema = rdb_arena_strdup(arena, ok ? schema : "");
        rdb_array_get_shape(row.values[RDB_pg_statistic_ext_stxkind - 1], &kinds);
        for (uint32_t i = 0; i < kinds.count && i + 1 < sizeof one->kinds; i++) {
            rdb_datum kind;
            if (rdb_array_get(row.values[RDB_pg_statistic_ext_stxkind - 1], i, &kind))
                one->kinds[i] = (char)kind.i8;
        }
    }
    rdb_catalog_scan_close(&scan);
    if (ok && *count > 1)
        qsort(all, *count, sizeof *all, by_oid);
    *objects = all;
    return ok;
}

/* ---- writing -------------------------------------------------------------------------------------------------------------------- */
/* Rows of pg_statistic as one value. */
static bool build_expressions(rdb_access *access, rdb_call *call, const rdb_statistics_found *found, rdb_datum *value)
{
    const rdb_relation *relation = system_relation(access->context.database, RDB_PG_STATISTIC);
    const rdb_type *types[RDB_pg_statistic_COLUMNS], *row_type = objects_type_get(relation->row_type_oid);
    rdb_datum records[RDB_STATISTICS_PARTS_MAX];
    if (row_type == NULL)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "pg_statistic has no row type");
    for (uint32_t i = 0; i < RDB_pg_statistic_COLUMNS; i++)
        types[i] = relation->columns[i].type;
    for (uint32_t i = 0; i < found->expression_count; i++) {
        const new_row row = row_begin(access, RDB_PG_STATISTIC, call->arena);
        if (!statistics_fill(access, &row, 0, 0, false, found->expression_types[i], found->expression_collations[i], &found->expressions[i], call->err) ||
            !rdb_record_build(call, types, row.values, row.is_null, RDB_pg_statistic_COLUMNS, &records[i]))
            return false;
    }
    return rdb_array_build(call, row_type, records, NULL, found->expression_count, value);
}

static bool store(rdb_access *access, uint32_t oid, bool inherits, const rdb_statistics_found *found, rdb_arena *arena, rdb_error *err)
{
    rdb_call call = {.arena = arena, .err = err, .format = rdb_format_default()};
    const rdb_datum keys[] = {datum_oid(oid), {.b = inherits}};
    const new_row row = row_begin(access, RDB_PG_STATISTIC_EXT_DATA, arena);
    rdb_catalog_row old;
    bool was_there = false;
    set_oid(&row, RDB_pg_statistic_ext_data_stxoid, oid);
    set_bool(&row, RDB_pg_statistic_ext_data_stxdinherit, inherits);
    if ((found->distinct_count > 0 && !rdb_combinations_build(&call, RDB_NDISTINCT_OID, found->distinct, found->distinct_count, row_at(&row, RDB_pg_statistic_ext_data_stxdndistinct))) ||
        (found->dependency_count > 0 &&
         !rdb_combinations_build(&call, RDB_DEPENDENCIES_OID, found->dependencies, found->dependency_count, row_at(&row, RDB_pg_statistic_ext_data_stxddependencies))) ||
        (found->common != NULL && !rdb_mcv_list_build(&call, found->common, row_at(&row, RDB_pg_statistic_ext_data_stxdmcv))) ||
        (found->expression_count > 0 && !build_expressions(access, &call, found, row_at(&row, RDB_pg_statistic_ext_data_stxdexpr))) ||
        !catalog_find_row(access, RDB_PG_STATISTIC_EXT_DATA, INDEX_STATISTIC_EXT_DATA, keys, RDB_COUNT_OF(keys), arena, &old, &was_there, err))
        return false;
    if (!was_there)
        return row_insert(&row, err);
    old.values = row.values;
    old.is_null = row.is_null;
    return rdb_catalog_update(access, RDB_PG_STATISTIC_EXT_DATA, &old, err);
}

bool rdb_ddl_store_statistics(rdb_access *access, uint32_t relation_oid, uint32_t oid, bool inherits, const rdb_statistics_found *found, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    const bool ok = arena != NULL && store(access, oid, inherits, found, arena, err) && overlay_note(access, RDB_PG_CLASS, relation_oid, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_renew_statistics(rdb_access *access, uint32_t relation_oid, uint32_t oid, const char *tree, rdb_error *err)
{
    const rdb_datum key = datum_oid(oid);
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = arena != NULL && delete_rows(access, RDB_PG_STATISTIC_EXT_DATA, INDEX_STATISTIC_EXT_DATA, &key, 1, err) &&
              need_row(access, RDB_PG_STATISTIC_EXT, INDEX_STATISTIC_EXT_OID, &key, 1, arena, &row, err);
    if (ok && tree != NULL) {
        row.values[RDB_pg_statistic_ext_stxexprs - 1] = datum_text(tree);
        ok = rdb_catalog_update(access, RDB_PG_STATISTIC_EXT, &row, err);
    }
    ok = ok && overlay_note(access, RDB_PG_CLASS, relation_oid, err);
    rdb_arena_destroy(arena);
    return ok;
}
