/* SPDX-License-Identifier: Apache-2.0
 * Row locks and rows: who waits for a writer with a row lock in hand does not hinder that writer, and who has the row lock for
 * sure does. */
#include "fixture.h"

static scanned rows;

typedef struct locker {
    instance *f;
    rdb_txn *txn;
    rdb_snapshot snapshot;
    rdb_row_address address;
    rdb_row_version seen;
    rdb_write_outcome outcome;
    bool ok, taken;
    rdb_error err;
    rdb_thread *thread;
} locker;

static void lock_for_update(void *argument)
{
    locker *l = argument;
    l->ok = rdb_table_lock_row(&l->f->table, l->txn, &l->snapshot, l->address, l->seen, RDB_ROW_UPDATE, RDB_LOCK_WAIT, 0, &l->outcome,
                               &l->taken, &l->err);
}

static void count_waits(void *context, const rdb_lock_info *info)
{
    *(unsigned *)context += !info->granted;
}

static void test_a_writer_goes_on_while_another_waits_for_its_end(void **state)
{
    instance f;
    rdb_xid wait;
    rdb_row_version version;
    rdb_snapshot snapshot;
    (void)state;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_lock_set_deadlock_timeout(f.txns, 20000);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    rdb_row_address address = insert(&f, txn, (sample){.id = 1, .note = "base", .number = 1});
    commit(&f, txn);
    locker l = {.f = &f, .address = address, .txn = begin(&f, RDB_READ_COMMITTED)};
    rdb_txn *writer = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, writer, &rows);
    l.seen = rows.versions[0];
    rdb_txn_take_snapshot(l.txn, &l.snapshot);
    rdb_txn_take_snapshot(writer, &snapshot);
    assert_int_equal(try_update(&f, writer, &snapshot, address, l.seen, (sample){.id = 1, .number = 2}, &wait, &version), RDB_WRITE_DONE);
    MUST(&f.err, rdb_thread_start(&l.thread, "locker", lock_for_update, &l, &f.err));
    for (unsigned waits = 0; waits == 0;) {
        rdb_time_sleep_us(200);
        rdb_lock_visit(f.txns, count_waits, &waits);
    }
    rdb_txn_take_snapshot(writer, &snapshot);
    assert_int_equal(try_update(&f, writer, &snapshot, address, version, (sample){.id = 1, .number = 3}, &wait, &version), RDB_WRITE_DONE);
    rdb_time_sleep_us(60000); /* long enough for a deadlock to be seen */
    commit(&f, writer);
    rdb_thread_join(&l.thread);
    assert_true(l.ok && l.taken);
    assert_int_equal(l.outcome, RDB_WRITE_CHANGED);
    rdb_txn_abort(&l.txn);
    instance_end(&f);
}

static void test_a_confirmed_lock_keeps_writers_out(void **state)
{
    instance f;
    rdb_xid wait = 1;
    rdb_row_version version;
    rdb_snapshot snapshot;
    (void)state;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    rdb_row_address address = insert(&f, txn, (sample){.id = 1, .note = "base", .number = 1});
    commit(&f, txn);
    locker l = {.f = &f, .address = address, .txn = begin(&f, RDB_READ_COMMITTED)};
    rdb_txn *writer = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, writer, &rows);
    l.seen = rows.versions[0];
    rdb_txn_take_snapshot(l.txn, &l.snapshot);
    lock_for_update(&l);
    assert_true(l.ok && l.taken);
    assert_int_equal(l.outcome, RDB_WRITE_DONE);
    rdb_txn_take_snapshot(writer, &snapshot);
    assert_int_equal(try_update(&f, writer, &snapshot, address, l.seen, (sample){.id = 1, .number = 2}, &wait, &version), RDB_WRITE_WAIT);
    assert_int_equal(wait, 0); /* for a row lock, not for a writer */
    assert_false(rdb_lock_row_is_free_for_writer(writer, f.table.file, address, RDB_ROW_KEY_SHARE));
    rdb_txn_abort(&l.txn);
    assert_int_equal(try_update(&f, writer, &snapshot, address, l.seen, (sample){.id = 1, .number = 2}, &wait, &version), RDB_WRITE_DONE);
    commit(&f, writer);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_writer_goes_on_while_another_waits_for_its_end),
        cmocka_unit_test(test_a_confirmed_lock_keeps_writers_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
