/* SPDX-License-Identifier: Apache-2.0
 * Terms: for every class, whatever the operator says yes to is among what the search for it gives; the values are random, the seed is
 * printed. And searches are of use: what they give beside that is bounded. */
#include "fixture.h"
#include "os/rdb_time.h"
#include "os/rdb_time.h"
#include "type/rdb_terms.h"

enum { GIN = 2742, GIST = 783, SPGIST = 4000, VALUES = 300, SEARCHES = 60 };
static rdb_arena *arena;
static rdb_random dice;

typedef struct value {
    rdb_datum datum;
    rdb_terms terms;
} value;
static value values[VALUES];

static rdb_call make_call(rdb_error *err)
{
    return (rdb_call){.arena = arena, .plan_arena = arena, .err = err, .format = rdb_format_default(), .collation = RDB_C_COLLATION_OID, .result_typmod = -1};
}

static rdb_datum read_value(const rdb_type *type, const char *text)
{
    rdb_error err = {0};
    rdb_call call = make_call(&err);
    rdb_datum datum = {.words = {0, 0}};
    if (!type->ops->input(&call, type, (rdb_slice){(const uint8_t *)text, strlen(text)}, -1, &datum))
        print_message("%s: %s\n", text, rdb_error_message(&err));
    assert_false(rdb_error_is_set(&err));
    return datum;
}

/* What an index would do: entries that are at or after the lower bound, and before the upper one or begin with it. */
static bool in_range(const rdb_term_query *q, rdb_slice term)
{
    const size_t low = RDB_MIN(term.length, q->lower.length), high = RDB_MIN(term.length, q->upper.length);
    int order = low > 0 ? memcmp(term.data, q->lower.data, low) : 0;
    if (order < 0 || (order == 0 && term.length < q->lower.length) || (q->lower_exclusive && order == 0))
        return false;
    order = high > 0 ? memcmp(term.data, q->upper.data, high) : 0;
    return order < 0 || (order == 0 && !q->upper_exclusive);
}

static bool gives(const rdb_term_query *q, const value *v)
{
    uint32_t met = 0;
    switch ((rdb_term_query_kind)q->kind) {
    case RDB_TERMS_NONE: return false;
    case RDB_TERMS_ALL:
    case RDB_TERMS_RANGE:
        for (uint32_t i = 0; i < v->terms.count; i++)
            if (in_range(q, v->terms.items[i]))
                return true;
        return false;
    default:
        for (uint32_t i = 0; i < q->count; i++)
            met += gives(q->items[i], v);
        return met >= (q->kind == RDB_TERMS_AND ? q->count : q->kind == RDB_TERMS_OR ? 1 : q->needed);
    }
}

static bool holds(uint32_t proc_oid, const rdb_type *left_type, rdb_datum left, const rdb_type *right_type, rdb_datum right)
{
    rdb_error err = {0};
    rdb_call call = make_call(&err);
    const rdb_type *types[2] = {left_type, right_type};
    void *state = NULL;
    call.state = &state;
    call.argument_types = types;
    call.argument_count = 2;
    const rdb_kernel_entry *kernel = rdb_kernel_find(proc_oid);
    rdb_vector arguments[2], out;
    const rdb_vector *both[2] = {&arguments[0], &arguments[1]};
    rdb_selection one = {NULL, 1};
    assert_non_null(kernel);
    rdb_vector_set_constant(&arguments[0], arena, (rdb_rep)left_type->rep, left, false);
    rdb_vector_set_constant(&arguments[1], arena, (rdb_rep)right_type->rep, right, false);
    assert_true(rdb_vector_init(&out, arena, (rdb_rep)fixture_type(RDB_BOOLOID)->rep, 1, &err));
    const bool ok = kernel->kernel(&call, both, &out, &one);
    if (!ok)
        print_message("function %u: %s\n", proc_oid, rdb_error_message(&err));
    assert_true(ok);
    return !rdb_vector_is_null(&out, 0) && rdb_vector_get(&out, 0).b;
}

typedef const char *(*maker)(void);
typedef struct question {
    uint16_t strategy;
    uint32_t proc_oid, type_oid;
    maker make;
    uint32_t most; /* of all values, what all searches together may give in vain, in a hundred; 100: any number */
} question;

static void check(const rdb_term_class *class, uint32_t type_oid, maker make, const question *questions, size_t count)
{
    const rdb_type *type = fixture_type(type_oid);
    rdb_error err = {0};
    assert_non_null(class);
    for (int i = 0; i < VALUES; i++) {
        values[i].datum = read_value(type, make());
        values[i].terms = (rdb_terms){.arena = arena};
        assert_true(rdb_terms_extract(class, 1, type, RDB_C_COLLATION_OID, values[i].datum, &values[i].terms, &err));
        rdb_terms_finish(&values[i].terms);
        assert_true(values[i].terms.count > 0);
    }
    for (size_t q = 0; q < count; q++) {
        uint32_t met = 0, vain = 0;
        const rdb_type *right = fixture_type(questions[q].type_oid);
        for (int s = 0; s < SEARCHES; s++) {
            const char *text = questions[q].make();
            const rdb_datum asked = read_value(right, text);
            rdb_call call = make_call(&err);
            rdb_term_query *query = NULL;
            bool is_exact = false;
            assert_true(rdb_terms_ask(&call, class, 1, type, questions[q].strategy, right, asked, &query, &is_exact));
            for (int i = 0; i < VALUES; i++) {
                const bool yes = holds(questions[q].proc_oid, type, values[i].datum, right, asked), given = gives(query, &values[i]);
                if (yes && !given)
                    print_message("strategy %u, %s: value %d is not given\n", questions[q].strategy, text, i);
                assert_true(!yes || given);
                assert_true(!is_exact || yes == given);
                met += yes;
                vain += given && !yes;
            }
        }
        if (questions[q].most < 100 && vain * 100 > questions[q].most * VALUES * SEARCHES)
            print_message("strategy %u: %u met, %u in vain\n", questions[q].strategy, met, vain);
        assert_true(questions[q].most == 100 || vain * 100 <= questions[q].most * VALUES * SEARCHES);
    }
}

static int any(int below)
{
    return (int)(rdb_random_next(&dice) % (uint64_t)below);
}

/* ---- values ------------------------------------------------------------------------------------------------------------------ */
static const char *make_range(void)
{
    const int from = any(1000), length = any(3) == 0 ? any(300) : any(10);
    switch (any(12)) {
    case 0: return "empty";
    case 1: return rdb_arena_printf(arena, "[%d,)", from);
    case 2: return rdb_arena_printf(arena, "(,%d]", from);
    default: return rdb_arena_printf(arena, "[%d,%d)", from, from + length);
    }
}
static const char *make_integer(void)
{
    return rdb_arena_printf(arena, "%d", any(1100) - 50);
}
static const char *make_point(void)
{
    return any(30) == 0 ? "(NaN,3)" : rdb_arena_printf(arena, "(%d.%d,%d)", any(200) - 100, any(10), any(200) - 100);
}
static const char *make_box(void)
{
    const int x = any(200) - 100, y = any(200) - 100, size = any(4) == 0 ? 60 : 8;
    return rdb_arena_printf(arena, "(%d,%d),(%d,%d)", x, y, x + any(size), y + any(size));
}
static const char *make_array(void)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, arena);
    rdb_strbuf_addc(&text, '{');
    for (int i = any(5), first = i; i > 0; i--)
        rdb_strbuf_addf(&text, any(12) == 0 ? "%sNULL" : "%s%d", i < first ? "," : "", any(12));
    rdb_strbuf_addc(&text, '}');
    return text.data;
}
static const char *make_jsonb(void)
{
    switch (any(7)) {
    case 0: return rdb_arena_printf(arena, "{\"a\": %d, \"b\": {\"c\": \"v%d\"}}", any(4), any(4));
    case 1: return rdb_arena_printf(arena, "{\"a\": [%d, \"v%d\", {\"c\": null}]}", any(4), any(4));
    case 2: return rdb_arena_printf(arena, "[\"a\", \"v%d\"]", any(4));
    case 3: return rdb_arena_printf(arena, "\"v%d\"", any(4));
    case 4: return rdb_arena_printf(arena, "{\"b\": %d.0}", any(4));
    case 5: return any(2) != 0 ? "{}" : "[]";
    default: return rdb_arena_printf(arena, "{\"b\": {\"c\": \"v%d\"}}", any(4));
    }
}
static const char *make_key(void)
{
    return any(2) != 0 ? rdb_arena_printf(arena, "v%d", any(5)) : any(2) != 0 ? "a" : "c";
}
static const char *make_path(void)
{
    switch (any(6)) {
    case 0: return rdb_arena_printf(arena, "$.a ? (@ == %d)", any(4));
    case 1: return rdb_arena_printf(arena, "$.b.c ? (@ == \"v%d\")", any(4));
    case 2: return rdb_arena_printf(arena, "$.a[*] ? (@ == \"v%d\" || @ == %d)", any(4), any(4));
    case 3: return rdb_arena_printf(arena, "$.** ? (@ == \"v%d\")", any(4));
    case 4: return rdb_arena_printf(arena, "$ ? (@.b == %d && !(@.a > 1))", any(4));
    default: return rdb_arena_printf(arena, "$.b ? (exists (@.c ? (@ == \"v%d\"))).c", any(4));
    }
}
static const char *make_document(void)
{
    return rdb_arena_printf(arena, "w%d:1 x%d:2A y%d", any(6), any(6), any(6));
}
static const char *make_query(void)
{
    switch (any(6)) {
    case 0: return rdb_arena_printf(arena, "w%d & !x%d", any(6), any(6));
    case 1: return rdb_arena_printf(arena, "w%d <-> x%d", any(6), any(6));
    case 2: return rdb_arena_printf(arena, "x%d:A | y%d", any(6), any(6));
    case 3: return "!w1";
    case 4: return "w:* & y3";
    default: return rdb_arena_printf(arena, "w%d", any(6));
    }
}
static const char *make_word(void)
{
    static const char *const words[] = {"quick", "Brown fox", "foxes", "under_score", "größe", "a", "", "xx", "fox quick", "brownish"};
    return rdb_arena_printf(arena, "%s %s", words[any(10)], words[any(10)]);
}
static const char *make_pattern(void)
{
    static const char *const patterns[] = {"%quick%", "brown%", "%fox", "%o_es%", "%\\_sc%", "a %", "%", "%größe %", "%fox quick%", "%x  x%"};
    return patterns[any(10)];
}
static const char *make_regex(void)
{
    static const char *const patterns[] = {"qu.ck", "^quick", "fox(es)?$", "brow(n|s)", "[fF]ox", "fo+x", "x{1,2}", "b?rown", "\\mfox", "fox|quick", "gr.*e$", "un[d]er_"};
    return patterns[any(12)];
}

static void test_classes(void **state)
{
    (void)state;
    enum { RANGE = 3904, ARRAY = 1007, TEXT_ARRAY = 1009, JSONB = 3802, JSONPATH = 4072, TSVECTOR = 3614, TSQUERY = 3615, POINT = 600, BOX = 603, TEXT = 25 };
    const question ranges[] = {{1, 3863, RANGE, make_range, 100}, {3, 3857, RANGE, make_range, 15},  {5, 3864, RANGE, make_range, 100},       {7, 3859, RANGE, make_range, 25},
                               {8, 3861, RANGE, make_range, 25},  {18, 3855, RANGE, make_range, 8}, {16, 3858, RDB_INT4OID, make_integer, 15}};
    check(rdb_term_class_find(GIST, "range_gist_consistent"), RANGE, make_range, ranges, RDB_COUNT_OF(ranges));
    const question arrays[] = {{1, 2747, ARRAY, make_array, 0}, {2, 2748, ARRAY, make_array, 0}, {3, 2749, ARRAY, make_array, 100}, {4, 744, ARRAY, make_array, 20}};
    check(rdb_term_class_find(GIN, "ginarrayextract"), ARRAY, make_array, arrays, RDB_COUNT_OF(arrays));
    const question documents[] = {{7, 4046, JSONB, make_jsonb, 25}, {9, 4047, TEXT, make_key, 100}, {15, 4010, JSONPATH, make_path, 40}};
    check(rdb_term_class_find(GIN, "gin_extract_jsonb"), JSONB, make_jsonb, documents, RDB_COUNT_OF(documents));
    const question paths[] = {{7, 4046, JSONB, make_jsonb, 30}, {15, 4010, JSONPATH, make_path, 60}};
    check(rdb_term_class_find(GIN, "gin_extract_jsonb_path"), JSONB, make_jsonb, paths, RDB_COUNT_OF(paths));
    const question words[] = {{1, 3634, TSQUERY, make_query, 60}};
    check(rdb_term_class_find(GIN, "gin_extract_tsvector"), TSVECTOR, make_document, words, RDB_COUNT_OF(words));
    const question points[] = {{28, 136, BOX, make_box, 10}};
    check(rdb_term_class_find(GIST, "gist_point_consistent"), POINT, make_point, points, RDB_COUNT_OF(points));
    const question boxes[] = {{3, 125, BOX, make_box, 25}, {7, 187, BOX, make_box, 30}, {8, 192, BOX, make_box, 30}, {1, 188, BOX, make_box, 100}, {5, 191, BOX, make_box, 100}};
    check(rdb_term_class_find(SPGIST, "spg_box_quad_config"), BOX, make_box, boxes, RDB_COUNT_OF(boxes));
    const question texts[] = {{3, 850, TEXT, make_pattern, 60}, {5, 1254, TEXT, make_regex, 70}};
    check(rdb_term_class_find(GIN, "gin_extract_value_trgm"), TEXT, make_word, texts, RDB_COUNT_OF(texts));
}

/* Order: what btree_gist keeps beside ranges. */
static void test_order(void **state)
{
    (void)state;
    const question integers[] = {{1, 66, RDB_INT4OID, make_integer, 0}, {2, 149, RDB_INT4OID, make_integer, 0}, {3, 65, RDB_INT4OID, make_integer, 0},
                                 {4, 150, RDB_INT4OID, make_integer, 0}, {5, 147, RDB_INT4OID, make_integer, 0}, {6, 144, RDB_INT4OID, make_integer, 100}};
    check(rdb_term_class_find(GIST, "gbt_int4_consistent"), RDB_INT4OID, make_integer, integers, RDB_COUNT_OF(integers));
    assert_null(rdb_term_class_find(GIST, "gtsquery_consistent"));
    assert_null(rdb_term_class_find(GIN, "range_gist_consistent"));
}

static int open_all(void **state)
{
    (void)state;
    const char *given = getenv("RDB_TEST_SEED");
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)rdb_time_wall_us();
    printf("seed %llu\n", (unsigned long long)seed);
    rdb_random_seed(&dice, seed);
    fixture_open();
    arena = rdb_arena_create("terms", NULL, NULL);
    return arena == NULL;
}
static int close_all(void **state)
{
    (void)state;
    rdb_arena_destroy(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_classes), cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, open_all, close_all);
}
