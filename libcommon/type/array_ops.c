/* SPDX-License-Identifier: Apache-2.0
 * Functions and operators of arrays. They are polymorphic: the element's type comes from the call's argument types. */
#include "type/array.h"
#include "type/collation.h"
#include "type/tables.h"

/* The element's descriptor of array argument `position`. */
static bool element_of(rdb_call *call, uint32_t position, rdb_datum stored, const rdb_type **element)
{
    type_array array;
    type_array_read(stored.bytes, &array);
    return type_array_element(call, position < call->argument_count ? call->argument_types[position] : NULL, &array, element);
}

static const rdb_type_ops *ops_of(const rdb_type *type)
{
    return type->ops != NULL ? type->ops : rdb_type_ops_find(type);
}

static bool comparable(rdb_call *call, const rdb_type *element, const rdb_type_ops **ops)
{
    *ops = ops_of(element);
    if (*ops != NULL && (*ops)->compare != NULL)
        return true;
    return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "could not identify an equality operator for type %s", element->name);
}

/* ---- shape ----------------------------------------------------------------------------------------------------------------- */
TYPE_ROW_FUNCTION(array_ndims, 1)
{
    type_array array;
    type_array_read(a[0].bytes, &array);
    *is_null = array.ndim == 0;
    r->i32 = array.ndim;
    return true;
}

TYPE_ROW_FUNCTION(array_dims, 1)
{
    type_array array;
    type_array_read(a[0].bytes, &array);
    *is_null = array.ndim == 0;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    for (int i = 0; i < array.ndim; i++)
        rdb_strbuf_addf(&text, "[%d:%d]", array.lowers[i], array.lowers[i] + array.lengths[i] - 1);
    return type_take_buffer(call, &text, r);
}

#define SHAPE_FUNCTION(name, expression)                                  \
    TYPE_ROW_FUNCTION(name, 2)                                            \
    {                                                                     \
        type_array array;                                                 \
        type_array_read(a[0].bytes, &array);                              \
        int d = a[1].i32 - 1;                                             \
        *is_null = d < 0 || d >= array.ndim;                              \
        r->i32 = *is_null ? 0 : (expression);                             \
        return true;                                                      \
    }
SHAPE_FUNCTION(array_lower, array.lowers[d])
SHAPE_FUNCTION(array_upper, array.lowers[d] + array.lengths[d] - 1)
SHAPE_FUNCTION(array_length, array.lengths[d])

TYPE_ROW_FUNCTION(array_cardinality, 1)
{
    type_array array;
    type_array_read(a[0].bytes, &array);
    r->i32 = (int32_t)array.count;
    return true;
}

/* ---- growing -------------------------------------------------------------------------------------------------------------------- */
static bool gather_array(rdb_call *call, const type_array *array, type_gather *gather)
{
    for (uint32_t i = 0; i < array->count; i++) {
        rdb_datum one;
        bool there = type_array_get(array, i, &one);
        if (!type_gather_add(call, gather, one, !there))
            return false;
    }
    return true;
}

static bool push(rdb_call *call, const rdb_datum *stored, bool array_is_null, uint32_t element_position, rdb_datum value,
                 bool value_is_null, bool at_front, rdb_datum *r)
{
    type_array array = {0};
    type_gather gather = {0};
    if (!array_is_null)
        type_array_read(stored->bytes, &array);
    const rdb_type *element = call->argument_types[element_position];
    const rdb_type *array_type = call->argument_types[1 - element_position];
    if (type_base(array_type)->element != NULL)
        element = type_base(array_type)->element;
    if (array.ndim > 1)
        return rdb_error_set(call->err, RDB_DATA_EXCEPTION, "argument must be empty or one-dimensional array");
    if ((at_front && !type_gather_add(call, &gather, value, value_is_null)) || !gather_array(call, &array, &gather) ||
        (!at_front && !type_gather_add(call, &gather, value, value_is_null)))
        return false;
    int32_t length = (int32_t)gather.count, lower = array.ndim == 0 ? 1 : array.lowers[0];
    return type_array_build(call, element, 1, &length, &lower, gather.values, gather.nulls, gather.count, r);
}

TYPE_NULL_FUNCTION(array_append, 2)
{
    return push(call, &a[0], nulls[0], 1, a[1], nulls[1], false, r);
}

TYPE_NULL_FUNCTION(array_prepend, 2)
{
    return push(call, &a[1], nulls[1], 0, a[0], nulls[0], true, r);
}

static bool not_accumulable(rdb_call *call, const char *detail)
{
    rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays");
    return rdb_error_detail(call->err, "%s", detail);
}

TYPE_NULL_FUNCTION(array_cat, 2)
{
    type_array x, y;
    const rdb_type *element;
    if (nulls[0] || nulls[1]) {
        *is_null = nulls[0] && nulls[1];
        *r = nulls[0] ? a[1] : a[0];
        return true;
    }
    type_array_read(a[0].bytes, &x);
    type_array_read(a[1].bytes, &y);
    if (x.ndim == 0 || y.ndim == 0) {
        *r = x.ndim == 0 ? a[1] : a[0];
        return true;
    }
    int ndim = RDB_MAX(x.ndim, y.ndim);
    int32_t lengths[TYPE_ARRAY_DIMS_MAX], lowers[TYPE_ARRAY_DIMS_MAX];
    if (x.ndim == y.ndim) {
        for (int i = 1; i < ndim; i++) {
            if (x.lengths[i] != y.lengths[i] || x.lowers[i] != y.lowers[i])
                return not_accumulable(call, "Arrays with differing element dimensions are not compatible for concatenation.");
        }
        memcpy(lengths, x.lengths, sizeof lengths);
        memcpy(lowers, x.lowers, sizeof lowers);
        lengths[0] = x.lengths[0] + y.lengths[0];
    } else if (x.ndim == y.ndim - 1 || y.ndim == x.ndim - 1) {
        const type_array *whole = x.ndim > y.ndim ? &x : &y, *part = x.ndim > y.ndim ? &y : &x;
        for (int i = 0; i < part->ndim; i++) {
            if (whole->lengths[i + 1] != part->lengths[i] || whole->lowers[i + 1] != part->lowers[i])
                return not_accumulable(call, "Arrays with differing dimensions are not compatible for concatenation.");
        }
        memcpy(lengths, whole->lengths, sizeof lengths);
        memcpy(lowers, whole->lowers, sizeof lowers);
        lengths[0]++;
    } else {
        rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays");
        return rdb_error_detail(call->err, "Arrays of %d and %d dimensions are not compatible for concatenation.", x.ndim, y.ndim);
    }
    type_gather gather = {0};
    if (!element_of(call, 0, a[0], &element) || !gather_array(call, &x, &gather) || !gather_array(call, &y, &gather))
        return false;
    return type_array_build(call, element, ndim, lengths, lowers, gather.values, gather.nulls, gather.count, r);
}

TYPE_ROW_FUNCTION(trim_array, 2)
{
    type_array array;
    const rdb_type *element;
    type_array_read(a[0].bytes, &array);
    int32_t length = array.ndim > 0 ? array.lengths[0] : 0;
    if (a[1].i32 < 0 || a[1].i32 > length)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "number of elements to trim must be between 0 and %d", length);
    if (!element_of(call, 0, a[0], &element))
        return false;
    bool has[1] = {true}, has_not[1] = {false};
    int32_t upper = array.ndim > 0 ? array.lowers[0] + length - 1 - a[1].i32 : 0;
    return rdb_array_slice(call, element, a[0], &upper, &upper, has_not, has, 1, r);
}

TYPE_NULL_FUNCTION(array_fill, UINT32_MAX)
{
    if (nulls[1] || (count > 2 && nulls[2]))
        return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "dimension array or low bound array cannot be null");
    type_array dims, bounds = {0};
    type_array_read(a[1].bytes, &dims);
    if (count > 2)
        type_array_read(a[2].bytes, &bounds);
    int32_t lengths[TYPE_ARRAY_DIMS_MAX], lowers[TYPE_ARRAY_DIMS_MAX];
    if (dims.ndim > 1 || dims.count > TYPE_ARRAY_DIMS_MAX || (count > 2 && bounds.count != dims.count))
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    uint64_t total = dims.count > 0 ? 1 : 0;
    for (uint32_t i = 0; i < dims.count; i++) {
        rdb_datum length, lower = {.i32 = 1};
        if (!type_array_get(&dims, i, &length) || (count > 2 && !type_array_get(&bounds, i, &lower)))
            return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null");
        lengths[i] = length.i32;
        lowers[i] = lower.i32;
    }
    for (uint32_t i = 0; i < dims.count; i++) {
        total *= (uint64_t)RDB_MAX(lengths[i], 0);
        if (lengths[i] < 0 || total > TYPE_ARRAY_COUNT_MAX)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed (%u)", TYPE_ARRAY_COUNT_MAX);
    }
    type_gather gather = {0};
    for (uint64_t i = 0; i < total; i++) {
        if (!type_gather_add(call, &gather, a[0], nulls[0]))
            return false;
    }
    return type_array_build(call, call->argument_types[0], total == 0 ? 0 : (int)dims.count, lengths, lowers, gather.values, gather.nulls, gather.count, r);
}

/* ---- searching --------------------------------------------------------------------------------------------------------------------- */
static bool replace_elements(rdb_call *call, rdb_datum stored, rdb_datum sought, bool sought_is_null, bool remove,
                             rdb_datum value, bool value_is_null, rdb_datum *r)
{
    type_array array;
    const rdb_type *element;
    const rdb_type_ops *ops;
    type_array_read(stored.bytes, &array);
    if (!element_of(call, 0, stored, &element) || !comparable(call, element, &ops))
        return false;
    if (remove && array.ndim > 1)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "removing elements from multidimensional arrays is not supported");
    type_gather gather = {0};
    bool changed = false;
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum one;
        bool there = type_array_get(&array, i, &one);
        bool same = there && !sought_is_null ? ops->compare(element, call->collation, one, sought) == 0 : !there && sought_is_null;
        changed |= same;
        if (same && remove)
            continue;
        if (!type_gather_add(call, &gather, same ? value : one, same ? value_is_null : !there))
            return false;
    }
    if (!changed) {
        *r = stored;
        return true;
    }
    if (remove) {
        array.ndim = gather.count == 0 ? 0 : 1;
        array.lengths[0] = (int32_t)gather.count;
    }
    return type_array_build(call, element, array.ndim, array.lengths, array.lowers, gather.values, gather.nulls, gather.count, r);
}

TYPE_NULL_FUNCTION(array_remove, 2)
{
    *is_null = nulls[0];
    return nulls[0] || replace_elements(call, a[0], a[1], nulls[1], true, a[1], true, r);
}

TYPE_NULL_FUNCTION(array_replace, 3)
{
    *is_null = nulls[0];
    return nulls[0] || replace_elements(call, a[0], a[1], nulls[1], false, a[2], nulls[2], r);
}

static bool search(rdb_call *call, uint32_t count, const rdb_datum *a, const bool *nulls, type_gather *all, int32_t *first, bool *found)
{
    type_array array;
    const rdb_type *element;
    const rdb_type_ops *ops;
    type_array_read(a[0].bytes, &array);
    if (array.ndim > 1)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "searching for elements in multidimensional arrays is not supported");
    if (count > 2 && nulls[2])
        return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "initial position must not be null");
    if (!element_of(call, 0, a[0], &element) || !comparable(call, element, &ops))
        return false;
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum one, position = {.i32 = array.lowers[0] + (int32_t)i};
        if (count > 2 && position.i32 < a[2].i32)
            continue;
        bool there = type_array_get(&array, i, &one);
        if (there && !nulls[1] ? ops->compare(element, call->collation, one, a[1]) != 0 : there || !nulls[1])
            continue;
        if (all == NULL) {
            *found = true;
            *first = position.i32;
            return true;
        }
        if (!type_gather_add(call, all, position, false))
            return false;
    }
    return true;
}

TYPE_NULL_FUNCTION(array_position, UINT32_MAX)
{
    bool found = false;
    if (!nulls[0] && !search(call, count, a, nulls, NULL, &r->i32, &found))
        return false;
    *is_null = !found;
    return true;
}

TYPE_NULL_FUNCTION(array_positions, 2)
{
    type_gather all = {0};
    *is_null = nulls[0];
    if (nulls[0])
        return true;
    const rdb_type *int4 = type_base(call->result_type)->element;
    if (int4 == NULL && !rdb_type_descriptor(call, RDB_INT4OID, &int4))
        return false;
    return search(call, count, a, nulls, &all, NULL, NULL) && type_array_build_list(call, int4, all.values, all.nulls, all.count, r);
}

/* Whether every element of x (any: at least one) is in y; nulls match nothing. */
static bool contains(rdb_call *call, rdb_datum x_stored, rdb_datum y_stored, bool any, uint8_t *result)
{
    type_array x, y;
    const rdb_type *element;
    const rdb_type_ops *ops;
    type_array_read(x_stored.bytes, &x);
    type_array_read(y_stored.bytes, &y);
    if (!element_of(call, 0, x_stored, &element) || !comparable(call, element, &ops))
        return false;
    *result = !any;
    for (uint32_t i = 0; i < x.count; i++) {
        rdb_datum p, q;
        bool found = false;
        if (type_array_get(&x, i, &p)) {
            for (uint32_t k = 0; k < y.count && !found; k++)
                found = type_array_get(&y, k, &q) && ops->compare(element, call->collation, p, q) == 0;
        }
        if (found == any) {
            *result = any;
            return true;
        }
    }
    return true;
}

TYPE_ROW_FUNCTION(array_overlap, 2)
{
    return contains(call, a[0], a[1], true, &r->b);
}

TYPE_ROW_FUNCTION(array_contains, 2)
{
    return contains(call, a[1], a[0], false, &r->b);
}

TYPE_ROW_FUNCTION(array_contained, 2)
{
    return contains(call, a[0], a[1], false, &r->b);
}

/* ---- order ----------------------------------------------------------------------------------------------------------------------------- */
static bool compare_arrays(rdb_call *call, const rdb_datum *a, int *order)
{
    const rdb_type *element;
    const rdb_type_ops *ops;
    if (!element_of(call, 0, a[0], &element) || !comparable(call, element, &ops))
        return false;
    rdb_type shell = {.kind = 'b', .element = element};
    *order = type_array_ops.compare(&shell, call->collation, a[0], a[1]);
    return true;
}

#define ARRAY_COMPARISON(name, field, expression)          \
    TYPE_ROW_FUNCTION(name, 2)                             \
    {                                                      \
        int order = 0;                                     \
        if (!compare_arrays(call, a, &order))              \
            return false;                                  \
        r->field = (expression);                           \
        return true;                                       \
    }
ARRAY_COMPARISON(array_eq, b, order == 0)
ARRAY_COMPARISON(array_ne, b, order != 0)
ARRAY_COMPARISON(array_lt, b, order < 0)
ARRAY_COMPARISON(array_le, b, order <= 0)
ARRAY_COMPARISON(array_gt, b, order > 0)
ARRAY_COMPARISON(array_ge, b, order >= 0)
ARRAY_COMPARISON(array_cmp, i32, order < 0 ? -1 : order > 0)
ARRAY_COMPARISON(array_larger, bytes, order > 0 ? a[0].bytes : a[1].bytes)
ARRAY_COMPARISON(array_smaller, bytes, order < 0 ? a[0].bytes : a[1].bytes)

static int compare_vectors(rdb_bytes x, rdb_bytes y)
{
    return type_vector_ops.compare(NULL, 0, (rdb_datum){.bytes = x}, (rdb_datum){.bytes = y});
}
TYPE_BINARY(vector_eq, rdb_bytes, rdb_bytes, uint8_t, compare_vectors(x, y) == 0)
TYPE_BINARY(vector_ne, rdb_bytes, rdb_bytes, uint8_t, compare_vectors(x, y) != 0)
TYPE_BINARY(vector_lt, rdb_bytes, rdb_bytes, uint8_t, compare_vectors(x, y) < 0)
TYPE_BINARY(vector_le, rdb_bytes, rdb_bytes, uint8_t, compare_vectors(x, y) <= 0)
TYPE_BINARY(vector_gt, rdb_bytes, rdb_bytes, uint8_t, compare_vectors(x, y) > 0)
TYPE_BINARY(vector_ge, rdb_bytes, rdb_bytes, uint8_t, compare_vectors(x, y) >= 0)
TYPE_BINARY(vector_cmp, rdb_bytes, rdb_bytes, int32_t, compare_vectors(x, y))

/* ---- texts ------------------------------------------------------------------------------------------------------------------------------- */
TYPE_NULL_FUNCTION(array_to_text, UINT32_MAX)
{
    if (nulls[0] || nulls[1]) {
        *is_null = true;
        return true;
    }
    type_array array;
    const rdb_type *element;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    type_array_read(a[0].bytes, &array);
    if (array.count > 0 && !element_of(call, 0, a[0], &element))
        return false;
    bool first = true;
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum one;
        bool there = type_array_get(&array, i, &one);
        if (!there && (count < 3 || nulls[2]))
            continue;
        if (!first)
            rdb_strbuf_add(&text, a[1].bytes.data, a[1].bytes.length);
        first = false;
        if (!there)
            rdb_strbuf_add(&text, a[2].bytes.data, a[2].bytes.length);
        else if (!type_to_text(call, element, one, &text))
            return false;
    }
    return type_take_buffer(call, &text, r);
}

/* Splits a text; a null delimiter splits into characters, an empty one not at all. */
static bool split(rdb_call *call, uint32_t count, const rdb_datum *a, const bool *nulls, type_gather *parts)
{
    rdb_bytes text = a[0].bytes, delimiter = a[1].bytes;
    bool has_null = count > 2 && !nulls[2];
    uint32_t at = 0;
    if (text.length == 0)
        return true;
    if (!nulls[1] && delimiter.length > 0 && !type_collation_need_deterministic(call, "substring searches"))
        return false;
    const type_collation *own = type_collation_of(call->collation);
    for (;;) {
        uint32_t end;
        if (nulls[1]) {
            end = RDB_MIN(at + rdb_utf8_length(text.data[at]), text.length);
        } else if (delimiter.length == 0) {
            end = text.length;
        } else {
            const uint8_t *hit = type_find_bytes(text.data + at, text.length - at, delimiter.data, delimiter.length);
            end = hit == NULL ? text.length : (uint32_t)(hit - text.data);
        }
        rdb_datum part = {.bytes = {.data = text.data + at, .length = end - at}};
        if (!type_gather_add(call, parts, part, has_null && (own != NULL ? type_collation_compare(own, part.bytes, a[2].bytes) == 0 : type_equal_bytes(part.bytes, a[2].bytes))))
            return false;
        if (end == text.length && (nulls[1] || delimiter.length == 0 || at + part.bytes.length == text.length))
            return true;
        at = nulls[1] ? end : end + delimiter.length;
        if (at > text.length || (nulls[1] && at == text.length))
            return true;
        if (at == text.length) { /* a delimiter at the very end leaves an empty last part */
            part.bytes = (rdb_bytes){.data = text.data + at, .length = 0};
            return type_gather_add(call, parts, part, has_null && a[2].bytes.length == 0);
        }
    }
}

TYPE_NULL_FUNCTION(text_to_array, UINT32_MAX)
{
    type_gather parts = {0};
    const rdb_type *text;
    *is_null = nulls[0];
    if (nulls[0])
        return true;
    return rdb_type_descriptor(call, RDB_TEXTOID, &text) && split(call, count, a, nulls, &parts) &&
           type_array_build_list(call, text, parts.values, parts.nulls, parts.count, r);
}

/* ---- sets ---------------------------------------------------------------------------------------------------------------------------------- */
typedef struct unnest_state {
    type_array array;
    uint32_t next;
} unnest_state;

static bool unnest_begin(TYPE_UNUSED rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    unnest_state *unnest = state;
    memset(unnest, 0, sizeof *unnest);
    if (!is_null[0])
        type_array_read(arguments[0].bytes, &unnest->array);
    return true;
}

static bool unnest_next(TYPE_UNUSED rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count,
                        uint32_t capacity, uint32_t *count)
{
    unnest_state *unnest = state;
    for (*count = 0; *count < capacity && unnest->next < unnest->array.count; ++*count) {
        rdb_datum one;
        bool there = type_array_get(&unnest->array, unnest->next++, &one);
        rdb_vector_put(columns[0], *count, one, !there);
    }
    return true;
}

typedef struct split_state {
    type_gather parts;
    uint32_t next;
} split_state;

static bool split_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    split_state *parts = state;
    memset(parts, 0, sizeof *parts);
    return is_null[0] || split(call, call->argument_count, arguments, is_null, &parts->parts);
}

static bool split_next(TYPE_UNUSED rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count,
                       uint32_t capacity, uint32_t *count)
{
    split_state *parts = state;
    for (*count = 0; *count < capacity && parts->next < parts->parts.count; ++*count, parts->next++)
        rdb_vector_put(columns[0], *count, parts->parts.values[parts->next], parts->parts.nulls[parts->next]);
    return true;
}

typedef struct subscripts_state {
    int64_t at, last;
    int step;
} subscripts_state;

static bool subscripts_begin(rdb_call *call, void *state, const rdb_datum *arguments, TYPE_UNUSED const bool *is_null)
{
    subscripts_state *walk = state;
    type_array array;
    type_array_read(arguments[0].bytes, &array);
    int d = arguments[1].i32 - 1;
    *walk = (subscripts_state){.at = 1, .last = 0, .step = 1};
    if (d < 0 || d >= array.ndim)
        return true;
    walk->at = array.lowers[d];
    walk->last = (int64_t)array.lowers[d] + array.lengths[d] - 1;
    if (call->argument_count > 2 && arguments[2].b) {
        int64_t first = walk->at;
        walk->at = walk->last;
        walk->last = first;
        walk->step = -1;
    }
    return true;
}

static bool subscripts_next(TYPE_UNUSED rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count,
                            uint32_t capacity, uint32_t *count)
{
    subscripts_state *walk = state;
    for (*count = 0; *count < capacity && (walk->step > 0 ? walk->at <= walk->last : walk->at >= walk->last); walk->at += walk->step)
        rdb_vector_put(columns[0], (*count)++, (rdb_datum){.i32 = (int32_t)walk->at}, false);
    return true;
}

/* ---- aggregates ------------------------------------------------------------------------------------------------------------------------------ */
static bool agg_add(rdb_call *call, type_gather *gather, const rdb_vector *argument, uint32_t row)
{
    bool is_null = rdb_vector_is_null(argument, row);
    rdb_datum value = {.words = {0, 0}};
    if (!is_null && !rdb_datum_copy(call->arena, (rdb_rep)argument->rep, rdb_vector_get(argument, row), &value, call->err))
        return false;
    return type_gather_add(call, gather, value, is_null);
}

static bool agg_update(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection)
{
    RDB_FOR_SELECTED (selection, row) {
        if (!agg_add(call, states[row_at], arguments[0], row))
            return false;
    }
    return true;
}

static bool agg_combine(rdb_call *call, void *into, const void *from)
{
    const type_gather *other = from;
    for (uint32_t i = 0; i < other->count; i++) {
        if (!type_gather_add(call, into, other->values[i], other->nulls[i]))
            return false;
    }
    return true;
}

static bool agg_finish(rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    const type_gather *gather = state;
    *is_null = gather->count == 0;
    return *is_null || type_array_build_list(call, call->argument_types[0], gather->values, gather->nulls, gather->count, value);
}

bool rdb_array_build_gathered(rdb_call *call, const rdb_type *element, const rdb_datum *parts, const bool *nulls, uint32_t count, rdb_datum *result)
{
    type_array first = {0};
    for (uint32_t i = 0; i < count; i++) {
        type_array part;
        if (nulls[i])
            return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays");
        type_array_read(parts[i].bytes, &part);
        if (part.count == 0)
            return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "cannot accumulate empty arrays");
        if (i == 0)
            first = part;
        else if (part.ndim != first.ndim || memcmp(part.lengths, first.lengths, sizeof part.lengths) != 0)
            return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "cannot accumulate arrays of different dimensionality");
    }
    return count == 0 ? rdb_array_build(call, element, parts, nulls, 0, result) : rdb_array_build_nested(call, element, parts, nulls, count, result);
}

static bool agg_array_finish(rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    const type_gather *gather = state;
    const rdb_type *element;
    *is_null = gather->count == 0;
    return *is_null || (element_of(call, 0, gather->nulls[0] ? (rdb_datum){.words = {0, 0}} : gather->values[0], &element) &&
                        rdb_array_build_gathered(call, element, gather->values, gather->nulls, gather->count, value));
}

#define F RDB_KERNEL_FALLIBLE
#define P RDB_KERNEL_POLYMORPHIC
static const type_kernel KERNELS[] = {
    {"array_ndims", array_ndims, P, 0}, {"array_dims", array_dims, P, 0}, {"array_lower", array_lower, P, 0},
    {"array_upper", array_upper, P, 0}, {"array_length", array_length, P, 0}, {"array_cardinality", array_cardinality, P, 0},
    {"array_append", array_append, P | F, 0}, {"array_prepend", array_prepend, P | F, 0}, {"array_cat", array_cat, P | F, 0},
    {"trim_array", trim_array, P | F, 0}, {"array_fill", array_fill, P | F, 0}, {"array_fill_with_lower_bounds", array_fill, P | F, 0},
    {"array_remove", array_remove, P | F, 0}, {"array_replace", array_replace, P | F, 0},
    {"array_position", array_position, P | F, 0}, {"array_position_start", array_position, P | F, 0},
    {"array_positions", array_positions, P | F, 0},
    {"arrayoverlap", array_overlap, P | F, 0}, {"arraycontains", array_contains, P | F, 0}, {"arraycontained", array_contained, P | F, 0},
    TYPE_SIX_("array", array), {"btarraycmp", array_cmp, P | F, 0}, {"array_larger", array_larger, P | F, 0},
    {"array_smaller", array_smaller, P | F, 0},
    TYPE_SIX("oidvector", vector), {"btoidvectorcmp", vector_cmp, 0, 0},
    {"array_to_text", array_to_text, P | F, 0}, {"array_to_text_null", array_to_text, P | F, 0},
    {"text_to_array", text_to_array, F, 0}, {"text_to_array_null", text_to_array, F, 0},
};
TYPE_KERNEL_TABLE(type_array_table, KERNELS);

static const type_set_kernel SET_KERNELS[] = {
    {"array_unnest", {0, sizeof(unnest_state), unnest_begin, unnest_next, P}, 0},
    {"text_to_table", {0, sizeof(split_state), split_begin, split_next, F}, 0},
    {"text_to_table_null", {0, sizeof(split_state), split_begin, split_next, F}, 0},
    {"generate_subscripts", {0, sizeof(subscripts_state), subscripts_begin, subscripts_next, P}, 0},
    {"generate_subscripts_nodir", {0, sizeof(subscripts_state), subscripts_begin, subscripts_next, P}, 0},
};
TYPE_SET_KERNEL_TABLE(type_array_set_table, SET_KERNELS);

static const rdb_aggregate_entry AGGREGATES[] = {
    {2335, sizeof(type_gather), agg_update, NULL, agg_combine, agg_finish, 0},
    {4053, sizeof(type_gather), agg_update, NULL, agg_combine, agg_array_finish, 0},
};
TYPE_AGGREGATE_TABLE(type_array_aggregate_table, AGGREGATES);
