/* SPDX-License-Identifier: Apache-2.0
 * Free-space hints. Per relation a stack of blocks for each class of free bytes (sixteenths of a page) and a table from
 * block to its newest class. Finding takes the block out, so that inserters beside each other get different pages; who
 * leaves room behind notes it again. Stale entries of the stacks are told by the table and dropped when met. Hints live in
 * memory only: after a restart a relation starts with its last block, and purge and vacuum bring the rest. */
#include "storage_int.h"

#include <stdlib.h>

enum { SPACE_BLOCKS_MAX = 1 << 16, SPACE_NO_CLASS = 0xff };

typedef struct space_stack {
    uint64_t *blocks;
    uint32_t count, capacity;
} space_stack;

struct storage_space {
    space_stack stacks[SPACE_CLASSES];
    uint64_t *keys; /* block + 1; 0 = empty. Linear probing; entries stay, their class changes */
    uint8_t *classes;
    uint32_t key_count, key_capacity;
};

void space_destroy(storage_space *space)
{
    if (space == NULL)
        return;
    for (unsigned i = 0; i < SPACE_CLASSES; i++)
        free(space->stacks[i].blocks);
    free(space->keys);
    free(space->classes);
    free(space);
}

static uint32_t key_slot(const storage_space *space, uint64_t block)
{
    uint32_t i = (uint32_t)((block + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (space->key_capacity - 1);
    while (space->keys[i] != 0 && space->keys[i] != block + 1)
        i = (i + 1) & (space->key_capacity - 1);
    return i;
}

/* Room for one more key; drops dead entries as it grows. False: no memory, or the relation has its share of hints. */
static bool reserve_key(storage_space *space)
{
    if (space->key_capacity > 0 && space->key_count < space->key_capacity / 2)
        return true;
    uint32_t live = 0;
    for (uint32_t i = 0; i < space->key_capacity; i++)
        live += space->keys[i] != 0 && space->classes[i] != SPACE_NO_CLASS;
    if (live >= SPACE_BLOCKS_MAX)
        return false;
    storage_space grown = {.key_capacity = 64};
    while (grown.key_capacity < 4 * (live + 1))
        grown.key_capacity <<= 1;
    grown.keys = calloc(grown.key_capacity, sizeof *grown.keys);
    grown.classes = malloc(grown.key_capacity);
    if (grown.keys == NULL || grown.classes == NULL) {
        free(grown.keys);
        free(grown.classes);
        return false;
    }
    for (uint32_t i = 0; i < space->key_capacity; i++) {
        if (space->keys[i] == 0 || space->classes[i] == SPACE_NO_CLASS)
            continue;
        uint32_t slot = key_slot(&grown, space->keys[i] - 1);
        grown.keys[slot] = space->keys[i];
        grown.classes[slot] = space->classes[i];
    }
    free(space->keys);
    free(space->classes);
    space->keys = grown.keys;
    space->classes = grown.classes;
    space->key_capacity = grown.key_capacity;
    space->key_count = live;
    return true;
}

static bool push_block(space_stack *stack, uint64_t block)
{
    if (stack->count == stack->capacity) {
        uint32_t capacity = stack->capacity == 0 ? 16 : stack->capacity * 2;
        if (capacity > 4 * SPACE_BLOCKS_MAX)
            return false;
        uint64_t *blocks = realloc(stack->blocks, capacity * sizeof *blocks);
        if (blocks == NULL)
            return false;
        stack->blocks = blocks;
        stack->capacity = capacity;
    }
    stack->blocks[stack->count++] = block;
    return true;
}

static void note_block(storage_space *space, uint64_t block, uint8_t space_class)
{
    if (space->key_capacity == 0 && !reserve_key(space))
        return;
    uint32_t slot = key_slot(space, block);
    if (space->keys[slot] == 0) {
        if (space_class == SPACE_NO_CLASS || !reserve_key(space))
            return;
        slot = key_slot(space, block);
        space->keys[slot] = block + 1;
        space->classes[slot] = SPACE_NO_CLASS;
        space->key_count++;
    }
    if (space->classes[slot] == space_class)
        return;
    space->classes[slot] = space_class;
    if (space_class != SPACE_NO_CLASS && !push_block(&space->stacks[space_class], block))
        space->classes[slot] = SPACE_NO_CLASS;
}

void space_cut(storage_space *space, uint64_t blocks)
{
    for (uint32_t i = 0; i < space->key_capacity; i++) {
        if (space->keys[i] > blocks)
            space->classes[i] = SPACE_NO_CLASS;
    }
}

void space_close(storage_space *space, uint64_t from, uint64_t to)
{
    for (uint32_t i = 0; i < space->key_capacity; i++)
        if (space->keys[i] > from && space->keys[i] <= to)
            space->classes[i] = SPACE_NO_CLASS;
}

static bool is_closed(const storage_relation *relation, uint64_t block)
{
    /* relaxed: set before the blocks are looked through, and whoever fills one a last time is met there */
    return block >= atomic_load_explicit(&relation->closed_from, memory_order_relaxed) && block < atomic_load_explicit(&relation->closed_to, memory_order_relaxed);
}

void rdb_space_close(rdb_storage *storage, uint32_t pdb, uint64_t file, uint64_t from, uint64_t to)
{
    storage_relation *relation = NULL;
    rdb_error err = {0};
    if (relation_get(storage, pdb, file, RDB_FORK_MAIN, RELATION_EXISTING, &relation, &err)) {
        rdb_mutex_lock(&relation->extend_lock);
        const bool was = atomic_load_explicit(&relation->closed_to, memory_order_relaxed) != 0;
        if (was != (to != 0))
            atomic_fetch_add_explicit(&storage->closed_count, was ? UINT32_MAX : 1u, memory_order_relaxed);
        atomic_store_explicit(&relation->closed_from, from, memory_order_relaxed);
        atomic_store_explicit(&relation->closed_to, to, memory_order_relaxed);
        if (relation->space != NULL && to != 0)
            space_close(relation->space, from, to);
        rdb_mutex_unlock(&relation->extend_lock);
        relation_put(relation);
    }
    rdb_error_clear(&err);
}

bool rdb_space_is_open(rdb_storage *storage, rdb_page_tag tag, bool is_fresh)
{
    if (RDB_LIKELY(!is_fresh && atomic_load_explicit(&storage->closed_count, memory_order_relaxed) == 0))
        return true;
    storage_relation *relation = relation_find(storage, tag.pdb, tag.file, tag.fork);
    const bool is_open = relation == NULL || (tag.block < atomic_load_explicit(&relation->block_count, memory_order_acquire) && !is_closed(relation, tag.block));
    relation_put(relation);
    return is_open;
}

/* Creates the hints of a relation. Its last block may have room. Needs extend_lock. */
static storage_space *space_of(storage_relation *relation)
{
    if (relation->space == NULL && (relation->space = calloc(1, sizeof *relation->space)) != NULL) {
        uint64_t blocks = atomic_load_explicit(&relation->block_count, memory_order_relaxed);
        if (blocks > 0)
            note_block(relation->space, blocks - 1, SPACE_CLASSES - 1);
    }
    return relation->space;
}

bool rdb_space_find(rdb_storage *storage, uint32_t pdb, uint64_t file, uint32_t bytes, uint64_t *block, bool *found, rdb_error *err)
{
    storage_relation *relation = NULL;
    *found = false;
    *block = 0;
    if (!relation_get(storage, pdb, file, RDB_FORK_MAIN, RELATION_EXISTING, &relation, err))
        return false;
    uint32_t step = storage->page_bytes / SPACE_CLASSES;
    rdb_mutex_lock(&relation->extend_lock);
    storage_space *space = space_of(relation);
    /* Class c has at least c * step bytes; the tightest that surely fits comes first. The last class is asked for any size. */
    for (uint32_t i = RDB_MIN((bytes + step - 1) / step, SPACE_CLASSES - 1u); space != NULL && !*found && i < SPACE_CLASSES; i++) {
        space_stack *stack = &space->stacks[i];
        while (stack->count > 0 && !*found) {
            uint64_t candidate = stack->blocks[--stack->count];
            uint32_t slot = key_slot(space, candidate);
            if (space->keys[slot] == 0 || space->classes[slot] != i)
                continue;
            space->classes[slot] = SPACE_NO_CLASS;
            *found = candidate < atomic_load_explicit(&relation->block_count, memory_order_relaxed) && !is_closed(relation, candidate);
            *block = *found ? candidate : 0;
        }
    }
    rdb_mutex_unlock(&relation->extend_lock);
    relation_put(relation);
    return true;
}

void rdb_space_note(rdb_storage *storage, uint32_t pdb, uint64_t file, uint64_t block, uint32_t free_bytes)
{
    storage_relation *relation = NULL;
    rdb_error err;
    rdb_error_init(&err);
    if (relation_get(storage, pdb, file, RDB_FORK_MAIN, RELATION_EXISTING, &relation, &err)) {
        uint32_t space_class = RDB_MIN(free_bytes / (storage->page_bytes / SPACE_CLASSES), SPACE_CLASSES - 1u);
        rdb_mutex_lock(&relation->extend_lock);
        storage_space *space = space_of(relation);
        if (space != NULL)
            note_block(space, block, space_class == 0 || is_closed(relation, block) ? SPACE_NO_CLASS : (uint8_t)space_class);
        rdb_mutex_unlock(&relation->extend_lock);
        relation_put(relation);
    }
    rdb_error_clear(&err);
}
