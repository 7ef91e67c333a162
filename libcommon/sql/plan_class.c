/* SPDX-License-Identifier: Apache-2.0
 * Classes of equal expressions: from a = b and b = c any pair may serve as the join's clause, and from a = 5 every member is bound
 * (Selinger et al., 1979, call it transitive closure).
 *
 * A class replaces the equalities it is made of. Inside each item of a join group its members are made equal by conditions of that
 * item; joining two sets takes one clause of each class that has members on both sides. So all stay equal, and no clause counts
 * twice in an estimate. A member reads one range: whatever reads more stays a condition of its own. */
#include "sql/plan_int.h"

static uint32_t count_ranges(plan_relids relids)
{
    uint32_t count = 0;
    for (int w = 0; w < PLAN_RELIDS_WORDS; w++)
        count += (uint32_t)__builtin_popcountll(relids.words[w]);
    return count;
}

/* An equality that may join a class: btree "=", both sides of one type and one range at most, nothing that must not move. */
static bool class_sides(planner *p, const rdb_expr *clause, rdb_expr **left, rdb_expr **right)
{
    const rdb_expr_function *e = plan_comparison(clause);
    if (e == NULL)
        return false;
    *left = e->arguments.items[0];
    *right = e->arguments.items[1];
    if ((*left)->type->oid != (*right)->type->oid || rdb_expr_equal(*left, *right) || count_ranges(plan_relids_of(*left)) > 1 || count_ranges(plan_relids_of(*right)) > 1)
        return false;
    return plan_is_equality(p, clause) && plan_is_free_to_move(clause);
}

static plan_class_member *find_member(plan_class *class, const rdb_expr *expr)
{
    for (uint32_t i = 0; i < class->members.count; i++)
        if (rdb_expr_equal(((plan_class_member *)class->members.items[i])->expr, expr))
            return class->members.items[i];
    return NULL;
}

static void add_member(planner *p, plan_class *class, rdb_expr *expr)
{
    plan_class_member *member = RDB_NEW(p->arena, plan_class_member);
    member->expr = expr;
    member->relids = plan_relids_of(expr);
    rdb_list_push(p->arena, &class->members, member);
    if (relids_empty(member->relids) && (class->constant == NULL || (class->constant->kind != RDB_EXPR_CONST && expr->kind == RDB_EXPR_CONST)))
        class->constant = expr;
}

static void merge_classes(planner *p, rdb_list *classes, plan_class *into, plan_class *from)
{
    rdb_list kept = {0};
    for (uint32_t i = 0; i < from->members.count; i++)
        rdb_list_push(p->arena, &into->members, from->members.items[i]);
    for (uint32_t i = 0; i < from->clauses.count; i++)
        rdb_list_push(p->arena, &into->clauses, from->clauses.items[i]);
    if (into->constant == NULL)
        into->constant = from->constant;
    for (uint32_t i = 0; i < classes->count; i++)
        if (classes->items[i] != from)
            rdb_list_push(p->arena, &kept, classes->items[i]);
    *classes = kept;
}

static void add_equality(planner *p, rdb_list *classes, rdb_expr *clause, rdb_expr *left, rdb_expr *right)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    plan_class *of_left = NULL, *of_right = NULL;
    for (uint32_t i = 0; i < classes->count; i++) {
        plan_class *class = classes->items[i];
        if (class->operator_oid != e->operator_oid || class->input_collation != e->input_collation)
            continue;
        if (find_member(class, left) != NULL)
            of_left = class;
        if (find_member(class, right) != NULL)
            of_right = class;
    }
    plan_class *class = of_left ? of_left : of_right;
    if (class == NULL) {
        class = RDB_NEW(p->arena, plan_class);
        class->operator_oid = e->operator_oid;
        class->input_collation = e->input_collation;
        rdb_list_push(p->arena, classes, class);
    }
    if (of_left != NULL && of_right != NULL && of_left != of_right)
        merge_classes(p, classes, of_left, of_right);
    if (of_left == NULL)
        add_member(p, class, left);
    if (of_right == NULL)
        add_member(p, class, right);
    rdb_list_push(p->arena, &class->clauses, clause);
}

static rdb_expr *own_clause(const plan_class *class, const rdb_expr *left, const rdb_expr *right)
{
    for (uint32_t i = 0; i < class->clauses.count; i++) {
        const rdb_expr_function *e = class->clauses.items[i];
        if ((rdb_expr_equal(e->arguments.items[0], left) && rdb_expr_equal(e->arguments.items[1], right)) ||
            (rdb_expr_equal(e->arguments.items[0], right) && rdb_expr_equal(e->arguments.items[1], left)))
            return class->clauses.items[i];
    }
    return NULL;
}

/* left = right: one of the class's own clauses where it says so, else one made like them. */
static rdb_expr *class_clause(planner *p, const plan_class *class, rdb_expr *left, rdb_expr *right)
{
    rdb_expr *own = own_clause(class, left, right);
    if (own != NULL)
        return own;
    rdb_expr_function *made = rdb_arena_memdup(p->arena, class->clauses.items[0], sizeof *made);
    made->arguments = (rdb_list){0};
    made->head.location = -1;
    rdb_list_push(p->arena, &made->arguments, left);
    rdb_list_push(p->arena, &made->arguments, right);
    return &made->head;
}

bool plan_make_classes(planner *p, rdb_list *conditions, rdb_list *classes)
{
    rdb_list kept = {0}, made = {0}, equalities = {0};
    for (uint32_t i = 0; i < conditions->count; i++) {
        rdb_expr *left = NULL, *right = NULL;
        if (class_sides(p, conditions->items[i], &left, &right))
            add_equality(p, &made, conditions->items[i], left, right);
        else
            rdb_list_push(p->arena, &kept, conditions->items[i]);
    }
    for (uint32_t i = 0; i < made.count; i++) {
        plan_class *class = made.items[i];
        if (class->members.count == 2) { /* one equality: it needs no class */
            rdb_list_push(p->arena, &equalities, class->clauses.items[0]);
        } else if (class->constant != NULL) { /* every member is bound: nothing is left to join by */
            for (uint32_t k = 0; k < class->members.count; k++) {
                const plan_class_member *member = class->members.items[k];
                rdb_expr *clause = NULL;
                if (member->expr == class->constant)
                    continue;
                if (!rdb_expr_fold(p->arena, &p->eval, class_clause(p, class, member->expr, class->constant), &clause, p->err))
                    return false;
                rdb_list_push(p->arena, &equalities, clause);
            }
        } else {
            rdb_list_push(p->arena, classes, class);
        }
    }
    for (uint32_t i = 0; i < equalities.count; i++)
        rdb_list_push(p->arena, &kept, equalities.items[i]);
    *conditions = kept;
    return true;
}

void plan_class_clauses_within(planner *p, const plan_class *class, plan_relids item, rdb_list *clauses)
{
    const plan_class_member *first = NULL;
    for (uint32_t i = 0; i < class->members.count; i++) {
        const plan_class_member *member = class->members.items[i];
        if (!relids_within(member->relids, item))
            continue;
        if (first == NULL)
            first = member;
        else
            rdb_list_push(p->arena, clauses, class_clause(p, class, first->expr, member->expr));
    }
}

void plan_class_clause_between(planner *p, const plan_class *class, plan_relids left, plan_relids right, rdb_list *clauses)
{
    const plan_class_member *of_left = NULL, *of_right = NULL;
    rdb_expr *named = NULL; /* a pair that the statement itself names */
    for (uint32_t i = 0; i < class->members.count; i++) {
        const plan_class_member *a = class->members.items[i];
        if (relids_within(a->relids, right))
            of_right = of_right ? of_right : a;
        if (!relids_within(a->relids, left))
            continue;
        of_left = of_left ? of_left : a;
        for (uint32_t k = 0; k < class->members.count && named == NULL; k++) {
            const plan_class_member *b = class->members.items[k];
            if (relids_within(b->relids, right))
                named = own_clause(class, a->expr, b->expr);
        }
    }
    if (of_left != NULL && of_right != NULL)
        rdb_list_push(p->arena, clauses, named ? named : class_clause(p, class, of_left->expr, of_right->expr));
}

/* Members that the join of the two sets itself makes readable: above an outer join. */
void plan_class_clauses_new(planner *p, const plan_class *class, plan_relids left, plan_relids right, rdb_list *clauses)
{
    const plan_relids both = relids_union(left, right);
    const plan_class_member *known = NULL;
    for (int is_new = 0; is_new < 2; is_new++)
        for (uint32_t i = 0; i < class->members.count; i++) {
            const plan_class_member *member = class->members.items[i];
            const bool was_there = relids_within(member->relids, left) || relids_within(member->relids, right);
            if (!relids_within(member->relids, both) || was_there != (is_new == 0))
                continue;
            if (known != NULL && is_new == 1)
                rdb_list_push(p->arena, clauses, class_clause(p, class, known->expr, member->expr));
            known = known ? known : member;
        }
}
