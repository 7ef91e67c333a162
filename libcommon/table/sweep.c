/* SPDX-License-Identifier: Apache-2.0
 * One pass over a heap's pages for VACUUM: the free-space hints, which live in memory only, are made anew, and pages whose
 * stamps are all old are settled. */
#include "table/table_int.h"

/* Slots that nobody has serve the next rows of their page. */
static uint32_t count_slots_taken(const rdb_page *page)
{
    uint32_t count = 0, offset, length;
    for (uint32_t slot = 0; slot < heap_slot_count(page); slot++)
        count += heap_slot(page, slot, &offset, &length) != HEAP_SLOT_FREE;
    return count;
}

bool rdb_table_sweep(const rdb_table *table, rdb_cancel *cancel, rdb_table_sweep_result *result, rdb_error *err)
{
    heap_place place = heap_place_of(table);
    *result = (rdb_table_sweep_result){0};
    if (!rdb_table_block_count(table, &result->blocks, err))
        return false;
    for (uint64_t block = 1; block < result->blocks; block++) {
        rdb_buffer *buffer = NULL;
        if (cancel != NULL && !rdb_cancel_check(cancel, err))
            return false;
        if (!rdb_buffer_acquire(place.storage, heap_tag(&place, block), RDB_BUFFER_SHARED, &buffer, err))
            return false;
        const rdb_page *page = rdb_buffer_page(buffer);
        if (page->type == RDB_PAGE_HEAP) {
            result->heap_blocks++;
            result->free_bytes += heap_free_bytes(page, place.page_bytes);
            result->row_bytes += heap_get_head(page).cell_bytes + HEAP_SLOT_BYTES * count_slots_taken(page);
            if (heap_settled_scn(page) == 0)
                heap_settle(&place, buffer);
        } else if (page->type == RDB_PAGE_OVERFLOW) {
            result->overflow_blocks++;
        } else if (page->type != RDB_PAGE_VISIBLE) {
            result->free_bytes += place.page_bytes - RDB_PAGE_HEADER_BYTES;
        }
        if (page->type == RDB_PAGE_HEAP || page->type == RDB_PAGE_FREE)
            heap_note_space(&place, buffer);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    return true;
}
