/* SPDX-License-Identifier: Apache-2.0
 * The archive: names and histories, segments that are finished early, what the archiver ships and what keeps it, and reading along a
 * history out of an archive alone. */
#include "archive_fixture.h"

#include "os/rdb_process.h"

#include <unistd.h>

/* The xids of the log's records as "1 2 3", without those that fill segments. */
static void read_xids(const fixture *f, bool local, bool archived, const rdb_wal_history *history, char text[256])
{
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    rdb_wal_config config = f->config;
    rdb_error err = {0};
    bool found = true;
    size_t length = 0;
    text[0] = '\0';
    if (!local)
        config.directory = NULL;
    assert_true(rdb_wal_reader_open_along(&reader, &config, archived ? f->archive : NULL, history, FIRST, &err));
    for (;;) {
        if (!rdb_wal_reader_next(reader, &record, &found, &err))
            fail_msg("%s %s", err.message, err.detail);
        if (!found)
            break;
        if (record.resource == RDB_RESOURCE_WAL)
            continue;
        for (uint32_t i = 0; i < record.data_bytes; i++)
            assert_int_equal(record.data[i], (uint8_t)record.xid);
        length += (size_t)snprintf(text + length, 256 - length, "%s%llu", length > 0 ? " " : "", (unsigned long long)record.xid);
    }
    rdb_wal_reader_close(&reader);
}

static void open_archiver(fixture *f, int64_t partial_us)
{
    const rdb_wal_archiver_config config = {.directory = f->archive, .command = "", .state_path = f->state_path, .partial_us = partial_us};
    start_archiver(f, &config);
}

static void test_names_and_histories(void **state)
{
    (void)state;
    char name[RDB_WAL_ARCHIVE_NAME_BYTES], root[] = "/tmp/rdb-history-XXXXXX", path[128];
    uint32_t timeline = 0;
    uint64_t segment = 0;
    bool partial = true, found = true;
    rdb_error err = {0};
    rdb_wal_archive_name(name, 0x1f, 0xabcdef0123);
    assert_string_equal(name, "0000001f000000abcdef0123");
    assert_true(rdb_wal_archive_parse_name(name, &timeline, &segment, &partial));
    assert_true(timeline == 0x1f && segment == 0xabcdef0123 && !partial);
    assert_true(rdb_wal_archive_parse_name("0000001f000000abcdef0123.partial", &timeline, &segment, &partial) && partial);
    static const char *const strangers[] = {"", "0000001f000000abcdef012", "0000001F000000abcdef0123", "0000001f.history", "0000001f000000abcdef0123.tmp"};
    for (unsigned i = 0; i < RDB_COUNT_OF(strangers); i++)
        assert_false(rdb_wal_archive_parse_name(strangers[i], &timeline, &segment, &partial));

    assert_non_null(mkdtemp(root));
    rdb_wal_history three = {.timeline = 3, .branch_count = 2, .branches = {{1, 5 * SEGMENT + 800}, {2, 9 * SEGMENT}}}, read;
    assert_true(rdb_wal_history_read(root, 3, &read, &found, &err) && !found);
    assert_true(rdb_wal_history_write(root, &three, &err) && rdb_wal_history_read(root, 3, &read, &found, &err) && found);
    assert_memory_equal(&read, &three, sizeof three);
    assert_int_equal(rdb_wal_history_timeline_at(&three, SEGMENT, 5), 1);
    assert_int_equal(rdb_wal_history_timeline_at(&three, SEGMENT, 6), 2);
    assert_int_equal(rdb_wal_history_timeline_at(&three, SEGMENT, 8), 2);
    assert_int_equal(rdb_wal_history_timeline_at(&three, SEGMENT, 9), 3); /* the branch lies at the end of 8 */
    assert_true(rdb_wal_history_holds(&three, 1, 5 * SEGMENT + 800) && !rdb_wal_history_holds(&three, 1, 5 * SEGMENT + 808));
    assert_false(rdb_wal_history_holds(&three, 4, 8));
    rdb_wal_history two = {.timeline = 2, .branch_count = 1, .branches = {{1, 5 * SEGMENT + 800}}}, latest = {.timeline = 1};
    rdb_wal_history stranger = {.timeline = 7, .branch_count = 1, .branches = {{6, 64}}};
    assert_true(rdb_wal_history_write(root, &two, &err) && rdb_wal_history_write(root, &stranger, &err));
    assert_true(rdb_wal_archive_newest_timeline(root, &timeline, &err) && timeline == 7);
    assert_true(rdb_wal_history_latest(root, 1, 5 * SEGMENT, &latest, &err) && latest.timeline == 3);
    latest = (rdb_wal_history){.timeline = 1};
    assert_true(rdb_wal_history_latest(root, 1, 6 * SEGMENT, &latest, &err) && latest.timeline == 1); /* it went on behind the branch */
    snprintf(path, sizeof path, "%s/00000009.history", root);
    assert_true(rdb_path_write_atomic(path, "00000001 xyz\n", 13, 0600, &err));
    assert_false(rdb_wal_history_read(root, 9, &read, &found, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    assert_true(rdb_path_remove_tree(root, &err));
}

/* A segment is finished wherever it stands, also where no record would fit any more. */
static void test_switch_finishes_the_segment(void **state)
{
    (void)state;
    const rdb_wal_history own = {.timeline = 1};
    for (uint32_t left = 0; left <= 40; left += 8) {
        fixture f;
        char xids[256];
        fixture_begin(&f);
        assert_int_equal(finish_segment(&f), FIRST); /* nothing to finish */
        rdb_lsn end = add(&f, 1, SEGMENT - 64 - left);
        assert_int_equal(end, left == 0 ? 2 * SEGMENT + 64 : 2 * SEGMENT - left);
        rdb_lsn next = finish_segment(&f);
        assert_int_equal(next, left == 0 || left >= 16 ? 2 * SEGMENT + 64 : 2 * SEGMENT + 64 + (16 - left));
        add(&f, 2, 100);
        assert_int_equal(finish_segment(&f), 3 * SEGMENT + 64);
        add(&f, 3, 100);
        read_xids(&f, true, false, &own, xids);
        assert_string_equal(xids, "1 2 3");
        fixture_end(&f);
    }
}

static void test_archiver_ships_in_order_and_goes_on(void **state)
{
    (void)state;
    fixture f;
    char xids[256], path[256];
    const rdb_wal_history own = {.timeline = 1};
    rdb_wal_archiver_statistics statistics;
    fixture_begin(&f);
    snprintf(f.archive, sizeof f.archive, "%s/repository/archive", f.root); /* made with the directory above it */
    open_archiver(&f, 10000);
    for (uint64_t n = 1; n <= 3; n++) {
        add(&f, n, 5000);
        assert_true(rdb_wal_archiver_wait(f.archiver, rdb_wal_insert_lsn(f.wal), PATIENCE_US, NULL, NULL, &f.err)); /* the partial one */
        read_xids(&f, false, true, &own, xids);
        assert_int_equal(strlen(xids), n * 2 - 1); /* readable while it grows */
    }
    assert_int_equal(rdb_wal_archiver_keeps(f.archiver), SEGMENT);
    add(&f, 4, 3 * SEGMENT); /* over several segments */
    rdb_lsn end = finish_segment(&f);
    assert_true(rdb_wal_archiver_wait(f.archiver, end, PATIENCE_US, NULL, NULL, &f.err));
    rdb_wal_archiver_get_statistics(f.archiver, &statistics);
    assert_int_equal(statistics.archived_count, end / SEGMENT - 1);
    assert_int_equal(statistics.failed_count, 0);
    assert_int_equal(rdb_wal_archiver_keeps(f.archiver), end - 64);
    /* A later life knows where it was: nothing of what is there is shipped again, what came meanwhile is. */
    rdb_wal_archiver_close(&f.archiver);
    add(&f, 5, 100);
    end = finish_segment(&f);
    open_archiver(&f, 0);
    assert_true(rdb_wal_archiver_wait(f.archiver, end, PATIENCE_US, NULL, NULL, &f.err));
    rdb_wal_archiver_get_statistics(f.archiver, &statistics);
    assert_int_equal(statistics.archived_count, 1);
    /* Without its state it begins with the oldest, finds the same bytes, and is content. */
    rdb_wal_archiver_close(&f.archiver);
    assert_true(rdb_path_remove(f.state_path, false, &f.err));
    open_archiver(&f, 0);
    assert_true(rdb_wal_archiver_wait(f.archiver, end, PATIENCE_US, NULL, NULL, &f.err));
    read_xids(&f, false, true, &own, xids);
    assert_string_equal(xids, "1 2 3 4 5");
    /* A partial file that a crash left is gone on with. */
    rdb_wal_archiver_close(&f.archiver);
    uint64_t number = end / SEGMENT;
    char name[RDB_WAL_ARCHIVE_NAME_BYTES];
    add(&f, 6, 200000);
    open_archiver(&f, 10000);
    assert_true(rdb_wal_archiver_wait(f.archiver, rdb_wal_insert_lsn(f.wal), PATIENCE_US, NULL, NULL, &f.err));
    rdb_wal_archiver_close(&f.archiver);
    rdb_wal_archive_name(name, 1, number);
    snprintf(path, sizeof path, "%s/%s.partial", f.archive, name);
    assert_int_equal(truncate(path, 100000), 0);
    add(&f, 7, 100);
    end = finish_segment(&f);
    open_archiver(&f, 10000);
    assert_true(rdb_wal_archiver_wait(f.archiver, end, PATIENCE_US, NULL, NULL, &f.err));
    read_xids(&f, false, true, &own, xids);
    assert_string_equal(xids, "1 2 3 4 5 6 7");
    assert_false(rdb_path_exists(path));
    fixture_end(&f);
}

/* What is not archived is kept; another's file is never overwritten; a lost archive is told and waited for. */
static void test_archiver_keeps_what_it_could_not_ship(void **state)
{
    (void)state;
    fixture f;
    char path[256], name[RDB_WAL_ARCHIVE_NAME_BYTES], away[128];
    rdb_wal_archiver_statistics statistics;
    fixture_begin(&f);
    assert_true(rdb_path_make_directory(f.archive, 0700, true, &f.err));
    rdb_wal_archive_name(name, 1, 2);
    snprintf(path, sizeof path, "%s/%s", f.archive, name);
    uint8_t *foreign = calloc(1, SEGMENT);
    assert_true(rdb_path_write_atomic(path, foreign, SEGMENT, 0600, &f.err)); /* another instance's second segment */
    open_archiver(&f, 0);
    add(&f, 1, 2 * SEGMENT);
    rdb_lsn end = finish_segment(&f);
    await_failure(&f, 0);
    assert_false(rdb_wal_archiver_wait(f.archiver, end, 10000, NULL, NULL, &f.err));
    assert_non_null(strstr(f.err.detail, "holds another file of this name"));
    rdb_error_clear(&f.err);
    assert_int_equal(rdb_wal_archiver_keeps(f.archiver), 2 * SEGMENT); /* the first one went */
    rdb_wal_archiver_get_statistics(f.archiver, &statistics);
    assert_true(statistics.failed_count >= 1 && statistics.archived_count == 1);
    assert_string_equal(statistics.last_failed, name);
    rdb_slice content;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    assert_true(rdb_path_read(path, arena, &content, SEGMENT, &f.err));
    assert_memory_equal(content.data, foreign, SEGMENT);
    rdb_arena_destroy(arena);
    free(foreign);
    assert_true(rdb_path_remove(path, false, &f.err));
    assert_true(rdb_wal_archiver_wait(f.archiver, end, PATIENCE_US, NULL, NULL, &f.err)); /* tried again by itself */

    snprintf(away, sizeof away, "%s.away", f.archive);
    assert_true(rdb_path_rename(f.archive, away, &f.err));
    rdb_wal_archiver_get_statistics(f.archiver, &statistics);
    add(&f, 2, 100);
    end = finish_segment(&f);
    await_failure(&f, statistics.failed_count);
    assert_false(rdb_wal_archiver_wait(f.archiver, end, 10000, NULL, NULL, &f.err));
    assert_non_null(strstr(f.err.detail, "the WAL archive is not there"));
    rdb_error_clear(&f.err);
    assert_false(rdb_path_exists(f.archive)); /* a mount that is gone must not be written under */
    assert_true(rdb_path_rename(away, f.archive, &f.err));
    assert_true(rdb_wal_archiver_wait(f.archiver, end, PATIENCE_US, NULL, NULL, &f.err));
    fixture_end(&f);
}

static void test_reading_along_a_branch(void **state)
{
    (void)state;
    fixture f;
    char xids[256];
    const rdb_wal_history one = {.timeline = 1};
    fixture_begin(&f);
    add(&f, 1, 100);
    rdb_lsn fork = add(&f, 2, 1000);
    add(&f, 3, 1000); /* behind the branch: abandoned */
    add(&f, 4, 2 * SEGMENT);
    open_archiver(&f, 0);
    assert_true(rdb_wal_archiver_wait(f.archiver, finish_segment(&f), PATIENCE_US, NULL, NULL, &f.err));
    rdb_wal_archiver_close(&f.archiver);
    read_xids(&f, false, true, &one, xids);
    assert_string_equal(xids, "1 2 3 4");
    assert_true(rdb_wal_close(&f.wal, &f.err));
    /* The branch begins with the segment behind the one it left, over a file that the first timeline wrote. */
    rdb_wal_history two = {.timeline = 2, .branch_count = 1, .branches = {{1, fork}}};
    assert_true(rdb_wal_history_write(f.wal_directory, &two, &f.err));
    f.config.incarnation = 2;
    assert_true(rdb_wal_open(&f.wal, &f.config, 2 * SEGMENT + 64, &f.err));
    read_xids(&f, true, true, &two, xids);
    assert_string_equal(xids, "1 2"); /* nothing logged on it yet */
    add(&f, 20, 100);
    add(&f, 21, SEGMENT);
    open_archiver(&f, 10000);
    assert_true(rdb_wal_archiver_wait(f.archiver, rdb_wal_insert_lsn(f.wal), PATIENCE_US, NULL, NULL, &f.err));
    read_xids(&f, true, false, &two, xids);
    assert_string_equal(xids, "1 2 20 21");
    read_xids(&f, false, true, &two, xids);
    assert_string_equal(xids, "1 2 20 21");
    read_xids(&f, false, true, &one, xids);
    assert_string_equal(xids, "1 2 3 4");
    fixture_end(&f);
}

static bool give_up_now(void *context)
{
    (void)context;
    return true;
}

static void test_commands(void **state)
{
    (void)state;
    int status = 0;
    rdb_error err = {0};
    assert_true(rdb_process_run_shell("exit 3", NULL, NULL, &status, &err) && status == 3);
    assert_true(rdb_process_run_shell("kill -9 $$", NULL, NULL, &status, &err) && status == 137);
    int64_t begin_us = rdb_time_monotonic_us();
    assert_false(rdb_process_run_shell("sleep 100", give_up_now, NULL, &status, &err));
    assert_string_equal(err.sqlstate, RDB_QUERY_CANCELED);
    assert_true(rdb_time_monotonic_us() - begin_us < 50000000);
    rdb_error_clear(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_histories),
        cmocka_unit_test(test_switch_finishes_the_segment),
        cmocka_unit_test(test_archiver_ships_in_order_and_goes_on),
        cmocka_unit_test(test_archiver_keeps_what_it_could_not_ship),
        cmocka_unit_test(test_reading_along_a_branch),
        cmocka_unit_test(test_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
