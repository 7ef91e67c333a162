/* SPDX-License-Identifier: Apache-2.0
 * Rows kept by column, and hash tables over them. */
#include "exec/exec_int.h"

bool exec_store_init(exec_store *store, rdb_execution *x, const uint8_t *reps, uint32_t column_count, rdb_error *err)
{
    memset(store, 0, sizeof *store);
    store->arena = exec_arena(x, "rows");
    store->reps = reps;
    store->column_count = column_count;
    return store->arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

void exec_store_deinit(exec_store *store)
{
    rdb_arena_destroy(store->arena);
    memset(store, 0, sizeof *store);
}

void exec_store_clear(exec_store *store)
{
    if (store->row_count == 0 && store->chunk_count == 0)
        return;
    rdb_arena_reset(store->arena);
    store->values = NULL;
    store->has_nulls = NULL;
    store->chunks = NULL;
    store->chunk_count = store->chunk_capacity = store->row_count = store->last_capacity = 0;
}

static bool init_chunk(exec_store *store, rdb_vector *chunk, uint32_t capacity, rdb_error *err)
{
    for (uint32_t i = 0; i < store->column_count; i++)
        if (!rdb_vector_init(&chunk[i], store->arena, store->reps[i], capacity, err))
            return false;
    return true;
}

static void place_chunk(exec_store *store, uint32_t chunk_no, rdb_vector *chunk)
{
    store->chunks[chunk_no] = chunk;
    for (uint32_t k = 0; k < store->column_count; k++)
        store->values[(size_t)k * store->chunk_capacity + chunk_no] = chunk[k].values;
}

/* Room for one more row in the last chunk. Chunks start small, so that a store of a few rows costs little. */
static bool make_room(exec_store *store, uint32_t rows_coming, rdb_error *err)
{
    uint32_t used = store->row_count % RDB_BATCH_ROWS;
    bool is_full = used == 0 && store->row_count / RDB_BATCH_ROWS == store->chunk_count;
    if (is_full) {
        if (store->chunk_count == store->chunk_capacity) {
            uint32_t capacity = store->chunk_capacity ? store->chunk_capacity * 2 : 4;
            void **values = rdb_arena_try_alloc(store->arena, (size_t)capacity * (store->column_count + 1) * sizeof *values, err);
            store->chunks = rdb_arena_try_grow(store->arena, store->chunks, store->chunk_capacity * sizeof *store->chunks, capacity * sizeof *store->chunks, err);
            if (store->has_nulls == NULL && (store->has_nulls = rdb_arena_try_alloc(store->arena, store->column_count + 1, err)) != NULL)
                memset(store->has_nulls, 0, store->column_count + 1);
            if (store->chunks == NULL || values == NULL || store->has_nulls == NULL)
                return false;
            for (uint32_t k = 0; k < store->column_count && store->chunk_count > 0; k++)
                memcpy(values + (size_t)k * capacity, store->values + (size_t)k * store->chunk_capacity, store->chunk_count * sizeof *values);
            store->values = values;
            store->chunk_capacity = capacity;
        }
        uint32_t capacity = store->chunk_count > 0 || rows_coming > 128 ? RDB_BATCH_ROWS : rows_coming > 8 ? 128 : 8;
        rdb_vector *chunk = rdb_arena_try_alloc(store->arena, (store->column_count + 1) * sizeof *chunk, err);
        if (chunk == NULL || !init_chunk(store, chunk, capacity, err))
            return false;
        place_chunk(store, store->chunk_count++, chunk);
        store->last_capacity = capacity;
        return true;
    }
    if (used < store->last_capacity)
        return true;
    uint32_t capacity = store->last_capacity < 128 ? 128 : RDB_BATCH_ROWS;
    rdb_vector *old = store->chunks[store->chunk_count - 1];
    rdb_vector *chunk = rdb_arena_try_alloc(store->arena, (store->column_count + 1) * sizeof *chunk, err);
    if (chunk == NULL || !init_chunk(store, chunk, capacity, err))
        return false;
    for (uint32_t i = 0; i < store->column_count; i++) {
        memcpy(chunk[i].values, old[i].values, (size_t)used * rdb_rep_width(store->reps[i]));
        for (uint32_t row = 0; old[i].nulls != NULL && row < used; row++)
            if (rdb_vector_is_null(&old[i], row))
                rdb_vector_set_null(&chunk[i], row);
    }
    place_chunk(store, store->chunk_count - 1, chunk);
    store->last_capacity = capacity;
    return true;
}

/* One piece of memory for all of them, as long as that is not out of proportion. */
static bool append_bytes(exec_store *store, rdb_bytes *target, const rdb_vector *source, const rdb_selection *selection, uint32_t from, uint32_t count, rdb_error *err)
{
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = rdb_selected(selection, from + i);
        target[i] = rdb_vector_is_null(source, row) ? (rdb_bytes){.data = NULL} : RDB_AT(source, rdb_bytes, row);
        total += target[i].length;
    }
    uint8_t *copy = total > 0 ? rdb_arena_try_alloc(store->arena, total, err) : NULL;
    if (total > 0 && copy == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t length = target[i].length;
        if (length == 0)
            continue;
        memcpy(copy, target[i].data, length);
        target[i].data = copy;
        copy += length;
    }
    return true;
}

static bool append_column(exec_store *store, uint32_t column, rdb_vector *target, uint32_t at, const rdb_vector *source, const rdb_selection *selection, uint32_t from, uint32_t count, rdb_error *err)
{
#define COPY_VALUES(type)                                                                                    \
    for (uint32_t i = 0; i < count; i++)                                                                      \
        ((type *)target->values)[at + i] = RDB_AT(source, type, rdb_selected(selection, from + i));           \
    break
    switch ((rdb_rep)target->rep) {
    case RDB_REP_BOOL:
    case RDB_REP_INT8: COPY_VALUES(uint8_t);
    case RDB_REP_INT16: COPY_VALUES(uint16_t);
    case RDB_REP_INT32:
    case RDB_REP_FLOAT32: COPY_VALUES(uint32_t);
    case RDB_REP_INT64:
    case RDB_REP_FLOAT64: COPY_VALUES(uint64_t);
    case RDB_REP_FIXED16: COPY_VALUES(rdb_datum);
    case RDB_REP_BYTES:
        if (!append_bytes(store, (rdb_bytes *)target->values + at, source, selection, from, count, err))
            return false;
        break;
    case RDB_REP_COUNT: break;
    }
#undef COPY_VALUES
    if (source->nulls != NULL)
        for (uint32_t i = 0; i < count; i++)
            if (rdb_vector_is_null(source, rdb_selected(selection, from + i))) {
                rdb_vector_set_null(target, at + i);
                store->has_nulls[column] = true;
            }
    return true;
}

static bool append_rows(exec_store *store, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count, const rdb_selection *selection, const uint64_t *hashes, rdb_error *err)
{
    RDB_ASSERT(count + more_count + (hashes != NULL) == store->column_count);
    uint32_t from = 0;
    if ((uint64_t)store->row_count + selection->count >= UINT32_MAX)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many rows to keep in memory");
    while (from < selection->count) {
        if (!make_room(store, selection->count - from, err))
            return false;
        uint32_t at = store->row_count % RDB_BATCH_ROWS;
        uint32_t rows = RDB_MIN(selection->count - from, store->last_capacity - at);
        rdb_vector *chunk = store->chunks[store->chunk_count - 1];
        for (uint32_t i = 0; i < count; i++)
            if (!append_column(store, i, &chunk[i], at, columns[i], selection, from, rows, err))
                return false;
        for (uint32_t i = 0; i < more_count; i++)
            if (!append_column(store, count + i, &chunk[count + i], at, more[i], selection, from, rows, err))
                return false;
        if (hashes != NULL)
            memcpy(RDB_VALUES(&chunk[count + more_count], uint64_t) + at, hashes + from, rows * sizeof *hashes);
        store->row_count += rows;
        from += rows;
    }
    return true;
}

bool exec_store_append(exec_store *store, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count, const rdb_selection *selection, rdb_error *err)
{
    return append_rows(store, columns, count, more, more_count, selection, NULL, err);
}

bool exec_store_append_hashed(exec_store *store, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count, const rdb_selection *selection, const uint64_t *hashes, rdb_error *err)
{
    return append_rows(store, columns, count, more, more_count, selection, hashes, err);
}

void exec_store_gather_to(const exec_store *store, uint32_t column, const uint32_t *ids, const uint32_t *places, uint32_t count, rdb_vector *target)
{
    void *const *chunks = store->values + (size_t)column * store->chunk_capacity;
    uint32_t missing = 0;
    rdb_vector_clear_nulls(target);
    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++)
        missing |= ids[i] == UINT32_MAX;
#define GATHER(type)                                                                                                 \
    for (uint32_t i = 0; i < count && !missing && places == NULL; i++)                                                \
        ((type *)target->values)[i] = ((const type *)chunks[ids[i] / RDB_BATCH_ROWS])[EXEC_ROW_IN_CHUNK(ids[i])];     \
    for (uint32_t i = 0; i < count && (missing || places != NULL); i++)                                               \
        if (ids[i] != UINT32_MAX)                                                                                     \
            ((type *)target->values)[places != NULL ? places[i] : i] =                                                \
                ((const type *)chunks[ids[i] / RDB_BATCH_ROWS])[EXEC_ROW_IN_CHUNK(ids[i])];
    EXEC_BY_WIDTH(target->rep, GATHER)
#undef GATHER
    if (!missing && !store->has_nulls[column])
        return;
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == UINT32_MAX || rdb_vector_is_null(exec_store_column(store, ids[i], column), EXEC_ROW_IN_CHUNK(ids[i])))
            rdb_vector_set_null(target, places != NULL ? places[i] : i);
}

void exec_store_gather(const exec_store *store, uint32_t column, const uint32_t *ids, uint32_t count, rdb_vector *target)
{
    exec_store_gather_to(store, column, ids, NULL, count, target);
}

void exec_vector_gather(const rdb_vector *source, const uint32_t *rows, uint32_t count, rdb_vector *target)
{
    const uint32_t mask = source->mask;
    uint32_t missing = 0;
    rdb_vector_clear_nulls(target);
    for (uint32_t i = 0; i < count; i++)
        missing |= rows[i] == UINT32_MAX;
#define GATHER(type)                                                                            \
    for (uint32_t i = 0; i < count && !missing; i++)                                             \
        ((type *)target->values)[i] = ((const type *)source->values)[rows[i] & mask];            \
    for (uint32_t i = 0; i < count && missing; i++)                                              \
        if (rows[i] != UINT32_MAX)                                                               \
            ((type *)target->values)[i] = ((const type *)source->values)[rows[i] & mask];
    EXEC_BY_WIDTH(target->rep, GATHER)
#undef GATHER
    if (!missing && source->nulls == NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (rows[i] == UINT32_MAX || rdb_vector_is_null(source, rows[i]))
            rdb_vector_set_null(target, i);
}

void exec_store_chunk(const exec_store *store, uint32_t chunk_no, uint32_t first, uint32_t count, rdb_vector **vectors, rdb_batch *batch)
{
    for (uint32_t i = 0; i < count; i++)
        vectors[i] = &store->chunks[chunk_no][first + i];
    uint32_t rows = RDB_MIN(store->row_count - chunk_no * RDB_BATCH_ROWS, RDB_BATCH_ROWS);
    *batch = (rdb_batch){.columns = vectors, .column_count = count, .row_count = rows, .selection = {NULL, rows}};
}

/* ---- keys -------------------------------------------------------------------------------------------------------------------- */
bool exec_type_is_plain(const rdb_type *type)
{
    return type->rep <= RDB_REP_INT64 && (type->kind == 'b' || type->kind == 'e');
}

static inline uint64_t mix(uint64_t value)
{
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    return value ^ value >> 32;
}

void exec_hash_keys(const rdb_type *const *types, const uint32_t *collations, rdb_vector *const *keys, uint32_t key_count, const rdb_selection *selection, uint64_t *hashes, bool *has_null)
{
    for (uint32_t i = 0; i < selection->count; i++) {
        hashes[i] = UINT64_C(0x9e3779b97f4a7c15);
        if (has_null != NULL)
            has_null[i] = false;
    }
    for (uint32_t k = 0; k < key_count; k++) {
        const rdb_vector *key = keys[k];
        const rdb_type *type = types[k];
        bool is_plain = exec_type_is_plain(type);
        RDB_FOR_SELECTED (selection, row) {
            uint64_t one = 0x5bd1e995;
            if (rdb_vector_is_null(key, row)) {
                if (has_null != NULL)
                    has_null[row_at] = true;
            } else if (is_plain) {
                switch ((rdb_rep)key->rep) {
                case RDB_REP_INT64: one = RDB_AT(key, uint64_t, row); break;
                case RDB_REP_INT32: one = (uint64_t)(int64_t)RDB_AT(key, int32_t, row); break;
                case RDB_REP_INT16: one = (uint64_t)(int64_t)RDB_AT(key, int16_t, row); break;
                default: one = RDB_AT(key, uint8_t, row); break;
                }
                one = mix(one);
            } else {
                one = type->ops->hash(type, collations[k], rdb_vector_get(key, row));
            }
            hashes[row_at] = mix(hashes[row_at] ^ one);
        }
    }
}

bool exec_values_equal(const rdb_type *type, uint32_t collation, const rdb_vector *left, uint32_t left_row, const rdb_vector *right, uint32_t right_row)
{
    bool left_null = rdb_vector_is_null(left, left_row), right_null = rdb_vector_is_null(right, right_row);
    if (left_null || right_null)
        return left_null && right_null;
    if (exec_type_is_plain(type)) {
        switch ((rdb_rep)left->rep) {
        case RDB_REP_INT64: return RDB_AT(left, int64_t, left_row) == RDB_AT(right, int64_t, right_row);
        case RDB_REP_INT32: return RDB_AT(left, int32_t, left_row) == RDB_AT(right, int32_t, right_row);
        case RDB_REP_INT16: return RDB_AT(left, int16_t, left_row) == RDB_AT(right, int16_t, right_row);
        default: return RDB_AT(left, uint8_t, left_row) == RDB_AT(right, uint8_t, right_row);
        }
    }
    return type->ops->compare(type, collation, rdb_vector_get(left, left_row), rdb_vector_get(right, right_row)) == 0;
}

int exec_values_compare(const rdb_plan_key *key, const rdb_vector *left, uint32_t left_row, const rdb_vector *right, uint32_t right_row)
{
    bool left_null = rdb_vector_is_null(left, left_row), right_null = rdb_vector_is_null(right, right_row);
    if (left_null || right_null) {
        if (left_null && right_null)
            return 0;
        return left_null == key->nulls_first ? -1 : 1;
    }
    int order = key->type->ops->compare(key->type, key->collation, rdb_vector_get(left, left_row), rdb_vector_get(right, right_row));
    return key->is_descending ? -order : order;
}

bool exec_check_sortable(const rdb_plan_key *keys, uint32_t count, rdb_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (keys[i].type->ops == NULL || keys[i].type->ops->compare == NULL) {
            rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "could not identify an ordering operator for type %s", keys[i].type->name);
            return rdb_error_hint(err, "Use an explicit ordering operator or modify the query.");
        } else if (keys[i].type->collation != 0 && keys[i].collation == 0 && keys[i].type->element == NULL) {
            rdb_error_set(err, RDB_INDETERMINATE_COLLATION, "could not determine which collation to use for string comparison");
            return rdb_error_hint(err, "Use the COLLATE clause to set the collation explicitly.");
        }
    return true;
}

bool exec_check_hashable(const rdb_type *const *types, uint32_t count, rdb_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (!exec_type_is_plain(types[i]) && (types[i]->ops == NULL || types[i]->ops->hash == NULL || types[i]->ops->compare == NULL))
            return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "could not identify an equality operator for type %s", types[i]->name);
    return true;
}

/* ---- hash tables --------------------------------------------------------------------------------------------------------------- */
bool exec_hash_is_exact(const rdb_type *const *types, uint32_t key_count)
{
    return key_count == 1 && exec_type_is_plain(types[0]); /* mix() loses nothing of the eight bytes */
}

bool exec_hash_init(exec_hash_table *table, rdb_arena *arena, uint32_t expected, rdb_error *err)
{
    uint32_t buckets = 16;
    while (buckets < expected && buckets < UINT32_C(1) << 30)
        buckets *= 2;
    memset(table, 0, sizeof *table);
    table->arena = arena;
    table->capacity = buckets;
    table->mask = buckets - 1;
    table->buckets = rdb_arena_try_alloc(arena, buckets * sizeof *table->buckets, err);
    table->entries = rdb_arena_try_alloc(arena, buckets * sizeof *table->entries, err);
    if (table->buckets == NULL || table->entries == NULL)
        return false;
    memset(table->buckets, 0, buckets * sizeof *table->buckets);
    return true;
}

/* Chains put the newest entry first; one that is apart (a null key) has UINT32_MAX as its next and is found by nobody. */
static inline void link_entry(const exec_hash_table *table, uint32_t entry)
{
    const uint64_t hash = table->entries[entry].hash;
    uint64_t *bucket = &table->buckets[hash & table->mask];
    table->entries[entry].next = (uint32_t)*bucket;
    *bucket = (*bucket & ~(uint64_t)UINT32_MAX) | exec_hash_tag(hash) | (entry + 1);
}

#define AHEAD 16u /* entries whose buckets are on their way from memory */

static bool grow_table(exec_hash_table *table, uint32_t wanted, rdb_error *err)
{
    uint64_t capacity = table->capacity;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity > UINT32_C(1) << 31)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many rows to keep in memory");
    uint64_t *buckets = rdb_arena_try_alloc(table->arena, capacity * sizeof *buckets, err);
    exec_hash_entry *entries = rdb_arena_try_alloc(table->arena, capacity * sizeof *entries, err);
    if (buckets == NULL || entries == NULL)
        return false;
    memset(buckets, 0, capacity * sizeof *buckets);
    memcpy(entries, table->entries, table->count * sizeof *entries);
    table->buckets = buckets;
    table->entries = entries;
    table->capacity = (uint32_t)capacity;
    table->mask = (uint32_t)(capacity - 1);
    for (uint32_t entry = 0; entry < table->count; entry++) {
        if (entry + AHEAD < table->count)
            __builtin_prefetch(&buckets[entries[entry + AHEAD].hash & table->mask], 1);
        if (entries[entry].next != UINT32_MAX)
            link_entry(table, entry);
    }
    return true;
}

bool exec_hash_add(exec_hash_table *table, uint64_t hash, bool is_linked, rdb_error *err)
{
    if (table->count == table->capacity && !grow_table(table, table->count + 1, err))
        return false;
    const uint32_t entry = table->count++;
    table->entries[entry] = (exec_hash_entry){.hash = hash, .next = UINT32_MAX};
    if (is_linked)
        link_entry(table, entry);
    return true;
}

bool exec_hash_add_batch(exec_hash_table *table, const uint64_t *hashes, const bool *is_apart, uint32_t count, rdb_error *err)
{
    if (count > table->capacity - table->count && !grow_table(table, table->count + count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(&table->buckets[hashes[i + AHEAD] & table->mask], 1);
        const uint32_t entry = table->count++;
        table->entries[entry] = (exec_hash_entry){.hash = hashes[i], .next = UINT32_MAX};
        if (is_apart == NULL || !is_apart[i])
            link_entry(table, entry);
    }
    return true;
}

void exec_hash_find(const exec_hash_table *table, const uint64_t *hashes, uint32_t count, uint32_t *found)
{
    const uint64_t *buckets = table->buckets;
    const uint32_t mask = table->mask;
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(&buckets[hashes[i + AHEAD] & mask]);
        const uint64_t bucket = buckets[hashes[i] & mask];
        found[i] = (bucket & exec_hash_tag(hashes[i])) != 0 ? (uint32_t)bucket : 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count && found[i + AHEAD] != 0)
            __builtin_prefetch(&table->entries[found[i + AHEAD] - 1]);
        found[i] = exec_hash_seek(table, found[i], hashes[i]);
    }
}
