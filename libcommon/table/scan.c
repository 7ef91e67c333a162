/* SPDX-License-Identifier: Apache-2.0
 * Sequential scans. A page is visited under its shared latch: which of its rows the snapshot sees is settled first, then
 * the wanted columns are copied out, column by column. A page whose settled_scn the snapshot has passed needs no look at
 * its stamps at all (R7); a page that has none is given one, where its stamps are all of published commits. */
#include "table/table_int.h"

#include <stdlib.h>

#define SCAN_ROWS RDB_TABLE_FILTER_ROWS /* gathered at a time: bounds what stands on the stack */
#define SCAN_PAGES 16u /* latched together, so that loops over columns run over more than a page's rows */
#define SCAN_PREFETCH 32u
#define SLOW_LOAD_US 150 /* a stretch out of the system's cache takes less */
#define WARM_PAGES 4u /* ahead of the one being read */
#define PASSED_OVER_MAX 4096u /* rows that a filter may drop in one call: the caller looks at its cancellation in between */

struct rdb_table_scan {
    const rdb_table *table;
    heap_place place;
    rdb_txn *txn;
    const rdb_snapshot *snapshot;
    const int16_t *columns;
    uint16_t column_count;
    uint64_t first_block, last_block; /* those it was opened for; last_block is behind them */
    uint64_t end_block;               /* of the stretch being read */
    uint64_t block; /* next to visit */
    uint32_t slot;  /* in it */
    uint64_t prefetched;
    heap_walker walker;
    const rdb_table_filter *filter;
    bool is_filtered;
    uint64_t passed_over;
};

/* The table as a snapshot from before its rewrite has it: its rows in the file that they had then, which stays while such snapshots do. */
static bool find_older(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_table *older, rdb_error *err)
{
    *older = *table;
    while (older->data_since_scn > snapshot->scn) {
        rdb_table_origin origin;
        rdb_xid_state state = RDB_XID_COMMITTED;
        if (!rdb_txn_check_snapshot(table->txns, snapshot, err))
            return false;
        if (older->older_file == 0) {
            rdb_error_set(err, RDB_SNAPSHOT_TOO_OLD, "snapshot too old");
            return rdb_error_detail(err, "The table was rewritten after the snapshot was taken.");
        }
        if (snapshot->tracks_reads && !rdb_ssi_read_past(txn, table->pdb, older->made_by, err))
            return false;
        older->file = older->older_file;
        older->data_since_scn = 0;
        if (!rdb_table_get_origin(table->storage, table->pdb, older->file, &origin, err) ||
            (origin.xid != 0 && origin.older_file != older->file &&
             !rdb_txn_resolve(table->txns, table->pdb, origin.xid, &state, &older->data_since_scn, err)))
            return false;
        older->older_file = origin.older_file;
        older->made_by = origin.xid;
    }
    return true;
}

bool rdb_table_scan_open(rdb_table_scan **opened, const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot,
                         const int16_t *columns, uint16_t column_count, uint64_t first_block, uint64_t block_count,
                         rdb_arena *arena, rdb_error *err)
{
    *opened = NULL;
    uint64_t blocks;
    if (snapshot->tracks_reads && !rdb_ssi_read_relation(txn, table->relation_oid, err)) /* before the blocks are counted */
        return false;
    if (heap_was_replaced(table, snapshot)) {
        rdb_table *older = RDB_NEW(arena, rdb_table);
        if (!find_older(table, txn, snapshot, older, err))
            return false;
        table = older;
    }
    if (!rdb_table_block_count(table, &blocks, err))
        return false;
    rdb_table_scan *scan = RDB_NEW(arena, rdb_table_scan);
    scan->table = table;
    scan->place = heap_place_of(table);
    scan->txn = txn;
    scan->snapshot = snapshot;
    scan->columns = columns;
    scan->column_count = column_count;
    scan->first_block = RDB_MIN(RDB_MAX(first_block, UINT64_C(1)), blocks); /* block 0 holds no rows */
    uint64_t asked_end = block_count > UINT64_MAX - first_block ? UINT64_MAX : first_block + block_count;
    scan->last_block = scan->end_block = RDB_MAX(RDB_MIN(blocks, asked_end), scan->first_block);
    scan->block = scan->prefetched = scan->first_block;
    heap_walker_init(&scan->walker, scan->place.page_bytes);
    *opened = scan;
    return true;
}

void rdb_table_scan_rewind(rdb_table_scan *scan)
{
    rdb_table_scan_move(scan, scan->first_block, scan->last_block - scan->first_block);
}

void rdb_table_scan_move(rdb_table_scan *scan, uint64_t first_block, uint64_t block_count)
{
    scan->block = scan->prefetched = RDB_MIN(RDB_MAX(first_block, scan->first_block), scan->last_block);
    scan->end_block = RDB_MIN(scan->block + block_count, scan->last_block);
    scan->slot = 0;
}

void rdb_table_scan_range(const rdb_table_scan *scan, uint64_t *first_block, uint64_t *end_block)
{
    *first_block = scan->first_block;
    *end_block = scan->last_block;
}

void rdb_table_scan_close(rdb_table_scan **opened)
{
    rdb_table_scan *scan = *opened;
    *opened = NULL;
    if (scan != NULL)
        heap_walker_deinit(&scan->walker); /* the struct lies in the caller's arena */
}

/* What was read through an expired snapshot may have been purged meanwhile: rows, versions, large values. Whatever came of it, that is
 * what there is to tell. */
static bool end_read(const heap_place *place, const rdb_snapshot *snapshot, bool ok, rdb_error *err)
{
    rdb_error too_old = {0};
    if (RDB_LIKELY(rdb_txn_check_snapshot(place->txns, snapshot, &too_old)))
        return ok;
    rdb_error_clear(&too_old);
    rdb_error_clear(err);
    return rdb_txn_check_snapshot(place->txns, snapshot, err);
}

void heap_settle(const heap_place *place, rdb_buffer *buffer)
{
    const rdb_page *page = rdb_buffer_page(buffer);
    rdb_scn newest = 0, published = rdb_txn_published_scn(place->txns);
    rdb_xid resolved = 0; /* that of the row before: neighbours often have one writer */
    uint32_t count = heap_slot_count(page);
    rdb_error err;
    rdb_error_init(&err);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offset, length;
        if (heap_slot(page, i, &offset, &length) != HEAP_SLOT_ROW)
            continue;
        if (!heap_cell_fits(offset, length, HEAP_STUB_BYTES, place->page_bytes))
            return; /* readers will say so */
        const rdb_xid xid = heap_cell_xid(heap_cell(page, offset));
        rdb_xid_state state;
        rdb_scn scn;
        if (xid == resolved)
            continue;
        if (!rdb_txn_resolve(place->txns, place->pdb, xid, &state, &scn, &err)) {
            rdb_error_clear(&err);
            return;
        }
        if (state != RDB_XID_COMMITTED || scn > published)
            return;
        newest = RDB_MAX(newest, scn);
        resolved = xid;
    }
    rdb_buffer_settle(buffer, RDB_MAX(newest, UINT64_C(1)));
}

/* One row of the latched page that is not simply there for all: deleted, moved, or of a version that has to be looked for, which
 * only a visit of one page does. */
static bool gather_odd(rdb_table_scan *scan, const rdb_page *page, bool is_settled, bool may_look, heap_row *row, bool *found, bool *is_built, bool *is_elsewhere, rdb_error *err)
{
    const heap_place *place = &scan->place;
    uint32_t offset, length;
    (void)heap_slot(page, scan->slot, &offset, &length);
    const uint8_t *cell = heap_cell(page, offset);
    const uint16_t flags = heap_cell_flags(cell);
    bool visible = is_settled;
    *found = *is_built = false;
    if (!visible && !rdb_txn_sees(place->txns, place->pdb, scan->snapshot, scan->txn, heap_cell_xid(cell), heap_cell_undo(cell), &visible, err))
        return false;
    if (visible && (flags & HEAP_DELETED) != 0)
        return true;
    if (RDB_LIKELY(visible && (flags & HEAP_MOVED) == 0)) {
        row->version = (heap_version){heap_cell_xid(cell),         heap_cell_undo(cell),      flags,
                                      rdb_get_u16(cell + 18),      length - HEAP_HEADER_BYTES, cell + HEAP_HEADER_BYTES};
        *found = true;
        return true;
    }
    *is_elsewhere = !may_look;
    if (*is_elsewhere)
        return true;
    *is_built = true;
    if (!heap_read_place(place, page, scan->slot, &scan->walker, &row->version, found, err))
        return false;
    return !*found || visible || heap_find_visible(place, scan->txn, scan->snapshot, &scan->walker, &row->version, found, err);
}

/* The rows of a visit: of the pages latched for it, in their order. */
typedef struct scan_visit {
    rdb_buffer *pages[SCAN_PAGES];
    uint32_t page_count, count;
    unsigned flags;  /* all rows' */
    unsigned others; /* not 0: one is of another layout than the current one */
    bool is_over;    /* a row that had to be built from undo ends it, for its bytes hold only until the next such row */
} scan_visit;

/* Rows of the latched page from scan->slot on, until the visit has max or the page ends. Where it has other pages, a row that is to
 * be looked for elsewhere ends it before: it comes first in the next one, with no latch held but its own page's. */
static bool gather(scan_visit *visit, rdb_table_scan *scan, rdb_buffer *buffer, heap_row *rows, uint32_t max, bool *page_ended, rdb_error *err)
{
    const rdb_page *page = rdb_buffer_page(buffer);
    const uint32_t page_bytes = scan->place.page_bytes;
    if (RDB_UNLIKELY(page->lower > page_bytes))
        return heap_bad_row(&scan->place, scan->block, 0, err);
    if (scan->slot == 0 && heap_settled_scn(page) == 0) /* as a page is that comes from disk: one look at its stamps is less than one a row */
        heap_settle(&scan->place, buffer);
    const uint32_t slots = heap_slot_count(page);
    const rdb_scn settled_scn = heap_settled_scn(page);
    const bool is_settled = settled_scn != 0 && settled_scn <= scan->snapshot->scn;
    const uint16_t layout = scan->table->current_layout;
    uint32_t taken = visit->count, slot = scan->slot;
    unsigned flags_met = visit->flags, others = visit->others;
    for (; slot < slots && taken < max; slot++) {
        uint32_t offset, length;
        if (heap_slot(page, slot, &offset, &length) != HEAP_SLOT_ROW)
            continue;
        if (RDB_UNLIKELY(!heap_cell_fits(offset, length, HEAP_STUB_BYTES, page_bytes)))
            return heap_bad_row(&scan->place, scan->block, slot, err);
        const uint8_t *cell = heap_cell(page, offset);
        const uint16_t flags = heap_cell_flags(cell);
        heap_row *row = &rows[taken];
        row->address = RDB_ROW_ADDRESS(scan->block, slot);
        if (RDB_LIKELY(is_settled && (flags & (HEAP_DELETED | HEAP_MOVED)) == 0)) {
            row->version = (heap_version){heap_cell_xid(cell),         heap_cell_undo(cell),      flags,
                                          rdb_get_u16(cell + 18),      length - HEAP_HEADER_BYTES, cell + HEAP_HEADER_BYTES};
            flags_met |= flags;
            others |= (unsigned)(row->version.layout ^ layout);
            taken++;
            continue;
        }
        bool found = false, is_built = false, is_elsewhere = false;
        scan->slot = slot;
        if (!gather_odd(scan, page, is_settled, visit->page_count == 1, row, &found, &is_built, &is_elsewhere, err))
            return false;
        if (is_elsewhere) {
            visit->is_over = true;
            break;
        }
        taken += found;
        if (!found)
            continue;
        flags_met |= row->version.flags;
        others |= (unsigned)(row->version.layout ^ layout);
        if (is_built) {
            visit->is_over = true;
            slot++;
            break;
        }
    }
    scan->slot = slot;
    visit->count = taken;
    visit->flags = flags_met;
    visit->others = others;
    *page_ended = slot >= slots;
    return true;
}

/* A page comes from memory while those before it are being read; which frame it stands in, while those before that are. */
static void warm_ahead(const rdb_table_scan *scan)
{
    if (scan->block + WARM_PAGES < scan->end_block)
        (void)rdb_buffer_warm(scan->place.storage, heap_tag(&scan->place, scan->block + WARM_PAGES), RDB_WARM_ALL, 0);
    if (scan->block + 2 * WARM_PAGES < scan->end_block)
        (void)rdb_buffer_warm(scan->place.storage, heap_tag(&scan->place, scan->block + 2 * WARM_PAGES), RDB_WARM_PLACE, 0);
}

/* All of a page's cells at once, so that the memory's answers come side by side and not row after row. */
static void touch_page(const rdb_page *page, uint32_t page_bytes)
{
    const volatile uint8_t *bytes = (const volatile uint8_t *)page;
    for (uint32_t at = page->upper; at < page_bytes; at += 64)
        (void)bytes[at];
}

/* The next stretch into the pool, where it is not there. Where that took the disk's time, the disk is told what comes after it. */
static void read_ahead(rdb_table_scan *scan)
{
    const uint64_t ahead = RDB_MIN((uint64_t)SCAN_PREFETCH, scan->end_block - scan->block);
    scan->prefetched = scan->block + ahead;
    if (ahead > 1 && !(rdb_buffer_warm(scan->place.storage, heap_tag(&scan->place, scan->block), RDB_WARM_ALL, 0) &&
                       rdb_buffer_warm(scan->place.storage, heap_tag(&scan->place, scan->block + ahead - 1), RDB_WARM_AT, 0))) {
        const int64_t began_us = rdb_time_monotonic_us();
        rdb_storage_load(scan->place.storage, heap_tag(&scan->place, scan->block), (uint32_t)ahead);
        const uint64_t after = RDB_MIN((uint64_t)4 * SCAN_PREFETCH, scan->end_block - scan->prefetched);
        if (after > 0 && rdb_time_monotonic_us() - began_us > SLOW_LOAD_US)
            rdb_storage_prefetch(scan->place.storage, heap_tag(&scan->place, scan->prefetched), (uint32_t)after);
    }
}

/* Runs the stages over the rows of a visit. *kept: those that stay; all of them where a stage could not tell. */
static bool run_stages(rdb_table_scan *scan, const scan_visit *visit, heap_row *rows, heap_row *narrow, uint32_t *left, rdb_arena *arena, bool *could_tell, rdb_error *err)
{
    const rdb_table_filter *filter = scan->filter;
    uint32_t kept[SCAN_ROWS], count = visit->count;
    const heap_row *from = rows;
    *could_tell = visit->others == 0 && (visit->flags & (HEAP_EXTERNAL | HEAP_WHOLE)) == 0;
    for (uint16_t s = 0; *could_tell && s < filter->stage_count && count > 0; s++) {
        const rdb_table_filter_stage *stage = &filter->stages[s];
        heap_output output;
        uint32_t kept_count = 0;
        for (uint16_t c = 0; c < stage->column_count; c++)
            rdb_vector_clear_nulls(stage->vectors[c]);
        heap_output_init(&output, scan->table, stage->columns, stage->column_count, arena, stage->vectors);
        output.borrows = true;
        output.flags = visit->flags;
        output.are_plain = true;
        if (!heap_output_rows(&output, from, count, 0, err))
            return false;
        if (!filter->keep(filter->context, s, count, kept, &kept_count)) {
            *could_tell = false;
            break;
        }
        if (kept_count < count)
            for (uint32_t i = 0; i < kept_count; i++)
                narrow[i] = from[kept[i]];
        else if (from == rows)
            memcpy(narrow, rows, count * sizeof *narrow);
        from = narrow;
        count = kept_count;
    }
    *left = *could_tell ? count : visit->count;
    return true;
}

/* Narrows the rows of a visit, in narrow, to those that pass the scan's filter; at most room of them, the scan goes on behind the last. */
static bool filter_rows(rdb_table_scan *scan, scan_visit *visit, heap_row *rows, heap_row *narrow, uint32_t room, rdb_arena *arena, rdb_error *err)
{
    const uint32_t met = visit->count;
    uint32_t left = 0, seen = met;
    bool could_tell = true;
    if (!run_stages(scan, visit, rows, narrow, &left, arena, &could_tell, err))
        return false;
    if (!could_tell) {
        scan->is_filtered = false; /* the owner will look at these itself */
        memcpy(narrow, rows, met * sizeof *narrow);
    }
    if (left > room) {
        left = room;
        for (seen = room; rows[seen - 1].address != narrow[room - 1].address;)
            seen++;
        scan->block = RDB_ROW_BLOCK(narrow[room - 1].address);
        scan->slot = RDB_ROW_SLOT(narrow[room - 1].address) + 1u;
    }
    scan->passed_over += seen - left;
    visit->count = left;
    return true;
}

void rdb_table_scan_set_filter(rdb_table_scan *scan, const rdb_table_filter *filter)
{
    scan->filter = filter;
}

void rdb_table_scan_tell(const rdb_table_scan *scan, rdb_table_scan_state *state)
{
    *state = (rdb_table_scan_state){.is_at_end = scan->block >= scan->end_block, .is_filtered = scan->is_filtered, .passed_over = scan->passed_over};
}

/* Latches pages and gathers their rows until there are enough of them for a visit. The first page is waited for, and read where it is
 * not in memory; the others are taken along as they are at hand. */
static bool visit_pages(rdb_table_scan *scan, scan_visit *visit, heap_row *rows, uint32_t max, rdb_error *err)
{
    visit->page_count = visit->count = 0;
    visit->flags = visit->others = 0;
    visit->is_over = false;
    while (visit->count < max && visit->page_count < SCAN_PAGES && !visit->is_over && scan->block < scan->end_block) {
        rdb_buffer *buffer = NULL;
        const bool is_first = visit->page_count == 0;
        if (scan->block >= scan->prefetched) {
            if (!is_first)
                break;
            read_ahead(scan);
        }
        if (scan->slot == 0)
            warm_ahead(scan);
        if (is_first ? !rdb_buffer_acquire(scan->place.storage, heap_tag(&scan->place, scan->block), RDB_BUFFER_SHARED, &buffer, err)
                     : !rdb_buffer_try_acquire(scan->place.storage, heap_tag(&scan->place, scan->block), RDB_BUFFER_SHARED, &buffer))
            return !is_first;
        visit->pages[visit->page_count++] = buffer;
        const rdb_page *page = rdb_buffer_page(buffer);
        bool ended = page->type != RDB_PAGE_HEAP;
        if (scan->slot == 0 && !ended)
            touch_page(page, scan->place.page_bytes);
        if (!ended && !gather(visit, scan, buffer, rows, max, &ended, err))
            return false;
        if (ended) {
            scan->block++;
            scan->slot = 0;
        }
    }
    return true;
}

bool rdb_table_scan_next(rdb_table_scan *scan, uint32_t capacity, rdb_arena *batch_arena, rdb_vector *const *vectors,
                         rdb_row_address *addresses, rdb_row_version *versions, uint32_t *count, rdb_error *err)
{
    heap_output output;
    heap_row rows[SCAN_ROWS], narrow[SCAN_ROWS];
    scan_visit visit;
    bool ok = true;
    *count = 0;
    scan->passed_over = 0;
    scan->is_filtered = scan->filter != NULL;
    for (uint16_t c = 0; c < scan->column_count; c++)
        rdb_vector_clear_nulls(vectors[c]);
    heap_output_init(&output, scan->table, scan->columns, scan->column_count, batch_arena, vectors);
    while (ok && *count < capacity && scan->block < scan->end_block && scan->passed_over < PASSED_OVER_MAX) {
        const uint32_t room = capacity - *count;
        const heap_row *kept = scan->filter != NULL ? narrow : rows;
        ok = visit_pages(scan, &visit, rows, scan->filter != NULL ? SCAN_ROWS : RDB_MIN(SCAN_ROWS, room), err) &&
             (scan->filter == NULL || visit.count == 0 || filter_rows(scan, &visit, rows, narrow, room, batch_arena, err));
        output.flags = visit.flags;
        output.are_plain = visit.others == 0 && (visit.flags & (HEAP_EXTERNAL | HEAP_WHOLE)) == 0;
        ok = ok && (visit.count == 0 || heap_output_rows(&output, kept, visit.count, *count, err));
        for (uint32_t i = 0; ok && addresses != NULL && i < visit.count; i++)
            addresses[*count + i] = kept[i].address;
        for (uint32_t i = 0; ok && versions != NULL && i < visit.count; i++)
            versions[*count + i] = (rdb_row_version){kept[i].version.xid, kept[i].version.undo};
        *count += ok ? visit.count : 0;
        for (uint32_t i = 0; i < visit.page_count; i++)
            rdb_buffer_release(visit.pages[i], RDB_BUFFER_SHARED);
    }
    ok = ok && heap_output_finish(&output, err);
    heap_output_deinit(&output);
    return end_read(&scan->place, scan->snapshot, ok, err);
}

/* ---- rows by address ------------------------------------------------------------------------------------------------- */
#define FETCH_PLACE_AHEAD 24u /* rows */
#define FETCH_PAGE_AHEAD 12u

/* Rows stand on their pages from the end down, about as wide as those of the page before: a guess at where one begins. */
static void warm_row(const heap_place *place, rdb_row_address address, uint32_t row_bytes)
{
    const uint32_t from_end = RDB_MIN((RDB_ROW_SLOT(address) + 1u) * row_bytes, place->page_bytes);
    (void)rdb_buffer_warm(place->storage, heap_tag(place, RDB_ROW_BLOCK(address)), RDB_WARM_AT, place->page_bytes - from_end);
}

bool rdb_table_fetch(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, const rdb_row_address *addresses,
                     uint32_t count, const int16_t *columns, uint16_t column_count, rdb_arena *batch_arena,
                     rdb_vector *const *vectors, bool *found, bool *recheck, rdb_row_version *versions, rdb_error *err)
{
    heap_output output;
    heap_walker walker;
    rdb_buffer *buffer = NULL;
    rdb_table older;
    bool ok = true;
    if (heap_was_replaced(table, snapshot)) {
        ok = find_older(table, txn, snapshot, &older, err);
        table = &older;
    }
    heap_place place = heap_place_of(table);
    ok = ok && (!snapshot->tracks_reads || rdb_ssi_read_rows(txn, table->relation_oid, addresses, count, err));
    for (uint16_t c = 0; c < column_count; c++)
        rdb_vector_clear_nulls(vectors[c]);
    heap_output_init(&output, table, columns, column_count, batch_arena, vectors);
    heap_walker_init(&walker, place.page_bytes);
    uint32_t row_bytes = 128;
    for (uint32_t i = 1; i < RDB_MIN(count, FETCH_PLACE_AHEAD); i++)
        (void)rdb_buffer_warm(place.storage, heap_tag(&place, RDB_ROW_BLOCK(addresses[i])), RDB_WARM_PLACE, 0);
    for (uint32_t i = 0; ok && i < count; i++) {
        uint64_t block = RDB_ROW_BLOCK(addresses[i]);
        if (i + FETCH_PLACE_AHEAD < count)
            (void)rdb_buffer_warm(place.storage, heap_tag(&place, RDB_ROW_BLOCK(addresses[i + FETCH_PLACE_AHEAD])), RDB_WARM_PLACE, 0);
        if (i + FETCH_PAGE_AHEAD < count && RDB_ROW_BLOCK(addresses[i + FETCH_PAGE_AHEAD]) != block)
            warm_row(&place, addresses[i + FETCH_PAGE_AHEAD], row_bytes);
        if (buffer != NULL && rdb_buffer_tag(buffer).block != block) { /* neighbours share one visit */
            rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
            buffer = NULL;
        }
        if (buffer == NULL && !rdb_buffer_acquire(place.storage, heap_tag(&place, block), RDB_BUFFER_SHARED, &buffer, err)) {
            ok = false;
            break;
        }
        heap_row row = {.address = addresses[i]};
        const rdb_page *page = rdb_buffer_page(buffer);
        const uint32_t slots = heap_slot_count(page);
        if (slots > 0)
            row_bytes = (place.page_bytes - RDB_MIN(page->upper, place.page_bytes)) / slots;
        ok = heap_read_place(&place, page, RDB_ROW_SLOT(addresses[i]), &walker, &row.version, &found[i], err);
        if (!ok || !found[i])
            continue;
        if (recheck != NULL)
            recheck[i] = (row.version.flags & HEAP_KEYS_CHANGED) != 0;
        rdb_scn settled_scn = heap_settled_scn(page);
        if (settled_scn != 0 && settled_scn <= snapshot->scn)
            found[i] = (row.version.flags & HEAP_DELETED) == 0;
        else
            ok = heap_find_visible(&place, txn, snapshot, &walker, &row.version, &found[i], err);
        if (!ok || !found[i])
            continue;
        ok = heap_output_rows(&output, &row, 1, i, err);
        if (versions != NULL)
            versions[i] = (rdb_row_version){row.version.xid, row.version.undo};
    }
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    ok = ok && heap_output_finish(&output, err);
    heap_walker_deinit(&walker);
    heap_output_deinit(&output);
    return end_read(&place, snapshot, ok, err);
}

bool rdb_table_fetch_latest(const rdb_table *table, rdb_txn *txn, rdb_row_address address, const int16_t *columns,
                            uint16_t column_count, rdb_arena *batch_arena, rdb_vector *const *vectors, bool *found,
                            rdb_row_version *version, rdb_error *err)
{
    heap_output output;
    heap_place place = heap_place_of(table);
    heap_walker walker;
    rdb_buffer *buffer = NULL;
    heap_row row = {.address = address};
    heap_fate fate;
    rdb_xid top;
    *found = false;
    for (uint16_t c = 0; c < column_count; c++)
        rdb_vector_clear_nulls(vectors[c]);
    heap_output_init(&output, table, columns, column_count, batch_arena, vectors);
    heap_walker_init(&walker, place.page_bytes);
    bool ok = rdb_buffer_acquire(place.storage, heap_tag(&place, RDB_ROW_BLOCK(address)), RDB_BUFFER_SHARED, &buffer, err) &&
              heap_read_place(&place, rdb_buffer_page(buffer), RDB_ROW_SLOT(address), &walker, &row.version, found, err);
    if (ok && *found)
        ok = heap_find_newest(&place, txn, &walker, &row.version, true, found, &fate, &top, err);
    if (ok && *found && (row.version.flags & HEAP_DELETED) != 0)
        *found = false;
    if (ok && *found) {
        ok = heap_output_rows(&output, &row, 1, 0, err);
        if (version != NULL)
            *version = (rdb_row_version){row.version.xid, row.version.undo};
    }
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    ok = ok && heap_output_finish(&output, err);
    heap_walker_deinit(&walker);
    heap_output_deinit(&output);
    return ok;
}

bool rdb_table_check_row(const rdb_table *table, rdb_txn *txn, rdb_row_address address, const int16_t *columns,
                         uint16_t column_count, rdb_arena *batch_arena, rdb_vector *const *vectors, bool *in_place,
                         bool *committed, rdb_row_status *status, rdb_xid *xid, rdb_error *err)
{
    heap_output output;
    heap_place place = heap_place_of(table);
    heap_walker walker;
    rdb_buffer *buffer = NULL;
    heap_row row = {.address = address};
    bool found = false;
    *in_place = *committed = false;
    *status = RDB_ROW_DEAD;
    *xid = 0;
    for (uint16_t c = 0; c < column_count; c++)
        rdb_vector_clear_nulls(vectors[c]);
    heap_output_init(&output, table, columns, column_count, batch_arena, vectors);
    heap_walker_init(&walker, place.page_bytes);
    bool ok = rdb_buffer_acquire(place.storage, heap_tag(&place, RDB_ROW_BLOCK(address)), RDB_BUFFER_SHARED, &buffer, err) &&
              heap_read_place(&place, rdb_buffer_page(buffer), RDB_ROW_SLOT(address), &walker, &row.version, &found, err);
    heap_fate fate = HEAP_ABORTED;
    if (ok && found) /* over what is aborted: that was never there */
        ok = heap_find_newest(&place, txn, &walker, &row.version, false, &found, &fate, xid, err);
    if (ok && found) {
        *in_place = ok && (row.version.flags & HEAP_DELETED) == 0;
        if (ok && *in_place)
            ok = heap_output_rows(&output, &row, 1, 0, err);
        if (ok && fate != HEAP_RUNNING) {
            *status = *in_place ? RDB_ROW_LIVE : RDB_ROW_DEAD;
            *xid = 0;
        } else if (ok) {
            rdb_xid older;
            *status = RDB_ROW_UNCERTAIN;
            ok = heap_step_back(&place, &walker, &row.version, &found, err) &&
                 (!found || heap_find_newest(&place, txn, &walker, &row.version, true, &found, &fate, &older, err));
            *committed = ok && found && (row.version.flags & HEAP_DELETED) == 0;
            if (*committed)
                ok = heap_output_rows(&output, &row, 1, 1, err);
        }
    }
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    ok = ok && heap_output_finish(&output, err);
    heap_walker_deinit(&walker);
    heap_output_deinit(&output);
    return ok;
}
