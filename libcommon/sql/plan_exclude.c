/* SPDX-License-Identifier: Apache-2.0
 * Tables that need not be read because no row of theirs can meet the conditions: these contradict each other, or the table's
 * constraints. Only what gives the same value each time is looked at, and of the constraints those that all rows are known to meet. */
#include "catalog/rdb_ddl.h"
#include "sql/plan_append.h"
#include "sql/proof.h"

static void add_steady(planner *p, const rdb_list *exprs, rdb_list *steady)
{
    for (uint32_t i = 0; i < exprs->count; i++)
        if (rdb_expr_volatility(exprs->items[i]) == 'i' && plan_is_free_to_move(exprs->items[i]))
            rdb_list_push(p->arena, steady, exprs->items[i]);
}

/* All of them in one: another one may stand against each arm of an OR. */
static const rdb_expr *all_of(planner *p, const rdb_list *exprs)
{
    if (exprs->count == 1)
        return exprs->items[0];
    rdb_expr_bool *all = RDB_NEW(p->arena, rdb_expr_bool);
    all->head = *(const rdb_expr *)exprs->items[0];
    all->head.kind = RDB_EXPR_BOOL;
    all->bool_kind = RDB_BOOL_AND;
    all->arguments = *exprs;
    return &all->head;
}

static bool never_holds(const rdb_list *quals)
{
    for (uint32_t i = 0; i < quals->count; i++) {
        const rdb_expr_const *qual = quals->items[i];
        if (qual->head.kind == RDB_EXPR_CONST && (qual->is_null || !qual->value.b))
            return true;
    }
    return false;
}

static bool add_checks(plan_level *level, plan_rel *rel, rdb_list *rules)
{
    const rdb_relation *relation = rel->range->relation;
    for (uint16_t i = 0; i < relation->constraint_count; i++) {
        const rdb_constraint *constraint = &relation->constraints[i];
        rdb_expr *rule = NULL;
        if (constraint->kind != 'c' || !constraint->is_validated || constraint->check_tree == NULL)
            continue;
        if (!plan_read_tree(level, rel, constraint->check_tree, &rule))
            return false;
        plan_split_conjuncts(level->p, rule, rules);
    }
    return true;
}

static void add_not_nulls(planner *p, const plan_rel *rel, rdb_list *rules)
{
    const rdb_relation *relation = rel->range->relation;
    const rdb_type *boolean = NULL;
    rdb_error quiet = {0};
    const bool ok = rdb_type_get(p->access, RDB_BOOLOID, &boolean, &quiet) && boolean != NULL;
    rdb_error_clear(&quiet);
    for (uint16_t i = 0; ok && i < relation->column_count; i++) {
        const rdb_column *column = &relation->columns[i];
        if (!column->not_null || column->is_dropped)
            continue;
        rdb_expr_null_test *test = RDB_NEW(p->arena, rdb_expr_null_test);
        test->head = (rdb_expr){.kind = RDB_EXPR_NULL_TEST, .location = -1, .type = boolean, .typmod = -1};
        test->is_not = true;
        test->argument = plan_make_var(p, rel->range_no, (int16_t)(i + 1), column->type, column->typmod, column->collation);
        rdb_list_push(p->arena, rules, test);
    }
}

/* What the bounds of a partition, and of those that it is a part of, say of its rows. */
static bool add_bounds(plan_level *level, plan_rel *rel, rdb_list *rules)
{
    planner *p = level->p;
    const rdb_relation *partition = rel->range->relation, *parent = NULL;
    for (const rdb_relation *at = partition; at != NULL && at->is_partition && at->partition_bound != NULL; at = parent) {
        uint32_t *parents = NULL, count = 0;
        rdb_partition_map *map = NULL;
        rdb_partition_bound bound;
        rdb_expr *condition = NULL;
        int16_t *columns = NULL;
        if (!rdb_ddl_get_parents(p->access, at->oid, p->arena, &parents, &count, p->err))
            return false;
        parent = NULL;
        if (count == 0)
            break;
        if (!rdb_relation_get(p->access, parents[0], &parent, p->err))
            return false;
        if (parent == NULL)
            break;
        if (!rdb_partition_map_open(p->arena, p->access, parent, &map, p->err) || !rdb_partition_bound_read(p->arena, p->access, at->partition_bound, &bound, p->err) ||
            !rdb_partition_condition(p->arena, p->access, map, &bound, &condition, p->err) || !rdb_inheritance_map(p->arena, parent, partition, &columns, p->err))
            return false;
        if (condition == NULL)
            continue;
        condition = plan_own_tree(level, rel, rdb_inheritance_translate(p->arena, condition, 1, columns, NULL));
        if (condition == NULL)
            return false;
        plan_split_conjuncts(p, condition, rules);
    }
    return true;
}

bool plan_is_excluded(plan_level *level, plan_rel *rel, bool *is_excluded)
{
    planner *p = level->p;
    const bool is_child = rel->parent != NULL;
    rdb_list quals = {0}, rules = {0}, steady = {0};
    proof prover = {.arena = p->arena, .access = p->access, .is_weak = true};
    *is_excluded = rel->quals.count > 0 && never_holds(&rel->quals);
    if (*is_excluded || rel->quals.count == 0 || p->context->constraint_exclusion == RDB_EXCLUSION_OFF || (p->context->constraint_exclusion == RDB_EXCLUSION_PARTITION && !is_child))
        return true;
    add_steady(p, &rel->quals, &quals);
    if (quals.count == 0)
        return true;
    *is_excluded = proof_refuted_by_any(&prover, &quals, all_of(p, &quals));
    if (*is_excluded)
        return true;
    if (!add_checks(level, rel, &rules) || (!is_child && !add_bounds(level, rel, &rules)))
        return false;
    add_not_nulls(p, rel, &rules);
    add_steady(p, &rules, &steady);
    prover.is_weak = false;
    *is_excluded = steady.count > 0 && proof_refuted_by_any(&prover, &quals, all_of(p, &steady));
    return rdb_arena_check(p->arena, p->err);
}
