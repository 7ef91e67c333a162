/* SPDX-License-Identifier: Apache-2.0
 * The store of statements: sums are exact under concurrent runs, resets and evictions; percentiles are near; memory is bounded. */
#include "observe/rdb_statements.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

static rdb_statements *open_store(uint32_t count_max)
{
    rdb_error err = {0};
    rdb_statements *store;
    assert_true(rdb_statements_create(&store, count_max, &err));
    return store;
}

static const rdb_statement_info *find(rdb_statements *store, rdb_arena *arena, uint64_t query_id)
{
    rdb_error err = {0};
    rdb_statement_info *infos;
    uint32_t count;
    assert_true(rdb_statements_list(store, arena, &infos, &count, &err));
    for (uint32_t i = 0; i < count; i++)
        if (infos[i].key.query_id == query_id)
            return &infos[i];
    return NULL;
}

static void test_what_ran_is_summed(void **state)
{
    (void)state;
    rdb_statements *store = open_store(100);
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    const rdb_statement_key key = {.query_id = 7, .role_oid = 10, .database_oid = 5};
    rdb_statement_ref ref;
    assert_false(rdb_statements_find(store, &key, 1, &ref));
    assert_int_equal(ref.slot, 0);
    rdb_statements_add(store, &key, 1, "select $1", 9, &ref);
    for (int i = 1; i <= 1000; i++) {
        const rdb_usage before = rdb_thread_usage;
        rdb_thread_usage.blocks_hit += 3;
        rdb_thread_usage.wal_bytes += 100;
        assert_true(rdb_statements_run(store, &ref, i * INT64_C(10000), 2, false, &before)); /* 0.01 .. 10 ms */
    }
    assert_true(rdb_statements_run(store, &ref, 5000000000, 0, true, &rdb_thread_usage));
    assert_true(rdb_statements_planned(store, &ref, 2000000));
    const rdb_statement_info *info = find(store, arena, 7);
    assert_non_null(info);
    assert_string_equal(info->text, "select $1");
    assert_int_equal(info->runs.count, 1000);
    assert_int_equal(info->errors, 1);
    assert_int_equal(info->rows, 2000);
    assert_int_equal(info->usage.blocks_hit, 3000);
    assert_int_equal(info->usage.wal_bytes, 100000);
    assert_true(fabs(info->runs.total_ms - 5005) < 1e-6 && fabs(info->runs.mean_ms - 5.005) < 1e-9);
    assert_true(info->runs.min_ms == 0.01 && info->runs.max_ms == 10);
    assert_true(fabs(info->runs.stddev_ms - 2.886749902568) < 1e-6);
    assert_true(fabs(info->p50_ms - 5) < 0.35 && fabs(info->p90_ms - 9) < 0.6 && fabs(info->p99_ms - 9.9) < 0.65 && info->p999_ms <= 10);
    assert_true(info->plannings.count == 1 && info->plannings.max_ms == 2);
    rdb_statement_totals totals;
    rdb_statements_totals(store, &totals);
    assert_int_equal(totals.count, 1001);
    assert_int_equal(totals.errors, 1);
    assert_int_equal(totals.kept, 1);
    uint64_t in_buckets = 0;
    for (unsigned i = 0; i < RDB_COUNT_OF(totals.buckets); i++)
        in_buckets += totals.buckets[i];
    assert_int_equal(in_buckets, 1001);
    assert_int_equal(totals.buckets[4], 50); /* over 0.5 ms, up to 1 ms */
    rdb_arena_destroy(arena);
    rdb_statements_destroy(&store);
}

static void test_plans_are_told_apart(void **state)
{
    (void)state;
    rdb_statements *store = open_store(100);
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    const rdb_statement_key key = {.query_id = 7, .role_oid = 10, .database_oid = 5};
    rdb_statement_ref first, second, again;
    rdb_statements_add(store, &key, 11, "q", 1, &first);
    assert_true(rdb_statements_find(store, &key, 22, &second));
    assert_true(rdb_statements_find(store, &key, 11, &again));
    assert_int_equal(first.plan_no, again.plan_no);
    assert_int_not_equal(first.plan_no, second.plan_no);
    for (int i = 0; i < 3; i++)
        assert_true(rdb_statements_run(store, &first, 1000000, 0, false, &rdb_thread_usage));
    assert_true(rdb_statements_run(store, &second, 9000000, 0, false, &rdb_thread_usage));
    const rdb_statement_info *info = find(store, arena, 7);
    assert_int_equal(info->plan_count, 2);
    assert_int_equal(info->plan_changes, 2);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(info->plans[i].calls, info->plans[i].hash == 11 ? 3 : 1);
    for (uint64_t hash = 100; hash < 120; hash++) { /* more than are kept: the oldest go */
        assert_true(rdb_statements_find(store, &key, hash, &second));
        assert_true(second.plan_no < RDB_STATEMENT_PLANS_MAX);
    }
    info = find(store, arena, 7);
    assert_int_equal(info->plan_count, RDB_STATEMENT_PLANS_MAX);
    assert_int_equal(info->plan_changes, 22);
    rdb_arena_destroy(arena);
    rdb_statements_destroy(&store);
}

static void test_a_full_store_forgets_what_ran_least(void **state)
{
    (void)state;
    enum { MAX = 160 };
    rdb_statements *store = open_store(MAX);
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_statement_ref often, ref;
    const rdb_statement_key busy = {.query_id = 1, .role_oid = 10, .database_oid = 5};
    rdb_statements_add(store, &busy, 0, "busy", 4, &often);
    for (uint64_t id = 2; id < 5000; id++) {
        const rdb_statement_key key = {.query_id = id, .role_oid = 10, .database_oid = 5};
        rdb_statements_add(store, &key, 0, "rare", 4, &ref);
        assert_true(ref.slot != 0);
        for (int i = 0; i < 2; i++)
            assert_true(rdb_statements_run(store, &often, 1000, 1, false, &rdb_thread_usage)); /* its ref stays good */
        assert_true(rdb_statements_run(store, &ref, 1000, 1, false, &rdb_thread_usage));
    }
    rdb_statement_totals totals;
    rdb_statements_totals(store, &totals);
    assert_true(totals.kept <= MAX + 16 && totals.kept > MAX / 2);
    assert_int_equal(totals.forgotten + totals.kept, 4999);
    assert_int_equal(find(store, arena, 1)->runs.count, 2 * 4998);
    rdb_statements_forget(store, 0, 0, 1);
    assert_null(find(store, arena, 1));
    assert_false(rdb_statements_run(store, &often, 1000, 1, false, &rdb_thread_usage)); /* stale from here on */
    rdb_statements_forget(store, 0, 0, 0);
    rdb_statements_totals(store, &totals);
    assert_true(totals.kept == 0 && totals.forgotten == 0);
    rdb_arena_destroy(arena);
    rdb_statements_destroy(&store);
}

enum { THREADS = 4, RUNS = 30000 };
static rdb_statements *shared;
static _Atomic uint64_t counted;

static void run_often(void *argument)
{
    (void)argument;
    const rdb_statement_key key = {.query_id = 9, .role_oid = 1, .database_oid = 1};
    rdb_statement_ref ref = {0};
    for (int i = 0; i < RUNS; i++) {
        if (ref.slot == 0 || !rdb_statements_run(shared, &ref, 1000, 1, false, &rdb_thread_usage)) {
            if (!rdb_statements_find(shared, &key, 5, &ref))
                rdb_statements_add(shared, &key, 5, "x", 1, &ref);
            if (!rdb_statements_run(shared, &ref, 1000, 1, false, &rdb_thread_usage))
                continue;
        }
        atomic_fetch_add(&counted, 1);
    }
}

static void test_threads_and_resets_at_once(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_thread *threads[THREADS];
    shared = open_store(64);
    for (int i = 0; i < THREADS; i++)
        assert_true(rdb_thread_start(&threads[i], "runs", run_often, NULL, &err));
    for (int i = 0; i < 50; i++) {
        rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
        const rdb_statement_info *info = find(shared, arena, 9);
        assert_true(info == NULL || (info->rows == info->runs.count && info->plans[0].calls == info->runs.count));
        rdb_arena_destroy(arena);
        if (i % 10 == 0)
            rdb_statements_forget(shared, 0, 0, 0);
    }
    for (int i = 0; i < THREADS; i++)
        rdb_thread_join(&threads[i]);
    rdb_statement_totals totals;
    rdb_statements_totals(shared, &totals);
    assert_int_equal(totals.count, atomic_load(&counted)); /* no run is lost or counted twice */
    rdb_statements_destroy(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_ran_is_summed),
        cmocka_unit_test(test_plans_are_told_apart),
        cmocka_unit_test(test_a_full_store_forgets_what_ran_least),
        cmocka_unit_test(test_threads_and_resets_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
