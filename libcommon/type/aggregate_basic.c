/* SPDX-License-Identifier: Apache-2.0
 * Aggregates whose state is a machine word or one value: count, min and max, the boolean and the bit ones. */
#include "type/type_int.h"
#include "type/tables.h"

#define UPDATE_PARAMETERS                                                                                   \
    TYPE_UNUSED rdb_call *call, void *const *states, TYPE_UNUSED const rdb_vector *const *arguments,        \
        const rdb_selection *selection
#define UPDATE_ALL_PARAMETERS                                                                               \
    TYPE_UNUSED rdb_call *call, void *state, TYPE_UNUSED const rdb_vector *const *arguments,                \
        const rdb_selection *selection
#define COMBINE_PARAMETERS TYPE_UNUSED rdb_call *call, void *into, const void *from
#define FINISH_PARAMETERS TYPE_UNUSED rdb_call *call, void *state, rdb_datum *value, bool *is_null

/* ---- count ------------------------------------------------------------------------------------------------------------- */
static bool count_update(UPDATE_PARAMETERS)
{
    for (uint32_t i = 0; i < selection->count; i++)
        ++*(int64_t *)states[i];
    return true;
}

static bool count_update_all(UPDATE_ALL_PARAMETERS)
{
    *(int64_t *)state += selection->count;
    return true;
}

static bool count_combine(COMBINE_PARAMETERS)
{
    *(int64_t *)into += *(const int64_t *)from;
    return true;
}

static bool count_finish(FINISH_PARAMETERS)
{
    value->i64 = *(int64_t *)state;
    *is_null = false;
    return true;
}

/* ---- one machine value ----------------------------------------------------------------------------------------------------- */
/* `better` compares a new value x with the kept one; `combined` says what to keep of x and kept. */
#define FOLD(name, T, field, combined)                                                                \
    typedef struct name##_state {                                                                     \
        T kept;                                                                                       \
        bool any;                                                                                     \
    } name##_state;                                                                                   \
    static inline void name##_add(name##_state *state, T x)                                           \
    {                                                                                                 \
        T kept = state->kept;                                                                         \
        state->kept = state->any ? (T)(combined) : x;                                                 \
        state->any = true;                                                                            \
    }                                                                                                 \
    static bool name##_update(UPDATE_PARAMETERS)                                                      \
    {                                                                                                 \
        RDB_FOR_SELECTED (selection, row)                                                             \
            name##_add(states[row_at], RDB_AT(arguments[0], T, row));                                 \
        return true;                                                                                  \
    }                                                                                                 \
    static bool name##_update_all(UPDATE_ALL_PARAMETERS)                                              \
    {                                                                                                 \
        name##_state *total = state;                                                                  \
        const T *values = arguments[0]->values;                                                       \
        if (selection->count == 0)                                                                    \
            return true;                                                                              \
        T kept = total->any ? total->kept : values[rdb_selected(selection, 0) & arguments[0]->mask];  \
        if (selection->rows == NULL && arguments[0]->mask == RDB_FLAT) {                              \
            for (uint32_t row = 0; row < selection->count; row++) {                                   \
                T x = values[row];                                                                    \
                kept = (T)(combined);                                                                 \
            }                                                                                         \
        } else {                                                                                      \
            RDB_FOR_SELECTED (selection, row) {                                                       \
                T x = values[row & arguments[0]->mask];                                               \
                /* a repeated first value changes nothing: all of these are idempotent but xor */     \
                kept = (T)(combined);                                                                 \
            }                                                                                         \
        }                                                                                             \
        total->kept = kept;                                                                           \
        total->any = true;                                                                            \
        return true;                                                                                  \
    }                                                                                                 \
    static bool name##_combine(COMBINE_PARAMETERS)                                                    \
    {                                                                                                 \
        const name##_state *other = from;                                                             \
        if (other->any)                                                                               \
            name##_add(into, other->kept);                                                            \
        return true;                                                                                  \
    }                                                                                                 \
    static bool name##_finish(FINISH_PARAMETERS)                                                      \
    {                                                                                                 \
        const name##_state *total = state;                                                            \
        value->words[0] = value->words[1] = 0;                                                        \
        *is_null = !total->any;                                                                       \
        value->field = total->kept;                                                                   \
        return true;                                                                                  \
    }
#define FOLD_ENTRY(oid, name)                                                                          \
    {oid, sizeof(name##_state), name##_update, name##_update_all, name##_combine, name##_finish, RDB_AGGREGATE_SKIPS_NULLS}
/* Xor is not idempotent, so it has no ungrouped path of its own. */
#define FOLD_ENTRY_PLAIN(oid, name)                                                                    \
    {oid, sizeof(name##_state), name##_update, NULL, name##_combine, name##_finish, RDB_AGGREGATE_SKIPS_NULLS}

#define ORDERED_FOLDS(T, field, type) \
    FOLD(max_##type, T, field, x > kept ? x : kept) \
    FOLD(min_##type, T, field, x < kept ? x : kept)
ORDERED_FOLDS(int16_t, i16, int2)
ORDERED_FOLDS(int32_t, i32, int4)
ORDERED_FOLDS(int64_t, i64, int8)
ORDERED_FOLDS(uint32_t, oid, oid)
/* NaN is the largest. */
FOLD(max_float4, float, f4, (x != x) || x > kept ? x : kept)
FOLD(min_float4, float, f4, (kept != kept) || x < kept ? x : kept)
FOLD(max_float8, double, f8, (x != x) || x > kept ? x : kept)
FOLD(min_float8, double, f8, (kept != kept) || x < kept ? x : kept)
#define BIT_FOLDS(T, field, type)             \
    FOLD(bit_and_##type, T, field, kept & x)  \
    FOLD(bit_or_##type, T, field, kept | x)
BIT_FOLDS(int16_t, i16, int2)
BIT_FOLDS(int32_t, i32, int4)
BIT_FOLDS(int64_t, i64, int8)
FOLD(bool_and, uint8_t, b, kept & x)
FOLD(bool_or, uint8_t, b, kept | x)

#define XOR_FOLD(T, field, type)                                                  \
    typedef struct bit_xor_##type##_state {                                       \
        T kept;                                                                   \
        bool any;                                                                 \
    } bit_xor_##type##_state;                                                     \
    static bool bit_xor_##type##_update(UPDATE_PARAMETERS)                        \
    {                                                                             \
        RDB_FOR_SELECTED (selection, row) {                                       \
            bit_xor_##type##_state *total = states[row_at];                       \
            total->kept = (T)(total->kept ^ RDB_AT(arguments[0], T, row));        \
            total->any = true;                                                    \
        }                                                                         \
        return true;                                                              \
    }                                                                             \
    static bool bit_xor_##type##_combine(COMBINE_PARAMETERS)                      \
    {                                                                             \
        bit_xor_##type##_state *total = into;                                     \
        const bit_xor_##type##_state *other = from;                               \
        total->kept = (T)(total->kept ^ other->kept);                             \
        total->any |= other->any;                                                 \
        return true;                                                              \
    }                                                                             \
    static bool bit_xor_##type##_finish(FINISH_PARAMETERS)                        \
    {                                                                             \
        const bit_xor_##type##_state *total = state;                              \
        value->words[0] = value->words[1] = 0;                                    \
        *is_null = !total->any;                                                   \
        value->field = total->kept;                                               \
        return true;                                                              \
    }
XOR_FOLD(int16_t, i16, int2)
XOR_FOLD(int32_t, i32, int4)
XOR_FOLD(int64_t, i64, int8)

/* ---- min and max of any ordered type ------------------------------------------------------------------------------------------ */
typedef struct extreme_state {
    rdb_datum kept;
    uint32_t room; /* bytes that kept.bytes.data has room for */
    bool any;
} extreme_state;

static bool extreme_add(rdb_call *call, extreme_state *state, rdb_datum x, int direction)
{
    const rdb_type *type = call->argument_types[0];
    const rdb_type_ops *ops = type->ops != NULL ? type->ops : rdb_type_ops_find(type);
    if (ops == NULL || ops->compare == NULL)
        return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", type->name);
    /* Of equal values the last stays, as in PostgreSQL (1.50 after 1.5); of blank-padded ones the first. */
    int least = type->oid == RDB_BPCHAROID ? 1 : 0;
    if (state->any) {
        int order = ops->compare(type, call->collation, x, state->kept) * direction;
        if (order < 0 || (order == 0 && least == 1))
            return true;
    }
    if (type->rep == RDB_REP_BYTES) {
        uint8_t *data = (uint8_t *)(uintptr_t)state->kept.bytes.data;
        if (!state->any || x.bytes.length > state->room) {
            size_t room = RDB_MAX((size_t)x.bytes.length + x.bytes.length / 2, 32);
            data = type_alloc(call, room);
            if (data == NULL)
                return false;
            state->room = (uint32_t)room;
        }
        if (x.bytes.length > 0)
            memmove(data, x.bytes.data, x.bytes.length);
        state->kept.bytes = (rdb_bytes){.data = data, .length = x.bytes.length};
    } else {
        state->kept = x;
    }
    state->any = true;
    return true;
}

#define EXTREME(name, direction)                                                                                \
    static bool name##_update(UPDATE_PARAMETERS)                                                                \
    {                                                                                                           \
        RDB_FOR_SELECTED (selection, row) {                                                                     \
            if (!extreme_add(call, states[row_at], rdb_vector_get(arguments[0], row), direction))               \
                return false;                                                                                   \
        }                                                                                                       \
        return true;                                                                                            \
    }                                                                                                           \
    static bool name##_combine(COMBINE_PARAMETERS)                                                              \
    {                                                                                                           \
        const extreme_state *other = from;                                                                      \
        return !other->any || extreme_add(call, into, other->kept, direction);                                  \
    }
EXTREME(max_any, 1)
EXTREME(min_any, -1)

static bool extreme_finish(FINISH_PARAMETERS)
{
    const extreme_state *total = state;
    *value = total->kept;
    *is_null = !total->any;
    return true;
}
#define MAX_ENTRY(oid) \
    {oid, sizeof(extreme_state), max_any_update, NULL, max_any_combine, extreme_finish, RDB_AGGREGATE_SKIPS_NULLS}
#define MIN_ENTRY(oid) \
    {oid, sizeof(extreme_state), min_any_update, NULL, min_any_combine, extreme_finish, RDB_AGGREGATE_SKIPS_NULLS}

static const rdb_aggregate_entry ENTRIES[] = {
    {2147, sizeof(int64_t), count_update, count_update_all, count_combine, count_finish, RDB_AGGREGATE_SKIPS_NULLS},
    {2803, sizeof(int64_t), count_update, count_update_all, count_combine, count_finish, 0},
    FOLD_ENTRY(2117, max_int2), FOLD_ENTRY(2133, min_int2), FOLD_ENTRY(2116, max_int4), FOLD_ENTRY(2132, min_int4),
    FOLD_ENTRY(2115, max_int8), FOLD_ENTRY(2131, min_int8), FOLD_ENTRY(2118, max_oid), FOLD_ENTRY(2134, min_oid),
    FOLD_ENTRY(2119, max_float4), FOLD_ENTRY(2135, min_float4), FOLD_ENTRY(2120, max_float8), FOLD_ENTRY(2136, min_float8),
    FOLD_ENTRY(2122, max_int4) /* date */, FOLD_ENTRY(2138, min_int4), FOLD_ENTRY(2123, max_int8) /* time */,
    FOLD_ENTRY(2139, min_int8), FOLD_ENTRY(2126, max_int8) /* timestamp */, FOLD_ENTRY(2142, min_int8),
    FOLD_ENTRY(2127, max_int8) /* timestamptz */, FOLD_ENTRY(2143, min_int8), FOLD_ENTRY(2125, max_int8) /* money */,
    FOLD_ENTRY(2141, min_int8),
    MAX_ENTRY(2124), MIN_ENTRY(2140) /* timetz */, MAX_ENTRY(2128), MIN_ENTRY(2144) /* interval */,
    MAX_ENTRY(2129), MIN_ENTRY(2145) /* text */, MAX_ENTRY(2130), MIN_ENTRY(2146) /* numeric */,
    MAX_ENTRY(2244), MIN_ENTRY(2245) /* bpchar */, MAX_ENTRY(2050), MIN_ENTRY(2051) /* arrays */,
    MAX_ENTRY(2797), MIN_ENTRY(2798) /* tid */, MAX_ENTRY(3526), MIN_ENTRY(3527) /* enums */,
    MAX_ENTRY(3564), MIN_ENTRY(3565) /* inet */, MAX_ENTRY(4189), MIN_ENTRY(4190) /* pg_lsn */,
    MAX_ENTRY(5099), MIN_ENTRY(5100) /* xid8 */,
    FOLD_ENTRY(2236, bit_and_int2), FOLD_ENTRY(2238, bit_and_int4), FOLD_ENTRY(2240, bit_and_int8),
    FOLD_ENTRY(2237, bit_or_int2), FOLD_ENTRY(2239, bit_or_int4), FOLD_ENTRY(2241, bit_or_int8),
    FOLD_ENTRY_PLAIN(6164, bit_xor_int2), FOLD_ENTRY_PLAIN(6165, bit_xor_int4), FOLD_ENTRY_PLAIN(6166, bit_xor_int8),
    FOLD_ENTRY(2517, bool_and), FOLD_ENTRY(2519, bool_and) /* every */, FOLD_ENTRY(2518, bool_or),
};
TYPE_AGGREGATE_TABLE(type_aggregate_basic_table, ENTRIES);
