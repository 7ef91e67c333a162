/* SPDX-License-Identifier: Apache-2.0
 * The body of a routine written in SQL: statements analysed with the routine's arguments as parameters, the last one fitted to
 * what the routine returns. Calls whose body is a mere expression, or a mere query in FROM, are replaced by it. */
#ifndef RDB_BODY_H
#define RDB_BODY_H

#include "sql/rdb_query.h"

typedef struct rdb_body {
    const char *text;     /* what positions refer to; NULL: the body is stored as trees */
    rdb_list statements;  /* rdb_query *; COMMAND_UTILITY ones hold the raw statement */
    bool has_result;      /* the last one gives what the routine returns */
    bool gives_fields;    /* its columns are the fields of the row returned; else its one column is the value */
} rdb_body;

/* Reads (parses or takes from the stored trees) and analyses the body for a call with arguments of these types. analysis has
 * arena, access, format and session; the rest is the body's own. An error has its position in *text. */
RDB_CHECKED bool rdb_body_analyse(const rdb_analysis *analysis, const rdb_function *function, const rdb_type *const *argument_types, uint32_t argument_count,
                                  const rdb_type *result_type, rdb_body **body, rdb_error *err);
/* RETURN expr and BEGIN ATOMIC ... END, from their raw tree in the text of CREATE FUNCTION: the statements as they are stored. */
RDB_CHECKED bool rdb_body_analyse_raw(const rdb_analysis *analysis, const rdb_function *function, struct rdb_ast_node *raw, const rdb_type *const *argument_types,
                                      uint32_t argument_count, const rdb_type *result_type, rdb_list *statements, rdb_body **body, rdb_error *err);
/* Statements to the text of pg_proc.prosqlbody and back:
 *   count '\n', then for each statement its length in bytes (" r": RETURN; " R": RETURN that is the whole body), '\n', its tree. */
RDB_CHECKED bool rdb_body_write(const rdb_list *statements, rdb_strbuf *text, rdb_error *err);
RDB_CHECKED bool rdb_body_read(rdb_arena *arena, rdb_access *access, const char *text, rdb_list *statements, rdb_error *err);

/* The names of input arguments by their number, for rdb_analysis.routine_arguments; NULL: none has one. */
const char *const *rdb_body_argument_names(rdb_arena *arena, const rdb_function *function);

/* An error met in a body gets the routine's text as its internal query; false. */
bool rdb_body_error(rdb_error *err, const char *text);

/* The expression that a call may be replaced by, NULL: none. Arguments stand where the parameters stood. */
RDB_CHECKED bool rdb_inline_call(rdb_arena *arena, rdb_access *access, const rdb_format_settings *format, void *session, rdb_expr_function *call,
                                 rdb_expr **expr, rdb_error *err);
/* The query that a range of one set-returning call may be replaced by, NULL: none. */
RDB_CHECKED bool rdb_inline_range(const rdb_analysis *analysis, rdb_range *range, rdb_query **query, rdb_error *err);

#endif
