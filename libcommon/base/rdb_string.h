/* SPDX-License-Identifier: Apache-2.0
 * Texts that grow, and bytes that know their length. */
#ifndef RDB_STRING_H
#define RDB_STRING_H

#include "base/rdb_arena.h"

/* Borrowed bytes, not terminated. The owner says how long they live. */
typedef struct rdb_slice {
    const uint8_t *data;
    size_t length;
} rdb_slice;

/* A growing text. With an arena its bytes live there; without one they are malloc'ed and rdb_strbuf_free ends them.
 * data is always terminated by a zero byte that length does not count (NULL only while nothing was ever written and
 * no memory was had). Running out of memory sets failed and drops what does not fit; rdb_strbuf_check tells. */
typedef struct rdb_strbuf {
    char *data;
    size_t length, capacity;
    rdb_arena *arena;
    bool failed;
} rdb_strbuf;

void rdb_strbuf_init(rdb_strbuf *buf, rdb_arena *arena);
void rdb_strbuf_free(rdb_strbuf *buf); /* a no-op for one in an arena; the struct is empty afterwards */
void rdb_strbuf_clear(rdb_strbuf *buf); /* empties it, keeps the memory */
bool rdb_strbuf_grow(rdb_strbuf *buf, size_t more_bytes); /* what reserve does where there is no room yet */
static inline bool rdb_strbuf_reserve(rdb_strbuf *buf, size_t more_bytes); /* room for so many more; false when there is none */
static inline void rdb_strbuf_add(rdb_strbuf *buf, const void *bytes, size_t length);
static inline void rdb_strbuf_addc(rdb_strbuf *buf, char c);
void rdb_strbuf_adds(rdb_strbuf *buf, const char *text);
void rdb_strbuf_addf(rdb_strbuf *buf, const char *format, ...) RDB_PRINTF(2, 3);
void rdb_strbuf_add_json(rdb_strbuf *buf, const char *text, size_t length); /* quoted and escaped */
RDB_CHECKED bool rdb_strbuf_check(const rdb_strbuf *buf, rdb_error *err);

/* True where the bytes are well-formed UTF-8 without a zero byte; *bad_offset is the first bad byte otherwise. */
bool rdb_utf8_validate(const void *bytes, size_t length, size_t *bad_offset);
/* Bytes of the character that starts with this byte, 1 for a broken one. */
uint32_t rdb_utf8_length(uint8_t first_byte);
size_t rdb_utf8_count(const void *bytes, size_t length); /* characters */

#include <string.h>
static inline bool rdb_strbuf_reserve(rdb_strbuf *buf, size_t more_bytes)
{
    /* one byte of capacity is the final zero */
    return __builtin_expect(more_bytes < buf->capacity - buf->length && !buf->failed, 1) || rdb_strbuf_grow(buf, more_bytes);
}
static inline void rdb_strbuf_add(rdb_strbuf *buf, const void *bytes, size_t length)
{
    if (!rdb_strbuf_reserve(buf, length))
        return;
    if (length > 0)
        memcpy(buf->data + buf->length, bytes, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}
static inline void rdb_strbuf_addc(rdb_strbuf *buf, char c)
{
    if (!rdb_strbuf_reserve(buf, 1))
        return;
    buf->data[buf->length++] = c;
    buf->data[buf->length] = '\0';
}

/* Fixed-width little-endian access to unaligned bytes: every format on disk is little-endian. */
#define RDB_DEFINE_LE(bits)                                                              \
    static inline uint##bits##_t rdb_get_u##bits(const void *at)                         \
    {                                                                                    \
        uint##bits##_t value;                                                            \
        memcpy(&value, at, sizeof value);                                                \
        return value;                                                                    \
    }                                                                                    \
    static inline void rdb_put_u##bits(void *at, uint##bits##_t value)                   \
    {                                                                                    \
        memcpy(at, &value, sizeof value);                                                \
    }
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the formats on disk are little-endian and so, today, is every machine this builds for"
#endif
RDB_DEFINE_LE(16)
RDB_DEFINE_LE(32)
RDB_DEFINE_LE(64)
#undef RDB_DEFINE_LE

/* CRC32C (Castagnoli), hardware where the CPU has it. Chain by passing the result as seed; start with 0. */
uint32_t rdb_crc32c(uint32_t seed, const void *bytes, size_t length);
/* The same by tables alone: what runs where the CPU lacks the instruction, and what the other is tested against. */
uint32_t rdb_crc32c_portable(uint32_t seed, const void *bytes, size_t length);

#endif
