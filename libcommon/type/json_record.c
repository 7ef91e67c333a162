/* SPDX-License-Identifier: Apache-2.0
 * Rows and arrays to JSON, JSON to rows; objects out of arrays of keys and values. */
#include "type/array.h"
#include "type/json.h"
#include "type/tables.h"
#include <stdio.h>

/* ---- rows to JSON ------------------------------------------------------------------------------------------------------------- */
/* Fields are named as the row's type has them, else f1, f2, ... With line feeds each stands on a line of its own. */
bool type_json_add_record(rdb_call *call, const rdb_type *type, rdb_datum record, bool line_feeds, rdb_strbuf *text)
{
    uint32_t count = rdb_record_count(record), written = 0;
    const rdb_type **types = rdb_arena_zalloc(call->arena, sizeof *types * (count + 1));
    rdb_datum *values = rdb_arena_zalloc(call->arena, sizeof *values * (count + 1));
    bool *nulls = rdb_arena_zalloc(call->arena, count + 1);
    if (!rdb_record_read(call, record, types, values, nulls, count))
        return false;
    const rdb_type_field *fields = type != NULL && type->field_count == count ? type->fields : NULL;
    rdb_strbuf_addc(text, '{');
    for (uint32_t i = 0; i < count; i++) {
        char made[16];
        if (fields != NULL && fields[i].is_dropped)
            continue;
        if (written++ > 0)
            rdb_strbuf_adds(text, line_feeds ? ",\n " : ",");
        snprintf(made, sizeof made, "f%u", i + 1);
        const char *name = fields != NULL ? fields[i].name : made;
        type_json_add_string(text, (rdb_bytes){.data = (const uint8_t *)name, .length = (uint32_t)strlen(name)});
        rdb_strbuf_addc(text, ':');
        if (!type_json_from_value(call, types[i], values[i], nulls[i], text))
            return false;
    }
    rdb_strbuf_addc(text, '}');
    return true;
}

static bool row_json(rdb_call *call, const rdb_datum *a, bool line_feeds, rdb_datum *r)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    return type_json_add_record(call, type_base(call->argument_types[0]), a[0], line_feeds, &text) && type_take_buffer(call, &text, r);
}
TYPE_ROW_FUNCTION(row_to_json, 1) { return row_json(call, a, false, r); }
TYPE_ROW_FUNCTION(row_to_json_pretty, 2) { return row_json(call, a, a[1].b, r); }

static bool array_json(rdb_call *call, const rdb_datum *a, bool line_feeds, rdb_datum *r)
{
    rdb_strbuf text;
    type_array array;
    const rdb_type *element;
    rdb_strbuf_init(&text, call->arena);
    type_array_read(a[0].bytes, &array);
    if (!line_feeds || array.ndim != 1)
        return type_json_from_value(call, call->argument_types[0], a[0], false, &text) && type_take_buffer(call, &text, r);
    if (!type_array_element(call, call->argument_types[0], &array, &element))
        return false;
    rdb_strbuf_addc(&text, '[');
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum value;
        bool there = type_array_get(&array, i, &value);
        if (i > 0)
            rdb_strbuf_adds(&text, ",\n ");
        if (!type_json_from_value(call, element, value, !there, &text))
            return false;
    }
    rdb_strbuf_addc(&text, ']');
    return type_take_buffer(call, &text, r);
}
TYPE_ROW_FUNCTION(array_to_json, 1) { return array_json(call, a, false, r); }
TYPE_ROW_FUNCTION(array_to_json_pretty, 2) { return array_json(call, a, a[1].b, r); }

/* ---- objects out of arrays ---------------------------------------------------------------------------------------------------- */
static bool give(rdb_call *call, rdb_strbuf *text, bool is_binary, rdb_datum *r)
{
    return type_take_buffer(call, text, r) && (!is_binary || type_jsonb_ops.input(call, NULL, type_slice(*r), -1, r));
}

static bool add_pair(rdb_call *call, rdb_strbuf *text, bool first, bool has_key, rdb_datum key, bool has_value, rdb_datum value)
{
    if (!has_key)
        return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key");
    if (!first)
        rdb_strbuf_adds(text, ", ");
    type_json_add_string(text, key.bytes);
    rdb_strbuf_adds(text, " : ");
    if (has_value)
        type_json_add_string(text, value.bytes);
    else
        rdb_strbuf_adds(text, "null");
    return true;
}

static bool object_of_pairs(rdb_call *call, const rdb_datum *a, bool is_binary, rdb_datum *r)
{
    type_array array;
    rdb_strbuf text;
    type_array_read(a[0].bytes, &array);
    rdb_strbuf_init(&text, call->arena);
    if (array.ndim > 2)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    if (array.ndim == 2 && array.lengths[1] != 2)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "array must have two columns");
    if (array.ndim == 1 && array.count % 2 != 0)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "array must have even number of elements");
    rdb_strbuf_addc(&text, '{');
    for (uint32_t i = 0; i + 1 < array.count; i += 2) {
        rdb_datum key, value;
        bool has_key = type_array_get(&array, i, &key), has_value = type_array_get(&array, i + 1, &value);
        if (!add_pair(call, &text, i == 0, has_key, key, has_value, value))
            return false;
    }
    rdb_strbuf_addc(&text, '}');
    return give(call, &text, is_binary, r);
}
TYPE_ROW_FUNCTION(json_object, 1) { return object_of_pairs(call, a, false, r); }
TYPE_ROW_FUNCTION(jsonb_object, 1) { return object_of_pairs(call, a, true, r); }

static bool object_of_two(rdb_call *call, const rdb_datum *a, bool is_binary, rdb_datum *r)
{
    type_array keys, values;
    rdb_strbuf text;
    type_array_read(a[0].bytes, &keys);
    type_array_read(a[1].bytes, &values);
    rdb_strbuf_init(&text, call->arena);
    if (keys.ndim > 1 || keys.ndim != values.ndim)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    if (keys.count != values.count)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "mismatched array dimensions");
    rdb_strbuf_addc(&text, '{');
    for (uint32_t i = 0; i < keys.count; i++) {
        rdb_datum key, value;
        bool has_key = type_array_get(&keys, i, &key), has_value = type_array_get(&values, i, &value);
        if (!add_pair(call, &text, i == 0, has_key, key, has_value, value))
            return false;
    }
    rdb_strbuf_addc(&text, '}');
    return give(call, &text, is_binary, r);
}
TYPE_ROW_FUNCTION(json_object_two, 2) { return object_of_two(call, a, false, r); }
TYPE_ROW_FUNCTION(jsonb_object_two, 2) { return object_of_two(call, a, true, r); }

/* ---- JSON to rows --------------------------------------------------------------------------------------------------------------- */
/* One JSON value, text or stored node. */
typedef struct source {
    bool is_binary;
    rdb_slice text;
    rdb_bytes node;
    type_json_kind kind;
    type_json_members members; /* of text, once it is split */
    type_jsonb json;
} source;

static bool open_source(rdb_call *call, source *s)
{
    if (s->is_binary) {
        type_jsonb_read(s->node, &s->json);
        s->kind = s->json.kind;
        return true;
    }
    rdb_slice word = type_trim(s->text);
    int first = word.length > 0 ? word.data[0] : 'n';
    s->text = word;
    s->kind = first == '{' ? TYPE_JSON_OBJECT : first == '[' ? TYPE_JSON_ARRAY : first == '"' ? TYPE_JSON_STRING
              : first == 't' ? TYPE_JSON_TRUE : first == 'f' ? TYPE_JSON_FALSE : first == 'n' ? TYPE_JSON_NULL : TYPE_JSON_NUMBER;
    return s->kind < TYPE_JSON_ARRAY || type_json_split(call, word, &s->members);
}

static uint32_t source_count(const source *s)
{
    return s->is_binary ? s->json.count : s->members.count;
}

static bool source_item(rdb_call *call, const source *s, uint32_t index, source *item)
{
    *item = (source){.is_binary = s->is_binary};
    if (s->is_binary)
        item->node = type_jsonb_item(&s->json, index);
    else
        item->text = s->members.members[index].text;
    return open_source(call, item);
}

/* The member of that name; of several the last. */
static bool source_member(rdb_call *call, const source *s, const char *name, source *item, bool *found)
{
    rdb_bytes key = {.data = (const uint8_t *)name, .length = (uint32_t)strlen(name)};
    *found = false;
    *item = (source){.is_binary = s->is_binary};
    if (s->is_binary) {
        *found = type_jsonb_find(&s->json, key, &item->node);
    } else {
        for (uint32_t i = s->members.count; i-- > 0 && !*found;) {
            *found = type_equal_bytes(s->members.members[i].key, key);
            item->text = s->members.members[i].text;
        }
    }
    return !*found || open_source(call, item);
}

/* A string without its quotes, everything else as its JSON text. */
static bool source_text(rdb_call *call, const source *s, rdb_slice *plain)
{
    if (s->is_binary) {
        rdb_strbuf text;
        if (s->kind == TYPE_JSON_STRING) {
            *plain = (rdb_slice){.data = s->json.payload.data, .length = s->json.payload.length};
            return true;
        }
        rdb_strbuf_init(&text, call->arena);
        if (!type_jsonb_format(call, s->node, &text) || !rdb_strbuf_check(&text, call->err))
            return false;
        *plain = (rdb_slice){.data = (const uint8_t *)text.data, .length = text.length};
        return true;
    }
    *plain = s->text;
    if (s->kind == TYPE_JSON_STRING) {
        type_json *tree = NULL;
        if (!type_json_parse(call, s->text, "json", &tree))
            return false;
        *plain = (rdb_slice){.data = tree->bytes.data, .length = tree->bytes.length};
    }
    return true;
}

static bool populate_record(rdb_call *call, const rdb_type *type, const source *s, const rdb_datum *base, rdb_datum *r, int depth);

/* Where in the document a complaint belongs. */
typedef struct place {
    const char *column;
    int indices[RDB_ARRAY_DIMS_MAX];
    int depth;
} place;

static bool expected_array(rdb_call *call, const place *at)
{
    char text[200];
    size_t length = 0;
    for (int i = 0; i < at->depth && length < sizeof text - 16; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "[%d]", at->indices[i]);
    rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "expected JSON array");
    if (at->depth == 0)
        return rdb_error_hint(call->err, "See the value of key \"%s\".", at->column);
    return rdb_error_hint(call->err, "See the array element %s of key \"%s\".", text, at->column);
}

static bool populate_value(rdb_call *call, const rdb_type *type, int32_t typmod, const source *s, const char *column, const rdb_datum *old, rdb_datum *r, bool *is_null, int depth);

typedef struct array_work {
    const rdb_type *element;
    int32_t typmod;
    type_gather gather;
    int32_t lengths[RDB_ARRAY_DIMS_MAX];
    int ndim; /* 0: not known yet */
    place at;
} array_work;

static bool malformed(rdb_call *call)
{
    rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "malformed JSON array");
    return rdb_error_detail(call->err, "Multidimensional arrays must have sub-arrays with matching dimensions.");
}

static bool gather_dimension(rdb_call *call, array_work *w, const source *s, int dimension, int depth)
{
    uint32_t count = source_count(s);
    if (w->lengths[dimension] < 0)
        w->lengths[dimension] = (int32_t)count;
    else if (w->lengths[dimension] != (int32_t)count)
        return malformed(call);
    for (uint32_t i = 0; i < count; i++) {
        source item;
        w->at.indices[dimension] = (int)i;
        w->at.depth = dimension + 1;
        if (!source_item(call, s, i, &item))
            return false;
        if (w->ndim == 0 && item.kind != TYPE_JSON_ARRAY)
            w->ndim = dimension + 1;
        if (w->ndim == 0 && dimension + 1 == RDB_ARRAY_DIMS_MAX)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "number of array dimensions (%d) exceeds the maximum allowed (%d)", dimension + 2, RDB_ARRAY_DIMS_MAX);
        if (w->ndim == 0 || dimension + 1 < w->ndim) {
            if (item.kind != TYPE_JSON_ARRAY)
                return expected_array(call, &w->at);
            if (!gather_dimension(call, w, &item, dimension + 1, depth))
                return false;
            continue;
        }
        if (item.kind == TYPE_JSON_ARRAY && w->ndim > 0 && w->element->kind != 'p' && w->element->oid != RDB_JSONOID && w->element->oid != RDB_JSONBOID)
            return malformed(call);
        rdb_datum value = {.words = {0, 0}};
        bool is_null = false;
        if (!populate_value(call, w->element, w->typmod, &item, w->at.column, NULL, &value, &is_null, depth + 1) || !type_gather_add(call, &w->gather, value, is_null))
            return false;
    }
    if (w->ndim == 0)
        w->ndim = dimension + 1;
    return true;
}

static bool populate_array(rdb_call *call, const rdb_type *element, int32_t typmod, const source *s, const char *column, rdb_datum *r, int depth)
{
    array_work w = {.element = element, .typmod = typmod, .at = {.column = column}};
    int32_t lowers[RDB_ARRAY_DIMS_MAX];
    for (int i = 0; i < RDB_ARRAY_DIMS_MAX; i++) {
        w.lengths[i] = -1;
        lowers[i] = 1;
    }
    if (s->kind != TYPE_JSON_ARRAY)
        return expected_array(call, &w.at);
    if (!gather_dimension(call, &w, s, 0, depth))
        return false;
    return type_array_build(call, element, w.gather.count == 0 ? 0 : w.ndim, w.lengths, lowers, w.gather.values, w.gather.nulls, w.gather.count, r);
}

static bool populate_plain(rdb_call *call, const rdb_type *type, int32_t typmod, const source *s, const char *column, const rdb_datum *old, rdb_datum *r, bool *is_null, int depth)
{
    const rdb_type *base = type_base(type);
    rdb_slice plain;
    if (depth > TYPE_JSON_DEPTH_MAX)
        return rdb_error_set(call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (type->kind == 'd' && type->domain_typmod >= 0)
        typmod = type->domain_typmod;
    *is_null = s == NULL || s->kind == TYPE_JSON_NULL;
    if (*is_null)
        return true;
    if (base->kind == 'c' && base->fields != NULL && s->kind != TYPE_JSON_STRING)
        return populate_record(call, base, s, old, r, depth + 1);
    if (base->element != NULL && base->oid != RDB_INT2VECTOROID && base->oid != RDB_OIDVECTOROID && s->kind != TYPE_JSON_STRING)
        return populate_array(call, base->element, typmod, s, column, r, depth + 1);
    if (base->oid == RDB_JSONBOID && s->is_binary) {
        r->bytes = s->node;
        return true;
    }
    if ((base->oid == RDB_JSONBOID || base->oid == RDB_JSONOID) && !s->is_binary) {
        plain = s->text;
    } else if (base->oid == RDB_JSONOID) {
        rdb_strbuf text;
        rdb_strbuf_init(&text, call->arena);
        return type_jsonb_format(call, s->node, &text) && type_take_buffer(call, &text, r);
    } else if (!source_text(call, s, &plain)) {
        return false;
    }
    const rdb_type_ops *ops = base->ops != NULL ? base->ops : rdb_type_ops_find(base);
    if (ops == NULL || ops->input == NULL)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "no text form is built for type %s", base->name);
    return ops->input(call, base, plain, typmod, r);
}

/* s NULL: the document has no such member, which is a null for domains too. old: the value so far; NULL: there is none. */
static bool populate_value(rdb_call *call, const rdb_type *type, int32_t typmod, const source *s, const char *column, const rdb_datum *old, rdb_datum *r, bool *is_null, int depth)
{
    return populate_plain(call, type, typmod, s, column, old, r, is_null, depth) && (type->kind != 'd' || rdb_domain_check(call, type, *r, *is_null));
}

/* The fields of a row; one that the object has not is that of `base`, or null. */
static bool populate_fields(rdb_call *call, const rdb_type *type, const source *s, const rdb_datum *base, rdb_datum *values, bool *nulls, const rdb_type **types, int depth)
{
    uint32_t count = type->field_count;
    for (uint32_t i = 0; i < count; i++) {
        types[i] = type->fields[i].type;
        nulls[i] = true;
    }
    if (base != NULL && rdb_record_count(*base) == count && !rdb_record_read(call, *base, types, values, nulls, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        source item;
        bool found;
        types[i] = type->fields[i].type;
        if (type->fields[i].is_dropped)
            continue;
        if (!source_member(call, s, type->fields[i].name, &item, &found))
            return false;
        if (!found && base != NULL)
            continue; /* the base's values are taken for valid */
        rdb_datum old = values[i];
        if (!populate_value(call, types[i], type->fields[i].typmod, found ? &item : NULL, type->fields[i].name, nulls[i] ? NULL : &old, &values[i], &nulls[i], depth))
            return false;
    }
    return true;
}

static bool populate_record(rdb_call *call, const rdb_type *type, const source *s, const rdb_datum *base, rdb_datum *r, int depth)
{
    uint32_t count = type->field_count;
    const rdb_type **types = rdb_arena_zalloc(call->arena, sizeof *types * ((size_t)count + 1));
    rdb_datum *values = rdb_arena_zalloc(call->arena, sizeof *values * ((size_t)count + 1));
    bool *nulls = rdb_arena_zalloc(call->arena, (size_t)count + 1);
    if (s->kind != TYPE_JSON_OBJECT)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot call %s on %s", "populate_composite", s->kind == TYPE_JSON_ARRAY ? "an array" : "a scalar");
    return populate_fields(call, type, s, base, values, nulls, types, depth) && rdb_record_build(call, types, values, nulls, count, r);
}

static bool row_type_of(rdb_call *call, const rdb_type *type, const char *function, const rdb_type **row)
{
    *row = type != NULL ? type_base(type) : NULL;
    if (*row != NULL && (*row)->fields != NULL)
        return true;
    if (*row != NULL && (*row)->oid == RDB_RECORDOID) {
        rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "could not determine row type for result of %s", function);
        return rdb_error_hint(call->err, "Provide a non-null record argument, or call the function in the FROM clause using a column definition list.");
    }
    return rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "first argument of %s must be a row type", function);
}

static bool populate(rdb_call *call, const rdb_type *declared, const char *function, const rdb_datum *base, rdb_datum document, bool is_binary, rdb_datum *r)
{
    const rdb_type *type;
    source s = {.is_binary = is_binary, .text = type_slice(document), .node = document.bytes};
    if (!row_type_of(call, declared, function, &type) || !open_source(call, &s))
        return false;
    return populate_record(call, type, &s, base, r, 0) && (declared->kind != 'd' || rdb_domain_check(call, declared, *r, false));
}

/* A row of no named type says itself which columns come: those that the query declares must be the same. */
static bool check_row_shape(rdb_call *call, const rdb_datum *base)
{
    const rdb_type *wanted = call->result_type, *given = call->argument_types[0];
    if (base == NULL || given->oid != RDB_RECORDOID || wanted->fields == NULL)
        return true;
    uint32_t count = rdb_record_count(*base);
    const rdb_type **types = rdb_arena_zalloc(call->arena, sizeof *types * ((size_t)count + 1));
    rdb_datum *values = rdb_arena_zalloc(call->arena, sizeof *values * ((size_t)count + 1));
    bool *nulls = rdb_arena_zalloc(call->arena, (size_t)count + 1);
    if (!rdb_record_read(call, *base, types, values, nulls, count))
        return false;
    if (count != wanted->field_count) {
        rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "function return row and query-specified return row do not match");
        return rdb_error_detail(call->err, "Returned row contains %u attribute%s, but query expects %u.", count, count == 1 ? "" : "s", wanted->field_count);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (types[i]->oid == wanted->fields[i].type->oid)
            continue;
        rdb_strbuf has, wants;
        rdb_strbuf_init(&has, call->arena);
        rdb_strbuf_init(&wants, call->arena);
        rdb_type_format_name(types[i], -1, false, &has);
        rdb_type_format_name(wanted->fields[i].type, -1, false, &wants);
        rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "function return row and query-specified return row do not match");
        return rdb_error_detail(call->err, "Returned type %s at ordinal position %u, but query expects %s.", has.data, i + 1, wants.data);
    }
    return true;
}

/* json_populate_record(base, document): the base may be null, but says the type; without a document it is the answer. */
#define POPULATE(name, is_binary)                                                                                               \
    TYPE_NULL_FUNCTION(name, UINT32_MAX)                                                                                        \
    {                                                                                                                           \
        const rdb_type *declared = nulls[0] || call->result_type->fields != NULL ? call->result_type : call->argument_types[0]; \
        if (nulls[1]) {                                                                                                         \
            *is_null = nulls[0];                                                                                                \
            *r = a[0];                                                                                                          \
            return true;                                                                                                        \
        }                                                                                                                       \
        return check_row_shape(call, nulls[0] ? NULL : &a[0]) &&                                                                \
               populate(call, declared, #name, nulls[0] ? NULL : &a[0], a[1], is_binary, r);                                    \
    }
POPULATE(json_populate_record, false)
POPULATE(jsonb_populate_record, true)

TYPE_ROW_FUNCTION(json_to_record, 1) { return populate(call, call->result_type, "json_to_record", NULL, a[0], false, r); }
TYPE_ROW_FUNCTION(jsonb_to_record, 1) { return populate(call, call->result_type, "jsonb_to_record", NULL, a[0], true, r); }

typedef struct set_state {
    source document;
    const rdb_type *type, *declared;
    rdb_datum base;
    bool has_base;
    uint32_t next, count;
    const char *function;
} set_state;

static bool set_begin(rdb_call *call, void *raw, const rdb_type *declared, const char *function, const rdb_datum *base, rdb_datum document, bool is_binary)
{
    set_state *state = raw;
    memset(state, 0, sizeof *state);
    state->function = function;
    state->declared = declared;
    state->document = (source){.is_binary = is_binary, .text = type_slice(document), .node = document.bytes};
    state->has_base = base != NULL;
    if (base != NULL)
        state->base = *base;
    if (!row_type_of(call, declared, function, &state->type) || !open_source(call, &state->document))
        return false;
    if (state->document.kind != TYPE_JSON_ARRAY)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot call %s on %s", function,
                             state->document.kind == TYPE_JSON_OBJECT ? is_binary ? "a non-array" : "an object" : is_binary ? "a non-array" : "a scalar");
    state->count = source_count(&state->document);
    return true;
}

static bool set_next(rdb_call *call, void *raw, rdb_vector **columns, TYPE_UNUSED uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    set_state *state = raw;
    uint32_t fields = state->type->field_count;
    const rdb_type **types = rdb_arena_zalloc(call->arena, sizeof *types * ((size_t)fields + 1));
    for (*count = 0; *count < capacity && state->next < state->count; ++*count, state->next++) {
        source item;
        rdb_datum *values = rdb_arena_zalloc(call->arena, sizeof *values * ((size_t)fields + 1));
        bool *nulls = rdb_arena_zalloc(call->arena, (size_t)fields + 1);
        if (!source_item(call, &state->document, state->next, &item))
            return false;
        if (item.kind != TYPE_JSON_OBJECT)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "argument of %s must be an array of objects", state->function);
        if (!populate_fields(call, state->type, &item, state->has_base ? &state->base : NULL, values, nulls, types, 0))
            return false;
        rdb_datum record;
        if (!rdb_record_build(call, types, values, nulls, fields, &record) ||
            (state->declared->kind == 'd' && !rdb_domain_check(call, state->declared, record, false)))
            return false;
        rdb_vector_put(columns[0], *count, record, false);
    }
    return true;
}

#define POPULATE_SET(name, is_binary)                                                                                             \
    static bool name##_begin(rdb_call *call, void *state, const rdb_datum *a, const bool *is_null)                                \
    {                                                                                                                             \
        const rdb_type *declared = is_null[0] || call->result_type->fields != NULL ? call->result_type : call->argument_types[0]; \
        if (is_null[1]) {                                                                                                         \
            memset(state, 0, sizeof(set_state));                                                                                  \
            return row_type_of(call, declared, #name, &((set_state *)state)->type);                                               \
        }                                                                                                                         \
        return check_row_shape(call, is_null[0] ? NULL : &a[0]) &&                                                                \
               set_begin(call, state, declared, #name, is_null[0] ? NULL : &a[0], a[1], is_binary);                               \
    }
POPULATE_SET(json_populate_recordset, false)
POPULATE_SET(jsonb_populate_recordset, true)

#define TO_SET(name, is_binary)                                                                                           \
    static bool name##_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)            \
    {                                                                                                                     \
        return set_begin(call, state, call->result_type, #name, NULL, a[0], is_binary);                                   \
    }
TO_SET(json_to_recordset, false)
TO_SET(jsonb_to_recordset, true)

/* ---- without nulls; set with a choice about null -------------------------------------------------------------------------------- */
static bool strip(rdb_call *call, rdb_slice text, rdb_strbuf *out)
{
    type_json_members members = {0};
    rdb_slice word = type_trim(text);
    if (word.length == 0 || (word.data[0] != '{' && word.data[0] != '[')) {
        rdb_strbuf_add(out, word.data, word.length);
        return true;
    }
    if (!type_json_split(call, word, &members))
        return false;
    bool is_object = word.data[0] == '{', any = false;
    rdb_strbuf_addc(out, is_object ? '{' : '[');
    for (uint32_t i = 0; i < members.count; i++) {
        rdb_slice item = type_trim(members.members[i].text);
        if (is_object && item.length > 0 && item.data[0] == 'n')
            continue;
        if (any)
            rdb_strbuf_addc(out, ',');
        any = true;
        if (is_object) {
            type_json_add_string(out, members.members[i].key);
            rdb_strbuf_addc(out, ':');
        }
        if (!strip(call, item, out))
            return false;
    }
    rdb_strbuf_addc(out, is_object ? '}' : ']');
    return true;
}

TYPE_ROW_FUNCTION(json_strip_nulls, 1)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    return strip(call, type_slice(a[0]), &text) && type_take_buffer(call, &text, r);
}

TYPE_NULL_FUNCTION(jsonb_set_lax, 5)
{
    *is_null = nulls[0] || nulls[1] || nulls[3];
    if (*is_null)
        return true;
    if (nulls[4])
        return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"");
    static const uint8_t JSON_NULL[1] = {TYPE_JSON_NULL};
    rdb_datum arguments[4] = {a[0], a[1], a[2], a[3]};
    if (!nulls[2])
        return type_jsonb_set_path(call, arguments, r);
    rdb_slice treatment = type_slice(a[4]);
    if (treatment.length == 15 && memcmp(treatment.data, "raise_exception", 15) == 0) {
        rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "JSON value must not be null");
        rdb_error_detail(call->err, "Exception was raised because null_value_treatment is \"raise_exception\".");
        return rdb_error_hint(call->err, "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.");
    }
    if (treatment.length == 13 && memcmp(treatment.data, "use_json_null", 13) == 0) {
        arguments[2].bytes = (rdb_bytes){.data = JSON_NULL, .length = 1};
        return type_jsonb_set_path(call, arguments, r);
    }
    if (treatment.length == 10 && memcmp(treatment.data, "delete_key", 10) == 0)
        return type_jsonb_delete_at(call, arguments, r);
    if (treatment.length == 13 && memcmp(treatment.data, "return_target", 13) == 0) {
        *r = a[0];
        return true;
    }
    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"");
}

#define F (RDB_KERNEL_FALLIBLE | RDB_KERNEL_POLYMORPHIC)
static const type_kernel KERNELS[] = {
    {"row_to_json", row_to_json, F, 0}, {"row_to_json_pretty", row_to_json_pretty, F, 0}, {"array_to_json", array_to_json, F, 0},
    {"array_to_json_pretty", array_to_json_pretty, F, 0}, {"json_object", json_object, F, 0}, {"jsonb_object", jsonb_object, F, 0},
    {"json_object_two_arg", json_object_two, F, 0}, {"jsonb_object_two_arg", jsonb_object_two, F, 0},
    {"json_populate_record", json_populate_record, F, 0}, {"jsonb_populate_record", jsonb_populate_record, F, 0},
    {"json_to_record", json_to_record, F, 0}, {"jsonb_to_record", jsonb_to_record, F, 0},
    {"json_strip_nulls", json_strip_nulls, F, 0}, {"jsonb_set_lax", jsonb_set_lax, F, 0},
};
TYPE_KERNEL_TABLE(type_json_record_table, KERNELS);

#define SET(name) {#name, {0, sizeof(set_state), name##_begin, set_next, F}, 0}
static const type_set_kernel SET_KERNELS[] = {
    SET(json_populate_recordset), SET(jsonb_populate_recordset), SET(json_to_recordset), SET(jsonb_to_recordset),
};
TYPE_SET_KERNEL_TABLE(type_json_record_set_table, SET_KERNELS);
