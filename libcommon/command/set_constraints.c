/* SPDX-License-Identifier: Apache-2.0
 * SET CONSTRAINTS: when deferrable constraints are checked, for the rest of the transaction. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"
#include "exec/rdb_exec.h"

typedef struct oid_list {
    uint32_t *items;
    uint32_t count, capacity;
} oid_list;

/* All constraints of that name in the schema; found: there is one, deferrable or not. */
static bool find_in_schema(rdb_command_context *context, uint32_t namespace_oid, const char *name, bool deferred, oid_list *oids, bool *found_any, rdb_error *err)
{
    enum { CONSTRAINT_NAME_INDEX = 2664 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    const rdb_datum keys[] = {{.bytes = {(const uint8_t *)name, (uint32_t)strlen(name), 0}}, {.oid = namespace_oid}};
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_CONSTRAINT, CONSTRAINT_NAME_INDEX, keys, 2, context->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        *found_any = true;
        if (!row.values[RDB_pg_constraint_condeferrable - 1].b) {
            if (deferred)
                ok = rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "constraint \"%s\" is not deferrable", name);
            continue;
        }
        if (oids->count == oids->capacity) {
            const uint32_t capacity = oids->capacity * 2 + 16;
            oids->items = rdb_arena_try_grow(context->arena, oids->items, oids->capacity * sizeof *oids->items, capacity * sizeof *oids->items, err);
            if (oids->items == NULL) {
                ok = false;
                break;
            }
            oids->capacity = capacity;
        }
        oids->items[oids->count++] = row.values[RDB_pg_constraint_oid - 1].oid;
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

static bool find_constraints(rdb_command_context *context, const rdb_ast_table *named, bool deferred, oid_list *oids, rdb_error *err)
{
    bool found = false;
    if (named->schema != NULL) {
        uint32_t namespace_oid = 0;
        if (!rdb_namespace_find(context->access, named->schema, &namespace_oid, err))
            return false;
        if (namespace_oid == 0)
            return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", named->schema);
        if (!find_in_schema(context, namespace_oid, named->name, deferred, oids, &found, err))
            return false;
    } else {
        uint32_t count = 0;
        const uint32_t *path = rdb_access_search_path(context->access, &count);
        for (uint32_t i = 0; i < count && !found; i++)
            if (!find_in_schema(context, path[i], named->name, deferred, oids, &found, err))
                return false;
    }
    return found || rdb_error_set(err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" does not exist", named->name);
}

bool command_set_constraints(rdb_command_context *context, const rdb_ast_set_constraints *statement, rdb_error *err)
{
    oid_list oids = {0};
    const rdb_execution_context execution = command_execution_context(context);
    if (context->is_top_level)
        command_notice(context, "WARNING", RDB_NO_ACTIVE_SQL_TRANSACTION, "SET CONSTRAINTS can only be used in transaction blocks");
    for (uint32_t i = 0; i < statement->constraints.count; i++)
        if (!find_constraints(context, statement->constraints.items[i], statement->is_deferred, &oids, err))
            return false;
    if (context->is_top_level || (statement->constraints.count > 0 && oids.count == 0))
        return true;
    return rdb_exec_set_constraints(context->txn, &execution, statement->constraints.count > 0 ? oids.items : NULL, oids.count, statement->is_deferred, err);
}
