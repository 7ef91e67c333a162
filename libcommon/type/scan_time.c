/* SPDX-License-Identifier: Apache-2.0
 * to_date and to_timestamp: a text read by a template. Outside of FX the text may have more blanks and separators than the
 * template, or others; the standard's reading (jsonpath's) asks for the very ones and for the end of both. */
#include "type/tables.h"
#include "type/time_template.h"
#include <limits.h>
#include <stdio.h>

typedef enum convention { ANY_WEEKS, GREGORIAN, ISO_WEEKS } convention;

/* The fields; 0 means not given, as it does in PostgreSQL. */
typedef struct fields {
    int hour, minute, second, second_of_day, day_of_week, day, day_of_year, month, milli, micro, year, week_of_year, week_of_month, century, julian;
    int zone_hour, zone_minute, zone_sign;
    int year_digits;
    int is_pm, is_bc;
    bool twelve_hours;
    int precision;
    convention weeks;
} fields;

typedef struct scanner {
    rdb_call *call;
    const char *at; /* terminated */
    const type_time_template *template;
    uint32_t part_no;
    fields f;
} scanner;

static const type_time_part *part_of(const scanner *s)
{
    return &s->template->parts[s->part_no];
}

static bool is_number_word(type_time_word word)
{
    switch (word) {
    case TYPE_TIME_AD_DOTS:
    case TYPE_TIME_AD:
    case TYPE_TIME_AM_DOTS:
    case TYPE_TIME_AM:
    case TYPE_TIME_DAY:
    case TYPE_TIME_DY:
    case TYPE_TIME_MONTH:
    case TYPE_TIME_MON:
    case TYPE_TIME_RM:
    case TYPE_TIME_TZ:
    case TYPE_TIME_TZH:
    case TYPE_TIME_OF:
    case TYPE_TIME_FX:
        return false;
    default:
        return true;
    }
}

/* Does the field end by what stands after it, so that its number may have any length? */
static bool ends_itself(const scanner *s)
{
    const type_time_part *part = part_of(s);
    if (part->fill || part->ordinal || s->part_no + 1 == s->template->count)
        return true;
    part++;
    return part->kind == TYPE_TIME_PART_WORD ? !is_number_word(part->word) : !type_is_digit((unsigned char)part->text[0]);
}

static void skip_blanks(scanner *s)
{
    while (type_is_space((unsigned char)*s->at))
        s->at++;
}

static const char *skip_character(const char *at)
{
    for (uint32_t length = *at == '\0' ? 0 : rdb_utf8_length((uint8_t)*at); length > 0 && *at != '\0'; length--)
        at++;
    return at;
}

static bool invalid_value(scanner *s, const char *text, size_t length)
{
    return rdb_error_set(s->call->err, RDB_INVALID_DATETIME_FORMAT, "invalid value \"%.*s\" for \"%.*s\"", (int)length, text, part_of(s)->length, part_of(s)->text);
}

/* A field set twice must be set alike. */
static bool set_field(scanner *s, int *field, int value)
{
    if (*field != 0 && *field != value) {
        rdb_error_set(s->call->err, RDB_INVALID_DATETIME_FORMAT, "conflicting values for \"%.*s\" field in formatting string", part_of(s)->length, part_of(s)->text);
        return rdb_error_detail(s->call->err, "This value contradicts a previous setting for the same field type.");
    }
    *field = value;
    return true;
}

/* An integer of `width` characters, or of any number where the field ends itself. *used: the characters it took. */
static bool scan_number(scanner *s, size_t width, int *field, int *used)
{
    const type_time_part *part = part_of(s);
    const char *start = s->at;
    skip_blanks(s);
    const char *text = s->at;
    size_t left = strlen(text), limit = SIZE_MAX;
    int taken = 0;
    if (!ends_itself(s)) {
        if (left < width) {
            rdb_error_set(s->call->err, RDB_INVALID_DATETIME_FORMAT, "source string too short for \"%.*s\" formatting field", part->length, part->text);
            rdb_error_detail(s->call->err, "Field requires %zu characters, but only %zu remain.", width, left);
            return rdb_error_hint(s->call->err, "If your source string is not fixed-width, try using the \"FM\" modifier.");
        }
        limit = width;
    }
    const char *at = text;
    bool negative = false, overflow = false;
    int64_t value = 0;
    while ((size_t)(at - text) < limit && type_is_space((unsigned char)*at))
        at++;
    if ((size_t)(at - text) < limit && (*at == '-' || *at == '+'))
        negative = *at++ == '-';
    const char *digits = at;
    for (; (size_t)(at - text) < limit && type_is_digit((unsigned char)*at); at++) {
        value = value * 10 + (*at - '0');
        overflow |= value > (int64_t)INT_MAX + 1;
        value = overflow ? 0 : value;
    }
    if (at == digits) {
        invalid_value(s, text, RDB_MIN(left, width));
        return rdb_error_detail(s->call->err, "Value must be an integer.");
    }
    if (limit != SIZE_MAX && (size_t)(at - text) < width) {
        invalid_value(s, text, width);
        rdb_error_detail(s->call->err, "Field requires %zu characters, but only %zu could be parsed.", width, (size_t)(at - text));
        return rdb_error_hint(s->call->err, "If your source string is not fixed-width, try using the \"FM\" modifier.");
    }
    value = negative ? -value : value;
    if (overflow || value < INT_MIN || value > INT_MAX) {
        rdb_error_set(s->call->err, RDB_DATETIME_FIELD_OVERFLOW, "value for \"%.*s\" in source string is out of range", part->length, part->text);
        return rdb_error_detail(s->call->err, "Value must be in the range %d to %d.", INT_MIN, INT_MAX);
    }
    taken = (int)(at - start);
    s->at = at;
    if (used != NULL)
        *used = taken;
    return field == NULL || set_field(s, field, (int)value);
}

/* One of the names, of which only the first `prefix` letters count (0: all); its place. */
static bool scan_name(scanner *s, const char *const *names, int count, size_t prefix, int *place)
{
    for (int i = 0; i < count; i++) {
        size_t length = prefix > 0 ? prefix : strlen(names[i]), same = 0;
        while (same < length && s->at[same] != '\0' && type_lower((unsigned char)s->at[same]) == type_lower((unsigned char)names[i][same]))
            same++;
        if (same == length) {
            s->at += length;
            *place = i;
            return true;
        }
    }
    invalid_value(s, s->at, strcspn(s->at, " \t\n\r\f"));
    return rdb_error_detail(s->call->err, "The given value did not match any of the allowed values for this field.");
}

static bool set_weeks(scanner *s, convention weeks)
{
    if (weeks == ANY_WEEKS || s->f.weeks == ANY_WEEKS || s->f.weeks == weeks) {
        s->f.weeks = weeks != ANY_WEEKS ? weeks : s->f.weeks;
        return true;
    }
    rdb_error_set(s->call->err, RDB_INVALID_DATETIME_FORMAT, "invalid combination of date conventions");
    return rdb_error_hint(s->call->err, "Do not mix Gregorian and ISO week date conventions in a formatting template.");
}

static convention convention_of(type_time_word word)
{
    switch (word) {
    case TYPE_TIME_IDDD:
    case TYPE_TIME_ID:
    case TYPE_TIME_IW:
    case TYPE_TIME_IYYY:
    case TYPE_TIME_IYY:
    case TYPE_TIME_IY:
    case TYPE_TIME_I:
        return ISO_WEEKS;
    case TYPE_TIME_DDD:
    case TYPE_TIME_DD:
    case TYPE_TIME_D:
    case TYPE_TIME_MM:
    case TYPE_TIME_MONTH:
    case TYPE_TIME_MON:
    case TYPE_TIME_RM:
    case TYPE_TIME_WW:
    case TYPE_TIME_W:
    case TYPE_TIME_Y_COMMA:
    case TYPE_TIME_YYYY:
    case TYPE_TIME_YYY:
    case TYPE_TIME_YY:
    case TYPE_TIME_Y:
        return GREGORIAN;
    default:
        return ANY_WEEKS;
    }
}

/* Three digits or fewer mean the year nearest to 2020. */
static int complete_year(int year)
{
    return year < 70 ? year + 2000 : year < 100 ? year + 1900 : year < 520 ? year + 2000 : year < 1000 ? year + 1000 : year;
}

static bool scan_year(scanner *s, int digits)
{
    int value = 0, used;
    if (!scan_number(s, (size_t)digits, &value, &used) )
        return false;
    if (digits < 4 && used < 4)
        value = complete_year(value);
    s->f.year_digits = digits;
    return set_field(s, &s->f.year, value);
}

static bool scan_year_with_comma(scanner *s)
{
    int thousands = 0, years = 0, used = 0;
    if (sscanf(s->at, "%d,%03d%n", &thousands, &years, &used) < 2)
        return rdb_error_set(s->call->err, RDB_INVALID_DATETIME_FORMAT, "invalid input string for \"Y,YYY\"");
    if (__builtin_mul_overflow(thousands, 1000, &thousands) || __builtin_add_overflow(years, thousands, &years))
        return rdb_error_set(s->call->err, RDB_DATETIME_FIELD_OVERFLOW, "value for \"Y,YYY\" in source string is out of range");
    s->at += used;
    s->f.year_digits = 4;
    return set_field(s, &s->f.year, years);
}

/* A fraction of a second: its digits count from the left, up to six. */
static bool scan_fraction(scanner *s, int width, int places, int *field)
{
    int used;
    if (!scan_number(s, (size_t)width, field, &used))
        return false;
    for (int i = used; i < places; i++)
        *field *= 10;
    return true;
}

/* One of two marks, the second of which is set. */
static bool scan_mark(scanner *s, const char *const *names, int *mark)
{
    int place = 0;
    return scan_name(s, names, 2, 0, &place) && set_field(s, mark, place);
}

static bool scan_word(scanner *s, int skipped_more)
{
    static const char *const AM[] = {"AM", "PM"}, *const AM_DOTS[] = {"A.M.", "P.M."}, *const AD[] = {"AD", "BC"}, *const AD_DOTS[] = {"A.D.", "B.C."};
    static const char *const ROMAN_DOWN[] = {"XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I"}; /* longer ones first */
    const type_time_part *part = part_of(s);
    fields *f = &s->f;
    int place = 0, number = 0;
    switch (part->word) {
    case TYPE_TIME_FX:
        return true;
    case TYPE_TIME_AM:
    case TYPE_TIME_AM_DOTS:
        f->twelve_hours = true;
        return scan_mark(s, part->word == TYPE_TIME_AM ? AM : AM_DOTS, &f->is_pm);
    case TYPE_TIME_AD:
    case TYPE_TIME_AD_DOTS:
        return scan_mark(s, part->word == TYPE_TIME_AD ? AD : AD_DOTS, &f->is_bc);
    case TYPE_TIME_HH:
    case TYPE_TIME_HH12:
        f->twelve_hours = true;
        return scan_number(s, 2, &f->hour, NULL);
    case TYPE_TIME_HH24:
        return scan_number(s, 2, &f->hour, NULL);
    case TYPE_TIME_MI:
        return scan_number(s, 2, &f->minute, NULL);
    case TYPE_TIME_SS:
        return scan_number(s, 2, &f->second, NULL);
    case TYPE_TIME_MS:
        return scan_fraction(s, 3, 3, &f->milli);
    case TYPE_TIME_FF:
        f->precision = part->text[2] - '0';
        return scan_fraction(s, f->precision, 6, &f->micro);
    case TYPE_TIME_US:
        return scan_fraction(s, 6, 6, &f->micro);
    case TYPE_TIME_SSSS:
        return scan_number(s, part->length, &f->second_of_day, NULL);
    case TYPE_TIME_TZ:
    case TYPE_TIME_OF:
        return rdb_error_set(s->call->err, RDB_FEATURE_NOT_SUPPORTED, "formatting field \"%.*s\" is only supported in to_char", part->length, part->text);
    case TYPE_TIME_TZH:
        if (*s->at == '+' || *s->at == '-' || *s->at == ' ')
            f->zone_sign = *s->at++ == '-' ? -1 : 1;
        else /* a minus may have gone as a separator */
            f->zone_sign = skipped_more > 0 && s->at[-1] == '-' ? -1 : 1;
        return scan_number(s, 2, &f->zone_hour, NULL);
    case TYPE_TIME_TZM:
        f->zone_sign = f->zone_sign != 0 ? f->zone_sign : 1;
        return scan_number(s, 2, &f->zone_minute, NULL);
    case TYPE_TIME_MONTH:
    case TYPE_TIME_MON:
        return scan_name(s, type_month_names, 12, part->word == TYPE_TIME_MON ? 3 : 0, &place) && set_field(s, &f->month, place + 1);
    case TYPE_TIME_MM:
        return scan_number(s, 2, &f->month, NULL);
    case TYPE_TIME_RM:
        return scan_name(s, ROMAN_DOWN, 12, 0, &place) && set_field(s, &f->month, 12 - place);
    case TYPE_TIME_DAY:
    case TYPE_TIME_DY:
        return scan_name(s, type_day_names, 7, part->word == TYPE_TIME_DY ? 3 : 0, &place) && set_field(s, &f->day_of_week, place + 1);
    case TYPE_TIME_DDD:
    case TYPE_TIME_IDDD:
        return scan_number(s, 3, &f->day_of_year, NULL);
    case TYPE_TIME_DD:
        return scan_number(s, 2, &f->day, NULL);
    case TYPE_TIME_D:
        return scan_number(s, 1, &f->day_of_week, NULL);
    case TYPE_TIME_ID: /* Sunday is 7 there, 1 here */
        return scan_number(s, 1, &number, NULL) && set_field(s, &f->day_of_week, number >= 7 ? 1 : number + 1);
    case TYPE_TIME_WW:
    case TYPE_TIME_IW:
        return scan_number(s, 2, &f->week_of_year, NULL);
    case TYPE_TIME_W:
        return scan_number(s, 1, &f->week_of_month, NULL);
    case TYPE_TIME_Q: /* says too little to make a date of; read and dropped */
        return scan_number(s, 1, NULL, NULL);
    case TYPE_TIME_CC:
        return scan_number(s, 2, &f->century, NULL);
    case TYPE_TIME_J:
        return scan_number(s, 1, &f->julian, NULL);
    case TYPE_TIME_Y_COMMA:
        return scan_year_with_comma(s);
    case TYPE_TIME_YYYY:
    case TYPE_TIME_IYYY:
        return scan_year(s, 4);
    case TYPE_TIME_YYY:
    case TYPE_TIME_IYY:
        return scan_year(s, 3);
    case TYPE_TIME_YY:
    case TYPE_TIME_IY:
        return scan_year(s, 2);
    case TYPE_TIME_Y:
    case TYPE_TIME_I:
        return scan_year(s, 1);
    }
    return true;
}

static bool is_separator(int c)
{
    int small = type_lower(c);
    return c > ' ' && c < 0x7f && !(small >= 'a' && small <= 'z') && !type_is_digit(c);
}

static bool scan_parts(scanner *s, bool is_standard)
{
    bool is_fixed = is_standard;
    int skipped_more = 0; /* characters beyond those of the template */
    for (; s->part_no < s->template->count && *s->at != '\0'; s->part_no++) {
        const type_time_part *part = part_of(s);
        if (!is_fixed && (part->kind != TYPE_TIME_PART_CHARACTER || s->part_no == 0)) {
            for (; type_is_space((unsigned char)*s->at); s->at++)
                skipped_more++;
        }
        if (part->kind == TYPE_TIME_PART_SPACE || part->kind == TYPE_TIME_PART_SEPARATOR) {
            if (is_standard) {
                if (*s->at != part->text[0])
                    return rdb_error_set(s->call->err, RDB_INVALID_DATETIME_FORMAT, "unmatched format separator \"%c\"", part->text[0]);
                s->at++;
            } else if (is_fixed) {
                s->at = skip_character(s->at);
            } else {
                skipped_more--;
                if (type_is_space((unsigned char)*s->at) || is_separator((unsigned char)*s->at)) {
                    s->at++;
                    skipped_more++;
                }
            }
            continue;
        }
        if (part->kind == TYPE_TIME_PART_CHARACTER) {
            if (is_standard && strncmp(s->at, part->text, part->length) != 0)
                return rdb_error_set(s->call->err, RDB_INVALID_DATETIME_FORMAT, "unmatched format character \"%.*s\"", part->length, part->text);
            if (!is_fixed && skipped_more > 0)
                skipped_more--;
            else
                s->at = skip_character(s->at);
            continue;
        }
        if (!set_weeks(s, convention_of(part->word)) || !scan_word(s, skipped_more))
            return false;
        is_fixed |= part->word == TYPE_TIME_FX;
        if (part->ordinal && is_number_word(part->word) && part->word != TYPE_TIME_TZM)
            s->at = skip_character(skip_character(s->at));
        if (!is_fixed) {
            skipped_more = 0;
            for (; type_is_space((unsigned char)*s->at); s->at++)
                skipped_more++;
        }
    }
    if (!is_standard)
        return true;
    if (s->part_no < s->template->count)
        return rdb_error_set(s->call->err, RDB_INVALID_DATETIME_FORMAT, "input string is too short for datetime format");
    skip_blanks(s);
    return *s->at == '\0' || rdb_error_set(s->call->err, RDB_INVALID_DATETIME_FORMAT, "trailing characters remain in input string after datetime format");
}

/* ---- from fields to a moment -------------------------------------------------------------------------------------------------- */
static bool out_of_range(rdb_call *call, rdb_bytes text)
{
    return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"%.*s\"", (int)text.length, (const char *)text.data);
}

static int64_t iso_week_start(int year, int64_t week)
{
    int64_t fourth = type_days_from_civil(year, 1, 4);
    return fourth - ((fourth + 5) % 7 + 7) % 7 + (week - 1) * 7;
}

/* The year as calendars count it (0 is 1 BC); false: none was given. */
static bool year_of(const fields *f, int *year)
{
    int century = f->is_bc ? -f->century : f->century;
    *year = 0;
    if (f->year != 0 && f->century != 0 && f->year_digits <= 2) {
        int low = f->year % 100;
        if (low != 0)
            *year = century >= 0 ? low + (century - 1) * 100 : (century + 1) * 100 - low + 1;
        else
            *year = century >= 0 ? century * 100 : century * 100 + 1;
        return true;
    }
    if (f->year != 0) {
        *year = f->is_bc ? -f->year : f->year;
        *year += *year < 0;
        return true;
    }
    if (f->century != 0) {
        *year = century >= 0 ? (century - 1) * 100 + 1 : century * 100 + 1;
        return true;
    }
    return false;
}

static bool complete_date(rdb_call *call, fields *f, rdb_bytes text, type_civil *civil)
{
    int year, month = 1, day = 1;
    bool has_year = year_of(f, &year), has_month = false, has_day = false;
    if (f->century < -INT_MAX / 200 || f->century > INT_MAX / 200)
        return out_of_range(call, text);
    if (f->julian != 0) {
        type_civil_from_days((int64_t)f->julian - TYPE_JULIAN_2000, &year, &month, &day);
        has_year = has_month = has_day = true;
    }
    if (f->week_of_year != 0 && f->weeks == ISO_WEEKS) {
        int64_t start = iso_week_start(year, f->week_of_year);
        if (f->day_of_week > 0) /* Monday is the first, and Sunday 1 */
            start += f->day_of_week > 1 ? f->day_of_week - 2 : 6;
        type_civil_from_days(start, &year, &month, &day);
        has_year = has_month = has_day = true;
    } else if (f->week_of_year != 0) {
        if (__builtin_mul_overflow(f->week_of_year - 1, 7, &f->day_of_year))
            return out_of_range(call, text);
        f->day_of_year++;
    }
    if (f->week_of_month != 0) {
        if (__builtin_mul_overflow(f->week_of_month - 1, 7, &f->day))
            return out_of_range(call, text);
        f->day++;
    }
    if (f->day != 0) {
        day = f->day;
        has_day = true;
    }
    if (f->month != 0) {
        month = f->month;
        has_month = true;
    }
    if (f->day_of_year != 0 && (month <= 1 || day <= 1)) {
        if (year == 0 && !f->is_bc)
            return rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "cannot calculate day of year without year information");
        if (f->weeks == ISO_WEEKS) {
            type_civil_from_days(iso_week_start(year, 1) + f->day_of_year - 1, &year, &month, &day);
            has_year = has_month = has_day = true;
        } else {
            int found = 1, before = 0;
            while (found <= 12 && f->day_of_year > before + type_days_in_month(year, found))
                before += type_days_in_month(year, found++);
            month = month <= 1 ? found : month;
            day = day <= 1 ? f->day_of_year - before : day;
            has_month = has_day = true;
        }
    }
    if ((has_month && (month < 1 || month > 12)) || (has_day && (day < 1 || day > 31)))
        return out_of_range(call, text);
    if (has_year && has_month && has_day && day > type_days_in_month(year, month))
        return out_of_range(call, text);
    civil->year = year;
    civil->month = month;
    civil->day = day;
    return true;
}

static bool complete_hour(rdb_call *call, fields *f)
{
    if (f->second_of_day != 0) {
        f->hour = f->hour != 0 ? f->hour : f->second_of_day / 3600;
        f->minute = f->minute != 0 ? f->minute : f->second_of_day / 60 % 60;
        f->second = f->second != 0 ? f->second : f->second_of_day % 60;
    }
    if (!f->twelve_hours)
        return true;
    if (f->hour < 1 || f->hour > 12) {
        rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "hour \"%d\" is invalid for the 12-hour clock", f->hour);
        return rdb_error_hint(call->err, "Use the 24-hour clock, or give an hour between 1 and 12.");
    }
    f->hour = f->is_pm && f->hour < 12 ? f->hour + 12 : !f->is_pm && f->hour == 12 ? 0 : f->hour;
    return true;
}

static bool complete_time(rdb_call *call, const fields *f, rdb_bytes text, type_civil *civil)
{
    int64_t fraction = (int64_t)f->milli * 1000 + f->micro;
    if (f->hour < 0 || f->hour > 23 || f->minute < 0 || f->minute > 59 || f->second < 0 || f->second > 59 || fraction < 0 || fraction >= TYPE_USECS_PER_SEC)
        return out_of_range(call, text);
    civil->hour = f->hour;
    civil->minute = f->minute;
    civil->second = f->second;
    civil->usec = (int)fraction;
    return true;
}

static void note_kinds(const type_time_template *template, type_time_scan *scan)
{
    for (uint32_t i = 0; i < template->count; i++) {
        if (template->parts[i].kind != TYPE_TIME_PART_WORD)
            continue;
        switch (template->parts[i].word) {
        case TYPE_TIME_FX:
            break;
        case TYPE_TIME_AM:
        case TYPE_TIME_AM_DOTS:
        case TYPE_TIME_HH:
        case TYPE_TIME_HH12:
        case TYPE_TIME_HH24:
        case TYPE_TIME_MI:
        case TYPE_TIME_SS:
        case TYPE_TIME_MS:
        case TYPE_TIME_US:
        case TYPE_TIME_FF:
        case TYPE_TIME_SSSS:
            scan->is_timed = true;
            break;
        case TYPE_TIME_TZ:
        case TYPE_TIME_OF:
        case TYPE_TIME_TZH:
        case TYPE_TIME_TZM:
            scan->is_zoned = true;
            break;
        default:
            scan->is_dated = true;
            break;
        }
    }
}

bool type_time_scan_text(rdb_call *call, rdb_bytes text, rdb_bytes pattern, bool is_standard, type_time_scan *scan)
{
    type_time_template template;
    memset(scan, 0, sizeof *scan);
    if (!type_time_template_parse(call, pattern, is_standard, &template))
        return false;
    scanner s = {.call = call, .template = &template, .at = rdb_arena_strndup(call->arena, (const char *)text.data, text.length)};
    if (!scan_parts(&s, is_standard) || !complete_hour(call, &s.f) || !complete_date(call, &s.f, text, &scan->civil) ||
        !complete_time(call, &s.f, text, &scan->civil))
        return false;
    note_kinds(&template, scan);
    scan->precision = s.f.precision;
    scan->has_zone = s.f.zone_sign != 0;
    if (scan->has_zone) {
        if (s.f.zone_hour < 0 || s.f.zone_hour > 15 || s.f.zone_minute < 0 || s.f.zone_minute > 59)
            return rdb_error_set(call->err, RDB_INVALID_TIME_ZONE_DISPLACEMENT, "time zone displacement out of range: \"%.*s\"", (int)text.length, (const char *)text.data);
        scan->west = -s.f.zone_sign * (s.f.zone_hour * 3600 + s.f.zone_minute * 60);
    }
    return true;
}

TYPE_ROW_FUNCTION(text_to_date, 2)
{
    type_time_scan scan;
    if (!type_time_scan_text(call, a[0].bytes, a[1].bytes, false, &scan))
        return false;
    int64_t days = type_days_from_civil(scan.civil.year, scan.civil.month, scan.civil.day);
    if (days < TYPE_DATE_MIN || days > TYPE_DATE_MAX)
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date out of range: \"%.*s\"", (int)a[0].bytes.length, (const char *)a[0].bytes.data);
    r->i32 = (int32_t)days;
    return true;
}

TYPE_ROW_FUNCTION(text_to_timestamp, 2)
{
    type_time_scan scan;
    int64_t local;
    if (!type_time_scan_text(call, a[0].bytes, a[1].bytes, false, &scan))
        return false;
    if (!type_timestamp_from_civil(&scan.civil, &local))
        return type_timestamp_range_error(call);
    if (scan.has_zone)
        r->i64 = local + scan.west * TYPE_USECS_PER_SEC;
    else if (!type_from_local(call->format->timezone, local, &r->i64))
        return type_timestamp_range_error(call);
    if (!type_timestamp_is_valid(r->i64))
        return type_timestamp_range_error(call);
    if (scan.precision > 0)
        r->i64 = type_round_usecs(r->i64, scan.precision);
    return true;
}

static const type_kernel KERNELS[] = {
    {"to_date", text_to_date, RDB_KERNEL_FALLIBLE, 0}, {"to_timestamp", text_to_timestamp, RDB_KERNEL_FALLIBLE, 0},
};
TYPE_KERNEL_TABLE(type_scan_time_table, KERNELS);
