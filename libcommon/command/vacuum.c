/* SPDX-License-Identifier: Apache-2.0
 * VACUUM and ANALYZE. Garbage is followed by purge from the undo store as it comes: VACUUM drives it to the horizon now, makes
 * the tables' free-space hints anew and counts pages and rows; with FULL it writes a table and its indexes anew. What ANALYZE does with a
 * table stands in analyze.c. */
#include "command/command_int.h"
#include "task/rdb_report.h"

/* One pass over the table: how many rows the latest snapshot sees. */
static bool count_rows(rdb_command_context *context, const rdb_relation *relation, double *pages, double *tuples, rdb_error *err)
{
    rdb_table_scan *scan = NULL;
    rdb_snapshot latest;
    uint64_t blocks = 0, rows = 0;
    if (!rdb_table_block_count(&relation->table, &blocks, err))
        return false;
    rdb_txn_latest_snapshot(context->txn, &latest);
    rdb_arena *arena = rdb_arena_create("vacuum", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_table_scan_open(&scan, &relation->table, context->txn, &latest, NULL, 0, 0, UINT64_MAX, arena, err);
    for (uint32_t count = 1; ok && count > 0; rows += count)
        ok = rdb_cancel_check(context->cancel, err) && rdb_table_scan_next(scan, RDB_BATCH_ROWS, arena, NULL, NULL, NULL, &count, err);
    rdb_table_scan_close(&scan);
    rdb_arena_destroy(arena);
    *pages = (double)blocks;
    *tuples = (double)rows;
    return ok;
}

/* Notes which pages all see, a stretch between two rounds of purge. Statements that began before the newest rows came are over soon, as
 * a rule: they are waited for a little; whatever takes longer, the reverter too, is left for the next time. */
#define VISIBLE_TRIES 12u
#define VISIBLE_PAUSE_US 20000
typedef struct visible_pass {
    rdb_command_context *context;
    const rdb_relation *relation;
    uint64_t next_block;
    uint64_t late;
    bool is_over;
} visible_pass;

static bool mark_stretch(void *context, rdb_error *err)
{
    visible_pass *pass = context;
    return rdb_table_mark_visible(&pass->relation->table, &pass->next_block, 8192, pass->context->cancel, &pass->is_over, &pass->late, err);
}

static bool mark_visible(rdb_command_context *context, const rdb_relation *relation, rdb_error *err)
{
    visible_pass pass = {.context = context, .relation = relation};
    rdb_undo *undo = rdb_undo_of(rdb_txn_manager_of(context->txn));
    for (unsigned tries = 0; tries < VISIBLE_TRIES;) {
        bool ran = false;
        if (!rdb_cancel_check(context->cancel, err) || !rdb_undo_at_rest(undo, context->cancel, mark_stretch, &pass, &ran, err))
            return false;
        if (ran && pass.is_over && (pass.late == 0 || context->is_automatic))
            break;
        if (ran && !pass.is_over)
            continue;
        if (ran)
            pass = (visible_pass){.context = context, .relation = relation};
        tries++;
        rdb_time_sleep_us(VISIBLE_PAUSE_US);
    }
    return true;
}

/* What the statement asks for. */
typedef struct vacuum_request {
    bool vacuums, analyzes, is_verbose, skips_locked;
    bool is_full, compacts;
    int64_t rate_kb, seconds, wait_seconds; /* of COMPACT */
} vacuum_request;

static rdb_lock_mode lock_mode(const vacuum_request *request)
{
    return request->is_full ? RDB_LOCK_ACCESS_EXCLUSIVE : RDB_LOCK_SHARE_UPDATE_EXCLUSIVE;
}

static void note_in_counters(const rdb_command_context *context, const rdb_relation *relation, const vacuum_request *request)
{
    const uint64_t inserts = rdb_counters_read(relation->counters, RDB_COUNTER_INSERTS), now = (uint64_t)rdb_time_wall_us();
    if (request->vacuums) {
        rdb_counters_add(relation->counters, RDB_COUNTER_VACUUMS, 1);
        rdb_counters_set(relation->counters, RDB_COUNTER_VACUUM_US, now);
        rdb_counters_set(relation->counters, RDB_COUNTER_INSERTS_VACUUMED, inserts);
    }
    if (request->analyzes) {
        rdb_counters_add(relation->counters, context->is_automatic ? RDB_COUNTER_AUTO_ANALYZES : RDB_COUNTER_ANALYZES, 1);
        rdb_counters_set(relation->counters, context->is_automatic ? RDB_COUNTER_AUTO_ANALYZE_US : RDB_COUNTER_ANALYZE_US, now);
        rdb_counters_set(relation->counters, RDB_COUNTER_CHANGES_ANALYZED,
                         inserts + rdb_counters_read(relation->counters, RDB_COUNTER_UPDATES) + rdb_counters_read(relation->counters, RDB_COUNTER_DELETES));
    }
}

/* System tables are not compacted: others know their rows by address. */
static bool compact(rdb_command_context *context, const rdb_relation *relation, const vacuum_request *request, bool *is_over, rdb_error *err)
{
    *is_over = true;
    command_compact_result result = {.rate_bytes = request->rate_kb * 1024, .time_us = request->seconds * 1000000, .wait_us = request->wait_seconds * 1000000};
    if (relation->is_system || relation->persistence == 't')
        return true;
    if (!command_compact_table(context, relation, &result, err))
        return false;
    if (request->is_verbose)
        command_notice(context, "INFO", RDB_SUCCESSFUL_COMPLETION, "compacted \"%s\": %llu of %llu pages left, %llu rows moved", relation->name, (unsigned long long)result.blocks_after,
                       (unsigned long long)result.blocks_before, (unsigned long long)result.rows_moved);
    if (request->is_verbose && result.index_blocks_before > 0)
        command_notice(context, "INFO", RDB_SUCCESSFUL_COMPLETION, "compacted indexes of \"%s\": %llu of %llu pages left", relation->name, (unsigned long long)result.index_blocks_after,
                       (unsigned long long)result.index_blocks_before);
    *is_over = !result.is_late;
    if (result.is_held)
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "compaction of \"%s\" is not complete: a snapshot that is older keeps the old places of moved rows", relation->name);
    else if (result.is_late && request->is_verbose)
        command_notice(context, "INFO", RDB_SUCCESSFUL_COMPLETION, "compaction of \"%s\" is not complete: its time is over", relation->name);
    else if (result.rows_busy > 0)
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "compaction of \"%s\" is not complete: %llu rows were in use", relation->name, (unsigned long long)result.rows_busy);
    return true;
}

static bool vacuum_one(rdb_command_context *context, const rdb_relation *relation, const vacuum_request *request, const rdb_ast_names *columns, rdb_error *err)
{
    const char *what = request->vacuums ? "vacuum" : "analyze";
    double pages = 0, tuples = 0;
    if (relation->kind != 'p' && relation->kind != 'r' && relation->kind != 'm' && relation->kind != 't') {
        command_notice(context, "WARNING", RDB_WRONG_OBJECT_TYPE, "skipping \"%s\" --- cannot %s non-tables or special system tables", relation->name, what);
        return true;
    }
    if (!context->role->is_superuser && context->role->oid != relation->owner_oid) {
        command_notice(context, "WARNING", RDB_INSUFFICIENT_PRIVILEGE, "skipping \"%s\" --- only %s can %s it", relation->name,
                       relation->is_system ? "superuser or database owner" : "table or database owner", what);
        return true;
    }
    if (relation->kind == 'p') /* no rows of its own */
        return !request->analyzes || command_analyze_table(context, relation, columns, true, request->is_verbose, err);
    rdb_table_sweep_result swept;
    if (request->vacuums) {
        uint64_t blocks = 0;
        if (!rdb_table_block_count(&relation->table, &blocks, err))
            return false;
        rdb_report_begin(request->is_full ? RDB_REPORT_CLUSTER : RDB_REPORT_VACUUM, relation->oid);
        if (request->is_full) {
            rdb_report_set(1, 2); /* VACUUM FULL */
            rdb_report_set(2, 1); /* seq scanning heap */
            rdb_report_set(6, (int64_t)blocks);
        } else {
            rdb_report_set(1, 3); /* vacuuming heap: what purge left */
            rdb_report_set(2, (int64_t)blocks);
        }
    }
    if (request->is_full && !relation->is_system) { /* system tables, whose files others know by heart, are swept where they are */
        rdb_expr **as_they_are = RDB_NEW_ARRAY(context->arena, rdb_expr *, relation->column_count + 1u);
        if (!command_rewrite_table(context, relation, as_they_are, true, err) || !command_reload(context, &relation, err))
            return false;
    } else if (request->vacuums && !rdb_table_sweep(&relation->table, context->cancel, &swept, err))
        return false;
    bool is_over = true;
    if (request->compacts && !compact(context, relation, request, &is_over, err))
        return false;
    if (!is_over) /* the next slice goes on; what follows is for the last one */
        return true;
    if ((request->vacuums || context->is_automatic) && !mark_visible(context, relation, err))
        return false;
    if (request->vacuums && !request->is_full)
        rdb_report_set(1, 6); /* performing final cleanup */
    if (request->vacuums && !command_sum_up(context, relation, err))
        return false;
    note_in_counters(context, relation, request);
    if (request->analyzes && !relation->is_system)
        return command_analyze_table(context, relation, columns, false, request->is_verbose, err) &&
               (relation->child_count == 0 || command_analyze_table(context, relation, columns, true, request->is_verbose, err));
    uint64_t visible = 0;
    return count_rows(context, relation, &pages, &tuples, err) && rdb_table_visible_count(&relation->table, &visible, err) &&
           rdb_ddl_set_statistics(context->access, relation->oid, pages, tuples, (double)visible, err);
}

/* A partitioned table's partitions are meant with it; children of a plain one are not. */
static bool vacuum_with_partitions(rdb_command_context *context, const rdb_relation *relation, const vacuum_request *request, const rdb_ast_names *columns, uint32_t depth, rdb_error *err)
{
    if (depth > 100)
        return rdb_error_set(err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (!vacuum_one(context, relation, request, columns, err))
        return false;
    for (uint32_t i = 0; relation->kind == 'p' && i < relation->child_count; i++) {
        const rdb_relation *child = NULL;
        if (!command_lock(context, relation->children[i].oid, lock_mode(request), err) || !rdb_relation_get(context->access, relation->children[i].oid, &child, err))
            return false;
        if (child != NULL && child->kind != 'f' && !vacuum_with_partitions(context, child, request, columns, depth + 1, err))
            return false;
    }
    return true;
}

/* Every user table of the database that one may touch. */
static bool vacuum_all(rdb_command_context *context, const vacuum_request *request, rdb_error *err)
{
    enum { CLASS_OID = 1, CLASS_KIND = 17 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    rdb_list oids = {0};
    bool found = true;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_CLASS, 0, NULL, 0, context->arena, err);
    while (ok && found) {
        ok = rdb_catalog_scan_next(scan, &row, &found, err);
        if (ok && found && row.values[CLASS_OID - 1].oid >= RDB_FIRST_NORMAL_OID && (row.values[CLASS_KIND - 1].i8 == 'r' || row.values[CLASS_KIND - 1].i8 == 'm' || row.values[CLASS_KIND - 1].i8 == 'p'))
            rdb_list_push(context->arena, &oids, (void *)(uintptr_t)row.values[CLASS_OID - 1].oid);
    }
    rdb_catalog_scan_close(&scan);
    for (uint32_t i = 0; ok && i < oids.count; i++) {
        const rdb_relation *relation = NULL;
        uint32_t oid = (uint32_t)(uintptr_t)oids.items[i];
        ok = command_lock(context, oid, lock_mode(request), err) && rdb_relation_get(context->access, oid, &relation, err) &&
             (relation == NULL || vacuum_one(context, relation, request, NULL, err));
    }
    return ok;
}

/* PARALLEL n is understood; tables are vacuumed one after the other. */
static bool read_workers(rdb_command_context *context, const rdb_ast_option *option, int64_t *workers, rdb_error *err)
{
    const rdb_ast_value *value = (const rdb_ast_value *)option->arg;
    if (value == NULL)
        rdb_error_set(err, RDB_SYNTAX_ERROR, "parallel option requires a value between 0 and 1024");
    else if (value->kind != RDB_SQL_VALUE_INTEGER || value->integer < 0 || value->integer > 1024)
        rdb_error_set(err, RDB_SYNTAX_ERROR, "parallel workers for vacuum must be between 0 and 1024");
    else
        *workers = value->integer;
    return !rdb_error_is_set(err) || command_at(context, option->node.location, err);
}

/* COMPACT's numbers: RATE in kB a second, SECONDS that it may take, WAIT seconds for older snapshots. */
static bool read_number(rdb_command_context *context, const rdb_ast_option *option, int64_t *number, rdb_error *err)
{
    const rdb_ast_value *value = (const rdb_ast_value *)option->arg;
    if (value != NULL && value->kind == RDB_SQL_VALUE_INTEGER && value->integer >= 0) {
        *number = value->integer;
        return true;
    }
    rdb_error_set(err, RDB_SYNTAX_ERROR, "%s requires a whole number that is not negative", option->name);
    return command_at(context, option->node.location, err);
}

static bool read_request(rdb_command_context *context, const rdb_ast_vacuum *statement, vacuum_request *request, rdb_error *err)
{
    bool skips_nothing = false, with_toast = true, makes_no_difference = false;
    int64_t workers = 0;
    bool has_number = false;
    *request = (vacuum_request){.vacuums = statement->is_vacuum, .analyzes = !statement->is_vacuum, .wait_seconds = 10};
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        bool *flag = strcmp(option->name, "verbose") == 0       ? &request->is_verbose
                     : strcmp(option->name, "skip_locked") == 0 ? &request->skips_locked
                     : !statement->is_vacuum                    ? NULL
                     : strcmp(option->name, "analyze") == 0     ? &request->analyzes
                     : strcmp(option->name, "full") == 0        ? &request->is_full
                     : strcmp(option->name, "compact") == 0     ? &request->compacts
                     : strcmp(option->name, "disable_page_skipping") == 0 ? &skips_nothing
                     : strcmp(option->name, "process_toast") == 0         ? &with_toast
                     : strcmp(option->name, "freeze") == 0 || strcmp(option->name, "truncate") == 0 ? &makes_no_difference
                                                                                                    : NULL;
        int64_t *number = !statement->is_vacuum                    ? NULL
                          : strcmp(option->name, "rate") == 0      ? &request->rate_kb
                          : strcmp(option->name, "seconds") == 0   ? &request->seconds
                          : strcmp(option->name, "wait") == 0      ? &request->wait_seconds
                                                                   : NULL;
        if (number != NULL) {
            has_number = true;
            if (!read_number(context, option, number, err))
                return false;
            continue;
        }
        bool is_ignored = statement->is_vacuum && strcmp(option->name, "parallel") == 0;
        if (is_ignored && !read_workers(context, option, &workers, err))
            return false;
        if (statement->is_vacuum && strcmp(option->name, "index_cleanup") == 0) {
            const char *text = command_option_text(option);
            is_ignored = text != NULL && strcasecmp(text, "auto") == 0;
            if (!is_ignored)
                flag = &makes_no_difference;
        }
        if (flag == NULL && !is_ignored) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "unrecognized %s option \"%s\"", statement->is_vacuum ? "VACUUM" : "ANALYZE", option->name);
            return command_at(context, option->node.location, err);
        }
        if (flag != NULL && !command_option_bool(option, flag, err))
            return false;
    }
    if (request->compacts && request->is_full)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "VACUUM option COMPACT cannot be used with FULL");
    if (has_number && !request->compacts)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "VACUUM options RATE, SECONDS and WAIT go with COMPACT");
    if (request->is_full && workers > 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "VACUUM FULL cannot be performed in parallel");
    if (request->is_full && skips_nothing)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "VACUUM option DISABLE_PAGE_SKIPPING cannot be used with FULL");
    if (request->is_full && !with_toast)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "PROCESS_TOAST required with VACUUM FULL");
    for (uint32_t i = 0; i < statement->tables.count; i++) {
        const rdb_ast_vacuum_table *item = statement->tables.items[i];
        if (item->columns.count > 0 && !request->analyzes)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "ANALYZE option must be specified when a column list is provided");
    }
    return true;
}

bool command_vacuum(rdb_command_context *context, const rdb_ast_vacuum *statement, rdb_error *err)
{
    vacuum_request request;
    if (!read_request(context, statement, &request, err))
        return false;
    if (statement->is_vacuum && !context->is_top_level)
        return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "VACUUM cannot run inside a transaction block");
    if (statement->is_vacuum && !rdb_undo_purge_now(rdb_undo_of(rdb_txn_manager_of(context->txn)), context->cancel, err))
        return false;
    if (statement->tables.count == 0)
        return vacuum_all(context, &request, err);
    for (uint32_t i = 0; i < statement->tables.count; i++) {
        const rdb_ast_vacuum_table *item = statement->tables.items[i];
        const rdb_relation *relation = NULL;
        if (!command_open_table(context, item->table, lock_mode(&request), false, &relation, err)) {
            err->position = 0; /* PostgreSQL names the table without pointing to it */
            return false;
        }
        if (!vacuum_with_partitions(context, relation, &request, &item->columns, 0, err))
            return false;
    }
    return true;
}
