/* SPDX-License-Identifier: Apache-2.0
 * Functions about the server and its grammar: words, time zones, encodings, how it was built, transaction ids. */
#include "expr/kernels.h"
#include "type/rdb_encoding.h"
#include "type/timezone.h"
#include <stdlib.h>

/* ---- pg_get_keywords ---------------------------------------------------------------------------------------------------------------- */
static bool keywords_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    static const struct { const char *word; char category; bool is_bare_label; } WORDS[] = {
#define U 'U'
#define C 'C'
#define T 'T'
#define R 'R'
#define WORD(word, category, bare) {#word, category, bare},
#include "expr/grammar_words.def"
#undef WORD
#undef U
#undef C
#undef T
#undef R
    };
    (void)arguments, (void)is_null;
    for (size_t i = 0; i < RDB_COUNT_OF(WORDS); i++) {
        const char *meaning = WORDS[i].category == 'U'   ? "unreserved"
                              : WORDS[i].category == 'C' ? "unreserved (cannot be function or type name)"
                              : WORDS[i].category == 'T' ? "reserved (can be function or type name)"
                                                         : "reserved";
        const rdb_datum values[5] = {expr_text(WORDS[i].word), {.i8 = WORDS[i].category}, {.b = WORDS[i].is_bare_label}, expr_text(meaning),
                                     expr_text(WORDS[i].is_bare_label ? "can be bare label" : "requires AS")};
        const bool nulls[5] = {false};
        expr_rows_add(call, state, values, nulls, 5);
    }
    return true;
}

/* ---- time zones ------------------------------------------------------------------------------------------------------------------------ */
static rdb_datum interval_of_seconds(int32_t seconds)
{
    rdb_datum value = {.words = {0, 0}};
    int64_t microseconds = (int64_t)seconds * 1000000;
    memcpy(value.fixed, &microseconds, sizeof microseconds);
    return value;
}

static bool abbreviations_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    static const struct { const char *name; int32_t offset; bool is_dst; } ZONES[] = {
#define ABBREVIATION(name, seconds, is_dst) {#name, seconds, is_dst},
#include "type/zone_abbreviations.def"
#undef ABBREVIATION
    };
    (void)arguments, (void)is_null;
    for (size_t i = 0; i < RDB_COUNT_OF(ZONES); i++) {
        char *name = rdb_arena_strdup(call->arena, ZONES[i].name);
        for (char *c = name; *c != '\0'; c++)
            if (*c >= 'a' && *c <= 'z')
                *c = (char)(*c - 'a' + 'A');
        const rdb_datum values[3] = {expr_text(name), interval_of_seconds(ZONES[i].offset), {.b = ZONES[i].is_dst}};
        const bool nulls[3] = {false};
        expr_rows_add(call, state, values, nulls, 3);
    }
    return true;
}

#define ZONE_ROOT "/usr/share/zoneinfo"
enum { ZONE_DEPTH_MAX = 4, EPOCH_2000 = 946684800 };

static bool add_zones(rdb_call *call, expr_rows *rows, const char *path, const char *prefix, uint32_t depth)
{
    rdb_list names = {0};
    if (!rdb_path_list(path, call->arena, &names, call->err))
        return false;
    for (uint32_t i = 0; i < names.count; i++) {
        const char *entry = names.items[i], *full = rdb_arena_printf(call->arena, "%s/%s", path, entry);
        const char *name = rdb_arena_printf(call->arena, "%s%s%s", prefix, prefix[0] != '\0' ? "/" : "", entry);
        if (entry[0] == '.')
            continue;
        if (rdb_path_is_directory(full)) {
            /* "right" counts leap seconds, "posix" repeats all names */
            if (depth < ZONE_DEPTH_MAX && strcmp(entry, "right") != 0 && strcmp(entry, "posix") != 0 && !add_zones(call, rows, full, name, depth + 1))
                return false;
            continue;
        }
        if (strpbrk(entry, ".") != NULL || strcmp(entry, "leapseconds") == 0 || strcmp(entry, "posixrules") == 0 || strcmp(entry, "localtime") == 0 ||
            strcmp(entry, "leap-seconds") == 0 || strcmp(entry, "SECURITY") == 0)
            continue;
        const rdb_timezone *zone = rdb_timezone_find(name);
        if (zone == NULL)
            continue;
        const type_zone_moment now = type_zone_at(zone, call->transaction_us / 1000000 + EPOCH_2000);
        const rdb_datum values[4] = {expr_text(name), expr_text(now.abbreviation != NULL ? now.abbreviation : ""), interval_of_seconds(now.offset), {.b = now.is_dst}};
        const bool nulls[4] = {false};
        expr_rows_add(call, rows, values, nulls, 4);
    }
    return true;
}

static bool zones_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    (void)arguments, (void)is_null;
    return !rdb_path_is_directory(ZONE_ROOT) || add_zones(call, state, ZONE_ROOT, "", 0);
}

/* ---- pg_config, options ------------------------------------------------------------------------------------------------------------------ */
static bool config_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    static const char *const SETTINGS[][2] = {{"BINDIR", "/usr/bin"}, {"SHAREDIR", "/usr/share/rustydb"}, {"SYSCONFDIR", "/etc/rustydb"},
                                              {"CC", "cc"}, {"VERSION", "PostgreSQL 15.8 (RustyDB 0.1.0)"}};
    (void)arguments, (void)is_null;
    for (size_t i = 0; i < RDB_COUNT_OF(SETTINGS); i++) {
        const rdb_datum values[2] = {expr_text(SETTINGS[i][0]), expr_text(SETTINGS[i][1])};
        const bool nulls[2] = {false};
        expr_rows_add(call, state, values, nulls, 2);
    }
    return true;
}

/* {a=b,c}: rows (a, b) and (c, null). */
static bool options_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_array_shape shape;
    (void)is_null;
    rdb_array_get_shape(arguments[0], &shape);
    for (uint32_t i = 0; i < shape.count; i++) {
        rdb_datum item;
        if (!rdb_array_get(arguments[0], i, &item))
            continue;
        const char *option = expr_get_text(call, item), *equals = strchr(option, '=');
        const rdb_datum values[2] = {expr_text(equals != NULL ? rdb_arena_strndup(call->arena, option, (size_t)(equals - option)) : option),
                                     expr_text(equals != NULL ? equals + 1 : "")};
        const bool nulls[2] = {false, equals == NULL};
        expr_rows_add(call, state, values, nulls, 2);
    }
    return true;
}

/* ---- encodings ------------------------------------------------------------------------------------------------------------------------------ */
static bool encoding_number_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    result->i32 = rdb_encoding_find(expr_get_text(call, a[0]));
    return true;
}
EXPR_ROW_KERNEL(encoding_number, 1)

static bool encoding_length_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call, (void)nulls;
    *is_null = rdb_encoding_name(a[0].i32) == NULL;
    result->i32 = *is_null ? 0 : (int32_t)rdb_encoding_max_length(a[0].i32);
    return true;
}
EXPR_ROW_KERNEL(encoding_length, 1)

static bool client_encoding_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const int encoding = call->format->client_encoding != 0 ? call->format->client_encoding : RDB_ENCODING_UTF8;
    const char *name = rdb_encoding_name(encoding);
    (void)a, (void)nulls, (void)is_null;
    return expr_set_text(call, name, strlen(name), result);
}
EXPR_ROW_KERNEL(client_encoding, 0)

static bool utf8_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    return expr_set_text(call, "UTF8", 4, result);
}
EXPR_ROW_KERNEL(utf8, 0)

static bool user_name_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const char *name = rdb_eval_of(call)->current_user;
    (void)a, (void)nulls, (void)is_null;
    return expr_set_text(call, name != NULL ? name : "", name != NULL ? strlen(name) : 0, result);
}
EXPR_ROW_KERNEL(user_name, 0)

/* ---- transaction ids ------------------------------------------------------------------------------------------------------------------------ */
static bool assigned_xid_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_txn *txn = rdb_eval_of(call)->txn;
    (void)a, (void)nulls;
    result->i64 = txn != NULL ? (int64_t)rdb_txn_top_xid(txn) : 0;
    *is_null = result->i64 == 0;
    return true;
}
EXPR_ROW_KERNEL(assigned_xid, 0)

#define ROWS(oid, begin_function, flag) {.proc_oid = (oid), .state_bytes = sizeof(expr_rows), .begin = (begin_function), .next = expr_rows_next, .flags = (flag)}
static const rdb_set_kernel_entry SETS[] = {
    ROWS(1686, keywords_begin, 0),
    ROWS(2599, abbreviations_begin, 0),
    ROWS(2856, zones_begin, RDB_KERNEL_FALLIBLE),
    ROWS(3400, config_begin, 0),
    ROWS(2289, options_begin, 0),
};

static const rdb_kernel_entry ENTRIES[] = {
    {1264, encoding_number, 0},
    {2319, encoding_length, 0},
    {810, client_encoding, 0}, /* pg_client_encoding */
    {1039, utf8, 0}, /* getdatabaseencoding */
    {710, user_name, RDB_KERNEL_NEEDS_SESSION},
    {3348, assigned_xid, RDB_KERNEL_NEEDS_SESSION},
    {5060, assigned_xid, RDB_KERNEL_NEEDS_SESSION},
};

void expr_register_server_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
