/* SPDX-License-Identifier: Apache-2.0
 * What an operator class makes an index of: which operators its family answers, and, for methods that keep terms, which class of
 * terms its support functions stand for. */
#include "catalog/catalog_int.h"

#include <stdlib.h>

enum { OPCLASS_OID_INDEX = 2687, AMOP_FAMILY_INDEX = 2653, AMPROC_FAMILY_INDEX = 2655, OPERATORS_MAX = 512 };

static bool read_family(rdb_access *access, rdb_index_column *column, uint32_t *input_type, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum key = datum_oid(column->opclass_oid);
    if (!catalog_find_row(access, RDB_PG_OPCLASS, OPCLASS_OID_INDEX, &key, 1, arena, &row, &found, err))
        return false;
    if (!found)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "cache lookup failed for operator class %u", column->opclass_oid);
    column->family_oid = row.values[RDB_pg_opclass_opcfamily - 1].oid;
    *input_type = row.values[RDB_pg_opclass_opcintype - 1].oid;
    return true;
}

static bool read_operators(rdb_access *access, rdb_index_column *column, rdb_arena *arena, rdb_error *err)
{
    rdb_index_operator *operators = RDB_NEW_ARRAY(arena, rdb_index_operator, OPERATORS_MAX);
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true, ok;
    const rdb_datum key = datum_oid(column->family_oid);
    ok = rdb_catalog_scan_open(&scan, access, RDB_PG_AMOP, AMOP_FAMILY_INDEX, &key, 1, arena, err);
    while (ok && column->operator_count < OPERATORS_MAX && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
        if (row.values[RDB_pg_amop_amoppurpose - 1].b == 's')
            operators[column->operator_count++] = (rdb_index_operator){row.values[RDB_pg_amop_amopopr - 1].oid, (uint16_t)row.values[RDB_pg_amop_amopstrategy - 1].i16};
    rdb_catalog_scan_close(&scan);
    column->operators = operators;
    return ok;
}

/* The source of the support function that says what the class does: the one for the class's own type. */
static bool read_support(rdb_access *access, const rdb_index_column *column, uint32_t input_type, uint16_t number, rdb_arena *arena, const char **source, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_function *function = NULL;
    const rdb_datum keys[] = {datum_oid(column->family_oid), datum_oid(input_type), datum_oid(input_type), {.i16 = (int16_t)number}};
    *source = NULL;
    if (!catalog_find_row(access, RDB_PG_AMPROC, AMPROC_FAMILY_INDEX, keys, 4, arena, &row, &found, err))
        return false;
    if (found && !rdb_function_get(access, row.values[RDB_pg_amproc_amproc - 1].oid, &function, err))
        return false;
    if (function != NULL)
        *source = function->source != NULL ? function->source : function->name;
    return true;
}

bool rdb_index_class_read(rdb_access *access, uint32_t method_oid, rdb_arena *arena, rdb_index_column *column, rdb_error *err)
{
    enum { BRIN_METHOD = 3580, BRIN_INFORMATION = 1 };
    const uint16_t number = method_oid == BRIN_METHOD ? BRIN_INFORMATION : rdb_term_support_number(method_oid);
    const char *source = NULL;
    uint32_t input_type = 0;
    column->terms = NULL;
    column->operator_count = 0;
    if (number == 0)
        return true;
    if (!read_family(access, column, &input_type, arena, err) || !read_operators(access, column, arena, err) ||
        !read_support(access, column, input_type, number, arena, &source, err))
        return false;
    if (method_oid == BRIN_METHOD) {
        column->sums_up = source != NULL && strcmp(source, "brin_minmax_opcinfo") == 0;
        return true;
    }
    column->terms = source != NULL ? rdb_term_class_find(method_oid, source) : NULL;
    return true;
}

bool rdb_index_terms_of(const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, const rdb_index_values *computed, rdb_terms *terms, rdb_error *err)
{
    for (uint16_t i = 0; i < index->key_count; i++) {
        const rdb_index_column *column = &index->columns[i];
        const bool is_computed = computed != NULL && computed->values != NULL;
        const uint16_t at = is_computed ? i : (uint16_t)(column->column_number - 1);
        if (is_computed ? computed->is_null[at] : is_null[at])
            continue;
        if (column->terms == NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "the operator class of index \"%s\" is not supported yet", index->name);
        if (!rdb_terms_extract(column->terms, i, column->type, column->collation, is_computed ? computed->values[at] : values[at], terms, err))
            return false;
    }
    rdb_terms_finish(terms);
    return rdb_arena_check(terms->arena, err);
}
