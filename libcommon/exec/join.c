/* SPDX-License-Identifier: Apache-2.0
 * Joins. A nested loop puts one left row beside each batch of the right side; a hash join keeps the right side by its keys
 * and meets it with batches of the left. */
#include "exec/exec_int.h"

/* A vector that shows one row of another to every row. */
static void show_row(rdb_vector *shown, uint64_t *null_word, const rdb_vector *source, uint32_t row)
{
    uint32_t at = row & source->mask;
    *shown = (rdb_vector){.values = (uint8_t *)source->values + (size_t)at * rdb_rep_width(source->rep), .rep = source->rep, .capacity = 1};
    *null_word = 1;
    if (rdb_vector_is_null(source, row))
        shown->nulls = null_word;
}

static void show_null(rdb_vector *shown, uint64_t *null_word, uint8_t rep)
{
    static rdb_datum zero;
    *null_word = 1;
    *shown = (rdb_vector){.values = &zero, .nulls = null_word, .rep = rep, .capacity = 1};
}

static uint32_t output_columns(const rdb_plan_node *plan)
{
    return plan->passes_through ? plan->input_count : plan->targets.count;
}

/* ---- NestLoop ---------------------------------------------------------------------------------------------------------------- */
typedef struct loop_state {
    rdb_program *condition, *values;
    rdb_batch *outer;
    uint32_t position;         /* in outer's selection */
    bool in_row, has_match;
    rdb_vector *shown;         /* one a column of both sides */
    uint64_t *null_words;
    rdb_vector **columns;
    uint32_t left_count, right_count;
    uint32_t *rows, rows_capacity;
    rdb_batch batch;
    rdb_arena *arena;          /* parameter values of the current left batch */
    exec_index_loop *many;     /* many left rows at a time; or NULL */
} loop_state;

static bool open_loop(exec_node *node, rdb_error *err)
{
    const rdb_plan_join *join = &node->plan->of.join;
    loop_state *state = node->state = RDB_NEW(node->x->arena, loop_state);
    state->left_count = output_columns(node->plan->left);
    state->right_count = output_columns(node->plan->right);
    uint32_t count = state->left_count + state->right_count;
    state->shown = RDB_NEW_ARRAY(node->x->arena, rdb_vector, count + 1);
    state->null_words = RDB_NEW_ARRAY(node->x->arena, uint64_t, count + 1);
    state->columns = RDB_NEW_ARRAY(node->x->arena, rdb_vector *, count + 1);
    state->arena = exec_arena(node->x, "loop");
    if (state->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (join->parameter_count > 0 && !exec_compile(node->x, &state->values, join->parameter_values, join->parameter_count, err))
        return false;
    return exec_compile_list(node->x, &state->condition, &join->condition, err) && exec_index_loop_open(node, state->condition, state->values, &state->many, err);
}

static void close_loop(exec_node *node)
{
    loop_state *state = node->state;
    if (state == NULL)
        return;
    exec_index_loop_close(state->many);
    rdb_arena_destroy(state->arena);
}

static bool begin_loop(exec_node *node, rdb_error *err)
{
    loop_state *state = node->state;
    state->outer = NULL;
    state->in_row = false;
    if (state->many != NULL)
        exec_index_loop_begin(state->many);
    return exec_begin(node->left, err);
}

static bool set_parameters(exec_node *node, uint32_t row, rdb_error *err)
{
    loop_state *state = node->state;
    const rdb_plan_join *join = &node->plan->of.join;
    if (state->values == NULL)
        return true;
    const rdb_selection one = {&row, 1};
    uint32_t good = 0;
    rdb_arena_reset(state->arena);
    if (!rdb_program_run(state->values, &node->x->eval, state->arena, state->outer, &one, &good, err))
        return false;
    for (uint32_t i = 0; i < join->parameter_count; i++) {
        const rdb_vector *value = rdb_program_result(state->values, i);
        rdb_parameter *parameter = &node->x->eval.execution_values[join->parameter_nos[i]];
        parameter->is_null = rdb_vector_is_null(value, row);
        if (!parameter->is_null)
            parameter->value = rdb_vector_get(value, row);
    }
    return true;
}

static void give_left_alone(exec_node *node, uint32_t row, rdb_batch **raw)
{
    loop_state *state = node->state;
    const bool is_semi = node->plan->input_count == state->left_count; /* ANTI may give its right columns, as nulls */
    for (uint32_t i = 0; i < state->left_count; i++) {
        show_row(&state->shown[i], &state->null_words[i], state->outer->columns[i], row);
        state->columns[i] = &state->shown[i];
    }
    for (uint32_t i = 0; i < state->right_count && !is_semi; i++) {
        uint32_t at = state->left_count + i;
        show_null(&state->shown[at], &state->null_words[at], node->plan->input_types[at]->rep);
        state->columns[at] = &state->shown[at];
    }
    state->batch = (rdb_batch){.columns = state->columns, .column_count = state->left_count + (is_semi ? 0 : state->right_count), .row_count = 1, .selection = {NULL, 1}};
    *raw = &state->batch;
}

static bool next_loop(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    loop_state *state = node->state;
    const uint8_t kind = node->plan->of.join.kind;
    *raw = NULL;
    if (state->many != NULL && node->x->substitutes == NULL && !node->x->context.snapshot->tracks_reads)
        return exec_index_loop_next(state->many, budget, raw, err);
    for (;;) {
        if (!state->in_row) {
            if (state->outer == NULL || state->position >= state->outer->selection.count) {
                if (!exec_next(node->left, budget, &state->outer, err))
                    return false;
                if (state->outer == NULL)
                    return true;
                state->position = 0;
            }
            uint32_t row = rdb_selected(&state->outer->selection, state->position);
            if (!set_parameters(node, row, err) || !exec_begin(node->right, err))
                return false;
            state->in_row = true;
            state->has_match = false;
        }
        uint32_t row = rdb_selected(&state->outer->selection, state->position);
        rdb_batch *inner = NULL;
        if (!exec_next(node->right, state->condition == NULL && (kind == RDB_JOIN_SEMI || kind == RDB_JOIN_ANTI) ? 1 : budget, &inner, err))
            return false;
        if (inner == NULL) {
            state->in_row = false;
            state->position++;
            if (!state->has_match && (kind == RDB_JOIN_LEFT || kind == RDB_JOIN_ANTI)) {
                give_left_alone(node, row, raw);
                return true;
            }
            continue;
        }
        for (uint32_t i = 0; i < state->left_count; i++) {
            show_row(&state->shown[i], &state->null_words[i], state->outer->columns[i], row);
            state->columns[i] = &state->shown[i];
        }
        for (uint32_t i = 0; i < state->right_count; i++)
            state->columns[state->left_count + i] = inner->columns[i];
        state->batch = *inner;
        state->batch.columns = state->columns;
        state->batch.column_count = state->left_count + state->right_count;
        if (state->condition != NULL) {
            uint32_t kept = 0;
            if (inner->selection.count > state->rows_capacity) {
                state->rows_capacity = inner->selection.count <= 16 ? 16 : RDB_MAX(RDB_BATCH_ROWS, inner->selection.count);
                state->rows = rdb_arena_try_alloc(node->x->arena, state->rows_capacity * sizeof *state->rows, err);
                if (state->rows == NULL)
                    return false;
            }
            if (!rdb_program_filter(state->condition, &node->x->eval, node->arena, &state->batch, &inner->selection, state->rows, &kept, err)) {
                if (kept == 0)
                    return false;
                exec_set_pending(node, err);
            }
            if (node->statistics != NULL)
                node->statistics->rows_filtered_by_join += inner->selection.count - kept;
            if (kept == 0)
                continue;
            state->batch.selection = (rdb_selection){state->rows, kept};
        }
        state->has_match = true;
        if (kind == RDB_JOIN_SEMI || kind == RDB_JOIN_ANTI) {
            state->in_row = false;
            state->position++;
            if (kind == RDB_JOIN_ANTI)
                continue;
            give_left_alone(node, row, raw);
            return true;
        }
        *raw = &state->batch;
        return true;
    }
}

const exec_ops exec_nest_loop_ops = {open_loop, begin_loop, next_loop, close_loop};
