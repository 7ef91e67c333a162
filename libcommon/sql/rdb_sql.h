/* SPDX-License-Identifier: Apache-2.0
 * Room sql, front half: from text to the raw tree (rdb_ast.h), and helpers that need no tree. The text is UTF-8 and was
 * validated before (a broken one is refused where the scanner meets it). Every function may be called from any thread. */
#ifndef RDB_SQL_H
#define RDB_SQL_H

#include "sql/rdb_ast_command.h"

/* One statement of a text. */
typedef struct rdb_ast_statement {
    rdb_ast_node *body;
    int32_t start, length; /* bytes, in the text that was parsed; without the semicolon */
} rdb_ast_statement;

typedef struct rdb_ast_list {
    rdb_ast_statement *items; /* in the arena */
    uint32_t count;           /* 0 for a text of blanks, comments and semicolons */
} rdb_ast_list;

/* The session's settings that change how text is read. */
typedef enum rdb_sql_backslash_quote {
    RDB_SQL_BACKSLASH_QUOTE_OFF,
    RDB_SQL_BACKSLASH_QUOTE_ON,
    RDB_SQL_BACKSLASH_QUOTE_SAFE_ENCODING, /* the standard; allowed, since the text is UTF-8 */
} rdb_sql_backslash_quote;

typedef struct rdb_sql_reading {
    bool standard_conforming_strings;
    rdb_sql_backslash_quote backslash_quote;
} rdb_sql_reading;

/* Parses a text of any number of statements under the standard settings. Errors carry PostgreSQL's message, SQLSTATE
 * and position; a statement that rdb_ast.h has no node for gives 0A000, one too deep for the server's walks 54001. */
RDB_CHECKED bool rdb_sql_parse(rdb_arena *arena, const char *text, size_t length, rdb_ast_list *statements,
                               rdb_error *err);
/* The same under a session's settings. */
RDB_CHECKED bool rdb_sql_parse_reading(rdb_arena *arena, const char *text, size_t length,
                                       const rdb_sql_reading *reading, rdb_ast_list *statements, rdb_error *err);

/* The position that an error at this byte of the text has on the wire: characters, from 1; 0 for a negative offset. */
int32_t rdb_sql_position(const char *text, size_t length, int32_t location);

/* The tree as an S-expression, one line, without locations: (select :targets ((target :value (const 1)))). */
/* Visits the nodes right below one; false stops. */
bool rdb_ast_visit_children(const rdb_ast_node *node, bool (*visit)(void *context, const rdb_ast_node *child), void *context);
void rdb_ast_print(rdb_strbuf *buf, const rdb_ast_node *node);
const char *rdb_ast_tag_name(rdb_ast_tag tag); /* "select", "create_table"...; static text */

/* How the text went on after the statement that rdb_sql_cut found. */
typedef enum rdb_sql_cut_end {
    RDB_SQL_CUT_SEMICOLON,   /* a whole statement */
    RDB_SQL_CUT_TEXT,        /* the text ended; what there is may be a statement */
    RDB_SQL_CUT_NOTHING,     /* only blanks and comments were left */
    RDB_SQL_CUT_IN_QUOTE,    /* the text ended within '...' */
    RDB_SQL_CUT_IN_NAME,     /* within "..." */
    RDB_SQL_CUT_IN_DOLLAR,   /* within $tag$...$tag$ */
    RDB_SQL_CUT_IN_COMMENT,  /* within a bracketed comment */
    RDB_SQL_CUT_IN_BRACKETS, /* before a bracket, or the END of a BEGIN ATOMIC body, was closed */
} rdb_sql_cut_end;

typedef struct rdb_sql_piece {
    size_t start, length; /* without leading blanks, trailing blanks and the semicolon; comments before it are kept out */
    size_t next;          /* where to go on */
} rdb_sql_piece;

/* Finds the first statement of a script, by its tokens alone: one with a syntax error is found too. Empty statements are
 * passed over. Needs no memory and cannot fail. */
rdb_sql_cut_end rdb_sql_cut(const char *text, size_t length, bool standard_conforming_strings, rdb_sql_piece *piece);

/* The same number for statements that differ in constants, blanks and lists' lengths alone. */
RDB_CHECKED bool rdb_sql_fingerprint(const char *text, size_t length, uint64_t *fingerprint, rdb_error *err);

#endif
