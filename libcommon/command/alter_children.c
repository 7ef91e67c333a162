/* SPDX-License-Identifier: Apache-2.0
 * ALTER TABLE goes down to the children: what comes from a parent is changed there alone, and with it in all who have it. */
#include "command/inherit.h"

static bool run_tree(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool is_only, bool is_inherited, command_alter_part run, rdb_error *err);

static bool over_children(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, command_alter_part run, rdb_error *err)
{
    for (uint32_t i = 0; i < relation->child_count; i++) {
        const rdb_relation *child = NULL;
        if (!command_lock(context, relation->children[i].oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) || !rdb_relation_get(context->access, relation->children[i].oid, &child, err))
            return false;
        if (child != NULL && !run_tree(context, child, command, false, true, run, err))
            return false;
    }
    return true;
}

static const rdb_column *find_column(const rdb_relation *relation, const char *name)
{
    const int16_t number = name != NULL ? command_find_column(relation, name) : 0;
    return number > 0 ? &relation->columns[number - 1] : NULL;
}

static const rdb_constraint *find_constraint(const rdb_relation *relation, const char *name)
{
    for (uint16_t i = 0; name != NULL && i < relation->constraint_count; i++)
        if (strcmp(relation->constraints[i].name, name) == 0)
            return &relation->constraints[i];
    return NULL;
}

/* ---- the partition key --------------------------------------------------------------------------------------------------------------- */
typedef struct key_search {
    int16_t number;
    bool found;
} key_search;

static bool see_column(void *search_at, rdb_expr *expr)
{
    key_search *search = search_at;
    search->found = search->found || (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->attribute_no == search->number);
    return rdb_expr_visit_children(expr, see_column, search_at);
}

static bool refuse_key_column(rdb_command_context *context, const rdb_relation *relation, const rdb_column *column, const char *verb, rdb_error *err)
{
    const rdb_partition_key *key = relation->partition_key;
    key_search search = {.number = column->number};
    for (uint16_t i = 0; key != NULL && i < key->count; i++)
        if (key->columns[i] == column->number)
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cannot %s column \"%s\" because it is part of the partition key of relation \"%s\"", verb, column->name, relation->name);
    if (key != NULL && key->expression_tree != NULL) {
        rdb_expr *tree = NULL;
        if (!rdb_tree_read_expr(context->arena, context->access, key->expression_tree, &tree, err))
            return false;
        (void)see_column(&search, tree);
    }
    return !search.found ||
           rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "cannot %s column \"%s\" because it is part of the partition key of relation \"%s\"", verb, column->name, relation->name);
}

/* ---- columns ------------------------------------------------------------------------------------------------------------------------- */
/* The column of a child, before the parent gets it: without keys and checks, which follow from the parent's. */
static bool add_to_child(rdb_command_context *context, const rdb_relation *child, const rdb_ast_alter_command *command, command_alter_part run, rdb_error *err)
{
    const rdb_ast_column_def *raw = (const rdb_ast_column_def *)command->def;
    const rdb_column *there = find_column(child, raw->name);
    rdb_column_definition wanted;
    const char *serial = NULL;
    if (there != NULL) {
        if (!command_define_column(context, child->name, raw, &wanted, &serial, err))
            return false;
        if (there->type->oid != wanted.type->oid || there->typmod != wanted.typmod)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "child table \"%s\" has different type for column \"%s\"", child->name, raw->name);
        if (there->collation != (wanted.collation != 0 ? wanted.collation : wanted.type->collation))
            return rdb_error_set(err, RDB_COLLATION_MISMATCH, "child table \"%s\" has different collation for column \"%s\"", child->name, raw->name);
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "merging definition of column \"%s\" for child \"%s\"", raw->name, child->name);
        return rdb_ddl_set_attribute_field(context->access, child->oid, there->number, RDB_pg_attribute_attinhcount, (rdb_datum){.i32 = there->inherit_count + 1}, false, err);
    }
    if (!over_children(context, child, command, run, err))
        return false;
    rdb_ast_column_def *def = rdb_arena_memdup(context->arena, raw, sizeof *def);
    rdb_ast_alter_command *own = rdb_arena_memdup(context->arena, command, sizeof *own);
    own->def = &def->node;
    def->constraints = (rdb_list){0};
    for (uint32_t i = 0; i < raw->constraints.count; i++) {
        const rdb_ast_constraint *constraint = raw->constraints.items[i];
        if (constraint->kind == RDB_SQL_CONSTRAINT_DEFAULT || constraint->kind == RDB_SQL_CONSTRAINT_NOT_NULL || constraint->kind == RDB_SQL_CONSTRAINT_GENERATED)
            rdb_list_push(context->arena, &def->constraints, raw->constraints.items[i]);
    }
    const rdb_relation *relation = child;
    if (!run(context, child, own, err) || !command_reload(context, &relation, err))
        return false;
    const rdb_column *made = find_column(relation, raw->name);
    return made == NULL || (rdb_ddl_set_attribute_field(context->access, child->oid, made->number, RDB_pg_attribute_attinhcount, (rdb_datum){.i32 = 1}, false, err) &&
                            rdb_ddl_set_attribute_field(context->access, child->oid, made->number, RDB_pg_attribute_attislocal, (rdb_datum){.b = false}, false, err));
}

static bool spread_checks(rdb_command_context *context, const rdb_relation *before, bool is_only, rdb_error *err)
{
    const rdb_relation *relation = before;
    if (!command_reload(context, &relation, err))
        return false;
    for (uint16_t i = 0; i < relation->constraint_count; i++) {
        const rdb_constraint *check = &relation->constraints[i];
        bool is_old = false;
        for (uint16_t k = 0; k < before->constraint_count; k++)
            is_old = is_old || before->constraints[k].oid == check->oid;
        if (is_old || check->kind != 'c' || check->is_no_inherit)
            continue;
        if (is_only && relation->child_count > 0)
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "constraint must be added to child tables too");
        for (uint32_t k = 0; k < relation->child_count; k++) {
            const rdb_relation *child = NULL;
            if (!command_lock(context, relation->children[k].oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) || !rdb_relation_get(context->access, relation->children[k].oid, &child, err) ||
                !command_inherit_check(context, child, relation, check, false, err) || !spread_checks(context, child, false, err))
                return false;
        }
    }
    return true;
}

static bool add_column(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool is_only, bool is_inherited, command_alter_part run, rdb_error *err)
{
    if (is_inherited)
        return add_to_child(context, relation, command, run, err);
    if (relation->is_partition)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot add column to a partition");
    if (is_only && relation->child_count > 0)
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "column must be added to child tables too");
    const rdb_ast_column_def *raw = (const rdb_ast_column_def *)command->def;
    if (relation->child_count > 0 && find_column(relation, raw->name) == NULL && !over_children(context, relation, command, run, err))
        return false;
    return run(context, relation, command, err) && spread_checks(context, relation, is_only, err);
}

static bool drop_column(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool is_only, bool is_inherited, command_alter_part run, rdb_error *err)
{
    const rdb_column *column = find_column(relation, command->name);
    if (column == NULL)
        return is_inherited || run(context, relation, command, err);
    if (is_inherited) { /* one parent less has it */
        if (column->inherit_count > 1 || column->is_local)
            return rdb_ddl_set_attribute_field(context->access, relation->oid, column->number, RDB_pg_attribute_attinhcount, (rdb_datum){.i32 = RDB_MAX(column->inherit_count - 1, 0)}, false, err);
    } else if (column->inherit_count > 0) {
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot drop inherited column \"%s\"", column->name);
    }
    if (!refuse_key_column(context, relation, column, "drop", err))
        return false;
    if (is_only && relation->kind == 'p' && relation->child_count > 0) {
        rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot drop column from only the partitioned table when partitions exist");
        return rdb_error_hint(err, "Do not specify the ONLY keyword.");
    }
    const char *name = rdb_arena_strdup(context->arena, column->name);
    for (uint32_t i = 0; i < relation->child_count && is_only; i++) {
        const rdb_relation *child = NULL;
        if (!command_lock(context, relation->children[i].oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) || !rdb_relation_get(context->access, relation->children[i].oid, &child, err))
            return false;
        const rdb_column *own = find_column(child, name);
        if (own != NULL && (!rdb_ddl_set_attribute_field(context->access, child->oid, own->number, RDB_pg_attribute_attinhcount, (rdb_datum){.i32 = own->inherit_count - 1}, false, err) ||
                            !rdb_ddl_set_attribute_field(context->access, child->oid, own->number, RDB_pg_attribute_attislocal, (rdb_datum){.b = true}, false, err)))
            return false;
    }
    if (!is_only && !over_children(context, relation, command, run, err))
        return false;
    return run(context, relation, command, err);
}

static bool drop_constraint(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool is_only, bool is_inherited, command_alter_part run, rdb_error *err)
{
    const rdb_constraint *constraint = find_constraint(relation, command->name);
    if (constraint == NULL)
        return is_inherited || run(context, relation, command, err);
    if (!is_inherited && constraint->inherit_count > 0)
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot drop inherited constraint \"%s\" of relation \"%s\"", constraint->name, relation->name);
    if (is_inherited && (constraint->inherit_count > 1 || constraint->is_local))
        return constraint->kind != 'c' || rdb_ddl_set_constraint_inheritance(context->access, constraint->oid, constraint->is_local, RDB_MAX(constraint->inherit_count - 1, 0), constraint->is_no_inherit,
                                                                             constraint->parent_oid, err);
    if (constraint->kind != 'c' || constraint->is_no_inherit)
        return is_inherited || run(context, relation, command, err); /* parts go by their dependencies */
    if (is_only && relation->kind == 'p' && relation->child_count > 0) {
        rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot remove constraint from only the partitioned table when partitions exist");
        return rdb_error_hint(err, "Do not specify the ONLY keyword.");
    }
    for (uint32_t i = 0; i < relation->child_count && is_only; i++) {
        const rdb_relation *child = NULL;
        if (!command_lock(context, relation->children[i].oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) || !rdb_relation_get(context->access, relation->children[i].oid, &child, err))
            return false;
        const rdb_constraint *own = find_constraint(child, command->name);
        if (own != NULL && own->kind == 'c' &&
            !rdb_ddl_set_constraint_inheritance(context->access, own->oid, true, RDB_MAX(own->inherit_count - 1, 0), own->is_no_inherit, own->parent_oid, err))
            return false;
    }
    return (is_only || over_children(context, relation, command, run, err)) && run(context, relation, command, err);
}

static bool alter_type(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool is_only, bool is_inherited, command_alter_part run, rdb_error *err)
{
    const rdb_column *column = find_column(relation, command->name);
    if (column == NULL)
        return run(context, relation, command, err);
    rdb_list all;
    uint32_t *counts = NULL;
    (void)is_inherited;
    if (column->inherit_count > 0)
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot alter inherited column \"%s\"", column->name);
    if (!refuse_key_column(context, relation, column, "alter", err))
        return false;
    if (is_only && relation->child_count > 0)
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "type of inherited column \"%s\" must be changed in child tables too", column->name);
    if (!command_descendants(context, relation, RDB_LOCK_ACCESS_EXCLUSIVE, &all, &counts, err) || !run(context, relation, command, err))
        return false;
    for (uint32_t i = 0; i < all.count; i++) { /* each once, however many ways lead to it */
        const rdb_relation *child = all.items[i];
        if (!command_reload(context, &child, err))
            return false;
        const rdb_column *own = find_column(child, command->name);
        if (own == NULL)
            continue;
        if (own->inherit_count > (int32_t)counts[i])
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot alter inherited column \"%s\" of relation \"%s\"", own->name, child->name);
        if (!refuse_key_column(context, child, own, "alter", err) || !run(context, child, command, err))
            return false;
    }
    return true;
}

static bool add_constraint(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool is_only, command_alter_part run, rdb_error *err)
{
    const rdb_ast_constraint *raw = (const rdb_ast_constraint *)command->def;
    if (raw->kind == RDB_SQL_CONSTRAINT_CHECK && raw->is_no_inherit && relation->kind == 'p')
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot add NO INHERIT constraint to partitioned table \"%s\"", relation->name);
    context->keeps_to_named = is_only;
    const bool ok = run(context, relation, command, err);
    context->keeps_to_named = false;
    return ok && spread_checks(context, relation, is_only, err);
}

static bool run_tree(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool is_only, bool is_inherited, command_alter_part run, rdb_error *err)
{
    switch (command->kind) {
    case RDB_SQL_ALTER_ADD_COLUMN:
        return add_column(context, relation, command, is_only, is_inherited, run, err);
    case RDB_SQL_ALTER_DROP_COLUMN:
        return drop_column(context, relation, command, is_only, is_inherited, run, err);
    case RDB_SQL_ALTER_COLUMN_TYPE:
        return alter_type(context, relation, command, is_only, is_inherited, run, err);
    case RDB_SQL_ALTER_ADD_CONSTRAINT:
        return add_constraint(context, relation, command, is_only, run, err);
    case RDB_SQL_ALTER_DROP_CONSTRAINT:
        return drop_constraint(context, relation, command, is_only, is_inherited, run, err);
    case RDB_SQL_ALTER_DROP_NOT_NULL: {
        uint32_t *parents = NULL, count = 0;
        const rdb_relation *parent = NULL;
        if (!is_inherited && relation->is_partition) {
            if (!rdb_ddl_get_parents(context->access, relation->oid, context->arena, &parents, &count, err) || (count > 0 && !rdb_relation_get(context->access, parents[0], &parent, err)))
                return false;
            const rdb_column *above = parent != NULL ? find_column(parent, command->name) : NULL;
            if (above != NULL && above->not_null)
                return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "column \"%s\" is marked NOT NULL in parent table", command->name);
        }
        if (is_only && relation->kind == 'p' && relation->child_count > 0) {
            rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot remove constraint from only the partitioned table when partitions exist");
            return rdb_error_hint(err, "Do not specify the ONLY keyword.");
        }
    }
        /* fall through */
    case RDB_SQL_ALTER_COLUMN_DEFAULT:
    case RDB_SQL_ALTER_SET_STATISTICS:
    case RDB_SQL_ALTER_SET_STORAGE:
    case RDB_SQL_ALTER_SET_OPTIONS:
    case RDB_SQL_ALTER_RESET_OPTIONS:
        return run(context, relation, command, err) && (is_only || over_children(context, relation, command, run, err));
    default:
        return run(context, relation, command, err);
    }
}

bool command_alter_tree(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool is_only, command_alter_part run, rdb_error *err)
{
    return run_tree(context, relation, command, is_only, false, run, err);
}

/* ---- RENAME -------------------------------------------------------------------------------------------------------------------------- */
bool command_rename_column(rdb_command_context *context, const rdb_relation *relation, const char *name, const char *new_name, bool is_only, bool is_inherited, rdb_error *err)
{
    const rdb_column *column = find_column(relation, name);
    rdb_list all;
    uint32_t *counts = NULL;
    if (column == NULL)
        return true;
    if (!is_inherited) {
        if (column->inherit_count > 0)
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot rename inherited column \"%s\"", name);
        if (is_only && relation->child_count > 0)
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "inherited column \"%s\" must be renamed in child tables too", name);
        if (!command_descendants(context, relation, RDB_LOCK_ACCESS_EXCLUSIVE, &all, &counts, err))
            return false;
        for (uint32_t i = 0; i < all.count; i++) {
            const rdb_relation *child = all.items[i];
            const rdb_column *own = find_column(child, name);
            if (own != NULL && own->inherit_count > (int32_t)counts[i])
                return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot rename inherited column \"%s\"", name);
            if (find_column(child, new_name) != NULL)
                return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" already exists", new_name, child->name);
            if (own != NULL && !rdb_ddl_rename_column(context->access, child->oid, own->number, new_name, err))
                return false;
        }
    }
    return rdb_ddl_rename_column(context->access, relation->oid, column->number, new_name, err);
}

bool command_rename_check(rdb_command_context *context, const rdb_relation *relation, const rdb_constraint *check, const char *new_name, bool is_only, rdb_error *err)
{
    rdb_list all;
    uint32_t *counts = NULL;
    if (check->kind == 'c' && !check->is_no_inherit) {
        if (is_only && relation->child_count > 0)
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "inherited constraint \"%s\" must be renamed in child tables too", check->name);
        if (!command_descendants(context, relation, RDB_LOCK_ACCESS_EXCLUSIVE, &all, &counts, err))
            return false;
        for (uint32_t i = 0; i < all.count; i++) {
            const rdb_constraint *own = find_constraint(all.items[i], check->name);
            if (own != NULL && own->kind == 'c' && own->inherit_count > (int32_t)counts[i])
                return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot rename inherited constraint \"%s\"", check->name);
            if (own != NULL && own->kind == 'c' && !rdb_ddl_rename_constraint(context->access, own->oid, new_name, err))
                return false;
        }
    }
    return rdb_ddl_rename_constraint(context->access, check->oid, new_name, err);
}
