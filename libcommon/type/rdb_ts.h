/* SPDX-License-Identifier: Apache-2.0
 * Dictionaries of text search, by template (simple, synonym, snowball, ispell; thesaurus stands above them), and what the room of
 * expressions makes documents and queries with. A dictionary, once made, is immutable; any thread may use it. */
#ifndef RDB_TS_H
#define RDB_TS_H

#include "type/rdb_type.h"
#include "type/ts_parser.h"

/* What a dictionary makes of a word. Lexemes of one variant stand for the word together, variants instead of one another. */
enum { RDB_TS_NEXT_PLACE = 1 /* one place further on */, RDB_TS_PREFIX = 2, RDB_TS_FILTER = 4 };
typedef struct rdb_ts_lexeme {
    rdb_slice text;
    uint16_t variant;
    uint8_t flags;
} rdb_ts_lexeme;
typedef struct rdb_ts_lexemes {
    rdb_ts_lexeme *items;
    uint32_t count, capacity;
    bool is_known; /* known and none: a stop word */
} rdb_ts_lexemes;
RDB_CHECKED bool rdb_ts_lexemes_add(rdb_arena *arena, rdb_ts_lexemes *lexemes, rdb_slice text, uint16_t variant, uint8_t flags, rdb_error *err);

typedef struct rdb_ts_option {
    const char *name, *value;
} rdb_ts_option;
typedef struct rdb_ts_dictionary rdb_ts_dictionary;
/* By the name of its template and its options; one that was made before of the same is given again. Counted. 22023 for options that
 * the template does not know, F0000 for files that are not there. thesaurus: the caller's. */
RDB_CHECKED bool rdb_ts_dictionary_open(const char *template_name, const rdb_ts_option *options, uint32_t count, rdb_ts_dictionary **dictionary, rdb_error *err);
void rdb_ts_dictionary_close(rdb_ts_dictionary **dictionary);
RDB_CHECKED bool rdb_ts_dictionary_lexize(rdb_ts_dictionary *dictionary, rdb_arena *arena, rdb_slice word, rdb_ts_lexemes *lexemes, rdb_error *err);

/* A dictionary's file, NAME.EXTENSION: of the instance's directory, if one was set, else one of those that come with the server. */
RDB_CHECKED bool rdb_ts_read_file(rdb_arena *arena, const char *name, const char *extension, const char *what, rdb_slice *text, rdb_error *err);
void rdb_ts_set_directory(const char *path); /* at start */

/* Words on their way into a document. */
typedef struct rdb_ts_word {
    rdb_slice lexeme;
    uint32_t place; /* from 1 */
    uint16_t variant;
    uint8_t flags;
} rdb_ts_word;
typedef struct rdb_ts_words {
    rdb_ts_word *items;
    uint32_t count, capacity, place;
} rdb_ts_words;
RDB_CHECKED bool rdb_ts_words_add(rdb_call *call, rdb_ts_words *words, rdb_ts_word word);
RDB_CHECKED bool rdb_ts_make_document(rdb_call *call, const rdb_ts_words *words, rdb_datum *vector);
/* words: the words of an operand, by the configuration that context knows. */
typedef bool (*rdb_ts_analyser)(rdb_call *call, void *context, rdb_slice text, rdb_ts_words *words);
enum rdb_ts_query_kind { RDB_TS_QUERY_STANDARD, RDB_TS_QUERY_PLAIN, RDB_TS_QUERY_PHRASE, RDB_TS_QUERY_WEB };
RDB_CHECKED bool rdb_ts_make_query(rdb_call *call, rdb_slice text, enum rdb_ts_query_kind kind, rdb_ts_analyser analyser, void *context, rdb_datum *query);
RDB_CHECKED bool rdb_ts_matches(rdb_call *call, rdb_bytes vector, rdb_bytes query, bool *matches);
void rdb_ts_notice(rdb_call *call, const char *sqlstate, const char *detail, const char *text);

/* json and jsonb: every value of the kinds that are wanted, in order. */
enum { RDB_TS_JSON_KEYS = 1, RDB_TS_JSON_STRINGS = 2, RDB_TS_JSON_NUMBERS = 4, RDB_TS_JSON_BOOLS = 8 };
typedef bool (*rdb_ts_json_taker)(rdb_call *call, void *context, rdb_slice text);
RDB_CHECKED bool rdb_ts_json_walk(rdb_call *call, rdb_bytes json, bool is_jsonb, unsigned kinds, rdb_ts_json_taker take, void *context);
RDB_CHECKED bool rdb_ts_json_kinds(rdb_call *call, rdb_bytes filter, unsigned *kinds);
/* The same document with every string changed. */
typedef bool (*rdb_ts_json_changer)(rdb_call *call, void *context, rdb_slice text, rdb_datum *changed);
RDB_CHECKED bool rdb_ts_json_change(rdb_call *call, rdb_bytes json, bool is_jsonb, rdb_ts_json_changer change, void *context, rdb_datum *result);

/* ts_headline: the tokens of a text, which of them are to be shown and which of those are marked. */
typedef struct rdb_ts_headline_token {
    rdb_slice text;
    int type;
    uint32_t place;              /* 0: no word of the document */
    const uint32_t *items;       /* operands of the query that it answers */
    uint32_t item_count;
    bool is_shown, is_marked, is_skipped, is_replaced, is_part; /* replaced: a blank stands for it */
} rdb_ts_headline_token;
typedef struct rdb_ts_headline_options {
    int32_t max_words, min_words, short_word, max_fragments;
    bool highlight_all;
} rdb_ts_headline_options;
RDB_CHECKED bool rdb_ts_mark_headline(rdb_call *call, rdb_ts_headline_token *tokens, uint32_t count, rdb_bytes query, const rdb_ts_headline_options *options);

/* The operands of a query that a lexeme answers to. */
RDB_CHECKED bool rdb_ts_find_operands(rdb_call *call, rdb_bytes query, rdb_slice lexeme, const uint32_t **items, uint32_t *count);
uint32_t rdb_ts_query_size(rdb_bytes query);
/* ts_rewrite by pairs. */
typedef struct rdb_ts_rewriter rdb_ts_rewriter; /* of call->arena */
rdb_ts_rewriter *rdb_ts_rewrite_begin(rdb_call *call, rdb_bytes query);
/* more: other pairs may follow, which see what this one made. */
void rdb_ts_rewrite_apply(rdb_ts_rewriter *rewriter, rdb_bytes target, rdb_bytes substitute, bool more);
RDB_CHECKED bool rdb_ts_rewrite_end(rdb_ts_rewriter *rewriter, rdb_datum *query);
/* Lexemes of a document, for ts_stat: their number, and one of them. */
uint32_t rdb_ts_document_size(rdb_bytes vector);
void rdb_ts_document_entry(rdb_bytes vector, uint32_t index, rdb_slice *lexeme, uint32_t *places, uint32_t by_weight[4]);

#endif
