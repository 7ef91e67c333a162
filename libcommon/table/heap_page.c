/* SPDX-License-Identifier: Apache-2.0
 * Heap pages: edits and their redo, which is the only code that changes one. What always holds on a page: cells do not
 * overlap, cell_bytes is the sum of their lengths, and free_slots counts the free ones among the slots. */
#include "table/heap_page.h"

#include <stdlib.h>

bool heap_page_check(const rdb_page *page, uint32_t page_bytes)
{
    if (page->lower < HEAP_SLOTS_AT || page->lower > page->upper || page->upper > page_bytes ||
        (page->lower - HEAP_SLOTS_AT) % HEAP_SLOT_BYTES != 0)
        return false;
    uint32_t count = heap_slot_count(page), offset, length;
    for (uint32_t i = 0; i < count; i++) {
        heap_slot_kind kind = heap_slot(page, i, &offset, &length);
        if (kind != HEAP_SLOT_FREE && (offset < page->upper || offset + length > page_bytes ||
                                       length < (kind == HEAP_SLOT_ROW ? HEAP_STUB_BYTES : HEAP_BODY_PREFIX)))
            return false;
    }
    return true;
}

uint32_t heap_choose_slot(const rdb_page *page, uint32_t page_bytes, uint32_t length)
{
    heap_page_head head = heap_get_head(page);
    uint32_t room = page_bytes - page->lower - head.cell_bytes, count = heap_slot_count(page);
    if (head.free_slots > 0 && room >= length)
        for (uint32_t i = 0; i < count; i++) {
            uint32_t offset, unused;
            if (heap_slot(page, i, &offset, &unused) == HEAP_SLOT_FREE)
                return i;
        }
    return room >= length + HEAP_SLOT_BYTES && count < UINT16_MAX ? count : UINT32_MAX;
}

/* ---- edits ----------------------------------------------------------------------------------------------------------- */
void heap_edits_init(heap_edits *edits)
{
    edits->bytes = edits->inline_bytes;
    edits->length = 0;
    edits->capacity = sizeof edits->inline_bytes;
    edits->failed = false;
}

void heap_edits_deinit(heap_edits *edits)
{
    if (edits->bytes != edits->inline_bytes)
        free(edits->bytes);
}

static uint8_t *take(heap_edits *edits, uint32_t bytes)
{
    if (edits->length + bytes > edits->capacity) {
        uint32_t capacity = RDB_MAX(edits->capacity * 2, edits->length + bytes);
        uint8_t *grown = malloc(capacity);
        if (grown == NULL) {
            edits->failed = true;
            return NULL;
        }
        memcpy(grown, edits->bytes, edits->length);
        if (edits->bytes != edits->inline_bytes)
            free(edits->bytes);
        edits->bytes = grown;
        edits->capacity = capacity;
    }
    uint8_t *at = edits->bytes + edits->length;
    edits->length += bytes;
    return at;
}

static uint8_t *begin(heap_edits *edits, uint8_t edit, uint8_t kind, uint32_t slot, uint32_t more)
{
    uint8_t *at = take(edits, 4 + more);
    if (at == NULL)
        return NULL;
    at[0] = edit;
    at[1] = kind;
    rdb_put_u16(at + 2, (uint16_t)slot);
    return at + 4;
}

void heap_edit_init_page(heap_edits *edits)
{
    (void)begin(edits, HEAP_EDIT_INIT, 0, 0, 0);
}

void heap_edit_free(heap_edits *edits, uint32_t slot)
{
    (void)begin(edits, HEAP_EDIT_FREE, 0, slot, 0);
}

void heap_edit_put(heap_edits *edits, heap_slot_kind kind, uint32_t slot, const void *first, uint32_t first_length,
                   const void *second, uint32_t second_length)
{
    uint8_t *at = begin(edits, HEAP_EDIT_PUT, kind == HEAP_SLOT_BODY, slot, 2 + first_length + second_length);
    if (at == NULL)
        return;
    rdb_put_u16(at, (uint16_t)(first_length + second_length));
    memcpy(at + 2, first, first_length);
    if (second_length > 0)
        memcpy(at + 2 + first_length, second, second_length);
}

void heap_edit_splice(heap_edits *edits, uint32_t slot, uint32_t start, uint32_t old_length, const void *bytes, uint32_t new_length)
{
    uint8_t *at = begin(edits, HEAP_EDIT_SPLICE, 0, slot, 6 + new_length);
    if (at == NULL)
        return;
    rdb_put_u16(at, (uint16_t)start);
    rdb_put_u16(at + 2, (uint16_t)old_length);
    rdb_put_u16(at + 4, (uint16_t)new_length);
    if (new_length > 0)
        memcpy(at + 6, bytes, new_length);
}

void heap_edit_map_init(heap_edits *edits)
{
    (void)begin(edits, HEAP_EDIT_MAP_INIT, 0, 0, 0);
}

void heap_edit_map_link(heap_edits *edits, uint32_t map_no, uint64_t block)
{
    uint8_t *at = begin(edits, HEAP_EDIT_MAP_LINK, 0, map_no, 8);
    if (at != NULL)
        rdb_put_u64(at, block);
}

void heap_edit_map_set(heap_edits *edits, rdb_scn scn, uint32_t bit)
{
    uint8_t *at = begin(edits, HEAP_EDIT_MAP_SET, 0, 0, 12);
    if (at == NULL)
        return;
    rdb_put_u64(at, scn);
    rdb_put_u32(at + 8, bit);
}

void heap_make_map_clear(uint8_t edit[HEAP_MAP_CLEAR_BYTES], uint32_t bit)
{
    memset(edit, 0, 4);
    edit[0] = HEAP_EDIT_MAP_CLEAR;
    rdb_put_u32(edit + 4, bit);
}

/* ---- redo ---------------------------------------------------------------------------------------------------------- */
static void set_head(rdb_page *page, heap_page_head head)
{
    memcpy((uint8_t *)page + RDB_PAGE_HEADER_BYTES, &head, sizeof head);
}

static void set_slot(rdb_page *page, uint32_t slot_no, bool is_body, uint32_t offset, uint32_t length)
{
    uint8_t *at = (uint8_t *)page + HEAP_SLOTS_AT + slot_no * HEAP_SLOT_BYTES;
    rdb_put_u16(at, (uint16_t)offset);
    rdb_put_u16(at + 2, (uint16_t)(length | (is_body ? 0x8000u : 0)));
}

/* Closes the holes: cells move to the end of the page, in the order of their slots. */
static void compact(rdb_page *page, uint32_t page_bytes)
{
    uint8_t copy[32768];
    uint32_t count = heap_slot_count(page), upper = page_bytes;
    memcpy(copy + page->upper, (uint8_t *)page + page->upper, page_bytes - page->upper);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offset, length;
        heap_slot_kind kind = heap_slot(page, i, &offset, &length);
        if (kind == HEAP_SLOT_FREE)
            continue;
        upper -= length;
        memcpy((uint8_t *)page + upper, copy + offset, length);
        set_slot(page, i, kind == HEAP_SLOT_BODY, upper, length);
    }
    page->upper = (uint16_t)upper;
}

/* Gives back a slot's cell; the slot itself stays. */
static void drop_cell(rdb_page *page, uint32_t slot_no, heap_page_head *head)
{
    uint32_t offset, length;
    if (heap_slot(page, slot_no, &offset, &length) == HEAP_SLOT_FREE)
        return;
    head->cell_bytes = (uint16_t)(head->cell_bytes - length);
    if (offset == page->upper)
        page->upper = (uint16_t)(page->upper + length);
    set_slot(page, slot_no, false, 0, 0);
}

static bool put_cell(rdb_page *page, uint32_t page_bytes, uint32_t slot_no, bool is_body, const uint8_t *bytes, uint32_t length)
{
    heap_page_head head = heap_get_head(page);
    uint32_t count = heap_slot_count(page), offset, old_length;
    if (slot_no > count || length < HEAP_BODY_PREFIX)
        return false;
    if (slot_no == count) {
        if (page_bytes - page->lower - head.cell_bytes < length + HEAP_SLOT_BYTES)
            return false;
        if (page->upper - page->lower < (int)HEAP_SLOT_BYTES)
            compact(page, page_bytes);
        page->lower = (uint16_t)(page->lower + HEAP_SLOT_BYTES);
        set_slot(page, slot_no, false, 0, 0);
    } else {
        heap_slot_kind kind = heap_slot(page, slot_no, &offset, &old_length);
        if (page_bytes - page->lower - head.cell_bytes + (kind == HEAP_SLOT_FREE ? 0 : old_length) < length)
            return false;
        if (kind == HEAP_SLOT_FREE)
            head.free_slots--;
        else
            drop_cell(page, slot_no, &head);
    }
    if (page->upper - page->lower < (int)length)
        compact(page, page_bytes);
    page->upper = (uint16_t)(page->upper - length);
    memcpy((uint8_t *)page + page->upper, bytes, length);
    set_slot(page, slot_no, is_body, page->upper, length);
    head.cell_bytes = (uint16_t)(head.cell_bytes + length);
    set_head(page, head);
    return true;
}

static bool splice_cell(rdb_page *page, uint32_t page_bytes, uint32_t slot_no, uint32_t start, uint32_t old_length,
                        const uint8_t *bytes, uint32_t new_length)
{
    uint32_t offset, length;
    if (slot_no >= heap_slot_count(page))
        return false;
    heap_slot_kind kind = heap_slot(page, slot_no, &offset, &length);
    if (kind == HEAP_SLOT_FREE || start > length || old_length > length - start)
        return false;
    uint8_t *cell = (uint8_t *)page + offset;
    if (new_length == old_length) {
        memcpy(cell + start, bytes, new_length);
        return true;
    }
    uint8_t whole[32768];
    uint32_t total = length - old_length + new_length;
    if (total > sizeof whole || total < HEAP_BODY_PREFIX)
        return false;
    memcpy(whole, cell, start);
    memcpy(whole + start, bytes, new_length);
    memcpy(whole + start + new_length, cell + start + old_length, length - start - old_length);
    return put_cell(page, page_bytes, slot_no, kind == HEAP_SLOT_BODY, whole, total);
}

/* An edit of a map, or of the meta page that leads to it; *used: its bytes behind the first four. */
static bool edit_map(uint8_t edit, uint32_t map_no, const uint8_t *more, uint32_t left, rdb_page *page, uint32_t page_bytes, uint32_t *used)
{
    uint8_t *body = (uint8_t *)page + RDB_PAGE_HEADER_BYTES;
    *used = edit == HEAP_EDIT_MAP_INIT ? 0 : edit == HEAP_EDIT_MAP_LINK ? 8 : edit == HEAP_EDIT_MAP_SET ? 12 : 4;
    if (left < *used)
        return false;
    if (edit == HEAP_EDIT_MAP_INIT) {
        memset(body, 0, page_bytes - RDB_PAGE_HEADER_BYTES);
        page->type = RDB_PAGE_VISIBLE;
        page->version = 1;
        page->flags = 0;
        page->lower = page->upper = (uint16_t)page_bytes;
        return true;
    }
    if (edit == HEAP_EDIT_MAP_LINK) {
        if (page->type != RDB_PAGE_META || map_no >= HEAP_MAPS(page_bytes))
            return false;
        rdb_put_u64((uint8_t *)page + HEAP_MAPS_AT + 8u * map_no, rdb_get_u64(more));
        page->lower = page->upper = (uint16_t)page_bytes; /* nothing of it is a hole any more */
        return true;
    }
    const uint32_t bit = rdb_get_u32(edit == HEAP_EDIT_MAP_SET ? more + 8 : more);
    if (page->type != RDB_PAGE_VISIBLE || bit >= HEAP_MAP_BITS(page_bytes))
        return false;
    uint8_t *byte = (uint8_t *)page + HEAP_MAP_BITS_AT + bit / 8;
    if (edit == HEAP_EDIT_MAP_SET) {
        rdb_put_u64(body, RDB_MAX(rdb_get_u64(body), rdb_get_u64(more)));
        *byte |= (uint8_t)(1u << bit % 8);
    } else {
        *byte &= (uint8_t)~(1u << bit % 8);
    }
    return true;
}

static bool apply_edits(const uint8_t *data, uint32_t bytes, rdb_page *page, uint32_t page_bytes)
{
    for (uint32_t at = 0; at < bytes;) {
        if (bytes - at < 4)
            return false;
        uint8_t edit = data[at], kind = data[at + 1];
        uint32_t slot = rdb_get_u16(data + at + 2), left = bytes - at - 4;
        const uint8_t *more = data + at + 4;
        at += 4;
        if (edit == HEAP_EDIT_INIT) {
            memset((uint8_t *)page + RDB_PAGE_HEADER_BYTES, 0, page_bytes - RDB_PAGE_HEADER_BYTES);
            page->type = RDB_PAGE_HEAP;
            page->version = 1;
            page->flags = 0;
            page->lower = HEAP_SLOTS_AT;
            page->upper = (uint16_t)page_bytes;
        } else if (edit >= HEAP_EDIT_MAP_INIT && edit <= HEAP_EDIT_MAP_CLEAR) {
            uint32_t used;
            if (!edit_map(edit, slot, more, left, page, page_bytes, &used))
                return false;
            at += used;
        } else if (page->type != RDB_PAGE_HEAP) {
            return false;
        } else if (edit == HEAP_EDIT_FREE) {
            heap_page_head head = heap_get_head(page);
            uint32_t offset, length;
            if (slot >= heap_slot_count(page) || heap_slot(page, slot, &offset, &length) == HEAP_SLOT_FREE)
                return false;
            drop_cell(page, slot, &head);
            head.free_slots++;
            while (page->lower > HEAP_SLOTS_AT &&
                   heap_slot(page, heap_slot_count(page) - 1, &offset, &length) == HEAP_SLOT_FREE) {
                page->lower = (uint16_t)(page->lower - HEAP_SLOT_BYTES); /* free slots at the end of the array go */
                head.free_slots--;
            }
            set_head(page, head);
        } else if (edit == HEAP_EDIT_PUT) {
            if (left < 2 || rdb_get_u16(more) > left - 2 ||
                !put_cell(page, page_bytes, slot, kind == 1, more + 2, rdb_get_u16(more)))
                return false;
            at += 2u + rdb_get_u16(more);
        } else if (edit == HEAP_EDIT_SPLICE) {
            if (left < 6 || rdb_get_u16(more + 4) > left - 6 ||
                !splice_cell(page, page_bytes, slot, rdb_get_u16(more), rdb_get_u16(more + 2), more + 6, rdb_get_u16(more + 4)))
                return false;
            at += 6u + rdb_get_u16(more + 4);
        } else {
            return false;
        }
    }
    return true;
}

bool heap_redo(const rdb_redo *redo, rdb_page *page, rdb_error *err)
{
    if (RDB_FILE_CLASS(redo->tag.file) == RDB_FILE_UNDO)
        return rdb_undo_redo(redo, page, err);
    bool ok = false;
    if (redo->operation == HEAP_OP_EDIT) {
        ok = apply_edits(redo->data, redo->data_bytes, page, redo->page_bytes);
    } else if (redo->operation == HEAP_OP_OVERFLOW) {
        ok = redo->data_bytes >= 16 && redo->data_bytes <= redo->page_bytes - RDB_PAGE_HEADER_BYTES;
        if (ok) {
            uint8_t *body = (uint8_t *)page + RDB_PAGE_HEADER_BYTES;
            memcpy(body, redo->data, redo->data_bytes);
            memset(body + redo->data_bytes, 0, redo->page_bytes - RDB_PAGE_HEADER_BYTES - redo->data_bytes);
            page->type = RDB_PAGE_OVERFLOW;
            page->version = 1;
            page->flags = 0;
            page->lower = (uint16_t)(RDB_PAGE_HEADER_BYTES + redo->data_bytes);
            page->upper = (uint16_t)redo->page_bytes;
        }
    } else if (redo->operation == HEAP_OP_OVERFLOW_FREE && redo->reference_no > 0) { /* the page freed was its successor */
        ok = redo->data_bytes == 8 && page->type == RDB_PAGE_OVERFLOW;
        if (ok)
            memcpy((uint8_t *)page + RDB_PAGE_HEADER_BYTES, redo->data, 8);
    } else if (redo->operation == HEAP_OP_OVERFLOW_FREE || redo->operation == HEAP_OP_META) {
        ok = true;
        memset((uint8_t *)page + RDB_PAGE_HEADER_BYTES, 0, redo->page_bytes - RDB_PAGE_HEADER_BYTES);
        page->type = redo->operation == HEAP_OP_META ? RDB_PAGE_META : RDB_PAGE_FREE;
        page->version = 1;
        page->flags = 0;
        page->lower = RDB_PAGE_HEADER_BYTES;
        if (redo->operation == HEAP_OP_META && redo->data_bytes == sizeof(rdb_table_origin)) {
            memcpy((uint8_t *)page + RDB_PAGE_HEADER_BYTES, redo->data, redo->data_bytes);
            page->lower += (uint16_t)redo->data_bytes;
        }
        page->upper = (uint16_t)redo->page_bytes;
    }
    if (!ok)
        rdb_error_set(err, RDB_DATA_CORRUPTED, "a heap record at %llX does not fit its page", (unsigned long long)redo->lsn);
    return ok;
}
