/* SPDX-License-Identifier: Apache-2.0
 * Operators and functions of json and jsonb. Those of json look members up in the text and give the text as it stands;
 * those of jsonb read the stored nodes. */
#include "type/array.h"
#include "type/json.h"
#include "type/numeric.h"
#include "type/tables.h"
#include <stdlib.h>

static rdb_bytes bytes_of(rdb_slice slice)
{
    return (rdb_bytes){.data = slice.data, .length = (uint32_t)slice.length};
}

/* ---- members ------------------------------------------------------------------------------------------------------------------ */
/* A node as an answer: itself, or as text where a string loses its quotes and a JSON null becomes SQL's. */
static bool give_node(rdb_call *call, rdb_bytes node, bool as_text, rdb_datum *r, bool *is_null)
{
    type_jsonb json;
    r->bytes = node;
    if (!as_text)
        return true;
    type_jsonb_read(node, &json);
    if (json.kind == TYPE_JSON_NULL) {
        *is_null = true;
        return true;
    }
    if (json.kind == TYPE_JSON_STRING) {
        r->bytes = json.payload;
        return true;
    }
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    return type_jsonb_format(call, node, &text) && type_take_buffer(call, &text, r);
}

static bool give_text(rdb_call *call, rdb_slice member, bool as_text, rdb_datum *r, bool *is_null)
{
    r->bytes = bytes_of(member);
    if (!as_text || member.length == 0)
        return true;
    if (member.data[0] == 'n') {
        *is_null = true;
    } else if (member.data[0] == '"') {
        type_json *tree = NULL;
        if (!type_json_parse(call, member, "json", &tree))
            return false;
        r->bytes = tree->bytes;
    }
    return true;
}

static bool find_in_node(rdb_bytes stored, const rdb_bytes *key, int64_t index, rdb_bytes *node)
{
    type_jsonb json;
    type_jsonb_read(stored, &json);
    if (key != NULL)
        return type_jsonb_find(&json, *key, node);
    if (index < 0)
        index += json.count;
    if (json.kind != TYPE_JSON_ARRAY || index < 0 || index >= json.count)
        return false;
    *node = type_jsonb_item(&json, (uint32_t)index);
    return true;
}

static bool find_in_text(rdb_call *call, rdb_slice text, const rdb_bytes *key, int64_t index, rdb_slice *member, bool *found)
{
    type_json_members members;
    *found = false;
    if (!type_json_split(call, text, &members))
        return false;
    if (key != NULL) {
        for (uint32_t i = members.kind == TYPE_JSON_OBJECT ? members.count : 0; i-- > 0 && !*found;) { /* the last of equal keys */
            *found = type_equal_bytes(members.members[i].key, *key);
            *member = members.members[i].text;
        }
    } else if (members.kind == TYPE_JSON_ARRAY) {
        index += index < 0 ? members.count : 0;
        *found = index >= 0 && index < members.count;
        if (*found)
            *member = members.members[index].text;
    }
    return true;
}

static bool jsonb_member(rdb_call *call, const rdb_datum *a, bool by_key, bool as_text, rdb_datum *r, bool *is_null)
{
    rdb_bytes node;
    if (!by_key && a[0].bytes.data[0] < TYPE_JSON_ARRAY && (a[1].i32 == 0 || a[1].i32 == -1)) /* a scalar alone passes for an array of one, as in PostgreSQL */
        return give_node(call, a[0].bytes, as_text, r, is_null);
    *is_null = !find_in_node(a[0].bytes, by_key ? &a[1].bytes : NULL, a[1].i32, &node);
    return *is_null || give_node(call, node, as_text, r, is_null);
}

static bool json_member(rdb_call *call, const rdb_datum *a, bool by_key, bool as_text, rdb_datum *r, bool *is_null)
{
    rdb_slice member;
    bool found;
    if (!find_in_text(call, type_slice(a[0]), by_key ? &a[1].bytes : NULL, a[1].i32, &member, &found))
        return false;
    *is_null = !found;
    return !found || give_text(call, member, as_text, r, is_null);
}

/* A path step: a key of an object, an index of an array. */
static bool step_index(rdb_bytes step, int64_t *index)
{
    char copy[24], *end;
    if (step.length == 0 || step.length >= sizeof copy)
        return false;
    memcpy(copy, step.data, step.length);
    copy[step.length] = '\0';
    *index = strtoll(copy, &end, 10);
    return *end == '\0' && *index >= INT32_MIN && *index <= INT32_MAX;
}

static bool extract_path(rdb_call *call, const rdb_datum *a, bool is_binary, bool as_text, rdb_datum *r, bool *is_null)
{
    type_array path;
    rdb_slice text = type_slice(a[0]);
    rdb_bytes node = a[0].bytes;
    type_array_read(a[1].bytes, &path);
    for (uint32_t i = 0; i < path.count; i++) {
        rdb_datum step;
        int64_t index = 0;
        bool found = false;
        if (type_array_get(&path, i, &step)) {
            if (is_binary) {
                bool is_array = node.data[0] == TYPE_JSON_ARRAY;
                found = (!is_array || step_index(step.bytes, &index)) && find_in_node(node, is_array ? NULL : &step.bytes, index, &node);
            } else {
                bool is_array = text.length > 0 && memchr("[", text.data[strspn((const char *)text.data, " \t\r\n")], 1) != NULL;
                if ((!is_array || step_index(step.bytes, &index)) && !find_in_text(call, text, is_array ? NULL : &step.bytes, index, &text, &found))
                    return false;
            }
        }
        if (!found) {
            *is_null = true;
            return true;
        }
    }
    return is_binary ? give_node(call, node, as_text, r, is_null) : give_text(call, text, as_text, r, is_null);
}

#define MEMBER(name, function, by_key, as_text)                                     \
    TYPE_ROW_FUNCTION(name, 2)                                                      \
    {                                                                               \
        return function(call, a, by_key, as_text, r, is_null);                      \
    }
MEMBER(jsonb_field, jsonb_member, true, false)
MEMBER(jsonb_field_text, jsonb_member, true, true)
MEMBER(jsonb_element, jsonb_member, false, false)
MEMBER(jsonb_element_text, jsonb_member, false, true)
MEMBER(json_field, json_member, true, false)
MEMBER(json_field_text, json_member, true, true)
MEMBER(json_element, json_member, false, false)
MEMBER(json_element_text, json_member, false, true)
MEMBER(jsonb_path, extract_path, true, false)
MEMBER(jsonb_path_text, extract_path, true, true)
MEMBER(json_path, extract_path, false, false)
MEMBER(json_path_text, extract_path, false, true)

/* ---- what it is ------------------------------------------------------------------------------------------------------------------ */
static const char *kind_name(type_json_kind kind)
{
    static const char *const NAMES[] = {"null", "boolean", "boolean", "number", "string", "array", "object"};
    return NAMES[kind];
}

TYPE_ROW_FUNCTION(jsonb_typeof, 1)
{
    return type_make_text(call, kind_name((type_json_kind)a[0].bytes.data[0]), r);
}

TYPE_ROW_FUNCTION(json_typeof, 1)
{
    type_json_members members;
    return type_json_split(call, type_slice(a[0]), &members) && type_make_text(call, kind_name(members.kind), r);
}

static bool array_length(rdb_call *call, type_json_kind kind, uint32_t count, rdb_datum *r)
{
    if (kind == TYPE_JSON_OBJECT)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot get array length of a non-array");
    if (kind != TYPE_JSON_ARRAY)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot get array length of a scalar");
    r->i32 = (int32_t)count;
    return true;
}

TYPE_ROW_FUNCTION(jsonb_array_length, 1)
{
    type_jsonb json;
    type_jsonb_read(a[0].bytes, &json);
    return array_length(call, json.kind, json.count, r);
}

TYPE_ROW_FUNCTION(json_array_length, 1)
{
    type_json_members members;
    return type_json_split(call, type_slice(a[0]), &members) && array_length(call, members.kind, members.count, r);
}

/* ---- existence and containment ------------------------------------------------------------------------------------------------------ */
static bool exists(rdb_bytes stored, rdb_bytes key)
{
    type_jsonb json, item;
    rdb_bytes node;
    type_jsonb_read(stored, &json);
    if (json.kind == TYPE_JSON_OBJECT)
        return type_jsonb_find(&json, key, &node);
    if (json.kind == TYPE_JSON_STRING)
        return type_equal_bytes(json.payload, key);
    for (uint32_t i = 0; i < json.count; i++) {
        type_jsonb_read(type_jsonb_item(&json, i), &item);
        if (item.kind == TYPE_JSON_STRING && type_equal_bytes(item.payload, key))
            return true;
    }
    return false;
}

TYPE_BINARY(jsonb_exists, rdb_bytes, rdb_bytes, uint8_t, exists(x, y))

static void exists_among(const rdb_datum *a, bool all, rdb_datum *r)
{
    type_array keys;
    rdb_datum key;
    type_array_read(a[1].bytes, &keys);
    r->b = all;
    for (uint32_t i = 0; i < keys.count; i++) {
        if (type_array_get(&keys, i, &key) && exists(a[0].bytes, key.bytes) != all)
            r->b = !all;
    }
}

TYPE_ROW_FUNCTION(jsonb_exists_any, 2)
{
    exists_among(a, false, r);
    return true;
}

TYPE_ROW_FUNCTION(jsonb_exists_all, 2)
{
    exists_among(a, true, r);
    return true;
}

static bool contains(rdb_bytes whole_stored, rdb_bytes part_stored, bool outermost)
{
    type_jsonb whole, part;
    type_jsonb_read(whole_stored, &whole);
    type_jsonb_read(part_stored, &part);
    if (part.kind < TYPE_JSON_ARRAY) {
        if (whole.kind == TYPE_JSON_ARRAY && outermost) { /* an array contains a scalar that is its element */
            for (uint32_t i = 0; i < whole.count; i++) {
                if (type_jsonb_compare(type_jsonb_item(&whole, i), part_stored) == 0)
                    return true;
            }
            return false;
        }
        return whole.kind < TYPE_JSON_ARRAY && type_jsonb_compare(whole_stored, part_stored) == 0;
    }
    if (whole.kind != part.kind)
        return false;
    for (uint32_t i = 0; i < part.count; i++) {
        rdb_bytes sought = type_jsonb_item(&part, i), found;
        bool is_in = false;
        if (part.kind == TYPE_JSON_OBJECT) {
            is_in = type_jsonb_find(&whole, type_jsonb_key(&part, i), &found) && contains(found, sought, false);
        } else {
            for (uint32_t k = 0; k < whole.count && !is_in; k++)
                is_in = contains(type_jsonb_item(&whole, k), sought, false);
        }
        if (!is_in)
            return false;
    }
    return true;
}
TYPE_BINARY(jsonb_contains, rdb_bytes, rdb_bytes, uint8_t, contains(x, y, true))
TYPE_BINARY(jsonb_contained, rdb_bytes, rdb_bytes, uint8_t, contains(y, x, true))
TYPE_ORDERED_COMPARISONS(jsonb, rdb_bytes, rdb_bytes, type_jsonb_compare)

/* ---- changing -------------------------------------------------------------------------------------------------------------------------- */
static void remove_item(type_json *node, uint32_t index)
{
    memmove(node->items + index, node->items + index + 1, sizeof *node->items * (node->count - index - 1));
    memmove(node->keys + index, node->keys + index + 1, sizeof *node->keys * (node->count - index - 1));
    node->count--;
}

static uint32_t find_key(const type_json *object, rdb_bytes key)
{
    uint32_t i = 0;
    while (i < object->count && !type_equal_bytes(object->keys[i], key))
        i++;
    return i;
}

TYPE_ROW_FUNCTION(jsonb_concat, 2)
{
    type_json *x, *y, *joined;
    if (!type_jsonb_tree(call, a[0].bytes, &x) || !type_jsonb_tree(call, a[1].bytes, &y))
        return false;
    if (x->kind == TYPE_JSON_OBJECT && y->kind == TYPE_JSON_OBJECT) {
        for (uint32_t i = 0; i < y->count; i++) {
            if (!type_json_add(call, x, y->keys[i], y->items[i]))
                return false;
        }
        return type_jsonb_write(call, x, r);
    }
    joined = type_json_new(call, TYPE_JSON_ARRAY);
    type_json *parts[] = {x, y};
    for (int p = 0; p < 2; p++) {
        bool whole = parts[p]->kind != TYPE_JSON_ARRAY;
        for (uint32_t i = 0; i < (whole ? 1 : parts[p]->count); i++) {
            if (!type_json_add(call, joined, (rdb_bytes){0}, whole ? parts[p] : parts[p]->items[i]))
                return false;
        }
    }
    return type_jsonb_write(call, joined, r);
}

static bool remove_key(rdb_call *call, type_json *tree, rdb_bytes key)
{
    if (tree->kind < TYPE_JSON_ARRAY)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot delete from scalar");
    for (uint32_t i = tree->count; i-- > 0;) {
        const type_json *item = tree->items[i];
        if (tree->kind == TYPE_JSON_OBJECT ? type_equal_bytes(tree->keys[i], key) : item->kind == TYPE_JSON_STRING && type_equal_bytes(item->bytes, key))
            remove_item(tree, i);
    }
    return true;
}

TYPE_ROW_FUNCTION(jsonb_delete, 2)
{
    type_json *tree;
    return type_jsonb_tree(call, a[0].bytes, &tree) && remove_key(call, tree, a[1].bytes) && type_jsonb_write(call, tree, r);
}

TYPE_ROW_FUNCTION(jsonb_delete_array, 2)
{
    type_json *tree;
    type_array keys;
    rdb_datum key;
    if (!type_jsonb_tree(call, a[0].bytes, &tree))
        return false;
    if (tree->kind < TYPE_JSON_ARRAY)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot delete from scalar");
    type_array_read(a[1].bytes, &keys);
    for (uint32_t i = 0; i < keys.count; i++) {
        if (type_array_get(&keys, i, &key) && !remove_key(call, tree, key.bytes))
            return false;
    }
    return type_jsonb_write(call, tree, r);
}

TYPE_ROW_FUNCTION(jsonb_delete_index, 2)
{
    type_json *tree;
    if (!type_jsonb_tree(call, a[0].bytes, &tree))
        return false;
    if (tree->kind == TYPE_JSON_OBJECT)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot delete from object using integer index");
    if (tree->kind != TYPE_JSON_ARRAY)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot delete from scalar");
    int64_t index = a[1].i32 < 0 ? (int64_t)a[1].i32 + tree->count : a[1].i32;
    if (index >= 0 && index < tree->count)
        remove_item(tree, (uint32_t)index);
    return type_jsonb_write(call, tree, r);
}

typedef enum change { REPLACE_ONLY, CREATE, INSERT_BEFORE, INSERT_AFTER, DELETE } change;

/* Applies the change at the path; a path that is not there leaves the tree as it is. */
static bool change_at(rdb_call *call, type_json *tree, const type_array *path, uint32_t depth, type_json *value, change how)
{
    rdb_datum step;
    bool last = depth + 1 == path->count;
    if (!type_array_get(path, depth, &step))
        return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "path element at position %u is null", depth + 1);
    if (tree->kind == TYPE_JSON_OBJECT) {
        uint32_t at = find_key(tree, step.bytes);
        bool found = at < tree->count;
        if (!last)
            return !found || change_at(call, tree->items[at], path, depth + 1, value, how);
        if (how == DELETE) {
            if (found)
                remove_item(tree, at);
        } else if (found && how >= INSERT_BEFORE) {
            rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot replace existing key");
            return rdb_error_hint(call->err, "Try using the function jsonb_set to replace key value.");
        } else if (found) {
            tree->items[at] = value;
        } else if (how != REPLACE_ONLY) {
            return type_json_add(call, tree, step.bytes, value);
        }
        return true;
    }
    if (tree->kind != TYPE_JSON_ARRAY)
        return true;
    int64_t index;
    if (!step_index(step.bytes, &index))
        return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "path element at position %u is not an integer: \"%.*s\"", depth + 1,
                             (int)step.bytes.length, (const char *)step.bytes.data);
    bool before_first = index < 0 && -index > (int64_t)tree->count;
    if (index < 0)
        index += tree->count;
    bool found = index >= 0 && index < tree->count;
    if (!last)
        return !found || change_at(call, tree->items[index], path, depth + 1, value, how);
    if (how == DELETE) {
        if (found)
            remove_item(tree, (uint32_t)index);
        return true;
    }
    if (found && how <= CREATE) {
        tree->items[index] = value;
        return true;
    }
    if (how == REPLACE_ONLY)
        return true;
    int64_t place = before_first ? 0 : !found ? tree->count : how == INSERT_AFTER ? index + 1 : index;
    if (!type_json_add(call, tree, (rdb_bytes){0}, value))
        return false;
    memmove(tree->items + place + 1, tree->items + place, sizeof *tree->items * (size_t)(tree->count - 1 - place));
    tree->items[place] = value;
    return true;
}

static bool change_path(rdb_call *call, rdb_datum stored, rdb_datum path_value, const rdb_datum *new_value, change how, rdb_datum *r)
{
    type_json *tree, *value = NULL;
    type_array path;
    type_array_read(path_value.bytes, &path);
    if (!type_jsonb_tree(call, stored.bytes, &tree) || (new_value != NULL && !type_jsonb_tree(call, new_value->bytes, &value)))
        return false;
    if (path.ndim > 1)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    if (tree->kind < TYPE_JSON_ARRAY)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, how == DELETE ? "cannot delete path in scalar" : "cannot set path in scalar");
    if (path.count == 0 || (tree->count == 0 && (how == REPLACE_ONLY || how == DELETE))) {
        *r = stored;
        return true;
    }
    return change_at(call, tree, &path, 0, value, how) && type_jsonb_write(call, tree, r);
}

/* ---- subscripts ----------------------------------------------------------------------------------------------------------------------- */
bool rdb_jsonb_subscript(rdb_datum json, const rdb_bytes *steps, uint32_t count, rdb_datum *result)
{
    rdb_bytes node = json.bytes;
    for (uint32_t i = 0; i < count; i++) {
        int64_t index = 0;
        bool is_array = node.data[0] == TYPE_JSON_ARRAY;
        if ((is_array && !step_index(steps[i], &index)) || !find_in_node(node, is_array ? NULL : &steps[i], index, &node))
            return false;
    }
    result->bytes = node;
    return true;
}

static bool add_nulls(rdb_call *call, type_json *array, int64_t wanted_count)
{
    if (wanted_count > TYPE_BYTES_MAX / 5) /* a null takes a byte and the four of its end */
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "total size of jsonb array elements exceeds the maximum of %u bytes", TYPE_BYTES_MAX);
    while (array->count < wanted_count) {
        if (!type_json_add(call, array, (rdb_bytes){0}, type_json_new(call, TYPE_JSON_NULL)))
            return false;
    }
    return true;
}

/* What the steps lead to from nothing: value inside of new containers. */
static bool build_path(rdb_call *call, const rdb_bytes *steps, uint32_t count, type_json *value, type_json **built)
{
    *built = value;
    while (count-- > 0) {
        int64_t index;
        bool is_array = step_index(steps[count], &index);
        type_json *container = type_json_new(call, is_array ? TYPE_JSON_ARRAY : TYPE_JSON_OBJECT);
        if (is_array && !add_nulls(call, container, index))
            return false;
        if (!type_json_add(call, container, steps[count], *built))
            return false;
        *built = container;
    }
    return true;
}

static bool assign_step(rdb_call *call, type_json *tree, const rdb_bytes *steps, uint32_t count, uint32_t depth, type_json *value)
{
    bool is_last = depth + 1 == count;
    type_json **place = NULL, *built;
    if (tree->kind < TYPE_JSON_ARRAY) {
        rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot replace existing key");
        return rdb_error_detail(call->err, "The path assumes key is a composite object, but it is a scalar value.");
    }
    if (tree->kind == TYPE_JSON_OBJECT) {
        uint32_t at = find_key(tree, steps[depth]);
        if (at == tree->count)
            return build_path(call, steps + depth + 1, count - depth - 1, value, &built) && type_json_add(call, tree, steps[depth], built);
        place = &tree->items[at];
    } else {
        int64_t index;
        if (!step_index(steps[depth], &index))
            return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "path element at position %u is not an integer: \"%.*s\"", depth + 1,
                                 (int)steps[depth].length, (const char *)steps[depth].data);
        if (index < -(int64_t)tree->count)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "path element at position %u is out of range: %lld", depth + 1, (long long)index);
        index += index < 0 ? tree->count : 0;
        if (index >= tree->count)
            return build_path(call, steps + depth + 1, count - depth - 1, value, &built) && add_nulls(call, tree, index) &&
                   type_json_add(call, tree, (rdb_bytes){0}, built);
        place = &tree->items[index];
    }
    if (!is_last)
        return assign_step(call, *place, steps, count, depth + 1, value);
    *place = value;
    return true;
}

bool rdb_jsonb_assign(rdb_call *call, rdb_datum json, bool json_is_null, bool starts_array, const rdb_bytes *steps, uint32_t count,
                      rdb_datum value, bool value_is_null, rdb_datum *result)
{
    type_json *tree, *item;
    if (json_is_null)
        tree = type_json_new(call, starts_array ? TYPE_JSON_ARRAY : TYPE_JSON_OBJECT);
    else if (!type_jsonb_tree(call, json.bytes, &tree))
        return false;
    if (value_is_null)
        item = type_json_new(call, TYPE_JSON_NULL);
    else if (!type_jsonb_tree(call, value.bytes, &item))
        return false;
    return assign_step(call, tree, steps, count, 0, item) && type_jsonb_write(call, tree, result);
}

TYPE_ROW_FUNCTION(jsonb_delete_path, 2)
{
    return change_path(call, a[0], a[1], NULL, DELETE, r);
}

TYPE_ROW_FUNCTION(jsonb_set, 4)
{
    return change_path(call, a[0], a[1], &a[2], a[3].b ? CREATE : REPLACE_ONLY, r);
}

bool type_jsonb_set_path(rdb_call *call, const rdb_datum *a, rdb_datum *r)
{
    bool is_null = false;
    return jsonb_set_row(call, a, r, &is_null);
}

bool type_jsonb_delete_at(rdb_call *call, const rdb_datum *a, rdb_datum *r)
{
    bool is_null = false;
    return jsonb_delete_path_row(call, a, r, &is_null);
}

TYPE_ROW_FUNCTION(jsonb_insert, 4)
{
    return change_path(call, a[0], a[1], &a[2], a[3].b ? INSERT_AFTER : INSERT_BEFORE, r);
}

static void strip_nulls(type_json *tree)
{
    for (uint32_t i = tree->count; i-- > 0;) {
        if (tree->kind == TYPE_JSON_OBJECT && tree->items[i]->kind == TYPE_JSON_NULL)
            remove_item(tree, i);
        else
            strip_nulls(tree->items[i]);
    }
}

TYPE_ROW_FUNCTION(jsonb_strip_nulls, 1)
{
    type_json *tree;
    if (!type_jsonb_tree(call, a[0].bytes, &tree))
        return false;
    strip_nulls(tree);
    return type_jsonb_write(call, tree, r);
}

static bool pretty(rdb_call *call, rdb_bytes stored, int depth, rdb_strbuf *text)
{
    type_jsonb json;
    type_jsonb_read(stored, &json);
    if (json.kind < TYPE_JSON_ARRAY)
        return type_jsonb_format(call, stored, text);
    rdb_strbuf_addc(text, json.kind == TYPE_JSON_ARRAY ? '[' : '{');
    for (uint32_t i = 0; i < json.count; i++) {
        rdb_strbuf_addf(text, "%s\n%*s", i > 0 ? "," : "", 4 * (depth + 1), "");
        if (json.kind == TYPE_JSON_OBJECT) {
            type_json_add_string(text, type_jsonb_key(&json, i));
            rdb_strbuf_adds(text, ": ");
        }
        if (!pretty(call, type_jsonb_item(&json, i), depth + 1, text))
            return false;
    }
    rdb_strbuf_addf(text, "\n%*s%c", 4 * depth, "", json.kind == TYPE_JSON_ARRAY ? ']' : '}');
    return true;
}

TYPE_ROW_FUNCTION(jsonb_pretty, 1)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    return pretty(call, a[0].bytes, 0, &text) && type_take_buffer(call, &text, r);
}

/* ---- building from SQL values -------------------------------------------------------------------------------------------------------------- */
/* JSON text as the result: kept for json, parsed for jsonb. */
static bool give_built(rdb_call *call, rdb_strbuf *text, bool is_binary, rdb_datum *r)
{
    if (!type_take_buffer(call, text, r) || !is_binary)
        return !call->err->sqlstate[0];
    return type_jsonb_ops.input(call, NULL, type_slice(*r), -1, r);
}

static bool to_json_value(rdb_call *call, const rdb_datum *a, bool is_binary, rdb_datum *r)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    return type_json_from_value(call, call->argument_types[0], a[0], false, &text) && give_built(call, &text, is_binary, r);
}

TYPE_ROW_FUNCTION(to_json, 1)
{
    return to_json_value(call, a, false, r);
}

TYPE_ROW_FUNCTION(to_jsonb, 1)
{
    return to_json_value(call, a, true, r);
}

static bool add_key(rdb_call *call, const rdb_type *type, rdb_datum value, rdb_strbuf *text)
{
    rdb_strbuf plain;
    const rdb_type *base = type_base(type);
    bool is_vector = base->oid == RDB_INT2VECTOROID || base->oid == RDB_OIDVECTOROID;
    if ((base->element != NULL && !is_vector) || base->kind == 'c' || base->oid == RDB_RECORDOID || base->oid == RDB_ANYARRAYOID ||
        base->oid == RDB_JSONOID || base->oid == RDB_JSONBOID)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "key value must be scalar, not array, composite, or json");
    rdb_strbuf_init(&plain, call->arena);
    if (!type_to_text(call, type, value, &plain) || !rdb_strbuf_check(&plain, call->err))
        return false;
    type_json_add_string(text, (rdb_bytes){.data = (const uint8_t *)(plain.data != NULL ? plain.data : ""), .length = (uint32_t)plain.length});
    return true;
}

static bool build_object(rdb_call *call, uint32_t count, const rdb_datum *a, const bool *nulls, bool is_binary, rdb_datum *r)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    if (count % 2 != 0) {
        rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "argument list must have even number of elements");
        return rdb_error_hint(call->err, "The arguments of %s must consist of alternating keys and values.", is_binary ? "jsonb_build_object()" : "json_build_object()");
    }
    rdb_strbuf_addc(&text, '{');
    for (uint32_t i = 0; i < count; i += 2) {
        if (nulls[i]) {
            if (is_binary)
                return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "argument %u: key must not be null", i + 1);
            rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "argument %u cannot be null", i + 1);
            return rdb_error_hint(call->err, "Object keys should be text.");
        }
        if (i > 0)
            rdb_strbuf_adds(&text, ", ");
        if (!add_key(call, call->argument_types[i], a[i], &text))
            return false;
        rdb_strbuf_adds(&text, " : ");
        if (!type_json_from_value(call, call->argument_types[i + 1], a[i + 1], nulls[i + 1], &text))
            return false;
    }
    rdb_strbuf_addc(&text, '}');
    return give_built(call, &text, is_binary, r);
}

static bool build_array(rdb_call *call, uint32_t count, const rdb_datum *a, const bool *nulls, bool is_binary, rdb_datum *r)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_addc(&text, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            rdb_strbuf_adds(&text, ", ");
        if (!type_json_from_value(call, call->argument_types[i], a[i], nulls[i], &text))
            return false;
    }
    rdb_strbuf_addc(&text, ']');
    return give_built(call, &text, is_binary, r);
}

#define BUILD(name, function, is_binary)                                   \
    TYPE_NULL_FUNCTION(name, UINT32_MAX)                                   \
    {                                                                      \
        return function(call, count, a, nulls, is_binary, r);              \
    }
BUILD(json_build_object, build_object, false)
BUILD(jsonb_build_object, build_object, true)
BUILD(json_build_array, build_array, false)
BUILD(jsonb_build_array, build_array, true)

/* ---- casts ------------------------------------------------------------------------------------------------------------------------------------ */
static bool scalar_of(rdb_call *call, rdb_bytes stored, type_json_kind wanted, const char *type_name, type_jsonb *json)
{
    type_jsonb_read(stored, json);
    type_json_kind kind = json->kind == TYPE_JSON_FALSE ? TYPE_JSON_TRUE : json->kind;
    if (kind == wanted)
        return true;
    static const char *const NAMES[] = {"null", "boolean", "boolean", "numeric", "string", "array", "object"};
    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot cast jsonb %s to type %s", NAMES[json->kind], type_name);
}

TYPE_ROW_FUNCTION(jsonb_to_bool, 1)
{
    type_jsonb json;
    if (!scalar_of(call, a[0].bytes, TYPE_JSON_TRUE, "boolean", &json))
        return false;
    r->b = json.kind == TYPE_JSON_TRUE;
    return true;
}

TYPE_ROW_FUNCTION(jsonb_to_numeric, 1)
{
    type_jsonb json;
    if (!scalar_of(call, a[0].bytes, TYPE_JSON_NUMBER, "numeric", &json))
        return false;
    r->bytes = json.payload;
    return true;
}

#define JSONB_TO_INT(name, field, ctype, min, max, type_name)                                                \
    TYPE_ROW_FUNCTION(name, 1)                                                                               \
    {                                                                                                        \
        type_jsonb json;                                                                                     \
        type_numeric number;                                                                                 \
        int64_t value = 0;                                                                                   \
        if (!scalar_of(call, a[0].bytes, TYPE_JSON_NUMBER, type_name, &json))                                \
            return false;                                                                                    \
        type_numeric_read(json.payload, &number);                                                            \
        bool fits = type_numeric_to_int64(&number, &value) && value >= (min) && value <= (max);              \
        type_numeric_clear(&number);                                                                         \
        r->field = (ctype)value;                                                                             \
        return fits || rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", type_name); \
    }
JSONB_TO_INT(jsonb_to_int2, i16, int16_t, INT16_MIN, INT16_MAX, "smallint")
JSONB_TO_INT(jsonb_to_int4, i32, int32_t, INT32_MIN, INT32_MAX, "integer")
JSONB_TO_INT(jsonb_to_int8, i64, int64_t, INT64_MIN, INT64_MAX, "bigint")

TYPE_ROW_FUNCTION(jsonb_to_float8, 1)
{
    type_jsonb json;
    type_numeric number;
    if (!scalar_of(call, a[0].bytes, TYPE_JSON_NUMBER, "double precision", &json))
        return false;
    type_numeric_read(json.payload, &number);
    r->f8 = type_numeric_to_double(&number);
    type_numeric_clear(&number);
    return true;
}

TYPE_ROW_FUNCTION(jsonb_to_float4, 1)
{
    type_jsonb json;
    type_numeric number;
    if (!scalar_of(call, a[0].bytes, TYPE_JSON_NUMBER, "real", &json))
        return false;
    type_numeric_read(json.payload, &number);
    r->f4 = (float)type_numeric_to_double(&number);
    type_numeric_clear(&number);
    return true;
}

/* ---- sets ------------------------------------------------------------------------------------------------------------------------------------------ */
typedef struct walk {
    type_jsonb json;           /* jsonb */
    type_json_members members; /* json */
    uint32_t next, count;
} walk;

typedef enum walk_kind { KEYS, ELEMENTS, EACH } walk_kind;

static bool walk_begin(rdb_call *call, walk *w, const rdb_datum *a, walk_kind kind, bool is_binary, const char *function)
{
    memset(w, 0, sizeof *w);
    if (is_binary)
        type_jsonb_read(a[0].bytes, &w->json);
    else if (!type_json_split(call, type_slice(a[0]), &w->members))
        return false;
    type_json_kind found = is_binary ? w->json.kind : w->members.kind;
    w->count = is_binary ? w->json.count : w->members.count;
    if (kind == ELEMENTS && found != TYPE_JSON_ARRAY) {
        if (found == TYPE_JSON_OBJECT)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, is_binary ? "cannot extract elements from an object" : "cannot call %s on a non-array", function);
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, is_binary ? "cannot extract elements from a scalar" : "cannot call %s on a scalar", function);
    }
    if (kind == KEYS && found != TYPE_JSON_OBJECT)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot call %s on %s", function, found == TYPE_JSON_ARRAY ? "an array" : "a scalar");
    if (kind == EACH && found != TYPE_JSON_OBJECT) {
        if (is_binary)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot call %s on a non-object", function);
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot deconstruct %s", found == TYPE_JSON_ARRAY ? "an array as an object" : "a scalar");
    }
    return true;
}

static bool walk_next(rdb_call *call, walk *w, walk_kind kind, bool is_binary, bool as_text, rdb_vector **columns, uint32_t capacity, uint32_t *count)
{
    for (*count = 0; *count < capacity && w->next < w->count; ++*count, w->next++) {
        rdb_datum key = {.words = {0, 0}}, value = {.words = {0, 0}};
        bool is_null = false;
        if (kind != ELEMENTS)
            key.bytes = is_binary ? type_jsonb_key(&w->json, w->next) : w->members.members[w->next].key;
        if (kind == KEYS) {
            rdb_vector_put(columns[0], *count, key, false);
            continue;
        }
        if (is_binary ? !give_node(call, type_jsonb_item(&w->json, w->next), as_text, &value, &is_null)
                      : !give_text(call, w->members.members[w->next].text, as_text, &value, &is_null))
            return false;
        if (kind == EACH)
            rdb_vector_put(columns[0], *count, key, false);
        rdb_vector_put(columns[kind == EACH ? 1 : 0], *count, value, is_null);
    }
    return true;
}

#define WALK(name, kind, is_binary, as_text)                                                                                    \
    static bool name##_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)                  \
    {                                                                                                                           \
        return walk_begin(call, state, a, kind, is_binary, #name);                                                              \
    }                                                                                                                           \
    static bool name##_next(rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count,               \
                            uint32_t capacity, uint32_t *count)                                                                 \
    {                                                                                                                           \
        return walk_next(call, state, kind, is_binary, as_text, columns, capacity, count);                                      \
    }
WALK(jsonb_object_keys, KEYS, true, false)
WALK(json_object_keys, KEYS, false, false)
WALK(jsonb_array_elements, ELEMENTS, true, false)
WALK(jsonb_array_elements_text, ELEMENTS, true, true)
WALK(json_array_elements, ELEMENTS, false, false)
WALK(json_array_elements_text, ELEMENTS, false, true)
WALK(jsonb_each, EACH, true, false)
WALK(jsonb_each_text, EACH, true, true)
WALK(json_each, EACH, false, false)
WALK(json_each_text, EACH, false, true)

/* ---- aggregates --------------------------------------------------------------------------------------------------------------------------------------- */
typedef struct agg_state {
    rdb_strbuf text; /* in call->arena from the first value on */
    bool any;
} agg_state;

static bool agg_update(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection, bool is_object)
{
    RDB_FOR_SELECTED (selection, row) {
        agg_state *state = states[row_at];
        bool is_first = !state->any;
        if (!state->any) {
            rdb_strbuf_init(&state->text, call->arena);
            rdb_strbuf_adds(&state->text, is_object ? "{ " : "[");
        } else {
            rdb_strbuf_adds(&state->text, ", ");
        }
        state->any = true;
        if (is_object) {
            if (rdb_vector_is_null(arguments[0], row))
                return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "field name must not be null");
            if (!add_key(call, call->argument_types[0], rdb_vector_get(arguments[0], row), &state->text))
                return false;
            rdb_strbuf_adds(&state->text, " : ");
        }
        uint32_t at = is_object ? 1 : 0;
        bool is_null = rdb_vector_is_null(arguments[at], row);
        rdb_datum value = {.words = {0, 0}};
        if (!is_null)
            value = rdb_vector_get(arguments[at], row);
        const rdb_type *type = type_base(call->argument_types[at]);
        if (!is_object && !is_null && !is_first && (type->element != NULL || type->kind == 'c' || type->oid == RDB_RECORDOID))
            rdb_strbuf_adds(&state->text, "\n "); /* arrays and rows stand on lines of their own */
        if (!type_json_from_value(call, call->argument_types[at], value, is_null, &state->text) || !rdb_strbuf_check(&state->text, call->err))
            return false;
    }
    return true;
}

static bool agg_finish(rdb_call *call, agg_state *state, bool is_object, bool is_binary, rdb_datum *value, bool *is_null)
{
    *is_null = !state->any;
    if (!state->any)
        return true;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_add(&text, state->text.data, state->text.length);
    rdb_strbuf_adds(&text, is_object ? " }" : "]");
    return give_built(call, &text, is_binary, value);
}

#define JSON_AGGREGATE(name, is_object, is_binary)                                                                          \
    static bool name##_update(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection) \
    {                                                                                                                       \
        return agg_update(call, states, arguments, selection, is_object);                                                   \
    }                                                                                                                       \
    static bool name##_finish(rdb_call *call, void *state, rdb_datum *value, bool *is_null)                                 \
    {                                                                                                                       \
        return agg_finish(call, state, is_object, is_binary, value, is_null);                                               \
    }
JSON_AGGREGATE(json_agg, false, false)
JSON_AGGREGATE(jsonb_agg, false, true)
JSON_AGGREGATE(json_object_agg, true, false)
JSON_AGGREGATE(jsonb_object_agg, true, true)

#define F RDB_KERNEL_FALLIBLE
#define P RDB_KERNEL_POLYMORPHIC
static const type_kernel KERNELS[] = {
    {"jsonb_object_field", jsonb_field, F, 0}, {"jsonb_object_field_text", jsonb_field_text, F, 0},
    {"jsonb_array_element", jsonb_element, F, 0}, {"jsonb_array_element_text", jsonb_element_text, F, 0},
    {"json_object_field", json_field, F, 0}, {"json_object_field_text", json_field_text, F, 0},
    {"json_array_element", json_element, F, 0}, {"json_array_element_text", json_element_text, F, 0},
    {"jsonb_extract_path", jsonb_path, F, 0}, {"jsonb_extract_path_text", jsonb_path_text, F, 0},
    {"json_extract_path", json_path, F, 0}, {"json_extract_path_text", json_path_text, F, 0},
    {"jsonb_typeof", jsonb_typeof, 0, 0}, {"json_typeof", json_typeof, F, 0},
    {"jsonb_array_length", jsonb_array_length, F, 0}, {"json_array_length", json_array_length, F, 0},
    {"jsonb_exists", jsonb_exists, 0, 0}, {"jsonb_exists_any", jsonb_exists_any, 0, 0}, {"jsonb_exists_all", jsonb_exists_all, 0, 0},
    {"jsonb_contains", jsonb_contains, 0, 0}, {"jsonb_contained", jsonb_contained, 0, 0},
    TYPE_SIX_("jsonb", jsonb), {"jsonb_cmp", jsonb_cmp, 0, 0},
    {"jsonb_concat", jsonb_concat, F, 0}, {"jsonb_delete", jsonb_delete, F, 0}, {"jsonb_delete_array", jsonb_delete_array, F, 0},
    {"jsonb_delete_idx", jsonb_delete_index, F, 0}, {"jsonb_delete_path", jsonb_delete_path, F, 0}, {"jsonb_set", jsonb_set, F, 0},
    {"jsonb_insert", jsonb_insert, F, 0}, {"jsonb_strip_nulls", jsonb_strip_nulls, F, 0}, {"jsonb_pretty", jsonb_pretty, F, 0},
    {"to_json", to_json, P | F, 0}, {"to_jsonb", to_jsonb, P | F, 0},
    {"json_build_object", json_build_object, P | F, 0}, {"json_build_object_noargs", json_build_object, F, 0},
    {"jsonb_build_object", jsonb_build_object, P | F, 0}, {"jsonb_build_object_noargs", jsonb_build_object, F, 0},
    {"json_build_array", json_build_array, P | F, 0}, {"json_build_array_noargs", json_build_array, F, 0},
    {"jsonb_build_array", jsonb_build_array, P | F, 0}, {"jsonb_build_array_noargs", jsonb_build_array, F, 0},
    {"jsonb_bool", jsonb_to_bool, F, 0}, {"jsonb_numeric", jsonb_to_numeric, F, 0}, {"jsonb_int2", jsonb_to_int2, F, 0},
    {"jsonb_int4", jsonb_to_int4, F, 0}, {"jsonb_int8", jsonb_to_int8, F, 0}, {"jsonb_float8", jsonb_to_float8, F, 0}, {"jsonb_float4", jsonb_to_float4, F, 0},
};
TYPE_KERNEL_TABLE(type_json_table, KERNELS);

#define SET(source, name) {source, {0, sizeof(walk), name##_begin, name##_next, F}, 0}
static const type_set_kernel SET_KERNELS[] = {
    SET("jsonb_object_keys", jsonb_object_keys), SET("json_object_keys", json_object_keys),
    SET("jsonb_array_elements", jsonb_array_elements), SET("jsonb_array_elements_text", jsonb_array_elements_text),
    SET("json_array_elements", json_array_elements), SET("json_array_elements_text", json_array_elements_text),
    SET("jsonb_each", jsonb_each), SET("jsonb_each_text", jsonb_each_text), SET("json_each", json_each), SET("json_each_text", json_each_text),
};
TYPE_SET_KERNEL_TABLE(type_json_set_table, SET_KERNELS);

static const rdb_aggregate_entry AGGREGATES[] = {
    {3175, sizeof(agg_state), json_agg_update, NULL, NULL, json_agg_finish, 0},
    {3267, sizeof(agg_state), jsonb_agg_update, NULL, NULL, jsonb_agg_finish, 0},
    {3197, sizeof(agg_state), json_object_agg_update, NULL, NULL, json_object_agg_finish, 0},
    {3270, sizeof(agg_state), jsonb_object_agg_update, NULL, NULL, jsonb_object_agg_finish, 0},
};
TYPE_AGGREGATE_TABLE(type_json_aggregate_table, AGGREGATES);
