/* SPDX-License-Identifier: Apache-2.0
 * ModifyTable: rows of the child are written one after the other, in the order they come. A row that someone else changed
 * meanwhile is looked at anew under READ COMMITTED (one-row substitution, R35) and is an error above it. */
#include "exec/exec_route.h"
#include "txn/rdb_lock.h"

typedef struct modify_state {
    bool met_row;               /* INSERT: the last row was one that stood in the way */
    const rdb_plan_modify *plan;
    exec_target *at;            /* the table of the row at hand */
    exec_target *own;           /* the table that the statement names; NULL: it is partitioned */
    exec_target *last_read;     /* of them: where the row before stood */
    exec_target *targets;       /* those whose rows the plan reads, by plan->targets */
    exec_row_rules whole;       /* what policies and views ask of rows that go to tables below the one that is named */
    bool has_whole;
    bool has_views;             /* WITH CHECK OPTION */
    exec_route *route;          /* new rows of a partitioned table; NULL: it is none */
    rdb_arena *row_arena;       /* of the row at hand */
    rdb_program *defaults;      /* of the attributes in default_columns */
    uint16_t *default_columns, default_count;
    rdb_program *conflict_values, *conflict_where;
    rdb_vector **both;          /* ON CONFLICT DO UPDATE: existing row, excluded row */
    int16_t *all_columns;
    rdb_vector **existing;
    rdb_datum *values, *old_values;
    bool *is_null, *old_is_null;
    rdb_vector **columns;       /* the row space: new row, address, child's columns */
    rdb_vector **row;           /* those of them that are ours */
    uint32_t row_capacity;
    uint32_t *rows;
    rdb_batch batch;
    exec_recheck *recheck;
    struct merge_action *actions; /* MERGE */
    char phase;                 /* of new rows while a WHEN of it runs, for checks of policies; 0: what the table's rules say */
    bool is_done;
} modify_state;

/* A WHEN of MERGE, compiled. */
typedef struct merge_action {
    const rdb_plan_merge_action *plan;
    rdb_program *condition, *values, *defaults;
    uint16_t *default_columns, default_count;
} merge_action;

/* Which attributes an INSERT leaves to their defaults, and the program for those that have one. */
static bool compile_defaults(exec_node *node, const int16_t *set_columns, uint16_t set_count, rdb_program **program, uint16_t *columns, uint16_t *default_count, rdb_error *err)
{
    const rdb_plan_modify *plan = &node->plan->of.modify;
    uint16_t count = plan->relation->column_count;
    rdb_expr **defaults = RDB_NEW_ARRAY(node->x->arena, rdb_expr *, count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        bool is_set = false;
        for (uint16_t k = 0; k < set_count; k++)
            is_set = is_set || set_columns[k] == i + 1;
        if (is_set || plan->defaults[i] == NULL)
            continue;
        defaults[*default_count] = plan->defaults[i];
        columns[(*default_count)++] = i;
    }
    return *default_count == 0 || exec_compile(node->x, program, defaults, *default_count, err);
}

static bool open_merge(exec_node *node, modify_state *state, rdb_error *err)
{
    const rdb_plan_modify *plan = state->plan;
    state->actions = RDB_NEW_ARRAY(node->x->arena, merge_action, plan->action_count + 1);
    for (uint32_t i = 0; i < plan->action_count; i++) {
        merge_action *action = &state->actions[i];
        rdb_expr *condition = plan->actions[i].condition;
        action->plan = &plan->actions[i];
        if ((condition != NULL && !exec_compile(node->x, &action->condition, &condition, 1, err)) ||
            (action->plan->set_count > 0 && !exec_compile(node->x, &action->values, action->plan->values, action->plan->set_count, err)))
            return false;
        action->default_columns = RDB_NEW_ARRAY(node->x->arena, uint16_t, plan->relation->column_count + 1u);
        if (action->plan->command == RDB_COMMAND_INSERT &&
            !compile_defaults(node, action->plan->set_columns, action->plan->set_count, &action->defaults, action->default_columns, &action->default_count, err))
            return false;
    }
    return true;
}

/* The row at hand lives in one arena, whichever table it goes to. */
static bool open_targets(exec_node *node, modify_state *state, rdb_error *err)
{
    const rdb_plan_modify *plan = state->plan;
    rdb_execution *x = node->x;
    state->row_arena = exec_arena(x, "row");
    if (state->row_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (plan->has_targets) {
        state->targets = RDB_NEW_ARRAY(x->arena, exec_target, plan->target_count + 1);
        for (uint32_t i = 0; i < plan->target_count; i++) {
            const rdb_plan_target *target = &plan->targets[i];
            const bool is_own = target->relation->oid == plan->relation->oid;
            if (!exec_target_open(&state->targets[i], x, target->relation, is_own ? plan : NULL, plan->relation, target->map, state->row_arena, err))
                return false;
            state->targets[i].scan_no = target->scan_no;
        }
    }
    for (uint32_t i = 0; i < plan->check_count && !state->has_views; i++)
        state->has_views = plan->check_constraints[i]->kind == 'w';
    if (plan->has_targets || plan->relation->kind == 'p') {
        state->has_whole = state->has_views;
        for (uint32_t i = 0; i < plan->check_count && !state->has_whole; i++)
            state->has_whole = plan->check_constraints[i]->kind == 's';
        if (state->has_whole && !exec_row_rules_open(&state->whole, x, plan, err))
            return false;
    }
    if (plan->relation->kind == 'p')
        return plan->command == RDB_COMMAND_DELETE || exec_route_open(&state->route, x, plan->relation, state->row_arena, err);
    exec_target *own = RDB_NEW(x->arena, exec_target);
    if (!exec_target_open(own, x, plan->relation, plan, plan->relation, NULL, state->row_arena, err))
        return false;
    own->scan_no = plan->scan_no;
    own->values = state->values;
    own->is_null = state->is_null;
    own->old_values = state->old_values;
    own->old_is_null = state->old_is_null;
    state->at = state->own = own;
    return true;
}

static bool open_modify(exec_node *node, rdb_error *err)
{
    const rdb_plan_modify *plan = &node->plan->of.modify;
    rdb_arena *arena = node->x->arena;
    modify_state *state = node->state = RDB_NEW(arena, modify_state);
    uint16_t count = plan->relation->column_count;
    state->plan = plan;
    state->values = RDB_NEW_ARRAY(arena, rdb_datum, count + 1u);
    state->old_values = RDB_NEW_ARRAY(arena, rdb_datum, count + 1u);
    state->is_null = RDB_NEW_ARRAY(arena, bool, count + 1u);
    state->old_is_null = RDB_NEW_ARRAY(arena, bool, count + 1u);
    state->rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->columns = RDB_NEW_ARRAY(arena, rdb_vector *, node->plan->input_count + 1);
    state->row = RDB_NEW_ARRAY(arena, rdb_vector *, count + RDB_MODIFY_EXTRA + 1u);
    state->all_columns = RDB_NEW_ARRAY(arena, int16_t, count + 1u);
    state->default_columns = RDB_NEW_ARRAY(arena, uint16_t, count + 1u);
    for (uint16_t i = 0; i < count; i++)
        state->all_columns[i] = (int16_t)(i + 1);
    if (!open_targets(node, state, err))
        return false;
    if (plan->command == RDB_COMMAND_INSERT &&
        !compile_defaults(node, plan->set_columns, plan->set_count, &state->defaults, state->default_columns, &state->default_count, err))
        return false;
    if (plan->command == RDB_COMMAND_MERGE && !open_merge(node, state, err))
        return false;
    if (plan->conflict_action == 2) {
        rdb_expr *where = plan->conflict_where;
        if (!exec_compile(node->x, &state->conflict_values, plan->conflict_values, plan->conflict_set_count, err) ||
            (where != NULL && !exec_compile(node->x, &state->conflict_where, &where, 1, err)))
            return false;
        state->both = RDB_NEW_ARRAY(arena, rdb_vector *, 2u * count + 1);
        for (uint32_t i = 0; i < 2u * count; i++) {
            state->both[i] = RDB_NEW(arena, rdb_vector);
            if (!rdb_vector_init(state->both[i], arena, (rdb_rep)plan->relation->columns[i % count].type->rep, 1, err))
                return false;
        }
    }
    return true;
}

static void close_modify(exec_node *node)
{
    modify_state *state = node->state;
    if (state == NULL)
        return;
    if (state->own != NULL)
        exec_target_close(state->own);
    for (uint32_t i = 0; state->targets != NULL && i < state->plan->target_count; i++)
        exec_target_close(&state->targets[i]);
    if (state->has_whole)
        exec_row_rules_close(&state->whole);
    exec_route_close(state->route);
    rdb_arena_destroy(state->row_arena);
    exec_recheck_close(&state->recheck);
}

static bool begin_modify(exec_node *node, rdb_error *err)
{
    modify_state *state = node->state;
    state->is_done = false;
    if (rdb_txn_is_read_only(node->x->context.txn))
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction",
                             state->plan->command == RDB_COMMAND_INSERT ? "INSERT" : state->plan->command == RDB_COMMAND_UPDATE ? "UPDATE" : state->plan->command == RDB_COMMAND_MERGE ? "MERGE" : "DELETE");
    return exec_begin(node->left, err);
}

static rdb_row_writer make_writer(exec_node *node)
{
    modify_state *state = node->state;
    const rdb_execution_context *context = &node->x->context;
    return (rdb_row_writer){.txn = context->txn, .snapshot = context->snapshot, .relation = state->at->relation, .lock_timeout_us = context->lock_timeout_us, .arena = state->row_arena,
                            .compute_index = exec_row_rules_compute_index, .compute_context = &state->at->rules,
                            .name_expression = exec_row_rules_name_expression, .format = context->format, .shown_columns = state->at->rules.shown};
}

static void read_row(rdb_vector *const *columns, uint32_t row, uint16_t count, rdb_datum *values, bool *is_null)
{
    for (uint16_t i = 0; i < count; i++) {
        is_null[i] = rdb_vector_is_null(columns[i], row);
        values[i] = is_null[i] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(columns[i], row);
    }
}

static bool raise_conflict(exec_node *node, bool is_gone, rdb_error *err)
{
    (void)node;
    return rdb_error_set(err, RDB_SERIALIZATION_FAILURE, "could not serialize access due to concurrent %s", is_gone ? "delete" : "update");
}

bool exec_refuse_moved(rdb_error *err)
{
    return rdb_error_set(err, RDB_SERIALIZATION_FAILURE, "tuple to be locked was already moved to another partition due to concurrent update");
}

static bool above_read_committed(const exec_node *node)
{
    return rdb_txn_get_isolation(node->x->context.txn) >= RDB_REPEATABLE_READ;
}

/* The row to write: its table, place and version, and as what it stood there. *found false: it is gone. is_again: it was looked at anew, so
 * the newest version counts. */
static bool read_target(exec_node *node, const rdb_batch *batch, uint32_t row, bool is_again, rdb_row_address *address, rdb_row_version *seen, bool *found, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_plan_modify *plan = state->plan;
    const uint16_t count = plan->relation->column_count;
    *found = true;
    *address = (rdb_row_address)RDB_AT(batch->columns[plan->identity_slot], int64_t, row);
    *seen = (rdb_row_version){(rdb_xid)RDB_AT(batch->columns[plan->identity_slot + 1], int64_t, row), (rdb_undo_address)RDB_AT(batch->columns[plan->identity_slot + 2], int64_t, row)};
    if (!plan->has_targets) {
        state->at = state->own;
        read_row(batch->columns + plan->old_slot, row, count, state->old_values, state->old_is_null);
        memcpy(state->values, state->old_values, count * sizeof *state->values);
        memcpy(state->is_null, state->old_is_null, count * sizeof *state->is_null);
        return true;
    }
    const uint32_t oid = RDB_AT(batch->columns[plan->tableoid_slot], uint32_t, row);
    state->at = state->last_read;
    if (state->at == NULL || state->at->relation->oid != oid) {
        state->at = NULL;
        for (uint32_t i = 0; i < plan->target_count && state->at == NULL; i++)
            if (plan->targets[i].relation->oid == oid)
                state->at = &state->targets[i];
        if (state->at == NULL)
            return rdb_error_set(err, RDB_INTERNAL_ERROR, "row comes from relation %u, which the statement does not write", oid);
    }
    exec_target *at = state->last_read = state->at;
    rdb_row_version version = {0};
    if (!exec_target_fetch(at, node->x, *address, is_again, &version, found, err))
        return false;
    *found = *found && version.xid == seen->xid && version.undo == seen->undo;
    memcpy(at->values, at->old_values, at->relation->column_count * sizeof *at->values);
    memcpy(at->is_null, at->old_is_null, at->relation->column_count * sizeof *at->is_null);
    return true;
}

static void assign(exec_target *at, int16_t number, bool is_null, rdb_datum value)
{
    const int16_t own = at->map != NULL ? at->map[number - 1] : number;
    at->is_null[own - 1] = is_null;
    at->values[own - 1] = is_null ? (rdb_datum){.words = {0, 0}} : value;
}

/* A row for a table below, as one of the table that is named, in state->whole.arena. */
static void see_whole(modify_state *state, const exec_target *at, rdb_datum **values, bool **is_null)
{
    const uint16_t count = state->plan->relation->column_count;
    rdb_arena_reset(state->whole.arena);
    *values = RDB_NEW_ARRAY(state->whole.arena, rdb_datum, count + 1u);
    *is_null = RDB_NEW_ARRAY(state->whole.arena, bool, count + 1u);
    exec_target_give(at, count, *values, *is_null);
}

/* The policies of the table that is named hold for rows of those below too. */
static bool check_whole(modify_state *state, const exec_target *at, rdb_error *err)
{
    rdb_datum *values;
    bool *is_null;
    if (!state->has_whole || at->plan == state->plan)
        return true;
    see_whole(state, at, &values, &is_null);
    state->whole.phase = state->phase != 0 ? state->phase : at->rules.phase;
    return exec_row_rules_check_policies(&state->whole, values, is_null, err);
}

/* WITH CHECK OPTION asks of a row that is written, its keys entered. */
static bool check_views(modify_state *state, exec_target *at, rdb_error *err)
{
    rdb_datum *values;
    bool *is_null;
    if (!state->has_views)
        return true;
    if (at->plan == state->plan)
        return exec_row_rules_check_views(&at->rules, at->values, at->is_null, err);
    see_whole(state, at, &values, &is_null);
    return exec_row_rules_check_views(&state->whole, values, is_null, err);
}

/* Tries to write the version seen: the row in state->values (UPDATE), or none (DELETE). */
static bool write_once(exec_node *node, uint8_t command, rdb_row_address address, rdb_row_version seen, rdb_write_outcome *outcome, rdb_error *err)
{
    modify_state *state = node->state;
    exec_target *at = state->at;
    const rdb_index_values *keys = NULL, *old_keys = NULL;
    rdb_row_writer writer = make_writer(node);
    *outcome = RDB_WRITE_DONE;
    if (!exec_row_rules_index_values(&at->rules, at->old_values, at->old_is_null, &old_keys, err))
        return false;
    if (command == RDB_COMMAND_UPDATE) {
        if (!check_whole(state, at, err) || !exec_row_rules_apply(&at->rules, at->values, at->is_null, err) ||
            !exec_row_rules_index_values(&at->rules, at->values, at->is_null, &keys, err) ||
            !rdb_row_update(&writer, address, seen, at->old_values, at->old_is_null, at->values, at->is_null, old_keys, keys, outcome, err))
            return false;
    } else if (!rdb_row_delete(&writer, address, seen, at->old_values, at->old_is_null, old_keys, outcome, err)) {
        return false;
    }
    if (*outcome != RDB_WRITE_DONE)
        return true;
    return exec_after_note(node->x, at->relation, command, address, at->old_values, at->old_is_null, at->values, at->is_null, err) &&
           (command != RDB_COMMAND_UPDATE || check_views(state, at, err));
}

static bool insert_values(exec_node *node, bool *is_written, rdb_row_address *address, rdb_error *err);

/* An UPDATE that takes the row out of its partition: it is deleted there and finds its way anew. */
static bool move_row(exec_node *node, rdb_row_address *address, rdb_row_version seen, rdb_write_outcome *outcome, rdb_error *err)
{
    modify_state *state = node->state;
    exec_target *from = state->at;
    const rdb_index_values *old_keys = NULL;
    rdb_row_writer writer = make_writer(node);
    writer.moves_away = true;
    rdb_row_address moved = 0;
    bool is_written = false;
    *outcome = RDB_WRITE_DONE;
    exec_target_give(from, state->plan->relation->column_count, state->values, state->is_null);
    exec_target *to = NULL;
    bool holds = true;
    if (!exec_route_check_root(state->route, state->row_arena, state->values, state->is_null, &holds, err))
        return false;
    if (!holds)
        return exec_target_refuse(from, state->plan->relation, err);
    if (!exec_route_find(state->route, state->row_arena, state->values, state->is_null, &to, err) ||
        !exec_row_rules_index_values(&from->rules, from->old_values, from->old_is_null, &old_keys, err) ||
        !rdb_row_delete(&writer, *address, seen, from->old_values, from->old_is_null, old_keys, outcome, err))
        return false;
    if (*outcome != RDB_WRITE_DONE)
        return true;
    /* for whoever refers to the row it was an update of the table as a whole */
    const uint16_t count = state->plan->relation->column_count;
    rdb_datum *old_values = rdb_arena_zalloc(state->row_arena, (count + 1u) * sizeof *old_values);
    bool *old_is_null = rdb_arena_zalloc(state->row_arena, count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        const int16_t place = from->map != NULL ? from->map[i] : (int16_t)(i + 1);
        old_is_null[i] = place == 0 || from->old_is_null[place - 1];
        old_values[i] = old_is_null[i] ? (rdb_datum){.words = {0, 0}} : from->old_values[place - 1];
    }
    if (!exec_after_note(node->x, state->plan->relation, RDB_COMMAND_UPDATE, *address, old_values, old_is_null, state->values, state->is_null, err) ||
        !insert_values(node, &is_written, &moved, err))
        return false;
    *address = moved;
    return true;
}

/* The new row stands in state->at->values. */
static bool update_once(exec_node *node, rdb_row_address *address, rdb_row_version seen, rdb_write_outcome *outcome, rdb_error *err)
{
    modify_state *state = node->state;
    exec_target *at = state->at;
    bool holds = true;
    if (at->bound != NULL && !exec_bound_holds(at->bound, state->row_arena, at->values, at->is_null, &holds, err))
        return false;
    if (!holds)
        return state->route != NULL ? move_row(node, address, seen, outcome, err) : exec_target_refuse(at, at->relation, err);
    return write_once(node, RDB_COMMAND_UPDATE, *address, seen, outcome, err);
}

/* UPDATE or DELETE of one row. batch and row change to the re-checked ones where the row had changed. */
static bool write_existing(exec_node *node, rdb_batch *batch, uint32_t row, bool *is_written, rdb_row_address *address, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_plan_modify *plan = state->plan;
    bool is_again = false, found = true;
    *is_written = false;
    for (;;) {
        rdb_row_version seen;
        rdb_write_outcome outcome = RDB_WRITE_DONE;
        if (!rdb_cancel_check(node->x->context.cancel, err))
            return false;
        if (rdb_vector_is_null(batch->columns[plan->identity_slot], row))
            return true; /* the null side of an outer join */
        rdb_arena_reset(state->row_arena);
        if (!read_target(node, batch, row, is_again, address, &seen, &found, err))
            return false;
        for (uint16_t i = 0; plan->command == RDB_COMMAND_UPDATE && i < plan->set_count; i++)
            if (plan->set_columns[i] > 0)
                assign(state->at, plan->set_columns[i], rdb_vector_is_null(batch->columns[i], row), rdb_vector_get(batch->columns[i], row));
        if (!found)
            outcome = RDB_WRITE_CHANGED;
        else if (plan->command == RDB_COMMAND_UPDATE ? !update_once(node, address, seen, &outcome, err) : !write_once(node, plan->command, *address, seen, &outcome, err))
            return false;
        switch (outcome) {
        case RDB_WRITE_DONE:
            *is_written = true;
            return true;
        case RDB_WRITE_SELF: return true;
        case RDB_WRITE_GONE:
            if (above_read_committed(node))
                return raise_conflict(node, true, err);
            return true;
        case RDB_WRITE_MOVED:
        case RDB_WRITE_RELOCATED: /* the substitution follows it */
        case RDB_WRITE_CHANGED:
        case RDB_WRITE_WAIT: break;
        }
        if (above_read_committed(node))
            return raise_conflict(node, false, err);
        if (outcome == RDB_WRITE_MOVED)
            return exec_refuse_moved(err);
        rdb_batch *again = NULL;
        if (!exec_recheck_row(node->x, &state->recheck, node->plan->left, state->at->scan_no, plan->targets, plan->target_count, *address, &again, err))
            return false;
        if (again == NULL)
            return true;
        is_again = true;
        batch = again;
        row = rdb_selected(&again->selection, 0);
    }
}

static bool refuse_second_change(rdb_error *err)
{
    rdb_error_set(err, RDB_CARDINALITY_VIOLATION, "ON CONFLICT DO UPDATE command cannot affect row a second time");
    return rdb_error_hint(err, "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.");
}

/* Has the old row the key of the new one still? Over expressions that was asked when the conflict was met. */
static bool has_key_of(const exec_target *at, uint16_t conflict_index, rdb_arena *arena, bool *has, rdb_error *err)
{
    rdb_strbuf old_key, key;
    *has = true;
    if (conflict_index >= at->relation->index_count)
        return true;
    const rdb_relation_index *index = &at->relation->indexes[conflict_index];
    for (uint16_t i = 0; i < index->key_count; i++)
        if (index->columns[i].column_number == 0)
            return true;
    rdb_strbuf_init(&old_key, arena);
    rdb_strbuf_init(&key, arena);
    if (!rdb_index_key_encode_row(index, at->old_values, at->old_is_null, &old_key, err) || !rdb_index_key_encode_row(index, at->values, at->is_null, &key, err))
        return false;
    *has = index->is_exclusion || (old_key.length == key.length && memcmp(old_key.data, key.data, key.length) == 0);
    return true;
}

/* A row in the way that WHERE does not want is locked all the same, as the one that was looked at. */
static bool lock_conflicting(exec_node *node, rdb_row_address conflict, rdb_row_version version, bool *is_gone, rdb_error *err)
{
    const exec_target *at = ((modify_state *)node->state)->at;
    const rdb_execution_context *context = &node->x->context;
    rdb_write_outcome outcome = RDB_WRITE_DONE;
    bool taken = false;
    if (!rdb_table_lock_row(&at->relation->table, context->txn, context->snapshot, conflict, version, RDB_ROW_NO_KEY_UPDATE, RDB_LOCK_WAIT, context->lock_timeout_us, &outcome,
                            &taken, err))
        return false;
    rdb_lock_keep_place(context->txn);
    *is_gone = outcome != RDB_WRITE_DONE;
    return !*is_gone || !above_read_committed(node) || raise_conflict(node, outcome == RDB_WRITE_GONE, err);
}

/* The row in the way of an insert becomes the one to update. *is_gone: it vanished or has another key, insert again. */
static bool update_conflicting(exec_node *node, rdb_row_address conflict, uint16_t conflict_index, bool *is_written, bool *is_gone, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_plan_modify *plan = state->plan;
    const rdb_execution_context *context = &node->x->context;
    exec_target *at = state->at;
    const uint16_t count = plan->relation->column_count, own_count = at->relation->column_count;
    *is_written = *is_gone = false;
    rdb_row_version version;
    bool found = false;
    if (!exec_target_fetch(at, node->x, conflict, true, &version, &found, err) || (found && !has_key_of(at, conflict_index, state->row_arena, &found, err)))
        return false;
    if (!found) {
        *is_gone = true;
        return true;
    }
    for (uint16_t i = 0; i < count; i++) {
        const int16_t own = at->map != NULL ? at->map[i] : (int16_t)(i + 1);
        const bool is_null = own == 0 || at->old_is_null[own - 1];
        rdb_vector_clear_nulls(state->both[i]);
        rdb_vector_clear_nulls(state->both[count + i]);
        rdb_vector_put(state->both[i], 0, is_null ? (rdb_datum){.words = {0, 0}} : at->old_values[own - 1], is_null);
        rdb_vector_put(state->both[count + i], 0, state->values[i], state->is_null[i]);
    }
    const rdb_table *table = &at->relation->table;
    bool is_visible = false;
    if (!rdb_txn_sees(table->txns, table->pdb, context->snapshot, context->txn, version.xid, version.undo, &is_visible, err))
        return false;
    if (!is_visible && rdb_txn_is_own(context->txn, version.xid))
        return refuse_second_change(err);
    if (!is_visible && above_read_committed(node))
        return raise_conflict(node, false, err);
    rdb_batch pair = {.columns = state->both, .column_count = 2u * count, .row_count = 1, .selection = {NULL, 1}};
    uint32_t good = 0;
    if (state->conflict_where != NULL) {
        if (!rdb_program_run(state->conflict_where, &node->x->eval, state->row_arena, &pair, &pair.selection, &good, err))
            return false;
        const rdb_vector *answer = rdb_program_result(state->conflict_where, 0);
        if (rdb_vector_is_null(answer, 0) || !RDB_AT(answer, uint8_t, 0))
            return lock_conflicting(node, conflict, version, is_gone, err);
    }
    if (state->has_whole && at->plan != state->plan)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "ON CONFLICT DO UPDATE on a partitioned table with row-level security is not supported yet");
    if (!exec_row_rules_check_existing(&at->rules, 'c', at->old_values, at->old_is_null, err) ||
        !rdb_program_run(state->conflict_values, &node->x->eval, state->row_arena, &pair, &pair.selection, &good, err))
        return false;
    rdb_datum *values = rdb_arena_memdup(state->row_arena, at->old_values, own_count * sizeof *values);
    bool *is_null = rdb_arena_memdup(state->row_arena, at->old_is_null, own_count * sizeof *is_null), holds = true;
    for (uint16_t i = 0; i < plan->conflict_set_count; i++) {
        const rdb_vector *value = rdb_program_result(state->conflict_values, i);
        const int16_t number = plan->conflict_set_columns[i];
        const uint32_t place = (uint32_t)(at->map != NULL ? at->map[number - 1] : number) - 1;
        is_null[place] = rdb_vector_is_null(value, 0);
        values[place] = is_null[place] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(value, 0);
    }
    if (at->bound != NULL && !exec_bound_holds(at->bound, state->row_arena, values, is_null, &holds, err))
        return false;
    if (!holds) {
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "invalid ON UPDATE specification");
        return rdb_error_detail(err, "The result tuple would appear in a different partition than the original tuple.");
    }
    const rdb_index_values *keys = NULL, *old_keys = NULL;
    rdb_write_outcome outcome = RDB_WRITE_DONE;
    rdb_row_writer writer = make_writer(node);
    at->rules.phase = 'u';
    const bool passes = exec_row_rules_index_values(&at->rules, at->old_values, at->old_is_null, &old_keys, err) && exec_row_rules_apply(&at->rules, values, is_null, err);
    at->rules.phase = 0;
    if (!passes || !exec_row_rules_index_values(&at->rules, values, is_null, &keys, err) ||
        !rdb_row_update(&writer, conflict, version, at->old_values, at->old_is_null, values, is_null, old_keys, keys, &outcome, err))
        return false;
    if (outcome == RDB_WRITE_DONE) {
        *is_written = true;
        if (!exec_after_note(node->x, at->relation, RDB_COMMAND_UPDATE, conflict, at->old_values, at->old_is_null, values, is_null, err))
            return false;
        memcpy(at->values, values, own_count * sizeof *values);
        memcpy(at->is_null, is_null, own_count * sizeof *is_null);
        return check_views(state, at, err);
    }
    if (outcome == RDB_WRITE_SELF)
        return refuse_second_change(err);
    if (above_read_committed(node))
        return raise_conflict(node, outcome == RDB_WRITE_GONE, err);
    *is_gone = true; /* it may have another key by now */
    return true;
}

static bool fill_defaults(exec_node *node, rdb_program *defaults, const uint16_t *columns, uint16_t count, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_selection one = {NULL, 1};
    uint32_t good = 0;
    if (defaults == NULL)
        return true;
    if (!rdb_program_run(defaults, &node->x->eval, state->row_arena, NULL, &one, &good, err))
        return false;
    for (uint16_t i = 0; i < count; i++) {
        const rdb_vector *value = rdb_program_result(defaults, i);
        uint16_t at = columns[i];
        state->is_null[at] = rdb_vector_is_null(value, 0);
        if (!state->is_null[at])
            state->values[at] = rdb_vector_get(value, 0);
    }
    return true;
}

static void clear_row(modify_state *state)
{
    for (uint16_t i = 0; i < state->plan->relation->column_count; i++) {
        state->is_null[i] = true;
        state->values[i] = (rdb_datum){.words = {0, 0}};
    }
}

/* DO NOTHING about a row that the transaction's snapshot does not have would tell of the future: that fails. */
static bool check_met_row(exec_node *node, rdb_row_address conflict, rdb_error *err)
{
    exec_target *at = ((modify_state *)node->state)->at;
    rdb_row_version version;
    bool found = false;
    if (!exec_target_fetch(at, node->x, conflict, false, &version, &found, err) || found)
        return !rdb_error_is_set(err);
    if (!exec_target_fetch(at, node->x, conflict, true, &version, &found, err))
        return false;
    return (found && rdb_txn_is_own(node->x->context.txn, version.xid)) || raise_conflict(node, false, err);
}

/* The row in state->values, complete but for what the rules add, goes to its table. */
static bool insert_values(exec_node *node, bool *is_written, rdb_row_address *address, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_plan_modify *plan = state->plan;
    const rdb_index_values *keys = NULL;
    uint16_t conflict_index = plan->conflict_action == 0 ? RDB_CONFLICT_ERROR : plan->conflict_index;
    state->at = state->own;
    if (state->route != NULL) {
        bool holds = true;
        if (!exec_route_check_root(state->route, state->row_arena, state->values, state->is_null, &holds, err))
            return false;
        if (!exec_route_find(state->route, state->row_arena, state->values, state->is_null, &state->at, err))
            return false;
        exec_target_take(state->at, plan->relation->column_count, state->values, state->is_null);
        if (!holds)
            return exec_target_refuse(state->at, plan->relation, err);
        if (conflict_index != RDB_CONFLICT_ERROR && conflict_index != RDB_CONFLICT_ANY &&
            !exec_target_arbiter(state->at, node->x, &plan->relation->indexes[conflict_index], &conflict_index, err))
            return false;
    }
    exec_target *at = state->at;
    if (!check_whole(state, at, err) || !exec_row_rules_apply(&at->rules, at->values, at->is_null, err) || (state->route == NULL && !exec_target_check_bound(at, err)) ||
        !exec_row_rules_index_values(&at->rules, at->values, at->is_null, &keys, err))
        return false;
    for (bool is_gone = false;;) {
        rdb_row_writer writer = make_writer(node);
        writer.wants_conflicting = plan->conflict_action == 2;
        rdb_row_address conflict = 0;
        if (!rdb_row_insert(&writer, at->values, at->is_null, keys, conflict_index, address, &conflict, err))
            return false;
        state->met_row = conflict != 0;
        if (conflict == 0) {
            *is_written = true;
            if (is_gone)
                rdb_lock_leave_place(node->x->context.txn); /* of the row that was in the way */
            return exec_after_note(node->x, at->relation, RDB_COMMAND_INSERT, *address, NULL, NULL, at->values, at->is_null, err) &&
                   check_views(state, at, err);
        }
        if (plan->conflict_action != 2)
            return !above_read_committed(node) || check_met_row(node, conflict, err);
        if (!update_conflicting(node, conflict, conflict_index, is_written, &is_gone, err))
            return false;
        *address = conflict;
        if (!is_gone)
            return true;
        if (!exec_row_rules_index_values(&at->rules, at->values, at->is_null, &keys, err)) /* those of the other row went over them */
            return false;
    }
}

static bool insert_row(exec_node *node, const rdb_batch *batch, uint32_t row, bool *is_written, rdb_row_address *address, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_plan_modify *plan = state->plan;
    *is_written = false;
    rdb_arena_reset(state->row_arena);
    clear_row(state);
    for (uint16_t i = 0; i < plan->set_count; i++) {
        if (plan->set_columns[i] <= 0)
            continue;
        uint32_t at = (uint32_t)plan->set_columns[i] - 1;
        state->is_null[at] = rdb_vector_is_null(batch->columns[i], row);
        if (!state->is_null[at])
            state->values[at] = rdb_vector_get(batch->columns[i], row);
    }
    return fill_defaults(node, state->defaults, state->default_columns, state->default_count, err) && insert_values(node, is_written, address, err);
}

/* Rows may go into the table many at a time: nothing is answered of each, and each goes the same way. */
static bool takes_batches(const modify_state *state)
{
    const rdb_plan_modify *plan = state->plan;
    return plan->command == RDB_COMMAND_INSERT && plan->conflict_action == 0 && !plan->returns_rows && state->route == NULL && !state->has_whole && !state->has_views && state->own->bound == NULL;
}

/* The rows of a batch. Those before one that is refused are written before its error is told: what they would have met comes first. */
static bool insert_batch(exec_node *node, const rdb_batch *batch, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_plan_modify *plan = state->plan;
    const uint16_t count = plan->relation->column_count;
    const uint32_t rows = batch->selection.count;
    rdb_arena *arena = state->row_arena;
    rdb_arena_reset(arena);
    exec_target *at = state->at = state->own;
    rdb_datum *values = rdb_arena_try_alloc(arena, (size_t)rows * (count + 1u) * sizeof *values, err);
    bool *is_null = rdb_arena_try_alloc(arena, (size_t)rows * (count + 1u), err);
    const rdb_datum **all_values = rdb_arena_try_alloc(arena, rows * sizeof *all_values, err);
    const bool **all_nulls = rdb_arena_try_alloc(arena, rows * sizeof *all_nulls, err);
    const rdb_index_values **all_keys = rdb_arena_try_alloc(arena, rows * sizeof *all_keys, err);
    rdb_row_address *addresses = rdb_arena_try_alloc(arena, rows * sizeof *addresses, err);
    if (values == NULL || is_null == NULL || all_values == NULL || all_nulls == NULL || all_keys == NULL || addresses == NULL)
        return false;
    rdb_error refused;
    rdb_error_init(&refused);
    uint32_t made = 0;
    RDB_FOR_SELECTED (&batch->selection, row) {
        clear_row(state);
        for (uint16_t i = 0; i < plan->set_count; i++) {
            if (plan->set_columns[i] <= 0)
                continue;
            uint32_t to = (uint32_t)plan->set_columns[i] - 1;
            state->is_null[to] = rdb_vector_is_null(batch->columns[i], row);
            if (!state->is_null[to])
                state->values[to] = rdb_vector_get(batch->columns[i], row);
        }
        if (!fill_defaults(node, state->defaults, state->default_columns, state->default_count, &refused) ||
            !exec_row_rules_apply(&at->rules, state->values, state->is_null, &refused) ||
            !exec_row_rules_index_values(&at->rules, state->values, state->is_null, &all_keys[made], &refused))
            break;
        all_values[made] = memcpy(values + (size_t)made * count, state->values, count * sizeof *values);
        all_nulls[made] = memcpy(is_null + (size_t)made * count, state->is_null, count);
        made++;
    }
    rdb_row_writer writer = make_writer(node);
    bool ok = made == 0 || rdb_row_insert_many(&writer, all_values, all_nulls, made, all_keys, addresses, err);
    for (uint32_t i = 0; ok && i < made; i++)
        ok = exec_after_note(node->x, at->relation, RDB_COMMAND_INSERT, addresses[i], NULL, NULL, all_values[i], all_nulls[i], err);
    if (ok && rdb_error_is_set(&refused)) {
        rdb_error_move(err, &refused);
        return false;
    }
    rdb_error_clear(&refused);
    node->x->rows_written += made;
    return ok;
}

/* ---- MERGE ------------------------------------------------------------------------------------------------------------------------- */
/* The first WHEN of the pair's kind whose condition holds; NULL: none. */
static bool choose_action(exec_node *node, const rdb_batch *batch, uint32_t row, bool is_matched, merge_action **chosen, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_selection one = {&row, 1};
    *chosen = NULL;
    for (uint32_t i = 0; i < state->plan->action_count; i++) {
        merge_action *action = &state->actions[i];
        uint32_t good = 0;
        if (action->plan->is_matched != is_matched)
            continue;
        if (action->condition != NULL) {
            if (!rdb_program_run(action->condition, &node->x->eval, state->row_arena, batch, &one, &good, err))
                return false;
            const rdb_vector *answer = rdb_program_result(action->condition, 0);
            if (rdb_vector_is_null(answer, row) || !RDB_AT(answer, uint8_t, row))
                continue;
        }
        *chosen = action;
        return true;
    }
    return true;
}

/* to_target: into the row of state->at; else into a new row of the table that the statement names. */
static bool run_action_values(exec_node *node, const merge_action *action, const rdb_batch *batch, uint32_t row, bool to_target, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_selection one = {&row, 1};
    uint32_t good = 0;
    if (action->values == NULL)
        return true;
    if (!rdb_program_run(action->values, &node->x->eval, state->row_arena, batch, &one, &good, err))
        return false;
    for (uint16_t i = 0; i < action->plan->set_count; i++) {
        const rdb_vector *value = rdb_program_result(action->values, i);
        uint32_t at = (uint32_t)action->plan->set_columns[i] - 1;
        if (to_target) {
            assign(state->at, action->plan->set_columns[i], rdb_vector_is_null(value, row), rdb_vector_get(value, row));
            continue;
        }
        state->is_null[at] = rdb_vector_is_null(value, row);
        state->values[at] = state->is_null[at] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(value, row);
    }
    return true;
}

static bool same_value(const rdb_vector *left, uint32_t left_row, const rdb_vector *right, uint32_t right_row)
{
    bool left_null = rdb_vector_is_null(left, left_row), right_null = rdb_vector_is_null(right, right_row);
    if (left_null || right_null)
        return left_null == right_null;
    rdb_datum x = rdb_vector_get(left, left_row), y = rdb_vector_get(right, right_row);
    if (left->rep != RDB_REP_BYTES)
        return memcmp(&x, &y, rdb_rep_width((rdb_rep)left->rep)) == 0;
    return x.bytes.length == y.bytes.length && (x.bytes.length == 0 || memcmp(x.bytes.data, y.bytes.data, x.bytes.length) == 0);
}

/* The pair of this source row with the target's newest version; *batch NULL: they match no more. The plan runs over all source rows,
 * which what they brought along tells apart. */
static bool join_again(exec_node *node, const rdb_batch *first, uint32_t first_row, rdb_row_address address, rdb_batch **batch, uint32_t *row, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_plan_modify *plan = state->plan;
    rdb_batch *again = NULL;
    *batch = NULL;
    if (!exec_recheck_row(node->x, &state->recheck, node->plan->left, state->at->scan_no, plan->targets, plan->target_count, address, &again, err))
        return false;
    while (again != NULL) {
        RDB_FOR_SELECTED (&again->selection, at) {
            bool is_same = !rdb_vector_is_null(again->columns[plan->identity_slot], at);
            for (uint32_t c = 0; c < again->column_count && is_same; c++)
                is_same = !plan->is_foreign[c] || same_value(first->columns[c], first_row, again->columns[c], at);
            if (is_same) {
                *batch = again;
                *row = at;
                return true;
            }
        }
        if (!exec_recheck_next(state->recheck, &again, err))
            return false;
    }
    return true;
}

/* What the action does to the target's row in state->at, if policies let it meet the row. */
static bool run_matched(exec_node *node, const merge_action *action, const rdb_batch *batch, uint32_t row, rdb_row_address *address, rdb_row_version seen,
                        rdb_write_outcome *outcome, rdb_error *err)
{
    modify_state *state = node->state;
    exec_target *at = state->at;
    const bool updates = action->plan->command == RDB_COMMAND_UPDATE;
    const char existing = updates ? 'm' : 'd';
    if (state->has_whole && at->plan != state->plan) {
        const uint16_t count = state->plan->relation->column_count;
        exec_target_give(at, count, state->values, state->is_null);
        if (!exec_row_rules_check_existing(&state->whole, existing, state->values, state->is_null, err))
            return false;
    } else if (!exec_row_rules_check_existing(&at->rules, existing, at->old_values, at->old_is_null, err)) {
        return false;
    }
    if (!run_action_values(node, action, batch, row, true, err))
        return false;
    state->phase = at->rules.phase = updates ? 'u' : 0;
    const bool ok = updates ? update_once(node, address, seen, outcome, err) : write_once(node, action->plan->command, *address, seen, outcome, err);
    state->phase = at->rules.phase = 0;
    return ok;
}

/* One pair of source and target. A target that changed meanwhile is joined anew and its WHENs are tried again; one that is gone makes
 * the source row one without a partner. */
static bool merge_row(exec_node *node, rdb_batch *batch, uint32_t row, bool *is_written, rdb_row_address *address, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_plan_modify *plan = state->plan;
    const rdb_batch *first = batch;
    const uint32_t first_row = row;
    bool is_alone = false, is_again = false, found = true;
    *is_written = false;
    for (;;) {
        merge_action *action = NULL;
        rdb_row_version seen = {0};
        rdb_write_outcome outcome = RDB_WRITE_DONE;
        bool is_matched = !is_alone && !rdb_vector_is_null(batch->columns[plan->identity_slot], row);
        rdb_arena_reset(state->row_arena);
        if (!rdb_cancel_check(node->x->context.cancel, err) || !choose_action(node, batch, row, is_matched, &action, err))
            return false;
        if (action == NULL || action->plan->command == 0)
            return true;
        if (!is_matched) {
            clear_row(state);
            return run_action_values(node, action, batch, row, false, err) && fill_defaults(node, action->defaults, action->default_columns, action->default_count, err) &&
                   insert_values(node, is_written, address, err);
        }
        if (!read_target(node, batch, row, is_again, address, &seen, &found, err))
            return false;
        if (!found)
            outcome = RDB_WRITE_CHANGED;
        else if (!run_matched(node, action, batch, row, address, seen, &outcome, err))
            return false;
        if (outcome == RDB_WRITE_DONE) {
            *is_written = true;
            return true;
        }
        if (outcome == RDB_WRITE_SELF) {
            rdb_error_set(err, RDB_CARDINALITY_VIOLATION, "MERGE command cannot affect row a second time");
            return rdb_error_hint(err, "Ensure that not more than one source row matches any one target row.");
        }
        if (above_read_committed(node))
            return raise_conflict(node, outcome == RDB_WRITE_GONE, err);
        if (outcome == RDB_WRITE_MOVED)
            return exec_refuse_moved(err);
        rdb_batch *again = NULL;
        if (!join_again(node, first, first_row, *address, &again, &row, err))
            return false;
        is_again = true;
        is_alone = again == NULL; /* WHEN NOT MATCHED reads the source's columns alone: those of the first pair */
        batch = is_alone ? (rdb_batch *)(uintptr_t)first : again;
        row = is_alone ? first_row : row;
    }
}

static bool reserve_row(exec_node *node, uint32_t rows, rdb_error *err)
{
    modify_state *state = node->state;
    if (rows <= state->row_capacity)
        return true;
    uint32_t capacity = rows <= 1 ? 1 : rows <= 64 ? 64 : RDB_MAX(rows, RDB_BATCH_ROWS);
    uint16_t count = state->plan->relation->column_count;
    for (uint32_t i = 0; i < count + RDB_MODIFY_EXTRA; i++) {
        if (state->row[i] == NULL)
            state->row[i] = RDB_NEW(node->x->arena, rdb_vector);
        if (!rdb_vector_init(state->row[i], node->x->arena, (rdb_rep)node->plan->input_types[i]->rep, capacity, err))
            return false;
    }
    state->row_capacity = capacity;
    return true;
}

/* ctid, xmin and xmax as RETURNING shows them. A row that stood in the way of an INSERT, or is deleted, was locked by this transaction. */
static void put_identity(exec_node *node, uint32_t row, rdb_row_address address)
{
    modify_state *state = node->state;
    const uint16_t count = state->plan->relation->column_count;
    const uint64_t block = RDB_ROW_BLOCK(address) - 1;
    const uint16_t slot = (uint16_t)(RDB_ROW_SLOT(address) + 1);
    const uint32_t own = (uint32_t)rdb_txn_xid(node->x->context.txn);
    rdb_datum tid = {.words = {0, 0}};
    memcpy(tid.fixed, &block, sizeof block);
    memcpy(tid.fixed + 8, &slot, sizeof slot);
    const bool was_locked = state->plan->command == RDB_COMMAND_DELETE || (state->plan->command == RDB_COMMAND_INSERT && state->met_row);
    rdb_vector_put(state->row[count + 2], row, tid, false);
    rdb_vector_put(state->row[count + 3], row, (rdb_datum){.oid = own}, false);
    rdb_vector_put(state->row[count + 4], row, (rdb_datum){.oid = was_locked ? own : 0}, false);
    rdb_vector_put(state->row[count + 5], row, (rdb_datum){.oid = 0}, false); /* commands are not numbered */
    rdb_vector_put(state->row[count + 6], row, (rdb_datum){.oid = 0}, false);
}

static bool next_modify(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    modify_state *state = node->state;
    const rdb_plan_modify *plan = state->plan;
    uint16_t count = plan->relation->column_count;
    *raw = NULL;
    while (!state->is_done) {
        rdb_batch *batch = NULL;
        uint32_t kept = 0;
        if (!exec_next(node->left, plan->returns_rows ? budget : RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL) {
            state->is_done = true;
            break;
        }
        if (plan->returns_rows) {
            if (!reserve_row(node, batch->row_count, err))
                return false;
            for (uint32_t i = 0; i < count + RDB_MODIFY_EXTRA; i++)
                rdb_vector_clear_nulls(state->row[i]);
        }
        if (batch->selection.count > 1 && takes_batches(state)) {
            if (!insert_batch(node, batch, err))
                return false;
            continue;
        }
        RDB_FOR_SELECTED (&batch->selection, row) {
            bool is_written = false;
            rdb_row_address address = 0;
            if (plan->command == RDB_COMMAND_INSERT  ? !insert_row(node, batch, row, &is_written, &address, err)
                : plan->command == RDB_COMMAND_MERGE ? !merge_row(node, batch, row, &is_written, &address, err)
                                                     : !write_existing(node, batch, row, &is_written, &address, err))
                return false;
            if (!is_written) {
                rdb_lock_leave_place(node->x->context.txn); /* where one was waited for */
                continue;
            }
            node->x->rows_written++;
            if (!plan->returns_rows)
                continue;
            if (state->at != state->own)
                exec_target_give(state->at, count, state->values, state->is_null);
            for (uint16_t i = 0; i < count; i++) { /* values may live in the row's arena: the next row reuses it */
                rdb_datum value = state->values[i];
                if (!state->is_null[i] && !rdb_datum_copy(node->arena, (rdb_rep)state->row[i]->rep, value, &value, err))
                    return false;
                rdb_vector_put(state->row[i], row, value, state->is_null[i]);
            }
            rdb_vector_put(state->row[count], row, (rdb_datum){.i64 = (int64_t)address}, false);
            rdb_vector_put(state->row[count + 1], row, (rdb_datum){.oid = state->at->relation->oid}, false);
            put_identity(node, row, address);
            state->rows[kept++] = row;
        }
        if (kept == 0)
            continue;
        for (uint32_t i = 0; i < count + RDB_MODIFY_EXTRA; i++)
            state->columns[i] = state->row[i];
        for (uint32_t i = 0; i < batch->column_count; i++)
            state->columns[count + RDB_MODIFY_EXTRA + i] = batch->columns[i];
        state->batch = (rdb_batch){.columns = state->columns, .column_count = node->plan->input_count, .row_count = batch->row_count, .selection = {state->rows, kept}};
        *raw = &state->batch;
        return true;
    }
    return true;
}

const exec_ops exec_modify_ops = {open_modify, begin_modify, next_modify, close_modify};
