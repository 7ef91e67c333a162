/* SPDX-License-Identifier: Apache-2.0
 * The rewrite: a range that names a view becomes the view's stored query. The range keeps its relation, so that privileges and
 * EXPLAIN still know the view. Stored trees are made of the view's own columns, so the ranges of the query need no renumbering. */
#include "sql/analyse_int.h"
#include "sql/rewrite_int.h"
#include "sql/rdb_body.h"

#define VIEW_DEPTH_MAX 200u

typedef struct secured { /* a table whose policies are being read */
    const struct secured *outer;
    uint32_t relation_oid;
} secured;

typedef struct rewriting {
    rdb_analysis *analysis;
    rdb_error *err;
    uint32_t depth;
    bool is_stored;    /* the query is a view's */
    uint32_t check_as; /* the view's owner; 0: whoever runs the statement */
    const secured *secured;
} rewriting;

static bool rewrite_query(rewriting *work, rdb_query *query);

static bool rewrite_expr(void *work_at, rdb_expr *expr)
{
    rewriting *work = work_at;
    if (expr == NULL)
        return true;
    if (expr->kind == RDB_EXPR_SUBLINK && !rewrite_query(work, ((rdb_expr_sublink *)expr)->query))
        return false;
    return rdb_expr_visit_children(expr, rewrite_expr, work);
}

static bool rewrite_targets(rewriting *work, const rdb_list *targets)
{
    for (uint32_t i = 0; i < targets->count; i++)
        if (!rewrite_expr(work, ((rdb_target *)targets->items[i])->expr))
            return false;
    return true;
}

static bool rewrite_from(rewriting *work, rdb_from *from)
{
    return from == NULL || (rewrite_expr(work, from->condition) && rewrite_from(work, from->left) && rewrite_from(work, from->right));
}

/* The view's tables are locked as its reader would lock them. */
static bool lock_ranges(rewriting *work, rdb_query *query)
{
    rdb_txn *txn = rdb_access_get_context(work->analysis->access)->txn;
    for (uint32_t i = 0; i < query->ranges.count; i++) {
        rdb_range *range = query->ranges.items[i];
        bool taken = false;
        if (range->relation == NULL)
            continue;
        if (range->lock_mode == RDB_LOCK_NONE)
            range->lock_mode = RDB_LOCK_ACCESS_SHARE;
        rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(txn), .a = range->relation->oid};
        if (!rdb_lock_acquire(txn, tag, range->lock_mode, RDB_LOCK_WAIT, 0, &taken, work->err))
            return false;
    }
    return true;
}

/* The tables that sub-queries of a policy name. */
static bool lock_sublinks(void *work_at, rdb_expr *expr)
{
    rewriting *work = work_at;
    if (expr == NULL)
        return true;
    if (expr->kind == RDB_EXPR_SUBLINK && !lock_ranges(work, ((rdb_expr_sublink *)expr)->query))
        return false;
    return rdb_expr_visit_children(expr, lock_sublinks, work);
}

/* A sequence has one row that stands in no heap: VALUES over functions of ours that read it. Their numbers are those of the expr
 * room's kernels (sequence_functions.c). */
static bool rewrite_sequence(rewriting *work, rdb_range *range)
{
    static const uint32_t argument[] = {RDB_REGCLASSOID};
#define READER(number, text, type)                                                                                                       \
    {                                                                                                                                     \
        .oid = (number), .namespace_oid = RDB_NAMESPACE_PG_CATALOG, .name = (text), .kind = 'f', .is_strict = true, .volatility = 'v',    \
        .parallel = 'u', .argument_count = 1, .argument_types = argument, .return_type = (type)                                           \
    }
    static const rdb_function readers[] = {READER(8050, "rdb_sequence_last_value", RDB_INT8OID), READER(8051, "rdb_sequence_log_count", RDB_INT8OID),
                                           READER(8052, "rdb_sequence_is_called", RDB_BOOLOID)};
#undef READER
    const rdb_relation *sequence = range->relation;
    rdb_arena *arena = work->analysis->arena;
    const rdb_type *regclass = NULL;
    rdb_list *row = RDB_NEW(arena, rdb_list);
    if (sequence->column_count != RDB_COUNT_OF(readers))
        return rdb_error_set(work->err, RDB_DATA_CORRUPTED, "sequence \"%s\" has %u columns", sequence->name, sequence->column_count);
    if (!rdb_type_get(work->analysis->access, RDB_REGCLASSOID, &regclass, work->err))
        return false;
    range->column_types = (rdb_list){0};
    range->column_typmods = RDB_NEW_ARRAY(arena, int32_t, RDB_COUNT_OF(readers));
    range->column_collations = RDB_NEW_ARRAY(arena, uint32_t, RDB_COUNT_OF(readers));
    for (uint16_t i = 0; i < RDB_COUNT_OF(readers); i++) {
        rdb_expr_const *which = RDB_NEW(arena, rdb_expr_const);
        which->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = regclass, .typmod = -1};
        which->value.oid = sequence->oid;
        rdb_expr_function *call = RDB_NEW(arena, rdb_expr_function);
        call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = sequence->columns[i].type, .typmod = -1};
        call->function = &readers[i];
        rdb_list_push(arena, &call->arguments, which);
        rdb_list_push(arena, row, call);
        rdb_list_push(arena, &range->column_types, (void *)(uintptr_t)sequence->columns[i].type);
        range->column_typmods[i] = -1;
    }
    rdb_list_push(arena, &range->values, row);
    range->kind = RDB_RANGE_VALUES;
    return true;
}

/* The conditions of policies read with the rights of whoever reads the table; one that leads back to the table never ends. */
static bool secure_range(rewriting *work, rdb_query *query, rdb_range *range, uint32_t range_no)
{
    const rewriting outer = *work;
    const secured here = {outer.secured, range->relation->oid};
    const uint32_t check_count = query->view_checks.count;
    for (const secured *at = outer.secured; at != NULL; at = at->outer)
        if (at->relation_oid == range->relation->oid)
            return rdb_error_set(work->err, RDB_INVALID_OBJECT_DEFINITION, "infinite recursion detected in policy for relation \"%s\"", range->relation->name);
    if (!rewrite_add_security(work->analysis, query, range, range_no, work->err))
        return false;
    work->secured = &here;
    work->is_stored = true;
    work->check_as = range->check_as;
    bool ok = lock_sublinks(work, range->security) && rewrite_expr(work, range->security);
    for (uint32_t i = 0; ok && i < query->view_checks.count - check_count; i++) { /* they stand first */
        const rdb_view_check *check = query->view_checks.items[i];
        ok = lock_sublinks(work, check->condition) && rewrite_expr(work, check->condition);
    }
    work->secured = outer.secured;
    work->is_stored = outer.is_stored;
    work->check_as = outer.check_as;
    return ok;
}

static bool rewrite_range(rewriting *work, rdb_query *query, rdb_range *range, uint32_t range_no)
{
    const uint32_t outer_check_as = work->check_as;
    const bool outer_is_stored = work->is_stored;
    if (work->is_stored && range->relation != NULL) {
        range->check_as = work->check_as;
    }
    if (range->selected_columns == NULL && range->kind == RDB_RANGE_RELATION && range->required_privileges != 0) /* stored trees do not say it */
        range->selected_columns = rewrite_columns_read(work->analysis, query, range_no, range->relation);
    bool is_secured;
    if (!rewrite_needs_security(work->analysis, range, &is_secured, work->err))
        return false;
    if (is_secured && !secure_range(work, query, range, range_no))
        return false;
    if (range->kind == RDB_RANGE_RELATION && range->relation->kind == 'S' && query->result_range_no != range_no && !rewrite_sequence(work, range))
        return false;
    if (range->kind == RDB_RANGE_RELATION && range->relation->kind == 'm' && !range->relation->is_populated) {
        rdb_error_set(work->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "materialized view \"%s\" has not been populated", range->relation->name);
        return rdb_error_hint(work->err, "Use the REFRESH MATERIALIZED VIEW command.");
    }
    if (range->kind == RDB_RANGE_RELATION && range->relation->kind == 'v') {
        const rdb_relation *view = range->relation;
        rdb_arena *arena = work->analysis->arena;
        if (view->view_tree == NULL)
            return rdb_error_set(work->err, RDB_FEATURE_NOT_SUPPORTED, "view \"%s\" is not supported yet", view->name);
        if (!rdb_tree_read_query(arena, work->analysis->access, view->view_tree, &range->subquery, work->err))
            return false;
        for (uint32_t i = 0; i < query->row_marks.count; i++) {
            const rdb_row_mark *mark = query->row_marks.items[i];
            if (mark->range_no == range_no && !analyse_lock_view(arena, mark, range->subquery, work->err))
                return false;
        }
        if (!lock_ranges(work, range->subquery))
            return false;
        work->is_stored = true;
        work->check_as = view->is_security_invoker ? 0 : view->owner_oid;
        range->kind = RDB_RANGE_SUBQUERY;
        range->is_security_barrier = view->is_security_barrier;
        range->column_types = (rdb_list){0};
        range->column_typmods = RDB_NEW_ARRAY(arena, int32_t, view->column_count + 1u);
        range->column_collations = RDB_NEW_ARRAY(arena, uint32_t, view->column_count + 1u);
        for (uint16_t i = 0; i < view->column_count; i++) {
            rdb_list_push(arena, &range->column_types, (void *)view->columns[i].type);
            range->column_typmods[i] = view->columns[i].typmod;
            range->column_collations[i] = view->columns[i].collation;
        }
    }
    if (range->kind == RDB_RANGE_FUNCTION) {
        rdb_query *inlined = NULL;
        if (!rdb_inline_range(work->analysis, range, &inlined, work->err))
            return false;
        if (inlined != NULL) {
            range->kind = RDB_RANGE_SUBQUERY;
            range->subquery = inlined;
            range->functions = (rdb_list){0};
        }
    }
    if (!rewrite_expr(work, range->sample_percent) || !rewrite_expr(work, range->sample_seed))
        return false;
    for (uint32_t i = 0; i < range->functions.count; i++)
        if (!rewrite_expr(work, ((rdb_range_function *)range->functions.items[i])->call))
            return false;
    for (uint32_t r = 0; r < range->values.count; r++) {
        const rdb_list *row = range->values.items[r];
        for (uint32_t i = 0; i < row->count; i++)
            if (!rewrite_expr(work, row->items[i]))
                return false;
    }
    bool ok = range->subquery == NULL || rewrite_query(work, range->subquery);
    work->check_as = outer_check_as;
    work->is_stored = outer_is_stored;
    return ok;
}

static bool rewrite_query(rewriting *work, rdb_query *query)
{
    if (query == NULL)
        return true;
    if (++work->depth > VIEW_DEPTH_MAX)
        return rdb_error_set(work->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (query->result_range_no > 0 && !rewrite_view_finish(work->analysis, query, work->err))
        return false;
    for (uint32_t i = 0; i < query->ctes.count; i++)
        if (!rewrite_query(work, ((rdb_cte *)query->ctes.items[i])->query))
            return false;
    for (uint32_t i = 0; i < query->ranges.count; i++)
        if (!rewrite_range(work, query, query->ranges.items[i], i + 1))
            return false;
    for (uint32_t i = 0; i < query->from.count; i++)
        if (!rewrite_from(work, query->from.items[i]))
            return false;
    bool ok = rewrite_expr(work, query->where) && rewrite_targets(work, &query->targets) && rewrite_targets(work, &query->returning) &&
              rewrite_expr(work, query->having) && rewrite_expr(work, query->limit_count) && rewrite_expr(work, query->limit_offset);
    if (ok && query->on_conflict != NULL)
        ok = rewrite_targets(work, &query->on_conflict->set_targets) && rewrite_expr(work, query->on_conflict->where);
    for (uint32_t i = 0; ok && i < query->merge_actions.count; i++) {
        const rdb_merge_action *action = query->merge_actions.items[i];
        ok = rewrite_expr(work, action->condition) && rewrite_targets(work, &action->targets);
    }
    work->depth--;
    return ok;
}

/* Whose command tag and rows the statement has: its own, or the last action's that took its place and does the same. */
static void choose_tag(uint8_t command, const rdb_list *queries)
{
    rdb_query *last = NULL;
    for (uint32_t i = 0; i < queries->count; i++) {
        rdb_query *query = queries->items[i];
        if (query->source == RDB_SOURCE_STATEMENT) {
            query->sets_tag = true;
            return;
        }
        if (query->command == command && (query->source == RDB_SOURCE_INSTEAD || query->source == RDB_SOURCE_INSTEAD_IF))
            last = query;
    }
    if (last != NULL)
        last->sets_tag = true;
}

bool rdb_query_rewrite_all(rdb_analysis *analysis, rdb_query *query, rdb_list *queries, rdb_error *err)
{
    *queries = (rdb_list){0};
    if (query->command == RDB_COMMAND_UTILITY) {
        query->sets_tag = true;
        rdb_list_push(analysis->arena, queries, query);
        return true;
    }
    if (!rewrite_rules(analysis, query, queries, err))
        return false;
    for (uint32_t i = 0; i < queries->count; i++) {
        rewriting work = {.analysis = analysis, .err = err};
        rdb_query *made = queries->items[i];
        if (made->command != RDB_COMMAND_UTILITY && !rewrite_query(&work, made))
            return false;
    }
    choose_tag(query->command, queries);
    return true;
}

bool rdb_query_rewrite(rdb_analysis *analysis, rdb_query **query, rdb_error *err)
{
    rdb_list queries;
    if (!rdb_query_rewrite_all(analysis, *query, &queries, err))
        return false;
    if (queries.count != 1 || !((const rdb_query *)queries.items[0])->sets_tag)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "rules are not supported here yet");
    *query = queries.items[0];
    return true;
}

bool rdb_query_make_nothing(rdb_analysis *analysis, rdb_query **nothing, rdb_error *err)
{
    const rdb_type *boolean = NULL;
    rdb_expr_const *never = RDB_NEW(analysis->arena, rdb_expr_const);
    rdb_query *query = *nothing = RDB_NEW(analysis->arena, rdb_query);
    if (!rdb_type_get(analysis->access, RDB_BOOLOID, &boolean, err))
        return false;
    never->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = boolean, .typmod = -1};
    query->command = RDB_COMMAND_SELECT;
    query->where = &never->head;
    query->sets_tag = true;
    return rdb_arena_check(analysis->arena, err);
}
