/* SPDX-License-Identifier: Apache-2.0
 * Writing dates, times, timestamps and intervals in the session's style. */
#include "type/datetime.h"
#include <stdlib.h>

static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const WEEKDAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static void add_two(rdb_strbuf *text, int number)
{
    rdb_strbuf_addc(text, (char)('0' + number / 10));
    rdb_strbuf_addc(text, (char)('0' + number % 10));
}

static void add_padded(rdb_strbuf *text, int64_t number, int width)
{
    char digits[24];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (int i = count; i < width; i++)
        rdb_strbuf_addc(text, '0');
    while (count > 0)
        rdb_strbuf_addc(text, digits[--count]);
}

static void add_fraction(rdb_strbuf *text, int64_t usec)
{
    if (usec == 0)
        return;
    char digits[6];
    int count = 6;
    for (int i = 5; i >= 0; i--, usec /= 10)
        digits[i] = (char)('0' + usec % 10);
    while (digits[count - 1] == '0')
        count--;
    rdb_strbuf_addc(text, '.');
    rdb_strbuf_add(text, digits, (size_t)count);
}

static void add_clock(rdb_strbuf *text, int hour, int minute, int second, int usec)
{
    add_two(text, hour);
    rdb_strbuf_addc(text, ':');
    add_two(text, minute);
    rdb_strbuf_addc(text, ':');
    add_two(text, second);
    add_fraction(text, usec);
}

void type_add_time(rdb_strbuf *text, int64_t usecs)
{
    add_clock(text, (int)(usecs / TYPE_USECS_PER_HOUR), (int)(usecs / TYPE_USECS_PER_MINUTE % 60),
              (int)(usecs / TYPE_USECS_PER_SEC % 60), (int)(usecs % TYPE_USECS_PER_SEC));
}

void type_add_zone(rdb_strbuf *text, int32_t west, bool always_minutes)
{
    int32_t seconds = abs(west);
    rdb_strbuf_addc(text, west <= 0 ? '+' : '-');
    add_two(text, seconds / 3600);
    if (seconds % 3600 != 0 || always_minutes) {
        rdb_strbuf_addc(text, ':');
        add_two(text, seconds / 60 % 60);
        if (seconds % 60 != 0) {
            rdb_strbuf_addc(text, ':');
            add_two(text, seconds % 60);
        }
    }
}

/* Year, month and day in the style's order, BC left to the caller. */
static void add_day(rdb_strbuf *text, const rdb_format_settings *format, int year, int month, int day)
{
    int shown = year > 0 ? year : -(year - 1);
    bool day_first = format->date_order == RDB_DATEORDER_DMY;
    switch (format->date_style) {
    case RDB_DATESTYLE_ISO:
        add_padded(text, shown, 4);
        rdb_strbuf_addc(text, '-');
        add_two(text, month);
        rdb_strbuf_addc(text, '-');
        add_two(text, day);
        return;
    case RDB_DATESTYLE_GERMAN:
        add_two(text, day);
        rdb_strbuf_addc(text, '.');
        add_two(text, month);
        rdb_strbuf_addc(text, '.');
        break;
    case RDB_DATESTYLE_SQL:
    case RDB_DATESTYLE_POSTGRES: {
        char separator = format->date_style == RDB_DATESTYLE_SQL ? '/' : '-';
        add_two(text, day_first ? day : month);
        rdb_strbuf_addc(text, separator);
        add_two(text, day_first ? month : day);
        rdb_strbuf_addc(text, separator);
        break;
    }
    }
    add_padded(text, shown, 4);
}

void type_add_date(rdb_strbuf *text, const rdb_format_settings *format, int32_t days)
{
    int year, month, day;
    if (days == TYPE_DATE_INFINITY || days == TYPE_DATE_MINUS_INFINITY) {
        rdb_strbuf_adds(text, days == TYPE_DATE_INFINITY ? "infinity" : "-infinity");
        return;
    }
    type_civil_from_days(days, &year, &month, &day);
    add_day(text, format, year, month, day);
    if (year <= 0)
        rdb_strbuf_adds(text, " BC");
}

void type_add_timestamp(rdb_strbuf *text, const rdb_format_settings *format, int64_t usecs, bool with_zone)
{
    type_civil civil;
    type_zone_moment moment = {0};
    if (usecs == TYPE_TIMESTAMP_INFINITY || usecs == TYPE_TIMESTAMP_MINUS_INFINITY) {
        rdb_strbuf_adds(text, usecs == TYPE_TIMESTAMP_INFINITY ? "infinity" : "-infinity");
        return;
    }
    if (with_zone)
        usecs = type_to_local(format->timezone, usecs, &moment);
    type_civil_from_timestamp(usecs, &civil);
    bool iso = format->date_style == RDB_DATESTYLE_ISO;
    if (format->date_style == RDB_DATESTYLE_POSTGRES) {
        int64_t days = type_floor_div(usecs, TYPE_USECS_PER_DAY);
        bool day_first = format->date_order == RDB_DATEORDER_DMY;
        rdb_strbuf_adds(text, WEEKDAYS[((days + 6) % 7 + 7) % 7]); /* 2000-01-01 was a Saturday */
        rdb_strbuf_addc(text, ' ');
        if (day_first) {
            add_two(text, civil.day);
            rdb_strbuf_addc(text, ' ');
        }
        rdb_strbuf_adds(text, MONTHS[civil.month - 1]);
        rdb_strbuf_addc(text, ' ');
        if (!day_first) {
            add_two(text, civil.day);
            rdb_strbuf_addc(text, ' ');
        }
        add_clock(text, civil.hour, civil.minute, civil.second, civil.usec);
        rdb_strbuf_addc(text, ' ');
        add_padded(text, civil.year > 0 ? civil.year : -(civil.year - 1), 4);
    } else {
        add_day(text, format, civil.year, civil.month, civil.day);
        rdb_strbuf_addc(text, ' ');
        add_clock(text, civil.hour, civil.minute, civil.second, civil.usec);
    }
    if (with_zone) {
        const char *name = moment.abbreviation;
        bool has_name = name != NULL && ((name[0] >= 'A' && name[0] <= 'Z') || (name[0] >= 'a' && name[0] <= 'z'));
        if (!iso && has_name) {
            rdb_strbuf_addc(text, ' ');
            rdb_strbuf_adds(text, name);
        } else {
            if (!iso && format->date_style == RDB_DATESTYLE_POSTGRES)
                rdb_strbuf_addc(text, ' ');
            type_add_zone(text, -moment.offset, false);
        }
    }
    if (civil.year <= 0)
        rdb_strbuf_adds(text, " BC");
}

/* ---- intervals -------------------------------------------------------------------------------------------------------------- */
typedef struct parts {
    int64_t years, months, days, hours, minutes, seconds, usecs;
} parts;

static parts parts_of(type_interval interval)
{
    parts p = {.years = interval.months / 12, .months = interval.months % 12, .days = interval.days};
    p.hours = interval.usecs / TYPE_USECS_PER_HOUR;
    p.minutes = interval.usecs / TYPE_USECS_PER_MINUTE % 60;
    p.seconds = interval.usecs / TYPE_USECS_PER_SEC % 60;
    p.usecs = interval.usecs % TYPE_USECS_PER_SEC;
    return p;
}

static void add_seconds(rdb_strbuf *text, int64_t seconds, int64_t usecs, int width)
{
    add_padded(text, llabs(seconds), width);
    add_fraction(text, llabs(usecs));
}

static void add_unit(rdb_strbuf *text, int64_t value, const char *unit, bool *is_first, bool *was_negative)
{
    if (value == 0)
        return;
    rdb_strbuf_addf(text, "%s%s%lld %s%s", *is_first ? "" : " ", *was_negative && value > 0 ? "+" : "", (long long)value, unit,
                    value != 1 ? "s" : "");
    *was_negative = value < 0;
    *is_first = false;
}

static void add_postgres(rdb_strbuf *text, parts p, int64_t usecs)
{
    bool is_first = true, was_negative = false;
    add_unit(text, p.years, "year", &is_first, &was_negative);
    add_unit(text, p.months, "mon", &is_first, &was_negative);
    add_unit(text, p.days, "day", &is_first, &was_negative);
    if (is_first || usecs != 0) {
        rdb_strbuf_adds(text, is_first ? "" : " ");
        rdb_strbuf_adds(text, usecs < 0 ? "-" : was_negative ? "+" : "");
        add_padded(text, llabs(p.hours), 2);
        rdb_strbuf_addc(text, ':');
        add_padded(text, llabs(p.minutes), 2);
        rdb_strbuf_addc(text, ':');
        add_seconds(text, p.seconds, p.usecs, 2);
    }
}

static void add_verbose(rdb_strbuf *text, parts p)
{
    bool is_zero = true, is_before = false;
    const struct {
        int64_t value;
        const char *unit;
    } UNITS[] = {{p.years, "year"}, {p.months, "mon"}, {p.days, "day"}, {p.hours, "hour"}, {p.minutes, "min"}};
    rdb_strbuf_addc(text, '@');
    for (size_t i = 0; i < RDB_COUNT_OF(UNITS); i++) {
        int64_t value = UNITS[i].value;
        if (value == 0)
            continue;
        if (is_zero) { /* the first part says the sign of all */
            is_before = value < 0;
            is_zero = false;
        }
        value = is_before ? -value : value;
        rdb_strbuf_addf(text, " %lld %s%s", (long long)value, UNITS[i].unit, value == 1 ? "" : "s");
    }
    if (p.seconds != 0 || p.usecs != 0) {
        bool negative = p.seconds < 0 || p.usecs < 0;
        rdb_strbuf_addc(text, ' ');
        if (is_zero)
            is_before = negative;
        else if (negative != is_before)
            rdb_strbuf_addc(text, '-');
        is_zero = false;
        add_seconds(text, p.seconds, p.usecs, 1);
        rdb_strbuf_adds(text, llabs(p.seconds) != 1 || p.usecs != 0 ? " secs" : " sec");
    }
    if (is_zero)
        rdb_strbuf_adds(text, " 0");
    if (is_before)
        rdb_strbuf_adds(text, " ago");
}

static void add_sql_standard(rdb_strbuf *text, parts p)
{
    bool has_negative = p.years < 0 || p.months < 0 || p.days < 0 || p.hours < 0 || p.minutes < 0 || p.seconds < 0 || p.usecs < 0;
    bool has_positive = p.years > 0 || p.months > 0 || p.days > 0 || p.hours > 0 || p.minutes > 0 || p.seconds > 0 || p.usecs > 0;
    bool has_year_month = p.years != 0 || p.months != 0;
    bool has_clock = p.hours != 0 || p.minutes != 0 || p.seconds != 0 || p.usecs != 0, has_day = p.days != 0;
    bool has_day_time = has_clock || has_day;
    if (!has_negative && !has_positive) {
        rdb_strbuf_addc(text, '0');
    } else if ((has_negative && has_positive) || (has_year_month && has_day_time)) { /* every part with its sign */
        bool year_negative = p.years < 0 || p.months < 0, clock_negative = p.hours < 0 || p.minutes < 0 || p.seconds < 0 || p.usecs < 0;
        rdb_strbuf_addf(text, "%c%lld-%lld %c%lld %c%lld:", year_negative ? '-' : '+', llabs(p.years), llabs(p.months), p.days < 0 ? '-' : '+',
                        llabs(p.days), clock_negative ? '-' : '+', llabs(p.hours));
        add_padded(text, llabs(p.minutes), 2);
        rdb_strbuf_addc(text, ':');
        add_seconds(text, p.seconds, p.usecs, 2);
    } else {
        if (has_negative)
            rdb_strbuf_addc(text, '-');
        if (has_year_month) {
            rdb_strbuf_addf(text, "%lld-%lld", llabs(p.years), llabs(p.months));
            return;
        }
        if (has_day)
            rdb_strbuf_addf(text, "%lld ", llabs(p.days));
        rdb_strbuf_addf(text, "%lld:", llabs(p.hours));
        add_padded(text, llabs(p.minutes), 2);
        rdb_strbuf_addc(text, ':');
        add_seconds(text, p.seconds, p.usecs, 2);
    }
}

static void add_iso(rdb_strbuf *text, parts p)
{
    bool has_date = p.years != 0 || p.months != 0 || p.days != 0;
    bool has_clock = p.hours != 0 || p.minutes != 0 || p.seconds != 0 || p.usecs != 0;
    if (!has_date && !has_clock) {
        rdb_strbuf_adds(text, "PT0S");
        return;
    }
    rdb_strbuf_addc(text, 'P');
    const struct {
        int64_t value;
        char unit;
    } UNITS[] = {{p.years, 'Y'}, {p.months, 'M'}, {p.days, 'D'}, {0, 'T'}, {p.hours, 'H'}, {p.minutes, 'M'}};
    for (size_t i = 0; i < RDB_COUNT_OF(UNITS); i++) {
        if (UNITS[i].unit == 'T' && has_clock)
            rdb_strbuf_addc(text, 'T');
        if (UNITS[i].value != 0)
            rdb_strbuf_addf(text, "%lld%c", (long long)UNITS[i].value, UNITS[i].unit);
    }
    if (p.seconds != 0 || p.usecs != 0) {
        if (p.seconds < 0 || p.usecs < 0)
            rdb_strbuf_addc(text, '-');
        add_seconds(text, p.seconds, p.usecs, 1);
        rdb_strbuf_addc(text, 'S');
    }
}

void type_add_interval(rdb_strbuf *text, const rdb_format_settings *format, type_interval interval)
{
    parts p = parts_of(interval);
    switch (format->interval_style) {
    case RDB_INTERVALSTYLE_POSTGRES:
        add_postgres(text, p, interval.usecs);
        break;
    case RDB_INTERVALSTYLE_VERBOSE:
        add_verbose(text, p);
        break;
    case RDB_INTERVALSTYLE_SQL:
        add_sql_standard(text, p);
        break;
    case RDB_INTERVALSTYLE_ISO:
        add_iso(text, p);
        break;
    }
}
