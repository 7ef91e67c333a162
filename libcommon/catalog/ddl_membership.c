/* SPDX-License-Identifier: Apache-2.0
 * Which roles are members of which: rows of pg_auth_members, shared by all databases. */
#include "catalog/ddl_int.h"

static bool find_membership(rdb_access *access, uint32_t role_oid, uint32_t member_oid, rdb_arena *arena, rdb_catalog_row *row, bool *found, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(role_oid), datum_oid(member_oid)};
    return catalog_find_row(access, RDB_PG_AUTH_MEMBERS, INDEX_AUTH_MEMBERS_ROLE, keys, 2, arena, row, found, err);
}

bool rdb_ddl_grant_role(rdb_access *access, const rdb_role *role, const rdb_role *member, uint32_t grantor_oid, bool with_admin, const rdb_ddl_notice *notice, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row old;
    bool found, ok = false;
    if (arena == NULL || !find_membership(access, role->oid, member->oid, arena, &old, &found, err))
        goto out;
    if (!found) {
        const new_row row = row_begin(access, RDB_PG_AUTH_MEMBERS, arena);
        set_oid(&row, RDB_pg_auth_members_roleid, role->oid);
        set_oid(&row, RDB_pg_auth_members_member, member->oid);
        set_oid(&row, RDB_pg_auth_members_grantor, grantor_oid);
        set_bool(&row, RDB_pg_auth_members_admin_option, with_admin);
        ok = row_insert(&row, err);
        goto out;
    }
    if (!with_admin || row_bool(&old, RDB_pg_auth_members_admin_option)) {
        if (notice != NULL)
            notice->notice(notice->context, rdb_arena_printf(arena, "role \"%s\" is already a member of role \"%s\"", member->name, role->name));
        ok = true;
        goto out;
    }
    old.values[RDB_pg_auth_members_admin_option - 1].b = true;
    old.values[RDB_pg_auth_members_grantor - 1].oid = grantor_oid;
    ok = rdb_catalog_update(access, RDB_PG_AUTH_MEMBERS, &old, err);
out:
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_revoke_role(rdb_access *access, uint32_t role_oid, uint32_t member_oid, bool only_admin, bool *found, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row old;
    *found = false;
    bool ok = arena != NULL && find_membership(access, role_oid, member_oid, arena, &old, found, err);
    if (ok && *found && only_admin) {
        old.values[RDB_pg_auth_members_admin_option - 1].b = false;
        ok = rdb_catalog_update(access, RDB_PG_AUTH_MEMBERS, &old, err);
    } else if (ok && *found) {
        ok = rdb_catalog_delete(access, RDB_PG_AUTH_MEMBERS, &old, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}
