/* SPDX-License-Identifier: Apache-2.0
 * The chosen path turned into nodes. Conditions are resolved where their columns are at hand; inside the inner side of a nested
 * loop the columns of its outer side are parameters, which the loop sets. */
#include "sql/plan_append.h"

typedef struct builder { /* parameters at hand inside the inner side of nested loops: columns of the outer sides */
    plan_level *level;
    const struct builder *outer;
    plan_relids relids;      /* columns of these become parameters */
    rdb_list wanted;         /* plan_wanted * */
} builder;

static bool build_path(builder *b, plan_path *path, plan_built *built);

static rdb_expr *outer_to_param(void *context, rdb_expr *expr)
{
    builder *b = context;
    planner *p = b->level->p;
    if (expr->kind != RDB_EXPR_VAR || !relids_has(b->relids, ((rdb_expr_var *)expr)->range_no))
        return rdb_expr_map_children(p->arena, expr, outer_to_param, b);
    for (uint32_t i = 0; i < b->wanted.count; i++) {
        plan_wanted *wanted = b->wanted.items[i];
        if (rdb_expr_equal(wanted->expr, expr)) {
            rdb_expr_param *param = RDB_NEW(p->arena, rdb_expr_param);
            param->head = *expr;
            param->head.kind = RDB_EXPR_PARAM;
            param->param_kind = RDB_PARAM_EXECUTION;
            param->param_no = wanted->parameter_no;
            param->origin = expr;
            return &param->head;
        }
    }
    plan_wanted *wanted = RDB_NEW(p->arena, plan_wanted);
    wanted->expr = expr;
    rdb_list_push(p->arena, &b->wanted, wanted);
    return plan_make_param(p, expr, &wanted->parameter_no);
}

/* Calls that evaluating the expression takes; a sub-plan is dearer than any of them. */
static bool count_calls(void *context, rdb_expr *expr)
{
    double *calls = context;
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_FUNCTION:
    case RDB_EXPR_NULLIF:
    case RDB_EXPR_DISTINCT:
    case RDB_EXPR_MINMAX:
    case RDB_EXPR_ROW_COMPARE: *calls += 1; break;
    case RDB_EXPR_COERCE_IO: *calls += 2; break;
    case RDB_EXPR_ARRAY_OP: *calls += 5; break;
    case RDB_EXPR_SUBPLAN: *calls += 1000; break;
    default: break;
    }
    return rdb_expr_visit_children(expr, count_calls, context);
}

/* Cheap conditions first; those that cost the same in the order of the statement. */
static rdb_list by_cost(planner *p, const rdb_list *clauses)
{
    rdb_list sorted = {0};
    double *costs = RDB_NEW_ARRAY(p->arena, double, clauses->count + 1);
    for (uint32_t i = 0; i < clauses->count; i++) {
        double cost = 0;
        (void)count_calls(&cost, clauses->items[i]);
        uint32_t at = i;
        rdb_list_push(p->arena, &sorted, clauses->items[i]);
        for (; at > 0 && costs[at - 1] > cost; at--) {
            costs[at] = costs[at - 1];
            sorted.items[at] = sorted.items[at - 1];
        }
        costs[at] = cost;
        sorted.items[at] = clauses->items[i];
    }
    return sorted;
}

static bool resolve_here(builder *b, const plan_built *built, const rdb_list *exprs, rdb_list *resolved)
{
    rdb_list parametrised = {0};
    for (uint32_t i = 0; i < exprs->count; i++) {
        rdb_expr *one = exprs->items[i];
        if (!relids_empty(b->relids) && (one = outer_to_param(b, one)) == NULL)
            return false;
        rdb_list_push(b->level->p->arena, &parametrised, one);
    }
    return plan_resolve_list(b->level->p, built, &parametrised, resolved);
}

/* The row as a whole, made where its columns are read: above an outer join it is null where there is no row. */
static bool add_whole_row(planner *p, const plan_rel *rel, plan_built *built)
{
    uint32_t slot;
    if (rel->whole_row == NULL)
        return true;
    if (!plan_ensure_columns(p, built, &(rdb_expr *){rel->row_of}, 1, &slot))
        return false;
    built->outputs[slot] = rel->whole_row;
    return true;
}

static bool build_rel(builder *b, plan_path *path, plan_built *built);

static bool build_scan(builder *b, plan_path *path, plan_built *built)
{
    return build_rel(b, path, built) && add_whole_row(b->level->p, path->rel, built);
}

static bool need_one(void *context, rdb_expr *expr)
{
    if (expr->kind == RDB_EXPR_VAR)
        plan_need_column(context, ((const rdb_expr_var *)expr)->range_no, ((const rdb_expr_var *)expr)->attribute_no);
    return rdb_expr_visit_children(expr, need_one, context);
}

static void need_columns(plan_level *level, const plan_rel *rel, rdb_expr *expr)
{
    if (rel == level->rels[rel->range_no])
        (void)need_one(level, expr);
}

/* The nodes below a scan by addresses. Their conditions are shown, never evaluated. */
static bool build_bitmap(builder *b, const plan_path *path, const plan_bitmap *bitmap, rdb_plan_node **out)
{
    planner *p = b->level->p;
    const plan_rel *rel = path->rel;
    rdb_plan_node *node = *out = plan_new_node(p, (rdb_plan_kind)bitmap->kind, NULL, NULL);
    node->startup_cost = bitmap->kind == RDB_PLAN_BITMAP_INDEX_SCAN ? 0 : bitmap->cost;
    node->total_cost = bitmap->cost;
    node->rows = bitmap->kind == RDB_PLAN_BITMAP_INDEX_SCAN ? plan_clamp_rows(rel->tuples * bitmap->share) : 0;
    for (uint32_t i = 0; i < bitmap->children.count; i++) {
        rdb_plan_node *child = NULL;
        if (!build_bitmap(b, path, bitmap->children.items[i], &child))
            return false;
        rdb_list_push(p->arena, &node->children, child);
    }
    if (bitmap->kind != RDB_PLAN_BITMAP_INDEX_SCAN)
        return true;
    rdb_plan_scan *scan = &node->of.scan;
    rdb_plan_bound *bounds = RDB_NEW_ARRAY(p->arena, rdb_plan_bound, bitmap->bounds.count + 1);
    scan->range_no = rel->range_no;
    scan->relation = rel->range->relation;
    scan->index_no = bitmap->index_no;
    scan->bounds = bounds;
    scan->bound_count = (uint16_t)bitmap->bounds.count;
    for (uint32_t i = 0; i < bitmap->bounds.count; i++) {
        const plan_match *match = bitmap->bounds.items[i];
        rdb_expr *value = match->value;
        if (value != NULL && !relids_empty(b->relids) && (value = outer_to_param(b, value)) == NULL)
            return false;
        bounds[i] = (rdb_plan_bound){.column_no = match->column_no, .strategy = match->strategy, .is_any = match->is_any, .value = value, .origin = match->clause};
        rdb_expr *shown = plan_facing(p, match->clause, path->relids);
        if (!relids_empty(b->relids) && (shown = outer_to_param(b, shown)) == NULL)
            return false;
        if (i == 0 || ((const plan_match *)bitmap->bounds.items[i - 1])->clause != match->clause)
            rdb_list_push(p->arena, &scan->condition, shown);
    }
    return true;
}

static bool build_rel(builder *b, plan_path *path, plan_built *built)
{
    plan_level *level = b->level;
    planner *p = level->p;
    plan_rel *rel = path->rel;
    if (rel->has_built) { /* planned on its own: a filter over it */
        *built = rel->built;
        if (rel->wanted_count > 0)
            for (uint32_t i = 0; i < rel->wanted_count; i++) {
                plan_wanted *wanted = RDB_NEW(p->arena, plan_wanted);
                *wanted = rel->wanted[i];
                rdb_list_push(p->arena, &b->wanted, wanted);
            }
        if (path->filter.count == 0 && built->node->kind == RDB_PLAN_SET_OP && built->subquery != NULL) { /* what it reads is wider than what it gives */
            *built = plan_identity(p, plan_subquery_scan(p, built), built->outputs, built->count);
            return true;
        }
        if (level->query->command == RDB_COMMAND_INSERT) /* what is inserted is made of it where it is computed */
            built->subquery = NULL;
        if (path->filter.count == 0)
            return true;
        const bool is_own = built->node->range == rel->range && built->node->passes_through; /* a scan of WITH, VALUES, a function: it filters itself */
        rdb_plan_node *node = is_own ? built->node : plan_new_node(p, RDB_PLAN_SUBQUERY_SCAN, built, NULL);
        if (!is_own)
            node->of.subquery.alias = rel->range->alias;
        if (!is_own)
            ((rdb_range *)(uintptr_t)rel->range)->shown = NULL;
        node->range = rel->range;
        plan_built above = plan_identity(p, node, built->outputs, built->count);
        const rdb_list filter = by_cost(p, &path->filter);
        if (!resolve_here(b, &above, &filter, &node->filter))
            return false;
        node->rows = path->rows;
        node->total_cost = path->total;
        *built = above;
        return true;
    }
    const plan_index *trees = NULL;
    if (path->kind == RDB_PLAN_INDEX_SCAN && rel->parent == NULL) {
        if (!plan_index_trees(level, rel, path->index_no, &trees))
            return false;
        for (uint32_t i = 0; i < trees->expressions.count; i++)
            need_columns(level, rel, trees->expressions.items[i]);
    }
    const bool is_index_only = path->kind == RDB_PLAN_INDEX_SCAN && path->is_index_only && plan_index_covers(rel, path->index_no);
    rdb_plan_node *node = plan_new_node(p, is_index_only ? RDB_PLAN_INDEX_ONLY_SCAN : (rdb_plan_kind)path->kind, NULL, NULL);
    rdb_plan_scan *scan = &node->of.scan;
    rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, rel->column_count + 1u);
    int16_t *columns = RDB_NEW_ARRAY(p->arena, int16_t, rel->column_count + 1u);
    for (uint16_t i = 0; i < rel->column_count; i++) {
        columns[i] = rel->columns[i];
        int32_t typmod = -1;
        uint32_t collation = 0;
        const rdb_type *type = NULL;
        if (columns[i] > 0) {
            const rdb_column *column = rel->parent != NULL ? &rel->range->relation->columns[columns[i] - 1] : NULL;
            type = column != NULL ? column->type : plan_column_type(level, rel->range_no, columns[i], &typmod, &collation);
            typmod = column != NULL ? column->typmod : typmod;
            collation = column != NULL ? column->collation : collation;
        } else {
            if (!plan_system_column_type(p, columns[i], &type))
                return false;
            if (columns[i] < 0 && columns[i] > -100 && columns[i] != RDB_COLUMN_CTID && columns[i] != RDB_COLUMN_XMIN && columns[i] != RDB_COLUMN_XMAX && columns[i] != RDB_COLUMN_CMIN && columns[i] != RDB_COLUMN_CMAX &&
                columns[i] != RDB_COLUMN_TABLEOID && columns[i] != RDB_COLUMN_SCN)
                return rdb_error_set(p->err, RDB_FEATURE_NOT_SUPPORTED, "system column %d is not supported", columns[i]);
        }
        outputs[i] = plan_make_var(p, rel->range_no, columns[i], type, typmod, collation);
    }
    plan_set_inputs(p, node, outputs, rel->column_count);
    node->range = rel->range;
    scan->range_no = rel->range_no;
    scan->scan_no = rel->scan_no;
    scan->alias = rel->range->alias;
    scan->relation = rel->range->relation;
    scan->columns = columns;
    scan->column_count = rel->column_count;
    node->startup_cost = path->startup;
    node->total_cost = path->total;
    node->rows = path->rows;
    node->width = path->width;
    *built = plan_identity(p, node, outputs, rel->column_count);
    if (rel->sample != NULL) {
        rdb_plan_sample *sample = rdb_arena_memdup(p->arena, rel->sample, sizeof *sample);
        sample->arguments = (rdb_list){0};
        if (!resolve_here(b, built, &rel->sample->arguments, &sample->arguments))
            return false;
        scan->sample = sample;
    }
    if (path->kind == RDB_PLAN_BITMAP_HEAP_SCAN) {
        rdb_list condition = {0};
        for (uint32_t i = 0; i < path->bitmap->known.count; i++)
            rdb_list_push(p->arena, &condition, path->bitmap->known.items[i]);
        if (!build_bitmap(b, path, path->bitmap, &node->left) || !resolve_here(b, built, &condition, &scan->condition))
            return false;
    } else if (path->kind != RDB_PLAN_SEQ_SCAN) {
        rdb_plan_bound *bounds = RDB_NEW_ARRAY(p->arena, rdb_plan_bound, path->bounds.count + 1);
        rdb_list condition = {0};
        for (uint32_t i = 0; i < path->bounds.count; i++) {
            const plan_match *match = path->bounds.items[i];
            rdb_expr *value = match->value;
            if (value != NULL && !relids_empty(b->relids) && (value = outer_to_param(b, value)) == NULL)
                return false;
            bounds[i] = (rdb_plan_bound){.column_no = match->column_no, .strategy = match->strategy, .is_any = match->is_any, .value = value, .origin = match->clause};
            const bool is_again = i > 0 && ((const plan_match *)path->bounds.items[i - 1])->clause == match->clause; /* a row's next column */
            if (!is_again)
                rdb_list_push(p->arena, &condition, path->kind == RDB_PLAN_TID_RANGE_SCAN ? match->clause : plan_facing(p, match->clause, path->relids));
        }
        if (trees != NULL && !resolve_here(b, built, &trees->expressions, &scan->key_expressions))
            return false;
        scan->index_no = path->index_no;
        scan->is_backward = path->is_backward;
        scan->bounds = bounds;
        scan->bound_count = (uint16_t)path->bounds.count;
        if (!resolve_here(b, built, &condition, &scan->condition))
            return false;
    }
    rdb_list filter = by_cost(p, &path->filter);
    for (uint32_t i = 0; i < path->implied.count; i++)
        rdb_list_push(p->arena, &filter, path->implied.items[i]);
    node->unshown_filters = path->implied.count;
    return resolve_here(b, built, &filter, &node->filter);
}

/* Has each left row one partner at most: do the clauses compare all columns of a unique index of the right relation? */
static bool is_unique_inner(planner *p, const plan_path *path)
{
    const plan_rel *rel = path->right->rel;
    if (rel == NULL || rel->has_built || rel->range->kind != RDB_RANGE_RELATION || path->right->kind == RDB_PLAN_APPEND)
        return false;
    for (uint16_t i = 0; i < rel->range->relation->index_count; i++) {
        const rdb_relation_index *index = &rel->range->relation->indexes[i];
        uint16_t matched = 0;
        for (uint16_t k = 0; k < index->key_count && index->columns[k].column_number != 0; k++) {
            bool is_met = false;
            for (uint32_t c = 0; c < path->right_keys.count; c++) {
                const rdb_expr_var *var = path->right_keys.items[c];
                const rdb_expr_function *clause = path->key_clauses.items[c];
                is_met = is_met || (var->head.kind == RDB_EXPR_VAR && var->attribute_no == index->columns[k].column_number && var->range_no == rel->range_no &&
                                    rdb_collation_same_equality(index->columns[k].collation, clause->input_collation));
            }
            for (uint32_t c = 0; c < path->right->bounds.count; c++) {
                const plan_match *match = path->right->bounds.items[c];
                is_met = is_met || (match->strategy == 3 && !match->is_any && path->right->index_no == i && match->column_no == k);
            }
            matched += is_met;
        }
        if (index->is_unique && index->predicate_tree == NULL && matched == index->key_count && plan_index_counts(p, index))
            return true;
    }
    return false;
}

static bool sort_side(builder *b, plan_built *side, const rdb_list *keys, const plan_sorted *orders)
{
    planner *p = b->level->p;
    rdb_expr **exprs = RDB_NEW_ARRAY(p->arena, rdb_expr *, keys->count + 1);
    uint32_t *slots = RDB_NEW_ARRAY(p->arena, uint32_t, keys->count + 1);
    rdb_plan_key *made = RDB_NEW_ARRAY(p->arena, rdb_plan_key, keys->count + 1);
    for (uint32_t i = 0; i < keys->count; i++) {
        exprs[i] = keys->items[i];
        if (!relids_empty(b->relids) && (exprs[i] = outer_to_param(b, exprs[i])) == NULL)
            return false;
    }
    if (!plan_ensure_columns(p, side, exprs, keys->count, slots))
        return false;
    for (uint32_t i = 0; i < keys->count; i++) {
        made[i] = plan_key(slots[i], keys->items[i]);
        made[i].collation = orders[i].collation != 0 ? orders[i].collation : made[i].collation;
        made[i].is_descending = orders[i].is_descending;
        made[i].nulls_first = orders[i].nulls_first;
    }
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_SORT, side, NULL);
    node->of.sort.key_count = keys->count;
    node->of.sort.keys = made;
    plan_sort_cost(p, node->rows, node->width, node->total_cost, &node->startup_cost, &node->total_cost);
    *side = plan_identity(p, node, side->outputs, side->count);
    return true;
}

/* What the null-extended side of a join has computed is null above it where the same expression may not be: so it is known no more
 * by that expression, which is computed anew from the columns. */
static void hide_computed(planner *p, rdb_expr **outputs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (outputs[i] == NULL || outputs[i]->kind == RDB_EXPR_VAR)
            continue;
        rdb_expr_unary *hidden = RDB_NEW(p->arena, rdb_expr_unary);
        hidden->head = *outputs[i];
        hidden->head.kind = RDB_EXPR_RELABEL;
        hidden->argument = outputs[i];
        hidden->form = RDB_FORM_IMPLICIT_CAST;
        outputs[i] = &hidden->head;
    }
}

static bool build_join(builder *b, plan_path *path, plan_built *built)
{
    plan_level *level = b->level;
    planner *p = level->p;
    plan_built left, right;
    bool is_loop = path->kind == RDB_PLAN_NEST_LOOP, is_semi = path->join_kind == RDB_JOIN_SEMI || (path->join_kind == RDB_JOIN_ANTI && !path->keeps_right);
    if (!build_path(b, path->left, &left))
        return false;
    builder inner = {.level = level, .outer = b, .relids = b->relids};
    if (is_loop) { /* what the right side needs of the left becomes parameters of this loop */
        inner.relids = relids_union(b->relids, path->left->relids);
        if (!build_path(&inner, path->right, &right))
            return false;
        plan_memoize(level, path, &inner.wanted, &right);
    } else if (!build_path(b, path->right, &right)) {
        return false;
    }
    if ((path->sorts_left && !sort_side(b, &left, &path->left_keys, path->orders)) || (path->sorts_right && !sort_side(b, &right, &path->right_keys, path->orders)))
        return false;
    if (path->keeps_inner) {
        rdb_plan_node *kept = plan_new_node(p, RDB_PLAN_MATERIALIZE, &right, NULL);
        kept->total_cost += right.node->rows * COST_OPERATOR;
        right = plan_identity(p, kept, right.outputs, right.count);
    }
    rdb_plan_node *node = plan_new_node(p, (rdb_plan_kind)path->kind, &left, &right);
    rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, left.count + right.count + 1);
    memcpy(outputs, left.outputs, left.count * sizeof *outputs);
    memcpy(outputs + left.count, right.outputs, right.count * sizeof *outputs);
    plan_built both = plan_identity(p, node, outputs, left.count + right.count), above = both;
    const bool is_left_nullable = path->join_kind == RDB_JOIN_RIGHT || path->join_kind == RDB_JOIN_FULL;
    const bool is_right_nullable = path->join_kind == RDB_JOIN_LEFT || path->join_kind == RDB_JOIN_FULL || path->join_kind == RDB_JOIN_ANTI;
    above.outputs = rdb_arena_memdup(p->arena, both.outputs, (both.count + 1) * sizeof *both.outputs);
    hide_computed(p, above.outputs, is_left_nullable ? left.count : 0);
    hide_computed(p, above.outputs + left.count, is_right_nullable ? right.count : 0);
    rdb_plan_join *join = &node->of.join;
    join->kind = path->join_kind;
    join->inner_unique = is_unique_inner(p, path);
    node->startup_cost = path->startup;
    node->total_cost = path->total;
    node->rows = path->rows;
    node->width = path->width;
    const rdb_list condition = by_cost(p, &path->condition);
    if (!resolve_here(b, &both, &condition, &join->condition))
        return false;
    if (path->kind == RDB_PLAN_HASH_JOIN || path->kind == RDB_PLAN_MERGE_JOIN) {
        rdb_list left_keys = {0}, right_keys = {0};
        if (!resolve_here(b, &left, &path->left_keys, &left_keys) || !resolve_here(b, &right, &path->right_keys, &right_keys))
            return false;
        join->key_count = left_keys.count;
        uint32_t *collations = RDB_NEW_ARRAY(p->arena, uint32_t, left_keys.count + 1);
        for (uint32_t i = 0; i < path->key_clauses.count; i++)
            collations[i] = ((const rdb_expr_function *)path->key_clauses.items[i])->input_collation;
        join->key_collations = collations;
        join->shown_keys = path->key_clauses;
        join->left_keys = (rdb_expr *const *)left_keys.items;
        join->right_keys = (rdb_expr *const *)right_keys.items;
        rdb_plan_key *orders = RDB_NEW_ARRAY(p->arena, rdb_plan_key, left_keys.count + 1);
        for (uint32_t i = 0; i < left_keys.count && path->orders != NULL; i++) {
            orders[i] = plan_key(i, path->left_keys.items[i]);
            orders[i].collation = path->orders[i].collation != 0 ? path->orders[i].collation : orders[i].collation;
            orders[i].is_descending = path->orders[i].is_descending;
            orders[i].nulls_first = path->orders[i].nulls_first;
        }
        join->orders = orders;
    }
    if (is_loop && inner.wanted.count > 0) {
        uint32_t *numbers = RDB_NEW_ARRAY(p->arena, uint32_t, inner.wanted.count);
        rdb_expr **values = RDB_NEW_ARRAY(p->arena, rdb_expr *, inner.wanted.count);
        uint32_t count = 0;
        for (uint32_t i = 0; i < inner.wanted.count; i++) {
            plan_wanted *wanted = inner.wanted.items[i];
            if (!relids_meet(plan_relids_of(wanted->expr), path->left->relids)) { /* of a loop further out */
                rdb_list_push(p->arena, &b->wanted, wanted);
                continue;
            }
            rdb_list one = {0}, resolved = {0};
            rdb_list_push(p->arena, &one, wanted->expr);
            if (!resolve_here(b, &left, &one, &resolved))
                return false;
            numbers[count] = wanted->parameter_no;
            values[count++] = resolved.items[0];
        }
        join->parameter_count = count;
        join->parameter_nos = numbers;
        join->parameter_values = values;
    }
    if (is_semi) {
        plan_set_inputs(p, node, left.outputs, left.count);
        above = plan_identity(p, node, left.outputs, left.count);
    }
    *built = above;
    const rdb_list filter = by_cost(p, &path->filter);
    return resolve_here(b, &above, &filter, &node->filter);
}

/* Each value once. */
static bool build_unique(builder *b, plan_path *path, plan_built *built)
{
    planner *p = b->level->p;
    plan_built below;
    rdb_list keys = {0};
    if (!build_path(b, path->left, &below) || !resolve_here(b, &below, &path->left_keys, &keys))
        return false;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_AGGREGATE, &below, NULL);
    node->of.aggregate.strategy = RDB_AGGREGATE_HASHED;
    node->of.aggregate.key_count = keys.count;
    node->of.aggregate.keys = (rdb_expr *const *)keys.items;
    node->startup_cost = path->startup;
    node->total_cost = path->total;
    node->rows = path->rows;
    plan_set_inputs(p, node, (rdb_expr *const *)path->left_keys.items, keys.count);
    *built = plan_identity(p, node, (rdb_expr *const *)path->left_keys.items, keys.count);
    return true;
}

static bool build_leaf(void *context, plan_path *path, plan_built *built)
{
    return build_scan(context, path, built);
}

static bool build_path(builder *b, plan_path *path, plan_built *built)
{
    planner *p = b->level->p;
    switch ((rdb_plan_kind)path->kind) {
    case RDB_PLAN_RESULT: {
        plan_built below = {0};
        if (path->left != NULL && path->is_nothing) { /* what is below is never read */
            if (!build_path(b, path->left, &below)) /* for its columns alone */
                return false;
            rdb_plan_node *node = plan_new_node(p, RDB_PLAN_RESULT, NULL, NULL);
            if (path->filter.count > 0)
                rdb_list_push(p->arena, &node->filter, plan_nothing(b->level, path)->filter.items[0]);
            *built = below;
            built->node = node;
            return plan_project_never(p, built, below.outputs, NULL, below.count);
        }
        if (path->left != NULL && !build_path(b, path->left, &below))
            return false;
        rdb_plan_node *node = plan_new_node(p, RDB_PLAN_RESULT, path->left ? &below : NULL, NULL);
        node->rows = path->rows;
        node->total_cost = path->total;
        *built = plan_identity(p, node, below.outputs, below.count);
        return resolve_here(b, built, &path->filter, &node->filter);
    }
    case RDB_PLAN_AGGREGATE:
        return build_unique(b, path, built);
    case RDB_PLAN_HASH_JOIN:
    case RDB_PLAN_MERGE_JOIN:
    case RDB_PLAN_NEST_LOOP:
        return build_join(b, path, built);
    case RDB_PLAN_APPEND:
    case RDB_PLAN_MERGE_APPEND:
        return plan_build_append(b->level, path, build_leaf, outer_to_param, b, built);
    default:
        return build_scan(b, path, built);
    }
}

bool plan_build_path(plan_level *level, plan_path *path, plan_built *built)
{
    builder b = {.level = level};
    return build_path(&b, path, built);
}
