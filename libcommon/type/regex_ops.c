/* SPDX-License-Identifier: Apache-2.0
 * Operators and functions of regular expressions: ~ and its kin, substring, regexp_replace, _match, _matches, _split,
 * _count, _instr, _like, _substr, and SIMILAR TO's translation. */
#include "type/array.h"
#include "type/collation.h"
#include "type/regex.h"
#include "type/tables.h"
#include "type/text_int.h"

static bool check_collation(rdb_call *call)
{
    return type_collation_need(call, "regular expression") && type_collation_need_deterministic(call, "regular expressions");
}

/* ---- operators ------------------------------------------------------------------------------------------------------------- */
static bool matches(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection,
                    type_regex_flags flags, uint8_t wanted)
{
    type_regex regex = {0};
    rdb_bytes opened = {0};
    bool is_open = false, ok = true;
    RDB_FOR_SELECTED (selection, row) {
        rdb_bytes pattern = RDB_AT(arguments[1], rdb_bytes, row);
        if (!is_open || !type_equal_bytes(pattern, opened)) {
            type_regex_close(&regex);
            ok = check_collation(call) && type_regex_open(call, &regex, pattern, flags);
            is_open = ok;
            opened = pattern;
        }
        bool found = false;
        ok = ok && type_regex_set_text(call, &regex, RDB_AT(arguments[0], rdb_bytes, row)) && type_regex_find(call, &regex, 0, NULL, &found);
        if (!ok) {
            call->bad_row = row;
            break;
        }
        RDB_VALUES(out, uint8_t)[row] = found == wanted;
    }
    type_regex_close(&regex);
    return ok;
}

#define REGEX_OPERATOR(name, fold, wanted)                                                                           \
    static bool name(TYPE_KERNEL_PARAMETERS)                                                                         \
    {                                                                                                                \
        return matches(call, arguments, out, selection, (type_regex_flags){.ignore_case = fold}, wanted);            \
    }
REGEX_OPERATOR(regex_eq, false, 1)
REGEX_OPERATOR(regex_ne, false, 0)
REGEX_OPERATOR(regex_ieq, true, 1)
REGEX_OPERATOR(regex_ine, true, 0)

/* ---- all matches of one text --------------------------------------------------------------------------------------------------- */
typedef struct match_list {
    type_regex_match *matches;
    uint32_t count, capacity, groups;
} match_list;

/* Matches from `from_unit` on: all of them, or the first. An empty match right after another one does not count where
 * the caller splits. */
static bool find_all(rdb_call *call, rdb_bytes text, rdb_bytes pattern, type_regex_flags flags, uint32_t from_character,
                     bool ignore_degenerate, match_list *list)
{
    type_regex regex;
    memset(list, 0, sizeof *list);
    memset(&regex, 0, sizeof regex);
    bool ok = check_collation(call) && type_regex_open(call, &regex, pattern, flags) && type_regex_set_text(call, &regex, text);
    list->groups = regex.group_count;
    uint32_t from = 0, last_end = 0, skip = from_character;
    for (; ok && skip > 0 && from < regex.unit_count; skip--)
        from += (text.data[regex.offsets[from]] & 0xf8) == 0xf0 ? 2 : 1;
    if (skip > 0) /* behind the end not even the empty text is found */
        from = regex.unit_count + 1;
    last_end = from;
    while (ok && from <= regex.unit_count) {
        type_regex_match match;
        bool found = false;
        ok = type_regex_find(call, &regex, from, &match, &found);
        if (!ok || !found)
            break;
        if (!ignore_degenerate || (match.end_unit > last_end && match.start_unit < regex.unit_count) ||
            (match.end_unit > match.start_unit)) {
            if (list->count == list->capacity) {
                uint32_t capacity = RDB_MAX(list->capacity * 2, 4);
                type_regex_match *grown = rdb_arena_try_grow(call->arena, list->matches, sizeof *grown * list->capacity,
                                                             sizeof *grown * capacity, call->err);
                ok = grown != NULL;
                if (!ok)
                    break;
                list->matches = grown;
                list->capacity = capacity;
            }
            list->matches[list->count++] = match;
        }
        last_end = match.end_unit;
        if (!flags.global)
            break;
        from = match.end_unit + (match.end_unit == match.start_unit);
    }
    type_regex_close(&regex);
    return ok;
}

static bool flags_of(rdb_call *call, const rdb_datum *a, uint32_t position, type_regex_flags *flags)
{
    memset(flags, 0, sizeof *flags);
    return position >= call->argument_count || type_regex_parse_flags(call, a[position].bytes, flags);
}

static bool not_global(rdb_call *call, const type_regex_flags *flags, const char *function, const char *hint)
{
    if (!flags->global)
        return true;
    rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "%s does not support the \"global\" option", function);
    if (hint != NULL)
        rdb_error_hint(call->err, "Use the %s function instead.", hint);
    return false;
}

TYPE_ROW_FUNCTION(regex_substring, 2)
{
    match_list list;
    if (!find_all(call, a[0].bytes, a[1].bytes, (type_regex_flags){0}, 0, false, &list))
        return false;
    *is_null = true;
    if (list.count > 0) {
        rdb_slice part = list.matches[0].groups[list.groups > 0 ? 1 : 0];
        *is_null = part.data == NULL;
        r->bytes = (rdb_bytes){.data = part.data, .length = (uint32_t)part.length};
    }
    return true;
}

/* ---- replacing --------------------------------------------------------------------------------------------------------------------- */
static void add_replacement(rdb_strbuf *text, rdb_bytes replacement, const type_regex_match *match, uint32_t groups)
{
    for (uint32_t i = 0; i < replacement.length; i++) {
        uint8_t c = replacement.data[i];
        if (c != '\\' || i + 1 == replacement.length) {
            rdb_strbuf_addc(text, (char)c);
            continue;
        }
        c = replacement.data[++i];
        if (c == '&' || type_is_digit(c)) {
            uint32_t group = c == '&' ? 0 : (uint32_t)(c - '0');
            if (c == '0' || group > groups)
                continue;
            if (match->groups[group].data != NULL)
                rdb_strbuf_add(text, match->groups[group].data, match->groups[group].length);
        } else if (c == '\\') {
            rdb_strbuf_addc(text, '\\');
        } else {
            rdb_strbuf_addc(text, '\\');
            rdb_strbuf_addc(text, (char)c);
        }
    }
}

/* nth: 0 all, else only that match. */
static bool replace(rdb_call *call, rdb_bytes source, rdb_bytes pattern, rdb_bytes replacement, type_regex_flags flags,
                    uint32_t from_character, int32_t nth, rdb_datum *r)
{
    match_list list;
    flags.global = nth != 1;
    if (!find_all(call, source, pattern, flags, from_character, false, &list))
        return false;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    const uint8_t *at = source.data;
    for (uint32_t i = 0; i < list.count; i++) {
        if (nth != 0 && (int32_t)i + 1 != nth)
            continue;
        rdb_slice whole = list.matches[i].groups[0];
        rdb_strbuf_add(&text, at, (size_t)(whole.data - at));
        add_replacement(&text, replacement, &list.matches[i], list.groups);
        at = whole.data + whole.length;
    }
    rdb_strbuf_add(&text, at, (size_t)(source.data + source.length - at));
    return type_take_buffer(call, &text, r);
}

TYPE_ROW_FUNCTION(regexp_replace, UINT32_MAX)
{
    type_regex_flags flags = {0};
    if (call->argument_count > 3) {
        if (a[3].bytes.length > 0 && type_is_digit(a[3].bytes.data[0])) {
            rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid regular expression option: \"%.1s\"", (const char *)a[3].bytes.data);
            rdb_error_hint(call->err, "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.");
            return false;
        }
        if (!flags_of(call, a, 3, &flags))
            return false;
    }
    return replace(call, a[0].bytes, a[1].bytes, a[2].bytes, flags, 0, flags.global ? 0 : 1, r);
}

static bool bad_parameter(rdb_call *call, const char *name, int32_t value)
{
    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid value for parameter \"%s\": %d", name, value);
}

/* regexp_replace(text, pattern, replacement, start [, n [, flags]]) */
TYPE_ROW_FUNCTION(regexp_replace_from, UINT32_MAX)
{
    type_regex_flags flags = {0};
    int32_t nth = call->argument_count > 4 ? a[4].i32 : 1;
    if (a[3].i32 <= 0)
        return bad_parameter(call, "start", a[3].i32);
    if (nth < 0)
        return bad_parameter(call, "n", nth);
    if (!flags_of(call, a, 5, &flags))
        return false;
    if (call->argument_count <= 4 && flags.global)
        nth = 0;
    return replace(call, a[0].bytes, a[1].bytes, a[2].bytes, flags, (uint32_t)a[3].i32 - 1, nth, r);
}

/* ---- arrays of groups ------------------------------------------------------------------------------------------------------------------ */
static bool groups_array(rdb_call *call, const match_list *list, uint32_t index, rdb_datum *r)
{
    const rdb_type *text;
    rdb_datum values[TYPE_REGEX_GROUPS_MAX + 1];
    bool nulls[TYPE_REGEX_GROUPS_MAX + 1];
    uint32_t first = list->groups > 0 ? 1 : 0, count = list->groups > 0 ? list->groups : 1;
    for (uint32_t i = 0; i < count; i++) {
        rdb_slice part = list->matches[index].groups[first + i];
        nulls[i] = part.data == NULL;
        values[i].bytes = (rdb_bytes){.data = part.data, .length = (uint32_t)part.length};
    }
    return rdb_type_descriptor(call, RDB_TEXTOID, &text) && type_array_build_list(call, text, values, nulls, count, r);
}

TYPE_ROW_FUNCTION(regexp_match, UINT32_MAX)
{
    match_list list;
    type_regex_flags flags;
    if (!flags_of(call, a, 2, &flags) || !not_global(call, &flags, "regexp_match()", "regexp_matches") ||
        !find_all(call, a[0].bytes, a[1].bytes, flags, 0, false, &list))
        return false;
    *is_null = list.count == 0;
    return list.count == 0 || groups_array(call, &list, 0, r);
}

typedef struct matches_state {
    match_list list;
    rdb_bytes text;
    uint32_t next;
} matches_state;

static bool matches_begin(rdb_call *call, void *state, const rdb_datum *arguments, TYPE_UNUSED const bool *is_null)
{
    matches_state *walk = state;
    type_regex_flags flags;
    memset(walk, 0, sizeof *walk);
    return flags_of(call, arguments, 2, &flags) && find_all(call, arguments[0].bytes, arguments[1].bytes, flags, 0, false, &walk->list);
}

static bool matches_next(rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    matches_state *walk = state;
    for (*count = 0; *count < capacity && walk->next < walk->list.count; ++*count, walk->next++) {
        rdb_datum value;
        if (!groups_array(call, &walk->list, walk->next, &value))
            return false;
        rdb_vector_put(columns[0], *count, value, false);
    }
    return true;
}

/* ---- splitting --------------------------------------------------------------------------------------------------------------------------- */
static bool split_list(rdb_call *call, const rdb_datum *a, const char *function, match_list *list)
{
    type_regex_flags flags;
    if (!flags_of(call, a, 2, &flags) || !not_global(call, &flags, function, NULL))
        return false;
    flags.global = true;
    return find_all(call, a[0].bytes, a[1].bytes, flags, 0, true, list);
}

static rdb_datum split_part(rdb_bytes text, const match_list *list, uint32_t index)
{
    const uint8_t *start = index == 0 ? text.data : list->matches[index - 1].groups[0].data + list->matches[index - 1].groups[0].length;
    const uint8_t *end = index == list->count ? text.data + text.length : list->matches[index].groups[0].data;
    return (rdb_datum){.bytes = {.data = start, .length = (uint32_t)(end - start)}};
}

TYPE_ROW_FUNCTION(regexp_split_to_array, UINT32_MAX)
{
    match_list list;
    type_gather gather = {0};
    const rdb_type *text;
    if (!split_list(call, a, "regexp_split_to_array()", &list) || !rdb_type_descriptor(call, RDB_TEXTOID, &text))
        return false;
    for (uint32_t i = 0; i <= list.count; i++) {
        if (!type_gather_add(call, &gather, split_part(a[0].bytes, &list, i), false))
            return false;
    }
    return type_array_build_list(call, text, gather.values, NULL, gather.count, r);
}

static bool regexp_split_begin(rdb_call *call, void *state, const rdb_datum *arguments, TYPE_UNUSED const bool *is_null)
{
    matches_state *walk = state;
    memset(walk, 0, sizeof *walk);
    walk->text = arguments[0].bytes;
    return split_list(call, arguments, "regexp_split_to_table()", &walk->list);
}

static bool regexp_split_next(TYPE_UNUSED rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    matches_state *walk = state;
    for (*count = 0; *count < capacity && walk->next <= walk->list.count; ++*count, walk->next++)
        rdb_vector_put(columns[0], *count, split_part(walk->text, &walk->list, walk->next), false);
    return true;
}

/* ---- counting and finding -------------------------------------------------------------------------------------------------------------------- */
TYPE_ROW_FUNCTION(regexp_count, UINT32_MAX)
{
    match_list list;
    type_regex_flags flags;
    int32_t start = call->argument_count > 2 ? a[2].i32 : 1;
    if (start <= 0)
        return bad_parameter(call, "start", start);
    if (!flags_of(call, a, 3, &flags) || !not_global(call, &flags, "regexp_count()", NULL))
        return false;
    flags.global = true;
    if (!find_all(call, a[0].bytes, a[1].bytes, flags, (uint32_t)start - 1, false, &list))
        return false;
    r->i32 = (int32_t)list.count;
    return true;
}

TYPE_ROW_FUNCTION(regexp_like, UINT32_MAX)
{
    match_list list;
    type_regex_flags flags;
    if (!flags_of(call, a, 2, &flags) || !not_global(call, &flags, "regexp_like()", NULL) ||
        !find_all(call, a[0].bytes, a[1].bytes, flags, 0, false, &list))
        return false;
    r->b = list.count > 0;
    return true;
}

/* The nth match from start, and in it the group asked for. */
static bool nth_group(rdb_call *call, const rdb_datum *a, uint32_t flags_at, uint32_t group_at, const char *function, rdb_slice *part)
{
    match_list list;
    type_regex_flags flags;
    int32_t start = call->argument_count > 2 ? a[2].i32 : 1, nth = call->argument_count > 3 ? a[3].i32 : 1;
    int32_t group = call->argument_count > group_at ? a[group_at].i32 : 0;
    *part = (rdb_slice){.data = NULL, .length = 0};
    if (start <= 0)
        return bad_parameter(call, "start", start);
    if (nth <= 0)
        return bad_parameter(call, "n", nth);
    if (group < 0)
        return bad_parameter(call, "subexpr", group);
    if (!flags_of(call, a, flags_at, &flags) || !not_global(call, &flags, function, NULL))
        return false;
    flags.global = true;
    if (!find_all(call, a[0].bytes, a[1].bytes, flags, (uint32_t)start - 1, false, &list))
        return false;
    if (nth <= (int32_t)list.count && group <= (int32_t)list.groups)
        *part = list.matches[nth - 1].groups[group];
    return true;
}

TYPE_ROW_FUNCTION(regexp_instr, UINT32_MAX)
{
    rdb_slice part;
    int32_t end_option = call->argument_count > 4 ? a[4].i32 : 0;
    if (end_option < 0 || end_option > 1)
        return bad_parameter(call, "endoption", end_option);
    if (!nth_group(call, a, 5, 6, "regexp_instr()", &part))
        return false;
    size_t offset = (size_t)(part.data - a[0].bytes.data) + (end_option == 1 ? part.length : 0);
    r->i32 = part.data == NULL ? 0 : (int32_t)rdb_utf8_count(a[0].bytes.data, offset) + 1;
    return true;
}

TYPE_ROW_FUNCTION(regexp_substr, UINT32_MAX)
{
    rdb_slice part;
    if (!nth_group(call, a, 4, 5, "regexp_substr()", &part))
        return false;
    *is_null = part.data == NULL;
    r->bytes = (rdb_bytes){.data = part.data, .length = (uint32_t)part.length};
    return true;
}

/* ---- SIMILAR TO ------------------------------------------------------------------------------------------------------------------------------------ */
/* The SQL standard's pattern as an advanced expression. escape NULL: backslash; empty: none. */
static bool similar(rdb_call *call, rdb_bytes pattern, const rdb_bytes *escape, rdb_datum *r)
{
    static const rdb_bytes BACKSLASH = {.data = (const uint8_t *)"\\", .length = 1};
    rdb_bytes mark = escape != NULL ? *escape : BACKSLASH;
    if (mark.length > 0 && rdb_utf8_count(mark.data, mark.length) != 1) {
        rdb_error_set(call->err, RDB_INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        rdb_error_hint(call->err, "Escape string must be empty or one character.");
        return false;
    }
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_adds(&text, "^(?:");
    bool after_escape = false;
    int quotes = 0, depth = 0, place = 0; /* of brackets; the character's place in the class: 1 first, 2 behind a caret, 3 later */
    for (uint32_t i = 0; i < pattern.length;) {
        uint32_t length = RDB_MIN(rdb_utf8_length(pattern.data[i]), pattern.length - i);
        const uint8_t *c = pattern.data + i;
        i += length;
        if (after_escape) {
            if (*c == '"' && depth == 0) {
                /* parts of substring(text similar pattern escape ...): before, wanted, after */
                if (quotes == 0)
                    rdb_strbuf_adds(&text, "){1,1}?(");
                else if (quotes == 1)
                    rdb_strbuf_adds(&text, "){1,1}(?:");
                else
                    return rdb_error_set(call->err, RDB_INVALID_ESCAPE_SEQUENCE,
                                         "SQL regular expression may not contain more than two escape-double-quote separators");
                quotes++;
            } else {
                rdb_strbuf_addc(&text, '\\');
                rdb_strbuf_add(&text, c, length);
            }
            after_escape = false;
        } else if (mark.length > 0 && length == mark.length && memcmp(c, mark.data, length) == 0) {
            after_escape = true;
        } else if (depth > 0) {
            if (*c == '\\')
                rdb_strbuf_addc(&text, '\\');
            rdb_strbuf_add(&text, c, length);
            if (*c == ']' && place > 2) /* one that comes first is a character of the class */
                depth--;
            else if (*c == '[')
                depth++;
            place = *c == '^' ? place + 1 : 3;
        } else if (*c == '[') {
            rdb_strbuf_addc(&text, '[');
            depth = place = 1;
        } else if (*c == '%') {
            rdb_strbuf_adds(&text, ".*");
        } else if (*c == '_') {
            rdb_strbuf_addc(&text, '.');
        } else if (*c == '(') {
            rdb_strbuf_adds(&text, "(?:");
        } else {
            if (*c == '\\' || *c == '.' || *c == '^' || *c == '$')
                rdb_strbuf_addc(&text, '\\');
            rdb_strbuf_add(&text, c, length);
        }
    }
    rdb_strbuf_adds(&text, ")$");
    return type_take_buffer(call, &text, r);
}

TYPE_ROW_FUNCTION(similar_to_escape, 2)
{
    return similar(call, a[0].bytes, &a[1].bytes, r);
}

TYPE_ROW_FUNCTION(similar_to_plain, 1)
{
    return similar(call, a[0].bytes, NULL, r);
}

TYPE_NULL_FUNCTION(similar_escape, 2)
{
    *is_null = nulls[0];
    return nulls[0] || similar(call, a[0].bytes, nulls[1] ? NULL : &a[1].bytes, r);
}

TYPE_ROW_FUNCTION(substring_similar, 3)
{
    rdb_datum pattern[2] = {a[0], {.words = {0, 0}}};
    return similar(call, a[1].bytes, &a[2].bytes, &pattern[1]) && regex_substring_row(call, pattern, r, is_null);
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"textregexeq", regex_eq, F, 0}, {"textregexne", regex_ne, F, 0}, {"texticregexeq", regex_ieq, F, 0}, {"texticregexne", regex_ine, F, 0},
    {"nameregexeq", regex_eq, F, 0}, {"nameregexne", regex_ne, F, 0}, {"nameicregexeq", regex_ieq, F, 0}, {"nameicregexne", regex_ine, F, 0},
    {"textregexsubstr", regex_substring, F, 0}, {NULL, substring_similar, F, 2074},
    {"textregexreplace_noopt", regexp_replace, F, 0}, {"textregexreplace", regexp_replace, F, 0},
    {"textregexreplace_extended", regexp_replace_from, F, 0}, {"textregexreplace_extended_no_flags", regexp_replace_from, F, 0},
    {"textregexreplace_extended_no_n", regexp_replace_from, F, 0},
    {"regexp_match", regexp_match, F, 0}, {"regexp_match_no_flags", regexp_match, F, 0},
    {"regexp_split_to_array", regexp_split_to_array, F, 0}, {"regexp_split_to_array_no_flags", regexp_split_to_array, F, 0},
    {"regexp_count", regexp_count, F, 0}, {"regexp_count_no_start", regexp_count, F, 0}, {"regexp_count_no_flags", regexp_count, F, 0},
    {"regexp_like", regexp_like, F, 0}, {"regexp_like_no_flags", regexp_like, F, 0},
    {"regexp_instr", regexp_instr, F, 0}, {"regexp_instr_no_start", regexp_instr, F, 0}, {"regexp_instr_no_n", regexp_instr, F, 0},
    {"regexp_instr_no_endoption", regexp_instr, F, 0}, {"regexp_instr_no_flags", regexp_instr, F, 0}, {"regexp_instr_no_subexpr", regexp_instr, F, 0},
    {"regexp_substr", regexp_substr, F, 0}, {"regexp_substr_no_start", regexp_substr, F, 0}, {"regexp_substr_no_n", regexp_substr, F, 0},
    {"regexp_substr_no_flags", regexp_substr, F, 0}, {"regexp_substr_no_subexpr", regexp_substr, F, 0},
    {"similar_escape", similar_escape, F, 0}, {"similar_to_escape_2", similar_to_escape, F, 0}, {"similar_to_escape_1", similar_to_plain, F, 0},
};
TYPE_KERNEL_TABLE(type_regex_table, KERNELS);

static const type_set_kernel SET_KERNELS[] = {
    {"regexp_matches", {0, sizeof(matches_state), matches_begin, matches_next, F}, 0},
    {"regexp_matches_no_flags", {0, sizeof(matches_state), matches_begin, matches_next, F}, 0},
    {"regexp_split_to_table", {0, sizeof(matches_state), regexp_split_begin, regexp_split_next, F}, 0},
    {"regexp_split_to_table_no_flags", {0, sizeof(matches_state), regexp_split_begin, regexp_split_next, F}, 0},
};
TYPE_SET_KERNEL_TABLE(type_regex_set_table, SET_KERNELS);
