/* SPDX-License-Identifier: Apache-2.0
 * Planning what stands in FROM: common table expressions, sub-queries, VALUES, functions, tables. */
#include "sql/plan_int.h"

/* ---- common table expressions ---------------------------------------------------------------------------------------------- */
/* Notes the WITH items of a query in its last node, which may be that of a query inside it as well. */
void plan_own_ctes(rdb_plan_node *node, uint32_t first, uint32_t end)
{
    if (first == end)
        return;
    node->end_cte = RDB_MAX(node->end_cte, end);
    node->first_cte = first;
}

/* Whether it can be hashed is known when it is there. */
static bool is_anonymous_row(const rdb_type *type)
{
    return type->oid == RDB_RECORDOID || type->oid == RDB_RECORDARRAYOID;
}

static bool plan_recursive_cte(plan_level *level, const rdb_cte *cte, uint32_t cte_no)
{
    planner *p = level->p;
    const rdb_query *query = cte->query;
    const rdb_set_operation *operation = query->set_operation;
    if (operation == NULL || operation->kind != RDB_SET_UNION || operation->left->range_no == 0 || operation->right->range_no == 0)
        return rdb_error_set(p->err, RDB_FEATURE_NOT_SUPPORTED, "recursive query \"%s\" does not have a form that is supported", cte->name);
    if (query->sort.count || query->limit_count || query->limit_offset)
        return rdb_error_set(p->err, RDB_FEATURE_NOT_SUPPORTED, query->sort.count ? "ORDER BY in a recursive query is not implemented" : query->limit_count ? "LIMIT in a recursive query is not implemented" : "OFFSET in a recursive query is not implemented");
    for (uint32_t i = 0; !operation->all && i < operation->groupings.count; i++)
        if (!((const rdb_sort_item *)operation->groupings.items[i])->can_hash && !is_anonymous_row(operation->column_types.items[i])) {
            rdb_error_set(p->err, RDB_FEATURE_NOT_SUPPORTED, "could not implement recursive UNION");
            return rdb_error_detail(p->err, "All column datatypes must be hashable.");
        }
    /* Levels in between: the halves are sub-queries of the CTE's query, which is one level inside this one. */
    plan_level *whole = RDB_NEW(p->arena, plan_level), *left_level = RDB_NEW(p->arena, plan_level), *right_level = RDB_NEW(p->arena, plan_level);
    plan_built left, right;
    *whole = (plan_level){.p = p, .parent = level, .query = query, .range_count = query->ranges.count};
    whole->rels = RDB_NEW_ARRAY(p->arena, plan_rel *, query->ranges.count + 1);
    uint32_t first_cte = p->plan->cte_count;
    if (!plan_ctes(whole)) /* WITH items of its own, which both halves may read */
        return false;
    uint32_t end_cte = p->plan->cte_count;
    whole->work_table_name = cte->name;
    whole->work_table_no = cte_no;
    const rdb_range *left_range = query->ranges.items[operation->left->range_no - 1], *right_range = query->ranges.items[operation->right->range_no - 1];
    if (!plan_query(p, whole, left_range->subquery, left_level, &left) || !plan_query(p, whole, right_range->subquery, right_level, &right))
        return false;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_RECURSIVE_UNION, &left, NULL);
    node->right = right.node;
    node->of.recursive.cte_no = cte_no;
    node->of.recursive.distinct = !operation->all;
    node->of.recursive.collations = operation->column_collations;
    plan_own_ctes(node, first_cte, end_cte);
    node->rows = left.node->rows * 10;
    node->total_cost = left.node->total_cost + right.node->total_cost * 10;
    p->plan->ctes[cte_no] = (rdb_plan_cte){.node = node, .name = cte->name, .is_correlated = whole->is_correlated, .is_outermost = level->parent == NULL};
    level->is_correlated |= whole->is_correlated;
    return true;
}

bool plan_cte_is_inlined(const rdb_cte *cte)
{
    return cte->query->command == RDB_COMMAND_SELECT && !cte->is_recursive && cte->materialized != 1 && (cte->reference_count <= 1 || cte->materialized == 2) && !cte->query->has_modifying_cte &&
           cte->query->row_marks.count == 0;
}

static bool uses_itself(const rdb_cte *cte)
{
    return cte->is_recursive && cte->query->set_operation != NULL;
}

static const plan_inside *inside_of(plan_level *inner, const plan_built *built)
{
    plan_inside *inside = RDB_NEW(inner->p->arena, plan_inside);
    *inside = (plan_inside){inner, built->outputs, built->count, built->node->rows};
    return inside;
}

bool plan_ctes(plan_level *level)
{
    planner *p = level->p;
    const rdb_list *ctes = &level->query->ctes;
    level->cte_nos = RDB_NEW_ARRAY(p->arena, uint32_t, ctes->count + 1);
    for (uint32_t i = 0; i < ctes->count; i++) {
        const rdb_cte *cte = ctes->items[i];
        level->cte_nos[i] = UINT32_MAX;
        bool is_modifying = cte->query->command != RDB_COMMAND_SELECT;
        if (plan_cte_is_inlined(cte) || (!is_modifying && cte->reference_count == 0 && !uses_itself(cte)))
            continue;
        uint32_t cte_no = 0;
        plan_built built;
        plan_level *inner = RDB_NEW(p->arena, plan_level);
        if (!plan_add_cte(p, &cte_no))
            return false;
        level->cte_nos[i] = cte_no;
        p->shown_param_no++;
        if (uses_itself(cte)) {
            if (!plan_recursive_cte(level, cte, cte_no))
                return false;
            p->shown_plan_no++;
            continue;
        }
        if (!plan_query(p, level, cte->query, inner, &built))
            return false;
        p->shown_plan_no++;
        p->cte_insides[cte_no] = is_modifying ? NULL : inside_of(inner, &built);
        p->plan->ctes[cte_no] = (rdb_plan_cte){.node = built.node, .name = cte->name, .is_modifying = is_modifying, .is_correlated = inner->is_correlated, .is_outermost = level->parent == NULL};
    }
    return true;
}

/* ---- range table ---------------------------------------------------------------------------------------------------------------- */
rdb_expr **plan_range_outputs(planner *p, const rdb_range *range, uint32_t range_no, uint32_t count)
{
    rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        outputs[i] = plan_make_var(p, range_no, (int16_t)(i + 1), range->column_types.items[i], range->column_typmods ? range->column_typmods[i] : -1, range->column_collations ? range->column_collations[i] : 0);
        ((rdb_expr_var *)outputs[i])->range = range;
    }
    return outputs;
}

/* Different rows among those of a query. */
static double groups_of(plan_level *inner, const plan_built *built, uint32_t count)
{
    const rdb_query *query = inner->query;
    if (query->set_operation != NULL || query->group.count > 0 || query->grouping_sets.count > 0 || query->distinct.count > 0 || query->has_aggregates || query->having != NULL)
        return built->node->rows;
    return plan_group_count(inner, built->outputs, count, built->node->rows);
}

/* What a sub-query gave, as columns of the range that it is. */
static bool finish_subquery(plan_level *level, plan_rel *rel, plan_level *inner, const plan_built *built)
{
    planner *p = level->p;
    uint32_t count = RDB_MIN(built->count, rel->range->column_types.count);
    rdb_expr **outputs = plan_range_outputs(p, rel->range, rel->range_no, count);
    rel->built = plan_identity(p, built->node, outputs, count);
    rel->built.count = count;
    rel->built.subquery = rel->range;
    rdb_list *inside = RDB_NEW(p->arena, rdb_list);
    for (uint32_t i = 0; i < count; i++)
        rdb_list_push(p->arena, inside, built->outputs[i]);
    ((rdb_range *)(uintptr_t)rel->range)->shown = inside;
    rel->groups = groups_of(inner, built, count);
    rel->inside = inside_of(inner, built);
    if (count < built->count) { /* junk: the row space of whatever stands above has it, unnamed */
        rdb_expr **all = RDB_NEW_ARRAY(p->arena, rdb_expr *, built->count + 1);
        memcpy(all, outputs, count * sizeof *all);
        for (uint32_t i = count; i < built->count; i++) { /* what it was in the inner level would be taken for a column of this one */
            rdb_expr_param *unnamed = RDB_NEW(p->arena, rdb_expr_param);
            unnamed->head = *built->outputs[i];
            unnamed->head.kind = RDB_EXPR_PARAM;
            unnamed->param_kind = RDB_PARAM_EXECUTION;
            unnamed->param_no = UINT32_MAX;
            all[i] = &unnamed->head;
        }
        rel->built = plan_identity(p, built->node, all, built->count);
        rel->built.subquery = rel->range;
    }
    rel->has_built = true;
    rel->wanted_count = inner->wanted_count;
    rel->wanted = inner->wanted;
    for (uint32_t i = 0; i < inner->wanted_count; i++)
        rel->lateral = relids_union(rel->lateral, plan_relids_of(inner->wanted[i].expr));
    return true;
}

static bool plan_cte_range(plan_level *level, plan_rel *rel)
{
    planner *p = level->p;
    const rdb_range *range = rel->range;
    plan_level *owner = level;
    uint32_t count = range->column_types.count;
    if (range->is_self_reference) {
        while (owner != NULL && (owner->work_table_name == NULL || strcmp(owner->work_table_name, range->cte_name) != 0))
            owner = owner->parent;
        if (owner == NULL)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "recursive query \"%s\" refers to itself outside of itself", range->cte_name);
        for (plan_level *inside = level; inside != owner; inside = inside->parent)
            inside->is_correlated = true; /* other rows each turn */
        rdb_plan_node *node = plan_new_node(p, RDB_PLAN_WORK_TABLE_SCAN, NULL, NULL);
        node->range = rel->range;
        node->of.cte.cte_no = owner->work_table_no;
        node->of.cte.name = range->cte_name;
        node->of.cte.alias = range->alias;
        node->rows = 100;
        rdb_expr **outputs = plan_range_outputs(p, range, rel->range_no, count);
        plan_set_inputs(p, node, outputs, count);
        rel->built = plan_identity(p, node, outputs, count);
        rel->has_built = true;
        return true;
    }
    for (uint16_t i = 0; i < range->cte_levels_up && owner != NULL; i++)
        owner = owner->parent;
    for (uint32_t i = 0; owner != NULL && i < owner->query->ctes.count; i++) {
        const rdb_cte *cte = owner->query->ctes.items[i];
        if (strcmp(cte->name, range->cte_name) != 0)
            continue;
        if (owner->cte_nos[i] == UINT32_MAX) {
            plan_level *inner = RDB_NEW(p->arena, plan_level);
            plan_built built;
            if (!plan_query(p, owner, plan_push_down(level, rel, cte->query), inner, &built))
                return false;
            for (plan_level *inside = level; inner->is_correlated && inside != owner; inside = inside->parent)
                inside->is_correlated = true; /* what stands in its place reads parameters too */
            return finish_subquery(level, rel, inner, &built);
        }
        for (plan_level *inside = level; p->plan->ctes[owner->cte_nos[i]].is_correlated && inside != owner; inside = inside->parent)
            inside->is_correlated = true;
        rdb_plan_node *node = plan_new_node(p, RDB_PLAN_CTE_SCAN, NULL, NULL);
        p->plan->ctes[owner->cte_nos[i]].is_read = true;
        node->range = rel->range;
        const rdb_plan_node *source = p->plan->ctes[owner->cte_nos[i]].node;
        rel->inside = p->cte_insides[owner->cte_nos[i]];
        node->of.cte.cte_no = owner->cte_nos[i];
        node->of.cte.name = range->cte_name;
        node->of.cte.alias = range->alias;
        node->rows = source ? source->rows : 100;
        node->total_cost = node->rows * COST_TUPLE;
        /* the store has the junk columns of the CTE's plan too */
        uint32_t stored = source == NULL ? count : source->passes_through ? source->input_count : source->targets.count;
        rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, RDB_MAX(stored, count) + 1);
        memcpy(outputs, plan_range_outputs(p, range, rel->range_no, count), count * sizeof *outputs);
        for (uint32_t k = count; k < stored; k++) { /* nobody asks for them, but whoever keeps whole rows keeps them by their type */
            const rdb_type *type = source->passes_through ? source->input_types[k] : ((const rdb_target *)source->targets.items[k])->expr->type;
            outputs[k] = plan_make_var(p, rel->range_no, (int16_t)(k + 1), type, -1, 0);
        }
        plan_set_inputs(p, node, outputs, RDB_MAX(stored, count));
        rel->built = plan_identity(p, node, outputs, RDB_MAX(stored, count));
        rel->has_built = true;
        return true;
    }
    return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "common table expression \"%s\" is not there", range->cte_name);
}

/* Columns of this level in a range's own expressions (LATERAL): they become parameters that the join supplies. */
static bool localise(plan_level *level, plan_rel *rel, rdb_expr *expr, rdb_expr **out)
{
    rdb_list arguments = {0};
    uint32_t *numbers = RDB_NEW_ARRAY(level->p->arena, uint32_t, 128), used = 0;
    rdb_expr *prepared = NULL;
    if (!plan_prepare(level, expr, &prepared))
        return false;
    plan_relids relids = plan_relids_of(prepared);
    if (relids_empty(relids)) {
        *out = prepared;
        return true;
    }
    /* a sub-select runs where it stands: of it only the arguments come from the join */
    if (!plan_parametrise(level->p, prepared, true, out, &arguments, &numbers, &used, 128))
        return false;
    plan_wanted *wanted = RDB_NEW_ARRAY(level->p->arena, plan_wanted, rel->wanted_count + used + 1);
    if (rel->wanted_count)
        memcpy(wanted, rel->wanted, rel->wanted_count * sizeof *wanted);
    for (uint32_t i = 0; i < used; i++)
        wanted[rel->wanted_count++] = (plan_wanted){numbers[i], arguments.items[i]};
    rel->wanted = wanted;
    rel->lateral = relids_union(rel->lateral, relids);
    return true;
}

static bool plan_values(plan_level *level, plan_rel *rel)
{
    planner *p = level->p;
    const rdb_range *range = rel->range;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_VALUES_SCAN, NULL, NULL);
    node->range = rel->range;
    rdb_list *rows = rdb_arena_try_alloc(p->arena, (range->values.count + 1) * sizeof *rows, p->err);
    uint32_t count = range->column_types.count;
    if (rows == NULL)
        return false;
    for (uint32_t i = 0; i < range->values.count; i++) {
        const rdb_list *source = range->values.items[i];
        rows[i] = (rdb_list){0};
        for (uint32_t k = 0; k < source->count; k++) {
            rdb_expr *one = NULL;
            if (!localise(level, rel, source->items[k], &one))
                return false;
            rdb_list_push(p->arena, &rows[i], one);
        }
    }
    node->of.values.rows = rows;
    node->of.values.row_count = range->values.count;
    node->of.values.alias = range->alias;
    node->rows = range->values.count;
    node->total_cost = node->rows * COST_OPERATOR * 5;
    rdb_expr **outputs = plan_range_outputs(p, range, rel->range_no, count);
    plan_set_inputs(p, node, outputs, count);
    rel->built = plan_identity(p, node, outputs, count);
    rel->has_built = true;
    return true;
}

static bool plan_function(plan_level *level, plan_rel *rel)
{
    planner *p = level->p;
    const rdb_range *range = rel->range;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_FUNCTION_SCAN, NULL, NULL);
    node->range = rel->range;
    uint32_t count = range->column_types.count;
    rdb_range_function **functions = RDB_NEW_ARRAY(p->arena, rdb_range_function *, range->functions.count + 1);
    for (uint32_t i = 0; i < range->functions.count; i++) {
        functions[i] = rdb_arena_memdup(p->arena, range->functions.items[i], sizeof *functions[i]);
        if (!localise(level, rel, functions[i]->call, &functions[i]->call))
            return false;
    }
    node->of.function.function_count = range->functions.count;
    node->of.function.functions = functions;
    node->of.function.with_ordinality = range->with_ordinality;
    node->of.function.alias = range->alias;
    node->rows = 100;
    node->total_cost = 1;
    rdb_expr **outputs = plan_range_outputs(p, range, rel->range_no, count);
    plan_set_inputs(p, node, outputs, count);
    rel->built = plan_identity(p, node, outputs, count);
    rel->has_built = true;
    return true;
}

static bool plan_empty_range(plan_level *level, plan_rel *rel)
{
    rdb_plan_node *node = plan_new_node(level->p, RDB_PLAN_RESULT, NULL, NULL);
    node->rows = 1;
    rel->built = plan_identity(level->p, node, NULL, 0);
    rel->has_built = true;
    return true;
}

/* The views that a table is written through stand before it: their privileges are asked first. */
static void list_range(planner *p, const rdb_range *range)
{
    if (range->through != NULL)
        list_range(p, range->through);
    rdb_list_push(p->arena, &p->plan->ranges, (void *)(uintptr_t)range);
}

bool plan_range(plan_level *level, uint32_t range_no)
{
    planner *p = level->p;
    const rdb_range *range = level->query->ranges.items[range_no - 1];
    list_range(p, range);
    if (range->kind == RDB_RANGE_JOIN || (range->kind == RDB_RANGE_SUBQUERY && range->subquery == NULL)) /* the latter: taken apart */
        return true;
    plan_rel *rel = RDB_NEW(p->arena, plan_rel);
    rel->range_no = range_no;
    rel->range = range;
    level->rels[range_no] = rel;
    switch ((rdb_range_kind)range->kind) {
    case RDB_RANGE_RELATION:
        p->has_extended = p->has_extended || range->relation->extended_count > 0;
        if (range->relation->kind != 'r' && range->relation->kind != 'm' && range->relation->kind != 't' && range->relation->kind != 'p')
            return rdb_error_set(p->err, RDB_FEATURE_NOT_SUPPORTED, "reading relation \"%s\" (kind %c) is not supported", range->relation->name, range->relation->kind);
        rel->scan_no = p->plan->scan_count++;
        rdb_list_push(p->arena, &p->plan->relations, (void *)(uintptr_t)range->relation);
        return true;
    case RDB_RANGE_JOIN:
        return true;
    case RDB_RANGE_SUBQUERY:
    case RDB_RANGE_CTE:
    case RDB_RANGE_FUNCTION:
    case RDB_RANGE_VALUES:
        return true; /* planned when all of the table is known: plan_built_range */
    case RDB_RANGE_RESULT:
        return plan_empty_range(level, rel);
    }
    return true;
}

/* TABLESAMPLE's arguments, which may read what stands to the left. */
static bool plan_sample(plan_level *level, plan_rel *rel)
{
    planner *p = level->p;
    const rdb_range *range = rel->range;
    rdb_expr *const given[2] = {range->sample_percent, range->sample_seed};
    rdb_plan_sample *sample = RDB_NEW(p->arena, rdb_plan_sample);
    rdb_strbuf text;
    rdb_strbuf_init(&text, p->arena);
    sample->method = range->sample_method;
    static const char *const METHODS[] = {"", "system (", "bernoulli (", "SCN (", "TIMESTAMP ("};
    rdb_strbuf_adds(&text, METHODS[range->sample_method]);
    for (int i = 0; i < 2 && given[i] != NULL; i++) {
        rdb_expr *prepared = NULL;
        if (i > 0)
            rdb_strbuf_adds(&text, " REPEATABLE (");
        if (!plan_prepare(level, given[i], &prepared) || !rdb_deparse_expr(p->access, prepared, NULL, true, &text, p->err))
            return false;
        rdb_strbuf_addc(&text, ')');
        rdb_list_push(p->arena, &sample->arguments, prepared);
        rel->lateral = relids_union(rel->lateral, plan_relids_of(prepared));
    }
    sample->text = text.data;
    rel->sample = sample;
    return rdb_strbuf_check(&text, p->err);
}

/* Does another range of FROM read this level's columns? Those it needs are not known before it is planned. */
static bool has_lateral_ranges(const plan_level *level)
{
    for (uint32_t i = 0; i < level->query->ranges.count; i++) {
        const rdb_range *range = level->query->ranges.items[i];
        if ((range->kind == RDB_RANGE_SUBQUERY && range->subquery != NULL && plan_refers_outward(range->subquery)) || (range->kind == RDB_RANGE_CTE && range->cte_levels_up == 0))
            return true;
    }
    return false;
}

static bool is_needed(const plan_rel *rel, int16_t number)
{
    for (uint16_t i = 0; i < rel->column_count; i++)
        if (rel->columns[i] == number || rel->columns[i] == 0)
            return true;
    return false;
}

/* What a sub-query computes and nobody reads is null instead: it costs nothing, and raises nothing. */
static const rdb_query *without_unread(plan_level *level, const plan_rel *rel, const rdb_query *query)
{
    planner *p = level->p;
    if (level->query->command != RDB_COMMAND_SELECT || query->command != RDB_COMMAND_SELECT || query->set_operation != NULL || query->distinct.count > 0 || query->row_marks.count > 0 ||
        level->query->set_operation != NULL || has_lateral_ranges(level))
        return query;
    rdb_query *copy = rdb_arena_memdup(p->arena, query, sizeof *copy);
    int16_t number = 0;
    copy->targets = (rdb_list){0};
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const rdb_target *target = query->targets.items[i];
        const bool is_plain = target->expr == NULL || (target->expr->kind == RDB_EXPR_VAR && query->sort.count == 0) || target->expr->kind == RDB_EXPR_CONST; /* a sort would carry it */
        number += !target->is_junk;
        if (target->is_junk || is_plain || target->sort_ref != 0 || is_needed(rel, number) || plan_calls_volatile(target->expr) || plan_contains_set(target->expr)) {
            rdb_list_push(p->arena, &copy->targets, query->targets.items[i]);
            continue;
        }
        rdb_target *unread = rdb_arena_memdup(p->arena, target, sizeof *unread);
        rdb_expr_const *none = RDB_NEW(p->arena, rdb_expr_const);
        none->head = *target->expr;
        none->head.kind = RDB_EXPR_CONST;
        none->is_null = true;
        unread->expr = &none->head;
        rdb_list_push(p->arena, &copy->targets, unread);
    }
    return copy;
}

bool plan_waiting_ranges(plan_level *level)
{
    for (uint32_t i = 1; i <= level->range_count; i++)
        if (level->rels[i] != NULL && level->rels[i]->is_waiting && !plan_built_range(level, level->rels[i]))
            return false;
    return true;
}

bool plan_built_range(plan_level *level, plan_rel *rel)
{
    planner *p = level->p;
    if (!rel->is_waiting && level->query->set_operation == NULL && (rel->range->kind == RDB_RANGE_SUBQUERY || rel->range->kind == RDB_RANGE_CTE)) {
        rel->is_waiting = true;
        return true;
    }
    rel->is_waiting = false;
    switch ((rdb_range_kind)rel->range->kind) {
    case RDB_RANGE_SUBQUERY: {
        plan_level *inner = RDB_NEW(p->arena, plan_level);
        plan_built built;
        const rdb_query *query = plan_push_down(level, rel, without_unread(level, rel, rel->range->subquery));
        inner->run = plan_take_run(level, rel, query);
        if (level->query->set_operation != NULL || (query->set_operation != NULL && query->sort.count > 0 && plan_passes_rows(level->query)))
            inner->tuple_fraction = level->query->limit_count != NULL ? plan_limit_of(p, level->query) : level->tuple_fraction;
        return plan_query(p, level, query, inner, &built) && finish_subquery(level, rel, inner, &built);
    }
    case RDB_RANGE_CTE: return plan_cte_range(level, rel);
    case RDB_RANGE_FUNCTION: return plan_function(level, rel);
    case RDB_RANGE_VALUES: return plan_values(level, rel);
    case RDB_RANGE_RELATION: return rel->range->sample_method == RDB_SAMPLE_NONE || plan_sample(level, rel);
    default: return true;
    }
}
