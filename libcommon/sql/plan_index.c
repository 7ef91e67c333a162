/* SPDX-License-Identifier: Apache-2.0
 * Indexes on expressions and on a part of a table. An expression of a query is a key column where it is the same tree; a partial
 * index serves where the query's conditions leave no row that it leaves out. */
#include "sql/plan_int.h"

/* ---- trees of an index, for one range ------------------------------------------------------------------------------------ */
typedef struct renumberer {
    plan_level *level;
    plan_rel *rel;
} renumberer;

static rdb_expr *renumber(void *context, rdb_expr *expr)
{
    renumberer *r = context;
    if (expr->kind != RDB_EXPR_VAR)
        return rdb_expr_map_children(r->level->p->arena, expr, renumber, r);
    rdb_expr_var *var = rdb_arena_memdup(r->level->p->arena, expr, sizeof *var);
    var->range_no = r->rel->range_no;
    var->range = r->rel->range;
    return &var->head;
}

static bool read_tree(plan_level *level, plan_rel *rel, const char *text, rdb_expr **expr)
{
    planner *p = level->p;
    renumberer r = {level, rel};
    rdb_expr *read = NULL;
    *expr = NULL;
    if (!rdb_tree_read_expr(p->arena, p->access, text, &read, p->err))
        return false;
    read = renumber(&r, read);
    return read != NULL && rdb_expr_fold(p->arena, &p->eval, read, expr, p->err);
}

bool plan_index_trees(plan_level *level, plan_rel *rel, uint16_t index_no, const plan_index **trees)
{
    planner *p = level->p;
    const rdb_relation *relation = rel->range->relation;
    const rdb_relation_index *index = &relation->indexes[index_no];
    if (rel->index_trees == NULL)
        rel->index_trees = RDB_NEW_ARRAY(p->arena, plan_index, relation->index_count);
    plan_index *own = &rel->index_trees[index_no];
    *trees = own;
    if (own->is_read)
        return true;
    rdb_expr *tree = NULL;
    own->is_read = true;
    if (index->expression_tree != NULL) {
        if (!read_tree(level, rel, index->expression_tree, &tree))
            return false;
        if (tree->kind == RDB_EXPR_ROW) /* a list of expressions is kept as the fields of a row */
            own->expressions = ((rdb_expr_row *)tree)->fields;
        else
            rdb_list_push(p->arena, &own->expressions, tree);
    }
    if (index->predicate_tree == NULL)
        return true;
    if (!read_tree(level, rel, index->predicate_tree, &tree))
        return false;
    plan_split_conjuncts(p, tree, &own->predicate);
    return true;
}

const rdb_expr *plan_index_key(plan_level *level, plan_rel *rel, uint16_t index_no, uint16_t column_no)
{
    const rdb_relation_index *index = &rel->range->relation->indexes[index_no];
    const plan_index *trees = NULL;
    uint32_t at = 0;
    if (index->columns[column_no].column_number != 0 || !plan_index_trees(level, rel, index_no, &trees))
        return NULL;
    for (uint16_t k = 0; k < column_no; k++)
        at += index->columns[k].column_number == 0;
    return at < trees->expressions.count ? trees->expressions.items[at] : NULL;
}

/* ---- what follows from a condition --------------------------------------------------------------------------------------------- */
typedef struct comparison { /* expr <strategy> constant */
    const rdb_expr *expr;
    const rdb_expr_const *constant;
    uint16_t strategy;
    uint32_t collation;
} comparison;

static bool read_comparison(planner *p, const rdb_expr *clause, comparison *c)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    uint32_t family = 0;
    rdb_error quiet = {0};
    if (clause->kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2)
        return false;
    bool ok = rdb_opclass_strategy(p->access, e->operator_oid, &c->strategy, &family, &quiet) && c->strategy != 0;
    rdb_error_clear(&quiet);
    const rdb_expr *left = e->arguments.items[0], *right = e->arguments.items[1];
    if (!ok || (left->kind == RDB_EXPR_CONST) == (right->kind == RDB_EXPR_CONST))
        return false;
    const bool swapped = left->kind == RDB_EXPR_CONST;
    c->expr = swapped ? right : left;
    c->constant = (const rdb_expr_const *)(swapped ? left : right);
    c->collation = e->input_collation;
    if (swapped)
        c->strategy = (uint16_t)(6 - c->strategy);
    return !c->constant->is_null;
}

/* a < 3 implies a < 5: one bound lies within the other. */
static bool bound_implies(planner *p, const rdb_expr *clause, const rdb_expr *wanted)
{
    comparison have, want;
    if (!read_comparison(p, clause, &have) || !read_comparison(p, wanted, &want) || !rdb_expr_equal(have.expr, want.expr) || have.constant->head.type->oid != want.constant->head.type->oid ||
        have.collation != want.collation)
        return false;
    const rdb_type *type = have.constant->head.type;
    if (type->ops == NULL || type->ops->compare == NULL)
        return false;
    const int order = type->ops->compare(type, have.collation, have.constant->value, want.constant->value);
    switch (want.strategy) {
    case 1: return have.strategy <= 3 && (have.strategy == 1 ? order <= 0 : order < 0);
    case 2: return have.strategy <= 3 && order <= 0;
    case 3: return have.strategy == 3 && order == 0;
    case 4: return have.strategy >= 3 && order >= 0;
    default: return have.strategy >= 3 && (have.strategy == 5 ? order >= 0 : order > 0);
    }
}

/* x = 1, x < y and the like are true of no null. */
static bool rejects_null(const rdb_expr *clause, const rdb_expr *argument)
{
    if (clause->kind == RDB_EXPR_RELABEL)
        clause = ((const rdb_expr_unary *)clause)->argument;
    if (rdb_expr_equal(clause, argument))
        return true;
    if (clause->kind == RDB_EXPR_ARRAY_OP)
        return ((const rdb_expr_array_op *)clause)->use_or && ((const rdb_expr_array_op *)clause)->function->is_strict && rejects_null(((const rdb_expr_array_op *)clause)->left, argument);
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    if (clause->kind != RDB_EXPR_FUNCTION || !e->function->is_strict || e->returns_set)
        return false;
    for (uint32_t i = 0; i < e->arguments.count; i++)
        if (rejects_null(e->arguments.items[i], argument))
            return true;
    return false;
}

static bool implies(planner *p, const rdb_expr *clause, const rdb_expr *wanted)
{
    const rdb_expr_null_test *test = (const rdb_expr_null_test *)wanted;
    if (rdb_expr_equal(clause, wanted) || bound_implies(p, clause, wanted))
        return true;
    if (wanted->kind == RDB_EXPR_NULL_TEST && test->is_not && !test->argument_is_row)
        return rejects_null(clause, test->argument);
    const rdb_expr_bool *any = (const rdb_expr_bool *)wanted;
    for (uint32_t i = 0; wanted->kind == RDB_EXPR_BOOL && any->bool_kind == RDB_BOOL_OR && i < any->arguments.count; i++)
        if (implies(p, clause, any->arguments.items[i]))
            return true;
    return false;
}

bool plan_implies_predicate(plan_level *level, const rdb_list *clauses, const plan_index *trees)
{
    for (uint32_t i = 0; i < trees->predicate.count; i++) {
        bool is_met = false;
        for (uint32_t k = 0; k < clauses->count && !is_met; k++)
            is_met = rdb_expr_volatility(clauses->items[k]) != 'v' && implies(level->p, clauses->items[k], trees->predicate.items[i]);
        if (!is_met)
            return false;
    }
    return true;
}
