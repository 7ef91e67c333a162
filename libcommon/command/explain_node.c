/* SPDX-License-Identifier: Apache-2.0
 * What EXPLAIN says of each node of a plan, in PostgreSQL's words and order. One thing is shown that the executor does not
 * have as a node of its own: the table that a hash join builds ("Hash"). */
#include "command/explain_int.h"

/* ---- expressions as text ------------------------------------------------------------------------------------------------- */
/* Columns bear their table's name where several ranges are there, or all is said. */
static void put_expr(explaining *work, const rdb_expr *expr, bool qualify, rdb_strbuf *text)
{
    if (work->ok && !rdb_deparse_expr(work->context->access, expr, NULL, qualify, text, work->err))
        work->ok = false;
}

static bool is_scan(const rdb_plan_node *node)
{
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_SEQ_SCAN:
    case RDB_PLAN_TID_SCAN:
    case RDB_PLAN_TID_RANGE_SCAN:
    case RDB_PLAN_BITMAP_HEAP_SCAN:
    case RDB_PLAN_BITMAP_INDEX_SCAN:
    case RDB_PLAN_INDEX_SCAN:
    case RDB_PLAN_INDEX_ONLY_SCAN:
    case RDB_PLAN_FUNCTION_SCAN:
    case RDB_PLAN_VALUES_SCAN:
    case RDB_PLAN_CTE_SCAN:
    case RDB_PLAN_WORK_TABLE_SCAN: return true;
    default: return false;
    }
}

static bool qualifies(const explaining *work)
{
    return work->verbose || (!is_scan(work->node) && work->plan->ranges.count > 1) || work->node->kind == RDB_PLAN_SUBQUERY_SCAN;
}

static const char *finish(explaining *work, rdb_strbuf *text)
{
    if (work->ok && !rdb_strbuf_check(text, work->err))
        work->ok = false;
    return text->length > 0 ? text->data : "";
}

static bool is_column(const rdb_expr *expr)
{
    while (expr->kind == RDB_EXPR_SLOT && ((const rdb_expr_slot *)expr)->origin != NULL)
        expr = ((const rdb_expr_slot *)expr)->origin;
    return expr->kind == RDB_EXPR_VAR;
}

/* Conditions that hold together. */
static const char *conjunction(explaining *work, const rdb_list *exprs)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, work->context->arena);
    rdb_strbuf_adds(&text, exprs->count > 1 ? "(" : "");
    for (uint32_t i = 0; i < exprs->count; i++) {
        rdb_strbuf one;
        rdb_strbuf_init(&one, work->context->arena);
        put_expr(work, exprs->items[i], qualifies(work), &one);
        const char *shown = finish(work, &one);
        const rdb_expr *expr = exprs->items[i];
        bool is_bare = exprs->count > 1 && (is_column(expr) || expr->kind == RDB_EXPR_SUBPLAN || expr->kind == RDB_EXPR_CONST || (expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)expr)->operator_oid == 0));
        bool has_brackets = shown[0] == '(' || is_bare || (exprs->count == 1 && (is_column(expr) || expr->kind == RDB_EXPR_SUBPLAN || expr->kind == RDB_EXPR_CONST || expr->kind == RDB_EXPR_FUNCTION));
        rdb_strbuf_addf(&text, "%s%s%s%s", i > 0 ? " AND " : "", has_brackets ? "" : "(", shown, has_brackets ? "" : ")");
    }
    rdb_strbuf_adds(&text, exprs->count > 1 ? ")" : "");
    return finish(work, &text);
}

static void add_text(explaining *work, rdb_list *texts, const rdb_expr *expr, bool qualify)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, work->context->arena);
    put_expr(work, expr, qualify, &text);
    rdb_list_push(work->context->arena, texts, (void *)(uintptr_t)finish(work, &text));
}

static void put_collation(explaining *work, const rdb_plan_key *key, rdb_strbuf *text)
{
    const char *schema = NULL, *name = NULL;
    rdb_error ignored = {0};
    if (key->collation == 0 || key->collation == key->type->collation ||
        !rdb_expr_collation_name(work->context->access, work->context->arena, key->collation, &schema, &name, &ignored) || name == NULL) {
        rdb_error_clear(&ignored);
        return;
    }
    rdb_strbuf_adds(text, " COLLATE ");
    if (schema != NULL) {
        rdb_identifier_add(text, schema);
        rdb_strbuf_addc(text, '.');
    }
    rdb_identifier_add(text, name);
}

static void add_key(explaining *work, rdb_list *texts, const rdb_plan_key *key)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, work->context->arena);
    if (key->origin == NULL)
        rdb_strbuf_addf(&text, "$%u", key->slot_no + 1);
    else { /* what is computed below stands in brackets; its COLLATE behind them */
        const rdb_expr *origin = key->origin;
        while (origin->kind == RDB_EXPR_RELABEL && ((const rdb_expr_unary *)origin)->form == RDB_FORM_SQL_SYNTAX)
            origin = ((const rdb_expr_unary *)origin)->argument;
        rdb_strbuf_adds(&text, is_column(origin) ? "" : "(");
        put_expr(work, origin, qualifies(work), &text);
        rdb_strbuf_adds(&text, is_column(origin) ? "" : ")");
        put_collation(work, key, &text);
    }
    if (key->is_descending)
        rdb_strbuf_adds(&text, key->nulls_first ? " DESC" : " DESC NULLS LAST");
    else if (key->nulls_first)
        rdb_strbuf_adds(&text, " NULLS FIRST");
    rdb_list_push(work->context->arena, texts, (void *)(uintptr_t)finish(work, &text));
}

/* ---- outputs ------------------------------------------------------------------------------------------------------------------ */
static void add_outputs(explaining *work, const rdb_plan_node *node, rdb_list *texts, uint32_t depth);

static void add_range_column(explaining *work, const rdb_plan_node *node, int attribute_no, rdb_list *texts)
{
    static const struct { int number; const char *name; } OWN[] = {{RDB_COLUMN_CTID, "ctid"}, {RDB_COLUMN_XMIN, "xmin"}, {RDB_COLUMN_XMAX, "xmax"}, {RDB_COLUMN_CMIN, "cmin"}, {RDB_COLUMN_CMAX, "cmax"}, {RDB_COLUMN_TABLEOID, "tableoid"}, {RDB_COLUMN_ADDRESS, "ctid"}};
    const rdb_range *range = node->range;
    const char *column = NULL;
    rdb_strbuf text;
    for (size_t i = 0; i < RDB_COUNT_OF(OWN); i++)
        if (OWN[i].number == attribute_no)
            column = OWN[i].name;
    if (range == NULL || (attribute_no < 0 && column == NULL))
        return;
    if (attribute_no > 0 && range->relation != NULL && range->kind == RDB_RANGE_RELATION)
        column = node->of.scan.relation->columns[attribute_no - 1].name;
    else if (attribute_no > 0 && (uint32_t)attribute_no <= range->columns.count)
        column = range->columns.items[attribute_no - 1];
    if (column == NULL)
        return;
    rdb_strbuf_init(&text, work->context->arena);
    if (work->plan->ranges.count > 1) {
        rdb_deparse_name(range->alias, &text);
        rdb_strbuf_addc(&text, '.');
    }
    rdb_deparse_name(column, &text);
    rdb_list_push(work->context->arena, texts, (void *)(uintptr_t)finish(work, &text));
}

/* The identity of a row that is to be written (its address and the version seen) shows as ctid, and the row as it is goes with it. */
static void add_target(explaining *work, const rdb_target *target, bool *is_identified, rdb_list *texts)
{
    const rdb_expr *expr = target->expr;
    while (expr->kind == RDB_EXPR_SLOT && ((const rdb_expr_slot *)expr)->origin != NULL)
        expr = ((const rdb_expr_slot *)expr)->origin;
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    const bool is_own = target->is_junk && expr->kind == RDB_EXPR_VAR && var->range != NULL;
    if (is_own && var->attribute_no == RDB_COLUMN_ADDRESS) {
        rdb_expr_var ctid = *var;
        ctid.attribute_no = RDB_COLUMN_CTID;
        *is_identified = true;
        add_text(work, texts, &ctid.head, work->plan->ranges.count > 1);
    } else if (!(is_own && *is_identified && (var->attribute_no > 0 || var->attribute_no == RDB_COLUMN_VERSION_XID || var->attribute_no == RDB_COLUMN_VERSION_UNDO))) {
        add_text(work, texts, target->expr, work->plan->ranges.count > 1);
    }
}

static void add_aggregate_outputs(explaining *work, const rdb_plan_node *node, rdb_list *texts)
{
    const rdb_plan_aggregate *aggregate = &node->of.aggregate;
    for (uint32_t i = 0; i < aggregate->key_count; i++)
        add_text(work, texts, aggregate->keys[i], work->plan->ranges.count > 1);
    for (uint32_t i = 0; i < aggregate->call_count; i++)
        add_text(work, texts, (const rdb_expr *)aggregate->calls[i].aggregate, work->plan->ranges.count > 1);
}

static void add_outputs(explaining *work, const rdb_plan_node *node, rdb_list *texts, uint32_t depth)
{
    if (node == NULL || depth > 200)
        return;
    if (!node->passes_through) {
        bool is_identified = false;
        for (uint32_t i = 0; i < node->targets.count; i++)
            add_target(work, node->targets.items[i], &is_identified, texts);
        return;
    }
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_SEQ_SCAN:
    case RDB_PLAN_TID_SCAN:
    case RDB_PLAN_TID_RANGE_SCAN:
    case RDB_PLAN_BITMAP_HEAP_SCAN:
    case RDB_PLAN_INDEX_SCAN:
    case RDB_PLAN_INDEX_ONLY_SCAN:
        for (uint16_t i = 0; i < node->of.scan.column_count; i++)
            add_range_column(work, node, node->of.scan.columns[i], texts);
        break;
    case RDB_PLAN_VALUES_SCAN:
    case RDB_PLAN_FUNCTION_SCAN:
    case RDB_PLAN_CTE_SCAN:
    case RDB_PLAN_WORK_TABLE_SCAN:
        for (uint32_t i = 0; i < node->input_count; i++)
            add_range_column(work, node, (int)i + 1, texts);
        break;
    case RDB_PLAN_AGGREGATE: add_aggregate_outputs(work, node, texts); break;
    case RDB_PLAN_NEST_LOOP:
    case RDB_PLAN_HASH_JOIN:
    case RDB_PLAN_MERGE_JOIN:
        add_outputs(work, node->left, texts, depth + 1);
        if (node->of.join.kind != RDB_JOIN_SEMI && node->of.join.kind != RDB_JOIN_ANTI)
            add_outputs(work, node->right, texts, depth + 1);
        break;
    case RDB_PLAN_WINDOW:
        add_outputs(work, node->left, texts, depth + 1);
        for (uint32_t i = 0; i < node->of.window.call_count; i++)
            add_text(work, texts, (const rdb_expr *)node->of.window.calls[i].window, work->plan->ranges.count > 1);
        break;
    case RDB_PLAN_MODIFY_TABLE:
    case RDB_PLAN_MERGE_APPEND:
    case RDB_PLAN_APPEND: break;
    default: add_outputs(work, node->left, texts, depth + 1); break;
    }
}

/* ---- where it works ------------------------------------------------------------------------------------------------------------ */
typedef struct node_place {
    const char *index, *name, *alias, *schema, *kind; /* kind: the label of name in JSON */
} node_place;

static node_place place_of(explaining *work, const rdb_plan_node *node)
{
    node_place place = {.kind = "Relation Name"};
    const char *range_alias = node->range != NULL ? node->range->alias : NULL;
    rdb_strbuf quoted;
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_BITMAP_INDEX_SCAN: place.index = node->of.scan.relation->indexes[node->of.scan.index_no].name; break;
    case RDB_PLAN_INDEX_SCAN:
    case RDB_PLAN_INDEX_ONLY_SCAN: place.index = node->of.scan.relation->indexes[node->of.scan.index_no].name; /* fall through */
    case RDB_PLAN_TID_SCAN:
    case RDB_PLAN_TID_RANGE_SCAN:
    case RDB_PLAN_BITMAP_HEAP_SCAN:
    case RDB_PLAN_SEQ_SCAN:
        place.name = node->of.scan.relation->name;
        place.schema = node->of.scan.relation->namespace_name;
        place.alias = range_alias != NULL ? range_alias : node->of.scan.alias;
        break;
    case RDB_PLAN_MODIFY_TABLE:
        place.name = node->of.modify.relation->name;
        place.schema = node->of.modify.relation->namespace_name;
        place.alias = node->of.modify.alias;
        break;
    case RDB_PLAN_VALUES_SCAN:
        place.alias = range_alias != NULL ? range_alias : "*VALUES*";
        break;
    case RDB_PLAN_FUNCTION_SCAN: {
        const rdb_expr *call = node->of.function.functions[0]->call;
        place.kind = "Function Name";
        place.alias = range_alias != NULL ? range_alias : node->of.function.alias;
        if (node->of.function.function_count == 1 && call->kind == RDB_EXPR_FUNCTION) {
            place.name = ((const rdb_expr_function *)call)->function->name;
            place.schema = "pg_catalog";
            if (((const rdb_expr_function *)call)->function->namespace_oid != RDB_NAMESPACE_PG_CATALOG) {
                char *name = rdb_arena_alloc(work->context->arena, RDB_NAMEDATALEN);
                if (rdb_namespace_get_name(work->context->access, ((const rdb_expr_function *)call)->function->namespace_oid, name, work->err))
                    place.schema = name;
                else
                    work->ok = false;
            }
        }
        break;
    }
    case RDB_PLAN_CTE_SCAN:
    case RDB_PLAN_WORK_TABLE_SCAN:
        place.kind = "CTE Name";
        place.name = node->of.cte.name;
        place.alias = range_alias != NULL ? range_alias : node->of.cte.alias;
        break;
    case RDB_PLAN_SUBQUERY_SCAN: place.alias = range_alias != NULL ? range_alias : node->of.subquery.alias; break;
    default: return place;
    }
    const char **names[] = {&place.index, &place.name, &place.alias, &place.schema};
    for (size_t i = 0; i < RDB_COUNT_OF(names) && work->w.format == EXPLAIN_TEXT; i++)
        if (*names[i] != NULL) {
            rdb_strbuf_init(&quoted, work->context->arena);
            rdb_deparse_name(*names[i], &quoted);
            *names[i] = finish(work, &quoted);
        }
    return place;
}

static void put_place_text(explaining *work, const rdb_plan_node *node)
{
    const node_place place = place_of(work, node);
    rdb_strbuf *out = &work->w.out;
    const char *name = place.name != NULL ? place.name : place.alias;
    if (place.index != NULL)
        rdb_strbuf_addf(out, " %s %s", node->kind == RDB_PLAN_BITMAP_INDEX_SCAN ? "on" : "using", place.index);
    if (name != NULL)
        rdb_strbuf_addf(out, " on %s%s%s", work->verbose && place.schema ? place.schema : "", work->verbose && place.schema ? "." : "", name);
    if (place.alias != NULL && place.name != NULL && strcmp(place.alias, place.name) != 0)
        rdb_strbuf_addf(out, " %s", place.alias);
}

static void put_place(explaining *work, const rdb_plan_node *node)
{
    const node_place place = place_of(work, node);
    if (place.index != NULL) {
        if (node->kind != RDB_PLAN_BITMAP_INDEX_SCAN)
            explain_put(&work->w, "Scan Direction", node->of.scan.is_backward ? "Backward" : "Forward");
        explain_put(&work->w, "Index Name", place.index);
    }
    if (place.name != NULL)
        explain_put(&work->w, place.kind, place.name);
    if (work->verbose && place.schema != NULL)
        explain_put(&work->w, "Schema", place.schema);
    if (place.alias != NULL)
        explain_put(&work->w, "Alias", place.alias);
}

/* ---- figures ---------------------------------------------------------------------------------------------------------------------- */
static const rdb_node_statistics *statistics_of(const explaining *work, const rdb_plan_node *node)
{
    return work->analyze && work->execution != NULL ? rdb_execution_statistics(work->execution, node->node_no) : NULL;
}

bool explain_is_removed(const explaining *work, const rdb_plan_node *node)
{
    const rdb_node_statistics *statistics = work->execution != NULL ? rdb_execution_statistics(work->execution, node->node_no) : NULL;
    return statistics != NULL && statistics->is_removed;
}

static double loops_of(const rdb_node_statistics *statistics)
{
    return statistics != NULL && statistics->loops > 0 ? (double)statistics->loops : 1;
}

/* is_hash: of the table that a hash join builds, which is there once its input is read. */
static void put_figures(explaining *work, const rdb_plan_node *node, bool is_hash)
{
    const double startup = is_hash ? node->total_cost : node->startup_cost;
    const bool is_text = work->w.format == EXPLAIN_TEXT;
    if (work->costs && is_text)
        rdb_strbuf_addf(&work->w.out, "  (cost=%.2f..%.2f rows=%.0f width=%d)", startup, node->total_cost, node->rows, node->width);
    else if (work->costs) {
        explain_put_number(&work->w, "Startup Cost", startup, 2);
        explain_put_number(&work->w, "Total Cost", node->total_cost, 2);
        explain_put_number(&work->w, "Plan Rows", node->rows, 0);
        explain_put_number(&work->w, "Plan Width", node->width, 0);
    }
    if (!work->analyze)
        return;
    const rdb_node_statistics *statistics = statistics_of(work, node);
    const double loops = loops_of(statistics), total_ms = statistics ? (double)statistics->total_us / 1000 / loops : 0;
    const double startup_ms = is_hash ? total_ms : statistics ? (double)statistics->startup_us / 1000 / loops : 0;
    const double rows = statistics ? (double)statistics->rows / loops : 0, times = statistics ? (double)statistics->loops : 0;
    if (!is_text) {
        if (work->timing) {
            explain_put_number(&work->w, "Actual Startup Time", startup_ms, 3);
            explain_put_number(&work->w, "Actual Total Time", total_ms, 3);
        }
        explain_put_number(&work->w, "Actual Rows", rows, 0);
        explain_put_number(&work->w, "Actual Loops", times, 0);
    } else if (times == 0) {
        rdb_strbuf_adds(&work->w.out, " (never executed)");
    } else if (work->timing) {
        rdb_strbuf_addf(&work->w.out, " (actual time=%.3f..%.3f rows=%.0f loops=%.0f)", startup_ms, total_ms, rows, times);
    } else {
        rdb_strbuf_addf(&work->w.out, " (actual rows=%.0f loops=%.0f)", rows, times);
    }
}

/* "shared hit=3 read=1": kinds of use that there were. */
static void add_blocks(rdb_strbuf *out, const char *kind, const char *const names[4], const uint64_t counts[4])
{
    bool any = false;
    for (int i = 0; i < 4; i++)
        if (counts[i] > 0) {
            if (!any)
                rdb_strbuf_addf(out, "%s%s", out->data[out->length - 1] == ':' ? " " : ", ", kind);
            rdb_strbuf_addf(out, " %s=%llu", names[i], (unsigned long long)counts[i]);
            any = true;
        }
}

void explain_put_buffers(explaining *work, const rdb_usage *usage)
{
    static const char *const words[4] = {"hit", "read", "dirtied", "written"}, *const temp_words[4] = {"", "read", "", "written"};
    static const char *const labels[4] = {"Hit", "Read", "Dirtied", "Written"};
    const uint64_t block = 4096;
    const uint64_t shared[4] = {usage->blocks_hit, usage->blocks_read, usage->blocks_dirtied, usage->blocks_written};
    const uint64_t temp[4] = {0, (usage->temp_bytes_read + block - 1) / block, 0, (usage->temp_bytes_written + block - 1) / block};
    char label[32];
    if (work->w.format == EXPLAIN_TEXT) {
        if (shared[0] + shared[1] + shared[2] + shared[3] + temp[1] + temp[3] == 0)
            return;
        rdb_strbuf_addf(&work->w.out, "%*sBuffers:", (int)work->w.indent, "");
        add_blocks(&work->w.out, "shared", words, shared);
        add_blocks(&work->w.out, "temp", temp_words, temp);
        rdb_strbuf_addc(&work->w.out, '\n');
        return;
    }
    for (int i = 0; i < 4; i++) {
        snprintf(label, sizeof label, "Shared %s Blocks", labels[i]);
        explain_put_number(&work->w, label, (double)shared[i], 0);
    }
    for (int i = 0; i < 4; i++) { /* temporary tables use the shared ones */
        snprintf(label, sizeof label, "Local %s Blocks", labels[i]);
        explain_put_number(&work->w, label, 0, 0);
    }
    explain_put_number(&work->w, "Temp Read Blocks", (double)temp[1], 0);
    explain_put_number(&work->w, "Temp Written Blocks", (double)temp[3], 0);
}

static void put_usage(explaining *work, const rdb_plan_node *node)
{
    static const rdb_usage none;
    const rdb_node_statistics *statistics = statistics_of(work, node);
    const rdb_usage *usage = statistics != NULL ? &statistics->usage : &none;
    if (work->buffers)
        explain_put_buffers(work, usage);
    if (!work->wal)
        return;
    if (work->w.format != EXPLAIN_TEXT) {
        explain_put_number(&work->w, "WAL Records", (double)usage->wal_records, 0);
        explain_put_number(&work->w, "WAL FPI", (double)usage->wal_images, 0);
        explain_put_number(&work->w, "WAL Bytes", (double)usage->wal_bytes, 0);
    } else if (usage->wal_records > 0) {
        rdb_strbuf_addf(&work->w.out, "%*sWAL: records=%llu", (int)work->w.indent, "", (unsigned long long)usage->wal_records);
        if (usage->wal_images > 0)
            rdb_strbuf_addf(&work->w.out, " fpi=%llu", (unsigned long long)usage->wal_images);
        rdb_strbuf_addf(&work->w.out, " bytes=%llu\n", (unsigned long long)usage->wal_bytes);
    }
}

static void put_removed(explaining *work, const char *label, uint64_t rows, const rdb_node_statistics *statistics)
{
    if (rows > 0 || work->w.format != EXPLAIN_TEXT)
        explain_put_number(&work->w, label, (double)rows / loops_of(statistics), 0);
}

static void put_filter(explaining *work, const rdb_plan_node *node, const char *label)
{
    const rdb_node_statistics *statistics = statistics_of(work, node);
    rdb_list shown = node->filter;
    shown.count -= node->unshown_filters;
    if (shown.count == 0)
        return;
    explain_put(&work->w, label, conjunction(work, &shown));
    if (statistics != NULL)
        put_removed(work, "Rows Removed by Filter", statistics->rows_filtered, statistics);
}

static void put_hash_figures(explaining *work, const rdb_plan_node *join)
{
    const rdb_node_statistics *statistics = statistics_of(work, join);
    if (statistics == NULL || statistics->loops == 0)
        return;
    const uint32_t batches = RDB_MAX(statistics->batches, 1u);
    const double kilobytes = (double)((statistics->memory_bytes + 1023) / 1024);
    double buckets = 1024;
    while (buckets < join->right->rows)
        buckets *= 2;
    if (work->w.format == EXPLAIN_TEXT) {
        rdb_strbuf_addf(&work->w.out, "%*sBuckets: %.0f  Batches: %u  Memory Usage: %.0fkB\n", (int)work->w.indent, "", buckets, batches, kilobytes);
        return;
    }
    explain_put_number(&work->w, "Hash Buckets", buckets, 0);
    explain_put_number(&work->w, "Original Hash Buckets", buckets, 0);
    explain_put_number(&work->w, "Hash Batches", batches, 0);
    explain_put_number(&work->w, "Original Hash Batches", batches, 0);
    explain_put_number(&work->w, "Peak Memory Usage", kilobytes, 0);
}

static void put_sort_figures(explaining *work, const rdb_plan_node *node)
{
    const rdb_node_statistics *statistics = statistics_of(work, node);
    if (statistics == NULL || statistics->method == NULL)
        return;
    const bool is_disk = statistics->disk_bytes > 0;
    const double kilobytes = (double)(((is_disk ? statistics->disk_bytes : statistics->memory_bytes) + 1023) / 1024);
    if (work->w.format == EXPLAIN_TEXT) {
        rdb_strbuf_addf(&work->w.out, "%*sSort Method: %s  %s: %.0fkB\n", (int)work->w.indent, "", statistics->method, is_disk ? "Disk" : "Memory", kilobytes);
        return;
    }
    explain_put(&work->w, "Sort Method", statistics->method);
    explain_put_number(&work->w, "Sort Space Used", kilobytes, 0);
    explain_put(&work->w, "Sort Space Type", is_disk ? "Disk" : "Memory");
}

static void put_run_figures(explaining *work, const rdb_plan_node *node)
{
    const rdb_node_statistics *statistics = statistics_of(work, node);
    if (statistics == NULL || statistics->runs == 0)
        return;
    const double kilobytes = (double)((statistics->memory_bytes + 1023) / 1024);
    if (work->w.format == EXPLAIN_TEXT) {
        rdb_strbuf_addf(&work->w.out, "%*sFull-sort Groups: %llu  Sort Method: %s  Average Memory: %.0fkB  Peak Memory: %.0fkB\n", (int)work->w.indent, "",
                        (unsigned long long)statistics->runs, statistics->method, kilobytes, kilobytes);
        return;
    }
    explain_open(&work->w, "Full-sort Groups", "Full-sort Groups", true);
    explain_put_number(&work->w, "Group Count", (double)statistics->runs, 0);
    explain_close(&work->w, "Full-sort Groups", true);
}

static void put_aggregate_figures(explaining *work, const rdb_plan_node *node)
{
    const rdb_node_statistics *statistics = statistics_of(work, node);
    const bool is_text = work->w.format == EXPLAIN_TEXT;
    if (node->of.aggregate.strategy != RDB_AGGREGATE_HASHED || node->of.aggregate.key_count == 0)
        return;
    if (!is_text)
        explain_put_number(&work->w, "Planned Partitions", 0, 0);
    if (statistics == NULL || statistics->loops == 0)
        return;
    const uint32_t batches = RDB_MAX(statistics->batches, 1u);
    const double memory = (double)((statistics->memory_bytes + 1023) / 1024), disk = (double)((statistics->disk_bytes + 1023) / 1024);
    if (!is_text) {
        explain_put_number(&work->w, "HashAgg Batches", batches, 0);
        explain_put_number(&work->w, "Peak Memory Usage", memory, 0);
        explain_put_number(&work->w, "Disk Usage", disk, 0);
        return;
    }
    rdb_strbuf_addf(&work->w.out, "%*sBatches: %u  Memory Usage: %.0fkB", (int)work->w.indent, "", batches, memory);
    if (disk > 0)
        rdb_strbuf_addf(&work->w.out, "  Disk Usage: %.0fkB", disk);
    rdb_strbuf_addc(&work->w.out, '\n');
}

/* ---- what belongs to each kind -------------------------------------------------------------------------------------------------------- */
static void put_group_keys(explaining *work, const rdb_plan_aggregate *aggregate)
{
    if (aggregate->set_count == 0) {
        rdb_list texts = {0};
        for (uint32_t i = 0; i < aggregate->key_count; i++)
            add_text(work, &texts, aggregate->keys[i], qualifies(work));
        if (texts.count > 0)
            explain_put_list(&work->w, "Group Key", &texts);
        return;
    }
    explain_open(&work->w, "Grouping Sets", "Grouping Sets", false);
    for (int is_empty = 0; is_empty < 2; is_empty++) /* hashed ones first */
        for (uint32_t s = 0; s < aggregate->set_count; s++) {
            rdb_list texts = {0};
            if ((aggregate->sets[s] == 0) != (is_empty == 1))
                continue;
            for (uint32_t i = 0; i < aggregate->key_count; i++)
                if (aggregate->sets[s] >> i & 1)
                    add_text(work, &texts, aggregate->keys[i], qualifies(work));
            if (is_empty && work->w.format == EXPLAIN_TEXT)
                explain_put_raw(&work->w, "Group Key", "()");
            else {
                explain_open(&work->w, "Grouping Set", NULL, true);
                explain_put_list(&work->w, is_empty ? "Group Keys" : work->w.format == EXPLAIN_TEXT ? "Hash Key" : "Hash Keys", &texts);
                explain_close(&work->w, "Grouping Set", true);
            }
        }
    explain_close(&work->w, "Grouping Sets", false);
}

static bool has_column(void *context, rdb_expr *expr)
{
    bool *found = context;
    *found = *found || expr->kind == RDB_EXPR_SLOT || expr->kind == RDB_EXPR_VAR;
    return !*found && rdb_expr_visit_children(expr, has_column, context);
}

static void put_result_filter(explaining *work, const rdb_plan_node *node)
{
    rdb_list once = {0}, each = {0};
    for (uint32_t i = 0; i < node->filter.count; i++) {
        bool found = false;
        (void)has_column(&found, node->filter.items[i]);
        rdb_list_push(work->context->arena, found ? &each : &once, node->filter.items[i]);
    }
    if (once.count > 0)
        explain_put(&work->w, "One-Time Filter", conjunction(work, &once));
    if (each.count > 0)
        explain_put(&work->w, "Filter", conjunction(work, &each));
}

static void put_conflict(explaining *work, const rdb_plan_modify *modify)
{
    if (modify->conflict_action == 0)
        return;
    rdb_list indexes = {0};
    explain_put(&work->w, "Conflict Resolution", modify->conflict_action == 1 ? "NOTHING" : "UPDATE");
    if (modify->conflict_index < modify->relation->index_count)
        rdb_list_push(work->context->arena, &indexes, (void *)(uintptr_t)modify->relation->indexes[modify->conflict_index].name);
    if (indexes.count > 0 || work->w.format != EXPLAIN_TEXT)
        explain_put_list(&work->w, "Conflict Arbiter Indexes", &indexes);
}

/* The tables that a node writes in, where they are not just the one it names. */
static void put_written_tables(explaining *work, const rdb_plan_node *node)
{
    if (node->kind != RDB_PLAN_MODIFY_TABLE || work->w.format != EXPLAIN_TEXT)
        return;
    for (uint32_t i = 0; i < node->of.modify.target_count; i++) {
        const rdb_plan_target *target = &node->of.modify.targets[i];
        rdb_strbuf_addf(&work->w.out, "%*s%s on %s", (int)work->w.indent, "", rdb_plan_node_name(node), target->relation->name);
        if (strcmp(target->alias, target->relation->name) != 0)
            rdb_strbuf_addf(&work->w.out, " %s", target->alias);
        rdb_strbuf_addc(&work->w.out, '\n');
    }
}

static void put_keys(explaining *work, const char *label, const rdb_plan_key *keys, uint32_t count)
{
    rdb_list texts = {0};
    for (uint32_t i = 0; i < count; i++)
        add_key(work, &texts, &keys[i]);
    if (count > 0)
        explain_put_list(&work->w, label, &texts);
}

static void put_join(explaining *work, const rdb_plan_node *node)
{
    const rdb_plan_join *join = &node->of.join;
    const rdb_node_statistics *statistics = statistics_of(work, node);
    if (join->key_count > 0)
        explain_put(&work->w, node->kind == RDB_PLAN_HASH_JOIN ? "Hash Cond" : "Merge Cond", conjunction(work, &join->shown_keys));
    if (join->condition.count > 0) {
        explain_put(&work->w, "Join Filter", conjunction(work, &join->condition));
        if (statistics != NULL)
            put_removed(work, "Rows Removed by Join Filter", statistics->rows_filtered_by_join, statistics);
    }
    put_filter(work, node, "Filter");
}

static void put_blocks(explaining *work, const rdb_node_statistics *statistics)
{
    if (work->w.format != EXPLAIN_TEXT) {
        explain_put_number(&work->w, "Exact Heap Blocks", (double)statistics->blocks, 0);
        explain_put_number(&work->w, "Lossy Heap Blocks", (double)statistics->lossy_blocks, 0);
    } else if (statistics->blocks + statistics->lossy_blocks > 0) {
        const char *exact = statistics->blocks > 0 ? rdb_arena_printf(work->context->arena, "exact=%llu", (unsigned long long)statistics->blocks) : "";
        const char *lossy = statistics->lossy_blocks > 0 ? rdb_arena_printf(work->context->arena, "lossy=%llu", (unsigned long long)statistics->lossy_blocks) : "";
        explain_put(&work->w, "Heap Blocks", rdb_arena_printf(work->context->arena, "%s%s%s", exact, exact[0] != 0 && lossy[0] != 0 ? " " : "", lossy));
    }
}

static void put_gather(explaining *work, const rdb_plan_node *node)
{
    const rdb_node_statistics *statistics = statistics_of(work, node);
    put_filter(work, node, "Filter");
    explain_put_number(&work->w, "Workers Planned", node->of.gather.worker_count, 0);
    if (statistics != NULL)
        explain_put_number(&work->w, "Workers Launched", statistics->workers, 0);
    if (work->w.format != EXPLAIN_TEXT)
        explain_put_raw(&work->w, "Single Copy", "false");
}

static void put_memoize(explaining *work, const rdb_plan_node *node)
{
    const rdb_node_statistics *statistics = statistics_of(work, node);
    rdb_list texts = {0};
    rdb_strbuf keys;
    rdb_strbuf_init(&keys, work->context->arena);
    for (uint32_t i = 0; i < node->of.memoize.keys.count; i++) {
        add_text(work, &texts, node->of.memoize.keys.items[i], true);
        rdb_strbuf_addf(&keys, "%s%s", i > 0 ? ", " : "", (const char *)texts.items[i]);
    }
    explain_put(&work->w, "Cache Key", finish(work, &keys));
    explain_put(&work->w, "Cache Mode", node->of.memoize.is_binary ? "binary" : "logical");
    if (statistics == NULL || statistics->misses == 0)
        return;
    const double kilobytes = (double)((statistics->memory_bytes + 1023) / 1024);
    if (work->w.format == EXPLAIN_TEXT) {
        rdb_strbuf_addf(&work->w.out, "%*sHits: %llu  Misses: %llu  Evictions: %llu  Overflows: %llu  Memory Usage: %.0fkB\n", (int)work->w.indent, "", (unsigned long long)statistics->hits,
                        (unsigned long long)statistics->misses, (unsigned long long)statistics->evictions, (unsigned long long)statistics->overflows, kilobytes);
        return;
    }
    explain_put_number(&work->w, "Cache Hits", (double)statistics->hits, 0);
    explain_put_number(&work->w, "Cache Misses", (double)statistics->misses, 0);
    explain_put_number(&work->w, "Cache Evictions", (double)statistics->evictions, 0);
    explain_put_number(&work->w, "Cache Overflows", (double)statistics->overflows, 0);
    explain_put_number(&work->w, "Peak Memory Usage", kilobytes, 0);
}

static void put_properties(explaining *work, const rdb_plan_node *node)
{
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_GATHER: put_gather(work, node); break;
    case RDB_PLAN_WINDOW:
        if (node->of.window.run_limit > 0) {
            rdb_list run = {0};
            rdb_list_push(work->context->arena, &run, (void *)(uintptr_t)node->of.window.run_condition);
            explain_put(&work->w, "Run Condition", conjunction(work, &run));
        }
        put_filter(work, node, "Filter");
        break;
    case RDB_PLAN_MEMOIZE: put_memoize(work, node); break;
    case RDB_PLAN_SEQ_SCAN:
        if (node->of.scan.sample != NULL)
            explain_put(&work->w, node->of.scan.sample->method < RDB_SAMPLE_AS_OF_SCN ? "Sampling" : "As Of", node->of.scan.sample->text);
        put_filter(work, node, "Filter");
        break;
    case RDB_PLAN_TID_SCAN:
    case RDB_PLAN_TID_RANGE_SCAN:
        explain_put(&work->w, "TID Cond", conjunction(work, &node->of.scan.condition));
        put_filter(work, node, "Filter");
        break;
    case RDB_PLAN_INDEX_SCAN:
    case RDB_PLAN_INDEX_ONLY_SCAN:
        if (node->of.scan.condition.count > 0)
            explain_put(&work->w, "Index Cond", conjunction(work, &node->of.scan.condition));
        put_filter(work, node, "Filter");
        if (node->kind == RDB_PLAN_INDEX_ONLY_SCAN && statistics_of(work, node) != NULL)
            explain_put_number(&work->w, "Heap Fetches", (double)statistics_of(work, node)->heap_fetches, 0);
        break;
    case RDB_PLAN_BITMAP_INDEX_SCAN:
        if (node->of.scan.condition.count > 0)
            explain_put(&work->w, "Index Cond", conjunction(work, &node->of.scan.condition));
        break;
    case RDB_PLAN_BITMAP_AND:
    case RDB_PLAN_BITMAP_OR: break;
    case RDB_PLAN_BITMAP_HEAP_SCAN: {
        const rdb_node_statistics *statistics = statistics_of(work, node);
        explain_put(&work->w, "Recheck Cond", conjunction(work, &node->of.scan.condition));
        if (statistics != NULL)
            put_removed(work, "Rows Removed by Index Recheck", statistics->rows_rechecked, statistics);
        put_filter(work, node, "Filter");
        if (statistics != NULL)
            put_blocks(work, statistics);
        break;
    }
    case RDB_PLAN_FUNCTION_SCAN:
        if (work->verbose) {
            rdb_list calls = {0};
            for (uint32_t i = 0; i < node->of.function.function_count; i++)
                add_text(work, &calls, node->of.function.functions[i]->call, true);
            explain_put_list(&work->w, "Function Call", &calls);
        }
        put_filter(work, node, "Filter");
        break;
    case RDB_PLAN_HASH_JOIN:
    case RDB_PLAN_NEST_LOOP:
    case RDB_PLAN_MERGE_JOIN: put_join(work, node); break;
    case RDB_PLAN_SORT:
        put_keys(work, "Sort Key", node->of.sort.keys, node->of.sort.key_count);
        put_sort_figures(work, node);
        break;
    case RDB_PLAN_INCREMENTAL_SORT:
        put_keys(work, "Sort Key", node->of.sort.keys, node->of.sort.key_count);
        put_keys(work, "Presorted Key", node->of.sort.keys, node->of.sort.presorted);
        put_run_figures(work, node);
        break;
    case RDB_PLAN_AGGREGATE:
        put_group_keys(work, &node->of.aggregate);
        if (node->filter.count > 0)
            explain_put(&work->w, "Filter", conjunction(work, &node->filter));
        put_aggregate_figures(work, node);
        if (node->filter.count > 0 && statistics_of(work, node) != NULL)
            put_removed(work, "Rows Removed by Filter", statistics_of(work, node)->rows_filtered, statistics_of(work, node));
        break;
    case RDB_PLAN_RESULT: put_result_filter(work, node); break;
    case RDB_PLAN_MERGE_APPEND:
    case RDB_PLAN_APPEND: {
        if (node->kind == RDB_PLAN_MERGE_APPEND)
            put_keys(work, "Sort Key", node->of.append.keys, node->of.append.key_count);
        const rdb_node_statistics *statistics = work->execution != NULL ? rdb_execution_statistics(work->execution, node->node_no) : NULL;
        const uint32_t removed = statistics != NULL ? statistics->children_removed : 0;
        if (removed > 0 || work->w.format != EXPLAIN_TEXT)
            explain_put_number(&work->w, "Subplans Removed", removed, 0);
        break;
    }
    case RDB_PLAN_MODIFY_TABLE:
        put_written_tables(work, node);
        put_conflict(work, &node->of.modify);
        break;
    default: put_filter(work, node, "Filter"); break;
    }
}

/* The node's kind in two or three fields, as the formats that programs read have it. */
static void put_kind(explaining *work, const rdb_plan_node *node)
{
    static const char *const strategies[] = {"Plain", "Hashed", "Sorted"}, *const modes[] = {"Simple", "Partial", "Finalize"};
    switch ((rdb_plan_kind)node->kind) {
    case RDB_PLAN_INDEX_SCAN: explain_put(&work->w, "Node Type", "Index Scan"); break;
    case RDB_PLAN_INDEX_ONLY_SCAN: explain_put(&work->w, "Node Type", "Index Only Scan"); break;
    case RDB_PLAN_NEST_LOOP: explain_put(&work->w, "Node Type", "Nested Loop"); break;
    case RDB_PLAN_HASH_JOIN: explain_put(&work->w, "Node Type", "Hash Join"); break;
    case RDB_PLAN_MERGE_JOIN: explain_put(&work->w, "Node Type", "Merge Join"); break;
    case RDB_PLAN_AGGREGATE:
        explain_put(&work->w, "Node Type", "Aggregate");
        explain_put(&work->w, "Strategy", strategies[node->of.aggregate.strategy]);
        explain_put(&work->w, "Partial Mode", modes[node->of.aggregate.phase]);
        break;
    case RDB_PLAN_SET_OP:
        explain_put(&work->w, "Node Type", "SetOp");
        explain_put(&work->w, "Strategy", node->of.set_op.is_sorted ? "Sorted" : "Hashed");
        explain_put(&work->w, "Command", strchr(rdb_plan_node_name(node), ' ') != NULL ? strchr(rdb_plan_node_name(node), ' ') + 1 : "");
        break;
    case RDB_PLAN_MODIFY_TABLE:
        explain_put(&work->w, "Node Type", "ModifyTable");
        explain_put(&work->w, "Operation", rdb_plan_node_name(node));
        break;
    default: explain_put(&work->w, "Node Type", rdb_plan_node_name(node)); break;
    }
}

static void put_join_type(explaining *work, const rdb_plan_node *node)
{
    static const char *const kinds[] = {"Inner", "Left", "Full", "Right", "Semi", "Anti"};
    if (node->kind == RDB_PLAN_NEST_LOOP || node->kind == RDB_PLAN_HASH_JOIN || node->kind == RDB_PLAN_MERGE_JOIN)
        explain_put(&work->w, "Join Type", kinds[RDB_MIN(node->of.join.kind, RDB_COUNT_OF(kinds) - 1)]);
}

/* ---- sub-plans of expressions ------------------------------------------------------------------------------------------------------------ */
typedef struct subplan_finder {
    explaining *work;
    rdb_list numbers; /* uintptr_t, each once */
} subplan_finder;

static bool find_subplans(void *context, rdb_expr *expr)
{
    subplan_finder *f = context;
    if (expr->kind == RDB_EXPR_SUBPLAN) {
        const uint32_t number = ((const rdb_expr_subplan *)expr)->subplan_no;
        bool is_there = f->work->plan->subplans[number].owner != NULL;
        for (uint32_t i = 0; i < f->numbers.count; i++)
            is_there = is_there || (uint32_t)(uintptr_t)f->numbers.items[i] == number;
        if (!is_there)
            rdb_list_push(f->work->context->arena, &f->numbers, (void *)(uintptr_t)number);
    }
    return rdb_expr_visit_children(expr, find_subplans, context);
}

static void find_in_list(subplan_finder *f, const rdb_list *exprs)
{
    for (uint32_t i = 0; i < exprs->count; i++)
        if (exprs->items[i] != NULL)
            (void)find_subplans(f, exprs->items[i]);
}

static rdb_list subplans_of(explaining *work, const rdb_plan_node *node)
{
    subplan_finder f = {.work = work};
    for (uint32_t i = 0; i < node->targets.count; i++)
        (void)find_subplans(&f, ((const rdb_target *)node->targets.items[i])->expr);
    find_in_list(&f, &node->filter);
    if (node->kind == RDB_PLAN_NEST_LOOP || node->kind == RDB_PLAN_HASH_JOIN || node->kind == RDB_PLAN_MERGE_JOIN) {
        find_in_list(&f, &node->of.join.condition);
        for (uint32_t i = 0; i < node->of.join.key_count; i++) {
            (void)find_subplans(&f, node->of.join.left_keys[i]);
            (void)find_subplans(&f, node->of.join.right_keys[i]);
        }
    }
    if (node->kind == RDB_PLAN_INDEX_SCAN || node->kind == RDB_PLAN_INDEX_ONLY_SCAN || node->kind == RDB_PLAN_BITMAP_HEAP_SCAN)
        find_in_list(&f, &node->of.scan.condition);
    if (node->kind == RDB_PLAN_AGGREGATE) {
        for (uint32_t i = 0; i < node->of.aggregate.key_count; i++)
            (void)find_subplans(&f, node->of.aggregate.keys[i]);
        for (uint32_t i = 0; i < node->of.aggregate.call_count; i++)
            for (uint32_t k = 0; k < node->of.aggregate.calls[i].argument_count; k++)
                (void)find_subplans(&f, node->of.aggregate.calls[i].arguments[k]);
    }
    if (node->kind == RDB_PLAN_VALUES_SCAN)
        for (uint32_t i = 0; i < node->of.values.row_count; i++)
            find_in_list(&f, &node->of.values.rows[i]);
    return f.numbers;
}

/* ---- the walk ------------------------------------------------------------------------------------------------------------------------------ */
typedef struct node_role { /* of a node in the one above */
    const char *relationship, *label; /* label: "InitPlan 1 (returns $0)", "CTE w", "SubPlan 1" */
    bool is_hash;                     /* the node is shown again below as what fills the table */
} node_role;

static void put_node(explaining *work, const rdb_plan_node *node, const rdb_plan_node *join, node_role role, uint32_t indent, bool is_top);

static void put_children(explaining *work, const rdb_plan_node *node, uint32_t indent)
{
    const rdb_plan *plan = work->plan;
    const rdb_list numbers = subplans_of(work, node);
    uint32_t count = (node->left != NULL) + (node->right != NULL) + node->children.count + numbers.count + (node->end_cte - node->first_cte);
    for (uint32_t i = 0; i < plan->subplan_count; i++)
        count += plan->subplans[i].owner == node;
    if (count == 0)
        return;
    explain_open(&work->w, "Plans", "Plans", false);
    for (uint32_t i = node->first_cte; i < node->end_cte; i++)
        if (plan->ctes[i].node != NULL && plan->ctes[i].node != node)
            put_node(work, plan->ctes[i].node, NULL, (node_role){"InitPlan", rdb_arena_printf(work->context->arena, "CTE %s", plan->ctes[i].name), false}, indent, false);
    for (uint32_t i = 0; i < plan->subplan_count; i++)
        if (plan->subplans[i].owner == node)
            put_node(work, plan->subplans[i].node, NULL, (node_role){"InitPlan", plan->subplans[i].name, false}, indent, false);
    if (node->left != NULL)
        put_node(work, node->left, NULL, (node_role){node->kind == RDB_PLAN_SUBQUERY_SCAN ? "Subquery" : "Outer", NULL, false}, indent, false);
    if (node->right != NULL)
        put_node(work, node->right, node, (node_role){"Inner", NULL, node->kind == RDB_PLAN_HASH_JOIN}, indent, false);
    for (uint32_t i = 0; i < node->children.count; i++)
        if (!explain_is_removed(work, node->children.items[i]))
            put_node(work, node->children.items[i], NULL, (node_role){"Member", NULL, false}, indent, false);
    for (uint32_t i = 0; i < numbers.count; i++) {
        const rdb_plan_subplan *subplan = &plan->subplans[(uint32_t)(uintptr_t)numbers.items[i]];
        put_node(work, subplan->node, NULL, (node_role){"SubPlan", subplan->name, false}, indent, false);
    }
    explain_close(&work->w, "Plans", false);
}

static const char *const PHASES[] = {"", "Partial ", "Finalize "};

/* text: "  ->  Node", children six columns deeper. */
static void put_node(explaining *work, const rdb_plan_node *node, const rdb_plan_node *join, node_role role, uint32_t indent, bool is_top)
{
    const bool is_text = work->w.format == EXPLAIN_TEXT;
    uint32_t inner = indent;
    if (is_text) {
        if (role.label != NULL) {
            rdb_strbuf_addf(&work->w.out, "%*s%s\n", (int)indent, "", role.label);
            indent += 2;
        }
        const char *phase = role.is_hash || node->kind != RDB_PLAN_AGGREGATE ? "" : PHASES[node->of.aggregate.phase];
        rdb_strbuf_addf(&work->w.out, "%*s%s%s%s%s", (int)indent, "", is_top ? "" : "->  ", node->is_parallel && !role.is_hash ? "Parallel " : "", phase,
                        role.is_hash ? "Hash" : rdb_plan_node_name(node));
        if (!role.is_hash)
            put_place_text(work, node);
        inner = is_top ? 2 : indent + 6;
        work->w.indent = inner;
    } else {
        explain_open(&work->w, "Plan", is_top ? "Plan" : NULL, true);
        if (role.is_hash)
            explain_put(&work->w, "Node Type", "Hash");
        else
            put_kind(work, node);
        if (role.relationship != NULL)
            explain_put(&work->w, "Parent Relationship", role.relationship);
        if (role.label != NULL)
            explain_put(&work->w, "Subplan Name", role.label);
        explain_put_raw(&work->w, "Parallel Aware", node->is_parallel && !role.is_hash ? "true" : "false");
        explain_put_raw(&work->w, "Async Capable", "false");
        if (!role.is_hash) {
            put_place(work, node);
            put_join_type(work, node);
        }
    }
    put_figures(work, node, role.is_hash);
    if (is_text)
        rdb_strbuf_addc(&work->w.out, '\n');
    work->node = node;
    if (work->verbose) {
        rdb_list texts = {0};
        add_outputs(work, node, &texts, 0);
        if (texts.count > 0)
            explain_put_list(&work->w, "Output", &texts);
    }
    if (!role.is_hash && (node->kind == RDB_PLAN_NEST_LOOP || node->kind == RDB_PLAN_HASH_JOIN || node->kind == RDB_PLAN_MERGE_JOIN) && (!is_text || (work->verbose && node->of.join.inner_unique)))
        explain_put_raw(&work->w, "Inner Unique", node->of.join.inner_unique ? "true" : "false");
    if (role.is_hash) {
        put_hash_figures(work, join);
        put_usage(work, node);
        explain_open(&work->w, "Plans", "Plans", false);
        put_node(work, node, NULL, (node_role){"Outer", NULL, false}, inner, false);
        explain_close(&work->w, "Plans", false);
    } else {
        put_properties(work, node);
        put_usage(work, node);
        put_children(work, node, inner);
    }
    explain_close(&work->w, "Plan", true);
}

void explain_plan(explaining *work)
{
    explain_name_ranges(work);
    put_node(work, work->plan->root, NULL, (node_role){0}, 0, true);
}
