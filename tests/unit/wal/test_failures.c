/* SPDX-License-Identifier: Apache-2.0
 * The log and its archive under failures: each allocation and each call of the file layer fails once (sweep.h) while a log is opened, grows,
 * is read, checked and released; the archiver, whose thread has its own calls, meets the same by rules of the file layer. Whoever fails
 * says so and tries again; nothing that was acknowledged is lost, and nothing stands in the archive that was not. */
#define SWEEP_FILES
#include "../sweep.h"
#include "archive_fixture.h"
#include "os/rdb_fault.h"

typedef struct scene {
    fixture f;
    uint64_t records; /* in the log, from FIRST on */
    uint32_t problems, gaps;
    rdb_wal_reader *reader;
    rdb_lsn last, end;
    bool from_archive;
} scene;

static const char *archive_of(scene *s)
{
    return s->from_archive ? s->f.archive : NULL;
}

static uint64_t count_records(scene *s)
{
    static rdb_wal_record record;
    rdb_wal_config config = s->f.config;
    const rdb_wal_history history = {.timeline = config.incarnation};
    rdb_wal_reader *reader = NULL;
    uint64_t count = 0;
    bool found = true;
    config.sync = false;
    if (s->from_archive)
        config.directory = NULL;
    assert_true(rdb_wal_reader_open_along(&reader, &config, archive_of(s), &history, FIRST, &s->f.err));
    for (;; count++) {
        assert_true(rdb_wal_reader_next(reader, &record, &found, &s->f.err));
        if (!found)
            break;
        s->last = record.lsn;
    }
    s->end = rdb_wal_reader_end(reader);
    rdb_wal_reader_close(&reader);
    return count;
}

static void fill(scene *s, uint32_t segments)
{
    for (uint32_t i = 0; i < segments; i++) {
        add(&s->f, ++s->records, 2000);
        add(&s->f, ++s->records, 300000);
        finish_segment(&s->f);
        s->records++; /* what fills the segment is one too */
    }
    add(&s->f, ++s->records, 100);
}

/* ---- opening, growing, letting go -------------------------------------------------------------------------------------------------- */
static bool open_log(void *context, rdb_error *err)
{
    scene *s = context;
    return rdb_wal_open(&s->f.wal, &s->f.config, s->end, err);
}
static void look_at_opened(void *context, bool ok)
{
    scene *s = context;
    if (ok)
        assert_true(rdb_wal_close(&s->f.wal, &s->f.err));
    else
        assert_null(s->f.wal);
    assert_int_equal(count_records(s), s->records);
}

static void test_opening(void **state)
{
    (void)state;
    scene s = {0};
    fixture_begin(&s.f);
    fill(&s, 2);
    assert_true(rdb_wal_close(&s.f.wal, &s.f.err));
    assert_int_equal(count_records(&s), s.records);
    assert_true(sweep(open_log, look_at_opened, &s) > 6);
    /* A later segment and rubbish behind the end, as crashes leave them: they are taken away, or the log does not open. */
    for (uint32_t round = 0; round < 12; round++) {
        char path[WAL_PATH_BYTES];
        rdb_file *file = NULL;
        rdb_error err = {0};
        wal_segment_path(path, s.f.wal_directory, wal_segment_number(&s.f.config, s.end) + 1);
        assert_true(rdb_path_write_atomic(path, "rubbish", 7, 0600, &s.f.err));
        wal_segment_path(path, s.f.wal_directory, wal_segment_number(&s.f.config, s.end));
        assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &s.f.err) && rdb_file_write(file, (s.end & (SEGMENT - 1)) + 4096, "rubbish", 7, &s.f.err) && rdb_file_close(&file, &s.f.err));
        sweep_arm(round + 1);
        const bool ok = open_log(&s, &err);
        const char *met = sweep_disarm();
        assert_true(ok || (met != NULL && strcmp(met, err.sqlstate) == 0));
        rdb_error_clear(&err);
        if (!ok)
            assert_true(open_log(&s, &s.f.err));
        uint8_t bytes[8] = {1};
        assert_true(rdb_file_open(&file, path, RDB_FILE_READ, &s.f.err) && rdb_file_read(file, (s.end & (SEGMENT - 1)) + 4096, bytes, 7, NULL, &s.f.err) && rdb_file_close(&file, &s.f.err));
        assert_int_equal(bytes[0], 0);
        wal_segment_path(path, s.f.wal_directory, wal_segment_number(&s.f.config, s.end) + 1);
        assert_false(rdb_path_exists(path));
        look_at_opened(&s, true);
    }
    assert_true(open_log(&s, &s.f.err));
    fixture_end(&s.f);
}

static void test_limits(void **state)
{
    (void)state;
    scene s = {0};
    rdb_error err = {0};
    rdb_wal *wal = NULL;
    rdb_wal_reader *reader = NULL;
    fixture_begin(&s.f);
    char *long_path = malloc(2000);
    memset(long_path, 'p', 1999);
    long_path[1999] = '\0';
    for (uint32_t i = 0; i < 7; i++) {
        rdb_wal_config config = s.f.config;
        rdb_lsn at = FIRST;
        if (i == 0)
            config.segment_bytes = SEGMENT / 2;
        else if (i == 1)
            config.segment_bytes = SEGMENT + 1;
        else if (i == 2)
            config.ring_bytes = 8 << 10;
        else if (i == 3)
            config.directory = long_path;
        else
            at = i == 4 ? FIRST + 4 : i == 5 ? 64 : SEGMENT + 8;
        assert_false(rdb_wal_open(&wal, &config, at, &err));
        assert_string_equal(err.sqlstate, RDB_INVALID_PARAMETER_VALUE);
        assert_null(wal);
        rdb_error_clear(&err);
        if (i == 6) /* a reader begins behind the header */
            continue;
        assert_false(rdb_wal_reader_open(&reader, &config, at, &err));
        assert_string_equal(err.sqlstate, RDB_INVALID_PARAMETER_VALUE);
        assert_null(reader);
        rdb_error_clear(&err);
    }
    const rdb_wal_history history = {.timeline = 1};
    assert_false(rdb_wal_reader_open_along(&reader, &s.f.config, long_path, &history, FIRST, &err));
    assert_string_equal(err.sqlstate, RDB_INVALID_PARAMETER_VALUE);
    rdb_error_clear(&err);
    const rdb_wal_archiver_config too_long[] = {{.directory = long_path, .command = "", .state_path = s.f.state_path},
                                                {.directory = "", .command = "", .state_path = s.f.state_path}};
    for (uint32_t i = 0; i < RDB_COUNT_OF(too_long); i++) {
        assert_false(rdb_wal_archiver_open(&s.f.archiver, s.f.wal, &too_long[i], &err));
        assert_string_equal(err.sqlstate, RDB_INVALID_PARAMETER_VALUE);
        assert_null(s.f.archiver);
        rdb_error_clear(&err);
    }
    /* A record that no log takes: refused before a byte of it is looked at. */
    const rdb_wal_piece huge = {long_path, (1u << 30) + 8};
    rdb_lsn lsn, end;
    assert_false(rdb_wal_insert(s.f.wal, &huge, 1, NULL, NULL, &lsn, &end, &err));
    assert_string_equal(err.sqlstate, RDB_PROGRAM_LIMIT_EXCEEDED);
    rdb_error_clear(&err);
    assert_true(rdb_wal_insert_lsn(s.f.wal) == FIRST);
    assert_false(rdb_wal_flush(s.f.wal, FIRST + 8, &err)); /* nobody wrote so far */
    assert_string_equal(err.sqlstate, RDB_INTERNAL_ERROR);
    rdb_error_clear(&err);
    free(long_path);
    /* The segment that a log ends in is not there, or is another log's. */
    fill(&s, 1);
    assert_true(rdb_wal_close(&s.f.wal, &s.f.err));
    assert_int_equal(count_records(&s), s.records);
    rdb_wal_config other = s.f.config;
    other.system_id++;
    assert_false(rdb_wal_open(&wal, &other, s.end, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    assert_false(rdb_wal_open(&wal, &s.f.config, s.end + SEGMENT, &err));
    assert_string_equal(err.sqlstate, RDB_UNDEFINED_FILE);
    rdb_error_clear(&err);
    assert_true(open_log(&s, &s.f.err));
    fixture_end(&s.f);
}

static bool grow(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_lsn insert = rdb_wal_insert_lsn(s->f.wal);
    return rdb_wal_secure_room(s->f.wal, 2 * SEGMENT, err) && rdb_wal_release(s->f.wal, insert, err);
}
static void look_at_grown(void *context, bool ok)
{
    scene *s = context;
    (void)ok;
    add(&s->f, 1, 5000);
    finish_segment(&s->f);
    finish_segment(&s->f);
}
static void test_growing(void **state)
{
    (void)state;
    scene s = {0};
    fixture_begin(&s.f);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(sweep(grow, look_at_grown, &s) >= 2);
    fixture_end(&s.f);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------------------- */
/* A reader that failed goes on where it was: it neither skips a record nor takes the log for ended. */
static bool read_log(void *context, rdb_error *err)
{
    scene *s = context;
    static rdb_wal_record record;
    rdb_wal_config config = s->f.config;
    const rdb_wal_history history = {.timeline = config.incarnation};
    uint64_t count = 0;
    bool found = true, failed = false;
    if (s->from_archive)
        config.directory = NULL;
    if (!rdb_wal_reader_open_along(&s->reader, &config, archive_of(s), &history, FIRST, err))
        return false;
    for (;;) {
        rdb_error mine = {0};
        if (!rdb_wal_reader_next(s->reader, &record, &found, &mine)) {
            assert_false(failed);
            failed = true;
            rdb_error_move(err, &mine);
            continue;
        }
        if (!found)
            break;
        count++;
    }
    assert_int_equal(count, s->records);
    return !failed;
}
static void look_at_reader(void *context, bool ok)
{
    (void)ok;
    rdb_wal_reader_close(&((scene *)context)->reader);
}

static void complain(void *context, const char *file_name, uint64_t offset, const char *problem)
{
    (void)file_name, (void)offset, (void)problem;
    ((scene *)context)->problems++;
}
static bool verify_log(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_wal_checked checked;
    s->problems = 0;
    if (!rdb_wal_verify(&s->f.config, FIRST, s->last, complain, s, &checked, err))
        return false;
    assert_int_equal(checked.records, s->records);
    assert_int_equal(checked.problems, 0);
    return true;
}
static void note_gap(void *context, uint32_t timeline, uint64_t first, uint64_t last)
{
    (void)timeline, (void)first, (void)last;
    ((scene *)context)->gaps++;
}
static bool verify_archive(void *context, rdb_error *err)
{
    scene *s = context;
    const rdb_wal_archive_check check = {.on_damage = complain, .on_gap = note_gap, .context = s};
    s->problems = s->gaps = 0;
    return rdb_wal_archive_verify(s->f.archive, &s->f.config, 1, FIRST, UINT64_MAX, &check, err);
}
static void look_at_verified(void *context, bool ok)
{
    const scene *s = context;
    (void)ok;
    assert_int_equal(s->problems, 0); /* what cannot be read now is no damage */
    assert_int_equal(s->gaps, 0);
}

static void ship_all(scene *s)
{
    const rdb_wal_archiver_config config = {.directory = s->f.archive, .command = "", .state_path = s->f.state_path, .partial_us = 10000};
    start_archiver(&s->f, &config);
    assert_true(rdb_wal_archiver_wait(s->f.archiver, rdb_wal_durable_lsn(s->f.wal), PATIENCE_US, NULL, NULL, &s->f.err));
    rdb_wal_archiver_close(&s->f.archiver);
}

static void test_reading(void **state)
{
    (void)state;
    scene s = {0};
    fixture_begin(&s.f);
    fill(&s, 2);
    ship_all(&s);
    assert_true(rdb_wal_close(&s.f.wal, &s.f.err));
    assert_true(sweep(read_log, look_at_reader, &s) > 6);
    s.from_archive = true;
    assert_true(sweep(read_log, look_at_reader, &s) > 6);
    s.from_archive = false;
    assert_int_equal(count_records(&s), s.records);
    assert_true(sweep(verify_log, look_at_verified, &s) > 5);
    assert_true(sweep(verify_archive, look_at_verified, &s) > 5);
    /* A segment that is gone, one that is cut, and bytes where there should be none: each is told. */
    char path[256], name[RDB_WAL_ARCHIVE_NAME_BYTES];
    rdb_file *file = NULL;
    rdb_wal_archive_name(name, 1, 2);
    snprintf(path, sizeof path, "%s/%s", s.f.archive, name);
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &s.f.err) && rdb_file_truncate(file, SEGMENT - 4096, &s.f.err) && rdb_file_close(&file, &s.f.err));
    assert_true(verify_archive(&s, &s.f.err));
    assert_int_equal(s.problems, 1);
    assert_true(rdb_path_remove(path, false, &s.f.err));
    assert_true(verify_archive(&s, &s.f.err));
    assert_int_equal(s.gaps, 1);
    assert_true(open_log(&s, &s.f.err));
    fixture_end(&s.f);
}

/* ---- the archiver ----------------------------------------------------------------------------------------------------------------- */
static void test_archiver_tries_again(void **state)
{
    (void)state;
    static const char *const CALLS[] = {"create:/archive/", "open:/archive/", "write:/archive/", "sync:/archive/", "rename:/archive/", "syncdir:/archive",
                                        "read:/archive/", "write:/archived", "rename:/archived"};
    scene s = {0};
    uint64_t failures = 0;
    fixture_begin(&s.f);
    const rdb_wal_archiver_config config = {.directory = s.f.archive, .command = "", .state_path = s.f.state_path, .partial_us = 20000};
    for (uint32_t i = 0; i < RDB_COUNT_OF(CALLS); i++)
        for (uint32_t nth = 1; nth <= 3; nth++) {
            char rule[64];
            rdb_wal_archiver_statistics statistics;
            snprintf(rule, sizeof rule, "%s:nth=%u:EIO", CALLS[i], nth);
            start_archiver(&s.f, &config);
            assert_true(rdb_fault_arm(rule, &s.f.err));
            const rdb_lsn part = add(&s.f, ++s.records, 3000);
            for (uint32_t tries = 0; tries < PATIENCE_US / 20000; tries++) { /* each wait rouses it: the pause after a failure is for nobody here */
                rdb_error err = {0};
                if (rdb_wal_archiver_wait(s.f.archiver, part, 20000, NULL, NULL, &err))
                    break;
                rdb_error_clear(&err);
                assert_true(tries < PATIENCE_US / 20000 - 1);
            }
            const rdb_lsn end = finish_segment(&s.f);
            s.records++;
            for (uint32_t tries = 0; tries < PATIENCE_US / 20000; tries++) {
                rdb_error err = {0};
                if (rdb_wal_archiver_keeps(s.f.archiver) >= end / SEGMENT * SEGMENT)
                    break;
                if (!rdb_wal_archiver_wait(s.f.archiver, end / SEGMENT * SEGMENT + 4096, 20000, NULL, NULL, &err))
                    rdb_error_clear(&err);
                assert_true(tries < PATIENCE_US / 20000 - 1);
            }
            rdb_wal_archiver_get_statistics(s.f.archiver, &statistics);
            assert_true((statistics.failed_count > 0) == (rdb_fault_fired() > 0));
            failures += statistics.failed_count;
            rdb_wal_archiver_close(&s.f.archiver);
            rdb_fault_disarm();
        }
    assert_true(failures >= 8);
    s.from_archive = true;
    assert_int_equal(count_records(&s), s.records);
    assert_true(verify_archive(&s, &s.f.err));
    look_at_verified(&s, true);
    fixture_end(&s.f);
}

static bool open_archiver(void *context, rdb_error *err)
{
    scene *s = context;
    const rdb_wal_archiver_config config = {.directory = s->f.archive, .command = "", .state_path = s->f.state_path};
    return rdb_wal_archiver_open(&s->f.archiver, s->f.wal, &config, err);
}
static void look_at_archiver(void *context, bool ok)
{
    scene *s = context;
    assert_int_equal(ok, s->f.archiver != NULL);
    if (ok)
        assert_true(rdb_wal_archiver_keeps(s->f.archiver) == 3 * SEGMENT);
    rdb_wal_archiver_close(&s->f.archiver);
}

/* Segments that went before they were archived, and a state that nobody can read. */
static void test_archiver_opens(void **state)
{
    (void)state;
    scene s = {0};
    rdb_wal_archiver_statistics statistics;
    char path[WAL_PATH_BYTES];
    fixture_begin(&s.f);
    fill(&s, 2);
    ship_all(&s);
    assert_true(sweep(open_archiver, look_at_archiver, &s) >= 5);
    assert_true(rdb_path_write_atomic(s.f.state_path, "no name\n", 8, 0600, &s.f.err));
    assert_true(open_archiver(&s, &s.f.err));
    assert_true(rdb_wal_archiver_keeps(s.f.archiver) == SEGMENT); /* from the oldest one on, again */
    rdb_wal_archiver_close(&s.f.archiver);
    assert_true(rdb_path_write_atomic(s.f.state_path, "000000010000000000000001\n", 25, 0600, &s.f.err));
    wal_segment_path(path, s.f.wal_directory, 1);
    assert_true(rdb_path_remove(path, false, &s.f.err));
    wal_segment_path(path, s.f.wal_directory, 2);
    assert_true(rdb_path_remove(path, false, &s.f.err));
    assert_true(open_archiver(&s, &s.f.err));
    rdb_wal_archiver_get_statistics(s.f.archiver, &statistics);
    assert_int_equal(statistics.failed_count, 1);
    assert_string_equal(statistics.last_failed, "000000010000000000000002");
    assert_true(statistics.gap_first == 2 && statistics.gap_last == 2);
    assert_non_null(strstr(statistics.last_error, "never archived and are gone"));
    rdb_wal_archiver_reset_statistics(s.f.archiver);
    /* The gap is remembered over restarts, until a backup that begins behind it closes it. */
    char gap[128];
    snprintf(gap, sizeof gap, "%s" RDB_WAL_GAP_ENDING, s.f.state_path);
    rdb_wal_archiver_close(&s.f.archiver);
    assert_true(rdb_path_write_atomic(s.f.state_path, "000000010000000000000002\n", 25, 0600, &s.f.err));
    assert_true(sweep(open_archiver, look_at_archiver, &s) >= 6);
    assert_true(open_archiver(&s, &s.f.err));
    rdb_wal_archiver_close_gap(s.f.archiver, 3 * SEGMENT - 8);
    rdb_wal_archiver_get_statistics(s.f.archiver, &statistics);
    assert_true(statistics.gap_first == 2 && statistics.gap_last == 2 && statistics.failed_count == 0);
    assert_true(rdb_path_exists(gap));
    rdb_wal_archiver_close_gap(s.f.archiver, 3 * SEGMENT);
    rdb_wal_archiver_get_statistics(s.f.archiver, &statistics);
    assert_true(statistics.gap_first == 0 && statistics.gap_last == 0);
    assert_false(rdb_path_exists(gap));
    rdb_wal_archiver_close(&s.f.archiver);
    assert_true(rdb_path_write_atomic(gap, "no gap\n", 7, 0600, &s.f.err)); /* said in the log, and no reason not to archive */
    assert_true(open_archiver(&s, &s.f.err));
    rdb_wal_archiver_get_statistics(s.f.archiver, &statistics);
    assert_true(statistics.gap_last == 0);
    /* One that goes while it runs. */
    fill(&s, 2);
    wal_segment_path(path, s.f.wal_directory, 3);
    assert_true(rdb_path_remove(path, false, &s.f.err));
    assert_true(rdb_wal_archiver_start(s.f.archiver, &s.f.err));
    assert_true(rdb_wal_archiver_wait(s.f.archiver, 4 * SEGMENT + 4096, PATIENCE_US, NULL, NULL, &s.f.err));
    rdb_wal_archiver_stop(s.f.archiver); /* it has counted what it did */
    rdb_wal_archiver_get_statistics(s.f.archiver, &statistics);
    assert_true(statistics.failed_count >= 1 && statistics.archived_count >= 1);
    assert_string_equal(statistics.last_failed, "000000010000000000000003");
    fixture_end(&s.f);
}

/* The history of a timeline goes before its segments, to a directory or by a command; one that differs is another instance's. */
static void test_history_is_shipped(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 3; round++) {
        scene s = {0};
        char name[RDB_WAL_ARCHIVE_NAME_BYTES], path[256], command[256];
        rdb_wal_archiver_statistics statistics;
        rdb_wal_history there;
        bool found = false;
        fixture_begin(&s.f);
        fill(&s, 1);
        assert_true(rdb_wal_close(&s.f.wal, &s.f.err));
        const rdb_wal_history history = {.timeline = 2, .branch_count = 1, .branches = {{.timeline = 1, .end_lsn = SEGMENT + 4096}}};
        rdb_wal_history other = history;
        other.branches[0].end_lsn += 8;
        assert_true(rdb_wal_history_write(s.f.wal_directory, &history, &s.f.err));
        assert_true(rdb_path_make_directory(s.f.archive, 0700, true, &s.f.err));
        if (round == 2)
            assert_true(rdb_wal_history_write(s.f.archive, &other, &s.f.err));
        s.f.config.incarnation = 2;
        assert_true(rdb_wal_open(&s.f.wal, &s.f.config, 3 * SEGMENT + 64, &s.f.err));
        add(&s.f, 9, 500);
        const rdb_lsn end = finish_segment(&s.f);
        snprintf(command, sizeof command, "cp '%%p' '%s/%%f'", s.f.archive);
        const rdb_wal_archiver_config config = {.directory = round == 1 ? "" : s.f.archive, .command = round == 1 ? command : "", .state_path = s.f.state_path, .partial_us = 20000};
        start_archiver(&s.f, &config);
        if (round == 2) {
            rdb_error err = {0};
            await_failure(&s.f, 0);
            assert_false(rdb_wal_archiver_wait(s.f.archiver, end, 10000, NULL, NULL, &err));
            assert_string_equal(err.sqlstate, RDB_QUERY_CANCELED);
            assert_non_null(strstr(rdb_error_detail_text(&err), "another file of this name"));
            rdb_error_clear(&err);
        } else {
            assert_true(rdb_wal_archiver_wait(s.f.archiver, end / SEGMENT * SEGMENT, PATIENCE_US, NULL, NULL, &s.f.err));
        }
        rdb_wal_archiver_get_statistics(s.f.archiver, &statistics);
        assert_int_equal(statistics.failed_count > 0, round == 2);
        assert_true(rdb_wal_history_read(s.f.archive, 2, &there, &found, &s.f.err) && found);
        assert_true(there.branches[0].end_lsn == (round == 2 ? other : history).branches[0].end_lsn);
        /* Of the timeline before, what lies before the branch alone is there, under its partial name. */
        rdb_wal_archive_name(name, 1, 1);
        snprintf(path, sizeof path, "%s/%s.partial", s.f.archive, name);
        if (round == 0)
            assert_int_equal(rdb_path_bytes(path), 4096);
        else
            assert_int_equal(rdb_path_exists(path), round == 1);
        fixture_end(&s.f);
    }
}

/* ---- what a directory says of itself ------------------------------------------------------------------------------------------------ */
static bool look_into(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_wal_look look;
    rdb_wal_history latest = {.timeline = 1};
    uint64_t segment = 0;
    uint32_t newest = 0;
    bool found = false;
    if (!rdb_wal_look_at(s->f.wal_directory, &look, &found, err))
        return false;
    assert_true(found && look.system_id == 78 && look.segment_bytes == SEGMENT && look.incarnation == 1 && look.thread_no == 1);
    assert_true(look.first_segment == 2 && look.last_segment == 3);
    if (!rdb_wal_archive_next_segment(s->f.archive, 1, 1, &segment, err))
        return false;
    assert_true(segment == 3); /* 2 is of timeline 2 alone */
    if (!rdb_wal_archive_newest_timeline(s->f.archive, &newest, err))
        return false;
    assert_int_equal(newest, 2);
    if (!rdb_wal_history_latest(s->f.archive, 1, SEGMENT + 4096, &latest, err))
        return false;
    assert_int_equal(latest.timeline, 2);
    return true;
}
static void look_again(void *context, bool ok)
{
    (void)context, (void)ok;
}

static void test_looking_into_directories(void **state)
{
    (void)state;
    static const char *const ARCHIVED[] = {"000000010000000000000001", "000000020000000000000002", "000000010000000000000003.partial", "000000010000000000000009", "0000000100000000000000F0", "notes"};
    scene s = {0};
    char path[WAL_PATH_BYTES];
    rdb_wal_look look;
    bool found = true;
    uint64_t segment = 0;
    fixture_begin(&s.f);
    const rdb_wal_history branch = {.timeline = 2, .branch_count = 1, .branches = {{.timeline = 1, .end_lsn = SEGMENT + 4096}}};
    assert_true(rdb_path_make_directory(s.f.archive, 0700, true, &s.f.err) && rdb_wal_history_write(s.f.archive, &branch, &s.f.err));
    for (uint32_t i = 0; i < RDB_COUNT_OF(ARCHIVED); i++) {
        snprintf(path, sizeof path, "%s/%s", s.f.archive, ARCHIVED[i]);
        assert_true(rdb_path_write_atomic(path, "x", 1, 0600, &s.f.err));
    }
    fill(&s, 2);
    assert_true(rdb_wal_close(&s.f.wal, &s.f.err));
    /* Older segments: one whose header is not whole, and one of another log before that; a newer one that is too short to have a header. */
    wal_segment_path(path, s.f.wal_directory, 1);
    assert_true(rdb_path_write_atomic(path, "RDBWAL02 and no more of it, but long enough for a header of a segment", 68, 0600, &s.f.err));
    wal_segment_path(path, s.f.wal_directory, 0);
    uint8_t header[WAL_SEGMENT_HEADER_BYTES];
    rdb_wal_config other = s.f.config;
    other.system_id = 79;
    wal_segment_make_header(header, &other, 0);
    assert_true(rdb_path_write_atomic(path, header, sizeof header, 0600, &s.f.err));
    for (uint64_t number = 4; number < 12; number++) { /* whatever was prepared ahead */
        wal_segment_path(path, s.f.wal_directory, number);
        assert_true(rdb_path_remove(path, true, &s.f.err));
    }
    assert_true(rdb_path_write_atomic(path, "short", 5, 0600, &s.f.err));
    assert_true(sweep(look_into, look_again, &s) >= 8);
    assert_true(rdb_wal_archive_next_segment(s.f.archive, 1, 9, &segment, &s.f.err) && segment == UINT64_MAX);
    assert_true(rdb_wal_archive_next_segment(s.f.root, 1, 0, &segment, &s.f.err) && segment == UINT64_MAX);
    snprintf(path, sizeof path, "%s/nowhere", s.f.root);
    assert_true(rdb_wal_archive_next_segment(path, 1, 0, &segment, &s.f.err) && segment == UINT64_MAX);
    assert_true(rdb_wal_look_at(s.f.archive, &look, &found, &s.f.err) && !found);
    /* A history that is damaged is told; a line that goes back is damage too. */
    static const char *const HISTORIES[] = {"00000001 000000000010000\n", "00000001 0000000000200000\n00000002 0000000000100000\n", "0000000x 0000000000100000\n", "00000001 0000000000100004\n"};
    for (uint32_t i = 0; i < RDB_COUNT_OF(HISTORIES); i++) {
        rdb_error err = {0};
        rdb_wal_history latest = {.timeline = 1};
        snprintf(path, sizeof path, "%s/00000007.history", s.f.archive);
        assert_true(rdb_path_write_atomic(path, HISTORIES[i], strlen(HISTORIES[i]), 0600, &s.f.err));
        assert_false(rdb_wal_history_latest(s.f.archive, 1, SEGMENT, &latest, &err));
        assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
        rdb_error_clear(&err);
    }
    assert_true(rdb_wal_open(&s.f.wal, &s.f.config, 12 * SEGMENT + 64, &s.f.err));
    fixture_end(&s.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opening), cmocka_unit_test(test_limits),              cmocka_unit_test(test_growing),        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_archiver_tries_again), cmocka_unit_test(test_archiver_opens), cmocka_unit_test(test_history_is_shipped),
        cmocka_unit_test(test_looking_into_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
