/* SPDX-License-Identifier: Apache-2.0
 * DISTINCT by sorted neighbours (Unique), INTERSECT and EXCEPT (SetOp). */
#include "exec/exec_spill.h"

/* ---- Unique: the first row of each run of equal keys ------------------------------------------------------------------------------ */
typedef struct unique_state {
    exec_store last;
    rdb_vector **keys;
    uint32_t *rows;
    bool has_last;
    rdb_batch batch;
} unique_state;

static bool open_unique(exec_node *node, rdb_error *err)
{
    unique_state *state = node->state = RDB_NEW(node->x->arena, unique_state);
    uint32_t count = node->plan->of.sort.key_count;
    uint8_t *reps = RDB_NEW_ARRAY(node->x->arena, uint8_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        reps[i] = node->plan->of.sort.keys[i].type->rep;
    state->keys = RDB_NEW_ARRAY(node->x->arena, rdb_vector *, count + 1);
    state->rows = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    return exec_store_init(&state->last, node->x, reps, count, err);
}

static bool begin_unique(exec_node *node, rdb_error *err)
{
    ((unique_state *)node->state)->has_last = false;
    return exec_begin(node->left, err);
}

static bool next_unique(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    unique_state *state = node->state;
    uint32_t count = node->plan->of.sort.key_count;
    *raw = NULL;
    for (;;) {
        rdb_batch *batch = NULL;
        if (!exec_next(node->left, budget, &batch, err))
            return false;
        if (batch == NULL)
            return true;
        uint32_t kept = 0, before = UINT32_MAX;
        for (uint32_t i = 0; i < count; i++)
            state->keys[i] = batch->columns[node->plan->of.sort.keys[i].slot_no];
        RDB_FOR_SELECTED (&batch->selection, row) {
            bool same = before != UINT32_MAX || state->has_last;
            for (uint32_t i = 0; i < count && same; i++) {
                const rdb_plan_key *key = &node->plan->of.sort.keys[i];
                same = before != UINT32_MAX ? exec_values_equal(key->type, key->collation, state->keys[i], before, state->keys[i], row)
                                            : exec_values_equal(key->type, key->collation, exec_store_column(&state->last, 0, i), 0, state->keys[i], row);
            }
            if (!same)
                state->rows[kept++] = row;
            before = row;
        }
        const rdb_selection one = {&before, 1};
        exec_store_clear(&state->last);
        if (!exec_store_append(&state->last, state->keys, count, NULL, 0, &one, err))
            return false;
        state->has_last = true;
        if (kept == 0)
            continue;
        state->batch = *batch;
        state->batch.selection = (rdb_selection){state->rows, kept};
        *raw = &state->batch;
        return true;
    }
}

static void close_unique(exec_node *node)
{
    if (node->state != NULL)
        exec_store_deinit(&((unique_state *)node->state)->last);
}

const exec_ops exec_unique_ops = {open_unique, begin_unique, next_unique, close_unique};

/* ---- SetOp: rows with how often each side has them. Past its memory no new rows are taken in: they, and the right side's for which there
 * is no row, go to partitions that are counted one after the other ------------------------------------------------------------------------------------ */
typedef struct set_part {
    struct set_part *next;
    exec_partitions *sets[2];
    uint32_t number, level;
} set_part;

typedef struct set_state {
    exec_store rows;
    exec_hash_table table;
    rdb_arena *arena;
    uint64_t *counts;          /* two a row: left, right */
    uint32_t counts_capacity;
    const rdb_type **types;
    uint32_t *collations;
    bool is_built;
    uint32_t next_row;
    uint64_t repeat;           /* how many more times next_row comes out */
    uint32_t *ids;
    rdb_vector **out;
    uint32_t out_capacity;
    rdb_batch batch;
    uint8_t *reps;             /* the columns, the hash */
    bool is_full, has_first;
    int32_t first_side;
    exec_partitions *spilled[2];
    set_part *parts;
    uint32_t level;
} set_state;

static bool open_set_op(exec_node *node, rdb_error *err)
{
    set_state *state = node->state = RDB_NEW(node->x->arena, set_state);
    uint32_t count = node->plan->input_count;
    uint8_t *reps = RDB_NEW_ARRAY(node->x->arena, uint8_t, count + 2);
    state->types = RDB_NEW_ARRAY(node->x->arena, const rdb_type *, count + 1);
    state->collations = RDB_NEW_ARRAY(node->x->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        state->types[i] = node->plan->input_types[i];
        state->collations[i] = node->plan->of.set_op.collations[i];
        reps[i] = state->types[i]->rep;
    }
    reps[count] = RDB_REP_INT64;
    state->reps = reps;
    state->ids = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    state->arena = exec_arena(node->x, "set operation");
    if (state->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return exec_check_hashable(state->types, count, err) && exec_store_init(&state->rows, node->x, reps, count, err);
}

static void finish_part(set_part *part)
{
    exec_tape_deinit(&part->sets[0]->tapes[part->number]);
    exec_tape_deinit(&part->sets[1]->tapes[part->number]);
    if (--part->sets[0]->pending == 0) {
        exec_partitions_close(&part->sets[0]);
        exec_partitions_close(&part->sets[1]);
    }
}

static void drop_parts(set_state *state)
{
    for (set_part *part; (part = state->parts) != NULL;) {
        state->parts = part->next;
        finish_part(part);
    }
    exec_partitions_close(&state->spilled[0]);
    exec_partitions_close(&state->spilled[1]);
}

static bool clear_set(set_state *state, rdb_error *err)
{
    exec_store_clear(&state->rows);
    rdb_arena_reset(state->arena);
    state->counts = NULL;
    state->counts_capacity = state->next_row = 0;
    state->repeat = 0;
    state->is_full = false;
    return exec_hash_init(&state->table, state->arena, 64, err);
}

static bool begin_set_op(exec_node *node, rdb_error *err)
{
    set_state *state = node->state;
    drop_parts(state);
    state->is_built = state->has_first = false;
    state->level = 0;
    return clear_set(state, err) && exec_begin(node->left, err);
}

static bool spill_set_rows(exec_node *node, int side, rdb_vector *const *columns, const rdb_selection *leaving, const uint64_t *hashes, rdb_error *err)
{
    set_state *state = node->state;
    uint32_t count = node->plan->input_count;
    for (int i = 0; i < 2; i++) /* both, so that they come in pairs */
        if (state->spilled[i] == NULL && !exec_partitions_open(&state->spilled[i], node->x, state->reps, count + 1, exec_hash_memory(node->x), err))
            return false;
    return exec_partitions_put(state->spilled[side], state->level, columns, count, NULL, 0, leaving, hashes, err);
}

static bool count_batch(exec_node *node, int side, const rdb_batch *batch, rdb_error *err)
{
    set_state *state = node->state;
    uint32_t columns = node->plan->input_count, away = 0;
    rdb_arena_reset(node->arena);
    uint64_t *hashes = rdb_arena_try_alloc(node->arena, 2 * (size_t)batch->selection.count * sizeof *hashes, err);
    uint32_t *leaving = rdb_arena_try_alloc(node->arena, batch->selection.count * sizeof *leaving, err);
    if (hashes == NULL || leaving == NULL)
        return false;
    uint64_t *leaving_hashes = hashes + batch->selection.count;
    exec_hash_keys(state->types, state->collations, batch->columns, columns, &batch->selection, hashes, NULL);
    RDB_FOR_SELECTED (&batch->selection, row) {
        uint32_t at = exec_hash_first(&state->table, hashes[row_at]);
        for (; at != 0; at = exec_hash_next(&state->table, at)) {
            bool same = true;
            for (uint32_t c = 0; c < columns && same; c++)
                same = exec_values_equal(state->types[c], state->collations[c], exec_store_column(&state->rows, at - 1, c), EXEC_ROW_IN_CHUNK(at - 1), batch->columns[c], row);
            if (same)
                break;
        }
        if (at == 0 && state->is_full) {
            leaving[away] = row;
            leaving_hashes[away++] = hashes[row_at];
            continue;
        }
        if (at == 0) {
            if (side == 1)
                continue; /* neither INTERSECT nor EXCEPT gives a row that the left side lacks */
            const rdb_selection one = {&row, 1};
            uint32_t number = state->rows.row_count;
            if (!exec_store_append(&state->rows, batch->columns, columns, NULL, 0, &one, err) || !exec_hash_add(&state->table, hashes[row_at], true, err))
                return false;
            if (number >= state->counts_capacity) {
                uint32_t capacity = state->counts_capacity ? state->counts_capacity * 2 : 64;
                state->counts = rdb_arena_try_grow(state->arena, state->counts, 2 * sizeof(uint64_t) * state->counts_capacity, 2 * sizeof(uint64_t) * capacity, err);
                if (state->counts == NULL)
                    return false;
                state->counts_capacity = capacity;
            }
            state->counts[2 * number] = state->counts[2 * number + 1] = 0;
            at = number + 1;
        }
        state->counts[2 * (at - 1) + (uint32_t)side]++;
    }
    const rdb_selection away_rows = {leaving, away};
    if (away > 0 && !spill_set_rows(node, side, batch->columns, &away_rows, leaving_hashes, err))
        return false;
    if (side == 0 && !state->is_full && state->rows.row_count > 16 && state->level < EXEC_PARTITION_LEVELS - 1)
        state->is_full = rdb_arena_bytes(state->arena) + rdb_arena_bytes(state->rows.arena) > exec_hash_memory(node->x);
    return true;
}

/* The side that first comes is the one whose rows count; the other one's are looked for among them. */
static bool count_sides(exec_node *node, rdb_error *err)
{
    const uint32_t columns = node->plan->input_count;
    set_state *state = node->state;
    for (;;) {
        rdb_batch *batch = NULL;
        if (!exec_next(node->left, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            return true;
        if (batch->selection.count == 0)
            continue;
        const int32_t number = RDB_AT(batch->columns[columns], int32_t, rdb_selected(&batch->selection, 0)); /* of the whole batch: it is one child's */
        if (!state->has_first)
            state->first_side = number;
        if (!state->has_first && node->plan->of.set_op.kind == RDB_SET_EXCEPT)
            state->first_side = 0;
        state->has_first = true;
        if (!count_batch(node, number == state->first_side ? 0 : 1, batch, err))
            return false;
    }
}

static bool count_tape(exec_node *node, int side, exec_tape *tape, rdb_error *err)
{
    exec_reader reader;
    rdb_batch batch;
    bool ok = exec_reader_init(&reader, tape, err);
    while (ok && (ok = rdb_cancel_check(node->x->context.cancel, err) && exec_reader_next(&reader, RDB_BATCH_ROWS, &batch, err)) && batch.selection.count > 0)
        ok = count_batch(node, side, &batch, err);
    exec_reader_deinit(&reader);
    return ok;
}

static void push_spilled(exec_node *node)
{
    set_state *state = node->state;
    if (state->spilled[0] == NULL)
        return;
    state->spilled[0]->pending = EXEC_PARTITIONS;
    for (uint32_t p = 0; p < EXEC_PARTITIONS; p++) {
        set_part *part = RDB_NEW(node->x->arena, set_part);
        *part = (set_part){.next = state->parts, .sets = {state->spilled[0], state->spilled[1]}, .number = p, .level = state->level + 1};
        state->parts = part;
    }
    state->spilled[0] = state->spilled[1] = NULL;
}

uint64_t exec_set_times(const rdb_plan_node *plan, uint64_t left, uint64_t right)
{
    const bool all = plan->of.set_op.all;
    if (plan->of.set_op.kind == RDB_SET_INTERSECT)
        return all ? RDB_MIN(left, right) : left > 0 && right > 0;
    return all ? (left > right ? left - right : 0) : left > 0 && right == 0;
}

static bool next_set_op(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    set_state *state = node->state;
    *raw = NULL;
    if (!state->is_built) {
        if (!count_sides(node, err))
            return false;
        state->is_built = true;
        push_spilled(node);
        if (state->rows.row_count > 0)
            state->repeat = exec_set_times(node->plan, state->counts[0], state->counts[1]);
    }
    uint32_t count = 0, limit = RDB_MIN(budget, RDB_BATCH_ROWS);
    for (;;) {
        while (count < limit && state->next_row < state->rows.row_count) {
            if (state->repeat == 0) {
                if (++state->next_row < state->rows.row_count)
                    state->repeat = exec_set_times(node->plan, state->counts[2 * state->next_row], state->counts[2 * state->next_row + 1]);
                continue;
            }
            state->ids[count++] = state->next_row;
            state->repeat--;
        }
        set_part *part = state->parts;
        if (count > 0 || part == NULL)
            break;
        state->parts = part->next;
        state->level = part->level;
        bool ok = clear_set(state, err) && count_tape(node, 0, &part->sets[0]->tapes[part->number], err) && count_tape(node, 1, &part->sets[1]->tapes[part->number], err);
        finish_part(part);
        if (!ok)
            return false;
        push_spilled(node);
        if (state->rows.row_count > 0)
            state->repeat = exec_set_times(node->plan, state->counts[0], state->counts[1]);
    }
    if (count == 0)
        return true;
    if (count > state->out_capacity) {
        if (!exec_make_vectors(node->x->arena, node->plan->input_types, node->plan->input_count, count, &state->out, err))
            return false;
        state->out_capacity = count;
    }
    for (uint32_t c = 0; c < node->plan->input_count; c++)
        exec_store_gather(&state->rows, c, state->ids, count, state->out[c]);
    state->batch = (rdb_batch){.columns = state->out, .column_count = node->plan->input_count, .row_count = count, .selection = {NULL, count}};
    *raw = &state->batch;
    return true;
}

static void close_set_op(exec_node *node)
{
    set_state *state = node->state;
    if (state == NULL)
        return;
    drop_parts(state);
    exec_store_deinit(&state->rows);
    rdb_arena_destroy(state->arena);
}

const exec_ops exec_set_op_ops = {open_set_op, begin_set_op, next_set_op, close_set_op};
