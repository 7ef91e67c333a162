/* SPDX-License-Identifier: Apache-2.0
 * CALL: a procedure run as the one expression of a query; one that has INOUT arguments gives their row. */
#include "command/command_int.h"

typedef struct call_work {
    rdb_query *query;
    bool gives_row;
} call_work;

/* SELECT p(...), or SELECT * FROM p(...) where the procedure gives a row. */
static bool analyse_procedure(rdb_command_context *context, const rdb_ast_call_procedure *statement, call_work *work, rdb_error *err)
{
    rdb_arena *arena = context->arena;
    rdb_analysis analysis;
    rdb_ast_select *select = RDB_NEW(arena, rdb_ast_select);
    rdb_ast_target *target = RDB_NEW(arena, rdb_ast_target);
    command_analysis(context, &analysis);
    analysis.procedure_call = statement->call;
    analysis.parameter_count = context->parameter_count;
    analysis.parameter_types = RDB_NEW_ARRAY(arena, uint32_t, context->parameter_count + 1);
    for (uint32_t i = 0; context->parameters != NULL && i < context->parameter_count; i++)
        analysis.parameter_types[i] = context->parameters[i].type_oid;
    select->node = (rdb_ast_node){RDB_AST_SELECT, -1};
    target->node = (rdb_ast_node){RDB_AST_TARGET, -1};
    target->value = (rdb_ast_node *)statement->call;
    rdb_list_push(arena, &select->targets, target);
    if (!rdb_query_analyse(&analysis, &select->node, &work->query, err))
        return false;
    work->gives_row = ((rdb_target *)work->query->targets.items[0])->expr->type->oid == RDB_RECORDOID;
    if (!work->gives_row)
        return rdb_query_rewrite(&analysis, &work->query, err);
    rdb_ast_range_function *range = RDB_NEW(arena, rdb_ast_range_function);
    rdb_ast_items *pair = RDB_NEW(arena, rdb_ast_items);
    rdb_ast_column *star = RDB_NEW(arena, rdb_ast_column);
    range->node = (rdb_ast_node){RDB_AST_RANGE_FUNCTION, -1};
    pair->node = (rdb_ast_node){RDB_AST_LIST, -1};
    star->node = (rdb_ast_node){RDB_AST_COLUMN, -1};
    star->is_star = true;
    rdb_list_push(arena, &pair->items, statement->call);
    rdb_list_push(arena, &pair->items, NULL);
    rdb_list_push(arena, &range->functions, pair);
    rdb_list_push(arena, &select->from, range);
    target->value = &star->node;
    return rdb_query_analyse(&analysis, &select->node, &work->query, err) && rdb_query_rewrite(&analysis, &work->query, err);
}

static void columns_of(rdb_command_context *context, const rdb_query *query, const rdb_result_column **columns, uint32_t *count)
{
    const rdb_list *targets = rdb_query_result_targets(query);
    rdb_result_column *made = RDB_NEW_ARRAY(context->arena, rdb_result_column, targets->count + 1);
    *count = 0;
    for (uint32_t i = 0; i < targets->count; i++) {
        const rdb_target *target = targets->items[i];
        if (!target->is_junk)
            made[(*count)++] = (rdb_result_column){.name = target->name, .type = target->expr->type, .typmod = target->expr->typmod};
    }
    *columns = made;
}

bool command_call_columns(rdb_command_context *context, const rdb_ast_call_procedure *statement, const rdb_result_column **columns, uint32_t *count, rdb_error *err)
{
    call_work work = {0};
    if (!analyse_procedure(context, statement, &work, err))
        return false;
    if (work.gives_row)
        columns_of(context, work.query, columns, count);
    return true;
}

bool command_call(rdb_command_context *context, const rdb_ast_call_procedure *statement, rdb_error *err)
{
    call_work work = {0};
    rdb_plan *plan = NULL;
    rdb_execution *execution = NULL;
    const rdb_result_column *columns;
    uint32_t count;
    rdb_plan_context plan_context = {.arena = context->arena, .access = context->access, .format = context->format, .session = command_eval(context)};
    const rdb_execution_context execution_context = command_execution_context(context);
    if (!analyse_procedure(context, statement, &work, err) || !rdb_plan_make(&plan_context, work.query, &plan, err))
        return false;
    bool done = false, ok = rdb_execution_open(&execution, plan, &execution_context, err);
    if (ok && work.gives_row) {
        columns_of(context, work.query, &columns, &count);
        ok = context->client->begin_rows(context->client->context, columns, count, err);
    }
    while (ok && !done) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(execution, 0, &batch, &done, err);
        if (ok && work.gives_row && batch->selection.count > 0)
            ok = context->client->send_batch(context->client->context, batch, err);
    }
    rdb_execution_close(&execution);
    return ok;
}
