/* SPDX-License-Identifier: Apache-2.0
 * CREATE and ALTER FUNCTION and PROCEDURE, CALL; routines named by their signature for every other statement. */
#include "catalog/rdb_acl.h"
#include "command/definition.h"
#include "expr/rdb_routine.h"
#include "sql/rdb_body.h"

#include <stdio.h>

enum { ARGUMENTS_MAX = 100 };

typedef struct function_work {
    rdb_command_context *context;
    const rdb_ast_create_function *statement;
    rdb_function_definition definition;
    command_uses uses;
    rdb_analysis analysis;
    uint32_t types[ARGUMENTS_MAX * 2], all_types[ARGUMENTS_MAX * 2];
    char modes[ARGUMENTS_MAX * 2 + 1];
    const char *names[ARGUMENTS_MAX * 2];
    const rdb_type *input_types[ARGUMENTS_MAX];
    const rdb_type *return_type;
    uint32_t out_count, out_type;
    bool has_out, has_variadic, has_name;
    const rdb_ast_node *as;   /* the body's text */
    const char *language;
    uint32_t oid;
    rdb_error *err;
} function_work;

/* A type as written; PostgreSQL tells no position here. */
static const char *language_of(const function_work *w)
{
    const rdb_ast_option *language = command_option(&w->statement->options, "language");
    return language != NULL && command_option_text(language) != NULL ? command_option_text(language) : "sql";
}

/* The type that a function of another language than SQL makes or takes before it is defined. */
static bool resolve_shell(function_work *w, const rdb_ast_type *written, bool is_result, const rdb_type **type)
{
    const char *language = language_of(w);
    const bool is_native = strcmp(language, "internal") == 0 || strcmp(language, "c") == 0;
    rdb_strbuf text;
    if (!rdb_error_is(w->err, RDB_UNDEFINED_OBJECT))
        return false;
    rdb_error kept = {0};
    rdb_error_set(&kept, RDB_UNDEFINED_OBJECT, "%s", rdb_error_message(w->err));
    rdb_error_clear(w->err);
    if (!command_find_or_make_shell(w->context, written, is_result && is_native, type, w->err)) {
        rdb_error_clear(&kept);
        return false;
    }
    if (*type == NULL || (*type)->is_defined) {
        const bool is_bare = !is_result && written->bounds.count == 0 && !written->is_reference; /* of an argument PostgreSQL says it without quotes */
        if (is_bare)
            rdb_error_set(w->err, RDB_UNDEFINED_OBJECT, "type %s does not exist", definition_name_text(w->context, &written->names));
        else
            rdb_error_set(w->err, RDB_UNDEFINED_OBJECT, "%s", rdb_error_message(&kept));
        rdb_error_clear(&kept);
        return false;
    }
    const bool was_there = strstr(rdb_error_message(&kept), "only a shell") != NULL;
    rdb_error_clear(&kept);
    rdb_strbuf_init(&text, w->context->arena);
    rdb_type_format_name(*type, -1, false, &text);
    if (strcmp(language, "sql") == 0)
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, is_result ? "SQL function cannot return shell type %s" : "SQL function cannot accept shell type %s", text.data);
    if (was_there)
        command_notice(w->context, "NOTICE", RDB_WRONG_OBJECT_TYPE, is_result ? "return type %s is only a shell" : "argument type %s is only a shell", text.data);
    return true;
}

static bool resolve_type(function_work *w, const rdb_ast_type *written, bool is_result, const rdb_type **type)
{
    int32_t typmod;
    uint32_t collation;
    if (rdb_type_resolve(&w->analysis, (rdb_ast_node *)(uintptr_t)&written->node, type, &typmod, &collation, w->err))
        return command_check_type_usage(w->context, *type, w->err);
    w->err->position = 0;
    return resolve_shell(w, written, is_result, type);
}

static const char *type_text(function_work *w, const rdb_type *type)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, w->context->arena);
    rdb_type_format_name(type, -1, false, &text);
    return text.data != NULL ? text.data : type->name;
}

/* ---- parameters ---------------------------------------------------------------------------------------------------------------- */
static bool is_input(rdb_sql_param_mode mode)
{
    return mode == RDB_SQL_PARAM_DEFAULT || mode == RDB_SQL_PARAM_IN || mode == RDB_SQL_PARAM_INOUT || mode == RDB_SQL_PARAM_VARIADIC;
}

/* Before the options are read in their turn: what types are good for is a question of the language. */
static bool is_sql(const function_work *w)
{
    return strcmp(language_of(w), "internal") != 0;
}

static bool read_parameter(function_work *w, const rdb_ast_function_param *param, uint32_t at, rdb_list *defaults)
{
    const bool is_procedure = w->statement->is_procedure;
    const rdb_type *type = NULL;
    rdb_function_definition *d = &w->definition;
    char mode = param->mode == RDB_SQL_PARAM_DEFAULT ? 'i' : (char)param->mode;
    if (!resolve_type(w, param->type, false, &type))
        return false;
    if (param->type->is_setof)
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "%s cannot accept set arguments", is_procedure ? "procedures" : "functions");
    if (is_sql(w) && type->kind == 'p' && type->oid != RDB_RECORDOID && !definition_is_polymorphic(type->oid) && mode != 't' && mode != 'o')
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "SQL functions cannot have arguments of type %s", type_text(w, type));
    if (is_input(param->mode)) {
        if (w->has_variadic)
            return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "VARIADIC parameter must be the last input parameter");
        w->input_types[d->argument_count] = type;
        w->types[d->argument_count++] = type->oid;
    }
    if (mode == 'o' && is_procedure && w->has_variadic)
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "VARIADIC parameter must be the last parameter");
    if (mode == 'o' && is_procedure && d->default_count > 0)
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "procedure OUT parameters cannot appear after one with a default value");
    if (mode == 'o' || mode == 'b' || mode == 't') {
        w->has_out = true;
        if (w->out_count++ == 0)
            w->out_type = type->oid;
    }
    if (mode == 'v') {
        w->has_variadic = true;
        d->variadic_type = type->oid == RDB_ANYARRAYOID             ? RDB_ANYELEMENTOID
                           : type->oid == RDB_ANYCOMPATIBLEARRAYOID ? RDB_ANYCOMPATIBLEOID
                           : type->oid == RDB_ANYOID                ? RDB_ANYOID
                           : type->element != NULL                  ? type->element->oid
                                                                    : 0;
        if (d->variadic_type == 0)
            return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "VARIADIC parameter must be an array");
    }
    w->all_types[at] = type->oid;
    w->modes[at] = mode;
    w->names[at] = param->name != NULL ? param->name : "";
    if (param->name != NULL && param->name[0] != '\0') {
        for (uint32_t before = 0; before < at; before++) {
            const bool gives = mode == 'o' || mode == 't', gave = w->modes[before] == 'o' || w->modes[before] == 't';
            const bool takes = mode == 'i' || mode == 'v', took = w->modes[before] == 'i' || w->modes[before] == 'v';
            /* One that is only taken and one that is only given may share a name. */
            if (!(gives && took) && !(takes && gave) && strcmp(w->names[before], param->name) == 0) {
                return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "parameter name \"%s\" used more than once", param->name);
            }
        }
        w->has_name = true;
    }
    if (param->default_value != NULL) {
        rdb_expr *value = NULL;
        if (!is_input(param->mode))
            return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "only input parameters can have default values");
        if (!rdb_expr_analyse(&w->analysis, NULL, param->default_value, type, -1, "DEFAULT expressions", &value, w->err)) {
            if (rdb_error_is(w->err, RDB_FEATURE_NOT_SUPPORTED) && strstr(w->err->message, "column reference") != NULL) {
                const int32_t position = w->err->position;
                rdb_error_clear(w->err);
                rdb_error_set(w->err, RDB_INVALID_COLUMN_REFERENCE, "cannot use table references in parameter default value");
                (void)position;
            }
            return false;
        }
        if (!command_expr_uses(w->context, NULL, value, &w->uses, w->err))
            return false;
        rdb_list_push(w->context->arena, defaults, value);
        d->default_count++;
    } else if (is_input(param->mode) && d->default_count > 0) {
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "input parameters after one with a default value must also have defaults");
    }
    return true;
}

static bool read_parameters(function_work *w)
{
    const rdb_list *parameters = &w->statement->parameters;
    rdb_function_definition *d = &w->definition;
    rdb_list defaults = {0};
    if (parameters->count > ARGUMENTS_MAX)
        return rdb_error_set(w->err, RDB_TOO_MANY_ARGUMENTS, "%s cannot have more than %d arguments", w->statement->is_procedure ? "procedures" : "functions", ARGUMENTS_MAX);
    for (uint32_t i = 0; i < parameters->count; i++)
        if (!read_parameter(w, parameters->items[i], i, &defaults))
            return false;
    d->argument_types = w->types;
    if (w->has_out || w->has_variadic) {
        d->all_types = w->all_types;
        d->all_modes = w->modes;
        d->all_count = (uint16_t)parameters->count;
    }
    d->names = w->has_name ? w->names : NULL;
    if (defaults.count > 0) {
        rdb_expr_row *row = RDB_NEW(w->context->arena, rdb_expr_row);
        rdb_strbuf text;
        row->head = (rdb_expr){.kind = RDB_EXPR_ROW, .location = -1, .typmod = -1};
        row->fields = defaults;
        for (uint32_t i = 0; i < defaults.count; i++)
            rdb_list_push(w->context->arena, &row->field_names, rdb_arena_printf(w->context->arena, "f%u", i + 1));
        rdb_strbuf_init(&text, w->context->arena);
        if (!rdb_type_get(w->context->access, RDB_RECORDOID, &row->head.type, w->err) || !rdb_tree_write_expr(&row->head, &text, w->err) ||
            !rdb_strbuf_check(&text, w->err))
            return false;
        d->defaults_tree = text.data;
    }
    return true;
}

static bool read_result(function_work *w)
{
    rdb_function_definition *d = &w->definition;
    uint32_t required = w->out_count == 0 ? 0 : w->out_count == 1 && !w->statement->is_procedure ? w->out_type : RDB_RECORDOID;
    const rdb_ast_type *written = w->statement->return_type;
    const rdb_type *type = NULL;
    if (w->statement->is_procedure) {
        d->return_type = required != 0 ? RDB_RECORDOID : RDB_VOIDOID;
    } else if (written != NULL) {
        const rdb_type *needed = NULL;
        if (!resolve_type(w, written, true, &type))
            return false;
        d->return_type = type->oid;
        d->returns_set = written->is_setof;
        bool has_table = false;
        for (uint32_t i = 0; i < w->statement->parameters.count; i++)
            has_table = has_table || w->modes[i] == 't';
        if (required != 0 && type->oid != required && !has_table) {
            if (!rdb_type_get(w->context->access, required, &needed, w->err))
                return false;
            return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "function result type must be %s because of OUT parameters", type_text(w, needed));
        }
        if (has_table)
            d->return_type = required;
    } else if (required != 0) {
        d->return_type = required;
    } else {
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "function result type must be specified");
    }
    if (!rdb_type_get(w->context->access, d->return_type, &w->return_type, w->err))
        return false;
    if (!definition_check_follows(w->return_type, w->types, d->argument_count, "cannot determine result data type", w->err))
        return false;
    for (uint32_t i = 0; i < w->statement->parameters.count; i++) {
        if (w->modes[i] == 'i' || w->modes[i] == 'v')
            continue;
        if (!rdb_type_get(w->context->access, w->all_types[i], &type, w->err) ||
            !definition_check_follows(type, w->types, d->argument_count, "cannot determine result data type", w->err))
            return false;
    }
    if (is_sql(w) && !definition_is_polymorphic(d->return_type) && w->return_type->kind == 'p' && d->return_type != RDB_RECORDOID && d->return_type != RDB_VOIDOID) {
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "SQL functions cannot return type %s", type_text(w, w->return_type));
    }
    return true;
}

/* ---- options --------------------------------------------------------------------------------------------------------------------- */
static bool set_number(const rdb_ast_option *option, float *value)
{
    const rdb_ast_value *argument = (const rdb_ast_value *)option->arg;
    if (argument == NULL)
        return false;
    *value = argument->kind == RDB_SQL_VALUE_INTEGER ? (float)argument->integer : argument->text != NULL ? strtof(argument->text, NULL) : 0;
    return true;
}

/* SET name TO value within a function's options: name=value, replacing an older one. */
static bool add_configuration(rdb_command_context *context, rdb_function_definition *d, const rdb_ast_set *set, rdb_error *err)
{
    const char **items = RDB_NEW_ARRAY(context->arena, const char *, d->configuration_count + 1);
    uint32_t count = 0;
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    if (set->kind == RDB_SQL_SET_RESET_ALL) {
        d->configuration = NULL;
        d->configuration_count = 0;
        return true;
    }
    const size_t length = strlen(set->name);
    for (uint32_t i = 0; i < d->configuration_count; i++)
        if (strncmp(d->configuration[i], set->name, length) != 0 || d->configuration[i][length] != '=')
            items[count++] = d->configuration[i];
    if (set->kind == RDB_SQL_SET_VALUE) {
        rdb_strbuf_addf(&text, "%s=", set->name);
        for (uint32_t i = 0; i < set->args.count; i++) {
            const rdb_ast_value *value = set->args.items[i];
            if (i > 0)
                rdb_strbuf_adds(&text, ", ");
            if (value->node.tag == RDB_AST_CONST && value->kind == RDB_SQL_VALUE_INTEGER)
                rdb_strbuf_addf(&text, "%lld", (long long)value->integer);
            else if (value->node.tag == RDB_AST_CONST && value->kind == RDB_SQL_VALUE_BOOL)
                rdb_strbuf_adds(&text, value->integer ? "true" : "false");
            else if (value->node.tag == RDB_AST_CONST && value->text != NULL && strcmp(set->name, "search_path") == 0)
                rdb_identifier_add(&text, value->text);
            else if (value->node.tag == RDB_AST_CONST && value->text != NULL)
                rdb_strbuf_adds(&text, value->text);
        }
        if (!rdb_strbuf_check(&text, err))
            return false;
        items[count++] = text.data;
    } else if (set->kind == RDB_SQL_SET_CURRENT) {
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "SET ... FROM CURRENT is not supported yet");
    }
    d->configuration = count > 0 ? items : NULL;
    d->configuration_count = count;
    return true;
}

/* An option that CREATE and ALTER have in common; *known false: it is none of them. */
static bool common_option(rdb_command_context *context, rdb_function_definition *d, const rdb_ast_option *option, bool *has_rows, bool *known, rdb_error *err)
{
    const char *name = option->name, *text = command_option_text(option);
    bool flag;
    *known = true;
    if (d->kind == 'p' && strcmp(name, "security") != 0 && strcmp(name, "set") != 0) {
        static const char *const functions_only[] = {"volatility", "strict", "leakproof", "cost", "rows", "support", "parallel", "window"};
        for (size_t i = 0; i < RDB_COUNT_OF(functions_only); i++)
            if (strcmp(functions_only[i], name) == 0) {
                rdb_error_set(err, RDB_INVALID_FUNCTION_DEFINITION, "invalid attribute in procedure definition");
                return command_at(context, option->node.location, err);
            }
    }
    if (strcmp(name, "volatility") == 0) {
        d->volatility = text[0];
    } else if (strcmp(name, "strict") == 0 || strcmp(name, "security") == 0 || strcmp(name, "leakproof") == 0) {
        if (!command_option_bool(option, &flag, err))
            return false;
        *(name[1] == 't' ? &d->is_strict : name[0] == 's' ? &d->is_security_definer : &d->is_leakproof) = flag;
        if (name[0] == 'l' && flag && !context->role->is_superuser)
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "only superuser can define a leakproof function");
    } else if (strcmp(name, "cost") == 0) {
        if (!set_number(option, &d->cost) || d->cost <= 0)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "COST must be positive");
    } else if (strcmp(name, "rows") == 0) {
        if (!set_number(option, &d->rows) || d->rows <= 0)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "ROWS must be positive");
        *has_rows = true;
    } else if (strcmp(name, "parallel") == 0) {
        static const char *const words[] = {"safe", "restricted", "unsafe"};
        d->parallel = 0;
        for (size_t i = 0; i < RDB_COUNT_OF(words); i++)
            if (text != NULL && strcmp(text, words[i]) == 0)
                d->parallel = words[i][0];
        if (d->parallel == 0)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE");
    } else if (strcmp(name, "set") == 0) {
        return add_configuration(context, d, (const rdb_ast_set *)option->arg, err);
    } else if (strcmp(name, "support") == 0) {
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "support functions are not supported");
    } else {
        *known = false;
    }
    return true;
}

static bool read_options(function_work *w)
{
    const rdb_list *options = &w->statement->options;
    rdb_function_definition *d = &w->definition;
    bool has_rows = false, known;
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        for (uint32_t k = 0; k < i && strcmp(option->name, "set") != 0; k++)
            if (strcmp(((const rdb_ast_option *)options->items[k])->name, option->name) == 0)
                {
                rdb_error_set(w->err, RDB_SYNTAX_ERROR, "conflicting or redundant options");
                return command_at(w->context, option->node.location, w->err);
            }
        if (!common_option(w->context, d, option, &has_rows, &known, w->err))
            return false;
        if (known)
            continue;
        if (strcmp(option->name, "as") == 0)
            w->as = option->arg;
        else if (strcmp(option->name, "language") == 0)
            w->language = command_option_text(option);
        else if (strcmp(option->name, "window") == 0)
            return rdb_error_set(w->err, RDB_FEATURE_NOT_SUPPORTED, "window functions can only be built in");
        else
            return rdb_error_set(w->err, RDB_FEATURE_NOT_SUPPORTED, "function option \"%s\" is not supported yet", option->name);
    }
    if (has_rows && !d->returns_set)
        return rdb_error_set(w->err, RDB_INVALID_PARAMETER_VALUE, "ROWS is not applicable when function does not return a set");
    if (d->returns_set && !has_rows)
        d->rows = 1000;
    return true;
}

static bool read_language(function_work *w)
{
    if (w->language == NULL) {
        if (w->statement->body == NULL)
            return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "no language specified");
        w->language = "sql";
    }
    if (strcmp(w->language, "sql") == 0) {
        w->definition.language_oid = RDB_LANGUAGE_SQL;
        return true;
    }
    if (w->statement->body != NULL)
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "inline SQL function body only valid for language SQL");
    if (strcmp(w->language, "internal") == 0) {
        w->definition.language_oid = RDB_LANGUAGE_INTERNAL;
        if (!w->definition.returns_set && w->definition.cost == 100)
            w->definition.cost = 1;
        return w->context->role->is_superuser || rdb_error_set(w->err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied for language internal");
    }
    if (strcmp(w->language, "c") == 0 && rdb_access_extension(w->context->access) != 0) { /* of a library that the server has */
        w->definition.language_oid = RDB_LANGUAGE_C;
        if (!w->definition.returns_set && w->definition.cost == 100)
            w->definition.cost = 1;
        return true;
    }
    if (strcmp(w->language, "c") == 0)
        return rdb_error_set(w->err, RDB_FEATURE_NOT_SUPPORTED, "functions in language \"%s\" are not supported: there is no native code to load", w->language);
    if (strcmp(w->language, "plpgsql") == 0)
        return rdb_error_set(w->err, RDB_FEATURE_NOT_SUPPORTED, "functions in language \"plpgsql\" are not supported yet");
    return rdb_error_set(w->err, RDB_UNDEFINED_OBJECT, "language \"%s\" does not exist", w->language);
}

/* ---- the body ---------------------------------------------------------------------------------------------------------------------- */
/* Where the one literal of the statement that holds this body starts: *offset of its first byte, and whether its quotes are
 * doubled within. False: it cannot be told. */
static bool find_literal(const char *text, const char *body, size_t *offset, bool *is_doubled)
{
    uint32_t found = 0;
    const size_t length = strlen(body);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '$') {
            const char *end = at + 1;
            while (*end != '\0' && *end != '$' && *end != ' ' && *end != '\n')
                end++;
            if (*end != '$')
                continue;
            const size_t tag = (size_t)(end - at) + 1;
            if (strncmp(end + 1, body, length) == 0 && strncmp(end + 1 + length, at, tag) == 0) {
                *offset = (size_t)(end + 1 - text);
                *is_doubled = false;
                found++;
                at = end + length + tag;
            }
        } else if (*at == '\'') {
            const char *in_text = at + 1;
            size_t i = 0;
            for (; i < length; i++) {
                if (body[i] == '\'' && in_text[0] == '\'' && in_text[1] == '\'')
                    in_text += 2;
                else if (*in_text == body[i] && body[i] != '\'')
                    in_text++;
                else
                    break;
            }
            if (i == length && in_text[0] == '\'' && in_text[1] != '\'') {
                *offset = (size_t)(at + 1 - text);
                *is_doubled = true;
                found++;
                at = in_text;
            }
        }
        if (*at == '\0')
            break;
    }
    return found == 1;
}

/* A position in the body becomes one in the statement, where its literal can be found; else the routine is named. */
static void place_body_error(function_work *w, const char *body)
{
    size_t offset = 0;
    bool is_doubled = false;
    rdb_error *err = w->err;
    if (err->position == 0 || body == NULL) {
        if (err->position == 0)
            rdb_error_add_context(err, "SQL function \"%s\"", w->definition.name);
        return;
    }
    if (!find_literal(w->context->text, body, &offset, &is_doubled)) {
        (void)rdb_body_error(err, body);
        return;
    }
    const char *at = body, *in_text = w->context->text + offset;
    for (int32_t characters = 1; characters < err->position && *at != '\0'; characters++) {
        in_text += is_doubled && *at == '\'' ? 2 : 1;
        at++;
        while (((unsigned char)*at & 0xC0) == 0x80) {
            at++;
            in_text++;
        }
    }
    err->position = rdb_sql_position(w->context->text, strlen(w->context->text), (int32_t)(in_text - w->context->text));
}

static bool has_polymorphic(const function_work *w)
{
    for (uint16_t i = 0; i < w->definition.argument_count; i++)
        if (definition_is_polymorphic(w->definition.argument_types[i]))
            return true;
    return false;
}

static bool read_body(function_work *w)
{
    rdb_function_definition *d = &w->definition;
    rdb_command_context *context = w->context;
    /* The descriptor that the body sees: not in the catalog yet. */
    rdb_function function = {.name = d->name, .namespace_oid = d->namespace_oid, .kind = d->kind, .returns_set = d->returns_set, .volatility = d->volatility,
                             .argument_count = d->argument_count, .argument_types = d->argument_types, .return_type = d->return_type,
                             .all_count = d->all_count, .all_types = d->all_types, .all_modes = d->all_modes, .argument_names = d->names,
                             .language_oid = d->language_oid, .has_body = true};
    rdb_body *body = NULL;
    if (w->statement->body != NULL) {
        rdb_list statements;
        rdb_strbuf text;
        if (w->as != NULL)
            return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "duplicate function body specified");
        if (has_polymorphic(w))
            return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "SQL function with unquoted function body cannot have polymorphic arguments");
        rdb_strbuf_init(&text, context->arena);
        d->source = "";
        if (!rdb_body_analyse_raw(&w->analysis, &function, w->statement->body, w->input_types, d->argument_count, w->return_type, &statements, &body, w->err)) {
            if (rdb_error_is(w->err, RDB_INVALID_FUNCTION_DEFINITION) && w->err->position == 0)
                rdb_error_add_context(w->err, "SQL function \"%s\"", d->name);
            return false;
        }
        if (!rdb_body_write(&statements, &text, w->err))
            return false;
        d->body_tree = text.data;
        for (uint32_t i = 0; i < statements.count; i++)
            if (!command_query_uses(context, statements.items[i], &w->uses, w->err))
                return false;
        return true;
    }
    if (w->as == NULL)
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "no function body specified");
    const rdb_list *parts = w->as->tag == RDB_AST_LIST ? &((const rdb_ast_items *)w->as)->items : NULL;
    if (d->language_oid == RDB_LANGUAGE_C) { /* a library, and what the function is called there */
        d->binary_source = ((const rdb_ast_value *)(parts != NULL ? parts->items[0] : (const void *)w->as))->text;
        d->source = parts != NULL && parts->count > 1 ? ((const rdb_ast_value *)parts->items[1])->text : d->name;
        return true;
    }
    if (parts != NULL && parts->count > 1)
        return rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "only one AS item needed for language \"%s\"", w->language);
    d->source = ((const rdb_ast_value *)(parts != NULL ? parts->items[0] : (const void *)w->as))->text;
    if (d->language_oid != RDB_LANGUAGE_INTERNAL || rdb_function_of_source(d->source) != 0)
        return true;
    return rdb_error_set(w->err, RDB_UNDEFINED_FUNCTION, "there is no built-in function named \"%s\"", d->source);
}

/* After the function is there: its body may call it. */
static bool check_body(function_work *w)
{
    const rdb_function_definition *d = &w->definition;
    rdb_command_context *context = w->context;
    const rdb_function *function = NULL;
    rdb_body *body = NULL;
    if (d->body_tree != NULL || context->skips_function_bodies || d->language_oid != RDB_LANGUAGE_SQL)
        return true;
    bool ok;
    if (has_polymorphic(w)) { /* the types are known at a call alone: the grammar is all that can be checked */
        rdb_ast_list list;
        ok = rdb_sql_parse(context->arena, d->source, strlen(d->source), &list, w->err);
    } else {
        ok = rdb_function_get(context->access, w->oid, &function, w->err) &&
             rdb_body_analyse(&w->analysis, function, w->input_types, d->argument_count, w->return_type, &body, w->err);
    }
    if (!ok)
        place_body_error(w, d->source);
    return ok;
}

/* ---- CREATE OR REPLACE over one that is there ------------------------------------------------------------------------------------------ */
static const char *signature_text(rdb_command_context *context, uint32_t oid, rdb_error *err)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, context->arena);
    if (!rdb_object_describe(context->access, (rdb_object_address){RDB_PG_PROC, oid, 0}, &text, err))
        return NULL;
    const char *space = strchr(text.data, ' ');
    return space != NULL ? space + 1 : text.data;
}

/* The next parameter from *at on that is given, by its place among all; UINT16_MAX: there is none. */
static uint16_t next_given(const char *modes, uint16_t count, uint16_t *at)
{
    while (modes != NULL && *at < count) {
        const char mode = modes[(*at)++];
        if (mode != 'i' && mode != 'v')
            return (uint16_t)(*at - 1);
    }
    return UINT16_MAX;
}

/* Do both give the same columns? */
static bool gives_same(const rdb_function *old, const rdb_function_definition *d)
{
    uint16_t old_at = 0, at = 0;
    for (;;) {
        const uint16_t was = next_given(old->all_modes, old->all_count, &old_at), is = next_given(d->all_modes, d->all_count, &at);
        if (was == UINT16_MAX || is == UINT16_MAX)
            return was == is;
        const char *old_name = old->argument_names != NULL && old->argument_names[was] != NULL ? old->argument_names[was] : "", *name = d->names != NULL ? d->names[is] : "";
        if (old->all_types[was] != d->all_types[is] || strcmp(old_name, name) != 0)
            return false;
    }
}

static bool check_replaced(function_work *w, uint32_t oid)
{
    const rdb_function *old = NULL;
    const rdb_function_definition *d = &w->definition;
    const char *signature = signature_text(w->context, oid, w->err);
    const char *word = d->kind == 'p' ? "PROCEDURE" : "FUNCTION";
    if (signature == NULL || !rdb_function_get(w->context->access, oid, &old, w->err) || old == NULL)
        return false;
    if (!old->has_body)
        return rdb_error_set(w->err, RDB_INSUFFICIENT_PRIVILEGE, "built-in function %s cannot be replaced", signature);
    if (!w->statement->or_replace)
        return rdb_error_set(w->err, RDB_DUPLICATE_FUNCTION, "function \"%s\" already exists with same argument types", d->name);
    if (!command_check_function_owner(w->context, old, w->err))
        return false;
    if (old->kind != d->kind) {
        rdb_error_set(w->err, RDB_WRONG_OBJECT_TYPE, "cannot change routine kind");
        return rdb_error_detail(w->err, "\"%s\" is %s.", d->name,
                                old->kind == 'a' ? "an aggregate function" : old->kind == 'f' ? "a function" : old->kind == 'p' ? "a procedure" : "a window function");
    }
    if (old->return_type != d->return_type || old->returns_set != d->returns_set) {
        rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, d->kind == 'p' ? "cannot change whether a procedure has output parameters" : "cannot change return type of existing function");
        return rdb_error_hint(w->err, "Use DROP %s %s first.", word, signature);
    }
    if (d->return_type == RDB_RECORDOID && !gives_same(old, d)) {
        rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "cannot change return type of existing function");
        rdb_error_detail(w->err, "Row type defined by OUT parameters is different.");
        return rdb_error_hint(w->err, "Use DROP %s %s first.", word, signature);
    }
    const char *const *old_names = rdb_body_argument_names(w->context->arena, old);
    const rdb_function fresh = {.argument_count = d->argument_count, .all_count = d->all_count, .all_modes = d->all_modes, .argument_names = d->names};
    const char *const *names = rdb_body_argument_names(w->context->arena, &fresh);
    for (uint16_t i = 0; old_names != NULL && i < d->argument_count; i++)
        if (old_names[i] != NULL && old_names[i][0] != '\0' && (names == NULL || names[i] == NULL || strcmp(names[i], old_names[i]) != 0)) {
            rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "cannot change name of input parameter \"%s\"", old_names[i]);
            return rdb_error_hint(w->err, "Use DROP %s %s first.", word, signature);
        }
    if (old->default_count > d->default_count) {
        rdb_error_set(w->err, RDB_INVALID_FUNCTION_DEFINITION, "cannot remove parameter defaults from existing function");
        return rdb_error_hint(w->err, "Use DROP %s %s first.", word, signature);
    }
    return true;
}

bool command_create_function(rdb_command_context *context, const rdb_ast_create_function *statement, rdb_error *err)
{
    const rdb_ast_names *name = &statement->name;
    const rdb_ast_table place = {.node = {RDB_AST_TABLE, -1}, .name = name->items[name->count - 1], .schema = name->count > 1 ? name->items[name->count - 2] : NULL};
    function_work *w = RDB_NEW(context->arena, function_work);
    w->context = context;
    w->statement = statement;
    w->err = err;
    w->definition = (rdb_function_definition){.name = place.name, .owner_oid = context->role->oid, .kind = statement->is_procedure ? 'p' : 'f', .volatility = 'v',
                                              .parallel = 'u', .cost = 100};
    command_analysis(context, &w->analysis);
    snprintf(context->tag, sizeof context->tag, "%s", statement->is_procedure ? "CREATE PROCEDURE" : "CREATE FUNCTION");
    if (!command_creation_namespace(context, &place, &w->definition.namespace_oid, err) || !read_parameters(w) || !read_result(w) || !read_options(w) ||
        !read_language(w) ||
        !rdb_function_find_exact(context->access, w->definition.namespace_oid, place.name, w->types, w->definition.argument_count, &w->oid, err))
        return false;
    if (w->oid != 0 && !check_replaced(w, w->oid))
        return false;
    if (!read_body(w))
        return false;
    w->definition.uses = w->uses.items;
    w->definition.use_count = w->uses.count;
    return rdb_ddl_write_function(context->access, &w->definition, &w->oid, err) && check_body(w);
}

/* ---- routines by signature ----------------------------------------------------------------------------------------------------------------- */
static const char *routine_word(rdb_sql_object_type type)
{
    return type == RDB_SQL_OBJECT_PROCEDURE ? "procedure" : type == RDB_SQL_OBJECT_AGGREGATE ? "aggregate" : type == RDB_SQL_OBJECT_ROUTINE ? "routine" : "function";
}

bool command_check_function_owner(rdb_command_context *context, const rdb_function *function, rdb_error *err)
{
    bool is_owner = false;
    if (!rdb_acl_is_owner(context->access, context->role->oid, function->owner_oid != 0 ? function->owner_oid : (uint32_t)RDB_ROLE_ADMIN_OID, &is_owner, err))
        return false;
    if (is_owner)
        return true;
    return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of %s %s", function->kind == 'p' ? "procedure" : function->kind == 'a' ? "aggregate" : "function",
                         function->name);
}

static bool kind_fits(rdb_sql_object_type type, char kind)
{
    switch (type) {
    case RDB_SQL_OBJECT_FUNCTION: /* an aggregate is one too; who minds asks again */
        return kind != 'p';
    case RDB_SQL_OBJECT_PROCEDURE:
        return kind == 'p';
    case RDB_SQL_OBJECT_AGGREGATE:
        return kind == 'a';
    default:
        return true;
    }
}

bool command_find_routine(rdb_command_context *context, const rdb_ast_signature *signature, rdb_sql_object_type type, bool missing_ok,
                          const rdb_function **function, rdb_error *err)
{
    rdb_analysis analysis;
    uint32_t types[ARGUMENTS_MAX], count = 0, matches = 0, function_count;
    const rdb_function *const *functions;
    const char *schema = signature->name.count > 1 ? signature->name.items[signature->name.count - 2] : NULL;
    const char *name = signature->name.items[signature->name.count - 1];
    const rdb_function *other = NULL;
    rdb_strbuf text, resolved; /* the arguments as written; as the types they are */
    *function = NULL;
    command_analysis(context, &analysis);
    analysis.text = NULL; /* errors of the arguments' types have no place */
    if (missing_ok && schema != NULL) {
        uint32_t schema_oid = 0;
        if (!rdb_namespace_find(context->access, schema, &schema_oid, err))
            return false;
        if (schema_oid == 0) {
            command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "schema \"%s\" does not exist, skipping", schema);
            return true;
        }
    }
    bool has_modes = false;
    for (uint32_t i = 0; i < signature->params.count; i++)
        has_modes = has_modes || ((const rdb_ast_function_param *)signature->params.items[i])->mode != RDB_SQL_PARAM_DEFAULT;
    rdb_strbuf_init(&text, context->arena);
    rdb_strbuf_init(&resolved, context->arena);
    if (schema != NULL)
        rdb_strbuf_addf(&text, "%s.", schema);
    rdb_strbuf_adds(&text, name);
    if (!signature->is_bare)
        rdb_strbuf_addc(&text, '(');
    for (uint32_t i = 0; !signature->is_bare && i < signature->args.count; i++) {
        const rdb_ast_type *written = signature->args.items[i];
        const rdb_type *argument = NULL;
        int32_t typmod;
        uint32_t collation;
        rdb_strbuf_adds(&text, i > 0 ? "," : "");
        for (uint32_t k = 0; k < written->names.count; k++)
            rdb_strbuf_addf(&text, "%s%s", k > 0 ? "." : "", written->names.items[k]);
        for (uint32_t k = 0; k < written->bounds.count; k++)
            rdb_strbuf_adds(&text, "[]");
        if (count == ARGUMENTS_MAX)
            return rdb_error_set(err, RDB_TOO_MANY_ARGUMENTS, "functions cannot have more than %d arguments", ARGUMENTS_MAX);
        if (!rdb_type_resolve(&analysis, signature->args.items[i], &argument, &typmod, &collation, err)) {
            if (missing_ok && (rdb_error_is(err, RDB_UNDEFINED_OBJECT) || rdb_error_is(err, RDB_INVALID_SCHEMA_NAME))) {
                command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "%s, skipping", rdb_error_message(err));
                rdb_error_clear(err);
                return true;
            }
            return false;
        }
        types[count++] = argument->oid;
        rdb_strbuf_adds(&resolved, i > 0 ? ", " : "(");
        rdb_type_format_name(argument, -1, false, &resolved);
    }
    if (!signature->is_bare)
        rdb_strbuf_addc(&text, ')');
    rdb_strbuf_adds(&resolved, count > 0 ? ")" : type == RDB_SQL_OBJECT_AGGREGATE ? "(*)" : "()");
    const char *called = signature->is_bare ? name : rdb_arena_printf(context->arena, "%s%s%s%s", schema != NULL ? schema : "", schema != NULL ? "." : "", name, resolved.data);
    if (!rdb_strbuf_check(&text, err) || !rdb_function_find(context->access, schema, name, &functions, &function_count, err))
        return false;
    for (uint32_t i = 0; i < function_count; i++) {
        const rdb_function *candidate = functions[i];
        bool fits = signature->is_bare || (candidate->argument_count == count && (count == 0 || memcmp(candidate->argument_types, types, count * sizeof *types) == 0));
        /* A procedure may be named with its OUT arguments too, where no modes tell which they are. */
        if (!fits && !has_modes && candidate->kind == 'p' && candidate->all_count == signature->params.count && candidate->all_count == count)
            fits = memcmp(candidate->all_types, types, count * sizeof *types) == 0;
        if (!fits)
            continue;
        if (!kind_fits(type, candidate->kind)) {
            other = other == NULL ? candidate : other;
            continue;
        }
        if (*function != NULL && !signature->is_bare && (*function)->namespace_oid != candidate->namespace_oid)
            break; /* the first in the search path */
        if (*function == NULL)
            *function = candidate;
        matches++;
    }
    const char *word = routine_word(type);
    if (!signature->is_bare && matches > 1)
        return rdb_error_set(err, RDB_AMBIGUOUS_FUNCTION, "%s name \"%s\" is not unique", word, name);
    if (signature->is_bare && matches > 1) {
        rdb_error_set(err, RDB_AMBIGUOUS_FUNCTION, "%s name \"%s\" is not unique", word, text.data);
        return rdb_error_hint(err, "Specify the argument list to select the %s unambiguously.", word);
    }
    if (*function != NULL)
        return true;
    if (other != NULL && !signature->is_bare) {
        const char *article = type == RDB_SQL_OBJECT_AGGREGATE ? "an aggregate" : type == RDB_SQL_OBJECT_PROCEDURE ? "a procedure" : "a function";
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, type == RDB_SQL_OBJECT_AGGREGATE && !signature->is_bare ? "function %s is not %s" : "%s is not %s", called, article);
    }
    if (missing_ok) {
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "%s %s does not exist, skipping", word, text.data);
        return true;
    }
    if (signature->is_bare)
        return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "could not find a %s named \"%s\"", word, text.data);
    return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "%s %s does not exist", word, called);
}

bool command_alter_function(rdb_command_context *context, const rdb_ast_alter_function *statement, rdb_error *err)
{
    const rdb_function *function = NULL;
    rdb_function_definition definition;
    bool has_rows = false, known;
    if (!command_find_routine(context, statement->function, statement->object_type, false, &function, err) ||
        !command_check_function_owner(context, function, err) || !rdb_ddl_read_function(context->access, function->oid, context->arena, &definition, err))
        return false;
    snprintf(context->tag, sizeof context->tag, "ALTER %s",
             statement->object_type == RDB_SQL_OBJECT_PROCEDURE ? "PROCEDURE" : statement->object_type == RDB_SQL_OBJECT_ROUTINE ? "ROUTINE" : "FUNCTION");
    if (function->kind == 'a')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is an aggregate function", function->name);
    for (uint32_t i = 0; i < statement->actions.count; i++) {
        if (!common_option(context, &definition, statement->actions.items[i], &has_rows, &known, err))
            return false;
        if (!known)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "this form of ALTER FUNCTION is not supported yet");
    }
    if (has_rows && !definition.returns_set)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "ROWS is not applicable when function does not return a set");
    return command_rewrite_function(context, function->oid, &definition, err);
}

/* The row anew, its dependencies as they were. */
bool command_rewrite_function(rdb_command_context *context, uint32_t oid, rdb_function_definition *definition, rdb_error *err)
{
    command_uses uses = {0};
    if (definition->body_tree != NULL) {
        rdb_list statements;
        if (!rdb_body_read(context->arena, context->access, definition->body_tree, &statements, err))
            return false;
        for (uint32_t i = 0; i < statements.count; i++)
            if (!command_query_uses(context, statements.items[i], &uses, err))
                return false;
    }
    if (definition->defaults_tree != NULL) {
        rdb_expr *row = NULL;
        if (!rdb_tree_read_expr(context->arena, context->access, definition->defaults_tree, &row, err) || !command_expr_uses(context, NULL, row, &uses, err))
            return false;
    }
    definition->uses = uses.items;
    definition->use_count = uses.count;
    return rdb_ddl_write_function(context->access, definition, &oid, err);
}
