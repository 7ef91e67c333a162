/* SPDX-License-Identifier: Apache-2.0
 * ALTER DATABASE: who may connect, and how many; what may be cloned; another name. */
#include "command/command_int.h"

static bool read_options(rdb_command_context *context, const rdb_ast_alter_database *statement, rdb_catalog_row *row, rdb_error *err)
{
    const bool is_current = strcmp(statement->name, rdb_database_name(rdb_access_get_context(context->access)->database)) == 0;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        bool flag = false;
        if (strcmp(option->name, "tablespace") == 0) {
            const char *name = command_option_text(option);
            if (statement->options.count > 1) {
                rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "option \"%s\" cannot be specified with other options", option->name);
                return command_at(context, option->node.location, err);
            }
            if (name == NULL || strcmp(name, "pg_default") != 0)
                return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist", name != NULL ? name : "");
        } else if (strcmp(option->name, "connection_limit") == 0) {
            int64_t limit = 0;
            if (!command_option_int64(option, &limit, err))
                return false;
            if (limit < -1 || limit > INT32_MAX)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid connection limit: %lld", (long long)limit);
            row->values[RDB_pg_database_datconnlimit - 1].i32 = (int32_t)limit;
        } else if (strcmp(option->name, "allow_connections") == 0 || strcmp(option->name, "is_template") == 0) {
            const bool allows = option->name[0] == 'a';
            if (!command_option_bool(option, &flag, err))
                return false;
            if (allows && !flag && is_current)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "cannot disallow connections for current database");
            row->values[(allows ? RDB_pg_database_datallowconn : RDB_pg_database_datistemplate) - 1].b = flag;
        } else {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "option \"%s\" not recognized", option->name);
            return command_at(context, option->node.location, err);
        }
    }
    return true;
}

/* The database, if it is there and the role may change it. */
static bool find_database(rdb_command_context *context, const char *name, command_object *found, rdb_error *err)
{
    const rdb_ast_value value = {.node = {RDB_AST_VALUE, -1}, .kind = RDB_SQL_VALUE_STRING, .text = name};
    return command_find_object(context, RDB_SQL_OBJECT_DATABASE, NULL, &value.node, NULL, false, found, err) && command_check_object_owner(context, found, err);
}

bool command_alter_database(rdb_command_context *context, const rdb_ast_alter_database *statement, rdb_error *err)
{
    command_object object;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    if (!find_database(context, statement->name, &object, err) ||
        !rdb_catalog_scan_open(&scan, context->access, RDB_PG_DATABASE, 0, NULL, 0, context->arena, err))
        return false;
    bool ok = true, done = false;
    while (ok && !done && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        done = row.values[RDB_pg_database_oid - 1].oid == object.address.object_oid;
        ok = !done || (read_options(context, statement, &row, err) && rdb_catalog_update(context->access, RDB_PG_DATABASE, &row, err));
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

bool command_rename_database(rdb_command_context *context, const char *name, const char *new_name, rdb_error *err)
{
    const rdb_access_context *access = rdb_access_get_context(context->access);
    command_object object;
    bool taken = false;
    if (!find_database(context, name, &object, err))
        return false;
    if (!context->role->is_superuser && !context->role->can_create_db)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to rename database");
    if (!rdb_database_exists(access->catalog, new_name, &taken, err))
        return false;
    if (taken)
        return rdb_error_set(err, RDB_DUPLICATE_DATABASE, "database \"%s\" already exists", new_name);
    if (object.address.object_oid == rdb_database_oid(access->database))
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "current database cannot be renamed");
    return rdb_database_close_unused(access->catalog, name, err) && command_change_object(context, &object, new_name, 0, err);
}
