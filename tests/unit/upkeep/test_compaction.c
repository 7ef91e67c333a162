/* SPDX-License-Identifier: Apache-2.0
 * Compaction beside readers and writers: rows get new homes while threads move money between them and others add it up, a filler makes and
 * deletes rows so that there is always an end to be emptied, purge follows, and the end of the file goes. No snapshot ever sees a row twice,
 * or not at all, or a sum that is not the one they began with; whoever waited for an old home finds the new one. Meant for the thread sanitizer too. */
#include "toy_index.h"

enum { ACCOUNTS = 60, WRITERS = 2, READERS = 2, START = 1000, FILLERS = 300 };
enum { THREADS = WRITERS + READERS + 2 };

static instance f;
static _Atomic rdb_row_address addresses[ACCOUNTS]; /* written by the mover, once its move is committed */
static _Atomic bool stop;
static _Atomic uint64_t commits, aborts, sums, waits, moves, follows, cuts;

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
    rdb_row_address address = 0;
    char note[600];
    for (;;) {
        if (first) {
            address = atomic_load(&addresses[account]);
            rdb_txn_take_snapshot(txn, &snapshot);
        }
        rdb_arena_reset(arena);
        rdb_vector *vectors[] = {vector_of(arena, RDB_REP_INT64, 1, err), vector_of(arena, RDB_REP_INT32, 1, err)};
        if (first)
            MUST(err, rdb_table_fetch(&f.table, txn, &snapshot, &address, 1, columns, 2, arena, vectors, &found, NULL, &seen, err));
        else
            MUST(err, rdb_table_fetch_latest(&f.table, txn, address, columns, 2, arena, vectors, &found, &seen, err));
        if (first && (!found || RDB_VALUES(vectors[0], int64_t)[0] != account))
            continue; /* the snapshot is newer than a move, and the address older */
        if (!found) {
            rdb_row_address now;
            MUST(err, rdb_table_follow(&f.table, txn, address, &now, &found, err));
            if (!found)
                abort();
            atomic_fetch_add(&follows, 1);
            address = now;
            continue;
        }
        if (RDB_VALUES(vectors[0], int64_t)[0] != account)
            abort();
        sample s = {.id = account, .number = RDB_VALUES(vectors[1], int32_t)[0] + delta, .note = note};
        s.note_length = 1 + rdb_random_next(random) % sizeof note; /* rows grow, shrink and move */
        memset(note, 'a' + account % 26, s.note_length);
        rdb_datum values[3];
        bool is_null[3];
        rdb_write_outcome outcome;
        rdb_xid wait_xid;
        fill_values(&s, values, is_null);
        MUST(err, rdb_table_update(&f.table, txn, &snapshot, address, seen, values, is_null, NULL, 0, false, &outcome, &wait_xid, NULL, err));
        if (outcome == RDB_WRITE_DONE)
            return true;
        if (outcome == RDB_WRITE_WAIT) {
            atomic_fetch_add(&waits, 1);
            if (!rdb_lock_wait_xid(txn, wait_xid, RDB_LOCK_WAIT, 0, err)) {
                rdb_error_clear(err);
                return false;
            }
        } else if (outcome != RDB_WRITE_CHANGED && outcome != RDB_WRITE_RELOCATED) {
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
        uint8_t seen[2][ACCOUNTS] = {{0}};
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
                    if (id >= ACCOUNTS)
                        continue;
                    rows++;
                    seen[round][id]++;
                    sum += RDB_VALUES(vectors[2], int32_t)[i];
                    for (uint32_t b = 0; b < note.length; b++)
                        if (note.data[b] != 'a' + id % 26)
                            abort();
                }
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

/* Rows come and go, in stretches, so that there is room in front and an end to be emptied. */
static void fill(void *argument)
{
    (void)argument;
    rdb_error err = {0};
    rdb_random random;
    rdb_arena *arena = rdb_arena_create("filler", NULL, NULL);
    rdb_random_seed(&random, 5);
    while (!atomic_load(&stop)) {
        rdb_row_address made[FILLERS];
        rdb_row_version versions[FILLERS];
        rdb_scn scn;
        rdb_txn *txn;
        char note[500];
        MUST(&err, rdb_txn_begin(f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &err));
        for (int i = 0; i < FILLERS; i++) {
            rdb_datum values[3];
            bool is_null[3];
            sample s = {.id = 1000 + i, .number = 0, .note = note};
            s.note_length = 1 + rdb_random_next(&random) % sizeof note;
            memset(note, 'z', s.note_length);
            fill_values(&s, values, is_null);
            MUST(&err, rdb_table_insert(&f.table, txn, values, is_null, NULL, 0, &made[i], &versions[i], &err));
        }
        MUST(&err, rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &err));
        MUST(&err, rdb_txn_begin(f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &err));
        for (int i = 0; i < FILLERS; i++) {
            rdb_write_outcome outcome;
            rdb_xid wait_xid;
            rdb_row_address at = made[i];
            do {
                MUST(&err, rdb_table_delete(&f.table, txn, NULL, at, versions[i], NULL, 0, &outcome, &wait_xid, &err));
                if (outcome == RDB_WRITE_WAIT)
                    MUST(&err, rdb_lock_wait_xid(txn, wait_xid, RDB_LOCK_WAIT, 0, &err));
                if (outcome == RDB_WRITE_RELOCATED || outcome == RDB_WRITE_GONE) { /* gone: moved and purged since */
                    outcome = RDB_WRITE_DONE; /* it stays: a row more */
                }
            } while (outcome == RDB_WRITE_WAIT);
        }
        MUST(&err, rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &err));
    }
    rdb_arena_destroy(arena);
}

/* False: somebody has the row; the transaction is to be given up. */
static bool move_one(rdb_txn *txn, rdb_arena *arena, rdb_row_address home, rdb_row_address *to, int64_t *id, rdb_error *err)
{
    static const int16_t columns[] = {1, 2, 3};
    rdb_row_version seen;
    rdb_write_outcome outcome;
    bool found;
    *to = 0;
    rdb_arena_reset(arena);
    rdb_vector *vectors[] = {vector_of(arena, RDB_REP_INT64, 1, err), vector_of(arena, RDB_REP_BYTES, 1, err), vector_of(arena, RDB_REP_INT32, 1, err)};
    MUST(err, rdb_table_fetch_latest(&f.table, txn, home, columns, 3, arena, vectors, &found, &seen, err));
    if (!found)
        return true;
    MUST(err, rdb_table_probe(&f.table, txn, home, seen, &outcome, err));
    if (outcome != RDB_WRITE_DONE)
        return true;
    rdb_datum values[3];
    bool is_null[3];
    for (int i = 0; i < 3; i++) {
        is_null[i] = rdb_vector_is_null(vectors[i], 0);
        values[i] = is_null[i] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(vectors[i], 0);
    }
    *id = values[0].i64;
    MUST(err, rdb_table_insert(&f.table, txn, values, is_null, NULL, 0, to, NULL, err));
    MUST(err, rdb_table_delete_relocated(&f.table, txn, home, seen, *to, NULL, 0, &outcome, err));
    return outcome == RDB_WRITE_DONE;
}

static void compact(void *purge)
{
    static rdb_table_residents residents;
    rdb_error err = {0};
    rdb_arena *arena = rdb_arena_create("mover", NULL, NULL);
    while (!atomic_load(&stop)) {
        rdb_table_sweep_result swept;
        uint64_t blocks = 0;
        MUST(&err, rdb_table_sweep(&f.table, NULL, &swept, &err));
        const uint64_t from = RDB_MAX(swept.blocks / 2, UINT64_C(4));
        rdb_space_close(f.storage, PDB, f.table.file, from, swept.blocks);
        for (uint64_t block = swept.blocks; block-- > from && !atomic_load(&stop);) {
            rdb_row_address to[RDB_COUNT_OF(residents.homes)];
            int64_t ids[RDB_COUNT_OF(residents.homes)];
            rdb_scn scn;
            rdb_txn *txn;
            bool ok = true;
            MUST(&err, rdb_table_list_residents(&f.table, block, &residents, &err));
            MUST(&err, rdb_txn_begin(f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &err));
            for (uint32_t i = 0; ok && i < residents.count; i++)
                ok = move_one(txn, arena, residents.homes[i], &to[i], &ids[i], &err);
            if (!ok || block % 7 == 0) { /* now and then one that comes to nothing */
                rdb_txn_abort(&txn);
                continue;
            }
            MUST(&err, rdb_txn_commit(&txn, RDB_COMMIT_NO_WAIT, &scn, &err));
            for (uint32_t i = 0; i < residents.count; i++) {
                if (to[i] == 0)
                    continue;
                atomic_fetch_add(&moves, 1);
                if (ids[i] < ACCOUNTS)
                    atomic_store(&addresses[ids[i]], to[i]);
            }
        }
        MUST(&err, rdb_purge_run(purge, &err));
        MUST(&err, rdb_table_cut_tail(&f.table, from, &blocks, &err));
        rdb_space_close(f.storage, PDB, f.table.file, 0, 0);
        atomic_fetch_add(&cuts, blocks < swept.blocks);
    }
    rdb_arena_destroy(arena);
}

static void test_compaction_beside_others(void **state)
{
    (void)state;
    rdb_thread *threads[THREADS];
    rdb_purge *purge;
    int64_t seconds = getenv("RDB_TEST_SECONDS") != NULL ? atoi(getenv("RDB_TEST_SECONDS")) : 3;
    instance_begin(&f, 4096, 1024);
    f.wal_config.sync = false;
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    for (int i = 0; i < ACCOUNTS; i++) {
        char note[2] = {(char)('a' + i % 26), 0};
        atomic_init(&addresses[i], insert(&f, txn, (sample){.id = i, .note = note, .number = START}));
    }
    commit(&f, txn);
    rdb_purge_config config = {.undo = f.undo, .interval_us = 1000};
    MUST(&f.err, rdb_purge_open(&purge, &config, &f.err));
    MUST(&f.err, rdb_purge_start(purge, &f.err));
    for (uintptr_t i = 0; i < WRITERS + READERS; i++)
        MUST(&f.err, rdb_thread_start(&threads[i], "stress", i < WRITERS ? write_money : read_money, (void *)i, &f.err));
    MUST(&f.err, rdb_thread_start(&threads[WRITERS + READERS], "filler", fill, NULL, &f.err));
    MUST(&f.err, rdb_thread_start(&threads[WRITERS + READERS + 1], "mover", compact, purge, &f.err));
    /* So long, and on a busy machine until everything has happened once. */
    const int64_t until_us = rdb_time_monotonic_us() + seconds * 1000000, patience_us = 60000000;
    for (int64_t now_us = 0; now_us < until_us || ((atomic_load(&commits) == 0 || atomic_load(&sums) == 0 || atomic_load(&moves) == 0 || atomic_load(&cuts) == 0) && now_us < until_us + patience_us);) {
        rdb_time_sleep_us(20000);
        now_us = rdb_time_monotonic_us();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
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
    printf("%llu commits, %llu aborts, %llu waits, %llu sums, %llu moves, %llu follows, %llu cuts, %llu records reverted, %llu purged\n", (unsigned long long)commits,
           (unsigned long long)aborts, (unsigned long long)waits, (unsigned long long)sums, (unsigned long long)moves, (unsigned long long)follows, (unsigned long long)cuts,
           (unsigned long long)purged.reverted_records, (unsigned long long)purged.purged_records);
    assert_int_equal(statistics.jobs, 0);
    assert_int_equal(statistics.bytes, 0);
    assert_true(atomic_load(&commits) > 0 && atomic_load(&sums) > 0 && atomic_load(&moves) > 0 && atomic_load(&cuts) > 0);
    /* And once more after a crash. */
    rdb_purge_close(&purge);
    instance_close(&f);
    instance_open(&f);
    static const int16_t columns[] = {1, 3};
    rdb_table_scan *scan;
    rdb_snapshot snapshot;
    uint32_t count, rows = 0;
    int64_t sum = 0;
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &snapshot);
    rdb_arena *arena = rdb_arena_create("check", NULL, NULL);
    rdb_vector *vectors[] = {vector_of(arena, RDB_REP_INT64, 64, &f.err), vector_of(arena, RDB_REP_INT32, 64, &f.err)};
    MUST(&f.err, rdb_table_scan_open(&scan, &f.table, txn, &snapshot, columns, 2, 0, UINT64_MAX, arena, &f.err));
    do {
        MUST(&f.err, rdb_table_scan_next(scan, 64, arena, vectors, NULL, NULL, &count, &f.err));
        for (uint32_t i = 0; i < count; i++) {
            rows += RDB_VALUES(vectors[0], int64_t)[i] < ACCOUNTS;
            sum += RDB_VALUES(vectors[1], int32_t)[i];
        }
    } while (count > 0);
    rdb_table_scan_close(&scan);
    rdb_arena_destroy(arena);
    assert_int_equal(rows, ACCOUNTS);
    assert_int_equal(sum, ACCOUNTS * START);
    rdb_txn_abort(&txn);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_compaction_beside_others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
