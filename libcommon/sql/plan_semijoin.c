/* SPDX-License-Identifier: Apache-2.0
 * EXISTS and IN in WHERE become semi-joins, NOT EXISTS an anti-join: the sub-query's tables join the range table, its
 * conditions become the join's; an IN over a query of its own (aggregates and the like) joins it as a sub-query of FROM. NOT IN
 * stays a sub-plan: a null among its rows makes the answer unknown. Those in the condition of a join, or of one that was made here,
 * stand beside the side that they read. What is not plain enough stays a sub-plan too; both give the
 * same rows. */
#include "sql/plan_int.h"

/* In an IN's test, EXECUTION parameter n stands for the sub-query's column n. */
typedef struct test_reader {
    planner *p;
    rdb_expr *const *columns;
    uint32_t count;
    bool failed;
} test_reader;

static rdb_expr *read_test(void *context, rdb_expr *expr)
{
    test_reader *r = context;
    if (r->failed)
        return NULL;
    const rdb_expr_param *param = (const rdb_expr_param *)expr;
    if (expr->kind != RDB_EXPR_PARAM || param->param_kind != RDB_PARAM_EXECUTION)
        return rdb_expr_map_children(r->p->arena, expr, read_test, r);
    if (param->param_no == 0 || param->param_no > r->count) {
        r->failed = true;
        return NULL;
    }
    return r->columns[param->param_no - 1];
}

static bool see_sublink(void *context, rdb_expr *expr)
{
    bool *found = context;
    *found |= expr->kind == RDB_EXPR_SUBLINK;
    return !*found && rdb_expr_visit_children(expr, see_sublink, context);
}

typedef struct outward_search {
    bool in_where, elsewhere;
    bool is_where;
} outward_search;

static bool see_outward(void *context, const rdb_expr *expr, uint32_t levels)
{
    outward_search *s = context;
    if (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->levels_up == levels + 1) {
        s->in_where |= s->is_where;
        s->elsewhere |= !s->is_where;
    }
    return true;
}

/* Tables read and filtered, nothing more: their rows may be joined instead of asked for. Columns from around it may stand in
 * WHERE and, for IN, among the targets. */
bool plan_is_plain(const rdb_query *query, bool *is_correlated)
{
    outward_search s = {0};
    if (query->command != RDB_COMMAND_SELECT || query->set_operation != NULL || query->has_aggregates || query->has_windows || query->has_set_returning_targets || query->group.count > 0 ||
        query->grouping_sets.count > 0 || query->having != NULL || query->limit_count != NULL || query->limit_offset != NULL || query->ctes.count > 0 || query->row_marks.count > 0 || query->from.count == 0)
        return false;
    for (uint32_t i = 0; i < query->ranges.count; i++)
        if (((const rdb_range *)query->ranges.items[i])->sample_method != RDB_SAMPLE_NONE)
            return false;
    rdb_query rest = *query;
    rest.where = NULL;
    rest.targets = (rdb_list){0};
    (void)analyse_walk_query(&rest, 0, see_outward, &s);
    s.is_where = true;
    if (query->where != NULL)
        (void)analyse_walk(query->where, 0, see_outward, &s);
    *is_correlated = s.in_where;
    return !s.elsewhere;
}

rdb_expr *plan_and(planner *p, rdb_expr *left, rdb_expr *right)
{
    if (left == NULL || right == NULL)
        return left ? left : right;
    rdb_expr_bool *e = RDB_NEW(p->arena, rdb_expr_bool);
    e->head = *left;
    e->head.kind = RDB_EXPR_BOOL;
    e->bool_kind = RDB_BOOL_AND;
    rdb_list_push(p->arena, &e->arguments, left);
    rdb_list_push(p->arena, &e->arguments, right);
    return &e->head;
}

static bool has_own_column(const rdb_expr *test)
{
    return test != NULL && !relids_empty(plan_relids_of(test));
}

/* A part of FROM beside which a sub-query may be joined; at NULL: all of it. */
typedef struct place {
    rdb_from **at;
} place;

static void join_nested(planner *p, rdb_query *query, rdb_from *join);

/* Puts what the sub-query reads beside the place, joined on the condition. */
static void put_join(planner *p, rdb_query *query, const place *where, const rdb_list *new_ranges, rdb_from *right, rdb_expr *condition, bool negated)
{
    rdb_list ranges = {0};
    for (uint32_t i = 0; i < query->ranges.count; i++)
        rdb_list_push(p->arena, &ranges, query->ranges.items[i]);
    for (uint32_t i = 0; i < new_ranges->count; i++)
        rdb_list_push(p->arena, &ranges, new_ranges->items[i]);
    rdb_from *join = RDB_NEW(p->arena, rdb_from);
    *join = (rdb_from){.is_join = true, .join_kind = negated ? RDB_JOIN_ANTI : RDB_JOIN_SEMI, .left = where->at ? *where->at : plan_join_items(p, &query->from), .right = right, .condition = condition};
    query->ranges = ranges;
    if (where->at != NULL) {
        *where->at = join;
    } else {
        query->from = (rdb_list){0};
        rdb_list_push(p->arena, &query->from, join);
    }
    join_nested(p, query, join);
}

/* The tables of a plain sub-query become the query's own. */
static bool join_tables(planner *p, rdb_query *query, const place *where, const rdb_expr_sublink *link, bool negated)
{
    const rdb_query *inner = link->query;
    const bool is_any = link->sublink_kind == RDB_SUBLINK_ANY;
    plan_mover m = {.p = p, .mode = PLAN_MOVE_LIFT, .offset = query->ranges.count};
    rdb_list ranges = {0}, items = {0};
    for (uint32_t i = 0; i < inner->ranges.count && !m.failed; i++)
        rdb_list_push(p->arena, &ranges, plan_move_range(&m, inner->ranges.items[i]));
    for (uint32_t i = 0; i < inner->from.count && !m.failed; i++)
        rdb_list_push(p->arena, &items, plan_move_from(&m, inner->from.items[i]));
    rdb_expr *condition = plan_move_expr(&m, inner->where), *test = NULL;
    if (is_any && !m.failed) {
        rdb_expr **columns = RDB_NEW_ARRAY(p->arena, rdb_expr *, inner->targets.count + 1);
        test_reader r = {.p = p, .columns = columns};
        const rdb_list targets = plan_move_targets(&m, &inner->targets);
        for (; r.count < targets.count; r.count++) {
            columns[r.count] = ((const rdb_target *)targets.items[r.count])->expr;
            m.failed |= columns[r.count] == NULL || rdb_expr_volatility(columns[r.count]) == 'v';
        }
        test = m.failed ? NULL : read_test(&r, link->test);
        m.failed |= test == NULL || r.failed;
    }
    condition = plan_and(p, test, condition);
    if (m.failed || condition == NULL)
        return false; /* EXISTS (SELECT ... FROM t): nothing joins; asked once it is cheaper */
    query->has_sublinks |= inner->has_sublinks;
    put_join(p, query, where, &ranges, plan_join_items(p, &items), condition, negated);
    return true;
}

/* An IN over rows that do not depend on the query: they are a sub-query of its FROM. */
static bool join_query(planner *p, rdb_query *query, const place *where, const rdb_expr_sublink *link)
{
    const rdb_query *inner = link->query;
    rdb_range *range = RDB_NEW(p->arena, rdb_range);
    rdb_expr **columns = RDB_NEW_ARRAY(p->arena, rdb_expr *, inner->targets.count + 1);
    test_reader r = {.p = p, .columns = columns};
    rdb_list ranges = {0};
    range->kind = RDB_RANGE_SUBQUERY;
    range->alias = "ANY_subquery";
    range->subquery = (rdb_query *)(uintptr_t)inner;
    range->column_typmods = RDB_NEW_ARRAY(p->arena, int32_t, inner->targets.count + 1);
    range->column_collations = RDB_NEW_ARRAY(p->arena, uint32_t, inner->targets.count + 1);
    for (uint32_t i = 0; i < inner->targets.count; i++) {
        const rdb_target *target = inner->targets.items[i];
        if (target->is_junk)
            continue;
        rdb_list_push(p->arena, &range->columns, (void *)(uintptr_t)(target->name ? target->name : "?column?"));
        rdb_list_push(p->arena, &range->column_types, (void *)(uintptr_t)target->expr->type);
        range->column_typmods[r.count] = target->expr->typmod;
        range->column_collations[r.count] = target->expr->collation;
        rdb_expr_var *var = (rdb_expr_var *)plan_make_var(p, query->ranges.count + 1, (int16_t)(r.count + 1), target->expr->type, target->expr->typmod, target->expr->collation);
        var->range = range;
        columns[r.count++] = &var->head;
    }
    rdb_expr *test = read_test(&r, link->test);
    if (test == NULL || r.failed)
        return false;
    rdb_list_push(p->arena, &ranges, range);
    rdb_from *leaf = RDB_NEW(p->arena, rdb_from);
    leaf->range_no = query->ranges.count + 1;
    put_join(p, query, where, &ranges, leaf, test, false);
    return true;
}

/* What EXISTS does not look at: targets, their order, and a LIMIT that lets a row through. */
const rdb_query *plan_without_show(planner *p, const rdb_query *query)
{
    const rdb_expr_const *limit = (const rdb_expr_const *)query->limit_count;
    const bool limits_nothing = limit == NULL || (limit->head.kind == RDB_EXPR_CONST && (limit->is_null || limit->value.i64 > 0));
    if (query->command != RDB_COMMAND_SELECT || query->set_operation != NULL || query->has_aggregates || query->grouping_sets.count > 0 || query->having != NULL || query->has_set_returning_targets ||
        query->limit_offset != NULL || !limits_nothing || query->row_marks.count > 0)
        return query;
    rdb_query *copy = rdb_arena_memdup(p->arena, query, sizeof *copy);
    copy->targets = copy->group = copy->distinct = copy->sort = copy->windows = (rdb_list){0};
    copy->has_windows = copy->has_distinct_on = false;
    copy->limit_count = NULL;
    return copy;
}

/* Every range that the place names, joins' own entries too. */
static void named_ranges(const rdb_from *from, plan_relids *ranges)
{
    if (from->range_no != 0)
        relids_add(ranges, from->range_no);
    if (!from->is_join)
        return;
    named_ranges(from->left, ranges);
    if (from->right != NULL)
        named_ranges(from->right, ranges);
}

typedef struct range_check {
    plan_relids ranges;
    uint32_t level;
    bool reads_others;
} range_check;

static bool see_other(void *context, const rdb_expr *expr, uint32_t levels)
{
    range_check *c = context;
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (expr->kind == RDB_EXPR_VAR && var->levels_up == levels + c->level)
        c->reads_others |= !relids_has(c->ranges, var->range_no);
    return !c->reads_others;
}

/* Does the sub-select read nothing of the query but the place? */
static bool stays_in_place(const place *where, const rdb_expr_sublink *link)
{
    range_check c = {.ranges = relids_none(), .level = 1};
    if (where->at == NULL)
        return true;
    named_ranges(*where->at, &c.ranges);
    (void)analyse_walk_query(link->query, 0, see_other, &c);
    for (uint32_t i = 0; i < link->query->ranges.count; i++) {
        const rdb_range *range = link->query->ranges.items[i];
        for (uint32_t k = 0; k < range->join_variables.count; k++)
            (void)analyse_walk(range->join_variables.items[k], 0, see_other, &c);
    }
    c.level = 0;
    if (link->test != NULL)
        (void)analyse_walk(link->test, 0, see_other, &c);
    return !c.reads_others;
}

/* One conjunct into a join around the place; false: it stays a condition. */
static bool join_conjunct(planner *p, rdb_query *query, const place *where, rdb_expr *conjunct)
{
    bool negated = false, is_correlated = false;
    while (conjunct->kind == RDB_EXPR_BOOL && ((rdb_expr_bool *)conjunct)->bool_kind == RDB_BOOL_NOT) {
        negated = !negated;
        conjunct = ((rdb_expr_bool *)conjunct)->arguments.items[0];
    }
    if (conjunct->kind != RDB_EXPR_SUBLINK || query->from.count == 0 || p->depth > RDB_TREE_DEPTH_MAX / 2)
        return false;
    rdb_expr_sublink link = *(const rdb_expr_sublink *)conjunct;
    const bool is_any = link.sublink_kind == RDB_SUBLINK_ANY;
    if ((!is_any && link.sublink_kind != RDB_SUBLINK_EXISTS) || (is_any && (negated || !has_own_column(link.test) || rdb_expr_volatility(link.test) == 'v')) ||
        query->ranges.count + link.query->ranges.count + 1 >= PLAN_RELIDS_WORDS * 64 || link.query->command != RDB_COMMAND_SELECT || link.query->has_modifying_cte || !stays_in_place(where, &link))
        return false;
    if (!is_any)
        link.query = (rdb_query *)(uintptr_t)plan_without_show(p, link.query);
    if (plan_is_plain(link.query, &is_correlated) && (is_any || is_correlated) && join_tables(p, query, where, &link, negated))
        return true;
    return is_any && !plan_refers_outward(link.query) && join_query(p, query, where, &link);
}

void plan_split(planner *p, rdb_expr *expr, rdb_list *conjuncts)
{
    if (expr->kind == RDB_EXPR_BOOL && ((rdb_expr_bool *)expr)->bool_kind == RDB_BOOL_AND) {
        rdb_list *arguments = &((rdb_expr_bool *)expr)->arguments;
        for (uint32_t i = 0; i < arguments->count; i++)
            plan_split(p, arguments->items[i], conjuncts);
        return;
    }
    rdb_list_push(p->arena, conjuncts, expr);
}

/* Sub-selects in the condition of a join: beside the side that they read, where that side is filtered by it. */
static void join_nested(planner *p, rdb_query *query, rdb_from *join)
{
    rdb_list conjuncts = {0}, kept = {0};
    if (join->condition == NULL || ++p->depth > RDB_TREE_DEPTH_MAX)
        return;
    plan_split(p, join->condition, &conjuncts);
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        const bool filters_left = join->join_kind == RDB_JOIN_INNER || join->join_kind == RDB_JOIN_SEMI || join->join_kind == RDB_JOIN_RIGHT;
        const bool filters_right = join->right != NULL && join->join_kind != RDB_JOIN_RIGHT && join->join_kind != RDB_JOIN_FULL;
        const place left = {&join->left}, right = {&join->right};
        if (!(filters_right && join_conjunct(p, query, &right, conjuncts.items[i])) && !(filters_left && join_conjunct(p, query, &left, conjuncts.items[i])))
            rdb_list_push(p->arena, &kept, conjuncts.items[i]);
    }
    p->depth--;
    if (kept.count == conjuncts.count)
        return;
    join->condition = NULL;
    for (uint32_t i = 0; i < kept.count; i++)
        join->condition = plan_and(p, join->condition, kept.items[i]);
}

static rdb_from *copy_from(planner *p, const rdb_from *from)
{
    rdb_from *copy = rdb_arena_memdup(p->arena, from, sizeof *copy);
    if (from->is_join) {
        copy->left = copy_from(p, from->left);
        copy->right = from->right == NULL ? NULL : copy_from(p, from->right);
    }
    return copy;
}

/* Joins as the statement has them, from the outside in. What is put beside a side is a join of its own, and looked at then. */
static void join_conditions(planner *p, rdb_query *query, rdb_from *from)
{
    if (!from->is_join)
        return;
    rdb_from *left = from->left, *right = from->right;
    join_nested(p, query, from);
    join_conditions(p, query, left);
    if (right != NULL)
        join_conditions(p, query, right);
}

static bool has_sublink_in_joins(const rdb_from *from)
{
    if (!from->is_join)
        return false;
    bool found = false;
    if (from->condition != NULL)
        (void)see_sublink(&found, from->condition);
    return found || has_sublink_in_joins(from->left) || (from->right != NULL && has_sublink_in_joins(from->right));
}

static bool names_range(const rdb_from *from, uint32_t range_no)
{
    if (!from->is_join)
        return from->range_no == range_no;
    return names_range(from->left, range_no) || (from->right != NULL && names_range(from->right, range_no));
}

/* The query with its sub-selects joined where that may be done; the same query where there are none. */
const rdb_query *plan_join_sublinks(planner *p, const rdb_query *query)
{
    rdb_list conjuncts = {0}, kept = {0};
    bool in_joins = false;
    for (uint32_t i = 0; i < query->from.count && query->has_sublinks && query->set_operation == NULL; i++)
        in_joins = in_joins || has_sublink_in_joins(query->from.items[i]);
    if ((query->where == NULL && !in_joins) || !query->has_sublinks || (query->command != RDB_COMMAND_SELECT && query->command != RDB_COMMAND_DELETE && query->command != RDB_COMMAND_UPDATE))
        return query;
    rdb_query *copy = rdb_arena_memdup(p->arena, query, sizeof *copy);
    if (in_joins) {
        copy->from = (rdb_list){0};
        for (uint32_t i = 0; i < query->from.count; i++)
            rdb_list_push(p->arena, &copy->from, copy_from(p, query->from.items[i]));
        for (uint32_t i = 0; i < query->from.count; i++)
            join_conditions(p, copy, copy->from.items[i]);
    }
    if (query->where == NULL)
        return copy;
    plan_split(p, query->where, &conjuncts);
    if (query->command != RDB_COMMAND_SELECT) { /* the table that is written is joined too */
        bool is_there = false;
        for (uint32_t i = 0; i < copy->from.count; i++)
            is_there = is_there || names_range(copy->from.items[i], query->result_range_no);
        if (!is_there) {
            rdb_from *target = RDB_NEW(p->arena, rdb_from);
            rdb_list from = {0};
            target->range_no = query->result_range_no;
            rdb_list_push(p->arena, &from, target);
            for (uint32_t i = 0; i < copy->from.count; i++)
                rdb_list_push(p->arena, &from, copy->from.items[i]);
            copy->from = from;
        }
    }
    for (uint32_t i = 0; i < conjuncts.count; i++)
        if (!join_conjunct(p, copy, &(place){NULL}, conjuncts.items[i]))
            rdb_list_push(p->arena, &kept, conjuncts.items[i]);
    if (kept.count == conjuncts.count)
        return in_joins ? copy : query;
    copy->where = NULL;
    for (uint32_t i = 0; i < kept.count; i++)
        copy->where = plan_and(p, copy->where, kept.items[i]);
    return copy;
}
