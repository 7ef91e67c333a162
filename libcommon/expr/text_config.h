/* SPDX-License-Identifier: Apache-2.0
 * Configurations of text search as the catalog describes them, ready for use. */
#ifndef RDB_EXPR_TEXT_CONFIG_H
#define RDB_EXPR_TEXT_CONFIG_H

#include "expr/kernels.h"
#include "type/rdb_ts.h"

typedef struct text_config text_config;
/* Counted: released after the call. oid 0: default_text_search_config. */
RDB_CHECKED bool text_config_get(rdb_call *call, uint32_t oid, text_config **config);
void text_config_release(text_config **config);
RDB_CHECKED bool text_config_current(rdb_call *call, uint32_t *oid);

typedef struct text_token {
    rdb_slice text;
    int type;
} text_token;
/* What a stretch of tokens, [first, first + count), became: known false: nothing of the document. */
typedef bool (*text_taker)(rdb_call *call, void *context, const text_token *tokens, uint32_t count, const rdb_ts_lexemes *lexemes);
RDB_CHECKED bool text_config_run(rdb_call *call, text_config *config, rdb_slice text, text_taker take, void *context);

/* The words of a text, with their places; an rdb_ts_analyser whose context is a text_config. */
bool text_config_words(rdb_call *call, void *config, rdb_slice text, rdb_ts_words *words);

/* The dictionaries of a token type, in order; *chosen: the first that knows the token, or the first of all; 0: there are none. */
RDB_CHECKED bool text_config_dictionaries(rdb_call *call, const text_config *config, int type, rdb_slice token, const uint32_t **oids, uint32_t *count,
                                          uint32_t *chosen, rdb_ts_lexemes *lexemes);

/* One dictionary of its own (ts_lexize). */
RDB_CHECKED bool text_lexize(rdb_call *call, uint32_t dictionary_oid, rdb_slice word, rdb_ts_lexemes *lexemes);
/* Would a dictionary of the template with that function take the options? */
RDB_CHECKED bool text_check_options(rdb_call *call, uint32_t lexize_oid, const rdb_ts_option *options, uint32_t count);
/* Options as pg_ts_dict keeps them and ts_headline reads them: name = 'value', ... */
RDB_CHECKED bool rdb_ts_parse_options(rdb_arena *arena, rdb_slice text, rdb_ts_option **options, uint32_t *count, rdb_error *err);

#endif
