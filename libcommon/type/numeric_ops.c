/* SPDX-License-Identifier: Apache-2.0
 * numeric for the rest of the system: text, wire and key forms, comparison kernels, arithmetic kernels, casts to and from
 * the integers. The numbers themselves are numeric.c's. */
#include "type/numeric.h"
#include "type/tables.h"
#include <stdlib.h>

/* ---- operations ------------------------------------------------------------------------------------------------------- */
static bool store(rdb_call *call, type_numeric *number, bool is_made, rdb_datum *value)
{
    bool ok = is_made && type_numeric_write(call, number, value);
    type_numeric_clear(number);
    return ok;
}

/* Digits, one point perhaps, and what typmod makes of them, all within 18 digits. False: it takes the long way. */
static bool input_short(rdb_arena *arena, rdb_slice text, int32_t typmod, rdb_datum *value)
{
    const uint8_t *at = text.data, *end = at + text.length;
    const bool is_negative = at < end && *at == '-';
    at += is_negative;
    if (end - at > 19 || at == end)
        return false;
    int64_t coefficient = 0;
    const uint8_t *first = at, *point = NULL;
    for (; at < end; at++) {
        const unsigned digit = (unsigned)*at - '0';
        if (digit <= 9)
            coefficient = coefficient * 10 + digit;
        else if (*at == '.' && point == NULL)
            point = at;
        else
            return false;
    }
    uint32_t digits = (uint32_t)(end - first) - (point != NULL), scale = point != NULL ? (uint32_t)(end - point) - 1 : 0;
    if (digits - 1 > 17)
        return false;
    if (typmod >= 4) {
        const int precision = (typmod - 4) >> 16 & 0xffff, wanted = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
        if (wanted < (int)scale || precision > 18)
            return false; /* to be rounded */
        const uint32_t more = (uint32_t)wanted - scale;
        if (digits + more > 18)
            return false;
        coefficient *= type_numeric_powers[more];
        if (coefficient >= type_numeric_powers[precision])
            return false; /* does not fit */
        scale = (uint32_t)wanted;
    }
    uint8_t *data = rdb_arena_alloc(arena, TYPE_NUMERIC_SMALL_BYTES);
    *value = (rdb_datum){.words = {0, 0}};
    value->bytes = (rdb_bytes){.data = data, .length = type_numeric_write_small(is_negative ? -(type_int128)coefficient : coefficient, (uint16_t)scale, data)};
    return true;
}

static bool numeric_input(TYPE_OPS_PARAMETERS_INPUT)
{
    if (input_short(call->arena, text, typmod, value))
        return true;
    type_numeric number;
    bool ok = type_numeric_parse(call, text, &number) && type_numeric_apply_typmod(call, &number, typmod);
    return store(call, &number, ok, value);
}

static bool numeric_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_numeric number;
    type_numeric_read(value.bytes, &number);
    type_numeric_format(&number, text);
    type_numeric_clear(&number);
    return true;
}

#define WIRE_NEGATIVE 0x4000
#define WIRE_NAN 0xC000
#define WIRE_INFINITY 0xD000
#define WIRE_MINUS_INFINITY 0xF000

static bool numeric_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    type_numeric number;
    type_numeric_set_int(&number, 0, 0);
    if (text.length < 8)
        return type_bad_binary(call);
    unsigned count = type_be16(text.data), sign = type_be16(text.data + 4), scale = type_be16(text.data + 6);
    int weight = (int16_t)type_be16(text.data + 2);
    if (text.length != 8 + 2 * (size_t)count)
        return type_bad_binary(call);
    if (sign == WIRE_NAN || sign == WIRE_INFINITY || sign == WIRE_MINUS_INFINITY) {
        type_numeric_set_special(&number, sign == WIRE_NAN ? TYPE_NUMERIC_NAN
                                          : sign == WIRE_INFINITY ? TYPE_NUMERIC_INFINITY : TYPE_NUMERIC_MINUS_INFINITY);
        return store(call, &number, type_numeric_apply_typmod(call, &number, typmod), value);
    }
    if (sign != 0 && sign != WIRE_NEGATIVE)
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid sign in external \"numeric\" value");
    if (scale > TYPE_NUMERIC_SCALE_MAX)
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid scale in external \"numeric\" value");
    mpz_t big, power;
    mpz_init(big);
    mpz_init(power);
    bool ok = true;
    for (unsigned i = 0; i < count && ok; i++) {
        unsigned group = type_be16(text.data + 8 + 2 * (size_t)i);
        if (group > 9999)
            ok = rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid digit in external \"numeric\" value");
        mpz_mul_ui(big, big, 10000);
        mpz_add_ui(big, big, group);
    }
    if (ok && mpz_sgn(big) != 0) {
        long shift = 4 * ((long)weight - (long)count + 1) + (long)scale;
        type_pow10(power, (unsigned long)labs(shift));
        if (shift >= 0)
            mpz_mul(big, big, power);
        else
            mpz_tdiv_q(big, big, power);
        if (sign == WIRE_NEGATIVE)
            mpz_neg(big, big);
    }
    type_numeric_set_mpz(&number, big, (uint16_t)scale);
    mpz_clear(big);
    mpz_clear(power);
    return store(call, &number, ok && type_numeric_apply_typmod(call, &number, typmod), value);
}

static bool numeric_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_numeric number;
    type_numeric_read(value.bytes, &number);
    if (number.kind != TYPE_NUMERIC_FINITE) {
        type_add_be32(text, 0);
        type_add_be16(text, number.kind == TYPE_NUMERIC_NAN ? WIRE_NAN
                            : number.kind == TYPE_NUMERIC_INFINITY ? WIRE_INFINITY : WIRE_MINUS_INFINITY);
        /* PostgreSQL's bytes: an infinity is sent with this scale. */
        type_add_be16(text, number.kind == TYPE_NUMERIC_NAN ? 0 : 0x20);
        return true;
    }
    rdb_strbuf digits;
    rdb_strbuf_init(&digits, call->arena);
    type_numeric_format(&number, &digits);
    bool negative = type_numeric_sign(&number) < 0;
    unsigned scale = number.scale;
    type_numeric_clear(&number);
    if (!rdb_strbuf_check(&digits, call->err))
        return false;
    /* Groups of four digits around the point; groups of zeros at both ends are not sent. */
    const char *at = digits.data + negative;
    size_t whole = strcspn(at, "."), fraction = scale, group_count = (whole + 3) / 4 + (fraction + 3) / 4;
    uint16_t *groups = type_alloc(call, sizeof *groups * (group_count + 1));
    if (groups == NULL)
        return false;
    int weight = (int)((whole + 3) / 4) - 1;
    memset(groups, 0, sizeof *groups * (group_count + 1));
    for (size_t i = 0; i < whole; i++) {
        size_t from_point = whole - 1 - i, group = (whole + 3) / 4 - 1 - from_point / 4;
        groups[group] = (uint16_t)(groups[group] * 10 + (at[i] - '0'));
    }
    static const uint16_t PLACE[] = {1000, 100, 10, 1};
    for (size_t i = 0; i < fraction; i++)
        groups[(whole + 3) / 4 + i / 4] += (uint16_t)((at[whole + 1 + i] - '0') * PLACE[i % 4]);
    size_t first = 0;
    while (first < group_count && groups[first] == 0) {
        first++;
        weight--;
    }
    while (group_count > first && groups[group_count - 1] == 0)
        group_count--;
    if (group_count == first)
        weight = 0;
    type_add_be16(text, (uint16_t)(group_count - first));
    type_add_be16(text, (uint16_t)weight);
    type_add_be16(text, negative ? WIRE_NEGATIVE : 0);
    type_add_be16(text, (uint16_t)scale);
    for (size_t i = first; i < group_count; i++)
        type_add_be16(text, groups[i]);
    return true;
}

double rdb_numeric_nearest(rdb_datum value)
{
    const int64_t whole = INT64_C(1) << 53;
    int64_t coefficient;
    uint16_t scale;
    type_numeric number;
    if (type_numeric_read_short(value.bytes, &coefficient, &scale) && scale < TYPE_NUMERIC_SHORT_POWERS && coefficient < whole && coefficient > -whole)
        return (double)coefficient / (double)type_numeric_powers[scale]; /* both exact: one rounding */
    type_numeric_read(value.bytes, &number);
    const double nearest = type_numeric_to_double(&number);
    type_numeric_clear(&number);
    return nearest;
}

static int compare_stored(rdb_bytes left, rdb_bytes right)
{
    int64_t left_short, right_short;
    uint16_t left_scale, right_scale;
    if (type_numeric_read_short(left, &left_short, &left_scale) && type_numeric_read_short(right, &right_short, &right_scale)) {
        int more = left_scale - right_scale;
        if (more == 0)
            return (left_short > right_short) - (left_short < right_short);
        if (more > -TYPE_NUMERIC_SHORT_POWERS && more < TYPE_NUMERIC_SHORT_POWERS) {
            type_int128 a = (type_int128)left_short * type_numeric_powers[more < 0 ? -more : 0];
            type_int128 b = (type_int128)right_short * type_numeric_powers[more > 0 ? more : 0];
            return (a > b) - (a < b);
        }
    }
    type_numeric x, y;
    type_numeric_read(left, &x);
    type_numeric_read(right, &y);
    int order = type_numeric_compare(&x, &y);
    type_numeric_clear(&x);
    type_numeric_clear(&y);
    return order;
}

static int numeric_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return compare_stored(left.bytes, right.bytes);
}

/* Without zeros at the end, so that equal numbers are one; a whole number hashes as the integers do. */
static uint64_t numeric_hash(TYPE_OPS_PARAMETERS_HASH)
{
    type_numeric number;
    type_numeric_read(value.bytes, &number);
    uint64_t hash;
    if (number.kind != TYPE_NUMERIC_FINITE) {
        hash = type_mix64(UINT64_C(0x6e756d) + number.kind);
    } else if (!number.is_big) {
        while (number.scale > 0 && number.small % 10 == 0) {
            number.small /= 10;
            number.scale--;
        }
        hash = type_mix64((uint64_t)number.small);
        if (number.small > INT64_MAX || number.small < INT64_MIN)
            hash = type_mix64(hash ^ (uint64_t)(number.small >> 64));
        if (number.scale > 0)
            hash = type_mix64(hash + number.scale);
    } else {
        mpz_t ten;
        mpz_init_set_ui(ten, 10);
        type_numeric stripped;
        type_numeric_copy(&stripped, &number);
        unsigned long removed = 0, limit = stripped.scale;
        while (removed < limit && mpz_divisible_ui_p(stripped.big, 10)) {
            mpz_divexact_ui(stripped.big, stripped.big, 10);
            removed++;
        }
        uint16_t scale = (uint16_t)(stripped.scale - removed);
        type_numeric again;
        type_numeric_set_mpz(&again, stripped.big, scale);
        if (again.is_big) {
            hash = type_mix64(mpz_get_ui(again.big) ^ mpz_size(again.big) * UINT64_C(0x9E3779B97F4A7C15));
            hash = type_mix64(hash + scale + (uint64_t)(mpz_sgn(again.big) + 1));
        } else {
            hash = type_mix64((uint64_t)again.small);
            if (again.small > INT64_MAX || again.small < INT64_MIN)
                hash = type_mix64(hash ^ (uint64_t)(again.small >> 64));
            if (scale > 0)
                hash = type_mix64(hash + scale);
        }
        type_numeric_clear(&again);
        type_numeric_clear(&stripped);
        mpz_clear(ten);
    }
    type_numeric_clear(&number);
    return hash;
}

/* Key: a class byte, then for numbers a four-byte exponent and pairs of digits (1..100 each), ended by 0. A negative
 * number has all bytes after the class inverted, so that a larger magnitude sorts lower. Scale is not in it. */
enum { KEY_MINUS_INFINITY = 0x10, KEY_NEGATIVE = 0x20, KEY_ZERO = 0x30, KEY_POSITIVE = 0x40, KEY_INFINITY = 0x50, KEY_NAN = 0x60 };

static bool numeric_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_numeric number;
    type_numeric_read(value.bytes, &number);
    if (number.kind != TYPE_NUMERIC_FINITE || type_numeric_sign(&number) == 0) {
        static const char CLASS[] = {KEY_ZERO, KEY_NAN, KEY_INFINITY, KEY_MINUS_INFINITY};
        rdb_strbuf_addc(key, CLASS[number.kind]);
        type_numeric_clear(&number);
        return !key->failed;
    }
    bool negative = type_numeric_sign(&number) < 0;
    uint8_t flip = negative ? 0xff : 0;
    uint32_t exponent = (uint32_t)(type_numeric_exponent(&number)) + UINT32_C(0x80000000);
    rdb_strbuf digits;
    rdb_strbuf_init(&digits, NULL);
    number.scale = 0;
    type_numeric_format(&number, &digits);
    type_numeric_clear(&number);
    if (digits.failed) {
        rdb_strbuf_free(&digits);
        return false;
    }
    const char *at = digits.data + negative;
    size_t count = digits.length - negative;
    while (count > 0 && at[count - 1] == '0')
        count--;
    rdb_strbuf_addc(key, negative ? KEY_NEGATIVE : KEY_POSITIVE);
    type_add_be32(key, negative ? ~exponent : exponent);
    for (size_t i = 0; i < count; i += 2) {
        int pair = (at[i] - '0') * 10 + (i + 1 < count ? at[i + 1] - '0' : 0) + 1;
        rdb_strbuf_addc(key, (char)((uint8_t)pair ^ flip));
    }
    rdb_strbuf_addc(key, (char)flip);
    rdb_strbuf_free(&digits);
    return !key->failed;
}

/* Not reversible: the key has lost the scale. */
const rdb_type_ops type_numeric_ops = {.input = numeric_input, .output = numeric_output, .receive = numeric_receive,
                                       .send = numeric_send, .compare = numeric_compare, .hash = numeric_hash,
                                       .encode_key = numeric_encode, .decode_key = NULL};

/* ---- comparisons ----------------------------------------------------------------------------------------------------------- */
TYPE_BINARY(numeric_eq, rdb_bytes, rdb_bytes, uint8_t, compare_stored(x, y) == 0)
TYPE_BINARY(numeric_ne, rdb_bytes, rdb_bytes, uint8_t, compare_stored(x, y) != 0)
TYPE_BINARY(numeric_lt, rdb_bytes, rdb_bytes, uint8_t, compare_stored(x, y) < 0)
TYPE_BINARY(numeric_le, rdb_bytes, rdb_bytes, uint8_t, compare_stored(x, y) <= 0)
TYPE_BINARY(numeric_gt, rdb_bytes, rdb_bytes, uint8_t, compare_stored(x, y) > 0)
TYPE_BINARY(numeric_ge, rdb_bytes, rdb_bytes, uint8_t, compare_stored(x, y) >= 0)
TYPE_BINARY(numeric_cmp, rdb_bytes, rdb_bytes, int32_t, compare_stored(x, y))

TYPE_ROW_FUNCTION(numeric_larger, 2)
{
    *r = compare_stored(a[0].bytes, a[1].bytes) > 0 ? a[0] : a[1];
    return true;
}

TYPE_ROW_FUNCTION(numeric_smaller, 2)
{
    *r = compare_stored(a[0].bytes, a[1].bytes) < 0 ? a[0] : a[1];
    return true;
}

/* ---- arithmetic -------------------------------------------------------------------------------------------------------------- */
/* { statements } see x and y read, and fill z; they say in ok whether they did. */
#define NUMERIC_ROW(name, ...)                                  \
    static bool name(TYPE_ROW_PARAMETERS)                       \
    {                                                           \
        type_numeric x, y, z;                                   \
        bool ok;                                                \
        type_numeric_read(a[0].bytes, &x);                      \
        type_numeric_read(a[1].bytes, &y);                      \
        type_numeric_set_int(&z, 0, 0);                         \
        __VA_ARGS__;                                            \
        type_numeric_clear(&x);                                 \
        type_numeric_clear(&y);                                 \
        return store(call, &z, ok, r);                          \
    }
#define NUMERIC_BINARY(name, ...)                                                        \
    NUMERIC_ROW(name##_row, __VA_ARGS__)                                                 \
    static bool name(TYPE_KERNEL_PARAMETERS)                                             \
    {                                                                                    \
        return type_run_rows(call, arguments, out, selection, 2, name##_row);            \
    }
/* Two short numbers are worked on in registers, all others one by one as above. { statements } see coefficients x and y of
 * scales x_scale and y_scale and set z and z_scale, or `break` where the result would need more than 126 bits. */
#define NUMERIC_SHORT_BINARY(name, any, ...)                                                                          \
    static bool name(TYPE_KERNEL_PARAMETERS)                                                                          \
    {                                                                                                                 \
        rdb_bytes *results = out->values;                                                                             \
        uint8_t *room = type_alloc(call, (size_t)TYPE_NUMERIC_SMALL_BYTES * selection->count);                        \
        if (room == NULL)                                                                                             \
            return false;                                                                                             \
        RDB_FOR_SELECTED (selection, row) {                                                                           \
            rdb_bytes left = RDB_AT(arguments[0], rdb_bytes, row), right = RDB_AT(arguments[1], rdb_bytes, row);      \
            bool is_done = false;                                                                                     \
            do {                                                                                                      \
                int64_t x, y;                                                                                         \
                uint16_t x_scale, y_scale, z_scale;                                                                   \
                type_int128 z;                                                                                        \
                if (!type_numeric_read_short(left, &x, &x_scale) || !type_numeric_read_short(right, &y, &y_scale))    \
                    break;                                                                                            \
                __VA_ARGS__;                                                                                          \
                results[row] = (rdb_bytes){.data = room, .length = type_numeric_write_small(z, z_scale, room)};       \
                room += TYPE_NUMERIC_SMALL_BYTES;                                                                     \
                is_done = true;                                                                                       \
            } while (false);                                                                                          \
            if (RDB_LIKELY(is_done))                                                                                  \
                continue;                                                                                             \
            rdb_datum pair[2] = {{.bytes = left}, {.bytes = right}}, result;                                          \
            if (RDB_UNLIKELY(!any(call, pair, &result, NULL))) {                                                      \
                call->bad_row = row;                                                                                  \
                return false;                                                                                         \
            }                                                                                                         \
            results[row] = result.bytes;                                                                              \
        }                                                                                                             \
        return true;                                                                                                  \
    }
/* To one scale: 64 bits times 10^18 and their sum stay below 125 bits. */
#define TO_ONE_SCALE                                                              \
    int more = x_scale - y_scale;                                                 \
    if (more <= -TYPE_NUMERIC_SHORT_POWERS || more >= TYPE_NUMERIC_SHORT_POWERS)  \
        break;                                                                    \
    type_int128 a = (type_int128)x * type_numeric_powers[more < 0 ? -more : 0];   \
    type_int128 b = (type_int128)y * type_numeric_powers[more > 0 ? more : 0];    \
    z_scale = RDB_MAX(x_scale, y_scale)
NUMERIC_ROW(any_add, ok = type_numeric_add(call, &x, &y, false, &z))
NUMERIC_ROW(any_sub, ok = type_numeric_add(call, &x, &y, true, &z))
NUMERIC_ROW(any_mul, ok = type_numeric_mul(call, &x, &y, &z))
NUMERIC_SHORT_BINARY(numeric_add, any_add, TO_ONE_SCALE; z = a + b)
NUMERIC_SHORT_BINARY(numeric_sub, any_sub, TO_ONE_SCALE; z = a - b)
NUMERIC_SHORT_BINARY(numeric_mul, any_mul, if (x_scale + y_scale > TYPE_NUMERIC_SCALE_MAX) break; z = (type_int128)x * y; z_scale = (uint16_t)(x_scale + y_scale))
NUMERIC_BINARY(numeric_div, ok = type_numeric_div(call, &x, &y, type_numeric_quotient_scale(&x, &y), true, &z))
NUMERIC_BINARY(numeric_div_trunc, ok = type_numeric_div(call, &x, &y, 0, false, &z))
NUMERIC_BINARY(numeric_mod, ok = type_numeric_mod(call, &x, &y, &z))

/* { statements } change z, which holds the argument. */
#define NUMERIC_UNARY(name, ...)                         \
    TYPE_ROW_FUNCTION(name, 1)                           \
    {                                                    \
        type_numeric z;                                  \
        bool ok = true;                                  \
        type_numeric_read(a[0].bytes, &z);               \
        __VA_ARGS__;                                     \
        return store(call, &z, ok, r);                   \
    }

static void negate(type_numeric *number)
{
    if (number->kind >= TYPE_NUMERIC_INFINITY)
        number->kind = number->kind == TYPE_NUMERIC_INFINITY ? TYPE_NUMERIC_MINUS_INFINITY : TYPE_NUMERIC_INFINITY;
    else if (number->is_big)
        mpz_neg(number->big, number->big);
    else
        number->small = -number->small;
}

static void to_sign(type_numeric *number)
{
    if (number->kind == TYPE_NUMERIC_NAN)
        return;
    int sign = type_numeric_sign(number);
    type_numeric_clear(number);
    type_numeric_set_int(number, sign, 0);
}

/* Without zeros at the end of the fraction. */
static void trim_scale(type_numeric *number)
{
    if (number->kind != TYPE_NUMERIC_FINITE)
        return;
    mpz_t big;
    mpz_init(big);
    type_numeric_get_mpz(number, big);
    uint16_t scale = number->scale;
    if (mpz_sgn(big) == 0)
        scale = 0;
    while (scale > 0 && mpz_divisible_ui_p(big, 10)) {
        mpz_divexact_ui(big, big, 10);
        scale--;
    }
    type_numeric_clear(number);
    type_numeric_set_mpz(number, big, scale);
    mpz_clear(big);
}

NUMERIC_UNARY(numeric_uminus, negate(&z))
NUMERIC_UNARY(numeric_uplus, (void)0)
NUMERIC_UNARY(numeric_abs, if (type_numeric_sign(&z) < 0) negate(&z))
NUMERIC_UNARY(numeric_sign, to_sign(&z))
NUMERIC_UNARY(numeric_ceil, type_numeric_round(&z, 0, TYPE_ROUND_CEILING))
NUMERIC_UNARY(numeric_floor, type_numeric_round(&z, 0, TYPE_ROUND_FLOOR))
NUMERIC_UNARY(numeric_round_whole, type_numeric_round(&z, 0, TYPE_ROUND_HALF_AWAY))
NUMERIC_UNARY(numeric_trunc_whole, type_numeric_round(&z, 0, TYPE_ROUND_TOWARD_ZERO))
NUMERIC_UNARY(numeric_trim_scale, trim_scale(&z))
NUMERIC_UNARY(numeric_inc, {
    type_numeric one, sum;
    type_numeric_set_int(&one, 1, 0);
    ok = type_numeric_add(call, &z, &one, false, &sum);
    type_numeric_clear(&z);
    z = sum;
})

#define ROUND_SCALE_MIN (-131073) /* beyond the first digit that a numeric can have: all are lost */
static bool round_to(rdb_call *call, const rdb_datum *a, type_rounding rounding, rdb_datum *r)
{
    type_numeric z;
    type_numeric_read(a[0].bytes, &z);
    int scale = RDB_MAX(RDB_MIN(a[1].i32, TYPE_NUMERIC_SCALE_MAX), ROUND_SCALE_MIN);
    type_numeric_round(&z, scale, rounding);
    return store(call, &z, true, r);
}

TYPE_ROW_FUNCTION(numeric_round, 2)
{
    return round_to(call, a, TYPE_ROUND_HALF_AWAY, r);
}

TYPE_ROW_FUNCTION(numeric_trunc, 2)
{
    return round_to(call, a, TYPE_ROUND_TOWARD_ZERO, r);
}

TYPE_ROW_FUNCTION(numeric_fit, 2)
{
    type_numeric z;
    type_numeric_read(a[0].bytes, &z);
    return store(call, &z, type_numeric_apply_typmod(call, &z, a[1].i32), r);
}

TYPE_ROW_FUNCTION(numeric_scale, 1)
{
    type_numeric z;
    type_numeric_read(a[0].bytes, &z);
    *is_null = z.kind != TYPE_NUMERIC_FINITE;
    r->i32 = z.scale;
    type_numeric_clear(&z);
    return true;
}

TYPE_ROW_FUNCTION(numeric_min_scale, 1)
{
    type_numeric z;
    type_numeric_read(a[0].bytes, &z);
    *is_null = z.kind != TYPE_NUMERIC_FINITE;
    trim_scale(&z);
    r->i32 = z.scale;
    type_numeric_clear(&z);
    return true;
}

/* gcd and lcm of numbers with fractions: of their coefficients at one scale. */
static bool common_divisor(rdb_call *call, const type_numeric *x, const type_numeric *y, bool multiple, type_numeric *z)
{
    (void)call;
    if (x->kind != TYPE_NUMERIC_FINITE || y->kind != TYPE_NUMERIC_FINITE) {
        type_numeric_set_special(z, TYPE_NUMERIC_NAN);
        return true;
    }
    uint16_t scale = RDB_MAX(x->scale, y->scale);
    type_numeric left, right;
    type_numeric_copy(&left, x);
    type_numeric_copy(&right, y);
    type_numeric_round(&left, scale, TYPE_ROUND_HALF_AWAY);
    type_numeric_round(&right, scale, TYPE_ROUND_HALF_AWAY);
    mpz_t p, q;
    mpz_init(p);
    mpz_init(q);
    type_numeric_get_mpz(&left, p);
    type_numeric_get_mpz(&right, q);
    if (multiple)
        mpz_lcm(p, p, q);
    else
        mpz_gcd(p, p, q);
    type_numeric_set_mpz(z, p, scale);
    mpz_clear(p);
    mpz_clear(q);
    type_numeric_clear(&left);
    type_numeric_clear(&right);
    return true;
}
NUMERIC_BINARY(numeric_gcd, ok = common_divisor(call, &x, &y, false, &z))
NUMERIC_BINARY(numeric_lcm, ok = common_divisor(call, &x, &y, true, &z))

/* ---- casts ---------------------------------------------------------------------------------------------------------------------- */
static bool to_int(rdb_call *call, rdb_bytes stored, int64_t min, int64_t max, const char *name, int64_t *value)
{
    type_numeric number;
    type_numeric_read(stored, &number);
    type_numeric_kind kind = (type_numeric_kind)number.kind;
    bool fits = type_numeric_to_int64(&number, value) && *value >= min && *value <= max;
    type_numeric_clear(&number);
    if (kind != TYPE_NUMERIC_FINITE)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cannot convert %s to %s",
                             kind == TYPE_NUMERIC_NAN ? "NaN" : "infinity", name);
    return fits || rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", name);
}

#define NUMERIC_TO_INT(name, field, ctype, min, max, type_name)                    \
    TYPE_ROW_FUNCTION(name, 1)                                                     \
    {                                                                              \
        int64_t value;                                                             \
        if (!to_int(call, a[0].bytes, min, max, type_name, &value))                \
            return false;                                                          \
        r->field = (ctype)value;                                                   \
        return true;                                                               \
    }
NUMERIC_TO_INT(numeric_to_int2, i16, int16_t, INT16_MIN, INT16_MAX, "smallint")
NUMERIC_TO_INT(numeric_to_int4, i32, int32_t, INT32_MIN, INT32_MAX, "integer")
NUMERIC_TO_INT(numeric_to_int8, i64, int64_t, INT64_MIN, INT64_MAX, "bigint")

#define INT_TO_NUMERIC(name, field)                      \
    TYPE_ROW_FUNCTION(name, 1)                           \
    {                                                    \
        type_numeric number;                             \
        type_numeric_set_int(&number, a[0].field, 0);    \
        return type_numeric_write(call, &number, r);     \
    }
INT_TO_NUMERIC(int2_to_numeric, i16)
INT_TO_NUMERIC(int4_to_numeric, i32)
INT_TO_NUMERIC(int8_to_numeric, i64)

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    TYPE_SIX_("numeric", numeric), {"numeric_cmp", numeric_cmp, 0, 0},
    {"numeric_larger", numeric_larger, 0, 0}, {"numeric_smaller", numeric_smaller, 0, 0},
    {"numeric_add", numeric_add, F, 0}, {"numeric_sub", numeric_sub, F, 0}, {"numeric_mul", numeric_mul, F, 0},
    {"numeric_div", numeric_div, F, 0}, {"numeric_div_trunc", numeric_div_trunc, F, 0}, {"numeric_mod", numeric_mod, F, 0},
    {"numeric_uminus", numeric_uminus, 0, 0}, {"numeric_uplus", numeric_uplus, 0, 0}, {"numeric_abs", numeric_abs, 0, 0},
    {"numeric_sign", numeric_sign, 0, 0}, {"numeric_ceil", numeric_ceil, F, 0}, {"numeric_floor", numeric_floor, F, 0},
    {"numeric_round", numeric_round, F, 0}, {"numeric_trunc", numeric_trunc, F, 0},
    {NULL, numeric_round_whole, F, 1708}, {NULL, numeric_trunc_whole, 0, 1710},
    {"numeric_inc", numeric_inc, F, 0}, {"numeric", numeric_fit, F, 0}, {"numeric_scale", numeric_scale, 0, 0},
    {"numeric_min_scale", numeric_min_scale, 0, 0}, {"numeric_trim_scale", numeric_trim_scale, 0, 0},
    {"numeric_gcd", numeric_gcd, F, 0}, {"numeric_lcm", numeric_lcm, F, 0},
    {"numeric_int2", numeric_to_int2, F, 0}, {"numeric_int4", numeric_to_int4, F, 0}, {"numeric_int8", numeric_to_int8, F, 0},
    {"int2_numeric", int2_to_numeric, 0, 0}, {"int4_numeric", int4_to_numeric, 0, 0}, {"int8_numeric", int8_to_numeric, 0, 0},
};
TYPE_KERNEL_TABLE(type_numeric_table, KERNELS);
