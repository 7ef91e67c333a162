/* SPDX-License-Identifier: Apache-2.0
 * Regular expressions as PostgreSQL has them, over Tcl's engine, whose cousin PostgreSQL's is (leftmost-longest). */
#ifndef RDB_TYPE_REGEX_H
#define RDB_TYPE_REGEX_H

#include "type/type_int.h"

#define TYPE_REGEX_GROUPS_MAX 64

typedef struct type_regex_flags {
    bool ignore_case, newline_stop, newline_anchor, expanded, literal, basic, global;
} type_regex_flags;

/* One pattern matched against one text, any number of times. Both are borrowed until close. Tcl keeps compiled patterns
 * per thread, so a regex is opened, used and closed within one call of a kernel. */
typedef struct type_regex {
    void *pattern_object, *text_object, *compiled;
    rdb_bytes text;
    uint32_t *offsets; /* byte offset of each UTF-16 unit, one more for the end */
    uint32_t unit_count;
    uint32_t group_count; /* of the pattern, without the whole match */
    bool is_large;        /* not to be kept by the engine */
} type_regex;

typedef struct type_regex_match {
    uint32_t start_unit, end_unit;
    rdb_slice groups[TYPE_REGEX_GROUPS_MAX + 1]; /* [0] the whole; data NULL: took no part */
} type_regex_match;

bool type_regex_open(rdb_call *call, type_regex *regex, rdb_bytes pattern, type_regex_flags flags);
bool type_regex_set_text(rdb_call *call, type_regex *regex, rdb_bytes text);
/* The first match at or after the unit. */
bool type_regex_find(rdb_call *call, type_regex *regex, uint32_t from_unit, type_regex_match *match, bool *found);
void type_regex_close(type_regex *regex);
/* The letters of flags arguments; 22023 for unknown ones. */
bool type_regex_parse_flags(rdb_call *call, rdb_bytes text, type_regex_flags *flags);

#endif
