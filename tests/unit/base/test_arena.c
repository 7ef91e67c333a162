/* SPDX-License-Identifier: Apache-2.0
 * Arenas: growth, marks, accounts that refuse, the reserve, and a random walk against a shadow copy. */
#include "base/rdb_base.h"

#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#if defined(RDB_ARENA_CHECKED)
#include <sanitizer/asan_interface.h>
#endif

typedef struct account {
    int64_t bytes, limit;
} account;

static bool charge(void *argument, int64_t bytes)
{
    account *a = argument;
    if (bytes > 0 && a->bytes + bytes > a->limit)
        return false;
    a->bytes += bytes;
    return true;
}

static void test_alignment_and_zero_sizes(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    void *last = NULL;
    for (size_t bytes = 0; bytes < 70000; bytes = bytes * 2 + 1) {
        uint8_t *at = rdb_arena_alloc(arena, bytes);
        assert_int_equal((uintptr_t)at % 16, 0);
        assert_ptr_not_equal(at, last);
        memset(at, 0xAA, bytes);
        last = at;
    }
    uint8_t *zeroed = rdb_arena_zalloc(arena, 1000);
    for (int at = 0; at < 1000; at++)
        assert_int_equal(zeroed[at], 0);
    assert_string_equal(rdb_arena_printf(arena, "%0*d", 400, 7) + 399, "7");
    assert_string_equal(rdb_arena_strndup(arena, "abcdef", 3), "abc");
    rdb_arena_destroy(arena);
    rdb_arena_destroy(NULL);
}

/* Random allocations under nested marks: every live byte keeps its pattern, and the account comes back to where it was. */
static void test_marks_random_walk(void **state)
{
    (void)state;
    enum { DEPTH = 8, SLOTS = 2000 };
    account a = {.limit = INT64_MAX};
    rdb_arena *arena = rdb_arena_create("walk", charge, &a);
    struct {
        uint8_t *at;
        size_t bytes;
        uint8_t pattern;
    } live[SLOTS];
    size_t count = 0, depth = 0, counts[DEPTH];
    rdb_arena_mark marks[DEPTH];
    uint64_t seed = 88172645463325252u;
    for (int step = 0; step < 20000; step++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        unsigned what = seed % 20;
        if (what == 0 && depth < DEPTH) {
            marks[depth] = rdb_arena_get_mark(arena);
            counts[depth++] = count;
        } else if ((what == 1 && depth > 0) || count == SLOTS) {
            if (depth == 0) {
                rdb_arena_reset(arena);
                count = 0;
                assert_true(a.bytes <= (8 << 10) + (64 << 10));
            } else {
                depth -= 1 + (seed >> 32) % depth;
                rdb_arena_rewind(arena, marks[depth]);
                count = counts[depth];
            }
        } else {
            size_t bytes = (seed >> 8) % (what < 3 ? 200000 : 300);
            uint8_t *at = what < 4 ? rdb_arena_try_alloc(arena, bytes, NULL) : rdb_arena_alloc(arena, bytes);
            memset(at, (int)(seed >> 40), bytes);
            live[count].at = at;
            live[count].bytes = bytes;
            live[count++].pattern = (uint8_t)(seed >> 40);
        }
        if (step % 50 == 0)
            for (size_t slot = 0; slot < count; slot++)
                for (size_t at = 0; at < live[slot].bytes; at += 61)
                    assert_int_equal(live[slot].at[at], live[slot].pattern);
        assert_int_equal((size_t)a.bytes, rdb_arena_bytes(arena));
    }
    rdb_error err = {0};
    assert_true(rdb_arena_check(arena, &err));
    rdb_arena_destroy(arena);
    assert_int_equal(a.bytes, 0);
}

static void test_a_refusing_account_marks_the_arena(void **state)
{
    (void)state;
    account a = {.limit = 100 << 10};
    rdb_arena *arena = rdb_arena_create("small", charge, &a);
    rdb_error err = {0};
    assert_null(rdb_arena_try_alloc(arena, 200 << 10, &err));
    assert_string_equal(err.sqlstate, "53200");
    rdb_error_clear(&err);
    assert_true(rdb_arena_check(arena, &err)); /* a refusal that was told marks nothing */
    for (int turn = 0; turn < 3; turn++) {
        /* far past the limit, past the process-wide reserve as well: every small one is served */
        for (int count = 0; count < 200; count++)
            memset(rdb_arena_alloc(arena, 60 << 10), 1, 60 << 10);
        assert_false(rdb_arena_check(arena, &err));
        assert_string_equal(err.sqlstate, "53200");
        rdb_error_clear(&err);
        assert_true(a.bytes <= a.limit);
        rdb_arena_reset(arena);
        assert_true(rdb_arena_check(arena, &err));
    }
    rdb_arena_destroy(arena);
    assert_int_equal(a.bytes, 0);
    account none = {.limit = 10};
    assert_null(rdb_arena_create("none", charge, &none));
}

static void test_grow_in_place_and_by_copy(void **state)
{
    (void)state;
    account a = {.limit = 10 << 20};
    rdb_arena *arena = rdb_arena_create("grow", charge, &a);
    rdb_error err = {0};
    char *text = rdb_arena_try_grow(arena, NULL, 0, 16, &err);
    strcpy(text, "fifteen bytes..");
    char *same = rdb_arena_try_grow(arena, text, 16, 64, &err);
    assert_ptr_equal(same, text); /* it was the last one */
    rdb_arena_alloc(arena, 1);
    char *copied = rdb_arena_try_grow(arena, same, 64, 128, &err);
    assert_ptr_not_equal(copied, same);
    assert_string_equal(copied, "fifteen bytes..");
    size_t bytes = 128;
    for (; bytes < (4 << 20); bytes *= 2) {
        copied = rdb_arena_try_grow(arena, copied, bytes, bytes * 2, &err);
        assert_non_null(copied);
        memset(copied + bytes, 'x', bytes);
    }
    assert_string_equal(copied, "fifteen bytes..");
    assert_null(rdb_arena_try_grow(arena, copied, bytes, 11 << 20, &err));
    assert_string_equal(err.sqlstate, "53200");
    rdb_error_clear(&err);
    assert_string_equal(copied, "fifteen bytes.."); /* a refused growth leaves the old bytes */
    rdb_arena_destroy(arena);
    assert_int_equal(a.bytes, 0);
}

/* The spare block grows in the first turns until it holds what a turn needs. */
static void test_turns_alike_cost_no_malloc(void **state)
{
    (void)state;
    account a = {.limit = INT64_MAX};
    rdb_arena *arena = rdb_arena_create("turns", charge, &a);
    int64_t settled = 0;
    for (int turn = 0; turn < 8; turn++) {
        for (int count = 0; count < 20; count++)
            rdb_arena_alloc(arena, 1000);
        if (turn == 2)
            settled = a.bytes;
        assert_true(turn < 2 || a.bytes == settled);
        rdb_arena_reset(arena);
        assert_true(turn < 2 || a.bytes == settled);
    }
    assert_true(settled <= 40000);
    rdb_arena_destroy(arena);
}

static void test_list(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("list", NULL, NULL);
    rdb_list list = {0};
    for (uintptr_t item = 0; item < 100000; item++)
        rdb_list_push(arena, &list, (void *)item);
    for (uint32_t item = 0; item < 100000; item++)
        assert_ptr_equal(rdb_list_get(&list, item), (void *)(uintptr_t)item);
    rdb_arena_destroy(arena);
}

static void test_released_memory_is_poisoned(void **state)
{
    (void)state;
#if defined(RDB_ARENA_CHECKED)
    rdb_arena *arena = rdb_arena_create("poison", NULL, NULL);
    char *kept = rdb_arena_alloc(arena, 20);
    assert_true(__asan_address_is_poisoned(kept + 20));
    assert_false(__asan_address_is_poisoned(kept + 19));
    rdb_arena_mark mark = rdb_arena_get_mark(arena);
    char *freed = rdb_arena_alloc(arena, 20);
    assert_false(__asan_address_is_poisoned(freed));
    rdb_arena_rewind(arena, mark);
    assert_true(__asan_address_is_poisoned(freed));
    assert_false(__asan_address_is_poisoned(kept));
    rdb_arena_destroy(arena);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment_and_zero_sizes),
        cmocka_unit_test(test_marks_random_walk),
        cmocka_unit_test(test_a_refusing_account_marks_the_arena),
        cmocka_unit_test(test_grow_in_place_and_by_copy),
        cmocka_unit_test(test_turns_alike_cost_no_malloc),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_released_memory_is_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
