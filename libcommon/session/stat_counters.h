/* SPDX-License-Identifier: Apache-2.0
 * Figures of the whole instance as pg_stat_bgwriter, pg_stat_wal and pg_stat_archiver show them: since the server started, or since
 * pg_stat_reset_shared. What is counted goes on (metrics read it); a reset sets what is subtracted. */
#ifndef RDB_STAT_COUNTERS_H
#define RDB_STAT_COUNTERS_H

#include "session/session_int.h"

#include <stdatomic.h>

typedef enum stat_figure {
    STAT_CHECKPOINTS, STAT_CHECKPOINTS_ASKED, STAT_CHECKPOINT_PAGES, STAT_WRITE_US, STAT_SYNC_US, STAT_CLEANER_PAGES, STAT_EVICTOR_PAGES,
    STAT_EVICTOR_SYNCS, STAT_PAGES_READ,
    STAT_WAL_RECORDS, STAT_WAL_IMAGES, STAT_WAL_BYTES, STAT_WAL_RING_FULL, STAT_WAL_WRITES, STAT_WAL_WRITE_US, STAT_WAL_SYNC_US, STAT_WAL_SYNCS,
    STAT_ARCHIVED, STAT_ARCHIVE_FAILED,
    STAT_FIGURE_COUNT
} stat_figure;
typedef enum stat_group { STAT_BGWRITER, STAT_WAL, STAT_ARCHIVER, STAT_GROUP_COUNT } stat_group;

typedef struct stat_bases { /* relaxed: a statistic may lag, and a reset is no barrier */
    _Atomic uint64_t values[STAT_FIGURE_COUNT];
    _Atomic int64_t reset_us[STAT_GROUP_COUNT]; /* timestamptz; 0: never */
} stat_bases;

stat_bases *session_engine_stat_bases(rdb_engine *engine);
uint64_t session_stat_figure(rdb_engine *engine, stat_figure figure);
int64_t session_stat_reset_us(rdb_engine *engine, stat_group group); /* the server's start where there was no reset */

#endif
