/* SPDX-License-Identifier: Apache-2.0
 * min(x) and max(x) of a whole table: where an index has the rows in the order of x, each may be a sub-query of its own that reads one
 * row from the end of the index. Whether that costs less than reading all rows, plan_query compares. */
#include "sql/plan_append.h"

typedef struct finder {
    planner *p;
    const rdb_query *query;
    rdb_list aggregates;     /* rdb_expr_aggregate *, each once */
    rdb_list sublinks;       /* what stands for them */
    bool is_other;           /* there is one of another kind, or a column outside of them */
} finder;

static bool is_extreme(const rdb_expr_aggregate *aggregate, bool *is_max)
{
    const rdb_function *function = aggregate->function;
    *is_max = strcmp(function->name, "max") == 0 || strcmp(function->name, "bool_or") == 0;
    const bool is_min = strcmp(function->name, "min") == 0 || strcmp(function->name, "bool_and") == 0 || strcmp(function->name, "every") == 0;
    return (*is_max || is_min) && function->namespace_oid == RDB_NAMESPACE_PG_CATALOG && aggregate->levels_up == 0 && aggregate->arguments.count == 1 && aggregate->filter == NULL &&
           aggregate->distinct.count == 0 && aggregate->order.count == 0 && !aggregate->is_within_group;
}

static bool find_aggregates(void *context, rdb_expr *expr)
{
    finder *f = context;
    bool is_max = false;
    if (expr->kind == RDB_EXPR_AGGREGATE) {
        for (uint32_t i = 0; i < f->aggregates.count; i++)
            if (rdb_expr_equal(f->aggregates.items[i], expr))
                return true;
        f->is_other = f->is_other || !is_extreme((const rdb_expr_aggregate *)expr, &is_max);
        rdb_list_push(f->p->arena, &f->aggregates, expr);
        return true;
    }
    f->is_other = f->is_other || expr->kind == RDB_EXPR_SUBLINK || (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->levels_up == 0);
    return !f->is_other && rdb_expr_visit_children(expr, find_aggregates, f);
}

static const rdb_expr *strip(const rdb_expr *expr)
{
    while (expr->kind == RDB_EXPR_RELABEL)
        expr = ((const rdb_expr_unary *)expr)->argument;
    return expr;
}

static bool is_column(const rdb_expr *expr, uint32_t range_no, int16_t attribute_no)
{
    const rdb_expr_var *var = (const rdb_expr_var *)strip(expr);
    return var->head.kind == RDB_EXPR_VAR && var->levels_up == 0 && var->range_no == range_no && var->attribute_no == attribute_no;
}

/* Does the condition, or a part of its AND, bind the column to one value? */
static bool is_bound(planner *p, const rdb_expr *where, uint32_t range_no, int16_t attribute_no)
{
    if (where == NULL)
        return false;
    if (where->kind == RDB_EXPR_BOOL && ((const rdb_expr_bool *)where)->bool_kind == RDB_BOOL_AND) {
        const rdb_list *parts = &((const rdb_expr_bool *)where)->arguments;
        for (uint32_t i = 0; i < parts->count; i++)
            if (is_bound(p, parts->items[i], range_no, attribute_no))
                return true;
        return false;
    }
    const rdb_expr_function *e = plan_comparison(where);
    return e != NULL && (is_column(e->arguments.items[0], range_no, attribute_no) || is_column(e->arguments.items[1], range_no, attribute_no)) && plan_is_equality(p, where);
}

/* Has the table an index whose columns before this one are bound to one value each? */
static bool has_index(planner *p, const rdb_query *query, const rdb_range *range, uint32_t range_no, const rdb_expr *argument)
{
    const rdb_relation *relation = range->relation;
    const rdb_expr_var *var = (const rdb_expr_var *)strip(argument);
    if (var->head.kind == RDB_EXPR_VAR && var->levels_up == 0 && is_bound(p, query->where, range_no, var->attribute_no))
        return false; /* all rows are equal in it */
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        if (index->predicate_tree != NULL || index->kind != RDB_INDEX_ORDERED || !plan_index_counts(p, index))
            continue;
        for (uint16_t k = 0; k < index->key_count && index->columns[k].column_number > 0; k++) {
            if (is_column(argument, range_no, index->columns[k].column_number))
                return rdb_collation_same_order(index->columns[k].collation, argument->collation);
            if (!is_bound(p, query->where, range_no, index->columns[k].column_number))
                break;
        }
    }
    return false;
}

static rdb_expr *make_sublink(finder *f, const rdb_expr_aggregate *aggregate)
{
    planner *p = f->p;
    plan_mover deeper = {.p = p, .mode = PLAN_MOVE_RAISE, .depth = 1, .levels = 1}; /* its own columns stay its own */
    const rdb_target *argument = aggregate->arguments.items[0];
    bool is_max = false;
    (void)is_extreme(aggregate, &is_max);
    rdb_query *query = rdb_arena_memdup(p->arena, f->query, sizeof *query);
    rdb_target *target = RDB_NEW(p->arena, rdb_target);
    rdb_sort_item *item = RDB_NEW(p->arena, rdb_sort_item);
    rdb_expr_null_test *test = RDB_NEW(p->arena, rdb_expr_null_test);
    rdb_expr_const *one = RDB_NEW(p->arena, rdb_expr_const);
    rdb_expr_bool *both = RDB_NEW(p->arena, rdb_expr_bool);
    rdb_expr_sublink *sublink = RDB_NEW(p->arena, rdb_expr_sublink);
    one->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .typmod = -1};
    one->value.i64 = 1;
    test->head = (rdb_expr){.kind = RDB_EXPR_NULL_TEST, .location = -1, .typmod = -1};
    if (!rdb_type_get(p->access, RDB_INT8OID, &one->head.type, p->err) || !rdb_type_get(p->access, RDB_BOOLOID, &test->head.type, p->err))
        return NULL;
    target->expr = plan_move_expr(&deeper, argument->expr);
    target->number = 1;
    target->name = argument->name != NULL ? argument->name : aggregate->function->name;
    target->sort_ref = 1;
    test->argument = target->expr;
    test->is_not = true;
    item->target_ref = 1;
    item->is_descending = item->nulls_first = is_max;
    query->where = plan_move_expr(&deeper, query->where);
    if (deeper.failed)
        return NULL;
    both->head = test->head;
    both->head.kind = RDB_EXPR_BOOL;
    both->bool_kind = RDB_BOOL_AND;
    rdb_list_push(p->arena, &both->arguments, test);
    if (query->where != NULL)
        rdb_list_push(p->arena, &both->arguments, query->where);
    query->where = query->where != NULL ? &both->head : &test->head;
    query->has_aggregates = false;
    query->ranges = (rdb_list){0}; /* a range of its own: EXPLAIN tells the sub-queries' apart */
    rdb_list_push(p->arena, &query->ranges, rdb_arena_memdup(p->arena, f->query->ranges.items[0], sizeof(rdb_range)));
    query->targets = query->sort = query->group = query->distinct = (rdb_list){0};
    rdb_list_push(p->arena, &query->targets, target);
    rdb_list_push(p->arena, &query->sort, item);
    query->limit_count = &one->head;
    query->limit_offset = NULL;
    sublink->head = aggregate->head;
    sublink->head.kind = RDB_EXPR_SUBLINK;
    sublink->sublink_kind = RDB_SUBLINK_SCALAR;
    sublink->query = query;
    return &sublink->head;
}

static rdb_expr *put_sublinks(void *context, rdb_expr *expr)
{
    finder *f = context;
    for (uint32_t i = 0; i < f->aggregates.count && expr->kind == RDB_EXPR_AGGREGATE; i++)
        if (rdb_expr_equal(f->aggregates.items[i], expr))
            return f->sublinks.items[i];
    return rdb_expr_map_children(f->p->arena, expr, put_sublinks, f);
}

const rdb_query *plan_min_max(planner *p, const rdb_query *query)
{
    finder f = {.p = p, .query = query};
    const rdb_from *from = query->from.count == 1 ? query->from.items[0] : NULL;
    if (query->command != RDB_COMMAND_SELECT || !query->has_aggregates || from == NULL || from->is_join || query->group.count > 0 || query->grouping_sets.count > 0 ||
        query->having != NULL || query->has_windows || query->set_operation != NULL || query->ctes.count > 0 || query->row_marks.count > 0 || query->has_set_returning_targets ||
        p->context->no_index_scan)
        return query;
    const rdb_range *range = query->ranges.items[from->range_no - 1];
    if (range->kind != RDB_RANGE_RELATION || range->relation == NULL || range->sample_method != 0 || query->ranges.count != 1)
        return query;
    for (uint32_t i = 0; i < query->targets.count && !f.is_other; i++)
        (void)find_aggregates(&f, ((const rdb_target *)query->targets.items[i])->expr);
    if (f.is_other || f.aggregates.count == 0)
        return query;
    for (uint32_t i = 0; i < f.aggregates.count; i++)
        if (!has_index(p, query, range, from->range_no, ((const rdb_target *)((const rdb_expr_aggregate *)f.aggregates.items[i])->arguments.items[0])->expr))
            return query;
    for (uint32_t i = 0; i < f.aggregates.count; i++) {
        rdb_expr *sublink = make_sublink(&f, f.aggregates.items[i]);
        if (sublink == NULL)
            return query;
        rdb_list_push(p->arena, &f.sublinks, sublink);
    }
    rdb_query *made = rdb_arena_memdup(p->arena, query, sizeof *query);
    made->targets = (rdb_list){0};
    for (uint32_t i = 0; i < query->targets.count; i++) {
        rdb_target *target = rdb_arena_memdup(p->arena, query->targets.items[i], sizeof *target);
        target->expr = put_sublinks(&f, target->expr);
        if (target->expr == NULL)
            return query;
        rdb_list_push(p->arena, &made->targets, target);
    }
    made->has_aggregates = false;
    made->has_sublinks = true;
    made->from = made->ranges = (rdb_list){0};
    made->where = NULL;
    return made;
}
