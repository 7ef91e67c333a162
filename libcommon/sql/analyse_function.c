/* SPDX-License-Identifier: Apache-2.0
 * Calls: which function of a name is meant (exact types, named arguments, defaults, VARIADIC, the best of several), what
 * kind it is, and the node that calls it. A name that is a type's may also be a cast, one that is a column's a field. */
#include <strings.h>

#include "sql/analyse_int.h"

enum { ARGUMENTS_MAX = 100 };

typedef struct call_context {
    analyse_state *state;
    const rdb_ast_call *call;
    const char *name;             /* as written, for messages */
    rdb_list arguments;           /* rdb_expr * */
    const char **argument_names;  /* one an argument; NULL for positional ones */
    uint32_t named_count;
    uint32_t *types;
    rdb_expr *filter;
    const rdb_function *function;
    analyse_candidate chosen;
    bool is_coercion;
    const rdb_type *coercion_type;
} call_context;

/* ---- candidates ---- */

/* CALL names a procedure with all its arguments; of those that it only gives the values are not looked at. */
static bool takes_outputs(const call_context *c, const rdb_function *function)
{
    return c->state->analysis->procedure_call == c->call && function->kind == 'p' && function->all_count > 0;
}

/* For named arguments: which parameter each one is for. False: they do not fit the function. */
static bool match_names(const call_context *c, const rdb_function *function, uint32_t inputs, uint32_t *default_count, int16_t *numbers)
{
    uint32_t count = c->arguments.count, positional = count - c->named_count;
    if (function->argument_names == NULL || count > inputs)
        return false;
    bool taken[ARGUMENTS_MAX] = {false};
    for (uint32_t at = 0; at < positional; at++) {
        numbers[at] = (int16_t)at;
        taken[at] = true;
    }
    uint32_t all = function->all_count == 0 ? inputs : function->all_count;
    for (uint32_t at = positional; at < count; at++) {
        uint32_t input_no = 0;
        bool found = false;
        for (uint32_t no = 0; no < all && !found; no++) {
            char mode = function->all_modes == NULL ? 'i' : function->all_modes[no];
            if (mode != 'i' && mode != 'b' && mode != 'v' && !takes_outputs(c, function))
                continue;
            if (function->argument_names[no] != NULL && strcmp(function->argument_names[no], c->argument_names[at]) == 0) {
                if (taken[input_no])
                    return false;
                taken[input_no] = found = true;
                numbers[at] = (int16_t)input_no;
            }
            input_no++;
        }
        if (!found)
            return false;
    }
    *default_count = 0;
    uint32_t first_default = inputs - function->default_count, next = count;
    for (uint32_t no = 0; no < inputs; no++) {
        if (taken[no])
            continue;
        if (no < first_default)
            return false;
        numbers[next++] = (int16_t)no;
        ++*default_count;
    }
    return true;
}

static bool make_candidate(const call_context *c, const rdb_function *function, bool expand_variadic,
                           analyse_candidate *candidate)
{
    rdb_arena *arena = analyse_arena(c->state);
    const bool all = takes_outputs(c, function);
    const uint32_t *parameters = all ? function->all_types : function->argument_types;
    uint32_t count = c->arguments.count, inputs = all ? function->all_count : function->argument_count;
    *candidate = (analyse_candidate){.object = function, .count = inputs, .has_outputs = all};
    if (c->named_count > 0) {
        if (function->variadic_type != 0 && expand_variadic)
            return false;
        int16_t numbers[ARGUMENTS_MAX];
        uint32_t defaults;
        if (inputs > ARGUMENTS_MAX || !match_names(c, function, inputs, &defaults, numbers))
            return false;
        uint32_t *types = rdb_arena_alloc(arena, (inputs + 1) * sizeof *types);
        for (uint32_t at = 0; at < inputs; at++)
            types[at] = parameters[numbers[at]];
        candidate->types = types;
        candidate->argument_nos = rdb_arena_memdup(arena, numbers, inputs * sizeof *numbers);
        candidate->default_count = defaults;
        return true;
    }
    bool is_variadic = expand_variadic && function->variadic_type != 0 && count + 1 >= inputs;
    if (is_variadic) {
        uint32_t *types = rdb_arena_alloc(arena, (RDB_MAX(count, inputs) + 1) * sizeof *types);
        memcpy(types, parameters, inputs * sizeof *types);
        for (uint32_t at = inputs - 1; at < count; at++)
            types[at] = function->variadic_type;
        candidate->types = types;
        candidate->count = count;
        candidate->variadic_count = count - (inputs - 1);
        if (candidate->variadic_count == 0) /* an empty list is no call of it, but for its defaults */
            is_variadic = false;
    }
    if (!is_variadic) {
        candidate->types = parameters;
        candidate->count = inputs;
        candidate->variadic_count = 0;
        if (count > inputs || count + function->default_count < inputs)
            return false;
        candidate->default_count = inputs - count;
    }
    return true;
}

/* All functions of the name that take so many arguments; of two that look alike to the caller the one without VARIADIC, or the one
 * earlier in the search path. */
static bool gather(const call_context *c, analyse_candidate **candidates, uint32_t *candidate_count, rdb_error *err)
{
    const char *schema, *base;
    const rdb_function *const *functions;
    uint32_t count;
    *candidate_count = 0;
    if (!analyse_split_name(c->state->analysis, &c->call->name, c->call->name.count, &schema, &base, err))
        return analyse_place(c->state->analysis, c->call->node.location, err);
    if (!rdb_function_find(c->state->analysis->access, schema, base, &functions, &count, err))
        return analyse_place(c->state->analysis, c->call->node.location, err);
    *candidates = rdb_arena_alloc(analyse_arena(c->state), (count + 1) * sizeof **candidates);
    for (uint32_t at = 0; at < count; at++) {
        analyse_candidate one;
        if (!make_candidate(c, functions[at], !c->call->is_variadic, &one))
            continue;
        bool add = true;
        for (uint32_t before = 0; before < *candidate_count && add; before++) {
            analyse_candidate *old = &(*candidates)[before];
            if (memcmp(old->types, one.types, c->arguments.count * sizeof *one.types) != 0)
                continue;
            const rdb_function *old_function = old->object, *new_function = one.object;
            bool keep_old;
            if ((old->variadic_count > 0) != (one.variadic_count > 0) && old_function->namespace_oid == new_function->namespace_oid) {
                keep_old = old->variadic_count == 0;
            } else {
                /* of one schema: how many defaults each fills in decides nothing */
                old->is_ambiguous |= old_function->namespace_oid == new_function->namespace_oid && (old->default_count > 0 || one.default_count > 0);
                keep_old = true;
            }
            if (!keep_old)
                *old = one;
            add = false;
        }
        if (add)
            (*candidates)[(*candidate_count)++] = one;
    }
    return true;
}

/* A call like int8(x) of a type's name may be a cast. */
static bool try_coercion(call_context *c, rdb_error *err)
{
    if (c->arguments.count != 1 || c->named_count > 0 || c->call->is_variadic)
        return true;
    const rdb_type *type = NULL;
    const char *schema, *base;
    if (!analyse_split_name(c->state->analysis, &c->call->name, c->call->name.count, &schema, &base, err) ||
        !rdb_type_find(c->state->analysis->access, schema, base, &type, err))
        return false;
    if (type == NULL || !type->is_defined || type->kind == 'c')
        return true;
    const rdb_expr *argument = c->arguments.items[0];
    if (argument->type->oid == RDB_UNKNOWNOID) {
        c->is_coercion = analyse_is_unknown_constant(argument);
    } else {
        analyse_path path;
        uint32_t function_oid;
        if (!analyse_find_path(c->state, type->oid, argument->type->oid, ANALYSE_EXPLICIT, &path, &function_oid, err))
            return false;
        c->is_coercion = path == ANALYSE_PATH_RELABEL ||
                         (path == ANALYSE_PATH_IO && !(analyse_is_row_type(argument->type) && type->category == 'S'));
    }
    c->coercion_type = type;
    return true;
}

static bool report_missing(const call_context *c, bool is_ambiguous, rdb_error *err)
{
    const char *signature = analyse_signature(c->state, c->name, c->arguments.count, c->types, c->argument_names);
    if (is_ambiguous) {
        rdb_error_set(err, RDB_AMBIGUOUS_FUNCTION, "function %s is not unique", signature);
        rdb_error_hint(err, "Could not choose a best candidate function. You might need to add explicit type casts.");
    } else if (c->state->analysis->procedure_call == c->call) {
        rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "procedure %s does not exist", signature);
        rdb_error_hint(err, "No procedure matches the given name and argument types. You might need to add explicit type casts.");
    } else {
        rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "function %s does not exist", signature);
        rdb_error_hint(err, c->call->order.count > 0 && !c->call->within_group
                                ? "No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; ORDER BY must appear after all regular arguments of the aggregate."
                                : "No function matches the given name and argument types. You might need to add explicit type casts.");
    }
    return analyse_place(c->state->analysis, c->call->node.location, err);
}

static bool resolve(call_context *c, rdb_error *err)
{
    analyse_candidate *candidates = NULL;
    uint32_t candidate_count, count = c->arguments.count;
    if (!gather(c, &candidates, &candidate_count, err))
        return false;
    const analyse_candidate *best = NULL;
    for (uint32_t at = 0; at < candidate_count && best == NULL; at++)
        if (count == 0 || memcmp(candidates[at].types, c->types, count * sizeof *c->types) == 0)
            best = &candidates[at];
    if (best == NULL) {
        if (!try_coercion(c, err))
            return false;
        if (c->is_coercion)
            return true;
        if (!analyse_match_candidates(c->state, count, c->types, candidates, &candidate_count, err))
            return false;
        if (candidate_count == 1)
            best = &candidates[0];
        else if (candidate_count > 1 &&
                 !analyse_select_candidate(c->state, count, c->types, candidates, candidate_count, &best, err))
            return false;
    }
    if (best == NULL || best->is_ambiguous)
        return report_missing(c, candidate_count > 1 || (best != NULL && best->is_ambiguous), err);
    c->chosen = *best;
    c->function = best->object;
    const bool wants_procedure = c->state->analysis->procedure_call == c->call;
    if ((c->function->kind == 'p') == wants_procedure)
        return true;
    rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, wants_procedure ? "%s is not a procedure" : "%s is a procedure",
                  analyse_signature(c->state, c->name, count, c->types, c->argument_names));
    rdb_error_hint(err, wants_procedure ? "To call a function, use SELECT." : "To call a procedure, use CALL.");
    return analyse_place(c->state->analysis, c->call->node.location, err);
}

/* ---- arguments ---- */

/* Defaults of the last arguments: those of built-in functions are kept as literals, one a line, others as the tree of a row. */
static bool read_defaults(const call_context *c, rdb_list *defaults, rdb_error *err)
{
    const rdb_function *function = c->function;
    rdb_arena *arena = analyse_arena(c->state);
    if (function->defaults_tree == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "function %u has no defaults", function->oid);
    if (function->has_body) {
        rdb_expr *row;
        if (!rdb_tree_read_expr(arena, c->state->analysis->access, function->defaults_tree, &row, err))
            return false;
        if (row->kind != RDB_EXPR_ROW)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "defaults of function %u are no row", function->oid);
        *defaults = ((rdb_expr_row *)row)->fields;
        return true;
    }
    uint32_t argument_no = (uint32_t)(function->argument_count - function->default_count);
    for (const char *line = function->defaults_tree; line != NULL && argument_no < function->argument_count; argument_no++) {
        const char *end = strchr(line, '\n');
        const rdb_ast_value literal = {.node = {RDB_AST_CONST, -1}, .kind = strncasecmp(line, "null", 4) == 0 ? RDB_SQL_VALUE_NULL : RDB_SQL_VALUE_STRING,
                                       .text = end == NULL ? line : rdb_arena_strndup(arena, line, (size_t)(end - line))};
        rdb_expr *value;
        const rdb_type *type;
        if (!analyse_make_literal(c->state, &literal, &value, err) || !analyse_get_type(c->state, function->argument_types[argument_no], &type, err) ||
            !analyse_coerce(c->state, value, type, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, &value, err))
            return false;
        rdb_list_push(arena, defaults, value);
        line = end == NULL ? NULL : end + 1;
    }
    return true;
}

/* Puts named arguments where they belong and defaults where none were given. */
static bool complete_arguments(call_context *c, uint32_t *declared, rdb_error *err)
{
    const rdb_function *function = c->function;
    rdb_arena *arena = analyse_arena(c->state);
    uint32_t given = c->arguments.count;
    if (c->chosen.default_count > 0) {
        rdb_list defaults = {0};
        if (!read_defaults(c, &defaults, err))
            return false;
        uint32_t first_default = (c->chosen.has_outputs ? function->all_count : function->argument_count) - defaults.count;
        for (uint32_t at = 0; at < c->chosen.default_count; at++) {
            uint32_t parameter_no = c->chosen.argument_nos != NULL ? (uint32_t)c->chosen.argument_nos[given + at] : given + at;
            RDB_ASSERT(parameter_no >= first_default);
            rdb_expr *value = defaults.items[parameter_no - first_default];
            rdb_list_push(arena, &c->arguments, value);
            c->types[given + at] = value->type->oid;
        }
    }
    if (c->chosen.types != NULL) /* a function without parameters has none */
        memcpy(declared, c->chosen.types, RDB_MAX(c->chosen.count, given) * sizeof *declared);
    if (c->chosen.argument_nos != NULL) {
        rdb_list ordered = {0};
        uint32_t *types = rdb_arena_alloc(arena, (ARGUMENTS_MAX + 1) * sizeof *types);
        for (uint32_t at = 0; at < c->arguments.count; at++)
            rdb_list_push(arena, &ordered, NULL);
        for (uint32_t at = 0; at < c->arguments.count; at++) {
            uint32_t to = (uint32_t)c->chosen.argument_nos[at];
            ordered.items[to] = c->arguments.items[at];
            types[to] = c->types[at];
        }
        for (uint32_t at = 0; at < c->arguments.count; at++)
            declared[at] = c->chosen.has_outputs ? function->all_types[at] : function->argument_types[at];
        c->arguments = ordered;
        c->types = types;
    }
    return true;
}

/* What a procedure only gives is no argument of the call that is made. */
static void drop_outputs(call_context *c, uint32_t *declared)
{
    uint32_t kept = 0;
    for (uint32_t at = 0; at < c->arguments.count; at++) {
        if (at < c->function->all_count && c->function->all_modes[at] == 'o')
            continue;
        c->arguments.items[kept] = c->arguments.items[at];
        c->types[kept] = c->types[at];
        declared[kept++] = declared[at];
    }
    c->arguments.count = kept;
}

/* The last arguments as one array. */
static bool collect_variadic(call_context *c, rdb_error *err)
{
    if (c->chosen.variadic_count == 0 || c->function->variadic_type == RDB_ANYOID)
        return true;
    uint32_t first = c->arguments.count - c->chosen.variadic_count;
    rdb_list elements = {0};
    for (uint32_t at = first; at < c->arguments.count; at++)
        rdb_list_push(analyse_arena(c->state), &elements, c->arguments.items[at]);
    const rdb_expr *one = elements.items[0];
    const rdb_type *array;
    if (!analyse_array_of(c->state, one->type, &array, err))
        return false;
    if (array == NULL)
        return analyse_error(c->state, analyse_location(one), err, RDB_UNDEFINED_OBJECT, "could not find array type for data type %s",
                             analyse_type_name(c->state, one->type->oid));
    rdb_expr_array *node = ANALYSE_NEW(c->state, rdb_expr_array, RDB_EXPR_ARRAY, array, one->location);
    node->elements = elements;
    c->arguments.count = first;
    rdb_list_push(analyse_arena(c->state), &c->arguments, node);
    return true;
}

static bool check_set_placement(const analyse_state *state, int32_t location, rdb_error *err)
{
    switch (state->clause) {
    case ANALYSE_NOTHING: case ANALYSE_OTHER: case ANALYSE_FROM_FUNCTION: case ANALYSE_SELECT_TARGET:
    case ANALYSE_INSERT_TARGET: case ANALYSE_GROUP_BY: case ANALYSE_ORDER_BY: case ANALYSE_DISTINCT_ON:
    case ANALYSE_WINDOW_PARTITION: case ANALYSE_WINDOW_ORDER: case ANALYSE_VALUES_SINGLE:
        if (state->query != NULL && state->clause != ANALYSE_FROM_FUNCTION)
            state->query->has_set_returning_targets = true;
        return true;
    case ANALYSE_JOIN_ON:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in JOIN conditions");
    case ANALYSE_CHECK: case ANALYSE_DOMAIN_CHECK:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in check constraints");
    case ANALYSE_DEFAULT:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in DEFAULT expressions");
    case ANALYSE_INDEX_EXPRESSION:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in index expressions");
    case ANALYSE_INDEX_PREDICATE:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in index predicates");
    case ANALYSE_GENERATED:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in column generation expressions");
    case ANALYSE_EXECUTE:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in EXECUTE parameters");
    case ANALYSE_COPY_WHERE:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in COPY FROM WHERE conditions");
    case ANALYSE_POLICY:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in policy expressions");
    case ANALYSE_TRANSFORM:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in transform expressions");
    default:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in %s",
                             analyse_clause_name(state->clause));
    }
}

/* What only aggregates, or only aggregates and window functions, can be written with. */
static bool check_plain(const call_context *c, rdb_error *err)
{
    const rdb_ast_call *call = c->call;
    int32_t location = call->node.location;
    const char *what = NULL;
    if (call->is_star)
        return analyse_error(c->state, location, err, RDB_WRONG_OBJECT_TYPE, "%s(*) specified, but %s is not an aggregate function", c->name, c->name);
    if (call->is_distinct)
        what = "DISTINCT";
    else if (call->within_group)
        what = "WITHIN GROUP";
    else if (call->order.count > 0)
        what = "ORDER BY";
    else if (call->filter != NULL)
        what = "FILTER";
    if (what != NULL)
        return analyse_error(c->state, location, err, RDB_WRONG_OBJECT_TYPE, "%s specified, but %s is not an aggregate function", what, c->name);
    if (call->over != NULL)
        return analyse_error(c->state, location, err, RDB_WRONG_OBJECT_TYPE,
                             "OVER specified, but %s is not a window function nor an aggregate function", c->name);
    return true;
}

/* A hypothetical-set aggregate: each direct argument and the column it is compared with get a common type. */
static bool match_hypothetical(call_context *c, uint32_t count, rdb_error *err)
{
    for (uint32_t at = 0; at < count; at++) {
        rdb_list pair = {0};
        const rdb_type *common = NULL;
        rdb_expr *direct = c->arguments.items[at], *column = c->arguments.items[count + at];
        rdb_list_push(analyse_arena(c->state), &pair, column);
        rdb_list_push(analyse_arena(c->state), &pair, direct);
        if (!analyse_common_type(c->state, &pair, "WITHIN GROUP", &common, NULL, err) || !analyse_coerce_to_common(c->state, &direct, common, "WITHIN GROUP", err) ||
            !analyse_coerce_to_common(c->state, &column, common, "WITHIN GROUP", err))
            return false;
        c->arguments.items[at] = direct;
        c->arguments.items[count + at] = column;
    }
    return true;
}

static bool make_aggregate(call_context *c, const rdb_type *result, rdb_expr **expr, rdb_error *err)
{
    const rdb_ast_call *call = c->call;
    int32_t location = call->node.location;
    const rdb_aggregate *entry = NULL;
    if (!rdb_aggregate_get(c->state->analysis->access, c->function->oid, &entry, err))
        return false;
    char kind = entry == NULL ? 'n' : entry->kind;
    uint32_t direct_count = 0;
    if (kind != 'n') {
        if (!call->within_group)
            return analyse_error(c->state, location, err, RDB_WRONG_OBJECT_TYPE, "WITHIN GROUP is required for ordered-set aggregate %s", c->name);
        if (call->over != NULL)
            return analyse_error(c->state, location, err, RDB_FEATURE_NOT_SUPPORTED, "OVER is not supported for ordered-set aggregate %s", c->name);
        if (call->is_distinct)
            return analyse_error(c->state, location, err, RDB_WRONG_OBJECT_TYPE, "cannot use DISTINCT with WITHIN GROUP");
        direct_count = c->arguments.count - call->order.count;
        if (c->function->variadic_type == 0 && direct_count != entry->direct_argument_count)
            return report_missing(c, false, err);
        if (kind == 'h' && direct_count != call->order.count) {
            rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "function %s does not exist", analyse_signature(c->state, c->name, c->arguments.count, c->types, c->argument_names));
            rdb_error_hint(err, "To use the hypothetical-set aggregate %s, the number of hypothetical direct arguments (here %u) must match the number of ordering columns (here %u).",
                           c->name, direct_count, call->order.count);
            return analyse_place(c->state->analysis, location, err);
        }
        if (kind == 'h' && !match_hypothetical(c, direct_count, err))
            return false;
    } else if (call->within_group) {
        return analyse_error(c->state, location, err, RDB_WRONG_OBJECT_TYPE, "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", c->name);
    }
    if (call->args.count == 0 && !call->is_star && !call->within_group)
        return analyse_error(c->state, location, err, RDB_WRONG_OBJECT_TYPE, "%s(*) must be used to call a parameterless aggregate function", c->name);
    if (c->named_count > 0)
        return analyse_error(c->state, location, err, RDB_FEATURE_NOT_SUPPORTED, "aggregates cannot use named arguments");
    if (!analyse_check_kernel(c->state, c->function, location, err))
        return false;
    if (call->over != NULL) {
        if (call->order.count > 0)
            return analyse_error(c->state, location, err, RDB_FEATURE_NOT_SUPPORTED, "aggregate ORDER BY is not implemented for window functions");
        if (call->is_distinct)
            return analyse_error(c->state, location, err, RDB_FEATURE_NOT_SUPPORTED, "DISTINCT is not implemented for window functions");
        rdb_expr_window *window = ANALYSE_NEW(c->state, rdb_expr_window, RDB_EXPR_WINDOW, result, location);
        window->head.collation = 0;
        window->function = c->function;
        window->arguments = c->arguments;
        window->filter = c->filter;
        window->is_star = call->is_star;
        window->is_aggregate = true;
        *expr = &window->head;
        return analyse_window_call(c->state, window, call->over, err);
    }
    rdb_expr_aggregate *aggregate = ANALYSE_NEW(c->state, rdb_expr_aggregate, RDB_EXPR_AGGREGATE, result, location);
    aggregate->head.collation = 0;
    aggregate->function = c->function;
    aggregate->filter = c->filter;
    aggregate->is_star = call->is_star;
    aggregate->is_variadic = call->is_variadic;
    rdb_list direct = {0}, rest = {0};
    for (uint32_t at = 0; at < c->arguments.count; at++)
        rdb_list_push(analyse_arena(c->state), at < direct_count ? &direct : &rest, c->arguments.items[at]);
    *expr = &aggregate->head;
    return analyse_aggregate(c->state, aggregate, &direct, &rest, &call->order, call->is_distinct, err);
}

static bool make_window(call_context *c, const rdb_type *result, rdb_expr **expr, rdb_error *err)
{
    const rdb_ast_call *call = c->call;
    int32_t location = call->node.location;
    if (call->over == NULL)
        return analyse_error(c->state, location, err, RDB_WRONG_OBJECT_TYPE, "window function %s requires an OVER clause", c->name);
    if (call->within_group)
        return analyse_error(c->state, location, err, RDB_WRONG_OBJECT_TYPE, "window function %s cannot have WITHIN GROUP", c->name);
    if (call->is_distinct)
        return analyse_error(c->state, location, err, RDB_FEATURE_NOT_SUPPORTED, "DISTINCT is not implemented for window functions");
    if (call->is_star)
        return analyse_error(c->state, location, err, RDB_WRONG_OBJECT_TYPE, "%s(*) specified, but %s is not an aggregate function", c->name, c->name);
    if (call->order.count > 0)
        return analyse_error(c->state, location, err, RDB_FEATURE_NOT_SUPPORTED, "aggregate ORDER BY is not implemented for window functions");
    if (call->filter != NULL)
        return analyse_error(c->state, location, err, RDB_FEATURE_NOT_SUPPORTED, "FILTER is not implemented for non-aggregate window functions");
    rdb_expr_window *window = ANALYSE_NEW(c->state, rdb_expr_window, RDB_EXPR_WINDOW, result, location);
    window->head.collation = 0;
    window->function = c->function;
    window->arguments = c->arguments;
    *expr = &window->head;
    return analyse_window_call(c->state, window, call->over, err);
}

/* name(row) may be the row's column of that name. */
static bool try_field(call_context *c, rdb_expr **expr, rdb_error *err)
{
    *expr = NULL;
    const rdb_ast_call *call = c->call;
    if (c->arguments.count != 1 || c->named_count > 0 || call->name.count != 1 || call->order.count > 0 || call->filter != NULL ||
        call->over != NULL || call->is_star || call->is_distinct || call->is_variadic || call->within_group)
        return true;
    rdb_expr *argument = c->arguments.items[0];
    if (!analyse_is_row_type(argument->type))
        return true;
    return analyse_field(c->state, argument, call->name.items[0], call->node.location, expr, err);
}

static bool read_arguments(call_context *c, rdb_error *err)
{
    const rdb_ast_call *call = c->call;
    analyse_state *state = c->state;
    rdb_arena *arena = analyse_arena(state);
    uint32_t room = call->args.count + call->order.count + ARGUMENTS_MAX + 1;
    c->argument_names = RDB_NEW_ARRAY(arena, const char *, room);
    c->types = RDB_NEW_ARRAY(arena, uint32_t, room);
    for (uint32_t at = 0; at < call->args.count; at++) {
        const rdb_ast_node *raw = call->args.items[at];
        if (raw->tag == RDB_AST_NAMED_ARG) {
            const rdb_ast_named_arg *named = (const rdb_ast_named_arg *)raw;
            for (uint32_t before = 0; before < at; before++)
                if (c->argument_names[before] != NULL && strcmp(c->argument_names[before], named->name) == 0)
                    return analyse_error(state, raw->location, err, RDB_SYNTAX_ERROR, "argument name \"%s\" used more than once", named->name);
            c->argument_names[at] = named->name;
            c->named_count++;
            raw = named->arg;
        } else if (c->named_count > 0) {
            return analyse_error(state, raw->location, err, RDB_SYNTAX_ERROR, "positional argument cannot follow named argument");
        }
        rdb_expr *argument;
        if (!analyse_node(state, raw, &argument, err))
            return false;
        rdb_list_push(arena, &c->arguments, argument);
    }
    if (call->within_group)
        for (uint32_t at = 0; at < call->order.count; at++) {
            rdb_expr *argument;
            if (!analyse_expr(state, ((const rdb_ast_sort *)call->order.items[at])->expr, ANALYSE_ORDER_BY, &argument, err))
                return false;
            rdb_list_push(arena, &c->arguments, argument);
        }
    if (call->filter != NULL && !analyse_where(state, call->filter, ANALYSE_FILTER, "FILTER", &c->filter, err))
        return false;
    if (c->arguments.count > ARGUMENTS_MAX)
        return analyse_error(state, call->node.location, err, RDB_TOO_MANY_ARGUMENTS, "cannot pass more than %d arguments to a function", ARGUMENTS_MAX);
    for (uint32_t at = 0; at < c->arguments.count; at++)
        c->types[at] = ((const rdb_expr *)c->arguments.items[at])->type->oid;
    return true;
}

bool analyse_call(analyse_state *state, const rdb_ast_call *call, rdb_expr **expr, rdb_error *err)
{
    int32_t location = call->node.location;
    call_context c = {.state = state, .call = call, .name = analyse_join_names(analyse_arena(state), &call->name)};
    if (!analyse_dialect_call(state, call, expr, err))
        return false;
    if (*expr != NULL)
        return true;
    if (!read_arguments(&c, err) || !try_field(&c, expr, err))
        return false;
    if (*expr != NULL)
        return true;
    if (!resolve(&c, err))
        return false;
    if (c.is_coercion)
        return check_plain(&c, err) && analyse_coerce(state, c.arguments.items[0], c.coercion_type, -1, ANALYSE_EXPLICIT,
                                                      RDB_FORM_CALL, location, expr, err);
    uint32_t declared[2 * ARGUMENTS_MAX + 2], result_oid;
    if (!complete_arguments(&c, declared, err))
        return false;
    if (c.chosen.has_outputs)
        drop_outputs(&c, declared);
    if (!analyse_resolve_polymorphic(state, c.arguments.count, c.types, declared, c.function->return_type, &result_oid, false, NULL, err))
        return false;
    const rdb_type *result;
    if (!analyse_coerce_arguments(state, &c.arguments, declared, err) || !collect_variadic(&c, err) ||
        !analyse_get_type(state, result_oid, &result, err))
        return false;
    const rdb_type *first = c.arguments.count > 0 ? ((const rdb_expr *)c.arguments.items[0])->type : NULL;
    if (result_oid == RDB_RECORDARRAYOID && first != NULL && first->oid == RDB_RECORDOID && !analyse_array_of(state, first, &result, err))
        return false;
    if (call->is_variadic && c.function->variadic_type == RDB_ANYOID) {
        const rdb_expr *last = c.arguments.items[c.arguments.count - 1];
        if (last->type->oid != RDB_UNKNOWNOID && analyse_base_type(last->type, NULL)->element == NULL)
            return analyse_error(state, analyse_location(last), err, RDB_DATATYPE_MISMATCH, "VARIADIC argument must be an array");
    }
    if (call->is_variadic && c.function->variadic_type == 0)
        return report_missing(&c, false, err);
    if (c.function->returns_set && !check_set_placement(state, location, err))
        return false;
    if (c.function->kind == 'a')
        return make_aggregate(&c, result, expr, err);
    if (c.function->kind == 'w')
        return make_window(&c, result, expr, err);
    if (!check_plain(&c, err))
        return false;
    rdb_call_form form = call->form == RDB_SQL_FORM_SQL_SYNTAX ? RDB_FORM_SQL_SYNTAX
                         : call->form == RDB_SQL_FORM_CAST     ? RDB_FORM_EXPLICIT_CAST
                                                               : RDB_FORM_CALL;
    rdb_expr_function *node;
    if (!analyse_make_call(state, c.function, result, &c.arguments, form, location, &node, err))
        return false;
    node->is_variadic = (c.chosen.variadic_count > 0 && c.function->variadic_type != RDB_ANYOID) || call->is_variadic;
    *expr = &node->head;
    return analyse_describe_record(state, *expr, err);
}

/* ---- functions that other objects are made of ---- */
bool rdb_function_resolve(rdb_analysis *analysis, const rdb_ast_names *name, const uint32_t *types, uint32_t count, const rdb_function **function,
                          uint32_t *declared, uint32_t *result, rdb_error *err)
{
    analyse_state state = {.analysis = analysis, .query = RDB_NEW(analysis->arena, rdb_query)};
    const rdb_ast_call call = {.node = {RDB_AST_CALL, -1}, .name = *name, .is_variadic = true};
    call_context c = {.state = &state, .call = &call, .name = analyse_join_names(analysis->arena, name)};
    analyse_candidate *candidates = NULL;
    const analyse_candidate *best = NULL;
    uint32_t candidate_count;
    *function = NULL;
    *result = 0;
    for (uint32_t at = 0; at < count; at++) {
        const rdb_type *type;
        if (!analyse_get_type(&state, types[at], &type, err))
            return false;
        rdb_expr *argument = RDB_NEW(analysis->arena, rdb_expr); /* looked at for its type alone */
        *argument = (rdb_expr){.kind = RDB_EXPR_PARAM, .location = -1, .type = type, .typmod = -1};
        rdb_list_push(analysis->arena, &c.arguments, argument);
    }
    if (!gather(&c, &candidates, &candidate_count, err))
        return false;
    for (uint32_t at = 0; at < candidate_count && best == NULL; at++)
        if (candidates[at].default_count == 0 && (count == 0 || memcmp(candidates[at].types, types, count * sizeof *types) == 0))
            best = &candidates[at];
    if (best == NULL) {
        uint32_t kept = 0;
        for (uint32_t at = 0; at < candidate_count; at++)
            if (candidates[at].default_count == 0)
                candidates[kept++] = candidates[at];
        candidate_count = kept;
        if (!analyse_match_candidates(&state, count, types, candidates, &candidate_count, err))
            return false;
        if (candidate_count == 1)
            best = &candidates[0];
        else if (candidate_count > 1 && !analyse_select_candidate(&state, count, types, candidates, candidate_count, &best, err))
            return false;
    }
    if (best == NULL)
        return true;
    *function = best->object;
    *result = (*function)->return_type;
    uint32_t *actual = RDB_NEW_ARRAY(analysis->arena, uint32_t, count + 1), *wanted = RDB_NEW_ARRAY(analysis->arena, uint32_t, count + 1), *places = RDB_NEW_ARRAY(analysis->arena, uint32_t, count + 1);
    uint32_t told = 0;
    for (uint32_t at = 0; at < count; at++) {
        declared[at] = (*function)->argument_types[at];
        if (declared[at] == types[at])
            continue; /* one polymorphic type for another says nothing */
        actual[told] = types[at];
        wanted[told] = declared[at];
        places[told++] = at;
    }
    bool has_polymorphic = false;
    for (uint32_t at = 0; at < told; at++)
        has_polymorphic = has_polymorphic || analyse_is_polymorphic(wanted[at]);
    if (!has_polymorphic)
        return true;
    if (!analyse_resolve_polymorphic(&state, told, actual, wanted, (*function)->return_type, result, false, NULL, err))
        return false;
    for (uint32_t at = 0; at < told; at++)
        declared[places[at]] = wanted[at];
    return true;
}

const char *rdb_function_signature(rdb_analysis *analysis, const rdb_ast_names *name, const uint32_t *types, uint32_t count)
{
    const analyse_state state = {.analysis = analysis};
    return analyse_signature(&state, analyse_join_names(analysis->arena, name), count, types, NULL);
}
