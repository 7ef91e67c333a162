/* SPDX-License-Identifier: Apache-2.0
 * A plan being run: opened once, run any number of times, pulled in batches. */
#include "exec/exec_spill.h"
#include "catalog/rdb_acl.h"
#include "expr/rdb_routine.h"

static void take_context(rdb_execution *x, const rdb_execution_context *context)
{
    x->context = *context;
    if (x->context.work_mem_bytes == 0)
        x->context.work_mem_bytes = UINT64_C(4) << 20;
    rdb_eval *eval = &x->eval;
    eval->access = context->access;
    eval->txn = context->txn;
    eval->snapshot = context->snapshot;
    eval->format = context->format ? context->format : rdb_format_default();
    eval->statement_us = context->statement_us;
    eval->transaction_us = context->transaction_us;
    eval->cancel = context->cancel;
    eval->parameters = context->parameters;
    eval->parameter_count = context->parameter_count;
    eval->session = context->session;
    eval->session_user = context->session_user;
    eval->current_user = context->current_user;
    eval->database_name = context->database_name;
    eval->lock_timeout_us = context->lock_timeout_us;
    eval->routines = &x->routines;
    eval->routine_depth = context->routine_depth;
}

bool exec_build_cte(rdb_execution *x, uint32_t cte_no, rdb_error *err)
{
    exec_cte *cte = &x->ctes[cte_no];
    const rdb_plan_node *node = x->plan->ctes[cte_no].node;
    if (node == NULL || cte->node != NULL)
        return true;
    if (!exec_build(x, node, &cte->node, err))
        return false;
    cte->has_turns = cte->node->reads_parameters && !x->plan->ctes[cte_no].is_outermost && !x->plan->ctes[cte_no].is_modifying;
    uint32_t columns = node->passes_through ? node->input_count : node->targets.count;
    uint8_t *reps = RDB_NEW_ARRAY(x->arena, uint8_t, columns + 1);
    for (uint32_t k = 0; k < columns; k++)
        reps[k] = node->passes_through ? node->input_types[k]->rep : ((rdb_target *)node->targets.items[k])->expr->type->rep;
    cte->rows = RDB_NEW(x->arena, exec_tape);
    return exec_tape_init(cte->rows, x, reps, columns, exec_sort_memory(x), err);
}

static bool build_shared(rdb_execution *x, rdb_error *err)
{
    const rdb_plan *plan = x->plan;
    for (uint32_t i = 0; i < plan->cte_count; i++)
        if (!exec_build_cte(x, i, err))
            return false;
    for (uint32_t i = 0; i < plan->subplan_count; i++) {
        x->subplans[i].plan = &plan->subplans[i];
        if (plan->subplans[i].node != NULL && !exec_build(x, plan->subplans[i].node, &x->subplans[i].node, err))
            return false;
    }
    return true;
}

static bool begin_run(rdb_execution *x, rdb_error *err)
{
    x->run_no++;
    x->rows_written = 0;
    x->is_running = true;
    x->is_done = false;
    x->after = NULL;
    x->moments = (rdb_list){0};
    rdb_arena_reset(x->run_arena);
    if (x->has_pending)
        rdb_error_clear(x->pending);
    x->has_pending = false;
    for (uint32_t i = 0; i < x->plan->cte_count; i++) {
        exec_cte *cte = &x->ctes[i];
        cte->is_started = cte->is_done = false;
        if (cte->rows != NULL)
            exec_tape_clear(cte->rows);
    }
    for (uint32_t i = 0; i < x->eval.execution_count; i++)
        x->eval.execution_values[i].is_null = true;
    return exec_begin(x->root, err);
}

static bool open_operators(rdb_execution *x, rdb_error *err)
{
    const rdb_plan *plan = x->plan;
    x->eval.execution_count = plan->parameter_count;
    x->eval.execution_values = RDB_NEW_ARRAY(x->arena, rdb_parameter, plan->parameter_count + 1);
    x->eval.run_subplan = exec_run_subplan;
    x->eval.subplan_owner = x;
    x->ctes = RDB_NEW_ARRAY(x->arena, exec_cte, plan->cte_count + 1);
    x->subplans = RDB_NEW_ARRAY(x->arena, exec_subplan, plan->subplan_count + 1);
    if (plan->has_gather)
        x->nodes = RDB_NEW_ARRAY(x->arena, exec_node *, plan->node_count + 1);
    if (x->context.instrument)
        x->statistics = RDB_NEW_ARRAY(x->arena, rdb_node_statistics, plan->node_count + 1);
    return build_shared(x, err) && exec_build(x, plan->root, &x->root, err) && rdb_arena_check(x->arena, err);
}

/* Once for the life of the operators: a plan is made anew when the role or the catalog changes. */
static bool check_privileges(const rdb_plan *plan, const rdb_execution_context *context, rdb_error *err)
{
    const uint32_t role = rdb_access_get_context(context->access)->role_oid;
    for (uint32_t i = 0; i < plan->ranges.count; i++) {
        const rdb_range *range = plan->ranges.items[i];
        if (range->relation != NULL && range->required_privileges != 0 &&
            !rdb_acl_check_relation(context->access, range->relation, range->check_as != 0 ? range->check_as : role, range->required_privileges, range->selected_columns,
                                    range->inserted_columns, range->updated_columns, err))
            return false;
    }
    return true;
}

bool rdb_execution_open(rdb_execution **execution, const rdb_plan *plan, const rdb_execution_context *context, rdb_error *err)
{
    *execution = NULL;
    if (!context->skips_privileges && !check_privileges(plan, context, err))
        return false;
    rdb_arena *arena = rdb_arena_create("execution", NULL, NULL);
    rdb_arena *run_arena = rdb_arena_create("run", NULL, NULL);
    if (arena == NULL || run_arena == NULL) {
        rdb_arena_destroy(arena);
        rdb_arena_destroy(run_arena);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    rdb_execution *x = RDB_NEW(arena, rdb_execution);
    x->arena = arena;
    x->run_arena = run_arena;
    x->plan = plan;
    rdb_account_init(&x->account, context->work != NULL ? &context->work->account : NULL, 0);
    x->account_owner = &x->account;
    x->moments_owner = x;
    take_context(x, context);
    if (!open_operators(x, err) || !begin_run(x, err)) {
        rdb_execution_close(&x);
        return false;
    }
    *execution = x;
    return true;
}

bool rdb_execution_restart(rdb_execution *x, const rdb_execution_context *context, rdb_error *err)
{
    take_context(x, context);
    if (x->statistics != NULL)
        memset(x->statistics, 0, x->plan->node_count * sizeof *x->statistics);
    return begin_run(x, err);
}

/* A modifying CTE has all its effects whether or not the main query read it to the end. */
static bool finish_modifying_ctes(rdb_execution *x, rdb_error *err)
{
    for (uint32_t i = 0; i < x->plan->cte_count; i++) {
        exec_cte *cte = &x->ctes[i];
        if (!x->plan->ctes[i].is_modifying || cte->is_done)
            continue;
        if (!cte->is_started && !exec_begin(cte->node, err))
            return false;
        cte->is_started = true;
        for (;;) {
            rdb_batch *batch = NULL;
            if (!exec_next(cte->node, RDB_BATCH_ROWS, &batch, err))
                return false;
            if (batch == NULL)
                break;
            if (x->plan->ctes[i].is_read && /* by a later one, perhaps */
                !exec_tape_append(cte->rows, batch->columns, cte->rows->column_count, NULL, 0, &batch->selection, err))
                return false;
        }
        cte->is_done = true;
    }
    return true;
}

bool rdb_execution_pull(rdb_execution *x, uint64_t row_budget, const rdb_batch **batch, bool *done, rdb_error *err)
{
    x->result.row_count = 0;
    x->result.selection = (rdb_selection){NULL, 0};
    *batch = &x->result;
    *done = x->is_done;
    if (x->is_done)
        return true;
    rdb_batch *rows = NULL;
    uint32_t budget = row_budget == 0 || row_budget > RDB_BATCH_ROWS ? RDB_BATCH_ROWS : (uint32_t)row_budget;
    if (!exec_next(x->root, budget, &rows, err))
        return false;
    if (rows == NULL) {
        if (!finish_modifying_ctes(x, err) || !exec_after_run(x, err))
            return false;
        *done = x->is_done = true;
        return true;
    }
    x->result = *rows;
    if (x->plan->result_targets != NULL)
        x->result.column_count = RDB_MIN(x->result.column_count, x->plan->result_targets->count);
    return true;
}

uint64_t rdb_execution_row_count(const rdb_execution *execution)
{
    return execution->rows_written;
}

void rdb_execution_finish(rdb_execution *x)
{
    rdb_routine_sites_end(x->routines);
    for (uint32_t i = 0; i < x->moments.count; i++)
        rdb_txn_drop_snapshot(x->context.txn, x->moments.items[i]);
    x->moments = (rdb_list){0};
    x->is_running = false;
    x->is_done = true;
}

void rdb_execution_close(rdb_execution **execution)
{
    rdb_execution *x = *execution;
    *execution = NULL;
    if (x == NULL)
        return;
    rdb_routine_sites_close(&x->routines);
    exec_close(x->root);
    for (uint32_t i = 0; x->ctes != NULL && i < x->plan->cte_count; i++) {
        exec_close(x->ctes[i].node);
        if (x->ctes[i].rows != NULL)
            exec_tape_deinit(x->ctes[i].rows);
    }
    for (uint32_t i = 0; x->subplans != NULL && i < x->plan->subplan_count; i++) {
        exec_close(x->subplans[i].node);
        exec_store_deinit(&x->subplans[i].store);
        rdb_arena_destroy(x->subplans[i].arena);
        rdb_arena_destroy(x->subplans[i].row_arena);
    }
    if (x->pending != NULL)
        rdb_error_clear(x->pending);
    rdb_arena_destroy(x->run_arena);
    rdb_arena_destroy(x->arena);
}

const rdb_node_statistics *rdb_execution_statistics(const rdb_execution *execution, uint32_t node_no)
{
    return execution->statistics != NULL ? &execution->statistics[node_no] : NULL;
}

void rdb_exec_register(void)
{
    rdb_expr_register_kernels();
    rdb_expr_set_query_equality(rdb_query_equal);
    rdb_expr_set_tree_reader(rdb_tree_read_expr);
    exec_register_sql_language();
    exec_register_tree_functions();
}
