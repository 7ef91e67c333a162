/* SPDX-License-Identifier: Apache-2.0
 * Rows from outside into a table, a batch at a time: COPY. What INSERT does to a row is done to each; the heap and the indexes
 * get many rows at once. */
#include "exec/exec_route.h"

struct rdb_insertion {
    rdb_execution x;           /* no operators: what programs and the AFTER queue work with */
    rdb_plan plan;
    const rdb_plan_modify *modify;
    exec_row_rules rules;
    exec_route *route;         /* of a partitioned table */
    exec_bound *bound;         /* of a partition */
    rdb_program *defaults;
    uint16_t *default_columns, default_count;
    rdb_arena *batch_arena;    /* of one put */
    bool has_events;           /* rows are noted for the AFTER queue */
    uint64_t row_count;
    uint32_t bad_row;          /* of the batch that put failed at */
    bool is_written;           /* its rows were made */
};

bool rdb_insertion_open(rdb_insertion **insertion, const rdb_plan_modify *modify, const rdb_execution_context *context, rdb_error *err)
{
    *insertion = NULL;
    rdb_arena *arena = rdb_arena_create("insertion", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_insertion *in = RDB_NEW(arena, rdb_insertion);
    const uint16_t count = modify->relation->column_count;
    in->modify = modify;
    in->x.arena = arena;
    rdb_account_init(&in->x.account, context->work != NULL ? &context->work->account : NULL, 0);
    in->x.account_owner = &in->x.account;
    in->x.plan = &in->plan;
    in->x.context = *context;
    in->x.run_arena = rdb_arena_create("insertion's events", NULL, NULL);
    in->batch_arena = rdb_arena_create("insertion's rows", NULL, NULL);
    in->x.eval = (rdb_eval){.access = context->access, .txn = context->txn, .snapshot = context->snapshot, .format = context->format ? context->format : rdb_format_default(), .statement_us = context->statement_us,
                            .transaction_us = context->transaction_us, .cancel = context->cancel, .session = context->session, .session_user = context->session_user, .current_user = context->current_user,
                            .database_name = context->database_name, .lock_timeout_us = context->lock_timeout_us};
    for (uint16_t i = 0; i < modify->relation->constraint_count; i++) {
        const char kind = (char)modify->relation->constraints[i].kind;
        in->has_events = in->has_events || kind == 'x' || kind == 'f' || modify->relation->constraints[i].is_deferrable;
    }
    rdb_expr **exprs = RDB_NEW_ARRAY(arena, rdb_expr *, count + 1u);
    in->default_columns = RDB_NEW_ARRAY(arena, uint16_t, count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        bool is_given = false;
        for (uint16_t k = 0; k < modify->set_count; k++)
            is_given = is_given || modify->set_columns[k] == i + 1;
        if (is_given || modify->defaults[i] == NULL)
            continue;
        exprs[in->default_count] = modify->defaults[i];
        in->default_columns[in->default_count++] = i;
    }
    bool ok = in->x.run_arena != NULL && in->batch_arena != NULL;
    if (!ok)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && exec_row_rules_open(&in->rules, &in->x, modify, err) && (in->default_count == 0 || exec_compile(&in->x, &in->defaults, exprs, in->default_count, err)) &&
         (modify->relation->kind != 'p' || exec_route_open(&in->route, &in->x, modify->relation, in->rules.arena, err)) &&
         (!modify->relation->is_partition || modify->relation->kind == 'p' || exec_bound_open(&in->bound, &in->x, modify->relation, err));
    if (!ok) {
        rdb_insertion_close(&in);
        return false;
    }
    *insertion = in;
    return true;
}

bool rdb_insertion_is_plain(const rdb_insertion *in)
{
    return in->default_count == 0 && in->modify->check_count == 0 && !in->rules.has_generated && !in->rules.has_index_values && in->route == NULL && in->bound == NULL;
}

static bool make_row(rdb_insertion *in, const rdb_batch *batch, uint32_t row, rdb_datum *values, bool *is_null, const rdb_index_values **keys, rdb_error *err)
{
    const uint16_t count = in->modify->relation->column_count;
    for (uint16_t i = 0; i < count; i++) {
        values[i] = (rdb_datum){.words = {0, 0}};
        is_null[i] = true;
    }
    for (uint16_t i = 0; i < in->modify->set_count; i++) {
        uint32_t at = (uint32_t)in->modify->set_columns[i] - 1;
        is_null[at] = rdb_vector_is_null(batch->columns[i], row);
        if (!is_null[at])
            values[at] = rdb_vector_get(batch->columns[i], row);
    }
    if (in->defaults != NULL) {
        const rdb_selection one = {NULL, 1};
        uint32_t good = 0;
        if (!rdb_program_run(in->defaults, &in->x.eval, in->batch_arena, NULL, &one, &good, err))
            return false;
        for (uint16_t i = 0; i < in->default_count; i++) {
            const rdb_vector *value = rdb_program_result(in->defaults, i);
            is_null[in->default_columns[i]] = rdb_vector_is_null(value, 0);
            if (!is_null[in->default_columns[i]])
                values[in->default_columns[i]] = rdb_vector_get(value, 0);
        }
    }
    bool holds = true;
    if (in->route != NULL)
        return true; /* its leaf's rules count */
    if (!exec_row_rules_apply(&in->rules, values, is_null, err) || (in->bound != NULL && !exec_bound_holds(in->bound, in->batch_arena, values, is_null, &holds, err)))
        return false;
    if (!holds) {
        const rdb_relation *relation = in->modify->relation;
        rdb_error_set(err, RDB_CHECK_VIOLATION, "new row for relation \"%s\" violates partition constraint", relation->name);
        exec_row_rules_tell(&in->rules, values, is_null, err);
        rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
        return rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
    }
    return exec_row_rules_index_values(&in->rules, values, is_null, keys, err);
}

/* A row of a partitioned table, alone: the next one may go elsewhere. */
static bool put_routed(rdb_insertion *in, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    exec_target *at = NULL;
    const rdb_index_values *keys = NULL;
    rdb_row_address address = 0, conflict = 0;
    bool holds = true;
    if (!exec_route_check_root(in->route, in->rules.arena, values, is_null, &holds, err) || !exec_route_find(in->route, in->rules.arena, values, is_null, &at, err))
        return false;
    exec_target_take(at, in->modify->relation->column_count, values, is_null);
    if (!holds)
        return exec_target_refuse(at, in->modify->relation, err);
    const rdb_row_writer writer = {.txn = in->x.context.txn, .snapshot = in->x.context.snapshot, .relation = at->relation, .lock_timeout_us = in->x.context.lock_timeout_us,
                                   .arena = in->rules.arena, .compute_index = exec_row_rules_compute_index, .compute_context = &at->rules,
                                   .name_expression = exec_row_rules_name_expression, .format = in->x.context.format};
    if (!exec_row_rules_apply(&at->rules, at->values, at->is_null, err) || !exec_row_rules_index_values(&at->rules, at->values, at->is_null, &keys, err) ||
        !rdb_row_insert(&writer, at->values, at->is_null, keys, RDB_CONFLICT_ERROR, &address, &conflict, err) ||
        !exec_after_note(&in->x, at->relation, RDB_COMMAND_INSERT, address, NULL, NULL, at->values, at->is_null, err))
        return false;
    rdb_arena_reset(in->rules.arena);
    in->row_count++;
    return true;
}

/* Has the vector a null among its first rows? */
static bool has_null(const rdb_vector *vector, uint32_t rows)
{
    bool any = false;
    for (uint32_t word = 0; vector->nulls != NULL && word < rows / 64; word++)
        any = any || vector->nulls[word] != 0;
    for (uint32_t row = rows / 64 * 64; vector->nulls != NULL && row < rows; row++)
        any = any || rdb_vector_is_null(vector, row);
    return any;
}

/* Is NOT NULL all that is asked of these rows, and none of them fails it? Then they are made column by column. */
static bool rows_are_plain(const rdb_insertion *in, const rdb_batch *batch)
{
    const rdb_relation *relation = in->modify->relation;
    if (batch->selection.rows != NULL || !rdb_insertion_is_plain(in))
        return false;
    for (uint16_t k = 0; k < in->modify->set_count; k++)
        if (batch->columns[k]->mask != RDB_FLAT)
            return false;
    for (uint16_t i = 0; i < relation->column_count; i++) {
        bool is_held = !relation->columns[i].not_null || relation->columns[i].is_dropped;
        for (uint16_t k = 0; k < in->modify->set_count && !is_held; k++)
            is_held = in->modify->set_columns[k] == i + 1 && !has_null(batch->columns[k], batch->selection.count);
        if (!is_held)
            return false;
    }
    return true;
}

static void make_plain_rows(const rdb_insertion *in, const rdb_batch *batch, rdb_datum *values, bool *is_null)
{
    const uint32_t rows = batch->selection.count;
    const uint16_t count = in->modify->relation->column_count;
    if (in->modify->set_count < count) {
        memset(values, 0, (size_t)rows * count * sizeof *values);
        memset(is_null, true, (size_t)rows * count);
    }
    for (uint16_t i = 0; i < in->modify->set_count; i++) {
        const uint16_t at = (uint16_t)(in->modify->set_columns[i] - 1);
        const rdb_vector *column = batch->columns[i];
#define SPREAD(type, field)                                                                                              \
    for (uint32_t row = 0; row < rows; row++) {                                                                          \
        rdb_datum datum = {.words = {0, 0}};                                                                             \
        datum.field = RDB_AT(column, type, row);                                                                         \
        values[(size_t)row * count + at] = datum;                                                                        \
    }                                                                                                                    \
    break
        switch ((rdb_rep)column->rep) {
        case RDB_REP_BOOL:
        case RDB_REP_INT8: SPREAD(uint8_t, b);
        case RDB_REP_INT16: SPREAD(int16_t, i16);
        case RDB_REP_INT32:
        case RDB_REP_FLOAT32: SPREAD(int32_t, i32);
        case RDB_REP_INT64:
        case RDB_REP_FLOAT64: SPREAD(int64_t, i64);
        case RDB_REP_FIXED16:
        case RDB_REP_BYTES:
        case RDB_REP_COUNT:
            for (uint32_t row = 0; row < rows; row++)
                values[(size_t)row * count + at] = RDB_AT(column, rdb_datum, row);
        }
#undef SPREAD
        for (uint32_t row = 0; row < rows; row++)
            is_null[(size_t)row * count + at] = false;
        for (uint32_t row = 0; column->nulls != NULL && row < rows; row++)
            if (rdb_vector_is_null(column, row)) {
                is_null[(size_t)row * count + at] = true;
                values[(size_t)row * count + at] = (rdb_datum){.words = {0, 0}};
            }
    }
}

bool rdb_insertion_put(rdb_insertion *in, const rdb_batch *batch, rdb_error *err)
{
    const rdb_relation *relation = in->modify->relation;
    const uint32_t rows = batch->selection.count;
    const uint16_t count = relation->column_count;
    if (rows == 0)
        return true;
    if (!rdb_cancel_check(in->x.context.cancel, err))
        return false;
    rdb_arena_reset(in->batch_arena);
    rdb_arena_reset(in->rules.arena);
    rdb_datum *values = rdb_arena_try_alloc(in->batch_arena, (size_t)rows * (count + 1u) * sizeof *values, err);
    bool *is_null = rdb_arena_try_alloc(in->batch_arena, (size_t)rows * (count + 1u), err);
    const rdb_datum **all_values = rdb_arena_try_alloc(in->batch_arena, rows * sizeof *all_values, err);
    const bool **all_nulls = rdb_arena_try_alloc(in->batch_arena, rows * sizeof *all_nulls, err);
    const rdb_index_values **all_keys = rdb_arena_try_alloc(in->batch_arena, rows * sizeof *all_keys, err);
    rdb_row_address *addresses = rdb_arena_try_alloc(in->batch_arena, rows * sizeof *addresses, err);
    if (values == NULL || is_null == NULL || all_values == NULL || all_nulls == NULL || all_keys == NULL || addresses == NULL)
        return false;
    in->is_written = false;
    const bool is_plain = rows_are_plain(in, batch);
    if (is_plain)
        make_plain_rows(in, batch, values, is_null);
    RDB_FOR_SELECTED (&batch->selection, row) {
        in->bad_row = row;
        rdb_datum *row_values = values + (size_t)row_at * count;
        bool *row_nulls = is_null + (size_t)row_at * count;
        all_keys[row_at] = NULL;
        if (!is_plain && !make_row(in, batch, row, row_values, row_nulls, &all_keys[row_at], err))
            return false;
        if (in->route != NULL && !put_routed(in, row_values, row_nulls, err))
            return false;
        all_values[row_at] = row_values;
        all_nulls[row_at] = row_nulls;
    }
    if (in->route != NULL)
        return true;
    rdb_arena *keys_arena = in->rules.arena;
    const rdb_row_writer writer = {.txn = in->x.context.txn, .snapshot = in->x.context.snapshot, .relation = relation, .lock_timeout_us = in->x.context.lock_timeout_us, .arena = keys_arena,
                                   .compute_index = exec_row_rules_compute_index, .compute_context = &in->rules, .name_expression = exec_row_rules_name_expression, .format = in->x.context.format, .shown_columns = in->rules.shown, .failed_row = &in->bad_row};
    in->is_written = true;
    in->bad_row = 0;
    if (!rdb_row_insert_many(&writer, all_values, all_nulls, rows, all_keys, addresses, err)) {
        in->bad_row = rdb_selected(&batch->selection, in->bad_row);
        return false;
    }
    for (uint32_t i = 0; i < rows && in->has_events; i++)
        if (!exec_after_note(&in->x, relation, RDB_COMMAND_INSERT, addresses[i], NULL, NULL, all_values[i], all_nulls[i], err))
            return false;
    in->row_count += rows;
    return true;
}

uint32_t rdb_insertion_bad_row(const rdb_insertion *in, bool *was_made)
{
    *was_made = in->is_written;
    return in->bad_row;
}

bool rdb_insertion_finish(rdb_insertion *in, uint64_t *row_count, rdb_error *err)
{
    *row_count = in->row_count;
    return exec_after_run(&in->x, err);
}

void rdb_insertion_close(rdb_insertion **insertion)
{
    rdb_insertion *in = *insertion;
    *insertion = NULL;
    if (in == NULL)
        return;
    exec_route_close(in->route);
    exec_row_rules_close(&in->rules);
    rdb_arena_destroy(in->batch_arena);
    rdb_arena_destroy(in->x.run_arena);
    rdb_arena_destroy(in->x.arena);
}
