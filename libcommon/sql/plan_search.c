/* SPDX-License-Identifier: Apache-2.0
 * In which order relations are joined. Outer joins, semi-joins and anti-joins take part: each is a *special* join that says what must
 * stand on its sides before it can be made (Galindo-Legaria and Rosenthal, "Outerjoin simplification and reordering", 1997). With
 * strict conditions (A left join B) left join C is A left join (B left join C), and either may be made first; an inner join may
 * come before or after an outer join on whose preserved side it stands. A FULL JOIN stays where it is.
 *
 * A condition knows which relations must be joined before it may be checked. One above an outer join that reads its nullable side
 * waits for that join. The search is by dynamic programming, the join of a set tried from its largest part to its smallest, and in
 * the statement's order where costs are equal; beyond DP_ITEMS_MAX relations the join with the fewest rows is made first. */
#include "sql/plan_int.h"

#define DP_ITEMS_MAX 10u

/* ---- one list of relations ------------------------------------------------------------------------------------------------------------ */
static void add_all(planner *p, rdb_list *to, const rdb_list *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        rdb_list_push(p->arena, to, from->items[i]);
}

static plan_relids relids_both(plan_relids a, plan_relids b)
{
    for (int w = 0; w < PLAN_RELIDS_WORDS; w++)
        a.words[w] &= b.words[w];
    return a;
}

static bool relids_same(plan_relids a, plan_relids b)
{
    return relids_within(a, b) && relids_within(b, a);
}

/* What must be joined before a condition over these relations may filter: of each outer join whose nullable side it reads, all. */
static plan_relids settled(const rdb_list *specials, plan_relids relids)
{
    for (bool grows = true; grows;) {
        grows = false;
        for (uint32_t i = 0; i < specials->count; i++) {
            plan_special *special = specials->items[i];
            if (!relids_meet(relids, special->min_right))
                continue;
            special->is_delaying |= relids_meet(relids, special->min_left);
            const plan_relids all = relids_union(relids, relids_union(special->min_left, special->min_right));
            grows |= !relids_same(all, relids);
            relids = all;
        }
    }
    return relids;
}

/* What must stand on the sides of a join before it can be made, given those below it. */
static plan_special *make_special(planner *p, const plan_tree *outer, const rdb_list *below)
{
    plan_special *special = RDB_NEW(p->arena, plan_special);
    const plan_relids left = outer->left->relids, right = outer->right->relids, read = outer->clause_relids;
    const bool is_semi = outer->join_kind == RDB_JOIN_SEMI, keeps_order = is_semi || outer->join_kind == RDB_JOIN_ANTI;
    *special = (plan_special){.kind = outer->join_kind, .keeps_right = outer->keeps_right, .left = left, .right = right};
    special->is_strict = relids_meet(outer->strict, left);
    plan_relids min_left = relids_both(read, left), min_right = relids_both(relids_union(read, outer->right->inner_joined), right);
    for (uint32_t i = 0; i < below->count; i++) {
        const plan_special *other = below->items[i];
        const plan_relids all = relids_union(other->left, other->right);
        if (relids_meet(left, other->right) && relids_meet(read, other->right) && (keeps_order || !relids_meet(outer->strict, other->min_right)))
            min_left = relids_union(min_left, all);
        if (relids_meet(right, other->right) && (relids_meet(read, other->right) || !relids_meet(read, other->min_left) || keeps_order || other->kind != RDB_JOIN_LEFT || !other->is_strict || other->is_delaying))
            min_right = relids_union(min_right, all);
    }
    special->min_left = relids_empty(min_left) ? left : min_left;
    special->min_right = relids_empty(min_right) ? right : min_right;
    return special;
}

static void add_clause(planner *p, plan_tree *group, rdb_expr *expr, plan_relids required, const plan_special *of)
{
    plan_clause *clause = RDB_NEW(p->arena, plan_clause);
    *clause = (plan_clause){.expr = expr, .relids = plan_relids_of(expr), .of = of};
    clause->required = relids_union(clause->relids, required);
    rdb_list_push(p->arena, &group->clauses, clause);
}

/* Takes an outer join's sides into the group. */
static void take_in(planner *p, plan_tree *group, const plan_tree *outer)
{
    rdb_list below = {0};
    plan_tree *sides[2] = {outer->left, outer->right};
    for (int s = 0; s < 2; s++) {
        add_all(p, &group->items, &sides[s]->items);
        add_all(p, &group->classes, &sides[s]->classes);
        add_all(p, &group->clauses, &sides[s]->clauses);
        add_all(p, &below, &sides[s]->specials);
    }
    plan_special *special = make_special(p, outer, &below);
    add_all(p, &group->specials, &below);
    rdb_list_push(p->arena, &group->specials, special);
    for (uint32_t i = 0; i < outer->quals.count; i++)
        add_clause(p, group, outer->quals.items[i], relids_union(special->min_left, special->min_right), special);
}

static uint32_t count_items(const plan_tree *tree)
{
    return tree->shape == PLAN_SHAPE_GROUP ? tree->items.count : 1;
}

bool plan_flatten(plan_level *level, plan_tree *group)
{
    planner *p = level->p;
    const rdb_list items = group->items, quals = group->quals, classes = group->classes;
    uint32_t total = items.count;
    group->items = group->quals = group->classes = (rdb_list){0};
    for (uint32_t i = 0; i < items.count; i++) {
        plan_tree *item = items.items[i];
        if (item->shape == PLAN_SHAPE_OUTER && (!plan_flatten(level, item->left) || !plan_flatten(level, item->right)))
            return false;
        group->inner_joined = item->shape == PLAN_SHAPE_OUTER ? relids_union(item->left->inner_joined, item->right->inner_joined) : relids_none();
    }
    if (items.count > 1)
        group->inner_joined = group->relids;
    for (uint32_t i = 0; i < items.count; i++) {
        plan_tree *item = items.items[i];
        const uint32_t more = item->shape == PLAN_SHAPE_OUTER && item->join_kind != RDB_JOIN_FULL ? count_items(item->left) + count_items(item->right) - 1 : 0;
        bool is_whole = more == 0; /* a gate (a condition without columns) stays on its side */
        if (!is_whole)
            is_whole = item->left->quals.count > 0 || item->right->quals.count > 0 || item->left->items.count == 0 || item->right->items.count == 0;
        if (is_whole || total + more > DP_ITEMS_MAX) {
            rdb_list_push(p->arena, &group->items, item);
            continue;
        }
        total += more;
        take_in(p, group, item);
    }
    const rdb_list own_classes = group->classes; /* of sides: their members wait for nothing of this group */
    for (uint32_t i = 0; i < quals.count; i++) {
        const plan_relids relids = plan_relids_of(quals.items[i]);
        if (relids_empty(relids))
            rdb_list_push(p->arena, &group->quals, quals.items[i]);
        else
            add_clause(p, group, quals.items[i], settled(&group->specials, relids), NULL);
    }
    group->classes = own_classes;
    for (uint32_t i = 0; i < classes.count; i++) {
        plan_class *class = classes.items[i];
        for (uint32_t k = 0; k < class->members.count; k++) {
            plan_class_member *member = class->members.items[k];
            member->relids = settled(&group->specials, member->relids);
        }
        rdb_list_push(p->arena, &group->classes, class);
    }
    return true;
}

/* ---- which joins may be made -------------------------------------------------------------------------------------------------------------- */
typedef struct search {
    plan_level *level;
    const plan_tree *group;
} search;

/* May the two sets be joined? *special: the join that this is, NULL where it is an inner one; *is_turned: its left side is right. */
static bool may_join(const search *s, plan_relids left, plan_relids right, const plan_special **special, bool *is_turned)
{
    const plan_relids both = relids_union(left, right);
    bool must_be_left = false;
    *special = NULL;
    *is_turned = false;
    for (uint32_t i = 0; i < s->group->specials.count; i++) {
        const plan_special *one = s->group->specials.items[i];
        if (!relids_meet(one->min_right, both) || relids_within(both, one->min_right))
            continue;
        const plan_relids needed = relids_union(one->min_left, one->min_right);
        if (relids_within(needed, left) || relids_within(needed, right))
            continue; /* made already */
        const bool straight = relids_within(one->min_left, left) && relids_within(one->min_right, right), turned = relids_within(one->min_left, right) && relids_within(one->min_right, left);
        if (straight || turned) {
            if (*special != NULL)
                return false;
            *special = one;
            *is_turned = turned;
        } else if (relids_meet(left, one->min_right) && relids_meet(right, one->min_right)) {
            continue; /* both sides were let in already */
        } else if (one->kind != RDB_JOIN_LEFT || relids_meet(both, one->min_left)) {
            return false;
        } else {
            must_be_left = true; /* it goes into the nullable side of that one */
        }
    }
    return !must_be_left || (*special != NULL && (*special)->kind == RDB_JOIN_LEFT && (*special)->is_strict);
}

/* Is there a reason to join the two: a condition over both, a reference, or an outer join between them? */
static bool is_linked(const search *s, const plan_set *left, const plan_set *right)
{
    const plan_tree *group = s->group;
    if (relids_meet(left->cheapest->needs, right->relids) || relids_meet(right->cheapest->needs, left->relids))
        return true;
    for (uint32_t i = 0; i < group->clauses.count; i++) {
        const plan_clause *clause = group->clauses.items[i];
        if (relids_meet(clause->relids, left->relids) && relids_meet(clause->relids, right->relids))
            return true;
    }
    for (uint32_t i = 0; i < group->classes.count; i++) {
        const plan_class *class = group->classes.items[i];
        bool of_left = false, of_right = false;
        for (uint32_t k = 0; k < class->members.count; k++) {
            const plan_relids relids = ((const plan_class_member *)class->members.items[k])->relids;
            of_left |= relids_within(relids, left->relids) && !relids_empty(relids);
            of_right |= relids_within(relids, right->relids) && !relids_empty(relids);
        }
        if (of_left && of_right)
            return true;
    }
    for (uint32_t i = 0; i < group->specials.count; i++) {
        const plan_special *one = group->specials.items[i];
        if ((relids_within(one->min_left, left->relids) && relids_within(one->min_right, right->relids)) || (relids_within(one->min_left, right->relids) && relids_within(one->min_right, left->relids)) ||
            (relids_meet(one->min_right, left->relids) && relids_meet(one->min_right, right->relids)) || (relids_meet(one->min_left, left->relids) && relids_meet(one->min_left, right->relids)))
            return true;
    }
    return false;
}

/* Does no condition reach beyond the set? Then it may be put beside any other. */
static bool is_alone(const search *s, plan_relids set)
{
    for (uint32_t i = 0; i < s->group->clauses.count; i++) {
        const plan_relids relids = ((const plan_clause *)s->group->clauses.items[i])->relids;
        if (relids_meet(relids, set) && !relids_within(relids, set))
            return false;
    }
    for (uint32_t i = 0; i < s->group->classes.count; i++) {
        const plan_class *class = s->group->classes.items[i];
        bool inside = false, outside = false;
        for (uint32_t k = 0; k < class->members.count; k++) {
            const plan_relids relids = ((const plan_class_member *)class->members.items[k])->relids;
            inside |= relids_meet(relids, set);
            outside |= !relids_within(relids, set);
        }
        if (inside && outside)
            return false;
    }
    for (uint32_t i = 0; i < s->group->specials.count; i++) {
        const plan_special *one = s->group->specials.items[i];
        const plan_relids needed = relids_union(one->min_left, one->min_right);
        if (relids_meet(needed, set) && !relids_within(needed, set))
            return false;
    }
    return true;
}

/* ---- joining two sets ---------------------------------------------------------------------------------------------------------------------------- */
static void find_clauses(const search *s, plan_joining *j, const plan_special *special)
{
    planner *p = s->level->p;
    const plan_relids left = j->left->relids, right = j->right->relids, both = relids_union(left, right);
    for (uint32_t i = 0; i < s->group->classes.count; i++) {
        plan_class_clause_between(p, s->group->classes.items[i], left, right, special == NULL ? &j->on : &j->filter);
        plan_class_clauses_new(p, s->group->classes.items[i], left, right, &j->filter);
    }
    for (uint32_t i = 0; i < s->group->clauses.count; i++) {
        const plan_clause *clause = s->group->clauses.items[i];
        if (!relids_within(clause->required, both) || relids_within(clause->required, left) || relids_within(clause->required, right))
            continue;
        rdb_list_push(p->arena, clause->of == special ? &j->on : &j->filter, clause->expr);
    }
}

/* A semi-join's right side with each value of its columns once: then any row of the left side meets one row at most, and either side may
 * come first. false in *found: it cannot be made so. */
static bool unique_set(const search *s, const plan_joining *j, plan_set *unique, bool *found)
{
    planner *p = s->level->p;
    const plan_set *right = j->right;
    rdb_list exprs = {0}, columns = {0};
    uint32_t range_no = 0;
    bool is_single = true;
    *found = false;
    if (!relids_empty(right->cheapest->needs))
        return true;
    for (uint32_t i = 0; i < j->on.count; i++) {
        const rdb_expr_function *e = j->on.items[i];
        uint16_t strategy = 0;
        uint32_t family = 0;
        rdb_error quiet = {0};
        if (e->head.kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2)
            return true;
        const bool is_turned = relids_within(plan_relids_of(e->arguments.items[0]), right->relids);
        const rdb_expr_var *mine = e->arguments.items[is_turned ? 0 : 1];
        const plan_relids others = plan_relids_of(e->arguments.items[is_turned ? 1 : 0]);
        const bool is_equality = rdb_opclass_strategy(p->access, e->operator_oid, &strategy, &family, &quiet) && strategy == 3;
        rdb_error_clear(&quiet);
        if (!is_equality || relids_empty(others) || !relids_within(others, j->left->relids) || mine->head.kind != RDB_EXPR_VAR || !relids_has(right->relids, mine->range_no) ||
            mine->head.type->ops == NULL || mine->head.type->ops->hash == NULL)
            return true;
        is_single = is_single && mine->attribute_no > 0 && (range_no == 0 || range_no == mine->range_no);
        range_no = mine->range_no;
        rdb_list_push(p->arena, &exprs, (void *)(uintptr_t)mine);
        rdb_list_push(p->arena, &columns, (void *)(uintptr_t)mine->attribute_no);
    }
    if (exprs.count == 0)
        return true;
    *found = true;
    *unique = *right;
    plan_relids own = relids_none();
    relids_add(&own, range_no);
    if (is_single && relids_same(own, right->relids) && plan_range_is_unique(s->level->p, s->level->rels[range_no]->range, &columns))
        return true;
    plan_path *path = RDB_NEW(p->arena, plan_path);
    *path = (plan_path){.kind = RDB_PLAN_AGGREGATE, .left = right->cheapest, .relids = right->relids, .left_keys = exprs, .width = right->width};
    path->rows = plan_clamp_rows(plan_group_count(s->level, (rdb_expr *const *)exprs.items, exprs.count, right->rows));
    path->total = right->cheapest->total + plan_hash_group_cost(p, right->rows, path->rows, path->width, exprs.count);
    path->startup = path->total - path->rows * COST_TUPLE;
    plan_note_elapsed(s->level, path);
    *unique = (plan_set){.relids = right->relids, .rows = path->rows, .width = right->width, .cheapest = path};
    return true;
}

/* All ways to join the two go into the set. */
static bool join_sets(const search *s, const plan_set *left, const plan_set *right, plan_set *set)
{
    const plan_special *special = NULL;
    bool is_turned = false;
    if (!may_join(s, left->relids, right->relids, &special, &is_turned))
        return true;
    plan_joining j = {.kind = special ? special->kind : RDB_JOIN_INNER, .keeps_right = special != NULL && special->keeps_right, .left = is_turned ? right : left, .right = is_turned ? left : right};
    find_clauses(s, &j, special);
    if (set->rows <= 0) { /* whichever two are joined first: the set's rows are its own */
        set->rows = plan_joined_rows(s->level, &j);
        set->width = j.kind == RDB_JOIN_SEMI || (j.kind == RDB_JOIN_ANTI && !j.keeps_right) ? j.left->width : left->width + right->width;
    }
    if (!plan_add_join_paths(s->level, set, &j))
        return false;
    if (j.kind == RDB_JOIN_SEMI && relids_same(j.right->relids, special->right)) {
        plan_set unique;
        bool found = false;
        if (!unique_set(s, &j, &unique, &found))
            return false;
        const plan_joining first = {.kind = RDB_JOIN_INNER, .left = &unique, .right = j.left, .on = j.on, .filter = j.filter};
        const plan_joining second = {.kind = RDB_JOIN_INNER, .left = j.left, .right = &unique, .on = j.on, .filter = j.filter};
        return !found || (plan_add_join_paths(s->level, set, &second) && plan_add_join_paths(s->level, set, &first));
    }
    if (j.kind != RDB_JOIN_INNER && j.kind != RDB_JOIN_LEFT)
        return true;
    const plan_set *swap = j.left;
    j.left = j.right;
    j.right = swap;
    j.kind = j.kind == RDB_JOIN_LEFT ? RDB_JOIN_RIGHT : RDB_JOIN_INNER;
    return plan_add_join_paths(s->level, set, &j);
}

/* ---- the search ------------------------------------------------------------------------------------------------------------------------------------ */
/* One split of a set after the other: each relation against the rest, the last one first; then larger parts. */
static bool join_splits(const search *s, plan_set **sets, uint32_t whole, uint32_t count, bool any)
{
    plan_set made = {.relids = relids_none()};
    for (uint32_t i = 0; i < count; i++)
        if (whole >> i & 1)
            made.relids = relids_union(made.relids, sets[UINT32_C(1) << i]->relids);
    for (uint32_t i = count; i-- > 0;) {
        const uint32_t one = UINT32_C(1) << i, rest = whole & ~one;
        if ((whole & one) == 0 || sets[rest] == NULL)
            continue;
        if (!any && !is_linked(s, sets[rest], sets[one]) && !is_alone(s, sets[rest]->relids) && !is_alone(s, sets[one]->relids))
            continue;
        if (!join_sets(s, sets[rest], sets[one], &made))
            return false;
        if ((rest & (rest - 1)) == 0)
            break; /* two relations: both orders are tried */
    }
    for (uint32_t part = (whole - 1) & whole; part != 0; part = (part - 1) & whole) {
        const uint32_t rest = whole & ~part;
        if (part < rest || (part & (part - 1)) == 0 || (rest & (rest - 1)) == 0 || sets[part] == NULL || sets[rest] == NULL)
            continue;
        if ((any || is_linked(s, sets[rest], sets[part])) && !join_sets(s, sets[rest], sets[part], &made))
            return false;
    }
    if (made.cheapest != NULL) {
        sets[whole] = RDB_NEW(s->level->p->arena, plan_set);
        *sets[whole] = made;
    }
    return true;
}

static bool dp_join(const search *s, plan_set **items, uint32_t count, plan_set **out)
{
    planner *p = s->level->p;
    const uint32_t full = (UINT32_C(1) << count) - 1;
    plan_set **sets = RDB_NEW_ARRAY(p->arena, plan_set *, full + 1u);
    *out = NULL;
    for (int pass = 0; pass < 2 && *out == NULL; pass++) { /* any product at all only where nothing else joins them */
        for (uint32_t i = 0; i <= full; i++)
            sets[i] = NULL;
        for (uint32_t i = 0; i < count; i++)
            sets[UINT32_C(1) << i] = items[i];
        for (uint32_t whole = 3; whole <= full; whole++)
            if ((whole & (whole - 1)) != 0 && (!rdb_cancel_check(s->level->p->eval.cancel, s->level->p->err) || !join_splits(s, sets, whole, count, pass == 1)))
                return false;
        *out = sets[full];
    }
    return true;
}

static bool greedy_join(const search *s, plan_set **items, uint32_t count, plan_set **out)
{
    planner *p = s->level->p;
    *out = NULL;
    while (count > 1) {
        plan_set *best = NULL;
        uint32_t best_left = 0, best_right = 0;
        for (int pass = 0; pass < 2 && best == NULL; pass++)
            for (uint32_t i = 0; i < count; i++)
                for (uint32_t k = i + 1; k < count; k++) {
                    if (!rdb_cancel_check(p->eval.cancel, p->err))
                        return false;
                    plan_set made = {.relids = relids_union(items[i]->relids, items[k]->relids)};
                    if ((pass == 0 && !is_linked(s, items[i], items[k])))
                        continue;
                    if (!join_sets(s, items[i], items[k], &made))
                        return false;
                    if (made.cheapest == NULL || (best != NULL && (made.rows > best->rows || (made.rows >= best->rows && made.cheapest->elapsed >= best->cheapest->elapsed))))
                        continue;
                    best = RDB_NEW(p->arena, plan_set);
                    *best = made;
                    best_left = i;
                    best_right = k;
                }
        if (best == NULL)
            return true;
        items[best_left] = best;
        items[best_right] = items[--count];
    }
    *out = items[0];
    return true;
}

/* What equalities of the group compare: an order by it may serve a merge join. */
static void compared_exprs(planner *p, const plan_tree *group, rdb_list *exprs)
{
    for (uint32_t i = 0; i < group->classes.count; i++) {
        const plan_class *class = group->classes.items[i];
        for (uint32_t k = 0; k < class->members.count; k++)
            rdb_list_push(p->arena, exprs, ((const plan_class_member *)class->members.items[k])->expr);
    }
    for (uint32_t i = 0; i < group->clauses.count; i++) {
        const rdb_expr_function *e = (const rdb_expr_function *)((const plan_clause *)group->clauses.items[i])->expr;
        if (e->head.kind == RDB_EXPR_FUNCTION && e->operator_oid != 0 && e->arguments.count == 2)
            add_all(p, exprs, &e->arguments);
    }
}

static bool item_set(plan_level *level, plan_tree *item, plan_set *set)
{
    *set = (plan_set){.relids = item->relids};
    if (item->shape == PLAN_SHAPE_REL) {
        if (!plan_base_path(level, level->rels[item->range_no], &set->cheapest))
            return false;
        plan_note_elapsed(level, set->cheapest);
    } else if (item->shape == PLAN_SHAPE_GROUP) {
        if (!plan_group_path(level, item, &set->cheapest))
            return false;
    } else { /* a join that stays where it is */
        plan_set sides[2];
        plan_joining j = {.kind = item->join_kind, .keeps_right = item->keeps_right, .left = &sides[0], .right = &sides[1], .on = item->quals};
        if (!item_set(level, item->left, &sides[0]) || !item_set(level, item->right, &sides[1]))
            return false;
        set->rows = plan_joined_rows(level, &j);
        set->width = sides[0].width + sides[1].width;
        if (!plan_add_join_paths(level, set, &j))
            return false;
        if (set->cheapest == NULL)
            return rdb_error_set(level->p->err, RDB_FEATURE_NOT_SUPPORTED, item->join_kind == RDB_JOIN_FULL ? "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions"
                                                                                                        : "this use of LATERAL is not supported");
    }
    set->rows = set->cheapest->rows;
    set->width = set->cheapest->width;
    return true;
}

bool plan_group_path(plan_level *level, plan_tree *group, plan_path **out)
{
    planner *p = level->p;
    const search s = {level, group};
    const uint32_t count = group->items.count;
    plan_set **items = RDB_NEW_ARRAY(p->arena, plan_set *, count + 1), **copy = RDB_NEW_ARRAY(p->arena, plan_set *, count + 1), *whole = NULL;
    rdb_list compared = {0};
    if (count > 1)
        compared_exprs(p, group, &compared);
    for (uint32_t i = 0; i < count; i++) {
        const plan_tree *item = group->items.items[i];
        items[i] = copy[i] = RDB_NEW(p->arena, plan_set);
        if (!item_set(level, group->items.items[i], items[i]) || (item->shape == PLAN_SHAPE_REL && !plan_add_ordered_paths(level, items[i], level->rels[item->range_no], &compared)))
            return false;
        for (uint32_t k = 0; k < group->clauses.count; k++) { /* what no join can check: over one join that stays where it is */
            const plan_clause *clause = group->clauses.items[k];
            if (!relids_within(clause->required, items[i]->relids))
                continue;
            plan_path *filtered = rdb_arena_memdup(p->arena, items[i]->cheapest, sizeof *filtered);
            filtered->filter = (rdb_list){0};
            add_all(p, &filtered->filter, &items[i]->cheapest->filter);
            rdb_list_push(p->arena, &filtered->filter, clause->expr);
            filtered->total += filtered->rows * COST_OPERATOR;
            filtered->rows = plan_clamp_rows(filtered->rows * plan_selectivity(level, clause->expr));
            plan_note_elapsed(level, filtered);
            items[i]->cheapest = filtered;
            items[i]->rows = filtered->rows;
        }
    }
    if (count == 0) {
        *out = RDB_NEW(p->arena, plan_path);
        (*out)->kind = RDB_PLAN_RESULT;
        (*out)->rows = 1;
        (*out)->total = (*out)->elapsed = COST_TUPLE;
    } else if (count == 1) {
        *out = items[0]->cheapest;
    } else {
        if (count <= DP_ITEMS_MAX && !dp_join(&s, items, count, &whole))
            return false;
        if (whole == NULL && !greedy_join(&s, copy, count, &whole))
            return false;
        if (whole == NULL)
            return rdb_error_set(p->err, RDB_INTERNAL_ERROR, "no join order satisfies the lateral references");
        *out = whole->cheapest;
    }
    if (group->quals.count == 0)
        return true;
    /* conditions without columns */
    plan_path *below = *out, *gate = RDB_NEW(p->arena, plan_path);
    *gate = (plan_path){.kind = RDB_PLAN_RESULT, .left = below->kind == RDB_PLAN_RESULT && below->left == NULL && below->filter.count == 0 ? NULL : below, .relids = below->relids,
                        .needs = below->needs, .startup = below->startup, .width = below->width, .filter = group->quals};
    gate->rows = plan_clamp_rows(below->rows * plan_selectivity_list(level, NULL, &group->quals));
    gate->total = below->total + below->rows * COST_OPERATOR * group->quals.count;
    plan_note_elapsed(level, gate);
    *out = gate;
    if (plan_gives_nothing(gate) && gate->left != NULL && plan_is_cut_short(gate->left))
        *out = plan_nothing(level, gate->left);
    return *out != NULL;
}
