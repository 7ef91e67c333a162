/* SPDX-License-Identifier: Apache-2.0
 * Room index: access methods behind one table of functions; B+tree first. Keys are bytes that memcmp orders
 * (rdb_type_encode_column); the row address is the last key column, so every entry is unique. A B-link tree: high keys,
 * right links, one record a level, an incomplete-split flag that the next writer finishes (R27). The drawing of a page
 * stands in btree_page.h of this room. */
#ifndef RDB_INDEX_H
#define RDB_INDEX_H

#include "table/rdb_table.h"

#define RDB_INDEX_KEY_MAX 2700u /* bytes of key and payload of one entry; longer: 54000, PostgreSQL's message */

typedef struct rdb_index { /* immutable; made and pinned by the catalog */
    rdb_storage *storage;
    rdb_txn_manager *txns;
    uint32_t pdb;
    uint32_t index_oid;
    uint64_t file;
    bool is_unique;
    bool nulls_not_distinct;
    rdb_scn valid_from_scn; /* it knows no versions of rows from before: snapshots older than this pass it over */
} rdb_index;

typedef struct rdb_index_entry {
    rdb_slice key;      /* encoded key columns, and what the owner of the index puts behind them */
    rdb_slice payload;  /* bytes beside the key; an entry that is there keeps those it has */
    rdb_row_address address;
    uint32_t unique_bytes; /* for rdb_index_insert_unique: keys are equal that begin with the same so many bytes; 0: whole ones */
} rdb_index_entry;

RDB_CHECKED bool rdb_index_create(rdb_storage *storage, rdb_txn *txn, uint64_t file, rdb_error *err);
/* Who made the file, and filled it with the rows as they were then; 0: not known, long ago. */
RDB_CHECKED bool rdb_index_get_origin(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_xid *xid, rdb_error *err);
/* The transaction counts as the maker from here on: snapshots from before its commit pass the index over. */
RDB_CHECKED bool rdb_index_set_origin(const rdb_index *index, rdb_xid xid, rdb_error *err);
/* Adds an entry; one that is there already is left as it is (R28). xid: for the log. */
RDB_CHECKED bool rdb_index_insert(const rdb_index *index, rdb_xid xid, const rdb_index_entry *entry, rdb_error *err);
/* Asks about one entry with an equal key, under no latch: does its row really have that key and count? */
typedef enum rdb_unique_answer { RDB_UNIQUE_IGNORE, RDB_UNIQUE_CONFLICT, RDB_UNIQUE_WAIT, RDB_UNIQUE_FAILED } rdb_unique_answer;
typedef rdb_unique_answer (*rdb_unique_check)(void *context, rdb_row_address address, rdb_xid *wait_xid, rdb_error *err);
typedef enum rdb_unique_outcome { RDB_UNIQUE_INSERTED, RDB_UNIQUE_HAS_CONFLICT, RDB_UNIQUE_MUST_WAIT } rdb_unique_outcome;
/* Adds the entry unless check finds a conflict among those with an equal key. What was checked still holds when the entry is
 * in: the first leaf for the key is held, or re-validated, over check and insert (R30). */
RDB_CHECKED bool rdb_index_insert_unique(const rdb_index *index, rdb_xid xid, const rdb_index_entry *entry, rdb_unique_check check,
                                         void *context, rdb_unique_outcome *outcome, rdb_row_address *conflict,
                                         rdb_xid *wait_xid, rdb_error *err);
/* Removes the entry where still_needed (asked under the leaf latch; NULL: no) says no. Missing is fine. */
RDB_CHECKED bool rdb_index_remove(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_slice key, rdb_row_address address,
                                  bool (*still_needed)(void *context, bool *needed, rdb_error *err), void *context, rdb_error *err);

/* A range in key order. Bounds are prefixes of encoded keys: lower inclusive means entries >= lower; upper inclusive means
 * entries that are <= upper or begin with it; empty = open. */
typedef struct rdb_index_range {
    rdb_slice lower, upper;
    bool lower_exclusive, upper_exclusive; /* exclusive: entries that begin with the bound are out */
} rdb_index_range;
typedef struct rdb_index_cursor rdb_index_cursor;
RDB_CHECKED bool rdb_index_cursor_open(rdb_index_cursor **cursor, const rdb_index *index, const rdb_index_range *range,
                                       bool backward, rdb_arena *arena, rdb_error *err);
/* The next entries, at most capacity; their bytes (only where want_keys) in batch_arena. *count 0: the end. No latch or pin
 * is held between calls; an entry is neither missed nor met twice when pages split meanwhile. */
RDB_CHECKED bool rdb_index_cursor_next(rdb_index_cursor *cursor, uint32_t capacity, bool want_keys, rdb_arena *batch_arena,
                                       rdb_index_entry *entries, uint32_t *count, rdb_error *err);
/* Starts over on another range (nested loops): no allocation. */
RDB_CHECKED bool rdb_index_cursor_seek(rdb_index_cursor *cursor, const rdb_index_range *range, rdb_error *err);
void rdb_index_cursor_close(rdb_index_cursor **cursor);
/* Whether there is an entry of that key and address, among however many of the key. */
RDB_CHECKED bool rdb_index_has_entry(const rdb_index *index, rdb_slice key, rdb_row_address address, rdb_arena *arena, bool *has, rdb_error *err);
/* Many searches: the way to the leaf of each is found ahead of it, then memory is asked for the leaf's slots, and when these are there for
 * the first entry, while other searches are read. A place holds nothing and stays true however the tree changes. Forward alone. */
typedef struct rdb_index_place {
    uint64_t leaf, shape;
} rdb_index_place;
RDB_CHECKED bool rdb_index_find_place(const rdb_index *index, const rdb_index_range *range, rdb_index_place *place, rdb_error *err);
void rdb_index_warm_place(const rdb_index *index, const rdb_index_place *place);
void rdb_index_warm_entry(const rdb_index *index, const rdb_index_place *place, const rdb_index_range *range);
/* As seek, from the place found for that range. */
RDB_CHECKED bool rdb_index_cursor_seek_from(rdb_index_cursor *cursor, const rdb_index_range *range, const rdb_index_place *place, rdb_error *err);

/* Bottom-up build of an empty index from entries in order. */
typedef struct rdb_index_builder rdb_index_builder;
RDB_CHECKED bool rdb_index_builder_open(rdb_index_builder **builder, const rdb_index *index, rdb_xid xid, rdb_error *err);
RDB_CHECKED bool rdb_index_builder_add(rdb_index_builder *builder, const rdb_index_entry *entry, rdb_error *err);
RDB_CHECKED bool rdb_index_builder_finish(rdb_index_builder **builder, rdb_error *err); /* closes, also on failure */

/* Makes the file smaller while others read and write the tree: pages are filled, those at the end of the file move to free blocks in front,
 * the end goes back to the file system. No disk is taken beside it. What is done stays done where it is stopped. The caller sees to it
 * that nobody else compacts, builds or drops the index meanwhile. */
typedef struct rdb_index_compaction {
    /* Called between steps, with no latch held: bytes were written. *goes_on = false ends it. NULL: as fast as it goes. */
    bool (*pace)(void *context, uint64_t bytes, bool *goes_on, rdb_error *err);
    void *context;
    uint64_t blocks_before, blocks_after, pages_merged, pages_moved; /* out */
    bool is_over;                                                    /* out: it was not ended by pace */
} rdb_index_compaction;
RDB_CHECKED bool rdb_index_compact(const rdb_index *index, rdb_index_compaction *compaction, rdb_error *err);

/* Walks the whole tree and checks order, links, high keys and levels: for tests, rdb-diag and amcheck-like functions. */
typedef struct rdb_index_statistics {
    uint64_t entries, leaf_pages, inner_pages, levels;
    uint64_t block; /* the last one that was looked at: the one at fault where it is no tree */
} rdb_index_statistics;
RDB_CHECKED bool rdb_index_verify(const rdb_index *index, rdb_index_statistics *statistics, rdb_error *err);
void rdb_index_register_redo(void);

#endif
