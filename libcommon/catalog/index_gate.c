/* SPDX-License-Identifier: Apache-2.0
 * Gates of indexes that are made while others write the table (CREATE INDEX and REINDEX CONCURRENTLY).
 *
 * An index takes part in the work of purge and the reverter by what the undo records of a row say of it (R10), and they answer right only
 * where all records of a row from one on name it: a record that does not, behind one that does, would hide a key that came back, or leave
 * an entry that nobody takes away. So it does not do to publish the index and let each statement begin with it when it happens to look at
 * the catalog. Instead:
 *   1. The index is published as not ready, with a gate that is closed. Who writes rows looks at the gate each time, and passes the index
 *      over while it is closed. Then everyone who may not know of the index yet is waited for.
 *   2. The gate is opened, once, for all: from then on everyone who writes enters the index's keys. The change of a row holds the gate's
 *      latch from its look to the change of the page, so that on each row those who found it closed come first: a row is changed by
 *      N...N L...L, where each N names no key of the index, and each L the keys that it takes away and brings.
 *   3. Those who may have found it closed are waited for; then a snapshot S is taken, and the key of each row that S sees is entered unless it
 *      is there. S is held until the last one is in, so that purge does not take up what was committed since.
 * Then, for each row, with v the version that S sees:
 *   - Every version that a snapshot from S on sees, and the newest one, has its entry: v's is made here, and what was not committed at S
 *     was written by an L, which enters each key that it changes.
 *   - No needed entry goes: purge and the reverter take away what an L named, unless a record of another version that counts names it
 *     too. Records behind an L are L; a key that came back is named by the one that brought it, one that an aborted L gave up by that L.
 *   - No entry stays behind: what an L brought ends by an L; so does v, whose end was not committed at S; and the record of that end is purged
 *     only when S is gone, which is when the entry stands.
 * Snapshots older than the commit that makes the index valid pass it over (rdb_index.valid_from_scn), for it knows no former versions.
 * Deletions need no latch: a row that an N deletes is not in S, and what an aborted L had brought to it is the reverter's to take. Neither
 * do inserts: nobody was at the row before. A restart finds no writer who looked before, so the gate of an index that was not ready stays
 * closed, and the index is of no use but to be dropped or built anew.
 *
 * A gate lives as long as a descriptor that names it: its maker has one in hand until the index is ready, and from then on new ones name none. */
#include "catalog/catalog_int.h"

#include <stdlib.h>

struct rdb_index_gate {
    rdb_catalog *catalog;
    uint64_t key;        /* in catalog->gates */
    uint32_t references; /* RDB_GUARDED_BY(catalog->counters_lock) */
    _Atomic bool is_open;
    rdb_latch latch; /* shared: by the change of a row, over the look and the change; exclusive: to open */
};

rdb_index_gate *catalog_gate_get(rdb_catalog *catalog, uint32_t pdb, uint32_t index_oid, rdb_error *err)
{
    const uint64_t key = (uint64_t)pdb << 32 | index_oid;
    rdb_mutex_lock(&catalog->counters_lock);
    if (catalog->gates == NULL)
        catalog->gates = rdb_map_create();
    rdb_index_gate *gate = catalog->gates != NULL ? rdb_map_get_u64(catalog->gates, key) : NULL;
    if (gate == NULL && catalog->gates != NULL && (gate = calloc(1, sizeof *gate)) != NULL) {
        gate->catalog = catalog;
        gate->key = key;
        rdb_latch_init(&gate->latch);
        if (!rdb_map_put_u64(catalog->gates, key, gate)) {
            free(gate);
            gate = NULL;
        }
    }
    if (gate != NULL)
        gate->references++;
    rdb_mutex_unlock(&catalog->counters_lock);
    if (gate == NULL)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return gate;
}

static void put_gate(rdb_index_gate *gate)
{
    rdb_catalog *catalog = gate->catalog;
    rdb_mutex_lock(&catalog->counters_lock);
    const bool is_last = --gate->references == 0;
    if (is_last)
        rdb_map_remove_u64(catalog->gates, gate->key);
    rdb_mutex_unlock(&catalog->counters_lock);
    if (is_last)
        free(gate);
}

void catalog_gates_put(const rdb_relation *relation)
{
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (relation->indexes[i].gate != NULL)
            put_gate(relation->indexes[i].gate);
}

bool rdb_index_gate_is_open(const rdb_index_gate *gate)
{
    return atomic_load_explicit(&gate->is_open, memory_order_acquire);
}

void rdb_index_gate_open(rdb_index_gate *gate)
{
    rdb_latch_lock_exclusive(&gate->latch);
    atomic_store_explicit(&gate->is_open, true, memory_order_release);
    rdb_latch_unlock_exclusive(&gate->latch);
}

void rdb_index_gate_close(rdb_index_gate *gate)
{
    rdb_latch_lock_exclusive(&gate->latch);
    atomic_store_explicit(&gate->is_open, false, memory_order_release);
    rdb_latch_unlock_exclusive(&gate->latch);
}

void catalog_gates_enter(const rdb_relation *relation)
{
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (relation->indexes[i].gate != NULL)
            rdb_latch_lock_shared(&relation->indexes[i].gate->latch);
}

void catalog_gates_leave(const rdb_relation *relation)
{
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (relation->indexes[i].gate != NULL)
            rdb_latch_unlock_shared(&relation->indexes[i].gate->latch);
}
