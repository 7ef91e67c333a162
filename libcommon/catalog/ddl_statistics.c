/* SPDX-License-Identifier: Apache-2.0
 * DDL on extended statistics: the row that says over which columns and expressions, and of which kinds. */
#include "catalog/ddl_int.h"

enum { CHAR_ARRAY = 1002 };

bool rdb_ddl_find_statistics(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool found = false;
    const rdb_datum keys[] = {datum_text(name), datum_oid(namespace_oid)};
    bool ok = arena != NULL && catalog_find_row(access, RDB_PG_STATISTIC_EXT, INDEX_STATISTIC_EXT_NAME, keys, 2, arena, &row, &found, err);
    *oid = ok && found ? row_oid(&row, RDB_pg_statistic_ext_oid) : 0;
    rdb_arena_destroy(arena);
    return ok;
}

static bool create_statistics(rdb_access *access, const rdb_statistics_definition *definition, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    const char *kinds[8];
    char letters[8][2];
    uint32_t kind_count = 0;
    for (const char *kind = definition->kinds; *kind != '\0' && kind_count < RDB_COUNT_OF(kinds); kind++) {
        letters[kind_count][0] = *kind;
        letters[kind_count][1] = '\0';
        kinds[kind_count] = letters[kind_count];
        kind_count++;
    }
    if (!rdb_catalog_new_oid(access, oid, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_STATISTIC_EXT, arena);
    set_oid(&row, RDB_pg_statistic_ext_oid, *oid);
    set_oid(&row, RDB_pg_statistic_ext_stxrelid, definition->relation_oid);
    set_text(&row, RDB_pg_statistic_ext_stxname, definition->name);
    set_oid(&row, RDB_pg_statistic_ext_stxnamespace, definition->namespace_oid);
    set_oid(&row, RDB_pg_statistic_ext_stxowner, definition->owner_oid);
    set_int32(&row, RDB_pg_statistic_ext_stxstattarget, -1);
    set_text(&row, RDB_pg_statistic_ext_stxexprs, definition->expression_tree);
    const rdb_object_address self = {RDB_PG_STATISTIC_EXT, *oid, 0};
    if (!datum_from_int16s(arena, RDB_INT2VECTOROID, definition->columns, definition->column_count, row_at(&row, RDB_pg_statistic_ext_stxkeys), err) ||
        !datum_from_texts(arena, CHAR_ARRAY, kinds, kind_count, row_at(&row, RDB_pg_statistic_ext_stxkind), err) || !row_insert(&row, err) ||
        !rdb_ddl_depend(access, self, (rdb_object_address){RDB_PG_NAMESPACE, definition->namespace_oid, 0}, 'n', err))
        return false;
    for (uint16_t i = 0; i < definition->column_count; i++)
        if (!rdb_ddl_depend(access, self, (rdb_object_address){RDB_PG_CLASS, definition->relation_oid, definition->columns[i]}, 'a', err))
            return false;
    for (uint32_t i = 0; i < definition->use_count; i++) {
        const bool is_own = definition->uses[i].catalog_oid == RDB_PG_CLASS && definition->uses[i].object_oid == definition->relation_oid;
        if (!rdb_ddl_depend(access, self, definition->uses[i], is_own ? 'a' : 'n', err))
            return false;
    }
    return definition->column_count > 0 || rdb_ddl_depend(access, self, (rdb_object_address){RDB_PG_CLASS, definition->relation_oid, 0}, 'a', err);
}

bool rdb_ddl_create_statistics(rdb_access *access, const rdb_statistics_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && create_statistics(access, definition, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_statistics_target(rdb_access *access, uint32_t oid, int32_t target, rdb_error *err)
{
    const rdb_datum key = datum_oid(oid);
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = arena != NULL && need_row(access, RDB_PG_STATISTIC_EXT, INDEX_STATISTIC_EXT_OID, &key, 1, arena, &row, err);
    if (ok) {
        row.values[RDB_pg_statistic_ext_stxstattarget - 1] = (rdb_datum){.i32 = target};
        ok = rdb_catalog_update(access, RDB_PG_STATISTIC_EXT, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}
