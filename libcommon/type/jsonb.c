/* SPDX-License-Identifier: Apache-2.0
 * jsonb: the stored nodes (drawn in json.h), text and wire forms, order, hash and keys. */
#include "type/json.h"
#include "type/numeric.h"
#include "type/tables.h"
#include <stdlib.h>

/* ---- reading -------------------------------------------------------------------------------------------------------------------- */
void type_jsonb_read(rdb_bytes stored, type_jsonb *json)
{
    memset(json, 0, sizeof *json);
    json->node = stored;
    json->kind = stored.length > 0 ? (type_json_kind)stored.data[0] : TYPE_JSON_NULL;
    json->payload = (rdb_bytes){.data = stored.data + 1, .length = stored.length > 0 ? stored.length - 1 : 0};
    if (json->kind < TYPE_JSON_ARRAY)
        return;
    json->count = rdb_get_u32(stored.data + 1);
    const uint8_t *at = stored.data + 5;
    if (json->kind == TYPE_JSON_OBJECT) {
        json->key_ends = at;
        at += 4 * (size_t)json->count;
    }
    json->ends = at;
    at += 4 * (size_t)json->count;
    json->keys = at;
    if (json->kind == TYPE_JSON_OBJECT && json->count > 0)
        at += rdb_get_u32(json->key_ends + 4 * ((size_t)json->count - 1));
    json->values = at;
}

rdb_bytes type_jsonb_item(const type_jsonb *json, uint32_t index)
{
    uint32_t start = index == 0 ? 0 : rdb_get_u32(json->ends + 4 * ((size_t)index - 1));
    return (rdb_bytes){.data = json->values + start, .length = rdb_get_u32(json->ends + 4 * (size_t)index) - start};
}

rdb_bytes type_jsonb_key(const type_jsonb *json, uint32_t index)
{
    uint32_t start = index == 0 ? 0 : rdb_get_u32(json->key_ends + 4 * ((size_t)index - 1));
    return (rdb_bytes){.data = json->keys + start, .length = rdb_get_u32(json->key_ends + 4 * (size_t)index) - start};
}

static int compare_keys(rdb_bytes left, rdb_bytes right)
{
    if (left.length != right.length)
        return left.length < right.length ? -1 : 1;
    return left.length == 0 ? 0 : memcmp(left.data, right.data, left.length);
}

bool type_jsonb_find(const type_jsonb *json, rdb_bytes key, rdb_bytes *node)
{
    uint32_t low = 0, high = json->kind == TYPE_JSON_OBJECT ? json->count : 0;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = compare_keys(type_jsonb_key(json, middle), key);
        if (order == 0) {
            *node = type_jsonb_item(json, middle);
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* ---- writing -------------------------------------------------------------------------------------------------------------------------- */
typedef struct entry {
    rdb_bytes key;
    type_json *item;
    uint32_t position;
} entry;

static int compare_entries(const void *left, const void *right)
{
    const entry *x = left, *y = right;
    int order = compare_keys(x->key, y->key);
    return order != 0 ? order : (x->position > y->position) - (x->position < y->position);
}

/* Sorts an object's members; of equal keys the last stays. */
static bool sort_object(rdb_call *call, type_json *object)
{
    entry *entries = type_alloc(call, sizeof *entries * ((size_t)object->count + 1));
    if (entries == NULL)
        return false;
    for (uint32_t i = 0; i < object->count; i++)
        entries[i] = (entry){.key = object->keys[i], .item = object->items[i], .position = i};
    qsort(entries, object->count, sizeof *entries, compare_entries);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < object->count; i++) {
        if (i + 1 < object->count && compare_keys(entries[i].key, entries[i + 1].key) == 0)
            continue;
        object->keys[kept] = entries[i].key;
        object->items[kept++] = entries[i].item;
    }
    object->count = kept;
    return true;
}

static bool write_node(rdb_call *call, type_json *node, int depth, rdb_strbuf *out)
{
    if (depth > TYPE_JSON_DEPTH_MAX + 8)
        return rdb_error_set(call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    rdb_strbuf_addc(out, (char)node->kind);
    if (node->kind < TYPE_JSON_ARRAY) {
        if (node->bytes.length > 0)
            rdb_strbuf_add(out, node->bytes.data, node->bytes.length);
        return true;
    }
    if (node->kind == TYPE_JSON_OBJECT && !sort_object(call, node))
        return false;
    uint8_t word[4];
    rdb_put_u32(word, node->count);
    rdb_strbuf_add(out, word, 4);
    uint32_t end = 0;
    if (node->kind == TYPE_JSON_OBJECT) {
        for (uint32_t i = 0; i < node->count; i++) {
            end += node->keys[i].length;
            rdb_put_u32(word, end);
            rdb_strbuf_add(out, word, 4);
        }
    }
    size_t ends = out->length;
    rdb_put_u32(word, 0);
    for (uint32_t i = 0; i < node->count; i++)
        rdb_strbuf_add(out, word, 4);
    if (node->kind == TYPE_JSON_OBJECT) {
        for (uint32_t i = 0; i < node->count; i++)
            rdb_strbuf_add(out, node->keys[i].data, node->keys[i].length);
    }
    size_t start = out->length;
    for (uint32_t i = 0; i < node->count; i++) {
        if (!write_node(call, node->items[i], depth + 1, out) || !rdb_strbuf_check(out, call->err))
            return false;
        rdb_put_u32(out->data + ends + 4 * (size_t)i, (uint32_t)(out->length - start));
    }
    return true;
}

bool type_jsonb_write(rdb_call *call, type_json *tree, rdb_datum *value)
{
    rdb_strbuf out;
    rdb_strbuf_init(&out, call->arena);
    return write_node(call, tree, 0, &out) && type_take_buffer(call, &out, value);
}

bool type_jsonb_tree(rdb_call *call, rdb_bytes stored, type_json **tree)
{
    type_jsonb json;
    type_jsonb_read(stored, &json);
    type_json *node = *tree = type_json_new(call, json.kind);
    if (json.kind < TYPE_JSON_ARRAY) {
        node->bytes = json.payload;
        return true;
    }
    for (uint32_t i = 0; i < json.count; i++) {
        type_json *item;
        rdb_bytes key = {0};
        if (json.kind == TYPE_JSON_OBJECT)
            key = type_jsonb_key(&json, i);
        if (!type_jsonb_tree(call, type_jsonb_item(&json, i), &item) || !type_json_add(call, node, key, item))
            return false;
    }
    return true;
}

/* ---- text -------------------------------------------------------------------------------------------------------------------------------- */
bool type_jsonb_format(rdb_call *call, rdb_bytes stored, rdb_strbuf *text)
{
    static const char *const WORDS[] = {"null", "false", "true"};
    type_jsonb json;
    type_jsonb_read(stored, &json);
    switch (json.kind) {
    case TYPE_JSON_NULL:
    case TYPE_JSON_FALSE:
    case TYPE_JSON_TRUE:
        rdb_strbuf_adds(text, WORDS[json.kind]);
        return true;
    case TYPE_JSON_NUMBER:
        return type_numeric_ops.output(call, NULL, (rdb_datum){.bytes = json.payload}, text);
    case TYPE_JSON_STRING:
        type_json_add_string(text, json.payload);
        return true;
    case TYPE_JSON_ARRAY:
    case TYPE_JSON_OBJECT:
        break;
    }
    rdb_strbuf_addc(text, json.kind == TYPE_JSON_ARRAY ? '[' : '{');
    for (uint32_t i = 0; i < json.count; i++) {
        if (i > 0)
            rdb_strbuf_adds(text, ", ");
        if (json.kind == TYPE_JSON_OBJECT) {
            type_json_add_string(text, type_jsonb_key(&json, i));
            rdb_strbuf_adds(text, ": ");
        }
        if (!type_jsonb_format(call, type_jsonb_item(&json, i), text))
            return false;
    }
    rdb_strbuf_addc(text, json.kind == TYPE_JSON_ARRAY ? ']' : '}');
    return true;
}

static bool jsonb_input(TYPE_OPS_PARAMETERS_INPUT)
{
    type_json *tree = NULL;
    return type_json_parse(call, text, "jsonb", &tree) && type_jsonb_write(call, tree, value);
}

static bool jsonb_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    return type_jsonb_format(call, value.bytes, text);
}

static bool jsonb_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length < 1 || text.data[0] != 1)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "unsupported jsonb version number %d", text.length < 1 ? 0 : text.data[0]);
    rdb_slice json = {.data = text.data + 1, .length = text.length - 1};
    return type_check_utf8(call, json) && jsonb_input(call, type, json, typmod, value);
}

static bool jsonb_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_addc(text, 1);
    return type_jsonb_format(call, value.bytes, text);
}

/* ---- order ---------------------------------------------------------------------------------------------------------------------------------- */
/* Object > array > boolean > number > string > null; larger containers after smaller ones, then member by member. */
static int rank_of(type_json_kind kind)
{
    static const int RANK[] = {[TYPE_JSON_NULL] = 0, [TYPE_JSON_STRING] = 1, [TYPE_JSON_NUMBER] = 2, [TYPE_JSON_FALSE] = 3,
                               [TYPE_JSON_TRUE] = 3, [TYPE_JSON_ARRAY] = 4, [TYPE_JSON_OBJECT] = 5};
    return RANK[kind];
}

int type_jsonb_compare(rdb_bytes left, rdb_bytes right)
{
    type_jsonb x, y;
    type_jsonb_read(left, &x);
    type_jsonb_read(right, &y);
    int rank_x = rank_of(x.kind), rank_y = rank_of(y.kind);
    if (rank_x != rank_y) {
        /* an empty array alone comes before everything, as it does in PostgreSQL */
        if (x.kind == TYPE_JSON_ARRAY && x.count == 0)
            return -1;
        if (y.kind == TYPE_JSON_ARRAY && y.count == 0)
            return 1;
        return rank_x < rank_y ? -1 : 1;
    }
    switch (x.kind) {
    case TYPE_JSON_NULL:
        return 0;
    case TYPE_JSON_FALSE:
    case TYPE_JSON_TRUE:
        return (x.kind > y.kind) - (x.kind < y.kind);
    case TYPE_JSON_NUMBER:
        return type_numeric_ops.compare(NULL, 0, (rdb_datum){.bytes = x.payload}, (rdb_datum){.bytes = y.payload});
    case TYPE_JSON_STRING: {
        int order = type_compare_bytes(x.payload, y.payload);
        return (order > 0) - (order < 0);
    }
    case TYPE_JSON_ARRAY:
    case TYPE_JSON_OBJECT:
        break;
    }
    if (x.count != y.count)
        return x.count < y.count ? -1 : 1;
    for (uint32_t i = 0; i < x.count; i++) {
        int order = 0;
        if (x.kind == TYPE_JSON_OBJECT)
            order = type_compare_bytes(type_jsonb_key(&x, i), type_jsonb_key(&y, i));
        if (order == 0)
            order = type_jsonb_compare(type_jsonb_item(&x, i), type_jsonb_item(&y, i));
        if (order != 0)
            return order < 0 ? -1 : 1;
    }
    return 0;
}

static int jsonb_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return type_jsonb_compare(left.bytes, right.bytes);
}

static uint64_t hash_node(rdb_bytes stored)
{
    type_jsonb json;
    type_jsonb_read(stored, &json);
    uint64_t hash = type_mix64((uint64_t)json.kind + 11);
    if (json.kind == TYPE_JSON_NUMBER)
        return type_mix64(hash ^ type_numeric_ops.hash(NULL, 0, (rdb_datum){.bytes = json.payload}));
    if (json.kind == TYPE_JSON_STRING)
        return type_mix64(hash ^ rdb_hash64(json.payload.data, json.payload.length, 0));
    for (uint32_t i = 0; i < json.count; i++) {
        if (json.kind == TYPE_JSON_OBJECT) {
            rdb_bytes key = type_jsonb_key(&json, i);
            hash = type_mix64(hash * 31 + rdb_hash64(key.data, key.length, 0));
        }
        hash = type_mix64(hash * 31 + hash_node(type_jsonb_item(&json, i)));
    }
    return hash;
}

static uint64_t jsonb_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return hash_node(value.bytes);
}

static bool encode_node(rdb_bytes stored, rdb_strbuf *key)
{
    type_jsonb json;
    type_jsonb_read(stored, &json);
    if (json.kind == TYPE_JSON_ARRAY && json.count == 0) {
        rdb_strbuf_addc(key, 0x01);
        return true;
    }
    rdb_strbuf_addc(key, (char)(0x02 + rank_of(json.kind)));
    switch (json.kind) {
    case TYPE_JSON_NULL:
        return true;
    case TYPE_JSON_FALSE:
    case TYPE_JSON_TRUE:
        rdb_strbuf_addc(key, json.kind == TYPE_JSON_TRUE);
        return true;
    case TYPE_JSON_NUMBER:
        return type_numeric_ops.encode_key(NULL, 0, (rdb_datum){.bytes = json.payload}, key);
    case TYPE_JSON_STRING:
        type_key_add_bytes(key, json.payload.data, json.payload.length);
        return true;
    case TYPE_JSON_ARRAY:
    case TYPE_JSON_OBJECT:
        break;
    }
    type_add_be32(key, json.count);
    for (uint32_t i = 0; i < json.count; i++) {
        if (json.kind == TYPE_JSON_OBJECT) {
            rdb_bytes name = type_jsonb_key(&json, i);
            type_key_add_bytes(key, name.data, name.length);
        }
        if (!encode_node(type_jsonb_item(&json, i), key))
            return false;
    }
    return true;
}

static bool jsonb_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    return encode_node(value.bytes, key) && !key->failed;
}

/* Not reversible: numbers lose their scale. */
const rdb_type_ops type_jsonb_ops = {.input = jsonb_input, .output = jsonb_output, .receive = jsonb_receive, .send = jsonb_send,
                                     .compare = jsonb_compare, .hash = jsonb_hash, .encode_key = jsonb_encode, .decode_key = NULL};
