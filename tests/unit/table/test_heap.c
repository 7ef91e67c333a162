/* SPDX-License-Identifier: Apache-2.0
 * Rows and who sees them: insert, update, delete, abort, savepoints, conflicts, large and wide rows, rows that move. */
#include "fixture.h"

static scanned rows, other;

static void test_insert_is_seen_after_commit_only(void **state)
{
    instance f;
    (void)state;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *writer = begin(&f, RDB_READ_COMMITTED), *reader = begin(&f, RDB_READ_COMMITTED);
    insert(&f, writer, (sample){.id = 1, .note = "one", .number = 11});
    insert(&f, writer, (sample){.id = 2, .number = 22});
    scan_now(&f, reader, &rows);
    assert_int_equal(rows.count, 0);
    scan_now(&f, writer, &rows);
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.ids[0], 1);
    assert_memory_equal(rows.notes[0].data, "one", 3);
    assert_false(rows.note_null[0]);
    assert_true(rows.note_null[1]);
    assert_int_equal(rows.numbers[1], 22);
    rdb_snapshot before;
    rdb_txn_take_snapshot(reader, &before);
    rdb_scn scn = commit(&f, writer);
    assert_int_equal(rdb_txn_published_scn(f.txns), scn);
    scan_with(&f, reader, &before, 64, &rows);
    assert_int_equal(rows.count, 0);
    scan_now(&f, reader, &rows);
    assert_int_equal(rows.count, 2);
    scan_now(&f, reader, &rows); /* once more: now the page is settled */
    assert_int_equal(rows.count, 2);
    rdb_txn_abort(&reader);
    instance_end(&f);
}

/* A statement does not meet its own changes; a later one does (R8). */
static void test_own_changes_by_position(void **state)
{
    instance f;
    rdb_snapshot first, second;
    rdb_xid wait;
    rdb_row_version version;
    (void)state;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    insert(&f, txn, (sample){.id = 1, .note = "a", .number = 1});
    rdb_txn_take_snapshot(txn, &first);
    scan_with(&f, txn, &first, 64, &rows);
    assert_int_equal(rows.count, 1);
    insert(&f, txn, (sample){.id = 2, .note = "b", .number = 2});
    assert_int_equal(try_update(&f, txn, &first, rows.addresses[0], rows.versions[0], (sample){.id = 1, .note = "changed", .number = 9}, &wait, &version), RDB_WRITE_DONE);
    scan_with(&f, txn, &first, 64, &other);
    assert_int_equal(other.count, 1);
    assert_int_equal(other.numbers[0], 1);
    assert_int_equal(other.notes[0].length, 1);
    /* The same statement meets the row again through another join partner. */
    assert_int_equal(try_update(&f, txn, &first, rows.addresses[0], rows.versions[0], (sample){.id = 1, .note = "again", .number = 10}, &wait, &version), RDB_WRITE_SELF);
    rdb_txn_take_snapshot(txn, &second);
    scan_with(&f, txn, &second, 64, &other);
    assert_int_equal(other.count, 2);
    assert_int_equal(other.numbers[0], 9);
    assert_memory_equal(other.notes[0].data, "changed", 7);
    commit(&f, txn);
    instance_end(&f);
}

static void test_old_snapshots_read_old_versions(void **state)
{
    instance f;
    rdb_snapshot snapshots[6];
    rdb_xid wait;
    rdb_row_version version;
    (void)state;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED), *reader = begin(&f, RDB_REPEATABLE_READ);
    rdb_row_address address = insert(&f, txn, (sample){.id = 1, .note = "version 0", .number = 0});
    commit(&f, txn);
    for (int i = 0; i < 6; i++) {
        rdb_txn_take_snapshot(reader, &snapshots[i]);
        rdb_txn_hold_snapshot(reader, &snapshots[i]);
        txn = begin(&f, RDB_READ_COMMITTED);
        scan_now(&f, txn, &rows);
        assert_int_equal(rows.count, 1);
        char note[32];
        snprintf(note, sizeof note, "version %d%.*s", i + 1, i * 2, "xxxxxxxxxxxx");
        rdb_snapshot now;
        rdb_txn_take_snapshot(txn, &now);
        if (i < 5)
            assert_int_equal(try_update(&f, txn, &now, address, rows.versions[0], (sample){.id = 1, .note = note, .number = i + 1}, &wait, &version), RDB_WRITE_DONE);
        else
            assert_int_equal(try_delete(&f, txn, &now, address, rows.versions[0], &wait), RDB_WRITE_DONE);
        commit(&f, txn);
    }
    for (int i = 5; i >= 0; i--) {
        scan_with(&f, reader, &snapshots[i], 64, &rows);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.numbers[0], i);
        assert_int_equal(rows.notes[0].data[8], '0' + i);
    }
    assert_true(rdb_txn_horizon(f.txns) <= snapshots[0].scn);
    rdb_txn_take_snapshot(reader, &snapshots[0]);
    scan_with(&f, reader, &snapshots[0], 64, &rows);
    assert_int_equal(rows.count, 0);
    commit(&f, reader);
    instance_end(&f);
}

static void test_abort_and_savepoints(void **state)
{
    instance f;
    rdb_xid wait;
    rdb_row_version version;
    uint32_t level;
    (void)state;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    rdb_row_address address = insert(&f, txn, (sample){.id = 1, .note = "good", .number = 1});
    commit(&f, txn);
    /* An aborted update is stepped over, then written over: the link goes to the good version (R12). */
    for (int i = 0; i < 3; i++) {
        txn = begin(&f, RDB_READ_COMMITTED);
        scan_now(&f, txn, &rows);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.numbers[0], 1);
        assert_memory_equal(rows.notes[0].data, "good", 4);
        rdb_snapshot now;
        rdb_txn_take_snapshot(txn, &now);
        if (i == 1)
            assert_int_equal(try_delete(&f, txn, &now, address, rows.versions[0], &wait), RDB_WRITE_DONE);
        else
            assert_int_equal(try_update(&f, txn, &now, address, rows.versions[0], (sample){.id = 1, .note = "a bad one that is longer", .number = 99 + i}, &wait, &version), RDB_WRITE_DONE);
        insert(&f, txn, (sample){.id = 50 + i, .note = "never", .number = 1});
        rdb_txn_abort(&txn);
    }
    /* Savepoints: what was rolled back is gone for its own transaction at once. */
    txn = begin(&f, RDB_READ_COMMITTED);
    insert(&f, txn, (sample){.id = 2, .note = "kept", .number = 2});
    MUST(&f.err, rdb_txn_push_level(txn, &level, &f.err));
    insert(&f, txn, (sample){.id = 3, .note = "rolled back", .number = 3});
    scan_now(&f, txn, &rows);
    assert_int_equal(rows.count, 3);
    rdb_snapshot now;
    rdb_txn_take_snapshot(txn, &now);
    int32_t at = find_id(&rows, 2);
    assert_int_equal(try_update(&f, txn, &now, rows.addresses[at], rows.versions[at], (sample){.id = 2, .note = "changed in the savepoint", .number = 22}, &wait, &version), RDB_WRITE_DONE);
    rdb_txn_rollback_level(txn, level);
    scan_now(&f, txn, &rows);
    assert_int_equal(rows.count, 2);
    at = find_id(&rows, 2);
    assert_int_equal(rows.numbers[at], 2);
    MUST(&f.err, rdb_txn_push_level(txn, &level, &f.err));
    insert(&f, txn, (sample){.id = 4, .note = "released", .number = 4});
    rdb_txn_take_snapshot(txn, &now);
    /* over the stamp of the rolled-back savepoint */
    assert_int_equal(try_update(&f, txn, &now, rows.addresses[at], rows.versions[at], (sample){.id = 2, .note = "last", .number = 23}, &wait, &version), RDB_WRITE_DONE);
    rdb_txn_release_level(txn, level);
    commit(&f, txn);
    txn = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, txn, &rows);
    assert_int_equal(rows.count, 3);
    assert_int_equal(rows.numbers[find_id(&rows, 2)], 23);
    assert_int_equal(rows.numbers[find_id(&rows, 4)], 4);
    assert_int_equal(find_id(&rows, 3), -1);
    rdb_txn_abort(&txn);
    instance_end(&f);
}

static void test_write_conflicts(void **state)
{
    instance f;
    rdb_xid wait, first_xid;
    rdb_row_version version;
    rdb_snapshot snapshot;
    (void)state;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    rdb_row_address address = insert(&f, txn, (sample){.id = 1, .note = "base", .number = 1});
    commit(&f, txn);
    rdb_txn *a = begin(&f, RDB_READ_COMMITTED), *b = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, a, &rows);
    rdb_row_version seen = rows.versions[0];
    rdb_txn_take_snapshot(a, &snapshot);
    assert_int_equal(try_update(&f, a, &snapshot, address, seen, (sample){.id = 1, .note = "by a", .number = 2}, &wait, &version), RDB_WRITE_DONE);
    first_xid = rdb_txn_xid(a);
    rdb_txn_take_snapshot(b, &snapshot);
    assert_int_equal(try_update(&f, b, &snapshot, address, seen, (sample){.id = 1, .note = "by b", .number = 3}, &wait, &version), RDB_WRITE_WAIT);
    assert_int_equal(wait, first_xid);
    assert_int_equal(try_delete(&f, b, &snapshot, address, seen, &wait), RDB_WRITE_WAIT);
    commit(&f, a);
    assert_int_equal(try_update(&f, b, &snapshot, address, seen, (sample){.id = 1, .note = "by b", .number = 3}, &wait, &version), RDB_WRITE_CHANGED);
    static const int16_t columns[] = {3};
    rdb_vector number, *vectors[] = {&number};
    bool found;
    MUST(&f.err, rdb_vector_init(&number, f.batch, RDB_REP_INT32, 2, &f.err));
    MUST(&f.err, rdb_table_fetch_latest(&f.table, b, address, columns, 1, f.batch, vectors, &found, &version, &f.err));
    assert_true(found);
    assert_int_equal(RDB_VALUES(&number, int32_t)[0], 2);
    assert_int_equal(try_delete(&f, b, &snapshot, address, version, &wait), RDB_WRITE_DONE);
    /* Another one sees an uncertain row: the deleted one in place, the committed one below. */
    rdb_txn *c = begin(&f, RDB_READ_COMMITTED);
    bool in_place, committed;
    rdb_row_status status;
    MUST(&f.err, rdb_table_check_row(&f.table, c, address, columns, 1, f.batch, vectors, &in_place, &committed, &status, &wait, &f.err));
    assert_false(in_place);
    assert_true(committed);
    assert_int_equal(status, RDB_ROW_UNCERTAIN);
    assert_int_equal(wait, rdb_txn_xid(b));
    assert_int_equal(RDB_VALUES(&number, int32_t)[1], 2);
    commit(&f, b);
    MUST(&f.err, rdb_table_check_row(&f.table, c, address, columns, 1, f.batch, vectors, &in_place, &committed, &status, &wait, &f.err));
    assert_int_equal(status, RDB_ROW_DEAD);
    rdb_txn_take_snapshot(c, &snapshot);
    assert_int_equal(try_update(&f, c, &snapshot, address, version, (sample){.id = 1, .number = 5}, &wait, &version), RDB_WRITE_GONE);
    rdb_txn_abort(&c);
    instance_end(&f);
}

/* Rows that grow leave their page and come back; old snapshots still read them at home. */
static void test_rows_move(void **state)
{
    instance f;
    rdb_xid wait;
    rdb_row_version version;
    rdb_snapshot start, now;
    (void)state;
    static char long_note[1500];
    memset(long_note, 'x', sizeof long_note);
    for (size_t i = 0; i < sizeof long_note; i++)
        long_note[i] = (char)('a' + (i * 7919 + i / 13) % 26);
    for (int round = 0; round < 2; round++) { /* the second time the change is undone */
        instance_begin(&f, 4096, 256);
        create_table(&f);
        rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
        for (int i = 0; i < 60; i++)
            insert(&f, txn, (sample){.id = i, .note = "short", .number = i});
        commit(&f, txn);
        rdb_txn *reader = begin(&f, RDB_REPEATABLE_READ);
        rdb_txn_take_snapshot(reader, &start);
        for (int step = 0; step < 4; step++) { /* long, longer, short, long */
            static const uint32_t lengths[] = {900, 1500, 10, 1200};
            txn = begin(&f, RDB_READ_COMMITTED);
            scan_now(&f, txn, &rows);
            assert_int_equal(rows.count, 60);
            rdb_txn_take_snapshot(txn, &now);
            for (uint32_t i = 0; i < rows.count; i++)
                assert_int_equal(try_update(&f, txn, &now, rows.addresses[i], rows.versions[i],
                                            (sample){.id = rows.ids[i], .note = long_note, .note_length = lengths[step], .number = step},
                                            &wait, &version), RDB_WRITE_DONE);
            scan_now(&f, txn, &rows);
            assert_int_equal(rows.count, 60);
            for (uint32_t i = 0; i < rows.count; i++) {
                assert_int_equal(rows.notes[i].length, lengths[step]);
                assert_memory_equal(rows.notes[i].data, long_note, lengths[step]);
            }
            if (round == 0)
                commit(&f, txn);
            else
                rdb_txn_abort(&txn);
        }
        scan_with(&f, reader, &start, 7, &rows);
        assert_int_equal(rows.count, 60);
        for (uint32_t i = 0; i < rows.count; i++) {
            assert_int_equal(rows.notes[i].length, 5);
            assert_int_equal(rows.numbers[i], rows.ids[i]);
        }
        scan_now(&f, reader, &rows);
        assert_int_equal(rows.count, 60);
        assert_int_equal(rows.notes[30].length, round == 0 ? 1200 : 5);
        rdb_txn_abort(&reader);
        instance_end(&f);
    }
}

static void test_large_values(void **state)
{
    instance f;
    rdb_xid wait;
    rdb_row_version version;
    rdb_snapshot start, now;
    (void)state;
    enum { LARGE = 300000 };
    char *text = malloc(LARGE), *noise = malloc(LARGE);
    rdb_random random;
    rdb_random_seed(&random, 1);
    for (size_t i = 0; i < LARGE; i++) {
        text[i] = "the quick brown fox "[i % 20];
        noise[i] = (char)rdb_random_next(&random);
    }
    static const uint32_t lengths[] = {1, 2000, 2100, 4000, 5000, 20000, LARGE};
    instance_begin(&f, 4096, 512);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    for (uint32_t i = 0; i < RDB_COUNT_OF(lengths); i++) {
        insert(&f, txn, (sample){.id = i, .note = text, .note_length = lengths[i], .number = 0});
        insert(&f, txn, (sample){.id = 100 + i, .note = noise, .note_length = lengths[i], .number = 0});
    }
    commit(&f, txn);
    rdb_txn *reader = begin(&f, RDB_REPEATABLE_READ);
    rdb_txn_take_snapshot(reader, &start);
    txn = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, txn, &rows);
    assert_int_equal(rows.count, 2 * RDB_COUNT_OF(lengths));
    rdb_txn_take_snapshot(txn, &now);
    for (uint32_t i = 0; i < rows.count; i++)
        assert_int_equal(try_update(&f, txn, &now, rows.addresses[i], rows.versions[i], (sample){.id = rows.ids[i], .note = "small", .number = 1}, &wait, &version), RDB_WRITE_DONE);
    commit(&f, txn);
    scan_with(&f, reader, &start, 3, &rows);
    assert_int_equal(rows.count, 2 * RDB_COUNT_OF(lengths));
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t length = lengths[rows.ids[i] % 100];
        assert_int_equal(rows.notes[i].length, length);
        assert_memory_equal(rows.notes[i].data, rows.ids[i] >= 100 ? noise : text, length);
    }
    scan_now(&f, reader, &rows);
    assert_int_equal(rows.notes[5].length, 5);
    rdb_txn_abort(&reader);
    free(text);
    free(noise);
    instance_end(&f);
}

/* 1,600 columns of eight bytes do not fit a page of 4 KiB. */
static void test_wide_rows(void **state)
{
    instance f;
    (void)state;
    enum { COLUMNS = 1600 };
    instance_begin(&f, 4096, 256);
    rdb_rep reps[COLUMNS];
    for (unsigned i = 0; i < COLUMNS; i++)
        reps[i] = i % 5 == 4 ? RDB_REP_BYTES : RDB_REP_INT64;
    describe_table(&f, reps, COLUMNS, TABLE_FILE);
    create_table(&f);
    rdb_datum *values = calloc(COLUMNS, sizeof *values);
    bool *is_null = calloc(COLUMNS, 1);
    for (unsigned i = 0; i < COLUMNS; i++) {
        if (reps[i] == RDB_REP_BYTES)
            values[i].bytes = (rdb_bytes){(const uint8_t *)"0123456789", i % 11, 0};
        else
            values[i].i64 = (int64_t)i * 1000003;
        is_null[i] = i % 17 == 3;
    }
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    rdb_row_address address;
    rdb_row_version version;
    MUST(&f.err, rdb_table_insert(&f.table, txn, values, is_null, NULL, 0, &address, &version, &f.err));
    int16_t columns[] = {1, 1600, 4, 777, RDB_COLUMN_CTID, RDB_COLUMN_XMIN, RDB_COLUMN_TABLEOID, RDB_COLUMN_SCN};
    rdb_vector store[8], *vectors[8];
    static const rdb_rep column_reps[] = {RDB_REP_INT64, RDB_REP_BYTES, RDB_REP_INT64, RDB_REP_INT64, RDB_REP_FIXED16, RDB_REP_INT32, RDB_REP_INT32, RDB_REP_INT64};
    for (unsigned i = 0; i < 8; i++) {
        MUST(&f.err, rdb_vector_init(&store[i], f.batch, column_reps[i], 1, &f.err));
        vectors[i] = &store[i];
    }
    bool found, recheck;
    rdb_snapshot snapshot;
    for (int round = 0; round < 2; round++) {
        rdb_txn_take_snapshot(txn, &snapshot);
        MUST(&f.err, rdb_table_fetch(&f.table, txn, &snapshot, &address, 1, columns, 8, f.batch, vectors, &found, &recheck, &version, &f.err));
        assert_true(found);
        assert_false(recheck);
        assert_int_equal(RDB_VALUES(&store[0], int64_t)[0], round == 0 ? 0 : 42);
        assert_int_equal(RDB_VALUES(&store[1], rdb_bytes)[0].length, 1599 % 11);
        assert_true(rdb_vector_is_null(&store[2], 0));
        assert_int_equal(RDB_VALUES(&store[3], int64_t)[0], 776 * 1000003);
        assert_int_equal(RDB_VALUES(&store[6], int32_t)[0], 16400);
        assert_true(rdb_vector_is_null(&store[7], 0));
        values[0].i64 = 42;
        rdb_write_outcome outcome;
        rdb_xid wait;
        if (round == 0)
            MUST(&f.err, rdb_table_update(&f.table, txn, &snapshot, address, version, values, is_null, NULL, 0, false, &outcome, &wait, &version, &f.err));
    }
    commit(&f, txn);
    free(values);
    free(is_null);
    instance_end(&f);
}

/* Rows fetched one by one: every width, nulls in every combination, short rows and long ones, some of the columns and all, in another order
 * than they were stored; the same together. */
static void test_rows_one_by_one(void **state)
{
    (void)state;
    enum { COLUMNS = 8, ROWS = 1 << COLUMNS };
    static const rdb_rep reps[COLUMNS] = {RDB_REP_BYTES, RDB_REP_BOOL, RDB_REP_INT16, RDB_REP_BYTES, RDB_REP_INT32, RDB_REP_INT64, RDB_REP_FIXED16, RDB_REP_BYTES};
    static const int16_t WANTED[] = {8, 3, 1, 6, 4, 2, 7, 5};
    static char text[300];
    static rdb_row_address addresses[ROWS];
    instance f;
    instance_begin(&f, 4096, 256);
    describe_table(&f, reps, COLUMNS, TABLE_FILE);
    create_table(&f);
    memset(text, 'x', sizeof text);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    for (uint32_t row = 0; row < ROWS; row++) {
        rdb_datum values[COLUMNS];
        bool is_null[COLUMNS];
        memset(values, 0, sizeof values);
        for (uint32_t c = 0; c < COLUMNS; c++) {
            is_null[c] = (row >> c & 1) != 0;
            memset(values[c].fixed, (int)(row * 7 + c), rdb_rep_width(reps[c])); /* of a bool, any byte that is not 0 */
            if (reps[c] == RDB_REP_BYTES)
                values[c].bytes = (rdb_bytes){(const uint8_t *)text, (row * 13 + c) % (row % 2 ? 20 : sizeof text), 0};
        }
        MUST(&f.err, rdb_table_insert(&f.table, txn, values, is_null, NULL, 0, &addresses[row], NULL, &f.err));
    }
    rdb_snapshot snapshot;
    rdb_txn_take_snapshot(txn, &snapshot);
    for (uint32_t wanted = 1; wanted <= COLUMNS; wanted++) {
        rdb_vector store[COLUMNS], *vectors[COLUMNS];
        static bool found[ROWS], recheck[ROWS];
        static rdb_row_version versions[ROWS];
        for (uint32_t i = 0; i < wanted; i++) {
            MUST(&f.err, rdb_vector_init(&store[i], f.batch, reps[WANTED[i] - 1], ROWS, &f.err));
            vectors[i] = &store[i];
        }
        MUST(&f.err, rdb_table_fetch(&f.table, txn, &snapshot, addresses, ROWS, WANTED, (uint16_t)wanted, f.batch, vectors, found, recheck, versions, &f.err));
        for (uint32_t row = 0; row < ROWS; row++) {
            assert_true(found[row]);
            for (uint32_t i = 0; i < wanted; i++) {
                const uint32_t c = (uint32_t)WANTED[i] - 1;
                assert_int_equal(rdb_vector_is_null(&store[i], row), row >> c & 1);
                if ((row >> c & 1) != 0)
                    continue;
                if (reps[c] == RDB_REP_BYTES) {
                    const rdb_bytes bytes = RDB_VALUES(&store[i], rdb_bytes)[row];
                    assert_int_equal(bytes.length, (row * 13 + c) % (row % 2 ? 20 : sizeof text));
                    assert_memory_equal(bytes.data, text, bytes.length);
                } else {
                    uint8_t bytes[16];
                    memset(bytes, (int)(row * 7 + c), sizeof bytes);
                    assert_memory_equal((const uint8_t *)store[i].values + (size_t)row * rdb_rep_width(reps[c]), bytes, rdb_rep_width(reps[c]));
                }
            }
        }
        rdb_arena_reset(f.batch);
    }
    commit(&f, txn);
    instance_end(&f);
}

static void test_insert_many(void **state)
{
    instance f;
    (void)state;
    enum { ROWS = 3000 };
    instance_begin(&f, 4096, 512);
    create_table(&f);
    static rdb_datum values[ROWS][3];
    static bool is_null[ROWS][3];
    static const rdb_datum *value_rows[ROWS];
    static const bool *null_rows[ROWS];
    static rdb_row_address addresses[ROWS];
    char *noise = malloc(9000);
    for (unsigned i = 0; i < 9000; i++)
        noise[i] = (char)(i * 2654435761u >> 13);
    for (unsigned i = 0; i < ROWS; i++) {
        fill_values(&(sample){.id = i, .note = i % 500 == 250 ? noise : "some text", .note_length = i % 500 == 250 ? 9000 : 1 + i % 9, .number = -(int)i}, values[i], is_null[i]);
        value_rows[i] = values[i];
        null_rows[i] = is_null[i];
    }
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    MUST(&f.err, rdb_table_insert_many(&f.table, txn, value_rows, null_rows, ROWS, NULL, 0, addresses, &f.err));
    scan_now(&f, txn, &rows);
    assert_int_equal(rows.count, ROWS);
    for (unsigned i = 0; i < ROWS; i++) {
        int32_t at = find_id(&rows, i);
        assert_true(at >= 0);
        assert_int_equal(rows.addresses[at], addresses[i]);
        assert_int_equal(rows.notes[at].length, values[i][1].bytes.length);
        assert_memory_equal(rows.notes[at].data, values[i][1].bytes.data, values[i][1].bytes.length);
        assert_int_equal(rows.numbers[at], -(int)i);
    }
    rdb_txn_abort(&txn);
    txn = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, txn, &rows);
    assert_int_equal(rows.count, 0);
    rdb_txn_abort(&txn);
    free(noise);
    instance_end(&f);
}

/* A crash: the unfinished transaction never was, the finished ones are there, xids and SCNs go on above. */
static void test_recovery(void **state)
{
    instance f;
    rdb_xid wait;
    rdb_row_version version;
    rdb_snapshot now;
    (void)state;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    for (int i = 0; i < 200; i++)
        insert(&f, txn, (sample){.id = i, .note = "committed", .number = i});
    rdb_xid old_xid = rdb_txn_xid(txn);
    rdb_scn scn = commit(&f, txn);
    txn = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, txn, &rows);
    rdb_txn_take_snapshot(txn, &now);
    for (int i = 0; i < 100; i++)
        assert_int_equal(try_update(&f, txn, &now, rows.addresses[i], rows.versions[i], (sample){.id = rows.ids[i], .note = "lost in the crash", .number = -1}, &wait, &version), RDB_WRITE_DONE);
    insert(&f, txn, (sample){.id = 1000, .note = "lost too", .number = 0});
    rdb_xid lost_xid = rdb_txn_xid(txn);
    instance_close(&f); /* the transaction never ends */
    instance_open(&f);
    assert_true(rdb_txn_published_scn(f.txns) >= scn);
    rdb_undo_statistics statistics;
    MUST(&f.err, rdb_undo_attach(f.undo, PDB, &f.err));
    rdb_undo_get_statistics(f.undo, &statistics);
    assert_int_equal(statistics.jobs, 1);
    txn = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, txn, &rows);
    assert_int_equal(rows.count, 200);
    for (uint32_t i = 0; i < rows.count; i++) {
        assert_int_equal(rows.numbers[i], rows.ids[i]);
        assert_int_equal(rows.notes[i].length, 9);
    }
    rdb_xid_state xid_state;
    rdb_scn found_scn;
    MUST(&f.err, rdb_txn_resolve(f.txns, PDB, lost_xid, &xid_state, &found_scn, &f.err));
    assert_int_equal(xid_state, RDB_XID_ABORTED);
    MUST(&f.err, rdb_txn_resolve(f.txns, PDB, old_xid, &xid_state, &found_scn, &f.err));
    assert_int_equal(xid_state, RDB_XID_COMMITTED);
    assert_int_equal(found_scn, scn);
    rdb_txn_take_snapshot(txn, &now);
    assert_int_equal(try_update(&f, txn, &now, rows.addresses[0], rows.versions[0], (sample){.id = 0, .note = "after", .number = 7}, &wait, &version), RDB_WRITE_DONE);
    assert_true(rdb_txn_xid(txn) > lost_xid);
    assert_true(commit(&f, txn) > scn);
    txn = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, txn, &rows);
    assert_int_equal(rows.count, 200);
    assert_int_equal(rows.numbers[find_id(&rows, 0)], 7);
    rdb_txn_abort(&txn);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert_is_seen_after_commit_only),
        cmocka_unit_test(test_own_changes_by_position),
        cmocka_unit_test(test_old_snapshots_read_old_versions),
        cmocka_unit_test(test_abort_and_savepoints),
        cmocka_unit_test(test_write_conflicts),
        cmocka_unit_test(test_rows_move),
        cmocka_unit_test(test_large_values),
        cmocka_unit_test(test_wide_rows),
        cmocka_unit_test(test_rows_one_by_one),
        cmocka_unit_test(test_insert_many),
        cmocka_unit_test(test_recovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
