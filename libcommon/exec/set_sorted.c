/* SPDX-License-Identifier: Apache-2.0
 * INTERSECT and EXCEPT of sorted rows (SetOp): equal rows of both sides stand together, so one run is kept at a time, with how often
 * each side has it. What comes out is the run's first row. */
#include "exec/exec_int.h"

typedef struct sorted_state {
    exec_store run;            /* one row: of the run at hand */
    exec_store done;           /* rows that go out */
    uint64_t counts[2];
    bool has_run, is_at_end;
    uint32_t next_row;         /* of done */
    uint32_t *ids;
    rdb_vector **out;
    uint32_t out_capacity;
    rdb_batch batch;
} sorted_state;

static bool open_sorted(exec_node *node, rdb_error *err)
{
    sorted_state *state = node->state = RDB_NEW(node->x->arena, sorted_state);
    const uint32_t count = node->plan->input_count;
    uint8_t *reps = RDB_NEW_ARRAY(node->x->arena, uint8_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        reps[i] = node->plan->input_types[i]->rep;
    state->ids = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    return exec_store_init(&state->run, node->x, reps, count, err) && exec_store_init(&state->done, node->x, reps, count, err);
}

static bool begin_sorted(exec_node *node, rdb_error *err)
{
    sorted_state *state = node->state;
    state->has_run = state->is_at_end = false;
    state->next_row = 0;
    exec_store_clear(&state->run);
    exec_store_clear(&state->done);
    return exec_begin(node->left, err);
}

static bool is_of_run(const exec_node *node, const rdb_batch *batch, uint32_t row)
{
    const sorted_state *state = node->state;
    bool same = state->has_run;
    for (uint32_t c = 0; c < node->plan->input_count && same; c++)
        same = exec_values_equal(node->plan->input_types[c], node->plan->of.set_op.collations[c], exec_store_column(&state->run, 0, c), 0, batch->columns[c], row);
    return same;
}

/* The run is over: its row goes out as often as the operation says. */
static bool end_run(exec_node *node, rdb_error *err)
{
    sorted_state *state = node->state;
    const uint32_t count = node->plan->input_count, row = 0;
    const rdb_selection one = {&row, 1};
    rdb_vector **columns = RDB_NEW_ARRAY(node->arena, rdb_vector *, count + 1);
    for (uint32_t c = 0; c < count; c++)
        columns[c] = (rdb_vector *)(uintptr_t)exec_store_column(&state->run, 0, c);
    for (uint64_t times = exec_set_times(node->plan, state->counts[0], state->counts[1]); times > 0; times--)
        if (!exec_store_append(&state->done, columns, count, NULL, 0, &one, err))
            return false;
    return true;
}

static bool read_rows(exec_node *node, rdb_error *err)
{
    sorted_state *state = node->state;
    const uint32_t count = node->plan->input_count;
    exec_store_clear(&state->done);
    state->next_row = 0;
    while (state->done.row_count == 0 && !state->is_at_end) {
        rdb_batch *batch = NULL;
        rdb_arena_reset(node->arena);
        if (!exec_next(node->left, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL) {
            state->is_at_end = true;
            if (state->has_run && !end_run(node, err))
                return false;
            continue;
        }
        RDB_FOR_SELECTED (&batch->selection, row) {
            if (!is_of_run(node, batch, row)) {
                const rdb_selection one = {&row, 1};
                if (state->has_run && !end_run(node, err))
                    return false;
                exec_store_clear(&state->run);
                if (!exec_store_append(&state->run, batch->columns, count, NULL, 0, &one, err))
                    return false;
                state->has_run = true;
                state->counts[0] = state->counts[1] = 0;
            }
            state->counts[RDB_AT(batch->columns[count], int32_t, row) != 0]++;
        }
    }
    return true;
}

static bool next_sorted(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    sorted_state *state = node->state;
    const uint32_t columns = node->plan->input_count;
    *raw = NULL;
    if (state->next_row == state->done.row_count && !read_rows(node, err))
        return false;
    const uint32_t count = RDB_MIN(RDB_MIN(state->done.row_count - state->next_row, budget), RDB_BATCH_ROWS);
    if (count == 0)
        return true;
    if (count > state->out_capacity) {
        if (!exec_make_vectors(node->x->arena, node->plan->input_types, columns, count, &state->out, err))
            return false;
        state->out_capacity = count;
    }
    for (uint32_t i = 0; i < count; i++)
        state->ids[i] = state->next_row++;
    for (uint32_t c = 0; c < columns; c++)
        exec_store_gather(&state->done, c, state->ids, count, state->out[c]);
    state->batch = (rdb_batch){.columns = state->out, .column_count = columns, .row_count = count, .selection = {NULL, count}};
    *raw = &state->batch;
    return true;
}

static void close_sorted(exec_node *node)
{
    sorted_state *state = node->state;
    if (state == NULL)
        return;
    exec_store_deinit(&state->run);
    exec_store_deinit(&state->done);
}

const exec_ops exec_sorted_set_ops = {open_sorted, begin_sorted, next_sorted, close_sorted};
