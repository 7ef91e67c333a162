/* SPDX-License-Identifier: Apache-2.0
 * The inner side of a nested loop that reads values of the outer one: where these come again and again, its rows are kept by them
 * (exec/memoize.c). Whether that pays is judged as PostgreSQL does, but for plain index scans, whose loop takes many outer rows at a time
 * (exec/index_loop.c): few rows are found there as fast as in a cache. */
#include "sql/plan_int.h"
#include <math.h>

#define ENTRY_OVERHEAD 100.0 /* bytes of an entry, beside keys and rows */
#define ROW_OVERHEAD 24.0
#define WORTH_ROWS 8.0       /* of an index scan */

static bool all_free(const rdb_list *exprs)
{
    for (uint32_t i = 0; i < exprs->count; i++)
        if (!plan_is_free_to_move(exprs->items[i]))
            return false;
    return true;
}

/* Do the same values of the outer side give the same rows? */
static bool is_steady(const plan_path *path)
{
    const plan_rel *rel = path->rel;
    if (rel == NULL || path->left != NULL || !all_free(&rel->quals) || !all_free(&path->filter) || !all_free(&path->used))
        return false;
    if (rel->range->kind == RDB_RANGE_SUBQUERY)
        return rel->range->subquery != NULL && !plan_query_calls_volatile(rel->range->subquery);
    return rel->range->kind == RDB_RANGE_RELATION && path->kind == RDB_PLAN_INDEX_SCAN;
}

/* Rows that only last for a turn of something around it. */
static bool reads_turns(const rdb_plan_node *node, uint32_t depth)
{
    if (node == NULL)
        return false;
    if (depth > RDB_TREE_DEPTH_MAX || node->kind == RDB_PLAN_WORK_TABLE_SCAN || node->kind == RDB_PLAN_CTE_SCAN || node->kind == RDB_PLAN_LOCK_ROWS || node->kind == RDB_PLAN_MODIFY_TABLE ||
        reads_turns(node->left, depth + 1) || reads_turns(node->right, depth + 1))
        return true;
    for (uint32_t i = 0; i < node->children.count; i++)
        if (reads_turns(node->children.items[i], depth + 1))
            return true;
    return false;
}

/* What one more turn costs with the cache; HUGE_VAL: it is not known how often values come again. */
static double rescan_cost(plan_level *level, const plan_path *right, const rdb_list *wanted, double calls)
{
    planner *p = level->p;
    const double memory = p->context->work_mem_bytes > 0 ? 2.0 * (double)p->context->work_mem_bytes : 8388608.0;
    double entry_bytes = right->rows * (right->width + ROW_OVERHEAD) + ENTRY_OVERHEAD;
    rdb_expr **keys = RDB_NEW_ARRAY(p->arena, rdb_expr *, wanted->count + 1);
    for (uint32_t i = 0; i < wanted->count; i++) {
        keys[i] = ((const plan_wanted *)wanted->items[i])->expr;
        const plan_subject s = plan_examine(level, keys[i]);
        bool is_guess = false;
        (void)plan_subject_distinct(&s, &is_guess);
        if (is_guess || !s.is_column || !plan_can_hash(keys[i]->type))
            return HUGE_VAL;
        entry_bytes += keys[i]->type->typlen > 0 ? keys[i]->type->typlen : 32;
    }
    const double distinct = plan_group_count(level, keys, wanted->count, calls), entries = RDB_MAX(1.0, floor(memory / entry_bytes));
    const double evicted = 1 - RDB_MIN(entries, distinct) / distinct, hits = (calls - distinct) / calls * (entries / RDB_MAX(distinct, entries));
    return right->total * (1 - hits) + COST_OPERATOR + COST_TUPLE * evicted + COST_OPERATOR / 10 * evicted * right->rows + COST_TUPLE + COST_OPERATOR * right->rows;
}

/* Is the inner side's every use of the outer values an equality of the index? */
static bool only_equals(const plan_path *right)
{
    for (uint32_t i = 0; i < right->bounds.count; i++)
        if (((const plan_match *)right->bounds.items[i])->strategy != 3 || ((const plan_match *)right->bounds.items[i])->is_any)
            return false;
    for (uint32_t i = 0; i < right->filter.count; i++)
        if (!relids_within(plan_relids_of(right->filter.items[i]), right->relids))
            return false;
    return right->rel->range->kind == RDB_RANGE_RELATION;
}

void plan_memoize(plan_level *level, const plan_path *loop, const rdb_list *wanted, plan_built *right)
{
    planner *p = level->p;
    const plan_path *inner = loop->right;
    const double calls = loop->left->rows;
    if (p->context->no_memoize || wanted->count == 0 || calls < 2 || (loop->join_kind != RDB_JOIN_INNER && loop->join_kind != RDB_JOIN_LEFT) || level->is_correlated ||
        p->plan->command != RDB_COMMAND_SELECT || level->query->row_marks.count > 0 || !is_steady(inner) || reads_turns(right->node, 0))
        return;
    for (uint32_t i = 0; i < wanted->count; i++)
        if (!relids_within(plan_relids_of(((const plan_wanted *)wanted->items[i])->expr), loop->left->relids))
            return; /* of a loop further out */
    const double again = rescan_cost(level, inner, wanted, calls);
    if (again >= inner->total || (inner->kind == RDB_PLAN_INDEX_SCAN && inner->rows < WORTH_ROWS))
        return;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_MEMOIZE, right, NULL);
    for (uint32_t i = 0; i < wanted->count; i++) {
        const plan_wanted *one = wanted->items[i];
        rdb_expr_param *key = RDB_NEW(p->arena, rdb_expr_param);
        key->head = *one->expr;
        key->head.kind = RDB_EXPR_PARAM;
        key->param_kind = RDB_PARAM_EXECUTION;
        key->param_no = one->parameter_no;
        key->origin = one->expr;
        rdb_list_push(p->arena, &node->of.memoize.keys, key);
    }
    node->of.memoize.is_binary = !only_equals(inner);
    node->startup_cost += COST_TUPLE;
    node->total_cost += COST_TUPLE;
    *right = plan_identity(p, node, right->outputs, right->count);
}
