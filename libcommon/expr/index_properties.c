/* SPDX-License-Identifier: Apache-2.0
 * pg_index_column_has_property and its kin: what an index can do, by its method as PostgreSQL has it. Unknown names and objects give null. */
#include "expr/kernels.h"

#include "catalog/rdb_acl.h"

enum { METHOD_BTREE = 403, METHOD_GIST = 783 };
/* A letter for each method: y yes, n no. */
static const uint32_t METHODS[] = {403, 405, 783, 2742, 4000, 3580}; /* btree hash gist gin spgist brin */
typedef struct property {
    const char *name, *of;
} property;

static const property OF_METHOD[] = {
    {"can_order", "ynnnnn"}, {"can_unique", "ynnnnn"}, {"can_multi_col", "ynyyny"}, {"can_exclude", "yyynyn"}, {"can_include", "ynynyn"}};
static const property OF_INDEX[] = {{"clusterable", "ynynnn"}, {"index_scan", "yyynyn"}, {"bitmap_scan", "yyyyyy"}, {"backward_scan", "yynnnn"}};
/* Of a key column; the order of its own is asked apart. */
static const property OF_COLUMN[] = {
    {"orderable", "ynnnnn"}, {"distance_orderable", "nnnnnn"}, {"returnable", "ynnnnn"}, {"search_array", "ynnnnn"}, {"search_nulls", "ynynyy"}};

static bool give(const property *table, size_t count, const char *name, uint32_t method, rdb_datum *result, bool *is_null)
{
    *is_null = true;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < RDB_COUNT_OF(METHODS) && strcasecmp(table[i].name, name) == 0; k++)
            if (METHODS[k] == method) {
                *is_null = false;
                result->b = table[i].of[k] == 'y';
            }
    return true;
}

static bool find_index(rdb_call *call, uint32_t oid, const rdb_relation_index **index)
{
    const rdb_relation *relation = NULL, *table = NULL;
    *index = NULL;
    if (!rdb_relation_get(rdb_eval_of(call)->access, oid, &relation, call->err))
        return false;
    if (relation == NULL || relation->index_of == 0)
        return true;
    if (!rdb_relation_get(rdb_eval_of(call)->access, relation->index_of, &table, call->err))
        return false;
    for (uint16_t i = 0; table != NULL && i < table->index_count; i++)
        if (table->indexes[i].oid == oid)
            *index = &table->indexes[i];
    return true;
}

static bool of_method_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give(OF_METHOD, RDB_COUNT_OF(OF_METHOD), expr_get_text(call, a[1]), a[0].oid, result, is_null);
}
EXPR_ROW_KERNEL(of_method, 2)

static bool of_index_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation_index *index;
    (void)nulls;
    return find_index(call, a[0].oid, &index) &&
           give(OF_INDEX, RDB_COUNT_OF(OF_INDEX), expr_get_text(call, a[1]), index != NULL ? index->method_oid : 0, result, is_null);
}
EXPR_ROW_KERNEL(of_index, 2)

static bool of_column_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation_index *index;
    const char *name = expr_get_text(call, a[2]);
    (void)nulls;
    *is_null = true;
    if (!find_index(call, a[0].oid, &index))
        return false;
    if (index == NULL || a[1].i32 < 1 || a[1].i32 > index->column_count)
        return true;
    const bool is_key = a[1].i32 <= index->key_count, is_ordered = index->method_oid == METHOD_BTREE;
    const rdb_index_column *column = &index->columns[a[1].i32 - 1];
    const struct { const char *name; bool holds; } order[] = {
        {"asc", !column->is_descending}, {"desc", column->is_descending}, {"nulls_first", column->nulls_first}, {"nulls_last", !column->nulls_first}};
    for (size_t i = 0; i < RDB_COUNT_OF(order); i++)
        if (strcasecmp(order[i].name, name) == 0) {
            *is_null = !is_key; /* columns that are only carried along have no order */
            result->b = is_ordered && order[i].holds;
            return true;
        }
    if (is_key)
        return give(OF_COLUMN, RDB_COUNT_OF(OF_COLUMN), name, index->method_oid, result, is_null);
    if (strcasecmp(name, "returnable") == 0)
        *is_null = false, result->b = true;
    else if (strcasecmp(name, "orderable") == 0 || strcasecmp(name, "distance_orderable") == 0)
        *is_null = false, result->b = false;
    return true;
}
EXPR_ROW_KERNEL(of_column, 3)

void expr_register_index_properties(void)
{
    static const rdb_kernel_entry ENTRIES[] = {
        {636, of_method, 0},
        {637, of_index, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {638, of_column, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    };
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
