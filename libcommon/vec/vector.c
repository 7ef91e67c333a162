/* SPDX-License-Identifier: Apache-2.0
 * Vectors and single values: making them, and moving values in and out. Nothing here knows a type; a constant vector is
 * a vector of one element whose mask sends every row to it, so that readers need one expression for both. */
#include "vec/rdb_vec.h"

bool rdb_vector_init(rdb_vector *vector, rdb_arena *arena, rdb_rep rep, uint32_t capacity, rdb_error *err)
{
    memset(vector, 0, sizeof *vector);
    size_t value_bytes = RDB_ALIGN_UP((size_t)rdb_rep_width(rep) * capacity, 16);
    size_t null_bytes = ((size_t)capacity + 63) / 64 * 8;
    uint8_t *memory = rdb_arena_try_alloc(arena, value_bytes + null_bytes, err);
    if (memory == NULL)
        return false;
    vector->values = memory;
    vector->nulls_store = (uint64_t *)(void *)(memory + value_bytes);
    vector->mask = RDB_FLAT;
    vector->capacity = capacity;
    vector->rep = (uint8_t)rep;
    return true;
}

void rdb_vector_set_constant(rdb_vector *vector, rdb_arena *arena, rdb_rep rep, rdb_datum value, bool is_null)
{
    memset(vector, 0, sizeof *vector);
    uint8_t *memory = rdb_arena_zalloc(arena, 32);
    vector->values = memory;
    vector->nulls_store = (uint64_t *)(void *)(memory + 16);
    vector->capacity = 1;
    vector->rep = (uint8_t)rep;
    rdb_vector_put(vector, 0, value, is_null);
}

rdb_datum rdb_vector_get(const rdb_vector *vector, uint32_t row)
{
    rdb_datum value = {.words = {0, 0}};
    switch ((rdb_rep)vector->rep) {
    case RDB_REP_BOOL:
    case RDB_REP_INT8:
        value.b = RDB_AT(vector, uint8_t, row);
        break;
    case RDB_REP_INT16:
        value.i16 = RDB_AT(vector, int16_t, row);
        break;
    case RDB_REP_INT32:
    case RDB_REP_FLOAT32:
        value.i32 = RDB_AT(vector, int32_t, row);
        break;
    case RDB_REP_INT64:
    case RDB_REP_FLOAT64:
        value.i64 = RDB_AT(vector, int64_t, row);
        break;
    case RDB_REP_FIXED16:
    case RDB_REP_BYTES:
    case RDB_REP_COUNT:
        value = RDB_AT(vector, rdb_datum, row);
        break;
    }
    return value;
}

void rdb_vector_put(rdb_vector *vector, uint32_t row, rdb_datum value, bool is_null)
{
    if (is_null) {
        rdb_vector_set_null(vector, row);
        return;
    }
    rdb_vector_set_valid(vector, row);
    switch ((rdb_rep)vector->rep) {
    case RDB_REP_BOOL:
    case RDB_REP_INT8:
        RDB_VALUES(vector, uint8_t)[row] = value.b;
        break;
    case RDB_REP_INT16:
        RDB_VALUES(vector, int16_t)[row] = value.i16;
        break;
    case RDB_REP_INT32:
    case RDB_REP_FLOAT32:
        RDB_VALUES(vector, int32_t)[row] = value.i32;
        break;
    case RDB_REP_INT64:
    case RDB_REP_FLOAT64:
        RDB_VALUES(vector, int64_t)[row] = value.i64;
        break;
    case RDB_REP_FIXED16:
    case RDB_REP_BYTES:
    case RDB_REP_COUNT:
        RDB_VALUES(vector, rdb_datum)[row] = value;
        break;
    }
}

void rdb_vector_copy_row(rdb_vector *target, uint32_t target_row, const rdb_vector *source, uint32_t source_row)
{
    if (rdb_vector_is_null(source, source_row))
        rdb_vector_set_null(target, target_row);
    else
        rdb_vector_put(target, target_row, rdb_vector_get(source, source_row), false);
}

bool rdb_datum_copy(rdb_arena *arena, rdb_rep rep, rdb_datum source, rdb_datum *target, rdb_error *err)
{
    *target = source;
    if (rep != RDB_REP_BYTES)
        return true;
    /* One byte more, so that an empty value has an address too and a text can be looked at in a debugger. */
    uint8_t *copy = rdb_arena_try_alloc(arena, (size_t)source.bytes.length + 1, err);
    if (copy == NULL)
        return false;
    if (source.bytes.length > 0)
        memcpy(copy, source.bytes.data, source.bytes.length);
    copy[source.bytes.length] = 0;
    target->bytes.data = copy;
    target->bytes.spare = 0;
    return true;
}
