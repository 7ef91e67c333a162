/* SPDX-License-Identifier: Apache-2.0
 * Conditions over a sub-query of FROM that is planned on its own are checked inside it, where they can use its indexes and spare its
 * groups: among its WHERE or HAVING, and in every member of a UNION or INTERSECT. That may be done where it leaves out the same
 * rows: not below LIMIT, not past EXCEPT, under DISTINCT ON and window functions by their own keys alone, and never for columns
 * whose values are volatile or come in sets. HAVING without aggregates becomes WHERE when the sub-query is planned. */
#include "sql/plan_int.h"

/* ---- what may go in ------------------------------------------------------------------------------------------------------------ */
typedef struct reader {
    uint32_t range_no;
    const rdb_query *query;
    bool is_unfit;
} reader;

static bool is_among(const rdb_list *items, uint32_t sort_ref)
{
    for (uint32_t i = 0; i < items->count; i++)
        if (sort_ref != 0 && ((const rdb_sort_item *)items->items[i])->target_ref == sort_ref)
            return true;
    return false;
}

static bool see_unfit(void *context, rdb_expr *expr)
{
    bool *found = context;
    *found |= expr->kind == RDB_EXPR_SUBLINK || expr->kind == RDB_EXPR_SUBPLAN || expr->kind == RDB_EXPR_WINDOW;
    return !*found && rdb_expr_visit_children(expr, see_unfit, context);
}

static const rdb_target *column_target(const rdb_query *query, int16_t number)
{
    int16_t at = 0;
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const rdb_target *target = query->targets.items[i];
        if (!target->is_junk && ++at == number)
            return target;
    }
    return NULL;
}

/* May a condition on this column be checked inside? */
static bool column_fits(const rdb_query *query, const rdb_expr_var *var)
{
    bool has_unfit = false;
    const rdb_target *target = var->attribute_no > 0 ? column_target(query, var->attribute_no) : NULL;
    if (target == NULL || target->expr == NULL || target->expr->type->oid != var->head.type->oid || rdb_expr_volatility(target->expr) == 'v' || plan_contains_set(target->expr))
        return false;
    if (target->expr->kind == RDB_EXPR_WINDOW) /* inside of something it is found below */
        return false;
    (void)see_unfit(&has_unfit, target->expr);
    if (query->grouping_sets.count > 0) { /* a key that is no column, or stands there twice, is known inside by another name */
        for (uint32_t i = 0; i < query->targets.count; i++) {
            const rdb_target *other = query->targets.items[i];
            has_unfit |= other != target && is_among(&query->group, other->sort_ref) && rdb_expr_equal(other->expr, target->expr);
        }
        has_unfit |= target->expr->kind != RDB_EXPR_VAR && target->expr->kind != RDB_EXPR_AGGREGATE;
    }
    if (has_unfit || (query->has_distinct_on && !is_among(&query->distinct, target->sort_ref)))
        return false;
    for (uint32_t i = 0; i < query->windows.count; i++)
        if (!is_among(&((const rdb_window *)query->windows.items[i])->partition, target->sort_ref))
            return false;
    return true;
}

static bool see_column(void *context, rdb_expr *expr)
{
    reader *r = context;
    if (expr->kind != RDB_EXPR_VAR)
        return rdb_expr_visit_children(expr, see_column, context);
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    r->is_unfit |= var->range_no != r->range_no || var->levels_up != 0 || !column_fits(r->query, var);
    return !r->is_unfit;
}

static bool fits(const rdb_query *query, uint32_t range_no, rdb_expr *qual);

/* Into every member; their columns must have the type of the whole's. */
static bool members_fit(const rdb_query *query, const rdb_set_operation *operation, uint32_t range_no, rdb_expr *qual)
{
    if (operation->range_no != 0) {
        const rdb_range *range = query->ranges.items[operation->range_no - 1];
        return range->kind == RDB_RANGE_SUBQUERY && range->subquery != NULL && fits(range->subquery, range_no, qual);
    }
    return operation->kind != RDB_SET_EXCEPT && members_fit(query, operation->left, range_no, qual) && members_fit(query, operation->right, range_no, qual);
}

static bool fits(const rdb_query *query, uint32_t range_no, rdb_expr *qual)
{
    if (query->command != RDB_COMMAND_SELECT || query->limit_count != NULL || query->limit_offset != NULL || query->row_marks.count > 0 || query->has_modifying_cte)
        return false;
    if (query->set_operation != NULL)
        return members_fit(query, query->set_operation, range_no, qual);
    if (query->from.count == 0 && query->group.count == 0 && !query->has_aggregates)
        return false; /* one row of constants: nothing is spared */
    reader r = {.range_no = range_no, .query = query};
    (void)see_column(&r, qual);
    return !r.is_unfit;
}

/* ---- putting it in ---------------------------------------------------------------------------------------------------------------- */
typedef struct replacer {
    planner *p;
    const rdb_query *query;
} replacer;

static rdb_expr *replace_column(void *context, rdb_expr *expr)
{
    const replacer *r = context;
    if (expr->kind != RDB_EXPR_VAR)
        return rdb_expr_map_children(r->p->arena, expr, replace_column, context);
    return column_target(r->query, ((const rdb_expr_var *)expr)->attribute_no)->expr;
}

static rdb_expr *both(planner *p, rdb_expr *left, rdb_expr *right)
{
    if (left == NULL)
        return right;
    rdb_expr_bool *e = RDB_NEW(p->arena, rdb_expr_bool);
    e->head = *right;
    e->head.kind = RDB_EXPR_BOOL;
    e->bool_kind = RDB_BOOL_AND;
    rdb_list_push(p->arena, &e->arguments, left);
    rdb_list_push(p->arena, &e->arguments, right);
    return &e->head;
}

static const rdb_query *put_in(planner *p, const rdb_query *query, rdb_expr *qual)
{
    rdb_query *copy = rdb_arena_memdup(p->arena, query, sizeof *copy);
    if (query->set_operation != NULL) {
        copy->ranges = (rdb_list){0};
        for (uint32_t i = 0; i < query->ranges.count; i++) { /* of a set operation's query all are members */
            rdb_range *range = rdb_arena_memdup(p->arena, query->ranges.items[i], sizeof *range);
            if (range->kind == RDB_RANGE_SUBQUERY && range->subquery != NULL)
                range->subquery = (rdb_query *)(uintptr_t)put_in(p, range->subquery, qual);
            rdb_list_push(p->arena, &copy->ranges, range);
        }
        return copy;
    }
    replacer r = {p, query};
    rdb_expr *inside = replace_column(&r, qual);
    rdb_expr **place = query->has_aggregates || query->group.count > 0 || query->grouping_sets.count > 0 || query->having != NULL ? &copy->having : &copy->where;
    *place = both(p, *place, inside);
    return copy;
}

const rdb_query *plan_push_down(plan_level *level, plan_rel *rel, const rdb_query *query)
{
    rdb_list kept = {0};
    for (uint32_t i = 0; i < rel->quals.count; i++) {
        rdb_expr *qual = rel->quals.items[i];
        bool has_unfit = rel->range->is_security_barrier;
        (void)see_unfit(&has_unfit, qual);
        if (has_unfit || rdb_expr_volatility(qual) == 'v' || !fits(query, rel->range_no, qual))
            rdb_list_push(level->p->arena, &kept, qual);
        else
            query = put_in(level->p, query, qual);
    }
    rel->quals = kept;
    return query;
}

/* ---- row_number() <= 5 ------------------------------------------------------------------------------------------------------------ */
/* Window functions that grow from row to row of a partition, and depend on rows before alone. */
enum { ROW_NUMBER = 3100, RANK, DENSE_RANK };

static bool see_other_window(void *context, rdb_expr *expr)
{
    bool *found = context;
    const rdb_expr_window *call = (const rdb_expr_window *)expr;
    *found |= expr->kind == RDB_EXPR_WINDOW && (call->filter != NULL || call->function->oid < ROW_NUMBER || call->function->oid > DENSE_RANK);
    return !*found && rdb_expr_visit_children(expr, see_other_window, context);
}

/* The rows that are left out are seen by nothing else in the query. */
static bool runs_alone(const rdb_query *query)
{
    bool found = query->command != RDB_COMMAND_SELECT || query->windows.count != 1 || query->limit_count != NULL || query->limit_offset != NULL || query->distinct.count > 0 ||
                 query->set_operation != NULL || query->row_marks.count > 0;
    for (uint32_t i = 0; !found && i < query->targets.count; i++) {
        rdb_expr *expr = ((const rdb_target *)query->targets.items[i])->expr;
        found = expr != NULL && (plan_calls_volatile(expr) || plan_contains_set(expr));
        if (!found && expr != NULL)
            (void)see_other_window(&found, expr);
    }
    return !found;
}

static bool whole_number(const rdb_expr *expr, int64_t *number)
{
    const rdb_expr_const *one = (const rdb_expr_const *)plan_strip(expr);
    if (one->head.kind != RDB_EXPR_CONST || one->is_null)
        return false;
    switch (one->head.type->oid) {
    case RDB_INT2OID: *number = one->value.i16; return true;
    case RDB_INT4OID: *number = one->value.i32; return true;
    case RDB_INT8OID: *number = one->value.i64; return true;
    default: return false;
    }
}

/* function <, <= or = a constant, either way round. *says_all: nothing else is to be checked. */
static bool read_run(planner *p, const plan_rel *rel, const rdb_query *query, const rdb_expr *qual, plan_run *run, bool *says_all)
{
    const rdb_expr_function *e = plan_comparison(qual);
    uint16_t strategy = 0;
    uint32_t family = 0, at_most = 0;
    rdb_error quiet = {0};
    const bool known = e != NULL && rdb_opclass_strategy(p->access, e->operator_oid, &strategy, &family, &quiet) && strategy != 0;
    rdb_error_clear(&quiet);
    if (!known)
        return false;
    const bool is_left = plan_strip(e->arguments.items[0])->kind == RDB_EXPR_VAR;
    const rdb_expr *left = e->arguments.items[0], *right = e->arguments.items[1];
    const rdb_expr_var *var = (const rdb_expr_var *)(is_left ? left : right);
    strategy = is_left ? strategy : (uint16_t)(6 - strategy);
    if (var->head.kind != RDB_EXPR_VAR || var->range_no != rel->range_no || var->levels_up != 0 || var->attribute_no <= 0 || strategy > 3 || !whole_number(is_left ? right : left, &run->limit))
        return false;
    const rdb_target *target = column_target(query, var->attribute_no);
    if (target == NULL || target->expr == NULL || target->expr->kind != RDB_EXPR_WINDOW || run->limit <= (strategy == 1))
        return false;
    run->limit -= strategy == 1;
    *says_all = strategy < 3;
    rdb_expr_function *shown = rdb_arena_memdup(p->arena, e, sizeof *shown);
    shown->arguments = (rdb_list){0};
    rdb_list_push(p->arena, &shown->arguments, is_left ? (void *)target->expr : (void *)(uintptr_t)left);
    rdb_list_push(p->arena, &shown->arguments, is_left ? (void *)(uintptr_t)right : (void *)target->expr);
    if (strategy == 3 && rdb_opclass_operator(p->access, left->type->oid, right->type->oid, is_left ? 2 : 4, &at_most, &quiet) && at_most != 0)
        shown->operator_oid = at_most;
    rdb_error_clear(&quiet);
    run->function_oid = ((const rdb_expr_window *)target->expr)->function->oid;
    run->condition = &shown->head;
    return true;
}

plan_run plan_take_run(plan_level *level, plan_rel *rel, const rdb_query *query)
{
    rdb_list kept = {0};
    plan_run run = {0};
    if (rel->range->is_security_barrier || query->windows.count == 0 || !runs_alone(query))
        return run;
    for (uint32_t i = 0; i < rel->quals.count; i++) {
        plan_run one = {0};
        bool says_all = false;
        const bool takes = run.limit == 0 && read_run(level->p, rel, query, rel->quals.items[i], &one, &says_all);
        run = takes ? one : run;
        if (!takes || !says_all)
            rdb_list_push(level->p->arena, &kept, rel->quals.items[i]);
    }
    rel->quals = kept;
    return run;
}

/* ---- HAVING ------------------------------------------------------------------------------------------------------------------------ */
static bool see_group(void *context, rdb_expr *expr)
{
    bool *found = context;
    *found |= expr->kind == RDB_EXPR_AGGREGATE || expr->kind == RDB_EXPR_GROUPING || expr->kind == RDB_EXPR_SUBPLAN || expr->kind == RDB_EXPR_WINDOW;
    return !*found && rdb_expr_visit_children(expr, see_group, context);
}

void plan_move_having(plan_level *level, rdb_list *having, rdb_list *where)
{
    const rdb_query *query = level->query;
    rdb_list kept = {0};
    if (query->group.count == 0 || query->grouping_sets.count > 0)
        return;
    for (uint32_t i = 0; i < having->count; i++) {
        bool reads_group = false;
        (void)see_group(&reads_group, having->items[i]);
        const bool stays = reads_group || rdb_expr_volatility(having->items[i]) == 'v' || plan_contains_set(having->items[i]);
        rdb_list_push(level->p->arena, stays ? &kept : where, having->items[i]);
    }
    *having = kept;
}
