/* SPDX-License-Identifier: Apache-2.0
 * Parts of dates and times: extract (exact, numeric) and date_part (double), date_trunc, date_bin. */
#include "type/datetime.h"
#include "type/numeric.h"
#include "type/tables.h"
#include <stdlib.h>
#include <math.h>

typedef enum part {
    NO_PART, MICROSECONDS, MILLISECONDS, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR, DECADE, CENTURY, MILLENNIUM,
    DOW, ISODOW, DOY, ISOYEAR, JULIAN, EPOCH, ZONE, ZONE_HOUR, ZONE_MINUTE
} part;

static part find_part(rdb_bytes name)
{
    static const struct {
        const char *name;
        part part;
    } PARTS[] = {
        {"microseconds", MICROSECONDS}, {"microsecond", MICROSECONDS}, {"usec", MICROSECONDS}, {"usecs", MICROSECONDS}, {"us", MICROSECONDS},
        {"milliseconds", MILLISECONDS}, {"millisecond", MILLISECONDS}, {"msec", MILLISECONDS}, {"msecs", MILLISECONDS}, {"ms", MILLISECONDS},
        {"second", SECOND}, {"seconds", SECOND}, {"sec", SECOND}, {"secs", SECOND}, {"s", SECOND},
        {"minute", MINUTE}, {"minutes", MINUTE}, {"min", MINUTE}, {"mins", MINUTE}, {"m", MINUTE},
        {"hour", HOUR}, {"hours", HOUR}, {"hr", HOUR}, {"hrs", HOUR}, {"h", HOUR}, {"day", DAY}, {"days", DAY}, {"d", DAY},
        {"week", WEEK}, {"weeks", WEEK}, {"w", WEEK}, {"month", MONTH}, {"months", MONTH}, {"mon", MONTH}, {"mons", MONTH},
        {"quarter", QUARTER}, {"qtr", QUARTER}, {"year", YEAR}, {"years", YEAR}, {"yr", YEAR}, {"yrs", YEAR}, {"y", YEAR},
        {"decade", DECADE}, {"decades", DECADE}, {"dec", DECADE}, {"decs", DECADE}, {"century", CENTURY}, {"centuries", CENTURY},
        {"cent", CENTURY}, {"c", CENTURY}, {"millennium", MILLENNIUM}, {"millennia", MILLENNIUM}, {"mil", MILLENNIUM}, {"mils", MILLENNIUM},
        {"dow", DOW}, {"isodow", ISODOW}, {"doy", DOY}, {"isoyear", ISOYEAR}, {"julian", JULIAN}, {"j", JULIAN}, {"jd", JULIAN}, {"epoch", EPOCH},
        {"timezone", ZONE}, {"timezone_hour", ZONE_HOUR}, {"timezone_h", ZONE_HOUR}, {"timezone_minute", ZONE_MINUTE}, {"timezone_m", ZONE_MINUTE},
    };
    rdb_slice slice = {.data = name.data, .length = name.length};
    for (size_t i = 0; i < RDB_COUNT_OF(PARTS); i++) {
        if (type_equals_ignoring_case(slice, PARTS[i].name))
            return PARTS[i].part;
    }
    return NO_PART;
}

/* An answer is a whole number over 10^scale. */
typedef struct answer {
    type_int128 number;
    int scale;
    bool is_null;
    int infinite; /* -1, 1: the field grows without bound */
} answer;

static bool unsupported(rdb_call *call, rdb_bytes name, const char *type_name, bool recognised)
{
    if (!recognised)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unit \"%.*s\" not recognized for type %s", (int)name.length, (const char *)name.data, type_name);
    return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "unit \"%.*s\" not supported for type %s", (int)name.length, (const char *)name.data, type_name);
}

/* The ISO week of a day and the year it belongs to: the week of its Thursday. */
static int iso_week(int64_t days, int *iso_year)
{
    int64_t weekday = ((days + 5) % 7 + 7) % 7, thursday = days - weekday + 3; /* 0 is Monday; 2000-01-01 was a Saturday */
    int month, day;
    type_civil_from_days(thursday, iso_year, &month, &day);
    return (int)((thursday - type_days_from_civil(*iso_year, 1, 1)) / 7) + 1;
}

static int64_t groups_of_years(int64_t year, int64_t size) /* centuries and millennia have no zeroth */
{
    return year > 0 ? (year + size - 1) / size : -((size - 1 - (year - 1)) / size);
}

static bool civil_part(part p, int64_t local, answer *out)
{
    type_civil civil;
    int64_t days = type_floor_div(local, TYPE_USECS_PER_DAY);
    int iso_year;
    type_civil_from_timestamp(local, &civil);
    switch (p) {
    case MICROSECONDS:
        out->number = civil.second * TYPE_USECS_PER_SEC + civil.usec;
        break;
    case MILLISECONDS:
        out->number = civil.second * TYPE_USECS_PER_SEC + civil.usec;
        out->scale = 3;
        break;
    case SECOND:
        out->number = civil.second * TYPE_USECS_PER_SEC + civil.usec;
        out->scale = 6;
        break;
    case MINUTE:
        out->number = civil.minute;
        break;
    case HOUR:
        out->number = civil.hour;
        break;
    case DAY:
        out->number = civil.day;
        break;
    case MONTH:
        out->number = civil.month;
        break;
    case QUARTER:
        out->number = (civil.month - 1) / 3 + 1;
        break;
    case WEEK:
        out->number = iso_week(days, &iso_year);
        break;
    case YEAR:
        out->number = civil.year > 0 ? civil.year : civil.year - 1;
        break;
    case DECADE:
        out->number = type_floor_div(civil.year, 10);
        break;
    case CENTURY:
        out->number = groups_of_years(civil.year, 100);
        break;
    case MILLENNIUM:
        out->number = groups_of_years(civil.year, 1000);
        break;
    case DOW:
        out->number = ((days + 6) % 7 + 7) % 7;
        break;
    case ISODOW:
        out->number = ((days + 5) % 7 + 7) % 7 + 1;
        break;
    case DOY:
        out->number = days - type_days_from_civil(civil.year, 1, 1) + 1;
        break;
    case ISOYEAR:
        iso_week(days, &iso_year);
        out->number = iso_year > 0 ? iso_year : iso_year - 1;
        break;
    default:
        return false;
    }
    return true;
}

static bool grows(part p)
{
    return p == YEAR || p == DECADE || p == CENTURY || p == MILLENNIUM || p == JULIAN || p == ISOYEAR || p == EPOCH;
}

static bool moment_part(rdb_call *call, rdb_bytes name, int64_t moment, bool with_zone, answer *out)
{
    const char *type_name = with_zone ? "timestamp with time zone" : "timestamp without time zone";
    part p = find_part(name);
    memset(out, 0, sizeof *out);
    if (p == NO_PART)
        return unsupported(call, name, type_name, false);
    if (moment == TYPE_TIMESTAMP_INFINITY || moment == TYPE_TIMESTAMP_MINUS_INFINITY) {
        out->is_null = !grows(p);
        out->infinite = moment > 0 ? 1 : -1;
        return (with_zone || p < ZONE) || unsupported(call, name, type_name, true);
    }
    type_zone_moment zone = {0};
    int64_t local = with_zone ? type_to_local(call->format->timezone, moment, &zone) : moment;
    if (p == EPOCH) {
        out->number = (type_int128)moment + TYPE_UNIX_EPOCH_SECS * TYPE_USECS_PER_SEC;
        out->scale = 6;
        return true;
    }
    if (p == JULIAN) { /* the day, and the share of it that has passed */
        int64_t days = type_floor_div(local, TYPE_USECS_PER_DAY), rest = local - days * TYPE_USECS_PER_DAY;
        out->number = (type_int128)(days + TYPE_JULIAN_2000);
        out->scale = 0;
        if (rest != 0) {
            type_uint128 share = ((type_uint128)rest * 10000000000ULL * 10000000000ULL + 43200000000ULL) / 86400000000ULL;
            out->number = out->number * (type_int128)((type_uint128)10000000000ULL * 10000000000ULL) + (type_int128)share;
            out->scale = 20;
        }
        return true;
    }
    if (p >= ZONE && with_zone) {
        out->number = p == ZONE ? zone.offset : p == ZONE_HOUR ? zone.offset / 3600 : zone.offset / 60 % 60;
        return true;
    }
    return civil_part(p, local, out) || unsupported(call, name, type_name, true);
}

static bool date_part_of(rdb_call *call, rdb_bytes name, int32_t days, answer *out)
{
    part p = find_part(name);
    memset(out, 0, sizeof *out);
    if (p == NO_PART)
        return unsupported(call, name, "date", false);
    if (p == MICROSECONDS || p == MILLISECONDS || p == SECOND || p == MINUTE || p == HOUR || p >= ZONE)
        return unsupported(call, name, "date", true);
    if (days == TYPE_DATE_INFINITY || days == TYPE_DATE_MINUS_INFINITY) {
        out->is_null = !grows(p);
        out->infinite = days > 0 ? 1 : -1;
        return true;
    }
    if (p == EPOCH) {
        out->number = ((type_int128)days + RDB_UNIX_EPOCH_DAYS) * 86400;
        return true;
    }
    if (p == JULIAN) {
        out->number = days + (int64_t)TYPE_JULIAN_2000;
        return true;
    }
    if (days > 106650000 - 10000) { /* past the range of timestamps: the calendar repeats every 400 years */
        int year, month, day, cycles = (days - 100000000) / 146097 + 1;
        type_civil_from_days(days, &year, &month, &day);
        if (p == YEAR || p == DECADE || p == CENTURY || p == MILLENNIUM) {
            out->number = p == YEAR ? year : p == DECADE ? year / 10 : groups_of_years(year, p == CENTURY ? 100 : 1000);
            return true;
        }
        if (!civil_part(p, (int64_t)(days - cycles * 146097) * TYPE_USECS_PER_DAY, out))
            return unsupported(call, name, "date", true);
        out->number += p == ISOYEAR ? cycles * 400 : 0;
        return true;
    }
    return civil_part(p, days * TYPE_USECS_PER_DAY, out) || unsupported(call, name, "date", true);
}

static bool clock_part(rdb_call *call, rdb_bytes name, int64_t usecs, const type_timetz *timetz, const char *type_name, answer *out)
{
    part p = find_part(name);
    memset(out, 0, sizeof *out);
    if (p == NO_PART)
        return unsupported(call, name, type_name, false);
    if (p == EPOCH) {
        out->number = usecs + (timetz != NULL ? timetz->west * TYPE_USECS_PER_SEC : 0);
        out->scale = 6;
        return true;
    }
    if (timetz != NULL && p >= ZONE) {
        int32_t east = -timetz->west;
        out->number = p == ZONE ? east : p == ZONE_HOUR ? east / 3600 : east / 60 % 60;
        return true;
    }
    if (p > HOUR)
        return unsupported(call, name, type_name, true);
    if (p == HOUR) {
        out->number = usecs / TYPE_USECS_PER_HOUR;
        return true;
    }
    return civil_part(p, usecs, out);
}

static bool interval_part(rdb_call *call, rdb_bytes name, type_interval interval, answer *out)
{
    part p = find_part(name);
    memset(out, 0, sizeof *out);
    if (p == NO_PART)
        return unsupported(call, name, "interval", false);
    int64_t seconds = interval.usecs % TYPE_USECS_PER_MINUTE;
    switch (p) {
    case MICROSECONDS:
        out->number = seconds;
        return true;
    case MILLISECONDS:
        out->number = seconds;
        out->scale = 3;
        return true;
    case SECOND:
        out->number = seconds;
        out->scale = 6;
        return true;
    case MINUTE:
        out->number = interval.usecs / TYPE_USECS_PER_MINUTE % 60;
        return true;
    case HOUR:
        out->number = interval.usecs / TYPE_USECS_PER_HOUR;
        return true;
    case DAY:
        out->number = interval.days;
        return true;
    case MONTH:
        out->number = interval.months % 12;
        return true;
    case QUARTER:
        out->number = interval.months % 12 / 3 + 1;
        return true;
    case YEAR:
        out->number = interval.months / 12;
        return true;
    case DECADE:
        out->number = interval.months / 120;
        return true;
    case CENTURY:
        out->number = interval.months / 1200;
        return true;
    case MILLENNIUM:
        out->number = interval.months / 12000;
        return true;
    case EPOCH: /* a year has 365.25 days, a month 30 */
        out->number = (type_int128)(interval.months / 12) * 31557600 * TYPE_USECS_PER_SEC +
                      ((type_int128)(interval.months % 12) * 30 + interval.days) * TYPE_USECS_PER_DAY + interval.usecs;
        out->scale = 6;
        return true;
    default:
        return unsupported(call, name, "interval", true);
    }
}

static bool give(rdb_call *call, const answer *found, bool exact, rdb_datum *r, bool *is_null)
{
    *is_null = found->is_null;
    if (found->is_null)
        return true;
    type_numeric number;
    type_numeric_set_int(&number, found->number, (uint16_t)found->scale);
    if (found->infinite != 0)
        type_numeric_set_special(&number, found->infinite > 0 ? TYPE_NUMERIC_INFINITY : TYPE_NUMERIC_MINUS_INFINITY);
    if (exact)
        return type_numeric_write(call, &number, r);
    r->f8 = found->scale == 0 && found->infinite == 0 ? (double)found->number : type_numeric_to_double(&number);
    return true;
}

#define PART_KERNELS(name, expression)                                                     \
    TYPE_ROW_FUNCTION(extract_##name, 2)                                                   \
    {                                                                                      \
        answer found;                                                                      \
        return (expression) && give(call, &found, true, r, is_null);                       \
    }                                                                                      \
    TYPE_ROW_FUNCTION(part_##name, 2)                                                      \
    {                                                                                      \
        answer found;                                                                      \
        return (expression) && give(call, &found, false, r, is_null);                      \
    }
PART_KERNELS(timestamp, moment_part(call, a[0].bytes, a[1].i64, false, &found))
PART_KERNELS(timestamptz, moment_part(call, a[0].bytes, a[1].i64, true, &found))
PART_KERNELS(date, date_part_of(call, a[0].bytes, a[1].i32, &found))
PART_KERNELS(time, clock_part(call, a[0].bytes, a[1].i64, NULL, "time without time zone", &found))
PART_KERNELS(timetz, clock_part(call, a[0].bytes, type_get_timetz(a[1]).usecs, &(type_timetz){.west = type_get_timetz(a[1]).west}, "time with time zone", &found))
PART_KERNELS(interval, interval_part(call, a[0].bytes, type_get_interval(a[1]), &found))

/* ---- cutting ---------------------------------------------------------------------------------------------------------------------- */
static bool truncate_local(part p, int64_t *local)
{
    type_civil civil;
    int64_t days = type_floor_div(*local, TYPE_USECS_PER_DAY);
    type_civil_from_timestamp(*local, &civil);
    int iso_year, year = civil.year;
    switch (p) {
    case MICROSECONDS:
        return true;
    case MILLISECONDS:
        *local -= civil.usec % 1000;
        return true;
    case SECOND:
        *local -= civil.usec;
        return true;
    case MINUTE:
        *local -= civil.second * TYPE_USECS_PER_SEC + civil.usec;
        return true;
    case HOUR:
        *local = days * TYPE_USECS_PER_DAY + civil.hour * TYPE_USECS_PER_HOUR;
        return true;
    case DAY:
        *local = days * TYPE_USECS_PER_DAY;
        return true;
    case WEEK:
        iso_week(days, &iso_year);
        *local = (days - ((days + 5) % 7 + 7) % 7) * TYPE_USECS_PER_DAY;
        return true;
    case MONTH:
        *local = type_days_from_civil(year, civil.month, 1) * TYPE_USECS_PER_DAY;
        return true;
    case QUARTER:
        *local = type_days_from_civil(year, (civil.month - 1) / 3 * 3 + 1, 1) * TYPE_USECS_PER_DAY;
        return true;
    case YEAR:
        break;
    case DECADE:
        year = (int)type_floor_div(year, 10) * 10;
        break;
    case CENTURY:
        year = (int)type_floor_div(year - 1, 100) * 100 + 1;
        break;
    case MILLENNIUM:
        year = (int)type_floor_div(year - 1, 1000) * 1000 + 1;
        break;
    default:
        return false;
    }
    *local = type_days_from_civil(year, 1, 1) * TYPE_USECS_PER_DAY;
    return true;
}

static bool is_infinite(int64_t usecs)
{
    return usecs == TYPE_TIMESTAMP_INFINITY || usecs == TYPE_TIMESTAMP_MINUS_INFINITY;
}

TYPE_ROW_FUNCTION(timestamp_trunc, 2)
{
    part p = find_part(a[0].bytes);
    r->i64 = a[1].i64;
    if (is_infinite(a[1].i64))
        return true;
    if (p == NO_PART || !truncate_local(p, &r->i64))
        return unsupported(call, a[0].bytes, "timestamp without time zone", p != NO_PART && p >= ZONE);
    return true;
}

static bool truncate_instant(rdb_call *call, rdb_bytes name, int64_t instant, const rdb_timezone *zone, rdb_datum *r)
{
    part p = find_part(name);
    type_zone_moment moment;
    r->i64 = instant;
    if (is_infinite(instant))
        return true;
    int64_t local = type_to_local(zone, instant, &moment);
    if (p == NO_PART || !truncate_local(p, &local))
        return unsupported(call, name, "timestamp with time zone", p != NO_PART && p >= ZONE);
    if (p <= HOUR) { /* within a day the offset stays: an hour that comes twice is not merged */
        r->i64 = local - moment.offset * TYPE_USECS_PER_SEC;
        return true;
    }
    return type_from_local(zone, local, &r->i64) || type_timestamp_range_error(call);
}

TYPE_ROW_FUNCTION(timestamptz_trunc, 2)
{
    return truncate_instant(call, a[0].bytes, a[1].i64, call->format->timezone, r);
}

TYPE_ROW_FUNCTION(timestamptz_trunc_zone, 3)
{
    r->i64 = a[1].i64;
    if (is_infinite(a[1].i64)) /* before unit and zone are looked at */
        return true;
    const rdb_slice name = {.data = a[2].bytes.data, .length = a[2].bytes.length};
    const rdb_timezone *zone;
    const char *text = rdb_arena_strndup(call->arena, (const char *)name.data, name.length);
    int32_t offset;
    bool is_dst;
    if (!type_zone_dynamic(name, &zone, &text)) {
        if (type_zone_abbreviation(name, &offset, &is_dst)) /* POSIX counts west */
            text = rdb_arena_printf(call->arena, "<%c%02d>%c%02d:%02d", offset < 0 ? '-' : '+', abs(offset) / 3600, offset < 0 ? '+' : '-', abs(offset) / 3600, abs(offset) / 60 % 60);
        zone = type_zone_find_posix(text);
    }
    if (zone == NULL)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "time zone \"%.*s\" not recognized", (int)a[2].bytes.length, (const char *)a[2].bytes.data);
    return truncate_instant(call, a[0].bytes, a[1].i64, zone, r);
}

TYPE_ROW_FUNCTION(interval_trunc, 2)
{
    static const int64_t STEP[] = {[MICROSECONDS] = 1, [MILLISECONDS] = 1000, [SECOND] = TYPE_USECS_PER_SEC, [MINUTE] = TYPE_USECS_PER_MINUTE, [HOUR] = TYPE_USECS_PER_HOUR};
    static const int32_t MONTHS[] = {[MONTH] = 1, [QUARTER] = 3, [YEAR] = 12, [DECADE] = 120, [CENTURY] = 1200, [MILLENNIUM] = 12000};
    type_interval interval = type_get_interval(a[1]);
    part p = find_part(a[0].bytes);
    if (p == NO_PART)
        return unsupported(call, a[0].bytes, "interval", false);
    if (p == WEEK) {
        unsupported(call, a[0].bytes, "interval", true);
        return rdb_error_detail(call->err, "Months usually have fractional weeks.");
    }
    if (p > MILLENNIUM)
        return unsupported(call, a[0].bytes, "interval", true);
    if (p <= HOUR) {
        interval.usecs = interval.usecs / STEP[p] * STEP[p];
    } else {
        interval.usecs = 0;
        if (p > DAY) {
            interval.days = 0;
            interval.months = interval.months / MONTHS[p] * MONTHS[p];
        }
    }
    type_put_interval(r, interval);
    return true;
}

TYPE_ROW_FUNCTION(timestamp_bin, 3)
{
    type_interval stride = type_get_interval(a[0]);
    r->i64 = a[1].i64;
    if (is_infinite(a[1].i64))
        return true;
    if (is_infinite(a[2].i64))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "origin out of range");
    if (stride.months != 0)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "timestamps cannot be binned into intervals containing months or years");
    int64_t step;
    if (__builtin_mul_overflow((int64_t)stride.days, TYPE_USECS_PER_DAY, &step) || __builtin_add_overflow(step, stride.usecs, &step))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "interval out of range");
    if (step <= 0)
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "stride must be greater than zero");
    int64_t apart;
    if (__builtin_sub_overflow(a[1].i64, a[2].i64, &apart))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "interval out of range");
    if (__builtin_mul_overflow(type_floor_div(apart, step), step, &apart) || __builtin_add_overflow(a[2].i64, apart, &r->i64) || !type_timestamp_is_valid(r->i64))
        return type_timestamp_range_error(call);
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"extract_timestamp", extract_timestamp, F, 0}, {"timestamp_part", part_timestamp, F, 0},
    {"extract_timestamptz", extract_timestamptz, F, 0}, {"timestamptz_part", part_timestamptz, F, 0},
    {"extract_date", extract_date, F, 0}, {NULL, part_date, F, 1384}, {"extract_time", extract_time, F, 0}, {"time_part", part_time, F, 0},
    {"extract_timetz", extract_timetz, F, 0}, {"timetz_part", part_timetz, F, 0},
    {"extract_interval", extract_interval, F, 0}, {"interval_part", part_interval, F, 0},
    {"timestamp_trunc", timestamp_trunc, F, 0}, {"timestamptz_trunc", timestamptz_trunc, F, 0},
    {"timestamptz_trunc_zone", timestamptz_trunc_zone, F, 0}, {"interval_trunc", interval_trunc, F, 0},
    {"timestamp_bin", timestamp_bin, F, 0}, {"timestamptz_bin", timestamp_bin, F, 0},
};
TYPE_KERNEL_TABLE(type_datetime_fields_table, KERNELS);
