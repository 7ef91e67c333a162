/* SPDX-License-Identifier: Apache-2.0
 * The definition of a sequence that is there: read and changed as a row of pg_sequence. */
#include "catalog/ddl_int.h"

bool rdb_ddl_get_sequence(rdb_access *access, uint32_t oid, rdb_sequence_definition *definition, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_SEQUENCE, INDEX_SEQUENCE, &key, 1, arena, &row, err);
    if (ok) {
        definition->type_oid = row_oid(&row, RDB_pg_sequence_seqtypid);
        definition->start = row.values[RDB_pg_sequence_seqstart - 1].i64;
        definition->increment = row.values[RDB_pg_sequence_seqincrement - 1].i64;
        definition->maximum = row.values[RDB_pg_sequence_seqmax - 1].i64;
        definition->minimum = row.values[RDB_pg_sequence_seqmin - 1].i64;
        definition->cache = row.values[RDB_pg_sequence_seqcache - 1].i64;
        definition->cycles = row_bool(&row, RDB_pg_sequence_seqcycle);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_set_sequence(rdb_access *access, uint32_t oid, const rdb_sequence_definition *definition, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row, column;
    const rdb_datum key = datum_oid(oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_SEQUENCE, INDEX_SEQUENCE, &key, 1, arena, &row, err);
    if (ok) {
        row.values[RDB_pg_sequence_seqtypid - 1].oid = definition->type_oid;
        row.values[RDB_pg_sequence_seqstart - 1].i64 = definition->start;
        row.values[RDB_pg_sequence_seqincrement - 1].i64 = definition->increment;
        row.values[RDB_pg_sequence_seqmax - 1].i64 = definition->maximum;
        row.values[RDB_pg_sequence_seqmin - 1].i64 = definition->minimum;
        row.values[RDB_pg_sequence_seqcache - 1].i64 = definition->cache;
        row.values[RDB_pg_sequence_seqcycle - 1].b = definition->cycles;
        ok = rdb_catalog_update(access, RDB_PG_SEQUENCE, &row, err);
        /* The epoch moves with the relation's row: whoever keeps what the sequence was reads it anew. */
        ok = ok && need_class_row(access, oid, arena, &column, err) && rdb_catalog_update(access, RDB_PG_CLASS, &column, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

static bool drop_internal(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    (void)context;
    return row_char(row, RDB_pg_depend_deptype) != 'i' || rdb_catalog_delete(access, catalog_oid, row, err);
}

bool rdb_ddl_release_identity(rdb_access *access, uint32_t oid, rdb_error *err)
{
    const rdb_datum depender[] = {datum_oid(RDB_PG_CLASS), datum_oid(oid)};
    return visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, drop_internal, NULL, err);
}
