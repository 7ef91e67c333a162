/* SPDX-License-Identifier: Apache-2.0
 * CREATE, ALTER and DROP ROLE. A password is kept as a SCRAM verifier; one that comes as a verifier is kept as it is. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"
#include "crypto/rdb_crypto.h"

enum { SCRAM_ITERATIONS = 4096 };

typedef struct role_options {
    rdb_role_definition definition;
    char verifier[RDB_SCRAM_VERIFIER_BYTES];
    bool only_password; /* what a role may change of itself */
    const rdb_list *in_roles, *members, *admins; /* rdb_ast_role *: IN ROLE, ROLE or USER, ADMIN; NULL: not said */
} role_options;

static bool set_password(rdb_command_context *context, role_options *options, const char *password, rdb_error *err)
{
    options->definition.verifier = NULL;
    if (password == NULL)
        return true;
    if (password[0] == '\0') {
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "empty string is not a valid password, clearing password");
        return true;
    }
    options->definition.verifier = password;
    if (rdb_scram_is_verifier(password))
        return true;
    options->definition.verifier = options->verifier;
    return rdb_scram_make_verifier(password, SCRAM_ITERATIONS, options->verifier, err);
}

static bool read_valid_until(rdb_command_context *context, const rdb_ast_option *option, rdb_role_definition *role, rdb_error *err)
{
    enum { TIMESTAMPTZ = 1184 };
    rdb_call call = {.arena = context->arena, .err = err, .format = context->format};
    const rdb_type *type = NULL;
    rdb_datum value;
    role->has_valid_until = true;
    role->valid_until_null = option->arg == NULL;
    if (role->valid_until_null)
        return true;
    const char *text = command_option_text(option);
    if (!rdb_type_get(context->access, TIMESTAMPTZ, &type, err) || !type->ops->input(&call, type, (rdb_slice){(const uint8_t *)text, strlen(text)}, -1, &value))
        return false;
    role->valid_until = value.i64;
    return true;
}

static bool read_options(rdb_command_context *context, const rdb_list *list, role_options *options, rdb_error *err)
{
    rdb_role_definition *role = &options->definition;
    const struct {
        const char *name;
        bool *field;
    } flags[] = {{"superuser", &role->is_superuser}, {"inherit", &role->inherits},         {"createrole", &role->can_create_role},
                 {"createdb", &role->can_create_db}, {"canlogin", &role->can_login},       {"isreplication", &role->can_replicate},
                 {"bypassrls", &role->bypasses_rls}};
    options->only_password = true;
    for (uint32_t i = 0; i < list->count; i++) {
        const rdb_ast_option *option = list->items[i];
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(((const rdb_ast_option *)list->items[k])->name, option->name) == 0) {
                rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting or redundant options");
                return command_at(context, option->node.location, err);
            }
        if (strcmp(option->name, "password") == 0) {
            if (!set_password(context, options, option->arg != NULL ? command_option_text(option) : NULL, err))
                return false;
            continue;
        }
        options->only_password = false;
        size_t flag = 0;
        while (flag < RDB_COUNT_OF(flags) && strcmp(flags[flag].name, option->name) != 0)
            flag++;
        if (flag < RDB_COUNT_OF(flags)) {
            if (!command_option_bool(option, flags[flag].field, err))
                return false;
        } else if (strcmp(option->name, "connectionlimit") == 0) {
            int64_t limit;
            if (!command_option_int64(option, &limit, err))
                return false;
            if (limit < -1 || limit > INT32_MAX)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid connection limit: %lld", (long long)limit);
            role->connection_limit = (int32_t)limit;
        } else if (strcmp(option->name, "validUntil") == 0) {
            if (!read_valid_until(context, option, role, err))
                return false;
        } else if (strcmp(option->name, "sysid") == 0) {
            command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "SYSID can no longer be specified");
        } else if (strcmp(option->name, "addroleto") == 0 || strcmp(option->name, "rolemembers") == 0 || strcmp(option->name, "adminmembers") == 0) {
            const rdb_list *roles = &((const rdb_ast_items *)option->arg)->items;
            *(option->name[2] == 'd' ? &options->in_roles : option->name[0] == 'r' ? &options->members : &options->admins) = roles;
        } else {
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "role option \"%s\" is not supported yet", option->name);
        }
    }
    return true;
}

/* The role and each one of the list, one a member of the other. */
static bool add_members(rdb_command_context *context, const rdb_role *role, const rdb_list *list, bool into_listed, bool with_admin, rdb_error *err)
{
    const rdb_ddl_notice notice = {.notice = command_drop_notice, .context = context};
    for (uint32_t i = 0; list != NULL && i < list->count; i++) {
        const rdb_ast_role *named = list->items[i];
        rdb_role other;
        bool is_circular = false;
        if (!command_find_role(context, named->kind == RDB_SQL_ROLE_NAMED ? named->name : context->role->name, &other, err))
            return false;
        const rdb_role *group = into_listed ? &other : role, *member = into_listed ? role : &other;
        if (into_listed && !command_check_role_admin(context, group, err))
            return false;
        if (group->oid == RDB_ROLE_DATABASE_OWNER)
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "role \"%s\" cannot have explicit members", group->name);
        if (group->oid == member->oid || (!group->is_superuser && !rdb_role_is_member_of(context->access, group->oid, member->oid, &is_circular, err)) || is_circular)
            return rdb_error_set(err, RDB_INVALID_GRANT_OPERATION, "role \"%s\" is a member of role \"%s\"", group->name, member->name);
        if (!rdb_ddl_grant_role(context->access, group, member, context->role->oid, with_admin, &notice, err))
            return false;
    }
    return true;
}

/* was: the role before ALTER, NULL: it is being made. */
static bool check_power(rdb_command_context *context, const role_options *options, const rdb_role *was, const char *verb, rdb_error *err)
{
    const bool was_superuser = was != NULL && was->is_superuser;
    if (context->role->is_superuser)
        return true;
    if (options->definition.is_superuser || was_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to %s", strcmp(verb, "create") == 0 ? "create superusers" : "alter superuser roles or change superuser attribute");
    if (options->definition.can_replicate && strcmp(verb, "create") == 0)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to create replication users");
    if (was == NULL && options->definition.bypasses_rls)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to create bypassrls users");
    if (was != NULL && (was->can_replicate || options->definition.can_replicate))
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to alter replication roles or change replication attribute");
    if (was != NULL && was->bypasses_rls != options->definition.bypasses_rls)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to change bypassrls attribute");
    return context->role->can_create_role || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied%s", strcmp(verb, "create") == 0 ? " to create role" : "");
}

bool command_create_role(rdb_command_context *context, const rdb_ast_create_role *statement, rdb_error *err)
{
    role_options options = {.definition = {.name = statement->name, .inherits = true, .connection_limit = -1,
                                           .can_login = statement->kind == RDB_SQL_ROLE_STATEMENT_USER}};
    uint32_t oid = 0;
    if (!read_options(context, &statement->options, &options, err) || !check_power(context, &options, NULL, "create", err))
        return false;
    if (strncmp(statement->name, "pg_", 3) == 0) {
        rdb_error_set(err, RDB_RESERVED_NAME, "role name \"%s\" is reserved", statement->name);
        return rdb_error_detail(err, "Role names starting with \"pg_\" are reserved.");
    }
    rdb_role role = {.is_superuser = options.definition.is_superuser};
    if (!rdb_ddl_create_role(context->access, &options.definition, &oid, err))
        return false;
    role.oid = oid;
    snprintf(role.name, sizeof role.name, "%s", statement->name);
    return add_members(context, &role, options.in_roles, true, false, err) && add_members(context, &role, options.members, false, false, err) &&
           add_members(context, &role, options.admins, false, true, err);
}

bool command_alter_role(rdb_command_context *context, const rdb_ast_alter_role *statement, rdb_error *err)
{
    rdb_role role;
    bool found = false;
    const char *name = statement->role->kind == RDB_SQL_ROLE_NAMED ? statement->role->name : context->role->name;
    if (!rdb_role_find_within(context->access, name, &role, &found, err))
        return false;
    if (!found)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
    role_options options = {.definition = {.name = role.name, .is_superuser = role.is_superuser, .inherits = role.inherits,
                                           .can_create_role = role.can_create_role, .can_create_db = role.can_create_db, .can_login = role.can_login,
                                           .can_replicate = role.can_replicate, .bypasses_rls = role.bypasses_rls,
                                           .connection_limit = role.connection_limit, .verifier = role.verifier[0] != '\0' ? role.verifier : NULL}};
    if (!read_options(context, &statement->options, &options, err))
        return false;
    const bool is_own_password = options.only_password && role.oid == context->role->oid;
    if (!is_own_password && !check_power(context, &options, &role, "alter", err))
        return false;
    /* ALTER GROUP ... ADD and DROP USER come this way too. */
    for (uint32_t i = 0; statement->action < 0 && options.members != NULL && i < options.members->count; i++) {
        const rdb_ast_role *named = options.members->items[i];
        rdb_role member;
        bool was_member;
        if (!command_find_role(context, named->kind == RDB_SQL_ROLE_NAMED ? named->name : context->role->name, &member, err) ||
            !rdb_ddl_revoke_role(context->access, role.oid, member.oid, false, &was_member, err))
            return false;
        if (!was_member)
            command_notice(context, "WARNING", RDB_SUCCESSFUL_COMPLETION, "role \"%s\" is not a member of role \"%s\"", member.name, role.name);
    }
    if (statement->action > 0 && !add_members(context, &role, options.members, false, false, err))
        return false;
    return rdb_ddl_alter_role(context->access, role.oid, &options.definition, err);
}

bool command_drop_role(rdb_command_context *context, const rdb_ast_drop_role *statement, rdb_error *err)
{
    if (!context->role->is_superuser && !context->role->can_create_role)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to drop role");
    for (uint32_t i = 0; i < statement->roles.count; i++) {
        const rdb_ast_role *named = statement->roles.items[i];
        rdb_role role;
        bool found = false;
        if (named->kind != RDB_SQL_ROLE_NAMED)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "cannot use special role specifier in DROP ROLE");
        if (!rdb_role_find_within(context->access, named->name, &role, &found, err))
            return false;
        if (!found && statement->missing_ok) {
            command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "role \"%s\" does not exist, skipping", named->name);
            continue;
        }
        if (!found)
            return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "role \"%s\" does not exist", named->name);
        if (role.oid == context->role->oid)
            return rdb_error_set(err, RDB_OBJECT_IN_USE, "current user cannot be dropped");
        if (role.is_superuser && !context->role->is_superuser)
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to drop superusers");
        if (!rdb_ddl_drop_role(context->access, role.oid, err))
            return false;
    }
    return true;
}
