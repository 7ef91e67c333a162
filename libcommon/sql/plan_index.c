/* SPDX-License-Identifier: Apache-2.0
 * Indexes on expressions and on a part of a table. An expression of a query is a key column where it is the same tree; a partial
 * index serves where the query's conditions leave no row that it leaves out. */
#include "sql/plan_int.h"
#include "sql/proof.h"

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

rdb_expr *plan_own_tree(plan_level *level, plan_rel *rel, rdb_expr *expr)
{
    renumberer r = {level, rel};
    rdb_expr *own = renumber(&r, expr), *folded = NULL;
    return own != NULL && rdb_expr_fold(level->p->arena, &level->p->eval, own, &folded, level->p->err) ? folded : NULL;
}

bool plan_read_tree(plan_level *level, plan_rel *rel, const char *text, rdb_expr **expr)
{
    planner *p = level->p;
    rdb_expr *read = NULL;
    *expr = NULL;
    if (!rdb_tree_read_expr(p->arena, p->access, text, &read, p->err))
        return false;
    *expr = plan_own_tree(level, rel, read);
    return *expr != NULL;
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
        if (!plan_read_tree(level, rel, index->expression_tree, &tree))
            return false;
        if (tree->kind == RDB_EXPR_ROW) /* a list of expressions is kept as the fields of a row */
            own->expressions = ((rdb_expr_row *)tree)->fields;
        else
            rdb_list_push(p->arena, &own->expressions, tree);
    }
    if (index->predicate_tree == NULL)
        return true;
    if (!plan_read_tree(level, rel, index->predicate_tree, &tree))
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

/* ---- partial indexes ---------------------------------------------------------------------------------------------------------- */
bool plan_predicate_implies(plan_level *level, const rdb_expr *clause, const plan_index *trees)
{
    const proof prover = {.arena = level->p->arena, .access = level->p->access};
    return trees->predicate.count > 0 && level->p->plan->command == RDB_COMMAND_SELECT && level->query->row_marks.count == 0 && rdb_expr_volatility(clause) == 'i' &&
           proof_implied_by_any(&prover, &trees->predicate, clause);
}

bool plan_implies_predicate(plan_level *level, const rdb_list *clauses, const plan_index *trees)
{
    const proof prover = {.arena = level->p->arena, .access = level->p->access};
    rdb_list steady = {0};
    for (uint32_t i = 0; i < clauses->count; i++)
        if (rdb_expr_volatility(clauses->items[i]) != 'v')
            rdb_list_push(level->p->arena, &steady, clauses->items[i]);
    for (uint32_t i = 0; i < trees->predicate.count; i++)
        if (!proof_implied_by_any(&prover, &steady, trees->predicate.items[i]))
            return false;
    return true;
}

bool plan_index_counts(planner *p, const rdb_relation_index *index)
{
    const rdb_scn since = index->index.valid_from_scn;
    if (!index->is_valid)
        return false;
    if (since > p->oldest_scn) {
        p->plan->passed_scn = p->plan->passed_scn == 0 ? since : RDB_MIN(p->plan->passed_scn, since);
        return false;
    }
    p->plan->index_scn = RDB_MAX(p->plan->index_scn, since);
    return true;
}

bool rdb_plan_fits_snapshot(const rdb_plan *plan, const rdb_txn *txn)
{
    if (RDB_LIKELY((plan->index_scn | plan->passed_scn) == 0))
        return true;
    const rdb_scn oldest = rdb_txn_own_oldest(txn);
    return plan->index_scn <= oldest && (plan->passed_scn == 0 || plan->passed_scn > oldest);
}

void rdb_plan_ask_snapshot(const rdb_plan *plan, rdb_txn *txn)
{
    rdb_scn newest = plan->index_scn;
    for (uint32_t i = 0; i < plan->relations.count; i++)
        newest = RDB_MAX(newest, ((const rdb_relation *)plan->relations.items[i])->table.data_since_scn);
    if (newest > rdb_txn_visible_scn(rdb_txn_manager_of(txn)))
        rdb_txn_join_recorded(txn);
}
