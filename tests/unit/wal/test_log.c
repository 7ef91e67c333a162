/* SPDX-License-Identifier: Apache-2.0
 * The log alone: what was inserted and flushed is read back; what a fault, a full disk or a crash at any point of the
 * recorded calls leaves is a prefix of it that has everything promised. */
#include "os/rdb_fault.h"
#include "wal/wal_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { SEGMENT = 1 << 20, RING = 64 << 10 };

typedef struct fixture {
    char root[64], directory[96];
    rdb_wal_config config;
    rdb_wal *wal;
    rdb_error err;
} fixture;

static void fixture_begin(fixture *f)
{
    memset(f, 0, sizeof *f);
    snprintf(f->root, sizeof f->root, "/tmp/rdb-wal-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->directory, sizeof f->directory, "%s/wal", f->root);
    f->config = (rdb_wal_config){.directory = f->directory, .system_id = 77, .segment_bytes = SEGMENT, .ring_bytes = RING,
                                 .incarnation = 1, .thread_no = 1, .sync = true};
}

static void fixture_end(fixture *f)
{
    assert_true(rdb_wal_close(&f->wal, &f->err));
    assert_true(rdb_path_remove_tree(f->root, &f->err));
    rdb_error_clear(&f->err);
}

/* Record number n: its main data is n, then bytes that follow from n. */
static uint32_t record_bytes(uint64_t n, uint32_t max)
{
    rdb_random random;
    rdb_random_seed(&random, n);
    return RDB_WAL_HEADER_BYTES + 8 + (uint32_t)(rdb_random_next(&random) % (max - 32));
}

enum { NUMBERED = 5, DRAWN = 6 }; /* pdb of records whose xid is their number, and of those whose number is known at their place alone */

static void fill_header(uint8_t *bytes, uint64_t xid, uint32_t pdb)
{
    memset(bytes, 0, RDB_WAL_HEADER_BYTES);
    rdb_put_u64(bytes + 8, xid);
    rdb_put_u32(bytes + 16, pdb);
    bytes[20] = RDB_RESOURCE_HEAP;
    bytes[21] = 3;
}

static void fill_data(uint8_t *bytes, uint32_t length, uint64_t n)
{
    rdb_put_u64(bytes + 24, n);
    for (uint32_t i = 32; i < length; i++)
        bytes[i] = (uint8_t)(n * 31 + i);
}

/* length: in the log, where the header is shorter. */
static bool insert(rdb_wal *wal, uint64_t n, uint32_t length, rdb_lsn *end_lsn, rdb_error *err)
{
    uint8_t header[RDB_WAL_HEADER_BYTES], head[WAL_HEAD_BYTES_MAX];
    fill_header(header, n, NUMBERED);
    length += RDB_WAL_HEADER_BYTES - wal_put_head(head, header);
    uint8_t *bytes = malloc(length);
    rdb_lsn lsn = 0;
    memcpy(bytes, header, sizeof header);
    fill_data(bytes, length, n);
    /* in three pieces, so that their joints are exercised */
    uint32_t first = RDB_WAL_HEADER_BYTES + (length - RDB_WAL_HEADER_BYTES) / 3;
    rdb_wal_piece pieces[] = {{bytes, first}, {bytes + first, 0}, {bytes + first, length - first}};
    bool ok = rdb_wal_insert(wal, pieces, 3, NULL, NULL, &lsn, end_lsn, err);
    free(bytes);
    return ok;
}

/* Reads from start to the end; the records must be from .. *count in order, each whole. False: the reader found damage. */
static bool read_all(const rdb_wal_config *config, rdb_lsn start, uint64_t from, uint64_t *count, rdb_lsn *end, rdb_error *err)
{
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    bool found = true, ok = true;
    *count = 0;
    assert_true(rdb_wal_reader_open(&reader, config, start, err));
    while ((ok = rdb_wal_reader_next(reader, &record, &found, err)) && found) {
        uint64_t n = from + *count;
        assert_int_equal(record.xid, record.pdb == DRAWN ? DRAWN : n);
        assert_in_range(record.pdb, NUMBERED, DRAWN);
        assert_int_equal(rdb_get_u64(record.data), n);
        for (uint32_t i = 8; i < record.data_bytes; i++)
            assert_int_equal(record.data[i], (uint8_t)(n * 31 + i + 24));
        (*count)++;
    }
    *end = rdb_wal_reader_end(reader);
    rdb_wal_reader_close(&reader);
    return ok;
}

static void test_records_come_back_whole(void **state)
{
    (void)state;
    fixture f;
    rdb_lsn end_lsn = 0, end = 0;
    uint64_t count = 0;
    fixture_begin(&f);
    assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
    for (uint64_t n = 1; n <= 3000; n++) /* small ones, ones that are streamed, some larger than two segments */
        assert_true(insert(f.wal, n, n % 1000 == 7 ? 2 * SEGMENT + 12345 + (uint32_t)n : record_bytes(n, n % 50 == 0 ? 5 * RING : 700), &end_lsn, &f.err));
    assert_int_equal(end_lsn, rdb_wal_insert_lsn(f.wal));
    assert_true(rdb_wal_flush(f.wal, end_lsn, &f.err));
    assert_true(rdb_wal_durable_lsn(f.wal) >= end_lsn);
    assert_true(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
    assert_int_equal(count, 3000);
    assert_int_equal(end, end_lsn);
    /* a new life goes on where the old one ended */
    assert_true(rdb_wal_close(&f.wal, &f.err));
    assert_true(rdb_wal_open(&f.wal, &f.config, end, &f.err));
    for (uint64_t n = 3001; n <= 3100; n++)
        assert_true(insert(f.wal, n, record_bytes(n, 700), &end_lsn, &f.err));
    assert_true(rdb_wal_flush(f.wal, end_lsn, &f.err));
    assert_true(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
    assert_int_equal(count, 3100);
    assert_false(rdb_wal_flush(f.wal, end_lsn + 8, &f.err)); /* nothing is there to wait for */
    assert_string_equal(f.err.sqlstate, RDB_INTERNAL_ERROR);
    rdb_error_clear(&f.err);
    fixture_end(&f);
}

/* Records end exactly at, and 8 bytes around, a segment's end. */
static void test_segment_ends(void **state)
{
    (void)state;
    for (int around = -16; around <= 16; around += 8) {
        fixture f;
        rdb_lsn end_lsn = 0, end = 0;
        uint64_t count = 0;
        fixture_begin(&f);
        assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
        assert_true(insert(f.wal, 1, SEGMENT - 64 - 4096, &end_lsn, &f.err));
        assert_true(insert(f.wal, 2, (uint32_t)(4096 + around), &end_lsn, &f.err));
        assert_int_equal(end_lsn, around < 0 ? 2 * SEGMENT + around : 2 * SEGMENT + 64 + around);
        assert_true(insert(f.wal, 3, 100, &end_lsn, &f.err));
        assert_true(rdb_wal_flush(f.wal, end_lsn, &f.err));
        assert_true(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
        assert_int_equal(count, 3);
        assert_int_equal(end, end_lsn);
        fixture_end(&f);
    }
}

/* cmocka's asserts jump, which a thread of our own cannot: it stops the program instead. */
static void must(bool ok, const rdb_error *err)
{
    if (!ok) {
        fprintf(stderr, "in a thread: %s %s %s\n", err->sqlstate, err->message, err->detail);
        abort();
    }
}

/* ---- many threads ------------------------------------------------------------------------------------------------ */

enum { WORKERS = 4, EACH = 3000 };

typedef struct ordered { /* changed only inside the reservation, so it needs no lock: the sanitizer proves it */
    uint64_t next;
    rdb_lsn last;
    bool sorted;
} ordered;

typedef struct worker {
    rdb_wal *wal;
    ordered *order;
    uint64_t number; /* drawn at the position */
    uint8_t bytes[400];
    uint32_t seed;
} worker;

static void draw_number(void *context, rdb_lsn lsn)
{
    worker *w = context;
    if (lsn <= w->order->last)
        w->order->sorted = false;
    w->order->last = lsn;
    w->number = ++w->order->next;
    fill_data(w->bytes, record_bytes(w->number, 300), w->number); /* the hook may change what is behind the header */
    for (uint32_t i = record_bytes(w->number, 300); i < sizeof w->bytes; i++)
        w->bytes[i] = (uint8_t)(w->number * 31 + i);
}

static void run_worker(void *argument)
{
    worker *w = argument;
    rdb_error err = {0};
    for (uint32_t i = 0; i < EACH; i++) {
        rdb_lsn lsn = 0, end_lsn = 0;
        rdb_wal_piece piece = {w->bytes, 40 + (i * 7 + w->seed) % 360};
        must(rdb_wal_insert(w->wal, &piece, 1, draw_number, w, &lsn, &end_lsn, &err), &err);
        if (i % 16 == w->seed % 16) {
            must(rdb_wal_flush(w->wal, end_lsn, &err), &err);
            must(rdb_wal_durable_lsn(w->wal) >= end_lsn, &err);
        }
    }
}

static void test_many_inserters(void **state)
{
    (void)state;
    fixture f;
    ordered order = {.sorted = true};
    worker *workers = calloc(WORKERS, sizeof *workers);
    rdb_thread *threads[WORKERS];
    uint64_t count = 0;
    rdb_lsn end = 0;
    fixture_begin(&f);
    assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = (worker){.wal = f.wal, .order = &order, .seed = i * 5};
        fill_header(workers[i].bytes, DRAWN, DRAWN);
        assert_true(rdb_thread_start(&threads[i], "inserter", run_worker, &workers[i], &f.err));
    }
    for (uint32_t i = 0; i < WORKERS; i++)
        rdb_thread_join(&threads[i]);
    assert_true(order.sorted);
    assert_true(rdb_wal_flush(f.wal, rdb_wal_insert_lsn(f.wal), &f.err));
    assert_true(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
    assert_int_equal(count, WORKERS * EACH);
    free(workers);
    fixture_end(&f);
}

/* ---- the gate ------------------------------------------------------------------------------------------------------ */

typedef struct gate_worker {
    rdb_wal *wal;
    _Atomic uint32_t *stop;
    uint64_t wrong;
    uint64_t changes;
    _Atomic uint64_t undone; /* records inserted whose pages are not marked yet */
} gate_worker;

static void run_gate_worker(void *argument)
{
    gate_worker *w = argument;
    rdb_error err = {0};
    while (atomic_load(w->stop) == 0) {
        rdb_lsn end_lsn = 0;
        rdb_wal_gate_enter(w->wal);
        rdb_lsn point = rdb_wal_redo_point(w->wal);
        atomic_fetch_add(&w->undone, 1);
        must(insert(w->wal, 1, 64, &end_lsn, &err), &err);
        if (end_lsn - 64 < point || rdb_wal_redo_point(w->wal) != point) /* a record behind the point decided with it */
            w->wrong++;
        atomic_fetch_sub(&w->undone, 1);
        rdb_wal_gate_leave(w->wal);
        w->changes++;
    }
}

static void test_redo_point_waits_for_the_gate(void **state)
{
    (void)state;
    fixture f;
    _Atomic uint32_t stop = 0;
    gate_worker workers[3];
    rdb_thread *threads[3];
    fixture_begin(&f);
    f.config.sync = false;
    assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
    for (int i = 0; i < 3; i++) {
        workers[i] = (gate_worker){.wal = f.wal, .stop = &stop};
        assert_true(rdb_thread_start(&threads[i], "changer", run_gate_worker, &workers[i], &f.err));
    }
    rdb_lsn last = 0;
    for (int i = 0; i < 200; i++) {
        rdb_lsn point = rdb_wal_fix_redo_point(f.wal);
        assert_true(point >= last && point == rdb_wal_redo_point(f.wal));
        last = point;
        rdb_time_sleep_us(200);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 3; i++) {
        rdb_thread_join(&threads[i]);
        assert_int_equal(workers[i].wrong, 0);
        assert_int_equal(atomic_load(&workers[i].undone), 0);
    }
    fixture_end(&f);
}

/* ---- faults ---------------------------------------------------------------------------------------------------------- */

/* Whichever I/O call fails, once: the insert or flush that met it says so, what was flushed before is there, and after the fault the
 * log goes on with nothing lost. The writer may meet the fault before anybody else does, and tells nobody: then no insert and no flush
 * fails. Ends once nth is past the last call. */
static void survive_each_failure(const char *call, const char *effect, const char *sqlstate)
{
    uint32_t nth = 1;
    for (bool fired = true; fired; nth++) {
        fixture f;
        char rule[128];
        rdb_lsn end_lsn = 0, end = 0;
        uint64_t inserted = 0, flushed = 0, count = 0;
        uint32_t failures = 0;
        fixture_begin(&f);
        assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
        snprintf(rule, sizeof rule, "%s:/wal/:nth=%u:%s", call, nth, effect);
        assert_true(rdb_fault_arm(rule, &f.err));
        for (uint64_t n = 1; n <= 90; n++) {
            rdb_error err = {0};
            rdb_lsn at = rdb_wal_insert_lsn(f.wal);
            if (insert(f.wal, inserted + 1, n % 30 == 0 ? SEGMENT / 2 : 12000, &end_lsn, &err)) {
                inserted++;
            } else {
                assert_string_equal(err.sqlstate, sqlstate);
                assert_int_equal(rdb_wal_insert_lsn(f.wal), at); /* nothing inserted */
                failures++;
            }
            rdb_error_clear(&err);
            if (n % 5 == 0) {
                if (rdb_wal_flush(f.wal, rdb_wal_insert_lsn(f.wal), &err)) {
                    flushed = inserted;
                } else {
                    assert_string_equal(err.sqlstate, sqlstate);
                    failures++;
                }
                rdb_error_clear(&err);
            }
        }
        assert_true(failures <= rdb_fault_fired());
        fired = rdb_fault_fired() > 0;
        rdb_fault_disarm();
        assert_true(rdb_wal_flush(f.wal, rdb_wal_insert_lsn(f.wal), &f.err));
        assert_true(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
        assert_int_equal(count, inserted);
        assert_true(count >= flushed);
        fixture_end(&f);
        assert_in_range(nth, 1, 5000);
    }
    assert_true(nth > 4); /* three segments were written: three calls failed at least, one a round */
}

/* A call that fails for good from the nth on: whoever meets it first, an insert or a flush says so before the log has grown by as many
 * segments, each of which needs that call; and nothing that was accepted is lost. */
static void tell_lasting_failure(const char *call, const char *effect, const char *sqlstate)
{
    enum { LENGTH = 12000 };
    for (uint32_t nth = 1; nth <= 4; nth++) {
        fixture f;
        rdb_error err = {0};
        char rule[128];
        rdb_lsn end_lsn = 0, end = 0, at = 0;
        uint64_t inserted = 0, count = 0;
        fixture_begin(&f);
        assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
        snprintf(rule, sizeof rule, "%s:/wal/:nth=%u:count=0:%s", call, nth, effect);
        assert_true(rdb_fault_arm(rule, &f.err));
        while (at = rdb_wal_insert_lsn(f.wal), insert(f.wal, inserted + 1, LENGTH, &end_lsn, &err)) {
            inserted++;
            assert_true(end_lsn <= nth * (rdb_lsn)SEGMENT + WAL_SEGMENT_HEADER_BYTES + RING); /* the ring alone takes what has no segment */
            if (inserted % 5 == 0 && !rdb_wal_flush(f.wal, at = end_lsn, &err))
                break;
        }
        assert_string_equal(err.sqlstate, sqlstate);
        rdb_error_clear(&err);
        assert_int_equal(rdb_wal_insert_lsn(f.wal), at); /* nothing inserted by what failed */
        assert_true(rdb_fault_fired() > 0);
        rdb_fault_disarm();
        assert_true(rdb_wal_flush(f.wal, rdb_wal_insert_lsn(f.wal), &f.err));
        assert_true(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
        assert_int_equal(count, inserted);
        fixture_end(&f);
    }
}

static void test_each_failing_write(void **state)
{
    (void)state;
    survive_each_failure("write", "EIO", RDB_IO_ERROR);
    tell_lasting_failure("write", "EIO", RDB_IO_ERROR);
}

static void test_each_failing_open(void **state)
{
    (void)state;
    survive_each_failure("open", "EIO", RDB_IO_ERROR);
    tell_lasting_failure("open", "EIO", RDB_IO_ERROR);
}

static void test_disk_full_refuses_and_heals(void **state)
{
    (void)state;
    fixture f;
    rdb_lsn end_lsn = 0, end = 0, at = 0;
    uint64_t inserted = 0, count = 0;
    rdb_error err = {0};
    fixture_begin(&f);
    assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
    /* only what makes a file longer fails, as on a full disk: new segments, under their name of preparation */
    assert_true(rdb_fault_arm("write:prepare:count=0:ENOSPC", &f.err));
    while (at = rdb_wal_insert_lsn(f.wal), insert(f.wal, inserted + 1, 10000, &end_lsn, &err))
        inserted++;
    assert_string_equal(err.sqlstate, RDB_DISK_FULL);
    assert_int_equal(rdb_wal_insert_lsn(f.wal), at);
    assert_true(inserted > 90); /* the prepared segment was used up first */
    rdb_error_clear(&err);
    assert_false(insert(f.wal, inserted + 1, 10000, &end_lsn, &err));
    rdb_error_clear(&err);
    assert_true(rdb_wal_flush(f.wal, rdb_wal_insert_lsn(f.wal), &f.err)); /* what was accepted can be kept */
    assert_true(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
    assert_int_equal(count, inserted);
    /* a checkpoint's record has its room in the file kept in reserve, once */
    assert_true(rdb_wal_secure_room(f.wal, 10000, &f.err));
    assert_true(insert(f.wal, ++inserted, 10000, &end_lsn, &f.err));
    assert_false(rdb_wal_secure_room(f.wal, SEGMENT, &err));
    assert_string_equal(err.sqlstate, RDB_DISK_FULL);
    rdb_error_clear(&err);
    rdb_lsn start = rdb_wal_insert_lsn(f.wal);
    uint64_t first = inserted + 1;
    assert_true(start > 2 * SEGMENT);
    while (insert(f.wal, inserted + 1, 10000, &end_lsn, &err))
        inserted++;
    rdb_error_clear(&err);
    /* what the checkpoint releases is the next reserve, and goes to nobody else */
    assert_true(rdb_wal_flush(f.wal, rdb_wal_insert_lsn(f.wal), &f.err));
    assert_true(rdb_wal_release(f.wal, 2 * SEGMENT, &f.err));
    assert_false(insert(f.wal, inserted + 1, 10000, &end_lsn, &err));
    rdb_error_clear(&err);
    assert_true(rdb_wal_secure_room(f.wal, 10000, &f.err));
    rdb_fault_disarm();
    for (uint32_t i = 0; i < 200; i++)
        assert_true(insert(f.wal, ++inserted, 10000, &end_lsn, &f.err));
    assert_true(rdb_wal_flush(f.wal, end_lsn, &f.err));
    assert_true(read_all(&f.config, start, first, &count, &end, &f.err));
    assert_int_equal(first + count, inserted + 1);
    fixture_end(&f);
}

static void test_failed_sync_ends_the_process(void **state)
{
    (void)state;
    fixture f;
    int status = 0;
    fixture_begin(&f);
    assert_true(rdb_path_make_directory(f.directory, 0700, true, &f.err));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        rdb_lsn end_lsn = 0;
        if (!freopen("/dev/null", "w", stderr) || !rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err) ||
            !rdb_fault_arm("sync:/wal/:count=0:EIO", &f.err) || !insert(f.wal, 1, 100, &end_lsn, &f.err))
            _exit(90);
        (void)!rdb_wal_flush(f.wal, end_lsn, &f.err);
        _exit(91); /* an answer, whichever, would be wrong */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    fixture_end(&f);
}

/* ---- ends and damage --------------------------------------------------------------------------------------------------- */

static void overwrite(const fixture *f, rdb_lsn lsn, const void *bytes, size_t length)
{
    char path[WAL_PATH_BYTES];
    rdb_file *file = NULL;
    rdb_error err = {0};
    wal_segment_path(path, f->directory, lsn / SEGMENT);
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &err));
    assert_true(rdb_file_write(file, lsn % SEGMENT, bytes, length, &err));
    assert_true(rdb_file_close(&file, &err));
}

/* A hole in the last written segment ends the log, and new records never revive the old ones behind it. */
static void test_torn_end_is_not_revived(void **state)
{
    (void)state;
    fixture f;
    rdb_lsn ends[61] = {SEGMENT + 64}, end = 0, end_lsn = 0;
    uint64_t count = 0;
    fixture_begin(&f);
    assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
    for (uint64_t n = 1; n <= 60; n++)
        assert_true(insert(f.wal, n, 200, &ends[n], &f.err));
    assert_true(rdb_wal_close(&f.wal, &f.err));
    overwrite(&f, ends[30] + 100, "torn", 4); /* record 31 */
    assert_true(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
    assert_int_equal(count, 30);
    assert_int_equal(end, ends[30]);
    assert_true(rdb_wal_open(&f.wal, &f.config, end, &f.err));
    assert_true(insert(f.wal, 31, 200, &end_lsn, &f.err)); /* ends exactly where the old record 32 began */
    assert_int_equal(end_lsn, ends[31]);
    assert_true(rdb_wal_flush(f.wal, end_lsn, &f.err));
    assert_true(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
    assert_int_equal(count, 31);
    fixture_end(&f);
}

static void test_damage_is_told_from_the_end(void **state)
{
    (void)state;
    fixture f;
    rdb_lsn ends[401] = {SEGMENT + 64}, end = 0;
    uint64_t count = 0;
    fixture_begin(&f);
    assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
    for (uint64_t n = 1; n <= 400; n++)
        assert_true(insert(f.wal, n, 8000, &ends[n], &f.err));
    assert_true(rdb_wal_close(&f.wal, &f.err));
    overwrite(&f, ends[20] + 100, "damage", 6); /* whole segments follow */
    assert_false(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
    assert_string_equal(f.err.sqlstate, RDB_DATA_CORRUPTED);
    assert_int_equal(count, 20);
    rdb_error_clear(&f.err);
    /* of another system id nothing is a record: the log is empty */
    f.config.system_id = 78;
    assert_true(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err));
    assert_int_equal(count, 0);
    fixture_end(&f);
}

/* A record whose very header lies in two segments: a crash may lose the first block of the second one and keep a later block, whose
 * records then prove nothing; those of a segment behind that one do. */
static void test_torn_header_over_a_segment_end(void **state)
{
    (void)state;
    for (int before = 8; before <= 16; before += 8) {
        for (uint32_t more = 20; more <= 400; more += 380) {
            fixture f;
            rdb_lsn end_lsn = 0, end = 0;
            uint64_t count = 0;
            uint8_t lost[512 - WAL_SEGMENT_HEADER_BYTES];
            fixture_begin(&f);
            assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
            assert_true(insert(f.wal, 1, SEGMENT - 64 - 4096, &end_lsn, &f.err));
            assert_true(insert(f.wal, 2, (uint32_t)(4096 - before), &end_lsn, &f.err));
            assert_int_equal(end_lsn, 2 * SEGMENT - before);
            for (uint64_t n = 3; n < 3 + more; n++)
                assert_true(insert(f.wal, n, 4000, &end_lsn, &f.err));
            assert_true(rdb_wal_close(&f.wal, &f.err));
            memset(lost, 0x5A, sizeof lost);
            overwrite(&f, 2 * SEGMENT + WAL_SEGMENT_HEADER_BYTES, lost, sizeof lost);
            assert_int_equal(read_all(&f.config, SEGMENT + 64, 1, &count, &end, &f.err), end_lsn < 3 * SEGMENT);
            assert_int_equal(count, 2);
            if (end_lsn < 3 * SEGMENT)
                assert_int_equal(end, 2 * SEGMENT - before);
            else
                assert_string_equal(f.err.sqlstate, RDB_DATA_CORRUPTED);
            rdb_error_clear(&f.err);
            fixture_end(&f);
        }
    }
}

/* Released segments come back ahead under new numbers; their old records never count. */
static void test_recycled_segments_do_not_replay(void **state)
{
    (void)state;
    fixture f;
    rdb_lsn end_lsn = 0, end = 0, kept = 0;
    uint64_t n = 0, count = 0, kept_from = 1;
    fixture_begin(&f);
    assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
    for (uint32_t lap = 0; lap < 12; lap++) {
        for (uint32_t i = 0; i < 300; i++)
            assert_true(insert(f.wal, ++n, 8000, &end_lsn, &f.err));
        assert_true(rdb_wal_flush(f.wal, end_lsn, &f.err));
        kept = end_lsn;
        kept_from = n + 1;
        assert_true(rdb_wal_release(f.wal, kept, &f.err));
    }
    for (uint32_t i = 0; i < 3; i++)
        assert_true(insert(f.wal, ++n, 8000, &end_lsn, &f.err));
    assert_true(rdb_wal_flush(f.wal, end_lsn, &f.err));
    assert_true(read_all(&f.config, kept, kept_from, &count, &end, &f.err));
    assert_int_equal(count, 3);
    assert_int_equal(end, end_lsn);
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    uint64_t *numbers = NULL;
    uint32_t files = 0;
    assert_true(wal_segment_list(f.directory, arena, &numbers, &files, &f.err));
    assert_true(files <= WAL_SPARE_SEGMENTS_MAX + 3);
    assert_int_equal(numbers[0], kept / SEGMENT); /* no older one stayed */
    rdb_arena_destroy(arena);
    fixture_end(&f);
}

static void test_decode_refuses_what_is_malformed(void **state)
{
    (void)state;
    uint8_t bytes[256] = {0};
    rdb_wal_record record;
    rdb_random random;
    uint32_t refused = 0;
    rdb_random_seed(&random, 4);
    for (uint32_t round = 0; round < 200000; round++) {
        rdb_error err = {0};
        uint32_t length = WAL_RECORD_BYTES_MIN + (uint32_t)(rdb_random_next(&random) % 200);
        uint8_t *exact = malloc(length); /* so that the address sanitizer sees a byte too far */
        for (uint32_t i = 0; i < length; i++)
            bytes[i] = rdb_random_next(&random) % 3 == 0 ? (uint8_t)rdb_random_next(&random) : 0;
        rdb_put_u32(bytes, length);
        bytes[8] = (uint8_t)(1 + bytes[8] % 9);
        bytes[10] %= 4;
        memcpy(exact, bytes, length);
        if (rdb_wal_record_decode(exact, length, 8, &record, &err)) {
            assert_true(record.data >= exact && record.data + record.data_bytes == exact + length);
            for (unsigned i = 0; i < record.block_count; i++)
                assert_true(record.blocks[i].data + record.blocks[i].data_bytes <= exact + length);
        } else {
            assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
            refused++;
        }
        rdb_error_clear(&err);
        free(exact);
    }
    assert_in_range(refused, 1000, 199000);
    /* compressed data says how long it is unpacked */
    for (uint32_t round = 0; round < 3; round++) {
        rdb_error err = {0};
        const rdb_wal_block block = {.file = 5, .block = 6, .data_bytes = round == 2 ? 3 : 8, .flags = RDB_WAL_BLOCK_DATA_LZ4};
        memset(bytes, 0, sizeof bytes);
        const uint32_t at = WAL_RECORD_BYTES_MIN + rdb_wal_put_block(bytes + WAL_RECORD_BYTES_MIN, &block);
        rdb_put_u32(bytes, at + 8);
        bytes[8] = RDB_RESOURCE_HEAP;
        bytes[10] = 1;
        rdb_put_u32(bytes + at, round == 1 ? RDB_WAL_BLOCK_DATA_PLAIN_MAX + 1 : 5000);
        assert_int_equal(rdb_wal_record_decode(bytes, at + 8, 8, &record, &err), round == 0);
        rdb_error_clear(&err);
    }
}

/* References of every width come back, cut ones are refused; so does packed data, and nothing but it. */
static void test_blocks_and_data_are_packed(void **state)
{
    (void)state;
    static uint8_t data[RDB_WAL_PACKED_PLAIN_MAX], packed[RDB_WAL_PACKED_PLAIN_MAX + RDB_WAL_PACKED_PLAIN_MAX / 8 + 3], plain[RDB_WAL_PACKED_PLAIN_MAX];
    rdb_random random;
    rdb_random_seed(&random, 7);
    for (uint32_t round = 0; round < 20000; round++) {
        const uint8_t flags = (uint8_t)(round % 32 & ~RDB_WAL_BLOCK_DATA_LZ4);
        const bool image = (flags & (RDB_WAL_BLOCK_IMAGE | RDB_WAL_BLOCK_IMAGE_LZ4)) != 0;
        const rdb_wal_block block = {.file = rdb_random_next(&random) >> rdb_random_next(&random) % 64 | UINT64_C(1) << 60,
                                     .block = rdb_random_next(&random) >> (16 + rdb_random_next(&random) % 48),
                                     .previous_change_no = rdb_random_next(&random) >> rdb_random_next(&random) % 64,
                                     .data_bytes = (uint32_t)(rdb_random_next(&random) >> (32 + rdb_random_next(&random) % 32)),
                                     .image_bytes = image ? (uint32_t)(rdb_random_next(&random) >> (32 + rdb_random_next(&random) % 32)) : 0,
                                     .fork = (uint8_t)(round / 64 % 3), .flags = flags};
        uint8_t bytes[RDB_WAL_BLOCK_BYTES_MAX];
        const uint32_t length = rdb_wal_put_block(bytes, &block);
        assert_in_range(length, 6, RDB_WAL_BLOCK_BYTES_MAX);
        rdb_wal_block back = {0};
        const uint8_t *at = bytes;
        assert_true(wal_get_block(&at, bytes + length, &back) && at == bytes + length);
        assert_true(back.file == block.file && back.block == block.block && back.previous_change_no == block.previous_change_no && back.data_bytes == block.data_bytes &&
                    back.image_bytes == block.image_bytes && back.fork == block.fork && back.flags == block.flags);
        for (uint32_t cut = 0; cut < length; cut++) {
            at = bytes;
            assert_false(wal_get_block(&at, bytes + cut, &back));
        }
    }
    const uint8_t endless[11] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}, wide[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 3};
    const uint8_t *at = endless;
    uint64_t number;
    assert_false(rdb_wal_get_number(&at, endless + sizeof endless, UINT64_MAX, &number));
    at = wide;
    assert_false(rdb_wal_get_number(&at, wide + sizeof wide, UINT64_MAX, &number));
    for (uint32_t round = 0; round < 3000; round++) {
        const uint32_t length = (uint32_t)(rdb_random_next(&random) % (sizeof data + 1));
        const unsigned zeroes = (unsigned)(rdb_random_next(&random) % 9);
        for (uint32_t i = 0; i < length; i++)
            data[i] = rdb_random_next(&random) % 8 < zeroes ? 0 : (uint8_t)rdb_random_next(&random);
        const uint32_t packed_length = rdb_wal_pack_data(data, length, packed);
        uint32_t back_length = 0;
        assert_true(packed_length <= length + length / 8 + 3);
        assert_true(rdb_wal_unpack_data(packed, packed_length, plain, &back_length));
        assert_int_equal(back_length, length);
        assert_memory_equal(plain, data, length);
        assert_false(rdb_wal_unpack_data(packed, packed_length - 1, plain, &back_length));
        packed[packed_length] = 0;
        assert_false(rdb_wal_unpack_data(packed, packed_length + 1, plain, &back_length));
    }
    const uint8_t too_long[] = {0x81, 0x08};
    uint32_t unused;
    assert_false(rdb_wal_unpack_data(too_long, sizeof too_long, plain, &unused));
}

/* ---- crashes ---------------------------------------------------------------------------------------------------------- */

static void test_crash_at_every_point(void **state)
{
    (void)state;
    fixture f;
    char target[96];
    rdb_fault_log *log = NULL;
    rdb_lsn end_lsn = 0;
    uint64_t n = 0, hit = 0;
    fixture_begin(&f);
    snprintf(target, sizeof target, "%s-crash", f.root);
    assert_true(rdb_fault_record_begin(f.root, NULL, &f.err));
    assert_true(rdb_wal_open(&f.wal, &f.config, SEGMENT + 64, &f.err));
    for (uint32_t i = 0; i < 120; i++) {
        for (uint32_t j = 0; j < 3; j++, n++)
            assert_true(insert(f.wal, n + 1, i % 24 == 5 ? 200000 : record_bytes(n, 9000), &end_lsn, &f.err));
        assert_true(rdb_wal_flush(f.wal, end_lsn, &f.err));
        rdb_fault_record_note(n); /* so many are promised */
    }
    assert_true(rdb_fault_record_end(&log, &f.err));
    rdb_wal_config config = f.config;
    char directory[128];
    snprintf(directory, sizeof directory, "%s/wal", target);
    config.directory = directory;
    config.sync = false; /* of the judge: the disk below is real */
    for (uint32_t point = rdb_fault_log_base(log); point <= rdb_fault_log_count(log); point++) {
        for (int mode = RDB_CRASH_KEEP_ALL; mode <= RDB_CRASH_TEAR; mode++) {
            rdb_wal *wal = NULL;
            uint64_t count = 0, promised = rdb_fault_log_note_at(log, point), after = 0;
            rdb_lsn end = 0, wal_end = 0;
            if (mode == RDB_CRASH_KEEP_ALL && point % 4 != 0)
                continue;
            assert_true(rdb_fault_log_rebuild(log, point, (rdb_crash_mode)mode, point, target, &f.err));
            if (!read_all(&config, SEGMENT + 64, 1, &count, &end, &f.err))
                fail_msg("point %u mode %d: %s %s", point, mode, f.err.message, f.err.detail);
            if (count < promised)
                fail_msg("point %u mode %d: %llu of %llu promised records", point, mode, (unsigned long long)count, (unsigned long long)promised);
            hit++;
            if (point % 8 != 0)
                continue;
            assert_true(rdb_wal_open(&wal, &config, end, &f.err)); /* and the log goes on from there */
            for (uint64_t m = count + 1; m <= count + 20; m++)
                assert_true(insert(wal, m, record_bytes(m, 3000), &end_lsn, &f.err));
            assert_true(rdb_wal_close(&wal, &f.err));
            assert_true(read_all(&config, SEGMENT + 64, 1, &after, &wal_end, &f.err));
            assert_int_equal(after, count + 20);
        }
    }
    print_message("crash points: %llu\n", (unsigned long long)hit);
    assert_true(hit > 300);
    rdb_fault_log_destroy(log);
    assert_true(rdb_path_remove_tree(target, &f.err));
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_back_whole),
        cmocka_unit_test(test_segment_ends),
        cmocka_unit_test(test_many_inserters),
        cmocka_unit_test(test_redo_point_waits_for_the_gate),
        cmocka_unit_test(test_each_failing_write),
        cmocka_unit_test(test_each_failing_open),
        cmocka_unit_test(test_disk_full_refuses_and_heals),
        cmocka_unit_test(test_failed_sync_ends_the_process),
        cmocka_unit_test(test_torn_end_is_not_revived),
        cmocka_unit_test(test_damage_is_told_from_the_end),
        cmocka_unit_test(test_torn_header_over_a_segment_end),
        cmocka_unit_test(test_recycled_segments_do_not_replay),
        cmocka_unit_test(test_decode_refuses_what_is_malformed), cmocka_unit_test(test_blocks_and_data_are_packed),
        cmocka_unit_test(test_crash_at_every_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
