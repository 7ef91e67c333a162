/* SPDX-License-Identifier: Apache-2.0
 * The texts of a json document, for text search. Trees are never deeper than TYPE_JSON_DEPTH_MAX. */
#include "type/json.h"
#include "type/numeric.h"
#include "type/rdb_ts.h"

static bool read_tree(rdb_call *call, rdb_bytes json, bool is_jsonb, type_json **tree)
{
    return is_jsonb ? type_jsonb_tree(call, json, tree) : type_json_parse(call, (rdb_slice){json.data, json.length}, "json", tree);
}

typedef struct walk {
    rdb_call *call;
    unsigned kinds;
    rdb_ts_json_taker take;
    void *context;
    const rdb_type *numeric;
} walk;

static bool walk_node(walk *w, const type_json *node)
{
    rdb_strbuf number;
    switch (node->kind) {
    case TYPE_JSON_STRING:
        return !(w->kinds & RDB_TS_JSON_STRINGS) || w->take(w->call, w->context, (rdb_slice){node->bytes.data, node->bytes.length});
    case TYPE_JSON_TRUE:
    case TYPE_JSON_FALSE: {
        const char *text = node->kind == TYPE_JSON_TRUE ? "true" : "false";
        return !(w->kinds & RDB_TS_JSON_BOOLS) || w->take(w->call, w->context, (rdb_slice){(const uint8_t *)text, strlen(text)});
    }
    case TYPE_JSON_NUMBER:
        if (!(w->kinds & RDB_TS_JSON_NUMBERS))
            return true;
        rdb_strbuf_init(&number, w->call->arena);
        return type_to_text(w->call, w->numeric, (rdb_datum){.bytes = node->bytes}, &number) && rdb_strbuf_check(&number, w->call->err) &&
               w->take(w->call, w->context, (rdb_slice){(const uint8_t *)number.data, number.length});
    case TYPE_JSON_ARRAY:
    case TYPE_JSON_OBJECT:
        for (uint32_t i = 0; i < node->count; i++) {
            if (node->kind == TYPE_JSON_OBJECT && (w->kinds & RDB_TS_JSON_KEYS) &&
                !w->take(w->call, w->context, (rdb_slice){node->keys[i].data, node->keys[i].length}))
                return false;
            if (!walk_node(w, node->items[i]))
                return false;
        }
        return true;
    default:
        return true;
    }
}

bool rdb_ts_json_walk(rdb_call *call, rdb_bytes json, bool is_jsonb, unsigned kinds, rdb_ts_json_taker take, void *context)
{
    walk w = {call, kinds, take, context, NULL};
    type_json *tree = NULL;
    return rdb_type_descriptor(call, RDB_NUMERICOID, &w.numeric) && read_tree(call, json, is_jsonb, &tree) && walk_node(&w, tree);
}

bool rdb_ts_json_kinds(rdb_call *call, rdb_bytes filter, unsigned *kinds)
{
    static const struct { const char *name; unsigned kinds; } NAMES[] = {
        {"all", RDB_TS_JSON_KEYS | RDB_TS_JSON_STRINGS | RDB_TS_JSON_NUMBERS | RDB_TS_JSON_BOOLS}, {"key", RDB_TS_JSON_KEYS}, {"string", RDB_TS_JSON_STRINGS},
        {"numeric", RDB_TS_JSON_NUMBERS}, {"boolean", RDB_TS_JSON_BOOLS}};
    static const char HINT[] = "Possible values are: \"string\", \"numeric\", \"boolean\", \"key\", and \"all\".";
    type_json *tree = NULL;
    *kinds = 0;
    if (!type_jsonb_tree(call, filter, &tree))
        return false;
    if (tree->kind == TYPE_JSON_OBJECT)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "wrong flag type, only arrays and scalars are allowed");
    uint32_t count = tree->kind == TYPE_JSON_ARRAY ? tree->count : 1;
    for (uint32_t i = 0; i < count; i++) {
        const type_json *item = tree->kind == TYPE_JSON_ARRAY ? tree->items[i] : tree;
        unsigned found = 0;
        if (item->kind != TYPE_JSON_STRING) {
            rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "flag array element is not a string");
            return rdb_error_hint(call->err, "%s", HINT);
        }
        for (size_t k = 0; k < RDB_COUNT_OF(NAMES); k++)
            if (type_equals_ignoring_case((rdb_slice){item->bytes.data, item->bytes.length}, NAMES[k].name))
                found = NAMES[k].kinds;
        if (found == 0) {
            rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "wrong flag in flag array: \"%.*s\"", (int)item->bytes.length, (const char *)item->bytes.data);
            return rdb_error_hint(call->err, "%s", HINT);
        }
        *kinds |= found;
    }
    return true;
}

static bool change_strings(rdb_call *call, type_json *node, rdb_ts_json_changer change, void *context)
{
    rdb_datum changed = {.words = {0, 0}};
    if (node->kind == TYPE_JSON_STRING) {
        if (!change(call, context, (rdb_slice){node->bytes.data, node->bytes.length}, &changed))
            return false;
        node->bytes = changed.bytes;
    }
    if (node->kind == TYPE_JSON_ARRAY || node->kind == TYPE_JSON_OBJECT)
        for (uint32_t i = 0; i < node->count; i++)
            if (!change_strings(call, node->items[i], change, context))
                return false;
    return true;
}

static bool write_text(rdb_call *call, const type_json *node, const rdb_type *numeric, rdb_strbuf *text)
{
    static const char *const WORDS[] = {"null", "false", "true"};
    switch (node->kind) {
    case TYPE_JSON_NUMBER:
        return type_to_text(call, numeric, (rdb_datum){.bytes = node->bytes}, text);
    case TYPE_JSON_STRING:
        type_json_add_string(text, node->bytes);
        return true;
    case TYPE_JSON_ARRAY:
    case TYPE_JSON_OBJECT:
        rdb_strbuf_addc(text, node->kind == TYPE_JSON_ARRAY ? '[' : '{');
        for (uint32_t i = 0; i < node->count; i++) {
            if (i > 0)
                rdb_strbuf_addc(text, ',');
            if (node->kind == TYPE_JSON_OBJECT) {
                type_json_add_string(text, node->keys[i]);
                rdb_strbuf_addc(text, ':');
            }
            if (!write_text(call, node->items[i], numeric, text))
                return false;
        }
        rdb_strbuf_addc(text, node->kind == TYPE_JSON_ARRAY ? ']' : '}');
        return true;
    default:
        rdb_strbuf_adds(text, WORDS[node->kind]);
        return true;
    }
}

bool rdb_ts_json_change(rdb_call *call, rdb_bytes json, bool is_jsonb, rdb_ts_json_changer change, void *context, rdb_datum *result)
{
    type_json *tree = NULL;
    const rdb_type *numeric;
    rdb_strbuf text;
    if (!read_tree(call, json, is_jsonb, &tree) || !change_strings(call, tree, change, context))
        return false;
    if (is_jsonb)
        return type_jsonb_write(call, tree, result);
    rdb_strbuf_init(&text, call->arena);
    return rdb_type_descriptor(call, RDB_NUMERICOID, &numeric) && write_text(call, tree, numeric, &text) && type_take_buffer(call, &text, result);
}
