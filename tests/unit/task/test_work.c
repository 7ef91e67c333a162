/* SPDX-License-Identifier: Apache-2.0
 * Work files: nothing of them stays in the directory, the limit counts all files of the space, what is closed is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "os/rdb_file.h"
#include "task/rdb_work.h"
#include <stdio.h>
#include <stdlib.h>

static char home[] = "/tmp/rdbwork.XXXXXX";

static uint32_t file_count(void)
{
    rdb_error err = {0};
    rdb_list names = {0};
    rdb_arena *arena = rdb_arena_create("names", NULL, NULL);
    assert_true(rdb_path_list(home, arena, &names, &err));
    uint32_t count = names.count;
    rdb_arena_destroy(arena);
    return count;
}

static void test_files_leave_nothing(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_work_space space = {.directory = home, .limit_bytes = -1};
    rdb_work_file *file = NULL;
    uint64_t first, second;
    char back[8] = {0};
    assert_true(rdb_work_file_open(&file, &space, &err));
    assert_true(rdb_work_file_append(file, "abcd", 4, &first, &err) && rdb_work_file_append(file, "efgh", 4, &second, &err));
    assert_int_equal(first, 0);
    assert_int_equal(second, 4);
    assert_true(rdb_work_file_read(file, 2, back, 4, &err));
    assert_string_equal(back, "cdef");
    assert_int_equal(file_count(), 0);
    assert_int_equal(atomic_load(&space.used_bytes), 8);
    assert_true(rdb_work_file_clear(file, &err));
    assert_int_equal(atomic_load(&space.used_bytes), 0);
    assert_true(rdb_work_file_append(file, "xy", 2, &first, &err));
    assert_int_equal(first, 0);
    rdb_work_file_close(&file);
    assert_int_equal(atomic_load(&space.used_bytes), 0);
}

static void test_limit_counts_all_files(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_work_space space = {.directory = home, .limit_bytes = 2048};
    rdb_work_file *one = NULL, *two = NULL;
    static const char bytes[1024];
    uint64_t at;
    assert_true(rdb_work_file_open(&one, &space, &err) && rdb_work_file_open(&two, &space, &err));
    assert_true(rdb_work_file_append(one, bytes, sizeof bytes, &at, &err) && rdb_work_file_append(two, bytes, sizeof bytes, &at, &err));
    assert_false(rdb_work_file_append(two, bytes, 1, &at, &err));
    assert_string_equal(err.sqlstate, "53400");
    assert_string_equal(err.message, "temporary file size exceeds temp_file_limit (2kB)");
    rdb_error_clear(&err);
    rdb_work_file_close(&one);
    assert_true(rdb_work_file_append(two, bytes, sizeof bytes, &at, &err));
    rdb_work_file_close(&two);
}

static void test_clean_removes_only_work_files(void **state)
{
    (void)state;
    rdb_error err = {0};
    char path[256];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, i < 2 ? "%s/work.%d" : "%s/other.%d", home, i);
        assert_true(rdb_path_write_atomic(path, "x", 1, 0600, &err));
    }
    assert_int_equal(file_count(), 3);
    assert_true(rdb_work_space_clean(home, &err));
    assert_int_equal(file_count(), 1);
    assert_true(rdb_path_remove(path, false, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files_leave_nothing), cmocka_unit_test(test_limit_counts_all_files), cmocka_unit_test(test_clean_removes_only_work_files)};
    if (mkdtemp(home) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rdb_error err = {0};
    if (!rdb_path_remove_tree(home, &err))
        rdb_error_clear(&err);
    return failed;
}
