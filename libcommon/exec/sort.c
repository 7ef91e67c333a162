/* SPDX-License-Identifier: Apache-2.0
 * Sort. Rows are kept by column, row numbers are sorted. Where a Limit above has told how many rows can be asked for (the
 * bound), only so many are kept in a heap: a top-N sort. */
#include "exec/exec_int.h"
#include <stdlib.h>

typedef struct sort_state {
    exec_store store;
    uint64_t bound;
    uint32_t *ids, id_count, id_capacity, next_id;
    rdb_arena *arena;
    bool is_sorted;
    rdb_vector **out;
    uint32_t out_capacity;
    rdb_batch batch;
    uint8_t *reps;
} sort_state;

static bool open_sort(exec_node *node, rdb_error *err)
{
    sort_state *state = node->state = RDB_NEW(node->x->arena, sort_state);
    state->bound = UINT64_MAX;
    state->reps = RDB_NEW_ARRAY(node->x->arena, uint8_t, node->plan->input_count + 1);
    for (uint32_t i = 0; i < node->plan->input_count; i++)
        state->reps[i] = node->plan->input_types[i]->rep;
    state->arena = exec_arena(node->x, "sort");
    if (state->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return exec_check_sortable(node->plan->of.sort.keys, node->plan->of.sort.key_count, err) &&
           exec_store_init(&state->store, node->x, state->reps, node->plan->input_count, err);
}

static void close_sort(exec_node *node)
{
    sort_state *state = node->state;
    if (state == NULL)
        return;
    exec_store_deinit(&state->store);
    rdb_arena_destroy(state->arena);
}

void exec_sort_set_bound(exec_node *node, uint64_t bound)
{
    sort_state *state = node->state;
    if (bound > state->bound)
        node->built_run = 0; /* what is kept would not do */
    state->bound = bound;
}

static bool begin_sort(exec_node *node, rdb_error *err)
{
    sort_state *state = node->state;
    state->next_id = 0;
    if (state->is_sorted && node->built_run == node->x->run_no && !node->left->reads_parameters)
        return true;
    node->built_run = node->x->run_no;
    exec_store_clear(&state->store);
    rdb_arena_reset(state->arena);
    state->ids = NULL;
    state->id_count = state->id_capacity = 0;
    state->is_sorted = false;
    return exec_begin(node->left, err);
}

static int compare_rows(const exec_node *node, uint32_t left, uint32_t right)
{
    const sort_state *state = node->state;
    const rdb_plan_key *keys = node->plan->of.sort.keys;
    for (uint32_t i = 0; i < node->plan->of.sort.key_count; i++) {
        int order = exec_values_compare(&keys[i], exec_store_column(&state->store, left, keys[i].slot_no), EXEC_ROW_IN_CHUNK(left),
                                        exec_store_column(&state->store, right, keys[i].slot_no), EXEC_ROW_IN_CHUNK(right));
        if (order != 0)
            return order;
    }
    return left < right ? -1 : left > right;
}

static int compare_ids(const void *left, const void *right, void *context)
{
    return compare_rows(context, *(const uint32_t *)left, *(const uint32_t *)right);
}

static bool reserve_ids(sort_state *state, uint64_t count, rdb_error *err)
{
    if (count <= state->id_capacity)
        return true;
    uint64_t capacity = RDB_MAX(count, (uint64_t)state->id_capacity * 2);
    state->ids = rdb_arena_try_grow(state->arena, state->ids, state->id_capacity * sizeof *state->ids, capacity * sizeof *state->ids, err);
    state->id_capacity = (uint32_t)capacity;
    return state->ids != NULL;
}

static void sift_down(exec_node *node, uint32_t at)
{
    sort_state *state = node->state;
    for (;;) {
        uint32_t largest = at, left = 2 * at + 1, right = left + 1;
        if (left < state->id_count && compare_rows(node, state->ids[left], state->ids[largest]) > 0)
            largest = left;
        if (right < state->id_count && compare_rows(node, state->ids[right], state->ids[largest]) > 0)
            largest = right;
        if (largest == at)
            return;
        uint32_t swap = state->ids[at];
        state->ids[at] = state->ids[largest];
        state->ids[largest] = swap;
        at = largest;
    }
}

static void sift_up(exec_node *node, uint32_t at)
{
    sort_state *state = node->state;
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;
        if (compare_rows(node, state->ids[at], state->ids[parent]) <= 0)
            return;
        uint32_t swap = state->ids[at];
        state->ids[at] = state->ids[parent];
        state->ids[parent] = swap;
        at = parent;
    }
}

/* A top-N sort keeps only rows that may come out; the store is written anew when dead rows outnumber them. */
static bool compact(exec_node *node, rdb_error *err)
{
    sort_state *state = node->state;
    if (state->store.row_count < 4 * RDB_BATCH_ROWS || state->store.row_count / 4 < state->id_count)
        return true;
    exec_store fresh;
    if (!exec_store_init(&fresh, node->x, state->reps, node->plan->input_count, err))
        return false;
    rdb_vector **columns = RDB_NEW_ARRAY(state->arena, rdb_vector *, node->plan->input_count + 1);
    qsort_r(state->ids, state->id_count, sizeof *state->ids, compare_ids, node);
    for (uint32_t i = 0; i < state->id_count; i++) {
        uint32_t id = state->ids[i], row = EXEC_ROW_IN_CHUNK(id);
        const rdb_selection one = {&row, 1};
        for (uint32_t c = 0; c < node->plan->input_count; c++)
            columns[c] = &state->store.chunks[id / RDB_BATCH_ROWS][c];
        if (!exec_store_append(&fresh, columns, node->plan->input_count, NULL, 0, &one, err)) {
            exec_store_deinit(&fresh);
            return false;
        }
    }
    exec_store_deinit(&state->store);
    state->store = fresh;
    for (uint32_t i = 0; i < state->id_count; i++)
        state->ids[i] = state->id_count - 1 - i; /* largest first: a heap */
    return true;
}

static bool read_all(exec_node *node, rdb_error *err)
{
    sort_state *state = node->state;
    for (;;) {
        rdb_batch *batch = NULL;
        if (!exec_next(node->left, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            break;
        uint32_t first = state->store.row_count;
        if (!exec_store_append(&state->store, batch->columns, node->plan->input_count, NULL, 0, &batch->selection, err))
            return false;
        uint32_t end = state->store.row_count;
        if (state->bound == UINT64_MAX) {
            if (!reserve_ids(state, end, err))
                return false;
            for (uint32_t id = first; id < end; id++)
                state->ids[state->id_count++] = id;
            continue;
        }
        for (uint32_t id = first; id < end && state->bound > 0; id++) {
            if (state->id_count < state->bound) {
                if (!reserve_ids(state, state->id_count + 1u, err))
                    return false;
                state->ids[state->id_count++] = id;
                sift_up(node, state->id_count - 1);
            } else if (compare_rows(node, id, state->ids[0]) < 0) {
                state->ids[0] = id;
                sift_down(node, 0);
            }
        }
        if (!compact(node, err))
            return false;
    }
    if (state->id_count > 0)
        qsort_r(state->ids, state->id_count, sizeof *state->ids, compare_ids, node);
    state->is_sorted = true;
    if (node->statistics != NULL) {
        node->statistics->memory_bytes = rdb_arena_bytes(state->store.arena) + rdb_arena_bytes(state->arena);
        node->statistics->method = state->bound == UINT64_MAX ? "quicksort" : "top-N heapsort";
    }
    return true;
}

static bool next_sort(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    sort_state *state = node->state;
    *raw = NULL;
    if (!state->is_sorted && !read_all(node, err))
        return false;
    uint32_t rows = RDB_MIN(RDB_MIN(state->id_count - state->next_id, budget), RDB_BATCH_ROWS);
    if (rows == 0)
        return true;
    if (rows > state->out_capacity) {
        if (!exec_make_vectors(node->x->arena, node->plan->input_types, node->plan->input_count, rows, &state->out, err))
            return false;
        state->out_capacity = rows;
    }
    for (uint32_t c = 0; c < node->plan->input_count; c++)
        exec_store_gather(&state->store, c, state->ids + state->next_id, rows, state->out[c]);
    state->next_id += rows;
    state->batch = (rdb_batch){.columns = state->out, .column_count = node->plan->input_count, .row_count = rows, .selection = {NULL, rows}};
    *raw = &state->batch;
    return true;
}

const exec_ops exec_sort_ops = {open_sort, begin_sort, next_sort, close_sort};
