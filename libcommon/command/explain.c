/* SPDX-License-Identifier: Apache-2.0
 * EXPLAIN: options, running the statement where ANALYZE asks for it, sending the answer. */
#include "command/explain_int.h"

#include <strings.h>

static bool read_options(rdb_command_context *context, const rdb_ast_explain *statement, explaining *work, rdb_error *err)
{
    bool has_timing = false, has_summary = false;
    work->costs = true;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        if (strcmp(option->name, "analyze") == 0) {
            if (!command_option_bool(option, &work->analyze, err))
                return false;
        } else if (strcmp(option->name, "costs") == 0) {
            if (!command_option_bool(option, &work->costs, err))
                return false;
        } else if (strcmp(option->name, "timing") == 0) {
            has_timing = true;
            if (!command_option_bool(option, &work->timing, err))
                return false;
        } else if (strcmp(option->name, "summary") == 0) {
            has_summary = true;
            if (!command_option_bool(option, &work->summary, err))
                return false;
        } else if (strcmp(option->name, "format") == 0) {
            const char *name = command_option_text(option);
            static const char *const formats[] = {"text", "json", "xml", "yaml"};
            uint32_t at = 0;
            while (at < RDB_COUNT_OF(formats) && (name == NULL || strcasecmp(name, formats[at]) != 0))
                at++;
            if (at == RDB_COUNT_OF(formats)) {
                rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unrecognized value for EXPLAIN option \"%s\": \"%s\"", option->name, name != NULL ? name : "");
                return command_at(context, option->node.location, err);
            }
            work->w.format = (explain_format)at;
        } else if (strcmp(option->name, "verbose") == 0) {
            if (!command_option_bool(option, &work->verbose, err))
                return false;
        } else if (strcmp(option->name, "buffers") == 0) {
            if (!command_option_bool(option, &work->buffers, err))
                return false;
        } else if (strcmp(option->name, "wal") == 0) {
            if (!command_option_bool(option, &work->wal, err))
                return false;
        } else if (strcmp(option->name, "settings") == 0) {
            if (!command_option_bool(option, &work->settings, err))
                return false;
        } else {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "unrecognized EXPLAIN option \"%s\"", option->name);
            return command_at(context, option->node.location, err);
        }
    }
    if (work->wal && !work->analyze)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "EXPLAIN option WAL requires ANALYZE");
    if (has_timing && work->timing && !work->analyze)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "EXPLAIN option TIMING requires ANALYZE");
    if (!has_timing)
        work->timing = work->analyze;
    if (!has_summary)
        work->summary = work->analyze;
    return true;
}

/* ---- running and sending ---------------------------------------------------------------------------------------------------------- */
static bool open_plan(explaining *work, const rdb_snapshot *snapshot, rdb_execution **execution, rdb_error *err)
{
    rdb_command_context *context = work->context;
    rdb_execution_context execution_context = command_execution_context(context);
    execution_context.snapshot = snapshot;
    execution_context.instrument = true;
    return rdb_execution_open(execution, work->plan, &execution_context, err);
}

static bool run_plan(explaining *work, const rdb_snapshot *snapshot, rdb_execution **execution, int64_t *elapsed_us, rdb_error *err)
{
    rdb_command_context *context = work->context;
    if (!work->plan->is_read_only && rdb_txn_is_read_only(context->txn))
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute EXPLAIN ANALYZE of a writing statement in a read-only transaction");
    int64_t begin_us = rdb_time_monotonic_us();
    bool done = false, ok = open_plan(work, snapshot, execution, err);
    while (ok && !done) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(*execution, 0, &batch, &done, err);
    }
    *elapsed_us = rdb_time_monotonic_us() - begin_us;
    return ok;
}

bool command_explain_columns(rdb_command_context *context, const rdb_ast_explain *statement, const rdb_result_column **columns, uint32_t *count, rdb_error *err)
{
    explaining work = {.context = context};
    rdb_result_column *column = RDB_NEW(context->arena, rdb_result_column);
    if (!read_options(context, statement, &work, err) || !rdb_type_get(context->access, work.w.format == EXPLAIN_JSON ? RDB_JSONOID : work.w.format == EXPLAIN_XML ? RDB_XMLOID : RDB_TEXTOID, &column->type, err))
        return false;
    if (column->type->ops == NULL && !rdb_type_get(context->access, RDB_TEXTOID, &column->type, err))
        return false;
    column->name = "QUERY PLAN";
    column->typmod = -1;
    *columns = column;
    *count = 1;
    return true;
}

static bool send_lines(explaining *work, const rdb_ast_explain *statement, rdb_error *err)
{
    rdb_command_context *context = work->context;
    const rdb_result_column *columns;
    uint32_t count;
    rdb_vector vector, *vectors[] = {&vector};
    if (!rdb_strbuf_check(&work->w.out, err) || !command_explain_columns(context, statement, &columns, &count, err) ||
        !context->client->begin_rows(context->client->context, columns, count, err))
        return false;
    const char *at = work->w.out.data, *end = at + work->w.out.length;
    while (at < end) {
        const char *line_end = work->w.format != EXPLAIN_TEXT ? end : memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            line_end = end;
        rdb_datum value = {.bytes = {(const uint8_t *)at, (uint32_t)(line_end - at), 0}};
        rdb_vector_set_constant(&vector, context->arena, RDB_REP_BYTES, value, false);
        rdb_batch batch = {vectors, 1, 1, {NULL, 1}};
        if (!context->client->send_batch(context->client->context, &batch, err))
            return false;
        at = line_end + 1;
    }
    return true;
}

static void put_summary(explaining *work, const char *what, bool is_wanted, int64_t us)
{
    char label[32];
    if (!is_wanted)
        return;
    if (work->w.format == EXPLAIN_TEXT) {
        rdb_strbuf_addf(&work->w.out, "%s Time: %.3f ms\n", what, (double)us / 1000);
        return;
    }
    snprintf(label, sizeof label, "%s Time", what);
    explain_put_number(&work->w, label, (double)us / 1000, 3);
}

static void put_setting(void *context, const char *name, const char *value)
{
    explaining *work = context;
    if (work->w.format == EXPLAIN_TEXT)
        rdb_strbuf_addf(&work->w.out, "%s%s = '%s'", work->setting_count == 0 ? "Settings: " : ", ", name, value);
    else
        explain_put(&work->w, name, value);
    work->setting_count++;
}

static void put_settings(explaining *work)
{
    if (!work->settings || work->context->plan_settings == NULL)
        return;
    explain_open(&work->w, "Settings", "Settings", true);
    work->context->plan_settings(work->context->session, put_setting, work);
    if (work->w.format == EXPLAIN_TEXT && work->setting_count > 0)
        rdb_strbuf_addc(&work->w.out, '\n');
    explain_close(&work->w, "Settings", true);
}

/* What planning read; in text only where there is something. */
static void put_planning(explaining *work, const rdb_usage *usage)
{
    if (!work->buffers || (work->w.format == EXPLAIN_TEXT && usage->blocks_hit + usage->blocks_read + usage->blocks_dirtied + usage->blocks_written == 0))
        return;
    if (work->w.format == EXPLAIN_TEXT) {
        rdb_strbuf_adds(&work->w.out, "Planning:\n");
        work->w.indent = 2;
    }
    explain_open(&work->w, "Planning", "Planning", true);
    explain_put_buffers(work, usage);
    explain_close(&work->w, "Planning", true);
    if (work->w.format == EXPLAIN_TEXT)
        work->w.indent = 0;
}

/* CREATE TABLE AS and DECLARE are explained as their queries; nothing is made. */
static rdb_ast_node *explained_query(const rdb_ast_explain *statement)
{
    switch (statement->query->tag) {
    case RDB_AST_CREATE_TABLE_AS: return ((const rdb_ast_create_table_as *)statement->query)->query;
    case RDB_AST_DECLARE: return ((const rdb_ast_declare *)statement->query)->query;
    default: return statement->query;
    }
}

/* What the statement is once its rules are applied: rdb_query *. */
static bool read_queries(explaining *work, const rdb_ast_explain *statement, rdb_list *queries, rdb_error *err)
{
    rdb_command_context *context = work->context;
    rdb_analysis analysis;
    rdb_query *query = NULL;
    command_analysis(context, &analysis);
    uint32_t *types = RDB_NEW_ARRAY(context->arena, uint32_t, context->parameter_count + 1);
    for (uint32_t i = 0; i < context->parameter_count; i++)
        types[i] = context->parameters[i].type_oid;
    analysis.parameter_types = types;
    analysis.parameter_count = context->parameter_count;
    if (!rdb_query_analyse(&analysis, explained_query(statement), &query, err) || !rdb_query_rewrite_all(&analysis, query, queries, err))
        return false;
    if (query->command == RDB_COMMAND_UTILITY)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "EXPLAIN of %s is not supported yet", rdb_command_tag(query->utility));
    return true;
}

static bool plan_query(explaining *work, const rdb_query *query, rdb_plan **plan, rdb_error *err)
{
    rdb_command_context *context = work->context;
    rdb_plan_context plan_context = {.arena = context->arena, .access = context->access, .format = context->format, .session = command_eval(context),
                                     .work_mem_bytes = context->work_mem_bytes};
    if (context->plans_values) {
        plan_context.parameters = context->parameters;
        plan_context.parameter_count = context->parameter_count;
    }
    if (context->set_planner != NULL)
        context->set_planner(context->session, &plan_context);
    return rdb_plan_make(&plan_context, query, plan, err);
}

static void write_query(explaining *work, const command_watch *run, const rdb_usage *planning)
{
    work->plan = run->plan;
    work->execution = run->execution;
    explain_open(&work->w, "Query", NULL, true);
    explain_plan(work);
    work->w.indent = work->w.format == EXPLAIN_TEXT ? 0 : work->w.indent;
    put_settings(work);
    put_planning(work, planning);
    put_summary(work, "Planning", work->summary, run->planning_us);
    if (work->analyze)
        explain_open(&work->w, "Triggers", "Triggers", false), explain_close(&work->w, "Triggers", false);
    put_summary(work, "Execution", work->summary && work->analyze, run->execution_us);
    explain_close(&work->w, "Query", true);
}

static void write_notify(explaining *work)
{
    explain_open(&work->w, "Notify", NULL, false);
    if (work->w.format == EXPLAIN_TEXT)
        rdb_strbuf_adds(&work->w.out, "NOTIFY\n");
    explain_close(&work->w, "Notify", false);
}

/* Plans one query, runs it where that is asked for, and writes what is to be told of it. *snapshot: with what queries before it did. */
static bool explain_query(explaining *work, const rdb_query *query, rdb_snapshot *snapshot, rdb_error *err)
{
    command_watch run = {0};
    rdb_usage planning = {0};
    const rdb_usage before = rdb_thread_usage;
    const int64_t begin_us = rdb_time_monotonic_us();
    if (!plan_query(work, query, &run.plan, err))
        return false;
    run.planning_us = rdb_time_monotonic_us() - begin_us;
    const uint64_t *from = (const uint64_t *)&before, *to = (const uint64_t *)&rdb_thread_usage;
    for (size_t i = 0; i < sizeof planning / sizeof(uint64_t); i++)
        ((uint64_t *)&planning)[i] = to[i] - from[i];
    work->plan = run.plan;
    bool ok = work->analyze ? run_plan(work, snapshot, &run.execution, &run.execution_us, err) : !run.plan->prunes_first || open_plan(work, snapshot, &run.execution, err);
    if (ok)
        write_query(work, &run, &planning);
    ok = ok && work->ok;
    rdb_execution_close(&run.execution);
    work->execution = NULL;
    if (ok && work->analyze) {
        const rdb_snapshot moment = *snapshot;
        rdb_txn_take_snapshot(work->context->txn, snapshot);
        snapshot->scn = moment.scn;
        snapshot->reads_uncommitted = moment.reads_uncommitted;
        snapshot->tracks_reads = moment.tracks_reads;
    }
    return ok;
}

static bool explain_queries(explaining *work, const rdb_ast_explain *statement, rdb_error *err)
{
    rdb_list queries;
    rdb_snapshot snapshot = work->context->snapshot != NULL ? *work->context->snapshot : (rdb_snapshot){0};
    if (!read_queries(work, statement, &queries, err))
        return false;
    explain_begin(&work->w);
    if (queries.count == 0 && work->w.format == EXPLAIN_TEXT)
        rdb_strbuf_adds(&work->w.out, "Query rewrites to nothing\n");
    for (uint32_t i = 0; i < queries.count; i++) {
        const rdb_query *query = queries.items[i];
        if (i > 0 && work->w.format == EXPLAIN_TEXT)
            rdb_strbuf_addc(&work->w.out, '\n');
        if (query->command == RDB_COMMAND_UTILITY)
            write_notify(work);
        else if (!explain_query(work, query, &snapshot, err))
            return false;
    }
    explain_end(&work->w);
    return true;
}

/* CREATE TABLE AS makes its table. */
static bool explain_creation(explaining *work, const rdb_ast_explain *statement, rdb_error *err)
{
    command_watch run = {0};
    const rdb_usage planning = {0};
    bool ok = (!rdb_txn_is_read_only(work->context->txn) || rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute CREATE TABLE AS in a read-only transaction")) &&
              command_create_table_watched(work->context, (const rdb_ast_create_table_as *)statement->query, &run, err);
    if (ok && run.plan != NULL) { /* the table was not there */
        explain_begin(&work->w);
        write_query(work, &run, &planning);
        explain_end(&work->w);
    }
    rdb_execution_close(&run.execution);
    return ok;
}

bool command_explain(rdb_command_context *context, const rdb_ast_explain *statement, rdb_error *err)
{
    explaining work = {.context = context, .err = err, .ok = true};
    if (!read_options(context, statement, &work, err))
        return false;
    rdb_strbuf_init(&work.w.out, NULL);
    bool ok = work.analyze && statement->query->tag == RDB_AST_CREATE_TABLE_AS ? explain_creation(&work, statement, err) : explain_queries(&work, statement, err);
    ok = ok && work.ok && send_lines(&work, statement, err);
    rdb_strbuf_free(&work.w.out);
    snprintf(context->tag, sizeof context->tag, "EXPLAIN");
    return ok;
}

bool rdb_explain_plan(rdb_command_context *context, const rdb_plan *plan, const rdb_execution *execution, rdb_strbuf *text, rdb_error *err)
{
    explaining work = {.context = context, .costs = true, .plan = plan, .execution = execution, .err = err, .ok = true};
    rdb_strbuf_init(&work.w.out, NULL);
    explain_plan(&work);
    const bool ok = work.ok && rdb_strbuf_check(&work.w.out, err);
    if (ok)
        rdb_strbuf_add(text, work.w.out.data, work.w.out.length);
    rdb_strbuf_free(&work.w.out);
    return ok;
}
