/* SPDX-License-Identifier: Apache-2.0
 * The work of one undo record for the reverter and for purge.
 *
 * Whether a row still needs an index entry is told by the undo records of its versions, from the one in place back: each
 * lists the keys that it changed, old and new. The question is asked under the leaf's latch, and writers change the heap
 * before the index: so an entry that a writer is about to find in place is never taken away under it (R28). */
#include "table/rdb_table_cleanup.h"
#include "table/table_int.h"

#include <stdlib.h>

typedef struct key_question {
    const heap_place *place;
    rdb_row_address address;
    uint64_t index_file;
    rdb_slice key;
    rdb_undo_address self;     /* the record whose key it is: does not count itself */
    rdb_undo_address below;    /* reverting: the versions that it was built on count too; 0: purging, they do not */
    const rdb_undo_record *record;
    rdb_table_histories *histories; /* NULL: the chain is walked */
    bool is_insert;            /* reverting: the chain in place is this record alone */
} key_question;

#define WALK_STEPS_MAX 32u /* a longer chain is remembered */

static bool record_has_key(const rdb_undo_record *record, const key_question *question)
{
    rdb_undo_key key;
    for (size_t cursor = 0; rdb_undo_next_key(record, &cursor, &key);) {
        if (key.index_file != question->index_file ||
            (record->kind == RDB_UNDO_INSERT_MANY && key.slot != RDB_ROW_SLOT(question->address)))
            continue;
        if ((key.old_key.length == question->key.length && memcmp(key.old_key.data, question->key.data, key.old_key.length) == 0) ||
            (key.new_key.length == question->key.length && memcmp(key.new_key.data, question->key.data, key.new_key.length) == 0))
            return true;
    }
    return false;
}

/* Walks back from the version at undo. Purging, the walk ends at the record itself: what is below it nobody can ask for. *steps is
 * what is left of those allowed; at 0 there is no answer. */
static bool chain_has_key(const key_question *question, rdb_undo_address undo, uint64_t *steps, bool *needed, rdb_error *err)
{
    rdb_undo_reader reader;
    bool ok = true, found = true;
    *needed = false;
    rdb_undo_reader_init(&reader);
    while (ok && !*needed && undo != 0) {
        rdb_undo_record record;
        if ((undo == question->self && question->below == 0) || *steps == 0)
            break;
        --*steps;
        ok = rdb_undo_read(question->place->undo, question->place->pdb, undo, &reader, &record, &found, err);
        if (!ok || !found)
            break;
        if (undo != question->self)
            *needed = record_has_key(&record, question);
        bool is_first = record.kind == RDB_UNDO_INSERT || record.kind == RDB_UNDO_INSERT_MANY;
        undo = is_first ? 0 : record.previous;
    }
    rdb_undo_reader_deinit(&reader);
    return ok;
}

bool heap_chain_has_key(const heap_place *place, rdb_row_address address, uint64_t index_file, rdb_slice key, rdb_undo_address undo, bool *has_key,
                        rdb_error *err)
{
    const key_question question = {.place = place, .address = address, .index_file = index_file, .key = key};
    uint64_t steps = UINT64_MAX;
    return chain_has_key(&question, undo, &steps, has_key, err);
}

/* The answer from what is remembered of the row, which learns what it does not know yet. undo: of the version in place; 0: there is none. */
static bool history_has_key(const key_question *question, heap_history *history, rdb_undo_address undo, bool *needed, rdb_error *err)
{
    if (question->below != 0) {
        if (!heap_history_learn_below(question->place, question->histories, history, question->address, question->self, question->below, err) ||
            (undo != 0 && !heap_history_learn_place(question->place, question->histories, history, question->address, undo, err)))
            return false;
    } else if (!heap_history_learn_newer(question->place, question->histories, history, question->address, question->record, question->self, undo, err)) {
        return false;
    }
    return heap_history_has_key(question->histories, history, question->index_file, question->key, needed, err);
}

static bool versions_have_key(const key_question *question, rdb_undo_address undo, bool *needed, rdb_error *err)
{
    heap_history *history = NULL;
    *needed = false;
    if (question->histories == NULL || question->is_insert) {
        uint64_t steps = UINT64_MAX;
        return chain_has_key(question, undo, &steps, needed, err) &&
               (*needed || question->below == 0 || chain_has_key(question, question->below, &steps, needed, err));
    }
    if (undo == 0 && question->below == 0)
        return true;
    if (!heap_history_find(question->histories, question->place, question->address, false, &history, err))
        return false;
    if (history == NULL) {
        uint64_t steps = WALK_STEPS_MAX;
        bool ok = chain_has_key(question, undo, &steps, needed, err) &&
                  (*needed || steps == 0 || question->below == 0 || chain_has_key(question, question->below, &steps, needed, err));
        heap_histories_count(question->histories, WALK_STEPS_MAX - steps);
        if (!ok || *needed || steps > 0)
            return ok;
        if (!heap_history_find(question->histories, question->place, question->address, true, &history, err))
            return false;
    }
    return history_has_key(question, history, undo, needed, err);
}

static bool key_is_needed(void *context, bool *needed, rdb_error *err)
{
    const key_question *question = context;
    const heap_place *place = question->place;
    rdb_buffer *buffer = NULL;
    *needed = true;
    if (!rdb_buffer_acquire(place->storage, heap_tag(place, RDB_ROW_BLOCK(question->address)), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    const rdb_page *page = rdb_buffer_page(buffer);
    uint32_t offset, length;
    rdb_undo_address undo = 0;
    if (page->type == RDB_PAGE_HEAP && RDB_ROW_SLOT(question->address) < heap_slot_count(page) &&
        heap_slot(page, RDB_ROW_SLOT(question->address), &offset, &length) == HEAP_SLOT_ROW)
        undo = heap_cell_undo(heap_cell(page, offset));
    bool ok = versions_have_key(question, undo, needed, err);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return ok;
}

/* Removes the entries of a record's keys: the new ones when reverting, the old ones when purging. */
static bool remove_entries(const rdb_table_cleanup *cleanup, const heap_place *place, const rdb_undo_record *record,
                           rdb_undo_address address, bool reverting, rdb_error *err)
{
    rdb_undo_key key;
    if (cleanup->remove_entry == NULL)
        return true;
    for (size_t cursor = 0; rdb_undo_next_key(record, &cursor, &key);) {
        rdb_row_address row = record->home;
        if (record->kind == RDB_UNDO_INSERT_MANY)
            row = RDB_ROW_ADDRESS(RDB_ROW_BLOCK(record->home), key.slot);
        key_question question = {.place = place,
                                 .address = row,
                                 .index_file = key.index_file,
                                 .key = reverting ? key.new_key : key.old_key,
                                 .self = address,
                                 .record = record,
                                 .histories = cleanup->histories,
                                 .is_insert = reverting && record->kind != RDB_UNDO_UPDATE,
                                 .below = reverting && record->kind == RDB_UNDO_UPDATE ? record->previous : 0};
        if (question.key.length == 0 || !rdb_storage_file_exists(place->storage, place->pdb, key.index_file))
            continue;
        if (!cleanup->remove_entry(place->storage, place->pdb, key.index_file, question.key, row, key_is_needed, &question, err))
            return false;
    }
    return true;
}

static bool free_heads(const heap_place *place, const rdb_undo_head *heads, uint32_t count, rdb_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (!heap_free_chain(place, heads[i].block, heads[i].xid, err))
            return false;
    return true;
}

static bool open_row(heap_write *w, const heap_place *place, rdb_row_address address, rdb_xid xid, bool *found, rdb_error *err)
{
    *w = (heap_write){.place = *place, .address = address, .xid = xid};
    heap_walker_init(&w->walker, place->page_bytes);
    for (bool again = true; again;) {
        if (!heap_latch_row(w, found, &again, err))
            return false;
        if (again)
            rdb_cpu_relax();
    }
    return true;
}

static void close_row(heap_write *w)
{
    heap_release_row(w);
    heap_walker_deinit(&w->walker);
}

/* The chains of the version in place, malloc'ed; *count 0: it has none. */
static bool collect_heads(const heap_version *version, rdb_undo_head **heads, uint32_t *count, rdb_error *err)
{
    *heads = NULL;
    *count = heap_collect_heads(version->flags, version->body, version->length, NULL, 0);
    if (*count == 0)
        return true;
    *heads = malloc(*count * sizeof **heads);
    if (*heads == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    heap_collect_heads(version->flags, version->body, version->length, *heads, *count);
    return true;
}

static bool free_slot(heap_write *w, rdb_error *err)
{
    heap_edits_set set;
    heap_edits_set_init(&set);
    heap_edit_free(&set.home, RDB_ROW_SLOT(w->address));
    if (w->is_moved)
        heap_edit_free(&set.body, RDB_ROW_SLOT(w->body_address));
    const bool ok = heap_apply_edits(w, &set, NULL, err);
    if (ok) {
        heap_note_space(&w->place, w->home);
        if (w->body_page != NULL)
            heap_note_space(&w->place, w->body_page);
    }
    heap_edits_set_deinit(&set);
    return ok;
}

/* Frees the slot of a row whose version in place is the one that this record wrote; its body goes with it, and its chains before it: who is
 * stopped between the two comes again and learns from the row where they are. Nobody reads it any more. */
static bool free_row(const heap_place *place, rdb_row_address address, rdb_xid xid, rdb_undo_address undo, rdb_error *err)
{
    heap_write w;
    bool found, ok, are_chains_gone = false;
    for (;;) {
        rdb_undo_head *heads = NULL;
        uint32_t head_count = 0;
        ok = open_row(&w, place, address, xid, &found, err);
        if (!ok || !found || w.current.xid != xid || w.current.undo != undo)
            break;
        if (!are_chains_gone)
            ok = collect_heads(&w.current, &heads, &head_count, err);
        if (ok && head_count == 0)
            ok = free_slot(&w, err);
        if (!ok || head_count == 0)
            break;
        close_row(&w); /* a chain may be long: others want the page */
        ok = free_heads(place, heads, head_count, err);
        free(heads);
        if (!ok)
            return false;
        are_chains_gone = true;
    }
    close_row(&w);
    return ok;
}

/* Puts the version before back in place: the newest one whose writer did not abort, or, where there is none, the first one
 * (its own record then frees the slot). */
static bool restore_row(const heap_place *place, const rdb_undo_record *record, rdb_undo_address undo, rdb_error *err)
{
    heap_write w;
    heap_edits_set set;
    bool found, ok = false;
    if (!open_row(&w, place, record->home, record->xid, &found, err)) {
        close_row(&w);
        return false;
    }
    heap_edits_set_init(&set);
    if (!found || w.current.xid != record->xid || w.current.undo != undo) {
        ok = true; /* another writer has built over it, or it is done */
        goto out;
    }
    heap_version base = w.current;
    if (!heap_step_back(place, &w.walker, &base, &found, err))
        goto out;
    if (!found) {
        rdb_error_set(err, RDB_DATA_CORRUPTED, "an aborted change has no version before it");
        goto out;
    }
    while (found) { /* the row itself was inserted by the aborted transaction where this ends: base is that version */
        rdb_xid_state state;
        rdb_scn scn;
        if (!rdb_txn_resolve(place->txns, place->pdb, base.xid, &state, &scn, err))
            goto out;
        if (state != RDB_XID_ABORTED)
            break;
        if (!heap_step_back(place, &w.walker, &base, &found, err))
            goto out;
    }
    uint8_t header[HEAP_STUB_BYTES];
    unsigned flags = base.flags | (w.current.flags & HEAP_KEYS_CHANGED);
    heap_write_header(header, base.xid, base.undo, flags, base.layout);
    ok = heap_place_version(&w, &set, header, flags, base.body, base.length, err) && heap_apply_edits(&w, &set, NULL, err);
out:
    heap_edits_set_deinit(&set);
    close_row(&w);
    return ok;
}

bool rdb_table_revert_record(const rdb_table_cleanup *cleanup, const rdb_undo_record *record, rdb_undo_address address, rdb_error *err)
{
    heap_place place = {rdb_undo_storage(cleanup->undo), rdb_undo_txns(cleanup->undo), cleanup->undo, cleanup->pdb,
                        rdb_storage_page_bytes(rdb_undo_storage(cleanup->undo)), record->file};
    if (!rdb_storage_file_exists(place.storage, place.pdb, record->file))
        return true; /* the file went with an older record of the same transaction, or was dropped since */
    switch (record->kind) {
    case RDB_UNDO_FILE_CREATE:
        return rdb_storage_drop_file(place.storage, place.pdb, record->file, err);
    case RDB_UNDO_UPDATE:
    case RDB_UNDO_DELETE:
        if (!restore_row(&place, record, address, err) || !remove_entries(cleanup, &place, record, address, true, err))
            return false;
        heap_history_pass(&place, cleanup->histories, record, address);
        return free_heads(&place, record->new_heads, record->new_head_count, err);
    case RDB_UNDO_INSERT:
        return remove_entries(cleanup, &place, record, address, true, err) &&
               free_row(&place, record->home, record->xid, address, err) &&
               free_heads(&place, record->new_heads, record->new_head_count, err);
    case RDB_UNDO_INSERT_MANY:
        if (!remove_entries(cleanup, &place, record, address, true, err))
            return false;
        for (uint32_t i = 0; i < record->slot_count; i++)
            if (!free_row(&place, RDB_ROW_ADDRESS(RDB_ROW_BLOCK(record->home), record->slots[i]), record->xid, address, err))
                return false;
        return free_heads(&place, record->new_heads, record->new_head_count, err);
    default:
        return true;
    }
}

bool rdb_table_purge_record(const rdb_table_cleanup *cleanup, const rdb_undo_record *record, rdb_undo_address address, rdb_error *err)
{
    heap_place place = {rdb_undo_storage(cleanup->undo), rdb_undo_txns(cleanup->undo), cleanup->undo, cleanup->pdb,
                        rdb_storage_page_bytes(rdb_undo_storage(cleanup->undo)), record->file};
    switch (record->kind) {
    case RDB_UNDO_FILE_DROP:
        return rdb_storage_drop_file(place.storage, place.pdb, record->file, err);
    case RDB_UNDO_UPDATE:
    case RDB_UNDO_DELETE:
        if (record->key_count == 0 && record->kind == RDB_UNDO_UPDATE && record->old_head_count == 0) {
            heap_history_pass(&place, cleanup->histories, record, address);
            return true;
        }
        if (!rdb_storage_file_exists(place.storage, place.pdb, record->file))
            return true;
        if (!remove_entries(cleanup, &place, record, address, false, err))
            return false;
        heap_history_pass(&place, cleanup->histories, record, address);
        return (record->kind != RDB_UNDO_DELETE || free_row(&place, record->home, record->xid, address, err)) &&
               free_heads(&place, record->old_heads, record->old_head_count, err);
    default:
        return true;
    }
}
