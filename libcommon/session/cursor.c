/* SPDX-License-Identifier: Apache-2.0
 * SQL's cursors: DECLARE, FETCH, MOVE, CLOSE. A cursor is a portal; one that scrolls or holds keeps the rows it has met in a
 * store and is read from there. */
#include "session/portal.h"

#include "session/row_sink.h"
#include "session/settings.h"

static bool keeps_rows(const session_portal *portal)
{
    return portal->is_scroll || portal->is_holding || (portal->from_sql && portal->store != NULL);
}

/* Can the query be run again from its start, so that the cursor moves backward? PostgreSQL's rule: what a plan made of scans, sorts
 * and limits gives. Volatile values would be others the second time. */
static bool can_begin_again(const rdb_plan_node *node)
{
    for (uint32_t i = 0; i < node->targets.count; i++)
        if (rdb_expr_volatility(((const rdb_target *)node->targets.items[i])->expr) == 'v')
            return false;
    for (uint32_t i = 0; i < node->filter.count; i++)
        if (rdb_expr_volatility(node->filter.items[i]) == 'v')
            return false;
    for (uint32_t i = 0; i < node->children.count; i++)
        if (!can_begin_again(node->children.items[i]))
            return false;
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_SEQ_SCAN: return node->of.scan.sample == NULL;
    case RDB_PLAN_INDEX_SCAN: case RDB_PLAN_INDEX_ONLY_SCAN: case RDB_PLAN_VALUES_SCAN: case RDB_PLAN_FUNCTION_SCAN: case RDB_PLAN_CTE_SCAN:
    case RDB_PLAN_TID_SCAN: case RDB_PLAN_TID_RANGE_SCAN: case RDB_PLAN_BITMAP_HEAP_SCAN: case RDB_PLAN_INCREMENTAL_SORT: case RDB_PLAN_MERGE_APPEND: case RDB_PLAN_SORT: case RDB_PLAN_MATERIALIZE: case RDB_PLAN_APPEND: return true;
    case RDB_PLAN_RESULT: case RDB_PLAN_LIMIT: case RDB_PLAN_SUBQUERY_SCAN: return node->left != NULL && can_begin_again(node->left);
    default: return false;
    }
}

/* Without FOR UPDATE a row can be found again only where the plan does nothing but read its table. */
static bool reads_alone(const rdb_plan_node *node)
{
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_SEQ_SCAN: case RDB_PLAN_INDEX_SCAN: case RDB_PLAN_INDEX_ONLY_SCAN: case RDB_PLAN_TID_SCAN: case RDB_PLAN_TID_RANGE_SCAN: case RDB_PLAN_BITMAP_HEAP_SCAN: return true;
    case RDB_PLAN_RESULT: case RDB_PLAN_LIMIT: case RDB_PLAN_SUBQUERY_SCAN: return node->left != NULL && reads_alone(node->left);
    case RDB_PLAN_APPEND: return true;
    default: return false;
    }
}

/* Where the query's result says which rows of tables stand in it. */
static void find_marks(session_portal *portal)
{
    const rdb_list *targets = &portal->plan->query->targets;
    rdb_result_column *columns = RDB_NEW_ARRAY(portal->arena, rdb_result_column, targets->count + 1);
    portal->mark_columns = RDB_NEW_ARRAY(portal->arena, uint32_t, targets->count + 1);
    portal->mark_tables = RDB_NEW_ARRAY(portal->arena, uint32_t, targets->count + 1);
    portal->mark_rows = RDB_NEW_ARRAY(portal->arena, rdb_datum, targets->count + 1);
    portal->mark_relations = RDB_NEW_ARRAY(portal->arena, uint32_t, targets->count + 1);
    for (uint32_t i = 0; i < targets->count; i++) {
        const rdb_target *target = targets->items[i];
        columns[i] = (rdb_result_column){.name = "", .type = target->expr->type, .typmod = target->expr->typmod};
        if (!target->is_junk || target->name == NULL || strcmp(target->name, RDB_CURSOR_MARK) != 0 || target->expr->type->oid != RDB_TIDOID)
            continue;
        portal->mark_columns[portal->mark_count] = i;
        portal->mark_tables[portal->mark_count++] = target->origin_table;
    }
    portal->stored_columns = columns;
    portal->stored_count = targets->count;
}

static bool check_options(const session_portal *portal, const rdb_ast_declare *declare, rdb_error *err)
{
    const rdb_query *query = portal->plan->query;
    if (query->has_modifying_cte)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "DECLARE CURSOR must not contain data-modifying statements in WITH");
    if (query->row_marks.count == 0)
        return true;
    static const char *const LOCKS[] = {"FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"};
    const char *lock = LOCKS[((const rdb_row_mark *)query->row_marks.items[0])->strength];
    const char *what = declare->options & RDB_SQL_CURSOR_HOLD ? "Holdable" : declare->options & RDB_SQL_CURSOR_SCROLL ? "Scrollable"
                       : declare->options & RDB_SQL_CURSOR_INSENSITIVE ? "Insensitive" : NULL;
    if (what == NULL)
        return true;
    if (what[0] == 'H')
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "DECLARE CURSOR WITH HOLD ... %s is not supported", lock);
    else if (what[0] == 'S')
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "DECLARE SCROLL CURSOR ... %s is not supported", lock);
    else
        rdb_error_set(err, RDB_INVALID_CURSOR_DEFINITION, "DECLARE INSENSITIVE CURSOR ... %s is not valid", lock);
    return rdb_error_detail(err, "%s cursors must be READ ONLY.", what);
}

bool session_declare_cursor(rdb_session *session, const rdb_ast_declare *declare, const char *text, rdb_error *err)
{
    bool holds = declare->options & RDB_SQL_CURSOR_HOLD;
    session_portal *portal = NULL;
    if (!holds && session->block != SESSION_BLOCK && session->block != SESSION_IMPLICIT)
        return rdb_error_set(err, RDB_NO_ACTIVE_SQL_TRANSACTION, "DECLARE CURSOR can only be used in transaction blocks");
    if (declare->name[0] == '\0')
        return rdb_error_set(err, RDB_INVALID_CURSOR_NAME, "invalid cursor name: must not be empty");
    if (!portal_create(session, declare->name, &portal, err))
        return false;
    portal->from_sql = true;
    portal->is_scroll = declare->options & RDB_SQL_CURSOR_SCROLL;
    portal->holds = holds;
    portal->is_binary = declare->options & RDB_SQL_CURSOR_BINARY;
    /* Its own copy of the tree: the statement's text goes away, the cursor stays. */
    const char *copy = portal->text = rdb_arena_strdup(portal->arena, text);
    rdb_sql_reading reading = session_setting_reading(session);
    rdb_ast_list list = {0};
    uint32_t *types = NULL, count = 0;
    bool ok = rdb_sql_parse_reading(portal->arena, copy, strlen(copy), &reading, &list, err);
    const rdb_ast_declare *own = NULL;
    for (uint32_t i = 0; ok && i < list.count; i++) {
        const rdb_ast_declare *candidate = (const rdb_ast_declare *)list.items[i].body;
        if (candidate->node.tag == RDB_AST_DECLARE && strcmp(candidate->name, declare->name) == 0)
            own = candidate;
    }
    RDB_ASSERT(!ok || own != NULL);
    portal->owns_plan = true;
    ok = ok && session_plan_make(session, copy, own->query, &types, &count, false, true, &portal->plan, err);
    if (ok && (portal->plan->plan == NULL || !portal->plan->plan->returns_rows))
        ok = rdb_error_set(err, RDB_SYNTAX_ERROR, "cannot open cursor on a statement that returns no rows");
    ok = ok && check_options(portal, declare, err);
    if (ok) {
        find_marks(portal);
        portal->is_query = portal->plan->query->command == RDB_COMMAND_SELECT;
        portal->is_for_update = portal->plan->query->row_marks.count > 0;
        if (!portal->is_for_update && !reads_alone(portal->plan->plan->root))
            portal->mark_count = 0;
        portal->may_scroll = !portal->is_scroll && !(declare->options & RDB_SQL_CURSOR_NO_SCROLL) && !portal->is_for_update && can_begin_again(portal->plan->plan->root);
        if (portal->is_scroll)
            ok = row_store_create(&portal->store, portal->stored_columns, portal->stored_count, err);
    }
    ok = ok && portal_start(session, portal, err);
    if (!ok)
        portal_destroy(session, portal);
    return ok;
}

/* Pulls until the store has wanted rows or the query is done. */
static bool fill_store(session_portal *portal, uint64_t wanted, rdb_error *err)
{
    while (row_store_count(portal->store) < wanted && !portal->is_complete) {
        const rdb_batch *batch;
        uint32_t from, to;
        if (!portal_next_rows(portal, 0, &batch, &from, &to, err))
            return false;
        if (from == to)
            portal->is_complete = true;
        else if (!row_store_add(portal->store, batch, from, to, err))
            return false;
    }
    return true;
}

/* A cursor that was read forward only, and is now to move backward: its rows up to here once more, into a store. */
static bool begin_again(rdb_session *session, session_portal *portal, rdb_error *err)
{
    portal->rest = NULL;
    portal->is_done = false;
    portal->is_scroll = true;
    return row_store_create(&portal->store, portal->stored_columns, portal->stored_count, err) &&
           session_plan_start(session, portal->plan, portal->parameters, portal->parameter_count, &portal->snapshot, err) && fill_store(portal, portal->store_at, err);
}

bool cursor_is_to_be_held(const rdb_session *session)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    bool found = false;
    while (!found && rdb_map_next(session->portals, &cursor, &key, &value)) {
        const session_portal *portal = value;
        found = portal->holds && !portal->is_holding && !portal->is_failed;
    }
    return found;
}

bool cursor_hold_all(rdb_session *session, rdb_error *err)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    while (rdb_map_next(session->portals, &cursor, &key, &value)) {
        session_portal *portal = value;
        if (!portal->holds || portal->is_holding || portal->is_failed)
            continue;
        if (portal->store == NULL && portal->may_scroll && !begin_again(session, portal, err))
            return false;
        uint64_t skipped = portal->store != NULL ? portal->store_base : portal->store_at;
        if ((portal->store == NULL && !row_store_create(&portal->store, portal->stored_columns, portal->stored_count, err)) ||
            !fill_store(portal, UINT64_MAX, err))
            return false;
        portal->store_base = skipped; /* rows that were given out before the store began */
        if (portal->plan->execution != NULL)
            rdb_execution_finish(portal->plan->execution);
        session_drop_statement_snapshot(session, &portal->snapshot);
        portal->has_snapshot = false;
        portal->is_holding = true;
    }
    return true;
}

/* The position counts rows: store_at is the current row (0: before the first, count + 1: after the last). */
static bool send_row(rdb_session *session, session_portal *portal, uint64_t row_no, bool is_move, uint64_t *count, rdb_error *err)
{
    (*count)++;
    return is_move || session_send_rows(session, row_store_row(portal->store, row_no), 0, 1, err);
}

static bool fetch_stored(rdb_session *session, session_portal *portal, rdb_sql_fetch_direction direction, int64_t wanted, bool is_move,
                         uint64_t *count, rdb_error *err)
{
    uint64_t base = portal->store_base;
    if (direction == RDB_SQL_FETCH_BACKWARD) {
        direction = RDB_SQL_FETCH_FORWARD;
        wanted = wanted == INT64_MAX ? -INT64_MAX : -wanted;
    }
    if (direction == RDB_SQL_FETCH_FORWARD && wanted >= 0) {
        uint64_t target = wanted == INT64_MAX ? UINT64_MAX : portal->store_at + (uint64_t)wanted;
        if (wanted == 0) { /* the current row again */
            if (portal->store_at > base && portal->store_at <= base + row_store_count(portal->store))
                return send_row(session, portal, portal->store_at - base - 1, is_move, count, err);
            return true;
        }
        if (!fill_store(portal, target == UINT64_MAX ? target : target - base, err))
            return false;
        uint64_t last = base + row_store_count(portal->store);
        while (portal->store_at < target && portal->store_at <= last) {
            portal->store_at++;
            if (portal->store_at <= last && !send_row(session, portal, portal->store_at - base - 1, is_move, count, err))
                return false;
        }
        return true;
    }
    if (!portal->is_scroll && direction == RDB_SQL_FETCH_FORWARD) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward");
        return rdb_error_hint(err, "Declare it with SCROLL option to enable backward scan.");
    }
    if (direction == RDB_SQL_FETCH_FORWARD) {
        for (int64_t left = -wanted; left > 0 && portal->store_at > 0; left--) {
            portal->store_at--;
            if (portal->store_at > 0 && !send_row(session, portal, portal->store_at - 1, is_move, count, err))
                return false;
        }
        return true;
    }
    /* ABSOLUTE and RELATIVE give one row at most. */
    int64_t target = direction == RDB_SQL_FETCH_RELATIVE ? (int64_t)portal->store_at + wanted : wanted;
    if (direction == RDB_SQL_FETCH_ABSOLUTE && wanted < 0) {
        if (!fill_store(portal, UINT64_MAX, err))
            return false;
        target = (int64_t)(base + row_store_count(portal->store)) + 1 + wanted;
    }
    if (target <= (int64_t)portal->store_at && target > 0 && !portal->is_scroll) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward");
        return rdb_error_hint(err, "Declare it with SCROLL option to enable backward scan.");
    }
    if (target <= 0) {
        portal->store_at = 0;
        return true;
    }
    if (!fill_store(portal, (uint64_t)target - base, err))
        return false;
    uint64_t last = base + row_store_count(portal->store);
    portal->store_at = RDB_MIN((uint64_t)target, last + 1);
    return portal->store_at > last || send_row(session, portal, portal->store_at - base - 1, is_move, count, err);
}

/* A plain cursor: rows come straight from the query. */
static bool fetch_running(rdb_session *session, session_portal *portal, int64_t wanted, bool is_move, uint64_t *count, rdb_error *err)
{
    while (wanted == INT64_MAX || *count < (uint64_t)wanted) {
        const rdb_batch *batch;
        uint32_t from, to;
        uint64_t row_max = wanted == INT64_MAX ? 0 : (uint64_t)wanted - *count;
        if (!portal_next_rows(portal, row_max, &batch, &from, &to, err))
            return false;
        if (from == to) {
            portal->store_at += !portal->is_past;
            portal->is_past = true;
            return true;
        }
        for (uint32_t i = 0; i < portal->mark_count; i++) {
            const uint32_t row = rdb_selected(&batch->selection, to - 1), column = portal->mark_columns[i];
            portal->mark_rows[i] = rdb_vector_is_null(batch->columns[column], row) ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(batch->columns[column], row);
            portal->mark_relations[i] = rdb_vector_is_null(batch->columns[column + 1], row) ? 0 : RDB_AT(batch->columns[column + 1], uint32_t, row);
        }
        if (!is_move && !session_send_rows(session, batch, from, to, err))
            return false;
        *count += to - from;
        portal->store_at += to - from;
    }
    return true;
}

bool session_fetch_cursor(rdb_session *session, const rdb_ast_fetch *fetch, bool describes, const uint16_t *formats, char tag[64], rdb_error *err)
{
    session_portal *portal = rdb_map_get(session->portals, fetch->name, strlen(fetch->name));
    if (portal == NULL || !portal->from_sql)
        return rdb_error_set(err, RDB_INVALID_CURSOR_NAME, "cursor \"%s\" does not exist", fetch->name);
    const session_plan *plan = portal->plan;
    if (portal->is_failed)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "portal \"%s\" cannot be run", fetch->name);
    if (portal->is_binary && formats == NULL && !fetch->is_move) {
        uint16_t *binary = RDB_NEW_ARRAY(portal->arena, uint16_t, plan->column_count + 1);
        for (uint32_t i = 0; i < plan->column_count; i++)
            binary[i] = 1;
        formats = portal->formats = binary;
    }
    if (!fetch->is_move) {
        if (describes)
            session_put_row_description(session, plan->columns, plan->column_count, formats);
        if (!session_sink_begin(session, plan->columns, plan->column_count, formats, err))
            return false;
    }
    uint64_t count = 0;
    bool is_plain_forward = fetch->direction == RDB_SQL_FETCH_FORWARD && fetch->count > 0;
    /* FETCH RELATIVE n and ABSOLUTE n ahead of the position need no store either, but the store makes them the same code. */
    if (!is_plain_forward && portal->store == NULL && portal->may_scroll && !begin_again(session, portal, err))
        return false;
    if (!is_plain_forward && portal->store == NULL) {
        if (fetch->direction == RDB_SQL_FETCH_BACKWARD || fetch->count < 0 || fetch->direction == RDB_SQL_FETCH_FORWARD) {
            rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward");
            return rdb_error_hint(err, "Declare it with SCROLL option to enable backward scan.");
        }
        if (!row_store_create(&portal->store, portal->stored_columns, portal->stored_count, err))
            return false;
        portal->store_base = portal->store_at;
    }
    bool ok = keeps_rows(portal) ? fetch_stored(session, portal, fetch->direction, fetch->count, fetch->is_move, &count, err)
                                 : fetch_running(session, portal, fetch->count, fetch->is_move, &count, err);
    portal->is_failed = !ok;
    snprintf(tag, 64, "%s %llu", fetch->is_move ? "MOVE" : "FETCH", (unsigned long long)count);
    return ok;
}

bool session_close_cursor(rdb_session *session, const rdb_ast_close *close, char tag[64], rdb_error *err)
{
    if (close->name == NULL) {
        uint32_t at = 0;
        rdb_slice key;
        void *value;
        snprintf(tag, 64, "CLOSE CURSOR ALL");
        while (rdb_map_next(session->portals, &at, &key, &value))
            if (((session_portal *)value)->from_sql) {
                portal_destroy(session, value);
                at = 0;
            }
        return true;
    }
    session_portal *portal = rdb_map_get(session->portals, close->name, strlen(close->name));
    snprintf(tag, 64, "CLOSE CURSOR");
    if (portal == NULL || !portal->from_sql)
        return rdb_error_set(err, RDB_INVALID_CURSOR_NAME, "cursor \"%s\" does not exist", close->name);
    portal_destroy(session, portal);
    return true;
}

static bool is_descendant(rdb_access *access, uint32_t ancestor, uint32_t oid, uint32_t depth, bool *is, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    if (!rdb_relation_get(access, ancestor, &relation, err))
        return false;
    for (uint32_t i = 0; relation != NULL && i < relation->child_count && !*is && depth < RDB_TREE_DEPTH_MAX; i++) {
        *is = relation->children[i].oid == oid;
        if (!*is && !is_descendant(access, relation->children[i].oid, oid, depth + 1, is, err))
            return false;
    }
    return true;
}

bool session_cursor_row(const rdb_eval *eval, const char *cursor, uint32_t table_oid, rdb_datum *tid, uint32_t *relation_oid, rdb_error *err)
{
    const rdb_session *session = eval->session;
    const session_portal *portal = rdb_map_get(session->portals, cursor, strlen(cursor));
    const rdb_relation *relation = NULL;
    uint32_t mark = UINT32_MAX;
    if (!rdb_relation_get(eval->access, table_oid, &relation, err))
        return false;
    const char *table = relation != NULL ? relation->name : "";
    if (portal == NULL || (portal->plan == NULL && !portal->is_holding))
        return rdb_error_set(err, RDB_INVALID_CURSOR_NAME, "cursor \"%s\" does not exist", cursor);
    if (portal->from_sql && !portal->is_query)
        return rdb_error_set(err, RDB_INVALID_CURSOR_STATE, "cursor \"%s\" is not a SELECT query", cursor);
    if (portal->is_holding)
        return rdb_error_set(err, RDB_INVALID_CURSOR_STATE, "cursor \"%s\" is held from a previous transaction", cursor);
    for (uint32_t i = 0; i < portal->mark_count; i++) {
        if (portal->mark_tables[i] != table_oid)
            continue;
        if (mark != UINT32_MAX)
            return rdb_error_set(err, RDB_INVALID_CURSOR_STATE, "cursor \"%s\" has multiple FOR UPDATE/SHARE references to table \"%s\"", cursor, table);
        mark = i;
    }
    if (mark == UINT32_MAX && !portal->is_for_update && portal->mark_count == 1) { /* of a parent or a child of the table, perhaps */
        bool is_below = false;
        if (!is_descendant(eval->access, table_oid, portal->mark_tables[0], 0, &is_below, err) ||
            (!is_below && !is_descendant(eval->access, portal->mark_tables[0], table_oid, 0, &is_below, err)))
            return false;
        mark = is_below ? 0 : mark;
    }
    if (mark == UINT32_MAX)
        return rdb_error_set(err, RDB_INVALID_CURSOR_STATE, portal->is_for_update ? "cursor \"%s\" does not have a FOR UPDATE/SHARE reference to table \"%s\""
                                                                                   : "cursor \"%s\" is not a simply updatable scan of table \"%s\"", cursor, table);
    if (portal->store != NULL) {
        const uint64_t base = portal->store_base, count = row_store_count(portal->store);
        if (portal->store_at > base && portal->store_at <= base + count) {
            const rdb_batch *row = row_store_row(portal->store, portal->store_at - base - 1);
            const rdb_vector *row_of = row->columns[portal->mark_columns[mark]], *oid = row->columns[portal->mark_columns[mark] + 1];
            *tid = rdb_vector_is_null(row_of, 0) ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(row_of, 0);
            *relation_oid = rdb_vector_is_null(oid, 0) ? 0 : RDB_AT(oid, uint32_t, 0);
            return true;
        }
    } else if (portal->store_at > 0 && !portal->is_past) {
        *tid = portal->mark_rows[mark];
        *relation_oid = portal->mark_relations[mark];
        return true;
    }
    return rdb_error_set(err, RDB_INVALID_CURSOR_STATE, "cursor \"%s\" is not positioned on a row", cursor);
}
