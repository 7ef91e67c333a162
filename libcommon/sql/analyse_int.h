/* SPDX-License-Identifier: Apache-2.0
 * What the files of the analyser share. */
#ifndef RDB_ANALYSE_INT_H
#define RDB_ANALYSE_INT_H

#include "sql/rdb_query.h"
#include "sql/rdb_sql.h"

/* Gives the error just set the position of this byte of the statement; returns false. */
bool analyse_place(const rdb_analysis *analysis, int32_t location, rdb_error *err);

/* "a.b.c" for messages; in the analysis's arena. */
const char *analyse_join_names(rdb_arena *arena, const rdb_ast_names *names);

/* A type as written, without its array bounds and modifiers. NULL in *type, without an error: there is none. */
RDB_CHECKED bool analyse_find_type(rdb_analysis *analysis, const rdb_ast_type *written, const rdb_type **type, rdb_error *err);

#endif
