/* SPDX-License-Identifier: Apache-2.0
 * ON CONFLICT: which unique indexes the written columns, expressions and predicate mean, and what DO UPDATE sets. */
#include "sql/analyse_int.h"
#include "sql/proof.h"

/* ---- which index is meant ---------------------------------------------------------------------------------------------------- */
typedef struct inference {
    int16_t *numbers;          /* columns named */
    uint32_t number_count;
    rdb_list expressions;      /* rdb_expr *, over the table */
    rdb_list conditions;       /* the predicate's, AND'ed */
    const uint32_t *collations, *classes; /* by element, 0: not written */
} inference;

static void split_and(rdb_arena *arena, rdb_expr *expr, rdb_list *parts)
{
    if (expr->kind != RDB_EXPR_BOOL || ((rdb_expr_bool *)expr)->bool_kind != RDB_BOOL_AND) {
        rdb_list_push(arena, parts, expr);
        return;
    }
    const rdb_list *arguments = &((rdb_expr_bool *)expr)->arguments;
    for (uint32_t at = 0; at < arguments->count; at++)
        split_and(arena, arguments->items[at], parts);
}

static bool is_among(const rdb_list *exprs, const rdb_expr *expr)
{
    for (uint32_t at = 0; at < exprs->count; at++)
        if (rdb_expr_equal(exprs->items[at], expr))
            return true;
    return false;
}

/* Is the index's predicate true wherever the written one is? */
static bool is_implied(analyse_state *state, const rdb_list *conditions, rdb_expr *predicate)
{
    rdb_list parts = {0};
    split_and(analyse_arena(state), predicate, &parts);
    const proof prover = {.arena = analyse_arena(state), .access = state->analysis->access};
    for (uint32_t at = 0; at < parts.count; at++)
        if (!proof_implied_by_any(&prover, conditions, parts.items[at]))
            return false;
    return true;
}

static bool fold_in_place(analyse_state *state, rdb_expr **expr, rdb_error *err)
{
    const rdb_analysis *analysis = state->analysis;
    rdb_eval eval = {.access = analysis->access, .format = analysis->format == NULL ? rdb_format_default() : analysis->format};
    return rdb_expr_fold(analyse_arena(state), &eval, *expr, expr, err);
}

static bool index_matches(analyse_state *state, const rdb_relation_index *index, const inference *wanted, bool *matches, rdb_error *err)
{
    *matches = false;
    if (!index->is_unique || !index->is_valid) /* one that is deferrable is refused when it is asked */
        return true;
    bool *is_used = RDB_NEW_ARRAY(analyse_arena(state), bool, wanted->number_count + 1);
    uint32_t expression_count = 0;
    for (uint16_t k = 0; k < index->key_count; k++) {
        bool found = index->columns[k].column_number == 0;
        expression_count += found;
        for (uint32_t i = 0; i < wanted->number_count; i++)
            if (index->columns[k].column_number == wanted->numbers[i] && (wanted->collations[i] == 0 || wanted->collations[i] == index->columns[k].collation) &&
                (wanted->classes[i] == 0 || wanted->classes[i] == index->columns[k].opclass_oid))
                found = is_used[i] = true;
        if (!found)
            return true;
    }
    for (uint32_t i = 0; i < wanted->number_count; i++)
        if (!is_used[i])
            return true;
    rdb_list expressions = {0};
    if (expression_count > 0) {
        rdb_expr *tree = NULL;
        if (!rdb_tree_read_expr(analyse_arena(state), state->analysis->access, index->expression_tree, &tree, err))
            return false;
        if (tree->kind == RDB_EXPR_ROW)
            expressions = ((rdb_expr_row *)tree)->fields;
        else
            rdb_list_push(analyse_arena(state), &expressions, tree);
        for (uint32_t at = 0; at < expressions.count; at++)
            if (!fold_in_place(state, (rdb_expr **)&expressions.items[at], err))
                return false;
    }
    for (uint32_t at = 0; at < expressions.count; at++)
        if (!is_among(&wanted->expressions, expressions.items[at]))
            return true;
    for (uint32_t at = 0; at < wanted->expressions.count; at++)
        if (!is_among(&expressions, wanted->expressions.items[at]))
            return true;
    if (index->predicate_tree != NULL) {
        rdb_expr *predicate = NULL;
        if (!rdb_tree_read_expr(analyse_arena(state), state->analysis->access, index->predicate_tree, &predicate, err) || !fold_in_place(state, &predicate, err))
            return false;
        *matches = is_implied(state, &wanted->conditions, predicate);
        return true;
    }
    *matches = true;
    return true;
}

/* One element: a column or an expression of the table, which alone is seen. */
static bool read_element(analyse_state *state, const rdb_ast_index_elem *element, int32_t location, rdb_on_conflict *clause, rdb_error *err)
{
    rdb_ast_column column = {.node = {RDB_AST_COLUMN, location}};
    const char *names[1] = {element->name};
    rdb_conflict_element *made = RDB_NEW(analyse_arena(state), rdb_conflict_element);
    column.names = (rdb_ast_names){names, 1};
    if (element->direction != RDB_SQL_SORT_DEFAULT)
        return analyse_error(state, location, err, RDB_INVALID_COLUMN_REFERENCE, "ASC/DESC is not allowed in ON CONFLICT clause");
    if (element->nulls != RDB_SQL_NULLS_DEFAULT)
        return analyse_error(state, location, err, RDB_INVALID_COLUMN_REFERENCE, "NULLS FIRST/LAST is not allowed in ON CONFLICT clause");
    if (element->collation.count > 0 && !analyse_find_collation(state, &element->collation, location, &made->collation, err))
        return false;
    made->class_name = element->opclass.count > 0 ? element->opclass.items[element->opclass.count - 1] : NULL;
    rdb_list_push(analyse_arena(state), &clause->elements, made);
    return analyse_expr(state, element->name != NULL ? &column.node : element->expr, ANALYSE_INDEX_EXPRESSION, &made->expr, err) &&
           analyse_assign_collations(state, made->expr, err);
}

/* What is written of the index; which one it is follows once it is known what table is written to. */
static bool read_inference(analyse_state *state, const rdb_ast_infer *infer, analyse_item *table, rdb_on_conflict *clause, rdb_error *err)
{
    const rdb_relation *relation = table->range->relation;
    if (infer->constraint != NULL) {
        for (uint16_t i = 0; i < relation->constraint_count; i++)
            if (strcmp(relation->constraints[i].name, infer->constraint) == 0 && relation->constraints[i].index_oid != 0) {
                if (relation->constraints[i].is_deferrable)
                    return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE,
                                         "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters");
                clause->constraint_oid = relation->constraints[i].oid;
                return true;
            }
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist", infer->constraint, relation->name);
    }
    rdb_list kept = state->items;
    state->items = (rdb_list){0};
    bool ok = analyse_push_item(state, table, true, true, err);
    for (uint32_t at = 0; ok && at < infer->elements.count; at++)
        ok = read_element(state, infer->elements.items[at], infer->node.location, clause, err);
    ok = ok && analyse_where(state, infer->where, ANALYSE_INDEX_PREDICATE, "WHERE", &clause->element_where, err) &&
         (clause->element_where == NULL || analyse_assign_collations(state, clause->element_where, err));
    state->items = kept;
    return ok;
}

static bool name_first(void *context, const rdb_expr *node, uint32_t levels)
{
    rdb_expr_var *var = (rdb_expr_var *)(uintptr_t)node;
    if (node->kind == RDB_EXPR_VAR && var->levels_up == levels && var->range_no == *(const uint32_t *)context)
        var->range_no = 1;
    return true;
}

/* As indexes store expressions: folded, over range 1. */
static bool as_stored(analyse_state *state, const rdb_query *query, const rdb_expr *written, rdb_expr **stored, rdb_error *err)
{
    if (!rdb_tree_copy_expr(analyse_arena(state), written, stored, err))
        return false;
    (void)analyse_walk(*stored, 0, name_first, (void *)(uintptr_t)&query->result_range_no);
    return fold_in_place(state, stored, err);
}

bool analyse_infer_arbiters(rdb_analysis *analysis, rdb_query *query, rdb_error *err)
{
    rdb_on_conflict *clause = query->on_conflict;
    analyse_state state = {.analysis = analysis, .query = query};
    inference wanted = {0};
    if (clause == NULL || clause->elements.count == 0)
        return true;
    const rdb_relation *relation = ((const rdb_range *)query->ranges.items[query->result_range_no - 1])->relation;
    uint32_t *collations = RDB_NEW_ARRAY(analysis->arena, uint32_t, clause->elements.count + 1);
    wanted.numbers = RDB_NEW_ARRAY(analysis->arena, int16_t, clause->elements.count + 1);
    uint32_t *classes = RDB_NEW_ARRAY(analysis->arena, uint32_t, clause->elements.count + 1);
    wanted.collations = collations;
    wanted.classes = classes;
    clause->arbiter_indexes = (rdb_list){0};
    for (uint32_t at = 0; at < clause->elements.count; at++) {
        const rdb_conflict_element *element = clause->elements.items[at];
        rdb_expr *expr = element->expr;
        while (expr->kind == RDB_EXPR_RELABEL && ((const rdb_expr_unary *)expr)->form == RDB_FORM_IMPLICIT_CAST) /* a view's column */
            expr = ((rdb_expr_unary *)expr)->argument;
        if (expr->kind == RDB_EXPR_VAR && ((rdb_expr_var *)expr)->attribute_no > 0) {
            collations[wanted.number_count] = element->collation;
            if (element->class_name != NULL && !rdb_opclass_find(analysis->access, NULL, element->class_name, &classes[wanted.number_count], err))
                return false;
            wanted.numbers[wanted.number_count++] = ((rdb_expr_var *)expr)->attribute_no;
            continue;
        }
        if (!as_stored(&state, query, expr, &expr, err))
            return false;
        rdb_list_push(analysis->arena, &wanted.expressions, expr);
    }
    if (clause->element_where != NULL) {
        rdb_expr *predicate = NULL;
        if (!as_stored(&state, query, clause->element_where, &predicate, err))
            return false;
        split_and(analysis->arena, predicate, &wanted.conditions);
    }
    for (int pass = 0; pass < 2; pass++) /* an index on the whole table first: it catches every conflict that a partial one does */
        for (uint16_t i = 0; i < relation->index_count; i++) {
            bool matches = false;
            if ((relation->indexes[i].predicate_tree != NULL) != (pass == 1))
                continue;
            if (!index_matches(&state, &relation->indexes[i], &wanted, &matches, err))
                return false;
            if (matches)
                rdb_list_push(analysis->arena, &clause->arbiter_indexes, (void *)(uintptr_t)relation->indexes[i].oid);
        }
    return clause->arbiter_indexes.count > 0 ||
           rdb_error_set(err, RDB_INVALID_COLUMN_REFERENCE, "there is no unique or exclusion constraint matching the ON CONFLICT specification");
}

/* ---- the clause ------------------------------------------------------------------------------------------------------------------ */
bool analyse_on_conflict(analyse_state *state, const rdb_ast_on_conflict *raw, analyse_item *table, rdb_error *err)
{
    const rdb_relation *relation = table->range->relation;
    rdb_on_conflict *clause = RDB_NEW(analyse_arena(state), rdb_on_conflict);
    state->query->on_conflict = clause;
    clause->action = raw->action == RDB_SQL_ON_CONFLICT_UPDATE ? 2 : 1;
    if (raw->infer != NULL && !read_inference(state, raw->infer, table, clause, err))
        return false;
    if (clause->action == 1)
        return true;
    if (raw->infer == NULL) {
        analyse_error(state, raw->node.location, err, RDB_SYNTAX_ERROR, "ON CONFLICT DO UPDATE requires inference specification or constraint name");
        return rdb_error_hint(err, "For example, ON CONFLICT (column_name).");
    }
    analyse_item *excluded = analyse_add_relation(state, relation, "excluded", NULL, RDB_LOCK_NONE, false);
    clause->excluded_range_no = excluded->range_no;
    rdb_list kept = state->items;
    state->items = (rdb_list){0};
    for (uint32_t at = 0; at < kept.count; at++) /* old and new, in a rule */
        rdb_list_push(analyse_arena(state), &state->items, kept.items[at]);
    table->range->required_privileges |= ANALYSE_ACL_UPDATE;
    bool ok = analyse_push_item(state, table, true, true, err) && analyse_push_item(state, excluded, true, true, err) &&
              analyse_set(state, &raw->targets, table, &clause->set_targets, err) &&
              analyse_where(state, raw->where, ANALYSE_WHERE, "WHERE", &clause->where, err);
    state->items = kept;
    return ok;
}
