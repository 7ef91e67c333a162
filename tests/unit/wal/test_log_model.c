/* SPDX-License-Identifier: Apache-2.0
 * The log by several threads against a model. Each record's place in the order is drawn at its position; the model knows from that order
 * and from the lengths alone where every record begins and ends. The log must say the same, hold the same bytes in the same order, keep
 * its promise of what is durable at every moment, and a crash at any call may leave nothing but a beginning of that order, which has
 * everything that was promised before it.
 *
 * RDB_TEST_SEED repeats the lengths; RDB_CHECK_LONG makes it ten times as long. */
#include "os/rdb_fault.h"
#include "wal/wal_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SEGMENT = 1 << 20, RING = 64 << 10, THREADS = 4, RECORDS_MAX = 100000, FIRST = SEGMENT + RDB_WAL_SEGMENT_HEADER_BYTES };

typedef struct entry { /* of the model: one record, in the order of positions */
    uint64_t id;       /* thread and number of its own; 0: the filling of a segment */
    uint32_t length;
} entry;

typedef struct trial {
    char root[64], directory[96];
    rdb_wal_config config;
    rdb_wal *wal;
    entry entries[RECORDS_MAX];
    uint32_t count; /* like entries changed inside the reservation alone: the order needs no lock, as the thread sanitizer can tell */
    rdb_lsn begins[RECORDS_MAX], ends[RECORDS_MAX]; /* what the log said, by position in the order; each written by its own thread */
    _Atomic uint32_t wrong;
    uint64_t seed;
    uint32_t each;
    bool notes;
    rdb_error err;
} trial;

typedef struct inserter {
    trial *t;
    rdb_thread *thread;
    unsigned no;
    uint64_t id;
    uint32_t length, place;
} inserter;

static void draw(void *context, rdb_lsn lsn)
{
    inserter *w = context;
    (void)lsn;
    w->place = w->t->count++;
    w->t->entries[w->place] = (entry){.id = w->id, .length = w->length};
}

static uint8_t byte_of(uint64_t id, uint32_t at)
{
    return (uint8_t)(id * 131 + at * 7 + (at >> 8));
}

static void fill(uint8_t *bytes, uint64_t id, uint32_t length)
{
    memset(bytes, 0, RDB_WAL_HEADER_BYTES);
    rdb_put_u64(bytes + 8, id);
    rdb_put_u32(bytes + 16, 5);
    bytes[20] = RDB_RESOURCE_HEAP;
    bytes[21] = 3;
    for (uint32_t at = RDB_WAL_HEADER_BYTES; at < length; at++)
        bytes[at] = byte_of(id, at);
}

/* Mostly what heaps and indexes write; some that do not fit the ring, and at times one beyond a segment. */
static uint32_t draw_length(rdb_random *random)
{
    const uint64_t draw_of = rdb_random_next(random);
    const uint32_t kind = (uint32_t)(draw_of % 400);
    const uint32_t max = kind == 0 ? SEGMENT + SEGMENT / 3 : kind < 8 ? 3 * RING : kind < 60 ? 9000 : 500;
    return RDB_WAL_HEADER_BYTES + (uint32_t)((draw_of >> 16) % max);
}

/* In threads: an assertion of the test's library would jump out of the wrong stack. */
static void must(bool ok, const rdb_error *err)
{
    if (!ok) {
        fprintf(stderr, "in a thread: %s %s %s\n", err->sqlstate, err->message, err->detail);
        abort();
    }
}

static void run_inserter(void *argument)
{
    inserter *w = argument;
    trial *t = w->t;
    rdb_random random;
    rdb_error err = {0};
    uint8_t *bytes = malloc(2 * SEGMENT);
    must(bytes != NULL, &err);
    rdb_random_seed(&random, t->seed * THREADS + w->no);
    for (uint32_t i = 0; i < t->each; i++) {
        rdb_lsn lsn = 0, end_lsn = 0;
        w->id = (uint64_t)(w->no + 1) << 32 | i;
        w->length = draw_length(&random);
        fill(bytes, w->id, w->length);
        const uint32_t first = RDB_WAL_HEADER_BYTES + (uint32_t)(rdb_random_next(&random) % (w->length - RDB_WAL_HEADER_BYTES + 1));
        const rdb_wal_piece pieces[] = {{bytes, first}, {bytes + first, w->length - first}};
        const rdb_lsn durable_before = rdb_wal_durable_lsn(t->wal);
        must(rdb_wal_insert(t->wal, pieces, 2, draw, w, &lsn, &end_lsn, &err), &err);
        t->begins[w->place] = lsn;
        t->ends[w->place] = end_lsn;
        t->wrong += durable_before > lsn || rdb_wal_insert_lsn(t->wal) < end_lsn;
        if (rdb_random_next(&random) % 8 != 0)
            continue;
        must(rdb_wal_flush(t->wal, end_lsn, &err), &err);
        t->wrong += rdb_wal_durable_lsn(t->wal) < end_lsn;
        if (t->notes)
            rdb_fault_record_note(end_lsn);
    }
    free(bytes);
}

static void begin(trial *t, uint64_t seed, uint32_t each)
{
    memset(t, 0, sizeof *t);
    snprintf(t->root, sizeof t->root, "/tmp/rdb-walmodel-XXXXXX");
    assert_non_null(mkdtemp(t->root));
    snprintf(t->directory, sizeof t->directory, "%s/wal", t->root);
    t->config = (rdb_wal_config){.directory = t->directory, .system_id = 99, .segment_bytes = SEGMENT, .ring_bytes = RING, .incarnation = 1, .thread_no = 1, .sync = true};
    t->seed = seed;
    t->each = each;
    assert_true(THREADS * each <= RECORDS_MAX);
}

static void run_threads(trial *t)
{
    inserter workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (inserter){.t = t, .no = i};
        assert_true(rdb_thread_start(&workers[i].thread, "inserter", run_inserter, &workers[i], &t->err));
    }
    for (unsigned i = 0; i < THREADS; i++)
        rdb_thread_join(&workers[i].thread);
    assert_int_equal(t->wrong, 0);
}

/* Where the record of an entry that begins here ends: its header in short, whole words, around the headers of segments. */
static rdb_lsn end_of(rdb_lsn at, const entry *e)
{
    uint8_t header[RDB_WAL_HEADER_BYTES], head[WAL_HEAD_BYTES_MAX];
    fill(header, e->id, sizeof header);
    for (uint64_t left = RDB_ALIGN_UP((uint64_t)wal_put_head(head, header) + e->length - sizeof header, 8); left > 0;) {
        const uint64_t part = RDB_MIN(left, SEGMENT - at % SEGMENT);
        at += part;
        left -= part;
        if (at % SEGMENT == 0)
            at += RDB_WAL_SEGMENT_HEADER_BYTES;
    }
    return at;
}

/* Positions as the model says, each record behind the one before it; the log ends behind the last. */
static void check_positions(const trial *t)
{
    rdb_lsn at = FIRST;
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->begins[i] != at)
            fail_msg("record %u of the order begins at %llx, in the model at %llx", i, (unsigned long long)t->begins[i], (unsigned long long)at);
        at = end_of(at, &t->entries[i]);
        if (t->ends[i] != at)
            fail_msg("record %u of the order ends at %llx, in the model at %llx", i, (unsigned long long)t->ends[i], (unsigned long long)at);
    }
    assert_int_equal(rdb_wal_insert_lsn(t->wal), at);
}

/* What a reader finds from the start: a beginning of the order, byte by byte. How many records; *end: where they end. */
static uint32_t check_content(const trial *t, const rdb_wal_config *config, rdb_lsn *end)
{
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    rdb_error err = {0};
    bool found = true;
    uint32_t n = 0;
    assert_true(rdb_wal_reader_open(&reader, config, FIRST, &err));
    for (;; n++) {
        if (!rdb_wal_reader_next(reader, &record, &found, &err))
            fail_msg("record %u: %s %s", n, err.message, err.detail);
        if (!found)
            break;
        assert_true(n < t->count);
        const entry *e = &t->entries[n];
        if (record.xid != e->id || record.data_bytes != e->length - RDB_WAL_HEADER_BYTES || record.lsn != t->begins[n] || record.end_lsn != t->ends[n])
            fail_msg("record %u of the order is another one", n);
        for (uint32_t i = 0; i < record.data_bytes; i++)
            if (record.data[i] != byte_of(e->id, i + RDB_WAL_HEADER_BYTES))
                fail_msg("record %u: byte %u is wrong", n, i);
    }
    *end = rdb_wal_reader_end(reader);
    rdb_wal_reader_close(&reader);
    return n;
}

static uint64_t seed_of_run(void)
{
    const char *given = getenv("RDB_TEST_SEED");
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)rdb_time_wall_us();
    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static unsigned rounds(unsigned standard)
{
    return getenv("RDB_CHECK_LONG") != NULL ? 10 * standard : standard;
}

static void test_threads_fill_the_log_as_the_model_says(void **state)
{
    (void)state;
    trial *t = malloc(sizeof *t);
    const uint64_t seed = seed_of_run();
    uint64_t records = 0;
    for (unsigned round = 0; round < rounds(4); round++) {
        rdb_lsn end = 0;
        begin(t, seed + round, 1500);
        t->config.sync = round % 2 == 0;
        assert_true(rdb_wal_open(&t->wal, &t->config, FIRST, &t->err));
        run_threads(t);
        check_positions(t);
        assert_true(rdb_wal_flush(t->wal, rdb_wal_insert_lsn(t->wal), &t->err));
        assert_int_equal(check_content(t, &t->config, &end), t->count);
        assert_int_equal(end, rdb_wal_insert_lsn(t->wal));
        records += t->count;
        assert_true(rdb_wal_close(&t->wal, &t->err));
        assert_true(rdb_path_remove_tree(t->root, &t->err));
    }
    print_message("%llu records\n", (unsigned long long)records);
    free(t);
}

/* The same by a machine that stops: at every so many calls of the file layer, what was not synced lost, kept or torn. */
static void test_crashes_leave_a_beginning_with_all_that_was_promised(void **state)
{
    (void)state;
    trial *t = malloc(sizeof *t);
    const uint64_t seed = seed_of_run();
    uint64_t crashes = 0, cut = 0, gone_on = 0;
    for (unsigned round = 0; round < rounds(2); round++) {
        rdb_fault_log *log = NULL;
        char target[96], directory[128];
        begin(t, seed + 1000 + round, 250);
        t->notes = true;
        snprintf(target, sizeof target, "%s-crash", t->root);
        snprintf(directory, sizeof directory, "%s/wal", target);
        assert_true(rdb_fault_record_begin(t->root, NULL, &t->err));
        assert_true(rdb_wal_open(&t->wal, &t->config, FIRST, &t->err));
        run_threads(t);
        check_positions(t);
        assert_true(rdb_wal_close(&t->wal, &t->err));
        assert_true(rdb_fault_record_end(&log, &t->err));
        rdb_wal_config config = t->config;
        config.directory = directory;
        config.sync = false; /* of who looks: the disk below is a real one */
        const uint32_t first = rdb_fault_log_base(log), last = rdb_fault_log_count(log), stride = 1 + (last - first) / 120;
        for (uint32_t point = first; point <= last; point += stride) {
            for (int mode = RDB_CRASH_LOSE_UNSYNCED; mode <= RDB_CRASH_TEAR; mode++) {
                rdb_lsn end = 0, end_after = 0;
                assert_true(rdb_fault_log_rebuild(log, point, (rdb_crash_mode)mode, seed + point, target, &t->err));
                const uint32_t n = check_content(t, &config, &end);
                if (end < rdb_fault_log_note_at(log, point))
                    fail_msg("crash after call %u, mode %d: the log ends at %llx, %llx was durable", point, mode, (unsigned long long)end,
                             (unsigned long long)rdb_fault_log_note_at(log, point));
                assert_int_equal(end, n == 0 ? FIRST : t->ends[n - 1]);
                crashes++;
                cut += n < t->count;
                if (point % 4 != 0 || n == t->count)
                    continue;
                /* The next life goes on there: here with what the first one lost, which must then stand where it stood. */
                rdb_wal *wal = NULL;
                rdb_lsn lsn = 0, end_lsn = 0;
                const entry *e = &t->entries[n];
                uint8_t *bytes = malloc(e->length);
                fill(bytes, e->id, e->length);
                assert_true(rdb_wal_open(&wal, &config, end, &t->err));
                assert_true(rdb_wal_insert(wal, &(rdb_wal_piece){bytes, e->length}, 1, NULL, NULL, &lsn, &end_lsn, &t->err));
                assert_true(rdb_wal_close(&wal, &t->err));
                assert_int_equal(check_content(t, &config, &end_after), n + 1);
                free(bytes);
                gone_on++;
            }
        }
        rdb_fault_log_destroy(log);
        assert_true(rdb_path_remove_tree(target, &t->err));
        assert_true(rdb_path_remove_tree(t->root, &t->err));
    }
    print_message("crash points: %llu of a log by several threads, %llu of which cut it, %llu went on\n", (unsigned long long)crashes, (unsigned long long)cut, (unsigned long long)gone_on);
    assert_true(cut > crashes / 4 && gone_on > 0);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_fill_the_log_as_the_model_says),
        cmocka_unit_test(test_crashes_leave_a_beginning_with_all_that_was_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
