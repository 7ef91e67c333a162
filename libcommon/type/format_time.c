/* SPDX-License-Identifier: Apache-2.0
 * to_char of timestamps and intervals, to_date and to_timestamp: the template is read from left to right, the longest known word at each place
 * wins, its letters say the case of names, and what is no word stands for itself. */
#include "type/datetime.h"
#include "type/tables.h"
#include <stdlib.h>

static const char *const MONTHS[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
static const char *const DAYS[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const ROMAN[] = {"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"};

typedef enum word {
    AD_DOTS, AD, AM_DOTS, AM, CC, DAY, DDD, DD, DY, D, FF, HH24, HH12, HH, IDDD, ID, IW, IYYY, IYY, IY, I, J, MI, MM, MONTH, MON, MS, OF, Q, RM,
    SSSS, SS, TZH, TZM, TZ, US, WW, W, Y_COMMA, YYYY, YYY, YY, Y
} word;

static const struct {
    const char *text;
    word word;
} WORDS[] = { /* longer ones before their beginnings */
    {"A.D.", AD_DOTS}, {"B.C.", AD_DOTS}, {"AD", AD}, {"BC", AD}, {"A.M.", AM_DOTS}, {"P.M.", AM_DOTS}, {"AM", AM}, {"PM", AM}, {"CC", CC},
    {"DAY", DAY}, {"DDD", DDD}, {"DD", DD}, {"DY", DY}, {"D", D}, {"FF1", FF}, {"FF2", FF}, {"FF3", FF}, {"FF4", FF}, {"FF5", FF}, {"FF6", FF},
    {"HH24", HH24}, {"HH12", HH12}, {"HH", HH}, {"IDDD", IDDD}, {"ID", ID}, {"IW", IW}, {"IYYY", IYYY}, {"IYY", IYY}, {"IY", IY}, {"I", I}, {"J", J},
    {"MI", MI}, {"MM", MM}, {"MONTH", MONTH}, {"MON", MON}, {"MS", MS}, {"OF", OF}, {"Q", Q}, {"RM", RM}, {"SSSSS", SSSS}, {"SSSS", SSSS}, {"SS", SS},
    {"TZH", TZH}, {"TZM", TZM}, {"TZ", TZ}, {"US", US}, {"WW", WW}, {"W", W}, {"Y,YYY", Y_COMMA}, {"YYYY", YYYY}, {"YYY", YYY}, {"YY", YY}, {"Y", Y},
};

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

static void add_ordinal(rdb_strbuf *text, int64_t number, const char *suffix)
{
    static const char *const UPPER[] = {"TH", "ST", "ND", "RD"}, *const LOWER[] = {"th", "st", "nd", "rd"};
    int64_t last = llabs(number) % 10, teens = llabs(number) / 10 % 10;
    size_t at = teens != 1 && last >= 1 && last <= 3 ? (size_t)last : 0;
    rdb_strbuf_adds(text, suffix[0] == 'T' ? UPPER[at] : LOWER[at]);
}

static int iso_week_of(int64_t days, int *year)
{
    int month, day;
    int64_t thursday = days - ((days + 5) % 7 + 7) % 7 + 3;
    type_civil_from_days(thursday, year, &month, &day);
    return (int)((thursday - type_days_from_civil(*year, 1, 1)) / 7) + 1;
}

static bool add_word(rdb_call *call, rdb_strbuf *text, const moment *m, word w, const char *pattern, bool fill, int64_t *number)
{
    int iso_year = 0;
    int64_t shown_year = m->is_interval || m->year > 0 ? m->year : -(m->year - 1);
    int width = 2;
    bool is_pm = (m->hour % 24 + 24) % 24 >= 12;
    if (m->is_interval && (w == DAY || w == DY || w == D || w == ID || w == MONTH || w == MON || w == RM || w == AD || w == AD_DOTS ||
                           w == TZ || w == TZH || w == TZM || w == OF)) {
        if (w == RM)
            return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "to_char of an interval with \"RM\" is not built");
        rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid format specification for an interval value");
        return rdb_error_hint(call->err, "Intervals are not tied to specific calendar dates.");
    }
    switch (w) {
    case AD_DOTS:
        add_name(text, m->year > 0 ? "A.D." : "B.C.", pattern[0] >= 'a' ? "aa" : "AA", true, 0);
        return true;
    case AD:
        add_name(text, m->year > 0 ? "AD" : "BC", pattern[0] >= 'a' ? "aa" : "AA", true, 0);
        return true;
    case AM_DOTS:
        add_name(text, is_pm ? "P.M." : "A.M.", pattern[0] >= 'a' ? "aa" : "AA", true, 0);
        return true;
    case AM:
        add_name(text, is_pm ? "PM" : "AM", pattern[0] >= 'a' ? "aa" : "AA", true, 0);
        return true;
    case DAY:
        add_name(text, DAYS[((m->days + 6) % 7 + 7) % 7], pattern, fill, 9);
        return true;
    case DY: {
        char name[4] = {0};
        memcpy(name, DAYS[((m->days + 6) % 7 + 7) % 7], 3);
        add_name(text, name, pattern, true, 0);
        return true;
    }
    case MONTH:
        add_name(text, MONTHS[m->month - 1], pattern, fill, 9);
        return true;
    case MON: {
        char name[4] = {0};
        memcpy(name, MONTHS[m->month - 1], 3);
        add_name(text, name, pattern, true, 0);
        return true;
    }
    case RM:
        add_name(text, ROMAN[m->month - 1], pattern[0] >= 'a' ? "aa" : "AA", fill, 4);
        return true;
    case TZ:
        add_name(text, m->zone != NULL ? m->zone : "", pattern[0] >= 'a' ? "aa" : "AA", true, 0);
        return true;
    case TZH:
        rdb_strbuf_addf(text, "%c%02d", m->offset < 0 ? '-' : '+', abs(m->offset) / 3600);
        return true;
    case TZM:
        rdb_strbuf_addf(text, "%02d", abs(m->offset) / 60 % 60);
        return true;
    case OF:
        rdb_strbuf_addf(text, fill ? "%c%d" : "%c%02d", m->offset < 0 ? '-' : '+', abs(m->offset) / 3600);
        if (m->offset % 3600 != 0)
            rdb_strbuf_addf(text, ":%02d", abs(m->offset) / 60 % 60);
        return true;
    case FF: {
        int digits = pattern[2] - '0';
        int64_t fraction = m->usec;
        for (int i = digits; i < 6; i++)
            fraction /= 10;
        rdb_strbuf_addf(text, "%0*lld", digits, (long long)fraction);
        *number = fraction;
        return true;
    }
    case Y_COMMA:
        rdb_strbuf_addf(text, "%lld,%03lld", (long long)(shown_year / 1000), (long long)(shown_year % 1000));
        return true;
    case CC:
        *number = m->is_interval ? m->year / 100 : m->year > 0 ? (m->year + 99) / 100 : m->year / 100 - 1;
        break;
    case DDD:
        *number = m->is_interval ? m->day + m->month * 30 + m->year * 360 : m->days - type_days_from_civil(m->year, 1, 1) + 1;
        width = 3;
        break;
    case IDDD: {
        int week = iso_week_of(m->days, &iso_year);
        *number = (week - 1) * 7 + ((m->days + 5) % 7 + 7) % 7 + 1;
        width = 3;
        break;
    }
    case DD:
        *number = m->day;
        break;
    case D:
        *number = ((m->days + 6) % 7 + 7) % 7 + 1;
        width = 1;
        break;
    case ID:
        *number = ((m->days + 5) % 7 + 7) % 7 + 1;
        width = 1;
        break;
    case HH24:
        *number = m->hour;
        width = m->hour < 0 ? 3 : 2;
        break;
    case HH12:
    case HH:
        *number = m->hour % 12 == 0 ? 12 : m->hour % 12;
        break;
    case MI:
        *number = m->minute;
        width = m->minute < 0 ? 3 : 2;
        break;
    case SS:
        *number = m->second;
        width = m->second < 0 ? 3 : 2;
        break;
    case MS:
        *number = m->usec / 1000;
        width = 3;
        break;
    case US:
        *number = m->usec;
        width = 6;
        break;
    case SSSS:
        *number = m->hour * 3600 + m->minute * 60 + m->second;
        width = 1;
        break;
    case MM:
        *number = m->month;
        width = m->month < 0 ? 3 : 2;
        break;
    case Q:
        if (m->month == 0)
            return true;
        *number = (m->month - 1) / 3 + 1;
        width = 1;
        break;
    case WW:
        *number = ((m->is_interval ? m->day + m->month * 30 + m->year * 360 : m->days - type_days_from_civil(m->year, 1, 1) + 1) - 1) / 7 + 1;
        break;
    case W:
        *number = (m->day - 1) / 7 + 1;
        width = 1;
        break;
    case IW:
        *number = iso_week_of(m->days, &iso_year);
        break;
    case J:
        *number = m->is_interval ? m->day : m->days + TYPE_JULIAN_2000;
        width = 1;
        break;
    case YYYY:
    case YYY:
    case YY:
    case Y:
        *number = shown_year;
        width = w == YYYY ? 4 : w == YYY ? 3 : w == YY ? 2 : 1;
        if (w != YYYY)
            *number %= w == YYY ? 1000 : w == YY ? 100 : 10;
        break;
    case IYYY:
    case IYY:
    case IY:
    case I:
        iso_week_of(m->days, &iso_year);
        *number = iso_year > 0 ? iso_year : -(iso_year - 1);
        width = w == IYYY ? 4 : w == IYY ? 3 : w == IY ? 2 : 1;
        if (w != IYYY)
            *number %= w == IYY ? 1000 : w == IY ? 100 : 10;
        break;
    }
    rdb_strbuf_addf(text, "%0*lld", fill ? 0 : width, (long long)*number);
    return true;
}

static bool format_moment(rdb_call *call, const moment *m, rdb_bytes pattern, rdb_datum *r)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    const char *at = rdb_arena_strndup(call->arena, (const char *)pattern.data, pattern.length);
    bool in_quotes = false;
    while (*at != '\0') {
        if (in_quotes) {
            if (*at == '"') {
                in_quotes = false;
                at++;
                continue;
            }
            if (*at == '\\' && at[1] != '\0')
                at++;
            rdb_strbuf_addc(&text, *at++);
            continue;
        }
        if (*at == '"') {
            in_quotes = true;
            at++;
            continue;
        }
        if (*at == '\\' && at[1] == '"')
            at++;
        bool fill = false;
        const char *start = at;
        for (;;) { /* prefixes: FM drops padding, TM asks for the locale's names, of which there is one set */
            bool is_fill = (at[0] == 'F' || at[0] == 'f') && (at[1] == 'M' || at[1] == 'm');
            bool is_translate = (at[0] == 'T' || at[0] == 't') && (at[1] == 'M' || at[1] == 'm');
            if (!is_fill && !is_translate)
                break;
            fill |= is_fill || is_translate;
            at += 2;
        }
        size_t i = 0, length = 0;
        for (; i < RDB_COUNT_OF(WORDS); i++) {
            length = strlen(WORDS[i].text);
            size_t same = 0;
            while (same < length && type_lower((unsigned char)at[same]) == type_lower((unsigned char)WORDS[i].text[same]))
                same++;
            if (same == length)
                break;
        }
        if (i == RDB_COUNT_OF(WORDS)) {
            if (at == start)
                rdb_strbuf_addc(&text, *at++);
            continue;
        }
        int64_t number = 0;
        if (!add_word(call, &text, m, WORDS[i].word, at, fill, &number))
            return false;
        at += length;
        if ((at[0] == 'T' && at[1] == 'H') || (at[0] == 't' && at[1] == 'h')) {
            add_ordinal(&text, number, at);
            at += 2;
        }
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

/* ---- reading by a template ------------------------------------------------------------------------------------------------ */
typedef struct scanned {
    int64_t year, month, day, hour, minute, second, usec, day_of_year, julian, offset;
    int meridian; /* 1 am, 2 pm */
    bool is_bc, has_year, has_doy, has_julian, twelve_hours, has_offset;
} scanned;

static bool scan_number(rdb_call *call, const char **at, const char *word_text, size_t word_length, size_t digits_max, int64_t *number)
{
    const char *start = *at;
    bool negative = *start == '-' || *start == '+' ? *start++ == '-' : false;
    size_t count = strspn(start, "0123456789");
    count = RDB_MIN(count, digits_max);
    if (count == 0) {
        rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid value \"%.*s\" for \"%.*s\"", (int)RDB_MIN(strlen(*at), digits_max), *at, (int)word_length, word_text);
        return rdb_error_detail(call->err, "Value must be an integer.");
    }
    *number = 0;
    for (size_t i = 0; i < count; i++)
        *number = *number * 10 + (start[i] - '0');
    if (negative)
        *number = -*number;
    *at = start + count;
    return true;
}

/* One of the names, whole or by its first three letters; its place, or -1. */
static int scan_name(const char **at, const char *const *names, int count, bool whole)
{
    for (int i = 0; i < count; i++) {
        size_t length = whole ? strlen(names[i]) : 3, same = 0;
        while (same < length && type_lower((unsigned char)(*at)[same]) == type_lower((unsigned char)names[i][same]))
            same++;
        if (same == length) {
            *at += length;
            return i;
        }
    }
    return -1;
}

static bool scan_word(rdb_call *call, word w, const char *pattern, size_t length, bool next_is_digit, const char **at, scanned *s)
{
    int64_t number = 0;
    /* A number runs on where no digit place follows at once, and to its word's width where one does. */
    size_t width = next_is_digit ? (w == YYYY ? 4 : w == YYY || w == DDD || w == MS ? 3 : w == US ? 6 : w == Y || w == D || w == Q ? 1 : 2) : 9;
    if (!next_is_digit && (w == MM || w == DD || w == HH24 || w == HH12 || w == HH || w == MI || w == SS))
        width = 2;
    int found;
    switch (w) {
    case MONTH:
    case MON:
        found = scan_name(at, MONTHS, 12, w == MONTH);
        if (found < 0) {
            rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid value \"%.*s\" for \"%.*s\"", (int)strcspn(*at, " "), *at, (int)length, pattern);
            return rdb_error_detail(call->err, "The given value did not match any of the allowed values for this field.");
        }
        s->month = found + 1;
        return true;
    case DAY:
    case DY:
        found = scan_name(at, DAYS, 7, w == DAY);
        if (found < 0) {
            rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid value \"%.*s\" for \"%.*s\"", (int)strcspn(*at, " "), *at, (int)length, pattern);
            return rdb_error_detail(call->err, "The given value did not match any of the allowed values for this field.");
        }
        return true;
    case AM:
    case AM_DOTS:
    case AD:
    case AD_DOTS: {
        static const char *const MARKS[] = {"AM", "PM", "AD", "BC"}, *const DOTTED[] = {"A.M.", "P.M.", "A.D.", "B.C."};
        bool dots = w == AM_DOTS || w == AD_DOTS;
        int first = w == AM || w == AM_DOTS ? 0 : 2;
        found = scan_name(at, (dots ? DOTTED : MARKS) + first, 2, true);
        if (found < 0) {
            rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid value \"%.*s\" for \"%.*s\"", (int)strcspn(*at, " "), *at, (int)length, pattern);
            return rdb_error_detail(call->err, "The given value did not match any of the allowed values for this field.");
        }
        if (first == 0)
            s->meridian = found + 1;
        else
            s->is_bc = found == 1;
        return true;
    }
    case MS:
    case US:
    case FF: {
        const char *start = *at;
        size_t places = w == MS ? 3 : w == US ? 6 : (size_t)(pattern[2] - '0');
        if (!scan_number(call, at, pattern, length, places, &number))
            return false;
        for (size_t i = (size_t)(*at - start); i < 6; i++)
            number *= 10;
        s->usec += number;
        return true;
    }
    default:
        break;
    }
    if (!scan_number(call, at, pattern, length, width, &number))
        return false;
    switch (w) {
    case YYYY:
        s->year = number;
        s->has_year = true;
        return true;
    case YYY:
    case YY:
    case Y: /* the year nearest to 2020 */
        s->year = number < 70 ? number + 2000 : number < 100 ? number + 1900 : number < 520 ? number + 2000 : number < 1000 ? number + 1000 : number;
        s->has_year = true;
        return true;
    case MM:
        s->month = number;
        return true;
    case DD:
        s->day = number;
        return true;
    case DDD:
        s->day_of_year = number;
        s->has_doy = true;
        return true;
    case J:
        s->julian = number;
        s->has_julian = true;
        return true;
    case HH24:
        s->hour = number;
        return true;
    case HH12:
    case HH:
        s->hour = number;
        s->twelve_hours = true;
        return true;
    case MI:
        s->minute = number;
        return true;
    case SS:
        s->second = number;
        return true;
    case SSSS:
        s->hour = number / 3600;
        s->minute = number / 60 % 60;
        s->second = number % 60;
        return true;
    case TZH:
        s->offset += number * 3600;
        s->has_offset = true;
        return true;
    case TZM:
        s->offset += (s->offset < 0 ? -number : number) * 60;
        s->has_offset = true;
        return true;
    default:
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "reading a date by \"%.*s\" is not built", (int)length, pattern);
    }
}

static bool scan_moment(rdb_call *call, rdb_bytes source, rdb_bytes pattern_bytes, scanned *s, type_civil *civil)
{
    const char *text = rdb_arena_strndup(call->arena, (const char *)source.data, source.length);
    const char *pattern = rdb_arena_strndup(call->arena, (const char *)pattern_bytes.data, pattern_bytes.length);
    memset(s, 0, sizeof *s);
    s->month = s->day = 1;
    while (*pattern != '\0') {
        size_t i = 0, length = 0;
        if ((pattern[0] == 'F' || pattern[0] == 'f') && (pattern[1] == 'M' || pattern[1] == 'm')) {
            pattern += 2;
            continue;
        }
        for (; i < RDB_COUNT_OF(WORDS); i++) {
            size_t same = 0;
            length = strlen(WORDS[i].text);
            while (same < length && type_lower((unsigned char)pattern[same]) == type_lower((unsigned char)WORDS[i].text[same]))
                same++;
            if (same == length)
                break;
        }
        if (i < RDB_COUNT_OF(WORDS)) {
            const char *after = pattern + length;
            bool next_is_digit = *after != '\0' && (type_is_digit((unsigned char)*after) || (*after | 0x20) == 'm' || (*after | 0x20) == 'd' || (*after | 0x20) == 'h' || (*after | 0x20) == 's' || (*after | 0x20) == 'y');
            while (type_is_space((unsigned char)*text))
                text++;
            if (*text == '\0')
                break; /* what the text leaves out keeps its default */
            if (!scan_word(call, WORDS[i].word, pattern, length, next_is_digit, &text, s))
                return false;
            pattern = after;
            continue;
        }
        if (*pattern == '"') { /* quoted text stands for as many characters */
            for (pattern++; *pattern != '\0' && *pattern != '"'; pattern++)
                text += *text != '\0';
            pattern += *pattern == '"';
            continue;
        }
        bool letter = (*pattern >= 'a' && *pattern <= 'z') || (*pattern >= 'A' && *pattern <= 'Z') || type_is_digit((unsigned char)*pattern);
        if (letter) {
            text += *text != '\0';
        } else { /* a separator in the template matches any run of them */
            while (type_is_space((unsigned char)*text))
                text++;
            if (*text != '\0' && strchr("!\"#$%&'()*,./:;<=>?@[\\]^_`{|}~", *text) != NULL)
                text++;
            else if (*text == '-' && !(type_is_space((unsigned char)*pattern)))
                text++;
        }
        pattern++;
    }
    if (s->twelve_hours) {
        if (s->hour < 1 || s->hour > 12) {
            rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "hour \"%lld\" is invalid for the 12-hour clock", (long long)s->hour);
            return rdb_error_hint(call->err, "Use the 24-hour clock, or give an hour between 1 and 12.");
        }
        if (s->meridian == 2 && s->hour < 12)
            s->hour += 12;
        else if (s->meridian == 1 && s->hour == 12)
            s->hour = 0;
    }
    int year = s->has_year ? (int)(s->is_bc ? -(s->year - 1) : s->year) : 0, month = (int)s->month, day = (int)s->day;
    if (s->has_julian)
        type_civil_from_days(s->julian - TYPE_JULIAN_2000, &year, &month, &day);
    bool valid = month >= 1 && month <= 12 && year > -4800 && year < 5900000;
    if (valid && s->has_doy) {
        valid = s->day_of_year >= 1 && s->day_of_year <= 365 + type_is_leap_year(year);
        type_civil_from_days(type_days_from_civil(year, 1, 1) + s->day_of_year - 1, &year, &month, &day);
    }
    if (!valid || day < 1 || day > type_days_in_month(year, month) || s->hour < 0 || s->hour > 23 || s->minute < 0 || s->minute > 59 || s->second < 0 || s->second > 59)
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"%.*s\"", (int)source.length, (const char *)source.data);
    *civil = (type_civil){.year = year, .month = month, .day = day, .hour = (int)s->hour, .minute = (int)s->minute, .second = (int)s->second, .usec = (int)s->usec};
    return true;
}

TYPE_ROW_FUNCTION(text_to_date, 2)
{
    scanned s;
    type_civil civil;
    if (!scan_moment(call, a[0].bytes, a[1].bytes, &s, &civil))
        return false;
    int64_t days = type_days_from_civil(civil.year, civil.month, civil.day);
    if (days < TYPE_DATE_MIN || days > TYPE_DATE_MAX)
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date out of range: \"%.*s\"", (int)a[0].bytes.length, (const char *)a[0].bytes.data);
    r->i32 = (int32_t)days;
    return true;
}

TYPE_ROW_FUNCTION(text_to_timestamp, 2)
{
    scanned s;
    type_civil civil;
    int64_t local;
    if (!scan_moment(call, a[0].bytes, a[1].bytes, &s, &civil))
        return false;
    if (!type_timestamp_from_civil(&civil, &local))
        return type_timestamp_range_error(call);
    if (s.has_offset)
        r->i64 = local - s.offset * TYPE_USECS_PER_SEC;
    else if (!type_from_local(call->format->timezone, local, &r->i64))
        return type_timestamp_range_error(call);
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"timestamp_to_char", timestamp_to_char, F, 0}, {"timestamptz_to_char", timestamptz_to_char, F, 0}, {"interval_to_char", interval_to_char, F, 0},
    {"to_date", text_to_date, F, 0}, {"to_timestamp", text_to_timestamp, F, 0},
};
TYPE_KERNEL_TABLE(type_format_time_table, KERNELS);
