/* SPDX-License-Identifier: Apache-2.0
 * Transition, combining and final functions of PostgreSQL's aggregates as functions of their own: states are values that SQL can name
 * (arrays of counts and sums), so that users make aggregates of them. The built-in aggregates do not go this way: their states are the
 * executor's (aggregate_basic.c, aggregate_sum.c). */
#include "type/numeric.h"

#include <math.h>

enum { F = RDB_KERNEL_FALLIBLE };

static bool float_overflow(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
}

/* ---- arrays as states ------------------------------------------------------------------------------------------------------------ */
static bool read_doubles(rdb_call *call, rdb_datum array, const char *caller, uint32_t count, double *values)
{
    rdb_array_shape shape;
    rdb_datum value;
    rdb_array_get_shape(array, &shape);
    bool fits = shape.ndim == 1 && shape.count == count;
    for (uint32_t i = 0; fits && i < count; i++) {
        fits = rdb_array_get(array, i, &value);
        values[i] = fits ? value.f8 : 0;
    }
    return fits || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "%s: expected %u-element float8 array", caller, count);
}

static bool write_doubles(rdb_call *call, rdb_datum like, const double *values, uint32_t count, rdb_datum *result)
{
    rdb_datum items[6] = {{.words = {0, 0}}};
    const bool nulls[6] = {false};
    rdb_array_shape shape;
    rdb_array_get_shape(like, &shape);
    for (uint32_t i = 0; i < count; i++)
        items[i].f8 = values[i];
    return rdb_array_build_shaped(call, call->result_type->element, &shape, items, nulls, result);
}

/* Count, sum and the sum of squared distances from the mean so far (Youngs and Cramer), which does not cancel as sums of squares do. */
static bool add_double(rdb_call *call, double *state, double value)
{
    const double before = state[0], count = before + 1, sum = state[1] + value;
    double deviations = state[2];
    if (before > 0) {
        const double distance = value * count - sum;
        deviations += distance * distance / (count * before);
        if (isinf(sum) || isinf(deviations)) {
            if (!isinf(state[1]) && !isinf(value))
                return float_overflow(call);
            deviations = NAN;
        }
    } else if (isnan(value) || isinf(value)) {
        deviations = NAN;
    }
    state[0] = count;
    state[1] = sum;
    state[2] = deviations;
    return true;
}

TYPE_ROW_FUNCTION(float8_accum, 2)
{
    double state[3];
    return read_doubles(call, a[0], "float8_accum", 3, state) && add_double(call, state, a[1].f8) && write_doubles(call, a[0], state, 3, r);
}
TYPE_ROW_FUNCTION(float4_accum, 2)
{
    double state[3];
    return read_doubles(call, a[0], "float4_accum", 3, state) && add_double(call, state, (double)a[1].f4) && write_doubles(call, a[0], state, 3, r);
}
TYPE_ROW_FUNCTION(float8_combine, 2)
{
    double x[3], y[3], both[3];
    if (!read_doubles(call, a[0], "float8_combine", 3, x) || !read_doubles(call, a[1], "float8_combine", 3, y))
        return false;
    if (x[0] == 0 || y[0] == 0)
        return write_doubles(call, a[0], x[0] == 0 ? y : x, 3, r);
    const double distance = x[1] / x[0] - y[1] / y[0];
    both[0] = x[0] + y[0];
    both[1] = x[1] + y[1];
    both[2] = x[2] + y[2] + x[0] * y[0] * distance * distance / both[0];
    if ((isinf(both[1]) && !isinf(x[1]) && !isinf(y[1])) || (isinf(both[2]) && !isinf(x[2]) && !isinf(y[2])))
        return float_overflow(call);
    return write_doubles(call, a[0], both, 3, r);
}

#define OF_THREE(name, least, expression)               \
    TYPE_ROW_FUNCTION(name, 1)                          \
    {                                                   \
        double s[3];                                    \
        if (!read_doubles(call, a[0], #name, 3, s))     \
            return false;                               \
        *is_null = s[0] < (least);                      \
        r->f8 = *is_null ? 0 : (expression);            \
        return true;                                    \
    }
OF_THREE(float8_avg, 1, s[1] / s[0])
OF_THREE(float8_var_pop, 1, s[2] / s[0])
OF_THREE(float8_var_samp, 2, s[2] / (s[0] - 1))
OF_THREE(float8_stddev_pop, 1, sqrt(s[2] / s[0]))
OF_THREE(float8_stddev_samp, 2, sqrt(s[2] / (s[0] - 1)))

/* Pairs: count, sum and deviations of x, of y, and the sum of products of both distances. y is the first argument. */
enum { PAIR_COUNT, PAIR_SUM_X, PAIR_DEV_X, PAIR_SUM_Y, PAIR_DEV_Y, PAIR_PRODUCTS, PAIR_FIELDS };

TYPE_ROW_FUNCTION(float8_regr_accum, 3)
{
    double s[PAIR_FIELDS];
    const double y = a[1].f8, x = a[2].f8;
    if (!read_doubles(call, a[0], "float8_regr_accum", PAIR_FIELDS, s))
        return false;
    const double before = s[PAIR_COUNT], old_x = s[PAIR_SUM_X], old_y = s[PAIR_SUM_Y];
    s[PAIR_COUNT] = before + 1;
    s[PAIR_SUM_X] += x;
    s[PAIR_SUM_Y] += y;
    if (before > 0) {
        const double distance_x = x * s[PAIR_COUNT] - s[PAIR_SUM_X], distance_y = y * s[PAIR_COUNT] - s[PAIR_SUM_Y], scale = 1.0 / (s[PAIR_COUNT] * before);
        s[PAIR_DEV_X] += distance_x * distance_x * scale;
        s[PAIR_DEV_Y] += distance_y * distance_y * scale;
        s[PAIR_PRODUCTS] += distance_x * distance_y * scale;
        const bool x_is_finite = !isinf(old_x) && !isinf(x), y_is_finite = !isinf(old_y) && !isinf(y);
        if (((isinf(s[PAIR_SUM_X]) || isinf(s[PAIR_DEV_X])) && x_is_finite) || ((isinf(s[PAIR_SUM_Y]) || isinf(s[PAIR_DEV_Y])) && y_is_finite) ||
            (isinf(s[PAIR_PRODUCTS]) && x_is_finite && y_is_finite))
            return float_overflow(call);
        for (int i = PAIR_DEV_X; i <= PAIR_PRODUCTS; i++)
            if (i != PAIR_SUM_Y && isinf(s[i]))
                s[i] = NAN;
    } else {
        if (isnan(x) || isinf(x))
            s[PAIR_DEV_X] = s[PAIR_PRODUCTS] = NAN;
        if (isnan(y) || isinf(y))
            s[PAIR_DEV_Y] = s[PAIR_PRODUCTS] = NAN;
    }
    return write_doubles(call, a[0], s, PAIR_FIELDS, r);
}
TYPE_ROW_FUNCTION(float8_regr_combine, 2)
{
    double p[PAIR_FIELDS], q[PAIR_FIELDS], s[PAIR_FIELDS];
    if (!read_doubles(call, a[0], "float8_regr_combine", PAIR_FIELDS, p) || !read_doubles(call, a[1], "float8_regr_combine", PAIR_FIELDS, q))
        return false;
    if (p[PAIR_COUNT] == 0 || q[PAIR_COUNT] == 0)
        return write_doubles(call, a[0], p[PAIR_COUNT] == 0 ? q : p, PAIR_FIELDS, r);
    s[PAIR_COUNT] = p[PAIR_COUNT] + q[PAIR_COUNT];
    s[PAIR_SUM_X] = p[PAIR_SUM_X] + q[PAIR_SUM_X];
    s[PAIR_SUM_Y] = p[PAIR_SUM_Y] + q[PAIR_SUM_Y];
    const double weight = p[PAIR_COUNT] * q[PAIR_COUNT] / s[PAIR_COUNT], x = p[PAIR_SUM_X] / p[PAIR_COUNT] - q[PAIR_SUM_X] / q[PAIR_COUNT],
                 y = p[PAIR_SUM_Y] / p[PAIR_COUNT] - q[PAIR_SUM_Y] / q[PAIR_COUNT];
    s[PAIR_DEV_X] = p[PAIR_DEV_X] + q[PAIR_DEV_X] + weight * x * x;
    s[PAIR_DEV_Y] = p[PAIR_DEV_Y] + q[PAIR_DEV_Y] + weight * y * y;
    s[PAIR_PRODUCTS] = p[PAIR_PRODUCTS] + q[PAIR_PRODUCTS] + weight * x * y;
    for (int i = PAIR_SUM_X; i < PAIR_FIELDS; i++)
        if (isinf(s[i]) && !isinf(p[i]) && !isinf(q[i]))
            return float_overflow(call);
    return write_doubles(call, a[0], s, PAIR_FIELDS, r);
}

#define OF_PAIRS(name, least, is_undefined, expression)           \
    TYPE_ROW_FUNCTION(name, 1)                                    \
    {                                                             \
        double s[PAIR_FIELDS];                                    \
        if (!read_doubles(call, a[0], #name, PAIR_FIELDS, s))     \
            return false;                                         \
        *is_null = s[PAIR_COUNT] < (least) || (is_undefined);     \
        r->f8 = *is_null ? 0 : (expression);                      \
        return true;                                              \
    }
OF_PAIRS(float8_regr_sxx, 1, false, s[PAIR_DEV_X])
OF_PAIRS(float8_regr_syy, 1, false, s[PAIR_DEV_Y])
OF_PAIRS(float8_regr_sxy, 1, false, s[PAIR_PRODUCTS])
OF_PAIRS(float8_regr_avgx, 1, false, s[PAIR_SUM_X] / s[PAIR_COUNT])
OF_PAIRS(float8_regr_avgy, 1, false, s[PAIR_SUM_Y] / s[PAIR_COUNT])
OF_PAIRS(float8_covar_pop, 1, false, s[PAIR_PRODUCTS] / s[PAIR_COUNT])
OF_PAIRS(float8_covar_samp, 2, false, s[PAIR_PRODUCTS] / (s[PAIR_COUNT] - 1))
OF_PAIRS(float8_corr, 1, s[PAIR_DEV_X] == 0 || s[PAIR_DEV_Y] == 0, s[PAIR_PRODUCTS] / sqrt(s[PAIR_DEV_X] * s[PAIR_DEV_Y]))
OF_PAIRS(float8_regr_r2, 1, s[PAIR_DEV_X] == 0, s[PAIR_DEV_Y] == 0 ? 1.0 : s[PAIR_PRODUCTS] * s[PAIR_PRODUCTS] / (s[PAIR_DEV_X] * s[PAIR_DEV_Y]))
OF_PAIRS(float8_regr_slope, 1, s[PAIR_DEV_X] == 0, s[PAIR_PRODUCTS] / s[PAIR_DEV_X])
OF_PAIRS(float8_regr_intercept, 1, s[PAIR_DEV_X] == 0, (s[PAIR_SUM_Y] - s[PAIR_SUM_X] * s[PAIR_PRODUCTS] / s[PAIR_DEV_X]) / s[PAIR_COUNT])

/* ---- averages of integers: count and sum -------------------------------------------------------------------------------------------- */
static bool read_average(rdb_call *call, rdb_datum array, int64_t state[2])
{
    rdb_array_shape shape;
    rdb_datum value;
    rdb_array_get_shape(array, &shape);
    bool fits = shape.ndim == 1 && shape.count == 2;
    for (uint32_t i = 0; fits && i < 2; i++) {
        fits = rdb_array_get(array, i, &value);
        state[i] = fits ? value.i64 : 0;
    }
    return fits || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "expected 2-element int8 array");
}

static bool change_average(rdb_call *call, const rdb_datum *a, int64_t count, int64_t sum, rdb_datum *r)
{
    int64_t state[2];
    const bool nulls[2] = {false, false};
    rdb_array_shape shape;
    if (!read_average(call, a[0], state))
        return false;
    rdb_array_get_shape(a[0], &shape);
    /* Wraps round as PostgreSQL's does: the sum of as many integers as would overflow it cannot be reached. */
    const rdb_datum items[2] = {{.i64 = (int64_t)((uint64_t)state[0] + (uint64_t)count)}, {.i64 = (int64_t)((uint64_t)state[1] + (uint64_t)sum)}};
    return rdb_array_build_shaped(call, call->result_type->element, &shape, items, nulls, r);
}

TYPE_ROW_FUNCTION(int2_avg_accum, 2)
{
    return change_average(call, a, 1, a[1].i16, r);
}
TYPE_ROW_FUNCTION(int4_avg_accum, 2)
{
    return change_average(call, a, 1, a[1].i32, r);
}
TYPE_ROW_FUNCTION(int2_avg_accum_inv, 2)
{
    return change_average(call, a, -1, -(int64_t)a[1].i16, r);
}
TYPE_ROW_FUNCTION(int4_avg_accum_inv, 2)
{
    return change_average(call, a, -1, -(int64_t)a[1].i32, r);
}
TYPE_ROW_FUNCTION(int4_avg_combine, 2)
{
    int64_t other[2];
    return read_average(call, a[1], other) && change_average(call, a, other[0], other[1], r);
}
TYPE_ROW_FUNCTION(int2int4_sum, 1)
{
    int64_t state[2];
    if (!read_average(call, a[0], state))
        return false;
    *is_null = state[0] == 0;
    r->i64 = state[1];
    return true;
}
TYPE_ROW_FUNCTION(int8_avg, 1)
{
    int64_t state[2];
    type_numeric sum, count, quotient;
    if (!read_average(call, a[0], state))
        return false;
    *is_null = state[0] == 0;
    if (*is_null)
        return true;
    type_numeric_set_int(&sum, state[1], 0);
    type_numeric_set_int(&count, state[0], 0);
    type_numeric_set_int(&quotient, 0, 0);
    bool ok = type_numeric_div(call, &sum, &count, type_numeric_quotient_scale(&sum, &count), true, &quotient) && type_numeric_write(call, &quotient, r);
    type_numeric_clear(&quotient);
    return ok;
}

/* ---- sums: a null state is none yet, a null value is passed over ------------------------------------------------------------------- */
static bool sum_integer(const bool *nulls, int64_t state, int64_t value, rdb_datum *r, bool *is_null)
{
    *is_null = nulls[0] && nulls[1];
    r->i64 = nulls[0] ? value : nulls[1] ? state : (int64_t)((uint64_t)state + (uint64_t)value);
    return true;
}
TYPE_NULL_FUNCTION(int2_sum, 2)
{
    return sum_integer(nulls, nulls[0] ? 0 : a[0].i64, nulls[1] ? 0 : a[1].i16, r, is_null);
}
TYPE_NULL_FUNCTION(int4_sum, 2)
{
    return sum_integer(nulls, nulls[0] ? 0 : a[0].i64, nulls[1] ? 0 : a[1].i32, r, is_null);
}
TYPE_NULL_FUNCTION(int8_sum, 2)
{
    type_numeric state, value, sum;
    *is_null = nulls[0] && nulls[1];
    if (*is_null)
        return true;
    if (nulls[1]) {
        *r = a[0];
        return true;
    }
    type_numeric_set_int(&value, a[1].i64, 0);
    if (nulls[0])
        return type_numeric_write(call, &value, r);
    type_numeric_read(a[0].bytes, &state);
    type_numeric_set_int(&sum, 0, 0);
    bool ok = type_numeric_add(call, &state, &value, false, &sum) && type_numeric_write(call, &sum, r);
    type_numeric_clear(&state);
    type_numeric_clear(&sum);
    return ok;
}

/* ---- counts and truth ---------------------------------------------------------------------------------------------------------------- */
static bool step_count(rdb_call *call, int64_t state, int64_t step, rdb_datum *r)
{
    return !__builtin_add_overflow(state, step, &r->i64) || rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
}
TYPE_ROW_FUNCTION(int8inc, 1)
{
    return step_count(call, a[0].i64, 1, r);
}
TYPE_ROW_FUNCTION(int8dec, 1)
{
    return step_count(call, a[0].i64, -1, r);
}
TYPE_ROW_FUNCTION(int8inc_any, 2)
{
    return step_count(call, a[0].i64, 1, r);
}
TYPE_ROW_FUNCTION(int8dec_any, 2)
{
    return step_count(call, a[0].i64, -1, r);
}
TYPE_ROW_FUNCTION(int8inc_float8_float8, 3)
{
    return step_count(call, a[0].i64, 1, r);
}
TYPE_ROW_FUNCTION(int4inc, 1)
{
    return !__builtin_add_overflow(a[0].i32, 1, &r->i32) || rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
}
TYPE_ROW_FUNCTION(booland_statefunc, 2)
{
    r->b = a[0].b && a[1].b;
    return true;
}
TYPE_ROW_FUNCTION(boolor_statefunc, 2)
{
    r->b = a[0].b || a[1].b;
    return true;
}

static const type_kernel KERNELS[] = {
#define KERNEL(name) {#name, name, F, 0}
    KERNEL(float8_accum), KERNEL(float4_accum), KERNEL(float8_combine), KERNEL(float8_avg), KERNEL(float8_var_pop), KERNEL(float8_var_samp),
    KERNEL(float8_stddev_pop), KERNEL(float8_stddev_samp), KERNEL(float8_regr_accum), KERNEL(float8_regr_combine), KERNEL(float8_regr_sxx),
    KERNEL(float8_regr_syy), KERNEL(float8_regr_sxy), KERNEL(float8_regr_avgx), KERNEL(float8_regr_avgy), KERNEL(float8_covar_pop),
    KERNEL(float8_covar_samp), KERNEL(float8_corr), KERNEL(float8_regr_r2), KERNEL(float8_regr_slope), KERNEL(float8_regr_intercept),
    KERNEL(int2_avg_accum), KERNEL(int4_avg_accum), KERNEL(int2_avg_accum_inv), KERNEL(int4_avg_accum_inv), KERNEL(int4_avg_combine),
    KERNEL(int2int4_sum), KERNEL(int8_avg), KERNEL(int2_sum), KERNEL(int4_sum), KERNEL(int8_sum), KERNEL(int8inc), KERNEL(int8dec),
    KERNEL(int8inc_any), KERNEL(int8dec_any), KERNEL(int8inc_float8_float8), KERNEL(int4inc), KERNEL(booland_statefunc), KERNEL(boolor_statefunc),
};
TYPE_KERNEL_TABLE(type_transition_table, KERNELS);
