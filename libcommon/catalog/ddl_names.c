/* SPDX-License-Identifier: Apache-2.0
 * DDL on what depends on what, where an object moves: from one schema to another. */
#include "catalog/ddl_int.h"

typedef struct dependency_move {
    uint32_t catalog_oid, from, to;
} dependency_move;

static bool move_one(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const dependency_move *move = context;
    if (row_oid(row, RDB_pg_depend_refclassid) != move->catalog_oid || row_oid(row, RDB_pg_depend_refobjid) != move->from)
        return true;
    row->values[RDB_pg_depend_refobjid - 1].oid = move->to;
    return rdb_catalog_update(access, catalog_oid, row, err);
}

bool rdb_ddl_move_dependency(rdb_access *access, rdb_object_address dependent, uint32_t catalog_oid, uint32_t from, uint32_t to, rdb_error *err)
{
    dependency_move move = {catalog_oid, from, to};
    const rdb_datum keys[] = {datum_oid(dependent.catalog_oid), datum_oid(dependent.object_oid), {.i32 = dependent.sub_id}};
    return visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, keys, 3, move_one, &move, err);
}

static bool place_constraint(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const uint32_t *namespace_oid = context;
    row->values[RDB_pg_constraint_connamespace - 1].oid = *namespace_oid;
    return rdb_catalog_update(access, catalog_oid, row, err);
}

bool ddl_move_constraints(rdb_access *access, uint32_t relation_oid, uint32_t type_oid, uint32_t namespace_oid, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(relation_oid), datum_oid(type_oid)};
    return visit_rows(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_RELATION, keys, 2, place_constraint, &namespace_oid, err);
}
