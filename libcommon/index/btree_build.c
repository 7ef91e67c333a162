/* SPDX-License-Identifier: Apache-2.0
 * Bottom-up build of an empty index from sorted entries. Each level fills one page at a time; a page is logged whole when its
 * right neighbour's block is known. A level that never needs a second page is the root's content, written last: until
 * then the index is empty for whoever looks, so a crash leaves nothing half built but blocks nobody points to. */
#include "index/btree_int.h"

#include <stdlib.h>

#define FILL_PERCENT 90u

typedef struct level {
    uint8_t *bytes;        /* of the content under way, then room for the last and first keys */
    btree_content content;
    rdb_buffer *buffer;    /* the page it will fill, latched; NULL: the level's first page, which may become the root's */
    uint8_t *last_key;     /* leaf level: the last cell added, for the separator to come */
    btree_cell last;
} level;

struct rdb_index_builder {
    btree tree;
    uint32_t level_count;
    bool failed;
    level levels[BTREE_LEVELS_MAX];
};

bool rdb_index_builder_open(rdb_index_builder **builder, const rdb_index *index, rdb_xid xid, rdb_error *err)
{
    rdb_buffer *root = NULL;
    *builder = calloc(1, sizeof **builder);
    if (*builder == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    btree_begin(&(*builder)->tree, index->storage, index->pdb, index->file, xid, err);
    bool ok = btree_acquire(&(*builder)->tree, BTREE_ROOT_BLOCK, RDB_BUFFER_SHARED, &root);
    if (ok && (!btree_page_is_tree(btree_page_of(root)) || btree_page_of(root)->level != 0 || btree_page_of(root)->count != 0))
        ok = rdb_error_set(err, RDB_INTERNAL_ERROR, "index to be built is not empty");
    rdb_buffer_release(root, RDB_BUFFER_SHARED);
    if (!ok) {
        free(*builder);
        *builder = NULL;
    }
    return ok;
}

static bool start_page(rdb_index_builder *b, uint32_t level_no)
{
    level *l = &b->levels[level_no];
    btree_content_begin(&l->content, l->bytes, b->tree.page_bytes, (uint16_t)level_no);
    return true;
}

static bool start_level(rdb_index_builder *b, uint32_t level_no)
{
    level *l = &b->levels[level_no];
    if (level_no >= BTREE_LEVELS_MAX)
        return rdb_error_set(b->tree.fetcher.err, RDB_PROGRAM_LIMIT_EXCEEDED, "index has too many levels");
    l->bytes = malloc(2 * (size_t)b->tree.page_bytes);
    if (l->bytes == NULL)
        return rdb_error_set(b->tree.fetcher.err, RDB_OUT_OF_MEMORY, "out of memory");
    l->last_key = l->bytes + b->tree.page_bytes;
    b->level_count = level_no + 1;
    return start_page(b, level_no);
}

static bool write_content(rdb_index_builder *b, rdb_buffer *buffer, unsigned flags, const btree_content *content)
{
    rdb_lsn end_lsn;
    rdb_change change;
    rdb_change_init(&change, b->tree.storage, b->tree.pdb, b->tree.xid, RDB_RESOURCE_BTREE, BTREE_OP_PAGE);
    rdb_change_block(&change, buffer, flags);
    rdb_change_block_data(&change, content->bytes, content->length);
    return rdb_change_apply(&change, NULL, NULL, &end_lsn, b->tree.fetcher.err);
}

/* The content with a high key in front: the cells move up. */
static void set_high_late(btree_content *content, const btree_cell *high)
{
    uint32_t bytes = btree_cell_bytes(high);
    memmove(content->bytes + BTREE_CONTENT_HEAD + bytes, content->bytes + BTREE_CONTENT_HEAD, content->length - BTREE_CONTENT_HEAD);
    btree_cell_encode(high, content->bytes + BTREE_CONTENT_HEAD);
    rdb_put_u16(content->bytes + 6, high->key_bytes);
    rdb_put_u16(content->bytes + 8, (uint16_t)bytes);
    content->length += bytes;
    content->page_used += bytes;
}

static bool add_cell(rdb_index_builder *b, uint32_t level_no, const btree_cell *cell);

/* Ends the level's page before the cell whose separator is given, and starts the next. */
static bool next_page(rdb_index_builder *b, uint32_t level_no, const btree_cell *separator)
{
    level *l = &b->levels[level_no];
    rdb_buffer *right = NULL;
    rdb_error *err = b->tree.fetcher.err;
    uint64_t right_block, block;
    bool is_first = l->buffer == NULL;
    if (is_first && !rdb_buffer_extend(b->tree.storage, b->tree.pdb, b->tree.file, RDB_FORK_MAIN, &block, &l->buffer, err))
        return false;
    block = rdb_buffer_tag(l->buffer).block;
    if (!rdb_buffer_extend(b->tree.storage, b->tree.pdb, b->tree.file, RDB_FORK_MAIN, &right_block, &right, err))
        return false;
    set_high_late(&l->content, separator);
    btree_content_set_right(&l->content, right_block);
    bool ok = write_content(b, l->buffer, RDB_WAL_BLOCK_INIT, &l->content);
    rdb_buffer_release(l->buffer, RDB_BUFFER_EXCLUSIVE);
    l->buffer = right;
    if (!ok)
        return false;
    if (b->level_count == level_no + 1 && !start_level(b, level_no + 1))
        return false;
    if (is_first) {
        btree_cell first = {.flags = BTREE_CELL_CHILD, .child = block, .key = (const uint8_t *)""};
        if (!add_cell(b, level_no + 1, &first))
            return false;
    }
    btree_cell up = *separator;
    up.flags |= BTREE_CELL_CHILD;
    up.child = right_block;
    return add_cell(b, level_no + 1, &up) && start_page(b, level_no);
}

/* Whether the page takes the cell, stays near its fill target, and can still be ended: the high key to come is at most one
 * byte longer than the leaf's last key (or that key and an address); behind a long key, and in inner pages, the next cell's. */
static bool has_room(const btree_content *content, const btree_cell *cell, bool is_leaf)
{
    uint32_t used = content->page_used + btree_cell_bytes(cell) + (uint32_t)sizeof(btree_slot);
    uint32_t high_bytes =
        BTREE_CELL_HEAD_MAX + (is_leaf && cell->whole_key_bytes == cell->key_bytes ? cell->key_bytes + 1u : btree_inline_max(content->page_bytes));
    return used <= content->page_bytes * FILL_PERCENT / 100 && used + high_bytes <= content->page_bytes;
}

static bool add_cell(rdb_index_builder *b, uint32_t level_no, const btree_cell *cell)
{
    level *l = &b->levels[level_no];
    bool is_first = btree_content_count(&l->content) == 0;
    if (!is_first && !has_room(&l->content, cell, level_no == 0)) {
        btree_cell separator;
        if (level_no == 0) {
            separator = btree_separator(&l->last, cell);
        } else {
            separator = *cell;
            separator.flags &= (uint8_t)~BTREE_CELL_CHILD;
            separator.child = 0;
        }
        if (!next_page(b, level_no, &separator))
            return false;
        is_first = true;
    }
    btree_cell kept = *cell;
    if (level_no > 0 && is_first)
        kept = (btree_cell){.flags = BTREE_CELL_CHILD, .child = cell->child, .key = cell->key};
    if (!btree_content_add(&l->content, &kept))
        return rdb_error_set(b->tree.fetcher.err, RDB_INTERNAL_ERROR, "index entry does not fit its page");
    if (level_no == 0) { /* the caller's key is gone when the next entry comes */
        l->last = *cell;
        memcpy(l->last_key, cell->key, cell->key_bytes);
        l->last.key = l->last_key;
    }
    return true;
}

bool rdb_index_builder_add(rdb_index_builder *builder, const rdb_index_entry *entry, rdb_error *err)
{
    btree *tree = &builder->tree;
    btree_cell cell;
    tree->fetcher.err = err;
    if (builder->failed)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "index build has failed before");
    builder->failed = true;
    if (!btree_check_entry((uint32_t)(tree->file & UINT32_MAX), entry, err) || (builder->level_count == 0 && !start_level(builder, 0)))
        return false;
    level *leaf = &builder->levels[0];
    if (btree_content_count(&leaf->content) > 0) {
        btree_probe probe = {.key = entry->key.data, .length = (uint32_t)entry->key.length, .address = entry->address};
        int order;
        btree_answer answer = btree_compare(&probe, &leaf->last, 0, &tree->fetcher, &order);
        if (answer != BTREE_OK)
            return rdb_error_is_set(err) ? false : rdb_error_set(err, RDB_INDEX_CORRUPTED, "index is corrupted");
        if (order < 0)
            return rdb_error_set(err, RDB_INTERNAL_ERROR, "index entries came out of order");
        if (order == 0) {
            builder->failed = false;
            return true;
        }
    }
    if (!btree_make_cell(tree, entry, &cell) || !add_cell(builder, 0, &cell))
        return false;
    builder->failed = false;
    return true;
}

bool rdb_index_builder_finish(rdb_index_builder **builder, rdb_error *err)
{
    rdb_index_builder *b = *builder;
    rdb_buffer *root = NULL;
    bool ok = !b->failed;
    b->tree.fetcher.err = err;
    *builder = NULL;
    for (uint32_t i = 0; ok && i + 1 < b->level_count; i++)
        ok = write_content(b, b->levels[i].buffer, RDB_WAL_BLOCK_INIT, &b->levels[i].content);
    if (ok && b->level_count > 0) {
        ok = btree_acquire(&b->tree, BTREE_ROOT_BLOCK, RDB_BUFFER_EXCLUSIVE, &root) &&
             write_content(b, root, 0, &b->levels[b->level_count - 1].content);
        rdb_buffer_release(root, RDB_BUFFER_EXCLUSIVE);
    }
    if (!ok)
        rdb_error_set(err, RDB_INTERNAL_ERROR, "index build has failed before");
    for (uint32_t i = 0; i < b->level_count; i++) {
        rdb_buffer_release(b->levels[i].buffer, RDB_BUFFER_EXCLUSIVE);
        free(b->levels[i].bytes);
    }
    btree_end(&b->tree);
    free(b);
    return ok;
}
