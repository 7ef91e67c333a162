/* SPDX-License-Identifier: Apache-2.0
 * CREATE SEQUENCE and the options that serial, identity and sequences share. */
#include "command/command_int.h"

#include <inttypes.h>

static void bounds_of(uint32_t type_oid, int64_t *lowest, int64_t *highest)
{
    *lowest = type_oid == RDB_INT2OID ? INT16_MIN : type_oid == RDB_INT4OID ? INT32_MIN : INT64_MIN;
    *highest = type_oid == RDB_INT2OID ? INT16_MAX : type_oid == RDB_INT4OID ? INT32_MAX : INT64_MAX;
}

bool command_sequence_options(rdb_command_context *context, const rdb_list *options, rdb_sequence_definition *definition, rdb_error *err)
{
    bool has_minimum = false, has_maximum = false, has_start = false;
    if (definition->type_oid == 0)
        definition->type_oid = RDB_INT8OID;
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        bool ok = true;
        if (strcmp(option->name, "as") == 0) {
            rdb_analysis analysis;
            const rdb_type *type = NULL;
            int32_t typmod;
            uint32_t collation;
            command_analysis(context, &analysis);
            if (!rdb_type_resolve(&analysis, option->arg, &type, &typmod, &collation, err))
                return false;
            if (type->oid != RDB_INT2OID && type->oid != RDB_INT4OID && type->oid != RDB_INT8OID)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "sequence type must be smallint, integer, or bigint");
            definition->type_oid = type->oid;
        } else if (strcmp(option->name, "increment") == 0) {
            ok = command_option_int64(option, &definition->increment, err);
            if (ok && definition->increment == 0)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "INCREMENT must not be zero");
        } else if (strcmp(option->name, "start") == 0 || strcmp(option->name, "restart") == 0) {
            has_start = option->arg != NULL;
            ok = !has_start || command_option_int64(option, &definition->start, err);
        } else if (strcmp(option->name, "minvalue") == 0) {
            has_minimum = option->arg != NULL;
            ok = !has_minimum || command_option_int64(option, &definition->minimum, err);
        } else if (strcmp(option->name, "maxvalue") == 0) {
            has_maximum = option->arg != NULL;
            ok = !has_maximum || command_option_int64(option, &definition->maximum, err);
        } else if (strcmp(option->name, "cache") == 0) {
            ok = command_option_int64(option, &definition->cache, err);
            if (ok && definition->cache <= 0)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "CACHE (%" PRId64 ") must be greater than zero", definition->cache);
        } else if (strcmp(option->name, "cycle") == 0) {
            ok = command_option_bool(option, &definition->cycles, err);
        } else if (strcmp(option->name, "owned_by") == 0 || strcmp(option->name, "sequence_name") == 0) {
            const rdb_ast_items *names = (const rdb_ast_items *)option->arg;
            bool is_none = names == NULL || names->node.tag != RDB_AST_LIST || names->items.count < 2;
            if (strcmp(option->name, "sequence_name") == 0 || is_none)
                continue;
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "OWNED BY is not supported yet");
        }
        if (!ok)
            return false;
    }
    int64_t lowest, highest;
    bounds_of(definition->type_oid, &lowest, &highest);
    if (!has_maximum)
        definition->maximum = definition->increment > 0 ? highest : -1;
    if (!has_minimum)
        definition->minimum = definition->increment > 0 ? 1 : lowest;
    if (definition->maximum > highest)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "MAXVALUE (%" PRId64 ") is out of range for sequence data type", definition->maximum);
    if (definition->minimum < lowest)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "MINVALUE (%" PRId64 ") is out of range for sequence data type", definition->minimum);
    if (definition->minimum >= definition->maximum)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "MINVALUE (%" PRId64 ") must be less than MAXVALUE (%" PRId64 ")", definition->minimum, definition->maximum);
    if (!has_start)
        definition->start = definition->increment > 0 ? definition->minimum : definition->maximum;
    if (definition->start < definition->minimum)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "START value (%" PRId64 ") cannot be less than MINVALUE (%" PRId64 ")", definition->start, definition->minimum);
    if (definition->start > definition->maximum)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "START value (%" PRId64 ") cannot be greater than MAXVALUE (%" PRId64 ")", definition->start, definition->maximum);
    return true;
}

bool command_create_sequence(rdb_command_context *context, const rdb_ast_create_sequence *statement, rdb_error *err)
{
    uint32_t oid = 0;
    char schema[RDB_NAMEDATALEN];
    const rdb_relation *taken = NULL;
    rdb_sequence_definition definition = {.name = statement->table->name, .owner_oid = context->role->oid, .increment = 1, .cache = 1,
                                          .persistence = 'p'};
    if (!command_creation_namespace(context, statement->table, &definition.namespace_oid, err) ||
        !rdb_namespace_get_name(context->access, definition.namespace_oid, schema, err) ||
        !rdb_relation_find(context->access, schema, definition.name, &taken, err))
        return false;
    definition.persistence = command_persistence(context, statement->table, definition.namespace_oid);
    if (taken != NULL && statement->if_not_exists) {
        command_notice(context, "NOTICE", RDB_DUPLICATE_TABLE, "relation \"%s\" already exists, skipping", definition.name);
        return true;
    }
    if (taken != NULL)
        return rdb_error_set(err, RDB_DUPLICATE_TABLE, "relation \"%s\" already exists", definition.name);
    return command_sequence_options(context, &statement->options, &definition, err) &&
           rdb_ddl_create_sequence(context->access, &definition, &oid, err);
}

/* OWNED BY table.column, or NONE. */
static bool own_sequence(rdb_command_context *context, const rdb_relation *sequence, const rdb_ast_option *option, rdb_error *err)
{
    const rdb_list *names = &((const rdb_ast_items *)option->arg)->items;
    const rdb_relation *table = NULL;
    int16_t number;
    if (names->count < 2)
        return rdb_ddl_own_sequence(context->access, sequence->oid, 0, 0, err);
    const rdb_ast_table named = {.node = {RDB_AST_TABLE, -1}, .name = ((const rdb_ast_value *)names->items[names->count - 2])->text,
                                 .schema = names->count > 2 ? ((const rdb_ast_value *)names->items[names->count - 3])->text : NULL};
    if (!command_open_table(context, &named, RDB_LOCK_ACCESS_SHARE, false, &table, err))
        return false;
    if (table->kind != 'r')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "sequence cannot be owned by relation \"%s\"", table->name);
    if (table->owner_oid != sequence->owner_oid)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "sequence must have same owner as table it is linked to");
    if (table->namespace_oid != sequence->namespace_oid)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "sequence must be in same schema as table it is linked to");
    return command_column_number(table, ((const rdb_ast_value *)names->items[names->count - 1])->text, &number, err) &&
           rdb_ddl_own_sequence(context->access, sequence->oid, table->oid, number, err);
}

bool command_alter_sequence(rdb_command_context *context, const rdb_ast_alter_sequence *statement, rdb_error *err)
{
    const rdb_relation *sequence = NULL;
    if (!command_open_table(context, statement->table, RDB_LOCK_ACCESS_EXCLUSIVE, statement->missing_ok, &sequence, err))
        return false;
    if (sequence == NULL) {
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "relation \"%s\" does not exist, skipping", statement->table->name);
        return true;
    }
    if (sequence->kind != 'S')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence", sequence->name);
    if (!command_check_owner(context, sequence, err))
        return false;
    for (uint32_t i = 0; i < statement->options.count; i++) {
        const rdb_ast_option *option = statement->options.items[i];
        int64_t value = 0;
        bool ok = true;
        if (strcmp(option->name, "restart") == 0)
            ok = (option->arg == NULL || command_option_int64(option, &value, err)) &&
                 rdb_ddl_restart_sequence(context->access, sequence->oid, option->arg != NULL ? &value : NULL, err);
        else if (strcmp(option->name, "owned_by") == 0)
            ok = own_sequence(context, sequence, option, err);
        else
            ok = rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "ALTER SEQUENCE with this option is not supported yet");
        if (!ok)
            return false;
    }
    return true;
}
