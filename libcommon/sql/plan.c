/* SPDX-License-Identifier: Apache-2.0
 * Planning one query level: its range table, then FROM and WHERE, then what stands above them: aggregation, window
 * functions, targets, DISTINCT, ORDER BY, row locks, LIMIT. */
#include "sql/plan_append.h"
#include <math.h>

bool plan_add_subplan(planner *p, uint32_t *subplan_no)
{
    rdb_plan *plan = p->plan;
    if (plan->subplan_count == p->subplan_capacity) {
        uint32_t capacity = p->subplan_capacity ? p->subplan_capacity * 2 : 8;
        rdb_plan_subplan *larger = RDB_NEW_ARRAY(p->arena, rdb_plan_subplan, capacity);
        if (plan->subplan_count)
            memcpy(larger, plan->subplans, plan->subplan_count * sizeof *larger);
        plan->subplans = larger;
        p->subplan_capacity = capacity;
    }
    *subplan_no = plan->subplan_count++;
    return true;
}

bool plan_add_cte(planner *p, uint32_t *cte_no)
{
    rdb_plan *plan = p->plan;
    if (plan->cte_count == p->cte_capacity) {
        uint32_t capacity = p->cte_capacity ? p->cte_capacity * 2 : 8;
        rdb_plan_cte *larger = RDB_NEW_ARRAY(p->arena, rdb_plan_cte, capacity);
        const plan_inside **insides = RDB_NEW_ARRAY(p->arena, const plan_inside *, capacity);
        if (plan->cte_count) {
            memcpy(larger, plan->ctes, plan->cte_count * sizeof *larger);
            memcpy(insides, p->cte_insides, plan->cte_count * sizeof *insides);
        }
        plan->ctes = larger;
        p->cte_insides = insides;
        p->cte_capacity = capacity;
    }
    *cte_no = plan->cte_count++;
    return true;
}

/* ---- sorting ---------------------------------------------------------------------------------------------------------------------------- */
/* Keys over the query's target columns, which are built's outputs in order. */
static bool keys_of_items(planner *p, const rdb_query *query, const rdb_list *items, const plan_built *built, rdb_plan_key **keys)
{
    *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, items->count + 1);
    for (uint32_t i = 0; i < items->count; i++) {
        const rdb_sort_item *item = items->items[i];
        uint32_t position = 0;
        if (plan_find_target(&query->targets, item->target_ref, &position) == NULL)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "ORDER BY item is not there");
        (*keys)[i] = plan_key(position, built->outputs[position]);
        (*keys)[i].is_descending = item->is_descending;
        (*keys)[i].nulls_first = item->nulls_first;
    }
    return true;
}

typedef struct window_calls {
    planner *p;
    rdb_list calls; /* rdb_expr_window *, each once */
} window_calls;

static bool collect_windows(void *context, rdb_expr *expr)
{
    window_calls *w = context;
    if (expr->kind != RDB_EXPR_WINDOW)
        return rdb_expr_visit_children(expr, collect_windows, context);
    for (uint32_t i = 0; i < w->calls.count; i++)
        if (rdb_expr_equal(w->calls.items[i], expr))
            return true;
    rdb_list_push(w->p->arena, &w->calls, expr);
    return true;
}

static const rdb_sort_item *window_key(const rdb_window *window, uint32_t key_no)
{
    return key_no < window->partition.count ? window->partition.items[key_no] : window->order.items[key_no - window->partition.count];
}

/* Whether the right window is to be computed before the left one. Windows that begin with the same keys come together, the one
 * with more keys first, so that one sort serves them; the last one gives the rows their order, as PostgreSQL's users see it. */
static bool window_goes_first(const rdb_window *left, const rdb_window *right)
{
    uint32_t left_count = left->partition.count + left->order.count, right_count = right->partition.count + right->order.count;
    for (uint32_t i = 0; i < RDB_MIN(left_count, right_count); i++) {
        const rdb_sort_item *l = window_key(left, i), *r = window_key(right, i);
        if (l->target_ref != r->target_ref)
            return r->target_ref > l->target_ref;
        if (l->order_oid != r->order_oid)
            return r->order_oid > l->order_oid;
        if (l->nulls_first != r->nulls_first)
            return r->nulls_first;
    }
    return right_count > left_count;
}

static uint32_t *order_windows(planner *p, const rdb_query *query)
{
    uint32_t *order = RDB_NEW_ARRAY(p->arena, uint32_t, query->windows.count + 1);
    for (uint32_t w = 0; w < query->windows.count; w++) {
        uint32_t at = w;
        for (; at > 0 && window_goes_first(query->windows.items[order[at - 1]], query->windows.items[w]); at--)
            order[at] = order[at - 1];
        order[at] = w;
    }
    return order;
}

static bool plan_windows(plan_level *level, plan_built *built, rdb_expr **targets)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    window_calls c = {.p = p};
    for (uint32_t i = 0; i < query->targets.count; i++)
        (void)collect_windows(&c, targets[i]);
    const uint32_t *order = order_windows(p, query);
    for (uint32_t turn = 0; turn < query->windows.count; turn++) {
        const uint32_t w = order[turn];
        const rdb_window *window = query->windows.items[w];
        rdb_list calls = {0};
        for (uint32_t i = 0; i < c.calls.count; i++) {
            const rdb_expr_window *call = c.calls.items[i];
            if (call->window_no == w)
                rdb_list_push(p->arena, &calls, c.calls.items[i]);
        }
        if (calls.count == 0)
            continue;
        uint32_t key_count = window->partition.count + window->order.count;
        rdb_expr **exprs = RDB_NEW_ARRAY(p->arena, rdb_expr *, key_count + 1);
        uint32_t *slots = RDB_NEW_ARRAY(p->arena, uint32_t, key_count + 1);
        rdb_plan_key *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, key_count + 1);
        for (uint32_t i = 0; i < key_count; i++) {
            const rdb_sort_item *item = window_key(window, i);
            uint32_t position = 0;
            if (plan_find_target(&query->targets, item->target_ref, &position) == NULL)
                return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "window's sort item is not there");
            exprs[i] = targets[position];
            keys[i].is_descending = item->is_descending;
            keys[i].nulls_first = item->nulls_first;
        }
        if (!plan_ensure_columns(p, built, exprs, key_count, slots))
            return false;
        for (uint32_t i = 0; i < key_count; i++) {
            bool descending = keys[i].is_descending, nulls_first = keys[i].nulls_first;
            keys[i] = plan_key(slots[i], exprs[i]);
            keys[i].is_descending = descending;
            keys[i].nulls_first = nulls_first;
        }
        if (key_count > 0 && !plan_sort_by(level, built, keys, key_count, 0))
            return false;
        rdb_plan_node *node = plan_new_node(p, RDB_PLAN_WINDOW, built, NULL);
        rdb_plan_window *plan = &node->of.window;
        rdb_plan_window_call *planned = RDB_NEW_ARRAY(p->arena, rdb_plan_window_call, calls.count);
        rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, built->count + calls.count + 1);
        memcpy(outputs, built->outputs, built->count * sizeof *outputs);
        for (uint32_t i = 0; i < calls.count; i++) {
            rdb_expr_window *call = calls.items[i];
            rdb_list arguments = {0};
            if (!plan_resolve_list(p, built, &call->arguments, &arguments))
                return false;
            planned[i] = (rdb_plan_window_call){.window = call, .argument_count = arguments.count, .arguments = (rdb_expr *const *)arguments.items};
            if (call->filter != NULL && !plan_resolve(p, built, call->filter, &planned[i].filter))
                return false;
            outputs[built->count + i] = &call->head;
        }
        plan->window = window;
        plan->partition_count = window->partition.count;
        plan->order_count = window->order.count;
        plan->keys = keys;
        plan->call_count = calls.count;
        plan->run_limit = level->run.limit;
        plan->run_function_oid = level->run.function_oid;
        plan->run_condition = level->run.condition;
        plan->calls = planned;
        if ((window->start_offset != NULL && !plan_prepare(level, window->start_offset, &plan->start_offset)) ||
            (window->end_offset != NULL && !plan_prepare(level, window->end_offset, &plan->end_offset)))
            return false;
        node->total_cost += node->rows * COST_OPERATOR * (calls.count + 1.0);
        plan_set_inputs(p, node, outputs, built->count + calls.count);
        *built = plan_identity(p, node, outputs, built->count + calls.count);
    }
    return true;
}

static bool plan_distinct_clause(plan_level *level, plan_built *built)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    uint32_t count = 0;
    for (uint32_t i = 0; i < query->targets.count; i++)
        count += !((const rdb_target *)query->targets.items[i])->is_junk;
    if (!query->has_distinct_on) {
        /* junk, which stands last, served the windows */
        if (count < built->count && !plan_project(p, built, built->outputs, NULL, count))
            return false;
        return plan_distinct_rows(level, built, count);
    }
    /* DISTINCT ON: sorted by ORDER BY, which begins with the expressions (in some order), then by the rest of them */
    rdb_plan_key *sort_keys = NULL, *keys = NULL;
    rdb_list items = query->sort;
    rdb_list all = {0};
    for (uint32_t i = 0; i < items.count; i++)
        rdb_list_push(p->arena, &all, items.items[i]);
    for (uint32_t i = 0; i < query->distinct.count; i++) {
        const rdb_sort_item *wanted = query->distinct.items[i];
        bool found = false;
        for (uint32_t k = 0; k < items.count; k++)
            found = found || ((const rdb_sort_item *)items.items[k])->target_ref == wanted->target_ref;
        if (!found)
            rdb_list_push(p->arena, &all, query->distinct.items[i]);
    }
    if (!keys_of_items(p, query, &all, built, &sort_keys) || !keys_of_items(p, query, &query->distinct, built, &keys) || !plan_sort_by(level, built, sort_keys, all.count, 0))
        return false;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_UNIQUE, built, NULL);
    node->of.sort.key_count = query->distinct.count;
    node->of.sort.keys = keys;
    *built = plan_identity(p, node, built->outputs, built->count);
    return true;
}

/* LIMIT NULL and OFFSET 0 leave nothing out. */
static bool cuts_off(const rdb_expr *count, const rdb_expr *offset)
{
    const rdb_expr_const *number = (const rdb_expr_const *)count, *first = (const rdb_expr_const *)offset;
    const bool has_count = count != NULL && !(count->kind == RDB_EXPR_CONST && number->is_null);
    return has_count || (offset != NULL && !(offset->kind == RDB_EXPR_CONST && (first->is_null || first->value.i64 == 0)));
}

static bool plan_limit(plan_level *level, plan_built *built)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    rdb_expr *limit = NULL, *offset = NULL;
    if ((query->limit_count != NULL && !plan_prepare(level, query->limit_count, &limit)) || (query->limit_offset != NULL && !plan_prepare(level, query->limit_offset, &offset)))
        return false;
    if (!cuts_off(limit, offset))
        return true;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_LIMIT, built, NULL);
    node->of.limit.count = limit;
    node->of.limit.offset = offset;
    if (query->with_ties) {
        rdb_plan_key *keys = NULL;
        if (!keys_of_items(p, query, &query->sort, built, &keys))
            return false;
        node->of.limit.with_ties = true;
        node->of.limit.key_count = query->sort.count;
        node->of.limit.keys = keys;
    }
    const rdb_expr_const *count = (const rdb_expr_const *)node->of.limit.count;
    if (count != NULL && count->head.kind == RDB_EXPR_CONST && !count->is_null && count->value.i64 >= 0 && (double)count->value.i64 < node->rows) {
        double part = (double)count->value.i64 / RDB_MAX(node->rows, 1.0);
        node->total_cost = node->startup_cost + (node->total_cost - node->startup_cost) * part;
        node->rows = RDB_MAX(1.0, (double)count->value.i64);
    }
    *built = plan_identity(p, node, built->outputs, built->count);
    return true;
}

/* FOR UPDATE and kin: who each locked row is travels up as columns after the targets. */
static bool add_lock_columns(plan_level *level, rdb_list *extra)
{
    planner *p = level->p;
    const rdb_type *type = NULL;
    if (!rdb_type_get(p->access, RDB_INT8OID, &type, p->err))
        return false;
    for (uint32_t i = 0; i < level->query->row_marks.count; i++) {
        const rdb_row_mark *mark = level->query->row_marks.items[i];
        const plan_rel *rel = level->rels[mark->range_no];
        if (rel == NULL || rel->range->kind != RDB_RANGE_RELATION)
            continue;
        for (int16_t column = RDB_COLUMN_ADDRESS; column >= RDB_COLUMN_VERSION_UNDO; column--) {
            plan_need_column(level, mark->range_no, column);
            rdb_list_push(p->arena, extra, plan_make_var(p, mark->range_no, column, type, -1, 0));
        }
        const rdb_type *oid = NULL;
        if (!plan_is_parent(rel->range))
            continue;
        if (!rdb_type_get(p->access, RDB_OIDOID, &oid, p->err))
            return false;
        plan_need_column(level, mark->range_no, RDB_COLUMN_TABLEOID);
        rdb_list_push(p->arena, extra, plan_make_var(p, mark->range_no, RDB_COLUMN_TABLEOID, oid, -1, 0));
    }
    return true;
}

static bool plan_locks(plan_level *level, plan_built *built, uint32_t first_slot)
{
    planner *p = level->p;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_LOCK_ROWS, built, NULL);
    rdb_plan_lock *locks = RDB_NEW_ARRAY(p->arena, rdb_plan_lock, level->query->row_marks.count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < level->query->row_marks.count; i++) {
        const rdb_row_mark *mark = level->query->row_marks.items[i];
        const plan_rel *rel = level->rels[mark->range_no];
        if (rel == NULL || rel->range->kind != RDB_RANGE_RELATION)
            continue;
        rdb_plan_lock *lock = &locks[count++];
        *lock = (rdb_plan_lock){.scan_no = rel->scan_no, .relation = rel->range->relation, .identity_slot = first_slot, .strength = mark->strength, .policy = mark->policy};
        lock->has_targets = plan_is_parent(rel->range);
        first_slot += lock->has_targets ? 4 : 3;
        if (lock->has_targets)
            plan_targets(p, rel, &lock->targets, &lock->target_count);
    }
    if (count == 0)
        return true;
    p->plan->is_read_only = false;
    node->of.lock.lock_count = count;
    node->of.lock.locks = locks;
    *built = plan_identity(p, node, built->outputs, built->count);
    return true;
}

/* One key of the wanted order; false: it cannot be one. */
static bool want_key(plan_level *level, rdb_expr *const *targets, const rdb_sort_item *item, plan_order *order)
{
    uint32_t position = 0;
    if (plan_find_target(&level->query->targets, item->target_ref, &position) == NULL || rdb_expr_volatility(targets[position]) == 'v' || plan_contains_set(targets[position]))
        return false;
    *order = (plan_order){.expr = targets[position], .is_descending = item->is_descending, .nulls_first = item->nulls_first};
    return true;
}

static void want_items(plan_level *level, rdb_expr *const *targets, const rdb_list *items)
{
    plan_order *order = RDB_NEW_ARRAY(level->p->arena, plan_order, items->count + 1);
    level->want.order = order;
    while (level->want.count < items->count && want_key(level, targets, items->items[level->want.count], &order[level->want.count]))
        level->want.count++;
}

/* Types without an ordering operator (xid) are sorted inside the system only. */
static bool all_sort(const rdb_list *items)
{
    for (uint32_t i = 0; i < items->count; i++)
        if (((const rdb_sort_item *)items->items[i])->order_oid == 0)
            return false;
    return true;
}

static bool can_all(plan_level *level, bool (*can)(const rdb_type *type))
{
    for (uint32_t i = 0; i < level->want.count; i++)
        if (!can(level->want.order[i].expr->type))
            return false;
    return true;
}

/* By the operator classes of their types, as PostgreSQL has them. */
static bool all_hash(const rdb_list *items)
{
    for (uint32_t i = 0; i < items->count; i++)
        if (!((const rdb_sort_item *)items->items[i])->can_hash)
            return false;
    return true;
}

/* The number that an expression of LIMIT or OFFSET is; false: it is known when it runs. 0: it is less than one row, or null. */
static bool limit_number(planner *p, rdb_expr *expr, double *number)
{
    rdb_expr *folded = NULL;
    rdb_error quiet = {0};
    const bool is_folded = rdb_expr_fold(p->arena, &p->eval, expr, &folded, &quiet);
    rdb_error_clear(&quiet); /* told when the plan is built */
    const rdb_expr_const *constant = (const rdb_expr_const *)folded;
    if (!is_folded || folded->kind != RDB_EXPR_CONST)
        return false;
    *number = !constant->is_null && constant->value.i64 > 0 ? (double)constant->value.i64 : 0;
    return true;
}

double plan_limit_of(planner *p, const rdb_query *query)
{
    double count = 0, offset = 0;
    if (query->limit_count == NULL)
        return 0;
    if (!limit_number(p, query->limit_count, &count) || count == 0)
        count = 10;
    if (query->limit_offset != NULL)
        (void)limit_number(p, query->limit_offset, &offset);
    return count + offset;
}

/* What stands first above FROM, and the order that would serve it: grouping, windows, DISTINCT or ORDER BY. */
static void want_order(plan_level *level, rdb_expr *const *targets)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    plan_want *want = &level->want;
    rdb_list items = {0};
    *want = (plan_want){.goal = PLAN_GOAL_SORT, .limit = plan_limit_of(level->p, query)};
    if (query->limit_count == NULL && query->sort.count > 0)
        want->limit = level->tuple_fraction;
    if (query->command != RDB_COMMAND_SELECT || query->grouping_sets.count > 0 || query->set_operation != NULL)
        return;
    if (query->group.count > 0) {
        items = plan_group_items(p, query);
        want_items(level, targets, &items);
        want->goal = PLAN_GOAL_GROUP;
        want->can_sort = want->count == items.count && can_all(level, plan_can_sort) && all_sort(&items);
        want->can_hash = can_all(level, plan_can_hash) && all_hash(&items) && !plan_has_ordered_aggregates(query, targets);
        if (want->count < items.count || (!want->can_sort && !want->can_hash))
            want->count = 0;
    } else if (query->has_aggregates || query->having != NULL) {
        want->limit = 0;
        return;
    } else if (query->has_windows) {
        const rdb_window *first = query->windows.count > 0 ? query->windows.items[0] : NULL;
        for (uint32_t i = 0; first != NULL && i < first->partition.count; i++)
            rdb_list_push(p->arena, &items, first->partition.items[i]);
        for (uint32_t i = 0; first != NULL && i < first->order.count; i++)
            rdb_list_push(p->arena, &items, first->order.items[i]);
        want->limit = 0;
        want_items(level, targets, &items);
        return;
    } else if (query->distinct.count > 0) {
        items = plan_distinct_items(p, query);
        want_items(level, targets, &items);
        if (query->has_distinct_on)
            want->limit = 0;
        else {
            want->goal = PLAN_GOAL_GROUP;
            want->can_sort = want->count == items.count && can_all(level, plan_can_sort) && all_sort(&items);
            want->can_hash = can_all(level, plan_can_hash) && all_hash(&items);
            if (want->count < items.count)
                want->count = 0;
        }
    } else {
        want_items(level, targets, &query->sort);
        if (want->count < query->sort.count)
            want->limit = 0;
        return;
    }
    want->sort_count = query->sort.count;
    want->is_final = query->sort.count <= want->count;
    for (uint32_t i = 0; i < query->sort.count && want->is_final; i++)
        want->is_final = ((const rdb_sort_item *)query->sort.items[i])->target_ref == ((const rdb_sort_item *)items.items[i])->target_ref;
    if (query->has_windows || (query->group.count > 0 && query->distinct.count > 0)) {
        want->is_final = false;
        want->sort_count = 0;
    }
}

/* What policies ask of rows comes before every other condition of the range. */
static bool plan_security(plan_level *level)
{
    for (uint32_t i = 0; i < level->query->ranges.count; i++) {
        const rdb_range *range = level->query->ranges.items[i];
        if (range->security != NULL && level->rels[i + 1] != NULL && !plan_prepare_conjuncts(level, range->security, &level->rels[i + 1]->quals))
            return false;
    }
    return true;
}

/* ---- one level ------------------------------------------------------------------------------------------------------------------------------ */
static bool waits(rdb_expr *target)
{
    return plan_contains_set(target) || plan_calls_volatile(target);
}

/* Set-returning and volatile targets that ORDER BY does not ask for wait until the rows are sorted, and DISTINCT ON has chosen among
 * them. */
static bool sets_can_wait(const rdb_query *query, rdb_expr *const *targets)
{
    bool any = false;
    if (query->sort.count == 0 || query->command != RDB_COMMAND_SELECT || query->row_marks.count > 0)
        return false;
    for (uint32_t i = 0; i < query->targets.count; i++) {
        if (!waits(targets[i]))
            continue;
        if (((const rdb_target *)query->targets.items[i])->sort_ref != 0 && plan_contains_set(targets[i]))
            return false;
        any = any || ((const rdb_target *)query->targets.items[i])->sort_ref == 0;
    }
    return any;
}

/* The targets with nulls in place of those that wait, and what these are made of. */
static bool project_early(planner *p, const rdb_query *query, rdb_expr *const *targets, plan_built *built)
{
    const uint32_t count = query->targets.count, total = count + built->count;
    rdb_expr **early = RDB_NEW_ARRAY(p->arena, rdb_expr *, total + 1);
    rdb_list shown = {0};
    for (uint32_t i = 0; i < total; i++) {
        early[i] = i < count ? targets[i] : built->outputs[i - count];
        if (i < count && waits(targets[i]) && ((const rdb_target *)query->targets.items[i])->sort_ref == 0) {
            rdb_expr_const *none = RDB_NEW(p->arena, rdb_expr_const);
            none->head = *targets[i];
            none->head.kind = RDB_EXPR_CONST;
            none->is_null = true;
            early[i] = &none->head;
        }
        rdb_target *target = i < count ? query->targets.items[i] : RDB_NEW(p->arena, rdb_target);
        target->is_junk |= i >= count;
        rdb_list_push(p->arena, &shown, target);
    }
    return plan_project(p, built, early, &shown, total);
}

/* Rows of a set operation that sorted them are in the order of their columns. */
static void note_set_order(plan_level *level, const plan_built *built)
{
    if (built->node->kind == RDB_PLAN_MERGE_APPEND) {
        level->have_count = built->node->of.append.key_count;
        plan_order *merged = RDB_NEW_ARRAY(level->p->arena, plan_order, level->have_count + 1);
        for (uint32_t i = 0; i < level->have_count; i++) {
            const rdb_plan_key *key = &built->node->of.append.keys[i];
            merged[i] = (plan_order){.expr = built->outputs[key->slot_no], .collation = key->collation, .is_descending = key->is_descending, .nulls_first = key->nulls_first};
        }
        level->have = merged;
        return;
    }
    const bool is_sorted = (built->node->kind == RDB_PLAN_UNIQUE && built->count > 0) || (built->node->kind == RDB_PLAN_SET_OP && built->node->of.set_op.is_sorted);
    plan_order *have = RDB_NEW_ARRAY(level->p->arena, plan_order, built->count + 1);
    const rdb_plan_node *sort = built->node->left;
    for (uint32_t i = 0; is_sorted && sort != NULL && sort->kind == RDB_PLAN_SORT && i < built->count && i < sort->of.sort.key_count && sort->of.sort.keys[i].collation == built->outputs[i]->collation; i++) {
        have[i] = (plan_order){.expr = built->outputs[i], .collation = built->outputs[i]->collation};
        level->have_count = i + 1;
    }
    level->have = have;
}

static bool plan_select(plan_level *level, plan_built *built)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    uint32_t count = query->targets.count;
    rdb_expr **targets = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 1);
    rdb_list where = {0}, having = {0}, extra = {0};
    for (uint32_t i = 0; i < count; i++)
        if (!plan_prepare(level, ((const rdb_target *)query->targets.items[i])->expr, &targets[i]))
            return false;
    if (!plan_prepare_conjuncts(level, query->where, &where) || !plan_prepare_conjuncts(level, query->having, &having))
        return false;
    plan_move_having(level, &having, &where);
    if (query->command == RDB_COMMAND_SELECT && query->row_marks.count > 0 && !add_lock_columns(level, &extra))
        return false;
    if ((query->command == RDB_COMMAND_UPDATE || query->command == RDB_COMMAND_DELETE || query->command == RDB_COMMAND_MERGE) && !plan_modify_columns(level, &extra))
        return false;
    if (query->set_operation != NULL) {
        if (!plan_set_operation(level, query->set_operation, built))
            return false;
        const rdb_range *first = query->ranges.items[plan_leftmost(query->set_operation)->range_no - 1];
        built->outputs = plan_range_outputs(p, first, plan_leftmost(query->set_operation)->range_no, built->count);
        note_set_order(level, built);
    } else {
        want_order(level, targets);
        if (!plan_security(level) || !plan_from(level, &where, built))
            return false;
        plan_begin_order(level);
    }
    if ((query->has_aggregates || query->group.count > 0 || query->grouping_sets.count > 0 || query->having != NULL) && !plan_aggregation(level, built, targets, &having))
        return false;
    if (query->has_windows && !plan_windows(level, built, targets))
        return false;
    /* all targets, junk too, then row identities */
    rdb_expr **all = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + extra.count + 1);
    rdb_list all_targets = {0};
    memcpy(all, targets, count * sizeof *all);
    for (uint32_t i = 0; i < count; i++)
        rdb_list_push(p->arena, &all_targets, query->targets.items[i]);
    for (uint32_t i = 0; i < extra.count; i++) {
        all[count + i] = extra.items[i];
        rdb_target *target = RDB_NEW(p->arena, rdb_target);
        target->is_junk = true;
        rdb_list_push(p->arena, &all_targets, target);
    }
    const bool sets_wait = sets_can_wait(query, targets);
    if (sets_wait ? !project_early(p, query, targets, built) : !plan_project(p, built, all, &all_targets, count + extra.count))
        return false;
    if (query->distinct.count > 0 && !plan_distinct_clause(level, built))
        return false;
    if (query->sort.count > 0) {
        rdb_plan_key *keys = NULL;
        if (!keys_of_items(p, query, &query->sort, built, &keys) || !plan_sort_by(level, built, keys, query->sort.count, query->limit_count != NULL ? level->want.limit : 0))
            return false;
    }
    if (sets_wait && !plan_project(p, built, all, &all_targets, count))
        return false;
    if (query->command == RDB_COMMAND_SELECT && query->row_marks.count > 0 && !plan_locks(level, built, count))
        return false;
    if ((query->limit_count != NULL || query->limit_offset != NULL) && !plan_limit(level, built))
        return false;
    return true;
}

/* HAVING with nothing to group by and nothing to sum up: one row, whatever FROM and WHERE would give, if the condition holds. */
static const rdb_query *without_rows(planner *p, const rdb_query *query)
{
    if (query->command != RDB_COMMAND_SELECT || query->having == NULL || query->has_aggregates || query->group.count > 0 || query->grouping_sets.count > 0 || query->has_set_returning_targets)
        return query;
    rdb_query *bare = rdb_arena_memdup(p->arena, query, sizeof *bare);
    bare->from = (rdb_list){0};
    bare->where = query->having;
    bare->having = NULL;
    return bare;
}

/* Ranges that the plan says something about (shown) are its own. */
static const rdb_query *with_own_ranges(planner *p, const rdb_query *query)
{
    bool has_any = false;
    for (uint32_t i = 0; i < query->ranges.count; i++) {
        const rdb_range *range = query->ranges.items[i];
        has_any |= range->kind == RDB_RANGE_SUBQUERY || range->kind == RDB_RANGE_CTE || range->kind == RDB_RANGE_VALUES;
    }
    if (!has_any)
        return query;
    rdb_query *copy = rdb_arena_memdup(p->arena, query, sizeof *copy);
    copy->ranges = (rdb_list){0};
    for (uint32_t i = 0; i < query->ranges.count; i++) {
        rdb_range *range = query->ranges.items[i];
        if (range->kind == RDB_RANGE_SUBQUERY || range->kind == RDB_RANGE_CTE || range->kind == RDB_RANGE_VALUES) {
            range = rdb_arena_memdup(p->arena, range, sizeof *range);
            range->shown = NULL;
        }
        rdb_list_push(p->arena, &copy->ranges, range);
    }
    return copy;
}

/* Plans what is written, when all that changes the query itself has been done. */
static bool plan_written(planner *p, plan_level *parent, const rdb_query *query, double fraction, plan_level *level, plan_built *built)
{
    query = with_own_ranges(p, query);
    *level = (plan_level){.p = p, .parent = parent, .query = query, .range_count = query->ranges.count, .tuple_fraction = fraction, .run = level->run};
    if (query->ranges.count >= PLAN_RELIDS_WORDS * 64)
        return rdb_error_set(p->err, RDB_STATEMENT_TOO_COMPLEX, "too many range table entries");
    level->rels = RDB_NEW_ARRAY(p->arena, plan_rel *, query->ranges.count + 1);
    uint32_t first_cte = p->plan->cte_count;
    if (!plan_ctes(level))
        return false;
    uint32_t end_cte = p->plan->cte_count;
    for (uint32_t i = 1; i <= query->ranges.count; i++)
        if (!plan_range(level, i))
            return false;
    for (uint32_t i = 1; i <= query->ranges.count; i++)
        if (level->rels[i] != NULL && !plan_built_range(level, level->rels[i]))
            return false;
    if (!plan_select(level, built))
        return false;
    if (query->command != RDB_COMMAND_SELECT && !plan_modify(p, level, built))
        return false;
    plan_own_ctes(built->node, first_cte, end_cte);
    for (uint32_t i = 0; i < level->init_plans.count; i++)
        p->plan->subplans[(uint32_t)(uintptr_t)level->init_plans.items[i]].owner = built->node;
    return rdb_arena_check(p->arena, p->err);
}

typedef struct subplan_cost {
    const rdb_plan *plan;
    double sum;
    bool has_sort;
} subplan_cost;

static bool add_subplan_cost(void *context, rdb_expr *expr)
{
    subplan_cost *cost = context;
    if (expr->kind != RDB_EXPR_SUBPLAN)
        return rdb_expr_visit_children(expr, add_subplan_cost, cost);
    const rdb_plan_node *node = cost->plan->subplans[((const rdb_expr_subplan *)expr)->subplan_no].node;
    cost->sum += node->total_cost;
    for (; node != NULL; node = node->left)
        cost->has_sort = cost->has_sort || node->kind == RDB_PLAN_SORT || node->kind == RDB_PLAN_INCREMENTAL_SORT;
    return true;
}

/* What the sub-queries for min and max cost: -1 where one of them would sort, as no index gives its order. */
static double min_max_cost(const planner *p, const plan_built *built)
{
    subplan_cost cost = {.plan = p->plan};
    for (uint32_t i = 0; i < built->count; i++)
        if (built->outputs[i] != NULL)
            (void)add_subplan_cost(&cost, built->outputs[i]);
    return cost.has_sort ? -1 : cost.sum;
}

/* Where the planner is: itself, the plan, and the levels around the one at hand, which learn what is wanted of them. */
typedef struct plan_mark {
    planner planner;
    rdb_plan plan;
    plan_level *around; /* copies, inside out */
} plan_mark;

static plan_mark mark_planner(const planner *p, const plan_level *parent)
{
    uint32_t count = 0;
    plan_mark mark = {.planner = *p, .plan = *p->plan};
    for (const plan_level *level = parent; level != NULL; level = level->parent)
        count++;
    mark.around = RDB_NEW_ARRAY(p->arena, plan_level, count + 1);
    for (const plan_level *level = parent; level != NULL; level = level->parent)
        *mark.around++ = *level;
    mark.around -= count;
    return mark;
}

/* Back to there. What comes next gets memory of its own, so that what was made since stays whole. */
static void rewind_planner(planner *p, plan_level *parent, const plan_mark *mark)
{
    rdb_plan *plan = p->plan;
    *p = mark->planner;
    *plan = mark->plan;
    p->subplan_capacity = plan->subplan_count;
    p->cte_capacity = plan->cte_count;
    p->said_parts.capacity = p->said_parts.count;
    plan->ranges.capacity = plan->ranges.count;
    plan->relations.capacity = plan->relations.count;
    const plan_level *was = mark->around;
    for (plan_level *level = parent; level != NULL; level = level->parent) {
        *level = *was++;
        level->wanted_capacity = level->wanted_count;
        level->init_plans.capacity = level->init_plans.count;
        level->known_subplans.capacity = level->known_subplans.count;
    }
}

/* May min(x) and max(x) be read from the ends of indexes for less than all rows cost? */
static bool ends_are_cheaper(const planner *p, const plan_built *by_index, const plan_built *plain, double rows)
{
    (void)rows;
    const double cost = min_max_cost(p, by_index);
    return cost >= 0 && cost <= plain->node->total_cost;
}

/* Of so many rows; 0: of all. */
static double cost_of_rows(const rdb_plan_node *node, double rows)
{
    return rows > 0 && rows < node->rows ? node->startup_cost + (node->total_cost - node->startup_cost) * rows / node->rows : node->total_cost;
}

/* Is ORDER BY over a UNION ALL cheaper where members that come in order are merged than where all rows are sorted? */
static bool merge_is_cheaper(const planner *p, const plan_built *by_member, const plan_built *plain, double rows)
{
    (void)p;
    return plan_merges_members(by_member->node) && cost_of_rows(by_member->node, rows) < cost_of_rows(plain->node, rows);
}

/* Plans the query as it was written and as it was written anew, and takes the one that is better. */
static bool plan_better(planner *p, plan_level *parent, const rdb_query *plain, const rdb_query *anew, double rows,
                        bool (*is_better)(const planner *, const plan_built *anew, const plan_built *plain, double rows), plan_level *level, plan_built *built)
{
    const plan_mark before = mark_planner(p, parent);
    plan_level *other = RDB_NEW(p->arena, plan_level);
    plan_built as_written;
    other->run = level->run;
    if (!plan_written(p, parent, plain, rows, other, &as_written))
        return false;
    const plan_mark between = mark_planner(p, parent);
    rewind_planner(p, parent, &before);
    if (!plan_written(p, parent, anew, rows, level, built))
        return false;
    if (is_better(p, built, &as_written, rows))
        return true;
    rewind_planner(p, parent, &between);
    *level = *other;
    *built = as_written;
    return true;
}

bool plan_query(planner *p, plan_level *parent, const rdb_query *query, plan_level *level, plan_built *built)
{
    if (++p->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(p->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    const double fraction = level->tuple_fraction;
    query = plan_drop_joins(p, plan_pull_up(p, plan_join_sublinks(p, without_rows(p, query))));
    const rdb_query *by_index = plan_min_max(p, query);
    const rdb_query *by_member = by_index == query ? plan_order_members(p, query) : query;
    const bool ok = by_index != query    ? plan_better(p, parent, query, by_index, fraction, ends_are_cheaper, level, built)
                    : by_member != query ? plan_better(p, parent, query, by_member, fraction, merge_is_cheaper, level, built)
                                         : plan_written(p, parent, query, fraction, level, built);
    p->depth -= ok;
    return ok;
}

static planner make_planner(const rdb_plan_context *context, rdb_plan *plan, rdb_error *err)
{
    const rdb_txn *txn = rdb_access_get_context(context->access)->txn;
    return (planner){.arena = context->arena, .access = context->access, .context = context, .err = err, .plan = plan,
                     .eval = {.access = context->access, .format = context->format ? context->format : rdb_format_default(), .session = context->session ? ((rdb_eval *)context->session)->session : NULL,
                              .cancel = txn != NULL ? rdb_txn_cancel(txn) : NULL}};
}

const rdb_list *rdb_query_result_targets(const rdb_query *query);

/* counts_threads: paths are compared by how long they take, not by what they cost one thread. *cost: of the plan, its work shared;
 * *may_share: there is a table whose scan threads could share. */
static bool plan_once(const rdb_plan_context *context, const rdb_query *query, bool counts_threads, rdb_plan **out, double *cost, bool *may_share, rdb_error *err)
{
    rdb_plan *plan = RDB_NEW(context->arena, rdb_plan);
    planner p = make_planner(context, plan, err);
    plan_level *level = RDB_NEW(context->arena, plan_level);
    plan_built built;
    const rdb_txn *txn = rdb_access_get_context(context->access)->txn;
    p.oldest_scn = context->reads_newest || txn == NULL ? UINT64_MAX : rdb_txn_own_oldest(txn);
    p.counts_threads = counts_threads;
    plan->arena = context->arena;
    plan->command = query->command;
    plan->is_read_only = query->command == RDB_COMMAND_SELECT && !query->has_modifying_cte;
    if (!plan_query(&p, NULL, query, level, &built))
        return false;
    plan->root = built.node;
    *cost = plan_share_work(&p);
    *may_share = p.may_share;
    *out = plan;
    return true;
}

/* So much cheaper a plan that is best for threads must be than the one that is best for one, whose work they share as far as they can: it
 * does more work in all, and the processors may be fewer than the threads, or busy. */
#define THREADS_LEAD 1.15

bool rdb_plan_make(const rdb_plan_context *context, const rdb_query *query, rdb_plan **out, rdb_error *err)
{
    rdb_plan *plan = NULL, *shared = NULL;
    double cost = 0, shared_cost = 0;
    bool may_share = false;
    *out = NULL;
    if (!plan_once(context, query, false, &plan, &cost, &may_share, err))
        return false;
    if (may_share && cost > context->parallel_setup_cost) { /* else no plan with threads is cheaper */
        if (!plan_once(context, query, true, &shared, &shared_cost, &may_share, err))
            return false;
        plan = shared_cost * THREADS_LEAD < cost ? shared : plan;
    }
    const rdb_list *source = query->command == RDB_COMMAND_SELECT ? &query->targets : &query->returning;
    rdb_list *results = RDB_NEW(context->arena, rdb_list);
    for (uint32_t i = 0; i < source->count; i++)
        if (!((const rdb_target *)source->items[i])->is_junk)
            rdb_list_push(context->arena, results, source->items[i]);
    plan->result_targets = results;
    plan->returns_rows = query->command == RDB_COMMAND_SELECT || query->returning.count > 0;
    *out = plan;
    return true;
}

bool rdb_plan_make_expr(const rdb_plan_context *context, const rdb_relation *relation, const rdb_expr *source, rdb_expr **expr, rdb_error *err)
{
    rdb_plan plan = {.arena = context->arena};
    planner p = make_planner(context, &plan, err);
    uint32_t count = relation ? relation->column_count : 0;
    plan_built row = {.count = count, .outputs = RDB_NEW_ARRAY(context->arena, rdb_expr *, count + 1), .relation = relation};
    for (uint32_t i = 0; i < count; i++)
        row.outputs[i] = relation->columns[i].is_dropped || relation->columns[i].type == NULL ? NULL : plan_make_var(&p, 1, (int16_t)(i + 1), relation->columns[i].type, relation->columns[i].typmod, relation->columns[i].collation);
    rdb_expr *folded = NULL;
    return rdb_expr_fold(context->arena, &p.eval, (rdb_expr *)(uintptr_t)source, &folded, err) && plan_resolve(&p, &row, folded, expr);
}
