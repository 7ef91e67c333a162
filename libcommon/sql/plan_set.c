/* SPDX-License-Identifier: Apache-2.0
 * Planning UNION, INTERSECT and EXCEPT, and duplicates removed by hashing. */
#include "sql/plan_int.h"

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

bool plan_set_operation(plan_level *level, const rdb_set_operation *operation, plan_built *built)
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
        if (!operation->all && !plan_distinct_hash(level, built, count, operation->column_collations))
            return false;
    } else {
        plan_built left, right;
        if (!plan_set_operation(level, operation->left, &left) || !plan_set_operation(level, operation->right, &right))
            return false;
        rdb_plan_node *node = plan_new_node(p, RDB_PLAN_SET_OP, &left, NULL);
        node->right = right.node;
        node->of.set_op.kind = operation->kind;
        node->of.set_op.all = operation->all;
        node->of.set_op.collations = operation->column_collations;
        node->total_cost = left.node->total_cost + right.node->total_cost + (left.node->rows + right.node->rows) * COST_OPERATOR * count;
        node->startup_cost = node->total_cost;
        *built = plan_identity(p, node, left.outputs, count);
    }
    p->depth--;
    return true;
}

/* The targets of a set operation's query name the columns of its leftmost leaf; what is built has them in order. */
const rdb_set_operation *plan_leftmost(const rdb_set_operation *operation)
{
    while (operation->range_no == 0)
        operation = operation->left;
    return operation;
}
