/* SPDX-License-Identifier: Apache-2.0
 * Sums, averages and variances. Integers and decimals are exact: a sum runs in 128 bits and is folded into a stored
 * numeric when it would leave them, squares run in 192 bits. Floats keep count, sum and the sum of squared differences
 * (Youngs and Cramer), which loses little and can be combined. */
#include "type/numeric.h"
#include "type/tables.h"
#include <math.h>

#define UPDATE_PARAMETERS \
    rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection
#define COMBINE_PARAMETERS TYPE_UNUSED rdb_call *call, void *into, const void *from
#define FINISH_PARAMETERS rdb_call *call, void *state, rdb_datum *value, bool *is_null

/* ---- exact sums ------------------------------------------------------------------------------------------------------------ */
typedef struct exact_state {
    type_int128 sum;       /* of coefficients at `scale`, beside what stands in big_sum */
    type_uint128 squares;  /* low 128 bits of the sum of their squares */
    uint64_t squares_high; /* the bits above */
    int64_t count;         /* of all that are not null */
    int64_t nan_count, plus_count, minus_count;
    rdb_datum big_sum, big_squares; /* numerics, where has_big */
    uint16_t scale;
    bool has_big, wants_squares;
} exact_state;

/* The squares kept in words, as a number of twice the scale. */
static void squares_number(const exact_state *state, type_numeric *number)
{
    mpz_t big;
    mpz_init(big);
    uint64_t words[3] = {(uint64_t)state->squares, (uint64_t)(state->squares >> 64), state->squares_high};
    mpz_import(big, 3, -1, sizeof(uint64_t), 0, 0, words);
    type_numeric_set_mpz(number, big, (uint16_t)RDB_MIN(2 * state->scale, TYPE_NUMERIC_SCALE_MAX));
    mpz_clear(big);
}

static bool add_stored(rdb_call *call, rdb_datum *stored, bool has_stored, const type_numeric *number)
{
    type_numeric old, sum;
    if (!has_stored)
        return type_numeric_write(call, number, stored);
    type_numeric_read(stored->bytes, &old);
    bool ok = type_numeric_add(call, &old, number, false, &sum) && type_numeric_write(call, &sum, stored);
    type_numeric_clear(&old);
    type_numeric_clear(&sum);
    return ok;
}

/* Moves the words into the stored numbers. */
static bool fold(rdb_call *call, exact_state *state)
{
    type_numeric number;
    type_numeric_set_int(&number, state->sum, state->scale);
    bool ok = add_stored(call, &state->big_sum, state->has_big, &number);
    if (ok && state->wants_squares) {
        squares_number(state, &number);
        ok = add_stored(call, &state->big_squares, state->has_big, &number);
        type_numeric_clear(&number);
    }
    state->has_big = true;
    state->sum = 0;
    state->squares = 0;
    state->squares_high = 0;
    return ok;
}

#define HALF ((type_int128)1 << 62)
static inline bool add_word(rdb_call *call, exact_state *state, type_int128 x)
{
    type_int128 sum;
    if (RDB_UNLIKELY(__builtin_add_overflow(state->sum, x, &sum) || sum == (type_int128)((type_uint128)1 << 127))) {
        if (!fold(call, state))
            return false;
        sum = x;
    }
    state->sum = sum;
    if (state->wants_squares) {
        type_uint128 square = (type_uint128)(x < 0 ? -x : x) * (type_uint128)(x < 0 ? -x : x);
        state->squares_high += __builtin_add_overflow(state->squares, square, &state->squares);
    }
    return true;
}

static bool add_number(rdb_call *call, exact_state *state, const type_numeric *x)
{
    state->count++;
    if (RDB_UNLIKELY(x->kind != TYPE_NUMERIC_FINITE)) {
        state->nan_count += x->kind == TYPE_NUMERIC_NAN;
        state->plus_count += x->kind == TYPE_NUMERIC_INFINITY;
        state->minus_count += x->kind == TYPE_NUMERIC_MINUS_INFINITY;
        return true;
    }
    if (x->scale > state->scale) { /* the sum takes the new scale */
        if ((state->sum != 0 || state->squares != 0 || state->squares_high != 0) && !fold(call, state))
            return false;
        state->scale = x->scale;
    }
    type_numeric same;
    type_numeric_copy(&same, x);
    if (same.scale < state->scale)
        type_numeric_round(&same, state->scale, TYPE_ROUND_HALF_AWAY);
    bool ok;
    if (!same.is_big && (!state->wants_squares || (same.small < HALF && same.small > -HALF))) {
        ok = add_word(call, state, same.small);
    } else {
        ok = (state->has_big || fold(call, state)) && add_stored(call, &state->big_sum, true, &same);
        if (ok && state->wants_squares) {
            type_numeric square;
            ok = type_numeric_mul(call, &same, &same, &square) && add_stored(call, &state->big_squares, true, &square);
            type_numeric_clear(&square);
        }
    }
    type_numeric_clear(&same);
    return ok;
}

#define EXACT_INT_UPDATE(name, T, squares_wanted)                                           \
    static bool name(UPDATE_PARAMETERS)                                                     \
    {                                                                                       \
        RDB_FOR_SELECTED (selection, row) {                                                 \
            exact_state *state = states[row_at];                                            \
            state->wants_squares = squares_wanted;                                          \
            state->count++;                                                                 \
            if (!add_word(call, state, RDB_AT(arguments[0], T, row)))                       \
                return false;                                                               \
        }                                                                                   \
        return true;                                                                        \
    }
EXACT_INT_UPDATE(int2_sum_update, int16_t, false)
EXACT_INT_UPDATE(int4_sum_update, int32_t, false)
EXACT_INT_UPDATE(int8_sum_update, int64_t, false)
EXACT_INT_UPDATE(int2_squares_update, int16_t, true)
EXACT_INT_UPDATE(int4_squares_update, int32_t, true)
EXACT_INT_UPDATE(int8_squares_update, int64_t, true)

/* One group: the batch is summed in 64 bits where that cannot overflow, in 128 elsewhere. */
#define EXACT_INT_UPDATE_ALL(name, T, PARTIAL)                                                     \
    static bool name(rdb_call *call, void *state, const rdb_vector *const *arguments,              \
                     const rdb_selection *selection)                                               \
    {                                                                                              \
        exact_state *total = state;                                                                \
        const T *values = arguments[0]->values;                                                    \
        PARTIAL sum = 0;                                                                           \
        if (selection->rows == NULL && arguments[0]->mask == RDB_FLAT) {                           \
            for (uint32_t row = 0; row < selection->count; row++)                                  \
                sum += values[row];                                                                \
        } else {                                                                                   \
            RDB_FOR_SELECTED (selection, row)                                                      \
                sum += values[row & arguments[0]->mask];                                           \
        }                                                                                          \
        total->count += selection->count;                                                          \
        return add_word(call, total, sum);                                                         \
    }
EXACT_INT_UPDATE_ALL(int2_sum_update_all, int16_t, int64_t)
EXACT_INT_UPDATE_ALL(int4_sum_update_all, int32_t, int64_t)
EXACT_INT_UPDATE_ALL(int8_sum_update_all, int64_t, type_int128)

/* A short number of no larger scale than the sum's, in registers. False: not one, or an error of memory that comes again. */
static inline bool add_short(rdb_call *call, exact_state *state, rdb_bytes stored, bool squares_wanted)
{
    int64_t coefficient;
    uint16_t scale;
    if (squares_wanted || !type_numeric_read_short(stored, &coefficient, &scale) || scale > state->scale ||
        state->scale - scale >= TYPE_NUMERIC_SHORT_POWERS || !add_word(call, state, (type_int128)coefficient * type_numeric_powers[state->scale - scale]))
        return false;
    state->count++;
    return true;
}

#define EXACT_NUMERIC_UPDATE(name, squares_wanted)                                   \
    static bool name(UPDATE_PARAMETERS)                                              \
    {                                                                                \
        RDB_FOR_SELECTED (selection, row) {                                          \
            exact_state *state = states[row_at];                                     \
            if (add_short(call, state, RDB_AT(arguments[0], rdb_bytes, row), squares_wanted)) \
                continue;                                                            \
            type_numeric x;                                                          \
            type_numeric_read(RDB_AT(arguments[0], rdb_bytes, row), &x);             \
            state->wants_squares = squares_wanted;                                   \
            bool ok = add_number(call, state, &x);                                   \
            type_numeric_clear(&x);                                                  \
            if (!ok)                                                                 \
                return false;                                                        \
        }                                                                            \
        return true;                                                                 \
    }
EXACT_NUMERIC_UPDATE(numeric_sum_update, false)
EXACT_NUMERIC_UPDATE(numeric_squares_update, true)

static bool exact_combine(COMBINE_PARAMETERS)
{
    exact_state *total = into;
    exact_state other = *(const exact_state *)from;
    if (other.count == 0)
        return true;
    if (total->count == 0) {
        *total = other; /* big values of the other stand in an arena that lives as long as the groups */
        return true;
    }
    if (!fold(call, total) || !fold(call, &other))
        return false;
    type_numeric number;
    type_numeric_read(other.big_sum.bytes, &number);
    bool ok = add_stored(call, &total->big_sum, true, &number);
    type_numeric_clear(&number);
    if (ok && total->wants_squares) {
        type_numeric_read(other.big_squares.bytes, &number);
        ok = add_stored(call, &total->big_squares, true, &number);
        type_numeric_clear(&number);
    }
    total->scale = RDB_MAX(total->scale, other.scale);
    total->count += other.count;
    total->nan_count += other.nan_count;
    total->plus_count += other.plus_count;
    total->minus_count += other.minus_count;
    return ok;
}

/* The sum as a number (special where a special was added). */
static bool exact_total(rdb_call *call, const exact_state *state, type_numeric *number)
{
    if (state->nan_count > 0 || (state->plus_count > 0 && state->minus_count > 0)) {
        type_numeric_set_special(number, TYPE_NUMERIC_NAN);
        return true;
    }
    if (state->plus_count > 0 || state->minus_count > 0) {
        type_numeric_set_special(number, state->plus_count > 0 ? TYPE_NUMERIC_INFINITY : TYPE_NUMERIC_MINUS_INFINITY);
        return true;
    }
    type_numeric_set_int(number, state->sum, state->scale);
    if (!state->has_big)
        return true;
    type_numeric words = *number, big;
    type_numeric_read(state->big_sum.bytes, &big);
    bool ok = type_numeric_add(call, &big, &words, false, number);
    type_numeric_clear(&big);
    return ok;
}

static bool write_and_clear(rdb_call *call, bool ok, type_numeric *number, rdb_datum *value)
{
    ok = ok && type_numeric_write(call, number, value);
    type_numeric_clear(number);
    return ok;
}

static bool small_sum_finish(FINISH_PARAMETERS) /* of smallint and integer: a bigint */
{
    const exact_state *total = state;
    *is_null = total->count == 0;
    type_numeric number;
    int64_t sum = 0;
    bool fits = exact_total(call, total, &number) && type_numeric_to_int64(&number, &sum);
    type_numeric_clear(&number);
    if (!fits)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
    value->words[1] = 0;
    value->i64 = sum;
    return true;
}

static bool sum_finish(FINISH_PARAMETERS)
{
    const exact_state *total = state;
    type_numeric number;
    *is_null = total->count == 0;
    return write_and_clear(call, exact_total(call, total, &number), &number, value);
}

static bool average_finish(FINISH_PARAMETERS)
{
    const exact_state *total = state;
    type_numeric sum, count, quotient;
    *is_null = total->count == 0;
    if (*is_null)
        return true;
    if (!exact_total(call, total, &sum))
        return false;
    type_numeric_set_int(&count, total->count, 0);
    type_numeric_set_int(&quotient, 0, 0);
    bool ok = type_numeric_div(call, &sum, &count, type_numeric_quotient_scale(&sum, &count), true, &quotient);
    type_numeric_clear(&sum);
    return write_and_clear(call, ok, &quotient, value);
}

static bool variance_finish(FINISH_PARAMETERS, bool is_sample, bool is_root)
{
    const exact_state *total = state;
    type_numeric sum, squares, count, divisor, product, scaled, difference, result;
    *is_null = total->count <= (is_sample ? 1 : 0);
    if (*is_null)
        return true;
    if (total->nan_count > 0 || total->plus_count > 0 || total->minus_count > 0) {
        type_numeric_set_special(&result, TYPE_NUMERIC_NAN);
        return write_and_clear(call, true, &result, value);
    }
    if (!exact_total(call, total, &sum))
        return false;
    squares_number(total, &squares);
    if (total->has_big) {
        type_numeric words = squares, big;
        type_numeric_read(total->big_squares.bytes, &big);
        bool added = type_numeric_add(call, &big, &words, false, &squares);
        type_numeric_clear(&words);
        type_numeric_clear(&big);
        if (!added)
            return false;
    }
    /* (n * sum of squares - square of the sum) / (n * (n - 1)) */
    type_numeric_set_int(&count, total->count, 0);
    type_numeric_set_int(&divisor, (type_int128)total->count * (is_sample ? total->count - 1 : total->count), 0);
    type_numeric_set_int(&result, 0, 0);
    bool ok = type_numeric_mul(call, &sum, &sum, &product) && type_numeric_mul(call, &squares, &count, &scaled) &&
              type_numeric_add(call, &scaled, &product, true, &difference);
    if (ok && type_numeric_sign(&difference) > 0) {
        int scale = type_numeric_quotient_scale(&difference, &divisor);
        ok = type_numeric_div(call, &difference, &divisor, scale, true, &result);
        if (ok && is_root)
            type_numeric_sqrt(&result, scale);
    }
    type_numeric_clear(&sum);
    type_numeric_clear(&squares);
    type_numeric_clear(&product);
    type_numeric_clear(&scaled);
    type_numeric_clear(&difference);
    return write_and_clear(call, ok, &result, value);
}

/* ---- floats: one or two variables -------------------------------------------------------------------------------------------------- */
typedef struct float_state {
    double count, sum, deviations; /* deviations: sum of squared differences from the mean */
    bool any;
} float_state;

static bool overflow(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
}

static bool float_add(rdb_call *call, float_state *state, double x)
{
    double old_count = state->count, old_sum = state->sum;
    state->count++;
    state->sum += x;
    if (old_count > 0) {
        double difference = x * state->count - state->sum;
        state->deviations += difference * difference / (state->count * old_count);
        if (isinf(state->sum) || isinf(state->deviations)) {
            if (!isinf(old_sum) && !isinf(x))
                return overflow(call);
            state->deviations = (double)NAN;
        }
    } else if (isnan(x) || isinf(x)) {
        state->deviations = (double)NAN;
    }
    return true;
}

static bool float8_update(UPDATE_PARAMETERS)
{
    RDB_FOR_SELECTED (selection, row) {
        if (!float_add(call, states[row_at], RDB_AT(arguments[0], double, row)))
            return false;
    }
    return true;
}

static bool float4_update(UPDATE_PARAMETERS)
{
    RDB_FOR_SELECTED (selection, row) {
        if (!float_add(call, states[row_at], (double)RDB_AT(arguments[0], float, row)))
            return false;
    }
    return true;
}

static bool float_combine(COMBINE_PARAMETERS)
{
    float_state *total = into;
    const float_state *other = from;
    if (total->count == 0) {
        *total = *other;
    } else if (other->count > 0) {
        double difference = total->sum / total->count - other->sum / other->count, count = total->count + other->count;
        double deviations = total->deviations + other->deviations + total->count * other->count * difference * difference / count;
        if (isinf(deviations) && !isinf(total->deviations) && !isinf(other->deviations))
            return overflow(call);
        total->deviations = deviations;
        total->sum += other->sum;
        total->count = count;
    }
    return true;
}

/* sum() adds in the argument's own precision. */
#define FLOAT_SUM(name, T, field)                                                            \
    typedef struct name##_state {                                                            \
        T sum;                                                                               \
        bool any;                                                                            \
    } name##_state;                                                                          \
    static bool name##_add(rdb_call *call, name##_state *state, T x)                         \
    {                                                                                        \
        T sum = state->any ? state->sum + x : x;                                             \
        if (isinf(sum) && !isinf(x) && !isinf(state->sum))                                   \
            return overflow(call);                                                           \
        state->sum = sum;                                                                    \
        state->any = true;                                                                   \
        return true;                                                                         \
    }                                                                                        \
    static bool name##_update(UPDATE_PARAMETERS)                                             \
    {                                                                                        \
        RDB_FOR_SELECTED (selection, row) {                                                  \
            if (!name##_add(call, states[row_at], RDB_AT(arguments[0], T, row)))             \
                return false;                                                                \
        }                                                                                    \
        return true;                                                                         \
    }                                                                                        \
    static bool name##_combine(COMBINE_PARAMETERS)                                           \
    {                                                                                        \
        const name##_state *other = from;                                                    \
        return !other->any || name##_add(call, into, other->sum);                            \
    }                                                                                        \
    static bool name##_finish(TYPE_UNUSED FINISH_PARAMETERS)                                 \
    {                                                                                        \
        const name##_state *total = state;                                                   \
        *is_null = !total->any;                                                              \
        value->words[0] = value->words[1] = 0;                                               \
        value->field = total->sum;                                                           \
        return true;                                                                         \
    }
FLOAT_SUM(float4_sum, float, f4)
FLOAT_SUM(float8_sum, double, f8)

static bool float_average_finish(TYPE_UNUSED FINISH_PARAMETERS)
{
    const float_state *total = state;
    *is_null = total->count == 0;
    value->f8 = *is_null ? 0 : total->sum / total->count;
    return true;
}

static bool float_variance_finish(TYPE_UNUSED FINISH_PARAMETERS, bool is_sample, bool is_root)
{
    const float_state *total = state;
    *is_null = total->count <= (is_sample ? 1 : 0);
    if (!*is_null) {
        double variance = total->deviations / (is_sample ? total->count - 1 : total->count);
        value->f8 = is_root ? sqrt(variance) : variance;
    }
    return true;
}

#define VARIANCE_FINISHES(name, sample, root)                                     \
    static bool exact_##name##_finish(FINISH_PARAMETERS)                          \
    {                                                                             \
        return variance_finish(call, state, value, is_null, sample, root);        \
    }                                                                             \
    static bool float_##name##_finish(FINISH_PARAMETERS)                          \
    {                                                                             \
        return float_variance_finish(call, state, value, is_null, sample, root);  \
    }
VARIANCE_FINISHES(var_samp, true, false)
VARIANCE_FINISHES(var_pop, false, false)
VARIANCE_FINISHES(stddev_samp, true, true)
VARIANCE_FINISHES(stddev_pop, false, true)

typedef struct pair_state { /* y is the first argument, x the second */
    double count, sum_x, deviations_x, sum_y, deviations_y, products;
} pair_state;

static bool pair_update(UPDATE_PARAMETERS)
{
    RDB_FOR_SELECTED (selection, row) {
        pair_state *state = states[row_at];
        double y = RDB_AT(arguments[0], double, row), x = RDB_AT(arguments[1], double, row);
        double old_count = state->count, old_x = state->sum_x, old_y = state->sum_y;
        state->count++;
        state->sum_x += x;
        state->sum_y += y;
        if (old_count > 0) {
            double to_x = x * state->count - state->sum_x, to_y = y * state->count - state->sum_y;
            double share = 1.0 / (state->count * old_count);
            state->deviations_x += to_x * to_x * share;
            state->deviations_y += to_y * to_y * share;
            state->products += to_x * to_y * share;
            bool x_ran = isinf(state->sum_x) || isinf(state->deviations_x), y_ran = isinf(state->sum_y) || isinf(state->deviations_y);
            if (x_ran || y_ran || isinf(state->products)) {
                if (!isinf(old_x) && !isinf(x) && !isinf(old_y) && !isinf(y))
                    return overflow(call);
                if (x_ran)
                    state->deviations_x = (double)NAN;
                if (y_ran)
                    state->deviations_y = (double)NAN;
                state->products = (double)NAN;
            }
        } else {
            if (isnan(x) || isinf(x))
                state->deviations_x = state->products = (double)NAN;
            if (isnan(y) || isinf(y))
                state->deviations_y = state->products = (double)NAN;
        }
    }
    return true;
}

static bool pair_combine(COMBINE_PARAMETERS)
{
    pair_state *total = into;
    const pair_state *other = from;
    if (total->count == 0) {
        *total = *other;
    } else if (other->count > 0) {
        double count = total->count + other->count, share = total->count * other->count / count;
        double to_x = total->sum_x / total->count - other->sum_x / other->count;
        double to_y = total->sum_y / total->count - other->sum_y / other->count;
        total->deviations_x += other->deviations_x + share * to_x * to_x;
        total->deviations_y += other->deviations_y + share * to_y * to_y;
        total->products += other->products + share * to_x * to_y;
        total->sum_x += other->sum_x;
        total->sum_y += other->sum_y;
        total->count = count;
    }
    return true;
}

#define PAIR_FINISH(name, least, extra_null, expression)          \
    static bool name(TYPE_UNUSED FINISH_PARAMETERS)               \
    {                                                             \
        const pair_state *s = state;                              \
        *is_null = s->count < (least) || (extra_null);            \
        value->f8 = *is_null ? 0 : (expression);                  \
        return true;                                              \
    }
PAIR_FINISH(regr_sxx_finish, 1, false, s->deviations_x)
PAIR_FINISH(regr_syy_finish, 1, false, s->deviations_y)
PAIR_FINISH(regr_sxy_finish, 1, false, s->products)
PAIR_FINISH(regr_avgx_finish, 1, false, s->sum_x / s->count)
PAIR_FINISH(regr_avgy_finish, 1, false, s->sum_y / s->count)
PAIR_FINISH(covar_pop_finish, 1, false, s->products / s->count)
PAIR_FINISH(covar_samp_finish, 2, false, s->products / (s->count - 1))
PAIR_FINISH(corr_finish, 1, s->deviations_x == 0 || s->deviations_y == 0, s->products / sqrt(s->deviations_x * s->deviations_y))
PAIR_FINISH(regr_r2_finish, 1, s->deviations_x == 0,
            s->deviations_y == 0 ? 1.0 : s->products * s->products / (s->deviations_x * s->deviations_y))
PAIR_FINISH(regr_slope_finish, 1, s->deviations_x == 0, s->products / s->deviations_x)
PAIR_FINISH(regr_intercept_finish, 1, s->deviations_x == 0, (s->sum_y - s->sum_x * s->products / s->deviations_x) / s->count)

static bool regr_count_finish(TYPE_UNUSED FINISH_PARAMETERS)
{
    *is_null = false;
    value->i64 = (int64_t)((const pair_state *)state)->count;
    return true;
}

#define SKIP RDB_AGGREGATE_SKIPS_NULLS
#define EXACT(oid, update, finish) {oid, sizeof(exact_state), update, NULL, exact_combine, finish, SKIP}
#define FLOAT(oid, update, finish) {oid, sizeof(float_state), update, NULL, float_combine, finish, SKIP}
#define PAIR(oid, finish) {oid, sizeof(pair_state), pair_update, NULL, pair_combine, finish, SKIP}
/* int8, int4, int2, float4, float8, numeric, in the order of their OIDs. */
#define FAMILY(oid, name)                                                                                    \
    EXACT(oid, int8_squares_update, exact_##name##_finish), EXACT((oid) + 1, int4_squares_update, exact_##name##_finish), \
        EXACT((oid) + 2, int2_squares_update, exact_##name##_finish), FLOAT((oid) + 3, float4_update, float_##name##_finish), \
        FLOAT((oid) + 4, float8_update, float_##name##_finish), EXACT((oid) + 5, numeric_squares_update, exact_##name##_finish)

static const rdb_aggregate_entry ENTRIES[] = {
    {2107, sizeof(exact_state), int8_sum_update, int8_sum_update_all, exact_combine, sum_finish, SKIP},
    {2108, sizeof(exact_state), int4_sum_update, int4_sum_update_all, exact_combine, small_sum_finish, SKIP},
    {2109, sizeof(exact_state), int2_sum_update, int2_sum_update_all, exact_combine, small_sum_finish, SKIP},
    {2110, sizeof(float4_sum_state), float4_sum_update, NULL, float4_sum_combine, float4_sum_finish, SKIP},
    {2111, sizeof(float8_sum_state), float8_sum_update, NULL, float8_sum_combine, float8_sum_finish, SKIP},
    EXACT(2114, numeric_sum_update, sum_finish),
    {2100, sizeof(exact_state), int8_sum_update, int8_sum_update_all, exact_combine, average_finish, SKIP},
    {2101, sizeof(exact_state), int4_sum_update, int4_sum_update_all, exact_combine, average_finish, SKIP},
    {2102, sizeof(exact_state), int2_sum_update, int2_sum_update_all, exact_combine, average_finish, SKIP},
    EXACT(2103, numeric_sum_update, average_finish),
    FLOAT(2104, float4_update, float_average_finish), FLOAT(2105, float8_update, float_average_finish),
    FAMILY(2718, var_pop), FAMILY(2641, var_samp), FAMILY(2148, var_samp), FAMILY(2724, stddev_pop),
    FAMILY(2712, stddev_samp), FAMILY(2154, stddev_samp),
    PAIR(2818, regr_count_finish), PAIR(2819, regr_sxx_finish), PAIR(2820, regr_syy_finish), PAIR(2821, regr_sxy_finish),
    PAIR(2822, regr_avgx_finish), PAIR(2823, regr_avgy_finish), PAIR(2824, regr_r2_finish), PAIR(2825, regr_slope_finish),
    PAIR(2826, regr_intercept_finish), PAIR(2827, covar_pop_finish), PAIR(2828, covar_samp_finish), PAIR(2829, corr_finish),
};
TYPE_AGGREGATE_TABLE(type_aggregate_sum_table, ENTRIES);
