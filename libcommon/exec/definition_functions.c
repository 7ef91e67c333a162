/* SPDX-License-Identifier: Apache-2.0
 * pg_get_viewdef, pg_get_ruledef, pg_get_functiondef and the parts of a function's signature, as PostgreSQL prints them. */
#include "catalog/rdb_ddl.h"
#include "exec/exec_int.h"
#include "expr/kernels.h"
#include <stdio.h>

static bool finish_text(rdb_call *call, rdb_strbuf *text, rdb_datum *result)
{
    return rdb_strbuf_check(text, call->err) && expr_set_text(call, text->data ? text->data : "", text->length, result);
}

/* ---- views and their rules -------------------------------------------------------------------------------------------------------- */
static bool add_view(rdb_call *call, const rdb_relation *view, bool is_pretty, int32_t wrap_column, rdb_strbuf *text)
{
    rdb_query *query = NULL;
    const rdb_deparse_style style = {.access = rdb_eval_of(call)->access, .format = call->format, .is_pretty = is_pretty, .breaks_lines = true, .wrap_column = wrap_column};
    if (!rdb_tree_read_query(call->arena, style.access, view->view_tree, &query, call->err) || !rdb_deparse_query(&style, query, view, text, call->err))
        return false;
    rdb_strbuf_addc(text, ';');
    return true;
}

static bool give_view(rdb_call *call, uint32_t oid, bool is_pretty, int32_t wrap_column, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    rdb_strbuf text;
    if (!rdb_relation_get(rdb_eval_of(call)->access, oid, &relation, call->err))
        return false;
    *is_null = relation == NULL || relation->view_tree == NULL;
    if (*is_null)
        return true;
    rdb_strbuf_init(&text, call->arena);
    return add_view(call, relation, is_pretty, wrap_column, &text) && finish_text(call, &text, result);
}

static bool find_named(rdb_call *call, rdb_datum name, uint32_t *oid)
{
    const char *parts[3];
    uint32_t count = 0;
    const rdb_relation *relation = NULL;
    const rdb_slice text = {name.bytes.data, name.bytes.length};
    *oid = 0;
    if (!expr_split_name(call, text, parts, &count) ||
        !rdb_relation_find(rdb_eval_of(call)->access, count > 1 ? parts[count - 2] : NULL, parts[count - 1], &relation, call->err))
        return false;
    if (relation == NULL)
        return rdb_error_set(call->err, RDB_UNDEFINED_TABLE, "relation \"%s\" does not exist", expr_get_text(call, name));
    *oid = relation->oid;
    return true;
}

static bool view_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_view(call, a[0].oid, false, 0, result, is_null);
}
EXPR_ROW_KERNEL(view, 1)

static bool view_pretty_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_view(call, a[0].oid, a[1].b, 0, result, is_null);
}
EXPR_ROW_KERNEL(view_pretty, 2)

static bool view_wrapped_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_view(call, a[0].oid, true, a[1].i32, result, is_null);
}
EXPR_ROW_KERNEL(view_wrapped, 2)

static bool view_named_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    uint32_t oid;
    (void)nulls;
    return find_named(call, a[0], &oid) && give_view(call, oid, false, 0, result, is_null);
}
EXPR_ROW_KERNEL(view_named, 1)

static bool view_named_pretty_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    uint32_t oid;
    (void)nulls;
    return find_named(call, a[0], &oid) && give_view(call, oid, a[1].b, 0, result, is_null);
}
EXPR_ROW_KERNEL(view_named_pretty, 2)

/* WHERE, DO and the actions. */
static bool add_actions(rdb_call *call, const rdb_rule *rule, bool is_pretty, rdb_strbuf *text)
{
    rdb_access *access = rdb_eval_of(call)->access;
    const rdb_deparse_style style = {.access = access, .format = call->format, .is_pretty = is_pretty, .breaks_lines = true, .wrap_column = 0};
    rdb_expr *condition = NULL;
    rdb_list actions;
    if (!rdb_rule_read_actions(call->arena, access, rule->action_trees, &actions, call->err))
        return false;
    if (rule->condition_tree != NULL) {
        rdb_query holder = {.command = RDB_COMMAND_SELECT}, *part = actions.count > 0 ? rdb_rule_part(actions.items[0]) : &holder;
        const rdb_relation *relation = NULL;
        static const char *const NAMES[] = {"old", "new"};
        if (!rdb_relation_get(access, rule->relation_oid, &relation, call->err) || !rdb_tree_read_expr(call->arena, access, rule->condition_tree, &condition, call->err))
            return false;
        for (size_t i = 0; actions.count == 0 && i < RDB_COUNT_OF(NAMES); i++) { /* DO NOTHING names no ranges */
            rdb_range *range = RDB_NEW(call->arena, rdb_range);
            *range = (rdb_range){.kind = RDB_RANGE_RELATION, .relation = relation, .alias = NAMES[i], .has_alias = true};
            rdb_list_push(call->arena, &holder.ranges, range);
        }
        rdb_strbuf_adds(text, "\n   WHERE ");
        if (!rdb_deparse_rule_condition(&style, condition, part, text, call->err))
            return false;
    }
    rdb_strbuf_adds(text, rule->is_instead ? " DO INSTEAD " : " DO ");
    if (actions.count == 0)
        rdb_strbuf_adds(text, "NOTHING");
    if (actions.count > 1)
        rdb_strbuf_addc(text, '(');
    for (uint32_t i = 0; i < actions.count; i++) {
        if (!rdb_deparse_query(&style, actions.items[i], NULL, text, call->err))
            return false;
        rdb_strbuf_adds(text, actions.count > 1 ? ";\n" : "");
    }
    rdb_strbuf_adds(text, actions.count > 1 ? ");" : ";");
    return true;
}

static bool give_rule(rdb_call *call, const rdb_datum *a, bool is_pretty, rdb_datum *result, bool *is_null)
{
    rdb_access *access = rdb_eval_of(call)->access;
    const rdb_relation *relation = NULL;
    rdb_rule rule;
    bool found = false, visible = false;
    rdb_strbuf text;
    *is_null = true;
    if (!rdb_rule_read(access, a[0].oid, call->arena, &rule, &found, call->err))
        return false;
    if (!found || !rdb_relation_get(access, rule.relation_oid, &relation, call->err))
        return !found;
    const bool is_view = rule.event == '1';
    *is_null = relation == NULL || (is_view && relation->view_tree == NULL);
    if (*is_null)
        return true;
    if (is_pretty && !rdb_relation_is_visible(access, relation->oid, &visible, call->err))
        return false;
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_adds(&text, "CREATE RULE ");
    expr_add_qualified(&text, NULL, rule.name);
    rdb_strbuf_addf(&text, " AS\n    ON %s TO ", is_view ? "SELECT" : rule.event == '2' ? "UPDATE" : rule.event == '3' ? "INSERT" : "DELETE");
    expr_add_qualified(&text, visible ? NULL : relation->namespace_name, relation->name);
    if (!is_view)
        return add_actions(call, &rule, is_pretty, &text) && finish_text(call, &text, result);
    rdb_strbuf_adds(&text, " DO INSTEAD ");
    return add_view(call, relation, is_pretty, 0, &text) && finish_text(call, &text, result);
}

static bool rule_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_rule(call, a, false, result, is_null);
}
EXPR_ROW_KERNEL(rule, 1)

static bool rule_pretty_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_rule(call, a, a[1].b, result, is_null);
}
EXPR_ROW_KERNEL(rule_pretty, 2)

/* ---- functions ----------------------------------------------------------------------------------------------------------------------- */
static bool add_type_name(rdb_call *call, uint32_t oid, rdb_strbuf *text)
{
    const rdb_type *type = NULL;
    rdb_access *access = rdb_eval_of(call)->access;
    return rdb_type_get(access, oid, &type, call->err) && (type == NULL || rdb_expr_format_type(access, type, -1, false, text, call->err));
}

static bool is_built_in(const rdb_function *function)
{
    enum { SCRIPTED_OIDS = 12000 }; /* from here on functions are made by statements, at initialisation too, and have trees */
    return function->oid < SCRIPTED_OIDS;
}

/* Defaults of a built-in function are texts, a line each: the input of the argument's type. */
static bool add_built_in_default(rdb_call *call, const rdb_function *function, uint32_t default_no, uint32_t type, rdb_strbuf *text)
{
    const char *line = function->defaults_tree;
    for (; default_no > 0 && line != NULL; default_no--)
        line = (line = strchr(line, '\n')) != NULL ? line + 1 : NULL;
    if (line == NULL)
        return rdb_error_set(call->err, RDB_DATA_CORRUPTED, "function %u has fewer defaults than it says", function->oid);
    int length = (int)strcspn(line, "\n");
    if (type == RDB_BOOLOID || type == RDB_INT4OID || type == RDB_INT8OID || type == RDB_FLOAT8OID) {
        rdb_strbuf_addf(text, "%.*s", length, line);
        return true;
    }
    rdb_strbuf_addf(text, "'%.*s'::", length, line);
    return add_type_name(call, type, text);
}

/* The defaults of the last arguments, as trees. */
static bool read_defaults(rdb_call *call, const rdb_function *function, rdb_list *defaults)
{
    rdb_expr *list = NULL;
    *defaults = (rdb_list){0};
    if (function->defaults_tree == NULL || function->default_count == 0 || is_built_in(function))
        return true;
    if (!rdb_tree_read_expr(call->arena, rdb_eval_of(call)->access, function->defaults_tree, &list, call->err))
        return false;
    if (list->kind == RDB_EXPR_ROW)
        *defaults = ((rdb_expr_row *)list)->fields;
    else
        rdb_list_push(call->arena, defaults, list);
    return true;
}

static bool add_default(rdb_call *call, const rdb_expr *expr, rdb_strbuf *text)
{
    const rdb_deparse_style style = {.access = rdb_eval_of(call)->access, .format = call->format};
    return rdb_deparse_stored_expr(&style, expr, NULL, text, call->err);
}

static bool add_arguments(rdb_call *call, const rdb_function *function, bool with_defaults, bool of_table, rdb_strbuf *text)
{
    const uint32_t count = function->all_count ? function->all_count : function->argument_count;
    const uint32_t *types = function->all_count ? function->all_types : function->argument_types;
    rdb_list defaults = {0};
    uint32_t input_no = 0, printed = 0, order_at = UINT32_MAX; /* ORDER BY stands before argument order_at */
    if (with_defaults && !read_defaults(call, function, &defaults))
        return false;
    if (function->kind == 'a') {
        const rdb_aggregate *aggregate = NULL;
        if (!rdb_aggregate_get(rdb_eval_of(call)->access, function->oid, &aggregate, call->err))
            return false;
        if (aggregate != NULL && aggregate->kind != 'n')
            order_at = aggregate->direct_argument_count;
    }
    for (uint32_t i = 0; i < count; i++) {
        char mode = function->all_modes != NULL ? function->all_modes[i] : 'i';
        if (mode == 'i' && function->variadic_type != 0 && function->all_modes == NULL && i + 1 == count)
            mode = 'v';
        bool is_input = mode == 'i' || mode == 'b' || mode == 'v';
        input_no += is_input;
        if ((mode == 't') != of_table)
            continue;
        rdb_strbuf_adds(text, printed == order_at ? (printed > 0 ? " ORDER BY " : "ORDER BY ") : printed > 0 ? ", " : "");
        rdb_strbuf_adds(text, mode == 'o' ? "OUT " : mode == 'b' ? "INOUT " : mode == 'v' ? "VARIADIC " : mode == 'i' && function->kind == 'p' ? "IN " : "");
        if (function->argument_names != NULL && function->argument_names[i] != NULL && function->argument_names[i][0] != '\0') {
            rdb_identifier_add(text, function->argument_names[i]);
            rdb_strbuf_addc(text, ' ');
        }
        if (!add_type_name(call, types[i], text))
            return false;
        if (with_defaults && is_built_in(function) && is_input && input_no + function->default_count > function->argument_count) {
            rdb_strbuf_adds(text, " DEFAULT ");
            if (!add_built_in_default(call, function, input_no - 1 + function->default_count - function->argument_count, types[i], text))
                return false;
        } else if (is_input && input_no + defaults.count > function->argument_count) {
            rdb_strbuf_adds(text, " DEFAULT ");
            if (!add_default(call, defaults.items[input_no - 1 + defaults.count - function->argument_count], text))
                return false;
        }
        if (++printed == order_at && i + 1 == count) /* one VARIADIC stands for the direct arguments and for those that are ordered */
            i--, input_no--, with_defaults = false;
    }
    return true;
}

static bool add_result(rdb_call *call, const rdb_function *function, rdb_strbuf *text)
{
    bool is_table = false;
    for (uint32_t i = 0; function->all_modes != NULL && i < function->all_count; i++)
        is_table = is_table || function->all_modes[i] == 't';
    if (is_table) {
        rdb_strbuf_adds(text, "TABLE(");
        if (!add_arguments(call, function, false, true, text))
            return false;
        rdb_strbuf_addc(text, ')');
        return true;
    }
    if (function->returns_set)
        rdb_strbuf_adds(text, "SETOF ");
    return add_type_name(call, function->return_type, text);
}

/* *function NULL: there is none, and the result is null. */
static bool open_function(rdb_call *call, uint32_t oid, const rdb_function **function, rdb_strbuf *text, bool *is_null)
{
    rdb_strbuf_init(text, call->arena);
    bool ok = rdb_function_get(rdb_eval_of(call)->access, oid, function, call->err);
    *is_null = *function == NULL;
    return ok;
}

static bool function_arguments_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_function *function = NULL;
    rdb_strbuf text;
    (void)nulls;
    if (!open_function(call, a[0].oid, &function, &text, is_null))
        return false;
    return function == NULL || (add_arguments(call, function, true, false, &text) && finish_text(call, &text, result));
}
EXPR_ROW_KERNEL(function_arguments, 1)

static bool function_identity_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_function *function = NULL;
    rdb_strbuf text;
    (void)nulls;
    if (!open_function(call, a[0].oid, &function, &text, is_null))
        return false;
    return function == NULL || (add_arguments(call, function, false, false, &text) && finish_text(call, &text, result));
}
EXPR_ROW_KERNEL(function_identity, 1)

static bool function_result_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_function *function = NULL;
    rdb_strbuf text;
    (void)nulls;
    if (!open_function(call, a[0].oid, &function, &text, is_null))
        return false;
    *is_null = function == NULL || function->kind == 'p';
    return *is_null || (add_result(call, function, &text) && finish_text(call, &text, result));
}
EXPR_ROW_KERNEL(function_result, 1)

static bool argument_default_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_function *function = NULL;
    rdb_list defaults;
    rdb_strbuf text;
    (void)nulls;
    if (!open_function(call, a[0].oid, &function, &text, is_null))
        return false;
    if (function == NULL)
        return true;
    if (!read_defaults(call, function, &defaults))
        return false;
    int32_t input_no = 0, count = function->all_count ? function->all_count : function->argument_count;
    *is_null = true;
    if (a[1].i32 < 1 || a[1].i32 > count)
        return true;
    for (int32_t i = 0; i < a[1].i32; i++) {
        char mode = function->all_modes != NULL ? function->all_modes[i] : 'i';
        bool is_input = mode == 'i' || mode == 'b' || mode == 'v';
        input_no += is_input;
        if (i + 1 == a[1].i32 && !is_input)
            return true;
    }
    int32_t at = input_no - 1 + (int32_t)defaults.count - function->argument_count;
    if (at < 0 || at >= (int32_t)defaults.count)
        return true;
    *is_null = false;
    return add_default(call, defaults.items[at], &text) && finish_text(call, &text, result);
}
EXPR_ROW_KERNEL(argument_default, 2)

/* SET x TO 'y' lines of proconfig. */
static void add_settings(rdb_call *call, rdb_datum settings, rdb_strbuf *text)
{
    rdb_array_shape shape;
    rdb_array_get_shape(settings, &shape);
    for (uint32_t i = 0; i < shape.count; i++) {
        rdb_datum item;
        if (!rdb_array_get(settings, i, &item))
            continue;
        const char *setting = expr_get_text(call, item), *equals = strchr(setting, '=');
        if (equals == NULL)
            continue;
        rdb_strbuf_adds(text, " SET ");
        rdb_identifier_add(text, rdb_arena_strndup(call->arena, setting, (size_t)(equals - setting)));
        rdb_strbuf_adds(text, " TO ");
        rdb_literal_add(text, equals + 1, strlen(equals + 1));
        rdb_strbuf_addc(text, '\n');
    }
}

/* $function$ ... $function$, longer where the body has such a mark itself. */
static void add_body(const char *body, const char *word, rdb_strbuf *text)
{
    char mark[64];
    snprintf(mark, sizeof mark, "$%s$", word);
    for (size_t length = strlen(mark); strstr(body, mark) != NULL && length + 2 < sizeof mark; length++) {
        mark[length - 1] = 'x';
        mark[length] = '$';
        mark[length + 1] = '\0';
    }
    rdb_strbuf_addf(text, "AS %s%s%s\n", mark, body, mark);
}

static bool add_attributes(rdb_call *call, const rdb_function *function, const rdb_catalog_row *row, rdb_strbuf *text)
{
    size_t before = text->length;
    if (function->kind == 'w')
        rdb_strbuf_adds(text, " WINDOW");
    rdb_strbuf_adds(text, function->volatility == 'i' ? " IMMUTABLE" : function->volatility == 's' ? " STABLE" : "");
    rdb_strbuf_adds(text, function->parallel == 's' ? " PARALLEL SAFE" : function->parallel == 'r' ? " PARALLEL RESTRICTED" : "");
    rdb_strbuf_adds(text, function->is_strict ? " STRICT" : "");
    rdb_strbuf_adds(text, row->values[RDB_pg_proc_prosecdef - 1].b ? " SECURITY DEFINER" : "");
    rdb_strbuf_adds(text, function->is_leakproof ? " LEAKPROOF" : "");
    bool is_native = function->language_oid == 12 || function->language_oid == 13;
    float cost = row->values[RDB_pg_proc_procost - 1].f4, rows = row->values[RDB_pg_proc_prorows - 1].f4;
    if (cost != (is_native ? 1.0f : 100.0f))
        rdb_strbuf_addf(text, " COST %g", (double)cost);
    if (rows > 0 && rows != 1000.0f)
        rdb_strbuf_addf(text, " ROWS %g", (double)rows);
    if (text->length != before)
        rdb_strbuf_addc(text, '\n');
    if (!row->is_null[RDB_pg_proc_proconfig - 1])
        add_settings(call, row->values[RDB_pg_proc_proconfig - 1], text);
    return true;
}

static bool add_stored_body(rdb_call *call, const rdb_function *function, rdb_strbuf *text)
{
    const rdb_deparse_style style = {.access = rdb_eval_of(call)->access, .format = call->format};
    return rdb_deparse_body(&style, function, text, call->err);
}

static bool add_function(rdb_call *call, const rdb_function *function, const rdb_catalog_row *row, rdb_strbuf *text)
{
    char schema[RDB_NAMEDATALEN] = "";
    rdb_datum language = {.words = {0, 0}};
    bool is_null = true, found = false;
    const rdb_datum key = {.oid = function->language_oid};
    if (!rdb_namespace_get_name(rdb_eval_of(call)->access, function->namespace_oid, schema, call->err) ||
        !expr_read_catalog(call, 2612, 2682, &key, 1, RDB_pg_language_lanname, RDB_REP_BYTES, &language, &is_null, &found))
        return false;
    rdb_strbuf_adds(text, function->kind == 'p' ? "CREATE OR REPLACE PROCEDURE " : "CREATE OR REPLACE FUNCTION ");
    expr_add_qualified(text, schema, function->name);
    rdb_strbuf_addc(text, '(');
    if (!add_arguments(call, function, true, false, text))
        return false;
    rdb_strbuf_adds(text, ")\n");
    if (function->kind != 'p') {
        rdb_strbuf_adds(text, " RETURNS ");
        if (!add_result(call, function, text))
            return false;
        rdb_strbuf_addc(text, '\n');
    }
    rdb_strbuf_adds(text, " LANGUAGE ");
    rdb_identifier_add(text, is_null ? "internal" : expr_get_text(call, language));
    rdb_strbuf_addc(text, '\n');
    if (!add_attributes(call, function, row, text))
        return false;
    if (function->body_tree == NULL) {
        add_body(function->source != NULL ? function->source : "", function->kind == 'p' ? "procedure" : "function", text);
        return true;
    }
    if (!add_stored_body(call, function, text))
        return false;
    rdb_strbuf_addc(text, '\n');
    return true;
}

static bool function_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_function *function = NULL;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    rdb_strbuf text;
    bool found = false;
    (void)nulls;
    if (!open_function(call, a[0].oid, &function, &text, is_null))
        return false;
    if (function == NULL)
        return true;
    if (function->kind == 'a')
        return rdb_error_set(call->err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is an aggregate function", function->name);
    if (!rdb_catalog_scan_open(&scan, rdb_eval_of(call)->access, RDB_PG_PROC, 2690, a, 1, call->arena, call->err))
        return false;
    bool ok = rdb_catalog_scan_next(scan, &row, &found, call->err) && (!found || add_function(call, function, &row, &text));
    rdb_catalog_scan_close(&scan);
    *is_null = !found;
    return ok && (!found || finish_text(call, &text, result));
}
EXPR_ROW_KERNEL(function, 1)

/* Null where the body is a text. */
static bool body_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_function *function = NULL;
    rdb_strbuf text;
    (void)nulls;
    if (!open_function(call, a[0].oid, &function, &text, is_null))
        return false;
    *is_null = function == NULL || function->body_tree == NULL;
    return *is_null || (add_stored_body(call, function, &text) && finish_text(call, &text, result));
}
EXPR_ROW_KERNEL(body, 1)

static const rdb_kernel_entry ENTRIES[] = {
    {1640, view_named, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {1641, view, RDB_KERNEL_NEEDS_SESSION},
    {2505, view_named_pretty, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {2506, view_pretty, RDB_KERNEL_NEEDS_SESSION},
    {3159, view_wrapped, RDB_KERNEL_NEEDS_SESSION},
    {1573, rule, RDB_KERNEL_NEEDS_SESSION},
    {2504, rule_pretty, RDB_KERNEL_NEEDS_SESSION},
    {2162, function_arguments, RDB_KERNEL_NEEDS_SESSION},
    {2232, function_identity, RDB_KERNEL_NEEDS_SESSION},
    {2165, function_result, RDB_KERNEL_NEEDS_SESSION},
    {3808, argument_default, RDB_KERNEL_NEEDS_SESSION},
    {2098, function, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {6197, body, RDB_KERNEL_NEEDS_SESSION}, /* pg_get_function_sqlbody */
};

void exec_register_definition_functions(void)
{
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
