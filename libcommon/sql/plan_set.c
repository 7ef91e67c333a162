/* SPDX-License-Identifier: Apache-2.0
 * Planning UNION, INTERSECT and EXCEPT, and duplicates removed by hashing. */
#include "sql/plan_int.h"
#include <math.h>

rdb_plan_key plan_key(uint32_t slot_no, const rdb_expr *expr)
{
    return (rdb_plan_key){.slot_no = slot_no, .type = expr->type, .collation = expr->collation, .origin = expr};
}

/* Groups by all columns: DISTINCT by hashing. collations NULL: those that the columns have. */
bool plan_distinct_hash(plan_level *level, plan_built *built, uint32_t count, const uint32_t *collations)
{
    planner *p = level->p;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_AGGREGATE, built, NULL);
    rdb_expr **keys = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        rdb_expr_slot *slot = RDB_NEW(p->arena, rdb_expr_slot);
        slot->head = *built->outputs[i];
        slot->head.kind = RDB_EXPR_SLOT;
        slot->slot_no = i;
        slot->head.collation = collations != NULL ? collations[i] : slot->head.collation;
        slot->origin = built->outputs[i];
        keys[i] = &slot->head;
    }
    node->of.aggregate.strategy = RDB_AGGREGATE_HASHED;
    node->of.aggregate.key_count = count;
    node->of.aggregate.keys = keys;
    node->total_cost += node->rows * COST_OPERATOR * count;
    node->startup_cost = node->total_cost;
    node->rows = plan_group_count(level, built->outputs, count, node->rows);
    plan_set_inputs(p, node, built->outputs, count);
    *built = plan_identity(p, node, built->outputs, count);
    return true;
}

bool plan_distinct_rows(plan_level *level, plan_built *built, uint32_t count)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    const rdb_list items = plan_distinct_items(p, query);
    const bool is_wanted = level->want.goal == PLAN_GOAL_GROUP && query->group.count == 0 && level->want.count == items.count;
    rdb_plan_key *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, items.count + 1);
    bool sorts = false;
    if (is_wanted)
        (void)plan_goal_cost(level, level->ordered_count, built->node->rows, built->node->width, built->node->startup_cost, built->node->total_cost, &sorts);
    for (uint32_t i = 0; sorts && i < items.count; i++) {
        const rdb_sort_item *item = items.items[i];
        uint32_t position = 0;
        if (plan_find_target(&query->targets, item->target_ref, &position) == NULL || position >= count)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "DISTINCT item is not there");
        keys[i] = plan_key(position, built->outputs[position]);
        keys[i].is_descending = item->is_descending;
        keys[i].nulls_first = item->nulls_first;
    }
    if (!sorts) {
        level->have_count = 0;
        return plan_distinct_hash(level, built, count, NULL);
    }
    if (!plan_sort_by(level, built, keys, items.count, 0))
        return false;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_UNIQUE, built, NULL);
    node->of.sort.key_count = items.count;
    node->of.sort.keys = keys;
    node->total_cost += COST_OPERATOR * node->rows * items.count;
    node->rows = plan_group_count(level, built->outputs, count, node->rows);
    *built = plan_identity(p, node, built->outputs, built->count);
    return true;
}

static bool flatten_union(plan_level *level, const rdb_set_operation *operation, rdb_list *leaves)
{
    if (operation->range_no == 0 && operation->kind == RDB_SET_UNION && operation->all)
        return flatten_union(level, operation->left, leaves) && flatten_union(level, operation->right, leaves);
    rdb_list_push(level->p->arena, leaves, (void *)(uintptr_t)operation);
    return true;
}

/* One side's rows with its number behind them, so that one operator counts both. */
static bool number_side(plan_level *level, plan_built *side, uint32_t count, int32_t number)
{
    planner *p = level->p;
    rdb_expr **exprs = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 1);
    rdb_expr_const *flag = RDB_NEW(p->arena, rdb_expr_const);
    flag->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .typmod = -1};
    flag->value.i32 = number;
    if (!rdb_type_get(p->access, RDB_INT4OID, &flag->head.type, p->err))
        return false;
    memcpy(exprs, side->outputs, count * sizeof *exprs);
    exprs[count] = &flag->head;
    return plan_project(p, side, exprs, NULL, count + 1);
}

/* Duplicates found by sorting or by hashing: whichever is possible, and cheaper where both are. */
static bool choose_set(plan_level *level, const rdb_set_operation *operation, const rdb_plan_node *input, uint32_t count, double groups, bool *sorts)
{
    planner *p = level->p;
    bool can_sort = true, can_hash = true;
    for (uint32_t i = 0; i < operation->groupings.count; i++) {
        const rdb_sort_item *item = operation->groupings.items[i];
        can_sort &= item->order_oid != 0;
        can_hash &= item->can_hash;
    }
    *sorts = !can_hash;
    if (!can_sort && !can_hash) {
        rdb_error_set(p->err, RDB_FEATURE_NOT_SUPPORTED, "could not implement %s", operation->kind == RDB_SET_UNION ? "UNION" : operation->kind == RDB_SET_INTERSECT ? "INTERSECT" : "EXCEPT");
        return rdb_error_detail(p->err, "Some of the datatypes only support hashing, while others only support sorting.");
    }
    if (!can_sort || !can_hash)
        return true;
    double startup = 0, sorted = 0, hashed = input->total_cost + COST_OPERATOR * count * input->rows + COST_TUPLE * groups;
    plan_sort_cost(p, input->rows, input->width, input->total_cost, &startup, &sorted);
    sorted += COST_OPERATOR * count * input->rows + (p->context->no_sort ? 1e10 : 0);
    hashed += p->context->no_hash_aggregate ? 1e10 : 0;
    *sorts = sorted < hashed;
    return true;
}

static bool sort_all(plan_level *level, plan_built *built, const rdb_set_operation *operation, uint32_t count, rdb_plan_key **keys)
{
    planner *p = level->p;
    *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        (*keys)[i] = plan_key(i, built->outputs[i]);
        (*keys)[i].collation = operation->column_collations[i];
    }
    if (count == 0)
        return true;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_SORT, built, NULL);
    node->of.sort.key_count = count;
    node->of.sort.keys = *keys;
    plan_sort_cost(p, node->rows, node->width, node->total_cost, &node->startup_cost, &node->total_cost);
    *built = plan_identity(p, node, built->outputs, built->count);
    return true;
}

/* ---- members of a UNION ALL, one into the other by the order that is asked for ------------------------------------------------------- */
/* The column that an item of ORDER BY over a set operation sorts by, from 0; false: it is none of them alone. */
static bool sorted_column(const rdb_query *query, const rdb_sort_item *item, uint32_t *column)
{
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const rdb_target *target = query->targets.items[i];
        const rdb_expr_var *var = (const rdb_expr_var *)target->expr;
        if (target->sort_ref != item->target_ref)
            continue;
        *column = var->head.kind == RDB_EXPR_VAR ? (uint32_t)var->attribute_no - 1 : 0;
        return var->head.kind == RDB_EXPR_VAR && var->levels_up == 0 && var->attribute_no > 0;
    }
    return false;
}

/* A member's query that asks for the order itself; NULL: it has rows of its own choice, or one of its own. */
static const rdb_query *order_member(planner *p, const rdb_query *query, const rdb_query *member)
{
    if (member->command != RDB_COMMAND_SELECT || member->sort.count > 0 || member->limit_count != NULL || member->limit_offset != NULL || member->row_marks.count > 0 ||
        member->distinct.count > 0 || member->has_set_returning_targets)
        return NULL;
    rdb_query *ordered = rdb_arena_memdup(p->arena, member, sizeof *ordered);
    uint32_t last_ref = 0;
    ordered->targets = (rdb_list){0};
    for (uint32_t i = 0; i < member->targets.count; i++) {
        rdb_list_push(p->arena, &ordered->targets, rdb_arena_memdup(p->arena, member->targets.items[i], sizeof(rdb_target)));
        last_ref = RDB_MAX(last_ref, ((const rdb_target *)member->targets.items[i])->sort_ref);
    }
    for (uint32_t i = 0; i < query->sort.count; i++) {
        rdb_sort_item *item = rdb_arena_memdup(p->arena, query->sort.items[i], sizeof *item);
        uint32_t column;
        if (!sorted_column(query, item, &column) || column >= ordered->targets.count)
            return NULL;
        rdb_target *target = ordered->targets.items[column];
        if (target->sort_ref == 0)
            target->sort_ref = ++last_ref;
        item->target_ref = target->sort_ref;
        rdb_list_push(p->arena, &ordered->sort, item);
    }
    return ordered;
}

bool plan_passes_rows(const rdb_query *query)
{
    return query->command == RDB_COMMAND_SELECT && query->ranges.count == 1 && query->from.count == 1 && query->set_operation == NULL && !query->has_aggregates && query->group.count == 0 &&
           query->grouping_sets.count == 0 && query->having == NULL && !query->has_windows && query->distinct.count == 0 && query->row_marks.count == 0 && !query->has_set_returning_targets;
}

/* ORDER BY over a sub-query that is a UNION ALL: asked of that. */
static const rdb_query *order_below(planner *p, const rdb_query *query)
{
    const rdb_range *range = query->ranges.items[0];
    const rdb_query *below = range->kind == RDB_RANGE_SUBQUERY && range->subquery->set_operation != NULL ? order_member(p, query, range->subquery) : NULL;
    if (below == NULL || plan_order_members(p, below) == below)
        return query;
    rdb_query *made = rdb_arena_memdup(p->arena, query, sizeof *made);
    rdb_range *own = rdb_arena_memdup(p->arena, range, sizeof *own);
    own->subquery = (rdb_query *)(uintptr_t)below;
    made->ranges = (rdb_list){0};
    rdb_list_push(p->arena, &made->ranges, own);
    return made;
}

const rdb_query *plan_order_members(planner *p, const rdb_query *query)
{
    const rdb_set_operation *operation = query->set_operation;
    if (query->sort.count > 0 && plan_passes_rows(query))
        return order_below(p, query);
    if (query->command != RDB_COMMAND_SELECT || operation == NULL || operation->range_no != 0 || operation->kind != RDB_SET_UNION || !operation->all || query->sort.count == 0)
        return query;
    for (const rdb_set_operation *next = operation; next->range_no == 0; next = next->left)
        if (next->kind != RDB_SET_UNION || !next->all || next->right->range_no == 0)
            return query;
    rdb_query *made = rdb_arena_memdup(p->arena, query, sizeof *made);
    made->ranges = (rdb_list){0};
    for (uint32_t i = 0; i < query->ranges.count; i++) {
        rdb_range *range = rdb_arena_memdup(p->arena, query->ranges.items[i], sizeof *range);
        const rdb_query *ordered = range->kind == RDB_RANGE_SUBQUERY && range->subquery->set_operation == NULL ? order_member(p, query, range->subquery) : NULL;
        if (ordered == NULL)
            return query;
        range->subquery = (rdb_query *)(uintptr_t)ordered;
        rdb_list_push(p->arena, &made->ranges, range);
    }
    return made;
}

/* Does every member come in the order that the query asks for? */
static bool members_are_ordered(const plan_level *level, const rdb_set_operation *operation, const rdb_list *leaves)
{
    const rdb_query *query = level->query;
    if (!operation->all || operation != query->set_operation || query->sort.count == 0)
        return false;
    for (uint32_t i = 0; i < leaves->count; i++) {
        const uint32_t range_no = ((const rdb_set_operation *)leaves->items[i])->range_no;
        const rdb_range *range = range_no != 0 ? query->ranges.items[range_no - 1] : NULL;
        if (range == NULL || range->kind != RDB_RANGE_SUBQUERY || range->subquery->sort.count < query->sort.count)
            return false;
        for (uint32_t k = 0; k < query->sort.count; k++) {
            const rdb_sort_item *item = query->sort.items[k], *own = range->subquery->sort.items[k];
            uint32_t column;
            if (!sorted_column(query, item, &column) || column >= range->subquery->targets.count)
                return false;
            const rdb_target *target = range->subquery->targets.items[column];
            if (target->sort_ref != own->target_ref || item->order_oid != own->order_oid || item->is_descending != own->is_descending || item->nulls_first != own->nulls_first ||
                !rdb_collation_same_order(target->expr->collation, operation->column_collations[column]))
                return false;
        }
    }
    return true;
}

static void merge_members(plan_level *level, const rdb_set_operation *operation, rdb_plan_node *node, rdb_expr *const *outputs)
{
    const rdb_query *query = level->query;
    rdb_plan_key *keys = RDB_NEW_ARRAY(level->p->arena, rdb_plan_key, query->sort.count + 1);
    for (uint32_t i = 0; i < query->sort.count; i++) {
        const rdb_sort_item *item = query->sort.items[i];
        uint32_t column = 0;
        (void)sorted_column(query, item, &column);
        keys[i] = plan_key(column, outputs[column]);
        keys[i].collation = operation->column_collations[column];
        keys[i].is_descending = item->is_descending;
        keys[i].nulls_first = item->nulls_first;
    }
    const double depth = log2((double)RDB_MAX(node->children.count, 2u));
    node->kind = RDB_PLAN_MERGE_APPEND;
    node->of.append.key_count = query->sort.count;
    node->of.append.keys = keys;
    node->startup_cost = 2 * COST_OPERATOR * node->children.count * depth;
    for (uint32_t i = 0; i < node->children.count; i++)
        node->startup_cost += ((const rdb_plan_node *)node->children.items[i])->startup_cost;
    node->total_cost += 2 * COST_OPERATOR * depth * (node->children.count + node->rows);
}

bool plan_merges_members(const rdb_plan_node *node)
{
    while (node != NULL && node->kind != RDB_PLAN_MERGE_APPEND)
        node = node->left;
    for (uint32_t i = 0; node != NULL && i < node->children.count; i++) {
        const rdb_plan_kind kind = ((const rdb_plan_node *)node->children.items[i])->kind;
        if (kind != RDB_PLAN_SORT && kind != RDB_PLAN_INCREMENTAL_SORT)
            return true;
    }
    return false;
}

static bool plan_union(plan_level *level, const rdb_set_operation *operation, plan_built *built)
{
    planner *p = level->p;
    const uint32_t count = operation->column_types.count;
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
        node->width = RDB_MAX(node->width, one.node->width);
        if (i == 0)
            outputs = one.outputs;
    }
    node->total_cost += node->rows * COST_TUPLE * 0.5;
    if (members_are_ordered(level, operation, &leaves))
        merge_members(level, operation, node, outputs);
    plan_set_inputs(p, node, outputs, count);
    *built = plan_identity(p, node, outputs, count);
    if (operation->all)
        return true;
    bool sorts = false;
    rdb_plan_key *keys = NULL;
    if (!choose_set(level, operation, node, count, node->rows, &sorts))
        return false;
    if (!sorts)
        return plan_distinct_hash(level, built, count, operation->column_collations);
    if (!sort_all(level, built, operation, count, &keys))
        return false;
    node = plan_new_node(p, RDB_PLAN_UNIQUE, built, NULL);
    node->of.sort.key_count = count;
    node->of.sort.keys = keys;
    node->total_cost += COST_OPERATOR * node->rows * count;
    *built = plan_identity(p, node, built->outputs, count);
    return true;
}

static double side_groups(const plan_level *level, const rdb_set_operation *side, const plan_built *built)
{
    return side->range_no != 0 ? level->rels[side->range_no]->groups : built->node->rows;
}

/* INTERSECT and EXCEPT count how often a row stands on either side. INTERSECT begins with the side that has fewer different rows. */
static bool plan_counted(plan_level *level, const rdb_set_operation *operation, plan_built *built)
{
    planner *p = level->p;
    const uint32_t count = operation->column_types.count;
    plan_built sides[2];
    if (!plan_set_operation(level, operation->left, &sides[0]) || !plan_set_operation(level, operation->right, &sides[1]))
        return false;
    rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 2);
    memcpy(outputs, sides[0].outputs, count * sizeof *outputs);
    const double groups[2] = {side_groups(level, operation->left, &sides[0]), side_groups(level, operation->right, &sides[1])};
    const int first = operation->kind == RDB_SET_INTERSECT && groups[0] > groups[1] ? 1 : 0;
    if (!number_side(level, &sides[0], count, 0) || !number_side(level, &sides[1], count, 1))
        return false;
    rdb_plan_node *append = plan_new_node(p, RDB_PLAN_APPEND, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        const rdb_plan_node *side = sides[i == 0 ? first : 1 - first].node;
        rdb_list_push(p->arena, &append->children, (void *)(uintptr_t)side);
        append->rows += side->rows;
        append->total_cost += side->total_cost;
        append->width = RDB_MAX(append->width, side->width);
    }
    append->total_cost += append->rows * COST_TUPLE * 0.5;
    plan_set_inputs(p, append, sides[0].outputs, count + 1);
    rdb_expr **numbered = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 2);
    memcpy(numbered, sides[first].outputs, (count + 1) * sizeof *numbered);
    plan_built both = plan_identity(p, append, numbered, count + 1);
    bool sorts = false;
    rdb_plan_key *keys = NULL;
    if (!choose_set(level, operation, append, count, groups[first], &sorts) || (sorts && !sort_all(level, &both, operation, count, &keys)))
        return false;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_SET_OP, &both, NULL);
    node->of.set_op.kind = operation->kind;
    node->of.set_op.all = operation->all;
    node->of.set_op.is_sorted = sorts;
    node->of.set_op.collations = operation->column_collations;
    node->startup_cost = sorts ? node->startup_cost : node->total_cost;
    node->total_cost += both.node->rows * COST_OPERATOR * count;
    node->rows = operation->all ? sides[first].node->rows : groups[first];
    plan_set_inputs(p, node, outputs, count);
    *built = plan_identity(p, node, outputs, count);
    return true;
}

bool plan_set_operation(plan_level *level, const rdb_set_operation *operation, plan_built *built)
{
    planner *p = level->p;
    if (++p->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(p->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    bool ok;
    if (operation->range_no != 0) {
        plan_rel *rel = level->rels[operation->range_no];
        *built = rel->built;
        const uint32_t count = rel->range->column_types.count;
        ok = built->count == count || plan_project(p, built, built->outputs, NULL, count);
    } else {
        ok = operation->kind == RDB_SET_UNION ? plan_union(level, operation, built) : plan_counted(level, operation, built);
    }
    p->depth--;
    return ok;
}

/* The targets of a set operation's query name the columns of its leftmost leaf; what is built has them in order. */
const rdb_set_operation *plan_leftmost(const rdb_set_operation *operation)
{
    while (operation->range_no == 0)
        operation = operation->left;
    return operation;
}
