/* SPDX-License-Identifier: Apache-2.0
 * VACUUM and ANALYZE. Garbage is followed by purge from the undo store as it comes: VACUUM drives it to the horizon now, makes
 * the tables' free-space hints anew and counts pages and rows. ANALYZE counts them too; column statistics are not gathered yet. */
#include "command/command_int.h"

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

static bool vacuum_one(rdb_command_context *context, const rdb_relation *relation, const char *what, rdb_error *err)
{
    double pages = 0, tuples = 0;
    if (relation->kind != 'r' && relation->kind != 'm') {
        command_notice(context, "WARNING", RDB_WRONG_OBJECT_TYPE, "skipping \"%s\" --- cannot %s non-tables or special system tables", relation->name, what);
        return true;
    }
    if (!context->role->is_superuser && context->role->oid != relation->owner_oid) {
        command_notice(context, "WARNING", RDB_INSUFFICIENT_PRIVILEGE, "permission denied to %s \"%s\", skipping it", what, relation->name);
        return true;
    }
    rdb_table_sweep_result swept;
    if (what[0] == 'v' && !rdb_table_sweep(&relation->table, context->cancel, &swept, err))
        return false;
    bool is_vacuum = what[0] == 'v';
    uint64_t inserts = rdb_counters_read(relation->counters, RDB_COUNTER_INSERTS);
    rdb_counters_add(relation->counters, is_vacuum ? RDB_COUNTER_VACUUMS : RDB_COUNTER_ANALYZES, 1);
    rdb_counters_set(relation->counters, is_vacuum ? RDB_COUNTER_VACUUM_US : RDB_COUNTER_ANALYZE_US, (uint64_t)rdb_time_wall_us());
    if (is_vacuum)
        rdb_counters_set(relation->counters, RDB_COUNTER_INSERTS_VACUUMED, inserts);
    else
        rdb_counters_set(relation->counters, RDB_COUNTER_CHANGES_ANALYZED,
                         inserts + rdb_counters_read(relation->counters, RDB_COUNTER_UPDATES) + rdb_counters_read(relation->counters, RDB_COUNTER_DELETES));
    return count_rows(context, relation, &pages, &tuples, err) && rdb_ddl_set_statistics(context->access, relation->oid, pages, tuples, err);
}

/* Every user table of the database. */
static bool vacuum_all(rdb_command_context *context, const char *what, rdb_error *err)
{
    enum { CLASS_OID = 1, CLASS_KIND = 17 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    rdb_list oids = {0};
    bool found = true;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_CLASS, 0, NULL, 0, context->arena, err);
    while (ok && found) {
        ok = rdb_catalog_scan_next(scan, &row, &found, err);
        if (ok && found && row.values[CLASS_OID - 1].oid >= RDB_FIRST_NORMAL_OID && row.values[CLASS_KIND - 1].i8 == 'r')
            rdb_list_push(context->arena, &oids, (void *)(uintptr_t)row.values[CLASS_OID - 1].oid);
    }
    rdb_catalog_scan_close(&scan);
    for (uint32_t i = 0; ok && i < oids.count; i++) {
        const rdb_relation *relation = NULL;
        uint32_t oid = (uint32_t)(uintptr_t)oids.items[i];
        ok = command_lock(context, oid, RDB_LOCK_SHARE_UPDATE_EXCLUSIVE, err) && rdb_relation_get(context->access, oid, &relation, err) &&
             (relation == NULL || vacuum_one(context, relation, what, err));
    }
    return ok;
}

bool command_vacuum(rdb_command_context *context, const rdb_ast_vacuum *statement, rdb_error *err)
{
    const char *what = statement->is_vacuum ? "vacuum" : "analyze";
    if (statement->is_vacuum && !context->is_top_level)
        return rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "VACUUM cannot run inside a transaction block");
    if (statement->is_vacuum && !rdb_undo_purge_now(rdb_undo_of(rdb_txn_manager_of(context->txn)), err))
        return false;
    const rdb_ast_option *full = command_option(&statement->options, "full");
    bool is_full = false;
    if (full != NULL && !command_option_bool(full, &is_full, err))
        return false;
    if (is_full)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "VACUUM FULL is not supported yet");
    if (statement->tables.count == 0)
        return vacuum_all(context, what, err);
    for (uint32_t i = 0; i < statement->tables.count; i++) {
        const rdb_ast_vacuum_table *item = statement->tables.items[i];
        const rdb_relation *relation = NULL;
        if (!command_open_table(context, item->table, RDB_LOCK_SHARE_UPDATE_EXCLUSIVE, false, &relation, err) || !vacuum_one(context, relation, what, err))
            return false;
    }
    return true;
}
