/* SPDX-License-Identifier: Apache-2.0
 * An access: what one statement sees of the catalog, and the lookups by name and number. Built-in objects come first and cost
 * no read; all else goes through the cache, and through the system tables on a miss. */
#include "catalog/rdb_acl.h"
#include "catalog/catalog_int.h"

#include <stdlib.h>

/* Indexes of system tables by the OIDs that PostgreSQL gives them. */
enum {
    INDEX_CLASS_NAME = 2663,
    INDEX_TYPE_NAME = 2704,
    INDEX_NAMESPACE_NAME = 2684,
    INDEX_NAMESPACE_OID = 2685,
    INDEX_PROC_NAME = 2691,
    INDEX_COLLATION_NAME = 3164
};
enum { PATH_MAX_SCHEMAS = 64 };

/* ---- begin and end -------------------------------------------------------------------------------------------------------- */
bool rdb_access_begin(rdb_access **access, const rdb_access_context *context, rdb_error *err)
{
    *access = NULL;
    rdb_arena *arena = rdb_arena_create("catalog access", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_access *begun = RDB_NEW(arena, rdb_access);
    begun->arena = arena;
    begun->context = *context;
    begun->context.search_path = rdb_arena_strdup(arena, context->search_path != NULL ? context->search_path : "\"$user\", public");
    begun->context.role_name = rdb_arena_strdup(arena, context->role_name != NULL ? context->role_name : "");
    if (context->temp != NULL)
        begun->context.temp_namespace_oid = temp_namespace_of(context->temp);
    begun->epoch = rdb_catalog_epoch(context->database);
    begun->generation = overlay_generation(begun);
    *access = begun;
    return true;
}

static void end_root_reader(rdb_access *access)
{
    if (access->root_reader != NULL)
        rdb_txn_abort(&access->root_reader);
}

void rdb_access_end(rdb_access **access)
{
    rdb_access *ended = *access;
    if (ended == NULL)
        return;
    *access = NULL;
    for (uint32_t i = 0; i < ended->pin_count; i++)
        entry_release(ended->pins[i]);
    free(ended->pins);
    end_root_reader(ended);
    rdb_arena_destroy(ended->arena);
}

void rdb_access_rebind(rdb_access *access, rdb_txn *txn)
{
    end_root_reader(access);
    access->context.txn = txn;
    if (access->context.temp != NULL && access->context.temp_namespace_oid != temp_namespace_of(access->context.temp)) {
        access->context.temp_namespace_oid = temp_namespace_of(access->context.temp);
        access->path_resolved = false;
    }
    access->generation = overlay_generation(access);
    access->privileged_roles = NULL; /* a kept plan's access outlives GRANTs of roles, which move no epoch of this database */
    access->superuser_known = false;
}

const rdb_access_context *rdb_access_get_context(const rdb_access *access)
{
    return &access->context;
}

uint64_t rdb_catalog_epoch(const rdb_database *database)
{
    return atomic_load_explicit(&database->epoch, memory_order_acquire); /* pairs with the publisher's add */
}

bool rdb_access_is_current(const rdb_access *access)
{
    return rdb_catalog_epoch(access->context.database) == access->epoch && overlay_generation(access) == access->generation;
}

bool rdb_access_fits(const rdb_access *access, const rdb_txn *txn)
{
    return rdb_catalog_epoch(access->context.database) == access->epoch && overlay_generation_of(access->context.catalog, txn) == access->generation;
}

bool rdb_access_has_changes(const rdb_access *access)
{
    return overlay_generation(access) != 0;
}

/* ---- schemas ---------------------------------------------------------------------------------------------------------------- */
static bool lookup_namespace(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *oid, rdb_error *err)
{
    (void)namespace_oid;
    rdb_catalog_row row;
    bool found;
    const rdb_datum key = datum_text(name);
    *oid = 0;
    if (!catalog_find_row(access, RDB_PG_NAMESPACE, INDEX_NAMESPACE_NAME, &key, 1, access->arena, &row, &found, err))
        return false;
    if (found)
        *oid = row_oid(&row, RDB_pg_namespace_oid);
    return true;
}

bool rdb_namespace_find(rdb_access *access, const char *name, uint32_t *oid, rdb_error *err)
{
    if (strcmp(name, "pg_temp") == 0) {
        *oid = access->context.temp_namespace_oid;
        return true;
    }
    *oid = objects_namespace_find(name);
    if (*oid == RDB_NAMESPACE_PG_CATALOG || access->context.txn == NULL)
        return true; /* the one schema that cannot be dropped */
    return cache_find_name(access, 'n', 0, name, lookup_namespace, oid, err);
}

bool rdb_namespace_get_name(rdb_access *access, uint32_t oid, char name[RDB_NAMEDATALEN], rdb_error *err)
{
    name[0] = '\0';
    if (oid == RDB_NAMESPACE_PG_CATALOG || access->context.txn == NULL) {
        const char *known = objects_namespace_name(oid);
        snprintf(name, RDB_NAMEDATALEN, "%s", known != NULL ? known : "");
        return true;
    }
    rdb_catalog_row row;
    bool found;
    const rdb_datum key = datum_oid(oid);
    if (!catalog_find_row(access, RDB_PG_NAMESPACE, INDEX_NAMESPACE_OID, &key, 1, access->arena, &row, &found, err))
        return false;
    if (found)
        row_name(&row, RDB_pg_namespace_nspname, name);
    return true;
}

/* The next item of a list such as "$user", public, "Mixed Case". Unquoted ones fold to lower case. False: the end. */
static bool next_schema(const char **at, char name[RDB_NAMEDATALEN])
{
    const char *p = *at;
    size_t length = 0;
    while (*p == ' ' || *p == ',' || *p == '\t' || *p == '\n')
        p++;
    if (*p == '\0')
        return false;
    const bool is_quoted = *p == '"' || *p == '\'';
    const char quote = *p;
    if (is_quoted)
        p++;
    for (; *p != '\0'; p++) {
        if (is_quoted && *p == quote && *++p != quote)
            break;
        if (!is_quoted && (*p == ',' || *p == ' ' || *p == '\t' || *p == '\n'))
            break;
        char c = !is_quoted && *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        if (length + 1 < RDB_NAMEDATALEN)
            name[length++] = c;
    }
    name[length] = '\0';
    *at = p;
    return true;
}

/* A schema that the role may not look into is passed over: *usable 0. */
static bool may_use(rdb_access *access, uint32_t namespace_oid, uint32_t *usable, rdb_error *err)
{
    rdb_acl_object schema;
    bool is_superuser, found;
    uint32_t got;
    *usable = namespace_oid;
    if (namespace_oid == RDB_NAMESPACE_PG_CATALOG || access->context.txn == NULL)
        return true;
    if (!rdb_role_is_superuser(access, access->context.role_oid, &is_superuser, err))
        return false;
    if (is_superuser)
        return true;
    if (!rdb_acl_get_object(access, access->arena, 'n', namespace_oid, 0, &schema, &found, err))
        return false;
    if (!found || !rdb_acl_object_mask(access, &schema, access->context.role_oid, RDB_ACL_USAGE, false, &got, err))
        return !rdb_error_is_set(err);
    if (got == 0)
        *usable = 0;
    return true;
}

static bool resolve_path(rdb_access *access, rdb_error *err)
{
    uint64_t generation = overlay_generation(access);
    if (access->path_resolved && access->path_generation == generation)
        return true;
    uint32_t path[PATH_MAX_SCHEMAS + 2], count = 2, creation = 0;
    const uint32_t temp_oid = access->context.temp_namespace_oid;
    bool has_catalog = false, has_temp = temp_oid == 0;
    char name[RDB_NAMEDATALEN];
    for (const char *at = access->context.search_path; count < PATH_MAX_SCHEMAS + 2 && next_schema(&at, name);) {
        uint32_t oid;
        const char *schema = strcmp(name, "$user") == 0 ? access->context.role_name : name;
        if (!rdb_namespace_find(access, schema, &oid, err))
            return false;
        if (oid != 0 && oid != temp_oid && !may_use(access, oid, &oid, err))
            return false;
        bool is_repeated = oid == 0; /* a schema that is not there is skipped, as PostgreSQL does */
        for (uint32_t i = 2; i < count; i++)
            is_repeated = is_repeated || path[i] == oid;
        if (is_repeated)
            continue;
        path[count++] = oid;
        has_catalog = has_catalog || oid == RDB_NAMESPACE_PG_CATALOG;
        has_temp = has_temp || oid == temp_oid;
        if (creation == 0)
            creation = oid;
    }
    /* Temporary objects, then the built-in ones stand before all others, unless the setting says where they do. */
    uint32_t first = 2;
    if (!has_catalog)
        path[--first] = RDB_NAMESPACE_PG_CATALOG;
    if (!has_temp)
        path[--first] = temp_oid;
    access->path_count = count - first;
    access->path = rdb_arena_memdup(access->arena, path + first, access->path_count * sizeof *path);
    access->creation_namespace = creation;
    access->path_resolved = true;
    access->path_generation = generation;
    return true;
}

const uint32_t *rdb_access_search_path(rdb_access *access, uint32_t *count)
{
    rdb_error ignored;
    rdb_error_init(&ignored);
    if (!resolve_path(access, &ignored)) {
        /* Schemas cannot be read: what can be told without reading. */
        static const uint32_t catalog_only[] = {RDB_NAMESPACE_PG_CATALOG};
        rdb_error_clear(&ignored);
        *count = 1;
        return catalog_only;
    }
    *count = access->path_count;
    return access->path;
}

rdb_extension_scope rdb_access_enter_extension(rdb_access *access, uint32_t extension_oid, const char *search_path)
{
    const rdb_extension_scope outer = {access->extension_oid, access->context.search_path};
    access->extension_oid = extension_oid;
    access->context.search_path = search_path;
    access->path_resolved = false;
    return outer;
}

void rdb_access_leave_extension(rdb_access *access, rdb_extension_scope outer)
{
    access->extension_oid = outer.extension_oid;
    access->context.search_path = outer.search_path;
    access->path_resolved = false;
}

uint32_t rdb_access_extension(const rdb_access *access)
{
    return access->extension_oid;
}

bool rdb_access_first_named_schema(rdb_access *access, uint32_t *oid, rdb_error *err)
{
    *oid = 0;
    if (!resolve_path(access, err))
        return false;
    *oid = access->creation_namespace;
    return true;
}

bool rdb_access_creation_namespace(rdb_access *access, uint32_t *oid, rdb_error *err)
{
    *oid = 0;
    if (!resolve_path(access, err))
        return false;
    *oid = access->creation_namespace;
    return *oid != 0 || rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "no schema has been selected to create in");
}

/* ---- relations --------------------------------------------------------------------------------------------------------------- */
static bool lookup_relation(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *oid, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum keys[] = {datum_text(name), datum_oid(namespace_oid)};
    *oid = 0;
    if (!catalog_find_row(access, RDB_PG_CLASS, INDEX_CLASS_NAME, keys, 2, access->arena, &row, &found, err))
        return false;
    if (found)
        *oid = row_oid(&row, RDB_pg_class_oid);
    return true;
}

static bool find_relation_oid(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *oid, rdb_error *err)
{
    *oid = 0;
    if (namespace_oid == RDB_NAMESPACE_PG_CATALOG) {
        const rdb_relation *system = system_relation_by_name(access->context.database, name);
        if (system != NULL) {
            *oid = system->oid;
            return true;
        }
    }
    if (access->context.txn == NULL)
        return true;
    return cache_find_name(access, 'r', namespace_oid, name, lookup_relation, oid, err);
}

bool rdb_relation_find(rdb_access *access, const char *schema, const char *name, const rdb_relation **relation, rdb_error *err)
{
    uint32_t oid = 0;
    *relation = NULL;
    if (schema != NULL) {
        uint32_t namespace_oid;
        if (!rdb_namespace_find(access, schema, &namespace_oid, err))
            return false;
        if (namespace_oid == 0)
            return true;
        if (!find_relation_oid(access, namespace_oid, name, &oid, err))
            return false;
    } else {
        if (!resolve_path(access, err))
            return false;
        for (uint32_t i = 0; oid == 0 && i < access->path_count; i++)
            if (!find_relation_oid(access, access->path[i], name, &oid, err))
                return false;
    }
    return oid == 0 || rdb_relation_get(access, oid, relation, err);
}

bool rdb_relation_get(rdb_access *access, uint32_t oid, const rdb_relation **relation, rdb_error *err)
{
    *relation = oid < RDB_FIRST_NORMAL_OID ? system_relation(access->context.database, oid) : NULL;
    if (*relation != NULL || access->context.txn == NULL)
        return true;
    cache_entry *entry;
    if (!cache_get(access, ENTRY_RELATION, oid, &entry, err))
        return false;
    *relation = entry != NULL ? &entry->is.relation : NULL;
    return true;
}

bool rdb_relation_is_visible(rdb_access *access, uint32_t oid, bool *visible, rdb_error *err)
{
    const rdb_relation *relation;
    *visible = false;
    if (!rdb_relation_get(access, oid, &relation, err) || !resolve_path(access, err))
        return false;
    for (uint32_t i = 0; relation != NULL && i < access->path_count; i++) {
        uint32_t found;
        if (access->path[i] == relation->namespace_oid) {
            *visible = true;
            return true;
        }
        if (!find_relation_oid(access, access->path[i], relation->name, &found, err))
            return false;
        if (found != 0)
            return true; /* another one hides it */
    }
    return true;
}

/* ---- types -------------------------------------------------------------------------------------------------------------------- */
static bool lookup_type(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *oid, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum keys[] = {datum_text(name), datum_oid(namespace_oid)};
    *oid = 0;
    if (!catalog_find_row(access, RDB_PG_TYPE, INDEX_TYPE_NAME, keys, 2, access->arena, &row, &found, err))
        return false;
    if (found)
        *oid = row_oid(&row, RDB_pg_type_oid);
    return true;
}

static bool find_type_in(rdb_access *access, uint32_t namespace_oid, const char *name, const rdb_type **type, rdb_error *err)
{
    uint32_t oid;
    *type = namespace_oid == RDB_NAMESPACE_PG_CATALOG ? objects_type_find(name) : NULL;
    if (*type != NULL || access->context.txn == NULL)
        return true;
    if (!cache_find_name(access, 't', namespace_oid, name, lookup_type, &oid, err))
        return false;
    return oid == 0 || rdb_type_get(access, oid, type, err);
}

bool rdb_type_find(rdb_access *access, const char *schema, const char *name, const rdb_type **type, rdb_error *err)
{
    *type = NULL;
    if (schema != NULL) {
        uint32_t namespace_oid;
        return rdb_namespace_find(access, schema, &namespace_oid, err) &&
               (namespace_oid == 0 || find_type_in(access, namespace_oid, name, type, err));
    }
    if (!resolve_path(access, err))
        return false;
    for (uint32_t i = 0; *type == NULL && i < access->path_count; i++)
        if (!find_type_in(access, access->path[i], name, type, err))
            return false;
    return true;
}

bool rdb_type_get(rdb_access *access, uint32_t oid, const rdb_type **type, rdb_error *err)
{
    *type = objects_type_get(oid);
    if (*type != NULL || oid == 0 || access->context.txn == NULL)
        return true;
    cache_entry *entry;
    if (!cache_get(access, ENTRY_TYPE, oid, &entry, err))
        return false;
    *type = entry != NULL ? &entry->is.type : NULL;
    return true;
}

/* ---- functions ---------------------------------------------------------------------------------------------------------------- */
/* OIDs of the functions of that name that are not built in, with their schemas. */
static bool scan_functions(rdb_access *access, const char *name, uint32_t *oids, uint32_t *namespaces, uint32_t capacity, uint32_t *count, rdb_error *err)
{
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = true;
    const rdb_datum key = datum_text(name);
    *count = 0;
    if (!rdb_catalog_scan_open(&scan, access, RDB_PG_PROC, INDEX_PROC_NAME, &key, 1, access->arena, err))
        return false;
    bool ok = true;
    while (ok && *count < capacity && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        uint32_t oid = row_oid(&row, RDB_pg_proc_oid);
        if (objects_function_get(oid) != NULL)
            continue;
        oids[*count] = oid;
        namespaces[(*count)++] = row_oid(&row, RDB_pg_proc_pronamespace);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* As a name lookup: 1 where there is any function of that name that is not built in. */
static bool lookup_any_function(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *any, rdb_error *err)
{
    uint32_t oid, schema;
    (void)namespace_oid;
    return scan_functions(access, name, &oid, &schema, 1, any, err);
}

bool rdb_function_find(rdb_access *access, const char *schema, const char *name, const rdb_function *const **functions, uint32_t *count, rdb_error *err)
{
    enum { MOST = 1024 };
    uint32_t builtin_count, any = 0, wanted = 0;
    const rdb_function *const *builtin = objects_function_find(name, &builtin_count);
    *functions = NULL;
    *count = 0;
    if (schema != NULL && !rdb_namespace_find(access, schema, &wanted, err))
        return false;
    if (schema != NULL && wanted == 0)
        return true;
    if (access->context.txn != NULL && !cache_find_name(access, 'f', 0, name, lookup_any_function, &any, err))
        return false;
    if (any == 0) {
        if (schema == NULL || wanted == RDB_NAMESPACE_PG_CATALOG) {
            *functions = builtin;
            *count = builtin_count;
        }
        return true;
    }
    if (schema == NULL && !resolve_path(access, err))
        return false;
    uint32_t *oids = RDB_NEW_ARRAY(access->arena, uint32_t, MOST), *namespaces = RDB_NEW_ARRAY(access->arena, uint32_t, MOST), found;
    if (!scan_functions(access, name, oids, namespaces, MOST, &found, err))
        return false;
    const uint32_t *path = schema != NULL ? &wanted : access->path;
    const uint32_t path_count = schema != NULL ? 1 : access->path_count;
    const rdb_function **list = RDB_NEW_ARRAY(access->arena, const rdb_function *, found + builtin_count);
    for (uint32_t i = 0; i < path_count; i++) {
        if (schema == NULL && path[i] == access->context.temp_namespace_oid)
            continue; /* functions are never found there by their bare name */
        for (uint32_t k = 0; path[i] == RDB_NAMESPACE_PG_CATALOG && k < builtin_count; k++)
            list[(*count)++] = builtin[k];
        for (uint32_t k = 0; k < found; k++) {
            if (namespaces[k] != path[i])
                continue;
            const rdb_function *function;
            if (!rdb_function_get(access, oids[k], &function, err))
                return false;
            if (function != NULL)
                list[(*count)++] = function;
        }
    }
    *functions = list;
    return true;
}

uint32_t rdb_function_of_source(const char *source)
{
    return objects_function_of_source(source);
}

bool rdb_function_get(rdb_access *access, uint32_t oid, const rdb_function **function, rdb_error *err)
{
    *function = objects_function_get(oid);
    if (*function != NULL || oid == 0 || access->context.txn == NULL)
        return true;
    cache_entry *entry;
    if (!cache_get(access, ENTRY_FUNCTION, oid, &entry, err))
        return false;
    *function = entry != NULL ? &entry->is.function : NULL;
    return true;
}

bool rdb_collation_find(rdb_access *access, const char *schema, const char *name, uint32_t *oid, rdb_error *err)
{
    uint32_t wanted = 0;
    *oid = 0;
    if (schema != NULL) {
        if (!rdb_namespace_find(access, schema, &wanted, err))
            return false;
        if (wanted == 0)
            return true;
    }
    if (schema == NULL || wanted == RDB_NAMESPACE_PG_CATALOG)
        *oid = objects_collation_find(name);
    if (*oid != 0 || access->context.txn == NULL)
        return true;
    if (schema == NULL && !resolve_path(access, err))
        return false;
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = true, ok = true;
    const rdb_datum key = datum_text(name);
    uint32_t best = UINT32_MAX;
    if (!rdb_catalog_scan_open(&scan, access, RDB_PG_COLLATION, INDEX_COLLATION_NAME, &key, 1, access->arena, err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        uint32_t namespace_oid = row_oid(&row, RDB_pg_collation_collnamespace);
        if (schema != NULL) {
            if (namespace_oid == wanted)
                *oid = row_oid(&row, RDB_pg_collation_oid);
            continue;
        }
        for (uint32_t i = 0; i < access->path_count && i < best; i++) {
            if (access->path[i] == namespace_oid) {
                best = i;
                *oid = row_oid(&row, RDB_pg_collation_oid);
            }
        }
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}
