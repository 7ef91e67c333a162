/* SPDX-License-Identifier: Apache-2.0
 * FROM and WHERE: conditions pushed to where they can first be checked, outer joins made inner ones where the rows that they add are
 * thrown away, access paths of single relations. plan_search.c orders the joins, plan_build.c turns the chosen path into nodes. */
#include "sql/plan_append.h"
#include <math.h>

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

/* only: of a relation this column alone. */
static plan_relids rejecting(const rdb_expr *expr, reject_mode mode, const rdb_expr_var *only)
{
    plan_relids set = relids_none();
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_VAR:
        if (only == NULL || rdb_expr_equal(expr, &only->head))
            relids_add(&set, ((const rdb_expr_var *)expr)->range_no);
        return set;
    case RDB_EXPR_FUNCTION: {
        const rdb_expr_function *e = (const rdb_expr_function *)expr;
        if (!e->function->is_strict || e->returns_set)
            return set;
        for (uint32_t i = 0; i < e->arguments.count; i++)
            set = relids_union(set, rejecting(e->arguments.items[i], REJECT_ALL_BUT_NULL, only));
        return set;
    }
    case RDB_EXPR_ARRAY_OP: /* over an empty array the answer is false, whatever the left side */
        if (mode == REJECT_TRUE && ((const rdb_expr_array_op *)expr)->function->is_strict && ((const rdb_expr_array_op *)expr)->use_or)
            return rejecting(((const rdb_expr_array_op *)expr)->left, REJECT_ALL_BUT_NULL, only);
        return set;
    case RDB_EXPR_RELABEL:
        return rejecting(((const rdb_expr_unary *)expr)->argument, mode, only);
    case RDB_EXPR_NULL_TEST: {
        const rdb_expr_null_test *e = (const rdb_expr_null_test *)expr;
        if (mode == (e->is_not ? REJECT_TRUE : REJECT_FALSE) && !e->argument_is_row)
            return rejecting(e->argument, REJECT_ALL_BUT_NULL, only);
        return set;
    }
    case RDB_EXPR_BOOL: {
        const rdb_expr_bool *e = (const rdb_expr_bool *)expr;
        if (e->bool_kind == RDB_BOOL_NOT)
            return rejecting(e->arguments.items[0], mode == REJECT_TRUE ? REJECT_FALSE : mode == REJECT_FALSE ? REJECT_TRUE : mode, only);
        bool any_decides = mode == (e->bool_kind == RDB_BOOL_AND ? REJECT_TRUE : REJECT_FALSE);
        for (uint32_t i = 0; i < e->arguments.count; i++) {
            plan_relids one = rejecting(e->arguments.items[i], mode, only);
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
    return rejecting(expr, REJECT_TRUE, NULL);
}

static plan_tree *new_tree(planner *p, plan_join_shape shape)
{
    plan_tree *tree = RDB_NEW(p->arena, plan_tree);
    tree->shape = (uint8_t)shape;
    return tree;
}

static bool add_from(plan_level *level, plan_tree *group, const rdb_from *from, plan_relids rejected);

/* A LEFT JOIN whose partners WHERE throws away, by asking a column to be null that none of them has null: an anti-join. */
static bool is_anti_join(plan_level *level, const rdb_list *conditions, plan_relids right)
{
    bool found = false;
    for (uint32_t i = 0; i < level->null_columns.count; i++) {
        const rdb_expr_null_test *test = level->null_columns.items[i];
        const rdb_expr_var *var = (const rdb_expr_var *)test->argument;
        bool is_met = false;
        for (uint32_t k = 0; k < conditions->count && relids_has(right, var->range_no); k++)
            is_met = is_met || relids_has(rejecting(conditions->items[k], REJECT_TRUE, var), var->range_no);
        if (is_met)
            rdb_list_push(level->p->arena, &level->met_tests, level->null_columns.items[i]);
        found |= is_met;
    }
    return found;
}

static bool tree_of(plan_level *level, const rdb_from *from, plan_relids rejected, plan_tree **tree)
{
    *tree = new_tree(level->p, PLAN_SHAPE_GROUP);
    return add_from(level, *tree, from, rejected);
}

static bool push_condition(planner *p, plan_level *level, plan_tree *tree, rdb_expr *condition, plan_relids relids);

static bool add_outer(plan_level *level, plan_tree *group, const rdb_from *from, uint8_t kind, plan_relids rejected, rdb_list *conditions)
{
    planner *p = level->p;
    const rdb_list null_columns = level->null_columns;
    bool keeps_right = false;
    const rdb_from *left = from->left, *right = from->right;
    if (kind == RDB_JOIN_RIGHT) {
        left = from->right;
        right = from->left;
        kind = RDB_JOIN_LEFT;
    }
    if (kind == RDB_JOIN_LEFT && is_anti_join(level, conditions, from_relids(right))) {
        kind = RDB_JOIN_ANTI;
        keeps_right = true;
    }
    plan_tree *outer = new_tree(p, PLAN_SHAPE_OUTER);
    outer->join_kind = kind;
    outer->keeps_right = keeps_right;
    for (uint32_t i = 0; i < conditions->count; i++) {
        outer->clause_relids = relids_union(outer->clause_relids, plan_relids_of(conditions->items[i]));
        outer->strict = relids_union(outer->strict, rejecting_relids(conditions->items[i]));
    }
    plan_relids inner_rejected = relids_none();
    for (uint32_t i = 0; kind != RDB_JOIN_FULL && i < conditions->count; i++)
        inner_rejected = relids_union(inner_rejected, rejecting_relids(conditions->items[i]));
    if (kind == RDB_JOIN_FULL) {
        rejected = relids_none();
        level->null_columns = (rdb_list){0};
    }
    if (!tree_of(level, left, rejected, &outer->left))
        return false;
    level->null_columns = (rdb_list){0};
    if (!tree_of(level, right, inner_rejected, &outer->right))
        return false;
    level->null_columns = null_columns;
    outer->relids = relids_union(outer->left->relids, outer->right->relids);
    for (uint32_t i = 0; i < conditions->count; i++) {
        plan_relids relids = plan_relids_of(conditions->items[i]);
        if (kind != RDB_JOIN_FULL && !relids_empty(relids) && relids_within(relids, outer->right->relids)) {
            if (!push_condition(p, level, outer->right, conditions->items[i], relids))
                return false;
        } else if (kind == RDB_JOIN_SEMI && !relids_empty(relids) && relids_within(relids, outer->left->relids)) {
            if (!push_condition(p, level, outer->left, conditions->items[i], relids))
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
    if (!from->is_join && level->rels[from->range_no] != NULL && level->rels[from->range_no]->range->kind == RDB_RANGE_RESULT)
        return true; /* one row without columns changes no join */
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
    return plan_is_equality(level->p, clause) && rdb_expr_volatility(clause) != 'v';
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

static double selectivity_of(plan_level *level, const rdb_list *clauses)
{
    return plan_selectivity_list(level, NULL, clauses);
}

static bool estimate_relation(plan_level *level, plan_rel *rel)
{
    if (!plan_estimate_size(level, rel))
        return false;
    rel->rows = plan_clamp_rows(rel->tuples * selectivity_of(level, &rel->quals));
    return true;
}

/* Its rows are to be changed or locked: others do so at the same time, and who reads all rows of a small table goes back through the undo of
 * each of them to see that it is another one. Such a row is looked up by its key, whatever a scan of the few pages seems to cost. */
static bool is_row_to_write(const plan_level *level, const plan_rel *rel, const plan_path *path)
{
    bool is_written = level->query->result_range_no == rel->range_no;
    for (uint32_t i = 0; i < level->query->row_marks.count; i++)
        is_written = is_written || ((const rdb_row_mark *)level->query->row_marks.items[i])->range_no == rel->range_no;
    return is_written && path->is_whole_key && !level->p->context->no_index_scan;
}

bool plan_base_path(plan_level *level, plan_rel *rel, plan_path **out)
{
    planner *p = level->p;
    plan_path *path = NULL;
    if (rel->parent == NULL && plan_is_parent(rel->range))
        return plan_append_path(level, rel, out);
    if (rel->parent == NULL && !rel->has_built && rel->range->kind == RDB_RANGE_RELATION) {
        bool is_excluded = false;
        if (!plan_is_excluded(level, rel, &is_excluded))
            return false;
        if (is_excluded) {
            rel->is_expanded = true; /* into nothing */
            return plan_append_path(level, rel, out);
        }
    }
    if (rel->has_built) {
        path = new_path(p, RDB_PLAN_SUBQUERY_SCAN);
        rel->tuples = rel->built.node->rows;
        rel->rows = plan_clamp_rows(rel->tuples * selectivity_of(level, &rel->quals));
        path->startup = rel->built.node->startup_cost;
        path->total = rel->built.node->total_cost + rel->tuples * plan_quals_cost(p, &rel->quals);
        rel->width = path->width = rel->built.node->width;
    } else {
        if (!estimate_relation(level, rel))
            return false;
        path = new_path(p, RDB_PLAN_SEQ_SCAN);
        path->total = rel->pages * COST_SEQ_PAGE + rel->tuples * (COST_TUPLE + plan_quals_cost(p, &rel->quals));
        if (p->context->no_seq_scan)
            path->total += 1e10;
        path->width = rel->width;
    }
    path->rel = rel;
    path->filter = rel->quals;
    path->rows = rel->rows;
    relids_add(&path->relids, rel->range_no);
    path->needs = rel->lateral;
    plan_note_elapsed(level, path);
    if (!rel->has_built && rel->sample == NULL) {
        plan_path *indexed = NULL;
        if (!plan_index_paths(level, rel, &rel->quals, relids_none(), &indexed))
            return false;
        if (indexed != NULL)
            plan_note_elapsed(level, indexed);
        if (indexed != NULL && (indexed->elapsed < path->elapsed || is_row_to_write(level, rel, indexed)))
            path = indexed;
    }
    if (!rel->has_built && rel->sample == NULL && !p->context->no_tid_scan) {
        plan_path *by_tid = plan_tid_path(level, rel);
        if (by_tid != NULL)
            plan_note_elapsed(level, by_tid);
        if (by_tid != NULL && by_tid->elapsed < path->elapsed)
            path = by_tid;
        by_tid = plan_tid_range_path(level, rel);
        if (by_tid != NULL)
            plan_note_elapsed(level, by_tid);
        if (by_tid != NULL && by_tid->elapsed < path->elapsed)
            path = by_tid;
    }
    *out = path;
    return true;
}

/* What is above FROM may want another way to read it than the cheapest. */
static bool choose_order(plan_level *level, const plan_tree *tree, plan_path **path)
{
    const plan_tree *item = tree->items.count == 1 ? tree->items.items[0] : NULL;
    const bool is_alone = item != NULL && item->shape == PLAN_SHAPE_REL && tree->clauses.count == 0;
    return plan_choose_order(level, is_alone ? level->rels[item->range_no] : NULL, path);
}

/* Sorting by what equals a key before it, or a constant, is no sorting. */
static void drop_settled_wants(plan_level *level)
{
    plan_want *want = &level->want;
    plan_order *kept = RDB_NEW_ARRAY(level->p->arena, plan_order, want->count + 1);
    uint32_t count = 0;
    if (want->goal != PLAN_GOAL_SORT)
        return;
    for (uint32_t i = 0; i < want->count; i++)
        if (!plan_key_is_settled(level, want->order[i].expr, kept, count))
            kept[count++] = want->order[i];
    want->order = kept;
    want->count = count;
}

bool plan_from(plan_level *level, rdb_list *where, plan_built *built)
{
    planner *p = level->p;
    plan_tree *tree = new_tree(p, PLAN_SHAPE_GROUP);
    plan_relids rejected = relids_none();
    plan_path *path = NULL;
    for (uint32_t i = 0; i < where->count; i++)
        rejected = relids_union(rejected, rejecting_relids(where->items[i]));
    for (uint32_t i = 0; i < where->count; i++) {
        const rdb_expr_null_test *test = where->items[i];
        if (test->head.kind == RDB_EXPR_NULL_TEST && !test->is_not && !test->argument_is_row && test->argument->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)test->argument)->attribute_no > 0)
            rdb_list_push(p->arena, &level->null_columns, where->items[i]);
    }
    for (uint32_t i = 0; i < level->query->from.count; i++)
        if (!add_from(level, tree, level->query->from.items[i], rejected))
            return false;
    if ((level->query->command == RDB_COMMAND_UPDATE || level->query->command == RDB_COMMAND_DELETE) && !relids_has(tree->relids, level->query->result_range_no)) {
        const rdb_from target = {.range_no = level->query->result_range_no};
        if (!add_from(level, tree, &target, rejected))
            return false;
    }
    for (uint32_t i = 0; i < where->count; i++) { /* what stands further in is checked first */
        bool is_met = false;
        for (uint32_t k = 0; k < level->met_tests.count; k++)
            is_met = is_met || level->met_tests.items[k] == where->items[i];
        if (!is_met)
            rdb_list_push(p->arena, &tree->quals, where->items[i]);
    }
    for (uint32_t i = 0; i < tree->quals.count; i++)
        if (may_join_class(level, tree->quals.items[i]))
            rdb_list_push(p->arena, &level->equalities, tree->quals.items[i]);
    drop_settled_wants(level);
    return settle_group(level, tree) && plan_waiting_ranges(level) && plan_flatten(level, tree) && plan_group_path(level, tree, &path) && choose_order(level, tree, &path) && plan_build_path(level, path, built);
}
