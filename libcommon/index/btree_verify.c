/* SPDX-License-Identifier: Apache-2.0
 * Walks a whole tree and says whether it is one: per page the layout and the order, per level the chain of high keys and right
 * links, between levels that a parent's children are the pages of the level below in order, each beginning where its
 * separator says (a page may be missing in the parent only behind an unfinished split). Tests call it while others write:
 * it latches one page at a time and allows for what may change in between only by being run when all is quiet. Compactions wait. */
#include "index/btree_int.h"

#include <stdlib.h>

typedef struct expected_child { /* a page that the level above names, and the low key it gives it */
    uint64_t child, low_address;
    size_t low_at;
    uint32_t low_length;
    bool has_low;
} expected_child;

typedef struct verifier {
    btree tree;
    uint8_t *copy;            /* of the page under look */
    rdb_index_statistics *statistics;
    btree_bound low, previous, key;
    expected_child *expected; /* of the level below */
    uint32_t expected_count, expected_capacity;
    uint8_t *lows;            /* bytes of the expected low bounds */
    size_t lows_length, lows_capacity;
} verifier;

static bool complain(verifier *v, uint64_t block, const char *what)
{
    rdb_error *err = v->tree.fetcher.err;
    if (rdb_error_is_set(err))
        return false;
    v->statistics->block = block;
    rdb_error_set(err, RDB_INDEX_CORRUPTED, "index is corrupted");
    return rdb_error_detail(err, "File %llu of database %u, block %llu: %s.", (unsigned long long)(v->tree.file & (UINT64_MAX >> 8)),
                            v->tree.pdb, (unsigned long long)block, what);
}

static int compare_bounds(const btree_bound *a, const btree_bound *b)
{
    if (!a->is_set || !b->is_set)
        return (int)a->is_set - (int)b->is_set;
    int order = memcmp(a->key, b->key, RDB_MIN(a->length, b->length));
    if (order != 0)
        return order;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return a->address < b->address ? -1 : a->address > b->address;
}

static void copy_bound(btree_bound *to, const btree_bound *from)
{
    to->is_set = from->is_set;
    to->length = from->is_set ? from->length : 0;
    to->address = from->address;
    memcpy(to->key, from->key, to->length);
}

static bool copy_page(verifier *v, uint64_t block)
{
    rdb_buffer *buffer = NULL;
    v->statistics->block = block;
    if (!btree_acquire(&v->tree, block, RDB_BUFFER_SHARED, &buffer))
        return false;
    memcpy(v->copy, rdb_buffer_page(buffer), v->tree.page_bytes);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return true;
}

static bool expect_child(verifier *v, uint64_t block, uint64_t child, const btree_bound *low)
{
    if (v->expected_count == v->expected_capacity) {
        uint32_t capacity = RDB_MAX(64u, v->expected_capacity * 2);
        void *grown = realloc(v->expected, capacity * sizeof *v->expected);
        if (grown == NULL)
            return rdb_error_set(v->tree.fetcher.err, RDB_OUT_OF_MEMORY, "out of memory");
        v->expected = grown;
        v->expected_capacity = capacity;
    }
    if (v->lows_length + RDB_INDEX_KEY_MAX > v->lows_capacity) {
        size_t capacity = RDB_MAX((size_t)65536, v->lows_capacity * 2);
        uint8_t *grown = realloc(v->lows, capacity);
        if (grown == NULL)
            return rdb_error_set(v->tree.fetcher.err, RDB_OUT_OF_MEMORY, "out of memory");
        v->lows = grown;
        v->lows_capacity = capacity;
    }
    if (child == 0)
        return complain(v, block, "it has a child that is no block");
    uint32_t length = low->is_set ? low->length : 0;
    memcpy(v->lows + v->lows_length, low->key, length);
    v->expected[v->expected_count++] = (expected_child){
        .child = child, .low_address = low->address, .low_at = v->lows_length, .low_length = length, .has_low = low->is_set};
    v->lows_length += length;
    return true;
}

static bool check_layout(verifier *v, uint64_t block, const btree_page *page, uint32_t level)
{
    uint32_t cells = 0, page_bytes = v->tree.page_bytes;
    btree_cell cell;
    if (!btree_page_is_tree(page))
        return complain(v, block, "it is not a page of a tree");
    if (page->level != level)
        return complain(v, block, "it stands on the wrong level");
    if (page->base.lower != BTREE_SLOTS_AT + page->count * sizeof(btree_slot) || page->base.lower > page->base.upper ||
        page->base.upper > page_bytes)
        return complain(v, block, "its bounds do not fit its slots");
    if ((page->high_offset == 0) != (page->right == 0))
        return complain(v, block, "its high key and its right link do not agree");
    for (uint32_t i = 0; i <= page->count; i++) {
        bool is_high = i == page->count;
        if (is_high && page->high_offset == 0)
            break;
        uint32_t offset = is_high ? page->high_offset : page->slots[i].offset;
        if (offset < page->base.upper || !btree_cell_decode(page, page_bytes, offset, is_high ? page->high_key_bytes : page->slots[i].key_bytes, &cell))
            return complain(v, block, "a cell does not lie in the page");
        cells += btree_cell_bytes(&cell);
        if (!is_high && ((cell.flags & BTREE_CELL_CHILD) != 0) != (level > 0))
            return complain(v, block, "a cell is of another kind of page");
    }
    if (cells + page->garbage != page_bytes - page->base.upper)
        return complain(v, block, "its cells and its free space do not add up");
    return true;
}

static bool check_page(verifier *v, uint64_t block, uint32_t level)
{
    const btree_page *page = (const btree_page *)(const void *)v->copy;
    btree_cell cell;
    if (!check_layout(v, block, page, level))
        return false;
    copy_bound(&v->previous, &v->low);
    for (uint32_t i = 0; i < page->count; i++) {
        bool ok = btree_slot_decode(page, v->tree.page_bytes, i, &cell);
        if (level > 0 && i == 0) {
            if (cell.key_bytes != 0)
                return complain(v, block, "its first child has a key");
            if (!expect_child(v, block, cell.child, &v->low))
                return false;
            continue;
        }
        if (!ok || btree_bound_copy(&v->key, &cell, &v->tree.fetcher) != BTREE_OK)
            return complain(v, block, "a long key cannot be read");
        int order = compare_bounds(&v->previous, &v->key);
        if (order > 0 || (order == 0 && (level > 0 || i > 0)))
            return complain(v, block, "its keys are out of order");
        copy_bound(&v->previous, &v->key);
        if (level > 0 && !expect_child(v, block, cell.child, &v->key))
            return false;
        /* The search must find it: that proves heads and prefix. */
        btree_probe probe = btree_bound_probe(&v->key);
        uint32_t slot_no;
        bool equal = false;
        if (btree_page_search(page, v->tree.page_bytes, &probe, &v->tree.fetcher, &slot_no, &equal) != BTREE_OK || !equal || slot_no != i)
            return complain(v, block, "a key cannot be found");
    }
    if (page->high_offset != 0) {
        if (!btree_cell_decode(page, v->tree.page_bytes, page->high_offset, page->high_key_bytes, &cell) ||
            btree_bound_copy(&v->key, &cell, &v->tree.fetcher) != BTREE_OK)
            return complain(v, block, "its high key cannot be read");
        if (compare_bounds(&v->previous, &v->key) >= 0)
            return complain(v, block, "a key is not less than the high key");
        copy_bound(&v->low, &v->key); /* of the next page */
    }
    if (level == 0) {
        v->statistics->entries += page->count;
        v->statistics->leaf_pages++;
    } else {
        if (page->count == 0)
            return complain(v, block, "it has no child");
        v->statistics->inner_pages++;
    }
    return true;
}

/* One level from its leftmost page on. was_*: what the level above expects. */
static bool check_level(verifier *v, uint32_t level)
{
    expected_child *expected = v->expected;
    uint32_t was_count = v->expected_count, next = 0;
    uint8_t *was_lows = v->lows;
    v->expected = NULL;
    v->expected_count = v->expected_capacity = 0;
    v->lows = NULL;
    v->lows_length = v->lows_capacity = 0;
    v->low.is_set = false;
    v->low.length = 0;
    bool ok = true, left_is_unfinished = false;
    /* Right links cannot lead round in a ring: each high key is greater than the one before. */
    for (uint64_t block = was_count > 0 ? expected[0].child : BTREE_ROOT_BLOCK; ok && block != 0;) {
        if (was_count > 0) {
            bool is_expected = next < was_count && expected[next].child == block;
            if (is_expected) {
                v->key.is_set = expected[next].has_low;
                v->key.length = expected[next].low_length;
                v->key.address = expected[next].low_address;
                memcpy(v->key.key, was_lows + expected[next].low_at, v->key.length);
                if (compare_bounds(&v->key, &v->low) != 0)
                    ok = complain(v, block, "its parent has another low key for it");
                next++;
            } else if (!left_is_unfinished) {
                ok = complain(v, block, "its parent does not know it");
            }
        }
        ok = ok && copy_page(v, block) && check_page(v, block, level);
        const btree_page *page = (const btree_page *)(const void *)v->copy;
        left_is_unfinished = ok && (page->base.flags & BTREE_INCOMPLETE) != 0;
        block = page->right;
    }
    if (ok && next != was_count)
        ok = complain(v, BTREE_ROOT_BLOCK, "a child is not in the chain of its level");
    free(expected);
    free(was_lows);
    return ok;
}

bool rdb_index_verify(const rdb_index *index, rdb_index_statistics *statistics, rdb_error *err)
{
    verifier *v = calloc(1, sizeof *v);
    *statistics = (rdb_index_statistics){0};
    if (v == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    btree_begin(&v->tree, index->storage, index->pdb, index->file, 0, err);
    atomic_fetch_add_explicit(&btree_shape_of(&v->tree)->verifiers, 1, memory_order_relaxed);
    v->statistics = statistics;
    v->copy = aligned_alloc(64, v->tree.page_bytes);
    bool ok = v->copy != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && copy_page(v, BTREE_META_BLOCK);
    if (ok && (rdb_get_u64(v->copy + RDB_PAGE_HEADER_BYTES) != BTREE_MAGIC || rdb_get_u32(v->copy + RDB_PAGE_HEADER_BYTES + 8) != 1))
        ok = complain(v, BTREE_META_BLOCK, "it is not the meta page of a B-tree");
    ok = ok && copy_page(v, BTREE_ROOT_BLOCK);
    if (ok) {
        uint32_t levels = ((const btree_page *)(const void *)v->copy)->level + 1u;
        statistics->levels = levels;
        if (levels > BTREE_LEVELS_MAX)
            ok = complain(v, BTREE_ROOT_BLOCK, "it stands on the wrong level");
        while (ok && levels-- > 0)
            ok = check_level(v, levels);
    }
    atomic_fetch_sub_explicit(&btree_shape_of(&v->tree)->verifiers, 1, memory_order_relaxed);
    btree_end(&v->tree);
    free(v->expected);
    free(v->lows);
    free(v->copy);
    free(v);
    return ok;
}
