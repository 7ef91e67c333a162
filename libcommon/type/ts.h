/* SPDX-License-Identifier: Apache-2.0
 * Text search: documents (tsvector) and queries (tsquery), what the files about them share.
 *
 * A stored tsvector is
 *
 *    0  4      count   lexemes
 *    4  8*n    one entry a lexeme: offset 4 (of its bytes, from the first entry's bytes on), length 2, positions 2
 *    .  bytes  each lexeme's bytes, then its positions, 2 each: weight 2 bits (0 D to 3 A), position 14 bits
 *
 * Lexemes are in the order of their bytes, each once; positions ascend, each once. A stored tsquery is
 *
 *    0  4      count   items
 *    4  12*n   items in prefix order: an operator, its right operand, its left operand
 *    .  bytes  the operands' lexemes
 *
 *   item: 0 1 kind (ts_kind)   1 1 operator, or the weights of an operand (bit 0 D to bit 3 A; 0: any)   2 1 is a prefix
 *         3 1 zero   4 4 left operand's distance in items, or the lexeme's offset   8 4 distance of a phrase, or length
 *
 * A query's tree is never deeper than TS_DEPTH_MAX: whatever makes a query checks that, so that walks may recurse. */
#ifndef RDB_TYPE_TS_H
#define RDB_TYPE_TS_H

#include "type/type_int.h"

#define TS_LEXEME_MAX 2047u          /* bytes of a lexeme */
#define TS_BYTES_MAX 1048575u        /* bytes of all lexemes and positions of a document */
#define TS_POSITION_MAX 16383u       /* later words count as being there */
#define TS_POSITIONS_MAX 256u        /* of one lexeme */
#define TS_DISTANCE_MAX 16384
#define TS_DEPTH_MAX 4000u

static inline uint32_t ts_position(uint16_t stored)
{
    return stored & 0x3fff;
}
static inline uint32_t ts_weight(uint16_t stored)
{
    return stored >> 14;
}
static inline uint16_t ts_make_position(uint32_t position, uint32_t weight)
{
    return (uint16_t)(weight << 14 | RDB_MIN(position, TS_POSITION_MAX));
}
/* Lexemes in the order that everything here keeps: bytes, then length. */
int ts_compare_lexemes(rdb_slice left, rdb_slice right);
/* 0..3 of "D", "C", "B", "A" in either case; -1: another letter. */
int ts_weight_of(int letter);

/* ---- documents -------------------------------------------------------------------------------------------------------- */
typedef struct ts_entry {
    rdb_slice lexeme;
    const uint8_t *positions; /* 2 bytes each, not aligned */
    uint32_t position_count;
} ts_entry;
uint32_t ts_vector_count(rdb_bytes vector);
ts_entry ts_vector_get(rdb_bytes vector, uint32_t index);
static inline uint16_t ts_entry_position(const ts_entry *entry, uint32_t index)
{
    uint16_t position;
    memcpy(&position, entry->positions + 2 * (size_t)index, 2);
    return position;
}
/* The first entry whose lexeme is not below the word; *equal: it is the word. */
uint32_t ts_vector_find(rdb_bytes vector, rdb_slice lexeme, bool *equal);

/* A word on its way into a document. position 0: it has none. */
typedef struct ts_word {
    rdb_slice lexeme;
    uint16_t position;
    bool has_position;
} ts_word;
/* Sorts the words (in place) and makes the document; positions_max of each lexeme are kept. */
bool ts_vector_build(rdb_call *call, ts_word *words, uint32_t count, uint32_t positions_max, rdb_datum *value);

/* ---- queries ---------------------------------------------------------------------------------------------------------- */
enum ts_kind { TS_VALUE = 1, TS_OPERATOR = 2, TS_STOP = 3 };
enum ts_operator { TS_NOT = 1, TS_AND = 2, TS_OR = 3, TS_PHRASE = 4 };
typedef struct ts_item {
    uint8_t kind, oper, weights;
    bool is_prefix;
    int32_t distance;
    uint32_t left; /* index of the left operand */
    rdb_slice lexeme;
} ts_item;
uint32_t ts_query_count(rdb_bytes query);
ts_item ts_query_get(rdb_bytes query, uint32_t index);

/* A query as a tree; NOT has its operand at the right. */
typedef struct ts_node {
    uint8_t kind, oper, weights;
    bool is_prefix;
    int32_t distance;
    rdb_slice lexeme;
    struct ts_node *left, *right;
} ts_node;
ts_node *ts_query_read(rdb_call *call, rdb_bytes query); /* NULL: an empty query */
bool ts_query_build(rdb_call *call, const ts_node *tree, rdb_datum *query);
int32_t ts_lexeme_crc(rdb_slice lexeme);
void ts_query_print(const ts_node *tree, rdb_strbuf *text);
/* Without operands that are stop words; NULL: nothing is left. */
ts_node *ts_query_without_stops(rdb_call *call, ts_node *tree);
bool ts_check_distance(rdb_call *call, int64_t distance);

/* How the text of a query is read. */
enum ts_query_syntax { TS_SYNTAX_STANDARD, TS_SYNTAX_PLAIN, TS_SYNTAX_WEB };
typedef struct ts_query_reader ts_query_reader;
/* What an operand's text becomes: a tree by ts_reader_*, or nothing pushed at all. */
typedef bool (*ts_operand_function)(ts_query_reader *reader, void *context, rdb_slice operand, uint8_t weights, bool is_prefix);
/* *tree NULL: no lexemes; has_stops: some operand was a stop word. */
bool ts_query_parse(rdb_call *call, rdb_slice text, enum ts_query_syntax syntax, ts_operand_function operand, void *context, ts_node **tree, bool *has_stops);
bool ts_reader_push_value(ts_query_reader *reader, rdb_slice lexeme, uint8_t weights, bool is_prefix);
bool ts_reader_push_stop(ts_query_reader *reader);
bool ts_reader_push_operator(ts_query_reader *reader, uint8_t oper, int32_t distance);
rdb_call *ts_reader_call(ts_query_reader *reader);

/* The words of a document's or a query's text, one by one (a tsvector's syntax). */
typedef struct ts_word_reader {
    rdb_call *call;
    const uint8_t *at, *end;
    rdb_slice whole;
    bool is_query, is_web;
    rdb_strbuf word;
    uint16_t *positions;
    uint32_t position_count, position_capacity;
} ts_word_reader;
/* *found false: the text is over. The word stands in reader->word (copy it), positions only for documents. */
bool ts_read_word(ts_word_reader *reader, bool *found);

/* ---- matching ---------------------------------------------------------------------------------------------------------- */
typedef enum ts_answer { TS_NO, TS_YES, TS_MAYBE } ts_answer;
/* Where a part of a query matches: positions ascend, are of the match's last word, and it is width words wide before it. is_negated: everywhere
 * but there. */
typedef struct ts_places {
    uint16_t *positions;
    uint32_t count, width;
    bool is_negated;
} ts_places;
/* Is the operand there? places NULL: the caller needs none. TS_MAYBE: it is there, at unknown places. */
typedef bool (*ts_operand_check)(void *context, rdb_call *call, uint32_t item_no, const ts_item *item, ts_places *places, ts_answer *answer);
#define TS_MATCH_SKIP_NOT 1u /* NOT is always true */
bool ts_query_match(rdb_call *call, rdb_bytes query, unsigned flags, ts_operand_check check, void *context, bool *matches);
bool ts_vector_match(rdb_call *call, rdb_bytes vector, rdb_bytes query, bool *matches);

#endif
