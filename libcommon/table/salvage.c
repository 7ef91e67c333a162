/* SPDX-License-Identifier: Apache-2.0
 * A look at what a block of a heap holds, whatever became of the rows: for who copies what is left of a damaged table, row by row. */
#include "table/rdb_table_salvage.h"
#include "table/table_int.h"

bool rdb_table_look(rdb_storage *storage, uint32_t pdb, uint64_t file, uint64_t block, rdb_arena *arena, rdb_table_look_result *result, rdb_error *err)
{
    const rdb_page_tag tag = {.file = file, .block = block, .pdb = pdb};
    const uint32_t page_bytes = rdb_storage_page_bytes(storage);
    rdb_buffer *buffer = NULL;
    *result = (rdb_table_look_result){.rows = NULL};
    if (!rdb_buffer_acquire(storage, tag, RDB_BUFFER_SHARED, &buffer, err))
        return false;
    const rdb_page *page = rdb_buffer_page(buffer);
    result->is_empty = page->type == RDB_PAGE_FREE;
    bool ok = true;
    if (page->type == RDB_PAGE_HEAP) {
        const uint32_t slots = page->lower <= page_bytes ? heap_slot_count(page) : 0;
        ok = page->lower <= page_bytes && heap_page_check(page, page_bytes);
        result->rows = RDB_NEW_ARRAY(arena, rdb_table_look_row, slots + 1u);
        for (uint32_t slot = 0; ok && slot < slots; slot++) {
            uint32_t offset, length;
            const heap_slot_kind kind = heap_slot(page, slot, &offset, &length);
            if (kind != HEAP_SLOT_ROW)
                continue;
            const bool fits = heap_cell_fits(offset, length, HEAP_STUB_BYTES, page_bytes);
            const uint8_t *cell = heap_cell(page, offset);
            result->rows[result->row_count++] = (rdb_table_look_row){.slot = (uint16_t)slot, .xid = fits ? heap_cell_xid(cell) : 0, .is_settled = heap_settled_scn(page) != 0};
        }
        if (!ok)
            rdb_error_set(err, RDB_DATA_CORRUPTED, "the page's slots do not lie inside it");
    } else if (page->type != RDB_PAGE_FREE && page->type != RDB_PAGE_OVERFLOW && page->type != RDB_PAGE_VISIBLE && page->type != RDB_PAGE_META) {
        ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "the page is of another kind");
    }
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return ok && rdb_arena_check(arena, err);
}
