/* SPDX-License-Identifier: Apache-2.0
 * Which expressions are simple: built-in immutable functions over plain values. They neither wait nor look anything up, so they may
 * run under a page's latch and in any thread. */
#include "expr/rdb_expr.h"

static bool is_plain_type(uint32_t oid)
{
    switch (oid) {
    case RDB_BOOLOID: case RDB_CHAROID: case RDB_NAMEOID: case RDB_INT2OID: case RDB_INT4OID: case RDB_INT8OID: case RDB_OIDOID:
    case RDB_FLOAT4OID: case RDB_FLOAT8OID: case RDB_NUMERICOID: case RDB_TEXTOID: case RDB_VARCHAROID: case RDB_BPCHAROID: case RDB_BYTEAOID:
    case RDB_DATEOID: case RDB_TIMEOID: case RDB_TIMESTAMPOID: case RDB_TIMESTAMPTZOID: case RDB_INTERVALOID: case RDB_UUIDOID:
        return true;
    default:
        return false;
    }
}

static bool function_is_simple(const rdb_function *function, bool is_brief)
{
    if (function->volatility != 'i' || function->returns_set || function->has_body || function->kind != 'f' || function->parallel != 's' ||
        (is_brief && (strstr(function->name, "regex") != NULL || strstr(function->name, "similar") != NULL)) || !is_plain_type(function->return_type) || rdb_kernel_find(function->oid) == NULL)
        return false;
    for (uint32_t i = 0; i < function->argument_count; i++)
        if (!is_plain_type(function->argument_types[i]))
            return false;
    return true;
}

typedef struct simple_search {
    uint32_t depth; /* left */
    bool is_brief;
    bool (*is_known)(void *context, const rdb_expr_subplan *subplan); /* NULL: no sub-select is */
    void *context;
} simple_search;

static bool visit_simple(void *context, rdb_expr *expr)
{
    simple_search *search = context;
    bool ok = false;
    if (expr == NULL)
        return true;
    if (search->depth == 0)
        return false;
    search->depth--;
    switch (expr->kind) {
    case RDB_EXPR_CONST:
        ok = true;
        break;
    case RDB_EXPR_SLOT:
    case RDB_EXPR_CASE_TEST:
    case RDB_EXPR_PARAM:
        ok = is_plain_type(expr->type->oid);
        break;
    case RDB_EXPR_FUNCTION:
        ok = function_is_simple(((rdb_expr_function *)expr)->function, search->is_brief) && rdb_expr_visit_children(expr, visit_simple, context);
        break;
    case RDB_EXPR_ARRAY_OP: {
        const rdb_expr_array_op *e = (const rdb_expr_array_op *)expr;
        ok = function_is_simple(e->function, search->is_brief) && visit_simple(context, e->left);
        if (ok && e->right->kind == RDB_EXPR_ARRAY)
            ok = rdb_expr_visit_children(e->right, visit_simple, context);
        else
            ok = ok && e->right->kind == RDB_EXPR_CONST;
        break;
    }
    case RDB_EXPR_DISTINCT:
    case RDB_EXPR_NULLIF:
        ok = function_is_simple(((rdb_expr_pair *)expr)->function, search->is_brief) && rdb_expr_visit_children(expr, visit_simple, context);
        break;
    case RDB_EXPR_RELABEL:
    case RDB_EXPR_CASE:
    case RDB_EXPR_COALESCE:
        ok = is_plain_type(expr->type->oid) && rdb_expr_visit_children(expr, visit_simple, context);
        break;
    case RDB_EXPR_BOOL:
    case RDB_EXPR_NULL_TEST:
    case RDB_EXPR_BOOL_TEST:
        ok = rdb_expr_visit_children(expr, visit_simple, context);
        break;
    case RDB_EXPR_SUBPLAN:
        ok = search->is_known != NULL && is_plain_type(expr->type->oid) && search->is_known(search->context, (const rdb_expr_subplan *)expr);
        break;
    default:
        break;
    }
    search->depth++;
    return ok;
}

bool rdb_expr_is_simple(const rdb_expr *expr, bool is_brief)
{
    simple_search search = {.depth = 100, .is_brief = is_brief};
    return visit_simple(&search, (rdb_expr *)(uintptr_t)expr);
}

bool rdb_expr_is_simple_but(const rdb_expr *expr, bool (*is_known)(void *context, const rdb_expr_subplan *subplan), void *context)
{
    simple_search search = {.depth = 100, .is_known = is_known, .context = context};
    return visit_simple(&search, (rdb_expr *)(uintptr_t)expr);
}
