/* SPDX-License-Identifier: Apache-2.0
 * Kernels that do something else where an argument is the same for all rows give what they give row by row. */
#include "os/rdb_os.h"
#include "type/rdb_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { ROWS = 64, TEXT_LIKE = 850, TEXT_NOT_LIKE = 851, DATE_LT_TIMESTAMP = 2338, DATE_LE_TIMESTAMP = 2339, DATE_GT_TIMESTAMP = 2341, DATE_GE_TIMESTAMP = 2342 };

static rdb_arena *arena;
static rdb_random dice;

/* Runs the function over left with right[pick] for all rows, once as a constant and once written out. */
static void compare_ways(uint32_t oid, rdb_vector *left, const rdb_vector *right, uint32_t pick)
{
    rdb_error err = {0};
    rdb_vector constant, spread, out[2];
    uint32_t some[ROWS], some_count = 0;
    const rdb_kernel_entry *entry = rdb_kernel_find(oid);
    assert_non_null(entry);
    rdb_call call = {.arena = arena, .err = &err, .format = rdb_format_default(), .collation = 100, .plan_arena = arena};
    rdb_vector_set_constant(&constant, arena, (rdb_rep)right->rep, rdb_vector_get(right, pick), false);
    assert_true(rdb_vector_init(&spread, arena, (rdb_rep)right->rep, ROWS, &err));
    for (uint32_t i = 0; i < ROWS; i++)
        rdb_vector_put(&spread, i, rdb_vector_get(right, pick), false);
    for (uint32_t i = 0; i < ROWS; i++)
        if (rdb_random_next(&dice) % 3 != 0)
            some[some_count++] = i;
    const rdb_selection selections[] = {{NULL, ROWS}, {some, some_count}};
    for (uint32_t s = 0; s < 2; s++) {
        for (uint32_t way = 0; way < 2; way++) {
            const rdb_vector *arguments[2] = {left, way == 0 ? &constant : &spread};
            assert_true(rdb_vector_init(&out[way], arena, RDB_REP_BOOL, ROWS, &err));
            assert_true(entry->kernel(&call, arguments, &out[way], &selections[s]));
        }
        RDB_FOR_SELECTED (&selections[s], row)
            assert_int_equal(RDB_VALUES(&out[0], uint8_t)[row], RDB_VALUES(&out[1], uint8_t)[row]);
    }
}

static rdb_datum random_text(bool is_pattern, uint32_t length)
{
    static const char *const letters[] = {"a", "b", "ab", "\xc3\xa9", "\xc3\xa8", "%", "%", "_", "\\a"};
    uint8_t *bytes = rdb_arena_alloc(arena, 4 * length + 4);
    uint32_t used = 0;
    const bool is_odd = is_pattern && rdb_random_next(&dice) % 4 == 0;
    for (uint32_t i = 0; i < length; i++) {
        const char *letter = letters[rdb_random_next(&dice) % (is_odd ? 9 : is_pattern ? 7 : 5)];
        memcpy(bytes + used, letter, strlen(letter));
        used += (uint32_t)strlen(letter);
    }
    return (rdb_datum){.bytes = {bytes, used, 0}};
}

static void test_like(void **state)
{
    (void)state;
    rdb_error err = {0};
    for (unsigned round = 0; round < 3000; round++) {
        rdb_vector texts, patterns;
        rdb_arena_reset(arena);
        assert_true(rdb_vector_init(&texts, arena, RDB_REP_BYTES, ROWS, &err));
        assert_true(rdb_vector_init(&patterns, arena, RDB_REP_BYTES, 1, &err));
        for (uint32_t i = 0; i < ROWS; i++)
            rdb_vector_put(&texts, i, random_text(false, (uint32_t)(rdb_random_next(&dice) % (round % 2 ? 8 : 70))), false);
        rdb_vector_put(&patterns, 0, random_text(true, (uint32_t)(rdb_random_next(&dice) % 9)), false);
        if (round % 3 == 0) { /* one that matches in the middle, at whatever place */
            const rdb_bytes text = RDB_VALUES(&texts, rdb_bytes)[5];
            uint8_t *pattern = rdb_arena_alloc(arena, text.length + 3);
            uint32_t from = (uint32_t)(rdb_random_next(&dice) % (text.length + 1)), length = (uint32_t)(rdb_random_next(&dice) % (text.length - from + 1));
            for (; from > 0 && from < text.length && (text.data[from] & 0xc0) == 0x80; length++)
                from--; /* whole characters */
            while (length > 0 && from + length < text.length && (text.data[from + length] & 0xc0) == 0x80)
                length--;
            pattern[0] = pattern[length + 1] = '%';
            memcpy(pattern + 1, text.data + from, length);
            rdb_vector_put(&patterns, 0, (rdb_datum){.bytes = {pattern, length + 2, 0}}, false);
        }
        compare_ways(TEXT_LIKE, &texts, &patterns, 0);
        compare_ways(TEXT_NOT_LIKE, &texts, &patterns, 0);
    }
}

static void test_dates_against_timestamps(void **state)
{
    (void)state;
    rdb_error err = {0};
    const int64_t day = INT64_C(86400000000);
    const int64_t moments[] = {0, 1, -1, day, day - 1, day + 1, -day, -day - 1, -day + 1, 8766 * day, 8766 * day + 1, INT64_MAX, INT64_MIN,
                               INT64_C(9223371331199999999), INT64_C(-211813488000000000)};
    static const uint32_t functions[] = {DATE_LT_TIMESTAMP, DATE_LE_TIMESTAMP, DATE_GT_TIMESTAMP, DATE_GE_TIMESTAMP};
    rdb_vector dates, timestamps;
    assert_true(rdb_vector_init(&dates, arena, RDB_REP_INT32, ROWS, &err));
    assert_true(rdb_vector_init(&timestamps, arena, RDB_REP_INT64, RDB_COUNT_OF(moments), &err));
    const int32_t edges[] = {INT32_MAX, INT32_MIN, INT32_MAX - 1, 2145031948, -2451545, 106751991, 8766, 8765, 8767};
    for (uint32_t i = 0; i < ROWS; i++)
        RDB_VALUES(&dates, int32_t)[i] = i < RDB_COUNT_OF(edges) ? edges[i] : (int32_t)i - 30;
    for (uint32_t i = 0; i < RDB_COUNT_OF(moments); i++)
        RDB_VALUES(&timestamps, int64_t)[i] = moments[i];
    for (uint32_t f = 0; f < RDB_COUNT_OF(functions); f++)
        for (uint32_t i = 0; i < RDB_COUNT_OF(moments); i++)
            compare_ways(functions[f], &dates, &timestamps, i);
}

int main(void)
{
    arena = rdb_arena_create("test", NULL, NULL);
    rdb_random_seed(&dice, 77);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like),
        cmocka_unit_test(test_dates_against_timestamps),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rdb_arena_destroy(arena);
    return failed;
}
