/* SPDX-License-Identifier: Apache-2.0
 * generate_series over integers, decimals and timestamps. */
#include "type/datetime.h"
#include "type/numeric.h"
#include "type/tables.h"

typedef struct int_series {
    int64_t at, last, step;
    bool is_done, is_wide;
} int_series;

static bool int_begin(rdb_call *call, int_series *series, int64_t first, int64_t last, int64_t step, bool is_wide)
{
    *series = (int_series){.at = first, .last = last, .step = step, .is_wide = is_wide};
    return step != 0 || rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "step size cannot equal zero");
}

static bool int4_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    return int_begin(call, state, a[0].i32, a[1].i32, call->argument_count > 2 ? a[2].i32 : 1, false);
}

static bool int8_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    return int_begin(call, state, a[0].i64, a[1].i64, call->argument_count > 2 ? a[2].i64 : 1, true);
}

static bool int_next(TYPE_UNUSED rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    int_series *series = state;
    for (*count = 0; *count < capacity && !series->is_done; ++*count) {
        if (series->step > 0 ? series->at > series->last : series->at < series->last)
            break;
        if (series->is_wide)
            RDB_VALUES(columns[0], int64_t)[*count] = series->at;
        else
            RDB_VALUES(columns[0], int32_t)[*count] = (int32_t)series->at;
        series->is_done = __builtin_add_overflow(series->at, series->step, &series->at);
    }
    return true;
}

typedef struct numeric_series {
    rdb_datum at, last, step; /* stored numbers */
    int direction;
    rdb_arena *arena;         /* of the whole series; that of a call of next lives until the following one */
    uint8_t *kept;            /* where at lies between two calls of next */
    size_t kept_capacity;
} numeric_series;

static void keep_position(numeric_series *series)
{
    rdb_bytes at = series->at.bytes;
    if (at.length > series->kept_capacity) {
        series->kept_capacity = 2 * at.length;
        series->kept = RDB_NEW_ARRAY(series->arena, uint8_t, series->kept_capacity);
    }
    if (at.length > 0)
        memmove(series->kept, at.data, at.length);
    series->at.bytes.data = series->kept;
}

static bool numeric_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    numeric_series *series = state;
    static const char *const NAMES[] = {"start", "stop", "step size"};
    type_numeric one;
    series->arena = call->arena;
    series->at = a[0];
    series->last = a[1];
    for (uint32_t i = 0; i < call->argument_count; i++) {
        type_numeric_read(a[i].bytes, &one);
        type_numeric_kind kind = (type_numeric_kind)one.kind;
        int sign = type_numeric_sign(&one);
        type_numeric_clear(&one);
        if (kind != TYPE_NUMERIC_FINITE)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "%s %s be %s", NAMES[i], i == 2 ? "cannot" : "value cannot",
                                 kind == TYPE_NUMERIC_NAN ? "NaN" : "infinity");
        if (i == 2 && sign == 0)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "step size cannot equal zero");
        series->direction = i == 2 ? sign : 1;
    }
    if (call->argument_count > 2) {
        series->step = a[2];
        return true;
    }
    type_numeric_set_int(&one, 1, 0);
    return type_numeric_write(call, &one, &series->step);
}

static bool numeric_next(rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    numeric_series *series = state;
    bool ok = true;
    if (series->kept != NULL) /* the row that it becomes outlives this call, the place does not */
        series->at.bytes.data = rdb_arena_memdup(call->arena, series->kept, series->at.bytes.length);
    for (*count = 0; ok && *count < capacity; ++*count) {
        type_numeric at, last, step, sum;
        type_numeric_read(series->at.bytes, &at);
        type_numeric_read(series->last.bytes, &last);
        bool past = type_numeric_compare(&at, &last) * series->direction > 0;
        if (!past) {
            rdb_vector_put(columns[0], *count, series->at, false);
            type_numeric_read(series->step.bytes, &step);
            ok = type_numeric_add(call, &at, &step, false, &sum) && type_numeric_write(call, &sum, &series->at);
            type_numeric_clear(&step);
            type_numeric_clear(&sum);
        }
        type_numeric_clear(&at);
        type_numeric_clear(&last);
        if (past)
            break;
    }
    if (ok)
        keep_position(series);
    return ok;
}

typedef struct moment_series {
    int64_t at, last;
    type_interval step;
    int direction;
    bool is_local;
} moment_series;

static bool moment_begin(rdb_call *call, void *state, const rdb_datum *a, bool is_local)
{
    moment_series *series = state;
    *series = (moment_series){.at = a[0].i64, .last = a[1].i64, .step = type_get_interval(a[2]), .is_local = is_local};
    __int128 span = type_interval_span(series->step);
    series->direction = span > 0 ? 1 : -1;
    return span != 0 || rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "step size cannot equal zero");
}

static bool timestamp_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    return moment_begin(call, state, a, true);
}

static bool timestamptz_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    return moment_begin(call, state, a, false);
}

static bool moment_next(rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    moment_series *series = state;
    for (*count = 0; *count < capacity; ++*count) {
        if (series->direction > 0 ? series->at > series->last : series->at < series->last)
            break;
        RDB_VALUES(columns[0], int64_t)[*count] = series->at;
        if (!type_add_interval_to(call, series->at, series->step, series->is_local, call->format->timezone, &series->at))
            return false;
    }
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_set_kernel SET_KERNELS[] = {
    {"generate_series_int4", {0, sizeof(int_series), int4_begin, int_next, F}, 0},
    {"generate_series_step_int4", {0, sizeof(int_series), int4_begin, int_next, F}, 0},
    {"generate_series_int8", {0, sizeof(int_series), int8_begin, int_next, F}, 0},
    {"generate_series_step_int8", {0, sizeof(int_series), int8_begin, int_next, F}, 0},
    {"generate_series_numeric", {0, sizeof(numeric_series), numeric_begin, numeric_next, F}, 0},
    {"generate_series_step_numeric", {0, sizeof(numeric_series), numeric_begin, numeric_next, F}, 0},
    {"generate_series_timestamp", {0, sizeof(moment_series), timestamp_begin, moment_next, F}, 0},
    {"generate_series_timestamptz", {0, sizeof(moment_series), timestamptz_begin, moment_next, F}, 0},
};
TYPE_SET_KERNEL_TABLE(type_series_set_table, SET_KERNELS);
