/* SPDX-License-Identifier: Apache-2.0
 * Reading intervals: amounts with units, clock times, the SQL standard's year-month and day-time forms, ISO 8601
 * durations; and what a typmod (interval day to second(3)) leaves of a value. Fractions of a unit flow into the next
 * smaller kind: of years into months, of months and weeks into days, of days into microseconds. */
#include "type/datetime.h"
#include <math.h>
#include <stdlib.h>

typedef enum unit {
    UNIT_NONE, USEC, MSEC, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, YEAR, DECADE, CENTURY, MILLENNIUM
} unit;

#define CLOCK_UNITS (1u << HOUR | 1u << MINUTE | 1u << SECOND | 1u << MSEC | 1u << USEC)

typedef struct total {
    int64_t usecs, days, months, years; /* each of the last three fits an int32, or overflow is set */
    unsigned seen; /* bit per unit */
    bool overflow;
} total;

static unit find_unit(const char *word, size_t length)
{
    static const struct {
        const char *word;
        unit unit;
    } WORDS[] = {
        {"us", USEC}, {"usec", USEC}, {"usecs", USEC}, {"useconds", USEC}, {"usecond", USEC}, {"microsecon", USEC},
        {"ms", MSEC}, {"msec", MSEC}, {"msecs", MSEC}, {"msecond", MSEC}, {"mseconds", MSEC}, {"millisecon", MSEC},
        {"s", SECOND}, {"sec", SECOND}, {"secs", SECOND}, {"second", SECOND}, {"seconds", SECOND},
        {"m", MINUTE}, {"min", MINUTE}, {"mins", MINUTE}, {"minute", MINUTE}, {"minutes", MINUTE},
        {"h", HOUR}, {"hr", HOUR}, {"hrs", HOUR}, {"hour", HOUR}, {"hours", HOUR},
        {"d", DAY}, {"day", DAY}, {"days", DAY}, {"w", WEEK}, {"week", WEEK}, {"weeks", WEEK},
        {"mon", MONTH}, {"mons", MONTH}, {"month", MONTH}, {"months", MONTH},
        {"y", YEAR}, {"yr", YEAR}, {"yrs", YEAR}, {"year", YEAR}, {"years", YEAR},
        {"dec", DECADE}, {"decs", DECADE}, {"decade", DECADE}, {"decades", DECADE},
        {"c", CENTURY}, {"cent", CENTURY}, {"century", CENTURY}, {"centuries", CENTURY},
        {"mil", MILLENNIUM}, {"mils", MILLENNIUM}, {"millennia", MILLENNIUM}, {"millennium", MILLENNIUM},
    };
    rdb_slice slice = {.data = (const uint8_t *)word, .length = RDB_MIN(length, 10)}; /* no more of a word counts */
    for (size_t i = 0; i < RDB_COUNT_OF(WORDS); i++) {
        if (type_equals_ignoring_case(slice, WORDS[i].word))
            return WORDS[i].unit;
    }
    return UNIT_NONE;
}

static void add_scaled(total *t, int64_t *field, int64_t amount, int64_t scale)
{
    int64_t product;
    if (__builtin_mul_overflow(amount, scale, &product) || __builtin_add_overflow(*field, product, field))
        t->overflow = true;
}

/* For fields of 32 bits. */
static void add_narrow(total *t, int64_t *field, int64_t amount, int64_t scale)
{
    add_scaled(t, field, amount, scale);
    t->overflow |= *field > INT32_MAX || *field < INT32_MIN;
}

static void add_fraction_of_days(total *t, double days)
{
    double whole = trunc(days);
    add_narrow(t, &t->days, (int64_t)whole, 1);
    add_scaled(t, &t->usecs, (int64_t)rint((days - whole) * (double)TYPE_USECS_PER_DAY), 1);
}

/* whole and fraction have the same sign. */
static void add_amount(total *t, unit u, int64_t whole, double fraction)
{
    static const int64_t USECS[] = {[USEC] = 1, [MSEC] = 1000, [SECOND] = TYPE_USECS_PER_SEC, [MINUTE] = TYPE_USECS_PER_MINUTE, [HOUR] = TYPE_USECS_PER_HOUR};
    static const int64_t YEARS[] = {[YEAR] = 1, [DECADE] = 10, [CENTURY] = 100, [MILLENNIUM] = 1000};
    t->seen |= 1u << u;
    if (u == SECOND && fraction != 0) /* what is below seconds was said too */
        t->seen |= 1u << MSEC | 1u << USEC;
    if (u <= HOUR) {
        add_scaled(t, &t->usecs, whole, USECS[u]);
        add_scaled(t, &t->usecs, (int64_t)rint(fraction * (double)USECS[u]), 1);
    } else if (u == DAY || u == WEEK) {
        int64_t days = u == DAY ? 1 : 7;
        add_narrow(t, &t->days, whole, days);
        add_fraction_of_days(t, fraction * (double)days);
    } else if (u == MONTH) {
        add_narrow(t, &t->months, whole, 1);
        add_fraction_of_days(t, fraction * 30);
    } else {
        add_narrow(t, &t->years, whole, YEARS[u]);
        add_narrow(t, &t->months, (int64_t)rint(fraction * (double)YEARS[u] * 12), 1);
    }
}

/* A number at *at: its whole part and its fraction, both signed. *negative is the sign as written. */
static bool read_number(total *t, const char **at, int64_t *whole, double *fraction, bool *negative, bool *has_sign)
{
    const char *start = *at;
    *negative = *start == '-';
    *has_sign = *start == '-' || *start == '+';
    start += *has_sign;
    if (!type_is_digit((unsigned char)*start) && *start != '.')
        return false;
    *whole = 0;
    for (; type_is_digit((unsigned char)*start); start++) /* downwards: the negative side is one longer */
        t->overflow |= __builtin_mul_overflow(*whole, 10, whole) || __builtin_sub_overflow(*whole, *start - '0', whole);
    *fraction = 0;
    if (*start == '.') {
        char *end;
        if (!type_is_digit((unsigned char)start[1])) {
            end = (char *)(uintptr_t)start + 1;
        } else {
            /* only digits: an exponent is no part of it */
            size_t digits = strspn(start + 1, "0123456789");
            char copy[64] = "0.";
            memcpy(copy + 2, start + 1, RDB_MIN(digits, 60));
            *fraction = strtod(copy, NULL);
            end = (char *)(uintptr_t)start + 1 + digits;
        }
        start = end;
    }
    if (*negative)
        *fraction = -*fraction;
    else
        t->overflow |= __builtin_sub_overflow(INT64_C(0), *whole, whole);
    *at = start;
    return true;
}

/* hh:mm[:ss[.f]], or mm:ss where the typmod says minute to second. The hours were read. */
static bool read_clock(const char **at, int64_t hours, bool negative, bool minute_to_second, total *t)
{
    char *end;
    int sign = negative ? -1 : 1;
    if (hours == INT64_MIN) {
        t->overflow = true;
        hours = 0;
    }
    int64_t first = hours, second = strtol(*at + 1, &end, 10), third = 0;
    double fraction = 0;
    bool has_third = false;
    if (end == *at + 1 || second < 0)
        return false;
    if (*end == ':') {
        const char *start = end + 1;
        third = strtol(start, &end, 10);
        if (end == start || third < 0)
            return false;
        has_third = true;
    }
    if (*end == '.') {
        size_t digits = strspn(end + 1, "0123456789");
        char copy[64] = "0.";
        memcpy(copy + 2, end + 1, RDB_MIN(digits, 60));
        fraction = strtod(copy, NULL);
        end += 1 + digits;
    }
    if (!has_third && (minute_to_second || fraction != 0)) {
        third = second;
        second = first < 0 ? -first : first;
        first = 0;
    }
    int64_t whole_hours = first < 0 ? -first : first;
    if (second > 59 || third > 60)
        t->overflow = true;
    add_scaled(t, &t->usecs, sign * whole_hours, TYPE_USECS_PER_HOUR);
    add_scaled(t, &t->usecs, sign * second, TYPE_USECS_PER_MINUTE);
    add_scaled(t, &t->usecs, sign * third, TYPE_USECS_PER_SEC);
    add_scaled(t, &t->usecs, sign * (int64_t)rint(fraction * 1000000), 1);
    t->seen |= CLOCK_UNITS;
    *at = end;
    return true;
}

/* The unit of a number that has none: the last one the typmod names, else seconds. */
static unit bare_unit(int32_t typmod)
{
    unsigned range = typmod < 0 ? 0x7fff : (unsigned)typmod >> 16 & 0x7fff;
    switch (range) {
    case 1u << 2:
        return YEAR;
    case 1u << 1:
    case 1u << 2 | 1u << 1:
        return MONTH;
    case 1u << 3:
        return DAY;
    case 1u << 10:
    case 1u << 3 | 1u << 10:
        return HOUR;
    case 1u << 11:
    case 1u << 10 | 1u << 11:
    case 1u << 3 | 1u << 10 | 1u << 11:
        return MINUTE;
    default:
        return SECOND;
    }
}

/* A number of a duration, exponents and all; *width: its digits before the point. */
static bool read_iso_number(total *t, const char **at, int64_t *whole, double *fraction, size_t *width)
{
    const char *start = *at;
    char *end;
    size_t sign = *start == '-' || *start == '+';
    if (!type_is_digit((unsigned char)start[sign]) && start[sign] != '.')
        return false;
    double number = strtod(start, &end);
    if (end == start)
        return false;
    if (!(number >= -1e15 && number <= 1e15)) {
        t->overflow = true;
        number = 0;
    }
    *width = *start == '-' ? 0 : strspn(start, "0123456789");
    *whole = (int64_t)number;
    *fraction = number - (double)*whole;
    *at = end;
    return true;
}

/* What may stand for units: 20240131 or 103020 at once, or parts with signs between (2024-01-31, 10:30:20), the last ones left out.
 * whole and fraction are the first part. */
static bool read_iso_parts(const char **at, bool in_time, int64_t whole, double fraction, size_t width, total *t)
{
    static const unit DATE_PARTS[] = {YEAR, MONTH, DAY}, TIME_PARTS[] = {HOUR, MINUTE, SECOND};
    const unit *parts = in_time ? TIME_PARTS : DATE_PARTS;
    char between = in_time ? ':' : '-';
    int64_t base = in_time ? 100 : 10000;
    if (width == (in_time ? 6u : 8u) && **at != between) {
        add_amount(t, parts[0], whole / (in_time ? 10000 : base), 0);
        add_amount(t, parts[1], whole / 100 % 100, 0);
        add_amount(t, parts[2], whole % 100, fraction);
        return true;
    }
    for (int part = 0;; part++) {
        add_amount(t, parts[part], whole, fraction);
        if (**at == '\0' || (!in_time && (**at == 'T' || **at == 't')))
            return true;
        if (part == 2 || **at != between)
            return false;
        ++*at;
        if (!read_iso_number(t, at, &whole, &fraction, &width))
            return false;
    }
}

/* P1Y2M3DT4H5M6S, P2W, P0001-02-03T04:05:06 */
static bool parse_iso(const char *at, total *t)
{
    bool in_time = false, any = false;
    if (*at == '\0')
        return false;
    while (*at != '\0') {
        if (*at == 'T' || *at == 't') {
            in_time = true;
            any = false;
            at++;
            continue;
        }
        int64_t whole;
        double fraction;
        size_t width;
        if (!read_iso_number(t, &at, &whole, &fraction, &width))
            return false;
        unit u = UNIT_NONE;
        switch (*at) {
        case 'Y':
            u = in_time ? UNIT_NONE : YEAR;
            break;
        case 'M':
            u = in_time ? MINUTE : MONTH;
            break;
        case 'W':
            u = in_time ? UNIT_NONE : WEEK;
            break;
        case 'D':
            u = in_time ? UNIT_NONE : DAY;
            break;
        case 'H':
            u = in_time ? HOUR : UNIT_NONE;
            break;
        case 'S':
            u = in_time ? SECOND : UNIT_NONE;
            break;
        default:
            break;
        }
        if (u != UNIT_NONE) {
            add_amount(t, u, whole, fraction);
            any = true;
            at++;
            continue;
        }
        bool can_end = *at == '\0' || (in_time ? *at == ':' : *at == '-' || *at == 'T' || *at == 't');
        if (any || !can_end || !read_iso_parts(&at, in_time, whole, fraction, width, t))
            return false;
        if (in_time)
            return *at == '\0';
    }
    return true;
}

static bool parse_words(const char *at, int32_t typmod, bool sql_standard, total *t)
{
    bool any = false, ago = false, all_negative = false;
    unsigned range = typmod < 0 ? 0x7fff : (unsigned)typmod >> 16 & 0x7fff;
    bool minute_to_second = range == (1u << 11 | 1u << 12);
    /* In the standard's style a minus in front is for the whole value, where no other sign stands. */
    if (sql_standard && at[0] == '-' && strpbrk(at + 1, "+-") == NULL)
        all_negative = true;
    if (sql_standard && at[0] == '-') {
        const char *second = strpbrk(at + 1, "+-");
        if (second != NULL && type_is_digit((unsigned char)second[-1]) && strpbrk(second + 1, "+-") == NULL)
            all_negative = true; /* -1-2 3 04:05:06: the second one is the year-month's */
    }
    for (;;) {
        while (type_is_space((unsigned char)*at) || *at == '@' || *at == ',')
            at++;
        if (*at == '\0')
            break;
        if ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')) {
            size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
            rdb_slice word = {.data = (const uint8_t *)at, .length = length};
            if (type_equals_ignoring_case(word, "ago")) /* wherever it stands, it is for all */
                ago = true;
            else if (!type_equals_ignoring_case(word, "and"))
                return false;
            at += length;
            continue;
        }
        int64_t whole;
        double fraction;
        bool negative, has_sign;
        if ((*at == '-' || *at == '+') && type_is_space((unsigned char)at[1])) {
            /* a sign may stand apart from its number */
            char sign = *at++;
            while (type_is_space((unsigned char)*at))
                at++;
            if (!read_number(t, &at, &whole, &fraction, &negative, &has_sign) || has_sign)
                return false;
            negative = sign == '-';
            whole = negative ? -whole : whole;
            fraction = negative ? -fraction : fraction;
        } else if (!read_number(t, &at, &whole, &fraction, &negative, &has_sign)) {
            return false;
        }
        if (t->overflow)
            whole = 0;
        if (all_negative && !negative) {
            negative = true;
            whole = -whole;
            fraction = -fraction;
        }
        any = true;
        if (*at == ':') {
            if (t->seen & CLOCK_UNITS)
                return false;
            t->overflow |= fraction != 0; /* only seconds have one */
            if (!read_clock(&at, whole, negative, minute_to_second, t))
                return false;
            continue;
        }
        if (*at == '-' && type_is_digit((unsigned char)at[1])) { /* years-months */
            char *end;
            long months = strtol(at + 1, &end, 10);
            if (months < 0 || months >= 12)
                t->overflow = true;
            add_amount(t, YEAR, whole, 0);
            add_amount(t, MONTH, negative ? -months : months, 0);
            at = end;
            continue;
        }
        const char *word = at;
        while (type_is_space((unsigned char)*word))
            word++;
        size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        unit u = length > 0 ? find_unit(word, length) : UNIT_NONE;
        if (u == UNIT_NONE && length > 0) /* nor may "ago" follow a bare number */
            return false;
        if (u != UNIT_NONE) {
            at = word + length;
            if (t->seen & (1u << u))
                return false;
        } else { /* days where a clock time follows, else the typmod's last unit */
            const char *next = word + ((*word == '-' || *word == '+') ? 1 : 0);
            size_t digits = strspn(next, "0123456789");
            bool days_and_hours = digits > 0 && bare_unit(typmod) == HOUR && range != 1u << 10;
            u = digits > 0 && (next[digits] == ':' || days_and_hours) ? DAY : bare_unit(typmod);
            if (t->seen & (1u << u))
                return false;
        }
        add_amount(t, u, whole, fraction);
    }
    if (ago) {
        t->overflow |= t->usecs == INT64_MIN || t->days == INT32_MIN || t->months == INT32_MIN || t->years == INT32_MIN;
        t->usecs = t->overflow ? 0 : -t->usecs;
        t->days = -t->days;
        t->months = -t->months;
        t->years = -t->years;
    }
    return any;
}

bool type_interval_apply_typmod(rdb_call *call, int32_t typmod, type_interval *interval)
{
    if (typmod < 0)
        return true;
    unsigned range = (unsigned)typmod >> 16 & 0x7fff, precision = (unsigned)typmod & 0xffff;
    int64_t step = 0;
    switch (range) {
    case 1u << 2: /* year */
        interval->months = interval->months / 12 * 12;
        interval->days = 0;
        interval->usecs = 0;
        break;
    case 1u << 1: /* month; year to month */
    case 1u << 2 | 1u << 1:
        interval->days = 0;
        interval->usecs = 0;
        break;
    case 1u << 3: /* day */
        interval->usecs = 0;
        break;
    case 1u << 10: /* hour; day to hour */
    case 1u << 3 | 1u << 10:
        step = TYPE_USECS_PER_HOUR;
        break;
    case 1u << 11: /* minute; hour to minute; day to minute */
    case 1u << 10 | 1u << 11:
    case 1u << 3 | 1u << 10 | 1u << 11:
        step = TYPE_USECS_PER_MINUTE;
        break;
    default:
        break;
    }
    if (step > 0)
        interval->usecs = interval->usecs / step * step;
    if (precision != 0xffff) {
        if (precision > 6)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "interval(%u) precision must be between %d and %d", precision, 0, 6);
        interval->usecs = type_round_usecs(interval->usecs, (int32_t)precision);
    }
    return true;
}

bool type_parse_interval(rdb_call *call, rdb_slice text, int32_t typmod, type_interval *result)
{
    rdb_slice word = type_trim(text);
    char copy[256];
    total t = {0};
    bool ok = word.length > 0 && word.length < sizeof copy;
    if (ok) {
        memcpy(copy, word.data, word.length);
        copy[word.length] = '\0';
        if (copy[0] == 'P' || copy[0] == 'p')
            ok = parse_iso(copy + 1, &t);
        else
            ok = parse_words(copy, typmod, call->format->interval_style == RDB_INTERVALSTYLE_SQL, &t);
    }
    if (!ok)
        return rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid input syntax for type interval: \"%.*s\"", (int)text.length, (const char *)text.data);
    if (t.overflow)
        return rdb_error_set(call->err, RDB_INTERVAL_FIELD_OVERFLOW, "interval field value out of range: \"%.*s\"", (int)text.length, (const char *)text.data);
    t.months += t.years * 12;
    if (t.months > INT32_MAX || t.months < INT32_MIN)
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "interval out of range");
    *result = (type_interval){.usecs = t.usecs, .days = (int32_t)t.days, .months = (int32_t)t.months};
    return type_interval_apply_typmod(call, typmod, result);
}
