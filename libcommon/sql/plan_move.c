/* SPDX-License-Identifier: Apache-2.0
 * Trees that move from one query level to another. A column counts the levels between itself and its range, so each that points
 * past the level that goes away has one level less to go, each that points into it names the range's new number, and what is put
 * into sub-queries has as many more as it is put deeper. What does not change is shared with the old tree. */
#include "sql/plan_int.h"

static rdb_query *move_query(plan_mover *m, const rdb_query *query);

static rdb_expr *move_fail(plan_mover *m)
{
    m->failed = true;
    return NULL;
}

static rdb_expr *replace_column(plan_mover *m, const rdb_expr_var *var)
{
    const rdb_list *targets = m->replaced[var->range_no];
    if (var->attribute_no <= 0 || (uint32_t)var->attribute_no > targets->count)
        return move_fail(m);
    plan_mover deeper = {.p = m->p, .mode = PLAN_MOVE_RAISE, .levels = m->depth};
    rdb_expr *moved = plan_move_expr(&deeper, ((const rdb_target *)targets->items[var->attribute_no - 1])->expr);
    return moved == NULL || deeper.failed ? move_fail(m) : plan_move_expr(m, moved); /* it may name another range that is replaced */
}

static rdb_expr *move_column(plan_mover *m, rdb_expr_var *var)
{
    switch (m->mode) {
    case PLAN_MOVE_LIFT: {
        if (var->levels_up < m->depth)
            return &var->head;
        rdb_expr_var *copy = rdb_arena_memdup(m->p->arena, var, sizeof *copy);
        if (copy->levels_up == m->depth)
            copy->range_no += m->offset;
        else
            copy->levels_up--;
        return &copy->head;
    }
    case PLAN_MOVE_RAISE: {
        if (var->levels_up < m->depth || m->levels == 0)
            return &var->head;
        rdb_expr_var *copy = rdb_arena_memdup(m->p->arena, var, sizeof *copy);
        copy->levels_up = (uint16_t)(copy->levels_up + m->levels);
        return &copy->head;
    }
    case PLAN_MOVE_REPLACE:
        if (var->levels_up != m->depth || var->range_no >= m->replaced_count || m->replaced[var->range_no] == NULL)
            return &var->head;
        return replace_column(m, var);
    }
    return &var->head;
}

/* Levels of aggregates and of references to WITH items. */
static uint16_t move_levels(const plan_mover *m, uint16_t levels_up)
{
    if (m->mode == PLAN_MOVE_LIFT && levels_up > m->depth)
        return (uint16_t)(levels_up - 1);
    if (m->mode == PLAN_MOVE_RAISE && levels_up >= m->depth)
        return (uint16_t)(levels_up + m->levels);
    return levels_up;
}

static rdb_expr *move_node(void *context, rdb_expr *expr)
{
    plan_mover *m = context;
    if (m->failed)
        return NULL;
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_VAR:
        return move_column(m, (rdb_expr_var *)expr);
    case RDB_EXPR_SUBLINK: {
        rdb_expr *mapped = rdb_expr_map_children(m->p->arena, expr, move_node, m);
        if (mapped == NULL)
            return NULL;
        rdb_expr_sublink *copy = rdb_arena_memdup(m->p->arena, mapped, sizeof *copy);
        m->depth++;
        copy->query = move_query(m, copy->query);
        m->depth--;
        return copy->query == NULL ? NULL : &copy->head;
    }
    case RDB_EXPR_AGGREGATE:
    case RDB_EXPR_GROUPING: {
        rdb_expr *mapped = rdb_expr_map_children(m->p->arena, expr, move_node, m);
        if (mapped == NULL || m->mode == PLAN_MOVE_REPLACE)
            return mapped;
        if (expr->kind == RDB_EXPR_AGGREGATE) {
            rdb_expr_aggregate *copy = rdb_arena_memdup(m->p->arena, mapped, sizeof *copy);
            copy->levels_up = move_levels(m, copy->levels_up);
            return &copy->head;
        }
        rdb_expr_grouping *copy = rdb_arena_memdup(m->p->arena, mapped, sizeof *copy);
        copy->levels_up = move_levels(m, copy->levels_up);
        return &copy->head;
    }
    default:
        return rdb_expr_map_children(m->p->arena, expr, move_node, m);
    }
}

rdb_expr *plan_move_expr(plan_mover *m, rdb_expr *expr)
{
    if (expr == NULL)
        return NULL;
    if (++m->p->depth > RDB_TREE_DEPTH_MAX) {
        rdb_error_set(m->p->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        return move_fail(m);
    }
    rdb_expr *moved = move_node(m, expr);
    m->p->depth--;
    return moved == NULL ? move_fail(m) : moved;
}

static rdb_list move_exprs(plan_mover *m, const rdb_list *exprs)
{
    rdb_list moved = {0};
    for (uint32_t i = 0; i < exprs->count && !m->failed; i++)
        rdb_list_push(m->p->arena, &moved, plan_move_expr(m, exprs->items[i]));
    return moved;
}

rdb_list plan_move_targets(plan_mover *m, const rdb_list *targets)
{
    rdb_list moved = {0};
    for (uint32_t i = 0; i < targets->count && !m->failed; i++) {
        rdb_target *copy = rdb_arena_memdup(m->p->arena, targets->items[i], sizeof *copy);
        copy->expr = plan_move_expr(m, copy->expr);
        rdb_list_push(m->p->arena, &moved, copy);
    }
    return moved;
}

rdb_from *plan_move_from(plan_mover *m, const rdb_from *from)
{
    rdb_from *copy = rdb_arena_memdup(m->p->arena, from, sizeof *copy);
    if (m->mode == PLAN_MOVE_LIFT && m->depth == 0 && copy->range_no != 0)
        copy->range_no += m->offset;
    if (!from->is_join)
        return copy;
    copy->left = plan_move_from(m, from->left);
    copy->right = from->right == NULL ? NULL : plan_move_from(m, from->right);
    copy->condition = plan_move_expr(m, from->condition);
    return copy;
}

rdb_range *plan_move_range(plan_mover *m, const rdb_range *range)
{
    rdb_range *copy = rdb_arena_memdup(m->p->arena, range, sizeof *copy);
    if (range->subquery != NULL) {
        m->depth++;
        copy->subquery = move_query(m, range->subquery);
        m->depth--;
        m->failed |= copy->subquery == NULL;
    }
    copy->join_variables = move_exprs(m, &range->join_variables);
    copy->functions = (rdb_list){0};
    for (uint32_t i = 0; i < range->functions.count && !m->failed; i++) {
        rdb_range_function *function = rdb_arena_memdup(m->p->arena, range->functions.items[i], sizeof *function);
        function->call = plan_move_expr(m, function->call);
        rdb_list_push(m->p->arena, &copy->functions, function);
    }
    copy->values = (rdb_list){0};
    for (uint32_t i = 0; i < range->values.count && !m->failed; i++) {
        rdb_list *row = RDB_NEW(m->p->arena, rdb_list);
        *row = move_exprs(m, range->values.items[i]);
        rdb_list_push(m->p->arena, &copy->values, row);
    }
    copy->security = plan_move_expr(m, range->security);
    copy->sample_percent = plan_move_expr(m, range->sample_percent);
    copy->sample_seed = plan_move_expr(m, range->sample_seed);
    if (range->kind == RDB_RANGE_CTE)
        copy->cte_levels_up = move_levels(m, range->cte_levels_up);
    return copy;
}

void plan_move_query_parts(plan_mover *m, rdb_query *query)
{
    rdb_list ranges = {0}, from = {0}, ctes = {0}, windows = {0};
    for (uint32_t i = 0; i < query->ranges.count && !m->failed; i++)
        rdb_list_push(m->p->arena, &ranges, plan_move_range(m, query->ranges.items[i]));
    for (uint32_t i = 0; i < query->from.count && !m->failed; i++)
        rdb_list_push(m->p->arena, &from, plan_move_from(m, query->from.items[i]));
    for (uint32_t i = 0; i < query->ctes.count && !m->failed; i++) {
        rdb_cte *cte = rdb_arena_memdup(m->p->arena, query->ctes.items[i], sizeof *cte);
        m->depth++;
        cte->query = cte->query == NULL ? NULL : move_query(m, cte->query);
        m->depth--;
        rdb_list_push(m->p->arena, &ctes, cte);
    }
    for (uint32_t i = 0; i < query->windows.count && !m->failed; i++) {
        rdb_window *window = rdb_arena_memdup(m->p->arena, query->windows.items[i], sizeof *window);
        window->start_offset = plan_move_expr(m, window->start_offset);
        window->end_offset = plan_move_expr(m, window->end_offset);
        rdb_list_push(m->p->arena, &windows, window);
    }
    query->ranges = ranges;
    query->from = from;
    query->ctes = ctes;
    query->windows = windows;
    query->targets = plan_move_targets(m, &query->targets);
    query->returning = plan_move_targets(m, &query->returning);
    query->where = plan_move_expr(m, query->where);
    query->having = plan_move_expr(m, query->having);
    query->limit_count = plan_move_expr(m, query->limit_count);
    query->limit_offset = plan_move_expr(m, query->limit_offset);
}

static rdb_query *move_query(plan_mover *m, const rdb_query *query)
{
    if (query->command != RDB_COMMAND_SELECT) { /* a WITH item that writes: it stays where it is */
        m->failed = true;
        return NULL;
    }
    rdb_query *copy = rdb_arena_memdup(m->p->arena, query, sizeof *copy);
    plan_move_query_parts(m, copy);
    return m->failed ? NULL : copy;
}
