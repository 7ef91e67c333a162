/* SPDX-License-Identifier: Apache-2.0
 * Threads that move money between accounts, threads that add up all of it in one snapshot, some transactions that think
 * again, and purge behind them all. No snapshot ever sees a sum that is not the one they began with. Meant for the thread
 * sanitizer too. */
#include "toy_index.h"

enum { ACCOUNTS = 60, WRITERS = 3, READERS = 2, START = 1000 };

static instance f;
static rdb_row_address addresses[ACCOUNTS];
static _Atomic bool stop;
static _Atomic uint64_t commits, aborts, sums, waits;

static rdb_vector *vector_of(rdb_arena *arena, rdb_rep rep, uint32_t capacity, rdb_error *err)
{
    rdb_vector *vector = RDB_NEW(arena, rdb_vector);
    MUST(err, rdb_vector_init(vector, arena, rep, capacity, err));
    return vector;
}

/* Adds delta to one account; false: deadlock, the transaction is to be given up. */
static bool add(rdb_txn *txn, rdb_arena *arena, int account, int32_t delta, rdb_random *random, rdb_error *err)
{
    static const int16_t columns[] = {1, 3};
    rdb_row_version seen;
    bool found, first = true;
    rdb_snapshot snapshot;
    char note[600];
    rdb_txn_take_snapshot(txn, &snapshot);
    for (;;) {
        rdb_arena_reset(arena);
        rdb_vector *vectors[] = {vector_of(arena, RDB_REP_INT64, 1, err), vector_of(arena, RDB_REP_INT32, 1, err)};
        if (first)
            MUST(err, rdb_table_fetch(&f.table, txn, &snapshot, &addresses[account], 1, columns, 2, arena, vectors, &found, NULL, &seen, err));
        else
            MUST(err, rdb_table_fetch_latest(&f.table, txn, addresses[account], columns, 2, arena, vectors, &found, &seen, err));
        if (!found || RDB_VALUES(vectors[0], int64_t)[0] != account)
            abort();
        sample s = {.id = account, .number = RDB_VALUES(vectors[1], int32_t)[0] + delta, .note = note};
        s.note_length = 1 + rdb_random_next(random) % sizeof note; /* rows grow, shrink and move */
        memset(note, 'a' + account % 26, s.note_length);
        rdb_datum values[3];
        bool is_null[3];
        rdb_write_outcome outcome;
        rdb_xid wait_xid;
        fill_values(&s, values, is_null);
        MUST(err, rdb_table_update(&f.table, txn, &snapshot, addresses[account], seen, values, is_null, NULL, 0, false, &outcome, &wait_xid, NULL, err));
        if (outcome == RDB_WRITE_DONE)
            return true;
        if (outcome == RDB_WRITE_WAIT) {
            atomic_fetch_add(&waits, 1);
            if (!rdb_lock_wait_xid(txn, wait_xid, RDB_LOCK_WAIT, 0, err)) {
                rdb_error_clear(err);
                return false;
            }
        } else if (outcome != RDB_WRITE_CHANGED) {
            abort();
        }
        first = false;
    }
}

static void write_money(void *argument)
{
    rdb_error err = {0};
    rdb_random random;
    rdb_random_seed(&random, 77 + (uint64_t)(uintptr_t)argument);
    rdb_arena *arena = rdb_arena_create("writer", NULL, NULL);
    while (!atomic_load(&stop)) {
        rdb_txn *txn;
        MUST(&err, rdb_txn_begin(f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &err));
        int from = (int)(rdb_random_next(&random) % ACCOUNTS), to = (int)(rdb_random_next(&random) % ACCOUNTS);
        int32_t amount = (int32_t)(rdb_random_next(&random) % 50);
        bool ok = add(txn, arena, from, -amount, &random, &err);
        if (ok && rdb_random_next(&random) % 4 == 0) { /* a savepoint that comes to nothing */
            uint32_t level;
            MUST(&err, rdb_txn_push_level(txn, &level, &err));
            ok = add(txn, arena, (from + 1) % ACCOUNTS, 12345, &random, &err);
            rdb_txn_rollback_level(txn, level);
        }
        ok = ok && add(txn, arena, to, amount, &random, &err);
        if (ok && rdb_random_next(&random) % 5 != 0) {
            rdb_scn scn;
            MUST(&err, rdb_txn_commit(&txn, rdb_random_next(&random) % 2 ? RDB_COMMIT_LOCAL : RDB_COMMIT_NO_WAIT, &scn, &err));
            atomic_fetch_add(&commits, 1);
        } else {
            rdb_txn_abort(&txn);
            atomic_fetch_add(&aborts, 1);
        }
    }
    rdb_arena_destroy(arena);
}

static void read_money(void *argument)
{
    (void)argument;
    static const int16_t columns[] = {1, 2, 3};
    rdb_error err = {0};
    rdb_arena *arena = rdb_arena_create("reader", NULL, NULL);
    while (!atomic_load(&stop)) {
        rdb_txn *txn;
        rdb_snapshot snapshot;
        rdb_table_scan *scan;
        uint32_t count, rows = 0;
        int64_t sum = 0;
        MUST(&err, rdb_txn_begin(f.txns, PDB, RDB_REPEATABLE_READ, true, NULL, &txn, &err));
        rdb_txn_take_snapshot(txn, &snapshot);
        for (int round = 0; round < 2; round++) {
            rdb_arena_reset(arena);
            rdb_vector *vectors[] = {vector_of(arena, RDB_REP_INT64, 32, &err), vector_of(arena, RDB_REP_BYTES, 32, &err), vector_of(arena, RDB_REP_INT32, 32, &err)};
            MUST(&err, rdb_table_scan_open(&scan, &f.table, txn, &snapshot, columns, 3, 0, UINT64_MAX, arena, &err));
            do {
                MUST(&err, rdb_table_scan_next(scan, 32, arena, vectors, NULL, NULL, &count, &err));
                for (uint32_t i = 0; i < count; i++) {
                    rdb_bytes note = RDB_VALUES(vectors[1], rdb_bytes)[i];
                    int64_t id = RDB_VALUES(vectors[0], int64_t)[i];
                    sum += RDB_VALUES(vectors[2], int32_t)[i];
                    for (uint32_t b = 0; b < note.length; b++)
                        if (note.data[b] != 'a' + id % 26)
                            abort();
                }
                rows += count;
            } while (count > 0);
            rdb_table_scan_close(&scan);
        }
        if (rows != 2 * ACCOUNTS || sum != 2 * ACCOUNTS * START) {
            fprintf(stderr, "snapshot %llu: %u rows, sum %lld\n", (unsigned long long)snapshot.scn, rows, (long long)sum);
            abort();
        }
        rdb_txn_abort(&txn);
        atomic_fetch_add(&sums, 1);
    }
    rdb_arena_destroy(arena);
}

static void test_money_is_conserved(void **state)
{
    (void)state;
    rdb_thread *threads[WRITERS + READERS];
    rdb_purge *purge;
    int64_t seconds = getenv("RDB_TEST_SECONDS") != NULL ? atoi(getenv("RDB_TEST_SECONDS")) : 3;
    instance_begin(&f, 4096, 1024);
    f.wal_config.sync = false;
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    for (int i = 0; i < ACCOUNTS; i++) {
        char note[2] = {(char)('a' + i % 26), 0};
        addresses[i] = insert(&f, txn, (sample){.id = i, .note = note, .number = START});
    }
    commit(&f, txn);
    rdb_purge_config config = {.undo = f.undo, .interval_us = 1000};
    MUST(&f.err, rdb_purge_open(&purge, &config, &f.err));
    MUST(&f.err, rdb_purge_start(purge, &f.err));
    for (uintptr_t i = 0; i < WRITERS + READERS; i++)
        MUST(&f.err, rdb_thread_start(&threads[i], "stress", i < WRITERS ? write_money : read_money, (void *)i, &f.err));
    /* So long, and on a busy machine until everything has happened once. */
    const int64_t until_us = rdb_time_monotonic_us() + seconds * 1000000, patience_us = 60000000;
    for (int64_t now_us = 0; now_us < until_us || ((atomic_load(&commits) == 0 || atomic_load(&sums) == 0 || atomic_load(&waits) == 0) && now_us < until_us + patience_us);) {
        rdb_time_sleep_us(20000);
        now_us = rdb_time_monotonic_us();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < WRITERS + READERS; i++)
        rdb_thread_join(&threads[i]);
    rdb_purge_stop(purge);
    txn = begin(&f, RDB_READ_COMMITTED); /* publishes what nobody waited for */
    insert(&f, txn, (sample){.id = 1000000, .number = 0});
    commit(&f, txn);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    rdb_undo_statistics statistics;
    rdb_purge_statistics purged;
    rdb_undo_get_statistics(f.undo, &statistics);
    rdb_purge_get_statistics(purge, &purged);
    printf("%llu commits, %llu aborts, %llu waits, %llu sums, %llu records reverted, %llu purged\n", (unsigned long long)commits,
           (unsigned long long)aborts, (unsigned long long)waits, (unsigned long long)sums,
           (unsigned long long)purged.reverted_records, (unsigned long long)purged.purged_records);
    assert_int_equal(statistics.jobs, 0);
    assert_int_equal(statistics.bytes, 0);
    assert_true(atomic_load(&commits) > 0 && atomic_load(&sums) > 0 && atomic_load(&waits) > 0);
    /* And once more after a crash. */
    rdb_purge_close(&purge);
    instance_close(&f);
    instance_open(&f);
    static scanned rows;
    txn = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, txn, &rows);
    int64_t sum = 0;
    for (uint32_t i = 0; i < rows.count; i++)
        sum += rows.numbers[i];
    assert_int_equal(rows.count, ACCOUNTS + 1);
    assert_int_equal(sum, ACCOUNTS * START);
    rdb_txn_abort(&txn);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_money_is_conserved)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
