/* SPDX-License-Identifier: Apache-2.0
 * Mathematical functions of double precision, with PostgreSQL's errors where a result does not exist or does not fit. */
#include "type/type_int.h"
#include "type/tables.h"
#include <math.h>
#include <stdatomic.h>
#include <sys/random.h>

#define OVERFLOW_ERROR RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow"
#define UNDERFLOW_ERROR RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow"
#define RAISE(...) TYPE_RAISE(__VA_ARGS__)

TYPE_UNARY(round8, double, double, rint(x))
TYPE_UNARY(ceil8, double, double, ceil(x))
TYPE_UNARY(floor8, double, double, floor(x))
TYPE_UNARY(trunc8, double, double, trunc(x))
TYPE_UNARY(sign8, double, double, (x > 0) - (x < 0))
TYPE_UNARY(cbrt8, double, double, cbrt(x))
TYPE_UNARY(atan8, double, double, atan(x))
TYPE_UNARY(sinh8, double, double, sinh(x))
TYPE_UNARY(tanh8, double, double, tanh(x))
TYPE_UNARY(asinh8, double, double, asinh(x))
TYPE_UNARY(radians8, double, double, x * 0.0174532925199432957692)
TYPE_BINARY(atan2_8, double, double, double, atan2(x, y))

TYPE_CHECKED_UNARY(sqrt8, double, double, {
    if (x < 0)
        RAISE(RDB_INVALID_ARGUMENT_FOR_POWER, "cannot take square root of a negative number");
    z = sqrt(x);
})
TYPE_CHECKED_UNARY(exp8, double, double, {
    z = exp(x);
    if (isinf(z) && !isinf(x))
        RAISE(OVERFLOW_ERROR);
    if (z == 0 && !isinf(x))
        RAISE(UNDERFLOW_ERROR);
})
#define LOGARITHM(name, function)                                                                              \
    TYPE_CHECKED_UNARY(name, double, double, {                                                                 \
        if (x == 0)                                                                                            \
            RAISE(RDB_INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of zero");                              \
        if (x < 0)                                                                                             \
            RAISE(RDB_INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of a negative number");                 \
        z = function(x);                                                                                       \
    })
LOGARITHM(ln8, log)
LOGARITHM(log10_8, log10)

TYPE_CHECKED_BINARY(power8, double, double, double, {
    if (x == 0 && y < 0)
        RAISE(RDB_INVALID_ARGUMENT_FOR_POWER, "zero raised to a negative power is undefined");
    if (x < 0 && floor(y) != y && !isnan(y))
        RAISE(RDB_INVALID_ARGUMENT_FOR_POWER, "a negative number raised to a non-integer power yields a complex result");
    z = pow(x, y);
    if (isinf(z) && !isinf(x) && !isinf(y))
        RAISE(OVERFLOW_ERROR);
    if (z == 0 && x != 0 && !isinf(x) && !isinf(y))
        RAISE(UNDERFLOW_ERROR);
})

#define INPUT_RANGE RDB_NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range"
#define FINITE_ONLY(name, function)                   \
    TYPE_CHECKED_UNARY(name, double, double, {        \
        if (isinf(x))                                 \
            RAISE(INPUT_RANGE);                       \
        z = function(x);                              \
    })
FINITE_ONLY(sin8, sin)
FINITE_ONLY(cos8, cos)
FINITE_ONLY(tan8, tan)
static double cotangent(double x)
{
    return 1.0 / tan(x);
}
FINITE_ONLY(cot8, cotangent)
TYPE_UNARY(cosh8, double, double, cosh(x))
#define UNIT_ONLY(name, function)                     \
    TYPE_CHECKED_UNARY(name, double, double, {        \
        if (x < -1 || x > 1)                          \
            RAISE(INPUT_RANGE);                       \
        z = function(x);                              \
    })
UNIT_ONLY(asin8, asin)
UNIT_ONLY(acos8, acos)
UNIT_ONLY(atanh8, atanh)
TYPE_CHECKED_UNARY(acosh8, double, double, {
    if (x < 1)
        RAISE(INPUT_RANGE);
    z = acosh(x);
})
TYPE_CHECKED_UNARY(degrees8, double, double, {
    z = x / 0.0174532925199432957692;
    if (isinf(z) && !isinf(x))
        RAISE(OVERFLOW_ERROR);
})

/* Trigonometry in degrees: exact where the answer is, by folding to the first octant and rescaling so that 30, 45, 60
 * and 90 degrees come out whole. */
static double sine_first(double x) /* 0 to 90 */
{
    if (x <= 30)
        return sin(x * 0.0174532925199432957692) / (sin(30 * 0.0174532925199432957692) * 2);
    double one_minus = (1 - cos((90 - x) * 0.0174532925199432957692)) / (1 - cos(60 * 0.0174532925199432957692)) / 2;
    return 1 - one_minus;
}

static double cosine_first(double x) /* 0 to 90 */
{
    if (x <= 60)
        return 1 - (1 - cos(x * 0.0174532925199432957692)) / (1 - cos(60 * 0.0174532925199432957692)) / 2;
    return sin((90 - x) * 0.0174532925199432957692) / (sin(30 * 0.0174532925199432957692) * 2);
}

static double sine_degrees(double x)
{
    int sign = 1;
    x = fmod(x, 360);
    if (x < 0) {
        x = -x;
        sign = -sign;
    }
    if (x > 180) {
        x = 360 - x;
        sign = -sign;
    }
    if (x > 90)
        x = 180 - x;
    return sign * sine_first(x);
}

static double cosine_degrees(double x)
{
    int sign = 1;
    x = fabs(fmod(x, 360));
    if (x > 180)
        x = 360 - x;
    if (x > 90) {
        x = 180 - x;
        sign = -sign;
    }
    return sign * cosine_first(x);
}

static double tangent_degrees(double x)
{
    double z = sine_degrees(x) / cosine_degrees(x) / (sine_first(45) / cosine_first(45));
    return z == 0 ? 0 : z;
}

static double cotangent_degrees(double x)
{
    double z = cosine_degrees(x) / sine_degrees(x) / (cosine_first(45) / sine_first(45));
    return z == 0 ? 0 : z;
}
FINITE_ONLY(sind8, sine_degrees)
FINITE_ONLY(cosd8, cosine_degrees)
FINITE_ONLY(tand8, tangent_degrees)
FINITE_ONLY(cotd8, cotangent_degrees)
#define DEGREES(x) ((x) / 0.0174532925199432957692)
static double arcsine_first(double x) /* 0 to 1 */
{
    if (x <= 0.5)
        return asin(x) / asin(0.5) * 30;
    return 90 - acos(x) / acos(0.5) * 60;
}
static double arcsine_degrees(double x)
{
    return x >= 0 ? arcsine_first(x) : -arcsine_first(-x);
}
static double arccosine_degrees(double x)
{
    return x >= 0 ? (x <= 0.5 ? 90 - asin(x) / asin(0.5) * 30 : acos(x) / acos(0.5) * 60) : 90 + arcsine_first(-x);
}
UNIT_ONLY(asind8, arcsine_degrees)
UNIT_ONLY(acosd8, arccosine_degrees)
TYPE_UNARY(atand8, double, double, atan(x) / atan(1.0) * 45)
TYPE_BINARY(atan2d8, double, double, double, atan2(x, y) / atan(1.0) * 45)

TYPE_ROW_FUNCTION(pi8, 0)
{
    r->f8 = 3.14159265358979323846;
    return true;
}

/* One sequence for the process: a counter from the system's randomness, mixed. Each row takes its own step, so threads
 * share it without a lock. */
static _Atomic uint64_t random_counter;
static bool random8(TYPE_KERNEL_PARAMETERS)
{
    if (atomic_load_explicit(&random_counter, memory_order_relaxed) == 0) {
        uint64_t seed = 1, zero = 0;
        if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed || seed == 0)
            seed = (uint64_t)(uintptr_t)&seed | 1;
        atomic_compare_exchange_strong(&random_counter, &zero, seed);
    }
    RDB_FOR_SELECTED (selection, row) {
        uint64_t at = atomic_fetch_add_explicit(&random_counter, UINT64_C(0x9E3779B97F4A7C15), memory_order_relaxed);
        at = (at ^ (at >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        at = (at ^ (at >> 27)) * UINT64_C(0x94D049BB133111EB);
        RDB_VALUES(out, double)[row] = (double)((at ^ (at >> 31)) >> 11) * 0x1p-53;
    }
    return true;
}

TYPE_ROW_FUNCTION(width_bucket8, 4)
{
    double operand = a[0].f8, low = a[1].f8, high = a[2].f8;
    int32_t count = a[3].i32;
    if (count <= 0)
        return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "count must be greater than zero");
    if (isnan(operand) || isnan(low) || isnan(high))
        return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_WIDTH_BUCKET,
                             "operand, lower bound, and upper bound cannot be NaN");
    if (isinf(low) || isinf(high))
        return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "lower and upper bounds must be finite");
    if (low == high)
        return rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "lower bound cannot equal upper bound");
    bool down = low > high;
    double from = down ? -low : low, to = down ? -high : high, at = down ? -operand : operand;
    if (at < from) {
        r->i32 = 0;
    } else if (at >= to) {
        if (count == INT32_MAX)
            return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
        r->i32 = count + 1;
    } else {
        double share = isinf(to - from) ? (at / 2 - from / 2) / (to / 2 - from / 2) : (at - from) / (to - from);
        r->i32 = (int32_t)RDB_MIN(count * share, (double)count - 1) + 1;
    }
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"dround", round8, 0, 0}, {"dceil", ceil8, 0, 0}, {"dfloor", floor8, 0, 0}, {"dtrunc", trunc8, 0, 0},
    {"dsign", sign8, 0, 0}, {"dsqrt", sqrt8, F, 0}, {"dcbrt", cbrt8, 0, 0}, {"dpow", power8, F, 0}, {"dexp", exp8, F, 0},
    {"dlog1", ln8, F, 0}, {"dlog10", log10_8, F, 0}, {"dsin", sin8, F, 0}, {"dcos", cos8, F, 0}, {"dtan", tan8, F, 0},
    {"dcot", cot8, F, 0}, {"dasin", asin8, F, 0}, {"dacos", acos8, F, 0}, {"datan", atan8, 0, 0}, {"datan2", atan2_8, 0, 0},
    {"dsinh", sinh8, 0, 0}, {"dcosh", cosh8, 0, 0}, {"dtanh", tanh8, 0, 0}, {"dasinh", asinh8, 0, 0},
    {"dacosh", acosh8, F, 0}, {"datanh", atanh8, F, 0}, {"dsind", sind8, F, 0}, {"dcosd", cosd8, F, 0},
    {"dtand", tand8, F, 0}, {"dcotd", cotd8, F, 0}, {"dasind", asind8, F, 0}, {"dacosd", acosd8, F, 0},
    {"datand", atand8, 0, 0}, {"datan2d", atan2d8, 0, 0},
    {"radians", radians8, 0, 0}, {"degrees", degrees8, F, 0}, {"dpi", pi8, 0, 0}, {"drandom", random8, 0, 0},
    {"width_bucket_float8", width_bucket8, F, 0},
};
TYPE_KERNEL_TABLE(type_float_math_table, KERNELS);
