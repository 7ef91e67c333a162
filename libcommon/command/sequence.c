/* SPDX-License-Identifier: Apache-2.0
 * CREATE SEQUENCE and the options that serial, identity and sequences share. */
#include "command/command_int.h"

#include <inttypes.h>

static void bounds_of(uint32_t type_oid, int64_t *lowest, int64_t *highest)
{
    *lowest = type_oid == RDB_INT2OID ? INT16_MIN : type_oid == RDB_INT4OID ? INT32_MIN : INT64_MIN;
    *highest = type_oid == RDB_INT2OID ? INT16_MAX : type_oid == RDB_INT4OID ? INT32_MAX : INT64_MAX;
}

/* What is written, each once. */
typedef struct written_options {
    const rdb_ast_option *as, *increment, *start, *restart, *minimum, *maximum, *cache, *cycle, *owned_by;
} written_options;

static bool sort_options(rdb_command_context *context, const rdb_list *options, written_options *written, rdb_error *err)
{
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        const rdb_ast_option **place = strcmp(option->name, "as") == 0          ? &written->as
                                       : strcmp(option->name, "increment") == 0 ? &written->increment
                                       : strcmp(option->name, "start") == 0     ? &written->start
                                       : strcmp(option->name, "restart") == 0   ? &written->restart
                                       : strcmp(option->name, "minvalue") == 0  ? &written->minimum
                                       : strcmp(option->name, "maxvalue") == 0  ? &written->maximum
                                       : strcmp(option->name, "cache") == 0     ? &written->cache
                                       : strcmp(option->name, "cycle") == 0     ? &written->cycle
                                       : strcmp(option->name, "owned_by") == 0  ? &written->owned_by
                                                                                : NULL;
        if (place == NULL)
            continue; /* sequence_name, of identity columns: pg_dump's own */
        if (*place != NULL) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting or redundant options");
            return command_at(context, option->node.location, err);
        }
        *place = option;
    }
    return true;
}

static bool read_type(rdb_command_context *context, const rdb_ast_option *as, bool is_identity, uint32_t *type_oid, rdb_error *err)
{
    rdb_analysis analysis;
    const rdb_type *type = NULL;
    int32_t typmod;
    uint32_t collation;
    command_analysis(context, &analysis);
    if (!rdb_type_resolve(&analysis, as->arg, &type, &typmod, &collation, err))
        return false;
    if (type->oid != RDB_INT2OID && type->oid != RDB_INT4OID && type->oid != RDB_INT8OID)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE,
                             is_identity ? "identity column type must be smallint, integer, or bigint" : "sequence type must be smallint, integer, or bigint");
    *type_oid = type->oid;
    return true;
}

static const char *type_word(uint32_t type_oid)
{
    return type_oid == RDB_INT2OID ? "smallint" : type_oid == RDB_INT4OID ? "integer" : "bigint";
}

static bool check_value(const char *what, int64_t value, const rdb_sequence_definition *definition, rdb_error *err)
{
    if (value < definition->minimum)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%s value (%" PRId64 ") cannot be less than MINVALUE (%" PRId64 ")", what, value, definition->minimum);
    if (value > definition->maximum)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%s value (%" PRId64 ") cannot be greater than MAXVALUE (%" PRId64 ")", what, value, definition->maximum);
    return true;
}

/* is_new false: what is not written stays, but for bounds that were those of a type that changes. */
static bool apply_options(rdb_command_context *context, const written_options *written, bool is_new, rdb_sequence_definition *definition, rdb_error *err)
{
    int64_t lowest, highest;
    bool sets_maximum = is_new || written->maximum != NULL, sets_minimum = is_new || written->minimum != NULL;
    if (definition->type_oid == 0)
        definition->type_oid = RDB_INT8OID;
    if (written->as != NULL) {
        bounds_of(definition->type_oid, &lowest, &highest);
        sets_maximum = sets_maximum || (definition->increment > 0 && definition->maximum == highest);
        sets_minimum = sets_minimum || (definition->increment < 0 && definition->minimum == lowest);
        if (!read_type(context, written->as, definition->is_identity, &definition->type_oid, err))
            return false;
    }
    bounds_of(definition->type_oid, &lowest, &highest);
    if (written->increment != NULL) {
        if (!command_option_int64(written->increment, &definition->increment, err))
            return false;
        if (definition->increment == 0)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "INCREMENT must not be zero");
    }
    if (written->cycle != NULL && !command_option_bool(written->cycle, &definition->cycles, err))
        return false;
    if (sets_maximum)
        definition->maximum = definition->increment > 0 ? highest : -1;
    if (written->maximum != NULL && written->maximum->arg != NULL && !command_option_int64(written->maximum, &definition->maximum, err))
        return false;
    if (definition->maximum > highest || definition->maximum < lowest)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "MAXVALUE (%" PRId64 ") is out of range for sequence data type %s", definition->maximum, type_word(definition->type_oid));
    if (sets_minimum)
        definition->minimum = definition->increment > 0 ? 1 : lowest;
    if (written->minimum != NULL && written->minimum->arg != NULL && !command_option_int64(written->minimum, &definition->minimum, err))
        return false;
    if (definition->minimum > highest || definition->minimum < lowest)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "MINVALUE (%" PRId64 ") is out of range for sequence data type %s", definition->minimum, type_word(definition->type_oid));
    if (definition->minimum >= definition->maximum)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "MINVALUE (%" PRId64 ") must be less than MAXVALUE (%" PRId64 ")", definition->minimum, definition->maximum);
    if (is_new)
        definition->start = definition->increment > 0 ? definition->minimum : definition->maximum;
    if (written->start != NULL && !command_option_int64(written->start, &definition->start, err))
        return false;
    if (!check_value("START", definition->start, definition, err))
        return false;
    if (written->cache != NULL) {
        if (!command_option_int64(written->cache, &definition->cache, err))
            return false;
        if (definition->cache <= 0)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "CACHE (%" PRId64 ") must be greater than zero", definition->cache);
    }
    return true;
}

bool command_sequence_options(rdb_command_context *context, const rdb_list *options, rdb_sequence_definition *definition, rdb_error *err)
{
    written_options written = {0};
    return sort_options(context, options, &written, err) && apply_options(context, &written, true, definition, err);
}

/* OWNED BY table.column, or NONE. */
static bool own_sequence(rdb_command_context *context, const rdb_relation *sequence, const rdb_ast_option *option, rdb_error *err)
{
    const rdb_list *names = &((const rdb_ast_items *)option->arg)->items;
    const rdb_relation *table = NULL;
    int16_t number;
    if (names->count < 2 && strcmp(((const rdb_ast_value *)names->items[0])->text, "none") != 0) {
        rdb_error_set(err, RDB_SYNTAX_ERROR, "invalid OWNED BY option");
        return rdb_error_hint(err, "Specify OWNED BY table.column or OWNED BY NONE.");
    }
    if (names->count < 2)
        return rdb_ddl_own_sequence(context->access, sequence->oid, 0, 0, err);
    const rdb_ast_table named = {.node = {RDB_AST_TABLE, -1}, .name = ((const rdb_ast_value *)names->items[names->count - 2])->text,
                                 .schema = names->count > 2 ? ((const rdb_ast_value *)names->items[names->count - 3])->text : NULL};
    if (!command_open_table(context, &named, RDB_LOCK_ACCESS_SHARE, false, &table, err))
        return false;
    if (table->kind != 'r' && table->kind != 'v' && table->kind != 'p' && table->kind != 'f') {
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "sequence cannot be owned by relation \"%s\"", table->name);
        return rdb_error_detail(err, "This operation is not supported for %s.",
                                table->kind == 'i' ? "indexes" : table->kind == 'S' ? "sequences" : table->kind == 'm' ? "materialized views" : "composite types");
    }
    if (table->owner_oid != sequence->owner_oid)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "sequence must have same owner as table it is linked to");
    if (table->namespace_oid != sequence->namespace_oid)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "sequence must be in same schema as table it is linked to");
    return command_column_number(table, ((const rdb_ast_value *)names->items[names->count - 1])->text, &number, err) &&
           rdb_ddl_own_sequence(context->access, sequence->oid, table->oid, number, err);
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
    written_options written = {0};
    const rdb_relation *sequence = NULL;
    if (!sort_options(context, &statement->options, &written, err) || !apply_options(context, &written, true, &definition, err) ||
        !rdb_ddl_create_sequence(context->access, &definition, &oid, err))
        return false;
    return written.owned_by == NULL || (rdb_relation_get(context->access, oid, &sequence, err) && own_sequence(context, sequence, written.owned_by, err));
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
    return command_change_sequence(context, sequence, &statement->options, false, err);
}

bool command_change_sequence(rdb_command_context *context, const rdb_relation *sequence, const rdb_list *options, bool for_identity, rdb_error *err)
{
    written_options written = {0};
    rdb_sequence_definition definition = {.is_identity = for_identity};
    int64_t value = 0;
    bool is_called = false;
    if (!sort_options(context, options, &written, err) || !rdb_ddl_get_sequence(context->access, sequence->oid, &definition, err) ||
        !apply_options(context, &written, false, &definition, err))
        return false;
    if (written.restart != NULL) {
        value = definition.start;
        if (written.restart->arg != NULL && !command_option_int64(written.restart, &value, err))
            return false;
    } else if (!rdb_sequence_get(context->access, sequence->oid, &value, &is_called, err)) {
        return false;
    }
    if (!check_value("RESTART", value, &definition, err))
        return false;
    const bool defines = written.as != NULL || written.increment != NULL || written.start != NULL || written.minimum != NULL || written.maximum != NULL ||
                         written.cache != NULL || written.cycle != NULL;
    return (!defines || rdb_ddl_set_sequence(context->access, sequence->oid, &definition, err)) &&
           (written.restart == NULL || rdb_ddl_restart_sequence(context->access, sequence->oid, &value, err)) &&
           (written.owned_by == NULL || own_sequence(context, sequence, written.owned_by, err));
}
