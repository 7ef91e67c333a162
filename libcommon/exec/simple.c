/* SPDX-License-Identifier: Apache-2.0
 * Operators that keep little: Result, ValuesScan, SubqueryScan, Append, Limit, Materialize, CteScan, WorkTableScan,
 * RecursiveUnion. */
#include "exec/exec_spill.h"

/* ---- Result: one row without columns, or the rows of its child ------------------------------------------------------------ */
typedef struct result_state {
    rdb_batch batch;
    bool is_done;
} result_state;

static bool open_result(exec_node *node, rdb_error *err)
{
    (void)err;
    node->state = RDB_NEW(node->x->arena, result_state);
    return true;
}

static bool begin_result(exec_node *node, rdb_error *err)
{
    result_state *state = node->state;
    state->is_done = false;
    return node->left == NULL || exec_begin(node->left, err);
}

static bool next_result(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    result_state *state = node->state;
    if (node->left != NULL)
        return exec_next(node->left, budget, raw, err);
    *raw = NULL;
    if (state->is_done)
        return true;
    state->is_done = true;
    state->batch = (rdb_batch){.row_count = 1, .selection = {NULL, 1}};
    *raw = &state->batch;
    return true;
}

const exec_ops exec_result_ops = {open_result, begin_result, next_result, NULL};

/* ---- SubqueryScan: the child's rows under another filter and other targets -------------------------------------------------- */
static bool begin_left(exec_node *node, rdb_error *err)
{
    return exec_begin(node->left, err);
}

static bool next_left(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    return exec_next(node->left, budget, raw, err);
}

const exec_ops exec_subquery_ops = {NULL, begin_left, next_left, NULL};

/* ---- ValuesScan ------------------------------------------------------------------------------------------------------------------ */
typedef struct values_state {
    rdb_program **rows; /* one program a row: expressions of a row are evaluated together, rows in order */
    uint32_t next_row, capacity;
    rdb_vector **vectors;
    rdb_batch batch;
} values_state;

static bool open_values(exec_node *node, rdb_error *err)
{
    const rdb_plan_node *plan = node->plan;
    values_state *state = node->state = RDB_NEW(node->x->arena, values_state);
    state->rows = rdb_arena_try_alloc(node->x->arena, (plan->of.values.row_count + 1) * sizeof *state->rows, err);
    if (state->rows == NULL)
        return false;
    for (uint32_t i = 0; i < plan->of.values.row_count; i++)
        if (!exec_compile(node->x, &state->rows[i], (rdb_expr *const *)plan->of.values.rows[i].items, plan->of.values.rows[i].count, err))
            return false;
    return true;
}

static bool begin_values(exec_node *node, rdb_error *err)
{
    (void)err;
    ((values_state *)node->state)->next_row = 0;
    return true;
}

static bool next_values(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    values_state *state = node->state;
    const rdb_plan_node *plan = node->plan;
    *raw = NULL;
    uint32_t rows = RDB_MIN(RDB_MIN(plan->of.values.row_count - state->next_row, budget), RDB_BATCH_ROWS);
    if (rows == 0)
        return true;
    if (rows > state->capacity) {
        if (!exec_make_vectors(node->x->arena, plan->input_types, plan->input_count, rows, &state->vectors, err))
            return false;
        state->capacity = rows;
    }
    for (uint32_t c = 0; c < plan->input_count; c++)
        rdb_vector_clear_nulls(state->vectors[c]);
    const rdb_selection one = {NULL, 1};
    uint32_t made = 0;
    for (; made < rows; made++) {
        uint32_t good = 0;
        rdb_program *program = state->rows[state->next_row];
        if (!rdb_program_run(program, &node->x->eval, node->arena, NULL, &one, &good, err)) {
            if (made == 0)
                return false;
            exec_set_pending(node, err);
            break;
        }
        for (uint32_t c = 0; c < plan->input_count; c++)
            rdb_vector_copy_row(state->vectors[c], made, rdb_program_result(program, c), 0);
        state->next_row++;
    }
    state->batch = (rdb_batch){.columns = state->vectors, .column_count = plan->input_count, .row_count = made, .selection = {NULL, made}};
    *raw = &state->batch;
    return true;
}

const exec_ops exec_values_ops = {open_values, begin_values, next_values, NULL};

/* ---- Append -------------------------------------------------------------------------------------------------------------------------- */
typedef struct append_state {
    uint32_t current;
    bool is_started, has_turn;
    bool *kept;              /* of this turn; NULL: those of the run */
} append_state;

static bool open_append(exec_node *node, rdb_error *err)
{
    (void)err;
    append_state *state = node->state = RDB_NEW(node->x->arena, append_state);
    if (node->prune != NULL && exec_prune_is_late(node->prune))
        state->kept = RDB_NEW_ARRAY(node->x->arena, bool, node->child_count + 1);
    return true;
}

static bool begin_append(exec_node *node, rdb_error *err)
{
    append_state *state = node->state;
    state->current = 0;
    state->is_started = state->has_turn = false;
    return exec_choose_children(node, err);
}

static bool next_append(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    append_state *state = node->state;
    *raw = NULL;
    if (state->kept != NULL && !state->has_turn && !exec_prune_turn(node->x, node->prune, state->kept, err))
        return false;
    state->has_turn = true;
    while (state->current < node->child_count) {
        exec_node *child = node->children[state->current];
        if (!state->is_started && ((node->is_kept != NULL && !node->is_kept[state->current]) || (state->kept != NULL && !state->kept[state->current]))) {
            state->current++;
            continue;
        }
        if (!state->is_started && !exec_begin(child, err))
            return false;
        state->is_started = true;
        if (!exec_next(child, budget, raw, err))
            return false;
        if (*raw != NULL)
            return true;
        state->current++;
        state->is_started = false;
    }
    return true;
}

const exec_ops exec_append_ops = {open_append, begin_append, next_append, NULL};

/* ---- Limit ---------------------------------------------------------------------------------------------------------------------------- */
typedef struct limit_state {
    rdb_program *count_program, *offset_program;
    uint64_t offset, count; /* UINT64_MAX: no limit */
    uint64_t skipped, given;
    bool is_computed, in_ties;
    rdb_batch batch;
    uint32_t *rows;
    rdb_vector **last;      /* WITH TIES: keys of the last row inside the limit */
    rdb_arena *last_arena;
} limit_state;

static bool open_limit(exec_node *node, rdb_error *err)
{
    limit_state *state = node->state = RDB_NEW(node->x->arena, limit_state);
    rdb_expr *count = node->plan->of.limit.count, *offset = node->plan->of.limit.offset;
    state->rows = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    if (node->plan->of.limit.with_ties) {
        const rdb_type **types = RDB_NEW_ARRAY(node->x->arena, const rdb_type *, node->plan->of.limit.key_count + 1);
        for (uint32_t i = 0; i < node->plan->of.limit.key_count; i++)
            types[i] = node->plan->of.limit.keys[i].type;
        state->last_arena = exec_arena(node->x, "ties");
        if (state->last_arena == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        if (!exec_make_vectors(node->x->arena, types, node->plan->of.limit.key_count, 1, &state->last, err))
            return false;
    }
    return (count == NULL || exec_compile(node->x, &state->count_program, &count, 1, err)) &&
           (offset == NULL || exec_compile(node->x, &state->offset_program, &offset, 1, err));
}

static void close_limit(exec_node *node)
{
    if (node->state != NULL)
        rdb_arena_destroy(((limit_state *)node->state)->last_arena);
}

static bool compute_limit(exec_node *node, rdb_error *err)
{
    limit_state *state = node->state;
    rdb_datum value;
    bool is_null = true;
    state->offset = 0;
    state->count = UINT64_MAX;
    if (state->offset_program != NULL) {
        if (!rdb_program_value(state->offset_program, &node->x->eval, node->arena, 0, &value, &is_null, err))
            return false;
        if (!is_null && value.i64 < 0)
            return rdb_error_set(err, RDB_INVALID_ROW_COUNT_IN_OFFSET, "OFFSET must not be negative");
        state->offset = is_null ? 0 : (uint64_t)value.i64;
    }
    if (state->count_program != NULL) {
        if (!rdb_program_value(state->count_program, &node->x->eval, node->arena, 0, &value, &is_null, err))
            return false;
        if (!is_null && value.i64 < 0)
            return rdb_error_set(err, RDB_INVALID_ROW_COUNT_IN_LIMIT, "LIMIT must not be negative");
        if (is_null && node->plan->of.limit.with_ties)
            return rdb_error_set(err, RDB_INVALID_ROW_COUNT_IN_LIMIT, "row count cannot be null in FETCH FIRST ... WITH TIES clause");
        state->count = is_null ? UINT64_MAX : (uint64_t)value.i64;
    }
    return true;
}

static bool begin_limit(exec_node *node, rdb_error *err)
{
    limit_state *state = node->state;
    state->skipped = state->given = 0;
    state->in_ties = false;
    if (!compute_limit(node, err))
        return false;
    if (node->left->ops == &exec_sort_ops)
        exec_sort_set_bound(node->left, state->count == UINT64_MAX || node->plan->of.limit.with_ties || state->count > UINT64_MAX - state->offset ? UINT64_MAX : state->count + state->offset);
    return exec_begin(node->left, err);
}

static bool ties_with_last(exec_node *node, const rdb_batch *batch, uint32_t row)
{
    limit_state *state = node->state;
    for (uint32_t i = 0; i < node->plan->of.limit.key_count; i++) {
        const rdb_plan_key *key = &node->plan->of.limit.keys[i];
        if (exec_values_compare(key, state->last[i], 0, batch->columns[key->slot_no], row) != 0)
            return false;
    }
    return true;
}

static bool keep_last(exec_node *node, const rdb_batch *batch, uint32_t row, rdb_error *err)
{
    limit_state *state = node->state;
    rdb_arena_reset(state->last_arena);
    for (uint32_t i = 0; i < node->plan->of.limit.key_count; i++) {
        const rdb_plan_key *key = &node->plan->of.limit.keys[i];
        const rdb_vector *column = batch->columns[key->slot_no];
        rdb_datum value = rdb_vector_get(column, row);
        bool is_null = rdb_vector_is_null(column, row);
        if (!is_null && !rdb_datum_copy(state->last_arena, key->type->rep, value, &value, err))
            return false;
        rdb_vector_clear_nulls(state->last[i]);
        rdb_vector_put(state->last[i], 0, value, is_null);
    }
    return true;
}

static bool next_limit(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    limit_state *state = node->state;
    *raw = NULL;
    for (;;) {
        uint64_t wanted = state->offset - state->skipped;
        if (!node->plan->of.limit.with_ties) {
            if (state->given >= state->count)
                return true;
            wanted += RDB_MIN(state->count - state->given, budget);
            if (wanted < state->offset - state->skipped)
                wanted = UINT64_MAX;
        } else {
            if (state->count == 0)
                return true;
            wanted = state->in_ties ? 1 : budget;
        }
        rdb_batch *batch = NULL;
        if (!exec_next(node->left, (uint32_t)RDB_MIN(wanted, RDB_BATCH_ROWS), &batch, err))
            return false;
        if (batch == NULL)
            return true;
        uint32_t kept = 0;
        RDB_FOR_SELECTED (&batch->selection, row) {
            if (state->skipped < state->offset) {
                state->skipped++;
                continue;
            }
            if (state->given >= state->count && (!node->plan->of.limit.with_ties || !ties_with_last(node, batch, row))) {
                state->count = state->given; /* ties end here */
                state->in_ties = false;
                if (node->plan->of.limit.with_ties)
                    state->count = 0;
                break;
            }
            state->given++;
            state->rows[kept++] = row;
            if (node->plan->of.limit.with_ties && state->given == state->count) {
                if (!keep_last(node, batch, row, err))
                    return false;
                state->in_ties = true;
            }
        }
        if (kept == 0)
            continue;
        state->batch = *batch;
        state->batch.selection = (rdb_selection){state->rows, kept};
        *raw = &state->batch;
        return true;
    }
}

const exec_ops exec_limit_ops = {open_limit, begin_limit, next_limit, close_limit};

/* ---- Materialize ------------------------------------------------------------------------------------------------------------------------ */
typedef struct materialize_state {
    exec_tape tape;
    exec_reader reader;
    bool is_full;           /* the child has been read to its end */
    rdb_batch batch;
} materialize_state;

static uint8_t *reps_of(exec_node *node)
{
    uint8_t *reps = RDB_NEW_ARRAY(node->x->arena, uint8_t, node->plan->input_count + 1);
    for (uint32_t i = 0; i < node->plan->input_count; i++)
        reps[i] = node->plan->input_types[i]->rep;
    return reps;
}

static bool open_materialize(exec_node *node, rdb_error *err)
{
    materialize_state *state = node->state = RDB_NEW(node->x->arena, materialize_state);
    return exec_tape_init(&state->tape, node->x, reps_of(node), node->plan->input_count, exec_sort_memory(node->x), err) && exec_reader_init(&state->reader, &state->tape, err);
}

static bool begin_materialize(exec_node *node, rdb_error *err)
{
    materialize_state *state = node->state;
    exec_reader_rewind(&state->reader);
    if (node->built_run == node->x->run_no && !node->left->reads_parameters)
        return true;
    node->built_run = node->x->run_no;
    exec_tape_clear(&state->tape);
    state->is_full = false;
    return exec_begin(node->left, err);
}

static bool next_materialize(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    materialize_state *state = node->state;
    *raw = NULL;
    if (state->reader.next_row >= state->tape.row_count) {
        rdb_batch *batch = NULL;
        if (state->is_full)
            return true;
        if (!exec_next(node->left, budget, &batch, err))
            return false;
        if (batch == NULL) {
            state->is_full = true;
            return true;
        }
        if (!exec_tape_append(&state->tape, batch->columns, batch->column_count, NULL, 0, &batch->selection, err))
            return false;
    }
    if (!exec_reader_next(&state->reader, budget, &state->batch, err))
        return false;
    *raw = &state->batch;
    return true;
}

static void close_materialize(exec_node *node)
{
    materialize_state *state = node->state;
    if (state == NULL)
        return;
    exec_reader_deinit(&state->reader);
    exec_tape_deinit(&state->tape);
}

const exec_ops exec_materialize_ops = {open_materialize, begin_materialize, next_materialize, close_materialize};

/* ---- CteScan: all scans of a CTE read one tape, which is filled as the first of them needs it ---------------------------------- */
typedef struct cte_state {
    exec_reader reader;
    rdb_batch batch;
} cte_state;

/* The tape is known only when all is built, and which one a work table is changes with each turn. */
static bool read_from(cte_state *state, exec_tape *tape, rdb_error *err)
{
    if (state->reader.tape == tape)
        return true;
    if (state->reader.tape == NULL)
        return exec_reader_init(&state->reader, tape, err);
    exec_reader_rewind(&state->reader);
    state->reader.tape = tape;
    return true;
}

static bool open_cte(exec_node *node, rdb_error *err)
{
    (void)err;
    node->state = RDB_NEW(node->x->arena, cte_state);
    return true;
}

static bool begin_cte(exec_node *node, rdb_error *err)
{
    (void)err;
    cte_state *state = node->state;
    if (state->reader.tape != NULL)
        exec_reader_rewind(&state->reader);
    return true;
}

static void close_cte(exec_node *node)
{
    if (node->state != NULL)
        exec_reader_deinit(&((cte_state *)node->state)->reader);
}

static bool next_cte(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    cte_state *state = node->state;
    exec_cte *cte = &node->x->ctes[node->plan->of.cte.cte_no];
    *raw = NULL;
    if (!read_from(state, cte->rows, err))
        return false;
    while (state->reader.next_row >= cte->rows->row_count) {
        rdb_batch *batch = NULL;
        if (cte->is_done)
            return true;
        if (!cte->is_started && !exec_begin(cte->node, err))
            return false;
        cte->is_started = true;
        bool is_modifying = node->x->plan->ctes[node->plan->of.cte.cte_no].is_modifying;
        if (!exec_next(cte->node, is_modifying ? RDB_BATCH_ROWS : budget, &batch, err))
            return false;
        if (batch == NULL)
            cte->is_done = true;
        else if (!exec_tape_append(cte->rows, batch->columns, cte->rows->column_count, NULL, 0, &batch->selection, err))
            return false;
    }
    if (!exec_reader_next(&state->reader, budget, &state->batch, err))
        return false;
    *raw = &state->batch;
    return true;
}

const exec_ops exec_cte_ops = {open_cte, begin_cte, next_cte, close_cte};

/* ---- RecursiveUnion and the table its right side works on ---------------------------------------------------------------------- */
typedef struct recursive_state {
    exec_tape tables[2];    /* the rows of the last turn, and those of this one */
    uint32_t current;       /* tables[current] is the work table */
    bool in_right, is_done;
    exec_store seen;        /* UNION: all rows so far */
    exec_hash_table hash;
    rdb_arena *hash_arena;
    const rdb_type **types;
    uint32_t *collations;
    uint32_t *rows;
    rdb_batch batch;
} recursive_state;

static bool open_recursive(exec_node *node, rdb_error *err)
{
    recursive_state *state = node->state = RDB_NEW(node->x->arena, recursive_state);
    const rdb_plan_node *plan = node->plan;
    uint8_t *reps = reps_of(node);
    state->rows = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    state->types = RDB_NEW_ARRAY(node->x->arena, const rdb_type *, plan->input_count + 1);
    state->collations = RDB_NEW_ARRAY(node->x->arena, uint32_t, plan->input_count + 1);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        state->types[i] = plan->input_types[i];
        state->collations[i] = plan->of.recursive.collations[i];
    }
    if (plan->of.recursive.distinct && !exec_check_hashable(state->types, plan->input_count, err))
        return false;
    state->hash_arena = exec_arena(node->x, "distinct");
    if (state->hash_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    uint64_t memory = exec_sort_memory(node->x);
    return exec_tape_init(&state->tables[0], node->x, reps, plan->input_count, memory, err) && exec_tape_init(&state->tables[1], node->x, reps, plan->input_count, memory, err) &&
           exec_store_init(&state->seen, node->x, reps, plan->input_count, err);
}

static bool begin_recursive(exec_node *node, rdb_error *err)
{
    recursive_state *state = node->state;
    exec_tape_clear(&state->tables[0]);
    exec_tape_clear(&state->tables[1]);
    exec_store_clear(&state->seen);
    rdb_arena_reset(state->hash_arena);
    state->current = 0;
    state->in_right = state->is_done = false;
    return exec_hash_init(&state->hash, state->hash_arena, 64, err) && exec_begin(node->left, err);
}

/* UNION: takes the rows met before out of the selection. */
static bool drop_seen(exec_node *node, rdb_batch *batch, uint32_t *kept, rdb_error *err)
{
    recursive_state *state = node->state;
    uint32_t columns = node->plan->input_count;
    uint64_t *hashes = rdb_arena_try_alloc(node->arena, (batch->selection.count + 1) * sizeof *hashes, err);
    *kept = 0;
    if (hashes == NULL)
        return false;
    exec_hash_keys(state->types, state->collations, batch->columns, columns, &batch->selection, hashes, NULL);
    RDB_FOR_SELECTED (&batch->selection, row) {
        bool found = false;
        for (uint32_t at = exec_hash_first(&state->hash, hashes[row_at]); at != 0 && !found; at = exec_hash_next(&state->hash, at)) {
            found = true;
            for (uint32_t c = 0; c < columns && found; c++)
                found = exec_values_equal(state->types[c], state->collations[c], exec_store_column(&state->seen, at - 1, c), EXEC_ROW_IN_CHUNK(at - 1), batch->columns[c], row);
        }
        if (found)
            continue;
        const rdb_selection one = {&row, 1};
        if (!exec_store_append(&state->seen, batch->columns, columns, NULL, 0, &one, err) || !exec_hash_add(&state->hash, hashes[row_at], true, err))
            return false;
        state->rows[(*kept)++] = row;
    }
    return true;
}

static bool next_recursive(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    recursive_state *state = node->state;
    exec_cte *cte = &node->x->ctes[node->plan->of.recursive.cte_no];
    *raw = NULL;
    while (!state->is_done) {
        rdb_batch *batch = NULL;
        exec_node *side = state->in_right ? node->right : node->left;
        exec_tape *coming = &state->tables[!state->current];
        if (!exec_next(side, budget, &batch, err))
            return false;
        if (batch == NULL) { /* the turn is over: what it gave is the next one's work table */
            if (coming->row_count == 0) {
                state->is_done = true;
                return true;
            }
            state->current = !state->current;
            exec_tape_clear(&state->tables[!state->current]);
            cte->work_table = &state->tables[state->current];
            state->in_right = true;
            if (!exec_begin(node->right, err))
                return false;
            continue;
        }
        state->batch = *batch;
        state->batch.column_count = node->plan->input_count;
        if (node->plan->of.recursive.distinct) {
            uint32_t kept = 0;
            if (!drop_seen(node, batch, &kept, err))
                return false;
            if (kept == 0)
                continue;
            state->batch.selection = (rdb_selection){state->rows, kept};
        }
        if (!exec_tape_append(coming, state->batch.columns, node->plan->input_count, NULL, 0, &state->batch.selection, err))
            return false;
        *raw = &state->batch;
        return true;
    }
    return true;
}

static void close_recursive(exec_node *node)
{
    recursive_state *state = node->state;
    if (state == NULL)
        return;
    exec_tape_deinit(&state->tables[0]);
    exec_tape_deinit(&state->tables[1]);
    exec_store_deinit(&state->seen);
    rdb_arena_destroy(state->hash_arena);
}

const exec_ops exec_recursive_ops = {open_recursive, begin_recursive, next_recursive, close_recursive};

static bool next_work_table(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    cte_state *state = node->state;
    exec_tape *table = node->x->ctes[node->plan->of.cte.cte_no].work_table;
    *raw = NULL;
    if (table == NULL)
        return true;
    if (!read_from(state, table, err) || !exec_reader_next(&state->reader, budget, &state->batch, err))
        return false;
    if (state->batch.selection.count > 0)
        *raw = &state->batch;
    return true;
}

const exec_ops exec_work_table_ops = {open_cte, begin_cte, next_work_table, close_cte};
