/* SPDX-License-Identifier: Apache-2.0
 * The default parser of text search: a text becomes tokens of 23 types (pg_ts_parser "default"). */
#ifndef RDB_TYPE_TS_PARSER_H
#define RDB_TYPE_TS_PARSER_H

#include "type/rdb_type.h"

enum rdb_ts_token_type {
    RDB_TS_ASCIIWORD = 1, RDB_TS_WORD, RDB_TS_NUMWORD, RDB_TS_EMAIL, RDB_TS_URL, RDB_TS_HOST, RDB_TS_SFLOAT, RDB_TS_VERSION, RDB_TS_NUMPART,
    RDB_TS_PART, RDB_TS_ASCIIPART, RDB_TS_BLANK, RDB_TS_TAG, RDB_TS_PROTOCOL, RDB_TS_NUMHWORD, RDB_TS_ASCIIHWORD, RDB_TS_HWORD, RDB_TS_URLPATH,
    RDB_TS_FILE, RDB_TS_FLOAT, RDB_TS_INT, RDB_TS_UINT, RDB_TS_ENTITY,
    RDB_TS_TOKEN_TYPES = RDB_TS_ENTITY
};
const char *rdb_ts_token_alias(int type);
const char *rdb_ts_token_description(int type);

typedef struct rdb_ts_parser rdb_ts_parser; /* of the arena; the text is borrowed */
rdb_ts_parser *rdb_ts_parser_open(rdb_arena *arena, rdb_slice text);
/* *type 0: the text is over. Tokens may overlap: a URL is followed by its parts, a hyphenated word too. */
RDB_CHECKED bool rdb_ts_parser_next(rdb_ts_parser *parser, int *type, rdb_slice *token, rdb_error *err);

#endif
