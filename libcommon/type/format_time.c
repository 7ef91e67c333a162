/* SPDX-License-Identifier: Apache-2.0
 * to_char of timestamps and intervals: the words of the template in turn; their letters say the case of names. */
#include "type/tables.h"
#include "type/time_template.h"
#include <stdlib.h>

#define NO_NUMBER INT64_MIN /* what a word wrote was no number: TH after it is nothing */

/* What is printed; an interval has no calendar behind it. */
typedef struct moment {
    int64_t year, month, day, hour, minute, second, usec;
    int64_t days; /* since 2000-01-01 */
    bool is_interval, has_zone;
    int32_t offset;
    const char *zone;
} moment;

static void add_name(rdb_strbuf *text, const char *name, const char *pattern, bool fill, int width)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool lower = pattern[0] >= 'a' && pattern[0] <= 'z', first_only = pattern[1] >= 'a' && pattern[1] <= 'z';
        if (lower || (first_only && i > 0))
            c = (char)type_lower((unsigned char)c);
        else if (c >= 'a' && c <= 'z')
            c = (char)(c - 32);
        rdb_strbuf_addc(text, c);
    }
    for (size_t i = length; !fill && i < (size_t)width; i++)
        rdb_strbuf_addc(text, ' ');
}

static void add_ordinal(rdb_strbuf *text, int64_t number, bool upper)
{
    static const char *const UPPER[] = {"TH", "ST", "ND", "RD"}, *const LOWER[] = {"th", "st", "nd", "rd"};
    int64_t last = llabs(number) % 10, teens = llabs(number) / 10 % 10;
    size_t at = teens != 1 && last >= 1 && last <= 3 ? (size_t)last : 0;
    rdb_strbuf_adds(text, upper ? UPPER[at] : LOWER[at]);
}

static int iso_week_of(int64_t days, int *year)
{
    int month, day;
    int64_t thursday = days - ((days + 5) % 7 + 7) % 7 + 3;
    type_civil_from_days(thursday, year, &month, &day);
    return (int)((thursday - type_days_from_civil(*year, 1, 1)) / 7) + 1;
}

/* The Julian day by the formula of Fliegel and Van Flandern's kind, which takes months that no calendar has: an interval's. */
static int64_t julian_day(int64_t year, int64_t month, int64_t day)
{
    year += month > 2 ? 4800 : 4799;
    month += month > 2 ? 1 : 13;
    return year * 365 - 32167 + year / 4 - year / 100 + year / 400 + 7834 * month / 256 + day;
}

static bool add_word(rdb_call *call, rdb_strbuf *text, const moment *m, const type_time_part *part, int64_t *number)
{
    type_time_word w = part->word;
    const char *pattern = part->text;
    bool fill = part->fill, is_short = part->fill || part->translate;
    int iso_year = 0;
    int64_t shown_year = m->is_interval || m->year > 0 ? m->year : -(m->year - 1);
    int width = 2;
    int64_t month;
    bool is_pm = m->hour % 24 >= 12;
    if (m->is_interval && (w == TYPE_TIME_DAY || w == TYPE_TIME_DY || w == TYPE_TIME_D || w == TYPE_TIME_ID || w == TYPE_TIME_MONTH || w == TYPE_TIME_MON || w == TYPE_TIME_AD || w == TYPE_TIME_AD_DOTS ||
                           w == TYPE_TIME_TZ || w == TYPE_TIME_TZH || w == TYPE_TIME_TZM || w == TYPE_TIME_OF)) {
        rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid format specification for an interval value");
        return rdb_error_hint(call->err, "Intervals are not tied to specific calendar dates.");
    }
    switch (w) {
    case TYPE_TIME_AD_DOTS:
        add_name(text, m->year > 0 ? "A.D." : "B.C.", pattern[0] >= 'a' ? "aa" : "AA", true, 0);
        return true;
    case TYPE_TIME_AD:
        add_name(text, m->year > 0 ? "AD" : "BC", pattern[0] >= 'a' ? "aa" : "AA", true, 0);
        return true;
    case TYPE_TIME_AM_DOTS:
        add_name(text, is_pm ? "P.M." : "A.M.", pattern[0] >= 'a' ? "aa" : "AA", true, 0);
        return true;
    case TYPE_TIME_AM:
        add_name(text, is_pm ? "PM" : "AM", pattern[0] >= 'a' ? "aa" : "AA", true, 0);
        return true;
    case TYPE_TIME_DAY:
        add_name(text, type_day_names[((m->days + 6) % 7 + 7) % 7], pattern, is_short, 9);
        return true;
    case TYPE_TIME_DY: {
        char name[4] = {0};
        memcpy(name, type_day_names[((m->days + 6) % 7 + 7) % 7], 3);
        add_name(text, name, pattern, true, 0);
        return true;
    }
    case TYPE_TIME_MONTH:
        add_name(text, type_month_names[m->month - 1], pattern, is_short, 9);
        return true;
    case TYPE_TIME_MON: {
        char name[4] = {0};
        memcpy(name, type_month_names[m->month - 1], 3);
        add_name(text, name, pattern, true, 0);
        return true;
    }
    case TYPE_TIME_RM:
        if (m->month == 0 && m->year == 0)
            return true;
        /* an interval's months reach from -11 to 11; backwards they are counted from December, and a whole year is one */
        month = m->month > 0 ? m->month : m->month < 0 ? m->month + 13 : m->year >= 0 ? 12 : 1;
        add_name(text, type_roman_months[month - 1], pattern[0] >= 'a' ? "aa" : "AA", fill, 4);
        return true;
    case TYPE_TIME_TZ:
        add_name(text, m->zone != NULL ? m->zone : "", pattern[0] >= 'a' ? "aa" : "AA", true, 0);
        return true;
    case TYPE_TIME_TZH:
        rdb_strbuf_addf(text, "%c%02d", m->offset < 0 ? '-' : '+', abs(m->offset) / 3600);
        return true;
    case TYPE_TIME_TZM:
        rdb_strbuf_addf(text, "%02d", abs(m->offset) / 60 % 60);
        return true;
    case TYPE_TIME_OF:
        rdb_strbuf_addf(text, fill ? "%c%d" : "%c%02d", m->offset < 0 ? '-' : '+', abs(m->offset) / 3600);
        if (m->offset % 3600 != 0)
            rdb_strbuf_addf(text, ":%02d", abs(m->offset) / 60 % 60);
        return true;
    case TYPE_TIME_FF: {
        int digits = pattern[2] - '0';
        int64_t fraction = m->usec;
        for (int i = digits; i < 6; i++)
            fraction /= 10;
        rdb_strbuf_addf(text, "%0*lld", digits, (long long)fraction);
        *number = fraction;
        return true;
    }
    case TYPE_TIME_Y_COMMA:
        *number = shown_year;
        rdb_strbuf_addf(text, "%lld,%03lld", (long long)(shown_year / 1000), (long long)(shown_year % 1000));
        return true;
    case TYPE_TIME_CC:
        *number = m->is_interval ? m->year / 100 : m->year > 0 ? (m->year + 99) / 100 : m->year / 100 - 1;
        width = *number < 0 ? 3 : 2;
        break;
    case TYPE_TIME_DDD:
        *number = m->is_interval ? m->day + m->month * 30 + m->year * 360 : m->days - type_days_from_civil(m->year, 1, 1) + 1;
        width = 3;
        break;
    case TYPE_TIME_IDDD: {
        int week = iso_week_of(m->days, &iso_year);
        *number = (week - 1) * 7 + ((m->days + 5) % 7 + 7) % 7 + 1;
        width = 3;
        break;
    }
    case TYPE_TIME_DD:
        *number = m->day;
        break;
    case TYPE_TIME_D:
        *number = ((m->days + 6) % 7 + 7) % 7 + 1;
        width = 1;
        break;
    case TYPE_TIME_ID:
        *number = ((m->days + 5) % 7 + 7) % 7 + 1;
        width = 1;
        break;
    case TYPE_TIME_HH24:
        *number = m->hour;
        width = m->hour < 0 ? 3 : 2;
        break;
    case TYPE_TIME_HH12:
    case TYPE_TIME_HH:
        *number = m->hour % 12 == 0 ? 12 : m->hour % 12;
        width = m->hour < 0 ? 3 : 2;
        break;
    case TYPE_TIME_MI:
        *number = m->minute;
        width = m->minute < 0 ? 3 : 2;
        break;
    case TYPE_TIME_SS:
        *number = m->second;
        width = m->second < 0 ? 3 : 2;
        break;
    case TYPE_TIME_MS:
        *number = m->usec / 1000;
        rdb_strbuf_addf(text, "%03lld", (long long)*number);
        return true;
    case TYPE_TIME_US:
        *number = m->usec;
        rdb_strbuf_addf(text, "%06lld", (long long)*number);
        return true;
    case TYPE_TIME_SSSS:
        *number = m->hour * 3600 + m->minute * 60 + m->second;
        width = 1;
        break;
    case TYPE_TIME_MM:
        *number = m->month;
        width = m->month < 0 ? 3 : 2;
        break;
    case TYPE_TIME_Q:
        if (m->month == 0)
            return true;
        *number = (m->month - 1) / 3 + 1;
        width = 1;
        break;
    case TYPE_TIME_WW:
        *number = ((m->is_interval ? m->day + m->month * 30 + m->year * 360 : m->days - type_days_from_civil(m->year, 1, 1) + 1) - 1) / 7 + 1;
        break;
    case TYPE_TIME_W:
        *number = (m->day - 1) / 7 + 1;
        width = 1;
        break;
    case TYPE_TIME_IW:
        *number = iso_week_of(m->days, &iso_year);
        break;
    case TYPE_TIME_J:
        *number = m->is_interval ? julian_day(m->year, m->month, m->day) : m->days + TYPE_JULIAN_2000;
        width = 1;
        break;
    case TYPE_TIME_YYYY:
    case TYPE_TIME_YYY:
    case TYPE_TIME_YY:
    case TYPE_TIME_Y:
        *number = shown_year;
        width = w == TYPE_TIME_YYYY ? 4 : w == TYPE_TIME_YYY ? 3 : w == TYPE_TIME_YY ? 2 : 1;
        if (w != TYPE_TIME_YYYY)
            *number %= w == TYPE_TIME_YYY ? 1000 : w == TYPE_TIME_YY ? 100 : 10;
        width += shown_year < 0;
        break;
    case TYPE_TIME_IYYY:
    case TYPE_TIME_IYY:
    case TYPE_TIME_IY:
    case TYPE_TIME_I:
        iso_week_of(m->days, &iso_year);
        *number = iso_year > 0 ? iso_year : -(iso_year - 1);
        width = w == TYPE_TIME_IYYY ? 4 : w == TYPE_TIME_IYY ? 3 : w == TYPE_TIME_IY ? 2 : 1;
        if (w != TYPE_TIME_IYYY)
            *number %= w == TYPE_TIME_IYY ? 1000 : w == TYPE_TIME_IY ? 100 : 10;
        break;
    case TYPE_TIME_FX:
        return true;
    }
    rdb_strbuf_addf(text, "%0*lld", fill ? 0 : width, (long long)*number);
    return true;
}

static bool format_moment(rdb_call *call, const moment *m, rdb_bytes pattern, rdb_datum *r)
{
    rdb_strbuf text;
    type_time_template template;
    rdb_strbuf_init(&text, call->arena);
    if (!type_time_template_parse(call, pattern, false, &template))
        return false;
    for (uint32_t i = 0; i < template.count; i++) {
        const type_time_part *part = &template.parts[i];
        int64_t number = NO_NUMBER;
        if (part->kind != TYPE_TIME_PART_WORD)
            rdb_strbuf_add(&text, part->text, part->length);
        else if (!add_word(call, &text, m, part, &number))
            return false;
        if (part->ordinal && number != NO_NUMBER)
            add_ordinal(&text, number, part->upper_ordinal);
    }
    return type_take_buffer(call, &text, r);
}

static bool moment_to_char(rdb_call *call, int64_t usecs, bool with_zone, rdb_bytes pattern, rdb_datum *r, bool *is_null)
{
    type_civil civil;
    type_zone_moment zone = {0};
    *is_null = pattern.length == 0 || usecs == TYPE_TIMESTAMP_INFINITY || usecs == TYPE_TIMESTAMP_MINUS_INFINITY;
    if (*is_null)
        return true;
    if (with_zone)
        usecs = type_to_local(call->format->timezone, usecs, &zone);
    type_civil_from_timestamp(usecs, &civil);
    moment m = {.year = civil.year, .month = civil.month, .day = civil.day, .hour = civil.hour, .minute = civil.minute, .second = civil.second,
                .usec = civil.usec, .days = type_floor_div(usecs, TYPE_USECS_PER_DAY), .has_zone = with_zone, .offset = zone.offset, .zone = zone.abbreviation};
    return format_moment(call, &m, pattern, r);
}

TYPE_ROW_FUNCTION(timestamp_to_char, 2)
{
    return moment_to_char(call, a[0].i64, false, a[1].bytes, r, is_null);
}

TYPE_ROW_FUNCTION(timestamptz_to_char, 2)
{
    return moment_to_char(call, a[0].i64, true, a[1].bytes, r, is_null);
}

TYPE_ROW_FUNCTION(interval_to_char, 2)
{
    type_interval interval = type_get_interval(a[0]);
    *is_null = a[1].bytes.length == 0;
    moment m = {.year = interval.months / 12, .month = interval.months % 12, .day = interval.days, .hour = interval.usecs / TYPE_USECS_PER_HOUR,
                .minute = interval.usecs / TYPE_USECS_PER_MINUTE % 60, .second = interval.usecs / TYPE_USECS_PER_SEC % 60,
                .usec = interval.usecs % TYPE_USECS_PER_SEC, .is_interval = true};
    return *is_null || format_moment(call, &m, a[1].bytes, r);
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"timestamp_to_char", timestamp_to_char, F, 0}, {"timestamptz_to_char", timestamptz_to_char, F, 0}, {"interval_to_char", interval_to_char, F, 0},
};
TYPE_KERNEL_TABLE(type_format_time_table, KERNELS);
