/* SPDX-License-Identifier: Apache-2.0
 * How the bytes of a heap are used, from the heads of its pages and cells. No row is read and nothing is locked; of a large file a part of
 * the pages is looked at, spread evenly, and the rest estimated from it. */
#ifndef RDB_MEASURE_H
#define RDB_MEASURE_H

#include "table/rdb_table.h"

/* From so many pages on a part is looked at. A page's share of live bytes lies between 0 and 1, so that many pages tell the mean of any file to
 * better than 1 % of its size in 99 of 100 cases, whatever it looks like; neighbours alike, as they mostly are, make it better still. */
#define RDB_MEASURE_PAGES 20000u

typedef struct rdb_measure {
    uint64_t pages, looked_at;
    double file_bytes, live_bytes, dead_bytes, free_bytes; /* the rest of the file: heads of pages, maps */
} rdb_measure;
/* Dead: rows that were deleted, or never committed, and that purge or the reverter have not freed yet. */
RDB_CHECKED bool rdb_table_measure(const rdb_table *table, rdb_cancel *cancel, rdb_measure *measure, rdb_error *err);

#endif
