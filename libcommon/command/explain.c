/* SPDX-License-Identifier: Apache-2.0
 * EXPLAIN: the plan as PostgreSQL prints it, as text or JSON; with ANALYZE, what running it did. */
#include "command/command_int.h"

#include <strings.h>

typedef struct explaining {
    rdb_command_context *context;
    bool analyze, costs, timing, summary, is_json;
    const rdb_plan *plan;
    const rdb_execution *execution; /* ANALYZE: for the statistics */
    rdb_strbuf out;
    rdb_error *err;
    bool ok;
    /* of the node being printed */
    const rdb_plan_node *node;
    uint32_t indent;
    bool needs_comma;
} explaining;

static bool read_options(rdb_command_context *context, const rdb_ast_explain *statement, explaining *work, rdb_error *err)
{
    bool has_timing = false, has_summary = false, flag;
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
            work->is_json = name != NULL && strcasecmp(name, "json") == 0;
            if (name == NULL || (!work->is_json && strcasecmp(name, "text") != 0))
                return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "EXPLAIN format \"%s\" is not supported yet", name != NULL ? name : "");
        } else if (strcmp(option->name, "verbose") == 0 || strcmp(option->name, "buffers") == 0 || strcmp(option->name, "wal") == 0 || strcmp(option->name, "settings") == 0) {
            if (!command_option_bool(option, &flag, err))
                return false;
            if (flag)
                return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "EXPLAIN option \"%s\" is not supported yet", option->name);
        } else {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "unrecognized EXPLAIN option \"%s\"", option->name);
            return command_at(context, option->node.location, err);
        }
    }
    if (has_timing && work->timing && !work->analyze)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "EXPLAIN option TIMING requires ANALYZE");
    if (!has_timing)
        work->timing = work->analyze;
    if (!has_summary)
        work->summary = work->analyze;
    return true;
}

/* " using t_pkey on t alias": what a node works on. */
static void put_target(explaining *work, const rdb_plan_node *node)
{
    const char *name = NULL, *alias = NULL, *index = NULL;
    switch (node->kind) {
    case RDB_PLAN_INDEX_SCAN:
    case RDB_PLAN_INDEX_ONLY_SCAN:
        index = node->of.scan.relation->indexes[node->of.scan.index_no].name;
        /* fall through */
    case RDB_PLAN_SEQ_SCAN:
        name = node->of.scan.relation->name;
        alias = node->of.scan.alias;
        break;
    case RDB_PLAN_MODIFY_TABLE:
        name = node->of.modify.relation->name;
        alias = node->of.modify.alias;
        break;
    case RDB_PLAN_VALUES_SCAN:
        name = "\"*VALUES*\"";
        break;
    case RDB_PLAN_FUNCTION_SCAN:
        name = node->of.function.alias;
        break;
    case RDB_PLAN_CTE_SCAN:
    case RDB_PLAN_WORK_TABLE_SCAN:
        name = node->of.cte.name;
        alias = node->of.cte.alias;
        break;
    case RDB_PLAN_SUBQUERY_SCAN:
        name = node->of.subquery.alias;
        break;
    default:
        return;
    }
    if (work->is_json) {
        if (index != NULL) {
            rdb_strbuf_adds(&work->out, ",\n");
            rdb_strbuf_addf(&work->out, "%*s\"Index Name\": ", (int)work->indent, "");
            rdb_strbuf_add_json(&work->out, index, strlen(index));
        }
        if (name != NULL) {
            rdb_strbuf_addf(&work->out, ",\n%*s\"Relation Name\": ", (int)work->indent, "");
            rdb_strbuf_add_json(&work->out, name, strlen(name));
        }
        if (alias != NULL || name != NULL) {
            const char *shown = alias != NULL ? alias : name;
            rdb_strbuf_addf(&work->out, ",\n%*s\"Alias\": ", (int)work->indent, "");
            rdb_strbuf_add_json(&work->out, shown, strlen(shown));
        }
        return;
    }
    if (index != NULL)
        rdb_strbuf_addf(&work->out, " using %s", index);
    if (name != NULL)
        rdb_strbuf_addf(&work->out, " on %s", name);
    if (alias != NULL && name != NULL && strcmp(alias, name) != 0)
        rdb_strbuf_addf(&work->out, " %s", alias);
}

/* Columns bear their table's name where several tables are read and the node is not the scan of one of them. */
static void put_expr(explaining *work, const rdb_expr *expr, rdb_strbuf *text)
{
    rdb_plan_kind kind = work->node->kind;
    bool is_scan = kind == RDB_PLAN_SEQ_SCAN || kind == RDB_PLAN_INDEX_SCAN || kind == RDB_PLAN_INDEX_ONLY_SCAN || kind == RDB_PLAN_FUNCTION_SCAN ||
                   kind == RDB_PLAN_VALUES_SCAN || kind == RDB_PLAN_CTE_SCAN || kind == RDB_PLAN_WORK_TABLE_SCAN;
    if (work->ok && !rdb_deparse_expr(work->context->access, expr, NULL, !is_scan && work->plan->ranges.count > 1, text, work->err))
        work->ok = false;
}

static bool is_column(const rdb_expr *expr)
{
    while (expr->kind == RDB_EXPR_SLOT && ((const rdb_expr_slot *)expr)->origin != NULL)
        expr = ((const rdb_expr_slot *)expr)->origin;
    return expr->kind == RDB_EXPR_VAR;
}

static void property_text(explaining *work, const rdb_plan_property *property, rdb_strbuf *text)
{
    switch (property->kind) {
    case RDB_PLAN_PROPERTY_TEXT:
        rdb_strbuf_adds(text, property->text);
        break;
    case RDB_PLAN_PROPERTY_EXPRS:
        if (property->is_list) {
            for (uint32_t i = 0; i < property->exprs->count; i++) {
                rdb_strbuf_adds(text, i > 0 ? ", " : "");
                put_expr(work, property->exprs->items[i], text);
            }
            break;
        }
        if (property->exprs->count > 1)
            rdb_strbuf_addc(text, '(');
        for (uint32_t i = 0; i < property->exprs->count; i++) {
            rdb_strbuf one;
            rdb_strbuf_init(&one, work->context->arena);
            put_expr(work, property->exprs->items[i], &one);
            const char *shown = one.length > 0 ? one.data : "";
            bool has_brackets = shown[0] == '(';
            rdb_strbuf_addf(text, "%s%s%s%s", i > 0 ? " AND " : "", has_brackets ? "" : "(", shown, has_brackets ? "" : ")");
        }
        if (property->exprs->count > 1)
            rdb_strbuf_addc(text, ')');
        break;
    case RDB_PLAN_PROPERTY_KEYS:
        for (uint32_t i = 0; i < property->key_count; i++) {
            const rdb_plan_key *key = &property->keys[i];
            if (i > 0)
                rdb_strbuf_adds(text, ", ");
            if (key->origin != NULL) { /* what is computed below stands in brackets */
                rdb_strbuf_adds(text, is_column(key->origin) ? "" : "(");
                put_expr(work, key->origin, text);
                rdb_strbuf_adds(text, is_column(key->origin) ? "" : ")");
            } else
                rdb_strbuf_addf(text, "$%u", key->slot_no + 1);
            if (key->is_descending)
                rdb_strbuf_adds(text, key->nulls_first ? " DESC" : " DESC NULLS LAST");
            else if (key->nulls_first)
                rdb_strbuf_adds(text, " NULLS FIRST");
        }
        break;
    }
}

static void put_property(void *work_at, const rdb_plan_property *property)
{
    explaining *work = work_at;
    rdb_strbuf text;
    rdb_strbuf_init(&text, work->context->arena);
    property_text(work, property, &text);
    const char *shown = text.length > 0 ? text.data : "";
    if (work->is_json) {
        rdb_strbuf_addf(&work->out, ",\n%*s", (int)work->indent, "");
        rdb_strbuf_add_json(&work->out, property->label, strlen(property->label));
        rdb_strbuf_adds(&work->out, ": ");
        rdb_strbuf_add_json(&work->out, shown, strlen(shown));
    } else {
        rdb_strbuf_addf(&work->out, "%*s%s: %s\n", (int)work->indent, "", property->label, shown);
    }
}

/* Per loop, as PostgreSQL shows them. */
static void put_actual(explaining *work, const rdb_plan_node *node)
{
    if (work->execution == NULL)
        return;
    const rdb_node_statistics *statistics = rdb_execution_statistics(work->execution, node->node_no);
    double loops = statistics != NULL && statistics->loops > 0 ? (double)statistics->loops : 1;
    if (work->is_json) {
        if (work->timing)
            rdb_strbuf_addf(&work->out, ",\n%*s\"Actual Startup Time\": %.3f,\n%*s\"Actual Total Time\": %.3f", (int)work->indent, "",
                            statistics != NULL ? (double)statistics->startup_us / 1000 / loops : 0, (int)work->indent, "",
                            statistics != NULL ? (double)statistics->total_us / 1000 / loops : 0);
        rdb_strbuf_addf(&work->out, ",\n%*s\"Actual Rows\": %.0f,\n%*s\"Actual Loops\": %llu", (int)work->indent, "",
                        statistics != NULL ? (double)statistics->rows / loops : 0, (int)work->indent, "",
                        statistics != NULL ? (unsigned long long)statistics->loops : 0ULL);
        return;
    }
    if (statistics == NULL || statistics->loops == 0)
        rdb_strbuf_adds(&work->out, " (never executed)");
    else if (work->timing)
        rdb_strbuf_addf(&work->out, " (actual time=%.3f..%.3f rows=%.0f loops=%llu)", (double)statistics->startup_us / 1000 / loops,
                        (double)statistics->total_us / 1000 / loops, (double)statistics->rows / loops, (unsigned long long)statistics->loops);
    else
        rdb_strbuf_addf(&work->out, " (actual rows=%.0f loops=%llu)", (double)statistics->rows / loops, (unsigned long long)statistics->loops);
}

static void put_extra_statistics(explaining *work, const rdb_plan_node *node)
{
    const rdb_node_statistics *statistics = work->execution != NULL ? rdb_execution_statistics(work->execution, node->node_no) : NULL;
    if (statistics == NULL || work->is_json)
        return;
    double loops = statistics->loops > 0 ? (double)statistics->loops : 1;
    if (statistics->rows_filtered > 0)
        rdb_strbuf_addf(&work->out, "%*sRows Removed by Filter: %.0f\n", (int)work->indent, "", (double)statistics->rows_filtered / loops);
    if (statistics->rows_filtered_by_join > 0)
        rdb_strbuf_addf(&work->out, "%*sRows Removed by Join Filter: %.0f\n", (int)work->indent, "", (double)statistics->rows_filtered_by_join / loops);
    if (statistics->method != NULL)
        rdb_strbuf_addf(&work->out, "%*sSort Method: %s  %s: %llukB\n", (int)work->indent, "", statistics->method, statistics->disk_bytes > 0 ? "Disk" : "Memory",
                        (unsigned long long)((statistics->disk_bytes > 0 ? statistics->disk_bytes : statistics->memory_bytes) + 1023) / 1024);
    if (node->kind == RDB_PLAN_AGGREGATE && statistics->batches > 0 && node->of.aggregate.key_count > 0) {
        rdb_strbuf_addf(&work->out, "%*sBatches: %u  Memory Usage: %llukB", (int)work->indent, "", statistics->batches, (unsigned long long)(statistics->memory_bytes + 1023) / 1024);
        if (statistics->disk_bytes > 0)
            rdb_strbuf_addf(&work->out, "  Disk Usage: %llukB", (unsigned long long)(statistics->disk_bytes + 1023) / 1024);
        rdb_strbuf_adds(&work->out, "\n");
    } else if (node->kind == RDB_PLAN_HASH_JOIN && statistics->memory_bytes > 0) {
        rdb_strbuf_addf(&work->out, "%*sBatches: %u  Memory Usage: %llukB\n", (int)work->indent, "", RDB_MAX(statistics->batches, 1u), (unsigned long long)(statistics->memory_bytes + 1023) / 1024);
    }
}

static void put_costs(explaining *work, const rdb_plan_node *node)
{
    if (!work->costs)
        return;
    if (work->is_json)
        rdb_strbuf_addf(&work->out, ",\n%*s\"Startup Cost\": %.2f,\n%*s\"Total Cost\": %.2f,\n%*s\"Plan Rows\": %.0f,\n%*s\"Plan Width\": %d", (int)work->indent, "",
                        node->startup_cost, (int)work->indent, "", node->total_cost, (int)work->indent, "", node->rows, (int)work->indent, "", node->width);
    else
        rdb_strbuf_addf(&work->out, "  (cost=%.2f..%.2f rows=%.0f width=%d)", node->startup_cost, node->total_cost, node->rows, node->width);
}

/* The tables that a node writes in, where they are not just the one it names. */
static void put_written_tables(explaining *work, const rdb_plan_node *node)
{
    if (node->kind != RDB_PLAN_MODIFY_TABLE)
        return;
    for (uint32_t i = 0; i < node->of.modify.target_count; i++) {
        const rdb_plan_target *target = &node->of.modify.targets[i];
        rdb_strbuf_addf(&work->out, "%*s%s on %s", (int)work->indent, "", rdb_plan_node_name(node), target->relation->name);
        if (strcmp(target->alias, target->relation->name) != 0)
            rdb_strbuf_addf(&work->out, " %s", target->alias);
        rdb_strbuf_addc(&work->out, '\n');
    }
}

/* ---- text: "  ->  Node", children six columns deeper ------------------------------------------------------------------------ */
static void put_text_node(explaining *work, const rdb_plan_node *node, uint32_t indent, const char *label)
{
    if (node == NULL)
        return;
    if (label != NULL) {
        rdb_strbuf_addf(&work->out, "%*s%s\n", (int)indent, "", label);
        indent += 2;
    }
    bool is_top = indent == 0 && label == NULL;
    rdb_strbuf_addf(&work->out, "%*s%s%s", (int)indent, "", is_top ? "" : "->  ", rdb_plan_node_name(node));
    uint32_t inner = is_top ? 2 : indent + 6;
    work->indent = inner;
    put_target(work, node);
    put_costs(work, node);
    put_actual(work, node);
    rdb_strbuf_addc(&work->out, '\n');
    work->node = node;
    rdb_plan_node_describe(node, put_property, work);
    put_extra_statistics(work, node);
    put_written_tables(work, node);
    put_text_node(work, node->left, inner, NULL);
    put_text_node(work, node->right, inner, NULL);
    for (uint32_t i = 0; i < node->children.count; i++)
        put_text_node(work, node->children.items[i], inner, NULL);
}

static void put_text(explaining *work)
{
    char label[128];
    put_text_node(work, work->plan->root, 0, NULL);
    for (uint32_t i = 0; i < work->plan->cte_count; i++) {
        snprintf(label, sizeof label, "CTE %s", work->plan->ctes[i].name);
        put_text_node(work, work->plan->ctes[i].node, 2, label);
    }
    for (uint32_t i = 0; i < work->plan->subplan_count; i++)
        put_text_node(work, work->plan->subplans[i].node, 2, work->plan->subplans[i].name);
}

/* ---- JSON --------------------------------------------------------------------------------------------------------------------- */
static void put_json_node(explaining *work, const rdb_plan_node *node, uint32_t indent, const char *relationship, const char *name)
{
    const char *kind = rdb_plan_node_name(node);
    rdb_strbuf_addf(&work->out, "{\n%*s\"Node Type\": ", (int)indent + 2, "");
    rdb_strbuf_add_json(&work->out, kind, strlen(kind));
    work->indent = indent + 2;
    if (relationship != NULL) {
        rdb_strbuf_addf(&work->out, ",\n%*s\"Parent Relationship\": \"%s\"", (int)work->indent, "", relationship);
        if (name != NULL) {
            rdb_strbuf_addf(&work->out, ",\n%*s\"Subplan Name\": ", (int)work->indent, "");
            rdb_strbuf_add_json(&work->out, name, strlen(name));
        }
    }
    put_target(work, node);
    put_costs(work, node);
    put_actual(work, node);
    work->node = node;
    rdb_plan_node_describe(node, put_property, work);
    bool is_root = node == work->plan->root;
    uint32_t count = (node->left != NULL) + (node->right != NULL) + node->children.count + (is_root ? work->plan->cte_count + work->plan->subplan_count : 0);
    if (count > 0) {
        const char *separator = "";
        rdb_strbuf_addf(&work->out, ",\n%*s\"Plans\": [\n%*s", (int)indent + 2, "", (int)indent + 4, "");
        const rdb_plan_node *both[] = {node->left, node->right};
        for (int i = 0; i < 2; i++)
            if (both[i] != NULL) {
                rdb_strbuf_adds(&work->out, separator);
                put_json_node(work, both[i], indent + 4, i == 0 ? "Outer" : "Inner", NULL);
                separator = ", ";
            }
        for (uint32_t i = 0; i < node->children.count; i++) {
            rdb_strbuf_adds(&work->out, separator);
            put_json_node(work, node->children.items[i], indent + 4, "Member", NULL);
            separator = ", ";
        }
        for (uint32_t i = 0; is_root && i < work->plan->cte_count; i++) {
            rdb_strbuf_adds(&work->out, separator);
            put_json_node(work, work->plan->ctes[i].node, indent + 4, "InitPlan", rdb_arena_printf(work->context->arena, "CTE %s", work->plan->ctes[i].name));
            separator = ", ";
        }
        for (uint32_t i = 0; is_root && i < work->plan->subplan_count; i++) {
            rdb_strbuf_adds(&work->out, separator);
            put_json_node(work, work->plan->subplans[i].node, indent + 4, work->plan->subplans[i].is_correlated ? "SubPlan" : "InitPlan", work->plan->subplans[i].name);
            separator = ", ";
        }
        rdb_strbuf_addf(&work->out, "\n%*s]", (int)indent + 2, "");
    }
    rdb_strbuf_addf(&work->out, "\n%*s}", (int)indent, "");
}

/* ---- running and sending ---------------------------------------------------------------------------------------------------------- */
static bool run_plan(explaining *work, rdb_execution **execution, int64_t *elapsed_us, rdb_error *err)
{
    rdb_command_context *context = work->context;
    rdb_execution_context execution_context = {.txn = context->txn,
                                               .snapshot = context->snapshot,
                                               .access = context->access,
                                               .parameters = context->parameters,
                                               .parameter_count = context->parameter_count,
                                               .format = context->format,
                                               .cancel = context->cancel,
                                               .session = context->session,
                                               .session_user = context->role->name,
                                               .current_user = context->role->name,
                                               .statement_us = context->statement_us,
                                               .transaction_us = context->transaction_us,
                                               .lock_timeout_us = context->lock_timeout_us,
                                               .work_mem_bytes = context->work_mem_bytes,
                                               .work = context->work,
                                               .instrument = true};
    if (!work->plan->is_read_only && rdb_txn_is_read_only(context->txn))
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute EXPLAIN ANALYZE of a writing statement in a read-only transaction");
    int64_t begin_us = rdb_time_monotonic_us();
    bool done = false, ok = rdb_execution_open(execution, work->plan, &execution_context, err);
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
    if (!read_options(context, statement, &work, err) || !rdb_type_get(context->access, work.is_json ? RDB_JSONOID : RDB_TEXTOID, &column->type, err))
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
    if (!rdb_strbuf_check(&work->out, err) || !command_explain_columns(context, statement, &columns, &count, err) ||
        !context->client->begin_rows(context->client->context, columns, count, err))
        return false;
    const char *at = work->out.data, *end = at + work->out.length;
    while (at < end) {
        const char *line_end = work->is_json ? end : memchr(at, '\n', (size_t)(end - at));
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

bool command_explain(rdb_command_context *context, const rdb_ast_explain *statement, rdb_error *err)
{
    explaining work = {.context = context, .err = err, .ok = true};
    rdb_analysis analysis;
    rdb_query *query = NULL;
    rdb_plan *plan = NULL;
    rdb_execution *execution = NULL;
    int64_t elapsed_us = 0, planning_us;
    if (!read_options(context, statement, &work, err))
        return false;
    command_analysis(context, &analysis);
    int64_t begin_us = rdb_time_monotonic_us();
    uint32_t *types = RDB_NEW_ARRAY(context->arena, uint32_t, context->parameter_count + 1);
    for (uint32_t i = 0; i < context->parameter_count; i++)
        types[i] = context->parameters[i].type_oid;
    analysis.parameter_types = types;
    analysis.parameter_count = context->parameter_count;
    if (!rdb_query_analyse(&analysis, statement->query, &query, err) || !rdb_query_rewrite(&analysis, &query, err))
        return false;
    if (query->command == RDB_COMMAND_UTILITY)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "EXPLAIN of %s is not supported yet", rdb_command_tag(query->utility));
    rdb_plan_context plan_context = {.arena = context->arena, .access = context->access, .format = context->format, .session = command_eval(context),
                                     .work_mem_bytes = context->work_mem_bytes};
    if (context->set_planner != NULL)
        context->set_planner(context->session, &plan_context);
    if (!rdb_plan_make(&plan_context, query, &plan, err))
        return false;
    planning_us = rdb_time_monotonic_us() - begin_us;
    work.plan = plan;
    bool ok = !work.analyze || run_plan(&work, &execution, &elapsed_us, err);
    if (ok) {
        work.execution = execution;
        rdb_strbuf_init(&work.out, NULL);
        if (work.is_json) {
            rdb_strbuf_adds(&work.out, "[\n  {\n    \"Plan\": ");
            put_json_node(&work, plan->root, 4, NULL, NULL);
            if (work.summary)
                rdb_strbuf_addf(&work.out, ",\n    \"Planning Time\": %.3f", (double)planning_us / 1000);
            if (work.summary && work.analyze)
                rdb_strbuf_addf(&work.out, ",\n    \"Execution Time\": %.3f", (double)elapsed_us / 1000);
            rdb_strbuf_adds(&work.out, "\n  }\n]");
        } else {
            put_text(&work);
            if (work.summary)
                rdb_strbuf_addf(&work.out, "Planning Time: %.3f ms\n", (double)planning_us / 1000);
            if (work.summary && work.analyze)
                rdb_strbuf_addf(&work.out, "Execution Time: %.3f ms\n", (double)elapsed_us / 1000);
        }
        ok = work.ok && send_lines(&work, statement, err);
        rdb_strbuf_free(&work.out);
    }
    rdb_execution_close(&execution);
    return ok;
}
