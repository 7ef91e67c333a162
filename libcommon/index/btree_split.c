/* SPDX-License-Identifier: Apache-2.0
 * Cells into pages, and pages into two. What always holds: each record leaves a tree that readers and writers can use; a
 * separator that is missing in the parent is a detour over the right link and is put there by the next writer. */
#include "index/btree_int.h"

#include <stdlib.h>

#define SEPARATOR_WINDOW_SHARE 8u /* the split point is sought in an eighth of the page around its middle */

btree_cell btree_separator(const btree_cell *left, const btree_cell *right)
{
    uint32_t both = RDB_MIN(left->key_bytes, right->key_bytes), common = 0;
    while (common < both && left->key[common] == right->key[common])
        common++;
    btree_cell separator = {.key = right->key};
    bool left_goes_on = common == left->key_bytes && left->whole_key_bytes > left->key_bytes; /* as right does, for all we see */
    if (common < right->key_bytes && !left_goes_on) {
        separator.key_bytes = separator.whole_key_bytes = (uint16_t)(common + 1);
        return separator;
    }
    separator.flags = BTREE_CELL_ADDRESS;
    separator.address = right->address;
    separator.key_bytes = right->key_bytes;
    separator.whole_key_bytes = right->whole_key_bytes;
    if (right->whole_key_bytes > right->key_bytes) {
        separator.flags |= BTREE_CELL_OVERFLOW;
        separator.overflow = right->overflow;
        separator.payload_bytes = right->payload_bytes;
    }
    return separator;
}

bool btree_check_entry(uint32_t index_oid, const rdb_index_entry *entry, rdb_error *err)
{
    size_t bytes = entry->key.length + entry->payload.length;
    if (bytes <= RDB_INDEX_KEY_MAX)
        return true;
    rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "index row size %zu exceeds btree version 4 maximum %u for index with OID %u", bytes,
                  RDB_INDEX_KEY_MAX, index_oid);
    return rdb_error_hint(err, "Values larger than 1/3 of a buffer page cannot be indexed.\nConsider a function index of an MD5 hash of "
                               "the value, or use full text indexing.");
}

bool btree_make_cell(btree *tree, const rdb_index_entry *entry, btree_cell *cell)
{
    uint32_t key_bytes = (uint32_t)entry->key.length, payload_bytes = (uint32_t)entry->payload.length;
    *cell = (btree_cell){.flags = BTREE_CELL_ADDRESS,
                         .key_bytes = (uint16_t)key_bytes,
                         .whole_key_bytes = (uint16_t)key_bytes,
                         .payload_bytes = (uint16_t)payload_bytes,
                         .address = entry->address,
                         .key = entry->key.data,
                         .payload = entry->payload.data};
    if (key_bytes + payload_bytes <= btree_inline_max(tree->page_bytes)) {
        if (payload_bytes > 0)
            cell->flags |= BTREE_CELL_PAYLOAD;
        return true;
    }
    rdb_buffer *buffer = NULL;
    rdb_lsn end_lsn;
    uint8_t lengths[4];
    rdb_put_u16(lengths, (uint16_t)key_bytes);
    rdb_put_u16(lengths + 2, (uint16_t)payload_bytes);
    if (!btree_new_page(tree, &cell->overflow, &buffer))
        return false;
    rdb_change change;
    rdb_change_init(&change, tree->storage, tree->pdb, tree->xid, RDB_RESOURCE_BTREE, BTREE_OP_OVERFLOW);
    rdb_change_block(&change, buffer, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, lengths, sizeof lengths);
    rdb_change_block_data(&change, entry->key.data, key_bytes);
    rdb_change_block_data(&change, entry->payload.data, payload_bytes);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, tree->fetcher.err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    cell->flags |= BTREE_CELL_OVERFLOW;
    cell->key_bytes = (uint16_t)RDB_MIN(key_bytes, BTREE_LONG_KEY_INLINE);
    cell->payload = NULL;
    return ok;
}

/* ---- splitting -------------------------------------------------------------------------------------------------------------- */
/* The page's cells with the new one among them, and where they are cut. */
typedef struct plan {
    const btree_page *page;
    uint32_t page_bytes, count; /* the new cell included */
    uint32_t new_slot;
    const btree_cell *new_cell;
    uint32_t cut; /* the first slot that goes right */
    btree_cell separator;
} plan;

static bool plan_cell(const plan *p, uint32_t slot_no, btree_cell *cell)
{
    if (slot_no == p->new_slot) {
        *cell = *p->new_cell;
        return true;
    }
    return btree_slot_decode(p->page, p->page_bytes, slot_no > p->new_slot ? slot_no - 1 : slot_no, cell);
}

static bool plan_separator(const plan *p, uint32_t cut, btree_cell *separator)
{
    btree_cell left, right;
    if (!plan_cell(p, cut - 1, &left) || !plan_cell(p, cut, &right))
        return false;
    if (p->page->level == 0) {
        *separator = btree_separator(&left, &right);
        return true;
    }
    *separator = right; /* of an inner page: its own separator goes up */
    separator->flags &= (uint8_t)~BTREE_CELL_CHILD;
    separator->child = 0;
    return true;
}

/* Finds a cut whose halves fit, near the middle (or at the end, for who appends), with a short separator. */
static bool plan_cut(plan *p)
{
    enum { MOST_SLOTS = BTREE_PAGE_BYTES_MAX / 9 };
    uint16_t sums[MOST_SLOTS + 2]; /* bytes of the cells before a slot, slots included */
    btree_cell cell, high;
    uint32_t high_bytes = 0, room = p->page_bytes - BTREE_SLOTS_AT, total = 0;
    if (p->count > MOST_SLOTS || p->count < 2)
        return false;
    for (uint32_t i = 0; i < p->count; i++) {
        sums[i] = (uint16_t)total;
        if (!plan_cell(p, i, &cell))
            return false;
        total += btree_cell_bytes(&cell) + (uint32_t)sizeof(btree_slot);
    }
    if (p->page->high_offset != 0) {
        if (!btree_cell_decode(p->page, p->page_bytes, p->page->high_offset, p->page->high_key_bytes, &high))
            return false;
        high_bytes = btree_cell_bytes(&high);
    }
    bool appends = p->page->right == 0 && p->new_slot == p->count - 1;
    uint32_t wanted = appends ? total : total / 2, window = appends ? 0 : total / SEPARATOR_WINDOW_SHARE / 2;
    uint32_t best_cost = UINT32_MAX, best = 0;
    for (uint32_t cut = 1; cut < p->count; cut++) {
        uint32_t distance = sums[cut] > wanted ? sums[cut] - wanted : wanted - sums[cut];
        btree_cell separator;
        /* Inside the window the separator's length counts most, outside it the distance alone. */
        if (distance > window && best_cost < distance)
            continue;
        if (!plan_separator(p, cut, &separator))
            return false;
        uint32_t separator_bytes = btree_cell_bytes(&separator);
        if (sums[cut] + separator_bytes > room || total - sums[cut] + high_bytes > room)
            continue;
        uint32_t cost = distance > window ? distance : RDB_MIN(separator_bytes, window);
        if (cost < best_cost || (cost == best_cost && sums[cut] <= wanted)) {
            best_cost = cost;
            best = cut;
            p->separator = separator;
        }
    }
    p->cut = best;
    return best != 0;
}

/* The cells from first on, as a page's content; the first of an inner page loses its key. */
static bool plan_content(const plan *p, uint32_t first, uint32_t end, const btree_cell *high, uint64_t right, uint8_t *bytes,
                         btree_content *content)
{
    btree_cell cell;
    btree_content_begin(content, bytes, p->page_bytes, p->page->level);
    btree_content_set_right(content, right);
    if (high != NULL)
        btree_content_set_high(content, high);
    for (uint32_t i = first; i < end; i++) {
        if (!plan_cell(p, i, &cell))
            return false;
        if (p->page->level > 0 && i == first)
            cell = (btree_cell){.flags = BTREE_CELL_CHILD, .child = cell.child, .key = cell.key};
        if (!btree_content_add(content, &cell))
            return false;
    }
    return true;
}

static bool old_high(const plan *p, btree_cell *high, const btree_cell **found)
{
    *found = NULL;
    if (p->page->high_offset == 0)
        return true;
    *found = high;
    return btree_cell_decode(p->page, p->page_bytes, p->page->high_offset, p->page->high_key_bytes, high);
}

/* The root keeps its block: its cells go to two new pages, and it becomes their parent. */
static bool split_root(btree *tree, rdb_buffer *root, plan *p, rdb_buffer *child, uint8_t *scratch)
{
    rdb_error *err = tree->fetcher.err;
    rdb_buffer *left = NULL, *right = NULL;
    uint64_t left_block, right_block;
    rdb_lsn end_lsn;
    bool ok = false;
    if (p->page->level + 1u >= BTREE_LEVELS_MAX)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "index has too many levels");
    if (!btree_new_page(tree, &left_block, &left) || !btree_new_page(tree, &right_block, &right))
        goto out;
    btree_content top, low_half, high_half;
    btree_cell separator = p->separator, first = {.flags = BTREE_CELL_CHILD, .child = left_block, .key = p->separator.key};
    separator.flags |= BTREE_CELL_CHILD;
    separator.child = right_block;
    btree_content_begin(&top, scratch, p->page_bytes, (uint16_t)(p->page->level + 1));
    bool laid_out = btree_content_add(&top, &first) && btree_content_add(&top, &separator) &&
                    plan_content(p, 0, p->cut, &p->separator, right_block, scratch + p->page_bytes, &low_half) &&
                    plan_content(p, p->cut, p->count, NULL, 0, scratch + 2 * p->page_bytes, &high_half);
    if (!laid_out) {
        btree_corrupted(tree, root, "It cannot be split.");
        goto out;
    }
    rdb_change change;
    rdb_change_init(&change, tree->storage, tree->pdb, tree->xid, RDB_RESOURCE_BTREE, BTREE_OP_ROOT_SPLIT);
    rdb_change_block(&change, root, 0);
    rdb_change_block_data(&change, top.bytes, top.length);
    rdb_change_block(&change, left, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, low_half.bytes, low_half.length);
    rdb_change_block(&change, right, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, high_half.bytes, high_half.length);
    if (child != NULL)
        rdb_change_block(&change, child, 0);
    ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
out:
    rdb_buffer_release(right, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(left, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

static bool split_page(btree *tree, btree_path *path, rdb_buffer *buffer, plan *p, rdb_buffer *child, uint8_t *scratch)
{
    rdb_error *err = tree->fetcher.err;
    rdb_buffer *right = NULL;
    rdb_lsn end_lsn;
    btree_split_left head = {.keep = (uint16_t)p->cut};
    btree_content content;
    btree_cell high;
    const btree_cell *high_of_right;
    if (!btree_new_page(tree, &head.right, &right))
        return false;
    if (!old_high(p, &high, &high_of_right) ||
        !plan_content(p, p->cut, p->count, high_of_right, p->page->right, scratch, &content)) {
        rdb_buffer_release(right, RDB_BUFFER_EXCLUSIVE);
        return btree_corrupted(tree, buffer, "It cannot be split.");
    }
    uint8_t *cells = scratch + p->page_bytes;
    head.high_key_bytes = p->separator.key_bytes;
    head.high_cell_bytes = (uint16_t)btree_cell_encode(&p->separator, cells);
    if (p->new_slot < p->cut) {
        head.keep--;
        head.new_slot = (uint16_t)p->new_slot;
        head.new_key_bytes = p->new_cell->key_bytes;
        head.new_cell_bytes = (uint16_t)btree_cell_encode(p->new_cell, cells + head.high_cell_bytes);
    }
    rdb_change change;
    rdb_change_init(&change, tree->storage, tree->pdb, tree->xid, RDB_RESOURCE_BTREE, BTREE_OP_SPLIT);
    rdb_change_block(&change, buffer, 0);
    rdb_change_block_data(&change, &head, sizeof head);
    rdb_change_block_data(&change, cells, head.high_cell_bytes + (uint32_t)head.new_cell_bytes);
    rdb_change_block(&change, right, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, content.bytes, content.length);
    if (child != NULL)
        rdb_change_block(&change, child, 0);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(right, RDB_BUFFER_EXCLUSIVE);
    return ok && btree_finish_split(tree, path, buffer);
}

/* ---- into the page ---------------------------------------------------------------------------------------------------------- */
bool btree_put_cell(btree *tree, btree_path *path, rdb_buffer *buffer, uint32_t slot_no, const btree_cell *cell, rdb_buffer *child)
{
    btree_page *page = btree_page_of(buffer);
    uint32_t cell_bytes = btree_cell_bytes(cell);
    if (btree_page_fits(page, cell_bytes)) {
        uint8_t data[4 + BTREE_CELL_HEAD_MAX + BTREE_PAGE_BYTES_MAX / 5];
        rdb_lsn end_lsn;
        rdb_change change;
        RDB_VERIFY(4 + cell_bytes <= sizeof data);
        rdb_put_u16(data, (uint16_t)slot_no);
        rdb_put_u16(data + 2, cell->key_bytes);
        btree_cell_encode(cell, data + 4);
        rdb_change_init(&change, tree->storage, tree->pdb, tree->xid, RDB_RESOURCE_BTREE,
                        child != NULL ? BTREE_OP_INSERT_UP : BTREE_OP_INSERT);
        rdb_change_block(&change, buffer, 0);
        rdb_change_block_data(&change, data, 4 + cell_bytes);
        if (child != NULL)
            rdb_change_block(&change, child, 0);
        return rdb_change_apply(&change, NULL, NULL, &end_lsn, tree->fetcher.err);
    }
    plan p = {.page = page, .page_bytes = tree->page_bytes, .count = page->count + 1u, .new_slot = slot_no, .new_cell = cell};
    if (!plan_cut(&p))
        return btree_corrupted(tree, buffer, "It cannot be split.");
    uint8_t *scratch = malloc(3 * (size_t)tree->page_bytes);
    if (scratch == NULL)
        return rdb_error_set(tree->fetcher.err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_buffer_tag(buffer).block == BTREE_ROOT_BLOCK ? split_root(tree, buffer, &p, child, scratch)
                                                               : split_page(tree, path, buffer, &p, child, scratch);
    free(scratch);
    return ok;
}

bool btree_finish_split(btree *tree, btree_path *path, rdb_buffer *buffer)
{
    btree_page *page = btree_page_of(buffer);
    btree_cell separator;
    rdb_buffer *parent = NULL;
    uint32_t slot_no;
    bool equal, ok = false;
    if (!btree_cell_decode(page, tree->page_bytes, page->high_offset, page->high_key_bytes, &separator) || page->right == 0)
        return btree_corrupted(tree, buffer, "It is split and has no high key.");
    btree_bound *whole = malloc(sizeof *whole);
    if (whole == NULL)
        return rdb_error_set(tree->fetcher.err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!btree_expect(tree, buffer, btree_bound_copy(whole, &separator, &tree->fetcher)))
        goto out;
    btree_probe probe = btree_bound_probe(whole);
    if (!btree_find_parent(tree, path, &probe, page->level + 1u, &parent) ||
        !btree_expect(tree, parent, btree_page_search(btree_page_of(parent), tree->page_bytes, &probe, &tree->fetcher, &slot_no, &equal)))
        goto out;
    if (equal) {
        btree_corrupted(tree, parent, "It has a separator twice.");
        goto out;
    }
    separator.flags |= BTREE_CELL_CHILD;
    separator.child = page->right;
    ok = btree_put_cell(tree, path, parent, slot_no, &separator, buffer);
out:
    rdb_buffer_release(parent, RDB_BUFFER_EXCLUSIVE);
    free(whole);
    return ok;
}
