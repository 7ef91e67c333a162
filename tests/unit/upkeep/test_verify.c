/* SPDX-License-Identifier: Apache-2.0
 * A closed instance's files are judged byte by byte: each kind of damage is found, by file and place, and nothing else is. And the
 * control file is made anew from the log where both its copies are gone. */
#include "../storage/toy.h"
#include "instance/rdb_instance.h"
#include "index/rdb_index.h"
#include "table/rdb_table.h"
#include "undo/rdb_undo.h"
#include "upkeep/upkeep_int.h"

#include <fcntl.h>
#include <unistd.h>

enum { SEGMENT_BYTES = 1 << 20, PAGES = 60 };

typedef struct instance {
    char home[64];
    rdb_upkeep *upkeep;
    rdb_error err;
} instance;

static bool open_it(instance *at)
{
    rdb_upkeep_config config = {.home = at->home, .frame_count = 200, .wal_ring_bytes = 64 << 10, .sync = false};
    rdb_checkpoint_part none = {0};
    toy_register();
    rdb_checkpoint_set_part(RDB_RESOURCE_SEQUENCE, &none);
    return rdb_upkeep_open(&at->upkeep, &config, &at->err);
}

static void change(instance *at, uint64_t block, uint64_t slot, uint64_t value, bool fresh)
{
    rdb_buffer *buffer = NULL;
    rdb_lsn end_lsn = 0;
    rdb_storage *storage = rdb_upkeep_storage(at->upkeep);
    if (fresh)
        assert_true(rdb_buffer_extend(storage, 3, TOY_FILE, 0, &block, &buffer, &at->err));
    else
        assert_true(rdb_buffer_acquire(storage, toy_tag(block), RDB_BUFFER_EXCLUSIVE, &buffer, &at->err));
    assert_true(toy_set(storage, buffer, slot, value, fresh, &end_lsn, &at->err));
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
}

/* An instance with a table of some pages and some segments of log behind its last checkpoint but one. */
static void begin(instance *at)
{
    static const char *const folders[] = {"data", "data/meta", "data/wal"};
    char path[128];
    memset(at, 0, sizeof *at);
    snprintf(at->home, sizeof at->home, "/tmp/rdb-verify-XXXXXX");
    assert_non_null(mkdtemp(at->home));
    for (unsigned i = 0; i < RDB_COUNT_OF(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", at->home, folders[i]);
        assert_true(rdb_path_make_directory(path, 0700, true, &at->err));
    }
    rdb_control control = {.system_id = 4712, .layout_version = 1, .data_format = 1, .page_bytes = 4096, .wal_segment_bytes = SEGMENT_BYTES,
                           .incarnation = 1, .state = RDB_CONTROL_NEW};
    assert_true(rdb_control_write(at->home, &control, &at->err));
    assert_true(open_it(at));
    assert_true(rdb_storage_create_file(rdb_upkeep_storage(at->upkeep), 3, TOY_FILE, 0, &at->err));
    for (uint64_t i = 0; i < PAGES; i++)
        change(at, 0, 1, i + 1, true);
}

static void end(instance *at)
{
    assert_true(rdb_path_remove_tree(at->home, &at->err));
    rdb_error_clear(&at->err);
}

static void close_it(instance *at, bool clean)
{
    if (!rdb_upkeep_close(&at->upkeep, clean, &at->err))
        fail_msg("%s %s", at->err.message, at->err.detail);
}

/* The pages have what the last round of changes left. */
static void check_pages(instance *at, uint64_t slot, uint64_t value)
{
    for (uint64_t i = 0; i < PAGES; i++) {
        rdb_buffer *buffer = NULL;
        assert_true(rdb_buffer_acquire(rdb_upkeep_storage(at->upkeep), toy_tag(i), RDB_BUFFER_SHARED, &buffer, &at->err));
        assert_int_equal(toy_slots(rdb_buffer_page(buffer))[slot], value);
        assert_true(toy_is_whole(rdb_buffer_page(buffer)));
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
}

/* ---- verify ------------------------------------------------------------------------------------------------------------------ */

typedef struct findings {
    unsigned count;
    char first_file[64], first_problem[160];
    uint64_t first_position;
    bool first_is_page;
} findings;

static void note(void *context, const rdb_file_problem *problem)
{
    findings *f = context;
    if (f->count++ > 0)
        return;
    snprintf(f->first_file, sizeof f->first_file, "%s", problem->file);
    snprintf(f->first_problem, sizeof f->first_problem, "%s", problem->problem);
    f->first_position = problem->position;
    f->first_is_page = problem->is_page;
}

static findings verify(instance *at, rdb_files_checked *checked)
{
    findings f = {0};
    if (!rdb_upkeep_verify_files(at->home, note, &f, checked, &at->err))
        fail_msg("%s %s", at->err.message, at->err.detail);
    assert_int_equal(checked->problems, f.count);
    return f;
}

/* Turns the byte at that place over, or back. */
static void flip(const instance *at, const char *file, uint64_t offset)
{
    char path[160];
    uint8_t byte = 0;
    snprintf(path, sizeof path, "%s/data/%s", at->home, file);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && pread(fd, &byte, 1, (off_t)offset) == 1);
    byte ^= 0x40;
    assert_true(pwrite(fd, &byte, 1, (off_t)offset) == 1 && close(fd) == 0);
}

static void cut(const instance *at, const char *file, uint64_t bytes)
{
    char path[160];
    snprintf(path, sizeof path, "%s/data/%s", at->home, file);
    assert_int_equal(truncate(path, (off_t)bytes), 0);
}

static void test_each_damage_is_found_and_named(void **state)
{
    (void)state;
    static const char table[] = "tables/3/20000";
    instance at;
    rdb_files_checked checked;
    rdb_control control;
    char wal_file[32], old[160], aside[160];
    begin(&at);
    close_it(&at, false); /* a crash */
    assert_true(open_it(&at));
    for (uint64_t i = 0; i < PAGES; i++)
        change(&at, i, 2, 5, false);
    close_it(&at, true);
    findings f = verify(&at, &checked);
    if (f.count != 0)
        fail_msg("%s %llu: %s", f.first_file, (unsigned long long)f.first_position, f.first_problem);
    assert_true(checked.storage.pages >= PAGES && checked.wal.segments >= 1 && checked.wal.records >= 1);
    assert_true(rdb_control_read(at.home, &control, &at.err));
    /* a page: anywhere in it, and in another's place */
    for (unsigned i = 0; i < 3; i++) {
        static const uint64_t offsets[] = {0, 700, 4095};
        flip(&at, table, 7 * 4096 + offsets[i]);
        f = verify(&at, &checked);
        assert_int_equal(f.count, 1);
        assert_true(f.first_is_page && f.first_position == 7);
        assert_string_equal(f.first_file, table);
        flip(&at, table, 7 * 4096 + offsets[i]);
    }
    cut(&at, table, PAGES * 4096 - 100);
    f = verify(&at, &checked);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.first_problem, "The file ends inside this page");
    cut(&at, table, (PAGES - 1) * 4096);
    /* the log: its segment's header, its record */
    snprintf(wal_file, sizeof wal_file, "wal/%016llx", (unsigned long long)(control.redo_lsn / SEGMENT_BYTES));
    flip(&at, wal_file, 10);
    f = verify(&at, &checked);
    assert_true(f.count >= 1);
    assert_string_equal(f.first_file, wal_file);
    assert_non_null(strstr(f.first_problem, "header"));
    flip(&at, wal_file, 10);
    flip(&at, wal_file, control.checkpoint_lsn % SEGMENT_BYTES + 30);
    f = verify(&at, &checked);
    assert_true(f.count >= 1);
    assert_string_equal(f.first_file, wal_file);
    assert_string_equal(f.first_problem, "No valid record stands where one is due");
    flip(&at, wal_file, control.checkpoint_lsn % SEGMENT_BYTES + 30);
    cut(&at, wal_file, SEGMENT_BYTES - 1);
    f = verify(&at, &checked);
    assert_true(f.count >= 1 && strcmp(f.first_file, wal_file) == 0);
    cut(&at, wal_file, SEGMENT_BYTES);
    assert_int_equal(verify(&at, &checked).count, 0);
    snprintf(old, sizeof old, "%s/data/%s", at.home, wal_file);
    snprintf(aside, sizeof aside, "%s/aside", at.home);
    assert_true(rdb_path_rename(old, aside, &at.err));
    f = verify(&at, &checked);
    assert_true(f.count >= 1);
    assert_string_equal(f.first_problem, "It is missing, or cannot be found by its header");
    assert_true(rdb_path_rename(aside, old, &at.err));
    /* the control file: one copy, and what lies behind it */
    flip(&at, "meta/control", 20);
    f = verify(&at, &checked);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.first_file, "meta/control");
    flip(&at, "meta/control", 20);
    flip(&at, "meta/control", 3000);
    f = verify(&at, &checked);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.first_problem, "The bytes behind this copy are not zero");
    flip(&at, "meta/control", 3000);
    assert_int_equal(verify(&at, &checked).count, 0);
    end(&at);
}

/* Under a server: pages that lie changed in the pool are no damage, those that do not are; a foreign name is passed by. */
static void complain_page(void *context, const char *file, rdb_page_tag tag, const char *problem)
{
    (void)problem;
    note(context, &(rdb_file_problem){.file = file, .is_page = true, .position = tag.block, .problem = problem});
}

static void test_files_under_a_server(void **state)
{
    (void)state;
    instance at;
    char path[160];
    findings f = {0};
    rdb_storage_checked checked = {0};
    begin(&at);
    rdb_storage *storage = rdb_upkeep_storage(at.upkeep);
    assert_true(rdb_storage_flush_all(storage, 0, &at.err));
    snprintf(path, sizeof path, "%s/data/tables/3/notes.txt", at.home);
    assert_true(rdb_path_write_atomic(path, "hello", 5, 0600, &at.err));
    change(&at, 3, 4, 9, false);
    flip(&at, "tables/3/20000", 3 * 4096 + 100); /* will be written anew */
    snprintf(path, sizeof path, "%s/data", at.home);
    const rdb_storage_check check = {.data_directory = path, .page_bytes = 4096, .storage = storage, .complain = complain_page, .context = &f};
    assert_true(rdb_storage_verify_files(&check, &checked, &at.err));
    assert_int_equal(f.count, 0);
    flip(&at, "tables/3/20000", 5 * 4096 + 100);
    assert_true(rdb_storage_verify_files(&check, &checked, &at.err));
    assert_int_equal(f.count, 1);
    assert_int_equal(f.first_position, 5);
    flip(&at, "tables/3/20000", 5 * 4096 + 100);
    const rdb_storage_check other = {.data_directory = path, .page_bytes = 4096, .pdb = 4, .storage = storage, .complain = complain_page, .context = &f};
    rdb_storage_checked nothing = {0};
    assert_true(rdb_storage_verify_files(&other, &nothing, &at.err));
    assert_int_equal(nothing.pages, 0);
    close_it(&at, true);
    end(&at);
}

/* ---- the control file from the log --------------------------------------------------------------------------------------------- */

static void test_control_file_comes_back_from_the_log(void **state)
{
    (void)state;
    instance at;
    rdb_control before, after;
    char path[160];
    begin(&at);
    assert_true(rdb_upkeep_checkpoint(at.upkeep, 0, &at.err));
    for (uint64_t i = 0; i < PAGES; i++)
        change(&at, i, 3, 8, false);
    close_it(&at, false);
    assert_true(rdb_control_read(at.home, &before, &at.err));
    for (unsigned way = 0; way < 2; way++) { /* both copies bad; no file at all */
        snprintf(path, sizeof path, "%s/data/meta/control", at.home);
        if (way == 0) {
            flip(&at, "meta/control", 20);
            flip(&at, "meta/control", 4096 + 20);
        } else {
            assert_true(rdb_path_remove(path, false, &at.err));
        }
        assert_true(rdb_upkeep_read_control(at.home, &after, &at.err));
        assert_int_equal(after.redo_lsn, before.redo_lsn);
        assert_int_equal(after.checkpoint_lsn, before.checkpoint_lsn);
        assert_int_equal(after.system_id, before.system_id);
        assert_int_equal(after.page_bytes, before.page_bytes);
        assert_int_equal(after.wal_segment_bytes, before.wal_segment_bytes);
        assert_int_equal(after.incarnation, before.incarnation);
    }
    assert_true(open_it(&at));
    check_pages(&at, 3, 8);
    close_it(&at, true);
    /* a log without a whole checkpoint, and none at all, make none, and say what is wrong */
    assert_true(rdb_control_read(at.home, &before, &at.err));
    char wal[160];
    snprintf(wal, sizeof wal, "%s/data/wal", at.home);
    assert_true(rdb_path_remove_tree(wal, &at.err) && rdb_path_make_directory(wal, 0700, true, &at.err));
    assert_true(rdb_path_remove(path, false, &at.err));
    assert_false(rdb_upkeep_read_control(at.home, &after, &at.err));
    assert_non_null(strstr(at.err.detail, "no segment of the write-ahead log"));
    rdb_error_clear(&at.err);
    const rdb_wal_config config = {.directory = wal, .system_id = 4712, .segment_bytes = SEGMENT_BYTES, .ring_bytes = 64 << 10, .incarnation = 1, .thread_no = 1};
    rdb_wal *log = NULL;
    assert_true(rdb_wal_open(&log, &config, SEGMENT_BYTES + 64, &at.err) && rdb_wal_close(&log, &at.err));
    assert_false(rdb_upkeep_read_control(at.home, &after, &at.err));
    assert_non_null(strstr(at.err.detail, "no whole checkpoint"));
    rdb_error_clear(&at.err);
    end(&at);
}

/* A record that redo refuses ends recovery with its place, whichever thread met it; nothing hangs, and the pages stay as they were for the
 * next try. */
static void test_refused_record_ends_recovery(void **state)
{
    (void)state;
    instance at;
    rdb_control control;
    begin(&at);
    for (uint64_t i = 0; i < PAGES; i++)
        change(&at, i, 3, 8, false);
    /* whole and well formed, but about a slot that no page has */
    rdb_storage *storage = rdb_upkeep_storage(at.upkeep);
    rdb_buffer *buffer = NULL;
    uint8_t record[RDB_WAL_HEADER_BYTES + RDB_WAL_BLOCK_BYTES_MAX + 16] = {0};
    assert_true(rdb_buffer_acquire(storage, toy_tag(9), RDB_BUFFER_SHARED, &buffer, &at.err));
    rdb_put_u32(record + 16, 3);
    record[20] = RDB_RESOURCE_HEAP;
    record[21] = TOY_SET;
    record[22] = 1;
    const rdb_wal_block reference = {.file = TOY_FILE, .block = 9, .previous_change_no = rdb_buffer_page(buffer)->change_no, .data_bytes = 16};
    const uint32_t head = RDB_WAL_HEADER_BYTES + rdb_wal_put_block(record + RDB_WAL_HEADER_BYTES, &reference);
    rdb_put_u64(record + head, TOY_SLOTS + 1);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    rdb_wal_piece piece = {record, head + 16};
    rdb_lsn lsn = 0, end_lsn = 0;
    assert_true(rdb_wal_insert(rdb_upkeep_wal(at.upkeep), &piece, 1, NULL, NULL, &lsn, &end_lsn, &at.err));
    assert_true(rdb_wal_flush(rdb_upkeep_wal(at.upkeep), end_lsn, &at.err));
    for (uint64_t i = 0; i < PAGES; i++)
        change(&at, i, 4, 9, false);
    close_it(&at, false);
    assert_true(rdb_control_read(at.home, &control, &at.err));
    for (uint32_t threads = 1; threads <= 3; threads++) {
        rdb_upkeep_config config = {.home = at.home, .frame_count = 200, .wal_ring_bytes = 64 << 10, .sync = false, .recovery_threads = threads};
        char place[32];
        assert_false(rdb_upkeep_open(&at.upkeep, &config, &at.err));
        assert_null(at.upkeep);
        assert_string_equal(at.err.sqlstate, RDB_DATA_CORRUPTED);
        snprintf(place, sizeof place, "at %llX", (unsigned long long)lsn);
        if (at.err.context == NULL || strstr(at.err.context, place) == NULL)
            fail_msg("%u threads: %s, %s", threads, at.err.message, at.err.context != NULL ? at.err.context : "no context");
        rdb_error_clear(&at.err);
    }
    end(&at);
}

/* What the error of a recovery says of a record: each resource of each operation something, whatever its bytes are. */
static void test_records_are_described(void **state)
{
    (void)state;
    uint8_t data[40] = {0};
    rdb_strbuf text;
    const rdb_resource_ops *ops;
    upkeep_register_redo();
    rdb_txn_register_redo();
    rdb_undo_register_redo();
    rdb_table_register_redo();
    rdb_index_register_redo();
    rdb_put_u64(data, 0xabcd);
    memcpy(data + 8, "here", 4);
    const struct { uint8_t operation; uint32_t bytes; const char *says; } cases[] = {
        {RDB_WAL_OP_CHECKPOINT, 24, "checkpoint, redo from ABCD"}, {RDB_WAL_OP_RESTORE_POINT, 12, "restore point here"},
        {RDB_WAL_OP_SWITCH, 40, "end of the segment, 40 bytes"}, {77, 0, "nothing"}};
    for (unsigned i = 0; i < RDB_COUNT_OF(cases); i++) {
        rdb_wal_record record = {.resource = RDB_RESOURCE_WAL, .operation = cases[i].operation, .data = data, .data_bytes = cases[i].bytes};
        rdb_strbuf_init(&text, NULL);
        ops = rdb_resource_find(RDB_RESOURCE_WAL);
        ops->describe(&record, &text);
        assert_int_equal(text.length, strlen(cases[i].says));
        assert_memory_equal(text.data, cases[i].says, text.length);
        rdb_strbuf_free(&text);
    }
    unsigned described = 0;
    for (unsigned resource = 0; resource <= UINT8_MAX; resource++) {
        ops = rdb_resource_find((rdb_resource)resource);
        if (ops == NULL || ops->describe == NULL)
            continue;
        described++;
        for (unsigned operation = 0; operation <= UINT8_MAX; operation++)
            for (uint32_t bytes = 0; bytes <= sizeof data; bytes += 4) {
                uint8_t *exact = malloc(bytes + 1), *block_data = malloc(bytes + 1); /* so that a sanitizer sees a byte too far */
                memset(exact, 0xa5, bytes);
                memset(block_data, 0x5a, bytes);
                const rdb_wal_record record = {.resource = (uint8_t)resource, .operation = (uint8_t)operation, .data = exact, .data_bytes = bytes, .block_count = 1,
                                               .blocks = {{.file = 9, .block = 3, .data = block_data, .data_bytes = bytes}}};
                rdb_strbuf_init(&text, NULL);
                ops->describe(&record, &text);
                assert_false(text.failed);
                assert_true(resource == RDB_RESOURCE_WAL || text.length > 0);
                rdb_strbuf_free(&text);
                free(exact);
                free(block_data);
            }
    }
    assert_true(described >= 6); /* the log, storage, transactions, undo, heap, index */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_damage_is_found_and_named),
        cmocka_unit_test(test_files_under_a_server),
        cmocka_unit_test(test_control_file_comes_back_from_the_log),
        cmocka_unit_test(test_refused_record_ends_recovery),
        cmocka_unit_test(test_records_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
