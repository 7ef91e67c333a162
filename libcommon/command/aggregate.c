/* SPDX-License-Identifier: Apache-2.0
 * CREATE AGGREGATE: its two spellings, what its functions must take and give, and the row of pg_aggregate beside the function's. */
#include "catalog/rdb_acl.h"
#include "command/definition.h"
#include "expr/rdb_routine.h"

enum { ARGUMENTS_MAX = 100 };

typedef struct aggregate_work {
    rdb_command_context *context;
    const rdb_ast_define *statement;
    rdb_analysis analysis;
    rdb_function_definition function;
    rdb_aggregate_definition definition;
    uint32_t types[ARGUMENTS_MAX + 1];
    char modes[ARGUMENTS_MAX + 1];
    const char *names[ARGUMENTS_MAX + 1];
    bool has_name;
    rdb_ast_names transition, final, combine, serialize, deserialize, moving, inverse, moving_final, sort; /* count 0: not said */
    const rdb_ast_option *base_type;
    const rdb_type *transition_type, *moving_type;
    bool transition_is_strict; /* of the plain functions */
    rdb_error *err;
} aggregate_work;

#define FAIL(w, ...) return rdb_error_set((w)->err, RDB_INVALID_FUNCTION_DEFINITION, __VA_ARGS__)

/* ---- options ---------------------------------------------------------------------------------------------------------------------- */
static bool read_modify(aggregate_work *w, const rdb_ast_option *option, char *modify)
{
    const char *text;
    if (!definition_text(w->context, option, &text, w->err))
        return false;
    *modify = strcmp(text, "read_only") == 0 ? 'r' : strcmp(text, "shareable") == 0 ? 's' : strcmp(text, "read_write") == 0 ? 'w' : 0;
    return *modify != 0 || rdb_error_set(w->err, RDB_SYNTAX_ERROR, "parameter \"%s\" must be READ_ONLY, SHAREABLE, or READ_WRITE", option->name);
}

static bool read_space(aggregate_work *w, const rdb_ast_option *option, int32_t *space)
{
    int64_t value;
    if (!command_option_int64(option, &value, w->err))
        return false;
    *space = (int32_t)value;
    return true;
}

static bool read_option(aggregate_work *w, const rdb_ast_option *option, bool *is_hypothetical)
{
    static const char *const NAMES[] = {"sfunc", "sfunc1", "finalfunc", "combinefunc", "serialfunc", "deserialfunc", "msfunc", "minvfunc", "mfinalfunc", "sortop"};
    rdb_ast_names *const targets[] = {&w->transition, &w->transition, &w->final,   &w->combine,      &w->serialize,
                                      &w->deserialize, &w->moving,    &w->inverse, &w->moving_final, &w->sort};
    rdb_aggregate_definition *d = &w->definition;
    const char *name = option->name, *text;
    bool is_setof;
    for (size_t i = 0; i < RDB_COUNT_OF(NAMES); i++)
        if (strcmp(NAMES[i], name) == 0)
            return definition_names(w->context, option, targets[i], w->err);
    if (strcmp(name, "finalfunc_extra") == 0)
        return command_option_bool(option, &d->final_takes_arguments, w->err);
    if (strcmp(name, "mfinalfunc_extra") == 0)
        return command_option_bool(option, &d->moving_final_takes_arguments, w->err);
    if (strcmp(name, "finalfunc_modify") == 0)
        return read_modify(w, option, &d->final_modify);
    if (strcmp(name, "mfinalfunc_modify") == 0)
        return read_modify(w, option, &d->moving_final_modify);
    if (strcmp(name, "hypothetical") == 0)
        return command_option_bool(option, is_hypothetical, w->err);
    if (strcmp(name, "stype") == 0 || strcmp(name, "stype1") == 0)
        return definition_type(w->context, option, &w->transition_type, &is_setof, w->err);
    if (strcmp(name, "mstype") == 0)
        return definition_type(w->context, option, &w->moving_type, &is_setof, w->err);
    if (strcmp(name, "sspace") == 0)
        return read_space(w, option, &d->transition_space);
    if (strcmp(name, "msspace") == 0)
        return read_space(w, option, &d->moving_space);
    if (strcmp(name, "initcond") == 0 || strcmp(name, "initcond1") == 0)
        return definition_text(w->context, option, &d->initial, w->err);
    if (strcmp(name, "minitcond") == 0)
        return definition_text(w->context, option, &d->moving_initial, w->err);
    if (strcmp(name, "basetype") == 0) {
        w->base_type = option;
    } else if (strcmp(name, "parallel") == 0) {
        if (!definition_text(w->context, option, &text, w->err))
            return false;
        w->function.parallel = strcmp(text, "safe") == 0 ? 's' : strcmp(text, "restricted") == 0 ? 'r' : strcmp(text, "unsafe") == 0 ? 'u' : 0;
        if (w->function.parallel == 0)
            return rdb_error_set(w->err, RDB_SYNTAX_ERROR, "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE");
    } else {
        command_notice(w->context, "WARNING", RDB_SYNTAX_ERROR, "aggregate attribute \"%s\" not recognized", name);
    }
    return true;
}

static bool check_options(aggregate_work *w)
{
    const rdb_aggregate_definition *d = &w->definition;
    if (w->transition_type == NULL)
        FAIL(w, "aggregate stype must be specified");
    if (w->transition.count == 0)
        FAIL(w, "aggregate sfunc must be specified");
    if (w->moving_type != NULL) {
        if (w->moving.count == 0)
            FAIL(w, "aggregate msfunc must be specified when mstype is specified");
        if (w->inverse.count == 0)
            FAIL(w, "aggregate minvfunc must be specified when mstype is specified");
        return true;
    }
    if (w->moving.count > 0)
        FAIL(w, "aggregate msfunc must not be specified without mstype");
    if (w->inverse.count > 0)
        FAIL(w, "aggregate minvfunc must not be specified without mstype");
    if (w->moving_final.count > 0)
        FAIL(w, "aggregate mfinalfunc must not be specified without mstype");
    if (d->moving_space != 0)
        FAIL(w, "aggregate msspace must not be specified without mstype");
    if (d->moving_initial != NULL)
        FAIL(w, "aggregate minitcond must not be specified without mstype");
    return true;
}

/* ---- arguments -------------------------------------------------------------------------------------------------------------------- */
static bool read_parameter(aggregate_work *w, const rdb_ast_function_param *param)
{
    rdb_function_definition *f = &w->function;
    const rdb_type *type = NULL;
    int32_t typmod;
    uint32_t collation;
    const uint16_t at = f->argument_count;
    if (!rdb_type_resolve(&w->analysis, (rdb_ast_node *)(uintptr_t)&param->type->node, &type, &typmod, &collation, w->err)) {
        w->err->position = 0;
        return false;
    }
    if (!command_check_type_usage(w->context, type, w->err))
        return false;
    if (param->type->is_setof)
        FAIL(w, "aggregates cannot accept set arguments");
    if (param->mode == RDB_SQL_PARAM_OUT || param->mode == RDB_SQL_PARAM_INOUT)
        FAIL(w, "aggregates cannot have output arguments");
    if (f->variadic_type != 0)
        FAIL(w, "VARIADIC parameter must be the last input parameter");
    if (param->mode == RDB_SQL_PARAM_VARIADIC) {
        f->variadic_type = type->oid == RDB_ANYARRAYOID             ? RDB_ANYELEMENTOID
                           : type->oid == RDB_ANYCOMPATIBLEARRAYOID ? RDB_ANYCOMPATIBLEOID
                           : type->oid == RDB_ANYOID                ? RDB_ANYOID
                           : type->element != NULL                  ? type->element->oid
                                                                    : 0;
        if (f->variadic_type == 0)
            FAIL(w, "VARIADIC parameter must be an array");
    }
    if (param->default_value != NULL)
        FAIL(w, "aggregate arguments cannot have default values");
    w->types[at] = type->oid;
    w->modes[at] = param->mode == RDB_SQL_PARAM_VARIADIC ? 'v' : 'i';
    w->names[at] = param->name != NULL ? param->name : "";
    if (param->name != NULL) {
        for (uint16_t i = 0; i < at; i++)
            if (strcmp(w->names[i], param->name) == 0)
                FAIL(w, "parameter name \"%s\" used more than once", param->name);
        w->has_name = true;
    }
    f->argument_count++;
    return true;
}

/* The new spelling has a list of parameters and the number of direct ones, -1 for none; the old one a type or "any". */
static bool read_arguments(aggregate_work *w)
{
    rdb_function_definition *f = &w->function;
    const rdb_ast_define *statement = w->statement;
    if (statement->is_old_style) {
        const rdb_type *type = NULL;
        bool is_setof;
        const char *text;
        if (w->base_type == NULL)
            FAIL(w, "aggregate input type must be specified");
        if (!definition_text(w->context, w->base_type, &text, w->err))
            return false;
        if (strcasecmp(text, "any") != 0) {
            if (!definition_type(w->context, w->base_type, &type, &is_setof, w->err))
                return false;
            w->types[0] = type->oid;
            w->modes[0] = 'i';
            w->names[0] = "";
            f->argument_count = 1;
        }
    } else {
        const rdb_list *parameters = statement->args.items[0] != NULL ? &((const rdb_ast_items *)statement->args.items[0])->items : NULL;
        if (w->base_type != NULL)
            FAIL(w, "basetype is redundant with aggregate input type specification");
        if (parameters != NULL && parameters->count > ARGUMENTS_MAX)
            return rdb_error_set(w->err, RDB_TOO_MANY_ARGUMENTS, "aggregates cannot have more than %d arguments", ARGUMENTS_MAX - 1);
        for (uint32_t i = 0; parameters != NULL && i < parameters->count; i++)
            if (!read_parameter(w, parameters->items[i]))
                return false;
    }
    f->argument_types = w->types;
    f->names = w->has_name ? w->names : NULL;
    if (f->variadic_type != 0) {
        f->all_types = w->types;
        f->all_modes = w->modes;
        f->all_count = f->argument_count;
    }
    return true;
}

/* ---- types ------------------------------------------------------------------------------------------------------------------------ */
/* What is polymorphic must follow from an argument. */
static bool check_follows(aggregate_work *w, const rdb_type *type, const char *what)
{
    return definition_check_follows(type, w->types, w->function.argument_count, what, w->err);
}

static bool check_state_type(aggregate_work *w, const rdb_type *type)
{
    if (type->kind != 'p' || definition_is_polymorphic(type->oid) || (type->oid == RDB_INTERNALOID && w->context->role->is_superuser))
        return true;
    FAIL(w, "aggregate transition data type cannot be %s", definition_type_text(w->context, type));
}

/* ---- functions ---------------------------------------------------------------------------------------------------------------------- */
/* One of the aggregate's functions: nothing but relabelling may stand between what it is given and what it takes. */
static bool find_part(aggregate_work *w, const rdb_ast_names *name, uint32_t *types, uint32_t count, uint32_t variadic_type, const rdb_function **function,
                      uint32_t *result)
{
    rdb_command_context *context = w->context;
    uint32_t declared[ARGUMENTS_MAX + 3];
    if (!rdb_function_resolve(&w->analysis, name, types, count, function, declared, result, w->err))
        return false;
    if (*function == NULL || ((*function)->kind != 'f' && (*function)->kind != 'w'))
        return rdb_error_set(w->err, RDB_UNDEFINED_FUNCTION, "function %s does not exist", rdb_function_signature(&w->analysis, name, types, count));
    if ((*function)->returns_set)
        return rdb_error_set(w->err, RDB_DATATYPE_MISMATCH, "function %s returns a set", rdb_function_signature(&w->analysis, name, types, count));
    if (variadic_type == RDB_ANYOID && (*function)->variadic_type != RDB_ANYOID)
        return rdb_error_set(w->err, RDB_DATATYPE_MISMATCH, "function %s must accept VARIADIC ANY to be used in this aggregate",
                             rdb_function_signature(&w->analysis, name, types, count));
    for (uint32_t i = 0; i < count; i++) {
        bool fits = true;
        if (!rdb_type_is_binary_coercible(context->access, types[i], declared[i], &fits, w->err))
            return false;
        if (!fits)
            return rdb_error_set(w->err, RDB_DATATYPE_MISMATCH, "function %s requires run-time type coercion", rdb_function_signature(&w->analysis, name, declared, count));
    }
    return definition_check_function(context, *function, w->err);
}

static bool check_result(aggregate_work *w, const char *what, const rdb_ast_names *name, uint32_t result, const rdb_type *wanted)
{
    return result == wanted->oid || rdb_error_set(w->err, RDB_DATATYPE_MISMATCH, "return type of %s %s is not %s", what, definition_name_text(w->context, name),
                                                  definition_type_text(w->context, wanted));
}

/* A strict function without a first state takes the first argument for it. */
static bool check_strict(aggregate_work *w, const rdb_function *function, const rdb_type *state, const char *initial)
{
    bool fits = false;
    if (!function->is_strict || initial != NULL)
        return true;
    if (w->function.argument_count > 0 && !rdb_type_is_binary_coercible(w->context->access, w->types[0], state->oid, &fits, w->err))
        return false;
    if (!fits)
        FAIL(w, "must not omit initial value when transition function is strict and transition type is not compatible with input type");
    return true;
}

static bool check_initial(aggregate_work *w, const rdb_type *type, const char *initial)
{
    rdb_eval eval = {.access = w->context->access, .txn = w->context->txn, .format = w->context->format, .session = w->context->session};
    rdb_datum value;
    return initial == NULL || type->kind == 'p' ||
           rdb_expr_value_from_text(&eval, w->context->arena, type, -1, (rdb_slice){(const uint8_t *)initial, strlen(initial)}, &value, w->err);
}

/* The state, then the aggregated arguments; of an ordered-set aggregate what VARIADIC "any" stands for both ways counts once. */
static uint32_t state_arguments(const aggregate_work *w, const rdb_type *state, uint32_t *types)
{
    const rdb_function_definition *f = &w->function;
    const uint32_t direct = w->definition.kind == 'n' ? 0 : w->definition.direct_count;
    uint32_t count = 0;
    types[count++] = state->oid;
    if (w->definition.kind != 'n' && direct == f->argument_count)
        types[count++] = RDB_ANYOID; /* VARIADIC "any" ORDER BY VARIADIC "any" */
    for (uint32_t i = direct; i < f->argument_count; i++)
        types[count++] = w->types[i];
    return count;
}

static uint32_t final_arguments(const aggregate_work *w, const rdb_type *state, bool takes_all, uint32_t *types)
{
    const uint32_t count = takes_all ? w->function.argument_count : w->definition.kind == 'n' ? 0 : w->definition.direct_count;
    types[0] = state->oid;
    for (uint32_t i = 0; i < count; i++)
        types[i + 1] = w->types[i];
    return count + 1;
}

static bool find_transitions(aggregate_work *w)
{
    rdb_aggregate_definition *d = &w->definition;
    const rdb_function *function, *inverse;
    uint32_t types[ARGUMENTS_MAX + 3], result, count = state_arguments(w, w->transition_type, types);
    if (!find_part(w, &w->transition, types, count, w->function.variadic_type, &function, &result) ||
        !check_result(w, "transition function", &w->transition, result, w->transition_type) || !check_strict(w, function, w->transition_type, d->initial))
        return false;
    d->transition_oid = function->oid;
    if (w->moving.count == 0)
        return true;
    count = state_arguments(w, w->moving_type, types);
    if (!find_part(w, &w->moving, types, count, w->function.variadic_type, &function, &result) ||
        !check_result(w, "transition function", &w->moving, result, w->moving_type) || !check_strict(w, function, w->moving_type, d->moving_initial) ||
        !find_part(w, &w->inverse, types, count, w->function.variadic_type, &inverse, &result) ||
        !check_result(w, "inverse transition function", &w->inverse, result, w->moving_type))
        return false;
    if (function->is_strict != inverse->is_strict)
        FAIL(w, "strictness of aggregate's forward and inverse transition functions must match");
    d->moving_oid = function->oid;
    d->inverse_oid = inverse->oid;
    return true;
}

static bool find_final(aggregate_work *w, const rdb_ast_names *name, const rdb_type *state, bool takes_all, uint32_t *oid, uint32_t *result)
{
    uint32_t types[ARGUMENTS_MAX + 3], count;
    const rdb_function *function;
    *result = state->oid;
    if (name->count == 0)
        return true;
    count = final_arguments(w, state, takes_all, types);
    if (!find_part(w, name, types, count, takes_all ? w->function.variadic_type : 0, &function, result))
        return false;
    if (takes_all && function->is_strict)
        FAIL(w, "final function with extra arguments must not be declared STRICT");
    *oid = function->oid;
    return true;
}

static bool find_helpers(aggregate_work *w)
{
    rdb_aggregate_definition *d = &w->definition;
    const rdb_type *bytea = NULL;
    const rdb_function *function;
    uint32_t result, types[2] = {w->transition_type->oid, w->transition_type->oid};
    if (w->combine.count > 0) {
        if (!find_part(w, &w->combine, types, 2, 0, &function, &result) || !check_result(w, "combine function", &w->combine, result, w->transition_type))
            return false;
        if (w->transition_type->oid == RDB_INTERNALOID && function->is_strict)
            FAIL(w, "combine function with transition type %s must not be declared STRICT", definition_type_text(w->context, w->transition_type));
        d->combine_oid = function->oid;
    }
    if (!rdb_type_get(w->context->access, RDB_BYTEAOID, &bytea, w->err))
        return false;
    types[0] = RDB_INTERNALOID;
    if (w->serialize.count > 0) {
        if (!find_part(w, &w->serialize, types, 1, 0, &function, &result) || !check_result(w, "serialization function", &w->serialize, result, bytea))
            return false;
        d->serialize_oid = function->oid;
    }
    types[0] = RDB_BYTEAOID;
    types[1] = RDB_INTERNALOID;
    if (w->deserialize.count > 0) {
        if (!find_part(w, &w->deserialize, types, 2, 0, &function, &result) ||
            !check_result(w, "deserialization function", &w->deserialize, result, w->transition_type))
            return false;
        d->deserialize_oid = function->oid;
    }
    return true;
}

static bool find_sort_operator(aggregate_work *w)
{
    const rdb_operator_entry *const *entries;
    uint32_t count;
    if (w->sort.count == 0)
        return true;
    if (w->function.argument_count != 1)
        FAIL(w, "sort operator can only be specified for single-argument aggregates");
    const char *name = w->sort.items[w->sort.count - 1];
    if (!rdb_operator_find(w->context->access, w->sort.count > 1 ? w->sort.items[w->sort.count - 2] : NULL, name, &entries, &count, w->err))
        return false;
    for (uint32_t i = 0; i < count && w->definition.sort_operator == 0; i++)
        if (entries[i]->left_type == w->types[0] && entries[i]->right_type == w->types[0])
            w->definition.sort_operator = entries[i]->oid;
    if (w->definition.sort_operator != 0)
        return true;
    const rdb_type *type;
    if (!rdb_type_get(w->context->access, w->types[0], &type, w->err))
        return false;
    const char *shown = definition_type_text(w->context, type);
    return rdb_error_set(w->err, RDB_UNDEFINED_FUNCTION, "operator does not exist: %s %s %s", shown, definition_name_text(w->context, &w->sort), shown);
}

static bool check_internal_result(aggregate_work *w)
{
    if (w->function.return_type != RDB_INTERNALOID)
        return true;
    for (uint16_t i = 0; i < w->function.argument_count; i++)
        if (w->types[i] == RDB_INTERNALOID)
            return true;
    rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "unsafe use of pseudo-type \"internal\"");
    return rdb_error_detail(w->err, "A function returning \"internal\" must have at least one \"internal\" argument.");
}

static bool find_functions(aggregate_work *w)
{
    rdb_aggregate_definition *d = &w->definition;
    rdb_function_definition *f = &w->function;
    const rdb_type *result = NULL, *moving = NULL;
    uint32_t moving_result;
    if (d->kind != 'n' && f->variadic_type != 0 && f->variadic_type != RDB_ANYOID)
        return rdb_error_set(w->err, RDB_FEATURE_NOT_SUPPORTED, "a variadic ordered-set aggregate must use VARIADIC type ANY");
    if (d->kind == 'h' && d->direct_count < f->argument_count) {
        const uint32_t aggregated = f->argument_count - d->direct_count;
        if (aggregated > d->direct_count || memcmp(w->types + (d->direct_count - aggregated), w->types + d->direct_count, aggregated * sizeof *w->types) != 0)
            FAIL(w, "a hypothetical-set aggregate must have direct arguments matching its aggregated arguments");
    }
    if (!find_transitions(w) || !find_final(w, &w->final, w->transition_type, d->final_takes_arguments, &d->final_oid, &f->return_type) || !find_helpers(w) ||
        !rdb_type_get(w->context->access, f->return_type, &result, w->err) || !check_follows(w, result, "cannot determine result data type") || !check_internal_result(w))
        return false;
    if (w->moving_type != NULL) {
        if (!find_final(w, &w->moving_final, w->moving_type, d->moving_final_takes_arguments, &d->moving_final_oid, &moving_result) ||
            !rdb_type_get(w->context->access, moving_result, &moving, w->err))
            return false;
        if (moving_result != f->return_type)
            FAIL(w, "moving-aggregate implementation returns type %s, but plain implementation returns type %s", definition_type_text(w->context, moving),
                 definition_type_text(w->context, result));
    }
    return find_sort_operator(w) && command_check_type_usage(w->context, w->transition_type, w->err) &&
           (w->moving_type == NULL || command_check_type_usage(w->context, w->moving_type, w->err)) && command_check_type_usage(w->context, result, w->err);
}

/* ---- one that is there ---------------------------------------------------------------------------------------------------------------- */
static bool check_replaced(aggregate_work *w, uint32_t oid)
{
    rdb_command_context *context = w->context;
    const rdb_function *old = NULL;
    const rdb_aggregate *entry = NULL;
    rdb_strbuf signature;
    rdb_strbuf_init(&signature, context->arena);
    if (!rdb_function_get(context->access, oid, &old, w->err) || old == NULL || !rdb_aggregate_get(context->access, oid, &entry, w->err) ||
        !rdb_object_describe(context->access, (rdb_object_address){RDB_PG_PROC, oid, 0}, &signature, w->err))
        return false;
    if (!w->statement->or_replace)
        return rdb_error_set(w->err, RDB_DUPLICATE_FUNCTION, "function \"%s\" already exists with same argument types", w->function.name);
    if (!command_check_function_owner(context, old, w->err))
        return false;
    if (old->kind != 'a') {
        rdb_error_set(w->err, RDB_WRONG_OBJECT_TYPE, "cannot change routine kind");
        return rdb_error_detail(w->err, "\"%s\" is %s.", w->function.name, old->kind == 'p' ? "a procedure" : old->kind == 'w' ? "a window function" : "a function");
    }
    const char *space = strchr(signature.data, ' '), *shown = space != NULL ? space + 1 : signature.data;
    if (old->return_type != w->function.return_type) {
        rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "cannot change return type of existing function");
        return rdb_error_hint(w->err, "Use DROP AGGREGATE %s first.", shown);
    }
    const char *const *old_names = old->argument_names;
    for (uint16_t i = 0; old_names != NULL && i < old->argument_count; i++) {
        if (old_names[i] == NULL || old_names[i][0] == '\0' || strcmp(old_names[i], w->names[i]) == 0)
            continue;
        rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "cannot change name of input parameter \"%s\"", old_names[i]);
        return rdb_error_hint(w->err, "Use DROP AGGREGATE %s first.", shown);
    }
    if (entry != NULL && entry->kind != w->definition.kind) {
        rdb_error_set(w->err, RDB_WRONG_OBJECT_TYPE, "cannot change routine kind");
        return rdb_error_detail(w->err, entry->kind == 'n'   ? "\"%s\" is an ordinary aggregate function."
                                        : entry->kind == 'o' ? "\"%s\" is an ordered-set aggregate."
                                                             : "\"%s\" is a hypothetical-set aggregate.", w->function.name);
    }
    if (entry != NULL && entry->direct_argument_count != w->definition.direct_count)
        FAIL(w, "cannot change number of direct arguments of an aggregate function");
    return true;
}

bool command_create_aggregate(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err)
{
    aggregate_work *w = RDB_NEW(context->arena, aggregate_work);
    rdb_aggregate_definition *d = &w->definition;
    bool is_hypothetical = false;
    uint32_t oid = 0;
    w->context = context;
    w->statement = statement;
    w->err = err;
    d->kind = 'n';
    w->function = (rdb_function_definition){.name = statement->name.items[statement->name.count - 1], .owner_oid = context->role->oid, .language_oid = RDB_LANGUAGE_INTERNAL,
                                            .kind = 'a', .volatility = 'i', .parallel = 'u', .cost = 1, .source = "aggregate_dummy"};
    command_analysis(context, &w->analysis);
    w->analysis.text = NULL;
    if (!definition_place(context, &statement->name, &w->function.namespace_oid, err))
        return false;
    if (!statement->is_old_style) {
        const rdb_ast_value *direct = statement->args.items[1];
        d->kind = direct->integer >= 0 ? 'o' : 'n';
        d->direct_count = (uint16_t)(direct->integer >= 0 ? direct->integer : 0);
    }
    for (uint32_t i = 0; i < statement->options.count; i++)
        if (!read_option(w, statement->options.items[i], &is_hypothetical))
            return false;
    if (is_hypothetical && d->kind == 'n')
        FAIL(w, "only ordered-set aggregates can be hypothetical");
    if (is_hypothetical)
        d->kind = 'h';
    if (!check_options(w))
        return false;
    const char standard = d->kind == 'n' ? 'r' : 'w';
    d->final_modify = d->final_modify != 0 ? d->final_modify : standard;
    d->moving_final_modify = d->moving_final_modify != 0 ? d->moving_final_modify : standard;
    d->transition_type = w->transition_type->oid;
    d->moving_type = w->moving_type != NULL ? w->moving_type->oid : 0;
    if (!read_arguments(w) || !check_state_type(w, w->transition_type))
        return false;
    if (w->serialize.count > 0 || w->deserialize.count > 0) {
        if (w->serialize.count == 0 || w->deserialize.count == 0)
            FAIL(w, "must specify both or neither of serialization and deserialization functions");
        if (w->transition_type->oid != RDB_INTERNALOID)
            FAIL(w, "serialization functions may be specified only when the aggregate transition data type is internal");
    }
    if ((w->moving_type != NULL && !check_state_type(w, w->moving_type)) || !check_initial(w, w->transition_type, d->initial) ||
        (w->moving_type != NULL && !check_initial(w, w->moving_type, d->moving_initial)) ||
        !check_follows(w, w->transition_type, "cannot determine transition data type") ||
        (w->moving_type != NULL && !check_follows(w, w->moving_type, "cannot determine transition data type")) || !find_functions(w) ||
        !rdb_function_find_exact(context->access, w->function.namespace_oid, w->function.name, w->types, w->function.argument_count, &oid, err))
        return false;
    return (oid == 0 || check_replaced(w, oid)) && rdb_ddl_write_aggregate(context->access, &w->function, d, &oid, err);
}
