/* SPDX-License-Identifier: Apache-2.0
 * The transaction block of a session: PostgreSQL's rules of BEGIN, COMMIT, savepoints and what an error does. The engine's
 * transaction is begun late, by the first statement that needs one, so BEGIN itself costs nothing and
 * SET TRANSACTION may still change its mind. */
#include "command/rdb_command.h"
#include "session/audit.h"
#include "session/notify.h"
#include "session/portal.h"
#include "session/session_int.h"
#include "session/settings.h"
#include "txn/rdb_ssi.h"

bool session_must_hold(rdb_session *session)
{
    if (session->unpublished_scn != 0 && rdb_txn_published_scn(rdb_engine_txns(session->engine)) >= session->unpublished_scn)
        session->unpublished_scn = 0;
    return session->unpublished_scn != 0;
}

/* Who commits waits for the log itself only where someone else could learn of the commit before the reply. */
static rdb_commit_wait commit_wait(const rdb_session *session)
{
    const rdb_commit_wait wait = session_setting_commit_wait(session);
    return wait == RDB_COMMIT_LOCAL && session->owner.holds_replies && !session_notify_is_pending(session) ? RDB_COMMIT_LATER : wait;
}

bool session_is_idle(const rdb_session *session)
{
    return session->block == SESSION_IDLE;
}

char session_ready_status(const rdb_session *session)
{
    return session->block == SESSION_FAILED ? 'E' : session->block == SESSION_BLOCK ? 'T' : 'I';
}

bool session_stands_alone(const rdb_session *session)
{
    return session->block == SESSION_AUTO || (session->block == SESSION_IMPLICIT && session->implicit_statements == 1);
}

bool session_require_alone(const rdb_session *session, const char *what, rdb_error *err)
{
    if (session->block == SESSION_IDLE || session_stands_alone(session))
        return true;
    bool in_pipeline = session->block == SESSION_IMPLICIT && session->implicit_statements != UINT32_MAX;
    return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, in_pipeline ? "%s cannot be executed within a pipeline" : "%s cannot run inside a transaction block", what);
}

static bool in_block(const rdb_session *session)
{
    return session->block == SESSION_BLOCK || session->block == SESSION_FAILED;
}

static void set_defaults(rdb_session *session)
{
    session->isolation = session_setting_isolation(session);
    session->is_read_only = session_setting_read_only(session);
    session->is_deferrable = session_setting_deferrable(session);
    session->has_run_statement = false;
    session->transaction_us = session->statement_us;
}

/* Everything that lived in the transaction and not in the engine's part of it. */
static void forget(rdb_session *session, bool committed)
{
    session->txn = NULL;
    session->has_txn_snapshot = false;
    atomic_store_explicit(&session->snapshot_scn, 0, memory_order_relaxed);
    session->savepoint_count = 0;
    session_audit_end_transaction(session, committed);
    session_notify_forget(session);
    session_large_objects_forget(session);
    session->block = SESSION_IDLE;
    session_settings_end_transaction(session, committed);
}

static void set_lock_timeouts(rdb_session *session)
{
    rdb_lock_session_set_timeouts(session->locks, session_setting_deadlock_timeout_us(session), session_setting_lock_timeout_us(session));
}

static bool begin_engine_transaction(rdb_session *session, rdb_error *err)
{
    if (session->locks != NULL)
        set_lock_timeouts(session);
    if (session->txn != NULL)
        return true;
    if (!rdb_txn_begin(rdb_engine_txns(session->engine), rdb_database_pdb(session->database), session->isolation,
                       session->is_read_only, &session->cancel, &session->txn, err))
        return false;
    if (session->last_commit_scn > rdb_txn_visible_scn(rdb_engine_txns(session->engine)))
        rdb_txn_wait_recorded(rdb_engine_txns(session->engine), session->last_commit_scn);
    rdb_txn_set_session_scn(session->txn, session->last_commit_scn);
    /* Its locks carry the process's number: pg_locks and deadlock reports tell it. */
    if (session->locks == NULL && session->pid != 0 &&
        !rdb_lock_session_open(&session->locks, rdb_engine_txns(session->engine), &session->cancel, (int32_t)session->pid, err))
        return false;
    if (session->locks != NULL) {
        set_lock_timeouts(session);
        rdb_lock_session_attach(session->locks, session->txn);
    }
    return true;
}

bool session_begin_statement(rdb_session *session, rdb_error *err)
{
    if (session->block == SESSION_IDLE) {
        set_defaults(session);
        session->block = SESSION_AUTO;
    }
    return begin_engine_transaction(session, err);
}

bool session_statement_snapshot(rdb_session *session, rdb_snapshot *snapshot, rdb_error *err)
{
    if (!begin_engine_transaction(session, err))
        return false;
    session->has_run_statement = true;
    if (session->isolation < RDB_REPEATABLE_READ) {
        rdb_txn_take_snapshot(session->txn, snapshot);
        rdb_txn_hold_snapshot(session->txn, snapshot);
        snapshot->reads_uncommitted = session->isolation == RDB_READ_UNCOMMITTED;
        atomic_store_explicit(&session->snapshot_scn, snapshot->scn, memory_order_relaxed);
        return true;
    }
    if (!session->has_txn_snapshot) {
        if (session->isolation < RDB_SERIALIZABLE)
            rdb_txn_take_snapshot(session->txn, &session->txn_snapshot);
        else if (!rdb_ssi_take_snapshot(session->txn, session->is_deferrable, (int32_t)session->pid, &session->txn_snapshot, err))
            return false;
        rdb_txn_hold_snapshot(session->txn, &session->txn_snapshot);
        session->has_txn_snapshot = true;
        atomic_store_explicit(&session->snapshot_scn, session->txn_snapshot.scn, memory_order_relaxed);
    }
    /* The transaction's SCN, the statement's place in its own undo. */
    rdb_txn_take_snapshot(session->txn, snapshot);
    snapshot->scn = session->txn_snapshot.scn;
    snapshot->tracks_reads = session->txn_snapshot.tracks_reads;
    rdb_txn_hold_snapshot(session->txn, snapshot);
    return true;
}

void session_drop_statement_snapshot(rdb_session *session, const rdb_snapshot *snapshot)
{
    if (!session->has_txn_snapshot)
        atomic_store_explicit(&session->snapshot_scn, 0, memory_order_relaxed);
    if (session->txn != NULL)
        rdb_txn_drop_snapshot(session->txn, snapshot);
}

bool session_commit(rdb_session *session, rdb_error *err)
{
    if (session->block == SESSION_FAILED) {
        session_rollback(session);
        return true;
    }
    if (!session_close_portals(session, true, err) || !session_temp_before_commit(session, err) ||
        !session_audit_commit(session, err) || !session_notify_begin_commit(session, err)) { /* WITH HOLD cursors are materialised first, and may fail */
        session_rollback(session);
        return false;
    }
    bool ok = true;
    if (session->txn != NULL) {
        rdb_scn scn = 0;
        const rdb_commit_wait wait = commit_wait(session);
        ok = rdb_txn_commit(&session->txn, wait, &scn, err);
        session->last_commit_scn = RDB_MAX(session->last_commit_scn, scn);
        if (wait == RDB_COMMIT_LATER)
            session->unpublished_scn = RDB_MAX(session->unpublished_scn, scn);
        rdb_counters_add(session->counters, ok ? RDB_COUNTER_COMMITS : RDB_COUNTER_ROLLBACKS, 1);
    }
    session_notify_end_commit(session, ok);
    forget(session, ok);
    return ok;
}

void session_rollback(rdb_session *session)
{
    rdb_error ignored = {0};
    if (!session_close_portals(session, false, &ignored))
        rdb_error_clear(&ignored);
    if (session->txn != NULL) {
        rdb_counters_add(session->counters, RDB_COUNTER_ROLLBACKS, 1);
        rdb_txn_abort(&session->txn);
    }
    forget(session, false);
}

/* Undoes what came since a savepoint; its level is gone. An error may have done that already, as far as the newest one goes. */
static void undo_to_savepoint(rdb_session *session, uint32_t savepoint_no)
{
    const session_savepoint *savepoint = &session->savepoints[savepoint_no];
    session_close_portals_above(session, savepoint->level);
    session_audit_undo(session, savepoint->audit_mark);
    if (savepoint->level <= rdb_txn_current_level(session->txn))
        rdb_txn_rollback_level(session->txn, savepoint->level);
    session_settings_pop(session, savepoint->settings_level, false);
    session_notify_rollback(session, savepoint_no);
    session_large_objects_rollback(session, savepoint_no);
    session->is_read_only = savepoint->was_read_only;
}

void session_fail(rdb_session *session)
{
    switch (session->block) {
    case SESSION_AUTO:
    case SESSION_IMPLICIT:
        session_rollback(session);
        break;
    case SESSION_BLOCK:
        session_close_failed_portals(session);
        session->block = SESSION_FAILED;
        if (session->txn != NULL)
            rdb_lock_leave_place(session->txn);
        /* The work since the newest savepoint is void from here on, and nobody is to wait for it; the savepoint itself stays, to go back to. */
        if (session->savepoint_count > 0) {
            undo_to_savepoint(session, session->savepoint_count - 1);
        } else if (session->txn != NULL) {
            rdb_error ignored = {0};
            if (!session_close_portals(session, false, &ignored))
                rdb_error_clear(&ignored);
            rdb_txn_abort(&session->txn);
            session_audit_end_transaction(session, false);
            session->has_txn_snapshot = false;
            atomic_store_explicit(&session->snapshot_scn, 0, memory_order_relaxed);
        }
        break;
    case SESSION_IDLE:
    case SESSION_FAILED:
        break;
    }
}

/* ---- BEGIN and SET TRANSACTION options ------------------------------------------------------------------------------ */
static bool apply_option(rdb_session *session, const rdb_ast_option *option, rdb_error *err)
{
    const rdb_ast_value *value = (const rdb_ast_value *)option->arg;
    if (strcmp(option->name, "transaction_isolation") == 0) {
        rdb_isolation level;
        if (!session_isolation_from_text(value->text, &level))
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE,
                                 "invalid value for parameter \"transaction_isolation\": \"%s\"", value->text);
        if (level != session->isolation) {
            if (session->has_run_statement)
                return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION,
                                     "SET TRANSACTION ISOLATION LEVEL must be called before any query");
            if (session->savepoint_count > 0)
                return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION,
                                     "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction");
            session->isolation = level;
        }
    } else if (strcmp(option->name, "transaction_read_only") == 0) {
        bool read_only = value->integer != 0;
        if (!read_only && session->is_read_only && session->savepoint_count > 0 && session->savepoints[session->savepoint_count - 1].was_read_only)
            return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "cannot set transaction read-write mode inside a read-only transaction");
        if (!read_only && session->is_read_only && session->has_run_statement)
            return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION,
                                 "transaction read-write mode must be set before any query");
        session->is_read_only = read_only;
    } else if (strcmp(option->name, "transaction_deferrable") == 0) {
        if (session->savepoint_count > 0)
            return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction");
        if (session->has_run_statement)
            return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "SET TRANSACTION [NOT] DEFERRABLE must be called before any query");
        session->is_deferrable = value->integer != 0; /* only SERIALIZABLE READ ONLY gives it a meaning */
    }
    return true;
}

bool session_apply_transaction_options(rdb_session *session, const rdb_list *options, rdb_error *err)
{
    for (uint32_t i = 0; i < options->count; i++)
        if (!apply_option(session, options->items[i], err))
            return false;
    /* An engine transaction that is already there and has done nothing gives way to one with the new properties. */
    if (session->txn != NULL && !session->has_run_statement && session->savepoint_count == 0)
        rdb_txn_abort(&session->txn);
    return true;
}

bool session_import_snapshot(rdb_session *session, const char *id, rdb_error *err)
{
    if (!in_block(session) || session->has_run_statement || session->has_txn_snapshot)
        return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "SET TRANSACTION SNAPSHOT must be called before any query");
    if (session->savepoint_count > 0)
        return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "SET TRANSACTION SNAPSHOT must not be called in a subtransaction");
    if (session->isolation < RDB_REPEATABLE_READ)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ");
    if (session->isolation == RDB_SERIALIZABLE)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "importing a snapshot into a serializable transaction is not supported yet");
    if (!begin_engine_transaction(session, err) || !rdb_txn_import_snapshot(session->txn, id, &session->txn_snapshot, err))
        return false;
    session->has_txn_snapshot = session->has_run_statement = true;
    return true;
}

static bool begin_block(rdb_session *session, const rdb_ast_transaction *statement, rdb_error *err)
{
    switch (session->block) {
    case SESSION_IDLE:
        set_defaults(session);
        session->block = SESSION_BLOCK;
        break;
    case SESSION_AUTO:
    case SESSION_IMPLICIT: /* what this Query or pipeline did so far joins the block */
        session->block = SESSION_BLOCK;
        break;
    case SESSION_BLOCK:
    case SESSION_FAILED:
        session_notice(session, "WARNING", RDB_ACTIVE_SQL_TRANSACTION, "there is already a transaction in progress");
        break;
    }
    return session_apply_transaction_options(session, &statement->options, err);
}

/* AND CHAIN: a new block with the old one's properties. */
static void chain(rdb_session *session, rdb_isolation isolation, bool read_only, bool deferrable)
{
    set_defaults(session);
    session->isolation = isolation;
    session->is_read_only = read_only;
    session->is_deferrable = deferrable;
    session->block = SESSION_BLOCK;
}

static bool end_block(rdb_session *session, const rdb_ast_transaction *statement, bool commit, char tag[64], rdb_error *err)
{
    const char *name = commit ? "COMMIT" : "ROLLBACK";
    rdb_isolation isolation = session->isolation;
    bool read_only = session->is_read_only, deferrable = session->is_deferrable, was_failed = session->block == SESSION_FAILED;
    snprintf(tag, 64, "%s", was_failed ? "ROLLBACK" : name);
    if (!in_block(session)) {
        if (statement->and_chain)
            return rdb_error_set(err, RDB_NO_ACTIVE_SQL_TRANSACTION, "%s AND CHAIN can only be used in transaction blocks", name);
        session_notice(session, "WARNING", RDB_NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
    }
    if (commit) {
        if (!session_commit(session, err))
            return false;
    } else {
        session_rollback(session);
    }
    if (statement->and_chain)
        chain(session, isolation, read_only, deferrable);
    return true;
}

/* ---- savepoints ------------------------------------------------------------------------------------------------------ */
static bool needs_block(const rdb_session *session, const char *what, rdb_error *err)
{
    if (in_block(session))
        return true;
    return rdb_error_set(err, RDB_NO_ACTIVE_SQL_TRANSACTION, "%s can only be used in transaction blocks", what);
}

/* The newest savepoint of that name; UINT32_MAX and 3B001 when there is none. */
static uint32_t find_savepoint(const rdb_session *session, const char *name, rdb_error *err)
{
    for (uint32_t i = session->savepoint_count; i-- > 0;)
        if (strcmp(session->savepoints[i].name, name) == 0)
            return i;
    rdb_error_set(err, RDB_INVALID_SAVEPOINT_SPECIFICATION, "savepoint \"%s\" does not exist", name);
    return UINT32_MAX;
}

static bool push_savepoint(rdb_session *session, const char *name, rdb_error *err)
{
    if (!begin_engine_transaction(session, err))
        return false;
    if (session->savepoint_count == session->savepoint_capacity) {
        uint32_t capacity = RDB_MAX(8u, session->savepoint_capacity * 2);
        session_savepoint *grown = realloc(session->savepoints, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        session->savepoints = grown;
        session->savepoint_capacity = capacity;
    }
    session_savepoint *savepoint = &session->savepoints[session->savepoint_count];
    if (!rdb_txn_push_level(session->txn, &savepoint->level, err))
        return false;
    snprintf(savepoint->name, sizeof savepoint->name, "%s", name);
    savepoint->settings_level = session_settings_push(session);
    savepoint->was_read_only = session->is_read_only;
    savepoint->audit_mark = session_audit_mark(session);
    session->savepoint_count++;
    return true;
}

static bool release_savepoint(rdb_session *session, const char *name, rdb_error *err)
{
    uint32_t savepoint_no = find_savepoint(session, name, err);
    if (savepoint_no == UINT32_MAX)
        return false;
    session_savepoint *savepoint = &session->savepoints[savepoint_no];
    rdb_txn_release_level(session->txn, savepoint->level);
    session_settings_pop(session, savepoint->settings_level, true);
    session_notify_release(session, savepoint_no);
    session_large_objects_release(session, savepoint_no);
    session->is_read_only = savepoint->was_read_only;
    session->savepoint_count = savepoint_no;
    return true;
}

static bool rollback_to_savepoint(rdb_session *session, const char *name, rdb_error *err)
{
    uint32_t savepoint_no = find_savepoint(session, name, err);
    if (savepoint_no == UINT32_MAX)
        return false;
    undo_to_savepoint(session, savepoint_no);
    session->savepoint_count = savepoint_no;
    session->block = SESSION_BLOCK;
    return push_savepoint(session, name, err); /* it can be rolled back to again */
}

/* ---- two-phase commit --------------------------------------------------------------------------------------------------- */
typedef struct temp_search {
    rdb_access *access;
    bool found, ok;
    rdb_error *err;
} temp_search;

static void look_for_temp(void *context, uint32_t oid)
{
    temp_search *search = context;
    const rdb_relation *relation = NULL;
    if (!search->ok || search->found)
        return;
    search->ok = rdb_relation_get(search->access, oid, &relation, search->err);
    search->found = relation != NULL && relation->persistence == 't';
}

/* What would not outlive the session, or is more than one commit, can not wait for another to end it. */
static bool may_prepare(rdb_session *session, rdb_error *err)
{
    temp_search search = {.ok = true, .err = err};
    if (session_notify_is_pending(session))
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY");
    if (cursor_is_to_be_held(session))
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot PREPARE a transaction that has created a cursor WITH HOLD");
    if (rdb_catalog_changes_shared(rdb_engine_catalog(session->engine), session->txn))
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot PREPARE a transaction that has changed roles, databases or other shared objects");
    if (!session_access_begin(session, &search.access, err))
        return false;
    rdb_lock_visit_relations(session->txn, look_for_temp, &search);
    rdb_access_end(&search.access);
    return search.ok && (!search.found || rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot PREPARE a transaction that has operated on temporary objects"));
}

static bool prepare_block(rdb_session *session, const char *gid, char tag[64], rdb_error *err)
{
    if (session->block != SESSION_BLOCK) {
        snprintf(tag, 64, "ROLLBACK");
        if (session->block != SESSION_FAILED)
            session_notice(session, "WARNING", RDB_NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
        session_rollback(session);
        return true;
    }
    snprintf(tag, 64, "PREPARE TRANSACTION");
    if (!begin_engine_transaction(session, err) || !may_prepare(session, err) || !session_close_portals(session, true, err) ||
        !session_audit_prepare(session, err)) {
        session_rollback(session);
        return false;
    }
    bool ok = rdb_txn_prepare(&session->txn, &session->locks, gid, session->role.oid, session_setting_prepared_max(session), err);
    rdb_counters_add(session->counters, ok ? RDB_COUNTER_COMMITS : RDB_COUNTER_ROLLBACKS, 1);
    forget(session, ok);
    return ok;
}

static bool end_prepared(rdb_session *session, const char *gid, bool commits, const char *what, rdb_error *err)
{
    rdb_txn_manager *txns = rdb_engine_txns(session->engine);
    rdb_prepared_info info;
    rdb_scn scn = 0;
    if (!session_require_alone(session, what, err))
        return false;
    if (!rdb_txn_find_prepared(txns, gid, &info))
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "prepared transaction with identifier \"%s\" does not exist", gid);
    if (!session->role.is_superuser && session->role.oid != info.role_oid) {
        rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to finish prepared transaction");
        return rdb_error_hint(err, "Must be superuser or the user that prepared the transaction.");
    }
    if (info.pdb != rdb_database_pdb(session->database)) {
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "prepared transaction belongs to another database");
        return rdb_error_hint(err, "Connect to the database where the transaction was prepared to finish it.");
    }
    bool ok = rdb_txn_end_prepared(txns, gid, commits, session_setting_commit_wait(session), &scn, err);
    session->last_commit_scn = RDB_MAX(session->last_commit_scn, scn);
    return ok;
}

bool session_transaction_statement(rdb_session *session, const rdb_ast_node *node, char tag[64], rdb_error *err)
{
    const rdb_ast_transaction *statement = (const rdb_ast_transaction *)node;
    switch (statement->kind) {
    case RDB_SQL_TRANSACTION_BEGIN:
    case RDB_SQL_TRANSACTION_START:
        snprintf(tag, 64, "%s", statement->kind == RDB_SQL_TRANSACTION_BEGIN ? "BEGIN" : "START TRANSACTION");
        return begin_block(session, statement, err);
    case RDB_SQL_TRANSACTION_COMMIT:
        return end_block(session, statement, true, tag, err);
    case RDB_SQL_TRANSACTION_ROLLBACK:
        return end_block(session, statement, false, tag, err);
    case RDB_SQL_TRANSACTION_SAVEPOINT:
        snprintf(tag, 64, "SAVEPOINT");
        return needs_block(session, "SAVEPOINT", err) && push_savepoint(session, statement->savepoint, err);
    case RDB_SQL_TRANSACTION_RELEASE:
        snprintf(tag, 64, "RELEASE");
        return needs_block(session, "RELEASE SAVEPOINT", err) && release_savepoint(session, statement->savepoint, err);
    case RDB_SQL_TRANSACTION_ROLLBACK_TO:
        snprintf(tag, 64, "ROLLBACK");
        return needs_block(session, "ROLLBACK TO SAVEPOINT", err) &&
               rollback_to_savepoint(session, statement->savepoint, err);
    case RDB_SQL_TRANSACTION_PREPARE:
        return prepare_block(session, statement->gid, tag, err);
    case RDB_SQL_TRANSACTION_COMMIT_PREPARED:
    case RDB_SQL_TRANSACTION_ROLLBACK_PREPARED: {
        bool commits = statement->kind == RDB_SQL_TRANSACTION_COMMIT_PREPARED;
        snprintf(tag, 64, "%s", commits ? "COMMIT PREPARED" : "ROLLBACK PREPARED");
        return end_prepared(session, statement->gid, commits, tag, err);
    }
    }
    return rdb_error_set(err, RDB_INTERNAL_ERROR, "a transaction statement of kind %d is not known", (int)statement->kind);
}
