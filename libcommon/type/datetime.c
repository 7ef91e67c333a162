/* SPDX-License-Identifier: Apache-2.0
 * date, time, timetz, timestamp, timestamptz and interval as types: text, wire and key forms, order, comparisons across
 * types, casts. */
#include "type/datetime.h"
#include "type/tables.h"

/* ---- order -------------------------------------------------------------------------------------------------------------------- */
/* An interval as one number of microseconds, with months of 30 and days of 24 hours: how intervals compare. */
__int128 type_interval_span(type_interval interval)
{
    return (__int128)interval.usecs + ((__int128)interval.months * 30 + interval.days) * TYPE_USECS_PER_DAY;
}

static int compare_intervals(type_interval x, type_interval y)
{
    __int128 p = type_interval_span(x), q = type_interval_span(y);
    return (p > q) - (p < q);
}

static int compare_timetz(type_timetz x, type_timetz y)
{
    int64_t p = x.usecs + x.west * TYPE_USECS_PER_SEC, q = y.usecs + y.west * TYPE_USECS_PER_SEC;
    if (p != q)
        return p > q ? 1 : -1;
    return (x.west > y.west) - (x.west < y.west);
}

/* A date as a timestamp; one beyond the range of timestamps becomes an extreme that only infinity passes. */
static int64_t date_as_timestamp(int32_t days)
{
    int64_t usecs;
    if (days == TYPE_DATE_INFINITY)
        return TYPE_TIMESTAMP_INFINITY;
    if (days == TYPE_DATE_MINUS_INFINITY)
        return TYPE_TIMESTAMP_MINUS_INFINITY;
    if (__builtin_mul_overflow((int64_t)days, TYPE_USECS_PER_DAY, &usecs) || usecs >= TYPE_TIMESTAMP_END)
        return TYPE_TIMESTAMP_INFINITY - 1;
    return usecs;
}

static int64_t local_as_instant(const rdb_call *call, int64_t local)
{
    int64_t instant;
    if (local == TYPE_TIMESTAMP_INFINITY || local == TYPE_TIMESTAMP_MINUS_INFINITY)
        return local;
    if (type_from_local(call->format->timezone, local, &instant))
        return instant;
    return local > 0 ? TYPE_TIMESTAMP_INFINITY - 1 : TYPE_TIMESTAMP_MINUS_INFINITY + 1;
}

static int compare_i64(int64_t x, int64_t y)
{
    return (x > y) - (x < y);
}

/* ---- date ------------------------------------------------------------------------------------------------------------------------ */
/* 1996-03-13: a year of four digits comes first whatever the style of dates is. false: anything else, right or wrong. */
static bool read_iso_date(rdb_slice text, int32_t *days)
{
    static const uint8_t PLACES[8] = {0, 1, 2, 3, 5, 6, 8, 9};
    int digits[8];
    if (text.length != 10 || text.data[4] != '-' || text.data[7] != '-')
        return false;
    for (size_t i = 0; i < RDB_COUNT_OF(PLACES); i++) {
        digits[i] = text.data[PLACES[i]] - '0';
        if (digits[i] < 0 || digits[i] > 9)
            return false;
    }
    const int year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3], month = digits[4] * 10 + digits[5], day = digits[6] * 10 + digits[7];
    if (year == 0 || month < 1 || month > 12 || day < 1 || day > type_days_in_month(year, month))
        return false;
    *days = (int32_t)type_days_from_civil(year, month, day);
    return true;
}

static bool date_input(TYPE_OPS_PARAMETERS_INPUT)
{
    type_datetime parsed;
    value->words[0] = value->words[1] = 0;
    if (read_iso_date(text, &value->i32))
        return true;
    if (!type_parse_datetime(call, text, "date", false, &parsed))
        return false;
    if (parsed.kind != TYPE_DATETIME_VALUE) {
        value->i32 = parsed.kind == TYPE_DATETIME_EPOCH ? -RDB_UNIX_EPOCH_DAYS
                     : parsed.kind == TYPE_DATETIME_INFINITY ? TYPE_DATE_INFINITY : TYPE_DATE_MINUS_INFINITY;
        return true;
    }
    int64_t days = type_days_from_civil(parsed.civil.year, parsed.civil.month, parsed.civil.day);
    if (days < TYPE_DATE_MIN || days > TYPE_DATE_MAX)
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date out of range: \"%.*s\"", (int)text.length, (const char *)text.data);
    value->i32 = (int32_t)days;
    return true;
}

static bool date_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_date(text, call->format, value.i32);
    return true;
}

static bool date_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (!type_int4_ops.receive(call, type, text, typmod, value))
        return false;
    bool infinite = value->i32 == TYPE_DATE_INFINITY || value->i32 == TYPE_DATE_MINUS_INFINITY;
    if (!infinite && (value->i32 < TYPE_DATE_MIN || value->i32 > TYPE_DATE_MAX))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date out of range");
    return true;
}

static bool date_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_be32(text, value.oid);
    return true;
}

static int date_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return (left.i32 > right.i32) - (left.i32 < right.i32);
}

static uint64_t date_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64((uint64_t)(int64_t)value.i32);
}

static bool date_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_add_be32(key, value.oid ^ UINT32_C(0x80000000));
    return !key->failed;
}

static bool date_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    if (end - *at < 4)
        return false;
    value->words[0] = value->words[1] = 0;
    value->oid = type_be32(*at) ^ UINT32_C(0x80000000);
    *at += 4;
    return true;
}

const rdb_type_ops type_date_ops = {.input = date_input, .output = date_output, .receive = date_receive, .send = date_send,
                                    .compare = date_compare, .hash = date_hash, .encode_key = date_encode, .decode_key = date_decode};

/* ---- the 64-bit ones ------------------------------------------------------------------------------------------------------------- */
static int usecs_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return compare_i64(left.i64, right.i64);
}

static uint64_t usecs_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64((uint64_t)value.i64);
}

static bool usecs_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_add_be64(key, (uint64_t)value.i64 ^ UINT64_C(1) << 63);
    return !key->failed;
}

static bool usecs_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    if (end - *at < 8)
        return false;
    value->words[1] = 0;
    value->words[0] = type_be64(*at) ^ UINT64_C(1) << 63;
    *at += 8;
    return true;
}

static bool usecs_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_be64(text, (uint64_t)value.i64);
    return true;
}

static int64_t clock_usecs(const type_civil *civil)
{
    return civil->hour * TYPE_USECS_PER_HOUR + civil->minute * TYPE_USECS_PER_MINUTE + civil->second * TYPE_USECS_PER_SEC + civil->usec;
}

static bool time_input(TYPE_OPS_PARAMETERS_INPUT)
{
    type_datetime parsed;
    value->words[0] = value->words[1] = 0;
    if (!type_parse_datetime(call, text, "time", true, &parsed))
        return false;
    if (parsed.kind != TYPE_DATETIME_VALUE)
        return rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid input syntax for type time: \"%.*s\"", (int)text.length, (const char *)text.data);
    value->i64 = type_round_usecs(clock_usecs(&parsed.civil), typmod);
    return true;
}

static bool time_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_time(text, value.i64);
    return true;
}

static bool time_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (!type_int8_ops.receive(call, type, text, -1, value))
        return false;
    if (value->i64 < 0 || value->i64 > TYPE_USECS_PER_DAY)
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "time out of range");
    value->i64 = type_round_usecs(value->i64, typmod);
    return true;
}

const rdb_type_ops type_time_ops = {.input = time_input, .output = time_output, .receive = time_receive, .send = usecs_send,
                                    .compare = usecs_compare, .hash = usecs_hash, .encode_key = usecs_encode, .decode_key = usecs_decode};

static bool timestamp_range(rdb_call *call, rdb_slice text)
{
    return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "timestamp out of range: \"%.*s\"", (int)text.length, (const char *)text.data);
}

static bool parse_timestamp(rdb_call *call, rdb_slice text, int32_t typmod, bool with_zone, int64_t *usecs)
{
    type_datetime parsed;
    if (!type_parse_datetime(call, text, with_zone ? "timestamp with time zone" : "timestamp", false, &parsed))
        return false;
    switch (parsed.kind) {
    case TYPE_DATETIME_INFINITY:
        *usecs = TYPE_TIMESTAMP_INFINITY;
        return true;
    case TYPE_DATETIME_MINUS_INFINITY:
        *usecs = TYPE_TIMESTAMP_MINUS_INFINITY;
        return true;
    case TYPE_DATETIME_EPOCH:
        *usecs = RDB_UNIX_EPOCH_US_VALUE;
        return true;
    case TYPE_DATETIME_VALUE:
        break;
    }
    bool ok = type_timestamp_from_civil(&parsed.civil, usecs);
    if (ok && with_zone) {
        if (parsed.has_zone && parsed.history != NULL) {
            ok = type_from_abbreviation(parsed.history, parsed.abbreviation, *usecs, usecs);
        } else if (parsed.has_zone && parsed.zone == NULL) {
            *usecs += parsed.west * TYPE_USECS_PER_SEC;
            ok = type_timestamp_is_valid(*usecs);
        } else {
            ok = type_from_local(parsed.has_zone ? parsed.zone : call->format->timezone, *usecs, usecs);
        }
    }
    if (!ok)
        return timestamp_range(call, text);
    *usecs = type_round_usecs(*usecs, typmod);
    return true;
}

static bool timestamp_input(TYPE_OPS_PARAMETERS_INPUT)
{
    value->words[0] = value->words[1] = 0;
    return parse_timestamp(call, text, typmod, false, &value->i64);
}

static bool timestamptz_input(TYPE_OPS_PARAMETERS_INPUT)
{
    value->words[0] = value->words[1] = 0;
    return parse_timestamp(call, text, typmod, true, &value->i64);
}

static bool timestamp_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_timestamp(text, call->format, value.i64, false);
    return true;
}

static bool timestamptz_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_timestamp(text, call->format, value.i64, true);
    return true;
}

static bool is_infinite(int64_t usecs)
{
    return usecs == TYPE_TIMESTAMP_INFINITY || usecs == TYPE_TIMESTAMP_MINUS_INFINITY;
}

static bool timestamp_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (!type_int8_ops.receive(call, type, text, -1, value))
        return false;
    if (is_infinite(value->i64))
        return true;
    if (!type_timestamp_is_valid(value->i64))
        return type_timestamp_range_error(call);
    value->i64 = type_round_usecs(value->i64, typmod);
    return true;
}

const rdb_type_ops type_timestamp_ops = {.input = timestamp_input, .output = timestamp_output, .receive = timestamp_receive,
                                         .send = usecs_send, .compare = usecs_compare, .hash = usecs_hash,
                                         .encode_key = usecs_encode, .decode_key = usecs_decode};
const rdb_type_ops type_timestamptz_ops = {.input = timestamptz_input, .output = timestamptz_output, .receive = timestamp_receive,
                                           .send = usecs_send, .compare = usecs_compare, .hash = usecs_hash,
                                           .encode_key = usecs_encode, .decode_key = usecs_decode};

/* ---- timetz --------------------------------------------------------------------------------------------------------------------------- */
static bool timetz_input(TYPE_OPS_PARAMETERS_INPUT)
{
    type_datetime parsed;
    if (!type_parse_datetime(call, text, "time with time zone", true, &parsed))
        return false;
    if (parsed.kind != TYPE_DATETIME_VALUE)
        return rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid input syntax for type time with time zone: \"%.*s\"", (int)text.length, (const char *)text.data);
    type_timetz timetz = {.usecs = type_round_usecs(clock_usecs(&parsed.civil), typmod), .west = parsed.west};
    if (!parsed.has_zone || parsed.zone != NULL) {
        /* a zone by name has an offset only at a date: the given one, or today's */
        const rdb_timezone *zone = parsed.has_zone ? parsed.zone : call->format->timezone;
        type_zone_moment moment;
        int64_t local;
        if (parsed.has_date && type_timestamp_from_civil(&parsed.civil, &local))
            moment = type_zone_at_local(zone, type_floor_div(local, TYPE_USECS_PER_SEC) + TYPE_UNIX_EPOCH_SECS);
        else
            type_to_local(zone, call->transaction_us, &moment);
        timetz.west = -moment.offset;
    }
    type_put_timetz(value, timetz);
    return true;
}

static bool timetz_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_timetz timetz = type_get_timetz(value);
    type_add_time(text, timetz.usecs);
    type_add_zone(text, timetz.west, false);
    return true;
}

static bool timetz_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 12)
        return type_bad_binary(call);
    type_timetz timetz = {.usecs = (int64_t)type_be64(text.data), .west = (int32_t)type_be32(text.data + 8)};
    if (timetz.usecs < 0 || timetz.usecs > TYPE_USECS_PER_DAY)
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "time out of range");
    if (timetz.west <= -57600 || timetz.west >= 57600)
        return rdb_error_set(call->err, RDB_INVALID_TIME_ZONE_DISPLACEMENT, "time zone displacement out of range");
    timetz.usecs = type_round_usecs(timetz.usecs, typmod);
    type_put_timetz(value, timetz);
    return true;
}

static bool timetz_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_timetz timetz = type_get_timetz(value);
    type_add_be64(text, (uint64_t)timetz.usecs);
    type_add_be32(text, (uint32_t)timetz.west);
    return true;
}

static int timetz_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return compare_timetz(type_get_timetz(left), type_get_timetz(right));
}

static uint64_t timetz_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64(value.words[0] ^ type_mix64(value.words[1]));
}

static bool timetz_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_timetz timetz = type_get_timetz(value);
    type_add_be64(key, (uint64_t)(timetz.usecs + timetz.west * TYPE_USECS_PER_SEC) ^ UINT64_C(1) << 63);
    type_add_be32(key, (uint32_t)timetz.west ^ UINT32_C(0x80000000));
    return !key->failed;
}

static bool timetz_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    if (end - *at < 12)
        return false;
    type_timetz timetz = {.west = (int32_t)(type_be32(*at + 8) ^ UINT32_C(0x80000000))};
    timetz.usecs = (int64_t)(type_be64(*at) ^ UINT64_C(1) << 63) - timetz.west * TYPE_USECS_PER_SEC;
    type_put_timetz(value, timetz);
    *at += 12;
    return true;
}

const rdb_type_ops type_timetz_ops = {.input = timetz_input, .output = timetz_output, .receive = timetz_receive, .send = timetz_send,
                                      .compare = timetz_compare, .hash = timetz_hash, .encode_key = timetz_encode, .decode_key = timetz_decode};

/* ---- interval ---------------------------------------------------------------------------------------------------------------------------- */
static bool interval_input(TYPE_OPS_PARAMETERS_INPUT)
{
    type_interval interval;
    if (!type_parse_interval(call, text, typmod, &interval))
        return false;
    type_put_interval(value, interval);
    return true;
}

static bool interval_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_interval(text, call->format, type_get_interval(value));
    return true;
}

static bool interval_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 16)
        return type_bad_binary(call);
    type_interval interval = {.usecs = (int64_t)type_be64(text.data), .days = (int32_t)type_be32(text.data + 8), .months = (int32_t)type_be32(text.data + 12)};
    if (!type_interval_apply_typmod(call, typmod, &interval))
        return false;
    type_put_interval(value, interval);
    return true;
}

static bool interval_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_interval interval = type_get_interval(value);
    type_add_be64(text, (uint64_t)interval.usecs);
    type_add_be32(text, (uint32_t)interval.days);
    type_add_be32(text, (uint32_t)interval.months);
    return true;
}

static int interval_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return compare_intervals(type_get_interval(left), type_get_interval(right));
}

static uint64_t interval_hash(TYPE_OPS_PARAMETERS_HASH)
{
    __int128 span = type_interval_span(type_get_interval(value));
    return type_mix64((uint64_t)span ^ type_mix64((uint64_t)(span >> 64)));
}

static bool interval_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    __int128 span = type_interval_span(type_get_interval(value));
    type_add_be64(key, (uint64_t)(span >> 64) ^ UINT64_C(1) << 63);
    type_add_be64(key, (uint64_t)span);
    return !key->failed;
}

/* Not reversible: a month and thirty days have one key. */
const rdb_type_ops type_interval_ops = {.input = interval_input, .output = interval_output, .receive = interval_receive,
                                        .send = interval_send, .compare = interval_compare, .hash = interval_hash,
                                        .encode_key = interval_encode, .decode_key = NULL};

/* ---- comparisons ----------------------------------------------------------------------------------------------------------------------------- */
TYPE_COMPARISONS(date, int32_t, int32_t)
TYPE_COMPARISONS(usecs, int64_t, int64_t)
TYPE_BINARY(date_larger, int32_t, int32_t, int32_t, x > y ? x : y)
TYPE_BINARY(date_smaller, int32_t, int32_t, int32_t, x < y ? x : y)
TYPE_BINARY(usecs_larger, int64_t, int64_t, int64_t, x > y ? x : y)
TYPE_BINARY(usecs_smaller, int64_t, int64_t, int64_t, x < y ? x : y)
#define CROSS(prefix, LEFT, RIGHT, expression)                           \
    TYPE_BINARY(prefix##_eq, LEFT, RIGHT, uint8_t, (expression) == 0)    \
    TYPE_BINARY(prefix##_ne, LEFT, RIGHT, uint8_t, (expression) != 0)    \
    TYPE_BINARY(prefix##_lt, LEFT, RIGHT, uint8_t, (expression) < 0)     \
    TYPE_BINARY(prefix##_le, LEFT, RIGHT, uint8_t, (expression) <= 0)    \
    TYPE_BINARY(prefix##_gt, LEFT, RIGHT, uint8_t, (expression) > 0)     \
    TYPE_BINARY(prefix##_ge, LEFT, RIGHT, uint8_t, (expression) >= 0)    \
    TYPE_BINARY(prefix##_cmp, LEFT, RIGHT, int32_t, expression)
CROSS(interval, type_interval, type_interval, compare_intervals(x, y))
CROSS(timetz, type_timetz, type_timetz, compare_timetz(x, y))
CROSS(date_timestamp, int32_t, int64_t, compare_i64(date_as_timestamp(x), y))
CROSS(timestamp_date, int64_t, int32_t, compare_i64(x, date_as_timestamp(y)))
/* The timestamp is the same for all rows (date + interval is one): days are compared with its day. */
static bool day_of(const rdb_vector *timestamp, rdb_vector *day, int32_t *value, bool *is_midnight)
{
    const int64_t day_us = INT64_C(86400000000);
    if (timestamp->mask != 0)
        return false;
    const int64_t us = RDB_VALUES(timestamp, int64_t)[0];
    if (us == TYPE_TIMESTAMP_INFINITY || us == TYPE_TIMESTAMP_MINUS_INFINITY)
        return false;
    *value = (int32_t)(us / day_us - (us % day_us < 0));
    *is_midnight = us % day_us == 0;
    *day = (rdb_vector){.values = value, .capacity = 1, .rep = RDB_REP_INT32};
    return true;
}
#define DAY_OR_TIME(name, at_midnight, else_by)                                                                \
    static bool name##_day(TYPE_KERNEL_PARAMETERS)                                                             \
    {                                                                                                          \
        rdb_vector day;                                                                                        \
        const rdb_vector *pair[2] = {arguments[0], &day};                                                      \
        int32_t value;                                                                                         \
        bool is_midnight;                                                                                      \
        if (!day_of(arguments[1], &day, &value, &is_midnight))                                                 \
            return name(call, arguments, out, selection);                                                      \
        return (is_midnight ? at_midnight : else_by)(call, pair, out, selection);                              \
    }
DAY_OR_TIME(date_timestamp_lt, date_lt, date_le)
DAY_OR_TIME(date_timestamp_le, date_le, date_le)
DAY_OR_TIME(date_timestamp_gt, date_gt, date_gt)
DAY_OR_TIME(date_timestamp_ge, date_ge, date_gt)
CROSS(date_timestamptz, int32_t, int64_t, compare_i64(local_as_instant(call, date_as_timestamp(x)), y))
CROSS(timestamptz_date, int64_t, int32_t, compare_i64(x, local_as_instant(call, date_as_timestamp(y))))
CROSS(timestamp_timestamptz, int64_t, int64_t, compare_i64(local_as_instant(call, x), y))
CROSS(timestamptz_timestamp, int64_t, int64_t, compare_i64(x, local_as_instant(call, y)))

#define EXTREMES(prefix)                                                             \
    TYPE_ROW_FUNCTION(prefix##_larger, 2)                                            \
    {                                                                                \
        *r = prefix##_compare(NULL, 0, a[0], a[1]) > 0 ? a[0] : a[1];                \
        return true;                                                                 \
    }                                                                                \
    TYPE_ROW_FUNCTION(prefix##_smaller, 2)                                           \
    {                                                                                \
        *r = prefix##_compare(NULL, 0, a[0], a[1]) < 0 ? a[0] : a[1];                \
        return true;                                                                 \
    }
EXTREMES(interval)
EXTREMES(timetz)

/* ---- casts ------------------------------------------------------------------------------------------------------------------------------------- */
TYPE_CHECKED_UNARY(date_to_timestamp, int32_t, int64_t, {
    z = date_as_timestamp(x);
    if (z == TYPE_TIMESTAMP_INFINITY - 1)
        TYPE_RAISE(RDB_DATETIME_FIELD_OVERFLOW, "date out of range for timestamp");
})
TYPE_CHECKED_UNARY(date_to_timestamptz, int32_t, int64_t, {
    z = date_as_timestamp(x);
    if (z == TYPE_TIMESTAMP_INFINITY - 1 || (!is_infinite(z) && !type_from_local(call->format->timezone, z, &z)))
        TYPE_RAISE(RDB_DATETIME_FIELD_OVERFLOW, "date out of range for timestamp");
})
static int32_t timestamp_days(int64_t usecs)
{
    if (is_infinite(usecs))
        return usecs > 0 ? TYPE_DATE_INFINITY : TYPE_DATE_MINUS_INFINITY;
    return (int32_t)type_floor_div(usecs, TYPE_USECS_PER_DAY);
}
static int64_t instant_to_local(const rdb_call *call, int64_t usecs)
{
    type_zone_moment moment;
    return is_infinite(usecs) ? usecs : type_to_local(call->format->timezone, usecs, &moment);
}
TYPE_UNARY(timestamp_to_date, int64_t, int32_t, timestamp_days(x))
TYPE_UNARY(timestamptz_to_date, int64_t, int32_t, timestamp_days(instant_to_local(call, x)))
TYPE_UNARY(timestamptz_to_timestamp, int64_t, int64_t, instant_to_local(call, x))
TYPE_CHECKED_UNARY(timestamp_to_timestamptz, int64_t, int64_t, {
    z = x;
    if (!is_infinite(x) && !type_from_local(call->format->timezone, x, &z))
        TYPE_RAISE(RDB_DATETIME_FIELD_OVERFLOW, "timestamp out of range");
})

static bool clock_of(TYPE_ROW_PARAMETERS, bool with_zone)
{
    type_zone_moment moment = {0};
    *is_null = is_infinite(a[0].i64);
    if (*is_null)
        return true;
    int64_t local = with_zone ? type_to_local(call->format->timezone, a[0].i64, &moment) : a[0].i64;
    r->i64 = local - type_floor_div(local, TYPE_USECS_PER_DAY) * TYPE_USECS_PER_DAY;
    return true;
}

TYPE_ROW_FUNCTION(timestamp_to_time, 1)
{
    return clock_of(call, a, r, is_null, false);
}

TYPE_ROW_FUNCTION(timestamptz_to_time, 1)
{
    return clock_of(call, a, r, is_null, true);
}

TYPE_ROW_FUNCTION(timestamptz_to_timetz, 1)
{
    type_zone_moment moment = {0};
    if (!clock_of(call, a, r, is_null, true) || *is_null)
        return true;
    type_to_local(call->format->timezone, a[0].i64, &moment);
    type_put_timetz(r, (type_timetz){.usecs = r->i64, .west = -moment.offset});
    return true;
}

TYPE_ROW_FUNCTION(time_to_timetz, 1)
{
    type_zone_moment moment;
    type_to_local(call->format->timezone, call->transaction_us, &moment);
    type_put_timetz(r, (type_timetz){.usecs = a[0].i64, .west = -moment.offset});
    return true;
}

TYPE_UNARY(timetz_to_time, type_timetz, int64_t, x.usecs)

TYPE_ROW_FUNCTION(time_to_interval, 1)
{
    type_put_interval(r, (type_interval){.usecs = a[0].i64});
    return true;
}

TYPE_ROW_FUNCTION(interval_to_time, 1)
{
    int64_t usecs = type_get_interval(a[0]).usecs;
    r->i64 = usecs - type_floor_div(usecs, TYPE_USECS_PER_DAY) * TYPE_USECS_PER_DAY;
    return true;
}

/* ---- lengths (timestamp(3) and its kin) --------------------------------------------------------------------------------------------------------- */
TYPE_BINARY(usecs_scale, int64_t, int32_t, int64_t, is_infinite(x) ? x : type_round_usecs(x, y))

TYPE_ROW_FUNCTION(timetz_scale, 2)
{
    type_timetz timetz = type_get_timetz(a[0]);
    timetz.usecs = type_round_usecs(timetz.usecs, a[1].i32);
    type_put_timetz(r, timetz);
    return true;
}

TYPE_ROW_FUNCTION(interval_scale, 2)
{
    type_interval interval = type_get_interval(a[0]);
    if (!type_interval_apply_typmod(call, a[1].i32, &interval))
        return false;
    type_put_interval(r, interval);
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    TYPE_SIX_("date", date), {"date_cmp", date_cmp, 0, 0}, {"date_larger", date_larger, 0, 0}, {"date_smaller", date_smaller, 0, 0},
    TYPE_SIX_("time", usecs), {"time_cmp", usecs_cmp, 0, 0}, {"time_larger", usecs_larger, 0, 0}, {"time_smaller", usecs_smaller, 0, 0},
    TYPE_SIX_("timestamp", usecs), {"timestamp_cmp", usecs_cmp, 0, 0}, {"timestamp_larger", usecs_larger, 0, 0},
    {"timestamp_smaller", usecs_smaller, 0, 0},
    TYPE_SIX_("timetz", timetz), {"timetz_cmp", timetz_cmp, 0, 0}, {"timetz_larger", timetz_larger, 0, 0}, {"timetz_smaller", timetz_smaller, 0, 0},
    TYPE_SIX_("interval", interval), {"interval_cmp", interval_cmp, 0, 0}, {"interval_larger", interval_larger, 0, 0},
    {"interval_smaller", interval_smaller, 0, 0},
#define SIX_CROSS(left, right, prefix)                                                                                         \
    {left "_eq_" right, prefix##_eq, 0, 0}, {left "_ne_" right, prefix##_ne, 0, 0}, {left "_lt_" right, prefix##_lt, 0, 0},    \
        {left "_le_" right, prefix##_le, 0, 0}, {left "_gt_" right, prefix##_gt, 0, 0}, {left "_ge_" right, prefix##_ge, 0, 0}, \
        {left "_cmp_" right, prefix##_cmp, 0, 0}
    {"date_eq_timestamp", date_timestamp_eq, 0, 0}, {"date_ne_timestamp", date_timestamp_ne, 0, 0}, {"date_lt_timestamp", date_timestamp_lt_day, 0, 0},
    {"date_le_timestamp", date_timestamp_le_day, 0, 0}, {"date_gt_timestamp", date_timestamp_gt_day, 0, 0}, {"date_ge_timestamp", date_timestamp_ge_day, 0, 0},
    {"date_cmp_timestamp", date_timestamp_cmp, 0, 0}, SIX_CROSS("timestamp", "date", timestamp_date),
    SIX_CROSS("date", "timestamptz", date_timestamptz), SIX_CROSS("timestamptz", "date", timestamptz_date),
    SIX_CROSS("timestamp", "timestamptz", timestamp_timestamptz), SIX_CROSS("timestamptz", "timestamp", timestamptz_timestamp),
    {"date_timestamp", date_to_timestamp, F, 0}, {"date_timestamptz", date_to_timestamptz, F, 0},
    {"timestamp_date", timestamp_to_date, 0, 0}, {"timestamptz_date", timestamptz_to_date, 0, 0},
    {"timestamptz_timestamp", timestamptz_to_timestamp, 0, 0}, {"timestamp_timestamptz", timestamp_to_timestamptz, F, 0},
    {"timestamp_time", timestamp_to_time, 0, 0}, {"timestamptz_time", timestamptz_to_time, 0, 0},
    {"timestamptz_timetz", timestamptz_to_timetz, 0, 0}, {"time_timetz", time_to_timetz, 0, 0}, {"timetz_time", timetz_to_time, 0, 0},
    {"time_interval", time_to_interval, 0, 0}, {"interval_time", interval_to_time, 0, 0},
    {"timestamp_scale", usecs_scale, 0, 0}, {"timestamptz_scale", usecs_scale, 0, 0}, {"time_scale", usecs_scale, 0, 0},
    {"timetz_scale", timetz_scale, 0, 0}, {"interval_scale", interval_scale, F, 0},
};
TYPE_KERNEL_TABLE(type_datetime_table, KERNELS);
