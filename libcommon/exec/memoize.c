/* SPDX-License-Identifier: Apache-2.0
 * Memoize: the inner side of a nested loop, whose rows are kept by the values that the loop sets, so that the same values give the same
 * rows without running it again.
 *
 * What is kept lies in two generations, each of half the memory that hashing may have. What is read or found goes to the younger one; when
 * that is full the older one is dropped and they change places: so what was not asked for since goes first. An entry that was not read to
 * its end (the loop had enough) is not used. A result that fills a generation alone is handed on and not kept. */
#include "exec/exec_spill.h"

typedef struct memo_entry { /* its key is the row of the same number in keys */
    uint32_t first_row, row_count;
    bool is_whole;
} memo_entry;

typedef struct memo_generation {
    exec_store keys, rows;
    exec_hash_table table;
    rdb_arena *arena;          /* of table and entries */
    memo_entry *entries;
    uint32_t count, capacity, whole_count;
} memo_generation;

typedef enum memo_mode { MEMO_KEPT, MEMO_READ_AND_KEEP, MEMO_READ } memo_mode;

typedef struct memoize_state {
    uint8_t *reps, *key_reps;
    const rdb_type **key_types;
    uint32_t *key_collations;
    rdb_vector *keys, **key_columns; /* the values of this turn, one row */
    memo_generation generations[2];
    memo_generation *young, *old;
    uint64_t bytes_each;
    memo_mode mode;
    memo_generation *serving;  /* MEMO_KEPT: rows next ... end - 1 of it */
    uint32_t next, end;
    uint32_t entry_no;         /* MEMO_READ_AND_KEEP: of young */
    uint32_t *sequence;        /* 0, 1, 2, ... */
    rdb_vector **columns;
    rdb_batch batch;
} memoize_state;

/* ---- generations ---------------------------------------------------------------------------------------------------------------- */
static bool clear_generation(memo_generation *generation, rdb_error *err)
{
    enum { EXPECTED = 256 };
    exec_store_clear(&generation->keys);
    exec_store_clear(&generation->rows);
    rdb_arena_reset(generation->arena);
    generation->entries = NULL;
    generation->count = generation->capacity = generation->whole_count = 0;
    return exec_hash_init(&generation->table, generation->arena, EXPECTED, err);
}

static uint64_t bytes_of(const memo_generation *generation)
{
    return rdb_arena_bytes(generation->keys.arena) + rdb_arena_bytes(generation->rows.arena) + rdb_arena_bytes(generation->arena);
}

static bool same_bytes(const rdb_type *type, const rdb_vector *left, uint32_t left_row, const rdb_vector *right, uint32_t right_row)
{
    const bool left_is_null = rdb_vector_is_null(left, left_row), right_is_null = rdb_vector_is_null(right, right_row);
    if (left_is_null || right_is_null)
        return left_is_null && right_is_null;
    const rdb_datum a = rdb_vector_get(left, left_row), b = rdb_vector_get(right, right_row);
    if (type->rep == RDB_REP_BYTES)
        return a.bytes.length == b.bytes.length && memcmp(a.bytes.data, b.bytes.data, a.bytes.length) == 0;
    return memcmp(&a, &b, rdb_rep_width((rdb_rep)type->rep)) == 0;
}

/* The entry of the keys of this turn, plus one; 0: there is none. */
static uint32_t find_entry(const exec_node *node, const memo_generation *generation, uint64_t hash)
{
    const memoize_state *state = node->state;
    const rdb_plan_node *plan = node->plan;
    for (uint32_t at = exec_hash_first(&generation->table, hash); at != 0; at = exec_hash_next(&generation->table, at)) {
        bool is_same = true;
        for (uint32_t i = 0; is_same && i < plan->of.memoize.keys.count; i++) {
            const rdb_vector *kept = exec_store_column(&generation->keys, at - 1, i);
            const uint32_t row = EXEC_ROW_IN_CHUNK(at - 1);
            is_same = plan->of.memoize.is_binary ? same_bytes(state->key_types[i], kept, row, &state->keys[i], 0)
                                                 : exec_values_equal(state->key_types[i], state->key_collations[i], kept, row, &state->keys[i], 0);
        }
        if (is_same)
            return at;
    }
    return 0;
}

/* The entry of the keys of this turn in the younger generation, without rows as yet. */
static bool add_entry(exec_node *node, uint64_t hash, rdb_error *err)
{
    memoize_state *state = node->state;
    memo_generation *young = state->young;
    const rdb_selection one = {NULL, 1};
    const uint32_t found = find_entry(node, young, hash); /* one that was not read to its end */
    if (found == 0) {
        if (young->count == young->capacity) {
            const uint32_t capacity = young->capacity * 2 + 64;
            young->entries = rdb_arena_try_grow(young->arena, young->entries, young->count * sizeof *young->entries, capacity * sizeof *young->entries, err);
            if (young->entries == NULL)
                return false;
            young->capacity = capacity;
        }
        if (!exec_store_append(&young->keys, state->key_columns, node->plan->of.memoize.keys.count, NULL, 0, &one, err) || !exec_hash_add(&young->table, hash, true, err))
            return false;
        young->count++;
    }
    state->entry_no = found != 0 ? found - 1 : young->count - 1;
    young->entries[state->entry_no] = (memo_entry){.first_row = young->rows.row_count};
    return true;
}

/* ---- rows of a generation ------------------------------------------------------------------------------------------------------- */
static void serve(memoize_state *state, memo_generation *generation, const memo_entry *entry)
{
    state->mode = MEMO_KEPT;
    state->serving = generation;
    state->next = entry->first_row;
    state->end = entry->first_row + entry->row_count;
}

static void next_kept(exec_node *node, uint32_t budget, rdb_batch *batch)
{
    memoize_state *state = node->state;
    const uint32_t in_chunk = EXEC_ROW_IN_CHUNK(state->next), count = RDB_MIN(RDB_MIN(state->end - state->next, budget), RDB_BATCH_ROWS - in_chunk);
    exec_store_chunk(&state->serving->rows, state->next / RDB_BATCH_ROWS, 0, node->plan->input_count, state->columns, batch);
    batch->selection = (rdb_selection){state->sequence + in_chunk, count};
    state->next += count;
}

/* What was asked for again moves on to the younger generation. */
static bool promote(exec_node *node, uint32_t old_entry, uint64_t hash, rdb_error *err)
{
    memoize_state *state = node->state;
    memo_entry *entry = &state->old->entries[old_entry];
    if (!add_entry(node, hash, err))
        return false;
    serve(state, state->old, entry);
    while (state->next < state->end) {
        next_kept(node, RDB_BATCH_ROWS, &state->batch);
        if (!exec_store_append(&state->young->rows, state->batch.columns, state->batch.column_count, NULL, 0, &state->batch.selection, err))
            return false;
    }
    memo_entry *moved = &state->young->entries[state->entry_no];
    moved->row_count = entry->row_count;
    moved->is_whole = true;
    state->young->whole_count++;
    state->old->whole_count--;
    entry->is_whole = false;
    serve(state, state->young, moved);
    return true;
}

/* ---- the operator ------------------------------------------------------------------------------------------------------------------ */
static bool open_memoize(exec_node *node, rdb_error *err)
{
    rdb_execution *x = node->x;
    const rdb_plan_node *plan = node->plan;
    const uint32_t key_count = plan->of.memoize.keys.count;
    memoize_state *state = node->state = RDB_NEW(x->arena, memoize_state);
    state->reps = RDB_NEW_ARRAY(x->arena, uint8_t, plan->input_count + 1);
    state->columns = RDB_NEW_ARRAY(x->arena, rdb_vector *, plan->input_count + 1);
    for (uint32_t i = 0; i < plan->input_count; i++)
        state->reps[i] = plan->input_types[i]->rep;
    state->key_reps = RDB_NEW_ARRAY(x->arena, uint8_t, key_count + 1);
    state->key_types = RDB_NEW_ARRAY(x->arena, const rdb_type *, key_count + 1);
    state->key_collations = RDB_NEW_ARRAY(x->arena, uint32_t, key_count + 1);
    state->keys = RDB_NEW_ARRAY(x->arena, rdb_vector, key_count + 1);
    state->key_columns = RDB_NEW_ARRAY(x->arena, rdb_vector *, key_count + 1);
    for (uint32_t i = 0; i < key_count; i++) {
        const rdb_expr *key = plan->of.memoize.keys.items[i];
        state->key_types[i] = key->type;
        state->key_collations[i] = key->collation;
        state->key_reps[i] = key->type->rep;
        state->key_columns[i] = &state->keys[i];
        if (!rdb_vector_init(&state->keys[i], x->arena, (rdb_rep)key->type->rep, 1, err))
            return false;
    }
    state->sequence = RDB_NEW_ARRAY(x->arena, uint32_t, RDB_BATCH_ROWS);
    for (uint32_t i = 0; i < RDB_BATCH_ROWS; i++)
        state->sequence[i] = i;
    for (int g = 0; g < 2; g++) {
        memo_generation *generation = &state->generations[g];
        generation->arena = exec_arena(x, "memoize");
        if (generation->arena == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        if (!exec_store_init(&generation->keys, x, state->key_reps, key_count, err) || !exec_store_init(&generation->rows, x, state->reps, plan->input_count, err))
            return false;
    }
    state->young = &state->generations[0];
    state->old = &state->generations[1];
    return exec_check_hashable(state->key_types, key_count, err);
}

static void close_memoize(exec_node *node)
{
    memoize_state *state = node->state;
    for (int g = 0; state != NULL && g < 2; g++) {
        exec_store_deinit(&state->generations[g].keys);
        exec_store_deinit(&state->generations[g].rows);
        rdb_arena_destroy(state->generations[g].arena);
    }
}

static void read_keys(exec_node *node)
{
    memoize_state *state = node->state;
    for (uint32_t i = 0; i < node->plan->of.memoize.keys.count; i++) {
        const rdb_parameter *parameter = &node->x->eval.execution_values[((const rdb_expr_param *)node->plan->of.memoize.keys.items[i])->param_no];
        rdb_vector_clear_nulls(&state->keys[i]);
        rdb_vector_put(&state->keys[i], 0, parameter->value, parameter->is_null);
    }
}

/* A full generation makes room: the older one is dropped. */
static bool make_room(exec_node *node, rdb_error *err)
{
    memoize_state *state = node->state;
    memo_generation *old = state->old;
    if (bytes_of(state->young) <= state->bytes_each)
        return true;
    if (node->statistics != NULL)
        node->statistics->evictions += old->whole_count;
    state->old = state->young;
    state->young = old;
    return clear_generation(old, err);
}

static bool begin_memoize(exec_node *node, rdb_error *err)
{
    memoize_state *state = node->state;
    const rdb_selection one = {NULL, 1};
    uint64_t hash = 0;
    if (node->x->substitutes != NULL) { /* another row stands for one of those that were read */
        state->mode = MEMO_READ;
        return exec_begin(node->left, err);
    }
    if (node->built_run != node->x->run_no) {
        const uint64_t bytes = exec_hash_memory(node->x);
        state->bytes_each = bytes == UINT64_MAX ? UINT64_C(2) << 20 : bytes / 2;
        if (!clear_generation(state->young, err) || !clear_generation(state->old, err))
            return false;
        node->built_run = node->x->run_no;
    }
    read_keys(node);
    exec_hash_keys(state->key_types, state->key_collations, state->key_columns, node->plan->of.memoize.keys.count, &one, &hash, NULL);
    const uint32_t young = find_entry(node, state->young, hash);
    if (young != 0 && state->young->entries[young - 1].is_whole) {
        if (node->statistics != NULL)
            node->statistics->hits++;
        serve(state, state->young, &state->young->entries[young - 1]);
        return true;
    }
    const uint32_t old = find_entry(node, state->old, hash);
    if (old != 0 && state->old->entries[old - 1].is_whole) {
        if (node->statistics != NULL)
            node->statistics->hits++;
        return promote(node, old - 1, hash, err);
    }
    if (node->statistics != NULL)
        node->statistics->misses++;
    state->mode = MEMO_READ_AND_KEEP;
    return make_room(node, err) && add_entry(node, hash, err) && exec_begin(node->left, err);
}

/* Rows that were read, for the entry; too many of them are not kept. */
static bool keep_rows(exec_node *node, const rdb_batch *batch, rdb_error *err)
{
    memoize_state *state = node->state;
    memo_generation *young = state->young;
    if (!exec_store_append(&young->rows, batch->columns, node->plan->input_count, NULL, 0, &batch->selection, err))
        return false;
    young->entries[state->entry_no].row_count += batch->selection.count;
    if (node->statistics != NULL)
        node->statistics->memory_bytes = RDB_MAX(node->statistics->memory_bytes, bytes_of(young) + bytes_of(state->old));
    if (bytes_of(young) <= 2 * state->bytes_each)
        return true;
    if (node->statistics != NULL) {
        node->statistics->overflows++;
        node->statistics->evictions += young->whole_count;
    }
    state->mode = MEMO_READ;
    return clear_generation(young, err);
}

static bool next_memoize(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    memoize_state *state = node->state;
    *raw = NULL;
    if (state->mode == MEMO_KEPT) {
        if (state->next < state->end) {
            next_kept(node, budget, &state->batch);
            *raw = &state->batch;
        }
        return true;
    }
    if (!exec_next(node->left, budget, raw, err))
        return false;
    if (state->mode == MEMO_READ)
        return true;
    if (*raw != NULL)
        return keep_rows(node, *raw, err);
    state->young->entries[state->entry_no].is_whole = true;
    state->young->whole_count++;
    state->mode = MEMO_KEPT; /* should it be asked again: there is no more */
    state->next = state->end = 0;
    return true;
}

const exec_ops exec_memoize_ops = {open_memoize, begin_memoize, next_memoize, close_memoize};
