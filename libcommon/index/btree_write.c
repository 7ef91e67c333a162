/* SPDX-License-Identifier: Apache-2.0
 * Entries come and go. */
#include "index/btree_int.h"

#include <stdlib.h>

bool rdb_index_create(rdb_storage *storage, rdb_txn *txn, uint64_t file, rdb_error *err)
{
    uint32_t pdb = rdb_txn_pdb(txn);
    rdb_xid xid;
    /* The note first: a file that is made and not named by any undo record would stay for ever. */
    return rdb_txn_assign_xid(txn, &xid, err) && rdb_undo_note_file(txn, RDB_UNDO_FILE_CREATE, file, err) &&
           rdb_storage_create_file(storage, pdb, file, xid, err) &&
           btree_create_root(storage, pdb, file, xid, err);
}

bool btree_create_root(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_xid xid, rdb_error *err)
{
    btree tree;
    rdb_buffer *meta = NULL, *root = NULL;
    uint8_t bytes[BTREE_CONTENT_HEAD];
    btree_content content;
    rdb_lsn end_lsn;
    btree_begin(&tree, storage, pdb, file, xid, err);
    bool ok = rdb_buffer_acquire_new(storage, btree_tag(&tree, BTREE_META_BLOCK), &meta, err) &&
              rdb_buffer_acquire_new(storage, btree_tag(&tree, BTREE_ROOT_BLOCK), &root, err);
    if (ok) {
        rdb_change change;
        btree_content_begin(&content, bytes, tree.page_bytes, 0);
        rdb_change_init(&change, storage, pdb, xid, RDB_RESOURCE_BTREE, BTREE_OP_CREATE);
        rdb_change_block(&change, meta, RDB_WAL_BLOCK_INIT);
        rdb_change_block_data(&change, &xid, sizeof xid);
        rdb_change_block(&change, root, RDB_WAL_BLOCK_INIT);
        rdb_change_block_data(&change, content.bytes, content.length);
        ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    }
    rdb_buffer_release(root, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(meta, RDB_BUFFER_EXCLUSIVE);
    btree_end(&tree);
    return ok;
}

bool rdb_index_get_origin(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_xid *xid, rdb_error *err)
{
    rdb_buffer *meta = NULL;
    const rdb_page_tag tag = {.file = file, .block = BTREE_META_BLOCK, .pdb = pdb, .fork = RDB_FORK_MAIN};
    *xid = 0;
    if (!rdb_buffer_acquire(storage, tag, RDB_BUFFER_SHARED, &meta, err))
        return false;
    const rdb_page *page = rdb_buffer_page(meta);
    if (page->type == RDB_PAGE_META && page->lower >= BTREE_META_END)
        *xid = rdb_get_u64((const uint8_t *)page + BTREE_META_XID);
    rdb_buffer_release(meta, RDB_BUFFER_SHARED);
    return true;
}

bool rdb_index_set_origin(const rdb_index *index, rdb_xid xid, rdb_error *err)
{
    rdb_buffer *meta = NULL;
    rdb_lsn end_lsn;
    rdb_change change;
    const rdb_page_tag tag = {.file = index->file, .block = BTREE_META_BLOCK, .pdb = index->pdb, .fork = RDB_FORK_MAIN};
    if (!rdb_buffer_acquire(index->storage, tag, RDB_BUFFER_EXCLUSIVE, &meta, err))
        return false;
    rdb_change_init(&change, index->storage, index->pdb, xid, RDB_RESOURCE_BTREE, BTREE_OP_ORIGIN);
    rdb_change_block(&change, meta, 0);
    rdb_change_block_data(&change, &xid, sizeof xid);
    const bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(meta, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

/* ---- the rightmost leaf, remembered ------------------------------------------------------------------------------------------
 * Who appends in key order need not descend. A hint is believed only while the page is the rightmost leaf and the new entry
 * lies behind its first one; one that misled is forgotten, so that random inserts meet none. */
#define HINTS 1024u
typedef struct hint {
    _Atomic uint64_t mixed, block; /* mixed: of whom ^ block, so that a torn pair fits nobody */
} hint;
static hint hints[HINTS];

static uint64_t hint_owner(const btree *tree)
{
    uint64_t who[3] = {(uint64_t)(uintptr_t)tree->storage, tree->file, tree->pdb};
    return rdb_hash64(who, sizeof who, 0);
}

static void set_hint(uint64_t owner, uint64_t block)
{
    hint *h = &hints[owner % HINTS];
    if (atomic_load_explicit(&h->block, memory_order_relaxed) == block &&
        atomic_load_explicit(&h->mixed, memory_order_relaxed) == (owner ^ block))
        return;
    atomic_store_explicit(&h->mixed, owner ^ block, memory_order_relaxed);
    atomic_store_explicit(&h->block, block, memory_order_relaxed);
}

static bool try_hint(btree *tree, uint64_t owner, const btree_probe *probe, rdb_buffer **buffer)
{
    hint *h = &hints[owner % HINTS];
    uint64_t block = atomic_load_explicit(&h->block, memory_order_relaxed);
    rdb_error ignored;
    rdb_error_init(&ignored);
    btree_cell first;
    int order = 0;
    if (block == 0 || (atomic_load_explicit(&h->mixed, memory_order_relaxed) ^ block) != owner)
        return false;
    if (rdb_buffer_acquire(tree->storage, btree_tag(tree, block), RDB_BUFFER_EXCLUSIVE, buffer, &ignored)) {
        btree_page *page = btree_page_of(*buffer);
        btree_fetcher no_fetch = {0};
        if (btree_page_is_tree(page) && page->level == 0 && page->right == 0 && page->count > 0 &&
            btree_slot_decode(page, tree->page_bytes, 0, &first) &&
            btree_compare(probe, &first, 0, &no_fetch, &order) == BTREE_OK && order > 0)
            return true;
        rdb_buffer_release(*buffer, RDB_BUFFER_EXCLUSIVE);
    }
    *buffer = NULL;
    rdb_error_clear(&ignored);
    atomic_store_explicit(&h->block, 0, memory_order_relaxed);
    return false;
}

/* ---- inserting -------------------------------------------------------------------------------------------------------------- */
/* Into the leaf, latched, that takes it. *found: the entry was there. */
static bool insert_into_leaf(btree *tree, btree_path *path, rdb_buffer *leaf, const rdb_index_entry *entry, const btree_probe *probe,
                             uint64_t hint_of, bool *found)
{
    btree_page *page = btree_page_of(leaf);
    uint32_t slot_no;
    btree_cell cell;
    if (!btree_expect(tree, leaf, btree_page_search(page, tree->page_bytes, probe, &tree->fetcher, &slot_no, found)))
        return false;
    if (*found)
        return true;
    bool at_end = page->right == 0 && slot_no == page->count;
    if (!btree_make_cell(tree, entry, &cell))
        return false;
    if (!btree_put_cell(tree, path, leaf, slot_no, &cell, NULL))
        return false;
    if (at_end && page->level == 0)
        set_hint(hint_of, page->right == 0 ? rdb_buffer_tag(leaf).block : page->right);
    return true;
}

bool rdb_index_insert(const rdb_index *index, rdb_xid xid, const rdb_index_entry *entry, rdb_error *err)
{
    btree tree;
    btree_path path;
    rdb_buffer *leaf = NULL;
    bool found;
    if (!btree_check_entry(index->index_oid, entry, err))
        return false;
    btree_begin(&tree, index->storage, index->pdb, index->file, xid, err);
    btree_probe probe = {.key = entry->key.data, .length = (uint32_t)entry->key.length, .address = entry->address};
    uint64_t owner = hint_owner(&tree);
    bool hinted = try_hint(&tree, owner, &probe, &leaf);
    bool ok = (hinted || btree_find_for_write(&tree, &probe, 0, &path, &leaf)) &&
              insert_into_leaf(&tree, hinted ? NULL : &path, leaf, entry, &probe, owner, &found);
    rdb_buffer_release(leaf, RDB_BUFFER_EXCLUSIVE);
    btree_end(&tree);
    return ok;
}

/* ---- unique ------------------------------------------------------------------------------------------------------------------ */
typedef struct rivals { /* rows whose entries have the key */
    rdb_row_address *addresses;
    uint32_t count, capacity;
    uint64_t first_block, first_change_no; /* of the leaf that takes (key, 0), when they were listed */
} rivals;

static bool add_rival(rivals *r, rdb_row_address address, rdb_error *err)
{
    if (r->count == r->capacity) {
        uint32_t capacity = RDB_MAX(16u, r->capacity * 2);
        rdb_row_address *addresses = realloc(r->addresses, capacity * sizeof *addresses);
        if (addresses == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        r->addresses = addresses;
        r->capacity = capacity;
    }
    r->addresses[r->count++] = address;
    return true;
}

/* Lists the entries with the key, or that begin with it, from the first leaf on, which the caller has latched exclusively; leaves to
 * the right are latched one after the other, so the list is whole only as far as all who insert this key hold the first leaf too. */
static bool list_rivals(btree *tree, rdb_buffer *first, const btree_probe *key, bool is_prefix, rivals *r)
{
    rdb_buffer *leaf = first;
    bool more = true, ok = true;
    r->count = 0;
    r->first_block = rdb_buffer_tag(first).block;
    r->first_change_no = btree_page_of(first)->base.change_no;
    while (ok && more) {
        const btree_page *page = btree_page_of(leaf);
        uint32_t slot_no = 0;
        bool equal;
        btree_cell cell;
        int order = 0;
        if (leaf == first)
            ok = btree_expect(tree, leaf, btree_page_search(page, tree->page_bytes, key, &tree->fetcher, &slot_no, &equal));
        for (; ok && slot_no < page->count; slot_no++) {
            ok = btree_slot_decode(page, tree->page_bytes, slot_no, &cell) || btree_corrupted(tree, leaf, "A cell does not lie in the page.");
            bool is_equal = ok && (is_prefix || cell.whole_key_bytes == key->length);
            if (is_equal) {
                btree_probe same = {.key = key->key, .length = key->length, .address = cell.address, .after_prefix = is_prefix};
                ok = btree_expect(tree, leaf, btree_compare(&same, &cell, 0, &tree->fetcher, &order));
                is_equal = is_prefix ? order > 0 : order == 0; /* what begins with the key comes before what is behind all that do */
            }
            if (!is_equal) {
                more = false;
                break;
            }
            ok = ok && add_rival(r, cell.address, tree->fetcher.err);
        }
        if (ok && more) {
            /* The run may go on: equal keys follow each other, and the next leaf's begin where this one's high key says. */
            btree_probe behind = {.key = key->key, .length = key->length, .address = UINT64_MAX, .after_prefix = is_prefix};
            ok = btree_expect(tree, leaf, btree_page_compare_high(page, tree->page_bytes, &behind, &tree->fetcher, &order));
            uint64_t right = page->right;
            more = ok && order >= 0;
            if (more) {
                rdb_buffer *next = NULL;
                ok = btree_acquire(tree, right, RDB_BUFFER_SHARED, &next);
                if (leaf != first)
                    rdb_buffer_release(leaf, RDB_BUFFER_SHARED);
                leaf = ok ? next : first;
            }
        }
    }
    if (leaf != first)
        rdb_buffer_release(leaf, RDB_BUFFER_SHARED);
    return ok;
}

/* What holds when the entry goes in: every entry with its key was asked about after the last change of the first leaf, and
 * whoever adds or confirms an entry of this key changes that leaf. */
static bool insert_checked(btree *tree, btree_path *path, rdb_buffer *first, const rdb_index_entry *entry, uint64_t hint_of, bool *ok)
{
    btree_probe probe = {.key = entry->key.data, .length = (uint32_t)entry->key.length, .address = entry->address};
    rdb_buffer *leaf = first;
    bool found = false;
    int order;
    *ok = false;
    if (!btree_expect(tree, first, btree_page_compare_high(btree_page_of(first), tree->page_bytes, &probe, &tree->fetcher, &order)))
        return false;
    if (order >= 0) {
        uint64_t right = btree_page_of(first)->right;
        leaf = NULL;
        if (!btree_acquire(tree, right, RDB_BUFFER_EXCLUSIVE, &leaf) || !btree_move_right_for_write(tree, &probe, path, &leaf))
            return false;
    }
    *ok = insert_into_leaf(tree, path, leaf, entry, &probe, hint_of, &found);
    if (*ok && (found || leaf != first)) {
        /* Nothing changed in the first leaf: others who listed this key's rows must see that they have to ask again. */
        rdb_change change;
        rdb_lsn end_lsn;
        rdb_change_init(&change, tree->storage, tree->pdb, tree->xid, RDB_RESOURCE_BTREE, BTREE_OP_TOUCH);
        rdb_change_block(&change, first, 0);
        *ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, tree->fetcher.err);
    }
    if (leaf != first)
        rdb_buffer_release(leaf, RDB_BUFFER_EXCLUSIVE);
    return *ok;
}

bool rdb_index_insert_unique(const rdb_index *index, rdb_xid xid, const rdb_index_entry *entry, rdb_unique_check check, void *context,
                             rdb_unique_outcome *outcome, rdb_row_address *conflict, rdb_xid *wait_xid, rdb_error *err)
{
    btree tree;
    btree_path path;
    rdb_buffer *first = NULL;
    rivals asked = {0}, now = {0};
    bool ok = false, has_asked = false;
    *outcome = RDB_UNIQUE_INSERTED;
    *conflict = 0;
    *wait_xid = 0;
    if (!btree_check_entry(index->index_oid, entry, err))
        return false;
    btree_begin(&tree, index->storage, index->pdb, index->file, xid, err);
    const bool is_prefix = entry->unique_bytes > 0 && entry->unique_bytes < entry->key.length;
    btree_probe key = {.key = entry->key.data, .length = is_prefix ? entry->unique_bytes : (uint32_t)entry->key.length};
    uint64_t owner = hint_owner(&tree);
    bool hinted = try_hint(&tree, owner, &key, &first);
    for (;;) {
        if (first == NULL && !btree_find_for_write(&tree, &key, 0, &path, &first))
            goto out;
        if (!list_rivals(&tree, first, &key, is_prefix, &now))
            goto out;
        bool still_holds = now.count == 0 ||
                           (has_asked && now.first_block == asked.first_block && now.first_change_no == asked.first_change_no &&
                            now.count == asked.count && memcmp(now.addresses, asked.addresses, now.count * sizeof *now.addresses) == 0);
        if (still_holds)
            break;
        rdb_buffer_release(first, RDB_BUFFER_EXCLUSIVE);
        first = NULL;
        hinted = false;
        for (uint32_t i = 0; i < now.count; i++) {
            rdb_unique_answer answer = check(context, now.addresses[i], wait_xid, err);
            if (answer == RDB_UNIQUE_FAILED)
                goto out;
            if (answer != RDB_UNIQUE_IGNORE) {
                *outcome = answer == RDB_UNIQUE_CONFLICT ? RDB_UNIQUE_HAS_CONFLICT : RDB_UNIQUE_MUST_WAIT;
                *conflict = now.addresses[i];
                ok = true;
                goto out;
            }
        }
        rivals swap = asked;
        asked = now;
        now = swap;
        has_asked = true;
    }
    insert_checked(&tree, hinted ? NULL : &path, first, entry, owner, &ok);
out:
    rdb_buffer_release(first, RDB_BUFFER_EXCLUSIVE);
    btree_end(&tree);
    free(asked.addresses);
    free(now.addresses);
    return ok;
}

/* ---- removing ------------------------------------------------------------------------------------------------------------------ */
bool rdb_index_remove(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_slice key, rdb_row_address address,
                      bool (*still_needed)(void *context, bool *needed, rdb_error *err), void *context, rdb_error *err)
{
    btree tree;
    rdb_buffer *leaf = NULL;
    uint32_t slot_no;
    bool found = false, needed = false, ok = false;
    btree_begin(&tree, storage, pdb, file, 0, err);
    btree_probe probe = {.key = key.data, .length = (uint32_t)key.length, .address = address};
    if (!btree_find_for_write(&tree, &probe, 0, NULL, &leaf) ||
        !btree_expect(&tree, leaf, btree_page_search(btree_page_of(leaf), tree.page_bytes, &probe, &tree.fetcher, &slot_no, &found)))
        goto out;
    ok = !found || still_needed == NULL || still_needed(context, &needed, err);
    if (ok && found && !needed) {
        rdb_change change;
        rdb_lsn end_lsn;
        uint8_t data[2];
        rdb_put_u16(data, (uint16_t)slot_no);
        rdb_change_init(&change, storage, pdb, 0, RDB_RESOURCE_BTREE, BTREE_OP_REMOVE);
        rdb_change_block(&change, leaf, 0);
        rdb_change_block_data(&change, data, sizeof data);
        ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    }
out:
    rdb_buffer_release(leaf, RDB_BUFFER_EXCLUSIVE);
    btree_end(&tree);
    return ok;
}
