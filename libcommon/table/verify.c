/* SPDX-License-Identifier: Apache-2.0
 * Is a heap one? Per page the layout and what the page says of itself, per row that its version can be traced: the undo record that
 * its header names is there, or lies below the tail, and is about this row and this writer; a moved body and its stub name each
 * other. Others may write meanwhile: pages are copied under the latch, and one that looks wrong is looked at again. */
#include "table/table_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { TRIES = 4, PAUSE_US = 2000 };

typedef struct verification {
    heap_place place;
    const rdb_table *table;
    rdb_table_complain complain;
    void *context;
    uint8_t *copy, *other; /* of the page under look, and of another one */
    rdb_undo_reader reader;
    rdb_xid next_xid;
    bool is_seen;          /* the map says that all see the copied page */
    char problem[1600];    /* "" while the page is good */
    uint32_t slot;         /* that it is about; UINT32_MAX: the whole page */
} verification;

static void blame(verification *v, uint32_t slot, const char *format, ...) RDB_PRINTF(3, 4);
static void blame(verification *v, uint32_t slot, const char *format, ...)
{
    va_list arguments;
    if (v->problem[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(v->problem, sizeof v->problem, format, arguments);
    va_end(arguments);
    v->slot = slot;
}

/* False: the page cannot be read, which is a finding and no failure; but for want of memory and the like, which err then has. */
static bool copy_page(verification *v, uint64_t block, uint8_t *copy, uint32_t slot, rdb_error *err)
{
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire(v->place.storage, heap_tag(&v->place, block), RDB_BUFFER_SHARED, &buffer, err)) {
        if (strcmp(err->sqlstate, RDB_DATA_CORRUPTED) == 0) {
            blame(v, slot, "%s. %s", rdb_error_message(err), rdb_error_detail_text(err));
            rdb_error_clear(err);
        }
        return false;
    }
    memcpy(copy, rdb_buffer_page(buffer), v->place.page_bytes);
    bool is_seen = false, ok = rdb_buffer_page(buffer)->type != RDB_PAGE_HEAP || copy != v->copy || heap_is_seen(&v->place, block, &is_seen, err);
    if (!ok && strcmp(err->sqlstate, RDB_DATA_CORRUPTED) == 0) { /* the map's own block is reported when it is looked at */
        rdb_error_clear(err);
        ok = true;
    }
    if (copy == v->copy)
        v->is_seen = is_seen;
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return ok;
}

/* A row of a page that all see: it stands there for good. */
static bool check_seen(verification *v, uint32_t slot, const uint8_t *cell, rdb_error *err)
{
    rdb_xid_state state = RDB_XID_COMMITTED;
    rdb_scn scn = 0;
    if (!v->is_seen)
        return true;
    if (heap_cell_xid(cell) < v->next_xid && !rdb_txn_resolve(v->place.txns, v->place.pdb, heap_cell_xid(cell), &state, &scn, err))
        return false;
    if ((heap_cell_flags(cell) & HEAP_DELETED) != 0 || state != RDB_XID_COMMITTED)
        blame(v, slot, "The map says that all see its page, but its row %s", (heap_cell_flags(cell) & HEAP_DELETED) != 0 ? "is deleted" : "is of no committed transaction");
    return true;
}

static int compare_spans(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;
    return left[0] < right[0] ? -1 : left[0] > right[0];
}

static void check_layout(verification *v, const rdb_page *page)
{
    const heap_page_head head = heap_get_head(page);
    uint32_t cell_bytes = 0, free_slots = 0, used = 0, count = heap_slot_count(page);
    uint32_t(*spans)[2] = malloc((count + 1u) * sizeof *spans);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offset, length;
        if (heap_slot(page, i, &offset, &length) == HEAP_SLOT_FREE) {
            free_slots++;
            continue;
        }
        cell_bytes += length;
        if (spans != NULL) {
            spans[used][0] = offset;
            spans[used++][1] = offset + length;
        }
    }
    if (head.cell_bytes != cell_bytes)
        blame(v, UINT32_MAX, "The page says that its cells have %u bytes, but they have %u", head.cell_bytes, cell_bytes);
    if (head.free_slots != free_slots)
        blame(v, UINT32_MAX, "The page says that %u of its slots are free, but %u are", head.free_slots, free_slots);
    if (spans != NULL)
        qsort(spans, used, sizeof *spans, compare_spans);
    for (uint32_t i = 1; i < used; i++)
        if (spans[i][0] < spans[i - 1][1])
            blame(v, UINT32_MAX, "Two cells share the bytes at offset %u", spans[i][0]);
    free(spans);
}

static bool record_is_of(const verification *v, const rdb_undo_record *record, rdb_row_address address, rdb_xid xid)
{
    if (record->file != v->place.file || record->xid != xid)
        return false;
    if (record->kind != RDB_UNDO_INSERT_MANY)
        return record->home == address;
    for (uint32_t i = 0; i < record->slot_count; i++)
        if (record->slots[i] == RDB_ROW_SLOT(address))
            return RDB_ROW_BLOCK(record->home) == RDB_ROW_BLOCK(address);
    return false;
}

static bool check_undo(verification *v, uint32_t slot, rdb_row_address address, rdb_xid xid, rdb_undo_address undo, rdb_error *err)
{
    rdb_undo_record record;
    bool found = false;
    if (xid == 0 || xid >= v->next_xid) {
        blame(v, slot, "Its row was written by transaction %llu, which has not begun", (unsigned long long)xid);
        return true;
    }
    if (!rdb_undo_read(v->place.undo, v->place.pdb, undo, &v->reader, &record, &found, err)) {
        if (strcmp(err->sqlstate, RDB_DATA_CORRUPTED) != 0)
            return false;
        blame(v, slot, "Its undo record cannot be read: %s. %s", rdb_error_message(err), rdb_error_detail_text(err));
        rdb_error_clear(err);
    } else if (found && !record_is_of(v, &record, address, xid)) {
        blame(v, slot, "The undo record that it names, log %u, offset %llu, is about another row or writer", (unsigned)RDB_UNDO_LOG(undo),
              (unsigned long long)RDB_UNDO_OFFSET(undo));
    }
    return true;
}

/* What stands at an address that a stub or a body names: is it a cell of that kind, and does it name this one? */
static bool check_partner(verification *v, uint32_t slot, rdb_row_address own, rdb_row_address address, heap_slot_kind kind, rdb_error *err)
{
    uint32_t offset = 0, length = 0;
    uint64_t blocks;
    if (!rdb_table_block_count(v->table, &blocks, err))
        return false;
    if (RDB_ROW_BLOCK(address) == 0 || RDB_ROW_BLOCK(address) >= blocks) {
        blame(v, slot, "It leads to block %llu, which the file does not have", (unsigned long long)RDB_ROW_BLOCK(address));
        return true;
    }
    if (!copy_page(v, RDB_ROW_BLOCK(address), v->other, slot, err))
        return !rdb_error_is_set(err);
    const rdb_page *page = (const rdb_page *)(const void *)v->other;
    bool fits = page->type == RDB_PAGE_HEAP && heap_page_check(page, v->place.page_bytes) && RDB_ROW_SLOT(address) < heap_slot_count(page) &&
                heap_slot(page, RDB_ROW_SLOT(address), &offset, &length) == kind;
    if (fits && kind == HEAP_SLOT_BODY)
        fits = rdb_get_u64(heap_cell(page, offset)) == own;
    else if (fits)
        fits = (heap_cell_flags(heap_cell(page, offset)) & HEAP_MOVED) != 0 && rdb_get_u64(heap_cell(page, offset) + HEAP_HEADER_BYTES) == own;
    if (!fits)
        blame(v, slot, "%s at block %llu, slot %u, which does not lead back", kind == HEAP_SLOT_BODY ? "Its row has its body" : "It is the body of the row",
              (unsigned long long)RDB_ROW_BLOCK(address), (unsigned)RDB_ROW_SLOT(address));
    return true;
}

static bool check_cell(verification *v, uint64_t block, uint32_t slot, const rdb_page *page, rdb_error *err)
{
    uint32_t offset, length;
    const rdb_row_address address = RDB_ROW_ADDRESS(block, slot);
    const heap_slot_kind kind = heap_slot(page, slot, &offset, &length);
    if (kind == HEAP_SLOT_FREE)
        return true;
    const uint8_t *cell = heap_cell(page, offset);
    if (kind == HEAP_SLOT_BODY)
        return check_partner(v, slot, address, rdb_get_u64(cell), HEAP_SLOT_ROW, err);
    if ((heap_cell_flags(cell) & ~HEAP_ALL_FLAGS) != 0)
        blame(v, slot, "Its row has unknown flags %x", heap_cell_flags(cell) & ~HEAP_ALL_FLAGS);
    if (rdb_get_u16(cell + 18) >= v->table->layout_count)
        blame(v, slot, "Its row has layout %u, which the table does not have", rdb_get_u16(cell + 18));
    if ((heap_cell_flags(cell) & HEAP_MOVED) != 0 &&
        !check_partner(v, slot, address, rdb_get_u64(cell + HEAP_HEADER_BYTES), HEAP_SLOT_BODY, err))
        return false;
    return check_seen(v, slot, cell, err) && check_undo(v, slot, address, heap_cell_xid(cell), heap_cell_undo(cell), err);
}

static bool check_page(verification *v, uint64_t block, rdb_error *err)
{
    v->problem[0] = '\0';
    if (!copy_page(v, block, v->copy, UINT32_MAX, err))
        return !rdb_error_is_set(err);
    const rdb_page *page = (const rdb_page *)(const void *)v->copy;
    if (block == 0 ? page->type != RDB_PAGE_META : page->type != RDB_PAGE_HEAP && page->type != RDB_PAGE_OVERFLOW && page->type != RDB_PAGE_FREE && page->type != RDB_PAGE_VISIBLE)
        blame(v, UINT32_MAX, "It is a page of type %u, which no heap has here", page->type);
    if (page->type == RDB_PAGE_OVERFLOW && (page->lower < RDB_PAGE_HEADER_BYTES + 16 || page->lower > v->place.page_bytes))
        blame(v, UINT32_MAX, "It is an overflow page whose bytes pass its end");
    if (page->type != RDB_PAGE_HEAP || v->problem[0] != '\0')
        return true;
    if (!heap_page_check(page, v->place.page_bytes)) {
        blame(v, UINT32_MAX, "A slot does not lie in the page");
        return true;
    }
    check_layout(v, page);
    if (!rdb_txn_next_xid(v->place.txns, v->place.pdb, &v->next_xid, err)) /* behind the copy: no stamp in it is newer */
        return false;
    for (uint32_t slot = 0; slot < heap_slot_count(page); slot++)
        if (!check_cell(v, block, slot, page, err))
            return false;
    return true;
}

bool rdb_table_verify(const rdb_table *table, rdb_cancel *cancel, rdb_table_complain complain, void *context, uint64_t *pages, rdb_error *err)
{
    verification v = {.place = heap_place_of(table), .table = table, .complain = complain, .context = context};
    uint64_t blocks = 0;
    *pages = 0;
    rdb_undo_reader_init(&v.reader);
    v.copy = aligned_alloc(64, v.place.page_bytes);
    v.other = aligned_alloc(64, v.place.page_bytes);
    bool ok = (v.copy != NULL && v.other != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_table_block_count(table, &blocks, err);
    for (uint64_t block = 0; ok && block < blocks; block++) {
        ok = cancel == NULL || rdb_cancel_check(cancel, err);
        for (unsigned tries = 0; ok && tries < TRIES; tries++) {
            if (tries > 0)
                rdb_time_sleep_us(PAUSE_US);
            ok = check_page(&v, block, err);
            if (v.problem[0] == '\0')
                break;
        }
        if (ok && v.problem[0] != '\0')
            complain(context, block, v.slot, v.problem);
        ++*pages;
    }
    rdb_undo_reader_deinit(&v.reader);
    free(v.copy);
    free(v.other);
    return ok;
}

bool rdb_table_has_row(const rdb_table *table, rdb_row_address address, uint64_t index_file, rdb_slice key, bool *has_row, bool *has_key, rdb_error *err)
{
    const heap_place place = heap_place_of(table);
    uint64_t blocks;
    rdb_buffer *buffer = NULL;
    uint32_t offset = 0, length;
    *has_row = *has_key = false;
    if (!rdb_table_block_count(table, &blocks, err))
        return false;
    if (RDB_ROW_BLOCK(address) == 0 || RDB_ROW_BLOCK(address) >= blocks)
        return true;
    if (!rdb_buffer_acquire(place.storage, heap_tag(&place, RDB_ROW_BLOCK(address)), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    const rdb_page *page = rdb_buffer_page(buffer);
    *has_row = page->type == RDB_PAGE_HEAP && RDB_ROW_SLOT(address) < heap_slot_count(page) &&
               heap_slot(page, RDB_ROW_SLOT(address), &offset, &length) == HEAP_SLOT_ROW;
    /* Of a page that all see no former key counts: entries of those are gone before the map says so. */
    bool is_seen = false, ok = heap_is_seen(&place, RDB_ROW_BLOCK(address), &is_seen, err);
    ok = ok && (!*has_row || is_seen || heap_chain_has_key(&place, address, index_file, key, heap_cell_undo(heap_cell(page, offset)), has_key, err));
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return ok;
}
