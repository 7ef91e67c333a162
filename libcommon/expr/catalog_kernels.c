/* SPDX-License-Identifier: Apache-2.0
 * Functions over the catalog: names of OIDs, visibility, comments, sizes, privileges. Those that print trees as SQL stand in
 * room exec, above the deparser. */
#include "expr/kernels.h"

static bool user_name_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    const char *name = NULL;
    if (!expr_role_name(call, a[0].oid, &name))
        return false;
    if (name == NULL)
        name = rdb_arena_printf(call->arena, "unknown (OID=%u)", a[0].oid);
    return expr_set_text(call, name, strlen(name), result);
}
EXPR_ROW_KERNEL(user_name, 1)

static bool table_is_visible_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_relation *relation = NULL;
    bool visible = false;
    rdb_access *access = rdb_eval_of(call)->access;
    if (!rdb_relation_get(access, a[0].oid, &relation, call->err))
        return false;
    *is_null = relation == NULL;
    if (!*is_null && !rdb_relation_is_visible(access, a[0].oid, &visible, call->err))
        return false;
    result->b = visible;
    return true;
}
EXPR_ROW_KERNEL(table_is_visible, 1)

static bool my_temp_schema_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    result->oid = rdb_access_get_context(rdb_eval_of(call)->access)->temp_namespace_oid;
    return true;
}
EXPR_ROW_KERNEL(my_temp_schema, 0)

static bool is_other_temp_schema_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    char name[RDB_NAMEDATALEN];
    rdb_access *access = rdb_eval_of(call)->access;
    (void)nulls, (void)is_null;
    if (!rdb_namespace_get_name(access, a[0].oid, name, call->err))
        return false;
    result->b = strncmp(name, "pg_temp_", 8) == 0 && a[0].oid != rdb_access_get_context(access)->temp_namespace_oid;
    return true;
}
EXPR_ROW_KERNEL(is_other_temp_schema, 1)

static bool schema_in_path(rdb_call *call, uint32_t namespace_oid)
{
    uint32_t count = 0;
    const uint32_t *path = rdb_access_search_path(rdb_eval_of(call)->access, &count);
    for (uint32_t i = 0; i < count; i++)
        if (path[i] == namespace_oid)
            return true;
    return namespace_oid == RDB_NAMESPACE_PG_CATALOG;
}

static bool type_is_visible_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_type *type = NULL, *found = NULL;
    rdb_access *access = rdb_eval_of(call)->access;
    if (!rdb_type_get(access, a[0].oid, &type, call->err))
        return false;
    *is_null = type == NULL;
    if (type == NULL)
        return true;
    if (!rdb_type_find(access, NULL, type->name, &found, call->err))
        return false;
    result->b = found != NULL && found->oid == type->oid;
    return true;
}
EXPR_ROW_KERNEL(type_is_visible, 1)

static bool function_is_visible_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_function *function = NULL;
    if (!rdb_function_get(rdb_eval_of(call)->access, a[0].oid, &function, call->err))
        return false;
    *is_null = function == NULL;
    result->b = function != NULL && schema_in_path(call, function->namespace_oid);
    return true;
}
EXPR_ROW_KERNEL(function_is_visible, 1)

static bool operator_is_visible_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_operator_entry *entry = NULL;
    if (!rdb_operator_get(rdb_eval_of(call)->access, a[0].oid, &entry, call->err))
        return false;
    *is_null = entry == NULL;
    result->b = entry != NULL && schema_in_path(call, entry->namespace_oid);
    return true;
}
EXPR_ROW_KERNEL(operator_is_visible, 1)

/* Visible: its schema stands in search_path. Null: there is none of that number. */
static bool is_on_path(rdb_call *call, uint32_t catalog_oid, uint32_t index_oid, uint16_t namespace_column, uint32_t oid, rdb_datum *result, bool *is_null)
{
    const rdb_datum key = {.oid = oid};
    rdb_datum namespace_oid = {.words = {0, 0}};
    bool found = false;
    uint32_t count;
    if (!expr_read_catalog(call, catalog_oid, index_oid, &key, 1, namespace_column, RDB_REP_INT32, &namespace_oid, is_null, &found))
        return false;
    *is_null = !found;
    const uint32_t *path = rdb_access_search_path(rdb_eval_of(call)->access, &count);
    result->b = false;
    for (uint32_t i = 0; i < count; i++)
        result->b |= path[i] == namespace_oid.oid;
    return true;
}
#define IS_VISIBLE(name, catalog_oid, index_oid, namespace_column)                                                                 \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)                 \
    {                                                                                                                               \
        (void)nulls;                                                                                                                \
        return is_on_path(call, (catalog_oid), (index_oid), (namespace_column), a[0].oid, result, is_null);                         \
    }                                                                                                                               \
    EXPR_ROW_KERNEL(name, 1)
IS_VISIBLE(opclass_is_visible, 2616, 2687, 4)
IS_VISIBLE(opfamily_is_visible, 2753, 2755, 4)
IS_VISIBLE(conversion_is_visible, 2607, 2670, 3)
IS_VISIBLE(ts_parser_is_visible, 3601, 3607, 3)
IS_VISIBLE(ts_dict_is_visible, 3600, 3605, 3)
IS_VISIBLE(ts_config_is_visible, 3602, 3712, 3)
IS_VISIBLE(ts_template_is_visible, 3764, 3767, 3)
IS_VISIBLE(statistics_is_visible, 3381, 3380, 4)

static bool format_type_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_type *type = NULL;
    rdb_strbuf text;
    if (nulls[0]) {
        *is_null = true;
        return true;
    }
    if (a[0].oid == 0)
        return expr_set_text(call, "-", 1, result);
    if (!rdb_type_get(rdb_eval_of(call)->access, a[0].oid, &type, call->err))
        return false;
    if (type == NULL)
        return expr_set_text(call, "???", 3, result);
    rdb_strbuf_init(&text, call->arena);
    return rdb_expr_format_type(rdb_eval_of(call)->access, type, nulls[1] ? -1 : a[1].i32, !nulls[1], &text, call->err) && expr_set_text(call, text.data, text.length, result);
}
EXPR_ROW_KERNEL(format_type, 2)

/* ---- comments ---------------------------------------------------------------------------------------------------------------------- */
static bool read_comment(rdb_call *call, uint32_t object, uint32_t class_oid, int32_t sub, rdb_datum *result, bool *is_null)
{
    const rdb_datum keys[3] = {{.oid = object}, {.oid = class_oid}, {.i32 = sub}};
    bool found = false;
    return expr_read_catalog(call, RDB_PG_DESCRIPTION, 2675, keys, 3, 4, RDB_REP_BYTES, result, is_null, &found);
}

static bool object_comment_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_relation *class_relation = NULL;
    *is_null = true;
    if (!rdb_relation_find(rdb_eval_of(call)->access, "pg_catalog", expr_get_text(call, a[1]), &class_relation, call->err))
        return false;
    return class_relation == NULL || read_comment(call, a[0].oid, class_relation->oid, 0, result, is_null);
}
EXPR_ROW_KERNEL(object_comment, 2)

static bool column_comment_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return read_comment(call, a[0].oid, RDB_PG_CLASS, a[1].i32, result, is_null);
}
EXPR_ROW_KERNEL(column_comment, 2)

static bool shared_comment_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_relation *class_relation = NULL;
    bool found = false;
    *is_null = true;
    if (!rdb_relation_find(rdb_eval_of(call)->access, "pg_catalog", expr_get_text(call, a[1]), &class_relation, call->err))
        return false;
    const rdb_datum keys[2] = {{.oid = a[0].oid}, {.oid = class_relation ? class_relation->oid : 0}};
    return class_relation == NULL || expr_read_catalog(call, 2396, 2397, keys, 2, 3, RDB_REP_BYTES, result, is_null, &found);
}
EXPR_ROW_KERNEL(shared_comment, 2)

static const rdb_kernel_entry ENTRIES[] = {
    {1642, user_name, RDB_KERNEL_NEEDS_SESSION},
    {2079, table_is_visible, RDB_KERNEL_NEEDS_SESSION},
    {2854, my_temp_schema, RDB_KERNEL_NEEDS_SESSION},
    {2855, is_other_temp_schema, RDB_KERNEL_NEEDS_SESSION},
    {2080, type_is_visible, RDB_KERNEL_NEEDS_SESSION},
    {2081, function_is_visible, RDB_KERNEL_NEEDS_SESSION},
    {2082, operator_is_visible, RDB_KERNEL_NEEDS_SESSION},
    {2083, opclass_is_visible, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {3829, opfamily_is_visible, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {2093, conversion_is_visible, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {3756, ts_parser_is_visible, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {3757, ts_dict_is_visible, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {3758, ts_config_is_visible, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {3768, ts_template_is_visible, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {3403, statistics_is_visible, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {1081, format_type, RDB_KERNEL_NEEDS_SESSION},
    {1215, object_comment, RDB_KERNEL_NEEDS_SESSION},
    {1216, column_comment, RDB_KERNEL_NEEDS_SESSION},
    {1993, shared_comment, RDB_KERNEL_NEEDS_SESSION},
};

void expr_register_catalog_kernels(void)
{
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
