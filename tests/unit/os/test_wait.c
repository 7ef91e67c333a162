/* SPDX-License-Identifier: Apache-2.0
 * Named waits: who waits for what is seen from outside, sums are right however many threads wait, and a reset loses nothing. */
#include "os/rdb_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct seen {
    rdb_worker_kind kind;
    rdb_wait wait;
    int32_t tid;
    uint32_t count;
} seen;

static void see(void *context, const rdb_worker_info *info)
{
    seen *found = context;
    if (info->waiter->kind != found->kind)
        return;
    found->wait = (rdb_wait)atomic_load(&info->waiter->event);
    found->tid = info->tid;
    found->count++;
}

static _Atomic uint32_t word, stage;

static void sleeper(void *argument)
{
    (void)argument;
    rdb_worker_declare(RDB_WORKER_PURGE);
    const rdb_wait_mark outer = rdb_wait_begin(RDB_WAIT_PURGE_MAIN);
    const rdb_wait_mark inner = rdb_wait_begin(RDB_WAIT_PG_SLEEP);
    atomic_store(&stage, 1);
    while (atomic_load(&word) == 0)
        rdb_futex_wait(&word, 0, 1000);
    rdb_wait_end(inner);
    atomic_store(&stage, 2);
    while (atomic_load(&word) == 1)
        rdb_futex_wait(&word, 1, 1000);
    rdb_wait_end(outer);
    rdb_worker_declare(RDB_WORKER_OTHER);
    atomic_store(&stage, 3);
    while (atomic_load(&word) == 2)
        rdb_futex_wait(&word, 2, 1000);
}

static seen look(void)
{
    seen found = {.kind = RDB_WORKER_PURGE};
    rdb_worker_visit(see, &found);
    return found;
}

static void await(uint32_t wanted)
{
    while (atomic_load(&stage) != wanted)
        rdb_time_sleep_us(100);
}

static void test_a_wait_shows_while_it_lasts(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_thread *thread;
    assert_true(rdb_thread_start(&thread, "sleeper", sleeper, NULL, &err));
    await(1);
    seen found = look();
    assert_int_equal(found.count, 1);
    assert_int_equal(found.wait, RDB_WAIT_PG_SLEEP);
    assert_true(found.tid > 0 && found.tid != getpid());
    atomic_store(&word, 1);
    await(2);
    assert_int_equal(look().wait, RDB_WAIT_PURGE_MAIN); /* the outer one again */
    atomic_store(&word, 2);
    await(3);
    assert_int_equal(look().count, 0); /* its job is over */
    atomic_store(&word, 3);
    rdb_thread_join(&thread);
}

enum { ROUNDS = 20000 };

static void count_waits(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++)
        rdb_wait_end(rdb_wait_begin(RDB_WAIT_LOCK_TUPLE));
}

static void test_sums_are_exact_and_a_reset_starts_anew(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_wait_total totals[RDB_WAIT_COUNT];
    rdb_thread *threads[4];
    rdb_wait_reset(RDB_RESET_WAITS);
    rdb_wait_totals(totals);
    assert_int_equal(totals[RDB_WAIT_LOCK_TUPLE].count, 0);
    for (int i = 0; i < 4; i++)
        assert_true(rdb_thread_start(&threads[i], "waits", count_waits, NULL, &err));
    for (int i = 0; i < 4; i++)
        rdb_thread_join(&threads[i]);
    rdb_wait_totals(totals);
    assert_int_equal(totals[RDB_WAIT_LOCK_TUPLE].count, 4 * ROUNDS);
    const int64_t begun_us = rdb_time_monotonic_us();
    rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_LOCK_RELATION);
    rdb_time_sleep_us(20000);
    rdb_wait_end(mark);
    const int64_t elapsed_us = rdb_time_monotonic_us() - begun_us;
    rdb_wait_totals(totals);
    assert_in_range(totals[RDB_WAIT_LOCK_RELATION].us, 20000, elapsed_us + 1);
    rdb_wait_reset(RDB_RESET_WAITS);
    rdb_wait_totals(totals);
    assert_int_equal(totals[RDB_WAIT_LOCK_RELATION].us, 0);
    assert_true(rdb_wait_reset_us(RDB_RESET_WAITS) > 0);
}

/* Bytes of files are counted by class and by who moved them; errno of a failed call is still there for its caller. */
static void test_files_are_counted(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_io_figures before, after;
    rdb_waiter session = {.kind = RDB_WORKER_CLIENT};
    rdb_file *file;
    char path[] = "/tmp/rdb-wait-XXXXXX", bytes[8192] = {1};
    close(mkstemp(path));
    assert_null(rdb_waiter_adopt(&session));
    rdb_io_totals(RDB_WORKER_CLIENT, &before);
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE | RDB_FILE_DATA, &err));
    assert_true(rdb_file_write(file, 0, bytes, sizeof bytes, &err) && rdb_file_sync(file, &err));
    assert_true(rdb_file_read(file, 4096, bytes, 4096, NULL, &err));
    assert_true(rdb_file_close(&file, &err));
    rdb_io_totals(RDB_WORKER_CLIENT, &after);
    assert_int_equal(after.io[RDB_IO_DATA][RDB_IO_WRITE].bytes - before.io[RDB_IO_DATA][RDB_IO_WRITE].bytes, 8192);
    assert_int_equal(after.io[RDB_IO_DATA][RDB_IO_READ].count - before.io[RDB_IO_DATA][RDB_IO_READ].count, 1);
    assert_int_equal(after.io[RDB_IO_DATA][RDB_IO_SYNC].count - before.io[RDB_IO_DATA][RDB_IO_SYNC].count, 1);
    assert_int_equal(after.io[RDB_IO_LOG][RDB_IO_WRITE].count, before.io[RDB_IO_LOG][RDB_IO_WRITE].count);
    assert_true(rdb_file_open(&file, path, RDB_FILE_READ | RDB_FILE_LOG, &err));
    assert_false(rdb_file_write(file, 0, bytes, 1, &err));
    assert_string_equal(err.sqlstate, RDB_IO_ERROR);
    rdb_error_clear(&err);
    assert_true(rdb_file_close(&file, &err));
    rdb_thread_usage.blocks_hit += 7;
    rdb_io_note_usage();
    rdb_io_note_usage(); /* nothing is counted twice */
    rdb_io_totals(RDB_WORKER_CLIENT, &after);
    assert_int_equal(after.hits - before.hits, 7);
    assert_ptr_equal(rdb_waiter_adopt(NULL), &session);
    assert_int_equal(atomic_load(&session.cpu_clock), 0);
    unlink(path);
}

/* Every event has a type and a name, and no two have both the same. */
static void test_names_are_told_apart(void **state)
{
    (void)state;
    for (unsigned i = RDB_WAIT_NONE + 1; i < RDB_WAIT_COUNT; i++)
        for (unsigned k = i + 1; k < RDB_WAIT_COUNT; k++)
            assert_true(strcmp(rdb_wait_type((rdb_wait)i), rdb_wait_type((rdb_wait)k)) != 0 || strcmp(rdb_wait_name((rdb_wait)i), rdb_wait_name((rdb_wait)k)) != 0);
    assert_null(rdb_wait_name(RDB_WAIT_NONE));
    assert_string_equal(rdb_worker_kind_name(RDB_WORKER_CHECKPOINTER), "checkpointer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wait_shows_while_it_lasts),
        cmocka_unit_test(test_sums_are_exact_and_a_reset_starts_anew),
        cmocka_unit_test(test_files_are_counted),
        cmocka_unit_test(test_names_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
