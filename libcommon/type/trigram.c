/* SPDX-License-Identifier: Apache-2.0
 * Trigrams of texts, and the class of terms made of them: what LIKE, regular expressions and similarity look up.
 *
 * A text that matches a pattern has the trigrams of the pattern's fixed parts. Where such a part begins or ends at a wildcard its
 * word may go on, so that only what lies inside of it counts. */
#include "type/rdb_ts.h"
#include "type/terms.h"

#include <math.h>
#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

static void make_trigram(const uint8_t *at, size_t length, rdb_trigram *made)
{
    uint32_t sum = 0xffffffff;
    if (length == 3) {
        memcpy(made->bytes, at, 3);
        return;
    }
    for (size_t i = 0; i < length; i++) { /* the same sum as of operands of text search */
        uint32_t entry = (sum >> 24) ^ at[i];
        for (int bit = 0; bit < 8; bit++)
            entry = entry & 1 ? entry >> 1 ^ 0xedb88320 : entry >> 1;
        sum = entry ^ sum << 8;
    }
    sum = ~sum;
    for (int i = 0; i < 3; i++)
        made->bytes[i] = (uint8_t)(sum >> 8 * i);
}

static size_t step(const uint8_t *at, const uint8_t *end, UChar32 *c)
{
    int32_t i = 0;
    U8_NEXT(at, i, (int32_t)(end - at), *c);
    return (size_t)i;
}

static bool is_word_character(UChar32 c)
{
    return u_isUAlphabetic(c) || u_isdigit(c);
}

bool rdb_trigrams_gather(rdb_call *call, rdb_bytes text, rdb_trigrams *all)
{
    rdb_ts_dictionary *lower = NULL; /* lower case is the text search's own */
    const uint8_t *at = text.data, *end = at + text.length;
    all->count = 0;
    all->items = rdb_arena_try_alloc(call->arena, sizeof *all->items * ((size_t)text.length * 2 + 4), call->err);
    if (all->items == NULL || !rdb_ts_dictionary_open("simple", NULL, 0, &lower, call->err))
        return false;
    bool ok = true;
    while (ok && at < end) {
        UChar32 c = 0;
        size_t length = step(at, end, &c);
        if (!is_word_character(c)) {
            at += length;
            continue;
        }
        const uint8_t *word = at;
        for (at += length; at < end; at += length) {
            length = step(at, end, &c);
            if (!is_word_character(c))
                break;
        }
        rdb_ts_lexemes lexemes;
        rdb_strbuf padded;
        ok = rdb_ts_dictionary_lexize(lower, call->arena, (rdb_slice){word, (size_t)(at - word)}, &lexemes, call->err);
        if (!ok || lexemes.count == 0)
            continue;
        rdb_strbuf_init(&padded, call->arena);
        rdb_strbuf_adds(&padded, "  ");
        rdb_strbuf_add(&padded, lexemes.items[0].text.data, lexemes.items[0].text.length);
        rdb_strbuf_addc(&padded, ' ');
        ok = rdb_strbuf_check(&padded, call->err);
        const uint8_t *first = (const uint8_t *)padded.data, *stop = first + padded.length;
        uint32_t before = all->count;
        while (ok && first < stop) {
            const uint8_t *third = first;
            uint32_t characters = 0;
            for (; characters < 3 && third < stop; characters++)
                third += step(third, stop, &c);
            if (characters < 3)
                break;
            all->items[all->count] = (rdb_trigram){.begins_word = all->count == before};
            make_trigram(first, (size_t)(third - first), &all->items[all->count++]);
            first += step(first, stop, &c);
        }
        if (all->count > before)
            all->items[all->count - 1].ends_word = true;
    }
    rdb_ts_dictionary_close(&lower);
    return ok;
}

int rdb_trigram_compare(const void *left, const void *right)
{
    return memcmp(((const rdb_trigram *)left)->bytes, ((const rdb_trigram *)right)->bytes, 3);
}

void rdb_trigrams_make_unique(rdb_trigrams *all)
{
    uint32_t kept = 0;
    if (all->count > 1)
        qsort(all->items, all->count, sizeof *all->items, rdb_trigram_compare);
    for (uint32_t i = 0; i < all->count; i++)
        if (i == 0 || rdb_trigram_compare(&all->items[i], &all->items[kept - 1]) != 0)
            all->items[kept++] = all->items[i];
    all->count = kept;
}

/* ---- terms ----------------------------------------------------------------------------------------------------------- */
enum { GIN_METHOD = 2742 };
enum { TRGM_SIMILAR = 1, TRGM_LIKE = 3, TRGM_ILIKE = 4, TRGM_REGEX = 5, TRGM_REGEX_I = 6, TRGM_WORD_SIMILAR = 7, TRGM_STRICT_WORD = 9, TRGM_EQUAL = 11 };

static rdb_trigram_threshold threshold_of;

void rdb_trigram_set_threshold(rdb_trigram_threshold threshold)
{
    threshold_of = threshold;
}

static void make_term(term_work *w, const rdb_trigram *trigram, rdb_strbuf *term)
{
    term_begin(w, RDB_TERM_KEY, term);
    rdb_strbuf_add(term, trigram->bytes, sizeof trigram->bytes);
}

static bool extract_trigrams(term_work *w, rdb_datum value)
{
    rdb_trigrams all;
    if (!rdb_trigrams_gather(w->call, value.bytes, &all))
        return false;
    rdb_trigrams_make_unique(&all);
    for (uint32_t i = 0; i < all.count; i++) {
        rdb_strbuf term;
        make_term(w, &all.items[i], &term);
        if (!term_add(w, &term))
            return false;
    }
    return true;
}

/* ---- searches by pattern ------------------------------------------------------------------------------------------------- */
/* The fixed part of a pattern that is being read: its characters, and whether anything may stand before it. */
typedef struct fixed_part {
    term_work *w;
    rdb_term_query *needed; /* AND */
    rdb_strbuf text;
    bool is_open;           /* its first word may have begun before */
} fixed_part;

/* The trigrams of a part, but those that would tell of a word's begin or end where the word may go on. */
static bool end_part(fixed_part *part, bool goes_on)
{
    rdb_trigrams all;
    const uint8_t *bytes = (const uint8_t *)part->text.data;
    UChar32 first = 0, last = 0;
    if (part->text.length == 0) {
        part->is_open = goes_on;
        return true;
    }
    if (!rdb_strbuf_check(&part->text, part->w->call->err))
        return false;
    (void)step(bytes, bytes + part->text.length, &first);
    int32_t at = (int32_t)part->text.length;
    U8_PREV(bytes, 0, at, last);
    const bool cut_first = part->is_open && is_word_character(first), cut_last = goes_on && is_word_character(last);
    if (!rdb_trigrams_gather(part->w->call, (rdb_bytes){.data = bytes, .length = (uint32_t)part->text.length}, &all))
        return false;
    for (uint32_t i = 0, word = 0; i < all.count; word++) {
        uint32_t end = i;
        while (end + 1 < all.count && !all.items[end].ends_word)
            end++;
        uint32_t from = i, to = end + 1;
        if (i == 0 && cut_first)
            from = i + 2; /* two blanks and a letter; a blank and two letters */
        if (to == all.count && cut_last)
            to--; /* two letters and a blank */
        for (uint32_t k = from; k < to; k++) {
            rdb_strbuf term;
            make_term(part->w, &all.items[k], &term);
            term_query_add(part->w, part->needed, term_query_of(part->w, &term));
        }
        i = end + 1;
    }
    rdb_strbuf_clear(&part->text);
    part->is_open = goes_on;
    return true;
}

static fixed_part begin_parts(term_work *w, bool is_open)
{
    fixed_part part = {.w = w, .needed = term_query(w, RDB_TERMS_AND), .is_open = is_open};
    rdb_strbuf_init(&part.text, w->call->arena);
    return part;
}

static bool ask_like(term_work *w, rdb_bytes pattern, rdb_term_query **query)
{
    fixed_part part = begin_parts(w, false);
    for (uint32_t i = 0; i < pattern.length; i++) {
        if (pattern.data[i] == '%' || pattern.data[i] == '_') {
            if (!end_part(&part, true))
                return false;
            continue;
        }
        if (pattern.data[i] == '\\' && ++i == pattern.length)
            break; /* the operator says what is wrong */
        rdb_strbuf_addc(&part.text, (char)pattern.data[i]);
    }
    *query = part.needed;
    return end_part(&part, false);
}

/* Behind the construct at i that is no character of its own: a group, a class, an escape. */
static uint32_t skip_construct(rdb_bytes pattern, uint32_t i)
{
    uint32_t depth = 0;
    for (; i < pattern.length; i++) {
        switch (pattern.data[i]) {
        case '\\': i++; break;
        case '[':
            i += 1 + (i + 1 < pattern.length && pattern.data[i + 1] == '^');
            for (i++; i < pattern.length && pattern.data[i] != ']'; i++) { /* the first one of a class may be a bracket */
                const uint8_t sort = i + 1 < pattern.length ? pattern.data[i + 1] : 0;
                if (pattern.data[i] == '[' && (sort == ':' || sort == '.' || sort == '=')) {
                    for (i += 2; i + 1 < pattern.length && !(pattern.data[i] == sort && pattern.data[i + 1] == ']'); i++)
                        ;
                    i++;
                } else if (pattern.data[i] == '\\') {
                    i++;
                }
            }
            break;
        case '(': depth++; break;
        case ')': depth -= depth > 0; break;
        default: break;
        }
        if (depth == 0)
            return i + 1;
    }
    return pattern.length;
}

static bool is_quantifier(rdb_bytes pattern, uint32_t i)
{
    return i < pattern.length && (pattern.data[i] == '*' || pattern.data[i] == '?' || pattern.data[i] == '{' || pattern.data[i] == '+');
}

/* The fixed parts of a regular expression without alternatives; of what else there is nothing is asked. */
static bool ask_regex(term_work *w, rdb_bytes pattern, rdb_term_query **query)
{
    bool starts_here = false;
    uint32_t i = 0;
    *query = term_query_all(w);
    if (pattern.length >= 3 && memcmp(pattern.data, "***", 3) == 0)
        return true;
    if (pattern.length >= 2 && memcmp(pattern.data, "(?", 2) == 0) /* options may change what everything means */
        return true;
    for (uint32_t at = 0; at < pattern.length; at = pattern.data[at] == '\\' || pattern.data[at] == '[' || pattern.data[at] == '(' ? skip_construct(pattern, at) : at + 1)
        if (pattern.data[at] == '|')
            return true;
    if (pattern.length > 0 && pattern.data[0] == '^') {
        starts_here = true;
        i = 1;
    }
    fixed_part part = begin_parts(w, !starts_here);
    while (i < pattern.length) {
        const uint8_t c = pattern.data[i];
        if (c == '$' && i + 1 == pattern.length) {
            *query = part.needed;
            return end_part(&part, false);
        }
        const bool is_escape = c == '\\' && i + 1 < pattern.length && pattern.data[i + 1] < 0x80 && !u_isalnum(pattern.data[i + 1]);
        if (!is_escape && (c == '\\' || c == '[' || c == '(' || c == '.' || c == '^' || c == '$' || is_quantifier(pattern, i))) {
            if (!end_part(&part, true))
                return false;
            if (c == '{')
                while (i < pattern.length && pattern.data[i] != '}')
                    i++;
            i = c == '\\' || c == '[' || c == '(' ? skip_construct(pattern, i) : i + 1;
            if (c == '\\' && i < pattern.length && !u_isspace(pattern.data[i])) /* \m1, \x41, \u0041: what follows may belong to it */
                while (i < pattern.length && u_isalnum(pattern.data[i]) && pattern.data[i] < 0x80)
                    i++;
            continue;
        }
        const uint32_t from = is_escape ? i + 1 : i;
        UChar32 unused;
        const uint32_t next = from + (uint32_t)step(pattern.data + from, pattern.data + pattern.length, &unused);
        if (is_quantifier(pattern, next)) { /* it may be there or not, or many times */
            if (pattern.data[next] == '+')
                rdb_strbuf_add(&part.text, pattern.data + from, next - from);
            if (!end_part(&part, true))
                return false;
        } else {
            rdb_strbuf_add(&part.text, pattern.data + from, next - from);
        }
        i = next;
    }
    *query = part.needed;
    return end_part(&part, true);
}

/* ---- searches by similarity ------------------------------------------------------------------------------------------------ */
/* So many of the search's own trigrams must be there: similarity is what is common, of all that there is. */
static bool ask_similar(term_work *w, rdb_bytes text, unsigned which, rdb_term_query **query)
{
    rdb_trigrams all;
    float limit = which == 0 ? 0.3f : which == 1 ? 0.6f : 0.5f;
    if ((threshold_of != NULL && !threshold_of(w->call, which, &limit)) || !rdb_trigrams_gather(w->call, text, &all))
        return false;
    rdb_trigrams_make_unique(&all);
    rdb_term_query *set = *query = term_query(w, RDB_TERMS_AT_LEAST);
    for (uint32_t i = 0; i < all.count; i++) {
        rdb_strbuf term;
        make_term(w, &all.items[i], &term);
        term_query_add(w, set, term_query_of(w, &term));
    }
    set->needed = (uint32_t)ceil((double)limit * all.count - 1e-6);
    if (set->needed == 0)
        *query = term_query_all(w);
    else if (set->needed == 1)
        set->kind = RDB_TERMS_OR;
    return true;
}

static bool ask_equal(term_work *w, rdb_bytes text, rdb_term_query **query)
{
    fixed_part part = begin_parts(w, false);
    rdb_strbuf_add(&part.text, text.data, text.length);
    *query = part.needed;
    return end_part(&part, false);
}

static bool ask_trigrams(term_work *w, rdb_datum value, rdb_term_query **query)
{
    w->is_inexact = true;
    switch (w->strategy) {
    case TRGM_SIMILAR: return ask_similar(w, value.bytes, 0, query);
    case TRGM_WORD_SIMILAR: return ask_similar(w, value.bytes, 1, query);
    case TRGM_STRICT_WORD: return ask_similar(w, value.bytes, 2, query);
    case TRGM_LIKE:
    case TRGM_ILIKE: return ask_like(w, value.bytes, query);
    case TRGM_REGEX:
    case TRGM_REGEX_I: return ask_regex(w, value.bytes, query);
    case TRGM_EQUAL: return ask_equal(w, value.bytes, query);
    default: return true;
    }
}

const rdb_term_class term_trigram_gist_class = {783, "gtrgm_consistent", extract_trigrams, ask_trigrams, NULL};
const rdb_term_class term_trigram_class = {GIN_METHOD, "gin_extract_value_trgm", extract_trigrams, ask_trigrams, NULL};
