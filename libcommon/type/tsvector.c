/* SPDX-License-Identifier: Apache-2.0
 * tsvector: reading, printing, order, and the functions that edit documents. */
#include "type/array.h"
#include "type/tables.h"
#include "type/text_int.h"
#include "type/ts.h"
#include <stdlib.h>

int ts_compare_lexemes(rdb_slice left, rdb_slice right)
{
    size_t length = RDB_MIN(left.length, right.length);
    int order = length == 0 ? 0 : memcmp(left.data, right.data, length);
    return order != 0 ? order : (left.length > right.length) - (left.length < right.length);
}

int ts_weight_of(int letter)
{
    switch (letter) {
    case 'a': case 'A': return 3;
    case 'b': case 'B': return 2;
    case 'c': case 'C': return 1;
    case 'd': case 'D': return 0;
    default: return -1;
    }
}

/* ---- the stored form ----------------------------------------------------------------------------------------------------- */
#define ENTRY_BYTES 8u
static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}
static uint16_t get16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

uint32_t ts_vector_count(rdb_bytes vector)
{
    return vector.length < 4 ? 0 : get32(vector.data);
}

ts_entry ts_vector_get(rdb_bytes vector, uint32_t index)
{
    const uint8_t *entry = vector.data + 4 + (size_t)ENTRY_BYTES * index;
    const uint8_t *bytes = vector.data + 4 + (size_t)ENTRY_BYTES * get32(vector.data) + get32(entry);
    uint16_t length = get16(entry + 4);
    return (ts_entry){.lexeme = {bytes, length}, .positions = bytes + length, .position_count = get16(entry + 6)};
}

uint32_t ts_vector_find(rdb_bytes vector, rdb_slice lexeme, bool *equal)
{
    uint32_t low = 0, high = ts_vector_count(vector);
    *equal = false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = ts_compare_lexemes(ts_vector_get(vector, middle).lexeme, lexeme);
        if (order < 0) {
            low = middle + 1;
        } else {
            *equal = *equal || order == 0;
            high = middle;
        }
    }
    return low;
}

/* Entries that are given in order become a document. */
typedef struct vector_writer {
    rdb_call *call;
    rdb_strbuf entries, bytes;
    uint32_t count;
} vector_writer;
static void begin_vector(vector_writer *writer, rdb_call *call)
{
    writer->call = call;
    writer->count = 0;
    rdb_strbuf_init(&writer->entries, call->arena);
    rdb_strbuf_init(&writer->bytes, call->arena);
    rdb_strbuf_add(&writer->entries, &writer->count, 4);
}
static void add_entry(vector_writer *writer, rdb_slice lexeme, const void *positions, uint32_t position_count)
{
    uint32_t offset = (uint32_t)writer->bytes.length;
    uint16_t length = (uint16_t)lexeme.length, positions16 = (uint16_t)position_count;
    rdb_strbuf_add(&writer->entries, &offset, 4);
    rdb_strbuf_add(&writer->entries, &length, 2);
    rdb_strbuf_add(&writer->entries, &positions16, 2);
    rdb_strbuf_add(&writer->bytes, lexeme.data, lexeme.length);
    rdb_strbuf_add(&writer->bytes, positions, 2 * (size_t)position_count);
    writer->count++;
}
static bool end_vector(vector_writer *writer, rdb_datum *value)
{
    if (writer->bytes.length > TS_BYTES_MAX)
        return rdb_error_set(writer->call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "string is too long for tsvector (%zu bytes, max %u bytes)", writer->bytes.length,
                             TS_BYTES_MAX);
    rdb_strbuf_add(&writer->entries, writer->bytes.data, writer->bytes.length);
    if (!rdb_strbuf_check(&writer->bytes, writer->call->err) || !rdb_strbuf_check(&writer->entries, writer->call->err))
        return false;
    memcpy(writer->entries.data, &writer->count, 4);
    return type_take_buffer(writer->call, &writer->entries, value);
}

static int compare_words(const void *left, const void *right)
{
    const ts_word *a = left, *b = right;
    int order = ts_compare_lexemes(a->lexeme, b->lexeme);
    if (order != 0)
        return order;
    if (a->has_position != b->has_position)
        return a->has_position ? 1 : -1;
    return (int)ts_position(a->position) - (int)ts_position(b->position);
}

/* Of two of the same position the higher weight stays. */
static void keep_position(uint16_t *positions, uint32_t *count, uint32_t max, uint16_t position)
{
    if (*count > 0 && ts_position(positions[*count - 1]) == ts_position(position)) {
        if (ts_weight(position) > ts_weight(positions[*count - 1]))
            positions[*count - 1] = position;
    } else if (*count < max && (*count == 0 || ts_position(positions[*count - 1]) != TS_POSITION_MAX)) {
        positions[(*count)++] = position;
    }
}

bool ts_vector_build(rdb_call *call, ts_word *words, uint32_t count, uint32_t positions_max, rdb_datum *value)
{
    vector_writer writer;
    uint16_t positions[TS_POSITIONS_MAX];
    begin_vector(&writer, call);
    if (count > 1)
        qsort(words, count, sizeof *words, compare_words);
    for (uint32_t i = 0; i < count;) {
        uint32_t same = i, kept = 0;
        for (; same < count && ts_compare_lexemes(words[same].lexeme, words[i].lexeme) == 0; same++)
            if (words[same].has_position)
                keep_position(positions, &kept, positions_max, words[same].position);
        add_entry(&writer, words[i].lexeme, positions, kept);
        i = same;
    }
    return end_vector(&writer, value);
}

/* ---- words of a text -------------------------------------------------------------------------------------------------------- */
static bool bad_syntax(ts_word_reader *reader)
{
    return rdb_error_set(reader->call->err, RDB_SYNTAX_ERROR, "syntax error in %s: \"%.*s\"", reader->is_query ? "tsquery" : "tsvector", (int)reader->whole.length,
                         (const char *)reader->whole.data);
}

static bool is_query_operator(int c)
{
    return c == '!' || c == '&' || c == '|' || c == '(' || c == ')';
}

static void take_character(ts_word_reader *reader)
{
    uint32_t length = RDB_MIN((uint32_t)rdb_utf8_length(*reader->at), (uint32_t)(reader->end - reader->at));
    rdb_strbuf_add(&reader->word, reader->at, length);
    reader->at += length;
}

static bool take_escaped(ts_word_reader *reader)
{
    if (++reader->at == reader->end)
        return rdb_error_set(reader->call->err, RDB_SYNTAX_ERROR, "there is no escaped character: \"%.*s\"", (int)reader->whole.length, (const char *)reader->whole.data);
    take_character(reader);
    return true;
}

static bool add_position(ts_word_reader *reader, uint32_t position)
{
    if (reader->position_count == reader->position_capacity) {
        uint32_t capacity = RDB_MAX(2 * reader->position_capacity, 8);
        uint16_t *grown = rdb_arena_try_grow(reader->call->arena, reader->positions, 2 * (size_t)reader->position_capacity, 2 * (size_t)capacity, reader->call->err);
        if (grown == NULL)
            return false;
        reader->positions = grown;
        reader->position_capacity = capacity;
    }
    reader->positions[reader->position_count++] = ts_make_position(position, 0);
    return true;
}

/* ":1A,2,3B", at the colon. */
static bool read_positions(ts_word_reader *reader)
{
    do {
        uint64_t position = 0;
        bool weighted = false;
        reader->at++; /* the colon, the comma */
        if (reader->at == reader->end || !type_is_digit(*reader->at))
            return bad_syntax(reader);
        for (; reader->at < reader->end && type_is_digit(*reader->at); reader->at++)
            position = RDB_MIN(position * 10 + (*reader->at - '0'), UINT64_C(1) << 32);
        if (position == 0)
            return rdb_error_set(reader->call->err, RDB_SYNTAX_ERROR, "wrong position info in tsvector: \"%.*s\"", (int)reader->whole.length, (const char *)reader->whole.data);
        if (!add_position(reader, (uint32_t)RDB_MIN(position, TS_POSITION_MAX)))
            return false;
        for (; reader->at < reader->end && *reader->at != ',' && !type_is_space(*reader->at); reader->at++) {
            int weight = *reader->at == '*' ? 3 : ts_weight_of(*reader->at);
            if (type_is_digit(*reader->at))
                continue;
            if (weight < 0 || weighted)
                return bad_syntax(reader);
            weighted = weight > 0;
            reader->positions[reader->position_count - 1] = ts_make_position(ts_position(reader->positions[reader->position_count - 1]), (uint32_t)weight);
        }
    } while (reader->at < reader->end && *reader->at == ',');
    return true;
}

bool ts_read_word(ts_word_reader *reader, bool *found)
{
    rdb_strbuf_init(&reader->word, reader->call->arena);
    reader->position_count = 0;
    *found = false;
    while (reader->at < reader->end && type_is_space(*reader->at))
        reader->at++;
    if (reader->at == reader->end)
        return true;
    if (reader->is_query && is_query_operator(*reader->at))
        return bad_syntax(reader);
    *found = true;
    if (!reader->is_web && *reader->at == '\'') {
        for (reader->at++;;) {
            if (reader->at == reader->end)
                return bad_syntax(reader);
            if (*reader->at == '\\') {
                if (!take_escaped(reader))
                    return false;
            } else if (*reader->at == '\'') {
                if (++reader->at == reader->end || *reader->at != '\'')
                    break;
                take_character(reader);
            } else {
                take_character(reader);
            }
        }
        if (reader->word.length == 0)
            return bad_syntax(reader);
    } else {
        bool first = true;
        for (;; first = false) {
            if (reader->at < reader->end && *reader->at == '\\' && !reader->is_web) {
                if (!take_escaped(reader))
                    return false;
                continue;
            }
            if (reader->at == reader->end || type_is_space(*reader->at) || (reader->is_query && is_query_operator(*reader->at)) || (reader->is_web && *reader->at == '"'))
                break;
            if (*reader->at == ':' && !first)
                break;
            take_character(reader);
        }
        if (reader->word.length == 0)
            return bad_syntax(reader);
    }
    if (!rdb_strbuf_check(&reader->word, reader->call->err))
        return false;
    if (reader->is_query || reader->at == reader->end || *reader->at != ':')
        return true;
    return read_positions(reader);
}

/* ---- text and wire ------------------------------------------------------------------------------------------------------------ */
static bool grow_words(rdb_call *call, ts_word **words, uint32_t count, uint32_t *capacity)
{
    if (count < *capacity)
        return true;
    uint32_t wanted = RDB_MAX(2 * *capacity, 16);
    ts_word *grown = rdb_arena_try_grow(call->arena, *words, sizeof **words * *capacity, sizeof **words * wanted, call->err);
    if (grown == NULL)
        return false;
    *words = grown;
    *capacity = wanted;
    return true;
}

static bool tsvector_input(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length == 0) /* its data may be null */
        text.data = (const uint8_t *)"";
    ts_word_reader reader = {.call = call, .at = text.data, .end = text.data + text.length, .whole = text};
    ts_word *words = NULL;
    uint32_t count = 0, capacity = 0;
    size_t total = 0;
    for (;;) {
        bool found = false;
        if (!ts_read_word(&reader, &found))
            return false;
        if (!found)
            break;
        if (reader.word.length > TS_LEXEME_MAX - 1)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "word is too long (%zu bytes, max %u bytes)", reader.word.length, TS_LEXEME_MAX - 1);
        if (total > TS_BYTES_MAX)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "string is too long for tsvector (%zu bytes, max %u bytes)", total, TS_BYTES_MAX);
        rdb_slice lexeme = {(const uint8_t *)reader.word.data, reader.word.length};
        total += lexeme.length;
        for (uint32_t i = 0; i < RDB_MAX(reader.position_count, 1u); i++) {
            if (!grow_words(call, &words, count, &capacity))
                return false;
            bool has = reader.position_count > 0;
            words[count++] = (ts_word){.lexeme = lexeme, .position = has ? reader.positions[i] : 0, .has_position = has};
        }
    }
    return ts_vector_build(call, words, count, TS_POSITIONS_MAX, value);
}

static bool tsvector_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    uint32_t count = ts_vector_count(value.bytes);
    for (uint32_t i = 0; i < count; i++) {
        ts_entry entry = ts_vector_get(value.bytes, i);
        if (i > 0)
            rdb_strbuf_addc(text, ' ');
        rdb_strbuf_addc(text, '\'');
        for (size_t k = 0; k < entry.lexeme.length; k++) {
            if (entry.lexeme.data[k] == '\'' || entry.lexeme.data[k] == '\\')
                rdb_strbuf_addc(text, (char)entry.lexeme.data[k]);
            rdb_strbuf_addc(text, (char)entry.lexeme.data[k]);
        }
        rdb_strbuf_addc(text, '\'');
        for (uint32_t k = 0; k < entry.position_count; k++) {
            uint16_t position = ts_entry_position(&entry, k);
            rdb_strbuf_addf(text, "%c%u", k == 0 ? ':' : ',', ts_position(position));
            if (ts_weight(position) > 0)
                rdb_strbuf_addc(text, (char)('D' - ts_weight(position)));
        }
    }
    return true;
}

static bool tsvector_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    uint32_t count = ts_vector_count(value.bytes);
    type_add_be32(text, count);
    for (uint32_t i = 0; i < count; i++) {
        ts_entry entry = ts_vector_get(value.bytes, i);
        rdb_strbuf_add(text, entry.lexeme.data, entry.lexeme.length);
        rdb_strbuf_addc(text, 0);
        type_add_be16(text, (uint16_t)entry.position_count);
        for (uint32_t k = 0; k < entry.position_count; k++)
            type_add_be16(text, ts_entry_position(&entry, k));
    }
    return true;
}

static bool tsvector_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    const uint8_t *at = text.data, *end = at + text.length;
    ts_word *words = NULL;
    uint32_t count = 0, capacity = 0;
    if (text.length < 4)
        return type_bad_binary(call);
    uint32_t lexemes = type_be32(at);
    at += 4;
    if (lexemes > TYPE_BYTES_MAX / ENTRY_BYTES)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "invalid size of tsvector");
    for (uint32_t i = 0; i < lexemes; i++) {
        const uint8_t *stop = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
        if (stop == NULL || end - stop < 3)
            return type_bad_binary(call);
        rdb_slice lexeme = {at, (size_t)(stop - at)};
        uint32_t positions = type_be16(stop + 1);
        at = stop + 3;
        if (lexeme.length > TS_LEXEME_MAX)
            return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "invalid tsvector: lexeme too long");
        if (positions > TS_POSITIONS_MAX)
            return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "unexpected number of tsvector positions");
        if ((size_t)(end - at) < 2 * (size_t)positions)
            return type_bad_binary(call);
        if (!type_check_utf8(call, lexeme))
            return false;
        for (uint32_t k = 0; k < RDB_MAX(positions, 1u); k++) {
            uint16_t position = positions > 0 ? type_be16(at + 2 * (size_t)k) : 0;
            if (k > 0 && ts_position(position) <= ts_position(type_be16(at + 2 * (size_t)k - 2)))
                return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "position information is misordered");
            if (!grow_words(call, &words, count, &capacity))
                return false;
            words[count++] = (ts_word){.lexeme = lexeme, .position = position, .has_position = positions > 0};
        }
        at += 2 * (size_t)positions;
    }
    return at == end ? ts_vector_build(call, words, count, TS_POSITIONS_MAX, value) : type_bad_binary(call);
}

/* ---- order -------------------------------------------------------------------------------------------------------------------- */
/* PostgreSQL orders documents first by the bytes that it stores, where positions begin at even offsets behind a count. */
static uint64_t size_of(rdb_bytes vector)
{
    uint64_t size = 0;
    uint32_t count = ts_vector_count(vector);
    for (uint32_t i = 0; i < count; i++) {
        ts_entry entry = ts_vector_get(vector, i);
        size += entry.lexeme.length;
        if (entry.position_count > 0)
            size = (size + 1) / 2 * 2 + 2 + 2 * (uint64_t)entry.position_count;
    }
    return size + 4 * (uint64_t)count;
}

static int tsvector_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    uint64_t sizes[2] = {size_of(left.bytes), size_of(right.bytes)};
    uint32_t count = ts_vector_count(left.bytes), other = ts_vector_count(right.bytes);
    if (sizes[0] != sizes[1])
        return sizes[0] < sizes[1] ? -1 : 1;
    if (count != other)
        return count < other ? -1 : 1;
    for (uint32_t i = 0; i < count; i++) {
        ts_entry a = ts_vector_get(left.bytes, i), b = ts_vector_get(right.bytes, i);
        if ((a.position_count > 0) != (b.position_count > 0))
            return a.position_count > 0 ? -1 : 1;
        int order = ts_compare_lexemes(a.lexeme, b.lexeme);
        if (order != 0)
            return order < 0 ? -1 : 1;
        if (a.position_count != b.position_count)
            return a.position_count > b.position_count ? -1 : 1;
        for (uint32_t k = 0; k < a.position_count; k++) {
            uint16_t p = ts_entry_position(&a, k), q = ts_entry_position(&b, k);
            if (ts_position(p) != ts_position(q))
                return ts_position(p) > ts_position(q) ? -1 : 1;
            if (ts_weight(p) != ts_weight(q))
                return ts_weight(p) > ts_weight(q) ? -1 : 1;
        }
    }
    return 0;
}

static uint64_t tsvector_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return rdb_hash64(value.bytes.data, value.bytes.length, 0);
}

/* The order's own terms, one after the other: sizes, then each lexeme as the comparison goes through it. */
static bool tsvector_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    uint32_t count = ts_vector_count(value.bytes);
    type_add_be64(key, size_of(value.bytes));
    type_add_be32(key, count);
    for (uint32_t i = 0; i < count; i++) {
        ts_entry entry = ts_vector_get(value.bytes, i);
        rdb_strbuf_addc(key, entry.position_count > 0 ? 0 : 1);
        type_key_add_bytes(key, entry.lexeme.data, entry.lexeme.length);
        type_add_be16(key, (uint16_t)~entry.position_count);
        for (uint32_t k = 0; k < entry.position_count; k++) {
            uint16_t position = ts_entry_position(&entry, k);
            type_add_be16(key, (uint16_t)~(ts_position(position) << 2 | ts_weight(position)));
        }
    }
    return !key->failed;
}

const rdb_type_ops type_tsvector_ops = {.input = tsvector_input, .output = tsvector_output, .receive = tsvector_receive, .send = tsvector_send,
                                        .compare = tsvector_compare, .hash = tsvector_hash, .encode_key = tsvector_encode};

#define VECTOR_COMPARISON(name, operation)                       \
    TYPE_ROW_FUNCTION(tsvector_##name, 2)                        \
    {                                                            \
        r->b = tsvector_compare(NULL, 0, a[0], a[1]) operation 0; \
        return true;                                             \
    }
VECTOR_COMPARISON(eq, ==)
VECTOR_COMPARISON(ne, !=)
VECTOR_COMPARISON(lt, <)
VECTOR_COMPARISON(le, <=)
VECTOR_COMPARISON(gt, >)
VECTOR_COMPARISON(ge, >=)
TYPE_ROW_FUNCTION(tsvector_order, 2)
{
    r->i32 = tsvector_compare(NULL, 0, a[0], a[1]);
    return true;
}

/* ---- editing --------------------------------------------------------------------------------------------------------------------- */
TYPE_ROW_FUNCTION(tsvector_length, 1)
{
    r->i32 = (int32_t)ts_vector_count(a[0].bytes);
    return true;
}

TYPE_ROW_FUNCTION(tsvector_strip, 1)
{
    vector_writer writer;
    begin_vector(&writer, call);
    for (uint32_t i = 0; i < ts_vector_count(a[0].bytes); i++)
        add_entry(&writer, ts_vector_get(a[0].bytes, i).lexeme, NULL, 0);
    return end_vector(&writer, r);
}

/* Copies the document, with another weight for the lexemes that are among those (chosen NULL: for all). */
static bool copy_weighted(rdb_call *call, rdb_bytes vector, uint32_t weight, const bool *chosen, rdb_datum *r)
{
    vector_writer writer;
    uint16_t positions[TS_POSITIONS_MAX];
    begin_vector(&writer, call);
    for (uint32_t i = 0; i < ts_vector_count(vector); i++) {
        ts_entry entry = ts_vector_get(vector, i);
        uint32_t count = RDB_MIN(entry.position_count, TS_POSITIONS_MAX);
        for (uint32_t k = 0; k < count; k++) {
            positions[k] = ts_entry_position(&entry, k);
            if (chosen == NULL || chosen[i])
                positions[k] = ts_make_position(ts_position(positions[k]), weight);
        }
        add_entry(&writer, entry.lexeme, positions, count);
    }
    return end_vector(&writer, r);
}

static bool read_weight(rdb_call *call, int letter, uint32_t *weight)
{
    int found = ts_weight_of(letter);
    *weight = (uint32_t)RDB_MAX(found, 0);
    return found >= 0 || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "unrecognized weight: %d", letter);
}

TYPE_ROW_FUNCTION(tsvector_setweight, 2)
{
    uint32_t weight;
    return read_weight(call, a[1].i8, &weight) && copy_weighted(call, a[0].bytes, weight, NULL, r);
}

/* Which of the document's lexemes are in the array; nulls and words that it has not are passed over. */
static bool choose(rdb_call *call, rdb_bytes vector, rdb_bytes array, bool **chosen)
{
    type_array words;
    type_array_read(array, &words);
    *chosen = type_alloc(call, RDB_MAX(ts_vector_count(vector), 1u));
    if (*chosen == NULL)
        return false;
    memset(*chosen, 0, ts_vector_count(vector));
    for (uint32_t i = 0; i < words.count; i++) {
        rdb_datum word;
        bool equal = false;
        if (!type_array_get(&words, i, &word))
            continue;
        uint32_t at = ts_vector_find(vector, type_slice(word), &equal);
        if (equal)
            (*chosen)[at] = true;
    }
    return true;
}

TYPE_ROW_FUNCTION(tsvector_setweight_of, 3)
{
    uint32_t weight;
    bool *chosen;
    return read_weight(call, a[1].i8, &weight) && choose(call, a[0].bytes, a[2].bytes, &chosen) && copy_weighted(call, a[0].bytes, weight, chosen, r);
}

static bool copy_without(rdb_call *call, rdb_bytes vector, const bool *left_out, rdb_datum *r)
{
    vector_writer writer;
    begin_vector(&writer, call);
    for (uint32_t i = 0; i < ts_vector_count(vector); i++) {
        ts_entry entry = ts_vector_get(vector, i);
        if (!left_out[i])
            add_entry(&writer, entry.lexeme, entry.positions, entry.position_count);
    }
    return end_vector(&writer, r);
}

TYPE_ROW_FUNCTION(tsvector_delete_word, 2)
{
    bool equal = false, *left_out = type_alloc(call, RDB_MAX(ts_vector_count(a[0].bytes), 1u));
    if (left_out == NULL)
        return false;
    memset(left_out, 0, ts_vector_count(a[0].bytes));
    uint32_t at = ts_vector_find(a[0].bytes, type_slice(a[1]), &equal);
    if (equal)
        left_out[at] = true;
    return copy_without(call, a[0].bytes, left_out, r);
}

TYPE_ROW_FUNCTION(tsvector_delete_words, 2)
{
    bool *left_out;
    return choose(call, a[0].bytes, a[1].bytes, &left_out) && copy_without(call, a[0].bytes, left_out, r);
}

TYPE_ROW_FUNCTION(tsvector_filter, 2)
{
    vector_writer writer;
    type_array weights;
    unsigned mask = 0;
    uint16_t positions[TS_POSITIONS_MAX];
    type_array_read(a[1].bytes, &weights);
    for (uint32_t i = 0; i < weights.count; i++) {
        rdb_datum letter;
        if (!type_array_get(&weights, i, &letter))
            return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "weight array may not contain nulls");
        int weight = ts_weight_of(letter.i8);
        if (weight < 0)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized weight: \"%c\"", letter.i8);
        mask |= 1u << weight;
    }
    begin_vector(&writer, call);
    for (uint32_t i = 0; i < ts_vector_count(a[0].bytes); i++) {
        ts_entry entry = ts_vector_get(a[0].bytes, i);
        uint32_t count = 0;
        for (uint32_t k = 0; k < entry.position_count; k++)
            if (mask & 1u << ts_weight(ts_entry_position(&entry, k)))
                positions[count++] = ts_entry_position(&entry, k);
        if (count > 0)
            add_entry(&writer, entry.lexeme, positions, count);
    }
    return end_vector(&writer, r);
}

/* The second document's positions go on after the first's last. */
TYPE_ROW_FUNCTION(tsvector_concat, 2)
{
    vector_writer writer;
    uint32_t counts[2] = {ts_vector_count(a[0].bytes), ts_vector_count(a[1].bytes)}, at[2] = {0, 0}, last = 0;
    uint16_t positions[TS_POSITIONS_MAX];
    for (uint32_t i = 0; i < counts[0]; i++) {
        ts_entry entry = ts_vector_get(a[0].bytes, i);
        for (uint32_t k = 0; k < entry.position_count; k++)
            last = RDB_MAX(last, ts_position(ts_entry_position(&entry, k)));
    }
    begin_vector(&writer, call);
    while (at[0] < counts[0] || at[1] < counts[1]) {
        ts_entry entries[2] = {{.position_count = 0}, {.position_count = 0}};
        for (int i = 0; i < 2; i++)
            if (at[i] < counts[i])
                entries[i] = ts_vector_get(a[i].bytes, at[i]);
        int order = at[0] == counts[0] ? 1 : at[1] == counts[1] ? -1 : ts_compare_lexemes(entries[0].lexeme, entries[1].lexeme);
        uint32_t count = 0;
        if (order <= 0)
            for (uint32_t k = 0; k < RDB_MIN(entries[0].position_count, TS_POSITIONS_MAX); k++)
                positions[count++] = ts_entry_position(&entries[0], k);
        if (order >= 0)
            for (uint32_t k = 0; k < entries[1].position_count && count < TS_POSITIONS_MAX && (count == 0 || ts_position(positions[count - 1]) != TS_POSITION_MAX); k++) {
                uint16_t position = ts_entry_position(&entries[1], k);
                positions[count++] = ts_make_position(ts_position(position) + last, ts_weight(position));
            }
        add_entry(&writer, entries[order <= 0 ? 0 : 1].lexeme, positions, count);
        at[0] += order <= 0;
        at[1] += order >= 0;
    }
    return end_vector(&writer, r);
}

TYPE_ROW_FUNCTION(tsvector_lexemes, 1)
{
    type_gather gather = {0};
    const rdb_type *text;
    for (uint32_t i = 0; i < ts_vector_count(a[0].bytes); i++) {
        rdb_slice lexeme = ts_vector_get(a[0].bytes, i).lexeme;
        if (!type_gather_add(call, &gather, (rdb_datum){.bytes = {lexeme.data, (uint32_t)lexeme.length, 0}}, false))
            return false;
    }
    return rdb_type_descriptor(call, RDB_TEXTOID, &text) && type_array_build_list(call, text, gather.values, gather.nulls, gather.count, r);
}

TYPE_ROW_FUNCTION(tsvector_of_array, 1)
{
    type_array array;
    type_array_read(a[0].bytes, &array);
    ts_word *words = type_alloc(call, sizeof *words * RDB_MAX(array.count, 1u));
    if (words == NULL)
        return false;
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum word;
        if (!type_array_get(&array, i, &word))
            return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "lexeme array may not contain nulls");
        if (word.bytes.length == 0)
            return rdb_error_set(call->err, RDB_ZERO_LENGTH_CHARACTER_STRING, "lexeme array may not contain empty strings");
        if (word.bytes.length > TS_LEXEME_MAX)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "word is too long (%u bytes, max %u bytes)", word.bytes.length, TS_LEXEME_MAX);
        words[i] = (ts_word){.lexeme = type_slice(word)};
    }
    return ts_vector_build(call, words, array.count, TS_POSITIONS_MAX, r);
}

/* ---- rows of a document -------------------------------------------------------------------------------------------------------------- */
typedef struct unnest_state {
    rdb_bytes vector;
    uint32_t next;
} unnest_state;
static bool unnest_begin(TYPE_UNUSED rdb_call *call, void *raw, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    *(unnest_state *)raw = (unnest_state){.vector = a[0].bytes};
    return true;
}

static bool unnest_columns(rdb_call *call, const ts_entry *entry, rdb_datum *columns, bool *nulls)
{
    const rdb_type *text, *int2;
    type_gather positions = {0}, weights = {0};
    columns[0].bytes = (rdb_bytes){entry->lexeme.data, (uint32_t)entry->lexeme.length, 0};
    nulls[0] = false;
    nulls[1] = nulls[2] = entry->position_count == 0;
    if (entry->position_count == 0)
        return true;
    static const char LETTERS[] = "DCBA";
    for (uint32_t i = 0; i < entry->position_count; i++) {
        uint16_t position = ts_entry_position(entry, i);
        const uint8_t *letter = (const uint8_t *)&LETTERS[ts_weight(position)];
        if (!type_gather_add(call, &positions, (rdb_datum){.i16 = (int16_t)ts_position(position)}, false) ||
            !type_gather_add(call, &weights, (rdb_datum){.bytes = {letter, 1, 0}}, false))
            return false;
    }
    return rdb_type_descriptor(call, RDB_TEXTOID, &text) && rdb_type_descriptor(call, RDB_INT2OID, &int2) &&
           type_array_build_list(call, int2, positions.values, positions.nulls, positions.count, &columns[1]) &&
           type_array_build_list(call, text, weights.values, weights.nulls, weights.count, &columns[2]);
}

static bool unnest_next(rdb_call *call, void *raw, rdb_vector **columns, uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    static const uint32_t TYPES[3] = {RDB_TEXTOID, 1005 /* int2[] */, RDB_TEXTARRAYOID};
    unnest_state *state = raw;
    for (*count = 0; *count < capacity && state->next < ts_vector_count(state->vector); ++*count) {
        ts_entry entry = ts_vector_get(state->vector, state->next++);
        rdb_datum values[3];
        bool nulls[3];
        memset(values, 0, sizeof values);
        if (!unnest_columns(call, &entry, values, nulls))
            return false;
        if (column_count == 1) { /* the row as one value */
            const rdb_type *types[3];
            rdb_datum row;
            for (int i = 0; i < 3; i++)
                if (!rdb_type_descriptor(call, TYPES[i], &types[i]))
                    return false;
            if (!rdb_record_build(call, types, values, nulls, 3, &row))
                return false;
            rdb_vector_put(columns[0], *count, row, false);
            continue;
        }
        for (uint32_t i = 0; i < RDB_MIN(column_count, 3u); i++)
            rdb_vector_put(columns[i], *count, values[i], nulls[i]);
    }
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    TYPE_SIX_("tsvector", tsvector), {"tsvector_cmp", tsvector_order, 0, 0}, {"tsvector_length", tsvector_length, 0, 0}, {"tsvector_strip", tsvector_strip, F, 0},
    {"tsvector_setweight", tsvector_setweight, F, 0}, {"tsvector_setweight_by_filter", tsvector_setweight_of, F, 0},
    {"tsvector_delete_str", tsvector_delete_word, F, 0}, {"tsvector_delete_arr", tsvector_delete_words, F, 0},
    {"tsvector_filter", tsvector_filter, F, 0}, {"tsvector_concat", tsvector_concat, F, 0},
    {"tsvector_to_array", tsvector_lexemes, F, 0}, {"array_to_tsvector", tsvector_of_array, F, 0},
};
TYPE_KERNEL_TABLE(type_tsvector_table, KERNELS);
static const type_set_kernel SET_KERNELS[] = {{"tsvector_unnest", {0, sizeof(unnest_state), unnest_begin, unnest_next, F}, 0}};
TYPE_SET_KERNEL_TABLE(type_tsvector_set_table, SET_KERNELS);
