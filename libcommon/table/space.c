/* SPDX-License-Identifier: Apache-2.0
 * Which page a new row goes to. Every thread (or session: rdb_thread_set_stripe) keeps filling the page it filled last, so that
 * inserters beside each other work on different ones; only when that is full are the relation's free-space hints asked, and at last a block added.
 * A hint is never trusted: the page is looked at under its latch. */
#include "table/table_int.h"

#define HINTS 4096u

/* key ^ block and block: halves of two entries do not match. The key names the manager too, which no other one of this
 * process ever shares. */
static struct {
    _Atomic uint64_t mixed, block;
} hints[HINTS];

/* Bodies of rows that outgrew their page have pages of their own, so that new rows stay beside each other. */
static uint64_t hint_key(const heap_place *place, bool is_body)
{
    uint64_t words[4] = {rdb_txn_instance_no(place->txns), place->pdb, place->file, rdb_thread_stripe() % RDB_STRIPES + (is_body ? RDB_STRIPES : 0)};
    return rdb_hash64(words, sizeof words, 0);
}

static bool get_hint(uint64_t key, uint64_t *block)
{
    *block = atomic_load_explicit(&hints[key % HINTS].block, memory_order_relaxed);
    return (atomic_load_explicit(&hints[key % HINTS].mixed, memory_order_relaxed) ^ *block) == key;
}

static void set_hint(uint64_t key, uint64_t block)
{
    atomic_store_explicit(&hints[key % HINTS].block, block, memory_order_relaxed);
    atomic_store_explicit(&hints[key % HINTS].mixed, key ^ block, memory_order_relaxed);
}

void heap_note_space(const heap_place *place, rdb_buffer *buffer)
{
    const rdb_page *page = rdb_buffer_page(buffer);
    uint32_t free_bytes = 0;
    if (page->type == RDB_PAGE_FREE)
        free_bytes = place->page_bytes - RDB_PAGE_HEADER_BYTES;
    else if (page->type == RDB_PAGE_HEAP)
        free_bytes = heap_free_bytes(page, place->page_bytes);
    rdb_space_note(place->storage, place->pdb, place->file, rdb_buffer_tag(buffer).block, free_bytes);
}

/* Looks at one block; *buffer stays NULL where it does not serve. */
static bool try_block(const heap_place *place, uint64_t block, uint32_t length, rdb_buffer **buffer, bool *fresh, rdb_error *err)
{
    *buffer = NULL;
    rdb_buffer *tried = NULL;
    if (!rdb_buffer_acquire(place->storage, heap_tag(place, block), RDB_BUFFER_PIN, &tried, err))
        return false;
    if (!rdb_buffer_try_lock(tried, RDB_BUFFER_EXCLUSIVE)) {
        rdb_buffer_release(tried, RDB_BUFFER_PIN);
        return true;
    }
    const rdb_page *page = rdb_buffer_page(tried);
    *fresh = page->type == RDB_PAGE_FREE;
    const bool is_open = rdb_space_is_open(place->storage, heap_tag(place, block), *fresh);
    if (is_open && (*fresh || (page->type == RDB_PAGE_HEAP && heap_choose_slot(page, place->page_bytes, length) != UINT32_MAX))) {
        *buffer = tried;
        return true;
    }
    if (is_open)
        heap_note_space(place, tried);
    rdb_buffer_release(tried, RDB_BUFFER_EXCLUSIVE);
    return true;
}

bool heap_find_page(const heap_place *place, uint32_t length, uint64_t avoid, rdb_buffer **buffer, bool *fresh, rdb_error *err)
{
    uint64_t key = hint_key(place, avoid != UINT64_MAX), block;
    *buffer = NULL;
    if (get_hint(key, &block) && block != avoid && !try_block(place, block, length, buffer, fresh, err))
        return false;
    for (unsigned tries = 0; *buffer == NULL && tries < 4; tries++) {
        bool found;
        if (!rdb_space_find(place->storage, place->pdb, place->file, length + HEAP_SLOT_BYTES, &block, &found, err))
            return false;
        if (!found)
            break;
        if (block != avoid && !try_block(place, block, length, buffer, fresh, err))
            return false;
    }
    if (*buffer == NULL) {
        if (!rdb_buffer_extend(place->storage, place->pdb, place->file, RDB_FORK_MAIN, &block, buffer, err))
            return false;
        *fresh = true;
    }
    set_hint(key, block);
    return true;
}
