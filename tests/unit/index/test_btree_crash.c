/* SPDX-License-Identifier: Apache-2.0
 * A recorded life of a tree, cut by a crash at every point of its file calls: what recovery finds is the tree after some
 * operation, never before the last one that was promised, whole, and able to live on (which finishes splits that the
 * crash left unfinished). In a second life most entries go again and the file is made smaller in between. */
#include "fixture.h"
#include "os/rdb_fault.h"

enum { OPERATIONS = 260, FRAMES = 48, SHRINKS_FROM = 150 };
static bool shrinks; /* the second life */

/* Operation number n: mostly an insert of a key of some length, else the removal of an earlier one. Where the tree shrinks: first those, then
 * these, then both as ever. */
static bool operation(uint64_t n, uint8_t key[RDB_INDEX_KEY_MAX], rdb_index_entry *entry)
{
    rdb_random random;
    rdb_random_seed(&random, n + 1);
    uint64_t draw = rdb_random_next(&random);
    bool is_insert = draw % 5 != 0 || n < 20;
    uint64_t of = is_insert ? n : draw / 8 % n;
    if (shrinks && n < OPERATIONS) {
        is_insert = n < SHRINKS_FROM;
        of = is_insert ? n : (n - SHRINKS_FROM) * 7 % SHRINKS_FROM;
    }
    rdb_random_seed(&random, of + 7777);
    draw = rdb_random_next(&random);
    uint32_t length = draw % 16 == 0 && !shrinks ? 1500 : 150 + (uint32_t)(draw >> 8) % 500;
    memset(key, 'k', length);
    uint32_t differs_at = draw % 3 == 0 ? length - 8 : 0; /* long separators too */
    rdb_put_u64(key + differs_at, rdb_random_next(&random));
    *entry = (rdb_index_entry){.key = {key, length}, .address = 1 + of};
    return is_insert;
}

static uint64_t pages_stepped; /* by compactions */

static void apply(const rdb_index *index, uint64_t n, rdb_error *err)
{
    static uint8_t key[RDB_INDEX_KEY_MAX];
    rdb_index_entry entry;
    if (operation(n, key, &entry))
        MUST(err, rdb_index_insert(index, 3, &entry, err));
    else
        MUST(err, rdb_index_remove(index->storage, PDB, INDEX_FILE, entry.key, entry.address, NULL, NULL, err));
    if (shrinks && n >= SHRINKS_FROM && n % 20 == 10) {
        rdb_index_compaction compaction = {0};
        MUST(err, rdb_index_compact(index, &compaction, err));
        pages_stepped += compaction.pages_merged + compaction.pages_moved;
    }
}

static void model_apply(model *m, uint64_t n)
{
    static uint8_t key[RDB_INDEX_KEY_MAX];
    rdb_index_entry entry;
    if (operation(n, key, &entry))
        model_insert(m, &entry);
    else
        model_remove(m, entry.key.data, entry.key.length, entry.address);
}

static rdb_wal_config wal_config_of(const char *directory, bool sync)
{
    return (rdb_wal_config){.directory = directory, .system_id = 9, .segment_bytes = 1 << 20, .ring_bytes = 256 << 10,
                            .incarnation = 1, .thread_no = 1, .sync = sync};
}

static rdb_fault_log *record_life(const char *root)
{
    char wal_directory[128], data_directory[128];
    rdb_error err = {0};
    rdb_wal *wal;
    rdb_storage *storage;
    rdb_fault_log *log;
    snprintf(wal_directory, sizeof wal_directory, "%s/wal", root);
    snprintf(data_directory, sizeof data_directory, "%s/data", root);
    MUST(&err, rdb_path_make_directory(data_directory, 0700, true, &err));
    MUST(&err, rdb_path_sync_directory(root, &err));
    rdb_wal_config wal_config = wal_config_of(wal_directory, true);
    MUST(&err, rdb_wal_open(&wal, &wal_config, (1 << 20) + 64, &err));
    rdb_storage_config config = {.data_directory = data_directory, .page_bytes = 4096, .frame_count = FRAMES, .wal = wal, .sync = true};
    MUST(&err, rdb_storage_open(&storage, &config, &err));
    MUST(&err, rdb_storage_create_file(storage, PDB, INDEX_FILE, 3, &err));
    MUST(&err, btree_create_root(storage, PDB, INDEX_FILE, 3, &err));
    MUST(&err, rdb_wal_flush(wal, rdb_wal_insert_lsn(wal), &err));
    rdb_index index = {.storage = storage, .pdb = PDB, .file = INDEX_FILE};
    MUST(&err, rdb_fault_record_begin(root, NULL, &err));
    for (uint64_t n = 0; n < OPERATIONS; n++) {
        apply(&index, n, &err);
        if (n % 3 == 0) {
            MUST(&err, rdb_wal_flush(wal, rdb_wal_insert_lsn(wal), &err));
            rdb_fault_record_note(n + 1); /* so many operations are promised */
        }
        if (n % 90 == 60)
            MUST(&err, rdb_storage_flush_all(storage, 0, &err));
    }
    MUST(&err, rdb_fault_record_end(&log, &err));
    rdb_storage_close(&storage);
    MUST(&err, rdb_wal_close(&wal, &err));
    return log;
}

/* Opens what the crash left, replays the log (at most so many records), and hands out an instance that can be written. False: the
 * log ended before. */
static bool recover(const char *root, uint32_t records_max, rdb_wal **wal, rdb_storage **storage, rdb_error *err)
{
    static rdb_wal_record record;
    char wal_directory[128], data_directory[128];
    rdb_wal_reader *reader;
    bool found = true;
    snprintf(wal_directory, sizeof wal_directory, "%s/wal", root);
    snprintf(data_directory, sizeof data_directory, "%s/data", root);
    rdb_wal_config wal_config = wal_config_of(wal_directory, false);
    rdb_storage_config config = {.data_directory = data_directory, .page_bytes = 4096, .frame_count = 512, .sync = false};
    MUST(err, rdb_storage_open(storage, &config, err));
    MUST(err, rdb_wal_reader_open(&reader, &wal_config, (1 << 20) + 64, err));
    rdb_lsn end = rdb_wal_reader_end(reader);
    for (uint32_t count = 0; count < records_max; count++) {
        MUST(err, rdb_wal_reader_next(reader, &record, &found, err));
        end = rdb_wal_reader_end(reader);
        if (!found)
            break;
        end = record.end_lsn;
        MUST(err, rdb_storage_replay(*storage, &record, err));
    }
    rdb_wal_reader_close(&reader);
    MUST(err, rdb_wal_open(wal, &wal_config, end, err));
    rdb_storage_set_wal(*storage, *wal);
    return found;
}

/* The entries of the tree, as bytes. */
static void read_all(const rdb_index *index, rdb_strbuf *bytes, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("read", NULL, NULL), *batch = rdb_arena_create("batch", NULL, NULL);
    rdb_index_cursor *cursor;
    rdb_index_range all = {0};
    rdb_index_entry entries[32];
    uint32_t count;
    MUST(err, rdb_index_cursor_open(&cursor, index, &all, false, arena, err));
    do {
        rdb_arena_reset(batch);
        MUST(err, rdb_index_cursor_next(cursor, 32, true, batch, entries, &count, err));
        for (uint32_t i = 0; i < count; i++) {
            rdb_strbuf_add(bytes, &entries[i].address, sizeof entries[i].address);
            rdb_strbuf_add(bytes, entries[i].key.data, entries[i].key.length);
        }
    } while (count > 0);
    rdb_arena_destroy(arena);
    rdb_arena_destroy(batch);
}

static void check_backward(const rdb_index *index, const model *m)
{
    fixture f = {.index = *index, .batch = rdb_arena_create("batch", NULL, NULL)};
    rdb_arena *arena = rdb_arena_create("cursor", NULL, NULL);
    rdb_index_cursor *cursor;
    rdb_index_range all = {0};
    MUST(&f.err, rdb_index_cursor_open(&cursor, index, &all, true, arena, &f.err));
    check_range(&f, m, cursor, &all, true, 5);
    rdb_arena_destroy(arena);
    rdb_arena_destroy(f.batch);
}

static void model_bytes(const model *m, rdb_strbuf *bytes)
{
    rdb_strbuf_clear(bytes);
    for (uint32_t i = 0; i < m->count; i++) {
        rdb_strbuf_add(bytes, &m->entries[i].address, sizeof m->entries[i].address);
        rdb_strbuf_add(bytes, m->entries[i].key, m->entries[i].key_bytes);
    }
}

static void check_point(const rdb_fault_log *log, uint32_t point, rdb_crash_mode mode, const char *target)
{
    rdb_error err = {0};
    rdb_wal *wal;
    rdb_storage *storage;
    rdb_index_statistics statistics;
    rdb_strbuf found, expected;
    model m = {0};
    MUST(&err, rdb_fault_log_rebuild(log, point, mode, point, target, &err));
    recover(target, UINT32_MAX, &wal, &storage, &err);
    rdb_index index = {.storage = storage, .pdb = PDB, .file = INDEX_FILE};
    MUST(&err, rdb_index_verify(&index, &statistics, &err));
    rdb_strbuf_init(&found, NULL);
    rdb_strbuf_init(&expected, NULL);
    read_all(&index, &found, &err);
    uint64_t promised = rdb_fault_log_note_at(log, point), n = 0;
    bool agrees = false;
    for (; n <= OPERATIONS; n++) {
        if (n >= promised) {
            model_bytes(&m, &expected);
            agrees = expected.length == found.length && memcmp(expected.data, found.data, found.length) == 0;
            if (agrees || n == OPERATIONS)
                break;
        }
        model_apply(&m, n);
    }
    if (!agrees)
        fail_msg("point %u, mode %d: the tree is at no state after operation %llu", point, mode, (unsigned long long)promised);
    for (uint64_t more = 0; more < 30; more++) { /* it lives on, splits and all */
        apply(&index, OPERATIONS + more, &err);
        model_apply(&m, OPERATIONS + more);
    }
    MUST(&err, rdb_index_verify(&index, &statistics, &err));
    assert_int_equal(statistics.entries, m.count);
    model_clear(&m);
    rdb_strbuf_free(&found);
    rdb_strbuf_free(&expected);
    rdb_storage_close(&storage);
    MUST(&err, rdb_wal_close(&wal, &err));
}

static void test_every_crash_point_recovers(void **state)
{
    shrinks = *state != NULL;
    rdb_error err = {0};
    char root[64] = "/tmp/rdb-index-crash-XXXXXX", target[64] = "/tmp/rdb-index-again-XXXXXX";
    assert_non_null(mkdtemp(root));
    assert_non_null(mkdtemp(target));
    rdb_index_register_redo();
    rdb_fault_log *log = record_life(root);
    uint32_t points = 0;
    for (uint32_t point = rdb_fault_log_base(log); point <= rdb_fault_log_count(log); point++, points++)
        check_point(log, point, (rdb_crash_mode)(point % 3), target);
    print_message("crash points: %u, %llu pages merged or moved\n", points, (unsigned long long)pages_stepped);
    assert_true(!shrinks || pages_stepped > 100);
    assert_true(points > 150);
    rdb_fault_log_destroy(log);
    MUST(&err, rdb_path_remove_tree(root, &err));
    MUST(&err, rdb_path_remove_tree(target, &err));
}

static uint64_t count_blocks(rdb_storage *storage, rdb_error *err)
{
    uint64_t blocks;
    MUST(err, rdb_storage_block_count(storage, PDB, INDEX_FILE, RDB_FORK_MAIN, &blocks, err));
    return blocks;
}

static uint32_t count_unfinished(const rdb_index *index, rdb_error *err)
{
    uint64_t blocks;
    uint32_t unfinished = 0;
    MUST(err, rdb_storage_block_count(index->storage, PDB, INDEX_FILE, RDB_FORK_MAIN, &blocks, err));
    for (uint64_t block = 1; block < blocks; block++) {
        rdb_buffer *buffer;
        rdb_page_tag tag = {.file = INDEX_FILE, .block = block, .pdb = PDB};
        MUST(err, rdb_buffer_acquire(index->storage, tag, RDB_BUFFER_SHARED, &buffer, err));
        unfinished += rdb_buffer_page(buffer)->type == RDB_PAGE_BTREE && (rdb_buffer_page(buffer)->flags & BTREE_INCOMPLETE) != 0;
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    return unfinished;
}

/* The log ends behind every record in turn, so also between a split and its separator: the tree is whole then too, and whoever
 * writes there next finishes the split. */
static void test_the_log_may_end_behind_any_record(void **state)
{
    shrinks = *state != NULL;
    rdb_error err = {0};
    char root[64] = "/tmp/rdb-index-crash-XXXXXX", target[64] = "/tmp/rdb-index-again-XXXXXX";
    uint32_t met_unfinished = 0, left_unfinished = 0, records = 0, ends_short = 0;
    uint64_t blocks_max = 0;
    assert_non_null(mkdtemp(root));
    assert_non_null(mkdtemp(target));
    rdb_index_register_redo();
    rdb_fault_log *log = record_life(root);
    for (bool more = true; more; records++) {
        rdb_wal *wal;
        rdb_storage *storage;
        rdb_index_statistics statistics;
        rdb_strbuf found, expected;
        model m = {0};
        char data_directory[128];
        MUST(&err, rdb_fault_log_rebuild(log, rdb_fault_log_count(log), RDB_CRASH_KEEP_ALL, 0, target, &err));
        snprintf(data_directory, sizeof data_directory, "%s/data", target);
        MUST(&err, rdb_path_remove_tree(data_directory, &err)); /* all of it comes from the log */
        MUST(&err, rdb_path_make_directory(data_directory, 0700, false, &err));
        more = recover(target, 4 + records, &wal, &storage, &err);
        ends_short += count_blocks(storage, &err) < blocks_max;
        blocks_max = RDB_MAX(blocks_max, count_blocks(storage, &err));
        rdb_index index = {.storage = storage, .pdb = PDB, .file = INDEX_FILE};
        MUST(&err, rdb_index_verify(&index, &statistics, &err));
        uint32_t unfinished = count_unfinished(&index, &err);
        met_unfinished += unfinished > 0;
        rdb_strbuf_init(&found, NULL);
        rdb_strbuf_init(&expected, NULL);
        read_all(&index, &found, &err);
        uint64_t n = 0;
        for (;; n++) {
            model_bytes(&m, &expected);
            if (expected.length == found.length && (found.length == 0 || memcmp(expected.data, found.data, found.length) == 0))
                break;
            assert_true(n < OPERATIONS);
            model_apply(&m, n);
        }
        check_backward(&index, &m);
        for (uint64_t on = 0; on < 40; on++) {
            apply(&index, n + on, &err);
            model_apply(&m, n + on);
        }
        MUST(&err, rdb_index_verify(&index, &statistics, &err));
        assert_int_equal(statistics.entries, m.count);
        left_unfinished += count_unfinished(&index, &err) > 0;
        model_clear(&m);
        rdb_strbuf_free(&found);
        rdb_strbuf_free(&expected);
        rdb_storage_close(&storage);
        MUST(&err, rdb_wal_close(&wal, &err));
    }
    print_message("%u records, %u ends with an unfinished split, %u in a file that was cut\n", records, met_unfinished, ends_short);
    assert_true(!shrinks || ends_short > 30);
    assert_true(met_unfinished > 20);
    assert_true(left_unfinished < met_unfinished / 2); /* those that nobody came to write at */
    rdb_fault_log_destroy(log);
    MUST(&err, rdb_path_remove_tree(root, &err));
    MUST(&err, rdb_path_remove_tree(target, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = { /* with a state: the second life */
        cmocka_unit_test(test_every_crash_point_recovers),
        cmocka_unit_test(test_the_log_may_end_behind_any_record),
        cmocka_unit_test_prestate(test_every_crash_point_recovers, "shrinks"),
        cmocka_unit_test_prestate(test_the_log_may_end_behind_any_record, "shrinks"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
