/* SPDX-License-Identifier: Apache-2.0
 * The functions and operators that take a path. */
#include "type/jsonpath.h"
#include "type/tables.h"

/* Which of the arguments are there: (target, path), or (target, path, vars, silent). */
typedef struct question {
    bool has_vars, with_zone, is_silent;
} question;

static bool prepare(rdb_call *call, const rdb_datum *a, question q, type_jsonpath_run *run)
{
    type_jsonpath *path = NULL;
    type_jsonb vars;
    *run = (type_jsonpath_run){.is_silent = q.has_vars ? a[3].b : q.is_silent, .with_zone = q.with_zone, .root = a[0].bytes};
    if (!type_jsonpath_read(call, a[1].bytes, &path, &run->is_lax))
        return false;
    run->path = path;
    if (q.has_vars) {
        type_jsonb_read(a[2].bytes, &vars);
        if (vars.kind != TYPE_JSON_OBJECT) {
            rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "\"vars\" argument is not an object");
            return rdb_error_detail(call->err, "Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.");
        }
        run->vars = a[2].bytes;
    }
    return true;
}

static bool path_exists(rdb_call *call, const rdb_datum *a, question q, rdb_datum *r, bool *is_null)
{
    type_jsonpath_run run;
    type_jsonpath_outcome outcome;
    if (!prepare(call, a, q, &run) || !type_jsonpath_evaluate(call, &run, NULL, &outcome))
        return false;
    *is_null = outcome == TYPE_JSONPATH_FAILED;
    r->b = outcome == TYPE_JSONPATH_FOUND;
    return true;
}

static bool path_match(rdb_call *call, const rdb_datum *a, question q, rdb_datum *r, bool *is_null)
{
    type_jsonpath_run run;
    type_jsonpath_outcome outcome;
    type_jsonpath_items found = {0};
    *is_null = true;
    if (!prepare(call, a, q, &run) || !type_jsonpath_evaluate(call, &run, &found, &outcome))
        return false;
    if (found.count == 1 && found.items[0].datetime_oid == 0) {
        type_json_kind kind = (type_json_kind)found.items[0].node.data[0];
        if (kind == TYPE_JSON_NULL)
            return true;
        if (kind == TYPE_JSON_FALSE || kind == TYPE_JSON_TRUE) {
            *is_null = false;
            r->b = kind == TYPE_JSON_TRUE;
            return true;
        }
    }
    return run.is_silent || rdb_error_set(call->err, RDB_SINGLETON_SQL_JSON_ITEM_REQUIRED, "single boolean result is expected");
}

static bool path_all(rdb_call *call, const rdb_datum *a, question q, type_jsonpath_items *found)
{
    type_jsonpath_run run;
    type_jsonpath_outcome outcome;
    memset(found, 0, sizeof *found);
    return prepare(call, a, q, &run) && type_jsonpath_evaluate(call, &run, found, &outcome);
}

static bool path_query_array(rdb_call *call, const rdb_datum *a, question q, rdb_datum *r)
{
    type_jsonpath_items found;
    if (!path_all(call, a, q, &found))
        return false;
    type_json *array = type_json_new(call, TYPE_JSON_ARRAY);
    for (uint32_t i = 0; i < found.count; i++) {
        rdb_bytes node;
        type_json *item = NULL;
        if (!type_jsonpath_item_node(call, &found.items[i], &node) || !type_jsonb_tree(call, node, &item) || !type_json_add(call, array, (rdb_bytes){0}, item))
            return false;
    }
    return type_jsonb_write(call, array, r);
}

static bool path_query_first(rdb_call *call, const rdb_datum *a, question q, rdb_datum *r, bool *is_null)
{
    type_jsonpath_items found;
    if (!path_all(call, a, q, &found))
        return false;
    *is_null = found.count == 0;
    return *is_null || type_jsonpath_item_node(call, &found.items[0], &r->bytes);
}

#define PLAIN ((question){.has_vars = true})
#define ZONED ((question){.has_vars = true, .with_zone = true})
#define OPERATOR ((question){.is_silent = true})
TYPE_ROW_FUNCTION(jsonb_path_exists, 4) { return path_exists(call, a, PLAIN, r, is_null); }
TYPE_ROW_FUNCTION(jsonb_path_exists_tz, 4) { return path_exists(call, a, ZONED, r, is_null); }
TYPE_ROW_FUNCTION(jsonb_path_exists_opr, 2) { return path_exists(call, a, OPERATOR, r, is_null); }
TYPE_ROW_FUNCTION(jsonb_path_match, 4) { return path_match(call, a, PLAIN, r, is_null); }
TYPE_ROW_FUNCTION(jsonb_path_match_tz, 4) { return path_match(call, a, ZONED, r, is_null); }
TYPE_ROW_FUNCTION(jsonb_path_match_opr, 2) { return path_match(call, a, OPERATOR, r, is_null); }
TYPE_ROW_FUNCTION(jsonb_path_query_array, 4) { return path_query_array(call, a, PLAIN, r); }
TYPE_ROW_FUNCTION(jsonb_path_query_array_tz, 4) { return path_query_array(call, a, ZONED, r); }
TYPE_ROW_FUNCTION(jsonb_path_query_first, 4) { return path_query_first(call, a, PLAIN, r, is_null); }
TYPE_ROW_FUNCTION(jsonb_path_query_first_tz, 4) { return path_query_first(call, a, ZONED, r, is_null); }

typedef struct path_series {
    type_jsonpath_items found;
    uint32_t next;
} path_series;

static bool query_next(rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    path_series *series = state;
    for (*count = 0; *count < capacity && series->next < series->found.count; ++*count, series->next++) {
        rdb_datum value = {.words = {0, 0}};
        if (!type_jsonpath_item_node(call, &series->found.items[series->next], &value.bytes))
            return false;
        rdb_vector_put(columns[0], *count, value, false);
    }
    return true;
}

static bool query_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    path_series *series = state;
    series->next = 0;
    return path_all(call, a, PLAIN, &series->found);
}

static bool query_tz_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    path_series *series = state;
    series->next = 0;
    return path_all(call, a, ZONED, &series->found);
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"jsonb_path_exists", jsonb_path_exists, F, 0}, {"jsonb_path_exists_tz", jsonb_path_exists_tz, F, 0}, {"jsonb_path_exists_opr", jsonb_path_exists_opr, F, 0},
    {"jsonb_path_match", jsonb_path_match, F, 0}, {"jsonb_path_match_tz", jsonb_path_match_tz, F, 0}, {"jsonb_path_match_opr", jsonb_path_match_opr, F, 0},
    {"jsonb_path_query_array", jsonb_path_query_array, F, 0}, {"jsonb_path_query_array_tz", jsonb_path_query_array_tz, F, 0},
    {"jsonb_path_query_first", jsonb_path_query_first, F, 0}, {"jsonb_path_query_first_tz", jsonb_path_query_first_tz, F, 0},
};
TYPE_KERNEL_TABLE(type_jsonpath_table, KERNELS);

static const type_set_kernel SET_KERNELS[] = {
    {"jsonb_path_query", {0, sizeof(path_series), query_begin, query_next, F}, 0},
    {"jsonb_path_query_tz", {0, sizeof(path_series), query_tz_begin, query_next, F}, 0},
};
TYPE_SET_KERNEL_TABLE(type_jsonpath_set_table, SET_KERNELS);
