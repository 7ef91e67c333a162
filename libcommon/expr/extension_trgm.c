/* SPDX-License-Identifier: Apache-2.0
 * pg_trgm: how alike texts are by the groups of three characters that they have in common. A trigram is three bytes: the characters
 * themselves, or, beyond ASCII, of their check sum. */
#include "expr/extension.h"
#include "expr/rdb_routine.h"
#include "type/rdb_ts.h"
#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

typedef struct trigram {
    uint8_t bytes[3];
    bool begins_word, ends_word;
} trigram;
typedef struct trigrams {
    trigram *items;
    uint32_t count;
} trigrams;

static void make_trigram(const uint8_t *at, size_t length, trigram *made)
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

/* Of every word: two blanks, the word, a blank. In order, with repetitions. */
static bool gather(rdb_call *call, rdb_datum text, trigrams *all)
{
    rdb_ts_dictionary *lower = NULL; /* lower case is the text search's own */
    const uint8_t *at = text.bytes.data, *end = at + text.bytes.length;
    all->count = 0;
    all->items = rdb_arena_try_alloc(call->arena, sizeof *all->items * ((size_t)text.bytes.length * 2 + 4), call->err);
    if (all->items == NULL || !rdb_ts_dictionary_open("simple", NULL, 0, &lower, call->err))
        return false;
    bool ok = true;
    while (ok && at < end) {
        UChar32 c = 0;
        size_t length = step(at, end, &c);
        if (!u_isUAlphabetic(c) && !u_isdigit(c)) {
            at += length;
            continue;
        }
        const uint8_t *word = at;
        for (at += length; at < end; at += length) {
            length = step(at, end, &c);
            if (!u_isUAlphabetic(c) && !u_isdigit(c))
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
            all->items[all->count] = (trigram){.begins_word = all->count == before};
            make_trigram(first, (size_t)(third - first), &all->items[all->count++]);
            first += step(first, stop, &c);
        }
        if (all->count > before)
            all->items[all->count - 1].ends_word = true;
    }
    rdb_ts_dictionary_close(&lower);
    return ok;
}

static int compare(const void *left, const void *right)
{
    return memcmp(((const trigram *)left)->bytes, ((const trigram *)right)->bytes, 3);
}

static void make_unique(trigrams *all)
{
    uint32_t kept = 0;
    if (all->count > 1)
        qsort(all->items, all->count, sizeof *all->items, compare);
    for (uint32_t i = 0; i < all->count; i++)
        if (i == 0 || compare(&all->items[i], &all->items[kept - 1]) != 0)
            all->items[kept++] = all->items[i];
    all->count = kept;
}

static float likeness(uint32_t common, uint32_t left, uint32_t right)
{
    return (float)common / (float)(left + right - common);
}

static bool measure(rdb_call *call, const rdb_datum *a, float *likeness_of)
{
    trigrams left, right;
    uint32_t common = 0;
    if (!gather(call, a[0], &left) || !gather(call, a[1], &right))
        return false;
    make_unique(&left);
    make_unique(&right);
    for (uint32_t i = 0, k = 0; i < left.count && k < right.count;) {
        int order = compare(&left.items[i], &right.items[k]);
        common += order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    *likeness_of = left.count == 0 || right.count == 0 ? 0.0f : likeness(common, left.count, right.count);
    return true;
}
EXTENSION_FUNCTION(similarity) { return measure(call, a, &r->f4); }
EXTENSION_FUNCTION(similarity_distance)
{
    if (!measure(call, a, &r->f4))
        return false;
    r->f4 = 1.0f - r->f4;
    return true;
}

/* The greatest likeness of the first text and a stretch of the second's trigrams; strict: of whole words. One pass moves the end of
 * the stretch, and its beginning as far as that makes it more like the first. */
static bool measure_stretch(rdb_call *call, rdb_datum needle, rdb_datum text, bool strict, float *best)
{
    trigrams left, right;
    *best = 0.0f;
    if (!gather(call, needle, &left) || !gather(call, text, &right))
        return false;
    make_unique(&left);
    if (left.count == 0 || right.count == 0)
        return true;
    uint32_t *number = rdb_arena_try_alloc(call->arena, sizeof *number * right.count * 2, call->err);
    int64_t *last_at = rdb_arena_try_alloc(call->arena, sizeof *last_at * ((size_t)left.count + right.count), call->err);
    trigrams unique = {rdb_arena_try_alloc(call->arena, sizeof(trigram) * right.count, call->err), right.count};
    if (number == NULL || last_at == NULL || unique.items == NULL)
        return false;
    memcpy(unique.items, right.items, sizeof(trigram) * right.count);
    make_unique(&unique);
    bool *shared = RDB_NEW_ARRAY(call->arena, bool, unique.count);
    for (uint32_t i = 0; i < unique.count; i++) {
        shared[i] = bsearch(&unique.items[i], left.items, left.count, sizeof(trigram), compare) != NULL;
        last_at[i] = -1;
    }
    for (uint32_t i = 0; i < right.count; i++)
        number[i] = (uint32_t)((const trigram *)bsearch(&right.items[i], unique.items, unique.count, sizeof(trigram), compare) - unique.items);
    int64_t lower = strict ? 0 : -1;
    uint32_t length = 0, common = 0;
    for (int64_t i = 0; i < (int64_t)right.count; i++) {
        uint32_t n = number[i];
        if (lower >= 0 || shared[n]) {
            if (last_at[n] < 0) {
                length++;
                common += shared[n];
            }
            last_at[n] = i;
        }
        if (strict ? !right.items[i].ends_word : !shared[n])
            continue;
        if (lower < 0) {
            lower = i;
            length = 1;
        }
        float now = likeness(common, left.count, length);
        int64_t from = lower;
        uint32_t try_length = length, try_common = common;
        for (int64_t k = from; k <= i; k++) {
            if (!strict || right.items[k].begins_word) {
                float tried = likeness(try_common, left.count, try_length);
                if (tried > now) {
                    now = tried;
                    length = try_length;
                    lower = k;
                    common = try_common;
                }
            }
            if (last_at[number[k]] == k) {
                try_length--;
                try_common -= shared[number[k]];
            }
        }
        *best = RDB_MAX(*best, now);
        for (int64_t k = from; k < lower; k++)
            if (last_at[number[k]] == k)
                last_at[number[k]] = -1;
    }
    return true;
}
EXTENSION_FUNCTION(word_similarity) { return measure_stretch(call, a[0], a[1], false, &r->f4); }
EXTENSION_FUNCTION(strict_word_similarity) { return measure_stretch(call, a[0], a[1], true, &r->f4); }

/* ---- operators: likeness against the session's thresholds -------------------------------------------------------------------- */
static bool threshold(rdb_call *call, const char *name, float standard, float *limit)
{
    rdb_eval *eval = rdb_eval_of(call);
    const rdb_nested_statements *nested = rdb_nested_get();
    const char *text = NULL;
    rdb_error none = {0};
    *limit = standard;
    if (nested != NULL && nested->get_setting != NULL && eval->session != NULL && nested->get_setting(eval->session, name, call->arena, &text, &none) && text != NULL && text[0] != '\0')
        *limit = strtof(text, NULL);
    rdb_error_clear(&none); /* nobody has set it */
    return *limit >= 0 && *limit <= 1 ? true : rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "%g is outside the valid range for parameter \"%s\" (0 .. 1)", (double)*limit, name);
}

static bool compare_stretch(rdb_call *call, rdb_datum word, rdb_datum text, bool strict, rdb_datum *r)
{
    float found, limit;
    if (!threshold(call, strict ? "pg_trgm.strict_word_similarity_threshold" : "pg_trgm.word_similarity_threshold", strict ? 0.5f : 0.6f, &limit) ||
        !measure_stretch(call, word, text, strict, &found))
        return false;
    r->b = found >= limit;
    return true;
}

static bool stretch_distance(rdb_call *call, rdb_datum word, rdb_datum text, bool strict, rdb_datum *r)
{
    if (!measure_stretch(call, word, text, strict, &r->f4))
        return false;
    r->f4 = 1.0f - r->f4;
    return true;
}

EXTENSION_FUNCTION(similarity_op)
{
    float found, limit;
    if (!threshold(call, "pg_trgm.similarity_threshold", 0.3f, &limit) || !measure(call, a, &found))
        return false;
    r->b = found >= limit;
    return true;
}
EXTENSION_FUNCTION(show_limit) { return threshold(call, "pg_trgm.similarity_threshold", 0.3f, &r->f4); }
EXTENSION_FUNCTION(word_similarity_op) { return compare_stretch(call, a[0], a[1], false, r); }
EXTENSION_FUNCTION(word_similarity_commutator_op) { return compare_stretch(call, a[1], a[0], false, r); }
EXTENSION_FUNCTION(word_similarity_dist_op) { return stretch_distance(call, a[0], a[1], false, r); }
EXTENSION_FUNCTION(word_similarity_dist_commutator_op) { return stretch_distance(call, a[1], a[0], false, r); }
EXTENSION_FUNCTION(strict_word_similarity_op) { return compare_stretch(call, a[0], a[1], true, r); }
EXTENSION_FUNCTION(strict_word_similarity_commutator_op) { return compare_stretch(call, a[1], a[0], true, r); }
EXTENSION_FUNCTION(strict_word_similarity_dist_op) { return stretch_distance(call, a[0], a[1], true, r); }
EXTENSION_FUNCTION(strict_word_similarity_dist_commutator_op) { return stretch_distance(call, a[1], a[0], true, r); }

EXTENSION_FUNCTION(show_trigrams)
{
    trigrams all;
    if (!gather(call, a[0], &all))
        return false;
    make_unique(&all);
    const char **texts = RDB_NEW_ARRAY(call->arena, const char *, all.count + 1);
    for (uint32_t i = 0; i < all.count; i++) {
        const uint8_t *b = all.items[i].bytes;
        bool plain = true;
        for (int k = 0; k < 3; k++)
            plain = plain && b[k] < 0x80 && (b[k] == ' ' || u_isalnum(b[k]));
        texts[i] = plain ? rdb_arena_strndup(call->arena, (const char *)b, 3) : rdb_arena_printf(call->arena, "0x%02x%02x%02x", b[0], b[1], b[2]);
    }
    return expr_text_array(call, texts, all.count, r);
}

static const rdb_extension_routine ROUTINES[] = {
    {"similarity", "text text", "float4", "similarity", similarity, 'i', false},
    {"similarity_dist", "text text", "float4", "similarity_dist", similarity_distance, 'i', false},
    {"show_trgm", "text", "_text", "show_trgm", show_trigrams, 'i', false},
    {"word_similarity", "text text", "float4", "word_similarity", word_similarity, 'i', false},
    {"strict_word_similarity", "text text", "float4", "strict_word_similarity", strict_word_similarity, 'i', false},
    {"show_limit", "", "float4", "show_limit", show_limit, 's', false},
#define OP(name, result, volatility) {#name, "text text", result, #name, name, volatility, false}
    OP(similarity_op, "bool", 's'), OP(word_similarity_op, "bool", 's'), OP(word_similarity_commutator_op, "bool", 's'), OP(word_similarity_dist_op, "float4", 'i'),
    OP(word_similarity_dist_commutator_op, "float4", 'i'), OP(strict_word_similarity_op, "bool", 's'), OP(strict_word_similarity_commutator_op, "bool", 's'),
    OP(strict_word_similarity_dist_op, "float4", 'i'), OP(strict_word_similarity_dist_commutator_op, "float4", 'i'),
#undef OP
};
static const rdb_extension_operator OPERATORS[] = {
#define OP(name, result, function, commutator) {name, "text", "text", result, function, commutator, result[0] == 'b'}
    OP("%", "bool", "similarity_op", "%"), OP("<->", "float4", "similarity_dist", "<->"),
    OP("<%", "bool", "word_similarity_op", "%>"), OP("%>", "bool", "word_similarity_commutator_op", "<%"),
    OP("<<->", "float4", "word_similarity_dist_op", "<->>"), OP("<->>", "float4", "word_similarity_dist_commutator_op", "<<->"),
    OP("<<%", "bool", "strict_word_similarity_op", "%>>"), OP("%>>", "bool", "strict_word_similarity_commutator_op", "<<%"),
    OP("<<<->", "float4", "strict_word_similarity_dist_op", "<->>>"), OP("<->>>", "float4", "strict_word_similarity_dist_commutator_op", "<<<->"),
#undef OP
};
const rdb_extension extension_trgm = {"pg_trgm", "1.6", "text similarity measurement and index searching based on trigrams", "$libdir/pg_trgm", ROUTINES,
                                      RDB_COUNT_OF(ROUTINES), OPERATORS, RDB_COUNT_OF(OPERATORS)};
