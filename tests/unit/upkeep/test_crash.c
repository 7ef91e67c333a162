/* SPDX-License-Identifier: Apache-2.0
 * A recorded history of transactions, two at a time, crashed at every call of the file layer: after recovery each row is as
 * the last acknowledged commit left it (or the one that was on its way), purge brings the store to rest with one index
 * entry a live row in one index and one for each of its terms in another, and work goes on. A change lists the terms that the row
 * loses and gets; some of them stand in a version of their own that carries nothing else. */
#include "../table/fixture.h"
#include "index/rdb_index.h"
#include "os/rdb_fault.h"
#include "upkeep/rdb_purge.h"

enum { ROWS = 40, COMMITS = 60, KEYS = 3 };
#define INDEX_FILE RDB_FILE_NO(RDB_FILE_INDEX, 21000)
#define TERMS_FILE RDB_FILE_NO(RDB_FILE_INDEX, 21001)
enum { TERMS = 7 }; /* a row has term i where bit i of its number is set */

typedef struct state { /* of the table after a commit */
    uint64_t hash;
    uint32_t count;
} state;
static state states[COMMITS + 2];
static int32_t model[ROWS]; /* -1: not there */
static scanned rows;

static uint64_t row_hash(int64_t id, int32_t number, uint32_t length)
{
    uint64_t words[3] = {(uint64_t)id, (uint64_t)number, length};
    return rdb_hash64(words, sizeof words, 0);
}
static uint32_t note_length(int32_t number)
{
    return number % 11 == 0 ? 3000u + (uint32_t)number % 3000u : number % 3 == 0 ? 400u : 1u + (uint32_t)number % 30u;
}
static state state_of_model(void)
{
    state s = {0};
    for (int i = 0; i < ROWS; i++)
        if (model[i] >= 0) {
            s.hash += row_hash(i, model[i], note_length(model[i]));
            s.count++;
        }
    return s;
}
static state state_of_table(instance *f)
{
    state s = {0};
    rdb_txn *txn = begin(f, RDB_READ_COMMITTED);
    scan_now(f, txn, &rows);
    for (uint32_t i = 0; i < rows.count; i++)
        s.hash += row_hash(rows.ids[i], rows.numbers[i], rows.note_null[i] ? 0 : rows.notes[i].length);
    s.count = rows.count;
    rdb_txn_abort(&txn);
    return s;
}
static bool same(state a, state b)
{
    return a.hash == b.hash && a.count == b.count;
}

static rdb_index index_of(instance *f)
{
    return (rdb_index){.storage = f->storage, .txns = f->txns, .pdb = PDB, .file = INDEX_FILE};
}
static rdb_index terms_of(instance *f)
{
    return (rdb_index){.storage = f->storage, .txns = f->txns, .pdb = PDB, .file = TERMS_FILE};
}
static bool has_term(int32_t number, int term)
{
    return number >= 0 && (number >> term & 1) != 0;
}

/* Changes of rows first .. first + ROWS / 2, heap before index. */
static void change_some(instance *f, rdb_txn *txn, int first, int32_t now[ROWS], rdb_random *random, const char *noise)
{
    rdb_index index = index_of(f);
    for (int n = 0; n < 4; n++) {
        int id = first + (int)(rdb_random_next(random) % (ROWS / 2));
        int32_t number = (int32_t)(rdb_random_next(random) % 100000);
        sample s = {.id = id, .number = number, .note = noise + number % 50, .note_length = note_length(number)};
        uint8_t old_key = (uint8_t)(now[id] % KEYS), new_key = (uint8_t)(number % KEYS);
        bool deletes = now[id] >= 0 && rdb_random_next(random) % 5 == 0, inserts = now[id] < 0;
        static const uint8_t names[TERMS] = "abcdefg";
        rdb_index_key keys[1 + TERMS] = {{.index_file = INDEX_FILE, .old_key = {&old_key, !inserts}, .new_key = {&new_key, !deletes}}};
        uint32_t key_count = !inserts && !deletes && old_key == new_key ? 0 : 1, rest;
        for (int t = 0; t < TERMS; t++) {
            const bool had = has_term(now[id], t), has = !deletes && has_term(number, t);
            if (had != has)
                keys[key_count++] = (rdb_index_key){.index_file = TERMS_FILE, .old_key = {&names[t], had}, .new_key = {&names[t], has}};
        }
        rest = key_count > 3 ? 3 : key_count; /* from there on in a version of their own */
        rdb_row_version version;
        rdb_row_address address;
        rdb_datum values[3];
        bool is_null[3];
        fill_values(&s, values, is_null);
        if (inserts) {
            MUST(&f->err, rdb_table_insert(&f->table, txn, values, is_null, keys, rest, &address, &version, &f->err));
            if (key_count > rest) {
                rdb_write_outcome outcome;
                rdb_xid wait;
                MUST(&f->err, rdb_table_add_keys(&f->table, txn, NULL, address, version, RDB_ROW_NO_KEY_UPDATE, keys + rest, key_count - rest, &outcome, &wait, &version, &f->err));
                assert_int_equal(outcome, RDB_WRITE_DONE);
            }
        } else {
            rdb_snapshot snapshot;
            rdb_write_outcome outcome;
            rdb_xid wait;
            rdb_txn_take_snapshot(txn, &snapshot);
            scan_with(f, txn, &snapshot, 64, &rows);
            int32_t at = find_id(&rows, id);
            assert_true(at >= 0);
            address = rows.addresses[at];
            version = rows.versions[at];
            if (!deletes) {
                MUST(&f->err, rdb_table_update(&f->table, txn, &snapshot, address, version, values, is_null, keys, rest, false, &outcome, &wait, &version, &f->err));
                assert_int_equal(outcome, RDB_WRITE_DONE);
            }
            if (key_count > rest) {
                MUST(&f->err, rdb_table_add_keys(&f->table, txn, &snapshot, address, version, RDB_ROW_UPDATE, keys + rest, key_count - rest, &outcome, &wait, &version, &f->err));
                assert_int_equal(outcome, RDB_WRITE_DONE);
            }
            if (deletes)
                MUST(&f->err, rdb_table_delete(&f->table, txn, &snapshot, address, version, keys, rest, &outcome, &wait, &f->err));
            assert_int_equal(outcome, RDB_WRITE_DONE);
        }
        rdb_index_entry entry = {.key = {&new_key, 1}, .address = address};
        if (inserts || (!deletes && old_key != new_key))
            MUST(&f->err, rdb_index_insert(&index, rdb_txn_xid(txn), &entry, &f->err));
        rdb_index terms = terms_of(f);
        for (uint32_t k = 0; k < key_count; k++) {
            const rdb_index_entry term = {.key = keys[k].new_key, .address = address};
            if (keys[k].index_file == TERMS_FILE && term.key.length > 0)
                MUST(&f->err, rdb_index_insert(&terms, rdb_txn_xid(txn), &term, &f->err));
        }
        now[id] = deletes ? -1 : number;
    }
}

/* Every live row has its entries, and there are no others. */
static rdb_row_address seen[ROWS * (TERMS + 4)];
static uint8_t keys_seen[ROWS * (TERMS + 4)];

static uint32_t read_entries(instance *f, rdb_index index)
{
    rdb_index_range all = {0};
    rdb_index_cursor *cursor;
    uint32_t count = 0, n;
    MUST(&f->err, rdb_index_cursor_open(&cursor, &index, &all, false, f->batch, &f->err));
    do {
        rdb_index_entry entries[16];
        MUST(&f->err, rdb_index_cursor_next(cursor, 16, true, f->batch, entries, &n, &f->err));
        for (uint32_t i = 0; i < n && count < RDB_COUNT_OF(seen); i++) {
            keys_seen[count] = entries[i].key.data[0];
            seen[count++] = entries[i].address;
        }
    } while (n > 0);
    rdb_index_cursor_close(&cursor);
    return count;
}

static void check_index(instance *f)
{
    rdb_txn *txn = begin(f, RDB_READ_COMMITTED);
    scan_now(f, txn, &rows);
    uint32_t terms = read_entries(f, terms_of(f)), wanted = 0;
    for (uint32_t i = 0; i < rows.count; i++)
        for (int t = 0; t < TERMS; t++) {
            uint32_t met = 0;
            for (uint32_t e = 0; e < terms; e++)
                met += seen[e] == rows.addresses[i] && keys_seen[e] == 'a' + t;
            assert_int_equal(met, has_term(rows.numbers[i], t));
            wanted += met;
        }
    assert_int_equal(terms, wanted);
    const uint32_t count = read_entries(f, index_of(f));
    assert_int_equal(count, rows.count);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t met = 0;
        for (uint32_t e = 0; e < count; e++)
            met += seen[e] == rows.addresses[i] && keys_seen[e] == rows.numbers[i] % KEYS;
        assert_int_equal(met, 1);
    }
    rdb_txn_abort(&txn);
}

static void test_crash_at_every_call(void **unused)
{
    (void)unused;
    static char noise[8000];
    instance f;
    rdb_fault_log *log = NULL;
    rdb_purge *purge;
    rdb_random random;
    int32_t pending[2][ROWS];
    const char *given = getenv("RDB_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)rdb_time_wall_us();
    printf("seed %llu\n", (unsigned long long)seed);
    rdb_random_seed(&random, seed);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)rdb_random_next(&random);
    for (int i = 0; i < ROWS; i++)
        model[i] = -1;
    instance_begin(&f, 4096, 64); /* few frames: pages are written while the history goes on */
    rdb_index_register_redo();
    create_table(&f);
    rdb_txn *maker = begin(&f, RDB_READ_COMMITTED);
    MUST(&f.err, rdb_index_create(f.storage, maker, INDEX_FILE, &f.err) && rdb_index_create(f.storage, maker, TERMS_FILE, &f.err));
    commit(&f, maker);
    states[0] = state_of_model();
    MUST(&f.err, rdb_fault_record_begin(f.root, NULL, &f.err));
    rdb_purge_config config = {.undo = f.undo, .remove_entry = rdb_index_remove};
    MUST(&f.err, rdb_purge_open(&purge, &config, &f.err));
    for (uint32_t n = 1; n <= COMMITS; n += 2) {
        rdb_txn *txns[2];
        for (int side = 0; side < 2; side++) { /* each on its half of the rows, in an undo log of its own */
            int32_t now[ROWS];
            memcpy(now, model, sizeof now);
            if (rdb_random_next(&random) % 3 == 0) { /* one that comes to nothing */
                rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
                change_some(&f, txn, side * ROWS / 2, now, &random, noise);
                rdb_txn_abort(&txn);
                memcpy(now, model, sizeof now);
            }
            txns[side] = begin(&f, RDB_READ_COMMITTED);
            change_some(&f, txns[side], side * ROWS / 2, now, &random, noise);
            if (rdb_random_next(&random) % 2 == 0) {
                uint32_t level;
                int32_t undone[ROWS];
                memcpy(undone, now, sizeof undone);
                MUST(&f.err, rdb_txn_push_level(txns[side], &level, &f.err));
                change_some(&f, txns[side], side * ROWS / 2, undone, &random, noise);
                rdb_txn_rollback_level(txns[side], level);
            }
            memcpy(pending[side], now, sizeof now);
        }
        for (int side = 0; side < 2; side++) {
            memcpy(model + side * ROWS / 2, pending[side] + side * ROWS / 2, ROWS / 2 * sizeof *model);
            states[n + (uint32_t)side] = state_of_model();
            commit(&f, txns[side]);
            rdb_fault_record_note(n + (uint32_t)side);
        }
        if (n % 5 == 0)
            MUST(&f.err, rdb_purge_run(purge, &f.err));
        if (n % 21 == 0) { /* pages get their images anew after this */
            rdb_wal_fix_redo_point(f.wal);
            MUST(&f.err, rdb_storage_flush_all(f.storage, 0, &f.err));
        }
    }
    rdb_purge_close(&purge);
    MUST(&f.err, rdb_fault_record_end(&log, &f.err));
    instance_close(&f);
    uint32_t first = rdb_fault_log_base(log), count = rdb_fault_log_count(log), tried = 0;
    uint32_t points = getenv("RDB_TEST_POINTS") != NULL ? (uint32_t)strtoul(getenv("RDB_TEST_POINTS"), NULL, 10) : 400;
    uint32_t step = RDB_MAX((count - first) / RDB_MAX(points, 1u), 1u);
    for (uint32_t point = first + (uint32_t)(seed % step); point <= count; point += step) {
        instance crashed = {.page_bytes = 4096, .frames = 64};
        char root[180];
        rdb_crash_mode mode = (rdb_crash_mode)(tried++ % 3);
        snprintf(root, sizeof root, "%.150s.crash", f.root);
        MUST(&crashed.err, rdb_fault_log_rebuild(log, point, mode, seed + point, root, &crashed.err));
        instance_paths(&crashed, root);
        instance_open(&crashed);
        MUST(&crashed.err, rdb_undo_attach(crashed.undo, PDB, &crashed.err));
        uint64_t acknowledged = rdb_fault_log_note_at(log, point);
        state found = state_of_table(&crashed);
        bool ok = same(found, states[acknowledged]) || (acknowledged < COMMITS && same(found, states[acknowledged + 1]));
        if (!ok)
            print_message("point %u of %u, mode %d, %llu commits acknowledged: %u rows\n", point, count, (int)mode,
                          (unsigned long long)acknowledged, found.count);
        assert_true(ok);
        config.undo = crashed.undo;
        MUST(&crashed.err, rdb_purge_open(&purge, &config, &crashed.err));
        int32_t now[ROWS];
        for (int i = 0; i < ROWS; i++)
            now[i] = -1;
        for (uint32_t i = 0; i < rows.count; i++)
            now[rows.ids[i]] = rows.numbers[i];
        rdb_txn *txn = begin(&crashed, RDB_READ_COMMITTED);
        change_some(&crashed, txn, 0, now, &random, noise);
        commit(&crashed, txn);
        MUST(&crashed.err, rdb_purge_run(purge, &crashed.err));
        rdb_undo_statistics statistics;
        rdb_undo_get_statistics(crashed.undo, &statistics);
        assert_int_equal(statistics.bytes, 0);
        assert_int_equal(statistics.jobs, 0);
        check_index(&crashed);
        memcpy(model, now, sizeof model);
        assert_true(same(state_of_table(&crashed), state_of_model()));
        rdb_purge_close(&purge);
        instance_close(&crashed);
        MUST(&crashed.err, rdb_path_remove_tree(root, &crashed.err));
    }
    printf("crash points: %u of %u calls\n", tried, count - first + 1);
    rdb_fault_log_destroy(log);
    MUST(&f.err, rdb_path_remove_tree(f.root, &f.err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_crash_at_every_call)};
    setvbuf(stdout, NULL, _IOLBF, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
