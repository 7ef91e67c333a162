/* SPDX-License-Identifier: Apache-2.0
 * Rows of several layouts in one table, columns of every width, scans that begin anew and go elsewhere, files that took another's place,
 * and maps of pages that all see under writers. */
#include "fixture.h"

#include "txn/rdb_lock.h"

static scanned all;

/* ---- columns ------------------------------------------------------------------------------------------------------------------------- */
enum { COLUMNS = 9 };
static const rdb_rep REPS[COLUMNS] = {RDB_REP_BOOL, RDB_REP_INT8, RDB_REP_INT16, RDB_REP_INT32, RDB_REP_INT64, RDB_REP_FLOAT32, RDB_REP_FLOAT64, RDB_REP_FIXED16, RDB_REP_BYTES};

static void value_of(uint32_t row, uint32_t column, rdb_datum *value, bool *is_null)
{
    static char texts[64][24];
    memset(value, 0, sizeof *value);
    *is_null = (row + column) % 7 == 6;
    const uint64_t bits = rdb_hash64(&(uint32_t){row * 16 + column}, 4, 0);
    if (REPS[column] == RDB_REP_BOOL)
        value->b = row % 2 == 0;
    else if (REPS[column] == RDB_REP_BYTES) {
        snprintf(texts[row % 64], sizeof texts[0], "text %u", row);
        value->bytes = (rdb_bytes){(const uint8_t *)texts[row % 64], (uint32_t)strlen(texts[row % 64]), 0};
    } else if (REPS[column] == RDB_REP_FLOAT32) {
        value->f4 = (float)row / 3;
    } else if (REPS[column] == RDB_REP_FLOAT64) {
        value->f8 = (double)row / 7;
    } else {
        memcpy(value, &bits, rdb_rep_width(REPS[column]) < 8 ? rdb_rep_width(REPS[column]) : 8);
        if (REPS[column] == RDB_REP_FIXED16)
            memcpy(value->fixed + 8, &bits, 8);
    }
}

static void check_value(const rdb_vector *vector, uint32_t at, const rdb_datum *value, bool is_null, uint32_t column)
{
    assert_int_equal(rdb_vector_is_null(vector, at), is_null);
    if (is_null)
        return;
    if (REPS[column] == RDB_REP_BYTES) {
        const rdb_bytes *bytes = &RDB_VALUES(vector, rdb_bytes)[at];
        assert_int_equal(bytes->length, value->bytes.length);
        assert_memory_equal(bytes->data, value->bytes.data, bytes->length);
        return;
    }
    const uint32_t width = rdb_rep_width(REPS[column]);
    assert_memory_equal((const uint8_t *)vector->values + (size_t)at * width, value, width);
}

/* The first layout has the columns in another order and without the last two; what its rows lack reads as what the second says. */
static void test_rows_of_two_layouts(void **state)
{
    (void)state;
    enum { ROWS = 60 };
    static const char absent[] = "absent";
    instance f;
    rdb_rep old_reps[COLUMNS - 2];
    int16_t old_slots[COLUMNS], new_slots[COLUMNS], columns[COLUMNS];
    uint8_t reps[COLUMNS];
    rdb_datum missing[COLUMNS], values[COLUMNS];
    bool missing_is_null[COLUMNS], is_null[COLUMNS];
    rdb_row_address addresses[ROWS];
    instance_begin(&f, 4096, 256);
    create_table(&f);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        reps[i] = (uint8_t)REPS[i];
        new_slots[i] = (int16_t)i;
        columns[i] = (int16_t)(i + 1);
        old_slots[i] = i < COLUMNS - 2 ? (int16_t)(COLUMNS - 3 - i) : (int16_t)-1;
        missing[i] = (rdb_datum){.words = {0, 0}};
        missing_is_null[i] = i < COLUMNS - 2;
    }
    for (uint32_t i = 0; i < COLUMNS - 2; i++)
        old_reps[old_slots[i]] = REPS[i];
    memset(missing[COLUMNS - 2].fixed, 0x5a, 16);
    missing[COLUMNS - 1].bytes = (rdb_bytes){(const uint8_t *)absent, sizeof absent - 1, 0};
    const rdb_table_layout first = {.rows = rdb_row_layout_create(f.arena, old_reps, COLUMNS - 2), .slots = old_slots, .missing = missing, .missing_is_null = missing_is_null};
    const rdb_table_layout second = {.rows = rdb_row_layout_create(f.arena, REPS, COLUMNS), .slots = new_slots};
    const rdb_table_layout *layouts[] = {&first, &second};
    rdb_table table = f.table;
    table.attribute_count = COLUMNS;
    table.layouts = layouts;
    table.layout_count = 2;
    table.reps = reps;
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    for (uint32_t row = 0; row < ROWS; row++) {
        table.current_layout = row % 3 == 0 ? 0 : 1;
        for (uint32_t i = 0; i < COLUMNS; i++)
            value_of(row, i, &values[i], &is_null[i]);
        MUST(&f.err, rdb_table_insert(&table, txn, values, is_null, NULL, 0, &addresses[row], NULL, &f.err));
    }
    commit(&f, txn);
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_snapshot now;
    rdb_vector store[COLUMNS], *vectors[COLUMNS];
    bool found[ROWS];
    rdb_txn_take_snapshot(txn, &now);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        vectors[i] = &store[i];
        MUST(&f.err, rdb_vector_init(&store[i], f.batch, REPS[i], ROWS, &f.err));
    }
    for (uint32_t way = 0; way < 2; way++) { /* by a scan, and by their addresses */
        rdb_table_scan *scan = NULL;
        uint32_t count = ROWS;
        if (way == 0) {
            MUST(&f.err, rdb_table_scan_open(&scan, &table, txn, &now, columns, COLUMNS, 0, UINT64_MAX, f.batch, &f.err));
            MUST(&f.err, rdb_table_scan_next(scan, ROWS, f.batch, vectors, NULL, NULL, &count, &f.err));
            assert_int_equal(count, ROWS);
        } else {
            MUST(&f.err, rdb_table_fetch(&table, txn, &now, addresses, ROWS, columns, COLUMNS, f.batch, vectors, found, NULL, NULL, &f.err));
        }
        for (uint32_t row = 0; row < ROWS; row++)
            for (uint32_t i = 0; i < COLUMNS; i++) {
                rdb_datum value;
                bool null;
                value_of(row, i, &value, &null);
                const bool is_missing = row % 3 == 0 && i >= COLUMNS - 2;
                check_value(vectors[i], row, is_missing ? &missing[i] : &value, is_missing ? false : null, i);
            }
        rdb_table_scan_close(&scan);
    }
    /* A row of a layout that nobody knows is damage. */
    table.layout_count = 1;
    table.current_layout = 0;
    rdb_error err = {0};
    assert_false(rdb_table_fetch(&table, txn, &now, addresses, ROWS, columns, COLUMNS, f.batch, vectors, found, NULL, NULL, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    /* A column that there is not, and those that the system has. */
    const int16_t system[] = {RDB_COLUMN_CTID, RDB_COLUMN_XMIN, RDB_COLUMN_CMIN, RDB_COLUMN_XMAX, RDB_COLUMN_TABLEOID, RDB_COLUMN_SCN};
    static const rdb_rep SYSTEM_REPS[] = {RDB_REP_FIXED16, RDB_REP_INT32, RDB_REP_INT32, RDB_REP_INT32, RDB_REP_INT32, RDB_REP_INT64};
    table.layout_count = 2;
    for (uint32_t i = 0; i < RDB_COUNT_OF(system); i++)
        MUST(&f.err, rdb_vector_init(&store[i], f.batch, SYSTEM_REPS[i], ROWS, &f.err));
    MUST(&f.err, rdb_table_fetch(&table, txn, &now, addresses, ROWS, system, RDB_COUNT_OF(system), f.batch, vectors, found, NULL, NULL, &f.err));
    for (uint32_t row = 0; row < ROWS; row++) {
        assert_true(RDB_VALUES(&store[1], uint32_t)[row] == RDB_VALUES(&store[1], uint32_t)[0] && RDB_VALUES(&store[1], uint32_t)[row] != 0);
        assert_int_equal(RDB_VALUES(&store[2], uint32_t)[row], 0);
        assert_int_equal(RDB_VALUES(&store[3], uint32_t)[row], 0);
        assert_int_equal(RDB_VALUES(&store[4], uint32_t)[row], table.relation_oid);
        assert_true((rdb_scn)RDB_VALUES(&store[5], int64_t)[row] <= now.scn);
    }
    const int16_t unknown[] = {-50};
    assert_false(rdb_table_fetch(&table, txn, &now, addresses, 1, unknown, 1, f.batch, vectors, found, NULL, NULL, &err));
    assert_string_equal(err.sqlstate, RDB_INTERNAL_ERROR);
    rdb_error_clear(&err);
    rdb_txn_abort(&txn);
    instance_end(&f);
}

/* ---- scans --------------------------------------------------------------------------------------------------------------------------- */
static uint32_t count_on(instance *f, rdb_table_scan *scan, rdb_vector **vectors, int64_t *sum)
{
    uint32_t count, rows = 0;
    *sum = 0;
    do {
        MUST(&f->err, rdb_table_scan_next(scan, 32, f->batch, vectors, NULL, NULL, &count, &f->err));
        for (uint32_t i = 0; i < count; i++)
            *sum += RDB_VALUES(vectors[0], int64_t)[i];
        rows += count;
    } while (count > 0);
    return rows;
}

/* A scan begins again, and goes on with blocks that it is sent to: together they give each row once. */
static void test_scans_move(void **state)
{
    (void)state;
    enum { ROWS = 900 };
    static const int16_t columns[] = {1};
    instance f;
    rdb_snapshot now;
    rdb_vector store, *vectors[] = {&store};
    rdb_table_scan *scan;
    uint64_t first, end;
    int64_t sum, sums = 0;
    uint32_t rows = 0;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    for (int64_t i = 1; i <= ROWS; i++)
        insert(&f, txn, (sample){.id = i, .note = "a note that takes some room in its page", .number = 1});
    commit(&f, txn);
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    MUST(&f.err, rdb_vector_init(&store, f.batch, RDB_REP_INT64, 32, &f.err));
    MUST(&f.err, rdb_table_scan_open(&scan, &f.table, txn, &now, columns, 1, 0, UINT64_MAX, f.batch, &f.err));
    rdb_table_scan_range(scan, &first, &end);
    assert_int_equal(first, 1);
    assert_in_range(end, 10, 60);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(count_on(&f, scan, vectors, &sum), ROWS);
        assert_int_equal(sum, (int64_t)ROWS * (ROWS + 1) / 2);
        rdb_table_scan_rewind(scan);
    }
    for (uint64_t block = first; block < end + 5; block += 4) { /* those behind its last block are none of its own */
        rdb_table_scan_move(scan, block, 4);
        rows += count_on(&f, scan, vectors, &sum);
        sums += sum;
    }
    assert_int_equal(rows, ROWS);
    assert_int_equal(sums, (int64_t)ROWS * (ROWS + 1) / 2);
    rdb_table_scan_close(&scan);
    rdb_txn_abort(&txn);
    instance_end(&f);
}

/* ---- files that took another's place ---------------------------------------------------------------------------------------------------- */
static void test_snapshots_from_before_a_rewrite(void **state)
{
    (void)state;
    static const int16_t columns[] = {1};
    instance f;
    rdb_snapshot before, now;
    rdb_vector store, *vectors[] = {&store};
    rdb_table_scan *scan = NULL;
    rdb_row_version version;
    rdb_xid wait;
    rdb_error err = {0};
    bool found = false;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    const rdb_row_address old_row = insert(&f, txn, (sample){.id = 1, .note = "old", .number = 1});
    commit(&f, txn);
    rdb_txn *reader = begin(&f, RDB_REPEATABLE_READ);
    rdb_txn_take_snapshot(reader, &before);
    rdb_txn_hold_snapshot(reader, &before);
    scan_with(&f, reader, &before, 64, &all);
    version = all.versions[0];
    rdb_table rewritten = f.table;
    for (uint32_t i = 0; i < 2; i++) { /* twice, so that there are two steps back */
        const uint64_t older = rewritten.file;
        txn = begin(&f, RDB_READ_COMMITTED);
        rewritten.file++;
        MUST(&f.err, rdb_table_replace(f.storage, txn, rewritten.file, older, true, &f.err));
        rewritten.made_by = rdb_txn_top_xid(txn);
        rdb_datum values[3];
        bool is_null[3];
        rdb_row_address address;
        fill_values(&(sample){.id = 10 + i, .note = "new", .number = 2}, values, is_null);
        MUST(&f.err, rdb_table_insert(&rewritten, txn, values, is_null, NULL, 0, &address, NULL, &f.err));
        rewritten.data_since_scn = commit(&f, txn);
        rewritten.older_file = older;
    }
    f.table = rewritten;
    scan_with(&f, reader, &before, 64, &all);
    assert_true(all.count == 1 && all.ids[0] == 1);
    MUST(&f.err, rdb_vector_init(&store, f.batch, RDB_REP_INT64, 8, &f.err));
    MUST(&f.err, rdb_table_fetch(&f.table, reader, &before, &old_row, 1, columns, 1, f.batch, vectors, &found, NULL, NULL, &f.err));
    assert_true(found && RDB_VALUES(&store, int64_t)[0] == 1);
    /* What was read there cannot be written: it stands in a file that was replaced. */
    assert_int_equal(try_update(&f, reader, &before, old_row, version, (sample){.id = 1, .number = 5}, &wait, NULL), RDB_WRITE_CHANGED);
    assert_int_equal(try_delete(&f, reader, &before, old_row, version, &wait), RDB_WRITE_CHANGED);
    rdb_write_outcome outcome;
    bool taken = false;
    MUST(&f.err, rdb_table_lock_row(&f.table, reader, &before, old_row, version, RDB_ROW_UPDATE, RDB_LOCK_WAIT, 0, &outcome, &taken, &f.err));
    assert_true(taken && outcome == RDB_WRITE_CHANGED);
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    scan_with(&f, txn, &now, 64, &all);
    assert_true(all.count == 1 && all.ids[0] == 11);
    rdb_txn_abort(&txn);
    /* Where the rows before do not fit the table any more there is nothing to read. */
    f.table.older_file = 0;
    assert_false(rdb_table_scan_open(&scan, &f.table, reader, &before, columns, 1, 0, UINT64_MAX, f.batch, &err));
    assert_string_equal(err.sqlstate, RDB_SNAPSHOT_TOO_OLD);
    rdb_error_clear(&err);
    assert_false(rdb_table_fetch(&f.table, reader, &before, &old_row, 1, columns, 1, f.batch, vectors, &found, NULL, NULL, &err));
    assert_string_equal(err.sqlstate, RDB_SNAPSHOT_TOO_OLD);
    rdb_error_clear(&err);
    rdb_txn_abort(&reader);
    instance_end(&f);
}

/* ---- pages that all see ----------------------------------------------------------------------------------------------------------------- */
static bool is_visible(instance *f, const rdb_snapshot *snapshot, rdb_row_address address)
{
    bool visible = false;
    MUST(&f->err, rdb_table_visible(&f->table, snapshot, &address, 1, rdb_table_visible_begin(), &visible, &f->err));
    return visible;
}

static void mark_all(instance *f)
{
    uint64_t next = 0, late = 0;
    bool is_over = false;
    MUST(&f->err, rdb_undo_set_purged_scn(f->undo, PDB, rdb_txn_published_scn(f->txns), &f->err));
    while (!is_over)
        MUST(&f->err, rdb_table_mark_visible(&f->table, &next, 64, NULL, &is_over, &late, &f->err));
}

/* Each change of a row takes its page's bit back, and those of no other page; who asks with an older snapshot, or while bits are set, is
 * told nothing. */
static void test_changes_take_bits_back(void **state)
{
    (void)state;
    enum { ROWS = 400 };
    static rdb_row_address addresses[ROWS];
    instance f;
    rdb_snapshot now, older;
    rdb_xid wait;
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED), *reader = begin(&f, RDB_REPEATABLE_READ);
    rdb_txn_take_snapshot(reader, &older);
    rdb_txn_hold_snapshot(reader, &older);
    for (int64_t i = 0; i < ROWS; i++)
        addresses[i] = insert(&f, txn, (sample){.id = i, .note = "a note that takes some room in its page", .number = 1});
    commit(&f, txn);
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    assert_false(is_visible(&f, &now, addresses[0])); /* there is no map */
    mark_all(&f);
    for (uint32_t i = 0; i < ROWS; i++) {
        assert_true(is_visible(&f, &now, addresses[i]));
        assert_false(is_visible(&f, &older, addresses[i]));
    }
    const uint64_t begun = rdb_table_visible_begin();
    scan_with(&f, txn, &now, 64, &all);
    const rdb_row_address updated = addresses[0], deleted = addresses[ROWS / 2], aborted = addresses[ROWS - 1];
    assert_true(RDB_ROW_BLOCK(updated) != RDB_ROW_BLOCK(deleted) && RDB_ROW_BLOCK(deleted) != RDB_ROW_BLOCK(aborted));
    assert_int_equal(try_update(&f, txn, &now, updated, all.versions[0], (sample){.id = 0, .note = "b", .number = 2}, &wait, NULL), RDB_WRITE_DONE);
    assert_int_equal(try_delete(&f, txn, &now, deleted, all.versions[find_id(&all, ROWS / 2)], &wait), RDB_WRITE_DONE);
    for (uint32_t i = 0; i < ROWS; i++) {
        const uint64_t block = RDB_ROW_BLOCK(addresses[i]);
        assert_int_equal(is_visible(&f, &now, addresses[i]), block != RDB_ROW_BLOCK(updated) && block != RDB_ROW_BLOCK(deleted));
    }
    commit(&f, txn);
    /* The bit of a page with a deleted row is not set, that of the updated one is. */
    rdb_txn_abort(&reader);
    mark_all(&f);
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    assert_true(is_visible(&f, &now, updated));
    assert_false(is_visible(&f, &now, deleted));
    bool visible = true;
    MUST(&f.err, rdb_table_visible(&f.table, &now, &updated, 1, begun, &visible, &f.err));
    assert_false(visible); /* bits were set since the entries were read */
    rdb_txn_abort(&txn);
    /* Nor what an aborted change left. */
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    scan_with(&f, txn, &now, 64, &all);
    assert_int_equal(try_update(&f, txn, &now, aborted, all.versions[find_id(&all, ROWS - 1)], (sample){.id = ROWS - 1, .note = "c", .number = 2}, &wait, NULL), RDB_WRITE_DONE);
    rdb_txn_abort(&txn);
    mark_all(&f);
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    assert_false(is_visible(&f, &now, aborted));
    rdb_txn_abort(&txn);
    instance_end(&f);
}

/* ---- rows that went ------------------------------------------------------------------------------------------------------------------- */
static void test_outcomes_of_rows_that_went(void **state)
{
    (void)state;
    instance f;
    rdb_snapshot before, now;
    rdb_write_outcome outcome;
    rdb_xid wait;
    bool taken;
    rdb_error err = {0};
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    const rdb_row_address away = insert(&f, txn, (sample){.id = 1, .number = 1}), gone = insert(&f, txn, (sample){.id = 2, .number = 2}),
                          held = insert(&f, txn, (sample){.id = 3, .number = 3});
    commit(&f, txn);
    rdb_txn *other = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(other, &before);
    rdb_txn_hold_snapshot(other, &before);
    scan_with(&f, other, &before, 64, &all);
    const rdb_row_version versions[] = {all.versions[find_id(&all, 1)], all.versions[find_id(&all, 2)], all.versions[find_id(&all, 3)]};
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    MUST(&f.err, rdb_table_delete_moved(&f.table, txn, &now, away, versions[0], NULL, 0, &outcome, &wait, &f.err)); /* to another partition */
    assert_int_equal(outcome, RDB_WRITE_DONE);
    assert_int_equal(try_delete(&f, txn, &now, gone, versions[1], &wait), RDB_WRITE_DONE);
    /* A row that was not inserted by who would take it back. */
    assert_false(rdb_table_retract(&f.table, txn, held, &err));
    assert_string_equal(err.sqlstate, RDB_INTERNAL_ERROR);
    rdb_error_clear(&err);
    commit(&f, txn);
    assert_int_equal(try_delete(&f, other, &before, away, versions[0], &wait), RDB_WRITE_MOVED);
    assert_int_equal(try_delete(&f, other, &before, gone, versions[1], &wait), RDB_WRITE_GONE);
    MUST(&f.err, rdb_table_lock_row(&f.table, other, &before, gone, versions[1], RDB_ROW_UPDATE, RDB_LOCK_WAIT, 0, &outcome, &taken, &f.err));
    assert_true(taken && outcome == RDB_WRITE_GONE);
    MUST(&f.err, rdb_table_lock_row(&f.table, other, &before, RDB_ROW_ADDRESS(RDB_ROW_BLOCK(gone), 200), versions[1], RDB_ROW_UPDATE, RDB_LOCK_WAIT, 0, &outcome, &taken, &f.err));
    assert_true(taken && outcome == RDB_WRITE_GONE);
    /* SKIP LOCKED passes over a row that a running transaction writes. */
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    assert_int_equal(try_delete(&f, txn, &now, held, versions[2], &wait), RDB_WRITE_DONE);
    MUST(&f.err, rdb_table_lock_row(&f.table, other, &before, held, versions[2], RDB_ROW_UPDATE, RDB_LOCK_SKIP, 0, &outcome, &taken, &f.err));
    assert_true(!taken && outcome == RDB_WRITE_DONE);
    rdb_txn_abort(&txn);
    MUST(&f.err, rdb_table_lock_row(&f.table, other, &before, held, versions[2], RDB_ROW_UPDATE, RDB_LOCK_SKIP, 0, &outcome, &taken, &f.err));
    assert_true(taken && outcome == RDB_WRITE_DONE);
    rdb_txn_abort(&other);
    /* A transaction writes in its own database alone. */
    rdb_datum values[3];
    bool is_null[3];
    rdb_row_address address;
    rdb_table elsewhere = f.table;
    elsewhere.pdb = PDB + 1;
    fill_values(&(sample){.id = 9}, values, is_null);
    txn = begin(&f, RDB_READ_COMMITTED);
    assert_false(rdb_table_insert(&elsewhere, txn, values, is_null, NULL, 0, &address, NULL, &err));
    assert_string_equal(err.sqlstate, RDB_FEATURE_NOT_SUPPORTED);
    rdb_error_clear(&err);
    rdb_txn_abort(&txn);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_two_layouts), cmocka_unit_test(test_scans_move), cmocka_unit_test(test_snapshots_from_before_a_rewrite),
        cmocka_unit_test(test_changes_take_bits_back), cmocka_unit_test(test_outcomes_of_rows_that_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
