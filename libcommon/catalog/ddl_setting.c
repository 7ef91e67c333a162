/* SPDX-License-Identifier: Apache-2.0
 * ALTER ROLE ... SET and ALTER DATABASE ... SET: rows of pg_db_role_setting, one a pair of database and role (0: any). */
#include "catalog/ddl_int.h"

#include <strings.h>

enum { INDEX_SETTING = 2965, TEXT_ARRAY_TYPE = 1009 };

static bool is_named(const char *text, const char *name)
{
    const size_t length = strlen(name);
    return strncasecmp(text, name, length) == 0 && text[length] == '=';
}

bool rdb_ddl_read_settings(rdb_access *access, uint32_t database_oid, uint32_t role_oid, rdb_arena *arena, const char *const **texts, uint32_t *count, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(database_oid), datum_oid(role_oid)};
    rdb_catalog_row row;
    bool found;
    *count = 0;
    return catalog_find_row(access, RDB_PG_SETTING, INDEX_SETTING, keys, 2, arena, &row, &found, err) &&
           (!found || row_texts(arena, &row, RDB_pg_db_role_setting_setconfig, texts, count, err));
}

static bool store(rdb_access *access, uint32_t database_oid, uint32_t role_oid, const char *name, const char *value, rdb_arena *arena, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(database_oid), datum_oid(role_oid)};
    const char *const *old = NULL;
    uint32_t old_count = 0, count = 0;
    rdb_catalog_row row;
    rdb_datum array;
    bool found, is_there = false;
    if (!catalog_find_row(access, RDB_PG_SETTING, INDEX_SETTING, keys, 2, arena, &row, &found, err) ||
        (found && !row_texts(arena, &row, RDB_pg_db_role_setting_setconfig, &old, &old_count, err)))
        return false;
    const char **texts = RDB_NEW_ARRAY(arena, const char *, old_count + 1);
    for (uint32_t i = 0; name != NULL && i < old_count; i++) {
        if (!is_named(old[i], name))
            texts[count++] = old[i];
        else if (value != NULL) {
            texts[count++] = rdb_arena_printf(arena, "%s=%s", name, value);
            is_there = true;
        }
    }
    if (value != NULL && !is_there)
        texts[count++] = rdb_arena_printf(arena, "%s=%s", name, value);
    if (!rdb_arena_check(arena, err) || (!found && count == 0))
        return !rdb_error_is_set(err);
    if (count == 0)
        return rdb_catalog_delete(access, RDB_PG_SETTING, &row, err);
    if (!datum_from_texts(arena, TEXT_ARRAY_TYPE, texts, count, &array, err))
        return false;
    if (found) {
        row.values[RDB_pg_db_role_setting_setconfig - 1] = array;
        return rdb_catalog_update(access, RDB_PG_SETTING, &row, err);
    }
    const new_row made = row_begin(access, RDB_PG_SETTING, arena);
    set_oid(&made, RDB_pg_db_role_setting_setdatabase, database_oid);
    set_oid(&made, RDB_pg_db_role_setting_setrole, role_oid);
    *row_at(&made, RDB_pg_db_role_setting_setconfig) = array;
    return row_insert(&made, err);
}

bool rdb_ddl_store_setting(rdb_access *access, uint32_t database_oid, uint32_t role_oid, const char *name, const char *value, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && store(access, database_oid, role_oid, name, value, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

static bool forget_of_role(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const uint32_t *role_oid = context;
    return row_oid(row, RDB_pg_db_role_setting_setrole) != *role_oid || rdb_catalog_delete(access, catalog_oid, row, err);
}

bool ddl_forget_role_settings(rdb_access *access, uint32_t role_oid, rdb_error *err)
{
    return visit_rows(access, RDB_PG_SETTING, 0, NULL, 0, forget_of_role, &role_oid, err);
}
