/* SPDX-License-Identifier: Apache-2.0
 * ALTER TABLE's actions that change what is kept beside columns and rows: storage parameters, statistics targets, identity,
 * deferrability, replica identity, CLUSTER ON, persistence. */
#include "command/command_int.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

/* ---- columns ----------------------------------------------------------------------------------------------------------------- */
static bool drop_expression(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    int16_t number;
    if (!command_column_number(relation, command->name, &number, err))
        return false;
    if (relation->columns[number - 1].generated == 0) {
        if (!command->missing_ok)
            return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" is not a stored generated column", command->name, relation->name);
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "column \"%s\" of relation \"%s\" is not a stored generated column, skipping", command->name, relation->name);
        return true;
    }
    return rdb_ddl_set_default(context->access, relation->oid, number, NULL, err) &&
           rdb_ddl_set_attribute_field(context->access, relation->oid, number, RDB_pg_attribute_attgenerated, (rdb_datum){.i8 = 0}, false, err);
}

static bool set_statistics(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    const rdb_ast_value *value = (const rdb_ast_value *)command->def;
    int32_t target;
    int16_t number = command->number;
    if (command->name != NULL ? !command_column_number(relation, command->name, &number, err) : relation->kind != 'i')
        return rdb_error_is_set(err) ? false : rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot refer to non-index column by number");
    if (command->name == NULL && (number <= 0 || number > relation->column_count))
        return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column number %d of relation \"%s\" does not exist", number, relation->name);
    if (!command_statistics_target(context, value != NULL ? (int32_t)value->integer : -1, &target, err))
        return false;
    if (relation->kind == 'i' || relation->kind == 'I') {
        const rdb_relation *table = NULL;
        if (!rdb_relation_get(context->access, relation->index_of, &table, err))
            return false;
        for (uint16_t i = 0; table != NULL && i < table->index_count; i++) {
            const rdb_relation_index *index = &table->indexes[i];
            if (index->oid != relation->oid || (number <= index->key_count && index->columns[number - 1].column_number == 0))
                continue;
            rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, number > index->key_count ? "cannot alter statistics on included column \"%s\" of index \"%s\""
                                                                                    : "cannot alter statistics on non-expression column \"%s\" of index \"%s\"",
                          relation->columns[number - 1].name, relation->name);
            return number > index->key_count ? false : rdb_error_hint(err, "Alter statistics on table column instead.");
        }
    }
    return rdb_ddl_set_attribute_field(context->access, relation->oid, number, RDB_pg_attribute_attstattarget, (rdb_datum){.i32 = target}, false, err);
}

static bool set_storage(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    static const struct { const char *name; char letter; } KINDS[] = {{"plain", 'p'}, {"external", 'e'}, {"extended", 'x'}, {"main", 'm'}};
    const char *word = ((const rdb_ast_value *)command->def)->text;
    int16_t number;
    char letter = 0;
    for (size_t i = 0; i < RDB_COUNT_OF(KINDS); i++)
        if (strcasecmp(word, KINDS[i].name) == 0)
            letter = KINDS[i].letter;
    if (letter == 0)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid storage type \"%s\"", word);
    if (!command_column_number(relation, command->name, &number, err))
        return false;
    const rdb_type *type = relation->columns[number - 1].type;
    if (letter != 'p' && type->typlen != -1) {
        rdb_strbuf name;
        rdb_strbuf_init(&name, context->arena);
        rdb_type_format_name(type, -1, false, &name);
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "column data type %s can only have storage PLAIN", name.data);
    }
    return rdb_ddl_set_attribute_field(context->access, relation->oid, number, RDB_pg_attribute_attstorage, (rdb_datum){.i8 = (int8_t)letter}, false, err);
}

static bool compress(rdb_command_context *context, const rdb_relation *relation, int16_t number, const char *word, rdb_error *err)
{
    char letter = strcasecmp(word, "pglz") == 0 ? 'p' : strcasecmp(word, "lz4") == 0 ? 'l' : 0;
    if (letter == 0 && strcasecmp(word, "default") != 0)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid compression method \"%s\"", word);
    if (relation->columns[number - 1].type->typlen != -1 && letter != 0) {
        rdb_strbuf name;
        rdb_strbuf_init(&name, context->arena);
        rdb_type_format_name(relation->columns[number - 1].type, -1, false, &name);
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "column data type %s does not support compression", name.data);
    }
    return rdb_ddl_set_attribute_field(context->access, relation->oid, number, RDB_pg_attribute_attcompression, (rdb_datum){.i8 = (int8_t)letter}, false, err);
}

static bool set_compression(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    int16_t number;
    return command_column_number(relation, command->name, &number, err) &&
           compress(context, relation, number, ((const rdb_ast_value *)command->def)->text, err);
}

bool command_column_storage(rdb_command_context *context, const rdb_relation *relation, int16_t number, const rdb_ast_column_def *raw, rdb_error *err)
{
    if (raw->storage != 0 &&
        !rdb_ddl_set_attribute_field(context->access, relation->oid, number, RDB_pg_attribute_attstorage, (rdb_datum){.i8 = (int8_t)raw->storage}, false, err))
        return false;
    return raw->compression == NULL || compress(context, relation, number, raw->compression, err);
}

/* n_distinct and n_distinct_inherited: texts "name=value" in pg_attribute.attoptions; those that are not named stay. */
static bool check_distinct(const char *name, const char *text, rdb_error *err)
{
    char *end = NULL;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || isnan(value))
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid value for floating point option \"%s\": %s", name, text);
    if (value >= -1 && value <= DBL_MAX)
        return true;
    rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "value %s out of bounds for option \"%s\"", text, name);
    return rdb_error_detail(err, "Valid values are between \"%f\" and \"%f\".", -1.0, DBL_MAX);
}

static bool set_column_options(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool reset, rdb_error *err)
{
    const rdb_list *options = &((const rdb_ast_items *)command->def)->items;
    const char *const *old = NULL;
    const char **texts;
    uint32_t old_count = 0, count = 0;
    int16_t number;
    if (!command_column_number(relation, command->name, &number, err) ||
        !rdb_ddl_get_column_options(context->access, relation->oid, number, context->arena, &old, &old_count, err))
        return false;
    texts = RDB_NEW_ARRAY(context->arena, const char *, old_count + options->count + 1u);
    for (uint32_t i = 0; i < old_count; i++) {
        bool is_named = false;
        for (uint32_t k = 0; k < options->count; k++) {
            const char *name = ((const rdb_ast_option *)options->items[k])->name;
            is_named = is_named || (strncmp(old[i], name, strlen(name)) == 0 && old[i][strlen(name)] == '=');
        }
        if (!is_named)
            texts[count++] = old[i];
    }
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        const rdb_ast_value *value = (const rdb_ast_value *)option->arg;
        if (strcmp(option->name, "n_distinct") != 0 && strcmp(option->name, "n_distinct_inherited") != 0) {
            if (reset)
                continue;
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unrecognized parameter \"%s\"", option->name);
        }
        if (reset)
            continue;
        const char *text = value == NULL ? "true" : value->kind == RDB_SQL_VALUE_INTEGER ? rdb_arena_printf(context->arena, "%lld", (long long)value->integer) : command_option_text(option);
        if (!check_distinct(option->name, text != NULL ? text : "", err))
            return false;
        texts[count++] = rdb_arena_printf(context->arena, "%s=%s", option->name, text);
    }
    return rdb_ddl_set_column_options(context->access, relation->oid, number, texts, count, err);
}

/* ---- identity ------------------------------------------------------------------------------------------------------------------ */
static bool add_identity(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    const rdb_ast_constraint *raw = (const rdb_ast_constraint *)command->def;
    int16_t number;
    if (!command_column_number(relation, command->name, &number, err))
        return false;
    const rdb_column *column = &relation->columns[number - 1];
    if (column->type->oid != RDB_INT2OID && column->type->oid != RDB_INT4OID && column->type->oid != RDB_INT8OID)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "identity column type must be smallint, integer, or bigint");
    if (!column->not_null)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" must be declared NOT NULL before identity can be added", column->name, relation->name);
    if (column->identity != 0)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" is already an identity column", column->name, relation->name);
    if (column->has_default)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" already has a default value", column->name, relation->name);
    return command_add_serial(context, relation, number, column->type->oid, raw->generated_when, &raw->options, err) &&
           rdb_ddl_set_attribute_field(context->access, relation->oid, number, RDB_pg_attribute_attidentity, (rdb_datum){.i8 = (int8_t)raw->generated_when}, false, err);
}

static bool set_identity(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    const rdb_list *options = &((const rdb_ast_items *)command->def)->items;
    rdb_list of_sequence = {0};
    int16_t number;
    uint32_t sequence_oid = 0;
    const rdb_relation *sequence = NULL;
    if (!command_column_number(relation, command->name, &number, err))
        return false;
    const rdb_column *column = &relation->columns[number - 1];
    if (column->identity == 0)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" is not an identity column", column->name, relation->name);
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        if (strcmp(option->name, "generated") != 0) {
            rdb_list_push(context->arena, &of_sequence, (void *)(uintptr_t)option);
            continue;
        }
        const char when = (char)((const rdb_ast_value *)option->arg)->integer;
        if (!rdb_ddl_set_attribute_field(context->access, relation->oid, number, RDB_pg_attribute_attidentity, (rdb_datum){.i8 = (int8_t)when}, false, err))
            return false;
    }
    if (of_sequence.count == 0)
        return true;
    if (!rdb_sequence_of_column(context->access, relation->oid, number, &sequence_oid, err) || !command_lock(context, sequence_oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) ||
        !rdb_relation_get(context->access, sequence_oid, &sequence, err))
        return false;
    return sequence == NULL || command_change_sequence(context, sequence, &of_sequence, true, err);
}

static bool drop_identity(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    int16_t number;
    uint32_t sequence_oid = 0;
    if (!command_column_number(relation, command->name, &number, err))
        return false;
    if (relation->columns[number - 1].identity == 0) {
        if (!command->missing_ok)
            return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" is not an identity column", command->name, relation->name);
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "column \"%s\" of relation \"%s\" is not an identity column, skipping", command->name, relation->name);
        return true;
    }
    if (!rdb_sequence_of_column(context->access, relation->oid, number, &sequence_oid, err) ||
        !rdb_ddl_set_attribute_field(context->access, relation->oid, number, RDB_pg_attribute_attidentity, (rdb_datum){.i8 = 0}, false, err))
        return false;
    const rdb_object_address sequence = {RDB_PG_CLASS, sequence_oid, 0};
    /* It is a part of the column no more, and so can go alone. */
    return sequence_oid == 0 || (rdb_ddl_release_identity(context->access, sequence_oid, err) && rdb_ddl_drop(context->access, &sequence, 1, true, NULL, NULL, err));
}

/* ---- constraints ----------------------------------------------------------------------------------------------------------------- */
static const rdb_constraint *find_constraint(const rdb_relation *relation, const char *name, rdb_error *err)
{
    for (uint16_t i = 0; i < relation->constraint_count; i++)
        if (strcmp(relation->constraints[i].name, name) == 0)
            return &relation->constraints[i];
    rdb_error_set(err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" of relation \"%s\" does not exist", name, relation->name);
    return NULL;
}

static bool validate_constraint(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    const rdb_constraint *constraint = find_constraint(relation, command->name, err);
    if (constraint == NULL)
        return false;
    if (constraint->kind != 'f' && constraint->kind != 'c')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "constraint \"%s\" of relation \"%s\" is not a foreign key or check constraint", command->name, relation->name);
    if (constraint->is_validated)
        return true;
    if (constraint->kind == 'c' ? !command_validate_check(context, relation, constraint, err) : !command_validate_foreign_key(context, relation->oid, constraint->oid, err))
        return false;
    return rdb_ddl_set_validated(context->access, constraint->oid, err);
}

static bool alter_constraint(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    const rdb_ast_constraint *raw = (const rdb_ast_constraint *)command->def;
    const rdb_constraint *constraint = find_constraint(relation, raw->name, err);
    if (constraint == NULL)
        return false;
    if (constraint->kind != 'f')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "constraint \"%s\" of relation \"%s\" is not a foreign key constraint", raw->name, relation->name);
    return rdb_ddl_set_constraint_fields(context->access, constraint->oid, raw->is_deferrable, raw->is_deferred, err);
}

/* ---- the table -------------------------------------------------------------------------------------------------------------------- */
static const rdb_relation_index *find_index(const rdb_relation *relation, const char *name)
{
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (strcmp(relation->indexes[i].name, name) == 0)
            return &relation->indexes[i];
    return NULL;
}

static bool missing_index(rdb_command_context *context, const rdb_relation *relation, const char *name, rdb_error *err)
{
    const rdb_relation *other = NULL;
    if (!rdb_relation_find(context->access, relation->namespace_name, name, &other, err))
        return false;
    if (other == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "index \"%s\" for table \"%s\" does not exist", name, relation->name);
    return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not an index for table \"%s\"", name, relation->name);
}

bool command_mark_clustered(rdb_command_context *context, const rdb_relation *relation, const char *name, rdb_error *err)
{
    const rdb_relation_index *index = name != NULL ? find_index(relation, name) : NULL;
    if (name != NULL && index == NULL)
        return missing_index(context, relation, name, err);
    if (index != NULL && index->predicate_tree != NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot cluster on partial index \"%s\"", name);
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (!rdb_ddl_set_index_field(context->access, relation->indexes[i].oid, RDB_pg_index_indisclustered, (rdb_datum){.b = &relation->indexes[i] == index}, err))
            return false;
    return true;
}

static bool replica_identity(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    const rdb_ast_replica_identity *raw = (const rdb_ast_replica_identity *)command->def;
    const rdb_relation_index *index = NULL;
    if (raw->identity_type == 'i') {
        index = find_index(relation, raw->name);
        if (index == NULL) {
            const rdb_relation *other = NULL;
            if (!rdb_relation_find(context->access, relation->namespace_name, raw->name, &other, err))
                return false;
            return other == NULL ? rdb_error_set(err, RDB_UNDEFINED_OBJECT, "index \"%s\" for table \"%s\" does not exist", raw->name, relation->name)
                                 : rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not an index for table \"%s\"", raw->name, relation->name);
        }
        if (!index->is_unique)
            return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot use non-unique index \"%s\" as replica identity", index->name);
        if (!index->is_immediate)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot use non-immediate index \"%s\" as replica identity", index->name);
        if (index->expression_tree != NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot use expression index \"%s\" as replica identity", index->name);
        if (index->predicate_tree != NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot use partial index \"%s\" as replica identity", index->name);
        for (uint16_t k = 0; k < index->key_count; k++) {
            const rdb_column *column = &relation->columns[index->columns[k].column_number - 1];
            if (!column->not_null)
                return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "index \"%s\" cannot be used as replica identity because column \"%s\" is nullable", index->name, column->name);
        }
    }
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (!rdb_ddl_set_index_field(context->access, relation->indexes[i].oid, RDB_pg_index_indisreplident, (rdb_datum){.b = &relation->indexes[i] == index}, err))
            return false;
    return rdb_ddl_set_class_field(context->access, relation->oid, RDB_pg_class_relreplident, (rdb_datum){.i8 = (int8_t)raw->identity_type}, false, err);
}

/* Its indexes and sequences of its own go along. */
static bool set_persistence(rdb_command_context *context, const rdb_relation *relation, char persistence, rdb_error *err)
{
    const rdb_datum value = {.i8 = (int8_t)persistence};
    if (relation->persistence == 't')
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot change logged status of table \"%s\" because it is temporary", relation->name);
    if (relation->persistence == persistence)
        return true;
    for (uint16_t i = 0; i < relation->constraint_count; i++) {
        const rdb_relation *other = NULL;
        const rdb_constraint *constraint = &relation->constraints[i];
        if (persistence != 'p' || constraint->kind != 'f' || constraint->foreign_relation_oid == relation->oid)
            continue;
        if (!rdb_relation_get(context->access, constraint->foreign_relation_oid, &other, err))
            return false;
        if (other != NULL && other->persistence == 'u')
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "could not change table \"%s\" to logged because it references unlogged table \"%s\"", relation->name, other->name);
    }
    for (uint16_t i = 0; i < relation->referrer_count; i++) {
        const rdb_relation *other = NULL;
        if (persistence != 'u' || relation->referrers[i].relation_oid == relation->oid)
            continue;
        if (!rdb_relation_get(context->access, relation->referrers[i].relation_oid, &other, err))
            return false;
        if (other != NULL && other->persistence == 'p')
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "could not change table \"%s\" to unlogged because it references logged table \"%s\"", relation->name, other->name);
    }
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (!rdb_ddl_set_class_field(context->access, relation->indexes[i].oid, RDB_pg_class_relpersistence, value, false, err))
            return false;
    return rdb_ddl_set_class_field(context->access, relation->oid, RDB_pg_class_relpersistence, value, false, err);
}

static bool set_table_options(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool reset, rdb_error *err)
{
    const rdb_list *changes = &((const rdb_ast_items *)command->def)->items;
    const char *const *options = NULL;
    const rdb_relation *table = NULL;
    uint32_t count = 0;
    char kind = relation->kind;
    if (relation->index_of != 0 && !rdb_relation_get(context->access, relation->index_of, &table, err))
        return false;
    for (uint16_t i = 0; table != NULL && i < table->index_count; i++)
        if (table->indexes[i].oid == relation->oid)
            kind = command_index_options_kind(table->indexes[i].method_oid);
    return rdb_ddl_get_options(context->access, relation->oid, context->arena, &options, &count, err) &&
           command_merge_options(context, kind, changes, reset, &options, &count, err) &&
           rdb_ddl_set_options(context->access, relation->oid, options, count, err);
}

bool command_alter_property(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool *handled, rdb_error *err)
{
    *handled = true;
    switch (command->kind) {
    case RDB_SQL_ALTER_DROP_EXPRESSION:
        return drop_expression(context, relation, command, err);
    case RDB_SQL_ALTER_ENABLE_ROW_SECURITY:
    case RDB_SQL_ALTER_DISABLE_ROW_SECURITY:
    case RDB_SQL_ALTER_FORCE_ROW_SECURITY:
    case RDB_SQL_ALTER_NO_FORCE_ROW_SECURITY:
        return command_alter_row_security(context, relation, command->kind, err);
    case RDB_SQL_ALTER_ENABLE_RULE:
    case RDB_SQL_ALTER_ENABLE_ALWAYS_RULE:
    case RDB_SQL_ALTER_ENABLE_REPLICA_RULE:
    case RDB_SQL_ALTER_DISABLE_RULE:
        return command_alter_rule(context, relation, command->kind, command->name, err);
    case RDB_SQL_ALTER_SET_STATISTICS:
        return set_statistics(context, relation, command, err);
    case RDB_SQL_ALTER_SET_STORAGE:
        return set_storage(context, relation, command, err);
    case RDB_SQL_ALTER_SET_COMPRESSION:
        return set_compression(context, relation, command, err);
    case RDB_SQL_ALTER_SET_OPTIONS:
    case RDB_SQL_ALTER_RESET_OPTIONS:
        return set_column_options(context, relation, command, command->kind == RDB_SQL_ALTER_RESET_OPTIONS, err);
    case RDB_SQL_ALTER_ADD_IDENTITY:
        return add_identity(context, relation, command, err);
    case RDB_SQL_ALTER_SET_IDENTITY:
        return set_identity(context, relation, command, err);
    case RDB_SQL_ALTER_DROP_IDENTITY:
        return drop_identity(context, relation, command, err);
    case RDB_SQL_ALTER_ALTER_CONSTRAINT:
        return alter_constraint(context, relation, command, err);
    case RDB_SQL_ALTER_VALIDATE_CONSTRAINT:
        return validate_constraint(context, relation, command, err);
    case RDB_SQL_ALTER_CLUSTER_ON:
        return command_mark_clustered(context, relation, command->name, err);
    case RDB_SQL_ALTER_DROP_CLUSTER:
        return command_mark_clustered(context, relation, NULL, err);
    case RDB_SQL_ALTER_REPLICA_IDENTITY:
        return replica_identity(context, relation, command, err);
    case RDB_SQL_ALTER_SET_LOGGED:
        return set_persistence(context, relation, 'p', err);
    case RDB_SQL_ALTER_SET_UNLOGGED:
        return set_persistence(context, relation, 'u', err);
    case RDB_SQL_ALTER_SET_REL_OPTIONS:
    case RDB_SQL_ALTER_RESET_REL_OPTIONS:
        return set_table_options(context, relation, command, command->kind == RDB_SQL_ALTER_RESET_REL_OPTIONS, err);
    case RDB_SQL_ALTER_DROP_OIDS:
        return true; /* there are none to drop, as in PostgreSQL */
    case RDB_SQL_ALTER_SET_ACCESS_METHOD:
        return strcmp(command->name, "heap") == 0 || rdb_error_set(err, RDB_UNDEFINED_OBJECT, "access method \"%s\" does not exist", command->name);
    case RDB_SQL_ALTER_SET_TABLE_SPACE:
        return strcmp(command->name, "pg_default") == 0 || rdb_error_set(err, RDB_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist", command->name);
    default:
        *handled = false;
        return true;
    }
}
