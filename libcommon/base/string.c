/* SPDX-License-Identifier: Apache-2.0
 * Growing texts, and UTF-8. What always holds for a strbuf: data is NULL or data[length] is zero; after a failure the
 * content is a whole prefix of what was added. */
#include "base/rdb_base.h"

#include <stdio.h>
#include <stdlib.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

void rdb_strbuf_init(rdb_strbuf *buf, rdb_arena *arena)
{
    *buf = (rdb_strbuf){.arena = arena};
}

void rdb_strbuf_free(rdb_strbuf *buf)
{
    if (buf->arena == NULL)
        free(buf->data);
    *buf = (rdb_strbuf){.arena = buf->arena};
}

void rdb_strbuf_clear(rdb_strbuf *buf)
{
    buf->length = 0;
    buf->failed = false;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

bool rdb_strbuf_grow(rdb_strbuf *buf, size_t more_bytes)
{
    if (buf->failed)
        return false;
    if (more_bytes > PTRDIFF_MAX / 4 || buf->length > PTRDIFF_MAX / 4) {
        buf->failed = true;
        return false;
    }
    size_t needed = buf->length + more_bytes + 1;
    size_t capacity = RDB_MAX(RDB_MAX(needed, buf->capacity * 2), (size_t)64);
    char *grown = buf->arena != NULL ? rdb_arena_try_grow(buf->arena, buf->data, buf->capacity, capacity, NULL)
                                     : realloc(buf->data, capacity);
    if (grown == NULL && capacity > needed) { /* twice may be too much where enough is not */
        capacity = needed;
        grown = buf->arena != NULL ? rdb_arena_try_grow(buf->arena, buf->data, buf->capacity, capacity, NULL)
                                   : realloc(buf->data, capacity);
    }
    if (grown == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = grown;
    buf->capacity = capacity;
    buf->data[buf->length] = '\0';
    return true;
}

void rdb_strbuf_adds(rdb_strbuf *buf, const char *text)
{
    rdb_strbuf_add(buf, text, strlen(text));
}

void rdb_strbuf_addf(rdb_strbuf *buf, const char *format, ...)
{
    if (!rdb_strbuf_reserve(buf, 32))
        return;
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t room = buf->capacity - buf->length;
    int length = vsnprintf(buf->data + buf->length, room, format, arguments);
    va_end(arguments);
    if (length < 0) {
        buf->data[buf->length] = '\0';
        buf->failed = true;
    } else if ((size_t)length < room) {
        buf->length += (size_t)length;
    } else {
        buf->data[buf->length] = '\0';
        if (rdb_strbuf_reserve(buf, (size_t)length)) {
            vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
            buf->length += (size_t)length;
        }
    }
    va_end(again);
}

/* How many bytes from here on stand in JSON as they are, as far as sixteen at a time tell. */
static size_t count_plain(const char *text, size_t length)
{
    size_t at = 0;
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), last_control = _mm_set1_epi8(0x1F), rubout = _mm_set1_epi8(0x7F);
    for (; at + 16 <= length; at += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        const __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                             _mm_or_si128(_mm_cmpeq_epi8(bytes, rubout), _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes)));
        if (_mm_movemask_epi8(special) != 0)
            break;
    }
#else
    (void)text, (void)length;
#endif
    return at;
}

void rdb_strbuf_add_json(rdb_strbuf *buf, const char *text, size_t length)
{
    rdb_strbuf_addc(buf, '"');
    size_t from = 0;
    for (size_t at = 0; at < length; at++) {
        if ((at & 15) == 0 && (at += count_plain(text + at, length - at)) == length)
            break;
        unsigned char c = (unsigned char)text[at];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F)
            continue;
        rdb_strbuf_add(buf, text + from, at - from);
        from = at + 1;
        switch (c) {
        case '"':
            rdb_strbuf_add(buf, "\\\"", 2);
            break;
        case '\\':
            rdb_strbuf_add(buf, "\\\\", 2);
            break;
        case '\n':
            rdb_strbuf_add(buf, "\\n", 2);
            break;
        case '\r':
            rdb_strbuf_add(buf, "\\r", 2);
            break;
        case '\t':
            rdb_strbuf_add(buf, "\\t", 2);
            break;
        default:
            rdb_strbuf_addf(buf, "\\u%04x", c);
        }
    }
    rdb_strbuf_add(buf, text + from, length - from);
    rdb_strbuf_addc(buf, '"');
}

bool rdb_strbuf_check(const rdb_strbuf *buf, rdb_error *err)
{
    if (!buf->failed)
        return true;
    rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return rdb_error_detail(err, "Cannot enlarge string buffer containing %zu bytes.", buf->length);
}

/* ---- UTF-8 (RFC 3629) -------------------------------------------------------------------------------------------- */

/* Length of the well-formed character at bytes, 0 where it is none. */
static size_t character_at(const uint8_t *bytes, size_t left)
{
    uint8_t first = bytes[0];
    if (first < 0x80)
        return first != 0;
    if (first < 0xC2 || first > 0xF4)
        return 0; /* a continuation, an overlong pair, or past U+10FFFF */
    if (first < 0xE0)
        return left >= 2 && (bytes[1] & 0xC0) == 0x80 ? 2 : 0;
    /* the second byte's bounds shut out overlong forms, surrogates, and what lies past U+10FFFF */
    uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (left < 2 || bytes[1] < low || bytes[1] > high)
        return 0;
    if (left < 3 || (bytes[2] & 0xC0) != 0x80)
        return 0;
    if (first < 0xF0)
        return 3;
    return left >= 4 && (bytes[3] & 0xC0) == 0x80 ? 4 : 0;
}

bool rdb_utf8_validate(const void *bytes, size_t length, size_t *bad_offset)
{
    const uint8_t *at = bytes, *end = at + length;
    while (at < end) {
        /* eight bytes of plain ASCII without a zero among them: the borrow of x - 0x01.. finds a zero byte */
        while (end - at >= 8) {
            uint64_t word = rdb_get_u64(at);
            if (((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) != 0)
                break;
            at += 8;
        }
        if (at == end)
            break;
        size_t step = character_at(at, (size_t)(end - at));
        if (step == 0) {
            if (bad_offset != NULL)
                *bad_offset = (size_t)(at - (const uint8_t *)bytes);
            return false;
        }
        at += step;
    }
    return true;
}

uint32_t rdb_utf8_length(uint8_t first_byte)
{
    if (first_byte < 0xC2)
        return 1;
    if (first_byte < 0xE0)
        return 2;
    if (first_byte < 0xF0)
        return 3;
    return first_byte <= 0xF4 ? 4 : 1;
}

size_t rdb_utf8_count(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    size_t count = 0;
    for (size_t byte_no = 0; byte_no < length; byte_no++) /* compilers turn this into vector code */
        count += (at[byte_no] & 0xC0) != 0x80;
    return count;
}
