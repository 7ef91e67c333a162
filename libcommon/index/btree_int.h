/* SPDX-License-Identifier: Apache-2.0
 * The inside of the B+tree.
 *
 * Readers take neither pin nor latch where they can: they read a page between two looks at its latch's version, and go on with
 * what they copied. They look at one page at a time and need no coupling: pages lose keys to their right alone, so whoever comes too
 * late finds a high key that is not greater than what it looks for and follows the link. The one exception is compaction
 * (btree_compact.c), which merges and moves pages: it counts each such step in the tree's shape, before the pages change and while it has all
 * of them latched. Who follows a block number, or relies on a low bound, that it learned before, looks at the shape after it has read or
 * latched the page: where it is the same the page is the right one, else all begins anew at the root.
 *
 * Writers latch exclusively from left to right and from the leaf upwards, never downwards: a split holds its page until the
 * separator stands in the parent, with the flag BTREE_INCOMPLETE while it does not; whoever latches a page with that
 * flag for writing finishes the split first. They go right from latched page to latched page: who has the left neighbour latched keeps
 * the right one in its place. Latches of trees come before those of heap, undo and xact. */
#ifndef RDB_BTREE_INT_H
#define RDB_BTREE_INT_H

#include "index/btree_page.h"

/* The thread sanitizer cannot know that a torn read is thrown away, so under it readers latch. */
#if defined(__SANITIZE_THREAD__)
#define BTREE_OPTIMISTIC 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BTREE_OPTIMISTIC 0
#endif
#endif
#ifndef BTREE_OPTIMISTIC
#define BTREE_OPTIMISTIC 1
#endif
#define BTREE_OPTIMISTIC_TRIES 4u

typedef struct btree_split_left { /* data of the left page in a split's record, before the high key's cell and the new cell */
    uint16_t keep, new_slot, new_key_bytes, new_cell_bytes, high_key_bytes, high_cell_bytes;
    uint32_t zero;
    uint64_t right;
} btree_split_left;
_Static_assert(sizeof(btree_split_left) == 24, "logged as it is");

/* One call's view of a tree; on the stack. end releases what it pinned. */
typedef struct btree {
    btree_fetcher fetcher;
    rdb_storage *storage;
    uint64_t file;
    uint32_t pdb, page_bytes;
    rdb_xid xid;
    uint64_t shape;       /* of the tree when the descent began */
    rdb_buffer *overflow; /* pinned: where the last fetch read */
} btree;
void btree_begin(btree *tree, rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_xid xid, rdb_error *err);
void btree_end(btree *tree);
static inline btree_page *btree_page_of(rdb_buffer *buffer)
{
    return (btree_page *)(void *)rdb_buffer_page(buffer);
}
static inline rdb_page_tag btree_tag(const btree *tree, uint64_t block)
{
    return (rdb_page_tag){.file = tree->file, .block = block, .pdb = tree->pdb, .fork = RDB_FORK_MAIN};
}
bool btree_acquire(btree *tree, uint64_t block, rdb_buffer_mode mode, rdb_buffer **buffer);
/* A page to be built from nothing, latched exclusively: one that a compaction gave up, or a new one at the end of the file. */
bool btree_new_page(btree *tree, uint64_t *block, rdb_buffer **buffer);

/* How often pages of a tree were merged or moved (trees share some). Compaction waits while anybody verifies. */
typedef struct btree_shape {
    _Atomic uint64_t steps;
    _Atomic uint32_t verifiers;
} btree_shape;
btree_shape *btree_shape_of(const btree *tree);
/* After a page was read or latched: are the block numbers learned since tree->shape was set still right? */
static inline bool btree_shape_holds(const btree *tree)
{
    return atomic_load_explicit(&btree_shape_of(tree)->steps, memory_order_acquire) == tree->shape;
}
/* Sets XX002 unless an error is set; false. */
bool btree_corrupted(btree *tree, const rdb_buffer *buffer, const char *what);
/* Under a latch: an answer other than OK becomes an error. */
bool btree_expect(btree *tree, const rdb_buffer *buffer, btree_answer answer);

/* A key that outlives its page: a page's low bound, a separator's whole key. */
typedef struct btree_bound {
    uint32_t length;
    bool is_set; /* false: less than every key */
    uint64_t address;
    uint8_t key[RDB_INDEX_KEY_MAX];
} btree_bound;
/* The cell's whole key; fetcher as in btree_compare. */
btree_answer btree_bound_copy(btree_bound *bound, const btree_cell *cell, btree_fetcher *fetcher);
static inline btree_probe btree_bound_probe(const btree_bound *bound)
{
    return (btree_probe){.key = bound->key, .length = bound->length, .address = bound->address};
}

typedef struct btree_path { /* where the descent went down, per level; 0: unknown */
    uint64_t blocks[BTREE_LEVELS_MAX];
    uint64_t shape; /* of the tree then */
} btree_path;

/* Finds the page of the level that takes the probe; with before, the page that takes what comes right before it. Its block
 * is all that is found out: it may have lost its right part since, or be a root that has grown, so whoever looks compares the
 * level and the high key, and the shape. path and low (the page's low bound) may be NULL. */
bool btree_descend(btree *tree, const btree_probe *probe, bool before, uint32_t level, btree_path *path, btree_bound *low,
                   uint64_t *block);
#define BTREE_RESTARTS_MAX 1000u /* because a root grew; more is damage */
/* As descend, and latched exclusively, moved right as far as the probe asks, any unfinished split of it finished. */
bool btree_find_for_write(btree *tree, const btree_probe *probe, uint32_t level, btree_path *path, rdb_buffer **buffer);
/* The same from a page that may be the one or left of it, latched already; it is let go where another takes its place. */
bool btree_move_right_for_write(btree *tree, const btree_probe *probe, btree_path *path, rdb_buffer **buffer);

/* The meta page and an empty root in a file that exists. */
bool btree_create_root(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_xid xid, rdb_error *err);

/* btree_split.c: puts a cell into the page, splitting as needed. The page is latched exclusively and stays so; the cell may then
 * stand in a page to its right. child: a page below, latched, whose split this cell completes; or NULL. */
bool btree_put_cell(btree *tree, btree_path *path, rdb_buffer *buffer, uint32_t slot_no, const btree_cell *cell, rdb_buffer *child);
bool btree_finish_split(btree *tree, btree_path *path, rdb_buffer *buffer);
/* The page of the level that takes the probe, latched: where the path remembers it, else found anew. A page below may be latched. */
bool btree_find_parent(btree *tree, btree_path *path, const btree_probe *probe, uint32_t level, rdb_buffer **parent);
/* A separator between two neighbouring cells of one level: left < separator <= right. Points into right's key. */
btree_cell btree_separator(const btree_cell *left, const btree_cell *right);
/* The cell of an entry; what is too long goes to an overflow page first. */
bool btree_make_cell(btree *tree, const rdb_index_entry *entry, btree_cell *cell);
bool btree_check_entry(uint32_t index_oid, const rdb_index_entry *entry, rdb_error *err);

#endif
