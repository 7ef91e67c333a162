/* SPDX-License-Identifier: Apache-2.0
 * Templates of dates and times taken apart: the longest known word at each place wins, words stand in capitals or in small
 * letters, prefixes and suffixes go with their word, and what is no word stands for itself. */
#include "type/time_template.h"

const char *const type_month_names[12] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
const char *const type_day_names[7] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
const char *const type_roman_months[12] = {"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"};

static const struct {
    const char *text;
    type_time_word word;
    bool has_capitalised; /* Day, Month and the like */
} WORDS[] = { /* longer ones before their beginnings */
    {"A.D.", TYPE_TIME_AD_DOTS, false}, {"B.C.", TYPE_TIME_AD_DOTS, false}, {"AD", TYPE_TIME_AD, false}, {"BC", TYPE_TIME_AD, false},
    {"A.M.", TYPE_TIME_AM_DOTS, false}, {"P.M.", TYPE_TIME_AM_DOTS, false}, {"AM", TYPE_TIME_AM, false}, {"PM", TYPE_TIME_AM, false},
    {"CC", TYPE_TIME_CC, false}, {"DAY", TYPE_TIME_DAY, true}, {"DDD", TYPE_TIME_DDD, false}, {"DD", TYPE_TIME_DD, false},
    {"DY", TYPE_TIME_DY, true}, {"D", TYPE_TIME_D, false}, {"FF1", TYPE_TIME_FF, false}, {"FF2", TYPE_TIME_FF, false},
    {"FF3", TYPE_TIME_FF, false}, {"FF4", TYPE_TIME_FF, false}, {"FF5", TYPE_TIME_FF, false}, {"FF6", TYPE_TIME_FF, false},
    {"FX", TYPE_TIME_FX, false}, {"HH24", TYPE_TIME_HH24, false}, {"HH12", TYPE_TIME_HH12, false}, {"HH", TYPE_TIME_HH, false},
    {"IDDD", TYPE_TIME_IDDD, false}, {"ID", TYPE_TIME_ID, false}, {"IW", TYPE_TIME_IW, false}, {"IYYY", TYPE_TIME_IYYY, false},
    {"IYY", TYPE_TIME_IYY, false}, {"IY", TYPE_TIME_IY, false}, {"I", TYPE_TIME_I, false}, {"J", TYPE_TIME_J, false},
    {"MI", TYPE_TIME_MI, false}, {"MM", TYPE_TIME_MM, false}, {"MONTH", TYPE_TIME_MONTH, true}, {"MON", TYPE_TIME_MON, true},
    {"MS", TYPE_TIME_MS, false}, {"OF", TYPE_TIME_OF, false}, {"Q", TYPE_TIME_Q, false}, {"RM", TYPE_TIME_RM, false},
    {"SSSSS", TYPE_TIME_SSSS, false}, {"SSSS", TYPE_TIME_SSSS, false}, {"SS", TYPE_TIME_SS, false}, {"TZH", TYPE_TIME_TZH, false},
    {"TZM", TYPE_TIME_TZM, false}, {"TZ", TYPE_TIME_TZ, false}, {"US", TYPE_TIME_US, false}, {"WW", TYPE_TIME_WW, false},
    {"W", TYPE_TIME_W, false}, {"Y,YYY", TYPE_TIME_Y_COMMA, false}, {"YYYY", TYPE_TIME_YYYY, false}, {"YYY", TYPE_TIME_YYY, false},
    {"YY", TYPE_TIME_YY, false}, {"Y", TYPE_TIME_Y, false},
};

static bool is_letter(int c)
{
    c = type_lower(c);
    return c >= 'a' && c <= 'z';
}

/* All capitals, all small letters or, where has_capitalised, a capital and small letters; other signs as they are. */
static bool matches(const uint8_t *at, const uint8_t *end, const char *word, bool has_capitalised)
{
    size_t length = strlen(word);
    bool upper = true, lower = true, capitalised = has_capitalised;
    if ((size_t)(end - at) < length)
        return false;
    for (size_t i = 0; i < length; i++) {
        int small = is_letter((unsigned char)word[i]) ? type_lower((unsigned char)word[i]) : word[i];
        upper &= at[i] == word[i];
        lower &= at[i] == small;
        capitalised &= at[i] == (i == 0 ? word[i] : small);
    }
    return upper || lower || capitalised;
}

/* FM, TM before a word, in either case. */
static bool is_prefix(const uint8_t *at, const uint8_t *end)
{
    return end - at >= 2 && (at[1] == 'M' || at[1] == 'm') &&
           (at[1] == 'M' ? at[0] == 'F' || at[0] == 'T' : at[0] == 'f' || at[0] == 't');
}

static bool add_part(rdb_call *call, type_time_template *template, uint32_t *capacity, type_time_part part)
{
    if (template->count == *capacity) {
        uint32_t wider = RDB_MAX(*capacity * 2, 16);
        type_time_part *grown = rdb_arena_try_grow(call->arena, template->parts, sizeof *grown * *capacity, sizeof *grown * wider, call->err);
        if (grown == NULL)
            return false;
        template->parts = grown;
        *capacity = wider;
    }
    template->parts[template->count++] = part;
    return true;
}

static uint8_t character_length(const uint8_t *at, const uint8_t *end)
{
    return (uint8_t)RDB_MIN((size_t)(end - at), rdb_utf8_length(*at));
}

bool type_time_template_parse(rdb_call *call, rdb_bytes pattern, bool is_standard, type_time_template *template)
{
    const uint8_t *at = pattern.data, *end = at + pattern.length;
    uint32_t capacity = 0;
    memset(template, 0, sizeof *template);
    while (at < end) {
        type_time_part part = {.kind = TYPE_TIME_PART_WORD};
        if (is_prefix(at, end)) { /* one; where no word follows it is dropped */
            part.fill = type_lower(at[0]) == 'f';
            part.translate = !part.fill;
            at += 2;
            if (at == end)
                break;
        }
        size_t i = 0;
        while (i < RDB_COUNT_OF(WORDS) && !matches(at, end, WORDS[i].text, WORDS[i].has_capitalised))
            i++;
        if (i < RDB_COUNT_OF(WORDS)) {
            part.word = WORDS[i].word;
            part.text = (const char *)at;
            part.length = (uint8_t)strlen(WORDS[i].text);
            at += part.length;
            if (end - at >= 2 && ((at[0] == 'T' && at[1] == 'H') || (at[0] == 't' && at[1] == 'h'))) {
                part.ordinal = true;
                part.upper_ordinal = at[0] == 'T';
                at += 2;
            }
            while (end - at >= 2 && at[0] == 'S' && at[1] == 'P') /* spelled numbers: known, and without effect, in PostgreSQL too */
                at += 2;
            if (!add_part(call, template, &capacity, part))
                return false;
            continue;
        }
        part.kind = TYPE_TIME_PART_CHARACTER;
        if (*at == '"') { /* quoted: each character stands for itself */
            for (at++; at < end && *at != '"'; at += part.length) {
                if (*at == '\\' && at + 1 < end)
                    at++;
                part.text = (const char *)at;
                part.length = character_length(at, end);
                if (!add_part(call, template, &capacity, part))
                    return false;
            }
            at += at < end;
            continue;
        }
        if (is_standard && strchr("-./,':; ", *at) == NULL)
            return rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "invalid datetime format separator: \"%.*s\"", character_length(at, end), (const char *)at);
        if (*at == '\\' && at + 1 < end && at[1] == '"')
            at++;
        part.text = (const char *)at;
        part.length = character_length(at, end);
        if (type_is_space(*at))
            part.kind = TYPE_TIME_PART_SPACE;
        else if (*at > ' ' && *at < 0x7f && !is_letter(*at) && !type_is_digit(*at))
            part.kind = TYPE_TIME_PART_SEPARATOR;
        at += part.length;
        if (!add_part(call, template, &capacity, part))
            return false;
    }
    return true;
}
