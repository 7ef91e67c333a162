/* SPDX-License-Identifier: Apache-2.0
 * What is known of an expression's values: of a table's column what ANALYZE found; of a column of a sub-query or WITH item what
 * follows from the query inside it, which is planned already: the figures of the column that it comes from, less the values that
 * its conditions leave out; a constant; members of a UNION by their shares. Whatever is derived lies in the planner's arena. */
#include "sql/plan_int.h"
#include <math.h>
#include <stdlib.h>

const rdb_expr *plan_strip(const rdb_expr *expr)
{
    while (expr->kind == RDB_EXPR_RELABEL)
        expr = ((const rdb_expr_unary *)expr)->argument;
    return expr;
}

/* ---- conditions asked of given values ---------------------------------------------------------------------------------------- */
typedef struct filling {
    rdb_arena *arena;
    const plan_fill *fills;
    uint32_t count;
    bool reads_more; /* something that the values do not settle */
} filling;

static rdb_expr *fill(void *context, rdb_expr *expr)
{
    filling *f = context;
    for (uint32_t i = 0; i < f->count; i++)
        if (rdb_expr_equal(f->fills[i].expr, expr)) {
            rdb_expr_const *value = RDB_NEW(f->arena, rdb_expr_const);
            value->head = *expr;
            value->head.kind = RDB_EXPR_CONST;
            value->value = f->fills[i].value;
            value->is_null = f->fills[i].is_null;
            return &value->head;
        }
    if (expr->kind == RDB_EXPR_VAR || expr->kind == RDB_EXPR_PARAM || expr->kind == RDB_EXPR_SUBPLAN || expr->kind == RDB_EXPR_SUBLINK || expr->kind == RDB_EXPR_AGGREGATE || expr->kind == RDB_EXPR_WINDOW)
        f->reads_more = true;
    return rdb_expr_map_children(f->arena, expr, fill, f);
}

bool plan_value_of(planner *p, const rdb_expr *expr, const plan_fill *fills, uint32_t count, rdb_datum *value, bool *is_null)
{
    rdb_error quiet = {0};
    rdb_expr *result = NULL;
    filling f = {p->arena, fills, count, false};
    rdb_expr *filled = fill(&f, (rdb_expr *)(uintptr_t)expr);
    if (f.reads_more || filled == NULL || rdb_expr_volatility(expr) == 'v')
        return false;
    const bool ok = rdb_expr_fold(p->arena, &p->eval, filled, &result, &quiet) && result->kind == RDB_EXPR_CONST;
    rdb_error_clear(&quiet);
    if (!ok)
        return false;
    *value = ((rdb_expr_const *)result)->value;
    *is_null = ((rdb_expr_const *)result)->is_null;
    return true;
}

plan_answer plan_ask(planner *p, const rdb_expr *clause, const plan_fill *fills, uint32_t count)
{
    rdb_datum value;
    bool is_null = false;
    if (!plan_value_of(p, clause, fills, count, &value, &is_null))
        return PLAN_UNKNOWN;
    return !is_null && value.b ? PLAN_HOLDS : PLAN_FAILS;
}

/* ---- figures from inside a sub-query ----------------------------------------------------------------------------------------- */
/* The relation's conditions that speak of the column alone: of its values those stay for which they hold. */
static void leave_out(plan_level *level, const plan_subject *s, const rdb_expr *column, rdb_statistics *figures)
{
    planner *p = level->p;
    rdb_list quals = {0};
    const plan_fill probe = {.expr = column, .is_null = true};
    for (uint32_t i = 0; i < s->rel->quals.count; i++)
        if (plan_ask(p, s->rel->quals.items[i], &probe, 1) != PLAN_UNKNOWN)
            rdb_list_push(p->arena, &quals, s->rel->quals.items[i]);
    if (quals.count == 0)
        return;
    rdb_datum *values = RDB_NEW_ARRAY(p->arena, rdb_datum, figures->common_count + 1), *bounds = RDB_NEW_ARRAY(p->arena, rdb_datum, figures->bound_count + 1);
    float *fractions = RDB_NEW_ARRAY(p->arena, float, figures->common_count + 1);
    uint32_t common = 0, bound = 0;
    double all = 0, kept = 0;
    for (uint32_t i = 0; i < figures->common_count + figures->bound_count; i++) {
        const bool is_common = i < figures->common_count;
        plan_fill one = {.expr = column, .value = is_common ? figures->common_values[i] : figures->bounds[i - figures->common_count]};
        bool holds = true;
        all += is_common ? (double)figures->common_fractions[i] : 0;
        for (uint32_t k = 0; holds && k < quals.count; k++)
            holds = plan_ask(p, quals.items[k], &one, 1) == PLAN_HOLDS;
        if (holds && is_common) {
            values[common] = one.value;
            fractions[common++] = figures->common_fractions[i];
            kept += (double)figures->common_fractions[i];
        } else if (holds) {
            bounds[bound++] = one.value;
        }
    }
    const double rest = RDB_MAX(0.0, 1 - figures->null_fraction - all) * (figures->bound_count > 0 ? bound / (double)figures->bound_count : 0);
    const double whole = kept + rest;
    if (whole <= 0) { /* values that the figures do not name */
        figures->common_count = figures->bound_count = 0;
        return;
    }
    for (uint32_t i = 0; i < common; i++)
        fractions[i] = (float)((double)fractions[i] / whole);
    if (figures->distinct > 0 && figures->common_count + figures->bound_count > 0)
        figures->distinct = RDB_MAX(1.0, common + RDB_MAX(0.0, figures->distinct - figures->common_count) * (figures->bound_count > 0 ? bound / (double)figures->bound_count : 0));
    figures->null_fraction = 0;
    figures->common_values = values;
    figures->common_fractions = fractions;
    figures->common_count = common;
    figures->bounds = bounds;
    figures->bound_count = bound > 1 ? bound : 0;
}

static const rdb_statistics *figures_inside(const plan_inside *inside, uint32_t position, const rdb_type *type);

/* One member of a set operation, or all that it is made of: added to *sum by its share of the rows. */
typedef struct member_sum {
    planner *p;
    const rdb_type *type;
    double rows;
    rdb_statistics figures;
    rdb_datum *values;
    float *fractions;
    uint32_t room;
    double largest;
    bool is_known;
} member_sum;

static void add_member(member_sum *sum, const plan_level *level, const rdb_set_operation *operation, uint32_t position)
{
    if (operation->range_no == 0) {
        add_member(sum, level, operation->left, position);
        if (operation->kind == RDB_SET_UNION) /* of the others the left side's rows are left */
            add_member(sum, level, operation->right, position);
        return;
    }
    const plan_rel *rel = level->rels[operation->range_no];
    const rdb_statistics *one = rel != NULL && rel->inside != NULL ? figures_inside(rel->inside, position, sum->type) : NULL;
    if (one == NULL) {
        sum->is_known = false;
        return;
    }
    const double rows = RDB_MAX(1.0, rel->built.node->rows);
    rdb_statistics *all = &sum->figures;
    const double distinct = one->distinct < 0 ? -one->distinct * rows : one->distinct;
    all->distinct = RDB_MAX(all->distinct, distinct);
    all->null_fraction += one->null_fraction * rows;
    for (uint32_t i = 0; i < one->common_count; i++) {
        uint32_t at = 0;
        while (at < all->common_count && sum->type->ops->compare(sum->type, sum->type->collation, sum->values[at], one->common_values[i]) != 0)
            at++;
        if (at == sum->room)
            break;
        if (at == all->common_count) {
            sum->values[all->common_count] = one->common_values[i];
            sum->fractions[all->common_count++] = 0;
        }
        sum->fractions[at] += (float)((double)one->common_fractions[i] * rows);
    }
    if (rows > sum->largest) {
        sum->largest = rows;
        all->bounds = one->bounds;
        all->bound_count = one->bound_count;
    }
    sum->rows += rows;
}

static const rdb_statistics *figures_of_members(const plan_inside *inside, uint32_t position, const rdb_type *type)
{
    planner *p = inside->level->p;
    member_sum sum = {.p = p, .type = type, .room = 200, .is_known = type->ops != NULL && type->ops->compare != NULL};
    sum.values = RDB_NEW_ARRAY(p->arena, rdb_datum, sum.room);
    sum.fractions = RDB_NEW_ARRAY(p->arena, float, sum.room);
    if (sum.is_known)
        add_member(&sum, inside->level, inside->level->query->set_operation, position);
    if (!sum.is_known || sum.rows <= 0)
        return NULL;
    rdb_statistics *figures = rdb_arena_memdup(p->arena, &sum.figures, sizeof *figures);
    figures->null_fraction /= sum.rows;
    figures->distinct = RDB_MAX(figures->distinct, (double)figures->common_count);
    for (uint32_t i = 0; i < figures->common_count; i++)
        sum.fractions[i] = (float)((double)sum.fractions[i] / sum.rows);
    for (uint32_t i = 1; i < figures->common_count; i++) /* the commonest first */
        for (uint32_t k = i; k > 0 && sum.fractions[k] > sum.fractions[k - 1]; k--) {
            const rdb_datum value = sum.values[k];
            const float fraction = sum.fractions[k];
            sum.values[k] = sum.values[k - 1];
            sum.fractions[k] = sum.fractions[k - 1];
            sum.values[k - 1] = value;
            sum.fractions[k - 1] = fraction;
        }
    figures->common_values = sum.values;
    figures->common_fractions = sum.fractions;
    return figures;
}

static rdb_statistics *one_value(planner *p, const rdb_expr_const *e)
{
    rdb_statistics *figures = RDB_NEW(p->arena, rdb_statistics);
    figures->distinct = 1;
    figures->null_fraction = e->is_null ? 1 : 0;
    if (!e->is_null) {
        rdb_datum *value = RDB_NEW(p->arena, rdb_datum);
        float *whole = RDB_NEW(p->arena, float);
        *value = e->value;
        *whole = 1;
        figures->common_count = 1;
        figures->common_values = value;
        figures->common_fractions = whole;
    }
    return figures;
}

static bool is_only_group(const rdb_query *query, uint32_t position)
{
    const rdb_list *items = query->group.count > 0 ? &query->group : &query->distinct;
    uint32_t at = 0;
    return (query->group.count == 0 || query->distinct.count == 0) && query->grouping_sets.count == 0 && items->count == 1 &&
           plan_find_target(&query->targets, ((const rdb_sort_item *)items->items[0])->target_ref, &at) != NULL && at == position;
}

static const rdb_statistics *figures_inside(const plan_inside *inside, uint32_t position, const rdb_type *type)
{
    plan_level *level = inside->level;
    planner *p = level->p;
    const rdb_query *query = level->query;
    if (position >= inside->count || query->command != RDB_COMMAND_SELECT || query->grouping_sets.count > 0)
        return NULL;
    if (query->set_operation != NULL)
        return figures_of_members(inside, position, type);
    const rdb_expr *expr = plan_strip(inside->outputs[position]);
    if (expr->type->rep != type->rep)
        return NULL;
    if (expr->kind == RDB_EXPR_CONST)
        return one_value(p, (const rdb_expr_const *)expr);
    const bool is_unique = is_only_group(query, position);
    const plan_subject s = plan_examine(level, expr);
    rdb_statistics *figures = RDB_NEW(p->arena, rdb_statistics);
    bool is_guess = false;
    if (is_unique) {
        figures->distinct = -1;
        return figures;
    }
    if (!s.is_column || s.rel == NULL)
        return NULL;
    if (s.figures != NULL && s.type->ops != NULL && s.type->ops == (type->kind == 'd' && type->base != NULL ? type->base->ops : type->ops))
        *figures = *s.figures;
    else if (s.figures != NULL || s.is_unique)
        *figures = (rdb_statistics){.null_fraction = s.figures != NULL ? s.figures->null_fraction : 0};
    else
        return NULL;
    const double rows = RDB_MAX(1.0, inside->rows);
    figures->distinct = plan_subject_distinct(&s, &is_guess);
    if (is_guess)
        figures->distinct = 0;
    if (figures->common_count + figures->bound_count > 0 && expr->kind == RDB_EXPR_VAR)
        leave_out(level, &s, expr, figures);
    if (figures->distinct > 0) {
        figures->distinct = RDB_MIN(figures->distinct, rows);
        if (s.rel->rows >= 1)
            figures->distinct = RDB_MIN(figures->distinct, s.rel->rows);
    }
    return figures;
}

static const rdb_statistics *derived_figures(plan_level *level, plan_rel *rel, int16_t number)
{
    planner *p = level->p;
    const uint32_t count = rel->range->column_types.count;
    if (rel->inside == NULL || number <= 0 || (uint32_t)number > count || p->depth > RDB_TREE_DEPTH_MAX)
        return NULL;
    if (rel->derived == NULL)
        rel->derived = RDB_NEW_ARRAY(p->arena, plan_derived, count + 1);
    plan_derived *one = &rel->derived[number - 1];
    if (!one->is_known) {
        one->is_known = true;
        one->figures = figures_inside(rel->inside, (uint32_t)number - 1, rel->range->column_types.items[number - 1]);
    }
    return one->figures;
}

/* ---- what an expression is ----------------------------------------------------------------------------------------------- */
static bool is_unique_column(const plan_rel *rel, int16_t attribute_no)
{
    const rdb_relation *relation = rel->range->kind == RDB_RANGE_RELATION ? rel->range->relation : NULL;
    for (uint16_t i = 0; relation != NULL && i < relation->index_count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        if (index->is_unique && index->is_valid && index->predicate_tree == NULL && index->key_count == 1 && index->columns[0].column_number == attribute_no)
            return true;
    }
    return false;
}

static bool find_only_column(void *context, rdb_expr *expr)
{
    const rdb_expr_var **only = context;
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (expr->kind == RDB_EXPR_VAR && (*only == NULL || rdb_expr_equal(&(*only)->head, expr)))
        *only = var;
    else if (expr->kind == RDB_EXPR_VAR)
        return false;
    return rdb_expr_visit_children(expr, find_only_column, context);
}

/* An expression that stands in an index is taken to tell as many rows apart as the column in it does. */
static void examine_indexed(plan_level *level, const rdb_expr *expr, plan_subject *s)
{
    const rdb_expr_var *var = NULL;
    if (expr->kind != RDB_EXPR_FUNCTION || ((const rdb_expr_function *)expr)->operator_oid != 0 || !find_only_column(&var, (rdb_expr *)(uintptr_t)expr) || var == NULL ||
        var->levels_up != 0 || var->range_no > level->range_count || var->attribute_no <= 0)
        return;
    plan_rel *rel = level->rels[var->range_no];
    const rdb_relation *relation = rel != NULL && rel->range->kind == RDB_RANGE_RELATION ? rel->range->relation : NULL;
    const rdb_statistics *figures = relation != NULL && relation->statistics != NULL && var->attribute_no <= relation->column_count ? relation->statistics[var->attribute_no - 1] : NULL;
    for (uint16_t i = 0; figures != NULL && rel->parent == NULL && i < relation->index_count; i++)
        for (uint16_t k = 0; k < relation->indexes[i].key_count && relation->indexes[i].expression_tree != NULL; k++) {
            const rdb_expr *key = plan_index_key(level, rel, i, k);
            if (key != NULL && rdb_expr_equal(plan_strip(key), expr)) {
                s->rel = rel;
                s->is_column = true;
                s->distinct = figures->distinct;
                return;
            }
        }
}

/* An expression that CREATE STATISTICS names. */
static void examine_extended(plan_level *level, const rdb_expr *expr, plan_subject *s)
{
    rdb_list alone = {0};
    if (expr->kind == RDB_EXPR_CONST || expr->kind == RDB_EXPR_PARAM)
        return;
    rdb_list_push(level->p->arena, &alone, (void *)(uintptr_t)expr);
    plan_rel *rel = plan_extended_rel(level, &alone);
    s->figures = rel != NULL ? plan_extended_figures(level, rel, expr) : NULL;
    if (s->figures == NULL)
        return;
    s->rel = rel;
    s->is_column = true;
    while (s->type->kind == 'd' && s->type->base != NULL)
        s->type = s->type->base;
}

plan_subject plan_examine(plan_level *level, const rdb_expr *expr)
{
    plan_subject s = {.type = expr->type, .collation = expr->collation};
    expr = plan_strip(expr);
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (expr->kind != RDB_EXPR_VAR && level->p->has_extended)
        examine_extended(level, expr, &s);
    if (expr->kind != RDB_EXPR_VAR && s.figures == NULL)
        examine_indexed(level, expr, &s);
    if (expr->kind != RDB_EXPR_VAR || var->levels_up != 0 || var->range_no > level->range_count || level->rels[var->range_no] == NULL)
        return s;
    s.rel = level->rels[var->range_no];
    s.is_column = true;
    const rdb_relation *relation = s.rel->range->kind == RDB_RANGE_RELATION ? s.rel->range->relation : NULL;
    if (relation != NULL && var->attribute_no > 0 && var->attribute_no <= relation->column_count) {
        s.is_unique = is_unique_column(s.rel, var->attribute_no);
        s.figures = relation->statistics != NULL ? relation->statistics[var->attribute_no - 1] : NULL;
        s.type = relation->columns[var->attribute_no - 1].type;
    } else if (relation == NULL && s.rel->inside != NULL) {
        s.figures = derived_figures(level, s.rel, var->attribute_no);
        s.type = expr->type;
    }
    while (s.type->kind == 'd' && s.type->base != NULL)
        s.type = s.type->base;
    return s;
}
