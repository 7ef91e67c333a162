/* SPDX-License-Identifier: Apache-2.0
 * tsquery: reading, printing, order, and the operators that make queries of queries. */
#include "type/array.h"
#include "type/tables.h"
#include "type/text_int.h"
#include "type/ts.h"

/* ---- the stored form ---------------------------------------------------------------------------------------------------------- */
#define ITEM_BYTES 12u

uint32_t ts_query_count(rdb_bytes query)
{
    uint32_t count = 0;
    if (query.length >= 4)
        memcpy(&count, query.data, 4);
    return count;
}

ts_item ts_query_get(rdb_bytes query, uint32_t index)
{
    const uint8_t *at = query.data + 4 + (size_t)ITEM_BYTES * index;
    uint32_t where, length;
    memcpy(&where, at + 4, 4);
    memcpy(&length, at + 8, 4);
    ts_item item = {.kind = at[0]};
    if (item.kind == TS_VALUE) {
        item.weights = at[1];
        item.is_prefix = at[2] != 0;
        item.lexeme = (rdb_slice){query.data + 4 + (size_t)ITEM_BYTES * ts_query_count(query) + where, length};
    } else {
        item.oper = at[1];
        item.left = index + where;
        item.distance = (int32_t)length;
    }
    return item;
}

static ts_node *read_node(rdb_call *call, rdb_bytes query, uint32_t index)
{
    ts_item item = ts_query_get(query, index);
    ts_node *node = RDB_NEW(call->arena, ts_node);
    *node = (ts_node){.kind = item.kind, .oper = item.oper, .weights = item.weights, .is_prefix = item.is_prefix, .distance = item.distance, .lexeme = item.lexeme};
    if (node->kind == TS_OPERATOR) {
        node->right = read_node(call, query, index + 1);
        node->left = node->oper == TS_NOT ? NULL : read_node(call, query, item.left);
    }
    return node;
}

ts_node *ts_query_read(rdb_call *call, rdb_bytes query)
{
    return ts_query_count(query) == 0 ? NULL : read_node(call, query, 0);
}

typedef struct query_writer {
    rdb_strbuf items, bytes;
    uint32_t count;
} query_writer;

static bool write_node(query_writer *writer, const ts_node *node, uint32_t depth)
{
    uint8_t head[4] = {node->kind, node->kind == TS_VALUE ? node->weights : node->oper, node->is_prefix, 0};
    uint32_t index = writer->count++, where = (uint32_t)writer->bytes.length, length = node->kind == TS_VALUE ? (uint32_t)node->lexeme.length : (uint32_t)node->distance;
    if (depth > TS_DEPTH_MAX)
        return false;
    rdb_strbuf_add(&writer->items, head, 4);
    rdb_strbuf_add(&writer->items, &where, 4);
    rdb_strbuf_add(&writer->items, &length, 4);
    if (node->kind == TS_VALUE) {
        rdb_strbuf_add(&writer->bytes, node->lexeme.data, node->lexeme.length);
        return true;
    }
    if (node->kind == TS_STOP)
        return true;
    if (!write_node(writer, node->right, depth + 1))
        return false;
    uint32_t distance = node->oper == TS_NOT ? 0 : writer->count - index;
    if (!writer->items.failed)
        memcpy(writer->items.data + 4 + (size_t)ITEM_BYTES * index + 4, &distance, 4);
    return node->left == NULL || write_node(writer, node->left, depth + 1);
}

bool ts_query_build(rdb_call *call, const ts_node *tree, rdb_datum *query)
{
    query_writer writer = {.count = 0};
    rdb_strbuf_init(&writer.items, call->arena);
    rdb_strbuf_init(&writer.bytes, call->arena);
    rdb_strbuf_add(&writer.items, &writer.count, 4);
    if (tree != NULL && !write_node(&writer, tree, 0))
        return rdb_error_set(call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    rdb_strbuf_add(&writer.items, writer.bytes.data, writer.bytes.length);
    if (!rdb_strbuf_check(&writer.items, call->err))
        return false;
    memcpy(writer.items.data, &writer.count, 4);
    return type_take_buffer(call, &writer.items, query);
}

/* ---- reading a text -------------------------------------------------------------------------------------------------------------- */
enum token { TOKEN_END, TOKEN_VALUE, TOKEN_OPERATOR, TOKEN_OPEN, TOKEN_CLOSE };
typedef struct pending { /* an operator that waits for its right operand; oper 0: a parenthesis */
    uint8_t oper;
    int32_t distance;
} pending;
struct ts_query_reader {
    rdb_call *call;
    rdb_slice whole;
    const uint8_t *at, *end;
    enum ts_query_syntax syntax;
    bool wants_operand, is_first, has_stops, past_end;
    uint32_t open_count;
    /* what the token is */
    rdb_slice value;
    uint8_t weights, oper;
    bool is_prefix;
    int32_t distance;
    ts_node **trees;
    uint32_t tree_count, tree_capacity;
    pending *waiting;
    uint32_t waiting_count, waiting_capacity;
};

rdb_call *ts_reader_call(ts_query_reader *reader)
{
    return reader->call;
}

static bool bad_query(ts_query_reader *reader)
{
    return rdb_error_set(reader->call->err, RDB_SYNTAX_ERROR, "syntax error in tsquery: \"%.*s\"", (int)reader->whole.length, (const char *)reader->whole.data);
}

static bool push_tree(ts_query_reader *reader, ts_node *node)
{
    if (reader->tree_count == reader->tree_capacity) {
        uint32_t capacity = RDB_MAX(2 * reader->tree_capacity, 16);
        ts_node **grown = rdb_arena_try_grow(reader->call->arena, reader->trees, sizeof node * reader->tree_capacity, sizeof node * capacity, reader->call->err);
        if (grown == NULL)
            return false;
        reader->trees = grown;
        reader->tree_capacity = capacity;
    }
    reader->trees[reader->tree_count++] = node;
    return true;
}

bool ts_reader_push_value(ts_query_reader *reader, rdb_slice lexeme, uint8_t weights, bool is_prefix)
{
    ts_node *node = RDB_NEW(reader->call->arena, ts_node);
    if (lexeme.length >= TS_LEXEME_MAX)
        return rdb_error_set(reader->call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "word is too long in tsquery: \"%.*s\"", (int)reader->whole.length, (const char *)reader->whole.data);
    *node = (ts_node){.kind = TS_VALUE, .weights = weights, .is_prefix = is_prefix,
                      .lexeme = {rdb_arena_memdup(reader->call->arena, lexeme.data, lexeme.length), lexeme.length}};
    return push_tree(reader, node);
}

bool ts_reader_push_stop(ts_query_reader *reader)
{
    ts_node *node = RDB_NEW(reader->call->arena, ts_node);
    node->kind = TS_STOP;
    reader->has_stops = true;
    return push_tree(reader, node);
}

bool ts_reader_push_operator(ts_query_reader *reader, uint8_t oper, int32_t distance)
{
    uint32_t needed = oper == TS_NOT ? 1 : 2;
    ts_node *node = RDB_NEW(reader->call->arena, ts_node);
    if (reader->tree_count < needed)
        return bad_query(reader);
    *node = (ts_node){.kind = TS_OPERATOR, .oper = oper, .distance = oper == TS_PHRASE ? distance : 0, .right = reader->trees[--reader->tree_count]};
    if (needed == 2)
        node->left = reader->trees[--reader->tree_count];
    return push_tree(reader, node);
}

static int priority_of(uint8_t oper)
{
    static const int PRIORITIES[] = {0, 4, 2, 1, 3};
    return PRIORITIES[oper];
}

bool ts_check_distance(rdb_call *call, int64_t distance)
{
    return (distance >= 0 && distance <= TS_DISTANCE_MAX) ||
           rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "distance in phrase operator must be an integer value between zero and %d inclusive", TS_DISTANCE_MAX);
}

/* "<->" and "<2>". *is false: neither. */
static bool read_phrase(ts_query_reader *reader, bool *is)
{
    const uint8_t *at = reader->at + 1;
    int64_t distance = 0;
    *is = false;
    if (at < reader->end && *at == '-') {
        at++;
        distance = 1;
    } else {
        const uint8_t *digits = at;
        for (; at < reader->end && type_is_digit(*at); at++)
            distance = RDB_MIN(distance * 10 + (*at - '0'), INT32_MAX);
        if (digits == at)
            return true;
    }
    if (at == reader->end || *at != '>') {
        return true;
    }
    if (!ts_check_distance(reader->call, distance))
        return false;
    *is = true;
    reader->distance = (int32_t)distance;
    reader->at = at + 1;
    return true;
}

/* ":*ab" behind an operand. */
static void read_modifiers(ts_query_reader *reader)
{
    reader->weights = 0;
    reader->is_prefix = false;
    if (reader->at == reader->end || *reader->at != ':')
        return;
    for (reader->at++; reader->at < reader->end; reader->at++) {
        int weight = ts_weight_of(*reader->at);
        if (weight >= 0)
            reader->weights |= (uint8_t)(1 << weight);
        else if (*reader->at == '*')
            reader->is_prefix = true;
        else
            break;
    }
}

static bool read_operand(ts_query_reader *reader, bool *found)
{
    ts_word_reader words = {.call = reader->call, .at = reader->at, .end = reader->end, .whole = reader->whole, .is_query = true, .is_web = reader->syntax == TS_SYNTAX_WEB};
    if (!ts_read_word(&words, found))
        return false;
    reader->at = words.at;
    if (*found)
        reader->value = (rdb_slice){(const uint8_t *)words.word.data, words.word.length};
    return true;
}

static bool standard_token(ts_query_reader *reader, enum token *token)
{
    for (;; reader->at++) {
        int c = reader->at < reader->end ? *reader->at : 0;
        if (c != 0 && type_is_space(c))
            continue;
        if (reader->wants_operand) {
            bool found = false;
            if (c == '!') {
                reader->at++;
                reader->is_first = false;
                reader->oper = TS_NOT;
                *token = TOKEN_OPERATOR;
                return true;
            }
            if (c == '(') {
                reader->at++;
                reader->is_first = false;
                reader->open_count++;
                *token = TOKEN_OPEN;
                return true;
            }
            if (c == ':')
                return bad_query(reader);
            if (!read_operand(reader, &found))
                return false;
            if (found) {
                read_modifiers(reader);
                reader->wants_operand = reader->is_first = false;
                *token = TOKEN_VALUE;
                return true;
            }
            *token = TOKEN_END;
            return reader->is_first || rdb_error_set(reader->call->err, RDB_SYNTAX_ERROR, "no operand in tsquery: \"%.*s\"", (int)reader->whole.length,
                                                     (const char *)reader->whole.data);
        }
        *token = TOKEN_OPERATOR;
        if (c == '&' || c == '|') {
            reader->oper = c == '&' ? TS_AND : TS_OR;
            reader->at++;
        } else if (c == '<') {
            bool is = false;
            reader->oper = TS_PHRASE;
            if (!read_phrase(reader, &is))
                return false;
            if (!is)
                return bad_query(reader);
        } else if (c == ')') {
            *token = TOKEN_CLOSE;
            reader->at++;
            return reader->open_count-- > 0 || bad_query(reader);
        } else if (c == 0) {
            *token = TOKEN_END;
            return reader->open_count == 0 || bad_query(reader);
        } else {
            return bad_query(reader);
        }
        reader->wants_operand = true;
        return true;
    }
}

/* "or" between operands: no part of a word, and something follows. */
static bool is_web_or(const ts_query_reader *reader)
{
    const uint8_t *at = reader->at;
    if (reader->end - at < 3 || type_lower(at[0]) != 'o' || type_lower(at[1]) != 'r')
        return false;
    at += 2;
    if (*at == '-' || *at == '_' || type_is_digit(*at) || (type_lower(*at) >= 'a' && type_lower(*at) <= 'z') || *at >= 0x80)
        return false;
    for (at += 1; at < reader->end && type_is_space(*at); at++)
        ;
    return at < reader->end;
}

static bool web_token(ts_query_reader *reader, enum token *token)
{
    for (;; reader->at++) {
        int c = reader->at < reader->end ? *reader->at : 0;
        if (c != 0 && type_is_space(c))
            continue;
        bool ignored = c == '!' || c == '&' || c == '|' || c == '(' || c == ')';
        reader->weights = 0;
        reader->is_prefix = false;
        *token = TOKEN_OPERATOR;
        if (reader->wants_operand) {
            bool found = false;
            if (c == '-') {
                reader->at++;
                reader->is_first = false;
                reader->oper = TS_NOT;
                return true;
            }
            if (ignored) {
                reader->is_first = false;
                continue;
            }
            *token = TOKEN_VALUE;
            if (c == '"') { /* up to the next one, as one operand */
                const uint8_t *start = ++reader->at;
                while (reader->at < reader->end && *reader->at != '"')
                    reader->at++;
                reader->value = (rdb_slice){start, (size_t)(reader->at - start)};
                reader->at += reader->at < reader->end;
                reader->wants_operand = reader->is_first = false;
                return true;
            }
            if (!read_operand(reader, &found))
                return false;
            if (found) {
                reader->wants_operand = reader->is_first = false;
                return true;
            }
            *token = TOKEN_END;
            return reader->is_first || ts_reader_push_stop(reader);
        }
        if (c == 0) {
            *token = TOKEN_END;
            return true;
        }
        if (ignored)
            continue;
        reader->wants_operand = true;
        reader->oper = TS_AND;
        if (is_web_or(reader)) {
            reader->at += 2;
            reader->oper = TS_OR;
        }
        return true;
    }
}

static bool next_token(ts_query_reader *reader, enum token *token)
{
    if (reader->syntax == TS_SYNTAX_STANDARD)
        return standard_token(reader, token);
    if (reader->syntax == TS_SYNTAX_WEB)
        return web_token(reader, token);
    *token = reader->past_end || reader->whole.length == 0 ? TOKEN_END : TOKEN_VALUE;
    reader->past_end = true;
    reader->value = reader->whole;
    return true;
}

static bool push_waiting(ts_query_reader *reader, uint8_t oper, int32_t distance)
{
    if (reader->waiting_count == reader->waiting_capacity) {
        uint32_t capacity = RDB_MAX(2 * reader->waiting_capacity, 16);
        pending *grown = rdb_arena_try_grow(reader->call->arena, reader->waiting, sizeof *grown * reader->waiting_capacity, sizeof *grown * capacity, reader->call->err);
        if (grown == NULL)
            return false;
        reader->waiting = grown;
        reader->waiting_capacity = capacity;
    }
    reader->waiting[reader->waiting_count++] = (pending){oper, distance};
    return true;
}

/* Operators that bind as tightly as the new one, or more, have their operands; up to the innermost parenthesis. */
static bool settle(ts_query_reader *reader, uint8_t oper)
{
    while (reader->waiting_count > 0) {
        pending top = reader->waiting[reader->waiting_count - 1];
        if (top.oper == 0 || (oper != 0 && (oper == TS_NOT ? priority_of(oper) >= priority_of(top.oper) : priority_of(oper) > priority_of(top.oper))))
            return true;
        reader->waiting_count--;
        if (!ts_reader_push_operator(reader, top.oper, top.distance))
            return false;
    }
    return true;
}

bool ts_query_parse(rdb_call *call, rdb_slice text, enum ts_query_syntax syntax, ts_operand_function operand, void *context, ts_node **tree, bool *has_stops)
{
    if (text.length == 0) /* its data may be null */
        text.data = (const uint8_t *)"";
    ts_query_reader reader = {.call = call, .whole = text, .at = text.data, .end = text.data + text.length, .syntax = syntax, .wants_operand = true, .is_first = true};
    *tree = NULL;
    for (;;) {
        enum token token;
        if (!next_token(&reader, &token))
            return false;
        if (token == TOKEN_END)
            break;
        switch (token) {
        case TOKEN_VALUE:
            if (!operand(&reader, context, reader.value, reader.weights, reader.is_prefix))
                return false;
            break;
        case TOKEN_OPERATOR:
            if (!settle(&reader, reader.oper) || !push_waiting(&reader, reader.oper, reader.distance))
                return false;
            break;
        case TOKEN_OPEN:
            if (!push_waiting(&reader, 0, 0))
                return false;
            break;
        default:
            if (!settle(&reader, 0))
                return false;
            if (reader.waiting_count == 0)
                return bad_query(&reader);
            reader.waiting_count--;
            break;
        }
    }
    if (!settle(&reader, 0))
        return false;
    *has_stops = reader.has_stops;
    if (reader.tree_count > 1 || reader.waiting_count > 0)
        return bad_query(&reader);
    *tree = reader.tree_count == 1 ? reader.trees[0] : NULL;
    return true;
}

/* ---- printing ---------------------------------------------------------------------------------------------------------------------- */
static void print_node(const ts_node *node, int outer, bool is_right_of_phrase, rdb_strbuf *text)
{
    if (node->kind != TS_OPERATOR) {
        rdb_strbuf_addc(text, '\'');
        for (size_t i = 0; i < node->lexeme.length; i++) {
            if (node->lexeme.data[i] == '\'' || node->lexeme.data[i] == '\\')
                rdb_strbuf_addc(text, (char)node->lexeme.data[i]);
            rdb_strbuf_addc(text, (char)node->lexeme.data[i]);
        }
        rdb_strbuf_addc(text, '\'');
        if (node->weights != 0 || node->is_prefix)
            rdb_strbuf_addc(text, ':');
        if (node->is_prefix)
            rdb_strbuf_addc(text, '*');
        for (int weight = 3; weight >= 0; weight--)
            if (node->weights & 1 << weight)
                rdb_strbuf_addc(text, (char)('D' - weight));
        return;
    }
    int priority = priority_of(node->oper);
    bool parentheses = priority < outer || (node->oper == TS_PHRASE && is_right_of_phrase);
    if (parentheses)
        rdb_strbuf_adds(text, "( ");
    if (node->oper == TS_NOT) {
        rdb_strbuf_addc(text, '!');
        print_node(node->right, priority, false, text);
    } else {
        print_node(node->left, priority, false, text);
        if (node->oper == TS_PHRASE && node->distance != 1)
            rdb_strbuf_addf(text, " <%d> ", node->distance);
        else
            rdb_strbuf_adds(text, node->oper == TS_PHRASE ? " <-> " : node->oper == TS_AND ? " & " : " | ");
        print_node(node->right, priority, node->oper == TS_PHRASE, text);
    }
    if (parentheses)
        rdb_strbuf_adds(text, " )");
}

void ts_query_print(const ts_node *tree, rdb_strbuf *text)
{
    if (tree != NULL)
        print_node(tree, -1, false, text);
}

/* ---- text and wire ------------------------------------------------------------------------------------------------------------------- */
static bool plain_operand(ts_query_reader *reader, TYPE_UNUSED void *context, rdb_slice operand, uint8_t weights, bool is_prefix)
{
    return ts_reader_push_value(reader, operand, weights, is_prefix);
}

static bool tsquery_input(TYPE_OPS_PARAMETERS_INPUT)
{
    ts_node *tree;
    bool has_stops = false;
    if (!ts_query_parse(call, text, TS_SYNTAX_STANDARD, plain_operand, NULL, &tree, &has_stops))
        return false;
    if (tree == NULL)
        type_notice(call, RDB_SUCCESSFUL_COMPLETION, "text-search query doesn't contain lexemes: \"%.*s\"", (int)text.length, (const char *)text.data);
    return ts_query_build(call, tree, value);
}

static bool tsquery_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    ts_query_print(ts_query_read(call, value.bytes), text);
    return true;
}

static bool tsquery_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    uint32_t count = ts_query_count(value.bytes);
    type_add_be32(text, count);
    for (uint32_t i = 0; i < count; i++) {
        ts_item item = ts_query_get(value.bytes, i);
        rdb_strbuf_addc(text, (char)item.kind);
        if (item.kind == TS_VALUE) {
            rdb_strbuf_addc(text, (char)item.weights);
            rdb_strbuf_addc(text, item.is_prefix);
            rdb_strbuf_add(text, item.lexeme.data, item.lexeme.length);
            rdb_strbuf_addc(text, 0);
        } else {
            rdb_strbuf_addc(text, (char)item.oper);
            if (item.oper == TS_PHRASE)
                type_add_be16(text, (uint16_t)item.distance);
        }
    }
    return true;
}

static bool bad_item(rdb_call *call, const char *what)
{
    return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "invalid tsquery: %s", what);
}

/* Items in prefix order, left_count of them not read yet. */
static bool receive_node(rdb_call *call, const uint8_t **at, const uint8_t *end, uint32_t *left_count, uint32_t depth, ts_node **node)
{
    if (depth > TS_DEPTH_MAX)
        return rdb_error_set(call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (*left_count == 0)
        return bad_item(call, "malformed tree");
    if (end - *at < 2)
        return type_bad_binary(call);
    --*left_count;
    *node = RDB_NEW(call->arena, ts_node);
    (*node)->kind = *(*at)++;
    if ((*node)->kind == TS_VALUE) {
        const uint8_t *stop = end - *at > 2 ? memchr(*at + 2, 0, (size_t)(end - *at - 2)) : NULL;
        if (stop == NULL)
            return type_bad_binary(call);
        (*node)->weights = (*at)[0];
        (*node)->is_prefix = (*at)[1] != 0;
        (*node)->lexeme = (rdb_slice){*at + 2, (size_t)(stop - *at - 2)};
        *at = stop + 1;
        if ((*node)->weights > 0xf)
            return bad_item(call, "invalid weight bitmap");
        if ((*node)->lexeme.length > TS_LEXEME_MAX)
            return bad_item(call, "operand too long");
        return type_check_utf8(call, (*node)->lexeme);
    }
    if ((*node)->kind != TS_OPERATOR)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "unrecognized tsquery node type: %d", (*node)->kind);
    (*node)->oper = *(*at)++;
    if ((*node)->oper < TS_NOT || (*node)->oper > TS_PHRASE)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "invalid tsquery: unrecognized operator type %d", (*node)->oper);
    if ((*node)->oper == TS_PHRASE) {
        if (end - *at < 2)
            return type_bad_binary(call);
        (*node)->distance = (int16_t)type_be16(*at);
        *at += 2;
    }
    return receive_node(call, at, end, left_count, depth + 1, &(*node)->right) &&
           ((*node)->oper == TS_NOT || receive_node(call, at, end, left_count, depth + 1, &(*node)->left));
}

static bool tsquery_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    const uint8_t *at = text.data, *end = at + text.length;
    ts_node *tree = NULL;
    if (text.length < 4)
        return type_bad_binary(call);
    uint32_t count = type_be32(at);
    at += 4;
    if (count > TYPE_BYTES_MAX / ITEM_BYTES)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "invalid size of tsquery");
    if (count > 0 && !receive_node(call, &at, end, &count, 0, &tree))
        return false;
    if (count > 0)
        return bad_item(call, "end nodes");
    return at == end ? ts_query_build(call, tree, value) : type_bad_binary(call);
}

/* ---- order ------------------------------------------------------------------------------------------------------------------------------ */
/* The check sum by which PostgreSQL orders operands: a reflected table's entries, taken by the sum's upper byte. */
int32_t ts_lexeme_crc(rdb_slice lexeme)
{
    uint32_t sum = 0xffffffff;
    for (size_t i = 0; i < lexeme.length; i++) {
        uint32_t entry = (sum >> 24) ^ lexeme.data[i];
        for (int bit = 0; bit < 8; bit++)
            entry = entry & 1 ? entry >> 1 ^ 0xedb88320 : entry >> 1;
        sum = entry ^ sum << 8;
    }
    return (int32_t)~sum;
}

static int compare_items(rdb_bytes left, uint32_t i, rdb_bytes right, uint32_t k)
{
    ts_item a = ts_query_get(left, i), b = ts_query_get(right, k);
    if (a.kind != b.kind)
        return a.kind > b.kind ? -1 : 1;
    if (a.kind == TS_VALUE) {
        int32_t sums[2] = {ts_lexeme_crc(a.lexeme), ts_lexeme_crc(b.lexeme)};
        return sums[0] != sums[1] ? (sums[0] > sums[1] ? -1 : 1) : ts_compare_lexemes(a.lexeme, b.lexeme);
    }
    if (a.oper != b.oper)
        return a.oper > b.oper ? -1 : 1;
    if (a.oper == TS_PHRASE && a.distance != b.distance)
        return a.distance > b.distance ? -1 : 1;
    int order = compare_items(left, i + 1, right, k + 1);
    return order != 0 || a.oper == TS_NOT ? order : compare_items(left, a.left, right, b.left);
}

/* Bytes that PostgreSQL stores beside the items. */
static uint32_t lexeme_bytes(rdb_bytes query)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < ts_query_count(query); i++) {
        ts_item item = ts_query_get(query, i);
        bytes += item.kind == TS_VALUE ? (uint32_t)item.lexeme.length + 1 : 0;
    }
    return bytes;
}

static int tsquery_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    uint32_t count = ts_query_count(left.bytes), other = ts_query_count(right.bytes);
    if (count != other)
        return count < other ? -1 : 1;
    uint32_t bytes = lexeme_bytes(left.bytes), other_bytes = lexeme_bytes(right.bytes);
    if (bytes != other_bytes)
        return bytes < other_bytes ? -1 : 1;
    int order = count == 0 ? 0 : compare_items(left.bytes, 0, right.bytes, 0);
    return (order > 0) - (order < 0);
}

/* Weights and prefixes do not count in the order: equal queries may differ in them. */
static bool tsquery_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    uint32_t count = ts_query_count(value.bytes);
    type_add_be32(key, count);
    type_add_be32(key, lexeme_bytes(value.bytes));
    for (uint32_t i = 0; i < count; i++) {
        ts_item item = ts_query_get(value.bytes, i);
        rdb_strbuf_addc(key, (char)~item.kind);
        if (item.kind == TS_VALUE) {
            type_add_be32(key, ~((uint32_t)ts_lexeme_crc(item.lexeme) ^ 0x80000000u));
            type_key_add_bytes(key, item.lexeme.data, item.lexeme.length);
        } else {
            rdb_strbuf_addc(key, (char)~item.oper);
            if (item.oper == TS_PHRASE)
                type_add_be32(key, ~(uint32_t)item.distance);
        }
    }
    return !key->failed;
}

static uint64_t tsquery_hash(TYPE_OPS_PARAMETERS_HASH)
{
    uint64_t hash = ts_query_count(value.bytes);
    for (uint32_t i = 0; i < ts_query_count(value.bytes); i++) {
        ts_item item = ts_query_get(value.bytes, i);
        hash = item.kind == TS_VALUE ? rdb_hash64(item.lexeme.data, item.lexeme.length, hash) : type_mix64(hash ^ item.oper);
    }
    return hash;
}

const rdb_type_ops type_tsquery_ops = {.input = tsquery_input, .output = tsquery_output, .receive = tsquery_receive, .send = tsquery_send,
                                       .compare = tsquery_compare, .hash = tsquery_hash, .encode_key = tsquery_encode};

#define QUERY_COMPARISON(name, operation)                       \
    TYPE_ROW_FUNCTION(tsquery_##name, 2)                        \
    {                                                           \
        r->b = tsquery_compare(NULL, 0, a[0], a[1]) operation 0; \
        return true;                                            \
    }
QUERY_COMPARISON(eq, ==)
QUERY_COMPARISON(ne, !=)
QUERY_COMPARISON(lt, <)
QUERY_COMPARISON(le, <=)
QUERY_COMPARISON(gt, >)
QUERY_COMPARISON(ge, >=)
TYPE_ROW_FUNCTION(tsquery_order, 2)
{
    r->i32 = tsquery_compare(NULL, 0, a[0], a[1]);
    return true;
}

/* ---- stop words, NOT ------------------------------------------------------------------------------------------------------------------- */
/* How much wider a phrase gets at either side because of words that are left out there. */
typedef struct widening {
    int32_t left, right;
} widening;

static ts_node *drop_stops(ts_node *node, widening *added)
{
    *added = (widening){0, 0};
    if (node->kind == TS_VALUE)
        return node;
    if (node->kind == TS_STOP)
        return NULL;
    if (node->oper == TS_NOT) {
        node->right = drop_stops(node->right, added);
        return node->right == NULL ? NULL : node;
    }
    widening left, right;
    bool is_phrase = node->oper == TS_PHRASE;
    node->left = drop_stops(node->left, &left);
    node->right = drop_stops(node->right, &right);
    if (node->left == NULL && node->right == NULL) { /* both sides of each operand that went are the same number */
        added->left = added->right = is_phrase ? left.left + node->distance + right.left : RDB_MAX(left.left, right.left);
        return NULL;
    }
    if (node->left == NULL) {
        *added = right;
        added->left = is_phrase ? left.left + node->distance + right.left : right.left;
        return node->right;
    }
    if (node->right == NULL) {
        *added = left;
        added->right = is_phrase ? left.right + node->distance + right.right : left.right;
        return node->left;
    }
    if (is_phrase) {
        node->distance += left.right + right.left;
        *added = (widening){left.left, right.right};
    }
    return node;
}

ts_node *ts_query_without_stops(rdb_call *call, ts_node *tree)
{
    widening added;
    ts_node *left = tree == NULL ? NULL : drop_stops(tree, &added);
    if (left == NULL)
        type_notice(call, RDB_SUCCESSFUL_COMPLETION, "text-search query contains only stop words or doesn't contain lexemes, ignored");
    return left;
}

/* What an index can be asked for: without what stands under NOT. */
static ts_node *without_not(ts_node *node)
{
    if (node->kind == TS_VALUE)
        return node;
    if (node->oper == TS_NOT)
        return NULL;
    node->left = without_not(node->left);
    node->right = without_not(node->right);
    if (node->left != NULL && node->right != NULL)
        return node;
    if (node->oper == TS_OR)
        return NULL;
    return node->left != NULL ? node->left : node->right;
}

TYPE_ROW_FUNCTION(tsquery_tree, 1)
{
    rdb_strbuf text;
    ts_node *tree = ts_query_read(call, a[0].bytes);
    rdb_strbuf_init(&text, call->arena);
    if (tree != NULL) {
        tree = without_not(tree);
        if (tree == NULL)
            rdb_strbuf_addc(&text, 'T');
        else
            ts_query_print(tree, &text);
    }
    return type_take_buffer(call, &text, r);
}

/* ---- queries of queries ----------------------------------------------------------------------------------------------------------------- */
static bool join(rdb_call *call, rdb_bytes left, rdb_bytes right, uint8_t oper, int32_t distance, rdb_datum *r)
{
    ts_node node = {.kind = TS_OPERATOR, .oper = oper, .distance = distance, .left = ts_query_read(call, left), .right = ts_query_read(call, right)};
    if (node.left == NULL || node.right == NULL) {
        r->bytes = node.left == NULL ? right : left;
        return true;
    }
    return ts_query_build(call, &node, r);
}
TYPE_ROW_FUNCTION(tsquery_and, 2) { return join(call, a[0].bytes, a[1].bytes, TS_AND, 0, r); }
TYPE_ROW_FUNCTION(tsquery_or, 2) { return join(call, a[0].bytes, a[1].bytes, TS_OR, 0, r); }
TYPE_ROW_FUNCTION(tsquery_phrase, 2) { return join(call, a[0].bytes, a[1].bytes, TS_PHRASE, 1, r); }
TYPE_ROW_FUNCTION(tsquery_phrase_distance, 3)
{
    return ts_check_distance(call, a[2].i32) && join(call, a[0].bytes, a[1].bytes, TS_PHRASE, a[2].i32, r);
}

TYPE_ROW_FUNCTION(tsquery_not, 1)
{
    ts_node node = {.kind = TS_OPERATOR, .oper = TS_NOT, .right = ts_query_read(call, a[0].bytes)};
    if (node.right == NULL) {
        *r = a[0];
        return true;
    }
    return ts_query_build(call, &node, r);
}

TYPE_ROW_FUNCTION(tsquery_numnode, 1)
{
    r->i32 = (int32_t)ts_query_count(a[0].bytes);
    return true;
}

/* Every lexeme of the second is one of the first's. */
static bool contains(rdb_bytes whole, rdb_bytes part)
{
    for (uint32_t i = 0; i < ts_query_count(part); i++) {
        ts_item item = ts_query_get(part, i);
        bool found = item.kind != TS_VALUE;
        for (uint32_t k = 0; !found && k < ts_query_count(whole); k++) {
            ts_item other = ts_query_get(whole, k);
            found = other.kind == TS_VALUE && ts_compare_lexemes(item.lexeme, other.lexeme) == 0;
        }
        if (!found)
            return false;
    }
    return true;
}
TYPE_ROW_FUNCTION(tsquery_contains, 2)
{
    r->b = contains(a[0].bytes, a[1].bytes);
    return true;
}
TYPE_ROW_FUNCTION(tsquery_is_contained, 2)
{
    r->b = contains(a[1].bytes, a[0].bytes);
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    TYPE_SIX_("tsquery", tsquery), {"tsquery_cmp", tsquery_order, 0, 0}, {"tsquerytree", tsquery_tree, F, 0}, {"tsquery_and", tsquery_and, F, 0},
    {"tsquery_or", tsquery_or, F, 0}, {"tsquery_phrase", tsquery_phrase, F, 0}, {"tsquery_phrase_distance", tsquery_phrase_distance, F, 0},
    {"tsquery_not", tsquery_not, F, 0}, {"tsquery_numnode", tsquery_numnode, 0, 0}, {"tsq_mcontains", tsquery_contains, 0, 0},
    {"tsq_mcontained", tsquery_is_contained, 0, 0},
};
TYPE_KERNEL_TABLE(type_tsquery_table, KERNELS);
