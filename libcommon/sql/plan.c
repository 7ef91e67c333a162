/* SPDX-License-Identifier: Apache-2.0
 * Planning one query level: its range table, then FROM and WHERE, then what stands above them: aggregation, window
 * functions, targets, DISTINCT, ORDER BY, row locks, LIMIT. */
#include "sql/plan_int.h"
#include <math.h>

bool plan_add_subplan(planner *p, uint32_t *subplan_no)
{
    rdb_plan *plan = p->plan;
    if (plan->subplan_count == p->subplan_capacity) {
        uint32_t capacity = p->subplan_capacity ? p->subplan_capacity * 2 : 8;
        rdb_plan_subplan *larger = RDB_NEW_ARRAY(p->arena, rdb_plan_subplan, capacity);
        if (plan->subplan_count)
            memcpy(larger, plan->subplans, plan->subplan_count * sizeof *larger);
        plan->subplans = larger;
        p->subplan_capacity = capacity;
    }
    *subplan_no = plan->subplan_count++;
    return true;
}

bool plan_add_cte(planner *p, uint32_t *cte_no)
{
    rdb_plan *plan = p->plan;
    if (plan->cte_count == p->cte_capacity) {
        uint32_t capacity = p->cte_capacity ? p->cte_capacity * 2 : 8;
        rdb_plan_cte *larger = RDB_NEW_ARRAY(p->arena, rdb_plan_cte, capacity);
        if (plan->cte_count)
            memcpy(larger, plan->ctes, plan->cte_count * sizeof *larger);
        plan->ctes = larger;
        p->cte_capacity = capacity;
    }
    *cte_no = plan->cte_count++;
    return true;
}

/* ---- common table expressions ---------------------------------------------------------------------------------------------- */
static bool plan_ctes(plan_level *level);

/* Notes the WITH items of a query in its last node, which may be that of a query inside it as well. */
static void plan_own_ctes(rdb_plan_node *node, uint32_t first, uint32_t end)
{
    if (first == end)
        return;
    node->end_cte = RDB_MAX(node->end_cte, end);
    node->first_cte = first;
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
    plan_own_ctes(node, first_cte, end_cte);
    node->rows = left.node->rows * 10;
    node->total_cost = left.node->total_cost + right.node->total_cost * 10;
    p->plan->ctes[cte_no] = (rdb_plan_cte){.node = node, .name = cte->name, .is_correlated = whole->is_correlated, .is_outermost = level->parent == NULL};
    level->is_correlated |= whole->is_correlated;
    return true;
}

static bool cte_is_inlined(const rdb_cte *cte)
{
    return cte->query->command == RDB_COMMAND_SELECT && !cte->is_recursive && cte->materialized != 1 && (cte->reference_count <= 1 || cte->materialized == 2) && !cte->query->has_modifying_cte &&
           cte->query->row_marks.count == 0;
}

static bool uses_itself(const rdb_cte *cte)
{
    return cte->is_recursive && cte->query->set_operation != NULL;
}

static bool plan_ctes(plan_level *level)
{
    planner *p = level->p;
    const rdb_list *ctes = &level->query->ctes;
    level->cte_nos = RDB_NEW_ARRAY(p->arena, uint32_t, ctes->count + 1);
    for (uint32_t i = 0; i < ctes->count; i++) {
        const rdb_cte *cte = ctes->items[i];
        level->cte_nos[i] = UINT32_MAX;
        bool is_modifying = cte->query->command != RDB_COMMAND_SELECT;
        if (cte_is_inlined(cte) || (!is_modifying && cte->reference_count == 0 && !uses_itself(cte)))
            continue;
        uint32_t cte_no = 0;
        plan_built built;
        plan_level *inner = RDB_NEW(p->arena, plan_level);
        if (!plan_add_cte(p, &cte_no))
            return false;
        level->cte_nos[i] = cte_no;
        if (uses_itself(cte)) {
            if (!plan_recursive_cte(level, cte, cte_no))
                return false;
            continue;
        }
        if (!plan_query(p, level, cte->query, inner, &built))
            return false;
        p->plan->ctes[cte_no] = (rdb_plan_cte){.node = built.node, .name = cte->name, .is_modifying = is_modifying, .is_correlated = inner->is_correlated, .is_outermost = level->parent == NULL};
    }
    return true;
}

/* ---- range table ---------------------------------------------------------------------------------------------------------------- */
static rdb_expr **range_outputs(planner *p, const rdb_range *range, uint32_t range_no, uint32_t count)
{
    rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        outputs[i] = plan_make_var(p, range_no, (int16_t)(i + 1), range->column_types.items[i], range->column_typmods ? range->column_typmods[i] : -1, range->column_collations ? range->column_collations[i] : 0);
    return outputs;
}

/* What a sub-query gave, as columns of the range that it is. */
static bool finish_subquery(plan_level *level, plan_rel *rel, plan_level *inner, const plan_built *built)
{
    planner *p = level->p;
    uint32_t count = RDB_MIN(built->count, rel->range->column_types.count);
    rdb_expr **outputs = range_outputs(p, rel->range, rel->range_no, count);
    rel->built = plan_identity(p, built->node, outputs, count);
    rel->built.count = count;
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
        node->of.cte.cte_no = owner->work_table_no;
        node->of.cte.name = range->cte_name;
        node->of.cte.alias = range->alias;
        node->rows = 100;
        rdb_expr **outputs = range_outputs(p, range, rel->range_no, count);
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
            return plan_query(p, owner, cte->query, inner, &built) && finish_subquery(level, rel, inner, &built);
        }
        for (plan_level *inside = level; p->plan->ctes[owner->cte_nos[i]].is_correlated && inside != owner; inside = inside->parent)
            inside->is_correlated = true;
        rdb_plan_node *node = plan_new_node(p, RDB_PLAN_CTE_SCAN, NULL, NULL);
        const rdb_plan_node *source = p->plan->ctes[owner->cte_nos[i]].node;
        node->of.cte.cte_no = owner->cte_nos[i];
        node->of.cte.name = range->cte_name;
        node->of.cte.alias = range->alias;
        node->rows = source ? source->rows : 100;
        node->total_cost = node->rows * COST_TUPLE;
        /* the store has the junk columns of the CTE's plan too */
        uint32_t stored = source == NULL ? count : source->passes_through ? source->input_count : source->targets.count;
        rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, RDB_MAX(stored, count) + 1);
        memcpy(outputs, range_outputs(p, range, rel->range_no, count), count * sizeof *outputs);
        for (uint32_t k = count; k < stored; k++)
            outputs[k] = outputs[0];
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
    if (!plan_parametrise(level->p, prepared, out, &arguments, &numbers, &used, 128))
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
    rdb_expr **outputs = range_outputs(p, range, rel->range_no, count);
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
    rdb_expr **outputs = range_outputs(p, range, rel->range_no, count);
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

static bool plan_range(plan_level *level, uint32_t range_no)
{
    planner *p = level->p;
    const rdb_range *range = level->query->ranges.items[range_no - 1];
    list_range(p, range);
    if (range->kind == RDB_RANGE_JOIN)
        return true;
    plan_rel *rel = RDB_NEW(p->arena, plan_rel);
    rel->range_no = range_no;
    rel->range = range;
    level->rels[range_no] = rel;
    switch ((rdb_range_kind)range->kind) {
    case RDB_RANGE_RELATION:
        if (range->sample != NULL)
            return rdb_error_set(p->err, RDB_FEATURE_NOT_SUPPORTED, "TABLESAMPLE is not supported");
        if (range->relation->kind != 'r' && range->relation->kind != 'm' && range->relation->kind != 't')
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

static bool plan_built_range(plan_level *level, plan_rel *rel)
{
    planner *p = level->p;
    switch ((rdb_range_kind)rel->range->kind) {
    case RDB_RANGE_SUBQUERY: {
        plan_level *inner = RDB_NEW(p->arena, plan_level);
        plan_built built;
        return plan_query(p, level, rel->range->subquery, inner, &built) && finish_subquery(level, rel, inner, &built);
    }
    case RDB_RANGE_CTE: return plan_cte_range(level, rel);
    case RDB_RANGE_FUNCTION: return plan_function(level, rel);
    case RDB_RANGE_VALUES: return plan_values(level, rel);
    default: return true;
    }
}

/* ---- set operations ---------------------------------------------------------------------------------------------------------------- */
static rdb_plan_key make_key(uint32_t slot_no, const rdb_expr *expr)
{
    return (rdb_plan_key){.slot_no = slot_no, .type = expr->type, .collation = expr->collation, .origin = expr};
}

/* Groups by all columns: DISTINCT by hashing. */
static bool plan_distinct_hash(planner *p, plan_built *built, uint32_t count)
{
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_AGGREGATE, built, NULL);
    rdb_expr **keys = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        rdb_expr_slot *slot = RDB_NEW(p->arena, rdb_expr_slot);
        slot->head = *built->outputs[i];
        slot->head.kind = RDB_EXPR_SLOT;
        slot->slot_no = i;
        slot->origin = built->outputs[i];
        keys[i] = &slot->head;
    }
    node->of.aggregate.strategy = RDB_AGGREGATE_HASHED;
    node->of.aggregate.key_count = count;
    node->of.aggregate.keys = keys;
    node->total_cost += node->rows * COST_OPERATOR * count;
    node->startup_cost = node->total_cost;
    node->rows = RDB_MAX(1.0, node->rows * 0.2);
    plan_set_inputs(p, node, built->outputs, count);
    *built = plan_identity(p, node, built->outputs, count);
    return true;
}

static bool flatten_union(plan_level *level, const rdb_set_operation *operation, rdb_list *leaves)
{
    if (operation->range_no == 0 && operation->kind == RDB_SET_UNION && operation->all)
        return flatten_union(level, operation->left, leaves) && flatten_union(level, operation->right, leaves);
    rdb_list_push(level->p->arena, leaves, (void *)(uintptr_t)operation);
    return true;
}

static bool plan_set_operation(plan_level *level, const rdb_set_operation *operation, plan_built *built)
{
    planner *p = level->p;
    if (++p->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(p->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (operation->range_no != 0) {
        plan_rel *rel = level->rels[operation->range_no];
        *built = rel->built;
        uint32_t count = rel->range->column_types.count;
        p->depth--;
        if (built->count > count)
            return plan_project(p, built, built->outputs, NULL, count);
        return true;
    }
    uint32_t count = operation->column_types.count;
    if (operation->kind == RDB_SET_UNION) {
        rdb_list leaves = {0};
        rdb_plan_node *node = plan_new_node(p, RDB_PLAN_APPEND, NULL, NULL);
        if (operation->all ? !flatten_union(level, operation, &leaves) : !(flatten_union(level, operation->left, &leaves) && flatten_union(level, operation->right, &leaves)))
            return false;
        rdb_expr **outputs = NULL;
        for (uint32_t i = 0; i < leaves.count; i++) {
            plan_built one;
            if (!plan_set_operation(level, leaves.items[i], &one))
                return false;
            rdb_list_push(p->arena, &node->children, one.node);
            node->rows += one.node->rows;
            node->total_cost += one.node->total_cost;
            node->width = one.node->width;
            if (i == 0)
                outputs = one.outputs;
        }
        plan_set_inputs(p, node, outputs, count);
        *built = plan_identity(p, node, outputs, count);
        if (!operation->all && !plan_distinct_hash(p, built, count))
            return false;
    } else {
        plan_built left, right;
        if (!plan_set_operation(level, operation->left, &left) || !plan_set_operation(level, operation->right, &right))
            return false;
        rdb_plan_node *node = plan_new_node(p, RDB_PLAN_SET_OP, &left, NULL);
        node->right = right.node;
        node->of.set_op.kind = operation->kind;
        node->of.set_op.all = operation->all;
        node->total_cost = left.node->total_cost + right.node->total_cost + (left.node->rows + right.node->rows) * COST_OPERATOR * count;
        node->startup_cost = node->total_cost;
        *built = plan_identity(p, node, left.outputs, count);
    }
    p->depth--;
    return true;
}

/* The targets of a set operation's query name the columns of its leftmost leaf; what is built has them in order. */
static const rdb_set_operation *leftmost(const rdb_set_operation *operation)
{
    while (operation->range_no == 0)
        operation = operation->left;
    return operation;
}

/* ---- aggregation -------------------------------------------------------------------------------------------------------------------- */
typedef struct collector {
    planner *p;
    rdb_list aggregates, windows, groupings, keys, loose; /* loose: columns outside of aggregates that are no keys */
} collector;

static bool collect(void *context, rdb_expr *expr)
{
    collector *c = context;
    for (uint32_t i = 0; i < c->keys.count; i++)
        if (rdb_expr_equal(c->keys.items[i], expr))
            return true;
    rdb_list *list = expr->kind == RDB_EXPR_AGGREGATE ? &c->aggregates : expr->kind == RDB_EXPR_GROUPING ? &c->groupings : expr->kind == RDB_EXPR_VAR ? &c->loose : NULL;
    if (list != NULL) {
        for (uint32_t i = 0; i < list->count; i++)
            if (rdb_expr_equal(list->items[i], expr))
                return true;
        rdb_list_push(c->p->arena, list, expr);
        return true;
    }
    if (expr->kind == RDB_EXPR_SUBPLAN) {
        rdb_list *arguments = &((rdb_expr_subplan *)expr)->arguments;
        for (uint32_t i = 0; i < arguments->count; i++)
            if (!collect(context, arguments->items[i]))
                return false;
        return true;
    }
    return rdb_expr_visit_children(expr, collect, context);
}

static bool collect_windows(void *context, rdb_expr *expr)
{
    collector *c = context;
    if (expr->kind == RDB_EXPR_WINDOW) {
        for (uint32_t i = 0; i < c->windows.count; i++)
            if (rdb_expr_equal(c->windows.items[i], expr))
                return true;
        rdb_list_push(c->p->arena, &c->windows, expr);
        return true;
    }
    return rdb_expr_visit_children(expr, collect_windows, context);
}

static const rdb_target *find_target(const rdb_list *targets, uint32_t ref, uint32_t *position)
{
    for (uint32_t i = 0; i < targets->count; i++) {
        const rdb_target *target = targets->items[i];
        if (target->sort_ref == ref) {
            *position = i;
            return target;
        }
    }
    *position = 0;
    return NULL;
}

/* Grouping sets as bit masks over the keys: ROLLUP and CUBE written out, several items multiplied. */
static bool expand_sets(planner *p, const rdb_list *sets, const uint32_t *refs, uint32_t key_count, uint64_t **masks, uint32_t *count);

static uint64_t mask_of(const rdb_list *content, const uint32_t *refs, uint32_t key_count)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < content->count; i++)
        for (uint32_t k = 0; k < key_count; k++)
            if (refs[k] == (uint32_t)(uintptr_t)content->items[i])
                mask |= UINT64_C(1) << k;
    return mask;
}

static bool expand_set(planner *p, const rdb_grouping_set *set, const uint32_t *refs, uint32_t key_count, uint64_t **masks, uint32_t *count)
{
    *count = 0;
    switch ((rdb_grouping_kind)set->kind) {
    case RDB_GROUPING_EMPTY:
    case RDB_GROUPING_SIMPLE:
        *masks = RDB_NEW_ARRAY(p->arena, uint64_t, 1);
        (*masks)[(*count)++] = set->kind == RDB_GROUPING_EMPTY ? 0 : mask_of(&set->content, refs, key_count);
        return true;
    case RDB_GROUPING_ROLLUP:
    case RDB_GROUPING_CUBE: {
        uint32_t items = set->content.count;
        if (set->kind == RDB_GROUPING_CUBE && items > 12)
            return rdb_error_set(p->err, RDB_TOO_MANY_COLUMNS, "CUBE is limited to 12 elements");
        uint32_t total = set->kind == RDB_GROUPING_ROLLUP ? items + 1 : UINT32_C(1) << items;
        *masks = RDB_NEW_ARRAY(p->arena, uint64_t, total);
        for (uint32_t i = 0; i < total; i++) {
            uint64_t mask = 0;
            for (uint32_t k = 0; k < items; k++)
                if (set->kind == RDB_GROUPING_ROLLUP ? k < items - i : ((total - 1 - i) >> (items - 1 - k) & 1) != 0)
                    mask |= mask_of(&((const rdb_grouping_set *)set->content.items[k])->content, refs, key_count);
            (*masks)[(*count)++] = mask;
        }
        return true;
    }
    case RDB_GROUPING_SETS: {
        uint32_t capacity = 0;
        uint64_t *all = NULL;
        for (uint32_t i = 0; i < set->content.count; i++) {
            uint64_t *one = NULL;
            uint32_t one_count = 0;
            if (!expand_set(p, set->content.items[i], refs, key_count, &one, &one_count))
                return false;
            uint64_t *larger = RDB_NEW_ARRAY(p->arena, uint64_t, capacity + one_count + 1);
            if (capacity)
                memcpy(larger, all, capacity * sizeof *larger);
            memcpy(larger + capacity, one, one_count * sizeof *larger);
            capacity += one_count;
            all = larger;
        }
        *masks = all;
        *count = capacity;
        return true;
    }
    }
    return true;
}

static bool expand_sets(planner *p, const rdb_list *sets, const uint32_t *refs, uint32_t key_count, uint64_t **masks, uint32_t *count)
{
    uint64_t *product = RDB_NEW_ARRAY(p->arena, uint64_t, 1);
    uint32_t product_count = 1;
    for (uint32_t i = 0; i < sets->count; i++) {
        uint64_t *one = NULL;
        uint32_t one_count = 0;
        if (!expand_set(p, sets->items[i], refs, key_count, &one, &one_count))
            return false;
        if ((uint64_t)product_count * one_count > 4096)
            return rdb_error_set(p->err, RDB_STATEMENT_TOO_COMPLEX, "too many grouping sets present (maximum 4096)");
        uint64_t *next = RDB_NEW_ARRAY(p->arena, uint64_t, (size_t)product_count * one_count + 1);
        uint32_t next_count = 0;
        for (uint32_t a = 0; a < product_count; a++)
            for (uint32_t b = 0; b < one_count; b++)
                next[next_count++] = product[a] | one[b];
        product = next;
        product_count = next_count;
    }
    *masks = product;
    *count = product_count;
    return true;
}

static bool plan_call(planner *p, const plan_built *built, rdb_expr_aggregate *aggregate, rdb_plan_aggregate_call *call)
{
    rdb_list arguments = {0}, extra = {0};
    uint32_t positions = 0;
    uint32_t *slot_of = RDB_NEW_ARRAY(p->arena, uint32_t, aggregate->arguments.count + 1);
    for (int junk = 0; junk < 2; junk++)
        for (uint32_t i = 0; i < aggregate->arguments.count; i++) {
            const rdb_target *target = aggregate->arguments.items[i];
            rdb_expr *one = NULL;
            if (target->is_junk != (junk == 1))
                continue;
            if (!plan_resolve(p, built, target->expr, &one))
                return false;
            rdb_list_push(p->arena, junk ? &extra : &arguments, one);
            slot_of[i] = positions++;
        }
    rdb_list direct = {0};
    if (!plan_resolve_list(p, built, &aggregate->direct_arguments, &direct))
        return false;
    *call = (rdb_plan_aggregate_call){.aggregate = aggregate, .argument_count = arguments.count, .arguments = (rdb_expr *const *)arguments.items, .extra_count = extra.count, .extra = (rdb_expr *const *)extra.items,
                                      .direct_count = direct.count, .direct = (rdb_expr *const *)direct.items, .is_distinct = aggregate->distinct.count > 0};
    if (aggregate->filter != NULL && !plan_resolve(p, built, aggregate->filter, &call->filter))
        return false;
    rdb_plan_key *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, aggregate->order.count + 1);
    for (uint32_t i = 0; i < aggregate->order.count; i++) {
        const rdb_sort_item *item = aggregate->order.items[i];
        uint32_t position = 0;
        const rdb_target *target = find_target(&aggregate->arguments, item->target_ref, &position);
        if (target == NULL)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "ORDER BY item of an aggregate is not there");
        keys[i] = make_key(slot_of[position], target->expr);
        keys[i].is_descending = item->is_descending;
        keys[i].nulls_first = item->nulls_first;
    }
    call->order = keys;
    call->order_count = aggregate->order.count;
    return true;
}

static bool plan_aggregation(plan_level *level, plan_built *built, rdb_expr **targets, const rdb_list *having)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    collector c = {.p = p};
    uint32_t *refs = RDB_NEW_ARRAY(p->arena, uint32_t, query->group.count + 1);
    for (uint32_t i = 0; i < query->group.count; i++) {
        const rdb_sort_item *item = query->group.items[i];
        uint32_t position = 0;
        if (find_target(&query->targets, item->target_ref, &position) == NULL)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "GROUP BY item is not there");
        refs[i] = item->target_ref;
        if (query->grouping_sets.count > 0 && targets[position]->kind == RDB_EXPR_CONST) { /* null in the sets that lack it: a column, not a constant */
            rdb_expr_unary *key = RDB_NEW(p->arena, rdb_expr_unary);
            key->head = *targets[position];
            key->head.kind = RDB_EXPR_RELABEL;
            key->argument = targets[position];
            key->form = RDB_FORM_IMPLICIT_CAST;
            targets[position] = &key->head;
        }
        rdb_list_push(p->arena, &c.keys, targets[position]);
    }
    uint32_t group_count = c.keys.count;
    if (query->has_set_returning_targets && !plan_inner_sets(p, built, (rdb_expr *const *)c.keys.items, group_count, true))
        return false;
    for (uint32_t i = 0; i < query->targets.count; i++)
        (void)collect(&c, targets[i]);
    for (uint32_t i = 0; i < having->count; i++)
        (void)collect(&c, having->items[i]);
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_AGGREGATE, built, NULL);
    rdb_plan_aggregate *plan = &node->of.aggregate;
    rdb_list keys = {0};
    /* columns that depend on the keys (the primary key is among them): keys as well, which changes no group */
    for (uint32_t i = 0; i < c.loose.count; i++)
        rdb_list_push(p->arena, &c.keys, c.loose.items[i]);
    if (!plan_resolve_list(p, built, &c.keys, &keys))
        return false;
    rdb_plan_aggregate_call *calls = RDB_NEW_ARRAY(p->arena, rdb_plan_aggregate_call, c.aggregates.count + 1);
    for (uint32_t i = 0; i < c.aggregates.count; i++)
        if (!plan_call(p, built, c.aggregates.items[i], &calls[i]))
            return false;
    plan->key_count = keys.count;
    plan->keys = (rdb_expr *const *)keys.items;
    plan->call_count = c.aggregates.count;
    plan->calls = calls;
    plan->strategy = keys.count == 0 && query->grouping_sets.count == 0 ? RDB_AGGREGATE_PLAIN : RDB_AGGREGATE_HASHED;
    if (query->grouping_sets.count > 0) {
        uint64_t *masks = NULL;
        if (keys.count > 64)
            return rdb_error_set(p->err, RDB_STATEMENT_TOO_COMPLEX, "too many grouping columns");
        if (!expand_sets(p, &query->grouping_sets, refs, group_count, &masks, &plan->set_count))
            return false;
        for (uint32_t i = 0; i < plan->set_count; i++)
            for (uint32_t k = group_count; k < keys.count; k++)
                masks[i] |= UINT64_C(1) << k;
        if (query->group_distinct) {
            uint32_t kept = 0;
            for (uint32_t i = 0; i < plan->set_count; i++) {
                bool seen = false;
                for (uint32_t k = 0; k < kept; k++)
                    seen = seen || masks[k] == masks[i];
                if (!seen)
                    masks[kept++] = masks[i];
            }
            plan->set_count = kept;
        }
        plan->sets = masks;
    }
    rdb_list *groupings = RDB_NEW_ARRAY(p->arena, rdb_list, c.groupings.count + 1);
    for (uint32_t i = 0; i < c.groupings.count; i++) {
        const rdb_expr_grouping *grouping = c.groupings.items[i];
        for (uint32_t k = 0; k < grouping->arguments.count; k++)
            for (uint32_t key = 0; key < group_count; key++)
                if (refs[key] == grouping->refs[k])
                    rdb_list_push(p->arena, &groupings[i], (void *)(uintptr_t)key);
    }
    plan->grouping_count = c.groupings.count;
    plan->groupings = groupings;
    uint32_t count = keys.count + c.aggregates.count + c.groupings.count;
    rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 1);
    for (uint32_t i = 0; i < keys.count; i++)
        outputs[i] = c.keys.items[i];
    for (uint32_t i = 0; i < c.aggregates.count; i++)
        outputs[keys.count + i] = c.aggregates.items[i];
    for (uint32_t i = 0; i < c.groupings.count; i++)
        outputs[keys.count + c.aggregates.count + i] = c.groupings.items[i];
    plan_set_inputs(p, node, outputs, count);
    double input_rows = node->rows;
    node->total_cost += input_rows * (COST_OPERATOR * (keys.count + c.aggregates.count) + 0.001);
    node->startup_cost = node->total_cost;
    double groups = 1;
    for (uint32_t i = 0; i < group_count; i++)
        groups *= plan_distinct(level, c.keys.items[i], input_rows);
    node->rows = keys.count == 0 ? 1 : RDB_MAX(1.0, RDB_MIN(groups, input_rows));
    *built = plan_identity(p, node, outputs, count);
    return plan_resolve_list(p, built, having, &node->filter);
}

/* ---- sorting ---------------------------------------------------------------------------------------------------------------------------- */
static bool add_sort(planner *p, plan_built *built, const rdb_plan_key *keys, uint32_t count)
{
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_SORT, built, NULL);
    node->of.sort.key_count = count;
    node->of.sort.keys = keys;
    node->startup_cost = node->total_cost + 2 * COST_OPERATOR * node->rows * log2(node->rows + 2);
    node->total_cost = node->startup_cost + COST_OPERATOR * node->rows;
    *built = plan_identity(p, node, built->outputs, built->count);
    return true;
}

/* Keys over the query's target columns, which are built's outputs in order. */
static bool keys_of_items(planner *p, const rdb_query *query, const rdb_list *items, const plan_built *built, rdb_plan_key **keys)
{
    *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, items->count + 1);
    for (uint32_t i = 0; i < items->count; i++) {
        const rdb_sort_item *item = items->items[i];
        uint32_t position = 0;
        if (find_target(&query->targets, item->target_ref, &position) == NULL)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "ORDER BY item is not there");
        (*keys)[i] = make_key(position, built->outputs[position]);
        (*keys)[i].is_descending = item->is_descending;
        (*keys)[i].nulls_first = item->nulls_first;
    }
    return true;
}

static bool plan_windows(plan_level *level, plan_built *built, rdb_expr **targets)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    collector c = {.p = p};
    for (uint32_t i = 0; i < query->targets.count; i++)
        (void)collect_windows(&c, targets[i]);
    for (uint32_t w = 0; w < query->windows.count; w++) {
        const rdb_window *window = query->windows.items[w];
        rdb_list calls = {0};
        for (uint32_t i = 0; i < c.windows.count; i++) {
            const rdb_expr_window *call = c.windows.items[i];
            if (call->window_no == w)
                rdb_list_push(p->arena, &calls, c.windows.items[i]);
        }
        if (calls.count == 0)
            continue;
        uint32_t key_count = window->partition.count + window->order.count;
        rdb_expr **exprs = RDB_NEW_ARRAY(p->arena, rdb_expr *, key_count + 1);
        uint32_t *slots = RDB_NEW_ARRAY(p->arena, uint32_t, key_count + 1);
        rdb_plan_key *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, key_count + 1);
        for (uint32_t i = 0; i < key_count; i++) {
            const rdb_sort_item *item = i < window->partition.count ? window->partition.items[i] : window->order.items[i - window->partition.count];
            uint32_t position = 0;
            if (find_target(&query->targets, item->target_ref, &position) == NULL)
                return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "window's sort item is not there");
            exprs[i] = targets[position];
            keys[i].is_descending = item->is_descending;
            keys[i].nulls_first = item->nulls_first;
        }
        if (!plan_ensure_columns(p, built, exprs, key_count, slots))
            return false;
        for (uint32_t i = 0; i < key_count; i++) {
            bool descending = keys[i].is_descending, nulls_first = keys[i].nulls_first;
            keys[i] = make_key(slots[i], exprs[i]);
            keys[i].is_descending = descending;
            keys[i].nulls_first = nulls_first;
        }
        if (key_count > 0 && !add_sort(p, built, keys, key_count))
            return false;
        rdb_plan_node *node = plan_new_node(p, RDB_PLAN_WINDOW, built, NULL);
        rdb_plan_window *plan = &node->of.window;
        rdb_plan_window_call *planned = RDB_NEW_ARRAY(p->arena, rdb_plan_window_call, calls.count);
        rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, built->count + calls.count + 1);
        memcpy(outputs, built->outputs, built->count * sizeof *outputs);
        for (uint32_t i = 0; i < calls.count; i++) {
            rdb_expr_window *call = calls.items[i];
            rdb_list arguments = {0};
            if (!plan_resolve_list(p, built, &call->arguments, &arguments))
                return false;
            planned[i] = (rdb_plan_window_call){.window = call, .argument_count = arguments.count, .arguments = (rdb_expr *const *)arguments.items};
            if (call->filter != NULL && !plan_resolve(p, built, call->filter, &planned[i].filter))
                return false;
            outputs[built->count + i] = &call->head;
        }
        plan->window = window;
        plan->partition_count = window->partition.count;
        plan->order_count = window->order.count;
        plan->keys = keys;
        plan->call_count = calls.count;
        plan->calls = planned;
        if ((window->start_offset != NULL && !plan_prepare(level, window->start_offset, &plan->start_offset)) ||
            (window->end_offset != NULL && !plan_prepare(level, window->end_offset, &plan->end_offset)))
            return false;
        node->total_cost += node->rows * COST_OPERATOR * (calls.count + 1.0);
        plan_set_inputs(p, node, outputs, built->count + calls.count);
        *built = plan_identity(p, node, outputs, built->count + calls.count);
    }
    return true;
}

static bool plan_distinct_clause(plan_level *level, plan_built *built, bool *is_sorted)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    uint32_t count = 0;
    for (uint32_t i = 0; i < query->targets.count; i++)
        count += !((const rdb_target *)query->targets.items[i])->is_junk;
    if (!query->has_distinct_on) {
        /* junk, which stands last, served the windows */
        return (count == built->count || plan_project(p, built, built->outputs, NULL, count)) && plan_distinct_hash(p, built, count);
    }
    /* DISTINCT ON: sorted by ORDER BY, which begins with the expressions (in some order), then by the rest of them */
    rdb_plan_key *sort_keys = NULL, *keys = NULL;
    rdb_list items = query->sort;
    rdb_list all = {0};
    for (uint32_t i = 0; i < items.count; i++)
        rdb_list_push(p->arena, &all, items.items[i]);
    for (uint32_t i = 0; i < query->distinct.count; i++) {
        const rdb_sort_item *wanted = query->distinct.items[i];
        bool found = false;
        for (uint32_t k = 0; k < items.count; k++)
            found = found || ((const rdb_sort_item *)items.items[k])->target_ref == wanted->target_ref;
        if (!found)
            rdb_list_push(p->arena, &all, query->distinct.items[i]);
    }
    if (!keys_of_items(p, query, &all, built, &sort_keys) || !keys_of_items(p, query, &query->distinct, built, &keys) || !add_sort(p, built, sort_keys, all.count))
        return false;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_UNIQUE, built, NULL);
    node->of.sort.key_count = query->distinct.count;
    node->of.sort.keys = keys;
    *built = plan_identity(p, node, built->outputs, built->count);
    *is_sorted = true;
    return true;
}

static bool plan_limit(plan_level *level, plan_built *built)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_LIMIT, built, NULL);
    if ((query->limit_count != NULL && !plan_prepare(level, query->limit_count, &node->of.limit.count)) || (query->limit_offset != NULL && !plan_prepare(level, query->limit_offset, &node->of.limit.offset)))
        return false;
    if (query->with_ties) {
        rdb_plan_key *keys = NULL;
        if (!keys_of_items(p, query, &query->sort, built, &keys))
            return false;
        node->of.limit.with_ties = true;
        node->of.limit.key_count = query->sort.count;
        node->of.limit.keys = keys;
    }
    const rdb_expr_const *count = (const rdb_expr_const *)node->of.limit.count;
    if (count != NULL && count->head.kind == RDB_EXPR_CONST && !count->is_null && count->value.i64 >= 0 && (double)count->value.i64 < node->rows) {
        double part = (double)count->value.i64 / RDB_MAX(node->rows, 1.0);
        node->total_cost = node->startup_cost + (node->total_cost - node->startup_cost) * part;
        node->rows = RDB_MAX(1.0, (double)count->value.i64);
    }
    *built = plan_identity(p, node, built->outputs, built->count);
    return true;
}

/* FOR UPDATE and kin: who each locked row is travels up as columns after the targets. */
static bool add_lock_columns(plan_level *level, rdb_list *extra)
{
    planner *p = level->p;
    const rdb_type *type = NULL;
    if (!rdb_type_get(p->access, RDB_INT8OID, &type, p->err))
        return false;
    for (uint32_t i = 0; i < level->query->row_marks.count; i++) {
        const rdb_row_mark *mark = level->query->row_marks.items[i];
        const plan_rel *rel = level->rels[mark->range_no];
        if (rel == NULL || rel->has_built)
            continue;
        for (int16_t column = RDB_COLUMN_ADDRESS; column >= RDB_COLUMN_VERSION_UNDO; column--) {
            plan_need_column(level, mark->range_no, column);
            rdb_list_push(p->arena, extra, plan_make_var(p, mark->range_no, column, type, -1, 0));
        }
    }
    return true;
}

static bool plan_locks(plan_level *level, plan_built *built, uint32_t first_slot)
{
    planner *p = level->p;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_LOCK_ROWS, built, NULL);
    rdb_plan_lock *locks = RDB_NEW_ARRAY(p->arena, rdb_plan_lock, level->query->row_marks.count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < level->query->row_marks.count; i++) {
        const rdb_row_mark *mark = level->query->row_marks.items[i];
        const plan_rel *rel = level->rels[mark->range_no];
        if (rel == NULL || rel->has_built)
            continue;
        locks[count] = (rdb_plan_lock){.scan_no = rel->scan_no, .relation = rel->range->relation, .identity_slot = first_slot + 3 * count, .strength = mark->strength, .policy = mark->policy};
        count++;
    }
    if (count == 0)
        return true;
    p->plan->is_read_only = false;
    node->of.lock.lock_count = count;
    node->of.lock.locks = locks;
    *built = plan_identity(p, node, built->outputs, built->count);
    return true;
}

/* The order that FROM could give already: plain columns of one relation, and nothing above that changes rows or order. */
static uint32_t wanted_order(plan_level *level, rdb_expr *const *targets, plan_order *order, double *limit)
{
    const rdb_query *query = level->query;
    uint32_t range_no = 0;
    if (query->sort.count == 0 || query->has_aggregates || query->group.count > 0 || query->grouping_sets.count > 0 || query->has_windows || query->distinct.count > 0 || query->has_set_returning_targets)
        return 0;
    for (uint32_t i = 0; i < query->sort.count; i++) {
        const rdb_sort_item *item = query->sort.items[i];
        uint32_t position = 0;
        if (find_target(&query->targets, item->target_ref, &position) == NULL || targets[position]->kind != RDB_EXPR_VAR)
            return 0;
        const rdb_expr_var *var = (const rdb_expr_var *)targets[position];
        if (var->attribute_no <= 0 || (range_no != 0 && var->range_no != range_no))
            return 0;
        range_no = var->range_no;
        order[i] = (plan_order){var->attribute_no, item->is_descending, item->nulls_first};
    }
    const rdb_expr_const *count = (const rdb_expr_const *)query->limit_count;
    if (count != NULL)
        *limit = count->head.kind == RDB_EXPR_CONST && !count->is_null && count->value.i64 > 0 ? (double)count->value.i64 : 10;
    return query->sort.count;
}

/* ---- one level ------------------------------------------------------------------------------------------------------------------------------ */
static bool plan_select(plan_level *level, plan_built *built)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    uint32_t count = query->targets.count;
    rdb_expr **targets = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 1);
    rdb_list where = {0}, having = {0}, extra = {0};
    for (uint32_t i = 0; i < count; i++)
        if (!plan_prepare(level, ((const rdb_target *)query->targets.items[i])->expr, &targets[i]))
            return false;
    if (!plan_prepare_conjuncts(level, query->where, &where) || !plan_prepare_conjuncts(level, query->having, &having))
        return false;
    if (query->command == RDB_COMMAND_SELECT && query->row_marks.count > 0 && !add_lock_columns(level, &extra))
        return false;
    if ((query->command == RDB_COMMAND_UPDATE || query->command == RDB_COMMAND_DELETE || query->command == RDB_COMMAND_MERGE) && !plan_modify_columns(level, &extra))
        return false;
    if (query->set_operation != NULL) {
        if (!plan_set_operation(level, query->set_operation, built))
            return false;
        const rdb_range *first = query->ranges.items[leftmost(query->set_operation)->range_no - 1];
        built->outputs = range_outputs(p, first, leftmost(query->set_operation)->range_no, built->count);
    } else {
        plan_order *order = RDB_NEW_ARRAY(p->arena, plan_order, query->sort.count + 1);
        double limit = 0;
        uint32_t order_count = wanted_order(level, targets, order, &limit);
        if (!plan_from(level, &where, built, order, order_count, limit))
            return false;
    }
    if ((query->has_aggregates || query->group.count > 0 || query->grouping_sets.count > 0 || query->having != NULL) && !plan_aggregation(level, built, targets, &having))
        return false;
    if (query->has_windows && !plan_windows(level, built, targets))
        return false;
    /* all targets, junk too, then row identities */
    rdb_expr **all = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + extra.count + 1);
    rdb_list all_targets = {0};
    memcpy(all, targets, count * sizeof *all);
    for (uint32_t i = 0; i < count; i++)
        rdb_list_push(p->arena, &all_targets, query->targets.items[i]);
    for (uint32_t i = 0; i < extra.count; i++) {
        all[count + i] = extra.items[i];
        rdb_target *target = RDB_NEW(p->arena, rdb_target);
        target->is_junk = true;
        rdb_list_push(p->arena, &all_targets, target);
    }
    if (!plan_project(p, built, all, &all_targets, count + extra.count))
        return false;
    bool is_sorted = level->is_ordered;
    if (query->distinct.count > 0 && !plan_distinct_clause(level, built, &is_sorted))
        return false;
    if (query->sort.count > 0 && !is_sorted) {
        rdb_plan_key *keys = NULL;
        if (!keys_of_items(p, query, &query->sort, built, &keys) || !add_sort(p, built, keys, query->sort.count))
            return false;
    }
    if (query->command == RDB_COMMAND_SELECT && query->row_marks.count > 0 && !plan_locks(level, built, count))
        return false;
    if ((query->limit_count != NULL || query->limit_offset != NULL) && !plan_limit(level, built))
        return false;
    return true;
}

bool plan_query(planner *p, plan_level *parent, const rdb_query *query, plan_level *level, plan_built *built)
{
    if (++p->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(p->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    double fraction = level->tuple_fraction;
    query = plan_join_sublinks(p, query);
    *level = (plan_level){.p = p, .parent = parent, .query = query, .range_count = query->ranges.count, .tuple_fraction = fraction};
    if (query->ranges.count >= PLAN_RELIDS_WORDS * 64)
        return rdb_error_set(p->err, RDB_STATEMENT_TOO_COMPLEX, "too many range table entries");
    level->rels = RDB_NEW_ARRAY(p->arena, plan_rel *, query->ranges.count + 1);
    uint32_t first_cte = p->plan->cte_count;
    if (!plan_ctes(level))
        return false;
    uint32_t end_cte = p->plan->cte_count;
    for (uint32_t i = 1; i <= query->ranges.count; i++)
        if (!plan_range(level, i))
            return false;
    for (uint32_t i = 1; i <= query->ranges.count; i++)
        if (level->rels[i] != NULL && !plan_built_range(level, level->rels[i]))
            return false;
    if (!plan_select(level, built))
        return false;
    if (query->command != RDB_COMMAND_SELECT && !plan_modify(p, level, built))
        return false;
    plan_own_ctes(built->node, first_cte, end_cte);
    p->depth--;
    return rdb_arena_check(p->arena, p->err);
}

static planner make_planner(const rdb_plan_context *context, rdb_plan *plan, rdb_error *err)
{
    return (planner){.arena = context->arena, .access = context->access, .context = context, .err = err, .plan = plan,
                     .eval = {.access = context->access, .format = context->format ? context->format : rdb_format_default(), .session = context->session ? ((rdb_eval *)context->session)->session : NULL}};
}

const rdb_list *rdb_query_result_targets(const rdb_query *query);

bool rdb_plan_make(const rdb_plan_context *context, const rdb_query *query, rdb_plan **out, rdb_error *err)
{
    rdb_plan *plan = RDB_NEW(context->arena, rdb_plan);
    planner p = make_planner(context, plan, err);
    plan_level *level = RDB_NEW(context->arena, plan_level);
    plan_built built;
    *out = NULL;
    plan->arena = context->arena;
    plan->command = query->command;
    plan->is_read_only = query->command == RDB_COMMAND_SELECT && !query->has_modifying_cte;
    if (!plan_query(&p, NULL, query, level, &built))
        return false;
    plan->root = built.node;
    const rdb_list *source = query->command == RDB_COMMAND_SELECT ? &query->targets : &query->returning;
    rdb_list *results = RDB_NEW(context->arena, rdb_list);
    for (uint32_t i = 0; i < source->count; i++)
        if (!((const rdb_target *)source->items[i])->is_junk)
            rdb_list_push(context->arena, results, source->items[i]);
    plan->result_targets = results;
    plan->returns_rows = query->command == RDB_COMMAND_SELECT || query->returning.count > 0;
    *out = plan;
    return true;
}

bool rdb_plan_make_expr(const rdb_plan_context *context, const rdb_relation *relation, const rdb_expr *source, rdb_expr **expr, rdb_error *err)
{
    rdb_plan plan = {.arena = context->arena};
    planner p = make_planner(context, &plan, err);
    uint32_t count = relation ? relation->column_count : 0;
    plan_built row = {.count = count, .outputs = RDB_NEW_ARRAY(context->arena, rdb_expr *, count + 1)};
    for (uint32_t i = 0; i < count; i++)
        row.outputs[i] = relation->columns[i].is_dropped || relation->columns[i].type == NULL ? NULL : plan_make_var(&p, 1, (int16_t)(i + 1), relation->columns[i].type, relation->columns[i].typmod, relation->columns[i].collation);
    rdb_expr *folded = NULL;
    return rdb_expr_fold(context->arena, &p.eval, (rdb_expr *)(uintptr_t)source, &folded, err) && plan_resolve(&p, &row, folded, expr);
}
