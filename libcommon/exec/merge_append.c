/* SPDX-License-Identifier: Apache-2.0
 * MergeAppend: children that are each sorted by the keys, merged into one sorted stream. Of each child a batch is at hand; a heap
 * over their current rows says which one is next, the earlier child first among equals. A batch given out ends where a child's batch
 * does, for its bytes live until that child is asked again. */
#include "exec/exec_int.h"

typedef struct merge_input {
    rdb_batch *batch;
    uint32_t at;             /* of its selection */
    bool is_started, is_done;
} merge_input;

typedef struct merge_state {
    merge_input *inputs;     /* by child */
    uint32_t *heap;          /* children that have a row, the first one on top */
    uint32_t heap_count;
    uint32_t empty;          /* child + 1 whose batch is used up */
    bool has_turn;
    bool *kept;              /* of this turn; NULL: those of the run */
    rdb_vector **out;
    uint32_t capacity, filled; /* filled: rows of the last batch */
    rdb_batch batch;
} merge_state;

static bool open_merge(exec_node *node, rdb_error *err)
{
    merge_state *state = node->state = RDB_NEW(node->x->arena, merge_state);
    state->inputs = RDB_NEW_ARRAY(node->x->arena, merge_input, node->child_count + 1);
    state->heap = RDB_NEW_ARRAY(node->x->arena, uint32_t, node->child_count + 1);
    if (node->prune != NULL && exec_prune_is_late(node->prune))
        state->kept = RDB_NEW_ARRAY(node->x->arena, bool, node->child_count + 1);
    return exec_check_sortable(node->plan->of.append.keys, node->plan->of.append.key_count, err);
}

static bool begin_merge(exec_node *node, rdb_error *err)
{
    merge_state *state = node->state;
    state->heap_count = state->empty = 0;
    state->has_turn = false;
    memset(state->inputs, 0, node->child_count * sizeof *state->inputs);
    return exec_choose_children(node, err);
}

static bool is_before(const exec_node *node, uint32_t left, uint32_t right)
{
    const merge_state *state = node->state;
    const merge_input *a = &state->inputs[left], *b = &state->inputs[right];
    const uint32_t left_row = rdb_selected(&a->batch->selection, a->at), right_row = rdb_selected(&b->batch->selection, b->at);
    for (uint32_t i = 0; i < node->plan->of.append.key_count; i++) {
        const rdb_plan_key *key = &node->plan->of.append.keys[i];
        const int order = exec_values_compare(key, a->batch->columns[key->slot_no], left_row, b->batch->columns[key->slot_no], right_row);
        if (order != 0)
            return order < 0;
    }
    return left < right;
}

static void sift_down(exec_node *node, uint32_t at)
{
    merge_state *state = node->state;
    for (;;) {
        uint32_t first = at;
        for (uint32_t below = 2 * at + 1; below <= 2 * at + 2 && below < state->heap_count; below++)
            if (is_before(node, state->heap[below], state->heap[first]))
                first = below;
        if (first == at)
            return;
        const uint32_t moved = state->heap[at];
        state->heap[at] = state->heap[first];
        state->heap[first] = moved;
        at = first;
    }
}

static void add_to_heap(exec_node *node, uint32_t child)
{
    merge_state *state = node->state;
    uint32_t at = state->heap_count++;
    state->heap[at] = child;
    while (at > 0 && is_before(node, state->heap[at], state->heap[(at - 1) / 2])) {
        const uint32_t above = (at - 1) / 2, moved = state->heap[at];
        state->heap[at] = state->heap[above];
        state->heap[above] = moved;
        at = above;
    }
}

static bool fill_input(exec_node *node, uint32_t child, uint32_t budget, rdb_error *err)
{
    merge_input *input = &((merge_state *)node->state)->inputs[child];
    if (!input->is_started && !exec_begin(node->children[child], err))
        return false;
    input->is_started = true;
    if (!exec_next(node->children[child], budget, &input->batch, err))
        return false;
    input->at = 0;
    input->is_done = input->batch == NULL;
    if (!input->is_done)
        add_to_heap(node, child);
    return true;
}

static bool next_merge(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    merge_state *state = node->state;
    *raw = NULL;
    if (!state->has_turn) {
        if (state->kept != NULL && !exec_prune_turn(node->x, node->prune, state->kept, err))
            return false;
        state->has_turn = true;
        for (uint32_t i = 0; i < node->child_count; i++) {
            const bool is_out = (node->is_kept != NULL && !node->is_kept[i]) || (state->kept != NULL && !state->kept[i]);
            if (!is_out && !fill_input(node, i, budget, err))
                return false;
        }
    } else if (state->empty > 0) {
        const uint32_t child = state->empty - 1;
        state->empty = 0;
        if (!fill_input(node, child, budget, err))
            return false;
    }
    const uint32_t most = RDB_MIN(budget, RDB_BATCH_ROWS);
    const uint32_t capacity = exec_grow_capacity(state->capacity, state->filled, most);
    if (capacity > state->capacity) {
        state->capacity = capacity;
        if (!exec_make_vectors(node->x->arena, node->plan->input_types, node->plan->input_count, state->capacity, &state->out, err))
            return false;
    }
    for (uint32_t c = 0; c < node->plan->input_count; c++)
        rdb_vector_clear_nulls(state->out[c]);
    uint32_t rows = 0;
    while (state->heap_count > 0 && rows < RDB_MIN(most, state->capacity) && state->empty == 0) {
        const uint32_t child = state->heap[0];
        merge_input *input = &state->inputs[child];
        const uint32_t row = rdb_selected(&input->batch->selection, input->at);
        for (uint32_t c = 0; c < node->plan->input_count; c++)
            rdb_vector_copy_row(state->out[c], rows, input->batch->columns[c], row);
        rows++;
        if (++input->at == input->batch->selection.count) {
            state->heap[0] = state->heap[--state->heap_count];
            state->empty = child + 1;
        }
        sift_down(node, 0);
    }
    state->filled = rows;
    if (rows == 0)
        return true;
    state->batch = (rdb_batch){.columns = state->out, .column_count = node->plan->input_count, .row_count = rows, .selection = {NULL, rows}};
    *raw = &state->batch;
    return true;
}

const exec_ops exec_merge_append_ops = {open_merge, begin_merge, next_merge, NULL};
