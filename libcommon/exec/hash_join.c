/* SPDX-License-Identifier: Apache-2.0
 * HashJoin. The right side is kept by column under a hash table and the left side's batches go past it.
 *
 * Where the right side outgrows its memory both sides are parted by the high bits of the hash (Grace; the partitions that
 * fit stay in memory, so that left rows for them never touch the disk), and pair after pair of partitions is joined. A
 * partition that is still too large is parted by the next bits. One that does not part (a single value) is joined whole: its
 * memory is bounded by the server's account alone. */
#include "exec/exec_spill.h"

static uint32_t output_columns(const rdb_plan_node *plan)
{
    return plan->passes_through ? plan->input_count : plan->targets.count;
}

/* Two partitions to be joined. The last one of a set closes the set. */
typedef struct hash_pair {
    struct hash_pair *next;
    exec_partitions *build_set, *probe_set;
    exec_tape *build, *probe;
    uint32_t level;
    bool is_whole;             /* parting it does not help */
} hash_pair;

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
    bool is_exact;             /* equal hashes are equal keys */
    uint32_t *heads;           /* by position of outer's selection: the first entry of the row's hash (entry + 1) */
    uint32_t drain_position;
    uint32_t probe_capacity;
    /* output */
    uint32_t *left_rows, *right_rows, *rows, *gathered;
    rdb_vector **columns;      /* left then right */
    rdb_vector **own_columns;  /* flat, filled by gathering */
    bool is_beside;            /* the batch has the left rows where outer has them: gathered, by pair */
    bool has_columns, left_done;
    bool shows_right;          /* ANTI gives its right columns, as nulls */
    uint32_t unmatched_at;     /* RIGHT, FULL: next stored row to look at */
    rdb_batch batch;
    /* spilling */
    uint8_t *build_reps, *probe_reps;
    bool is_spilled, was_spilled;
    uint16_t resident;         /* first pass: bit p, partition p is in memory */
    struct hash_pair *pairs;   /* waiting */
    hash_pair *current;        /* NULL: the first pass */
    exec_partitions *first_build, *first_probe;
    exec_reader probe_reader;
    rdb_batch outer_batch;     /* the left rows of this pass */
    uint32_t *outer_rows;
    uint64_t *spill_hashes;
    uint32_t *spill_rows;
    uint32_t batch_count;
    uint64_t *build_hashes;    /* of the right batch at hand */
    bool *build_nulls;
    uint32_t *build_rows;
    rdb_vector **build_keys;
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
        state->key_collations[i] = join->key_collations[i];
    }
    state->left_keys_now = RDB_NEW_ARRAY(arena, rdb_vector *, join->key_count + 1);
    uint8_t *reps = RDB_NEW_ARRAY(arena, uint8_t, state->right_count + join->key_count + 1);
    const rdb_plan_node *right = node->plan->right;
    for (uint32_t i = 0; i < state->right_count; i++)
        reps[i] = right->passes_through ? right->input_types[i]->rep : ((rdb_target *)right->targets.items[i])->expr->type->rep;
    for (uint32_t i = 0; i < join->key_count; i++)
        reps[state->right_count + i] = join->right_keys[i]->type->rep;
    reps[state->right_count + join->key_count] = RDB_REP_INT64; /* the hash, in partitions */
    state->build_reps = reps;
    state->probe_reps = RDB_NEW_ARRAY(arena, uint8_t, state->left_count + 1);
    const rdb_plan_node *left = node->plan->left;
    for (uint32_t i = 0; i < state->left_count; i++)
        state->probe_reps[i] = left->passes_through ? left->input_types[i]->rep : ((rdb_target *)left->targets.items[i])->expr->type->rep;
    state->probe_reps[state->left_count] = RDB_REP_INT64;
    state->is_exact = exec_hash_is_exact(state->key_types, join->key_count);
    state->shows_right = join->kind == RDB_JOIN_ANTI && node->plan->input_count > state->left_count;
    state->rebuilds = node->right != NULL && node->right->reads_parameters;
    for (uint32_t i = 0; i < join->key_count; i++)
        state->rebuilds |= exec_reads_parameters(join->right_keys[i]);
    state->table_arena = exec_arena(node->x, "hash table");
    state->probe_arena = exec_arena(node->x, "probe");
    if (state->table_arena == NULL || state->probe_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return (node->right == NULL || exec_store_init(&state->store, node->x, reps, state->right_count + join->key_count, err)) &&
           exec_check_hashable(state->key_types, join->key_count, err) &&
           exec_compile(node->x, &state->left_keys, join->left_keys, join->key_count, err) &&
           exec_compile(node->x, &state->right_keys, join->right_keys, join->key_count, err) &&
           exec_compile_list(node->x, &state->condition, &join->condition, err);
}

/* ---- pairs of partitions -------------------------------------------------------------------------------------------------- */
static void finish_pair(hash_pair *pair)
{
    exec_tape_deinit(pair->build);
    exec_tape_deinit(pair->probe);
    if (--pair->build_set->pending == 0) {
        exec_partitions_close(&pair->build_set);
        exec_partitions_close(&pair->probe_set);
    }
}

static void drop_pairs(hash_state *state)
{
    exec_reader_deinit(&state->probe_reader);
    if (state->current != NULL)
        finish_pair(state->current);
    state->current = NULL;
    for (hash_pair *pair; (pair = state->pairs) != NULL;) {
        state->pairs = pair->next;
        finish_pair(pair);
    }
    exec_partitions_close(&state->first_build); /* of a first pass that did not end */
    exec_partitions_close(&state->first_probe);
    state->is_spilled = false;
}

/* All partitions of two sets wait for their turn, except those that the first pass joins. */
static void push_pairs(exec_node *node, exec_partitions *build, exec_partitions *probe, uint32_t level, uint16_t done, uint64_t whole_rows)
{
    hash_state *state = node->state;
    build->pending = 0;
    for (uint32_t p = EXEC_PARTITIONS; p-- > 0;) {
        if (done >> p & 1) {
            exec_tape_deinit(&build->tapes[p]);
            exec_tape_deinit(&probe->tapes[p]);
            continue;
        }
        hash_pair *pair = RDB_NEW(node->x->arena, hash_pair);
        *pair = (hash_pair){.next = state->pairs, .build_set = build, .probe_set = probe, .build = &build->tapes[p], .probe = &probe->tapes[p], .level = level,
                            .is_whole = whole_rows > 0 && build->tapes[p].row_count == whole_rows};
        state->pairs = pair;
        build->pending++;
        state->batch_count++;
    }
    if (build->pending == 0) {
        exec_partitions_close(&build);
        exec_partitions_close(&probe);
    }
}

static uint64_t memory_of(const hash_state *state)
{
    return rdb_arena_bytes(state->store.arena) + rdb_arena_bytes(state->table_arena);
}

static bool init_table(exec_node *node, double rows, rdb_error *err)
{
    hash_state *state = node->state;
    uint64_t most = RDB_MAX(exec_hash_memory(node->x) / 128, 16);
    state->right_matched = NULL;
    return exec_hash_init(&state->table, state->table_arena, (uint32_t)RDB_MIN(RDB_MIN(RDB_MAX(rows, 16), 1 << 20), (double)most), err);
}

static bool reserve_matched(exec_node *node, rdb_error *err)
{
    hash_state *state = node->state;
    const uint8_t kind = node->plan->of.join.kind;
    state->unmatched_at = 0;
    if (kind != RDB_JOIN_RIGHT && kind != RDB_JOIN_FULL)
        return true;
    state->right_matched = rdb_arena_try_alloc(state->table_arena, state->store.row_count + (size_t)1, err);
    if (state->right_matched != NULL)
        memset(state->right_matched, 0, state->store.row_count + (size_t)1);
    return state->right_matched != NULL;
}

/* Adds the rows of one partition to the table. */
static bool load_rows(exec_node *node, exec_tape *tape, rdb_error *err)
{
    hash_state *state = node->state;
    uint32_t columns = state->right_count + state->key_count;
    exec_reader reader;
    rdb_batch batch;
    bool ok = exec_reader_init(&reader, tape, err);
    while (ok && (ok = exec_reader_next(&reader, RDB_BATCH_ROWS, &batch, err)) && batch.selection.count > 0) {
        uint64_t hashes[RDB_BATCH_ROWS];
        bool has_null[RDB_BATCH_ROWS];
        RDB_FOR_SELECTED (&batch.selection, row) {
            has_null[row_at] = false;
            hashes[row_at] = RDB_AT(batch.columns[columns], uint64_t, row);
            for (uint32_t k = 0; k < state->key_count && !has_null[row_at]; k++)
                has_null[row_at] = rdb_vector_is_null(batch.columns[state->right_count + k], row);
        }
        ok = rdb_cancel_check(node->x->context.cancel, err) && exec_store_append(&state->store, batch.columns, columns, NULL, 0, &batch.selection, err) &&
             exec_hash_add_batch(&state->table, hashes, has_null, batch.selection.count, err);
    }
    exec_reader_deinit(&reader);
    return ok;
}

static bool part_tape(exec_node *node, exec_tape *tape, exec_partitions *set, uint32_t level, uint32_t columns, rdb_error *err)
{
    exec_reader reader;
    rdb_batch batch;
    uint64_t hashes[RDB_BATCH_ROWS];
    bool ok = exec_reader_init(&reader, tape, err);
    while (ok && (ok = exec_reader_next(&reader, RDB_BATCH_ROWS, &batch, err)) && batch.selection.count > 0) {
        RDB_FOR_SELECTED (&batch.selection, row)
            hashes[row_at] = RDB_AT(batch.columns[columns], uint64_t, row);
        ok = rdb_cancel_check(node->x->context.cancel, err) && exec_partitions_put(set, level, batch.columns, columns, NULL, 0, &batch.selection, hashes, err);
    }
    exec_reader_deinit(&reader);
    return ok;
}

/* The next pair becomes the current one, its right rows in the table. *found false: there is none. */
static bool next_pair(exec_node *node, bool *found, rdb_error *err)
{
    hash_state *state = node->state;
    const uint8_t kind = node->plan->of.join.kind;
    bool keeps_left = kind == RDB_JOIN_LEFT || kind == RDB_JOIN_FULL || kind == RDB_JOIN_ANTI, keeps_right = kind == RDB_JOIN_RIGHT || kind == RDB_JOIN_FULL;
    uint64_t memory = exec_hash_memory(node->x);
    *found = false;
    exec_reader_deinit(&state->probe_reader);
    if (state->current != NULL)
        finish_pair(state->current);
    state->current = NULL;
    for (hash_pair *pair; (pair = state->pairs) != NULL;) {
        state->pairs = pair->next;
        if ((pair->build->row_count == 0 && !keeps_left) || (pair->probe->row_count == 0 && !keeps_right)) {
            finish_pair(pair);
            continue;
        }
        state->current = pair;
        if (!pair->is_whole && pair->level + 1 < EXEC_PARTITION_LEVELS && exec_tape_bytes(pair->build) + pair->build->row_count * 32 > memory) {
            exec_partitions *build = NULL, *probe = NULL;
            bool ok = exec_partitions_open(&build, node->x, state->build_reps, state->right_count + state->key_count + 1, memory, err) &&
                      part_tape(node, pair->build, build, pair->level + 1, state->right_count + state->key_count, err) &&
                      exec_partitions_open(&probe, node->x, state->probe_reps, state->left_count + 1, memory, err) &&
                      part_tape(node, pair->probe, probe, pair->level + 1, state->left_count, err);
            if (!ok) {
                exec_partitions_close(&build);
                exec_partitions_close(&probe);
                return false;
            }
            push_pairs(node, build, probe, pair->level + 1, 0, pair->build->row_count);
            finish_pair(pair);
            state->current = NULL;
            continue;
        }
        exec_store_clear(&state->store);
        rdb_arena_reset(state->table_arena);
        *found = true;
        return init_table(node, (double)pair->build->row_count, err) && load_rows(node, pair->build, err) && reserve_matched(node, err) &&
               exec_reader_init(&state->probe_reader, pair->probe, err);
    }
    return true;
}

/* The right side does not fit: what there is of it goes to partitions, and so will the rest. */
static bool spill_build(exec_node *node, rdb_error *err)
{
    hash_state *state = node->state;
    rdb_vector **columns = RDB_NEW_ARRAY(node->x->arena, rdb_vector *, state->store.column_count + 1);
    uint64_t memory = exec_hash_memory(node->x);
    state->is_spilled = state->was_spilled = true;
    if (!exec_partitions_open(&state->first_build, node->x, state->build_reps, state->store.column_count + 1, memory, err))
        return false;
    for (uint32_t chunk = 0; chunk < state->store.chunk_count; chunk++) {
        rdb_batch batch;
        uint64_t hashes[RDB_BATCH_ROWS];
        exec_store_chunk(&state->store, chunk, 0, state->store.column_count, columns, &batch);
        for (uint32_t i = 0; i < batch.row_count; i++)
            hashes[i] = state->table.entries[(size_t)chunk * RDB_BATCH_ROWS + i].hash;
        if (!exec_partitions_put(state->first_build, 0, columns, state->store.column_count, NULL, 0, &batch.selection, hashes, err))
            return false;
    }
    exec_store_clear(&state->store);
    return true;
}

/* After the right side's end: partitions as they fit go back to memory for the first pass. */
static bool choose_resident(exec_node *node, rdb_error *err)
{
    hash_state *state = node->state;
    uint64_t memory = exec_hash_memory(node->x), used = 0;
    rdb_arena_reset(state->table_arena);
    if (!init_table(node, 16, err) || !exec_partitions_open(&state->first_probe, node->x, state->probe_reps, state->left_count + 1, memory, err))
        return false;
    state->resident = 0;
    for (uint32_t p = 0; p < EXEC_PARTITIONS; p++) {
        exec_tape *tape = &state->first_build->tapes[p];
        used += exec_tape_bytes(tape) + tape->row_count * 48;
        if (used > memory)
            break;
        state->resident |= (uint16_t)(1u << p);
        if (!load_rows(node, tape, err))
            return false;
    }
    return true;
}

/* First pass: left rows of partitions that are not in memory go to theirs. The rest stays in outer, hashes and all. */
static bool part_outer(exec_node *node, rdb_error *err)
{
    hash_state *state = node->state;
    const rdb_batch *outer = state->outer;
    uint32_t here = 0, away = 0;
    RDB_FOR_SELECTED (&outer->selection, row) {
        if (state->has_null[row_at] || state->resident >> exec_partition_of(state->hashes[row_at], 0) & 1) {
            state->outer_rows[here] = row;
            state->hashes[here] = state->hashes[row_at];
            state->has_null[here++] = state->has_null[row_at];
        } else {
            state->spill_rows[away] = row;
            state->spill_hashes[away++] = state->hashes[row_at];
        }
    }
    state->outer_batch = *outer;
    state->outer_batch.selection = (rdb_selection){state->outer_rows, here};
    state->outer = &state->outer_batch;
    const rdb_selection leaving = {state->spill_rows, away};
    return away == 0 || exec_partitions_put(state->first_probe, 0, outer->columns, state->left_count, NULL, 0, &leaving, state->spill_hashes, err);
}

static void close_hash(exec_node *node)
{
    hash_state *state = node->state;
    if (state == NULL)
        return;
    drop_pairs(state);
    if (node->right != NULL)
        exec_store_deinit(&state->store);
    rdb_arena_destroy(state->table_arena);
    rdb_arena_destroy(state->probe_arena);
}

static bool build_table(exec_node *node, rdb_error *err)
{
    hash_state *state = node->state;
    const uint8_t kind = node->plan->of.join.kind;
    bool keeps_null = kind == RDB_JOIN_RIGHT || kind == RDB_JOIN_FULL;
    uint64_t memory = exec_hash_memory(node->x);
    drop_pairs(state);
    exec_store_clear(&state->store);
    rdb_arena_reset(state->table_arena);
    rdb_arena *arena = node->x->arena;
    if (state->build_hashes == NULL) {
        state->build_hashes = rdb_arena_alloc(arena, RDB_BATCH_ROWS * sizeof *state->build_hashes);
        state->build_nulls = rdb_arena_alloc(arena, RDB_BATCH_ROWS);
        state->build_rows = rdb_arena_alloc(arena, RDB_BATCH_ROWS * sizeof *state->build_rows);
        state->build_keys = RDB_NEW_ARRAY(arena, rdb_vector *, state->key_count + 1);
    }
    uint64_t *hashes = state->build_hashes;
    bool *has_null = state->build_nulls;
    uint32_t *rows = state->build_rows;
    state->batch_count = 1;
    state->was_spilled = false;
    if (!init_table(node, node->plan->right->rows, err) || !exec_begin(node->right, err))
        return false;
    for (;;) {
        rdb_batch *batch = NULL;
        uint32_t good = 0, kept = 0;
        if (!exec_next(node->right, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            break;
        if (!rdb_program_run(state->right_keys, &node->x->eval, node->arena, batch, &batch->selection, &good, err))
            return false;
        for (uint32_t k = 0; k < state->key_count; k++)
            state->build_keys[k] = rdb_program_result(state->right_keys, k);
        exec_hash_keys(state->key_types, state->key_collations, state->build_keys, state->key_count, &batch->selection, hashes, has_null);
        RDB_FOR_SELECTED (&batch->selection, row) {
            if (has_null[row_at] && !keeps_null)
                continue;
            hashes[kept] = hashes[row_at];
            has_null[kept] = has_null[row_at];
            rows[kept++] = row;
        }
        if (!state->is_spilled && !exec_hash_add_batch(&state->table, hashes, has_null, kept, err))
            return false;
        const rdb_selection selection = {rows, kept};
        if (state->is_spilled ? !exec_partitions_put(state->first_build, 0, batch->columns, state->right_count, state->build_keys, state->key_count, &selection, hashes, err)
                              : !exec_store_append(&state->store, batch->columns, state->right_count, state->build_keys, state->key_count, &selection, err))
            return false;
        rdb_arena_reset(node->arena);
        if (!state->is_spilled && memory_of(state) > memory && state->store.row_count > 64 && !spill_build(node, err))
            return false;
    }
    return (!state->is_spilled || choose_resident(node, err)) && reserve_matched(node, err);
}

bool exec_hash_join_is_shareable(const exec_node *node)
{
    const hash_state *state = node->state;
    return !state->is_spilled;
}

/* In a thread of a Gather: the table that the asker has built, to be read alone. */
static void borrow_table(exec_node *node)
{
    hash_state *state = node->state;
    const hash_state *built = node->x->leader->nodes[node->plan->node_no]->state;
    state->store = built->store;
    state->table = built->table;
}

static bool begin_hash(exec_node *node, rdb_error *err)
{
    hash_state *state = node->state;
    state->outer = NULL;
    state->in_chain = state->is_draining = state->left_done = false;
    state->unmatched_at = 0;
    if (node->right == NULL) {
        borrow_table(node);
    } else if (node->built_run != node->x->run_no || state->rebuilds || state->was_spilled) {
        node->built_run = node->x->run_no;
        if (!build_table(node, err))
            return false;
    }
    if (state->right_matched != NULL)
        memset(state->right_matched, 0, state->store.row_count + (size_t)1);
    return exec_begin(node->left, err);
}

static bool reserve_probe(exec_node *node, uint32_t rows, rdb_error *err)
{
    hash_state *state = node->state;
    rdb_arena *arena = node->x->arena;
    if (rows <= state->probe_capacity)
        return true;
    uint32_t capacity = rows <= 16 ? 16 : RDB_MAX(rows, RDB_BATCH_ROWS);
    state->hashes = rdb_arena_try_alloc(arena, 2 * capacity * sizeof *state->hashes, err);
    state->has_null = rdb_arena_try_alloc(arena, 2 * (size_t)capacity, err);
    state->outer_rows = rdb_arena_try_alloc(arena, 2 * capacity * sizeof *state->outer_rows, err);
    state->heads = rdb_arena_try_alloc(arena, capacity * sizeof *state->heads, err);
    if (state->heads == NULL || state->hashes == NULL || state->has_null == NULL || state->outer_rows == NULL)
        return false;
    state->left_matched = state->has_null + capacity;
    state->spill_hashes = state->hashes + capacity;
    state->spill_rows = state->outer_rows + capacity;
    state->probe_capacity = capacity;
    return true;
}

/* The next left rows, from the left side or, in later passes, from their partition. outer NULL: the pass has no more. */
static bool fetch_outer(exec_node *node, uint32_t budget, rdb_error *err)
{
    hash_state *state = node->state;
    uint32_t good = 0;
    if (state->current == NULL) {
        if (!exec_next(node->left, budget, &state->outer, err))
            return false;
    } else {
        state->outer = NULL;
        if (!exec_reader_next(&state->probe_reader, RDB_BATCH_ROWS, &state->outer_batch, err))
            return false;
        if (state->outer_batch.selection.count > 0) {
            state->outer = &state->outer_batch;
            state->outer->column_count = state->left_count;
        }
    }
    if (state->outer == NULL)
        return true;
    if (!reserve_probe(node, RDB_MAX(state->outer->row_count, state->outer->selection.count), err))
        return false;
    rdb_arena_reset(state->probe_arena);
    if (!rdb_program_run(state->left_keys, &node->x->eval, state->probe_arena, state->outer, &state->outer->selection, &good, err))
        return false;
    for (uint32_t k = 0; k < state->key_count; k++)
        state->left_keys_now[k] = rdb_program_result(state->left_keys, k);
    exec_hash_keys(state->key_types, state->key_collations, state->left_keys_now, state->key_count, &state->outer->selection, state->hashes, state->has_null);
    if (state->is_spilled && state->current == NULL && !part_outer(node, err))
        return false;
    memset(state->left_matched, 0, state->outer->selection.count);
    exec_hash_find(&state->table, state->hashes, state->outer->selection.count, state->heads);
    for (uint32_t k = 0; k < state->key_count; k++)
        for (uint32_t i = 0; i < state->outer->selection.count && state->left_keys_now[k]->nulls != NULL; i++)
            state->heads[i] = state->has_null[i] ? 0 : state->heads[i];
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
    state->own_columns = RDB_NEW_ARRAY(arena, rdb_vector *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const rdb_plan_node *side = i < state->left_count ? node->plan->left : node->plan->right;
        uint32_t at = i < state->left_count ? i : i - state->left_count;
        uint8_t rep = side->passes_through ? side->input_types[at]->rep : ((rdb_target *)side->targets.items[at])->expr->type->rep;
        state->columns[i] = state->own_columns[i] = RDB_NEW(arena, rdb_vector);
        if ((!is_semi || state->condition != NULL || state->shows_right) && !rdb_vector_init(state->columns[i], arena, rep, RDB_BATCH_ROWS, err))
            return false;
    }
    state->left_rows = rdb_arena_alloc(arena, RDB_BATCH_ROWS * sizeof *state->left_rows);
    state->right_rows = rdb_arena_alloc(arena, RDB_BATCH_ROWS * sizeof *state->right_rows);
    state->rows = rdb_arena_alloc(arena, RDB_BATCH_ROWS * sizeof *state->rows);
    state->gathered = rdb_arena_alloc(arena, RDB_BATCH_ROWS * sizeof *state->gathered);
    state->has_columns = true;
    return true;
}

/* left_rows are positions in outer's selection (UINT32_MAX: null), right_rows stored rows. Where enough left rows have one partner
 * each they stay where they are, and the right columns are put beside them. */
static void gather(hash_state *state, uint32_t count)
{
    const rdb_selection *selection = state->outer != NULL ? &state->outer->selection : NULL;
    bool is_beside = state->outer != NULL && state->outer->row_count <= RDB_BATCH_ROWS && count * 4 >= state->outer->row_count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t position = state->left_rows[i];
        state->gathered[i] = position == UINT32_MAX ? UINT32_MAX : rdb_selected(selection, position);
        is_beside = is_beside && position != UINT32_MAX && (i == 0 || position > state->left_rows[i - 1]);
    }
    state->is_beside = is_beside;
    for (uint32_t c = 0; c < state->left_count; c++) {
        state->columns[c] = is_beside ? state->outer->columns[c] : state->own_columns[c];
        if (!is_beside && state->outer != NULL)
            exec_vector_gather(state->outer->columns[c], state->gathered, count, state->columns[c]);
        for (uint32_t i = 0; i < count && state->outer == NULL; i++) {
            if (i == 0)
                rdb_vector_clear_nulls(state->columns[c]);
            rdb_vector_set_null(state->columns[c], i);
        }
    }
    for (uint32_t c = 0; c < state->right_count; c++)
        exec_store_gather_to(&state->store, c, state->right_rows, is_beside ? state->gathered : NULL, count, state->columns[state->left_count + c]);
    state->batch = (rdb_batch){.columns = state->columns, .column_count = state->left_count + state->right_count, .row_count = is_beside ? state->outer->row_count : count,
                               .selection = {is_beside ? state->gathered : NULL, count}};
}

static bool keys_equal(const hash_state *state, uint32_t row, uint32_t entry)
{
    for (uint32_t k = 0; k < state->key_count && !state->is_exact; k++)
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
    const bool owes_left = (kind == RDB_JOIN_LEFT || kind == RDB_JOIN_FULL) && state->condition == NULL, is_semi = kind == RDB_JOIN_SEMI || kind == RDB_JOIN_ANTI;
    const uint32_t positions = state->outer->selection.count;
    uint32_t count = 0;
    for (; state->position < positions && count < limit; state->position++, state->in_chain = false) {
        const uint32_t position = state->position;
        if (!state->in_chain) {
            state->chain = state->heads[position];
            if (state->chain == 0 && !owes_left)
                continue;
            state->in_chain = true;
        }
        const uint32_t row = rdb_selected(&state->outer->selection, position);
        while (state->chain != 0 && count < limit) {
            const uint32_t entry = state->chain - 1;
            state->chain = exec_hash_next(&state->table, state->chain);
            if (!keys_equal(state, row, entry))
                continue;
            if (state->condition == NULL) {
                state->left_matched[position] = true;
                if (state->right_matched != NULL)
                    state->right_matched[entry] = 1;
                if (is_semi) {
                    state->chain = 0;
                    break;
                }
            } else if (is_semi && state->left_matched[position]) {
                state->chain = 0;
                break;
            }
            state->left_rows[count] = position;
            state->right_rows[count++] = entry;
        }
        if (state->chain != 0)
            break;
        if (owes_left && !state->left_matched[position]) {
            if (count == limit)
                break;
            state->left_matched[position] = true;
            state->left_rows[count] = position;
            state->right_rows[count++] = UINT32_MAX;
        }
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
    bool wanted = kind == RDB_JOIN_SEMI, is_semi = wanted || (kind == RDB_JOIN_ANTI && !state->shows_right);
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

/* One pass: the left rows at hand against the table. *raw NULL: it is over. */
static bool next_of_pass(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    hash_state *state = node->state;
    const uint8_t kind = node->plan->of.join.kind;
    uint32_t limit = RDB_MIN(budget, RDB_BATCH_ROWS);
    *raw = NULL;
    if (!make_output(node, err))
        return false;
    if (!state->is_spilled && state->store.row_count == 0 && (kind == RDB_JOIN_INNER || kind == RDB_JOIN_SEMI || kind == RDB_JOIN_RIGHT))
        return true; /* nothing to meet: the left side need not be read */
    while (!state->left_done) {
        if (state->outer == NULL) {
            if (!fetch_outer(node, budget, err))
                return false;
            if (state->outer == NULL) {
                state->left_done = true;
                break;
            }
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
                    for (uint32_t i = 0, pair = 0; i < kept; i++) {
                        while (state->is_beside && state->gathered[pair] != state->rows[i])
                            pair++;
                        pair = state->is_beside ? pair : state->rows[i];
                        state->left_matched[state->left_rows[pair]] = true;
                        if (state->right_matched != NULL)
                            state->right_matched[state->right_rows[pair]] = 1;
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

static bool next_hash(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    hash_state *state = node->state;
    if (node->statistics != NULL && memory_of(state) > node->statistics->memory_bytes)
        node->statistics->memory_bytes = memory_of(state);
    for (;;) {
        bool found = false;
        if (!next_of_pass(node, budget, raw, err))
            return false;
        if (*raw != NULL || !state->is_spilled)
            return true;
        if (state->first_build != NULL) { /* the end of the first pass */
            exec_partitions *build = state->first_build, *probe = state->first_probe;
            if (node->statistics != NULL)
                node->statistics->disk_bytes = exec_partitions_disk(build) + exec_partitions_disk(probe);
            state->first_build = state->first_probe = NULL;
            push_pairs(node, build, probe, 0, state->resident, 0);
        }
        if (!next_pair(node, &found, err))
            return false;
        if (node->statistics != NULL)
            node->statistics->batches = state->batch_count;
        if (!found)
            return true;
        state->outer = NULL;
        state->left_done = state->is_draining = state->in_chain = false;
        state->unmatched_at = 0;
    }
}

const exec_ops exec_hash_join_ops = {open_hash, begin_hash, next_hash, close_hash};
