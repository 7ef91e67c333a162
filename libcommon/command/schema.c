/* SPDX-License-Identifier: Apache-2.0
 * CREATE SCHEMA, with what is made in it at once: those elements run as statements of their own for which the new schema comes first in
 * the search path, in an order that lets later kinds use earlier ones. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"

static int pass_of(const rdb_ast_node *element)
{
    switch (element->tag) {
    case RDB_AST_CREATE_SEQUENCE: return 0;
    case RDB_AST_CREATE_TABLE: return 1;
    case RDB_AST_CREATE_VIEW: return 2;
    case RDB_AST_CREATE_INDEX: return 3;
    case RDB_AST_CREATE_TRIGGER: return 4;
    default: return 5; /* GRANT */
    }
}

static rdb_ast_table **place_of(rdb_ast_node *element)
{
    switch (element->tag) {
    case RDB_AST_CREATE_SEQUENCE: return &((rdb_ast_create_sequence *)element)->table;
    case RDB_AST_CREATE_TABLE: return &((rdb_ast_create_table *)element)->table;
    case RDB_AST_CREATE_VIEW: return &((rdb_ast_create_view *)element)->table;
    case RDB_AST_CREATE_INDEX: return &((rdb_ast_create_index *)element)->table;
    case RDB_AST_CREATE_TRIGGER: return &((rdb_ast_create_trigger *)element)->table;
    default: return NULL;
    }
}

/* Elements may not be placed elsewhere; where they name no schema it is the new one. */
static bool place_elements(rdb_command_context *context, const rdb_list *elements, const char *name, rdb_error *err)
{
    for (uint32_t i = 0; i < elements->count; i++) {
        rdb_ast_table **place = place_of(elements->items[i]);
        if (place == NULL || *place == NULL)
            continue;
        if ((*place)->schema != NULL && strcmp((*place)->schema, name) != 0)
            return rdb_error_set(err, RDB_INVALID_SCHEMA_DEFINITION, "CREATE specifies a schema (%s) different from the one being created (%s)", (*place)->schema, name);
        if ((*place)->schema == NULL) {
            *place = rdb_arena_memdup(context->arena, *place, sizeof **place);
            (*place)->schema = name;
        }
    }
    return true;
}

static bool run_elements(rdb_command_context *context, const rdb_list *elements, const char *name, rdb_error *err)
{
    rdb_access_context settings = *rdb_access_get_context(context->access);
    rdb_command_context inner = *context;
    rdb_strbuf path;
    bool ok;
    rdb_strbuf_init(&path, context->arena);
    rdb_identifier_add(&path, name);
    if (settings.search_path != NULL && settings.search_path[0] != '\0')
        rdb_strbuf_addf(&path, ", %s", settings.search_path);
    settings.search_path = path.data;
    if (!rdb_access_begin(&inner.access, &settings, err))
        return false;
    ok = true;
    for (int pass = 0; pass < 6 && ok; pass++)
        for (uint32_t i = 0; i < elements->count && ok; i++)
            if (pass_of(elements->items[i]) == pass)
                ok = rdb_command_run(&inner, elements->items[i], err);
    rdb_access_end(&inner.access);
    return ok;
}

bool command_create_schema(rdb_command_context *context, const rdb_ast_create_schema *statement, rdb_error *err)
{
    uint32_t oid = 0, owner_oid = context->role->oid;
    const char *name = statement->name;
    rdb_role owner;
    bool found = false, is_member = true;
    if (statement->owner != NULL && !command_role_oid(context, statement->owner, &owner_oid, err))
        return false;
    if (name == NULL) {
        if (!rdb_role_get(context->access, owner_oid, &owner, &found, err) || !found)
            return false;
        name = rdb_arena_strdup(context->arena, owner.name);
    }
    if (!place_elements(context, &statement->elements, name, err) ||
        !rdb_acl_check(context->access, 'd', rdb_database_oid(rdb_access_get_context(context->access)->database), context->role->oid, RDB_ACL_CREATE, err))
        return false;
    if (owner_oid != context->role->oid && !context->role->is_superuser && !rdb_acl_is_owner(context->access, context->role->oid, owner_oid, &is_member, err))
        return false;
    if (!is_member)
        return rdb_role_get(context->access, owner_oid, &owner, &found, err) && rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be member of role \"%s\"", owner.name);
    if (strncmp(name, "pg_", 3) == 0)
        return rdb_error_set(err, RDB_RESERVED_NAME, "unacceptable schema name \"%s\"", name) || rdb_error_detail(err, "The prefix \"pg_\" is reserved for system schemas.");
    if (!rdb_namespace_find(context->access, name, &oid, err))
        return false;
    if (oid != 0 && statement->if_not_exists) {
        command_notice(context, "NOTICE", RDB_DUPLICATE_SCHEMA, "schema \"%s\" already exists, skipping", name);
        return true;
    }
    if (oid != 0)
        return rdb_error_set(err, RDB_DUPLICATE_SCHEMA, "schema \"%s\" already exists", name);
    return rdb_ddl_create_namespace(context->access, name, owner_oid, &oid, err) &&
           (statement->elements.count == 0 || run_elements(context, &statement->elements, name, err));
}
