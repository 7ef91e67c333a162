/* SPDX-License-Identifier: Apache-2.0
 * The second half of making an instance. Room-internal. */
#ifndef RDB_SESSION_SETUP_H
#define RDB_SESSION_SETUP_H

#include "session/rdb_session.h"

/* Makes the system views of every database. */
RDB_CHECKED bool session_make_system_views(rdb_engine *engine, const char *admin_role, rdb_error *err);

#endif
