/* SPDX-License-Identifier: Apache-2.0
 * Composite types: CREATE TYPE ... AS (...) and the forms of ALTER TYPE that change their attributes. A composite type is a
 * relation of kind c without rows. Stored values are never rewritten: an attribute added is null in them, one dropped keeps its
 * place, and the type of one that a column holds cannot change. */
#include "command/command_int.h"

static bool define_attribute(rdb_command_context *context, const rdb_ast_column_def *raw, rdb_column_definition *column, rdb_error *err)
{
    const char *serial = NULL;
    if (!command_define_column(context, "", raw, column, &serial, err))
        return false;
    if (serial == NULL)
        return true;
    rdb_error_set(err, RDB_UNDEFINED_OBJECT, "type \"%s\" does not exist", serial);
    return command_at(context, raw->type->node.location, err);
}

bool command_create_composite(rdb_command_context *context, const rdb_ast_create_composite *statement, rdb_error *err)
{
    rdb_relation_definition definition = {.name = statement->name->name, .owner_oid = context->role->oid, .kind = 'c', .persistence = 'p'};
    rdb_column_definition *columns = RDB_NEW_ARRAY(context->arena, rdb_column_definition, statement->columns.count + 1);
    const rdb_type *existing = NULL;
    const char *schema = NULL;
    uint32_t oid;
    if (!command_creation_namespace(context, statement->name, &definition.namespace_oid, err))
        return false;
    char schema_name[RDB_NAMEDATALEN] = "";
    if (!rdb_namespace_get_name(context->access, definition.namespace_oid, schema_name, err))
        return false;
    schema = schema_name;
    if (!rdb_type_find(context->access, schema, statement->name->name, &existing, err))
        return false;
    if (existing != NULL)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "type \"%s\" already exists", statement->name->name);
    for (uint32_t i = 0; i < statement->columns.count; i++) {
        if (!define_attribute(context, statement->columns.items[i], &columns[i], err))
            return false;
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(columns[k].name, columns[i].name) == 0)
                return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" specified more than once", columns[i].name);
    }
    definition.columns = columns;
    definition.column_count = (uint16_t)statement->columns.count;
    return rdb_ddl_create_relation(context->access, &definition, &oid, err);
}

/* A column of some table that holds values of the type, of domains over it, arrays of it, or composite types made of it. */
static bool find_use(rdb_command_context *context, uint32_t type_oid, uint32_t depth, const rdb_relation **user, int32_t *number, rdb_error *err)
{
    enum { DEPEND_REFERENCE_INDEX = 2674, DEPEND_CLASS = 0, DEPEND_OBJECT = 1, DEPEND_SUB = 2, DEPTH_MAX = 100 };
    rdb_datum keys[2] = {{.oid = RDB_PG_TYPE}, {.oid = type_oid}};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    const rdb_type *type = NULL;
    rdb_list inner = {0}; /* relations of kind c that have an attribute of the type, and arrays */
    *number = 0;
    if (depth > DEPTH_MAX)
        return rdb_error_set(err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    bool found = true, ok = rdb_type_get(context->access, type_oid, &type, err) &&
                            rdb_catalog_scan_open(&scan, context->access, RDB_PG_DEPEND, DEPEND_REFERENCE_INDEX, keys, 2, context->arena, err);
    while (ok && found && *number == 0) {
        const rdb_relation *relation = NULL;
        ok = rdb_catalog_scan_next(scan, &row, &found, err);
        if (ok && found && row.values[DEPEND_CLASS].oid == RDB_PG_TYPE && (type == NULL || row.values[DEPEND_OBJECT].oid != type->array_oid))
            ok = find_use(context, row.values[DEPEND_OBJECT].oid, depth + 1, user, number, err);
        if (!ok || !found || row.values[DEPEND_CLASS].oid != RDB_PG_CLASS || row.values[DEPEND_SUB].i32 <= 0)
            continue;
        ok = rdb_relation_get(context->access, row.values[DEPEND_OBJECT].oid, &relation, err);
        if (!ok || relation == NULL)
            continue;
        if (relation->kind != 'c') {
            *user = relation;
            *number = row.values[DEPEND_SUB].i32;
        } else if (inner.count == 0 || ((const rdb_relation *)inner.items[inner.count - 1])->oid != relation->oid) {
            ok = find_use(context, relation->row_type_oid, depth + 1, user, number, err);
            rdb_list_push(context->arena, &inner, (void *)(uintptr_t)relation);
        }
    }
    rdb_catalog_scan_close(&scan);
    if (ok && *number == 0 && type != NULL && type->array_oid != 0)
        ok = find_use(context, type->array_oid, depth + 1, user, number, err);
    return ok;
}

bool command_refuse_used_row_type(rdb_command_context *context, const rdb_relation *relation, rdb_error *err)
{
    const rdb_relation *user = NULL;
    int32_t number = 0;
    if (relation->row_type_oid == 0)
        return true;
    if (!find_use(context, relation->row_type_oid, 0, &user, &number, err))
        return false;
    return number == 0 || rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot alter %s \"%s\" because column \"%s.%s\" uses %s", relation->kind == 'c' ? "type" : "table",
                                        relation->name, user->name, user->columns[number - 1].name, relation->kind == 'c' ? "it" : "its row type");
}

static bool add_attribute(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_column_def *raw, rdb_error *err)
{
    rdb_column_definition column;
    int16_t number;
    if (command_find_column(relation, raw->name) != 0)
        return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" already exists", raw->name, relation->name);
    return define_attribute(context, raw, &column, err) && command_check_column_type(context, raw->name, column.type, relation->row_type_oid, err) &&
           rdb_ddl_add_column(context->access, relation->oid, &column, &number, err);
}

static bool alter_attribute(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    int16_t number = command->name != NULL ? command_find_column(relation, command->name) : 0;
    switch (command->kind) {
    case RDB_SQL_ALTER_ADD_COLUMN:
        return add_attribute(context, relation, (const rdb_ast_column_def *)command->def, err);
    case RDB_SQL_ALTER_DROP_COLUMN: {
        if (number == 0 && command->missing_ok) {
            command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "column \"%s\" of relation \"%s\" does not exist, skipping", command->name, relation->name);
            return true;
        }
        if (!command_column_number(relation, command->name, &number, err))
            return false;
        const rdb_object_address attribute = {RDB_PG_CLASS, relation->oid, number};
        return rdb_ddl_drop(context->access, &attribute, 1, command->behavior == RDB_SQL_DROP_CASCADE, command_drop_notice, context, err);
    }
    case RDB_SQL_ALTER_COLUMN_TYPE: {
        rdb_column_definition column;
        rdb_ast_column_def raw = *(const rdb_ast_column_def *)command->def;
        raw.name = command->name;
        return command_column_number(relation, command->name, &number, err) && define_attribute(context, &raw, &column, err) &&
               rdb_ddl_set_type(context->access, relation->oid, number, column.type, column.typmod, column.collation, err);
    }
    case RDB_SQL_ALTER_CHANGE_OWNER: {
        uint32_t owner_oid = 0;
        return command_role_oid(context, command->new_owner, &owner_oid, err) &&
               rdb_ddl_set_owner(context->access, RDB_PG_CLASS, relation->oid, owner_oid, err);
    }
    default:
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "ALTER TYPE with this action is not supported yet");
    }
}

bool command_alter_composite(rdb_command_context *context, const rdb_ast_alter_table *statement, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    if (!command_open_table(context, statement->table, RDB_LOCK_ACCESS_EXCLUSIVE, statement->missing_ok, &relation, err))
        return false;
    if (relation == NULL) {
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "relation \"%s\" does not exist, skipping", statement->table->name);
        return true;
    }
    if (relation->kind != 'c')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a composite type", relation->name);
    if (!command_check_owner(context, relation, err))
        return false;
    for (uint32_t i = 0; i < statement->commands.count; i++) {
        const rdb_ast_alter_command *command = statement->commands.items[i];
        if (!command_reload(context, &relation, err) ||
            (command->kind == RDB_SQL_ALTER_COLUMN_TYPE && !command_refuse_used_row_type(context, relation, err)) ||
            !alter_attribute(context, relation, command, err))
            return false;
    }
    return true;
}
