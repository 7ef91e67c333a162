/* SPDX-License-Identifier: Apache-2.0
 * The versions of one row: from the one in place back through the undo store. */
#include "table/table_int.h"

#include <stdlib.h>

void heap_walker_init(heap_walker *walker, uint32_t page_bytes)
{
    rdb_undo_reader_init(&walker->reader);
    memset(walker->buffers, 0, sizeof walker->buffers);
    walker->page_bytes = page_bytes;
    walker->turn = 0;
}

void heap_walker_deinit(heap_walker *walker)
{
    rdb_undo_reader_deinit(&walker->reader);
    for (unsigned i = 0; i < RDB_COUNT_OF(walker->buffers); i++)
        free(walker->buffers[i]);
    memset(walker->buffers, 0, sizeof walker->buffers);
}

uint8_t *heap_walker_buffer(heap_walker *walker, unsigned which, rdb_error *err)
{
    if (walker->buffers[which] == NULL) {
        walker->buffers[which] = malloc(walker->page_bytes);
        if (walker->buffers[which] == NULL)
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    return walker->buffers[which];
}

bool heap_bad_row(const heap_place *place, uint64_t block, uint32_t slot, rdb_error *err)
{
    rdb_error_set(err, RDB_DATA_CORRUPTED, "a row is damaged");
    if (block == UINT64_MAX) /* whoever asks has the page and not its number */
        rdb_error_detail(err, "Database number %u, file %llX, slot %u of a page.", (unsigned)place->pdb, (unsigned long long)place->file, (unsigned)slot);
    else
        rdb_error_detail(err, "Database number %u, file %llX, block %llu, slot %u.", (unsigned)place->pdb, (unsigned long long)place->file,
                         (unsigned long long)block, (unsigned)slot);
    return false;
}

bool heap_read_place(const heap_place *place, const rdb_page *page, uint32_t slot, heap_walker *walker, heap_version *version,
                     bool *found, rdb_error *err)
{
    uint32_t offset, length;
    *found = false;
    if (page->type != RDB_PAGE_HEAP || slot >= heap_slot_count(page) ||
        heap_slot(page, slot, &offset, &length) != HEAP_SLOT_ROW)
        return true;
    if (page->lower > place->page_bytes || !heap_cell_fits(offset, length, HEAP_STUB_BYTES, place->page_bytes))
        return heap_bad_row(place, UINT64_MAX, slot, err);
    const uint8_t *cell = heap_cell(page, offset);
    version->xid = heap_cell_xid(cell);
    version->undo = heap_cell_undo(cell);
    version->flags = heap_cell_flags(cell);
    version->layout = rdb_get_u16(cell + 18);
    version->body = cell + HEAP_HEADER_BYTES;
    version->length = length - HEAP_HEADER_BYTES;
    *found = true;
    if ((version->flags & HEAP_MOVED) == 0)
        return true;
    version->flags &= (uint16_t)~HEAP_MOVED;
    uint64_t address = rdb_get_u64(cell + HEAP_HEADER_BYTES);
    uint8_t *copy = heap_walker_buffer(walker, 2, err);
    rdb_buffer *buffer = NULL;
    if (copy == NULL)
        return false;
    const rdb_page *other = page; /* a move never leads to its own page, but damage might */
    if (!rdb_buffer_acquire(place->storage, heap_tag(place, RDB_ROW_BLOCK(address)), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    other = rdb_buffer_page(buffer);
    bool ok = other->type == RDB_PAGE_HEAP && other->lower <= place->page_bytes && RDB_ROW_SLOT(address) < heap_slot_count(other) &&
              heap_slot(other, RDB_ROW_SLOT(address), &offset, &length) == HEAP_SLOT_BODY &&
              heap_cell_fits(offset, length, HEAP_BODY_PREFIX, place->page_bytes);
    if (ok) {
        memcpy(copy, heap_cell(other, offset) + HEAP_BODY_PREFIX, length - HEAP_BODY_PREFIX);
        version->body = copy;
        version->length = length - HEAP_BODY_PREFIX;
    }
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return ok || heap_bad_row(place, RDB_ROW_BLOCK(address), RDB_ROW_SLOT(address), err);
}

bool heap_step_back(const heap_place *place, heap_walker *walker, heap_version *version, bool *found, rdb_error *err)
{
    *found = false;
    rdb_undo_record *record = &walker->record;
    bool there;
    if (!rdb_undo_read(place->undo, place->pdb, version->undo, &walker->reader, record, &there, err))
        return false;
    if (!there || record->kind == RDB_UNDO_INSERT || record->kind == RDB_UNDO_INSERT_MANY)
        return true;
    version->xid = record->previous_xid;
    version->undo = record->previous;
    version->flags = record->row_flags;
    *found = true;
    if (record->kind == RDB_UNDO_DELETE)
        return true; /* the body is the same */
    version->layout = record->layout;
    /* The reader's bytes go with the next step: an image is copied out too. */
    uint8_t *target = heap_walker_buffer(walker, walker->turn, err);
    if (target == NULL)
        return false;
    walker->turn ^= 1;
    uint32_t start = 0, end = 0;
    if ((record->flags & RDB_UNDO_IS_DELTA) != 0) {
        start = record->shared_start;
        if ((uint64_t)start + record->new_middle > version->length)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "an undo record does not fit its row");
        end = version->length - start - record->new_middle;
    }
    uint32_t length = start + (uint32_t)record->image.length + end;
    if (length > walker->page_bytes)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "an undo record does not fit its row");
    memcpy(target, version->body, start);
    memcpy(target + start, record->image.data, record->image.length);
    memcpy(target + length - end, version->body + version->length - end, end);
    version->body = target;
    version->length = length;
    return true;
}

bool heap_find_visible(const heap_place *place, const rdb_txn *txn, const rdb_snapshot *snapshot, heap_walker *walker,
                       heap_version *version, bool *found, rdb_error *err)
{
    for (;;) {
        bool visible;
        if (!rdb_txn_sees(place->txns, place->pdb, snapshot, txn, version->xid, version->undo, &visible, err))
            return false;
        if (visible) {
            *found = (version->flags & HEAP_DELETED) == 0;
            return true;
        }
        if (snapshot->tracks_reads && !rdb_ssi_read_past((rdb_txn *)(uintptr_t)txn, place->pdb, version->xid, err))
            return false;
        if (!heap_step_back(place, walker, version, found, err) || !*found)
            return !rdb_error_is_set(err);
    }
}

bool heap_judge_writer(const heap_place *place, rdb_txn *txn, const heap_version *version, heap_fate *fate, rdb_xid *top, rdb_error *err)
{
    *top = version->xid;
    if (rdb_txn_pdb(txn) == place->pdb && rdb_txn_is_own(txn, version->xid)) {
        *fate = rdb_txn_is_own_aborted(txn, version->xid) ? HEAP_ABORTED : HEAP_OWN;
        return true;
    }
    rdb_xid_state state;
    rdb_scn scn;
    /* Waiters wait for the xid in the row: a savepoint that is rolled back lets them go, its transaction may run on. */
    if (!rdb_txn_resolve(place->txns, place->pdb, version->xid, &state, &scn, err))
        return false;
    if (state == RDB_XID_COMMITTED && scn > rdb_txn_published_scn(place->txns))
        rdb_txn_note_met(txn, scn);
    *fate = state == RDB_XID_COMMITTED ? HEAP_COMMITTED : state == RDB_XID_ABORTED ? HEAP_ABORTED : HEAP_RUNNING;
    return true;
}

bool heap_find_newest(const heap_place *place, rdb_txn *txn, heap_walker *walker, heap_version *version, bool over_running,
                      bool *found, heap_fate *fate, rdb_xid *top, rdb_error *err)
{
    for (;;) {
        if (!heap_judge_writer(place, txn, version, fate, top, err))
            return false;
        if (*fate == HEAP_OWN || *fate == HEAP_COMMITTED || (*fate == HEAP_RUNNING && !over_running)) {
            *found = true;
            return true;
        }
        if (!heap_step_back(place, walker, version, found, err))
            return false;
        if (!*found)
            return true;
    }
}
