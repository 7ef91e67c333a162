/* SPDX-License-Identifier: Apache-2.0
 * Bodies of routines written in SQL: text or stored trees to analysed statements, and the last statement fitted to the
 * routine's result, by assignment casts, with the rules and words of PostgreSQL. */
#include "sql/analyse_int.h"
#include "sql/rdb_body.h"

#include <stdio.h>
#include <stdlib.h>

const char *const *rdb_body_argument_names(rdb_arena *arena, const rdb_function *function)
{
    if (function->argument_names == NULL)
        return NULL;
    const char **names = RDB_NEW_ARRAY(arena, const char *, function->argument_count + 1u);
    uint32_t all = function->all_count != 0 ? function->all_count : function->argument_count, at = 0;
    for (uint32_t i = 0; i < all && at < function->argument_count; i++) {
        char mode = function->all_modes != NULL ? function->all_modes[i] : 'i';
        if (mode == 'i' || mode == 'b' || mode == 'v')
            names[at++] = function->argument_names[i];
    }
    return names;
}

bool rdb_body_error(rdb_error *err, const char *text)
{
    if (text == NULL || err->position == 0 || err->internal_query != NULL)
        return false;
    err->internal_position = err->position;
    err->position = 0;
    err->internal_query = strdup(text);
    return false;
}

/* ---- stored trees --------------------------------------------------------------------------------------------------------- */
static const char *const RETURN_MARKS[] = {"", " r", " R"};

bool rdb_body_write(const rdb_list *statements, rdb_strbuf *text, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("body", NULL, NULL);
    bool ok = arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (ok)
        rdb_strbuf_addf(text, "%u\n", statements->count);
    for (uint32_t i = 0; ok && i < statements->count; i++) {
        rdb_strbuf one;
        rdb_strbuf_init(&one, arena);
        ok = rdb_tree_write_query(statements->items[i], &one, err) && rdb_strbuf_check(&one, err);
        if (ok)
            rdb_strbuf_addf(text, "%zu%s\n%s", (size_t)one.length, RETURN_MARKS[((const rdb_query *)statements->items[i])->is_return], one.data);
    }
    rdb_arena_destroy(arena);
    return ok && rdb_strbuf_check(text, err);
}

bool rdb_body_read(rdb_arena *arena, rdb_access *access, const char *text, rdb_list *statements, rdb_error *err)
{
    char *end;
    unsigned long count = strtoul(text, &end, 10);
    const char *at = end + (*end == '\n');
    *statements = (rdb_list){0};
    while (statements->count < count) {
        unsigned long length = strtoul(at, &end, 10);
        uint8_t is_return = 0;
        if (*end == ' ' && (end[1] == 'r' || end[1] == 'R')) {
            is_return = end[1] == 'r' ? 1 : 2;
            end += 2;
        }
        if (end == at || *end != '\n' || length > strlen(end + 1))
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "stored body of a function is broken");
        rdb_query *query = NULL;
        if (!rdb_tree_read_query(arena, access, rdb_arena_strndup(arena, end + 1, length), &query, err))
            return false;
        query->is_return = is_return;
        rdb_list_push(arena, statements, query);
        at = end + 1 + length;
    }
    return true;
}

/* ---- the result ------------------------------------------------------------------------------------------------------------- */
typedef struct fitting {
    analyse_state *state;
    const rdb_function *function;
    const rdb_type *result_type;
    rdb_body *body;
    rdb_query *query;     /* the last statement */
    rdb_list *targets;    /* what it gives */
    rdb_list wanted;      /* rdb_expr *: the columns as the routine gives them */
    rdb_list sources;     /* uintptr_t beside wanted: which of the query's columns, from 1; 0: none (a dropped column) */
    bool differs;         /* from what the query gives */
    rdb_error *err;
} fitting;

static bool mismatch(fitting *f, const char *format, ...) RDB_PRINTF(2, 3);
static bool mismatch(fitting *f, const char *format, ...)
{
    char detail[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    rdb_error_set(f->err, RDB_INVALID_FUNCTION_DEFINITION, "return type mismatch in function declared to return %s",
                  analyse_type_name(f->state, f->result_type->oid));
    return rdb_error_detail(f->err, "%s", detail);
}

/* The column as a value of that type, by assignment; *fitted NULL: there is no way. */
static bool fit_column(fitting *f, rdb_expr *column, const rdb_type *type, int32_t typmod, rdb_expr **fitted)
{
    *fitted = column;
    if (column->type->oid == type->oid && (typmod == -1 || column->typmod == typmod))
        return true;
    f->differs = true;
    return analyse_coerce_to_target(f->state, column, type, typmod, ANALYSE_ASSIGNMENT, RDB_FORM_IMPLICIT_CAST, -1, fitted, f->err);
}

static void want(fitting *f, rdb_expr *expr, uint32_t source)
{
    rdb_list_push(analyse_arena(f->state), &f->wanted, expr);
    rdb_list_push(analyse_arena(f->state), &f->sources, (void *)(uintptr_t)source);
}

static const char *source_name(const fitting *f, uint32_t at)
{
    uintptr_t left = (uintptr_t)f->sources.items[at];
    for (uint32_t i = 0; left > 0 && i < f->targets->count; i++) {
        const rdb_target *target = f->targets->items[i];
        if (!target->is_junk && --left == 0)
            return target->name;
    }
    return "";
}

/* Puts the fitted columns into the query itself, or around it where something in it counts on the old ones. */
static bool replace_columns(fitting *f)
{
    rdb_arena *arena = analyse_arena(f->state);
    rdb_query *query = f->query;
    bool is_plain = query->set_operation == NULL && f->targets->count == f->wanted.count;
    for (uint32_t i = 0; i < f->targets->count; i++)
        is_plain = is_plain && ((rdb_target *)f->targets->items[i])->sort_ref == 0;
    if (!f->differs)
        return true;
    if (is_plain || query->command != RDB_COMMAND_SELECT) {
        rdb_list fitted = {0};
        for (uint32_t i = 0; i < f->wanted.count; i++)
            rdb_list_push(arena, &fitted, analyse_new_target(f->state, f->wanted.items[i], (int16_t)(i + 1), source_name(f, i), false));
        for (uint32_t i = 0; i < f->targets->count; i++)
            if (((rdb_target *)f->targets->items[i])->is_junk)
                rdb_list_push(arena, &fitted, f->targets->items[i]);
        *f->targets = fitted;
        return true;
    }
    analyse_state outer = {.analysis = f->state->analysis, .query = RDB_NEW(arena, rdb_query)};
    analyse_item *item;
    rdb_query *around = outer.query;
    around->command = RDB_COMMAND_SELECT;
    if (!analyse_add_subquery(&outer, query, "*SELECT*", NULL, true, false, -1, &item, f->err) || !analyse_push_item(&outer, item, true, true, f->err))
        return false;
    rdb_from *from = RDB_NEW(arena, rdb_from);
    from->range_no = item->range_no;
    rdb_list_push(arena, &around->from, from);
    for (uint32_t i = 0; i < f->wanted.count; i++) {
        rdb_expr *column, *fitted = f->wanted.items[i];
        const uintptr_t source = (uintptr_t)f->sources.items[i];
        if (source != 0 && (!analyse_item_column(&outer, item, (int16_t)source, 0, -1, &column, f->err) || !fit_column(f, column, fitted->type, fitted->typmod, &fitted)))
            return false;
        rdb_list_push(arena, &around->targets, analyse_new_target(&outer, fitted, (int16_t)(i + 1), source_name(f, i), false));
    }
    f->body->statements.items[f->body->statements.count - 1] = around;
    return analyse_query_collations(&outer, around, f->err);
}

static bool fit_scalar(fitting *f, rdb_list *columns)
{
    rdb_expr *fitted = NULL, *column;
    if (columns->count != 1)
        return mismatch(f, "Final statement must return exactly one column.");
    column = ((rdb_target *)columns->items[0])->expr;
    if (!fit_column(f, column, f->result_type, -1, &fitted))
        return false;
    if (fitted == NULL)
        return mismatch(f, "Actual return type is %s.", analyse_type_name(f->state, column->type->oid));
    want(f, fitted, 1);
    return true;
}

static bool fit_row(fitting *f, rdb_list *columns, const analyse_fields *fields)
{
    rdb_arena *arena = analyse_arena(f->state);
    uint32_t at = 0;
    if (fields->count == 0 && f->state->analysis->routine_column_count > 0) { /* record, and the call says of what */
        const analyse_fields said = {.count = f->state->analysis->routine_column_count, .types = (const rdb_type **)(uintptr_t)f->state->analysis->routine_columns,
                                     .typmods = (int32_t *)(uintptr_t)f->state->analysis->routine_column_typmods,
                                     .names = RDB_NEW_ARRAY(arena, const char *, f->state->analysis->routine_column_count)};
        for (uint32_t i = 0; i < said.count; i++)
            said.names[i] = "";
        return fit_row(f, columns, &said);
    }
    if (fields->count == 0) { /* record: whatever comes */
        f->body->gives_fields = true;
        for (uint32_t i = 0; i < columns->count; i++)
            want(f, ((rdb_target *)columns->items[i])->expr, i + 1);
        return true;
    }
    for (uint32_t i = 0; i < fields->count; i++) {
        rdb_expr *fitted = NULL;
        if (fields->names[i][0] == '\0' && f->result_type->kind == 'c') { /* a dropped column */
            f->differs = true;
            want(f, analyse_make_null(f->state, fields->types[i], -1, -1), 0);
            continue;
        }
        if (at >= columns->count)
            return mismatch(f, "Final statement returns too few columns.");
        rdb_expr *column = ((rdb_target *)columns->items[at++])->expr;
        if (!fit_column(f, column, fields->types[i], fields->typmods != NULL ? fields->typmods[i] : -1, &fitted))
            return false;
        if (fitted == NULL)
            return mismatch(f, "Final statement returns %s instead of %s at column %u.", analyse_type_name(f->state, column->type->oid),
                            analyse_type_name(f->state, fields->types[i]->oid), at);
        want(f, fitted, at);
    }
    if (at < columns->count)
        return mismatch(f, "Final statement returns too many columns.");
    f->body->gives_fields = true;
    return true;
}

static bool fit_result(analyse_state *state, const rdb_function *function, const rdb_type *const *argument_types, uint32_t argument_count,
                       const rdb_type *result_type, rdb_body *body, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    fitting f = {.state = state, .function = function, .result_type = result_type, .body = body, .err = err};
    const rdb_type *base = analyse_base_type(result_type, NULL);
    rdb_list columns = {0};
    if (result_type->oid == RDB_VOIDOID)
        return true;
    f.query = body->statements.count > 0 ? body->statements.items[body->statements.count - 1] : NULL;
    f.targets = f.query != NULL && f.query->command != RDB_COMMAND_UTILITY ? (rdb_list *)(uintptr_t)rdb_query_result_targets(f.query) : NULL;
    if (f.targets == NULL || (f.query->command != RDB_COMMAND_SELECT && f.targets->count == 0))
        return mismatch(&f, "Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING.");
    for (uint32_t i = 0; i < f.targets->count; i++)
        if (!((rdb_target *)f.targets->items[i])->is_junk)
            rdb_list_push(arena, &columns, f.targets->items[i]);
    body->has_result = true;
    if (base->kind != 'c' && base->oid != RDB_RECORDOID) {
        if (result_type->kind == 'p' && !analyse_is_polymorphic(result_type->oid)) {
            rdb_error_set(err, RDB_INVALID_FUNCTION_DEFINITION, "return type %s is not supported for SQL functions", analyse_type_name(state, result_type->oid));
            return false;
        }
        return fit_scalar(&f, &columns) && replace_columns(&f);
    }
    /* one column that is the row itself */
    if (columns.count == 1 && function->kind != 'p') {
        rdb_expr *column = ((rdb_target *)columns.items[0])->expr;
        const bool is_same = column->type->oid == result_type->oid;
        const bool is_domain = result_type->kind == 'd' && column->type->oid == base->oid;
        if (is_same || is_domain) {
            rdb_expr *fitted = NULL;
            if (!fit_column(&f, column, result_type, -1, &fitted))
                return false;
            want(&f, fitted, 1);
            return replace_columns(&f);
        }
    }
    rdb_expr_function call = {.head = {.kind = RDB_EXPR_FUNCTION, .location = -1, .type = result_type, .typmod = -1}, .function = function};
    for (uint32_t i = 0; i < argument_count; i++) {
        rdb_expr *argument = RDB_NEW(arena, rdb_expr);
        *argument = (rdb_expr){.kind = RDB_EXPR_PARAM, .location = -1, .type = argument_types[i], .typmod = -1};
        rdb_list_push(arena, &call.arguments, argument);
    }
    analyse_fields fields;
    return analyse_row_fields(state, &call.head, &fields, err) && fit_row(&f, &columns, &fields) && replace_columns(&f);
}

/* ---- analysis ----------------------------------------------------------------------------------------------------------------- */
static bool begin_analysis(rdb_analysis *own, const rdb_analysis *analysis, const rdb_function *function, const rdb_type *const *argument_types,
                           uint32_t argument_count)
{
    *own = *analysis;
    own->parameter_types = RDB_NEW_ARRAY(own->arena, uint32_t, argument_count + 1);
    for (uint32_t i = 0; i < argument_count; i++)
        own->parameter_types[i] = argument_types[i]->oid;
    own->parameter_count = argument_count;
    own->infer_parameters = false;
    own->routine_name = function->name;
    own->routine_arguments = rdb_body_argument_names(own->arena, function);
    own->routine_argument_count = function->argument_count;
    return true;
}

static rdb_ast_node *return_as_select(rdb_arena *arena, rdb_ast_node *raw)
{
    if (raw->tag != RDB_AST_RETURN)
        return raw;
    rdb_ast_select *select = RDB_NEW(arena, rdb_ast_select);
    rdb_ast_target *target = RDB_NEW(arena, rdb_ast_target);
    select->node = (rdb_ast_node){RDB_AST_SELECT, raw->location};
    target->node = (rdb_ast_node){RDB_AST_TARGET, raw->location};
    target->value = ((rdb_ast_return *)raw)->value;
    rdb_list_push(arena, &select->targets, target);
    return &select->node;
}

/* CREATE TABLE: the tag's name in capitals. */
static const char *statement_words(rdb_arena *arena, const rdb_ast_node *statement)
{
    char *words = rdb_arena_strdup(arena, rdb_ast_tag_name(statement->tag));
    for (char *at = words; *at != '\0'; at++)
        *at = *at == '_' ? ' ' : (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    return words;
}

static bool analyse_raw(rdb_analysis *own, rdb_ast_node *raw, bool is_whole, rdb_list *statements, rdb_error *err)
{
    rdb_query *query = NULL;
    if (!rdb_query_analyse(own, return_as_select(own->arena, raw), &query, err))
        return false;
    if (query->command == RDB_COMMAND_UTILITY)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not yet supported in unquoted SQL function body", statement_words(own->arena, query->utility));
    query->is_return = raw->tag != RDB_AST_RETURN ? 0 : is_whole ? 2 : 1;
    rdb_list_push(own->arena, statements, query);
    return true;
}

bool rdb_body_analyse_raw(const rdb_analysis *analysis, const rdb_function *function, struct rdb_ast_node *raw, const rdb_type *const *argument_types,
                          uint32_t argument_count, const rdb_type *result_type, rdb_list *statements, rdb_body **body, rdb_error *err)
{
    rdb_analysis own;
    *statements = (rdb_list){0};
    *body = RDB_NEW(analysis->arena, rdb_body);
    if (!begin_analysis(&own, analysis, function, argument_types, argument_count))
        return false;
    if (raw->tag != RDB_AST_LIST) {
        if (!analyse_raw(&own, raw, true, statements, err))
            return false;
    } else {
        const rdb_list *lists = &((rdb_ast_items *)raw)->items;
        for (uint32_t i = 0; i < lists->count; i++) {
            rdb_ast_node *item = lists->items[i];
            if (item == NULL) /* an empty body, an empty statement */
                continue;
            const rdb_list one = {.items = &lists->items[i], .count = 1}, *inner = item->tag == RDB_AST_LIST ? &((rdb_ast_items *)item)->items : &one;
            for (uint32_t k = 0; k < inner->count; k++)
                if (inner->items[k] != NULL && !analyse_raw(&own, inner->items[k], false, statements, err))
                    return false;
        }
    }
    /* Fitted in a copy: what is stored is what was written. */
    rdb_strbuf text;
    rdb_strbuf_init(&text, analysis->arena);
    if (!rdb_body_write(statements, &text, err) || !rdb_body_read(own.arena, own.access, text.data, &(*body)->statements, err))
        return false;
    analyse_state state = {.analysis = &own, .query = RDB_NEW(own.arena, rdb_query)};
    return fit_result(&state, function, argument_types, argument_count, result_type, *body, err) && rdb_arena_check(own.arena, err);
}

/* There is nobody to take what a procedure called here gives. */
static bool check_call(const rdb_analysis *analysis, const rdb_query *query, rdb_error *err)
{
    rdb_analysis own = *analysis;
    rdb_query *called = NULL;
    if (query->command != RDB_COMMAND_UTILITY || query->utility->tag != RDB_AST_CALL_PROCEDURE)
        return true;
    rdb_ast_call *call = ((rdb_ast_call_procedure *)query->utility)->call;
    rdb_ast_select *select = RDB_NEW(own.arena, rdb_ast_select);
    rdb_ast_target *target = RDB_NEW(own.arena, rdb_ast_target);
    own.procedure_call = call;
    select->node = (rdb_ast_node){RDB_AST_SELECT, -1};
    target->node = (rdb_ast_node){RDB_AST_TARGET, -1};
    target->value = &call->node;
    rdb_list_push(own.arena, &select->targets, target);
    if (!rdb_query_analyse(&own, &select->node, &called, err))
        return false;
    return ((rdb_target *)called->targets.items[0])->expr->type->oid != RDB_RECORDOID ||
           rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "calling procedures with output arguments is not supported in SQL functions");
}

bool rdb_body_analyse(const rdb_analysis *analysis, const rdb_function *function, const rdb_type *const *argument_types, uint32_t argument_count,
                      const rdb_type *result_type, rdb_body **body, rdb_error *err)
{
    rdb_analysis own;
    *body = RDB_NEW(analysis->arena, rdb_body);
    if (!begin_analysis(&own, analysis, function, argument_types, argument_count))
        return false;
    if (function->body_tree != NULL) {
        if (!rdb_body_read(own.arena, own.access, function->body_tree, &(*body)->statements, err))
            return false;
    } else {
        rdb_ast_list list = {0};
        own.text = (*body)->text = function->source;
        if (!rdb_sql_parse(own.arena, own.text, strlen(own.text), &list, err))
            return false;
        for (uint32_t i = 0; i < list.count; i++) {
            rdb_query *query = NULL;
            if (!rdb_query_analyse(&own, list.items[i].body, &query, err) || !check_call(&own, query, err))
                return false;
            rdb_list_push(own.arena, &(*body)->statements, query);
        }
    }
    analyse_state state = {.analysis = &own, .query = RDB_NEW(own.arena, rdb_query)};
    return fit_result(&state, function, argument_types, argument_count, result_type, *body, err) && rdb_arena_check(own.arena, err);
}
