/* SPDX-License-Identifier: Apache-2.0
 * What all kernels share: running a function row by row, memory for results, bytes of keys, and the texts of errors. */
#include "type/rdb_encoding.h"
#include "type/array.h"

#define ARGUMENTS_MAX 100 /* PostgreSQL's FUNC_MAX_ARGS */

bool type_run_rows(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection,
                   uint32_t count, type_row_function function)
{
    rdb_datum a[ARGUMENTS_MAX];
    if (count == UINT32_MAX)
        count = call->argument_count;
    RDB_VERIFY(count <= ARGUMENTS_MAX);
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum result = {.words = {0, 0}};
        bool is_null = false;
        for (uint32_t i = 0; i < count; i++)
            a[i] = rdb_vector_get(arguments[i], row);
        if (RDB_UNLIKELY(!function(call, a, &result, &is_null))) {
            call->bad_row = row;
            return false;
        }
        rdb_vector_put(out, row, result, is_null);
    }
    return true;
}

/* A call whose last argument is a VARIADIC array, as if its elements had been written one by one. */
static bool run_spread(rdb_call *call, uint32_t count, const rdb_datum *a, const bool *nulls, bool null_is_none, type_null_function function,
                       rdb_datum *result, bool *is_null)
{
    uint32_t fixed = count - 1;
    type_array array = {0};
    if (nulls[fixed] && !null_is_none) {
        *is_null = true;
        return true;
    }
    if (!nulls[fixed])
        type_array_read(a[fixed].bytes, &array);
    const rdb_type *element = call->argument_types[fixed]->element;
    if (!nulls[fixed] && element == NULL)
        return rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "VARIADIC argument must be an array");
    size_t total = (size_t)fixed + array.count;
    rdb_datum *values = rdb_arena_zalloc(call->arena, sizeof *values * (total + 1));
    bool *are_null = rdb_arena_zalloc(call->arena, total + 1);
    const rdb_type **types = rdb_arena_zalloc(call->arena, sizeof *types * (total + 1));
    for (uint32_t i = 0; i < total; i++) {
        types[i] = i < fixed ? call->argument_types[i] : element;
        if (i < fixed) {
            values[i] = a[i];
            are_null[i] = nulls[i];
        } else {
            are_null[i] = !type_array_get(&array, i - fixed, &values[i]);
        }
    }
    rdb_call inner = *call;
    inner.argument_types = types;
    inner.argument_count = (uint32_t)total;
    inner.is_variadic = false;
    return function(&inner, (uint32_t)total, values, are_null, result, is_null);
}

bool type_run_null_rows(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out,
                        const rdb_selection *selection, uint32_t count, type_null_function function)
{
    rdb_datum a[ARGUMENTS_MAX];
    bool nulls[ARGUMENTS_MAX];
    bool any_count = count >= TYPE_ANY_COUNT_OR_NONE, null_is_none = count == TYPE_ANY_COUNT_OR_NONE;
    if (any_count)
        count = call->argument_count;
    bool spread = any_count && call->is_variadic && count > 0;
    RDB_VERIFY(count <= ARGUMENTS_MAX);
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum result = {.words = {0, 0}};
        bool is_null = false;
        for (uint32_t i = 0; i < count; i++) {
            nulls[i] = rdb_vector_is_null(arguments[i], row);
            a[i] = nulls[i] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(arguments[i], row);
        }
        bool ok = spread ? run_spread(call, count, a, nulls, null_is_none, function, &result, &is_null)
                         : function(call, count, a, nulls, &result, &is_null);
        if (RDB_UNLIKELY(!ok)) {
            call->bad_row = row;
            return false;
        }
        rdb_vector_put(out, row, result, is_null);
    }
    return true;
}

bool type_check_utf8(rdb_call *call, rdb_slice text)
{
    size_t bad = 0;
    if (rdb_utf8_validate(text.data, text.length, &bad))
        return true;
    return rdb_encoding_refuse(RDB_ENCODING_UTF8, text.data + bad, text.length - bad, call->err);
}

void *type_alloc(rdb_call *call, size_t bytes)
{
    if (RDB_UNLIKELY(bytes > TYPE_BYTES_MAX)) {
        rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "invalid memory alloc request size %zu", bytes);
        return NULL;
    }
    return rdb_arena_try_alloc(call->arena, bytes > 0 ? bytes : 1, call->err);
}

bool type_make_bytes(rdb_call *call, const void *bytes, size_t length, rdb_datum *value)
{
    uint8_t *copy = type_alloc(call, length);
    if (copy == NULL)
        return false;
    if (length > 0)
        memcpy(copy, bytes, length);
    value->bytes = (rdb_bytes){.data = copy, .length = (uint32_t)length};
    return true;
}

bool type_make_text(rdb_call *call, const char *text, rdb_datum *value)
{
    return type_make_bytes(call, text, strlen(text), value);
}

bool type_take_buffer(rdb_call *call, rdb_strbuf *buffer, rdb_datum *value)
{
    if (!rdb_strbuf_check(buffer, call->err))
        return false;
    if (buffer->length > TYPE_BYTES_MAX)
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "requested length too large");
    const char *data = buffer->data != NULL ? buffer->data : "";
    value->bytes = (rdb_bytes){.data = (const uint8_t *)data, .length = (uint32_t)buffer->length};
    return true;
}

void type_add_be16(rdb_strbuf *buffer, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    rdb_strbuf_add(buffer, bytes, sizeof bytes);
}

void type_add_be32(rdb_strbuf *buffer, uint32_t value)
{
    value = __builtin_bswap32(value);
    rdb_strbuf_add(buffer, &value, sizeof value);
}

void type_add_be64(rdb_strbuf *buffer, uint64_t value)
{
    value = __builtin_bswap64(value);
    rdb_strbuf_add(buffer, &value, sizeof value);
}

void type_key_add_bytes(rdb_strbuf *key, const uint8_t *bytes, size_t length)
{
    static const uint8_t escaped_zero[2] = {0x00, 0xff}, end[2] = {0x00, 0x00};
    size_t start = 0;
    while (start < length) {
        const uint8_t *zero = memchr(bytes + start, 0, length - start);
        size_t stop = zero == NULL ? length : (size_t)(zero - bytes);
        rdb_strbuf_add(key, bytes + start, stop - start);
        if (zero == NULL)
            break;
        rdb_strbuf_add(key, escaped_zero, sizeof escaped_zero);
        start = stop + 1;
    }
    rdb_strbuf_add(key, end, sizeof end);
}

bool type_key_get_bytes(rdb_arena *arena, const uint8_t **at, const uint8_t *end, rdb_datum *value)
{
    const uint8_t *scan = *at;
    size_t length = 0;
    for (;; length++, scan++) {
        if (end - scan < 2)
            return false;
        if (*scan == 0) {
            if (scan[1] == 0)
                break;
            if (scan[1] != 0xff)
                return false;
            scan++;
        }
    }
    rdb_error err = {0};
    uint8_t *copy = rdb_arena_try_alloc(arena, length + 1, &err);
    if (copy == NULL) {
        rdb_error_clear(&err);
        return false;
    }
    const uint8_t *from = *at;
    for (size_t i = 0; i < length; i++, from++) {
        copy[i] = *from;
        if (*from == 0)
            from++;
    }
    value->bytes = (rdb_bytes){.data = copy, .length = (uint32_t)length};
    *at = scan + 2;
    return true;
}

bool type_equals_ignoring_case(rdb_slice text, const char *word)
{
    size_t i = 0;
    for (; i < text.length && word[i] != '\0'; i++) {
        if (type_lower(text.data[i]) != type_lower((uint8_t)word[i]))
            return false;
    }
    return i == text.length && word[i] == '\0';
}

rdb_slice type_trim(rdb_slice text)
{
    while (text.length > 0 && type_is_space(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && type_is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}

bool type_bad_input(rdb_call *call, const char *type_name, rdb_slice text)
{
    return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type %s: \"%.*s\"",
                         type_name, (int)text.length, (const char *)text.data);
}

bool type_bad_binary(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "incorrect binary data format");
}

bool type_parse_int(rdb_call *call, rdb_slice text, int64_t min, int64_t max, const char *type_name, int64_t *value)
{
    const uint8_t *at = text.data, *end = text.data + text.length;
    while (at < end && type_is_space(*at))
        at++;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end || !type_is_digit(*at))
        return type_bad_input(call, type_name, text);
    int64_t result = 0;
    bool overflow = false;
    for (; at < end && type_is_digit(*at); at++) {
        /* Downwards, since the negative side is one longer. */
        overflow |= __builtin_mul_overflow(result, 10, &result);
        overflow |= __builtin_sub_overflow(result, *at - '0', &result);
    }
    while (at < end && type_is_space(*at))
        at++;
    if (at < end)
        return type_bad_input(call, type_name, text);
    if (!negative && !overflow)
        overflow = __builtin_sub_overflow(0, result, &result);
    if (overflow || result < min || result > max)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value \"%.*s\" is out of range for type %s",
                             (int)text.length, (const char *)text.data, type_name);
    *value = result;
    return true;
}

void type_add_int(rdb_strbuf *text, int64_t value)
{
    static const char PAIRS[] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
                                "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    char digits[24];
    size_t at = sizeof digits;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (; magnitude > UINT32_MAX; magnitude /= 100)
        memcpy(&digits[at -= 2], &PAIRS[magnitude % 100 * 2], 2);
    uint32_t rest = (uint32_t)magnitude;
    for (; rest >= 100; rest /= 100)
        memcpy(&digits[at -= 2], &PAIRS[rest % 100 * 2], 2);
    if (rest >= 10)
        memcpy(&digits[at -= 2], &PAIRS[rest * 2], 2);
    else
        digits[--at] = (char)('0' + rest);
    if (value < 0)
        digits[--at] = '-';
    rdb_strbuf_add(text, digits + at, sizeof digits - at);
}

bool type_to_text(rdb_call *call, const rdb_type *type, rdb_datum value, rdb_strbuf *text)
{
    const rdb_type_ops *ops = type->ops != NULL ? type->ops : rdb_type_ops_find(type);
    if (ops == NULL || ops->output == NULL)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "no text form is built for type %s", type->name);
    return ops->output(call, type, value, text);
}
