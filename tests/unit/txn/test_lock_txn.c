/* SPDX-License-Identifier: Apache-2.0
 * Locks as transactions have them: savepoints, waits for a writer's end, the queue at a row, sessions, deadlocks of writers. */
#include "fixture.h"
#include "txn/lock_int.h"

#define TABLE UINT64_C(0x0100000000004e20)

static void locks_begin(instance *f)
{
    instance_begin(f);
    rdb_lock_set_deadlock_timeout(f->txns, 20000);
}

static rdb_txn *begin(instance *f)
{
    rdb_txn *txn;
    MUST(&f->err, rdb_txn_begin(f->txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &f->err));
    return txn;
}

static bool try_lock(instance *f, rdb_txn *txn, uint64_t oid, rdb_lock_mode mode)
{
    bool taken;
    rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = oid};
    MUST(&f->err, rdb_lock_acquire(txn, tag, mode, RDB_LOCK_SKIP, 0, &taken, &f->err));
    return taken;
}

static void test_a_savepoint_keeps_or_loses_its_locks(void **state)
{
    (void)state;
    instance f;
    rdb_scn scn;
    uint32_t level;
    bool taken;
    rdb_xid xid, sub;
    locks_begin(&f);
    rdb_txn *a = begin(&f), *b = begin(&f);
    assert_true(try_lock(&f, a, 1, RDB_LOCK_EXCLUSIVE));
    MUST(&f.err, rdb_txn_push_level(a, &level, &f.err));
    assert_true(try_lock(&f, a, 2, RDB_LOCK_EXCLUSIVE));
    assert_true(try_lock(&f, a, 1, RDB_LOCK_ACCESS_EXCLUSIVE));
    MUST(&f.err, rdb_lock_acquire_row(a, TABLE, 3 << 16 | 7, RDB_ROW_UPDATE, RDB_LOCK_WAIT, 0, &taken, &f.err));
    MUST(&f.err, rdb_txn_assign_xid(a, &sub, &f.err));
    assert_false(rdb_lock_row_is_free(b, TABLE, 3 << 16 | 7, RDB_ROW_KEY_SHARE));
    assert_false(rdb_lock_wait_xid(b, sub, RDB_LOCK_NOWAIT, 0, &f.err));
    rdb_error_clear(&f.err);
    rdb_txn_rollback_level(a, level);
    assert_false(try_lock(&f, b, 1, RDB_LOCK_EXCLUSIVE)); /* of before the savepoint */
    assert_true(try_lock(&f, b, 1, RDB_LOCK_ACCESS_SHARE));
    assert_true(try_lock(&f, b, 2, RDB_LOCK_ACCESS_EXCLUSIVE));
    assert_true(rdb_lock_row_is_free(b, TABLE, 3 << 16 | 7, RDB_ROW_UPDATE));
    MUST(&f.err, rdb_lock_wait_xid(b, sub, RDB_LOCK_NOWAIT, 0, &f.err)); /* ended with its level */
    xid = rdb_txn_xid(a);
    assert_true(xid != 0 && xid != sub);
    assert_false(rdb_lock_wait_xid(b, xid, RDB_LOCK_NOWAIT, 0, &f.err));
    rdb_error_clear(&f.err);
    MUST(&f.err, rdb_txn_push_level(a, &level, &f.err));
    assert_true(try_lock(&f, a, 3, RDB_LOCK_SHARE));
    MUST(&f.err, rdb_txn_assign_xid(a, &sub, &f.err));
    rdb_txn_release_level(a, level);
    MUST(&f.err, rdb_txn_push_level(a, &level, &f.err));
    rdb_txn_rollback_level(a, level); /* another savepoint with the same number does not take it along */
    assert_false(try_lock(&f, b, 3, RDB_LOCK_EXCLUSIVE));
    assert_false(rdb_lock_wait_xid(b, sub, RDB_LOCK_NOWAIT, 0, &f.err));
    rdb_error_clear(&f.err);
    MUST(&f.err, rdb_txn_commit(&a, RDB_COMMIT_NO_WAIT, &scn, &f.err));
    assert_true(try_lock(&f, b, 3, RDB_LOCK_EXCLUSIVE));
    MUST(&f.err, rdb_lock_wait_xid(b, xid, RDB_LOCK_NOWAIT, 0, &f.err));
    rdb_txn_abort(&b);
    instance_end(&f);
}

typedef struct waiter {
    rdb_txn *txn;
    rdb_xid xid;
    bool ok;
    rdb_error err;
    rdb_thread *thread;
    rdb_xid_state state;
    rdb_scn scn;
} waiter;

static void wait_for_end(void *argument)
{
    waiter *w = argument;
    w->ok = rdb_lock_wait_xid(w->txn, w->xid, RDB_LOCK_WAIT, 0, &w->err);
    if (w->ok)
        MUST(&w->err, rdb_txn_resolve(rdb_txn_manager_of(w->txn), PDB, w->xid, &w->state, &w->scn, &w->err));
    else
        rdb_txn_abort(&w->txn); /* a victim gives way at once */
}

/* Who waited for a writer finds its outcome when it wakes. */
static void test_the_end_of_a_writer_wakes_who_waits_and_is_known_by_then(void **state)
{
    (void)state;
    instance f;
    locks_begin(&f);
    for (unsigned round = 0; round < 40; round++) {
        rdb_txn *writer = begin(&f);
        waiter waiters[3] = {0};
        rdb_scn scn = 0;
        rdb_xid xid;
        MUST(&f.err, rdb_txn_assign_xid(writer, &xid, &f.err));
        for (unsigned i = 0; i < 3; i++) {
            waiters[i].txn = begin(&f);
            waiters[i].xid = xid;
            MUST(&f.err, rdb_thread_start(&waiters[i].thread, "waiter", wait_for_end, &waiters[i], &f.err));
        }
        rdb_time_sleep_us(round * 50);
        if (round % 2 == 0)
            MUST(&f.err, rdb_txn_commit(&writer, RDB_COMMIT_NO_WAIT, &scn, &f.err));
        else
            rdb_txn_abort(&writer);
        for (unsigned i = 0; i < 3; i++) {
            rdb_thread_join(&waiters[i].thread);
            assert_true(waiters[i].ok);
            assert_int_equal(waiters[i].state, round % 2 == 0 ? RDB_XID_COMMITTED : RDB_XID_ABORTED);
            if (round % 2 == 0)
                assert_int_equal(waiters[i].scn, scn);
            rdb_txn_abort(&waiters[i].txn);
        }
    }
    instance_end(&f);
}

/* Two writers wait for each other: one is told, the other goes on. */
static void test_two_writers_in_a_deadlock(void **state)
{
    (void)state;
    instance f;
    locks_begin(&f);
    waiter waiters[2] = {0};
    rdb_xid xids[2];
    for (unsigned i = 0; i < 2; i++) {
        waiters[i].txn = begin(&f);
        MUST(&f.err, rdb_txn_assign_xid(waiters[i].txn, &xids[i], &f.err));
    }
    for (unsigned i = 0; i < 2; i++) {
        waiters[i].xid = xids[1 - i];
        MUST(&f.err, rdb_thread_start(&waiters[i].thread, "writer", wait_for_end, &waiters[i], &f.err));
    }
    for (unsigned i = 0; i < 2; i++)
        rdb_thread_join(&waiters[i].thread);
    assert_true(waiters[0].ok && !waiters[1].ok); /* the younger gives way */
    assert_string_equal(waiters[1].err.sqlstate, "40P01");
    assert_int_equal(waiters[0].state, RDB_XID_ABORTED);
    rdb_txn_abort(&waiters[0].txn);
    rdb_error_clear(&waiters[1].err);
    instance_end(&f);
}

/* ---- the queue at a row -------------------------------------------------------------------------------------------------- */
#define ROW (UINT64_C(7) << 16 | 300)

/* Wants to write the row; what it does with it, it is told by whoever looks at it. */
typedef struct row_writer {
    instance *f;
    rdb_txn *txn;
    rdb_xid writer;          /* who has the row when this one comes */
    rdb_row_lock strength;
    int64_t timeout_us;
    bool ok;
    rdb_error err;
    rdb_thread *thread;
    _Atomic bool is_done;
} row_writer;

static void want_row(void *argument)
{
    row_writer *w = argument;
    w->ok = rdb_lock_wait_for_row(w->txn, TABLE, ROW, w->strength, w->writer, w->timeout_us, &w->err);
    atomic_store(&w->is_done, true);
}

static void count_waits(void *context, const rdb_lock_info *info)
{
    *(unsigned *)context += !info->granted;
}

static unsigned waits_now(instance *f)
{
    unsigned waits = 0;
    rdb_lock_visit(f->txns, count_waits, &waits);
    return waits;
}

/* Returns when it waits too, or has given up. */
static void come(instance *f, row_writer *w, rdb_row_lock strength, rdb_xid writer)
{
    const unsigned before = waits_now(f);
    rdb_xid xid;
    *w = (row_writer){.f = f, .txn = begin(f), .strength = strength, .writer = writer, .timeout_us = w->timeout_us};
    MUST(&f->err, rdb_txn_assign_xid(w->txn, &xid, &f->err));
    MUST(&f->err, rdb_thread_start(&w->thread, "row writer", want_row, w, &f->err));
    while (waits_now(f) == before && !atomic_load(&w->is_done))
        rdb_time_sleep_us(100);
}

static unsigned done_of(const row_writer *w, unsigned count)
{
    unsigned done = 0;
    for (unsigned i = 0; i < count; i++)
        done += atomic_load(&w[i].is_done);
    return done;
}

/* Many want the row that one has: each sleeps once, is called when the one before it has ended, and they are served as they came. */
static void test_the_queue_at_a_row_is_served_one_by_one(void **state)
{
    enum { COUNT = 6 };
    (void)state;
    instance f;
    locks_begin(&f);
    row_writer w[COUNT] = {0};
    rdb_scn scn;
    rdb_xid xid;
    uint64_t waits, waits_before, deadlocks;
    rdb_txn *first = begin(&f);
    MUST(&f.err, rdb_txn_assign_xid(first, &xid, &f.err));
    rdb_lock_get_counts(f.txns, &waits_before, &deadlocks);
    for (unsigned i = 0; i < COUNT; i++)
        come(&f, &w[i], RDB_ROW_NO_KEY_UPDATE, xid);
    for (unsigned i = 0; i < COUNT; i++) {
        rdb_txn **writer = i == 0 ? &first : &w[i - 1].txn;
        if (i % 2 == 0)
            MUST(&f.err, rdb_txn_commit(writer, RDB_COMMIT_NO_WAIT, &scn, &f.err));
        else
            rdb_txn_abort(writer);
        rdb_thread_join(&w[i].thread);
        assert_true(w[i].ok);
        rdb_time_sleep_us(2000); /* for those who must not be called */
        assert_int_equal(done_of(w, COUNT), i + 1);
        assert_int_equal(waits_now(&f), COUNT - 1 - i);
        rdb_lock_keep_place(w[i].txn);
        assert_int_equal(waits_now(&f), COUNT - 1 - i);
    }
    rdb_txn_abort(&w[COUNT - 1].txn);
    rdb_lock_get_counts(f.txns, &waits, &deadlocks);
    assert_int_equal(waits - waits_before, COUNT);
    assert_int_equal(deadlocks, 0);
    instance_end(&f);
}

/* Who does not write after all, gives up or is rolled back to before it, lets the next one on, and keeps other rows of the page. */
static void test_who_leaves_the_queue_lets_the_next_one_on(void **state)
{
    (void)state;
    instance f;
    locks_begin(&f);
    row_writer w[5] = {0};
    uint32_t level;
    bool taken;
    rdb_xid xid;
    rdb_txn *first = begin(&f), *other = begin(&f);
    MUST(&f.err, rdb_txn_assign_xid(first, &xid, &f.err));
    w[0].timeout_us = 100000; /* gives up at the head of the queue, waiting for the writer */
    come(&f, &w[0], RDB_ROW_NO_KEY_UPDATE, xid);
    w[1].timeout_us = 300000; /* and this one has come to its head by then */
    come(&f, &w[1], RDB_ROW_NO_KEY_UPDATE, xid);
    rdb_thread_join(&w[0].thread);
    assert_false(w[0].ok);
    assert_string_equal(w[0].err.sqlstate, "55P03");
    rdb_error_clear(&w[0].err);
    rdb_thread_join(&w[1].thread);
    assert_false(w[1].ok);
    rdb_error_clear(&w[1].err);
    assert_true(rdb_lock_row_is_free(other, TABLE, ROW, RDB_ROW_UPDATE)); /* neither has left anything */
    come(&f, &w[2], RDB_ROW_NO_KEY_UPDATE, xid);
    come(&f, &w[3], RDB_ROW_UPDATE, xid);
    come(&f, &w[4], RDB_ROW_NO_KEY_UPDATE, xid);
    rdb_txn_abort(&first);
    rdb_thread_join(&w[2].thread);
    assert_true(w[2].ok);
    MUST(&f.err, rdb_lock_acquire_row(w[2].txn, TABLE, ROW + 1, RDB_ROW_NO_KEY_UPDATE, RDB_LOCK_SKIP, 0, &taken, &f.err));
    rdb_lock_leave_place(w[2].txn); /* its row does not match any more */
    rdb_thread_join(&w[3].thread);
    assert_true(w[3].ok);
    assert_false(rdb_lock_row_is_free(other, TABLE, ROW + 1, RDB_ROW_NO_KEY_UPDATE));
    rdb_lock_keep_place(w[3].txn);
    rdb_lock_leave_place(w[3].txn); /* it has written: there is nothing to leave */
    rdb_lock_leave_row(w[3].txn, TABLE, ROW);
    assert_int_equal(waits_now(&f), 1);
    rdb_txn_abort(&w[3].txn);
    rdb_thread_join(&w[4].thread);
    assert_true(w[4].ok);
    rdb_lock_leave_place(w[4].txn);
    MUST(&f.err, rdb_txn_push_level(other, &level, &f.err));
    MUST(&f.err, rdb_lock_wait_for_row(other, TABLE, ROW, RDB_ROW_UPDATE, 0, 0, &f.err));
    rdb_lock_keep_place(other);
    assert_false(rdb_lock_row_is_free(w[4].txn, TABLE, ROW, RDB_ROW_KEY_SHARE));
    rdb_txn_rollback_level(other, level);
    assert_true(rdb_lock_row_is_free(w[4].txn, TABLE, ROW, RDB_ROW_UPDATE));
    MUST(&f.err, rdb_lock_wait_for_row(other, TABLE, ROW, RDB_ROW_UPDATE, 0, 0, &f.err));
    MUST(&f.err, rdb_lock_wait_for_row(other, TABLE, ROW + 2, RDB_ROW_UPDATE, 0, 0, &f.err)); /* one row at a time */
    assert_true(rdb_lock_row_is_free(w[4].txn, TABLE, ROW, RDB_ROW_UPDATE));
    assert_false(rdb_lock_row_is_free(w[4].txn, TABLE, ROW + 2, RDB_ROW_UPDATE));
    rdb_txn_abort(&other);
    for (unsigned i = 0; i < 5; i++)
        if (w[i].txn != NULL)
            rdb_txn_abort(&w[i].txn);
    instance_end(&f);
}

/* The writer locks its row, whoever waits for its end; references pass who waits; others' locks that stand are in its way as ever. */
static void test_a_writer_locks_its_row_past_the_queue(void **state)
{
    (void)state;
    instance f;
    locks_begin(&f);
    row_writer w[2] = {0};
    bool taken;
    rdb_xid xid;
    rdb_txn *first = begin(&f), *other = begin(&f);
    MUST(&f.err, rdb_txn_assign_xid(first, &xid, &f.err));
    come(&f, &w[0], RDB_ROW_UPDATE, xid); /* a deletion */
    come(&f, &w[1], RDB_ROW_NO_KEY_UPDATE, xid);
    MUST(&f.err, rdb_lock_acquire_row(other, TABLE, ROW, RDB_ROW_KEY_SHARE, RDB_LOCK_SKIP, 0, &taken, &f.err));
    assert_true(taken);
    rdb_lock_confirm_row(other, TABLE, ROW);
    MUST(&f.err, rdb_lock_acquire_row(first, TABLE, ROW, RDB_ROW_SHARE, RDB_LOCK_SKIP, 0, &taken, &f.err));
    assert_false(taken);
    MUST(&f.err, rdb_lock_acquire_row_for_writer(first, TABLE, ROW, RDB_ROW_SHARE, RDB_LOCK_SKIP, 0, &taken, &f.err));
    assert_true(taken);
    assert_false(rdb_lock_acquire_row_for_writer(first, TABLE, ROW, RDB_ROW_UPDATE, RDB_LOCK_NOWAIT, 0, &taken, &f.err));
    assert_string_equal(f.err.sqlstate, "55P03");
    rdb_error_clear(&f.err);
    rdb_txn_abort(&other);
    MUST(&f.err, rdb_lock_acquire_row_for_writer(first, TABLE, ROW, RDB_ROW_UPDATE, RDB_LOCK_WAIT, 0, &taken, &f.err));
    assert_int_equal(done_of(w, 2), 0);
    rdb_txn_abort(&first);
    for (unsigned i = 0; i < 2; i++) {
        rdb_thread_join(&w[i].thread);
        assert_true(w[i].ok);
        rdb_txn_abort(&w[i].txn);
    }
    instance_end(&f);
}

/* Of a cycle through the queue one who stands between and has nothing that the others want is not the victim, be it the youngest. */
static void test_a_deadlock_spares_who_only_stands_in_the_queue(void **state)
{
    (void)state;
    instance f;
    locks_begin(&f);
    row_writer w[2] = {0};
    waiter closing = {0};
    rdb_xid xid, theirs;
    uint64_t waits, deadlocks;
    rdb_txn *first = begin(&f), *behind = begin(&f);
    MUST(&f.err, rdb_txn_assign_xid(first, &xid, &f.err));
    MUST(&f.err, rdb_txn_assign_xid(behind, &theirs, &f.err));
    rdb_lock_set_deadlock_timeout(f.txns, INT64_C(3600) * 1000000); /* nobody looks until all of them wait */
    come(&f, &w[0], RDB_ROW_NO_KEY_UPDATE, xid); /* the youngest */
    w[1] = (row_writer){.f = &f, .txn = behind, .strength = RDB_ROW_NO_KEY_UPDATE, .writer = xid};
    MUST(&f.err, rdb_thread_start(&w[1].thread, "row writer", want_row, &w[1], &f.err));
    while (waits_now(&f) < 2)
        rdb_time_sleep_us(100);
    rdb_lock_set_deadlock_timeout(f.txns, 1000);
    closing.txn = first;
    closing.xid = theirs;
    MUST(&f.err, rdb_thread_start(&closing.thread, "writer", wait_for_end, &closing, &f.err));
    rdb_thread_join(&w[1].thread);
    assert_false(w[1].ok);
    assert_string_equal(w[1].err.sqlstate, "40P01");
    rdb_error_clear(&w[1].err);
    rdb_txn_abort(&w[1].txn);
    rdb_thread_join(&closing.thread);
    assert_true(closing.ok);
    assert_false(atomic_load(&w[0].is_done));
    rdb_txn_abort(&closing.txn);
    rdb_thread_join(&w[0].thread);
    assert_true(w[0].ok);
    rdb_txn_abort(&w[0].txn);
    rdb_lock_get_counts(f.txns, &waits, &deadlocks);
    assert_int_equal(deadlocks, 1);
    instance_end(&f);
}

static void test_a_session_holds_locks_over_its_transactions(void **state)
{
    (void)state;
    instance f;
    rdb_lock_session *session;
    bool taken;
    rdb_scn scn;
    rdb_lock_tag tag = {.kind = RDB_LOCK_ADVISORY, .pdb = PDB, .a = 42, .b = 1};
    locks_begin(&f);
    MUST(&f.err, rdb_lock_session_open(&session, f.txns, NULL, 4711, &f.err));
    rdb_txn *other = begin(&f);
    for (unsigned i = 0; i < 3; i++) {
        rdb_txn *txn = begin(&f);
        rdb_lock_session_attach(session, txn);
        if (i == 0)
            MUST(&f.err, rdb_lock_session_acquire(txn, tag, RDB_LOCK_EXCLUSIVE, RDB_LOCK_WAIT, 0, &taken, &f.err));
        assert_true(rdb_lock_is_held(txn, tag, RDB_LOCK_EXCLUSIVE));
        assert_true(try_lock(&f, txn, 9, RDB_LOCK_ACCESS_EXCLUSIVE));
        assert_false(rdb_lock_release(txn, tag, RDB_LOCK_EXCLUSIVE)); /* not the transaction's */
        if (i == 1)
            rdb_txn_abort(&txn);
        else
            MUST(&f.err, rdb_txn_commit(&txn, RDB_COMMIT_NO_WAIT, &scn, &f.err));
        assert_true(try_lock(&f, other, 9, RDB_LOCK_ACCESS_SHARE));
        assert_true(rdb_lock_release(other, (rdb_lock_tag){.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = 9}, RDB_LOCK_ACCESS_SHARE));
        MUST(&f.err, rdb_lock_acquire(other, tag, RDB_LOCK_SHARE, RDB_LOCK_SKIP, 0, &taken, &f.err));
        assert_false(taken);
    }
    rdb_txn *plain = begin(&f);
    assert_false(rdb_lock_session_acquire(plain, tag, RDB_LOCK_SHARE, RDB_LOCK_SKIP, 0, &taken, &f.err));
    rdb_error_clear(&f.err);
    rdb_txn_abort(&plain);
    rdb_lock_session_close(&session);
    MUST(&f.err, rdb_lock_acquire(other, tag, RDB_LOCK_SHARE, RDB_LOCK_SKIP, 0, &taken, &f.err));
    assert_true(taken);
    rdb_txn_abort(&other);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_savepoint_keeps_or_loses_its_locks),
        cmocka_unit_test(test_the_end_of_a_writer_wakes_who_waits_and_is_known_by_then),
        cmocka_unit_test(test_two_writers_in_a_deadlock),
        cmocka_unit_test(test_the_queue_at_a_row_is_served_one_by_one),
        cmocka_unit_test(test_who_leaves_the_queue_lets_the_next_one_on),
        cmocka_unit_test(test_a_writer_locks_its_row_past_the_queue),
        cmocka_unit_test(test_a_deadlock_spares_who_only_stands_in_the_queue),
        cmocka_unit_test(test_a_session_holds_locks_over_its_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
