/* SPDX-License-Identifier: Apache-2.0
 * Block 0 of a heap is a meta page (so that neither a row address nor a link is ever 0). The others are heap pages, overflow
 * pages, maps of all-visible pages, or free ones that the next insert builds anew. The meta page says where the file comes from:
 *   80  8  xid that made it; 0: not known, long ago
 *   88  8  the file that it took the place of (a rewrite, TRUNCATE), where older snapshots find their rows; 0: that one's rows do not
 *          fit the table any more; itself: it is the table's first
 *   96     8 bytes each: the blocks of the file's maps, 0: not made yet
 *
 * A heap page and what can be done to one. Little-endian; the page header is drawn in storage/rdb_storage.h.
 *
 *   80  2  bytes of all cells       82  2  free slots      84  4  zero
 *   88     slots, 4 bytes each, growing up to `lower`:
 *            0  2  offset of the cell; bit 15: zero
 *            2  2  bytes of the cell; bit 15: it is a moved body
 *          both 0: free
 *    .     free space, from lower to upper; holes between cells count as free too and are closed at need
 *    .     cells, growing down from the end to `upper`
 *
 * A row's cell stands at its home for life (R13). 20-byte header (R15), then at least 8 bytes, so that a stub always fits:
 *    0  8  xid of the writer of this version      8  8  address of its undo record
 *   16  2  flags HEAP_*                          18  2  layout number
 *   20     HEAP_MOVED: 8 bytes, the address (block, slot) of the body
 *          else the body:
 *            HEAP_WHOLE: one heap_external that holds the whole image
 *            HEAP_EXTERNAL: 2 bytes count, then so many entries {slot 2, heap_external 32, stored bytes where its block is
 *            0}: values that stand here and not in the image, which has them empty
 *            the image (vec/rdb_vec.h)
 * A moved body's cell: 8 bytes home address, then the body.
 *
 * heap_external, 32 bytes: where a large value is.
 *    0  8  first block of its chain; 0: the stored bytes follow in the entry
 *    8  8  xid that wrote the chain     16  4  bytes of the value     20  4  bytes stored
 *   24  1  method: 0 plain, 1 lz4       25  7  zero
 * Overflow page (RDB_PAGE_OVERFLOW), after the page header: next block 8 (0: the last), writer's xid 8, bytes up to lower.
 * A chain is freed from its second page on, the first page last: HEAP_OP_OVERFLOW_FREE has the freed page as block 0, and the first one as
 * block 1 with its new next block.
 *
 * Map of all-visible pages (RDB_PAGE_VISIBLE; visible.c says what that means), after the page header: 8 bytes, the newest SCN that a
 * page had when its bit was set; then bits, bit b of map n for block n * HEAP_MAP_BITS + b.
 *
 * A change of a page is a run of edits, the data of its block reference; redo applies them in order. Each is 1 byte HEAP_EDIT_*, numbers
 * (as the WAL writes them, wal/rdb_wal.h), and the bytes that these tell of:
 *    INIT, MAP_INIT      nothing more: the page becomes a heap page, a map
 *    FREE                slot
 *    PUT_ROW, PUT_BODY   slot, length, the bytes: the slot's new cell, whatever it had
 *    SPLICE              slot, start, old length, new length, the new bytes: replaces a stretch of the cell
 *    UNDO                log, offset: the undo record of the versions that the next two write; their writer is the WAL record's xid
 *    NEW_ROW             slot, flags, layout, length, the bytes: the slot's new cell, a header of these and behind it the bytes
 *    STAMP               slot, flags, layout: a new header on the row that stands there
 *    MAP_LINK            map number, block: on the meta page
 *    MAP_SET             SCN, bit                      MAP_CLEAR           bit
 */
#ifndef RDB_HEAP_PAGE_H
#define RDB_HEAP_PAGE_H

#include "table/rdb_table.h"

#define HEAP_DELETED 4u
#define HEAP_MOVED 8u
#define HEAP_EXTERNAL 16u
#define HEAP_WHOLE 32u
#define HEAP_KEYS_CHANGED 64u  /* an indexed column changed since the row came: entries that lead here are re-checked */
#define HEAP_KEY_UPDATED 128u  /* the writer of this version changed a key that others may refer to, or deleted */
#define HEAP_MOVED_AWAY 256u   /* with DELETED: by an update that took the row to another partition */
#define HEAP_RELOCATED 512u    /* with DELETED: compaction gave the row another home, which its undo record's image names (8 bytes) */
#define HEAP_IMAGE_FLAGS (RDB_ROW_HAS_NULLS | RDB_ROW_WIDE)
#define HEAP_BODY_FLAGS (HEAP_IMAGE_FLAGS | HEAP_EXTERNAL | HEAP_WHOLE) /* how the body is to be read */
#define HEAP_ALL_FLAGS (HEAP_BODY_FLAGS | HEAP_DELETED | HEAP_MOVED | HEAP_KEYS_CHANGED | HEAP_KEY_UPDATED | HEAP_MOVED_AWAY | HEAP_RELOCATED) /* others are damage */

#define HEAP_HEADER_BYTES 20u
#define HEAP_STUB_BYTES 28u
#define HEAP_BODY_PREFIX 8u
#define HEAP_SLOTS_AT 88u
#define HEAP_SLOT_BYTES 4u

typedef struct heap_page_head {
    uint16_t cell_bytes, free_slots;
    uint32_t zero;
} heap_page_head;
_Static_assert(sizeof(heap_page_head) == HEAP_SLOTS_AT - RDB_PAGE_HEADER_BYTES, "the drawing above and the struct disagree");

typedef struct heap_external {
    uint64_t block;
    rdb_xid xid;
    uint32_t length, stored;
    uint8_t method, zero[7];
} heap_external;
_Static_assert(sizeof(heap_external) == 32, "the drawing above and the struct disagree");

enum {
    HEAP_EDIT_INIT = 1, HEAP_EDIT_PUT_ROW, HEAP_EDIT_PUT_BODY, HEAP_EDIT_SPLICE, HEAP_EDIT_FREE, HEAP_EDIT_UNDO, HEAP_EDIT_NEW_ROW, HEAP_EDIT_STAMP,
    HEAP_EDIT_MAP_INIT, HEAP_EDIT_MAP_LINK, HEAP_EDIT_MAP_SET, HEAP_EDIT_MAP_CLEAR
};
enum { HEAP_OP_EDIT = 1, HEAP_OP_OVERFLOW, HEAP_OP_OVERFLOW_FREE, HEAP_OP_META };

#define HEAP_MAP_BITS_AT (RDB_PAGE_HEADER_BYTES + 8u)
#define HEAP_MAP_BITS(page_bytes) (((page_bytes) - HEAP_MAP_BITS_AT) * 8u)
#define HEAP_MAPS_AT (RDB_PAGE_HEADER_BYTES + 16u)
#define HEAP_MAPS(page_bytes) (((page_bytes) - HEAP_MAPS_AT) / 8u)

typedef enum heap_slot_kind { HEAP_SLOT_FREE, HEAP_SLOT_ROW, HEAP_SLOT_BODY } heap_slot_kind;

static inline uint32_t heap_slot_count(const rdb_page *page)
{
    return page->lower < HEAP_SLOTS_AT ? 0 : (page->lower - HEAP_SLOTS_AT) / HEAP_SLOT_BYTES;
}
static inline heap_slot_kind heap_slot(const rdb_page *page, uint32_t slot_no, uint32_t *offset, uint32_t *length)
{
    const uint8_t *at = (const uint8_t *)page + HEAP_SLOTS_AT + slot_no * HEAP_SLOT_BYTES;
    uint16_t word = rdb_get_u16(at + 2);
    *offset = rdb_get_u16(at);
    *length = word & 0x7fffu;
    return *offset == 0 ? HEAP_SLOT_FREE : (word & 0x8000u) != 0 ? HEAP_SLOT_BODY : HEAP_SLOT_ROW;
}
/* Whoever reads a cell asks first: a checksum says that the bytes are those that were written, not that they were right. */
static inline bool heap_cell_fits(uint32_t offset, uint32_t length, uint32_t least, uint32_t page_bytes)
{
    return offset >= HEAP_SLOTS_AT && length >= least && offset + length <= page_bytes;
}
static inline const uint8_t *heap_cell(const rdb_page *page, uint32_t offset)
{
    return (const uint8_t *)page + offset;
}
static inline heap_page_head heap_get_head(const rdb_page *page)
{
    heap_page_head head;
    memcpy(&head, (const uint8_t *)page + RDB_PAGE_HEADER_BYTES, sizeof head);
    return head;
}
/* Bytes that cells may still take, those of a new slot not yet taken off. */
static inline uint32_t heap_free_bytes(const rdb_page *page, uint32_t page_bytes)
{
    return page_bytes - page->lower - heap_get_head(page).cell_bytes;
}
/* Bytes of the largest cell that a page of this size holds. */
static inline uint32_t heap_cell_max(uint32_t page_bytes)
{
    return page_bytes - HEAP_SLOTS_AT - HEAP_SLOT_BYTES;
}
/* True where every slot of the page lies inside it. */
bool heap_page_check(const rdb_page *page, uint32_t page_bytes);
/* A slot for a new cell of this length; UINT32_MAX: no room. */
uint32_t heap_choose_slot(const rdb_page *page, uint32_t page_bytes, uint32_t length);

/* Edits being gathered; bytes are copied in. */
typedef struct heap_edits {
    uint8_t *bytes;
    uint32_t length, capacity;
    bool failed;
    uint8_t inline_bytes[1024];
} heap_edits;
void heap_edits_init(heap_edits *edits);
void heap_edits_deinit(heap_edits *edits);
void heap_edit_init_page(heap_edits *edits);
void heap_edit_free(heap_edits *edits, uint32_t slot);
/* The cell is first followed by second. */
void heap_edit_put(heap_edits *edits, heap_slot_kind kind, uint32_t slot, const void *first, uint32_t first_length,
                   const void *second, uint32_t second_length);
void heap_edit_splice(heap_edits *edits, uint32_t slot, uint32_t start, uint32_t old_length, const void *bytes, uint32_t new_length);

#define HEAP_UNDO_EDIT_BYTES_MAX (1u + 3u + RDB_WAL_NUMBER_BYTES_MAX)
uint32_t heap_make_undo(uint8_t edit[HEAP_UNDO_EDIT_BYTES_MAX], rdb_undo_address undo); /* its length */
void heap_edit_undo(heap_edits *edits, rdb_undo_address undo);
void heap_edit_new_row(heap_edits *edits, uint32_t slot, unsigned flags, uint16_t layout, const void *bytes, uint32_t length);
void heap_edit_stamp(heap_edits *edits, uint32_t slot, unsigned flags, uint16_t layout);

void heap_edit_map_init(heap_edits *edits);
void heap_edit_map_link(heap_edits *edits, uint32_t map_no, uint64_t block);
void heap_edit_map_set(heap_edits *edits, rdb_scn scn, uint32_t bit);
#define HEAP_MAP_CLEAR_BYTES_MAX (1u + RDB_WAL_NUMBER_BYTES_MAX)
uint32_t heap_make_map_clear(uint8_t edit[HEAP_MAP_CLEAR_BYTES_MAX], uint32_t bit); /* its length */

bool heap_redo(const rdb_redo *redo, rdb_page *page, rdb_error *err);

#endif
