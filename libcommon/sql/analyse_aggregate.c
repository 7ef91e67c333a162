/* SPDX-License-Identifier: Apache-2.0
 * Aggregates and window functions: which query level they belong to, where they may stand, and that what is not aggregated
 * is grouped. */
#include "sql/analyse_int.h"

/* ---- where they may stand ---- */

/* "... are not allowed in X"; NULL: they are. */
static const char *refusing_place(analyse_clause clause, bool is_window)
{
    switch (clause) {
    case ANALYSE_NOTHING: case ANALYSE_OTHER: case ANALYSE_SELECT_TARGET: case ANALYSE_ORDER_BY: case ANALYSE_DISTINCT_ON:
        return NULL;
    case ANALYSE_HAVING: case ANALYSE_WINDOW_PARTITION: case ANALYSE_WINDOW_ORDER:
        return is_window ? (clause == ANALYSE_HAVING ? "HAVING" : "window definitions") : NULL;
    case ANALYSE_WINDOW_RANGE: case ANALYSE_WINDOW_ROWS: case ANALYSE_WINDOW_GROUPS:
        return is_window ? "window definitions" : analyse_clause_name(clause);
    case ANALYSE_JOIN_ON: return "JOIN conditions";
    case ANALYSE_FROM_SUBQUERY: return "FROM clause of their own query level";
    case ANALYSE_FROM_FUNCTION: return "functions in FROM";
    case ANALYSE_CHECK: case ANALYSE_DOMAIN_CHECK: return "check constraints";
    case ANALYSE_DEFAULT: return "DEFAULT expressions";
    case ANALYSE_INDEX_EXPRESSION: return "index expressions";
    case ANALYSE_INDEX_PREDICATE: return "index predicates";
    case ANALYSE_GENERATED: return "column generation expressions";
    case ANALYSE_EXECUTE: return "EXECUTE parameters";
    case ANALYSE_COPY_WHERE: return "COPY FROM WHERE conditions";
    case ANALYSE_POLICY: return "policy expressions";
    case ANALYSE_TRANSFORM: return "transform expressions";
    case ANALYSE_MERGE_WHEN: return "MERGE WHEN conditions";
    default: return analyse_clause_name(clause);
    }
}

typedef struct level_finder {
    const analyse_state *state;
    uint32_t lowest;          /* of the variables; UINT32_MAX: there are none */
    uint32_t lowest_aggregate;
    int32_t aggregate_location, window_location, set_location;
} level_finder;

static bool note_level(void *context, const rdb_expr *node, uint32_t levels)
{
    level_finder *f = context;
    if (node->kind == RDB_EXPR_VAR) {
        uint32_t up = ((const rdb_expr_var *)node)->levels_up;
        if (up >= levels)
            f->lowest = RDB_MIN(f->lowest, up - levels);
    } else if (node->kind == RDB_EXPR_AGGREGATE || node->kind == RDB_EXPR_GROUPING) {
        uint32_t up = node->kind == RDB_EXPR_AGGREGATE ? ((const rdb_expr_aggregate *)node)->levels_up : ((const rdb_expr_grouping *)node)->levels_up;
        if (up >= levels && up - levels < f->lowest_aggregate) {
            f->lowest_aggregate = up - levels;
            f->aggregate_location = node->location;
        }
    } else if (node->kind == RDB_EXPR_WINDOW && levels == 0) {
        f->window_location = node->location;
    } else if (node->kind == RDB_EXPR_FUNCTION && levels == 0 && ((const rdb_expr_function *)node)->returns_set) {
        f->set_location = node->location;
    }
    return true;
}

/* Settles the level of an aggregate over these expressions and checks that it may stand there. */
static bool settle_level(analyse_state *state, const rdb_list *exprs, const rdb_expr *filter, int32_t location, const char *what, uint16_t *levels_up,
                         rdb_error *err)
{
    level_finder f = {.state = state, .lowest = UINT32_MAX, .lowest_aggregate = UINT32_MAX, .aggregate_location = -1, .window_location = -2, .set_location = -2};
    for (uint32_t at = 0; at < exprs->count; at++)
        analyse_walk(exprs->items[at], 0, note_level, &f);
    if (filter != NULL)
        analyse_walk(filter, 0, note_level, &f);
    bool is_grouping = what[0] == 'g';
    if (!is_grouping && f.set_location != -2) {
        analyse_error(state, f.set_location, err, RDB_FEATURE_NOT_SUPPORTED, "aggregate function calls cannot contain set-returning function calls");
        return rdb_error_hint(err, "You might be able to move the set-returning function into a LATERAL FROM item.");
    }
    if (!is_grouping && f.window_location != -2)
        return analyse_error(state, f.window_location, err, RDB_GROUPING_ERROR, "aggregate function calls cannot contain window function calls");
    uint32_t level = f.lowest;
    if (f.lowest_aggregate < level && f.lowest_aggregate != UINT32_MAX)
        level = f.lowest_aggregate;
    if (level == UINT32_MAX)
        level = 0;
    if (!is_grouping && f.lowest_aggregate == level)
        return analyse_error(state, f.aggregate_location, err, RDB_GROUPING_ERROR, "aggregate function calls cannot be nested");
    *levels_up = (uint16_t)level;
    analyse_state *owner = (analyse_state *)(uintptr_t)analyse_state_up(state, level);
    const char *place = refusing_place(owner->clause, false);
    if (place != NULL)
        return analyse_error(state, location, err, RDB_GROUPING_ERROR, is_grouping ? "grouping operations are not allowed in %s" : "aggregate functions are not allowed in %s",
                             place);
    if (owner->query != NULL)
        owner->query->has_aggregates = true;
    for (uint32_t at = 0; !is_grouping && owner->query != NULL && at < owner->query->ranges.count; at++)
        if (((const rdb_range *)owner->query->ranges.items[at])->is_self_reference)
            return analyse_error(state, location, err, RDB_INVALID_RECURSION, "aggregate functions are not allowed in a recursive query's recursive term");
    return true;
}

typedef struct below_finder {
    uint32_t level;
    int32_t location;
} below_finder;

static bool note_below(void *context, const rdb_expr *node, uint32_t levels)
{
    below_finder *f = context;
    const uint32_t up = node->kind == RDB_EXPR_VAR ? ((const rdb_expr_var *)node)->levels_up : UINT32_MAX;
    if (up != UINT32_MAX && up >= levels && up - levels < f->level && f->location < 0)
        f->location = node->location;
    return true;
}

/* The first column of a level further in. */
static int32_t location_below(const rdb_list *exprs, uint32_t level)
{
    below_finder f = {level, -1};
    for (uint32_t at = 0; at < exprs->count; at++)
        analyse_walk(exprs->items[at], 0, note_below, &f);
    return f.location;
}

bool analyse_aggregate(analyse_state *state, rdb_expr_aggregate *aggregate, const rdb_list *direct, const rdb_list *arguments, const rdb_list *order,
                       bool is_distinct, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    rdb_list all = {0};
    bool within_group = direct->count > 0 || (order->count > 0 && arguments->count == order->count && aggregate->function->kind == 'a' && !is_distinct);
    const rdb_aggregate *entry = NULL;
    if (!rdb_aggregate_get(state->analysis->access, aggregate->function->oid, &entry, err))
        return false;
    within_group = within_group && entry != NULL && entry->kind != 'n';
    aggregate->direct_arguments = *direct;
    for (uint32_t at = 0; at < arguments->count; at++)
        rdb_list_push(arena, &aggregate->arguments, analyse_new_target(state, arguments->items[at], (int16_t)(at + 1), NULL, false));
    aggregate->is_within_group = within_group;
    if (within_group) {
        for (uint32_t at = 0; at < order->count; at++) {
            const rdb_ast_sort *sort = order->items[at];
            if (!analyse_add_sort_item(state, aggregate->arguments.items[at], &aggregate->order, &aggregate->arguments, sort, sort->expr->location, err))
                return false;
        }
    } else {
        if (!analyse_sort(state, order, &aggregate->arguments, ANALYSE_ORDER_BY, true, &aggregate->order, err))
            return false;
        if (is_distinct) {
            if (!analyse_distinct(state, &aggregate->arguments, &aggregate->order, true, &aggregate->distinct, err))
                return false;
            for (uint32_t at = 0; at < aggregate->distinct.count; at++) {
                const rdb_sort_item *item = aggregate->distinct.items[at];
                const rdb_expr *expr = analyse_target_by_ref(&aggregate->arguments, item->target_ref)->expr;
                if (item->order_oid != 0)
                    continue;
                analyse_error(state, analyse_location(expr), err, RDB_UNDEFINED_FUNCTION, "could not identify an ordering operator for type %s",
                              analyse_type_name(state, expr->type->oid));
                return rdb_error_detail(err, "Aggregates with DISTINCT must be able to sort their inputs.");
            }
        }
    }
    for (uint32_t at = 0; at < aggregate->arguments.count; at++)
        rdb_list_push(arena, &all, ((rdb_target *)aggregate->arguments.items[at])->expr);
    if (!settle_level(state, &all, aggregate->filter, aggregate->head.location, "aggregate", &aggregate->levels_up, err))
        return false;
    level_finder f = {.state = state, .lowest = UINT32_MAX, .lowest_aggregate = UINT32_MAX, .aggregate_location = -1, .window_location = -2, .set_location = -2};
    for (uint32_t at = 0; at < direct->count; at++)
        analyse_walk(direct->items[at], 0, note_level, &f);
    if (f.lowest < aggregate->levels_up)
        return analyse_error(state, location_below(direct, aggregate->levels_up), err, RDB_GROUPING_ERROR,
                             "outer-level aggregate cannot contain a lower-level variable in its direct arguments");
    if (f.lowest_aggregate <= aggregate->levels_up)
        return analyse_error(state, f.aggregate_location, err, RDB_GROUPING_ERROR, "aggregate function calls cannot be nested");
    return true;
}

bool analyse_grouping(analyse_state *state, rdb_expr_grouping *grouping, rdb_error *err)
{
    return settle_level(state, &grouping->arguments, NULL, grouping->head.location, "grouping", &grouping->levels_up, err);
}

/* ---- window functions ---- */

static bool same_window(const rdb_ast_window *left, const rdb_ast_window *right)
{
    rdb_strbuf a, b;
    rdb_strbuf_init(&a, NULL);
    rdb_strbuf_init(&b, NULL);
    rdb_ast_print(&a, &left->node);
    rdb_ast_print(&b, &right->node);
    bool same = a.data != NULL && b.data != NULL && strcmp(a.data, b.data) == 0;
    rdb_strbuf_free(&a);
    rdb_strbuf_free(&b);
    return same;
}

static bool find_window_call(void *context, const rdb_expr *node, uint32_t levels)
{
    if (node->kind == RDB_EXPR_WINDOW && levels == 0) {
        *(int32_t *)context = node->location;
        return false;
    }
    return true;
}

static bool find_set_call(void *context, const rdb_expr *node, uint32_t levels)
{
    if (node->kind == RDB_EXPR_FUNCTION && levels == 0 && ((const rdb_expr_function *)node)->returns_set) {
        *(int32_t *)context = node->location;
        return false;
    }
    return true;
}

bool analyse_window_call(analyse_state *state, rdb_expr_window *call, const rdb_ast_window *over, rdb_error *err)
{
    const char *place = refusing_place(state->clause, true);
    int32_t nested = -1;
    for (uint32_t at = 0; at < call->arguments.count; at++)
        if (!analyse_walk(call->arguments.items[at], 0, find_window_call, &nested))
            return analyse_error(state, nested, err, RDB_WINDOWING_ERROR, "window function calls cannot be nested");
    for (uint32_t at = 0; at < call->arguments.count; at++)
        if (!analyse_walk(call->arguments.items[at], 0, find_set_call, &nested)) {
            analyse_error(state, nested, err, RDB_FEATURE_NOT_SUPPORTED, "window function calls cannot contain set-returning function calls");
            return rdb_error_hint(err, "You might be able to move the set-returning function into a LATERAL FROM item.");
        }
    if (place != NULL)
        return analyse_error(state, call->head.location, err, RDB_WINDOWING_ERROR, "window functions are not allowed in %s", place);
    bool is_bare_name = over->name != NULL;
    uint32_t at = 0;
    for (; at < state->raw_windows.count; at++) {
        const rdb_ast_window *window = state->raw_windows.items[at];
        if (is_bare_name ? window->name != NULL && strcmp(window->name, over->name) == 0 : window->name == NULL && same_window(window, over))
            break;
    }
    if (at == state->raw_windows.count) {
        if (is_bare_name)
            return analyse_error(state, over->node.location, err, RDB_UNDEFINED_OBJECT, "window \"%s\" does not exist", over->name);
        rdb_list_push(analyse_arena(state), &state->raw_windows, (void *)(uintptr_t)over);
    }
    call->window_no = at;
    state->query->has_windows = true;
    return true;
}

/* RANGE with an offset: which in_range function it goes by, and the offset made that one's type. */
static bool range_offset(analyse_state *state, const rdb_window *window, int32_t window_location, rdb_list *targets, rdb_expr **offset, uint32_t *function, rdb_error *err)
{
    const int32_t location = analyse_location(*offset);
    if (window->order.count != 1)
        return analyse_error(state, window_location, err, RDB_WINDOWING_ERROR, "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column");
    const rdb_sort_item *item = window->order.items[0];
    const rdb_type *key = analyse_base_type(analyse_target_by_ref(targets, item->target_ref)->expr->type, NULL);
    uint32_t given = (*offset)->type->oid, wanted = given, found_count = 0, chosen = 0, chosen_type = 0, one, type;
    if (given == RDB_UNKNOWNOID)
        wanted = key->category == 'D' ? (uint32_t)RDB_INTERVALOID : key->oid;
    bool is_exact = false;
    for (uint32_t at = 0; (one = rdb_in_range_find(key->oid, at, &type)) != 0; at++) {
        bool can = false;
        if (!analyse_can_coerce(state, 1, &given, &type, ANALYSE_IMPLICIT, &can, err))
            return false;
        if (!can || is_exact)
            continue;
        found_count++;
        is_exact = type == wanted;
        if (is_exact || chosen == 0 || found_count == 1) {
            chosen = one;
            chosen_type = type;
        }
    }
    if (rdb_in_range_find(key->oid, 0, &type) == 0)
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s",
                             analyse_type_name(state, key->oid == RDB_VARCHAROID ? RDB_TEXTOID : key->oid)); /* text's order is varchar's */
    if (found_count == 0) {
        analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and offset type %s",
                      analyse_type_name(state, key->oid), analyse_type_name(state, given));
        return rdb_error_hint(err, "Cast the offset value to an appropriate type.");
    }
    if (found_count > 1 && !is_exact) {
        analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "RANGE with offset PRECEDING/FOLLOWING has multiple interpretations for column type %s and offset type %s",
                      analyse_type_name(state, key->oid), analyse_type_name(state, given));
        return rdb_error_hint(err, "Cast the offset value to the exact intended type.");
    }
    *function = chosen;
    return analyse_coerce_to_type(state, offset, chosen_type, "RANGE", err);
}

static bool frame_offset(analyse_state *state, const rdb_ast_node *raw, const rdb_window *window, int32_t location, rdb_list *targets, rdb_expr **offset, uint32_t *function,
                         rdb_error *err)
{
    *offset = NULL;
    if (raw == NULL)
        return true;
    const char *construct;
    if (window->frame_options & RDB_SQL_FRAME_ROWS) {
        construct = "ROWS";
        if (!analyse_expr(state, raw, ANALYSE_WINDOW_ROWS, offset, err) || !analyse_coerce_to_type(state, offset, RDB_INT8OID, construct, err))
            return false;
    } else if (window->frame_options & RDB_SQL_FRAME_GROUPS) {
        construct = "GROUPS";
        if (!analyse_expr(state, raw, ANALYSE_WINDOW_GROUPS, offset, err) || !analyse_coerce_to_type(state, offset, RDB_INT8OID, construct, err))
            return false;
    } else {
        construct = "RANGE";
        if (!analyse_expr(state, raw, ANALYSE_WINDOW_RANGE, offset, err) || !range_offset(state, window, location, targets, offset, function, err))
            return false;
    }
    if (analyse_has_own_vars(*offset))
        return analyse_error(state, analyse_own_var_location(*offset), err, RDB_INVALID_COLUMN_REFERENCE, "argument of %s must not contain variables", construct);
    return true;
}

static bool copy_items(const analyse_state *state, const rdb_list *from, rdb_list *to)
{
    for (uint32_t at = 0; at < from->count; at++)
        rdb_list_push(analyse_arena(state), to, from->items[at]);
    return true;
}

static bool window_partition(analyse_state *state, const rdb_list *raw, rdb_list *targets, const rdb_list *order, rdb_list *items, rdb_error *err)
{
    /* PARTITION BY follows ORDER BY's rules for names: by value alone, unlike GROUP BY */
    for (uint32_t at = 0; at < raw->count; at++) {
        rdb_ast_sort sort = {.node = {RDB_AST_SORT, -1}, .expr = raw->items[at]};
        rdb_list one = {0}, made = {0};
        rdb_list_push(analyse_arena(state), &one, &sort);
        if (!analyse_sort(state, &one, targets, ANALYSE_WINDOW_PARTITION, true, &made, err))
            return false;
        (void)order;
        rdb_list_push(analyse_arena(state), items, made.items[0]);
    }
    return true;
}

bool analyse_windows(analyse_state *state, rdb_list *targets, rdb_error *err)
{
    for (uint32_t at = 0; at < state->raw_windows.count; at++) {
        const rdb_ast_window *raw = state->raw_windows.items[at];
        int32_t location = raw->node.location;
        const rdb_window *base = NULL;
        for (uint32_t before = 0; before < at && raw->name != NULL; before++) {
            const rdb_window *other = state->query->windows.items[before];
            if (other->name != NULL && strcmp(other->name, raw->name) == 0)
                return analyse_error(state, location, err, RDB_WINDOWING_ERROR, "window \"%s\" is already defined", raw->name);
        }
        if (raw->ref_name != NULL) {
            for (uint32_t before = 0; before < at; before++) {
                const rdb_window *other = state->query->windows.items[before];
                if (other->name != NULL && strcmp(other->name, raw->ref_name) == 0)
                    base = other;
            }
            if (base == NULL)
                return analyse_error(state, location, err, RDB_UNDEFINED_OBJECT, "window \"%s\" does not exist", raw->ref_name);
        }
        rdb_window *window = RDB_NEW(analyse_arena(state), rdb_window);
        window->name = raw->name;
        window->base_name = raw->ref_name;
        window->frame_options = (uint32_t)raw->frame;
        rdb_list order = {0}, partition = {0};
        if (!analyse_sort(state, &raw->order, targets, ANALYSE_WINDOW_ORDER, true, &order, err) ||
            !window_partition(state, &raw->partition, targets, &order, &partition, err))
            return false;
        if (base != NULL) {
            if (partition.count > 0)
                return analyse_error(state, location, err, RDB_WINDOWING_ERROR, "cannot override PARTITION BY clause of window \"%s\"", raw->ref_name);
            if (order.count > 0 && base->order.count > 0)
                return analyse_error(state, location, err, RDB_WINDOWING_ERROR, "cannot override ORDER BY clause of window \"%s\"", raw->ref_name);
            bool plain = (base->frame_options & RDB_SQL_FRAME_WRITTEN) == 0;
            if (!plain && (raw->name != NULL || order.count > 0 || (raw->frame & RDB_SQL_FRAME_WRITTEN) != 0))
                return analyse_error(state, location, err, RDB_WINDOWING_ERROR, "cannot copy window \"%s\" because it has a frame clause", raw->ref_name);
            if (!plain) {
                analyse_error(state, location, err, RDB_WINDOWING_ERROR, "cannot copy window \"%s\" because it has a frame clause", raw->ref_name);
                return rdb_error_hint(err, "Omit the parentheses in this OVER clause.");
            }
            copy_items(state, &base->partition, &window->partition);
            copy_items(state, base->order.count > 0 ? &base->order : &order, &window->order);
        } else {
            window->partition = partition;
            window->order = order;
        }
        if ((window->frame_options & RDB_SQL_FRAME_GROUPS) && window->order.count == 0)
            return analyse_error(state, location, err, RDB_WINDOWING_ERROR, "GROUPS mode requires an ORDER BY clause");
        if (!frame_offset(state, raw->start_offset, window, location, targets, &window->start_offset, &window->start_function, err) ||
            !frame_offset(state, raw->end_offset, window, location, targets, &window->end_offset, &window->end_function, err))
            return false;
        rdb_list_push(analyse_arena(state), &state->query->windows, window);
    }
    return true;
}

/* ---- what is not aggregated is grouped ---- */

typedef struct group_check {
    analyse_state *state;
    rdb_error *err;
    rdb_list exprs;           /* rdb_expr *: what is grouped by, in every set */
    rdb_list dependent_ranges; /* range numbers whose primary key is grouped by */
    uint32_t *keys;           /* by range number: that key's constraint; 0: none */
} group_check;

static bool check_expr(group_check *c, const rdb_expr *expr);

static bool check_child(void *context, rdb_expr *child)
{
    return check_expr(context, child);
}

static bool is_grouped(const group_check *c, const rdb_expr *expr, uint32_t levels)
{
    for (uint32_t at = 0; at < c->exprs.count; at++) {
        const rdb_expr *grouped = c->exprs.items[at];
        if (levels == 0) {
            if (rdb_expr_equal(grouped, expr))
                return true;
        } else if (expr->kind == RDB_EXPR_VAR && grouped->kind == RDB_EXPR_VAR) {
            const rdb_expr_var *var = (const rdb_expr_var *)expr, *key = (const rdb_expr_var *)grouped;
            if (var->levels_up == levels && key->range_no == var->range_no && key->attribute_no == var->attribute_no)
                return true;
        }
    }
    return false;
}

static bool depends_on_key(const group_check *c, uint32_t range_no)
{
    for (uint32_t at = 0; at < c->dependent_ranges.count; at++)
        if ((uintptr_t)c->dependent_ranges.items[at] == range_no)
            return true;
    return false;
}

static bool has_ref(const rdb_list *refs, uint32_t ref)
{
    for (uint32_t at = 0; at < refs->count; at++)
        if ((uintptr_t)refs->items[at] == ref)
            return true;
    return false;
}

static bool check_var(const group_check *c, const rdb_expr_var *var, uint32_t levels)
{
    if (var->levels_up != levels || is_grouped(c, &var->head, levels))
        return true;
    if (depends_on_key(c, var->range_no)) {
        rdb_list *needed = &c->state->query->key_constraints;
        if (!has_ref(needed, c->keys[var->range_no]))
            rdb_list_push(analyse_arena(c->state), needed, (void *)(uintptr_t)c->keys[var->range_no]);
        return true;
    }
    const rdb_range *range = c->state->query->ranges.items[var->range_no - 1];
    const char *name = var->attribute_no > 0 ? range->columns.items[var->attribute_no - 1]
                       : var->attribute_no == 0 ? "*" : var->attribute_no == RDB_COLUMN_CTID ? "ctid" : var->attribute_no == RDB_COLUMN_XMIN ? "xmin" : var->attribute_no == RDB_COLUMN_XMAX ? "xmax" : var->attribute_no == RDB_COLUMN_CMIN ? "cmin" : var->attribute_no == RDB_COLUMN_CMAX ? "cmax" : "tableoid";
    return analyse_error(c->state, var->head.location, c->err, RDB_GROUPING_ERROR,
                         levels == 0 ? "column \"%s.%s\" must appear in the GROUP BY clause or be used in an aggregate function"
                                     : "subquery uses ungrouped column \"%s.%s\" from outer query",
                         range->alias == NULL ? "" : range->alias, name);
}

static bool resolve_grouping(group_check *c, rdb_expr_grouping *grouping, uint32_t levels)
{
    grouping->refs = RDB_NEW_ARRAY(analyse_arena(c->state), uint32_t, grouping->arguments.count + 1);
    for (uint32_t at = 0; at < grouping->arguments.count; at++) {
        const rdb_expr *argument = grouping->arguments.items[at];
        for (uint32_t no = 0; no < c->state->query->group.count && grouping->refs[at] == 0; no++) {
            const rdb_sort_item *item = c->state->query->group.items[no];
            const rdb_expr *key = analyse_target_by_ref(&c->state->query->targets, item->target_ref)->expr;
            if (levels == 0 ? rdb_expr_equal(key, argument)
                            : key->kind == RDB_EXPR_VAR && argument->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)key)->range_no == ((const rdb_expr_var *)argument)->range_no &&
                                  ((const rdb_expr_var *)key)->attribute_no == ((const rdb_expr_var *)argument)->attribute_no)
                grouping->refs[at] = item->target_ref;
        }
        if (grouping->refs[at] == 0)
            return analyse_error(c->state, argument->location, c->err, RDB_GROUPING_ERROR,
                                 "arguments to GROUPING must be grouping expressions of the associated query level");
    }
    return true;
}

/* Inside a sub-query only plain columns can be matched. */
static bool check_deep(void *context, const rdb_expr *node, uint32_t levels)
{
    group_check *c = context;
    if (rdb_error_is_set(c->err))
        return false;
    if (node->kind == RDB_EXPR_VAR)
        return check_var(c, (const rdb_expr_var *)node, levels);
    if (node->kind == RDB_EXPR_GROUPING && ((const rdb_expr_grouping *)node)->levels_up == levels)
        return resolve_grouping(c, (rdb_expr_grouping *)(uintptr_t)node, levels);
    return true;
}

static bool holds_own_aggregate(void *context, const rdb_expr *node, uint32_t levels)
{
    (void)context;
    return !(node->kind == RDB_EXPR_AGGREGATE && ((const rdb_expr_aggregate *)node)->levels_up == levels);
}

static bool check_expr(group_check *c, const rdb_expr *expr)
{
    if (expr->kind == RDB_EXPR_CONST || expr->kind == RDB_EXPR_PARAM)
        return true;
    if (expr->kind == RDB_EXPR_AGGREGATE) {
        const rdb_expr_aggregate *aggregate = (const rdb_expr_aggregate *)expr;
        if (aggregate->levels_up > 0)
            return true;
        for (uint32_t at = 0; at < aggregate->direct_arguments.count; at++)
            if (!check_expr(c, aggregate->direct_arguments.items[at])) {
                if (strncmp(c->err->message, "column", 6) == 0)
                    return rdb_error_detail(c->err, "Direct arguments of an ordered-set aggregate must use only grouped columns.");
                return false;
            }
        return true;
    }
    if (expr->kind == RDB_EXPR_GROUPING)
        return ((const rdb_expr_grouping *)expr)->levels_up > 0 || resolve_grouping(c, (rdb_expr_grouping *)(uintptr_t)expr, 0);
    if (is_grouped(c, expr, 0))
        return true;
    if (expr->kind == RDB_EXPR_VAR)
        return check_var(c, (const rdb_expr_var *)expr, 0);
    if (!rdb_expr_visit_children(expr, check_child, c))
        return false;
    if (expr->kind == RDB_EXPR_SUBLINK) {
        const rdb_query *query = ((const rdb_expr_sublink *)expr)->query;
        /* A sub-query that holds an aggregate of this level is let through: the aggregate has its columns. */
        if (!analyse_walk_query(query, 1, holds_own_aggregate, NULL))
            return true;
        return analyse_walk_query(query, 1, check_deep, c);
    }
    return true;
}

/* Is the target grouped by in every one of the sets that this one stands for? */
static bool in_all_sets(const rdb_grouping_set *set, uint32_t ref)
{
    if (set->kind == RDB_GROUPING_SIMPLE)
        return has_ref(&set->content, ref);
    bool all = set->kind == RDB_GROUPING_SETS && set->content.count > 0; /* ROLLUP and CUBE have the empty one among theirs */
    for (uint32_t at = 0; all && at < set->content.count; at++)
        all = in_all_sets(set->content.items[at], ref);
    return all;
}

static bool is_in_every_set(const rdb_query *query, uint32_t ref)
{
    bool found = query->grouping_sets.count == 0;
    for (uint32_t at = 0; !found && at < query->grouping_sets.count; at++)
        found = in_all_sets(query->grouping_sets.items[at], ref);
    return found;
}

/* Grouping by a primary key fixes every column of its table. */
static void find_dependent(group_check *c)
{
    const rdb_query *query = c->state->query;
    for (uint32_t range_no = 1; range_no <= query->ranges.count; range_no++) {
        const rdb_range *range = query->ranges.items[range_no - 1];
        if (range->kind != RDB_RANGE_RELATION)
            continue;
        for (uint16_t at = 0; at < range->relation->constraint_count; at++) {
            const rdb_constraint *key = &range->relation->constraints[at];
            if (key->kind != 'p' || key->is_deferrable)
                continue;
            bool all = key->column_count > 0;
            for (uint16_t no = 0; no < key->column_count && all; no++) {
                bool found = false;
                for (uint32_t g = 0; g < c->exprs.count && !found; g++) {
                    const rdb_expr *expr = c->exprs.items[g];
                    if (!is_in_every_set(query, ((const rdb_sort_item *)query->group.items[g])->target_ref))
                        continue;
                    const rdb_expr_var *var = (const rdb_expr_var *)expr;
                    found = expr->kind == RDB_EXPR_VAR && var->levels_up == 0 && var->range_no == range_no && var->attribute_no == key->columns[no];
                }
                all = found;
            }
            if (all)
                rdb_list_push(analyse_arena(c->state), &c->dependent_ranges, (void *)(uintptr_t)range_no);
            if (all)
                c->keys[range_no] = key->oid;
        }
    }
}

bool analyse_check_aggregates(analyse_state *state, rdb_error *err)
{
    rdb_query *query = state->query;
    if (!query->has_aggregates && query->group.count == 0 && query->grouping_sets.count == 0 && query->having == NULL)
        return true;
    group_check c = {.state = state, .err = err};
    for (uint32_t at = 0; at < query->group.count; at++) {
        const rdb_sort_item *item = query->group.items[at];
        const rdb_target *target = analyse_target_by_ref(&query->targets, item->target_ref);
        level_finder f = {.lowest = UINT32_MAX, .lowest_aggregate = UINT32_MAX, .aggregate_location = -1, .window_location = -2, .set_location = -2};
        analyse_walk(target->expr, 0, note_level, &f);
        if (f.lowest_aggregate == 0)
            return analyse_error(state, f.aggregate_location, err, RDB_GROUPING_ERROR, "aggregate functions are not allowed in GROUP BY");
        if (f.window_location != -2)
            return analyse_error(state, f.window_location, err, RDB_WINDOWING_ERROR, "window functions are not allowed in GROUP BY");
        rdb_list_push(analyse_arena(state), &c.exprs, target->expr);
    }
    c.keys = RDB_NEW_ARRAY(analyse_arena(state), uint32_t, query->ranges.count + 1);
    find_dependent(&c);
    for (uint32_t at = 0; at < query->targets.count; at++)
        if (!check_expr(&c, ((const rdb_target *)query->targets.items[at])->expr))
            return false;
    return query->having == NULL || check_expr(&c, query->having);
}
