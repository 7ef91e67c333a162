/* SPDX-License-Identifier: Apache-2.0
 * Collations: each expression gets the one its inputs agree on, each call the one it compares by. An explicit COLLATE beats
 * what a column carries; two that differ leave none (the call says so when it runs), or an error where both are explicit. */
#include "sql/analyse_int.h"

typedef enum strength { NONE, IMPLICIT, CONFLICT, EXPLICIT } strength;

typedef struct collation_state {
    analyse_state *state;
    rdb_error *err;
    uint32_t collation, other; /* other: what it conflicts with */
    strength strength;
    int32_t location;
    int32_t other_location;
    uint32_t depth;
} collation_state;

const char *analyse_collation_name(const analyse_state *state, uint32_t oid)
{
    rdb_collation_row row;
    bool found = false;
    rdb_error ignored = {0};
    if (rdb_collation_get(state->analysis->access, oid, &row, &found, &ignored) && found)
        return row.name;
    rdb_error_clear(&ignored);
    return rdb_arena_printf(analyse_arena(state), "%u", oid);
}

static const char *collation_name(const collation_state *c, uint32_t oid)
{
    return analyse_collation_name(c->state, oid);
}

static bool merge(collation_state *into, uint32_t collation, strength how, int32_t location, uint32_t other, int32_t other_location)
{
    if (how > into->strength) {
        into->strength = how;
        into->collation = collation;
        into->location = location;
        if (how == CONFLICT) {
            into->other = other;
            into->other_location = other_location;
        }
        return true;
    }
    if (how < into->strength || collation == into->collation)
        return true;
    if (how == IMPLICIT) {
        if (into->collation == RDB_DEFAULT_COLLATION_OID) {
            into->collation = collation;
            into->location = location;
        } else if (collation != RDB_DEFAULT_COLLATION_OID) {
            into->strength = CONFLICT;
            into->other = collation;
            into->other_location = location;
        }
    } else if (how == EXPLICIT) {
        return analyse_error(into->state, location, into->err, RDB_COLLATION_MISMATCH,
                             "collation mismatch between explicit collations \"%s\" and \"%s\"",
                             collation_name(into, into->collation), collation_name(into, collation));
    }
    return true;
}

static bool conflict_error(const collation_state *c)
{
    analyse_error(c->state, c->other_location, c->err, RDB_COLLATION_MISMATCH, "collation mismatch between implicit collations \"%s\" and \"%s\"",
                  collation_name(c, c->collation), collation_name(c, c->other));
    return rdb_error_hint(c->err, "You can choose the collation by applying the COLLATE clause to one or both expressions.");
}

static bool assign(collation_state *outer, rdb_expr *expr);
/* What is sorted, grouped or made distinct must have one collation. */
static bool assign_target(const collation_state *outer, rdb_target *target);

static bool assign_child(void *context, rdb_expr *child)
{
    return assign(context, child);
}

static bool assign_alone(const collation_state *outer, rdb_expr *expr)
{
    collation_state own = {.state = outer->state, .err = outer->err, .location = -1, .depth = outer->depth};
    return expr == NULL || assign(&own, expr);
}

static bool assign_each_alone(const collation_state *outer, const rdb_list *exprs)
{
    for (uint32_t at = 0; at < exprs->count; at++)
        if (!assign_alone(outer, exprs->items[at]))
            return false;
    return true;
}

/* The children whose collations the node inherits. */
static bool assign_children(collation_state *own, rdb_expr *expr)
{
    switch (expr->kind) {
    case RDB_EXPR_CASE: {
        rdb_expr_case *node = (rdb_expr_case *)expr;
        if (!assign_alone(own, node->argument))
            return false;
        for (uint32_t at = 0; at < node->whens.count; at++) {
            rdb_case_when *when = node->whens.items[at];
            if (!assign_alone(own, when->condition) || !assign(own, when->result))
                return false;
        }
        return assign(own, node->otherwise);
    }
    case RDB_EXPR_ROW:
        return assign_each_alone(own, &((rdb_expr_row *)expr)->fields);
    case RDB_EXPR_ROW_COMPARE: {
        rdb_expr_row_compare *node = (rdb_expr_row_compare *)expr;
        for (uint32_t at = 0; at < node->left.count; at++) {
            rdb_list pair = {0};
            rdb_list_push(analyse_arena(own->state), &pair, node->left.items[at]);
            rdb_list_push(analyse_arena(own->state), &pair, node->right.items[at]);
            if (!assign_each_alone(own, &pair) ||
                !analyse_common_collation(own->state, &pair, true, &node->input_collations[at], own->err))
                return false;
        }
        return true;
    }
    case RDB_EXPR_SUBSCRIPT: {
        rdb_expr_subscript *node = (rdb_expr_subscript *)expr;
        for (uint32_t at = 0; at < node->upper.count; at++)
            if (!assign_alone(own, node->upper.items[at]) || (at < node->lower.count && !assign_alone(own, node->lower.items[at])))
                return false;
        return assign(own, node->argument) && (node->assignment == NULL || assign_alone(own, node->assignment));
    }
    case RDB_EXPR_AGGREGATE: {
        rdb_expr_aggregate *node = (rdb_expr_aggregate *)expr;
        if (!assign_alone(own, node->filter) || (node->direct_arguments.count > 0 && !assign_each_alone(own, &node->direct_arguments)))
            return false;
        for (uint32_t at = 0; at < node->arguments.count; at++) {
            rdb_target *target = node->arguments.items[at];
            if (target->is_junk || target->sort_ref != 0 ? !assign_target(own, target) : !assign(own, target->expr))
                return false;
            if (target->sort_ref != 0 && !target->is_junk && !assign(own, target->expr))
                return false;
        }
        return true;
    }
    case RDB_EXPR_WINDOW: {
        rdb_expr_window *node = (rdb_expr_window *)expr;
        for (uint32_t at = 0; at < node->arguments.count; at++)
            if (!assign(own, node->arguments.items[at]))
                return false;
        return assign_alone(own, node->filter);
    }
    case RDB_EXPR_SUBLINK: {
        rdb_expr_sublink *node = (rdb_expr_sublink *)expr;
        return assign_alone(own, node->test);
    }
    default:
        return rdb_expr_visit_children(expr, assign_child, own);
    }
}

static void set_input(rdb_expr *expr, uint32_t collation)
{
    switch (expr->kind) {
    case RDB_EXPR_FUNCTION: ((rdb_expr_function *)expr)->input_collation = collation; break;
    case RDB_EXPR_ARRAY_OP: ((rdb_expr_array_op *)expr)->input_collation = collation; break;
    case RDB_EXPR_COALESCE: case RDB_EXPR_MINMAX: ((rdb_expr_list *)expr)->input_collation = collation; break;
    case RDB_EXPR_NULLIF: case RDB_EXPR_DISTINCT: ((rdb_expr_pair *)expr)->input_collation = collation; break;
    case RDB_EXPR_AGGREGATE: ((rdb_expr_aggregate *)expr)->input_collation = collation; break;
    case RDB_EXPR_WINDOW: ((rdb_expr_window *)expr)->input_collation = collation; break;
    default: break;
    }
}

static bool assign(collation_state *outer, rdb_expr *expr)
{
    collation_state own = {.state = outer->state, .err = outer->err, .location = -1, .depth = outer->depth + 1};
    /* its arguments are not computed, but they must equal the keys to their collations */
    if (expr->kind == RDB_EXPR_GROUPING && !assign_each_alone(outer, &((rdb_expr_grouping *)expr)->arguments))
        return false;
    if (own.depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(own.err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    switch (expr->kind) {
    case RDB_EXPR_CONST: case RDB_EXPR_VAR: case RDB_EXPR_PARAM: case RDB_EXPR_CASE_TEST: case RDB_EXPR_DOMAIN_VALUE:
    case RDB_EXPR_SQL_VALUE: case RDB_EXPR_NEXT_VALUE: case RDB_EXPR_DEFAULT: case RDB_EXPR_GROUPING:
        return rdb_collation_check_usable(expr->collation, own.err) && merge(outer, expr->collation, expr->collation != 0 ? IMPLICIT : NONE, expr->location, 0, -1);
    default:
        break;
    }
    if (!assign_children(&own, expr))
        return false;
    bool is_collate = expr->kind == RDB_EXPR_RELABEL && ((rdb_expr_unary *)expr)->form == RDB_FORM_SQL_SYNTAX;
    if (is_collate)
        return rdb_collation_check_usable(expr->collation, own.err) && merge(outer, expr->collation, EXPLICIT, expr->location, 0, -1);
    /* A domain with a collation of its own gives it to what becomes it, unless that was said otherwise. */
    if (expr->kind == RDB_EXPR_COERCE_DOMAIN && expr->type->base != NULL && expr->type->collation != expr->type->base->collation && own.strength < EXPLICIT) {
        expr->collation = expr->type->collation;
        return merge(outer, expr->collation, IMPLICIT, expr->location, 0, -1);
    }
    set_input(expr, own.strength == CONFLICT ? 0 : own.collation);
    uint32_t of_type = expr->type->collation;
    if (of_type == 0) {
        expr->collation = 0;
        return true;
    }
    if (expr->kind == RDB_EXPR_COERCE_DOMAIN && of_type != RDB_DEFAULT_COLLATION_OID) { /* the domain's own COLLATE wins over what comes in */
        expr->collation = of_type;
        return merge(outer, of_type, IMPLICIT, expr->location, 0, -1);
    }
    bool is_opaque = expr->kind == RDB_EXPR_FIELD || expr->kind == RDB_EXPR_SUBLINK;
    if (own.strength == NONE || is_opaque) {
        if (!is_opaque || expr->collation == 0)
            expr->collation = of_type;
        return merge(outer, expr->collation, IMPLICIT, expr->location, 0, -1);
    }
    expr->collation = own.strength == CONFLICT ? 0 : own.collation;
    return merge(outer, own.collation, own.strength, own.location, own.other, own.other_location);
}

static bool assign_target(const collation_state *outer, rdb_target *target)
{
    collation_state own = {.state = outer->state, .err = outer->err, .location = -1, .depth = outer->depth};
    if (target->expr != NULL && !assign(&own, target->expr))
        return false;
    return target->sort_ref == 0 || own.strength != CONFLICT || conflict_error(&own);
}

bool analyse_assign_collations(analyse_state *state, rdb_expr *expr, rdb_error *err)
{
    collation_state outer = {.state = state, .err = err, .location = -1};
    return expr == NULL || assign(&outer, expr);
}

bool analyse_list_collations(analyse_state *state, const rdb_list *exprs, rdb_error *err)
{
    for (uint32_t at = 0; at < exprs->count; at++)
        if (!analyse_assign_collations(state, exprs->items[at], err))
            return false;
    return true;
}

bool analyse_common_collation(analyse_state *state, const rdb_list *exprs, bool none_is_fine, uint32_t *collation, rdb_error *err)
{
    collation_state outer = {.state = state, .err = err, .location = -1};
    *collation = 0;
    for (uint32_t at = 0; at < exprs->count; at++)
        if (!assign(&outer, exprs->items[at]))
            return false;
    if (outer.strength == CONFLICT) {
        if (none_is_fine)
            return true;
        return conflict_error(&outer);
    }
    *collation = outer.collation;
    return true;
}

static bool assign_targets(analyse_state *state, const rdb_list *targets, rdb_error *err)
{
    for (uint32_t at = 0; at < targets->count; at++)
        if (!assign_target(&(collation_state){.state = state, .err = err, .location = -1}, targets->items[at]))
            return false;
    return true;
}

static bool assign_from(analyse_state *state, rdb_from *from, rdb_error *err)
{
    return !from->is_join || (assign_from(state, from->left, err) && assign_from(state, from->right, err) &&
                              analyse_assign_collations(state, from->condition, err));
}

bool analyse_query_collations(analyse_state *state, rdb_query *query, rdb_error *err)
{
    for (uint32_t at = 0; at < query->from.count; at++)
        if (!assign_from(state, query->from.items[at], err))
            return false;
    for (uint32_t at = 0; at < query->windows.count; at++) {
        rdb_window *window = query->windows.items[at];
        if (!analyse_assign_collations(state, window->start_offset, err) || !analyse_assign_collations(state, window->end_offset, err))
            return false;
    }
    if (query->on_conflict != NULL && (!assign_targets(state, &query->on_conflict->set_targets, err) ||
                                       !analyse_assign_collations(state, query->on_conflict->where, err)))
        return false;
    return assign_targets(state, &query->targets, err) && assign_targets(state, &query->returning, err) &&
           analyse_assign_collations(state, query->where, err) && analyse_assign_collations(state, query->having, err) &&
           analyse_assign_collations(state, query->limit_count, err) && analyse_assign_collations(state, query->limit_offset, err);
}
