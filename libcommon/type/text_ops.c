/* SPDX-License-Identifier: Apache-2.0
 * Functions of texts: cases, cutting, padding, trimming, replacing, quoting, joining. Positions and lengths count
 * characters, not bytes. */
#include "type/collation.h"
#include "type/text_int.h"
#include "type/tables.h"
#include <stdlib.h>
#include <unicode/uchar.h>

/* ---- characters ---------------------------------------------------------------------------------------------------------- */
uint32_t type_utf8_decode(const uint8_t *at, const uint8_t *end, uint32_t *length)
{
    *length = RDB_MIN(rdb_utf8_length(*at), (uint32_t)(end - at));
    switch (*length) {
    case 2:
        return (uint32_t)(at[0] & 0x1f) << 6 | (at[1] & 0x3f);
    case 3:
        return (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
    case 4:
        return (uint32_t)(at[0] & 0x07) << 18 | (uint32_t)(at[1] & 0x3f) << 12 | (uint32_t)(at[2] & 0x3f) << 6 | (at[3] & 0x3f);
    default:
        return *at;
    }
}

void type_utf8_encode(rdb_strbuf *text, uint32_t c)
{
    char bytes[4];
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (length == 1) {
        bytes[0] = (char)c;
    } else {
        static const uint8_t LEAD[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = length - 1; i > 0; i--, c >>= 6)
            bytes[i] = (char)(0x80 | (c & 0x3f));
        bytes[0] = (char)(LEAD[length] | c);
    }
    rdb_strbuf_add(text, bytes, length);
}

/* By the rules of the database's standard: Unicode's, a character for a character. */
static bool change_case_plain(rdb_call *call, rdb_bytes source, type_case kind, rdb_datum *r)
{
    uint8_t *data = type_alloc(call, (size_t)source.length + 1);
    if (data == NULL)
        return false;
    bool ascii = true, in_word = false;
    for (uint32_t i = 0; i < source.length; i++) {
        uint8_t c = source.data[i];
        ascii &= c < 0x80;
        bool upper = kind == TYPE_UPPER || (kind == TYPE_INITCAP && !in_word);
        data[i] = (uint8_t)(upper ? (c >= 'a' && c <= 'z' ? c - 32 : c) : type_lower(c));
        in_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || type_is_digit(c);
    }
    r->bytes = (rdb_bytes){.data = data, .length = source.length};
    if (ascii)
        return true;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    in_word = false;
    for (const uint8_t *at = source.data, *end = at + source.length; at < end;) {
        uint32_t length, c = type_utf8_decode(at, end, &length);
        bool upper = kind == TYPE_UPPER || (kind == TYPE_INITCAP && !in_word);
        type_utf8_encode(&text, (uint32_t)(upper ? u_toupper((UChar32)c) : u_tolower((UChar32)c)));
        in_word = u_isalnum((UChar32)c);
        at += length;
    }
    return type_take_buffer(call, &text, r);
}

static bool change_case(rdb_call *call, rdb_bytes source, type_case kind, const char *function, rdb_datum *r)
{
    bool done;
    if (!type_collation_need(call, function) || !type_collation_change_case(call, source, kind, &done, r))
        return false;
    return done || change_case_plain(call, source, kind, r);
}

bool type_text_lower(rdb_call *call, rdb_bytes source, rdb_datum *r)
{
    return change_case_plain(call, source, TYPE_LOWER, r);
}

bool rdb_text_lower(rdb_call *call, rdb_bytes source, rdb_datum *lowered)
{
    return change_case_plain(call, source, TYPE_LOWER, lowered);
}

bool type_text_lower_in(rdb_call *call, rdb_bytes source, rdb_datum *r)
{
    bool done;
    return type_collation_change_case(call, source, TYPE_LOWER, &done, r) && (done || change_case_plain(call, source, TYPE_LOWER, r));
}

TYPE_ROW_FUNCTION(text_lower, 1)
{
    return change_case(call, a[0].bytes, TYPE_LOWER, "lower() function", r);
}

TYPE_ROW_FUNCTION(text_upper, 1)
{
    return change_case(call, a[0].bytes, TYPE_UPPER, "upper() function", r);
}

TYPE_ROW_FUNCTION(text_initcap, 1)
{
    return change_case(call, a[0].bytes, TYPE_INITCAP, "initcap() function", r);
}

static const char SEARCHES[] = "substring searches";

/* ---- cutting ----------------------------------------------------------------------------------------------------------------- */
static void cut(rdb_bytes source, size_t skip, size_t take, rdb_datum *r)
{
    size_t start = type_utf8_prefix(source.data, source.length, skip);
    size_t length = type_utf8_prefix(source.data + start, source.length - start, take);
    r->bytes = (rdb_bytes){.data = source.data + start, .length = (uint32_t)length};
}

static bool substring(rdb_call *call, rdb_bytes source, int32_t start, int32_t length, bool to_end, bool by_bytes, rdb_datum *r)
{
    int64_t first = start, end = to_end ? INT64_MAX : (int64_t)start + length;
    if (!to_end && length < 0)
        return rdb_error_set(call->err, RDB_SUBSTRING_ERROR, "negative substring length not allowed");
    first = RDB_MAX(first, 1);
    if (end <= first) {
        r->bytes = (rdb_bytes){.data = source.data, .length = 0};
    } else if (by_bytes) {
        int64_t from = RDB_MIN(first - 1, (int64_t)source.length), upto = RDB_MIN(end - 1, (int64_t)source.length);
        r->bytes = (rdb_bytes){.data = source.data + from, .length = (uint32_t)(upto - from)};
    } else {
        cut(source, (size_t)first - 1, (size_t)(end - first), r);
    }
    return true;
}

TYPE_ROW_FUNCTION(text_substr, 3)
{
    return substring(call, a[0].bytes, a[1].i32, a[2].i32, false, false, r);
}

TYPE_ROW_FUNCTION(text_substr_to_end, 2)
{
    return substring(call, a[0].bytes, a[1].i32, 0, true, false, r);
}

TYPE_ROW_FUNCTION(bytea_substr, 3)
{
    return substring(call, a[0].bytes, a[1].i32, a[2].i32, false, true, r);
}

TYPE_ROW_FUNCTION(bytea_substr_to_end, 2)
{
    return substring(call, a[0].bytes, a[1].i32, 0, true, true, r);
}

TYPE_ROW_FUNCTION(text_left, 2)
{
    int64_t take = a[1].i32;
    if (take < 0)
        take += (int64_t)rdb_utf8_count(a[0].bytes.data, a[0].bytes.length);
    cut(a[0].bytes, 0, (size_t)RDB_MAX(take, 0), r);
    return true;
}

TYPE_ROW_FUNCTION(text_right, 2)
{
    int64_t skip = -(int64_t)a[1].i32;
    if (a[1].i32 >= 0)
        skip += (int64_t)rdb_utf8_count(a[0].bytes.data, a[0].bytes.length);
    cut(a[0].bytes, (size_t)RDB_MAX(skip, 0), SIZE_MAX, r);
    return true;
}

TYPE_ROW_FUNCTION(text_position, 2)
{
    if (!type_collation_need_deterministic(call, SEARCHES))
        return false;
    rdb_bytes text = a[0].bytes, sought = a[1].bytes;
    if (sought.length == 0) {
        r->i32 = 1;
        return true;
    }
    const uint8_t *hit = sought.length > text.length ? NULL : type_find_bytes(text.data, text.length, sought.data, sought.length);
    r->i32 = hit == NULL ? 0 : (int32_t)rdb_utf8_count(text.data, (size_t)(hit - text.data)) + 1;
    return true;
}

/* Field n of the parts between delimiters; a negative n counts from the end. */
TYPE_ROW_FUNCTION(text_split_part, 3)
{
    if (!type_collation_need_deterministic(call, SEARCHES))
        return false;
    rdb_bytes text = a[0].bytes, delimiter = a[1].bytes;
    int64_t wanted = a[2].i32;
    if (wanted == 0)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "field position must not be zero");
    r->bytes = (rdb_bytes){.data = text.data, .length = 0};
    if (text.length == 0)
        return true;
    if (delimiter.length == 0) {
        if (wanted == 1 || wanted == -1)
            r->bytes = text;
        return true;
    }
    if (wanted < 0) {
        int64_t parts = 1;
        for (const uint8_t *at = text.data, *end = at + text.length;
             (at = type_find_bytes(at, (size_t)(end - at), delimiter.data, delimiter.length)) != NULL; at += delimiter.length)
            parts++;
        wanted += parts + 1;
        if (wanted <= 0)
            return true;
    }
    const uint8_t *at = text.data, *end = at + text.length;
    for (;;) {
        const uint8_t *hit = type_find_bytes(at, (size_t)(end - at), delimiter.data, delimiter.length);
        if (--wanted == 0) {
            r->bytes = (rdb_bytes){.data = at, .length = (uint32_t)((hit == NULL ? end : hit) - at)};
            return true;
        }
        if (hit == NULL)
            return true;
        at = hit + delimiter.length;
    }
}

TYPE_ROW_FUNCTION(text_overlay, UINT32_MAX)
{
    int32_t length = call->argument_count > 3 ? a[3].i32 : (int32_t)rdb_utf8_count(a[1].bytes.data, a[1].bytes.length);
    int32_t end;
    if (a[2].i32 <= 0)
        return rdb_error_set(call->err, RDB_SUBSTRING_ERROR, "negative substring length not allowed");
    if (__builtin_add_overflow(a[2].i32, length, &end))
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    rdb_datum before = {.words = {0, 0}}, after = {.words = {0, 0}};
    if (!substring(call, a[0].bytes, 1, a[2].i32 - 1, false, false, &before) ||
        !substring(call, a[0].bytes, end, 0, true, false, &after))
        return false;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_add(&text, before.bytes.data, before.bytes.length);
    rdb_strbuf_add(&text, a[1].bytes.data, a[1].bytes.length);
    rdb_strbuf_add(&text, after.bytes.data, after.bytes.length);
    return type_take_buffer(call, &text, r);
}

/* ---- trimming --------------------------------------------------------------------------------------------------------------------- */
static bool is_in_set(rdb_bytes set, const uint8_t *c, uint32_t length)
{
    for (uint32_t i = 0; i < set.length;) {
        uint32_t step = RDB_MIN(rdb_utf8_length(set.data[i]), set.length - i);
        if (step == length && memcmp(set.data + i, c, length) == 0)
            return true;
        i += step;
    }
    return false;
}

static void trim(rdb_bytes text, rdb_bytes set, bool left, bool right, rdb_datum *r)
{
    while (left && text.length > 0) {
        uint32_t length = RDB_MIN(rdb_utf8_length(text.data[0]), text.length);
        if (!is_in_set(set, text.data, length))
            break;
        text.data += length;
        text.length -= length;
    }
    while (right && text.length > 0) {
        uint32_t start = text.length - 1;
        while (start > 0 && (text.data[start] & 0xc0) == 0x80)
            start--;
        if (!is_in_set(set, text.data + start, text.length - start))
            break;
        text.length = start;
    }
    r->bytes = text;
}

static const rdb_bytes BLANK = {.data = (const uint8_t *)" ", .length = 1};
#define TRIM_FUNCTIONS(name, left, right)                          \
    TYPE_ROW_FUNCTION(name, 2)                                     \
    {                                                              \
        trim(a[0].bytes, a[1].bytes, left, right, r);              \
        return true;                                               \
    }                                                              \
    TYPE_ROW_FUNCTION(name##_blanks, 1)                            \
    {                                                              \
        trim(a[0].bytes, BLANK, left, right, r);                   \
        return true;                                               \
    }
TRIM_FUNCTIONS(text_btrim, true, true)
TRIM_FUNCTIONS(text_ltrim, true, false)
TYPE_ROW_FUNCTION(text_rtrim, 2)
{
    trim(a[0].bytes, a[1].bytes, false, true, r);
    return true;
}

/* Bytes that stand in the set, at both ends, or one of them. */
static bool trim_bytes(const rdb_datum *a, bool left, bool right, rdb_datum *r)
{
    rdb_bytes bytes = a[0].bytes, set = a[1].bytes;
    while (left && bytes.length > 0 && set.length > 0 && memchr(set.data, bytes.data[0], set.length) != NULL) {
        bytes.data++;
        bytes.length--;
    }
    while (right && bytes.length > 0 && set.length > 0 && memchr(set.data, bytes.data[bytes.length - 1], set.length) != NULL)
        bytes.length--;
    r->bytes = bytes;
    return true;
}

TYPE_ROW_FUNCTION(bytea_btrim, 2)
{
    return trim_bytes(a, true, true, r);
}

TYPE_ROW_FUNCTION(bytea_ltrim, 2)
{
    return trim_bytes(a, true, false, r);
}

TYPE_ROW_FUNCTION(bytea_rtrim, 2)
{
    return trim_bytes(a, false, true, r);
}

/* ---- padding, repeating, replacing ---------------------------------------------------------------------------------------------------- */
static bool pad(rdb_call *call, rdb_bytes text, int32_t width, rdb_bytes fill, bool left, rdb_datum *r)
{
    size_t wanted = (size_t)RDB_MAX(width, 0), have = rdb_utf8_count(text.data, text.length);
    if (wanted > TYPE_BYTES_MAX / 4)
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "requested length too large");
    if (have >= wanted || fill.length == 0) {
        cut(text, 0, wanted, r);
        return true;
    }
    rdb_strbuf buffer;
    rdb_strbuf_init(&buffer, call->arena);
    if (!left)
        rdb_strbuf_add(&buffer, text.data, text.length);
    uint32_t at = 0;
    for (size_t missing = wanted - have; missing > 0; missing--) {
        uint32_t length = RDB_MIN(rdb_utf8_length(fill.data[at]), fill.length - at);
        rdb_strbuf_add(&buffer, fill.data + at, length);
        at = at + length < fill.length ? at + length : 0;
    }
    if (left)
        rdb_strbuf_add(&buffer, text.data, text.length);
    return type_take_buffer(call, &buffer, r);
}

TYPE_ROW_FUNCTION(text_lpad, 3)
{
    return pad(call, a[0].bytes, a[1].i32, a[2].bytes, true, r);
}

TYPE_ROW_FUNCTION(text_rpad, 3)
{
    return pad(call, a[0].bytes, a[1].i32, a[2].bytes, false, r);
}

TYPE_ROW_FUNCTION(text_lpad_blanks, 2)
{
    return pad(call, a[0].bytes, a[1].i32, BLANK, true, r);
}

TYPE_ROW_FUNCTION(text_rpad_blanks, 2)
{
    return pad(call, a[0].bytes, a[1].i32, BLANK, false, r);
}

TYPE_ROW_FUNCTION(text_repeat, 2)
{
    uint64_t count = (uint64_t)RDB_MAX(a[1].i32, 0), length = a[0].bytes.length * count;
    if (length > TYPE_BYTES_MAX)
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "requested length too large");
    uint8_t *data = type_alloc(call, length);
    if (data == NULL)
        return false;
    for (uint64_t i = 0; i < count && a[0].bytes.length > 0; i++)
        memcpy(data + i * a[0].bytes.length, a[0].bytes.data, a[0].bytes.length);
    r->bytes = (rdb_bytes){.data = data, .length = (uint32_t)length};
    return true;
}

TYPE_ROW_FUNCTION(text_reverse, 1)
{
    rdb_bytes text = a[0].bytes;
    uint8_t *data = type_alloc(call, text.length);
    if (data == NULL)
        return false;
    for (uint32_t at = 0; at < text.length;) {
        uint32_t length = RDB_MIN(rdb_utf8_length(text.data[at]), text.length - at);
        memcpy(data + text.length - at - length, text.data + at, length);
        at += length;
    }
    r->bytes = (rdb_bytes){.data = data, .length = text.length};
    return true;
}

TYPE_ROW_FUNCTION(text_replace, 3)
{
    if (!type_collation_need_deterministic(call, SEARCHES))
        return false;
    rdb_bytes text = a[0].bytes, from = a[1].bytes, to = a[2].bytes;
    const uint8_t *at = text.data, *end = at + text.length;
    const uint8_t *hit = from.length == 0 || from.length > text.length ? NULL : type_find_bytes(at, text.length, from.data, from.length);
    if (hit == NULL) {
        *r = a[0];
        return true;
    }
    rdb_strbuf buffer;
    rdb_strbuf_init(&buffer, call->arena);
    for (; hit != NULL; hit = type_find_bytes(at, (size_t)(end - at), from.data, from.length)) {
        rdb_strbuf_add(&buffer, at, (size_t)(hit - at));
        rdb_strbuf_add(&buffer, to.data, to.length);
        at = hit + from.length;
    }
    rdb_strbuf_add(&buffer, at, (size_t)(end - at));
    return type_take_buffer(call, &buffer, r);
}

TYPE_ROW_FUNCTION(text_translate, 3)
{
    rdb_bytes text = a[0].bytes, from = a[1].bytes, to = a[2].bytes;
    rdb_strbuf buffer;
    rdb_strbuf_init(&buffer, call->arena);
    for (uint32_t at = 0; at < text.length;) {
        uint32_t length = RDB_MIN(rdb_utf8_length(text.data[at]), text.length - at), i = 0, k = 0;
        bool found = false;
        for (; i < from.length && !found;) {
            uint32_t step = RDB_MIN(rdb_utf8_length(from.data[i]), from.length - i);
            found = step == length && memcmp(from.data + i, text.data + at, length) == 0;
            if (found)
                break;
            i += step;
            k += k < to.length ? RDB_MIN(rdb_utf8_length(to.data[k]), to.length - k) : 0;
            if (k >= to.length)
                k = to.length;
        }
        if (!found)
            rdb_strbuf_add(&buffer, text.data + at, length);
        else if (k < to.length)
            rdb_strbuf_add(&buffer, to.data + k, RDB_MIN(rdb_utf8_length(to.data[k]), to.length - k));
        at += length;
    }
    return type_take_buffer(call, &buffer, r);
}

TYPE_ROW_FUNCTION(text_starts_with, 2)
{
    if (!type_collation_need_deterministic(call, SEARCHES))
        return false;
    r->b = a[1].bytes.length <= a[0].bytes.length &&
           (a[1].bytes.length == 0 || memcmp(a[0].bytes.data, a[1].bytes.data, a[1].bytes.length) == 0);
    return true;
}

TYPE_ROW_FUNCTION(text_ascii, 1)
{
    uint32_t length;
    r->i32 = a[0].bytes.length == 0 ? 0 : (int32_t)type_utf8_decode(a[0].bytes.data, a[0].bytes.data + a[0].bytes.length, &length);
    return true;
}

TYPE_ROW_FUNCTION(text_chr, 1)
{
    if (a[0].i32 == 0)
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "null character not permitted");
    if (a[0].i32 < 0)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "character number must be positive");
    if (a[0].i32 > 0x10ffff || (a[0].i32 >= 0xd800 && a[0].i32 <= 0xdfff))
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "requested character too large for encoding: %d", a[0].i32);
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    type_utf8_encode(&text, (uint32_t)a[0].i32);
    return type_take_buffer(call, &text, r);
}

static bool to_hex(rdb_call *call, uint64_t value, rdb_datum *r)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_addf(&text, "%llx", (unsigned long long)value);
    return type_take_buffer(call, &text, r);
}

TYPE_ROW_FUNCTION(int4_to_hex, 1)
{
    return to_hex(call, a[0].oid, r);
}

TYPE_ROW_FUNCTION(int8_to_hex, 1)
{
    return to_hex(call, (uint64_t)a[0].i64, r);
}

/* ---- quoting -------------------------------------------------------------------------------------------------------------------------------- */
/* Words of the grammar that are not plain identifiers: quoted wherever a name is printed. */
static const char *const RESERVED[] = {
#define WORD(word) #word,
#include "type/keywords.def"
#undef WORD
};

static int compare_words(const void *left, const void *right)
{
    return strcmp((const char *)left, *(const char *const *)right);
}

bool rdb_identifier_needs_quotes(const char *name)
{
    if (!((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_'))
        return true;
    for (const char *at = name; *at != '\0'; at++) {
        if (!((*at >= 'a' && *at <= 'z') || type_is_digit(*at) || *at == '_'))
            return true;
    }
    return bsearch(name, RESERVED, RDB_COUNT_OF(RESERVED), sizeof RESERVED[0], compare_words) != NULL;
}

void rdb_identifier_add(rdb_strbuf *text, const char *name)
{
    if (!rdb_identifier_needs_quotes(name)) {
        rdb_strbuf_adds(text, name);
        return;
    }
    rdb_strbuf_addc(text, '"');
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '"')
            rdb_strbuf_addc(text, '"');
        rdb_strbuf_addc(text, *at);
    }
    rdb_strbuf_addc(text, '"');
}

void rdb_literal_add(rdb_strbuf *text, const char *bytes, size_t length)
{
    if (memchr(bytes, '\\', length) != NULL)
        rdb_strbuf_addc(text, 'E');
    rdb_strbuf_addc(text, '\'');
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\'' || bytes[i] == '\\')
            rdb_strbuf_addc(text, bytes[i]);
        rdb_strbuf_addc(text, bytes[i]);
    }
    rdb_strbuf_addc(text, '\'');
}

TYPE_ROW_FUNCTION(quote_identifier, 1)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    rdb_identifier_add(&text, rdb_arena_strndup(call->arena, (const char *)a[0].bytes.data, a[0].bytes.length));
    return type_take_buffer(call, &text, r);
}

TYPE_ROW_FUNCTION(quote_literal, 1)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    rdb_literal_add(&text, (const char *)a[0].bytes.data, a[0].bytes.length);
    return type_take_buffer(call, &text, r);
}

static bool value_text(rdb_call *call, uint32_t position, rdb_datum value, rdb_strbuf *text)
{
    return type_to_text(call, call->argument_types[position], value, text);
}

/* What a cast to text makes of the value: two types say more there than in their output. */
static bool cast_text(rdb_call *call, uint32_t position, rdb_datum value, rdb_strbuf *text)
{
    const uint32_t oid = call->argument_types[position]->oid;
    const size_t start = text->length;
    if (oid == RDB_BOOLOID)
        return rdb_strbuf_adds(text, value.b ? "true" : "false"), true;
    if (!value_text(call, position, value, text))
        return false;
    if (oid == RDB_INETOID && memchr(text->data + start, '/', text->length - start) == NULL)
        rdb_strbuf_adds(text, memchr(text->data + start, ':', text->length - start) == NULL ? "/32" : "/128");
    return true;
}

TYPE_NULL_FUNCTION(quote_nullable, 1)
{
    rdb_strbuf plain, text;
    if (nulls[0])
        return type_make_text(call, "NULL", r);
    rdb_strbuf_init(&plain, call->arena);
    rdb_strbuf_init(&text, call->arena);
    if (!cast_text(call, 0, a[0], &plain))
        return false;
    rdb_literal_add(&text, plain.data != NULL ? plain.data : "", plain.length);
    return type_take_buffer(call, &text, r);
}

TYPE_ROW_FUNCTION(quote_any_literal, 1)
{
    bool null = false;
    return quote_nullable_row(call, 1, a, &null, r, is_null);
}

/* ---- joining any values ---------------------------------------------------------------------------------------------------------------------- */
TYPE_NULL_FUNCTION(text_concat, UINT32_MAX)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    for (uint32_t i = 0; i < count; i++) {
        if (!nulls[i] && !value_text(call, i, a[i], &text))
            return false;
    }
    return type_take_buffer(call, &text, r);
}

TYPE_NULL_FUNCTION(text_concat_ws, UINT32_MAX)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    *is_null = nulls[0];
    bool first = true;
    for (uint32_t i = 1; i < count && !nulls[0]; i++) {
        if (nulls[i])
            continue;
        if (!first)
            rdb_strbuf_add(&text, a[0].bytes.data, a[0].bytes.length);
        first = false;
        if (!value_text(call, i, a[i], &text))
            return false;
    }
    return type_take_buffer(call, &text, r);
}

TYPE_ROW_FUNCTION(any_text_join, 2) /* text || any, any || text */
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    if (!cast_text(call, 0, a[0], &text) || !cast_text(call, 1, a[1], &text))
        return false;
    return type_take_buffer(call, &text, r);
}

static bool format_number(const uint8_t **at, const uint8_t *end, int *number)
{
    const uint8_t *start = *at;
    int64_t value = 0;
    for (; *at < end && type_is_digit(**at); ++*at)
        value = RDB_MIN(value * 10 + (**at - '0'), INT32_MAX);
    *number = (int)value;
    return *at > start;
}

TYPE_NULL_FUNCTION(text_format, TYPE_ANY_COUNT_OR_NONE)
{
    rdb_strbuf text, item;
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_init(&item, call->arena);
    *is_null = nulls[0];
    if (nulls[0])
        return true;
    uint32_t next = 1;
    const uint8_t *at = a[0].bytes.data, *end = at + a[0].bytes.length;
    static const char TOO_FEW[] = "too few arguments for format()";
    while (at < end) {
        if (*at != '%') {
            rdb_strbuf_addc(&text, (char)*at++);
            continue;
        }
        if (++at == end)
            goto unterminated;
        if (*at == '%') {
            rdb_strbuf_addc(&text, '%');
            at++;
            continue;
        }
        int position = 0, width = 0, number;
        bool to_left = false, has_position = false;
        const uint8_t *mark = at;
        if (format_number(&at, end, &number)) {
            if (at < end && *at == '$') {
                at++;
                position = number;
                has_position = true;
                if (position == 0)
                    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "format specifies argument 0, but arguments are numbered from 1");
            } else {
                at = mark;
            }
        }
        while (at < end && *at == '-') {
            to_left = true;
            at++;
        }
        if (at < end && *at == '*') {
            uint32_t from = next;
            at++;
            if (format_number(&at, end, &number)) {
                if (at == end || *at != '$')
                    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "width argument position must be ended by \"$\"");
                at++;
                from = (uint32_t)number;
                if (number == 0)
                    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "format specifies argument 0, but arguments are numbered from 1");
            }
            next = from + 1; /* the value is the one after its width, numbered or not */
            if (from >= count)
                return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "%s", TOO_FEW);
            if (!nulls[from]) {
                int64_t parsed;
                rdb_strbuf_clear(&item);
                if (!value_text(call, from, a[from], &item) ||
                    !type_parse_int(call, (rdb_slice){.data = (const uint8_t *)item.data, .length = item.length}, INT32_MIN + 1, INT32_MAX, "integer", &parsed))
                    return false;
                width = (int)parsed;
            }
        } else if (format_number(&at, end, &number)) {
            width = number;
        }
        if (width < 0) {
            to_left = true;
            width = -width;
        }
        if (at == end)
            goto unterminated;
        uint8_t kind = *at++;
        if (kind != 's' && kind != 'I' && kind != 'L') {
            uint32_t length = RDB_MIN(rdb_utf8_length(kind), (uint32_t)(end - at) + 1);
            rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized format() type specifier \"%.*s\"", (int)length, (const char *)at - 1);
            rdb_error_hint(call->err, "For a single \"%%\" use \"%%%%\".");
            return false;
        }
        uint32_t from = has_position ? (uint32_t)position : next;
        next = from + 1;
        if (from >= count)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "%s", TOO_FEW);
        rdb_strbuf_clear(&item);
        if (nulls[from]) {
            if (kind == 'I')
                return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "null values cannot be formatted as an SQL identifier");
            if (kind == 'L')
                rdb_strbuf_adds(&item, "NULL");
        } else if (kind == 's') {
            if (!value_text(call, from, a[from], &item))
                return false;
        } else {
            rdb_strbuf plain;
            rdb_strbuf_init(&plain, call->arena);
            if (!value_text(call, from, a[from], &plain))
                return false;
            if (kind == 'I')
                rdb_identifier_add(&item, plain.data != NULL ? plain.data : "");
            else
                rdb_literal_add(&item, plain.data != NULL ? plain.data : "", plain.length);
        }
        size_t have = item.data == NULL ? 0 : rdb_utf8_count(item.data, item.length);
        for (size_t i = have; !to_left && i < (size_t)width; i++)
            rdb_strbuf_addc(&text, ' ');
        if (item.data != NULL)
            rdb_strbuf_add(&text, item.data, item.length);
        for (size_t i = have; to_left && i < (size_t)width; i++)
            rdb_strbuf_addc(&text, ' ');
    }
    return type_take_buffer(call, &text, r);
unterminated:
    rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unterminated format() type specifier");
    rdb_error_hint(call->err, "For a single \"%%\" use \"%%%%\".");
    return false;
}

/* ---- string_agg ---------------------------------------------------------------------------------------------------------------------------------- */
typedef struct join_state {
    uint8_t *data;
    size_t length, room;
    bool any;
    uint32_t first_delimiter; /* bytes of the first row's delimiter, which stands in front and is dropped at the end */
} join_state;

static bool join_append(rdb_call *call, join_state *state, rdb_bytes piece)
{
    if (state->length + piece.length > state->room) {
        size_t room = RDB_MAX((state->length + piece.length) * 2, 64);
        uint8_t *data = rdb_arena_try_grow(call->arena, state->data, state->room, room, call->err);
        if (data == NULL)
            return false;
        state->data = data;
        state->room = room;
    }
    if (piece.length > 0)
        memcpy(state->data + state->length, piece.data, piece.length);
    state->length += piece.length;
    return true;
}

static bool join_update(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection)
{
    RDB_FOR_SELECTED (selection, row) {
        join_state *state = states[row_at];
        if (rdb_vector_is_null(arguments[0], row))
            continue;
        rdb_bytes delimiter = {0};
        if (!rdb_vector_is_null(arguments[1], row))
            delimiter = RDB_AT(arguments[1], rdb_bytes, row);
        if (!state->any)
            state->first_delimiter = delimiter.length;
        state->any = true;
        if (!join_append(call, state, delimiter) || !join_append(call, state, RDB_AT(arguments[0], rdb_bytes, row)))
            return false;
    }
    return true;
}

static bool join_combine(rdb_call *call, void *into, const void *from)
{
    join_state *total = into;
    const join_state *other = from;
    if (!other->any)
        return true;
    if (!total->any)
        total->first_delimiter = other->first_delimiter;
    total->any = true;
    return join_append(call, total, (rdb_bytes){.data = other->data, .length = (uint32_t)other->length});
}

static bool join_finish(TYPE_UNUSED rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    const join_state *total = state;
    *is_null = !total->any;
    if (total->any)
        value->bytes = (rdb_bytes){.data = total->data + total->first_delimiter, .length = (uint32_t)(total->length - total->first_delimiter)};
    return true;
}

#define F RDB_KERNEL_FALLIBLE
#define P RDB_KERNEL_POLYMORPHIC
static const type_kernel KERNELS[] = {
    {"lower", text_lower, 0, 0}, {"upper", text_upper, 0, 0}, {"initcap", text_initcap, 0, 0},
    {"text_substr", text_substr, F, 0}, {"text_substr_no_len", text_substr_to_end, F, 0},
    {"bytea_substr", bytea_substr, F, 0}, {"bytea_substr_no_len", bytea_substr_to_end, F, 0},
    {"text_left", text_left, 0, 0}, {"text_right", text_right, 0, 0}, {"textpos", text_position, 0, 0},
    {"split_part", text_split_part, F, 0}, {"textoverlay", text_overlay, F, 0}, {"textoverlay_no_len", text_overlay, F, 0},
    {"btrim", text_btrim, 0, 0}, {"btrim1", text_btrim_blanks, 0, 0}, {"ltrim", text_ltrim, 0, 0},
    {"ltrim1", text_ltrim_blanks, 0, 0}, {"rtrim", text_rtrim, 0, 0},
    {"byteatrim", bytea_btrim, 0, 0}, {"bytealtrim", bytea_ltrim, 0, 0}, {"byteartrim", bytea_rtrim, 0, 0},
    {"lpad", text_lpad, F, 0}, {"rpad", text_rpad, F, 0}, {NULL, text_lpad_blanks, F, 879}, {NULL, text_rpad_blanks, F, 880},
    {"repeat", text_repeat, F, 0}, {"text_reverse", text_reverse, 0, 0}, {"replace_text", text_replace, F, 0},
    {"translate", text_translate, 0, 0}, {"text_starts_with", text_starts_with, 0, 0}, {"ascii", text_ascii, 0, 0},
    {"chr", text_chr, F, 0}, {"to_hex32", int4_to_hex, 0, 0}, {"to_hex64", int8_to_hex, 0, 0},
    {"quote_ident", quote_identifier, 0, 0}, {"quote_literal", quote_literal, 0, 0}, {"quote_nullable", quote_nullable, P, 0},
    {NULL, quote_any_literal, P, 1285}, {NULL, quote_nullable, P, 1290},
    {"text_concat", text_concat, P | F, 0}, {"text_concat_ws", text_concat_ws, P | F, 0}, {"text_format", text_format, P | F, 0},
    {"text_format_nv", text_format, P | F, 0}, {NULL, any_text_join, P | F, 2003}, {NULL, any_text_join, P | F, 2004},
};
TYPE_KERNEL_TABLE(type_text_ops_table, KERNELS);

static const rdb_aggregate_entry AGGREGATES[] = {
    {3538, sizeof(join_state), join_update, NULL, join_combine, join_finish, 0},
    {3545, sizeof(join_state), join_update, NULL, join_combine, join_finish, 0},
};
TYPE_AGGREGATE_TABLE(type_text_aggregate_table, AGGREGATES);
