/* SPDX-License-Identifier: Apache-2.0
 * The inside of room table. Latches: home page, then body page, then overflow, undo, xact pages; a second heap page is
 * only ever tried for while a first one is held exclusively. */
#ifndef RDB_TABLE_INT_H
#define RDB_TABLE_INT_H

#include "table/heap_page.h"
#include "txn/rdb_ssi.h"

/* Where a heap is: all that reading versions needs. Purge and the reverter have no rdb_table. */
typedef struct heap_place {
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_undo *undo;
    uint32_t pdb, page_bytes;
    uint64_t file;
} heap_place;
static inline heap_place heap_place_of(const rdb_table *table)
{
    return (heap_place){table->storage, table->txns, table->undo, table->pdb, rdb_storage_page_bytes(table->storage), table->file};
}
/* Does the snapshot (NULL: that of now) read the file before this one? */
static inline bool heap_was_replaced(const rdb_table *table, const rdb_snapshot *snapshot)
{
    return RDB_UNLIKELY(table->data_since_scn != 0) && snapshot != NULL && table->data_since_scn > snapshot->scn;
}
static inline rdb_page_tag heap_tag(const heap_place *place, uint64_t block)
{
    return (rdb_page_tag){.file = place->file, .block = block, .pdb = place->pdb, .fork = RDB_FORK_MAIN};
}

/* One version of a row. body points into a page, a walker or an undo reader, and is good as long as that. */
typedef struct heap_version {
    rdb_xid xid;
    rdb_undo_address undo;
    uint16_t flags, layout; /* HEAP_MOVED never */
    uint32_t length;
    const uint8_t *body;
} heap_version;

/* Memory for walking back: a version built from a delta lives in one of two buffers. */
typedef struct heap_walker {
    rdb_undo_reader reader;
    uint8_t *buffers[3]; /* page-sized, made at need; the last one for a moved body */
    uint32_t page_bytes;
    unsigned turn;
    rdb_undo_record record; /* of the newest step */
} heap_walker;
void heap_walker_init(heap_walker *walker, uint32_t page_bytes);
void heap_walker_deinit(heap_walker *walker);
uint8_t *heap_walker_buffer(heap_walker *walker, unsigned which, rdb_error *err);

static inline uint64_t heap_cell_xid(const uint8_t *cell)
{
    return rdb_get_u64(cell);
}
static inline uint64_t heap_cell_undo(const uint8_t *cell)
{
    return rdb_get_u64(cell + 8);
}
static inline uint16_t heap_cell_flags(const uint8_t *cell)
{
    return rdb_get_u16(cell + 16);
}
static inline void heap_write_header(uint8_t *cell, rdb_xid xid, rdb_undo_address undo, unsigned flags, uint16_t layout)
{
    rdb_put_u64(cell, xid);
    rdb_put_u64(cell + 8, undo);
    rdb_put_u16(cell + 16, (uint16_t)flags);
    rdb_put_u16(cell + 18, layout);
}

/* version.c. Says that a row is damaged; false. */
bool heap_bad_row(const heap_place *place, uint64_t block, uint32_t slot, rdb_error *err);
/* The version in place of a home slot on a latched page. A moved body is copied into the walker. *found false:
 * the slot holds no row. */
bool heap_read_place(const heap_place *place, const rdb_page *page, uint32_t slot, heap_walker *walker, heap_version *version,
                     bool *found, rdb_error *err);
/* The version before; *found false: there is none (the row began with this one, or all before is purged). */
bool heap_step_back(const heap_place *place, heap_walker *walker, heap_version *version, bool *found, rdb_error *err);
/* From version back to the one that the snapshot sees; *found false: none, or it is deleted. */
bool heap_find_visible(const heap_place *place, const rdb_txn *txn, const rdb_snapshot *snapshot, heap_walker *walker,
                       heap_version *version, bool *found, rdb_error *err);
/* What became of a version's writer as this transaction sees it. */
typedef enum heap_fate { HEAP_OWN, HEAP_COMMITTED, HEAP_ABORTED, HEAP_RUNNING } heap_fate;
bool heap_judge_writer(const heap_place *place, rdb_txn *txn, const heap_version *version, heap_fate *fate, rdb_xid *top, rdb_error *err);
/* From version back over aborted (and, with over_running, running) ones to the newest that counts; what became of its
 * writer, and whom to wait for where that still runs. */
bool heap_find_newest(const heap_place *place, rdb_txn *txn, heap_walker *walker, heap_version *version, bool over_running,
                      bool *found, heap_fate *fate, rdb_xid *top, rdb_error *err);
static inline rdb_scn heap_settled_scn(const rdb_page *page)
{
    return __atomic_load_n(&page->settled_scn, __ATOMIC_RELAXED); /* other readers set it beside us */
}

/* Where every stamp of a latched page is of a published commit, remembers the newest of them (R7). */
void heap_settle(const heap_place *place, rdb_buffer *buffer);

/* column.c: values out of versions into vectors. Large values are noted and read when no page is latched. */
typedef struct heap_row {
    heap_version version;
    rdb_row_address address;
} heap_row;
typedef struct heap_pending {
    rdb_vector *vector;
    uint32_t row;
    heap_external external;
    const uint8_t *inline_bytes; /* copied into the arena; NULL: in the chain */
} heap_pending;
typedef struct heap_output {
    const rdb_table *table;
    heap_place place;
    const int16_t *columns;
    uint16_t column_count;
    rdb_arena *arena;
    rdb_vector *const *vectors;
    bool borrows; /* bytes stay where they are: plain rows only */
    bool are_plain; /* the caller knows: rows of the current layout, all values within them */
    unsigned flags; /* of are_plain rows: no flag that is missing here is any of theirs */
    heap_pending *pending;
    uint32_t pending_count, pending_capacity;
} heap_output;
void heap_output_init(heap_output *output, const rdb_table *table, const int16_t *columns, uint16_t column_count,
                      rdb_arena *arena, rdb_vector *const *vectors);
void heap_output_deinit(heap_output *output);
/* Rows go to positions first, first + 1, ... of every vector. */
bool heap_output_rows(heap_output *output, const heap_row *rows, uint32_t count, uint32_t first, rdb_error *err);
/* Reads the large values that were met; no latch is held. */
bool heap_output_finish(heap_output *output, rdb_error *err);

/* overflow.c */
bool heap_write_chain(const heap_place *place, rdb_xid xid, const uint8_t *bytes, uint32_t length, uint64_t *block, rdb_error *err);
bool heap_read_chain(const heap_place *place, const heap_external *external, uint8_t *bytes, rdb_error *err); /* the stored bytes */
/* The value of an external, uncompressed, in the arena. inline_bytes: the stored bytes where they stand in the row. */
bool heap_read_external(const heap_place *place, const heap_external *external, const uint8_t *inline_bytes, rdb_arena *arena,
                        rdb_bytes *value, rdb_error *err);
/* Frees a chain whose pages still bear that writer. Purge and the reverter may come twice. */
bool heap_free_chain(const heap_place *place, uint64_t block, rdb_xid xid, rdb_error *err);
/* The chains that a version's body leads to; at most max are stored, all are counted. */
uint32_t heap_collect_heads(uint16_t flags, const uint8_t *body, uint32_t length, rdb_undo_head *heads, uint32_t max);
/* The entries before an image, one after the other: *at starts at 0 and ends where the image begins. */
bool heap_next_external(uint16_t flags, const uint8_t *body, uint32_t length, uint32_t *at, uint16_t *slot,
                        heap_external *external, const uint8_t **inline_bytes);

/* row.c: a row of values as the body of a cell. */
typedef struct heap_body {
    uint8_t *bytes; /* HEAP_HEADER_BYTES of room for the header, then the body */
    uint32_t length; /* header included */
    uint16_t flags, layout;
    rdb_undo_head *heads;
    uint32_t head_count;
    uint8_t inline_bytes[1024];
} heap_body;
/* Makes the body; large values are written to their chains here (logged), before any latch is taken. */
bool heap_body_make(heap_body *body, const rdb_table *table, rdb_xid xid, const rdb_datum *values, const bool *is_null, rdb_error *err);
void heap_body_deinit(heap_body *body);
/* The row was not written after all: its chains go. */
void heap_body_free_chains(heap_body *body, const heap_place *place);

/* space.c: pages to put rows into. */
/* An exclusively latched page with room for a cell of this length; *fresh: it is to be initialised. avoid: a block that
 * the caller holds (UINT64_MAX: none; then a second heap page is only tried for). */
bool heap_find_page(const heap_place *place, uint32_t length, uint64_t avoid, rdb_buffer **buffer, bool *fresh, rdb_error *err);
void heap_note_space(const heap_place *place, rdb_buffer *buffer); /* latched */

/* visible.c. The map of an exclusively latched heap page that is about to change, latched too, where it says that all see the page;
 * else NULL. What is changed then takes that back in the same record. */
typedef struct heap_seen {
    rdb_buffer *map;
    uint32_t edit_bytes;
    uint8_t edit[HEAP_MAP_CLEAR_BYTES_MAX];
} heap_seen;
bool heap_seen_latch(heap_seen *seen, const heap_place *place, uint64_t block, rdb_error *err);
void heap_seen_add(const heap_seen *seen, rdb_change *change);
void heap_seen_release(heap_seen *seen);

/* What the map says of a latched heap page. */
bool heap_is_seen(const heap_place *place, uint64_t block, bool *is_seen, rdb_error *err);

/* place.c: a row that is being changed. */
typedef struct heap_write {
    const rdb_table *table; /* NULL: the reverter or purge */
    heap_place place;
    rdb_txn *txn;
    rdb_row_address address;
    rdb_xid xid;
    heap_walker walker;
    rdb_buffer *home, *body_page, *new_page;
    heap_seen seen;                    /* of home */
    uint32_t cell_offset, cell_length; /* at home */
    bool is_moved, new_is_fresh;
    rdb_row_address body_address;      /* where the body is, moved */
    uint32_t body_length;              /* of its cell */
    heap_version current, base;        /* in place; the newest that counts */
} heap_write;

typedef struct heap_edits_set {
    heap_edits home, body, fresh;
} heap_edits_set;

/* Latches the home page and, where the body has moved, its page: tried, for two heap pages have no order. *again: another
 * thread was in the way, nothing is held. *found false: the slot holds no row; the home page is held. */
bool heap_latch_row(heap_write *w, bool *found, bool *again, rdb_error *err);
void heap_release_row(heap_write *w);
void heap_edits_set_init(heap_edits_set *set);
void heap_edits_set_deinit(heap_edits_set *set);
/* The edits that make a version (header, flags without HEAP_MOVED, bytes) stand where it fits: at home, in the body's page,
 * or in another one, which is chosen and latched here. */
bool heap_place_version(heap_write *w, heap_edits_set *set, uint8_t header[HEAP_STUB_BYTES], unsigned flags, const uint8_t *bytes,
                        uint32_t length, rdb_error *err);
bool heap_apply_edits(heap_write *w, const heap_edits_set *set, rdb_undo_append *append, rdb_error *err);
/* How much of the start and the end two stretches share. */
void heap_compare(const uint8_t *a, uint32_t a_length, const uint8_t *b, uint32_t b_length, uint32_t *start, uint32_t *end);

/* cleanup.c: does a version of the row, from the one whose record stands at undo back, say that it has or had the key? */
bool heap_chain_has_key(const heap_place *place, rdb_row_address address, uint64_t index_file, rdb_slice key, rdb_undo_address undo, bool *has_key,
                        rdb_error *err);

/* history.c: a row's chain, remembered. The home page is latched while its version in place is learnt. */
struct rdb_table_histories;
typedef struct heap_history heap_history;
/* *history NULL: there is none and it was not to be made. */
bool heap_history_find(struct rdb_table_histories *histories, const heap_place *place, rdb_row_address home, bool make, heap_history **history,
                       rdb_error *err);
void heap_histories_count(struct rdb_table_histories *histories, uint64_t steps);
/* Reverting: what the record at self was built on; the chain in place. */
bool heap_history_learn_below(const heap_place *place, struct rdb_table_histories *histories, heap_history *history, rdb_row_address row,
                              rdb_undo_address self, rdb_undo_address previous, rdb_error *err);
bool heap_history_learn_place(const heap_place *place, struct rdb_table_histories *histories, heap_history *history, rdb_row_address row,
                              rdb_undo_address top, rdb_error *err);
/* Purging: what is newer than the record at self. */
bool heap_history_learn_newer(const heap_place *place, struct rdb_table_histories *histories, heap_history *history, rdb_row_address row,
                              const rdb_undo_record *record, rdb_undo_address self, rdb_undo_address top, rdb_error *err);
/* A record was dealt with, whether its keys were asked for or not. */
void heap_history_pass(const heap_place *place, struct rdb_table_histories *histories, const rdb_undo_record *record, rdb_undo_address self);
bool heap_history_has_key(struct rdb_table_histories *histories, const heap_history *history, uint64_t index_file, rdb_slice key, bool *has,
                          rdb_error *err);

bool heap_check_pdb(const rdb_table *table, const rdb_txn *txn, rdb_error *err);

#define HEAP_HEADS_MAX 1600u
#endif
