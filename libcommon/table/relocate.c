/* SPDX-License-Identifier: Apache-2.0
 * What compaction asks of a heap. A row changes its home as an update changes a row: the copy at its new home is an insert, the old one a
 * deletion that says where the copy is, both of one transaction. So each snapshot sees exactly one of them, index entries follow as they do
 * for any change, purge frees the old home when no snapshot can ask for it, and an abort or a crash leaves nothing. Who meant to write to the
 * old home and waited learns the new one here; its own snapshot keeps the undo record that knows it. */
#include "table/table_int.h"

#include <stdlib.h>

/* One step: where the newest committed version says that the row went. */
static bool follow_once(const heap_place *place, rdb_txn *txn, rdb_row_address address, rdb_row_address *now, rdb_error *err)
{
    heap_walker walker;
    heap_version version;
    heap_fate fate;
    rdb_xid top;
    rdb_buffer *buffer = NULL;
    bool found = false;
    *now = 0;
    heap_walker_init(&walker, place->page_bytes);
    bool ok = rdb_buffer_acquire(place->storage, heap_tag(place, RDB_ROW_BLOCK(address)), RDB_BUFFER_SHARED, &buffer, err) &&
              heap_read_place(place, rdb_buffer_page(buffer), RDB_ROW_SLOT(address), &walker, &version, &found, err) &&
              (!found || heap_find_newest(place, txn, &walker, &version, true, &found, &fate, &top, err));
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    if (ok && found && (version.flags & HEAP_RELOCATED) != 0) {
        rdb_undo_record record;
        ok = rdb_undo_read(place->undo, place->pdb, version.undo, &walker.reader, &record, &found, err);
        if (ok && found && record.kind == RDB_UNDO_DELETE && record.image.length == sizeof *now)
            *now = rdb_get_u64(record.image.data);
    }
    heap_walker_deinit(&walker);
    return ok;
}

bool rdb_table_follow(const rdb_table *table, rdb_txn *txn, rdb_row_address address, rdb_row_address *now, bool *found, rdb_error *err)
{
    const heap_place place = heap_place_of(table);
    *now = address;
    *found = false;
    for (rdb_row_address next = address; next != 0;) {
        *found = next != address;
        *now = next;
        if (!follow_once(&place, txn, *now, &next, err))
            return false;
    }
    return true;
}

static void add_home(rdb_table_residents *residents, rdb_row_address home)
{
    if (residents->count < RDB_COUNT_OF(residents->homes))
        residents->homes[residents->count++] = home;
}

bool rdb_table_list_residents(const rdb_table *table, uint64_t block, rdb_table_residents *residents, rdb_error *err)
{
    const heap_place place = heap_place_of(table);
    rdb_buffer *buffer = NULL;
    residents->count = 0;
    residents->has_value = residents->has_map = false;
    if (!rdb_buffer_acquire(place.storage, heap_tag(&place, block), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    const rdb_page *page = rdb_buffer_page(buffer);
    residents->has_value = page->type == RDB_PAGE_OVERFLOW;
    residents->has_map = page->type == RDB_PAGE_VISIBLE;
    for (uint32_t slot = 0; page->type == RDB_PAGE_HEAP && slot < heap_slot_count(page); slot++) {
        uint32_t offset, length;
        const heap_slot_kind kind = heap_slot(page, slot, &offset, &length);
        if (kind == HEAP_SLOT_FREE || !heap_cell_fits(offset, length, HEAP_BODY_PREFIX, place.page_bytes))
            continue;
        add_home(residents, kind == HEAP_SLOT_ROW ? RDB_ROW_ADDRESS(block, slot) : rdb_get_u64(heap_cell(page, offset)));
    }
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return true;
}

/* Does a chain have a page at or behind `from`? */
static bool chain_reaches(const heap_place *place, const rdb_undo_head *head, uint64_t from, bool *reaches, rdb_error *err)
{
    for (uint64_t block = head->block; block != 0 && !*reaches;) {
        rdb_buffer *buffer = NULL;
        *reaches = block >= from;
        if (*reaches)
            break;
        if (!rdb_buffer_acquire(place->storage, heap_tag(place, block), RDB_BUFFER_SHARED, &buffer, err))
            return false;
        const uint8_t *body = (const uint8_t *)rdb_buffer_page(buffer) + RDB_PAGE_HEADER_BYTES; /* next block, writer: heap_page.h */
        const bool is_of_chain = rdb_buffer_page(buffer)->type == RDB_PAGE_OVERFLOW && rdb_get_u64(body + 8) == head->xid;
        block = is_of_chain ? rdb_get_u64(body) : 0;
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    return true;
}

bool rdb_table_list_holders(const rdb_table *table, uint64_t block, uint64_t from, rdb_table_residents *residents, rdb_error *err)
{
    const heap_place place = heap_place_of(table);
    rdb_buffer *buffer = NULL;
    heap_walker walker;
    rdb_undo_head *heads = NULL;
    uint32_t head_count = 0;
    rdb_row_address *homes = NULL; /* beside heads */
    residents->count = 0;
    residents->has_value = residents->has_map = false;
    if (!rdb_buffer_acquire(place.storage, heap_tag(&place, block), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    const rdb_page *page = rdb_buffer_page(buffer);
    const uint32_t slots = page->type == RDB_PAGE_HEAP ? heap_slot_count(page) : 0;
    bool ok = true;
    heap_walker_init(&walker, place.page_bytes);
    for (uint32_t slot = 0; ok && slot < slots; slot++) { /* chains are walked when the page is let go */
        heap_version version;
        bool found;
        ok = heap_read_place(&place, page, slot, &walker, &version, &found, err);
        const uint32_t count = ok && found && (version.flags & (HEAP_EXTERNAL | HEAP_WHOLE)) != 0 ? heap_collect_heads(version.flags, version.body, version.length, NULL, 0) : 0;
        if (count == 0)
            continue;
        rdb_undo_head *more = realloc(heads, (head_count + count) * sizeof *heads);
        heads = more != NULL ? more : heads;
        rdb_row_address *more_homes = realloc(homes, (head_count + count) * sizeof *homes);
        homes = more_homes != NULL ? more_homes : homes;
        ok = (more != NULL && more_homes != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        if (!ok)
            break;
        heap_collect_heads(version.flags, version.body, version.length, heads + head_count, count);
        for (uint32_t i = 0; i < count; i++)
            homes[head_count++] = RDB_ROW_ADDRESS(block, slot);
    }
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    heap_walker_deinit(&walker);
    for (uint32_t i = 0; ok && i < head_count; i++) {
        bool reaches = residents->count > 0 && residents->homes[residents->count - 1] == homes[i];
        if (reaches)
            continue;
        ok = chain_reaches(&place, &heads[i], from, &reaches, err);
        if (reaches)
            add_home(residents, homes[i]);
    }
    free(heads);
    free(homes);
    return ok;
}

static bool is_empty(const rdb_page *page)
{
    return page->type == RDB_PAGE_HEAP && heap_get_head(page).cell_bytes == 0;
}

bool rdb_table_cut_tail(const rdb_table *table, uint64_t least, uint64_t *blocks, rdb_error *err)
{
    return rdb_storage_cut_tail(table->storage, table->pdb, table->file, RDB_MAX(least, UINT64_C(1)), is_empty, blocks, err);
}
