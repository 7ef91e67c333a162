/* SPDX-License-Identifier: Apache-2.0
 * What a session tells the audit. Events of statements that change something wait in the session and travel in the commit record; what
 * changes nothing, and what failed, goes into the WAL at once (libcommon/audit/README.md). All is nothing while nothing is audited. */
#ifndef RDB_SESSION_AUDIT_H
#define RDB_SESSION_AUDIT_H

#include "session/audit_writer.h"
#include "session/session_int.h"

/* What an engine audits of everybody, beside its policies. */
typedef struct session_audit_rules {
    uint32_t classes; /* RDB_AUDIT_BIT of each */
    bool logins, logouts, failed_logins;
} session_audit_rules;

audit_writer *session_engine_audit(rdb_engine *engine); /* NULL: nothing is audited */
const char *session_engine_audit_directory(const rdb_engine *engine); /* where the log is; NULL: there is none */
const session_audit_rules *session_engine_audit_rules(rdb_engine *engine);

RDB_CHECKED bool session_audit_begin(rdb_session *session, rdb_error *err);
void session_audit_end(rdb_session *session);
void session_audit_login(rdb_session *session);
void session_audit_failed_login(rdb_engine *engine, const char *user, const char *database, const char *peer, const rdb_error *err);

/* The statement at hand, borrowed while it runs; raw NULL: it could not be read (yet). */
void session_audit_text(rdb_session *session, const char *text, size_t length);
/* 53100 where it is audited and the log is failing. is_lasting: the plan, wherever it is run, has this text, at this place. */
RDB_CHECKED bool session_audit_statement(rdb_session *session, const char *text, size_t length, bool is_lasting, const rdb_ast_node *raw, session_plan *plan, rdb_error *err);
/* The statement changes a setting that is kept for a role or database; NULL: there was none, there will be none. */
void session_audit_setting(rdb_session *session, const char *name, const char *old_value, const char *new_value);
void session_audit_plan(rdb_session *session, session_plan *plan); /* its plan, once that is made; NULL: it is gone */
RDB_CHECKED bool session_audit_done(rdb_session *session, const char *tag, rdb_error *err); /* it succeeded; before its transaction commits */
void session_audit_failed(rdb_session *session, const rdb_error *err);                      /* it, or what the client sent, failed */
/* A transaction of the statement's own, beside the session's, is about to commit: its record has one of the statement, marked as a step. */
RDB_CHECKED bool session_audit_step(void *session, rdb_txn *txn, rdb_error *err);

/* Of the transaction: before its record is made; after, whether it was; when it is rolled back. */
RDB_CHECKED bool session_audit_commit(rdb_session *session, rdb_error *err);
RDB_CHECKED bool session_audit_prepare(rdb_session *session, rdb_error *err); /* the same before PREPARE TRANSACTION */
void session_audit_end_transaction(rdb_session *session, bool committed);
size_t session_audit_mark(const rdb_session *session); /* a savepoint begins */
void session_audit_undo(rdb_session *session, size_t mark); /* what came since is rolled back */

/* Would the statement have a record, and why: a line a policy. It is planned and not run; the facts that only a run knows are as of one that
 * succeeded without rows. 55000: nothing is audited. */
RDB_CHECKED bool session_audit_explain(rdb_session *session, const char *text, rdb_arena *arena, rdb_strbuf *out, rdb_error *err);
/* A program tells what it did. */
RDB_CHECKED bool session_audit_tool(rdb_session *session, const char *program, const char *action, bool failed, const char *what, rdb_error *err);
void session_register_audit_functions(void); /* audit_functions.c */

#endif
