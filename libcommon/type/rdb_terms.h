/* SPDX-License-Identifier: Apache-2.0
 * Terms: what indexes that keep no order of whole values know a value by. A class takes a value apart into terms (the elements of
 * an array, the words of a document, the three-letter groups of a text), and answers an operator with the terms that a row must
 * have. Terms are bytes: an index keeps one entry (term, row) for each and needs to know nothing else.
 *
 *   0  1  column    of the index, from 1
 *   1  1  kind      rdb_term_kind
 *   2  .  bytes     of a KEY: as its class makes them, none a prefix of another's, but where a search asks for a prefix
 *
 * An answer may hold more rows than the operator, never fewer: whoever uses it asks the operator itself again, unless is_exact. */
#ifndef RDB_TYPE_TERMS_H
#define RDB_TYPE_TERMS_H

#include "type/rdb_type.h"

typedef enum rdb_term_kind {
    RDB_TERM_EMPTY = 1, /* a value without terms */
    RDB_TERM_NULL,      /* a null among the elements */
    RDB_TERM_KEY
} rdb_term_kind;

typedef struct rdb_term_class rdb_term_class;
/* By the name of the support function that an operator class of the method has for it; NULL: there is none. method: pg_am.oid. */
const rdb_term_class *rdb_term_class_find(uint32_t method_oid, const char *support);
/* Which support function of a class tells what it does: its number in pg_amproc. 0: no method with terms. */
uint16_t rdb_term_support_number(uint32_t method_oid);
/* May values of this type be taken apart? 42883, as PostgreSQL says it, where elements have no order. */
RDB_CHECKED bool rdb_term_class_check(const rdb_term_class *term_class, const rdb_type *type, rdb_error *err);

typedef struct rdb_terms {
    rdb_arena *arena;
    rdb_slice *items; /* sorted, each once, when rdb_terms_extract is done */
    uint32_t count, capacity;
} rdb_terms;
/* Adds the terms of a value that is not null. column_no from 0. */
RDB_CHECKED bool rdb_terms_extract(const rdb_term_class *term_class, uint16_t column_no, const rdb_type *type, uint32_t collation, rdb_datum value,
                                   rdb_terms *terms, rdb_error *err);
/* Sorts what was added, takes out what is there twice. */
void rdb_terms_finish(rdb_terms *terms);

/* Which rows: a tree of sets. */
typedef enum rdb_term_query_kind {
    RDB_TERMS_NONE,
    RDB_TERMS_ALL,     /* rows with any entry of the column */
    RDB_TERMS_RANGE,   /* rows with a term in it */
    RDB_TERMS_AND,
    RDB_TERMS_OR,
    RDB_TERMS_AT_LEAST /* rows in so many of the items */
} rdb_term_query_kind;
typedef struct rdb_term_query {
    uint8_t kind; /* rdb_term_query_kind */
    bool lower_exclusive, upper_exclusive;
    rdb_slice lower, upper; /* ALL and RANGE: of terms, as of a range of an index (index/rdb_index.h): prefixes */
    uint32_t needed, count, capacity;
    struct rdb_term_query **items;
} rdb_term_query;
/* call: its arena takes the answer; its session and collation are what the operator itself would see. type: the column's.
 * The strategy is that of the operator family. */
RDB_CHECKED bool rdb_terms_ask(rdb_call *call, const rdb_term_class *term_class, uint16_t column_no, const rdb_type *type, uint16_t strategy,
                               const rdb_type *query_type, rdb_datum value, rdb_term_query **query, bool *is_exact);
/* Ranges that must be read for it: what it costs. */
uint32_t rdb_term_query_ranges(const rdb_term_query *query);

/* Similarity of texts: groups of three characters. */
typedef struct rdb_trigram {
    uint8_t bytes[3]; /* the characters, or, beyond ASCII, of their check sum */
    bool begins_word, ends_word;
} rdb_trigram;
typedef struct rdb_trigrams {
    rdb_trigram *items;
    uint32_t count;
} rdb_trigrams;
/* Of every word: two blanks, the word, a blank. In order, with repetitions; all in call->arena. */
RDB_CHECKED bool rdb_trigrams_gather(rdb_call *call, rdb_bytes text, rdb_trigrams *all);
void rdb_trigrams_make_unique(rdb_trigrams *all);
int rdb_trigram_compare(const void *left, const void *right);
/* The session's threshold: 0 of %, 1 of <%, 2 of <<%. Who knows it: the room of the extension, once at start. */
typedef bool (*rdb_trigram_threshold)(rdb_call *call, unsigned which, float *limit);
void rdb_trigram_set_threshold(rdb_trigram_threshold threshold);

#endif
