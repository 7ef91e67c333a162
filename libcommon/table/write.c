/* SPDX-License-Identifier: Apache-2.0
 * Changes of rows that are there: update in place, delete, lock, retract.
 *
 * Whoever changes a row looks at it under the home page's exclusive latch: a version that is not the one seen, a writer
 * that runs, a row lock of others are answers for the caller, who waits without any latch. A writer over an aborted version
 * builds on the newest committed one below it and links to that, so that no aborted version ever lies under a later one
 * (R12). The home slot keeps header and stamp for life; where the body does not fit any more it moves, one hop (R13). */
#include "table/table_int.h"

#include <stdlib.h>

typedef struct heap_write {
    const rdb_table *table;
    heap_place place;
    rdb_txn *txn;
    rdb_row_address address;
    rdb_xid xid;
    heap_walker walker;
    rdb_buffer *home, *body_page, *new_page;
    uint32_t cell_offset, cell_length; /* at home */
    bool is_moved, new_is_fresh;
    rdb_row_address body_address;      /* where the body is, moved */
    uint32_t body_length;              /* of its cell */
    heap_version current, base;        /* in place; the newest that counts */
} heap_write;

static void release_pages(heap_write *w)
{
    rdb_buffer_release(w->new_page, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(w->body_page, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(w->home, RDB_BUFFER_EXCLUSIVE);
    w->home = w->body_page = w->new_page = NULL;
}

/* Latches the home page and, where the body has moved, its page: tried, for two heap pages have no order. *again: another
 * thread was in the way, nothing is held. */
static bool latch_row(heap_write *w, bool *found, bool *again, rdb_error *err)
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
        release_pages(w);
        *again = true;
        return true;
    }
    const rdb_page *other = rdb_buffer_page(w->body_page);
    uint32_t offset;
    if (other->type != RDB_PAGE_HEAP || RDB_ROW_SLOT(w->body_address) >= heap_slot_count(other) ||
        heap_slot(other, RDB_ROW_SLOT(w->body_address), &offset, &w->body_length) != HEAP_SLOT_BODY)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a moved row of relation %u has lost its body",
                             w->table != NULL ? (unsigned)w->table->relation_oid : 0u);
    w->current.body = heap_cell(other, offset) + HEAP_BODY_PREFIX;
    w->current.length = w->body_length - HEAP_BODY_PREFIX;
    return true;
}

static bool same_version(const heap_version *version, rdb_row_version seen)
{
    return version->xid == seen.xid && version->undo == seen.undo;
}

/* May this transaction, which saw `seen`, write over what stands in place? key_share: only a lock that a change of other
 * columns does not disturb. *base is the version to build on. */
static bool judge(const heap_place *place, rdb_txn *txn, const rdb_snapshot *snapshot, const heap_version *current, rdb_row_version seen,
                  bool key_share, heap_walker *walker, heap_version *base, rdb_write_outcome *outcome, rdb_xid *wait_xid, rdb_error *err)
{
    heap_fate fate;
    bool found;
    rdb_xid top;
    *base = *current;
    *wait_xid = 0;
    if (!heap_find_newest(place, txn, walker, base, false, &found, &fate, &top, err))
        return false;
    if (found && fate == HEAP_RUNNING && key_share && (base->flags & (HEAP_DELETED | HEAP_KEY_UPDATED)) == 0 &&
        (!heap_step_back(place, walker, base, &found, err) ||
         (found && !heap_find_newest(place, txn, walker, base, false, &found, &fate, &top, err))))
        return false;
    if (!found) {
        *outcome = RDB_WRITE_GONE;
    } else if (fate == HEAP_RUNNING) {
        *outcome = RDB_WRITE_WAIT;
        *wait_xid = top;
    } else if (same_version(base, seen)) {
        *outcome = (base->flags & HEAP_DELETED) != 0 ? RDB_WRITE_GONE : RDB_WRITE_DONE;
    } else if (fate == HEAP_OWN &&
               (snapshot == NULL || base->undo >= snapshot->own_undo[RDB_UNDO_CLASS(base->undo)])) {
        *outcome = RDB_WRITE_SELF;
    } else {
        *outcome = (base->flags & HEAP_DELETED) != 0 ? RDB_WRITE_GONE : RDB_WRITE_CHANGED;
    }
    return true;
}

/* How much of the start and the end two stretches share. */
static void compare(const uint8_t *a, uint32_t a_length, const uint8_t *b, uint32_t b_length, uint32_t *start, uint32_t *end)
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
    compare(old_bytes, old_length, new_bytes, new_length, &start, &end);
    if (start + end < old_length || start + end < new_length)
        heap_edit_splice(edits, slot, skip + start, old_length - start - end, new_bytes + start, new_length - start - end);
}

typedef struct heap_edits_set {
    heap_edits home, body, fresh;
} heap_edits_set;

/* Places a version of the row (header and bytes) where it fits: at home, in the body's page, or in another one, which is
 * chosen and latched here. Page room is counted as redo will count it. */
static bool place_version(heap_write *w, heap_edits_set *set, uint8_t header[HEAP_STUB_BYTES], unsigned flags, const uint8_t *bytes,
                          uint32_t length, rdb_error *err)
{
    uint32_t slot = RDB_ROW_SLOT(w->address), page_bytes = w->place.page_bytes;
    uint32_t room = heap_free_bytes(rdb_buffer_page(w->home), page_bytes) + w->cell_length;
    if (HEAP_HEADER_BYTES + length <= room) { /* at home */
        rdb_put_u16(header + 16, (uint16_t)flags);
        if (!w->is_moved) {
            heap_edit_splice(&set->home, slot, 0, HEAP_HEADER_BYTES, header, HEAP_HEADER_BYTES);
            splice_body(&set->home, slot, HEAP_HEADER_BYTES, w->current.body, w->current.length, bytes, length);
        } else {
            heap_edit_put(&set->home, HEAP_SLOT_ROW, slot, header, HEAP_HEADER_BYTES, bytes, length);
            heap_edit_free(&set->body, RDB_ROW_SLOT(w->body_address));
        }
        return true;
    }
    rdb_put_u16(header + 16, (uint16_t)(flags | HEAP_MOVED));
    if (w->is_moved && HEAP_BODY_PREFIX + length <= heap_free_bytes(rdb_buffer_page(w->body_page), page_bytes) + w->body_length) {
        heap_edit_splice(&set->home, slot, 0, HEAP_HEADER_BYTES, header, HEAP_HEADER_BYTES);
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
    heap_edit_put(&set->home, HEAP_SLOT_ROW, slot, header, HEAP_STUB_BYTES, NULL, 0);
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

static bool apply_edits(heap_write *w, const heap_edits_set *set, rdb_undo_append *append, rdb_error *err)
{
    rdb_change change;
    rdb_lsn end_lsn;
    if (set->home.failed || set->body.failed || set->fresh.failed)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_change_init(&change, w->place.storage, w->place.pdb, w->xid, RDB_RESOURCE_HEAP, HEAP_OP_EDIT);
    add_block(&change, w->home, &set->home, 0);
    if (w->body_page != NULL)
        add_block(&change, w->body_page, &set->body, 0);
    if (w->new_page != NULL)
        add_block(&change, w->new_page, &set->fresh, w->new_is_fresh ? RDB_WAL_BLOCK_INIT : 0);
    if (append != NULL)
        rdb_undo_append_add(append, &change);
    return rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
}

static void edits_set_init(heap_edits_set *set)
{
    heap_edits_init(&set->home);
    heap_edits_init(&set->body);
    heap_edits_init(&set->fresh);
}
static void edits_set_deinit(heap_edits_set *set)
{
    heap_edits_deinit(&set->home);
    heap_edits_deinit(&set->body);
    heap_edits_deinit(&set->fresh);
}

/* What a new version is made of. */
typedef struct heap_new {
    rdb_undo_kind kind;
    const uint8_t *bytes; /* body; NULL: that of the base */
    uint32_t length;
    uint16_t flags, layout;
    const rdb_undo_head *heads;
    uint32_t head_count;
    const rdb_undo_key *keys;
    uint32_t key_count;
} heap_new;

/* Writes the new version over the row whose pages are latched and whose base is known. */
static bool write_version(heap_write *w, const heap_new *made, rdb_row_version *version, rdb_error *err)
{
    rdb_undo_head *old_heads = NULL;
    heap_edits_set set;
    rdb_undo_append append;
    bool ok = false;
    const uint8_t *bytes = made->bytes != NULL ? made->bytes : w->base.body;
    uint32_t length = made->bytes != NULL ? made->length : w->base.length;
    rdb_undo_record record = {
        .kind = (uint8_t)made->kind,
        .xid = w->xid,
        .previous_xid = w->base.xid,
        .previous = w->base.undo,
        .row_flags = w->base.flags,
        .layout = w->base.layout,
        .file = w->place.file,
        .home = w->address,
        .keys = made->keys,
        .key_count = (uint16_t)made->key_count,
        .new_heads = made->heads,
        .new_head_count = (uint16_t)made->head_count,
    };
    if (made->kind == RDB_UNDO_UPDATE) {
        uint32_t start = 0, end = 0;
        if (w->base.layout == made->layout) { /* no delta across layouts (R14) */
            compare(w->base.body, w->base.length, bytes, length, &start, &end);
            record.flags = RDB_UNDO_IS_DELTA;
        }
        record.shared_start = (uint16_t)start;
        record.new_middle = (uint16_t)(length - start - end);
        record.image = (rdb_slice){w->base.body + start, w->base.length - start - end};
        uint32_t count = heap_collect_heads(w->base.flags, w->base.body, w->base.length, NULL, 0);
        if (count > 0) {
            old_heads = malloc(count * sizeof *old_heads);
            if (old_heads == NULL)
                return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
            heap_collect_heads(w->base.flags, w->base.body, w->base.length, old_heads, count);
            record.old_heads = old_heads;
            record.old_head_count = (uint16_t)count;
        }
    }
    edits_set_init(&set);
    if (rdb_undo_append_begin(&append, w->txn, w->table->undo_class, &record, err)) {
        uint8_t header[HEAP_STUB_BYTES];
        unsigned flags = made->flags | ((w->base.flags | w->current.flags) & HEAP_KEYS_CHANGED);
        heap_write_header(header, w->xid, append.address, flags, made->layout);
        ok = place_version(w, &set, header, flags, bytes, length, err) && apply_edits(w, &set, &append, err);
        if (ok && version != NULL)
            *version = (rdb_row_version){w->xid, append.address};
    }
    rdb_undo_append_end(&append, ok);
    edits_set_deinit(&set);
    free(old_heads);
    return ok;
}

/* Latches the row and judges it; leaves it latched only where the outcome is DONE. */
static bool begin_write(heap_write *w, const rdb_snapshot *snapshot, rdb_row_version seen, rdb_row_lock strength,
                        rdb_write_outcome *outcome, rdb_xid *wait_xid, rdb_error *err)
{
    for (;;) {
        bool found, again;
        if (!latch_row(w, &found, &again, err))
            return false;
        if (again) {
            rdb_cpu_relax();
            continue;
        }
        if (!found) {
            *outcome = RDB_WRITE_GONE;
            *wait_xid = 0;
        } else if (!judge(&w->place, w->txn, snapshot, &w->current, seen, false, &w->walker, &w->base, outcome, wait_xid, err)) {
            return false;
        }
        if (*outcome == RDB_WRITE_DONE && !rdb_lock_row_is_free(w->txn, w->place.file, w->address, strength))
            *outcome = RDB_WRITE_WAIT;
        if (*outcome != RDB_WRITE_DONE)
            release_pages(w);
        return true;
    }
}

static bool open_write(heap_write *w, const rdb_table *table, rdb_txn *txn, rdb_row_address address, rdb_error *err)
{
    *w = (heap_write){.table = table, .place = heap_place_of(table), .txn = txn, .address = address};
    heap_walker_init(&w->walker, w->place.page_bytes);
    return heap_check_pdb(table, txn, err) && rdb_undo_prepare(txn, table->undo_class, &w->xid, err);
}

static void close_write(heap_write *w)
{
    release_pages(w);
    heap_walker_deinit(&w->walker);
}

static rdb_undo_key *copy_keys(const rdb_index_key *keys, uint32_t key_count, rdb_undo_key *small, uint32_t small_count, rdb_error *err)
{
    rdb_undo_key *made = key_count <= small_count ? small : malloc(key_count * sizeof *made);
    if (made == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    for (uint32_t i = 0; i < key_count; i++)
        made[i] = (rdb_undo_key){.index_file = keys[i].index_file, .old_key = keys[i].old_key, .new_key = keys[i].new_key};
    return made;
}

bool rdb_table_update(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                      rdb_row_version seen, const rdb_datum *values, const bool *is_null, const rdb_index_key *keys,
                      uint32_t key_count, bool key_changed, rdb_write_outcome *outcome, rdb_xid *wait_xid,
                      rdb_row_version *version, rdb_error *err)
{
    heap_write w;
    heap_body body = {.bytes = NULL};
    rdb_undo_key small[16], *made = small;
    bool ok = false, written = false;
    *outcome = RDB_WRITE_DONE;
    *wait_xid = 0;
    if (!open_write(&w, table, txn, address, err))
        goto out;
    made = copy_keys(keys, key_count, small, RDB_COUNT_OF(small), err);
    if (made == NULL || !heap_body_make(&body, table, w.xid, values, is_null, err) ||
        !begin_write(&w, snapshot, seen, key_changed ? RDB_ROW_UPDATE : RDB_ROW_NO_KEY_UPDATE, outcome, wait_xid, err))
        goto out;
    ok = true;
    if (*outcome == RDB_WRITE_DONE) {
        heap_new next = {
            .kind = RDB_UNDO_UPDATE,
            .bytes = body.bytes + HEAP_HEADER_BYTES,
            .length = body.length - HEAP_HEADER_BYTES,
            .flags = (uint16_t)(body.flags | (key_count > 0 ? HEAP_KEYS_CHANGED : 0) | (key_changed ? HEAP_KEY_UPDATED : 0)),
            .layout = body.layout,
            .heads = body.heads,
            .head_count = body.head_count,
            .keys = made,
            .key_count = key_count,
        };
        ok = written = write_version(&w, &next, version, err);
    }
out:
    close_write(&w);
    if (!written)
        heap_body_free_chains(&body, &w.place);
    if (body.bytes != NULL || body.heads != NULL)
        heap_body_deinit(&body);
    if (made != small)
        free(made);
    return ok;
}

bool rdb_table_delete(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                      rdb_row_version seen, const rdb_index_key *keys, uint32_t key_count, rdb_write_outcome *outcome,
                      rdb_xid *wait_xid, rdb_error *err)
{
    heap_write w;
    rdb_undo_key small[16], *made = small;
    bool ok = false;
    *outcome = RDB_WRITE_DONE;
    *wait_xid = 0;
    if (!open_write(&w, table, txn, address, err))
        goto out;
    made = copy_keys(keys, key_count, small, RDB_COUNT_OF(small), err);
    if (made == NULL || !begin_write(&w, snapshot, seen, RDB_ROW_UPDATE, outcome, wait_xid, err))
        goto out;
    ok = true;
    if (*outcome == RDB_WRITE_DONE) {
        heap_new next = {
            .kind = RDB_UNDO_DELETE,
            .flags = (uint16_t)((w.base.flags & HEAP_BODY_FLAGS) | HEAP_DELETED | HEAP_KEY_UPDATED),
            .layout = w.base.layout,
            .keys = made,
            .key_count = key_count,
        };
        ok = write_version(&w, &next, NULL, err);
    }
out:
    close_write(&w);
    if (made != small)
        free(made);
    return ok;
}

bool rdb_table_retract(const rdb_table *table, rdb_txn *txn, rdb_row_address address, rdb_error *err)
{
    heap_write w;
    rdb_undo_key small[16], *made = small;
    rdb_undo_reader reader;
    rdb_undo_record inserted;
    bool ok = false, found = false, again = true;
    rdb_undo_reader_init(&reader);
    if (!open_write(&w, table, txn, address, err))
        goto out;
    while (again)
        if (!latch_row(&w, &found, &again, err))
            goto out;
    if (!found || !rdb_txn_is_own(txn, w.current.xid) || (w.current.flags & HEAP_DELETED) != 0) {
        rdb_error_set(err, RDB_INTERNAL_ERROR, "a row that this transaction did not insert cannot be taken back");
        goto out;
    }
    w.base = w.current;
    /* What the insert put into indexes is what purge takes out again. */
    if (!rdb_undo_read(w.place.undo, w.place.pdb, w.current.undo, &reader, &inserted, &found, err))
        goto out;
    uint32_t key_count = 0, capacity = RDB_COUNT_OF(small);
    rdb_undo_key key;
    for (size_t cursor = 0; found && rdb_undo_next_key(&inserted, &cursor, &key);) {
        if (inserted.kind == RDB_UNDO_INSERT_MANY && key.slot != RDB_ROW_SLOT(address))
            continue;
        if (key_count == capacity) {
            rdb_undo_key *grown = malloc(2 * capacity * sizeof *grown);
            if (grown == NULL) {
                rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
                goto out;
            }
            memcpy(grown, made, key_count * sizeof *grown);
            if (made != small)
                free(made);
            made = grown;
            capacity *= 2;
        }
        made[key_count++] = (rdb_undo_key){.index_file = key.index_file, .old_key = key.new_key};
    }
    heap_new next = {
        .kind = RDB_UNDO_DELETE,
        .flags = (uint16_t)((w.base.flags & HEAP_BODY_FLAGS) | HEAP_DELETED | HEAP_KEY_UPDATED),
        .layout = w.base.layout,
        .keys = made,
        .key_count = key_count,
    };
    ok = write_version(&w, &next, NULL, err);
out:
    close_write(&w);
    rdb_undo_reader_deinit(&reader);
    if (made != small)
        free(made);
    return ok;
}

bool rdb_table_lock_row(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                        rdb_row_version seen, rdb_row_lock strength, rdb_lock_policy policy, int64_t lock_timeout_us,
                        rdb_write_outcome *outcome, bool *taken, rdb_error *err)
{
    heap_place place = heap_place_of(table);
    heap_walker walker;
    *outcome = RDB_WRITE_DONE;
    if (!rdb_lock_acquire_row(txn, table->file, address, strength, policy, lock_timeout_us, taken, err))
        return false;
    heap_walker_init(&walker, place.page_bytes);
    bool ok = true;
    while (ok && *taken) {
        rdb_buffer *buffer = NULL;
        heap_version current, base;
        bool found = false;
        rdb_xid wait_xid = 0;
        ok = rdb_buffer_acquire(place.storage, heap_tag(&place, RDB_ROW_BLOCK(address)), RDB_BUFFER_SHARED, &buffer, err) &&
             heap_read_place(&place, rdb_buffer_page(buffer), RDB_ROW_SLOT(address), &walker, &current, &found, err);
        if (ok && !found)
            *outcome = RDB_WRITE_GONE;
        else if (ok)
            ok = judge(&place, txn, snapshot, &current, seen, strength == RDB_ROW_KEY_SHARE, &walker, &base, outcome, &wait_xid, err);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        if (!ok || *outcome != RDB_WRITE_WAIT)
            break;
        if (policy == RDB_LOCK_SKIP)
            *taken = false;
        else
            ok = rdb_lock_wait_xid(txn, wait_xid, policy, lock_timeout_us, err);
    }
    heap_walker_deinit(&walker);
    return ok;
}
