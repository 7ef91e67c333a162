/* SPDX-License-Identifier: Apache-2.0
 * Where a statement ends in a text that a person or a script wrote. */
#ifndef RDB_CLI_SPLIT_H
#define RDB_CLI_SPLIT_H

#include "base/rdb_base.h"

typedef enum cli_split {
    CLI_SPLIT_BLANK, /* nothing but space and comments is left */
    CLI_SPLIT_OPEN,  /* a statement has begun and its ';' is not there yet */
    CLI_SPLIT_WHOLE, /* from *start to before *end, which is past the ';' */
    CLI_SPLIT_META   /* a backslash at *end, outside of quotes: a command of the shell; before it, from *start, what was typed of a
                        statement (*start == *end: nothing) */
} cli_split;

/* Quotes, dollar quotes, comments (nested) and parentheses hide semicolons. *start is the first byte that is neither
 * space nor comment; *open_with is what a continuation prompt shows: ' " $ * ( or - */
/* The text with the values of variables in place of :name, :'name' and :"name" outside of quotes; a name that lookup answers with NULL
 * stays as it is. *changed: something was put in. */
void cli_split_interpolate(const char *text, size_t length, const char *(*lookup)(void *at, const char *name, size_t length), void *at, rdb_strbuf *out, bool *changed);
cli_split cli_split_next(const char *text, size_t length, size_t *start, size_t *end, char *open_with);

#endif
