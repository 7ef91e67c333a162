/* SPDX-License-Identifier: Apache-2.0
 * Pages that all see: maps that say of which heap pages an index scan need not look at the rows (R29).
 *
 * What a bit says: every row of the page is there, in the version that stands in place, for each snapshot that is not older than
 * the map's SCN; and every index entry that leads to the page has the key of that version. So it is set only
 *   - under the page's latch, when each of its stamps is of a published commit that purge has passed (then entries of former keys
 *     and of deleted rows are gone), and none of its rows is deleted;
 *   - while the reverter is at rest and has nothing left to do (entries of aborted versions are gone): rdb_undo_at_rest.
 * Any change of a row takes the bit back in its own record, under the same latches, and before an entry of the new version is made.
 *
 * Readers see entries first and bits later, and both may change in between: an entry that is gone already led to a page whose bit
 * was set since. `settings` tells: it grows after a page was judged and before its bit is set, so a reader who finds it
 * unchanged since before he read the entries met bits that were set before. */
#include "table/table_int.h"

static _Atomic uint64_t settings; /* bits set in this process, by every instance */

static uint32_t map_of(const heap_place *place, uint64_t block)
{
    return (uint32_t)(block / HEAP_MAP_BITS(place->page_bytes));
}

static uint32_t bit_of(const heap_place *place, uint64_t block)
{
    return (uint32_t)(block % HEAP_MAP_BITS(place->page_bytes));
}

/* The block of a map; 0: there is none. */
static bool find_map(const heap_place *place, uint32_t map_no, uint64_t *block, rdb_error *err)
{
    rdb_peek peek;
    rdb_buffer *buffer = NULL;
    *block = 0;
    if (map_no >= HEAP_MAPS(place->page_bytes))
        return true;
    if (rdb_buffer_peek_begin(place->storage, heap_tag(place, 0), &peek)) {
        const uint64_t seen = rdb_get_u64((const uint8_t *)peek.page + HEAP_MAPS_AT + 8u * map_no);
        if (rdb_buffer_peek_end(&peek)) {
            *block = seen;
            return true;
        }
    }
    if (!rdb_buffer_acquire(place->storage, heap_tag(place, 0), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    *block = rdb_get_u64((const uint8_t *)rdb_buffer_page(buffer) + HEAP_MAPS_AT + 8u * map_no);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return true;
}

/* A block that a map stood in may be something else by now: compaction takes maps away. Then nothing is known of its pages. */
static bool has_bit(const rdb_page *map, uint32_t bit)
{
    return map->type == RDB_PAGE_VISIBLE && (((const uint8_t *)map)[HEAP_MAP_BITS_AT + bit / 8] >> bit % 8 & 1) != 0;
}

bool heap_is_seen(const heap_place *place, uint64_t block, bool *is_seen, rdb_error *err)
{
    uint64_t map_block;
    rdb_buffer *map = NULL;
    *is_seen = false;
    if (!find_map(place, map_of(place, block), &map_block, err))
        return false;
    if (map_block == 0 || map_block == block)
        return true;
    if (!rdb_buffer_acquire(place->storage, heap_tag(place, map_block), RDB_BUFFER_SHARED, &map, err))
        return false;
    *is_seen = has_bit(rdb_buffer_page(map), bit_of(place, block));
    rdb_buffer_release(map, RDB_BUFFER_SHARED);
    return true;
}

/* ---- writers ----------------------------------------------------------------------------------------------------------- */
bool heap_seen_latch(heap_seen *seen, const heap_place *place, uint64_t block, rdb_error *err)
{
    uint64_t map_block;
    rdb_peek peek;
    seen->map = NULL;
    if (!find_map(place, map_of(place, block), &map_block, err))
        return false;
    if (RDB_LIKELY(map_block == 0))
        return true;
    const uint32_t bit = bit_of(place, block);
    if (rdb_buffer_peek_begin(place->storage, heap_tag(place, map_block), &peek)) {
        const bool is_set = has_bit(peek.page, bit);
        if (rdb_buffer_peek_end(&peek) && !is_set)
            return true; /* it stays so: to set it takes the latch of the page that we hold */
    }
    if (!rdb_buffer_acquire(place->storage, heap_tag(place, map_block), RDB_BUFFER_EXCLUSIVE, &seen->map, err))
        return false;
    if (!has_bit(rdb_buffer_page(seen->map), bit))
        heap_seen_release(seen);
    else
        seen->edit_bytes = heap_make_map_clear(seen->edit, bit);
    return true;
}

void heap_seen_add(const heap_seen *seen, rdb_change *change)
{
    if (seen->map == NULL)
        return;
    rdb_change_block(change, seen->map, 0);
    rdb_change_block_data(change, seen->edit, seen->edit_bytes);
}

void heap_seen_release(heap_seen *seen)
{
    rdb_buffer_release(seen->map, RDB_BUFFER_EXCLUSIVE);
    seen->map = NULL;
}

/* ---- readers ----------------------------------------------------------------------------------------------------------- */
uint64_t rdb_table_visible_begin(void)
{
    return atomic_load_explicit(&settings, memory_order_seq_cst);
}

/* The bits of rows first .. that one map holds, up to the first row of another; *next: that one. */
static void read_bits(const heap_place *place, const rdb_page *map, rdb_scn scn, const rdb_row_address *addresses, uint32_t first, uint32_t count, bool *visible,
                      uint32_t *next)
{
    const uint32_t map_no = map_of(place, RDB_ROW_BLOCK(addresses[first]));
    const bool is_old_enough = map->type == RDB_PAGE_VISIBLE && rdb_get_u64((const uint8_t *)map + RDB_PAGE_HEADER_BYTES) <= scn;
    uint32_t i = first;
    for (; i < count && map_of(place, RDB_ROW_BLOCK(addresses[i])) == map_no; i++)
        visible[i] = is_old_enough && has_bit(map, bit_of(place, RDB_ROW_BLOCK(addresses[i])));
    *next = i;
}

bool rdb_table_visible(const rdb_table *table, const rdb_snapshot *snapshot, const rdb_row_address *addresses, uint32_t count, uint64_t begun, bool *visible,
                       rdb_error *err)
{
    const heap_place place = heap_place_of(table);
    for (uint32_t i = 0, next; i < count; i = next) {
        uint64_t map_block;
        rdb_peek peek;
        rdb_buffer *buffer = NULL;
        if (!find_map(&place, map_of(&place, RDB_ROW_BLOCK(addresses[i])), &map_block, err))
            return false;
        if (map_block == 0) {
            visible[i] = false;
            next = i + 1;
            continue;
        }
        if (rdb_buffer_peek_begin(place.storage, heap_tag(&place, map_block), &peek)) {
            read_bits(&place, peek.page, snapshot->scn, addresses, i, count, visible, &next);
            if (rdb_buffer_peek_end(&peek))
                continue;
        }
        if (!rdb_buffer_acquire(place.storage, heap_tag(&place, map_block), RDB_BUFFER_SHARED, &buffer, err))
            return false;
        read_bits(&place, rdb_buffer_page(buffer), snapshot->scn, addresses, i, count, visible, &next);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    atomic_thread_fence(memory_order_seq_cst); /* the bits were read before the count is looked at again */
    if (atomic_load_explicit(&settings, memory_order_seq_cst) != begun)
        memset(visible, 0, count * sizeof *visible);
    return true;
}

bool rdb_table_visible_count(const rdb_table *table, uint64_t *pages, rdb_error *err)
{
    const heap_place place = heap_place_of(table);
    uint64_t blocks;
    *pages = 0;
    if (!rdb_table_block_count(table, &blocks, err))
        return false;
    for (uint32_t map_no = 0; (uint64_t)map_no * HEAP_MAP_BITS(place.page_bytes) < blocks && map_no < HEAP_MAPS(place.page_bytes); map_no++) {
        uint64_t map_block;
        rdb_buffer *buffer = NULL;
        if (!find_map(&place, map_no, &map_block, err))
            return false;
        if (map_block == 0)
            continue;
        if (!rdb_buffer_acquire(place.storage, heap_tag(&place, map_block), RDB_BUFFER_SHARED, &buffer, err))
            return false;
        const uint8_t *bytes = (const uint8_t *)rdb_buffer_page(buffer);
        for (uint32_t at = HEAP_MAP_BITS_AT; at + 8 <= place.page_bytes && rdb_buffer_page(buffer)->type == RDB_PAGE_VISIBLE; at += 8)
            *pages += (uint64_t)__builtin_popcountll(rdb_get_u64(bytes + at));
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    return true;
}

/* ---- setting ------------------------------------------------------------------------------------------------------------ */
/* A new map at the end of the file, and the way to it. */
static bool make_map(const heap_place *place, uint32_t map_no, uint64_t *map_block, rdb_error *err)
{
    rdb_buffer *meta = NULL, *map = NULL;
    heap_edits made, link;
    rdb_change change;
    rdb_lsn end_lsn;
    heap_edits_init(&made);
    heap_edits_init(&link);
    bool ok = rdb_buffer_acquire(place->storage, heap_tag(place, 0), RDB_BUFFER_EXCLUSIVE, &meta, err) &&
              rdb_buffer_extend(place->storage, place->pdb, place->file, RDB_FORK_MAIN, map_block, &map, err);
    if (ok) {
        heap_edit_map_init(&made);
        heap_edit_map_link(&link, map_no, *map_block);
        rdb_change_init(&change, place->storage, place->pdb, 0, RDB_RESOURCE_HEAP, HEAP_OP_EDIT);
        rdb_change_block(&change, meta, 0);
        rdb_change_block_data(&change, link.bytes, link.length);
        rdb_change_block(&change, map, RDB_WAL_BLOCK_INIT);
        rdb_change_block_data(&change, made.bytes, made.length);
        ok = made.failed || link.failed ? rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory") : rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    }
    rdb_buffer_release(map, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(meta, RDB_BUFFER_EXCLUSIVE);
    heap_edits_deinit(&made);
    heap_edits_deinit(&link);
    return ok;
}

bool rdb_table_drop_maps(const rdb_table *table, uint64_t from, rdb_error *err)
{
    const heap_place place = heap_place_of(table);
    bool ok = true;
    for (uint32_t map_no = 0; ok && map_no < HEAP_MAPS(place.page_bytes); map_no++) {
        uint64_t map_block;
        rdb_buffer *meta = NULL, *map = NULL;
        if (!find_map(&place, map_no, &map_block, err))
            return false;
        if (map_block == 0 || map_block < from)
            continue;
        ok = rdb_buffer_acquire(place.storage, heap_tag(&place, 0), RDB_BUFFER_EXCLUSIVE, &meta, err) &&
             rdb_buffer_acquire(place.storage, heap_tag(&place, map_block), RDB_BUFFER_EXCLUSIVE, &map, err);
        if (ok) {
            heap_edits emptied, link;
            rdb_change change;
            rdb_lsn end_lsn;
            heap_edits_init(&emptied);
            heap_edits_init(&link);
            heap_edit_init_page(&emptied);
            heap_edit_map_link(&link, map_no, 0);
            rdb_change_init(&change, place.storage, place.pdb, 0, RDB_RESOURCE_HEAP, HEAP_OP_EDIT);
            rdb_change_block(&change, meta, 0);
            rdb_change_block_data(&change, link.bytes, link.length);
            rdb_change_block(&change, map, RDB_WAL_BLOCK_INIT);
            rdb_change_block_data(&change, emptied.bytes, emptied.length);
            ok = emptied.failed || link.failed ? rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory") : rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
            heap_edits_deinit(&emptied);
            heap_edits_deinit(&link);
        }
        rdb_buffer_release(map, RDB_BUFFER_EXCLUSIVE);
        rdb_buffer_release(meta, RDB_BUFFER_EXCLUSIVE);
    }
    return ok;
}

/* Is all of a latched page as the map would say? */
static bool is_seen_by_all(const heap_place *place, rdb_buffer *buffer, rdb_scn purged, rdb_scn *scn, uint64_t *late)
{
    const rdb_page *page = rdb_buffer_page(buffer);
    *scn = 1;
    if (page->type != RDB_PAGE_HEAP)
        return true; /* no rows; one comes with a change that looks at the bit */
    if (heap_settled_scn(page) == 0)
        heap_settle(place, buffer);
    *scn = heap_settled_scn(page);
    *late += *scn > purged;
    if (*scn == 0 || *scn > purged)
        return false;
    for (uint32_t slot = 0; slot < heap_slot_count(page); slot++) {
        uint32_t offset, length;
        if (heap_slot(page, slot, &offset, &length) == HEAP_SLOT_ROW &&
            (!heap_cell_fits(offset, length, HEAP_STUB_BYTES, place->page_bytes) || (heap_cell_flags(heap_cell(page, offset)) & HEAP_DELETED) != 0))
            return false;
    }
    return true;
}

/* Sets the bits of the next pages in one record; *taken: how many were looked at. Each stays latched until its bit is set. A page behind
 * the first is tried only: whoever has it may wait for one of those that are held here. */
enum { RUN = 16 };
static bool mark_run(const heap_place *place, uint64_t first, uint32_t count, const bool *is_set, uint64_t map_block, rdb_scn purged, uint32_t *taken, uint64_t *late,
                     rdb_error *err)
{
    rdb_buffer *held[RUN], *map = NULL;
    uint32_t bits[RUN], held_count = 0, bit_count = 0, set_count = 0, i = 0;
    rdb_scn scns[RUN];
    bool ok = true;
    for (; ok && i < count && bit_count < RUN; i++) {
        rdb_buffer *buffer = NULL;
        rdb_scn scn = 1;
        if (is_set[i])
            continue;
        if (first + i != map_block) {
            if (held_count == 0)
                ok = rdb_buffer_acquire(place->storage, heap_tag(place, first + i), RDB_BUFFER_SHARED, &buffer, err);
            else if (!rdb_buffer_try_acquire(place->storage, heap_tag(place, first + i), RDB_BUFFER_SHARED, &buffer))
                break;
            if (!ok)
                break;
            if (!is_seen_by_all(place, buffer, purged, &scn, late)) {
                rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
                continue;
            }
            held[held_count++] = buffer;
        }
        bits[bit_count] = bit_of(place, first + i);
        scns[bit_count++] = scn;
    }
    *taken = i;
    if (ok && bit_count > 0 && (ok = rdb_buffer_acquire(place->storage, heap_tag(place, map_block), RDB_BUFFER_EXCLUSIVE, &map, err))) {
        heap_edits edits;
        rdb_change change;
        rdb_lsn end_lsn;
        heap_edits_init(&edits);
        for (uint32_t n = 0; n < bit_count; n++) {
            if (rdb_buffer_page(map)->type == RDB_PAGE_VISIBLE && !has_bit(rdb_buffer_page(map), bits[n])) {
                heap_edit_map_set(&edits, scns[n], bits[n]);
                set_count++;
            }
        }
        if (set_count > 0) {
            rdb_change_init(&change, place->storage, place->pdb, 0, RDB_RESOURCE_HEAP, HEAP_OP_EDIT);
            rdb_change_block(&change, map, 0);
            rdb_change_block_data(&change, edits.bytes, edits.length);
            atomic_fetch_add_explicit(&settings, 1, memory_order_seq_cst);
            ok = edits.failed ? rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory") : rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
        }
        heap_edits_deinit(&edits);
    }
    rdb_buffer_release(map, RDB_BUFFER_EXCLUSIVE);
    while (held_count > 0)
        rdb_buffer_release(held[--held_count], RDB_BUFFER_SHARED);
    return ok;
}

/* Of blocks whose bits are not all set already; is_set: by block of the stretch. */
static bool read_stretch(const heap_place *place, uint64_t map_block, uint64_t first, uint32_t count, bool *is_set, rdb_error *err)
{
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire(place->storage, heap_tag(place, map_block), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        is_set[i] = has_bit(rdb_buffer_page(buffer), bit_of(place, first + i));
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return true;
}

bool rdb_table_mark_visible(const rdb_table *table, uint64_t *next_block, uint64_t block_count, rdb_cancel *cancel, bool *is_over, uint64_t *late,
                            rdb_error *err)
{
    enum { STRETCH = 64 };
    const heap_place place = heap_place_of(table);
    const rdb_scn purged = rdb_undo_purged_scn(table->undo, table->pdb);
    uint64_t blocks, block = *next_block;
    uint64_t first_map;
    *is_over = true;
    if (!rdb_table_block_count(table, &blocks, err))
        return false;
    if (blocks <= 1) /* an empty table needs no map */
        return true;
    if (!find_map(&place, map_of(&place, block), &first_map, err) ||
        (first_map == 0 && map_of(&place, block) < HEAP_MAPS(place.page_bytes) && !make_map(&place, map_of(&place, block), &first_map, err)) ||
        !rdb_table_block_count(table, &blocks, err)) /* the map itself counts */
        return false;
    const uint64_t end = RDB_MIN(blocks, block + block_count);
    while (block < end && map_of(&place, block) < HEAP_MAPS(place.page_bytes)) {
        const uint32_t count = (uint32_t)RDB_MIN(RDB_MIN(end - block, (uint64_t)STRETCH), (uint64_t)(HEAP_MAP_BITS(place.page_bytes) - bit_of(&place, block)));
        uint64_t map_block;
        bool is_set[STRETCH];
        if (cancel != NULL && !rdb_cancel_check(cancel, err))
            return false;
        if (!find_map(&place, map_of(&place, block), &map_block, err) || (map_block == 0 && !make_map(&place, map_of(&place, block), &map_block, err)) ||
            !read_stretch(&place, map_block, block, count, is_set, err))
            return false;
        for (uint32_t i = 0, taken; i < count; i += taken)
            if (!mark_run(&place, block + i, count - i, is_set + i, map_block, purged, &taken, late, err))
                return false;
        block += count;
    }
    *next_block = block;
    *is_over = block >= blocks || map_of(&place, block) >= HEAP_MAPS(place.page_bytes);
    return true;
}
