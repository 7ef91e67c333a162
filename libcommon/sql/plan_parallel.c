/* SPDX-License-Identifier: Apache-2.0
 * Which parts of a finished plan several threads do together. A part is a chain of nodes down its left sides to a sequential scan, whose
 * blocks the threads share: scans, filters and projections, hash joins (whose tables are built once, by the thread that asks), loops
 * over index scans. All that stands in it is simple (rdb_expr_is_simple), so that a thread needs neither session nor catalog; sub-selects
 * that have one value for the whole statement are run by the thread that asks before the others start.
 *
 * Where an aggregate stands on such a chain each thread makes states of its own, which are put together at the end; where the first rows of
 * an order are asked for, each finds the first of its own; elsewhere the chain's rows are gathered. Whether it pays is judged by PostgreSQL's costs, and how many threads by the size of the scan, as there.
 *
 * What is cheapest for one thread need not be what several do soonest. So where it could matter a statement is planned a second time, each
 * way to read and to join compared by how long it takes when threads share it (plan_note_elapsed); of the two plans, shared, the one
 * that clearly costs less is taken. Threads are counted by the settings alone, not by processors: a statement has the same plan on every machine. */
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

/* Threads that are worth their start beside the one that asks, to read all of a table; 0: it is read alone. */
static uint32_t workers_for(const planner *p, const rdb_relation *relation)
{
    uint64_t blocks = 0, least = RDB_MAX(p->context->parallel_scan_bytes, UINT64_C(1)), bytes;
    rdb_error ignored = {0};
    if (relation->persistence == 't' || relation->oid < RDB_FIRST_NORMAL_OID)
        return 0;
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
        if (scan->sample != NULL)
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
            cost += RDB_MAX(node->startup_cost - node->left->startup_cost, node->right->total_cost);
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

/* Each thread may have found every group. */
static double groups_handed_over(uint32_t workers, double groups, double rows)
{
    return RDB_MIN(groups * (workers + 1), rows);
}

/* Of an aggregate in two steps: the threads' start, and putting their groups together. */
static double combine_cost(const planner *p, uint32_t workers, double groups, double rows)
{
    return p->context->parallel_setup_cost + groups_handed_over(workers, groups, rows) * (p->context->parallel_tuple_cost + COST_TUPLE + COST_OPERATOR);
}

/* An aggregate over a chain: in two steps, where that is cheaper. */
static bool split_aggregate(planner *p, rdb_plan_node *node)
{
    parallel_chain chain;
    if (!can_combine(&node->of.aggregate) || !find_chain(p, node->left, &chain))
        return false;
    const double input = node->left->total_cost, own = RDB_MAX(node->total_cost - input, 0.0), shared = shared_cost(node->left, chain.workers) + own / divisor_of(chain.workers);
    const double handed_over = groups_handed_over(chain.workers, node->rows, node->left->rows);
    const double total = shared + combine_cost(p, chain.workers, node->rows, node->left->rows);
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

/* ---- the whole plan ----------------------------------------------------------------------------------------------------------------------- */
static rdb_plan_node *share(planner *p, rdb_plan_node *node, bool is_whole, uint32_t depth);

/* What a node reads costs less by so much: at its start, and in all. */
static void follow_costs(rdb_plan_node *node, double startup, double total)
{
    if (node->kind == RDB_PLAN_SORT || (node->kind == RDB_PLAN_AGGREGATE && node->of.aggregate.strategy != RDB_AGGREGATE_SORTED))
        startup = total; /* it reads all before it gives its first row */
    node->total_cost = RDB_MAX(node->total_cost - total, 0.0);
    node->startup_cost = RDB_MIN(RDB_MAX(node->startup_cost - startup, 0.0), node->total_cost);
}

static void share_left(planner *p, rdb_plan_node *node, bool is_whole, uint32_t depth)
{
    if (node->left == NULL)
        return;
    const double startup = node->left->startup_cost, total = node->left->total_cost;
    node->left = share(p, node->left, is_whole, depth);
    follow_costs(node, startup - node->left->startup_cost, total - node->left->total_cost);
}

/* Of a join: a side that is read before the first row comes. */
static void share_right(planner *p, rdb_plan_node *node, bool is_whole, uint32_t depth)
{
    const double total = node->right->total_cost;
    node->right = share(p, node->right, is_whole, depth);
    follow_costs(node, total - node->right->total_cost, total - node->right->total_cost);
}

/* The tables that the joins of a chain build; what they cost less, all above them do. */
static double share_tables(planner *p, rdb_plan_node *node, uint32_t depth)
{
    if (node == NULL || depth == 0 || node->kind == RDB_PLAN_SEQ_SCAN)
        return 0;
    const double below = share_tables(p, node->left, depth - 1), before = node->total_cost;
    follow_costs(node, below, below);
    if (node->kind == RDB_PLAN_HASH_JOIN)
        share_right(p, node, true, depth - 1);
    return before - node->total_cost;
}

/* The tables of what stands below the node, if that is a chain. */
static void share_tables_below(planner *p, rdb_plan_node *node, uint32_t depth)
{
    parallel_chain chain;
    if (!find_chain(p, node->left, &chain))
        return;
    const double saved = share_tables(p, node->left, depth);
    follow_costs(node, saved, saved);
}

/* is_whole: all rows will be asked for, and once. */
static rdb_plan_node *share(planner *p, rdb_plan_node *node, bool is_whole, uint32_t depth)
{
    if (node == NULL || depth == 0)
        return node;
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_AGGREGATE:
        share_tables_below(p, node, depth - 1);
        if (!split_aggregate(p, node))
            share_left(p, node, true, depth - 1);
        return node;
    case RDB_PLAN_SORT:
        share_left(p, node, true, depth - 1);
        return node;
    case RDB_PLAN_LIMIT: {
        const double startup = node->left->startup_cost, total = node->left->total_cost;
        const double part = total > startup ? RDB_MIN((node->total_cost - startup) / (total - startup), 1.0) : 1;
        if (node->left->kind == RDB_PLAN_SORT)
            share_tables_below(p, node->left, depth - 1);
        if (node->left->kind != RDB_PLAN_SORT || !split_sort(p, node->left, limit_bound(node)))
            node->left = share(p, node->left, false, depth - 1);
        node->startup_cost = node->left->startup_cost;
        node->total_cost = node->startup_cost + RDB_MAX(part, 0.0) * (node->left->total_cost - node->startup_cost);
        return node;
    }
    case RDB_PLAN_UNIQUE:
    case RDB_PLAN_WINDOW:
    case RDB_PLAN_MATERIALIZE:
    case RDB_PLAN_PROJECT_SET:
    case RDB_PLAN_INCREMENTAL_SORT:
        share_left(p, node, is_whole, depth - 1);
        return node;
    case RDB_PLAN_SET_OP:
        share_left(p, node, true, depth - 1);
        if (node->right != NULL)
            share_right(p, node, true, depth - 1);
        return node;
    case RDB_PLAN_APPEND:
        for (uint32_t i = 0; i < node->children.count; i++) {
            const double total = ((const rdb_plan_node *)node->children.items[i])->total_cost;
            rdb_plan_node *child = node->children.items[i] = share(p, node->children.items[i], is_whole, depth - 1);
            follow_costs(node, 0, total - child->total_cost);
        }
        return node;
    case RDB_PLAN_SEQ_SCAN:
        return is_whole ? gather_chain(p, node) : node;
    case RDB_PLAN_RESULT:
    case RDB_PLAN_SUBQUERY_SCAN:
    case RDB_PLAN_HASH_JOIN:
    case RDB_PLAN_NEST_LOOP:
    case RDB_PLAN_MERGE_JOIN: {
        parallel_chain chain;
        if (is_whole && find_chain(p, node, &chain)) {
            (void)share_tables(p, node, depth);
            rdb_plan_node *gathered = gather_chain(p, node);
            if (gathered != node)
                return gathered;
        }
        share_left(p, node, is_whole, depth - 1);
        if (node->kind == RDB_PLAN_HASH_JOIN || node->kind == RDB_PLAN_MERGE_JOIN)
            share_right(p, node, node->kind == RDB_PLAN_HASH_JOIN, depth - 1);
        else if (node->kind == RDB_PLAN_NEST_LOOP && node->right->kind == RDB_PLAN_MATERIALIZE && node->of.join.parameter_count == 0)
            share_right(p, node, is_whole, depth - 1); /* read once, its rows kept */
        return node;
    }
    default:
        return node;
    }
}

/* ---- how long paths take -------------------------------------------------------------------------------------------------------------------- */
/* Until one thread has all rows of the path. */
static double gathered_cost(const planner *p, const plan_path *path)
{
    return path->workers == 0 ? path->elapsed : RDB_MIN(path->total, path->elapsed + p->context->parallel_setup_cost + p->context->parallel_tuple_cost * path->rows);
}

static double saved_cost(const planner *p, const plan_path *path)
{
    return path->total - gathered_cost(p, path);
}

/* A join whose left side is a chain and which is one then, too. */
static bool continues_chain(const plan_path *path)
{
    if (path->left->workers == 0)
        return false;
    if (path->kind == RDB_PLAN_HASH_JOIN)
        return path->join_kind != RDB_JOIN_RIGHT && path->join_kind != RDB_JOIN_FULL;
    return path->kind == RDB_PLAN_NEST_LOOP && path->right->kind == RDB_PLAN_INDEX_SCAN && relids_meet(path->right->needs, path->left->relids);
}

void plan_note_elapsed(plan_level *level, plan_path *path)
{
    planner *p = level->p;
    const plan_path *left = path->left, *right = path->right;
    path->elapsed = path->total;
    path->workers = 0;
    if (p->context->workers_per_gather == 0 || !p->plan->is_read_only || level->is_correlated)
        return;
    if (path->kind == RDB_PLAN_SEQ_SCAN && path->rel->sample == NULL) {
        const uint32_t workers = workers_for(p, path->rel->range->relation);
        p->may_share = p->may_share || workers > 0;
        path->workers = p->counts_threads ? workers : 0;
        path->elapsed = path->workers > 0 ? path->total / divisor_of(workers) : path->total;
    }
    if (!p->counts_threads)
        return;
    switch ((rdb_plan_kind)path->kind) {
    case RDB_PLAN_RESULT:
        if (left != NULL && !path->is_nothing) {
            path->elapsed -= left->total - left->elapsed;
            path->workers = left->workers;
        }
        break;
    case RDB_PLAN_AGGREGATE:
        path->elapsed -= saved_cost(p, left);
        if (left->workers > 0)
            path->elapsed = RDB_MIN(path->elapsed, left->elapsed + (path->total - left->total) / divisor_of(left->workers) + combine_cost(p, left->workers, path->rows, left->rows));
        break;
    case RDB_PLAN_HASH_JOIN:
    case RDB_PLAN_NEST_LOOP:
        if (continues_chain(path)) { /* the table of a hash join is built by one thread */
            const double build = path->kind == RDB_PLAN_HASH_JOIN ? path->startup - left->startup : 0;
            path->workers = left->workers;
            path->elapsed = left->elapsed + build + RDB_MAX(path->total - left->total - build, 0.0) / divisor_of(left->workers);
        } else {
            path->elapsed -= saved_cost(p, left);
        }
        if (path->kind == RDB_PLAN_HASH_JOIN || path->keeps_inner)
            path->elapsed -= saved_cost(p, right);
        break;
    case RDB_PLAN_MERGE_JOIN:
        path->elapsed -= (path->sorts_left ? saved_cost(p, left) : 0) + (path->sorts_right ? saved_cost(p, right) : 0);
        break;
    case RDB_PLAN_APPEND:
        for (uint32_t i = 0; i < path->children.count; i++) {
            plan_note_elapsed(level, path->children.items[i]);
            path->elapsed -= saved_cost(p, path->children.items[i]);
        }
        break;
    default:
        break;
    }
}

double plan_share_work(planner *p)
{
    rdb_plan *plan = p->plan;
    const bool shares = p->context->workers_per_gather > 0 && plan->is_read_only;
    double cost = 0;
    for (uint32_t i = 0; i < plan->cte_count; i++)
        if (plan->ctes[i].node != NULL && plan->ctes[i].is_outermost && !plan->ctes[i].is_correlated) {
            plan->ctes[i].node = shares ? share(p, plan->ctes[i].node, true, WALK_DEPTH) : plan->ctes[i].node;
            cost += plan->ctes[i].node->total_cost;
        }
    for (uint32_t i = 0; i < plan->subplan_count; i++)
        if (plan->subplans[i].node != NULL && !plan->subplans[i].is_correlated) {
            plan->subplans[i].node = shares ? share(p, plan->subplans[i].node, plan->subplans[i].owner != NULL, WALK_DEPTH) : plan->subplans[i].node;
            cost += plan->subplans[i].node->total_cost;
        }
    plan->root = shares ? share(p, plan->root, true, WALK_DEPTH) : plan->root;
    return cost + plan->root->total_cost;
}
