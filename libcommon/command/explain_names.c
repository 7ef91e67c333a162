/* SPDX-License-Identifier: Apache-2.0
 * The names that EXPLAIN gives to what a plan scans: ranges of one name are told apart by a number. The plan is EXPLAIN's own: their names
 * may change. */
#include "command/explain_int.h"

static void collect_ranges(explaining *work, const rdb_plan_node *node, rdb_list *ranges, uint32_t depth)
{
    if (node == NULL || depth > 1000)
        return;
    if (node->range != NULL) {
        bool is_there = false;
        for (uint32_t i = 0; i < ranges->count; i++)
            is_there = is_there || ranges->items[i] == node->range;
        if (!is_there)
            rdb_list_push(work->context->arena, ranges, (void *)(uintptr_t)node->range);
    }
    collect_ranges(work, node->left, ranges, depth + 1);
    collect_ranges(work, node->right, ranges, depth + 1);
    for (uint32_t i = 0; i < node->children.count; i++)
        if (!explain_is_removed(work, node->children.items[i]))
            collect_ranges(work, node->children.items[i], ranges, depth + 1);
}

/* Children of an Append bear its table's name and their number among those that are shown. */
static void number_children(explaining *work, const rdb_plan_node *node, uint32_t depth)
{
    const rdb_node_statistics *statistics = work->execution != NULL ? rdb_execution_statistics(work->execution, node->node_no) : NULL;
    uint32_t number = 0;
    if (depth > 1000)
        return;
    for (uint32_t i = 0; i < node->children.count; i++) {
        rdb_plan_node *child = node->children.items[i];
        rdb_range *range = (rdb_range *)(uintptr_t)child->range;
        const char *end = range != NULL ? strrchr(range->alias, '_') : NULL;
        if (statistics != NULL && statistics->children_removed > 0 && !explain_is_removed(work, child) && end != NULL)
            range->alias = rdb_arena_printf(work->context->arena, "%.*s_%u", (int)(end - range->alias), range->alias, ++number);
        number_children(work, child, depth + 1);
    }
    if (node->left != NULL)
        number_children(work, node->left, depth + 1);
    if (node->right != NULL)
        number_children(work, node->right, depth + 1);
}

void explain_name_ranges(explaining *work)
{
    rdb_list scanned = {0}, ordered = {0};
    const rdb_plan *plan = work->plan;
    number_children(work, plan->root, 0);
    for (uint32_t i = 0; i < plan->subplan_count; i++)
        if (plan->subplans[i].node != NULL)
            number_children(work, plan->subplans[i].node, 0);
    collect_ranges(work, plan->root, &scanned, 0);
    uint32_t main_count = scanned.count;
    for (uint32_t i = 0; i < plan->cte_count; i++)
        collect_ranges(work, plan->ctes[i].node, &scanned, 0);
    for (uint32_t i = 0; i < plan->subplan_count; i++)
        collect_ranges(work, plan->subplans[i].node, &scanned, 0);
    for (uint32_t i = 0; i < plan->ranges.count; i++) /* those of the main plan in the order of the statement */
        for (uint32_t k = 0; k < main_count; k++)
            if (scanned.items[k] == plan->ranges.items[i])
                rdb_list_push(work->context->arena, &ordered, scanned.items[k]);
    for (uint32_t k = 0; k < scanned.count; k++) {
        bool is_there = false;
        for (uint32_t i = 0; i < ordered.count; i++)
            is_there = is_there || ordered.items[i] == scanned.items[k];
        if (!is_there)
            rdb_list_push(work->context->arena, &ordered, scanned.items[k]);
    }
    for (uint32_t i = 0; i < ordered.count; i++) {
        rdb_range *range = ordered.items[i];
        const char *base = range->alias, *name = base;
        uint32_t number = 0;
        for (bool is_taken = base != NULL; is_taken;) {
            is_taken = false;
            for (uint32_t k = 0; k < i && !is_taken; k++)
                is_taken = ((const rdb_range *)ordered.items[k])->alias != NULL && strcmp(((const rdb_range *)ordered.items[k])->alias, name) == 0;
            if (is_taken)
                name = rdb_arena_printf(work->context->arena, "%s_%u", base, ++number);
        }
        range->alias = name;
    }
}
