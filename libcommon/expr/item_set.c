/* SPDX-License-Identifier: Apache-2.0
 * Long lists of values to be looked for: x IN (...), x = ANY (array), x NOT IN (...). The items stand in a hash table, made
 * once for constants and once a run for an array that is the same for all rows, so a row costs one hash however long the
 * list is. A set is made only for the equality that the type's own hash and order agree with. */
#include "expr/program_int.h"

struct program_item_set {
    const rdb_type *type;
    uint32_t collation, mask;
    bool has_null;
    uint32_t count;    /* without nulls and repeats */
    rdb_datum *items;
    uint64_t *hashes;  /* by item */
    uint32_t *buckets; /* item + 1, or 0; the next one holds what found its own taken */
};

static bool find_item(const program_item_set *set, rdb_datum value, uint64_t hash, uint32_t *bucket)
{
    for (*bucket = (uint32_t)hash & set->mask; set->buckets[*bucket] != 0; *bucket = (*bucket + 1) & set->mask) {
        uint32_t item = set->buckets[*bucket] - 1;
        if (set->hashes[item] == hash && set->type->ops->compare(set->type, set->collation, set->items[item], value) == 0)
            return true;
    }
    return false;
}

bool program_item_set_create(program_item_set **set_out, rdb_arena *arena, const rdb_type *type, uint32_t collation,
                             const rdb_datum *items, const bool *nulls, uint32_t count, rdb_error *err)
{
    uint32_t buckets = 16;
    *set_out = NULL;
    while (buckets < UINT32_C(1) << 30 && buckets / 2 < count)
        buckets *= 2;
    program_item_set *set = rdb_arena_try_alloc(arena, sizeof *set, err);
    if (set == NULL)
        return false;
    *set = (program_item_set){.type = type, .collation = collation, .mask = buckets - 1};
    set->items = rdb_arena_try_alloc(arena, count * sizeof *set->items, err);
    set->hashes = set->items == NULL ? NULL : rdb_arena_try_alloc(arena, count * sizeof *set->hashes, err);
    set->buckets = set->hashes == NULL ? NULL : rdb_arena_try_alloc(arena, buckets * sizeof *set->buckets, err);
    if (set->buckets == NULL)
        return false;
    memset(set->buckets, 0, buckets * sizeof *set->buckets);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bucket;
        set->has_null = set->has_null || nulls[i];
        if (nulls[i])
            continue;
        uint64_t hash = type->ops->hash(type, collation, items[i]);
        if (find_item(set, items[i], hash, &bucket))
            continue;
        set->items[set->count] = items[i];
        set->hashes[set->count] = hash;
        set->buckets[bucket] = ++set->count;
    }
    *set_out = set;
    return true;
}

bool program_run_item_set(rdb_program *program, program_step *step, const program_item_set *set, const rdb_selection *selection)
{
    const bool is_in = step->detail; /* = ANY; else <> ALL */
    const rdb_vector *left = step->vectors[0];
    rdb_vector *out = program->registers[step->out];
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        if (rdb_vector_is_null(left, row)) {
            rdb_vector_set_null(out, row);
            continue;
        }
        rdb_datum value = rdb_vector_get(left, row);
        uint32_t bucket;
        if (find_item(set, value, set->type->ops->hash(set->type, set->collation, value), &bucket))
            RDB_VALUES(out, uint8_t)[row] = is_in;
        else if (set->has_null)
            rdb_vector_set_null(out, row);
        else
            RDB_VALUES(out, uint8_t)[row] = !is_in;
    }
    return true;
}
