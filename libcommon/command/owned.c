/* SPDX-License-Identifier: Apache-2.0
 * ALTER DEFAULT PRIVILEGES, REASSIGN OWNED, DROP OWNED: what concerns all objects of a role, those to come and those there. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"

enum { PG_DEFAULT_ACL_CATALOG = 826 };

/* ---- ALTER DEFAULT PRIVILEGES ---------------------------------------------------------------------------------------------------- */
static bool find_list(rdb_command_context *context, const rdb_list *options, const char *name, const rdb_list **list, rdb_error *err)
{
    *list = NULL;
    for (uint32_t i = 0; i < options->count; i++) {
        const rdb_ast_option *option = options->items[i];
        if (strcmp(option->name, name) != 0)
            continue;
        if (*list != NULL) {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "conflicting or redundant options");
            return command_at(context, option->node.location, err);
        }
        *list = &((const rdb_ast_items *)option->arg)->items;
    }
    return true;
}

static bool change_default(rdb_command_context *context, const rdb_ast_grant *action, const command_grant_parts *parts, uint32_t role_oid, uint32_t namespace_oid,
                           rdb_error *err)
{
    rdb_acl acl;
    if (!rdb_acl_get_default(context->access, context->arena, role_oid, namespace_oid, parts->kind, &acl, err))
        return false;
    for (uint32_t i = 0; i < parts->grantee_count; i++) {
        rdb_acl_item change = {parts->grantees[i], role_oid, parts->bits};
        if (action->grant_option)
            change.bits = action->is_grant ? parts->bits | parts->bits << 16 : parts->bits << 16;
        if (!rdb_acl_update(context->access, context->arena, &acl, &change, action->is_grant, action->behavior == RDB_SQL_DROP_CASCADE, role_oid, &acl, err))
            return false;
    }
    return rdb_acl_set_default(context->access, role_oid, namespace_oid, parts->kind, &acl, err);
}

static bool change_defaults_of(rdb_command_context *context, const rdb_ast_grant *action, const command_grant_parts *parts, uint32_t role_oid, const rdb_list *schemas,
                               rdb_error *err)
{
    if (schemas == NULL)
        return change_default(context, action, parts, role_oid, 0, err);
    for (uint32_t i = 0; i < schemas->count; i++) {
        const char *name = ((const rdb_ast_value *)schemas->items[i])->text;
        uint32_t oid = 0;
        if (!rdb_namespace_find(context->access, name, &oid, err))
            return false;
        if (oid == 0)
            return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", name);
        if (!change_default(context, action, parts, role_oid, oid, err))
            return false;
    }
    return true;
}

bool command_default_privileges(rdb_command_context *context, const rdb_ast_default_privileges *statement, rdb_error *err)
{
    const rdb_list *schemas, *roles;
    command_grant_parts parts = {0};
    if (!find_list(context, &statement->options, "schemas", &schemas, err) || !find_list(context, &statement->options, "roles", &roles, err) ||
        !command_read_grant(context, statement->action, &parts, err))
        return false;
    if (parts.has_columns)
        return rdb_error_set(err, RDB_INVALID_GRANT_OPERATION, "default privileges cannot be set for columns");
    if (schemas != NULL && parts.kind == 'n')
        return rdb_error_set(err, RDB_INVALID_GRANT_OPERATION, "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS");
    if (roles == NULL)
        return change_defaults_of(context, statement->action, &parts, context->role->oid, schemas, err);
    for (uint32_t i = 0; i < roles->count; i++) {
        const rdb_ast_role *role = roles->items[i];
        uint32_t oid = 0;
        bool is_member = false;
        if (!command_role_oid(context, role, &oid, err) || !rdb_role_is_member_of(context->access, context->role->oid, oid, &is_member, err))
            return false;
        if (!is_member)
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be member of role \"%s\"", role->name);
        if (!change_defaults_of(context, statement->action, &parts, oid, schemas, err))
            return false;
    }
    return true;
}

/* ---- DROP OWNED and REASSIGN OWNED ------------------------------------------------------------------------------------------------ */
/* The role, whose privileges the current one must have. */
static bool named_role(rdb_command_context *context, const rdb_ast_role *named, const char *verb, uint32_t *oid, rdb_error *err)
{
    bool has = false;
    if (!command_role_oid(context, named, oid, err) || !rdb_role_has_privileges_of(context->access, context->role->oid, *oid, &has, err))
        return false;
    return has || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to %s objects", verb);
}

static bool refuse_system_role(rdb_command_context *context, uint32_t oid, const char *what, rdb_error *err)
{
    rdb_strbuf text;
    if (oid >= RDB_FIRST_NORMAL_OID)
        return true;
    rdb_strbuf_init(&text, context->arena);
    return rdb_object_describe(context->access, (rdb_object_address){RDB_PG_AUTHID, oid, 0}, &text, err) &&
           rdb_error_set(err, RDB_DEPENDENT_OBJECTS_STILL_EXIST, "cannot %s owned by %s because they are required by the database system", what,
                         text.data != NULL ? text.data : "the role");
}

bool command_drop_owned(rdb_command_context *context, const rdb_ast_drop_owned *statement, rdb_error *err)
{
    rdb_list owned = {0};
    for (uint32_t i = 0; i < statement->roles.count; i++) {
        rdb_role_object *objects;
        uint32_t role_oid, count;
        if (!named_role(context, statement->roles.items[i], "drop", &role_oid, err) || !refuse_system_role(context, role_oid, "drop objects", err) ||
            !rdb_role_objects(context->access, role_oid, true, context->arena, &objects, &count, err))
            return false;
        for (uint32_t k = 0; k < count; k++) {
            const uint32_t catalog_oid = objects[k].object.catalog_oid;
            if (objects[k].why != 'o') {
                if (!rdb_ddl_leave_object(context->access, &objects[k], role_oid, err))
                    return false;
            } else if (catalog_oid != RDB_PG_DATABASE && catalog_oid != RDB_PG_TABLESPACE) { /* what other databases see stays */
                rdb_list_push(context->arena, &owned, &objects[k]);
            }
        }
    }
    rdb_object_address *dropped = RDB_NEW_ARRAY(context->arena, rdb_object_address, owned.count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < owned.count; i++) {
        const rdb_object_address object = ((const rdb_role_object *)owned.items[i])->object;
        if (object.catalog_oid == RDB_PG_CLASS && !command_lock(context, object.object_oid, RDB_LOCK_ACCESS_EXCLUSIVE, err))
            return false;
        dropped[count++] = object;
    }
    return count == 0 || rdb_ddl_drop(context->access, dropped, count, statement->behavior == RDB_SQL_DROP_CASCADE, command_drop_notice, context, err);
}

bool command_reassign_owned(rdb_command_context *context, const rdb_ast_reassign_owned *statement, rdb_error *err)
{
    uint32_t new_oid;
    for (uint32_t i = 0; i < statement->roles.count; i++) {
        uint32_t role_oid;
        if (!named_role(context, statement->roles.items[i], "reassign", &role_oid, err))
            return false;
    }
    if (!named_role(context, statement->new_role, "reassign", &new_oid, err))
        return false;
    for (uint32_t i = 0; i < statement->roles.count; i++) {
        rdb_role_object *objects;
        uint32_t role_oid, count;
        if (!command_role_oid(context, statement->roles.items[i], &role_oid, err) || !refuse_system_role(context, role_oid, "reassign ownership of objects", err) ||
            !rdb_role_objects(context->access, role_oid, true, context->arena, &objects, &count, err))
            return false;
        for (uint32_t k = 0; k < count; k++) {
            const rdb_object_address object = objects[k].object;
            if (objects[k].why != 'o' || object.catalog_oid == PG_DEFAULT_ACL_CATALOG)
                continue;
            uint32_t catalog_oid = object.catalog_oid, oid = object.object_oid;
            const rdb_type *type = NULL;
            if (catalog_oid == RDB_PG_TYPE && !rdb_type_get(context->access, oid, &type, err))
                return false;
            if (type != NULL && type->relation_oid != 0)
                catalog_oid = RDB_PG_CLASS, oid = type->relation_oid;
            if (!rdb_ddl_set_owner(context->access, catalog_oid, oid, new_oid, err))
                return false;
        }
    }
    return true;
}
