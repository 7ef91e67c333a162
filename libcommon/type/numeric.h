/* SPDX-License-Identifier: Apache-2.0
 * numeric: exact decimals. A stored value is
 *
 *    0  2  head      bits 0..13 the display scale, bit 14 negative, bit 15 special (then bits 0..1: 0 NaN, 1 Infinity,
 *                    2 -Infinity, and nothing follows)
 *    2  n  magnitude little-endian, no zero byte at the end, empty for zero: the number is magnitude / 10^scale
 *
 * Numbers that differ only in scale are equal, so bytes are never compared. In memory a magnitude below 2^127 is a
 * machine integer, anything larger a GMP integer. */
#ifndef RDB_TYPE_NUMERIC_H
#define RDB_TYPE_NUMERIC_H

#include "type/type_int.h"
#include <gmp.h>

#define TYPE_NUMERIC_SCALE_MAX 16383       /* of a stored value */
#define TYPE_NUMERIC_RESULT_SCALE_MAX 1000 /* of a computed quotient, root or logarithm */
#define TYPE_NUMERIC_DIGITS_MAX 131072     /* before the decimal point */
#define TYPE_NUMERIC_MIN_DIGITS 16         /* significant digits that a quotient has at least */

typedef __int128 type_int128;
typedef unsigned __int128 type_uint128;

typedef enum type_numeric_kind {
    TYPE_NUMERIC_FINITE,
    TYPE_NUMERIC_NAN,
    TYPE_NUMERIC_INFINITY,
    TYPE_NUMERIC_MINUS_INFINITY
} type_numeric_kind;

typedef struct type_numeric {
    uint8_t kind;
    bool is_big;       /* big holds the number and must be cleared */
    uint16_t scale;
    type_int128 small; /* signed coefficient, where !is_big */
    mpz_t big;
} type_numeric;

/* Little-endian, at most 8 bytes, by two loads that may overlap: a copy of unknown length through memory would have to be
 * read back in another width than it was written, which stalls the processor. */
static inline uint64_t type_numeric_read_word(const uint8_t *bytes, uint32_t length)
{
    if (length >= 4)
        return rdb_get_u32(bytes) | (uint64_t)rdb_get_u32(bytes + length - 4) << (length - 4) * 8;
    if (length >= 2)
        return rdb_get_u16(bytes) | (uint64_t)rdb_get_u16(bytes + length - 2) << (length - 2) * 8;
    return length == 1 ? bytes[0] : 0;
}

/* The common case, for kernels: a finite number whose coefficient fits 64 bits. False: read it whole. */
static inline bool type_numeric_read_short(rdb_bytes stored, int64_t *coefficient, uint16_t *scale)
{
    if (RDB_UNLIKELY(stored.length < 2 || stored.length > 10))
        return false;
    uint16_t head = rdb_get_u16(stored.data);
    uint64_t magnitude = type_numeric_read_word(stored.data + 2, stored.length - 2);
    if (RDB_UNLIKELY((head & 0x8000) != 0 || magnitude > INT64_MAX))
        return false;
    *coefficient = (head & 0x4000) != 0 ? -(int64_t)magnitude : (int64_t)magnitude;
    *scale = head & 0x3fff;
    return true;
}

#define TYPE_NUMERIC_SHORT_POWERS 19
extern const int64_t type_numeric_powers[TYPE_NUMERIC_SHORT_POWERS]; /* 10^0 .. 10^18 */

#define TYPE_NUMERIC_SMALL_BYTES 18 /* room for a stored number that is not big */
/* Writes a coefficient of less than 127 bits to data, which has that room; its length. */
static inline uint32_t type_numeric_write_small(type_int128 coefficient, uint16_t scale, uint8_t *data)
{
    type_uint128 magnitude = coefficient < 0 ? 0 - (type_uint128)coefficient : (type_uint128)coefficient;
    uint64_t low = (uint64_t)magnitude, high = (uint64_t)(magnitude >> 64);
    rdb_put_u16(data, (uint16_t)(scale | (coefficient < 0 ? 0x4000 : 0)));
    memcpy(data + 2, &low, 8);
    memcpy(data + 10, &high, 8);
    return 2 + (high != 0 ? 16 - (uint32_t)__builtin_clzll(high) / 8 : low != 0 ? 8 - (uint32_t)__builtin_clzll(low) / 8 : 0);
}

/* read never fails on bytes that write made. clear is needed for what read, parse or arithmetic filled; twice is fine. */
void type_numeric_read(rdb_bytes stored, type_numeric *number);
bool type_numeric_write(rdb_call *call, const type_numeric *number, rdb_datum *value);
void type_numeric_clear(type_numeric *number);
void type_numeric_set_int(type_numeric *number, type_int128 value, uint16_t scale);
void type_numeric_set_special(type_numeric *number, type_numeric_kind kind);
/* The coefficient as a GMP integer; out is initialised by the caller. Finite numbers only. */
void type_numeric_get_mpz(const type_numeric *number, mpz_t out);
/* Takes the integer (made small again where it fits) and leaves out empty but initialised. */
void type_numeric_set_mpz(type_numeric *number, mpz_t value, uint16_t scale);
void type_numeric_copy(type_numeric *target, const type_numeric *source);

int type_numeric_sign(const type_numeric *number); /* -1, 0, 1; infinities too, NaN is 1 */
int type_numeric_compare(const type_numeric *left, const type_numeric *right);
/* For results that need no call: all of them fill an unset *result. */
bool type_numeric_add(rdb_call *call, const type_numeric *x, const type_numeric *y, bool subtract, type_numeric *result);
bool type_numeric_mul(rdb_call *call, const type_numeric *x, const type_numeric *y, type_numeric *result);
/* Rounds half away from zero, or cuts, at rscale digits after the point. */
bool type_numeric_div(rdb_call *call, const type_numeric *x, const type_numeric *y, int rscale, bool round, type_numeric *result);
bool type_numeric_mod(rdb_call *call, const type_numeric *x, const type_numeric *y, type_numeric *result);
int type_numeric_quotient_scale(const type_numeric *x, const type_numeric *y);
/* To `scale` digits after the point, which may be negative: digits before it become zero. The display scale is
 * max(scale, 0). */
typedef enum type_rounding { TYPE_ROUND_HALF_AWAY, TYPE_ROUND_TOWARD_ZERO, TYPE_ROUND_FLOOR, TYPE_ROUND_CEILING } type_rounding;
void type_numeric_round(type_numeric *number, int scale, type_rounding rounding);

/* In place, rounded at `scale`; the number is finite and not negative. */
void type_numeric_sqrt(type_numeric *number, int scale);

bool type_numeric_parse(rdb_call *call, rdb_slice text, type_numeric *number);
void type_numeric_format(const type_numeric *number, rdb_strbuf *text);
bool type_numeric_apply_typmod(rdb_call *call, type_numeric *number, int32_t typmod);
/* Rounded half away from zero; false where it does not fit (or is not finite). */
bool type_numeric_to_int64(const type_numeric *number, int64_t *value);
double type_numeric_to_double(const type_numeric *number);
bool type_numeric_from_double(rdb_call *call, double value, int digits, type_numeric *number);
/* Decimal exponent of the leading digit (value in [1, 10) * 10^e); 0 for zero. */
int type_numeric_exponent(const type_numeric *number);
void type_pow10(mpz_t out, unsigned long exponent);

#endif
