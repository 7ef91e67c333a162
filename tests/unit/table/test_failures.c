/* SPDX-License-Identifier: Apache-2.0
 * A heap under failures: each allocation and each call into room storage fails once (sweep.h) while rows are written, read, taken back,
 * purged and moved. A model says which rows there are; nothing of a transaction that failed may be seen, and when it is reverted no page of
 * a large value may be left behind. Looks at pages that others spoilt (peeks, tried latches) fail once each too, and nobody may notice. */
#include "../sweep.h"
#include "fixture.h"
#include "table/rdb_measure.h"
#include "table/rdb_table_cleanup.h"

#define KEYS 20u /* more than the room that writers have on their stacks */
#define KEY_FILE RDB_FILE_NO(RDB_FILE_INDEX, 5)
#define ROWS_MAX 4000u
#define LARGE 9000u

typedef struct row {
    bool exists;
    uint32_t note_bytes;
    int32_t number;
    rdb_row_address address;
} row;

typedef struct scene {
    instance f;
    rdb_txn *txn;
    rdb_index_key keys[KEYS], changed_keys[KEYS]; /* of inserts; of updates and deletions */
    rdb_table_cleanup cleanup;
    uint32_t entries_removed;
    row rows[ROWS_MAX], before[ROWS_MAX]; /* by id */
    uint32_t next_id;
    uint32_t complaints;
    uint32_t first_id; /* of what the action writes */
    bool remembers;    /* versions of rows, from one record to the next, as the reverter and purge do */
    void (*again)(void); /* what is to be cleaned up next */
    uint64_t steps;      /* that were remembered */
    rdb_snapshot held;
    rdb_txn *reader;
} scene;

static scene scn; /* too large for a stack */
static scanned all;
static char noise[LARGE + 1000]; /* a text that lz4 makes nothing of */

static bool remove_entry(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_slice key, rdb_row_address address,
                         bool (*still_needed)(void *context, bool *needed, rdb_error *err), void *context, rdb_error *err)
{
    bool needed = false;
    (void)storage, (void)pdb, (void)key, (void)address;
    assert_true(file == KEY_FILE);
    if (!still_needed(context, &needed, err))
        return false;
    scn.entries_removed += !needed;
    return true;
}

static void scene_begin(uint32_t frames)
{
    memset(&scn, 0, sizeof scn);
    instance_begin(&scn.f, 4096, frames);
    create_table(&scn.f);
    MUST(&scn.f.err, rdb_storage_create_file(scn.f.storage, PDB, KEY_FILE, 0, &scn.f.err));
    uint32_t seed = 7;
    for (size_t i = 0; i + 1 < sizeof noise; i++)
        noise[i] = (char)(33 + (seed = seed * 1103515245 + 12345) / 65536 % 90);
    for (uint32_t i = 0; i < KEYS; i++) {
        scn.keys[i] = (rdb_index_key){.index_file = KEY_FILE, .new_key = {(const uint8_t *)noise + i, 8}};
        scn.changed_keys[i] = (rdb_index_key){.index_file = KEY_FILE, .old_key = {(const uint8_t *)noise + 100 + i, 8}, .new_key = {(const uint8_t *)noise + 200 + i, 8}};
    }
    scn.cleanup = (rdb_table_cleanup){.undo = scn.f.undo, .pdb = PDB, .remove_entry = remove_entry};
    scn.next_id = 1;
}

/* Takes back all that was aborted, as the reverter does. */
static bool revert_all(rdb_error *err)
{
    rdb_undo_job job;
    rdb_undo_reader reader;
    bool ok = true;
    rdb_undo_reader_init(&reader);
    while (ok && rdb_undo_take_job(scn.f.undo, &job)) {
        ok = (!scn.remembers || rdb_table_histories_create(&scn.cleanup.histories, err)) && rdb_undo_find_last(scn.f.undo, &job, err);
        for (rdb_undo_address at = job.last; ok && at != 0;) {
            rdb_undo_record record;
            bool found;
            ok = rdb_undo_read(scn.f.undo, PDB, at, &reader, &record, &found, err) && found &&
                 (record.xid < job.xid || rdb_table_revert_record(&scn.cleanup, &record, at, err));
            at = record.previous_of_txn;
        }
        ok = ok && rdb_txn_mark_reverted(scn.f.txns, PDB, job.xid, err);
        rdb_undo_finish_job(scn.f.undo, &job, ok);
        scn.steps += scn.remembers && ok ? rdb_table_histories_steps(scn.cleanup.histories) : 0;
        rdb_table_histories_destroy(&scn.cleanup.histories);
    }
    rdb_undo_reader_deinit(&reader);
    return ok;
}

static void complain(void *context, uint64_t block, uint32_t slot, const char *problem)
{
    (void)context;
    fprintf(stderr, "block %llu slot %u: %s\n", (unsigned long long)block, slot, problem);
    scn.complaints++;
}

static void check_scanned(const row *rows)
{
    uint32_t expected = 0;
    for (uint32_t id = 0; id < ROWS_MAX; id++)
        expected += rows[id].exists;
    assert_int_equal(all.count, expected);
    for (uint32_t i = 0; i < all.count; i++) {
        const row *r = &rows[all.ids[i]];
        assert_true(r->exists);
        assert_int_equal(all.numbers[i], r->number);
        assert_int_equal(all.notes[i].length, r->note_bytes);
        if (r->note_bytes > 0)
            assert_memory_equal(all.notes[i].data, noise, r->note_bytes);
    }
}

/* The table is as the model says, also behind its rows. */
static void check_rows(bool counts_chains)
{
    rdb_txn *txn = begin(&scn.f, RDB_READ_COMMITTED);
    uint64_t pages = 0, chain_pages = 0;
    scan_now(&scn.f, txn, &all);
    check_scanned(scn.rows);
    rdb_txn_abort(&txn);
    rdb_table_sweep_result swept;
    MUST(&scn.f.err, rdb_table_sweep(&scn.f.table, NULL, &swept, &scn.f.err));
    for (uint32_t id = 0; id < ROWS_MAX; id++)
        if (scn.rows[id].exists && scn.rows[id].note_bytes > 4000)
            chain_pages += (scn.rows[id].note_bytes + 4095 - 80 - 16) / (4096 - 80 - 16);
    if (counts_chains)
        assert_int_equal(swept.overflow_blocks, chain_pages);
    MUST(&scn.f.err, rdb_table_verify(&scn.f.table, NULL, complain, NULL, &pages, &scn.f.err));
    assert_int_equal(scn.complaints, 0);
}

static bool put(uint32_t note_bytes, uint32_t keys, rdb_error *err)
{
    rdb_datum values[3];
    bool is_null[3];
    rdb_row_version version;
    row *r = &scn.rows[scn.next_id];
    const sample s = {.id = scn.next_id, .note = noise, .note_length = note_bytes, .number = (int32_t)scn.next_id * 3};
    assert_in_range(scn.next_id, 1, ROWS_MAX - 1);
    fill_values(&s, values, is_null);
    values[1].bytes.length = note_bytes;
    if (!rdb_table_insert(&scn.f.table, scn.txn, values, is_null, scn.keys, keys, &r->address, &version, err))
        return false;
    r->exists = true;
    r->note_bytes = note_bytes;
    r->number = s.number;
    scn.next_id++;
    return true;
}

static bool see(uint32_t id, rdb_row_version *version, rdb_error *err)
{
    rdb_vector store, *vectors[1] = {&store};
    static const int16_t columns[] = {1};
    bool found = false;
    rdb_arena_reset(scn.f.batch);
    const bool ok = rdb_vector_init(&store, scn.f.batch, RDB_REP_INT64, 1, err) &&
                    rdb_table_fetch_latest(&scn.f.table, scn.txn, scn.rows[id].address, columns, 1, scn.f.batch, vectors, &found, version, err);
    if (ok)
        assert_true(found && RDB_VALUES(&store, int64_t)[0] == id);
    return ok;
}

static bool change(uint32_t id, uint32_t note_bytes, uint32_t keys, rdb_error *err)
{
    rdb_datum values[3];
    bool is_null[3];
    rdb_row_version version;
    rdb_snapshot snapshot;
    rdb_write_outcome outcome;
    rdb_xid wait_xid;
    row *r = &scn.rows[id];
    const sample s = {.id = id, .note = noise, .note_length = note_bytes, .number = r->number + 1};
    fill_values(&s, values, is_null);
    values[1].bytes.length = note_bytes;
    rdb_txn_take_snapshot(scn.txn, &snapshot);
    if (!see(id, &version, err) || !rdb_table_update(&scn.f.table, scn.txn, &snapshot, r->address, version, values, is_null, scn.changed_keys, keys, keys > 0, &outcome, &wait_xid, &version, err))
        return false;
    assert_int_equal(outcome, RDB_WRITE_DONE);
    r->note_bytes = note_bytes;
    r->number++;
    return true;
}

static bool take_away(uint32_t id, rdb_error *err)
{
    rdb_row_version version;
    rdb_snapshot snapshot;
    rdb_write_outcome outcome;
    rdb_xid wait_xid;
    rdb_txn_take_snapshot(scn.txn, &snapshot);
    if (!see(id, &version, err) || !rdb_table_delete(&scn.f.table, scn.txn, &snapshot, scn.rows[id].address, version, scn.changed_keys, 3, &outcome, &wait_xid, err))
        return false;
    assert_int_equal(outcome, RDB_WRITE_DONE);
    scn.rows[id].exists = false;
    return true;
}

static void look_at_writes(void *context, bool ok)
{
    (void)context;
    rdb_txn_abort(&scn.txn);
    if (!ok)
        memcpy(scn.rows, scn.before, sizeof scn.rows);
    check_rows(false);
    MUST(&scn.f.err, revert_all(&scn.f.err));
    check_rows(scn.reader == NULL);
}

/* ---- inserts ----------------------------------------------------------------------------------------------------------------------- */
static bool start(rdb_error *err)
{
    memcpy(scn.before, scn.rows, sizeof scn.rows);
    return rdb_txn_begin(scn.f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &scn.txn, err);
}

static bool insert_rows(void *context, rdb_error *err)
{
    rdb_scn unused;
    (void)context;
    rdb_row_address addresses[6];
    rdb_datum values[6][3];
    bool is_null[6][3];
    const rdb_datum *value_rows[6];
    const bool *null_rows[6];
    if (!start(err) || !put(20, KEYS, err) || !put(LARGE, 2, err) || !put(0, 0, err))
        return false;
    for (uint32_t i = 0; i < 6; i++) {
        const uint32_t note_bytes = i % 3 == 1 ? LARGE : 700;
        const sample s = {.id = scn.next_id + i, .note = noise, .note_length = note_bytes, .number = 5};
        fill_values(&s, values[i], is_null[i]);
        value_rows[i] = values[i];
        null_rows[i] = is_null[i];
    }
    if (!rdb_table_insert_many(&scn.f.table, scn.txn, value_rows, null_rows, 6, scn.keys, 3, addresses, err))
        return false;
    for (uint32_t i = 0; i < 6; i++)
        scn.rows[scn.next_id + i] = (row){true, i % 3 == 1 ? LARGE : 700, 5, addresses[i]};
    scn.next_id += 6;
    return rdb_txn_commit(&scn.txn, RDB_COMMIT_NO_WAIT, &unused, err);
}

static void test_inserts(void **state)
{
    (void)state;
    scene_begin(256);
    assert_true(sweep(insert_rows, look_at_writes, NULL) > 20);
    instance_end(&scn.f);
}

/* ---- changes ------------------------------------------------------------------------------------------------------------------------ */
static void fill(uint32_t count)
{
    rdb_scn unused;
    scn.first_id = scn.next_id;
    MUST(&scn.f.err, start(&scn.f.err));
    for (uint32_t i = 0; i < count; i++)
        MUST(&scn.f.err, put(i % 4 == 3 ? LARGE : 900, 2, &scn.f.err));
    MUST(&scn.f.err, rdb_txn_commit(&scn.txn, RDB_COMMIT_NO_WAIT, &unused, &scn.f.err));
}

static bool change_rows(void *context, rdb_error *err)
{
    const uint32_t id = scn.first_id;
    rdb_row_version version;
    rdb_snapshot snapshot;
    rdb_write_outcome outcome;
    rdb_xid wait_xid;
    rdb_scn unused;
    bool taken;
    (void)context;
    if (!start(err) || !change(id, 3000, 0, err) || !change(id, 950, 2, err) || !change(id + 1, 901, KEYS, err) || !change(id + 1, LARGE + 500, 0, err) ||
        !change(id + 3, 100, 2, err) || !change(id + 7, LARGE + 1, 0, err) || !take_away(id + 2, err) || !take_away(id + 11, err))
        return false;
    rdb_txn_take_snapshot(scn.txn, &snapshot);
    if (!see(id + 4, &version, err) || !rdb_table_add_keys(&scn.f.table, scn.txn, &snapshot, scn.rows[id + 4].address, version, RDB_ROW_NO_KEY_UPDATE, scn.changed_keys, KEYS, &outcome, &wait_xid, &version, err))
        return false;
    assert_int_equal(outcome, RDB_WRITE_DONE);
    if (!put(50, KEYS, err) || !rdb_table_retract(&scn.f.table, scn.txn, scn.rows[scn.next_id - 1].address, err))
        return false;
    scn.rows[scn.next_id - 1].exists = false;
    if (!see(id + 5, &version, err) ||
        !rdb_table_lock_row(&scn.f.table, scn.txn, &snapshot, scn.rows[id + 5].address, version, RDB_ROW_UPDATE, RDB_LOCK_WAIT, 0, &outcome, &taken, err))
        return false;
    assert_true(taken && outcome == RDB_WRITE_DONE);
    if (!rdb_table_probe(&scn.f.table, scn.txn, scn.rows[id + 5].address, version, &outcome, err))
        return false;
    assert_int_equal(outcome, RDB_WRITE_DONE);
    return rdb_txn_commit(&scn.txn, RDB_COMMIT_NO_WAIT, &unused, err);
}

/* Chains of versions before stay until they are purged, so they are not counted here. */
static void look_at_changes(void *context, bool ok)
{
    (void)context;
    rdb_txn_abort(&scn.txn);
    if (!ok)
        memcpy(scn.rows, scn.before, sizeof scn.rows);
    check_rows(false);
    MUST(&scn.f.err, revert_all(&scn.f.err));
    check_rows(!ok && scn.first_id == 1);
    if (ok)
        fill(12);
}

static void test_changes(void **state)
{
    (void)state;
    scene_begin(512);
    fill(12);
    assert_true(sweep(change_rows, look_at_changes, NULL) > 40);
    instance_end(&scn.f);
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------------ */
/* Through a snapshot from before the changes, so that versions come from the undo store. */
static bool read_rows(void *context, rdb_error *err)
{
    (void)context;
    static const int16_t columns[] = {1, 2, 3};
    rdb_vector store[3], *vectors[3] = {&store[0], &store[1], &store[2]};
    rdb_table_scan *scan = NULL;
    uint32_t count = 1;
    rdb_arena_reset(scn.f.batch);
    all.count = 0;
    if (!rdb_vector_init(&store[0], scn.f.batch, RDB_REP_INT64, 8, err) || !rdb_vector_init(&store[1], scn.f.batch, RDB_REP_BYTES, 8, err) ||
        !rdb_vector_init(&store[2], scn.f.batch, RDB_REP_INT32, 8, err) ||
        !rdb_table_scan_open(&scan, &scn.f.table, scn.reader, &scn.held, columns, 3, 0, UINT64_MAX, scn.f.batch, err))
        return false;
    bool ok = true;
    while (ok && count > 0) {
        ok = rdb_table_scan_next(scan, 8, scn.f.batch, vectors, all.addresses + all.count, all.versions + all.count, &count, err);
        for (uint32_t i = 0; ok && i < count; i++) {
            all.ids[all.count + i] = RDB_VALUES(&store[0], int64_t)[i];
            all.notes[all.count + i] = RDB_VALUES(&store[1], rdb_bytes)[i];
            all.numbers[all.count + i] = RDB_VALUES(&store[2], int32_t)[i];
        }
        all.count += ok ? count : 0;
    }
    rdb_table_scan_close(&scan);
    if (!ok)
        return false;
    check_scanned(scn.before);
    for (uint32_t first = 0; first < all.count; first += 8) { /* and by their addresses */
        bool found[8], recheck[8];
        rdb_row_version versions[8];
        const uint32_t part = RDB_MIN(8u, all.count - first);
        if (!rdb_table_fetch(&scn.f.table, scn.reader, &scn.held, all.addresses + first, part, columns, 3, scn.f.batch, vectors, found, recheck, versions, err))
            return false;
        for (uint32_t i = 0; i < part; i++) {
            assert_true(found[i]);
            assert_int_equal(RDB_VALUES(&store[0], int64_t)[i], all.ids[first + i]);
            assert_int_equal(RDB_VALUES(&store[1], rdb_bytes)[i].length, all.notes[first + i].length);
        }
    }
    for (uint32_t i = 0; i < all.count; i++) { /* what stands there now, a running writer's rows among them */
        bool in_place, committed;
        rdb_row_status status;
        rdb_xid xid;
        if (!rdb_table_check_row(&scn.f.table, scn.reader, all.addresses[i], columns, 3, scn.f.batch, vectors, &in_place, &committed, &status, &xid, err))
            return false;
        const bool is_uncertain = status == RDB_ROW_UNCERTAIN;
        assert_int_equal(is_uncertain, xid != 0);
        if (!is_uncertain)
            assert_int_equal(status == RDB_ROW_LIVE, in_place);
    }
    return true;
}

static void look_at_read(void *context, bool ok)
{
    (void)context, (void)ok;
}

static void test_reading(void **state)
{
    (void)state;
    rdb_scn unused;
    scene_begin(512);
    fill(12);
    fill(12);
    scn.first_id = 1;
    scn.reader = begin(&scn.f, RDB_REPEATABLE_READ);
    rdb_txn_take_snapshot(scn.reader, &scn.held);
    rdb_txn_hold_snapshot(scn.reader, &scn.held);
    row was[ROWS_MAX];
    memcpy(was, scn.rows, sizeof was);
    MUST(&scn.f.err, start(&scn.f.err) && change(1, 3000, 0, &scn.f.err) && change(1, 900, 2, &scn.f.err) && change(4, 60, 0, &scn.f.err) && take_away(3, &scn.f.err));
    MUST(&scn.f.err, rdb_txn_commit(&scn.txn, RDB_COMMIT_NO_WAIT, &unused, &scn.f.err));
    MUST(&scn.f.err, start(&scn.f.err) && change(13, 3000, 0, &scn.f.err) && change(16, LARGE + 9, 0, &scn.f.err) && take_away(14, &scn.f.err)); /* runs on */
    memcpy(scn.before, was, sizeof was);
    assert_true(sweep(read_rows, look_at_read, NULL) > 20);
    assert_true(sweep_misses(read_rows, look_at_read, NULL) > 2);
    rdb_txn_abort(&scn.txn);
    rdb_txn_abort(&scn.reader);
    instance_end(&scn.f);
}

/* ---- taking back, and purging ------------------------------------------------------------------------------------------------------- */
static bool revert(void *context, rdb_error *err)
{
    (void)context;
    return revert_all(err);
}

static void abort_changes(void)
{
    rdb_error err = {0};
    const uint32_t id = scn.first_id;
    MUST(&err, start(&err) && change(id, 3000, 0, &err) && change(id, 950, 2, &err) && change(id + 1, LARGE + 500, KEYS, &err) && change(id + 3, 100, 2, &err));
    MUST(&err, change(id + 7, LARGE + 1, 0, &err) && take_away(id + 2, &err) && take_away(id + 11, &err) && put(LARGE, 3, &err) && put(100, 3, &err));
    rdb_txn_abort(&scn.txn);
    memcpy(scn.rows, scn.before, sizeof scn.rows);
}

static void look_at_reverted(void *context, bool ok)
{
    (void)context;
    check_rows(ok);
    if (ok)
        scn.again();
}

typedef struct purge_walk {
    rdb_undo_address at[16], end[16];
    uint32_t count;
} purge_walk;
static void note_log(void *context, const rdb_undo_log_info *info)
{
    purge_walk *walk = context;
    assert_in_range(walk->count, 0, 15);
    walk->at[walk->count] = info->tail;
    walk->end[walk->count++] = info->end;
}

/* All that has ended, in one log as here one writes after the other. */
static bool purge(void *context, rdb_error *err)
{
    purge_walk walk = {.count = 0};
    rdb_undo_reader reader;
    (void)context;
    bool ok = !scn.remembers || rdb_table_histories_create(&scn.cleanup.histories, err);
    rdb_undo_visit_logs(scn.f.undo, note_log, &walk);
    rdb_undo_reader_init(&reader);
    for (uint32_t i = 0; ok && i < walk.count; i++) {
        for (rdb_undo_address at = walk.at[i]; ok && at < walk.end[i];) {
            rdb_undo_record record;
            rdb_xid_state what;
            rdb_scn unused;
            bool found;
            ok = rdb_undo_read(scn.f.undo, PDB, at, &reader, &record, &found, err) && found && rdb_txn_resolve(scn.f.txns, PDB, record.xid, &what, &unused, err) &&
                 (what != RDB_XID_COMMITTED || rdb_table_purge_record(&scn.cleanup, &record, at, err));
            at = ok ? rdb_undo_after(scn.f.undo, at, record.bytes) : at;
        }
        ok = ok && rdb_undo_set_tail(scn.f.undo, PDB, walk.end[i], err);
    }
    rdb_table_histories_destroy(&scn.cleanup.histories);
    rdb_undo_reader_deinit(&reader);
    return ok;
}

static void change_for_purge(void)
{
    rdb_error err = {0};
    rdb_scn unused;
    fill(12);
    const uint32_t id = scn.first_id;
    MUST(&err, start(&err) && change(id, 3000, 0, &err) && change(id, 950, 2, &err) && change(id + 1, LARGE + 500, KEYS, &err) && change(id + 3, 100, 2, &err));
    MUST(&err, change(id + 7, LARGE + 1, 0, &err) && take_away(id + 2, &err) && take_away(id + 11, &err));
    MUST(&err, rdb_txn_commit(&scn.txn, RDB_COMMIT_NO_WAIT, &unused, &err));
}

static void look_at_purged(void *context, bool ok)
{
    (void)context;
    check_rows(ok);
    if (ok) {
        assert_true(scn.entries_removed > 0);
        scn.again();
    }
}

static void test_cleanup(void **state)
{
    (void)state;
    scene_begin(512);
    fill(12);
    abort_changes();
    scn.again = abort_changes;
    assert_true(sweep(revert, look_at_reverted, NULL) > 30);
    MUST(&scn.f.err, revert_all(&scn.f.err));
    assert_true(scn.entries_removed > 0);
    change_for_purge();
    scn.again = change_for_purge;
    scn.entries_removed = 0;
    assert_true(sweep(purge, look_at_purged, NULL) > 15);
    instance_end(&scn.f);
}

/* A row with more versions than are walked anew for each of them: what its keys are is remembered. */
enum { MANY = 70 };
static void change_often(rdb_error *err)
{
    static uint64_t keys[MANY + 1]; /* each version has its own, so that a question about one goes down the whole chain */
    const rdb_index_key kept = scn.changed_keys[0];
    MUST(err, start(err));
    for (uint32_t i = 0; i < MANY; i++) {
        keys[i] = i;
        keys[i + 1] = i + 1;
        scn.changed_keys[0] = (rdb_index_key){.index_file = KEY_FILE, .old_key = {(const uint8_t *)&keys[i], 8}, .new_key = {(const uint8_t *)&keys[i + 1], 8}};
        MUST(err, change(scn.first_id, 100 + i % 3, 1, err));
    }
    scn.changed_keys[0] = kept;
}
static void abort_often(void)
{
    rdb_error err = {0};
    change_often(&err);
    rdb_txn_abort(&scn.txn);
    memcpy(scn.rows, scn.before, sizeof scn.rows);
}
static void commit_often(void)
{
    rdb_error err = {0};
    rdb_scn unused;
    change_often(&err);
    MUST(&err, rdb_txn_commit(&scn.txn, RDB_COMMIT_NO_WAIT, &unused, &err));
}

static void test_cleanup_of_many_versions(void **state)
{
    (void)state;
    scene_begin(512);
    scn.remembers = true;
    fill(2);
    scn.again = abort_often;
    abort_often();
    assert_true(sweep(revert, look_at_reverted, NULL) > MANY);
    assert_true(scn.steps > MANY);
    MUST(&scn.f.err, revert_all(&scn.f.err));
    assert_true(scn.entries_removed > 0);
    scn.again = commit_often;
    commit_often();
    scn.entries_removed = 0;
    assert_true(sweep(purge, look_at_purged, NULL) > MANY);
    instance_end(&scn.f);
}

/* ---- the whole table ------------------------------------------------------------------------------------------------------------------ */
static bool look_after(void *context, rdb_error *err)
{
    rdb_table_sweep_result swept;
    rdb_measure measure;
    uint64_t next = 0, late = 0, pages = 0, blocks = 0;
    bool is_over = false, visible[8];
    rdb_row_address addresses[8];
    (void)context;
    static rdb_table_residents residents;
    if (!rdb_table_sweep(&scn.f.table, NULL, &swept, err) || !rdb_table_measure(&scn.f.table, NULL, &measure, err) || !rdb_table_block_count(&scn.f.table, &blocks, err))
        return false;
    assert_true(measure.pages == blocks && measure.live_bytes > 0);
    while (!is_over)
        if (!rdb_table_mark_visible(&scn.f.table, &next, 8, NULL, &is_over, &late, err))
            return false;
    if (!rdb_table_visible_count(&scn.f.table, &pages, err))
        return false;
    assert_true(pages > 0);
    for (uint32_t i = 0; i < 8; i++)
        addresses[i] = scn.rows[1 + i].address;
    const uint64_t begun = rdb_table_visible_begin();
    if (!rdb_table_visible(&scn.f.table, &scn.held, addresses, 8, begun, visible, err))
        return false;
    for (uint32_t i = 0; i < 8; i++)
        assert_true(visible[i]);
    uint32_t homes = 0;
    for (uint64_t block = 1; block < blocks; block++) {
        if (!rdb_table_list_residents(&scn.f.table, block, &residents, err))
            return false;
        homes += residents.count;
        if (!rdb_table_list_holders(&scn.f.table, block, 0, &residents, err))
            return false;
    }
    assert_true(homes >= 20);
    return rdb_table_drop_maps(&scn.f.table, 0, err) && rdb_table_cut_tail(&scn.f.table, 1, &blocks, err) && rdb_table_verify(&scn.f.table, NULL, complain, NULL, &pages, err);
}

static void look_at_table(void *context, bool ok)
{
    uint64_t blocks;
    (void)context, (void)ok;
    check_rows(true);
    MUST(&scn.f.err, rdb_table_drop_maps(&scn.f.table, 0, &scn.f.err)); /* else the file grows with each try */
    MUST(&scn.f.err, rdb_table_cut_tail(&scn.f.table, 1, &blocks, &scn.f.err));
}

static void test_upkeep_of_a_table(void **state)
{
    (void)state;
    scene_begin(512);
    fill(12);
    fill(12);
    rdb_txn *txn = begin(&scn.f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &scn.held);
    rdb_txn_hold_snapshot(txn, &scn.held);
    MUST(&scn.f.err, rdb_undo_set_purged_scn(scn.f.undo, PDB, scn.held.scn, &scn.f.err));
    assert_true(sweep(look_after, look_at_table, NULL) > 40);
    assert_true(sweep_misses(look_after, look_at_table, NULL) > 3);
    rdb_txn_abort(&txn);
    instance_end(&scn.f);
}

/* A table is made, takes another's place, and goes; a failure leaves a file that the abort takes with it. */
static bool make_table(void *context, rdb_error *err)
{
    const uint64_t file = RDB_FILE_NO(RDB_FILE_TABLE, 30000 + scn.next_id), second = file + 1;
    rdb_table_origin origin;
    rdb_scn unused;
    (void)context;
    scn.next_id += 2;
    if (!start(err) || !rdb_table_create(scn.f.storage, scn.txn, file, err) || !rdb_table_replace(scn.f.storage, scn.txn, second, file, true, err) ||
        !rdb_table_get_origin(scn.f.storage, PDB, second, &origin, err))
        return false;
    assert_true(origin.older_file == file && origin.xid == rdb_txn_top_xid(scn.txn));
    return rdb_table_drop(scn.txn, file, err) && rdb_txn_commit(&scn.txn, RDB_COMMIT_NO_WAIT, &unused, err);
}
static void look_at_made(void *context, bool ok)
{
    (void)context;
    rdb_txn_abort(&scn.txn);
    MUST(&scn.f.err, revert_all(&scn.f.err));
    const uint64_t file = RDB_FILE_NO(RDB_FILE_TABLE, 30000 + scn.next_id - 2);
    assert_int_equal(rdb_storage_file_exists(scn.f.storage, PDB, file), ok); /* until purge comes to the drop */
    assert_int_equal(rdb_storage_file_exists(scn.f.storage, PDB, file + 1), ok);
    if (ok) {
        MUST(&scn.f.err, purge(NULL, &scn.f.err));
        assert_false(rdb_storage_file_exists(scn.f.storage, PDB, file));
        assert_true(rdb_storage_file_exists(scn.f.storage, PDB, file + 1));
    }
}

static void test_files(void **state)
{
    (void)state;
    scene_begin(256);
    scn.next_id = 100;
    assert_true(sweep(make_table, look_at_made, NULL) > 8);
    instance_end(&scn.f);
}

/* Redo of pages of large values: of what size, and on which page. */
static void redo_is(const rdb_redo *redo, rdb_page *page, bool fits)
{
    rdb_error err = {0};
    static uint8_t before[4096];
    memcpy(before, page, sizeof before);
    assert_int_equal(heap_redo(redo, page, &err), fits);
    assert_string_equal(err.sqlstate, fits ? "" : RDB_DATA_CORRUPTED);
    if (!fits)
        assert_memory_equal(before, page, sizeof before);
    rdb_error_clear(&err);
}

static void test_damaged_redo(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t bytes[4096];
    static uint8_t data[4096];
    rdb_page *page = (rdb_page *)(void *)bytes;
    rdb_redo redo = {.operation = HEAP_OP_OVERFLOW_FREE, .reference_no = 1, .page_bytes = 4096, .tag = {.file = RDB_FILE_NO(RDB_FILE_TABLE, 1)}, .data = data, .data_bytes = 8};
    data[0] = 9;
    redo_is(&redo, page, false); /* no page of a chain */
    redo.operation = HEAP_OP_OVERFLOW;
    redo.data_bytes = 15;
    redo_is(&redo, page, false);
    redo.data_bytes = 4096 - RDB_PAGE_HEADER_BYTES + 1;
    redo_is(&redo, page, false);
    redo.data_bytes = 20;
    redo_is(&redo, page, true);
    assert_int_equal(page->type, RDB_PAGE_OVERFLOW);
    redo.operation = HEAP_OP_OVERFLOW_FREE;
    redo_is(&redo, page, false);
    redo.data_bytes = 8;
    data[0] = 7;
    redo_is(&redo, page, true);
    assert_int_equal(rdb_get_u64(bytes + RDB_PAGE_HEADER_BYTES), 7);
    redo.reference_no = 0;
    redo_is(&redo, page, true);
    assert_int_equal(page->type, RDB_PAGE_FREE);
    redo.operation = 77;
    redo_is(&redo, page, false);
    static const char *const NAMES[] = {"?", "edit", "overflow", "free overflow", "meta", "?"};
    rdb_table_register_redo();
    for (uint8_t i = 0; i < RDB_COUNT_OF(NAMES); i++) {
        rdb_strbuf text;
        const rdb_wal_record record = {.resource = RDB_RESOURCE_HEAP, .operation = i};
        rdb_strbuf_init(&text, NULL);
        rdb_resource_find(RDB_RESOURCE_HEAP)->describe(&record, &text);
        assert_string_equal(text.data, NAMES[i]);
        rdb_strbuf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inserts), cmocka_unit_test(test_changes),           cmocka_unit_test(test_reading),
        cmocka_unit_test(test_cleanup), cmocka_unit_test(test_cleanup_of_many_versions), cmocka_unit_test(test_upkeep_of_a_table), cmocka_unit_test(test_files),
        cmocka_unit_test(test_damaged_redo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
