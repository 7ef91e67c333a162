/* SPDX-License-Identifier: Apache-2.0
 * Reading the text of dates, times and timestamps, in all the spellings PostgreSQL takes. First the text is cut into
 * tokens by what the characters look like; then the tokens are given meaning one after the other, each filling fields
 * that must not be filled twice; at last the fields are checked together. */
#include "type/datetime.h"
#include <math.h>
#include <stdlib.h>

#define TOKENS_MAX 25
#define TEXT_MAX 128

typedef enum token_kind { NUMBER, WORD, DATE, TIME, ZONE, SPECIAL } token_kind;
typedef struct token {
    token_kind kind;
    char *text;
} token;

enum { HAS_YEAR = 1, HAS_MONTH = 2, HAS_DAY = 4, HAS_DATE = 7, HAS_TIME = 8, HAS_ZONE = 16, HAS_DOY = 32, HAS_DOW = 64 };

typedef enum outcome { GOOD, BAD_FORMAT, FIELD_OVERFLOW, DATE_ORDER_OVERFLOW, ZONE_OVERFLOW } outcome;

typedef struct reader {
    rdb_call *call;
    type_datetime *result;
    unsigned fields;
    int year, month, day, day_of_year;
    bool two_digit_year, is_bc, text_month, julian_next, time_next, is_julian;
    int meridian; /* 0 none, 1 am, 2 pm */
    bool is_time_only;
} reader;

/* ---- tokens --------------------------------------------------------------------------------------------------------------- */
static bool is_alpha(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static const char *const MONTHS[] = {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"};
static const char *const DAYS[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

static int find_month(const char *word)
{
    for (int i = 0; i < 12; i++) {
        if (strcmp(word, MONTHS[i]) == 0 || (strlen(word) == 3 && strncmp(word, MONTHS[i], 3) == 0))
            return i + 1;
    }
    return strcmp(word, "sept") == 0 ? 9 : 0;
}

static bool is_weekday(const char *word)
{
    for (int i = 0; i < 7; i++) {
        if (strcmp(word, DAYS[i]) == 0 || (strlen(word) == 3 && strncmp(word, DAYS[i], 3) == 0))
            return true;
    }
    return strcmp(word, "tues") == 0 || strcmp(word, "thur") == 0 || strcmp(word, "thurs") == 0 || strcmp(word, "weds") == 0;
}

static bool is_keyword(const char *word)
{
    static const char *const WORDS[] = {"t", "j", "jd", "julian", "am", "pm", "ad", "bc", "now", "today", "tomorrow",
                                        "yesterday", "epoch", "infinity", "allballs", "at", "on", "dst", "y", "m", "d", "h", "s"};
    for (size_t i = 0; i < RDB_COUNT_OF(WORDS); i++) {
        if (strcmp(word, WORDS[i]) == 0)
            return true;
    }
    return find_month(word) != 0 || is_weekday(word);
}

/* Cuts the text; copies go to `buffer`. Returns the number of tokens, or -1. */
static int cut_tokens(rdb_slice text, char *buffer, size_t buffer_bytes, token *tokens)
{
    int count = 0;
    const char *at = (const char *)text.data, *end = at + text.length;
    char *to = buffer, *buffer_end = buffer + buffer_bytes - 2;
#define PEEK() (at < end ? (unsigned char)*at : 0)
#define TAKE()                                   \
    do {                                         \
        if (to >= buffer_end)                    \
            return -1;                           \
        *to++ = (char)type_lower((unsigned char)*at++); \
    } while (0)
    for (;;) {
        while (at < end && type_is_space((unsigned char)*at))
            at++;
        if (at == end)
            return count;
        if (count == TOKENS_MAX)
            return -1;
        token *one = &tokens[count];
        one->text = to;
        int c = PEEK();
        if (type_is_digit(c)) {
            TAKE();
            while (type_is_digit(PEEK()))
                TAKE();
            if (PEEK() == ':') {
                one->kind = TIME;
                TAKE();
                while (type_is_digit(PEEK()) || PEEK() == ':' || PEEK() == '.')
                    TAKE();
            } else if (PEEK() == '-' || PEEK() == '/' || PEEK() == '.') {
                int delimiter = PEEK();
                TAKE();
                if (type_is_digit(PEEK())) {
                    one->kind = delimiter == '.' ? NUMBER : DATE;
                    while (type_is_digit(PEEK()))
                        TAKE();
                    if (PEEK() == delimiter) {
                        one->kind = DATE;
                        TAKE();
                        while (type_is_digit(PEEK()) || PEEK() == delimiter)
                            TAKE();
                    }
                } else {
                    one->kind = DATE;
                    while (is_alpha(PEEK()) || type_is_digit(PEEK()) || PEEK() == delimiter)
                        TAKE();
                }
            } else {
                one->kind = NUMBER;
            }
        } else if (c == '.') {
            TAKE();
            while (type_is_digit(PEEK()))
                TAKE();
            one->kind = NUMBER;
        } else if (is_alpha(c)) {
            one->kind = WORD;
            while (is_alpha(PEEK()))
                TAKE();
            *to = '\0';
            bool is_date = PEEK() == '-' || PEEK() == '/' || PEEK() == '.';
            if ((PEEK() == '+' || type_is_digit(PEEK())) && !is_keyword(one->text))
                is_date = true;
            if (is_date) {
                one->kind = DATE;
                do {
                    TAKE();
                } while (PEEK() == '+' || PEEK() == '-' || PEEK() == '/' || PEEK() == '_' || PEEK() == '.' || PEEK() == ':' ||
                         is_alpha(PEEK()) || type_is_digit(PEEK()));
            }
        } else if (c == '+' || c == '-') {
            TAKE();
            while (type_is_space(PEEK()))
                at++;
            if (type_is_digit(PEEK()) || PEEK() == '.') {
                one->kind = ZONE;
                while (type_is_digit(PEEK()) || PEEK() == ':' || PEEK() == '.' || PEEK() == '-')
                    TAKE();
            } else if (is_alpha(PEEK())) {
                one->kind = SPECIAL;
                while (is_alpha(PEEK()))
                    TAKE();
            } else {
                return -1;
            }
        } else if ((c > ' ' && c < '0') || (c > '9' && c < 'A') || c == '@' || c == '[' || c == ']' || c == '_') {
            at++; /* other punctuation only separates */
            continue;
        } else {
            return -1;
        }
        *to++ = '\0';
        count++;
    }
#undef PEEK
#undef TAKE
}

/* ---- fields ------------------------------------------------------------------------------------------------------------------- */
static outcome set_field(reader *r, unsigned field)
{
    if (r->fields & field)
        return BAD_FORMAT;
    r->fields |= field;
    return GOOD;
}

static bool parse_fraction(const char *text, int *usec) /* ".123" */
{
    char *end;
    double fraction = strtod(text, &end);
    if (*end != '\0')
        return false;
    *usec = (int)rint(fraction * 1000000);
    return true;
}

static outcome decode_time(reader *r, const char *text)
{
    type_civil *civil = &r->result->civil;
    char *end;
    outcome o = set_field(r, HAS_TIME);
    if (o != GOOD)
        return o;
    long hour = strtol(text, &end, 10), minute, second = 0;
    if (*end != ':')
        return BAD_FORMAT;
    minute = strtol(end + 1, &end, 10);
    civil->usec = 0;
    if (*end == ':') {
        second = strtol(end + 1, &end, 10);
        if (*end == '.' && !parse_fraction(end, &civil->usec))
            return BAD_FORMAT;
        if (*end != '.' && *end != '\0')
            return BAD_FORMAT;
    } else if (*end == '.') { /* mm:ss.fff has no hour */
        if (!parse_fraction(end, &civil->usec))
            return BAD_FORMAT;
        second = minute;
        minute = hour;
        hour = 0;
    } else if (*end != '\0') {
        return BAD_FORMAT;
    }
    if (hour < 0 || minute < 0 || minute > 59 || second < 0 || second > 60 || hour > 24 ||
        (hour == 24 && (minute > 0 || second > 0 || civil->usec > 0)))
        return FIELD_OVERFLOW;
    civil->hour = (int)hour;
    civil->minute = (int)minute;
    civil->second = (int)second;
    return GOOD;
}

static outcome decode_zone(const char *text, int32_t *west)
{
    char *end;
    long hours, minutes = 0, seconds = 0;
    if (*text != '+' && *text != '-')
        return BAD_FORMAT;
    hours = strtol(text + 1, &end, 10);
    size_t digits = (size_t)(end - text) - 1;
    if (digits == 0)
        return BAD_FORMAT;
    if (*end == ':') {
        minutes = strtol(end + 1, &end, 10);
        if (*end == ':')
            seconds = strtol(end + 1, &end, 10);
    } else if (*end == '\0' && digits > 4) {
        seconds = hours % 100;
        minutes = hours / 100 % 100;
        hours = hours / 10000;
    } else if (*end == '\0' && digits > 2) {
        minutes = hours % 100;
        hours = hours / 100;
    }
    if (*end != '\0')
        return BAD_FORMAT;
    if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59)
        return ZONE_OVERFLOW;
    int32_t east = (int32_t)(hours * 3600 + minutes * 60 + seconds);
    *west = *text == '-' ? east : -east;
    return GOOD;
}

type_zone_outcome type_zone_number(const char *text, int32_t *west)
{
    switch (decode_zone(text, west)) {
    case GOOD:
        return TYPE_ZONE_GOOD;
    case ZONE_OVERFLOW:
        return TYPE_ZONE_OUT_OF_RANGE;
    default:
        return TYPE_ZONE_MALFORMED;
    }
}

/* Digits run together: yyyymmdd, yymmdd, hhmmss, hhmm, with a fraction for seconds. */
static outcome decode_run(reader *r, const char *text)
{
    type_civil *civil = &r->result->civil;
    char digits[TEXT_MAX];
    size_t length = strcspn(text, ".");
    int usec = 0;
    if (length >= sizeof digits || (text[length] == '.' && !parse_fraction(text + length, &usec)))
        return BAD_FORMAT;
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (strspn(digits, "0123456789") != length)
        return BAD_FORMAT;
    if (text[length] != '.' && (r->fields & HAS_DATE) != HAS_DATE && length >= 6) {
        outcome o = set_field(r, HAS_DATE);
        if (o != GOOD)
            return o;
        r->day = atoi(digits + length - 2);
        digits[length - 2] = '\0';
        r->month = atoi(digits + length - 4);
        digits[length - 4] = '\0';
        r->year = atoi(digits);
        r->two_digit_year = length - 4 == 2;
        return GOOD;
    }
    if (!(r->fields & HAS_TIME) && (length == 6 || length == 4)) {
        r->fields |= HAS_TIME;
        civil->second = length == 6 ? atoi(digits + 4) : 0;
        digits[4] = '\0';
        civil->minute = atoi(digits + 2);
        digits[2] = '\0';
        civil->hour = atoi(digits);
        civil->usec = usec;
        if (civil->hour > 24 || civil->minute > 59 || civil->second > 60 ||
            (civil->hour == 24 && (civil->minute > 0 || civil->second > 0 || usec > 0)))
            return FIELD_OVERFLOW;
        return GOOD;
    }
    return BAD_FORMAT;
}

/* A number on its own: which of year, month and day it is follows from what is known already. */
static outcome decode_number(reader *r, const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    size_t length = strlen(text);
    if (end == text)
        return BAD_FORMAT;
    if (*end == '.') {
        if (end - text > 2)
            return decode_run(r, text);
        return BAD_FORMAT;
    }
    if (*end != '\0' || value > INT32_MAX)
        return BAD_FORMAT;
    int order = (int)r->call->format->date_order;
    if (length == 3 && (r->fields & HAS_DATE) == HAS_YEAR && value >= 1 && value <= 366) {
        r->fields |= HAS_MONTH | HAS_DAY | HAS_DOY;
        r->day_of_year = (int)value;
        return GOOD;
    }
    unsigned field;
    switch (r->fields & HAS_DATE) {
    case 0:
        field = length >= 3 || order == RDB_DATEORDER_YMD ? HAS_YEAR : order == RDB_DATEORDER_DMY ? HAS_DAY : HAS_MONTH;
        break;
    case HAS_YEAR:
        field = HAS_MONTH;
        break;
    case HAS_MONTH:
        field = r->text_month && (length >= 3 || order == RDB_DATEORDER_YMD) ? HAS_YEAR : HAS_DAY;
        break;
    case HAS_YEAR | HAS_MONTH:
        if (r->text_month && length >= 3 && r->two_digit_year) { /* what was taken as the year is the day */
            r->day = r->year;
            r->year = (int)value;
            r->two_digit_year = false;
            r->fields |= HAS_DAY;
            return GOOD;
        }
        field = HAS_DAY;
        break;
    case HAS_DAY:
        field = HAS_MONTH;
        break;
    case HAS_MONTH | HAS_DAY:
        field = HAS_YEAR;
        break;
    case HAS_DATE:
        return decode_run(r, text);
    default:
        return BAD_FORMAT;
    }
    r->fields |= field;
    if (field == HAS_YEAR) {
        r->year = (int)value;
        r->two_digit_year = length <= 2;
    } else if (field == HAS_MONTH) {
        r->month = (int)value;
    } else {
        r->day = (int)value;
    }
    return GOOD;
}

/* Parts between punctuation; a month's name is looked for first. */
static outcome decode_date(reader *r, char *text)
{
    char *parts[8];
    int count = 0;
    for (char *at = text; *at != '\0' && count < 8;) {
        while (*at != '\0' && !is_alpha((unsigned char)*at) && !type_is_digit(*at))
            *at++ = '\0';
        if (*at == '\0')
            break;
        parts[count++] = at;
        if (type_is_digit(*at)) {
            while (type_is_digit(*at))
                at++;
        } else {
            while (is_alpha((unsigned char)*at))
                at++;
        }
        if (*at != '\0' && (is_alpha((unsigned char)*at) || type_is_digit(*at)))
            return BAD_FORMAT;
    }
    for (int i = 0; i < count; i++) {
        if (!is_alpha((unsigned char)*parts[i]))
            continue;
        int month = find_month(parts[i]);
        if (month == 0)
            return BAD_FORMAT;
        outcome o = set_field(r, HAS_MONTH);
        if (o != GOOD)
            return o;
        r->month = month;
        r->text_month = true;
        parts[i] = NULL;
    }
    for (int i = 0; i < count; i++) {
        if (parts[i] == NULL)
            continue;
        outcome o = decode_number(r, parts[i]);
        if (o != GOOD)
            return o;
    }
    return (r->fields & HAS_DATE) == HAS_DATE ? GOOD : BAD_FORMAT;
}

static outcome set_zone(reader *r, int32_t west, const rdb_timezone *zone)
{
    outcome o = set_field(r, HAS_ZONE);
    r->result->has_zone = true;
    r->result->west = west;
    r->result->zone = zone;
    return o;
}

/* now, today and their neighbours, in the session's zone. */
static outcome set_now(reader *r, int64_t add_days, bool with_time)
{
    type_zone_moment moment;
    int64_t local = type_to_local(r->call->format->timezone, r->call->transaction_us, &moment);
    type_civil civil;
    type_civil_from_timestamp(local + add_days * TYPE_USECS_PER_DAY, &civil);
    outcome o = set_field(r, with_time ? HAS_DATE | HAS_TIME | HAS_ZONE : HAS_DATE);
    if (o != GOOD)
        return o;
    r->year = civil.year;
    r->month = civil.month;
    r->day = civil.day;
    r->two_digit_year = false;
    r->is_julian = true; /* the year is astronomical already */
    if (with_time) {
        r->result->civil = civil;
        r->result->has_zone = true;
        r->result->west = -moment.offset;
    }
    return GOOD;
}

static outcome decode_word(reader *r, const char *word)
{
    type_datetime *result = r->result;
    rdb_slice slice = {.data = (const uint8_t *)word, .length = strlen(word)};
    int32_t offset;
    bool is_dst;
    int month = find_month(word);
    if (month != 0) {
        if ((r->fields & HAS_MONTH) && !(r->fields & HAS_DAY) && !r->text_month && r->month >= 1 && r->month <= 31) {
            r->day = r->month; /* the number before the name was the day */
            r->fields |= HAS_DAY;
            r->fields &= ~(unsigned)HAS_MONTH;
        }
        r->month = month;
        r->text_month = true;
        return set_field(r, HAS_MONTH);
    }
    if (is_weekday(word))
        return set_field(r, HAS_DOW);
    if (strcmp(word, "am") == 0 || strcmp(word, "pm") == 0) {
        r->meridian = word[0] == 'a' ? 1 : 2;
        return GOOD;
    }
    if (strcmp(word, "ad") == 0 || strcmp(word, "bc") == 0) {
        r->is_bc = word[0] == 'b';
        return GOOD;
    }
    if (strcmp(word, "t") == 0) {
        if ((r->fields & HAS_DATE) == 0 && !r->is_time_only)
            return BAD_FORMAT;
        r->time_next = true;
        return GOOD;
    }
    if (strcmp(word, "j") == 0 || strcmp(word, "jd") == 0 || strcmp(word, "julian") == 0) {
        r->julian_next = true;
        return GOOD;
    }
    if (strcmp(word, "at") == 0 || strcmp(word, "on") == 0)
        return GOOD;
    if (strcmp(word, "dst") == 0) {
        if (!(r->fields & HAS_ZONE))
            return BAD_FORMAT;
        result->west -= 3600;
        return GOOD;
    }
    if (strcmp(word, "now") == 0)
        return set_now(r, 0, true);
    if (strcmp(word, "today") == 0)
        return set_now(r, 0, false);
    if (strcmp(word, "tomorrow") == 0)
        return set_now(r, 1, false);
    if (strcmp(word, "yesterday") == 0)
        return set_now(r, -1, false);
    if (strcmp(word, "allballs") == 0) {
        outcome o = set_field(r, HAS_TIME);
        result->civil.hour = result->civil.minute = result->civil.second = result->civil.usec = 0;
        return o == GOOD ? set_zone(r, 0, NULL) : o;
    }
    if (strcmp(word, "epoch") == 0 || strcmp(word, "infinity") == 0 || strcmp(word, "-infinity") == 0 || strcmp(word, "+infinity") == 0) {
        if (r->fields != 0)
            return BAD_FORMAT;
        result->kind = word[0] == 'e' ? TYPE_DATETIME_EPOCH : word[0] == '-' ? TYPE_DATETIME_MINUS_INFINITY : TYPE_DATETIME_INFINITY;
        r->fields |= HAS_DATE | HAS_TIME | HAS_ZONE;
        return GOOD;
    }
    if (type_zone_abbreviation(slice, &offset, &is_dst)) {
        (void)type_zone_dynamic(slice, &r->result->history, &r->result->abbreviation);
        return set_zone(r, -offset, NULL);
    }
    const rdb_timezone *zone = type_zone_find_posix(word);
    return zone == NULL ? BAD_FORMAT : set_zone(r, 0, zone);
}

static outcome validate(reader *r)
{
    type_civil *civil = &r->result->civil;
    if (r->fields & HAS_YEAR && !r->is_julian) {
        if (r->is_bc) {
            if (r->year <= 0)
                return FIELD_OVERFLOW;
            r->year = -(r->year - 1);
        } else if (r->two_digit_year) {
            r->year += r->year < 70 ? 2000 : r->year < 100 ? 1900 : 0;
        } else if (r->year <= 0) {
            return FIELD_OVERFLOW;
        }
    }
    if (r->fields & HAS_DOY) {
        int year;
        type_civil_from_days(type_days_from_civil(r->year, 1, 1) + r->day_of_year - 1, &year, &r->month, &r->day);
        if (year != r->year)
            return FIELD_OVERFLOW;
    }
    if ((r->fields & HAS_MONTH) && (r->month < 1 || r->month > 12))
        return DATE_ORDER_OVERFLOW;
    if ((r->fields & HAS_DAY) && (r->day < 1 || r->day > 31))
        return DATE_ORDER_OVERFLOW;
    if ((r->fields & HAS_DATE) == HAS_DATE && r->day > type_days_in_month(r->year, r->month))
        return FIELD_OVERFLOW;
    if (r->meridian != 0) {
        if (civil->hour > 12)
            return FIELD_OVERFLOW;
        if (civil->hour == 12)
            civil->hour = r->meridian == 1 ? 0 : 12;
        else if (r->meridian == 2)
            civil->hour += 12;
    }
    civil->year = r->year;
    civil->month = r->month;
    civil->day = r->day;
    return GOOD;
}

static outcome decode_token(reader *r, token *one, bool is_time_only)
{
    outcome o;
    int32_t west;
    char *text = one->text;
    switch (one->kind) {
    case DATE:
        if (is_alpha((unsigned char)*text)) {
            char word[16];
            size_t length = 0;
            while (is_alpha((unsigned char)text[length]) && length < sizeof word - 1) {
                word[length] = text[length];
                length++;
            }
            word[length] = '\0';
            if ((r->fields & HAS_DATE) == 0 && find_month(word) != 0)
                return decode_date(r, text);
            const rdb_timezone *zone = type_zone_find_posix(text);
            if (zone == NULL && strchr(text, '/') != NULL) {
                rdb_error_set(r->call->err, RDB_INVALID_PARAMETER_VALUE, "time zone \"%s\" not recognized", text);
                return BAD_FORMAT;
            }
            return zone == NULL ? BAD_FORMAT : set_zone(r, 0, zone);
        }
        if (is_time_only && (r->fields & HAS_DATE) == 0 && strchr(text, '-') != NULL && strchr(text, '-') == strrchr(text, '-')) {
            r->fields |= HAS_DATE; /* hhmmss-08, where no date can stand */
            o = decode_zone(strchr(text, '-'), &west);
            if (o == GOOD)
                o = set_zone(r, west, NULL);
            *strchr(text, '-') = '\0';
            if (o == GOOD)
                o = decode_run(r, text);
            r->fields &= ~(unsigned)HAS_DATE;
            return o;
        }
        if (r->time_next || r->julian_next || (r->fields & (HAS_MONTH | HAS_DAY)) == (HAS_MONTH | HAS_DAY)) {
            char *zone = strchr(text, '-'); /* 040506-08: a time with its zone */
            if (zone == NULL)
                return BAD_FORMAT;
            o = decode_zone(zone, &west);
            if (o == GOOD)
                o = set_zone(r, west, NULL);
            *zone = '\0';
            r->time_next = false;
            return o == GOOD ? decode_run(r, text) : o;
        }
        return decode_date(r, text);
    case TIME:
        r->time_next = false;
        return decode_time(r, text);
    case ZONE:
        o = decode_zone(text, &west);
        return o == GOOD ? set_zone(r, west, NULL) : o;
    case NUMBER:
        if (r->julian_next) {
            char *end;
            double julian = strtod(text, &end);
            r->julian_next = false;
            if (*end != '\0' || julian < 0 || julian > 2147483494.0)
                return *end != '\0' ? BAD_FORMAT : FIELD_OVERFLOW;
            o = set_field(r, HAS_DATE);
            type_civil_from_days((int64_t)julian - TYPE_JULIAN_2000, &r->year, &r->month, &r->day);
            r->is_julian = true;
            if (o == GOOD && julian != floor(julian)) {
                int64_t usecs = (int64_t)rint((julian - floor(julian)) * (double)TYPE_USECS_PER_DAY);
                type_civil civil;
                type_civil_from_timestamp(usecs, &civil);
                r->result->civil.hour = civil.hour;
                r->result->civil.minute = civil.minute;
                r->result->civil.second = civil.second;
                r->result->civil.usec = civil.usec;
                o = set_field(r, HAS_TIME);
            }
            return o;
        }
        if (r->time_next) {
            unsigned dates = r->fields & HAS_DATE;
            r->time_next = false;
            r->fields |= HAS_DATE;
            o = decode_run(r, text);
            r->fields = (r->fields & ~(unsigned)HAS_DATE) | dates;
            return o;
        }
        if (is_time_only && strcspn(text, ".") >= 4) {
            unsigned dates = r->fields & HAS_DATE;
            r->fields |= HAS_DATE;
            o = decode_run(r, text);
            r->fields = (r->fields & ~(unsigned)HAS_DATE) | dates;
            return o;
        }
        const char *point = strchr(text, '.');
        if (point != NULL && !(r->fields & HAS_DATE))
            return decode_date(r, text);
        if (point != NULL && point - text > 2)
            return decode_run(r, text);
        if (strlen(text) >= 6 && ((r->fields & HAS_DATE) == 0 || !(r->fields & HAS_TIME)))
            return decode_run(r, text);
        return decode_number(r, text);
    case WORD:
    case SPECIAL:
        break;
    }
    return decode_word(r, text);
}

bool type_parse_datetime(rdb_call *call, rdb_slice text, const char *type_name, bool is_time_only, type_datetime *result)
{
    char buffer[TEXT_MAX + 2 * TOKENS_MAX];
    token tokens[TOKENS_MAX];
    reader r = {.call = call, .result = result, .is_time_only = is_time_only};
    memset(result, 0, sizeof *result);
    outcome o = BAD_FORMAT;
    int count = cut_tokens(text, buffer, sizeof buffer, tokens);
    if (count > 0) {
        o = GOOD;
        for (int i = 0; i < count && o == GOOD; i++)
            o = decode_token(&r, &tokens[i], is_time_only);
        if (o == GOOD && (r.julian_next || r.time_next))
            o = BAD_FORMAT;
    }
    if (rdb_error_is_set(call->err))
        return false;
    if (o == GOOD && result->kind == TYPE_DATETIME_VALUE)
        o = validate(&r);
    result->has_date = (r.fields & HAS_DATE) == HAS_DATE;
    result->has_time = (r.fields & HAS_TIME) != 0;
    if (o == GOOD && (is_time_only ? !result->has_time : !result->has_date))
        o = BAD_FORMAT;
    if (o == GOOD && (r.fields & HAS_DATE) != 0 && !result->has_date)
        o = BAD_FORMAT;
    if (o == GOOD && is_time_only && result->zone != NULL && !result->has_date) /* its offset depends on the date */
        o = BAD_FORMAT;
    if (o == GOOD && is_time_only && result->civil.hour == 23 && result->civil.minute == 59 && result->civil.second == 60 && result->civil.usec > 0)
        o = FIELD_OVERFLOW;
    switch (o) {
    case GOOD:
        return true;
    case FIELD_OVERFLOW:
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"%.*s\"", (int)text.length, (const char *)text.data);
    case DATE_ORDER_OVERFLOW:
        rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"%.*s\"", (int)text.length, (const char *)text.data);
        return rdb_error_hint(call->err, "Perhaps you need a different \"datestyle\" setting.");
    case ZONE_OVERFLOW:
        return rdb_error_set(call->err, RDB_INVALID_TIME_ZONE_DISPLACEMENT, "time zone displacement out of range: \"%.*s\"", (int)text.length, (const char *)text.data);
    case BAD_FORMAT:
        break;
    }
    return rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid input syntax for type %s: \"%.*s\"", type_name, (int)text.length, (const char *)text.data);
}
