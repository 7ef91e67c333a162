/* SPDX-License-Identifier: Apache-2.0
 * Changes of rows that are there: update in place, delete, lock, retract.
 *
 * Whoever changes a row looks at it under the home page's exclusive latch: a version that is not the one seen, a writer
 * that runs, a row lock of others are answers for the caller, who waits without any latch. A writer over an aborted version
 * builds on the newest committed one below it and links to that, so that no aborted version ever lies under a later one
 * (R12). The home slot keeps header and stamp for life; where the body does not fit any more it moves, one hop (R13). */
#include "table/table_int.h"

#include <stdlib.h>

static bool same_version(const heap_version *version, rdb_row_version seen)
{
    return version->xid == seen.xid && version->undo == seen.undo;
}

static rdb_write_outcome outcome_of_change(const heap_version *version)
{
    if ((version->flags & HEAP_DELETED) == 0)
        return RDB_WRITE_CHANGED;
    return (version->flags & HEAP_MOVED_AWAY) != 0 ? RDB_WRITE_MOVED : (version->flags & HEAP_RELOCATED) != 0 ? RDB_WRITE_RELOCATED : RDB_WRITE_GONE;
}

/* May this transaction, which saw `seen`, write over what stands in place? key_share: only a lock, which changes of other columns do not
 * disturb, be they committed or not: the first change of a key on the way back to the version seen counts. *base is the version to
 * build on. */
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
    while (found && key_share && fate != HEAP_OWN && (base->flags & (HEAP_DELETED | HEAP_KEY_UPDATED)) == 0 && !same_version(base, seen))
        if (!heap_step_back(place, walker, base, &found, err) ||
            (found && !heap_find_newest(place, txn, walker, base, false, &found, &fate, &top, err)))
            return false;
    if (!found) {
        *outcome = RDB_WRITE_GONE;
    } else if (fate == HEAP_RUNNING && !(key_share && same_version(base, seen) && (base->flags & (HEAP_DELETED | HEAP_KEY_UPDATED)) == 0)) {
        *outcome = RDB_WRITE_WAIT;
        *wait_xid = top;
    } else if (same_version(base, seen)) {
        *outcome = (base->flags & HEAP_DELETED) != 0 ? RDB_WRITE_GONE : RDB_WRITE_DONE;
    } else if (fate == HEAP_OWN &&
               (snapshot == NULL || base->undo >= snapshot->own_undo[RDB_UNDO_CLASS(base->undo)])) {
        *outcome = RDB_WRITE_SELF;
    } else {
        *outcome = outcome_of_change(base);
    }
    return true;
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
    rdb_slice note; /* of a deletion: its record's image */
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
        .image = made->note,
    };
    if (made->kind == RDB_UNDO_UPDATE) {
        uint32_t start = 0, end = 0;
        if (w->base.layout == made->layout) { /* no delta across layouts (R14) */
            heap_compare(w->base.body, w->base.length, bytes, length, &start, &end);
            record.flags = RDB_UNDO_IS_DELTA;
        }
        record.shared_start = (uint16_t)start;
        record.new_middle = (uint16_t)(length - start - end);
        record.image = (rdb_slice){w->base.body + start, w->base.length - start - end};
        uint32_t count = made->bytes != NULL ? heap_collect_heads(w->base.flags, w->base.body, w->base.length, NULL, 0) : 0; /* the same body keeps its chains */
        if (count > 0) {
            old_heads = malloc(count * sizeof *old_heads);
            if (old_heads == NULL)
                return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
            heap_collect_heads(w->base.flags, w->base.body, w->base.length, old_heads, count);
            record.old_heads = old_heads;
            record.old_head_count = (uint16_t)count;
        }
    }
    if (!heap_seen_latch(&w->seen, &w->place, RDB_ROW_BLOCK(w->address), err)) {
        free(old_heads);
        return false;
    }
    heap_edits_set_init(&set);
    if (rdb_undo_append_begin(&append, w->txn, w->table->undo_class, &record, err)) {
        uint8_t header[HEAP_STUB_BYTES];
        unsigned flags = made->flags | ((w->base.flags | w->current.flags) & HEAP_KEYS_CHANGED);
        heap_write_header(header, w->xid, append.address, flags, made->layout);
        ok = heap_place_version(w, &set, header, flags, bytes, length, err) && heap_apply_edits(w, &set, &append, err);
        if (ok && w->body_page != NULL && (w->new_page != NULL || (rdb_get_u16(header + 16) & HEAP_MOVED) == 0))
            heap_note_space(&w->place, w->body_page); /* the body went elsewhere */
        if (ok && version != NULL)
            *version = (rdb_row_version){w->xid, append.address};
    }
    rdb_undo_append_end(&append, ok);
    heap_edits_set_deinit(&set);
    free(old_heads);
    return ok;
}

/* Latches the row and judges it; leaves it latched only where the outcome is DONE. */
static bool begin_write(heap_write *w, const rdb_snapshot *snapshot, rdb_row_version seen, rdb_row_lock strength,
                        rdb_write_outcome *outcome, rdb_xid *wait_xid, rdb_error *err)
{
    if (heap_was_replaced(w->table, snapshot)) { /* the row that was seen stands in a file that was replaced */
        *outcome = RDB_WRITE_CHANGED;
        return true;
    }
    for (;;) {
        bool found, again;
        if (!heap_latch_row(w, &found, &again, err))
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
        if (*outcome == RDB_WRITE_DONE) {
            /* Over one's own change: those who wait for its end, row lock in hand, are no hindrance. What savepoints undid above it does not
             * count: those wait for the end of the newest change that stands. */
            bool is_writer = rdb_txn_is_own(w->txn, w->base.xid);
            if (!(is_writer ? rdb_lock_row_is_free_for_writer : rdb_lock_row_is_free)(w->txn, w->place.file, w->address, strength))
                *outcome = RDB_WRITE_WAIT;
        }
        if (*outcome != RDB_WRITE_DONE)
            heap_release_row(w);
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
    heap_release_row(w);
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
    ok = ok && (*outcome != RDB_WRITE_DONE || rdb_ssi_write_row(txn, table->relation_oid, address, seen.xid, err));
    if (!written)
        heap_body_free_chains(&body, &w.place);
    if (body.bytes != NULL || body.heads != NULL)
        heap_body_deinit(&body);
    if (made != small)
        free(made);
    return ok;
}

bool rdb_table_add_keys(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address, rdb_row_version seen,
                        rdb_row_lock strength, const rdb_index_key *keys, uint32_t key_count, rdb_write_outcome *outcome, rdb_xid *wait_xid,
                        rdb_row_version *version, rdb_error *err)
{
    heap_write w;
    rdb_undo_key small[16], *made = small;
    bool ok = false;
    *outcome = RDB_WRITE_DONE;
    *wait_xid = 0;
    if (!open_write(&w, table, txn, address, err))
        goto out;
    made = copy_keys(keys, key_count, small, RDB_COUNT_OF(small), err);
    if (made == NULL || !begin_write(&w, snapshot, seen, strength, outcome, wait_xid, err))
        goto out;
    ok = true;
    if (*outcome == RDB_WRITE_DONE) {
        const heap_new next = {.kind = RDB_UNDO_UPDATE, .flags = (uint16_t)((w.base.flags & (HEAP_BODY_FLAGS | HEAP_KEY_UPDATED)) | HEAP_KEYS_CHANGED), .layout = w.base.layout, .keys = made, .key_count = key_count};
        ok = write_version(&w, &next, version, err);
    }
out:
    close_write(&w);
    if (made != small)
        free(made);
    return ok && (*outcome != RDB_WRITE_DONE || rdb_ssi_write_row(txn, table->relation_oid, address, seen.xid, err));
}

static bool delete_row(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address, rdb_row_version seen, unsigned flags,
                       rdb_slice note, const rdb_index_key *keys, uint32_t key_count, rdb_write_outcome *outcome, rdb_xid *wait_xid, rdb_error *err)
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
            .flags = (uint16_t)((w.base.flags & HEAP_BODY_FLAGS) | HEAP_DELETED | HEAP_KEY_UPDATED | flags),
            .layout = w.base.layout,
            .keys = made,
            .key_count = key_count,
            .note = note,
        };
        ok = write_version(&w, &next, NULL, err);
    }
out:
    close_write(&w);
    ok = ok && (*outcome != RDB_WRITE_DONE || rdb_ssi_write_row(txn, table->relation_oid, address, seen.xid, err));
    if (made != small)
        free(made);
    return ok;
}

bool rdb_table_probe(const rdb_table *table, rdb_txn *txn, rdb_row_address address, rdb_row_version seen, rdb_write_outcome *outcome, rdb_error *err)
{
    heap_write w;
    rdb_xid wait_xid;
    *outcome = RDB_WRITE_DONE;
    const bool ok = open_write(&w, table, txn, address, err) && begin_write(&w, NULL, seen, RDB_ROW_UPDATE, outcome, &wait_xid, err);
    close_write(&w);
    return ok;
}

bool rdb_table_delete_relocated(const rdb_table *table, rdb_txn *txn, rdb_row_address address, rdb_row_version seen, rdb_row_address to,
                                const rdb_index_key *keys, uint32_t key_count, rdb_write_outcome *outcome, rdb_error *err)
{
    uint8_t home[8];
    rdb_xid wait_xid;
    rdb_put_u64(home, to);
    return delete_row(table, txn, NULL, address, seen, HEAP_RELOCATED, (rdb_slice){home, sizeof home}, keys, key_count, outcome, &wait_xid, err);
}

bool rdb_table_delete(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                      rdb_row_version seen, const rdb_index_key *keys, uint32_t key_count, rdb_write_outcome *outcome,
                      rdb_xid *wait_xid, rdb_error *err)
{
    return delete_row(table, txn, snapshot, address, seen, 0, (rdb_slice){NULL, 0}, keys, key_count, outcome, wait_xid, err);
}

bool rdb_table_delete_moved(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                            rdb_row_version seen, const rdb_index_key *keys, uint32_t key_count, rdb_write_outcome *outcome,
                            rdb_xid *wait_xid, rdb_error *err)
{
    return delete_row(table, txn, snapshot, address, seen, HEAP_MOVED_AWAY, (rdb_slice){NULL, 0}, keys, key_count, outcome, wait_xid, err);
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
        if (!heap_latch_row(&w, &found, &again, err))
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

/* Does a change of this transaction's own stand in the row? Then it does until the transaction undoes it. */
static bool has_own_change(const heap_place *place, rdb_txn *txn, rdb_row_address address, heap_walker *walker, bool *is_own, rdb_error *err)
{
    rdb_buffer *buffer = NULL;
    heap_version version;
    heap_fate fate = HEAP_COMMITTED;
    rdb_xid writer;
    bool found = false;
    const bool ok = rdb_buffer_acquire(place->storage, heap_tag(place, RDB_ROW_BLOCK(address)), RDB_BUFFER_SHARED, &buffer, err) &&
                    heap_read_place(place, rdb_buffer_page(buffer), RDB_ROW_SLOT(address), walker, &version, &found, err) &&
                    (!found || heap_find_newest(place, txn, walker, &version, false, &found, &fate, &writer, err));
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    *is_own = ok && found && fate == HEAP_OWN;
    return ok;
}

/* The row's lock; past those who wait for this transaction's end, lock in hand. */
static bool take_row_lock(const heap_place *place, rdb_txn *txn, rdb_row_address address, rdb_row_lock strength, rdb_lock_policy policy,
                          int64_t lock_timeout_us, heap_walker *walker, bool *taken, rdb_error *err)
{
    bool is_writer = false;
    if (!rdb_lock_acquire_row(txn, place->file, address, strength, RDB_LOCK_SKIP, 0, taken, err) || *taken)
        return !rdb_error_is_set(err);
    if (!has_own_change(place, txn, address, walker, &is_writer, err))
        return false;
    return (is_writer ? rdb_lock_acquire_row_for_writer : rdb_lock_acquire_row)(txn, place->file, address, strength, policy, lock_timeout_us, taken, err);
}

bool rdb_table_lock_row(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                        rdb_row_version seen, rdb_row_lock strength, rdb_lock_policy policy, int64_t lock_timeout_us,
                        rdb_write_outcome *outcome, bool *taken, rdb_error *err)
{
    heap_place place = heap_place_of(table);
    heap_walker walker;
    *taken = heap_was_replaced(table, snapshot);
    *outcome = *taken ? RDB_WRITE_CHANGED : RDB_WRITE_DONE;
    if (*taken)
        return true;
    heap_walker_init(&walker, place.page_bytes);
    bool ok = true, has_lock = false, has_place = false;
    for (;;) {
        /* SKIP LOCKED looks first: a lock on a row that it then passes over would be in others' way to the transaction's end. */
        if (!has_lock && (policy != RDB_LOCK_SKIP || *taken)) {
            ok = take_row_lock(&place, txn, address, strength, policy, lock_timeout_us, &walker, taken, err);
            has_lock = true;
            if (!ok || !*taken)
                break;
        }
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
        if (ok && has_lock && *outcome != RDB_WRITE_WAIT)
            rdb_lock_confirm_row(txn, table->file, address); /* before the page is let go: see rdb_lock.h */
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        if (!ok)
            break;
        if (*outcome != RDB_WRITE_WAIT) {
            *taken = true;
            if (has_lock)
                break;
            continue;
        }
        if (policy == RDB_LOCK_SKIP) {
            *taken = false;
            *outcome = RDB_WRITE_DONE;
            break;
        }
        if (policy == RDB_LOCK_WAIT && strength == RDB_ROW_UPDATE) { /* references that the writer lets pass are not to wait for who waits for it */
            rdb_lock_leave_row(txn, table->file, address);
            has_lock = false;
            has_place = ok = rdb_lock_wait_for_row(txn, table->file, address, strength, wait_xid, lock_timeout_us, err);
        } else {
            ok = rdb_lock_wait_xid(txn, wait_xid, policy, lock_timeout_us, err);
        }
        if (!ok)
            break;
    }
    if ((has_lock || has_place) && !(ok && *taken))
        rdb_lock_leave_row(txn, table->file, address);
    if (has_place)
        rdb_lock_keep_place(txn);
    heap_walker_deinit(&walker);
    return ok;
}
