/* SPDX-License-Identifier: Apache-2.0
 * Accounts, cancellation, the pool, counters. */
#include "task/rdb_pool.h"
#include "task/rdb_task.h"

#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_accounts_nest(void **state)
{
    (void)state;
    rdb_account server, session, statement;
    rdb_account_init(&server, NULL, 100 << 10);
    rdb_account_init(&session, &server, 0);
    rdb_account_init(&statement, &session, 60 << 10);
    assert_true(rdb_account_charge(&session, 50 << 10));
    assert_true(rdb_account_charge(&statement, 50 << 10));
    assert_false(rdb_account_charge(&statement, 1)); /* the server's limit, two levels up */
    assert_true(rdb_account_charge(&session, -(50 << 10)));
    assert_false(rdb_account_charge(&statement, 11 << 10)); /* its own */
    assert_true(rdb_account_charge(&statement, 10 << 10));
    assert_int_equal(server.used_bytes, 60 << 10);
    assert_int_equal(server.peak_bytes, 100 << 10);
    assert_true(rdb_account_charge(&statement, -(60 << 10)));
    assert_int_equal(server.used_bytes + session.used_bytes + statement.used_bytes, 0);
    /* as an arena's account: what the arena takes and gives back is what the account sees */
    rdb_arena *arena = rdb_arena_create("task", rdb_account_charge, &statement);
    rdb_error err = {0};
    assert_non_null(rdb_arena_try_alloc(arena, 40 << 10, &err));
    assert_null(rdb_arena_try_alloc(arena, 40 << 10, &err));
    assert_string_equal(err.sqlstate, "53200");
    assert_int_equal(statement.used_bytes, rdb_arena_bytes(arena));
    rdb_arena_destroy(arena);
    assert_int_equal(server.used_bytes, 0);
}

static void expect_cancel(rdb_cancel *cancel, const char *sqlstate, const char *message)
{
    rdb_error err = {0};
    assert_false(rdb_cancel_check(cancel, &err));
    assert_string_equal(err.sqlstate, sqlstate);
    assert_string_equal(err.message, message);
}

static void test_cancel_hits_only_the_running_statement(void **state)
{
    (void)state;
    rdb_cancel cancel;
    rdb_error err = {0};
    rdb_cancel_init(&cancel);
    assert_false(rdb_cancel_set(&cancel, RDB_CANCEL_USER)); /* nothing runs */
    rdb_cancel_begin_statement(&cancel, 0);
    assert_true(rdb_cancel_check(&cancel, &err));
    assert_true(rdb_cancel_set(&cancel, RDB_CANCEL_USER));
    expect_cancel(&cancel, "57014", "canceling statement due to user request");
    rdb_cancel_end_statement(&cancel);
    rdb_cancel_begin_statement(&cancel, 0);
    assert_true(rdb_cancel_check(&cancel, &err)); /* the next one is untouched */
    rdb_cancel_end_statement(&cancel);
    rdb_cancel_begin_statement(&cancel, 1000);
    rdb_time_sleep_us(2000);
    expect_cancel(&cancel, "57014", "canceling statement due to statement timeout");
    rdb_cancel_end_statement(&cancel);
    assert_true(rdb_cancel_set(&cancel, RDB_CANCEL_TERMINATE));
    rdb_cancel_begin_statement(&cancel, 0);
    rdb_cancel_set(&cancel, RDB_CANCEL_USER); /* no way back from the end */
    expect_cancel(&cancel, "57P01", "terminating connection due to administrator command");
    assert_true(rdb_cancel_check(NULL, &err));
}

static void test_a_client_that_goes_ends_what_minds_it(void **state)
{
    (void)state;
    rdb_cancel cancel;
    rdb_error err = {0};
    rdb_cancel_init(&cancel);
    rdb_cancel_begin_statement(&cancel, 0);
    rdb_cancel_client_gone(&cancel);
    assert_true(rdb_cancel_check(&cancel, &err)); /* the statement goes on */
    assert_false(rdb_cancel_is_final(&cancel));
    rdb_cancel_mind_client(&cancel, true); /* gone before anybody minded */
    expect_cancel(&cancel, "08006", "connection to client lost");
    assert_true(rdb_cancel_is_final(&cancel));
    rdb_cancel_begin_statement(&cancel, 0); /* for good */
    expect_cancel(&cancel, "08006", "connection to client lost");

    rdb_cancel_init(&cancel);
    rdb_cancel_mind_client(&cancel, true);
    rdb_cancel_begin_statement(&cancel, 0);
    assert_true(rdb_cancel_check(&cancel, &err));
    rdb_cancel_client_gone(&cancel);
    expect_cancel(&cancel, "08006", "connection to client lost");
}

static _Atomic uint32_t word;

static void run_canceller(void *argument)
{
    rdb_time_sleep_us(20000);
    (void)rdb_cancel_set(argument, RDB_CANCEL_USER);
}

static void test_cancel_wakes_a_sleeper(void **state)
{
    (void)state;
    rdb_cancel cancel;
    rdb_error err = {0};
    rdb_thread *thread;
    rdb_cancel_init(&cancel);
    rdb_cancel_begin_statement(&cancel, 0);
    assert_true(rdb_thread_start(&thread, "cancel", run_canceller, &cancel, &err));
    int64_t before = rdb_time_monotonic_us();
    while (rdb_cancel_check(&cancel, NULL) && rdb_time_monotonic_us() - before < 60000000)
        rdb_cancel_sleep(&cancel, RDB_WAIT_PG_SLEEP, &word, 0, -1);
    assert_true(rdb_time_monotonic_us() - before < 30000000);
    rdb_thread_join(&thread);
    /* a deadline ends the sleep too */
    rdb_cancel_begin_statement(&cancel, 30000);
    before = rdb_time_monotonic_us();
    while (rdb_cancel_check(&cancel, NULL))
        rdb_cancel_sleep(&cancel, RDB_WAIT_PG_SLEEP, &word, 0, -1);
    int64_t slept = rdb_time_monotonic_us() - before;
    assert_true(slept >= 29000 && slept < 30000000);
    rdb_cancel_end_statement(&cancel);
    /* set while a statement runs */
    rdb_cancel_begin_statement(&cancel, 0);
    rdb_cancel_retime_statement(&cancel, 20000);
    rdb_cancel_retime_statement(&cancel, 60000000); /* counts already */
    rdb_time_sleep_us(21000);
    assert_false(rdb_cancel_check(&cancel, NULL));
    rdb_cancel_end_statement(&cancel);
    rdb_cancel_begin_statement(&cancel, 20000);
    rdb_cancel_retime_statement(&cancel, 0);
    rdb_time_sleep_us(21000);
    assert_true(rdb_cancel_check(&cancel, NULL));
}

enum { JOBS = 2000 };
static rdb_counter counter;
static _Atomic int gate_waiting, gate_open;
static rdb_pool *chain_pool;

static void run_count(void *argument)
{
    rdb_counter_add(&counter, (uint64_t)(uintptr_t)argument);
}

static void run_gate(void *argument)
{
    (void)argument;
    atomic_fetch_add(&gate_waiting, 1);
    while (!atomic_load(&gate_open))
        rdb_time_sleep_us(500);
}

static void run_chain(void *argument)
{
    uintptr_t left = (uintptr_t)argument;
    rdb_counter_add(&counter, 1);
    if (left > 1 && !rdb_pool_submit(chain_pool, run_chain, (void *)(left - 1), NULL))
        abort();
}

static void test_pool_grows_runs_all_and_drains(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_pool *pool;
    assert_true(rdb_pool_create(&pool, "test", 4, &err));
    assert_int_equal(rdb_pool_get_state(pool).threads, 0);
    /* four jobs that block need four threads; the fifth waits in line */
    for (int job_no = 0; job_no < 5; job_no++)
        assert_true(rdb_pool_submit(pool, run_gate, NULL, &err));
    while (atomic_load(&gate_waiting) < 4)
        rdb_time_sleep_us(500);
    rdb_pool_state s = rdb_pool_get_state(pool);
    assert_int_equal(s.threads, 4);
    assert_int_equal(s.running, 4);
    assert_int_equal(s.queued, 1);
    atomic_store(&gate_open, 1);
    rdb_pool_drain(pool);
    assert_int_equal(atomic_load(&gate_waiting), 5);
    uint64_t expected = rdb_counter_read(&counter);
    for (uintptr_t job_no = 1; job_no <= JOBS; job_no++) {
        assert_true(rdb_pool_submit(pool, run_count, (void *)job_no, &err));
        expected += job_no;
    }
    rdb_pool_drain(pool);
    assert_int_equal(rdb_counter_read(&counter), expected);
    /* drain waits for what jobs submit */
    chain_pool = pool;
    assert_true(rdb_pool_submit(pool, run_chain, (void *)(uintptr_t)200, &err));
    rdb_pool_drain(pool);
    assert_int_equal(rdb_counter_read(&counter), expected + 200);
    s = rdb_pool_get_state(pool);
    assert_true(s.threads == 4 && s.queued == 0 && s.running == 0);
    rdb_pool_destroy(&pool);
    rdb_pool_destroy(&pool);
}

/* A sequence of short jobs with pauses is done by one thread, not by as many as there were jobs. */
static void test_pool_does_not_grow_without_need(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_pool *pool;
    assert_true(rdb_pool_create(&pool, "calm", 8, &err));
    for (int job_no = 0; job_no < 20; job_no++) {
        assert_true(rdb_pool_submit(pool, run_count, NULL, &err));
        rdb_pool_drain(pool);
        while (rdb_pool_get_state(pool).idle == 0)
            rdb_time_sleep_us(100);
    }
    assert_int_equal(rdb_pool_get_state(pool).threads, 1);
    /* two jobs at once and one idle thread: the second must not wait for the first */
    atomic_store(&gate_waiting, 0);
    atomic_store(&gate_open, 0);
    assert_true(rdb_pool_submit(pool, run_gate, NULL, &err));
    assert_true(rdb_pool_submit(pool, run_gate, NULL, &err));
    while (atomic_load(&gate_waiting) < 2)
        rdb_time_sleep_us(500);
    atomic_store(&gate_open, 1);
    rdb_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts_nest),
        cmocka_unit_test(test_cancel_hits_only_the_running_statement),
        cmocka_unit_test(test_a_client_that_goes_ends_what_minds_it),
        cmocka_unit_test(test_cancel_wakes_a_sleeper),
        cmocka_unit_test(test_pool_grows_runs_all_and_drains),
        cmocka_unit_test(test_pool_does_not_grow_without_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
