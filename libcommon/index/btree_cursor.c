/* SPDX-License-Identifier: Apache-2.0
 * Cursors over a range. Between calls a cursor keeps a key and the number of the leaf it was in, no latch and no pin. That
 * is enough: pages lose keys only to their right, so a forward cursor goes on in the same leaf or to the
 * right of it; a backward one stays while the leaf still reaches up to its key, and else descends anew. Where the tree's shape has changed
 * since the descent, all that counts is the key. */
#include "index/btree_int.h"

/* A key that the cursor keeps; bytes points to small or, for longer ones, into the arena, and grows. */
#define SMALL_KEY_BYTES 64u
typedef struct kept_key {
    uint8_t *bytes;
    uint32_t length, capacity;
    bool is_set;
    uint64_t address;
    uint8_t small[SMALL_KEY_BYTES];
} kept_key;

struct rdb_index_cursor {
    const rdb_index *index;
    rdb_arena *arena;
    btree tree;
    bool backward, at_end, is_placed;
    bool lower_open, upper_open, lower_exclusive, upper_exclusive;
    uint64_t leaf;         /* of the last call, or 0 */
    uint64_t shape;        /* of the tree when it descended to the leaf */
    kept_key lower, upper; /* of the range */
    kept_key place;        /* forward: the next entry is >= it; backward: < it; counts where is_placed */
    kept_key low;          /* backward: of the leaf */
};

static void keep_key(rdb_index_cursor *cursor, kept_key *kept, const uint8_t *bytes, size_t length, uint64_t address, bool is_set)
{
    if (length > kept->capacity) { /* at most RDB_INDEX_KEY_MAX: small for an arena */
        kept->capacity = (uint32_t)RDB_MIN(RDB_MAX(length, 2 * (size_t)kept->capacity), (size_t)RDB_INDEX_KEY_MAX);
        kept->bytes = rdb_arena_alloc(cursor->arena, kept->capacity);
    }
    if (length > 0)
        memcpy(kept->bytes, bytes, length);
    kept->length = (uint32_t)length;
    kept->address = address;
    kept->is_set = is_set;
}

static void keep_bound(rdb_index_cursor *cursor, kept_key *kept, const btree_bound *bound)
{
    keep_key(cursor, kept, bound->key, bound->is_set ? bound->length : 0, bound->address, bound->is_set);
}

static void kept_init(kept_key *kept)
{
    kept->bytes = kept->small;
    kept->capacity = SMALL_KEY_BYTES;
    kept->length = 0;
    kept->is_set = false;
}

static bool set_range(rdb_index_cursor *cursor, const rdb_index_range *range, rdb_error *err)
{
    if (range->lower.length > RDB_INDEX_KEY_MAX || range->upper.length > RDB_INDEX_KEY_MAX)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "index search key is too long");
    cursor->lower_open = range->lower.length == 0;
    cursor->upper_open = range->upper.length == 0;
    cursor->lower_exclusive = range->lower_exclusive;
    cursor->upper_exclusive = range->upper_exclusive;
    keep_key(cursor, &cursor->lower, range->lower.data, range->lower.length, 0, true);
    keep_key(cursor, &cursor->upper, range->upper.data, range->upper.length, 0, true);
    cursor->at_end = cursor->is_placed = false;
    cursor->leaf = 0;
    return true;
}

bool rdb_index_cursor_open(rdb_index_cursor **cursor, const rdb_index *index, const rdb_index_range *range, bool backward,
                           rdb_arena *arena, rdb_error *err)
{
    rdb_index_cursor *c = rdb_arena_alloc(arena, sizeof *c);
    c->index = index;
    c->arena = arena;
    c->backward = backward;
    kept_init(&c->lower);
    kept_init(&c->upper);
    kept_init(&c->place);
    kept_init(&c->low);
    *cursor = set_range(c, range, err) ? c : NULL;
    return *cursor != NULL;
}

bool rdb_index_cursor_seek(rdb_index_cursor *cursor, const rdb_index_range *range, rdb_error *err)
{
    return set_range(cursor, range, err);
}

static btree_probe probe_of_range(const rdb_index_range *range)
{
    return (btree_probe){.key = range->lower.data, .length = (uint32_t)range->lower.length, .after_prefix = range->lower.length > 0 && range->lower_exclusive};
}

static rdb_page_tag leaf_of(const rdb_index *index, const rdb_index_place *place)
{
    return (rdb_page_tag){.file = index->file, .block = place->leaf, .pdb = index->pdb, .fork = RDB_FORK_MAIN};
}

bool rdb_index_find_place(const rdb_index *index, const rdb_index_range *range, rdb_index_place *place, rdb_error *err)
{
    btree tree;
    const btree_probe probe = probe_of_range(range);
    *place = (rdb_index_place){0};
    if (range->lower.length > RDB_INDEX_KEY_MAX)
        return true; /* the search itself refuses it */
    btree_begin(&tree, index->storage, index->pdb, index->file, 0, err);
    const bool ok = btree_descend(&tree, &probe, false, 0, NULL, NULL, &place->leaf);
    place->shape = tree.shape;
    btree_end(&tree);
    if (ok)
        (void)rdb_buffer_warm(index->storage, leaf_of(index, place), RDB_WARM_PLACE, 0);
    return ok;
}

void rdb_index_warm_place(const rdb_index *index, const rdb_index_place *place)
{
    const uint32_t slots_end = rdb_storage_page_bytes(index->storage) * 3 / 8; /* of a full leaf of short keys */
    if (place->leaf != 0)
        (void)rdb_buffer_warm(index->storage, leaf_of(index, place), RDB_WARM_FRONT, slots_end);
}

void rdb_index_warm_entry(const rdb_index *index, const rdb_index_place *place, const rdb_index_range *range)
{
    const btree_probe probe = probe_of_range(range);
    const uint32_t page_bytes = rdb_storage_page_bytes(index->storage);
    btree_fetcher no_fetch = {0};
    rdb_peek peek;
    uint32_t slot_no = 0;
    bool equal;
    if (place->leaf == 0 || !BTREE_OPTIMISTIC || !rdb_buffer_peek_ahead(index->storage, leaf_of(index, place), &peek))
        return;
    const btree_page *page = (const btree_page *)(const void *)peek.page; /* what is read of it may be torn: it only says what to fetch */
    if (!btree_page_is_tree(page) || btree_page_search(page, page_bytes, &probe, &no_fetch, &slot_no, &equal) != BTREE_OK || slot_no >= btree_page_count(page, page_bytes))
        return;
    const uint32_t offset = __atomic_load_n(&page->slots[slot_no].offset, __ATOMIC_RELAXED);
    if (offset < 64 || offset >= page_bytes)
        return;
    __builtin_prefetch((const uint8_t *)page + offset);
    __builtin_prefetch((const uint8_t *)page + offset - 64); /* the next slots' cells, where the page was filled in order */
}

bool rdb_index_cursor_seek_from(rdb_index_cursor *cursor, const rdb_index_range *range, const rdb_index_place *place, rdb_error *err)
{
    if (!set_range(cursor, range, err))
        return false;
    cursor->leaf = place->leaf;
    cursor->shape = place->shape;
    return true;
}

void rdb_index_cursor_close(rdb_index_cursor **cursor)
{
    *cursor = NULL; /* the arena has it; nothing is held */
}

/* What the cursor looks for next; length 0 with after_prefix: behind every key. */
static btree_probe probe_of(const rdb_index_cursor *cursor)
{
    if (cursor->is_placed)
        return (btree_probe){.key = cursor->place.bytes, .length = cursor->place.length, .address = cursor->place.address};
    if (!cursor->backward)
        return (btree_probe){.key = cursor->lower.bytes, .length = cursor->lower.length, .after_prefix = !cursor->lower_open && cursor->lower_exclusive};
    return (btree_probe){.key = cursor->upper.bytes, .length = cursor->upper.length, .after_prefix = cursor->upper_open || !cursor->upper_exclusive};
}

/* Whether the cell lies beyond the far end of the range. */
static btree_answer is_beyond(const rdb_index_cursor *cursor, const btree_cell *cell, btree_fetcher *fetcher, bool *beyond)
{
    bool open = cursor->backward ? cursor->lower_open : cursor->upper_open;
    *beyond = false;
    if (open)
        return BTREE_OK;
    btree_probe far = cursor->backward
                          ? (btree_probe){.key = cursor->lower.bytes, .length = cursor->lower.length, .after_prefix = cursor->lower_exclusive}
                          : (btree_probe){.key = cursor->upper.bytes, .length = cursor->upper.length, .after_prefix = !cursor->upper_exclusive};
    int order;
    btree_answer answer = btree_compare(&far, cell, 0, fetcher, &order);
    *beyond = cursor->backward ? order > 0 : order <= 0; /* the far place is behind, or not behind, the cell */
    return answer;
}

typedef struct reading { /* of one leaf in one look */
    uint32_t count;
    bool ended;        /* the range ends in this leaf */
    uint64_t right;    /* forward: where to go on; 0: nowhere */
    bool is_elsewhere; /* the leaf does not have the place any more: it is right of it, beyond the key in *place */
    bool is_no_leaf;   /* the root was a leaf and has grown */
    bool is_stale;     /* the tree's shape is another: nothing was read */
} reading;

static btree_answer copy_entry(const btree_cell *cell, bool want_keys, btree_fetcher *fetcher, rdb_arena *arena, rdb_index_entry *entry)
{
    *entry = (rdb_index_entry){.address = cell->address};
    if (!want_keys)
        return BTREE_OK;
    const uint8_t *key = cell->key, *payload = cell->payload;
    uint32_t key_bytes = cell->whole_key_bytes, payload_bytes = cell->payload_bytes;
    if ((cell->flags & BTREE_CELL_OVERFLOW) != 0) {
        if (fetcher->fetch == NULL)
            return BTREE_LATCH;
        if (!fetcher->fetch(fetcher, cell->overflow, &key, &key_bytes, &payload_bytes, fetcher->err))
            return BTREE_FAILED;
        payload = key + key_bytes;
    }
    if (key_bytes + payload_bytes > RDB_INDEX_KEY_MAX)
        return BTREE_TORN;
    uint8_t *bytes = rdb_arena_alloc(arena, key_bytes + payload_bytes + 1u);
    memcpy(bytes, key, key_bytes);
    if (payload_bytes > 0)
        memcpy(bytes + key_bytes, payload, payload_bytes);
    entry->key = (rdb_slice){.data = bytes, .length = key_bytes};
    entry->payload = (rdb_slice){.data = bytes + key_bytes, .length = payload_bytes};
    return BTREE_OK;
}

static btree_answer read_forward(rdb_index_cursor *cursor, const btree_page *page, const btree_probe *probe, uint32_t capacity,
                                 bool want_keys, btree_fetcher *fetcher, rdb_arena *arena, rdb_index_entry *entries, btree_bound *place,
                                 reading *r)
{
    uint32_t page_bytes = cursor->tree.page_bytes, slot_no;
    bool equal;
    int order = -1;
    btree_cell cell;
    uint32_t count = btree_page_count(page, page_bytes);
    btree_answer answer = btree_page_search(page, page_bytes, probe, fetcher, &slot_no, &equal);
    r->right = __atomic_load_n(&page->right, __ATOMIC_RELAXED);
    if (answer == BTREE_OK && !equal && slot_no >= count) /* before a key of the page it is before the high key too */
        answer = btree_page_compare_high(page, page_bytes, probe, fetcher, &order);
    if (answer != BTREE_OK)
        return answer;
    if (order >= 0) {
        r->is_elsewhere = true;
        return r->right != 0 ? BTREE_OK : BTREE_TORN;
    }
    for (; answer == BTREE_OK && slot_no < count && r->count < capacity; slot_no++) {
        if (!btree_slot_decode(page, page_bytes, slot_no, &cell))
            return BTREE_TORN;
        answer = is_beyond(cursor, &cell, fetcher, &r->ended);
        if (answer != BTREE_OK || r->ended)
            return answer;
        answer = copy_entry(&cell, want_keys, fetcher, arena, &entries[r->count]);
        r->count++;
    }
    if (answer != BTREE_OK)
        return answer;
    if (slot_no < count) { /* the batch is full: does the range go on? Else the next call is spared. */
        btree_cell next;
        if (!btree_slot_decode(page, page_bytes, slot_no, &next))
            return BTREE_TORN;
        answer = is_beyond(cursor, &next, fetcher, &r->ended);
        if (answer != BTREE_OK || r->ended)
            return answer;
        answer = btree_bound_copy(place, &next, fetcher);
        r->right = UINT64_MAX; /* go on here */
        return answer;
    }
    if (r->right == 0) {
        r->ended = true;
        return BTREE_OK;
    }
    if (!btree_cell_decode(page, page_bytes, page->high_offset, page->high_key_bytes, &cell))
        return BTREE_TORN;
    answer = is_beyond(cursor, &cell, fetcher, &r->ended);
    return answer == BTREE_OK && !r->ended ? btree_bound_copy(place, &cell, fetcher) : answer;
}

static btree_answer read_backward(rdb_index_cursor *cursor, const btree_page *page, const btree_probe *probe, uint32_t capacity,
                                  bool want_keys, btree_fetcher *fetcher, rdb_arena *arena, rdb_index_entry *entries,
                                  btree_bound *place, reading *r)
{
    uint32_t page_bytes = cursor->tree.page_bytes, slot_no;
    bool equal;
    int order = -1;
    btree_cell cell;
    btree_answer answer = btree_page_search(page, page_bytes, probe, fetcher, &slot_no, &equal);
    if (answer == BTREE_OK && !equal && slot_no >= btree_page_count(page, page_bytes))
        answer = btree_page_compare_high(page, page_bytes, probe, fetcher, &order);
    if (answer != BTREE_OK)
        return answer;
    if (order > 0) {
        r->is_elsewhere = true;
        r->right = __atomic_load_n(&page->right, __ATOMIC_RELAXED);
        if (r->right == 0 || !btree_cell_decode(page, page_bytes, page->high_offset, page->high_key_bytes, &cell))
            return BTREE_TORN;
        return btree_bound_copy(place, &cell, fetcher);
    }
    if (slot_no > btree_page_count(page, page_bytes))
        return BTREE_TORN;
    bool stays = false;
    for (; answer == BTREE_OK && slot_no > 0; slot_no--) {
        if (!btree_slot_decode(page, page_bytes, slot_no - 1, &cell))
            return BTREE_TORN;
        answer = is_beyond(cursor, &cell, fetcher, &r->ended);
        if (answer != BTREE_OK || r->ended)
            return answer;
        if (r->count == capacity) {
            stays = true;
            break;
        }
        answer = copy_entry(&cell, want_keys, fetcher, arena, &entries[r->count]);
        if (answer == BTREE_OK && ++r->count == capacity)
            answer = btree_bound_copy(place, &cell, fetcher);
    }
    r->right = stays ? UINT64_MAX : 0;
    return answer;
}

/* Reads from the cursor's leaf: without pin or latch where that works, else with them. */
static bool read_leaf(rdb_index_cursor *cursor, const btree_probe *probe, uint32_t capacity, bool want_keys, rdb_arena *arena,
                      rdb_index_entry *entries, btree_bound *place, reading *r)
{
    btree *tree = &cursor->tree;
    btree_fetcher no_fetch = {0};
    for (unsigned tries = 0;; tries++) {
        bool latched = !BTREE_OPTIMISTIC || tries >= BTREE_OPTIMISTIC_TRIES;
        rdb_buffer *buffer = NULL;
        rdb_peek peek = {0};
        const btree_page *page;
        if (latched) {
            if (!btree_acquire(tree, cursor->leaf, RDB_BUFFER_SHARED, &buffer))
                return false;
            page = btree_page_of(buffer);
        } else {
            if (!rdb_buffer_peek_begin(tree->storage, btree_tag(tree, cursor->leaf), &peek)) {
                rdb_cpu_relax();
                continue;
            }
            page = (const btree_page *)(const void *)peek.page;
        }
        rdb_arena_mark mark = {0};
        if (arena != NULL)
            mark = rdb_arena_get_mark(arena);
        *r = (reading){0};
        btree_fetcher *fetcher = latched ? &tree->fetcher : &no_fetch;
        btree_answer answer = BTREE_OK;
        bool is_leaf = btree_page_is_tree(page) && __atomic_load_n(&page->level, __ATOMIC_RELAXED) == 0;
        if (!is_leaf)
            r->is_no_leaf = true;
        else
            answer = cursor->backward
                         ? read_backward(cursor, page, probe, capacity, want_keys, fetcher, arena, entries, place, r)
                         : read_forward(cursor, page, probe, capacity, want_keys, fetcher, arena, entries, place, r);
        bool whole = latched || rdb_buffer_peek_end(&peek);
        bool is_stale = whole && answer != BTREE_FAILED && !btree_shape_holds(tree);
        bool ok = !latched || is_stale || btree_expect(tree, buffer, answer);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        if (latched ? !is_stale : whole && !is_stale && answer == BTREE_OK)
            return ok;
        if (arena != NULL)
            rdb_arena_rewind(arena, mark);
        if (is_stale) {
            *r = (reading){.is_stale = true};
            return true;
        }
        if (whole)
            tries = BTREE_OPTIMISTIC_TRIES - 1; /* an overflow page or damage: with the latch */
    }
}

bool rdb_index_cursor_next(rdb_index_cursor *cursor, uint32_t capacity, bool want_keys, rdb_arena *batch_arena,
                           rdb_index_entry *entries, uint32_t *count, rdb_error *err)
{
    const rdb_index *index = cursor->index;
    btree *tree = &cursor->tree;
    uint32_t restarts = 0;
    bool ok = false;
    *count = 0;
    if (cursor->at_end || capacity == 0)
        return true;
    btree_begin(tree, index->storage, index->pdb, index->file, 0, err);
    while (*count < capacity && !cursor->at_end) {
        btree_bound next, low;
        btree_probe probe = probe_of(cursor);
        reading r;
        next.is_set = false;
        if (cursor->leaf == 0) {
            if (!btree_descend(tree, &probe, cursor->backward, 0, NULL, cursor->backward ? &low : NULL, &cursor->leaf))
                goto out;
            cursor->shape = tree->shape;
            if (cursor->backward)
                keep_bound(cursor, &cursor->low, &low);
        }
        tree->shape = cursor->shape;
        if (!read_leaf(cursor, &probe, capacity - *count, want_keys, batch_arena, entries + *count, &next, &r))
            goto out;
        *count += r.count;
        if (r.is_stale) {
            cursor->leaf = 0;
        } else if (r.is_no_leaf) { /* a root that has grown */
            cursor->leaf = 0;
            if (++restarts > BTREE_RESTARTS_MAX) {
                rdb_error_set(err, RDB_INDEX_CORRUPTED, "index is corrupted");
                goto out;
            }
        } else if (r.is_elsewhere) {
            cursor->leaf = r.right;
            if (cursor->backward)
                keep_bound(cursor, &cursor->low, &next);
        } else if (r.ended) {
            cursor->at_end = true;
        } else if (r.right == UINT64_MAX) { /* the batch is full, the leaf is not done */
            keep_bound(cursor, &cursor->place, &next);
            cursor->is_placed = true;
        } else if (!cursor->backward) {
            keep_bound(cursor, &cursor->place, &next);
            cursor->is_placed = true;
            cursor->leaf = r.right;
        } else if (!cursor->low.is_set) {
            cursor->at_end = true;
        } else { /* what comes before the leaf's low bound is in another */
            keep_key(cursor, &cursor->place, cursor->low.bytes, cursor->low.length, cursor->low.address, true);
            cursor->is_placed = true;
            cursor->leaf = 0;
        }
    }
    ok = batch_arena == NULL || rdb_arena_check(batch_arena, err);
out:
    btree_end(tree);
    return ok;
}

bool rdb_index_has_entry(const rdb_index *index, rdb_slice key, rdb_row_address address, rdb_arena *arena, bool *has, rdb_error *err)
{
    const rdb_index_range range = {.lower = key, .upper = key};
    rdb_index_cursor *cursor;
    rdb_index_entry next;
    uint32_t count;
    *has = false;
    if (!rdb_index_cursor_open(&cursor, index, &range, false, arena, err))
        return false;
    keep_key(cursor, &cursor->place, key.data, key.length, address, true);
    cursor->is_placed = true;
    const bool ok = rdb_index_cursor_next(cursor, 1, true, arena, &next, &count, err);
    *has = ok && count > 0 && next.key.length == key.length && next.address == address; /* it begins with the key */
    rdb_index_cursor_close(&cursor);
    return ok;
}
