/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RDB_SESSION_SYSTEM_VIEWS_H
#define RDB_SESSION_SYSTEM_VIEWS_H

#include "session/session_int.h"

RDB_CHECKED bool session_make_system_views(rdb_engine *engine, const char *database_name, rdb_error *err);

#endif
