/* SPDX-License-Identifier: Apache-2.0
 * Names of types and collations as SQL writes them: with a schema where search_path would find another or none. */
#include "expr/kernels.h"

bool rdb_expr_format_type(rdb_access *access, const rdb_type *type, int32_t typmod, bool with_typmod, rdb_strbuf *text, rdb_error *err)
{
    const bool is_array = type->element != NULL && type->oid != RDB_INT2VECTOROID && type->oid != RDB_OIDVECTOROID;
    const rdb_type *named = is_array ? type->element : type, *found = NULL;
    char schema[RDB_NAMEDATALEN] = "";
    if (named->namespace_oid != RDB_NAMESPACE_PG_CATALOG) {
        if (!rdb_type_find(access, NULL, named->name, &found, err))
            return false;
        if (found == NULL || found->oid != named->oid) {
            if (!rdb_namespace_get_name(access, named->namespace_oid, schema, err))
                return false;
            rdb_identifier_add(text, schema);
            rdb_strbuf_addc(text, '.');
        }
    }
    rdb_type_format_name(type, typmod, with_typmod, text);
    return rdb_strbuf_check(text, err);
}

bool rdb_expr_collation_name(rdb_access *access, rdb_arena *arena, uint32_t oid, const char **schema, const char **name, rdb_error *err)
{
    const rdb_datum key = {.oid = oid};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    bool found = false;
    char namespace_name[RDB_NAMEDATALEN] = "";
    *schema = *name = NULL;
    if (!rdb_catalog_scan_open(&scan, access, RDB_PG_COLLATION, 3085, &key, 1, arena, err))
        return false;
    bool ok = rdb_catalog_scan_next(scan, &row, &found, err);
    uint32_t namespace_oid = 0, visible = 0;
    if (ok && found) {
        const rdb_bytes bytes = row.values[RDB_pg_collation_collname - 1].bytes;
        namespace_oid = row.values[RDB_pg_collation_collnamespace - 1].oid;
        *name = rdb_arena_strndup(arena, (const char *)bytes.data, bytes.length);
    }
    rdb_catalog_scan_close(&scan);
    if (!ok || *name == NULL || namespace_oid == RDB_NAMESPACE_PG_CATALOG)
        return ok;
    if (!rdb_collation_find(access, NULL, *name, &visible, err) || (visible != oid && !rdb_namespace_get_name(access, namespace_oid, namespace_name, err)))
        return false;
    if (visible != oid)
        *schema = rdb_arena_strdup(arena, namespace_name);
    return rdb_arena_check(arena, err);
}
