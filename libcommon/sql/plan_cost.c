/* SPDX-License-Identifier: Apache-2.0
 * Which conditions an index can use, and what reading through it costs. */
#include "sql/plan_int.h"
#include <math.h>

/* Wraps *expr in the implicit cast to type; false, with nothing changed, where there is none. */
bool plan_cast_to(planner *p, rdb_expr **expr, const rdb_type *type)
{
    const rdb_cast_entry *cast = NULL;
    rdb_error quiet = {0};
    rdb_expr *source = *expr, *result = NULL;
    if (source->type->oid == type->oid)
        return true;
    if (rdb_cast_find(p->access, source->type->oid, type->oid, &cast, &quiet) && cast != NULL && cast->context == 'i') {
        if (cast->method == 'b' && source->type->rep == type->rep) {
            rdb_expr_unary *label = RDB_NEW(p->arena, rdb_expr_unary);
            label->head = (rdb_expr){.kind = RDB_EXPR_RELABEL, .location = -1, .type = type, .typmod = -1, .collation = source->collation};
            label->argument = source;
            label->form = RDB_FORM_IMPLICIT_CAST;
            result = &label->head;
        } else if (cast->method == 'f') {
            const rdb_function *function = NULL;
            if (rdb_function_get(p->access, cast->function_oid, &function, &quiet) && function != NULL && function->argument_count == 1) {
                rdb_expr_function *call = RDB_NEW(p->arena, rdb_expr_function);
                call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = type, .typmod = -1, .collation = type->collation};
                call->function = function;
                call->form = RDB_FORM_IMPLICIT_CAST;
                rdb_list_push(p->arena, &call->arguments, source);
                if (!rdb_expr_fold(p->arena, &p->eval, &call->head, &result, &quiet))
                    result = NULL;
            }
        }
    }
    rdb_error_clear(&quiet);
    if (result == NULL)
        return false;
    *expr = result;
    return true;
}

static const rdb_expr *strip(const rdb_expr *expr)
{
    while (expr->kind == RDB_EXPR_RELABEL)
        expr = ((const rdb_expr_unary *)expr)->argument;
    return expr;
}

/* The relation and column that an expression is, or NULL. */
static plan_rel *column_of(plan_level *level, const rdb_expr *expr, int16_t *attribute_no)
{
    expr = strip(expr);
    if (expr->kind != RDB_EXPR_VAR || ((const rdb_expr_var *)expr)->levels_up != 0)
        return NULL;
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    *attribute_no = var->attribute_no;
    return var->range_no <= level->range_count ? level->rels[var->range_no] : NULL;
}

/* ---- indexes --------------------------------------------------------------------------------------------------------------------- */
static bool same_family(planner *p, const rdb_type *type, uint32_t family)
{
    uint32_t operator_oid = 0, own = 0;
    uint16_t strategy = 0;
    rdb_error quiet = {0};
    bool ok = rdb_opclass_operator(p->access, type->oid, type->oid, 3, &operator_oid, &quiet) && operator_oid != 0 && rdb_opclass_strategy(p->access, operator_oid, &strategy, &own, &quiet);
    rdb_error_clear(&quiet);
    if (!ok && type->oid == RDB_VARCHAROID) /* lives by the operators of text */
        ok = rdb_opclass_operator(p->access, RDB_TEXTOID, RDB_TEXTOID, 3, &operator_oid, &quiet) && rdb_opclass_strategy(p->access, operator_oid, &strategy, &own, &quiet);
    rdb_error_clear(&quiet);
    return ok && own == family;
}

static bool is_equality(planner *p, uint32_t operator_oid, const rdb_type *type)
{
    uint16_t strategy = 0;
    uint32_t family = 0;
    rdb_error quiet = {0};
    bool ok = rdb_opclass_strategy(p->access, operator_oid, &strategy, &family, &quiet) && strategy == 3 && same_family(p, type, family);
    rdb_error_clear(&quiet);
    return ok;
}

/* Is the expression this key column of the index? */
static bool is_key(plan_level *level, plan_rel *rel, uint16_t index_no, uint16_t column_no, const rdb_expr *expr)
{
    const int16_t number = rel->range->relation->indexes[index_no].columns[column_no].column_number;
    int16_t attribute_no = 0;
    if (number != 0)
        return column_of(level, expr, &attribute_no) == rel && attribute_no == number;
    const rdb_expr *key = plan_index_key(level, rel, index_no, column_no);
    return key != NULL && rdb_expr_equal(strip(key), strip(expr));
}

static bool is_order_key(plan_level *level, plan_rel *rel, uint16_t index_no, uint16_t column_no, const plan_order *order)
{
    const rdb_index_column *column = &rel->range->relation->indexes[index_no].columns[column_no];
    if (order->expr == NULL)
        return column->column_number == order->attribute_no && rdb_collation_same_order(column->collation, order->collation);
    return is_key(level, rel, index_no, column_no, order->expr) && rdb_collation_same_order(column->collation, order->expr->collation);
}

/* column IN (...), column = ANY (array): elements of the column's own type, known before the scan begins. */
static bool match_any(plan_level *level, plan_rel *rel, uint16_t index_no, uint16_t column_no, rdb_expr_array_op *e, plan_relids known, plan_match *match)
{
    const rdb_index_column *column = &rel->range->relation->indexes[index_no].columns[column_no];
    plan_relids own = relids_none();
    relids_add(&own, rel->range_no);
    plan_relids needs = plan_relids_of(e->right);
    if (!e->use_or || !is_key(level, rel, index_no, column_no, e->left) || relids_meet(needs, own) || !relids_within(needs, known) ||
        rdb_expr_volatility(e->right) == 'v' || e->right->type->element == NULL || e->right->type->element->rep != column->type->rep ||
        !rdb_collation_same_equality(column->collation, e->input_collation) ||
        (column->type->rep != RDB_REP_BYTES && e->right->type->element->oid != column->type->oid) || !is_equality(level->p, e->operator_oid, column->type))
        return false;
    *match = (plan_match){.column_no = column_no, .strategy = 3, .is_any = true, .value = e->right, .clause = &e->head};
    return true;
}

static rdb_expr *shown_truth(planner *p, rdb_expr *column, rdb_expr_const *truth)
{
    const rdb_operator_entry *entry = NULL;
    rdb_expr_function *made = RDB_NEW(p->arena, rdb_expr_function);
    rdb_error quiet = {0};
    uint32_t operator_oid = 0;
    made->head = *column;
    made->head.kind = RDB_EXPR_FUNCTION;
    bool ok = rdb_opclass_operator(p->access, RDB_BOOLOID, RDB_BOOLOID, 3, &operator_oid, &quiet) && rdb_operator_get(p->access, operator_oid, &entry, &quiet) && entry != NULL &&
              rdb_function_get(p->access, entry->function_oid, &made->function, &quiet) && made->function != NULL;
    rdb_error_clear(&quiet);
    if (!ok)
        return NULL;
    made->operator_oid = operator_oid;
    rdb_list_push(p->arena, &made->arguments, column);
    rdb_list_push(p->arena, &made->arguments, &truth->head);
    return &made->head;
}

/* Does the clause bound this index column by a value known before the scan begins? outer: relations whose columns count as known. */
static bool match_clause(plan_level *level, plan_rel *rel, uint16_t index_no, uint16_t column_no, rdb_expr *clause, plan_relids outer, plan_match *match)
{
    planner *p = level->p;
    const rdb_index_column *column = &rel->range->relation->indexes[index_no].columns[column_no];
    plan_relids own = relids_none();
    relids_add(&own, rel->range_no);
    if (clause->kind == RDB_EXPR_NULL_TEST) {
        const rdb_expr_null_test *e = (const rdb_expr_null_test *)clause;
        if (e->argument_is_row || !is_key(level, rel, index_no, column_no, e->argument))
            return false;
        *match = (plan_match){.column_no = column_no, .strategy = e->is_not ? RDB_PLAN_BOUND_IS_NOT_NULL : RDB_PLAN_BOUND_IS_NULL, .clause = clause};
        return true;
    }
    if (clause->kind == RDB_EXPR_ARRAY_OP)
        return match_any(level, rel, index_no, column_no, (rdb_expr_array_op *)clause, relids_union(own, outer), match);
    if (column->type->oid == RDB_BOOLOID) { /* a truth value stands for itself: = true, = false */
        const bool is_not = clause->kind == RDB_EXPR_BOOL && ((rdb_expr_bool *)clause)->bool_kind == RDB_BOOL_NOT;
        rdb_expr *inner = is_not ? ((rdb_expr_bool *)clause)->arguments.items[0] : clause;
        if (is_key(level, rel, index_no, column_no, inner)) {
            rdb_expr_const *truth = RDB_NEW(p->arena, rdb_expr_const);
            truth->head = *inner;
            truth->head.kind = RDB_EXPR_CONST;
            truth->value.b = !is_not;
            *match = (plan_match){.column_no = column_no, .strategy = 3, .value = &truth->head, .clause = shown_truth(p, inner, truth)};
            return match->clause != NULL;
        }
    }
    if (clause->kind != RDB_EXPR_FUNCTION)
        return false;
    rdb_expr_function *e = (rdb_expr_function *)clause;
    if (e->operator_oid == 0 || e->arguments.count != 2)
        return false;
    rdb_expr *left = e->arguments.items[0], *right = e->arguments.items[1], *value = NULL;
    bool swapped = false;
    plan_relids both = relids_union(own, outer);
    if (is_key(level, rel, index_no, column_no, left) && !relids_meet(plan_relids_of(right), own))
        value = right;
    else if (is_key(level, rel, index_no, column_no, right) && !relids_meet(plan_relids_of(left), own))
        value = left, swapped = true;
    if (value == NULL || !relids_within(plan_relids_of(value), both) || rdb_expr_volatility(value) == 'v')
        return false;
    uint16_t strategy = 0;
    uint32_t family = 0;
    rdb_error quiet = {0};
    bool ok = rdb_opclass_strategy(p->access, e->operator_oid, &strategy, &family, &quiet) && strategy >= 1 && strategy <= 5 && same_family(p, column->type, family);
    rdb_error_clear(&quiet);
    if (!ok)
        return false;
    if (strategy == 3 ? !rdb_collation_same_equality(column->collation, e->input_collation) : !rdb_collation_same_order(column->collation, e->input_collation))
        return false;
    if (swapped)
        strategy = (uint16_t)(6 - strategy);
    if (value->type->oid != column->type->oid && value->type->rep != RDB_REP_BYTES && !plan_cast_to(p, &value, column->type))
        return false;
    if (value->type->rep != column->type->rep)
        return false;
    *match = (plan_match){.column_no = column_no, .strategy = (uint8_t)strategy, .value = value, .clause = clause};
    return true;
}

rdb_expr *plan_row_part(planner *p, const rdb_expr *clause, uint32_t part)
{
    const rdb_expr_row_compare *row = (const rdb_expr_row_compare *)clause;
    rdb_expr_function *made = RDB_NEW(p->arena, rdb_expr_function);
    made->head = *clause;
    made->head.kind = RDB_EXPR_FUNCTION;
    made->function = row->functions.items[part];
    made->operator_oid = row->operator_oids[part];
    made->input_collation = row->input_collations != NULL ? row->input_collations[part] : 0;
    rdb_list_push(p->arena, &made->arguments, row->left.items[part]);
    rdb_list_push(p->arena, &made->arguments, row->right.items[part]);
    return &made->head;
}

/* (a, b) > (x, y) over columns that follow one another in the index: a bound of several columns. Further values than the first must be
 * known not to be null, for then the comparison could be true without them. *is_exact: the bound leaves no row to be looked at again. */
static uint32_t match_row(plan_level *level, plan_rel *rel, uint16_t index_no, uint16_t column_no, rdb_expr *clause, plan_relids outer, plan_match *matches, bool *is_exact)
{
    const rdb_expr_row_compare *row = (const rdb_expr_row_compare *)clause;
    const rdb_relation *relation = rel->range->relation;
    const rdb_relation_index *index = &relation->indexes[index_no];
    uint32_t count = 0;
    bool may_be_null = false;
    if (clause->kind != RDB_EXPR_ROW_COMPARE || row->strategy == 3 || row->strategy > 5)
        return 0;
    for (; count < row->left.count && column_no + count < index->key_count && count < 32; count++) {
        const uint16_t column = (uint16_t)(column_no + count);
        if (index->columns[column].is_descending != index->columns[column_no].is_descending)
            break;
        if (!match_clause(level, rel, index_no, column, plan_row_part(level->p, clause, count), outer, &matches[count]))
            break;
        const rdb_expr_const *value = (const rdb_expr_const *)matches[count].value;
        if (value == NULL || matches[count].strategy > 5 || matches[count].strategy == 3 || (matches[count].strategy <= 2) != (row->strategy <= 2) || (count > 0 && (value->head.kind != RDB_EXPR_CONST || value->is_null)))
            break;
        const int16_t number = index->columns[column].column_number;
        may_be_null = may_be_null || (count > 0 && (number <= 0 || !relation->columns[number - 1].not_null));
        matches[count].clause = clause;
    }
    *is_exact = count == row->left.count && !may_be_null;
    for (uint32_t i = 0; i < count; i++) { /* all but the last one of the row, and that one only where it is met, include their value */
        const bool is_last = i + 1 == row->left.count;
        matches[i].strategy = is_last ? row->strategy : row->strategy <= 2 ? 2 : 4;
    }
    return count;
}

/* How far the rows lie in the index's order, by its first column; further columns weaken what that says, as PostgreSQL has it. */
double plan_index_correlation(const plan_rel *rel, uint16_t index_no)
{
    const rdb_relation *relation = rel->range->relation;
    const rdb_relation_index *index = &relation->indexes[index_no];
    int16_t attribute_no = index->columns[0].column_number;
    const rdb_statistics *statistics = attribute_no > 0 && relation->statistics != NULL ? relation->statistics[attribute_no - 1] : NULL;
    if (statistics == NULL || !statistics->has_correlation)
        return 0;
    return index->key_count > 1 ? statistics->correlation * 0.75 : statistics->correlation;
}

#define IN_ORDER 0.95 /* correlation from which on rows count as standing in a column's order */

static bool is_in_order(const plan_rel *rel, int16_t attribute_no)
{
    const rdb_relation *relation = rel != NULL && rel->range->kind == RDB_RANGE_RELATION ? rel->range->relation : NULL;
    const rdb_statistics *statistics = relation != NULL && relation->statistics != NULL && attribute_no > 0 ? relation->statistics[attribute_no - 1] : NULL;
    return statistics != NULL && statistics->has_correlation && fabs(statistics->correlation) >= IN_ORDER;
}

/* Does the loop around it come with values in the order of the index? */
static bool is_in_step(plan_level *level, const plan_path *path)
{
    const plan_match *first = path->bounds.count > 0 ? path->bounds.items[0] : NULL;
    const rdb_expr_var *var = first != NULL && first->column_no == 0 && first->strategy == 3 && !first->is_any ? (const rdb_expr_var *)strip(first->value) : NULL;
    return var != NULL && var->head.kind == RDB_EXPR_VAR && var->levels_up == 0 && var->range_no != 0 && var->range_no == level->outer_range_no && is_in_order(level->rels[var->range_no], var->attribute_no);
}

bool plan_index_covers(const plan_rel *rel, uint16_t index_no)
{
    const rdb_relation_index *index = &rel->range->relation->indexes[index_no];
    if (index->kind != RDB_INDEX_ORDERED || index->method_oid != 403 /* btree */ || index->expression_tree != NULL)
        return false;
    const uint16_t readable = index->has_rest ? index->column_count : index->decoded_count;
    for (uint16_t i = 0; i < rel->column_count; i++) {
        bool is_there = false;
        for (uint16_t k = 0; k < readable; k++)
            is_there = is_there || index->columns[k].column_number == rel->columns[i];
        if (!is_there || rel->columns[i] <= 0)
            return false;
    }
    return true;
}

static bool index_path(plan_level *level, plan_rel *rel, uint16_t index_no, const rdb_list *given, plan_relids outer, bool may_be_open, plan_path **out)
{
    planner *p = level->p;
    const rdb_relation_index *index = &rel->range->relation->indexes[index_no];
    *out = NULL;
    rdb_list expanded = {0}; /* the clauses, and behind them what patterns among them imply */
    const rdb_list *clauses = given;
    const plan_index *trees = NULL;
    if (!plan_index_counts(p, index) || index->kind != RDB_INDEX_ORDERED || ((index->predicate_tree != NULL || index->expression_tree != NULL) && rel->parent != NULL))
        return true;
    if (!plan_index_trees(level, rel, index_no, &trees))
        return false;
    if (trees->predicate.count > 0 && !plan_implies_predicate(level, clauses, trees))
        return true;
    uint32_t *implied_end = RDB_NEW_ARRAY(p->arena, uint32_t, given->count + 1); /* what clause i implies ends there */
    for (uint32_t i = 0; i < given->count; i++) {
        if (!plan_pattern_bounds(p, given->items[i], &expanded))
            return false;
        implied_end[i] = given->count + expanded.count;
    }
    if (expanded.count > 0) {
        rdb_list all = {0};
        for (uint32_t i = 0; i < given->count; i++)
            rdb_list_push(p->arena, &all, given->items[i]);
        for (uint32_t i = 0; i < expanded.count; i++)
            rdb_list_push(p->arena, &all, expanded.items[i]);
        expanded = all;
        clauses = &expanded;
    }
    plan_path *path = RDB_NEW(p->arena, plan_path);
    bool *used = RDB_NEW_ARRAY(p->arena, bool, clauses->count + 1);
    rdb_list bounding = {0}, others = {0};
    bool is_whole_key = index->is_unique, has_any = false;
    for (uint16_t column = 0; column < index->key_count; column++) {
        plan_match match, lower = {0}, upper = {0};
        bool has_equal = false;
        for (uint32_t i = 0; i < clauses->count && !has_equal; i++) {
            if (used[i] || !match_clause(level, rel, index_no, column, clauses->items[i], outer, &match) || (match.is_any && (has_any || may_be_open)))
                continue;
            if (match.strategy == 3 || match.strategy == RDB_PLAN_BOUND_IS_NULL) {
                has_equal = used[i] = true;
                plan_match *kept = rdb_arena_memdup(p->arena, &match, sizeof match);
                rdb_list_push(p->arena, &path->bounds, kept);
                rdb_list_push(p->arena, &bounding, clauses->items[i]);
                is_whole_key = is_whole_key && match.strategy == 3 && !match.is_any;
                has_any = has_any || match.is_any;
                path->equal_columns++;
            }
        }
        if (has_equal)
            continue;
        is_whole_key = false;
        for (uint32_t i = 0; i < clauses->count; i++) {
            if (used[i] || !match_clause(level, rel, index_no, column, clauses->items[i], outer, &match) || match.strategy > 5 || match.strategy == 3)
                continue;
            plan_match *side = match.strategy >= 4 ? &lower : &upper;
            if (side->clause != NULL)
                continue;
            *side = match;
            used[i] = true;
            rdb_list_push(p->arena, &bounding, clauses->items[i]);
        }
        for (uint32_t i = 0; i < clauses->count; i++) { /* nulls stand together at one end */
            if (used[i] || !match_clause(level, rel, index_no, column, clauses->items[i], outer, &match) || match.strategy != RDB_PLAN_BOUND_IS_NOT_NULL)
                continue;
            used[i] = true;
            rdb_list_push(p->arena, &bounding, clauses->items[i]);
            rdb_list_push(p->arena, &path->bounds, rdb_arena_memdup(p->arena, &match, sizeof match));
            break;
        }
        for (uint32_t i = 0; i < clauses->count && lower.clause == NULL && upper.clause == NULL; i++) {
            plan_match matches[32];
            bool is_exact = false;
            const uint32_t row_count = used[i] ? 0 : match_row(level, rel, index_no, column, clauses->items[i], outer, matches, &is_exact);
            if (row_count == 0)
                continue;
            for (uint32_t k = 0; k < row_count; k++)
                rdb_list_push(p->arena, &path->bounds, rdb_arena_memdup(p->arena, &matches[k], sizeof matches[k]));
            used[i] = is_exact;
            rdb_list_push(p->arena, &bounding, clauses->items[i]);
            break;
        }
        if (lower.clause != NULL)
            rdb_list_push(p->arena, &path->bounds, rdb_arena_memdup(p->arena, &lower, sizeof lower));
        if (upper.clause != NULL)
            rdb_list_push(p->arena, &path->bounds, rdb_arena_memdup(p->arena, &upper, sizeof upper));
        break;
    }
    path->is_index_only = !p->context->no_index_only_scan && rel->sample == NULL && plan_index_covers(rel, index_no);
    if (path->bounds.count == 0 && !may_be_open && trees->predicate.count == 0 && !(path->is_index_only && relids_empty(outer)))
        return true;
    for (uint32_t i = 0; i < trees->predicate.count; i++) { /* what it leaves out is not read */
        bool is_there = false;
        for (uint32_t k = 0; k < bounding.count; k++)
            is_there = is_there || rdb_expr_equal(bounding.items[k], trees->predicate.items[i]);
        if (!is_there)
            rdb_list_push(p->arena, &bounding, trees->predicate.items[i]);
    }
    double fetched = is_whole_key ? 1 : rel->tuples * plan_key_selectivity(level, rel, &bounding);
    fetched = fetched < 1 ? 1 : fetched;
    path->kind = RDB_PLAN_INDEX_SCAN;
    path->is_whole_key = is_whole_key;
    path->rel = rel;
    path->index_no = index_no;
    path->width = rel->width;
    path->rows = fetched;
    relids_add(&path->relids, rel->range_no);
    for (uint32_t i = 0; i < given->count; i++) {
        plan_relids needs = plan_relids_of(clauses->items[i]);
        for (int w = 0; w < PLAN_RELIDS_WORDS; w++)
            path->needs.words[w] |= needs.words[w] & ~path->relids.words[w];
        if (used[i]) {
            rdb_list_push(p->arena, &path->used, clauses->items[i]);
            continue;
        }
        /* What the index's own condition implies is asked all the same: an entry may lead to a row that has changed since (R28). */
        if (plan_predicate_implies(level, clauses->items[i], trees)) {
            rdb_list_push(p->arena, &path->implied, clauses->items[i]);
            continue;
        }
        rdb_list_push(p->arena, &path->filter, clauses->items[i]);
        bool is_counted = false;
        for (uint32_t k = i > 0 ? implied_end[i - 1] : given->count; k < implied_end[i]; k++)
            is_counted = is_counted || used[k]; /* by what it implies */
        for (uint32_t k = 0; k < bounding.count; k++)
            is_counted = is_counted || rdb_expr_equal(bounding.items[k], clauses->items[i]);
        if (!is_counted)
            rdb_list_push(p->arena, &others, clauses->items[i]);
    }
    path->rows *= plan_selectivity_list(level, rel, &others);
    if (p->has_extended && plan_extended_rel(level, given) == rel) /* which conditions the index serves says nothing of how they depend on each other */
        path->rows = rel->tuples * plan_selectivity_list(level, rel, given);
    path->rows = path->rows < 1 ? 1 : rint(path->rows);
    uint64_t index_blocks = 0;
    if (!rdb_storage_block_count(index->index.storage, index->index.pdb, index->index.file, RDB_FORK_MAIN, &index_blocks, p->err))
        return false;
    plan_index_read read = {.rel = rel, .index_pages = plan_pages(index->index.storage, index_blocks), .entries = fetched, .share = fetched / RDB_MAX(rel->tuples, 1.0), .scans = 1, .loops = 1,
                            .correlation = plan_index_correlation(rel, index_no), .is_index_only = path->is_index_only, .bound_count = bounding.count, .filter = &path->filter};
    for (uint32_t i = 0; i < path->bounds.count; i++) {
        const plan_match *match = path->bounds.items[i];
        read.scans = match->is_any ? plan_array_items(match->value) : read.scans;
    }
    double smallest = 0; /* of what stands around it: so often it is read at least */
    for (uint32_t i = 1; i <= level->range_count; i++)
        if (relids_has(path->needs, i) && level->rels[i] != NULL && (smallest == 0 || level->rels[i]->rows < smallest))
            smallest = level->rels[i]->rows;
    read.loops = RDB_MAX(smallest, 1.0);
    read.index_in_step = is_in_step(level, path);
    read.table_in_step = read.index_in_step && is_in_order(rel, index->columns[0].column_number);
    plan_index_cost(level, &read, &path->startup, &path->total, &path->index_cost);
    path->index_rows = fetched;
    *out = path;
    return true;
}

bool plan_index_path(plan_level *level, plan_rel *rel, uint16_t index_no, const rdb_list *clauses, plan_relids outer, plan_path **path)
{
    return index_path(level, rel, index_no, clauses, outer, false, path);
}

bool plan_is_index_key(plan_level *level, plan_rel *rel, uint16_t index_no, uint16_t column_no, const rdb_expr *expr)
{
    return is_key(level, rel, index_no, column_no, expr);
}

/* The cheapest scan by indexes and these clauses, all of which it checks (by its bounds or its filter); *best NULL: no index serves. */
bool plan_index_paths(plan_level *level, plan_rel *rel, const rdb_list *clauses, plan_relids outer, plan_path **best)
{
    *best = NULL;
    for (uint16_t i = 0; i < rel->range->relation->index_count; i++) {
        plan_path *path = NULL;
        if (!index_path(level, rel, i, clauses, outer, false, &path))
            return false;
        if (path != NULL && level->p->context->no_index_scan)
            path->total += 1e10;
        if (path != NULL && (*best == NULL || path->total < (*best)->total))
            *best = path;
    }
    plan_path *bitmap = NULL;
    if (!plan_bitmap_path(level, rel, clauses, outer, &bitmap))
        return false;
    if (bitmap != NULL && (*best == NULL || bitmap->total < (*best)->total))
        *best = bitmap;
    return true;
}

/* So many first keys of the order are given by the index's columns, those apart that are bound to one value. *backward: read from its end. */
static uint32_t gives_order(plan_level *level, plan_rel *rel, const plan_path *path, const plan_order *order, uint32_t order_count, bool *backward)
{
    const rdb_relation_index *index = &rel->range->relation->indexes[path->index_no];
    uint16_t at = path->equal_columns;
    for (uint32_t i = 0; i < order_count; i++) {
        bool is_bound = false, is_next = false;
        for (uint16_t k = 0; k < path->equal_columns; k++)
            is_bound = is_bound || is_order_key(level, rel, path->index_no, k, &order[i]);
        if (is_bound)
            continue; /* one value: any order is its order */
        is_next = at < index->key_count && is_order_key(level, rel, path->index_no, at, &order[i]);
        if (!is_next)
            return i;
        bool flips = index->columns[at].is_descending != order[i].is_descending;
        if ((index->columns[at].nulls_first != order[i].nulls_first) != flips)
            return i;
        if (at > path->equal_columns && flips != *backward)
            return i;
        *backward = flips;
        at++;
    }
    return order_count;
}

bool plan_index_orders(plan_level *level, plan_rel *rel, const plan_order *order, uint32_t count, rdb_list *paths)
{
    for (uint16_t i = 0; i < rel->range->relation->index_count; i++) {
        plan_path *path = NULL;
        if (!index_path(level, rel, i, &rel->quals, relids_none(), true, &path))
            return false;
        if (path == NULL)
            continue;
        path->ordered_count = gives_order(level, rel, path, order, count, &path->is_backward);
        if (path->ordered_count > 0)
            rdb_list_push(level->p->arena, paths, path);
    }
    return true;
}

bool plan_ordered_path(plan_level *level, plan_rel *rel, const plan_order *order, uint32_t order_count, plan_path **best)
{
    *best = NULL;
    for (uint16_t i = 0; i < rel->range->relation->index_count; i++) {
        plan_path *path = NULL;
        bool backward = false;
        if (!index_path(level, rel, i, &rel->quals, relids_none(), true, &path))
            return false;
        if (path == NULL || gives_order(level, rel, path, order, order_count, &backward) < order_count || (*best != NULL && (*best)->total <= path->total))
            continue;
        path->is_backward = backward;
        *best = path;
    }
    return true;
}

/* ---- rows by their address ----------------------------------------------------------------------------------------------------- */
enum { TID_EQUAL = 387 }; /* pg_operator */

static bool is_own_ctid(const plan_rel *rel, const rdb_expr *expr)
{
    const rdb_expr_var *var = (const rdb_expr_var *)strip(expr);
    return var->head.kind == RDB_EXPR_VAR && var->levels_up == 0 && var->range_no == rel->range_no && var->attribute_no == RDB_COLUMN_CTID;
}

plan_path *plan_tid_path(plan_level *level, plan_rel *rel)
{
    planner *p = level->p;
    for (uint32_t i = 0; i < rel->quals.count; i++) {
        const rdb_expr_array_op *any = rel->quals.items[i];
        const rdb_expr_function *equal = rel->quals.items[i];
        rdb_expr *value = NULL;
        if (any->head.kind == RDB_EXPR_ARRAY_OP && any->use_or && any->operator_oid == TID_EQUAL && is_own_ctid(rel, any->left))
            value = any->right;
        else if (equal->head.kind == RDB_EXPR_FUNCTION && equal->operator_oid == TID_EQUAL && equal->arguments.count == 2)
            value = is_own_ctid(rel, equal->arguments.items[0]) ? equal->arguments.items[1] : is_own_ctid(rel, equal->arguments.items[1]) ? equal->arguments.items[0] : NULL;
        if (value == NULL || !relids_empty(plan_relids_of(value)) || rdb_expr_volatility(value) == 'v')
            continue;
        plan_path *path = RDB_NEW(p->arena, plan_path);
        plan_match *match = RDB_NEW(p->arena, plan_match);
        const bool is_any = any->head.kind == RDB_EXPR_ARRAY_OP;
        const double rows = is_any ? 10 : 1;
        *match = (plan_match){.strategy = 3, .is_any = is_any, .value = value, .clause = rel->quals.items[i]};
        path->kind = RDB_PLAN_TID_SCAN;
        path->rel = rel;
        path->width = rel->width;
        path->rows = RDB_MIN(rows, RDB_MAX(rel->rows, 1.0));
        path->total = rows * (COST_RANDOM_PAGE + COST_TUPLE);
        relids_add(&path->relids, rel->range_no);
        path->needs = rel->lateral;
        rdb_list_push(p->arena, &path->bounds, match);
        for (uint32_t k = 0; k < rel->quals.count; k++)
            if (k != i)
                rdb_list_push(p->arena, &path->filter, rel->quals.items[k]);
        return path;
    }
    return NULL;
}

/* < > <= >= of tid in pg_operator: 1 and 2 bound from above, 4 and 5 from below; 0: none of them. */
static uint8_t tid_strategy(uint32_t operator_oid, bool is_swapped)
{
    static const struct { uint32_t oid; uint8_t strategy; } OPERATORS[] = {{2799, 1}, {2801, 2}, {2802, 4}, {2800, 5}};
    for (size_t i = 0; i < RDB_COUNT_OF(OPERATORS); i++)
        if (OPERATORS[i].oid == operator_oid)
            return is_swapped ? (uint8_t)(6 - OPERATORS[i].strategy) : OPERATORS[i].strategy;
    return 0;
}

plan_path *plan_tid_range_path(plan_level *level, plan_rel *rel)
{
    planner *p = level->p;
    plan_path *path = RDB_NEW(p->arena, plan_path);
    double lower = 0, upper = 1;
    for (uint32_t i = 0; i < rel->quals.count; i++) {
        const rdb_expr_function *e = rel->quals.items[i];
        const bool is_call = e->head.kind == RDB_EXPR_FUNCTION && e->arguments.count == 2;
        const bool is_left = is_call && is_own_ctid(rel, e->arguments.items[0]), is_right = is_call && !is_left && is_own_ctid(rel, e->arguments.items[1]);
        rdb_expr *value = is_left ? e->arguments.items[1] : is_right ? e->arguments.items[0] : NULL;
        const uint8_t strategy = value != NULL ? tid_strategy(e->operator_oid, is_right) : 0;
        if (strategy == 0 || !relids_empty(plan_relids_of(value)) || rdb_expr_volatility(value) == 'v') {
            rdb_list_push(p->arena, &path->filter, rel->quals.items[i]);
            continue;
        }
        plan_match *match = RDB_NEW(p->arena, plan_match);
        *match = (plan_match){.strategy = strategy, .value = value, .clause = rel->quals.items[i]};
        rdb_list_push(p->arena, &path->bounds, match);
        double at = strategy >= 4 ? 2.0 / 3 : 1.0 / 3; /* of the table, by blocks */
        if (value->kind == RDB_EXPR_CONST) {
            uint64_t block = 0;
            memcpy(&block, ((const rdb_expr_const *)value)->value.fixed, sizeof block);
            at = ((const rdb_expr_const *)value)->is_null ? 0 : RDB_MIN((double)block / rel->pages, 1.0);
        }
        if (strategy >= 4)
            lower = RDB_MAX(lower, at);
        else
            upper = RDB_MIN(upper, at);
    }
    if (path->bounds.count == 0)
        return NULL;
    const double share = RDB_MAX(upper - lower, 0.0), pages = RDB_MAX(ceil(share * rel->pages), 1.0);
    path->kind = RDB_PLAN_TID_RANGE_SCAN;
    path->rel = rel;
    path->width = rel->width;
    path->rows = rel->rows;
    path->total = COST_RANDOM_PAGE + (pages - 1) * COST_SEQ_PAGE + share * rel->tuples * (COST_TUPLE + plan_quals_cost(p, &path->filter));
    relids_add(&path->relids, rel->range_no);
    path->needs = rel->lateral;
    return path;
}
