/* SPDX-License-Identifier: Apache-2.0
 * How a template of dictionaries is written. */
#ifndef RDB_TYPE_TS_DICT_H
#define RDB_TYPE_TS_DICT_H

#include "type/rdb_ts.h"

typedef struct ts_template {
    const char *name;
    /* *state: of arena, which is the dictionary's. */
    bool (*make)(rdb_arena *arena, const rdb_ts_option *options, uint32_t count, void **state, rdb_error *err);
    bool (*lexize)(void *state, rdb_arena *arena, rdb_slice word, rdb_ts_lexemes *lexemes, rdb_error *err);
    void (*end)(void *state); /* NULL: nothing but memory of the arena */
} ts_template;
extern const ts_template ts_template_simple, ts_template_synonym, ts_template_snowball, ts_template_ispell;

/* Words that a file lists, one a line, in order. */
typedef struct ts_stop_list {
    rdb_slice *words;
    uint32_t count;
} ts_stop_list;
bool ts_stop_list_read(rdb_arena *arena, const char *name, ts_stop_list *list, rdb_error *err);
bool ts_stop_list_has(const ts_stop_list *list, rdb_slice word);
/* Lower case, in arena. */
bool ts_lower(rdb_arena *arena, rdb_slice word, rdb_slice *lower, rdb_error *err);
bool ts_option_bool(const rdb_ts_option *option, bool *value, rdb_error *err);
/* The next line, trimmed; false: there is none. */
bool ts_next_line(rdb_slice *text, rdb_slice *line);
bool ts_bad_option(const char *template_title, const char *name, rdb_error *err);

#endif
