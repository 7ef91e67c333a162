/* SPDX-License-Identifier: Apache-2.0
 * Uses of blocks, by file. A thread counts them in a few places of its own (storage_tally, storage_int.h) and adds them to the counters
 * of the file's owner when it comes to another file with the same place, and in rdb_block_uses_note: an addition each for a whole
 * statement. Who counts a file is looked up once; a change of the registry makes all places look again. */
#include "storage_int.h"

#include "base/rdb_map.h"

_Thread_local storage_tally storage_tallies[STORAGE_TALLIES] __attribute__((tls_model("initial-exec")));

typedef struct file_key {
    uint64_t file, pdb;
} file_key;

static rdb_latch registry_latch; /* of the map; zeroes are a free one */
static rdb_map *registry;        /* file_key: counters */
static _Atomic uint32_t generation = 1; /* of the registry */

bool rdb_block_uses_register(uint32_t pdb, uint64_t file, rdb_block_uses *uses)
{
    const file_key key = {file, pdb};
    rdb_latch_lock_exclusive(&registry_latch);
    if (registry == NULL)
        registry = rdb_map_create();
    const bool ok = registry != NULL && rdb_map_put(registry, &key, sizeof key, uses, NULL);
    atomic_fetch_add_explicit(&generation, 1, memory_order_release);
    rdb_latch_unlock_exclusive(&registry_latch);
    return ok;
}

void rdb_block_uses_forget(uint32_t pdb, uint64_t file)
{
    const file_key key = {file, pdb};
    rdb_latch_lock_exclusive(&registry_latch);
    if (registry != NULL) {
        rdb_map_remove(registry, &key, sizeof key);
        if (rdb_map_count(registry) == 0) {
            rdb_map_destroy(registry);
            registry = NULL;
        }
    }
    atomic_fetch_add_explicit(&generation, 1, memory_order_release);
    rdb_latch_unlock_exclusive(&registry_latch);
}

static void look_up(storage_tally *tally)
{
    file_key key = {tally->file, tally->pdb};
    rdb_latch_lock_shared(&registry_latch);
    tally->generation = atomic_load_explicit(&generation, memory_order_relaxed);
    tally->uses = registry != NULL ? rdb_map_get(registry, &key, sizeof key) : NULL;
    key.file = 0;
    if (tally->uses == NULL && registry != NULL)
        tally->uses = rdb_map_get(registry, &key, sizeof key);
    rdb_latch_unlock_shared(&registry_latch);
}

static void note(storage_tally *tally)
{
    if (RDB_UNLIKELY(tally->generation != atomic_load_explicit(&generation, memory_order_acquire)))
        look_up(tally);
    if (tally->uses != NULL && tally->hits > 0)
        atomic_fetch_add_explicit(&tally->uses->hits, tally->hits, memory_order_relaxed);
    if (tally->uses != NULL && tally->reads > 0)
        atomic_fetch_add_explicit(&tally->uses->reads, tally->reads, memory_order_relaxed);
    tally->hits = tally->reads = 0;
}

static inline bool is_used(const storage_tally *tally)
{
    return rdb_get_u64(&tally->hits) != 0; /* reads stand behind them */
}

/* Two places beside each other serve as one for two files, the one that came last in the place where it is looked for first. */
void storage_tally_begin(storage_tally *tally, const rdb_page_tag *tag)
{
    storage_tally *other = &storage_tallies[(tally - storage_tallies) ^ 1], former = *tally;
    if (other->file == tag->file && other->pdb == tag->pdb) {
        *tally = *other;
    } else {
        if (is_used(other))
            note(other);
        *tally = (storage_tally){.file = tag->file, .pdb = tag->pdb};
    }
    *other = former;
}

void rdb_block_uses_note(void)
{
    for (unsigned i = 0; i < STORAGE_TALLIES; i++)
        if (is_used(&storage_tallies[i]))
            note(&storage_tallies[i]);
}
