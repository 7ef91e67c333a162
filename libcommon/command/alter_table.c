/* SPDX-License-Identifier: Apache-2.0
 * ALTER TABLE. Its parts run in passes, as PostgreSQL has them: what is removed goes first, then types, then new columns and
 * their properties, then keys, then foreign keys; each part sees the descriptor with what those before it made. */
#include "command/inherit.h"

enum { PASS_DROP, PASS_TYPE, PASS_ADD, PASS_COLUMN, PASS_KEY, PASS_FOREIGN, PASS_OTHER, PASS_COUNT };

static int pass_of(const rdb_ast_alter_command *command)
{
    switch (command->kind) {
    case RDB_SQL_ALTER_DROP_COLUMN:
    case RDB_SQL_ALTER_DROP_CONSTRAINT:
    case RDB_SQL_ALTER_DROP_NOT_NULL:
        return PASS_DROP;
    case RDB_SQL_ALTER_COLUMN_TYPE:
        return PASS_TYPE;
    case RDB_SQL_ALTER_ADD_COLUMN:
        return PASS_ADD;
    case RDB_SQL_ALTER_COLUMN_DEFAULT:
    case RDB_SQL_ALTER_SET_NOT_NULL:
        return PASS_COLUMN;
    case RDB_SQL_ALTER_ADD_CONSTRAINT:
        return ((const rdb_ast_constraint *)command->def)->kind == RDB_SQL_CONSTRAINT_FOREIGN ? PASS_FOREIGN : PASS_KEY;
    default:
        return PASS_OTHER;
    }
}

/* "ALTER TABLE ... <words>" in the message of what is refused. */
static bool not_yet(rdb_command_context *context, const rdb_ast_alter_command *command, const char *words, rdb_error *err)
{
    rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "ALTER TABLE ... %s is not supported yet", words);
    return command_at(context, command->node.location, err);
}

/* ---- one column ------------------------------------------------------------------------------------------------------------- */
static bool drop_column(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    const int16_t number = command_find_column(relation, command->name);
    if (!command_refuse_typed(relation, "drop column from", err))
        return false;
    if (number == 0 && command->missing_ok) {
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "column \"%s\" of relation \"%s\" does not exist, skipping", command->name, relation->name);
        return true;
    }
    if (number == 0)
        return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", command->name, relation->name);
    const rdb_object_address column = {RDB_PG_CLASS, relation->oid, number};
    return rdb_ddl_drop(context->access, &column, 1, command->behavior == RDB_SQL_DROP_CASCADE, command_drop_notice, context, err);
}

static bool set_default(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    int16_t number;
    const char *tree = NULL;
    command_uses uses = {0};
    if (!command_column_number(relation, command->name, &number, err))
        return false;
    const rdb_column *column = &relation->columns[number - 1];
    if (column->identity != 0 || column->generated != 0) {
        rdb_error_set(err, RDB_SYNTAX_ERROR, "column \"%s\" of relation \"%s\" is %s column", column->name, relation->name, column->identity != 0 ? "an identity" : "a generated");
        return command->def == NULL && rdb_error_hint(err, "Use ALTER TABLE ... ALTER COLUMN ... DROP %s instead.", column->identity != 0 ? "IDENTITY" : "EXPRESSION");
    }
    if (command->def != NULL && !command_default_tree(context, NULL, command->def, column->type, column->typmod, column->name, &tree, &uses, err))
        return false;
    return rdb_ddl_set_default_using(context->access, relation->oid, number, tree, uses.items, uses.count, err);
}

static bool drop_not_null(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    int16_t number;
    if (!command_column_number(relation, command->name, &number, err))
        return false;
    if (relation->columns[number - 1].identity != 0)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "column \"%s\" of relation \"%s\" is an identity column", command->name, relation->name);
    for (uint16_t i = 0; i < relation->index_count; i++)
        for (uint16_t k = 0; relation->indexes[i].is_primary && k < relation->indexes[i].key_count; k++)
            if (relation->indexes[i].columns[k].column_number == number)
                return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "column \"%s\" is in a primary key", command->name);
    return rdb_ddl_set_not_null(context->access, relation->oid, number, false, err);
}

static bool set_not_null(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    int16_t number;
    return command_column_number(relation, command->name, &number, err) &&
           (relation->columns[number - 1].not_null || command_set_not_null(context, relation, number, err));
}

/* ---- constraints and owner ----------------------------------------------------------------------------------------------------- */
static bool drop_constraint(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    for (uint16_t i = 0; i < relation->constraint_count; i++) {
        const rdb_object_address constraint = {RDB_PG_CONSTRAINT, relation->constraints[i].oid, 0};
        if (strcmp(relation->constraints[i].name, command->name) == 0)
            return rdb_ddl_drop(context->access, &constraint, 1, command->behavior == RDB_SQL_DROP_CASCADE, command_drop_notice, context, err);
    }
    if (!command->missing_ok)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" of relation \"%s\" does not exist", command->name, relation->name);
    command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "constraint \"%s\" of relation \"%s\" does not exist, skipping", command->name, relation->name);
    return true;
}

static bool change_owner(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    uint32_t owner_oid = 0;
    return command_role_oid(context, command->new_owner, &owner_oid, err) &&
           rdb_ddl_set_owner(context->access, RDB_PG_CLASS, relation->oid, owner_oid, err);
}

static bool run_part(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err)
{
    switch (command->kind) {
    case RDB_SQL_ALTER_ADD_COLUMN:
        return command_add_column(context, relation, command, err);
    case RDB_SQL_ALTER_DROP_COLUMN:
        return drop_column(context, relation, command, err);
    case RDB_SQL_ALTER_COLUMN_DEFAULT:
        return set_default(context, relation, command, err);
    case RDB_SQL_ALTER_DROP_NOT_NULL:
        return drop_not_null(context, relation, command, err);
    case RDB_SQL_ALTER_SET_NOT_NULL:
        return set_not_null(context, relation, command, err);
    case RDB_SQL_ALTER_COLUMN_TYPE:
        return command_alter_column_type(context, relation, command, err);
    case RDB_SQL_ALTER_ADD_CONSTRAINT:
        return command_add_constraint(context, relation, (const rdb_ast_constraint *)command->def, NULL, false, err);
    case RDB_SQL_ALTER_DROP_CONSTRAINT:
        return drop_constraint(context, relation, command, err);
    case RDB_SQL_ALTER_CHANGE_OWNER:
        return change_owner(context, relation, command, err);
    case RDB_SQL_ALTER_ADD_OF:
        return command_alter_of_type(context, relation, (const rdb_ast_type *)command->def, err);
    case RDB_SQL_ALTER_DROP_OF:
        return command_alter_of_type(context, relation, NULL, err);
    case RDB_SQL_ALTER_ADD_INHERIT:
    case RDB_SQL_ALTER_DROP_INHERIT:
        return command_alter_inherit(context, relation, (const rdb_ast_table *)command->def, command->kind == RDB_SQL_ALTER_ADD_INHERIT, err);
    case RDB_SQL_ALTER_ATTACH_PARTITION:
    case RDB_SQL_ALTER_DETACH_PARTITION:
    case RDB_SQL_ALTER_DETACH_PARTITION_FINALIZE:
        return command_alter_partition(context, relation, command, err);
    default: {
        bool handled = false;
        if (!command_alter_property(context, relation, command, &handled, err))
            return false;
        return handled || not_yet(context, command, "with this action", err);
    }
    }
}

static const char *action_words(rdb_sql_alter_kind kind)
{
    switch (kind) {
    case RDB_SQL_ALTER_ADD_COLUMN: return "ADD COLUMN";
    case RDB_SQL_ALTER_COLUMN_DEFAULT: return "ALTER COLUMN ... SET DEFAULT";
    case RDB_SQL_ALTER_DROP_NOT_NULL: return "ALTER COLUMN ... DROP NOT NULL";
    case RDB_SQL_ALTER_SET_NOT_NULL: return "ALTER COLUMN ... SET NOT NULL";
    case RDB_SQL_ALTER_DROP_EXPRESSION: return "ALTER COLUMN ... DROP EXPRESSION";
    case RDB_SQL_ALTER_SET_STATISTICS: return "ALTER COLUMN ... SET STATISTICS";
    case RDB_SQL_ALTER_SET_OPTIONS: return "ALTER COLUMN ... SET";
    case RDB_SQL_ALTER_RESET_OPTIONS: return "ALTER COLUMN ... RESET";
    case RDB_SQL_ALTER_SET_STORAGE: return "ALTER COLUMN ... SET STORAGE";
    case RDB_SQL_ALTER_SET_COMPRESSION: return "ALTER COLUMN ... SET COMPRESSION";
    case RDB_SQL_ALTER_DROP_COLUMN: return "DROP COLUMN";
    case RDB_SQL_ALTER_ADD_CONSTRAINT: return "ADD CONSTRAINT";
    case RDB_SQL_ALTER_ALTER_CONSTRAINT: return "ALTER CONSTRAINT";
    case RDB_SQL_ALTER_VALIDATE_CONSTRAINT: return "VALIDATE CONSTRAINT";
    case RDB_SQL_ALTER_DROP_CONSTRAINT: return "DROP CONSTRAINT";
    case RDB_SQL_ALTER_COLUMN_TYPE: return "ALTER COLUMN ... SET DATA TYPE";
    case RDB_SQL_ALTER_CLUSTER_ON: return "CLUSTER ON";
    case RDB_SQL_ALTER_DROP_CLUSTER: return "SET WITHOUT CLUSTER";
    case RDB_SQL_ALTER_SET_LOGGED: return "SET LOGGED";
    case RDB_SQL_ALTER_SET_UNLOGGED: return "SET UNLOGGED";
    case RDB_SQL_ALTER_REPLICA_IDENTITY: return "REPLICA IDENTITY";
    case RDB_SQL_ALTER_SET_REL_OPTIONS: return "SET";
    case RDB_SQL_ALTER_RESET_REL_OPTIONS: return "RESET";
    case RDB_SQL_ALTER_ADD_IDENTITY: return "ALTER COLUMN ... ADD IDENTITY";
    case RDB_SQL_ALTER_SET_IDENTITY: return "ALTER COLUMN ... SET IDENTITY";
    case RDB_SQL_ALTER_DROP_IDENTITY: return "ALTER COLUMN ... DROP IDENTITY";
    default: return NULL;
    }
}

/* What other kinds of relations take. */
static bool takes(char kind, rdb_sql_alter_kind action)
{
    switch (action) {
    case RDB_SQL_ALTER_CHANGE_OWNER:
        return true;
    case RDB_SQL_ALTER_ATTACH_PARTITION:
        return kind == 'I';
    case RDB_SQL_ALTER_SET_REL_OPTIONS:
    case RDB_SQL_ALTER_RESET_REL_OPTIONS:
        return kind == 'v' || kind == 'm' || kind == 'i';
    case RDB_SQL_ALTER_COLUMN_DEFAULT:
        return kind == 'v';
    case RDB_SQL_ALTER_SET_STATISTICS:
    case RDB_SQL_ALTER_SET_TABLE_SPACE:
        return kind == 'm' || kind == 'i';
    case RDB_SQL_ALTER_SET_STORAGE:
    case RDB_SQL_ALTER_SET_COMPRESSION:
    case RDB_SQL_ALTER_SET_OPTIONS:
    case RDB_SQL_ALTER_RESET_OPTIONS:
    case RDB_SQL_ALTER_CLUSTER_ON:
    case RDB_SQL_ALTER_DROP_CLUSTER:
    case RDB_SQL_ALTER_REPLICA_IDENTITY:
    case RDB_SQL_ALTER_SET_ACCESS_METHOD:
        return kind == 'm';
    case RDB_SQL_ALTER_ADD_COLUMN:
    case RDB_SQL_ALTER_DROP_COLUMN:
    case RDB_SQL_ALTER_COLUMN_TYPE:
        return kind == 'c';
    default:
        return false;
    }
}

static const char *kind_words(char kind)
{
    return kind == 'v' ? "views" : kind == 'm' ? "materialized views" : kind == 'i' ? "indexes" : kind == 'S' ? "sequences" : kind == 'c' ? "composite types" : "tables";
}

/* Options that only those who write or maintain the table look at. */
static rdb_lock_mode options_lock(const rdb_ast_node *written)
{
    const rdb_list *options = written != NULL ? &((const rdb_ast_items *)written)->items : NULL;
    for (uint32_t i = 0; options != NULL && i < options->count; i++) {
        const char *name = ((const rdb_ast_option *)options->items[i])->name;
        if (strncmp(name, "autovacuum_", 11) != 0 && strncmp(name, "vacuum_", 7) != 0 && strcmp(name, "fillfactor") != 0 && strcmp(name, "parallel_workers") != 0 &&
            strcmp(name, "toast_tuple_target") != 0 && strcmp(name, "log_autovacuum_min_duration") != 0)
            return RDB_LOCK_ACCESS_EXCLUSIVE;
    }
    return options != NULL && options->count > 0 ? RDB_LOCK_SHARE_UPDATE_EXCLUSIVE : RDB_LOCK_ACCESS_EXCLUSIVE;
}

/* What a part needs: as little as PostgreSQL documents, so that readers, and for some writers too, go on beside it. */
static rdb_lock_mode lock_of(const rdb_ast_alter_command *command)
{
    switch (command->kind) {
    case RDB_SQL_ALTER_SET_STATISTICS:
    case RDB_SQL_ALTER_SET_OPTIONS:
    case RDB_SQL_ALTER_RESET_OPTIONS:
    case RDB_SQL_ALTER_CLUSTER_ON:
    case RDB_SQL_ALTER_DROP_CLUSTER:
    case RDB_SQL_ALTER_VALIDATE_CONSTRAINT:
        return RDB_LOCK_SHARE_UPDATE_EXCLUSIVE;
    case RDB_SQL_ALTER_SET_REL_OPTIONS:
    case RDB_SQL_ALTER_RESET_REL_OPTIONS:
        return options_lock(command->def);
    case RDB_SQL_ALTER_ADD_CONSTRAINT:
        return ((const rdb_ast_constraint *)command->def)->kind == RDB_SQL_CONSTRAINT_FOREIGN ? RDB_LOCK_SHARE_ROW_EXCLUSIVE : RDB_LOCK_ACCESS_EXCLUSIVE;
    default:
        return RDB_LOCK_ACCESS_EXCLUSIVE;
    }
}

bool command_alter_table(rdb_command_context *context, const rdb_ast_alter_table *statement, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    rdb_lock_mode lock = RDB_LOCK_NONE;
    if (statement->object_type == RDB_SQL_OBJECT_TYPE)
        return command_alter_composite(context, statement, err);
    for (uint32_t i = 0; i < statement->commands.count; i++) /* the modes that parts ask for are each above the next */
        lock = RDB_MAX(lock, lock_of(statement->commands.items[i]));
    if (!command_open_table(context, statement->table, lock != RDB_LOCK_NONE ? lock : RDB_LOCK_ACCESS_EXCLUSIVE, statement->missing_ok, &relation, err))
        return false;
    if (relation == NULL) {
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "relation \"%s\" does not exist, skipping", statement->table->name);
        return true;
    }
    if (!command_check_owner(context, relation, err))
        return false;
    for (uint32_t i = 0; i < statement->commands.count; i++) {
        const rdb_ast_alter_command *command = statement->commands.items[i];
        const char *words = action_words(command->kind);
        if (relation->kind == 'r' || relation->kind == 'p' || takes(relation->kind, command->kind))
            continue;
        if (words != NULL)
            rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "ALTER action %s cannot be performed on relation \"%s\"", words, relation->name);
        else
            rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "this ALTER action cannot be performed on relation \"%s\"", relation->name);
        return rdb_error_detail(err, "This operation is not supported for %s.", kind_words(relation->kind));
    }
    for (int pass = 0; pass < PASS_COUNT; pass++)
        for (uint32_t i = 0; i < statement->commands.count; i++) {
            const rdb_ast_alter_command *command = statement->commands.items[i];
            if (pass_of(command) == pass && (!command_reload(context, &relation, err) || !command_alter_tree(context, relation, command, !statement->table->inherits, run_part, err)))
                return false;
        }
    return true;
}
