/* SPDX-License-Identifier: Apache-2.0
 * Records of the file layer and what a crash leaves: a little log-structured writer is crashed at every point, in every
 * mode, and must find what it was promised; a writer that forgets a sync must be caught. */
#include "os/rdb_fault.h"
#include "os/rdb_os.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char top[64], root[80], target[80];

static int set_up(void **state)
{
    (void)state;
    strcpy(top, "/tmp/rdb-test-fault-XXXXXX");
    if (mkdtemp(top) == NULL)
        return 1;
    snprintf(root, sizeof root, "%s/root", top);
    snprintf(target, sizeof target, "%s/target", top);
    rdb_error err = {0};
    return !rdb_path_make_directory(root, 0700, false, &err);
}

static int tear_down(void **state)
{
    (void)state;
    rdb_fault_disarm();
    rdb_error err = {0};
    return !rdb_path_remove_tree(top, &err);
}

static const char *path_in(const char *directory, const char *name)
{
    static char text[4][160];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(text[turn], sizeof text[turn], "%s/%s", directory, name);
    return text[turn];
}

/* Record k is 700 bytes of k and stands at 700 * k in the log file: two sectors or three, aligned to none. */
enum { RECORDS = 12, RECORD_BYTES = 700 };

typedef struct writer_habits {
    bool syncs_data, syncs_directory;
} writer_habits;

static void run_writer(writer_habits habits)
{
    rdb_error err = {0};
    rdb_file *file;
    assert_true(rdb_file_open(&file, path_in(root, "log.new"), RDB_FILE_CREATE, &err));
    assert_true(rdb_path_rename(path_in(root, "log.new"), path_in(root, "log"), &err));
    if (habits.syncs_directory)
        assert_true(rdb_path_sync_directory(root, &err));
    for (unsigned record_no = 1; record_no <= RECORDS; record_no++) {
        uint8_t record[RECORD_BYTES];
        memset(record, (int)record_no, sizeof record);
        assert_true(rdb_file_write(file, record_no * RECORD_BYTES, record, sizeof record, &err));
        if (habits.syncs_data)
            assert_true(rdb_file_sync(file, &err));
        rdb_fault_record_note(record_no);
    }
    assert_true(rdb_file_close(&file, &err));
}

/* Whether every promised record is whole in the target; *torn counts records found in part. */
static bool target_keeps_promise(uint64_t promised, unsigned *torn)
{
    rdb_error err = {0};
    rdb_arena *arena = rdb_arena_create("check", NULL, NULL);
    rdb_slice content = {0};
    bool found = rdb_path_read(path_in(target, "log"), arena, &content, 1 << 20, &err);
    bool kept = found || promised == 0;
    for (unsigned record_no = 1; record_no <= RECORDS; record_no++) {
        unsigned good = 0;
        for (size_t at = record_no * RECORD_BYTES; at < (record_no + 1) * RECORD_BYTES && at < content.length; at++)
            good += content.data[at] == record_no;
        if (record_no <= promised && good != RECORD_BYTES)
            kept = false;
        *torn += good > 0 && good < RECORD_BYTES;
    }
    rdb_error_clear(&err);
    rdb_arena_destroy(arena);
    return kept;
}

typedef struct tally {
    unsigned points, broken, torn;
} tally;

static tally crash_everywhere(const rdb_fault_log *log, rdb_crash_mode mode, unsigned seeds)
{
    tally t = {0};
    rdb_error err = {0};
    for (uint32_t point = rdb_fault_log_base(log); point <= rdb_fault_log_count(log); point++)
        for (unsigned seed = 0; seed < seeds; seed++) {
            assert_true(rdb_fault_log_rebuild(log, point, mode, seed, target, &err));
            t.points++;
            t.broken += !target_keeps_promise(rdb_fault_log_note_at(log, point), &t.torn);
        }
    return t;
}

static rdb_fault_log *record_writer(writer_habits habits)
{
    rdb_error err = {0};
    rdb_fault_log *log;
    assert_true(rdb_fault_record_begin(root, NULL, &err));
    run_writer(habits);
    assert_true(rdb_fault_record_end(&log, &err));
    assert_true(rdb_path_remove(path_in(root, "log"), false, &err));
    return log;
}

static void test_a_careful_writer_survives_every_crash(void **state)
{
    (void)state;
    rdb_fault_log *log = record_writer((writer_habits){true, true});
    assert_int_equal(rdb_fault_log_note_at(log, rdb_fault_log_count(log)), RECORDS);
    tally kept = crash_everywhere(log, RDB_CRASH_KEEP_ALL, 1);
    tally lost = crash_everywhere(log, RDB_CRASH_LOSE_UNSYNCED, 1);
    tally torn = crash_everywhere(log, RDB_CRASH_TEAR, 8);
    assert_int_equal(kept.points, 3 + 3 * RECORDS + 1);
    assert_int_equal(kept.broken + lost.broken + torn.broken, 0);
    assert_int_equal(kept.torn + lost.torn, 0);
    assert_true(torn.torn > 3); /* the tool does tear */
    rdb_fault_log_destroy(log);
}

static void test_a_careless_writer_is_caught(void **state)
{
    (void)state;
    rdb_fault_log *no_data_sync = record_writer((writer_habits){false, true});
    assert_int_equal(crash_everywhere(no_data_sync, RDB_CRASH_KEEP_ALL, 1).broken, 0); /* kill -9 forgives */
    assert_int_equal(crash_everywhere(no_data_sync, RDB_CRASH_LOSE_UNSYNCED, 1).broken, 2 * RECORDS - 1);
    assert_true(crash_everywhere(no_data_sync, RDB_CRASH_TEAR, 4).broken > 0);
    rdb_fault_log_destroy(no_data_sync);
    rdb_fault_log *no_directory_sync = record_writer((writer_habits){true, false});
    assert_true(crash_everywhere(no_directory_sync, RDB_CRASH_LOSE_UNSYNCED, 1).broken > 0);
    rdb_fault_log_destroy(no_directory_sync);
}

/* A tree with renamed directories, replaced and removed files comes out as it is on disk, base included. */
static void test_keep_all_equals_the_disk(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_fault_log *log;
    assert_true(rdb_path_make_directory(path_in(root, "old"), 0700, false, &err));
    assert_true(rdb_path_write_atomic(path_in(root, "old/base"), "base", 4, 0600, &err));
    assert_true(rdb_path_write_atomic(path_in(root, "gone"), "gone", 4, 0600, &err));
    assert_true(rdb_fault_record_begin(root, NULL, &err));
    assert_false(rdb_fault_record_begin(root, NULL, NULL)); /* one at a time */
    assert_true(rdb_path_rename(path_in(root, "old"), path_in(root, "new"), &err));
    assert_true(rdb_path_write_atomic(path_in(root, "new/./more"), "more", 4, 0600, &err));
    assert_true(rdb_path_remove(path_in(root, "gone"), false, &err));
    rdb_file *file;
    assert_true(rdb_file_open(&file, path_in(root, "open"), RDB_FILE_CREATE, &err));
    assert_true(rdb_path_rename(path_in(root, "open"), path_in(root, "new/renamed"), &err));
    assert_true(rdb_file_zero_fill(file, 0, 70000, &err)); /* written under a name it no longer has */
    assert_true(rdb_file_write(file, 1000, "here", 4, &err));
    assert_true(rdb_file_truncate(file, 60000, &err));
    assert_true(rdb_file_close(&file, &err));
    assert_true(rdb_path_write_atomic(path_in(top, "outside"), "x", 1, 0600, &err));
    assert_true(rdb_fault_record_end(&log, &err));
    assert_true(rdb_fault_log_rebuild(log, rdb_fault_log_count(log), RDB_CRASH_KEEP_ALL, 0, target, &err));
    char command[300];
    snprintf(command, sizeof command, "diff -r %s %s", root, target);
    assert_int_equal(system(command), 0);
    /* without syncs of the directories: the base, whole, and what write_atomic synced in a directory of the base */
    assert_true(rdb_fault_log_rebuild(log, rdb_fault_log_base(log), RDB_CRASH_LOSE_UNSYNCED, 0, target, &err));
    assert_true(rdb_path_exists(path_in(target, "gone")) && rdb_path_exists(path_in(target, "old/base")));
    assert_true(rdb_fault_log_rebuild(log, rdb_fault_log_count(log), RDB_CRASH_LOSE_UNSYNCED, 0, target, &err));
    assert_true(rdb_path_exists(path_in(target, "gone")));
    assert_true(rdb_path_exists(path_in(target, "old/more"))); /* its directory was synced, the directory's name was not */
    assert_false(rdb_path_exists(path_in(target, "new")));
    rdb_strbuf line;
    rdb_strbuf_init(&line, NULL);
    bool described = false;
    for (uint32_t entry_no = 0; entry_no < rdb_fault_log_count(log); entry_no++) {
        rdb_strbuf_clear(&line);
        rdb_fault_log_describe(log, entry_no, &line);
        described = described || strcmp(line.data, "write new/renamed 1000+4") == 0;
    }
    assert_true(described);
    rdb_strbuf_free(&line);
    rdb_fault_log_destroy(log);
}

/* Rules and record come from the environment, the process is killed in the middle, and the log it leaves can be read. */
static void test_environment_and_a_log_file_cut_by_a_crash(void **state)
{
    (void)state;
    const char *log_path = path_in(top, "fault.log");
    pid_t child = fork();
    if (child == 0) {
        setenv("RDB_FAULT", "write:/log:nth=5:crash", 1);
        setenv("RDB_FAULT_RECORD", log_path, 1);
        setenv("RDB_FAULT_ROOT", root, 1);
        rdb_error err = {0};
        bool armed = false;
        if (!rdb_fault_arm_from_environment(&armed, &err) || !armed)
            _exit(1);
        run_writer((writer_habits){true, true});
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    rdb_error err = {0};
    rdb_fault_log *log;
    /* an entry cut in the middle is as if it were not there */
    FILE *stream = fopen(log_path, "ab");
    assert_non_null(stream);
    fputs("\x80\0\0\0rubbish", stream);
    fclose(stream);
    assert_true(rdb_fault_log_load(&log, log_path, &err));
    assert_int_equal(rdb_fault_log_note_at(log, rdb_fault_log_count(log)), 4);
    assert_int_equal(crash_everywhere(log, RDB_CRASH_TEAR, 3).broken, 0);
    rdb_fault_log_destroy(log);
    assert_false(rdb_fault_log_load(&log, path_in(root, "log"), &err));
    assert_string_equal(err.sqlstate, "XX001");
    rdb_error_clear(&err);
    bool armed = true;
    assert_true(rdb_fault_arm_from_environment(&armed, &err));
    assert_false(armed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_careful_writer_survives_every_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_careless_writer_is_caught, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keep_all_equals_the_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_environment_and_a_log_file_cut_by_a_crash, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
