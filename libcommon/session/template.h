/* SPDX-License-Identifier: Apache-2.0
 * Statement templates: simple-protocol statements that differ in their literals alone are parsed, analysed and planned once.
 * The text without its literals is the key; the third time it comes it becomes a prepared statement whose parameters are the literals.
 *
 * Nobody may see a difference, so only statements are taken whose plan does not hang on the values: rows found by the whole of a
 * unique key, tables of a few pages, INSERT ... VALUES, a SELECT without tables; no ORDER BY, GROUP BY and their like, where a
 * number stands for a column. A literal keeps the type that it would have had (its class is part of the key); whatever cannot be
 * taken so, or is refused when its value is read, goes the way of every other statement, errors with their positions included.
 * The one difference: SET price = 99999.5 of a numeric(6,2) fails where a row is met, not before.
 * A change of a setting, role, search_path or catalog makes the plan anew. */
#ifndef RDB_SESSION_TEMPLATE_H
#define RDB_SESSION_TEMPLATE_H

#include "session/session_int.h"

typedef struct session_templates session_templates; /* of a session; NULL: none yet */

/* True: the text was run, *err set where that failed (the caller reports it). False: nothing happened, run it as any other. */
RDB_CHECKED bool session_template_run(rdb_session *session, const char *text, size_t length, rdb_error *err);
/* The text that was just refused ran as any other: what it is counted as. */
void session_template_note(rdb_session *session);
void session_templates_forget(rdb_session *session);

/* What the key is made of; for tests. */
enum { TEMPLATE_BYTES_MAX = 2000, TEMPLATE_LITERALS_MAX = 48 };
typedef struct template_literal {
    const char *bytes;  /* of a string: between the quotes */
    uint32_t length;
    char kind;          /* 'i' int4, 'l' int8, 'n' numeric, 's' string, 'q' string with '' in it */
} template_literal;
typedef struct template_key {
    char bytes[TEMPLATE_BYTES_MAX]; /* the text; each literal is '\1' and its kind */
    uint32_t length, literal_count;
    template_literal literals[TEMPLATE_LITERALS_MAX];
} template_key;
/* False: not a text of this kind. */
bool template_read(const char *text, size_t length, template_key *key);

#endif
