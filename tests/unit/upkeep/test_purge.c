/* SPDX-License-Identifier: Apache-2.0
 * What purge may take and when: open snapshots, the order over logs across a crash, files, the commit log, undo segments. */
#include "toy_index.h"
#include "upkeep/purge_int.h"
#include "undo/undo_int.h"

#include <fcntl.h>

static scanned rows;

static rdb_purge *open_purge(instance *f)
{
    rdb_purge *purge;
    rdb_purge_config config = {.undo = f->undo, .remove_entry = toy_remove};
    MUST(&f->err, rdb_purge_open(&purge, &config, &f->err));
    return purge;
}
/* A table, the toy index, and purge beside them. */
static rdb_purge *begin_purged(instance *f, uint32_t frames)
{
    instance_begin(f, 4096, frames);
    create_table(f);
    toy_create(f);
    return open_purge(f);
}
static void end_purged(instance *f, rdb_purge **purge)
{
    rdb_purge_close(purge);
    instance_end(f);
}
/* A crash, and the next life. */
static void restart(instance *f)
{
    instance_close(f);
    instance_open(f);
    MUST(&f->err, rdb_undo_attach(f->undo, PDB, &f->err));
}
static uint64_t backlog(instance *f)
{
    rdb_undo_statistics statistics;
    rdb_undo_get_statistics(f->undo, &statistics);
    return statistics.bytes;
}
/* Row 1, committed, which the index has under this key: from before the index was made, so that its undo record names none. */
static rdb_row_address insert_indexed(instance *f, uint64_t key)
{
    rdb_txn *txn = begin(f, RDB_READ_COMMITTED);
    rdb_row_address address = insert(f, txn, (sample){.id = 1, .note = "x", .number = (int32_t)key});
    toy_insert(key, address);
    commit(f, txn);
    return address;
}
/* A row and its entry. */
static rdb_row_address insert_with_key(instance *f, const rdb_table *table, rdb_txn *txn, int64_t id, uint64_t entry, rdb_row_version *version)
{
    uint8_t bytes[8];
    rdb_datum values[3];
    bool is_null[3];
    rdb_row_address address;
    rdb_put_u64(bytes, entry);
    const rdb_index_key key = {.index_file = TOY_INDEX_FILE, .new_key = {bytes, 8}};
    fill_values(&(sample){.id = id, .number = (int32_t)entry}, values, is_null);
    MUST(&f->err, rdb_table_insert(table, txn, values, is_null, &key, 1, &address, version, &f->err));
    toy_insert(entry, address);
    return address;
}
/* An update that changes the one indexed key, heap before index; the same key: no index. */
static void change_key_or_not(instance *f, rdb_txn *txn, rdb_row_address address, uint64_t old_key, uint64_t new_key)
{
    uint8_t old_bytes[8], new_bytes[8];
    rdb_put_u64(old_bytes, old_key);
    rdb_put_u64(new_bytes, new_key);
    rdb_index_key key = {.index_file = TOY_INDEX_FILE, .old_key = {old_bytes, 8}, .new_key = {new_bytes, 8}};
    rdb_snapshot snapshot;
    rdb_datum values[3];
    bool is_null[3];
    rdb_write_outcome outcome;
    rdb_xid wait;
    rdb_txn_take_snapshot(txn, &snapshot);
    scan_with(f, txn, &snapshot, 64, &rows);
    rdb_row_version seen = {0};
    for (uint32_t i = 0; i < rows.count; i++)
        if (rows.addresses[i] == address)
            seen = rows.versions[i];
    fill_values(&(sample){.id = 1, .number = (int32_t)new_key}, values, is_null);
    MUST(&f->err, rdb_table_update(&f->table, txn, &snapshot, address, seen, values, is_null, &key, old_key != new_key, false, &outcome, &wait, NULL, &f->err));
    assert_int_equal(outcome, RDB_WRITE_DONE);
    if (old_key != new_key)
        toy_insert(new_key, address);
}
static void change_key(instance *f, rdb_txn *txn, rdb_row_address address, uint64_t old_key, uint64_t new_key)
{
    change_key_or_not(f, txn, address, old_key, new_key);
}

static void test_open_snapshots_keep_versions(void **state)
{
    (void)state;
    instance f;
    rdb_xid wait;
    rdb_snapshot old, now;
    rdb_purge *purge = begin_purged(&f, 256);
    rdb_row_address address = insert_indexed(&f, 100);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    rdb_row_address gone = insert(&f, txn, (sample){.id = 2, .note = "y", .number = 5});
    commit(&f, txn);
    rdb_txn *reader = begin(&f, RDB_REPEATABLE_READ);
    rdb_txn_take_snapshot(reader, &old);
    rdb_txn_hold_snapshot(reader, &old);
    txn = begin(&f, RDB_READ_COMMITTED);
    change_key(&f, txn, address, 100, 200);
    rdb_txn_take_snapshot(txn, &now);
    scan_with(&f, txn, &now, 64, &rows);
    assert_int_equal(try_delete(&f, txn, &now, gone, rows.versions[find_id(&rows, 2)], &wait), RDB_WRITE_DONE);
    commit(&f, txn);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_true(toy_find(100, address) >= 0 && toy_find(200, address) >= 0);
    scan_with(&f, reader, &old, 64, &rows);
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.numbers[find_id(&rows, 1)], 100);
    /* Held by the statement alone, it falls at the statement's end. */
    rdb_txn_drop_snapshot(reader, &old);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_true(toy_find(100, address) >= 0);
    rdb_txn_end_statement(reader);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_int_equal(toy_find(100, address), -1);
    assert_true(toy_find(200, address) >= 0);
    assert_int_equal(backlog(&f), 0);
    rdb_txn_abort(&reader);
    /* The slot of the deleted row serves the next insert. */
    txn = begin(&f, RDB_READ_COMMITTED);
    assert_int_equal(insert(&f, txn, (sample){.id = 3, .note = "z", .number = 1}), gone);
    rdb_txn_abort(&txn);
    end_purged(&f, &purge);
}

/* The files of a retired database are about to go: its records count as done, and its pages stay as they are. */
static void test_retired_databases_are_left_alone(void **state)
{
    (void)state;
    instance f;
    rdb_xid wait;
    rdb_snapshot now;
    rdb_purge *purge = begin_purged(&f, 256);
    rdb_row_address address = insert_indexed(&f, 100);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    rdb_row_address gone = insert(&f, txn, (sample){.id = 2, .note = "y", .number = 5});
    commit(&f, txn);
    txn = begin(&f, RDB_READ_COMMITTED);
    change_key(&f, txn, address, 100, 200);
    rdb_txn_take_snapshot(txn, &now);
    scan_with(&f, txn, &now, 64, &rows);
    assert_int_equal(try_delete(&f, txn, &now, gone, rows.versions[find_id(&rows, 2)], &wait), RDB_WRITE_DONE);
    commit(&f, txn);
    assert_true(rdb_undo_work_begin(f.undo, f.table.pdb));
    rdb_undo_work_end(f.undo, f.table.pdb);
    MUST(&f.err, rdb_undo_retire(f.undo, f.table.pdb, &f.err));
    assert_false(rdb_undo_work_begin(f.undo, f.table.pdb));
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_true(toy_find(100, address) >= 0 && toy_find(200, address) >= 0);
    end_purged(&f, &purge);
}

/* Scans with the snapshot; false and 72000: it is expired. */
static bool can_read(instance *f, rdb_txn *txn, const rdb_snapshot *snapshot, uint32_t *count)
{
    static const int16_t columns[] = {1};
    rdb_table_scan *scan = NULL;
    rdb_vector store, *vector = &store;
    rdb_error err = {0};
    uint32_t got = 0;
    *count = 0;
    rdb_arena_reset(f->batch);
    MUST(&f->err, rdb_vector_init(&store, f->batch, RDB_REP_INT64, 64, &f->err));
    bool ok = rdb_table_scan_open(&scan, &f->table, txn, snapshot, columns, 1, 0, UINT64_MAX, f->batch, &err);
    do {
        got = 0;
        ok = ok && rdb_table_scan_next(scan, 64, f->batch, &vector, NULL, NULL, &got, &err);
        *count += got;
    } while (ok && got > 0);
    rdb_table_scan_close(&scan);
    if (!ok)
        assert_string_equal(err.sqlstate, RDB_SNAPSHOT_TOO_OLD);
    rdb_error_clear(&err);
    return ok;
}

static bool can_fetch(instance *f, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address)
{
    static const int16_t columns[] = {1};
    rdb_vector store, *vector = &store;
    rdb_error err = {0};
    bool found = false;
    rdb_arena_reset(f->batch);
    MUST(&f->err, rdb_vector_init(&store, f->batch, RDB_REP_INT64, 64, &f->err));
    bool ok = rdb_table_fetch(&f->table, txn, snapshot, &address, 1, columns, 1, f->batch, &vector, &found, NULL, NULL, &err);
    if (!ok)
        assert_string_equal(err.sqlstate, RDB_SNAPSHOT_TOO_OLD);
    rdb_error_clear(&err);
    return ok;
}

static void hold(rdb_txn *txn, rdb_snapshot *snapshot)
{
    rdb_txn_take_snapshot(txn, snapshot);
    rdb_txn_hold_snapshot(txn, snapshot);
    rdb_txn_end_statement(txn);
}

/* Over the size cap the oldest snapshot goes, and no more of them than the room asks for. */
static void test_cap_expires_the_oldest_snapshots(void **state)
{
    (void)state;
    instance f;
    rdb_snapshot first, second;
    uint32_t count;
    rdb_purge *purge = begin_purged(&f, 256);
    rdb_txn *txn;
    rdb_row_address address = insert_indexed(&f, 100);
    rdb_txn *older = begin(&f, RDB_REPEATABLE_READ), *newer = begin(&f, RDB_REPEATABLE_READ);
    hold(older, &first);
    for (uint64_t i = 0; i < 20; i++) {
        txn = begin(&f, RDB_READ_COMMITTED);
        change_key(&f, txn, address, 100 + i, 101 + i);
        commit(&f, txn);
    }
    hold(newer, &second);
    txn = begin(&f, RDB_READ_COMMITTED);
    change_key(&f, txn, address, 120, 121);
    commit(&f, txn);
    rdb_purge_set_bytes_max(purge, backlog(&f));
    MUST(&f.err, rdb_purge_run(purge, &f.err)); /* it fits */
    assert_true(can_read(&f, older, &first, &count) && count == 1);
    assert_int_equal(rdb_txn_expired_count(f.txns), 0);
    const uint64_t before = backlog(&f);
    rdb_purge_set_bytes_max(purge, before / 2);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_true(backlog(&f) <= before / 2 && backlog(&f) > 0); /* what the newer one needs */
    assert_false(can_read(&f, older, &first, &count));
    assert_false(can_fetch(&f, older, &first, address));
    assert_true(can_fetch(&f, newer, &second, address));
    scan_with(&f, newer, &second, 64, &rows);
    assert_int_equal(rows.numbers[0], 120);
    assert_true(toy_find(120, address) >= 0);
    assert_int_equal(toy_find(100, address), -1);
    assert_int_equal(rdb_txn_expired_count(f.txns), 1);
    /* Its transaction goes on with newer ones, which hold the horizon back as any others. */
    rdb_snapshot fresh;
    hold(older, &fresh);
    assert_int_equal(rdb_txn_oldest_snapshot(f.txns), second.scn);
    rdb_txn_drop_snapshot(newer, &second);
    assert_int_equal(rdb_txn_oldest_snapshot(f.txns), fresh.scn);
    assert_true(can_read(&f, older, &fresh, &count) && count == 1);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_int_equal(backlog(&f), 0);
    rdb_txn_abort(&older);
    rdb_txn_abort(&newer);
    end_purged(&f, &purge);
}

/* The retention is given up before anyone's snapshot is. */
static void test_cap_goes_over_retention(void **state)
{
    (void)state;
    instance f;
    rdb_snapshot held;
    uint32_t count;
    rdb_purge *purge = begin_purged(&f, 256);
    rdb_txn_set_retention(f.txns, INT64_C(3600) * 1000000);
    rdb_txn *txn;
    rdb_row_address address = insert_indexed(&f, 100);
    for (uint64_t i = 0; i < 20; i++) {
        txn = begin(&f, RDB_READ_COMMITTED);
        change_key(&f, txn, address, 100 + i, 101 + i);
        commit(&f, txn);
    }
    rdb_txn *reader = begin(&f, RDB_REPEATABLE_READ);
    hold(reader, &held);
    const uint64_t before = backlog(&f);
    rdb_purge_set_bytes_max(purge, before / 2);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_true(backlog(&f) <= before / 2 && backlog(&f) > before / 4);
    assert_true(can_read(&f, reader, &held, &count) && count == 1);
    assert_int_equal(rdb_txn_expired_count(f.txns), 0);
    rdb_txn_abort(&reader);
    end_purged(&f, &purge);
}

/* A moment of the past can be read within the retention, and is refused behind it. */
static void test_reads_as_of_an_scn(void **state)
{
    (void)state;
    instance f;
    rdb_snapshot now, then;
    rdb_scn scns[4];
    rdb_error err = {0};
    rdb_purge *purge = begin_purged(&f, 256);
    rdb_txn_set_retention(f.txns, INT64_C(3600) * 1000000);
    rdb_txn *txn;
    rdb_row_address address = insert_indexed(&f, 100);
    for (uint64_t i = 0; i < 4; i++) {
        scns[i] = rdb_txn_published_scn(f.txns);
        txn = begin(&f, RDB_READ_COMMITTED);
        change_key(&f, txn, address, 100 + i, 101 + i);
        commit(&f, txn);
    }
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    txn = begin(&f, RDB_READ_COMMITTED);
    change_key(&f, txn, address, 104, 105); /* one's own change is not of that time */
    rdb_txn_take_snapshot(txn, &now);
    for (uint64_t i = 0; i < 4; i++) {
        MUST(&f.err, rdb_txn_snapshot_as_of(txn, &now, scns[i], &then, &f.err));
        scan_with(&f, txn, &then, 64, &rows);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.numbers[0], 100 + i);
        rdb_txn_drop_snapshot(txn, &then);
    }
    assert_false(rdb_txn_snapshot_as_of(txn, &now, rdb_txn_published_scn(f.txns) + 1, &then, &err));
    assert_string_equal(err.sqlstate, RDB_INVALID_PARAMETER_VALUE);
    rdb_error_clear(&err);
    /* A held one outlives the retention. */
    MUST(&f.err, rdb_txn_snapshot_as_of(txn, &now, scns[2], &then, &f.err));
    rdb_txn_set_retention(f.txns, 0);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    scan_with(&f, txn, &then, 64, &rows);
    assert_int_equal(rows.numbers[0], 102);
    rdb_txn_drop_snapshot(txn, &then);
    assert_false(rdb_txn_snapshot_as_of(txn, &now, scns[2], &then, &err));
    assert_string_equal(err.sqlstate, RDB_SNAPSHOT_TOO_OLD);
    rdb_error_clear(&err);
    rdb_txn_abort(&txn);
    end_purged(&f, &purge);
}

/* Undo retention keeps versions though nobody holds a snapshot. */
static void test_retention_keeps_versions(void **state)
{
    (void)state;
    instance f;
    rdb_purge *purge = begin_purged(&f, 256);
    rdb_txn_set_retention(f.txns, INT64_C(3600) * 1000000);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    insert(&f, txn, (sample){.id = 1, .number = 1});
    commit(&f, txn);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_true(backlog(&f) > 0);
    rdb_txn_set_retention(f.txns, 0);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_int_equal(backlog(&f), 0);
    end_purged(&f, &purge);
}

/* Cuts the log behind the first record of this kind that follows from, as a crash would that lost the rest. */
static void cut_wal_after(instance *f, rdb_lsn from, uint8_t resource, uint8_t operation)
{
    rdb_wal_reader *reader;
    static rdb_wal_record record;
    bool found = true;
    rdb_lsn end = 0;
    MUST(&f->err, rdb_wal_reader_open(&reader, &f->wal_config, from, &f->err));
    while (found && end == 0) {
        MUST(&f->err, rdb_wal_reader_next(reader, &record, &found, &f->err));
        if (found && record.resource == resource && record.operation == operation)
            end = record.end_lsn;
    }
    rdb_wal_reader_close(&reader);
    assert_true(end != 0);
    char path[300];
    rdb_file *file;
    static uint8_t zeroes[SEGMENT];
    snprintf(path, sizeof path, "%s/%016llX", f->wal_directory, (unsigned long long)(end / SEGMENT));
    if (!rdb_path_exists(path))
        snprintf(path, sizeof path, "%s/%016llx", f->wal_directory, (unsigned long long)(end / SEGMENT));
    MUST(&f->err, rdb_file_open(&file, path, RDB_FILE_WRITE, &f->err));
    MUST(&f->err, rdb_file_write(file, end % SEGMENT, zeroes, SEGMENT - end % SEGMENT, &f->err));
    MUST(&f->err, rdb_file_close(&file, &f->err));
}

/* The later change is forgotten by a crash-cut tail, the earlier one is not: purged again, it must not take the entry that
 * the later one put back. */
static void test_crash_between_two_tails(void **state)
{
    (void)state;
    instance f;
    rdb_purge *purge = begin_purged(&f, 1024);
    rdb_row_address address = insert_indexed(&f, 1);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    /* The first log is busy with another transaction while the earlier change is made in the second one. */
    rdb_txn *holder = begin(&f, RDB_READ_COMMITTED);
    insert(&f, holder, (sample){.id = 2, .number = 2});
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    change_key(&f, txn, address, 1, 2);
    commit(&f, txn);
    rdb_txn *reader = begin(&f, RDB_REPEATABLE_READ); /* keeps purge away */
    rdb_snapshot old;
    rdb_txn_take_snapshot(reader, &old);
    rdb_txn *second_holder = begin(&f, RDB_READ_COMMITTED);
    insert(&f, second_holder, (sample){.id = 3, .number = 3}); /* takes the second log */
    commit(&f, holder);
    txn = begin(&f, RDB_READ_COMMITTED); /* takes the first log */
    change_key(&f, txn, address, 2, 1);
    commit(&f, txn);
    rdb_txn_abort(&reader);
    commit(&f, second_holder);
    rdb_lsn before = rdb_wal_insert_lsn(f.wal);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_int_equal(toy_find(2, address), -1);
    rdb_purge_close(&purge);
    instance_close(&f);
    cut_wal_after(&f, before, RDB_RESOURCE_UNDO, UNDO_OP_TAIL);
    instance_open(&f);
    MUST(&f.err, rdb_undo_attach(f.undo, PDB, &f.err));
    assert_true(backlog(&f) > 0);
    purge = open_purge(&f);
    txn = begin(&f, RDB_READ_COMMITTED);
    insert(&f, txn, (sample){.id = 4, .number = 4});
    commit(&f, txn);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_int_equal(backlog(&f), 0);
    assert_true(toy_find(1, address) >= 0);
    end_purged(&f, &purge);
}

/* A rolled-back savepoint that wrote two classes, in a transaction that wrote on in one of them: after a crash both logs are
 * taken back, though their last records are of different xids, before its xid counts as reverted. */
static void test_savepoint_in_two_logs_after_a_crash(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    toy_create(&f);
    rdb_table other = f.table;
    other.file = TABLE_FILE + 1;
    other.undo_class = RDB_UNDO_CATALOG;
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    MUST(&f.err, rdb_table_create(f.storage, txn, other.file, &f.err));
    commit(&f, txn);
    txn = begin(&f, RDB_READ_COMMITTED);
    insert(&f, txn, (sample){.id = 1, .number = 1});
    uint32_t level;
    rdb_row_address addresses[2];
    MUST(&f.err, rdb_txn_push_level(txn, &level, &f.err));
    for (uint32_t i = 0; i < 2; i++) /* a row with an index entry in each of the two classes */
        addresses[i] = insert_with_key(&f, i == 0 ? &f.table : &other, txn, 2 + i, 7 + i, NULL);
    rdb_txn_rollback_level(txn, level);
    insert(&f, txn, (sample){.id = 4, .number = 4});
    commit(&f, txn);
    restart(&f);
    for (uint32_t i = 0; i < 2; i++)
        assert_true(toy_find(7 + i, addresses[i]) >= 0);
    rdb_purge *purge = open_purge(&f);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(toy_find(7 + i, addresses[i]), -1);
    end_purged(&f, &purge);
}

/* Purge is told to stop while it is at the first of two logs that one transaction wrote: what it then says to have purged must be purged
 * in the other log too, for the next life believes it. */
static rdb_purge *stopped_inside;
static bool remove_and_stop(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_slice key, rdb_row_address row,
                            bool (*still_needed)(void *context, bool *needed, rdb_error *err), void *context, rdb_error *err)
{
    atomic_store(&stopped_inside->stopping, true);
    return toy_remove(storage, pdb, file, key, row, still_needed, context, err);
}

static void test_stopped_between_two_logs(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    toy_create(&f);
    rdb_table tables[2] = {f.table, f.table};
    tables[1].file = TABLE_FILE + 1;
    tables[1].undo_class = RDB_UNDO_CATALOG;
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    MUST(&f.err, rdb_table_create(f.storage, txn, tables[1].file, &f.err));
    commit(&f, txn);
    rdb_row_address addresses[2];
    rdb_row_version versions[2];
    uint8_t bytes[8];
    txn = begin(&f, RDB_READ_COMMITTED);
    for (uint32_t i = 0; i < 2; i++)
        addresses[i] = insert_with_key(&f, &tables[i], txn, 2 + i, 7 + i, &versions[i]);
    commit(&f, txn);
    rdb_purge_config config = {.undo = f.undo, .remove_entry = remove_and_stop};
    MUST(&f.err, rdb_purge_open(&stopped_inside, &config, &f.err));
    txn = begin(&f, RDB_READ_COMMITTED);
    for (uint32_t i = 0; i < 2; i++) {
        rdb_snapshot now;
        rdb_write_outcome outcome;
        rdb_xid wait;
        rdb_txn_take_snapshot(txn, &now);
        rdb_put_u64(bytes, 7 + i);
        rdb_index_key key = {.index_file = TOY_INDEX_FILE, .old_key = {bytes, 8}};
        MUST(&f.err, rdb_table_delete(&tables[i], txn, &now, addresses[i], versions[i], &key, 1, &outcome, &wait, &f.err));
        assert_int_equal(outcome, RDB_WRITE_DONE);
    }
    commit(&f, txn);
    MUST(&f.err, rdb_purge_run(stopped_inside, &f.err));
    rdb_purge_close(&stopped_inside);
    restart(&f);
    rdb_purge *purge = open_purge(&f);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(toy_find(7 + i, addresses[i]), -1);
    assert_int_equal(backlog(&f), 0);
    end_purged(&f, &purge);
}

static void test_files_go_with_their_transaction(void **state)
{
    (void)state;
    instance f;
    rdb_snapshot old;
    rdb_purge *purge = begin_purged(&f, 256);
    uint64_t made = RDB_FILE_NO(RDB_FILE_TABLE, 30000);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    MUST(&f.err, rdb_table_create(f.storage, txn, made, &f.err));
    assert_true(rdb_storage_file_exists(f.storage, PDB, made));
    rdb_txn_abort(&txn);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_false(rdb_storage_file_exists(f.storage, PDB, made));
    /* Dropped: an abort keeps it, an older snapshot keeps it, then it goes. */
    txn = begin(&f, RDB_READ_COMMITTED);
    MUST(&f.err, rdb_table_drop(txn, TABLE_FILE, &f.err));
    rdb_txn_abort(&txn);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_true(rdb_storage_file_exists(f.storage, PDB, TABLE_FILE));
    rdb_txn *reader = begin(&f, RDB_REPEATABLE_READ);
    rdb_txn_take_snapshot(reader, &old);
    txn = begin(&f, RDB_READ_COMMITTED);
    MUST(&f.err, rdb_table_drop(txn, TABLE_FILE, &f.err));
    commit(&f, txn);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_true(rdb_storage_file_exists(f.storage, PDB, TABLE_FILE));
    rdb_txn_abort(&reader);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_false(rdb_storage_file_exists(f.storage, PDB, TABLE_FILE));
    end_purged(&f, &purge);
}

/* Large values leave no page behind when their rows go. */
static void test_chains_are_freed(void **state)
{
    (void)state;
    instance f;
    rdb_xid wait;
    rdb_snapshot now;
    static char noise[50000];
    rdb_random random;
    uint64_t blocks = 0, later = 0;
    rdb_random_seed(&random, 3);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)rdb_random_next(&random);
    rdb_purge *purge = begin_purged(&f, 1024);
    for (int round = 0; round < 6; round++) {
        rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
        for (int i = 0; i < 5; i++)
            insert(&f, txn, (sample){.id = i, .note = noise, .note_length = sizeof noise, .number = round});
        if (round % 2 == 0) {
            rdb_txn_abort(&txn);
        } else {
            commit(&f, txn);
            for (int step = 0; step < 2; step++) { /* an update, then a delete */
                txn = begin(&f, RDB_READ_COMMITTED);
                rdb_txn_take_snapshot(txn, &now);
                scan_with(&f, txn, &now, 64, &rows);
                assert_int_equal(rows.count, 5);
                for (uint32_t i = 0; i < rows.count; i++) {
                    sample s = {.id = rows.ids[i], .note = noise + 100, .note_length = sizeof noise - 100, .number = 1};
                    assert_int_equal(step == 0 ? try_update(&f, txn, &now, rows.addresses[i], rows.versions[i], s, &wait, NULL)
                                               : try_delete(&f, txn, &now, rows.addresses[i], rows.versions[i], &wait), RDB_WRITE_DONE);
                }
                commit(&f, txn);
                MUST(&f.err, rdb_purge_run(purge, &f.err));
            }
        }
        MUST(&f.err, rdb_purge_run(purge, &f.err));
        MUST(&f.err, rdb_table_block_count(&f.table, &later, &f.err));
        if (round <= 1)
            blocks = later;
        else
            assert_true(later <= blocks + 2); /* the pages are used again */
    }
    for (uint64_t block = 1; block < later; block++) {
        heap_place place = heap_place_of(&f.table);
        rdb_buffer *buffer;
        MUST(&f.err, rdb_buffer_acquire(f.storage, heap_tag(&place, block), RDB_BUFFER_SHARED, &buffer, &f.err));
        assert_int_not_equal(rdb_buffer_page(buffer)->type, RDB_PAGE_OVERFLOW);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    end_purged(&f, &purge);
}

/* Undo runs over many pages and segments; those behind the tail go. */
static void test_undo_segments_are_dropped(void **state)
{
    (void)state;
    instance f;
    static rdb_datum values[1000][3];
    static bool is_null[1000][3];
    static const rdb_datum *value_rows[1000];
    static const bool *null_rows[1000];
    static rdb_row_address addresses[1000];
    rdb_index_key *keys = calloc(1000, sizeof *keys);
    static uint8_t long_key[2000];
    instance_begin(&f, 4096, 4096);
    create_table(&f);
    toy_create(&f);
    rdb_purge_config config = {.undo = f.undo};
    rdb_purge *purge;
    MUST(&f.err, rdb_purge_open(&purge, &config, &f.err));
    for (int i = 0; i < 1000; i++) {
        fill_values(&(sample){.id = i, .note = "text", .number = i}, values[i], is_null[i]);
        value_rows[i] = values[i];
        null_rows[i] = is_null[i];
        keys[i] = (rdb_index_key){.index_file = TOY_INDEX_FILE, .new_key = {long_key, sizeof long_key}};
    }
    for (int round = 0; round < 5; round++) { /* 2 MB each */
        rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
        MUST(&f.err, rdb_table_insert_many(&f.table, txn, value_rows, null_rows, 1000, keys, 1, addresses, &f.err));
        commit(&f, txn);
    }
    uint64_t first_segment = RDB_FILE_NO(RDB_FILE_UNDO, UINT64_C(1) << 32 | 1), second = first_segment + 1;
    assert_true(backlog(&f) > 5 * 2000 * 1000);
    assert_true(rdb_storage_file_exists(f.storage, PDB, second));
    /* Found again after a crash: nothing of it is lost, and the next record goes behind the last. */
    uint64_t bytes = backlog(&f);
    rdb_purge_close(&purge);
    restart(&f);
    assert_int_equal(backlog(&f), bytes);
    config.undo = f.undo;
    MUST(&f.err, rdb_purge_open(&purge, &config, &f.err));
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    insert(&f, txn, (sample){.id = 5000, .number = 1});
    commit(&f, txn);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_int_equal(backlog(&f), 0);
    assert_false(rdb_storage_file_exists(f.storage, PDB, first_segment));
    assert_false(rdb_storage_file_exists(f.storage, PDB, second));
    txn = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, txn, &rows);
    assert_int_equal(rows.count, 5001);
    rdb_txn_abort(&txn);
    rdb_purge_close(&purge);
    free(keys);
    instance_end(&f);
}

static rdb_page_tag undo_page(uint64_t page_no)
{
    return (rdb_page_tag){.file = RDB_FILE_NO(RDB_FILE_UNDO, UINT64_C(1) << 32 | 1), .block = page_no, .pdb = PDB};
}
static bool is_in_pool(instance *f, uint64_t page_no)
{
    rdb_buffer *buffer = NULL;
    const bool found = rdb_buffer_try_acquire(f->storage, undo_page(page_no), RDB_BUFFER_SHARED, &buffer);
    if (found)
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return found;
}
static void meet_first_log(void *context, const rdb_undo_log_info *info)
{
    if (info->log == 1)
        *(rdb_undo_log_info *)context = *info;
}
/* The page of the first undo log where its records end, after so many rows more. */
static uint64_t insert_rows(instance *f, int count)
{
    rdb_undo_log_info info = {0};
    rdb_txn *txn = begin(f, RDB_READ_COMMITTED);
    for (int i = 0; i < count; i++)
        insert(f, txn, (sample){.id = i, .number = i});
    commit(f, txn);
    rdb_undo_visit_logs(f->undo, meet_first_log, &info);
    return RDB_UNDO_OFFSET(info.end) / 4096;
}

/* What the tail has passed leaves the pool at once, and goes to disk only where a crash may have torn what is there. */
static void test_purged_pages_leave_the_pool(void **state)
{
    (void)state;
    instance f;
    rdb_storage_statistics before, after;
    char path[300];
    uint8_t page[4096], torn[512];
    const char *what = NULL;
    rdb_purge *purge = begin_purged(&f, 1024);
    uint64_t end = insert_rows(&f, 2000);
    assert_true(end > 20 && is_in_pool(&f, 0) && is_in_pool(&f, end - 1));
    rdb_storage_get_statistics(f.storage, &before);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    rdb_storage_get_statistics(f.storage, &after);
    assert_int_equal(after.writes, before.writes);
    for (uint64_t page_no = 0; page_no < end; page_no++)
        assert_false(is_in_pool(&f, page_no));
    assert_true(is_in_pool(&f, end)); /* the next record goes there */

    const uint64_t first = end + 1;
    end = insert_rows(&f, 2000);
    assert_true(end > first + 20);
    rdb_purge_close(&purge);
    restart(&f); /* redo brings them back into the pool */
    snprintf(path, sizeof path, "%s/undo/%u/%llu", f.data_directory, PDB, (unsigned long long)(UINT64_C(1) << 32 | 1));
    memset(torn, 0x5a, sizeof torn);
    const int file = open(path, O_RDWR);
    assert_true(file >= 0);
    for (uint64_t page_no = first; page_no < end; page_no++)
        assert_int_equal(pwrite(file, torn, sizeof torn, (off_t)page_no * 4096), sizeof torn);
    purge = open_purge(&f);
    assert_true(is_in_pool(&f, first) && is_in_pool(&f, end - 1));
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    for (uint64_t page_no = first; page_no < end; page_no++) {
        assert_false(is_in_pool(&f, page_no));
        assert_int_equal(pread(file, page, sizeof page, (off_t)page_no * 4096), sizeof page);
        if (!rdb_page_verify(page, undo_page(page_no), 4096, &what))
            fail_msg("undo page %u: %s", (unsigned)page_no, what);
    }
    close(file);
    end_purged(&f, &purge);
}

typedef struct undo_reading {
    instance *f;
    _Atomic uint32_t stopping;
    _Atomic uint64_t read;
} undo_reading;

/* The records of the first log from its tail on, again and again. */
static void read_undo(void *argument)
{
    undo_reading *reading = argument;
    rdb_error err = {0};
    rdb_undo_reader reader;
    rdb_undo_reader_init(&reader);
    while (atomic_load(&reading->stopping) == 0) {
        rdb_undo_log_info info = {0};
        bool found = true;
        rdb_undo_visit_logs(reading->f->undo, meet_first_log, &info);
        for (rdb_undo_address at = info.tail; found && at < info.end;) {
            rdb_undo_record record;
            MUST(&err, rdb_undo_read(reading->f->undo, PDB, at, &reader, &record, &found, &err)); /* there, or gone */
            if (found)
                at = rdb_undo_after(reading->f->undo, at, record.bytes);
            atomic_fetch_add(&reading->read, 1);
        }
    }
    rdb_undo_reader_deinit(&reader);
}

static void test_readers_meet_purge(void **state)
{
    (void)state;
    enum { READERS = 3 };
    instance f;
    rdb_thread *threads[READERS] = {NULL};
    rdb_purge *purge = begin_purged(&f, 1024);
    undo_reading reading = {.f = &f};
    for (unsigned i = 0; i < READERS; i++)
        MUST(&f.err, rdb_thread_start(&threads[i], "reader", read_undo, &reading, &f.err));
    for (unsigned round = 0; round < 100; round++) {
        const uint64_t read = atomic_load(&reading.read);
        insert_rows(&f, 500);
        while (atomic_load(&reading.read) == read)
            rdb_time_sleep_us(100);
        MUST(&f.err, rdb_purge_run(purge, &f.err));
    }
    atomic_store(&reading.stopping, 1);
    for (unsigned i = 0; i < READERS; i++)
        rdb_thread_join(&threads[i]);
    end_purged(&f, &purge);
}

/* Free space is known again after a restart when VACUUM has been there. */
static void test_sweep_finds_free_space(void **state)
{
    (void)state;
    instance f;
    rdb_snapshot now;
    rdb_xid wait;
    uint64_t blocks, later;
    rdb_table_sweep_result swept;
    rdb_purge *purge = begin_purged(&f, 512);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    for (int i = 0; i < 2000; i++)
        insert(&f, txn, (sample){.id = i, .note = "some text to fill pages with", .number = i});
    commit(&f, txn);
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    scan_with(&f, txn, &now, 64, &rows);
    for (uint32_t i = 0; i < rows.count; i++)
        assert_int_equal(try_delete(&f, txn, &now, rows.addresses[i], rows.versions[i], &wait), RDB_WRITE_DONE);
    commit(&f, txn);
    MUST(&f.err, rdb_undo_purge_now(f.undo, NULL, &f.err)); /* as VACUUM asks for it */
    assert_int_equal(backlog(&f), 0);
    rdb_purge_close(&purge);
    instance_close(&f);
    instance_open(&f);
    MUST(&f.err, rdb_table_sweep(&f.table, NULL, &swept, &f.err));
    blocks = swept.blocks;
    assert_true(blocks > 20 && swept.overflow_blocks == 0 && swept.free_bytes > (blocks - 1) * 3900);
    txn = begin(&f, RDB_READ_COMMITTED);
    for (int i = 0; i < 1900; i++)
        insert(&f, txn, (sample){.id = i, .note = "some text to fill pages with", .number = i});
    commit(&f, txn);
    MUST(&f.err, rdb_table_block_count(&f.table, &later, &f.err));
    assert_int_equal(later, blocks);
    instance_end(&f);
}

/* ---- rows with many versions -------------------------------------------------------------------------------------------- */
enum { MANY_UPDATES = 20000 };

/* Updates one row over and over: mostly to a key of its own, now and then back to an old one, or of no key at all. *key: the one it has. */
static void change_often(instance *f, rdb_txn *txn, rdb_row_address address, uint32_t updates, uint64_t first, uint64_t *key)
{
    const uint64_t began = *key;
    for (uint32_t i = 0; i < updates; i++) {
        uint64_t next = i % 7 == 3 ? began : i % 7 == 5 ? first + i % 11 : first + i;
        if (i % 13 == 1)
            next = *key; /* the row changes, and no index does */
        change_key_or_not(f, txn, address, *key, next);
        *key = next;
    }
}

static uint64_t steps_of(const rdb_purge *purge)
{
    rdb_purge_statistics statistics;
    rdb_purge_get_statistics(purge, &statistics);
    return statistics.chain_steps;
}

static uint32_t removals_left;
static rdb_purge *stopped_purge;
static bool remove_some(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_slice key, rdb_row_address row,
                        bool (*still_needed)(void *context, bool *needed, rdb_error *err), void *context, rdb_error *err)
{
    if (removals_left > 0 && --removals_left == 0)
        atomic_store(&stopped_purge->stopping, true);
    return toy_remove(storage, pdb, file, key, row, still_needed, context, err);
}

/* What an aborted transaction did to one row in thousands of updates is taken back in so many steps, not in their square; told to stop on
 * the way, the reverter stops before the next record, and the next life finishes its work. Another row it had inserted itself. */
static void test_many_aborted_versions_of_a_row(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f, 4096, 1024);
    create_table(&f);
    toy_create(&f);
    rdb_row_address address = insert_indexed(&f, 1);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    uint64_t key = 1, own_key = 2;
    rdb_row_address own = insert_with_key(&f, &f.table, txn, 2, own_key, NULL);
    change_often(&f, txn, own, MANY_UPDATES / 4, 100000, &own_key);
    change_often(&f, txn, address, MANY_UPDATES, 100, &key);
    rdb_txn_abort(&txn);
    /* Stopped in the middle. */
    rdb_purge_config config = {.undo = f.undo, .remove_entry = remove_some};
    MUST(&f.err, rdb_purge_open(&stopped_purge, &config, &f.err));
    removals_left = 700;
    rdb_error stopped = {0};
    assert_false(rdb_purge_run(stopped_purge, &stopped));
    assert_string_equal(stopped.sqlstate, RDB_QUERY_CANCELED);
    rdb_error_clear(&stopped);
    rdb_purge_statistics statistics;
    rdb_purge_get_statistics(stopped_purge, &statistics);
    assert_true(statistics.reverted_records >= 700 && statistics.reverted_records < 1000);
    rdb_purge_close(&stopped_purge);
    restart(&f);
    rdb_purge *purge = open_purge(&f);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    rdb_purge_get_statistics(purge, &statistics);
    assert_int_equal(statistics.reverted_records, MANY_UPDATES + MANY_UPDATES / 4 + 1);
    assert_in_range(steps_of(purge), MANY_UPDATES, 3 * MANY_UPDATES);
    assert_int_equal(toy.count, 1);
    assert_true(toy_find(1, address) >= 0);
    rdb_snapshot now;
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    scan_with(&f, txn, &now, 64, &rows);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.numbers[find_id(&rows, 1)], 1);
    rdb_txn_abort(&txn);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_int_equal(backlog(&f), 0);
    end_purged(&f, &purge);
}

/* The same of commits that an open snapshot kept: half of them in one transaction, half each in its own. Meanwhile others' changes of the
 * row are aborted. */
static void test_many_committed_versions_of_a_row(void **state)
{
    (void)state;
    instance f;
    instance_begin(&f, 4096, 1024);
    create_table(&f);
    toy_create(&f);
    rdb_row_address address = insert_indexed(&f, 1);
    rdb_txn *reader = begin(&f, RDB_REPEATABLE_READ);
    rdb_snapshot old;
    rdb_txn_take_snapshot(reader, &old);
    rdb_purge *purge = open_purge(&f);
    uint64_t key = 1;
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    change_often(&f, txn, address, 4000, 100, &key);
    commit(&f, txn);
    for (uint32_t i = 0; i < 4000; i++) {
        txn = begin(&f, RDB_READ_COMMITTED);
        uint64_t aborted_key = key;
        if (i % 400 == 7) { /* each of these learns the row anew */
            change_often(&f, txn, address, 40, 300000 + i, &aborted_key);
            rdb_txn_abort(&txn);
        } else {
            change_often(&f, txn, address, 1, 10000 + i, &key);
            commit(&f, txn);
        }
    }
    rdb_txn_abort(&reader);
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    assert_in_range(steps_of(purge), 8000, 20 * 8000);
    assert_int_equal(toy.count, 1);
    assert_true(toy_find(key, address) >= 0);
    assert_int_equal(backlog(&f), 0);
    end_purged(&f, &purge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_snapshots_keep_versions), cmocka_unit_test(test_retired_databases_are_left_alone),
        cmocka_unit_test(test_retention_keeps_versions),
        cmocka_unit_test(test_cap_expires_the_oldest_snapshots),
        cmocka_unit_test(test_cap_goes_over_retention),
        cmocka_unit_test(test_reads_as_of_an_scn),
        cmocka_unit_test(test_savepoint_in_two_logs_after_a_crash),
        cmocka_unit_test(test_stopped_between_two_logs),
        cmocka_unit_test(test_crash_between_two_tails),      cmocka_unit_test(test_files_go_with_their_transaction),
        cmocka_unit_test(test_chains_are_freed),             cmocka_unit_test(test_undo_segments_are_dropped),
        cmocka_unit_test(test_purged_pages_leave_the_pool), cmocka_unit_test(test_readers_meet_purge),
        cmocka_unit_test(test_sweep_finds_free_space),
        cmocka_unit_test(test_many_aborted_versions_of_a_row), cmocka_unit_test(test_many_committed_versions_of_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
