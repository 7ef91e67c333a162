/* SPDX-License-Identifier: Apache-2.0
 * Multiranges: sorted lists of ranges that neither overlap nor touch (drawn in range.h); their forms, functions and
 * operators, also those between a range and a multirange, and the aggregates of ranges. */
#include "type/array.h"
#include "type/generic.h"
#include "type/range.h"
#include "type/tables.h"
#include <stdlib.h>

/* ---- lists -------------------------------------------------------------------------------------------------------------------- */
static bool add_range(rdb_call *call, type_range_list *list, type_range range)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        type_range *ranges = type_alloc(call, sizeof *ranges * capacity);
        if (ranges == NULL)
            return false;
        if (list->count > 0)
            memcpy(ranges, list->ranges, sizeof *ranges * list->count);
        list->ranges = ranges;
        list->capacity = capacity;
    }
    list->ranges[list->count++] = range;
    return true;
}

bool type_multirange_read(rdb_call *call, const rdb_type *range_type, rdb_bytes stored, type_range_list *list)
{
    uint32_t count = stored.length < 4 ? 0 : rdb_get_u32(stored.data), start = 0;
    const uint8_t *ranges = stored.data + 4 + 4 * (size_t)count;
    *list = (type_range_list){.ranges = type_alloc(call, sizeof(type_range) * ((size_t)count + 1)), .count = count, .capacity = count + 1};
    if (list->ranges == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = rdb_get_u32(stored.data + 4 + 4 * (size_t)i);
        type_range_read(range_type, (rdb_bytes){.data = ranges + start, .length = end - start}, &list->ranges[i]);
        start = end;
    }
    return true;
}

static int compare_for_sort(const void *left, const void *right, void *type)
{
    return type_range_compare(type, left, right);
}

/* Sorts, drops empty ones, joins those that overlap or touch; stores. */
static bool write_list(rdb_call *call, const rdb_type *range_type, type_range_list *list, rdb_datum *r)
{
    uint32_t count = 0;
    if (list->count > 0)
        qsort_r(list->ranges, list->count, sizeof *list->ranges, compare_for_sort, (void *)(uintptr_t)range_type);
    for (uint32_t i = 0; i < list->count; i++) {
        type_range *last = count > 0 ? &list->ranges[count - 1] : NULL, *range = &list->ranges[i];
        if (range->is_empty)
            continue;
        if (last != NULL && (type_range_overlaps(range_type, last, range) || type_bounds_adjacent(call, range_type, last->upper, range->lower)))
            *last = type_range_hull(range_type, last, range);
        else
            list->ranges[count++] = *range;
    }
    if (call->err->sqlstate[0])
        return false;
    rdb_strbuf head, body;
    rdb_strbuf_init(&head, call->arena);
    rdb_strbuf_init(&body, call->arena);
    uint8_t word[4];
    rdb_put_u32(word, count);
    rdb_strbuf_add(&head, word, 4);
    for (uint32_t i = 0; i < count; i++) {
        rdb_datum one;
        list->ranges[i].lower.is_lower = true;
        list->ranges[i].upper.is_lower = false;
        if (!type_range_write(call, range_type, &list->ranges[i], &one))
            return false;
        rdb_strbuf_add(&body, one.bytes.data, one.bytes.length);
        rdb_put_u32(word, (uint32_t)body.length);
        rdb_strbuf_add(&head, word, 4);
    }
    if (!rdb_strbuf_check(&body, call->err))
        return false;
    if (body.length > 0)
        rdb_strbuf_add(&head, body.data, body.length);
    return type_take_buffer(call, &head, r);
}

/* ---- forms ---------------------------------------------------------------------------------------------------------------------- */
static bool malformed(rdb_call *call, rdb_slice text, const char *detail)
{
    rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "malformed multirange literal: \"%.*s\"", (int)text.length, (const char *)text.data);
    return rdb_error_detail(call->err, "%s", detail);
}

static bool multirange_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const rdb_type *range_type = type_base(type)->base;
    const uint8_t *at = text.data, *end = at + text.length;
    type_range_list list = {0};
    while (at < end && type_is_space(*at))
        at++;
    if (at == end || *at++ != '{')
        return malformed(call, text, "Missing left brace.");
    for (bool first = true;; first = false) {
        while (at < end && type_is_space(*at))
            at++;
        if (at < end && *at == '}' && first)
            break;
        if (at == end)
            return malformed(call, text, "Unexpected end of input.");
        const uint8_t *start = at;
        bool quoted = false, closed = false;
        if ((size_t)(end - at) >= 5 && type_equals_ignoring_case((rdb_slice){.data = at, .length = 5}, "empty")) {
            at += 5;
        } else if (*at == '[' || *at == '(') {
            for (at++; at < end && !closed; at++) {
                if (*at == '\\' && at + 1 < end)
                    at++;
                else if (*at == '"')
                    quoted = !quoted;
                else
                    closed = !quoted && (*at == ']' || *at == ')');
            }
            if (!closed)
                return malformed(call, text, "Unexpected end of input.");
        } else {
            return malformed(call, text, "Expected range start.");
        }
        type_range range;
        if (!type_range_parse(call, range_type, (rdb_slice){.data = start, .length = (size_t)(at - start)}, typmod, &range) || !add_range(call, &list, range))
            return false;
        while (at < end && type_is_space(*at))
            at++;
        if (at == end)
            return malformed(call, text, "Unexpected end of input.");
        if (*at == '}')
            break;
        if (*at++ != ',')
            return malformed(call, text, "Expected comma or end of multirange.");
    }
    for (at++; at < end && type_is_space(*at); at++)
        ;
    return at == end ? write_list(call, range_type, &list, value) : malformed(call, text, "Junk after closing right brace.");
}

static bool multirange_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    const rdb_type *range_type = type_base(type)->base;
    type_range_list list;
    if (!type_multirange_read(call, range_type, value.bytes, &list))
        return false;
    rdb_strbuf_addc(text, '{');
    for (uint32_t i = 0; i < list.count; i++) {
        rdb_datum one;
        if (i > 0)
            rdb_strbuf_addc(text, ',');
        if (!type_range_write(call, range_type, &list.ranges[i], &one) || !type_range_ops.output(call, range_type, one, text))
            return false;
    }
    rdb_strbuf_addc(text, '}');
    return true;
}

static bool multirange_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    const rdb_type *range_type = type_base(type)->base;
    const uint8_t *at = text.data, *end = at + text.length;
    type_range_list list = {0};
    if (text.length < 4)
        return type_bad_binary(call);
    uint32_t count = type_be32(at);
    at += 4;
    for (uint32_t i = 0; i < count; i++) {
        rdb_datum one;
        type_range range;
        uint32_t length = end - at < 4 ? 0 : type_be32(at);
        if (end - at < 4 || (size_t)(end - at - 4) < length)
            return type_bad_binary(call);
        if (!type_range_ops.receive(call, range_type, (rdb_slice){.data = at + 4, .length = length}, typmod, &one))
            return false;
        type_range_read(range_type, one.bytes, &range);
        if (!add_range(call, &list, range))
            return false;
        at += 4 + length;
    }
    return at == end ? write_list(call, range_type, &list, value) : type_bad_binary(call);
}

static bool multirange_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    const rdb_type *range_type = type_base(type)->base;
    type_range_list list;
    if (!type_multirange_read(call, range_type, value.bytes, &list))
        return false;
    type_add_be32(text, list.count);
    for (uint32_t i = 0; i < list.count; i++) {
        rdb_datum one;
        size_t start = text->length;
        type_add_be32(text, 0);
        if (!type_range_write(call, range_type, &list.ranges[i], &one) || !type_range_ops.send(call, range_type, one, text) ||
            !rdb_strbuf_check(text, call->err))
            return false;
        uint32_t length = __builtin_bswap32((uint32_t)(text->length - start - 4));
        memcpy(text->data + start, &length, 4);
    }
    return true;
}

/* The index-th stored range. */
static rdb_bytes stored_range(rdb_bytes stored, uint32_t index)
{
    uint32_t count = rdb_get_u32(stored.data), start = index == 0 ? 0 : rdb_get_u32(stored.data + 4 * (size_t)index);
    return (rdb_bytes){.data = stored.data + 4 + 4 * (size_t)count + start, .length = rdb_get_u32(stored.data + 4 + 4 * (size_t)index) - start};
}

static uint32_t stored_count(rdb_bytes stored)
{
    return stored.length < 4 ? 0 : rdb_get_u32(stored.data);
}

static int multirange_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    const rdb_type *range_type = type_base(type)->base;
    uint32_t x_count = stored_count(left.bytes), y_count = stored_count(right.bytes);
    for (uint32_t i = 0; i < RDB_MIN(x_count, y_count); i++) {
        type_range x, y;
        type_range_read(range_type, stored_range(left.bytes, i), &x);
        type_range_read(range_type, stored_range(right.bytes, i), &y);
        int order = type_range_compare(range_type, &x, &y);
        if (order != 0)
            return order;
    }
    return (x_count > y_count) - (x_count < y_count);
}

static uint64_t multirange_hash(TYPE_OPS_PARAMETERS_HASH)
{
    const rdb_type *range_type = type_base(type)->base;
    uint64_t hash = 17;
    for (uint32_t i = 0; i < stored_count(value.bytes); i++)
        hash = type_mix64(hash + type_range_ops.hash(range_type, collation, (rdb_datum){.bytes = stored_range(value.bytes, i)}));
    return hash;
}

static bool multirange_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    const rdb_type *range_type = type_base(type)->base;
    for (uint32_t i = 0; i < stored_count(value.bytes); i++) {
        rdb_strbuf_addc(key, 0x01);
        if (!type_range_ops.encode_key(range_type, collation, (rdb_datum){.bytes = stored_range(value.bytes, i)}, key))
            return false;
    }
    rdb_strbuf_addc(key, 0x00);
    return !key->failed;
}

const rdb_type_ops type_multirange_ops = {.input = multirange_input, .output = multirange_output, .receive = multirange_receive, .send = multirange_send,
                                          .compare = multirange_compare, .hash = multirange_hash, .encode_key = multirange_encode};

/* ---- constructors ----------------------------------------------------------------------------------------------------------------- */
static const rdb_type *result_range_type(rdb_call *call)
{
    return type_base(call->result_type)->base;
}

TYPE_NULL_FUNCTION(multirange_empty_one, 0)
{
    type_range_list list = {0};
    return write_list(call, result_range_type(call), &list, r);
}

TYPE_ROW_FUNCTION(multirange_of_range, 1)
{
    type_range_list list = {0};
    type_range range;
    type_range_read(result_range_type(call), a[0].bytes, &range);
    return add_range(call, &list, range) && write_list(call, result_range_type(call), &list, r);
}

TYPE_ROW_FUNCTION(multirange_of_array, 1)
{
    type_range_list list = {0};
    type_array array;
    type_array_read(a[0].bytes, &array);
    if (array.ndim > 1)
        return rdb_error_set(call->err, RDB_CARDINALITY_VIOLATION, "multiranges cannot be constructed from multidimensional arrays");
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum one;
        type_range range;
        if (!type_array_get(&array, i, &one))
            return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "multirange values cannot contain null members");
        type_range_read(result_range_type(call), one.bytes, &range);
        if (!add_range(call, &list, range))
            return false;
    }
    return write_list(call, result_range_type(call), &list, r);
}

/* ---- arguments: ranges and multiranges alike, as lists --------------------------------------------------------------------------------- */
/* A range is a list of one, an empty one of none. */
static bool read_argument(rdb_call *call, const rdb_datum *a, uint32_t position, const rdb_type **range_type, type_range_list *list)
{
    const rdb_type *type = type_base(call->argument_types[position]);
    *list = (type_range_list){0};
    if (type->kind == 'm') {
        *range_type = type->base;
        return type_multirange_read(call, type->base, a[position].bytes, list);
    }
    type_range range;
    *range_type = type;
    type_range_read(type, a[position].bytes, &range);
    return range.is_empty || add_range(call, list, range);
}

#define ONE_LIST(name, ...)                                                     \
    TYPE_ROW_FUNCTION(name, 1)                                                  \
    {                                                                           \
        const rdb_type *type;                                                   \
        type_range_list x;                                                      \
        if (!read_argument(call, a, 0, &type, &x))                              \
            return false;                                                       \
        const type_range *first = x.count > 0 ? &x.ranges[0] : NULL;            \
        const type_range *last = x.count > 0 ? &x.ranges[x.count - 1] : NULL;   \
        (void)first, (void)last;                                                \
        __VA_ARGS__;                                                            \
        return true;                                                            \
    }
ONE_LIST(multirange_lower, *is_null = first == NULL || first->lower.is_infinite; if (!*is_null) *r = first->lower.value)
ONE_LIST(multirange_upper, *is_null = last == NULL || last->upper.is_infinite; if (!*is_null) *r = last->upper.value)
ONE_LIST(multirange_empty, r->b = x.count == 0)
ONE_LIST(multirange_lower_inc, r->b = first != NULL && first->lower.is_inclusive)
ONE_LIST(multirange_upper_inc, r->b = last != NULL && last->upper.is_inclusive)
ONE_LIST(multirange_lower_inf, r->b = first != NULL && first->lower.is_infinite)
ONE_LIST(multirange_upper_inf, r->b = last != NULL && last->upper.is_infinite)
ONE_LIST(multirange_merge, {
    type_range hull = {.is_empty = x.count == 0};
    if (x.count > 0)
        hull = type_range_hull(type, first, last);
    return type_range_write(call, type, &hull, r);
})

static bool list_contains(const rdb_type *type, const type_range_list *outer, const type_range *inner)
{
    for (uint32_t i = 0; i < outer->count; i++) {
        if (type_range_contains(type, &outer->ranges[i], inner))
            return true;
    }
    return inner->is_empty;
}

static bool list_contains_list(const rdb_type *type, const type_range_list *outer, const type_range_list *inner)
{
    for (uint32_t i = 0; i < inner->count; i++) {
        if (!list_contains(type, outer, &inner->ranges[i]))
            return false;
    }
    return true;
}

static bool lists_overlap(const rdb_type *type, const type_range_list *x, const type_range_list *y)
{
    for (uint32_t i = 0; i < x->count; i++) {
        for (uint32_t k = 0; k < y->count; k++) {
            if (type_range_overlaps(type, &x->ranges[i], &y->ranges[k]))
                return true;
        }
    }
    return false;
}

#define TWO_LISTS(name, ...)                                                                             \
    TYPE_ROW_FUNCTION(name, 2)                                                                           \
    {                                                                                                    \
        const rdb_type *type;                                                                            \
        type_range_list x, y;                                                                            \
        if (!read_argument(call, a, 0, &type, &x) || !read_argument(call, a, 1, &type, &y))              \
            return false;                                                                                \
        bool both = x.count > 0 && y.count > 0;                                                          \
        const type_range *x_first = both ? &x.ranges[0] : NULL, *x_last = both ? &x.ranges[x.count - 1] : NULL; \
        const type_range *y_first = both ? &y.ranges[0] : NULL, *y_last = both ? &y.ranges[y.count - 1] : NULL; \
        (void)x_first, (void)x_last, (void)y_first, (void)y_last;                                        \
        __VA_ARGS__;                                                                                     \
        return !call->err->sqlstate[0];                                                                  \
    }
TWO_LISTS(lists_overlaps, r->b = lists_overlap(type, &x, &y))
TWO_LISTS(lists_contains, r->b = list_contains_list(type, &x, &y))
TWO_LISTS(lists_contained, r->b = list_contains_list(type, &y, &x))
TWO_LISTS(lists_before, r->b = both && type_bound_compare(type, &x_last->upper, &y_first->lower) < 0)
TWO_LISTS(lists_after, r->b = both && type_bound_compare(type, &x_first->lower, &y_last->upper) > 0)
TWO_LISTS(lists_overleft, r->b = both && type_bound_compare(type, &x_last->upper, &y_last->upper) <= 0)
TWO_LISTS(lists_overright, r->b = both && type_bound_compare(type, &x_first->lower, &y_first->lower) >= 0)
TWO_LISTS(lists_adjacent, r->b = both && (type_bounds_adjacent(call, type, x_last->upper, y_first->lower) ||
                                          type_bounds_adjacent(call, type, y_last->upper, x_first->lower)))
TWO_LISTS(multirange_union, {
    for (uint32_t i = 0; i < y.count; i++) {
        if (!add_range(call, &x, y.ranges[i]))
            return false;
    }
    return write_list(call, type, &x, r);
})
TWO_LISTS(multirange_minus, {
    type_range_list left = {0};
    for (uint32_t i = 0; i < x.count; i++) {
        type_range rest = x.ranges[i];
        for (uint32_t k = 0; k < y.count && !rest.is_empty; k++) {
            const type_range *cut = &y.ranges[k];
            if (!type_range_overlaps(type, &rest, cut))
                continue;
            if (type_bound_compare(type, &rest.lower, &cut->lower) < 0) { /* what lies before the cut stays */
                type_range before = {.lower = rest.lower, .upper = cut->lower};
                before.upper.is_lower = false;
                before.upper.is_inclusive = !cut->lower.is_inclusive;
                if (!type_range_make(call, type, &before) || !add_range(call, &left, before))
                    return false;
            }
            if (type_bound_compare(type, &rest.upper, &cut->upper) > 0) {
                rest.lower = cut->upper;
                rest.lower.is_inclusive = !cut->upper.is_inclusive;
                if (!type_range_make(call, type, &rest))
                    return false;
            } else {
                rest.is_empty = true;
            }
        }
        if (!rest.is_empty && !add_range(call, &left, rest))
            return false;
    }
    return write_list(call, type, &left, r);
})

static bool common_parts(rdb_call *call, const rdb_type *type, const type_range_list *x, const type_range_list *y, type_range_list *common)
{
    for (uint32_t i = 0; i < x->count; i++) {
        for (uint32_t k = 0; k < y->count; k++) {
            type_range part = type_range_common(call, type, &x->ranges[i], &y->ranges[k]);
            if (!part.is_empty && !add_range(call, common, part))
                return false;
        }
    }
    return true;
}
TWO_LISTS(multirange_intersect, {
    type_range_list common = {0};
    return common_parts(call, type, &x, &y, &common) && write_list(call, type, &common, r);
})

static bool holds_value(rdb_call *call, const rdb_datum *a, uint32_t at, rdb_datum value, rdb_datum *r)
{
    const rdb_type *type;
    type_range_list x;
    if (!read_argument(call, a, at, &type, &x))
        return false;
    for (uint32_t i = 0; i < x.count && !r->b; i++)
        r->b = type_range_contains_value(type, &x.ranges[i], value);
    return true;
}
TYPE_ROW_FUNCTION(multirange_contains_elem, 2) { return holds_value(call, a, 0, a[1], r); }
TYPE_ROW_FUNCTION(elem_contained_by_multirange, 2) { return holds_value(call, a, 1, a[0], r); }

/* ---- sets and aggregates -------------------------------------------------------------------------------------------------------------- */
typedef struct unnest_state {
    rdb_bytes stored;
    uint32_t next;
} unnest_state;

static bool unnest_begin(TYPE_UNUSED rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    *(unnest_state *)state = (unnest_state){.stored = a[0].bytes};
    return true;
}

static bool unnest_next(TYPE_UNUSED rdb_call *call, void *raw, rdb_vector **columns, TYPE_UNUSED uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    unnest_state *state = raw;
    for (*count = 0; *count < capacity && state->next < stored_count(state->stored); ++*count)
        rdb_vector_put(columns[0], *count, (rdb_datum){.bytes = stored_range(state->stored, state->next++)}, false);
    return true;
}

typedef struct agg_state {
    rdb_datum *values; /* stored ranges or multiranges */
    uint32_t count, capacity;
} agg_state;

static bool keep_value(rdb_call *call, agg_state *state, rdb_datum value)
{
    rdb_datum copy;
    if (state->count == state->capacity) {
        uint32_t capacity = state->capacity == 0 ? 8 : state->capacity * 2;
        rdb_datum *values = type_alloc(call, sizeof *values * capacity);
        if (values == NULL)
            return false;
        if (state->count > 0)
            memcpy(values, state->values, sizeof *values * state->count);
        state->values = values;
        state->capacity = capacity;
    }
    if (!type_make_bytes(call, value.bytes.data, value.bytes.length, &copy))
        return false;
    state->values[state->count++] = copy;
    return true;
}

static bool agg_update(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection)
{
    RDB_FOR_SELECTED (selection, row) {
        agg_state *state = states[row_at];
        if (!rdb_vector_is_null(arguments[0], row) && !keep_value(call, state, rdb_vector_get(arguments[0], row)))
            return false;
    }
    return true;
}

static bool agg_combine(rdb_call *call, void *into, const void *from)
{
    agg_state *state = into;
    const agg_state *other = from;
    for (uint32_t i = 0; i < other->count; i++) {
        if (!keep_value(call, state, other->values[i]))
            return false;
    }
    return true;
}

/* The union of all, a multirange. */
static bool agg_finish(rdb_call *call, void *raw, rdb_datum *value, bool *is_null)
{
    agg_state *state = raw;
    type_range_list all = {0};
    const rdb_type *type = type_base(call->argument_types[0]), *range_type = type->kind == 'm' ? type->base : type;
    *is_null = state->count == 0;
    if (*is_null)
        return true;
    for (uint32_t i = 0; i < state->count; i++) {
        type_range_list one;
        if (!read_argument(call, &state->values[i], 0, &range_type, &one))
            return false;
        for (uint32_t k = 0; k < one.count; k++) {
            if (!add_range(call, &all, one.ranges[k]))
                return false;
        }
    }
    return write_list(call, range_type, &all, value);
}

/* What all have in common, of the arguments' own type. */
static bool intersect_finish(rdb_call *call, void *raw, rdb_datum *value, bool *is_null)
{
    agg_state *state = raw;
    const rdb_type *type = type_base(call->argument_types[0]), *range_type = type;
    type_range_list all;
    *is_null = state->count == 0;
    if (*is_null)
        return true;
    if (!read_argument(call, &state->values[0], 0, &range_type, &all))
        return false;
    for (uint32_t i = 1; i < state->count; i++) {
        type_range_list one, common = {0};
        if (!read_argument(call, &state->values[i], 0, &range_type, &one) || !common_parts(call, range_type, &all, &one, &common))
            return false;
        all = common;
    }
    if (type->kind == 'm')
        return write_list(call, range_type, &all, value);
    type_range nothing = {.is_empty = true};
    return type_range_write(call, range_type, all.count > 0 ? &all.ranges[0] : &nothing, value);
}

static const rdb_aggregate_entry AGGREGATES[] = {
    {4301, sizeof(agg_state), agg_update, NULL, agg_combine, agg_finish, 0},
    {6227, sizeof(agg_state), agg_update, NULL, agg_combine, agg_finish, 0},
    {4450, sizeof(agg_state), agg_update, NULL, agg_combine, intersect_finish, RDB_AGGREGATE_SKIPS_NULLS},
    {4389, sizeof(agg_state), agg_update, NULL, agg_combine, intersect_finish, RDB_AGGREGATE_SKIPS_NULLS},
};
TYPE_AGGREGATE_TABLE(type_range_aggregate_table, AGGREGATES);

#define P RDB_KERNEL_POLYMORPHIC
#define F (RDB_KERNEL_FALLIBLE | RDB_KERNEL_POLYMORPHIC)
#define BETWEEN(what, kernel)                                                                                         \
    {"multirange_" what "_multirange", kernel, F, 0}, {"multirange_" what "_range", kernel, F, 0}, {"range_" what "_multirange", kernel, F, 0}
static const type_kernel KERNELS[] = {
    {"multirange_constructor0", multirange_empty_one, F, 0}, {"multirange_constructor1", multirange_of_range, F, 0},
    {"multirange_constructor2", multirange_of_array, F, 0},
    {"multirange_lower", multirange_lower, F, 0}, {"multirange_upper", multirange_upper, F, 0}, {"multirange_empty", multirange_empty, F, 0},
    {"multirange_lower_inc", multirange_lower_inc, F, 0}, {"multirange_upper_inc", multirange_upper_inc, F, 0},
    {"multirange_lower_inf", multirange_lower_inf, F, 0}, {"multirange_upper_inf", multirange_upper_inf, F, 0},
    {"range_merge_from_multirange", multirange_merge, F, 0},
    {"multirange_contains_elem", multirange_contains_elem, F, 0}, {"elem_contained_by_multirange", elem_contained_by_multirange, F, 0},
    TYPE_GENERIC_SIX("multirange_"), TYPE_GENERIC("multirange_cmp", cmp),
    BETWEEN("overlaps", lists_overlaps), BETWEEN("contains", lists_contains), BETWEEN("contained_by", lists_contained),
    BETWEEN("before", lists_before), BETWEEN("after", lists_after), BETWEEN("overleft", lists_overleft), BETWEEN("overright", lists_overright),
    BETWEEN("adjacent", lists_adjacent),
    {"multirange_union", multirange_union, F, 0}, {"multirange_minus", multirange_minus, F, 0}, {"multirange_intersect", multirange_intersect, F, 0},
};
TYPE_KERNEL_TABLE(type_multirange_table, KERNELS);

static const type_set_kernel SET_KERNELS[] = {{"multirange_unnest", {0, sizeof(unnest_state), unnest_begin, unnest_next, P}, 0}};
TYPE_SET_KERNEL_TABLE(type_multirange_set_table, SET_KERNELS);
