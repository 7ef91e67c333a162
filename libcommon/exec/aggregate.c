/* SPDX-License-Identifier: Apache-2.0
 * Aggregation, plain and by hashing, DISTINCT by sorted neighbours (Unique), INTERSECT and EXCEPT (SetOp).
 *
 * Groups are numbered in the order they are met; keys of group g are row g of a store, states of group g a block of memory
 * that never moves. An aggregate with DISTINCT or ORDER BY inside keeps its arguments, with the group's number, and is
 * computed when all input is in. */
#include "exec/exec_int.h"
#include <stdlib.h>

typedef struct agg_call {
    const rdb_plan_aggregate_call *plan;
    const rdb_aggregate_entry *entry;
    rdb_program *arguments;    /* arguments, then extra; NULL: count(*) */
    rdb_program *filter;
    rdb_call call;
    void *site;
    uint32_t state_offset;
    exec_store kept;           /* DISTINCT or ORDER BY inside: arguments, extra, group number */
    bool keeps_rows;
    const rdb_type **types;    /* of arguments and extra */
} agg_call;

typedef struct agg_state {
    rdb_program *keys;
    uint32_t key_count, call_count;
    agg_call *calls;
    const rdb_type **key_types;
    uint32_t *key_collations;
    exec_store groups;         /* keys, and where there are grouping sets the set's number */
    exec_hash_table table;
    rdb_arena *group_arena;    /* states */
    rdb_arena *call_arena;     /* what arguments evaluate to */
    uint8_t **states;
    uint32_t states_capacity;
    uint32_t state_bytes;
    uint32_t *group_of;        /* by position of the batch at hand */
    void **state_of;
    uint64_t *hashes;
    uint32_t *rows;
    rdb_vector **set_keys;     /* keys as a grouping set sees them: those outside it null */
    rdb_vector *set_number;
    bool is_built;
    uint32_t next_group;
    rdb_vector **out;
    uint32_t out_capacity;
    rdb_batch batch;
} agg_state;

static bool open_call(exec_node *node, agg_call *call, const rdb_plan_aggregate_call *plan, rdb_error *err)
{
    rdb_arena *arena = node->x->arena;
    call->plan = plan;
    call->entry = rdb_aggregate_find(plan->aggregate->function->oid);
    if (call->entry == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "aggregate function \"%s\" is not supported", plan->aggregate->function->name);
    uint32_t count = plan->argument_count + plan->extra_count;
    rdb_expr **exprs = RDB_NEW_ARRAY(arena, rdb_expr *, count + 1);
    call->types = RDB_NEW_ARRAY(arena, const rdb_type *, count + 1);
    uint8_t *reps = RDB_NEW_ARRAY(arena, uint8_t, count + 2);
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = i < plan->argument_count ? plan->arguments[i] : plan->extra[i - plan->argument_count];
        call->types[i] = exprs[i]->type;
        reps[i] = exprs[i]->type->rep;
    }
    reps[count] = RDB_REP_INT32;
    rdb_expr *filter = plan->filter;
    if ((count > 0 && !exec_compile(node->x, &call->arguments, exprs, count, err)) || (filter != NULL && !exec_compile(node->x, &call->filter, &filter, 1, err)))
        return false;
    call->keeps_rows = plan->is_distinct || plan->order_count > 0;
    if (call->keeps_rows && !exec_store_init(&call->kept, node->x, reps, count + 1, err))
        return false;
    if (plan->direct_count > 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "ordered-set aggregate \"%s\" is not supported", plan->aggregate->function->name);
    if (!exec_check_sortable(plan->order, plan->order_count, err))
        return false;
    call->call = (rdb_call){.collation = plan->aggregate->input_collation, .argument_types = call->types, .argument_count = plan->argument_count,
                            .result_type = plan->aggregate->head.type, .result_typmod = plan->aggregate->head.typmod, .state = &call->site, .plan_arena = arena};
    return true;
}

static bool open_aggregate(exec_node *node, rdb_error *err)
{
    const rdb_plan_aggregate *plan = &node->plan->of.aggregate;
    rdb_arena *arena = node->x->arena;
    agg_state *state = node->state = RDB_NEW(arena, agg_state);
    state->key_count = plan->key_count;
    state->call_count = plan->call_count;
    state->calls = RDB_NEW_ARRAY(arena, agg_call, plan->call_count + 1);
    state->key_types = RDB_NEW_ARRAY(arena, const rdb_type *, plan->key_count + 2);
    state->key_collations = RDB_NEW_ARRAY(arena, uint32_t, plan->key_count + 2);
    uint8_t *reps = RDB_NEW_ARRAY(arena, uint8_t, plan->key_count + 2);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        state->key_types[i] = plan->keys[i]->type;
        state->key_collations[i] = plan->keys[i]->collation;
        reps[i] = plan->keys[i]->type->rep;
    }
    state->group_arena = exec_arena(node->x, "groups");
    state->call_arena = exec_arena(node->x, "arguments");
    if (state->group_arena == NULL || state->call_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    reps[plan->key_count] = RDB_REP_INT32;
    if (!exec_store_init(&state->groups, node->x, reps, plan->key_count + 1, err) || !exec_check_hashable(state->key_types, plan->key_count, err))
        return false;
    for (uint32_t i = 0; i < plan->call_count; i++) {
        if (!open_call(node, &state->calls[i], &plan->calls[i], err))
            return false;
        state->calls[i].state_offset = state->state_bytes;
        state->state_bytes += RDB_ALIGN_UP(state->calls[i].entry->state_bytes, 16u);
    }
    state->group_of = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->state_of = RDB_NEW_ARRAY(arena, void *, RDB_BATCH_ROWS);
    state->hashes = RDB_NEW_ARRAY(arena, uint64_t, RDB_BATCH_ROWS);
    state->rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->set_keys = RDB_NEW_ARRAY(arena, rdb_vector *, plan->key_count + 2);
    state->set_number = RDB_NEW(arena, rdb_vector);
    return plan->key_count == 0 || exec_compile(node->x, &state->keys, plan->keys, plan->key_count, err);
}

static void close_aggregate(exec_node *node)
{
    agg_state *state = node->state;
    if (state == NULL)
        return;
    for (uint32_t i = 0; i < state->call_count; i++)
        exec_store_deinit(&state->calls[i].kept);
    exec_store_deinit(&state->groups);
    rdb_arena_destroy(state->group_arena);
    rdb_arena_destroy(state->call_arena);
}

static bool begin_aggregate(exec_node *node, rdb_error *err)
{
    agg_state *state = node->state;
    state->next_group = 0;
    if (node->built_run == node->x->run_no && !node->reads_parameters && state->is_built)
        return true;
    node->built_run = node->x->run_no;
    state->is_built = false;
    exec_store_clear(&state->groups);
    for (uint32_t i = 0; i < state->call_count; i++)
        if (state->calls[i].keeps_rows)
            exec_store_clear(&state->calls[i].kept);
    rdb_arena_reset(state->group_arena);
    state->states = NULL;
    state->states_capacity = 0;
    return exec_hash_init(&state->table, state->group_arena, (uint32_t)RDB_MIN(RDB_MAX(node->plan->rows, 16), 1 << 20), err) && exec_begin(node->left, err);
}

static bool new_group(agg_state *state, uint32_t group, rdb_error *err)
{
    if (group >= state->states_capacity) {
        uint32_t capacity = state->states_capacity ? state->states_capacity * 2 : 16;
        state->states = rdb_arena_try_grow(state->group_arena, state->states, state->states_capacity * sizeof *state->states, capacity * sizeof *state->states, err);
        if (state->states == NULL)
            return false;
        state->states_capacity = capacity;
    }
    state->states[group] = rdb_arena_zalloc(state->group_arena, state->state_bytes + 16);
    return rdb_arena_check(state->group_arena, err);
}

/* Numbers the groups of the selected rows into group_of, by position. keys has key_count vectors and the set's number. */
static bool find_groups(agg_state *state, rdb_vector *const *keys, const rdb_selection *selection, rdb_error *err)
{
    uint32_t set_no = RDB_AT(keys[state->key_count], uint32_t, 0);
    exec_hash_keys(state->key_types, state->key_collations, keys, state->key_count, selection, state->hashes, NULL);
    RDB_FOR_SELECTED (selection, row) {
        uint64_t hash = state->hashes[row_at] + set_no * UINT64_C(0x9e3779b97f4a7c15);
        uint32_t at = exec_hash_first(&state->table, hash);
        for (; at != 0; at = state->table.next[at - 1]) {
            uint32_t group = at - 1;
            bool same = state->table.hashes[group] == hash && RDB_AT(exec_store_column(&state->groups, group, state->key_count), uint32_t, EXEC_ROW_IN_CHUNK(group)) == set_no;
            for (uint32_t k = 0; k < state->key_count && same; k++)
                same = exec_values_equal(state->key_types[k], state->key_collations[k], exec_store_column(&state->groups, group, k), EXEC_ROW_IN_CHUNK(group), keys[k], row);
            if (same)
                break;
        }
        if (at == 0) {
            const rdb_selection one = {&row, 1};
            uint32_t group = state->groups.row_count;
            if (!exec_store_append(&state->groups, keys, state->key_count + 1, NULL, 0, &one, err) || !exec_hash_add(&state->table, hash, true, err) ||
                !new_group(state, group, err))
                return false;
            at = group + 1;
        }
        state->group_of[row_at] = at - 1;
    }
    return true;
}

static void prepare_aggregate_call(exec_node *node, agg_call *call, rdb_error *err)
{
    agg_state *state = node->state;
    const rdb_eval *eval = &node->x->eval;
    call->call.arena = state->group_arena;
    call->call.err = err;
    call->call.format = eval->format;
    call->call.statement_us = eval->statement_us;
    call->call.transaction_us = eval->transaction_us;
    call->call.session = &node->x->eval;
}

/* Feeds one call with the selected rows; group_of goes by position of `all`, of which selection is a subsequence. */
static bool feed_call(exec_node *node, agg_call *call, rdb_batch *batch, const rdb_selection *all, rdb_error *err)
{
    agg_state *state = node->state;
    rdb_eval *eval = &node->x->eval;
    rdb_selection selection = *all;
    uint32_t kept = 0;
    if (call->filter != NULL) {
        if (!rdb_program_filter(call->filter, eval, state->call_arena, batch, &selection, state->rows, &kept, err))
            return false;
        selection = (rdb_selection){state->rows, kept};
    }
    if (selection.count == 0)
        return true;
    uint32_t argument_count = call->plan->argument_count, count = argument_count + call->plan->extra_count, good = 0;
    const rdb_vector *few[8], **arguments = count <= 8 ? few : RDB_NEW_ARRAY(state->call_arena, const rdb_vector *, count);
    if (call->arguments != NULL && !rdb_program_run(call->arguments, eval, state->call_arena, batch, &selection, &good, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        arguments[i] = rdb_program_result(call->arguments, i);
    if ((call->entry->flags & RDB_AGGREGATE_SKIPS_NULLS) != 0) {
        bool any = false;
        for (uint32_t i = 0; i < argument_count; i++)
            any = any || arguments[i]->nulls != NULL;
        if (any) {
            kept = 0;
            RDB_FOR_SELECTED (&selection, row) {
                bool is_null = false;
                for (uint32_t i = 0; i < argument_count && !is_null; i++)
                    is_null = rdb_vector_is_null(arguments[i], row);
                state->rows[kept] = row;
                kept += !is_null;
            }
            selection = (rdb_selection){state->rows, kept};
            if (kept == 0)
                return true;
        }
    }
    /* the group of each position left */
    uint32_t next = 0;
    uint32_t *groups = (uint32_t *)(void *)state->hashes; /* hashes are done with */
    RDB_FOR_SELECTED (&selection, row) {
        while (rdb_selected(all, next) != row)
            next++;
        groups[row_at] = state->group_of[next];
    }
    if (call->keeps_rows) {
        rdb_vector number = {.values = RDB_NEW_ARRAY(state->call_arena, uint32_t, RDB_BATCH_ROWS * 1u), .mask = RDB_FLAT, .capacity = RDB_BATCH_ROWS, .rep = RDB_REP_INT32};
        if (batch->row_count > RDB_BATCH_ROWS)
            number.values = rdb_arena_try_alloc(state->call_arena, batch->row_count * sizeof(uint32_t), err);
        if (number.values == NULL)
            return false;
        RDB_FOR_SELECTED (&selection, row)
            RDB_VALUES(&number, uint32_t)[row] = groups[row_at];
        rdb_vector *last[1] = {&number};
        return exec_store_append(&call->kept, (rdb_vector *const *)arguments, count, last, 1, &selection, err);
    }
    prepare_aggregate_call(node, call, err);
    if (state->key_count == 0 && node->plan->of.aggregate.set_count == 0 && call->entry->update_all != NULL)
        return call->entry->update_all(&call->call, state->states[0] + call->state_offset, arguments, &selection);
    for (uint32_t i = 0; i < selection.count; i++)
        state->state_of[i] = state->states[groups[i]] + call->state_offset;
    return call->entry->update(&call->call, state->state_of, arguments, &selection);
}

typedef struct kept_order {
    const agg_call *call;
    uint32_t count; /* of arguments and extra */
} kept_order;

static int compare_kept(const kept_order *order, uint32_t left, uint32_t right)
{
    const exec_store *store = &order->call->kept;
    uint32_t a = RDB_AT(exec_store_column(store, left, order->count), uint32_t, EXEC_ROW_IN_CHUNK(left));
    uint32_t b = RDB_AT(exec_store_column(store, right, order->count), uint32_t, EXEC_ROW_IN_CHUNK(right));
    if (a != b)
        return a < b ? -1 : 1;
    const rdb_plan_aggregate_call *plan = order->call->plan;
    for (uint32_t i = 0; i < plan->order_count; i++) {
        uint32_t slot = plan->order[i].slot_no;
        int one = exec_values_compare(&plan->order[i], exec_store_column(store, left, slot), EXEC_ROW_IN_CHUNK(left), exec_store_column(store, right, slot), EXEC_ROW_IN_CHUNK(right));
        if (one != 0)
            return one;
    }
    for (uint32_t i = 0; plan->is_distinct && i < plan->argument_count; i++) {
        const rdb_plan_key key = {.type = order->call->types[i], .collation = plan->aggregate->input_collation, .nulls_first = false};
        int one = exec_values_compare(&key, exec_store_column(store, left, i), EXEC_ROW_IN_CHUNK(left), exec_store_column(store, right, i), EXEC_ROW_IN_CHUNK(right));
        if (one != 0)
            return one;
    }
    return left < right ? -1 : left > right;
}

static int compare_kept_rows(const void *left, const void *right, void *context)
{
    return compare_kept(context, *(const uint32_t *)left, *(const uint32_t *)right);
}

/* A call with DISTINCT or ORDER BY inside: sorts what it kept and feeds it row by row, duplicates left out. */
static bool feed_kept(exec_node *node, agg_call *call, rdb_error *err)
{
    agg_state *state = node->state;
    const exec_store *store = &call->kept;
    const rdb_plan_aggregate_call *plan = call->plan;
    kept_order order = {call, plan->argument_count + plan->extra_count};
    if (store->row_count == 0)
        return true;
    uint32_t *ids = rdb_arena_try_alloc(state->call_arena, store->row_count * sizeof *ids, err);
    if (ids == NULL)
        return false;
    for (uint32_t i = 0; i < store->row_count; i++)
        ids[i] = i;
    if (plan->is_distinct) {
        rdb_plan_key key = {.slot_no = 0};
        for (uint32_t i = 0; i < plan->argument_count; i++) {
            key.type = call->types[i];
            if (!exec_check_sortable(&key, 1, err))
                return false;
        }
    }
    qsort_r(ids, store->row_count, sizeof *ids, compare_kept_rows, &order);
    const rdb_vector **arguments = RDB_NEW_ARRAY(state->call_arena, const rdb_vector *, plan->argument_count + 1);
    prepare_aggregate_call(node, call, err);
    for (uint32_t i = 0; i < store->row_count; i++) {
        uint32_t id = ids[i], row = EXEC_ROW_IN_CHUNK(id);
        uint32_t group = RDB_AT(exec_store_column(store, id, order.count), uint32_t, row);
        if (plan->is_distinct && i > 0) {
            uint32_t before = ids[i - 1];
            bool same = RDB_AT(exec_store_column(store, before, order.count), uint32_t, EXEC_ROW_IN_CHUNK(before)) == group;
            for (uint32_t k = 0; k < plan->argument_count && same; k++)
                same = exec_values_equal(call->types[k], plan->aggregate->input_collation, exec_store_column(store, before, k), EXEC_ROW_IN_CHUNK(before), exec_store_column(store, id, k), row);
            if (same)
                continue;
        }
        for (uint32_t k = 0; k < plan->argument_count; k++)
            arguments[k] = exec_store_column(store, id, k);
        const rdb_selection one = {&row, 1};
        void *target = state->states[group] + call->state_offset;
        if (!call->entry->update(&call->call, &target, arguments, &one))
            return false;
    }
    return true;
}

static bool feed_batch(exec_node *node, rdb_batch *batch, rdb_error *err)
{
    agg_state *state = node->state;
    const rdb_plan_aggregate *plan = &node->plan->of.aggregate;
    uint32_t good = 0;
    rdb_arena_reset(state->call_arena);
    rdb_arena_reset(node->arena);
    if (state->keys != NULL && !rdb_program_run(state->keys, &node->x->eval, node->arena, batch, &batch->selection, &good, err))
        return false;
    for (uint32_t set = 0; set < RDB_MAX(plan->set_count, 1u); set++) {
        rdb_vector_set_constant(state->set_number, node->arena, RDB_REP_INT32, (rdb_datum){.oid = set}, false);
        for (uint32_t k = 0; k < state->key_count; k++) {
            state->set_keys[k] = rdb_program_result(state->keys, k);
            if (plan->set_count > 0 && (plan->sets[set] >> k & 1) == 0) {
                state->set_keys[k] = RDB_NEW(node->arena, rdb_vector);
                rdb_vector_set_constant(state->set_keys[k], node->arena, state->key_types[k]->rep, (rdb_datum){.words = {0, 0}}, true);
            }
        }
        state->set_keys[state->key_count] = state->set_number;
        if (state->key_count == 0 && plan->set_count == 0)
            memset(state->group_of, 0, batch->selection.count * sizeof *state->group_of);
        else if (!find_groups(state, state->set_keys, &batch->selection, err))
            return false;
        for (uint32_t i = 0; i < state->call_count; i++)
            if (!feed_call(node, &state->calls[i], batch, &batch->selection, err))
                return false;
    }
    return rdb_arena_check(state->group_arena, err);
}

/* The group that exists without any row: of a plain aggregate, and of an empty grouping set. */
static bool add_empty_groups(exec_node *node, rdb_error *err)
{
    agg_state *state = node->state;
    const rdb_plan_aggregate *plan = &node->plan->of.aggregate;
    const rdb_selection one = {NULL, 1};
    for (uint32_t set = 0; set < RDB_MAX(plan->set_count, 1u); set++) {
        if (plan->set_count > 0 ? plan->sets[set] != 0 : state->key_count > 0)
            continue;
        for (uint32_t k = 0; k < state->key_count; k++) {
            state->set_keys[k] = RDB_NEW(node->arena, rdb_vector);
            rdb_vector_set_constant(state->set_keys[k], node->arena, state->key_types[k]->rep, (rdb_datum){.words = {0, 0}}, true);
        }
        rdb_vector_set_constant(state->set_number, node->arena, RDB_REP_INT32, (rdb_datum){.oid = set}, false);
        state->set_keys[state->key_count] = state->set_number;
        if (!find_groups(state, state->set_keys, &one, err))
            return false;
    }
    return true;
}

static bool build_groups(exec_node *node, rdb_error *err)
{
    agg_state *state = node->state;
    if (!add_empty_groups(node, err))
        return false;
    for (;;) {
        rdb_batch *batch = NULL;
        if (!exec_next(node->left, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            break;
        if (!feed_batch(node, batch, err))
            return false;
    }
    rdb_arena_reset(state->call_arena);
    for (uint32_t i = 0; i < state->call_count; i++)
        if (state->calls[i].keeps_rows && !feed_kept(node, &state->calls[i], err))
            return false;
    if (node->statistics != NULL)
        node->statistics->memory_bytes = rdb_arena_bytes(state->group_arena) + rdb_arena_bytes(state->groups.arena);
    state->is_built = true;
    return true;
}

static bool next_aggregate(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    agg_state *state = node->state;
    const rdb_plan_aggregate *plan = &node->plan->of.aggregate;
    *raw = NULL;
    if (!state->is_built && !build_groups(node, err))
        return false;
    uint32_t rows = RDB_MIN(RDB_MIN(state->groups.row_count - state->next_group, budget), RDB_BATCH_ROWS);
    if (rows == 0)
        return true;
    if (rows > state->out_capacity) {
        if (!exec_make_vectors(node->x->arena, node->plan->input_types, node->plan->input_count, rows, &state->out, err))
            return false;
        state->out_capacity = rows;
    }
    for (uint32_t i = 0; i < rows; i++)
        state->rows[i] = state->next_group + i;
    for (uint32_t k = 0; k < state->key_count; k++)
        exec_store_gather(&state->groups, k, state->rows, rows, state->out[k]);
    for (uint32_t c = 0; c < state->call_count; c++) {
        agg_call *call = &state->calls[c];
        rdb_vector *out = state->out[state->key_count + c];
        rdb_vector_clear_nulls(out);
        prepare_aggregate_call(node, call, err);
        call->call.arena = node->arena;
        for (uint32_t i = 0; i < rows; i++) {
            rdb_datum value = {.words = {0, 0}};
            bool is_null = false;
            if (!call->entry->finish(&call->call, state->states[state->next_group + i] + call->state_offset, &value, &is_null))
                return false;
            rdb_vector_put(out, i, value, is_null);
        }
    }
    for (uint32_t g = 0; g < plan->grouping_count; g++) {
        rdb_vector *out = state->out[state->key_count + state->call_count + g];
        rdb_vector_clear_nulls(out);
        for (uint32_t i = 0; i < rows; i++) {
            uint32_t group = state->next_group + i, bits = 0;
            uint32_t set = RDB_AT(exec_store_column(&state->groups, group, state->key_count), uint32_t, EXEC_ROW_IN_CHUNK(group));
            for (uint32_t k = 0; k < plan->groupings[g].count; k++) {
                uint32_t key = (uint32_t)(uintptr_t)plan->groupings[g].items[k];
                bits = bits << 1 | (plan->set_count > 0 && (plan->sets[set] >> key & 1) == 0);
            }
            RDB_VALUES(out, uint32_t)[i] = bits;
        }
    }
    state->next_group += rows;
    state->batch = (rdb_batch){.columns = state->out, .column_count = node->plan->input_count, .row_count = rows, .selection = {NULL, rows}};
    *raw = &state->batch;
    return true;
}

const exec_ops exec_aggregate_ops = {open_aggregate, begin_aggregate, next_aggregate, close_aggregate};

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

/* ---- SetOp: rows with how often each side has them ------------------------------------------------------------------------------------ */
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
} set_state;

static bool open_set_op(exec_node *node, rdb_error *err)
{
    set_state *state = node->state = RDB_NEW(node->x->arena, set_state);
    uint32_t count = node->plan->input_count;
    uint8_t *reps = RDB_NEW_ARRAY(node->x->arena, uint8_t, count + 1);
    state->types = RDB_NEW_ARRAY(node->x->arena, const rdb_type *, count + 1);
    state->collations = RDB_NEW_ARRAY(node->x->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        state->types[i] = node->plan->input_types[i];
        state->collations[i] = state->types[i]->collation;
        reps[i] = state->types[i]->rep;
    }
    state->ids = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    state->arena = exec_arena(node->x, "set operation");
    if (state->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return exec_check_hashable(state->types, count, err) && exec_store_init(&state->rows, node->x, reps, count, err);
}

static bool begin_set_op(exec_node *node, rdb_error *err)
{
    set_state *state = node->state;
    exec_store_clear(&state->rows);
    rdb_arena_reset(state->arena);
    state->counts = NULL;
    state->counts_capacity = state->next_row = 0;
    state->repeat = 0;
    state->is_built = false;
    return exec_hash_init(&state->table, state->arena, 64, err) && exec_begin(node->left, err) && exec_begin(node->right, err);
}

static bool count_side(exec_node *node, int side, rdb_error *err)
{
    set_state *state = node->state;
    uint32_t columns = node->plan->input_count;
    for (;;) {
        rdb_batch *batch = NULL;
        if (!exec_next(side == 0 ? node->left : node->right, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            return true;
        rdb_arena_reset(node->arena);
        uint64_t *hashes = rdb_arena_try_alloc(node->arena, batch->selection.count * sizeof *hashes, err);
        if (hashes == NULL)
            return false;
        exec_hash_keys(state->types, state->collations, batch->columns, columns, &batch->selection, hashes, NULL);
        RDB_FOR_SELECTED (&batch->selection, row) {
            uint32_t at = exec_hash_first(&state->table, hashes[row_at]);
            for (; at != 0; at = state->table.next[at - 1]) {
                bool same = state->table.hashes[at - 1] == hashes[row_at];
                for (uint32_t c = 0; c < columns && same; c++)
                    same = exec_values_equal(state->types[c], state->collations[c], exec_store_column(&state->rows, at - 1, c), EXEC_ROW_IN_CHUNK(at - 1), batch->columns[c], row);
                if (same)
                    break;
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
    }
}

static uint64_t times_out(const exec_node *node, uint64_t left, uint64_t right)
{
    bool all = node->plan->of.set_op.all;
    if (node->plan->of.set_op.kind == RDB_SET_INTERSECT)
        return all ? RDB_MIN(left, right) : right > 0;
    return all ? (left > right ? left - right : 0) : right == 0;
}

static bool next_set_op(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    set_state *state = node->state;
    *raw = NULL;
    if (!state->is_built) {
        if (!count_side(node, 0, err) || !count_side(node, 1, err))
            return false;
        state->is_built = true;
        if (state->rows.row_count > 0)
            state->repeat = times_out(node, state->counts[0], state->counts[1]);
    }
    uint32_t count = 0, limit = RDB_MIN(budget, RDB_BATCH_ROWS);
    while (count < limit && state->next_row < state->rows.row_count) {
        if (state->repeat == 0) {
            if (++state->next_row < state->rows.row_count)
                state->repeat = times_out(node, state->counts[2 * state->next_row], state->counts[2 * state->next_row + 1]);
            continue;
        }
        state->ids[count++] = state->next_row;
        state->repeat--;
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
    exec_store_deinit(&state->rows);
    rdb_arena_destroy(state->arena);
}

const exec_ops exec_set_op_ops = {open_set_op, begin_set_op, next_set_op, close_set_op};
