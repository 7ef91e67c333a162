/* SPDX-License-Identifier: Apache-2.0
 * Documents and queries made of texts: what stands between the words that a configuration finds and the values. */
#include "type/rdb_ts.h"
#include "type/ts.h"

bool rdb_ts_words_add(rdb_call *call, rdb_ts_words *words, rdb_ts_word word)
{
    if (words->count == words->capacity) {
        uint32_t capacity = RDB_MAX(2 * words->capacity, 32);
        rdb_ts_word *grown = rdb_arena_try_grow(call->arena, words->items, sizeof *grown * words->capacity, sizeof *grown * capacity, call->err);
        if (grown == NULL)
            return false;
        words->items = grown;
        words->capacity = capacity;
    }
    words->items[words->count++] = word;
    return true;
}

bool rdb_ts_make_document(rdb_call *call, const rdb_ts_words *words, rdb_datum *vector)
{
    ts_word *made = type_alloc(call, sizeof *made * RDB_MAX(words->count, 1u));
    if (made == NULL)
        return false;
    for (uint32_t i = 0; i < words->count; i++)
        made[i] = (ts_word){.lexeme = words->items[i].lexeme, .position = ts_make_position(words->items[i].place, 0), .has_position = true};
    return ts_vector_build(call, made, words->count, TS_POSITIONS_MAX - 1, vector);
}

typedef struct operand_context {
    rdb_ts_analyser analyser;
    void *context;
    uint8_t oper; /* between the words of one operand */
} operand_context;

/* The words of an operand, joined; where stop words stood between them, their places count. */
static bool push_operand(ts_query_reader *reader, void *raw, rdb_slice operand, uint8_t weights, bool is_prefix)
{
    const operand_context *own = raw;
    rdb_ts_words words = {0};
    uint32_t at = 0, last_place = 0, joined = 0;
    if (!own->analyser(ts_reader_call(reader), own->context, operand, &words))
        return false;
    if (words.count == 0)
        return ts_reader_push_stop(reader);
    while (at < words.count) {
        uint32_t place = words.items[at].place, variants = 0;
        for (; last_place > 0 && last_place + 1 < place; last_place++, joined++)
            if (!ts_reader_push_stop(reader) || (joined > 0 && !ts_reader_push_operator(reader, own->oper, 1)))
                return false;
        last_place = place;
        for (; at < words.count && words.items[at].place == place; variants++) {
            uint16_t variant = words.items[at].variant;
            for (uint32_t of_variant = 0; at < words.count && words.items[at].place == place && words.items[at].variant == variant; at++, of_variant++)
                if (!ts_reader_push_value(reader, words.items[at].lexeme, weights, is_prefix || (words.items[at].flags & RDB_TS_PREFIX)) ||
                    (of_variant > 0 && !ts_reader_push_operator(reader, TS_AND, 0)))
                    return false;
            if (variants > 0 && !ts_reader_push_operator(reader, TS_OR, 0))
                return false;
        }
        if (joined++ > 0 && !ts_reader_push_operator(reader, own->oper, 1))
            return false;
    }
    return true;
}

bool rdb_ts_make_query(rdb_call *call, rdb_slice text, enum rdb_ts_query_kind kind, rdb_ts_analyser analyser, void *context, rdb_datum *query)
{
    operand_context own = {analyser, context, kind == RDB_TS_QUERY_PLAIN ? TS_AND : TS_PHRASE};
    enum ts_query_syntax syntax = kind == RDB_TS_QUERY_STANDARD ? TS_SYNTAX_STANDARD : kind == RDB_TS_QUERY_WEB ? TS_SYNTAX_WEB : TS_SYNTAX_PLAIN;
    ts_node *tree;
    bool has_stops = false;
    rdb_datum checked;
    if (!ts_query_parse(call, text, syntax, push_operand, &own, &tree, &has_stops))
        return false;
    if (tree == NULL)
        type_notice(call, RDB_SUCCESSFUL_COMPLETION, "text-search query doesn't contain lexemes: \"%.*s\"", (int)text.length, (const char *)text.data);
    else if (has_stops) {
        if (!ts_query_build(call, tree, &checked)) /* its depth, before it is walked */
            return false;
        tree = ts_query_without_stops(call, tree);
    }
    return ts_query_build(call, tree, query);
}

bool rdb_ts_matches(rdb_call *call, rdb_bytes vector, rdb_bytes query, bool *matches)
{
    return ts_vector_match(call, vector, query, matches);
}

uint32_t rdb_ts_query_size(rdb_bytes query)
{
    return ts_query_count(query);
}

uint32_t rdb_ts_document_size(rdb_bytes vector)
{
    return ts_vector_count(vector);
}

void rdb_ts_document_entry(rdb_bytes vector, uint32_t index, rdb_slice *lexeme, uint32_t *places, uint32_t by_weight[4])
{
    ts_entry entry = ts_vector_get(vector, index);
    *lexeme = entry.lexeme;
    *places = entry.position_count;
    memset(by_weight, 0, sizeof(uint32_t) * 4);
    for (uint32_t i = 0; i < entry.position_count; i++)
        by_weight[ts_weight(ts_entry_position(&entry, i))]++;
}

bool rdb_ts_find_operands(rdb_call *call, rdb_bytes query, rdb_slice lexeme, const uint32_t **items, uint32_t *count)
{
    uint32_t total = ts_query_count(query), *found = NULL;
    *count = 0;
    *items = NULL;
    for (uint32_t i = 0; i < total; i++) {
        ts_item item = ts_query_get(query, i);
        if (item.kind != TS_VALUE || lexeme.length < item.lexeme.length || (lexeme.length > item.lexeme.length && !item.is_prefix) ||
            (item.lexeme.length > 0 && memcmp(lexeme.data, item.lexeme.data, item.lexeme.length) != 0))
            continue;
        if (found == NULL && (found = type_alloc(call, sizeof *found * total)) == NULL)
            return false;
        found[(*count)++] = i;
    }
    *items = found;
    return true;
}

void rdb_ts_notice(rdb_call *call, const char *sqlstate, const char *detail, const char *text)
{
    type_notice_detail(call, sqlstate, text, detail);
}
