/* SPDX-License-Identifier: Apache-2.0
 * Arrays for the rooms above: shape, elements, subscripts, slices, assignment, and building from values or from parts. */
#include "type/array.h"

void rdb_array_get_shape(rdb_datum stored, rdb_array_shape *shape)
{
    type_array array;
    type_array_read(stored.bytes, &array);
    *shape = (rdb_array_shape){.element_oid = array.element_oid, .count = array.count, .ndim = array.ndim};
    memcpy(shape->lengths, array.lengths, sizeof shape->lengths);
    memcpy(shape->lowers, array.lowers, sizeof shape->lowers);
}

bool rdb_array_get(rdb_datum stored, uint32_t index, rdb_datum *value)
{
    type_array array;
    type_array_read(stored.bytes, &array);
    RDB_ASSERT(index < array.count);
    return type_array_get(&array, index, value);
}

bool rdb_array_build(rdb_call *call, const rdb_type *element, const rdb_datum *values, const bool *nulls, uint32_t count,
                     rdb_datum *result)
{
    return type_array_build_list(call, element, values, nulls, count, result);
}

bool rdb_array_build_shaped(rdb_call *call, const rdb_type *element, const rdb_array_shape *shape, const rdb_datum *values, const bool *nulls,
                            rdb_datum *result)
{
    return type_array_build(call, element, shape->ndim, shape->lengths, shape->lowers, values, nulls, shape->count, result);
}

bool rdb_array_build_nested(rdb_call *call, const rdb_type *element, const rdb_datum *parts, const bool *nulls,
                            uint32_t count, rdb_datum *result)
{
    type_gather gather = {0};
    type_array first = {0};
    int32_t lengths[TYPE_ARRAY_DIMS_MAX] = {0}, lowers[TYPE_ARRAY_DIMS_MAX] = {0};
    bool any_filled = false, any_empty = false;
    for (uint32_t i = 0; i < count; i++) {
        type_array part = {0};
        if (nulls == NULL || !nulls[i])
            type_array_read(parts[i].bytes, &part);
        if (part.count == 0) {
            any_empty = true;
            continue;
        }
        if (!any_filled) {
            first = part;
            any_filled = true;
            if (part.ndim >= TYPE_ARRAY_DIMS_MAX)
                return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED,
                                     "number of array dimensions (%d) exceeds the maximum allowed (%d)", part.ndim + 1, TYPE_ARRAY_DIMS_MAX);
        } else if (part.ndim != first.ndim || memcmp(part.lengths, first.lengths, sizeof part.lengths) != 0 ||
                   memcmp(part.lowers, first.lowers, sizeof part.lowers) != 0) {
            return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR,
                                 "multidimensional arrays must have array expressions with matching dimensions");
        }
        for (uint32_t k = 0; k < part.count; k++) {
            rdb_datum value;
            bool there = type_array_get(&part, k, &value);
            if (!type_gather_add(call, &gather, value, !there))
                return false;
        }
    }
    if (any_filled && any_empty)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR,
                             "multidimensional arrays must have array expressions with matching dimensions");
    if (!any_filled)
        return type_array_build(call, element, 0, NULL, NULL, NULL, NULL, 0, result);
    lengths[0] = (int32_t)count;
    lowers[0] = 1;
    for (int i = 0; i < first.ndim; i++) {
        lengths[i + 1] = first.lengths[i];
        lowers[i + 1] = first.lowers[i];
    }
    return type_array_build(call, element, first.ndim + 1, lengths, lowers, gather.values, gather.nulls, gather.count, result);
}

bool rdb_array_subscript(rdb_datum stored, const int32_t *subscripts, uint32_t count, rdb_datum *value)
{
    type_array array;
    type_array_read(stored.bytes, &array);
    value->words[0] = value->words[1] = 0;
    if (array.ndim != (int)count || array.count == 0)
        return false;
    uint32_t index = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t offset = (int64_t)subscripts[i] - array.lowers[i];
        if (offset < 0 || offset >= array.lengths[i])
            return false;
        index = index * (uint32_t)array.lengths[i] + (uint32_t)offset;
    }
    return type_array_get(&array, index, value);
}

bool rdb_array_slice(rdb_call *call, const rdb_type *element, rdb_datum stored, const int32_t *lowers, const int32_t *uppers,
                     const bool *has_lower, const bool *has_upper, uint32_t count, rdb_datum *result)
{
    type_array array;
    type_array_read(stored.bytes, &array);
    int32_t from[TYPE_ARRAY_DIMS_MAX], lengths[TYPE_ARRAY_DIMS_MAX], ones[TYPE_ARRAY_DIMS_MAX] = {1, 1, 1, 1, 1, 1};
    bool empty = array.count == 0 || (int)count > array.ndim;
    uint32_t total = 1;
    for (int i = 0; i < array.ndim && !empty; i++) {
        int64_t low = array.lowers[i], high = low + array.lengths[i] - 1;
        if (i < (int)count) {
            if (has_lower[i])
                low = RDB_MAX(low, lowers[i]);
            if (has_upper[i])
                high = RDB_MIN(high, uppers[i]);
        }
        empty = low > high;
        from[i] = (int32_t)(low - array.lowers[i]);
        lengths[i] = (int32_t)(high - low + 1);
        total *= (uint32_t)lengths[i];
    }
    if (empty)
        return type_array_build(call, element, 0, NULL, NULL, NULL, NULL, 0, result);
    type_gather gather = {0};
    for (uint32_t k = 0; k < total; k++) {
        uint32_t rest = k, index = 0, span = 1;
        for (int d = array.ndim - 1; d >= 0; d--) {
            index += ((uint32_t)from[d] + rest % (uint32_t)lengths[d]) * span;
            rest /= (uint32_t)lengths[d];
            span *= (uint32_t)array.lengths[d];
        }
        rdb_datum value;
        bool there = type_array_get(&array, index, &value);
        if (!type_gather_add(call, &gather, value, !there))
            return false;
    }
    return type_array_build(call, element, array.ndim, lengths, ones, gather.values, gather.nulls, total, result);
}

bool rdb_array_assign(rdb_call *call, const rdb_type *element, rdb_datum stored, bool array_is_null,
                      const int32_t *subscripts, uint32_t count, rdb_datum value, bool value_is_null, rdb_datum *result)
{
    type_array array = {0};
    if (!array_is_null)
        type_array_read(stored.bytes, &array);
    type_gather gather = {0};
    if (array.ndim == 0) {
        int32_t lengths[TYPE_ARRAY_DIMS_MAX] = {1, 1, 1, 1, 1, 1};
        if (count > TYPE_ARRAY_DIMS_MAX)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED,
                                 "number of array dimensions (%d) exceeds the maximum allowed (%d)", (int)count, TYPE_ARRAY_DIMS_MAX);
        return type_array_build(call, element, (int)count, lengths, subscripts, &value, &value_is_null, 1, result);
    }
    if (array.ndim != (int)count)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    int64_t before = 0, after = 0; /* new elements at the ends of a one-dimensional array */
    uint32_t index = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t offset = (int64_t)subscripts[i] - array.lowers[i];
        if (count == 1 && offset < 0)
            before = -offset;
        else if (count == 1 && offset >= array.lengths[i])
            after = offset - array.lengths[i] + 1;
        else if (offset < 0 || offset >= array.lengths[i])
            return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "array subscript out of range");
        index = index * (uint32_t)array.lengths[i] + (uint32_t)(offset < 0 ? 0 : offset);
    }
    if (before + after + array.count > TYPE_ARRAY_COUNT_MAX)
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed (%u)", TYPE_ARRAY_COUNT_MAX);
    rdb_datum nothing = {.words = {0, 0}};
    for (int64_t i = 0; i < before; i++) {
        if (!type_gather_add(call, &gather, nothing, true))
            return false;
    }
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum one;
        bool there = type_array_get(&array, i, &one);
        if (!type_gather_add(call, &gather, one, !there))
            return false;
    }
    for (int64_t i = 0; i < after; i++) {
        if (!type_gather_add(call, &gather, nothing, true))
            return false;
    }
    gather.values[index] = value;
    gather.nulls[index] = value_is_null;
    array.lowers[0] -= (int32_t)before;
    array.lengths[0] += (int32_t)(before + after);
    return type_array_build(call, element, array.ndim, array.lengths, array.lowers, gather.values, gather.nulls, gather.count, result);
}

/* The region that a slice assignment means, where the bounds left open, and dimensions without subscripts, are the array's own. */
static bool slice_bounds(rdb_call *call, type_array *array, const int32_t *lowers, const int32_t *uppers, const bool *has_lower, const bool *has_upper, uint32_t count,
                         uint32_t dimensions, int32_t *from, int32_t *lengths)
{
    uint64_t total = 1;
    for (uint32_t i = 0; i < dimensions; i++) {
        const bool starts = i < count && has_lower[i], ends = i < count && has_upper[i];
        if (array->ndim == 0 && (!starts || !ends)) {
            rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "array slice subscript must provide both boundaries");
            return rdb_error_detail(call->err, "When assigning to a slice of an empty array value, slice boundaries must be fully specified.");
        }
        int64_t low = starts ? lowers[i] : array->lowers[i], high = ends ? uppers[i] : (int64_t)array->lowers[i] + array->lengths[i] - 1;
        if (low > high + (array->ndim == 0 ? 1 : 0))
            return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound");
        if (array->ndim > 1 && (low < array->lowers[i] || high >= (int64_t)array->lowers[i] + array->lengths[i]))
            return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "array subscript out of range");
        from[i] = (int32_t)low;
        lengths[i] = (int32_t)(high - low + 1);
        total *= (uint64_t)lengths[i];
        if (total > TYPE_ARRAY_COUNT_MAX)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed (%u)", TYPE_ARRAY_COUNT_MAX);
    }
    return true;
}

bool rdb_array_assign_slice(rdb_call *call, const rdb_type *element, rdb_datum stored, bool array_is_null, const int32_t *lowers, const int32_t *uppers,
                            const bool *has_lower, const bool *has_upper, uint32_t count, rdb_datum value, bool value_is_null, rdb_datum *result)
{
    type_array array = {0}, source;
    int32_t from[TYPE_ARRAY_DIMS_MAX] = {0}, lengths[TYPE_ARRAY_DIMS_MAX] = {0};
    if (!array_is_null)
        type_array_read(stored.bytes, &array);
    if (value_is_null) { /* nothing to put there: the array stays, an empty one where there was none */
        *result = stored;
        return !array_is_null || type_array_build(call, element, 0, lengths, from, NULL, NULL, 0, result);
    }
    type_array_read(value.bytes, &source);
    if (array.ndim != 0 && array.ndim < (int)count)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    const uint32_t dimensions = array.ndim != 0 ? (uint32_t)array.ndim : count;
    if (!slice_bounds(call, &array, lowers, uppers, has_lower, has_upper, count, dimensions, from, lengths))
        return false;
    uint64_t wanted = 1, total = 1;
    for (uint32_t i = 0; i < dimensions; i++)
        wanted *= (uint64_t)lengths[i];
    if (source.count < wanted)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "source array too small");
    type_array whole = array;
    if (array.ndim == 0) {
        whole.ndim = (int)count;
        memcpy(whole.lengths, lengths, sizeof lengths);
        memcpy(whole.lowers, from, sizeof from);
    } else if (dimensions == 1) { /* it grows at both ends */
        int64_t first = RDB_MIN(array.lowers[0], from[0]), end = RDB_MAX((int64_t)array.lowers[0] + array.lengths[0], (int64_t)from[0] + lengths[0]);
        if (end - first > TYPE_ARRAY_COUNT_MAX)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed (%u)", TYPE_ARRAY_COUNT_MAX);
        whole.lowers[0] = (int32_t)first;
        whole.lengths[0] = (int32_t)(end - first);
    }
    for (int i = 0; i < whole.ndim; i++)
        total *= (uint64_t)whole.lengths[i];
    type_gather gather = {0};
    uint32_t next = 0; /* of the source, in storage order */
    for (uint64_t at = 0; at < total; at++) {
        rdb_datum one = {.words = {0, 0}};
        bool is_inside = true, was_there = array.ndim != 0, is_set = false;
        uint64_t rest = at, old_index = 0, old_stride = 1;
        for (int i = whole.ndim; i-- > 0;) {
            int64_t subscript = whole.lowers[i] + (int64_t)(rest % (uint64_t)whole.lengths[i]);
            rest /= (uint64_t)whole.lengths[i];
            is_inside = is_inside && subscript >= from[i] && subscript < (int64_t)from[i] + lengths[i];
            if (was_there && subscript >= array.lowers[i] && subscript < (int64_t)array.lowers[i] + array.lengths[i]) {
                old_index += (uint64_t)(subscript - array.lowers[i]) * old_stride;
                old_stride *= (uint64_t)array.lengths[i];
            } else {
                was_there = false;
            }
        }
        if (is_inside)
            is_set = type_array_get(&source, next++, &one);
        else if (was_there)
            is_set = type_array_get(&array, (uint32_t)old_index, &one);
        if (!type_gather_add(call, &gather, one, !is_set))
            return false;
    }
    return type_array_build(call, element, gather.count == 0 ? 0 : whole.ndim, whole.lengths, whole.lowers, gather.values, gather.nulls, gather.count, result);
}
