/* SPDX-License-Identifier: Apache-2.0
 * What every operator has: building from the plan, filter and targets, errors held back behind the rows before them. */
#include "exec/exec_int.h"
#include "exec/exec_spill.h"
#include "os/rdb_time.h"

rdb_arena *exec_arena(rdb_execution *x, const char *name)
{
    return rdb_arena_create(name, rdb_account_charge, x->account_owner);
}

bool exec_compile(rdb_execution *x, rdb_program **program, rdb_expr *const *exprs, uint32_t count, rdb_error *err)
{
    return rdb_program_compile(program, x->arena, &x->eval, exprs, count, err);
}

bool exec_compile_list(rdb_execution *x, rdb_program **program, const rdb_list *exprs, rdb_error *err)
{
    *program = NULL;
    return exprs->count == 0 || exec_compile(x, program, (rdb_expr *const *)exprs->items, exprs->count, err);
}

uint32_t exec_grow_capacity(uint32_t capacity, uint32_t filled, uint32_t budget)
{
    if (filled >= (capacity + 1) / 2)
        capacity = capacity == 0 ? 1 : capacity < 16 ? 16 : capacity * 8;
    return RDB_MAX(1u, RDB_MIN(RDB_MIN(capacity, RDB_BATCH_ROWS), budget));
}

bool exec_make_vectors(rdb_arena *arena, const rdb_type *const *types, uint32_t count, uint32_t capacity, rdb_vector ***vectors, rdb_error *err)
{
    *vectors = RDB_NEW_ARRAY(arena, rdb_vector *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        (*vectors)[i] = RDB_NEW(arena, rdb_vector);
        if (!rdb_vector_init((*vectors)[i], arena, types[i]->rep, capacity, err))
            return false;
    }
    return true;
}

/* Which EXECUTION parameters are read: one bit each, and behind them one for what cannot be told by number. */
typedef struct parameter_search {
    bool found;
    uint64_t *numbers; /* NULL: any of them will do */
    uint32_t unknown;
    const rdb_plan *plan;
} parameter_search;

static void add_number(parameter_search *search, uint32_t number)
{
    search->found = true;
    if (search->numbers != NULL)
        search->numbers[number / 64] |= UINT64_C(1) << number % 64;
}

static bool search_subplan(parameter_search *search, const rdb_expr_subplan *e);

static bool visit_parameter(void *context, rdb_expr *expr)
{
    parameter_search *search = context;
    if (expr->kind == RDB_EXPR_SUBPLAN && (search->numbers == NULL || (search->plan->subplans[((rdb_expr_subplan *)expr)->subplan_no].is_correlated && !search_subplan(search, (rdb_expr_subplan *)expr))))
        add_number(search, search->unknown); /* one that is not correlated has one answer in a run */
    else if (expr->kind == RDB_EXPR_PARAM && ((rdb_expr_param *)expr)->param_kind == RDB_PARAM_EXECUTION)
        add_number(search, ((rdb_expr_param *)expr)->param_no);
    if (search->found && search->numbers == NULL)
        return false;
    return rdb_expr_visit_children(expr, visit_parameter, context);
}

static void search_expr(parameter_search *search, const rdb_expr *expr)
{
    if (expr != NULL)
        (void)visit_parameter(search, (rdb_expr *)(uintptr_t)expr);
}

bool exec_reads_parameters(const rdb_expr *expr)
{
    parameter_search search = {0};
    search_expr(&search, expr);
    return search.found;
}

static void search_list(parameter_search *search, const rdb_list *exprs)
{
    for (uint32_t i = 0; i < exprs->count; i++)
        search_expr(search, exprs->items[i]);
}

static void search_array(parameter_search *search, rdb_expr *const *exprs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        search_expr(search, exprs[i]);
}

/* What the node itself reads, not what stands below it. */
static void search_plan(parameter_search *search, const rdb_plan_node *plan)
{
    search_list(search, &plan->filter);
    for (uint32_t i = 0; i < plan->targets.count; i++)
        search_expr(search, ((rdb_target *)plan->targets.items[i])->expr);
    switch ((rdb_plan_kind)plan->kind) {
    case RDB_PLAN_INDEX_SCAN:
    case RDB_PLAN_INDEX_ONLY_SCAN:
    case RDB_PLAN_TID_SCAN:
    case RDB_PLAN_TID_RANGE_SCAN:
    case RDB_PLAN_BITMAP_INDEX_SCAN:
        for (uint32_t i = 0; i < plan->of.scan.bound_count; i++)
            search_expr(search, plan->of.scan.bounds[i].value);
        return;
    case RDB_PLAN_SEQ_SCAN:
        if (plan->of.scan.sample != NULL)
            search_list(search, &plan->of.scan.sample->arguments);
        return;
    case RDB_PLAN_VALUES_SCAN:
        for (uint32_t i = 0; i < plan->of.values.row_count; i++)
            search_list(search, &plan->of.values.rows[i]);
        return;
    case RDB_PLAN_FUNCTION_SCAN:
        for (uint32_t i = 0; i < plan->of.function.function_count; i++)
            search_expr(search, plan->of.function.functions[i]->call);
        return;
    case RDB_PLAN_NEST_LOOP:
    case RDB_PLAN_HASH_JOIN:
    case RDB_PLAN_MERGE_JOIN:
        search_list(search, &plan->of.join.condition);
        search_array(search, plan->of.join.left_keys, plan->of.join.key_count);
        search_array(search, plan->of.join.right_keys, plan->of.join.key_count);
        search_array(search, plan->of.join.parameter_values, plan->of.join.parameter_count);
        return;
    case RDB_PLAN_AGGREGATE:
        for (uint32_t i = 0; i < plan->of.aggregate.call_count; i++) {
            const rdb_plan_aggregate_call *call = &plan->of.aggregate.calls[i];
            search_array(search, call->arguments, call->argument_count);
            search_expr(search, call->filter);
            search_array(search, call->extra, call->extra_count);
        }
        search_array(search, plan->of.aggregate.keys, plan->of.aggregate.key_count);
        return;
    case RDB_PLAN_LIMIT:
        search_expr(search, plan->of.limit.count);
        search_expr(search, plan->of.limit.offset);
        return;
    case RDB_PLAN_WORK_TABLE_SCAN: /* gives other rows each turn of the recursion */
        add_number(search, search->unknown);
        return;
    default:
        return;
    }
}

/* All that is read in the tree, and all that loops in it set, which no other loop does. False: it has nodes of other kinds than those whose
 * reads search_plan tells in full. */
static bool search_tree(parameter_search *search, const rdb_plan_node *plan, uint64_t *set, uint32_t depth)
{
    if (plan == NULL)
        return true;
    if (depth == 0 || plan->children.count > 0)
        return false;
    switch ((rdb_plan_kind)plan->kind) {
    case RDB_PLAN_INDEX_SCAN:
    case RDB_PLAN_INDEX_ONLY_SCAN:
    case RDB_PLAN_HASH_JOIN:
    case RDB_PLAN_SORT:
        break;
    case RDB_PLAN_SEQ_SCAN:
        if (plan->of.scan.sample != NULL)
            return false;
        break;
    case RDB_PLAN_AGGREGATE:
        for (uint32_t i = 0; i < plan->of.aggregate.call_count; i++)
            if (plan->of.aggregate.calls[i].direct_count > 0)
                return false;
        break;
    case RDB_PLAN_NEST_LOOP:
        for (uint32_t i = 0; i < plan->of.join.parameter_count; i++)
            set[plan->of.join.parameter_nos[i] / 64] |= UINT64_C(1) << plan->of.join.parameter_nos[i] % 64;
        break;
    default:
        return false;
    }
    search_plan(search, plan);
    return search_tree(search, plan->left, set, depth - 1) && search_tree(search, plan->right, set, depth - 1);
}

/* What a correlated sub-select reads from outside: what stands in it, less what is set for it and in it. */
static bool search_subplan(parameter_search *search, const rdb_expr_subplan *e)
{
    const uint32_t words = search->unknown / 64 + 1;
    uint64_t read[8] = {0}, set[8] = {0};
    parameter_search own = {.numbers = read, .unknown = search->unknown, .plan = search->plan};
    if (words > 8 || !search_tree(&own, search->plan->subplans[e->subplan_no].node, set, 100))
        return false;
    for (uint32_t i = 0; i < e->arguments.count; i++) {
        set[e->parameter_nos[i] / 64] |= UINT64_C(1) << e->parameter_nos[i] % 64;
        search_expr(search, e->arguments.items[i]);
    }
    for (uint32_t i = 0; i < words; i++) {
        search->numbers[i] |= read[i] & ~set[i];
        search->found = search->found || search->numbers[i] != 0;
    }
    return true;
}

static const exec_ops *find_ops(const rdb_plan_node *plan)
{
    switch ((rdb_plan_kind)plan->kind) {
    case RDB_PLAN_RESULT: return &exec_result_ops;
    case RDB_PLAN_SEQ_SCAN: return &exec_seq_scan_ops;
    case RDB_PLAN_INDEX_SCAN: return &exec_index_scan_ops;
    case RDB_PLAN_INDEX_ONLY_SCAN: return &exec_index_only_scan_ops;
    case RDB_PLAN_TID_SCAN: return &exec_tid_scan_ops;
    case RDB_PLAN_TID_RANGE_SCAN: return &exec_tid_range_ops;
    case RDB_PLAN_BITMAP_HEAP_SCAN: return &exec_bitmap_heap_ops;
    case RDB_PLAN_BITMAP_INDEX_SCAN: return &exec_bitmap_index_ops;
    case RDB_PLAN_BITMAP_AND:
    case RDB_PLAN_BITMAP_OR: return &exec_bitmap_set_ops;
    case RDB_PLAN_VALUES_SCAN: return &exec_values_ops;
    case RDB_PLAN_FUNCTION_SCAN: return &exec_function_ops;
    case RDB_PLAN_CTE_SCAN: return &exec_cte_ops;
    case RDB_PLAN_WORK_TABLE_SCAN: return &exec_work_table_ops;
    case RDB_PLAN_SUBQUERY_SCAN: return &exec_subquery_ops;
    case RDB_PLAN_NEST_LOOP: return &exec_nest_loop_ops;
    case RDB_PLAN_HASH_JOIN: return &exec_hash_join_ops;
    case RDB_PLAN_AGGREGATE: return plan->of.aggregate.phase == RDB_AGGREGATE_FINAL ? &exec_final_aggregate_ops : &exec_aggregate_ops;
    case RDB_PLAN_GATHER: return &exec_gather_ops;
    case RDB_PLAN_SORT: return &exec_sort_ops;
    case RDB_PLAN_INCREMENTAL_SORT: return &exec_incremental_sort_ops;
    case RDB_PLAN_MERGE_APPEND: return &exec_merge_append_ops;
    case RDB_PLAN_LIMIT: return &exec_limit_ops;
    case RDB_PLAN_UNIQUE: return &exec_unique_ops;
    case RDB_PLAN_SET_OP: return plan->of.set_op.is_sorted ? &exec_sorted_set_ops : &exec_set_op_ops;
    case RDB_PLAN_APPEND: return &exec_append_ops;
    case RDB_PLAN_WINDOW: return &exec_window_ops;
    case RDB_PLAN_MATERIALIZE: return &exec_materialize_ops;
    case RDB_PLAN_MEMOIZE: return &exec_memoize_ops;
    case RDB_PLAN_PROJECT_SET: return &exec_project_set_ops;
    case RDB_PLAN_RECURSIVE_UNION: return &exec_recursive_ops;
    case RDB_PLAN_LOCK_ROWS: return &exec_lock_ops;
    case RDB_PLAN_MODIFY_TABLE: return &exec_modify_ops;
    case RDB_PLAN_MERGE_JOIN: return &exec_merge_join_ops;
    }
    return NULL;
}

static bool plan_reads_parameters(const rdb_plan_node *plan)
{
    parameter_search search = {0};
    search_plan(&search, plan);
    return search.found;
}

static bool any_reads_parameters(const rdb_plan_node *plan, uint32_t depth)
{
    if (plan == NULL)
        return false;
    if (depth > 1000 || plan->kind == RDB_PLAN_CTE_SCAN || plan_reads_parameters(plan) || any_reads_parameters(plan->left, depth + 1) || any_reads_parameters(plan->right, depth + 1))
        return true;
    for (uint32_t i = 0; i < plan->children.count; i++)
        if (any_reads_parameters(plan->children.items[i], depth + 1))
            return true;
    return false;
}

bool exec_choose_children(exec_node *node, rdb_error *err)
{
    const rdb_plan_node *plan = node->plan;
    const uint64_t run = node->x->run_no + !node->x->is_running; /* operators are built for the run that follows */
    if (node->prune == NULL || node->pruned_run == run)
        return true;
    if (!exec_prune_first(node->x, node->prune, node->is_kept, err))
        return false;
    node->pruned_run = run;
    if (node->statistics != NULL)
        node->statistics->children_removed = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        const rdb_plan_node *child = plan->children.items[i];
        if (node->is_kept[i] && node->children[i] == NULL && !exec_build(node->x, child, &node->children[i], err))
            return false;
        if (node->statistics != NULL) {
            node->statistics->children_removed += !node->is_kept[i];
            node->x->statistics[child->node_no].is_removed = !node->is_kept[i];
        }
    }
    return true;
}

static void add_reads(exec_node *node, const exec_node *child)
{
    for (uint32_t i = 0; i <= node->x->plan->parameter_count / 64; i++)
        node->reads[i] |= child->reads[i];
}

bool exec_build(rdb_execution *x, const rdb_plan_node *plan, exec_node **out, rdb_error *err)
{
    exec_node *node = RDB_NEW(x->arena, exec_node);
    *out = node;
    node->x = x;
    node->plan = plan;
    node->ops = find_ops(plan);
    if (node->ops == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "plan node %s is not supported", rdb_plan_node_name(plan));
    node->arena = exec_arena(x, "batch");
    if (node->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (x->statistics != NULL)
        node->statistics = &x->statistics[plan->node_no];
    if (x->nodes != NULL)
        x->nodes[plan->node_no] = node;
    const uint32_t unknown = x->plan->parameter_count, words = unknown / 64 + 1;
    node->reads = RDB_NEW_ARRAY(x->arena, uint64_t, words);
    parameter_search search = {.numbers = node->reads, .unknown = unknown, .plan = x->plan};
    search_plan(&search, plan);
    if (plan->kind == RDB_PLAN_CTE_SCAN) {
        if (!exec_build_cte(x, plan->of.cte.cte_no, err))
            return false;
        if (x->ctes[plan->of.cte.cte_no].has_turns)
            add_number(&search, unknown);
    }
    if (plan->left != NULL) {
        if (!exec_build(x, plan->left, &node->left, err))
            return false;
        add_reads(node, node->left);
    }
    const bool borrows = x->leader != NULL && plan->kind == RDB_PLAN_HASH_JOIN; /* the leader's table */
    if (plan->right != NULL && !borrows) {
        if (!exec_build(x, plan->right, &node->right, err))
            return false;
        uint64_t *own = RDB_NEW_ARRAY(x->arena, uint64_t, words); /* what the loop sets itself is nothing from outside */
        for (uint32_t i = 0; plan->kind == RDB_PLAN_NEST_LOOP && i < plan->of.join.parameter_count; i++)
            own[plan->of.join.parameter_nos[i] / 64] |= UINT64_C(1) << plan->of.join.parameter_nos[i] % 64;
        for (uint32_t i = 0; i < words; i++)
            node->reads[i] |= node->right->reads[i] & ~own[i];
    }
    node->child_count = plan->children.count;
    node->children = RDB_NEW_ARRAY(x->arena, exec_node *, node->child_count + 1);
    if ((plan->kind == RDB_PLAN_APPEND || plan->kind == RDB_PLAN_MERGE_APPEND) && plan->of.append.prune != NULL) {
        node->is_kept = RDB_NEW_ARRAY(x->arena, bool, node->child_count + 1);
        if (any_reads_parameters(plan, 0) || plan->of.append.prune->values.count > plan->of.append.prune->first_count)
            add_number(&search, unknown);
        if (!exec_prune_open(x, plan->of.append.prune, &node->prune, err) || !exec_choose_children(node, err))
            return false;
    }
    for (uint32_t i = 0; node->prune == NULL && i < node->child_count; i++) {
        if (!exec_build(x, plan->children.items[i], &node->children[i], err))
            return false;
        add_reads(node, node->children[i]);
    }
    for (uint32_t i = 0; i < words; i++)
        node->reads_parameters |= node->reads[i] != 0;
    if (!exec_compile_list(x, &node->filter, &plan->filter, err))
        return false;
    if (!plan->passes_through && plan->kind != RDB_PLAN_PROJECT_SET) {
        rdb_expr **exprs = RDB_NEW_ARRAY(x->arena, rdb_expr *, plan->targets.count + 1);
        for (uint32_t i = 0; i < plan->targets.count; i++)
            exprs[i] = ((rdb_target *)plan->targets.items[i])->expr;
        if (!exec_compile(x, &node->project, exprs, plan->targets.count, err))
            return false;
        node->output.column_count = plan->targets.count;
        node->output.columns = RDB_NEW_ARRAY(x->arena, rdb_vector *, plan->targets.count + 1);
    }
    node->is_open = true;
    return node->ops->open == NULL || node->ops->open(node, err);
}

void exec_close(exec_node *node)
{
    if (node == NULL)
        return;
    exec_close(node->left);
    exec_close(node->right);
    for (uint32_t i = 0; i < node->child_count; i++)
        exec_close(node->children ? node->children[i] : NULL);
    exec_prune_close(node->prune);
    if (node->is_open && node->ops->close != NULL)
        node->ops->close(node);
    if (node->pending != NULL)
        rdb_error_clear(node->pending);
    rdb_arena_destroy(node->arena);
    node->arena = NULL;
}

static void count_usage(rdb_node_statistics *statistics, const rdb_usage *before)
{
    uint64_t *sum = (uint64_t *)&statistics->usage;
    const uint64_t *now = (const uint64_t *)&rdb_thread_usage, *was = (const uint64_t *)before;
    for (size_t i = 0; i < sizeof(rdb_usage) / sizeof(uint64_t); i++)
        sum[i] += now[i] - was[i];
}

bool exec_begin(exec_node *node, rdb_error *err)
{
    if (node->has_pending) {
        rdb_error_clear(node->pending);
        node->has_pending = false;
    }
    if (node->statistics != NULL)
        node->statistics->loops++;
    for (uint32_t i = node->plan->first_cte; i < node->plan->end_cte; i++) {
        exec_cte *cte = &node->x->ctes[i];
        if (!cte->has_turns || !cte->is_started)
            continue;
        cte->is_started = cte->is_done = false;
        exec_tape_clear(cte->rows);
    }
    if (node->statistics == NULL)
        return node->ops->begin(node, err);
    const rdb_usage before = rdb_thread_usage;
    const int64_t started_us = rdb_time_monotonic_us();
    const bool ok = node->ops->begin(node, err);
    const int64_t elapsed_us = rdb_time_monotonic_us() - started_us;
    node->statistics->startup_us += elapsed_us;
    node->statistics->total_us += elapsed_us;
    count_usage(node->statistics, &before);
    return ok;
}

void exec_set_pending(exec_node *node, rdb_error *err)
{
    if (node->pending == NULL) {
        node->pending = RDB_NEW(node->x->arena, rdb_error);
    }
    rdb_error_clear(node->pending);
    rdb_error_move(node->pending, err);
    node->has_pending = true;
}

static bool reserve_kept(exec_node *node, uint32_t rows, rdb_error *err)
{
    if (rows <= node->kept_capacity)
        return true;
    uint32_t capacity = rows <= 16 ? 16 : rows <= RDB_BATCH_ROWS ? RDB_BATCH_ROWS : rows;
    node->kept = rdb_arena_try_alloc(node->x->arena, capacity * sizeof *node->kept, err);
    if (node->kept == NULL)
        return false;
    node->kept_capacity = capacity;
    return true;
}

/* Applies filter and targets to raw. *batch NULL: no row is left. */
bool exec_shape(exec_node *node, rdb_batch *raw, rdb_batch **batch, rdb_error *err)
{
    rdb_selection selection = raw->selection;
    *batch = NULL;
    if (node->filter != NULL && !node->is_filtered) {
        uint32_t kept_count = 0;
        if (!reserve_kept(node, selection.count, err))
            return false;
        bool ok = rdb_program_filter(node->filter, &node->x->eval, node->arena, raw, &selection, node->kept, &kept_count, err);
        if (node->statistics != NULL)
            node->statistics->rows_filtered += selection.count - kept_count;
        if (!ok && kept_count == 0)
            return false;
        if (!ok)
            exec_set_pending(node, err);
        if (kept_count == 0)
            return true;
        selection = (rdb_selection){node->kept, kept_count};
    }
    if (node->project == NULL) {
        node->output = *raw;
        node->output.selection = selection;
        *batch = &node->output;
        return true;
    }
    uint32_t good_count = 0;
    if (!rdb_program_run(node->project, &node->x->eval, node->arena, raw, &selection, &good_count, err)) {
        if (good_count == 0) {
            node->has_pending = false;
            return false;
        }
        exec_set_pending(node, err);
        selection.count = good_count;
    }
    for (uint32_t i = 0; i < node->output.column_count; i++)
        node->output.columns[i] = rdb_program_result(node->project, i);
    node->output.row_count = raw->row_count;
    node->output.selection = selection;
    *batch = &node->output;
    return true;
}

static bool next_batch(exec_node *node, uint32_t budget, rdb_batch **batch, rdb_error *err)
{
    *batch = NULL;
    if (node->has_pending) {
        node->has_pending = false;
        rdb_error_move(err, node->pending);
        return false;
    }
    for (;;) {
        rdb_batch *raw = NULL;
        rdb_arena_reset(node->arena);
        if (!rdb_cancel_check(node->x->context.cancel, err) || !node->ops->next(node, budget, &raw, err))
            return false;
        if (raw == NULL)
            return true;
        if (raw->selection.count > 0) {
            if (!exec_shape(node, raw, batch, err))
                return false;
            if (*batch != NULL)
                return true;
        }
        if (node->has_pending) {
            node->has_pending = false;
            rdb_error_move(err, node->pending);
            return false;
        }
    }
}

bool exec_next(exec_node *node, uint32_t budget, rdb_batch **batch, rdb_error *err)
{
    if (node->statistics == NULL)
        return next_batch(node, budget, batch, err);
    const rdb_usage before = rdb_thread_usage;
    int64_t started_us = rdb_time_monotonic_us();
    bool ok = next_batch(node, budget, batch, err);
    int64_t elapsed_us = rdb_time_monotonic_us() - started_us;
    count_usage(node->statistics, &before);
    if (node->statistics->rows == 0)
        node->statistics->startup_us += elapsed_us;
    node->statistics->total_us += elapsed_us;
    if (ok && *batch != NULL)
        node->statistics->rows += (*batch)->selection.count;
    return ok;
}
