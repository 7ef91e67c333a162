/* SPDX-License-Identifier: Apache-2.0
 * json and jsonb. json is validated text. A stored jsonb is one node:
 *
 *    0  1      tag         type_json_kind
 *    null, false, true: nothing more. number: a stored numeric. string: its bytes.
 *    array:  1  4   count;  4*count  end of each element, counted from the first;  the elements, nodes
 *    object: 1  4   count;  4*count  end of each key;  4*count  end of each value, counted from the first value;
 *                           the keys' bytes;  the values, nodes. Keys are unique, sorted by length, then by bytes
 *
 * A node's length is known from its parent, so a member is found by binary search without reading the others. */
#ifndef RDB_TYPE_JSON_H
#define RDB_TYPE_JSON_H

#include "type/type_int.h"

typedef enum type_json_kind {
    TYPE_JSON_NULL, TYPE_JSON_FALSE, TYPE_JSON_TRUE, TYPE_JSON_NUMBER, TYPE_JSON_STRING, TYPE_JSON_ARRAY, TYPE_JSON_OBJECT
} type_json_kind;

/* A tree, for parsing and for changing. All in call->arena. */
typedef struct type_json {
    type_json_kind kind;
    rdb_bytes bytes; /* number: stored numeric; string: text */
    uint32_t count, capacity;
    struct type_json **items;
    rdb_bytes *keys;
} type_json;

#define TYPE_JSON_DEPTH_MAX 3000

/* Parses text; with tree NULL it is only checked. type_name is "json" or "jsonb". */
bool type_json_parse(rdb_call *call, rdb_slice text, const char *type_name, type_json **tree);
type_json *type_json_new(rdb_call *call, type_json_kind kind);
bool type_json_add(rdb_call *call, type_json *container, rdb_bytes key, type_json *item);
bool type_jsonb_write(rdb_call *call, type_json *tree, rdb_datum *value);
bool type_jsonb_tree(rdb_call *call, rdb_bytes stored, type_json **tree);

/* Reading a stored node. */
typedef struct type_jsonb {
    type_json_kind kind;
    uint32_t count;
    rdb_bytes node, payload; /* payload: what follows the tag of a scalar */
    const uint8_t *key_ends, *ends, *keys, *values;
} type_jsonb;
void type_jsonb_read(rdb_bytes stored, type_jsonb *json);
rdb_bytes type_jsonb_item(const type_jsonb *json, uint32_t index); /* a node */
rdb_bytes type_jsonb_key(const type_jsonb *json, uint32_t index);
bool type_jsonb_find(const type_jsonb *json, rdb_bytes key, rdb_bytes *node);
bool type_jsonb_format(rdb_call *call, rdb_bytes stored, rdb_strbuf *text);
int type_jsonb_compare(rdb_bytes left, rdb_bytes right);
void type_json_add_string(rdb_strbuf *text, rdb_bytes bytes);

/* The text of a member of json text: by key, or by index (negative from the end). False: there is none. */
typedef struct type_json_member {
    rdb_bytes key; /* decoded; objects only */
    rdb_slice text;
} type_json_member;
typedef struct type_json_members {
    type_json_kind kind; /* of the whole; for scalars there are no members */
    uint32_t count, capacity;
    type_json_member *members;
} type_json_members;
bool type_json_split(rdb_call *call, rdb_slice text, type_json_members *members);

bool type_json_add_record(rdb_call *call, const rdb_type *type, rdb_datum record, bool line_feeds, rdb_strbuf *text);
/* jsonb_set(target, path, value, create) and target #- path, for those that decide between them. */
bool type_jsonb_set_path(rdb_call *call, const rdb_datum *a, rdb_datum *r);
bool type_jsonb_delete_at(rdb_call *call, const rdb_datum *a, rdb_datum *r);

/* Any SQL value as JSON text, as to_json gives it. */
bool type_json_from_value(rdb_call *call, const rdb_type *type, rdb_datum value, bool is_null, rdb_strbuf *text);

#endif
