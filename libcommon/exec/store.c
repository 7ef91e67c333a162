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

/* Room for one more row in the last chunk. Chunks start small, so that a store of a few rows costs little. */
static bool make_room(exec_store *store, uint32_t rows_coming, rdb_error *err)
{
    uint32_t used = store->row_count % RDB_BATCH_ROWS;
    bool is_full = used == 0 && store->row_count / RDB_BATCH_ROWS == store->chunk_count;
    if (is_full) {
        if (store->chunk_count == store->chunk_capacity) {
            uint32_t capacity = store->chunk_capacity ? store->chunk_capacity * 2 : 4;
            store->chunks = rdb_arena_try_grow(store->arena, store->chunks, store->chunk_capacity * sizeof *store->chunks, capacity * sizeof *store->chunks, err);
            if (store->chunks == NULL)
                return false;
            store->chunk_capacity = capacity;
        }
        uint32_t capacity = store->chunk_count > 0 || rows_coming > 128 ? RDB_BATCH_ROWS : rows_coming > 8 ? 128 : 8;
        rdb_vector *chunk = rdb_arena_try_alloc(store->arena, (store->column_count + 1) * sizeof *chunk, err);
        if (chunk == NULL || !init_chunk(store, chunk, capacity, err))
            return false;
        store->chunks[store->chunk_count++] = chunk;
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
    store->chunks[store->chunk_count - 1] = chunk;
    store->last_capacity = capacity;
    return true;
}

static bool append_column(exec_store *store, rdb_vector *target, uint32_t at, const rdb_vector *source, const rdb_selection *selection, uint32_t from, uint32_t count, rdb_error *err)
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
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = rdb_selected(selection, from + i);
            rdb_bytes bytes = {.data = NULL};
            if (!rdb_vector_is_null(source, row)) {
                bytes = RDB_AT(source, rdb_bytes, row);
                if (bytes.length > 0) {
                    uint8_t *copy = rdb_arena_try_alloc(store->arena, bytes.length, err);
                    if (copy == NULL)
                        return false;
                    memcpy(copy, bytes.data, bytes.length);
                    bytes.data = copy;
                }
            }
            ((rdb_bytes *)target->values)[at + i] = bytes;
        }
        break;
    case RDB_REP_COUNT: break;
    }
#undef COPY_VALUES
    if (source->nulls != NULL)
        for (uint32_t i = 0; i < count; i++)
            if (rdb_vector_is_null(source, rdb_selected(selection, from + i)))
                rdb_vector_set_null(target, at + i);
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
            if (!append_column(store, &chunk[i], at, columns[i], selection, from, rows, err))
                return false;
        for (uint32_t i = 0; i < more_count; i++)
            if (!append_column(store, &chunk[count + i], at, more[i], selection, from, rows, err))
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

void exec_store_gather(const exec_store *store, uint32_t column, const uint32_t *ids, uint32_t count, rdb_vector *target)
{
    rdb_vector_clear_nulls(target);
#define GATHER(type)                                                                                                 \
    for (uint32_t i = 0; i < count; i++)                                                                              \
        if (ids[i] != UINT32_MAX)                                                                                     \
            ((type *)target->values)[i] =                                                                             \
                ((const type *)exec_store_column(store, ids[i], column)->values)[EXEC_ROW_IN_CHUNK(ids[i])];          \
    break
    switch ((rdb_rep)target->rep) {
    case RDB_REP_BOOL:
    case RDB_REP_INT8: GATHER(uint8_t);
    case RDB_REP_INT16: GATHER(uint16_t);
    case RDB_REP_INT32:
    case RDB_REP_FLOAT32: GATHER(uint32_t);
    case RDB_REP_INT64:
    case RDB_REP_FLOAT64: GATHER(uint64_t);
    case RDB_REP_FIXED16:
    case RDB_REP_BYTES: GATHER(rdb_datum);
    case RDB_REP_COUNT: break;
    }
#undef GATHER
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == UINT32_MAX || rdb_vector_is_null(exec_store_column(store, ids[i], column), EXEC_ROW_IN_CHUNK(ids[i])))
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
    table->next = rdb_arena_try_alloc(arena, buckets * sizeof *table->next, err);
    table->hashes = rdb_arena_try_alloc(arena, buckets * sizeof *table->hashes, err);
    if (table->buckets == NULL || table->next == NULL || table->hashes == NULL)
        return false;
    memset(table->buckets, 0, buckets * sizeof *table->buckets);
    return true;
}

static bool grow_table(exec_hash_table *table, rdb_error *err)
{
    uint32_t capacity = table->capacity * 2;
    uint32_t *buckets = rdb_arena_try_alloc(table->arena, capacity * sizeof *buckets, err);
    uint32_t *next = rdb_arena_try_alloc(table->arena, capacity * sizeof *next, err);
    uint64_t *hashes = rdb_arena_try_alloc(table->arena, capacity * sizeof *hashes, err);
    if (buckets == NULL || next == NULL || hashes == NULL)
        return false;
    memset(buckets, 0, capacity * sizeof *buckets);
    memcpy(hashes, table->hashes, table->count * sizeof *hashes);
    for (uint32_t entry = 0; entry < table->count; entry++) {
        next[entry] = 0;
        if (table->next[entry] == UINT32_MAX) {
            next[entry] = UINT32_MAX;
            continue;
        }
        uint32_t *bucket = &buckets[hashes[entry] & (capacity - 1)];
        next[entry] = *bucket;
        *bucket = entry + 1;
    }
    table->buckets = buckets;
    table->next = next;
    table->hashes = hashes;
    table->capacity = capacity;
    table->mask = capacity - 1;
    return true;
}

/* Chains put the newest entry first; an unlinked one (a null key) has UINT32_MAX as its next and is found by nobody. */
bool exec_hash_add(exec_hash_table *table, uint64_t hash, bool is_linked, rdb_error *err)
{
    if (table->count == table->capacity && !grow_table(table, err))
        return false;
    uint32_t entry = table->count++;
    table->hashes[entry] = hash;
    if (!is_linked) {
        table->next[entry] = UINT32_MAX;
        return true;
    }
    uint32_t *bucket = &table->buckets[hash & table->mask];
    table->next[entry] = *bucket;
    *bucket = entry + 1;
    return true;
}
