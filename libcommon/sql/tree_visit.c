/* SPDX-License-Identifier: Apache-2.0
 * Going through analysed trees: the direct children of an expression, kind by kind, and what a query gives. */
#include "sql/rdb_query.h"

typedef struct visitor {
    bool (*visit)(void *context, rdb_expr *child);
    void *context;
} visitor;

static bool visit_one(const visitor *v, rdb_expr *child)
{
    return child == NULL || v->visit(v->context, child);
}

static bool visit_list(const visitor *v, const rdb_list *list)
{
    for (uint32_t at = 0; at < list->count; at++)
        if (!visit_one(v, list->items[at]))
            return false;
    return true;
}

static bool visit_targets(const visitor *v, const rdb_list *targets)
{
    for (uint32_t at = 0; at < targets->count; at++)
        if (!visit_one(v, ((const rdb_target *)targets->items[at])->expr))
            return false;
    return true;
}

static bool visit_case(const visitor *v, const rdb_expr_case *expr)
{
    if (!visit_one(v, expr->argument))
        return false;
    for (uint32_t at = 0; at < expr->whens.count; at++) {
        const rdb_case_when *when = expr->whens.items[at];
        if (!visit_one(v, when->condition) || !visit_one(v, when->result))
            return false;
    }
    return visit_one(v, expr->otherwise);
}

bool rdb_expr_visit_children(const rdb_expr *expr, bool (*visit)(void *context, rdb_expr *child), void *context)
{
    const visitor v = {visit, context};
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_CONST:
    case RDB_EXPR_VAR:
    case RDB_EXPR_PARAM:
    case RDB_EXPR_CASE_TEST:
    case RDB_EXPR_DOMAIN_VALUE:
    case RDB_EXPR_SQL_VALUE:
    case RDB_EXPR_NEXT_VALUE:
    case RDB_EXPR_DEFAULT:
    case RDB_EXPR_SLOT:
        return true;
    case RDB_EXPR_FUNCTION:
        return visit_list(&v, &((const rdb_expr_function *)expr)->arguments);
    case RDB_EXPR_ARRAY_OP: {
        const rdb_expr_array_op *op = (const rdb_expr_array_op *)expr;
        return visit_one(&v, op->left) && visit_one(&v, op->right);
    }
    case RDB_EXPR_BOOL:
        return visit_list(&v, &((const rdb_expr_bool *)expr)->arguments);
    case RDB_EXPR_CASE:
        return visit_case(&v, (const rdb_expr_case *)expr);
    case RDB_EXPR_COALESCE:
    case RDB_EXPR_MINMAX:
        return visit_list(&v, &((const rdb_expr_list *)expr)->arguments);
    case RDB_EXPR_NULLIF:
    case RDB_EXPR_DISTINCT: {
        const rdb_expr_pair *pair = (const rdb_expr_pair *)expr;
        return visit_one(&v, pair->left) && visit_one(&v, pair->right);
    }
    case RDB_EXPR_NULL_TEST:
        return visit_one(&v, ((const rdb_expr_null_test *)expr)->argument);
    case RDB_EXPR_BOOL_TEST:
        return visit_one(&v, ((const rdb_expr_bool_test *)expr)->argument);
    case RDB_EXPR_RELABEL:
    case RDB_EXPR_COERCE_IO:
    case RDB_EXPR_COERCE_DOMAIN:
    case RDB_EXPR_FIELD:
    case RDB_EXPR_ROW_CONVERT:
        return visit_one(&v, ((const rdb_expr_unary *)expr)->argument);
    case RDB_EXPR_ARRAY_COERCE: {
        const rdb_expr_array_coerce *coerce = (const rdb_expr_array_coerce *)expr;
        return visit_one(&v, coerce->argument) && visit_one(&v, coerce->element);
    }
    case RDB_EXPR_ARRAY:
        return visit_list(&v, &((const rdb_expr_array *)expr)->elements);
    case RDB_EXPR_ROW:
        return visit_list(&v, &((const rdb_expr_row *)expr)->fields);
    case RDB_EXPR_ROW_COMPARE: {
        const rdb_expr_row_compare *compare = (const rdb_expr_row_compare *)expr;
        return visit_list(&v, &compare->left) && visit_list(&v, &compare->right);
    }
    case RDB_EXPR_SUBSCRIPT: {
        const rdb_expr_subscript *subscript = (const rdb_expr_subscript *)expr;
        return visit_one(&v, subscript->argument) && visit_list(&v, &subscript->lower) &&
               visit_list(&v, &subscript->upper) && visit_one(&v, subscript->assignment);
    }
    case RDB_EXPR_SUBLINK: {
        const rdb_expr_sublink *sublink = (const rdb_expr_sublink *)expr;
        return visit_one(&v, sublink->test) && visit_list(&v, &sublink->left);
    }
    case RDB_EXPR_SUBPLAN: {
        const rdb_expr_subplan *subplan = (const rdb_expr_subplan *)expr;
        return visit_list(&v, &subplan->arguments) && visit_one(&v, subplan->test);
    }
    case RDB_EXPR_AGGREGATE: {
        const rdb_expr_aggregate *aggregate = (const rdb_expr_aggregate *)expr;
        return visit_list(&v, &aggregate->direct_arguments) && visit_targets(&v, &aggregate->arguments) &&
               visit_one(&v, aggregate->filter);
    }
    case RDB_EXPR_WINDOW: {
        const rdb_expr_window *window = (const rdb_expr_window *)expr;
        return visit_list(&v, &window->arguments) && visit_one(&v, window->filter);
    }
    case RDB_EXPR_GROUPING:
        return visit_list(&v, &((const rdb_expr_grouping *)expr)->arguments);
    }
    RDB_ASSERT(!"an expression of no kind");
    return true;
}

const rdb_list *rdb_query_result_targets(const rdb_query *query)
{
    return query->command == RDB_COMMAND_SELECT ? &query->targets : &query->returning;
}
