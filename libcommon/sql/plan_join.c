/* SPDX-License-Identifier: Apache-2.0
 * FROM and WHERE: conditions pushed to where they can first be checked, joins ordered by dynamic programming up to ten
 * relations and greedily beyond, access paths chosen by cost. plan_build.c turns the chosen path into nodes. */
#include "sql/plan_append.h"
#include <math.h>

#define DP_ITEMS_MAX 10u

/* ---- the tree ----------------------------------------------------------------------------------------------------------------- */
static plan_relids from_relids(const rdb_from *from)
{
    plan_relids set = relids_none();
    if (!from->is_join) {
        relids_add(&set, from->range_no);
        return set;
    }
    return from->right == NULL ? from_relids(from->left) : relids_union(from_relids(from->left), from_relids(from->right));
}

/* Relations without a row (all of their columns null) for which the condition cannot be true, cannot be false, or must be
 * null. A null deep inside of AND and OR need not come out as null, so the three differ. */
typedef enum reject_mode { REJECT_TRUE, REJECT_FALSE, REJECT_ALL_BUT_NULL } reject_mode;

static plan_relids rejecting(const rdb_expr *expr, reject_mode mode)
{
    plan_relids set = relids_none();
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_VAR:
        relids_add(&set, ((const rdb_expr_var *)expr)->range_no);
        return set;
    case RDB_EXPR_FUNCTION: {
        const rdb_expr_function *e = (const rdb_expr_function *)expr;
        if (!e->function->is_strict || e->returns_set)
            return set;
        for (uint32_t i = 0; i < e->arguments.count; i++)
            set = relids_union(set, rejecting(e->arguments.items[i], REJECT_ALL_BUT_NULL));
        return set;
    }
    case RDB_EXPR_ARRAY_OP: /* over an empty array the answer is false, whatever the left side */
        if (mode == REJECT_TRUE && ((const rdb_expr_array_op *)expr)->function->is_strict && ((const rdb_expr_array_op *)expr)->use_or)
            return rejecting(((const rdb_expr_array_op *)expr)->left, REJECT_ALL_BUT_NULL);
        return set;
    case RDB_EXPR_RELABEL:
        return rejecting(((const rdb_expr_unary *)expr)->argument, mode);
    case RDB_EXPR_NULL_TEST: {
        const rdb_expr_null_test *e = (const rdb_expr_null_test *)expr;
        if (mode == (e->is_not ? REJECT_TRUE : REJECT_FALSE) && !e->argument_is_row)
            return rejecting(e->argument, REJECT_ALL_BUT_NULL);
        return set;
    }
    case RDB_EXPR_BOOL: {
        const rdb_expr_bool *e = (const rdb_expr_bool *)expr;
        if (e->bool_kind == RDB_BOOL_NOT)
            return rejecting(e->arguments.items[0], mode == REJECT_TRUE ? REJECT_FALSE : mode == REJECT_FALSE ? REJECT_TRUE : mode);
        bool any_decides = mode == (e->bool_kind == RDB_BOOL_AND ? REJECT_TRUE : REJECT_FALSE);
        for (uint32_t i = 0; i < e->arguments.count; i++) {
            plan_relids one = rejecting(e->arguments.items[i], mode);
            for (int w = 0; w < PLAN_RELIDS_WORDS; w++)
                set.words[w] = i == 0 || any_decides ? set.words[w] | one.words[w] : set.words[w] & one.words[w];
        }
        return set;
    }
    default:
        return set;
    }
}

static plan_relids rejecting_relids(const rdb_expr *expr)
{
    return rejecting(expr, REJECT_TRUE);
}

static plan_tree *new_tree(planner *p, plan_join_shape shape)
{
    plan_tree *tree = RDB_NEW(p->arena, plan_tree);
    tree->shape = (uint8_t)shape;
    return tree;
}

static bool add_from(plan_level *level, plan_tree *group, const rdb_from *from, plan_relids rejected);

static bool tree_of(plan_level *level, const rdb_from *from, plan_relids rejected, plan_tree **tree)
{
    *tree = new_tree(level->p, PLAN_SHAPE_GROUP);
    return add_from(level, *tree, from, rejected);
}

static bool push_condition(planner *p, plan_level *level, plan_tree *tree, rdb_expr *condition, plan_relids relids);

static bool add_outer(plan_level *level, plan_tree *group, const rdb_from *from, uint8_t kind, plan_relids rejected, rdb_list *conditions)
{
    planner *p = level->p;
    const rdb_from *left = from->left, *right = from->right;
    if (kind == RDB_JOIN_RIGHT) {
        left = from->right;
        right = from->left;
        kind = RDB_JOIN_LEFT;
    }
    plan_tree *outer = new_tree(p, PLAN_SHAPE_OUTER);
    outer->join_kind = kind;
    plan_relids inner_rejected = relids_none();
    if (kind != RDB_JOIN_FULL) {
        for (uint32_t i = 0; i < conditions->count; i++)
            inner_rejected = relids_union(inner_rejected, rejecting_relids(conditions->items[i]));
        if (!tree_of(level, left, rejected, &outer->left) || !tree_of(level, right, inner_rejected, &outer->right))
            return false;
    } else if (!tree_of(level, left, relids_none(), &outer->left) || !tree_of(level, right, relids_none(), &outer->right)) {
        return false;
    }
    outer->relids = relids_union(outer->left->relids, outer->right->relids);
    for (uint32_t i = 0; i < conditions->count; i++) {
        plan_relids relids = plan_relids_of(conditions->items[i]);
        if (kind != RDB_JOIN_FULL && !relids_empty(relids) && relids_within(relids, outer->right->relids)) {
            if (!push_condition(p, level, outer->right, conditions->items[i], relids))
                return false;
        } else {
            rdb_list_push(p->arena, &outer->quals, conditions->items[i]);
        }
    }
    rdb_list_push(p->arena, &group->items, outer);
    group->relids = relids_union(group->relids, outer->relids);
    return true;
}

static bool add_from(plan_level *level, plan_tree *group, const rdb_from *from, plan_relids rejected)
{
    planner *p = level->p;
    if (!from->is_join) {
        plan_tree *leaf = new_tree(p, PLAN_SHAPE_REL);
        leaf->range_no = from->range_no;
        relids_add(&leaf->relids, from->range_no);
        rdb_list_push(p->arena, &group->items, leaf);
        group->relids = relids_union(group->relids, leaf->relids);
        return true;
    }
    rdb_list conditions = {0};
    if (!plan_prepare_conjuncts(level, from->condition, &conditions))
        return false;
    uint8_t kind = from->join_kind;
    plan_relids left = from_relids(from->left), right = from->right ? from_relids(from->right) : relids_none();
    if (kind == RDB_JOIN_FULL) { /* a side whose null-extended rows are thrown away above need not be made up */
        bool drops_left = relids_meet(rejected, left), drops_right = relids_meet(rejected, right);
        kind = drops_left && drops_right ? RDB_JOIN_INNER : drops_left ? RDB_JOIN_LEFT : drops_right ? RDB_JOIN_RIGHT : RDB_JOIN_FULL;
    }
    if ((kind == RDB_JOIN_LEFT && relids_meet(rejected, right)) || (kind == RDB_JOIN_RIGHT && relids_meet(rejected, left)))
        kind = RDB_JOIN_INNER;
    if (kind != RDB_JOIN_INNER)
        return add_outer(level, group, from, kind, rejected, &conditions);
    for (uint32_t i = 0; i < conditions.count; i++)
        rejected = relids_union(rejected, rejecting_relids(conditions.items[i]));
    if (!add_from(level, group, from->left, rejected) || (from->right != NULL && !add_from(level, group, from->right, rejected)))
        return false;
    for (uint32_t i = 0; i < conditions.count; i++)
        rdb_list_push(p->arena, &group->quals, conditions.items[i]);
    return true;
}

/* Puts a condition as deep as it may go. */
static bool push_condition(planner *p, plan_level *level, plan_tree *tree, rdb_expr *condition, plan_relids relids)
{
    switch ((plan_join_shape)tree->shape) {
    case PLAN_SHAPE_REL:
        rdb_list_push(p->arena, &level->rels[tree->range_no]->quals, condition);
        return true;
    case PLAN_SHAPE_GROUP:
        for (uint32_t i = 0; i < tree->items.count && !relids_empty(relids); i++) {
            plan_tree *item = tree->items.items[i];
            if (!relids_within(relids, item->relids))
                continue;
            if (item->shape != PLAN_SHAPE_OUTER)
                return push_condition(p, level, item, condition, relids);
            if (item->join_kind != RDB_JOIN_FULL && relids_within(relids, item->left->relids))
                return push_condition(p, level, item->left, condition, relids);
        }
        rdb_list_push(p->arena, &tree->quals, condition);
        return true;
    case PLAN_SHAPE_OUTER:
        break;
    }
    return true;
}

static bool may_join_class(plan_level *level, const rdb_expr *clause)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    uint16_t strategy = 0;
    uint32_t family = 0;
    rdb_error quiet = {0};
    if (clause->kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2)
        return false;
    bool ok = rdb_opclass_strategy(level->p->access, e->operator_oid, &strategy, &family, &quiet) && strategy == 3 && rdb_expr_volatility(clause) != 'v';
    rdb_error_clear(&quiet);
    return ok;
}

/* Conditions of inner joins were gathered in the group before all its items were known: sends each on its way. */
static bool settle_group(plan_level *level, plan_tree *tree)
{
    planner *p = level->p;
    if (tree->shape == PLAN_SHAPE_OUTER)
        return settle_group(level, tree->left) && settle_group(level, tree->right);
    if (tree->shape != PLAN_SHAPE_GROUP)
        return true;
    rdb_list conditions = tree->quals;
    tree->quals = (rdb_list){0};
    if (!plan_make_classes(p, &conditions, &tree->classes))
        return false;
    for (int is_equality = 0; is_equality < 2; is_equality++) /* equalities come last, as what follows from classes of equal values */
        for (uint32_t i = 0; i < conditions.count; i++)
            if (may_join_class(level, conditions.items[i]) == (is_equality == 1) && !push_condition(p, level, tree, conditions.items[i], plan_relids_of(conditions.items[i])))
                return false;
    for (uint32_t i = 0; i < tree->items.count; i++) {
        plan_tree *item = tree->items.items[i];
        rdb_list within = {0};
        for (uint32_t k = 0; k < tree->classes.count; k++)
            plan_class_clauses_within(p, tree->classes.items[k], item->relids, &within);
        for (uint32_t k = 0; k < within.count; k++)
            if (!push_condition(p, level, tree, within.items[k], plan_relids_of(within.items[k])))
                return false;
        if (!settle_group(level, item))
            return false;
    }
    return true;
}

/* ---- paths --------------------------------------------------------------------------------------------------------------------- */
static plan_path *new_path(planner *p, rdb_plan_kind kind)
{
    plan_path *path = RDB_NEW(p->arena, plan_path);
    path->kind = (uint8_t)kind;
    return path;
}

static double clamp_rows(double rows)
{
    return rows < 1 ? 1 : rint(rows);
}

static double selectivity_of(plan_level *level, const rdb_list *clauses)
{
    return plan_selectivity_list(level, NULL, clauses);
}

static bool estimate_relation(plan_level *level, plan_rel *rel)
{
    const rdb_relation *relation = rel->range->relation;
    uint64_t blocks = 0;
    if (!rdb_table_block_count(&relation->table, &blocks, level->p->err))
        return false;
    rel->pages = blocks > 0 ? (double)blocks : 1;
    if (relation->tuples < 0 && rel->pages < 10)
        rel->pages = 10; /* never counted: it is likely to grow, and a plan may be kept for long */
    rel->width = 0;
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (!relation->columns[i].is_dropped)
            rel->width += relation->statistics != NULL && relation->statistics[i] != NULL ? relation->statistics[i]->width : relation->columns[i].type->rep == RDB_REP_BYTES ? 32 : (int32_t)rdb_rep_width(relation->columns[i].type->rep);
    double density = relation->tuples > 0 && relation->pages > 0 ? relation->tuples / relation->pages : 4000.0 / (rel->width + 28);
    rel->tuples = relation->tuples >= 0 && relation->pages <= 0 && blocks == 0 ? relation->tuples : clamp_rows(density * rel->pages);
    rel->rows = clamp_rows(rel->tuples * selectivity_of(level, &rel->quals));
    return true;
}

bool plan_base_path(plan_level *level, plan_rel *rel, plan_path **out)
{
    planner *p = level->p;
    plan_path *path = NULL;
    if (rel->parent == NULL && plan_is_parent(rel->range))
        return plan_append_path(level, rel, out);
    if (rel->has_built) {
        path = new_path(p, RDB_PLAN_SUBQUERY_SCAN);
        rel->tuples = rel->built.node->rows;
        rel->rows = clamp_rows(rel->tuples * selectivity_of(level, &rel->quals));
        path->startup = rel->built.node->startup_cost;
        path->total = rel->built.node->total_cost + rel->tuples * COST_OPERATOR * rel->quals.count;
        rel->width = path->width = rel->built.node->width;
    } else {
        if (!estimate_relation(level, rel))
            return false;
        path = new_path(p, RDB_PLAN_SEQ_SCAN);
        path->total = rel->pages * COST_SEQ_PAGE + rel->tuples * (COST_TUPLE + COST_OPERATOR * rel->quals.count);
        if (p->context->no_seq_scan)
            path->total += 1e10;
        path->width = rel->width;
    }
    path->rel = rel;
    path->filter = rel->quals;
    path->rows = rel->rows;
    relids_add(&path->relids, rel->range_no);
    path->needs = rel->lateral;
    if (!rel->has_built && rel->sample == NULL && !p->context->no_index_scan) {
        plan_path *indexed = NULL;
        if (!plan_index_paths(level, rel, &rel->quals, relids_none(), &indexed))
            return false;
        if (indexed != NULL && indexed->total < path->total)
            path = indexed;
    }
    *out = path;
    return true;
}

/* An equality between the two sides: *left and *right are its halves, of one type. */
static bool split_equality(plan_level *level, rdb_expr *clause, plan_relids left_ids, plan_relids right_ids, rdb_expr **left, rdb_expr **right)
{
    planner *p = level->p;
    if (clause->kind != RDB_EXPR_FUNCTION)
        return false;
    rdb_expr_function *e = (rdb_expr_function *)clause;
    if (e->operator_oid == 0 || e->arguments.count != 2)
        return false;
    rdb_expr *a = e->arguments.items[0], *b = e->arguments.items[1];
    plan_relids a_ids = plan_relids_of(a), b_ids = plan_relids_of(b);
    if (relids_empty(a_ids) || relids_empty(b_ids))
        return false;
    if (relids_within(a_ids, right_ids) && relids_within(b_ids, left_ids)) {
        rdb_expr *swap = a;
        a = b;
        b = swap;
    } else if (!relids_within(a_ids, left_ids) || !relids_within(b_ids, right_ids)) {
        return false;
    }
    rdb_error quiet = {0};
    uint16_t strategy = 0;
    uint32_t family = 0;
    bool ok = rdb_opclass_strategy(p->access, e->operator_oid, &strategy, &family, &quiet) && strategy == 3;
    if (ok && a->type->oid != b->type->oid)
        ok = plan_cast_to(p, &a, b->type) || plan_cast_to(p, &b, a->type);
    ok = ok && ((a->type->ops != NULL && a->type->ops->hash != NULL && a->type->ops->compare != NULL));
    rdb_error_clear(&quiet);
    *left = a;
    *right = b;
    return ok;
}

static double join_selectivity(plan_level *level, const rdb_list *clauses, const plan_path *left, const plan_path *right, uint8_t kind)
{
    double selectivity = 1;
    for (uint32_t i = 0; i < clauses->count; i++)
        selectivity *= plan_join_selectivity(level, clauses->items[i], left->relids, kind, right->rows);
    return selectivity;
}

static double join_rows(uint8_t kind, double left, double right, double selectivity)
{
    double rows = left * right * selectivity;
    switch ((rdb_join_kind)kind) {
    case RDB_JOIN_LEFT: return clamp_rows(RDB_MAX(rows, left));
    case RDB_JOIN_FULL: return clamp_rows(RDB_MAX(RDB_MAX(rows, left), right));
    case RDB_JOIN_SEMI: return clamp_rows(left * selectivity);
    case RDB_JOIN_ANTI: return clamp_rows(left * (1 - selectivity));
    default: return clamp_rows(rows);
    }
}

/* The comparison with what belongs to left on its left side: as EXPLAIN shows it. */
rdb_expr *plan_facing(planner *p, rdb_expr *clause, plan_relids left)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    const rdb_operator_entry *entry = NULL;
    const rdb_function *function = NULL;
    rdb_error quiet = {0};
    uint32_t commutator = 0;
    if (clause->kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2 || relids_empty(plan_relids_of(e->arguments.items[1])) || relids_meet(plan_relids_of(e->arguments.items[0]), left) ||
        !relids_within(plan_relids_of(e->arguments.items[1]), left))
        return clause;
    if (rdb_operator_get(p->access, e->operator_oid, &entry, &quiet) && entry != NULL)
        commutator = entry->commutator_oid;
    bool ok = commutator != 0 && rdb_operator_get(p->access, commutator, &entry, &quiet) && entry != NULL && rdb_function_get(p->access, entry->function_oid, &function, &quiet) && function != NULL;
    rdb_error_clear(&quiet);
    if (!ok)
        return clause;
    rdb_expr_function *turned = rdb_arena_memdup(p->arena, e, sizeof *turned);
    turned->operator_oid = commutator;
    turned->function = function;
    turned->arguments = (rdb_list){0};
    rdb_list_push(p->arena, &turned->arguments, e->arguments.items[1]);
    rdb_list_push(p->arena, &turned->arguments, e->arguments.items[0]);
    return &turned->head;
}

static void keep_cheaper(plan_path **best, plan_path *path)
{
    if (path != NULL && (*best == NULL || path->total < (*best)->total))
        *best = path;
}

/* The cheapest way to join two paths on the clauses; *best stays NULL where the order is impossible. */
static bool join_paths(plan_level *level, plan_path *left, plan_path *right, uint8_t kind, const rdb_list *clauses, plan_path **best)
{
    planner *p = level->p;
    plan_relids relids = relids_union(left->relids, right->relids);
    plan_relids needs = relids_none();
    if (relids_meet(left->needs, right->relids))
        return true;
    bool is_lateral = relids_meet(right->needs, left->relids);
    for (int w = 0; w < PLAN_RELIDS_WORDS; w++)
        needs.words[w] = (left->needs.words[w] | right->needs.words[w]) & ~relids.words[w];
    double rows = join_rows(kind, left->rows, right->rows, join_selectivity(level, clauses, left, right, kind));
    int32_t width = left->width + right->width;
    rdb_list left_keys = {0}, right_keys = {0}, key_clauses = {0}, rest = {0};
    for (uint32_t i = 0; i < clauses->count; i++) {
        rdb_expr *a = NULL, *b = NULL;
        if (split_equality(level, clauses->items[i], left->relids, right->relids, &a, &b)) {
            rdb_list_push(p->arena, &left_keys, a);
            rdb_list_push(p->arena, &right_keys, b);
            rdb_list_push(p->arena, &key_clauses, plan_facing(p, clauses->items[i], left->relids));
        } else {
            rdb_list_push(p->arena, &rest, clauses->items[i]);
        }
    }
    if (left_keys.count > 0 && !is_lateral) {
        plan_path *hash = new_path(p, RDB_PLAN_HASH_JOIN);
        hash->left_keys = left_keys;
        hash->right_keys = right_keys;
        hash->key_clauses = key_clauses;
        hash->condition = rest;
        hash->startup = right->total + right->rows * (COST_OPERATOR * left_keys.count + COST_TUPLE);
        hash->total = hash->startup + left->total + left->rows * COST_OPERATOR * left_keys.count + rows * COST_TUPLE;
        if (p->context->no_hash_join && kind != RDB_JOIN_FULL)
            hash->total += 1e10;
        hash->left = left;
        hash->right = right;
        keep_cheaper(best, hash);
    }
    if (kind != RDB_JOIN_FULL) {
        plan_path *loop = new_path(p, RDB_PLAN_NEST_LOOP), *inner = right;
        double rescan = right->total, first = right->total;
        if (!is_lateral && right->kind != RDB_PLAN_RESULT && left->rows > 1) { /* read once, then kept */
            rescan = right->rows * COST_OPERATOR;
            loop->is_backward = true; /* wants a Materialize */
        }
        loop->condition = *clauses;
        double total = left->total + first + (left->rows - 1) * rescan + left->rows * right->rows * COST_OPERATOR * (clauses->count + 1.0) + rows * COST_TUPLE;
        loop->left = left;
        loop->right = inner;
        loop->total = total + (p->context->no_nest_loop ? 1e10 : 0);
        keep_cheaper(best, loop);
        if (right->rel != NULL && !right->rel->has_built && relids_within(right->needs, left->relids) && !p->context->no_index_scan) {
            rdb_list all = {0};
            for (uint32_t i = 0; i < right->rel->quals.count; i++)
                rdb_list_push(p->arena, &all, right->rel->quals.items[i]);
            for (uint32_t i = 0; i < clauses->count; i++)
                rdb_list_push(p->arena, &all, clauses->items[i]);
            plan_path *indexed = NULL;
            if (right->kind == RDB_PLAN_APPEND ? !plan_append_index_path(level, right->rel, &all, left->relids, &indexed)
                                               : !plan_index_paths(level, right->rel, &all, left->relids, &indexed))
                return false;
            if (indexed != NULL && !relids_empty(indexed->needs)) {
                loop = new_path(p, RDB_PLAN_NEST_LOOP);
                loop->left = left;
                loop->right = indexed;
                /* conditions that the scan checks itself are met already; its filter has the others that it can see */
                loop->total = left->total + left->rows * indexed->total + rows * COST_TUPLE + (p->context->no_nest_loop ? 1e10 : 0);
                keep_cheaper(best, loop);
            }
        }
    }
    if (*best != NULL) {
        (*best)->relids = relids;
        (*best)->needs = needs;
        (*best)->rows = rows;
        (*best)->width = kind == RDB_JOIN_SEMI || kind == RDB_JOIN_ANTI ? left->width : width;
        (*best)->join_kind = kind;
    }
    return true;
}

static bool tree_path(plan_level *level, plan_tree *tree, plan_path **out);

/* The clauses of the group that join the two sets: all their relations are there, and neither side has them alone. */
static rdb_list clauses_between(planner *p, const plan_tree *group, plan_relids left, plan_relids right)
{
    const rdb_list *quals = &group->quals;
    rdb_list found = {0};
    for (uint32_t i = 0; i < group->classes.count; i++)
        plan_class_clause_between(p, group->classes.items[i], left, right, &found);
    plan_relids both = relids_union(left, right);
    for (uint32_t i = 0; i < quals->count; i++) {
        plan_relids relids = plan_relids_of(quals->items[i]);
        if (relids_within(relids, both) && !relids_within(relids, left) && !relids_within(relids, right))
            rdb_list_push(p->arena, &found, quals->items[i]);
    }
    return found;
}

static bool try_join(plan_level *level, const plan_tree *group, plan_path *left, plan_path *right, plan_path **best, bool needs_clause)
{
    rdb_list clauses = clauses_between(level->p, group, left->relids, right->relids);
    if (clauses.count == 0 && needs_clause && !relids_meet(left->needs, right->relids) && !relids_meet(right->needs, left->relids))
        return true;
    plan_path *joined = NULL;
    if (!join_paths(level, left, right, RDB_JOIN_INNER, &clauses, &joined))
        return false;
    keep_cheaper(best, joined);
    return true;
}

static bool dp_join(plan_level *level, const plan_tree *group, plan_path **items, uint32_t count, plan_path **out)
{
    planner *p = level->p;
    uint32_t full = (UINT32_C(1) << count) - 1;
    plan_path **best = RDB_NEW_ARRAY(p->arena, plan_path *, full + 1u);
    for (uint32_t i = 0; i < count; i++)
        best[UINT32_C(1) << i] = items[i];
    for (uint32_t set = 3; set <= full; set++) {
        if ((set & (set - 1)) == 0)
            continue;
        for (int pass = 0; pass < 2 && best[set] == NULL; pass++) { /* a cross product only where nothing else joins */
            if (pass == 1 && set != full && (group->quals.count > 0 || group->classes.count > 0))
                break; /* leave it out: a later join may bring it in by a clause */
            for (uint32_t left = (set - 1) & set; left != 0; left = (left - 1) & set) {
                uint32_t right = set & ~left;
                if (best[left] == NULL || best[right] == NULL)
                    continue;
                if (!try_join(level, group, best[left], best[right], &best[set], pass == 0))
                    return false;
            }
        }
    }
    *out = best[full];
    return true;
}

static bool greedy_join(plan_level *level, const plan_tree *group, plan_path **items, uint32_t count, plan_path **out)
{
    while (count > 1) {
        plan_path *best = NULL;
        uint32_t best_left = 0, best_right = 0;
        for (int pass = 0; pass < 2 && best == NULL; pass++)
            for (uint32_t i = 0; i < count; i++)
                for (uint32_t j = 0; j < count; j++) {
                    plan_path *joined = NULL;
                    if (i == j)
                        continue;
                    if (!try_join(level, group, items[i], items[j], &joined, pass == 0))
                        return false;
                    if (joined != NULL && (best == NULL || joined->rows < best->rows || (joined->rows == best->rows && joined->total < best->total))) {
                        best = joined;
                        best_left = i;
                        best_right = j;
                    }
                }
        if (best == NULL) {
            *out = NULL;
            return true;
        }
        items[RDB_MIN(best_left, best_right)] = best;
        items[RDB_MAX(best_left, best_right)] = items[--count];
    }
    *out = items[0];
    return true;
}

static bool group_path(plan_level *level, plan_tree *tree, plan_path **out)
{
    planner *p = level->p;
    uint32_t count = tree->items.count;
    plan_path **items = RDB_NEW_ARRAY(p->arena, plan_path *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        if (!tree_path(level, tree->items.items[i], &items[i]))
            return false;
    if (count == 0) {
        *out = new_path(p, RDB_PLAN_RESULT);
        (*out)->rows = 1;
        (*out)->total = COST_TUPLE;
    } else if (count == 1) {
        *out = items[0];
    } else {
        plan_path **copy = RDB_NEW_ARRAY(p->arena, plan_path *, count);
        memcpy(copy, items, count * sizeof *copy);
        *out = NULL;
        if (count <= DP_ITEMS_MAX && !dp_join(level, tree, items, count, out))
            return false;
        if (*out == NULL && !greedy_join(level, tree, copy, count, out))
            return false;
        if (*out == NULL)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "no join order satisfies the lateral references");
    }
    /* what no join could check: conditions without columns, and those over one outer join */
    rdb_list above = {0};
    for (uint32_t i = 0; i < tree->quals.count; i++) {
        plan_relids relids = plan_relids_of(tree->quals.items[i]);
        bool alone = relids_empty(relids);
        for (uint32_t k = 0; k < count && !alone; k++)
            alone = relids_within(relids, ((plan_tree *)tree->items.items[k])->relids);
        if (alone)
            rdb_list_push(p->arena, &above, tree->quals.items[i]);
    }
    if (above.count > 0) {
        plan_path *gate = new_path(p, RDB_PLAN_RESULT);
        *gate = (plan_path){.kind = RDB_PLAN_RESULT, .left = (*out)->kind == RDB_PLAN_RESULT && (*out)->left == NULL && (*out)->filter.count == 0 ? NULL : *out, .relids = (*out)->relids, .needs = (*out)->needs, .startup = (*out)->startup, .width = (*out)->width, .filter = above};
        gate->rows = clamp_rows((*out)->rows * selectivity_of(level, &above));
        gate->total = (*out)->total + (*out)->rows * COST_OPERATOR * above.count;
        *out = gate;
    }
    return true;
}

static bool tree_path(plan_level *level, plan_tree *tree, plan_path **out)
{
    planner *p = level->p;
    switch ((plan_join_shape)tree->shape) {
    case PLAN_SHAPE_REL:
        return plan_base_path(level, level->rels[tree->range_no], out);
    case PLAN_SHAPE_GROUP:
        return group_path(level, tree, out);
    case PLAN_SHAPE_OUTER: {
        plan_path *left = NULL, *right = NULL;
        *out = NULL;
        if (!tree_path(level, tree->left, &left) || !tree_path(level, tree->right, &right) ||
            !join_paths(level, left, right, tree->join_kind, &tree->quals, out))
            return false;
        if (*out == NULL)
            return rdb_error_set(p->err, RDB_FEATURE_NOT_SUPPORTED, tree->join_kind == RDB_JOIN_FULL ? "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions"
                                                                                                      : "this use of LATERAL is not supported");
        return true;
    }
    }
    return true;
}

/* Reading one relation in the wanted order can save a sort, and under a limit most of the reading. */
static bool try_ordered(plan_level *level, const plan_tree *tree, const plan_order *order, uint32_t order_count, double limit, plan_path **path)
{
    plan_path *ordered = NULL;
    const plan_tree *item = tree->items.count == 1 ? tree->items.items[0] : NULL;
    if (order_count == 0 || item == NULL || item->shape != PLAN_SHAPE_REL || tree->quals.count > 0 || level->rels[item->range_no]->has_built || level->p->context->no_index_scan ||
        (*path)->kind == RDB_PLAN_APPEND)
        return true;
    if (!plan_ordered_path(level, level->rels[item->range_no], order, order_count, &ordered))
        return false;
    if (ordered == NULL)
        return true;
    double part = limit > 0 && limit < ordered->rows ? limit / ordered->rows : 1;
    double read = ordered->startup + (ordered->total - ordered->startup) * part;
    double sorted = (*path)->total + 2 * COST_OPERATOR * (*path)->rows * log2((*path)->rows + 2);
    if (read < sorted || level->p->context->no_sort) {
        *path = ordered;
        level->is_ordered = true;
    }
    return true;
}

bool plan_from(plan_level *level, rdb_list *where, plan_built *built, const plan_order *order, uint32_t order_count, double limit)
{
    planner *p = level->p;
    plan_tree *tree = new_tree(p, PLAN_SHAPE_GROUP);
    plan_relids rejected = relids_none();
    plan_path *path = NULL;
    for (uint32_t i = 0; i < where->count; i++)
        rejected = relids_union(rejected, rejecting_relids(where->items[i]));
    for (uint32_t i = 0; i < level->query->from.count; i++)
        if (!add_from(level, tree, level->query->from.items[i], rejected))
            return false;
    if ((level->query->command == RDB_COMMAND_UPDATE || level->query->command == RDB_COMMAND_DELETE) && !relids_has(tree->relids, level->query->result_range_no)) {
        const rdb_from target = {.range_no = level->query->result_range_no};
        if (!add_from(level, tree, &target, rejected))
            return false;
    }
    for (uint32_t i = 0; i < where->count; i++) /* what stands further in is checked first */
        rdb_list_push(p->arena, &tree->quals, where->items[i]);
    return settle_group(level, tree) && tree_path(level, tree, &path) && try_ordered(level, tree, order, order_count, limit, &path) && plan_build_path(level, path, built);
}
