/* SPDX-License-Identifier: Apache-2.0
 * TOML read into a small tree of our own, each value with the line it stands on. */
#ifndef RDB_TOML_H
#define RDB_TOML_H

#include "base/rdb_base.h"

typedef enum rdb_toml_kind {
    RDB_TOML_TABLE,
    RDB_TOML_ARRAY,
    RDB_TOML_STRING,
    RDB_TOML_INTEGER,
    RDB_TOML_FLOAT,
    RDB_TOML_BOOLEAN,
    RDB_TOML_TIME /* dates and times, as text */
} rdb_toml_kind;

typedef struct rdb_toml_value {
    rdb_toml_kind kind;
    uint32_t line;
    const char *key;                      /* in its table; NULL in an array and at the root */
    struct rdb_toml_value *first, *next;  /* first: of a table or an array; next: beside this one, in order of key or place */
    const char *text;                     /* string, time; terminated, may not hold a zero byte */
    int64_t integer;                      /* integer, boolean */
    double real;                          /* float, and integer too */
} rdb_toml_value;

/* The tree lives in the arena. name is for messages: "FILE, line N: ..." as 22023. */
RDB_CHECKED bool rdb_toml_parse(rdb_arena *arena, const char *name, const char *text, size_t length,
                                rdb_toml_value **root, rdb_error *err);
/* NULL where the table has no such key. */
const rdb_toml_value *rdb_toml_get(const rdb_toml_value *table, const char *key);

#endif
