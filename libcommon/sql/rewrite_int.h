/* SPDX-License-Identifier: Apache-2.0
 * Between the files of the rewrite. Room-internal. */
#ifndef RDB_SQL_REWRITE_INT_H
#define RDB_SQL_REWRITE_INT_H

#include "sql/rdb_query.h"

/* What a statement becomes by the rules of what it changes (rewrite_rule.c): rdb_query *. Changes of views become changes of tables. */
RDB_CHECKED bool rewrite_rules(rdb_analysis *analysis, rdb_query *query, rdb_list *queries, rdb_error *err);
/* INSERT, UPDATE or DELETE of a view becomes one of the table or view right below it. 55000 where that cannot be. */
RDB_CHECKED bool rewrite_view_target(rdb_analysis *analysis, rdb_query *query, rdb_error *err);
bool rewrite_view_refuse(const rdb_relation *view, uint8_t command, const char *reason, rdb_error *err);
/* When no view is left. */
RDB_CHECKED bool rewrite_view_finish(rdb_analysis *analysis, rdb_query *query, rdb_error *err);
/* Everything that a stored query reads is read with the rights of that role. */
void rewrite_own(rdb_analysis *analysis, const rdb_query *query, uint32_t owner_oid);

/* Row-level security (rewrite_security.c): does it concern the range? The conditions of its policies, on the range and the query. */
RDB_CHECKED bool rewrite_needs_security(rdb_analysis *analysis, const rdb_range *range, bool *needs, rdb_error *err);
RDB_CHECKED bool rewrite_add_security(rdb_analysis *analysis, rdb_query *query, rdb_range *range, uint32_t range_no, rdb_error *err);
/* Variables of one range, in place, sub-queries' too (rewrite_view.c). */
RDB_CHECKED bool rewrite_renumber(rdb_analysis *analysis, rdb_expr *expr, uint32_t from_range, uint32_t to_range, rdb_error *err);
/* The columns that the query reads of one of its ranges: bits as rdb_range has them (rewrite_view.c). */
uint64_t *rewrite_columns_read(rdb_analysis *analysis, const rdb_query *query, uint32_t range_no, const rdb_relation *relation);

#endif
