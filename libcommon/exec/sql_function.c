/* SPDX-License-Identifier: Apache-2.0
 * Routines written in SQL: the statements of the body run one after the other, the last one gives the result. Statements are
 * analysed and planned at a site's first call and again when the catalog moved on; their operators are kept from call to call.
 *
 * A volatile routine's statements have snapshots of their own, so that each sees what those before it did; others read with
 * the snapshot of the statement that calls them. */
#include "exec/exec_int.h"
#include "expr/rdb_routine.h"
#include "sql/rdb_body.h"
#include "sql/rdb_sql.h"

typedef struct sql_statement {
    rdb_query *query;
    rdb_plan *plan;            /* NULL: a utility statement */
    rdb_execution *execution;  /* opened at first use */
    uint32_t number;           /* of the body's statement that it comes from, from 1 */
} sql_statement;

typedef struct sql_site {
    rdb_arena *arena;          /* trees and plans; everything here goes with it */
    rdb_access *access;
    rdb_body *body;
    sql_statement *statements;
    uint32_t count;
    rdb_eval eval;             /* for folding */
    /* of a call that gives rows */
    bool is_running;
    rdb_execution *rows;       /* the last statement's, while it still gives some */
    rdb_snapshot snapshot;
    bool has_snapshot;
    rdb_txn *txn;
    rdb_parameter *arguments;
    rdb_arena *call_arena;     /* argument values of a call that gives rows */
    const rdb_batch *batch;
    uint32_t position;
} sql_site;

static void drop_snapshot(sql_site *s)
{
    if (s->has_snapshot)
        rdb_txn_drop_snapshot(s->txn, &s->snapshot);
    s->has_snapshot = false;
}

static void release(rdb_routine_site *site)
{
    sql_site *s = site->state;
    site->state = NULL;
    if (s == NULL)
        return;
    drop_snapshot(s);
    for (uint32_t i = 0; i < s->count; i++)
        rdb_execution_close(&s->statements[i].execution);
    rdb_access_end(&s->access);
    rdb_arena_destroy(s->call_arena);
    rdb_arena_destroy(s->arena);
}

/* Errors of the body tell the routine and the statement they came from. */
static bool tell(const rdb_routine_site *site, uint32_t statement_no, rdb_error *err)
{
    (void)rdb_body_error(err, site->function->source);
    if (statement_no == 0)
        rdb_error_add_context(err, "SQL function \"%s\" during startup", site->function->name);
    else
        rdb_error_add_context(err, "SQL function \"%s\" statement %u", site->function->name, statement_no);
    return false;
}

static bool check_allowed(const rdb_routine_site *site, const sql_statement *statement, rdb_error *err)
{
    static const char *const names[] = {[RDB_COMMAND_SELECT] = "SELECT", [RDB_COMMAND_UPDATE] = "UPDATE", [RDB_COMMAND_INSERT] = "INSERT",
                                        [RDB_COMMAND_DELETE] = "DELETE", [RDB_COMMAND_MERGE] = "MERGE"};
    if (statement->plan == NULL && statement->query->utility->tag == RDB_AST_TRANSACTION)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not allowed in an SQL function",
                             ((const rdb_ast_transaction *)statement->query->utility)->kind == RDB_SQL_TRANSACTION_COMMIT ? "COMMIT" : "transaction control");
    if (site->function->volatility == 'v')
        return true;
    if (statement->plan != NULL && !statement->plan->is_read_only)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not allowed in a non-volatile function", names[statement->plan->command]);
    return true;
}

static bool plan_statement(sql_site *s, const rdb_routine_site *site, const rdb_eval *eval, sql_statement *statement, rdb_error *err)
{
    if (statement->query->command != RDB_COMMAND_UTILITY) {
        rdb_plan_context context = {.arena = s->arena, .access = s->access, .format = eval->format, .session = &s->eval};
        if (!rdb_plan_make(&context, statement->query, &statement->plan, err))
            return false;
    }
    return check_allowed(site, statement, err);
}

/* Rules make several queries of one statement. That which gives the result has to be the last one. */
static bool check_result(bool is_result, const rdb_list *queries, rdb_error *err)
{
    const rdb_query *last = queries->count > 0 ? queries->items[queries->count - 1] : NULL;
    if (!is_result || (last != NULL && last->sets_tag))
        return true;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "a function's result from a statement that rules rewrite into several is not supported yet");
}

static bool prepare(rdb_routine_site *site, const rdb_eval *eval, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("sql function", NULL, NULL);
    rdb_access_context context = *rdb_access_get_context(eval->access);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    sql_site *s = RDB_NEW(arena, sql_site);
    s->arena = arena;
    site->state = s;
    if (eval->session != NULL && rdb_nested_get() != NULL)
        rdb_nested_get()->describe(eval->session, &context, &s->eval.current_user);
    context.txn = eval->txn;
    context.search_path = rdb_arena_strdup(arena, context.search_path);
    context.role_name = rdb_arena_strdup(arena, context.role_name);
    s->call_arena = rdb_arena_create("sql function call", NULL, NULL);
    if (s->call_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!rdb_access_begin(&s->access, &context, err))
        return false;
    s->eval = *eval;
    s->eval.access = s->access;
    s->eval.parameters = NULL;
    s->eval.parameter_count = 0;
    s->eval.execution_values = NULL;
    s->eval.execution_count = 0;
    s->eval.routines = NULL;
    rdb_analysis analysis = {.arena = arena, .access = s->access, .format = eval->format, .session = &s->eval, .statement_us = eval->statement_us,
                             .transaction_us = eval->transaction_us, .routine_columns = site->column_types, .routine_column_typmods = site->column_typmods, .routine_column_count = site->column_count};
    rdb_list all = {0}, numbers = {0};
    if (!rdb_body_analyse(&analysis, site->function, site->argument_types, site->argument_count, site->result_type, &s->body, err))
        return tell(site, 0, err);
    for (uint32_t i = 0; i < s->body->statements.count; i++) {
        const bool is_result = s->body->has_result && i + 1 == s->body->statements.count;
        rdb_analysis own = analysis;
        rdb_list queries;
        if (!rdb_query_rewrite_all(&own, s->body->statements.items[i], &queries, err) || !check_result(is_result, &queries, err))
            return tell(site, 0, err);
        for (uint32_t k = 0; k < queries.count; k++)
            rdb_list_push(arena, &all, queries.items[k]);
        for (uint32_t k = 0; k < queries.count; k++)
            rdb_list_push(arena, &numbers, (void *)(uintptr_t)(i + 1));
    }
    s->statements = RDB_NEW_ARRAY(arena, sql_statement, all.count + 1);
    for (uint32_t i = 0; i < all.count; i++) {
        sql_statement *statement = &s->statements[i];
        statement->query = all.items[i];
        statement->number = (uint32_t)(uintptr_t)numbers.items[i];
        if (!plan_statement(s, site, eval, statement, err))
            return tell(site, 0, err);
        s->count++;
    }
    return rdb_arena_check(arena, err);
}

static bool make_ready(rdb_routine_site *site, const rdb_eval *eval, rdb_error *err)
{
    sql_site *s = site->state;
    bool is_current = s == NULL || rdb_access_fits(s->access, eval->txn);
    for (uint32_t i = 0; s != NULL && i < s->count && is_current; i++)
        is_current = s->statements[i].plan == NULL || rdb_plan_fits_snapshot(s->statements[i].plan, eval->txn);
    if (!is_current) {
        release(site);
        s = NULL;
    }
    if (s == NULL && !prepare(site, eval, err)) {
        release(site);
        return false;
    }
    s = site->state;
    rdb_access_rebind(s->access, eval->txn);
    return true;
}

/* What the next statement reads with. */
static const rdb_snapshot *statement_snapshot(sql_site *s, const rdb_routine_site *site, const rdb_eval *eval, const sql_statement *statement)
{
    if (site->function->volatility != 'v' && eval->snapshot != NULL)
        return eval->snapshot;
    s->txn = eval->txn;
    rdb_plan_ask_snapshot(statement->plan, eval->txn);
    rdb_txn_take_snapshot(eval->txn, &s->snapshot);
    if (eval->snapshot != NULL) {
        if (rdb_txn_get_isolation(eval->txn) >= RDB_REPEATABLE_READ)
            s->snapshot.scn = eval->snapshot->scn; /* the transaction's moment, a place of its own in its undo */
        s->snapshot.reads_uncommitted = eval->snapshot->reads_uncommitted;
        s->snapshot.tracks_reads = eval->snapshot->tracks_reads;
    }
    rdb_txn_hold_snapshot(eval->txn, &s->snapshot);
    s->has_snapshot = true;
    return &s->snapshot;
}

static bool start(sql_site *s, const rdb_routine_site *site, const rdb_eval *eval, sql_statement *statement, const rdb_parameter *arguments, rdb_error *err)
{
    const rdb_execution_context context = {.txn = eval->txn,
                                           .snapshot = statement_snapshot(s, site, eval, statement),
                                           .access = s->access,
                                           .parameters = arguments,
                                           .parameter_count = site->argument_count,
                                           .format = eval->format,
                                           .cancel = eval->cancel,
                                           .session = eval->session,
                                           .session_user = eval->session_user,
                                           .current_user = eval->current_user,
                                           .database_name = eval->database_name,
                                           .statement_us = eval->statement_us,
                                           .transaction_us = eval->transaction_us,
                                           .lock_timeout_us = eval->lock_timeout_us,
                                           .routine_depth = eval->routine_depth + 1};
    if (!statement->plan->is_read_only && rdb_txn_is_read_only(eval->txn))
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction",
                             statement->plan->command == RDB_COMMAND_INSERT   ? "INSERT"
                             : statement->plan->command == RDB_COMMAND_UPDATE ? "UPDATE"
                             : statement->plan->command == RDB_COMMAND_DELETE ? "DELETE"
                                                                              : "SELECT FOR UPDATE");
    if (statement->execution != NULL)
        return rdb_execution_restart(statement->execution, &context, err);
    return rdb_execution_open(&statement->execution, statement->plan, &context, err);
}

static bool run_utility(sql_site *s, const rdb_routine_site *site, const rdb_eval *eval, const sql_statement *statement, const rdb_parameter *arguments, rdb_error *err)
{
    const rdb_nested_statements *nested = rdb_nested_get();
    if (nested == NULL || eval->session == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "statements that are no queries need a session");
    if (site->function->volatility != 'v')
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not allowed in a non-volatile function", rdb_ast_tag_name(statement->query->utility->tag));
    return nested->run_utility(eval->session, s->access, site->function, statement->query->utility, arguments, site->argument_count, err);
}

/* Runs a statement to its end and forgets its rows. */
static bool run_through(sql_site *s, const rdb_routine_site *site, const rdb_eval *eval, sql_statement *statement, const rdb_parameter *arguments, rdb_error *err)
{
    bool ok, done = false;
    if (statement->plan == NULL)
        return run_utility(s, site, eval, statement, arguments, err);
    ok = start(s, site, eval, statement, arguments, err);
    while (ok && !done) {
        const rdb_batch *batch;
        ok = rdb_execution_pull(statement->execution, 0, &batch, &done, err);
    }
    if (statement->execution != NULL)
        rdb_execution_finish(statement->execution);
    drop_snapshot(s);
    return ok;
}

/* All statements but the one that gives the result. */
static bool run_before(sql_site *s, const rdb_routine_site *site, const rdb_eval *eval, const rdb_parameter *arguments, rdb_error *err)
{
    const uint32_t count = s->count - (s->body->has_result && s->count > 0);
    for (uint32_t i = 0; i < count; i++)
        if (!run_through(s, site, eval, &s->statements[i], arguments, err))
            return tell(site, s->statements[i].number, err);
    return true;
}

/* The row's value: the one column, or all of them as a row. */
static bool row_value(sql_site *s, const rdb_routine_site *site, const rdb_eval *eval, const rdb_batch *batch, uint32_t row, rdb_arena *arena, rdb_datum *value, bool *is_null,
                      rdb_error *err)
{
    if (!s->body->gives_fields) {
        *is_null = rdb_vector_is_null(batch->columns[0], row);
        return *is_null || rdb_datum_copy(arena, (rdb_rep)site->result_type->rep, rdb_vector_get(batch->columns[0], row), value, err);
    }
    const rdb_list *targets = s->statements[s->count - 1].plan->result_targets;
    uint32_t count = 0;
    rdb_datum *values = RDB_NEW_ARRAY(arena, rdb_datum, targets->count + 1);
    bool *nulls = RDB_NEW_ARRAY(arena, bool, targets->count + 1);
    const rdb_type **types = RDB_NEW_ARRAY(arena, const rdb_type *, targets->count + 1);
    for (uint32_t i = 0; i < targets->count && i < batch->column_count; i++) {
        if (((const rdb_target *)targets->items[i])->is_junk)
            continue;
        types[count] = ((const rdb_target *)targets->items[i])->expr->type;
        nulls[count] = rdb_vector_is_null(batch->columns[i], row);
        if (!nulls[count])
            values[count] = rdb_vector_get(batch->columns[i], row);
        count++;
    }
    rdb_call call = {.arena = arena, .err = err, .format = eval->format, .session = (void *)(uintptr_t)eval, .result_type = site->result_type};
    *is_null = false;
    return rdb_record_build(&call, types, values, nulls, count, value);
}

static bool enter(const rdb_routine_site *site, const rdb_eval *eval, void **saved, bool *has_entered, rdb_error *err)
{
    const rdb_nested_statements *nested = rdb_nested_get();
    *has_entered = false;
    if ((!site->function->is_security_definer && site->function->configuration_count == 0) || nested == NULL || eval->session == NULL)
        return true;
    *has_entered = nested->enter(eval->session, site->function->is_security_definer ? site->function->owner_oid : 0, site->function->configuration,
                                 site->function->configuration_count, saved, err);
    return *has_entered;
}

static bool call_inside(rdb_routine_site *site, rdb_eval *eval, const rdb_parameter *arguments, rdb_arena *arena, rdb_datum *value, bool *is_null, rdb_error *err)
{
    *is_null = true;
    if (!make_ready(site, eval, err))
        return false;
    sql_site *s = site->state;
    if (!run_before(s, site, eval, arguments, err))
        return false;
    if (!s->body->has_result || s->count == 0)
        return true;
    sql_statement *last = &s->statements[s->count - 1];
    const bool stops_at_first = last->plan->is_read_only;
    bool found = false, done = false, ok = start(s, site, eval, last, arguments, err);
    while (ok && !done) {
        const rdb_batch *batch;
        ok = rdb_execution_pull(last->execution, stops_at_first ? 1 : 0, &batch, &done, err);
        if (!ok || found || batch->selection.count == 0)
            continue;
        found = true;
        ok = row_value(s, site, eval, batch, rdb_selected(&batch->selection, 0), arena, value, is_null, err);
        done = done || stops_at_first;
    }
    if (last->execution != NULL)
        rdb_execution_finish(last->execution);
    drop_snapshot(s);
    return ok || tell(site, s->statements[s->count - 1].number, err);
}

static bool call_function(rdb_routine_site *site, rdb_eval *eval, const rdb_parameter *arguments, rdb_arena *arena, rdb_datum *value, bool *is_null, rdb_error *err)
{
    void *saved = NULL;
    bool has_entered, is_kept;
    if (!rdb_routine_check_depth(eval, err) || !enter(site, eval, &saved, &has_entered, err))
        return false;
    is_kept = rdb_routine_site_keep(site, eval);
    bool ok = call_inside(site, eval, arguments, arena, value, is_null, err);
    if (!is_kept || !ok)
        release(site);
    if (has_entered)
        rdb_nested_get()->leave(eval->session, saved);
    return ok;
}

/* ---- rows -------------------------------------------------------------------------------------------------------------------- */
static void end_rows(rdb_routine_site *site)
{
    sql_site *s = site->state;
    if (s == NULL)
        return;
    if (s->rows != NULL)
        rdb_execution_finish(s->rows);
    s->rows = NULL;
    s->batch = NULL;
    drop_snapshot(s);
    s->is_running = false;
}

static bool begin_inside(rdb_routine_site *site, rdb_eval *eval, const rdb_parameter *arguments, rdb_error *err)
{
    if (!make_ready(site, eval, err))
        return false;
    sql_site *s = site->state;
    end_rows(site);
    rdb_arena_reset(s->call_arena);
    s->arguments = RDB_NEW_ARRAY(s->call_arena, rdb_parameter, site->argument_count + 1);
    for (uint32_t i = 0; i < site->argument_count; i++) {
        s->arguments[i] = arguments[i];
        if (!arguments[i].is_null &&
            !rdb_datum_copy(s->call_arena, (rdb_rep)site->argument_types[i]->rep, arguments[i].value, &s->arguments[i].value, err))
            return false;
    }
    if (!run_before(s, site, eval, s->arguments, err))
        return false;
    s->is_running = s->body->has_result && s->count > 0;
    if (!s->is_running)
        return true;
    if (!start(s, site, eval, &s->statements[s->count - 1], s->arguments, err))
        return tell(site, s->statements[s->count - 1].number, err);
    s->rows = s->statements[s->count - 1].execution;
    return true;
}

static bool begin_function(rdb_routine_site *site, rdb_eval *eval, const rdb_parameter *arguments, rdb_error *err)
{
    void *saved = NULL;
    bool has_entered;
    if (!rdb_routine_check_depth(eval, err) || !enter(site, eval, &saved, &has_entered, err))
        return false;
    bool ok = rdb_routine_site_keep(site, eval) ? begin_inside(site, eval, arguments, err)
                                                : rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "function \"%s\" gives rows where none can be read", site->function->name);
    if (!ok)
        release(site);
    if (has_entered)
        rdb_nested_get()->leave(eval->session, saved);
    return ok;
}

/* The type of a column that the call asks for; 0: it is as the function gives it. */
static uint32_t wanted_oid(const rdb_routine_site *site, uint32_t column)
{
    const rdb_type *type = site->result_type;
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    if (site->column_count > 0)
        return column < site->column_count ? site->column_types[column]->oid : 0;
    if (type->fields != NULL)
        return column < type->field_count && !type->fields[column].is_dropped ? type->fields[column].type->oid : 0;
    uint32_t out_no = 0;
    const rdb_function *function = site->function;
    for (uint32_t i = 0; function->all_modes != NULL && i < function->all_count; i++)
        if (function->all_modes[i] != 'i' && function->all_modes[i] != 'v' && out_no++ == column)
            return function->all_types[i];
    return 0;
}

/* A record taken apart has what the call asks for, in number and in types: its bytes would be read as something else. */
static bool check_record(const rdb_routine_site *site, rdb_call *call, const rdb_type *const *given, uint32_t given_count, uint32_t column_count, rdb_error *err)
{
    if (given_count != column_count) {
        rdb_error_set(err, RDB_DATATYPE_MISMATCH, "function return row and query-specified return row do not match");
        return rdb_error_detail(err, given_count == 1 ? "Returned row contains %u attribute, but query expects %u." : "Returned row contains %u attributes, but query expects %u.",
                                given_count, column_count);
    }
    for (uint32_t c = 0; c < column_count; c++) {
        const uint32_t wanted = wanted_oid(site, c);
        const rdb_type *type = NULL;
        if (wanted == 0 || given[c] == NULL || given[c]->oid == wanted)
            continue;
        if (!rdb_type_descriptor(call, wanted, &type))
            return false;
        if (type->kind == 'p' || (type->kind == 'd' && type->base != NULL && type->base->oid == given[c]->oid))
            continue;
        rdb_strbuf text;
        rdb_strbuf_init(&text, call->arena);
        rdb_type_format_name(given[c], -1, false, &text);
        rdb_strbuf_addf(&text, " at ordinal position %u, but query expects ", c + 1);
        rdb_type_format_name(type, -1, false, &text);
        rdb_error_set(err, RDB_DATATYPE_MISMATCH, "function return row and query-specified return row do not match");
        return rdb_strbuf_check(&text, err) && rdb_error_detail(err, "Returned type %s.", text.data);
    }
    return true;
}

/* A row as the columns asked for. */
static bool put_row(sql_site *s, const rdb_routine_site *site, const rdb_eval *eval, uint32_t row, rdb_arena *arena, bool as_row, rdb_vector **columns, uint32_t column_count,
                    uint32_t at, rdb_error *err)
{
    const rdb_batch *batch = s->batch;
    const bool is_row = site->result_type->kind == 'c' || site->result_type->oid == RDB_RECORDOID ||
                        (site->result_type->kind == 'd' && site->result_type->base != NULL && site->result_type->base->kind == 'c');
    if (as_row || !is_row) {
        rdb_datum value = {.words = {0, 0}};
        bool is_null = true;
        if (!row_value(s, site, eval, batch, row, arena, &value, &is_null, err))
            return false;
        rdb_vector_put(columns[0], at, value, is_null);
        return true;
    }
    if (s->body->gives_fields) {
        for (uint32_t c = 0; c < column_count; c++) {
            rdb_datum value = {.words = {0, 0}};
            const bool is_null = c >= batch->column_count || rdb_vector_is_null(batch->columns[c], row);
            if (!is_null && !rdb_datum_copy(arena, (rdb_rep)columns[c]->rep, rdb_vector_get(batch->columns[c], row), &value, err))
                return false;
            rdb_vector_put(columns[c], at, value, is_null);
        }
        return true;
    }
    /* one column that is the row: taken apart */
    if (rdb_vector_is_null(batch->columns[0], row)) {
        for (uint32_t c = 0; c < column_count; c++)
            rdb_vector_put(columns[c], at, (rdb_datum){.words = {0, 0}}, true);
        return true;
    }
    rdb_datum record;
    if (!rdb_datum_copy(arena, RDB_REP_BYTES, rdb_vector_get(batch->columns[0], row), &record, err))
        return false;
    const uint32_t count = rdb_record_count(record);
    const rdb_type **types = RDB_NEW_ARRAY(arena, const rdb_type *, count + 1);
    rdb_datum *values = RDB_NEW_ARRAY(arena, rdb_datum, count + 1);
    bool *nulls = RDB_NEW_ARRAY(arena, bool, count + 1);
    rdb_call call = {.arena = arena, .err = err, .format = eval->format, .session = (void *)(uintptr_t)eval};
    if (!rdb_record_read(&call, record, types, values, nulls, count) || (site->result_type->oid == RDB_RECORDOID && !check_record(site, &call, types, count, column_count, err)))
        return false;
    for (uint32_t c = 0; c < column_count; c++)
        rdb_vector_put(columns[c], at, c < count ? values[c] : (rdb_datum){.words = {0, 0}}, c >= count || nulls[c]);
    return true;
}

/* A record's columns must be what the call said they are. */
static bool check_columns(const sql_site *s, const rdb_routine_site *site, rdb_vector **columns, uint32_t column_count, rdb_error *err)
{
    const rdb_list *targets = s->statements[s->count - 1].plan->result_targets;
    uint32_t count = 0;
    if (site->result_type->oid != RDB_RECORDOID || !s->body->gives_fields)
        return true;
    for (uint32_t i = 0; i < targets->count; i++) {
        const rdb_target *target = targets->items[i];
        if (target->is_junk)
            continue;
        if (count < column_count && columns[count]->rep != target->expr->type->rep) {
            rdb_error_set(err, RDB_DATATYPE_MISMATCH, "function return row and query-specified return row do not match");
            return rdb_error_detail(err, "Returned type %s at ordinal position %u, but query expects another.", target->expr->type->name, count + 1);
        }
        count++;
    }
    if (count == column_count)
        return true;
    rdb_error_set(err, RDB_DATATYPE_MISMATCH, "function return row and query-specified return row do not match");
    return rdb_error_detail(err, count == 1 ? "Returned row contains %u attribute, but query expects %u." : "Returned row contains %u attributes, but query expects %u.", count,
                            column_count);
}

static bool next_rows(rdb_routine_site *site, rdb_eval *eval, rdb_arena *arena, bool as_row, rdb_vector **columns, uint32_t column_count, uint32_t capacity,
                      uint32_t *count, rdb_error *err)
{
    sql_site *s = site->state;
    *count = 0;
    if (s == NULL || !s->is_running)
        return true;
    if (s->batch == NULL && !as_row && !check_columns(s, site, columns, column_count, err))
        return tell(site, s->statements[s->count - 1].number, err);
    while (*count == 0 && s->rows != NULL) {
        if (s->batch == NULL || s->position >= s->batch->selection.count) {
            bool done = false;
            if (!rdb_execution_pull(s->rows, site->function->returns_set ? 0 : 1, &s->batch, &done, err))
                return tell(site, s->statements[s->count - 1].number, err);
            s->position = 0;
            if (done && s->batch->selection.count == 0) {
                if (!site->function->returns_set) { /* no row is a row of nulls */
                    for (uint32_t c = 0; c < column_count; c++)
                        rdb_vector_put(columns[c], 0, (rdb_datum){.words = {0, 0}}, true);
                    *count = 1;
                }
                end_rows(site);
                return true;
            }
        }
        while (*count < capacity && s->position < s->batch->selection.count) {
            if (!put_row(s, site, eval, rdb_selected(&s->batch->selection, s->position), arena, as_row, columns, column_count, *count, err)) /* a row of another shape is refused by who reads it */
                return strcmp(err->sqlstate, RDB_DATATYPE_MISMATCH) != 0 && tell(site, s->statements[s->count - 1].number, err);
            s->position++;
            ++*count;
            if (!site->function->returns_set) { /* the first row alone */
                end_rows(site);
                return true;
            }
        }
    }
    return true;
}

static void close_site(rdb_routine_site *site)
{
    release(site);
}

void exec_register_sql_language(void)
{
    static const rdb_language sql = {.oid = RDB_LANGUAGE_SQL, .name = "sql", .call = call_function, .begin = begin_function, .next = next_rows, .end = end_rows,
                                     .close = close_site};
    rdb_language_register(&sql);
}
