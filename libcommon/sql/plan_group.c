/* SPDX-License-Identifier: Apache-2.0
 * Planning GROUP BY, grouping sets and aggregates. */
#include "sql/plan_append.h"

typedef struct collector {
    planner *p;
    rdb_list aggregates, groupings, keys, loose; /* loose: columns outside of aggregates that are no keys */
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

const rdb_target *plan_find_target(const rdb_list *targets, uint32_t ref, uint32_t *position)
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

static bool has_equal(const rdb_list *exprs, const rdb_expr *expr)
{
    for (uint32_t i = 0; i < exprs->count; i++)
        if (rdb_expr_equal(exprs->items[i], expr))
            return true;
    return false;
}

/* What direct arguments see: the left side's columns, and behind them the keys as the grouping set at hand has them. */
static plan_built with_keys(planner *p, const plan_built *built, const rdb_list *keys)
{
    plan_built wide = {.node = built->node, .count = built->count + keys->count};
    wide.outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, wide.count + 1);
    for (uint32_t i = 0; i < built->count; i++)
        wide.outputs[i] = built->outputs[i] != NULL && has_equal(keys, built->outputs[i]) ? NULL : built->outputs[i];
    for (uint32_t i = 0; i < keys->count; i++)
        wide.outputs[built->count + i] = keys->items[i];
    return wide;
}

static bool is_order_free(const rdb_expr_aggregate *aggregate, const rdb_type *type)
{
    const char *name = aggregate->function->name;
    if (aggregate->function->oid >= 16384)
        return false;
    if (strcmp(name, "count") == 0 || strcmp(name, "min") == 0 || strcmp(name, "max") == 0)
        return true;
    return (strcmp(name, "sum") == 0 || strcmp(name, "avg") == 0) && (type->oid == RDB_INT2OID || type->oid == RDB_INT4OID || type->oid == RDB_INT8OID || type->oid == RDB_NUMERICOID);
}

static bool plan_call(planner *p, const plan_built *built, const plan_built *direct_built, rdb_expr_aggregate *aggregate, rdb_plan_aggregate_call *call)
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
    if (!plan_resolve_list(p, direct_built, &aggregate->direct_arguments, &direct))
        return false;
    *call = (rdb_plan_aggregate_call){.aggregate = aggregate, .argument_count = arguments.count, .arguments = (rdb_expr *const *)arguments.items, .extra_count = extra.count, .extra = (rdb_expr *const *)extra.items,
                                      .direct_count = direct.count, .direct = (rdb_expr *const *)direct.items, .is_distinct = aggregate->distinct.count > 0};
    if (aggregate->filter != NULL && !plan_resolve(p, built, aggregate->filter, &call->filter))
        return false;
    rdb_plan_key *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, aggregate->order.count + 1);
    for (uint32_t i = 0; i < aggregate->order.count; i++) {
        const rdb_sort_item *item = aggregate->order.items[i];
        uint32_t position = 0;
        const rdb_target *target = plan_find_target(&aggregate->arguments, item->target_ref, &position);
        if (target == NULL)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "ORDER BY item of an aggregate is not there");
        keys[i] = plan_key(slot_of[position], target->expr);
        keys[i].is_descending = item->is_descending;
        keys[i].nulls_first = item->nulls_first;
    }
    call->order = keys;
    call->order_count = aggregate->order.count;
    if (call->is_distinct && call->order_count == 0 && aggregate->distinct.count == 1 && call->argument_count == 1 && extra.count == 0 && direct.count == 0 && !p->context->no_hash_aggregate) {
        const rdb_sort_item *item = aggregate->distinct.items[0];
        const rdb_type *type = ((const rdb_expr *)arguments.items[0])->type;
        call->is_any_order = item->can_hash && plan_can_hash(type) && is_order_free(aggregate, type);
    }
    return true;
}

static bool has_item(const rdb_list *items, uint32_t ref)
{
    for (uint32_t i = 0; i < items->count; i++)
        if (((const rdb_sort_item *)items->items[i])->target_ref == ref)
            return true;
    return false;
}

static rdb_list items_by_order(planner *p, const rdb_query *query, const rdb_list *items)
{
    rdb_list made = {0};
    for (uint32_t i = 0; i < query->sort.count; i++) {
        const rdb_sort_item *item = query->sort.items[i];
        if (!has_item(items, item->target_ref))
            break;
        if (!has_item(&made, item->target_ref))
            rdb_list_push(p->arena, &made, query->sort.items[i]);
    }
    for (uint32_t i = 0; i < items->count; i++)
        if (!has_item(&made, ((const rdb_sort_item *)items->items[i])->target_ref))
            rdb_list_push(p->arena, &made, items->items[i]);
    return made;
}

rdb_list plan_group_items(planner *p, const rdb_query *query)
{
    return query->grouping_sets.count > 0 ? query->group : items_by_order(p, query, &query->group);
}

rdb_list plan_distinct_items(planner *p, const rdb_query *query)
{
    return items_by_order(p, query, &query->distinct);
}

static bool find_ordered(void *context, rdb_expr *expr)
{
    bool *found = context;
    if (expr->kind == RDB_EXPR_AGGREGATE) {
        const rdb_expr_aggregate *aggregate = (const rdb_expr_aggregate *)expr;
        *found = *found || (aggregate->levels_up == 0 && (aggregate->distinct.count > 0 || aggregate->order.count > 0));
    }
    return !*found && rdb_expr_visit_children(expr, find_ordered, context);
}

bool plan_has_ordered_aggregates(const rdb_query *query, rdb_expr *const *targets)
{
    bool found = false;
    for (uint32_t i = 0; i < query->targets.count && !found; i++)
        (void)find_ordered(&found, targets[i]);
    if (!found && query->having != NULL)
        (void)find_ordered(&found, query->having);
    return found;
}

static bool refuse_group(planner *p)
{
    rdb_error_set(p->err, RDB_FEATURE_NOT_SUPPORTED, "could not implement GROUP BY");
    return rdb_error_detail(p->err, "Some of the datatypes only support hashing, while others only support sorting.");
}

/* Each set must be sorted or hashed: by PostgreSQL's operator classes, whatever could be done here. */
static bool check_sets(planner *p, const rdb_list *items, const uint64_t *masks, uint32_t count, bool has_ordered)
{
    for (uint32_t s = 0; s < count; s++) {
        bool can_sort = true, can_hash = !has_ordered;
        for (uint32_t k = 0; k < items->count; k++) {
            const rdb_sort_item *item = items->items[k];
            if ((masks[s] >> k & 1) == 0)
                continue;
            can_sort &= item->order_oid != 0;
            can_hash &= item->can_hash;
        }
        if (!can_sort && !can_hash)
            return refuse_group(p);
    }
    return true;
}

/* ---- keys that follow from others ------------------------------------------------------------------------------------------------ */
static const rdb_expr_var *as_column(const plan_level *level, const rdb_expr *expr)
{
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    return expr->kind == RDB_EXPR_VAR && var->levels_up == 0 && var->attribute_no > 0 && var->range_no <= level->range_count ? var : NULL;
}

typedef struct key_facts {
    const plan_level *level;
    const rdb_list *keys;      /* rdb_expr * */
    bool *follows;             /* by key */
    bool *is_known;            /* by range: the keys that are left decide which row of it a group has */
} key_facts;

static bool is_column_known(const key_facts *f, uint32_t range_no, int16_t attribute_no)
{
    for (uint32_t i = 0; i < f->keys->count; i++) {
        const rdb_expr_var *key = as_column(f->level, f->keys->items[i]);
        if (key != NULL && !f->follows[i] && key->range_no == range_no && key->attribute_no == attribute_no)
            return true;
    }
    for (uint32_t i = 0; i < f->level->equalities.count; i++) {
        const rdb_expr_function *e = f->level->equalities.items[i];
        const rdb_expr_var *sides[2] = {as_column(f->level, e->arguments.items[0]), as_column(f->level, e->arguments.items[1])};
        if (sides[0] == NULL || sides[1] == NULL || sides[0]->head.type->oid != sides[1]->head.type->oid || sides[0]->head.collation != sides[1]->head.collation)
            continue;
        for (int s = 0; s < 2; s++) {
            const rdb_expr_var *other = sides[1 - s];
            if (sides[s]->range_no != range_no || sides[s]->attribute_no != attribute_no)
                continue;
            if (f->is_known[other->range_no])
                return true;
            for (uint32_t k = 0; k < f->keys->count; k++)
                if (!f->follows[k] && rdb_expr_equal(f->keys->items[k], &other->head))
                    return true;
        }
    }
    return false;
}

/* Ranges of which all columns of the primary key are known, from one to the next. */
static void find_known_ranges(const key_facts *f)
{
    memset(f->is_known, 0, f->level->range_count + 1u);
    for (bool is_more = true; is_more;) {
        is_more = false;
        for (uint32_t r = 1; r <= f->level->range_count; r++) {
            const plan_rel *rel = f->level->rels[r];
            const rdb_relation *relation = rel != NULL && rel->range->kind == RDB_RANGE_RELATION ? rel->range->relation : NULL;
            for (uint16_t i = 0; relation != NULL && !f->is_known[r] && i < relation->index_count; i++) {
                const rdb_relation_index *index = &relation->indexes[i];
                if (!index->is_primary || !index->is_immediate || !index->is_valid || plan_is_parent(rel->range))
                    continue;
                bool all = true;
                for (uint16_t k = 0; all && k < index->key_count; k++)
                    all = is_column_known(f, r, index->columns[k].column_number);
                f->is_known[r] = all;
                is_more = is_more || all;
            }
        }
    }
}

/* Of the group keys those whose value the others decide: columns of a row that its primary key, or an equality with it, has named. NULL: none. */
static const bool *find_followers(plan_level *level, const rdb_list *keys)
{
    rdb_arena *arena = level->p->arena;
    const key_facts f = {.level = level, .keys = keys, .follows = RDB_NEW_ARRAY(arena, bool, keys->count + 1), .is_known = RDB_NEW_ARRAY(arena, bool, level->range_count + 1u)};
    uint32_t left = keys->count;
    for (uint32_t i = keys->count; keys->count < 64 && i-- > 0 && left > 1;) {
        const rdb_expr *bare = keys->items[i];
        while (bare->kind == RDB_EXPR_RELABEL)
            bare = ((const rdb_expr_unary *)bare)->argument;
        const rdb_expr_var *column = as_column(level, bare);
        if (column == NULL)
            continue;
        f.follows[i] = true;
        find_known_ranges(&f);
        f.follows[i] = f.is_known[column->range_no];
        left -= f.follows[i];
    }
    return left < keys->count ? f.follows : NULL;
}

/* ---- DISTINCT inside aggregates ---------------------------------------------------------------------------------------------------- */
/* The one expression whose different values all aggregates of the query ask for; NULL: they ask for something else. */
static rdb_expr *only_distinct_argument(const rdb_list *aggregates)
{
    rdb_expr *only = NULL;
    for (uint32_t i = 0; i < aggregates->count; i++) {
        const rdb_expr_aggregate *aggregate = aggregates->items[i];
        const rdb_target *target = aggregate->arguments.count == 1 ? aggregate->arguments.items[0] : NULL;
        if (target == NULL || target->is_junk || aggregate->distinct.count != 1 || aggregate->order.count > 0 || aggregate->filter != NULL || aggregate->direct_arguments.count > 0 ||
            aggregate->levels_up != 0 || !plan_can_hash(target->expr->type) || !is_order_free(aggregate, target->expr->type) || rdb_expr_volatility(target->expr) == 'v' ||
            (only != NULL && !rdb_expr_equal(only, target->expr)))
            return NULL;
        only = target->expr;
    }
    return only;
}

/* Many rows are not sorted by group and value, but grouped by both first: what comes out has each value once. Puts that below. */
static bool group_distinct_values(plan_level *level, plan_built *built, const rdb_list *keys, rdb_expr *argument)
{
    planner *p = level->p;
    const uint32_t count = keys->count + 1;
    rdb_list all = {0}, resolved = {0};
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_AGGREGATE, built, NULL);
    for (uint32_t i = 0; i < keys->count; i++)
        rdb_list_push(p->arena, &all, keys->items[i]);
    rdb_list_push(p->arena, &all, argument);
    if (!plan_resolve_list(p, built, &all, &resolved))
        return false;
    node->of.aggregate.key_count = count;
    node->of.aggregate.keys = (rdb_expr *const *)resolved.items;
    node->of.aggregate.strategy = RDB_AGGREGATE_HASHED;
    node->of.aggregate.follows = find_followers(level, &all);
    plan_set_inputs(p, node, (rdb_expr **)all.items, count);
    const double rows = node->rows;
    node->total_cost += rows * (COST_OPERATOR * count + 0.001);
    node->startup_cost = node->total_cost;
    node->rows = RDB_MAX(1.0, RDB_MIN(plan_group_count(level, (rdb_expr *const *)all.items, count, rows), rows));
    *built = plan_identity(p, node, (rdb_expr **)all.items, count);
    return true;
}

bool plan_aggregation(plan_level *level, plan_built *built, rdb_expr **targets, const rdb_list *having)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    collector c = {.p = p};
    uint32_t *refs = RDB_NEW_ARRAY(p->arena, uint32_t, query->group.count + 1);
    const rdb_list items = plan_group_items(p, query);
    for (uint32_t i = 0; i < items.count; i++) {
        const rdb_sort_item *item = items.items[i];
        uint32_t position = 0;
        if (plan_find_target(&query->targets, item->target_ref, &position) == NULL)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "GROUP BY item is not there");
        refs[i] = item->target_ref;
        /* Null in the sets that lack it: a column of its own, not a constant, nor an equal key's. */
        while (query->grouping_sets.count > 0 && (targets[position]->kind == RDB_EXPR_CONST || has_equal(&c.keys, targets[position]))) {
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
    bool sorts = false, is_distinct_done = false;
    rdb_expr *distinct = query->grouping_sets.count == 0 && built->node->total_cost >= PLAN_LONG_RUN && !p->context->no_hash_aggregate ? only_distinct_argument(&c.aggregates) : NULL;
    for (uint32_t i = 0; i < c.keys.count && distinct != NULL; i++)
        if (!plan_can_hash(((const rdb_expr *)c.keys.items[i])->type) || (i < group_count && !((const rdb_sort_item *)items.items[i])->can_hash))
            distinct = NULL;
    if (distinct != NULL) {
        rdb_list below = {0};
        for (uint32_t i = 0; i < c.keys.count; i++)
            rdb_list_push(p->arena, &below, c.keys.items[i]);
        for (uint32_t i = 0; i < c.loose.count; i++)
            rdb_list_push(p->arena, &below, c.loose.items[i]);
        if (!group_distinct_values(level, built, &below, distinct))
            return false;
        is_distinct_done = true;
        level->have_count = 0;
    } else if (level->want.goal == PLAN_GOAL_GROUP && level->want.count == group_count && group_count > 0 && query->group.count > 0)
        (void)plan_goal_cost(level, level->ordered_count, built->node->rows, built->node->width, built->node->startup_cost, built->node->total_cost, &sorts);
    if (sorts) {
        uint32_t *slots = RDB_NEW_ARRAY(p->arena, uint32_t, group_count + 1);
        rdb_plan_key *sort_keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, group_count + 1);
        if (!plan_ensure_columns(p, built, (rdb_expr *const *)c.keys.items, group_count, slots))
            return false;
        for (uint32_t i = 0; i < group_count; i++) {
            const rdb_sort_item *item = items.items[i];
            sort_keys[i] = plan_key(slots[i], c.keys.items[i]);
            sort_keys[i].is_descending = item->is_descending;
            sort_keys[i].nulls_first = item->nulls_first;
        }
        if (!plan_sort_by(level, built, sort_keys, group_count, 0))
            return false;
    } else {
        level->have_count = 0;
    }
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_AGGREGATE, built, NULL);
    rdb_plan_aggregate *plan = &node->of.aggregate;
    rdb_list keys = {0};
    /* columns that depend on the keys (the primary key is among them): keys as well, which changes no group */
    for (uint32_t i = 0; i < c.loose.count; i++)
        rdb_list_push(p->arena, &c.keys, c.loose.items[i]);
    if (!plan_resolve_list(p, built, &c.keys, &keys))
        return false;
    rdb_plan_aggregate_call *calls = RDB_NEW_ARRAY(p->arena, rdb_plan_aggregate_call, c.aggregates.count + 1);
    const plan_built wide = query->grouping_sets.count > 0 ? with_keys(p, built, &c.keys) : *built;
    for (uint32_t i = 0; i < c.aggregates.count; i++)
        if (!plan_call(p, built, &wide, c.aggregates.items[i], &calls[i]))
            return false;
    for (uint32_t i = 0; i < c.aggregates.count && is_distinct_done; i++)
        calls[i].is_distinct = calls[i].is_any_order = false;
    plan->key_count = keys.count;
    plan->keys = (rdb_expr *const *)keys.items;
    plan->call_count = c.aggregates.count;
    plan->calls = calls;
    plan->strategy = keys.count == 0 && query->grouping_sets.count == 0 ? RDB_AGGREGATE_PLAIN : sorts ? RDB_AGGREGATE_SORTED : RDB_AGGREGATE_HASHED;
    if (plan->strategy == RDB_AGGREGATE_HASHED && query->grouping_sets.count == 0)
        plan->follows = find_followers(level, &c.keys);
    if (query->grouping_sets.count > 0) {
        uint64_t *masks = NULL;
        if (keys.count > 64)
            return rdb_error_set(p->err, RDB_STATEMENT_TOO_COMPLEX, "too many grouping columns");
        if (!expand_sets(p, &query->grouping_sets, refs, group_count, &masks, &plan->set_count) ||
            !check_sets(p, &items, masks, plan->set_count, plan_has_ordered_aggregates(query, targets)))
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
    node->startup_cost = sorts ? node->left->startup_cost : node->total_cost;
    double groups = plan_group_count(level, (rdb_expr *const *)c.keys.items, group_count, input_rows);
    node->rows = keys.count == 0 ? 1 : RDB_MAX(1.0, RDB_MIN(groups, input_rows));
    *built = plan_identity(p, node, outputs, count);
    return plan_resolve_list(p, built, having, &node->filter);
}
