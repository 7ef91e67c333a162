/* SPDX-License-Identifier: Apache-2.0
 * REINDEX and CLUSTER: indexes built anew, rows written anew in the order of one. Both give relations fresh files, so that either the
 * transaction commits and all is new, or nothing has changed. */
#include "catalog/rdb_acl.h"
#include "command/concurrent.h"
#include "task/rdb_report.h"

static const rdb_relation_index *index_of(const rdb_relation *relation, uint32_t oid)
{
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (relation->indexes[i].oid == oid)
            return &relation->indexes[i];
    return NULL;
}

static bool outside_block(rdb_command_context *context, const char *what, rdb_error *err)
{
    return context->is_top_level || rdb_error_set(err, RDB_ACTIVE_SQL_TRANSACTION, "%s cannot run inside a transaction block", what);
}

/* ---- REINDEX --------------------------------------------------------------------------------------------------------------------- */
static bool rebuild(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, rdb_error *err)
{
    const rdb_relation *table = NULL;
    if (!rdb_relation_get(context->access, table_oid, &table, err))
        return false;
    const rdb_relation_index *index = table != NULL ? index_of(table, index_oid) : NULL;
    if (index == NULL || index->is_partitioned)
        return true;
    if (!rdb_ddl_new_index_file(context->access, index, err))
        return false;
    rdb_catalog_invalidate(context->access, RDB_PG_CLASS, table_oid); /* which knows its indexes' files */
    return command_fill_index(context, table_oid, index_oid, err) &&
           (index->is_valid || (rdb_ddl_set_index_field(context->access, index_oid, RDB_pg_index_indisvalid, (rdb_datum){.b = true}, err) &&
                                rdb_ddl_set_index_field(context->access, index_oid, RDB_pg_index_indisready, (rdb_datum){.b = true}, err) &&
                                rdb_ddl_set_index_field(context->access, index_oid, RDB_pg_index_indislive, (rdb_datum){.b = true}, err)));
}

static bool reindex_table(rdb_command_context *context, uint32_t oid, rdb_error *err)
{
    const rdb_relation *table = NULL;
    if (!command_lock(context, oid, RDB_LOCK_SHARE, err) || !rdb_relation_get(context->access, oid, &table, err))
        return false;
    const uint16_t count = table != NULL ? table->index_count : 0;
    uint32_t *oids = RDB_NEW_ARRAY(context->arena, uint32_t, count + 1u);
    for (uint16_t i = 0; i < count; i++)
        oids[i] = table->indexes[i].oid;
    for (uint16_t i = 0; i < count; i++)
        if (!command_lock(context, oids[i], RDB_LOCK_ACCESS_EXCLUSIVE, err) || !rebuild(context, oid, oids[i], err))
            return false;
    for (uint16_t i = 0; table != NULL && table->kind == 'p' && i < table->child_count; i++)
        if (!reindex_table(context, table->children[i].oid, err))
            return false;
    return true;
}

/* ---- CONCURRENTLY ---------------------------------------------------------------------------------------------------------------- */
typedef struct rebuilding {
    uint32_t table_oid, index_oid;
} rebuilding;

static bool step_rebuild(rdb_command_context *step, void *work, rdb_error *err)
{
    const rebuilding *r = work;
    return rebuild(step, r->table_oid, r->index_oid, err);
}

/* One index, under SHARE UPDATE EXCLUSIVE on its table; one that cannot be built so, as without the word. */
static bool reindex_live(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, rdb_error *err)
{
    const rdb_relation *table = NULL;
    if (!rdb_relation_get(context->access, table_oid, &table, err))
        return false;
    const rdb_relation_index *index = table != NULL ? index_of(table, index_oid) : NULL;
    if (index == NULL)
        return true;
    if (index->is_exclusion)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "concurrent index creation for exclusion constraints is not supported");
    if (command_index_is_live_built(table, index->method_oid))
        return command_reindex_live(context, table_oid, index_oid, err);
    rebuilding work = {table_oid, index_oid};
    return command_lock(context, table_oid, RDB_LOCK_SHARE, err) && command_lock(context, index_oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) &&
           command_step(context, step_rebuild, &work, err);
}

/* All indexes of a table and of its partitions. *any: there was one. */
static bool reindex_table_live(rdb_command_context *context, uint32_t oid, bool *any, rdb_error *err)
{
    const rdb_relation *table = NULL;
    if (!command_lock(context, oid, RDB_LOCK_SHARE_UPDATE_EXCLUSIVE, err) || !rdb_relation_get(context->access, oid, &table, err) || table == NULL)
        return !rdb_error_is_set(err);
    rdb_list oids = {0};
    for (unsigned step = 0; step < 2u * table->index_count; step++) { /* last those that keep writers away */
        const rdb_relation_index *index = &table->indexes[step % table->index_count];
        if (index->is_partitioned || command_index_is_live_built(table, index->method_oid) != (step < table->index_count))
            continue;
        if (!index->is_valid)
            command_notice(context, "WARNING", RDB_FEATURE_NOT_SUPPORTED, "cannot reindex invalid index \"%s.%s\" concurrently, skipping", table->namespace_name, index->name);
        else if (index->is_exclusion)
            command_notice(context, "WARNING", RDB_FEATURE_NOT_SUPPORTED, "cannot reindex exclusion constraint index \"%s.%s\" concurrently, skipping", table->namespace_name, index->name);
        else
            rdb_list_push(context->arena, &oids, (void *)(uintptr_t)index->oid);
    }
    *any = *any || oids.count > 0;
    for (uint32_t i = 0; i < oids.count; i++)
        if (!reindex_live(context, oid, (uint32_t)(uintptr_t)oids.items[i], err))
            return false;
    for (uint32_t i = 0; table->kind == 'p' && i < table->child_count; i++)
        if (!reindex_table_live(context, table->children[i].oid, any, err))
            return false;
    return true;
}

/* A partitioned index: those of its partitions, wherever they are. */
static bool reindex_index_live(rdb_command_context *context, const rdb_relation *index, rdb_error *err)
{
    if (index->kind == 'i')
        return command_lock(context, index->index_of, RDB_LOCK_SHARE_UPDATE_EXCLUSIVE, err) && reindex_live(context, index->index_of, index->oid, err);
    for (uint32_t i = 0; i < index->child_count; i++) {
        const rdb_relation *part = NULL;
        if (!rdb_relation_get(context->access, index->children[i].oid, &part, err) || (part != NULL && !reindex_index_live(context, part, err)))
            return false;
    }
    return true;
}

static bool refuse_system(const rdb_relation *relation, rdb_error *err)
{
    return !relation->is_system || rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "REINDEX of the system table or index \"%s\" is not supported yet", relation->name);
}

static bool reindex_index(rdb_command_context *context, const rdb_ast_table *named, bool concurrently, rdb_error *err)
{
    const rdb_relation *index = NULL, *table = NULL;
    if (!command_open_table(context, named, concurrently ? RDB_LOCK_SHARE_UPDATE_EXCLUSIVE : RDB_LOCK_ACCESS_EXCLUSIVE, false, &index, err))
        return false;
    if (index->kind != 'i' && index->kind != 'I')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not an index", index->name);
    if (concurrently && index->is_system)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot reindex system catalogs concurrently");
    if (concurrently)
        return command_check_owner(context, index, err) && reindex_index_live(context, index, err);
    if (!refuse_system(index, err) || !command_check_owner(context, index, err) || !command_lock(context, index->index_of, RDB_LOCK_SHARE, err) ||
        !rdb_relation_get(context->access, index->index_of, &table, err))
        return false;
    return table == NULL || rebuild(context, table->oid, index->oid, err);
}

static bool reindex_named_table(rdb_command_context *context, const rdb_ast_table *named, bool concurrently, rdb_error *err)
{
    const rdb_relation *table = NULL;
    bool any = false;
    if (!command_open_table(context, named, concurrently ? RDB_LOCK_SHARE_UPDATE_EXCLUSIVE : RDB_LOCK_SHARE, false, &table, err))
        return false;
    if (table->kind != 'r' && table->kind != 'm' && table->kind != 'p')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a table or materialized view", table->name);
    if (concurrently && table->is_system)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot reindex system catalogs concurrently");
    if (!refuse_system(table, err) || !command_check_owner(context, table, err))
        return false;
    if (concurrently ? !reindex_table_live(context, table->oid, &any, err) : !reindex_table(context, table->oid, err))
        return false;
    if (concurrently ? !any : table->index_count == 0)
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, concurrently ? "table \"%s\" has no indexes that can be reindexed concurrently" : "table \"%s\" has no indexes to reindex",
                       table->name);
    return true;
}

/* Every table of the user's in a schema (0: in all of them). */
static bool reindex_many(rdb_command_context *context, uint32_t namespace_oid, bool concurrently, rdb_error *err)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    rdb_list oids = {0};
    bool found = true;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_CLASS, 0, NULL, 0, context->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        const uint32_t oid = row.values[RDB_pg_class_oid - 1].oid;
        const char kind = (char)row.values[RDB_pg_class_relkind - 1].i8;
        const bool in_schema = namespace_oid == 0 || row.values[RDB_pg_class_relnamespace - 1].oid == namespace_oid;
        if (in_schema && oid >= RDB_FIRST_NORMAL_OID && (kind == 'r' || kind == 'm') && row.values[RDB_pg_class_relhasindex - 1].b)
            rdb_list_push(context->arena, &oids, (void *)(uintptr_t)oid);
    }
    rdb_catalog_scan_close(&scan);
    for (uint32_t i = 0; i < oids.count && ok; i++) {
        const uint32_t oid = (uint32_t)(uintptr_t)oids.items[i];
        const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(context->txn), .a = oid};
        bool any = false;
        ok = concurrently ? reindex_table_live(context, oid, &any, err) : reindex_table(context, oid, err);
        if (concurrently)
            (void)rdb_lock_release(context->txn, tag, RDB_LOCK_SHARE_UPDATE_EXCLUSIVE);
    }
    return ok;
}

bool command_reindex(rdb_command_context *context, const rdb_ast_reindex *statement, rdb_error *err)
{
    static const char *const WORDS[] = {"REINDEX INDEX", "REINDEX TABLE", "REINDEX SCHEMA", "REINDEX SYSTEM", "REINDEX DATABASE"};
    bool concurrently = false;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        bool ignored = false;
        if (strcmp(option->name, "concurrently") == 0 ? !command_option_bool(option, &concurrently, err)
                                                      : strcmp(option->name, "verbose") == 0 && !command_option_bool(option, &ignored, err))
            return false;
        if (strcmp(option->name, "tablespace") == 0 && strcmp(command_option_text(option) != NULL ? command_option_text(option) : "", "pg_default") != 0)
            return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist", command_option_text(option));
        if (strcmp(option->name, "concurrently") != 0 && strcmp(option->name, "verbose") != 0 && strcmp(option->name, "tablespace") != 0) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "unrecognized REINDEX option \"%s\"", option->name);
            return command_at(context, option->node.location, err);
        }
    }
    if (concurrently && !outside_block(context, "REINDEX CONCURRENTLY", err))
        return false;
    switch (statement->kind) {
    case RDB_SQL_REINDEX_INDEX:
        return reindex_index(context, statement->table, concurrently, err);
    case RDB_SQL_REINDEX_TABLE:
        return reindex_named_table(context, statement->table, concurrently, err);
    case RDB_SQL_REINDEX_SCHEMA: {
        command_object schema;
        const rdb_ast_value name = {.node = {RDB_AST_VALUE, -1}, .kind = RDB_SQL_VALUE_STRING, .text = statement->name};
        if (!outside_block(context, WORDS[statement->kind], err) || !command_find_object(context, RDB_SQL_OBJECT_SCHEMA, NULL, &name.node, NULL, false, &schema, err))
            return false;
        if (concurrently && schema.address.object_oid == RDB_NAMESPACE_PG_CATALOG)
            command_notice(context, "WARNING", RDB_FEATURE_NOT_SUPPORTED, "cannot reindex system catalogs concurrently, skipping all");
        return command_check_object_owner(context, &schema, err) && reindex_many(context, schema.address.object_oid, concurrently, err);
    }
    default:
        if (!outside_block(context, WORDS[statement->kind], err))
            return false;
        if (statement->name != NULL && strcmp(statement->name, rdb_database_name(rdb_access_get_context(context->access)->database)) != 0)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "can only reindex the currently open database");
        if (concurrently && statement->kind == RDB_SQL_REINDEX_SYSTEM)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot reindex system catalogs concurrently");
        if (!context->role->is_superuser)
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of database %s", statement->name != NULL ? statement->name : "");
        if (statement->kind == RDB_SQL_REINDEX_SYSTEM)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "REINDEX SYSTEM is not supported yet");
        if (concurrently)
            command_notice(context, "WARNING", RDB_FEATURE_NOT_SUPPORTED, "cannot reindex system catalogs concurrently, skipping all");
        return reindex_many(context, 0, concurrently, err);
    }
}

/* ---- CLUSTER --------------------------------------------------------------------------------------------------------------------- */
static bool marked_index(rdb_command_context *context, const rdb_relation *table, uint32_t *oid, rdb_error *err)
{
    enum { INDEX_RELATION_INDEX = 2678 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    const rdb_datum key = {.oid = table->oid};
    *oid = 0;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_INDEX, INDEX_RELATION_INDEX, &key, 1, context->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
        if (row.values[RDB_pg_index_indisclustered - 1].b)
            *oid = row.values[RDB_pg_index_indexrelid - 1].oid;
    rdb_catalog_scan_close(&scan);
    return ok;
}

static bool cluster_table(rdb_command_context *context, const rdb_relation *table, const char *index_name, bool quietly, rdb_error *err)
{
    enum { BTREE_METHOD = 403, GIST_METHOD = 783 };
    uint32_t oid = 0;
    const rdb_relation_index *index = NULL;
    if (index_name == NULL) {
        if (!marked_index(context, table, &oid, err))
            return false;
        index = oid != 0 ? index_of(table, oid) : NULL;
        if (index == NULL)
            return quietly || rdb_error_set(err, RDB_UNDEFINED_OBJECT, "there is no previously clustered index for table \"%s\"", table->name);
    } else if (!command_mark_clustered(context, table, index_name, err)) {
        return false;
    }
    for (uint16_t i = 0; i < table->index_count && index_name != NULL; i++)
        if (strcmp(table->indexes[i].name, index_name) == 0)
            index = &table->indexes[i];
    if (index == NULL)
        return true;
    if (index->method_oid != BTREE_METHOD && index->method_oid != GIST_METHOD)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot cluster on index \"%s\" because access method does not support clustering", index->name);
    if (index->predicate_tree != NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot cluster on partial index \"%s\"", index->name);
    const uint32_t index_oid = index->oid;
    if (!command_reload(context, &table, err) || (index = index_of(table, index_oid)) == NULL)
        return !rdb_error_is_set(err);
    uint64_t blocks = 0;
    if (!rdb_table_block_count(&table->table, &blocks, err))
        return false;
    rdb_report_begin(RDB_REPORT_CLUSTER, table->oid);
    rdb_report_set(1, 1); /* CLUSTER */
    rdb_report_set(2, 1); /* seq scanning heap, for the sort */
    rdb_report_set(3, index_oid);
    rdb_report_set(6, (int64_t)blocks);
    return command_rewrite_sorted(context, table, index, err);
}

/* All tables that a CLUSTER has marked and that the role owns. */
static bool cluster_all(rdb_command_context *context, rdb_error *err)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    rdb_list oids = {0};
    bool found = true;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_INDEX, 0, NULL, 0, context->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
        if (row.values[RDB_pg_index_indisclustered - 1].b && row.values[RDB_pg_index_indrelid - 1].oid >= RDB_FIRST_NORMAL_OID)
            rdb_list_push(context->arena, &oids, (void *)(uintptr_t)row.values[RDB_pg_index_indrelid - 1].oid);
    rdb_catalog_scan_close(&scan);
    for (uint32_t i = 0; i < oids.count && ok; i++) {
        const uint32_t oid = (uint32_t)(uintptr_t)oids.items[i];
        const rdb_relation *table = NULL;
        bool is_owner = false;
        ok = command_lock(context, oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) && rdb_relation_get(context->access, oid, &table, err);
        ok = ok && (table == NULL || rdb_acl_is_owner(context->access, context->role->oid, table->owner_oid, &is_owner, err));
        if (ok && is_owner)
            ok = cluster_table(context, table, NULL, true, err);
    }
    return ok;
}

bool command_cluster(rdb_command_context *context, const rdb_ast_cluster *statement, rdb_error *err)
{
    const rdb_relation *table = NULL;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        if (strcmp(option->name, "verbose") != 0) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "unrecognized CLUSTER option \"%s\"", option->name);
            return command_at(context, option->node.location, err);
        }
    }
    if (statement->table == NULL)
        return outside_block(context, "CLUSTER", err) && cluster_all(context, err);
    if (!command_open_table(context, statement->table, RDB_LOCK_ACCESS_EXCLUSIVE, false, &table, err))
        return false;
    if (table->kind != 'r' && table->kind != 'm' && table->kind != 'p')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a table or materialized view", table->name);
    if (table->is_system)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "CLUSTER of the system table \"%s\" is not supported yet", table->name);
    if (table->kind == 'p')
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "CLUSTER of partitioned tables is not supported yet");
    return command_check_owner(context, table, err) && cluster_table(context, table, statement->index_name, false, err);
}
