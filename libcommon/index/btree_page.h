/* SPDX-License-Identifier: Apache-2.0
 * Pages of a B+tree. Block 0 is a meta page, block 1 the root, for good: a root that splits moves its content to two new
 * pages and becomes their parent, so a descent begins without asking where. All other pages come by extending the file, or
 * were given up by a compaction (type RDB_PAGE_FREE).
 *
 * Tree page, after the 80-byte page header (type RDB_PAGE_BTREE), little-endian:
 *   80  2  level, 0 = leaf         82  2  slots
 *   84  2  prefix bytes: all keys of the page begin with the same so many bytes; heads begin behind them
 *   86  2  offset of the high key's cell, 0 = none: the rightmost page of its level
 *   88  2  key bytes in the high key's cell        90  2  bytes of dead cells
 *   92  4  zero                    96  8  right sibling, 0 = none
 *  104     slots in key order, 8 bytes each:
 *            0  4  head: the four key bytes behind the prefix, as a number (big-endian), padded with zeroes
 *            4  2  offset of the cell      6  2  key bytes in the cell
 *          free space between `lower` and `upper`, then cells in any order, to the end
 * Cell:
 *    0  1  flags BTREE_CELL_*: which of these follow
 *       8  row address (leaf entries; separators and high keys where the key alone does not separate)
 *       6  child block (inner pages)
 *       2  payload bytes
 *      10  overflow: block 6, bytes of the whole key 2, of the payload 2; the page there has both, the cell the key's begin
 *          key bytes, payload bytes
 * Overflow page (type RDB_PAGE_OVERFLOW): 80 2 key bytes, 82 2 payload bytes, 84 key and payload. It never changes; entries,
 * separators and high keys may share it, so it stays until the index is rebuilt.
 * Meta page (type RDB_PAGE_META): 80 8 magic "RDBBTREE", 88 4 format version 1, 92 4 zero, 96 8 xid that made the file.
 *
 * Order: (key bytes, row address), a key before every longer one that begins with it. A page holds what is >= its low key
 * (the high key of its left neighbour) and < its high key. The first child of an inner page has no key: it takes all that is
 * less than the second's. Separators are as short as they can be. */
#ifndef RDB_BTREE_PAGE_H
#define RDB_BTREE_PAGE_H

#include "index/rdb_index.h"

typedef struct btree_slot {
    uint32_t head;
    uint16_t offset, key_bytes;
} btree_slot;
_Static_assert(sizeof(btree_slot) == 8, "the drawing above and the struct disagree");

typedef struct btree_page {
    rdb_page base;
    uint16_t level, count, prefix, high_offset, high_key_bytes, garbage;
    uint32_t zero;
    uint64_t right;
    btree_slot slots[];
} btree_page;
_Static_assert(sizeof(btree_page) == 104 && offsetof(btree_page, level) == 80 && offsetof(btree_page, right) == 96,
               "the drawing above and the struct disagree");

#define BTREE_SLOTS_AT 104u
#define BTREE_META_BLOCK UINT64_C(0)
#define BTREE_ROOT_BLOCK UINT64_C(1)
#define BTREE_MAGIC UINT64_C(0x4545525442424452) /* "RDBBTREE" */
#define BTREE_META_XID (RDB_PAGE_HEADER_BYTES + 16u)
#define BTREE_META_END (RDB_PAGE_HEADER_BYTES + 24u)
#define BTREE_LEVELS_MAX 32u
#define BTREE_PAGE_BYTES_MAX 32768u
#define BTREE_LONG_KEY_INLINE 128u /* of a key that goes on in an overflow page: so much stands in the cell */
#define BTREE_PREFIX_MAX (BTREE_LONG_KEY_INLINE - 4) /* so that every head lies in the cell */
enum { BTREE_INCOMPLETE = 1 }; /* page flag: the right sibling is not in the parent yet */
enum { BTREE_CELL_ADDRESS = 1, BTREE_CELL_CHILD = 2, BTREE_CELL_PAYLOAD = 4, BTREE_CELL_OVERFLOW = 8 };
#define BTREE_CELL_FLAGS 15u
#define BTREE_CELL_HEAD_MAX 27u

enum { BTREE_OP_CREATE = 1, BTREE_OP_INSERT, BTREE_OP_INSERT_UP, BTREE_OP_REMOVE, BTREE_OP_SPLIT, BTREE_OP_ROOT_SPLIT,
       BTREE_OP_PAGE, BTREE_OP_OVERFLOW, BTREE_OP_TOUCH, BTREE_OP_ORIGIN, BTREE_OP_MERGE, BTREE_OP_SHIFT, BTREE_OP_MOVE, BTREE_OP_LOWER,
       BTREE_OP_COUNT };

/* A cell taken apart, or one to be made. Pointers go into the page. */
typedef struct btree_cell {
    uint8_t flags;
    uint16_t key_bytes;      /* in the cell */
    uint16_t whole_key_bytes, payload_bytes;
    uint64_t address, child, overflow;
    const uint8_t *key, *payload; /* payload: NULL where it is in the overflow page */
} btree_cell;

/* What is looked for: the place of (key, address); or, with after_prefix, the place behind everything that begins with
 * the key. */
typedef struct btree_probe {
    const uint8_t *key;
    uint32_t length;
    bool after_prefix;
    uint64_t address;
} btree_probe;

typedef enum btree_answer {
    BTREE_OK,
    BTREE_TORN,  /* the bytes make no sense: torn, or damaged if a latch is held */
    BTREE_LATCH, /* an overflow page is needed, which only a latched reader may visit */
    BTREE_FAILED /* err is set */
} btree_answer;

/* Where whole keys are read from; NULL fetch: no overflow page may be visited. *whole lives until the next fetch. */
typedef struct btree_fetcher {
    bool (*fetch)(struct btree_fetcher *fetcher, uint64_t block, const uint8_t **whole, uint32_t *key_bytes,
                  uint32_t *payload_bytes, rdb_error *err);
    rdb_error *err;
} btree_fetcher;

/* Bytes of an entry that stay in the page: five of them always fit, high key included. */
uint32_t btree_inline_max(uint32_t page_bytes);
/* Offsets are checked against the page; false: torn or damaged. */
bool btree_cell_decode(const btree_page *page, uint32_t page_bytes, uint32_t offset, uint32_t key_bytes, btree_cell *cell);
bool btree_slot_decode(const btree_page *page, uint32_t page_bytes, uint32_t slot_no, btree_cell *cell);
uint32_t btree_cell_bytes(const btree_cell *cell);
uint32_t btree_cell_encode(const btree_cell *cell, uint8_t *target);
/* *order: of the probe against the cell. */
btree_answer btree_compare(const btree_probe *probe, const btree_cell *cell, uint32_t skip, btree_fetcher *fetcher, int *order);
/* The first slot that is not before the probe (inner pages: from slot 1 on). */
btree_answer btree_page_search(const btree_page *page, uint32_t page_bytes, const btree_probe *probe, btree_fetcher *fetcher,
                               uint32_t *slot_no, bool *equal);
/* *order: of the probe against the high key; -1 where there is none. */
btree_answer btree_page_compare_high(const btree_page *page, uint32_t page_bytes, const btree_probe *probe, btree_fetcher *fetcher,
                                     int *order);
static inline uint32_t btree_page_count(const btree_page *page, uint32_t page_bytes)
{
    uint32_t count = __atomic_load_n(&page->count, __ATOMIC_RELAXED), most = (page_bytes - BTREE_SLOTS_AT) / sizeof(btree_slot);
    return count < most ? count : most;
}
static inline bool btree_page_is_tree(const btree_page *page)
{
    return __atomic_load_n(&page->base.type, __ATOMIC_RELAXED) == RDB_PAGE_BTREE;
}
/* Room for a cell and its slot, after tidying. */
static inline bool btree_page_fits(const btree_page *page, uint32_t cell_bytes)
{
    return cell_bytes + sizeof(btree_slot) <= (uint32_t)(page->base.upper - page->base.lower) + page->garbage;
}

/* ---- changes: used by redo alone. Every size is checked; false: the bytes are not a change of this page. ----------------- */
bool btree_page_insert(btree_page *page, uint32_t page_bytes, uint32_t slot_no, uint32_t key_bytes, const uint8_t *cell,
                       uint32_t cell_bytes);
bool btree_page_remove(btree_page *page, uint32_t page_bytes, uint32_t slot_no);
/* Of an inner page: leads a slot to another child. */
bool btree_page_set_child(btree_page *page, uint32_t page_bytes, uint32_t slot_no, uint64_t child);
/* Keeps the first slots, with another high key and right sibling. */
bool btree_page_keep(btree_page *page, uint32_t page_bytes, uint32_t keep, uint64_t right, uint32_t high_key_bytes,
                     const uint8_t *high_cell, uint32_t high_cell_bytes);
/* A page's whole content as it is logged and rebuilt:
 *    0 2 level   2 2 flags   4 2 slots   6 2 key bytes of the high key   8 2 bytes of its cell, 0 = none   10 2 zero
 *   12 8 right  20   high key's cell, then of each slot: key bytes 2, cell bytes 2, cell */
#define BTREE_CONTENT_HEAD 20u
typedef struct btree_content {
    uint8_t *bytes; /* of page_bytes */
    uint32_t length, page_used, page_bytes;
} btree_content;
void btree_content_begin(btree_content *content, uint8_t *bytes, uint32_t page_bytes, uint16_t level);
void btree_content_set_high(btree_content *content, const btree_cell *high); /* before the first add */
void btree_content_set_right(btree_content *content, uint64_t right);
/* False: the page would overflow; nothing was added. */
bool btree_content_add(btree_content *content, const btree_cell *cell);
uint16_t btree_content_count(const btree_content *content);
bool btree_page_build(btree_page *page, uint32_t page_bytes, const uint8_t *content, uint32_t content_bytes);

#endif
