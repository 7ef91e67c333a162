/* SPDX-License-Identifier: Apache-2.0
 * Pages of the commit log in place of damaged ones, in a copy that only salvage reads. What became of the transactions of such a page
 * is not known any more: the new one calls them all committed, and salvage names each row that one of them wrote. */
#include "txn/rdb_txn_salvage.h"
#include "txn/txn_int.h"

#define SCN_OF_ALL (UINT64_C(1) << 56) /* no SCN lies above it */

void rdb_txn_mend_page(uint8_t *page, uint32_t page_bytes, const rdb_txn_mended *mended)
{
    rdb_page *head = (rdb_page *)(void *)page;
    memset(page, 0, page_bytes);
    head->type = mended->is_meta ? RDB_PAGE_META : RDB_PAGE_XACT;
    head->version = 1;
    head->lower = head->upper = (uint16_t)page_bytes;
    if (mended->is_meta) {
        const uint64_t slots = (page_bytes - RDB_PAGE_HEADER_BYTES) / TXN_SLOT_BYTES;
        const txn_meta meta = {.first_segment = mended->first_segment,
                               .segment_count = mended->segment_count,
                               .scn_bound = SCN_OF_ALL,
                               .tail = RDB_MAX(mended->first_segment * TXN_SEGMENT_PAGES * slots, (uint64_t)TXN_FIRST_XID)};
        memcpy(page + RDB_PAGE_HEADER_BYTES, &meta, sizeof meta);
        return;
    }
    const uint64_t state = TXN_SLOT(TXN_SLOT_COMMITTED, 1);
    for (uint32_t at = RDB_PAGE_HEADER_BYTES; at + TXN_SLOT_BYTES <= page_bytes; at += TXN_SLOT_BYTES)
        memcpy(page + at, &state, sizeof state);
}

void rdb_txn_page_xids(uint64_t segment, uint64_t block, uint32_t page_bytes, rdb_xid *first, rdb_xid *end)
{
    const uint64_t slots = (page_bytes - RDB_PAGE_HEADER_BYTES) / TXN_SLOT_BYTES;
    *first = (segment * TXN_SEGMENT_PAGES + block) * slots;
    *end = *first + slots;
}
