/* SPDX-License-Identifier: Apache-2.0
 * Where a row's version goes on its pages: the latches of a row that is to be changed, and the edits that put other bytes
 * there. Shared by writers, the reverter and purge. */
#include "table/table_int.h"

void heap_release_row(heap_write *w)
{
    heap_seen_release(&w->seen);
    rdb_buffer_release(w->new_page, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(w->body_page, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(w->home, RDB_BUFFER_EXCLUSIVE);
    w->home = w->body_page = w->new_page = NULL;
}

/* Latches the home page and, where the body has moved, its page: tried, for two heap pages have no order. *again: another
 * thread was in the way, nothing is held. */
bool heap_latch_row(heap_write *w, bool *found, bool *again, rdb_error *err)
{
    *again = *found = false;
    if (!rdb_buffer_acquire(w->place.storage, heap_tag(&w->place, RDB_ROW_BLOCK(w->address)), RDB_BUFFER_EXCLUSIVE, &w->home, err))
        return false;
    const rdb_page *page = rdb_buffer_page(w->home);
    uint32_t slot = RDB_ROW_SLOT(w->address);
    if (page->type != RDB_PAGE_HEAP || slot >= heap_slot_count(page) ||
        heap_slot(page, slot, &w->cell_offset, &w->cell_length) != HEAP_SLOT_ROW)
        return true;
    *found = true;
    const uint8_t *cell = heap_cell(page, w->cell_offset);
    w->current = (heap_version){heap_cell_xid(cell),  heap_cell_undo(cell),           heap_cell_flags(cell) & (uint16_t)~HEAP_MOVED,
                                rdb_get_u16(cell + 18), w->cell_length - HEAP_HEADER_BYTES, cell + HEAP_HEADER_BYTES};
    w->is_moved = (heap_cell_flags(cell) & HEAP_MOVED) != 0;
    if (!w->is_moved)
        return true;
    w->body_address = rdb_get_u64(cell + HEAP_HEADER_BYTES);
    if (!rdb_buffer_acquire(w->place.storage, heap_tag(&w->place, RDB_ROW_BLOCK(w->body_address)), RDB_BUFFER_PIN, &w->body_page, err)) {
        return false;
    }
    if (!rdb_buffer_try_lock(w->body_page, RDB_BUFFER_EXCLUSIVE)) {
        rdb_buffer_release(w->body_page, RDB_BUFFER_PIN);
        w->body_page = NULL;
        heap_release_row(w);
        *again = true;
        return true;
    }
    const rdb_page *other = rdb_buffer_page(w->body_page);
    uint32_t offset;
    if (other->type != RDB_PAGE_HEAP || RDB_ROW_SLOT(w->body_address) >= heap_slot_count(other) ||
        heap_slot(other, RDB_ROW_SLOT(w->body_address), &offset, &w->body_length) != HEAP_SLOT_BODY)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a moved row of file %llX has lost its body", (unsigned long long)w->place.file);
    w->current.body = heap_cell(other, offset) + HEAP_BODY_PREFIX;
    w->current.length = w->body_length - HEAP_BODY_PREFIX;
    return true;
}

/* How much of the start and the end two stretches share. */
void heap_compare(const uint8_t *a, uint32_t a_length, const uint8_t *b, uint32_t b_length, uint32_t *start, uint32_t *end)
{
    uint32_t shorter = RDB_MIN(a_length, b_length), s = 0, e = 0;
    while (s + 8 <= shorter && rdb_get_u64(a + s) == rdb_get_u64(b + s))
        s += 8;
    while (s < shorter && a[s] == b[s])
        s++;
    while (e < shorter - s && a[a_length - 1 - e] == b[b_length - 1 - e])
        e++;
    *start = s;
    *end = e;
}

/* Adds the edits that turn the cell of a slot from old into new, both without their first `skip` bytes. */
static void splice_body(heap_edits *edits, uint32_t slot, uint32_t skip, const uint8_t *old_bytes, uint32_t old_length,
                        const uint8_t *new_bytes, uint32_t new_length)
{
    uint32_t start, end;
    heap_compare(old_bytes, old_length, new_bytes, new_length, &start, &end);
    if (start + end < old_length || start + end < new_length)
        heap_edit_splice(edits, slot, skip + start, old_length - start - end, new_bytes + start, new_length - start - end);
}

/* The row's header: of a new version, whose writer and undo record stand in the change anyway, or of an older one that comes back. */
static void edit_header(const heap_write *w, heap_edits *edits, uint32_t slot, const uint8_t *header)
{
    if (w->table == NULL) {
        heap_edit_splice(edits, slot, 0, HEAP_HEADER_BYTES, header, HEAP_HEADER_BYTES);
        return;
    }
    heap_edit_undo(edits, heap_cell_undo(header));
    heap_edit_stamp(edits, slot, heap_cell_flags(header), rdb_get_u16(header + 18));
}

/* The whole cell at home. */
static void edit_row(const heap_write *w, heap_edits *edits, uint32_t slot, const uint8_t *header, const uint8_t *bytes, uint32_t length)
{
    if (w->table == NULL) {
        heap_edit_put(edits, HEAP_SLOT_ROW, slot, header, HEAP_HEADER_BYTES, bytes, length);
        return;
    }
    heap_edit_undo(edits, heap_cell_undo(header));
    heap_edit_new_row(edits, slot, heap_cell_flags(header), rdb_get_u16(header + 18), bytes, length);
}

/* Places a version of the row (header and bytes) where it fits: at home, in the body's page, or in another one, which is
 * chosen and latched here. Page room is counted as redo will count it. */
bool heap_place_version(heap_write *w, heap_edits_set *set, uint8_t header[HEAP_STUB_BYTES], unsigned flags, const uint8_t *bytes,
                          uint32_t length, rdb_error *err)
{
    uint32_t slot = RDB_ROW_SLOT(w->address), page_bytes = w->place.page_bytes;
    uint32_t room = heap_free_bytes(rdb_buffer_page(w->home), page_bytes) + w->cell_length;
    if (HEAP_HEADER_BYTES + length <= room) { /* at home */
        rdb_put_u16(header + 16, (uint16_t)flags);
        if (!w->is_moved) {
            edit_header(w, &set->home, slot, header);
            splice_body(&set->home, slot, HEAP_HEADER_BYTES, w->current.body, w->current.length, bytes, length);
        } else {
            edit_row(w, &set->home, slot, header, bytes, length);
            heap_edit_free(&set->body, RDB_ROW_SLOT(w->body_address));
        }
        return true;
    }
    rdb_put_u16(header + 16, (uint16_t)(flags | HEAP_MOVED));
    if (w->is_moved && HEAP_BODY_PREFIX + length <= heap_free_bytes(rdb_buffer_page(w->body_page), page_bytes) + w->body_length) {
        edit_header(w, &set->home, slot, header);
        splice_body(&set->body, RDB_ROW_SLOT(w->body_address), HEAP_BODY_PREFIX, w->current.body, w->current.length, bytes, length);
        return true;
    }
    do { /* a page that neither is: what the caller holds exclusively cannot be had twice */
        rdb_buffer_release(w->new_page, RDB_BUFFER_EXCLUSIVE);
        if (!heap_find_page(&w->place, HEAP_BODY_PREFIX + length, RDB_ROW_BLOCK(w->address), &w->new_page, &w->new_is_fresh, err))
            return false;
    } while (w->new_page == w->home || w->new_page == w->body_page);
    uint64_t block = rdb_buffer_tag(w->new_page).block;
    uint32_t new_slot = w->new_is_fresh ? 0 : heap_choose_slot(rdb_buffer_page(w->new_page), page_bytes, HEAP_BODY_PREFIX + length);
    uint8_t home[HEAP_BODY_PREFIX];
    rdb_put_u64(home, w->address);
    if (w->new_is_fresh)
        heap_edit_init_page(&set->fresh);
    heap_edit_put(&set->fresh, HEAP_SLOT_BODY, new_slot, home, sizeof home, bytes, length);
    rdb_put_u64(header + HEAP_HEADER_BYTES, RDB_ROW_ADDRESS(block, new_slot));
    edit_row(w, &set->home, slot, header, header + HEAP_HEADER_BYTES, HEAP_STUB_BYTES - HEAP_HEADER_BYTES);
    if (w->is_moved)
        heap_edit_free(&set->body, RDB_ROW_SLOT(w->body_address));
    return true;
}

static void add_block(rdb_change *change, rdb_buffer *buffer, const heap_edits *edits, unsigned flags)
{
    if (edits->length == 0)
        return;
    rdb_change_block(change, buffer, flags);
    rdb_change_block_data(change, edits->bytes, edits->length);
}

bool heap_apply_edits(heap_write *w, const heap_edits_set *set, rdb_undo_append *append, rdb_error *err)
{
    rdb_change change;
    rdb_lsn end_lsn;
    if (set->home.failed || set->body.failed || set->fresh.failed)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (append == NULL && !heap_seen_latch(&w->seen, &w->place, RDB_ROW_BLOCK(w->address), err)) /* else the writer did, before the undo page */
        return false;
    rdb_change_init(&change, w->place.storage, w->place.pdb, w->xid, RDB_RESOURCE_HEAP, HEAP_OP_EDIT);
    add_block(&change, w->home, &set->home, 0);
    if (w->body_page != NULL)
        add_block(&change, w->body_page, &set->body, 0);
    if (w->new_page != NULL)
        add_block(&change, w->new_page, &set->fresh, w->new_is_fresh ? RDB_WAL_BLOCK_INIT : 0);
    heap_seen_add(&w->seen, &change);
    if (append != NULL)
        rdb_undo_append_add(append, &change);
    return rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
}

void heap_edits_set_init(heap_edits_set *set)
{
    heap_edits_init(&set->home);
    heap_edits_init(&set->body);
    heap_edits_init(&set->fresh);
}
void heap_edits_set_deinit(heap_edits_set *set)
{
    heap_edits_deinit(&set->home);
    heap_edits_deinit(&set->body);
    heap_edits_deinit(&set->fresh);
}

