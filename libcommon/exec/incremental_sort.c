/* SPDX-License-Identifier: Apache-2.0
 * IncrementalSort: rows come sorted by the first keys; runs of rows that are equal in those are sorted by all keys, one run after the
 * other, so that the first rows come out early and memory holds a run alone. Short runs are sorted together until they have some rows. */
#include "exec/exec_spill.h"

#define RUN_ROWS 32u /* at least, before a run is sorted */

typedef struct run_state {
    exec_sorter *sorter;
    exec_store last;         /* the first keys of the row put last */
    rdb_vector **keys;
    rdb_batch *input;        /* of the left side; rows from `at` on are of later runs */
    uint32_t at, put_count;
    uint32_t *rows;
    bool is_sorted, is_done;
    rdb_batch batch;
} run_state;

static bool open_runs(exec_node *node, rdb_error *err)
{
    const rdb_plan_node *plan = node->plan;
    run_state *state = node->state = RDB_NEW(node->x->arena, run_state);
    uint8_t *reps = RDB_NEW_ARRAY(node->x->arena, uint8_t, plan->input_count + 1), *key_reps = RDB_NEW_ARRAY(node->x->arena, uint8_t, plan->of.sort.presorted + 1);
    for (uint32_t i = 0; i < plan->input_count; i++)
        reps[i] = plan->input_types[i]->rep;
    for (uint32_t i = 0; i < plan->of.sort.presorted; i++)
        key_reps[i] = plan->of.sort.keys[i].type->rep;
    state->keys = RDB_NEW_ARRAY(node->x->arena, rdb_vector *, plan->of.sort.presorted + 1);
    state->rows = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    return exec_check_sortable(plan->of.sort.keys, plan->of.sort.key_count, err) && exec_store_init(&state->last, node->x, key_reps, plan->of.sort.presorted, err) &&
           exec_sorter_open(&state->sorter, node->x, reps, plan->input_count, plan->of.sort.keys, plan->of.sort.key_count, err);
}

static void close_runs(exec_node *node)
{
    run_state *state = node->state;
    if (state == NULL)
        return;
    exec_sorter_close(&state->sorter);
    exec_store_deinit(&state->last);
}

static bool begin_runs(exec_node *node, rdb_error *err)
{
    run_state *state = node->state;
    exec_sorter_clear(state->sorter);
    state->input = NULL;
    state->at = state->put_count = 0;
    state->is_sorted = state->is_done = false;
    return exec_begin(node->left, err);
}

/* Is the row at this place of the selection in the run of the row put last? */
static bool is_in_run(const exec_node *node, const run_state *state, uint32_t row)
{
    for (uint32_t i = 0; i < node->plan->of.sort.presorted; i++) {
        const rdb_plan_key *key = &node->plan->of.sort.keys[i];
        if (!exec_values_equal(key->type, key->collation, exec_store_column(&state->last, 0, i), 0, state->input->columns[key->slot_no], row))
            return false;
    }
    return true;
}

static bool same_run(const exec_node *node, const rdb_batch *batch, uint32_t left, uint32_t right)
{
    for (uint32_t i = 0; i < node->plan->of.sort.presorted; i++) {
        const rdb_plan_key *key = &node->plan->of.sort.keys[i];
        if (!exec_values_equal(key->type, key->collation, batch->columns[key->slot_no], left, batch->columns[key->slot_no], right))
            return false;
    }
    return true;
}

/* Puts rows of the input until the run ends. *ended: it did. */
static bool put_rows(exec_node *node, bool *ended, rdb_error *err)
{
    run_state *state = node->state;
    const rdb_batch *batch = state->input;
    const rdb_selection *selection = &batch->selection;
    uint32_t from = state->at, last = 0;
    *ended = false;
    while (state->at < selection->count) {
        const uint32_t row = rdb_selected(selection, state->at);
        const bool is_first = state->put_count + (state->at - from) == 0;
        const bool is_same = !is_first && (state->at == from ? is_in_run(node, state, row) : same_run(node, batch, last, row));
        if (!is_first && !is_same && state->put_count + (state->at - from) >= RUN_ROWS) {
            *ended = true;
            break;
        }
        state->rows[state->at - from] = row;
        last = row;
        state->at++;
    }
    const uint32_t count = state->at - from;
    if (count == 0)
        return true;
    const rdb_selection chosen = {state->rows, count};
    state->put_count += count;
    for (uint32_t i = 0; i < node->plan->of.sort.presorted; i++)
        state->keys[i] = batch->columns[node->plan->of.sort.keys[i].slot_no];
    exec_store_clear(&state->last);
    return exec_store_append(&state->last, state->keys, node->plan->of.sort.presorted, NULL, 0, &(rdb_selection){&last, 1}, err) &&
           exec_sorter_put(state->sorter, batch->columns, node->plan->input_count, NULL, 0, &chosen, err);
}

static bool sort_run(exec_node *node, uint32_t budget, rdb_error *err)
{
    run_state *state = node->state;
    bool ended = false;
    exec_sorter_clear(state->sorter);
    state->put_count = 0;
    while (!ended && !state->is_done) {
        if (state->input == NULL || state->at == state->input->selection.count) {
            state->at = 0;
            if (!exec_next(node->left, RDB_MAX(budget, RUN_ROWS), &state->input, err))
                return false;
            if (state->input == NULL) {
                state->is_done = true;
                break;
            }
        }
        if (!put_rows(node, &ended, err))
            return false;
    }
    if (state->put_count == 0)
        return true;
    if (!exec_sorter_finish(state->sorter, err))
        return false;
    if (node->statistics != NULL) {
        exec_sorter_report(state->sorter, node->statistics);
        node->statistics->runs++;
    }
    state->is_sorted = true;
    return true;
}

static bool next_runs(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    run_state *state = node->state;
    *raw = NULL;
    for (;;) {
        if (state->is_sorted) {
            if (!exec_sorter_next(state->sorter, budget, &state->batch, err))
                return false;
            if (state->batch.row_count > 0) {
                *raw = &state->batch;
                return true;
            }
            state->is_sorted = false;
        }
        if (state->is_done)
            return true;
        if (!sort_run(node, budget, err))
            return false;
    }
}

const exec_ops exec_incremental_sort_ops = {open_runs, begin_runs, next_runs, close_runs};
