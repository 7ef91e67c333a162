/* SPDX-License-Identifier: Apache-2.0
 * Roots, powers, exponentials and logarithms of numeric, factorials and buckets. Values are computed as integers scaled
 * by a power of ten with guard digits, then rounded to the scale PostgreSQL shows. */
#include "type/numeric.h"
#include "type/tables.h"
#include <math.h>
#include <stdlib.h>

#define GUARD 12 /* digits carried beyond the result's */
#define EXP_MAX 6000.0   /* exponentials beyond e^6000 overflow or vanish, as in PostgreSQL */
#define POWER_MAX 6020.0 /* the same where the exponent of a power is no small integer */

static bool store(rdb_call *call, type_numeric *number, rdb_datum *r)
{
    bool ok = type_numeric_write(call, number, r);
    type_numeric_clear(number);
    return ok;
}

static bool overflow(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
}

static int clamp_scale(int scale, int least)
{
    return RDB_MIN(RDB_MAX(RDB_MAX(scale, least), 0), TYPE_NUMERIC_RESULT_SCALE_MAX);
}

/* The number as an integer of `scale` decimals. out is initialised by the caller. */
static void at_scale(const type_numeric *number, int scale, mpz_t out)
{
    mpz_t power;
    type_numeric_get_mpz(number, out);
    mpz_init(power);
    int by = scale - (int)number->scale;
    type_pow10(power, (unsigned long)abs(by));
    if (by >= 0)
        mpz_mul(out, out, power);
    else
        mpz_tdiv_q(out, out, power);
    mpz_clear(power);
}

/* From an integer of `from` decimals to a number of `scale`. */
static void from_scale(type_numeric *number, mpz_t value, int from, int scale)
{
    mpz_t power;
    if (from > TYPE_NUMERIC_SCALE_MAX) { /* keep the coefficient's scale storable */
        mpz_init(power);
        type_pow10(power, (unsigned long)(from - TYPE_NUMERIC_SCALE_MAX));
        mpz_tdiv_q(value, value, power);
        mpz_clear(power);
        from = TYPE_NUMERIC_SCALE_MAX;
    }
    type_numeric_set_mpz(number, value, (uint16_t)from);
    type_numeric_round(number, scale, TYPE_ROUND_HALF_AWAY);
}

/* e^x, x an integer of `scale` decimals; the result too. x is halved until small, then Taylor's series is squared back. */
static void exp_scaled(mpz_t result, const mpz_t x, int scale)
{
    mpz_t one, term, reduced;
    mpz_init(one);
    mpz_init(term);
    mpz_init(reduced);
    type_pow10(one, (unsigned long)scale);
    unsigned long halvings = 8;
    mpz_abs(term, x);
    if (mpz_cmp(term, one) > 0)
        halvings += mpz_sizeinbase(term, 2) - mpz_sizeinbase(one, 2) + 1;
    mpz_tdiv_q_2exp(reduced, x, halvings);
    mpz_set(result, one);
    mpz_set(term, one);
    for (unsigned long n = 1; mpz_sgn(term) != 0; n++) {
        mpz_mul(term, term, reduced);
        mpz_tdiv_q(term, term, one);
        mpz_tdiv_q_ui(term, term, n);
        mpz_add(result, result, term);
    }
    for (unsigned long i = 0; i < halvings; i++) {
        mpz_mul(result, result, result);
        mpz_tdiv_q(result, result, one);
    }
    mpz_clear(one);
    mpz_clear(term);
    mpz_clear(reduced);
}

/* ln x for x > 0, an integer of `scale` decimals: x = m * 2^k with m near 1, then 2 artanh((m-1)/(m+1)). */
static void ln_scaled(mpz_t result, const mpz_t x, int scale)
{
    mpz_t one, m, ratio, square, term, sum, up;
    mpz_inits(one, m, ratio, square, term, sum, up, NULL);
    type_pow10(one, (unsigned long)scale);
    long k = (long)mpz_sizeinbase(x, 2) - (long)mpz_sizeinbase(one, 2);
    for (int pass = 0; pass < 2; pass++) { /* first ln m, then ln 2 */
        if (pass == 0) {
            if (k >= 0)
                mpz_tdiv_q_2exp(m, x, (mp_bitcnt_t)k);
            else
                mpz_mul_2exp(m, x, (mp_bitcnt_t)-k);
        } else {
            mpz_mul_ui(m, one, 2);
        }
        mpz_sub(ratio, m, one);
        mpz_mul(ratio, ratio, one);
        mpz_add(up, m, one);
        mpz_tdiv_q(ratio, ratio, up);
        mpz_mul(square, ratio, ratio);
        mpz_tdiv_q(square, square, one);
        mpz_set(term, ratio);
        mpz_set(sum, ratio);
        for (unsigned long n = 3; mpz_sgn(term) != 0; n += 2) {
            mpz_mul(term, term, square);
            mpz_tdiv_q(term, term, one);
            mpz_tdiv_q_ui(up, term, n);
            mpz_add(sum, sum, up);
        }
        mpz_mul_ui(sum, sum, 2);
        if (pass == 0)
            mpz_set(result, sum);
        else
            mpz_mul_si(sum, sum, k), mpz_add(result, result, sum);
    }
    mpz_clears(one, m, ratio, square, term, sum, up, NULL);
}

/* x as an integer with enough decimals to keep `digits` significant ones even where x is tiny. */
static int scale_for(const type_numeric *x, int digits)
{
    int exponent = type_numeric_exponent(x);
    return digits + (exponent < 0 ? -exponent : 0);
}

/* Decimal weight of ln x: how many digits stand before the point, by estimate. */
static int ln_weight(const type_numeric *x)
{
    type_numeric one, off;
    type_numeric_set_int(&one, 1, 0);
    rdb_call none = {0};
    type_numeric_add(&none, x, &one, true, &off);
    double estimate = type_numeric_to_double(x);
    int weight;
    if (estimate > 0.9 && estimate < 1.1) { /* ln x is near x - 1 */
        weight = type_numeric_sign(&off) == 0 ? 0 : type_numeric_exponent(&off);
    } else {
        double ln = estimate > 0 && !isinf(estimate) ? log(estimate) : type_numeric_exponent(x) * 2.302585092994046;
        weight = ln == 0 ? 0 : (int)log10(fabs(ln)); /* cut, not floored: clients see the scale */
    }
    type_numeric_clear(&off);
    return weight;
}

static bool log_argument(rdb_call *call, const type_numeric *x)
{
    int sign = type_numeric_sign(x);
    if (x->kind == TYPE_NUMERIC_NAN || sign > 0)
        return true;
    return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_LOG, sign == 0 ? "cannot take logarithm of zero" : "cannot take logarithm of a negative number");
}

static void ln_number(const type_numeric *x, int scale, type_numeric *z)
{
    mpz_t value, result;
    int work = scale_for(x, scale + GUARD + 10);
    mpz_init(value);
    mpz_init(result);
    at_scale(x, work, value);
    ln_scaled(result, value, work);
    from_scale(z, result, work, scale);
    mpz_clear(value);
    mpz_clear(result);
}

static int ln_scale(const type_numeric *x)
{
    return clamp_scale(TYPE_NUMERIC_MIN_DIGITS - ln_weight(x), (int)x->scale);
}

TYPE_ROW_FUNCTION(numeric_ln, 1)
{
    type_numeric x, z;
    type_numeric_read(a[0].bytes, &x);
    if (!log_argument(call, &x)) {
        type_numeric_clear(&x);
        return false;
    }
    if (x.kind != TYPE_NUMERIC_FINITE) {
        *r = a[0];
        return true;
    }
    ln_number(&x, ln_scale(&x), &z);
    type_numeric_clear(&x);
    return store(call, &z, r);
}

/* log of x to a base, at `scale`. */
static bool log_number(rdb_call *call, const type_numeric *base, const type_numeric *x, type_numeric *z)
{
    if (base->kind != TYPE_NUMERIC_FINITE || x->kind != TYPE_NUMERIC_FINITE) {
        if (base->kind == TYPE_NUMERIC_NAN || x->kind == TYPE_NUMERIC_NAN || base->kind == x->kind)
            type_numeric_set_special(z, TYPE_NUMERIC_NAN);
        else if (x->kind == TYPE_NUMERIC_FINITE)
            type_numeric_set_int(z, 0, 0);
        else
            type_numeric_set_special(z, TYPE_NUMERIC_INFINITY);
        return true;
    }
    type_numeric ln_base, ln_x;
    int base_weight = ln_weight(base), x_weight = ln_weight(x);
    int weight = x_weight - base_weight;
    int scale = clamp_scale(TYPE_NUMERIC_MIN_DIGITS - weight, RDB_MAX((int)base->scale, (int)x->scale));
    int work = RDB_MIN(scale + GUARD + abs(base_weight) + abs(x_weight) + 10, TYPE_NUMERIC_SCALE_MAX - 100);
    ln_number(base, work, &ln_base);
    ln_number(x, work, &ln_x);
    bool ok = type_numeric_div(call, &ln_x, &ln_base, scale, true, z);
    type_numeric_clear(&ln_base);
    type_numeric_clear(&ln_x);
    return ok;
}

TYPE_ROW_FUNCTION(numeric_log, 2)
{
    type_numeric base, x, z;
    type_numeric_set_int(&z, 0, 0);
    type_numeric_read(a[0].bytes, &base);
    type_numeric_read(a[1].bytes, &x);
    const bool has_nan = base.kind == TYPE_NUMERIC_NAN || x.kind == TYPE_NUMERIC_NAN; /* whatever the other one is */
    bool ok = (has_nan || (log_argument(call, &base) && log_argument(call, &x))) && log_number(call, &base, &x, &z);
    type_numeric_clear(&base);
    type_numeric_clear(&x);
    if (!ok) {
        type_numeric_clear(&z);
        return false;
    }
    return store(call, &z, r);
}

TYPE_ROW_FUNCTION(numeric_log10, 1)
{
    type_numeric ten;
    rdb_datum arguments[2];
    type_numeric_set_int(&ten, 10, 0);
    arguments[1] = a[0];
    return type_numeric_write(call, &ten, &arguments[0]) && numeric_log_row(call, arguments, r, is_null);
}

TYPE_ROW_FUNCTION(numeric_exp, 1)
{
    type_numeric x, z;
    type_numeric_read(a[0].bytes, &x);
    if (x.kind != TYPE_NUMERIC_FINITE) {
        *r = a[0];
        if (x.kind == TYPE_NUMERIC_MINUS_INFINITY) {
            type_numeric_set_int(&z, 0, 0);
            return store(call, &z, r);
        }
        return true;
    }
    double argument = type_numeric_to_double(&x);
    if (argument >= EXP_MAX) {
        type_numeric_clear(&x);
        return overflow(call);
    }
    if (argument <= -EXP_MAX) {
        type_numeric_clear(&x);
        type_numeric_set_int(&z, 0, TYPE_NUMERIC_RESULT_SCALE_MAX);
        return store(call, &z, r);
    }
    double power = argument * 0.434294481903252; /* of ten */
    int scale = clamp_scale(TYPE_NUMERIC_MIN_DIGITS - (int)power, (int)x.scale);
    mpz_t value, result;
    int work = scale + GUARD + 10 + (power > 0 ? (int)power * 2 : 0);
    mpz_init(value);
    mpz_init(result);
    at_scale(&x, work, value);
    exp_scaled(result, value, work);
    from_scale(&z, result, work, scale);
    mpz_clear(value);
    mpz_clear(result);
    type_numeric_clear(&x);
    return store(call, &z, r);
}

TYPE_ROW_FUNCTION(numeric_sqrt, 1)
{
    type_numeric z;
    type_numeric_read(a[0].bytes, &z);
    if (z.kind == TYPE_NUMERIC_NAN || z.kind == TYPE_NUMERIC_INFINITY) {
        *r = a[0];
        return true;
    }
    if (type_numeric_sign(&z) < 0) {
        type_numeric_clear(&z);
        return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_POWER, "cannot take square root of a negative number");
    }
    /* PostgreSQL counts the root's weight in groups of four digits. */
    int exponent = type_numeric_exponent(&z), weight = exponent >= 0 ? exponent / 4 : -((-exponent + 3) / 4);
    int root = (weight + 1) * 2 - 1;
    type_numeric_sqrt(&z, clamp_scale(TYPE_NUMERIC_MIN_DIGITS - root, (int)z.scale));
    return store(call, &z, r);
}

/* ---- powers ---------------------------------------------------------------------------------------------------------------------- */
static bool is_whole(const type_numeric *x)
{
    if (x->kind != TYPE_NUMERIC_FINITE)
        return true;
    type_numeric cut;
    type_numeric_copy(&cut, x);
    type_numeric_round(&cut, 0, TYPE_ROUND_TOWARD_ZERO);
    bool whole = type_numeric_compare(&cut, x) == 0;
    type_numeric_clear(&cut);
    return whole;
}

static bool is_odd(const type_numeric *x)
{
    mpz_t value;
    mpz_init(value);
    at_scale(x, 0, value);
    bool odd = mpz_odd_p(value);
    mpz_clear(value);
    return odd;
}

static bool power_of_specials(const type_numeric *x, const type_numeric *y, type_numeric *z)
{
    int x_sign = type_numeric_sign(x), y_sign = type_numeric_sign(y);
    type_numeric one;
    type_numeric_set_int(&one, 1, 0);
    bool x_is_one = x->kind == TYPE_NUMERIC_FINITE && type_numeric_compare(x, &one) == 0;
    bool y_is_zero = y->kind == TYPE_NUMERIC_FINITE && y_sign == 0;
    if (x_is_one || y_is_zero) {
        type_numeric_set_int(z, 1, 0);
    } else if (x->kind == TYPE_NUMERIC_NAN || y->kind == TYPE_NUMERIC_NAN) {
        type_numeric_set_special(z, TYPE_NUMERIC_NAN);
    } else if (y->kind != TYPE_NUMERIC_FINITE) { /* to an infinite power: by how the magnitude compares with one */
        int order = 1;
        if (x->kind == TYPE_NUMERIC_FINITE) {
            type_numeric magnitude;
            type_numeric_copy(&magnitude, x);
            if (x_sign < 0) {
                magnitude.small = -magnitude.small;
                if (magnitude.is_big)
                    mpz_neg(magnitude.big, magnitude.big);
            }
            order = type_numeric_compare(&magnitude, &one);
            type_numeric_clear(&magnitude);
        }
        if (order == 0)
            type_numeric_set_int(z, 1, 0);
        else if (order * y_sign > 0)
            type_numeric_set_special(z, TYPE_NUMERIC_INFINITY);
        else
            type_numeric_set_int(z, 0, 0);
    } else if (y_sign < 0) {
        type_numeric_set_int(z, 0, 0);
    } else {
        type_numeric_set_special(z, x_sign < 0 && is_odd(y) ? TYPE_NUMERIC_MINUS_INFINITY : TYPE_NUMERIC_INFINITY);
    }
    return true;
}

/* A positive number as coefficient * 10^exponent, cut to a number of significant digits. */
typedef struct decimal {
    mpz_t coefficient;
    int64_t exponent;
} decimal;

static void cut_decimal(decimal *number, unsigned long digits)
{
    unsigned long length = mpz_sizeinbase(number->coefficient, 10);
    if (length <= digits + 1)
        return;
    mpz_t power;
    mpz_init(power);
    type_pow10(power, length - digits);
    mpz_tdiv_q(number->coefficient, number->coefficient, power);
    number->exponent += (int64_t)(length - digits);
    mpz_clear(power);
}

/* x^n by squaring, x > 0, with `digits` significant digits on the way. */
static void whole_power(const type_numeric *x, int64_t n, unsigned long digits, int scale, type_numeric *z)
{
    decimal square, result;
    mpz_init(square.coefficient);
    mpz_init_set_ui(result.coefficient, 1);
    type_numeric_get_mpz(x, square.coefficient);
    square.exponent = -(int64_t)x->scale;
    result.exponent = 0;
    for (uint64_t left = (uint64_t)(n < 0 ? -n : n); left > 0; left >>= 1) {
        if (left & 1) {
            mpz_mul(result.coefficient, result.coefficient, square.coefficient);
            result.exponent += square.exponent;
            cut_decimal(&result, digits);
        }
        if (left > 1) {
            mpz_mul(square.coefficient, square.coefficient, square.coefficient);
            square.exponent *= 2;
            cut_decimal(&square, digits);
        }
    }
    mpz_t power;
    mpz_init(power);
    if (n < 0) { /* its inverse */
        unsigned long shift = mpz_sizeinbase(result.coefficient, 10) + digits;
        type_pow10(power, shift);
        mpz_tdiv_q(result.coefficient, power, result.coefficient);
        result.exponent = -result.exponent - (int64_t)shift;
    }
    if (result.exponent > 0) {
        type_pow10(power, (unsigned long)result.exponent);
        mpz_mul(result.coefficient, result.coefficient, power);
        result.exponent = 0;
    }
    if (-result.exponent > scale + GUARD) { /* only what the rounding looks at */
        uint64_t drop = (uint64_t)-result.exponent - (uint64_t)(scale + GUARD);
        unsigned long length = mpz_sizeinbase(result.coefficient, 10);
        type_pow10(power, drop > length ? length + 1 : (unsigned long)drop);
        mpz_tdiv_q(result.coefficient, result.coefficient, power);
        result.exponent = -(int64_t)(scale + GUARD);
    }
    from_scale(z, result.coefficient, (int)-result.exponent, scale);
    mpz_clears(power, square.coefficient, result.coefficient, NULL);
}

static bool power_of(rdb_call *call, const type_numeric *x, const type_numeric *y, type_numeric *z)
{
    int x_sign = type_numeric_sign(x), y_sign = type_numeric_sign(y);
    bool whole = is_whole(y);
    if (x->kind != TYPE_NUMERIC_NAN && y->kind != TYPE_NUMERIC_NAN) {
        if (x_sign == 0 && y_sign < 0)
            return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_POWER, "zero raised to a negative power is undefined");
        if (x_sign < 0 && !whole)
            return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_POWER, "a negative number raised to a non-integer power yields a complex result");
    }
    if (x->kind != TYPE_NUMERIC_FINITE || y->kind != TYPE_NUMERIC_FINITE)
        return power_of_specials(x, y, z);
    if (x_sign == 0) {
        type_numeric_set_int(z, y_sign == 0 ? 1 : 0, TYPE_NUMERIC_MIN_DIGITS);
        if (y_sign == 0)
            type_numeric_set_int(z, 1, 0), type_numeric_round(z, TYPE_NUMERIC_MIN_DIGITS, TYPE_ROUND_HALF_AWAY);
        return true;
    }
    type_numeric magnitude;
    type_numeric_copy(&magnitude, x);
    if (x_sign < 0) {
        magnitude.small = -magnitude.small;
        if (magnitude.is_big)
            mpz_neg(magnitude.big, magnitude.big);
    }
    int64_t exponent = 0;
    bool small_power = whole && type_numeric_to_int64(y, &exponent) && exponent >= INT32_MIN && exponent <= INT32_MAX;
    /* ln(x^y) by estimate; near one, ln x is tiny and needs decimals of its own to have any digits at all. */
    type_numeric ln, product;
    int weight = ln_weight(&magnitude);
    ln_number(&magnitude, RDB_MIN(40 - RDB_MIN(weight, 0), TYPE_NUMERIC_SCALE_MAX), &ln);
    int product_exponent = type_numeric_sign(&ln) == 0 ? -1 : type_numeric_exponent(&ln) + type_numeric_exponent(y);
    double argument;
    if (product_exponent > 20) {
        argument = type_numeric_sign(&ln) * y_sign > 0 ? INFINITY : -INFINITY;
    } else {
        if (!type_numeric_mul(call, &ln, y, &product)) {
            type_numeric_clear(&ln);
            type_numeric_clear(&magnitude);
            return false;
        }
        argument = type_numeric_to_double(&product);
        type_numeric_clear(&product);
    }
    type_numeric_clear(&ln);
    double digits = argument * 0.434294481903252;
    if (digits > TYPE_NUMERIC_DIGITS_MAX || (!small_power && argument > POWER_MAX)) {
        type_numeric_clear(&magnitude);
        return overflow(call);
    }
    int scale = clamp_scale(TYPE_NUMERIC_MIN_DIGITS - (int)RDB_MAX(digits, -1e6), RDB_MAX((int)x->scale, (int)y->scale));
    if (small_power) /* a whole power shows sixteen decimals whatever its size */
        scale = clamp_scale(TYPE_NUMERIC_MIN_DIGITS, (int)x->scale);
    if (digits < -TYPE_NUMERIC_RESULT_SCALE_MAX - 20 || (!small_power && argument < -POWER_MAX)) {
        type_numeric_clear(&magnitude);
        type_numeric_set_int(z, 0, (uint16_t)(small_power ? scale : TYPE_NUMERIC_RESULT_SCALE_MAX));
        return true;
    }
    if (small_power) {
        whole_power(&magnitude, exponent, (unsigned long)(scale + (int)RDB_MAX(digits, 0) + GUARD + 30), scale, z);
    } else {
        mpz_t value, result, one, exponent_value;
        mpz_inits(value, result, one, exponent_value, NULL);
        int spare = abs((int)digits) + GUARD + 20 + abs(type_numeric_exponent(y)) + abs(type_numeric_exponent(&magnitude));
        int work = scale + spare + (digits > 0 ? (int)digits : 0);
        work = RDB_MAX(work, (int)magnitude.scale); /* a number next to one must not be cut to one */
        at_scale(&magnitude, work, value);
        ln_scaled(result, value, work);
        at_scale(y, work, exponent_value);
        mpz_mul(result, result, exponent_value);
        type_pow10(one, (unsigned long)work);
        mpz_tdiv_q(value, result, one);
        exp_scaled(result, value, work);
        from_scale(z, result, work, scale);
        mpz_clears(value, result, one, exponent_value, NULL);
    }
    type_numeric_clear(&magnitude);
    if (x_sign < 0 && is_odd(y)) {
        if (z->is_big)
            mpz_neg(z->big, z->big);
        else
            z->small = -z->small;
    }
    return true;
}

TYPE_ROW_FUNCTION(numeric_power, 2)
{
    type_numeric x, y, z;
    type_numeric_set_int(&z, 0, 0);
    type_numeric_read(a[0].bytes, &x);
    type_numeric_read(a[1].bytes, &y);
    bool ok = power_of(call, &x, &y, &z);
    type_numeric_clear(&x);
    type_numeric_clear(&y);
    if (!ok) {
        type_numeric_clear(&z);
        return false;
    }
    return store(call, &z, r);
}

TYPE_ROW_FUNCTION(numeric_factorial, 1)
{
    type_numeric z;
    mpz_t value;
    if (a[0].i64 < 0)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "factorial of a negative number is undefined");
    if (a[0].i64 > 32177)
        return overflow(call);
    mpz_init(value);
    mpz_fac_ui(value, (unsigned long)a[0].i64);
    type_numeric_set_mpz(&z, value, 0);
    mpz_clear(value);
    return store(call, &z, r);
}

/* The bucket of x among `count` equal ones from low to high. */
static bool bucket(rdb_call *call, const type_numeric *x, const type_numeric *low, const type_numeric *high, int32_t count, int32_t *result)
{
    static const char NAN_TEXT[] = "operand, lower bound, and upper bound cannot be NaN";
    if (count <= 0)
        return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "count must be greater than zero");
    if (x->kind == TYPE_NUMERIC_NAN || low->kind == TYPE_NUMERIC_NAN || high->kind == TYPE_NUMERIC_NAN)
        return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "%s", NAN_TEXT);
    if (low->kind != TYPE_NUMERIC_FINITE || high->kind != TYPE_NUMERIC_FINITE)
        return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "lower and upper bounds must be finite");
    int order = type_numeric_compare(low, high);
    if (order == 0)
        return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "lower bound cannot equal upper bound");
    int from = type_numeric_compare(x, low) * -order, to = type_numeric_compare(x, high) * -order;
    *result = 0;
    if (from < 0)
        return true;
    if (to >= 0)
        return !__builtin_add_overflow(count, 1, result) || rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    type_numeric offset, width, factor, scaled, quotient;
    int64_t whole = 0;
    type_numeric_set_int(&factor, count, 0);
    bool ok = type_numeric_add(call, x, low, true, &offset) && type_numeric_add(call, high, low, true, &width) &&
              type_numeric_mul(call, &offset, &factor, &scaled) && type_numeric_div(call, &scaled, &width, 0, false, &quotient) &&
              type_numeric_to_int64(&quotient, &whole);
    type_numeric_clear(&offset);
    type_numeric_clear(&width);
    type_numeric_clear(&scaled);
    type_numeric_clear(&quotient);
    *result = (int32_t)whole + 1;
    return ok;
}

TYPE_ROW_FUNCTION(numeric_width_bucket, 4)
{
    type_numeric n[3];
    for (int i = 0; i < 3; i++)
        type_numeric_read(a[i].bytes, &n[i]);
    bool ok = bucket(call, &n[0], &n[1], &n[2], a[3].i32, &r->i32);
    for (int i = 0; i < 3; i++)
        type_numeric_clear(&n[i]);
    return ok;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"numeric_ln", numeric_ln, F, 0}, {"numeric_log", numeric_log, F, 0}, {NULL, numeric_log10, F, 1741}, {NULL, numeric_log10, F, 1481},
    {"numeric_exp", numeric_exp, F, 0}, {"numeric_sqrt", numeric_sqrt, F, 0}, {"numeric_power", numeric_power, F, 0},
    {"numeric_fac", numeric_factorial, F, 0}, {"width_bucket_numeric", numeric_width_bucket, F, 0},
};
TYPE_KERNEL_TABLE(type_numeric_math_table, KERNELS);
