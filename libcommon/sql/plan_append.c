/* SPDX-License-Identifier: Apache-2.0
 * Tables with children and partitioned tables: a scan of one is an Append over scans of all its leaves.
 *
 * A leaf is a plan_rel of its own under the parent's range number: while its path is sought and its node is built it stands in
 * level->rels in the parent's place, and its conditions are the parent's with columns numbered as the leaf has them. Above the
 * Append nobody knows of it: the Append's columns are the parent's. */
#include "sql/plan_append.h"

#include "sql/rdb_partition.h"
#include <math.h>

bool plan_is_parent(const rdb_range *range)
{
    const rdb_relation *relation = range->relation;
    return range->kind == RDB_RANGE_RELATION && relation != NULL && (relation->kind == 'p' || (range->is_inherited && relation->child_count > 0));
}

/* ---- leaves ------------------------------------------------------------------------------------------------------------------------ */
typedef struct expansion {
    plan_level *level;
    plan_rel *parent;
    rdb_list leaves;    /* plan_rel * */
    uint32_t depth;
} expansion;

/* map: the parent's columns in this relation; NULL: it is the parent. */
static bool add_leaf(expansion *e, const rdb_relation *relation, const int16_t *map, const void **place)
{
    planner *p = e->level->p;
    plan_rel *leaf = RDB_NEW(p->arena, plan_rel);
    rdb_range *range = RDB_NEW(p->arena, rdb_range);
    *range = (rdb_range){.kind = RDB_RANGE_RELATION, .alias = e->parent->range->alias, .has_alias = true, .relation = relation, .lock_mode = e->parent->range->lock_mode};
    leaf->range_no = e->parent->range_no;
    leaf->range = range;
    leaf->scan_no = p->plan->scan_count++;
    leaf->parent = e->parent;
    leaf->sample = e->parent->sample;
    leaf->lateral = e->parent->lateral;
    leaf->map = map;
    p->has_extended = p->has_extended || relation->extended_count > 0;
    if (place != NULL)
        *place = leaf;
    rdb_list_push(p->arena, &e->leaves, leaf);
    rdb_list_push(p->arena, &p->plan->ranges, range);
    rdb_list_push(p->arena, &p->plan->relations, (void *)(uintptr_t)relation);
    return rdb_arena_check(p->arena, p->err);
}

static bool get_relation(planner *p, uint32_t oid, const rdb_relation **relation)
{
    return rdb_relation_get(p->access, oid, relation, p->err) &&
           (*relation != NULL || rdb_error_set(p->err, RDB_INTERNAL_ERROR, "cache lookup failed for relation %u", oid));
}

/* The relation and all below it, level by level, each once. */
static bool expand_children(expansion *e, const rdb_relation *top)
{
    planner *p = e->level->p;
    rdb_list all = {0};
    rdb_list_push(p->arena, &all, (void *)(uintptr_t)top);
    for (uint32_t i = 0; i < all.count; i++) {
        const rdb_relation *relation = all.items[i];
        for (uint32_t k = 0; k < relation->child_count; k++) {
            const rdb_relation *child = NULL;
            bool is_known = false;
            for (uint32_t at = 0; at < all.count; at++)
                is_known = is_known || ((const rdb_relation *)all.items[at])->oid == relation->children[k].oid;
            if (is_known)
                continue;
            if (!get_relation(p, relation->children[k].oid, &child))
                return false;
            rdb_list_push(p->arena, &all, (void *)(uintptr_t)child);
        }
    }
    for (uint32_t i = 0; i < all.count; i++) {
        int16_t *map = NULL;
        if ((i > 0 && !rdb_inheritance_map(p->arena, top, all.items[i], &map, p->err)) || !add_leaf(e, all.items[i], map, NULL))
            return false;
    }
    return true;
}

/* Partitions in the order of their bounds, those of a partitioned partition in its place. */
static bool expand_partitions(expansion *e, const rdb_relation *top, const rdb_relation *relation, const int16_t *own_map, const rdb_prune_node *above, uint32_t entry_no,
                              const rdb_list *implied, rdb_prune_node **node)
{
    planner *p = e->level->p;
    rdb_partition_map *map = NULL;
    bool *kept = RDB_NEW_ARRAY(p->arena, bool, relation->child_count + 1);
    if (++e->depth > 100)
        return rdb_error_set(p->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (!rdb_partition_map_open(p->arena, p->access, relation, &map, p->err) || !plan_prune(e->level, e->parent, map, own_map, above, entry_no, implied, node, kept))
        return false;
    for (uint32_t i = 0; i < map->count; i++) {
        const rdb_relation *child = NULL;
        int16_t *child_map = NULL;
        if (!kept[i])
            continue;
        if (!get_relation(p, map->entries[i].oid, &child) || !rdb_inheritance_map(p->arena, top, child, &child_map, p->err))
            return false;
        rdb_list bound = {0};
        for (uint32_t k = 0; k < implied->count; k++)
            rdb_list_push(p->arena, &bound, implied->items[k]);
        if (child->kind == 'p' && !plan_bound_implies(p, e->parent, map, own_map, i, &bound))
            return false;
        if (child->kind == 'p' ? !expand_partitions(e, top, child, child_map, *node, i, &bound, &(*node)->below[i]) : !add_leaf(e, child, child_map, &(*node)->leaves[i]))
            return false;
    }
    e->depth--;
    return true;
}

rdb_expr *plan_translate(planner *p, const plan_rel *leaf, rdb_expr *expr)
{
    const uint16_t count = leaf->parent->range->relation->column_count;
    const int16_t *map = leaf->map;
    if (map == NULL) {
        int16_t *same = RDB_NEW_ARRAY(p->arena, int16_t, count + 1u);
        for (uint16_t i = 0; i < count; i++)
            same[i] = (int16_t)(i + 1);
        map = same;
    }
    return rdb_inheritance_translate(p->arena, expr, leaf->range_no, map, leaf->range);
}

static void translate_list(planner *p, const plan_rel *leaf, const rdb_list *exprs, rdb_list *out)
{
    *out = (rdb_list){0};
    for (uint32_t i = 0; i < exprs->count; i++)
        rdb_list_push(p->arena, out, plan_translate(p, leaf, exprs->items[i]));
}

static bool expand(plan_level *level, plan_rel *rel)
{
    planner *p = level->p;
    const rdb_relation *top = rel->range->relation;
    expansion e = {.level = level, .parent = rel};
    const rdb_list none = {0};
    if (rel->is_expanded)
        return true;
    rel->is_expanded = true;
    if (top->kind == 'p' && !rel->range->is_inherited) {
        /* ONLY a partitioned table: it has no rows of its own */
    } else if (top->kind == 'p' ? !expand_partitions(&e, top, top, NULL, NULL, 0, &none, &rel->prune_root) : !expand_children(&e, top)) {
        return false;
    }
    /* conditions of each leaf; one that its constraints exclude is left out */
    for (uint32_t i = 0; i < e.leaves.count; i++) {
        plan_rel *leaf = e.leaves.items[i];
        bool is_excluded = false;
        translate_list(p, leaf, &rel->quals, &leaf->quals);
        leaf->columns = RDB_NEW_ARRAY(p->arena, int16_t, rel->column_count + 1u);
        leaf->column_count = rel->column_count;
        for (uint16_t k = 0; k < rel->column_count; k++)
            leaf->columns[k] = rel->columns[k] > 0 && leaf->map != NULL ? leaf->map[rel->columns[k] - 1] : rel->columns[k];
        if (rel->whole_row != NULL) {
            leaf->whole_row = rel->whole_row;
            leaf->row_of = plan_translate(p, leaf, rel->row_of);
        }
        if (!plan_is_excluded(level, leaf, &is_excluded))
            return false;
        if (!is_excluded)
            rdb_list_push(p->arena, &rel->leaves, leaf);
    }
    for (uint32_t i = 0; i < rel->leaves.count && (rel->leaves.count > 1 || rel->keeps_append); i++) {
        plan_rel *leaf = rel->leaves.items[i];
        ((rdb_range *)(uintptr_t)leaf->range)->alias = rdb_arena_printf(p->arena, "%s_%u", rel->range->alias, i + 1);
    }
    return rdb_arena_check(p->arena, p->err);
}

bool plan_expand(plan_level *level, plan_rel *rel)
{
    return expand(level, rel);
}

/* ---- paths ------------------------------------------------------------------------------------------------------------------------- */
typedef bool (*leaf_path)(plan_level *level, plan_rel *leaf, const rdb_list *clauses, plan_relids outer, plan_path **path);

static bool over_leaves(plan_level *level, plan_rel *rel, leaf_path make, const rdb_list *clauses, plan_relids outer, plan_path **out)
{
    planner *p = level->p;
    plan_path *append = RDB_NEW(p->arena, plan_path);
    append->kind = RDB_PLAN_APPEND;
    append->rel = rel;
    append->condition = *clauses;
    relids_add(&append->relids, rel->range_no);
    *out = append;
    for (uint32_t i = 0; i < rel->leaves.count; i++) {
        plan_rel *leaf = rel->leaves.items[i];
        plan_path *path = NULL;
        rdb_list own = {0};
        translate_list(p, leaf, clauses, &own);
        level->rels[rel->range_no] = leaf;
        const bool ok = make(level, leaf, &own, outer, &path);
        level->rels[rel->range_no] = rel;
        if (!ok)
            return false;
        rdb_list_push(p->arena, &append->children, path);
        append->rows += path->rows;
        append->startup = i == 0 ? path->startup : append->startup;
        append->total += path->total;
        append->width = RDB_MAX(append->width, path->width);
        append->needs = relids_union(append->needs, path->needs);
    }
    append->total += append->rows * COST_TUPLE * 0.5;
    return true;
}

static bool plain_path(plan_level *level, plan_rel *leaf, const rdb_list *clauses, plan_relids outer, plan_path **path)
{
    (void)clauses;
    (void)outer;
    return plan_base_path(level, leaf, path);
}

bool plan_append_path(plan_level *level, plan_rel *rel, plan_path **out)
{
    if (!expand(level, rel) || !over_leaves(level, rel, plain_path, &rel->quals, relids_none(), out))
        return false;
    rel->tuples = rel->pages = 0;
    rel->width = (*out)->width;
    for (uint32_t i = 0; i < rel->leaves.count; i++) {
        rel->tuples += ((const plan_rel *)rel->leaves.items[i])->tuples;
        rel->pages += ((const plan_rel *)rel->leaves.items[i])->pages;
    }
    rel->rows = (*out)->rows = RDB_MAX((*out)->rows, 1.0);
    return true;
}

/* Do the partitions, one after the other, give the order by the partition key? *backward: the last one first. */
static bool partitions_are_in_order(plan_level *level, const plan_rel *rel, const plan_order *order, uint32_t count, bool *backward)
{
    const rdb_prune_node *root = rel->prune_root;
    if (root == NULL || root->map->strategy != 'r' || count > root->map->key_count)
        return false;
    if (root->map->default_no >= 0 && root->leaves[root->map->default_no] != NULL)
        return false;
    for (uint32_t i = 0; i < root->map->count; i++)
        if (root->below[i] != NULL)
            return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!rdb_expr_equal(order[i].expr, root->keys[i]) || order[i].is_descending != order[0].is_descending || order[i].nulls_first != order[0].is_descending)
            return false;
    }
    *backward = order[0].is_descending;
    (void)level;
    return true;
}

bool plan_merge_append_path(plan_level *level, plan_rel *rel, const plan_order *order, uint32_t count, plan_path **out)
{
    planner *p = level->p;
    bool any = false, backward = false;
    *out = NULL;
    if (!expand(level, rel) || rel->leaves.count == 0)
        return !rdb_error_is_set(p->err);
    for (uint32_t i = 0; i < count; i++) { /* they must be among its columns */
        const rdb_expr_var *var = (const rdb_expr_var *)order[i].expr;
        if (var == NULL || var->head.kind != RDB_EXPR_VAR || var->range_no != rel->range_no || var->attribute_no <= 0)
            return true;
    }
    const bool in_order = partitions_are_in_order(level, rel, order, count, &backward);
    plan_path *made = RDB_NEW(p->arena, plan_path);
    made->kind = rel->leaves.count == 1 || in_order ? RDB_PLAN_APPEND : RDB_PLAN_MERGE_APPEND;
    made->rel = rel;
    made->condition = rel->quals;
    made->merged = order;
    made->merged_count = count;
    relids_add(&made->relids, rel->range_no);
    for (uint32_t i = 0; i < rel->leaves.count; i++) {
        plan_rel *leaf = rel->leaves.items[backward ? rel->leaves.count - 1 - i : i];
        plan_path *cheapest = NULL, *best = NULL;
        rdb_list indexed = {0};
        plan_order *own = RDB_NEW_ARRAY(p->arena, plan_order, count + 1);
        for (uint32_t k = 0; k < count; k++) {
            own[k] = order[k];
            own[k].expr = plan_translate(p, leaf, order[k].expr);
        }
        level->rels[rel->range_no] = leaf;
        const bool ok = plan_base_path(level, leaf, &cheapest) && (p->context->no_index_scan || leaf->sample != NULL || plan_index_orders(level, leaf, own, count, &indexed));
        level->rels[rel->range_no] = rel;
        if (!ok)
            return false;
        best = rdb_arena_memdup(p->arena, cheapest, sizeof *cheapest);
        double sorted = best->total + 2 * COST_OPERATOR * best->rows * log2(best->rows + 2) + (p->context->no_sort ? 1e10 : 0), startup = sorted;
        for (uint32_t k = 0; k < indexed.count; k++) {
            plan_path *path = indexed.items[k];
            const double part = level->want.limit > 0 && level->want.limit < path->rows ? level->want.limit / path->rows : 1;
            if (path->ordered_count < count || path->startup + (path->total - path->startup) * part >= (best->is_sorted ? best->startup + (best->total - best->startup) * part : sorted))
                continue;
            best = path;
            best->is_sorted = true;
            any = true;
            startup = best->startup;
            sorted = best->total;
        }
        rdb_list_push(p->arena, &made->children, best);
        made->rows += best->rows;
        made->total += sorted;
        made->startup = made->kind == RDB_PLAN_APPEND && i > 0 ? made->startup : made->startup + startup;
        made->width = RDB_MAX(made->width, best->width);
    }
    made->rows = RDB_MAX(made->rows, 1.0);
    if (made->kind == RDB_PLAN_MERGE_APPEND) {
        const double depth = log2((double)RDB_MAX(rel->leaves.count, 2u));
        made->startup += 2 * COST_OPERATOR * rel->leaves.count * depth;
        made->total += 2 * COST_OPERATOR * rel->leaves.count * depth + made->rows * 2 * COST_OPERATOR * depth;
    }
    made->total += made->rows * COST_TUPLE * 0.5;
    if (any || in_order)
        *out = made;
    return true;
}

static bool indexed_path(plan_level *level, plan_rel *leaf, const rdb_list *clauses, plan_relids outer, plan_path **path)
{
    if (!plan_index_paths(level, leaf, clauses, outer, path))
        return false;
    if (*path != NULL && !relids_empty((*path)->needs))
        return true;
    /* no index serves: all rows of this leaf, looked at with the same conditions */
    plan_path *scan = RDB_NEW(level->p->arena, plan_path);
    scan->kind = RDB_PLAN_SEQ_SCAN;
    scan->rel = leaf;
    scan->filter = *clauses;
    scan->width = leaf->width;
    relids_add(&scan->relids, leaf->range_no);
    scan->total = leaf->pages * COST_SEQ_PAGE + leaf->tuples * (COST_TUPLE + COST_OPERATOR * clauses->count);
    scan->rows = leaf->tuples;
    for (uint32_t i = 0; i < clauses->count; i++) {
        plan_relids needs = plan_relids_of(clauses->items[i]);
        for (int w = 0; w < PLAN_RELIDS_WORDS; w++)
            scan->needs.words[w] |= needs.words[w] & ~scan->relids.words[w];
        scan->rows *= plan_selectivity(level, clauses->items[i]);
    }
    scan->rows = RDB_MAX(scan->rows, 1.0);
    *path = scan;
    return true;
}

bool plan_append_index_path(plan_level *level, plan_rel *rel, const rdb_list *clauses, plan_relids outer, plan_path **out)
{
    bool any = false;
    *out = NULL;
    if (!expand(level, rel) || rel->leaves.count == 0)
        return rel->leaves.count == 0 && !rdb_error_is_set(level->p->err);
    plan_path *append = NULL;
    if (!over_leaves(level, rel, indexed_path, clauses, outer, &append))
        return false;
    for (uint32_t i = 0; i < append->children.count; i++)
        any = any || ((const plan_path *)append->children.items[i])->kind != RDB_PLAN_SEQ_SCAN;
    if (any)
        *out = append;
    return true;
}

/* ---- nodes -------------------------------------------------------------------------------------------------------------------------- */
bool plan_system_column_type(planner *p, int16_t number, const rdb_type **type)
{
    uint32_t oid = number == RDB_COLUMN_CTID ? RDB_TIDOID : number == RDB_COLUMN_XMIN || number == RDB_COLUMN_XMAX ? RDB_XIDOID : number == RDB_COLUMN_TABLEOID ? RDB_OIDOID : number == RDB_COLUMN_CMIN || number == RDB_COLUMN_CMAX ? RDB_CIDOID : RDB_INT8OID;
    return rdb_type_get(p->access, oid, type, p->err);
}

/* What the parent's columns are called above the leaves. */
static bool parent_outputs(plan_level *level, const plan_rel *rel, rdb_expr **outputs, uint32_t *count)
{
    planner *p = level->p;
    for (uint16_t i = 0; i < rel->column_count; i++) {
        int32_t typmod = -1;
        uint32_t collation = 0;
        const rdb_type *type = NULL;
        if (rel->columns[i] > 0)
            type = plan_column_type(level, rel->range_no, rel->columns[i], &typmod, &collation);
        else if (!plan_system_column_type(p, rel->columns[i], &type))
            return false;
        outputs[i] = plan_make_var(p, rel->range_no, rel->columns[i], type, typmod, collation);
        ((rdb_expr_var *)outputs[i])->range = rel->range;
    }
    *count = rel->column_count;
    if (rel->whole_row != NULL)
        outputs[(*count)++] = rel->whole_row;
    return true;
}

/* A child that does not come in the order by itself. */
static bool sort_child(planner *p, const plan_rel *leaf, const plan_path *path, plan_built *built)
{
    rdb_plan_key *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, path->merged_count + 1);
    for (uint32_t i = 0; i < path->merged_count; i++) {
        rdb_expr *expr = plan_translate(p, leaf, path->merged[i].expr);
        uint32_t slot = 0;
        if (!plan_ensure_columns(p, built, &expr, 1, &slot))
            return false;
        keys[i] = plan_key(slot, expr);
        keys[i].is_descending = path->merged[i].is_descending;
        keys[i].nulls_first = path->merged[i].nulls_first;
    }
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_SORT, built, NULL);
    node->of.sort.key_count = path->merged_count;
    node->of.sort.keys = keys;
    node->startup_cost = node->total_cost + 2 * COST_OPERATOR * node->rows * log2(node->rows + 2);
    node->total_cost = node->startup_cost + COST_OPERATOR * node->rows;
    *built = plan_identity(p, node, built->outputs, built->count);
    return true;
}

/* The keys that the children are merged by, over the Append's columns. */
static bool merge_keys(planner *p, const plan_path *path, rdb_expr *const *outputs, uint32_t count, const rdb_plan_key **keys)
{
    rdb_plan_key *made = RDB_NEW_ARRAY(p->arena, rdb_plan_key, path->merged_count + 1);
    for (uint32_t i = 0; i < path->merged_count; i++) {
        uint32_t slot = 0;
        while (slot < count && !rdb_expr_equal(outputs[slot], path->merged[i].expr))
            slot++;
        if (slot == count)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "a merged column is not there");
        made[i] = plan_key(slot, path->merged[i].expr);
        made[i].is_descending = path->merged[i].is_descending;
        made[i].nulls_first = path->merged[i].nulls_first;
    }
    *keys = made;
    return true;
}

bool plan_build_append(plan_level *level, const plan_path *path, bool (*build)(void *context, plan_path *path, plan_built *built),
                       rdb_expr *(*parametrise)(void *context, rdb_expr *expr), void *context, plan_built *built)
{
    planner *p = level->p;
    plan_rel *rel = path->rel;
    rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, rel->column_count + 2u);
    uint32_t count = 0;
    rdb_list children = {0};
    if (!parent_outputs(level, rel, outputs, &count))
        return false;
    for (uint32_t i = 0; i < path->children.count; i++) {
        plan_path *child = path->children.items[i];
        plan_built one;
        level->rels[rel->range_no] = child->rel;
        const bool ok = build(context, child, &one);
        level->rels[rel->range_no] = rel;
        if (!ok || (path->merged_count > 0 && !child->is_sorted && !sort_child(p, child->rel, path, &one)))
            return false;
        rdb_list_push(p->arena, &children, one.node);
    }
    if (children.count == 1) {
        *built = plan_identity(p, children.items[0], outputs, count);
        return true;
    }
    rdb_plan_node *node = plan_new_node(p, children.count == 0 ? RDB_PLAN_RESULT : (rdb_plan_kind)path->kind, NULL, NULL);
    if (node->kind == RDB_PLAN_MERGE_APPEND) {
        node->of.append.key_count = path->merged_count;
        if (!merge_keys(p, path, outputs, count, &node->of.append.keys))
            return false;
    }
    node->children = children;
    node->of.append.of = rel->range->relation->kind == 'p' ? RDB_APPEND_PARTITIONS : RDB_APPEND_CHILDREN;
    node->startup_cost = path->startup;
    node->total_cost = path->total;
    node->rows = children.count == 0 ? 0 : path->rows;
    node->width = path->width;
    if (children.count > 0) {
        rdb_list conditions = {0};
        for (uint32_t i = 0; i < path->condition.count && rel->prune_root != NULL; i++) {
            rdb_expr *one = parametrise(context, path->condition.items[i]);
            if (one == NULL)
                return false;
            rdb_list_push(p->arena, &conditions, one);
        }
        plan_prune_later(p, rel, &path->children, &conditions, &node->of.append.prune);
        plan_set_inputs(p, node, outputs, count);
        *built = plan_identity(p, node, outputs, count);
        return true;
    }
    /* no leaf is left: a row that a false condition keeps back, with columns of the right types */
    rdb_list targets = {0};
    rdb_expr_const *never = RDB_NEW(p->arena, rdb_expr_const);
    never->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .typmod = -1};
    if (!rdb_type_get(p->access, RDB_BOOLOID, &never->head.type, p->err))
        return false;
    never->value.b = false;
    rdb_list_push(p->arena, &node->filter, &never->head);
    for (uint32_t i = 0; i < count; i++) {
        rdb_expr_const *none = RDB_NEW(p->arena, rdb_expr_const);
        rdb_target *target = RDB_NEW(p->arena, rdb_target);
        none->head = *outputs[i];
        none->head.kind = RDB_EXPR_CONST;
        none->is_null = true;
        target->expr = &none->head;
        rdb_list_push(p->arena, &targets, target);
    }
    node->targets = targets;
    node->passes_through = count == 0;
    *built = plan_identity(p, node, outputs, count);
    return true;
}

void plan_targets(planner *p, const plan_rel *rel, const rdb_plan_target **targets, uint32_t *count)
{
    rdb_plan_target *made = RDB_NEW_ARRAY(p->arena, rdb_plan_target, rel->leaves.count + 1);
    for (uint32_t i = 0; i < rel->leaves.count; i++) {
        const plan_rel *leaf = rel->leaves.items[i];
        made[i] = (rdb_plan_target){.scan_no = leaf->scan_no, .relation = leaf->range->relation, .alias = leaf->range->alias, .map = leaf->map};
    }
    *targets = made;
    *count = rel->leaves.count;
}

/* The keys of a merge where they stand among its targets; false: one does not. */
static bool move_keys(planner *p, rdb_plan_node *append, const rdb_list *resolved)
{
    rdb_plan_key *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, append->of.append.key_count + 1);
    for (uint32_t i = 0; i < append->of.append.key_count; i++) {
        bool found = false;
        keys[i] = append->of.append.keys[i];
        for (uint32_t k = 0; k < resolved->count && !found; k++) {
            const rdb_expr_slot *slot = (const rdb_expr_slot *)((const rdb_target *)resolved->items[k])->expr;
            found = slot->head.kind == RDB_EXPR_SLOT && slot->slot_no == append->of.append.keys[i].slot_no;
            keys[i].slot_no = found ? k : keys[i].slot_no;
        }
        if (!found)
            return false;
    }
    append->of.append.keys = keys;
    return true;
}

/* Targets of an Append are computed by its children, which have the same columns in the same places: always where these are partitions; by
 * children of a plain table only where nothing is computed, as PostgreSQL has it. */
bool plan_push_targets(planner *p, plan_built *built, rdb_expr *const *exprs, const rdb_list *resolved)
{
    rdb_plan_node *append = built->node;
    if ((append->kind != RDB_PLAN_APPEND && append->kind != RDB_PLAN_MERGE_APPEND) || append->of.append.of == RDB_APPEND_UNION)
        return false;
    for (uint32_t i = 0; i < resolved->count && append->of.append.of == RDB_APPEND_CHILDREN; i++) {
        const rdb_expr *one = ((const rdb_target *)resolved->items[i])->expr;
        if (one->kind != RDB_EXPR_SLOT)
            return false;
        for (uint32_t k = 0; k < i; k++)
            if (rdb_expr_equal(((const rdb_target *)resolved->items[k])->expr, one))
                return false;
    }
    if (append->kind == RDB_PLAN_MERGE_APPEND && !move_keys(p, append, resolved))
        return false;
    rdb_list children = {0};
    for (uint32_t i = 0; i < append->children.count; i++) {
        rdb_plan_node *child = append->children.items[i];
        if (!child->passes_through || child->kind == RDB_PLAN_APPEND) {
            plan_built below = plan_identity(p, child, built->outputs, built->count);
            child = plan_new_node(p, RDB_PLAN_RESULT, &below, NULL);
        }
        child->targets = *resolved;
        child->passes_through = false;
        rdb_list_push(p->arena, &children, child);
    }
    append->children = children;
    plan_set_inputs(p, append, exprs, resolved->count);
    return true;
}

bool plan_is_never(const rdb_plan_node *node)
{
    const rdb_expr_const *only = node->kind == RDB_PLAN_RESULT && node->left == NULL && node->filter.count == 1 ? node->filter.items[0] : NULL;
    return only != NULL && only->head.kind == RDB_EXPR_CONST && !only->is_null && !only->value.b;
}

/* Nothing is computed: nulls of the right types stand for the targets. */
bool plan_project_never(planner *p, plan_built *built, rdb_expr *const *exprs, const rdb_list *targets, uint32_t count)
{
    rdb_list made = {0};
    for (uint32_t i = 0; i < count; i++) {
        rdb_target *target = RDB_NEW(p->arena, rdb_target);
        rdb_expr_const *none = RDB_NEW(p->arena, rdb_expr_const);
        if (targets != NULL)
            *target = *(const rdb_target *)targets->items[i];
        none->head = *exprs[i];
        none->head.kind = RDB_EXPR_CONST;
        none->is_null = true;
        target->expr = &none->head;
        rdb_list_push(p->arena, &made, target);
    }
    built->node->targets = made;
    built->node->passes_through = count == 0;
    *built = plan_identity(p, built->node, exprs, count);
    return rdb_arena_check(p->arena, p->err);
}
