/* SPDX-License-Identifier: Apache-2.0
 * Counters of what was done to relations and databases since the server started, for pg_stat_user_tables and its kin. One set a
 * relation for the life of the catalog, made when its descriptor is first loaded; descriptors point to it, so counting is an
 * addition without lock or look-up. They count what was tried, also in transactions that aborted, as PostgreSQL's do. */
#include "catalog/catalog_int.h"
#include "os/rdb_time.h"

#include <stdlib.h>

struct rdb_counters {
    uint32_t pdb, oid;
    uint64_t files[4];   /* whose blocks' uses count here, 0: none: a TRUNCATE has one of its own while others still read the old; under counters_lock */
    uint32_t next_file;  /* which of them the next new one takes the place of */
    rdb_block_uses uses; /* of a database: of its blocks that no relation counts */
    _Atomic uint64_t values[RDB_COUNTER_COUNT]; /* relaxed: a statistic may lag */
    _Atomic uint64_t forgotten[RDB_COUNTER_COUNT]; /* values at the last reset; a database's, of relations' counters: their sums */
};

rdb_counters *rdb_counters_get(rdb_catalog *catalog, uint32_t pdb, uint32_t oid)
{
    const uint64_t key = (uint64_t)pdb << 32 | oid;
    rdb_mutex_lock(&catalog->counters_lock);
    if (catalog->counters == NULL)
        catalog->counters = rdb_map_create();
    rdb_counters *counters = catalog->counters != NULL ? rdb_map_get_u64(catalog->counters, key) : NULL;
    if (counters == NULL && catalog->counters != NULL && (counters = calloc(1, sizeof *counters)) != NULL) {
        counters->pdb = pdb;
        counters->oid = oid;
        if (!rdb_map_put_u64(catalog->counters, key, counters) || (oid == 0 && !rdb_block_uses_register(pdb, 0, &counters->uses))) {
            rdb_map_remove_u64(catalog->counters, key);
            free(counters);
            counters = NULL;
        }
    }
    rdb_mutex_unlock(&catalog->counters_lock);
    return counters;
}

void counters_follow(rdb_catalog *catalog, rdb_counters *counters, uint64_t file)
{
    if (counters == NULL || file == 0)
        return;
    rdb_mutex_lock(&catalog->counters_lock);
    bool is_known = false;
    for (size_t i = 0; i < RDB_COUNT_OF(counters->files); i++)
        is_known = is_known || counters->files[i] == file;
    if (!is_known && rdb_block_uses_register(counters->pdb, file, &counters->uses)) {
        uint64_t *place = &counters->files[counters->next_file++ % RDB_COUNT_OF(counters->files)];
        if (*place != 0)
            rdb_block_uses_forget(counters->pdb, *place);
        *place = file;
    }
    rdb_mutex_unlock(&catalog->counters_lock);
}

void rdb_counters_add(rdb_counters *counters, rdb_counter_kind counter, uint64_t amount)
{
    if (counters != NULL)
        atomic_fetch_add_explicit(&counters->values[counter], amount, memory_order_relaxed);
}

void rdb_counters_set(rdb_counters *counters, rdb_counter_kind counter, uint64_t value)
{
    if (counters != NULL)
        atomic_store_explicit(&counters->values[counter], value, memory_order_relaxed);
}

uint64_t rdb_counters_read(const rdb_counters *counters, rdb_counter_kind counter)
{
    if (counters == NULL)
        return 0;
    const _Atomic uint64_t *value = counter == RDB_COUNTER_BLOCKS_HIT    ? &counters->uses.hits
                                    : counter == RDB_COUNTER_BLOCKS_READ ? &counters->uses.reads
                                                                         : &counters->values[counter];
    return atomic_load_explicit(value, memory_order_relaxed);
}

bool rdb_counters_are_summed(rdb_counter_kind counter)
{
    return counter < RDB_COUNTER_COMMITS || counter == RDB_COUNTER_BLOCKS_HIT || counter == RDB_COUNTER_BLOCKS_READ;
}

uint64_t rdb_counters_sum(rdb_catalog *catalog, uint32_t pdb, rdb_counter_kind counter)
{
    uint64_t sum = 0;
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    rdb_mutex_lock(&catalog->counters_lock);
    while (catalog->counters != NULL && rdb_map_next(catalog->counters, &cursor, &key, &value)) {
        const rdb_counters *counters = value;
        if (counters->pdb == pdb && (counters->oid != 0 || counter >= RDB_COUNTER_COMMITS)) /* blocks that belong to no relation, too */
            sum += rdb_counters_read(counters, counter);
    }
    rdb_mutex_unlock(&catalog->counters_lock);
    return sum;
}

void rdb_counters_visit(rdb_catalog *catalog, uint32_t pdb, void (*visit)(void *context, uint32_t oid, const rdb_counters *counters), void *context)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    rdb_mutex_lock(&catalog->counters_lock);
    while (catalog->counters != NULL && rdb_map_next(catalog->counters, &cursor, &key, &value)) {
        const rdb_counters *counters = value;
        if (counters->pdb == pdb && counters->oid != 0)
            visit(context, counters->oid, counters);
    }
    rdb_mutex_unlock(&catalog->counters_lock);
}

uint64_t rdb_counters_changes(const rdb_counters *counters)
{
    uint64_t changes = rdb_counters_read(counters, RDB_COUNTER_INSERTS) + rdb_counters_read(counters, RDB_COUNTER_UPDATES) +
                       rdb_counters_read(counters, RDB_COUNTER_DELETES);
    return changes - RDB_MIN(changes, rdb_counters_read(counters, RDB_COUNTER_CHANGES_ANALYZED));
}

static void forget(rdb_counters *counters)
{
    for (rdb_counter_kind kind = 0; kind < RDB_COUNTER_COUNT; kind++)
        atomic_store_explicit(&counters->forgotten[kind], rdb_counters_read(counters, kind), memory_order_relaxed);
}

void rdb_counters_reset(rdb_catalog *catalog, uint32_t pdb, uint32_t oid)
{
    rdb_counters *database = rdb_counters_get(catalog, pdb, 0);
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    if (database == NULL)
        return;
    if (oid == 0) {
        forget(database);
        for (rdb_counter_kind kind = 0; kind < RDB_COUNTER_COUNT; kind++)
            if (rdb_counters_are_summed(kind))
                atomic_store_explicit(&database->forgotten[kind], rdb_counters_sum(catalog, pdb, kind), memory_order_relaxed);
    }
    rdb_mutex_lock(&catalog->counters_lock);
    while (catalog->counters != NULL && rdb_map_next(catalog->counters, &cursor, &key, &value)) {
        rdb_counters *counters = value;
        if (counters->pdb == pdb && counters->oid != 0 && (oid == 0 || counters->oid == oid))
            forget(counters);
    }
    rdb_mutex_unlock(&catalog->counters_lock);
    rdb_counters_set(database, RDB_COUNTER_RESET_US, (uint64_t)rdb_time_wall_us());
}

static bool is_moment(rdb_counter_kind counter)
{
    return counter == RDB_COUNTER_VACUUM_US || counter == RDB_COUNTER_ANALYZE_US || counter == RDB_COUNTER_AUTO_ANALYZE_US || counter == RDB_COUNTER_RESET_US;
}

uint64_t rdb_counters_shown(const rdb_counters *counters, rdb_counter_kind counter)
{
    const uint64_t value = rdb_counters_read(counters, counter);
    const uint64_t before = counters != NULL ? atomic_load_explicit(&counters->forgotten[counter], memory_order_relaxed) : 0;
    return is_moment(counter) ? (value != before || counter == RDB_COUNTER_RESET_US ? value : 0) : value - RDB_MIN(value, before);
}

uint64_t rdb_counters_shown_sum(rdb_catalog *catalog, uint32_t pdb, rdb_counter_kind counter)
{
    const rdb_counters *database = rdb_counters_get(catalog, pdb, 0);
    const uint64_t value = rdb_counters_sum(catalog, pdb, counter);
    const uint64_t before = database != NULL ? atomic_load_explicit(&database->forgotten[counter], memory_order_relaxed) : 0;
    return value - RDB_MIN(value, before);
}

void counters_free(rdb_catalog *catalog)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    while (catalog->counters != NULL && rdb_map_next(catalog->counters, &cursor, &key, &value)) {
        const rdb_counters *counters = value;
        for (size_t i = 0; i < RDB_COUNT_OF(counters->files); i++)
            if (counters->oid == 0 || counters->files[i] != 0)
                rdb_block_uses_forget(counters->pdb, counters->files[i]);
        free(value);
    }
    rdb_map_destroy(catalog->counters);
    rdb_mutex_deinit(&catalog->counters_lock);
}
