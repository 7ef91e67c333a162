/* SPDX-License-Identifier: Apache-2.0
 * Sort: a sorter filled from the child. A Limit above tells how many rows can be asked for at most (the bound). */
#include "exec/exec_spill.h"

typedef struct sort_state {
    exec_sorter *sorter;
    uint64_t bound;
    bool is_sorted;
    rdb_batch batch;
} sort_state;

static bool open_sort(exec_node *node, rdb_error *err)
{
    const rdb_plan_node *plan = node->plan;
    sort_state *state = node->state = RDB_NEW(node->x->arena, sort_state);
    uint8_t *reps = RDB_NEW_ARRAY(node->x->arena, uint8_t, plan->input_count + 1);
    state->bound = UINT64_MAX;
    for (uint32_t i = 0; i < plan->input_count; i++)
        reps[i] = plan->input_types[i]->rep;
    return exec_check_sortable(plan->of.sort.keys, plan->of.sort.key_count, err) &&
           exec_sorter_open(&state->sorter, node->x, reps, plan->input_count, plan->of.sort.keys, plan->of.sort.key_count, err);
}

static void close_sort(exec_node *node)
{
    if (node->state != NULL)
        exec_sorter_close(&((sort_state *)node->state)->sorter);
}

void exec_sort_set_bound(exec_node *node, uint64_t bound)
{
    sort_state *state = node->state;
    if (bound > state->bound)
        node->built_run = 0; /* what is kept would not do */
    state->bound = bound;
    if (node->left->ops == &exec_gather_ops)
        exec_gather_set_bound(node->left, bound);
}

static bool begin_sort(exec_node *node, rdb_error *err)
{
    sort_state *state = node->state;
    if (state->is_sorted && node->built_run == node->x->run_no && !node->left->reads_parameters && exec_sorter_can_rewind(state->sorter)) {
        exec_sorter_rewind(state->sorter);
        return true;
    }
    node->built_run = node->x->run_no;
    exec_sorter_clear(state->sorter);
    exec_sorter_set_bound(state->sorter, state->bound);
    state->is_sorted = false;
    return exec_begin(node->left, err);
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
        if (!exec_sorter_put(state->sorter, batch->columns, node->plan->input_count, NULL, 0, &batch->selection, err))
            return false;
    }
    if (!exec_sorter_finish(state->sorter, err))
        return false;
    state->is_sorted = true;
    if (node->statistics != NULL)
        exec_sorter_report(state->sorter, node->statistics);
    return true;
}

static bool next_sort(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    sort_state *state = node->state;
    *raw = NULL;
    if ((!state->is_sorted && !read_all(node, err)) || !exec_sorter_next(state->sorter, budget, &state->batch, err))
        return false;
    if (state->batch.row_count > 0)
        *raw = &state->batch;
    return true;
}

const exec_ops exec_sort_ops = {open_sort, begin_sort, next_sort, close_sort};
