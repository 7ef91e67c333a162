/* SPDX-License-Identifier: Apache-2.0
 * Arithmetic of dates, times and intervals. Months and days are added to local time and clamped to the month's end;
 * hours and less are added to the instant. */
#include "type/datetime.h"
#include "type/tables.h"
#include <math.h>
#include <sys/time.h>
#include <time.h>

static bool is_infinite(int64_t usecs)
{
    return usecs == TYPE_TIMESTAMP_INFINITY || usecs == TYPE_TIMESTAMP_MINUS_INFINITY;
}

static bool interval_range(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "interval out of range");
}

/* ---- a moment and an interval -------------------------------------------------------------------------------------------------- */
static bool add_months(int64_t *local, int32_t months)
{
    type_civil civil;
    type_civil_from_timestamp(*local, &civil);
    int64_t month = (int64_t)civil.year * 12 + civil.month - 1 + months;
    civil.year = (int)type_floor_div(month, 12);
    civil.month = (int)(month - (int64_t)civil.year * 12) + 1;
    if (civil.year > 300000 || civil.year < -5000)
        return false;
    civil.day = RDB_MIN(civil.day, type_days_in_month(civil.year, civil.month));
    return type_timestamp_from_civil(&civil, local);
}

static bool add_days(int64_t *local, int32_t days)
{
    __int128 moved = *local + (__int128)days * TYPE_USECS_PER_DAY; /* the way may be longer than the calendar, from end to end */
    if (moved < TYPE_TIMESTAMP_MIN || moved >= TYPE_TIMESTAMP_END)
        return false;
    *local = (int64_t)moved;
    return true;
}

/* zone: in which months and days are counted, for an instant; NULL with local true for a timestamp without zone. */
bool type_add_interval_to(rdb_call *call, int64_t moment, type_interval interval, bool is_local, const rdb_timezone *zone, int64_t *result)
{
    type_zone_moment unused;
    *result = moment;
    if (is_infinite(moment))
        return true;
    if (interval.months != 0 || interval.days != 0) {
        int64_t local = is_local ? moment : type_to_local(zone, moment, &unused);
        if ((interval.months != 0 && !add_months(&local, interval.months)) || (interval.days != 0 && !add_days(&local, interval.days)))
            return type_timestamp_range_error(call);
        if (is_local)
            *result = local;
        else if (!type_from_local(zone, local, result))
            return type_timestamp_range_error(call);
    }
    if (__builtin_add_overflow(*result, interval.usecs, result) || !type_timestamp_is_valid(*result))
        return type_timestamp_range_error(call);
    return true;
}

static type_interval negative(type_interval interval)
{
    /* the smallest of each stays itself, as in two's complement; what it is added to is out of range then */
    return (type_interval){.usecs = (int64_t)(0 - (uint64_t)interval.usecs), .days = (int32_t)(0 - (uint32_t)interval.days), .months = (int32_t)(0 - (uint32_t)interval.months)};
}

#define MOMENT_INTERVAL(name, first, second, local, expression)                                                            \
    TYPE_ROW_FUNCTION(name, 2)                                                                                             \
    {                                                                                                                      \
        type_interval interval = type_get_interval(a[second]);                                                             \
        return type_add_interval_to(call, a[first].i64, expression, local, call->format->timezone, &r->i64);               \
    }
MOMENT_INTERVAL(timestamp_plus, 0, 1, true, interval)
MOMENT_INTERVAL(timestamp_minus, 0, 1, true, negative(interval))
MOMENT_INTERVAL(timestamptz_plus, 0, 1, false, interval)
MOMENT_INTERVAL(timestamptz_minus, 0, 1, false, negative(interval))
MOMENT_INTERVAL(interval_plus_timestamp, 1, 0, true, interval)
MOMENT_INTERVAL(interval_plus_timestamptz, 1, 0, false, interval)

static bool date_moment(rdb_call *call, int32_t days, int64_t *moment)
{
    if (days == TYPE_DATE_INFINITY || days == TYPE_DATE_MINUS_INFINITY) {
        *moment = days > 0 ? TYPE_TIMESTAMP_INFINITY : TYPE_TIMESTAMP_MINUS_INFINITY;
        return true;
    }
    if (__builtin_mul_overflow((int64_t)days, TYPE_USECS_PER_DAY, moment) || !type_timestamp_is_valid(*moment))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date out of range for timestamp");
    return true;
}

#define DATE_INTERVAL(name, first, second, expression)                                                       \
    TYPE_ROW_FUNCTION(name, 2)                                                                               \
    {                                                                                                        \
        type_interval interval = type_get_interval(a[second]);                                               \
        int64_t moment;                                                                                      \
        return date_moment(call, a[first].i32, &moment) &&                                                   \
               type_add_interval_to(call, moment, expression, true, NULL, &r->i64);                          \
    }
DATE_INTERVAL(date_plus_interval, 0, 1, interval)
DATE_INTERVAL(date_minus_interval, 0, 1, negative(interval))
DATE_INTERVAL(interval_plus_date, 1, 0, interval)

/* ---- dates ----------------------------------------------------------------------------------------------------------------------- */
static bool shift_date(rdb_call *call, int32_t date, int64_t days, rdb_datum *r)
{
    int64_t shifted = date + days;
    if (date == TYPE_DATE_INFINITY || date == TYPE_DATE_MINUS_INFINITY) {
        r->i32 = date;
        return true;
    }
    if (shifted < TYPE_DATE_MIN || shifted > TYPE_DATE_MAX)
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date out of range");
    r->i32 = (int32_t)shifted;
    return true;
}

TYPE_ROW_FUNCTION(date_plus_days, 2)
{
    return shift_date(call, a[0].i32, a[1].i32, r);
}

TYPE_ROW_FUNCTION(days_plus_date, 2)
{
    return shift_date(call, a[1].i32, a[0].i32, r);
}

TYPE_ROW_FUNCTION(date_minus_days, 2)
{
    return shift_date(call, a[0].i32, -(int64_t)a[1].i32, r);
}

TYPE_ROW_FUNCTION(date_minus_date, 2)
{
    for (int i = 0; i < 2; i++) {
        if (a[i].i32 == TYPE_DATE_INFINITY || a[i].i32 == TYPE_DATE_MINUS_INFINITY)
            return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "cannot subtract infinite dates");
    }
    r->i32 = a[0].i32 - a[1].i32;
    return true;
}

static bool date_time(rdb_call *call, rdb_datum date, rdb_datum time, rdb_datum *r)
{
    if (!date_moment(call, date.i32, &r->i64))
        return false;
    if (!is_infinite(r->i64))
        r->i64 += time.i64;
    return is_infinite(r->i64) || type_timestamp_is_valid(r->i64) || type_timestamp_range_error(call);
}

TYPE_ROW_FUNCTION(date_plus_time, 2)
{
    return date_time(call, a[0], a[1], r);
}

TYPE_ROW_FUNCTION(time_plus_date, 2)
{
    return date_time(call, a[1], a[0], r);
}

TYPE_ROW_FUNCTION(timestamptz_of_date_time, 2)
{
    return date_time(call, a[0], a[1], r) && (is_infinite(r->i64) || type_from_local(call->format->timezone, r->i64, &r->i64) || type_timestamp_range_error(call));
}

static bool date_timetz(rdb_call *call, rdb_datum date, rdb_datum time, rdb_datum *r)
{
    type_timetz timetz = type_get_timetz(time);
    if (!date_moment(call, date.i32, &r->i64))
        return false;
    if (!is_infinite(r->i64))
        r->i64 += timetz.usecs + timetz.west * TYPE_USECS_PER_SEC;
    return is_infinite(r->i64) || type_timestamp_is_valid(r->i64) || type_timestamp_range_error(call);
}

TYPE_ROW_FUNCTION(date_plus_timetz, 2)
{
    return date_timetz(call, a[0], a[1], r);
}

TYPE_ROW_FUNCTION(timetz_plus_date, 2)
{
    return date_timetz(call, a[1], a[0], r);
}

/* ---- differences ---------------------------------------------------------------------------------------------------------------------- */
TYPE_ROW_FUNCTION(timestamp_difference, 2)
{
    type_interval interval = {0};
    if (is_infinite(a[0].i64) || is_infinite(a[1].i64))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "cannot subtract infinite timestamps");
    if (__builtin_sub_overflow(a[0].i64, a[1].i64, &interval.usecs))
        return interval_range(call);
    interval.days = (int32_t)(interval.usecs / TYPE_USECS_PER_DAY);
    interval.usecs %= TYPE_USECS_PER_DAY;
    type_put_interval(r, interval);
    return true;
}

/* years, months, days and clock between two local times */
static bool age_between(rdb_call *call, int64_t later, int64_t earlier, rdb_datum *r)
{
    if (is_infinite(later) || is_infinite(earlier))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "timestamp out of range");
    bool swapped = later < earlier;
    type_civil x, y;
    type_civil_from_timestamp(swapped ? earlier : later, &x);
    type_civil_from_timestamp(swapped ? later : earlier, &y);
    int64_t usecs = (x.hour - y.hour) * TYPE_USECS_PER_HOUR + (x.minute - y.minute) * TYPE_USECS_PER_MINUTE +
                    (x.second - y.second) * TYPE_USECS_PER_SEC + (x.usec - y.usec);
    int days = x.day - y.day, months = (x.year - y.year) * 12 + x.month - y.month;
    while (usecs < 0) {
        usecs += TYPE_USECS_PER_DAY;
        days--;
    }
    while (days < 0) {
        /* the length of the month in which the span starts; where it was swapped, of the one in which it ends */
        days += swapped ? type_days_in_month(x.year, x.month) : type_days_in_month(y.year, y.month);
        months--;
    }
    type_interval age = {.usecs = usecs, .days = days, .months = months};
    type_put_interval(r, swapped ? negative(age) : age);
    return true;
}

TYPE_ROW_FUNCTION(timestamp_age, 2)
{
    return age_between(call, a[0].i64, a[1].i64, r);
}

static int64_t as_local(const rdb_call *call, int64_t instant)
{
    type_zone_moment unused;
    return is_infinite(instant) ? instant : type_to_local(call->format->timezone, instant, &unused);
}

TYPE_ROW_FUNCTION(timestamptz_age, 2)
{
    return age_between(call, as_local(call, a[0].i64), as_local(call, a[1].i64), r);
}

static int64_t today(const rdb_call *call)
{
    return type_floor_div(as_local(call, call->transaction_us), TYPE_USECS_PER_DAY) * TYPE_USECS_PER_DAY;
}

TYPE_ROW_FUNCTION(timestamp_age_today, 1)
{
    return age_between(call, today(call), a[0].i64, r);
}

TYPE_ROW_FUNCTION(timestamptz_age_today, 1)
{
    return age_between(call, today(call), as_local(call, a[0].i64), r);
}

/* ---- intervals ---------------------------------------------------------------------------------------------------------------------------- */
bool type_interval_add(rdb_call *call, type_interval x, type_interval y, type_interval *sum)
{
    if (__builtin_add_overflow(x.usecs, y.usecs, &sum->usecs) || __builtin_add_overflow(x.days, y.days, &sum->days) ||
        __builtin_add_overflow(x.months, y.months, &sum->months))
        return interval_range(call);
    return true;
}

TYPE_ROW_FUNCTION(interval_plus, 2)
{
    type_interval sum;
    if (!type_interval_add(call, type_get_interval(a[0]), type_get_interval(a[1]), &sum))
        return false;
    type_put_interval(r, sum);
    return true;
}

TYPE_ROW_FUNCTION(interval_minus, 2)
{
    type_interval x = type_get_interval(a[0]), y = type_get_interval(a[1]), sum;
    if (__builtin_sub_overflow(x.usecs, y.usecs, &sum.usecs) || __builtin_sub_overflow(x.days, y.days, &sum.days) ||
        __builtin_sub_overflow(x.months, y.months, &sum.months))
        return interval_range(call);
    type_put_interval(r, sum);
    return true;
}

TYPE_ROW_FUNCTION(interval_negate, 1)
{
    type_interval interval = type_get_interval(a[0]);
    if (interval.usecs == INT64_MIN || interval.days == INT32_MIN || interval.months == INT32_MIN)
        return interval_range(call);
    type_put_interval(r, negative(interval));
    return true;
}

static double at_microseconds(double number)
{
    return rint(number * 1000000.0) / 1000000.0;
}

/* Each part by the factor; what is left of months goes to days (30 to a month), of days to the clock. */
static bool scale_interval(rdb_call *call, type_interval interval, double factor, bool divide, rdb_datum *r)
{
    type_interval result;
    double months = divide ? interval.months / factor : interval.months * factor;
    double days = divide ? interval.days / factor : interval.days * factor;
    if (isnan(months) || months > INT32_MAX || months < INT32_MIN || isnan(days) || days > INT32_MAX || days < INT32_MIN)
        return interval_range(call);
    result.months = (int32_t)months;
    result.days = (int32_t)days;
    double month_rest_days = at_microseconds((months - result.months) * 30);
    double seconds = at_microseconds((days - result.days + month_rest_days - trunc(month_rest_days)) * 86400);
    if (fabs(seconds) >= 86400) {
        if (__builtin_add_overflow(result.days, (int32_t)(seconds / 86400), &result.days))
            return interval_range(call);
        seconds -= trunc(seconds / 86400) * 86400;
    }
    if (__builtin_add_overflow(result.days, (int32_t)month_rest_days, &result.days))
        return interval_range(call);
    double usecs = rint((divide ? (double)interval.usecs / factor : (double)interval.usecs * factor) + seconds * 1000000.0);
    if (isnan(usecs) || usecs >= 9223372036854775807.0 || usecs < -9223372036854775808.0)
        return interval_range(call);
    result.usecs = (int64_t)usecs;
    type_put_interval(r, result);
    return true;
}

bool type_interval_multiply(rdb_call *call, type_interval interval, double factor, type_interval *product)
{
    rdb_datum result = {.words = {0, 0}};
    if (!scale_interval(call, interval, factor, false, &result))
        return false;
    *product = type_get_interval(result);
    return true;
}

TYPE_ROW_FUNCTION(interval_times, 2)
{
    return scale_interval(call, type_get_interval(a[0]), a[1].f8, false, r);
}

TYPE_ROW_FUNCTION(times_interval, 2)
{
    return scale_interval(call, type_get_interval(a[1]), a[0].f8, false, r);
}

TYPE_ROW_FUNCTION(interval_divide, 2)
{
    if (a[1].f8 == 0)
        return rdb_error_set(call->err, RDB_DIVISION_BY_ZERO, "division by zero");
    return scale_interval(call, type_get_interval(a[0]), a[1].f8, true, r);
}

/* Parts of an interval while they move into one another: wider than they are stored. */
typedef struct parts {
    int64_t usecs, days, months;
} parts;

static void justify_hours(parts *p)
{
    p->days += p->usecs / TYPE_USECS_PER_DAY;
    p->usecs %= TYPE_USECS_PER_DAY;
    if (p->days > 0 && p->usecs < 0) {
        p->usecs += TYPE_USECS_PER_DAY;
        p->days--;
    } else if (p->days < 0 && p->usecs > 0) {
        p->usecs -= TYPE_USECS_PER_DAY;
        p->days++;
    }
}

static void justify_days(parts *p)
{
    p->months += p->days / 30;
    p->days %= 30;
    if (p->months > 0 && p->days < 0) {
        p->days += 30;
        p->months--;
    } else if (p->months < 0 && p->days > 0) {
        p->days -= 30;
        p->months++;
    }
}

static void justify_both(parts *p)
{
    p->days += p->usecs / TYPE_USECS_PER_DAY;
    p->usecs %= TYPE_USECS_PER_DAY;
    p->months += p->days / 30;
    p->days %= 30;
    if (p->months > 0 && (p->days < 0 || (p->days == 0 && p->usecs < 0))) {
        p->days += 30;
        p->months--;
    } else if (p->months < 0 && (p->days > 0 || (p->days == 0 && p->usecs > 0))) {
        p->days -= 30;
        p->months++;
    }
    if (p->days > 0 && p->usecs < 0) {
        p->usecs += TYPE_USECS_PER_DAY;
        p->days--;
    } else if (p->days < 0 && p->usecs > 0) {
        p->usecs -= TYPE_USECS_PER_DAY;
        p->days++;
    }
}

static bool justify(rdb_call *call, rdb_datum value, void (*move)(parts *p), rdb_datum *r)
{
    type_interval interval = type_get_interval(value);
    parts p = {.usecs = interval.usecs, .days = interval.days, .months = interval.months};
    move(&p);
    if (p.days < INT32_MIN || p.days > INT32_MAX || p.months < INT32_MIN || p.months > INT32_MAX)
        return interval_range(call);
    type_put_interval(r, (type_interval){.usecs = p.usecs, .days = (int32_t)p.days, .months = (int32_t)p.months});
    return true;
}

TYPE_ROW_FUNCTION(interval_justify_hours, 1) { return justify(call, a[0], justify_hours, r); }
TYPE_ROW_FUNCTION(interval_justify_days, 1) { return justify(call, a[0], justify_days, r); }
TYPE_ROW_FUNCTION(interval_justify, 1) { return justify(call, a[0], justify_both, r); }

/* ---- times of day ------------------------------------------------------------------------------------------------------------------------------ */
static int64_t of_day(int64_t usecs)
{
    return usecs - type_floor_div(usecs, TYPE_USECS_PER_DAY) * TYPE_USECS_PER_DAY;
}

#define TIME_INTERVAL(name, first, second, sign)                                                      \
    TYPE_ROW_FUNCTION(name, 2)                                                                        \
    {                                                                                                 \
        r->i64 = of_day(a[first].i64 sign type_get_interval(a[second]).usecs % TYPE_USECS_PER_DAY);   \
        return true;                                                                                  \
    }                                                                                                 \
    TYPE_ROW_FUNCTION(name##_tz, 2)                                                                   \
    {                                                                                                 \
        type_timetz timetz = type_get_timetz(a[first]);                                               \
        timetz.usecs = of_day(timetz.usecs sign type_get_interval(a[second]).usecs % TYPE_USECS_PER_DAY); \
        type_put_timetz(r, timetz);                                                                   \
        return true;                                                                                  \
    }
TIME_INTERVAL(time_plus, 0, 1, +)
TIME_INTERVAL(time_minus, 0, 1, -)
TIME_INTERVAL(interval_plus_time, 1, 0, +)

TYPE_ROW_FUNCTION(time_difference, 2)
{
    type_put_interval(r, (type_interval){.usecs = a[0].i64 - a[1].i64});
    return true;
}

/* ---- now ------------------------------------------------------------------------------------------------------------------------------------------ */
TYPE_ROW_FUNCTION(transaction_now, 0)
{
    r->i64 = call->transaction_us;
    return true;
}

TYPE_ROW_FUNCTION(statement_now, 0)
{
    r->i64 = call->statement_us;
    return true;
}

static int64_t wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (now.tv_sec - TYPE_UNIX_EPOCH_SECS) * TYPE_USECS_PER_SEC + now.tv_nsec / 1000;
}

TYPE_ROW_FUNCTION(clock_now, 0)
{
    r->i64 = wall_clock();
    return true;
}

TYPE_ROW_FUNCTION(time_of_day, 0)
{
    rdb_strbuf text;
    type_zone_moment moment;
    type_civil civil;
    static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t local = type_to_local(call->format->timezone, wall_clock(), &moment), days = type_floor_div(local, TYPE_USECS_PER_DAY);
    type_civil_from_timestamp(local, &civil);
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_addf(&text, "%s %s %02d %02d:%02d:%02d.%06d %04d %s", DAYS[((days + 6) % 7 + 7) % 7], MONTHS[civil.month - 1], civil.day,
                    civil.hour, civil.minute, civil.second, civil.usec, civil.year, moment.abbreviation);
    return type_take_buffer(call, &text, r);
}

/* ---- making ------------------------------------------------------------------------------------------------------------------------------------------ */
static bool make_days(rdb_call *call, int32_t year, int32_t month, int32_t day, int64_t *days)
{
    int32_t astronomical = year < 0 ? year + 1 : year;
    if (year == 0 || month < 1 || month > 12 || day < 1 || astronomical > 5874897 || astronomical < -4713 || day > type_days_in_month(astronomical, month))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date field value out of range: %d-%02d-%02d", year, month, day);
    *days = type_days_from_civil(astronomical, month, day);
    return true;
}

static bool make_clock(rdb_call *call, int32_t hour, int32_t minute, double second, int64_t *usecs)
{
    if (isnan(second) || hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 60 ||
        (hour == 24 && (minute > 0 || second > 0)))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "time field value out of range: %d:%02d:%02g", hour, minute, second);
    *usecs = hour * TYPE_USECS_PER_HOUR + minute * TYPE_USECS_PER_MINUTE + (int64_t)rint(second * 1000000.0);
    return true;
}

TYPE_ROW_FUNCTION(make_date, 3)
{
    int64_t days = 0;
    if (!make_days(call, a[0].i32, a[1].i32, a[2].i32, &days))
        return false;
    r->i32 = (int32_t)days;
    return true;
}

TYPE_ROW_FUNCTION(make_time, 3)
{
    return make_clock(call, a[0].i32, a[1].i32, a[2].f8, &r->i64);
}

static bool make_local(rdb_call *call, const rdb_datum *a, int64_t *local)
{
    int64_t days = 0, usecs = 0;
    if (!make_days(call, a[0].i32, a[1].i32, a[2].i32, &days) || !make_clock(call, a[3].i32, a[4].i32, a[5].f8, &usecs))
        return false;
    *local = days * TYPE_USECS_PER_DAY + usecs;
    return type_timestamp_is_valid(*local) || type_timestamp_range_error(call);
}

TYPE_ROW_FUNCTION(make_timestamp, 6)
{
    return make_local(call, a, &r->i64);
}

/* A zone's name, an abbreviation or a POSIX string. */
bool type_zone_argument(rdb_call *call, rdb_bytes name, const rdb_timezone **zone, int32_t *offset)
{
    bool is_dst;
    rdb_slice slice = {.data = name.data, .length = name.length};
    *zone = NULL;
    if (type_zone_abbreviation(slice, offset, &is_dst))
        return true;
    *zone = type_zone_find_posix(rdb_arena_strndup(call->arena, (const char *)name.data, name.length));
    return *zone != NULL || rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "time zone \"%.*s\" not recognized", (int)name.length, (const char *)name.data);
}

static int64_t unix_seconds_of(int64_t usecs)
{
    return type_floor_div(usecs, TYPE_USECS_PER_SEC) - RDB_UNIX_EPOCH_US_VALUE / TYPE_USECS_PER_SEC;
}

bool type_from_abbreviation(const rdb_timezone *zone, const char *abbreviation, int64_t local, int64_t *instant)
{
    int64_t about;
    if (!type_from_local(zone, local, &about))
        return false;
    *instant = local - type_zone_meaning(zone, abbreviation, unix_seconds_of(about)) * TYPE_USECS_PER_SEC;
    return type_timestamp_is_valid(*instant);
}

static bool local_to_instant(rdb_call *call, int64_t local, rdb_bytes name, int64_t *instant)
{
    const rdb_timezone *zone;
    int32_t offset = 0;
    *instant = local;
    if (is_infinite(local))
        return true;
    const char *abbreviation;
    if (type_zone_dynamic((rdb_slice){.data = name.data, .length = name.length}, &zone, &abbreviation))
        return type_from_abbreviation(zone, abbreviation, local, instant) || type_timestamp_range_error(call);
    if (!type_zone_argument(call, name, &zone, &offset))
        return false;
    bool ok = true;
    if (zone != NULL)
        ok = type_from_local(zone, local, instant);
    else
        *instant = local - offset * TYPE_USECS_PER_SEC;
    return (ok && type_timestamp_is_valid(*instant)) || type_timestamp_range_error(call);
}

TYPE_ROW_FUNCTION(make_timestamptz, 6)
{
    return make_local(call, a, &r->i64) && (type_from_local(call->format->timezone, r->i64, &r->i64) || type_timestamp_range_error(call));
}

TYPE_ROW_FUNCTION(make_timestamptz_at, 7)
{
    const char *zone = rdb_arena_strndup(call->arena, (const char *)a[6].bytes.data, a[6].bytes.length);
    int32_t west = 0;
    if (type_is_digit((unsigned char)zone[0])) {
        rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid input syntax for type %s: \"%s\"", "numeric time zone", zone);
        return rdb_error_hint(call->err, "Numeric time zones must have \"-\" or \"+\" as first character.");
    }
    type_zone_outcome outcome = type_zone_number(zone, &west);
    if (outcome == TYPE_ZONE_OUT_OF_RANGE)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "numeric time zone \"%s\" out of range", zone);
    if (outcome == TYPE_ZONE_GOOD) { /* as in a timestamp's text, not as in POSIX */
        if (!make_local(call, a, &r->i64))
            return false;
        r->i64 += west * TYPE_USECS_PER_SEC;
        return type_timestamp_is_valid(r->i64) || type_timestamp_range_error(call);
    }
    return make_local(call, a, &r->i64) && local_to_instant(call, r->i64, a[6].bytes, &r->i64);
}

TYPE_ROW_FUNCTION(make_interval, 7)
{
    type_interval interval;
    int64_t months = (int64_t)a[0].i32 * 12 + a[1].i32, days = (int64_t)a[2].i32 * 7 + a[3].i32;
    if (isnan(a[6].f8) || isinf(a[6].f8) || months > INT32_MAX || months < INT32_MIN || days > INT32_MAX || days < INT32_MIN)
        return interval_range(call);
    interval.months = (int32_t)months;
    interval.days = (int32_t)days;
    interval.usecs = a[4].i32 * TYPE_USECS_PER_HOUR + a[5].i32 * TYPE_USECS_PER_MINUTE + (int64_t)rint(a[6].f8 * 1000000.0);
    type_put_interval(r, interval);
    return true;
}

TYPE_ROW_FUNCTION(timestamptz_of_unix, 1)
{
    double seconds = a[0].f8;
    if (isnan(seconds))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "timestamp cannot be NaN");
    if (isinf(seconds)) {
        r->i64 = seconds > 0 ? TYPE_TIMESTAMP_INFINITY : TYPE_TIMESTAMP_MINUS_INFINITY;
        return true;
    }
    double shifted = (seconds - (double)TYPE_UNIX_EPOCH_SECS) * 1000000.0;
    if (shifted < (double)TYPE_TIMESTAMP_MIN || shifted >= (double)TYPE_TIMESTAMP_END)
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "timestamp out of range: \"%g\"", seconds);
    r->i64 = (int64_t)rint(shifted);
    return true;
}

/* ---- AT TIME ZONE ------------------------------------------------------------------------------------------------------------------------------------ */
TYPE_ROW_FUNCTION(timestamp_at_zone, 2)
{
    return local_to_instant(call, a[1].i64, a[0].bytes, &r->i64);
}

TYPE_ROW_FUNCTION(timestamptz_at_zone, 2)
{
    const rdb_timezone *zone;
    type_zone_moment moment;
    int32_t offset = 0;
    r->i64 = a[1].i64;
    if (is_infinite(a[1].i64))
        return true;
    const char *abbreviation;
    if (type_zone_dynamic((rdb_slice){.data = a[0].bytes.data, .length = a[0].bytes.length}, &zone, &abbreviation)) {
        r->i64 = a[1].i64 + type_zone_meaning(zone, abbreviation, unix_seconds_of(a[1].i64)) * TYPE_USECS_PER_SEC;
        return type_timestamp_is_valid(r->i64) || type_timestamp_range_error(call);
    }
    if (!type_zone_argument(call, a[0].bytes, &zone, &offset))
        return false;
    r->i64 = zone != NULL ? type_to_local(zone, a[1].i64, &moment) : a[1].i64 + offset * TYPE_USECS_PER_SEC;
    return type_timestamp_is_valid(r->i64) || type_timestamp_range_error(call);
}

static bool zone_interval(rdb_call *call, rdb_datum value, int64_t *offset)
{
    type_interval interval = type_get_interval(value);
    *offset = interval.usecs / TYPE_USECS_PER_SEC * TYPE_USECS_PER_SEC; /* zones know whole seconds */
    if (interval.months == 0 && interval.days == 0)
        return true;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    type_add_interval(&text, call->format, interval);
    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "interval time zone \"%s\" must not include months or days", text.data);
}

TYPE_ROW_FUNCTION(timestamp_at_offset, 2)
{
    int64_t offset;
    r->i64 = a[1].i64;
    if (is_infinite(a[1].i64))
        return true;
    if (!zone_interval(call, a[0], &offset))
        return false;
    return (!__builtin_sub_overflow(a[1].i64, offset, &r->i64) && type_timestamp_is_valid(r->i64)) || type_timestamp_range_error(call);
}

TYPE_ROW_FUNCTION(timestamptz_at_offset, 2)
{
    int64_t offset;
    r->i64 = a[1].i64;
    if (is_infinite(a[1].i64))
        return true;
    if (!zone_interval(call, a[0], &offset))
        return false;
    return (!__builtin_add_overflow(a[1].i64, offset, &r->i64) && type_timestamp_is_valid(r->i64)) || type_timestamp_range_error(call);
}

TYPE_UNARY(date_is_finite, int32_t, uint8_t, x != TYPE_DATE_INFINITY && x != TYPE_DATE_MINUS_INFINITY)
TYPE_UNARY(timestamp_is_finite, int64_t, uint8_t, !is_infinite(x))
TYPE_UNARY(interval_is_finite, type_interval, uint8_t, (x.usecs | 1) != 0)

/* ---- sum and average of intervals ------------------------------------------------------------------------------------------------------------------------ */
typedef struct interval_state {
    type_interval sum;
    int64_t count;
} interval_state;

static bool interval_update(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection)
{
    RDB_FOR_SELECTED (selection, row) {
        interval_state *state = states[row_at];
        state->count++;
        if (!type_interval_add(call, state->sum, RDB_AT(arguments[0], type_interval, row), &state->sum))
            return false;
    }
    return true;
}

static bool interval_combine(rdb_call *call, void *into, const void *from)
{
    interval_state *total = into;
    const interval_state *other = from;
    total->count += other->count;
    return type_interval_add(call, total->sum, other->sum, &total->sum);
}

static bool interval_sum_finish(TYPE_UNUSED rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    const interval_state *total = state;
    *is_null = total->count == 0;
    type_put_interval(value, total->sum);
    return true;
}

static bool interval_average_finish(rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    const interval_state *total = state;
    *is_null = total->count == 0;
    return *is_null || scale_interval(call, total->sum, (double)total->count, true, value);
}

/* The same instant of the day under another offset. */
static void move_timetz(type_timetz timetz, int32_t west, rdb_datum *r)
{
    int64_t usecs = timetz.usecs + (int64_t)(timetz.west - west) * TYPE_USECS_PER_SEC;
    type_put_timetz(r, (type_timetz){.usecs = usecs - type_floor_div(usecs, TYPE_USECS_PER_DAY) * TYPE_USECS_PER_DAY, .west = west});
}

/* The offset of a zone is that of the transaction's moment, a time of day having none. */
TYPE_ROW_FUNCTION(timetz_at_zone, 2)
{
    const rdb_timezone *zone;
    int32_t offset = 0;
    if (!type_zone_argument(call, a[0].bytes, &zone, &offset))
        return false;
    if (zone != NULL) {
        type_zone_moment moment = {0};
        (void)type_to_local(zone, call->transaction_us, &moment);
        offset = moment.offset;
    }
    move_timetz(type_get_timetz(a[1]), -offset, r);
    return true;
}

TYPE_ROW_FUNCTION(timetz_at_offset, 2)
{
    type_interval interval = type_get_interval(a[0]);
    if (interval.months != 0 || interval.days != 0) {
        rdb_strbuf text;
        rdb_strbuf_init(&text, call->arena);
        type_add_interval(&text, call->format, interval);
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "interval time zone \"%s\" must not include months or days", text.data);
    }
    move_timetz(type_get_timetz(a[1]), (int32_t)(-interval.usecs / TYPE_USECS_PER_SEC), r);
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"timestamp_pl_interval", timestamp_plus, F, 0}, {"timestamp_mi_interval", timestamp_minus, F, 0},
    {"timestamptz_pl_interval", timestamptz_plus, F, 0}, {"timestamptz_mi_interval", timestamptz_minus, F, 0},
    {NULL, interval_plus_timestamp, F, 2548}, {NULL, interval_plus_timestamptz, F, 2549}, {NULL, interval_plus_date, F, 2546},
    {"date_pl_interval", date_plus_interval, F, 0}, {"date_mi_interval", date_minus_interval, F, 0},
    {"date_pli", date_plus_days, F, 0}, {"date_mii", date_minus_days, F, 0}, {NULL, days_plus_date, F, 2550}, {"date_mi", date_minus_date, F, 0},
    {"datetime_timestamp", date_plus_time, F, 0}, {NULL, time_plus_date, F, 1296}, {NULL, timestamptz_of_date_time, F, 1176},
    {"datetimetz_timestamptz", date_plus_timetz, F, 0}, {NULL, timetz_plus_date, F, 1298},
    {"timestamp_mi", timestamp_difference, F, 0}, {"timestamp_age", timestamp_age, F, 0}, {"timestamptz_age", timestamptz_age, F, 0},
    {NULL, timestamp_age_today, F, 2059}, {NULL, timestamptz_age_today, F, 1386},
    {"interval_pl", interval_plus, F, 0}, {"interval_mi", interval_minus, F, 0}, {"interval_um", interval_negate, F, 0},
    {"interval_mul", interval_times, F, 0}, {"mul_d_interval", times_interval, F, 0}, {"interval_div", interval_divide, F, 0},
    {"interval_justify_hours", interval_justify_hours, 0, 0}, {"interval_justify_days", interval_justify_days, 0, 0},
    {"interval_justify_interval", interval_justify, 0, 0},
    {"time_pl_interval", time_plus, 0, 0}, {"time_mi_interval", time_minus, 0, 0}, {"timetz_pl_interval", time_plus_tz, 0, 0},
    {"timetz_mi_interval", time_minus_tz, 0, 0}, {NULL, interval_plus_time, 0, 1848}, {NULL, interval_plus_time_tz, 0, 2547},
    {"time_mi_time", time_difference, 0, 0},
    {"now", transaction_now, 0, 0}, {"statement_timestamp", statement_now, 0, 0}, {"clock_timestamp", clock_now, 0, 0}, {"timeofday", time_of_day, 0, 0},
    {"make_date", make_date, F, 0}, {"make_time", make_time, F, 0}, {"make_timestamp", make_timestamp, F, 0},
    {"make_timestamptz", make_timestamptz, F, 0}, {"make_timestamptz_at_timezone", make_timestamptz_at, F, 0}, {"make_interval", make_interval, F, 0},
    {"float8_timestamptz", timestamptz_of_unix, F, 0},
    {"timestamp_zone", timestamp_at_zone, F, 0}, {"timestamptz_zone", timestamptz_at_zone, F, 0},
    {"timetz_zone", timetz_at_zone, F, 0}, {"timetz_izone", timetz_at_offset, F, 0},
    {"timestamp_izone", timestamp_at_offset, F, 0}, {"timestamptz_izone", timestamptz_at_offset, F, 0},
    {"date_finite", date_is_finite, 0, 0}, {"timestamp_finite", timestamp_is_finite, 0, 0}, {"interval_finite", interval_is_finite, 0, 0},
};
TYPE_KERNEL_TABLE(type_datetime_math_table, KERNELS);

static const rdb_aggregate_entry AGGREGATES[] = {
    {2113, sizeof(interval_state), interval_update, NULL, interval_combine, interval_sum_finish, RDB_AGGREGATE_SKIPS_NULLS},
    {2106, sizeof(interval_state), interval_update, NULL, interval_combine, interval_average_finish, RDB_AGGREGATE_SKIPS_NULLS},
};
TYPE_AGGREGATE_TABLE(type_interval_aggregate_table, AGGREGATES);
