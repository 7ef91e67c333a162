/* SPDX-License-Identifier: Apache-2.0
 * Where a WITH RECURSIVE item may name itself: once, in the recursive half of its UNION, neither below a sub-query of an expression nor
 * on the side of an outer join that may be null-extended. Looked at before analysis, so that the error is about this and no other. */
#include "sql/analyse_int.h"

typedef enum place { PLACE_FINE, PLACE_FIRST_HALF, PLACE_SUBQUERY, PLACE_OUTER_JOIN, PLACE_INTERSECT, PLACE_EXCEPT } place;

typedef struct checker {
    const analyse_state *state;
    const char *name;         /* of the item */
    place place;
    uint32_t references;
    bool only_counts;
    uint32_t depth;
    rdb_error *err;
} checker;

static bool check_node(void *context, const rdb_ast_node *node);

static bool check_at(checker *c, const rdb_ast_node *node, place where)
{
    const place before = c->place;
    if (before == PLACE_FINE) /* the first reason is the one told */
        c->place = where;
    const bool ok = node == NULL || check_node(c, node);
    c->place = before;
    return ok;
}

static bool check_table(checker *c, const rdb_ast_table *table)
{
    static const char *const WHY[] = {[PLACE_FIRST_HALF] = "its non-recursive term", [PLACE_SUBQUERY] = "a subquery", [PLACE_OUTER_JOIN] = "an outer join",
                                      [PLACE_INTERSECT] = "INTERSECT", [PLACE_EXCEPT] = "EXCEPT"};
    if (table->schema != NULL || strcmp(table->name, c->name) != 0)
        return true;
    c->references++;
    if (c->only_counts)
        return true;
    if (c->place != PLACE_FINE)
        return analyse_error(c->state, table->node.location, c->err, RDB_INVALID_RECURSION, "recursive reference to query \"%s\" must not appear within %s", c->name, WHY[c->place]);
    return c->references == 1 ||
           analyse_error(c->state, table->node.location, c->err, RDB_INVALID_RECURSION, "recursive reference to query \"%s\" must not appear more than once", c->name);
}

static bool hides(const rdb_ast_with *with, const char *name, uint32_t before)
{
    for (uint32_t i = 0; with != NULL && i < with->ctes.count && i < before; i++)
        if (strcmp(((const rdb_ast_cte *)with->ctes.items[i])->name, name) == 0)
            return true;
    return false;
}

static bool check_with(checker *c, const rdb_ast_with *with)
{
    for (uint32_t i = 0; with != NULL && i < with->ctes.count; i++)
        if (!hides(with, c->name, with->is_recursive ? UINT32_MAX : i) && !check_node(c, ((const rdb_ast_cte *)with->ctes.items[i])->query))
            return false;
    return true;
}

static bool check_select(checker *c, const rdb_ast_select *select)
{
    if (!check_with(c, select->with))
        return false;
    if (hides(select->with, c->name, UINT32_MAX))
        return true;
    if (select->op == RDB_SQL_SET_OP_NONE || c->place != PLACE_FINE || select->op == RDB_SQL_SET_OP_UNION) {
        rdb_ast_select rest = *select; /* WITH was looked at */
        rest.with = NULL;
        return rdb_ast_visit_children(&rest.node, check_node, c);
    }
    const bool is_except = select->op == RDB_SQL_SET_OP_EXCEPT;
    const place left = select->is_all ? (is_except ? PLACE_EXCEPT : PLACE_INTERSECT) : PLACE_FINE, right = is_except ? PLACE_EXCEPT : left;
    rdb_ast_select rest = *select;
    rest.with = NULL;
    rest.left = rest.right = NULL;
    return check_at(c, &select->left->node, left) && check_at(c, &select->right->node, right) && rdb_ast_visit_children(&rest.node, check_node, c);
}

static bool check_node(void *context, const rdb_ast_node *node)
{
    checker *c = context;
    if (++c->depth > RDB_SQL_DEPTH_MAX)
        return rdb_error_set(c->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    bool ok = true;
    switch (node->tag) {
    case RDB_AST_TABLE:
        ok = check_table(c, (const rdb_ast_table *)node);
        break;
    case RDB_AST_SELECT:
        ok = check_select(c, (const rdb_ast_select *)node);
        break;
    case RDB_AST_JOIN: {
        const rdb_ast_join *join = (const rdb_ast_join *)node;
        const bool left = join->kind == RDB_SQL_JOIN_RIGHT || join->kind == RDB_SQL_JOIN_FULL, right = join->kind == RDB_SQL_JOIN_LEFT || join->kind == RDB_SQL_JOIN_FULL;
        ok = check_at(c, join->left, left ? PLACE_OUTER_JOIN : PLACE_FINE) && check_at(c, join->right, right ? PLACE_OUTER_JOIN : PLACE_FINE) &&
             check_at(c, join->condition, PLACE_FINE);
        break;
    }
    case RDB_AST_SUBLINK: {
        const rdb_ast_sublink *link = (const rdb_ast_sublink *)node;
        ok = check_at(c, link->query, PLACE_SUBQUERY) && check_at(c, link->test, PLACE_FINE);
        break;
    }
    default:
        ok = rdb_ast_visit_children(node, check_node, c);
        break;
    }
    c->depth--;
    return ok;
}

bool analyse_check_recursion(const analyse_state *state, const rdb_ast_cte *raw, rdb_error *err)
{
    checker c = {.state = state, .name = raw->name, .only_counts = true, .err = err};
    if (!check_node(&c, raw->query))
        return false;
    if (c.references == 0)
        return true;
    c.only_counts = false;
    c.references = 0;
    if (raw->query->tag != RDB_AST_SELECT)
        return analyse_error(state, raw->node.location, err, RDB_INVALID_RECURSION, "recursive query \"%s\" must not contain data-modifying statements", raw->name);
    const rdb_ast_select *select = (const rdb_ast_select *)raw->query;
    if (select->op != RDB_SQL_SET_OP_UNION)
        return analyse_error(state, raw->node.location, err, RDB_INVALID_RECURSION,
                             "recursive query \"%s\" does not have the form non-recursive-term UNION [ALL] recursive-term", raw->name);
    c.place = PLACE_SUBQUERY;
    if (!check_with(&c, select->with))
        return false;
    c.place = PLACE_FINE;
    if (select->sort.count > 0)
        return analyse_error(state, ((const rdb_ast_sort *)select->sort.items[0])->expr->location, err, RDB_FEATURE_NOT_SUPPORTED, "ORDER BY in a recursive query is not implemented");
    if (select->limit_offset != NULL)
        return analyse_error(state, select->limit_offset->location, err, RDB_FEATURE_NOT_SUPPORTED, "OFFSET in a recursive query is not implemented");
    if (select->limit_count != NULL)
        return analyse_error(state, select->limit_count->location, err, RDB_FEATURE_NOT_SUPPORTED, "LIMIT in a recursive query is not implemented");
    if (select->locking.count > 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "FOR UPDATE/SHARE in a recursive query is not implemented");
    return check_at(&c, &select->left->node, PLACE_FIRST_HALF) && check_at(&c, &select->right->node, PLACE_FINE);
}
