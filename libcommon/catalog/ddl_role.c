/* SPDX-License-Identifier: Apache-2.0
 * DDL on roles. They are shared: their rows live in the root PDB and change through the transaction's companion there. */
#include "catalog/ddl_int.h"

static bool fill_role(rdb_catalog_row *row, const rdb_role_definition *definition)
{
    row->values[RDB_pg_authid_rolname - 1] = datum_text(definition->name);
    row->values[RDB_pg_authid_rolsuper - 1].b = definition->is_superuser;
    row->values[RDB_pg_authid_rolinherit - 1].b = definition->inherits;
    row->values[RDB_pg_authid_rolcreaterole - 1].b = definition->can_create_role;
    row->values[RDB_pg_authid_rolcreatedb - 1].b = definition->can_create_db;
    row->values[RDB_pg_authid_rolcanlogin - 1].b = definition->can_login;
    row->values[RDB_pg_authid_rolreplication - 1].b = definition->can_replicate;
    row->values[RDB_pg_authid_rolbypassrls - 1].b = definition->bypasses_rls;
    row->values[RDB_pg_authid_rolconnlimit - 1].i32 = definition->connection_limit;
    row->is_null[RDB_pg_authid_rolpassword - 1] = definition->verifier == NULL;
    if (definition->verifier != NULL)
        row->values[RDB_pg_authid_rolpassword - 1] = datum_text(definition->verifier);
    if (definition->has_valid_until) {
        row->is_null[RDB_pg_authid_rolvaliduntil - 1] = definition->valid_until_null;
        row->values[RDB_pg_authid_rolvaliduntil - 1].i64 = definition->valid_until;
    }
    return true;
}

static bool check_role_name(rdb_access *access, const char *name, uint32_t own_oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum key = datum_text(name);
    if (!catalog_find_row(access, RDB_PG_AUTHID, INDEX_ROLE_NAME, &key, 1, arena, &row, &found, err))
        return false;
    if (found && row_oid(&row, RDB_pg_authid_oid) != own_oid)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "role \"%s\" already exists", name);
    return true;
}

bool rdb_ddl_create_role(rdb_access *access, const rdb_role_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = false;
    if (arena == NULL || !check_role_name(access, definition->name, 0, arena, err) || !catalog_new_shared_oid(access, oid, err))
        goto out;
    const new_row row = row_begin(access, RDB_PG_AUTHID, arena);
    memset(row.is_null, false, RDB_pg_authid_COLUMNS);
    row.is_null[RDB_pg_authid_rolvaliduntil - 1] = true;
    set_oid(&row, RDB_pg_authid_oid, *oid);
    rdb_catalog_row filled = {.values = row.values, .is_null = row.is_null};
    ok = fill_role(&filled, definition) && row_insert(&row, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_alter_role(rdb_access *access, uint32_t role_oid, const rdb_role_definition *definition, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(role_oid);
    bool ok = arena != NULL && check_role_name(access, definition->name, role_oid, arena, err) &&
              need_row(access, RDB_PG_AUTHID, INDEX_ROLE_OID, &key, 1, arena, &row, err) && fill_role(&row, definition) &&
              rdb_catalog_update(access, RDB_PG_AUTHID, &row, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_drop_role(rdb_access *access, uint32_t role_oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    char name[RDB_NAMEDATALEN];
    const rdb_datum key = datum_oid(role_oid);
    bool ok = false;
    if (arena == NULL || !need_row(access, RDB_PG_AUTHID, INDEX_ROLE_OID, &key, 1, arena, &row, err))
        goto out;
    row_name(&row, RDB_pg_authid_rolname, name);
    if (!ddl_report_role_objects(access, role_oid, name, arena, err))
        goto out;
    ok = ddl_forget_role_settings(access, role_oid, err) && delete_rows(access, RDB_PG_AUTH_MEMBERS, INDEX_AUTH_MEMBERS_MEMBER, &key, 1, err) &&
         delete_rows(access, RDB_PG_AUTH_MEMBERS, INDEX_AUTH_MEMBERS_ROLE, &key, 1, err) &&
         rdb_ddl_comment(access, (rdb_object_address){RDB_PG_AUTHID, role_oid, 0}, NULL, err) && rdb_catalog_delete(access, RDB_PG_AUTHID, &row, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}
