/* SPDX-License-Identifier: Apache-2.0
 * How the bytes of a heap are used: see rdb_measure.h. */
#include "table/rdb_measure.h"
#include "table/table_int.h"

/* A row whose version in place is a deletion that counts, or nobody's: what purge or the reverter takes away. */
static bool is_dead(const heap_place *place, const uint8_t *cell, bool is_settled, bool *dead, rdb_error *err)
{
    rdb_xid_state state = RDB_XID_COMMITTED;
    rdb_scn scn;
    const bool is_deleted = (heap_cell_flags(cell) & HEAP_DELETED) != 0;
    *dead = is_deleted;
    if (is_settled) /* every stamp is committed */
        return true;
    if (!rdb_txn_resolve(place->txns, place->pdb, heap_cell_xid(cell), &state, &scn, err))
        return false;
    if (state != RDB_XID_COMMITTED) /* a running or undone deletion leaves a row that lives; an undone insert does not */
        *dead = !is_deleted && state == RDB_XID_ABORTED;
    return true;
}

static bool measure_page(const heap_place *place, const rdb_page *page, rdb_measure *m, rdb_error *err)
{
    if (page->type == RDB_PAGE_FREE) {
        m->free_bytes += place->page_bytes - RDB_PAGE_HEADER_BYTES;
    } else if (page->type == RDB_PAGE_OVERFLOW) {
        m->live_bytes += RDB_MIN(RDB_MAX(page->lower, RDB_PAGE_HEADER_BYTES), place->page_bytes) - RDB_PAGE_HEADER_BYTES;
    } else if (page->type == RDB_PAGE_HEAP) {
        const bool is_settled = heap_settled_scn(page) != 0;
        m->free_bytes += heap_free_bytes(page, place->page_bytes);
        for (uint32_t slot = 0; slot < heap_slot_count(page); slot++) {
            uint32_t offset, length;
            bool dead = false;
            const heap_slot_kind kind = heap_slot(page, slot, &offset, &length);
            if (kind == HEAP_SLOT_FREE || !heap_cell_fits(offset, length, HEAP_BODY_PREFIX, place->page_bytes)) {
                m->free_bytes += HEAP_SLOT_BYTES;
                continue;
            }
            if (kind == HEAP_SLOT_ROW && length >= HEAP_STUB_BYTES && !is_dead(place, heap_cell(page, offset), is_settled, &dead, err))
                return false;
            *(dead ? &m->dead_bytes : &m->live_bytes) += length + HEAP_SLOT_BYTES;
        }
    }
    return true;
}

bool rdb_table_measure(const rdb_table *table, rdb_cancel *cancel, rdb_measure *measure, rdb_error *err)
{
    const heap_place place = heap_place_of(table);
    uint64_t blocks;
    *measure = (rdb_measure){0};
    if (!rdb_table_block_count(table, &blocks, err))
        return false;
    const uint64_t looked_at = RDB_MIN(blocks, (uint64_t)RDB_MEASURE_PAGES);
    for (uint64_t i = 0; i < looked_at; i++) {
        rdb_buffer *buffer = NULL;
        const uint64_t block = looked_at == blocks ? i : i * blocks / looked_at;
        if ((cancel != NULL && !rdb_cancel_check(cancel, err)) || !rdb_buffer_acquire(place.storage, heap_tag(&place, block), RDB_BUFFER_SHARED, &buffer, err))
            return false;
        const bool ok = measure_page(&place, rdb_buffer_page(buffer), measure, err);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        if (!ok)
            return false;
    }
    const double scale = looked_at > 0 ? (double)blocks / (double)looked_at : 1;
    measure->pages = blocks;
    measure->looked_at = looked_at;
    measure->file_bytes = (double)blocks * place.page_bytes;
    measure->live_bytes *= scale;
    measure->dead_bytes *= scale;
    measure->free_bytes *= scale;
    return true;
}
