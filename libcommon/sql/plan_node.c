/* SPDX-License-Identifier: Apache-2.0
 * Building nodes: row spaces, projections, and the words that EXPLAIN has for them. */
#include "sql/plan_append.h"

void plan_set_inputs(planner *p, rdb_plan_node *node, rdb_expr *const *exprs, uint32_t count)
{
    const rdb_type **types = RDB_NEW_ARRAY(p->arena, const rdb_type *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        types[i] = exprs[i]->type;
    node->input_count = count;
    node->input_types = types;
}

/* A node whose row space is what its children give, one beside the other, and whose output is its row space. */
rdb_plan_node *plan_new_node(planner *p, rdb_plan_kind kind, const plan_built *left, const plan_built *right)
{
    rdb_plan_node *node = RDB_NEW(p->arena, rdb_plan_node);
    node->kind = (uint8_t)kind;
    node->node_no = p->plan->node_count++;
    node->passes_through = true;
    uint32_t left_count = left ? left->count : 0, right_count = right ? right->count : 0;
    rdb_expr **exprs = RDB_NEW_ARRAY(p->arena, rdb_expr *, left_count + right_count + 1);
    if (left != NULL) {
        node->left = left->node;
        memcpy(exprs, left->outputs, left_count * sizeof *exprs);
        node->rows = left->node->rows;
        node->width = left->node->width;
        node->startup_cost = left->node->startup_cost;
        node->total_cost = left->node->total_cost;
    }
    if (right != NULL) {
        node->right = right->node;
        memcpy(exprs + left_count, right->outputs, right_count * sizeof *exprs);
        node->width += right->node->width;
    }
    plan_set_inputs(p, node, exprs, left_count + right_count);
    return node;
}

plan_built plan_identity(planner *p, rdb_plan_node *node, rdb_expr *const *outputs, uint32_t count)
{
    plan_built built = {.node = node, .count = count};
    built.outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 1);
    if (count > 0)
        memcpy(built.outputs, outputs, count * sizeof *outputs);
    return built;
}

static rdb_target *make_target(planner *p, rdb_expr *expr, const rdb_target *like)
{
    rdb_target *target = RDB_NEW(p->arena, rdb_target);
    if (like != NULL)
        *target = *like;
    target->expr = expr;
    return target;
}

/* May this node still get targets of its own? One that has some already, or whose rows are shared, may not. */
static bool can_project(const rdb_plan_node *node)
{
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_SORT:
    case RDB_PLAN_INCREMENTAL_SORT:
    case RDB_PLAN_MERGE_APPEND:
    case RDB_PLAN_LIMIT:
    case RDB_PLAN_UNIQUE:
    case RDB_PLAN_SET_OP:
    case RDB_PLAN_APPEND:
    case RDB_PLAN_MATERIALIZE:
    case RDB_PLAN_MEMOIZE:
    case RDB_PLAN_RECURSIVE_UNION:
    case RDB_PLAN_LOCK_ROWS:
    case RDB_PLAN_MODIFY_TABLE:
    case RDB_PLAN_PROJECT_SET:
        return false;
    default:
        return node->passes_through;
    }
}

typedef struct set_finder {
    planner *p;
    const plan_built *built;
    rdb_list *calls;  /* set-returning calls whose arguments have none inside */
    bool is_inside;   /* below the top of a target */
    bool needs_level; /* one stands inside of something, or has another one inside */
} set_finder;

static bool is_computed(const plan_built *built, const rdb_expr *expr)
{
    for (uint32_t i = 0; i < built->count; i++)
        if (built->outputs[i] != NULL && rdb_expr_equal(built->outputs[i], expr))
            return true;
    return false;
}

static bool find_sets(void *context, rdb_expr *expr)
{
    set_finder *f = context;
    if (is_computed(f->built, expr))
        return true;
    if (expr->kind != RDB_EXPR_FUNCTION || !((rdb_expr_function *)expr)->function->returns_set) {
        bool was_inside = f->is_inside;
        f->is_inside = true;
        bool ok = rdb_expr_visit_children(expr, find_sets, f);
        f->is_inside = was_inside;
        return ok;
    }
    f->needs_level |= f->is_inside;
    bool was_inside = f->is_inside;
    f->is_inside = true;
    if (!rdb_expr_visit_children(expr, find_sets, f))
        return false;
    f->is_inside = was_inside;
    rdb_list inner = {0};
    set_finder within = {f->p, f->built, &inner, true, false};
    if (!rdb_expr_visit_children(expr, find_sets, &within))
        return false;
    if (inner.count > 0)
        return true; /* a later level's */
    for (uint32_t i = 0; i < f->calls->count; i++)
        if (rdb_expr_equal(f->calls->items[i], expr))
            return true;
    rdb_list_push(f->p->arena, f->calls, expr);
    return true;
}

/* Sets inside of expressions, or of other sets, are run first, innermost ones below: each level is a ProjectSet that hands on what it
 * was given and adds the calls it makes. What is left then stands at the top of a target (all: nothing is left). */
bool plan_inner_sets(planner *p, plan_built *built, rdb_expr *const *exprs, uint32_t count, bool all_of_them)
{
    for (;;) {
        rdb_list calls = {0};
        set_finder f = {.p = p, .built = built, .calls = &calls};
        for (uint32_t i = 0; i < count; i++) {
            f.is_inside = false;
            if (!find_sets(&f, exprs[i]))
                return false;
        }
        if ((!f.needs_level && !all_of_them) || calls.count == 0)
            return true;
        uint32_t total = built->count + calls.count;
        rdb_expr **all = RDB_NEW_ARRAY(p->arena, rdb_expr *, total + 1);
        rdb_list resolved = {0};
        if (built->count > 0)
            memcpy(all, built->outputs, built->count * sizeof *all);
        memcpy(all + built->count, calls.items, calls.count * sizeof *all);
        for (uint32_t i = 0; i < total; i++) {
            rdb_expr *one = NULL;
            if (!plan_resolve(p, built, all[i], &one))
                return false;
            rdb_list_push(p->arena, &resolved, make_target(p, one, NULL));
        }
        rdb_plan_node *node = plan_new_node(p, RDB_PLAN_PROJECT_SET, built, NULL);
        node->rows *= 1000;
        node->targets = resolved;
        node->passes_through = false;
        *built = plan_identity(p, node, all, total);
    }
}

static bool is_identity(const rdb_list *targets, uint32_t count)
{
    if (targets->count != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const rdb_expr_slot *slot = (const rdb_expr_slot *)((const rdb_target *)targets->items[i])->expr;
        if (slot->head.kind != RDB_EXPR_SLOT || slot->slot_no != i)
            return false;
    }
    return true;
}

typedef struct composer {
    planner *p;
    const rdb_list *targets; /* that slots stand for */
    uint32_t *uses;
} composer;

static rdb_expr *compose_expr(void *context, rdb_expr *expr)
{
    composer *c = context;
    const rdb_expr_slot *slot = (const rdb_expr_slot *)expr;
    if (expr->kind != RDB_EXPR_SLOT || slot->slot_no >= c->targets->count)
        return rdb_expr_map_children(c->p->arena, expr, compose_expr, c);
    c->uses[slot->slot_no]++;
    return ((const rdb_target *)c->targets->items[slot->slot_no])->expr;
}

/* A projection of a projection is one, where nothing is computed twice for it or less often than before. */
static bool compose(planner *p, rdb_plan_node *node, const rdb_list *targets)
{
    rdb_list composed = {0};
    const bool was_through = node->passes_through;
    node->passes_through = true;
    const bool may = !was_through && can_project(node);
    node->passes_through = was_through;
    if (!may)
        return false;
    composer c = {p, &node->targets, RDB_NEW_ARRAY(p->arena, uint32_t, node->targets.count + 1)};
    for (uint32_t i = 0; i < targets->count; i++) {
        rdb_expr *one = compose_expr(&c, ((const rdb_target *)targets->items[i])->expr);
        if (one == NULL)
            return false;
        rdb_list_push(p->arena, &composed, make_target(p, one, targets->items[i]));
    }
    for (uint32_t i = 0; i < node->targets.count; i++) {
        const rdb_expr *expr = ((const rdb_target *)node->targets.items[i])->expr;
        if (rdb_expr_volatility(expr) == 'v' || (c.uses[i] > 1 && expr->kind != RDB_EXPR_SLOT && expr->kind != RDB_EXPR_CONST && expr->kind != RDB_EXPR_PARAM))
            return false;
    }
    node->targets = composed;
    return true;
}

rdb_plan_node *plan_subquery_scan(planner *p, const plan_built *built)
{
    rdb_range *range = (rdb_range *)(uintptr_t)built->subquery;
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_SUBQUERY_SCAN, built, NULL);
    node->of.subquery.alias = range->alias;
    node->range = range;
    range->shown = NULL;
    node->total_cost += node->rows * COST_TUPLE;
    return node;
}

/* The outputs become exactly these expressions. targets (may be NULL) gives names and origins. */
bool plan_project(planner *p, plan_built *built, rdb_expr *const *exprs, const rdb_list *targets, uint32_t count)
{
    if (!plan_inner_sets(p, built, exprs, count, false))
        return false;
    rdb_plan_node *node = built->node;
    rdb_list resolved = {0};
    bool has_set = false;
    if (plan_is_never(node))
        return plan_project_never(p, built, exprs, targets, count);
    for (uint32_t i = 0; i < count; i++) {
        rdb_expr *one = NULL;
        if (!plan_resolve(p, built, exprs[i], &one))
            return false;
        has_set = has_set || plan_contains_set(one);
        rdb_list_push(p->arena, &resolved, make_target(p, one, targets ? targets->items[i] : NULL));
    }
    if (!has_set && plan_push_targets(p, built, exprs, &resolved)) {
        *built = plan_identity(p, node, exprs, count);
        return true;
    }
    if (!has_set && is_identity(&resolved, built->count)) {
        *built = plan_identity(p, node, exprs, count);
        return true;
    }
    if (!has_set && built->subquery == NULL && compose(p, node, &resolved)) {
        *built = plan_identity(p, node, exprs, count);
        return true;
    }
    if (has_set) {
        node = plan_new_node(p, RDB_PLAN_PROJECT_SET, built, NULL);
        node->rows *= 1000;
    } else if (built->subquery != NULL) {
        node = plan_subquery_scan(p, built);
    } else if (!can_project(node)) {
        node = plan_new_node(p, RDB_PLAN_RESULT, built, NULL);
    }
    node->targets = resolved;
    node->passes_through = false;
    node->total_cost += node->rows * COST_OPERATOR * 0.1;
    *built = plan_identity(p, node, exprs, count);
    return true;
}

bool plan_ensure_columns(planner *p, plan_built *built, rdb_expr *const *exprs, uint32_t count, uint32_t *slots)
{
    rdb_expr **all = RDB_NEW_ARRAY(p->arena, rdb_expr *, built->count + count + 1);
    uint32_t total = built->count;
    if (total > 0)
        memcpy(all, built->outputs, total * sizeof *all);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        while (at < total && !rdb_expr_equal(all[at], exprs[i]))
            at++;
        if (at == total)
            all[total++] = exprs[i];
        slots[i] = at;
    }
    return total == built->count || plan_project(p, built, all, NULL, total);
}

/* ---- words for EXPLAIN ------------------------------------------------------------------------------------------------------------ */
static const char *join_name(const rdb_plan_node *node, const char *const names[6])
{
    return names[node->of.join.kind <= RDB_JOIN_ANTI ? node->of.join.kind : 0];
}

/* Of grouping sets the one without keys is no hash table. */
static bool has_empty_set(const rdb_plan_aggregate *aggregate)
{
    for (uint32_t i = 0; i < aggregate->set_count; i++)
        if (aggregate->sets[i] == 0)
            return true;
    return false;
}

const char *rdb_plan_node_name(const rdb_plan_node *node)
{
    static const char *const loops[6] = {"Nested Loop", "Nested Loop Left Join", "Nested Loop Full Join", "Nested Loop Right Join", "Nested Loop Semi Join", "Nested Loop Anti Join"};
    static const char *const hashes[6] = {"Hash Join", "Hash Left Join", "Hash Full Join", "Hash Right Join", "Hash Semi Join", "Hash Anti Join"};
    static const char *const merges[6] = {"Merge Join", "Merge Left Join", "Merge Full Join", "Merge Right Join", "Merge Semi Join", "Merge Anti Join"};
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_RESULT: return "Result";
    case RDB_PLAN_SEQ_SCAN: return node->of.scan.sample != NULL && node->of.scan.sample->method < RDB_SAMPLE_AS_OF_SCN ? "Sample Scan" : "Seq Scan";
    case RDB_PLAN_BITMAP_HEAP_SCAN: return "Bitmap Heap Scan";
    case RDB_PLAN_BITMAP_INDEX_SCAN: return "Bitmap Index Scan";
    case RDB_PLAN_BITMAP_AND: return "BitmapAnd";
    case RDB_PLAN_BITMAP_OR: return "BitmapOr";
    case RDB_PLAN_INDEX_SCAN: return node->of.scan.is_backward ? "Index Scan Backward" : "Index Scan";
    case RDB_PLAN_INDEX_ONLY_SCAN: return node->of.scan.is_backward ? "Index Only Scan Backward" : "Index Only Scan";
    case RDB_PLAN_TID_SCAN: return "Tid Scan";
    case RDB_PLAN_TID_RANGE_SCAN: return "Tid Range Scan";
    case RDB_PLAN_VALUES_SCAN: return "Values Scan";
    case RDB_PLAN_FUNCTION_SCAN: return "Function Scan";
    case RDB_PLAN_CTE_SCAN: return "CTE Scan";
    case RDB_PLAN_WORK_TABLE_SCAN: return "WorkTable Scan";
    case RDB_PLAN_SUBQUERY_SCAN: return "Subquery Scan";
    case RDB_PLAN_NEST_LOOP: return join_name(node, loops);
    case RDB_PLAN_HASH_JOIN: return join_name(node, hashes);
    case RDB_PLAN_MERGE_JOIN: return join_name(node, merges);
    case RDB_PLAN_AGGREGATE:
        if (node->of.aggregate.set_count > 0)
            return has_empty_set(&node->of.aggregate) ? "MixedAggregate" : "HashAggregate";
        return node->of.aggregate.strategy == RDB_AGGREGATE_PLAIN ? "Aggregate" : node->of.aggregate.strategy == RDB_AGGREGATE_HASHED ? "HashAggregate" : "GroupAggregate";
    case RDB_PLAN_SORT: return "Sort";
    case RDB_PLAN_INCREMENTAL_SORT: return "Incremental Sort";
    case RDB_PLAN_MERGE_APPEND: return "Merge Append";
    case RDB_PLAN_LIMIT: return "Limit";
    case RDB_PLAN_UNIQUE: return "Unique";
    case RDB_PLAN_SET_OP:
    {
        const char *name = node->of.set_op.kind == RDB_SET_INTERSECT ? (node->of.set_op.all ? "HashSetOp Intersect All" : "HashSetOp Intersect")
                                                                     : (node->of.set_op.all ? "HashSetOp Except All" : "HashSetOp Except");
        return node->of.set_op.is_sorted ? name + sizeof "Hash" - 1 : name;
    }
    case RDB_PLAN_APPEND: return "Append";
    case RDB_PLAN_WINDOW: return "WindowAgg";
    case RDB_PLAN_MATERIALIZE: return "Materialize";
    case RDB_PLAN_MEMOIZE: return "Memoize";
    case RDB_PLAN_PROJECT_SET: return "ProjectSet";
    case RDB_PLAN_RECURSIVE_UNION: return "Recursive Union";
    case RDB_PLAN_LOCK_ROWS: return "LockRows";
    case RDB_PLAN_GATHER: return "Gather";
    case RDB_PLAN_MODIFY_TABLE:
        return node->of.modify.command == RDB_COMMAND_INSERT ? "Insert" : node->of.modify.command == RDB_COMMAND_UPDATE ? "Update" : node->of.modify.command == RDB_COMMAND_MERGE ? "Merge" : "Delete";
    }
    return "???";
}
