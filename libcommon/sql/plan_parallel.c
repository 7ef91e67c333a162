/* SPDX-License-Identifier: Apache-2.0
 * Which parts of a finished plan several threads do together. A part is a chain of nodes down its left sides to a sequential scan, whose
 * blocks the threads share: scans, filters and projections, hash joins (whose tables are built once, by the thread that asks), loops
 * over index scans. All that stands in it is simple (rdb_expr_is_simple), so that a thread needs neither session nor catalog; sub-selects
 * that have one value for the whole statement are run by the thread that asks before the others start.
 *
 * Where an aggregate stands on such a chain each thread makes states of its own, which are put together at the end; where the first rows of
 * an order are asked for, each finds the first of its own; elsewhere the chain's rows are gathered. Whether it pays is judged by PostgreSQL's costs, and how many threads by the size of the scan, as there. */
#include "sql/plan_int.h"
#include <math.h>

#define WALK_DEPTH 500u

typedef struct parallel_chain {
    const planner *p;
    rdb_plan_node *scan;
    uint32_t workers;
    rdb_list init_plans;       /* rdb_expr_subplan *: whose values it reads */
} parallel_chain;

/* A sub-select with one value for the whole statement. */
static bool note_init_plan(void *context, const rdb_expr_subplan *e)
{
    parallel_chain *chain = context;
    if ((e->sublink_kind != RDB_SUBLINK_SCALAR && e->sublink_kind != RDB_SUBLINK_EXISTS) || e->arguments.count > 0 || chain->p->plan->subplans[e->subplan_no].is_correlated)
        return false;
    rdb_list_push(chain->p->arena, &chain->init_plans, (void *)(uintptr_t)e);
    return true;
}

static bool is_simple(parallel_chain *chain, const rdb_expr *expr)
{
    return rdb_expr_is_simple_but(expr, note_init_plan, chain);
}

static bool all_simple(parallel_chain *chain, const rdb_list *exprs)
{
    for (uint32_t i = 0; i < exprs->count; i++)
        if (!is_simple(chain, exprs->items[i]))
            return false;
    return true;
}

static bool array_simple(rdb_expr *const *exprs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!rdb_expr_is_simple(exprs[i], false))
            return false;
    return true;
}

static bool node_is_simple(parallel_chain *chain, const rdb_plan_node *node)
{
    for (uint32_t i = 0; i < node->targets.count; i++)
        if (!is_simple(chain, ((const rdb_target *)node->targets.items[i])->expr))
            return false;
    return all_simple(chain, &node->filter) && node->first_cte == node->end_cte;
}

static uint32_t workers_for(const planner *p, const rdb_relation *relation)
{
    uint64_t blocks = 0, least = RDB_MAX(p->context->parallel_scan_bytes, UINT64_C(1)), bytes;
    rdb_error ignored = {0};
    if (!rdb_table_block_count(&relation->table, &blocks, &ignored)) {
        rdb_error_clear(&ignored);
        return 0;
    }
    bytes = blocks * rdb_storage_page_bytes(relation->table.storage);
    uint32_t workers = 0;
    for (; bytes >= least && workers < p->context->workers_per_gather; bytes /= 3)
        workers++;
    return workers;
}

/* An index scan on the inner side of a loop. */
static bool is_lookup(parallel_chain *chain, const rdb_plan_node *node)
{
    if ((node->kind != RDB_PLAN_INDEX_SCAN && node->kind != RDB_PLAN_INDEX_ONLY_SCAN) || !node_is_simple(chain, node) ||
        !all_simple(chain, &node->of.scan.key_expressions) || !all_simple(chain, &node->of.scan.condition) || node->of.scan.relation->persistence == 't')
        return false;
    for (uint16_t i = 0; i < node->of.scan.bound_count; i++)
        if (node->of.scan.bounds[i].is_any || (node->of.scan.bounds[i].value != NULL && !rdb_expr_is_simple(node->of.scan.bounds[i].value, false)))
            return false;
    return true;
}

static bool walk_chain(parallel_chain *chain, rdb_plan_node *node, uint32_t depth)
{
    if (node == NULL || depth == 0 || !node_is_simple(chain, node))
        return false;
    const rdb_plan_join *join = &node->of.join;
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_SEQ_SCAN: {
        const rdb_plan_scan *scan = &node->of.scan;
        if (scan->sample != NULL || scan->relation->persistence == 't' || scan->relation->oid < 16384)
            return false;
        for (uint16_t i = 0; i < scan->column_count; i++)
            if (scan->columns[i] < 0)
                return false;
        chain->scan = node;
        chain->workers = workers_for(chain->p, scan->relation);
        return chain->workers > 0;
    }
    case RDB_PLAN_RESULT:
    case RDB_PLAN_SUBQUERY_SCAN:
        return node->left != NULL && walk_chain(chain, node->left, depth - 1);
    case RDB_PLAN_HASH_JOIN:
        return join->kind != RDB_JOIN_RIGHT && join->kind != RDB_JOIN_FULL && array_simple(join->left_keys, join->key_count) && all_simple(chain, &join->condition) &&
               walk_chain(chain, node->left, depth - 1);
    case RDB_PLAN_NEST_LOOP:
        return array_simple(join->parameter_values, join->parameter_count) && all_simple(chain, &join->condition) && is_lookup(chain, node->right) && walk_chain(chain, node->left, depth - 1);
    default:
        return false;
    }
}

/* Is the node the top of a chain? */
static bool find_chain(const planner *p, rdb_plan_node *node, parallel_chain *chain)
{
    *chain = (parallel_chain){.p = p};
    return walk_chain(chain, node, WALK_DEPTH);
}

/* How much faster so many threads are: the thread that asks helps, the less the more it has to look after. */
static double divisor_of(uint32_t workers)
{
    const double own = 1.0 - 0.3 * workers;
    return workers + (own > 0 ? own : 0);
}

/* What building the tables of a chain's joins costs: that is not shared. */
static double unshared_cost(const rdb_plan_node *node)
{
    double cost = 0;
    for (; node != NULL && node->kind != RDB_PLAN_SEQ_SCAN; node = node->left)
        if (node->kind == RDB_PLAN_HASH_JOIN)
            cost += node->right->total_cost;
    return cost;
}

static double shared_cost(const rdb_plan_node *node, uint32_t workers)
{
    const double unshared = RDB_MIN(unshared_cost(node), node->total_cost);
    return unshared + (node->total_cost - unshared) / divisor_of(workers);
}

/* Each thread has its part of the rows. */
static void divide_chain(rdb_plan_node *node, uint32_t workers)
{
    for (; node != NULL; node = node->left) {
        node->total_cost = shared_cost(node, workers); /* before those below it change */
        node->startup_cost = RDB_MIN(node->startup_cost, node->total_cost);
        node->rows = RDB_MAX(1.0, rint(node->rows / divisor_of(workers)));
        if (node->kind == RDB_PLAN_SEQ_SCAN)
            node->is_parallel = true;
    }
}

static rdb_plan_node *make_gather(planner *p, rdb_plan_node *below, const parallel_chain *chain, double rows)
{
    rdb_plan_node *gather = RDB_NEW(p->arena, rdb_plan_node);
    const bool passes = below->passes_through;
    gather->kind = RDB_PLAN_GATHER;
    gather->node_no = p->plan->node_count++;
    p->plan->has_gather = true;
    gather->left = below;
    gather->passes_through = true;
    gather->width = below->width;
    gather->rows = rows;
    gather->startup_cost = below->startup_cost + p->context->parallel_setup_cost;
    gather->total_cost = below->total_cost + p->context->parallel_setup_cost + p->context->parallel_tuple_cost * rows;
    gather->input_count = passes ? below->input_count : below->targets.count;
    const rdb_type **types = RDB_NEW_ARRAY(p->arena, const rdb_type *, gather->input_count + 1);
    for (uint32_t i = 0; i < gather->input_count; i++)
        types[i] = passes ? below->input_types[i] : ((const rdb_target *)below->targets.items[i])->expr->type;
    gather->input_types = types;
    gather->of.gather.worker_count = chain->workers;
    gather->of.gather.init_plans = chain->init_plans;
    return gather;
}

static bool can_combine(const rdb_plan_aggregate *plan)
{
    if (plan->strategy == RDB_AGGREGATE_SORTED || plan->set_count > 0 || plan->grouping_count > 0 || plan->phase != RDB_AGGREGATE_WHOLE || !array_simple(plan->keys, plan->key_count))
        return false;
    for (uint32_t i = 0; i < plan->call_count; i++) {
        const rdb_plan_aggregate_call *call = &plan->calls[i];
        const rdb_function *function = call->aggregate->function;
        if (call->is_distinct || call->order_count > 0 || call->direct_count > 0 || call->extra_count > 0 || call->aggregate->is_within_group || function->aggregate != NULL ||
            function->has_body || function->parallel != 's' || (call->filter != NULL && !rdb_expr_is_simple(call->filter, false)) || !array_simple(call->arguments, call->argument_count))
            return false;
        const rdb_aggregate_entry *entry = rdb_aggregate_find(function->oid);
        if (entry == NULL || entry->combine == NULL)
            return false;
    }
    return true;
}

/* An aggregate over a chain: in two steps, where that is cheaper. */
static bool split_aggregate(planner *p, rdb_plan_node *node)
{
    parallel_chain chain;
    if (!can_combine(&node->of.aggregate) || !find_chain(p, node->left, &chain))
        return false;
    const double input = node->left->total_cost, own = RDB_MAX(node->total_cost - input, 0.0), shared = shared_cost(node->left, chain.workers) + own / divisor_of(chain.workers);
    const double handed_over = RDB_MIN(node->rows * (chain.workers + 1), node->left->rows);
    const double total = shared + p->context->parallel_setup_cost + handed_over * (p->context->parallel_tuple_cost + 0.0125);
    if (total >= node->total_cost)
        return false;
    rdb_plan_node *partial = RDB_NEW(p->arena, rdb_plan_node);
    *partial = *node;
    partial->node_no = p->plan->node_count++;
    partial->of.aggregate.phase = RDB_AGGREGATE_PARTIAL;
    partial->filter = (rdb_list){0};
    partial->targets = (rdb_list){0};
    partial->passes_through = true;
    partial->first_cte = partial->end_cte = 0;
    partial->startup_cost = partial->total_cost = shared;
    divide_chain(node->left, chain.workers);
    rdb_plan_node *gather = make_gather(p, partial, &chain, handed_over);
    node->of.aggregate.phase = RDB_AGGREGATE_FINAL;
    node->left = gather;
    node->total_cost = total;
    node->startup_cost = node->of.aggregate.strategy == RDB_AGGREGATE_PLAIN ? total : RDB_MAX(gather->total_cost, 0.0);
    return true;
}

/* Rows that a LIMIT asks for at most, those that it passes over included; 0: not known yet, or all. */
static double limit_bound(const rdb_plan_node *node)
{
    const rdb_expr_const *count = (const rdb_expr_const *)node->of.limit.count, *offset = (const rdb_expr_const *)node->of.limit.offset;
    if (node->of.limit.with_ties || count == NULL || count->head.kind != RDB_EXPR_CONST || count->is_null || (offset != NULL && offset->head.kind != RDB_EXPR_CONST))
        return 0;
    return RDB_MAX(1.0, (double)count->value.i64) + (offset != NULL && !offset->is_null ? (double)offset->value.i64 : 0);
}

/* Values whose comparison asks no catalog. */
static bool keys_compare_alone(const rdb_plan_key *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (keys[i].type->oid >= RDB_FIRST_NORMAL_OID || keys[i].type->kind != 'b' || keys[i].type->element != NULL)
            return false;
    return count > 0;
}

/* The sort of a chain's rows of which the first are asked for: each thread sorts its own, and of those first rows the first are found. */
static bool split_sort(planner *p, rdb_plan_node *node, double bound)
{
    parallel_chain chain;
    if (bound <= 0 || bound >= node->left->rows || !keys_compare_alone(node->of.sort.keys, node->of.sort.key_count) || !find_chain(p, node->left, &chain))
        return false;
    const double own = RDB_MAX(node->total_cost - node->left->total_cost, 0.0), shared = shared_cost(node->left, chain.workers) + own / divisor_of(chain.workers);
    const double handed_over = RDB_MIN(bound * (chain.workers + 1), node->left->rows);
    const double total = shared + p->context->parallel_setup_cost + handed_over * p->context->parallel_tuple_cost;
    if (total >= node->total_cost)
        return false;
    rdb_plan_node *partial = RDB_NEW(p->arena, rdb_plan_node);
    *partial = *node;
    partial->node_no = p->plan->node_count++;
    partial->filter = (rdb_list){0};
    partial->targets = (rdb_list){0};
    partial->passes_through = true;
    partial->first_cte = partial->end_cte = 0;
    divide_chain(node->left, chain.workers);
    partial->startup_cost = partial->total_cost = shared;
    partial->rows = node->left->rows;
    node->left = make_gather(p, partial, &chain, handed_over);
    node->startup_cost = node->total_cost = total;
    return true;
}

/* Gathers a chain's rows where that is cheaper than to compute them alone. */
static rdb_plan_node *gather_chain(planner *p, rdb_plan_node *node)
{
    parallel_chain chain;
    if (!find_chain(p, node, &chain))
        return node;
    const double total = shared_cost(node, chain.workers) + p->context->parallel_setup_cost + p->context->parallel_tuple_cost * node->rows, rows = node->rows;
    if (total >= node->total_cost)
        return node;
    divide_chain(node, chain.workers);
    return make_gather(p, node, &chain, rows);
}

static rdb_plan_node *share(planner *p, rdb_plan_node *node, bool is_whole, uint32_t depth);

/* The tables that the joins of a chain build. */
static void share_tables(planner *p, rdb_plan_node *node, uint32_t depth)
{
    for (; node != NULL && node->kind != RDB_PLAN_SEQ_SCAN; node = node->left)
        if (node->kind == RDB_PLAN_HASH_JOIN)
            node->right = share(p, node->right, true, depth - 1);
}

/* is_whole: all rows will be asked for, and once. */
static rdb_plan_node *share(planner *p, rdb_plan_node *node, bool is_whole, uint32_t depth)
{
    if (node == NULL || depth == 0)
        return node;
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_AGGREGATE:
        if (split_aggregate(p, node)) {
            share_tables(p, node->left->left->left, depth - 1);
            return node;
        }
        node->left = share(p, node->left, true, depth - 1);
        return node;
    case RDB_PLAN_SORT:
        node->left = share(p, node->left, true, depth - 1);
        return node;
    case RDB_PLAN_LIMIT:
        if (node->left->kind == RDB_PLAN_SORT && split_sort(p, node->left, limit_bound(node))) {
            node->startup_cost = node->total_cost = node->left->total_cost;
            share_tables(p, node->left->left->left->left, depth - 1);
            return node;
        }
        node->left = share(p, node->left, false, depth - 1);
        return node;
    case RDB_PLAN_UNIQUE:
    case RDB_PLAN_WINDOW:
    case RDB_PLAN_MATERIALIZE:
    case RDB_PLAN_PROJECT_SET:
    case RDB_PLAN_INCREMENTAL_SORT:
        node->left = share(p, node->left, is_whole, depth - 1);
        return node;
    case RDB_PLAN_SET_OP:
        node->left = share(p, node->left, true, depth - 1);
        node->right = share(p, node->right, true, depth - 1);
        return node;
    case RDB_PLAN_APPEND:
        for (uint32_t i = 0; i < node->children.count; i++)
            node->children.items[i] = share(p, node->children.items[i], is_whole, depth - 1);
        return node;
    case RDB_PLAN_SEQ_SCAN:
        return is_whole ? gather_chain(p, node) : node;
    case RDB_PLAN_RESULT:
    case RDB_PLAN_SUBQUERY_SCAN:
    case RDB_PLAN_HASH_JOIN:
    case RDB_PLAN_NEST_LOOP:
    case RDB_PLAN_MERGE_JOIN: {
        rdb_plan_node *gathered = is_whole ? gather_chain(p, node) : node;
        if (gathered != node) {
            share_tables(p, node, depth - 1);
            return gathered;
        }
        node->left = share(p, node->left, is_whole, depth - 1);
        if (node->kind == RDB_PLAN_HASH_JOIN || node->kind == RDB_PLAN_MERGE_JOIN)
            node->right = share(p, node->right, node->kind == RDB_PLAN_HASH_JOIN, depth - 1);
        else if (node->kind == RDB_PLAN_NEST_LOOP && node->right->kind == RDB_PLAN_MATERIALIZE && node->of.join.parameter_count == 0)
            node->right = share(p, node->right, is_whole, depth - 1); /* read once, its rows kept */
        return node;
    }
    default:
        return node;
    }
}

void plan_share_work(planner *p)
{
    rdb_plan *plan = p->plan;
    if (p->context->workers_per_gather == 0 || !plan->is_read_only)
        return;
    for (uint32_t i = 0; i < plan->cte_count; i++)
        if (plan->ctes[i].node != NULL && plan->ctes[i].is_outermost && !plan->ctes[i].is_correlated)
            plan->ctes[i].node = share(p, plan->ctes[i].node, true, WALK_DEPTH);
    for (uint32_t i = 0; i < plan->subplan_count; i++)
        if (plan->subplans[i].node != NULL && !plan->subplans[i].is_correlated)
            plan->subplans[i].node = share(p, plan->subplans[i].node, plan->subplans[i].owner != NULL, WALK_DEPTH);
    plan->root = share(p, plan->root, true, WALK_DEPTH);
}
