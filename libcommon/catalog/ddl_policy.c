/* SPDX-License-Identifier: Apache-2.0
 * Policies of row-level security: rows of pg_policy. A policy goes with its table, and depends on what its conditions name. */
#include "catalog/ddl_int.h"

enum { PG_POLICY = 3256, INDEX_POLICY_OID = 3257, INDEX_POLICY_NAME = 3258, OID_ARRAY = 1028 };

bool rdb_policy_find(rdb_access *access, uint32_t relation_oid, const char *name, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool found = false;
    const rdb_datum keys[] = {datum_oid(relation_oid), datum_text(name)};
    *oid = 0;
    bool ok = arena != NULL && catalog_find_row(access, PG_POLICY, INDEX_POLICY_NAME, keys, 2, arena, &row, &found, err);
    if (ok && found)
        *oid = row_oid(&row, RDB_pg_policy_oid);
    rdb_arena_destroy(arena);
    return ok;
}

static bool read_policy(rdb_arena *arena, const rdb_catalog_row *row, rdb_policy *policy, rdb_error *err)
{
    *policy = (rdb_policy){.oid = row_oid(row, RDB_pg_policy_oid), .relation_oid = row_oid(row, RDB_pg_policy_polrelid), .name = row_text(arena, row, RDB_pg_policy_polname),
                           .command = row_char(row, RDB_pg_policy_polcmd), .is_permissive = row_bool(row, RDB_pg_policy_polpermissive),
                           .using_tree = row_text(arena, row, RDB_pg_policy_polqual), .check_tree = row_text(arena, row, RDB_pg_policy_polwithcheck)};
    return row_oids(arena, row, RDB_pg_policy_polroles, &policy->roles, &policy->role_count, err);
}

bool rdb_policy_read(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_policy *policy, rdb_error *err)
{
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(oid);
    return need_row(access, PG_POLICY, INDEX_POLICY_OID, &key, 1, arena, &row, err) && read_policy(arena, &row, policy, err);
}

bool rdb_policy_list(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, rdb_list *policies, rdb_error *err)
{
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = true;
    const rdb_datum key = datum_oid(relation_oid);
    *policies = (rdb_list){0};
    if (!rdb_catalog_scan_open(&scan, access, PG_POLICY, INDEX_POLICY_NAME, &key, 1, arena, err))
        return false;
    bool ok = true;
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        rdb_policy *policy = RDB_NEW(arena, rdb_policy);
        ok = read_policy(arena, &row, policy, err);
        rdb_list_push(arena, policies, policy);
    }
    rdb_catalog_scan_close(&scan);
    return ok && rdb_arena_check(arena, err);
}

static bool write_policy(rdb_access *access, const rdb_policy *policy, const rdb_object_address *uses, uint32_t use_count, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    const bool is_new = *oid == 0;
    rdb_catalog_row old;
    if (is_new && !rdb_catalog_new_oid(access, oid, err))
        return false;
    const rdb_object_address address = {PG_POLICY, *oid, 0};
    const rdb_datum key = datum_oid(*oid), depender[] = {datum_oid(PG_POLICY), key};
    const new_row row = row_begin(access, PG_POLICY, arena);
    set_oid(&row, RDB_pg_policy_oid, *oid);
    set_text(&row, RDB_pg_policy_polname, policy->name);
    set_oid(&row, RDB_pg_policy_polrelid, policy->relation_oid);
    set_char(&row, RDB_pg_policy_polcmd, policy->command);
    set_bool(&row, RDB_pg_policy_polpermissive, policy->is_permissive);
    set_text(&row, RDB_pg_policy_polqual, policy->using_tree);
    set_text(&row, RDB_pg_policy_polwithcheck, policy->check_tree);
    if (!datum_from_oids(arena, OID_ARRAY, policy->roles, policy->role_count, row_at(&row, RDB_pg_policy_polroles), err))
        return false;
    if (is_new) {
        if (!row_insert(&row, err))
            return false;
    } else {
        if (!need_row(access, PG_POLICY, INDEX_POLICY_OID, &key, 1, arena, &old, err) ||
            !delete_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, err))
            return false;
        old.values = row.values;
        old.is_null = row.is_null;
        if (!rdb_catalog_update(access, PG_POLICY, &old, err))
            return false;
    }
    rdb_catalog_invalidate(access, RDB_PG_CLASS, policy->relation_oid);
    return rdb_ddl_depend(access, address, (rdb_object_address){RDB_PG_CLASS, policy->relation_oid, 0}, 'a', err) &&
           ddl_depend_on_uses(access, address, uses, use_count, err);
}

bool rdb_ddl_write_policy(rdb_access *access, const rdb_policy *policy, const rdb_object_address *uses, uint32_t use_count, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && write_policy(access, policy, uses, use_count, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_rename_policy(rdb_access *access, uint32_t oid, const char *name, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(oid);
    bool ok = arena != NULL && need_row(access, PG_POLICY, INDEX_POLICY_OID, &key, 1, arena, &row, err);
    if (ok) {
        row.values[RDB_pg_policy_polname - 1] = datum_text(name);
        ok = rdb_catalog_update(access, PG_POLICY, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}
