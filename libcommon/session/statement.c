/* SPDX-License-Identifier: Apache-2.0
 * From text to plan to rows: how one statement runs, and the simple protocol's list of them. */
#include "catalog/rdb_ddl.h"
#include "session/row_sink.h"
#include "session/activity.h"
#include "session/audit.h"
#include "session/audit_policy.h"
#include "session/companion.h"
#include "session/digest.h"
#include "session/notify.h"
#include "session/settings.h"
#include "session/template.h"
#include "session/wire_int.h"

/* ---- plans ------------------------------------------------------------------------------------------------------------ */
void session_columns_of(rdb_arena *arena, const rdb_list *targets, const rdb_result_column **columns, uint32_t *count)
{
    *count = 0;
    rdb_result_column *made = RDB_NEW_ARRAY(arena, rdb_result_column, targets->count + 1);
    for (uint32_t i = 0; i < targets->count; i++) {
        const rdb_target *target = targets->items[i];
        if (target->is_junk)
            continue;
        made[(*count)++] = (rdb_result_column){.name = target->name != NULL ? target->name : "?column?",
                                               .type = target->expr->type,
                                               .typmod = target->expr->typmod,
                                               .origin_table = target->origin_table,
                                               .origin_column = target->origin_column};
    }
    *columns = made;
}

void session_plan_destroy(session_plan **plan_at)
{
    session_plan *plan = *plan_at;
    if (plan == NULL)
        return;
    rdb_arena *arena = plan->arena;
    rdb_execution_close(&plan->execution);
    session_close_companions(plan);
    rdb_access_end(&plan->access);
    rdb_arena_destroy(arena); /* the plan itself lives there */
    *plan_at = NULL;
}

static void access_context(const rdb_session *session, rdb_access_context *context)
{
    *context = (rdb_access_context){.catalog = rdb_engine_catalog(session->engine),
                                    .database = session->database,
                                    .txn = session->txn,
                                    .role_oid = session->role.oid,
                                    .role_name = session->role.name,
                                    .search_path = session_setting_search_path(session),
                                    .row_security_off = session_setting_row_security_off(session),
                                    .temp = session->temp,
                                    .sequences = session->sequences};
}

bool session_access_begin(rdb_session *session, rdb_access **access, rdb_error *err)
{
    rdb_access_context context;
    access_context(session, &context);
    return rdb_access_begin(access, &context, err);
}

bool session_temp_before_commit(rdb_session *session, rdb_error *err)
{
    rdb_access_context context;
    rdb_access *access = NULL;
    if (session->txn == NULL || !rdb_temp_has_actions(session->temp))
        return true;
    access_context(session, &context);
    bool ok = rdb_access_begin(&access, &context, err) && rdb_temp_before_commit(access, err);
    rdb_access_end(&access);
    return ok;
}

void session_make_eval(rdb_session *session, rdb_access *access, rdb_eval *eval)
{
    *eval = (rdb_eval){.access = access,
                       .txn = session->txn,
                       .format = session_setting_format(session),
                       .statement_us = session->statement_us,
                       .transaction_us = session->transaction_us,
                       .cancel = &session->cancel,
                       .session = session,
                       .session_user = session->session_role.name,
                       .current_user = session->role.name,
                       .database_name = session->database_name,
                       .lock_timeout_us = session_setting_lock_timeout_us(session)};
}

static bool plan_query(rdb_session *session, session_plan *plan, rdb_analysis *analysis, bool is_prepared, const rdb_parameter *parameters, rdb_error *err)
{
    rdb_list queries;
    if (!rdb_query_rewrite_all(analysis, plan->query, &queries, err))
        return false;
    rdb_plan_context context = {.arena = plan->arena,
                                .access = plan->access,
                                .format = session_setting_format(session),
                                .session = analysis->session,
                                .work_mem_bytes = session_setting_work_mem(session)};
    session_settings_set_planner(session, &context);
    context.keeps_failing = is_prepared && parameters == NULL;
    context.parameters = parameters;
    context.parameter_count = parameters != NULL ? analysis->parameter_count : 0;
    if (!session_plan_queries(session, plan, analysis, &queries, &context, err))
        return false;
    if (plan->plan->returns_rows)
        session_columns_of(plan->arena, plan->plan->result_targets, &plan->columns, &plan->column_count);
    return true;
}

static bool make_plan(rdb_session *session, const char *text, rdb_ast_node *raw, uint32_t **parameter_types, uint32_t *parameter_count, bool infer, bool is_cursor,
                      const rdb_parameter *parameters, session_plan **plan_out, rdb_error *err)
{
    *plan_out = NULL;
    session_run planning;
    session_run_begin(session, NULL, &planning);
    rdb_arena *arena = rdb_arena_create("plan", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    session_plan *plan = RDB_NEW(arena, session_plan);
    plan->arena = arena;
    plan->epoch = rdb_catalog_epoch(session->database);
    plan->role_oid = session->role.oid;
    plan->row_security_off = session_setting_row_security_off(session);
    plan->search_path = rdb_arena_strdup(arena, session_setting_search_path(session));
    if (!session_access_begin(session, &plan->access, err))
        goto failed;
    rdb_eval *eval = RDB_NEW(arena, rdb_eval);
    session_make_eval(session, plan->access, eval);
    rdb_analysis analysis = {.arena = arena,
                             .access = plan->access,
                             .text = text,
                             .format = session_setting_format(session),
                             .parameter_types = *parameter_types,
                             .parameter_count = *parameter_count,
                             .infer_parameters = infer,
                             .is_cursor = is_cursor,
                             .session = eval,
                             .statement_us = session->statement_us,
                             .transaction_us = session->transaction_us};
    if (!rdb_query_analyse(&analysis, raw, &plan->query, err))
        goto failed;
    *parameter_types = analysis.parameter_types;
    *parameter_count = analysis.parameter_count;
    session_digest_take(session, plan, text, planning.began_ns);
    if (plan->query->command == RDB_COMMAND_UTILITY) {
        if (!session_utility_columns(session, plan, text, raw, arena, &plan->columns, &plan->column_count, err))
            goto failed;
    } else if (!plan_query(session, plan, &analysis, infer, parameters, err)) {
        goto failed;
    }
    if (!rdb_arena_check(arena, err))
        goto failed;
    session_digest_plan(plan, planning.began_ns);
    *plan_out = plan;
    return true;
failed:
    session_plan_destroy(&plan);
    return false;
}

bool session_plan_make(rdb_session *session, const char *text, rdb_ast_node *raw, uint32_t **parameter_types, uint32_t *parameter_count,
                       bool infer, bool is_cursor, session_plan **plan_out, rdb_error *err)
{
    return make_plan(session, text, raw, parameter_types, parameter_count, infer, is_cursor, NULL, plan_out, err);
}

bool session_plan_make_custom(rdb_session *session, session_statement *statement, const rdb_parameter *parameters, session_plan **plan, rdb_error *err)
{
    uint32_t *types = statement->parameter_types, count = statement->parameter_count;
    return make_plan(session, statement->text, statement->raw, &types, &count, true, false, parameters, plan, err);
}

static bool fits_snapshot(const rdb_session *session, const session_plan *plan)
{
    bool fits = session->txn == NULL || plan->plan == NULL || rdb_plan_fits_snapshot(plan->plan, session->txn);
    for (uint32_t i = 0; i < plan->companion_count && fits && session->txn != NULL; i++)
        fits = plan->companions[i].plan == NULL || rdb_plan_fits_snapshot(plan->companions[i].plan, session->txn);
    return fits;
}

bool session_plan_snapshot(rdb_session *session, const session_plan *plan, rdb_snapshot *snapshot, rdb_error *err)
{
    if (session->txn != NULL && plan->plan != NULL)
        rdb_plan_ask_snapshot(plan->plan, session->txn);
    for (uint32_t i = 0; i < plan->companion_count && session->txn != NULL; i++)
        if (plan->companions[i].plan != NULL)
            rdb_plan_ask_snapshot(plan->companions[i].plan, session->txn);
    return session_statement_snapshot(session, snapshot, err);
}

bool session_plan_is_current(const rdb_session *session, const session_plan *plan)
{
    return plan->epoch == rdb_catalog_epoch(session->database) && plan->role_oid == session->role.oid &&
           plan->row_security_off == session_setting_row_security_off(session) &&
           strcmp(plan->search_path, session_setting_search_path(session)) == 0 && rdb_access_fits(plan->access, session->txn) && fits_snapshot(session, plan);
}

static bool lock_plan(rdb_session *session, const rdb_plan *plan, rdb_error *err)
{
    for (uint32_t i = 0; i < plan->ranges.count; i++) {
        const rdb_range *range = plan->ranges.items[i];
        if (range->relation == NULL || range->lock_mode == RDB_LOCK_NONE)
            continue;
        bool taken = false;
        rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(session->txn), .a = range->relation->oid};
        if (!rdb_lock_acquire(session->txn, tag, range->lock_mode, RDB_LOCK_WAIT, session_setting_lock_timeout_us(session), &taken, err))
            return false;
    }
    return true;
}

bool session_plan_lock(rdb_session *session, session_plan *plan, bool *is_current, rdb_error *err)
{
    *is_current = session_plan_is_current(session, plan);
    if (!*is_current)
        return true;
    rdb_access_rebind(plan->access, session->txn);
    if (plan->plan == NULL)
        return true;
    if (!lock_plan(session, plan->plan, err))
        return false;
    for (uint32_t i = 0; i < plan->companion_count; i++)
        if (plan->companions[i].plan != NULL && !lock_plan(session, plan->companions[i].plan, err))
            return false;
    *is_current = session_plan_is_current(session, plan); /* a wait may have let a change in */
    return true;
}

void session_execution_context(rdb_session *session, const session_plan *plan, const rdb_parameter *parameters, uint32_t count, const rdb_snapshot *snapshot,
                               rdb_execution_context *context)
{
    *context = (rdb_execution_context){.txn = session->txn,
                                       .snapshot = snapshot,
                                       .access = plan->access,
                                       .parameters = parameters,
                                       .parameter_count = count,
                                       .format = session_setting_format(session),
                                       .cancel = &session->cancel,
                                       .session = session,
                                       .session_user = session->session_role.name,
                                       .current_user = session->role.name,
                                       .database_name = session->database_name,
                                       .statement_us = session->statement_us,
                                       .transaction_us = session->transaction_us,
                                       .lock_timeout_us = session_setting_lock_timeout_us(session),
                                       .work_mem_bytes = session_setting_work_mem(session),
                                       .work = &session->work};
}

bool session_check_writes(const rdb_session *session, const rdb_plan *plan, rdb_error *err)
{
    if (plan->is_read_only || !session->is_read_only)
        return true;
    return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction",
                         plan->command == RDB_COMMAND_SELECT   ? "SELECT FOR UPDATE"
                         : plan->command == RDB_COMMAND_INSERT ? "INSERT"
                         : plan->command == RDB_COMMAND_UPDATE ? "UPDATE"
                         : plan->command == RDB_COMMAND_DELETE ? "DELETE"
                                                               : "MERGE");
}

bool session_plan_start(rdb_session *session, session_plan *plan, const rdb_parameter *parameters, uint32_t count, rdb_snapshot *snapshot, rdb_error *err)
{
    rdb_execution_context context;
    session->access = plan->access;
    if (!session_run_companions(session, plan, false, parameters, count, snapshot, err) || !session_check_writes(session, plan->plan, err))
        return false;
    session_execution_context(session, plan, parameters, count, snapshot, &context);
    if (plan->execution != NULL)
        return rdb_execution_restart(plan->execution, &context, err);
    return rdb_execution_open(&plan->execution, plan->plan, &context, err);
}

void session_command_tag(const session_plan *plan, uint64_t row_count, char tag[64])
{
    const char *name = "SELECT";
    switch (plan->plan->command) {
    case RDB_COMMAND_INSERT:
        name = "INSERT 0";
        break;
    case RDB_COMMAND_UPDATE:
        name = "UPDATE";
        break;
    case RDB_COMMAND_DELETE:
        name = "DELETE";
        break;
    case RDB_COMMAND_MERGE:
        name = "MERGE";
        break;
    default:
        break;
    }
    char digits[24];
    size_t at = sizeof digits, length = strlen(name);
    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + row_count % 10);
        row_count /= 10;
    } while (row_count != 0);
    memcpy(tag, name, length);
    tag[length] = ' ';
    memcpy(tag + length + 1, digits + at, sizeof digits - at);
}

void session_put_complete(rdb_session *session, const char *tag)
{
    size_t begin = wire_message_begin(session->owner.output, 'C');
    wire_put_text(session->owner.output, tag);
    wire_message_end(session->owner.output, begin);
}

static void set_planner(const void *session, rdb_plan_context *context)
{
    session_settings_set_planner(session, context);
}

/* ---- utility statements ------------------------------------------------------------------------------------------------ */
static void command_context(rdb_session *session, const session_plan *plan, const char *text, const rdb_parameter *parameters,
                            uint32_t parameter_count, const rdb_snapshot *snapshot, rdb_command_context *context)
{
    *context = (rdb_command_context){.arena = session->statement_arena,
                                     .access = plan->access,
                                     .txn = session->txn,
                                     .snapshot = snapshot,
                                     .cancel = &session->cancel,
                                     .format = session_setting_format(session),
                                     .client = &session->client,
                                     .session = session,
                                     .text = text,
                                     .parameters = parameters,
                                     .parameter_count = parameter_count,
                                     .statement_us = session->statement_us,
                                     .transaction_us = session->transaction_us,
                                     .lock_timeout_us = session_setting_lock_timeout_us(session),
                                     .work_mem_bytes = session_setting_work_mem(session),
                                     .work = &session->work,
                                     .is_automatic = session->is_automatic,
                                     .is_top_level = session_stands_alone(session),
                                     .role = &session->role,
                                     .statistics_target = session_setting_statistics_target(session),
                                     .set_planner = set_planner,
                                     .plan_settings = session_settings_of_plans,
                                     .plans_values = session_setting_plans_values(session) && !session->expands_generic,
                                     .skips_function_bodies = !session_setting_checks_bodies(session),
                                     .checkpoint = session_checkpoint, .step_commits = session_audit_step};
}

void session_command_context(rdb_session *session, const session_plan *plan, const char *text, rdb_command_context *context)
{
    command_context(session, plan, text, NULL, 0, NULL, context);
}

bool session_utility_columns(rdb_session *session, const session_plan *plan, const char *text, rdb_ast_node *raw,
                             rdb_arena *arena, const rdb_result_column **columns, uint32_t *count, rdb_error *err)
{
    *columns = NULL;
    *count = 0;
    switch (raw->tag) {
    case RDB_AST_SHOW:
        return session_show_columns(session, (rdb_ast_show *)raw, arena, columns, count, err);
    case RDB_AST_FETCH: {
        const rdb_ast_fetch *fetch = (const rdb_ast_fetch *)raw;
        session_portal *portal = fetch->is_move ? NULL : rdb_map_get(session->portals, fetch->name, strlen(fetch->name));
        if (portal != NULL) {
            *columns = portal->plan->columns;
            *count = portal->plan->column_count;
        }
        return true;
    }
    case RDB_AST_EXECUTE: {
        const char *name = ((const rdb_ast_execute *)raw)->name;
        session_statement *statement = rdb_map_get(session->statements, name, strlen(name));
        if (statement != NULL && statement->plan != NULL) {
            *columns = statement->plan->columns;
            *count = statement->plan->column_count;
        }
        return true;
    }
    default:
        break;
    }
    if (!rdb_command_handles(raw))
        return true;
    rdb_command_context context;
    command_context(session, plan, text, NULL, 0, NULL, &context);
    context.arena = arena;
    return rdb_command_describe(&context, raw, columns, count, err);
}

static bool run_command(rdb_session *session, session_plan *plan, const char *text, rdb_ast_node *raw, const rdb_parameter *parameters,
                        uint32_t parameter_count, char tag[64], rdb_error *err)
{
    rdb_command_context context;
    rdb_snapshot snapshot;
    if (!session_statement_snapshot(session, &snapshot, err))
        return false;
    command_context(session, plan, text, parameters, parameter_count, &snapshot, &context);
    rdb_thread_report = &session->report;
    bool ok = rdb_command_run(&context, raw, err);
    rdb_report_end();
    rdb_thread_report = NULL;
    session_drop_statement_snapshot(session, &snapshot);
    memcpy(tag, context.tag, 64);
    return ok;
}

static bool not_supported(const rdb_ast_node *raw, rdb_error *err)
{
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported yet", rdb_command_tag(raw));
}

static bool discard(rdb_session *session, const rdb_ast_discard *statement, char tag[64], rdb_error *err)
{
    switch (statement->target) {
    case RDB_SQL_DISCARD_ALL:
        if (!session_require_alone(session, "DISCARD ALL", err))
            return false;
        snprintf(tag, 64, "DISCARD ALL");
        session_discard_statements(session);
        session_templates_forget(session);
        rdb_sequence_session_forget(session->sequences);
        return session_unlisten_all(session, err) && rdb_temp_discard(session->access, err) && session_settings_discard(session, err);
    case RDB_SQL_DISCARD_PLANS:
        snprintf(tag, 64, "DISCARD PLANS");
        session_templates_forget(session);
        return true;
    case RDB_SQL_DISCARD_SEQUENCES:
        snprintf(tag, 64, "DISCARD SEQUENCES");
        rdb_sequence_session_forget(session->sequences);
        return true;
    default:
        snprintf(tag, 64, "DISCARD TEMP");
        return rdb_temp_discard(session->access, err);
    }
}

bool session_run_utility(rdb_session *session, session_plan *plan, const char *text, rdb_ast_node *raw, const rdb_parameter *parameters,
                         uint32_t parameter_count, bool describes, const uint16_t *formats, char tag[64], rdb_error *err)
{
    session->sink->describes = describes;
    session->sink->default_formats = formats;
    session->access = plan != NULL ? plan->access : NULL;
    if (raw->tag == RDB_AST_SELECT && plan != NULL && plan->query->utility != NULL)
        raw = plan->query->utility; /* SELECT INTO */
    snprintf(tag, 64, "%s", rdb_command_tag(raw));
    switch (raw->tag) {
    case RDB_AST_TRANSACTION:
        return session_transaction_statement(session, raw, tag, err);
    case RDB_AST_SET:
        return session_set_statement(session, (rdb_ast_set *)raw, tag, err);
    case RDB_AST_SHOW:
        return session_show_statement(session, (rdb_ast_show *)raw, err);
    case RDB_AST_PREPARE:
        return session_prepare_statement(session, (rdb_ast_prepare *)raw, text, err);
    case RDB_AST_EXECUTE:
        return session_execute_statement(session, (rdb_ast_execute *)raw, text, describes, formats, tag, err);
    case RDB_AST_DEALLOCATE:
        return session_deallocate_statement(session, (rdb_ast_deallocate *)raw, tag, err);
    case RDB_AST_DECLARE:
        return session_declare_cursor(session, (rdb_ast_declare *)raw, text, err);
    case RDB_AST_FETCH:
        return session_fetch_cursor(session, (rdb_ast_fetch *)raw, describes, formats, tag, err);
    case RDB_AST_CLOSE:
        return session_close_cursor(session, (rdb_ast_close *)raw, tag, err);
    case RDB_AST_ALTER_ROLE_SET:
    case RDB_AST_ALTER_DATABASE_SET:
        if (session->is_read_only)
            return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction", tag);
        return raw->tag == RDB_AST_ALTER_ROLE_SET ? session_alter_role_set(session, (const rdb_ast_alter_role_set *)raw, err)
                                                  : session_alter_database_set(session, (const rdb_ast_alter_database_set *)raw, err);
    case RDB_AST_LISTEN:
    case RDB_AST_NOTIFY:
    case RDB_AST_UNLISTEN:
        return session_notify_statement(session, raw, err);
    case RDB_AST_DISCARD:
        return discard(session, (rdb_ast_discard *)raw, tag, err);
    default:
        break;
    }
    if (!rdb_command_handles(raw))
        return not_supported(raw, err);
    if (session->is_read_only && !rdb_command_is_read_only(raw))
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction", tag);
    if ((raw->tag == RDB_AST_CREATE_TABLE_AS || raw->tag == RDB_AST_EXPLAIN) &&
        !session_expand_execute(session, raw, text, &raw, &text, &parameters, &parameter_count, err))
        return false;
    return run_command(session, plan, text, raw, parameters, parameter_count, tag, err);
}

/* ---- one statement ------------------------------------------------------------------------------------------------------- */
bool session_ends_failure(const rdb_ast_node *raw)
{
    if (raw == NULL || raw->tag != RDB_AST_TRANSACTION)
        return false;
    switch (((const rdb_ast_transaction *)raw)->kind) {
    case RDB_SQL_TRANSACTION_COMMIT:
    case RDB_SQL_TRANSACTION_ROLLBACK:
    case RDB_SQL_TRANSACTION_ROLLBACK_TO:
    case RDB_SQL_TRANSACTION_PREPARE:
        return true;
    default:
        return false;
    }
}

bool session_check_not_failed(rdb_session *session, const rdb_ast_node *raw, rdb_error *err)
{
    if (session->block != SESSION_FAILED || session_ends_failure(raw))
        return true;
    return rdb_error_set(err, RDB_IN_FAILED_SQL_TRANSACTION, "current transaction is aborted, commands ignored until end of transaction block");
}

void session_statement_begin(rdb_session *session)
{
    if (RDB_UNLIKELY(rdb_thread_waiter != &session->waiter)) /* the session has just begun, or is no wire's */
        rdb_waiter_adopt(&session->waiter);
    session->statement_us = rdb_time_wall_us();
    rdb_cancel_begin_statement(&session->cancel, session_setting_statement_timeout_us(session));
    /* The messages of one extended-protocol run are one activity. */
    if (session->is_active && session->block != SESSION_IDLE)
        return;
    session->is_active = true;
    atomic_store_explicit(&session->state_name, "active", memory_order_relaxed);
    session_activity_state(session);
}

void session_now_idle(rdb_session *session)
{
    if (!session->is_active)
        return;
    session->is_active = false;
    atomic_store_explicit(&session->state_name,
                          session->block == SESSION_IDLE     ? "idle"
                          : session->block == SESSION_FAILED ? "idle in transaction (aborted)"
                                                             : "idle in transaction",
                          memory_order_relaxed);
    session_activity_state(session);
}

void session_note_temp_files(rdb_session *session)
{
    rdb_counters_add(session->counters, RDB_COUNTER_TEMP_FILES, atomic_exchange_explicit(&session->work.ended_files, 0, memory_order_relaxed));
    rdb_counters_add(session->counters, RDB_COUNTER_TEMP_BYTES, atomic_exchange_explicit(&session->work.ended_bytes, 0, memory_order_relaxed));
}

void session_statement_end(rdb_session *session)
{
    rdb_cancel_end_statement(&session->cancel);
    if (session->txn != NULL) {
        rdb_error ignored;
        rdb_error_init(&ignored);
        rdb_txn_end_statement(session->txn);
        /* What the statement built on is durable before its answer leaves. Inside a block an answer without data, "UPDATE 1", tells
         * nothing that outlives a crash: that wait is the commit's, which has it anyway, and the row locks are not held over it. */
        const bool must_wait = session->block != SESSION_BLOCK || session->has_told_data;
        if (must_wait && session_setting_commit_wait(session) != RDB_COMMIT_NO_WAIT) {
            if (session->owner.holds_replies)
                session->unpublished_scn = RDB_MAX(session->unpublished_scn, rdb_txn_met_scn(session->txn));
            else if (!rdb_txn_wait_met(session->txn, &ignored))
                rdb_error_clear(&ignored);
        }
    }
    session->has_told_data = false;
    rdb_arena_reset(session->statement_arena);
    rdb_io_note_usage();
    if (RDB_UNLIKELY(atomic_load_explicit(&session->work.ended_files, memory_order_relaxed) != 0))
        session_note_temp_files(session);
}

void session_put_plan_description(rdb_session *session, session_plan *plan)
{
    rdb_strbuf *output = session->owner.output;
    if (plan->description != NULL) {
        rdb_strbuf_add(output, plan->description, plan->description_bytes);
        return;
    }
    size_t begin = output->length;
    session_put_row_description(session, plan->columns, plan->column_count, NULL);
    if (!output->failed) {
        plan->description_bytes = output->length - begin;
        plan->description = rdb_arena_memdup(plan->arena, output->data + begin, plan->description_bytes);
    }
}

/* What the run gave or changed. */
static uint64_t plan_rows(const rdb_session *session, const session_plan *plan)
{
    return plan->execution == NULL ? 0 : plan->plan->command == RDB_COMMAND_SELECT ? session->sink->row_count : rdb_execution_row_count(plan->execution);
}

/* Runs a plan to its end, rows going to the client. */
bool session_run_plan(rdb_session *session, session_plan *plan, const rdb_parameter *parameters, uint32_t parameter_count, char tag[64],
                      rdb_error *err)
{
    rdb_snapshot snapshot;
    session_run run;
    session_run_begin(session, plan, &run);
    if (!session_plan_snapshot(session, plan, &snapshot, err))
        return false;
    plan->shows_companions = true;
    bool ok = session_plan_start(session, plan, parameters, parameter_count, &snapshot, err), done = false;
    if (ok && plan->column_count > 0) {
        session_put_plan_description(session, plan);
        ok = session_sink_begin(session, plan->columns, plan->column_count, NULL, err);
    } else if (ok && plan->plan->returns_rows) {
        session_put_row_description(session, plan->columns, 0, NULL);
        ok = session_sink_begin(session, plan->columns, 0, NULL, err);
    }
    while (ok && !done) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(plan->execution, 0, &batch, &done, err);
        if (ok && batch != NULL && plan->plan->returns_rows)
            ok = session_send_rows(session, batch, 0, batch->selection.count, err);
    }
    if (ok)
        session_command_tag(plan, plan->plan->command == RDB_COMMAND_SELECT ? session->sink->row_count : rdb_execution_row_count(plan->execution), tag);
    ok = ok && session_run_companions(session, plan, true, parameters, parameter_count, &snapshot, err);
    if (plan->execution != NULL)
        rdb_execution_finish(plan->execution);
    session_drop_statement_snapshot(session, &snapshot);
    session_run_end(session, plan, &run, plan_rows(session, plan), !ok);
    return ok;
}

/* Transaction control needs no engine transaction; everything else has one before it is analysed. */
static bool run_one(rdb_session *session, const char *text, const rdb_ast_statement *statement, rdb_error *err)
{
    char tag[64] = "";
    rdb_ast_node *raw = statement->body;
    session_plan *plan = NULL;
    session_run run;
    const size_t length = statement->length > 0 ? (size_t)statement->length : strlen(text + statement->start);
    bool ok = session_audit_statement(session, text + statement->start, length, false, raw, NULL, err) && session_check_not_failed(session, raw, err);
    session->piece_of = text;
    session->piece_start = statement->start;
    session->piece_length = statement->length;
    if (ok && raw->tag == RDB_AST_TRANSACTION) {
        session_run_begin(session, NULL, &run);
        ok = session_transaction_statement(session, raw, tag, err);
        session_utility_end(session, raw, text + statement->start, length, &run, tag, !ok);
    } else if (ok) {
        uint32_t *types = NULL, count = 0;
        ok = session_begin_statement(session, err) && session_plan_make(session, text, raw, &types, &count, false, false, &plan, err);
        session_audit_plan(session, plan);
        if (ok && plan->plan != NULL) {
            ok = session_run_plan(session, plan, NULL, 0, tag, err);
        } else if (ok) {
            session_run_begin(session, NULL, &run);
            ok = session_run_utility(session, plan, text, raw, NULL, 0, true, NULL, tag, err);
            session_utility_end(session, raw, text + statement->start, length, &run, tag, !ok);
        }
    }
    if (audit_policy_is_change(raw)) {
        if (ok)
            ok = audit_policy_finish(text + statement->start, length, raw, tag, err);
        else
            audit_policy_translate(text + statement->start, length, raw, err);
    }
    ok = ok && session_audit_done(session, tag, err);
    session->piece_length = 0;
    session_plan_destroy(&plan);
    session_audit_plan(session, NULL);
    /* The statement's own transaction ends before its completion is told. */
    if (ok && session->block == SESSION_AUTO)
        ok = session_commit(session, err);
    if (ok)
        session_put_complete(session, tag);
    return ok;
}

static void simple_failed(rdb_session *session, rdb_error *err)
{
    session_audit_failed(session, err);
    session_put_error(session, session->owner.output, err, "ERROR");
    rdb_error_clear(err);
    session_fail(session);
}

void session_simple_query(rdb_session *session, const char *text)
{
    rdb_error err = {0};
    size_t length = strlen(text);
    session_statement_begin(session);
    session_forget_unnamed(session);
    session_activity_query(session, text);
    session_audit_text(session, text, length);
    if (session_template_run(session, text, length, &err)) {
        if (rdb_error_is_set(&err))
            simple_failed(session, &err);
        session_audit_text(session, NULL, 0);
        session_statement_end(session);
        return;
    }
    rdb_arena *arena = rdb_arena_create("simple query", NULL, NULL);
    rdb_ast_list statements = {0};
    rdb_sql_reading reading = session_setting_reading(session);
    bool ok = arena != NULL || rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_slice bytes = {(const uint8_t *)text, length};
    if (ok && (ok = session_text_in(session, arena, &bytes, &err))) {
        text = (const char *)bytes.data;
        length = bytes.length;
    }
    if (ok) { /* the message's own bytes may move: a COPY among the statements reads on behind them */
        char *copy = rdb_arena_try_alloc(arena, length + 1, &err);
        ok = copy != NULL;
        if (ok)
            session->query_text = text = memcpy(copy, text, length + 1);
    }
    ok = ok && rdb_sql_parse_reading(arena, text, length, &reading, &statements, &err);
    if (ok && statements.count == 0)
        wire_message_end(session->owner.output, wire_message_begin(session->owner.output, 'I'));
    for (uint32_t i = 0; ok && i < statements.count; i++) {
        if (statements.count > 1 && session->block == SESSION_IDLE && statements.items[i].body->tag != RDB_AST_TRANSACTION) {
            ok = session_begin_statement(session, &err);
            session->block = SESSION_IMPLICIT;
            session->implicit_statements = UINT32_MAX;
        }
        if (i > 0) /* the one before may have been SET statement_timeout */
            rdb_cancel_retime_statement(&session->cancel, session_setting_statement_timeout_us(session));
        ok = ok && run_one(session, text, &statements.items[i], &err);
    }
    if (ok && session->block == SESSION_IMPLICIT)
        ok = session_commit(session, &err);
    if (ok && statements.count == 1)
        session_template_note(session);
    if (!ok)
        simple_failed(session, &err);
    session_audit_text(session, NULL, 0);
    session->copy_in = SESSION_COPY_NONE; /* what the client still sends of a COPY that failed is dropped message by message */
    session->query_text = NULL;
    rdb_arena_destroy(arena);
    session_statement_end(session);
}
