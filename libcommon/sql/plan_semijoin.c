/* SPDX-License-Identifier: Apache-2.0
 * EXISTS and IN in WHERE become semi-joins, NOT EXISTS an anti-join: the sub-query's tables join the range table, its
 * conditions become the join's. NOT IN stays a sub-plan: a null among its rows makes the answer unknown. What is not plain
 * enough stays a sub-plan too; both give the same rows. */
#include "sql/plan_int.h"

typedef struct lift { /* from inside the sub-query to the level around it */
    planner *p;
    uint32_t offset;               /* of the sub-query's range numbers */
    const rdb_list *targets;       /* in an IN's test, EXECUTION parameter n stands for target n */
    bool in_test, failed;
} lift;

static rdb_expr *lift_expr(void *context, rdb_expr *expr)
{
    lift *l = context;
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_VAR: {
        if (l->in_test)
            return expr; /* of the level around already */
        rdb_expr_var *var = rdb_arena_memdup(l->p->arena, expr, sizeof *var);
        if (var->levels_up == 0)
            var->range_no += l->offset;
        else
            var->levels_up--;
        return &var->head;
    }
    case RDB_EXPR_PARAM: {
        const rdb_expr_param *param = (const rdb_expr_param *)expr;
        if (!l->in_test || param->param_kind != RDB_PARAM_EXECUTION)
            return expr;
        if (param->param_no == 0 || param->param_no > l->targets->count)
            break;
        lift inside = *l;
        inside.in_test = false;
        rdb_expr *column = lift_expr(&inside, ((const rdb_target *)l->targets->items[param->param_no - 1])->expr);
        if (column == NULL || inside.failed)
            break;
        return column;
    }
    case RDB_EXPR_SUBLINK:
    case RDB_EXPR_AGGREGATE:
    case RDB_EXPR_WINDOW:
    case RDB_EXPR_GROUPING:
        break;
    default:
        return rdb_expr_map_children(l->p->arena, expr, lift_expr, l);
    }
    l->failed = true;
    return NULL;
}

static rdb_from *lift_from(lift *l, const rdb_from *from)
{
    rdb_from *copy = rdb_arena_memdup(l->p->arena, from, sizeof *copy);
    if (copy->range_no != 0)
        copy->range_no += l->offset;
    if (!from->is_join)
        return copy;
    copy->left = lift_from(l, from->left);
    copy->right = lift_from(l, from->right);
    if (from->condition != NULL)
        copy->condition = lift_expr(l, from->condition);
    return copy;
}

/* A table read and filtered, nothing more: its rows may be joined instead of asked for. */
static bool is_plain(const rdb_query *query)
{
    if (query->command != RDB_COMMAND_SELECT || query->set_operation != NULL || query->has_aggregates || query->has_windows || query->has_set_returning_targets || query->group.count > 0 ||
        query->grouping_sets.count > 0 || query->having != NULL || query->limit_count != NULL || query->limit_offset != NULL || query->ctes.count > 0 || query->row_marks.count > 0 || query->from.count == 0)
        return false;
    for (uint32_t i = 0; i < query->ranges.count; i++) {
        const rdb_range *range = query->ranges.items[i];
        if ((range->kind != RDB_RANGE_RELATION && range->kind != RDB_RANGE_JOIN) || range->sample_method != RDB_SAMPLE_NONE)
            return false;
    }
    return true;
}

static bool lift_ranges(lift *l, const rdb_query *inner, rdb_list *ranges)
{
    for (uint32_t i = 0; i < inner->ranges.count; i++) {
        rdb_range *range = rdb_arena_memdup(l->p->arena, inner->ranges.items[i], sizeof *range);
        if (range->kind == RDB_RANGE_JOIN) {
            rdb_list variables = {0};
            for (uint32_t k = 0; k < range->join_variables.count && !l->failed; k++)
                rdb_list_push(l->p->arena, &variables, lift_expr(l, range->join_variables.items[k]));
            range->join_variables = variables;
        }
        rdb_list_push(l->p->arena, ranges, range);
    }
    return !l->failed;
}

static rdb_from *join_items(planner *p, const rdb_list *items)
{
    rdb_from *joined = items->items[0];
    for (uint32_t i = 1; i < items->count; i++) {
        rdb_from *join = RDB_NEW(p->arena, rdb_from);
        *join = (rdb_from){.is_join = true, .join_kind = RDB_JOIN_INNER, .left = joined, .right = items->items[i]};
        joined = join;
    }
    return joined;
}

static rdb_expr *both(planner *p, rdb_expr *left, rdb_expr *right)
{
    if (left == NULL || right == NULL)
        return left ? left : right;
    rdb_expr_bool *e = RDB_NEW(p->arena, rdb_expr_bool);
    e->head = *left;
    e->head.kind = RDB_EXPR_BOOL;
    e->bool_kind = RDB_BOOL_AND;
    rdb_list_push(p->arena, &e->arguments, left);
    rdb_list_push(p->arena, &e->arguments, right);
    return &e->head;
}

/* One conjunct into a join around query's FROM; false: it stays a condition. */
static bool join_conjunct(planner *p, rdb_query *query, rdb_expr *conjunct)
{
    bool negated = false;
    while (conjunct->kind == RDB_EXPR_BOOL && ((rdb_expr_bool *)conjunct)->bool_kind == RDB_BOOL_NOT) {
        negated = !negated;
        conjunct = ((rdb_expr_bool *)conjunct)->arguments.items[0];
    }
    if (conjunct->kind != RDB_EXPR_SUBLINK || query->from.count == 0)
        return false;
    const rdb_expr_sublink *link = (const rdb_expr_sublink *)conjunct;
    bool is_any = link->sublink_kind == RDB_SUBLINK_ANY;
    if ((!is_any && link->sublink_kind != RDB_SUBLINK_EXISTS) || (is_any && (negated || link->test == NULL)) || !is_plain(link->query))
        return false;
    lift l = {.p = p, .offset = query->ranges.count, .targets = &link->query->targets};
    rdb_list ranges = {0}, items = {0};
    rdb_expr *condition = NULL, *test = NULL;
    for (uint32_t i = 0; i < query->ranges.count; i++)
        rdb_list_push(p->arena, &ranges, query->ranges.items[i]);
    if (ranges.count + link->query->ranges.count >= PLAN_RELIDS_WORDS * 64 || !lift_ranges(&l, link->query, &ranges))
        return false;
    for (uint32_t i = 0; i < link->query->from.count && !l.failed; i++)
        rdb_list_push(p->arena, &items, lift_from(&l, link->query->from.items[i]));
    if (!l.failed && link->query->where != NULL)
        condition = lift_expr(&l, link->query->where);
    if (!l.failed && is_any) {
        l.in_test = true;
        test = lift_expr(&l, link->test);
    }
    if (l.failed)
        return false;
    condition = both(p, test, condition);
    if (condition == NULL)
        return false; /* EXISTS (SELECT ... FROM t): nothing joins; asked once it is cheaper */
    rdb_from *join = RDB_NEW(p->arena, rdb_from);
    *join = (rdb_from){.is_join = true, .join_kind = negated ? RDB_JOIN_ANTI : RDB_JOIN_SEMI, .left = join_items(p, &query->from), .right = join_items(p, &items), .condition = condition};
    query->ranges = ranges;
    query->from = (rdb_list){0};
    rdb_list_push(p->arena, &query->from, join);
    return true;
}

static void split(planner *p, rdb_expr *expr, rdb_list *conjuncts)
{
    if (expr->kind == RDB_EXPR_BOOL && ((rdb_expr_bool *)expr)->bool_kind == RDB_BOOL_AND) {
        rdb_list *arguments = &((rdb_expr_bool *)expr)->arguments;
        for (uint32_t i = 0; i < arguments->count; i++)
            split(p, arguments->items[i], conjuncts);
        return;
    }
    rdb_list_push(p->arena, conjuncts, expr);
}

/* The query with its sub-selects joined where that may be done; the same query where there are none. */
const rdb_query *plan_join_sublinks(planner *p, const rdb_query *query)
{
    rdb_list conjuncts = {0}, kept = {0};
    if (query->where == NULL || !query->has_sublinks || (query->command != RDB_COMMAND_SELECT && query->command != RDB_COMMAND_DELETE && query->command != RDB_COMMAND_UPDATE))
        return query;
    rdb_query *copy = rdb_arena_memdup(p->arena, query, sizeof *copy);
    split(p, query->where, &conjuncts);
    for (uint32_t i = 0; i < conjuncts.count; i++)
        if (!join_conjunct(p, copy, conjuncts.items[i]))
            rdb_list_push(p->arena, &kept, conjuncts.items[i]);
    if (kept.count == conjuncts.count)
        return query;
    copy->where = NULL;
    for (uint32_t i = 0; i < kept.count; i++)
        copy->where = both(p, copy->where, kept.items[i]);
    return copy;
}
