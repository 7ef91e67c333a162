/* SPDX-License-Identifier: Apache-2.0
 * Conditions made fit for planning: what all arms of an OR have in common stands beside it, and what an OR over several
 * relations says of one of them alone can be checked there too. Either keeps what the condition means. */
#include "sql/plan_int.h"

const rdb_expr_function *plan_comparison(const rdb_expr *clause)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    return clause->kind == RDB_EXPR_FUNCTION && e->operator_oid != 0 && e->arguments.count == 2 ? e : NULL;
}

bool plan_is_equality(planner *p, const rdb_expr *clause)
{
    const rdb_expr_function *e = plan_comparison(clause);
    uint16_t strategy = 0;
    uint32_t family = 0;
    rdb_error quiet = {0};
    bool ok = e != NULL && rdb_opclass_strategy(p->access, e->operator_oid, &strategy, &family, &quiet) && strategy == 3;
    rdb_error_clear(&quiet);
    return ok;
}

/* ---- AND and OR ------------------------------------------------------------------------------------------------------------ */
rdb_expr *plan_bool_of(planner *p, rdb_bool_kind kind, const rdb_list *arguments)
{
    if (arguments->count == 1)
        return arguments->items[0];
    rdb_expr_bool *e = RDB_NEW(p->arena, rdb_expr_bool);
    e->head = *(const rdb_expr *)arguments->items[0];
    e->head.kind = RDB_EXPR_BOOL;
    e->bool_kind = (uint8_t)kind;
    e->arguments = *arguments;
    return &e->head;
}

static bool is_bool(const rdb_expr *expr, rdb_bool_kind kind)
{
    return expr->kind == RDB_EXPR_BOOL && ((const rdb_expr_bool *)expr)->bool_kind == kind;
}

static void conjuncts_of(planner *p, rdb_expr *expr, rdb_list *conjuncts)
{
    if (is_bool(expr, RDB_BOOL_AND)) {
        const rdb_list *arguments = &((rdb_expr_bool *)expr)->arguments;
        for (uint32_t i = 0; i < arguments->count; i++)
            conjuncts_of(p, arguments->items[i], conjuncts);
        return;
    }
    rdb_list_push(p->arena, conjuncts, expr);
}

static bool has_equal(const rdb_list *exprs, const rdb_expr *wanted)
{
    for (uint32_t i = 0; i < exprs->count; i++)
        if (rdb_expr_equal(exprs->items[i], wanted))
            return true;
    return false;
}

/* Arms as lists of conjuncts: those that every arm has go to *common; *rest is the OR of what is left, NULL where an arm is
 * left empty (the common ones say all). */
static void factor_or(planner *p, rdb_list *arms, uint32_t arm_count, rdb_list *common, rdb_expr **rest)
{
    for (uint32_t i = 0; i < arms[0].count; i++) {
        bool everywhere = true;
        for (uint32_t k = 1; k < arm_count && everywhere; k++)
            everywhere = has_equal(&arms[k], arms[0].items[i]);
        if (everywhere)
            rdb_list_push(p->arena, common, arms[0].items[i]);
    }
    rdb_list left = {0};
    bool is_implied = false;
    for (uint32_t k = 0; k < arm_count; k++) {
        rdb_list kept = {0};
        for (uint32_t i = 0; i < arms[k].count; i++)
            if (!has_equal(common, arms[k].items[i]))
                rdb_list_push(p->arena, &kept, arms[k].items[i]);
        is_implied = is_implied || kept.count == 0;
        if (kept.count > 0)
            rdb_list_push(p->arena, &left, plan_bool_of(p, RDB_BOOL_AND, &kept));
        arms[k] = kept;
    }
    *rest = is_implied ? NULL : plan_bool_of(p, RDB_BOOL_OR, &left);
}

static bool see_subplan(void *context, rdb_expr *expr)
{
    bool *found = context;
    *found = *found || expr->kind == RDB_EXPR_SUBPLAN;
    return !*found && rdb_expr_visit_children(expr, see_subplan, context);
}

static bool see_volatile(void *context, const rdb_expr *expr, uint32_t levels)
{
    bool *found = context;
    (void)levels;
    *found |= expr->kind == RDB_EXPR_NEXT_VALUE || (expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)expr)->function->volatility == 'v') ||
              (expr->kind == RDB_EXPR_ARRAY_OP && ((const rdb_expr_array_op *)expr)->function->volatility == 'v');
    return !*found;
}

bool plan_calls_volatile(const rdb_expr *expr)
{
    bool found = false;
    (void)analyse_walk((rdb_expr *)(uintptr_t)expr, 0, see_volatile, &found);
    return found;
}

bool plan_query_calls_volatile(const rdb_query *query)
{
    bool found = false;
    (void)analyse_walk_query(query, 0, see_volatile, &found);
    return found;
}

/* May it be evaluated more than once, or earlier than it stands? */
bool plan_is_free_to_move(const rdb_expr *expr)
{
    bool has_subplan = false;
    (void)see_subplan(&has_subplan, (rdb_expr *)(uintptr_t)expr);
    return !has_subplan && rdb_expr_volatility(expr) != 'v';
}

/* What the arms say of one relation alone, where each of them says something. */
static void restrict_relation(planner *p, const rdb_list *arms, uint32_t arm_count, const rdb_expr *whole, uint32_t range_no, rdb_list *conjuncts)
{
    plan_relids own = relids_none();
    rdb_list said = {0};
    relids_add(&own, range_no);
    for (uint32_t k = 0; k < arm_count; k++) {
        rdb_list kept = {0};
        for (uint32_t i = 0; i < arms[k].count; i++) {
            plan_relids relids = plan_relids_of(arms[k].items[i]);
            if (!relids_empty(relids) && relids_within(relids, own) && plan_is_free_to_move(arms[k].items[i]))
                rdb_list_push(p->arena, &kept, arms[k].items[i]);
        }
        if (kept.count == 0)
            return;
        rdb_list_push(p->arena, &said, plan_bool_of(p, RDB_BOOL_AND, &kept));
    }
    plan_said_part *part = RDB_NEW(p->arena, plan_said_part);
    *part = (plan_said_part){whole, plan_bool_of(p, RDB_BOOL_OR, &said)};
    rdb_list_push(p->arena, &p->said_parts, part);
    rdb_list_push(p->arena, conjuncts, (void *)(uintptr_t)part->part);
}

void plan_split_conjuncts(planner *p, rdb_expr *expr, rdb_list *conjuncts)
{
    if (is_bool(expr, RDB_BOOL_AND)) {
        const rdb_list *arguments = &((rdb_expr_bool *)expr)->arguments;
        for (uint32_t i = 0; i < arguments->count; i++)
            plan_split_conjuncts(p, arguments->items[i], conjuncts);
        return;
    }
    if (expr->kind == RDB_EXPR_CONST && !((rdb_expr_const *)expr)->is_null && ((rdb_expr_const *)expr)->value.b)
        return;
    const rdb_list *sides = is_bool(expr, RDB_BOOL_OR) ? &((rdb_expr_bool *)expr)->arguments : NULL;
    if (sides == NULL || sides->count < 2 || sides->count > 64) {
        rdb_list_push(p->arena, conjuncts, expr);
        return;
    }
    rdb_list *arms = RDB_NEW_ARRAY(p->arena, rdb_list, sides->count), common = {0};
    rdb_expr *rest = NULL;
    for (uint32_t k = 0; k < sides->count; k++)
        conjuncts_of(p, sides->items[k], &arms[k]);
    factor_or(p, arms, sides->count, &common, &rest);
    for (uint32_t i = 0; i < common.count; i++)
        plan_split_conjuncts(p, common.items[i], conjuncts);
    if (rest == NULL)
        return;
    rdb_list_push(p->arena, conjuncts, rest);
    plan_relids all = plan_relids_of(rest);
    uint32_t met = 0;
    for (int w = 0; w < PLAN_RELIDS_WORDS; w++)
        met += (uint32_t)__builtin_popcountll(all.words[w]);
    for (uint32_t range_no = 1; met > 1 && range_no < PLAN_RELIDS_WORDS * 64; range_no++)
        if (relids_has(all, range_no))
            restrict_relation(p, arms, sides->count, rest, range_no, conjuncts);
}
