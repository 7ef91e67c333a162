/* SPDX-License-Identifier: Apache-2.0
 * Outer joins that add nothing: nobody reads the columns of the nullable side, and each row of the other side meets one row of it at
 * most. Then the rows are those of the other side alone. One row at most: the condition compares all columns of a unique index,
 * or of what a sub-query groups by or makes distinct, with values that are not its own. Views over many tables are full of such. */
#include "sql/plan_int.h"

typedef struct reader {
    const rdb_query *query;
    uint32_t range_no;
    bool found;
} reader;

static bool see_range(void *context, const rdb_expr *expr, uint32_t levels)
{
    reader *r = context;
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (expr->kind != RDB_EXPR_VAR || var->levels_up != levels)
        return !r->found;
    if (var->range_no == r->range_no) {
        r->found = true;
        return false;
    }
    const rdb_range *range = var->range_no <= r->query->ranges.count ? r->query->ranges.items[var->range_no - 1] : NULL;
    for (uint32_t i = 0; range != NULL && range->kind == RDB_RANGE_JOIN && i < range->join_variables.count && !r->found; i++)
        if (var->attribute_no <= 0 || (uint32_t)var->attribute_no == i + 1)
            (void)analyse_walk(range->join_variables.items[i], 0, see_range, r);
    return !r->found;
}

static bool reads_range(const rdb_query *query, const rdb_expr *expr, uint32_t range_no)
{
    reader r = {.query = query, .range_no = range_no};
    if (expr != NULL)
        (void)analyse_walk(expr, 0, see_range, &r);
    return r.found;
}

/* What a column of the join stands for. */
static const rdb_expr *behind_joins(const rdb_query *query, const rdb_expr *expr)
{
    for (;;) {
        const rdb_expr_var *var = (const rdb_expr_var *)expr;
        if (expr->kind == RDB_EXPR_RELABEL) {
            expr = ((const rdb_expr_unary *)expr)->argument;
            continue;
        }
        if (expr->kind != RDB_EXPR_VAR || var->levels_up != 0 || var->range_no == 0 || var->range_no > query->ranges.count)
            return expr;
        const rdb_range *range = query->ranges.items[var->range_no - 1];
        if (range->kind != RDB_RANGE_JOIN || var->attribute_no <= 0 || (uint32_t)var->attribute_no > range->join_variables.count)
            return expr;
        expr = range->join_variables.items[var->attribute_no - 1];
    }
}

/* Columns of the range that the condition binds to one value each: by an equality that is the default one of their type. */
static void bound_columns(planner *p, const rdb_query *query, const rdb_expr *condition, uint32_t range_no, rdb_list *columns)
{
    if (condition == NULL)
        return;
    if (condition->kind == RDB_EXPR_BOOL && ((const rdb_expr_bool *)condition)->bool_kind == RDB_BOOL_AND) {
        const rdb_list *arguments = &((const rdb_expr_bool *)condition)->arguments;
        for (uint32_t i = 0; i < arguments->count; i++)
            bound_columns(p, query, arguments->items[i], range_no, columns);
        return;
    }
    const rdb_expr_function *e = plan_comparison(condition);
    for (int side = 0; e != NULL && side < 2 && plan_is_equality(p, condition); side++) {
        const rdb_expr_var *var = (const rdb_expr_var *)behind_joins(query, e->arguments.items[side]);
        const rdb_expr *other = e->arguments.items[1 - side];
        if (var->head.kind == RDB_EXPR_VAR && var->levels_up == 0 && var->range_no == range_no && var->attribute_no > 0 && !reads_range(query, other, range_no) && rdb_expr_volatility(other) != 'v')
            rdb_list_push(p->arena, columns, (void *)(uintptr_t)var->attribute_no);
    }
}

static bool has_column(const rdb_list *columns, int16_t number)
{
    for (uint32_t i = 0; i < columns->count; i++)
        if ((int16_t)(uintptr_t)columns->items[i] == number)
            return true;
    return false;
}

/* Are all of these items among the columns? */
static bool items_bound(const rdb_query *inner, const rdb_list *items, const rdb_list *columns)
{
    for (uint32_t i = 0; i < items->count; i++) {
        bool is_bound = false;
        int16_t number = 0;
        for (uint32_t k = 0; k < inner->targets.count; k++) {
            const rdb_target *target = inner->targets.items[k];
            number += !target->is_junk;
            is_bound |= !target->is_junk && target->sort_ref == ((const rdb_sort_item *)items->items[i])->target_ref && has_column(columns, number);
        }
        if (!is_bound)
            return false;
    }
    return true;
}

bool plan_range_is_unique(planner *p, const rdb_range *range, const rdb_list *columns)
{
    if (range->kind == RDB_RANGE_SUBQUERY && range->subquery != NULL) {
        const rdb_query *inner = range->subquery;
        if (inner->command != RDB_COMMAND_SELECT || inner->set_operation != NULL || inner->has_modifying_cte || inner->row_marks.count > 0)
            return false;
        if (inner->distinct.count > 0 && items_bound(inner, &inner->distinct, columns))
            return true;
        if (inner->has_set_returning_targets || inner->grouping_sets.count > 0)
            return false;
        return inner->group.count > 0 ? items_bound(inner, &inner->group, columns) : inner->has_aggregates || inner->having != NULL;
    }
    if (range->kind != RDB_RANGE_RELATION || range->sample_method != RDB_SAMPLE_NONE || (range->is_inherited && range->relation->child_count > 0 && range->relation->kind != 'p'))
        return false;
    for (uint16_t i = 0; i < range->relation->index_count; i++) {
        const rdb_relation_index *index = &range->relation->indexes[i];
        bool all = index->is_unique && index->is_immediate && plan_index_counts(p, index) && index->predicate_tree == NULL && index->expression_tree == NULL;
        for (uint16_t k = 0; k < index->key_count && all; k++)
            all = index->columns[k].column_number > 0 && has_column(columns, index->columns[k].column_number);
        if (all)
            return true;
    }
    return false;
}

/* The tree with something else in the join's place. */
static rdb_from *without(planner *p, rdb_from *from, const rdb_from *join, rdb_from *instead)
{
    if (from == join)
        return instead;
    if (!from->is_join)
        return from;
    rdb_from *left = without(p, from->left, join, instead), *right = from->right == NULL ? NULL : without(p, from->right, join, instead);
    if (left == from->left && right == from->right)
        return from;
    rdb_from *copy = rdb_arena_memdup(p->arena, from, sizeof *copy);
    copy->left = left;
    copy->right = right;
    return copy;
}

static bool is_locked(const rdb_query *query, uint32_t range_no)
{
    for (uint32_t i = 0; i < query->row_marks.count; i++)
        if (((const rdb_row_mark *)query->row_marks.items[i])->range_no == range_no)
            return true;
    return query->result_range_no == range_no;
}

/* Drops one join at or below this place from the copy. */
static bool drop_one(planner *p, rdb_query *query, const rdb_from *from)
{
    if (!from->is_join)
        return false;
    if ((from->right != NULL && drop_one(p, query, from->right)) || drop_one(p, query, from->left))
        return true;
    if (from->right == NULL || (from->join_kind != RDB_JOIN_LEFT && from->join_kind != RDB_JOIN_RIGHT))
        return false;
    rdb_from *kept = from->join_kind == RDB_JOIN_LEFT ? from->left : from->right;
    const rdb_from *nullable = from->join_kind == RDB_JOIN_LEFT ? from->right : from->left;
    rdb_list columns = {0};
    while (nullable->is_join && nullable->right == NULL && nullable->condition == NULL)
        nullable = nullable->left;
    if (nullable->is_join || is_locked(query, nullable->range_no))
        return false;
    bound_columns(p, query, from->condition, nullable->range_no, &columns);
    if (!plan_range_is_unique(p, query->ranges.items[nullable->range_no - 1], &columns))
        return false;
    rdb_query rest = *query;
    rest.from = (rdb_list){0};
    for (uint32_t i = 0; i < query->from.count; i++)
        rdb_list_push(p->arena, &rest.from, without(p, query->from.items[i], from, kept));
    reader r = {.query = &rest, .range_no = nullable->range_no};
    (void)analyse_walk_query(&rest, 0, see_range, &r);
    if (r.found)
        return false;
    query->from = rest.from;
    return true;
}

const rdb_query *plan_drop_joins(planner *p, const rdb_query *query)
{
    if (query->command != RDB_COMMAND_SELECT || query->set_operation != NULL)
        return query;
    rdb_query *copy = NULL;
    for (uint32_t i = 0; i < query->from.count; i++) {
        if (!((const rdb_from *)query->from.items[i])->is_join)
            continue;
        if (copy == NULL)
            copy = rdb_arena_memdup(p->arena, query, sizeof *copy);
        while (drop_one(p, copy, copy->from.items[i]))
            ;
    }
    return copy == NULL ? query : copy;
}
