/* SPDX-License-Identifier: Apache-2.0
 * From the root to a page. */
#include "index/btree_int.h"

#define MOVES_MAX 100000u /* down or right in one descent: more is a ring */

static bool fetch_overflow(btree_fetcher *fetcher, uint64_t block, const uint8_t **whole, uint32_t *key_bytes,
                           uint32_t *payload_bytes, rdb_error *err)
{
    btree *tree = (btree *)fetcher; /* its first member */
    rdb_buffer *buffer = NULL;
    rdb_buffer_release(tree->overflow, RDB_BUFFER_PIN);
    tree->overflow = NULL;
    if (!rdb_buffer_acquire(tree->storage, btree_tag(tree, block), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    const uint8_t *bytes = (const uint8_t *)rdb_buffer_page(buffer) + RDB_PAGE_HEADER_BYTES;
    *key_bytes = rdb_get_u16(bytes);
    *payload_bytes = rdb_get_u16(bytes + 2);
    *whole = bytes + 4;
    bool ok = rdb_buffer_page(buffer)->type == RDB_PAGE_OVERFLOW &&
              *key_bytes + *payload_bytes <= tree->page_bytes - RDB_PAGE_HEADER_BYTES - 4;
    rdb_buffer_unlock(buffer, RDB_BUFFER_SHARED); /* it never changes: the pin keeps it readable */
    tree->overflow = buffer;
    return ok || btree_corrupted(tree, buffer, "It is not an overflow page.");
}

void btree_begin(btree *tree, rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_xid xid, rdb_error *err)
{
    /* The shape is learned by the descent, or from a cursor. */
    *tree = (btree){.fetcher = {.fetch = fetch_overflow, .err = err},
                    .storage = storage,
                    .file = file,
                    .pdb = pdb,
                    .page_bytes = rdb_storage_page_bytes(storage),
                    .xid = xid};
}

void btree_end(btree *tree)
{
    rdb_buffer_release(tree->overflow, RDB_BUFFER_PIN);
    tree->overflow = NULL;
}

bool btree_acquire(btree *tree, uint64_t block, rdb_buffer_mode mode, rdb_buffer **buffer)
{
    return rdb_buffer_acquire(tree->storage, btree_tag(tree, block), mode, buffer, tree->fetcher.err);
}

#define SHAPES 1024u
static btree_shape shapes[SHAPES];

btree_shape *btree_shape_of(const btree *tree)
{
    return &shapes[(tree->file + tree->pdb) % SHAPES];
}

bool btree_new_page(btree *tree, uint64_t *block, rdb_buffer **buffer)
{
    enum { TRIES = 4 };
    for (unsigned tries = 0; tries < TRIES; tries++) {
        bool found;
        if (!rdb_space_find(tree->storage, tree->pdb, tree->file, tree->page_bytes / 16 * 15, block, &found, tree->fetcher.err))
            return false;
        if (!found)
            break;
        /* Where the hint is wrong the block may be any of the tree's: it is not waited for with others latched. */
        if (!btree_acquire(tree, *block, RDB_BUFFER_PIN, buffer))
            return false;
        if (rdb_buffer_try_lock(*buffer, RDB_BUFFER_EXCLUSIVE)) {
            if (rdb_buffer_page(*buffer)->type == RDB_PAGE_FREE && rdb_space_is_open(tree->storage, btree_tag(tree, *block), true))
                return true;
            rdb_buffer_unlock(*buffer, RDB_BUFFER_EXCLUSIVE);
        }
        rdb_buffer_release(*buffer, RDB_BUFFER_PIN);
    }
    return rdb_buffer_extend(tree->storage, tree->pdb, tree->file, RDB_FORK_MAIN, block, buffer, tree->fetcher.err);
}

bool btree_corrupted(btree *tree, const rdb_buffer *buffer, const char *what)
{
    rdb_error *err = tree->fetcher.err;
    if (rdb_error_is_set(err))
        return false;
    rdb_error_set(err, RDB_INDEX_CORRUPTED, "index is corrupted");
    rdb_error_detail(err, "File %llu of database %u, block %llu: %s", (unsigned long long)(tree->file & (UINT64_MAX >> 8)), tree->pdb,
                     (unsigned long long)rdb_buffer_tag(buffer).block, what);
    return rdb_error_hint(err, "Please REINDEX it.");
}

bool btree_expect(btree *tree, const rdb_buffer *buffer, btree_answer answer)
{
    return answer == BTREE_OK || btree_corrupted(tree, buffer, "A cell does not lie in the page.");
}

btree_answer btree_bound_copy(btree_bound *bound, const btree_cell *cell, btree_fetcher *fetcher)
{
    const uint8_t *key = cell->key;
    uint32_t length = cell->whole_key_bytes;
    if (length > cell->key_bytes) {
        uint32_t key_bytes, payload_bytes;
        if (fetcher == NULL || fetcher->fetch == NULL)
            return BTREE_LATCH;
        if (!fetcher->fetch(fetcher, cell->overflow, &key, &key_bytes, &payload_bytes, fetcher->err))
            return BTREE_FAILED;
        if (key_bytes != length)
            return BTREE_TORN;
    }
    if (length > RDB_INDEX_KEY_MAX)
        return BTREE_TORN;
    memcpy(bound->key, key, length);
    bound->length = length;
    bound->address = cell->address;
    bound->is_set = true;
    return BTREE_OK;
}

typedef struct step {
    uint64_t next; /* 0: arrived */
    bool goes_down;
    bool is_stale; /* the tree's shape is another: what was seen says nothing */
    uint32_t level;
} step;

/* Decides where to go from a page that is latched or read optimistically (fetcher without fetch). */
static btree_answer look(const btree *tree, const btree_page *page, const btree_probe *probe, bool before, uint32_t target_level,
                         btree_bound *low, btree_fetcher *fetcher, step *out)
{
    if (!btree_page_is_tree(page))
        return BTREE_TORN;
    out->level = __atomic_load_n(&page->level, __ATOMIC_RELAXED);
    out->next = 0;
    out->goes_down = false;
    if (out->level <= target_level)
        return BTREE_OK;
    int order = -1;
    btree_cell cell;
    uint32_t slot_no;
    bool equal;
    btree_answer answer = btree_page_search(page, tree->page_bytes, probe, fetcher, &slot_no, &equal);
    /* Every key here is less than the high key: only who lies behind them all may have to go right. */
    if (answer == BTREE_OK && !equal && slot_no >= btree_page_count(page, tree->page_bytes))
        answer = btree_page_compare_high(page, tree->page_bytes, probe, fetcher, &order);
    if (answer != BTREE_OK)
        return answer;
    if (before ? order > 0 : order >= 0) {
        out->next = __atomic_load_n(&page->right, __ATOMIC_RELAXED);
        if (out->next == 0 || !btree_cell_decode(page, tree->page_bytes, page->high_offset, page->high_key_bytes, &cell))
            return BTREE_TORN;
        return low != NULL ? btree_bound_copy(low, &cell, fetcher) : BTREE_OK;
    }
    if (before || !equal)
        slot_no--; /* at least 1 in an inner page */
    if (!btree_slot_decode(page, tree->page_bytes, slot_no, &cell) || (cell.flags & BTREE_CELL_CHILD) == 0 || cell.child == 0)
        return BTREE_TORN;
    out->next = cell.child;
    out->goes_down = true;
    return low != NULL && slot_no > 0 ? btree_bound_copy(low, &cell, fetcher) : BTREE_OK;
}

/* The same for a block: without a pin where the page is in the pool and nobody writes it. */
static bool look_at_block(btree *tree, uint64_t block, const btree_probe *probe, bool before, uint32_t target_level, btree_bound *low,
                          step *out)
{
    btree_fetcher no_fetch = {0};
    rdb_peek peek;
    rdb_buffer *buffer = NULL;
    for (unsigned tries = 0; BTREE_OPTIMISTIC && tries < BTREE_OPTIMISTIC_TRIES; tries++) {
        if (!rdb_buffer_peek_begin(tree->storage, btree_tag(tree, block), &peek)) {
            rdb_cpu_relax();
            continue;
        }
        btree_answer answer = look(tree, (const btree_page *)(const void *)peek.page, probe, before, target_level, low, &no_fetch, out);
        if (rdb_buffer_peek_end(&peek)) {
            out->is_stale = !btree_shape_holds(tree);
            if (answer == BTREE_OK || out->is_stale)
                return true;
            break; /* an overflow page, or damage: the latched look tells */
        }
    }
    if (!btree_acquire(tree, block, RDB_BUFFER_SHARED, &buffer))
        return false;
    btree_answer answer = look(tree, btree_page_of(buffer), probe, before, target_level, low, &tree->fetcher, out);
    out->is_stale = answer != BTREE_FAILED && !btree_shape_holds(tree);
    bool ok = out->is_stale || btree_expect(tree, buffer, answer);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return ok;
}

static bool lost_way(btree *tree, uint64_t block)
{
    rdb_buffer *buffer = NULL;
    if (!btree_acquire(tree, block, RDB_BUFFER_PIN, &buffer))
        return false;
    btree_corrupted(tree, buffer, "It stands on the wrong level.");
    rdb_buffer_release(buffer, RDB_BUFFER_PIN);
    return false;
}

static void begin_descent(btree *tree, btree_path *path, btree_bound *low, uint64_t *block)
{
    tree->shape = atomic_load_explicit(&btree_shape_of(tree)->steps, memory_order_acquire);
    *block = BTREE_ROOT_BLOCK;
    if (path != NULL)
        *path = (btree_path){.shape = tree->shape};
    if (low != NULL)
        low->is_set = false;
}

bool btree_descend(btree *tree, const btree_probe *probe, bool before, uint32_t level, btree_path *path, btree_bound *low,
                   uint64_t *block)
{
    begin_descent(tree, path, low, block);
    for (uint32_t moves = 0;; moves++) {
        step s = {0};
        if (!look_at_block(tree, *block, probe, before, level, low, &s))
            return false;
        if (s.is_stale) { /* a step of a compaction for each time round */
            begin_descent(tree, path, low, block);
            moves = 0;
            continue;
        }
        if (s.level < level || s.level >= BTREE_LEVELS_MAX || moves > MOVES_MAX)
            return lost_way(tree, *block);
        if (s.next == 0)
            return true;
        if (s.goes_down && path != NULL)
            path->blocks[s.level] = *block;
        *block = s.next;
        if (s.goes_down && s.level == level + 1)
            return true;
    }
}

bool btree_move_right_for_write(btree *tree, const btree_probe *probe, btree_path *path, rdb_buffer **buffer)
{
    for (;;) {
        btree_page *page = btree_page_of(*buffer);
        int order;
        if (!btree_page_is_tree(page)) {
            btree_corrupted(tree, *buffer, "It is not a page of a tree.");
            break;
        }
        if ((page->base.flags & BTREE_INCOMPLETE) != 0 && !btree_finish_split(tree, path, *buffer))
            break;
        if (!btree_expect(tree, *buffer, btree_page_compare_high(page, tree->page_bytes, probe, &tree->fetcher, &order)))
            break;
        if (order < 0)
            return true;
        rdb_buffer *right = NULL;
        if (!btree_acquire(tree, page->right, RDB_BUFFER_EXCLUSIVE, &right))
            break;
        rdb_buffer_release(*buffer, RDB_BUFFER_EXCLUSIVE);
        *buffer = right;
    }
    rdb_buffer_release(*buffer, RDB_BUFFER_EXCLUSIVE);
    *buffer = NULL;
    return false;
}

/* Latches a block found by a descent exclusively, if it is a page of that level and still in its place; else *buffer is NULL. Above the
 * leaves a page below may be latched, and the block be given up and used anew for one whose latch comes before it: so nobody waits there longer
 * than the shape holds. */
static bool latch_in_place(btree *tree, uint64_t block, uint32_t level, rdb_buffer **buffer)
{
    enum { SPINS = 200, PAUSE_US = 20 };
    if (level == 0) {
        if (!btree_acquire(tree, block, RDB_BUFFER_EXCLUSIVE, buffer))
            return false;
    } else {
        if (!btree_acquire(tree, block, RDB_BUFFER_PIN, buffer))
            return false;
        for (unsigned spins = 0; !rdb_buffer_try_lock(*buffer, RDB_BUFFER_EXCLUSIVE); spins++) {
            if (!btree_shape_holds(tree)) {
                rdb_buffer_release(*buffer, RDB_BUFFER_PIN);
                *buffer = NULL;
                return true;
            }
            if (spins < SPINS)
                rdb_cpu_relax();
            else
                rdb_time_sleep_us(PAUSE_US);
        }
    }
    const btree_page *page = btree_page_of(*buffer);
    if (btree_shape_holds(tree) && btree_page_is_tree(page) && page->level == level)
        return true;
    rdb_buffer_release(*buffer, RDB_BUFFER_EXCLUSIVE);
    *buffer = NULL;
    return true;
}

bool btree_find_for_write(btree *tree, const btree_probe *probe, uint32_t level, btree_path *path, rdb_buffer **buffer)
{
    uint64_t block = BTREE_ROOT_BLOCK;
    *buffer = NULL;
    for (uint32_t restarts = 0; restarts < BTREE_RESTARTS_MAX;) {
        if (!btree_descend(tree, probe, false, level, path, NULL, &block) || !latch_in_place(tree, block, level, buffer))
            return false;
        if (*buffer != NULL)
            return btree_move_right_for_write(tree, probe, path, buffer);
        restarts += btree_shape_holds(tree); /* a root that has grown; another shape is somebody's progress */
    }
    return lost_way(tree, block);
}

bool btree_find_parent(btree *tree, btree_path *path, const btree_probe *probe, uint32_t level, rdb_buffer **parent)
{
    btree_path fresh;
    *parent = NULL;
    if (path != NULL && path->blocks[level] != 0) {
        tree->shape = path->shape;
        if (!latch_in_place(tree, path->blocks[level], level, parent))
            return false;
        if (*parent != NULL)
            return btree_move_right_for_write(tree, probe, path, parent);
    }
    return btree_find_for_write(tree, probe, level, path != NULL ? path : &fresh, parent);
}
