/* SPDX-License-Identifier: Apache-2.0
 * Making the file of a tree smaller while others read and write it. Three kinds of steps, each one record, under the latches of the pages
 * that it changes, from left to right and then upwards as a split takes them:
 *   merge  two neighbours of one parent become the left one; shift: what the left one has room for comes over from the right one;
 *   move   a page from the end of the file goes to a free block further in front: its left neighbour and its parent lead there;
 *   lower  a root with one child takes the child's place.
 * Then the free end of the file is cut off (rdb_storage_cut_tail). Each step leaves a whole tree, so a compaction that is stopped, or dies with the
 * server, is taken up where it stands by the next one. Steps count in the tree's shape (btree_int.h), which is how readers without latches
 * learn that a block number they hold is old; a page given up may be used for anything at once.
 *
 * Overflow pages are shared by entries, separators and high keys, and stay where they are: the file ends behind the last of them. */
#include "index/btree_int.h"

#include <stdlib.h>

#define FILL_PERCENT 90u  /* of a page, as a build leaves it */
#define WORTH_PERCENT 110u /* leaves are packed where there are more than so many of what they need */
#define SLACK_SHARE 20u   /* of a page: where no more is missing its neighbour is left alone */
#define PASSES_MAX 3u
#define TARGET_TRIES 1000u
#define STRETCH 32u       /* blocks that are read by one call */
#define VERIFY_PAUSE_US 1000

typedef struct compaction {
    btree tree;
    rdb_index_compaction *order;
    uint64_t blocks;       /* of the file when it was counted */
    uint64_t used;         /* of them not free */
    uint64_t leaves, leaf_bytes; /* pages; bytes of cells and slots in them */
    uint64_t from;         /* blocks from here on are being emptied */
    uint64_t target;       /* a free block in front of them; 0: not known */
    uint64_t next_free;    /* where to look for the next one */
    btree_bound place;     /* the walk along a level: the low bound of the left page; not set: the first */
    btree_bound high;      /* of the left page */
    uint8_t *scratch;      /* three pages */
} compaction;

/* Two neighbours of a level and the parent of the right one, latched. */
typedef struct pair {
    rdb_buffer *left, *right, *parent; /* left NULL: right is the first of its level; right NULL: left is the last */
    uint32_t slot_no;                  /* of right in parent */
} pair;

static void release_pair(pair *p)
{
    rdb_buffer_release(p->parent, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(p->right, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(p->left, RDB_BUFFER_EXCLUSIVE);
    *p = (pair){0};
}

/* Whoever verifies the tree is waited for, then the caller's pace. */
static bool pause(compaction *c, uint64_t bytes, bool *goes_on)
{
    *goes_on = true;
    do {
        if (c->order->pace != NULL && !c->order->pace(c->order->context, bytes, goes_on, c->tree.fetcher.err))
            return false;
        bytes = 0;
        if (atomic_load_explicit(&btree_shape_of(&c->tree)->verifiers, memory_order_relaxed) == 0)
            break;
        rdb_time_sleep_us(VERIFY_PAUSE_US);
    } while (*goes_on);
    return true;
}

/* For whoever splits a page next. */
static void give_up_block(compaction *c, uint64_t block)
{
    rdb_space_note(c->tree.storage, c->tree.pdb, c->tree.file, block, c->tree.page_bytes - RDB_PAGE_HEADER_BYTES);
}

/* ---- looking ------------------------------------------------------------------------------------------------------------------ */
static uint32_t high_bytes(const btree_page *page, uint32_t page_bytes)
{
    btree_cell high;
    return page->high_offset != 0 && btree_cell_decode(page, page_bytes, page->high_offset, page->high_key_bytes, &high) ? btree_cell_bytes(&high) : 0;
}

/* Of the page's cells and slots, without the high key. */
static uint32_t cells_bytes(const btree_page *page, uint32_t page_bytes)
{
    return page_bytes - BTREE_SLOTS_AT - (uint32_t)(page->base.upper - page->base.lower) - page->garbage - high_bytes(page, page_bytes);
}

static uint32_t room_of(uint32_t page_bytes)
{
    return (page_bytes - BTREE_SLOTS_AT) * FILL_PERCENT / 100;
}

static bool count_pages(compaction *c, bool *goes_on)
{
    const uint32_t page_bytes = c->tree.page_bytes;
    rdb_error *err = c->tree.fetcher.err;
    c->used = c->leaves = c->leaf_bytes = 0;
    if (!rdb_storage_block_count(c->tree.storage, c->tree.pdb, c->tree.file, RDB_FORK_MAIN, &c->blocks, err))
        return false;
    *goes_on = true;
    for (uint64_t block = 0; block < c->blocks && *goes_on; block++) {
        rdb_buffer *buffer = NULL;
        if (block % STRETCH == 0) {
            if (!pause(c, 0, goes_on))
                return false;
            rdb_storage_load(c->tree.storage, btree_tag(&c->tree, block), (uint32_t)RDB_MIN(STRETCH, c->blocks - block));
        }
        if (!btree_acquire(&c->tree, block, RDB_BUFFER_SHARED, &buffer))
            return false;
        const btree_page *page = btree_page_of(buffer);
        const bool is_free = page->base.type == RDB_PAGE_FREE;
        c->used += !is_free;
        if (btree_page_is_tree(page) && page->level == 0) {
            c->leaves++;
            c->leaf_bytes += cells_bytes(page, page_bytes);
        }
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        if (is_free) /* a restart forgets */
            give_up_block(c, block);
    }
    return true;
}

/* The root's level, and its child where it has but one. */
static bool look_at_root(compaction *c, uint32_t *level, uint64_t *only_child)
{
    rdb_buffer *root = NULL;
    btree_cell cell;
    *only_child = 0;
    *level = 0;
    if (!btree_acquire(&c->tree, BTREE_ROOT_BLOCK, RDB_BUFFER_SHARED, &root))
        return false;
    const btree_page *page = btree_page_of(root);
    bool ok = btree_page_is_tree(page) || btree_corrupted(&c->tree, root, "It is not a page of a tree.");
    if (ok) {
        *level = page->level;
        if (page->level > 0 && page->count == 1 && btree_slot_decode(page, c->tree.page_bytes, 0, &cell))
            *only_child = cell.child;
    }
    rdb_buffer_release(root, RDB_BUFFER_SHARED);
    return ok;
}

/* The slot by which the parent leads to the block, whose low bound the probe is. */
static bool find_child(compaction *c, pair *p, const btree_probe *probe, uint64_t block)
{
    const btree_page *parent = btree_page_of(p->parent);
    btree_cell cell;
    bool equal;
    if (!btree_expect(&c->tree, p->parent, btree_page_search(parent, c->tree.page_bytes, probe, &c->tree.fetcher, &p->slot_no, &equal)))
        return false;
    p->slot_no -= !equal; /* at least 1 in an inner page: then it is the first child */
    return (btree_slot_decode(parent, c->tree.page_bytes, p->slot_no, &cell) && cell.child == block && (equal || p->slot_no == 0)) ||
           btree_corrupted(&c->tree, p->parent, "It does not lead to a page of the level below.");
}

/* Latches the page at c->place, its right neighbour and that one's parent; c->high is the bound between them. */
static bool open_pair(compaction *c, uint32_t level, pair *p)
{
    btree *tree = &c->tree;
    btree_path path;
    btree_probe probe = c->place.is_set ? btree_bound_probe(&c->place) : (btree_probe){.key = c->place.key};
    *p = (pair){0};
    if (!btree_find_for_write(tree, &probe, level, &path, &p->left))
        return false;
    const btree_page *left = btree_page_of(p->left);
    btree_cell high;
    if (left->right == 0)
        return true;
    if (!btree_cell_decode(left, tree->page_bytes, left->high_offset, left->high_key_bytes, &high) ||
        !btree_expect(tree, p->left, btree_bound_copy(&c->high, &high, &tree->fetcher)))
        return btree_corrupted(tree, p->left, "Its high key cannot be read.");
    if (!btree_acquire(tree, left->right, RDB_BUFFER_EXCLUSIVE, &p->right))
        return false;
    const btree_page *right = btree_page_of(p->right);
    if (!btree_page_is_tree(right) || right->level != level)
        return btree_corrupted(tree, p->right, "It stands on the wrong level.");
    if ((right->base.flags & BTREE_INCOMPLETE) != 0 && !btree_finish_split(tree, &path, p->right))
        return false;
    probe = btree_bound_probe(&c->high);
    return btree_find_parent(tree, &path, &probe, level + 1, &p->parent) && find_child(c, p, &probe, left->right);
}

/* Latches the first page of a level as the right one of a pair without a left one. */
static bool open_first(compaction *c, uint32_t level, pair *p)
{
    btree_path path;
    const btree_probe probe = {.key = c->place.key};
    *p = (pair){0};
    if (!btree_find_for_write(&c->tree, &probe, level, &path, &p->right))
        return false;
    return btree_find_parent(&c->tree, &path, &probe, level + 1, &p->parent) && find_child(c, p, &probe, rdb_buffer_tag(p->right).block);
}

/* ---- steps -------------------------------------------------------------------------------------------------------------------- */
static bool apply_step(compaction *c, rdb_change *change)
{
    rdb_lsn end_lsn;
    /* Before the pages change and while all are latched: who sees them changed sees this too. */
    atomic_fetch_add_explicit(&btree_shape_of(&c->tree)->steps, 1, memory_order_acq_rel);
    return rdb_change_apply(change, NULL, NULL, &end_lsn, c->tree.fetcher.err);
}

static void begin_content(const compaction *c, btree_content *content, uint32_t page_no, const btree_page *page)
{
    btree_content_begin(content, c->scratch + (size_t)page_no * c->tree.page_bytes, c->tree.page_bytes, page->level);
}

/* The page's end, which comes first in a content. */
static bool copy_end(const compaction *c, btree_content *content, const btree_page *page)
{
    btree_cell high;
    btree_content_set_right(content, page->right);
    if (page->high_offset == 0)
        return true;
    if (!btree_cell_decode(page, c->tree.page_bytes, page->high_offset, page->high_key_bytes, &high))
        return false;
    btree_content_set_high(content, &high);
    return true;
}

/* Cells first .. end - 1; the first of them with another key where one is given. */
static bool copy_cells(const compaction *c, btree_content *content, const btree_page *page, uint32_t first, uint32_t end, const btree_cell *key)
{
    for (uint32_t i = first; i < end; i++) {
        btree_cell cell;
        if (!btree_slot_decode(page, c->tree.page_bytes, i, &cell))
            return false;
        if (key != NULL && i == first) {
            const uint64_t child = cell.child;
            cell = *key;
            cell.flags |= BTREE_CELL_CHILD;
            cell.child = child;
        }
        if (!btree_content_add(content, &cell))
            return false;
    }
    return true;
}

/* The right page's cells come to the left one; it is free then. */
static bool merge(compaction *c, pair *p)
{
    const btree_page *left = btree_page_of(p->left), *right = btree_page_of(p->right);
    const uint64_t block = rdb_buffer_tag(p->right).block;
    btree_content content;
    btree_cell bound;
    uint8_t slot[2];
    rdb_change change;
    begin_content(c, &content, 0, left);
    /* The key of an inner page's first child is the bound between the two. */
    if (!btree_cell_decode(left, c->tree.page_bytes, left->high_offset, left->high_key_bytes, &bound) || !copy_end(c, &content, right) ||
        !copy_cells(c, &content, left, 0, left->count, NULL) || !copy_cells(c, &content, right, 0, right->count, left->level > 0 ? &bound : NULL))
        return btree_corrupted(&c->tree, p->left, "It cannot be merged.");
    rdb_put_u16(slot, (uint16_t)p->slot_no);
    rdb_change_init(&change, c->tree.storage, c->tree.pdb, 0, RDB_RESOURCE_BTREE, BTREE_OP_MERGE);
    rdb_change_block(&change, p->left, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, content.bytes, content.length);
    rdb_change_block(&change, p->right, RDB_WAL_BLOCK_INIT);
    rdb_change_block(&change, p->parent, 0);
    rdb_change_block_data(&change, slot, sizeof slot);
    if (!apply_step(c, &change))
        return false;
    c->order->pages_merged++;
    c->leaves -= left->level == 0;
    release_pair(p);
    give_up_block(c, block);
    return true;
}

/* How many entries of the right leaf the left one takes, and what separates them then. 0: none. */
static uint32_t plan_shift(const compaction *c, const pair *p, btree_cell *separator)
{
    const btree_page *left = btree_page_of(p->left), *right = btree_page_of(p->right), *parent = btree_page_of(p->parent);
    const uint32_t page_bytes = c->tree.page_bytes, room = room_of(page_bytes);
    uint32_t bytes = cells_bytes(left, page_bytes), best = 0;
    btree_cell cell, next, old;
    if (!btree_slot_decode(parent, page_bytes, p->slot_no, &old))
        return 0;
    const uint32_t parent_room = (uint32_t)(parent->base.upper - parent->base.lower) + parent->garbage + btree_cell_bytes(&old);
    for (uint32_t i = 0; i + 1 < right->count; i++) {
        if (!btree_slot_decode(right, page_bytes, i, &cell) || !btree_slot_decode(right, page_bytes, i + 1, &next))
            return 0;
        bytes += btree_cell_bytes(&cell) + (uint32_t)sizeof(btree_slot);
        if (bytes > room)
            break;
        btree_cell between = btree_separator(&cell, &next);
        const uint32_t between_bytes = btree_cell_bytes(&between);
        between.flags |= BTREE_CELL_CHILD;
        if (bytes + between_bytes > page_bytes - BTREE_SLOTS_AT || btree_cell_bytes(&between) > parent_room)
            continue;
        best = i + 1;
        *separator = between;
    }
    return best;
}

static bool shift(compaction *c, pair *p, uint32_t count, btree_cell *separator)
{
    const btree_page *left = btree_page_of(p->left), *right = btree_page_of(p->right);
    const uint64_t block = rdb_buffer_tag(p->right).block;
    btree_content low, rest;
    rdb_change change;
    uint8_t *cell = c->scratch + (size_t)2 * c->tree.page_bytes, head[4];
    separator->child = block;
    const uint32_t cell_bytes = btree_cell_encode(separator, cell);
    rdb_put_u16(head, (uint16_t)p->slot_no);
    rdb_put_u16(head + 2, separator->key_bytes);
    btree_cell high = *separator;
    high.flags &= (uint8_t)~BTREE_CELL_CHILD;
    begin_content(c, &low, 0, left);
    begin_content(c, &rest, 1, right);
    btree_content_set_right(&low, block);
    btree_content_set_high(&low, &high);
    if (!copy_cells(c, &low, left, 0, left->count, NULL) || !copy_cells(c, &low, right, 0, count, NULL) || !copy_end(c, &rest, right) ||
        !copy_cells(c, &rest, right, count, right->count, NULL))
        return btree_corrupted(&c->tree, p->right, "It cannot be split.");
    rdb_change_init(&change, c->tree.storage, c->tree.pdb, 0, RDB_RESOURCE_BTREE, BTREE_OP_SHIFT);
    rdb_change_block(&change, p->left, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, low.bytes, low.length);
    rdb_change_block(&change, p->right, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, rest.bytes, rest.length);
    rdb_change_block(&change, p->parent, 0);
    rdb_change_block_data(&change, head, sizeof head);
    rdb_change_block_data(&change, cell, cell_bytes);
    return btree_expect(&c->tree, p->left, btree_bound_copy(&c->high, &high, &c->tree.fetcher)) && apply_step(c, &change);
}

/* The right page goes to a free block, latched; its neighbour and its parent lead there. */
static bool move_page(compaction *c, pair *p, rdb_buffer *target)
{
    const btree_page *page = btree_page_of(p->right);
    const uint64_t to = rdb_buffer_tag(target).block;
    btree_content content;
    rdb_change change;
    uint8_t link[8], child[10];
    begin_content(c, &content, 0, page);
    if (!copy_end(c, &content, page) || !copy_cells(c, &content, page, 0, page->count, NULL))
        return btree_corrupted(&c->tree, p->right, "It cannot be moved.");
    rdb_put_u64(link, to);
    rdb_put_u16(child, (uint16_t)p->slot_no);
    rdb_put_u64(child + 2, to);
    rdb_change_init(&change, c->tree.storage, c->tree.pdb, 0, RDB_RESOURCE_BTREE, BTREE_OP_MOVE);
    rdb_change_block(&change, target, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, content.bytes, content.length);
    rdb_change_block(&change, p->right, RDB_WAL_BLOCK_INIT);
    rdb_change_block(&change, p->parent, 0);
    rdb_change_block_data(&change, child, sizeof child);
    if (p->left != NULL) {
        rdb_change_block(&change, p->left, 0);
        rdb_change_block_data(&change, link, sizeof link);
    }
    c->order->pages_moved++;
    return apply_step(c, &change);
}

/* A root with one child takes its place, as often as that is so. */
static bool lower_root(compaction *c)
{
    for (;;) {
        rdb_buffer *root = NULL, *child = NULL;
        uint32_t level;
        uint64_t block, now;
        if (!look_at_root(c, &level, &block))
            return false;
        if (block == 0)
            return true;
        bool ok = btree_acquire(&c->tree, block, RDB_BUFFER_EXCLUSIVE, &child) && btree_acquire(&c->tree, BTREE_ROOT_BLOCK, RDB_BUFFER_EXCLUSIVE, &root);
        const btree_page *top = ok ? btree_page_of(root) : NULL, *page = ok ? btree_page_of(child) : NULL;
        btree_cell cell;
        now = ok && btree_page_is_tree(top) && top->level == level && top->count == 1 && btree_slot_decode(top, c->tree.page_bytes, 0, &cell) ? cell.child : 0;
        const bool is_ready = now == block && btree_page_is_tree(page) && page->level + 1u == level && page->right == 0 && (page->base.flags & BTREE_INCOMPLETE) == 0;
        if (is_ready) {
            btree_content content;
            rdb_change change;
            begin_content(c, &content, 0, page);
            ok = (copy_end(c, &content, page) && copy_cells(c, &content, page, 0, page->count, NULL)) || btree_corrupted(&c->tree, child, "It cannot be moved.");
            rdb_change_init(&change, c->tree.storage, c->tree.pdb, 0, RDB_RESOURCE_BTREE, BTREE_OP_LOWER);
            rdb_change_block(&change, root, RDB_WAL_BLOCK_INIT);
            rdb_change_block_data(&change, content.bytes, content.length);
            rdb_change_block(&change, child, RDB_WAL_BLOCK_INIT);
            ok = ok && apply_step(c, &change);
        }
        rdb_buffer_release(root, RDB_BUFFER_EXCLUSIVE);
        rdb_buffer_release(child, RDB_BUFFER_EXCLUSIVE);
        if (!ok || !is_ready) /* another split it meanwhile */
            return ok;
        give_up_block(c, block);
    }
}

/* ---- walks along a level -------------------------------------------------------------------------------------------------------- */
static void go_right(compaction *c)
{
    c->place.is_set = true;
    c->place.length = c->high.length;
    c->place.address = c->high.address;
    memcpy(c->place.key, c->high.key, c->high.length);
}

/* Fills the pages of a level from the left. */
static bool pack_level(compaction *c, uint32_t level, bool *goes_on)
{
    const uint32_t page_bytes = c->tree.page_bytes, room = room_of(page_bytes);
    c->place.is_set = false;
    for (*goes_on = true; *goes_on;) {
        pair p;
        btree_cell cell, separator;
        uint64_t bytes = 0;
        bool ok = open_pair(c, level, &p), is_last = ok && p.right == NULL;
        if (!ok || is_last) {
            release_pair(&p);
            return ok;
        }
        const btree_page *left = btree_page_of(p.left), *right = btree_page_of(p.right);
        const bool same_parent = p.slot_no > 0 && btree_slot_decode(btree_page_of(p.parent), page_bytes, p.slot_no - 1, &cell) && cell.child == rdb_buffer_tag(p.left).block;
        const uint32_t left_bytes = cells_bytes(left, page_bytes), right_bytes = cells_bytes(right, page_bytes), bound_bytes = level > 0 ? high_bytes(left, page_bytes) : 0;
        const uint32_t after = left_bytes + right_bytes + bound_bytes;
        uint32_t count = 0;
        if (same_parent && after <= room && after + high_bytes(right, page_bytes) <= page_bytes - BTREE_SLOTS_AT) {
            ok = merge(c, &p);
            bytes = page_bytes;
        } else {
            if (same_parent && level == 0 && left_bytes < room - room / SLACK_SHARE)
                count = plan_shift(c, &p, &separator);
            if (count > 0) {
                ok = shift(c, &p, count, &separator);
                bytes = 2 * (uint64_t)page_bytes;
            }
            go_right(c);
        }
        release_pair(&p);
        if (!ok || !pause(c, bytes, goes_on))
            return false;
    }
    return true;
}

/* A free block in front of c->from, with nothing latched; c->target 0: none is left. */
static bool find_target(compaction *c)
{
    for (; c->target == 0 && c->next_free < c->from; c->next_free++) {
        rdb_buffer *buffer = NULL;
        if (c->next_free % STRETCH == 0)
            rdb_storage_load(c->tree.storage, btree_tag(&c->tree, c->next_free), STRETCH);
        if (!btree_acquire(&c->tree, c->next_free, RDB_BUFFER_SHARED, &buffer))
            return false;
        if (rdb_buffer_page(buffer)->type == RDB_PAGE_FREE)
            c->target = c->next_free;
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    return true;
}

/* Moves the right page of the pair to c->target, which is only tried for, since others are latched: a split may have taken it, or the pool let
 * it go. Then it is looked for anew. */
static bool move_to_target(compaction *c, pair *p, bool *is_moved)
{
    rdb_buffer *target = NULL;
    const uint64_t block = rdb_buffer_tag(p->right).block;
    *is_moved = rdb_buffer_try_acquire(c->tree.storage, btree_tag(&c->tree, c->target), RDB_BUFFER_EXCLUSIVE, &target) &&
                rdb_buffer_page(target)->type == RDB_PAGE_FREE;
    const bool ok = !*is_moved || move_page(c, p, target);
    rdb_buffer_release(target, RDB_BUFFER_EXCLUSIVE);
    release_pair(p);
    if (ok && *is_moved)
        give_up_block(c, block);
    else
        c->next_free = c->target;
    c->target = 0;
    return ok;
}

/* Moves the pages of a level from behind c->from to free blocks before it. *is_full: there are no more. */
static bool move_level(compaction *c, uint32_t level, bool *is_full, bool *goes_on)
{
    uint32_t tries = 0;
    c->place.is_set = false;
    for (bool is_first = true; *goes_on;) {
        pair p;
        if (!find_target(c))
            return false;
        *is_full = c->target == 0;
        if (*is_full)
            return true;
        bool ok = is_first ? open_first(c, level, &p) : open_pair(c, level, &p), is_moved = true;
        if (!ok || p.right == NULL) {
            release_pair(&p);
            return ok;
        }
        const bool is_behind = rdb_buffer_tag(p.right).block >= c->from;
        ok = !is_behind || move_to_target(c, &p, &is_moved);
        release_pair(&p);
        if (is_moved || ++tries > TARGET_TRIES) {
            if (!is_first)
                go_right(c);
            is_first = false;
        }
        if (!ok || !pause(c, is_behind && is_moved ? c->tree.page_bytes : 0, goes_on))
            return false;
    }
    return true;
}

/* ---- all of it -------------------------------------------------------------------------------------------------------------------- */
static bool holds_nothing(const rdb_page *page)
{
    (void)page;
    return false; /* beside free pages */
}

/* From the leaves up, and again where neighbours of two parents have become those of one. */
static bool pack(compaction *c, bool *goes_on)
{
    const uint64_t room = room_of(c->tree.page_bytes), needed = (c->leaf_bytes + room - 1) / room;
    for (uint64_t merged = UINT64_MAX; *goes_on && c->leaves > 1 + needed * WORTH_PERCENT / 100 && merged != c->order->pages_merged;) {
        uint32_t levels;
        uint64_t only_child;
        merged = c->order->pages_merged;
        if (!look_at_root(c, &levels, &only_child))
            return false;
        for (uint32_t level = 0; level < levels && *goes_on; level++)
            if (!pack_level(c, level, goes_on))
                return false;
        if (*goes_on && !lower_root(c))
            return false;
    }
    return true;
}

/* What could not be cut, since behind it something stayed, is for splits again. */
static bool open_again(compaction *c)
{
    rdb_space_close(c->tree.storage, c->tree.pdb, c->tree.file, 0, 0);
    for (uint64_t block = c->from; c->from > 0 && block < c->order->blocks_after; block++) {
        rdb_buffer *buffer = NULL;
        if (!btree_acquire(&c->tree, block, RDB_BUFFER_SHARED, &buffer))
            return false;
        const bool is_free = rdb_buffer_page(buffer)->type == RDB_PAGE_FREE;
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        if (is_free)
            give_up_block(c, block);
    }
    return true;
}

static bool move_and_cut(compaction *c, bool *goes_on)
{
    uint32_t levels;
    uint64_t only_child;
    bool is_full = false;
    c->from = 1 + c->used + c->used / 200;
    c->next_free = BTREE_ROOT_BLOCK + 1;
    c->target = 0;
    if (c->from < c->blocks) {
        if (!look_at_root(c, &levels, &only_child))
            return false;
        rdb_space_close(c->tree.storage, c->tree.pdb, c->tree.file, c->from, c->blocks);
        for (uint32_t level = 0; level < levels && *goes_on && !is_full; level++)
            if (!move_level(c, level, &is_full, goes_on))
                return false;
    }
    return rdb_storage_cut_tail(c->tree.storage, c->tree.pdb, c->tree.file, BTREE_ROOT_BLOCK + 1, holds_nothing, &c->order->blocks_after, c->tree.fetcher.err);
}

bool rdb_index_compact(const rdb_index *index, rdb_index_compaction *order, rdb_error *err)
{
    compaction *c = calloc(1, sizeof *c);
    order->blocks_before = order->blocks_after = order->pages_merged = order->pages_moved = 0;
    order->is_over = false;
    if (c == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    btree_begin(&c->tree, index->storage, index->pdb, index->file, 0, err);
    c->order = order;
    c->scratch = malloc(3 * (size_t)c->tree.page_bytes);
    bool goes_on = true, ok = c->scratch != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && count_pages(c, &goes_on);
    if (ok)
        order->blocks_before = order->blocks_after = c->blocks;
    ok = ok && (!goes_on || pack(c, &goes_on));
    for (unsigned pass = 0; ok && goes_on && pass < PASSES_MAX; pass++) { /* splits beside us may take new blocks at the end */
        ok = count_pages(c, &goes_on) && (!goes_on || move_and_cut(c, &goes_on));
        if (order->blocks_after <= c->from)
            break;
    }
    ok = open_again(c) && ok;
    order->is_over = ok && goes_on;
    btree_end(&c->tree);
    free(c->scratch);
    free(c);
    return ok;
}
