/* SPDX-License-Identifier: Apache-2.0
 * How the bytes of an index's file are used: see rdb_index_measure.h. */
#include "index/rdb_index_measure.h"
#include "index/btree_page.h"

bool rdb_index_measure(const rdb_index *index, rdb_cancel *cancel, rdb_measure *measure, rdb_error *err)
{
    const uint32_t page_bytes = rdb_storage_page_bytes(index->storage);
    uint64_t blocks;
    *measure = (rdb_measure){0};
    if (!rdb_storage_block_count(index->storage, index->pdb, index->file, RDB_FORK_MAIN, &blocks, err))
        return false;
    const uint64_t looked_at = RDB_MIN(blocks, (uint64_t)RDB_MEASURE_PAGES);
    for (uint64_t i = 0; i < looked_at; i++) {
        rdb_buffer *buffer = NULL;
        const rdb_page_tag tag = {.file = index->file, .block = looked_at == blocks ? i : i * blocks / looked_at, .pdb = index->pdb, .fork = RDB_FORK_MAIN};
        if ((cancel != NULL && !rdb_cancel_check(cancel, err)) || !rdb_buffer_acquire(index->storage, tag, RDB_BUFFER_SHARED, &buffer, err))
            return false;
        const rdb_page *page = rdb_buffer_page(buffer);
        const uint32_t room = page_bytes - RDB_PAGE_HEADER_BYTES;
        const bool has_bounds = page->lower >= RDB_PAGE_HEADER_BYTES && page->lower <= page->upper && page->upper <= page_bytes;
        if (page->type == RDB_PAGE_BTREE && has_bounds && page->lower >= BTREE_SLOTS_AT) {
            const btree_page *node = (const btree_page *)page;
            const uint32_t hole = (uint32_t)(page->upper - page->lower), garbage = RDB_MIN((uint32_t)node->garbage, page_bytes - BTREE_SLOTS_AT - hole);
            measure->free_bytes += hole;
            measure->dead_bytes += garbage;
            measure->live_bytes += page_bytes - BTREE_SLOTS_AT - hole - garbage;
        } else if (page->type == RDB_PAGE_FREE) {
            measure->free_bytes += room;
        } else if (has_bounds) {
            measure->free_bytes += (uint32_t)(page->upper - page->lower);
            measure->live_bytes += room - (uint32_t)(page->upper - page->lower);
        } else {
            measure->live_bytes += room;
        }
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    const double scale = looked_at > 0 ? (double)blocks / (double)looked_at : 1;
    measure->pages = blocks;
    measure->looked_at = looked_at;
    measure->file_bytes = (double)blocks * page_bytes;
    measure->live_bytes *= scale;
    measure->dead_bytes *= scale;
    measure->free_bytes *= scale;
    return true;
}
