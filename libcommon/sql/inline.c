/* SPDX-License-Identifier: Apache-2.0
 * Calls replaced by what they stand for. A call of a routine whose body is one expression becomes that expression; a range of
 * one call whose body is one query becomes that query. The conditions are PostgreSQL's: nothing may be computed more or less
 * often, no null may come out otherwise, and no error may be lost. */
#include "expr/rdb_routine.h"
#include "sql/analyse_int.h"
#include "sql/rdb_body.h"

enum { INLINE_DEPTH_MAX = 50 };

typedef struct inliner {
    rdb_arena *arena;
    rdb_access *access;
    const rdb_format_settings *format;
    void *session;
    const rdb_function *active[INLINE_DEPTH_MAX]; /* a routine is not put into itself */
    uint32_t active_count;
    rdb_error *err;
} inliner;

/* ---- what an expression is like ------------------------------------------------------------------------------------------------ */
static bool stop_at_nonstrict(void *context, rdb_expr *expr)
{
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_CONST: case RDB_EXPR_VAR: case RDB_EXPR_PARAM: case RDB_EXPR_RELABEL: case RDB_EXPR_COERCE_IO: case RDB_EXPR_FIELD:
        break;
    case RDB_EXPR_FUNCTION:
        if (!((rdb_expr_function *)expr)->function->is_strict)
            return false;
        break;
    case RDB_EXPR_BOOL:
        if (((rdb_expr_bool *)expr)->bool_kind != RDB_BOOL_NOT)
            return false;
        break;
    default:
        return false;
    }
    return rdb_expr_visit_children(expr, stop_at_nonstrict, context);
}

/* PostgreSQL's measure: more than ten operators' worth, or a sub-select. */
static bool count_cost(void *context, rdb_expr *expr)
{
    uint32_t *cost = context;
    if (expr->kind == RDB_EXPR_SUBLINK || expr->kind == RDB_EXPR_SUBPLAN)
        *cost += 1000;
    else if (expr->kind == RDB_EXPR_FUNCTION && ((rdb_expr_function *)expr)->function->has_body)
        *cost += 100;
    else if (expr->kind == RDB_EXPR_FUNCTION || expr->kind == RDB_EXPR_ARRAY_OP || expr->kind == RDB_EXPR_DISTINCT || expr->kind == RDB_EXPR_NULLIF)
        *cost += 1;
    return rdb_expr_visit_children(expr, count_cost, context);
}

typedef struct parameter_use {
    uint32_t *counts;
    uint32_t count;
} parameter_use;

static bool count_parameters(void *context, rdb_expr *expr)
{
    parameter_use *use = context;
    if (expr->kind == RDB_EXPR_PARAM && ((rdb_expr_param *)expr)->param_kind == RDB_PARAM_EXTERNAL && ((rdb_expr_param *)expr)->param_no <= use->count)
        use->counts[((rdb_expr_param *)expr)->param_no - 1]++;
    return rdb_expr_visit_children(expr, count_parameters, context);
}

static bool is_mere_expression(const rdb_query *query)
{
    return query->command == RDB_COMMAND_SELECT && !query->has_aggregates && !query->has_windows && !query->has_set_returning_targets && !query->has_sublinks &&
           query->ctes.count == 0 && query->ranges.count == 0 && query->from.count == 0 && query->where == NULL && query->having == NULL && query->group.count == 0 &&
           query->grouping_sets.count == 0 && query->windows.count == 0 && query->distinct.count == 0 && query->sort.count == 0 && query->limit_count == NULL &&
           query->limit_offset == NULL && query->set_operation == NULL && query->row_marks.count == 0 && query->targets.count == 1;
}

static bool stop_at_sublink(void *context, rdb_expr *expr)
{
    return expr->kind != RDB_EXPR_SUBLINK && !(expr->kind == RDB_EXPR_FUNCTION && ((rdb_expr_function *)expr)->function->returns_set) && expr->kind != RDB_EXPR_AGGREGATE &&
           expr->kind != RDB_EXPR_WINDOW && rdb_expr_visit_children(expr, stop_at_sublink, context);
}

/* ---- expressions ------------------------------------------------------------------------------------------------------------------ */
typedef struct substitution {
    inliner *inliner;
    const rdb_list *arguments;
} substitution;

static rdb_expr *substitute(void *context, rdb_expr *expr)
{
    substitution *s = context;
    if (expr->kind == RDB_EXPR_PARAM && ((rdb_expr_param *)expr)->param_kind == RDB_PARAM_EXTERNAL && ((rdb_expr_param *)expr)->param_no <= s->arguments->count)
        return s->arguments->items[((rdb_expr_param *)expr)->param_no - 1];
    return rdb_expr_map_children(s->inliner->arena, expr, substitute, s);
}

static rdb_expr *inline_node(void *context, rdb_expr *expr);

static bool may_inline(const inliner *in, const rdb_function *function)
{
    if (!function->has_body || function->language_oid != RDB_LANGUAGE_SQL || function->kind != 'f' || function->is_security_definer ||
        function->configuration_count > 0 || function->has_acl || in->active_count >= INLINE_DEPTH_MAX)
        return false;
    for (uint32_t i = 0; i < in->active_count; i++)
        if (in->active[i]->oid == function->oid)
            return false;
    return true;
}

/* ranged: the range whose columns the call names; NULL: it names none. */
static bool analyse_call_body(inliner *in, const rdb_function *function, const rdb_list *arguments, const rdb_type *result_type, const rdb_range_function *ranged,
                              rdb_body **body)
{
    rdb_analysis analysis = {.arena = in->arena, .access = in->access, .format = in->format, .session = in->session};
    if (ranged != NULL && ranged->types.count > 0) {
        analysis.routine_columns = (const rdb_type *const *)(void *)ranged->types.items;
        analysis.routine_column_typmods = ranged->typmods;
        analysis.routine_column_count = ranged->types.count;
    }
    const rdb_type **types = RDB_NEW_ARRAY(in->arena, const rdb_type *, arguments->count + 1);
    for (uint32_t i = 0; i < arguments->count; i++)
        types[i] = ((rdb_expr *)arguments->items[i])->type;
    if (rdb_body_analyse(&analysis, function, types, arguments->count, result_type, body, in->err))
        return true;
    (void)rdb_body_error(in->err, function->source);
    rdb_error_add_context(in->err, "SQL function \"%s\" during inlining", function->name);
    return false;
}

static bool inline_call(inliner *in, rdb_expr_function *call, rdb_expr **result)
{
    const rdb_function *function = call->function;
    rdb_body *body = NULL;
    *result = NULL;
    if (!may_inline(in, function) || function->returns_set || call->head.type->oid == RDB_RECORDOID || call->head.type->oid == RDB_VOIDOID ||
        call->arguments.count != function->argument_count)
        return true;
    if (!analyse_call_body(in, function, &call->arguments, call->head.type, NULL, &body))
        return false;
    if (body->statements.count != 1 || !body->has_result || body->gives_fields || !is_mere_expression(body->statements.items[0]))
        return true;
    rdb_expr *expr = ((rdb_target *)((rdb_query *)body->statements.items[0])->targets.items[0])->expr;
    if (expr->type->oid != call->head.type->oid || !stop_at_sublink(NULL, expr))
        return true;
    const char volatility = rdb_expr_volatility(expr);
    if ((function->volatility == 'i' && volatility != 'i') || (function->volatility == 's' && volatility == 'v'))
        return true;
    if (function->is_strict && !stop_at_nonstrict(NULL, expr))
        return true;
    parameter_use use = {RDB_NEW_ARRAY(in->arena, uint32_t, call->arguments.count + 1), call->arguments.count};
    (void)count_parameters(&use, expr);
    for (uint32_t i = 0; i < call->arguments.count; i++) {
        rdb_expr *argument = call->arguments.items[i];
        uint32_t cost = 0;
        if (use.counts[i] == 0 && function->is_strict)
            return true;
        if (use.counts[i] <= 1)
            continue;
        (void)count_cost(&cost, argument);
        if (cost > 10 || rdb_expr_volatility(argument) == 'v')
            return true;
    }
    substitution s = {in, &call->arguments};
    in->active[in->active_count++] = function;
    rdb_expr *replaced = substitute(&s, expr);
    replaced = replaced == NULL ? NULL : inline_node(in, replaced);
    in->active_count--;
    if (replaced == NULL)
        return false;
    if (replaced->collation != call->head.collation && call->head.collation != 0) {
        rdb_expr_unary *relabel = RDB_NEW(in->arena, rdb_expr_unary);
        relabel->head = *replaced;
        relabel->head.kind = RDB_EXPR_RELABEL;
        relabel->head.collation = call->head.collation;
        relabel->argument = replaced;
        relabel->form = RDB_FORM_IMPLICIT_CAST;
        replaced = &relabel->head;
    }
    *result = replaced;
    return true;
}

static rdb_expr *inline_node(void *context, rdb_expr *expr)
{
    inliner *in = context;
    rdb_expr *mapped = rdb_expr_map_children(in->arena, expr, inline_node, in), *result = NULL;
    if (mapped == NULL || mapped->kind != RDB_EXPR_FUNCTION)
        return mapped;
    if (!inline_call(in, (rdb_expr_function *)mapped, &result))
        return NULL;
    return result != NULL ? result : mapped;
}

bool rdb_inline_call(rdb_arena *arena, rdb_access *access, const rdb_format_settings *format, void *session, rdb_expr_function *call, rdb_expr **expr, rdb_error *err)
{
    inliner in = {.arena = arena, .access = access, .format = format, .session = session, .err = err};
    return inline_call(&in, call, expr);
}

/* ---- ranges -------------------------------------------------------------------------------------------------------------------------- */
typedef struct grafting {
    const analyse_state *state;
    rdb_arena *arena;
    const rdb_list *arguments;
    uint32_t levels; /* queries between the parameter and the range it comes from */
    rdb_error *err;
} grafting;

static bool graft_query(grafting *g, rdb_query *query);

static rdb_expr *graft_node(void *context, rdb_expr *expr)
{
    grafting *g = context;
    if (expr->kind == RDB_EXPR_PARAM && ((rdb_expr_param *)expr)->param_kind == RDB_PARAM_EXTERNAL && ((rdb_expr_param *)expr)->param_no <= g->arguments->count) {
        rdb_expr *raised = NULL;
        if (!analyse_raise_levels(g->state, g->arguments->items[((rdb_expr_param *)expr)->param_no - 1], g->levels, &raised, g->err))
            return NULL;
        return raised;
    }
    rdb_expr *mapped = rdb_expr_map_children(g->arena, expr, graft_node, g);
    if (mapped == NULL || mapped->kind != RDB_EXPR_SUBLINK)
        return mapped;
    g->levels++; /* the tree of the body is ours alone: changed in place */
    bool ok = graft_query(g, ((rdb_expr_sublink *)mapped)->query);
    g->levels--;
    return ok ? mapped : NULL;
}

static bool graft_expr(grafting *g, rdb_expr **expr)
{
    if (*expr == NULL)
        return true;
    *expr = graft_node(g, *expr);
    return *expr != NULL;
}

static bool graft_targets(grafting *g, rdb_list *targets)
{
    for (uint32_t i = 0; i < targets->count; i++)
        if (!graft_expr(g, &((rdb_target *)targets->items[i])->expr))
            return false;
    return true;
}

static bool graft_from(grafting *g, rdb_from *from)
{
    return from == NULL || !from->is_join || (graft_from(g, from->left) && graft_from(g, from->right) && graft_expr(g, &from->condition));
}

static bool graft_range(grafting *g, rdb_range *range)
{
    if (range->subquery != NULL) {
        g->levels++;
        bool ok = graft_query(g, range->subquery);
        g->levels--;
        if (!ok)
            return false;
    }
    for (uint32_t i = 0; i < range->functions.count; i++)
        if (!graft_expr(g, &((rdb_range_function *)range->functions.items[i])->call))
            return false;
    for (uint32_t i = 0; i < range->join_variables.count; i++)
        if (!graft_expr(g, (rdb_expr **)&range->join_variables.items[i]))
            return false;
    for (uint32_t i = 0; i < range->values.count; i++) {
        rdb_list *row = range->values.items[i];
        for (uint32_t k = 0; k < row->count; k++)
            if (!graft_expr(g, (rdb_expr **)&row->items[k]))
                return false;
    }
    return true;
}

static bool graft_query(grafting *g, rdb_query *query)
{
    for (uint32_t i = 0; i < query->ctes.count; i++) {
        g->levels++;
        bool ok = graft_query(g, ((rdb_cte *)query->ctes.items[i])->query);
        g->levels--;
        if (!ok)
            return false;
    }
    for (uint32_t i = 0; i < query->ranges.count; i++)
        if (!graft_range(g, query->ranges.items[i]))
            return false;
    for (uint32_t i = 0; i < query->from.count; i++)
        if (!graft_from(g, query->from.items[i]))
            return false;
    for (uint32_t i = 0; i < query->windows.count; i++) {
        rdb_window *window = query->windows.items[i];
        if (!graft_expr(g, &window->start_offset) || !graft_expr(g, &window->end_offset))
            return false;
    }
    return graft_targets(g, &query->targets) && graft_expr(g, &query->where) && graft_expr(g, &query->having) && graft_expr(g, &query->limit_count) &&
           graft_expr(g, &query->limit_offset);
}

static bool has_sublink(const rdb_expr *expr)
{
    uint32_t cost = 0;
    (void)count_cost(&cost, (rdb_expr *)(uintptr_t)expr);
    return cost >= 1000;
}

bool rdb_inline_range(const rdb_analysis *analysis, rdb_range *range, rdb_query **query, rdb_error *err)
{
    inliner in = {.arena = analysis->arena, .access = analysis->access, .format = analysis->format, .session = analysis->session, .err = err};
    const rdb_range_function *ranged = range->functions.count == 1 ? range->functions.items[0] : NULL;
    rdb_body *body = NULL;
    *query = NULL;
    if (ranged == NULL || range->with_ordinality || ranged->call->kind != RDB_EXPR_FUNCTION)
        return true;
    const rdb_expr_function *call = (const rdb_expr_function *)ranged->call;
    const rdb_function *function = call->function;
    if (!may_inline(&in, function) || !function->returns_set || function->volatility == 'v' || function->is_strict || call->head.type->oid == RDB_VOIDOID ||
        call->arguments.count != function->argument_count)
        return true;
    for (uint32_t i = 0; i < call->arguments.count; i++)
        if (rdb_expr_volatility(call->arguments.items[i]) == 'v' || has_sublink(call->arguments.items[i]))
            return true;
    if (!analyse_call_body(&in, function, &call->arguments, call->head.type, ranged, &body))
        return false;
    if (body->statements.count != 1 || !body->has_result)
        return true;
    rdb_query *found = body->statements.items[0];
    const rdb_type *type = analyse_base_type(call->head.type, NULL);
    if (found->command != RDB_COMMAND_SELECT || (!body->gives_fields && analyse_is_row_type(type)) || found->has_modifying_cte || found->has_for_update)
        return true;
    uint32_t columns = 0;
    for (uint32_t i = 0; i < found->targets.count; i++)
        columns += !((rdb_target *)found->targets.items[i])->is_junk;
    if (columns != range->column_types.count)
        return true;
    rdb_analysis own = *analysis;
    const analyse_state state = {.analysis = &own};
    grafting g = {.state = &state, .arena = analysis->arena, .arguments = &call->arguments, .levels = 1, .err = err};
    if (!graft_query(&g, found))
        return false;
    for (uint32_t i = 0; i < call->arguments.count; i++)
        range->is_lateral = range->is_lateral || analyse_has_own_vars(call->arguments.items[i]);
    *query = found;
    return true;
}
