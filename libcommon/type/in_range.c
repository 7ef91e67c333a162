/* SPDX-License-Identifier: Apache-2.0
 * The in_range support functions: is value <= (less) or >= base - offset (sub) or base + offset? Frames of windows by RANGE
 * with an offset are found by them. A sum beyond the type's range is further than any value. */
#include "type/datetime.h"
#include "type/numeric.h"
#include "type/tables.h"

#include <math.h>

typedef struct range_pair {
    uint32_t key_oid, offset_oid, function_oid;
} range_pair;
/* pg_amproc, support function 3 of the btree families */
static const range_pair PAIRS[] = {
    {RDB_INT2OID, RDB_INT8OID, 4130}, {RDB_INT2OID, RDB_INT4OID, 4131}, {RDB_INT2OID, RDB_INT2OID, 4132},
    {RDB_INT4OID, RDB_INT8OID, 4127}, {RDB_INT4OID, RDB_INT4OID, 4128}, {RDB_INT4OID, RDB_INT2OID, 4129},
    {RDB_INT8OID, RDB_INT8OID, 4126}, {RDB_FLOAT4OID, RDB_FLOAT8OID, 4140}, {RDB_FLOAT8OID, RDB_FLOAT8OID, 4139},
    {RDB_NUMERICOID, RDB_NUMERICOID, 4141}, {RDB_DATEOID, RDB_INTERVALOID, 4133}, {RDB_TIMESTAMPOID, RDB_INTERVALOID, 4134},
    {RDB_TIMESTAMPTZOID, RDB_INTERVALOID, 4135}, {RDB_INTERVALOID, RDB_INTERVALOID, 4136}, {RDB_TIMEOID, RDB_INTERVALOID, 4137},
    {RDB_TIMETZOID, RDB_INTERVALOID, 4138},
};

uint32_t rdb_in_range_find(uint32_t key_oid, uint32_t at, uint32_t *offset_oid)
{
    for (uint32_t i = 0; i < RDB_COUNT_OF(PAIRS); i++)
        if (PAIRS[i].key_oid == key_oid && at-- == 0) {
            *offset_oid = PAIRS[i].offset_oid;
            return PAIRS[i].function_oid;
        }
    return 0;
}

static bool bad_size(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function");
}

static int64_t read_int(uint32_t oid, rdb_datum value)
{
    return oid == RDB_INT2OID ? value.i16 : oid == RDB_INT4OID ? value.i32 : value.i64;
}

static bool int_in_range(rdb_call *call, int64_t value, int64_t base, int64_t offset, bool sub, bool less, bool *result)
{
    int64_t bound;
    if (offset < 0)
        return bad_size(call);
    if (sub ? __builtin_sub_overflow(base, offset, &bound) : __builtin_add_overflow(base, offset, &bound))
        *result = sub ? !less : less;
    else
        *result = less ? value <= bound : value >= bound;
    return true;
}

static bool float_in_range(rdb_call *call, double value, double base, double offset, bool sub, bool less, bool *result)
{
    if (isnan(offset) || offset < 0)
        return bad_size(call);
    if (isnan(value)) {
        *result = isnan(base) || !less; /* NaN is the largest, and equal to itself */
        return true;
    }
    if (isnan(base)) {
        *result = less;
        return true;
    }
    if (isinf(base) && isinf(offset) && (sub ? base > 0 : base < 0)) {
        *result = true; /* infinity less infinity: everything in reach */
        return true;
    }
    double bound = sub ? base - offset : base + offset;
    *result = less ? value <= bound : value >= bound;
    return true;
}

static bool numeric_in_range(rdb_call *call, rdb_datum value_at, rdb_datum base_at, rdb_datum offset_at, bool sub, bool less, bool *result)
{
    type_numeric value, base, offset, bound;
    type_numeric_read(value_at.bytes, &value);
    type_numeric_read(base_at.bytes, &base);
    type_numeric_read(offset_at.bytes, &offset);
    bool ok = true;
    if (offset.kind == TYPE_NUMERIC_NAN || type_numeric_sign(&offset) < 0) {
        ok = bad_size(call);
    } else if (value.kind == TYPE_NUMERIC_NAN) {
        *result = base.kind == TYPE_NUMERIC_NAN || !less;
    } else if (base.kind == TYPE_NUMERIC_NAN) {
        *result = less;
    } else if (offset.kind == TYPE_NUMERIC_INFINITY && base.kind == (sub ? TYPE_NUMERIC_INFINITY : TYPE_NUMERIC_MINUS_INFINITY)) {
        *result = true;
    } else {
        ok = type_numeric_add(call, &base, &offset, sub, &bound);
        if (ok) {
            int order = type_numeric_compare(&value, &bound);
            *result = less ? order <= 0 : order >= 0;
            type_numeric_clear(&bound);
        }
    }
    type_numeric_clear(&value);
    type_numeric_clear(&base);
    type_numeric_clear(&offset);
    return ok;
}

static bool moment_in_range(rdb_call *call, int64_t value, int64_t base, type_interval offset, bool is_local, bool sub, bool less, bool *result)
{
    int64_t bound;
    if (type_interval_span(offset) < 0)
        return bad_size(call);
    if (sub)
        offset = (type_interval){.usecs = -offset.usecs, .days = -offset.days, .months = -offset.months};
    if (base == INT64_MAX || base == INT64_MIN)
        bound = base;
    else if (!type_add_interval_to(call, base, offset, is_local, call->format->timezone, &bound))
        return false;
    *result = less ? value <= bound : value >= bound;
    return true;
}

static int64_t moment_of_date(rdb_datum value)
{
    return value.i32 == INT32_MAX ? INT64_MAX : value.i32 == INT32_MIN ? INT64_MIN : value.i32 * INT64_C(86400000000);
}

static bool interval_in_range(rdb_call *call, rdb_datum value, rdb_datum base, type_interval offset, bool sub, bool less, bool *result)
{
    type_interval bound;
    if (type_interval_span(offset) < 0)
        return bad_size(call);
    if (sub)
        offset = (type_interval){.usecs = -offset.usecs, .days = -offset.days, .months = -offset.months};
    if (!type_interval_add(call, type_get_interval(base), offset, &bound))
        return false;
    __int128 left = type_interval_span(type_get_interval(value)), right = type_interval_span(bound);
    *result = less ? left <= right : left >= right;
    return true;
}

/* The time of day alone counts, and does not wrap round. */
static bool time_in_range(rdb_call *call, int64_t value, int64_t base, type_interval offset, bool sub, bool less, bool *result)
{
    if (offset.usecs < 0)
        return bad_size(call);
    return int_in_range(call, value, base, offset.usecs, sub, less, result);
}

bool rdb_in_range(rdb_call *call, uint32_t key_oid, uint32_t offset_oid, rdb_datum value, rdb_datum base, rdb_datum offset, bool sub, bool less, bool *result)
{
    switch (key_oid) {
    case RDB_INT2OID:
    case RDB_INT4OID:
    case RDB_INT8OID: return int_in_range(call, read_int(key_oid, value), read_int(key_oid, base), read_int(offset_oid, offset), sub, less, result);
    case RDB_FLOAT4OID: return float_in_range(call, (double)value.f4, (double)base.f4, offset.f8, sub, less, result);
    case RDB_FLOAT8OID: return float_in_range(call, value.f8, base.f8, offset.f8, sub, less, result);
    case RDB_NUMERICOID: return numeric_in_range(call, value, base, offset, sub, less, result);
    case RDB_DATEOID: return moment_in_range(call, moment_of_date(value), moment_of_date(base), type_get_interval(offset), true, sub, less, result);
    case RDB_TIMESTAMPOID: return moment_in_range(call, value.i64, base.i64, type_get_interval(offset), true, sub, less, result);
    case RDB_TIMESTAMPTZOID: return moment_in_range(call, value.i64, base.i64, type_get_interval(offset), false, sub, less, result);
    case RDB_INTERVALOID: return interval_in_range(call, value, base, type_get_interval(offset), sub, less, result);
    case RDB_TIMEOID: return time_in_range(call, value.i64, base.i64, type_get_interval(offset), sub, less, result);
    default: {
        /* timetz: by the instant, then the zone, as its order goes; the offset moves the time and keeps the zone */
        type_timetz left = type_get_timetz(value), right = type_get_timetz(base);
        type_interval by = type_get_interval(offset);
        if (by.usecs < 0)
            return bad_size(call);
        int64_t bound = right.usecs + (sub ? -by.usecs : by.usecs);
        int64_t left_utc = left.usecs + left.west * INT64_C(1000000), right_utc = bound + right.west * INT64_C(1000000);
        int order = left_utc != right_utc ? (left_utc < right_utc ? -1 : 1) : (left.west > right.west) - (left.west < right.west);
        *result = less ? order <= 0 : order >= 0;
        return true;
    }
    }
}

static bool in_range(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    RDB_FOR_SELECTED (selection, row) {
        bool result = false;
        if (!rdb_in_range(call, call->argument_types[0]->oid, call->argument_types[2]->oid, rdb_vector_get(arguments[0], row), rdb_vector_get(arguments[1], row),
                          rdb_vector_get(arguments[2], row), RDB_AT(arguments[3], uint8_t, row) != 0, RDB_AT(arguments[4], uint8_t, row) != 0, &result)) {
            call->bad_row = row;
            return false;
        }
        RDB_VALUES(out, uint8_t)[row] = result;
    }
    return true;
}

#define F (RDB_KERNEL_FALLIBLE | RDB_KERNEL_POLYMORPHIC)
static const type_kernel KERNELS[] = {
    {"in_range_int2_int8", in_range, F, 0}, {"in_range_int2_int4", in_range, F, 0}, {"in_range_int2_int2", in_range, F, 0},
    {"in_range_int4_int8", in_range, F, 0}, {"in_range_int4_int4", in_range, F, 0}, {"in_range_int4_int2", in_range, F, 0},
    {"in_range_int8_int8", in_range, F, 0}, {"in_range_float4_float8", in_range, F, 0}, {"in_range_float8_float8", in_range, F, 0},
    {"in_range_numeric_numeric", in_range, F, 0}, {"in_range_date_interval", in_range, F, 0}, {"in_range_timestamp_interval", in_range, F, 0},
    {"in_range_timestamptz_interval", in_range, F, 0}, {"in_range_interval_interval", in_range, F, 0}, {"in_range_time_interval", in_range, F, 0},
    {"in_range_timetz_interval", in_range, F, 0},
};
TYPE_KERNEL_TABLE(type_in_range_table, KERNELS);
