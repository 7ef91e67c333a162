/* SPDX-License-Identifier: Apache-2.0
 * Collations between the catalog and the room of types, which knows them by number: rows become definitions, those of a
 * database are registered before its first session compares anything, and new ones get numbers of their own. */
#include "catalog/ddl_int.h"
#include "type/rdb_collation.h"

enum { INDEX_COLLATION_OID = 3085, ENCODING_UTF8 = 6, ENCODING_ANY = -1 };

static void read_definition(rdb_arena *arena, const rdb_catalog_row *row, rdb_collation_definition *definition)
{
    *definition = (rdb_collation_definition){.provider = row_char(row, RDB_pg_collation_collprovider),
                                             .is_deterministic = row_bool(row, RDB_pg_collation_collisdeterministic),
                                             .collate = row_text(arena, row, RDB_pg_collation_collcollate),
                                             .ctype = row_text(arena, row, RDB_pg_collation_collctype),
                                             .icu_locale = row_text(arena, row, RDB_pg_collation_colliculocale)};
}

static bool register_row(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    rdb_collation_definition definition;
    (void)context, (void)catalog_oid;
    read_definition(access->arena, row, &definition);
    return definition.provider == 'd' || rdb_collation_register(row_oid(row, RDB_pg_collation_oid), &definition, err);
}

bool catalog_register_collations(rdb_database *database, rdb_error *err)
{
    rdb_access *access;
    const rdb_access_context context = {.catalog = database->catalog, .database = database, .role_oid = RDB_ROLE_ADMIN_OID};
    if (atomic_load_explicit(&database->collations_registered, memory_order_acquire))
        return true;
    if (!rdb_access_begin(&access, &context, err))
        return false;
    bool ok = visit_rows(access, RDB_PG_COLLATION, 0, NULL, 0, register_row, NULL, err);
    rdb_access_end(&access);
    if (ok)
        atomic_store_explicit(&database->collations_registered, true, memory_order_release);
    return ok;
}

static bool find_by_oid(rdb_access *access, uint32_t oid, rdb_catalog_row *row, bool *found, rdb_error *err)
{
    const rdb_datum key = datum_oid(oid);
    return catalog_find_row(access, RDB_PG_COLLATION, INDEX_COLLATION_OID, &key, 1, access->arena, row, found, err);
}

bool rdb_collation_get(rdb_access *access, uint32_t oid, rdb_collation_row *collation, bool *found, rdb_error *err)
{
    rdb_catalog_row row;
    *collation = (rdb_collation_row){0};
    if (!find_by_oid(access, oid, &row, found, err) || !*found)
        return !rdb_error_is_set(err);
    collation->name = row_text(access->arena, &row, RDB_pg_collation_collname);
    collation->namespace_oid = row_oid(&row, RDB_pg_collation_collnamespace);
    collation->owner_oid = row_oid(&row, RDB_pg_collation_collowner);
    collation->encoding = row_int32(&row, RDB_pg_collation_collencoding);
    collation->version = row_text(access->arena, &row, RDB_pg_collation_collversion);
    read_definition(access->arena, &row, &collation->definition);
    return true;
}

typedef struct name_search {
    uint32_t namespace_oid;
    int32_t encoding;
    bool found;
} name_search;

static bool note_name(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    name_search *search = context;
    (void)access, (void)catalog_oid, (void)err;
    const int32_t encoding = row_int32(row, RDB_pg_collation_collencoding);
    if (row_oid(row, RDB_pg_collation_collnamespace) == search->namespace_oid && (encoding == ENCODING_ANY || encoding == ENCODING_UTF8)) {
        search->found = true;
        search->encoding = encoding;
    }
    return true;
}

bool rdb_ddl_collation_exists(rdb_access *access, uint32_t namespace_oid, const char *name, bool *exists, int32_t *encoding, rdb_error *err)
{
    enum { INDEX_COLLATION_NAME = 3164 };
    const rdb_datum key = datum_text(name);
    name_search search = {.namespace_oid = namespace_oid};
    bool ok = visit_rows(access, RDB_PG_COLLATION, INDEX_COLLATION_NAME, &key, 1, note_name, &search, err);
    *exists = search.found;
    *encoding = search.encoding;
    return ok;
}

bool rdb_ddl_create_collation(rdb_access *access, const rdb_collation_row *collation, uint32_t *oid, rdb_error *err)
{
    rdb_catalog_row taken;
    bool found = true;
    for (uint32_t nth = 0; found; nth++) {
        *oid = rdb_collation_propose_oid(&collation->definition, nth);
        if (!find_by_oid(access, *oid, &taken, &found, err))
            return false;
    }
    if (!rdb_collation_register(*oid, &collation->definition, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_COLLATION, access->arena);
    const struct {
        int column;
        const char *text;
    } texts[] = {{RDB_pg_collation_collcollate, collation->definition.collate}, {RDB_pg_collation_collctype, collation->definition.ctype},
                 {RDB_pg_collation_colliculocale, collation->definition.icu_locale}, {RDB_pg_collation_collversion, collation->version}};
    set_oid(&row, RDB_pg_collation_oid, *oid);
    set_text(&row, RDB_pg_collation_collname, collation->name);
    set_oid(&row, RDB_pg_collation_collnamespace, collation->namespace_oid);
    set_oid(&row, RDB_pg_collation_collowner, collation->owner_oid);
    set_char(&row, RDB_pg_collation_collprovider, collation->definition.provider);
    set_bool(&row, RDB_pg_collation_collisdeterministic, collation->definition.is_deterministic);
    set_int32(&row, RDB_pg_collation_collencoding, collation->encoding);
    for (size_t i = 0; i < RDB_COUNT_OF(texts); i++) {
        row.is_null[texts[i].column - 1] = texts[i].text == NULL;
        if (texts[i].text != NULL)
            set_text(&row, texts[i].column, texts[i].text);
    }
    return row_insert(&row, err) &&
           rdb_ddl_depend(access, (rdb_object_address){RDB_PG_COLLATION, *oid, 0}, (rdb_object_address){RDB_PG_NAMESPACE, collation->namespace_oid, 0}, 'n', err);
}

bool rdb_ddl_set_collation_version(rdb_access *access, uint32_t oid, const char *version, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    if (!find_by_oid(access, oid, &row, &found, err))
        return false;
    if (!found)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "cache lookup failed for collation %u", oid);
    row.values[RDB_pg_collation_collversion - 1] = datum_text(version);
    row.is_null[RDB_pg_collation_collversion - 1] = false;
    return rdb_catalog_update(access, RDB_PG_COLLATION, &row, err);
}
