/* SPDX-License-Identifier: Apache-2.0
 * The different values of each group, for aggregates with DISTINCT inside: a value goes on when it is met first, so nothing has to be
 * sorted. Entry e of the table is row e of the store: a value. Its group stands in the hash alone: as an odd number times the group is added
 * to the value's hash, one value has the same hash in one group only. */
#include "exec/exec_spill.h"

struct exec_value_set {
    exec_store store;
    exec_hash_table table;
    rdb_arena *arena;          /* the table's */
    const rdb_type *type;
    uint32_t collation;
    uint8_t rep;
    uint64_t memory_bytes;
    bool is_single;            /* there is one group */
    bool is_exact;             /* equal hashes of one group are equal values */
    bool is_full;
    uint64_t *hashes;
    uint32_t *found;
    exec_value_rows fresh, away;
};

bool exec_value_set_open(exec_value_set **opened, rdb_execution *x, const rdb_type *type, uint32_t collation, bool is_single, uint64_t memory_bytes, rdb_error *err)
{
    rdb_arena *arena = x->arena;
    exec_value_set *set = *opened = RDB_NEW(arena, exec_value_set);
    *set = (exec_value_set){.type = type, .collation = collation, .rep = type->rep, .memory_bytes = memory_bytes, .is_single = is_single};
    set->is_exact = is_single && exec_hash_is_exact(&set->type, 1);
    set->hashes = RDB_NEW_ARRAY(arena, uint64_t, RDB_BATCH_ROWS);
    set->found = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    for (int side = 0; side < 2; side++) {
        exec_value_rows *rows = side == 0 ? &set->fresh : &set->away;
        rows->rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
        rows->groups = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    }
    set->arena = exec_arena(x, "distinct values");
    if (set->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return exec_store_init(&set->store, x, &set->rep, 1, err) && exec_value_set_clear(set, err);
}

void exec_value_set_close(exec_value_set **opened)
{
    exec_value_set *set = *opened;
    if (set == NULL)
        return;
    exec_store_deinit(&set->store);
    rdb_arena_destroy(set->arena);
    *opened = NULL;
}

bool exec_value_set_clear(exec_value_set *set, rdb_error *err)
{
    exec_store_clear(&set->store);
    rdb_arena_reset(set->arena);
    set->is_full = false;
    return exec_hash_init(&set->table, set->arena, 16, err);
}

/* Has the entry, whose hash is the row's, its value? Entries past the stored ones are of the fresh rows at hand. */
static bool is_value(const exec_value_set *set, uint32_t entry, const rdb_vector *values, uint32_t row)
{
    const bool is_stored = entry < set->store.row_count;
    return exec_values_equal(set->type, set->collation, is_stored ? exec_store_column(&set->store, entry, 0) : values,
                             is_stored ? EXEC_ROW_IN_CHUNK(entry) : set->fresh.rows[entry - set->store.row_count], values, row);
}

bool exec_value_set_put(exec_value_set *set, const rdb_vector *values, const uint32_t *groups, const rdb_selection *selection, const exec_value_rows **fresh,
                        const exec_value_rows **away, rdb_error *err)
{
    const uint32_t known = set->table.count;
    const bool is_exact = set->is_exact && values->nulls == NULL;
    rdb_vector *const keys[1] = {(rdb_vector *)(uintptr_t)values};
    set->fresh.count = set->away.count = 0;
    *fresh = &set->fresh;
    *away = &set->away;
    exec_hash_keys(&set->type, &set->collation, keys, 1, selection, set->hashes, NULL);
    for (uint32_t i = 0; i < selection->count && !set->is_single; i++)
        set->hashes[i] += groups[i] * UINT64_C(0x9e3779b97f4a7c15);
    exec_hash_find(&set->table, set->hashes, selection->count, set->found);
    RDB_FOR_SELECTED (selection, row) {
        uint32_t at = set->found[row_at];
        while (at != 0 && !is_exact && !is_value(set, at - 1, values, row))
            at = exec_hash_next(&set->table, at);
        if (at == 0 && set->table.count > known) /* one that this batch brought? */
            for (at = exec_hash_first(&set->table, set->hashes[row_at]); at != 0 && !is_exact && !is_value(set, at - 1, values, row);)
                at = exec_hash_next(&set->table, at);
        if (at != 0)
            continue;
        exec_value_rows *rows = set->is_full ? &set->away : &set->fresh;
        if (!set->is_full && !exec_hash_add(&set->table, set->hashes[row_at], true, err))
            return false;
        rows->rows[rows->count] = row;
        rows->groups[rows->count++] = groups[row_at];
    }
    if (set->fresh.count == 0)
        return true;
    const rdb_selection added = {set->fresh.rows, set->fresh.count};
    if (!exec_store_append(&set->store, keys, 1, NULL, 0, &added, err))
        return false;
    set->is_full = rdb_arena_bytes(set->arena) + rdb_arena_bytes(set->store.arena) > set->memory_bytes;
    return true;
}
