/* SPDX-License-Identifier: Apache-2.0
 * Heap pages: edits and their redo, which is the only code that changes one. What always holds on a page: cells do not
 * overlap, cell_bytes is the sum of their lengths, and free_slots counts the free ones among the slots. */
#include "table/table_int.h"

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

/* Room for an edit of so many numbers and bytes at most; finish() says how much of it was taken. NULL: no memory. */
static uint8_t *begin(heap_edits *edits, uint8_t edit, uint32_t numbers, uint32_t bytes)
{
    const uint32_t most = 1 + numbers * RDB_WAL_NUMBER_BYTES_MAX + bytes;
    if (edits->length + most > edits->capacity) {
        const uint32_t capacity = RDB_MAX(edits->capacity * 2, edits->length + most);
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
    *at = edit;
    return at + 1;
}

static void finish(heap_edits *edits, const uint8_t *end)
{
    edits->length = (uint32_t)(end - edits->bytes);
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, uint32_t length)
{
    if (length > 0)
        memcpy(at, bytes, length);
    return at + length;
}

/* An edit of numbers alone. */
static void add_numbers(heap_edits *edits, uint8_t edit, const uint64_t *numbers, uint32_t count)
{
    uint8_t *at = begin(edits, edit, count, 0);
    if (at == NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        at = rdb_wal_put_number(at, numbers[i]);
    finish(edits, at);
}

void heap_edit_init_page(heap_edits *edits)
{
    add_numbers(edits, HEAP_EDIT_INIT, NULL, 0);
}

void heap_edit_free(heap_edits *edits, uint32_t slot)
{
    add_numbers(edits, HEAP_EDIT_FREE, (const uint64_t[]){slot}, 1);
}

void heap_edit_put(heap_edits *edits, heap_slot_kind kind, uint32_t slot, const void *first, uint32_t first_length,
                   const void *second, uint32_t second_length)
{
    uint8_t *at = begin(edits, kind == HEAP_SLOT_BODY ? HEAP_EDIT_PUT_BODY : HEAP_EDIT_PUT_ROW, 2, first_length + second_length);
    if (at == NULL)
        return;
    at = rdb_wal_put_number(at, slot);
    at = rdb_wal_put_number(at, first_length + second_length);
    at = put_bytes(at, first, first_length);
    finish(edits, put_bytes(at, second, second_length));
}

void heap_edit_splice(heap_edits *edits, uint32_t slot, uint32_t start, uint32_t old_length, const void *bytes, uint32_t new_length)
{
    uint8_t *at = begin(edits, HEAP_EDIT_SPLICE, 4, new_length);
    if (at == NULL)
        return;
    at = rdb_wal_put_number(at, slot);
    at = rdb_wal_put_number(at, start);
    at = rdb_wal_put_number(at, old_length);
    at = rdb_wal_put_number(at, new_length);
    finish(edits, put_bytes(at, bytes, new_length));
}

uint32_t heap_make_undo(uint8_t edit[HEAP_UNDO_EDIT_BYTES_MAX], rdb_undo_address undo)
{
    uint8_t *at = edit;
    *at++ = HEAP_EDIT_UNDO;
    at = rdb_wal_put_number(at, RDB_UNDO_LOG(undo));
    return (uint32_t)(rdb_wal_put_number(at, RDB_UNDO_OFFSET(undo)) - edit);
}

void heap_edit_undo(heap_edits *edits, rdb_undo_address undo)
{
    add_numbers(edits, HEAP_EDIT_UNDO, (const uint64_t[]){RDB_UNDO_LOG(undo), RDB_UNDO_OFFSET(undo)}, 2);
}

void heap_edit_new_row(heap_edits *edits, uint32_t slot, unsigned flags, uint16_t layout, const void *bytes, uint32_t length)
{
    uint8_t *at = begin(edits, HEAP_EDIT_NEW_ROW, 4, length);
    if (at == NULL)
        return;
    at = rdb_wal_put_number(at, slot);
    at = rdb_wal_put_number(at, flags);
    at = rdb_wal_put_number(at, layout);
    at = rdb_wal_put_number(at, length);
    finish(edits, put_bytes(at, bytes, length));
}

void heap_edit_stamp(heap_edits *edits, uint32_t slot, unsigned flags, uint16_t layout)
{
    add_numbers(edits, HEAP_EDIT_STAMP, (const uint64_t[]){slot, flags, layout}, 3);
}

void heap_edit_map_init(heap_edits *edits)
{
    add_numbers(edits, HEAP_EDIT_MAP_INIT, NULL, 0);
}

void heap_edit_map_link(heap_edits *edits, uint32_t map_no, uint64_t block)
{
    add_numbers(edits, HEAP_EDIT_MAP_LINK, (const uint64_t[]){map_no, block}, 2);
}

void heap_edit_map_set(heap_edits *edits, rdb_scn scn, uint32_t bit)
{
    add_numbers(edits, HEAP_EDIT_MAP_SET, (const uint64_t[]){scn, bit}, 2);
}

uint32_t heap_make_map_clear(uint8_t edit[HEAP_MAP_CLEAR_BYTES_MAX], uint32_t bit)
{
    edit[0] = HEAP_EDIT_MAP_CLEAR;
    return (uint32_t)(rdb_wal_put_number(edit + 1, bit) - edit);
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

/* The cell is the header, if there is one, and the bytes. */
static bool put_cell(rdb_page *page, uint32_t page_bytes, uint32_t slot_no, bool is_body, const uint8_t *header, const uint8_t *bytes, uint32_t byte_count)
{
    const uint32_t header_bytes = header != NULL ? HEAP_HEADER_BYTES : 0, length = header_bytes + byte_count;
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
    uint8_t *cell = (uint8_t *)page + page->upper;
    if (header != NULL)
        memcpy(cell, header, HEAP_HEADER_BYTES);
    memcpy(cell + header_bytes, bytes, byte_count);
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
    return put_cell(page, page_bytes, slot_no, kind == HEAP_SLOT_BODY, NULL, whole, total);
}

static bool stamp_row(rdb_page *page, uint32_t slot_no, const uint8_t header[HEAP_HEADER_BYTES])
{
    uint32_t offset, length;
    if (slot_no >= heap_slot_count(page) || heap_slot(page, slot_no, &offset, &length) != HEAP_SLOT_ROW || length < HEAP_HEADER_BYTES)
        return false;
    memcpy((uint8_t *)page + offset, header, HEAP_HEADER_BYTES);
    return true;
}

static bool free_slot(rdb_page *page, uint32_t slot_no)
{
    heap_page_head head = heap_get_head(page);
    uint32_t offset, length;
    if (slot_no >= heap_slot_count(page) || heap_slot(page, slot_no, &offset, &length) == HEAP_SLOT_FREE)
        return false;
    drop_cell(page, slot_no, &head);
    head.free_slots++;
    while (page->lower > HEAP_SLOTS_AT && heap_slot(page, heap_slot_count(page) - 1, &offset, &length) == HEAP_SLOT_FREE) {
        page->lower = (uint16_t)(page->lower - HEAP_SLOT_BYTES); /* free slots at the end of the array go */
        head.free_slots--;
    }
    set_head(page, head);
    return true;
}

static void init_page(rdb_page *page, uint32_t page_bytes, uint8_t type)
{
    memset((uint8_t *)page + RDB_PAGE_HEADER_BYTES, 0, page_bytes - RDB_PAGE_HEADER_BYTES);
    page->type = type;
    page->version = 1;
    page->flags = 0;
    page->lower = (uint16_t)(type == RDB_PAGE_HEAP ? HEAP_SLOTS_AT : page_bytes);
    page->upper = (uint16_t)page_bytes;
}

/* An edit of a map, or of the meta page that leads to it. */
static bool edit_map(uint8_t edit, const uint64_t *numbers, rdb_page *page, uint32_t page_bytes)
{
    uint8_t *body = (uint8_t *)page + RDB_PAGE_HEADER_BYTES;
    if (edit == HEAP_EDIT_MAP_LINK) {
        if (page->type != RDB_PAGE_META || numbers[0] >= HEAP_MAPS(page_bytes))
            return false;
        rdb_put_u64((uint8_t *)page + HEAP_MAPS_AT + 8u * numbers[0], numbers[1]);
        page->lower = page->upper = (uint16_t)page_bytes; /* nothing of it is a hole any more */
        return true;
    }
    const uint64_t bit = numbers[edit == HEAP_EDIT_MAP_SET];
    if (page->type != RDB_PAGE_VISIBLE || bit >= HEAP_MAP_BITS(page_bytes))
        return false;
    uint8_t *byte = (uint8_t *)page + HEAP_MAP_BITS_AT + bit / 8;
    if (edit == HEAP_EDIT_MAP_SET) {
        rdb_put_u64(body, RDB_MAX(rdb_get_u64(body), numbers[0]));
        *byte |= (uint8_t)(1u << bit % 8);
    } else {
        *byte &= (uint8_t)~(1u << bit % 8);
    }
    return true;
}

/* What an edit consists of: its numbers, and which of them says how many bytes follow. */
typedef struct edit_shape {
    uint8_t number_count, length_no; /* NO_BYTES: none follow */
} edit_shape;
enum { EDIT_NUMBERS_MAX = 4, NO_BYTES = 255 };
static const edit_shape SHAPES[] = {
    [HEAP_EDIT_INIT] = {0, NO_BYTES},    [HEAP_EDIT_PUT_ROW] = {2, 1},        [HEAP_EDIT_PUT_BODY] = {2, 1},       [HEAP_EDIT_SPLICE] = {4, 3},
    [HEAP_EDIT_FREE] = {1, NO_BYTES},    [HEAP_EDIT_UNDO] = {2, NO_BYTES},    [HEAP_EDIT_NEW_ROW] = {4, 3},        [HEAP_EDIT_STAMP] = {3, NO_BYTES},
    [HEAP_EDIT_MAP_INIT] = {0, NO_BYTES}, [HEAP_EDIT_MAP_LINK] = {2, NO_BYTES}, [HEAP_EDIT_MAP_SET] = {2, NO_BYTES}, [HEAP_EDIT_MAP_CLEAR] = {1, NO_BYTES}};

static bool apply_edit(uint8_t edit, const uint64_t *n, const uint8_t *bytes, rdb_xid xid, rdb_undo_address *undo, rdb_page *page, uint32_t page_bytes)
{
    uint8_t header[HEAP_STUB_BYTES];
    switch (edit) {
    case HEAP_EDIT_INIT:
        init_page(page, page_bytes, RDB_PAGE_HEAP);
        return true;
    case HEAP_EDIT_MAP_INIT:
        init_page(page, page_bytes, RDB_PAGE_VISIBLE);
        return true;
    case HEAP_EDIT_MAP_LINK:
    case HEAP_EDIT_MAP_SET:
    case HEAP_EDIT_MAP_CLEAR:
        return edit_map(edit, n, page, page_bytes);
    case HEAP_EDIT_UNDO:
        *undo = RDB_UNDO_ADDRESS((uint16_t)n[0], n[1]);
        return n[0] <= UINT16_MAX && n[1] == RDB_UNDO_OFFSET(n[1]);
    default:
        break;
    }
    if (page->type != RDB_PAGE_HEAP || n[0] > UINT16_MAX) /* the others are of one of its slots */
        return false;
    const uint32_t slot = (uint32_t)n[0];
    switch (edit) {
    case HEAP_EDIT_FREE:
        return free_slot(page, slot);
    case HEAP_EDIT_SPLICE:
        return n[1] <= page_bytes && n[2] <= page_bytes && splice_cell(page, page_bytes, slot, (uint32_t)n[1], (uint32_t)n[2], bytes, (uint32_t)n[3]);
    case HEAP_EDIT_NEW_ROW:
    case HEAP_EDIT_STAMP:
        if (n[1] > UINT16_MAX || n[2] > UINT16_MAX)
            return false;
        heap_write_header(header, xid, *undo, (unsigned)n[1], (uint16_t)n[2]);
        return edit == HEAP_EDIT_STAMP ? stamp_row(page, slot, header) : put_cell(page, page_bytes, slot, false, header, bytes, (uint32_t)n[3]);
    default:
        return put_cell(page, page_bytes, slot, edit == HEAP_EDIT_PUT_BODY, NULL, bytes, (uint32_t)n[1]);
    }
}

static bool apply_edits(const rdb_redo *redo, rdb_page *page)
{
    rdb_undo_address undo = 0;
    for (const uint8_t *at = redo->data, *end = at + redo->data_bytes; at < end;) {
        const uint8_t edit = *at++;
        uint64_t numbers[EDIT_NUMBERS_MAX] = {0};
        if (edit == 0 || edit >= RDB_COUNT_OF(SHAPES))
            return false;
        for (uint32_t i = 0; i < SHAPES[edit].number_count; i++)
            if (!rdb_wal_get_number(&at, end, UINT64_MAX, &numbers[i]))
                return false;
        const uint64_t length = SHAPES[edit].length_no == NO_BYTES ? 0 : numbers[SHAPES[edit].length_no];
        if (length > (uint64_t)(end - at) || !apply_edit(edit, numbers, at, redo->xid, &undo, page, redo->page_bytes))
            return false;
        at += length;
    }
    return true;
}

bool heap_redo(const rdb_redo *redo, rdb_page *page, rdb_error *err)
{
    if (RDB_FILE_CLASS(redo->tag.file) == RDB_FILE_UNDO)
        return rdb_undo_redo(redo, page, err);
    bool ok = false;
    if (redo->operation == HEAP_OP_EDIT) {
        ok = apply_edits(redo, page);
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
