/* SPDX-License-Identifier: Apache-2.0
 * fuzzystrmatch: distances between words (Levenshtein) and words that sound alike (Soundex); unaccent: letters without accents, by
 * PostgreSQL's own table. */
#include "expr/extension.h"
#include "type/rdb_ts.h"
#include <pthread.h>
#include <stdlib.h>

/* ---- Levenshtein ---------------------------------------------------------------------------------------------------------------- */
#define LENGTH_MAX 255u
static bool split_characters(rdb_call *call, rdb_datum text, rdb_slice *characters, uint32_t *count)
{
    const uint8_t *at = text.bytes.data, *end = at + text.bytes.length;
    for (*count = 0; at < end; ++*count) {
        uint32_t length = RDB_MIN(rdb_utf8_length(*at), (uint32_t)(end - at));
        if (*count == LENGTH_MAX)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "levenshtein argument exceeds maximum length of %u characters", LENGTH_MAX);
        characters[*count] = (rdb_slice){at, length};
        at += length;
    }
    return true;
}

static bool measure(rdb_call *call, const rdb_datum *a, int32_t insert, int32_t delete, int32_t substitute, int32_t most, int32_t *distance)
{
    rdb_slice from[LENGTH_MAX], to[LENGTH_MAX];
    int64_t rows[2][LENGTH_MAX + 1];
    uint32_t from_count, to_count;
    if (!split_characters(call, a[0], from, &from_count) || !split_characters(call, a[1], to, &to_count))
        return false;
    for (uint32_t i = 0; i <= from_count; i++)
        rows[0][i] = (int64_t)i * delete;
    for (uint32_t k = 1; k <= to_count; k++) {
        const int64_t *before = rows[(k - 1) & 1];
        int64_t *now = rows[k & 1];
        now[0] = (int64_t)k * insert;
        for (uint32_t i = 1; i <= from_count; i++) {
            bool same = from[i - 1].length == to[k - 1].length && memcmp(from[i - 1].data, to[k - 1].data, from[i - 1].length) == 0;
            int64_t best = before[i - 1] + (same ? 0 : substitute);
            best = RDB_MIN(best, before[i] + insert);
            now[i] = RDB_MIN(best, now[i - 1] + delete);
        }
    }
    int64_t found = rows[to_count & 1][from_count];
    *distance = (int32_t)(most >= 0 && found > most ? (int64_t)most + 1 : found);
    return true;
}
EXTENSION_FUNCTION(levenshtein) { return measure(call, a, 1, 1, 1, -1, &r->i32); }
EXTENSION_FUNCTION(levenshtein_costs) { return measure(call, a, a[2].i32, a[3].i32, a[4].i32, -1, &r->i32); }
EXTENSION_FUNCTION(levenshtein_most) { return measure(call, a, 1, 1, 1, a[2].i32, &r->i32); }
EXTENSION_FUNCTION(levenshtein_costs_most) { return measure(call, a, a[2].i32, a[3].i32, a[4].i32, a[5].i32, &r->i32); }

/* ---- Soundex --------------------------------------------------------------------------------------------------------------------- */
static char sound_of(uint8_t c)
{
    static const char SOUNDS[] = "01230120022455012623010202";
    uint8_t upper = c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
    return upper >= 'A' && upper <= 'Z' ? SOUNDS[upper - 'A'] : (char)c;
}
static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Four characters, or none. */
static void make_soundex(rdb_datum text, char code[5])
{
    const uint8_t *at = text.bytes.data, *end = at + text.bytes.length;
    size_t length = 1;
    memset(code, 0, 5);
    while (at < end && !is_letter(*at))
        at++;
    if (at == end)
        return;
    code[0] = (char)(*at >= 'a' ? *at - 32 : *at);
    for (at++; at < end && length < 4; at++)
        if (is_letter(*at) && sound_of(*at) != sound_of(at[-1]) && sound_of(*at) != '0')
            code[length++] = sound_of(*at);
    while (length < 4)
        code[length++] = '0';
}
EXTENSION_FUNCTION(soundex)
{
    char code[5];
    make_soundex(a[0], code);
    return extension_bytes(call, code, strlen(code), r);
}
EXTENSION_FUNCTION(difference)
{
    char left[5], right[5];
    make_soundex(a[0], left);
    make_soundex(a[1], right);
    r->i32 = 0;
    for (int i = 0; i < 4; i++)
        r->i32 += left[i] == right[i];
    return true;
}

static const rdb_extension_routine FUZZY[] = {
    {"levenshtein", "text text", "int4", "levenshtein", levenshtein, 'i', false},
    {"levenshtein", "text text int4 int4 int4", "int4", "levenshtein_with_costs", levenshtein_costs, 'i', false},
    {"levenshtein_less_equal", "text text int4", "int4", "levenshtein_less_equal", levenshtein_most, 'i', false},
    {"levenshtein_less_equal", "text text int4 int4 int4 int4", "int4", "levenshtein_less_equal_with_costs", levenshtein_costs_most, 'i', false},
    {"soundex", "text", "text", "soundex", soundex, 'i', false}, {"text_soundex", "text", "text", "soundex", soundex, 'i', false},
    {"difference", "text text", "int4", "difference", difference, 'i', false},
};
const rdb_extension extension_fuzzy = {"fuzzystrmatch", "1.1", "determine similarities and distance between strings", "$libdir/fuzzystrmatch", FUZZY, RDB_COUNT_OF(FUZZY), NULL, 0, NULL, 0};

/* ---- unaccent ---------------------------------------------------------------------------------------------------------------------- */
typedef struct accent_rule {
    rdb_slice from, to;
} accent_rule;
static struct {
    rdb_arena *arena; /* lives with the process */
    accent_rule *rules;
    uint32_t count;
} accents;
static pthread_mutex_t accents_lock = PTHREAD_MUTEX_INITIALIZER; /* held while the table is read, once */

static int compare_rules(const void *left, const void *right)
{
    const rdb_slice a = ((const accent_rule *)left)->from, b = ((const accent_rule *)right)->from;
    int order = memcmp(a.data, b.data, RDB_MIN(a.length, b.length));
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/* "À<tab>A": a line without the second part takes the character away. */
static bool read_accents(rdb_error *err)
{
    rdb_slice text;
    rdb_arena *arena = rdb_arena_create("unaccent", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!rdb_ts_read_file(arena, "unaccent", "rules", "accent file", &text, err)) {
        rdb_arena_destroy(arena);
        return false;
    }
    uint32_t lines = 1;
    for (size_t i = 0; i < text.length; i++)
        lines += text.data[i] == '\n';
    accent_rule *rules = RDB_NEW_ARRAY(arena, accent_rule, lines);
    uint32_t count = 0;
    for (size_t at = 0; at < text.length; at++) {
        rdb_slice parts[2] = {{.length = 0}, {.length = 0}};
        for (int i = 0; at < text.length && text.data[at] != '\n';) {
            size_t from = at;
            while (at < text.length && text.data[at] > ' ')
                at++;
            if (at > from && i < 2)
                parts[i++] = (rdb_slice){text.data + from, at - from};
            while (at < text.length && text.data[at] <= ' ' && text.data[at] != '\n')
                at++;
        }
        if (parts[0].length > 0)
            rules[count++] = (accent_rule){parts[0], parts[1]};
    }
    qsort(rules, count, sizeof *rules, compare_rules);
    accents.arena = arena;
    accents.rules = rules;
    accents.count = count;
    return true;
}

static bool remove_accents(rdb_call *call, rdb_datum text, rdb_datum *r)
{
    pthread_mutex_lock(&accents_lock);
    bool ok = accents.arena != NULL || read_accents(call->err);
    pthread_mutex_unlock(&accents_lock);
    rdb_strbuf out;
    rdb_strbuf_init(&out, call->arena);
    const uint8_t *end = text.bytes.data + text.bytes.length;
    for (const uint8_t *at = text.bytes.data; ok && at < end;) {
        accent_rule key = {.from = {at, RDB_MIN(rdb_utf8_length(*at), (uint32_t)(end - at))}};
        const accent_rule *found = bsearch(&key, accents.rules, accents.count, sizeof key, compare_rules);
        if (found != NULL)
            rdb_strbuf_add(&out, found->to.data, found->to.length);
        else
            rdb_strbuf_add(&out, key.from.data, key.from.length);
        at += key.from.length;
    }
    return ok && rdb_strbuf_check(&out, call->err) && extension_bytes(call, out.data == NULL ? "" : out.data, out.length, r);
}
EXTENSION_FUNCTION(unaccent) { return remove_accents(call, a[0], r); }

static const rdb_extension_routine UNACCENT[] = {{"unaccent", "text", "text", "unaccent_dict", unaccent, 's', false}};
const rdb_extension extension_unaccent = {"unaccent", "1.1", "text search dictionary that removes accents", "$libdir/unaccent", UNACCENT, RDB_COUNT_OF(UNACCENT), NULL, 0, NULL, 0};
