/* SPDX-License-Identifier: Apache-2.0
 * See row_store.h. Rows stand as datums in chunks of an arena; a chunk table makes any row one step away. */
#include "session/row_store.h"

#define CHUNK_ROWS 256u

struct row_store {
    rdb_arena *arena;
    uint32_t column_count;
    uint64_t row_count;
    rdb_list chunks; /* rdb_datum[CHUNK_ROWS * column_count] then bool of the same count */
    rdb_batch view;
    rdb_vector *vectors;
    rdb_vector **columns;
};

bool row_store_create(row_store **store_out, const rdb_result_column *columns, uint32_t column_count, rdb_error *err)
{
    *store_out = NULL;
    rdb_arena *arena = rdb_arena_create("cursor", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    row_store *store = RDB_NEW(arena, row_store);
    store->arena = arena;
    store->column_count = column_count;
    store->vectors = RDB_NEW_ARRAY(arena, rdb_vector, column_count + 1);
    store->columns = RDB_NEW_ARRAY(arena, rdb_vector *, column_count + 1);
    for (uint32_t i = 0; i < column_count; i++) {
        store->columns[i] = &store->vectors[i];
        if (!rdb_vector_init(&store->vectors[i], arena, columns[i].type->rep, 1, err)) {
            rdb_arena_destroy(arena);
            return false;
        }
    }
    store->view = (rdb_batch){.columns = store->columns, .column_count = column_count, .row_count = 1, .selection = {NULL, 1}};
    *store_out = store;
    return true;
}

void row_store_destroy(row_store **store)
{
    if (*store != NULL) {
        rdb_arena *arena = (*store)->arena;
        rdb_arena_destroy(arena);
    }
    *store = NULL;
}

uint64_t row_store_count(const row_store *store)
{
    return store->row_count;
}

static bool *nulls_of(const row_store *store, void *chunk)
{
    return (bool *)((rdb_datum *)chunk + (size_t)CHUNK_ROWS * store->column_count);
}

bool row_store_add(row_store *store, const rdb_batch *batch, uint32_t from, uint32_t to, rdb_error *err)
{
    for (uint32_t position = from; position < to; position++) {
        uint32_t row = rdb_selected(&batch->selection, position), place = (uint32_t)(store->row_count % CHUNK_ROWS);
        if (place == 0) {
            size_t bytes = (size_t)CHUNK_ROWS * store->column_count * (sizeof(rdb_datum) + sizeof(bool)) + 1;
            void *chunk = rdb_arena_try_alloc(store->arena, bytes, err);
            if (chunk == NULL)
                return false;
            rdb_list_push(store->arena, &store->chunks, chunk);
        }
        void *chunk = rdb_list_get(&store->chunks, store->chunks.count - 1);
        rdb_datum *values = (rdb_datum *)chunk + (size_t)place * store->column_count;
        bool *nulls = nulls_of(store, chunk) + (size_t)place * store->column_count;
        for (uint32_t i = 0; i < store->column_count; i++) {
            const rdb_vector *vector = batch->columns[i];
            nulls[i] = rdb_vector_is_null(vector, row);
            if (!nulls[i] && !rdb_datum_copy(store->arena, vector->rep, rdb_vector_get(vector, row), &values[i], err))
                return false;
        }
        store->row_count++;
    }
    return rdb_arena_check(store->arena, err);
}

const rdb_batch *row_store_row(row_store *store, uint64_t row_no)
{
    RDB_ASSERT(row_no < store->row_count);
    void *chunk = rdb_list_get(&store->chunks, (uint32_t)(row_no / CHUNK_ROWS));
    size_t place = (size_t)(row_no % CHUNK_ROWS) * store->column_count;
    for (uint32_t i = 0; i < store->column_count; i++) {
        rdb_vector_clear_nulls(&store->vectors[i]);
        rdb_vector_put(&store->vectors[i], 0, ((rdb_datum *)chunk)[place + i], nulls_of(store, chunk)[place + i]);
    }
    return &store->view;
}

bool row_store_capture(row_store **store, const rdb_result_column *columns, uint32_t column_count, const rdb_batch *batch, rdb_error *err)
{
    if (*store == NULL && !row_store_create(store, columns, column_count, err))
        return false;
    return batch == NULL || row_store_add(*store, batch, 0, batch->selection.count, err);
}
