/* SPDX-License-Identifier: Apache-2.0
 * LIKE and ILIKE: % stands for any characters, _ for one, a backslash takes the next as it is. Matching walks the text
 * once and goes back only to the last %, so it needs no recursion. */
#include "type/collation.h"
#include "type/text_int.h"
#include "type/tables.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* -1: the pattern ends with a lone escape. */
static int match(const uint8_t *text, size_t text_length, const uint8_t *pattern, size_t pattern_length, bool by_bytes)
{
    const uint8_t *t = text, *t_end = text + text_length, *p = pattern, *p_end = pattern + pattern_length;
    const uint8_t *star_p = NULL, *star_t = NULL;
    for (;;) {
        if (p < p_end && *p == '%') {
            star_p = ++p;
            star_t = t;
            if (p == p_end)
                return 1;
            continue;
        }
        bool same = false;
        if (p < p_end && t < t_end) {
            if (*p == '_') {
                t += by_bytes ? 1 : RDB_MIN(rdb_utf8_length(*t), (uint32_t)(t_end - t));
                p++;
                continue;
            }
            const uint8_t *literal = p;
            if (*p == '\\' && ++literal == p_end)
                return -1;
            same = *literal == *t;
            if (same) {
                p = literal + 1;
                t++;
                continue;
            }
        }
        if (p == p_end && t == t_end)
            return 1;
        if (star_p == NULL || star_t >= t_end)
            return 0;
        star_t += by_bytes ? 1 : RDB_MIN(rdb_utf8_length(*star_t), (uint32_t)(t_end - star_t));
        t = star_t;
        p = star_p;
    }
}

#define LONG_TEXT 512u /* bytes; a batch of such may take long */

static bool like(rdb_call *call, rdb_bytes text, rdb_bytes pattern, bool by_bytes, uint8_t *result)
{
    if (RDB_UNLIKELY(text.length > LONG_TEXT) && !rdb_cancel_check(call->cancel, call->err))
        return false;
    int answer = match(text.data, text.length, pattern.data, pattern.length, by_bytes);
    if (answer < 0)
        return rdb_error_set(call->err, RDB_INVALID_ESCAPE_SEQUENCE, "LIKE pattern must not end with escape character");
    *result = answer == 1;
    return true;
}

/* ---- patterns of plain pieces with % between them, the same for all rows ------------------------------------------------------------
 * A piece is looked for byte by byte: no character of UTF-8 begins inside another. */
#define PIECES_MAX 8u
typedef struct like_pieces {
    rdb_bytes pieces[PIECES_MAX];
    uint32_t count;
    bool is_open_left, is_open_right; /* begins, ends with % */
} like_pieces;

static bool cut_pattern(rdb_bytes pattern, like_pieces *cut)
{
    uint32_t start = 0;
    *cut = (like_pieces){.count = 0};
    for (uint32_t at = 0; at <= pattern.length; at++) {
        if (at < pattern.length && (pattern.data[at] == '_' || pattern.data[at] == '\\'))
            return false;
        if (at < pattern.length && pattern.data[at] != '%')
            continue;
        cut->is_open_left |= at == 0 && at < pattern.length;
        cut->is_open_right = at == pattern.length && at > 0 && pattern.data[at - 1] == '%';
        if (at > start || pattern.length == 0) {
            if (cut->count == PIECES_MAX)
                return false;
            cut->pieces[cut->count++] = (rdb_bytes){pattern.data + start, at - start, 0};
        }
        start = at + 1;
    }
    return true;
}

/* Where the piece (not empty) first stands; NULL: nowhere. Sixteen places are tried at a time by its first and last byte. */
static const uint8_t *find_piece(const uint8_t *text, size_t length, rdb_bytes piece)
{
    const size_t n = piece.length;
    if (length < n)
        return NULL;
    if (n == 1)
        return memchr(text, piece.data[0], length);
    const size_t places = length - n + 1;
    size_t at = 0;
#ifdef __SSE2__
    const __m128i first = _mm_set1_epi8((char)piece.data[0]), last = _mm_set1_epi8((char)piece.data[n - 1]);
    while (places >= 16 && at < places) {
        const size_t here = RDB_MIN(at, places - 16); /* the last sixteen may be tried twice */
        const __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(text + here));
        const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(text + here + n - 1));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last)));
        for (; hits != 0; hits &= hits - 1) {
            const uint8_t *found = text + here + (unsigned)__builtin_ctz(hits);
            if (memcmp(found + 1, piece.data + 1, n - 2) == 0)
                return found;
        }
        at = here + 16;
    }
#endif
    for (; at < places; at++)
        if (text[at] == piece.data[0] && text[at + n - 1] == piece.data[n - 1] && memcmp(text + at + 1, piece.data + 1, n - 2) == 0)
            return text + at;
    return NULL;
}

static bool match_pieces(const like_pieces *cut, rdb_bytes value)
{
    const uint8_t *text = value.data;
    size_t length = value.length;
    uint32_t first = 0, end = cut->count;
    if (!cut->is_open_left) {
        const rdb_bytes piece = cut->pieces[0];
        if (length < piece.length || (piece.length > 0 && memcmp(text, piece.data, piece.length) != 0))
            return false;
        text += piece.length;
        length -= piece.length;
        if (cut->count == 1 && !cut->is_open_right) /* no % at all */
            return length == 0;
        first = 1;
    }
    if (!cut->is_open_right && end > first) {
        const rdb_bytes piece = cut->pieces[end - 1];
        if (length < piece.length || memcmp(text + length - piece.length, piece.data, piece.length) != 0)
            return false;
        length -= piece.length;
        end--;
    }
    for (uint32_t i = first; i < end; i++) {
        const uint8_t *found = find_piece(text, length, cut->pieces[i]);
        if (found == NULL)
            return false;
        length -= (size_t)(found - text) + cut->pieces[i].length;
        text = found + cut->pieces[i].length;
    }
    return true;
}

/* False: not such a pattern. */
static bool like_by_pieces(const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection, bool wanted)
{
    like_pieces cut;
    if (arguments[1]->mask != 0 || !cut_pattern(RDB_VALUES(arguments[1], rdb_bytes)[0], &cut))
        return false;
    RDB_FOR_SELECTED (selection, row)
        RDB_VALUES(out, uint8_t)[row] = match_pieces(&cut, RDB_AT(arguments[0], rdb_bytes, row)) == wanted;
    return true;
}

#define LIKE_KERNEL(name, by_bytes, wanted)                                               \
    TYPE_CHECKED_BINARY(name, rdb_bytes, rdb_bytes, uint8_t, {                            \
        z = 0;                                                                            \
        if (!like(call, x, y, by_bytes, &z)) {                                            \
            call->bad_row = row;                                                          \
            return false;                                                                 \
        }                                                                                 \
        z = z == (wanted);                                                                \
    })
LIKE_KERNEL(texts_like, false, 1)
LIKE_KERNEL(texts_not_like, false, 0)
LIKE_KERNEL(bytea_like, true, 1)
LIKE_KERNEL(bytea_not_like, true, 0)

static bool check_like(rdb_call *call, const rdb_selection *selection)
{
    if (selection->count == 0 || (type_collation_is_plain(call->collation) && call->collation != 0))
        return true;
    call->bad_row = selection->rows != NULL ? selection->rows[0] : 0;
    return type_collation_need(call, "LIKE") && type_collation_need_deterministic(call, "LIKE");
}

static bool text_like(TYPE_KERNEL_PARAMETERS)
{
    return check_like(call, selection) && (like_by_pieces(arguments, out, selection, true) || texts_like(call, arguments, out, selection));
}

static bool text_not_like(TYPE_KERNEL_PARAMETERS)
{
    return check_like(call, selection) && (like_by_pieces(arguments, out, selection, false) || texts_not_like(call, arguments, out, selection));
}

static bool ilike(rdb_call *call, const rdb_datum *a, uint8_t wanted, rdb_datum *r)
{
    rdb_datum text, pattern;
    if (!type_collation_need(call, "ILIKE") || !type_collation_need_deterministic(call, "ILIKE"))
        return false;
    if (!type_text_lower_in(call, a[0].bytes, &text) || !type_text_lower_in(call, a[1].bytes, &pattern) ||
        !like(call, text.bytes, pattern.bytes, false, &r->b))
        return false;
    r->b = r->b == wanted;
    return true;
}

TYPE_ROW_FUNCTION(text_ilike, 2)
{
    return ilike(call, a, 1, r);
}

TYPE_ROW_FUNCTION(text_not_ilike, 2)
{
    return ilike(call, a, 0, r);
}

/* x LIKE y ESCAPE z: the pattern with z's meaning given to the backslash. */
TYPE_ROW_FUNCTION(like_escape, 2)
{
    rdb_bytes pattern = a[0].bytes, escape = a[1].bytes;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    if (escape.length > 0 && rdb_utf8_count(escape.data, escape.length) != 1) {
        rdb_error_set(call->err, RDB_INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        rdb_error_hint(call->err, "Escape string must be empty or one character.");
        return false;
    }
    if (escape.length == 1 && escape.data[0] == '\\') {
        *r = a[0];
        return true;
    }
    bool after_escape = false;
    for (uint32_t at = 0; at < pattern.length;) {
        uint32_t length = RDB_MIN(rdb_utf8_length(pattern.data[at]), pattern.length - at);
        if (escape.length > 0 && !after_escape && length == escape.length && memcmp(pattern.data + at, escape.data, length) == 0) {
            rdb_strbuf_addc(&text, '\\');
            after_escape = true;
        } else {
            if (pattern.data[at] == '\\' && !after_escape)
                rdb_strbuf_addc(&text, '\\');
            rdb_strbuf_add(&text, pattern.data + at, length);
            after_escape = false;
        }
        at += length;
    }
    return type_take_buffer(call, &text, r);
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"textlike", text_like, F, 0}, {"textnlike", text_not_like, F, 0}, {"namelike", text_like, F, 0}, {"namenlike", text_not_like, F, 0},
    {"bytealike", bytea_like, F, 0}, {"byteanlike", bytea_not_like, F, 0},
    {"texticlike", text_ilike, F, 0}, {"texticnlike", text_not_ilike, F, 0}, {"nameiclike", text_ilike, F, 0},
    {"nameicnlike", text_not_ilike, F, 0}, {"like_escape", like_escape, F, 0}, {"like_escape_bytea", like_escape, F, 0},
};
TYPE_KERNEL_TABLE(type_pattern_table, KERNELS);
