/* SPDX-License-Identifier: Apache-2.0
 * EXISTS where it cannot be joined (under OR, in a select list): one that hangs on the query around it by nothing but an equality
 * is the same as (outer = ANY (SELECT inner ...)) IS TRUE, whose rows are read once and hashed. Where an index finds the inner side
 * it stays as it is: a look into the index for each row is no more. */
#include "sql/plan_int.h"

typedef struct side_search {
    bool reads_outer, reads_own, is_odd; /* odd: reads levels further out, or holds a query of its own */
} side_search;

static bool see_side(void *context, const rdb_expr *expr, uint32_t levels)
{
    side_search *s = context;
    if (expr->kind == RDB_EXPR_SUBLINK || expr->kind == RDB_EXPR_AGGREGATE || expr->kind == RDB_EXPR_GROUPING)
        s->is_odd = true;
    if (expr->kind == RDB_EXPR_VAR) {
        const uint16_t up = ((const rdb_expr_var *)expr)->levels_up;
        s->reads_own |= up == levels;
        s->reads_outer |= up == levels + 1;
        s->is_odd |= up > levels + 1;
    }
    return true;
}

static side_search sides_of(const rdb_expr *expr)
{
    side_search s = {0};
    (void)analyse_walk(expr, 0, see_side, &s);
    return s;
}

static bool see_outward(void *context, const rdb_expr *expr, uint32_t levels)
{
    bool *found = context;
    *found |= expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->levels_up > levels;
    return !*found;
}

static bool has_index(const rdb_query *query, const rdb_expr *expr)
{
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (expr->kind != RDB_EXPR_VAR || var->range_no == 0 || var->range_no > query->ranges.count)
        return false;
    const rdb_range *range = query->ranges.items[var->range_no - 1];
    for (uint16_t i = 0; range->kind == RDB_RANGE_RELATION && i < range->relation->index_count; i++) {
        const rdb_relation_index *index = &range->relation->indexes[i];
        if (index->is_valid && index->kind == RDB_INDEX_ORDERED && index->predicate_tree == NULL && index->key_count > 0 && index->columns[0].column_number == var->attribute_no)
            return true;
    }
    return false;
}

/* outer = inner, either way round where both are of one type. */
static bool read_equality(planner *p, rdb_expr *conjunct, rdb_expr **outer, rdb_expr **inner)
{
    const rdb_expr_function *call = plan_comparison(conjunct);
    if (call == NULL || !plan_is_equality(p, conjunct))
        return false;
    rdb_expr *left = call->arguments.items[0], *right = call->arguments.items[1];
    side_search a = sides_of(left), b = sides_of(right);
    const bool is_swapped = a.reads_own;
    if (a.is_odd || b.is_odd || (is_swapped && left->type->oid != right->type->oid) || rdb_expr_volatility(conjunct) == 'v')
        return false;
    *outer = is_swapped ? right : left;
    *inner = is_swapped ? left : right;
    const side_search *far = is_swapped ? &b : &a, *near = is_swapped ? &a : &b;
    return far->reads_outer && !far->reads_own && near->reads_own && !near->reads_outer;
}

static rdb_expr *make_test(planner *p, const rdb_expr_function *call, rdb_expr *outer, const rdb_expr *inner)
{
    rdb_expr_function *test = rdb_arena_memdup(p->arena, call, sizeof *test);
    rdb_expr_param *row = RDB_NEW(p->arena, rdb_expr_param);
    row->head = *inner;
    row->head.kind = RDB_EXPR_PARAM;
    row->param_kind = RDB_PARAM_EXECUTION;
    row->param_no = 1;
    test->arguments = (rdb_list){0};
    rdb_list_push(p->arena, &test->arguments, outer);
    rdb_list_push(p->arena, &test->arguments, row);
    return &test->head;
}

rdb_expr *plan_exists_as_any(planner *p, const rdb_expr_sublink *link)
{
    const rdb_query *query = plan_without_show(p, link->query);
    rdb_list conjuncts = {0};
    rdb_expr *outer = NULL, *inner = NULL, *rest = NULL;
    const rdb_expr_function *equality = NULL;
    bool is_correlated = false, reads_out = false;
    if (link->sublink_kind != RDB_SUBLINK_EXISTS || !plan_is_plain(query, &is_correlated) || !is_correlated)
        return NULL;
    plan_split(p, query->where, &conjuncts);
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        rdb_expr *conjunct = conjuncts.items[i];
        if (equality == NULL && read_equality(p, conjunct, &outer, &inner)) {
            equality = (const rdb_expr_function *)conjunct;
            continue;
        }
        if (rdb_expr_volatility(conjunct) == 'v' && sides_of(conjunct).is_odd == false)
            return NULL;
        rest = plan_and(p, rest, conjunct);
    }
    if (equality == NULL || has_index(query, inner))
        return NULL;
    rdb_query *rows = rdb_arena_memdup(p->arena, query, sizeof *rows);
    rdb_target *target = RDB_NEW(p->arena, rdb_target);
    *target = (rdb_target){.expr = inner, .number = 1, .name = "?column?"};
    rows->where = rest;
    rows->targets = (rdb_list){0};
    rdb_list_push(p->arena, &rows->targets, target);
    (void)analyse_walk_query(rows, 0, see_outward, &reads_out);
    if (reads_out)
        return NULL;
    plan_mover lift = {.p = p, .mode = PLAN_MOVE_LIFT};
    outer = plan_move_expr(&lift, outer);
    if (lift.failed)
        return NULL;
    rdb_expr_sublink *any = rdb_arena_memdup(p->arena, link, sizeof *any);
    any->sublink_kind = RDB_SUBLINK_ANY;
    any->query = rows;
    any->test = make_test(p, equality, outer, inner);
    any->left = any->functions = (rdb_list){0};
    rdb_list_push(p->arena, &any->left, outer);
    rdb_list_push(p->arena, &any->functions, (void *)(uintptr_t)equality->function);
    any->operator_oids = RDB_NEW(p->arena, uint32_t);
    *any->operator_oids = equality->operator_oid;
    rdb_expr_bool_test *is_true = RDB_NEW(p->arena, rdb_expr_bool_test);
    is_true->head = link->head;
    is_true->head.kind = RDB_EXPR_BOOL_TEST;
    is_true->argument = &any->head;
    is_true->test = RDB_IS_TRUE;
    return &is_true->head;
}
