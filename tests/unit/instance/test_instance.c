/* SPDX-License-Identifier: Apache-2.0
 * Making an instance, its control file and its lock, with every I/O failure and a crash at every point. */
#include "instance/rdb_instance.h"
#include "os/rdb_fault.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char top[64], root[80], home[96], target[80];
static const rdb_instance_options OPTIONS = {.name = "test", .page_bytes = 4096, .wal_segment_bytes = 16 << 20,
                                             .configuration = "# empty\n"};

static int set_up(void **state)
{
    (void)state;
    rdb_error err = {0};
    strcpy(top, "/tmp/rdb-test-instance-XXXXXX");
    if (mkdtemp(top) == NULL)
        return 1;
    snprintf(root, sizeof root, "%s/root", top);
    snprintf(home, sizeof home, "%s/root/home", top);
    snprintf(target, sizeof target, "%s/target", top);
    return !rdb_path_make_directory(root, 0700, false, &err);
}

static int tear_down(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_fault_disarm();
    return !rdb_path_remove_tree(top, &err);
}

static bool is_whole(const char *at)
{
    rdb_error err = {0};
    rdb_control control;
    char id[64];
    bool ok = rdb_instance_check_versions(at, &err) && rdb_control_read(at, &control, &err) &&
              control.state == RDB_CONTROL_NEW && control.page_bytes == 4096 && rdb_instance_meta(at, "instance-id", id, &err) &&
              strlen(id) == 36;
    rdb_error_clear(&err);
    return ok;
}

static void test_create_is_whole_or_not_there_at_every_crash(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_fault_log *log;
    assert_true(rdb_fault_record_begin(root, NULL, &err));
    assert_true(rdb_instance_create(home, &OPTIONS, NULL, NULL, &err));
    rdb_fault_record_note(1);
    assert_true(rdb_fault_record_end(&log, &err));
    assert_true(is_whole(home));
    char rebuilt[120];
    snprintf(rebuilt, sizeof rebuilt, "%s/home", target);
    unsigned whole_count = 0;
    for (uint32_t point = rdb_fault_log_base(log); point <= rdb_fault_log_count(log); point++)
        for (unsigned turn = 0; turn < 3; turn++) {
            rdb_crash_mode mode = turn == 0 ? RDB_CRASH_KEEP_ALL : turn == 1 ? RDB_CRASH_LOSE_UNSYNCED : RDB_CRASH_TEAR;
            assert_true(rdb_fault_log_rebuild(log, point, mode, point, target, &err));
            bool exists = rdb_path_exists(rebuilt), whole = exists && is_whole(rebuilt);
            whole_count += whole;
            if (exists != whole || (rdb_fault_log_note_at(log, point) == 1 && !whole))
                fail_msg("point %u, mode %d: exists %d, whole %d", point, mode, exists, whole);
        }
    assert_true(whole_count > 0);
    rdb_fault_log_destroy(log);
}

static void test_create_survives_each_io_failure(void **state)
{
    (void)state;
    bool ok = false;
    unsigned failures = 0;
    for (unsigned nth = 1; !ok; nth++) {
        rdb_error err = {0};
        char rule[64];
        snprintf(rule, sizeof rule, "any::nth=%u:ENOSPC", nth);
        assert_true(rdb_fault_arm(rule, &err));
        ok = rdb_instance_create(home, &OPTIONS, NULL, NULL, &err);
        bool fired = rdb_fault_fired() > 0;
        rdb_fault_disarm();
        assert_true(ok || strcmp(err.sqlstate, "53100") == 0);
        assert_int_equal(ok, !fired);
        failures += !ok;
        if (!ok && rdb_path_exists(home)) { /* only the last sync of the parent can fail after the move */
            assert_true(is_whole(home));
            assert_true(rdb_path_remove_tree(home, &err) || rdb_error_is_set(&err));
        }
        rdb_error_clear(&err);
        assert_true(nth < 500);
    }
    assert_true(failures > 30);
    rdb_error err = {0};
    assert_false(rdb_instance_create(home, &OPTIONS, NULL, NULL, &err));
    assert_string_equal(err.sqlstate, "58P02");
}

static void test_control_keeps_the_last_promise_at_every_crash(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_fault_log *log;
    rdb_control control, read_back;
    assert_true(rdb_instance_create(home, &OPTIONS, NULL, NULL, &err));
    assert_true(rdb_control_read(home, &control, &err));
    assert_true(rdb_fault_record_begin(root, NULL, &err));
    for (uint64_t turn = 1; turn <= 6; turn++) {
        control.redo_lsn = turn * 1000;
        assert_true(rdb_control_write(home, &control, &err));
        rdb_fault_record_note(turn);
    }
    assert_true(rdb_fault_record_end(&log, &err));
    char rebuilt[120];
    snprintf(rebuilt, sizeof rebuilt, "%s/home", target);
    for (uint32_t point = rdb_fault_log_base(log); point <= rdb_fault_log_count(log); point++)
        for (unsigned seed = 0; seed < 8; seed++) {
            assert_true(rdb_fault_log_rebuild(log, point, seed == 0 ? RDB_CRASH_LOSE_UNSYNCED : RDB_CRASH_TEAR, seed, target, &err));
            if (!rdb_control_read(rebuilt, &read_back, &err))
                fail_msg("point %u, seed %u: %s", point, seed, err.message);
            uint64_t promised = rdb_fault_log_note_at(log, point);
            assert_true(read_back.redo_lsn == promised * 1000 || read_back.redo_lsn == (promised + 1) * 1000);
        }
    rdb_fault_log_destroy(log);
    /* one copy bent: the other serves; both: an error that says so */
    char path[200];
    snprintf(path, sizeof path, "%s/data/meta/control", home);
    rdb_file *file;
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &err));
    uint64_t newest_at = control.serial % 2 == 0 ? 4096 : 0;
    assert_true(rdb_file_write(file, newest_at + 100, "x", 1, &err));
    assert_true(rdb_control_read(home, &read_back, &err));
    assert_int_equal(read_back.redo_lsn, 5000);
    assert_true(rdb_file_write(file, 4096 - newest_at + 100, "x", 1, &err));
    assert_false(rdb_control_read(home, &read_back, &err));
    assert_string_equal(err.sqlstate, "XX001");
    rdb_error_clear(&err);
    assert_true(rdb_file_close(&file, &err));
}

static void test_lock_tells_who_holds_it(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_instance_lock *lock, *second;
    int64_t pid;
    assert_true(rdb_instance_create(home, &OPTIONS, NULL, NULL, &err));
    assert_true(rdb_instance_holder(home, &pid, &err));
    assert_int_equal(pid, 0);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        bool ok = rdb_instance_lock_take(&lock, home, "rdb-test", &err);
        if (write(ready[1], ok ? "y" : "n", 1) != 1)
            _exit(1);
        for (;;)
            pause(); /* ended below */
    }
    char answer;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    assert_true(rdb_instance_holder(home, &pid, &err));
    assert_int_equal(pid, child);
    assert_false(rdb_instance_lock_take(&second, home, "rdb-test", &err));
    assert_string_equal(err.sqlstate, "55006");
    char expected[40];
    snprintf(expected, sizeof expected, "%d", child);
    assert_non_null(strstr(err.message, expected));
    rdb_error_clear(&err);
    assert_int_equal(kill(child, SIGKILL), 0); /* however it ends, nothing stale stays */
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
    assert_true(rdb_instance_holder(home, &pid, &err));
    assert_int_equal(pid, 0);
    assert_true(rdb_instance_lock_take(&second, home, "rdb-test", &err));
    rdb_instance_lock_release(&second);
    assert_null(second);
}

static void test_what_is_no_instance_is_told(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_home_kind kind;
    char path[200];
    assert_true(rdb_instance_look(home, &kind, &err));
    assert_int_equal(kind, RDB_HOME_MISSING);
    assert_true(rdb_instance_look(root, &kind, &err));
    assert_int_equal(kind, RDB_HOME_EMPTY);
    assert_false(rdb_instance_check_versions(home, &err));
    assert_string_equal(err.sqlstate, "58P01");
    rdb_error_clear(&err);
    assert_true(rdb_instance_create(home, &OPTIONS, NULL, NULL, &err));
    assert_true(rdb_instance_look(root, &kind, &err));
    assert_int_equal(kind, RDB_HOME_OTHER);
    assert_false(rdb_instance_create(root, &OPTIONS, NULL, NULL, &err));
    assert_string_equal(err.sqlstate, "58P02");
    rdb_error_clear(&err);
    snprintf(path, sizeof path, "%s/data/meta/layout-version", home);
    assert_true(rdb_path_write_atomic(path, "9.9\n", 4, 0600, &err));
    assert_false(rdb_instance_check_versions(home, &err));
    assert_string_equal(err.sqlstate, "0A000");
    assert_non_null(strstr(err.message, "9.9"));
    rdb_error_clear(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_is_whole_or_not_there_at_every_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_create_survives_each_io_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_control_keeps_the_last_promise_at_every_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock_tells_who_holds_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_instance_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
