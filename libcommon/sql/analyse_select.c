/* SPDX-License-Identifier: Apache-2.0
 * SELECT and VALUES: one query level from its clauses, in the order in which names come to be known; LIMIT and row locks. */
#include "sql/analyse_int.h"

bool analyse_where(analyse_state *state, const rdb_ast_node *raw, analyse_clause clause, const char *construct, rdb_expr **expr, rdb_error *err)
{
    *expr = NULL;
    return raw == NULL || (analyse_expr(state, raw, clause, expr, err) && analyse_coerce_to_boolean(state, expr, construct, err));
}

bool analyse_limit(analyse_state *state, const rdb_ast_node *raw, analyse_clause clause, const char *construct, bool with_ties, rdb_expr **expr, rdb_error *err)
{
    *expr = NULL;
    if (raw == NULL)
        return true;
    if (!analyse_expr(state, raw, clause, expr, err) || !analyse_coerce_to_type(state, expr, RDB_INT8OID, construct, err))
        return false;
    if (analyse_has_own_vars(*expr))
        return analyse_error(state, analyse_own_var_location(*expr), err, RDB_INVALID_COLUMN_REFERENCE, "argument of %s must not contain variables", construct);
    if (with_ties && analyse_is_null_constant(*expr))
        return rdb_error_set(err, RDB_INVALID_ROW_COUNT_IN_LIMIT, "row count cannot be null in FETCH FIRST ... WITH TIES clause");
    return true;
}

/* ---- FOR UPDATE ---- */

const char *analyse_lock_name(uint32_t strength)
{
    static const char *const NAMES[] = {"FOR some", "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"};
    return NAMES[strength];
}

static bool check_lockable(const analyse_state *state, const rdb_query *query, uint32_t strength, rdb_error *err)
{
    const char *with = NULL;
    if (query->set_operation != NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not allowed with UNION/INTERSECT/EXCEPT", analyse_lock_name(strength));
    if (query->distinct.count > 0)
        with = "DISTINCT clause";
    else if (query->group.count > 0 || query->grouping_sets.count > 0)
        with = "GROUP BY clause";
    else if (query->having != NULL)
        with = "HAVING clause";
    else if (query->has_aggregates)
        with = "aggregate functions";
    else if (query->has_windows)
        with = "window functions";
    else if (query->has_set_returning_targets)
        with = "set-returning functions in the target list";
    (void)state;
    return with == NULL || rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not allowed with %s", analyse_lock_name(strength), with);
}

static void add_mark(const analyse_state *state, rdb_query *query, uint32_t range_no, uint32_t strength, uint32_t wait, bool pushed_down)
{
    static const uint8_t STRENGTHS[] = {RDB_ROW_KEY_SHARE, RDB_ROW_KEY_SHARE, RDB_ROW_SHARE, RDB_ROW_NO_KEY_UPDATE, RDB_ROW_UPDATE};
    static const uint8_t POLICIES[] = {[RDB_SQL_WAIT_BLOCK] = RDB_LOCK_WAIT, [RDB_SQL_WAIT_SKIP_LOCKED] = RDB_LOCK_SKIP, [RDB_SQL_WAIT_NOWAIT] = RDB_LOCK_NOWAIT};
    if (!pushed_down)
        query->has_for_update = true;
    for (uint32_t at = 0; at < query->row_marks.count; at++) {
        rdb_row_mark *mark = query->row_marks.items[at];
        if (mark->range_no != range_no)
            continue;
        /* the stronger lock, the less patient wait */
        mark->strength = RDB_MAX(mark->strength, STRENGTHS[strength]);
        if (wait == RDB_SQL_WAIT_NOWAIT || (wait == RDB_SQL_WAIT_SKIP_LOCKED && mark->policy == RDB_LOCK_WAIT))
            mark->policy = POLICIES[wait];
        mark->pushed_down &= pushed_down;
        return;
    }
    rdb_row_mark *mark = RDB_NEW(analyse_arena(state), rdb_row_mark);
    mark->range_no = range_no;
    mark->strength = STRENGTHS[strength];
    mark->policy = POLICIES[wait];
    mark->pushed_down = pushed_down;
    rdb_list_push(analyse_arena(state), &query->row_marks, mark);
}

static bool lock_query(const analyse_state *state, rdb_query *query, uint32_t strength, uint32_t wait, bool pushed_down, rdb_error *err);

static bool lock_range(const analyse_state *state, rdb_query *query, uint32_t range_no, uint32_t strength, uint32_t wait, bool pushed_down, rdb_error *err)
{
    rdb_range *range = query->ranges.items[range_no - 1];
    if (range->kind == RDB_RANGE_RELATION) {
        add_mark(state, query, range_no, strength, wait, pushed_down);
        range->required_privileges |= ANALYSE_ACL_UPDATE;
        return true;
    }
    if (range->kind != RDB_RANGE_SUBQUERY)
        return true;
    add_mark(state, query, range_no, strength, wait, pushed_down);
    return lock_query(state, range->subquery, strength, wait, true, err);
}

static bool lock_query(const analyse_state *state, rdb_query *query, uint32_t strength, uint32_t wait, bool pushed_down, rdb_error *err)
{
    if (!check_lockable(state, query, strength, err))
        return false;
    for (uint32_t range_no = 1; range_no <= query->ranges.count; range_no++)
        if (!lock_range(state, query, range_no, strength, wait, pushed_down, err))
            return false;
    return true;
}

/* A view's rows are locked where they are: in the tables below, as whoever the view reads them for. */
bool analyse_lock_view(rdb_arena *arena, const rdb_row_mark *mark, rdb_query *view, rdb_error *err)
{
    static const uint8_t WRITTEN[] = {[RDB_ROW_KEY_SHARE] = 1, [RDB_ROW_SHARE] = 2, [RDB_ROW_NO_KEY_UPDATE] = 3, [RDB_ROW_UPDATE] = 4};
    if (!check_lockable(NULL, view, WRITTEN[mark->strength], err))
        return false;
    view->has_for_update = true;
    for (uint32_t range_no = 1; range_no <= view->ranges.count; range_no++) {
        rdb_range *range = view->ranges.items[range_no - 1];
        if (range->kind != RDB_RANGE_RELATION && range->kind != RDB_RANGE_SUBQUERY)
            continue;
        rdb_row_mark *inner = rdb_arena_memdup(arena, mark, sizeof *mark);
        inner->range_no = range_no;
        inner->pushed_down = true;
        rdb_list_push(arena, &view->row_marks, inner);
        if (range->kind == RDB_RANGE_RELATION) {
            range->required_privileges |= ANALYSE_ACL_UPDATE;
            range->lock_mode = RDB_LOCK_ROW_SHARE;
        } else if (!analyse_lock_view(arena, mark, range->subquery, err)) {
            return false;
        }
    }
    return true;
}

bool analyse_locking(analyse_state *state, const rdb_ast_locking *locking, bool pushed_down, rdb_error *err)
{
    rdb_query *query = state->query;
    const char *name = analyse_lock_name(locking->strength);
    if (locking->tables.count == 0)
        return lock_query(state, query, locking->strength, locking->wait, pushed_down, err);
    if (!check_lockable(state, query, locking->strength, err))
        return false;
    for (uint32_t at = 0; at < locking->tables.count; at++) {
        const rdb_ast_table *table = locking->tables.items[at];
        int32_t location = table->node.location;
        if (table->schema != NULL || table->catalog != NULL)
            return analyse_error(state, location, err, RDB_SYNTAX_ERROR, "%s must specify unqualified relation names", name);
        uint32_t range_no = 1;
        for (; range_no <= query->ranges.count; range_no++) {
            const rdb_range *range = query->ranges.items[range_no - 1];
            if (range->alias != NULL && strcmp(range->alias, table->name) == 0)
                break;
        }
        if (range_no > query->ranges.count)
            return analyse_error(state, location, err, RDB_UNDEFINED_TABLE, "relation \"%s\" in %s clause not found in FROM clause", table->name, name);
        const rdb_range *range = query->ranges.items[range_no - 1];
        const char *what = range->kind == RDB_RANGE_JOIN ? "a join" : range->kind == RDB_RANGE_FUNCTION ? "a function" : range->kind == RDB_RANGE_VALUES ? "VALUES"
                           : range->kind == RDB_RANGE_CTE ? "a WITH query" : NULL;
        if (what != NULL)
            return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "%s cannot be applied to %s", name, what);
        if (!lock_range(state, query, range_no, locking->strength, locking->wait, pushed_down, err))
            return false;
    }
    return true;
}

static bool apply_locking(analyse_state *state, const rdb_list *locking, rdb_error *err)
{
    for (uint32_t at = 0; at < locking->count; at++)
        if (!analyse_locking(state, locking->items[at], false, err))
            return false;
    return true;
}

/* ---- SELECT ---- */

static bool limits(analyse_state *state, const rdb_ast_select *raw, rdb_error *err)
{
    bool ties = raw->limit_option == RDB_SQL_LIMIT_WITH_TIES;
    state->query->with_ties = ties;
    return analyse_limit(state, raw->limit_offset, ANALYSE_OFFSET, "OFFSET", false, &state->query->limit_offset, err) &&
           analyse_limit(state, raw->limit_count, ANALYSE_LIMIT, "LIMIT", ties, &state->query->limit_count, err);
}

bool analyse_select(analyse_state *state, const rdb_ast_select *raw, rdb_error *err)
{
    rdb_query *query = state->query;
    query->command = RDB_COMMAND_SELECT;
    state->locking = raw->locking;
    if (raw->into != NULL)
        return analyse_error(state, raw->into->table->node.location, err, RDB_SYNTAX_ERROR, "SELECT ... INTO is not allowed here");
    if (raw->with != NULL && !analyse_with(state, raw->with, err))
        return false;
    for (uint32_t at = 0; at < raw->windows.count; at++)
        rdb_list_push(analyse_arena(state), &state->raw_windows, raw->windows.items[at]);
    bool is_limited = false;
    if (!analyse_from(state, &raw->from, err) || !analyse_dialect_rows(state, &raw, &is_limited, err) || !analyse_targets(state, &raw->targets, ANALYSE_SELECT_TARGET, &query->targets, err))
        return false;
    analyse_set_origins(state, &query->targets);
    if (!analyse_where(state, raw->where, ANALYSE_WHERE, "WHERE", &query->where, err) ||
        !analyse_where(state, raw->having, ANALYSE_HAVING, "HAVING", &query->having, err) ||
        !analyse_sort(state, &raw->sort, &query->targets, ANALYSE_ORDER_BY, false, &query->sort, err) ||
        !analyse_group(state, &raw->group, &query->targets, &query->sort, err))
        return false;
    query->group_distinct = raw->group_distinct;
    if (raw->is_distinct && raw->distinct_on.count == 0) {
        if (!analyse_distinct(state, &query->targets, &query->sort, false, &query->distinct, err))
            return false;
    } else if (raw->distinct_on.count > 0) {
        query->has_distinct_on = true;
        if (!analyse_distinct_on(state, &raw->distinct_on, &query->targets, &query->sort, &query->distinct, err))
            return false;
    }
    if (!limits(state, raw, err) || !analyse_windows(state, &query->targets, err))
        return false;
    if (!state->keep_unknown && !analyse_settle_unknown(state, &query->targets, err))
        return false;
    if (is_limited && !analyse_dialect_check_rows(state, err))
        return false;
    return apply_locking(state, &raw->locking, err) && analyse_query_collations(state, query, err) && analyse_check_aggregates(state, err);
}

/* ---- VALUES ---- */

bool analyse_values(analyse_state *state, const rdb_ast_select *raw, rdb_error *err)
{
    rdb_query *query = state->query;
    rdb_arena *arena = analyse_arena(state);
    query->command = RDB_COMMAND_SELECT;
    if (raw->with != NULL && !analyse_with(state, raw->with, err))
        return false;
    rdb_list rows = {0};
    uint32_t width = 0;
    for (uint32_t at = 0; at < raw->values.count; at++) {
        const rdb_list *written = &((const rdb_ast_items *)raw->values.items[at])->items;
        rdb_list *row = RDB_NEW(arena, rdb_list);
        analyse_clause outer = state->clause;
        state->clause = ANALYSE_VALUES;
        for (uint32_t no = 0; no < written->count; no++) {
            rdb_ast_target wrapped = {.node = {RDB_AST_TARGET, -1}, .value = written->items[no]};
            rdb_list one = {0}, made = {0};
            rdb_list_push(arena, &one, &wrapped);
            if (!analyse_targets(state, &one, ANALYSE_VALUES, &made, err)) /* expands t.* too */
                return false;
            for (uint32_t k = 0; k < made.count; k++)
                rdb_list_push(arena, row, ((rdb_target *)made.items[k])->expr);
        }
        state->clause = outer;
        if (at == 0)
            width = row->count;
        else if (row->count != width)
            return analyse_error(state, row->count > 0 ? ((rdb_expr *)row->items[0])->location : -1, err, RDB_SYNTAX_ERROR, "VALUES lists must all be the same length");
        rdb_list_push(arena, &rows, row);
    }
    uint32_t range_no;
    rdb_range *range = analyse_add_range(state, RDB_RANGE_VALUES, &range_no);
    range->alias = "*VALUES*";
    analyse_set_column_types(state, range, width);
    for (uint32_t column = 0; column < width; column++) {
        rdb_list exprs = {0};
        const rdb_type *type;
        for (uint32_t at = 0; at < rows.count; at++)
            rdb_list_push(arena, &exprs, ((rdb_list *)rows.items[at])->items[column]);
        if (!analyse_common_type(state, &exprs, "VALUES", &type, NULL, err))
            return false;
        for (uint32_t at = 0; at < exprs.count; at++) {
            if (!analyse_coerce_to_common(state, (rdb_expr **)&exprs.items[at], type, "VALUES", err))
                return false;
            ((rdb_list *)rows.items[at])->items[column] = exprs.items[at];
        }
        rdb_list_push(arena, &range->columns, rdb_arena_printf(arena, "column%u", column + 1));
        rdb_list_push(arena, &range->column_types, (void *)(uintptr_t)type);
        range->column_typmods[column] = analyse_common_typmod(&exprs, type);
        if (!analyse_common_collation(state, &exprs, true, &range->column_collations[column], err))
            return false;
    }
    range->values = rows;
    analyse_item *item = RDB_NEW(arena, analyse_item);
    *item = (analyse_item){.range = range, .range_no = range_no, .name = range->alias};
    state->joined.items[range_no - 1] = item;
    rdb_from *from = RDB_NEW(arena, rdb_from);
    from->range_no = range_no;
    rdb_list_push(arena, &query->from, from);
    if (!analyse_push_item(state, item, true, true, err))
        return false;
    for (uint32_t column = 0; column < width; column++) {
        rdb_expr *var;
        if (!analyse_item_column(state, item, (int16_t)(column + 1), 0, -1, &var, err))
            return false;
        rdb_list_push(arena, &query->targets, analyse_new_target(state, var, (int16_t)(column + 1), range->columns.items[column], false));
    }
    if (!analyse_sort(state, &raw->sort, &query->targets, ANALYSE_ORDER_BY, false, &query->sort, err) || !limits(state, raw, err))
        return false;
    if (raw->locking.count > 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s cannot be applied to VALUES", analyse_lock_name(((const rdb_ast_locking *)raw->locking.items[0])->strength));
    return analyse_query_collations(state, query, err);
}
