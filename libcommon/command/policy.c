/* SPDX-License-Identifier: Apache-2.0
 * CREATE, ALTER and DROP POLICY: which rows of a table whom is shown, and may write. What they do to a statement is the rewrite's
 * (sql/rewrite_security.c). */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"

static bool open_table(rdb_command_context *context, const rdb_ast_table *table, const rdb_relation **relation, rdb_error *err)
{
    rdb_ast_table named = *table;
    named.node.location = -1; /* PostgreSQL tells no position here */
    if (!command_open_table(context, &named, RDB_LOCK_ACCESS_EXCLUSIVE, false, relation, err) || !command_check_owner(context, *relation, err))
        return false;
    if ((*relation)->is_system)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", (*relation)->name);
    return (*relation)->kind == 'r' || (*relation)->kind == 'p' || rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a table", (*relation)->name);
}

static bool read_roles(rdb_command_context *context, const rdb_list *list, rdb_policy *policy, rdb_error *err)
{
    uint32_t *roles = RDB_NEW_ARRAY(context->arena, uint32_t, list->count + 1);
    policy->roles = roles;
    policy->role_count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const rdb_ast_role *role = list->items[i];
        if (role->kind == RDB_SQL_ROLE_PUBLIC) {
            if (list->count > 1) {
                rdb_error warning = {0};
                rdb_error_set(&warning, RDB_INVALID_PARAMETER_VALUE, "ignoring specified roles other than PUBLIC");
                rdb_error_hint(&warning, "All roles are members of the PUBLIC role.");
                context->client->notice(context->client->context, "WARNING", &warning);
                rdb_error_clear(&warning);
            }
            roles[0] = RDB_ACL_PUBLIC;
            policy->role_count = 1;
            return true;
        }
        if (!command_role_oid(context, role, &roles[policy->role_count++], err))
            return false;
    }
    if (list->count == 0)
        policy->role_count = 1; /* everyone */
    return true;
}

static bool read_condition(rdb_command_context *context, const rdb_relation *relation, rdb_ast_node *raw, const char **tree, command_uses *uses, rdb_error *err)
{
    rdb_analysis analysis;
    const rdb_type *boolean = NULL;
    rdb_expr *expr = NULL;
    rdb_strbuf text;
    if (raw == NULL)
        return true;
    command_analysis(context, &analysis);
    analysis.text = NULL; /* PostgreSQL tells no positions here */
    rdb_strbuf_init(&text, context->arena);
    if (!rdb_type_get(context->access, RDB_BOOLOID, &boolean, err) ||
        !rdb_expr_analyse(&analysis, relation, raw, boolean, -1, "policy expressions", &expr, err) || !rdb_tree_write_expr(expr, &text, err) ||
        !rdb_strbuf_check(&text, err))
        return false;
    *tree = text.data;
    return command_expr_uses(context, relation, expr, uses, err);
}

static bool add_stored_uses(rdb_command_context *context, const rdb_relation *relation, const char *tree, command_uses *uses, rdb_error *err)
{
    rdb_expr *expr = NULL;
    return tree == NULL || (rdb_tree_read_expr(context->arena, context->access, tree, &expr, err) && command_expr_uses(context, relation, expr, uses, err));
}

bool command_create_policy(rdb_command_context *context, const rdb_ast_create_policy *statement, rdb_error *err)
{
    static const struct { const char *word; char letter; } commands[] = {{"all", '*'}, {"select", 'r'}, {"insert", 'a'}, {"update", 'w'}, {"delete", 'd'}};
    rdb_policy policy = {.name = statement->name, .command = '*', .is_permissive = statement->is_permissive};
    const rdb_relation *relation = NULL;
    command_uses uses = {0};
    uint32_t oid = 0;
    for (size_t i = 0; statement->command != NULL && i < RDB_COUNT_OF(commands); i++)
        if (strcmp(commands[i].word, statement->command) == 0)
            policy.command = commands[i].letter;
    if ((policy.command == 'r' || policy.command == 'd') && statement->with_check != NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "WITH CHECK cannot be applied to SELECT or DELETE");
    if (policy.command == 'a' && statement->using != NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "only WITH CHECK expression allowed for INSERT");
    if (!read_roles(context, &statement->roles, &policy, err) || !open_table(context, statement->table, &relation, err))
        return false;
    policy.relation_oid = relation->oid;
    if (!read_condition(context, relation, statement->using, &policy.using_tree, &uses, err) ||
        !read_condition(context, relation, statement->with_check, &policy.check_tree, &uses, err) ||
        !rdb_policy_find(context->access, relation->oid, statement->name, &oid, err))
        return false;
    if (oid != 0)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "policy \"%s\" for table \"%s\" already exists", statement->name, relation->name);
    return rdb_ddl_write_policy(context->access, &policy, uses.items, uses.count, &oid, err);
}

bool command_find_policy(rdb_command_context *context, const rdb_ast_table *table, const char *name, const rdb_relation **relation, uint32_t *oid, rdb_error *err)
{
    if (!open_table(context, table, relation, err) || !rdb_policy_find(context->access, (*relation)->oid, name, oid, err))
        return false;
    return *oid != 0 || rdb_error_set(err, RDB_UNDEFINED_OBJECT, "policy \"%s\" for table \"%s\" does not exist", name, (*relation)->name);
}

bool command_alter_policy(rdb_command_context *context, const rdb_ast_alter_policy *statement, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    rdb_policy policy, changed = {0};
    command_uses uses = {0};
    uint32_t oid = 0;
    if ((statement->roles.count > 0 && !read_roles(context, &statement->roles, &changed, err)) || !open_table(context, statement->table, &relation, err) ||
        !read_condition(context, relation, statement->using, &changed.using_tree, &uses, err) ||
        !read_condition(context, relation, statement->with_check, &changed.check_tree, &uses, err) ||
        !rdb_policy_find(context->access, relation->oid, statement->name, &oid, err))
        return false;
    if (oid == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "policy \"%s\" on table \"%s\" does not exist", statement->name, relation->name);
    if (!rdb_policy_read(context->access, oid, context->arena, &policy, err))
        return false;
    if ((policy.command == 'r' || policy.command == 'd') && statement->with_check != NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "only USING expression allowed for SELECT, DELETE");
    if (policy.command == 'a' && statement->using != NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "only WITH CHECK expression allowed for INSERT");
    if (changed.role_count > 0) {
        policy.roles = changed.roles;
        policy.role_count = changed.role_count;
    }
    if (changed.using_tree != NULL)
        policy.using_tree = changed.using_tree;
    else if (!add_stored_uses(context, relation, policy.using_tree, &uses, err))
        return false;
    if (changed.check_tree != NULL)
        policy.check_tree = changed.check_tree;
    else if (!add_stored_uses(context, relation, policy.check_tree, &uses, err))
        return false;
    return rdb_ddl_write_policy(context->access, &policy, uses.items, uses.count, &oid, err);
}

bool command_rename_policy(rdb_command_context *context, const rdb_ast_rename *statement, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    uint32_t oid = 0, taken = 0;
    if (!open_table(context, statement->table, &relation, err) || !rdb_policy_find(context->access, relation->oid, statement->new_name, &taken, err))
        return false;
    if (taken != 0)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "policy \"%s\" for table \"%s\" already exists", statement->new_name, relation->name);
    if (!rdb_policy_find(context->access, relation->oid, statement->sub_name, &oid, err))
        return false;
    if (oid == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "policy \"%s\" for table \"%s\" does not exist", statement->sub_name, relation->name);
    return rdb_ddl_rename_policy(context->access, oid, statement->new_name, err);
}

/* ENABLE, DISABLE, FORCE, NO FORCE ROW LEVEL SECURITY. */
bool command_alter_row_security(rdb_command_context *context, const rdb_relation *relation, rdb_sql_alter_kind kind, rdb_error *err)
{
    const bool forces = kind == RDB_SQL_ALTER_FORCE_ROW_SECURITY || kind == RDB_SQL_ALTER_NO_FORCE_ROW_SECURITY;
    const bool on = kind == RDB_SQL_ALTER_FORCE_ROW_SECURITY || kind == RDB_SQL_ALTER_ENABLE_ROW_SECURITY;
    if (relation->kind != 'r' && relation->kind != 'p')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a table", relation->name);
    return rdb_ddl_set_class_field(context->access, relation->oid, forces ? RDB_pg_class_relforcerowsecurity : RDB_pg_class_relrowsecurity, (rdb_datum){.b = on}, false, err);
}
