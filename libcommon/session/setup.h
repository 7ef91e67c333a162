/* SPDX-License-Identifier: Apache-2.0
 * The second half of making an instance. Room-internal. */
#ifndef RDB_SESSION_SETUP_H
#define RDB_SESSION_SETUP_H

#include "session/rdb_session.h"
#include "task/rdb_work.h"

/* Makes the system views of every database. */
RDB_CHECKED bool session_make_system_views(rdb_engine *engine, const char *admin_role, rdb_error *err);

/* A session's share of the engine's memory and its directory of temporary files. */
void engine_open_work(rdb_engine *engine, rdb_work_space *work);

#endif
