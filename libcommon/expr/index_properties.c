/* SPDX-License-Identifier: Apache-2.0
 * pg_index_column_has_property and its kin: what an index can do. All indexes are B+trees; those of other methods (hash) are
 * shown with what their method promises in PostgreSQL, which is less. Unknown names and objects give null. */
#include "expr/kernels.h"

#include "catalog/rdb_acl.h"

enum { METHOD_BTREE = 403, METHOD_HASH = 405 };
typedef struct property {
    const char *name;
    bool btree, hash;
} property;

static const property OF_METHOD[] = {
    {"can_order", true, false}, {"can_unique", true, false}, {"can_multi_col", true, false}, {"can_exclude", true, true}, {"can_include", true, false}};
static const property OF_INDEX[] = {
    {"clusterable", true, false}, {"index_scan", true, true}, {"bitmap_scan", true, true}, {"backward_scan", true, true}};
/* Of a key column; the order of its own is asked apart. */
static const property OF_COLUMN[] = {
    {"orderable", true, false}, {"distance_orderable", false, false}, {"returnable", true, false}, {"search_array", true, false}, {"search_nulls", true, false}};

static bool give(const property *table, size_t count, const char *name, uint32_t method, rdb_datum *result, bool *is_null)
{
    *is_null = true;
    for (size_t i = 0; i < count && (method == METHOD_BTREE || method == METHOD_HASH); i++)
        if (strcasecmp(table[i].name, name) == 0) {
            *is_null = false;
            result->b = method == METHOD_HASH ? table[i].hash : table[i].btree;
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
