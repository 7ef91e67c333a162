/* SPDX-License-Identifier: Apache-2.0
 * Portals of the extended protocol: Bind, Execute with a row limit, suspension, and what the end of a transaction or
 * savepoint does to them. SQL's cursors are portals too (cursor.c). */
#include "session/digest.h"
#include "session/portal.h"

#include "session/activity.h"
#include "session/audit.h"
#include "session/companion.h"
#include "session/row_sink.h"
#include "session/settings.h"
#include "session/wire_int.h"

static session_portal *look_up(const rdb_session *session, const char *name)
{
    return name[0] == '\0' ? session->unnamed_portal : rdb_map_get(session->portals, name, session_name_length(name));
}

bool portal_next(const rdb_session *session, uint32_t *cursor, session_portal **portal)
{
    rdb_slice key;
    void *value;
    if (*cursor == 0) { /* above that it is one more than the map's */
        *cursor = 1;
        if (session->unnamed_portal != NULL) {
            *portal = session->unnamed_portal;
            return true;
        }
    }
    uint32_t at = *cursor - 1;
    if (!rdb_map_next(session->portals, &at, &key, &value))
        return false;
    *cursor = at + 1;
    *portal = value;
    return true;
}

session_portal *session_find_portal(rdb_session *session, const char *name, rdb_error *err)
{
    session_portal *portal = look_up(session, name);
    if (portal == NULL)
        rdb_error_set(err, RDB_INVALID_CURSOR_NAME, "portal \"%s\" does not exist", name);
    return portal;
}

/* Stops what runs in it. The rows kept in a store stay. */
static void portal_stop(rdb_session *session, session_portal *portal)
{
    if (portal->is_started && portal->plan != NULL && portal->plan->execution != NULL && !portal->is_holding)
        rdb_execution_finish(portal->plan->execution);
    if (portal->has_snapshot)
        session_drop_statement_snapshot(session, &portal->snapshot);
    portal->has_snapshot = false;
    portal->rest = NULL;
    if (portal->plan != NULL) {
        if (portal->owns_plan)
            session_plan_destroy(&portal->plan);
        else
            portal->plan->is_in_use = false;
    }
    portal->plan = NULL;
}

void portal_destroy(rdb_session *session, session_portal *portal)
{
    if (portal == NULL)
        return;
    if (session->unnamed_portal == portal)
        session->unnamed_portal = NULL;
    else if (rdb_map_get(session->portals, portal->name, strlen(portal->name)) == portal)
        rdb_map_remove(session->portals, portal->name, strlen(portal->name));
    portal_stop(session, portal);
    row_store_destroy(&portal->store);
    statement_release(session, portal->statement);
    rdb_arena *arena = portal->arena;
    if (session->portal_arena == NULL) {
        rdb_arena_reset(arena); /* for the next one: most clients have one portal at a time */
        session->portal_arena = arena;
    } else {
        rdb_arena_destroy(arena);
    }
}

bool portal_create(rdb_session *session, const char *name, session_portal **portal_out, rdb_error *err)
{
    *portal_out = NULL;
    session_portal *old = look_up(session, name);
    if (old != NULL) {
        if (name[0] != '\0')
            return rdb_error_set(err, RDB_DUPLICATE_CURSOR, "cursor \"%s\" already exists", name);
        portal_destroy(session, old);
    }
    rdb_arena *arena = session->portal_arena != NULL ? session->portal_arena : rdb_arena_create("portal", NULL, NULL);
    session->portal_arena = NULL;
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    session_portal *portal = RDB_NEW(arena, session_portal);
    portal->arena = arena;
    memcpy(portal->name, name, session_name_length(name));
    portal->created_us = session->statement_us;
    portal->level = session->txn != NULL ? rdb_txn_current_level(session->txn) : 0;
    if (name[0] == '\0') {
        session->unnamed_portal = portal;
    } else if (!rdb_map_put(session->portals, portal->name, strlen(portal->name), portal, NULL)) {
        rdb_arena_destroy(arena);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    *portal_out = portal;
    return true;
}

/* ---- Bind --------------------------------------------------------------------------------------------------------------- */
static bool bind_parameters(rdb_session *session, session_portal *portal, const session_bind *bind, rdb_error *err)
{
    const session_statement *statement = portal->statement;
    if (bind->parameter_format_count > 1 && bind->parameter_format_count != bind->parameter_count)
        return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "bind message has %u parameter formats but %u parameters",
                             bind->parameter_format_count, bind->parameter_count);
    if (bind->parameter_count != statement->parameter_count)
        return rdb_error_set(err, RDB_PROTOCOL_VIOLATION,
                             "bind message supplies %u parameters, but prepared statement \"%s\" requires %u",
                             bind->parameter_count, statement->name, statement->parameter_count);
    portal->parameter_count = bind->parameter_count;
    portal->parameters = RDB_NEW_ARRAY(portal->arena, rdb_parameter, bind->parameter_count + 1);
    rdb_eval eval;
    session_make_eval(session, statement->plan->access, &eval);
    rdb_call call = {.arena = portal->arena, .err = err, .format = eval.format, .session = &eval,
                     .statement_us = session->statement_us, .transaction_us = session->transaction_us};
    for (uint32_t i = 0; i < bind->parameter_count; i++) {
        rdb_parameter *parameter = &portal->parameters[i];
        parameter->type_oid = statement->parameter_types[i];
        parameter->is_null = bind->parameters[i] == NULL;
        if (parameter->is_null)
            continue;
        const rdb_type *type = NULL;
        if (!rdb_type_get(statement->plan->access, parameter->type_oid, &type, err))
            return false;
        uint16_t format = bind->parameter_format_count == 0   ? 0
                          : bind->parameter_format_count == 1 ? bind->parameter_formats[0]
                                                              : bind->parameter_formats[i];
        rdb_slice bytes = {bind->parameters[i], bind->lengths[i]};
        const bool is_text = format == 0 || (call.format->client_encoding != 0 && type != NULL && (type->category == 'S' || type->oid == RDB_JSONOID));
        if (is_text && !session_text_in(session, portal->arena, &bytes, err))
            return false;
        if (format > 1)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unsupported format code: %d", (int16_t)format);
        if (type == NULL || type->ops == NULL || (format == 0 ? type->ops->input == NULL : type->ops->receive == NULL))
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "no %s input for parameter $%u", format == 0 ? "text" : "binary", i + 1);
        bool ok = format == 0 ? type->ops->input(&call, type, bytes, -1, &parameter->value)
                              : type->ops->receive(&call, type, bytes, -1, &parameter->value);
        if (!ok) {
            if (format == 1 && strcmp(rdb_error_message(err), "incorrect binary data format") == 0) {
                rdb_error_clear(err);
                rdb_error_set(err, RDB_INVALID_BINARY_REPRESENTATION, "incorrect binary data format in bind parameter %u", i + 1);
            }
            /* The value itself is not told: it may be secret. */
            bool is_named = bind->portal[0] != '\0';
            rdb_error_add_context(err, "%s%s%s parameter $%u%s", is_named ? "portal \"" : "unnamed portal", bind->portal, is_named ? "\"" : "", i + 1,
                                  format == 0 ? " = '...'" : "");
            return false;
        }
        /* Text values may point into the message, which goes away. */
        if (type->rep == RDB_REP_BYTES && !rdb_datum_copy(portal->arena, RDB_REP_BYTES, parameter->value, &parameter->value, err))
            return false;
    }
    return true;
}

static bool bind_formats(session_portal *portal, const session_bind *bind, rdb_error *err)
{
    uint32_t columns = portal->plan->column_count;
    if (bind->result_format_count > 1 && bind->result_format_count != columns)
        return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "bind message has %u result formats but query has %u columns",
                             bind->result_format_count, columns);
    portal->formats = RDB_NEW_ARRAY(portal->arena, uint16_t, columns + 1);
    for (uint32_t i = 0; i < columns && bind->result_format_count > 0; i++)
        portal->formats[i] = bind->result_formats[bind->result_format_count == 1 ? 0 : i];
    return true;
}

/* The statement's own plan where it is free, otherwise one more. */
bool portal_take_plan(rdb_session *session, session_portal *portal, rdb_error *err)
{
    session_statement *statement = portal->statement;
    if (!statement_plan_ready(session, statement, err))
        return false;
    if (statement->plan == NULL || !statement->plan->is_in_use) {
        portal->plan = statement->plan;
        if (portal->plan != NULL)
            portal->plan->is_in_use = true;
        return true;
    }
    uint32_t *types = statement->parameter_types, count = statement->parameter_count;
    portal->owns_plan = true;
    return session_plan_make(session, statement->text, statement->raw, &types, &count, true, false, &portal->plan, err);
}

/* A plan for the values at hand in place of the statement's own. */
static bool take_custom_plan(rdb_session *session, session_portal *portal, rdb_error *err)
{
    session_plan *custom = NULL;
    if (portal->owns_plan || portal->plan->plan == NULL || !statement_runs_custom(session, portal->statement))
        return true;
    if (!session_plan_make_custom(session, portal->statement, portal->parameters, &custom, err))
        return false;
    statement_count_custom(portal->statement, custom);
    portal->plan->is_in_use = false;
    portal->plan = custom;
    portal->owns_plan = true;
    return true;
}

bool session_bind_portal(rdb_session *session, const session_bind *bind, rdb_error *err)
{
    session_statement *statement = session_find_statement(session, bind->statement, err);
    session_portal *portal = NULL;
    if (statement == NULL)
        return false;
    session_statement_begin(session);
    session->query_text = statement->text;
    bool ok = session_check_not_failed(session, statement->raw, err);
    if (ok && !session_ends_failure(statement->raw))
        ok = session_extended_transaction(session, err);
    ok = ok && portal_create(session, bind->portal, &portal, err);
    if (ok) {
        portal->statement = statement;
        statement->use_count++;
        ok = portal_take_plan(session, portal, err);
        if (ok && portal->plan != NULL)
            ok = bind_parameters(session, portal, bind, err) && bind_formats(portal, bind, err) && take_custom_plan(session, portal, err);
        ok = ok && rdb_arena_check(portal->arena, err);
        if (!ok)
            portal_destroy(session, portal);
    }
    session_statement_end(session);
    return ok;
}

/* ---- running ------------------------------------------------------------------------------------------------------------- */
bool portal_start(rdb_session *session, session_portal *portal, rdb_error *err)
{
    if (portal->is_started)
        return true;
    if (!session_plan_snapshot(session, portal->plan, &portal->snapshot, err))
        return false;
    portal->has_snapshot = true;
    portal->is_started = true;
    portal->plan->shows_companions = false;
    return session_plan_start(session, portal->plan, portal->parameters, portal->parameter_count, &portal->snapshot, err);
}

bool portal_next_rows(session_portal *portal, uint64_t row_max, const rdb_batch **batch, uint32_t *from, uint32_t *to, rdb_error *err)
{
    *batch = NULL;
    *from = *to = 0;
    while (portal->rest == NULL || portal->rest_at == portal->rest->selection.count) {
        portal->rest = NULL;
        if (portal->is_done)
            return true;
        if (!rdb_execution_pull(portal->plan->execution, row_max, &portal->rest, &portal->is_done, err))
            return false;
        portal->rest_at = 0;
    }
    uint32_t left = portal->rest->selection.count - portal->rest_at;
    uint32_t taken = row_max != 0 && row_max < left ? (uint32_t)row_max : left;
    *batch = portal->rest;
    *from = portal->rest_at;
    *to = portal->rest_at += taken;
    portal->row_count += taken;
    return true;
}

static bool check_formats(const session_portal *portal, rdb_error *err)
{
    for (uint32_t i = 0; portal->formats != NULL && i < portal->plan->column_count; i++) /* a cursor of SQL has none: text */
        if (portal->formats[i] > 1)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unsupported format code: %d", (int16_t)portal->formats[i]);
    return true;
}

/* A change with RETURNING happens whole at its first Execute, however few rows that asks for. */
static bool keep_all_rows(session_portal *portal, rdb_error *err)
{
    if (!row_store_create(&portal->store, portal->plan->columns, portal->plan->column_count, err))
        return false;
    for (;;) {
        const rdb_batch *batch;
        uint32_t from, to;
        if (!portal_next_rows(portal, 0, &batch, &from, &to, err))
            return false;
        if (from == to)
            return true;
        if (!row_store_add(portal->store, batch, from, to, err))
            return false;
    }
}

static bool next_kept_row(session_portal *portal, const rdb_batch **batch, uint32_t *from, uint32_t *to)
{
    *from = 0;
    *to = portal->store_at < row_store_count(portal->store);
    *batch = *to ? row_store_row(portal->store, portal->store_at++) : NULL;
    return true;
}

/* The queries that rules add run once the statement's own is at its end. */
static bool finish(rdb_session *session, session_portal *portal, rdb_error *err)
{
    if (portal->is_finished)
        return true;
    portal->is_finished = true;
    return session_run_companions(session, portal->plan, true, portal->parameters, portal->parameter_count, &portal->snapshot, err);
}

/* A portal that is executed in parts has one record, of its first part. */
static bool audit_once(rdb_session *session, session_portal *portal, const char *tag, rdb_error *err)
{
    if (portal->is_audited)
        session_audit_text(session, NULL, 0);
    portal->is_audited = true;
    return session_audit_done(session, tag, err);
}

/* A portal that is read in several goes is one run: what it used before is put before the beginning of this one. */
static void begin_run(rdb_session *session, const session_portal *portal, session_run *run)
{
    session_run_begin(session, portal->plan, run);
    if (portal->part == NULL)
        return;
    const uint64_t *used = (const uint64_t *)&portal->part->before;
    for (size_t i = 0; i < sizeof(rdb_usage) / sizeof(uint64_t); i++)
        ((uint64_t *)&run->before)[i] -= used[i];
    run->began_ns -= portal->part->began_ns;
}

static void suspend_run(session_portal *portal, const session_run *run)
{
    session_run now;
    session_run_begin(NULL, NULL, &now);
    if (portal->part == NULL)
        portal->part = RDB_NEW(portal->arena, session_run);
    const uint64_t *then = (const uint64_t *)&run->before;
    for (size_t i = 0; i < sizeof(rdb_usage) / sizeof(uint64_t); i++)
        ((uint64_t *)&portal->part->before)[i] = ((const uint64_t *)&now.before)[i] - then[i];
    portal->part->began_ns = now.began_ns - run->began_ns;
}

static bool run_rows(rdb_session *session, session_portal *portal, uint32_t row_max, const session_run *run, rdb_error *err);

static bool run_plan_portal(rdb_session *session, session_portal *portal, uint32_t row_max, rdb_error *err)
{
    session_run run;
    begin_run(session, portal, &run);
    if (run_rows(session, portal, row_max, &run, err))
        return true;
    session_run_end(session, portal->plan, &run, 0, true);
    return false;
}

static bool run_rows(rdb_session *session, session_portal *portal, uint32_t row_max, const session_run *run, rdb_error *err)
{
    char tag[64];
    session_plan *plan = portal->plan;
    bool returns_rows = plan->plan->returns_rows;
    session->access = plan->access;
    if (!check_formats(portal, err) || !portal_start(session, portal, err) || !session_sink_begin(session, plan->columns, plan->column_count, portal->formats, err))
        return false;
    if (row_max != 0 && plan->plan->command != RDB_COMMAND_SELECT && returns_rows && portal->store == NULL && !keep_all_rows(portal, err))
        return false;
    if (portal->store != NULL && !finish(session, portal, err))
        return false;
    uint64_t sent = 0;
    while (row_max == 0 || sent < row_max) {
        const rdb_batch *batch;
        uint32_t from, to;
        if (!(portal->store != NULL ? next_kept_row(portal, &batch, &from, &to)
                                    : portal_next_rows(portal, row_max == 0 ? 0 : row_max - sent, &batch, &from, &to, err)))
            return false;
        if (from == to)
            break;
        if (returns_rows && !session_send_rows(session, batch, from, to, err))
            return false;
        sent += to - from;
    }
    if (row_max != 0 && sent == row_max) {
        if (!audit_once(session, portal, NULL, err))
            return false;
        wire_message_end(session->owner.output, wire_message_begin(session->owner.output, 's'));
        suspend_run(portal, run);
        return true;
    }
    if (!finish(session, portal, err))
        return false;
    session_command_tag(plan, returns_rows ? sent : rdb_execution_row_count(plan->execution), tag);
    if (!audit_once(session, portal, tag, err))
        return false;
    session_put_complete(session, tag);
    session_run_end(session, plan, run, returns_rows ? portal->row_count : rdb_execution_row_count(plan->execution), false);
    portal->part = NULL;
    if (portal->name[0] == '\0') { /* its resources go early; a second Execute finds it done */
        rdb_execution_finish(plan->execution);
        session_drop_statement_snapshot(session, &portal->snapshot);
        portal->has_snapshot = false;
        portal->rest = NULL;
    }
    return true;
}

bool session_execute(rdb_session *session, const char *name, uint32_t row_max, rdb_error *err)
{
    session_portal *portal = session_find_portal(session, name, err);
    if (portal == NULL)
        return false;
    if (portal->statement != NULL && portal->statement->raw == NULL) {
        wire_message_end(session->owner.output, wire_message_begin(session->owner.output, 'I'));
        return true;
    }
    session_statement_begin(session);
    if (portal->statement != NULL)
        session_activity_query(session, portal->statement->text);
    const rdb_ast_node *raw = portal->statement != NULL ? portal->statement->raw : NULL;
    bool ok = (raw == NULL || session_audit_statement(session, portal->statement->text, strlen(portal->statement->text), true, raw, portal->plan, err)) &&
              session_check_not_failed(session, raw, err);
    if (ok && portal->is_failed)
        ok = rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "portal \"%s\" cannot be run", name);
    if (session->block == SESSION_IMPLICIT && session->implicit_statements != UINT32_MAX)
        session->implicit_statements++;
    if (ok && portal->plan != NULL && portal->plan->plan != NULL) {
        if (portal->is_started && !portal->has_snapshot) { /* ran to its end before */
            char tag[64];
            session_command_tag(portal->plan, 0, tag);
            session_put_complete(session, tag);
        } else {
            ok = run_plan_portal(session, portal, row_max, err);
        }
    } else if (ok) {
        char tag[64] = "";
        session_plan *plan = portal->plan;
        /* A COMMIT ends portals, this one among them: nothing of it is touched afterwards but the statement, held here. */
        session_statement *statement = portal->statement;
        statement->use_count++;
        session_run run;
        session_run_begin(session, NULL, &run);
        ok = session_run_utility(session, plan, statement->text, statement->raw, portal->parameters, portal->parameter_count, false,
                                 portal->formats, tag, err);
        session_utility_end(session, statement->raw, statement->text, strlen(statement->text), &run, tag, !ok);
        ok = ok && session_audit_done(session, tag, err);
        statement_release(session, statement);
        if (ok)
            session_put_complete(session, tag);
    }
    if (!ok) {
        portal = look_up(session, name);
        if (portal != NULL)
            portal->is_failed = true;
    }
    session_statement_end(session);
    return ok;
}

bool session_describe_portal(rdb_session *session, const char *name, rdb_error *err)
{
    session_portal *portal = session_find_portal(session, name, err);
    if (portal == NULL)
        return false;
    session_plan *plan = portal->plan;
    bool has_rows = plan != NULL && (plan->column_count > 0 || (plan->plan != NULL && plan->plan->returns_rows));
    bool is_text = has_rows && plan->columns != NULL;
    for (uint32_t i = 0; is_text && portal->formats != NULL && i < plan->column_count; i++)
        is_text = portal->formats[i] == 0;
    if (is_text)
        session_put_plan_description(session, plan);
    else
        session_put_row_description(session, has_rows ? plan->columns : NULL, has_rows ? plan->column_count : 0, portal->formats);
    return true;
}

bool session_close_portal(rdb_session *session, const char *name, rdb_error *err)
{
    (void)err; /* closing what is not there is fine */
    portal_destroy(session, look_up(session, name));
    return true;
}

/* ---- ends of transactions --------------------------------------------------------------------------------------------------- */
/* Calls end for every portal that it is true for; ending changes the map, so start over each time. */
static void end_portals(rdb_session *session, bool (*is_over)(const session_portal *portal, uint32_t level), uint32_t level)
{
    bool again = true;
    while (again) {
        again = false;
        uint32_t cursor = 0;
        session_portal *portal;
        while (portal_next(session, &cursor, &portal)) {
            if (is_over(portal, level)) {
                portal_destroy(session, portal);
                again = true;
                break;
            }
        }
    }
}

static bool ends_with_transaction(const session_portal *portal, uint32_t level)
{
    (void)level;
    return !portal->is_holding;
}

static bool is_above(const session_portal *portal, uint32_t level)
{
    return !portal->is_holding && portal->level >= level;
}

bool session_close_portals(rdb_session *session, bool committing, rdb_error *err)
{
    if (rdb_map_count(session->portals) == 0) {
        portal_destroy(session, session->unnamed_portal); /* it never outlives the transaction */
        return true;
    }
    bool ok = !committing || cursor_hold_all(session, err);
    end_portals(session, ends_with_transaction, 0);
    return ok;
}

void session_close_portals_above(rdb_session *session, uint32_t level)
{
    end_portals(session, is_above, level);
}

void session_close_failed_portals(rdb_session *session)
{
    uint32_t cursor = 0;
    session_portal *portal;
    while (portal_next(session, &cursor, &portal)) {
        if (portal->is_started && portal->plan != NULL && portal->plan->is_in_use && !portal->from_sql)
            portal->is_failed = true;
    }
}
