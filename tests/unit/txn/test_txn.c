/* SPDX-License-Identifier: Apache-2.0
 * Transactions without tables: ids, SCNs, publishing, snapshots and the horizon, savepoints, callbacks, payloads, and what
 * of it all outlives a crash. */
#include "fixture.h"

static rdb_txn *begin(instance *f)
{
    rdb_txn *txn;
    MUST(&f->err, rdb_txn_begin(f->txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &f->err));
    return txn;
}
static rdb_xid assign(instance *f, rdb_txn *txn)
{
    rdb_xid xid;
    MUST(&f->err, rdb_txn_assign_xid(txn, &xid, &f->err));
    return xid;
}
static rdb_scn commit(instance *f, rdb_txn *txn, rdb_commit_wait wait)
{
    rdb_scn scn;
    MUST(&f->err, rdb_txn_commit(&txn, wait, &scn, &f->err));
    assert_null(txn);
    return scn;
}
static rdb_xid_state state_of(instance *f, rdb_xid xid, rdb_scn *scn)
{
    rdb_xid_state state;
    MUST(&f->err, rdb_txn_resolve(f->txns, PDB, xid, &state, scn, &f->err));
    return state;
}

/* More xids than a page of slots holds; each keeps what became of it, over a crash too. */
static void test_outcomes_outlive_a_crash(void **state)
{
    (void)state;
    instance f;
    enum { COUNT = 700 };
    rdb_xid xids[COUNT], last = 0;
    rdb_scn scns[COUNT], scn;
    rdb_txn *txn;
    instance_begin(&f);
    for (int i = 0; i < COUNT; i++) {
        txn = begin(&f);
        assert_int_equal(rdb_txn_xid(txn), 0);
        xids[i] = assign(&f, txn);
        assert_int_equal(assign(&f, txn), xids[i]);
        assert_true(xids[i] > last);
        last = xids[i];
        assert_int_equal(state_of(&f, xids[i], &scn), RDB_XID_RUNNING);
        scns[i] = 0;
        if (i % 3 == 0)
            rdb_txn_abort(&txn);
        else if (i % 3 == 1)
            scns[i] = commit(&f, txn, i % 100 == 1 ? RDB_COMMIT_LOCAL : RDB_COMMIT_NO_WAIT);
        /* each third one is never heard of again */
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            rdb_xid_state found = state_of(&f, xids[i], &scn);
            assert_int_equal(found, i % 3 == 1 ? RDB_XID_COMMITTED : i % 3 == 0 || round == 1 ? RDB_XID_ABORTED : RDB_XID_RUNNING);
            assert_int_equal(scn, scns[i]);
        }
        if (round == 0) {
            instance_close(&f);
            instance_open(&f);
        }
    }
    txn = begin(&f);
    assert_true(assign(&f, txn) > last);
    rdb_scn newest = commit(&f, txn, RDB_COMMIT_LOCAL);
    for (int i = 0; i < COUNT; i++)
        assert_true(newest > scns[i]);
    assert_int_equal(rdb_txn_published_scn(f.txns), newest);
    instance_end(&f);
}

static void test_savepoints_resolve_through_their_transaction(void **state)
{
    (void)state;
    instance f;
    rdb_scn scn;
    uint32_t level;
    rdb_snapshot snapshot;
    bool visible;
    instance_begin(&f);
    rdb_txn *txn = begin(&f), *other = begin(&f);
    rdb_xid top = assign(&f, txn);
    MUST(&f.err, rdb_txn_push_level(txn, &level, &f.err));
    assert_int_equal(rdb_txn_xid(txn), 0);
    rdb_xid kept = assign(&f, txn);
    assert_true(kept > top);
    MUST(&f.err, rdb_txn_push_level(txn, &level, &f.err));
    rdb_xid undone = assign(&f, txn);
    rdb_txn_rollback_level(txn, level);
    assert_int_equal(state_of(&f, undone, &scn), RDB_XID_ABORTED);
    assert_int_equal(state_of(&f, kept, &scn), RDB_XID_RUNNING);
    assert_true(rdb_txn_is_own(txn, undone) && rdb_txn_is_own_aborted(txn, undone));
    assert_true(rdb_txn_is_own(txn, kept) && !rdb_txn_is_own_aborted(txn, kept));
    assert_int_equal(rdb_txn_xid(txn), kept); /* back in the level that has one */
    rdb_txn_release_level(txn, 1);
    assert_int_equal(rdb_txn_xid(txn), top);
    rdb_xid_state found;
    rdb_xid whose;
    MUST(&f.err, rdb_txn_resolve_top(f.txns, PDB, kept, &found, &scn, &whose, &f.err));
    assert_int_equal(whose, top);
    /* One's own writing counts up to the snapshot's place in it (R8). */
    rdb_undo_address here = UINT64_C(1) << 48 | 1000;
    rdb_txn_note_undo(txn, RDB_UNDO_PERMANENT, here, here + 100);
    rdb_txn_take_snapshot(txn, &snapshot);
    MUST(&f.err, rdb_txn_sees(f.txns, PDB, &snapshot, txn, kept, here, &visible, &f.err));
    assert_true(visible);
    MUST(&f.err, rdb_txn_sees(f.txns, PDB, &snapshot, txn, top, here + 100, &visible, &f.err));
    assert_false(visible);
    MUST(&f.err, rdb_txn_sees(f.txns, PDB, &snapshot, txn, undone, here, &visible, &f.err));
    assert_false(visible);
    MUST(&f.err, rdb_txn_sees(f.txns, PDB, &snapshot, other, kept, here, &visible, &f.err));
    assert_false(visible);
    rdb_scn committed = commit(&f, txn, RDB_COMMIT_LOCAL);
    MUST(&f.err, rdb_txn_sees(f.txns, PDB, &snapshot, other, kept, here, &visible, &f.err));
    assert_false(visible); /* an older snapshot */
    rdb_txn_take_snapshot(other, &snapshot);
    MUST(&f.err, rdb_txn_sees(f.txns, PDB, &snapshot, other, kept, here, &visible, &f.err));
    assert_true(visible);
    rdb_txn_abort(&other);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(state_of(&f, kept, &scn), RDB_XID_COMMITTED);
        assert_int_equal(scn, committed);
        assert_int_equal(state_of(&f, undone, &scn), RDB_XID_ABORTED);
        instance_close(&f);
        instance_open(&f);
    }
    instance_end(&f);
}

/* ---- callbacks ------------------------------------------------------------------------------------------------------- */
static char trace[200];
static bool note_event(void *context, rdb_txn *txn, rdb_txn_event event, uint32_t level, rdb_error *err)
{
    (void)txn;
    (void)level;
    snprintf(trace + strlen(trace), sizeof trace - strlen(trace), "%s%d ", (const char *)context, (int)event);
    if (event == RDB_TXN_PRE_COMMIT && strcmp(context, "no") == 0)
        return rdb_error_set(err, RDB_CHECK_VIOLATION, "deferred check");
    return true;
}

static void test_callbacks(void **state)
{
    (void)state;
    instance f;
    uint32_t level;
    rdb_scn scn;
    instance_begin(&f);
    rdb_txn *txn = begin(&f);
    trace[0] = '\0';
    rdb_txn_add_callback(txn, note_event, "a");
    MUST(&f.err, rdb_txn_push_level(txn, &level, &f.err));
    rdb_txn_add_callback(txn, note_event, "b");
    rdb_txn_rollback_level(txn, level);
    MUST(&f.err, rdb_txn_push_level(txn, &level, &f.err));
    rdb_txn_add_callback(txn, note_event, "c");
    rdb_txn_release_level(txn, level);
    assign(&f, txn);
    commit(&f, txn, RDB_COMMIT_LOCAL);
    assert_string_equal(trace, "b4 c3 c0 a0 c1 a1 ");
    trace[0] = '\0';
    txn = begin(&f);
    rdb_txn_add_callback(txn, note_event, "a");
    rdb_txn_add_callback(txn, note_event, "no");
    rdb_xid xid = assign(&f, txn);
    rdb_error err = {0};
    assert_false(rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &err));
    assert_null(txn);
    assert_string_equal(err.sqlstate, RDB_CHECK_VIOLATION);
    assert_string_equal(trace, "no0 no2 a2 ");
    assert_int_equal(state_of(&f, xid, &scn), RDB_XID_ABORTED);
    rdb_error_clear(&err);
    instance_end(&f);
}

static char replayed[100];
static void replay_payload(void *context, uint32_t pdb, const void *bytes, uint32_t length)
{
    (void)context;
    assert_int_equal(pdb, PDB);
    snprintf(replayed + strlen(replayed), sizeof replayed - strlen(replayed), "%.*s;", (int)length, (const char *)bytes);
}

static void test_payloads_are_replayed(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f);
    rdb_txn_register_payload(7, replay_payload, NULL);
    rdb_txn *txn = begin(&f);
    rdb_txn_add_commit_payload(txn, 7, "first", 5);
    rdb_txn_add_commit_payload(txn, 8, "nobody's", 8);
    rdb_txn_add_commit_payload(txn, 7, "second", 6);
    assert_true(commit(&f, txn, RDB_COMMIT_LOCAL) > 0); /* a payload alone makes it a commit */
    txn = begin(&f);
    rdb_txn_add_commit_payload(txn, 7, "aborted", 7);
    assign(&f, txn);
    rdb_txn_abort(&txn);
    instance_close(&f);
    replayed[0] = '\0';
    instance_open(&f);
    assert_string_equal(replayed, "first;second;");
    instance_end(&f);
}

/* What the reverter did and what purge cut off is remembered. */
static void test_reverted_and_cut(void **state)
{
    (void)state;
    instance f;
    rdb_scn scn;
    bool reverted;
    instance_begin(&f);
    rdb_txn *txn = begin(&f);
    rdb_xid aborted = assign(&f, txn);
    rdb_txn_abort(&txn);
    txn = begin(&f);
    rdb_xid committed = assign(&f, txn);
    commit(&f, txn, RDB_COMMIT_LOCAL);
    MUST(&f.err, rdb_txn_is_reverted(f.txns, PDB, aborted, &reverted, &f.err));
    assert_false(reverted);
    MUST(&f.err, rdb_txn_mark_reverted(f.txns, PDB, aborted, &f.err));
    txn = begin(&f);
    rdb_xid running = assign(&f, txn), oldest;
    MUST(&f.err, rdb_txn_oldest_xid(f.txns, PDB, &oldest, &f.err));
    assert_int_equal(oldest, running);
    MUST(&f.err, rdb_txn_cut(f.txns, PDB, running, &f.err));
    for (int round = 0; round < 2; round++) {
        rdb_xid_state found;
        assert_int_equal(rdb_txn_tail(f.txns, PDB), running);
        if (round == 1) { /* the cache is empty now */
            MUST(&f.err, rdb_txn_resolve(f.txns, PDB, committed, &found, &scn, &f.err));
            assert_int_equal(found, RDB_XID_COMMITTED);
            assert_int_equal(scn, 0);
        } else {
            rdb_txn_abort(&txn);
            MUST(&f.err, rdb_txn_mark_reverted(f.txns, PDB, running, &f.err));
        }
        assert_int_equal(state_of(&f, running, &scn), RDB_XID_ABORTED);
        MUST(&f.err, rdb_txn_is_reverted(f.txns, PDB, running, &reverted, &f.err));
        assert_true(reverted);
        if (round == 0) {
            instance_close(&f);
            instance_open(&f);
        }
    }
    txn = begin(&f);
    MUST(&f.err, rdb_txn_oldest_xid(f.txns, PDB, &oldest, &f.err));
    assert_true(oldest > running);
    assert_int_equal(assign(&f, txn), oldest);
    rdb_txn_abort(&txn);
    instance_end(&f);
}

static void test_times(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f);
    rdb_txn_manager *m = f.txns;
    const int64_t base = rdb_time_wall_us() + INT64_C(10000000);
    const rdb_scn scn = rdb_txn_published_scn(m) + 100;
    int64_t wall;
    for (int i = 0; i < (int)TXN_TIMES + 500; i++) {
        txn_note_time(m, scn + (rdb_scn)i, base + INT64_C(2000000) * (i + 1));
        txn_note_time(m, scn + (rdb_scn)i, base + INT64_C(2000000) * (i + 1) - 5000000); /* the clock jumped back */
    }
    assert_int_equal(rdb_txn_scn_at_time(m, base + INT64_C(2000000) * (TXN_TIMES + 500)), scn + TXN_TIMES + 499);
    assert_int_equal(rdb_txn_scn_at_time(m, base + INT64_C(2000000) * 2000 + 10), scn + 1999);
    assert_int_equal(rdb_txn_scn_at_time(m, base + 1000000), 0); /* before all that is remembered */
    assert_int_equal(rdb_txn_scn_at_time(m, INT64_MAX), scn + TXN_TIMES + 499);
    assert_true(rdb_txn_time_of_scn(m, scn + 1999, &wall) && wall == base + INT64_C(2000000) * 2000);
    assert_true(rdb_txn_time_of_scn(m, scn + TXN_TIMES + 499, &wall) && wall == base + INT64_C(2000000) * (TXN_TIMES + 500));
    assert_false(rdb_txn_time_of_scn(m, scn + 1, &wall) || rdb_txn_time_of_scn(m, scn + TXN_TIMES + 500, &wall));
    /* The last commit of a burst counts though the map has only its first. */
    txn_note_time(m, scn + TXN_TIMES + 600, base + INT64_C(2000000) * (TXN_TIMES + 500) + 10);
    assert_int_equal(rdb_txn_scn_at_time(m, base + INT64_C(2000000) * (TXN_TIMES + 501)), scn + TXN_TIMES + 600);
    assert_int_equal(rdb_txn_scn_at_time(m, base + INT64_C(2000000) * (TXN_TIMES + 500)), scn + TXN_TIMES + 499);
    /* ... also when others came a while after it. */
    txn_note_time(m, scn + TXN_TIMES + 601, base + INT64_C(2000000) * (TXN_TIMES + 503));
    assert_int_equal(rdb_txn_scn_at_time(m, base + INT64_C(2000000) * (TXN_TIMES + 502)), scn + TXN_TIMES + 600);
    assert_int_equal(rdb_txn_scn_at_time(m, base + INT64_C(2000000) * (TXN_TIMES + 503)), scn + TXN_TIMES + 601);
    /* What an earlier life knew comes before, whenever it is read. */
    txn_load_time(m, scn + 1000, base + INT64_C(2000000) * 1001 - 7);
    assert_int_equal(rdb_txn_scn_at_time(m, base + INT64_C(2000000) * 1001 - 7), scn + 1000);
    assert_int_equal(rdb_txn_scn_at_time(m, base + INT64_C(2000000) * 1002), scn + 1001);
    instance_end(&f);
}

/* A commit that does not wait for the log is seen by others at once; one that waits is not seen before it is durable. */
static void test_commits_that_do_not_wait_are_seen(void **state)
{
    (void)state;
    instance f;
    rdb_snapshot snapshot;
    rdb_xid xid;
    instance_begin(&f);
    rdb_txn *reader = begin(&f);
    for (int i = 0; i < 50; i++) {
        rdb_txn *txn = begin(&f);
        MUST(&f.err, rdb_txn_assign_xid(txn, &xid, &f.err));
        rdb_scn scn = commit(&f, txn, RDB_COMMIT_NO_WAIT);
        rdb_txn_take_snapshot(reader, &snapshot);
        assert_int_equal(snapshot.scn, scn);
        assert_true(rdb_txn_published_scn(f.txns) <= rdb_txn_visible_scn(f.txns));
    }
    rdb_txn *txn = begin(&f);
    MUST(&f.err, rdb_txn_assign_xid(txn, &xid, &f.err));
    rdb_scn scn = commit(&f, txn, RDB_COMMIT_LOCAL);
    assert_true(rdb_txn_published_scn(f.txns) >= scn && rdb_txn_visible_scn(f.txns) >= scn);
    rdb_txn_abort(&reader);
    instance_end(&f);
}

static void test_read_only_and_unknown_database(void **state)
{
    (void)state;
    instance f;
    rdb_txn *txn;
    rdb_xid xid;
    rdb_error err = {0};
    instance_begin(&f);
    MUST(&f.err, rdb_txn_begin(f.txns, PDB, RDB_REPEATABLE_READ, true, NULL, &txn, &f.err));
    assert_false(rdb_txn_assign_xid(txn, &xid, &err));
    assert_string_equal(err.sqlstate, RDB_READ_ONLY_SQL_TRANSACTION);
    rdb_error_clear(&err);
    assert_int_equal(commit(&f, txn, RDB_COMMIT_LOCAL), 0);
    assert_false(rdb_txn_begin(f.txns, 4444, RDB_READ_COMMITTED, false, NULL, &txn, &err));
    assert_string_equal(err.sqlstate, RDB_INVALID_CATALOG_NAME);
    rdb_error_clear(&err);
    instance_end(&f);
}

/* ---- threads --------------------------------------------------------------------------------------------------------- */
enum { COMMITTERS = 3, FLICKERERS = 2, WATCHERS = 2, THREADS = COMMITTERS + FLICKERERS + WATCHERS };
static instance shared;
static _Atomic bool stop;
static _Atomic uint64_t commit_count, snapshot_count, scn_seen[1 << 20];

static void commit_many(void *argument)
{
    rdb_error err = {0};
    rdb_scn last = 0;
    for (uint64_t i = 0; !atomic_load(&stop); i++) {
        rdb_txn *txn;
        rdb_xid xid;
        rdb_scn scn;
        bool waits = (i + (uintptr_t)argument) % 7 == 0;
        MUST(&err, rdb_txn_begin(shared.txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &err));
        MUST(&err, rdb_txn_assign_xid(txn, &xid, &err));
        MUST(&err, rdb_txn_commit(&txn, waits ? RDB_COMMIT_LOCAL : RDB_COMMIT_NO_WAIT, &scn, &err));
        if (scn <= last || atomic_fetch_add(&scn_seen[scn % RDB_COUNT_OF(scn_seen)], 1) != 0)
            abort(); /* an SCN was given out twice */
        if (waits && rdb_txn_published_scn(shared.txns) < scn)
            abort();
        last = scn;
        atomic_fetch_add(&commit_count, 1);
    }
}

/* Snapshots that come and go: who looks for the oldest one meets them at one moment and not at the next. */
static void flicker(void *argument)
{
    (void)argument;
    rdb_error err = {0};
    rdb_txn *txn;
    rdb_snapshot snapshot;
    MUST(&err, rdb_txn_begin(shared.txns, PDB, RDB_READ_COMMITTED, true, NULL, &txn, &err));
    while (!atomic_load(&stop)) {
        rdb_txn_take_snapshot(txn, &snapshot);
        rdb_txn_end_statement(txn);
    }
    rdb_txn_abort(&txn);
}

/* No horizon ever passes a snapshot that is held, or what is published, whatever runs beside. */
static void watch_horizon(void *argument)
{
    (void)argument;
    rdb_error err = {0};
    rdb_scn published = 0;
    while (!atomic_load(&stop)) {
        rdb_txn *txn;
        rdb_snapshot snapshot;
        MUST(&err, rdb_txn_begin(shared.txns, PDB, RDB_READ_COMMITTED, true, NULL, &txn, &err));
        for (int i = 0; i < 20; i++) {
            rdb_txn_take_snapshot(txn, &snapshot);
            if (snapshot.scn < published)
                abort(); /* publishing went backwards */
            published = snapshot.scn;
            if (rdb_txn_horizon(shared.txns) > snapshot.scn)
                abort();
            atomic_fetch_add(&snapshot_count, 1);
        }
        rdb_txn_end_statement(txn);
        for (int i = 0; i < 20; i++)
            if (rdb_txn_horizon(shared.txns) > rdb_txn_published_scn(shared.txns))
                abort();
        rdb_txn_abort(&txn);
    }
}

static void test_threads(void **state)
{
    (void)state;
    rdb_thread *threads[THREADS];
    instance_begin(&shared);
    for (uintptr_t i = 0; i < THREADS; i++)
        MUST(&shared.err, rdb_thread_start(&threads[i], "txn", i < COMMITTERS ? commit_many : i < COMMITTERS + FLICKERERS ? flicker : watch_horizon,
                                           (void *)i, &shared.err));
    const int64_t until_us = rdb_time_monotonic_us() + 1500000;
    while (rdb_time_monotonic_us() < until_us || atomic_load(&commit_count) == 0 || atomic_load(&snapshot_count) == 0)
        rdb_time_sleep_us(10000);
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        rdb_thread_join(&threads[i]);
    rdb_txn *txn = begin(&shared);
    assign(&shared, txn);
    rdb_scn scn = commit(&shared, txn, RDB_COMMIT_LOCAL);
    assert_int_equal(rdb_txn_published_scn(shared.txns), scn);
    assert_int_equal(rdb_txn_horizon(shared.txns), scn);
    printf("%llu commits, %llu snapshots\n", (unsigned long long)commit_count, (unsigned long long)snapshot_count);
    instance_end(&shared);
}

/* The horizon stays below an exported snapshot that someone took over, when its exporter has gone; then nobody can take it. */
static void test_exported_snapshots(void **state)
{
    static instance f;
    rdb_snapshot first, second;
    rdb_txn *exporter, *importer, *writer;
    rdb_xid xid;
    rdb_scn scn = 0;
    char id[40];
    (void)state;
    instance_begin(&f);
    MUST(&f.err, rdb_txn_begin(f.txns, PDB, RDB_REPEATABLE_READ, false, NULL, &exporter, &f.err));
    rdb_txn_take_snapshot(exporter, &first);
    MUST(&f.err, rdb_txn_export_snapshot(exporter, &first, 7, id, &f.err));
    for (int i = 0; i < 3; i++) {
        MUST(&f.err, rdb_txn_begin(f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &writer, &f.err));
        MUST(&f.err, rdb_txn_assign_xid(writer, &xid, &f.err));
        MUST(&f.err, rdb_txn_commit(&writer, RDB_COMMIT_LOCAL, &scn, &f.err));
    }
    assert_int_equal(rdb_txn_horizon(f.txns), first.scn);
    MUST(&f.err, rdb_txn_begin(f.txns, PDB, RDB_REPEATABLE_READ, true, NULL, &importer, &f.err));
    MUST(&f.err, rdb_txn_import_snapshot(importer, id, &second, &f.err));
    assert_int_equal(second.scn, first.scn);
    rdb_txn_end_statement(importer);
    rdb_txn_abort(&exporter);
    assert_int_equal(rdb_txn_horizon(f.txns), first.scn);
    MUST(&f.err, rdb_txn_begin(f.txns, PDB, RDB_REPEATABLE_READ, true, NULL, &writer, &f.err));
    assert_false(rdb_txn_import_snapshot(writer, id, &second, &f.err));
    assert_string_equal(f.err.sqlstate, "22023");
    rdb_error_clear(&f.err);
    rdb_txn_abort(&writer);
    rdb_txn_abort(&importer);
    assert_int_equal(rdb_txn_horizon(f.txns), scn);
    instance_end(&f);
}

/* ---- a savepoint rolled back while others look, and its transaction committed at once ------------------------------------------- */
typedef struct looker {
    instance *f;
    rdb_thread *thread;
    const _Atomic rdb_xid *newest; /* subtransactions, all of them rolled back in the end */
    const _Atomic bool *is_over;
    _Atomic uint64_t *looks, *wrong;
} looker;

static void look_at_savepoints(void *argument)
{
    looker *l = argument;
    rdb_error err = {0};
    while (!atomic_load(l->is_over)) {
        rdb_xid_state state;
        rdb_scn scn;
        const rdb_xid xid = atomic_load(l->newest);
        if (xid == 0)
            continue;
        if (!rdb_txn_resolve(l->f->txns, PDB, xid, &state, &scn, &err))
            abort();
        atomic_fetch_add(l->wrong, state == RDB_XID_COMMITTED);
        atomic_fetch_add(l->looks, 1);
    }
}

static void test_a_rolled_back_savepoint_is_never_seen_as_committed(void **state)
{
    enum { LOOKERS = 5, ROUNDS = 6000 };
    instance f;
    _Atomic rdb_xid newest = 0;
    _Atomic bool is_over = false;
    _Atomic uint64_t looks = 0, wrong = 0;
    looker lookers[LOOKERS];
    rdb_scn scn;
    (void)state;
    instance_begin(&f);
    for (unsigned i = 0; i < LOOKERS; i++) {
        lookers[i] = (looker){.f = &f, .newest = &newest, .is_over = &is_over, .looks = &looks, .wrong = &wrong};
        MUST(&f.err, rdb_thread_start(&lookers[i].thread, "looker", look_at_savepoints, &lookers[i], &f.err));
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t level;
        rdb_txn *txn = begin(&f);
        assign(&f, txn);
        MUST(&f.err, rdb_txn_push_level(txn, &level, &f.err));
        const rdb_xid sub = assign(&f, txn);
        const uint64_t before = atomic_load(&looks);
        atomic_store(&newest, sub);
        for (unsigned spin = 0; spin < 2000 && atomic_load(&looks) < before + 40; spin++) /* somebody is in the middle of it, and may be held up there */
            rdb_cpu_relax();
        rdb_txn_rollback_level(txn, level);
        commit(&f, txn, RDB_COMMIT_NO_WAIT);
        rdb_xid_state at_last;
        MUST(&f.err, rdb_txn_resolve(f.txns, PDB, sub, &at_last, &scn, &f.err));
        assert_int_equal(at_last, RDB_XID_ABORTED);
    }
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < LOOKERS; i++)
        rdb_thread_join(&lookers[i].thread);
    assert_int_equal(wrong, 0);
    assert_true(looks > 0);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes_outlive_a_crash),
        cmocka_unit_test(test_savepoints_resolve_through_their_transaction),
        cmocka_unit_test(test_a_rolled_back_savepoint_is_never_seen_as_committed),
        cmocka_unit_test(test_callbacks),
        cmocka_unit_test(test_payloads_are_replayed),
        cmocka_unit_test(test_reverted_and_cut),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_exported_snapshots),
        cmocka_unit_test(test_commits_that_do_not_wait_are_seen),
        cmocka_unit_test(test_read_only_and_unknown_database),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
