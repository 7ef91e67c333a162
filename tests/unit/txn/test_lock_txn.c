/* SPDX-License-Identifier: Apache-2.0
 * Locks as transactions have them: savepoints, waits for a writer's end, sessions, a deadlock of two writers. */
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
        cmocka_unit_test(test_a_session_holds_locks_over_its_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
