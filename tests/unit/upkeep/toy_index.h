/* SPDX-License-Identifier: Apache-2.0
 * An index for tests: a set of (key, row) in memory, whose mutex stands for the leaf latch. It outlives a crash, as a
 * logged index does. */
#ifndef TOY_INDEX_H
#define TOY_INDEX_H

#include "../table/fixture.h"
#include "upkeep/rdb_purge.h"

#define TOY_INDEX_FILE RDB_FILE_NO(RDB_FILE_INDEX, 21000)
#define TOY_KEY_BYTES 8u

typedef struct toy_entry {
    uint64_t key;
    rdb_row_address row;
} toy_entry;
static struct {
    pthread_mutex_t latch;
    toy_entry *entries;
    uint32_t count, capacity;
} toy = {.latch = PTHREAD_MUTEX_INITIALIZER};

static inline int32_t toy_find(uint64_t key, rdb_row_address row)
{
    for (uint32_t i = 0; i < toy.count; i++)
        if (toy.entries[i].key == key && toy.entries[i].row == row)
            return (int32_t)i;
    return -1;
}
static inline void toy_insert(uint64_t key, rdb_row_address row)
{
    pthread_mutex_lock(&toy.latch);
    if (toy_find(key, row) < 0) {
        if (toy.count == toy.capacity) {
            toy.capacity = toy.capacity == 0 ? 256 : toy.capacity * 2;
            toy.entries = realloc(toy.entries, toy.capacity * sizeof *toy.entries);
        }
        toy.entries[toy.count++] = (toy_entry){key, row};
    }
    pthread_mutex_unlock(&toy.latch);
}
static inline bool toy_remove(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_slice key, rdb_row_address row,
                              bool (*still_needed)(void *context, bool *needed, rdb_error *err), void *context, rdb_error *err)
{
    (void)storage;
    bool needed = false, ok = true;
    if (pdb != PDB || file != TOY_INDEX_FILE || key.length != TOY_KEY_BYTES)
        abort();
    pthread_mutex_lock(&toy.latch);
    int32_t at = toy_find(rdb_get_u64(key.data), row);
    if (at >= 0) {
        ok = still_needed == NULL || still_needed(context, &needed, err);
        if (ok && !needed)
            toy.entries[at] = toy.entries[--toy.count];
    }
    pthread_mutex_unlock(&toy.latch);
    return ok;
}
static inline void toy_reset(void)
{
    free(toy.entries);
    toy.entries = NULL;
    toy.count = toy.capacity = 0;
}
/* Purge looks whether the index's file is still there. */
static inline void toy_create(instance *f)
{
    toy_reset();
    MUST(&f->err, rdb_storage_create_file(f->storage, PDB, TOY_INDEX_FILE, 0, &f->err));
}

#endif
