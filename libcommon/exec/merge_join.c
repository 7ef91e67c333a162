/* SPDX-License-Identifier: Apache-2.0
 * MergeJoin. Both sides come sorted by their keys and are read once, side by side. The right side's rows are kept from the first one
 * that may still find a partner: a run of equal keys meets every left row of that key, however many batches it spans, and what lies
 * before it is dropped before the next batch is read. A null among its keys leaves a row without a partner.
 *
 * Pairs are collected while left batch and kept rows stay as they are, and are put out before either changes. */
#include "exec/exec_int.h"

typedef struct merge_state {
    rdb_program *left_keys, *right_keys, *condition;
    uint32_t left_count, right_count, key_count;
    bool keeps_left, keeps_right, is_semi, shows_right;
    bool one_by_one;           /* the condition decides who is without a partner: pairs of one left row at a time */
    const rdb_plan_key *orders;
    rdb_batch *outer;          /* left batch */
    uint32_t position;         /* in its selection */
    rdb_vector **left_values;
    rdb_arena *key_arena;      /* keys of the left batch */
    exec_store store;          /* right columns, then right keys */
    exec_store spare;          /* empty; where a run moves to that many rows stand before */
    rdb_vector **moving;       /* one a column of the store */
    uint32_t right_at;         /* first kept row that has met nobody greater yet */
    bool left_done, right_done;
    bool in_run;               /* the left row equals run_start's key */
    bool is_run_closed;
    uint32_t run_start, run_end, at; /* kept rows of one key; the next partner */
    bool left_matched;         /* one by one: the current left row */
    uint8_t *right_matched;    /* one by one: by kept row */
    uint32_t right_matched_capacity;
    uint32_t *left_rows, *right_rows, *rows; /* pairs; UINT32_MAX: null */
    uint32_t count;
    bool are_joined;           /* they are pairs of two rows: the condition is asked */
    rdb_vector **columns;
    rdb_batch batch;
} merge_state;

static uint32_t output_columns(const rdb_plan_node *plan)
{
    return plan->passes_through ? plan->input_count : plan->targets.count;
}

static uint8_t output_rep(const rdb_plan_node *plan, uint32_t i)
{
    return plan->passes_through ? plan->input_types[i]->rep : ((const rdb_target *)plan->targets.items[i])->expr->type->rep;
}

static bool open_merge(exec_node *node, rdb_error *err)
{
    const rdb_plan_join *join = &node->plan->of.join;
    rdb_arena *arena = node->x->arena;
    merge_state *state = node->state = RDB_NEW(arena, merge_state);
    state->left_count = output_columns(node->plan->left);
    state->right_count = output_columns(node->plan->right);
    state->key_count = join->key_count;
    state->orders = join->orders;
    state->keeps_left = join->kind == RDB_JOIN_LEFT || join->kind == RDB_JOIN_FULL || join->kind == RDB_JOIN_ANTI;
    state->keeps_right = join->kind == RDB_JOIN_RIGHT || join->kind == RDB_JOIN_FULL;
    state->is_semi = join->kind == RDB_JOIN_SEMI || join->kind == RDB_JOIN_ANTI;
    state->shows_right = node->plan->input_count > state->left_count;
    state->one_by_one = join->condition.count > 0 && join->kind != RDB_JOIN_INNER;
    state->left_values = RDB_NEW_ARRAY(arena, rdb_vector *, join->key_count + 1);
    uint8_t *reps = RDB_NEW_ARRAY(arena, uint8_t, state->right_count + join->key_count + 1);
    for (uint32_t i = 0; i < state->right_count; i++)
        reps[i] = output_rep(node->plan->right, i);
    for (uint32_t i = 0; i < join->key_count; i++)
        reps[state->right_count + i] = join->right_keys[i]->type->rep;
    state->key_arena = exec_arena(node->x, "merge keys");
    if (state->key_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    state->moving = RDB_NEW_ARRAY(arena, rdb_vector *, state->right_count + join->key_count + 1);
    return exec_store_init(&state->store, node->x, reps, state->right_count + join->key_count, err) &&
           exec_store_init(&state->spare, node->x, reps, state->right_count + join->key_count, err) && exec_check_sortable(join->orders, join->key_count, err) &&
           (join->key_count == 0 || (exec_compile(node->x, &state->left_keys, join->left_keys, join->key_count, err) && exec_compile(node->x, &state->right_keys, join->right_keys, join->key_count, err))) &&
           exec_compile_list(node->x, &state->condition, &join->condition, err);
}

static void close_merge(exec_node *node)
{
    merge_state *state = node->state;
    if (state == NULL)
        return;
    exec_store_deinit(&state->store);
    exec_store_deinit(&state->spare);
    rdb_arena_destroy(state->key_arena);
}

static bool begin_merge(exec_node *node, rdb_error *err)
{
    merge_state *state = node->state;
    state->outer = NULL;
    state->position = state->right_at = state->count = state->run_start = state->run_end = 0;
    state->left_done = state->right_done = state->in_run = state->left_matched = false;
    exec_store_clear(&state->store);
    return exec_begin(node->left, err) && exec_begin(node->right, err);
}

static bool make_output(exec_node *node, rdb_error *err)
{
    merge_state *state = node->state;
    rdb_arena *arena = node->x->arena;
    if (state->columns != NULL)
        return true;
    const uint32_t count = state->left_count + state->right_count;
    rdb_vector **columns = RDB_NEW_ARRAY(arena, rdb_vector *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = RDB_NEW(arena, rdb_vector);
        if (!rdb_vector_init(columns[i], arena, i < state->left_count ? output_rep(node->plan->left, i) : output_rep(node->plan->right, i - state->left_count), RDB_BATCH_ROWS, err))
            return false;
    }
    state->left_rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->right_rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->columns = columns;
    return true;
}

/* ---- the two sides ---------------------------------------------------------------------------------------------------------------- */
static bool fetch_left(exec_node *node, uint32_t budget, rdb_error *err)
{
    merge_state *state = node->state;
    uint32_t good = 0;
    state->position = 0;
    if (!exec_next(node->left, budget, &state->outer, err))
        return false;
    if (state->outer == NULL) {
        state->left_done = true;
        return true;
    }
    rdb_arena_reset(state->key_arena);
    if (state->left_keys != NULL && !rdb_program_run(state->left_keys, &node->x->eval, state->key_arena, state->outer, &state->outer->selection, &good, err))
        return false;
    for (uint32_t k = 0; k < state->key_count; k++)
        state->left_values[k] = rdb_program_result(state->left_keys, k);
    return true;
}

/* The run goes on in the next batch: what lies before it goes. No pair is waiting to be put out. */
static bool drop_before_run(merge_state *state, rdb_error *err)
{
    const uint32_t first = state->run_start, end = state->store.row_count;
    uint32_t rows[RDB_BATCH_ROWS];
    for (uint32_t at = first; at < end;) {
        const uint32_t chunk_no = at / RDB_BATCH_ROWS, stop = RDB_MIN(end, (chunk_no + 1) * RDB_BATCH_ROWS);
        rdb_batch batch;
        rdb_selection selection = {rows, stop - at};
        for (uint32_t i = 0; i < stop - at; i++)
            rows[i] = EXEC_ROW_IN_CHUNK(at + i);
        exec_store_chunk(&state->store, chunk_no, 0, state->store.column_count, state->moving, &batch);
        if (!exec_store_append(&state->spare, state->moving, state->store.column_count, NULL, 0, &selection, err))
            return false;
        at = stop;
    }
    if (state->one_by_one && state->keeps_right)
        memmove(state->right_matched, state->right_matched + first, end - first);
    exec_store_clear(&state->store);
    const exec_store emptied = state->store;
    state->store = state->spare;
    state->spare = emptied;
    state->run_start -= first;
    state->run_end -= first;
    state->right_at -= first;
    state->at -= first;
    return true;
}

/* Appends the next right batch to the kept rows. */
static bool fetch_right(exec_node *node, uint32_t budget, rdb_error *err)
{
    merge_state *state = node->state;
    rdb_batch *batch = NULL;
    uint32_t good = 0;
    rdb_vector *keys[64];
    if (!exec_next(node->right, budget, &batch, err))
        return false;
    if (batch == NULL) {
        state->right_done = true;
        return true;
    }
    if (state->right_keys != NULL && !rdb_program_run(state->right_keys, &node->x->eval, node->arena, batch, &batch->selection, &good, err))
        return false;
    for (uint32_t k = 0; k < state->key_count; k++)
        keys[k] = rdb_program_result(state->right_keys, k);
    if (!exec_store_append(&state->store, batch->columns, state->right_count, keys, state->key_count, &batch->selection, err))
        return false;
    if (state->one_by_one && state->keeps_right && state->store.row_count > state->right_matched_capacity) {
        const uint32_t capacity = state->store.row_count * 2;
        uint8_t *larger = rdb_arena_try_alloc(node->x->arena, capacity, err);
        if (larger == NULL)
            return false;
        if (state->right_matched_capacity > 0)
            memcpy(larger, state->right_matched, state->right_matched_capacity);
        state->right_matched = larger;
        state->right_matched_capacity = capacity;
    }
    return true;
}

static bool left_has_null(const merge_state *state, uint32_t row)
{
    for (uint32_t k = 0; k < state->key_count; k++)
        if (rdb_vector_is_null(state->left_values[k], row))
            return true;
    return false;
}

static bool right_has_null(const merge_state *state, uint32_t row)
{
    for (uint32_t k = 0; k < state->key_count; k++)
        if (rdb_vector_is_null(exec_store_column(&state->store, row, state->right_count + k), EXEC_ROW_IN_CHUNK(row)))
            return true;
    return false;
}

static int compare_sides(const merge_state *state, uint32_t left_row, uint32_t right_row)
{
    int order = 0;
    for (uint32_t k = 0; k < state->key_count && order == 0; k++)
        order = exec_values_compare(&state->orders[k], state->left_values[k], left_row, exec_store_column(&state->store, right_row, state->right_count + k), EXEC_ROW_IN_CHUNK(right_row));
    return order;
}

static bool same_key(const merge_state *state, uint32_t one, uint32_t other)
{
    for (uint32_t k = 0; k < state->key_count; k++)
        if (exec_values_compare(&state->orders[k], exec_store_column(&state->store, one, state->right_count + k), EXEC_ROW_IN_CHUNK(one),
                                exec_store_column(&state->store, other, state->right_count + k), EXEC_ROW_IN_CHUNK(other)) != 0)
            return false;
    return true;
}

/* ---- pairs -------------------------------------------------------------------------------------------------------------------------- */
static void put(merge_state *state, uint32_t left, uint32_t right)
{
    state->left_rows[state->count] = left;
    state->right_rows[state->count++] = right;
    state->are_joined = left != UINT32_MAX && right != UINT32_MAX;
}

static void gather(merge_state *state)
{
    for (uint32_t c = 0; c < state->left_count; c++) {
        rdb_vector *target = state->columns[c];
        rdb_vector_clear_nulls(target);
        for (uint32_t i = 0; i < state->count; i++) {
            if (state->left_rows[i] == UINT32_MAX)
                rdb_vector_set_null(target, i);
            else
                rdb_vector_copy_row(target, i, state->outer->columns[c], state->left_rows[i]);
        }
    }
    for (uint32_t c = 0; c < state->right_count && (state->shows_right || state->are_joined); c++)
        exec_store_gather(&state->store, c, state->right_rows, state->count, state->columns[state->left_count + c]);
    state->batch = (rdb_batch){.columns = state->columns, .column_count = state->left_count + state->right_count, .row_count = state->count, .selection = {NULL, state->count}};
}

/* Puts out what was collected. *raw NULL: the condition left nothing. */
static bool flush(exec_node *node, rdb_batch **raw, rdb_error *err)
{
    merge_state *state = node->state;
    uint32_t kept = state->count;
    gather(state);
    if (state->condition != NULL && state->are_joined) {
        if (!rdb_program_filter(state->condition, &node->x->eval, node->arena, &state->batch, &state->batch.selection, state->rows, &kept, err))
            return false;
        if (node->statistics != NULL)
            node->statistics->rows_filtered_by_join += state->count - kept;
        state->left_matched |= kept > 0;
        for (uint32_t i = 0; i < kept && state->one_by_one && state->keeps_right; i++)
            state->right_matched[state->right_rows[state->rows[i]]] = 1;
        state->batch.selection = (rdb_selection){state->rows, kept};
        if (state->is_semi)
            kept = 0; /* that there is a partner is all that matters */
    }
    state->count = 0;
    if (kept > 0)
        *raw = &state->batch;
    return true;
}

/* The current left row has met all its partners. */
static void leave_left(merge_state *state, uint32_t row, bool matched)
{
    if (state->is_semi ? matched != state->keeps_left : !matched && state->keeps_left)
        put(state, row, UINT32_MAX);
    state->position++;
    state->left_matched = false;
}

typedef enum merge_step { MERGE_ON, MERGE_FLUSH, MERGE_LEFT, MERGE_RIGHT, MERGE_END } merge_step;

/* The left row's key is that of the run: its next partner, or the next left row. */
static merge_step step_in_run(merge_state *state)
{
    const uint32_t row = rdb_selected(&state->outer->selection, state->position);
    if (state->at < state->run_end) {
        if (state->one_by_one && state->count > 0 && !state->are_joined)
            return MERGE_FLUSH;
        put(state, row, state->at++);
        return MERGE_ON;
    }
    if (!state->is_run_closed) {
        if (state->run_end == state->store.row_count && !state->right_done)
            return MERGE_RIGHT;
        state->is_run_closed = state->run_end == state->store.row_count || !same_key(state, state->run_start, state->run_end);
        if (!state->is_run_closed && state->one_by_one && state->keeps_right)
            state->right_matched[state->run_end] = 0;
        state->run_end += !state->is_run_closed;
        return MERGE_ON;
    }
    if (state->one_by_one && state->count > 0)
        return MERGE_FLUSH; /* who matched is known after that */
    leave_left(state, row, state->one_by_one ? state->left_matched : true);
    state->in_run = false;
    return MERGE_ON;
}

/* No later left row has the run's key: its rows without a partner, one at a time, then what follows it. */
static merge_step leave_run(merge_state *state)
{
    state->right_at = state->run_end;
    for (; state->one_by_one && state->keeps_right && state->run_start < state->run_end; state->run_start++)
        if (!state->right_matched[state->run_start]) {
            if (state->count > 0 && state->are_joined)
                return MERGE_FLUSH;
            put(state, UINT32_MAX, state->run_start++);
            return MERGE_ON;
        }
    state->run_start = state->run_end;
    return MERGE_ON;
}

static merge_step step(merge_state *state)
{
    const bool has_left = state->outer != NULL && state->position < state->outer->selection.count;
    if (!has_left && !state->left_done)
        return MERGE_LEFT;
    const uint32_t row = has_left ? rdb_selected(&state->outer->selection, state->position) : 0;
    if (has_left && left_has_null(state, row)) {
        leave_left(state, row, false);
        return MERGE_ON;
    }
    if (state->run_start < state->run_end) {
        if (!has_left || compare_sides(state, row, state->run_end - 1) != 0)
            return leave_run(state);
        state->at = state->run_start;
        state->in_run = true;
        return MERGE_ON;
    }
    if (state->right_at == state->store.row_count) {
        if (!state->right_done)
            return MERGE_RIGHT;
        if (!has_left || !state->keeps_left)
            return MERGE_END;
        leave_left(state, row, false);
        return MERGE_ON;
    }
    if (!has_left && !state->keeps_right)
        return MERGE_END;
    const int order = has_left && !right_has_null(state, state->right_at) ? compare_sides(state, row, state->right_at) : 1;
    if (order < 0) {
        leave_left(state, row, false);
    } else if (order > 0) {
        if (state->keeps_right)
            put(state, UINT32_MAX, state->right_at);
        state->right_at++;
    } else if (state->is_semi && !state->one_by_one) {
        leave_left(state, row, true);
    } else {
        state->run_start = state->at = state->right_at;
        state->run_end = state->run_start + 1;
        state->is_run_closed = false;
        state->in_run = true;
        if (state->one_by_one && state->keeps_right)
            state->right_matched[state->run_start] = 0;
    }
    return MERGE_ON;
}

static bool next_merge(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    merge_state *state = node->state;
    const uint32_t limit = RDB_MIN(budget, RDB_BATCH_ROWS);
    *raw = NULL;
    if (!make_output(node, err))
        return false;
    while (*raw == NULL) {
        merge_step what = MERGE_ON;
        while (what == MERGE_ON && state->count < limit)
            what = state->in_run ? step_in_run(state) : step(state);
        if (state->count > 0) {
            if (!flush(node, raw, err))
                return false;
            continue;
        }
        switch (what) {
        case MERGE_LEFT:
            if (!fetch_left(node, budget, err))
                return false;
            break;
        case MERGE_RIGHT:
            if (!state->in_run) { /* nothing of what is kept is needed any more */
                exec_store_clear(&state->store);
                state->right_at = state->run_start = state->run_end = 0;
            } else if (state->run_start >= RDB_BATCH_ROWS && !drop_before_run(state, err)) {
                return false;
            }
            if (!fetch_right(node, budget, err))
                return false;
            break;
        case MERGE_END: return true;
        default: break;
        }
    }
    return true;
}

const exec_ops exec_merge_join_ops = {open_merge, begin_merge, next_merge, close_merge};
