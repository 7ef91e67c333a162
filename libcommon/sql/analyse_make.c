/* SPDX-License-Identifier: Apache-2.0
 * Making nodes of the analysed tree: heads, constants, calls; and the small questions asked of finished ones. */
#include <errno.h>
#include <stdlib.h>

#include "expr/rdb_routine.h"
#include "sql/analyse_int.h"


bool analyse_error(const analyse_state *state, int32_t location, rdb_error *err, const char sqlstate[6],
                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    rdb_error_set_va(err, sqlstate, format, arguments);
    va_end(arguments);
    return analyse_place(state->analysis, location, err);
}

const char *analyse_clause_name(analyse_clause clause)
{
    static const char *const NAMES[ANALYSE_CLAUSE_COUNT] = {
        [ANALYSE_NOTHING] = "expression", [ANALYSE_FROM_SUBQUERY] = "sub-SELECT in FROM",
        [ANALYSE_FROM_FUNCTION] = "function in FROM", [ANALYSE_JOIN_ON] = "JOIN/ON", [ANALYSE_WHERE] = "WHERE",
        [ANALYSE_HAVING] = "HAVING", [ANALYSE_FILTER] = "FILTER", [ANALYSE_WINDOW_PARTITION] = "window PARTITION BY",
        [ANALYSE_WINDOW_ORDER] = "window ORDER BY", [ANALYSE_WINDOW_RANGE] = "window RANGE",
        [ANALYSE_WINDOW_ROWS] = "window ROWS", [ANALYSE_WINDOW_GROUPS] = "window GROUPS",
        [ANALYSE_SELECT_TARGET] = "SELECT", [ANALYSE_INSERT_TARGET] = "INSERT", [ANALYSE_UPDATE_SOURCE] = "UPDATE",
        [ANALYSE_UPDATE_TARGET] = "UPDATE", [ANALYSE_MERGE_WHEN] = "MERGE WHEN", [ANALYSE_GROUP_BY] = "GROUP BY",
        [ANALYSE_ORDER_BY] = "ORDER BY", [ANALYSE_DISTINCT_ON] = "DISTINCT ON", [ANALYSE_LIMIT] = "LIMIT",
        [ANALYSE_OFFSET] = "OFFSET", [ANALYSE_RETURNING] = "RETURNING", [ANALYSE_VALUES] = "VALUES",
        [ANALYSE_VALUES_SINGLE] = "VALUES", [ANALYSE_CHECK] = "CHECK", [ANALYSE_DOMAIN_CHECK] = "CHECK",
        [ANALYSE_DEFAULT] = "DEFAULT", [ANALYSE_INDEX_EXPRESSION] = "index expression",
        [ANALYSE_INDEX_PREDICATE] = "index predicate", [ANALYSE_GENERATED] = "GENERATED AS", [ANALYSE_EXECUTE] = "EXECUTE", [ANALYSE_COPY_WHERE] = "WHERE", [ANALYSE_TRANSFORM] = "USING", [ANALYSE_OTHER] = "expression",
    };
    return NAMES[clause];
}

const char *analyse_type_name(const analyse_state *state, uint32_t type_oid)
{
    rdb_error ignored = {0};
    const rdb_type *type = NULL;
    if (!rdb_type_get(state->analysis->access, type_oid, &type, &ignored) || type == NULL) {
        rdb_error_clear(&ignored);
        return rdb_arena_printf(analyse_arena(state), "%u", type_oid);
    }
    rdb_strbuf buf;
    rdb_strbuf_init(&buf, analyse_arena(state));
    rdb_type_format_name(type, -1, false, &buf);
    return buf.data == NULL ? type->name : buf.data;
}

bool analyse_get_type(const analyse_state *state, uint32_t oid, const rdb_type **type, rdb_error *err)
{
    *type = NULL;
    if (!rdb_type_get(state->analysis->access, oid, type, err))
        return false;
    if (*type == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "type with OID %u does not exist", oid);
    return true;
}

bool analyse_find_collation(analyse_state *state, const rdb_ast_names *name, int32_t location, uint32_t *oid, rdb_error *err)
{
    const char *schema, *base;
    *oid = 0;
    if (!analyse_split_name(state->analysis, name, name->count, &schema, &base, err) ||
        !rdb_collation_find(state->analysis->access, schema, base, oid, err))
        return analyse_place(state->analysis, location, err);
    if (*oid == 0)
        return analyse_error(state, location, err, RDB_UNDEFINED_OBJECT,
                             "collation \"%s\" for encoding \"UTF8\" does not exist",
                             analyse_join_names(analyse_arena(state), name));
    return true;
}

/* ---- nodes ---- */

void *analyse_new(const analyse_state *state, size_t bytes, rdb_expr_kind kind, const rdb_type *type, int32_t location)
{
    rdb_expr *head = rdb_arena_zalloc(analyse_arena(state), bytes);
    head->kind = (uint8_t)kind;
    head->location = location;
    head->type = type;
    head->typmod = -1;
    head->collation = type == NULL ? 0 : type->collation;
    return head;
}

rdb_expr *analyse_make_null(const analyse_state *state, const rdb_type *type, int32_t typmod, int32_t location)
{
    rdb_expr_const *node = ANALYSE_NEW(state, rdb_expr_const, RDB_EXPR_CONST, type, location);
    node->is_null = true;
    node->head.typmod = typmod;
    return &node->head;
}

static bool make_const(const analyse_state *state, uint32_t type_oid, rdb_datum value, int32_t location, rdb_expr **expr,
                       rdb_error *err)
{
    const rdb_type *type;
    if (!analyse_get_type(state, type_oid, &type, err))
        return false;
    rdb_expr_const *node = ANALYSE_NEW(state, rdb_expr_const, RDB_EXPR_CONST, type, location);
    node->value = value;
    *expr = &node->head;
    return true;
}

bool analyse_make_int4(const analyse_state *state, int32_t value, int32_t location, rdb_expr **expr, rdb_error *err)
{
    rdb_datum datum = {.words = {0}};
    datum.i32 = value;
    return make_const(state, RDB_INT4OID, datum, location, expr, err);
}

bool analyse_make_bool(const analyse_state *state, bool value, int32_t location, rdb_expr **expr, rdb_error *err)
{
    rdb_datum datum = {.words = {0}};
    datum.b = value;
    return make_const(state, RDB_BOOLOID, datum, location, expr, err);
}

/* A constant of a type that is not unknown, from its text. */
static bool read_literal(analyse_state *state, uint32_t type_oid, const char *text, int32_t location, rdb_expr **expr,
                         rdb_error *err)
{
    rdb_datum datum = {.words = {0}};
    datum.bytes.data = (const uint8_t *)text;
    datum.bytes.length = (uint32_t)strlen(text);
    rdb_expr *unknown;
    const rdb_type *type;
    return make_const(state, RDB_UNKNOWNOID, datum, location, &unknown, err) && analyse_get_type(state, type_oid, &type, err) &&
           analyse_coerce(state, unknown, type, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, location, expr, err);
}

bool analyse_make_literal(analyse_state *state, const rdb_ast_value *value, rdb_expr **expr, rdb_error *err)
{
    int32_t location = value->node.location;
    rdb_datum datum = {.words = {0}};
    switch (value->kind) {
    case RDB_SQL_VALUE_NULL: {
        const rdb_type *unknown;
        if (!analyse_get_type(state, RDB_UNKNOWNOID, &unknown, err))
            return false;
        *expr = analyse_make_null(state, unknown, -1, location);
        return true;
    }
    case RDB_SQL_VALUE_INTEGER:
        return analyse_make_int4(state, value->integer, location, expr, err);
    case RDB_SQL_VALUE_BOOL:
        return analyse_make_bool(state, value->integer != 0, location, expr, err);
    case RDB_SQL_VALUE_NUMBER: {
        errno = 0;
        char *end;
        int64_t integer = strtoll(value->text, &end, 10);
        if (errno != 0 || *end != '\0')
            return read_literal(state, RDB_NUMERICOID, value->text, location, expr, err);
        if (integer >= INT32_MIN && integer <= INT32_MAX)
            return analyse_make_int4(state, (int32_t)integer, location, expr, err);
        datum.i64 = integer;
        return make_const(state, RDB_INT8OID, datum, location, expr, err);
    }
    case RDB_SQL_VALUE_STRING:
        datum.bytes.data = (const uint8_t *)value->text;
        datum.bytes.length = (uint32_t)strlen(value->text);
        return make_const(state, RDB_UNKNOWNOID, datum, location, expr, err);
    case RDB_SQL_VALUE_BITS:
        return read_literal(state, RDB_BITOID, value->text, location, expr, err);
    }
    RDB_ASSERT(!"a literal of no kind");
    return false;
}

bool analyse_make_logic(const analyse_state *state, rdb_bool_kind kind, const rdb_list *arguments, int32_t location,
                        rdb_expr **expr, rdb_error *err)
{
    RDB_ASSERT(arguments->count > 0);
    if (kind != RDB_BOOL_NOT && arguments->count == 1) {
        *expr = arguments->items[0];
        return true;
    }
    const rdb_type *boolean;
    if (!analyse_get_type(state, RDB_BOOLOID, &boolean, err))
        return false;
    rdb_expr_bool *node = ANALYSE_NEW(state, rdb_expr_bool, RDB_EXPR_BOOL, boolean, location);
    node->bool_kind = (uint8_t)kind;
    node->arguments = *arguments;
    *expr = &node->head;
    return true;
}

const char *analyse_signature(const analyse_state *state, const char *name, uint32_t count, const uint32_t *types,
                              const char *const *names)
{
    rdb_strbuf buf;
    rdb_strbuf_init(&buf, analyse_arena(state));
    rdb_strbuf_addf(&buf, "%s(", name);
    for (uint32_t at = 0; at < count; at++) {
        if (at > 0)
            rdb_strbuf_adds(&buf, ", ");
        if (names != NULL && names[at] != NULL)
            rdb_strbuf_addf(&buf, "%s => ", names[at]);
        rdb_strbuf_adds(&buf, analyse_type_name(state, types[at]));
    }
    rdb_strbuf_addc(&buf, ')');
    return buf.data == NULL ? name : buf.data;
}

/* An aggregate made of functions can run where they can. */
static bool check_aggregate(const analyse_state *state, const rdb_function *function, int32_t location, rdb_error *err)
{
    const uint32_t oids[] = {function->aggregate->transition_oid, function->aggregate->final_oid};
    for (size_t at = 0; at < RDB_COUNT_OF(oids); at++) {
        const rdb_function *part = NULL;
        if (oids[at] == 0)
            continue;
        if (!rdb_function_get(state->analysis->access, oids[at], &part, err) ||
            (part != NULL && !analyse_check_kernel(state, part, location, err)))
            return false;
        if (part == NULL)
            return rdb_error_set(err, RDB_INTERNAL_ERROR, "cache lookup failed for function %u", oids[at]);
    }
    return true;
}

bool analyse_check_kernel(const analyse_state *state, const rdb_function *function, int32_t location, rdb_error *err)
{
    if (rdb_function_can_run(function))
        return true;
    bool found = true; /* window functions are the executor's own */
    if (function->aggregate != NULL && function->kernel_oid == 0)
        return check_aggregate(state, function, location, err);
    if (function->kind == 'a')
        found = rdb_aggregate_find(function->kernel_oid != 0 ? function->kernel_oid : function->oid) != NULL;
    else if (function->returns_set)
        found = rdb_set_kernel_find(function->oid) != NULL;
    else if (function->kind == 'f')
        found = rdb_kernel_find(function->kernel_oid != 0 ? function->kernel_oid : function->oid) != NULL || rdb_set_kernel_find(function->oid) != NULL;
    if (found)
        return true;
    return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "function %s is not supported yet",
                         analyse_signature(state, function->name, function->argument_count, function->argument_types, NULL));
}

bool analyse_make_call(const analyse_state *state, const rdb_function *function, const rdb_type *result,
                       const rdb_list *arguments, rdb_call_form form, int32_t location, rdb_expr_function **call,
                       rdb_error *err)
{
    if (!analyse_check_kernel(state, function, location, err))
        return false;
    rdb_expr_function *node = ANALYSE_NEW(state, rdb_expr_function, RDB_EXPR_FUNCTION, result, location);
    node->head.collation = 0;
    node->function = function;
    node->form = (uint8_t)form;
    node->returns_set = function->returns_set;
    node->arguments = *arguments;
    *call = node;
    return true;
}

bool analyse_is_unknown_constant(const rdb_expr *expr)
{
    return expr->kind == RDB_EXPR_CONST && expr->type->oid == RDB_UNKNOWNOID;
}

bool analyse_is_null_constant(const rdb_expr *expr)
{
    return expr->kind == RDB_EXPR_CONST && ((const rdb_expr_const *)expr)->is_null;
}

static bool stop_at_set(void *context, rdb_expr *child)
{
    (void)context;
    return !analyse_is_set(child);
}

bool analyse_is_set(const rdb_expr *expr)
{
    if (expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)expr)->returns_set)
        return true;
    return !rdb_expr_visit_children(expr, stop_at_set, NULL);
}

/* ---- where an expression begins ---- */

static bool note_leftmost(void *context, rdb_expr *child)
{
    int32_t *leftmost = context, location = analyse_location(child);
    if (location >= 0 && (*leftmost < 0 || location < *leftmost))
        *leftmost = location;
    return true;
}

int32_t analyse_location(const rdb_expr *expr)
{
    int32_t leftmost = expr->location;
    switch (expr->kind) {
    case RDB_EXPR_FUNCTION: case RDB_EXPR_ARRAY_OP: case RDB_EXPR_BOOL: case RDB_EXPR_NULLIF: case RDB_EXPR_DISTINCT: case RDB_EXPR_NULL_TEST:
    case RDB_EXPR_BOOL_TEST: case RDB_EXPR_RELABEL: case RDB_EXPR_COERCE_IO: case RDB_EXPR_ARRAY_COERCE: case RDB_EXPR_COERCE_DOMAIN:
    case RDB_EXPR_ROW_CONVERT: case RDB_EXPR_FIELD: case RDB_EXPR_SUBSCRIPT: case RDB_EXPR_ROW_COMPARE:
        (void)rdb_expr_visit_children(expr, note_leftmost, &leftmost);
        break;
    default:
        break;
    }
    return leftmost;
}

/* ---- walks that go into sub-queries ---- */

typedef struct deep_walk {
    analyse_visit visit;
    void *context;
    uint32_t levels;
} deep_walk;

static bool walk_child(void *context, rdb_expr *child)
{
    const deep_walk *walk = context;
    return analyse_walk(child, walk->levels, walk->visit, walk->context);
}

bool analyse_walk(const rdb_expr *expr, uint32_t levels, analyse_visit visit, void *context)
{
    if (!visit(context, expr, levels))
        return false;
    deep_walk walk = {visit, context, levels};
    if (!rdb_expr_visit_children(expr, walk_child, &walk))
        return false;
    if (expr->kind == RDB_EXPR_SUBLINK)
        return analyse_walk_query(((const rdb_expr_sublink *)expr)->query, levels + 1, visit, context);
    return true;
}

static bool walk_optional(const rdb_expr *expr, uint32_t levels, analyse_visit visit, void *context)
{
    return expr == NULL || analyse_walk(expr, levels, visit, context);
}

static bool walk_targets(const rdb_list *targets, uint32_t levels, analyse_visit visit, void *context)
{
    for (uint32_t at = 0; at < targets->count; at++)
        if (!walk_optional(((const rdb_target *)targets->items[at])->expr, levels, visit, context))
            return false;
    return true;
}

static bool walk_from(const rdb_from *from, uint32_t levels, analyse_visit visit, void *context)
{
    if (!from->is_join)
        return true;
    return walk_from(from->left, levels, visit, context) && (from->right == NULL || walk_from(from->right, levels, visit, context)) &&
           walk_optional(from->condition, levels, visit, context);
}

static bool walk_range(const rdb_range *range, uint32_t levels, analyse_visit visit, void *context)
{
    if (range->subquery != NULL && !analyse_walk_query(range->subquery, levels + 1, visit, context))
        return false;
    for (uint32_t at = 0; at < range->functions.count; at++)
        if (!analyse_walk(((const rdb_range_function *)range->functions.items[at])->call, levels, visit, context))
            return false;
    if (!walk_optional(range->sample_percent, levels, visit, context) || !walk_optional(range->sample_seed, levels, visit, context))
        return false;
    for (uint32_t row = 0; row < range->values.count; row++) {
        const rdb_list *exprs = range->values.items[row];
        for (uint32_t at = 0; at < exprs->count; at++)
            if (!analyse_walk(exprs->items[at], levels, visit, context))
                return false;
    }
    return true;
}

bool analyse_walk_query(const rdb_query *query, uint32_t levels, analyse_visit visit, void *context)
{
    for (uint32_t at = 0; at < query->ranges.count; at++)
        if (!walk_range(query->ranges.items[at], levels, visit, context))
            return false;
    for (uint32_t at = 0; at < query->from.count; at++)
        if (!walk_from(query->from.items[at], levels, visit, context))
            return false;
    for (uint32_t at = 0; at < query->ctes.count; at++) {
        const rdb_cte *cte = query->ctes.items[at];
        if (cte->query != NULL && !analyse_walk_query(cte->query, levels + 1, visit, context))
            return false;
    }
    for (uint32_t at = 0; at < query->windows.count; at++) {
        const rdb_window *window = query->windows.items[at];
        if (!walk_optional(window->start_offset, levels, visit, context) ||
            !walk_optional(window->end_offset, levels, visit, context))
            return false;
    }
    for (uint32_t at = 0; at < query->merge_actions.count; at++) {
        const rdb_merge_action *action = query->merge_actions.items[at];
        if (!walk_optional(action->condition, levels, visit, context) ||
            !walk_targets(&action->targets, levels, visit, context))
            return false;
    }
    for (uint32_t i = 0; query->on_conflict != NULL && i < query->on_conflict->elements.count; i++)
        if (!walk_optional(((const rdb_conflict_element *)query->on_conflict->elements.items[i])->expr, levels, visit, context))
            return false;
    if (query->on_conflict != NULL && !walk_optional(query->on_conflict->element_where, levels, visit, context))
        return false;
    if (query->on_conflict != NULL && (!walk_targets(&query->on_conflict->set_targets, levels, visit, context) ||
                                       !walk_optional(query->on_conflict->where, levels, visit, context)))
        return false;
    return walk_targets(&query->targets, levels, visit, context) && walk_optional(query->where, levels, visit, context) &&
           walk_targets(&query->returning, levels, visit, context) && walk_optional(query->having, levels, visit, context) &&
           walk_optional(query->limit_count, levels, visit, context) &&
           walk_optional(query->limit_offset, levels, visit, context);
}

static bool stop_at_own_var(void *context, const rdb_expr *node, uint32_t levels)
{
    if (node->kind != RDB_EXPR_VAR || ((const rdb_expr_var *)node)->levels_up != levels)
        return true;
    if (context != NULL)
        *(int32_t *)context = node->location;
    return false;
}

bool analyse_has_own_vars(const rdb_expr *expr)
{
    return !analyse_walk(expr, 0, stop_at_own_var, NULL);
}

int32_t analyse_own_var_location(const rdb_expr *expr)
{
    int32_t location = -1;
    (void)analyse_walk(expr, 0, stop_at_own_var, &location);
    return location;
}

/* ---- the same expression, seen from a query further in ---- */

typedef struct raiser {
    const analyse_state *state;
    uint32_t levels;
} raiser;

static rdb_expr *raise_node(void *context, rdb_expr *expr)
{
    const raiser *r = context;
    if (expr->kind == RDB_EXPR_VAR) {
        rdb_expr_var *copy = rdb_arena_memdup(analyse_arena(r->state), expr, sizeof *copy);
        copy->levels_up = (uint16_t)(copy->levels_up + r->levels);
        return &copy->head;
    }
    return rdb_expr_map_children(analyse_arena(r->state), expr, raise_node, context);
}

static bool raise_outer(void *context, const rdb_expr *node, uint32_t depth)
{
    const raiser *r = context;
    rdb_expr *own = (rdb_expr *)(uintptr_t)node;
    uint16_t *up = node->kind == RDB_EXPR_VAR ? &((rdb_expr_var *)own)->levels_up
                   : node->kind == RDB_EXPR_AGGREGATE ? &((rdb_expr_aggregate *)own)->levels_up
                   : node->kind == RDB_EXPR_GROUPING ? &((rdb_expr_grouping *)own)->levels_up : NULL;
    if (up != NULL && *up >= depth)
        *up = (uint16_t)(*up + r->levels);
    return true;
}

static bool find_sublink(void *context, const rdb_expr *node, uint32_t levels)
{
    (void)context, (void)levels;
    return node->kind != RDB_EXPR_SUBLINK && node->kind != RDB_EXPR_AGGREGATE && node->kind != RDB_EXPR_GROUPING;
}

bool analyse_raise_levels(const analyse_state *state, rdb_expr *expr, uint32_t levels, rdb_expr **raised, rdb_error *err)
{
    raiser r = {state, levels};
    if (levels > 0 && !analyse_walk(expr, 0, find_sublink, NULL)) { /* its queries are to be copied too: written and read */
        rdb_strbuf text;
        rdb_strbuf_init(&text, analyse_arena(state));
        if (!rdb_tree_write_expr(expr, &text, err) || !rdb_strbuf_check(&text, err) || !rdb_tree_read_expr(analyse_arena(state), state->analysis->access, text.data, raised, err))
            return false;
        (void)analyse_walk(*raised, 0, raise_outer, &r);
        return true;
    }
    *raised = levels == 0 ? expr : raise_node(&r, expr);
    if (*raised == NULL)
        return rdb_error_set(err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    return true;
}
