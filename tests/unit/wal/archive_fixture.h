/* SPDX-License-Identifier: Apache-2.0
 * A log, an archive beside it and an archiver between them, for tests of archiving. Included by test programs. */
#ifndef WAL_TEST_ARCHIVE_FIXTURE_H
#define WAL_TEST_ARCHIVE_FIXTURE_H

#include "wal/wal_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SEGMENT = 1 << 20, RING = 64 << 10, FIRST = SEGMENT + 64, PATIENCE_US = 120000000 };

typedef struct fixture {
    char root[64], wal_directory[96], archive[96], state_path[96];
    rdb_wal_config config;
    rdb_wal *wal;
    rdb_wal_archiver *archiver;
    rdb_error err;
} fixture;

/* The archive's directory is not made: an archiver does that. */
static void fixture_begin(fixture *f)
{
    memset(f, 0, sizeof *f);
    snprintf(f->root, sizeof f->root, "/tmp/rdb-archive-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->wal_directory, sizeof f->wal_directory, "%s/wal", f->root);
    snprintf(f->archive, sizeof f->archive, "%s/archive", f->root);
    snprintf(f->state_path, sizeof f->state_path, "%s/archived", f->root);
    f->config = (rdb_wal_config){.directory = f->wal_directory, .system_id = 78, .segment_bytes = SEGMENT, .ring_bytes = RING,
                                 .incarnation = 1, .thread_no = 1, .sync = true};
    assert_true(rdb_wal_open(&f->wal, &f->config, FIRST, &f->err));
}

static void fixture_end(fixture *f)
{
    rdb_wal_archiver_close(&f->archiver);
    assert_true(rdb_wal_close(&f->wal, &f->err));
    assert_true(rdb_path_remove_tree(f->root, &f->err));
    rdb_error_clear(&f->err);
}

/* A record of transaction n, whose bytes are n too, of so many bytes in the log; durable. Where it ends. */
static rdb_lsn add(fixture *f, uint64_t n, uint32_t length)
{
    length += RDB_WAL_HEADER_BYTES - WAL_RECORD_BYTES_MIN;
    uint8_t *bytes = calloc(1, length);
    rdb_lsn lsn = 0, end = 0;
    rdb_put_u64(bytes + 8, n);
    bytes[20] = RDB_RESOURCE_HEAP;
    memset(bytes + RDB_WAL_HEADER_BYTES, (int)n, length - RDB_WAL_HEADER_BYTES);
    rdb_wal_piece piece = {bytes, length};
    assert_true(rdb_wal_insert(f->wal, &piece, 1, NULL, NULL, &lsn, &end, &f->err) && rdb_wal_flush(f->wal, end, &f->err));
    free(bytes);
    return end;
}

static rdb_lsn finish_segment(fixture *f)
{
    rdb_lsn end = 0;
    assert_true(rdb_wal_switch(f->wal, &end, &f->err) && rdb_wal_flush(f->wal, end, &f->err));
    return end;
}

/* In place of one that runs. */
static void start_archiver(fixture *f, const rdb_wal_archiver_config *config)
{
    rdb_wal_archiver_close(&f->archiver);
    assert_true(rdb_wal_archiver_open(&f->archiver, f->wal, config, &f->err));
    assert_true(rdb_wal_archiver_start(f->archiver, &f->err));
}

/* Until another try has failed than had before. */
static inline void await_failure(fixture *f, uint64_t failed_before)
{
    rdb_wal_archiver_statistics statistics;
    do {
        rdb_time_sleep_us(10000);
        rdb_wal_archiver_get_statistics(f->archiver, &statistics);
    } while (statistics.failed_count <= failed_before);
}

#endif
