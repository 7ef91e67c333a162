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

bool session_declare_cursor(rdb_session *session, const rdb_ast_declare *declare, const char *text, rdb_error *err)
{
    bool holds = declare->options & RDB_SQL_CURSOR_HOLD;
    session_portal *portal = NULL;
    if (!holds && session->block != SESSION_BLOCK && session->block != SESSION_IMPLICIT)
        return rdb_error_set(err, RDB_NO_ACTIVE_SQL_TRANSACTION, "DECLARE CURSOR can only be used in transaction blocks");
    if (!portal_create(session, declare->name, &portal, err))
        return false;
    portal->from_sql = true;
    portal->is_scroll = declare->options & RDB_SQL_CURSOR_SCROLL;
    portal->holds = holds;
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
    ok = ok && session_plan_make(session, copy, own->query, &types, &count, false, &portal->plan, err);
    if (ok && (portal->plan->plan == NULL || !portal->plan->plan->returns_rows))
        ok = rdb_error_set(err, RDB_SYNTAX_ERROR, "cannot open cursor on a statement that returns no rows");
    if (ok && holds && !portal->plan->plan->is_read_only)
        ok = rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "DECLARE CURSOR WITH HOLD ... FOR UPDATE is not supported");
    if (ok && portal->is_scroll)
        ok = row_store_create(&portal->store, portal->plan->columns, portal->plan->column_count, err);
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

bool cursor_hold_all(rdb_session *session, rdb_error *err)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    while (rdb_map_next(session->portals, &cursor, &key, &value)) {
        session_portal *portal = value;
        if (!portal->holds || portal->is_holding || portal->is_failed)
            continue;
        uint64_t skipped = portal->store != NULL ? 0 : portal->store_at;
        if ((portal->store == NULL && !row_store_create(&portal->store, portal->plan->columns, portal->plan->column_count, err)) ||
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
    if (target < (int64_t)portal->store_at && !portal->is_scroll) {
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
        if (from == to)
            return true;
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
    if (!fetch->is_move) {
        if (describes)
            session_put_row_description(session, plan->columns, plan->column_count, formats);
        if (!session_sink_begin(session, plan->columns, plan->column_count, formats, err))
            return false;
    }
    uint64_t count = 0;
    bool is_plain_forward = fetch->direction == RDB_SQL_FETCH_FORWARD && fetch->count > 0;
    /* FETCH RELATIVE n and ABSOLUTE n ahead of the position need no store either, but the store makes them the same code. */
    if (!is_plain_forward && portal->store == NULL) {
        if (fetch->direction == RDB_SQL_FETCH_BACKWARD || fetch->count < 0 || fetch->direction == RDB_SQL_FETCH_FORWARD) {
            rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward");
            return rdb_error_hint(err, "Declare it with SCROLL option to enable backward scan.");
        }
        if (!row_store_create(&portal->store, plan->columns, plan->column_count, err))
            return false;
        portal->store_base = portal->store_at;
    }
    bool ok = keeps_rows(portal) ? fetch_stored(session, portal, fetch->direction, fetch->count, fetch->is_move, &count, err)
                                 : fetch_running(session, portal, fetch->count, fetch->is_move, &count, err);
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
