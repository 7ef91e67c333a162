/* SPDX-License-Identifier: Apache-2.0
 * Aggregation, plain, by hashing and of sorted rows.
 *
 * Groups are numbered in the order they are met; keys of group g are row g of a store, states of group g a block of memory
 * that never moves. An aggregate with DISTINCT or ORDER BY inside gives its arguments, with the group's number, to a sorter
 * and is computed when all input is in; but where any order will do, values are fed when they are met first, and only those that
 * the memory has no room to remember go to the sorter.
 *
 * Where groups outgrow their memory no new ones are made: rows of the groups there are still count, the others go to
 * partitions by the hash of their keys, which are aggregated one after the other when the groups in memory are out.
 *
 * Of sorted rows the groups of a batch are complete but for the last one: they go out, and memory begins anew with that one. */
#include "exec/exec_spill.h"

typedef struct agg_call {
    const rdb_plan_aggregate_call *plan;
    const rdb_aggregate_entry *entry;
    rdb_program *arguments;    /* arguments, then extra; NULL: count(*) */
    rdb_program *filter;
    rdb_call call;
    void *site;
    exec_function_aggregate *made; /* of functions; or NULL */
    uint32_t state_offset;
    exec_value_set *met;       /* DISTINCT inside, in any order: the values so far; or NULL */
    exec_sorter *kept;         /* DISTINCT or ORDER BY inside: arguments, extra, group number */
    uint8_t *kept_reps;
    exec_store last;           /* the row fed before */
    bool keeps_rows;
    const rdb_type **types;    /* of arguments and extra */
} agg_call;

typedef struct agg_part { /* rows of groups not met yet */
    struct agg_part *next;
    exec_partitions *set;
    exec_tape *tape;
    uint32_t level;
} agg_part;

typedef struct agg_state {
    rdb_program *keys;
    uint32_t key_count, call_count;
    agg_call *calls;
    uint32_t deciding_count;   /* keys that tell rows apart; the others follow from them */
    uint32_t *deciding;        /* which */
    const rdb_type **deciding_types;
    uint32_t *deciding_collations;
    rdb_vector **deciding_now;
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
    uint32_t *found, *new_rows; /* while a batch's groups are looked for */
    bool is_exact, has_null_group; /* equal hashes are equal keys; but for null ones */
    rdb_vector **set_keys;     /* keys as a grouping set sees them: those outside it null */
    rdb_vector *set_number;
    bool is_built;
    uint32_t next_group;
    rdb_vector **out;
    uint32_t out_capacity;
    rdb_batch batch;
    /* spilling */
    uint32_t left_count;
    uint8_t *spill_reps;       /* left columns, the set's number, the hash */
    bool is_full, was_spilled;
    exec_partitions *spilled;  /* of the pass at hand */
    uint32_t level;            /* of the pass at hand: 0 reads the left side */
    agg_part *parts;           /* waiting */
    agg_part *current;
    uint32_t *live_rows, *spill_rows, *set_rows;
    uint64_t *spill_hashes;
    uint64_t disk_bytes;
    uint32_t batch_count;
    /* sorted rows */
    bool is_sorted, is_at_end;
    uint32_t ready;            /* groups that are complete */
    rdb_batch *input;          /* rows of it that begin the next group: rest */
    uint32_t rest_count;
    uint32_t *rest_rows;
} agg_state;

/* Rows are sorted by group, then as ORDER BY says, then so that duplicates stand together. */
static bool open_kept(exec_node *node, agg_call *call, uint8_t *reps, uint32_t count, rdb_error *err)
{
    const rdb_plan_aggregate_call *plan = call->plan;
    rdb_plan_key *keys = RDB_NEW_ARRAY(node->x->arena, rdb_plan_key, 1 + plan->order_count + plan->argument_count);
    uint32_t key_count = 0;
    rdb_type *number = RDB_NEW(node->x->arena, rdb_type);
    *number = (rdb_type){.oid = RDB_INT4OID, .kind = 'b', .rep = RDB_REP_INT32, .name = "integer"};
    number->ops = rdb_type_ops_find(number);
    keys[key_count++] = (rdb_plan_key){.slot_no = count, .type = number};
    for (uint32_t i = 0; i < plan->order_count; i++)
        keys[key_count++] = plan->order[i];
    for (uint32_t i = 0; plan->is_distinct && i < plan->argument_count; i++)
        keys[key_count++] = (rdb_plan_key){.slot_no = i, .type = call->types[i], .collation = plan->aggregate->input_collation};
    call->kept_reps = reps;
    if (!exec_check_sortable(keys, key_count, err) || !exec_sorter_open(&call->kept, node->x, reps, count + 1, keys, key_count, err) ||
        !exec_store_init(&call->last, node->x, reps, count + 1, err))
        return false;
    const rdb_plan_aggregate *aggregate = &node->plan->of.aggregate;
    uint32_t set_count = 0; /* that share the memory */
    for (uint32_t i = 0; i < aggregate->call_count; i++)
        set_count += aggregate->calls[i].is_any_order;
    return !plan->is_any_order || exec_value_set_open(&call->met, node->x, call->types[0], plan->aggregate->input_collation, aggregate->key_count == 0 && aggregate->set_count == 0,
                                                      exec_hash_memory(node->x) / set_count, err);
}

static bool open_call(exec_node *node, agg_call *call, const rdb_plan_aggregate_call *plan, rdb_error *err)
{
    rdb_arena *arena = node->x->arena;
    call->plan = plan;
    const uint32_t own_count = plan->argument_count + plan->extra_count, count = own_count + plan->direct_count;
    rdb_expr **exprs = RDB_NEW_ARRAY(arena, rdb_expr *, count + 1);
    call->types = RDB_NEW_ARRAY(arena, const rdb_type *, count + 1);
    uint8_t *reps = RDB_NEW_ARRAY(arena, uint8_t, count + 2);
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = i < plan->argument_count ? plan->arguments[i] : i < own_count ? plan->extra[i - plan->argument_count] : plan->direct[i - own_count];
        call->types[i] = exprs[i]->type;
        reps[i] = exprs[i]->type->rep;
    }
    reps[count] = RDB_REP_INT32;
    const rdb_type **shown = RDB_NEW_ARRAY(arena, const rdb_type *, count + 1);
    for (uint32_t i = 0; i < plan->argument_count + plan->direct_count; i++)
        shown[i] = call->types[i < plan->argument_count ? i : i + plan->extra_count];
    const exec_aggregate_shape shape = {shown, plan->argument_count, plan->direct_count, plan->aggregate->input_collation, plan->aggregate->head.type};
    if (!exec_aggregate_open(node->x, plan->aggregate->function, &shape, false, &call->entry, &call->made, err))
        return false;
    call->site = call->made;
    rdb_expr *filter = plan->filter;
    if ((count > 0 && !exec_compile(node->x, &call->arguments, exprs, count, err)) || (filter != NULL && !exec_compile(node->x, &call->filter, &filter, 1, err)))
        return false;
    /* An ordered-set aggregate made of functions gets its rows as they come: the order is its own affair. */
    call->keeps_rows = plan->is_distinct || (plan->order_count > 0 && !(call->made != NULL && plan->aggregate->is_within_group));
    if (!exec_check_sortable(plan->order, plan->order_count, err) || (call->keeps_rows && !open_kept(node, call, reps, count, err)))
        return false;
    call->call = (rdb_call){.collation = plan->aggregate->input_collation, .argument_types = call->types, .argument_count = plan->argument_count,
                            .result_type = plan->aggregate->head.type, .result_typmod = plan->aggregate->head.typmod, .state = &call->site, .plan_arena = arena};
    if (plan->aggregate->is_within_group) {
        bool *descending = RDB_NEW_ARRAY(arena, bool, plan->argument_count + 1), *nulls_first = RDB_NEW_ARRAY(arena, bool, plan->argument_count + 1);
        uint32_t *collations = RDB_NEW_ARRAY(arena, uint32_t, plan->argument_count + 1);
        for (uint32_t i = 0; i < plan->order_count; i++) {
            const rdb_plan_key *key = &plan->order[i];
            RDB_ASSERT(key->slot_no < plan->argument_count);
            descending[key->slot_no] = key->is_descending;
            nulls_first[key->slot_no] = key->nulls_first;
            collations[key->slot_no] = key->collation;
        }
        call->call.direct_count = plan->direct_count;
        call->call.sort_descending = descending;
        call->call.sort_nulls_first = nulls_first;
        call->call.sort_collations = collations;
    }
    return true;
}

static bool open_aggregate(exec_node *node, rdb_error *err)
{
    const rdb_plan_aggregate *plan = &node->plan->of.aggregate;
    rdb_arena *arena = node->x->arena;
    agg_state *state = node->state = RDB_NEW(arena, agg_state);
    state->key_count = plan->key_count;
    const rdb_plan_node *left = node->plan->left;
    state->left_count = left->passes_through ? left->input_count : left->targets.count;
    state->spill_reps = RDB_NEW_ARRAY(arena, uint8_t, state->left_count + 2);
    for (uint32_t i = 0; i < state->left_count; i++)
        state->spill_reps[i] = left->passes_through ? left->input_types[i]->rep : ((rdb_target *)left->targets.items[i])->expr->type->rep;
    state->spill_reps[state->left_count] = RDB_REP_INT32;
    state->spill_reps[state->left_count + 1] = RDB_REP_INT64;
    state->live_rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->spill_rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->set_rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->spill_hashes = RDB_NEW_ARRAY(arena, uint64_t, RDB_BATCH_ROWS);
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
    state->deciding = RDB_NEW_ARRAY(arena, uint32_t, plan->key_count + 1);
    state->deciding_types = RDB_NEW_ARRAY(arena, const rdb_type *, plan->key_count + 1);
    state->deciding_collations = RDB_NEW_ARRAY(arena, uint32_t, plan->key_count + 1);
    state->deciding_now = RDB_NEW_ARRAY(arena, rdb_vector *, plan->key_count + 1);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        if (plan->follows != NULL && plan->follows[i])
            continue;
        state->deciding_types[state->deciding_count] = state->key_types[i];
        state->deciding_collations[state->deciding_count] = state->key_collations[i];
        state->deciding[state->deciding_count++] = i;
    }
    state->group_arena = exec_arena(node->x, "groups");
    state->call_arena = exec_arena(node->x, "arguments");
    if (state->group_arena == NULL || state->call_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    reps[plan->key_count] = RDB_REP_INT32;
    if (!exec_store_init(&state->groups, node->x, reps, plan->key_count + 1, err) || (plan->strategy != RDB_AGGREGATE_SORTED && !exec_check_hashable(state->key_types, plan->key_count, err)))
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
    state->found = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->new_rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->is_exact = plan->set_count == 0 && exec_hash_is_exact(state->deciding_types, state->deciding_count);
    state->set_keys = RDB_NEW_ARRAY(arena, rdb_vector *, plan->key_count + 2);
    state->set_number = RDB_NEW(arena, rdb_vector);
    state->is_sorted = plan->strategy == RDB_AGGREGATE_SORTED;
    state->rest_rows = RDB_NEW_ARRAY(arena, uint32_t, state->is_sorted ? RDB_BATCH_ROWS : 1);
    return plan->key_count == 0 || exec_compile(node->x, &state->keys, plan->keys, plan->key_count, err);
}

static void finish_part(agg_part *part)
{
    exec_tape_deinit(part->tape);
    if (--part->set->pending == 0)
        exec_partitions_close(&part->set);
}

static void drop_parts(agg_state *state)
{
    if (state->current != NULL)
        finish_part(state->current);
    state->current = NULL;
    for (agg_part *part; (part = state->parts) != NULL;) {
        state->parts = part->next;
        finish_part(part);
    }
    exec_partitions_close(&state->spilled);
}

static void close_aggregate(exec_node *node)
{
    agg_state *state = node->state;
    if (state == NULL)
        return;
    drop_parts(state);
    for (uint32_t i = 0; i < state->call_count; i++) {
        exec_value_set_close(&state->calls[i].met);
        exec_sorter_close(&state->calls[i].kept);
        exec_store_deinit(&state->calls[i].last);
        exec_function_aggregate_close(state->calls[i].made);
    }
    exec_store_deinit(&state->groups);
    rdb_arena_destroy(state->group_arena);
    rdb_arena_destroy(state->call_arena);
}

/* What calls with DISTINCT or ORDER BY inside have kept is forgotten. */
static bool clear_kept(agg_state *state, rdb_error *err)
{
    for (uint32_t i = 0; i < state->call_count; i++) {
        const agg_call *call = &state->calls[i];
        if (call->keeps_rows)
            exec_sorter_clear(call->kept);
        if (call->met != NULL && !exec_value_set_clear(call->met, err))
            return false;
    }
    return true;
}

/* No groups and no states, for the next pass. */
static bool clear_groups(exec_node *node, double expected, rdb_error *err)
{
    agg_state *state = node->state;
    uint64_t most = RDB_MAX(exec_hash_memory(node->x) / 128, 16);
    state->next_group = 0;
    state->is_full = state->is_built = state->has_null_group = false;
    exec_store_clear(&state->groups);
    rdb_arena_reset(state->group_arena);
    state->states = NULL;
    state->states_capacity = 0;
    return clear_kept(state, err) && exec_hash_init(&state->table, state->group_arena, (uint32_t)RDB_MIN(RDB_MIN(RDB_MAX(expected, 16), 1 << 20), (double)most), err);
}

/* The same of sorted rows. */
static bool clear_runs(agg_state *state, rdb_error *err)
{
    state->next_group = state->ready = 0;
    exec_store_clear(&state->groups);
    rdb_arena_reset(state->group_arena);
    state->states = NULL;
    state->states_capacity = 0;
    return clear_kept(state, err);
}

static bool begin_aggregate(exec_node *node, rdb_error *err)
{
    agg_state *state = node->state;
    state->next_group = 0;
    if (node->built_run == node->x->run_no && !node->reads_parameters && state->is_built && !state->was_spilled)
        return true;
    node->built_run = node->x->run_no;
    drop_parts(state);
    state->was_spilled = false;
    state->level = 0;
    state->batch_count = 1;
    state->disk_bytes = 0;
    if (state->is_sorted) {
        state->is_at_end = false;
        state->input = NULL;
        state->rest_count = 0;
        return clear_runs(state, err) && exec_begin(node->left, err);
    }
    return clear_groups(node, node->plan->rows, err) && exec_begin(node->left, err);
}

/* States of zeroes for the groups first ... first + count - 1. */
static bool new_groups(agg_state *state, uint32_t first, uint32_t count, rdb_error *err)
{
    if (first + count > state->states_capacity) {
        uint32_t capacity = state->states_capacity ? state->states_capacity * 2 : 16;
        while (capacity < first + count)
            capacity *= 2;
        state->states = rdb_arena_try_grow(state->group_arena, state->states, state->states_capacity * sizeof *state->states, capacity * sizeof *state->states, err);
        if (state->states == NULL)
            return false;
        state->states_capacity = capacity;
    }
    const size_t each = RDB_ALIGN_UP((size_t)state->state_bytes, (size_t)16);
    uint8_t *states = rdb_arena_try_alloc(state->group_arena, each * count + 16, err);
    if (states == NULL)
        return false;
    memset(states, 0, each * count);
    for (uint32_t i = 0; i < count; i++)
        state->states[first + i] = states + each * i;
    return true;
}

/* Is the row of the group? Those past the stored ones are of rows of this batch. */
static bool is_of_group(const agg_state *state, uint32_t group, rdb_vector *const *keys, uint32_t row, uint32_t set_no)
{
    const bool is_stored = group < state->groups.row_count;
    const uint32_t other = is_stored ? EXEC_ROW_IN_CHUNK(group) : state->new_rows[group - state->groups.row_count];
    if (is_stored && RDB_AT(exec_store_column(&state->groups, group, state->key_count), uint32_t, other) != set_no)
        return false;
    for (uint32_t d = 0; d < state->deciding_count; d++) {
        const uint32_t k = state->deciding[d];
        if (!exec_values_equal(state->key_types[k], state->key_collations[k], is_stored ? exec_store_column(&state->groups, group, k) : keys[k], other, keys[k], row))
            return false;
    }
    return true;
}

/* Numbers the groups of the selected rows into group_of, by position of live, which has the rows that have one; the others are
 * in spill_rows. keys has key_count vectors and the set's number. */
static bool find_groups(agg_state *state, rdb_vector *const *keys, const rdb_selection *selection, rdb_selection *live, uint32_t *spill_count, rdb_error *err)
{
    uint32_t live_count = 0, away = 0, new_count = 0;
    const uint32_t set_no = RDB_AT(keys[state->key_count], uint32_t, 0), known = state->table.count;
    const bool is_exact = state->is_exact && keys[state->deciding[0]]->nulls == NULL && !state->has_null_group;
    for (uint32_t d = 0; d < state->deciding_count; d++)
        state->deciding_now[d] = keys[state->deciding[d]];
    exec_hash_keys(state->deciding_types, state->deciding_collations, state->deciding_now, state->deciding_count, selection, state->hashes, NULL);
    for (uint32_t i = 0; i < selection->count && set_no != 0; i++)
        state->hashes[i] += set_no * UINT64_C(0x9e3779b97f4a7c15);
    exec_hash_find(&state->table, state->hashes, selection->count, state->found);
    RDB_FOR_SELECTED (selection, row) {
        const uint64_t hash = state->hashes[row_at];
        uint32_t at = state->found[row_at];
        while (at != 0 && !is_exact && !is_of_group(state, at - 1, keys, row, set_no))
            at = exec_hash_next(&state->table, at);
        if (at == 0 && state->table.count > known) /* of one that this batch began? */
            for (at = exec_hash_first(&state->table, hash); at != 0 && !is_exact && !is_of_group(state, at - 1, keys, row, set_no);)
                at = exec_hash_next(&state->table, at);
        if (at == 0 && state->is_full) {
            state->spill_hashes[away] = hash;
            state->spill_rows[away++] = row;
            continue;
        }
        if (at == 0) {
            if (!exec_hash_add(&state->table, hash, true, err))
                return false;
            at = state->table.count;
            state->new_rows[new_count++] = row;
        }
        state->live_rows[live_count] = row;
        state->group_of[live_count++] = at - 1;
    }
    *spill_count = away;
    *live = away == 0 ? *selection : (rdb_selection){state->live_rows, live_count};
    if (new_count == 0)
        return true;
    for (uint32_t d = 0; d < state->deciding_count; d++)
        state->has_null_group |= state->deciding_now[d]->nulls != NULL;
    const rdb_selection added = {state->new_rows, new_count};
    return new_groups(state, state->groups.row_count, new_count, err) && exec_store_append(&state->groups, keys, state->key_count + 1, NULL, 0, &added, err);
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
    call->call.cancel = eval->cancel;
}

/* Puts the selected rows' arguments with their groups, by position, into the call's sorter. */
static bool keep_rows(agg_state *state, agg_call *call, const rdb_batch *batch, const rdb_vector *const *arguments, uint32_t count, const rdb_selection *selection,
                      const uint32_t *groups, rdb_error *err)
{
    const uint32_t rows = RDB_MAX(batch->row_count, (uint32_t)RDB_BATCH_ROWS);
    rdb_vector number = {.values = rdb_arena_try_alloc(state->call_arena, rows * sizeof(uint32_t), err), .mask = RDB_FLAT, .capacity = rows, .rep = RDB_REP_INT32};
    if (number.values == NULL)
        return false;
    RDB_FOR_SELECTED (selection, row)
        RDB_VALUES(&number, uint32_t)[row] = groups[row_at];
    rdb_vector *last[1] = {&number};
    return exec_sorter_put(call->kept, (rdb_vector *const *)(uintptr_t)arguments, count, last, 1, selection, err);
}

static bool update_states(exec_node *node, agg_call *call, const rdb_vector *const *arguments, const rdb_selection *selection, const uint32_t *groups, rdb_error *err)
{
    agg_state *state = node->state;
    prepare_aggregate_call(node, call, err);
    if (state->key_count == 0 && node->plan->of.aggregate.set_count == 0 && call->entry->update_all != NULL)
        return call->entry->update_all(&call->call, state->states[0] + call->state_offset, arguments, selection);
    for (uint32_t i = 0; i < selection->count; i++)
        state->state_of[i] = state->states[groups[i]] + call->state_offset;
    return call->entry->update(&call->call, state->state_of, arguments, selection);
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
    uint32_t argument_count = call->plan->argument_count, count = argument_count + call->plan->extra_count + call->plan->direct_count, good = 0;
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
    const uint32_t *groups = state->group_of;
    if (selection.count != all->count) {
        uint32_t *left = (uint32_t *)(void *)state->hashes; /* hashes are done with */
        RDB_FOR_SELECTED (&selection, row) {
            while (rdb_selected(all, next) != row)
                next++;
            left[row_at] = state->group_of[next];
        }
        groups = left;
    }
    if (call->met != NULL) {
        const exec_value_rows *fresh = NULL, *away = NULL;
        return exec_value_set_put(call->met, arguments[0], groups, &selection, &fresh, &away, err) &&
               (fresh->count == 0 || update_states(node, call, arguments, &(rdb_selection){fresh->rows, fresh->count}, fresh->groups, err)) &&
               (away->count == 0 || keep_rows(state, call, batch, arguments, count, &(rdb_selection){away->rows, away->count}, away->groups, err));
    }
    if (call->keeps_rows)
        return keep_rows(state, call, batch, arguments, count, &selection, groups, err);
    return update_states(node, call, arguments, &selection, groups, err);
}

/* A call with DISTINCT or ORDER BY inside: feeds what it kept in order, row by row, duplicates left out. */
static bool feed_kept(exec_node *node, agg_call *call, rdb_error *err)
{
    agg_state *state = node->state;
    const rdb_plan_aggregate_call *plan = call->plan;
    uint32_t number = plan->argument_count + plan->extra_count + plan->direct_count;
    bool has_last = false;
    exec_store_clear(&call->last);
    if (!exec_sorter_finish(call->kept, err))
        return false;
    for (;;) {
        rdb_batch batch;
        if (!rdb_cancel_check(node->x->context.cancel, err) || !exec_sorter_next(call->kept, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch.row_count == 0)
            return true;
        prepare_aggregate_call(node, call, err);
        for (uint32_t row = 0; row < batch.row_count; row++) {
            uint32_t group = RDB_AT(batch.columns[number], uint32_t, row);
            bool same = plan->is_distinct && (row > 0 || has_last);
            for (uint32_t k = 0; k <= plan->argument_count && same; k++) {
                uint32_t slot = k < plan->argument_count ? k : number;
                const rdb_vector *before = row > 0 ? batch.columns[slot] : exec_store_column(&call->last, 0, slot);
                same = k < plan->argument_count ? exec_values_equal(call->types[k], plan->aggregate->input_collation, before, row > 0 ? row - 1 : 0, batch.columns[k], row)
                                                : RDB_AT(before, uint32_t, row > 0 ? row - 1 : 0) == group;
            }
            if (same)
                continue;
            const rdb_selection one = {&row, 1};
            void *target = state->states[group] + call->state_offset;
            if (!call->entry->update(&call->call, &target, (const rdb_vector *const *)batch.columns, &one))
                return false;
        }
        const uint32_t last = batch.row_count - 1;
        exec_store_clear(&call->last);
        if (plan->is_distinct && !exec_store_append(&call->last, batch.columns, number + 1, NULL, 0, &(rdb_selection){&last, 1}, err))
            return false;
        has_last = true;
    }
}

/* A later pass: the rows of the batch that belong to the set. */
static rdb_selection rows_of_set(agg_state *state, const rdb_batch *batch, uint32_t set)
{
    uint32_t count = 0;
    RDB_FOR_SELECTED (&batch->selection, row) {
        state->set_rows[count] = row;
        count += RDB_AT(batch->columns[state->left_count], uint32_t, row) == set;
    }
    return (rdb_selection){state->set_rows, count};
}

static bool spill_rows(exec_node *node, const rdb_batch *batch, uint32_t count, rdb_error *err)
{
    agg_state *state = node->state;
    const rdb_selection leaving = {state->spill_rows, count};
    rdb_vector *set_number[1] = {state->set_number};
    state->was_spilled = true;
    if (state->spilled == NULL && !exec_partitions_open(&state->spilled, node->x, state->spill_reps, state->left_count + 2, exec_hash_memory(node->x), err))
        return false;
    return exec_partitions_put(state->spilled, state->level, batch->columns, state->left_count, set_number, 1, &leaving, state->spill_hashes, err);
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
        rdb_selection live = state->current != NULL ? rows_of_set(state, batch, set) : batch->selection;
        uint32_t spill_count = 0;
        if (live.count == 0)
            continue;
        if (state->key_count == 0 && plan->set_count == 0)
            memset(state->group_of, 0, live.count * sizeof *state->group_of);
        else if (!find_groups(state, state->set_keys, &live, &live, &spill_count, err))
            return false;
        if (spill_count > 0 && !spill_rows(node, batch, spill_count, err))
            return false;
        rdb_batch wide = *batch;
        if (plan->set_count > 0) { /* direct arguments read the keys as the set has them */
            wide.column_count = state->left_count + state->key_count;
            wide.columns = RDB_NEW_ARRAY(node->arena, rdb_vector *, wide.column_count + 1u);
            for (uint32_t k = 0; k < wide.column_count; k++)
                wide.columns[k] = k < state->left_count ? batch->columns[k] : state->set_keys[k - state->left_count];
        }
        for (uint32_t i = 0; live.count > 0 && i < state->call_count; i++)
            if (!feed_call(node, &state->calls[i], &wide, &live, err))
                return false;
    }
    if (!state->is_full && state->groups.row_count > 16 && state->level < EXEC_PARTITION_LEVELS - 1)
        state->is_full = rdb_arena_bytes(state->group_arena) + rdb_arena_bytes(state->groups.arena) > exec_hash_memory(node->x);
    if (state->is_full && node->parallel != NULL && node->parallel->thread_count > 0) {
        atomic_store_explicit(&node->parallel->is_too_much, true, memory_order_relaxed);
        atomic_store_explicit(&node->parallel->is_stopped, true, memory_order_relaxed);
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
        rdb_selection live;
        uint32_t spill_count = 0;
        if (!find_groups(state, state->set_keys, &one, &live, &spill_count, err))
            return false;
    }
    return true;
}

static bool feed_tape(exec_node *node, exec_tape *tape, rdb_error *err)
{
    exec_reader reader;
    rdb_batch batch;
    bool ok = exec_reader_init(&reader, tape, err);
    while (ok && (ok = rdb_cancel_check(node->x->context.cancel, err) && exec_reader_next(&reader, RDB_BATCH_ROWS, &batch, err)) && batch.selection.count > 0)
        ok = feed_batch(node, &batch, err);
    exec_reader_deinit(&reader);
    return ok;
}

/* The rows of this pass are in: what had to wait is fed, what was spilled gets its turn later. */
static bool end_pass(exec_node *node, rdb_error *err)
{
    agg_state *state = node->state;
    rdb_arena_reset(state->call_arena);
    for (uint32_t i = 0; i < state->call_count; i++)
        if (state->calls[i].keeps_rows && !feed_kept(node, &state->calls[i], err))
            return false;
    if (state->spilled != NULL) {
        exec_partitions *set = state->spilled;
        state->spilled = NULL;
        set->pending = EXEC_PARTITIONS;
        state->disk_bytes = RDB_MAX(state->disk_bytes, exec_partitions_disk(set));
        for (uint32_t p = 0; p < EXEC_PARTITIONS; p++) {
            agg_part *part = RDB_NEW(node->x->arena, agg_part);
            *part = (agg_part){.next = state->parts, .set = set, .tape = &set->tapes[p], .level = state->level + 1};
            state->parts = part;
        }
        state->batch_count += EXEC_PARTITIONS;
    }
    if (node->statistics != NULL) {
        node->statistics->memory_bytes = RDB_MAX(node->statistics->memory_bytes, rdb_arena_bytes(state->group_arena) + rdb_arena_bytes(state->groups.arena));
        node->statistics->disk_bytes = state->disk_bytes;
        node->statistics->batches = state->batch_count;
    }
    state->is_built = true;
    return true;
}

static bool build_groups(exec_node *node, rdb_error *err)
{
    if (!add_empty_groups(node, err))
        return false;
    while (node->parallel == NULL || !atomic_load_explicit(&node->parallel->is_stopped, memory_order_relaxed)) {
        rdb_batch *batch = NULL;
        if (!exec_next(node->left, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            break;
        if (!feed_batch(node, batch, err))
            return false;
    }
    return end_pass(node, err);
}

/* The groups at hand are out: those of the next partition take their place. *found false: there is none. */
static bool build_part(exec_node *node, bool *found, rdb_error *err)
{
    agg_state *state = node->state;
    *found = false;
    if (state->current != NULL)
        finish_part(state->current);
    state->current = NULL;
    for (agg_part *part; !*found && (part = state->parts) != NULL;) {
        state->parts = part->next;
        if (part->tape->row_count == 0) {
            finish_part(part);
            continue;
        }
        state->current = part;
        state->level = part->level;
        *found = true;
        if (!clear_groups(node, (double)part->tape->row_count, err) || !feed_tape(node, part->tape, err) || !end_pass(node, err))
            return false;
    }
    return true;
}

/* ---- sorted rows --------------------------------------------------------------------------------------------------------------- */
static bool same_keys(const agg_state *state, rdb_vector *const *keys, uint32_t row, const rdb_vector *const *others, uint32_t other)
{
    for (uint32_t k = 0; k < state->key_count; k++) {
        const rdb_vector *before = others != NULL ? others[k] : exec_store_column(&state->groups, other, k);
        if (!exec_values_equal(state->key_types[k], state->key_collations[k], before, others != NULL ? other : EXEC_ROW_IN_CHUNK(other), keys[k], row))
            return false;
    }
    return true;
}

/* Feeds the rows up to the first one of the batch's last group, if that is another than the one at hand: they are complete then, and
 * the rest waits. is_rest: the rows begin a group, and belong to it all. */
static bool feed_sorted(exec_node *node, rdb_batch *batch, const rdb_selection *selection, bool is_rest, rdb_error *err)
{
    agg_state *state = node->state;
    rdb_vector *const *keys = state->set_keys;
    uint32_t good = 0, split = selection->count, before = 0;
    rdb_arena_reset(state->call_arena);
    rdb_arena_reset(node->arena);
    if (!rdb_program_run(state->keys, &node->x->eval, node->arena, batch, selection, &good, err))
        return false;
    rdb_vector_set_constant(state->set_number, node->arena, RDB_REP_INT32, (rdb_datum){.oid = 0}, false);
    for (uint32_t k = 0; k < state->key_count; k++)
        state->set_keys[k] = rdb_program_result(state->keys, k);
    state->set_keys[state->key_count] = state->set_number;
    if (!is_rest) { /* where does the last group begin? */
        split = selection->count - 1;
        const uint32_t last = rdb_selected(selection, split);
        while (split > 0 && same_keys(state, keys, last, (const rdb_vector *const *)keys, rdb_selected(selection, split - 1)))
            split--;
        if (split == 0 && (state->groups.row_count == 0 || same_keys(state, keys, last, NULL, state->groups.row_count - 1)))
            split = selection->count; /* one group only, and it may go on */
    }
    for (uint32_t i = 0; i < split; i++) {
        const uint32_t row = rdb_selected(selection, i);
        const bool is_same = i > 0 ? same_keys(state, keys, row, (const rdb_vector *const *)keys, before)
                                   : state->groups.row_count > 0 && same_keys(state, keys, row, NULL, state->groups.row_count - 1);
        if (!is_same) {
            const rdb_selection one = {&row, 1};
            if (!exec_store_append(&state->groups, keys, state->key_count + 1, NULL, 0, &one, err) || !new_groups(state, state->groups.row_count - 1, 1, err))
                return false;
        }
        state->live_rows[i] = row;
        state->group_of[i] = state->groups.row_count - 1;
        before = row;
    }
    const rdb_selection fed = {state->live_rows, split};
    for (uint32_t i = 0; split > 0 && i < state->call_count; i++)
        if (!feed_call(node, &state->calls[i], batch, &fed, err))
            return false;
    state->rest_count = selection->count - split;
    for (uint32_t i = 0; i < state->rest_count; i++)
        state->rest_rows[i] = rdb_selected(selection, split + i);
    return rdb_arena_check(state->group_arena, err);
}

/* The groups at hand are complete. */
static bool end_runs(exec_node *node, rdb_error *err)
{
    agg_state *state = node->state;
    rdb_arena_reset(state->call_arena);
    for (uint32_t i = 0; i < state->call_count; i++)
        if (state->calls[i].keeps_rows && !feed_kept(node, &state->calls[i], err))
            return false;
    state->ready = state->groups.row_count;
    return true;
}

/* Until there are groups to give out, or no more rows. */
static bool build_runs(exec_node *node, rdb_error *err)
{
    agg_state *state = node->state;
    if (state->ready > 0 && !clear_runs(state, err))
        return false;
    while (state->ready == 0 && !state->is_at_end) {
        if (state->rest_count > 0) {
            const rdb_selection rest = {state->rest_rows, state->rest_count};
            if (!feed_sorted(node, state->input, &rest, true, err))
                return false;
        }
        if (!exec_next(node->left, RDB_BATCH_ROWS, &state->input, err))
            return false;
        state->is_at_end = state->input == NULL;
        if (!state->is_at_end && !feed_sorted(node, state->input, &state->input->selection, false, err))
            return false;
        if ((state->is_at_end ? state->groups.row_count > 0 : state->rest_count > 0) && !end_runs(node, err))
            return false;
    }
    return true;
}

static bool next_aggregate(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    agg_state *state = node->state;
    const rdb_plan_aggregate *plan = &node->plan->of.aggregate;
    *raw = NULL;
    if (state->is_sorted && state->next_group == state->ready && !build_runs(node, err))
        return false;
    if (!state->is_sorted && !state->is_built && !build_groups(node, err))
        return false;
    for (bool found = true; found && state->was_spilled && state->next_group == state->groups.row_count;)
        if (!build_part(node, &found, err))
            return false;
    uint32_t rows = RDB_MIN(RDB_MIN((state->is_sorted ? state->ready : state->groups.row_count) - state->next_group, budget), RDB_BATCH_ROWS);
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

/* ---- in several threads --------------------------------------------------------------------------------------------------------- */
bool exec_aggregate_build(exec_node *node, rdb_error *err)
{
    return build_groups(node, err);
}

uint32_t exec_aggregate_groups(const exec_node *node)
{
    return ((const agg_state *)node->state)->groups.row_count;
}

bool exec_aggregate_clear(exec_node *node, rdb_error *err)
{
    agg_state *state = node->state;
    drop_parts(state);
    return clear_groups(node, node->plan->rows, err);
}

bool exec_aggregate_merge(exec_node *into, exec_node *from, rdb_error *err)
{
    agg_state *state = into->state, *other = from->state;
    rdb_vector **columns = RDB_NEW_ARRAY(into->x->arena, rdb_vector *, other->groups.column_count + 1);
    state->is_full = false;
    for (uint32_t chunk = 0; chunk < other->groups.chunk_count; chunk++) {
        rdb_batch batch;
        rdb_selection live;
        uint32_t spill_count = 0;
        exec_store_chunk(&other->groups, chunk, 0, other->groups.column_count, columns, &batch);
        if (!find_groups(state, columns, &batch.selection, &live, &spill_count, err))
            return false;
        for (uint32_t c = 0; c < state->call_count; c++) {
            agg_call *call = &state->calls[c];
            prepare_aggregate_call(into, call, err);
            for (uint32_t i = 0; i < batch.row_count; i++)
                if (!call->entry->combine(&call->call, state->states[state->group_of[i]] + call->state_offset, other->states[chunk * RDB_BATCH_ROWS + i] + call->state_offset))
                    return false;
        }
    }
    return rdb_arena_check(state->group_arena, err);
}

/* The node below the Gather has the groups; this one has what is done with them. */
static bool begin_final(exec_node *node, rdb_error *err)
{
    return exec_begin(node->left, err);
}

static bool next_final(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    exec_node *partial = node->left->left;
    const agg_state *state = partial->state;
    rdb_arena_reset(partial->arena);
    *raw = NULL;
    if (!state->is_built && !exec_gather_partials(node->left, err))
        return false;
    return next_aggregate(partial, budget, raw, err);
}

const exec_ops exec_final_aggregate_ops = {NULL, begin_final, next_final, NULL};
const exec_ops exec_aggregate_ops = {open_aggregate, begin_aggregate, next_aggregate, close_aggregate};

