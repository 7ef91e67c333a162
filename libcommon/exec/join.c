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
    return exec_compile_list(node->x, &state->condition, &join->condition, err);
}

static void close_loop(exec_node *node)
{
    if (node->state != NULL)
        rdb_arena_destroy(((loop_state *)node->state)->arena);
}

static bool begin_loop(exec_node *node, rdb_error *err)
{
    loop_state *state = node->state;
    state->outer = NULL;
    state->in_row = false;
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
    bool is_semi = node->plan->of.join.kind == RDB_JOIN_SEMI || node->plan->of.join.kind == RDB_JOIN_ANTI;
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

/* ---- HashJoin -------------------------------------------------------------------------------------------------------------------- */
typedef struct hash_state {
    rdb_program *left_keys, *right_keys, *condition;
    uint32_t left_count, right_count, key_count;
    const rdb_type **key_types;
    uint32_t *key_collations;
    exec_store store;          /* right columns, then right keys */
    exec_hash_table table;
    rdb_arena *table_arena;
    rdb_arena *probe_arena;    /* left keys of the current left batch */
    bool rebuilds;             /* the right side may differ at each turn */
    uint8_t *right_matched;    /* RIGHT, FULL: by stored row */
    /* the left batch being probed */
    rdb_batch *outer;
    uint64_t *hashes;
    bool *has_null, *left_matched;
    rdb_vector **left_keys_now;
    uint32_t position, chain;  /* where in it, and in which chain (entry + 1) */
    bool in_chain, is_draining;
    uint32_t drain_position;
    uint32_t probe_capacity;
    /* output */
    uint32_t *left_rows, *right_rows, *rows;
    rdb_vector **columns;      /* left then right, flat, filled by gathering */
    bool has_columns, left_done;
    uint32_t unmatched_at;     /* RIGHT, FULL: next stored row to look at */
    rdb_batch batch;
} hash_state;

static bool open_hash(exec_node *node, rdb_error *err)
{
    const rdb_plan_join *join = &node->plan->of.join;
    rdb_arena *arena = node->x->arena;
    hash_state *state = node->state = RDB_NEW(arena, hash_state);
    state->left_count = output_columns(node->plan->left);
    state->right_count = output_columns(node->plan->right);
    state->key_count = join->key_count;
    state->key_types = RDB_NEW_ARRAY(arena, const rdb_type *, join->key_count + 1);
    state->key_collations = RDB_NEW_ARRAY(arena, uint32_t, join->key_count + 1);
    for (uint32_t i = 0; i < join->key_count; i++) {
        state->key_types[i] = join->right_keys[i]->type;
        state->key_collations[i] = join->right_keys[i]->collation;
    }
    state->left_keys_now = RDB_NEW_ARRAY(arena, rdb_vector *, join->key_count + 1);
    uint8_t *reps = RDB_NEW_ARRAY(arena, uint8_t, state->right_count + join->key_count + 1);
    const rdb_plan_node *right = node->plan->right;
    for (uint32_t i = 0; i < state->right_count; i++)
        reps[i] = right->passes_through ? right->input_types[i]->rep : ((rdb_target *)right->targets.items[i])->expr->type->rep;
    for (uint32_t i = 0; i < join->key_count; i++)
        reps[state->right_count + i] = join->right_keys[i]->type->rep;
    state->rebuilds = node->right->reads_parameters;
    for (uint32_t i = 0; i < join->key_count; i++)
        state->rebuilds |= exec_reads_parameters(join->right_keys[i]);
    state->table_arena = exec_arena(node->x, "hash table");
    state->probe_arena = exec_arena(node->x, "probe");
    if (state->table_arena == NULL || state->probe_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return exec_store_init(&state->store, node->x, reps, state->right_count + join->key_count, err) &&
           exec_check_hashable(state->key_types, join->key_count, err) &&
           exec_compile(node->x, &state->left_keys, join->left_keys, join->key_count, err) &&
           exec_compile(node->x, &state->right_keys, join->right_keys, join->key_count, err) &&
           exec_compile_list(node->x, &state->condition, &join->condition, err);
}

static void close_hash(exec_node *node)
{
    hash_state *state = node->state;
    if (state == NULL)
        return;
    exec_store_deinit(&state->store);
    rdb_arena_destroy(state->table_arena);
    rdb_arena_destroy(state->probe_arena);
}

static bool build_table(exec_node *node, rdb_error *err)
{
    hash_state *state = node->state;
    const uint8_t kind = node->plan->of.join.kind;
    bool keeps_null = kind == RDB_JOIN_RIGHT || kind == RDB_JOIN_FULL;
    exec_store_clear(&state->store);
    rdb_arena_reset(state->table_arena);
    uint64_t *hashes = rdb_arena_alloc(state->table_arena, RDB_BATCH_ROWS * sizeof *hashes);
    bool *has_null = rdb_arena_alloc(state->table_arena, RDB_BATCH_ROWS);
    uint32_t *rows = rdb_arena_alloc(state->table_arena, RDB_BATCH_ROWS * sizeof *rows);
    rdb_vector **keys = RDB_NEW_ARRAY(state->table_arena, rdb_vector *, state->key_count + 1);
    if (!exec_hash_init(&state->table, state->table_arena, (uint32_t)RDB_MIN(RDB_MAX(node->plan->right->rows, 16), 1 << 20), err) || !exec_begin(node->right, err))
        return false;
    for (;;) {
        rdb_batch *batch = NULL;
        uint32_t good = 0;
        if (!exec_next(node->right, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            break;
        if (!rdb_program_run(state->right_keys, &node->x->eval, node->arena, batch, &batch->selection, &good, err))
            return false;
        for (uint32_t k = 0; k < state->key_count; k++)
            keys[k] = rdb_program_result(state->right_keys, k);
        exec_hash_keys(state->key_types, state->key_collations, keys, state->key_count, &batch->selection, hashes, has_null);
        rdb_selection selection = batch->selection;
        uint32_t kept = 0;
        RDB_FOR_SELECTED (&batch->selection, row) {
            if (has_null[row_at] && !keeps_null)
                continue;
            if (!exec_hash_add(&state->table, hashes[row_at], !has_null[row_at], err))
                return false;
            rows[kept++] = row;
        }
        selection = (rdb_selection){rows, kept};
        if (!exec_store_append(&state->store, batch->columns, state->right_count, keys, state->key_count, &selection, err))
            return false;
        rdb_arena_reset(node->arena);
    }
    if (keeps_null) {
        state->right_matched = rdb_arena_try_alloc(state->table_arena, state->store.row_count + 1, err);
        if (state->right_matched == NULL)
            return false;
    }
    if (node->statistics != NULL)
        node->statistics->memory_bytes = rdb_arena_bytes(state->table_arena) + rdb_arena_bytes(state->store.arena);
    return true;
}

static bool begin_hash(exec_node *node, rdb_error *err)
{
    hash_state *state = node->state;
    state->outer = NULL;
    state->in_chain = state->is_draining = state->left_done = false;
    state->unmatched_at = 0;
    if (node->built_run != node->x->run_no || state->rebuilds) {
        node->built_run = node->x->run_no;
        if (!build_table(node, err))
            return false;
    }
    if (state->right_matched != NULL)
        memset(state->right_matched, 0, state->store.row_count + 1);
    return exec_begin(node->left, err);
}

static bool fetch_outer(exec_node *node, uint32_t budget, rdb_error *err)
{
    hash_state *state = node->state;
    rdb_arena *arena = node->x->arena;
    if (!exec_next(node->left, budget, &state->outer, err))
        return false;
    if (state->outer == NULL)
        return true;
    uint32_t rows = RDB_MAX(state->outer->row_count, state->outer->selection.count);
    if (rows > state->probe_capacity) {
        uint32_t capacity = rows <= 16 ? 16 : RDB_MAX(rows, RDB_BATCH_ROWS);
        state->hashes = rdb_arena_try_alloc(arena, capacity * sizeof *state->hashes, err);
        state->has_null = rdb_arena_try_alloc(arena, 2 * (size_t)capacity, err);
        if (state->hashes == NULL || state->has_null == NULL)
            return false;
        state->left_matched = state->has_null + capacity;
        state->probe_capacity = capacity;
    }
    rdb_arena_reset(state->probe_arena);
    memset(state->left_matched, 0, state->outer->selection.count);
    state->position = 0;
    state->in_chain = state->is_draining = false;
    return true;
}

static bool make_output(exec_node *node, rdb_error *err)
{
    hash_state *state = node->state;
    const uint8_t kind = node->plan->of.join.kind;
    bool is_semi = kind == RDB_JOIN_SEMI || kind == RDB_JOIN_ANTI;
    if (state->has_columns)
        return true;
    uint32_t count = state->left_count + state->right_count;
    rdb_arena *arena = node->x->arena;
    state->columns = RDB_NEW_ARRAY(arena, rdb_vector *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const rdb_plan_node *side = i < state->left_count ? node->plan->left : node->plan->right;
        uint32_t at = i < state->left_count ? i : i - state->left_count;
        uint8_t rep = side->passes_through ? side->input_types[at]->rep : ((rdb_target *)side->targets.items[at])->expr->type->rep;
        state->columns[i] = RDB_NEW(arena, rdb_vector);
        if ((!is_semi || state->condition != NULL) && !rdb_vector_init(state->columns[i], arena, rep, RDB_BATCH_ROWS, err))
            return false;
    }
    state->left_rows = rdb_arena_alloc(arena, RDB_BATCH_ROWS * sizeof *state->left_rows);
    state->right_rows = rdb_arena_alloc(arena, RDB_BATCH_ROWS * sizeof *state->right_rows);
    state->rows = rdb_arena_alloc(arena, RDB_BATCH_ROWS * sizeof *state->rows);
    state->has_columns = true;
    return true;
}

/* left_rows are positions in outer's selection (UINT32_MAX: null), right_rows stored rows. */
static void gather(hash_state *state, uint32_t count)
{
    for (uint32_t c = 0; c < state->left_count; c++) {
        rdb_vector *target = state->columns[c];
        rdb_vector_clear_nulls(target);
        for (uint32_t i = 0; i < count; i++) {
            if (state->left_rows[i] == UINT32_MAX)
                rdb_vector_set_null(target, i);
            else
                rdb_vector_copy_row(target, i, state->outer->columns[c], rdb_selected(&state->outer->selection, state->left_rows[i]));
        }
    }
    for (uint32_t c = 0; c < state->right_count; c++)
        exec_store_gather(&state->store, c, state->right_rows, count, state->columns[state->left_count + c]);
    state->batch = (rdb_batch){.columns = state->columns, .column_count = state->left_count + state->right_count, .row_count = count, .selection = {NULL, count}};
}

static bool keys_equal(const hash_state *state, uint32_t row, uint32_t entry)
{
    for (uint32_t k = 0; k < state->key_count; k++)
        if (!exec_values_equal(state->key_types[k], state->key_collations[k], state->left_keys_now[k], row,
                               exec_store_column(&state->store, entry, state->right_count + k), EXEC_ROW_IN_CHUNK(entry)))
            return false;
    return true;
}

/* Fills left_rows, right_rows with the next pairs. Without a condition a left row without a partner is put out in its place
 * (LEFT, FULL), and SEMI and ANTI need no pairs at all. */
static uint32_t find_pairs(exec_node *node, uint32_t limit)
{
    hash_state *state = node->state;
    const uint8_t kind = node->plan->of.join.kind;
    bool keeps_left = kind == RDB_JOIN_LEFT || kind == RDB_JOIN_FULL, is_semi = kind == RDB_JOIN_SEMI || kind == RDB_JOIN_ANTI;
    uint32_t count = 0;
    while (state->position < state->outer->selection.count && count < limit) {
        uint32_t row = rdb_selected(&state->outer->selection, state->position);
        uint64_t hash = state->hashes[state->position];
        if (!state->in_chain) {
            state->chain = state->has_null[state->position] ? 0 : exec_hash_first(&state->table, hash);
            state->in_chain = true;
        }
        while (state->chain != 0 && count < limit) {
            uint32_t entry = state->chain - 1;
            state->chain = state->table.next[entry];
            if (state->table.hashes[entry] != hash || !keys_equal(state, row, entry))
                continue;
            if (state->condition == NULL) {
                state->left_matched[state->position] = true;
                if (state->right_matched != NULL)
                    state->right_matched[entry] = 1;
                if (is_semi) {
                    state->chain = 0;
                    break;
                }
            } else if (is_semi && state->left_matched[state->position]) {
                state->chain = 0;
                break;
            }
            state->left_rows[count] = state->position;
            state->right_rows[count++] = entry;
        }
        if (state->chain != 0)
            break;
        if (keeps_left && state->condition == NULL && !state->left_matched[state->position]) {
            if (count == limit)
                break;
            state->left_matched[state->position] = true;
            state->left_rows[count] = state->position;
            state->right_rows[count++] = UINT32_MAX;
        }
        state->position++;
        state->in_chain = false;
    }
    return count;
}

/* After all pairs of the left batch: the left rows that SEMI, ANTI, LEFT and FULL still owe. */
static bool drain_left(exec_node *node, uint32_t limit, rdb_batch **raw)
{
    hash_state *state = node->state;
    const uint8_t kind = node->plan->of.join.kind;
    uint32_t count = 0;
    if (kind == RDB_JOIN_INNER || kind == RDB_JOIN_RIGHT)
        return false;
    bool wanted = kind == RDB_JOIN_SEMI, is_semi = wanted || kind == RDB_JOIN_ANTI;
    for (; state->drain_position < state->outer->selection.count && count < limit; state->drain_position++) {
        if (state->left_matched[state->drain_position] != wanted)
            continue;
        if (is_semi) {
            state->rows[count++] = rdb_selected(&state->outer->selection, state->drain_position);
        } else {
            state->left_rows[count] = state->drain_position;
            state->right_rows[count++] = UINT32_MAX;
        }
    }
    if (count == 0)
        return false;
    if (is_semi) {
        state->batch = *state->outer;
        state->batch.selection = (rdb_selection){state->rows, count};
    } else {
        gather(state, count);
    }
    *raw = &state->batch;
    return true;
}

static bool drain_right(exec_node *node, uint32_t limit, rdb_batch **raw)
{
    hash_state *state = node->state;
    uint32_t count = 0;
    if (state->right_matched == NULL)
        return false;
    for (; state->unmatched_at < state->store.row_count && count < limit; state->unmatched_at++) {
        if (state->right_matched[state->unmatched_at])
            continue;
        state->left_rows[count] = UINT32_MAX;
        state->right_rows[count++] = state->unmatched_at;
    }
    if (count == 0)
        return false;
    gather(state, count);
    *raw = &state->batch;
    return true;
}

static bool next_hash(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    hash_state *state = node->state;
    const uint8_t kind = node->plan->of.join.kind;
    uint32_t limit = RDB_MIN(budget, RDB_BATCH_ROWS);
    *raw = NULL;
    if (!make_output(node, err))
        return false;
    if (state->store.row_count == 0 && (kind == RDB_JOIN_INNER || kind == RDB_JOIN_SEMI || kind == RDB_JOIN_RIGHT))
        return true; /* nothing to meet: the left side need not be read */
    while (!state->left_done) {
        if (state->outer == NULL) {
            if (!fetch_outer(node, budget, err))
                return false;
            if (state->outer == NULL) {
                state->left_done = true;
                break;
            }
            uint32_t good = 0;
            if (!rdb_program_run(state->left_keys, &node->x->eval, state->probe_arena, state->outer, &state->outer->selection, &good, err))
                return false;
            for (uint32_t k = 0; k < state->key_count; k++)
                state->left_keys_now[k] = rdb_program_result(state->left_keys, k);
            exec_hash_keys(state->key_types, state->key_collations, state->left_keys_now, state->key_count, &state->outer->selection, state->hashes, state->has_null);
        }
        if (!state->is_draining) {
            uint32_t count = find_pairs(node, limit);
            if (count > 0) {
                gather(state, count);
                if (state->condition != NULL) {
                    uint32_t kept = 0;
                    if (!rdb_program_filter(state->condition, &node->x->eval, node->arena, &state->batch, &state->batch.selection, state->rows, &kept, err))
                        return false;
                    if (node->statistics != NULL)
                        node->statistics->rows_filtered_by_join += count - kept;
                    for (uint32_t i = 0; i < kept; i++) {
                        state->left_matched[state->left_rows[state->rows[i]]] = true;
                        if (state->right_matched != NULL)
                            state->right_matched[state->right_rows[state->rows[i]]] = 1;
                    }
                    state->batch.selection = (rdb_selection){state->rows, kept};
                    if (kept == 0 || kind == RDB_JOIN_SEMI || kind == RDB_JOIN_ANTI)
                        continue;
                }
                *raw = &state->batch;
                return true;
            }
            state->is_draining = true;
            state->drain_position = 0;
        }
        if (drain_left(node, limit, raw))
            return true;
        state->outer = NULL;
    }
    (void)drain_right(node, limit, raw);
    return true;
}

const exec_ops exec_hash_join_ops = {open_hash, begin_hash, next_hash, close_hash};
