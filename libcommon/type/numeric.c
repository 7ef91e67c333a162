/* SPDX-License-Identifier: Apache-2.0
 * numeric in memory: reading and writing the stored form (drawn in numeric.h), text, rounding, comparison and the four
 * operations. Small coefficients stay in 128-bit integers; everything that leaves them goes to GMP and comes back when it
 * fits. Result scales are PostgreSQL's, since clients see them as trailing zeros. */
#include "type/numeric.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SMALL_MAX ((type_int128)(((type_uint128)1 << 126) - 1 + ((type_uint128)1 << 126)))
#define POWERS 39

static const type_uint128 *powers(void)
{
#define E19 ((type_uint128)UINT64_C(10000000000000000000))
#define P(n) ((type_uint128)UINT64_C(1##n))
    static const type_uint128 TABLE[POWERS] = {
        1, P(0), P(00), P(000), P(0000), P(00000), P(000000), P(0000000), P(00000000), P(000000000), P(0000000000),
        P(00000000000), P(000000000000), P(0000000000000), P(00000000000000), P(000000000000000), P(0000000000000000),
        P(00000000000000000), P(000000000000000000), E19, E19 * P(0), E19 * P(00), E19 * P(000), E19 * P(0000),
        E19 * P(00000), E19 * P(000000), E19 * P(0000000), E19 * P(00000000), E19 * P(000000000), E19 * P(0000000000),
        E19 * P(00000000000), E19 * P(000000000000), E19 * P(0000000000000), E19 * P(00000000000000),
        E19 * P(000000000000000), E19 * P(0000000000000000), E19 * P(00000000000000000), E19 * P(000000000000000000),
        E19 * E19};
#undef P
#undef E19
    return TABLE;
}

void type_pow10(mpz_t out, unsigned long exponent)
{
    mpz_ui_pow_ui(out, 10, exponent);
}

/* ---- the value ---------------------------------------------------------------------------------------------------- */
void type_numeric_clear(type_numeric *number)
{
    if (number->is_big)
        mpz_clear(number->big);
    number->is_big = false;
    number->small = 0;
}

void type_numeric_set_int(type_numeric *number, type_int128 value, uint16_t scale)
{
    number->kind = TYPE_NUMERIC_FINITE;
    number->is_big = false;
    number->scale = scale;
    number->small = value;
}

void type_numeric_set_special(type_numeric *number, type_numeric_kind kind)
{
    type_numeric_set_int(number, 0, 0);
    number->kind = (uint8_t)kind;
}

static void import_uint128(mpz_t out, type_uint128 magnitude)
{
    mpz_import(out, 1, -1, sizeof magnitude, 0, 0, &magnitude);
}

static type_uint128 magnitude_of(type_int128 value)
{
    return value < 0 ? 0 - (type_uint128)value : (type_uint128)value;
}

void type_numeric_get_mpz(const type_numeric *number, mpz_t out)
{
    if (number->is_big) {
        mpz_set(out, number->big);
        return;
    }
    import_uint128(out, magnitude_of(number->small));
    if (number->small < 0)
        mpz_neg(out, out);
}

void type_numeric_set_mpz(type_numeric *number, mpz_t value, uint16_t scale)
{
    type_numeric_set_int(number, 0, scale);
    if (mpz_sizeinbase(value, 2) <= 126) {
        type_uint128 magnitude = 0;
        mpz_export(&magnitude, NULL, -1, sizeof magnitude, 0, 0, value);
        number->small = mpz_sgn(value) < 0 ? -(type_int128)magnitude : (type_int128)magnitude;
        return;
    }
    number->is_big = true;
    mpz_init(number->big);
    mpz_swap(number->big, value);
}

void type_numeric_copy(type_numeric *target, const type_numeric *source)
{
    *target = *source;
    if (source->is_big)
        mpz_init_set(target->big, source->big);
}

const int64_t type_numeric_powers[TYPE_NUMERIC_SHORT_POWERS] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
    10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000};

void type_numeric_read(rdb_bytes stored, type_numeric *number)
{
    uint16_t head = stored.length >= 2 ? rdb_get_u16(stored.data) : 0;
    if (RDB_UNLIKELY(head & 0x8000)) {
        type_numeric_set_special(number, (type_numeric_kind)(TYPE_NUMERIC_NAN + (head & 3)));
        return;
    }
    bool negative = head & 0x4000;
    uint32_t length = stored.length > 2 ? stored.length - 2 : 0;
    type_numeric_set_int(number, 0, head & 0x3fff);
    if (length < 16) {
        type_uint128 magnitude = length <= 8 ? type_numeric_read_word(stored.data + 2, length)
                                             : rdb_get_u64(stored.data + 2) | (type_uint128)type_numeric_read_word(stored.data + 10, length - 8) << 64;
        number->small = negative ? -(type_int128)magnitude : (type_int128)magnitude;
        return;
    }
    mpz_t big;
    mpz_init(big);
    mpz_import(big, length, -1, 1, 0, 0, stored.data + 2);
    if (negative)
        mpz_neg(big, big);
    type_numeric_set_mpz(number, big, head & 0x3fff);
    mpz_clear(big);
}

static int digits_of_uint128(type_uint128 magnitude)
{
    const type_uint128 *power = powers();
    int digits = 0;
    if (magnitude >= power[19])
        digits = 19;
    while (digits < POWERS && magnitude >= power[digits])
        digits++;
    return digits;
}

/* Decimal digits of the coefficient; 0 for zero. */
static size_t digits_of(const type_numeric *number)
{
    if (!number->is_big)
        return (size_t)digits_of_uint128(magnitude_of(number->small));
    size_t digits = mpz_sizeinbase(number->big, 10); /* exact or one too many */
    mpz_t bound;
    mpz_init(bound);
    type_pow10(bound, digits - 1);
    if (mpz_cmpabs(number->big, bound) < 0)
        digits--;
    mpz_clear(bound);
    return digits;
}

int type_numeric_exponent(const type_numeric *number)
{
    size_t digits = digits_of(number);
    return digits == 0 ? 0 : (int)digits - 1 - (int)number->scale;
}

bool type_numeric_write(rdb_call *call, const type_numeric *number, rdb_datum *value)
{
    uint8_t *data;
    value->words[0] = value->words[1] = 0;
    if (RDB_UNLIKELY(number->kind != TYPE_NUMERIC_FINITE)) {
        data = rdb_arena_alloc(call->arena, 2);
        rdb_put_u16(data, (uint16_t)(0x8000 | (number->kind - TYPE_NUMERIC_NAN)));
        value->bytes = (rdb_bytes){.data = data, .length = 2};
        return true;
    }
    if (!number->is_big) {
        data = rdb_arena_alloc(call->arena, TYPE_NUMERIC_SMALL_BYTES);
        value->bytes = (rdb_bytes){.data = data, .length = type_numeric_write_small(number->small, number->scale, data)};
        return true;
    }
    if (digits_of(number) > (size_t)TYPE_NUMERIC_DIGITS_MAX + number->scale)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
    size_t length = (mpz_sizeinbase(number->big, 2) + 7) / 8;
    data = type_alloc(call, 2 + length);
    if (data == NULL)
        return false;
    rdb_put_u16(data, (uint16_t)(number->scale | (mpz_sgn(number->big) < 0 ? 0x4000 : 0)));
    mpz_export(data + 2, &length, -1, 1, 0, 0, number->big);
    value->bytes = (rdb_bytes){.data = data, .length = (uint32_t)(2 + length)};
    return true;
}

int type_numeric_sign(const type_numeric *number)
{
    if (number->kind != TYPE_NUMERIC_FINITE)
        return number->kind == TYPE_NUMERIC_MINUS_INFINITY ? -1 : 1;
    if (number->is_big)
        return mpz_sgn(number->big);
    return (number->small > 0) - (number->small < 0);
}

/* coefficient * 10^by into an initialised integer. */
static void scaled_mpz(const type_numeric *number, unsigned by, mpz_t out)
{
    type_numeric_get_mpz(number, out);
    if (by > 0) {
        mpz_t power;
        mpz_init(power);
        type_pow10(power, by);
        mpz_mul(out, out, power);
        mpz_clear(power);
    }
}

static bool scaled_small(const type_numeric *number, unsigned by, type_int128 *out)
{
    if (number->is_big || by >= POWERS)
        return false;
    return !__builtin_mul_overflow(number->small, (type_int128)powers()[by], out) && by < 38;
}

static int rank_of(const type_numeric *number) /* -Infinity, numbers, Infinity, NaN */
{
    static const int RANK[] = {[TYPE_NUMERIC_FINITE] = 0, [TYPE_NUMERIC_NAN] = 2, [TYPE_NUMERIC_INFINITY] = 1,
                               [TYPE_NUMERIC_MINUS_INFINITY] = -1};
    return RANK[number->kind];
}

int type_numeric_compare(const type_numeric *left, const type_numeric *right)
{
    if (left->kind != TYPE_NUMERIC_FINITE || right->kind != TYPE_NUMERIC_FINITE)
        return (rank_of(left) > rank_of(right)) - (rank_of(left) < rank_of(right));
    int left_sign = type_numeric_sign(left), right_sign = type_numeric_sign(right);
    if (left_sign != right_sign || left_sign == 0)
        return (left_sign > right_sign) - (left_sign < right_sign);
    unsigned scale = RDB_MAX(left->scale, right->scale);
    type_int128 x, y;
    if (scaled_small(left, scale - left->scale, &x) && scaled_small(right, scale - right->scale, &y))
        return (x > y) - (x < y);
    int left_exponent = type_numeric_exponent(left), right_exponent = type_numeric_exponent(right);
    if (left_exponent != right_exponent)
        return left_exponent > right_exponent ? left_sign : -left_sign;
    mpz_t a, b;
    mpz_init(a);
    mpz_init(b);
    scaled_mpz(left, scale - left->scale, a);
    scaled_mpz(right, scale - right->scale, b);
    int order = mpz_cmp(a, b);
    mpz_clear(a);
    mpz_clear(b);
    return (order > 0) - (order < 0);
}

/* ---- rounding -------------------------------------------------------------------------------------------------------- */
static type_int128 divide_small(type_int128 number, type_int128 divisor, type_rounding rounding)
{
    type_int128 quotient = number / divisor, rest = number % divisor;
    if (rest == 0)
        return quotient;
    switch (rounding) {
    case TYPE_ROUND_HALF_AWAY:
        if (magnitude_of(rest) >= (type_uint128)divisor - magnitude_of(rest))
            quotient += number < 0 ? -1 : 1;
        break;
    case TYPE_ROUND_TOWARD_ZERO:
        break;
    case TYPE_ROUND_FLOOR:
        quotient -= number < 0;
        break;
    case TYPE_ROUND_CEILING:
        quotient += number > 0;
        break;
    }
    return quotient;
}

/* number = number / divisor, rounded; divisor > 0. */
static void divide_mpz(mpz_t number, const mpz_t divisor, type_rounding rounding)
{
    if (rounding == TYPE_ROUND_FLOOR) {
        mpz_fdiv_q(number, number, divisor);
    } else if (rounding == TYPE_ROUND_CEILING) {
        mpz_cdiv_q(number, number, divisor);
    } else if (rounding == TYPE_ROUND_TOWARD_ZERO) {
        mpz_tdiv_q(number, number, divisor);
    } else {
        mpz_t rest;
        mpz_init(rest);
        int sign = mpz_sgn(number);
        mpz_tdiv_qr(number, rest, number, divisor);
        mpz_mul_2exp(rest, rest, 1);
        if (mpz_cmpabs(rest, divisor) >= 0) {
            if (sign < 0)
                mpz_sub_ui(number, number, 1);
            else
                mpz_add_ui(number, number, 1);
        }
        mpz_clear(rest);
    }
}

void type_numeric_round(type_numeric *number, int scale, type_rounding rounding)
{
    if (number->kind != TYPE_NUMERIC_FINITE)
        return;
    scale = RDB_MIN(scale, TYPE_NUMERIC_SCALE_MAX);
    uint16_t shown = (uint16_t)RDB_MAX(scale, 0);
    if (scale >= (int)number->scale) { /* only more zeros */
        unsigned by = (unsigned)(scale - (int)number->scale);
        type_int128 widened;
        if (scaled_small(number, by, &widened)) {
            number->small = widened;
        } else {
            mpz_t big;
            mpz_init(big);
            scaled_mpz(number, by, big);
            type_numeric_clear(number);
            type_numeric_set_mpz(number, big, shown);
            mpz_clear(big);
        }
        number->scale = shown;
        return;
    }
    unsigned cut = (unsigned)((int)number->scale - scale), restore = scale < 0 ? (unsigned)-scale : 0;
    if (!number->is_big && cut < 38 && restore < 38) {
        type_int128 rounded = divide_small(number->small, (type_int128)powers()[cut], rounding), restored;
        if (!__builtin_mul_overflow(rounded, (type_int128)powers()[restore], &restored)) {
            number->small = restored;
            number->scale = shown;
            return;
        }
    }
    mpz_t big, power;
    mpz_init(big);
    mpz_init(power);
    type_numeric_get_mpz(number, big);
    if (cut > digits_of(number) + 1) /* nothing is left, however it is rounded to nearest; spares a huge power */
        cut = (unsigned)digits_of(number) + 1;
    type_pow10(power, cut);
    divide_mpz(big, power, rounding);
    if (mpz_sgn(big) != 0 && restore > 0) {
        type_pow10(power, restore);
        mpz_mul(big, big, power);
    }
    type_numeric_clear(number);
    type_numeric_set_mpz(number, big, shown);
    mpz_clear(big);
    mpz_clear(power);
}

/* ---- the four operations ------------------------------------------------------------------------------------------------- */
bool type_numeric_add(rdb_call *call, const type_numeric *x, const type_numeric *y, bool subtract, type_numeric *result)
{
    (void)call;
    if (x->kind != TYPE_NUMERIC_FINITE || y->kind != TYPE_NUMERIC_FINITE) {
        type_numeric_kind other = (type_numeric_kind)y->kind;
        if (subtract && other >= TYPE_NUMERIC_INFINITY)
            other = other == TYPE_NUMERIC_INFINITY ? TYPE_NUMERIC_MINUS_INFINITY : TYPE_NUMERIC_INFINITY;
        type_numeric_kind kind;
        if (x->kind == TYPE_NUMERIC_NAN || other == TYPE_NUMERIC_NAN)
            kind = TYPE_NUMERIC_NAN;
        else if (x->kind == TYPE_NUMERIC_FINITE)
            kind = other;
        else if (other == TYPE_NUMERIC_FINITE || other == (type_numeric_kind)x->kind)
            kind = (type_numeric_kind)x->kind;
        else
            kind = TYPE_NUMERIC_NAN; /* Infinity - Infinity */
        type_numeric_set_special(result, kind);
        return true;
    }
    uint16_t scale = RDB_MAX(x->scale, y->scale);
    type_int128 left, right, sum;
    if (scaled_small(x, (unsigned)scale - x->scale, &left) && scaled_small(y, (unsigned)scale - y->scale, &right) &&
        !(subtract ? __builtin_sub_overflow(left, right, &sum) : __builtin_add_overflow(left, right, &sum)) &&
        sum >= -SMALL_MAX) {
        type_numeric_set_int(result, sum, scale);
        return true;
    }
    mpz_t a, b;
    mpz_init(a);
    mpz_init(b);
    scaled_mpz(x, (unsigned)scale - x->scale, a);
    scaled_mpz(y, (unsigned)scale - y->scale, b);
    if (subtract)
        mpz_sub(a, a, b);
    else
        mpz_add(a, a, b);
    type_numeric_set_mpz(result, a, scale);
    mpz_clear(a);
    mpz_clear(b);
    return true;
}

bool type_numeric_mul(rdb_call *call, const type_numeric *x, const type_numeric *y, type_numeric *result)
{
    (void)call;
    if (x->kind != TYPE_NUMERIC_FINITE || y->kind != TYPE_NUMERIC_FINITE) {
        int sign = type_numeric_sign(x) * type_numeric_sign(y);
        if (x->kind == TYPE_NUMERIC_NAN || y->kind == TYPE_NUMERIC_NAN || sign == 0)
            type_numeric_set_special(result, TYPE_NUMERIC_NAN);
        else
            type_numeric_set_special(result, sign > 0 ? TYPE_NUMERIC_INFINITY : TYPE_NUMERIC_MINUS_INFINITY);
        return true;
    }
    int scale = (int)x->scale + y->scale;
    type_int128 product;
    if (!x->is_big && !y->is_big && scale <= TYPE_NUMERIC_SCALE_MAX && !__builtin_mul_overflow(x->small, y->small, &product) &&
        product >= -SMALL_MAX) {
        type_numeric_set_int(result, product, (uint16_t)scale);
        return true;
    }
    mpz_t a, b;
    mpz_init(a);
    mpz_init(b);
    type_numeric_get_mpz(x, a);
    type_numeric_get_mpz(y, b);
    mpz_mul(a, a, b);
    if (scale > TYPE_NUMERIC_SCALE_MAX) {
        type_pow10(b, (unsigned long)(scale - TYPE_NUMERIC_SCALE_MAX));
        divide_mpz(a, b, TYPE_ROUND_HALF_AWAY);
        scale = TYPE_NUMERIC_SCALE_MAX;
    }
    type_numeric_set_mpz(result, a, (uint16_t)scale);
    mpz_clear(a);
    mpz_clear(b);
    return true;
}

/* PostgreSQL thinks in groups of four decimal digits, and the scale of its quotients shows it: the weight is the number
 * of the leading group, counted from the point, and first its value. */
static void leading_group(const type_numeric *number, int *weight, int *first)
{
    *weight = *first = 0;
    if (type_numeric_sign(number) == 0)
        return;
    int exponent = type_numeric_exponent(number);
    *weight = exponent >= 0 ? exponent / 4 : -((-exponent + 3) / 4);
    /* first = floor(|coefficient| / 10^(scale + 4 * weight)) */
    int shift = (int)number->scale + 4 * *weight;
    if (!number->is_big && shift >= 0 && shift < POWERS) {
        *first = (int)(magnitude_of(number->small) / powers()[shift]);
        return;
    }
    mpz_t big, power;
    mpz_init(big);
    mpz_init(power);
    type_numeric_get_mpz(number, big);
    mpz_abs(big, big);
    type_pow10(power, (unsigned long)abs(shift));
    if (shift >= 0)
        mpz_tdiv_q(big, big, power);
    else
        mpz_mul(big, big, power);
    *first = (int)mpz_get_ui(big);
    mpz_clear(big);
    mpz_clear(power);
}

int type_numeric_quotient_scale(const type_numeric *x, const type_numeric *y)
{
    int weight_x, weight_y, first_x, first_y;
    leading_group(x, &weight_x, &first_x);
    leading_group(y, &weight_y, &first_y);
    int weight = weight_x - weight_y;
    if (first_x <= first_y)
        weight--;
    int scale = TYPE_NUMERIC_MIN_DIGITS - weight * 4;
    scale = RDB_MAX(scale, (int)x->scale);
    scale = RDB_MAX(scale, (int)y->scale);
    scale = RDB_MAX(scale, 0);
    return RDB_MIN(scale, TYPE_NUMERIC_RESULT_SCALE_MAX);
}

bool type_numeric_div(rdb_call *call, const type_numeric *x, const type_numeric *y, int rscale, bool round, type_numeric *result)
{
    if (x->kind != TYPE_NUMERIC_FINITE || y->kind != TYPE_NUMERIC_FINITE) {
        if (x->kind == TYPE_NUMERIC_NAN || y->kind == TYPE_NUMERIC_NAN)
            type_numeric_set_special(result, TYPE_NUMERIC_NAN);
        else if (x->kind == TYPE_NUMERIC_FINITE)
            type_numeric_set_int(result, 0, 0);
        else if (y->kind != TYPE_NUMERIC_FINITE)
            type_numeric_set_special(result, TYPE_NUMERIC_NAN);
        else if (type_numeric_sign(y) == 0)
            return rdb_error_set(call->err, RDB_DIVISION_BY_ZERO, "division by zero");
        else
            type_numeric_set_special(result, type_numeric_sign(x) * type_numeric_sign(y) > 0 ? TYPE_NUMERIC_INFINITY
                                                                                              : TYPE_NUMERIC_MINUS_INFINITY);
        return true;
    }
    if (type_numeric_sign(y) == 0)
        return rdb_error_set(call->err, RDB_DIVISION_BY_ZERO, "division by zero");
    type_rounding rounding = round ? TYPE_ROUND_HALF_AWAY : TYPE_ROUND_TOWARD_ZERO;
    /* x / y at rscale = x_coefficient * 10^(rscale + y.scale - x.scale) / y_coefficient */
    int by = rscale + (int)y->scale - (int)x->scale;
    type_int128 dividend;
    if (by >= 0 && !y->is_big && y->small != 0 && scaled_small(x, (unsigned)by, &dividend) && dividend >= -SMALL_MAX) {
        type_int128 divisor = y->small;
        if (divisor < 0) {
            divisor = -divisor;
            dividend = -dividend;
        }
        type_numeric_set_int(result, divide_small(dividend, divisor, rounding), (uint16_t)rscale);
        return true;
    }
    mpz_t a, b, power;
    mpz_init(a);
    mpz_init(b);
    mpz_init(power);
    type_numeric_get_mpz(x, a);
    type_numeric_get_mpz(y, b);
    type_pow10(power, (unsigned long)abs(by));
    if (by >= 0)
        mpz_mul(a, a, power);
    else
        mpz_mul(b, b, power);
    if (mpz_sgn(b) < 0) {
        mpz_neg(a, a);
        mpz_neg(b, b);
    }
    divide_mpz(a, b, rounding);
    type_numeric_set_mpz(result, a, (uint16_t)rscale);
    mpz_clear(a);
    mpz_clear(b);
    mpz_clear(power);
    return true;
}

bool type_numeric_mod(rdb_call *call, const type_numeric *x, const type_numeric *y, type_numeric *result)
{
    if (x->kind == TYPE_NUMERIC_NAN || y->kind == TYPE_NUMERIC_NAN || x->kind >= TYPE_NUMERIC_INFINITY) {
        if (x->kind >= TYPE_NUMERIC_INFINITY && y->kind == TYPE_NUMERIC_FINITE && type_numeric_sign(y) == 0)
            return rdb_error_set(call->err, RDB_DIVISION_BY_ZERO, "division by zero");
        type_numeric_set_special(result, TYPE_NUMERIC_NAN);
        return true;
    }
    if (y->kind != TYPE_NUMERIC_FINITE) { /* x mod Infinity is x */
        type_numeric_copy(result, x);
        return true;
    }
    if (type_numeric_sign(y) == 0)
        return rdb_error_set(call->err, RDB_DIVISION_BY_ZERO, "division by zero");
    uint16_t scale = RDB_MAX(x->scale, y->scale);
    type_int128 left, right;
    if (scaled_small(x, (unsigned)scale - x->scale, &left) && scaled_small(y, (unsigned)scale - y->scale, &right)) {
        type_numeric_set_int(result, left % right, scale);
        return true;
    }
    mpz_t a, b;
    mpz_init(a);
    mpz_init(b);
    scaled_mpz(x, (unsigned)scale - x->scale, a);
    scaled_mpz(y, (unsigned)scale - y->scale, b);
    mpz_tdiv_r(a, a, b);
    type_numeric_set_mpz(result, a, scale);
    mpz_clear(a);
    mpz_clear(b);
    return true;
}

void type_numeric_sqrt(type_numeric *number, int scale)
{
    mpz_t root, rest, power;
    mpz_init(root);
    mpz_init(rest);
    mpz_init(power);
    type_numeric_get_mpz(number, root);
    int by = 2 * scale - (int)number->scale; /* sqrt(c / 10^s) * 10^scale = sqrt(c * 10^(2 * scale - s)) */
    type_pow10(power, (unsigned long)abs(by));
    if (by >= 0)
        mpz_mul(root, root, power);
    else
        mpz_tdiv_q(root, root, power);
    mpz_sqrtrem(root, rest, root);
    if (mpz_cmp(rest, root) > 0) /* past the middle */
        mpz_add_ui(root, root, 1);
    type_numeric_clear(number);
    type_numeric_set_mpz(number, root, (uint16_t)scale);
    mpz_clear(root);
    mpz_clear(rest);
    mpz_clear(power);
}

/* ---- text ------------------------------------------------------------------------------------------------------------------ */
bool type_numeric_parse(rdb_call *call, rdb_slice text, type_numeric *number)
{
    type_numeric_set_int(number, 0, 0);
    rdb_slice word = type_trim(text);
    if (word.length > 0 && !type_is_digit(word.data[0]) && word.data[0] != '.') {
        bool negative = word.data[0] == '-';
        rdb_slice unsigned_word = word;
        if (negative || word.data[0] == '+') {
            unsigned_word.data++;
            unsigned_word.length--;
        }
        if (type_equals_ignoring_case(word, "nan")) {
            type_numeric_set_special(number, TYPE_NUMERIC_NAN);
            return true;
        }
        if (type_equals_ignoring_case(unsigned_word, "infinity") || type_equals_ignoring_case(unsigned_word, "inf")) {
            type_numeric_set_special(number, negative ? TYPE_NUMERIC_MINUS_INFINITY : TYPE_NUMERIC_INFINITY);
            return true;
        }
    }
    const uint8_t *at = word.data, *end = word.data + word.length;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const uint8_t *first = at;
    size_t digits = 0, fraction = 0;
    bool seen_point = false;
    for (; at < end && (type_is_digit(*at) || (*at == '.' && !seen_point)); at++) {
        if (*at == '.') {
            seen_point = true;
        } else {
            digits++;
            fraction += seen_point;
        }
    }
    const uint8_t *last = at;
    if (digits == 0)
        return type_bad_input(call, "numeric", text);
    long exponent = 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool down = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        if (at == end || !type_is_digit(*at))
            return type_bad_input(call, "numeric", text);
        for (; at < end && type_is_digit(*at); at++) {
            exponent = exponent * 10 + (*at - '0');
            if (exponent >= INT32_MAX / 2)
                return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
        }
        if (down)
            exponent = -exponent;
    }
    if (at < end)
        return type_bad_input(call, "numeric", text);

    type_uint128 small = 0;
    mpz_t big;
    bool is_big = digits > 37;
    if (!is_big) {
        for (const uint8_t *digit = first; digit < last; digit++) {
            if (*digit != '.')
                small = small * 10 + (type_uint128)(*digit - '0');
        }
        type_numeric_set_int(number, negative ? -(type_int128)small : (type_int128)small, 0);
    } else {
        char *plain = type_alloc(call, digits + 1);
        if (plain == NULL)
            return false;
        size_t length = 0;
        for (const uint8_t *digit = first; digit < last; digit++) {
            if (*digit != '.')
                plain[length++] = (char)*digit;
        }
        plain[length] = '\0';
        mpz_init_set_str(big, plain, 10);
        if (negative)
            mpz_neg(big, big);
        type_numeric_set_mpz(number, big, 0);
        mpz_clear(big);
    }
    long scale = (long)fraction - exponent; /* number * 10^-scale */
    if (scale < 0) {
        if (type_numeric_sign(number) == 0) {
            return true;
        }
        if (digits_of(number) + (size_t)-scale > TYPE_NUMERIC_DIGITS_MAX)
            return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
        type_numeric_round(number, 0, TYPE_ROUND_HALF_AWAY);
        mpz_t power;
        mpz_init(power);
        mpz_init(big);
        type_pow10(power, (unsigned long)-scale);
        type_numeric_get_mpz(number, big);
        mpz_mul(big, big, power);
        type_numeric_clear(number);
        type_numeric_set_mpz(number, big, 0);
        mpz_clear(big);
        mpz_clear(power);
        return true;
    }
    if (scale > TYPE_NUMERIC_SCALE_MAX)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
    number->scale = (uint16_t)scale;
    if (digits_of(number) > (size_t)TYPE_NUMERIC_DIGITS_MAX + number->scale)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
    return true;
}

void type_numeric_format(const type_numeric *number, rdb_strbuf *text)
{
    static const char *const SPECIAL[] = {"", "NaN", "Infinity", "-Infinity"};
    if (number->kind != TYPE_NUMERIC_FINITE) {
        rdb_strbuf_adds(text, SPECIAL[number->kind]);
        return;
    }
    char inline_digits[48], *digits = inline_digits, *heap = NULL;
    size_t length;
    if (number->is_big) {
        heap = mpz_get_str(NULL, 10, number->big);
        digits = heap + (heap[0] == '-');
        length = strlen(digits);
    } else {
        type_uint128 magnitude = magnitude_of(number->small);
        char *at = inline_digits + sizeof inline_digits;
        while (magnitude > UINT64_MAX) {
            *--at = (char)('0' + (int)(magnitude % 10));
            magnitude /= 10;
        }
        for (uint64_t low = (uint64_t)magnitude; low > 0; low /= 10)
            *--at = (char)('0' + low % 10);
        digits = at;
        length = (size_t)(inline_digits + sizeof inline_digits - at);
    }
    if (type_numeric_sign(number) < 0)
        rdb_strbuf_addc(text, '-');
    size_t scale = number->scale;
    if (length <= scale) {
        rdb_strbuf_addc(text, '0');
    } else {
        rdb_strbuf_add(text, digits, length - scale);
    }
    if (scale > 0) {
        rdb_strbuf_addc(text, '.');
        for (size_t zeros = length < scale ? scale - length : 0; zeros > 0; zeros--)
            rdb_strbuf_addc(text, '0');
        size_t shown = RDB_MIN(length, scale);
        rdb_strbuf_add(text, digits + length - shown, shown);
    }
    if (heap != NULL) {
        void (*release)(void *, size_t);
        mp_get_memory_functions(NULL, NULL, &release);
        release(heap, strlen(heap) + 1);
    }
}

bool type_numeric_apply_typmod(rdb_call *call, type_numeric *number, int32_t typmod)
{
    if (typmod < 4 || number->kind == TYPE_NUMERIC_NAN)
        return true;
    int precision = (typmod - 4) >> 16 & 0xffff, scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
    if (number->kind != TYPE_NUMERIC_FINITE) {
        rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow");
        return rdb_error_detail(call->err, "A field with precision %d, scale %d cannot hold an infinite value.", precision, scale);
    }
    type_numeric_round(number, scale, TYPE_ROUND_HALF_AWAY);
    int digits_max = precision - scale;
    if (type_numeric_sign(number) != 0 && type_numeric_exponent(number) >= digits_max) {
        rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow");
        return rdb_error_detail(call->err, "A field with precision %d, scale %d must round to an absolute value less than %s%d.",
                                precision, scale, digits_max != 0 ? "10^" : "", digits_max != 0 ? digits_max : 1);
    }
    return true;
}

/* ---- other numbers ------------------------------------------------------------------------------------------------------------ */
bool type_numeric_to_int64(const type_numeric *number, int64_t *value)
{
    if (number->kind != TYPE_NUMERIC_FINITE)
        return false;
    type_numeric rounded;
    type_numeric_copy(&rounded, number);
    type_numeric_round(&rounded, 0, TYPE_ROUND_HALF_AWAY);
    bool fits = !rounded.is_big && rounded.small >= INT64_MIN && rounded.small <= INT64_MAX;
    if (fits)
        *value = (int64_t)rounded.small;
    type_numeric_clear(&rounded);
    return fits;
}

double type_numeric_to_double(const type_numeric *number)
{
    if (number->kind == TYPE_NUMERIC_NAN)
        return NAN;
    if (number->kind != TYPE_NUMERIC_FINITE)
        return number->kind == TYPE_NUMERIC_INFINITY ? INFINITY : -INFINITY;
    if (!number->is_big && number->scale <= 22 && magnitude_of(number->small) < (type_uint128)1 << 53)
        return (double)(int64_t)number->small / (double)(type_int128)powers()[number->scale]; /* both exact: one rounding */
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    type_numeric_format(number, &text);
    double value = text.data != NULL ? strtod(text.data, NULL) : 0;
    rdb_strbuf_free(&text);
    return value;
}

bool type_numeric_from_double(rdb_call *call, double value, int digits, type_numeric *number)
{
    if (isnan(value) || isinf(value)) {
        type_numeric_set_special(number, isnan(value) ? TYPE_NUMERIC_NAN
                                         : value > 0 ? TYPE_NUMERIC_INFINITY : TYPE_NUMERIC_MINUS_INFINITY);
        return true;
    }
    char text[64];
    int length = snprintf(text, sizeof text, "%.*g", digits, value);
    return type_numeric_parse(call, (rdb_slice){.data = (const uint8_t *)text, .length = (size_t)length}, number);
}
