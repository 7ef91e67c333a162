/* SPDX-License-Identifier: Apache-2.0
 * A session's life, its notices, and the ends of extended-protocol runs. */
#include "session/portal.h"

#include "catalog/rdb_ddl.h"
#include "session/activity.h"
#include "session/audit.h"
#include "session/notify.h"
#include "session/row_sink.h"
#include "session/settings.h"
#include "session/setup.h"
#include "session/template.h"
#include "session/wire_int.h"

bool session_create(rdb_session **session_out, rdb_engine *engine, rdb_database *database, const rdb_role *role, uint32_t pid,
                    const session_owner *owner, rdb_error *err)
{
    *session_out = NULL;
    rdb_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    session->engine = engine;
    session->database = database;
    session->role = session->session_role = session->login_role = *role;
    session->pid = pid;
    session->owner = *owner;
    snprintf(session->database_name, sizeof session->database_name, "%s", rdb_database_name(database));
    rdb_cancel_init(&session->cancel);
    session->waiter.kind = RDB_WORKER_CLIENT;
    engine_open_work(engine, &session->work);
    session->statement_arena = rdb_arena_create("statement", rdb_account_charge, &session->work.account);
    session->statements = rdb_map_create();
    session->portals = rdb_map_create();
    atomic_store(&session->state_name, "idle");
    if (session->statement_arena == NULL || session->statements == NULL || session->portals == NULL)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (rdb_error_is_set(err) || !session_settings_create(session, err) || !session_sink_create(session, err) ||
        !rdb_sequence_session_create(&session->sequences, err) || !rdb_temp_session_create(&session->temp, rdb_engine_catalog(engine), database, err) ||
        !session_audit_begin(session, err) || !session_activity_begin(session, err)) {
        session->database = NULL; /* stays the caller's */
        session_destroy(&session);
        return false;
    }
    *session_out = session;
    return true;
}

void session_destroy(rdb_session **session_at)
{
    rdb_session *session = *session_at;
    if (session == NULL)
        return;
    if (rdb_thread_waiter == &session->waiter)
        rdb_waiter_adopt(NULL);
    session_log_ended(session);
    session_activity_end(session);
    if (session->settings != NULL && session->portals != NULL)
        session_rollback(session);
    session_audit_end(session);
    session_notify_end(session);
    if (session->portals != NULL) {
        uint32_t cursor = 0;
        session_portal *portal;
        while (portal_next(session, &cursor, &portal)) { /* those WITH HOLD */
            portal_destroy(session, portal);
            cursor = 0;
        }
    }
    session_note_temp_files(session);
    session_templates_forget(session);
    if (session->statements != NULL)
        session_discard_statements(session);
    if (session->locks != NULL)
        rdb_lock_session_close(&session->locks);
    session_sink_destroy(session);
    session_settings_destroy(session);
    rdb_map_destroy(session->statements);
    rdb_map_destroy(session->portals);
    rdb_arena_destroy(session->portal_arena);
    rdb_sequence_session_destroy(&session->sequences);
    session_end_backup(session);
    rdb_arena_destroy(session->statement_arena);
    rdb_temp_session_destroy(&session->temp);
    rdb_database_close(&session->database);
    free(session->savepoints);
    free(session);
    *session_at = NULL;
}

void session_cancel(rdb_session *session, bool terminate)
{
    rdb_cancel_set(&session->cancel, terminate ? RDB_CANCEL_TERMINATE : RDB_CANCEL_USER);
}

void session_client_gone(rdb_session *session)
{
    rdb_cancel_client_gone(&session->cancel);
}

void session_trim(rdb_session *session)
{
    (void)session; /* arenas keep one block each; the buffers are the wire's */
}

bool session_checkpoint(void *session_at, rdb_error *err)
{
    rdb_session *session = session_at;
    return rdb_engine_checkpoint(session->engine, err);
}

void session_report_parameters(rdb_session *session)
{
    session_settings_report(session, true);
}

void session_sync(rdb_session *session)
{
    rdb_error err;
    rdb_error_init(&err);
    if (session->block != SESSION_IMPLICIT && session->block != SESSION_AUTO)
        return;
    if (!session_commit(session, &err)) {
        session_audit_failed(session, &err);
        session_put_error(session, session->owner.output, &err, "ERROR");
        rdb_error_clear(&err);
    }
    session_statement_end(session);
}

void session_notice(rdb_session *session, const char *severity, const char *sqlstate, const char *format, ...)
{
    rdb_error notice = {0};
    va_list arguments;
    va_start(arguments, format);
    rdb_error_set_va(&notice, sqlstate, format, arguments);
    va_end(arguments);
    session->client.notice(session->client.context, severity, &notice);
    rdb_error_clear(&notice);
}
