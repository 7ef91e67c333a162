/* SPDX-License-Identifier: Apache-2.0
 * Between the files of the rewrite. Room-internal. */
#ifndef RDB_SQL_REWRITE_INT_H
#define RDB_SQL_REWRITE_INT_H

#include "sql/rdb_query.h"

/* INSERT, UPDATE or DELETE of a view becomes one of the table below it; nothing changes for a table. 55000 where that cannot be. */
RDB_CHECKED bool rewrite_view_target(rdb_analysis *analysis, rdb_query *query, rdb_error *err);

#endif
