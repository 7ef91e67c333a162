/* SPDX-License-Identifier: Apache-2.0
 * Pages of the commit log in place of damaged ones (salvage.c). The commit log's file 0 is its meta page, file 1 + n its segment n. */
#ifndef RDB_TXN_SALVAGE_H
#define RDB_TXN_SALVAGE_H

#include "txn/rdb_txn.h"

typedef struct rdb_txn_mended {
    bool is_meta; /* else a page of slots that says committed of all */
    uint64_t first_segment, segment_count; /* meta: of the segments that are there, the first and the one behind the last */
} rdb_txn_mended;
void rdb_txn_mend_page(uint8_t *page, uint32_t page_bytes, const rdb_txn_mended *mended);
/* The transactions that a page of slots is about: first .. end - 1. */
void rdb_txn_page_xids(uint64_t segment, uint64_t block, uint32_t page_bytes, rdb_xid *first, rdb_xid *end);

#endif
