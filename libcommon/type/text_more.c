/* SPDX-License-Identifier: Apache-2.0
 * Texts again: Unicode escapes and normal forms, identifiers taken apart, overlays of bytea; and small functions over
 * any types: counting nulls, buckets, OVERLAPS. */
#include "type/array.h"
#include "type/datetime.h"
#include "type/numeric.h"
#include "type/tables.h"
#include "type/text_int.h"
#include <stdlib.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

/* ---- unistr -------------------------------------------------------------------------------------------------------------------- */
static bool read_hex(const uint8_t *at, const uint8_t *end, int digits, uint32_t *value)
{
    *value = 0;
    if (end - at < digits)
        return false;
    for (int i = 0; i < digits; i++) {
        int c = type_lower(at[i]), digit = type_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

static bool bad_pair(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_SYNTAX_ERROR, "invalid Unicode surrogate pair");
}

/* \\XXXX, \\+XXXXXX, \\uXXXX, \\UXXXXXXXX; two backslashes are one. */
TYPE_ROW_FUNCTION(text_unistr, 1)
{
    const uint8_t *at = a[0].bytes.data, *end = at + a[0].bytes.length;
    uint32_t high = 0;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    while (at < end) {
        uint32_t c = 0;
        if (*at != '\\') {
            if (high != 0)
                return bad_pair(call);
            rdb_strbuf_addc(&text, (char)*at++);
            continue;
        }
        if (at + 1 < end && at[1] == '\\') {
            if (high != 0)
                return bad_pair(call);
            rdb_strbuf_addc(&text, '\\');
            at += 2;
            continue;
        }
        if (read_hex(at + 1, end, 4, &c)) {
            at += 5;
        } else if (at + 1 < end && at[1] == 'u' && read_hex(at + 2, end, 4, &c)) {
            at += 6;
        } else if (at + 1 < end && at[1] == '+' && read_hex(at + 2, end, 6, &c)) {
            at += 8;
        } else if (at + 1 < end && at[1] == 'U' && read_hex(at + 2, end, 8, &c)) {
            at += 10;
        } else {
            rdb_error_set(call->err, RDB_SYNTAX_ERROR, "invalid Unicode escape");
            return rdb_error_hint(call->err, "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.");
        }
        if (c > 0x10ffff || c == 0)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid Unicode code point: %04X", c);
        if (high != 0) {
            if (c < 0xdc00 || c > 0xdfff)
                return bad_pair(call);
            c = 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00);
            high = 0;
        } else if (c >= 0xdc00 && c <= 0xdfff) {
            return bad_pair(call);
        } else if (c >= 0xd800 && c <= 0xdbff) {
            high = c;
            continue;
        }
        type_utf8_encode(&text, c);
    }
    if (high != 0)
        return bad_pair(call);
    return type_take_buffer(call, &text, r);
}

/* ---- normal forms -------------------------------------------------------------------------------------------------------------- */
static bool find_form(rdb_call *call, rdb_bytes name, const UNormalizer2 **form)
{
    UErrorCode status = U_ZERO_ERROR;
    rdb_slice word = {.data = name.data, .length = name.length};
    *form = type_equals_ignoring_case(word, "nfc") ? unorm2_getNFCInstance(&status) : type_equals_ignoring_case(word, "nfd") ? unorm2_getNFDInstance(&status)
            : type_equals_ignoring_case(word, "nfkc") ? unorm2_getNFKCInstance(&status) : type_equals_ignoring_case(word, "nfkd") ? unorm2_getNFKDInstance(&status) : NULL;
    if (*form == NULL || U_FAILURE(status))
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid normalization form: %.*s", (int)name.length, (const char *)name.data);
    return true;
}

static bool to_units(rdb_call *call, rdb_bytes text, UChar **units, int32_t *count)
{
    UErrorCode status = U_ZERO_ERROR;
    *units = type_alloc(call, sizeof(UChar) * ((size_t)text.length + 1));
    if (*units == NULL)
        return false;
    u_strFromUTF8(*units, (int32_t)text.length + 1, count, (const char *)text.data, (int32_t)text.length, &status);
    return U_SUCCESS(status) || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not convert a text to UTF-16");
}

TYPE_ROW_FUNCTION(text_normalize, 2)
{
    const UNormalizer2 *form;
    UChar *units, *normal;
    int32_t count = 0, length = 0;
    UErrorCode status = U_ZERO_ERROR;
    if (!find_form(call, a[1].bytes, &form) || !to_units(call, a[0].bytes, &units, &count))
        return false;
    int32_t room = count * 18 + 16; /* no character grows more in any form */
    normal = type_alloc(call, sizeof(UChar) * (size_t)room);
    if (normal == NULL)
        return false;
    length = unorm2_normalize(form, units, count, normal, room, &status);
    size_t bytes = (size_t)length * 3 + 1;
    char *text = U_SUCCESS(status) ? type_alloc(call, bytes) : NULL;
    int32_t written = 0;
    if (text == NULL)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not normalize a text");
    u_strToUTF8(text, (int32_t)bytes, &written, normal, length, &status);
    r->bytes = (rdb_bytes){.data = (const uint8_t *)text, .length = (uint32_t)written};
    return U_SUCCESS(status) || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not normalize a text");
}

TYPE_ROW_FUNCTION(text_is_normalized, 2)
{
    const UNormalizer2 *form;
    UChar *units;
    int32_t count = 0;
    UErrorCode status = U_ZERO_ERROR;
    if (!find_form(call, a[1].bytes, &form) || !to_units(call, a[0].bytes, &units, &count))
        return false;
    r->b = unorm2_isNormalized(form, units, count, &status) != 0;
    return U_SUCCESS(status) || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not look at a text's normal form");
}

/* ---- identifiers ---------------------------------------------------------------------------------------------------------------- */
static bool bad_identifier(rdb_call *call, rdb_bytes whole, const char *detail)
{
    rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "string is not a valid identifier: \"%.*s\"", (int)whole.length, (const char *)whole.data);
    return detail == NULL ? false : rdb_error_detail(call->err, "%s", detail);
}

static bool starts_name(uint8_t c)
{
    return c == '_' || c >= 0x80 || (type_lower(c) >= 'a' && type_lower(c) <= 'z');
}

TYPE_ROW_FUNCTION(parse_identifier, 2)
{
    const uint8_t *at = a[0].bytes.data, *end = at + a[0].bytes.length;
    type_gather parts = {0};
    const rdb_type *text;
    bool after_dot = false;
    while (at < end && type_is_space(*at))
        at++;
    for (;;) {
        rdb_datum part;
        bool missing = true;
        if (at < end && *at == '"') {
            rdb_strbuf name;
            rdb_strbuf_init(&name, call->arena);
            for (at++;; at++) {
                if (at == end)
                    return bad_identifier(call, a[0].bytes, "String has unclosed double quotes.");
                if (*at == '"' && !(at + 1 < end && at[1] == '"'))
                    break;
                at += *at == '"';
                rdb_strbuf_addc(&name, (char)*at);
            }
            at++;
            if (name.length == 0)
                return bad_identifier(call, a[0].bytes, "Quoted identifier must not be empty.");
            if (!type_take_buffer(call, &name, &part))
                return false;
            missing = false;
        } else if (at < end && starts_name(*at)) {
            const uint8_t *start = at;
            while (at < end && (starts_name(*at) || type_is_digit(*at) || *at == '$'))
                at++;
            if (!type_make_bytes(call, start, (size_t)(at - start), &part))
                return false;
            for (uint8_t *c = (uint8_t *)(uintptr_t)part.bytes.data; c < part.bytes.data + part.bytes.length; c++)
                *c = (uint8_t)type_lower(*c);
            missing = false;
        }
        if (missing) {
            if (at < end && *at == '.')
                return bad_identifier(call, a[0].bytes, "No valid identifier before \".\".");
            return bad_identifier(call, a[0].bytes, after_dot ? "No valid identifier after \".\"." : NULL);
        }
        if (!type_gather_add(call, &parts, part, false))
            return false;
        while (at < end && type_is_space(*at))
            at++;
        if (at < end && *at == '.') {
            after_dot = true;
            for (at++; at < end && type_is_space(*at); at++)
                ;
        } else if (at == end || !a[1].b) {
            break;
        } else {
            return bad_identifier(call, a[0].bytes, NULL);
        }
    }
    return rdb_type_descriptor(call, RDB_TEXTOID, &text) && type_array_build_list(call, text, parts.values, parts.nulls, parts.count, r);
}

/* ---- bytea ---------------------------------------------------------------------------------------------------------------------- */
static bool overlay(rdb_call *call, const rdb_datum *a, int64_t length, rdb_datum *r)
{
    int64_t start = a[2].i32, total = a[0].bytes.length;
    if (start <= 0)
        return rdb_error_set(call->err, RDB_SUBSTRING_ERROR, "negative substring length not allowed");
    if (start + length > INT32_MAX)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    int64_t head = RDB_MIN(start - 1, total), rest = RDB_MIN(RDB_MAX(start - 1 + length, 0), total);
    rdb_strbuf out;
    rdb_strbuf_init(&out, call->arena);
    rdb_strbuf_add(&out, a[0].bytes.data, (size_t)head);
    rdb_strbuf_add(&out, a[1].bytes.data, a[1].bytes.length);
    rdb_strbuf_add(&out, a[0].bytes.data + rest, (size_t)(total - rest));
    return type_take_buffer(call, &out, r);
}
TYPE_ROW_FUNCTION(bytea_overlay, 4) { return overlay(call, a, a[3].i32, r); }
TYPE_ROW_FUNCTION(bytea_overlay_all, 3) { return overlay(call, a, a[1].bytes.length, r); }

/* ---- nulls, buckets --------------------------------------------------------------------------------------------------------------- */
static bool count_nulls(uint32_t count, const bool *nulls, bool wanted, rdb_datum *r)
{
    for (uint32_t i = 0; i < count; i++)
        r->i32 += nulls[i] == wanted;
    return true;
}
TYPE_NULL_FUNCTION(num_nulls, UINT32_MAX) { return count_nulls(count, nulls, true, r); }
TYPE_NULL_FUNCTION(num_nonnulls, UINT32_MAX) { return count_nulls(count, nulls, false, r); }

/* The bucket of a value among ascending thresholds: how many of them are not above it. */
TYPE_ROW_FUNCTION(width_bucket_array, 2)
{
    type_array array;
    const rdb_type *element;
    type_array_read(a[1].bytes, &array);
    if (array.ndim > 1)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "thresholds must be one-dimensional array");
    if (array.nulls != NULL)
        return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "thresholds array must not contain NULLs");
    if (!type_array_element(call, call->argument_types[1], &array, &element))
        return false;
    const rdb_type_ops *ops = element->ops != NULL ? element->ops : rdb_type_ops_find(element);
    if (ops == NULL || ops->compare == NULL)
        return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", element->name);
    uint32_t low = 0, high = array.count;
    while (low < high) {
        rdb_datum threshold;
        uint32_t middle = (low + high) / 2;
        type_array_get(&array, middle, &threshold);
        if (ops->compare(element, call->collation, a[0], threshold) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    r->i32 = (int32_t)low;
    return true;
}

/* ---- OVERLAPS -------------------------------------------------------------------------------------------------------------------- */
/* SQL's rule for two periods whose ends may come in either order and may be null. */
static bool periods_overlap(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *r, bool *is_null)
{
    const rdb_type *type = call->argument_types[0];
    const rdb_type_ops *ops = type->ops != NULL ? type->ops : rdb_type_ops_find(type);
    rdb_datum start[2], end[2];
    bool open[2];
    for (int i = 0; i < 2; i++) {
        start[i] = a[2 * i];
        end[i] = a[2 * i + 1];
        open[i] = nulls[2 * i + 1];
        if (nulls[2 * i]) {
            if (open[i]) {
                *is_null = true;
                return true;
            }
            start[i] = end[i];
            open[i] = true;
        } else if (!open[i] && ops->compare(type, 0, start[i], end[i]) > 0) {
            rdb_datum other = start[i];
            start[i] = end[i];
            end[i] = other;
        }
    }
    int order = ops->compare(type, 0, start[0], start[1]);
    if (order == 0) {
        *is_null = open[0] || open[1];
        r->b = true;
        return true;
    }
    int later = order > 0 ? 0 : 1, earlier = 1 - later; /* the later one must begin before the earlier one ends */
    if (open[earlier]) {
        *is_null = true;
        return true;
    }
    r->b = ops->compare(type, 0, start[later], end[earlier]) < 0;
    *is_null = !r->b && open[later];
    return true;
}
TYPE_NULL_FUNCTION(overlaps_periods, 4) { return periods_overlap(call, a, nulls, r, is_null); }

/* The same where an end is an interval after its start. */
static bool span_end(rdb_call *call, const rdb_type *type, rdb_datum start, rdb_datum span, rdb_datum *end)
{
    type_interval interval = type_get_interval(span);
    *end = start;
    if (type->oid == RDB_TIMEOID) {
        end->i64 = (start.i64 + interval.usecs % TYPE_USECS_PER_DAY + TYPE_USECS_PER_DAY) % TYPE_USECS_PER_DAY;
        return true;
    }
    if (start.i64 == TYPE_TIMESTAMP_INFINITY || start.i64 == TYPE_TIMESTAMP_MINUS_INFINITY)
        return true;
    return type_add_interval_to(call, start.i64, interval, type->oid == RDB_TIMESTAMPOID, call->format->timezone, &end->i64);
}

TYPE_NULL_FUNCTION(overlaps_spans, 4)
{
    rdb_datum ends[4] = {a[0], a[1], a[2], a[3]};
    bool are_null[4] = {nulls[0], nulls[1], nulls[2], nulls[3]};
    for (int i = 1; i < 4; i += 2) {
        if (call->argument_types[i]->oid != RDB_INTERVALOID)
            continue;
        are_null[i] = nulls[i - 1] || nulls[i];
        if (!are_null[i] && !span_end(call, call->argument_types[0], a[i - 1], a[i], &ends[i]))
            return false;
    }
    return periods_overlap(call, ends, are_null, r, is_null);
}

#define P RDB_KERNEL_POLYMORPHIC
#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"unistr", text_unistr, F, 0}, {"unicode_normalize_func", text_normalize, F, 0}, {"unicode_is_normalized", text_is_normalized, F, 0},
    {"parse_ident", parse_identifier, F, 0}, {"byteaoverlay", bytea_overlay, F, 0}, {"byteaoverlay_no_len", bytea_overlay_all, F, 0},
    {"pg_num_nulls", num_nulls, P, 0}, {"pg_num_nonnulls", num_nonnulls, P, 0},
    {"width_bucket_array", width_bucket_array, F | P, 0},
    {"overlaps_time", overlaps_periods, P, 0}, {"overlaps_timetz", overlaps_periods, P, 0}, {"overlaps_timestamp", overlaps_periods, P, 0},
    {NULL, overlaps_spans, F | P, 1305}, {NULL, overlaps_spans, F | P, 1306}, {NULL, overlaps_spans, F | P, 1307},
    {NULL, overlaps_spans, F | P, 1309}, {NULL, overlaps_spans, F | P, 1310}, {NULL, overlaps_spans, F | P, 1311},
    {NULL, overlaps_spans, F | P, 2042}, {NULL, overlaps_spans, F | P, 2043}, {NULL, overlaps_spans, F | P, 2044},
};
TYPE_KERNEL_TABLE(type_text_more_table, KERNELS);
