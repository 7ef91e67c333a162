/* SPDX-License-Identifier: Apache-2.0
 * Prepared statements: Parse and Describe of the extended protocol, SQL's PREPARE, EXECUTE and DEALLOCATE. A statement keeps its
 * text and raw tree; its plan is made at once and made again when the catalog, the role or search_path has changed. Where that
 * may pay, a run gets a plan of its own, made for its values. */
#include "session/digest.h"
#include "session/activity.h"
#include "session/audit.h"
#include "session/companion.h"
#include "session/portal.h"

#include "session/row_sink.h"
#include "session/settings.h"
#include "session/wire_int.h"

session_statement *session_find_statement(rdb_session *session, const char *name, rdb_error *err)
{
    session_statement *statement = rdb_map_get(session->statements, name, session_name_length(name));
    if (statement == NULL && name[0] == '\0')
        rdb_error_set(err, RDB_INVALID_SQL_STATEMENT_NAME, "unnamed prepared statement does not exist");
    else if (statement == NULL)
        rdb_error_set(err, RDB_INVALID_SQL_STATEMENT_NAME, "prepared statement \"%s\" does not exist", name);
    return statement;
}

void statement_release(rdb_session *session, session_statement *statement)
{
    if (statement == NULL || --statement->use_count > 0)
        return;
    if (session->query_text == statement->text)
        session->query_text = NULL;
    session_plan_destroy(&statement->plan);
    rdb_arena *arena = statement->arena;
    rdb_arena_destroy(arena);
}

static void forget_statement(rdb_session *session, const char *name)
{
    statement_release(session, rdb_map_remove(session->statements, name, session_name_length(name)));
}

void session_forget_unnamed(rdb_session *session)
{
    forget_statement(session, "");
    portal_destroy(session, session->unnamed_portal);
}

bool session_extended_transaction(rdb_session *session, rdb_error *err)
{
    if (session->block == SESSION_IDLE) {
        if (!session_begin_statement(session, err))
            return false;
        session->block = SESSION_IMPLICIT;
        session->implicit_statements = 0;
    }
    return session_begin_statement(session, err);
}

/* Transaction control is not analysed: it must run where nothing else may. */
static bool needs_plan(const rdb_ast_node *raw)
{
    return raw != NULL && raw->tag != RDB_AST_TRANSACTION;
}

bool statement_plan_ready(rdb_session *session, session_statement *statement, rdb_error *err)
{
    if (!needs_plan(statement->raw))
        return true;
    if (statement->plan != NULL) {
        bool is_current = false;
        if (!session_plan_lock(session, statement->plan, &is_current, err))
            return false;
        if (is_current)
            return true;
        if (statement->plan->is_in_use)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cached plan must not change while a portal runs it");
    }
    uint32_t *types = RDB_NEW_ARRAY(statement->arena, uint32_t, statement->declared_count + 1), count = statement->declared_count;
    if (count > 0)
        memcpy(types, statement->declared_types, count * sizeof *types);
    session_plan *fresh = NULL;
    if (!session_plan_make(session, statement->text, statement->raw, &types, &count, true, false, &fresh, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (types[i] == 0 || types[i] == RDB_UNKNOWNOID) {
            session_plan_destroy(&fresh);
            return rdb_error_set(err, RDB_INDETERMINATE_DATATYPE, "could not determine data type of parameter $%u", i + 1);
        }
    bool same = statement->plan == NULL || statement->plan->column_count == fresh->column_count;
    for (uint32_t i = 0; same && statement->plan != NULL && i < fresh->column_count; i++)
        same = fresh->columns[i].type->oid == statement->plan->columns[i].type->oid;
    if (!same) {
        session_plan_destroy(&fresh);
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cached plan must not change result type");
    }
    session_plan_destroy(&statement->plan);
    statement->plan = fresh;
    statement->alike_count = 0;
    statement->parameter_types = RDB_NEW_ARRAY(statement->arena, uint32_t, count + 1);
    if (count > 0)
        memcpy(statement->parameter_types, types, count * sizeof *types);
    statement->parameter_count = count;
    return true;
}

#define FIRST_CUSTOM 5
#define PLANNING_COST 2.5    /* charged a relation, and once */
#define CHEAP_PLAN 50.0      /* a nameless statement is likely run once: planned twice where that may pay */

#define RECHECK_ALIKE 16u    /* every so many runs a custom plan is made all the same */

/* "So many rows of this index from here on": without the values nobody knows how many rows that is, and the statement's own plan looks
 * expensive; but where plans for the values read the same index in the same way, making them gains nothing. */
static bool reads_alike(const rdb_plan *a, const rdb_plan *b)
{
    if (a->relations.count != 1 || b->relations.count != 1 || a->subplan_count + b->subplan_count + a->cte_count + b->cte_count > 0 || a->root->kind != RDB_PLAN_LIMIT ||
        b->root->kind != RDB_PLAN_LIMIT)
        return false;
    const rdb_plan_node *left = a->root->left, *right = b->root->left;
    const rdb_plan_scan *one = &left->of.scan, *other = &right->of.scan;
    if (left->kind != right->kind || (left->kind != RDB_PLAN_INDEX_SCAN && left->kind != RDB_PLAN_INDEX_ONLY_SCAN))
        return false;
    return one->relation->oid == other->relation->oid && one->index_no == other->index_no && one->is_backward == other->is_backward && one->bound_count == other->bound_count;
}

bool statement_runs_custom(const rdb_session *session, session_statement *statement)
{
    const rdb_plan *plan = statement->plan != NULL ? statement->plan->plan : NULL;
    bool custom = false;
    if (plan == NULL || plan->root == NULL || statement->parameter_count == 0)
        custom = false;
    else if (session_setting_forces_plan(session, "force_custom_plan"))
        custom = true;
    else if (session_setting_forces_plan(session, "force_generic_plan") || (statement->name[0] == '\0' && plan->root->total_cost < CHEAP_PLAN))
        custom = false;
    else
        custom = statement->custom_count < FIRST_CUSTOM || (plan->root->total_cost >= statement->custom_cost / (double)statement->custom_count &&
                                                            (statement->alike_count < FIRST_CUSTOM || ++statement->alike_runs % RECHECK_ALIKE == 0));
    if (!custom)
        statement->generic_count++;
    return custom;
}

void statement_count_custom(session_statement *statement, const session_plan *plan)
{
    statement->custom_count++;
    if (plan != statement->plan && plan->plan != NULL && plan->plan->root != NULL && statement->plan != NULL && statement->plan->plan != NULL && statement->plan->plan->root != NULL)
        statement->alike_count = reads_alike(plan->plan, statement->plan->plan) ? statement->alike_count + 1 : 0;
    if (plan->plan != NULL && plan->plan->root != NULL)
        statement->custom_cost += plan->plan->root->total_cost + PLANNING_COST * (plan->plan->relations.count + 1);
}

/* Makes a statement under its name. raw lives in arena, which the statement takes over (also on failure). */
static bool add_statement(rdb_session *session, rdb_arena *arena, const char *name, const char *text, rdb_ast_node *raw, const uint32_t *types,
                          uint32_t type_count, bool from_sql, rdb_error *err)
{
    session_statement *statement = RDB_NEW(arena, session_statement);
    statement->arena = arena;
    snprintf(statement->name, sizeof statement->name, "%s", name);
    statement->text = text;
    statement->raw = raw;
    statement->declared_types = RDB_NEW_ARRAY(arena, uint32_t, type_count + 1);
    if (type_count > 0)
        memcpy(statement->declared_types, types, type_count * sizeof *types);
    statement->declared_count = type_count;
    statement->from_sql = from_sql;
    statement->prepared_us = session->statement_us;
    statement->use_count = 1;
    bool ok = statement_plan_ready(session, statement, err) && rdb_arena_check(arena, err);
    if (ok && !rdb_map_put(session->statements, statement->name, strlen(statement->name), statement, NULL))
        ok = rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!ok)
        statement_release(session, statement);
    return ok;
}

bool session_parse(rdb_session *session, const char *name, const char *text, const uint32_t *types, uint32_t type_count, rdb_error *err)
{
    size_t length = strlen(text);
    rdb_ast_list list = {0};
    rdb_sql_reading reading = session_setting_reading(session);
    session_statement *old = rdb_map_get(session->statements, name, session_name_length(name));
    if (strlen(name) >= RDB_NAMEDATALEN)
        return rdb_error_set(err, RDB_NAME_TOO_LONG, "prepared statement name is too long");
    if (name[0] != '\0' && old != NULL)
        return rdb_error_set(err, RDB_DUPLICATE_PREPARED_STATEMENT, "prepared statement \"%s\" already exists", name);
    session_statement_begin(session);
    session_activity_query(session, text);
    session_audit_text(session, text, length);
    /* The same text again under the unnamed statement: drivers and pgbench do that all day. */
    if (old != NULL && old->use_count == 1 && old->plan != NULL && old->declared_count == type_count && strcmp(old->text, text) == 0 &&
        (type_count == 0 || memcmp(old->declared_types, types, type_count * sizeof *types) == 0) && session->block != SESSION_FAILED) {
        bool ok = session_extended_transaction(session, err) && statement_plan_ready(session, old, err);
        session_statement_end(session);
        return ok;
    }
    forget_statement(session, name);
    rdb_arena *arena = rdb_arena_create("prepared statement", NULL, NULL);
    bool ok = arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_slice written = {(const uint8_t *)text, length};
    if (ok && (ok = session_text_in(session, arena, &written, err))) {
        text = (const char *)written.data;
        length = written.length;
    }
    const char *copy = NULL;
    if (ok) {
        char *bytes = rdb_arena_try_alloc(arena, length + 1, err);
        ok = bytes != NULL;
        if (ok)
            copy = memcpy(bytes, text, length + 1);
    }
    ok = ok && rdb_sql_parse_reading(arena, copy, length, &reading, &list, err);
    if (ok && list.count > 1)
        ok = rdb_error_set(err, RDB_SYNTAX_ERROR, "cannot insert multiple commands into a prepared statement");
    rdb_ast_node *raw = ok && list.count == 1 ? list.items[0].body : NULL;
    ok = ok && session_check_not_failed(session, raw, err);
    if (ok && needs_plan(raw))
        ok = session_extended_transaction(session, err);
    if (ok)
        ok = add_statement(session, arena, name, copy, raw, types, type_count, false, err);
    else
        rdb_arena_destroy(arena);
    session_statement_end(session);
    return ok;
}

bool session_describe_statement(rdb_session *session, const char *name, rdb_error *err)
{
    session_statement *statement = session_find_statement(session, name, err);
    if (statement == NULL)
        return false;
    if (session->block == SESSION_FAILED && statement->plan != NULL && statement->plan->column_count > 0)
        return session_check_not_failed(session, statement->raw, err);
    rdb_strbuf *output = session->owner.output;
    size_t begin = wire_message_begin(output, 't');
    wire_put_u16(output, (uint16_t)statement->parameter_count);
    for (uint32_t i = 0; i < statement->parameter_count; i++)
        wire_put_u32(output, statement->parameter_types[i]);
    wire_message_end(output, begin);
    const session_plan *plan = statement->plan;
    bool has_rows = plan != NULL && (plan->column_count > 0 || (plan->plan != NULL && plan->plan->returns_rows));
    session_put_row_description(session, has_rows ? plan->columns : NULL, has_rows ? plan->column_count : 0, NULL);
    return true;
}

bool session_close_statement(rdb_session *session, const char *name, rdb_error *err)
{
    (void)err;
    forget_statement(session, name);
    return true;
}

void session_discard_statements(rdb_session *session)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    while (rdb_map_next(session->statements, &cursor, &key, &value)) {
        rdb_map_remove(session->statements, key.data, key.length);
        statement_release(session, value);
        cursor = 0;
    }
}

/* ---- SQL's PREPARE ---------------------------------------------------------------------------------------------------------- */
/* The raw tree belongs to the text that holds PREPARE, so the text is parsed again into the statement's own arena. */
bool session_prepare_statement(rdb_session *session, const rdb_ast_prepare *prepare, const char *text, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("prepared statement", NULL, NULL);
    rdb_sql_reading reading = session_setting_reading(session);
    rdb_ast_list list = {0};
    uint32_t types[256];
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (rdb_map_get(session->statements, prepare->name, strlen(prepare->name)) != NULL) {
        rdb_arena_destroy(arena);
        return rdb_error_set(err, RDB_DUPLICATE_PREPARED_STATEMENT, "prepared statement \"%s\" already exists", prepare->name);
    }
    const char *copy = rdb_arena_strdup(arena, text);
    bool ok = rdb_sql_parse_reading(arena, copy, strlen(copy), &reading, &list, err);
    const rdb_ast_prepare *own = NULL;
    for (uint32_t i = 0; ok && i < list.count; i++) {
        const rdb_ast_prepare *candidate = (const rdb_ast_prepare *)list.items[i].body;
        if (candidate->node.tag == RDB_AST_PREPARE && strcmp(candidate->name, prepare->name) == 0)
            own = candidate;
    }
    RDB_ASSERT(!ok || own != NULL);
    if (ok && own->types.count > RDB_COUNT_OF(types))
        ok = rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many parameters");
    rdb_access *access = NULL;
    rdb_access_context context = {.catalog = rdb_engine_catalog(session->engine), .database = session->database, .txn = session->txn,
                                  .role_oid = session->role.oid, .role_name = session->role.name, .search_path = session_setting_search_path(session), .temp = session->temp};
    ok = ok && rdb_access_begin(&access, &context, err);
    for (uint32_t i = 0; ok && i < own->types.count; i++) {
        rdb_analysis analysis = {.arena = arena, .access = access, .text = copy, .format = session_setting_format(session)};
        const rdb_type *type = NULL;
        int32_t typmod;
        uint32_t collation;
        ok = rdb_type_resolve(&analysis, own->types.items[i], &type, &typmod, &collation, err);
        if (ok)
            types[i] = type->oid;
    }
    rdb_access_end(&access);
    if (!ok) {
        rdb_arena_destroy(arena);
        return false;
    }
    return add_statement(session, arena, prepare->name, copy, own->query, types, own->types.count, true, err);
}

/* The arguments of EXECUTE as parameters of the statement's types, by assignment casts. */
static bool execute_arguments(rdb_session *session, session_statement *statement, const rdb_ast_execute *execute, const char *text,
                              rdb_parameter *parameters, rdb_error *err)
{
    rdb_access *access = statement->plan->access;
    for (uint32_t i = 0; i < execute->args.count; i++) {
        const rdb_type *type = NULL;
        rdb_expr *expr = NULL;
        rdb_program *program = NULL;
        rdb_eval eval = {.access = access, .txn = session->txn, .format = session_setting_format(session), .statement_us = session->statement_us,
                         .transaction_us = session->transaction_us, .cancel = &session->cancel, .session = session,
                         .session_user = session->session_role.name, .current_user = session->role.name, .database_name = session->database_name};
        rdb_analysis analysis = {.arena = session->statement_arena, .access = access, .text = text, .format = eval.format, .session = &eval,
                                 .statement_us = session->statement_us, .transaction_us = session->transaction_us};
        rdb_plan_context context = {.arena = session->statement_arena, .access = access, .format = eval.format, .session = &eval};
        if (!rdb_type_get(access, statement->parameter_types[i], &type, err) ||
            !rdb_expr_analyse(&analysis, NULL, execute->args.items[i], type, -1, "EXECUTE parameters", &expr, err) ||
            !rdb_plan_make_expr(&context, NULL, expr, &expr, err) ||
            !rdb_program_compile(&program, session->statement_arena, &eval, &expr, 1, err) ||
            !rdb_program_value(program, &eval, session->statement_arena, 0, &parameters[i].value, &parameters[i].is_null, err))
            return false;
        parameters[i].type_oid = type->oid;
    }
    return true;
}

/* CREATE TABLE AS EXECUTE, and EXPLAIN of it or of EXECUTE: the prepared statement and its arguments in the place of EXECUTE. */
bool session_expand_execute(rdb_session *session, rdb_ast_node *around, const char *text, rdb_ast_node **expanded, const char **statement_text,
                            const rdb_parameter **parameters, uint32_t *parameter_count, rdb_error *err)
{
    const rdb_ast_explain *explain = around->tag == RDB_AST_EXPLAIN ? (const rdb_ast_explain *)around : NULL;
    rdb_ast_node *inside = explain != NULL ? explain->query : around;
    const rdb_ast_create_table_as *create = inside->tag == RDB_AST_CREATE_TABLE_AS ? (const rdb_ast_create_table_as *)inside : NULL;
    const rdb_ast_execute *execute = (const rdb_ast_execute *)(create != NULL ? create->query : inside);
    session->expands_generic = false;
    if (execute->node.tag != RDB_AST_EXECUTE) {
        *expanded = around;
        return true;
    }
    session_statement *statement = session_find_statement(session, execute->name, err);
    if (statement == NULL)
        return false;
    if (statement->raw == NULL || (create != NULL && statement->raw->tag != RDB_AST_SELECT))
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "prepared statement is not a SELECT");
    if (!statement_plan_ready(session, statement, err))
        return false;
    if (execute->args.count != statement->parameter_count) {
        rdb_error_set(err, RDB_SYNTAX_ERROR, "wrong number of parameters for prepared statement \"%s\"", execute->name);
        return rdb_error_detail(err, "Expected %u parameters but got %u.", statement->parameter_count, execute->args.count);
    }
    rdb_parameter *values = RDB_NEW_ARRAY(session->statement_arena, rdb_parameter, execute->args.count + 1);
    if (!execute_arguments(session, statement, execute, text, values, err))
        return false;
    session->expands_generic = !statement_runs_custom(session, statement);
    if (!session->expands_generic)
        statement_count_custom(statement, statement->plan); /* by what its own plan costs: this one is EXPLAIN's to make */
    *expanded = statement->raw;
    if (create != NULL) {
        rdb_ast_create_table_as *whole = rdb_arena_memdup(session->statement_arena, create, sizeof *create);
        whole->query = statement->raw;
        *expanded = &whole->node;
    }
    if (explain != NULL) {
        rdb_ast_explain *whole = rdb_arena_memdup(session->statement_arena, explain, sizeof *explain);
        whole->query = *expanded;
        *expanded = &whole->node;
    }
    *statement_text = statement->text;
    *parameters = values;
    *parameter_count = statement->parameter_count;
    return true;
}

bool session_execute_statement(rdb_session *session, const rdb_ast_execute *execute, const char *text, bool describes, const uint16_t *formats,
                               char tag[64], rdb_error *err)
{
    session_statement *statement = session_find_statement(session, execute->name, err);
    if (statement == NULL)
        return false;
    if (statement->raw == NULL || !needs_plan(statement->raw))
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "EXECUTE of a transaction statement is not supported yet");
    if (!statement_plan_ready(session, statement, err))
        return false;
    if (execute->args.count != statement->parameter_count) {
        rdb_error_set(err, RDB_SYNTAX_ERROR, "wrong number of parameters for prepared statement \"%s\"", execute->name);
        return rdb_error_detail(err, "Expected %u parameters but got %u.", statement->parameter_count, execute->args.count);
    }
    rdb_parameter *parameters = RDB_NEW_ARRAY(session->statement_arena, rdb_parameter, execute->args.count + 1);
    if (!execute_arguments(session, statement, execute, text, parameters, err))
        return false;
    session_plan *plan = statement->plan;
    if (plan->plan == NULL)
        return session_run_utility(session, plan, statement->text, statement->raw, parameters, statement->parameter_count, describes, formats, tag, err);
    session_plan *custom = NULL;
    if (statement_runs_custom(session, statement)) {
        if (!session_plan_make_custom(session, statement, parameters, &custom, err))
            return false;
        statement_count_custom(statement, custom);
        plan = custom;
    }
    if (plan->is_in_use)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "prepared statement \"%s\" is being executed", execute->name);
    rdb_snapshot snapshot;
    session_run run;
    session_run_begin(session, plan, &run);
    if (!session_plan_snapshot(session, plan, &snapshot, err)) {
        session_plan_destroy(&custom);
        return false;
    }
    plan->is_in_use = true;
    plan->shows_companions = describes;
    statement->use_count++;
    bool done = false, ok = session_plan_start(session, plan, parameters, statement->parameter_count, &snapshot, err);
    if (ok && plan->plan->returns_rows) {
        if (describes)
            session_put_row_description(session, plan->columns, plan->column_count, formats);
        ok = session_sink_begin(session, plan->columns, plan->column_count, formats, err);
    }
    while (ok && !done) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(plan->execution, 0, &batch, &done, err);
        if (ok && batch != NULL && plan->plan->returns_rows)
            ok = session_send_rows(session, batch, 0, batch->selection.count, err);
    }
    if (ok)
        session_command_tag(plan, plan->plan->command == RDB_COMMAND_SELECT ? session->sink->row_count : rdb_execution_row_count(plan->execution), tag);
    ok = ok && session_run_companions(session, plan, true, parameters, statement->parameter_count, &snapshot, err);
    if (plan->execution != NULL)
        rdb_execution_finish(plan->execution);
    session_run_end(session, plan, &run, plan->execution == NULL ? 0 : plan->plan->command == RDB_COMMAND_SELECT ? session->sink->row_count : rdb_execution_row_count(plan->execution), !ok);
    plan->is_in_use = false;
    session_plan_destroy(&custom);
    statement_release(session, statement);
    session_drop_statement_snapshot(session, &snapshot);
    return ok;
}

bool session_deallocate_statement(rdb_session *session, const rdb_ast_deallocate *deallocate, char tag[64], rdb_error *err)
{
    if (deallocate->name == NULL) {
        snprintf(tag, 64, "DEALLOCATE ALL");
        session_discard_statements(session);
        return true;
    }
    snprintf(tag, 64, "DEALLOCATE");
    if (session_find_statement(session, deallocate->name, err) == NULL)
        return false;
    forget_statement(session, deallocate->name);
    return true;
}
