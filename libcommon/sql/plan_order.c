/* SPDX-License-Identifier: Apache-2.0
 * Orders: which one a query level could use, which of the ways to read FROM gives how much of it, what sorting the rest costs, and
 * the sort itself, whole or run by run where the first keys are in order already. */
#include "sql/plan_append.h"
#include <math.h>

#define NEAR_TIE 1.05

/* ---- costs ------------------------------------------------------------------------------------------------------------------- */
/* Rows sorted at once, of which at most limit are asked for (0: all). PostgreSQL's figures. */
static void sort_cost(const planner *p, double rows, double width, double limit, double *startup, double *run)
{
    const double memory = p->context->work_mem_bytes > 0 ? (double)p->context->work_mem_bytes : 4194304.0, bytes = rows * (width + 24);
    const double n = RDB_MAX(rows, 2.0), output = limit > 0 && limit < n ? limit : n;
    if (output * (width + 24) <= memory && n > 2 * output)
        *startup = 2 * COST_OPERATOR * n * log2(2 * output);
    else
        *startup = 2 * COST_OPERATOR * n * log2(n);
    if (bytes > memory && !(output * (width + 24) <= memory))
        *startup += 2 * ceil(bytes / 8192) * (COST_SEQ_PAGE * 0.75 + COST_RANDOM_PAGE * 0.25);
    *run = COST_OPERATOR * n;
}

/* The cost of input's rows in order, ordered of count keys being so already; limit: rows that will be asked for. */
static double cost_in_order(plan_level *level, const plan_order *order, uint32_t count, uint32_t ordered, double rows, double width, double startup, double total, double limit)
{
    const planner *p = level->p;
    const double part = limit > 0 && limit < rows ? limit / rows : 1;
    double first = 0, run = 0;
    if (ordered >= count)
        return startup + (total - startup) * part;
    sort_cost(p, rows, width, limit, &first, &run);
    double whole = total + first + run * part + (p->context->no_sort ? 1e10 : 0);
    if (ordered == 0 || p->context->no_incremental_sort)
        return whole;
    rdb_expr **exprs = RDB_NEW_ARRAY(p->arena, rdb_expr *, ordered + 1);
    for (uint32_t i = 0; i < ordered; i++)
        exprs[i] = order[i].expr;
    const double groups = RDB_MAX(1.0, RDB_MIN(plan_group_count(level, exprs, ordered, rows), rows)), each = rows / groups;
    sort_cost(p, each, width, limit > 0 && limit < each ? limit : 0, &first, &run);
    const double needed = part < 1 ? RDB_MAX(1.0, ceil(groups * part)) : groups;
    const double in_runs = startup + (total - startup) * (needed / groups) + needed * (first + run) + (COST_TUPLE + 2 * COST_OPERATOR) * rows * (needed / groups) + 2 * COST_TUPLE * needed;
    return RDB_MIN(whole, in_runs);
}

bool plan_can_sort(const rdb_type *type)
{
    return type->ops != NULL && type->ops->compare != NULL;
}

bool plan_can_hash(const rdb_type *type)
{
    return type->ops != NULL && type->ops->hash != NULL;
}

double plan_hash_group_cost(const planner *p, double rows, double groups, double width, uint32_t keys)
{
    const double memory = (p->context->work_mem_bytes > 0 ? (double)p->context->work_mem_bytes : 4194304.0) * 2, bytes = groups * (width + 72);
    double cost = COST_OPERATOR * keys * rows + COST_TUPLE * groups;
    if (bytes > memory) /* rows of the groups that do not fit go to disk and come back */
        cost += 2 * rows * (width + 24) * (1 - memory / bytes) / 8192 * (COST_SEQ_PAGE + COST_RANDOM_PAGE) / 2;
    return cost + (p->context->no_hash_aggregate ? 1e10 : 0);
}

double plan_goal_cost(plan_level *level, uint32_t ordered, double rows, double width, double startup, double total, bool *sorts)
{
    const planner *p = level->p;
    const plan_want *want = &level->want;
    *sorts = true;
    if (want->goal == PLAN_GOAL_SORT)
        return cost_in_order(level, want->order, want->count, ordered, rows, width, startup, total, want->limit);
    rdb_expr **exprs = RDB_NEW_ARRAY(p->arena, rdb_expr *, want->count + 1);
    for (uint32_t i = 0; i < want->count; i++)
        exprs[i] = want->order[i].expr;
    const double groups = RDB_MAX(1.0, RDB_MIN(plan_group_count(level, exprs, want->count, rows), rows));
    const double limit = want->limit > 0 && want->limit < groups && want->is_final ? want->limit * rows / groups : 0;
    double first = 0, run = 0, by_sort = 1e300, by_hash = 1e300;
    if (want->can_sort)
        by_sort = cost_in_order(level, want->order, want->count, ordered, rows, width, startup, total, limit) + COST_OPERATOR * want->count * rows + COST_TUPLE * groups;
    if (want->can_hash) {
        by_hash = total + plan_hash_group_cost(p, rows, groups, width, want->count);
        if (want->sort_count > 0) {
            sort_cost(p, groups, width, want->limit, &first, &run);
            by_hash += first + run;
        }
    }
    /* Near a tie a long run's rows are hashed rather than sorted first: should there be more of them than was thought, a table of groups
     * grows with the groups, a sort with the rows, and threads can each make a table of their own. */
    const double lead = ordered < want->count && total >= PLAN_LONG_RUN ? NEAR_TIE : 1;
    *sorts = by_sort * lead <= by_hash;
    return *sorts ? by_sort : by_hash;
}

/* ---- ways to read FROM ----------------------------------------------------------------------------------------------------------- */
uint32_t plan_path_order(const plan_path *path, const plan_order *order, uint32_t count)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < path->order.count && at < count; i++) {
        const plan_sorted *sorted = path->order.items[i];
        const bool is_same = rdb_expr_equal(sorted->expr, order[at].expr) || (sorted->same != NULL && rdb_expr_equal(sorted->same, order[at].expr));
        if (!is_same || sorted->is_descending != order[at].is_descending || sorted->nulls_first != order[at].nulls_first)
            break;
        at++;
    }
    return at;
}

static void consider(plan_level *level, plan_path *path, uint32_t ordered, double *best_cost, plan_path **best)
{
    bool sorts = false;
    plan_note_elapsed(level, path);
    const double cost = plan_goal_cost(level, ordered, path->rows, path->width, path->startup, path->elapsed, &sorts);
    if (*best_cost >= 0 && cost >= *best_cost)
        return;
    *best_cost = cost;
    *best = path;
    level->ordered_count = ordered;
}

/* Conditions without columns stand above what is read, and keep its order. */
static bool choose_below_gate(plan_level *level, plan_rel *rel, plan_path **path)
{
    const plan_path *gate = *path;
    plan_path *below = gate->left;
    if (!plan_choose_order(level, rel, &below))
        return false;
    plan_path *copy = rdb_arena_memdup(level->p->arena, gate, sizeof *copy);
    copy->left = below;
    copy->startup = below->startup;
    copy->total += below->total - gate->left->total;
    plan_note_elapsed(level, copy);
    *path = copy;
    return true;
}

bool plan_choose_order(plan_level *level, plan_rel *rel, plan_path **path)
{
    const plan_want *want = &level->want;
    if ((*path)->kind == RDB_PLAN_RESULT && (*path)->left != NULL && !(*path)->is_nothing)
        return choose_below_gate(level, rel, path);
    double best_cost = -1;
    plan_path *best = *path;
    if (want->count == 0 || plan_gives_nothing(*path))
        return true;
    plan_note_order(level, *path);
    consider(level, *path, plan_path_order(*path, want->order, want->count), &best_cost, &best);
    if (rel != NULL && !rel->has_built && rel->sample == NULL) {
        if (plan_is_parent(rel->range)) {
            plan_path *merged = NULL;
            if (!plan_merge_append_path(level, rel, want->order, want->count, &merged))
                return false;
            if (merged != NULL)
                consider(level, merged, want->count, &best_cost, &best);
        } else if (!level->p->context->no_index_scan) {
            rdb_list paths = {0};
            if (!plan_index_orders(level, rel, want->order, want->count, &paths))
                return false;
            for (uint32_t i = 0; i < paths.count; i++)
                consider(level, paths.items[i], ((const plan_path *)paths.items[i])->ordered_count, &best_cost, &best);
        }
    }
    *path = best;
    return true;
}

/* ---- the sort ------------------------------------------------------------------------------------------------------------------------ */
/* What FROM gives is in so many keys of the wanted order. */
void plan_begin_order(plan_level *level)
{
    level->have = level->want.order;
    level->have_count = level->ordered_count;
    /* a sub-query whose members are merged gives their order on */
    const rdb_plan_node *node = plan_passes_rows(level->query) && level->rels[1] != NULL && level->rels[1]->has_built ? level->rels[1]->built.node : NULL;
    if (node == NULL || node->kind != RDB_PLAN_MERGE_APPEND || node->of.append.of != RDB_APPEND_UNION || !node->passes_through)
        return;
    level->have_count = 0;
    for (uint32_t i = 0; i < level->want.count && i < node->of.append.key_count; i++) {
        const plan_order *want = &level->want.order[i];
        const rdb_plan_key *key = &node->of.append.keys[i];
        const rdb_expr_var *var = (const rdb_expr_var *)want->expr;
        if (var->head.kind != RDB_EXPR_VAR || var->range_no != 1 || var->attribute_no != (int32_t)key->slot_no + 1 || want->is_descending != key->is_descending ||
            want->nulls_first != key->nulls_first)
            break;
        level->have_count++;
    }
}

static const rdb_expr *unlabelled(const rdb_expr *expr)
{
    while (expr->kind == RDB_EXPR_RELABEL && ((const rdb_expr_unary *)expr)->argument->collation == expr->collation)
        expr = ((const rdb_expr_unary *)expr)->argument;
    return expr;
}

#define EQUALS_MAX 32u

bool plan_key_is_settled(const plan_level *level, const rdb_expr *expr, const plan_order *before, uint32_t count)
{
    const rdb_expr *equals[EQUALS_MAX] = {unlabelled(expr)};
    uint32_t known = 1;
    if (expr->kind == RDB_EXPR_CONST)
        return false; /* as PostgreSQL: it stands in the statement */
    for (uint32_t done = 0; done < known; done++) {
        for (uint32_t i = 0; i < count; i++)
            if (rdb_expr_equal(unlabelled(before[i].expr), equals[done]))
                return true;
        if (done > 0 && relids_empty(plan_relids_of(equals[done])) && rdb_expr_volatility(equals[done]) != 'v')
            return true;
        for (uint32_t i = 0; i < level->equalities.count; i++) {
            const rdb_expr_function *e = level->equalities.items[i];
            for (int side = 0; side < 2; side++) {
                const rdb_expr *one = unlabelled(e->arguments.items[side]), *other = unlabelled(e->arguments.items[1 - side]);
                bool is_known = !rdb_expr_equal(one, equals[done]);
                for (uint32_t k = 0; k < known && !is_known; k++)
                    is_known = rdb_expr_equal(equals[k], other);
                if (!is_known && known < EQUALS_MAX)
                    equals[known++] = other;
            }
        }
    }
    return false;
}

bool plan_sort_by(plan_level *level, plan_built *built, const rdb_plan_key *all_keys, uint32_t count, double limit)
{
    planner *p = level->p;
    uint32_t same = 0, kept = 0;
    rdb_plan_key *keys = RDB_NEW_ARRAY(p->arena, rdb_plan_key, count + 1);
    plan_order *orders = RDB_NEW_ARRAY(p->arena, plan_order, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (level->query->grouping_sets.count == 0 && level->query->set_operation == NULL && plan_key_is_settled(level, built->outputs[all_keys[i].slot_no], orders, kept))
            continue;
        orders[kept].expr = built->outputs[all_keys[i].slot_no];
        keys[kept++] = all_keys[i];
    }
    count = kept;
    plan_order *order = RDB_NEW_ARRAY(p->arena, plan_order, count + 1);
    for (uint32_t i = 0; i < count; i++)
        order[i] = (plan_order){.expr = built->outputs[keys[i].slot_no], .is_descending = keys[i].is_descending, .nulls_first = keys[i].nulls_first};
    while (same < count && same < level->have_count && rdb_expr_equal(order[same].expr, level->have[same].expr) && order[same].is_descending == level->have[same].is_descending &&
           order[same].nulls_first == level->have[same].nulls_first)
        same++;
    if (same == count)
        return true;
    double first = 0, run = 0;
    const rdb_plan_node *left = built->node;
    const double rows = left->rows, width = left->width;
    sort_cost(p, rows, width, limit, &first, &run);
    const double part = limit > 0 && limit < rows ? limit / rows : 1;
    const double whole = left->total_cost + first + run * part + (p->context->no_sort ? 1e10 : 0);
    const double in_runs = same > 0 ? cost_in_order(level, order, count, same, rows, width, left->startup_cost, left->total_cost, limit) : whole;
    const bool is_incremental = same > 0 && !p->context->no_incremental_sort && in_runs < whole;
    rdb_plan_node *node = plan_new_node(p, is_incremental ? RDB_PLAN_INCREMENTAL_SORT : RDB_PLAN_SORT, built, NULL);
    node->of.sort.key_count = count;
    node->of.sort.keys = keys;
    node->of.sort.presorted = is_incremental ? same : 0;
    if (is_incremental) {
        node->total_cost = cost_in_order(level, order, count, same, rows, width, left->startup_cost, left->total_cost, 0);
        node->startup_cost = RDB_MIN(node->total_cost, left->startup_cost + (node->total_cost - left->startup_cost) / RDB_MAX(1.0, rows / 32));
    } else {
        node->startup_cost = left->total_cost + first;
        node->total_cost = node->startup_cost + run;
    }
    level->have = order;
    level->have_count = count;
    *built = plan_identity(p, node, built->outputs, built->count);
    return true;
}
