/* SPDX-License-Identifier: Apache-2.0
 * Files and paths on a real directory. */
#include "os/rdb_fault.h"
#include "os/rdb_os.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[64];
static char path_text[4][128];

static const char *in_directory(int slot, const char *name)
{
    snprintf(path_text[slot], sizeof path_text[slot], "%s/%s", directory, name);
    return path_text[slot];
}

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/rdb-test-file-XXXXXX");
    return mkdtemp(directory) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    rdb_fault_disarm();
    rdb_error err = {0};
    return !rdb_path_remove_tree(directory, &err);
}

static void count_failure(void *context, const rdb_error *err)
{
    assert_non_null(strstr(err->message, "could not fsync"));
    ++*(unsigned *)context;
}

/* Who guards a directory hears of every failed sync below it, of files and of directories, and of none beside it. */
static void test_failed_syncs_are_told(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_file *file = NULL;
    unsigned told = 0;
    const char *path = in_directory(0, "guarded");
    char parent[256], beside[300];
    snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(path, '/') - path), path);
    snprintf(beside, sizeof beside, "%.*s", (int)strlen(parent) - 1, parent);
    assert_true(rdb_file_open(&file, path, RDB_FILE_CREATE, &err));
    assert_true(rdb_fault_arm("sync:/guarded:count=0:EIO;syncdir::count=0:EIO", &err));
    for (unsigned guarded = 0; guarded < 3; guarded++) { /* nobody, the directory, one whose name is the beginning of its name */
        rdb_file_guard_syncs(guarded == 0 ? NULL : guarded == 1 ? parent : beside, count_failure, &told);
        assert_false(rdb_file_sync(file, &err));
        rdb_error_clear(&err);
        assert_false(rdb_path_sync_directory(parent, &err));
        rdb_error_clear(&err);
        assert_int_equal(told, guarded == 0 ? 0 : 2);
    }
    rdb_file_guard_syncs(NULL, NULL, NULL);
    rdb_fault_disarm();
    assert_true(rdb_file_close(&file, &err));
}

static void test_write_read_and_the_end(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_file *file;
    const char *path = in_directory(0, "a");
    assert_false(rdb_file_open(&file, path, RDB_FILE_READ, &err));
    assert_null(file);
    assert_string_equal(err.sqlstate, "58P01");
    rdb_error_clear(&err);
    assert_true(rdb_file_open(&file, path, RDB_FILE_CREATE | RDB_FILE_EXCLUSIVE, &err));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(rdb_file_write(file, 10, "hello", 5, &err));
    uint64_t size;
    assert_true(rdb_file_size(file, &size, &err));
    assert_int_equal(size, 15);
    char text[20] = {1, 2, 3};
    assert_true(rdb_file_read(file, 8, text, 7, NULL, &err));
    assert_memory_equal(text, "\0\0hello", 7);
    size_t got;
    assert_true(rdb_file_read(file, 13, text, 7, &got, &err));
    assert_int_equal(got, 2);
    assert_false(rdb_file_read(file, 13, text, 7, NULL, &err));
    assert_string_equal(err.sqlstate, "XX001");
    rdb_error_clear(&err);
    assert_true(rdb_file_truncate(file, 12, &err));
    assert_true(rdb_file_zero_fill(file, 12, 200000, &err));
    assert_true(rdb_file_size(file, &size, &err));
    assert_int_equal(size, 200012);
    assert_true(rdb_file_reserve(file, 200012, 100000, &err)); /* there, and zeroes to a reader */
    assert_true(rdb_file_size(file, &size, &err));
    assert_int_equal(size, 300012);
    assert_true(rdb_file_read(file, 300000, text, 12, NULL, &err));
    assert_memory_equal(text, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    assert_true(rdb_fault_arm("write:/a:nth=1:ENOSPC", &err)); /* armed, it is a write that can be failed */
    assert_false(rdb_file_reserve(file, 300012, 4096, &err));
    assert_string_equal(err.sqlstate, "53100");
    rdb_error_clear(&err);
    rdb_fault_disarm();
    assert_true(rdb_file_sync(file, &err));
    rdb_file_prefetch(file, 0, 4096);
    assert_string_equal(rdb_file_path(file), path);
    assert_true(rdb_file_close(&file, &err));
    assert_null(file);
    assert_true(rdb_file_close(&file, &err));
    assert_false(rdb_file_open(&file, path, RDB_FILE_CREATE | RDB_FILE_EXCLUSIVE, &err));
    assert_string_equal(err.sqlstate, "58P02");
    rdb_error_clear(&err);
    assert_true(rdb_file_open(&file, path, RDB_FILE_READ, &err));
    assert_false(rdb_file_write(file, 0, "x", 1, &err)); /* read only means it */
    rdb_error_clear(&err);
    assert_true(rdb_file_close(&file, &err));
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE | RDB_FILE_TRUNCATE, &err));
    assert_true(rdb_file_size(file, &size, &err) && size == 0);
    assert_true(rdb_file_close(&file, &err));
}

static void test_direct_works_or_falls_back(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_file *file;
    void *page = NULL;
    assert_int_equal(posix_memalign(&page, 4096, 4096), 0);
    memset(page, 7, 4096);
    assert_true(rdb_file_open(&file, in_directory(0, "direct"), RDB_FILE_CREATE | RDB_FILE_EXCLUSIVE | RDB_FILE_DIRECT, &err));
    assert_true(rdb_file_write(file, 4096, page, 4096, &err));
    assert_true(rdb_file_read(file, 0, page, 4096, NULL, &err));
    assert_int_equal(((uint8_t *)page)[9], 0);
    assert_true(rdb_file_close(&file, &err));
    free(page);
}

static void test_short_and_interrupted_transfers_are_completed(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_file *file;
    assert_true(rdb_fault_arm("write::nth=1:count=3:short;write::nth=4:EINTR;read::nth=1:count=4:short;read::nth=2:EINTR;"
                              "create::EINTR;sync::EINTR;truncate::EINTR",
                              &err));
    assert_true(rdb_file_open(&file, in_directory(0, "short"), RDB_FILE_CREATE, &err));
    char out[1000], in[1000] = {0};
    for (size_t at = 0; at < sizeof out; at++)
        out[at] = (char)(at * 7);
    assert_true(rdb_file_write(file, 3, out, sizeof out, &err));
    assert_true(rdb_file_read(file, 3, in, sizeof in, NULL, &err));
    assert_memory_equal(in, out, sizeof in);
    assert_true(rdb_file_sync(file, &err));
    assert_true(rdb_file_truncate(file, 5, &err));
    assert_int_equal(rdb_fault_fired(), 3 + 1 + 4 + 1 + 3);
    assert_true(rdb_fault_calls("write") >= 5);
    assert_true(rdb_file_close(&file, &err));
}

static void test_each_failure_has_its_state_and_a_failed_sync_is_final(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_file *file;
    assert_true(rdb_file_open(&file, in_directory(0, "fail"), RDB_FILE_CREATE, &err));
    assert_true(rdb_fault_arm("write:/fail:nth=2:ENOSPC;sync:*fail:nth=2:EIO;write:other:count=0:EIO", &err));
    assert_true(rdb_file_write(file, 0, "x", 1, &err));
    assert_false(rdb_file_write(file, 0, "x", 1, &err));
    assert_string_equal(err.sqlstate, "53100");
    rdb_error_clear(&err);
    assert_true(rdb_file_write(file, 0, "x", 1, &err));
    assert_true(rdb_file_sync(file, &err));
    for (int turn = 0; turn < 2; turn++) { /* the second has no rule any more, and must fail all the same */
        assert_false(rdb_file_sync(file, &err));
        assert_string_equal(err.sqlstate, "58030");
        rdb_error_clear(&err);
    }
    assert_int_equal(rdb_fault_fired(), 2);
    assert_true(rdb_file_close(&file, &err));
    rdb_fault_disarm();
    assert_true(rdb_file_open(&file, in_directory(0, "temporary"), RDB_FILE_CREATE | RDB_FILE_TEMPORARY, &err));
    assert_true(rdb_fault_arm("sync::EIO", &err));
    assert_true(rdb_file_sync(file, &err)); /* no call is made */
    assert_true(rdb_file_close(&file, &err));
}

static void test_rules_with_mistakes_arm_nothing(void **state)
{
    (void)state;
    static const char *const BAD[] = {"write",       "write:x",     "write:x:EWHAT",     "wrte:x:EIO", "write:x:nth=0:EIO",
                                      "sync::short", "a:b:c:d:e:f", "write::nth=-1:EIO", "write::nth=:EIO"};
    for (size_t bad_no = 0; bad_no < RDB_COUNT_OF(BAD); bad_no++) {
        rdb_error err = {0};
        assert_false(rdb_fault_arm(BAD[bad_no], &err));
        assert_string_equal(err.sqlstate, "22023");
    }
    rdb_error err = {0};
    rdb_file *file;
    assert_true(rdb_file_open(&file, in_directory(0, "fine"), RDB_FILE_CREATE, &err));
    assert_true(rdb_file_write(file, 0, "x", 1, &err));
    assert_true(rdb_file_close(&file, &err));
}

/* Each part comes to its own place; the end of the file, and a transfer that fails midway, leave the parts before it. */
static void test_parts(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_file *file;
    char written[100], parts[8][16];
    void *places[8];
    uint32_t got = 99;
    for (unsigned i = 0; i < sizeof written; i++)
        written[i] = (char)(i * 7);
    for (unsigned i = 0; i < 8; i++)
        places[i] = parts[7 - i];
    assert_true(rdb_file_open(&file, in_directory(0, "parts"), RDB_FILE_CREATE, &err));
    assert_true(rdb_file_write(file, 0, written, sizeof written, &err));
    for (int faulty = 0; faulty < 2; faulty++) {
        memset(parts, 0, sizeof parts);
        if (faulty)
            assert_true(rdb_fault_arm("read:parts:nth=100:EIO", &err)); /* one by one, none of them fails */
        assert_true(rdb_file_read_parts(file, 4, places, 16, 8, &got, &err));
        assert_int_equal(got, 6); /* 96 of 128 bytes */
        for (unsigned i = 0; i < got; i++)
            assert_memory_equal(parts[7 - i], written + 4 + 16 * i, 16);
        rdb_fault_disarm();
    }
    assert_true(rdb_file_read_parts(file, 200, places, 16, 3, &got, &err));
    assert_int_equal(got, 0);
    assert_true(rdb_fault_arm("read:parts:nth=3:EIO", &err));
    assert_false(rdb_file_read_parts(file, 0, places, 16, 5, &got, &err));
    assert_string_equal(err.sqlstate, RDB_IO_ERROR);
    assert_int_equal(got, 2);
    rdb_error_clear(&err);
    rdb_fault_disarm();
    assert_true(rdb_file_close(&file, &err));
}

static void test_whole_files(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    const char *path = in_directory(0, "whole");
    rdb_slice content;
    assert_true(rdb_path_write_atomic(path, "first", 5, 0640, &err));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    /* whatever call fails, the old content stands and no temporary file stays */
    bool ok = false;
    for (unsigned nth = 1; !ok; nth++) {
        char rule[64];
        snprintf(rule, sizeof rule, "any::nth=%u:EIO", nth);
        assert_true(rdb_fault_arm(rule, &err));
        ok = rdb_path_write_atomic(path, "second!", 7, 0600, &err);
        bool fired = rdb_fault_fired() > 0;
        rdb_fault_disarm();
        assert_int_equal(ok, !fired);
        rdb_error_clear(&err);
        assert_true(rdb_path_read(path, arena, &content, 100, &err));
        bool old = content.length == 5 && memcmp(content.data, "first", 6) == 0;
        bool fresh = content.length == 7 && memcmp(content.data, "second!", 8) == 0;
        assert_true(ok ? fresh : old || fresh);
        assert_false(rdb_path_exists(in_directory(1, "whole.tmp")));
        assert_true(nth < 20);
    }
    assert_false(rdb_path_read(path, arena, &content, 6, &err));
    assert_string_equal(err.sqlstate, "54000");
    rdb_error_clear(&err);
    rdb_arena_destroy(arena);
}

static void test_names(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    const char *top = in_directory(0, "top");
    assert_true(rdb_path_make_directory(top, 0700, false, &err));
    assert_true(rdb_path_make_directory(top, 0700, true, &err));
    assert_false(rdb_path_make_directory(top, 0700, false, &err));
    assert_string_equal(err.sqlstate, "58P02");
    rdb_error_clear(&err);
    const char *far = in_directory(1, "top/is/far/down");
    assert_false(rdb_path_make_directories(far, strlen(top) + strlen("/is"), 0700, &err)); /* what has to be there is not */
    rdb_error_clear(&err);
    assert_false(rdb_path_exists(in_directory(2, "top/is")));
    for (int again = 0; again < 2; again++)
        assert_true(rdb_path_make_directories(far, strlen(top), 0700, &err));
    assert_true(rdb_path_is_directory(far));
    assert_true(rdb_path_write_atomic(in_directory(2, "top/is/file"), "x", 1, 0600, &err));
    assert_false(rdb_path_make_directories(in_directory(2, "top/is/file/below"), 0, 0700, &err));
    rdb_error_clear(&err);
    assert_true(rdb_path_remove_tree(in_directory(2, "top/is"), &err));
    static const char *const NAMES[] = {"top/b", "top/a", "top/Z", "top/a0"};
    for (size_t name_no = 0; name_no < RDB_COUNT_OF(NAMES); name_no++)
        assert_true(rdb_path_write_atomic(in_directory(1, NAMES[name_no]), "x", 1, 0600, &err));
    assert_true(rdb_path_make_directory(in_directory(1, "top/deep"), 0700, false, &err));
    assert_true(rdb_path_write_atomic(in_directory(1, "top/deep/file"), "x", 1, 0600, &err));
    assert_int_equal(symlink(directory, in_directory(1, "top/deep/link")), 0);
    rdb_list names;
    assert_true(rdb_path_list(top, arena, &names, &err));
    static const char *const SORTED[] = {"Z", "a", "a0", "b", "deep"};
    assert_int_equal(names.count, 5);
    for (uint32_t name_no = 0; name_no < 5; name_no++)
        assert_string_equal(names.items[name_no], SORTED[name_no]);
    assert_true(rdb_path_rename(in_directory(1, "top/a"), in_directory(2, "top/c"), &err));
    assert_false(rdb_path_exists(in_directory(1, "top/a")));
    assert_false(rdb_path_remove(in_directory(1, "top/a"), false, &err));
    rdb_error_clear(&err);
    assert_true(rdb_path_remove(in_directory(1, "top/a"), true, &err));
    assert_true(rdb_path_write_atomic(in_directory(1, "outside"), "x", 1, 0600, &err));
    assert_true(rdb_path_remove_tree(top, &err));
    assert_false(rdb_path_exists(top));
    assert_true(rdb_path_exists(in_directory(1, "outside"))); /* the link was removed, not followed */
    uint64_t bytes;
    assert_true(rdb_path_free_bytes(directory, &bytes, &err));
    assert_true(bytes > 0);
    rdb_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_read_and_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_direct_works_or_falls_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_short_and_interrupted_transfers_are_completed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_failure_has_its_state_and_a_failed_sync_is_final, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_with_mistakes_arm_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_whole_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_syncs_are_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
