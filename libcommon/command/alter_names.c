/* SPDX-License-Identifier: Apache-2.0
 * What objects are called and whose they are: RENAME, SET SCHEMA, OWNER TO, COMMENT; CREATE TYPE AS ENUM. */
#include "catalog/rdb_acl.h"
#include "command/inherit.h"

bool command_role_oid(rdb_command_context *context, const rdb_ast_role *role, uint32_t *oid, rdb_error *err)
{
    rdb_role found_role;
    bool found = false;
    *oid = context->role->oid;
    if (role->kind == RDB_SQL_ROLE_PUBLIC)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "role \"public\" does not exist");
    if (role->kind != RDB_SQL_ROLE_NAMED)
        return true;
    if (!rdb_role_find_within(context->access, role->name, &found_role, &found, err))
        return false;
    if (!found)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "role \"%s\" does not exist", role->name);
    *oid = found_role.oid;
    return true;
}

static const char *name_at(const rdb_list *names, uint32_t from_end)
{
    return names->count > from_end ? ((const rdb_ast_value *)names->items[names->count - 1 - from_end])->text : NULL;
}

static bool is_type_of_its_own(rdb_sql_object_type type)
{
    return type == RDB_SQL_OBJECT_TYPE || type == RDB_SQL_OBJECT_DOMAIN;
}

/* The type that a statement names by a list or as a type; DOMAIN wants a domain. Rows of tables and arrays follow theirs. */
static bool find_type(rdb_command_context *context, rdb_sql_object_type object_type, const rdb_ast_node *object, bool for_change, const rdb_type **type,
                      rdb_error *err)
{
    rdb_ast_names names = {0};
    if (object->tag == RDB_AST_TYPE) {
        names = ((const rdb_ast_type *)object)->names;
    } else {
        const rdb_list *list = &((const rdb_ast_items *)object)->items;
        names.items = RDB_NEW_ARRAY(context->arena, const char *, list->count + 1);
        for (; names.count < list->count; names.count++)
            names.items[names.count] = name_at(list, list->count - 1 - names.count);
    }
    if (object_type == RDB_SQL_OBJECT_DOMAIN || object_type == RDB_SQL_OBJECT_DOMCONSTRAINT)
        return command_find_domain(context, &names, type, err);
    if (!command_find_type(context, &names, false, type, err))
        return false;
    rdb_strbuf shown, element;
    rdb_strbuf_init(&shown, context->arena);
    rdb_strbuf_init(&element, context->arena);
    rdb_type_format_name(*type, -1, false, &shown);
    if (for_change && (*type)->kind == 'c') {
        const rdb_relation *relation = NULL;
        if (!rdb_relation_get(context->access, (*type)->relation_oid, &relation, err))
            return false;
        if (relation != NULL && relation->kind != 'c') {
            rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "%s is a table's row type", shown.data);
            return rdb_error_hint(err, "Use ALTER TABLE instead.");
        }
    }
    if (for_change && (*type)->element != NULL && (*type)->category == 'A') {
        rdb_type_format_name((*type)->element, -1, false, &element);
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot alter array type %s", shown.data);
        return rdb_error_hint(err, "You can alter type %s, which will alter the array type as well.", element.data);
    }
    return true;
}

static bool rename_type_or_rule(rdb_command_context *context, const rdb_ast_rename *statement, rdb_error *err)
{
    const rdb_type *type = NULL;
    uint32_t oid = 0;
    if (!find_type(context, statement->object_type, statement->object, true, &type, err))
        return false;
    if (statement->object_type != RDB_SQL_OBJECT_DOMCONSTRAINT) {
        if (type->kind == 'c')
            return rdb_ddl_rename_relation(context->access, type->relation_oid, statement->new_name, err);
        return rdb_ddl_rename_type(context->access, type->oid, statement->new_name, err);
    }
    if (!command_find_domain_constraint(context, type, statement->sub_name, &oid, err))
        return false;
    if (oid == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" for domain %s does not exist", statement->sub_name, type->name);
    return rdb_ddl_rename_constraint(context->access, oid, statement->new_name, err);
}

static bool is_relation_type(rdb_sql_object_type type)
{
    return type == RDB_SQL_OBJECT_TABLE || type == RDB_SQL_OBJECT_VIEW || type == RDB_SQL_OBJECT_INDEX || type == RDB_SQL_OBJECT_SEQUENCE ||
           type == RDB_SQL_OBJECT_MATVIEW;
}

/* The relation, locked for the change; NULL where it is missing and may be. ALTER TABLE takes any kind, the others their own. */
static bool open_for_change(rdb_command_context *context, const rdb_ast_table *table, rdb_sql_object_type type, bool missing_ok,
                            const rdb_relation **relation, rdb_error *err)
{
    static const struct {
        rdb_sql_object_type type;
        char kind;
        const char *words;
    } KINDS[] = {{RDB_SQL_OBJECT_VIEW, 'v', "a view"}, {RDB_SQL_OBJECT_INDEX, 'i', "an index"},
                 {RDB_SQL_OBJECT_SEQUENCE, 'S', "a sequence"}, {RDB_SQL_OBJECT_MATVIEW, 'm', "a materialized view"}};
    if (!command_open_table(context, table, RDB_LOCK_ACCESS_EXCLUSIVE, missing_ok, relation, err))
        return false;
    if (*relation == NULL) {
        command_notice(context, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "relation \"%s\" does not exist, skipping", table->name);
        return true;
    }
    for (size_t i = 0; i < RDB_COUNT_OF(KINDS); i++)
        if (KINDS[i].type == type && (*relation)->kind != KINDS[i].kind && ((*relation)->kind != 'I' || KINDS[i].kind != 'i'))
            return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not %s", (*relation)->name, KINDS[i].words);
    return command_check_owner(context, *relation, err);
}

static bool rename_constraint(rdb_command_context *context, const rdb_ast_rename *statement, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    if (!open_for_change(context, statement->table, RDB_SQL_OBJECT_TABLE, statement->missing_ok, &relation, err))
        return false;
    for (uint16_t i = 0; relation != NULL && i < relation->constraint_count; i++) {
        const rdb_constraint *constraint = &relation->constraints[i];
        if (strcmp(constraint->name, statement->sub_name) != 0)
            continue;
        if (constraint->inherit_count > 0)
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "cannot rename inherited constraint \"%s\"", constraint->name);
        if (constraint->kind == 'f' || constraint->kind == 'c')
            return command_rename_check(context, relation, constraint, statement->new_name, !statement->table->inherits, err);
        return command_refuse_taken_constraint(relation, statement->new_name, err) &&
               rdb_ddl_rename_relation(context->access, constraint->index_oid, statement->new_name, err);
    }
    return relation == NULL || rdb_error_set(err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist", statement->sub_name, relation->name);
}

static bool rename_role(rdb_command_context *context, const rdb_ast_rename *statement, rdb_error *err)
{
    const rdb_ast_role named = {.node = {RDB_AST_ROLE, -1}, .kind = RDB_SQL_ROLE_NAMED, .name = statement->sub_name};
    uint32_t oid = 0;
    rdb_role role, other;
    bool found = false;
    if (!command_role_oid(context, &named, &oid, err) || !rdb_role_find_within(context->access, statement->sub_name, &role, &found, err) || !found)
        return false;
    if (oid == context->role->oid)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "session user cannot be renamed");
    if (strncmp(role.name, "pg_", 3) == 0) {
        rdb_error_set(err, RDB_RESERVED_NAME, "role name \"%s\" is reserved", role.name);
        return rdb_error_detail(err, "Role names starting with \"pg_\" are reserved.");
    }
    if (strncmp(statement->new_name, "pg_", 3) == 0) {
        rdb_error_set(err, RDB_RESERVED_NAME, "role name \"%s\" is reserved", statement->new_name);
        return rdb_error_detail(err, "Role names starting with \"pg_\" are reserved.");
    }
    if (!rdb_role_find_within(context->access, statement->new_name, &other, &found, err))
        return false;
    if (found)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "role \"%s\" already exists", statement->new_name);
    if (!context->role->is_superuser && (role.is_superuser || !context->role->can_create_role))
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, role.is_superuser ? "must be superuser to rename superusers" : "permission denied to rename role");
    const command_object object = {.type = RDB_SQL_OBJECT_ROLE, .address = {RDB_PG_AUTHID, oid, 0}, .word = "role", .name = role.name};
    return command_change_object(context, &object, statement->new_name, 0, err);
}

/* Descriptors know the name of their schema. */
static bool forget_relations(rdb_command_context *context, uint32_t namespace_oid, rdb_error *err)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    bool ok = rdb_catalog_scan_open(&scan, context->access, RDB_PG_CLASS, 0, NULL, 0, context->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
        if (row.values[RDB_pg_class_relnamespace - 1].oid == namespace_oid)
            rdb_catalog_invalidate(context->access, RDB_PG_CLASS, row.values[RDB_pg_class_oid - 1].oid);
    rdb_catalog_scan_close(&scan);
    return ok;
}

static bool rename_object(rdb_command_context *context, const rdb_ast_rename *statement, rdb_error *err)
{
    const bool is_schema = statement->object_type == RDB_SQL_OBJECT_SCHEMA;
    const rdb_ast_value named = {.node = {RDB_AST_VALUE, -1}, .kind = RDB_SQL_VALUE_STRING, .text = statement->sub_name};
    const rdb_ast_node *node = statement->object != NULL ? statement->object : &named.node;
    command_object object;
    if (statement->object_type == RDB_SQL_OBJECT_DATABASE)
        return command_rename_database(context, statement->sub_name, statement->new_name, err);
    if (!command_find_object(context, statement->object_type, statement->table, node, statement->sub_name, statement->missing_ok, &object, err))
        return false;
    if (object.address.object_oid == 0)
        return true;
    if (object.relation != NULL && statement->object_type == RDB_SQL_OBJECT_RULE && strcmp(statement->sub_name, "_RETURN") == 0)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "renaming an ON SELECT rule is not allowed");
    if (!command_check_object_owner(context, &object, err))
        return false;
    if (is_schema && strncmp(statement->new_name, "pg_", 3) == 0) {
        rdb_error_set(err, RDB_RESERVED_NAME, "unacceptable schema name \"%s\"", statement->new_name);
        return rdb_error_detail(err, "The prefix \"pg_\" is reserved for system schemas.");
    }
    if (object.namespace_oid != 0 && !rdb_acl_check(context->access, 'n', object.namespace_oid, context->role->oid, RDB_ACL_CREATE, err))
        return false;
    return command_change_object(context, &object, statement->new_name, 0, err) && (!is_schema || forget_relations(context, object.address.object_oid, err));
}

bool command_rename(rdb_command_context *context, const rdb_ast_rename *statement, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    int16_t number;
    if (statement->object_type == RDB_SQL_OBJECT_TABCONSTRAINT)
        return rename_constraint(context, statement, err);
    if (statement->object_type == RDB_SQL_OBJECT_ROLE)
        return rename_role(context, statement, err);
    const bool is_column = statement->object_type == RDB_SQL_OBJECT_COLUMN || statement->object_type == RDB_SQL_OBJECT_ATTRIBUTE;
    if (is_type_of_its_own(statement->object_type) || statement->object_type == RDB_SQL_OBJECT_DOMCONSTRAINT)
        return rename_type_or_rule(context, statement, err);
    if (statement->object_type == RDB_SQL_OBJECT_POLICY)
        return command_rename_policy(context, statement, err);
    if (!is_column && !is_relation_type(statement->object_type))
        return rename_object(context, statement, err);
    /* ALTER INDEX has always renamed tables too */
    const bool is_any = is_column || statement->object_type == RDB_SQL_OBJECT_INDEX;
    if (!open_for_change(context, statement->table, is_any ? RDB_SQL_OBJECT_TABLE : statement->object_type, statement->missing_ok, &relation, err))
        return false;
    if (relation == NULL)
        return true;
    if (!is_column)
        return rdb_ddl_rename_relation(context->access, relation->oid, statement->new_name, err);
    if (relation->kind != 'r' && relation->kind != 'p' && relation->kind != 'v' && relation->kind != 'm' && (relation->kind != 'c' || statement->object_type != RDB_SQL_OBJECT_ATTRIBUTE))
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot rename columns of relation \"%s\"", relation->name);
    if (!command_refuse_typed(relation, "rename column of", err))
        return false;
    number = command_find_column(relation, statement->sub_name);
    if (number == 0)
        return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" does not exist", statement->sub_name);
    return command_rename_column(context, relation, statement->sub_name, statement->new_name, !statement->table->inherits, false, err);
}

static bool move_object(rdb_command_context *context, const rdb_ast_set_schema *statement, rdb_error *err)
{
    command_object object;
    uint32_t namespace_oid = 0;
    if (!command_find_object(context, statement->object_type, NULL, statement->object, NULL, statement->missing_ok, &object, err) || object.address.object_oid == 0)
        return !rdb_error_is_set(err);
    return command_check_object_owner(context, &object, err) && command_schema_for_objects(context, statement->new_schema, &namespace_oid, err) &&
           command_change_object(context, &object, NULL, namespace_oid, err);
}

bool command_set_schema(rdb_command_context *context, const rdb_ast_set_schema *statement, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    uint32_t namespace_oid = 0;
    if (is_type_of_its_own(statement->object_type)) {
        const rdb_type *type = NULL;
        if (!find_type(context, statement->object_type, statement->object, true, &type, err) ||
            !rdb_namespace_find(context->access, statement->new_schema, &namespace_oid, err))
            return false;
        if (namespace_oid == 0)
            return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", statement->new_schema);
        return type->kind == 'c' ? rdb_ddl_set_namespace(context->access, type->relation_oid, namespace_oid, err)
                                 : rdb_ddl_set_type_namespace(context->access, type->oid, namespace_oid, err);
    }
    if (!is_relation_type(statement->object_type))
        return move_object(context, statement, err);
    if (!open_for_change(context, statement->table, statement->object_type, statement->missing_ok, &relation, err))
        return false;
    if (relation == NULL)
        return true;
    if (!rdb_namespace_find(context->access, statement->new_schema, &namespace_oid, err))
        return false;
    if (namespace_oid == 0)
        return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", statement->new_schema);
    if (relation->kind == 'i')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot change schema of index \"%s\"", relation->name) ||
               rdb_error_hint(err, "Change the schema of the table instead.");
    return rdb_ddl_set_namespace(context->access, relation->oid, namespace_oid, err);
}

/* Who gives an object away must be able to act as the new owner. */
static bool may_give(rdb_command_context *context, uint32_t owner_oid, rdb_error *err)
{
    bool is_member = false;
    rdb_role role;
    bool found = false;
    if (context->role->is_superuser || owner_oid == context->role->oid)
        return true;
    if (!rdb_acl_is_owner(context->access, context->role->oid, owner_oid, &is_member, err) || is_member)
        return !rdb_error_is_set(err);
    return rdb_role_get(context->access, owner_oid, &role, &found, err) &&
           rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be member of role \"%s\"", found ? role.name : "?");
}

bool command_set_owner(rdb_command_context *context, const rdb_ast_set_owner *statement, rdb_error *err)
{
    uint32_t owner_oid = 0;
    if (is_type_of_its_own(statement->object_type)) {
        const rdb_type *type = NULL;
        return find_type(context, statement->object_type, statement->object, true, &type, err) &&
               command_role_oid(context, statement->new_owner, &owner_oid, err) &&
               rdb_ddl_set_owner(context->access, type->kind == 'c' ? RDB_PG_CLASS : RDB_PG_TYPE, type->kind == 'c' ? type->relation_oid : type->oid, owner_oid, err);
    }
    command_object object;
    if (!command_find_object(context, statement->object_type, statement->table, statement->object, NULL, false, &object, err) ||
        !command_role_oid(context, statement->new_owner, &owner_oid, err) || !command_check_object_owner(context, &object, err))
        return false;
    if (!may_give(context, owner_oid, err))
        return false;
    if (!context->role->is_superuser && object.namespace_oid != 0 && !rdb_acl_check(context->access, 'n', object.namespace_oid, owner_oid, RDB_ACL_CREATE, err))
        return false;
    if (object.address.catalog_oid == RDB_PG_NAMESPACE && !context->role->is_superuser &&
        !rdb_acl_check(context->access, 'd', rdb_database_oid(rdb_access_get_context(context->access)->database), context->role->oid, RDB_ACL_CREATE, err))
        return false;
    return rdb_ddl_set_owner(context->access, object.address.catalog_oid, object.address.object_oid, owner_oid, err);
}

static bool comment_object(rdb_command_context *context, const rdb_ast_comment *statement, rdb_error *err)
{
    command_object object;
    return command_find_object(context, statement->object_type, NULL, statement->object, NULL, false, &object, err) && command_check_object_owner(context, &object, err) &&
           rdb_ddl_comment(context->access, object.address, statement->comment, err);
}

bool command_comment(rdb_command_context *context, const rdb_ast_comment *statement, rdb_error *err)
{
    rdb_object_address object = {0};
    if (is_type_of_its_own(statement->object_type)) {
        const rdb_type *type = NULL;
        if (!find_type(context, statement->object_type, statement->object, false, &type, err))
            return false;
        object = (rdb_object_address){RDB_PG_TYPE, type->oid, 0};
        return rdb_ddl_comment(context->access, object, statement->comment, err);
    }
    if (statement->object_type == RDB_SQL_OBJECT_DOMCONSTRAINT) {
        const rdb_list *parts = &((const rdb_ast_items *)statement->object)->items;
        const rdb_type *type = NULL;
        const char *rule = ((const rdb_ast_value *)parts->items[1])->text;
        object.catalog_oid = RDB_PG_CONSTRAINT;
        if (!find_type(context, RDB_SQL_OBJECT_DOMAIN, parts->items[0], false, &type, err) ||
            !command_find_domain_constraint(context, type, rule, &object.object_oid, err))
            return false;
        if (object.object_oid == 0)
            return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" for domain %s does not exist", rule, type->name);
        return rdb_ddl_comment(context->access, object, statement->comment, err);
    }
    if (statement->object_type == RDB_SQL_OBJECT_POLICY) {
        const rdb_list *parts = &((const rdb_ast_items *)statement->object)->items;
        const rdb_ast_table on = {.node = {RDB_AST_TABLE, -1}, .name = name_at(parts, 1), .schema = name_at(parts, 2)};
        const rdb_relation *table = NULL;
        object.catalog_oid = RDB_PG_POLICY;
        return command_find_policy(context, &on, name_at(parts, 0), &table, &object.object_oid, err) && rdb_ddl_comment(context->access, object, statement->comment, err);
    }
    const bool is_column = statement->object_type == RDB_SQL_OBJECT_COLUMN, is_constraint = statement->object_type == RDB_SQL_OBJECT_TABCONSTRAINT;
    if (!is_column && !is_constraint && !is_relation_type(statement->object_type))
        return comment_object(context, statement, err);
    const rdb_list *names = &((const rdb_ast_items *)statement->object)->items;
    const uint32_t skipped = is_column || is_constraint ? 1 : 0;
    const rdb_ast_table table = {.node = {RDB_AST_TABLE, -1}, .name = name_at(names, skipped), .schema = name_at(names, skipped + 1)};
    const rdb_relation *relation = NULL;
    if (table.name == NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "column name must be qualified");
    if (!open_for_change(context, &table, is_column || is_constraint ? RDB_SQL_OBJECT_TABLE : statement->object_type, false, &relation, err))
        return false;
    object = (rdb_object_address){RDB_PG_CLASS, relation->oid, 0};
    if (is_column) {
        int16_t number;
        if (!command_column_number(relation, name_at(names, 0), &number, err))
            return false;
        object.sub_id = number;
    } else if (is_constraint) {
        object = (rdb_object_address){0};
        for (uint16_t i = 0; i < relation->constraint_count; i++)
            if (strcmp(relation->constraints[i].name, name_at(names, 0)) == 0)
                object = (rdb_object_address){RDB_PG_CONSTRAINT, relation->constraints[i].oid, 0};
        if (object.object_oid == 0)
            return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist", name_at(names, 0), relation->name);
    }
    return rdb_ddl_comment(context->access, object, statement->comment, err);
}

bool command_create_enum(rdb_command_context *context, const rdb_ast_create_enum *statement, rdb_error *err)
{
    const rdb_ast_names *name = &statement->name;
    const rdb_ast_table table = {.node = {RDB_AST_TABLE, -1}, .name = name->items[name->count - 1],
                                 .schema = name->count > 1 ? name->items[name->count - 2] : NULL};
    uint32_t namespace_oid = 0, oid = 0;
    return command_creation_namespace(context, &table, &namespace_oid, err) &&
           rdb_ddl_create_enum(context->access, table.name, namespace_oid, context->role->oid, (const char *const *)statement->labels.items,
                               statement->labels.count, &oid, err);
}
