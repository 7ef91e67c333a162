/* SPDX-License-Identifier: Apache-2.0
 * LISTEN, NOTIFY, UNLISTEN: channels of one database by which its sessions tell each other something. What a transaction says
 * takes effect with its commit; notifications reach every listener in the order of commits, and the client when its session is
 * outside a transaction. */
#ifndef RDB_SESSION_NOTIFY_H
#define RDB_SESSION_NOTIFY_H

#include "session/session_int.h"

typedef struct notify_hub notify_hub; /* one an engine: who listens, and what waits for them */
RDB_CHECKED bool notify_hub_create(notify_hub **hub, rdb_error *err);
void notify_hub_destroy(notify_hub **hub); /* sessions are gone; NULL inside is fine */
notify_hub *session_engine_notify_hub(rdb_engine *engine);

/* LISTEN, NOTIFY, UNLISTEN: remembered until the commit. */
RDB_CHECKED bool session_notify_statement(rdb_session *session, const rdb_ast_node *statement, rdb_error *err);
RDB_CHECKED bool session_notify_add(rdb_session *session, const char *channel, const char *payload, rdb_error *err);
RDB_CHECKED bool session_unlisten_all(rdb_session *session, rdb_error *err);
bool session_notify_is_pending(const rdb_session *session); /* this transaction said something */
/* Around the engine's commit; between the two no other session's notifications are given out. 54000 where too much waits. */
RDB_CHECKED bool session_notify_begin_commit(rdb_session *session, rdb_error *err);
void session_notify_end_commit(rdb_session *session, bool committed);
void session_notify_forget(rdb_session *session);                           /* the end of a transaction */
void session_notify_release(rdb_session *session, uint32_t savepoint_no);   /* joins what was there before the savepoint */
void session_notify_rollback(rdb_session *session, uint32_t savepoint_no);  /* drops what came after it */
void session_notify_end(rdb_session *session); /* the session ends */
/* Writes what waits for the session to its output, if it is outside a transaction. */
void session_notify_deliver(rdb_session *session);
void session_register_notify_functions(void);

#endif
