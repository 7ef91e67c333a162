/* SPDX-License-Identifier: Apache-2.0
 * Dates and times: the calendar, and what input, output and the kernels share. Days count from 2000-01-01, microseconds
 * from its midnight; infinity is the extreme of the integer. */
#ifndef RDB_TYPE_DATETIME_H
#define RDB_TYPE_DATETIME_H

#include "type/timezone.h"
#include "type/type_int.h"

#define RDB_UNIX_EPOCH_DAYS 10957 /* from 1970-01-01 to 2000-01-01 */
#define TYPE_USECS_PER_SEC INT64_C(1000000)
#define TYPE_USECS_PER_MINUTE INT64_C(60000000)
#define TYPE_USECS_PER_HOUR INT64_C(3600000000)
#define TYPE_USECS_PER_DAY INT64_C(86400000000)
#define TYPE_UNIX_EPOCH_SECS INT64_C(946684800)
#define TYPE_DATE_INFINITY INT32_MAX
#define TYPE_DATE_MINUS_INFINITY INT32_MIN
#define TYPE_TIMESTAMP_INFINITY INT64_MAX
#define TYPE_TIMESTAMP_MINUS_INFINITY INT64_MIN
#define TYPE_DATE_MIN (-2451545)
#define TYPE_DATE_MAX 2145031948
#define TYPE_TIMESTAMP_MIN INT64_C(-211813488000000000)
#define TYPE_TIMESTAMP_END INT64_C(9223371331200000000)
#define TYPE_JULIAN_2000 2451545
#define RDB_UNIX_EPOCH_US_VALUE INT64_C(-946684800000000) /* 1970-01-01 */

typedef struct type_interval { /* the 16 bytes of an interval value */
    int64_t usecs;
    int32_t days, months;
} type_interval;
static inline type_interval type_get_interval(rdb_datum value)
{
    type_interval interval;
    memcpy(&interval, &value, sizeof interval);
    return interval;
}
static inline void type_put_interval(rdb_datum *value, type_interval interval)
{
    memcpy(value, &interval, sizeof interval);
}
typedef struct type_timetz { /* the 16 bytes of a timetz value */
    int64_t usecs;
    int32_t west; /* seconds */
    int32_t spare;
} type_timetz;
static inline type_timetz type_get_timetz(rdb_datum value)
{
    type_timetz timetz;
    memcpy(&timetz, &value, sizeof timetz);
    return timetz;
}
static inline void type_put_timetz(rdb_datum *value, type_timetz timetz)
{
    timetz.spare = 0;
    memcpy(value, &timetz, sizeof timetz);
}

typedef struct type_civil { /* a broken-down local time */
    int year; /* astronomical: 0 is 1 BC */
    int month, day, hour, minute, second, usec;
} type_civil;

static inline bool type_is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}
int type_days_in_month(int64_t year, int month);
int64_t type_days_from_civil(int64_t year, int month, int day); /* since 2000-01-01 */
void type_civil_from_days(int64_t days, int *year, int *month, int *day);
/* A timestamp's fields; usecs finite. */
void type_civil_from_timestamp(int64_t usecs, type_civil *civil);
/* False where it is outside the range of timestamps. */
bool type_timestamp_from_civil(const type_civil *civil, int64_t *usecs);
bool type_timestamp_is_valid(int64_t usecs);
/* The local time of an instant, and the instant of a local time; both finite. False: out of range. */
int64_t type_to_local(const rdb_timezone *zone, int64_t instant, type_zone_moment *moment);
bool type_from_local(const rdb_timezone *zone, int64_t local, int64_t *instant);
static inline int64_t type_floor_div(int64_t number, int64_t divisor)
{
    return number / divisor - (number % divisor < 0);
}

/* Rounds a time of microseconds to typmod's digits, half away from zero. */
int64_t type_round_usecs(int64_t usecs, int32_t typmod);
bool type_timestamp_range_error(rdb_call *call); /* 22008 timestamp out of range */

/* What the text of a date, time or timestamp said. */
typedef enum type_datetime_kind {
    TYPE_DATETIME_VALUE,
    TYPE_DATETIME_INFINITY,
    TYPE_DATETIME_MINUS_INFINITY,
    TYPE_DATETIME_EPOCH
} type_datetime_kind;
typedef struct type_datetime {
    type_datetime_kind kind;
    type_civil civil;
    bool has_date, has_time, has_zone;
    int32_t west;             /* seconds, where has_zone */
    const rdb_timezone *zone; /* a zone by name: its offset depends on the date; NULL: west holds */
    const rdb_timezone *history; /* of an abbreviation whose offset depends on the date, where there is one; west is today's */
    const char *abbreviation;
} type_datetime;
/* type_name is used in errors. */
bool type_parse_datetime(rdb_call *call, rdb_slice text, const char *type_name, bool is_time_only, type_datetime *result);
bool type_interval_apply_typmod(rdb_call *call, int32_t typmod, type_interval *interval);
__int128 type_interval_span(type_interval interval); /* one number, as intervals compare */
bool type_parse_interval(rdb_call *call, rdb_slice text, int32_t typmod, type_interval *result);

bool type_interval_multiply(rdb_call *call, type_interval interval, double factor, type_interval *product);
bool type_interval_add(rdb_call *call, type_interval x, type_interval y, type_interval *sum);
/* moment + interval: of a timestamp without zone (is_local), or of an instant with months and days counted in the zone. */
bool type_add_interval_to(rdb_call *call, int64_t moment, type_interval interval, bool is_local, const rdb_timezone *zone, int64_t *result);
/* +2, -03:30, +033000: east is positive. */
typedef enum type_zone_outcome { TYPE_ZONE_GOOD, TYPE_ZONE_MALFORMED, TYPE_ZONE_OUT_OF_RANGE } type_zone_outcome;
type_zone_outcome type_zone_number(const char *text, int32_t *west);
/* A zone as SQL names it: zone, or NULL and a fixed offset east in seconds. */
/* A local time written with such an abbreviation. */
bool type_from_abbreviation(const rdb_timezone *zone, const char *abbreviation, int64_t local, int64_t *instant);
bool type_zone_argument(rdb_call *call, rdb_bytes name, const rdb_timezone **zone, int32_t *offset);

void type_add_date(rdb_strbuf *text, const rdb_format_settings *format, int32_t days);
void type_add_time(rdb_strbuf *text, int64_t usecs);
void type_add_zone(rdb_strbuf *text, int32_t west, bool iso);
void type_add_timestamp(rdb_strbuf *text, const rdb_format_settings *format, int64_t usecs, bool with_zone);
void type_add_interval(rdb_strbuf *text, const rdb_format_settings *format, type_interval interval);

#endif
