/* SPDX-License-Identifier: Apache-2.0
 * pg_trgm: how alike texts are by the groups of three characters that they have in common (type/rdb_terms.h). */
#include "expr/extension.h"
#include "expr/rdb_routine.h"
#include "type/rdb_terms.h"
#include <ctype.h>
#include <stdlib.h>

static float likeness(uint32_t common, uint32_t left, uint32_t right)
{
    return (float)common / (float)(left + right - common);
}

static bool measure(rdb_call *call, const rdb_datum *a, float *likeness_of)
{
    rdb_trigrams left, right;
    uint32_t common = 0;
    if (!rdb_trigrams_gather(call, a[0].bytes, &left) || !rdb_trigrams_gather(call, a[1].bytes, &right))
        return false;
    rdb_trigrams_make_unique(&left);
    rdb_trigrams_make_unique(&right);
    for (uint32_t i = 0, k = 0; i < left.count && k < right.count;) {
        int order = rdb_trigram_compare(&left.items[i], &right.items[k]);
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
    rdb_trigrams left, right;
    *best = 0.0f;
    if (!rdb_trigrams_gather(call, needle.bytes, &left) || !rdb_trigrams_gather(call, text.bytes, &right))
        return false;
    rdb_trigrams_make_unique(&left);
    if (left.count == 0 || right.count == 0)
        return true;
    uint32_t *number = rdb_arena_try_alloc(call->arena, sizeof *number * right.count * 2, call->err);
    int64_t *last_at = rdb_arena_try_alloc(call->arena, sizeof *last_at * ((size_t)left.count + right.count), call->err);
    rdb_trigrams unique = {rdb_arena_try_alloc(call->arena, sizeof(rdb_trigram) * right.count, call->err), right.count};
    if (number == NULL || last_at == NULL || unique.items == NULL)
        return false;
    memcpy(unique.items, right.items, sizeof(rdb_trigram) * right.count);
    rdb_trigrams_make_unique(&unique);
    bool *shared = RDB_NEW_ARRAY(call->arena, bool, unique.count);
    for (uint32_t i = 0; i < unique.count; i++) {
        shared[i] = bsearch(&unique.items[i], left.items, left.count, sizeof(rdb_trigram), rdb_trigram_compare) != NULL;
        last_at[i] = -1;
    }
    for (uint32_t i = 0; i < right.count; i++)
        number[i] = (uint32_t)((const rdb_trigram *)bsearch(&right.items[i], unique.items, unique.count, sizeof(rdb_trigram), rdb_trigram_compare) - unique.items);
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

/* What searches of indexes go by. */
static bool threshold_by_number(rdb_call *call, unsigned which, float *limit)
{
    static const struct { const char *name; float standard; } OF[] = {{"pg_trgm.similarity_threshold", 0.3f}, {"pg_trgm.word_similarity_threshold", 0.6f},
                                                                     {"pg_trgm.strict_word_similarity_threshold", 0.5f}};
    return threshold(call, OF[which].name, OF[which].standard, limit);
}

void extension_trgm_register(void)
{
    rdb_trigram_set_threshold(threshold_by_number);
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
    rdb_trigrams all;
    if (!rdb_trigrams_gather(call, a[0].bytes, &all))
        return false;
    rdb_trigrams_make_unique(&all);
    const char **texts = RDB_NEW_ARRAY(call->arena, const char *, all.count + 1);
    for (uint32_t i = 0; i < all.count; i++) {
        const uint8_t *b = all.items[i].bytes;
        bool plain = true;
        for (int k = 0; k < 3; k++)
            plain = plain && b[k] < 0x80 && (b[k] == ' ' || isalnum(b[k]));
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
    {"gin_extract_value_trgm", "text internal", "internal", "gin_extract_value_trgm", extension_support, 'i', false},
    {"gin_extract_query_trgm", "text internal int2 internal internal internal internal", "internal", "gin_extract_query_trgm", extension_support, 'i', false},
    {"gin_trgm_consistent", "internal int2 text int4 internal internal internal internal", "bool", "gin_trgm_consistent", extension_support, 'i', false},
    {"gtrgm_consistent", "internal text int2 oid internal", "bool", "gtrgm_consistent", extension_support, 'i', false},
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
enum { GIST = 783, GIN = 2742 };
static const rdb_extension_member MEMBERS[] = {{1, "%", "text", "text"},  {3, "~~", "text", "text"}, {4, "~~*", "text", "text"}, {5, "~", "text", "text"},
                                               {6, "~*", "text", "text"}, {7, "%>", "text", "text"}, {9, "%>>", "text", "text"}, {11, "=", "text", "text"}};
static const rdb_extension_class CLASSES[] = {{"gin_trgm_ops", "text", "int4", GIN, false, "gin_extract_value_trgm", MEMBERS, RDB_COUNT_OF(MEMBERS)},
                                              {"gist_trgm_ops", "text", NULL, GIST, false, "gtrgm_consistent", MEMBERS, RDB_COUNT_OF(MEMBERS)}};
const rdb_extension extension_trgm = {"pg_trgm", "1.6", "text similarity measurement and index searching based on trigrams", "$libdir/pg_trgm", ROUTINES,
                                      RDB_COUNT_OF(ROUTINES), OPERATORS, RDB_COUNT_OF(OPERATORS), CLASSES, RDB_COUNT_OF(CLASSES)};
