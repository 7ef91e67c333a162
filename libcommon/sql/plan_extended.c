/* SPDX-License-Identifier: Apache-2.0
 * What ANALYZE found of several columns together (CREATE STATISTICS), used: the number of groups by several columns, and the rows that
 * several conditions leave when the columns depend on each other. First come the common rows that conditions together hold for, then
 * what follows from what; the formulas are PostgreSQL's ("Multivariate Statistics Examples" in its manual).
 *
 * Nothing here is entered for relations without such statistics. */
#include "sql/plan_append.h"
#include "sql/plan_selectivity.h"
#include "type/rdb_statistics.h"

/* Estimators of operators whose conditions on a part are looked up among the common rows. */
enum { LESS_SEL = 103, GREATER_SEL = 104, LESS_EQUAL_SEL = 336, GREATER_EQUAL_SEL = 337 };

static bool applies(const plan_rel *rel, const rdb_extended_statistics *object)
{
    return object->inherits == (rel->parent == NULL && plan_is_parent(rel->range));
}

/* ---- parts ---------------------------------------------------------------------------------------------------------------------- */
/* The object's expressions as of the relation's range. */
static const rdb_list *expressions_of(plan_level *level, plan_rel *rel, const rdb_extended_statistics *object)
{
    planner *p = level->p;
    const uint32_t object_no = (uint32_t)(object - rel->range->relation->extended);
    if (rel->extended_trees == NULL)
        rel->extended_trees = RDB_NEW_ARRAY(p->arena, rdb_list, rel->range->relation->extended_count);
    rdb_list *list = &rel->extended_trees[object_no];
    if (list->count == 0 && object->expression_tree != NULL) {
        rdb_error quiet = {0}, *outer = p->err;
        rdb_expr *tree = NULL;
        p->err = &quiet; /* an expression that cannot be folded is none that a query has */
        if (plan_read_tree(level, rel, object->expression_tree, &tree) && tree->kind == RDB_EXPR_ROW)
            *list = ((const rdb_expr_row *)tree)->fields;
        p->err = outer;
        rdb_error_clear(&quiet);
    }
    return list;
}

/* The part that an expression is, as a set of one; 0: it is none. */
static uint8_t part_of(plan_level *level, plan_rel *rel, const rdb_extended_statistics *object, const rdb_expr *expr)
{
    expr = plan_strip(expr);
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (expr->kind == RDB_EXPR_VAR) {
        for (uint32_t i = 0; i < object->column_count; i++)
            if (var->range_no == rel->range_no && var->levels_up == 0 && var->attribute_no == object->columns[i])
                return (uint8_t)(1u << i);
        return 0;
    }
    if (object->expression_tree == NULL || expr->kind == RDB_EXPR_CONST || expr->kind == RDB_EXPR_PARAM)
        return 0;
    const rdb_list *expressions = expressions_of(level, rel, object);
    for (uint32_t i = 0; i < expressions->count && object->column_count + i < object->part_count; i++)
        if (rdb_expr_equal(plan_strip(expressions->items[i]), expr))
            return (uint8_t)(1u << (object->column_count + i));
    return 0;
}

static uint32_t estimator_of(plan_level *level, uint32_t operator_oid)
{
    const rdb_operator_entry *entry = NULL;
    rdb_error quiet = {0};
    const bool known = operator_oid != 0 && rdb_operator_get(level->p->access, operator_oid, &entry, &quiet) && entry != NULL;
    rdb_error_clear(&quiet);
    return known ? entry->restrict_oid : 0;
}

static bool reads_columns(const rdb_expr *expr)
{
    return !relids_empty(plan_relids_of(expr)) || rdb_expr_volatility(expr) == 'v';
}

const rdb_statistics *plan_extended_figures(plan_level *level, plan_rel *rel, const rdb_expr *expr)
{
    const rdb_relation *relation = rel->range->relation;
    for (uint32_t i = 0; i < relation->extended_count; i++) {
        const rdb_extended_statistics *object = &relation->extended[i];
        const uint8_t part = applies(rel, object) && object->expressions != NULL ? part_of(level, rel, object, expr) : 0;
        const uint32_t at = part != 0 ? (uint32_t)__builtin_ctz(part) : 0;
        if (part == 0 || at < object->column_count || object->expressions[at - object->column_count] == NULL)
            continue;
        const rdb_type *type = expr->type;
        while (type->kind == 'd' && type->base != NULL)
            type = type->base;
        const uint32_t type_oid = object->expression_types[at - object->column_count];
        if (type_oid == 0 || type_oid == type->oid)
            return object->expressions[at - object->column_count];
    }
    return NULL;
}

/* ---- groups --------------------------------------------------------------------------------------------------------------------- */
bool plan_extended_distinct(plan_level *level, plan_rel *rel, rdb_expr *const *exprs, bool *is_counted, uint32_t count, double *distinct)
{
    const rdb_relation *relation = rel->range->relation;
    const rdb_extended_statistics *best = NULL;
    uint32_t best_columns = 0, best_expressions = 0;
    uint8_t best_parts = 0;
    for (uint32_t i = 0; i < relation->extended_count; i++) {
        const rdb_extended_statistics *object = &relation->extended[i];
        uint8_t parts = 0;
        for (uint32_t k = 0; k < count && applies(rel, object) && object->distinct_count > 0; k++)
            parts |= is_counted[k] ? 0 : part_of(level, rel, object, exprs[k]);
        const uint32_t columns = (uint32_t)__builtin_popcount(parts & ((1u << object->column_count) - 1)), expressions = (uint32_t)__builtin_popcount(parts) - columns;
        if (columns + expressions < 2 || (best != NULL && (expressions < best_expressions || (expressions == best_expressions && columns <= best_columns))))
            continue;
        best = object;
        best_parts = parts;
        best_columns = columns;
        best_expressions = expressions;
    }
    for (uint32_t i = 0; best != NULL && i < best->distinct_count; i++) {
        if (best->distinct[i].parts != best_parts)
            continue;
        for (uint32_t k = 0; k < count; k++)
            is_counted[k] = is_counted[k] || part_of(level, rel, best, exprs[k]) != 0;
        *distinct = best->distinct[i].distinct;
        return true;
    }
    return false;
}

/* ---- common rows ----------------------------------------------------------------------------------------------------------------- */
/* What a condition compares with constants. */
typedef struct clause_parts {
    uint8_t parts;
    const rdb_expr *exprs[RDB_STATISTICS_PARTS_MAX];
} clause_parts;

static bool add_part(plan_level *level, plan_rel *rel, const rdb_extended_statistics *object, const rdb_expr *expr, clause_parts *found)
{
    const uint8_t part = part_of(level, rel, object, expr);
    if (part == 0 || object->common[__builtin_ctz(part)].type_oid == 0)
        return false;
    const rdb_type *type = plan_strip(expr)->type;
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    found->exprs[__builtin_ctz(part)] = plan_strip(expr);
    found->parts |= part;
    return object->common[__builtin_ctz(part)].type_oid == type->oid; /* the column's type may have been changed since */
}

static bool is_looked_up(plan_level *level, uint32_t operator_oid)
{
    switch (estimator_of(level, operator_oid)) {
    case PLAN_EQ_SEL:
    case PLAN_NEQ_SEL:
    case LESS_SEL:
    case LESS_EQUAL_SEL:
    case GREATER_SEL:
    case GREATER_EQUAL_SEL: return true;
    default: return false;
    }
}

/* False: it cannot be asked of the object's common rows. */
static bool find_parts(plan_level *level, plan_rel *rel, const rdb_extended_statistics *object, const rdb_expr *clause, clause_parts *found)
{
    clause = plan_strip(clause);
    switch ((rdb_expr_kind)clause->kind) {
    case RDB_EXPR_FUNCTION: {
        const rdb_expr_function *e = plan_comparison(clause);
        if (e == NULL)
            return clause->type->oid == RDB_BOOLOID && add_part(level, rel, object, clause, found);
        const rdb_expr *left = e->arguments.items[0], *right = e->arguments.items[1];
        const bool left_is_known = plan_strip(left)->kind == RDB_EXPR_CONST, right_is_known = plan_strip(right)->kind == RDB_EXPR_CONST;
        return left_is_known != right_is_known && is_looked_up(level, e->operator_oid) && add_part(level, rel, object, left_is_known ? right : left, found);
    }
    case RDB_EXPR_ARRAY_OP: {
        const rdb_expr_array_op *e = (const rdb_expr_array_op *)clause;
        return plan_strip(e->right)->kind == RDB_EXPR_CONST && is_looked_up(level, e->operator_oid) && add_part(level, rel, object, e->left, found);
    }
    case RDB_EXPR_BOOL: {
        const rdb_expr_bool *e = (const rdb_expr_bool *)clause;
        for (uint32_t i = 0; i < e->arguments.count; i++)
            if (!find_parts(level, rel, object, e->arguments.items[i], found))
                return false;
        return true;
    }
    case RDB_EXPR_NULL_TEST: return add_part(level, rel, object, ((const rdb_expr_null_test *)clause)->argument, found);
    default: return clause->type->oid == RDB_BOOLOID && add_part(level, rel, object, clause, found);
    }
}

/* The parts of an object that a clause reads; 0: it reads others too, or was estimated already. */
static uint8_t common_parts(plan_level *level, plan_rel *rel, const rdb_extended_statistics *object, const rdb_expr *clause, bool is_estimated)
{
    clause_parts found = {0};
    return !is_estimated && find_parts(level, rel, object, clause, &found) ? found.parts : 0;
}

/* The object whose common rows tell of the most parts of the clauses, at least two; of those with as many the one with the fewest parts. */
static const rdb_extended_statistics *best_common(plan_level *level, plan_rel *rel, const rdb_list *clauses, const bool *is_estimated)
{
    const rdb_relation *relation = rel->range->relation;
    const rdb_extended_statistics *best = NULL;
    uint32_t best_matched = 2;
    for (uint32_t i = 0; i < relation->extended_count; i++) {
        const rdb_extended_statistics *object = &relation->extended[i];
        uint8_t parts = 0;
        for (uint32_t k = 0; k < clauses->count && object->common_count > 0 && applies(rel, object); k++)
            parts |= common_parts(level, rel, object, clauses->items[k], is_estimated[k]);
        const uint32_t matched = (uint32_t)__builtin_popcount(parts);
        if (matched > best_matched || (matched == best_matched && (best == NULL || object->part_count < best->part_count))) {
            best = object;
            best_matched = matched;
        }
    }
    return best;
}

/* holds[i]: the clause is true for common row i. */
static void ask_common(plan_level *level, plan_rel *rel, const rdb_extended_statistics *object, const rdb_expr *clause, bool *holds)
{
    clause_parts found = {0};
    plan_fill fills[RDB_STATISTICS_PARTS_MAX];
    if (!find_parts(level, rel, object, clause, &found))
        found.parts = 0;
    for (uint32_t i = 0; i < object->common_count; i++) {
        uint32_t count = 0;
        for (uint32_t k = 0; k < object->part_count; k++)
            if (found.parts & 1u << k)
                fills[count++] = (plan_fill){found.exprs[k], object->common[k].values[i], object->common[k].is_null[i]};
        holds[i] = plan_ask(level->p, clause, fills, count) == PLAN_HOLDS;
    }
}

/* Of common rows for which something holds: their share, and what it would be if the parts were independent. */
typedef struct common_share {
    double share, base, all; /* all: of all common rows */
} common_share;

static common_share sum_common(const rdb_extended_statistics *object, const bool *holds)
{
    common_share sum = {0};
    for (uint32_t i = 0; i < object->common_count; i++) {
        sum.share += holds[i] ? object->common_shares[i] : 0;
        sum.base += holds[i] ? object->common_bases[i] : 0;
        sum.all += object->common_shares[i];
    }
    return sum;
}

/* simple: the share by single columns. Of it that stays which falls on rows that are not common. */
static double combine(double simple, common_share common)
{
    const double others = RDB_MIN(plan_share(simple - common.base), 1 - common.all);
    return plan_share(common.share + others);
}

static double common_and(plan_level *level, plan_rel *rel, const plan_rel *of, const rdb_list *clauses, bool *is_estimated)
{
    planner *p = level->p;
    const rdb_extended_statistics *object = NULL;
    double result = 1;
    while ((object = best_common(level, rel, clauses, is_estimated)) != NULL) {
        rdb_list own = {0};
        bool *holds = RDB_NEW_ARRAY(p->arena, bool, object->common_count + 1), *one = RDB_NEW_ARRAY(p->arena, bool, object->common_count + 1);
        memset(holds, true, object->common_count);
        for (uint32_t k = 0; k < clauses->count; k++) {
            if (common_parts(level, rel, object, clauses->items[k], is_estimated[k]) == 0)
                continue;
            is_estimated[k] = true;
            rdb_list_push(p->arena, &own, clauses->items[k]);
            ask_common(level, rel, object, clauses->items[k], one);
            for (uint32_t i = 0; i < object->common_count; i++)
                holds[i] = holds[i] && one[i];
        }
        result *= combine(plan_selectivity_apart(level, of, &own), sum_common(object, holds));
    }
    return result;
}

double plan_extended_or(plan_level *level, plan_rel *rel, const plan_rel *of, const rdb_list *clauses, bool *is_estimated)
{
    planner *p = level->p;
    const rdb_extended_statistics *object = NULL;
    double result = 0;
    while ((object = best_common(level, rel, clauses, is_estimated)) != NULL) {
        double simple_or = 0, share = 0;
        bool *any = RDB_NEW_ARRAY(p->arena, bool, object->common_count + 1), *one = RDB_NEW_ARRAY(p->arena, bool, object->common_count + 1), *both = RDB_NEW_ARRAY(p->arena, bool, object->common_count + 1);
        for (uint32_t k = 0; k < clauses->count; k++) {
            const uint8_t parts = common_parts(level, rel, object, clauses->items[k], is_estimated[k]);
            if (parts == 0)
                continue;
            rdb_list alone = {0};
            is_estimated[k] = true;
            rdb_list_push(p->arena, &alone, clauses->items[k]);
            ask_common(level, rel, object, clauses->items[k], one);
            for (uint32_t i = 0; i < object->common_count; i++) {
                both[i] = any[i] && one[i];
                any[i] = any[i] || one[i];
            }
            /* what this clause adds: its rows, less those that met one before it */
            const double simple = plan_selectivity_apart(level, of, &alone), simple_both = simple_or * simple;
            const double own = (parts & (parts - 1)) == 0 ? simple : combine(simple, sum_common(object, one));
            simple_or = plan_share(simple_or + simple - simple_both);
            share = plan_share(share + own - combine(simple_both, sum_common(object, both)));
        }
        result += share - result * share;
    }
    return result;
}

/* ---- what follows from what ------------------------------------------------------------------------------------------------------ */
/* The one part of an object that a clause says to equal something known; 0: it says something else. */
static uint8_t equal_part(plan_level *level, plan_rel *rel, const rdb_extended_statistics *object, const rdb_expr *clause)
{
    clause = plan_strip(clause);
    if (clause->kind == RDB_EXPR_FUNCTION && plan_comparison(clause) != NULL) {
        const rdb_expr_function *e = plan_comparison(clause);
        const rdb_expr *left = e->arguments.items[0], *right = e->arguments.items[1];
        const bool left_is_known = !reads_columns(left), right_is_known = !reads_columns(right);
        return left_is_known != right_is_known && estimator_of(level, e->operator_oid) == PLAN_EQ_SEL ? part_of(level, rel, object, left_is_known ? right : left) : 0;
    }
    if (clause->kind == RDB_EXPR_ARRAY_OP) {
        const rdb_expr_array_op *e = (const rdb_expr_array_op *)clause;
        return e->use_or && !reads_columns(e->right) && estimator_of(level, e->operator_oid) == PLAN_EQ_SEL ? part_of(level, rel, object, e->left) : 0;
    }
    if (clause->kind == RDB_EXPR_BOOL) {
        const rdb_expr_bool *e = (const rdb_expr_bool *)clause;
        uint8_t part = 0;
        if (e->bool_kind == RDB_BOOL_AND || (e->bool_kind == RDB_BOOL_NOT && ((const rdb_expr *)e->arguments.items[0])->kind != RDB_EXPR_VAR))
            return 0;
        for (uint32_t i = 0; i < e->arguments.count; i++) {
            const uint8_t one = equal_part(level, rel, object, e->arguments.items[i]);
            if (one == 0 || (part != 0 && one != part))
                return 0;
            part = one;
        }
        return part;
    }
    return clause->type->oid == RDB_BOOLOID ? part_of(level, rel, object, clause) : 0;
}

/* One object's dependencies that clauses make use of, the widest and strongest first. */
typedef struct dependency_use {
    const rdb_parts_dependency *used[RDB_STATISTICS_PARTS_MAX];
    uint32_t count;
} dependency_use;

static const rdb_parts_dependency *strongest(const rdb_extended_statistics *object, uint8_t parts)
{
    const rdb_parts_dependency *best = NULL;
    for (uint32_t i = 0; i < object->dependency_count; i++) {
        const rdb_parts_dependency *one = &object->dependencies[i];
        const int width = __builtin_popcount(one->from), best_width = best != NULL ? __builtin_popcount(best->from) : 0;
        if (((one->from | one->to) & ~parts) == 0 && (best == NULL || width > best_width || (width == best_width && one->degree >= best->degree)))
            best = one;
    }
    return best;
}

/* The object that has the widest and strongest dependency between parts of the clauses. */
static const rdb_extended_statistics *best_dependencies(plan_level *level, plan_rel *rel, const rdb_list *clauses, const bool *is_estimated)
{
    const rdb_relation *relation = rel->range->relation;
    const rdb_extended_statistics *best = NULL;
    const rdb_parts_dependency *best_one = NULL;
    for (uint32_t i = 0; i < relation->extended_count; i++) {
        const rdb_extended_statistics *object = &relation->extended[i];
        uint8_t parts = 0;
        for (uint32_t k = 0; k < clauses->count && object->dependency_count > 0 && applies(rel, object); k++)
            parts |= is_estimated[k] ? 0 : equal_part(level, rel, object, clauses->items[k]);
        const rdb_parts_dependency *one = strongest(object, parts);
        if (one == NULL)
            continue;
        const int width = __builtin_popcount(one->from), best_width = best_one != NULL ? __builtin_popcount(best_one->from) : 0;
        if (best_one == NULL || width > best_width || (width == best_width && one->degree > best_one->degree)) {
            best = object;
            best_one = one;
        }
    }
    return best;
}

static double dependent_and(plan_level *level, plan_rel *rel, const plan_rel *of, const rdb_list *clauses, bool *is_estimated)
{
    planner *p = level->p;
    const rdb_extended_statistics *object = NULL;
    double result = 1;
    while ((object = best_dependencies(level, rel, clauses, is_estimated)) != NULL) {
        dependency_use use = {.count = 0};
        double shares[RDB_STATISTICS_PARTS_MAX];
        uint8_t parts = 0, told = 0;
        for (uint32_t k = 0; k < clauses->count; k++)
            parts |= is_estimated[k] ? 0 : equal_part(level, rel, object, clauses->items[k]);
        for (const rdb_parts_dependency *one; (one = strongest(object, parts)) != NULL; parts &= (uint8_t)~one->to) { /* what follows is not asked again */
            use.used[use.count++] = one;
            told |= one->from | one->to;
        }
        for (uint32_t part = 0; part < object->part_count; part++) {
            rdb_list own = {0};
            for (uint32_t k = 0; k < clauses->count && told & 1u << part; k++) {
                if (is_estimated[k] || equal_part(level, rel, object, clauses->items[k]) != 1u << part)
                    continue;
                is_estimated[k] = true;
                rdb_list_push(p->arena, &own, clauses->items[k]);
            }
            shares[part] = own.count > 0 ? plan_selectivity_apart(level, of, &own) : 1;
        }
        /* P(to | from), the weakest dependency first: so of a chain the end comes before its beginning */
        for (uint32_t i = use.count; i-- > 0;) {
            const rdb_parts_dependency *one = use.used[i];
            const uint32_t to = (uint32_t)__builtin_ctz(one->to);
            double from = 1;
            for (uint32_t part = 0; part < object->part_count; part++)
                from *= one->from & 1u << part ? shares[part] : 1;
            shares[to] = from <= shares[to] ? one->degree + (1 - one->degree) * shares[to] : one->degree * shares[to] / from + (1 - one->degree) * shares[to];
        }
        for (uint32_t part = 0; part < object->part_count; part++)
            result *= shares[part];
    }
    return plan_share(result);
}

double plan_extended_and(plan_level *level, plan_rel *rel, const plan_rel *of, const rdb_list *clauses, bool *is_estimated)
{
    const double common = common_and(level, rel, of, clauses, is_estimated);
    return common * dependent_and(level, rel, of, clauses, is_estimated);
}

/* The one relation of all clauses, where something is known of its columns together; NULL. */
plan_rel *plan_extended_rel(plan_level *level, const rdb_list *clauses)
{
    plan_relids ids = relids_none();
    plan_rel *rel = NULL;
    for (uint32_t i = 0; i < clauses->count; i++)
        ids = relids_union(ids, plan_relids_of(clauses->items[i]));
    for (uint32_t no = 1; no <= level->range_count; no++) {
        if (!relids_has(ids, no))
            continue;
        if (rel != NULL)
            return NULL;
        rel = level->rels[no];
        if (rel == NULL || rel->range->kind != RDB_RANGE_RELATION || rel->range->relation->extended_count == 0)
            return NULL;
    }
    return rel;
}
