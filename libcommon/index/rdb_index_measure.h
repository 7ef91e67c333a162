/* SPDX-License-Identifier: Apache-2.0
 * How the bytes of an index's file are used, from the heads of its pages; see table/rdb_measure.h. */
#ifndef RDB_INDEX_MEASURE_H
#define RDB_INDEX_MEASURE_H

#include "index/rdb_index.h"
#include "table/rdb_measure.h"

/* Dead: cells that were removed and whose room no insert has taken yet. An entry of a deleted row counts as live until purge takes it away. */
RDB_CHECKED bool rdb_index_measure(const rdb_index *index, rdb_cancel *cancel, rdb_measure *measure, rdb_error *err);

#endif
