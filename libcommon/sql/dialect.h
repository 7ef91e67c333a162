/* SPDX-License-Identifier: Apache-2.0
 * Oracle's spellings. One rule holds for all of them: they are looked at only where PostgreSQL would refuse the statement,
 * a text by its grammar, a name because nothing is called so. What PostgreSQL understands keeps its meaning. */
#ifndef RDB_SQL_DIALECT_H
#define RDB_SQL_DIALECT_H

#include "sql/sql_int.h"

/* Stands at the end of a column's name for (+): as many bytes, a character of private use. */
#define SQL_DIALECT_MARK "\xee\x80\x80"
#define SQL_DIALECT_SHIFTS_MAX 64

typedef struct sql_dialect_changes {
    struct {
        int32_t place, bytes; /* from this place of the new text on it is so many bytes longer; ascending */
    } shifts[SQL_DIALECT_SHIFTS_MAX];
    uint32_t shift_count, mark_count;
    bool is_grammatical; /* the grammar took the new text */
} sql_dialect_changes;

/* The text with what the grammar takes in place of what it refused; false: there is nothing to change. */
bool sql_dialect_rewrite(const char *text, size_t length, bool standard_strings, rdb_strbuf *out, sql_dialect_changes *changes);
/* A statement about audit policies as one on the tables that hold them (dialect_audit.c). *found false: it is none. */
RDB_CHECKED bool sql_dialect_audit(rdb_arena *arena, const char *text, size_t length, rdb_strbuf *out, bool *found, rdb_error *err);
/* A place of the new text in the old one. */
int32_t sql_dialect_location(const sql_dialect_changes *changes, int32_t location);
/* Makes left joins of the marked predicates of WHERE; counts the marks it took out. */
RDB_CHECKED bool sql_dialect_join(rdb_arena *arena, rdb_ast_select *select, uint32_t *mark_count, rdb_error *err);

#endif
