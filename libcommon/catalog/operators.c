/* SPDX-License-Identifier: Apache-2.0
 * Lookups of operators, casts, aggregates and operator classes. Built-in ones come first and cost no read; whether there are others of a
 * name at all is one question to the cache. Order and equality of types go through the built-in btree classes,
 * those of base types that are not built in through the class that is their default. */
#include "catalog/catalog_int.h"

#include <stdlib.h>

enum { INDEX_OPERATOR_NAME = 2689, INDEX_CAST_TYPES = 2661 };

/* ---- operators ---------------------------------------------------------------------------------------------------------------- */
/* OIDs of the operators of that name that are not built in, with their schemas. */
static bool scan_operators(rdb_access *access, const char *name, uint32_t *oids, uint32_t *namespaces, uint32_t capacity, uint32_t *count, rdb_error *err)
{
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = true, ok = true;
    const rdb_datum key = datum_text(name);
    *count = 0;
    if (!rdb_catalog_scan_open(&scan, access, RDB_PG_OPERATOR, INDEX_OPERATOR_NAME, &key, 1, access->arena, err))
        return false;
    while (ok && *count < capacity && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        const uint32_t oid = row_oid(&row, RDB_pg_operator_oid);
        if (objects_operator_get(oid) != NULL)
            continue;
        oids[*count] = oid;
        namespaces[(*count)++] = row_oid(&row, RDB_pg_operator_oprnamespace);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* As a name lookup: 1 where there is any operator of that name that is not built in. */
static bool lookup_any_operator(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *any, rdb_error *err)
{
    uint32_t oid, schema;
    (void)namespace_oid;
    return scan_operators(access, name, &oid, &schema, 1, any, err);
}

bool rdb_operator_find(rdb_access *access, const char *schema, const char *name, const rdb_operator_entry *const **operators, uint32_t *count, rdb_error *err)
{
    enum { MOST = 1024 };
    uint32_t builtin_count, any = 0, wanted = 0, found, path_count = 1;
    const rdb_operator_entry *const *builtin = objects_operator_find(name, &builtin_count);
    *operators = NULL;
    *count = 0;
    if (schema != NULL && (!rdb_namespace_find(access, schema, &wanted, err) || wanted == 0))
        return !rdb_error_is_set(err);
    if (access->context.txn != NULL && !cache_find_name(access, 'o', 0, name, lookup_any_operator, &any, err))
        return false;
    if (any == 0) {
        if (schema == NULL || wanted == RDB_NAMESPACE_PG_CATALOG) {
            *operators = builtin;
            *count = builtin_count;
        }
        return true;
    }
    const uint32_t *path = schema != NULL ? &wanted : rdb_access_search_path(access, &path_count);
    uint32_t *oids = RDB_NEW_ARRAY(access->arena, uint32_t, MOST), *namespaces = RDB_NEW_ARRAY(access->arena, uint32_t, MOST);
    if (!scan_operators(access, name, oids, namespaces, MOST, &found, err))
        return false;
    const rdb_operator_entry **list = RDB_NEW_ARRAY(access->arena, const rdb_operator_entry *, found + builtin_count + 1);
    for (uint32_t i = 0; i < path_count; i++) {
        if (schema == NULL && path[i] == access->context.temp_namespace_oid)
            continue; /* operators are never found there by their bare name */
        for (uint32_t k = 0; path[i] == RDB_NAMESPACE_PG_CATALOG && k < builtin_count; k++)
            list[(*count)++] = builtin[k];
        for (uint32_t k = 0; k < found; k++) {
            const rdb_operator_entry *entry;
            if (namespaces[k] != path[i])
                continue;
            if (!rdb_operator_get(access, oids[k], &entry, err))
                return false;
            if (entry != NULL)
                list[(*count)++] = entry;
        }
    }
    *operators = list;
    return true;
}

bool rdb_operator_get(rdb_access *access, uint32_t oid, const rdb_operator_entry **entry, rdb_error *err)
{
    cache_entry *cached;
    *entry = objects_operator_get(oid);
    if (*entry != NULL || oid < RDB_FIRST_NORMAL_OID || access->context.txn == NULL)
        return true;
    if (!cache_get(access, ENTRY_OPERATOR, oid, &cached, err))
        return false;
    *entry = cached != NULL ? &cached->is.operator_entry : NULL;
    return true;
}

/* ---- casts ------------------------------------------------------------------------------------------------------------------------ */
/* As a name lookup: 1 where there is any cast that is not built in. */
static bool lookup_any_cast(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *any, rdb_error *err)
{
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = true, ok = true;
    (void)namespace_oid;
    (void)name;
    *any = 0;
    if (!rdb_catalog_scan_open(&scan, access, RDB_PG_CAST, 0, NULL, 0, access->arena, err))
        return false;
    while (*any == 0 && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
        *any = row_oid(&row, RDB_pg_cast_oid) >= RDB_FIRST_NORMAL_OID;
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* The name is two OIDs. */
static bool lookup_cast(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *oid, rdb_error *err)
{
    unsigned source = 0, target = 0;
    rdb_catalog_row row;
    bool found;
    (void)namespace_oid;
    *oid = 0;
    if (sscanf(name, "%u/%u", &source, &target) != 2)
        return true;
    const rdb_datum keys[] = {datum_oid(source), datum_oid(target)};
    if (!catalog_find_row(access, RDB_PG_CAST, INDEX_CAST_TYPES, keys, 2, access->arena, &row, &found, err))
        return false;
    if (found)
        *oid = row_oid(&row, RDB_pg_cast_oid);
    return true;
}

bool rdb_cast_find(rdb_access *access, uint32_t source, uint32_t target, const rdb_cast_entry **cast, rdb_error *err)
{
    char name[RDB_NAMEDATALEN];
    uint32_t any = 0, oid = 0;
    cache_entry *cached;
    *cast = objects_cast_find(source, target);
    if (*cast != NULL || access->context.txn == NULL)
        return true;
    if (!cache_find_name(access, 'c', 0, "", lookup_any_cast, &any, err) || any == 0)
        return !rdb_error_is_set(err);
    snprintf(name, sizeof name, "%u/%u", source, target);
    if (!cache_find_name(access, 'c', 0, name, lookup_cast, &oid, err))
        return false;
    if (oid == 0)
        return true;
    if (!cache_get(access, ENTRY_CAST, oid, &cached, err))
        return false;
    *cast = cached != NULL ? &cached->is.cast : NULL;
    return true;
}

/* ---- aggregates ------------------------------------------------------------------------------------------------------------------- */
bool rdb_aggregate_get(rdb_access *access, uint32_t function_oid, const rdb_aggregate **aggregate, rdb_error *err)
{
    const rdb_function *function;
    *aggregate = objects_aggregate_get(function_oid);
    if (*aggregate != NULL || function_oid < RDB_FIRST_NORMAL_OID)
        return true;
    if (!rdb_function_get(access, function_oid, &function, err))
        return false;
    *aggregate = function != NULL ? function->aggregate : NULL;
    return true;
}

/* ---- operator classes of btrees ---------------------------------------------------------------------------------------------------- */
/* Base types that are not built in (an extension's) are ordered by the class that their extension makes their default. */
static bool is_made_type(const rdb_type *type)
{
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    return type->kind == 'b' && type->oid >= RDB_FIRST_NORMAL_OID && type->element == NULL;
}

/* As a name lookup: the default btree class for the type whose OID the name is. */
static bool lookup_made_class(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *oid, rdb_error *err)
{
    enum { BTREE = 403, INDEX_CLASS_NAME = 2686 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(BTREE);
    const uint32_t type_oid = (uint32_t)strtoul(name, NULL, 10);
    bool found = true;
    (void)namespace_oid;
    *oid = 0;
    bool ok = rdb_catalog_scan_open(&scan, access, RDB_PG_OPCLASS, INDEX_CLASS_NAME, &key, 1, access->arena, err);
    while (ok && *oid == 0 && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found)
        if (row_oid(&row, RDB_pg_opclass_opcintype) == type_oid && row_bool(&row, RDB_pg_opclass_opcdefault))
            *oid = row_oid(&row, RDB_pg_opclass_oid);
    rdb_catalog_scan_close(&scan);
    return ok;
}

bool operators_made_class(rdb_access *access, uint32_t type_oid, uint32_t *oid, rdb_error *err)
{
    char name[RDB_NAMEDATALEN];
    snprintf(name, sizeof name, "%u", type_oid);
    return lookup_made_class(access, 0, name, oid, err);
}

static bool made_class(rdb_access *access, const rdb_type *type, uint32_t *oid, rdb_error *err)
{
    char name[RDB_NAMEDATALEN];
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    snprintf(name, sizeof name, "%u", type->oid);
    return cache_find_name(access, 'B', 0, name, lookup_made_class, oid, err);
}

/* The operator of a class of that kind: "class/left/right/strategy". */
static bool lookup_made_operator(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *oid, rdb_error *err)
{
    enum { PG_AMOP = 2602, INDEX_AMOP_FAMILY = 2653 };
    unsigned class_oid = 0, left = 0, right = 0, strategy = 0;
    rdb_catalog_row row;
    bool found = false;
    (void)namespace_oid;
    *oid = 0;
    if (sscanf(name, "%u/%u/%u/%u", &class_oid, &left, &right, &strategy) != 4)
        return true;
    const rdb_datum key = datum_oid(class_oid);
    if (!catalog_find_row(access, RDB_PG_OPCLASS, 2687, &key, 1, access->arena, &row, &found, err) || !found)
        return !rdb_error_is_set(err);
    const rdb_datum keys[] = {datum_oid(row_oid(&row, RDB_pg_opclass_opcfamily)), datum_oid(left), datum_oid(right), datum_int16((int16_t)strategy)};
    if (!catalog_find_row(access, PG_AMOP, INDEX_AMOP_FAMILY, keys, 4, access->arena, &row, &found, err))
        return false;
    if (found)
        *oid = row_oid(&row, RDB_pg_amop_amopopr);
    return true;
}

static bool made_operator(rdb_access *access, const rdb_type *left, const rdb_type *right, uint16_t strategy, uint32_t *oid, rdb_error *err)
{
    char name[RDB_NAMEDATALEN];
    uint32_t class_oid = 0;
    *oid = 0;
    if (!made_class(access, is_made_type(left) ? left : right, &class_oid, err) || class_oid == 0)
        return !rdb_error_is_set(err);
    while (left->kind == 'd' && left->base != NULL)
        left = left->base;
    while (right->kind == 'd' && right->base != NULL)
        right = right->base;
    snprintf(name, sizeof name, "%u/%u/%u/%u", class_oid, left->oid, right->oid, strategy);
    return cache_find_name(access, 'O', 0, name, lookup_made_operator, oid, err);
}

/* The strategy of an operator that is not built in, in the default class of a type that is not: the name is the operator's OID; the number
 * is family * 8 + strategy, which fits as OIDs of families do not come near 2^29. */
static bool lookup_made_strategy(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *number, rdb_error *err)
{
    enum { PG_AMOP = 2602, INDEX_AMOP_OPERATOR = 2654, BTREE = 403 };
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    const rdb_datum key = datum_oid((uint32_t)strtoul(name, NULL, 10));
    (void)namespace_oid;
    *number = 0;
    bool ok = rdb_catalog_scan_open(&scan, access, PG_AMOP, INDEX_AMOP_OPERATOR, &key, 1, access->arena, err);
    while (ok && *number == 0 && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        const rdb_type *type = NULL;
        uint32_t class_oid = 0;
        if (row_oid(&row, RDB_pg_amop_amopmethod) != BTREE || row_char(&row, RDB_pg_amop_amoppurpose) != 's' || row_oid(&row, RDB_pg_amop_amopfamily) >= UINT32_MAX / 8)
            continue;
        ok = rdb_type_get(access, row_oid(&row, RDB_pg_amop_amoplefttype), &type, err) && (type == NULL || !is_made_type(type) || made_class(access, type, &class_oid, err));
        if (class_oid != 0)
            *number = row_oid(&row, RDB_pg_amop_amopfamily) * 8 + (uint32_t)row_int16(&row, RDB_pg_amop_amopstrategy);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

bool rdb_opclass_operator(rdb_access *access, uint32_t type_oid, uint32_t right_type_oid, uint16_t strategy, uint32_t *operator_oid, rdb_error *err)
{
    const rdb_type *left, *right;
    *operator_oid = 0;
    if (!rdb_type_get(access, type_oid, &left, err) || !rdb_type_get(access, right_type_oid, &right, err))
        return false;
    if (left == NULL || right == NULL)
        return true;
    if (is_made_type(left) || is_made_type(right))
        return made_operator(access, left, right, strategy, operator_oid, err);
    const object_opclass *left_class = objects_opclass_default(left), *right_class = objects_opclass_default(right);
    if (left_class == NULL || right_class == NULL)
        return true;
    *operator_oid = objects_family_operator(left_class->family_oid, left_class->input_type, right_class->input_type, strategy);
    return true;
}

bool rdb_opclass_strategy(rdb_access *access, uint32_t operator_oid, uint16_t *strategy, uint32_t *family_oid, rdb_error *err)
{
    *strategy = objects_operator_strategy(operator_oid, family_oid);
    if (operator_oid >= RDB_FIRST_NORMAL_OID && access->context.txn != NULL) {
        char name[RDB_NAMEDATALEN];
        uint32_t number = 0;
        snprintf(name, sizeof name, "%u", operator_oid);
        if (!cache_find_name(access, 'S', 0, name, lookup_made_strategy, &number, err))
            return false;
        *strategy = (uint16_t)(number % 8);
        *family_oid = number / 8;
    }
    return true;
}

bool rdb_opclass_default(rdb_access *access, uint32_t type_oid, uint32_t *opclass_oid, rdb_error *err)
{
    const rdb_type *type;
    *opclass_oid = 0;
    if (!rdb_type_get(access, type_oid, &type, err))
        return false;
    if (type != NULL && is_made_type(type))
        return made_class(access, type, opclass_oid, err);
    const object_opclass *found = type != NULL ? objects_opclass_default(type) : NULL;
    if (found != NULL)
        *opclass_oid = found->oid;
    return true;
}

bool rdb_opclass_find(rdb_access *access, const char *schema, const char *name, uint32_t *opclass_oid, rdb_error *err)
{
    enum { BTREE = 403, INDEX_CLASS_NAME = 2686 };
    uint32_t wanted = 0, path_count = 1;
    const object_opclass *found = schema == NULL || strcmp(schema, "pg_catalog") == 0 ? objects_opclass_find(name) : NULL;
    *opclass_oid = found != NULL ? found->oid : 0;
    if (found != NULL || (schema != NULL && (!rdb_namespace_find(access, schema, &wanted, err) || wanted == 0)))
        return !rdb_error_is_set(err);
    const uint32_t *path = schema != NULL ? &wanted : rdb_access_search_path(access, &path_count);
    for (uint32_t i = 0; i < path_count && *opclass_oid == 0; i++) { /* only classes that order a type that is not built in: others are not used */
        const rdb_datum keys[] = {datum_oid(BTREE), datum_text(name), datum_oid(path[i])};
        const rdb_type *type = NULL;
        rdb_catalog_row row;
        bool is_there;
        if (!catalog_find_row(access, RDB_PG_OPCLASS, INDEX_CLASS_NAME, keys, 3, access->arena, &row, &is_there, err))
            return false;
        if (is_there && !rdb_type_get(access, row_oid(&row, RDB_pg_opclass_opcintype), &type, err))
            return false;
        if (is_there && type != NULL && is_made_type(type) && row_bool(&row, RDB_pg_opclass_opcdefault))
            *opclass_oid = row_oid(&row, RDB_pg_opclass_oid);
    }
    return true;
}
