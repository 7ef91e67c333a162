/* SPDX-License-Identifier: Apache-2.0
 * Questions about all rows of a table, for statements that bring in a rule which rows that are there already must keep. */
#include "command/command_int.h"

rdb_expr *command_is_false(rdb_command_context *context, rdb_expr *rule)
{
    rdb_expr_bool_test *test = RDB_NEW(context->arena, rdb_expr_bool_test);
    test->head = (rdb_expr){.kind = RDB_EXPR_BOOL_TEST, .location = -1, .type = rule->type, .typmod = -1};
    test->argument = rule;
    test->test = RDB_IS_FALSE;
    return &test->head;
}

bool command_any_row(rdb_command_context *context, const rdb_relation *relation, rdb_expr *condition, bool *any, rdb_error *err)
{
    rdb_eval *eval = command_eval(context);
    rdb_plan_context plan = {.arena = context->arena, .access = context->access, .format = context->format, .session = eval};
    rdb_expr *expr = NULL;
    rdb_program *program = NULL;
    rdb_table_scan *scan = NULL;
    rdb_snapshot latest;
    bool ok = false;
    *any = false;
    if (relation->kind == 'p') /* its rows are its partitions' */
        return true;
    if (!rdb_plan_make_expr(&plan, relation, condition, &expr, err) || !rdb_program_compile(&program, context->arena, eval, &expr, 1, err))
        return false;
    int16_t *columns = RDB_NEW_ARRAY(context->arena, int16_t, relation->column_count + 1);
    rdb_vector **vectors = RDB_NEW_ARRAY(context->arena, rdb_vector *, relation->column_count + 1);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        columns[i] = (int16_t)(i + 1);
        vectors[i] = RDB_NEW(context->arena, rdb_vector);
        if (!rdb_vector_init(vectors[i], context->arena, relation->table.reps[i], RDB_BATCH_ROWS, err))
            return false;
    }
    rdb_txn_latest_snapshot(context->txn, &latest);
    rdb_arena *batch_arena = rdb_arena_create("check rows", NULL, NULL);
    if (batch_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!rdb_table_scan_open(&scan, &relation->table, context->txn, &latest, columns, relation->column_count, 0, UINT64_MAX, context->arena, err))
        goto out;
    while (!*any) {
        uint32_t count = 0, good = 0;
        rdb_arena_reset(batch_arena);
        for (uint16_t i = 0; i < relation->column_count; i++)
            rdb_vector_clear_nulls(vectors[i]);
        if (!rdb_cancel_check(context->cancel, err) || !rdb_table_scan_next(scan, RDB_BATCH_ROWS, batch_arena, vectors, NULL, NULL, &count, err))
            goto out;
        if (count == 0)
            break;
        rdb_batch batch = {vectors, relation->column_count, count, {NULL, count}};
        if (!rdb_program_run(program, eval, batch_arena, &batch, &batch.selection, &good, err))
            goto out;
        const rdb_vector *result = rdb_program_result(program, 0);
        for (uint32_t row = 0; row < count && !*any; row++)
            *any = !rdb_vector_is_null(result, row) && RDB_AT(result, uint8_t, row);
    }
    ok = true;
out:
    rdb_table_scan_close(&scan);
    rdb_arena_destroy(batch_arena);
    return ok;
}
