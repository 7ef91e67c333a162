/* SPDX-License-Identifier: Apache-2.0
 * Ordered-set and hypothetical-set aggregates. Rows come sorted by WITHIN GROUP (the caller's work), each with the direct
 * arguments after the aggregated ones; the direct ones are the same in all rows of a group, so the first row's are kept.
 * Without any row the ranks are those of a lone row and everything else is null. */
#include "type/datetime.h"
#include "type/tables.h"

#include <math.h>

typedef struct set_state {
    rdb_datum *values;         /* percentiles: all of them, in order */
    uint64_t count, capacity;
    rdb_datum *direct, *last;  /* last: the row before (mode, dense_rank) */
    bool *direct_null, *last_null;
    uint64_t before, not_after, groups; /* rows before the hypothetical one; those and its peers; distinct ones before */
    uint64_t run, best_run;    /* mode */
    rdb_datum best;
} set_state;

static bool copy_row(rdb_call *call, const rdb_vector *const *arguments, uint32_t first, uint32_t count, uint32_t row, rdb_datum **values, bool **nulls)
{
    if (*values == NULL) {
        *values = rdb_arena_try_alloc(call->arena, (count + (size_t)1) * sizeof **values, call->err);
        *nulls = rdb_arena_try_alloc(call->arena, count + (size_t)1, call->err);
        if (*values == NULL || *nulls == NULL)
            return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const rdb_vector *column = arguments[first + i];
        (*nulls)[i] = rdb_vector_is_null(column, row);
        if (!(*nulls)[i] && !rdb_datum_copy(call->arena, (rdb_rep)column->rep, rdb_vector_get(column, row), &(*values)[i], call->err))
            return false;
    }
    return true;
}

/* ---- percentiles and mode -------------------------------------------------------------------------------------------------- */
static bool collect(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection)
{
    RDB_FOR_SELECTED (selection, row) {
        set_state *state = states[row_at];
        if (state->count == 0 && !copy_row(call, arguments, call->argument_count, call->direct_count, row, &state->direct, &state->direct_null))
            return false;
        if (state->count == state->capacity) {
            uint64_t capacity = state->capacity ? state->capacity * 2 : 8;
            state->values = rdb_arena_try_grow(call->arena, state->values, state->capacity * sizeof *state->values, capacity * sizeof *state->values, call->err);
            if (state->values == NULL)
                return false;
            state->capacity = capacity;
        }
        if (!rdb_datum_copy(call->arena, (rdb_rep)arguments[0]->rep, rdb_vector_get(arguments[0], row), &state->values[state->count], call->err))
            return false;
        state->count++;
    }
    return true;
}

static bool check_percentile(rdb_call *call, double percentile)
{
    return (percentile >= 0 && percentile <= 1) ||
           rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "percentile value %g is not between 0 and 1", percentile);
}

static bool pick_discrete(rdb_call *call, const set_state *state, double percentile, rdb_datum *value)
{
    if (!check_percentile(call, percentile))
        return false;
    uint64_t row = (uint64_t)ceil(percentile * (double)state->count);
    *value = state->values[row > 0 ? row - 1 : 0];
    return true;
}

static bool between(rdb_call *call, rdb_datum low, rdb_datum high, double part, rdb_datum *value)
{
    if (call->argument_types[0]->oid != RDB_INTERVALOID) {
        value->f8 = low.f8 + part * (high.f8 - low.f8);
        return true;
    }
    type_interval down = type_get_interval(low), distance, product, sum;
    down = (type_interval){.usecs = -down.usecs, .days = -down.days, .months = -down.months};
    if (!type_interval_add(call, type_get_interval(high), down, &distance) || !type_interval_multiply(call, distance, part, &product) ||
        !type_interval_add(call, product, type_get_interval(low), &sum))
        return false;
    type_put_interval(value, sum);
    return true;
}

static bool pick_continuous(rdb_call *call, const set_state *state, double percentile, rdb_datum *value)
{
    if (!check_percentile(call, percentile))
        return false;
    double place = percentile * (double)(state->count - 1);
    uint64_t first = (uint64_t)floor(place), second = (uint64_t)ceil(place);
    if (first == second) {
        *value = state->values[first];
        return true;
    }
    return between(call, state->values[first], state->values[second], place - (double)first, value);
}

typedef bool (*picker)(rdb_call *call, const set_state *state, double percentile, rdb_datum *value);

static bool finish_one(rdb_call *call, const set_state *state, picker pick, rdb_datum *value, bool *is_null)
{
    *is_null = state->count == 0 || state->direct_null[0];
    return *is_null || pick(call, state, state->direct[0].f8, value);
}

static bool finish_array(rdb_call *call, const set_state *state, picker pick, rdb_datum *value, bool *is_null)
{
    rdb_array_shape shape;
    *is_null = state->count == 0 || state->direct_null[0];
    if (*is_null)
        return true;
    rdb_array_get_shape(state->direct[0], &shape);
    rdb_datum *values = rdb_arena_try_alloc(call->arena, (shape.count + (size_t)1) * sizeof *values, call->err);
    bool *nulls = values == NULL ? NULL : rdb_arena_try_alloc(call->arena, shape.count + (size_t)1, call->err);
    if (nulls == NULL)
        return false;
    for (uint32_t i = 0; i < shape.count; i++) {
        rdb_datum percentile;
        nulls[i] = !rdb_array_get(state->direct[0], i, &percentile);
        if (!nulls[i] && !pick(call, state, percentile.f8, &values[i]))
            return false;
    }
    const rdb_type *element = call->result_type->element;
    if (shape.ndim != 2)
        return rdb_array_build(call, element, values, nulls, shape.count, value);
    rdb_datum *parts = rdb_arena_try_alloc(call->arena, ((size_t)shape.lengths[0] + 1) * sizeof *parts, call->err);
    bool *no_nulls = parts == NULL ? NULL : rdb_arena_zalloc(call->arena, (size_t)shape.lengths[0] + 1);
    if (no_nulls == NULL)
        return false;
    for (uint32_t i = 0; i < (uint32_t)shape.lengths[0]; i++)
        if (!rdb_array_build(call, element, values + (size_t)i * (uint32_t)shape.lengths[1], nulls + (size_t)i * (uint32_t)shape.lengths[1], (uint32_t)shape.lengths[1], &parts[i]))
            return false;
    return rdb_array_build_nested(call, element, parts, no_nulls, (uint32_t)shape.lengths[0], value);
}

static bool disc_finish(rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    return finish_one(call, state, pick_discrete, value, is_null);
}
static bool cont_finish(rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    return finish_one(call, state, pick_continuous, value, is_null);
}
static bool disc_array_finish(rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    return finish_array(call, state, pick_discrete, value, is_null);
}
static bool cont_array_finish(rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    return finish_array(call, state, pick_continuous, value, is_null);
}

static bool mode_update(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection)
{
    const rdb_type *type = call->argument_types[0];
    RDB_FOR_SELECTED (selection, row) {
        set_state *state = states[row_at];
        rdb_datum value = rdb_vector_get(arguments[0], row);
        if (state->run > 0 && type->ops->compare(type, call->sort_collations[0], state->last[0], value) == 0) {
            state->run++;
        } else {
            state->run = 1;
            if (!copy_row(call, arguments, 0, 1, row, &state->last, &state->last_null))
                return false;
        }
        if (state->run > state->best_run) {
            state->best_run = state->run;
            state->best = state->last[0];
        }
    }
    return true;
}

static bool mode_finish(TYPE_UNUSED rdb_call *call, void *state_at, rdb_datum *value, bool *is_null)
{
    const set_state *state = state_at;
    *is_null = state->best_run == 0;
    *value = state->best;
    return true;
}

/* ---- hypothetical rows -------------------------------------------------------------------------------------------------------- */
static int compare_key(const rdb_call *call, uint32_t key, rdb_datum left, bool left_null, rdb_datum right, bool right_null)
{
    if (left_null || right_null)
        return left_null == right_null ? 0 : left_null == call->sort_nulls_first[key] ? -1 : 1;
    const rdb_type *type = call->argument_types[key];
    int order = type->ops->compare(type, call->sort_collations[key], left, right);
    return call->sort_descending[key] ? -order : order;
}

static bool rank_update(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection)
{
    const uint32_t keys = call->argument_count;
    RDB_FOR_SELECTED (selection, row) {
        set_state *state = states[row_at];
        int order = 0;
        bool is_new = state->count == 0;
        if (is_new && !copy_row(call, arguments, keys, keys, row, &state->direct, &state->direct_null))
            return false;
        for (uint32_t k = 0; k < keys && order == 0; k++)
            order = compare_key(call, k, rdb_vector_get(arguments[k], row), rdb_vector_is_null(arguments[k], row), state->direct[k], state->direct_null[k]);
        for (uint32_t k = 0; k < keys && !is_new; k++)
            is_new = compare_key(call, k, rdb_vector_get(arguments[k], row), rdb_vector_is_null(arguments[k], row), state->last[k], state->last_null[k]) != 0;
        state->count++;
        state->before += order < 0;
        state->not_after += order <= 0;
        state->groups += order < 0 && is_new;
        if (is_new && !copy_row(call, arguments, 0, keys, row, &state->last, &state->last_null))
            return false;
    }
    return true;
}

#define FINISH_RANK(name, field, expression)                                                        \
    static bool name(TYPE_UNUSED rdb_call *call, void *at, rdb_datum *value, bool *is_null)         \
    {                                                                                               \
        const set_state *state = at;                                                                \
        *is_null = false;                                                                           \
        value->field = (expression);                                                                \
        return true;                                                                                \
    }
FINISH_RANK(rank_finish, i64, (int64_t)state->before + 1)
FINISH_RANK(dense_rank_finish, i64, (int64_t)state->groups + 1)
FINISH_RANK(percent_rank_finish, f8, state->count == 0 ? 0 : (double)state->before / (double)state->count)
FINISH_RANK(cume_dist_finish, f8, ((double)state->not_after + 1) / ((double)state->count + 1))

#define S sizeof(set_state)
static const rdb_aggregate_entry AGGREGATES[] = {
    {3972, S, collect, NULL, NULL, disc_finish, RDB_AGGREGATE_SKIPS_NULLS},       {3978, S, collect, NULL, NULL, disc_array_finish, RDB_AGGREGATE_SKIPS_NULLS},
    {3974, S, collect, NULL, NULL, cont_finish, RDB_AGGREGATE_SKIPS_NULLS},       {3976, S, collect, NULL, NULL, cont_finish, RDB_AGGREGATE_SKIPS_NULLS},
    {3980, S, collect, NULL, NULL, cont_array_finish, RDB_AGGREGATE_SKIPS_NULLS}, {3982, S, collect, NULL, NULL, cont_array_finish, RDB_AGGREGATE_SKIPS_NULLS},
    {3984, S, mode_update, NULL, NULL, mode_finish, RDB_AGGREGATE_SKIPS_NULLS},   {3986, S, rank_update, NULL, NULL, rank_finish, 0},
    {3988, S, rank_update, NULL, NULL, percent_rank_finish, 0},                   {3990, S, rank_update, NULL, NULL, cume_dist_finish, 0},
    {3992, S, rank_update, NULL, NULL, dense_rank_finish, 0},
};
TYPE_AGGREGATE_TABLE(type_ordered_set_table, AGGREGATES);
