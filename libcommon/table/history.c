/* SPDX-License-Identifier: Apache-2.0
 * What is remembered of rows with many versions while their records are cleaned up one after the other.
 *
 * Each record asks whether some other version has a key, and the answer lies in the row's chain: to walk it for every record costs
 * the square of its length. A row whose chain is long gets a history, and every link of its chain is read once.
 *
 * Reverting (records come newest first): the keys of all versions that count, from the one in place back and from the first below
 * the aborted ones back. What an aborted version holds does not count: nobody can ask for it, and the record that made it comes
 * here too. What the version below them has is told by them, for its own record may be purged: the keys that the oldest
 * aborted record to name them names as old ones. What changes meanwhile (a version that counted is aborted) leaves a key too much in, never one too few:
 * that key is then looked at by the record of that version.
 *
 * Purging (oldest first): how many links newer than the record have each key. The next record of the row is the next link, and
 * its keys are taken out. */
#include "table/rdb_table_cleanup.h"
#include "table/table_int.h"

#include "base/rdb_map.h"

#include <stdlib.h>

#define HISTORIES_BYTES_MAX (64u << 20) /* beyond it all are forgotten: they are made again where they are needed */

static char as_old, as_new; /* how the oldest aborted record that names a key names it */

struct heap_history {
    rdb_undo_address top;   /* the chain is known from here back; 0: not yet */
    rdb_undo_address self;  /* the record that asked last */
    rdb_undo_address next;  /* reverting: what lies below this record is known too */
    rdb_undo_address base;  /* reverting: the first version below the aborted ones */
    rdb_map *keys;          /* {index file, key} → how many links have it; reverting: not 0 */
};

struct rdb_table_histories {
    rdb_map *rows; /* {PDB, file, home address}; NULL: none */
    uint64_t bytes, steps;
    rdb_strbuf lookup; /* {index file, key} */
};

bool rdb_table_histories_create(rdb_table_histories **created, rdb_error *err)
{
    *created = calloc(1, sizeof **created);
    return *created != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

static void forget_rows(rdb_table_histories *histories)
{
    rdb_slice key;
    void *value;
    for (uint32_t cursor = 0; histories->rows != NULL && rdb_map_next(histories->rows, &cursor, &key, &value);) {
        heap_history *history = value;
        rdb_map_destroy(history->keys);
        free(history);
    }
    rdb_map_destroy(histories->rows);
    histories->rows = NULL;
    histories->bytes = 0;
}

void rdb_table_histories_destroy(rdb_table_histories **created)
{
    rdb_table_histories *histories = *created;
    *created = NULL;
    if (histories == NULL)
        return;
    forget_rows(histories);
    rdb_strbuf_free(&histories->lookup);
    free(histories);
}

void heap_histories_count(rdb_table_histories *histories, uint64_t steps)
{
    if (histories != NULL)
        histories->steps += steps;
}

uint64_t rdb_table_histories_steps(const rdb_table_histories *histories)
{
    return histories->steps;
}

static bool no_memory(rdb_error *err)
{
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

bool heap_history_find(rdb_table_histories *histories, const heap_place *place, rdb_row_address home, bool make, heap_history **history, rdb_error *err)
{
    const uint64_t name[3] = {place->pdb, place->file, home};
    *history = histories == NULL || histories->rows == NULL ? NULL : rdb_map_get(histories->rows, name, sizeof name);
    if (*history != NULL || histories == NULL || !make)
        return true;
    if (histories->bytes > HISTORIES_BYTES_MAX)
        forget_rows(histories);
    if (histories->rows == NULL && (histories->rows = rdb_map_create()) == NULL)
        return no_memory(err);
    heap_history *made = calloc(1, sizeof *made);
    if (made == NULL || (made->keys = rdb_map_create()) == NULL || !rdb_map_put(histories->rows, name, sizeof name, made, NULL)) {
        if (made != NULL)
            rdb_map_destroy(made->keys);
        free(made);
        return no_memory(err);
    }
    histories->bytes += 512;
    *history = made;
    return true;
}

/* ---- keys -------------------------------------------------------------------------------------------------------------- */
static bool name_key(rdb_table_histories *histories, uint64_t index_file, rdb_slice key, rdb_slice *name, rdb_error *err)
{
    rdb_strbuf_clear(&histories->lookup);
    rdb_strbuf_add(&histories->lookup, &index_file, sizeof index_file);
    rdb_strbuf_add(&histories->lookup, key.data, key.length);
    *name = (rdb_slice){(const uint8_t *)histories->lookup.data, histories->lookup.length};
    return !histories->lookup.failed || no_memory(err);
}

static bool count_key(rdb_table_histories *histories, heap_history *history, uint64_t index_file, rdb_slice key, bool adds, rdb_error *err)
{
    rdb_slice name;
    if (key.length == 0)
        return true;
    if (!name_key(histories, index_file, key, &name, err))
        return false;
    const uintptr_t count = (uintptr_t)rdb_map_get(history->keys, name.data, name.length);
    if (!adds && count <= 1) {
        rdb_map_remove(history->keys, name.data, name.length);
        return true;
    }
    if (count == 0)
        histories->bytes += 64 + name.length;
    return rdb_map_put(history->keys, name.data, name.length, (void *)(adds ? count + 1 : count - 1), NULL) || no_memory(err); /* NOLINT(performance-no-int-to-ptr) */
}

static bool count_keys(rdb_table_histories *histories, heap_history *history, const rdb_undo_record *record, rdb_row_address row, bool adds, rdb_error *err)
{
    rdb_undo_key key;
    for (size_t cursor = 0; rdb_undo_next_key(record, &cursor, &key);)
        if ((record->kind != RDB_UNDO_INSERT_MANY || key.slot == RDB_ROW_SLOT(row)) &&
            (!count_key(histories, history, key.index_file, key.old_key, adds, err) || !count_key(histories, history, key.index_file, key.new_key, adds, err)))
            return false;
    return true;
}

bool heap_history_has_key(rdb_table_histories *histories, const heap_history *history, uint64_t index_file, rdb_slice key, bool *has, rdb_error *err)
{
    rdb_slice name;
    if (!name_key(histories, index_file, key, &name, err))
        return false;
    *has = rdb_map_get(history->keys, name.data, name.length) != NULL;
    return true;
}

/* ---- reverting --------------------------------------------------------------------------------------------------------- */
/* An aborted record's keys, newest record first: what stays of a key is the oldest mention of it. */
static bool note_keys(rdb_table_histories *histories, rdb_map **noted, const rdb_undo_record *record, rdb_error *err)
{
    rdb_undo_key key;
    if (*noted == NULL && (*noted = rdb_map_create()) == NULL)
        return no_memory(err);
    for (size_t cursor = 0; rdb_undo_next_key(record, &cursor, &key);) {
        rdb_slice name;
        if (key.new_key.length > 0 && (!name_key(histories, key.index_file, key.new_key, &name, err) || !rdb_map_put(*noted, name.data, name.length, &as_new, NULL)))
            return no_memory(err);
        if (key.old_key.length > 0 && (!name_key(histories, key.index_file, key.old_key, &name, err) || !rdb_map_put(*noted, name.data, name.length, &as_old, NULL)))
            return no_memory(err);
    }
    return true;
}

/* Those that the version below the aborted ones has. */
static bool count_noted(rdb_table_histories *histories, heap_history *history, const rdb_map *noted, rdb_error *err)
{
    rdb_slice name;
    void *mention;
    for (uint32_t cursor = 0; noted != NULL && rdb_map_next(noted, &cursor, &name, &mention);) {
        if (mention != &as_old || rdb_map_get(history->keys, name.data, name.length) != NULL)
            continue;
        histories->bytes += 64 + name.length;
        if (!rdb_map_put(history->keys, name.data, name.length, &as_old, NULL))
            return no_memory(err);
    }
    return true;
}

static bool is_aborted(const heap_place *place, rdb_xid xid, rdb_xid *known, bool *aborted, rdb_error *err)
{
    rdb_xid_state state;
    rdb_scn scn;
    if (xid == *known)
        return true;
    if (!rdb_txn_resolve(place->txns, place->pdb, xid, &state, &scn, err))
        return false;
    *known = xid;
    *aborted = state == RDB_XID_ABORTED;
    return true;
}

/* Reads the chain from `at` back as far as it is not known. *base: the first version that counts. */
static bool learn_versions(const heap_place *place, rdb_table_histories *histories, heap_history *history, rdb_row_address row, rdb_undo_address at,
                           rdb_undo_address *base, rdb_error *err)
{
    rdb_undo_reader reader;
    rdb_xid known = 0;
    bool ok = true, aborted = false, found = true;
    const rdb_undo_address top = history->top, known_base = history->base;
    rdb_map *noted = NULL;
    *base = 0;
    rdb_undo_reader_init(&reader);
    while (ok && at != 0 && at != top && at != known_base) {
        rdb_undo_record record;
        ok = rdb_undo_read(place->undo, place->pdb, at, &reader, &record, &found, err);
        if (!ok || !found)
            break;
        histories->steps++;
        ok = is_aborted(place, record.xid, &known, &aborted, err);
        if (!ok)
            break;
        if (!aborted && *base == 0)
            *base = at;
        ok = aborted ? note_keys(histories, &noted, &record, err) : count_keys(histories, history, &record, row, true, err);
        if (record.kind == RDB_UNDO_INSERT || record.kind == RDB_UNDO_INSERT_MANY)
            break;
        at = record.previous;
    }
    rdb_undo_reader_deinit(&reader);
    if (*base == 0 && at != 0)
        *base = at;
    ok = ok && count_noted(histories, history, noted, err);
    rdb_map_destroy(noted);
    return ok;
}

bool heap_history_learn_below(const heap_place *place, rdb_table_histories *histories, heap_history *history, rdb_row_address row, rdb_undo_address self,
                              rdb_undo_address previous, rdb_error *err)
{
    if (history->self != self && history->next != self) { /* else a part of what is known */
        rdb_undo_address base;
        if (!learn_versions(place, histories, history, row, previous, &base, err))
            return false;
        history->base = base;
    }
    history->self = self;
    history->next = previous;
    return true;
}

bool heap_history_learn_place(const heap_place *place, rdb_table_histories *histories, heap_history *history, rdb_row_address row, rdb_undo_address top,
                              rdb_error *err)
{
    rdb_undo_address base;
    if (top == history->top || top == history->base)
        return true;
    if (!learn_versions(place, histories, history, row, top, &base, err))
        return false;
    history->top = top;
    return true;
}

/* ---- purging ----------------------------------------------------------------------------------------------------------- */
/* Counts the keys of the links from `at` back to `end`; *met false: it is not among them. */
static bool count_links(const heap_place *place, rdb_table_histories *histories, heap_history *history, rdb_row_address row, rdb_undo_address at,
                        rdb_undo_address end, rdb_undo_address self, bool *met, rdb_error *err)
{
    rdb_undo_reader reader;
    bool ok = true, found = true;
    rdb_undo_reader_init(&reader);
    while (ok && at != 0 && at != end && at != self) {
        rdb_undo_record record;
        ok = rdb_undo_read(place->undo, place->pdb, at, &reader, &record, &found, err);
        if (!ok || !found)
            break;
        histories->steps++;
        ok = count_keys(histories, history, &record, row, true, err);
        at = record.kind == RDB_UNDO_INSERT || record.kind == RDB_UNDO_INSERT_MANY ? 0 : record.previous;
    }
    rdb_undo_reader_deinit(&reader);
    *met = at == end;
    return ok;
}

bool heap_history_learn_newer(const heap_place *place, rdb_table_histories *histories, heap_history *history, rdb_row_address row,
                              const rdb_undo_record *record, rdb_undo_address self, rdb_undo_address top, rdb_error *err)
{
    bool met = history->top != 0;
    if (met && history->self != self) {
        met = record->previous == history->self && history->top != history->self;
        if (met && !count_keys(histories, history, record, row, false, err))
            return false;
        history->self = self;
    }
    if (met && top != history->top && !count_links(place, histories, history, row, top, history->top, self, &met, err))
        return false;
    if (!met) { /* the first look, or a version that was there is there no more: anew */
        rdb_map_destroy(history->keys);
        history->top = 0;
        if ((history->keys = rdb_map_create()) == NULL || !count_links(place, histories, history, row, top, self, self, &met, err))
            return history->keys != NULL ? false : no_memory(err);
    }
    history->self = self;
    history->top = met ? top : 0; /* not the row it was: counted anew the next time */
    return true;
}

void heap_history_pass(const heap_place *place, rdb_table_histories *histories, const rdb_undo_record *record, rdb_undo_address self)
{
    rdb_error err = {0};
    heap_history *history = NULL;
    if (histories == NULL || histories->rows == NULL || !heap_history_find(histories, place, record->home, false, &history, &err) || history == NULL)
        return;
    if (history->next == self) /* reverting */
        history->next = record->previous;
    if (history->top != 0 && history->self == record->previous) { /* purging, and its keys were not asked for */
        if (history->top == history->self || !count_keys(histories, history, record, record->home, false, &err))
            history->top = 0;
        history->self = self;
    }
    rdb_error_clear(&err);
}
