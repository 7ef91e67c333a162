/* SPDX-License-Identifier: Apache-2.0
 * The archiver that hands segments to a command: names, order, failures and what is kept for them, the end of a former timeline; and
 * what else hangs on the log from outside: the hook of the durable position, places in files, segments that are let go. */
#include "archive_fixture.h"

#include <string.h>

/* A command finds its directory there. */
static void begin(fixture *f)
{
    fixture_begin(f);
    assert_true(rdb_path_make_directory(f->archive, 0700, true, &f->err));
}

static void open_archiver(fixture *f, const char *command, int64_t timeout_us)
{
    const rdb_wal_archiver_config config = {.directory = "", .command = command, .state_path = f->state_path, .timeout_us = timeout_us};
    start_archiver(f, &config);
}

static bool wait_for_count(fixture *f, uint64_t archived, uint64_t failed, rdb_wal_archiver_statistics *statistics)
{
    for (unsigned tries = 0; tries < PATIENCE_US / 10000; tries++) { /* a failure that comes again and again is followed by pauses of a minute */
        rdb_wal_archiver_get_statistics(f->archiver, statistics);
        if (statistics->archived_count >= archived && statistics->failed_count >= failed)
            return true;
        rdb_time_sleep_us(10000);
    }
    return false;
}

static bool archived_equals(const fixture *f, const char *name, uint64_t segment)
{
    char here[WAL_PATH_BYTES], there[WAL_PATH_BYTES], command[2 * WAL_PATH_BYTES + 16];
    wal_segment_path(here, f->wal_directory, segment);
    snprintf(there, sizeof there, "%s/%s", f->archive, name);
    snprintf(command, sizeof command, "cmp -s %s %s", here, there);
    return system(command) == 0;
}

/* Each finished segment goes through the command once, in order, under its archive name; a % stands for itself when doubled. */
static void test_command_gets_each_finished_segment(void **state)
{
    (void)state;
    fixture f;
    char command[400], name[RDB_WAL_ARCHIVE_NAME_BYTES], path[300];
    rdb_wal_archiver_statistics statistics;
    begin(&f);
    snprintf(command, sizeof command, "cp %%p %s/%%f && echo 100%%%% >> %s/lines", f.archive, f.archive);
    open_archiver(&f, command, 0);
    for (uint64_t n = 1; n <= 3; n++) {
        add(&f, n, 500);
        finish_segment(&f);
    }
    add(&f, 4, 500); /* of a segment that goes on */
    assert_true(wait_for_count(&f, 3, 0, &statistics));
    for (uint64_t segment = 1; segment <= 3; segment++) {
        rdb_wal_archive_name(name, 1, segment);
        assert_true(archived_equals(&f, name, segment));
    }
    assert_string_equal(statistics.last_archived, name);
    assert_int_equal(statistics.archived_lsn, 4 * SEGMENT);
    assert_int_equal(rdb_wal_archiver_keeps(f.archiver), 4 * SEGMENT);
    rdb_wal_archive_name(name, 1, 4);
    snprintf(path, sizeof path, "%s/%s", f.archive, name);
    assert_false(rdb_path_exists(path));
    snprintf(path, sizeof path, "grep -c '^100%%$' %s/lines | grep -qx 3", f.archive);
    assert_int_equal(system(path), 0);
    rdb_wal_archiver_reset_statistics(f.archiver);
    rdb_wal_archiver_get_statistics(f.archiver, &statistics);
    assert_int_equal(statistics.archived_count, 0);
    assert_true(statistics.reset_us > 0);
    /* a new life goes on behind what was handed over */
    open_archiver(&f, command, 0);
    finish_segment(&f);
    assert_true(wait_for_count(&f, 1, 0, &statistics));
    assert_true(archived_equals(&f, name, 4));
    snprintf(path, sizeof path, "grep -c '^100%%$' %s/lines | grep -qx 4", f.archive);
    assert_int_equal(system(path), 0);
    fixture_end(&f);
}

/* A command that fails is told and tried again, and the log is kept for it. */
static void test_failing_command_keeps_the_log(void **state)
{
    (void)state;
    fixture f;
    char command[400], name[RDB_WAL_ARCHIVE_NAME_BYTES], gate[128];
    rdb_wal_archiver_statistics statistics;
    begin(&f);
    snprintf(gate, sizeof gate, "%s/open", f.root);
    snprintf(command, sizeof command, "test -e %s && cp %%p %s/%%f", gate, f.archive);
    open_archiver(&f, command, 0);
    add(&f, 1, 500);
    finish_segment(&f);
    assert_true(wait_for_count(&f, 0, 1, &statistics));
    assert_int_equal(statistics.archived_count, 0);
    rdb_wal_archive_name(name, 1, 1);
    assert_string_equal(statistics.last_failed, name);
    assert_non_null(strstr(statistics.last_error, "archive"));
    assert_true(rdb_wal_archiver_keeps(f.archiver) <= FIRST);
    assert_true(rdb_path_write_atomic(gate, "x", 1, 0600, &f.err));
    assert_true(wait_for_count(&f, 1, 1, &statistics));
    assert_true(archived_equals(&f, name, 1));
    fixture_end(&f);
}

/* A segment with records in it does not wait longer than the timeout for its end. */
static void test_timeout_finishes_a_segment(void **state)
{
    (void)state;
    fixture f;
    char command[300];
    rdb_wal_archiver_statistics statistics;
    begin(&f);
    snprintf(command, sizeof command, "cp %%p %s/%%f", f.archive);
    open_archiver(&f, command, 100000);
    add(&f, 1, 500);
    assert_true(wait_for_count(&f, 1, 0, &statistics));
    assert_int_equal(rdb_wal_insert_lsn(f.wal), 2 * SEGMENT + 64);
    rdb_time_sleep_us(300000); /* nothing new was logged: nothing is finished */
    rdb_wal_archiver_get_statistics(f.archiver, &statistics);
    assert_int_equal(statistics.archived_count, 1);
    fixture_end(&f);
}

/* ---- an archive is judged ----------------------------------------------------------------------------------------------------- */

typedef struct judged {
    unsigned damages, gaps;
    char file[RDB_WAL_ARCHIVE_NAME_BYTES + 8], problem[160];
    uint64_t offset, gap_first, gap_last;
} judged;

static void note_damage(void *context, const char *file_name, uint64_t offset, const char *problem)
{
    judged *j = context;
    if (j->damages++ > 0)
        return;
    snprintf(j->file, sizeof j->file, "%s", file_name);
    snprintf(j->problem, sizeof j->problem, "%s", problem);
    j->offset = offset;
}

static void note_gap(void *context, uint32_t timeline, uint64_t first, uint64_t last)
{
    judged *j = context;
    assert_int_equal(timeline, 1);
    j->gaps++;
    j->gap_first = first;
    j->gap_last = last;
}

static judged judge(fixture *f)
{
    judged j = {0};
    const rdb_wal_archive_check check = {.on_damage = note_damage, .on_gap = note_gap, .context = &j};
    if (!rdb_wal_archive_verify(f->archive, &f->config, 1, FIRST, UINT64_MAX, &check, &f->err))
        fail_msg("%s %s", f->err.message, f->err.detail);
    return j;
}

static void flip(const fixture *f, const char *name, long offset)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", f->archive, name);
    FILE *file = fopen(path, "r+b");
    assert_true(file != NULL && fseek(file, offset, SEEK_SET) == 0);
    int byte = fgetc(file);
    assert_true(fseek(file, offset, SEEK_SET) == 0 && fputc(byte ^ 0x20, file) != EOF && fclose(file) == 0);
}

/* Damage in an archived segment is found where it lies, a missing one is a gap, and whole ones are passed. */
static void test_archive_is_judged(void **state)
{
    (void)state;
    fixture f;
    char command[300], name[RDB_WAL_ARCHIVE_NAME_BYTES], old[160], aside[160];
    rdb_wal_archiver_statistics statistics;
    begin(&f);
    snprintf(command, sizeof command, "cp %%p %s/%%f", f.archive);
    open_archiver(&f, command, 0);
    for (uint64_t n = 1; n <= 5; n++) {
        add(&f, n, 500);
        add(&f, 10 * n, 700000); /* every second one runs over into the next segment */
        if (n % 2 == 0)
            finish_segment(&f);
    }
    finish_segment(&f);
    uint64_t last = rdb_wal_insert_lsn(f.wal) / SEGMENT - 1;
    assert_true(last >= 5);
    assert_true(wait_for_count(&f, last, 0, &statistics));
    judged j = judge(&f);
    assert_int_equal(j.damages + j.gaps, 0);
    rdb_wal_archive_name(name, 1, 2);
    flip(&f, name, 40000); /* inside of the long record */
    j = judge(&f);
    assert_true(j.damages >= 1);
    assert_non_null(strstr(j.problem, "no valid record"));
    flip(&f, name, 40000);
    flip(&f, name, 10);
    j = judge(&f);
    assert_true(j.damages >= 1);
    assert_string_equal(j.file, name);
    assert_non_null(strstr(j.problem, "header"));
    flip(&f, name, 10);
    snprintf(old, sizeof old, "%s/%s", f.archive, name);
    assert_true(rdb_path_write_atomic(old, "short", 5, 0600, &f.err)); /* cut */
    j = judge(&f);
    assert_true(j.damages >= 1);
    assert_string_equal(j.file, name);
    snprintf(aside, sizeof aside, "%s/aside", f.root);
    assert_true(rdb_path_rename(old, aside, &f.err));
    j = judge(&f);
    assert_int_equal(j.gaps, 1);
    assert_true(j.gap_first == 2 && j.gap_last == 2);
    fixture_end(&f);
}

/* ---- the log's other visitors --------------------------------------------------------------------------------------------- */

static _Atomic uint64_t seen_durable;
static void note_durable(void *context, rdb_lsn durable)
{
    assert_ptr_equal(context, &seen_durable);
    assert_true(durable >= atomic_load(&seen_durable));
    atomic_store(&seen_durable, durable);
}

static void test_durable_hook_and_places(void **state)
{
    (void)state;
    fixture f;
    char name[17];
    uint32_t offset = 0;
    begin(&f);
    rdb_wal_set_durable_hook(f.wal, note_durable, &seen_durable);
    rdb_lsn end = add(&f, 1, 1000);
    rdb_wal_set_durable_hook(f.wal, NULL, NULL); /* nobody is inside any more: the log's writer may have flushed it */
    assert_true(atomic_load(&seen_durable) >= end);
    uint64_t before = atomic_load(&seen_durable);
    add(&f, 2, 1000);
    assert_int_equal(atomic_load(&seen_durable), before); /* nobody calls it any more */
    rdb_wal_locate(f.wal, end, name, &offset);
    assert_string_equal(name, "0000000000000001");
    assert_int_equal(offset, end - SEGMENT);
    rdb_wal_locate(f.wal, 2 * SEGMENT, name, &offset); /* a segment's end belongs to it */
    assert_string_equal(name, "0000000000000001");
    fixture_end(&f);
}

/* What is let go is kept for a new life first, and removed beyond that. */
static void test_released_segments_are_counted(void **state)
{
    (void)state;
    fixture f;
    rdb_wal_statistics statistics;
    begin(&f);
    for (uint64_t n = 0; n < 2 * WAL_SPARE_SEGMENTS_MAX + 6; n++) {
        add(&f, n + 1, 500);
        finish_segment(&f);
    }
    assert_true(rdb_wal_release(f.wal, rdb_wal_durable_lsn(f.wal), &f.err));
    rdb_wal_get_statistics(f.wal, &statistics);
    assert_in_range(statistics.segments_recycled, 1, WAL_SPARE_SEGMENTS_MAX + 1); /* the writer may have taken one meanwhile */
    assert_true(statistics.segments_removed > 0 && statistics.segments_created >= 2 * WAL_SPARE_SEGMENTS_MAX);
    assert_int_equal(statistics.segments_recycled + statistics.segments_removed, 2 * WAL_SPARE_SEGMENTS_MAX + 6);
    assert_true(statistics.writes > 0 && statistics.syncs > 0);
    assert_true(rdb_wal_release(f.wal, UINT64_MAX, &f.err)); /* never what is not durable yet */
    add(&f, 99, 500);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_gets_each_finished_segment),
        cmocka_unit_test(test_failing_command_keeps_the_log),
        cmocka_unit_test(test_timeout_finishes_a_segment),
        cmocka_unit_test(test_archive_is_judged),
        cmocka_unit_test(test_durable_hook_and_places),
        cmocka_unit_test(test_released_segments_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
