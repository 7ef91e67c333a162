/* SPDX-License-Identifier: Apache-2.0
 * DDL on inheritance: rows of pg_inherits and pg_partitioned_table, what columns and constraints know of their parents.
 *
 * An ordinary child depends on its parent normally (DROP needs CASCADE), a partition automatically. An index or constraint of a
 * partition that is a part of the partitioned table's depends on that one ("P") and on its own table ("S"): it goes with
 * either, and cannot be dropped alone. */
#include "catalog/ddl_int.h"

static bool set_has_subclass(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    if (!need_class_row(access, oid, arena, &row, err))
        return false;
    if (row_bool(&row, RDB_pg_class_relhassubclass))
        return true;
    row.values[RDB_pg_class_relhassubclass - 1].b = true;
    return rdb_catalog_update(access, RDB_PG_CLASS, &row, err);
}

bool rdb_ddl_add_parent(rdb_access *access, uint32_t child_oid, uint32_t parent_oid, int32_t seqno, bool is_partition, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row class_row;
    if (arena == NULL)
        return false;
    const new_row row = row_begin(access, RDB_PG_INHERITS, arena);
    set_oid(&row, RDB_pg_inherits_inhrelid, child_oid);
    set_oid(&row, RDB_pg_inherits_inhparent, parent_oid);
    set_int32(&row, RDB_pg_inherits_inhseqno, seqno);
    set_bool(&row, RDB_pg_inherits_inhdetachpending, false);
    bool ok = row_insert(&row, err) && set_has_subclass(access, parent_oid, arena, err) && need_class_row(access, child_oid, arena, &class_row, err);
    const char kind = ok ? row_char(&class_row, RDB_pg_class_relkind) : 0;
    /* indexes: rdb_ddl_set_part_of */
    ok = ok && (kind == 'i' || kind == 'I' ||
                rdb_ddl_depend(access, (rdb_object_address){RDB_PG_CLASS, child_oid, 0}, (rdb_object_address){RDB_PG_CLASS, parent_oid, 0}, is_partition ? 'a' : 'n', err));
    rdb_arena_destroy(arena);
    return ok;
}

typedef struct parent_search {
    uint32_t oid;
    bool found;
    bool sets, value; /* change inhdetachpending instead of removing */
} parent_search;

static bool visit_parent(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    parent_search *search = context;
    if (row_oid(row, RDB_pg_inherits_inhparent) != search->oid)
        return true;
    search->found = true;
    if (!search->sets)
        return rdb_catalog_delete(access, catalog_oid, row, err);
    row->values[RDB_pg_inherits_inhdetachpending - 1].b = search->value;
    return rdb_catalog_update(access, catalog_oid, row, err);
}

typedef struct dependency_search {
    rdb_object_address referenced;
    const char *kinds;
} dependency_search;

static bool remove_dependency(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const dependency_search *search = context;
    const bool is_it = row_oid(row, RDB_pg_depend_refclassid) == search->referenced.catalog_oid &&
                       row_oid(row, RDB_pg_depend_refobjid) == search->referenced.object_oid && row_int32(row, RDB_pg_depend_refobjsubid) == 0 &&
                       row_int32(row, RDB_pg_depend_objsubid) == 0 && strchr(search->kinds, row_char(row, RDB_pg_depend_deptype)) != NULL;
    return !is_it || rdb_catalog_delete(access, catalog_oid, row, err);
}

static bool remove_dependencies(rdb_access *access, rdb_object_address dependent, rdb_object_address referenced, const char *kinds, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(dependent.catalog_oid), datum_oid(dependent.object_oid)};
    dependency_search search = {referenced, kinds};
    return visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, keys, 2, remove_dependency, &search, err);
}

bool rdb_ddl_remove_parent(rdb_access *access, uint32_t child_oid, uint32_t parent_oid, bool *found, rdb_error *err)
{
    const rdb_datum key = datum_oid(child_oid);
    parent_search search = {.oid = parent_oid};
    const bool ok = visit_rows(access, RDB_PG_INHERITS, INDEX_INHERITS_RELATION, &key, 1, visit_parent, &search, err);
    *found = search.found;
    return ok && (!search.found || remove_dependencies(access, (rdb_object_address){RDB_PG_CLASS, child_oid, 0},
                                                       (rdb_object_address){RDB_PG_CLASS, parent_oid, 0}, "na", err));
}

bool rdb_ddl_set_detaching(rdb_access *access, uint32_t child_oid, uint32_t parent_oid, bool is_detaching, rdb_error *err)
{
    const rdb_datum key = datum_oid(child_oid);
    parent_search search = {.oid = parent_oid, .sets = true, .value = is_detaching};
    return visit_rows(access, RDB_PG_INHERITS, INDEX_INHERITS_RELATION, &key, 1, visit_parent, &search, err);
}

bool rdb_ddl_get_parents(rdb_access *access, uint32_t child_oid, rdb_arena *arena, uint32_t **parents, uint32_t *count, rdb_error *err)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    uint32_t capacity = 0;
    const rdb_datum key = datum_oid(child_oid);
    *parents = NULL;
    *count = 0;
    bool ok = rdb_catalog_scan_open(&scan, access, RDB_PG_INHERITS, INDEX_INHERITS_RELATION, &key, 1, arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) { /* the index has them by place */
        if (*count == capacity) {
            const uint32_t larger = capacity * 2 + 4;
            *parents = rdb_arena_try_grow(arena, *parents, capacity * sizeof **parents, larger * sizeof **parents, err);
            if (*parents == NULL) {
                ok = false;
                break;
            }
            capacity = larger;
        }
        (*parents)[(*count)++] = row_oid(&row, RDB_pg_inherits_inhparent);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* ---- partitions -------------------------------------------------------------------------------------------------------------------- */
static bool set_partition_key(rdb_access *access, uint32_t relation_oid, const rdb_partition_key *key, const rdb_object_address *uses, uint32_t use_count,
                              rdb_arena *arena, rdb_error *err)
{
    const new_row row = row_begin(access, RDB_PG_PARTITIONED_TABLE, arena);
    set_oid(&row, RDB_pg_partitioned_table_partrelid, relation_oid);
    set_char(&row, RDB_pg_partitioned_table_partstrat, key->strategy);
    set_int16(&row, RDB_pg_partitioned_table_partnatts, (int16_t)key->count);
    set_oid(&row, RDB_pg_partitioned_table_partdefid, 0);
    set_text(&row, RDB_pg_partitioned_table_partexprs, key->expression_tree);
    return datum_from_int16s(arena, RDB_INT2VECTOROID, key->columns, key->count, row_at(&row, RDB_pg_partitioned_table_partattrs), err) &&
           datum_from_oids(arena, RDB_OIDVECTOROID, key->opclasses, key->count, row_at(&row, RDB_pg_partitioned_table_partclass), err) &&
           datum_from_oids(arena, RDB_OIDVECTOROID, key->collations, key->count, row_at(&row, RDB_pg_partitioned_table_partcollation), err) &&
           row_insert(&row, err) && ddl_depend_on_uses(access, (rdb_object_address){RDB_PG_CLASS, relation_oid, 0}, uses, use_count, err);
}

bool rdb_ddl_set_partition_key(rdb_access *access, uint32_t relation_oid, const rdb_partition_key *key, const rdb_object_address *uses, uint32_t use_count,
                               rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && set_partition_key(access, relation_oid, key, uses, use_count, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_partition_bound(rdb_access *access, uint32_t relation_oid, const char *bound, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool ok = arena != NULL && need_class_row(access, relation_oid, arena, &row, err);
    if (ok) {
        const char kind = row_char(&row, RDB_pg_class_relkind);
        row.is_null[RDB_pg_class_relpartbound - 1] = bound == NULL || bound[0] == 0;
        if (!row.is_null[RDB_pg_class_relpartbound - 1])
            row.values[RDB_pg_class_relpartbound - 1] = datum_text(bound);
        row.values[RDB_pg_class_relispartition - 1].b = bound != NULL;
        RDB_ASSERT(kind == 'r' || kind == 'p' || kind == 'i' || kind == 'I');
        (void)kind;
        ok = rdb_catalog_update(access, RDB_PG_CLASS, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_default_partition(rdb_access *access, uint32_t relation_oid, uint32_t default_oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(relation_oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_PARTITIONED_TABLE, INDEX_PARTITIONED_TABLE, &key, 1, arena, &row, err);
    if (ok) {
        row.values[RDB_pg_partitioned_table_partdefid - 1].oid = default_oid;
        ok = rdb_catalog_update(access, RDB_PG_PARTITIONED_TABLE, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool ddl_forget_default_partition(rdb_access *access, uint32_t oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    uint32_t *parents, count = 0;
    rdb_catalog_row row;
    bool found = false;
    bool ok = arena != NULL && rdb_ddl_get_parents(access, oid, arena, &parents, &count, err);
    if (ok && count > 0) {
        const rdb_datum key = datum_oid(parents[0]);
        ok = catalog_find_row(access, RDB_PG_PARTITIONED_TABLE, INDEX_PARTITIONED_TABLE, &key, 1, arena, &row, &found, err);
        if (ok && found && row_oid(&row, RDB_pg_partitioned_table_partdefid) == oid)
            ok = rdb_ddl_set_default_partition(access, parents[0], 0, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- constraints and indexes --------------------------------------------------------------------------------------------------------- */
bool rdb_ddl_set_constraint_inheritance(rdb_access *access, uint32_t constraint_oid, bool is_local, int32_t inherit_count, bool is_no_inherit,
                                        uint32_t parent_oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(constraint_oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, &key, 1, arena, &row, err);
    if (ok) {
        row.values[RDB_pg_constraint_conislocal - 1].b = is_local;
        row.values[RDB_pg_constraint_coninhcount - 1].i32 = inherit_count;
        row.values[RDB_pg_constraint_connoinherit - 1].b = is_no_inherit;
        row.values[RDB_pg_constraint_conparentid - 1].oid = parent_oid;
        ok = rdb_catalog_update(access, RDB_PG_CONSTRAINT, &row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

static bool remove_part(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    (void)context;
    const char kind = row_char(row, RDB_pg_depend_deptype);
    return (kind != 'P' && kind != 'S') || rdb_catalog_delete(access, catalog_oid, row, err);
}

bool rdb_ddl_set_part_of(rdb_access *access, rdb_object_address part, uint32_t parent_oid, uint32_t table_oid, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(part.catalog_oid), datum_oid(part.object_oid)};
    if (parent_oid == 0)
        return visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, keys, 2, remove_part, NULL, err);
    return rdb_ddl_depend(access, part, (rdb_object_address){part.catalog_oid, parent_oid, 0}, 'P', err) &&
           rdb_ddl_depend(access, part, (rdb_object_address){RDB_PG_CLASS, table_oid, 0}, 'S', err);
}
