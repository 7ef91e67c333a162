/* SPDX-License-Identifier: Apache-2.0
 * The SQL/JSON path language: paths as trees, their text and stored forms, and their evaluation over stored jsonb.
 *
 * A stored path:
 *    0   1   mode     1 lax, 0 strict
 *    1   .   the first node
 * A node:
 *    0   1   kind     type_jsonpath_kind
 *    1   1   marks    bit 0: a next node follows its parts
 *    2   4   low      .**{low to high}; flags of like_regex (type_jsonpath_regex_flags)
 *    6   4   high     .**{low to high}
 *   10   4   length   of its bytes
 *   14   4   count    of its parts
 *   18   .   bytes    key, variable, string, pattern: text; number: a stored numeric
 *    .   .   parts    each 1 byte: 0 absent, 1 a node follows
 *    .   .   the next node */
#ifndef RDB_TYPE_JSONPATH_H
#define RDB_TYPE_JSONPATH_H

#include "type/json.h"
#include "type/regex.h"

#define TYPE_JSONPATH_NODE_HEADER 18
#define TYPE_JSONPATH_DEPTH_MAX 2000
#define TYPE_JSONPATH_LAST UINT32_MAX /* a level of .** */

typedef enum type_jsonpath_kind {
    /* values */
    TYPE_JSONPATH_NULL, TYPE_JSONPATH_FALSE, TYPE_JSONPATH_TRUE, TYPE_JSONPATH_NUMBER, TYPE_JSONPATH_STRING, TYPE_JSONPATH_VARIABLE, TYPE_JSONPATH_ROOT,
    TYPE_JSONPATH_CURRENT, TYPE_JSONPATH_LAST_INDEX,
    /* arithmetic: parts are the operands */
    TYPE_JSONPATH_ADD, TYPE_JSONPATH_SUBTRACT, TYPE_JSONPATH_MULTIPLY, TYPE_JSONPATH_DIVIDE, TYPE_JSONPATH_MODULO, TYPE_JSONPATH_PLUS, TYPE_JSONPATH_MINUS,
    /* predicates */
    TYPE_JSONPATH_AND, TYPE_JSONPATH_OR, TYPE_JSONPATH_NOT, TYPE_JSONPATH_IS_UNKNOWN, TYPE_JSONPATH_EQUAL, TYPE_JSONPATH_NOT_EQUAL, TYPE_JSONPATH_LESS,
    TYPE_JSONPATH_GREATER, TYPE_JSONPATH_LESS_EQUAL, TYPE_JSONPATH_GREATER_EQUAL, TYPE_JSONPATH_STARTS_WITH, TYPE_JSONPATH_LIKE_REGEX, TYPE_JSONPATH_EXISTS,
    /* accessors */
    TYPE_JSONPATH_KEY, TYPE_JSONPATH_ANY_KEY, TYPE_JSONPATH_ANY_ELEMENT, TYPE_JSONPATH_ELEMENTS, /* parts: from, to (may be absent) by turns */
    TYPE_JSONPATH_ANY_DEPTH, TYPE_JSONPATH_FILTER, TYPE_JSONPATH_TYPE, TYPE_JSONPATH_SIZE, TYPE_JSONPATH_DOUBLE, TYPE_JSONPATH_CEILING, TYPE_JSONPATH_FLOOR,
    TYPE_JSONPATH_ABS, TYPE_JSONPATH_DATETIME, /* one part at most: the template */
    TYPE_JSONPATH_KEYVALUE
} type_jsonpath_kind;

enum type_jsonpath_regex_flags { /* in the order in which they print */
    TYPE_JSONPATH_REGEX_I = 1, TYPE_JSONPATH_REGEX_S = 2, TYPE_JSONPATH_REGEX_M = 4, TYPE_JSONPATH_REGEX_X = 8, TYPE_JSONPATH_REGEX_Q = 16
};

typedef struct type_jsonpath {
    type_jsonpath_kind kind;
    uint32_t low, high;
    uint32_t depth; /* of the deepest part, while parsing */
    rdb_bytes bytes;
    uint32_t part_count;
    struct type_jsonpath **parts;
    struct type_jsonpath *next;
} type_jsonpath;

/* All in call->arena. */
bool type_jsonpath_parse(rdb_call *call, rdb_slice text, type_jsonpath **path, bool *is_lax);
bool type_jsonpath_read(rdb_call *call, rdb_bytes stored, type_jsonpath **path, bool *is_lax);
/* An operator's or method's name in messages and in text. */
const char *type_jsonpath_name(type_jsonpath_kind kind);
static inline bool type_jsonpath_is_predicate(const type_jsonpath *path)
{
    return path->kind >= TYPE_JSONPATH_AND && path->kind <= TYPE_JSONPATH_EXISTS && path->next == NULL;
}
/* The engine's flags for like_regex; 0A000 for what is not offered. */
bool type_jsonpath_regex_flags(rdb_call *call, uint32_t marks, type_regex_flags *flags);

/* ---- evaluation --------------------------------------------------------------------------------------------------------------- */
/* One item of a result: a node, or a date or time that has no JSON form of its own. */
typedef struct type_jsonpath_item {
    rdb_bytes node;
    uint32_t datetime_oid; /* 0: node holds the item */
    int64_t value;         /* date: days; else microseconds */
    int32_t west;          /* timetz: seconds */
    int32_t typmod;
} type_jsonpath_item;
typedef struct type_jsonpath_items {
    uint32_t count, capacity;
    type_jsonpath_item *items;
} type_jsonpath_items;

typedef struct type_jsonpath_run {
    const type_jsonpath *path;
    bool is_lax, is_silent, with_zone;
    rdb_bytes root, vars; /* vars: a stored object */
} type_jsonpath_run;
typedef enum type_jsonpath_outcome { TYPE_JSONPATH_FOUND, TYPE_JSONPATH_NOTHING, TYPE_JSONPATH_FAILED } type_jsonpath_outcome;
/* found NULL: is there any? FAILED with run->is_silent leaves no error; false: call->err is set. */
bool type_jsonpath_evaluate(rdb_call *call, const type_jsonpath_run *run, type_jsonpath_items *found, type_jsonpath_outcome *outcome);
/* The item as a stored node. */
bool type_jsonpath_item_node(rdb_call *call, const type_jsonpath_item *item, rdb_bytes *node);

/* Date and time items (jsonpath_datetime.c). An error of the input stays in call->err. */
bool type_jsonpath_read_datetime(rdb_call *call, rdb_bytes text, const rdb_bytes *template, type_jsonpath_item *item);
/* -1, 0, 1 in *order; *comparable false: of kinds that have no order. False: only a zone would make them comparable. */
bool type_jsonpath_compare_datetimes(rdb_call *call, const type_jsonpath_item *x, const type_jsonpath_item *y, bool with_zone, int *order, bool *comparable);
const char *type_jsonpath_datetime_name(uint32_t oid);
/* How far a node stands from the root's first byte in PostgreSQL's own binary form: what .keyvalue() gives as "id". False: it is not in the root. */
bool type_jsonpath_peer_offset(rdb_bytes root, rdb_bytes node, int64_t *offset);

#endif
