/* SPDX-License-Identifier: Apache-2.0
 * Commits that nobody sleeps for: tickets are called when the log is durable, not before, many by one sync, and are told of a log that
 * cannot be written. */
#include "fixture.h"

#include "os/rdb_fault.h"

typedef struct waiter {
    rdb_publish_ticket ticket;
    instance *f;
    rdb_txn_manager *txns;
    rdb_lsn end_lsn;
    _Atomic bool is_called, was_durable, has_failed;
    _Atomic int64_t slice_us; /* of the thread that called */
} waiter;

static void called(void *context, const rdb_error *failure)
{
    waiter *self = context;
    atomic_store(&self->slice_us, rdb_thread_slice_us());
    atomic_store(&self->was_durable, rdb_txn_published_scn(self->txns) >= self->ticket.scn && rdb_wal_durable_lsn(self->f->wal) >= self->end_lsn);
    atomic_store(&self->has_failed, failure != NULL);
    atomic_store(&self->is_called, true);
}

static void commit_later(instance *f, waiter *self)
{
    rdb_txn *txn;
    rdb_xid xid;
    MUST(&f->err, rdb_txn_begin(f->txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &f->err));
    MUST(&f->err, rdb_txn_assign_xid(txn, &xid, &f->err));
    *self = (waiter){.f = f, .txns = f->txns, .ticket = {.call = called, .context = self}};
    MUST(&f->err, rdb_txn_commit(&txn, RDB_COMMIT_LATER, &self->ticket.scn, &f->err));
    assert_true(self->ticket.scn > 0);
    self->end_lsn = txn_publish_end_of(f->txns, self->ticket.scn);
}

/* The first transaction makes a file, and waits for the log itself. */
static void commit_first(instance *f)
{
    waiter first;
    commit_later(f, &first);
    MUST(&f->err, rdb_txn_wait_published(f->txns, first.ticket.scn, &f->err));
}

static bool is_called(const waiter *self)
{
    enum { PATIENCE_US = 60000000 };
    const int64_t until = rdb_time_monotonic_us() + PATIENCE_US;
    while (!atomic_load(&self->is_called) && rdb_time_monotonic_us() < until)
        rdb_time_sleep_us(200);
    return atomic_load(&self->is_called);
}

/* ---- syncs that last until the test lets them end: the linker leads the sleep of a delayed call here (Makefile) ---------------------- */
#define HELD "delay=3333333" /* of a fault's rule; no other sleep is as long */
enum { HELD_US = 3333333 };
static _Atomic bool holds;
static _Atomic uint32_t held;

void __real_rdb_time_sleep_us(int64_t us);
void __wrap_rdb_time_sleep_us(int64_t us);
void __wrap_rdb_time_sleep_us(int64_t us)
{
    if (us != HELD_US) {
        __real_rdb_time_sleep_us(us);
        return;
    }
    atomic_fetch_add(&held, 1);
    while (atomic_load(&holds))
        __real_rdb_time_sleep_us(200);
}

/* Those syncs of the log that the rule names, from here on. */
static void hold(instance *f, const char *rule)
{
    commit_first(f);
    atomic_store(&held, 0);
    atomic_store(&holds, true);
    MUST(&f->err, rdb_fault_arm(rule, &f->err));
}

static void await_held(void)
{
    while (atomic_load(&held) == 0)
        rdb_time_sleep_us(200);
}

static void let_go(void)
{
    atomic_store(&holds, false);
}

static void test_called_when_durable_and_not_before(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f);
    hold(&f, "sync:/wal/:count=0:" HELD);
    waiter first, second;
    commit_later(&f, &first);
    assert_true(rdb_txn_published_scn(f.txns) < first.ticket.scn);
    rdb_txn_when_published(f.txns, &first.ticket);
    await_held();
    assert_false(atomic_load(&first.is_called));
    commit_later(&f, &second); /* nobody waits for anybody */
    rdb_txn_when_published(f.txns, &second.ticket);
    rdb_time_sleep_us(20000); /* for a call that must not come */
    assert_false(atomic_load(&first.is_called) || atomic_load(&second.is_called));
    let_go();
    assert_true(is_called(&first));
    assert_true(atomic_load(&first.was_durable));
    assert_true(is_called(&second));
    assert_true(atomic_load(&second.was_durable));
    /* by a thread that need not wait for the end of others' slices */
    assert_true(rdb_thread_slice_us() == 0 || atomic_load(&second.slice_us) < rdb_thread_slice_us());
    rdb_fault_disarm();
    instance_end(&f);
}

enum { THREADS = 4, EACH = 100 };
typedef struct committer_thread {
    instance *f;
    waiter waiters[EACH];
} committer_thread;

static void commit_each(void *argument)
{
    committer_thread *self = argument;
    for (unsigned i = 0; i < EACH; i++) {
        commit_later(self->f, &self->waiters[i]);
        rdb_txn_when_published(self->f->txns, &self->waiters[i].ticket);
    }
}

static void test_a_sync_carries_many(void **state)
{
    (void)state;
    static committer_thread threads[THREADS];
    rdb_thread *running[THREADS];
    rdb_wal_statistics before, after;
    instance f;
    instance_begin(&f);
    hold(&f, "sync:/wal/:count=0:" HELD); /* the first ones; all others come while they last */
    rdb_wal_get_statistics(f.wal, &before);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i].f = &f;
        MUST(&f.err, rdb_thread_start(&running[i], "commits", commit_each, &threads[i], &f.err));
    }
    for (unsigned i = 0; i < THREADS; i++)
        rdb_thread_join(&running[i]);
    let_go();
    for (unsigned i = 0; i < THREADS; i++)
        for (unsigned j = 0; j < EACH; j++) {
            assert_true(is_called(&threads[i].waiters[j]));
            assert_true(atomic_load(&threads[i].waiters[j].was_durable));
            assert_false(atomic_load(&threads[i].waiters[j].has_failed));
        }
    rdb_wal_get_statistics(f.wal, &after);
    assert_in_range(after.syncs - before.syncs, 1, THREADS * EACH / 4);
    rdb_fault_disarm();
    instance_end(&f);
}

/* Where syncs take long, who comes during one waits for his own alone: he is called while the slow one goes on. */
static void test_slow_syncs_run_beside_each_other(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f);
    waiter warm, first, second;
    MUST(&f.err, rdb_fault_arm("sync:/wal/:count=0:delay=50000", &f.err));
    commit_later(&f, &warm);
    rdb_txn_when_published(f.txns, &warm.ticket);
    assert_true(is_called(&warm));
    rdb_fault_disarm();
    hold(&f, "sync:/wal/:nth=1:" HELD);
    commit_later(&f, &first);
    rdb_txn_when_published(f.txns, &first.ticket);
    await_held();
    if (rdb_wal_syncs_overlap(f.wal)) { /* not where the file system knows no O_DIRECT */
        commit_later(&f, &second);
        rdb_txn_when_published(f.txns, &second.ticket);
        assert_true(is_called(&second)); /* one after the other he would wait for ever */
        assert_true(atomic_load(&second.was_durable));
    }
    let_go();
    assert_true(is_called(&first));
    assert_true(atomic_load(&first.was_durable));
    rdb_fault_disarm();
    instance_end(&f);
}

static void test_a_failed_write_is_told(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f);
    waiter self, next;
    commit_first(&f);
    MUST(&f.err, rdb_fault_arm("write:/wal/:count=0:EIO", &f.err)); /* before: the log's writer would have written it by and by */
    commit_later(&f, &self);
    rdb_txn_when_published(f.txns, &self.ticket);
    assert_true(is_called(&self));
    assert_true(atomic_load(&self.has_failed));
    rdb_fault_disarm();
    MUST(&f.err, rdb_txn_wait_published(f.txns, self.ticket.scn, &f.err)); /* it was only unknown */
    commit_later(&f, &next);
    rdb_txn_when_published(f.txns, &next.ticket);
    assert_true(is_called(&next));
    assert_false(atomic_load(&next.has_failed));
    instance_end(&f);
}

static void test_closing_serves_who_waits(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f);
    MUST(&f.err, rdb_fault_arm("sync:/wal/:count=0:delay=50000", &f.err));
    waiter self;
    commit_later(&f, &self);
    rdb_txn_when_published(f.txns, &self.ticket);
    rdb_txn_close(&f.txns);
    assert_true(atomic_load(&self.is_called));
    rdb_fault_disarm();
    rdb_storage_close(&f.storage);
    MUST(&f.err, rdb_wal_close(&f.wal, &f.err));
    MUST(&f.err, rdb_path_remove_tree(f.root, &f.err));
}

/* The session's own next snapshot has the commit, though nobody else sees it yet. */
static void test_own_commit_is_seen_at_once(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f);
    hold(&f, "sync:/wal/:count=0:" HELD);
    waiter self;
    commit_later(&f, &self);
    rdb_txn *own, *other;
    rdb_snapshot snapshot;
    MUST(&f.err, rdb_txn_begin(f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &own, &f.err));
    rdb_txn_wait_recorded(f.txns, self.ticket.scn);
    rdb_txn_set_session_scn(own, self.ticket.scn);
    rdb_txn_take_snapshot(own, &snapshot);
    assert_true(snapshot.scn >= self.ticket.scn);
    MUST(&f.err, rdb_txn_begin(f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &other, &f.err));
    rdb_txn_take_snapshot(other, &snapshot);
    assert_true(snapshot.scn < self.ticket.scn);
    rdb_txn_abort(&own);
    rdb_txn_abort(&other);
    let_go();
    rdb_fault_disarm();
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_called_when_durable_and_not_before),
        cmocka_unit_test(test_a_sync_carries_many),
        cmocka_unit_test(test_slow_syncs_run_beside_each_other),
        cmocka_unit_test(test_a_failed_write_is_told),
        cmocka_unit_test(test_closing_serves_who_waits),
        cmocka_unit_test(test_own_commit_is_seen_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
