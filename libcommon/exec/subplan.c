/* SPDX-License-Identifier: Apache-2.0
 * Sub-selects in expressions. One that depends on nothing outside runs once a statement: a scalar's answer is kept, the
 * rows of IN and its kin are kept and, where the test is one equality, hashed. A correlated one starts again for each row. */
#include "exec/exec_int.h"

static bool keep_value(rdb_arena *arena, const rdb_vector *vector, uint32_t row, rdb_datum *value, bool *is_null, rdb_error *err)
{
    *is_null = rdb_vector_is_null(vector, row);
    *value = (rdb_datum){.words = {0, 0}};
    return *is_null || rdb_datum_copy(arena, (rdb_rep)vector->rep, rdb_vector_get(vector, row), value, err);
}

static bool run_exists(exec_subplan *sub, rdb_datum *value, rdb_error *err)
{
    rdb_batch *batch = NULL;
    if (!exec_begin(sub->node, err) || !exec_next(sub->node, 1, &batch, err))
        return false;
    value->b = batch != NULL;
    return true;
}

static bool run_scalar(exec_subplan *sub, rdb_arena *arena, rdb_datum *value, bool *is_null, rdb_error *err)
{
    rdb_batch *batch = NULL;
    *is_null = true;
    if (!exec_begin(sub->node, err) || !exec_next(sub->node, 2, &batch, err))
        return false;
    if (batch == NULL)
        return true;
    if (batch->selection.count == 1) {
        if (!keep_value(arena, batch->columns[0], rdb_selected(&batch->selection, 0), value, is_null, err))
            return false;
        if (!exec_next(sub->node, 1, &batch, err))
            return false;
        if (batch == NULL)
            return true;
    }
    return rdb_error_set(err, RDB_CARDINALITY_VIOLATION, "more than one row returned by a subquery used as an expression");
}

static bool compile_test(rdb_execution *x, exec_subplan *sub, const rdb_expr_subplan *e, rdb_error *err)
{
    rdb_expr *test = e->test;
    if (sub->test != NULL)
        return true;
    if (test == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "a sub-select with ANY or ALL has no test");
    sub->row_arena = sub->row_arena ? sub->row_arena : exec_arena(x, "test");
    if (sub->row_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return exec_compile(x, &sub->test, &test, 1, err);
}

/* Folds the test over one batch into *answer: 1 decided, 0 not, -1 not but some comparison was null. */
static bool test_batch(rdb_execution *x, exec_subplan *sub, rdb_batch *batch, bool wanted, int *answer, rdb_error *err)
{
    uint32_t good = 0;
    rdb_arena_reset(sub->row_arena);
    bool ok = rdb_program_run(sub->test, &x->eval, sub->row_arena, batch, &batch->selection, &good, err);
    const rdb_vector *result = rdb_program_result(sub->test, 0);
    for (uint32_t i = 0; i < good; i++) { /* a decision before the bad row makes the error moot */
        uint32_t row = rdb_selected(&batch->selection, i);
        if (rdb_vector_is_null(result, row)) {
            *answer = -1;
        } else if ((RDB_AT(result, uint8_t, row) != 0) == wanted) {
            *answer = 1;
            if (!ok)
                rdb_error_clear(err);
            return true;
        }
    }
    return ok;
}

static bool store_rows(rdb_execution *x, exec_subplan *sub, rdb_error *err)
{
    const rdb_plan_node *plan = sub->node->plan;
    uint32_t count = plan->passes_through ? plan->input_count : plan->targets.count;
    if (sub->store.arena == NULL) {
        uint8_t *reps = RDB_NEW_ARRAY(x->arena, uint8_t, count + 1);
        for (uint32_t i = 0; i < count; i++)
            reps[i] = plan->passes_through ? plan->input_types[i]->rep : ((rdb_target *)plan->targets.items[i])->expr->type->rep;
        if (!exec_store_init(&sub->store, x, reps, count, err))
            return false;
    }
    exec_store_clear(&sub->store);
    if (!exec_begin(sub->node, err))
        return false;
    for (;;) {
        rdb_batch *batch = NULL;
        if (!exec_next(sub->node, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            return true;
        if (!exec_store_append(&sub->store, batch->columns, count, NULL, 0, &batch->selection, err))
            return false;
    }
}

/* Is the test "column = value" over one hashable type? Then sets it up. */
static bool decide_hash(rdb_execution *x, exec_subplan *sub, const rdb_expr_subplan *e, rdb_error *err)
{
    sub->hash_decided = true;
    const rdb_expr_function *test = (const rdb_expr_function *)e->test;
    uint16_t strategy = 0;
    uint32_t family = 0;
    if (e->sublink_kind != RDB_SUBLINK_ANY || e->test->kind != RDB_EXPR_FUNCTION || test->operator_oid == 0 || test->arguments.count != 2)
        return true;
    rdb_error quiet = {0};
    bool known = rdb_opclass_strategy(x->context.access, test->operator_oid, &strategy, &family, &quiet);
    rdb_error_clear(&quiet);
    rdb_expr *left = test->arguments.items[0];
    const rdb_expr *right = test->arguments.items[1], *column = right;
    while (column->kind == RDB_EXPR_RELABEL)
        column = ((const rdb_expr_unary *)column)->argument;
    const rdb_type *type = right->type;
    if (!known || strategy != 3 || column->kind != RDB_EXPR_SLOT || left->kind == RDB_EXPR_SLOT || left->type->oid != type->oid || type->ops == NULL || type->ops->hash == NULL || type->ops->compare == NULL)
        return true;
    sub->key_types = RDB_NEW_ARRAY(x->arena, const rdb_type *, 1);
    sub->key_collations = RDB_NEW_ARRAY(x->arena, uint32_t, 1);
    sub->key_slots = RDB_NEW_ARRAY(x->arena, uint32_t, 1);
    sub->key_types[0] = type;
    sub->key_collations[0] = test->input_collation;
    sub->key_slots[0] = ((const rdb_expr_slot *)column)->slot_no;
    sub->is_hashed = true;
    return exec_compile(x, &sub->probe, &left, 1, err);
}

static bool build_hash(exec_subplan *sub, rdb_error *err)
{
    uint64_t hashes[RDB_BATCH_ROWS];
    bool has_null[RDB_BATCH_ROWS];
    sub->has_null_row = false;
    if (!exec_hash_init(&sub->hash, sub->arena, sub->store.row_count, err))
        return false;
    for (uint32_t chunk = 0; chunk < sub->store.chunk_count; chunk++) {
        uint32_t rows = RDB_MIN(sub->store.row_count - chunk * RDB_BATCH_ROWS, RDB_BATCH_ROWS);
        const rdb_selection all = {NULL, rows};
        rdb_vector *key = &sub->store.chunks[chunk][sub->key_slots[0]];
        exec_hash_keys(sub->key_types, sub->key_collations, &key, 1, &all, hashes, has_null);
        for (uint32_t i = 0; i < rows; i++) {
            sub->has_null_row |= has_null[i];
            if (!exec_hash_add(&sub->hash, hashes[i], !has_null[i], err))
                return false;
        }
    }
    return true;
}

static bool probe_hash(rdb_execution *x, exec_subplan *sub, rdb_datum *value, bool *is_null, rdb_error *err)
{
    const rdb_selection one = {NULL, 1};
    uint32_t good = 0;
    uint64_t hash = 0;
    bool left_null = false;
    rdb_arena_reset(sub->row_arena);
    if (sub->store.row_count == 0)
        return true; /* false, whatever the left side */
    if (!rdb_program_run(sub->probe, &x->eval, sub->row_arena, NULL, &one, &good, err))
        return false;
    rdb_vector *left = rdb_program_result(sub->probe, 0);
    exec_hash_keys(sub->key_types, sub->key_collations, &left, 1, &one, &hash, &left_null);
    *is_null = left_null;
    for (uint32_t at = left_null ? 0 : exec_hash_first(&sub->hash, hash); at != 0; at = exec_hash_next(&sub->hash, at))
        if (exec_values_equal(sub->key_types[0], sub->key_collations[0], left, 0, exec_store_column(&sub->store, at - 1, sub->key_slots[0]), EXEC_ROW_IN_CHUNK(at - 1))) {
            value->b = 1;
            return true;
        }
    *is_null = *is_null || sub->has_null_row;
    return true;
}

static bool run_any(rdb_execution *x, exec_subplan *sub, const rdb_expr_subplan *e, rdb_datum *value, bool *is_null, rdb_error *err)
{
    const bool is_any = e->sublink_kind == RDB_SUBLINK_ANY, wanted = is_any;
    int answer = 0;
    if (!compile_test(x, sub, e, err))
        return false;
    if (sub->plan->is_correlated) {
        if (!exec_begin(sub->node, err))
            return false;
        for (rdb_batch *batch = NULL; answer != 1;) {
            if (!exec_next(sub->node, RDB_BATCH_ROWS, &batch, err))
                return false;
            if (batch == NULL)
                break;
            if (!test_batch(x, sub, batch, wanted, &answer, err))
                return false;
        }
    } else {
        if (sub->kept_run != x->run_no) {
            sub->arena = sub->arena ? sub->arena : exec_arena(x, "sub-select");
            if (sub->arena == NULL)
                return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
            rdb_arena_reset(sub->arena);
            if (!store_rows(x, sub, err) || (!sub->hash_decided && !decide_hash(x, sub, e, err)) || (sub->is_hashed && !build_hash(sub, err)))
                return false;
            sub->kept_run = x->run_no;
        }
        if (sub->is_hashed)
            return probe_hash(x, sub, value, is_null, err);
        rdb_vector **vectors = RDB_NEW_ARRAY(x->run_arena, rdb_vector *, sub->store.column_count + 1);
        for (uint32_t chunk = 0; chunk < sub->store.chunk_count && answer != 1; chunk++) {
            rdb_batch batch;
            exec_store_chunk(&sub->store, chunk, 0, sub->store.column_count, vectors, &batch);
            if (!test_batch(x, sub, &batch, wanted, &answer, err))
                return false;
        }
    }
    value->b = is_any ? answer == 1 : answer != 1;
    *is_null = answer == -1;
    return true;
}

static bool run_row_compare(rdb_execution *x, exec_subplan *sub, const rdb_expr_subplan *e, rdb_datum *value, bool *is_null, rdb_error *err)
{
    rdb_batch *batch = NULL;
    uint32_t good = 0;
    *is_null = true;
    if (!compile_test(x, sub, e, err) || !exec_begin(sub->node, err) || !exec_next(sub->node, 2, &batch, err))
        return false;
    if (batch == NULL)
        return true;
    const uint32_t row = rdb_selected(&batch->selection, 0);
    const rdb_selection one = {&row, 1};
    bool many = batch->selection.count > 1;
    rdb_arena_reset(sub->row_arena);
    if (!rdb_program_run(sub->test, &x->eval, sub->row_arena, batch, &one, &good, err))
        return false;
    const rdb_vector *result = rdb_program_result(sub->test, 0);
    *is_null = rdb_vector_is_null(result, row);
    value->b = !*is_null && RDB_AT(result, uint8_t, row);
    if (!many) {
        if (!exec_next(sub->node, 1, &batch, err))
            return false;
        many = batch != NULL;
    }
    return !many || rdb_error_set(err, RDB_CARDINALITY_VIOLATION, "more than one row returned by a subquery used as an expression");
}

/* ARRAY(SELECT ...) */
static bool run_array(rdb_execution *x, exec_subplan *sub, const rdb_expr_subplan *e, rdb_arena *arena, rdb_datum *value, rdb_error *err)
{
    rdb_datum *values = NULL;
    bool *nulls = NULL;
    uint32_t count = 0, capacity = 0;
    if (e->head.type->element == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "could not find array type for data type %s", e->head.type->name);
    if (!exec_begin(sub->node, err))
        return false;
    for (;;) {
        rdb_batch *batch = NULL;
        if (!exec_next(sub->node, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            break;
        if (count + batch->selection.count > capacity) {
            uint32_t wanted = RDB_MAX(capacity * 2, count + batch->selection.count);
            values = rdb_arena_try_grow(arena, values, capacity * sizeof *values, wanted * sizeof *values, err);
            nulls = values ? rdb_arena_try_grow(arena, nulls, capacity, wanted, err) : NULL;
            if (nulls == NULL)
                return false;
            capacity = wanted;
        }
        RDB_FOR_SELECTED (&batch->selection, row) {
            if (!keep_value(arena, batch->columns[0], row, &values[count], &nulls[count], err))
                return false;
            count++;
        }
    }
    rdb_call call = {.arena = arena, .plan_arena = arena, .err = err, .format = x->eval.format, .session = &x->eval, .result_type = e->head.type, .result_typmod = -1};
    const rdb_expr_sublink *link = (const rdb_expr_sublink *)e->origin;
    const rdb_target *column = link->query->targets.items[0];
    return column->expr->type->oid == e->head.type->oid ? rdb_array_build_gathered(&call, e->head.type->element, values, nulls, count, value)
                                                        : rdb_array_build(&call, e->head.type->element, values, nulls, count, value);
}

bool exec_run_subplan(void *owner, const rdb_expr_subplan *e, rdb_arena *arena, rdb_datum *value, bool *is_null, rdb_error *err)
{
    rdb_execution *x = owner;
    exec_subplan *sub = &x->subplans[e->subplan_no];
    *value = (rdb_datum){.words = {0, 0}};
    *is_null = false;
    if (sub->is_running)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "a sub-select was started from within itself");
    bool keeps = !sub->plan->is_correlated && (e->sublink_kind == RDB_SUBLINK_SCALAR || e->sublink_kind == RDB_SUBLINK_EXISTS || e->sublink_kind == RDB_SUBLINK_ARRAY);
    if (keeps && sub->kept_run == x->run_no) {
        *value = sub->value;
        *is_null = sub->value_is_null;
        return true;
    }
    if (keeps) {
        sub->arena = sub->arena ? sub->arena : exec_arena(x, "sub-select");
        if (sub->arena == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        rdb_arena_reset(sub->arena);
        arena = sub->arena;
    }
    bool ok = false;
    sub->is_running = true;
    switch ((rdb_sublink_kind)e->sublink_kind) {
    case RDB_SUBLINK_EXISTS: ok = run_exists(sub, value, err); break;
    case RDB_SUBLINK_SCALAR: ok = run_scalar(sub, arena, value, is_null, err); break;
    case RDB_SUBLINK_ANY:
    case RDB_SUBLINK_ALL: ok = run_any(x, sub, e, value, is_null, err); break;
    case RDB_SUBLINK_ROW_COMPARE: ok = run_row_compare(x, sub, e, value, is_null, err); break;
    case RDB_SUBLINK_ARRAY: ok = run_array(x, sub, e, arena, value, err); break;
    case RDB_SUBLINK_MULTI: ok = rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "assigning several columns from one sub-select is not supported"); break;
    }
    sub->is_running = false;
    if (ok && keeps) {
        sub->value = *value;
        sub->value_is_null = *is_null;
        sub->kept_run = x->run_no;
    }
    return ok;
}
