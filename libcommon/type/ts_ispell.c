/* SPDX-License-Identifier: Apache-2.0
 * The template ispell: base forms of words by a list of words and a file of affixes, in ispell's or in hunspell's format, and the parts
 * of compound words. Once made, nothing of it changes: any thread may ask it.
 *
 * A word of the list carries flags; an affix rule has one flag, what it puts in place of what (add for strip), and a condition on the
 * base form. A word is known when it is listed, or when undoing a suffix, a prefix or both gives a listed word that carries the rule's
 * flag. Two rules that both allow it (cross product) need no flag when they are undone together. */
#include "type/regex.h"
#include "type/text_int.h"
#include "type/ts_dict.h"
#include <stdlib.h>

enum { ONLY_IN_COMPOUND = 1, AT_BEGIN = 2, IN_MIDDLE = 4, AT_END = 8, ANYWHERE = AT_BEGIN | IN_MIDDLE | AT_END, PERMITTED = 16, FORBIDDEN = 32, CROSS = 64 };
enum flag_form { ONE_CHARACTER, TWO_CHARACTERS, NUMBER };
#define WORD_BYTES_MAX 256u   /* longer ones are no words of a language */
#define LEXEMES_MAX 1024u     /* of one word */
#define SPLITS_MAX 65536u     /* pieces tried in one word: bounds the work on words that are all parts */

typedef uint64_t flag_code; /* the bytes of one or two characters, or a number */
typedef struct listed_word {
    rdb_slice word, flag_text;
    flag_code *flags;
    uint32_t flag_count, line;
    uint8_t bits;
} listed_word;
typedef struct affix {
    rdb_slice add, strip, condition;
    flag_code flag;
    uint32_t line;
    uint8_t bits;
    bool is_prefix, is_regex;
} affix;
typedef struct affix_list {
    affix *items;
    uint32_t count, capacity;
    size_t longest;
} affix_list;
typedef struct compound_flag {
    flag_code flag;
    uint8_t bit;
} compound_flag;
typedef struct ispell_state {
    listed_word *words;
    uint32_t word_count;
    affix_list prefixes, suffixes;
    compound_flag compound[16];
    uint32_t compound_count;
    rdb_slice *aliases; /* by number, from 1 */
    uint32_t alias_count, alias_capacity;
    enum flag_form form;
    bool has_compounds, has_aliases;
    ts_stop_list stops;
} ispell_state;

static int compare_bytes(rdb_slice a, rdb_slice b)
{
    size_t length = RDB_MIN(a.length, b.length);
    int order = length == 0 ? 0 : memcmp(a.data, b.data, length);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_words(const void *left, const void *right)
{
    const listed_word *a = left, *b = right;
    int order = compare_bytes(a->word, b->word);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static int compare_affixes(const void *left, const void *right)
{
    const affix *a = left, *b = right;
    int order = compare_bytes(a->add, b->add);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

/* The next field, up to a blank; false: there is none. */
static bool next_field(rdb_slice *line, rdb_slice *field)
{
    size_t at = 0;
    while (at < line->length && type_is_space(line->data[at]))
        at++;
    size_t from = at;
    while (at < line->length && !type_is_space(line->data[at]))
        at++;
    *field = (rdb_slice){line->data + from, at - from};
    line->data += at;
    line->length -= at;
    return field->length > 0;
}

static const char *shown(rdb_arena *arena, rdb_slice text)
{
    return rdb_arena_strndup(arena, (const char *)text.data, text.length);
}

/* ---- flags -------------------------------------------------------------------------------------------------------------------------- */
/* Takes the first flag off the text. */
static bool next_flag(const ispell_state *s, rdb_arena *arena, rdb_slice *text, flag_code *flag, rdb_error *err)
{
    const rdb_slice whole = *text;
    size_t at = 0;
    *flag = 0;
    if (s->form == NUMBER) {
        while (at < text->length && text->data[at] >= '0' && text->data[at] <= '9' && *flag <= 65535)
            *flag = *flag * 10 + (text->data[at++] - '0');
        if (at == 0)
            return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "invalid affix flag \"%s\"", shown(arena, whole));
        if (*flag > 65535)
            return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "affix flag \"%s\" is out of range", shown(arena, whole));
        while (at < text->length && (text->data[at] == ',' || type_is_space(text->data[at])))
            at++;
        if (at < text->length && (text->data[at] < '0' || text->data[at] > '9'))
            return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "invalid character in affix flag \"%s\"", shown(arena, whole));
    } else {
        uint32_t characters = s->form == TWO_CHARACTERS ? 2 : 1;
        for (uint32_t i = 0; i < characters; i++) {
            uint32_t length = 0;
            if (at >= text->length)
                return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "invalid affix flag \"%s\" with \"long\" flag value", shown(arena, whole));
            type_utf8_decode(text->data + at, text->data + text->length, &length);
            for (uint32_t k = 0; k < length; k++)
                *flag = *flag << 8 | text->data[at + k];
            at += length;
        }
    }
    text->data += at;
    text->length -= at;
    return true;
}

/* What an alias stands for, where the file has aliases; else the text itself. */
static bool resolve_alias(const ispell_state *s, rdb_arena *arena, rdb_slice *text, rdb_error *err)
{
    uint64_t number = 0;
    size_t at = 0;
    if (!s->has_aliases || text->length == 0)
        return true;
    while (at < text->length && text->data[at] >= '0' && text->data[at] <= '9' && number <= s->alias_count)
        number = number * 10 + (text->data[at++] - '0');
    if (at == 0 || at < text->length || number > s->alias_count)
        return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "invalid affix alias \"%s\"", shown(arena, *text));
    *text = number == 0 ? (rdb_slice){text->data, 0} : s->aliases[number - 1];
    return true;
}

static uint8_t compound_bits(const ispell_state *s, flag_code flag)
{
    uint8_t bits = 0;
    for (uint32_t i = 0; i < s->compound_count; i++)
        if (s->compound[i].flag == flag)
            bits |= s->compound[i].bit;
    return bits;
}

static bool add_compound_flag(ispell_state *s, rdb_arena *arena, rdb_slice text, uint8_t bit, rdb_error *err)
{
    flag_code flag;
    if (text.length == 0 || s->compound_count == RDB_COUNT_OF(s->compound))
        return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "syntax error");
    if (!next_flag(s, arena, &text, &flag, err))
        return false;
    s->compound[s->compound_count++] = (compound_flag){flag, bit};
    s->has_compounds = true;
    return true;
}

/* ---- affixes -------------------------------------------------------------------------------------------------------------------------- */
static bool add_affix(ispell_state *s, rdb_arena *arena, affix made, rdb_error *err)
{
    affix_list *list = made.is_prefix ? &s->prefixes : &s->suffixes;
    if (list->count == list->capacity) {
        uint32_t capacity = RDB_MAX(2 * list->capacity, 64);
        affix *grown = rdb_arena_try_grow(arena, list->items, sizeof *grown * list->capacity, sizeof *grown * capacity, err);
        if (grown == NULL)
            return false;
        list->items = grown;
        list->capacity = capacity;
    }
    if ((made.bits & (ONLY_IN_COMPOUND | PERMITTED)) && !(made.bits & ANYWHERE))
        made.bits |= ANYWHERE;
    if (!ts_lower(arena, made.add, &made.add, err) || !ts_lower(arena, made.strip, &made.strip, err) || !ts_lower(arena, made.condition, &made.condition, err))
        return false;
    if (made.condition.length == 1 && made.condition.data[0] == '.')
        made.condition.length = 0;
    bool in_class = false;
    for (size_t i = 0; i < made.condition.length; i++) {
        uint8_t c = made.condition.data[i];
        in_class = c == '[' ? true : c == ']' ? false : in_class;
        made.is_regex |= c == '\\' || (!in_class && memchr("{}*+?()|^$", c, 10) != NULL) || (in_class && c == '-');
    }
    if (made.is_regex || in_class) { /* a class without an end is for the engine to complain of */
        rdb_strbuf pattern;
        rdb_call call = {.arena = arena, .err = err};
        type_regex regex;
        type_regex_flags flags = {.global = false};
        rdb_strbuf_init(&pattern, arena);
        rdb_strbuf_addf(&pattern, made.is_prefix ? "^%s" : "%s$", shown(arena, made.condition));
        made.is_regex = true;
        made.condition = (rdb_slice){(const uint8_t *)pattern.data, pattern.length};
        if (!rdb_strbuf_check(&pattern, err) || !type_regex_open(&call, &regex, (rdb_bytes){made.condition.data, (uint32_t)made.condition.length, 0}, flags))
            return false;
        type_regex_close(&regex);
    }
    made.line = list->count;
    list->longest = RDB_MAX(list->longest, made.add.length);
    list->items[list->count++] = made;
    return true;
}

static bool starts_with(rdb_slice line, const char *word)
{
    size_t length = strlen(word);
    return line.length >= length && type_equals_ignoring_case((rdb_slice){line.data, length}, word);
}

/* A line "flag *X:" of ispell's format: the flag is one character, and nothing but blanks, ":" or a comment follows. */
static bool is_old_flag(rdb_slice line, uint8_t *bits, rdb_slice *flag)
{
    size_t at = 4;
    *bits = 0;
    while (at < line.length && type_is_space(line.data[at]))
        at++;
    for (; at < line.length && (line.data[at] == '*' || line.data[at] == '~'); at++)
        *bits |= line.data[at] == '*' ? CROSS : ONLY_IN_COMPOUND;
    at += at < line.length && line.data[at] == '\\';
    *flag = (rdb_slice){line.data + RDB_MIN(at, line.length), 1};
    return at < line.length && line.data[at] < 0x80 &&
           (at + 1 == line.length || line.data[at + 1] == ':' || line.data[at + 1] == '#' || type_is_space(line.data[at + 1]));
}

static bool has_new_commands(rdb_slice text, bool *is_new, rdb_error *err)
{
    rdb_slice line, flag;
    uint8_t bits;
    bool is_old = false;
    *is_new = false;
    while (ts_next_line(&text, &line)) {
        if (starts_with(line, "COMPOUNDFLAG") || starts_with(line, "COMPOUNDMIN") || starts_with(line, "PFX") || starts_with(line, "SFX"))
            *is_new = true;
        else if (starts_with(line, "compoundwords") || starts_with(line, "prefixes") || starts_with(line, "suffixes"))
            is_old = true;
        else if (starts_with(line, "flag"))
            *(is_old_flag(line, &bits, &flag) ? &is_old : is_new) = true;
    }
    return !*is_new || !is_old || rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "affix file contains both old-style and new-style commands");
}

/* "CONDITION > [-STRIP,] ADD", blanks anywhere, then perhaps a comment. */
static bool read_old_rule(ispell_state *s, rdb_arena *arena, rdb_slice line, affix made, rdb_error *err)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, arena);
    for (size_t i = 0; i < line.length && line.data[i] != '#'; i++)
        if (!type_is_space(line.data[i]))
            rdb_strbuf_addc(&text, (char)line.data[i]);
    if (!rdb_strbuf_check(&text, err))
        return false;
    rdb_slice rule = {(const uint8_t *)text.data, text.length};
    if (rule.length == 0)
        return true;
    const uint8_t *end = rule.data + rule.length, *arrow = memchr(rule.data, '>', rule.length);
    if (arrow == NULL)
        return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "syntax error");
    made.condition = (rdb_slice){rule.data, (size_t)(arrow - rule.data)};
    const uint8_t *add = arrow + 1, *comma = memchr(add, ',', (size_t)(end - add));
    if (add < end && *add == '-') {
        made.strip = (rdb_slice){add + 1, (size_t)((comma == NULL ? end : comma) - add - 1)};
        add = comma == NULL ? end : comma + 1;
    }
    made.add = end - add == 1 && *add == '-' ? (rdb_slice){add, 0} : (rdb_slice){add, (size_t)(end - add)};
    return (made.add.length == 0 && made.strip.length == 0) ? rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "syntax error") : add_affix(s, arena, made, err);
}

static bool read_old_affixes(ispell_state *s, rdb_arena *arena, rdb_slice text, rdb_error *err)
{
    affix current = {.flag = 0};
    bool in_rules = false;
    rdb_slice line, flag;
    for (; ts_next_line(&text, &line);) {
        if (line.length == 0 || line.data[0] == '#') {
            continue;
        } else if (starts_with(line, "compoundwords")) {
            rdb_slice rest = {line.data + 13, line.length - 13}, word;
            if (next_field(&rest, &word) && next_field(&rest, &word) && !add_compound_flag(s, arena, word, ANYWHERE, err))
                return false;
        } else if (starts_with(line, "prefixes") || starts_with(line, "suffixes")) {
            current.is_prefix = starts_with(line, "prefixes");
            in_rules = true;
        } else if (starts_with(line, "flag")) {
            if (is_old_flag(line, &current.bits, &flag) && !next_flag(s, arena, &flag, &current.flag, err))
                return false;
        } else if (in_rules && current.flag != 0 && !read_old_rule(s, arena, line, current, err)) {
            return false;
        }
    }
    return true;
}

static bool read_new_setting(ispell_state *s, rdb_arena *arena, rdb_slice name, rdb_slice value, rdb_error *err)
{
    static const struct { const char *name; uint8_t bit; } FLAGS[] = {
        {"COMPOUNDFLAG", ANYWHERE}, {"COMPOUNDBEGIN", AT_BEGIN}, {"COMPOUNDMIDDLE", IN_MIDDLE}, {"COMPOUNDLAST", AT_END}, {"COMPOUNDEND", AT_END},
        {"ONLYINCOMPOUND", ONLY_IN_COMPOUND}, {"COMPOUNDPERMITFLAG", PERMITTED}, {"COMPOUNDFORBIDFLAG", FORBIDDEN}};
    if (type_equals_ignoring_case(name, "FLAG")) {
        if (type_equals_ignoring_case(value, "long"))
            s->form = TWO_CHARACTERS;
        else if (type_equals_ignoring_case(value, "num"))
            s->form = NUMBER;
        else if (!type_equals_ignoring_case(value, "default") && !type_equals_ignoring_case(value, "UTF-8"))
            return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "Ispell dictionary supports only \"default\", \"long\", and \"num\" flag values");
        return true;
    }
    for (size_t i = 0; i < RDB_COUNT_OF(FLAGS); i++)
        if (type_equals_ignoring_case(name, FLAGS[i].name))
            return add_compound_flag(s, arena, value, FLAGS[i].bit, err);
    return true;
}

static bool read_alias(ispell_state *s, rdb_arena *arena, rdb_slice value, rdb_error *err)
{
    if (!s->has_aliases) { /* the first line says how many there are */
        s->has_aliases = true;
        return true;
    }
    if (s->alias_count == s->alias_capacity) {
        uint32_t capacity = RDB_MAX(2 * s->alias_capacity, 16);
        rdb_slice *grown = rdb_arena_try_grow(arena, s->aliases, sizeof *grown * s->alias_capacity, sizeof *grown * capacity, err);
        if (grown == NULL)
            return false;
        s->aliases = grown;
        s->alias_capacity = capacity;
    }
    s->aliases[s->alias_count++] = value;
    return true;
}

static rdb_slice none_if_zero(rdb_slice text)
{
    return text.length == 1 && text.data[0] == '0' ? (rdb_slice){text.data, 0} : text;
}

/* "SFX FLAG STRIP ADD[/FLAGS] [CONDITION]"; "SFX FLAG Y|N COUNT" stands before the rules of a flag. */
static bool read_new_rule(ispell_state *s, rdb_arena *arena, bool is_prefix, rdb_slice rest, uint8_t *cross, rdb_error *err)
{
    rdb_slice flag, strip, add, condition;
    affix made = {.is_prefix = is_prefix};
    if (!next_field(&rest, &flag) || !next_field(&rest, &strip) || !next_field(&rest, &add))
        return true;
    if (!next_field(&rest, &condition)) {
        *cross = type_equals_ignoring_case(strip, "Y") ? CROSS : 0;
        return true;
    }
    const uint8_t *slash = memchr(add.data, '/', add.length);
    made.bits = *cross;
    if (slash != NULL) {
        rdb_slice flags = {slash + 1, (size_t)(add.data + add.length - slash - 1)};
        add.length = (size_t)(slash - add.data);
        if (!resolve_alias(s, arena, &flags, err))
            return false;
        for (flag_code each; flags.length > 0;) {
            if (!next_flag(s, arena, &flags, &each, err))
                return false;
            made.bits |= compound_bits(s, each);
        }
    }
    if (!next_flag(s, arena, &flag, &made.flag, err))
        return false;
    made.strip = none_if_zero(strip);
    made.add = none_if_zero(add);
    made.condition = condition;
    return add_affix(s, arena, made, err);
}

static bool read_new_affixes(ispell_state *s, rdb_arena *arena, rdb_slice text, rdb_error *err)
{
    rdb_slice line, name, value;
    uint8_t cross = 0;
    for (rdb_slice rest = text; ts_next_line(&rest, &line);) { /* settings first: rules lean upon them, wherever they stand */
        if (line.length == 0 || line.data[0] == '#' || !next_field(&line, &name) || !next_field(&line, &value))
            continue;
        if (type_equals_ignoring_case(name, "AF") ? !read_alias(s, arena, value, err) : !read_new_setting(s, arena, name, value, err))
            return false;
    }
    while (ts_next_line(&text, &line)) {
        if (line.length == 0 || line.data[0] == '#' || !next_field(&line, &name))
            continue;
        bool is_prefix = type_equals_ignoring_case(name, "PFX");
        if ((is_prefix || type_equals_ignoring_case(name, "SFX")) && !read_new_rule(s, arena, is_prefix, line, &cross, err))
            return false;
    }
    return true;
}

static bool read_affixes(ispell_state *s, rdb_arena *arena, const char *name, rdb_error *err)
{
    rdb_slice text;
    bool is_new;
    return rdb_ts_read_file(arena, name, "affix", "affix file", &text, err) && has_new_commands(text, &is_new, err) &&
           (is_new ? read_new_affixes(s, arena, text, err) : read_old_affixes(s, arena, text, err));
}

/* ---- words -------------------------------------------------------------------------------------------------------------------------- */
static bool read_words(ispell_state *s, rdb_arena *arena, const char *name, rdb_error *err)
{
    rdb_slice text, line;
    uint32_t capacity = 0;
    if (!rdb_ts_read_file(arena, name, "dict", "dictionary file", &text, err))
        return false;
    for (rdb_slice rest = text; ts_next_line(&rest, &line);)
        capacity++;
    s->words = RDB_NEW_ARRAY(arena, listed_word, RDB_MAX(capacity, 1u));
    while (ts_next_line(&text, &line)) {
        listed_word *next = &s->words[s->word_count];
        const uint8_t *slash = line.length == 0 ? NULL : memchr(line.data, '/', line.length);
        rdb_slice word = line, rest;
        if (slash != NULL) {
            word.length = (size_t)(slash - line.data);
            rest = (rdb_slice){slash + 1, line.length - word.length - 1};
            next_field(&rest, &next->flag_text);
        }
        if (!next_field(&word, &rest))
            continue;
        if (!ts_lower(arena, rest, &next->word, err))
            return false;
        next->line = s->word_count++;
    }
    return true;
}

/* Words in order, each once with all its flags; complaints in the order in which PostgreSQL has them: aliases by line, flags by word. */
static bool index_words(ispell_state *s, rdb_arena *arena, rdb_error *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->word_count; i++)
        if (!resolve_alias(s, arena, &s->words[i].flag_text, err))
            return false;
    if (s->word_count > 0)
        qsort(s->words, s->word_count, sizeof(listed_word), compare_words);
    for (uint32_t i = 0; i < s->word_count; i++) {
        listed_word *word = &s->words[i], *before = kept == 0 ? NULL : &s->words[kept - 1];
        bool same = before != NULL && compare_bytes(before->word, word->word) == 0;
        uint32_t count = same ? before->flag_count : 0;
        flag_code *flags = RDB_NEW_ARRAY(arena, flag_code, RDB_MAX(count + word->flag_text.length, 1u));
        uint8_t bits = 0;
        if (!rdb_arena_check(arena, err))
            return false;
        if (count > 0)
            memcpy(flags, before->flags, count * sizeof *flags);
        while (word->flag_text.length > 0) {
            if (!next_flag(s, arena, &word->flag_text, &flags[count], err))
                return false;
            bits |= compound_bits(s, flags[count++]);
        }
        if (same) /* of compounds only where each of its lines says so */
            bits = (uint8_t)(((bits | before->bits) & ~ONLY_IN_COMPOUND) | (bits & before->bits & ONLY_IN_COMPOUND));
        listed_word made = {.word = word->word, .flags = flags, .flag_count = count, .bits = bits};
        s->words[same ? kept - 1 : kept++] = made;
    }
    s->word_count = kept;
    if (s->prefixes.count > 0)
        qsort(s->prefixes.items, s->prefixes.count, sizeof(affix), compare_affixes);
    if (s->suffixes.count > 0)
        qsort(s->suffixes.items, s->suffixes.count, sizeof(affix), compare_affixes);
    return true;
}

/* place: AT_BEGIN, IN_MIDDLE or AT_END of a compound, 0: a word by itself. flag: one that it is to carry, 0: none. */
static bool is_listed(const ispell_state *s, rdb_slice word, flag_code flag, uint8_t place)
{
    uint32_t low = 0, high = s->word_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const listed_word *at = &s->words[middle];
        int order = compare_bytes(at->word, word);
        if (order == 0) {
            if (place == 0 ? (at->bits & ONLY_IN_COMPOUND) != 0 : (at->bits & place) == 0)
                return false;
            for (uint32_t i = 0; i < at->flag_count && flag != 0; i++)
                if (at->flags[i] == flag)
                    return true;
            return flag == 0;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return false;
}

/* ---- undoing affixes ------------------------------------------------------------------------------------------------------------------ */
typedef struct search {
    const ispell_state *state;
    rdb_arena *arena;
    rdb_error *err;
    uint32_t tried;
} search;
typedef struct forms {
    rdb_slice *items;
    uint32_t count, capacity;
} forms;

static bool add_form(search *q, forms *found, rdb_slice word)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (compare_bytes(found->items[i], word) == 0)
            return true;
    if (found->count == found->capacity) {
        uint32_t capacity = RDB_MAX(2 * found->capacity, 4);
        rdb_slice *grown = rdb_arena_try_grow(q->arena, found->items, sizeof *grown * found->capacity, sizeof *grown * capacity, q->err);
        if (grown == NULL)
            return false;
        found->items = grown;
        found->capacity = capacity;
    }
    found->items[found->count++] = word;
    return true;
}

/* Characters, "." and classes, one for each character of the word's beginning (prefix) or end. */
static bool meets_simple(rdb_slice condition, rdb_slice word, bool is_prefix)
{
    size_t wanted = 0, at = 0, have = 0;
    for (size_t i = 0; i < condition.length; wanted++) {
        uint32_t length = 1;
        if (condition.data[i] == '[')
            while (condition.data[i] != ']')
                i++;
        else
            type_utf8_decode(condition.data + i, condition.data + condition.length, &length);
        i += length;
    }
    for (size_t i = 0; i < word.length; i++)
        have += (word.data[i] & 0xC0) != 0x80;
    if (have < wanted)
        return false;
    if (!is_prefix)
        at = type_utf8_prefix(word.data, word.length, have - wanted);
    for (size_t i = 0; i < condition.length;) {
        uint32_t length, size;
        uint32_t c = type_utf8_decode(word.data + at, word.data + word.length, &size);
        at += size;
        if (condition.data[i] == '[') {
            bool negated = condition.data[++i] == '^', has = false;
            for (i += negated; condition.data[i] != ']'; i += length)
                has |= type_utf8_decode(condition.data + i, condition.data + condition.length, &length) == c;
            i++;
            if (has == negated)
                return false;
        } else {
            if (type_utf8_decode(condition.data + i, condition.data + condition.length, &length) != c && condition.data[i] != '.')
                return false;
            i += length;
        }
    }
    return true;
}

static bool meets(search *q, const affix *rule, rdb_slice word, bool *does)
{
    rdb_call call = {.arena = q->arena, .err = q->err};
    type_regex regex;
    type_regex_match match;
    type_regex_flags flags = {.global = false};
    if (!rule->is_regex) {
        *does = meets_simple(rule->condition, word, rule->is_prefix);
        return true;
    }
    if (!type_regex_open(&call, &regex, (rdb_bytes){rule->condition.data, (uint32_t)rule->condition.length, 0}, flags))
        return false;
    bool ok = type_regex_set_text(&call, &regex, (rdb_bytes){word.data, (uint32_t)word.length, 0}) && type_regex_find(&call, &regex, 0, &match, does);
    type_regex_close(&regex);
    return ok;
}

/* Suffixes inside a compound, and prefixes there, only where they are permitted. */
static bool fits_place(const affix *rule, uint8_t place)
{
    if (place == 0)
        return !(rule->bits & ONLY_IN_COMPOUND);
    if (rule->bits & FORBIDDEN)
        return false;
    return (rule->bits & place) || (place == AT_BEGIN && rule->is_prefix) || (place == AT_END && !rule->is_prefix);
}

/* The word without the affix; *fits false: it has it not. */
static bool undo(search *q, const affix *rule, rdb_slice word, uint8_t place, rdb_slice *base, bool *fits)
{
    size_t rest = word.length - rule->add.length;
    *fits = false;
    if (!fits_place(rule, place) || rest + rule->strip.length == 0 || rest + rule->strip.length > 2 * WORD_BYTES_MAX)
        return true;
    uint8_t *bytes = rdb_arena_alloc(q->arena, rest + rule->strip.length);
    if (!rdb_arena_check(q->arena, q->err))
        return false;
    memcpy(bytes + (rule->is_prefix ? rule->strip.length : 0), word.data + (rule->is_prefix ? rule->add.length : 0), rest);
    if (rule->strip.length > 0)
        memcpy(bytes + (rule->is_prefix ? 0 : rest), rule->strip.data, rule->strip.length);
    *base = (rdb_slice){bytes, rest + rule->strip.length};
    return meets(q, rule, *base, fits);
}

/* The rules that add these bytes: *count from the index returned. */
static uint32_t find_rules(const affix_list *list, rdb_slice add, uint32_t *count)
{
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool before = compare_bytes(list->items[middle].add, add) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    for (*count = 0; low + *count < list->count && compare_bytes(list->items[low + *count].add, add) == 0;)
        ++*count;
    return low;
}

/* With the suffix that was undone before, or none. */
static bool undo_prefixes(search *q, rdb_slice word, const affix *suffix, uint8_t place, forms *found)
{
    const affix_list *list = &q->state->prefixes;
    for (size_t length = 0; length <= RDB_MIN(list->longest, word.length); length++) {
        uint32_t count, from = find_rules(list, (rdb_slice){word.data, length}, &count);
        for (uint32_t i = from; i < from + count; i++) {
            const affix *rule = &list->items[i];
            rdb_slice base;
            bool fits;
            if (!undo(q, rule, word, place, &base, &fits))
                return false;
            bool crosses = suffix != NULL && (suffix->bits & rule->bits & CROSS);
            if (fits && is_listed(q->state, base, crosses ? 0 : rule->flag, place) && !add_form(q, found, base))
                return false;
        }
    }
    return true;
}

/* Every base form of a word: itself, then without prefixes, then without suffixes, short ones first. */
static bool find_forms(search *q, rdb_slice word, uint8_t place, forms *found)
{
    const affix_list *list = &q->state->suffixes;
    if (word.length == 0 || word.length > WORD_BYTES_MAX)
        return true;
    if (is_listed(q->state, word, 0, place) && !add_form(q, found, word))
        return false;
    if (!undo_prefixes(q, word, NULL, place, found))
        return false;
    for (size_t length = 0; length <= RDB_MIN(list->longest, word.length); length++) {
        uint32_t count, from = find_rules(list, (rdb_slice){word.data + word.length - length, length}, &count);
        for (uint32_t i = from; i < from + count; i++) {
            const affix *rule = &list->items[i];
            rdb_slice base;
            bool fits;
            if (!undo(q, rule, word, place, &base, &fits))
                return false;
            if (fits && ((is_listed(q->state, base, rule->flag, place) && !add_form(q, found, base)) || !undo_prefixes(q, base, rule, place, found)))
                return false;
        }
    }
    return true;
}

/* ---- compounds -------------------------------------------------------------------------------------------------------------------------- */
static bool add_lexeme(search *q, rdb_ts_lexemes *lexemes, rdb_slice text, uint16_t variant)
{
    return lexemes->count >= LEXEMES_MAX || rdb_ts_lexemes_add(q->arena, lexemes, text, variant, 0, q->err);
}

/* The parts that are taken, and what is left of the word. */
typedef struct split_point {
    rdb_slice rest;
    size_t shortest; /* what the next part has to have at least */
    const rdb_slice *parts;
    uint32_t part_count;
} split_point;

static bool emit_variants(search *q, const split_point *at, rdb_ts_lexemes *lexemes, uint16_t *variant)
{
    forms last = {.items = NULL};
    if (at->part_count == 0) /* no compound: the whole word */
        return true;
    if (!find_forms(q, at->rest, AT_END, &last))
        return false;
    for (uint32_t i = 0; i < last.count; i++) {
        ++*variant;
        for (uint32_t k = 0; k < at->part_count; k++)
            if (!add_lexeme(q, lexemes, at->parts[k], *variant))
                return false;
        if (!add_lexeme(q, lexemes, last.items[i], *variant))
            return false;
    }
    return true;
}

/* Takes the shortest part that there is; false in *found: the rest is to be the last part. */
static bool take_part(search *q, split_point *at, bool *found)
{
    *found = false;
    for (size_t length = at->shortest; length < at->rest.length; length++) {
        forms piece = {.items = NULL};
        if ((at->rest.data[length] & 0xC0) == 0x80)
            continue;
        if (++q->tried > SPLITS_MAX)
            return true;
        if (!find_forms(q, (rdb_slice){at->rest.data, length}, at->part_count == 0 ? AT_BEGIN : IN_MIDDLE, &piece))
            return false;
        if (piece.count == 0)
            continue;
        rdb_slice *parts = RDB_NEW_ARRAY(q->arena, rdb_slice, at->part_count + piece.count);
        if (!rdb_arena_check(q->arena, q->err))
            return false;
        if (at->part_count > 0)
            memcpy(parts, at->parts, at->part_count * sizeof *parts);
        memcpy(parts + at->part_count, piece.items, piece.count * sizeof *parts);
        *at = (split_point){{at->rest.data + length, at->rest.length - length}, length, parts, at->part_count + piece.count};
        *found = true;
        return true;
    }
    return true;
}

/* Every way to take the word apart is a variant of its own: the one of short parts first, then those that leave it at its first part
 * for a longer one, then at its second part, and so on. */
static bool split(search *q, split_point at, rdb_ts_lexemes *lexemes, uint16_t *variant)
{
    split_point *left = NULL; /* where this way could have been left */
    uint32_t count = 0, capacity = 0;
    for (bool found = true; found;) {
        split_point before = at;
        if (!take_part(q, &at, &found))
            return false;
        if (!found)
            break;
        if (count == capacity) {
            uint32_t wanted = RDB_MAX(2 * capacity, 8);
            split_point *grown = rdb_arena_try_grow(q->arena, left, sizeof *grown * capacity, sizeof *grown * wanted, q->err);
            if (grown == NULL)
                return false;
            left = grown;
            capacity = wanted;
        }
        before.shortest = at.shortest + 1;
        left[count++] = before;
        at.shortest = 1;
    }
    if (!emit_variants(q, &at, lexemes, variant))
        return false;
    for (uint32_t i = 0; i < count && q->tried <= SPLITS_MAX && lexemes->count < LEXEMES_MAX; i++)
        if (!split(q, left[i], lexemes, variant))
            return false;
    return true;
}

/* ---- the template ------------------------------------------------------------------------------------------------------------------------ */
static bool ispell_make(rdb_arena *arena, const rdb_ts_option *options, uint32_t count, void **state, rdb_error *err)
{
    ispell_state *s = RDB_NEW(arena, ispell_state);
    bool has_words = false, has_affixes = false, has_stops = false;
    for (uint32_t i = 0; i < count; i++) {
        static const char *const NAMES[] = {"dictfile", "afffile", "stopwords"}, *const TITLES[] = {"DictFile", "AffFile", "StopWords"};
        bool *const had[] = {&has_words, &has_affixes, &has_stops};
        size_t which = 0;
        while (which < RDB_COUNT_OF(NAMES) && strcmp(options[i].name, NAMES[which]) != 0)
            which++;
        if (which == RDB_COUNT_OF(NAMES))
            return ts_bad_option("Ispell", options[i].name, err);
        if (*had[which])
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "multiple %s parameters", TITLES[which]);
        *had[which] = true;
        if (!(which == 0 ? read_words(s, arena, options[i].value, err) : which == 1 ? read_affixes(s, arena, options[i].value, err) :
              ts_stop_list_read(arena, options[i].value, &s->stops, err)))
            return false;
    }
    if (!has_affixes || !has_words)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, has_affixes ? "missing DictFile parameter" : "missing AffFile parameter");
    *state = s;
    return index_words(s, arena, err);
}

static bool ispell_lexize(void *state, rdb_arena *arena, rdb_slice word, rdb_ts_lexemes *lexemes, rdb_error *err)
{
    const ispell_state *s = state;
    search q = {.state = s, .arena = arena, .err = err};
    forms whole = {.items = NULL};
    rdb_ts_lexemes found = {.items = NULL};
    uint16_t variant = 0;
    rdb_slice lower;
    if (word.length == 0 || word.length > WORD_BYTES_MAX)
        return true;
    if (!ts_lower(arena, word, &lower, err) || !find_forms(&q, lower, 0, &whole))
        return false;
    for (uint32_t i = 0; i < whole.count; i++)
        if (!add_lexeme(&q, &found, whole.items[i], ++variant))
            return false;
    if (s->has_compounds && !split(&q, (split_point){.rest = lower, .shortest = 1}, &found, &variant))
        return false;
    lexemes->is_known = found.count > 0;
    for (uint32_t i = 0; i < found.count; i++)
        if (!ts_stop_list_has(&s->stops, found.items[i].text) &&
            !rdb_ts_lexemes_add(arena, lexemes, (rdb_slice){rdb_arena_memdup(arena, found.items[i].text.data, found.items[i].text.length), found.items[i].text.length}, found.items[i].variant, 0, err))
            return false;
    return true;
}
const ts_template ts_template_ispell = {"ispell", ispell_make, ispell_lexize, NULL};
