/* SPDX-License-Identifier: Apache-2.0
 * GRANT and REVOKE: of privileges on objects, and of roles to roles. Who grants is the owner where the current role may act as
 * one, else the role (its own or one it is in) that holds the most of the grant options asked for. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"

typedef struct grant_work {
    rdb_command_context *context;
    const rdb_ast_grant *statement;
    rdb_acl_kind kind;
    bool is_all;              /* ALL PRIVILEGES */
    uint32_t bits;            /* of the whole object */
    rdb_list column_grants;   /* const rdb_ast_privilege * with columns */
    uint32_t *grantees;
    uint32_t grantee_count;
    rdb_error *err;
} grant_work;

static rdb_acl_kind kind_of(rdb_sql_object_type type)
{
    switch (type) {
    case RDB_SQL_OBJECT_TABLE: return 'r';
    case RDB_SQL_OBJECT_SEQUENCE: return 's';
    case RDB_SQL_OBJECT_DATABASE: return 'd';
    case RDB_SQL_OBJECT_FUNCTION: case RDB_SQL_OBJECT_PROCEDURE: case RDB_SQL_OBJECT_ROUTINE: return 'f';
    case RDB_SQL_OBJECT_LANGUAGE: return 'l';
    case RDB_SQL_OBJECT_LARGEOBJECT: return 'L';
    case RDB_SQL_OBJECT_SCHEMA: return 'n';
    case RDB_SQL_OBJECT_TYPE: case RDB_SQL_OBJECT_DOMAIN: return 'T';
    case RDB_SQL_OBJECT_TABLESPACE: return 't';
    default: return 0;
    }
}

static const char *kind_words(rdb_sql_object_type type)
{
    switch (type) {
    case RDB_SQL_OBJECT_TABLE: return "relation";
    case RDB_SQL_OBJECT_SEQUENCE: return "sequence";
    case RDB_SQL_OBJECT_DATABASE: return "database";
    case RDB_SQL_OBJECT_FUNCTION: return "function";
    case RDB_SQL_OBJECT_PROCEDURE: return "procedure";
    case RDB_SQL_OBJECT_ROUTINE: return "routine";
    case RDB_SQL_OBJECT_LANGUAGE: return "language";
    case RDB_SQL_OBJECT_LARGEOBJECT: return "large object";
    case RDB_SQL_OBJECT_SCHEMA: return "schema";
    case RDB_SQL_OBJECT_TYPE: return "type";
    case RDB_SQL_OBJECT_DOMAIN: return "domain";
    case RDB_SQL_OBJECT_TABLESPACE: return "tablespace";
    default: return "object";
    }
}

/* ---- what is granted, to whom ------------------------------------------------------------------------------------------------------ */
static bool read_privileges(grant_work *w)
{
    const rdb_list *privileges = &w->statement->privileges;
    w->is_all = privileges->count == 0;
    /* Tables may be meant to be sequences: their words are let through here. */
    const uint32_t allowed = rdb_acl_all(w->kind) | (w->kind == 'r' ? RDB_ACL_USAGE : 0);
    for (uint32_t i = 0; i < privileges->count; i++) {
        const rdb_ast_privilege *privilege = privileges->items[i];
        if (privilege->columns.count > 0) {
            if (w->kind != 'r')
                return rdb_error_set(w->err, RDB_INVALID_GRANT_OPERATION, "column privileges are only valid for relations");
            const uint32_t bit = privilege->name != NULL ? rdb_acl_bit(privilege->name) : rdb_acl_all('c');
            if (bit == 0)
                return rdb_error_set(w->err, RDB_SYNTAX_ERROR, "unrecognized privilege type \"%s\"", privilege->name);
            if (bit & ~rdb_acl_all('c'))
                return rdb_error_set(w->err, RDB_INVALID_GRANT_OPERATION, "invalid privilege type %s for column", rdb_acl_word(bit));
            rdb_list_push(w->context->arena, &w->column_grants, (void *)(uintptr_t)privilege);
            continue;
        }
        const uint32_t bit = privilege->name != NULL ? rdb_acl_bit(privilege->name) : 0;
        if (bit == 0)
            return rdb_error_set(w->err, RDB_SYNTAX_ERROR, "unrecognized privilege type \"%s\"", privilege->name != NULL ? privilege->name : "");
        if ((bit & allowed) == 0)
            return rdb_error_set(w->err, RDB_INVALID_GRANT_OPERATION, "invalid privilege type %s for %s", rdb_acl_word(bit), kind_words(w->statement->object_type));
        w->bits |= bit;
    }
    return true;
}

static bool read_grantees(grant_work *w)
{
    const rdb_list *grantees = &w->statement->grantees;
    w->grantees = RDB_NEW_ARRAY(w->context->arena, uint32_t, grantees->count + 1);
    for (uint32_t i = 0; i < grantees->count; i++) {
        const rdb_ast_role *role = grantees->items[i];
        if (role->kind == RDB_SQL_ROLE_PUBLIC) {
            if (w->statement->grant_option && w->statement->is_grant)
                return rdb_error_set(w->err, RDB_INVALID_GRANT_OPERATION, "grant options can only be granted to roles");
            w->grantees[w->grantee_count++] = RDB_ACL_PUBLIC;
        } else if (!command_role_oid(w->context, role, &w->grantees[w->grantee_count++], w->err)) {
            return false;
        }
    }
    if (w->statement->grantor != NULL) {
        uint32_t grantor;
        if (!command_role_oid(w->context, w->statement->grantor, &grantor, w->err))
            return false;
        if (grantor != w->context->role->oid)
            return rdb_error_set(w->err, RDB_FEATURE_NOT_SUPPORTED, "grantor must be current user");
    }
    return true;
}

bool command_read_grant(rdb_command_context *context, const rdb_ast_grant *statement, command_grant_parts *parts, rdb_error *err)
{
    grant_work w = {.context = context, .statement = statement, .kind = kind_of(statement->object_type), .err = err};
    if (w.kind == 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "privileges on this kind of object are not supported yet");
    if (!read_grantees(&w) || !read_privileges(&w))
        return false;
    if ((w.bits & ~rdb_acl_all(w.kind)) != 0)
        return rdb_error_set(err, RDB_INVALID_GRANT_OPERATION, "invalid privilege type %s for %s", rdb_acl_word(w.bits & ~rdb_acl_all(w.kind)), kind_words(statement->object_type));
    *parts = (command_grant_parts){.kind = w.kind, .has_columns = w.column_grants.count > 0, .bits = w.is_all ? rdb_acl_all(w.kind) : w.bits,
                                   .grantees = w.grantees, .grantee_count = w.grantee_count};
    return true;
}

/* ---- one object --------------------------------------------------------------------------------------------------------------------- */
static bool choose_grantor(grant_work *w, const rdb_acl_object *object, uint32_t bits, uint32_t *grantor, uint32_t *options)
{
    rdb_access *access = w->context->access;
    const uint32_t role = w->context->role->oid, wanted = bits << 16;
    bool is_owner;
    uint32_t best = 0;
    if (!rdb_acl_is_owner(access, role, object->owner, &is_owner, w->err))
        return false;
    *grantor = is_owner ? object->owner : role;
    *options = is_owner ? wanted : 0;
    for (uint32_t i = 0; !is_owner && i < object->acl.count; i++) {
        const rdb_acl_item *item = &object->acl.items[i];
        bool has;
        if (item->grantee == RDB_ACL_PUBLIC || (item->bits & wanted) == 0)
            continue;
        if (!rdb_role_has_privileges_of(access, role, item->grantee, &has, w->err))
            return false;
        const uint32_t got = (uint32_t)__builtin_popcount(item->bits & wanted) * 2 + (item->grantee == role);
        if (has && got > best) {
            best = got;
            *grantor = item->grantee;
            *options = item->bits & wanted;
        }
    }
    return true;
}

static void warn(grant_work *w, const rdb_acl_object *object, const char *relation, bool none)
{
    const bool is_grant = w->statement->is_grant;
    const char *sqlstate = is_grant ? RDB_WARNING_PRIVILEGE_NOT_GRANTED : RDB_WARNING_PRIVILEGE_NOT_REVOKED;
    const char *what = is_grant ? (none ? "no privileges were granted for" : "not all privileges were granted for")
                                : (none ? "no privileges could be revoked for" : "not all privileges could be revoked for");
    if (object->kind == 'c')
        command_notice(w->context, "WARNING", sqlstate, "%s column \"%s\" of relation \"%s\"", what, relation, object->name);
    else
        command_notice(w->context, "WARNING", sqlstate, "%s \"%s\"", what, object->name);
}

static bool change_object(grant_work *w, rdb_acl_object *object, uint32_t bits, const char *column_name, bool is_quiet)
{
    const rdb_ast_grant *statement = w->statement;
    rdb_acl acl = object->acl.is_set ? object->acl : rdb_acl_default(w->context->arena, object->kind, object->owner);
    uint32_t grantor, options, got;
    const rdb_acl_object shown = {.kind = object->kind, .acl = acl, .owner = object->owner, .relation_kind = object->relation_kind};
    if (!choose_grantor(w, &(rdb_acl_object){.acl = acl, .owner = object->owner}, bits, &grantor, &options))
        return false;
    if (options == 0) {
        /* Nothing to give on: refused outright where the role can do nothing at all with the object. */
        const uint32_t any = rdb_acl_all(object->kind);
        if (!rdb_acl_mask(w->context->access, &acl, object->kind, w->context->role->oid, object->owner, any | any << 16, true, &got, w->err))
            return false;
        if (got == 0 && object->kind == 'c') {
            rdb_acl_object whole;
            bool found;
            if (!rdb_acl_get_object(w->context->access, w->context->arena, 'r', object->oid, 0, &whole, &found, w->err) ||
                !rdb_acl_mask(w->context->access, &whole.acl, 'r', w->context->role->oid, whole.owner, UINT32_MAX, true, &got, w->err))
                return false;
        }
        if (got == 0 && !is_quiet)
            return rdb_acl_denied(object, w->err);
    }
    (void)shown;
    const uint32_t allowed = bits & options >> 16;
    if (!is_quiet && (allowed == 0 || (allowed != bits && !w->is_all)))
        warn(w, object, column_name, allowed == 0);
    bool has_changed = false;
    for (uint32_t i = 0; i < w->grantee_count; i++) {
        rdb_acl_item change = {w->grantees[i], grantor, allowed};
        if (statement->grant_option)
            change.bits = statement->is_grant ? allowed | allowed << 16 : allowed << 16;
        if (allowed == 0)
            continue;
        if (!rdb_acl_update(w->context->access, w->context->arena, &acl, &change, statement->is_grant, statement->behavior == RDB_SQL_DROP_CASCADE, object->owner, &acl, w->err))
            return false;
        has_changed = true;
    }
    return !has_changed || rdb_acl_set_object(w->context->access, object, &acl, w->err);
}

/* A column to grant on: the system's own too. */
static bool column_to_grant(const rdb_relation *relation, const char *name, int16_t *number, rdb_error *err)
{
    static const char *const SYSTEM[] = {"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"};
    for (size_t i = 0; i < RDB_COUNT_OF(SYSTEM) && (relation->kind == 'r' || relation->kind == 'p' || relation->kind == 'm'); i++)
        if (strcmp(name, SYSTEM[i]) == 0) {
            *number = (int16_t)(-1 - (int16_t)i);
            return true;
        }
    return command_column_number(relation, name, number, err);
}

static bool change_columns(grant_work *w, const rdb_relation *relation)
{
    for (uint32_t i = 0; i < w->column_grants.count; i++) {
        const rdb_ast_privilege *privilege = w->column_grants.items[i];
        const uint32_t bits = privilege->name != NULL ? rdb_acl_bit(privilege->name) : rdb_acl_all('c');
        for (uint32_t k = 0; k < privilege->columns.count; k++) {
            rdb_acl_object object;
            int16_t number;
            bool found;
            if (!column_to_grant(relation, privilege->columns.items[k], &number, w->err) ||
                !rdb_acl_get_object(w->context->access, w->context->arena, 'c', relation->oid, number, &object, &found, w->err) ||
                !change_object(w, &object, bits, privilege->columns.items[k], false))
                return false;
        }
    }
    return true;
}

/* What is taken from the table is taken from its columns too. */
static bool revoke_from_columns(grant_work *w, const rdb_relation *relation, uint32_t bits)
{
    bits &= rdb_acl_all('c');
    for (uint16_t i = 0; bits != 0 && !w->statement->is_grant && i < relation->column_count; i++) {
        rdb_acl_object object;
        bool found;
        if (relation->columns[i].is_dropped)
            continue;
        if (!rdb_acl_get_object(w->context->access, w->context->arena, 'c', relation->oid, (int16_t)(i + 1), &object, &found, w->err))
            return false;
        if (found && object.acl.is_set && !change_object(w, &object, bits, relation->columns[i].name, true))
            return false;
    }
    return true;
}

static bool change_relation(grant_work *w, const rdb_relation *relation)
{
    rdb_acl_object object;
    bool found;
    uint32_t bits = w->bits;
    if (relation->kind == 'i' || relation->kind == 'I')
        return rdb_error_set(w->err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is an index", relation->name);
    if (relation->kind == 'c')
        return rdb_error_set(w->err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is a composite type", relation->name);
    if (w->kind == 's' && relation->kind != 'S')
        return rdb_error_set(w->err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence", relation->name);
    const rdb_acl_kind kind = relation->kind == 'S' ? 's' : 'r';
    if (w->is_all)
        bits = rdb_acl_all(kind);
    if (kind == 's' && w->kind == 'r' && !w->is_all && (bits & ~rdb_acl_all('s')) != 0) {
        command_notice(w->context, "WARNING", RDB_INVALID_GRANT_OPERATION, "sequence \"%s\" only supports USAGE, SELECT, and UPDATE privileges", relation->name);
        bits &= rdb_acl_all('s');
    } else if (kind == 'r' && (bits & ~rdb_acl_all('r')) != 0) {
        return rdb_error_set(w->err, RDB_INVALID_GRANT_OPERATION, "invalid privilege type %s for table", rdb_acl_word(bits & ~rdb_acl_all('r')));
    }
    if ((bits != 0 || w->is_all) &&
        (!rdb_acl_get_object(w->context->access, w->context->arena, kind, relation->oid, 0, &object, &found, w->err) || !change_object(w, &object, bits, NULL, false) ||
         !revoke_from_columns(w, relation, bits)))
        return false;
    return change_columns(w, relation);
}

static bool change_by_oid(grant_work *w, uint32_t oid)
{
    rdb_acl_object object;
    bool found;
    if (!rdb_acl_get_object(w->context->access, w->context->arena, w->kind, oid, 0, &object, &found, w->err))
        return false;
    return !found || change_object(w, &object, w->is_all ? rdb_acl_all(w->kind) : w->bits, NULL, false);
}

/* ---- which objects --------------------------------------------------------------------------------------------------------------------- */
static bool find_by_name(grant_work *w, uint32_t catalog_oid, int name_column, int oid_column, const char *sqlstate, const char *name, uint32_t *oid)
{
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = true, ok = true;
    *oid = 0;
    if (!rdb_catalog_scan_open(&scan, w->context->access, catalog_oid, 0, NULL, 0, w->context->arena, w->err))
        return false;
    while (ok && *oid == 0 && (ok = rdb_catalog_scan_next(scan, &row, &found, w->err)) && found) {
        const rdb_bytes bytes = row.values[name_column - 1].bytes;
        if (bytes.length == strlen(name) && memcmp(bytes.data, name, bytes.length) == 0)
            *oid = row.values[oid_column - 1].oid;
    }
    rdb_catalog_scan_close(&scan);
    return ok && (*oid != 0 || rdb_error_set(w->err, sqlstate, "%s \"%s\" does not exist", kind_words(w->statement->object_type), name));
}

static bool change_named(grant_work *w, const rdb_ast_node *object)
{
    rdb_command_context *context = w->context;
    uint32_t oid = 0;
    switch (w->kind) {
    case 'r':
    case 's': {
        const rdb_relation *relation = NULL;
        rdb_ast_table table = *(const rdb_ast_table *)object;
        table.node.location = -1; /* PostgreSQL tells no position here */
        return command_open_table(context, &table, RDB_LOCK_ACCESS_SHARE, false, &relation, w->err) && change_relation(w, relation);
    }
    case 'f': {
        const rdb_function *function = NULL;
        if (!command_find_routine(context, (const rdb_ast_signature *)object, w->statement->object_type, false, &function, w->err))
            return false;
        return change_by_oid(w, function->oid);
    }
    case 'T': {
        const rdb_ast_items *parts = (const rdb_ast_items *)object;
        const rdb_type *type = NULL;
        const char *name, *schema = NULL;
        if (object->tag == RDB_AST_LIST) {
            name = ((const rdb_ast_value *)parts->items.items[parts->items.count - 1])->text;
            if (parts->items.count > 1)
                schema = ((const rdb_ast_value *)parts->items.items[parts->items.count - 2])->text;
        } else if (object->tag == RDB_AST_TYPE) {
            const rdb_ast_names *names = &((const rdb_ast_type *)object)->names;
            name = names->items[names->count - 1];
            schema = names->count > 1 ? names->items[names->count - 2] : NULL;
        } else {
            name = ((const rdb_ast_value *)object)->text;
        }
        if (!rdb_type_find(context->access, schema, name, &type, w->err))
            return false;
        if (type == NULL)
            return rdb_error_set(w->err, RDB_UNDEFINED_OBJECT, "type \"%s\" does not exist", name);
        if (w->statement->object_type == RDB_SQL_OBJECT_DOMAIN && type->kind != 'd')
            return rdb_error_set(w->err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a domain", name);
        if (type->element != NULL && type->category == 'A') {
            rdb_error_set(w->err, RDB_INVALID_GRANT_OPERATION, "cannot set privileges of array types");
            return rdb_error_hint(w->err, "Set the privileges of the element type instead.");
        }
        return change_by_oid(w, type->oid);
    }
    case 'n': {
        const char *name = ((const rdb_ast_value *)object)->text;
        if (!rdb_namespace_find(context->access, name, &oid, w->err))
            return false;
        if (oid == 0)
            return rdb_error_set(w->err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", name);
        return change_by_oid(w, oid);
    }
    case 'L': {
        command_object large;
        return command_find_object(context, RDB_SQL_OBJECT_LARGEOBJECT, NULL, object, NULL, false, &large, w->err) && change_by_oid(w, large.address.object_oid);
    }
    case 'd':
        return find_by_name(w, RDB_PG_DATABASE, RDB_pg_database_datname, RDB_pg_database_oid, RDB_INVALID_CATALOG_NAME, ((const rdb_ast_value *)object)->text, &oid) &&
               change_by_oid(w, oid);
    case 'l':
        if (strcmp(((const rdb_ast_value *)object)->text, "c") == 0 || strcmp(((const rdb_ast_value *)object)->text, "internal") == 0) {
            rdb_error_set(w->err, RDB_WRONG_OBJECT_TYPE, "language \"%s\" is not trusted", ((const rdb_ast_value *)object)->text);
            return rdb_error_detail(w->err, "GRANT and REVOKE are not allowed on untrusted languages, because only superusers can use untrusted languages.");
        }
        return find_by_name(w, 2612, RDB_pg_language_lanname, RDB_pg_language_oid, RDB_UNDEFINED_OBJECT, ((const rdb_ast_value *)object)->text, &oid) && change_by_oid(w, oid);
    default:
        return find_by_name(w, RDB_PG_TABLESPACE, RDB_pg_tablespace_spcname, RDB_pg_tablespace_oid, RDB_UNDEFINED_OBJECT, ((const rdb_ast_value *)object)->text, &oid) &&
               change_by_oid(w, oid);
    }
}

/* ALL TABLES, SEQUENCES, FUNCTIONS IN SCHEMA. */
static bool change_all_in_schema(grant_work *w, uint32_t namespace_oid)
{
    const bool is_function = w->kind == 'f';
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = true, ok = true;
    rdb_list oids = {0};
    if (!rdb_catalog_scan_open(&scan, w->context->access, is_function ? RDB_PG_PROC : RDB_PG_CLASS, 0, NULL, 0, w->context->arena, w->err))
        return false;
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, w->err)) && found) {
        if (row.values[(is_function ? RDB_pg_proc_pronamespace : RDB_pg_class_relnamespace) - 1].oid != namespace_oid)
            continue;
        const char kind = (char)row.values[(is_function ? RDB_pg_proc_prokind : RDB_pg_class_relkind) - 1].i8;
        const bool fits = is_function ? (w->statement->object_type == RDB_SQL_OBJECT_ROUTINE || (kind == 'p') == (w->statement->object_type == RDB_SQL_OBJECT_PROCEDURE))
                          : w->kind == 's' ? kind == 'S'
                                           : kind == 'r' || kind == 'v' || kind == 'm' || kind == 'p' || kind == 'f';
        if (fits)
            rdb_list_push(w->context->arena, &oids, (void *)(uintptr_t)row.values[(is_function ? RDB_pg_proc_oid : RDB_pg_class_oid) - 1].oid);
    }
    rdb_catalog_scan_close(&scan);
    for (uint32_t i = 0; ok && i < oids.count; i++) {
        const uint32_t oid = (uint32_t)(uintptr_t)oids.items[i];
        const rdb_relation *relation = NULL;
        ok = is_function ? change_by_oid(w, oid) : rdb_relation_get(w->context->access, oid, &relation, w->err) && (relation == NULL || change_relation(w, relation));
    }
    return ok;
}

bool command_grant(rdb_command_context *context, const rdb_ast_grant *statement, rdb_error *err)
{
    grant_work w = {.context = context, .statement = statement, .kind = kind_of(statement->object_type), .err = err};
    snprintf(context->tag, sizeof context->tag, "%s", statement->is_grant ? "GRANT" : "REVOKE");
    if (w.kind == 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "privileges on this kind of object are not supported yet");
    if (!read_privileges(&w) || !read_grantees(&w))
        return false;
    for (uint32_t i = 0; i < statement->objects.count; i++) {
        if (statement->target == RDB_SQL_GRANT_ALL_IN_SCHEMA) {
            const char *name = ((const rdb_ast_value *)statement->objects.items[i])->text;
            uint32_t oid = 0;
            if (!rdb_namespace_find(context->access, name, &oid, err))
                return false;
            if (oid == 0)
                return rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", name);
            if (!change_all_in_schema(&w, oid))
                return false;
        } else if (!change_named(&w, statement->objects.items[i])) {
            return false;
        }
    }
    return true;
}

/* ---- roles ------------------------------------------------------------------------------------------------------------------------------- */
static bool change_membership(rdb_command_context *context, const rdb_ast_grant_role *statement, const rdb_role *role, const rdb_role *member, rdb_error *err)
{
    if (statement->is_grant)
        return rdb_ddl_grant_role(context->access, role, member, context->role->oid, statement->admin_option,
                                  &(rdb_ddl_notice){.notice = command_drop_notice, .context = context}, err);
    bool found = false;
    if (!rdb_ddl_revoke_role(context->access, role->oid, member->oid, statement->admin_option, &found, err))
        return false;
    if (!found)
        command_notice(context, "WARNING", RDB_SUCCESSFUL_COMPLETION, "role \"%s\" is not a member of role \"%s\"", member->name, role->name);
    return true;
}

bool command_check_role_admin(rdb_command_context *context, const rdb_role *role, rdb_error *err)
{
    bool is_admin = false;
    if (role->is_superuser)
        return context->role->is_superuser || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to alter superusers");
    if (context->role->is_superuser || context->role->can_create_role)
        return true;
    if (!rdb_role_is_admin_of(context->access, context->role->oid, role->oid, &is_admin, err) && rdb_error_is_set(err))
        return false;
    return is_admin || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must have admin option on role \"%s\"", role->name);
}

bool command_find_role(rdb_command_context *context, const char *name, rdb_role *role, rdb_error *err)
{
    bool found = false;
    if (!rdb_role_find_within(context->access, name, role, &found, err))
        return false;
    return found || rdb_error_set(err, RDB_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
}

bool command_grant_role(rdb_command_context *context, const rdb_ast_grant_role *statement, rdb_error *err)
{
    snprintf(context->tag, sizeof context->tag, "%s ROLE", statement->is_grant ? "GRANT" : "REVOKE");
    if (statement->grantor != NULL) {
        uint32_t grantor;
        if (!command_role_oid(context, statement->grantor, &grantor, err))
            return false;
    }
    for (uint32_t i = 0; i < statement->roles.count; i++) {
        const rdb_ast_privilege *named = statement->roles.items[i];
        rdb_role role;
        if (named->name == NULL || named->columns.count > 0)
            return rdb_error_set(err, RDB_INVALID_GRANT_OPERATION, "column names cannot be included in GRANT/REVOKE ROLE");
        if (!command_find_role(context, named->name, &role, err) || !command_check_role_admin(context, &role, err))
            return false;
        if (role.oid == RDB_ROLE_DATABASE_OWNER)
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "role \"%s\" cannot have explicit members", role.name);
        for (uint32_t k = 0; k < statement->grantees.count; k++) {
            const rdb_ast_role *grantee = statement->grantees.items[k];
            rdb_role member;
            if (!command_find_role(context, grantee->kind == RDB_SQL_ROLE_NAMED ? grantee->name : grantee->kind == RDB_SQL_ROLE_PUBLIC ? "public" : context->role->name, &member, err))
                return false;
            if (member.oid == RDB_ROLE_DATABASE_OWNER)
                return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "role \"%s\" cannot be a member of any role", member.name);
            bool is_circular = false;
            if (statement->is_grant && role.oid == member.oid)
                return rdb_error_set(err, RDB_INVALID_GRANT_OPERATION, "role \"%s\" is a member of role \"%s\"", role.name, member.name);
            if (statement->is_grant && !role.is_superuser && !rdb_role_is_member_of(context->access, role.oid, member.oid, &is_circular, err))
                return false;
            if (is_circular)
                return rdb_error_set(err, RDB_INVALID_GRANT_OPERATION, "role \"%s\" is a member of role \"%s\"", role.name, member.name);
            if (!change_membership(context, statement, &role, &member, err))
                return false;
        }
    }
    return true;
}
