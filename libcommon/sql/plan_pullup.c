/* SPDX-License-Identifier: Apache-2.0
 * Sub-queries of FROM that only read, filter and compute, and single rows of VALUES, are taken apart: their tables join those of the query around them, their
 * conditions stand at that place of FROM, and what they compute replaces their columns. So the tables of a view are joined in
 * the best order, with the best indexes, as if the view's text stood in the query.
 *
 * On a side of an outer join that may be null-extended only plain columns can be replaced: anything else would have a value
 * where the join says null. */
#include "sql/plan_int.h"

typedef struct puller {
    planner *p;
    rdb_query *query;      /* a copy, which changes */
    rdb_list ranges;
    const rdb_list **replaced; /* by range number: the targets that stand for its columns */
    uint32_t capacity;
    bool found;
} puller;

/* ---- what may be taken apart --------------------------------------------------------------------------------------------- */
static bool is_simple(const rdb_query *query)
{
    if (query->command != RDB_COMMAND_SELECT || query->set_operation != NULL || query->has_aggregates || query->has_windows || query->has_set_returning_targets || query->group.count > 0 ||
        query->grouping_sets.count > 0 || query->having != NULL || query->sort.count > 0 || query->distinct.count > 0 || query->limit_count != NULL || query->limit_offset != NULL ||
        query->ctes.count > 0 || query->row_marks.count > 0)
        return false;
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const rdb_target *target = query->targets.items[i];
        if (target->is_junk || target->expr == NULL || rdb_expr_volatility(target->expr) == 'v')
            return false;
    }
    return true;
}

static bool has_plain_targets(const rdb_query *query)
{
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const rdb_expr_var *var = (const rdb_expr_var *)((const rdb_target *)query->targets.items[i])->expr;
        if (var->head.kind != RDB_EXPR_VAR || var->levels_up != 0 || var->attribute_no == 0)
            return false;
    }
    return true;
}

typedef struct reference_search {
    uint32_t range_no; /* 0: any range of that level */
    uint32_t level;    /* how far out, as seen from the query that is searched */
    bool whole_rows;   /* those alone */
    bool found;
} reference_search;

static bool see_reference(void *context, const rdb_expr *expr, uint32_t levels)
{
    reference_search *s = context;
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (expr->kind == RDB_EXPR_VAR && var->levels_up == levels + s->level && (s->range_no == 0 || var->range_no == s->range_no) && (!s->whole_rows || var->attribute_no <= 0))
        s->found = true;
    return !s->found;
}

bool plan_refers_outward(const rdb_query *query)
{
    reference_search s = {.level = 1};
    (void)analyse_walk_query(query, 0, see_reference, &s);
    for (uint32_t i = 0; i < query->ranges.count && !s.found; i++) { /* columns of joins are not walked with the rest */
        const rdb_range *range = query->ranges.items[i];
        for (uint32_t k = 0; k < range->join_variables.count && !s.found; k++)
            (void)analyse_walk(range->join_variables.items[k], 0, see_reference, &s);
    }
    return s.found;
}

static bool names_whole_row(const rdb_query *query, uint32_t range_no)
{
    reference_search s = {.range_no = range_no, .whole_rows = true};
    (void)analyse_walk_query(query, 0, see_reference, &s);
    for (uint32_t i = 0; i < query->ranges.count && !s.found; i++) {
        const rdb_range *range = query->ranges.items[i];
        for (uint32_t k = 0; k < range->join_variables.count && !s.found; k++)
            (void)analyse_walk(range->join_variables.items[k], 0, see_reference, &s);
    }
    return s.found;
}

/* Does the condition of an outer join, or one below it, read the level around? There it could only be checked too late. */
static bool outer_join_refers_outward(const rdb_from *from, bool is_below)
{
    reference_search s = {.level = 1};
    if (!from->is_join)
        return false;
    is_below |= from->join_kind != RDB_JOIN_INNER;
    if (is_below && from->condition != NULL)
        (void)analyse_walk(from->condition, 0, see_reference, &s);
    return s.found || outer_join_refers_outward(from->left, is_below) || (from->right != NULL && outer_join_refers_outward(from->right, is_below));
}

/* ---- taking apart ------------------------------------------------------------------------------------------------------------ */
static void add_range(puller *u, const rdb_range *range)
{
    rdb_list_push(u->p->arena, &u->ranges, (void *)(uintptr_t)range);
    if (u->ranges.count < u->capacity)
        return;
    uint32_t capacity = u->capacity * 2 + 16;
    const rdb_list **larger = RDB_NEW_ARRAY(u->p->arena, const rdb_list *, capacity);
    if (u->capacity > 0)
        memcpy(larger, u->replaced, u->capacity * sizeof *larger);
    u->replaced = larger;
    u->capacity = capacity;
}

rdb_from *plan_join_items(planner *p, const rdb_list *items)
{
    rdb_from *joined = items->items[0];
    for (uint32_t i = 1; i < items->count; i++) {
        rdb_from *join = RDB_NEW(p->arena, rdb_from);
        *join = (rdb_from){.is_join = true, .join_kind = RDB_JOIN_INNER, .left = joined, .right = items->items[i]};
        joined = join;
    }
    return joined;
}

/* A range whose rows come from elsewhere by now: it is there for its privileges. */
static rdb_range *emptied(planner *p, const rdb_range *range)
{
    rdb_range *copy = rdb_arena_memdup(p->arena, range, sizeof *copy);
    copy->subquery = NULL;
    return copy;
}

/* WITH items that are read where they are named are sub-queries of that place. */
static const rdb_range *as_subquery(puller *u, const rdb_range *range)
{
    if (range->kind != RDB_RANGE_CTE || range->cte_levels_up != 0 || range->is_self_reference)
        return range;
    for (uint32_t i = 0; i < u->query->ctes.count; i++) {
        const rdb_cte *cte = u->query->ctes.items[i];
        if (strcmp(cte->name, range->cte_name) != 0)
            continue;
        if (!plan_cte_is_inlined(cte) || cte->reference_count > 1)
            return range;
        rdb_range *copy = rdb_arena_memdup(u->p->arena, range, sizeof *copy);
        copy->kind = RDB_RANGE_SUBQUERY;
        copy->subquery = cte->query;
        return copy;
    }
    return range;
}

/* A place of FROM that gives one row without columns. */
static rdb_from *one_row(puller *u)
{
    rdb_range *range = RDB_NEW(u->p->arena, rdb_range);
    rdb_from *from = RDB_NEW(u->p->arena, rdb_from);
    range->kind = RDB_RANGE_RESULT;
    range->alias = "*RESULT*";
    add_range(u, range);
    from->range_no = u->ranges.count;
    return from;
}

static bool has_one_row(const rdb_query *query)
{
    for (uint32_t i = 0; i < query->ranges.count; i++)
        if (((const rdb_range *)query->ranges.items[i])->kind == RDB_RANGE_RESULT)
            return true;
    return query->from.count == 0;
}

static bool see_any_column(void *context, const rdb_expr *expr, uint32_t levels)
{
    bool *found = context;
    *found |= expr->kind == RDB_EXPR_SUBLINK || (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->levels_up >= levels);
    return !*found;
}

/* VALUES of one row, as the sub-query that it could be. */
static const rdb_range *as_select(puller *u, const rdb_range *range)
{
    planner *p = u->p;
    if (range->kind != RDB_RANGE_VALUES || range->values.count != 1)
        return range;
    const rdb_list *row = range->values.items[0];
    rdb_query *query = RDB_NEW(p->arena, rdb_query);
    query->command = RDB_COMMAND_SELECT;
    for (uint32_t i = 0; i < row->count; i++) {
        rdb_target *target = RDB_NEW(p->arena, rdb_target);
        const rdb_expr *expr = row->items[i];
        if (i >= range->column_types.count || expr->type->oid != ((const rdb_type *)range->column_types.items[i])->oid || plan_contains_set(expr) || plan_calls_volatile(expr))
            return range;
        target->expr = row->items[i];
        rdb_list_push(p->arena, &query->targets, target);
    }
    bool reads = false; /* LATERAL, or what stands around: as a sub-query it would be further in */
    for (uint32_t i = 0; i < row->count; i++)
        (void)analyse_walk(row->items[i], 0, see_any_column, &reads);
    if (reads)
        return range;
    rdb_range *copy = rdb_arena_memdup(p->arena, range, sizeof *copy);
    copy->kind = RDB_RANGE_SUBQUERY;
    copy->subquery = query;
    return copy;
}

static rdb_from *pull_leaf(puller *u, rdb_from *from, bool is_below_outer, bool is_nullable)
{
    planner *p = u->p;
    const rdb_range *range = as_subquery(u, u->ranges.items[from->range_no - 1]);
    if (!is_below_outer && !is_nullable)
        range = as_select(u, range);
    if (range->kind != RDB_RANGE_SUBQUERY || range->subquery == NULL || range->is_security_barrier || !is_simple(range->subquery))
        return from;
    const rdb_query *inner = plan_pull_up(p, plan_join_sublinks(p, range->subquery));
    if (!is_simple(inner) || (is_nullable && !has_plain_targets(inner)) || inner->targets.count != range->column_types.count ||
        (is_below_outer && plan_refers_outward(inner)) || (u->query->grouping_sets.count > 0 && !has_plain_targets(inner)) ||
        u->ranges.count + inner->ranges.count + 1 >= PLAN_RELIDS_WORDS * 64 || names_whole_row(u->query, from->range_no) ||
        ((is_below_outer || is_nullable || u->query->command != RDB_COMMAND_SELECT) && has_one_row(inner)))
        return from;
    for (uint32_t i = 0; i < inner->from.count; i++)
        if (outer_join_refers_outward(inner->from.items[i], false))
            return from;
    plan_mover m = {.p = p, .mode = PLAN_MOVE_LIFT, .offset = u->ranges.count};
    rdb_list items = {0}, ranges = {0};
    rdb_list *targets = RDB_NEW(p->arena, rdb_list);
    for (uint32_t i = 0; i < inner->ranges.count && !m.failed; i++)
        rdb_list_push(p->arena, &ranges, plan_move_range(&m, inner->ranges.items[i]));
    for (uint32_t i = 0; i < inner->from.count && !m.failed; i++)
        rdb_list_push(p->arena, &items, plan_move_from(&m, inner->from.items[i]));
    *targets = plan_move_targets(&m, &inner->targets);
    rdb_expr *where = plan_move_expr(&m, inner->where);
    if (m.failed)
        return from;
    u->ranges.items[from->range_no - 1] = emptied(p, range);
    for (uint32_t i = 0; i < ranges.count; i++)
        add_range(u, ranges.items[i]);
    u->replaced[from->range_no] = targets;
    u->found = true;
    if (inner->from.count == 0)
        rdb_list_push(p->arena, &items, one_row(u));
    u->query->has_sublinks |= inner->has_sublinks;
    rdb_from *joined = plan_join_items(p, &items);
    if (where == NULL)
        return joined;
    rdb_from *filtered = RDB_NEW(p->arena, rdb_from);
    *filtered = (rdb_from){.is_join = true, .join_kind = RDB_JOIN_INNER, .left = joined, .condition = where};
    return filtered;
}

static rdb_from *pull_from(puller *u, const rdb_from *from, bool is_below_outer, bool is_nullable)
{
    rdb_from *copy = rdb_arena_memdup(u->p->arena, from, sizeof *copy);
    if (!from->is_join)
        return from->range_no == 0 ? copy : pull_leaf(u, copy, is_below_outer, is_nullable);
    const bool is_outer = from->join_kind != RDB_JOIN_INNER;
    const bool left_nullable = from->join_kind == RDB_JOIN_RIGHT || from->join_kind == RDB_JOIN_FULL, right_nullable = from->join_kind == RDB_JOIN_LEFT || from->join_kind == RDB_JOIN_FULL;
    const bool is_semi = from->join_kind == RDB_JOIN_SEMI || from->join_kind == RDB_JOIN_ANTI; /* its left side is all that it gives */
    copy->left = pull_from(u, from->left, is_below_outer || (is_outer && !is_semi), is_nullable || left_nullable);
    if (from->right != NULL)
        copy->right = pull_from(u, from->right, is_below_outer || is_outer, is_nullable || right_nullable);
    return copy;
}

const rdb_query *plan_pull_up(planner *p, const rdb_query *query)
{
    if (query->set_operation != NULL || query->from.count == 0 || (query->command != RDB_COMMAND_SELECT && query->command != RDB_COMMAND_UPDATE && query->command != RDB_COMMAND_DELETE))
        return query;
    bool has_any = false;
    for (uint32_t i = 0; i < query->ranges.count; i++) {
        const rdb_range *range = query->ranges.items[i];
        has_any = has_any || (range->kind == RDB_RANGE_SUBQUERY && range->subquery != NULL) || range->kind == RDB_RANGE_CTE || (range->kind == RDB_RANGE_VALUES && range->values.count == 1);
    }
    if (!has_any || ++p->depth > RDB_TREE_DEPTH_MAX)
        return query;
    rdb_query *copy = rdb_arena_memdup(p->arena, query, sizeof *copy);
    puller u = {.p = p, .query = copy};
    for (uint32_t i = 0; i < query->ranges.count; i++)
        add_range(&u, query->ranges.items[i]);
    rdb_list from = {0};
    for (uint32_t i = 0; i < query->from.count; i++)
        rdb_list_push(p->arena, &from, pull_from(&u, query->from.items[i], false, false));
    p->depth--;
    if (!u.found)
        return query;
    copy->ranges = u.ranges;
    copy->from = from;
    plan_mover m = {.p = p, .mode = PLAN_MOVE_REPLACE, .replaced = u.replaced, .replaced_count = u.ranges.count + 1};
    plan_move_query_parts(&m, copy);
    return m.failed ? query : copy;
}
