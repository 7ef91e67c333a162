/* SPDX-License-Identifier: Apache-2.0
 * What prepared statements, portals and cursors share. */
#ifndef RDB_SESSION_PORTAL_H
#define RDB_SESSION_PORTAL_H

#include "session/row_store.h"
#include "session/session_int.h"

/* Statements are shared by their name and by the portals on them; the last user frees. NULL is fine. */
void statement_release(rdb_session *session, session_statement *statement);
/* Makes the statement's plan, or makes it again where it is stale and no portal runs it; locks what it touches. */
RDB_CHECKED bool statement_plan_ready(rdb_session *session, session_statement *statement, rdb_error *err);
/* The implicit transaction of the extended protocol: IDLE becomes IMPLICIT, up to Sync. */
RDB_CHECKED bool session_extended_transaction(rdb_session *session, rdb_error *err);

RDB_CHECKED bool portal_create(rdb_session *session, const char *name, session_portal **portal, rdb_error *err);
void portal_destroy(rdb_session *session, session_portal *portal); /* NULL is fine */
/* Every portal once; *cursor starts at 0. False: that was all. */
bool portal_next(const rdb_session *session, uint32_t *cursor, session_portal **portal);
RDB_CHECKED bool portal_take_plan(rdb_session *session, session_portal *portal, rdb_error *err);
RDB_CHECKED bool portal_start(rdb_session *session, session_portal *portal, rdb_error *err);
/* Rows from .. to - 1 of *batch, at most row_max (0: what there is); from == to: the end. */
RDB_CHECKED bool portal_next_rows(session_portal *portal, uint64_t row_max, const rdb_batch **batch, uint32_t *from, uint32_t *to, rdb_error *err);
/* WHERE CURRENT OF (expr/rdb_expr.h: rdb_cursor_row). */
RDB_CHECKED bool session_cursor_row(const rdb_eval *eval, const char *cursor, uint32_t table_oid, rdb_datum *tid, uint32_t *relation_oid, rdb_error *err);
bool cursor_is_to_be_held(const rdb_session *session); /* WITH HOLD, declared in this transaction */
/* Before a commit: cursors WITH HOLD take in the rows that are left. */
RDB_CHECKED bool cursor_hold_all(rdb_session *session, rdb_error *err);

#endif
