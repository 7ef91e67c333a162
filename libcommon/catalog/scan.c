/* SPDX-License-Identifier: Apache-2.0
 * System tables as tables: scans by index or whole, and row changes that keep the indexes and tell the caches. A read sees
 * the latest committed state and all of the transaction's own changes (R44). Shared tables live in the root PDB: a transaction
 * of another database reads and changes them through a transaction there. */
#include "catalog/catalog_int.h"
#include "catalog/rdb_ddl.h"

#include <stdlib.h>

enum { SCAN_ROWS = 64 };

struct rdb_catalog_scan {
    const rdb_relation *relation;
    const rdb_relation_index *index; /* NULL: heap order */
    rdb_txn *txn;
    rdb_snapshot snapshot;
    rdb_arena *rows;  /* what the caller gets: lives as long as the caller wants */
    rdb_arena *batch; /* keys and entries of one batch; reset with each */
    rdb_table_scan *table_scan;
    rdb_index_cursor *cursor;
    rdb_slice bound;
    int16_t *columns;
    rdb_vector *storage, **vectors;
    rdb_row_address addresses[SCAN_ROWS];
    rdb_row_version versions[SCAN_ROWS];
    rdb_index_entry entries[SCAN_ROWS];
    bool found[SCAN_ROWS], recheck[SCAN_ROWS];
    uint32_t capacity, count, next;
};

const char *row_text(rdb_arena *arena, const rdb_catalog_row *row, int column)
{
    if (row->is_null[column - 1])
        return NULL;
    rdb_bytes bytes = row->values[column - 1].bytes;
    return rdb_arena_strndup(arena, (const char *)bytes.data, bytes.length);
}

void row_name(const rdb_catalog_row *row, int column, char name[RDB_NAMEDATALEN])
{
    rdb_bytes bytes = row->is_null[column - 1] ? (rdb_bytes){0} : row->values[column - 1].bytes;
    uint32_t length = RDB_MIN(bytes.length, RDB_NAMEDATALEN - 1);
    if (length > 0)
        memcpy(name, bytes.data, length);
    name[length] = '\0';
}

bool access_txn_for(rdb_access *access, const rdb_relation *relation, bool for_write, rdb_txn **txn, rdb_error *err)
{
    rdb_txn *own = access->context.txn;
    *txn = own;
    if (own != NULL && relation->table.pdb == rdb_txn_pdb(own))
        return true;
    catalog_overlay *overlay = overlay_find(access->context.catalog, own);
    if (for_write) {
        uint32_t level;
        if (!overlay_need(access, &overlay, err) ||
            (overlay->root_txn == NULL && !rdb_txn_begin(access->context.catalog->txns, RDB_PDB_ROOT, RDB_READ_COMMITTED, false, rdb_txn_cancel(own),
                                                         &overlay->root_txn, err)))
            return false;
        while (rdb_txn_current_level(overlay->root_txn) < rdb_txn_current_level(own))
            if (!rdb_txn_push_level(overlay->root_txn, &level, err))
                return false;
    }
    if (relation->table.pdb == RDB_PDB_ROOT && overlay != NULL && overlay->root_txn != NULL) {
        *txn = overlay->root_txn;
        return true;
    }
    if (access->root_reader == NULL &&
        !rdb_txn_begin(access->context.catalog->txns, relation->table.pdb, RDB_READ_COMMITTED, true,
                       own != NULL ? rdb_txn_cancel(own) : NULL, &access->root_reader, err))
        return false;
    if (rdb_txn_pdb(access->root_reader) != relation->table.pdb)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "catalog of database %u read from database %u", relation->table.pdb,
                             rdb_txn_pdb(access->root_reader));
    *txn = access->root_reader;
    return true;
}

static const rdb_relation_index *find_index(const rdb_relation *relation, uint32_t index_oid)
{
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (relation->indexes[i].oid == index_oid)
            return &relation->indexes[i];
    return NULL;
}

bool rdb_catalog_scan_open(rdb_catalog_scan **scan, rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys,
                           uint16_t key_count, rdb_arena *arena, rdb_error *err)
{
    return rdb_catalog_scan_open_at(scan, access, catalog_oid, index_oid, keys, key_count, NULL, false, arena, err);
}

bool rdb_catalog_scan_open_at(rdb_catalog_scan **scan, rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys,
                              uint16_t key_count, const rdb_snapshot *snapshot, bool backward, rdb_arena *arena, rdb_error *err)
{
    *scan = NULL;
    const rdb_relation *relation = system_relation(access->context.database, catalog_oid);
    if (relation == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "table %u is not a system table", catalog_oid);
    rdb_catalog_scan *opened = RDB_NEW(arena, rdb_catalog_scan);
    opened->relation = relation;
    opened->rows = arena;
    opened->capacity = index_oid == 0 ? SCAN_ROWS : 8;
    if (!access_txn_for(access, relation, false, &opened->txn, err))
        return false;
    if (snapshot != NULL && opened->txn == access->context.txn)
        opened->snapshot = *snapshot;
    else if (access->loads && opened->txn == access->context.txn)
        opened->snapshot = access->load_snapshot;
    else
        rdb_txn_latest_snapshot(opened->txn, &opened->snapshot);
    opened->batch = rdb_arena_create("catalog scan", NULL, NULL);
    if (opened->batch == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    const uint16_t column_count = relation->column_count;
    opened->columns = RDB_NEW_ARRAY(arena, int16_t, column_count);
    opened->storage = RDB_NEW_ARRAY(arena, rdb_vector, column_count);
    opened->vectors = RDB_NEW_ARRAY(arena, rdb_vector *, column_count);
    for (uint16_t i = 0; i < column_count; i++) {
        opened->columns[i] = (int16_t)(i + 1);
        opened->vectors[i] = &opened->storage[i];
        if (!rdb_vector_init(opened->vectors[i], arena, (rdb_rep)relation->table.reps[i], opened->capacity, err))
            goto failed;
    }
    if (index_oid != 0) {
        opened->index = find_index(relation, index_oid);
        if (opened->index == NULL || key_count > opened->index->key_count) {
            rdb_error_set(err, RDB_INTERNAL_ERROR, "index %u does not serve table %u", index_oid, catalog_oid);
            goto failed;
        }
        bool is_null[32] = {false};
        rdb_strbuf bound;
        rdb_strbuf_init(&bound, arena);
        if (!rdb_index_key_encode(opened->index, keys, is_null, key_count, &bound, err))
            goto failed;
        opened->bound = (rdb_slice){(const uint8_t *)bound.data, bound.length};
        rdb_index_range range = {.lower = opened->bound, .upper = opened->bound};
        if (!rdb_index_cursor_open(&opened->cursor, &opened->index->index, &range, backward, arena, err))
            goto failed;
    } else if (!rdb_table_scan_open(&opened->table_scan, &relation->table, opened->txn, &opened->snapshot, opened->columns, column_count, 0,
                                    UINT64_MAX, arena, err)) {
        goto failed;
    }
    *scan = opened;
    return true;
failed:
    rdb_catalog_scan_close(&opened);
    return false;
}

/* Does the row that the entry led to have the entry's key? A stale entry, of a key it had once, does not count (R28). */
static bool entry_counts(rdb_catalog_scan *scan, uint32_t row_no, bool *counts, rdb_error *err)
{
    const rdb_relation_index *index = scan->index;
    rdb_datum values[32];
    bool is_null[32];
    rdb_strbuf key;
    rdb_strbuf_init(&key, scan->batch);
    for (uint16_t i = 0; i < index->key_count; i++) {
        const rdb_vector *vector = scan->vectors[index->columns[i].column_number - 1];
        is_null[i] = rdb_vector_is_null(vector, row_no);
        values[i] = is_null[i] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(vector, row_no);
    }
    if (!rdb_index_key_encode(index, values, is_null, index->key_count, &key, err))
        return false;
    rdb_slice entry_key = scan->entries[row_no].key;
    *counts = key.length == entry_key.length && memcmp(key.data, entry_key.data, key.length) == 0;
    return true;
}

static bool next_batch(rdb_catalog_scan *scan, rdb_error *err)
{
    rdb_arena_reset(scan->batch);
    scan->next = 0;
    for (uint16_t i = 0; i < scan->relation->column_count; i++)
        rdb_vector_clear_nulls(scan->vectors[i]);
    if (scan->index == NULL) {
        memset(scan->found, true, sizeof scan->found);
        return rdb_table_scan_next(scan->table_scan, scan->capacity, scan->rows, scan->vectors, scan->addresses, scan->versions, &scan->count, err);
    }
    if (!rdb_index_cursor_next(scan->cursor, scan->capacity, true, scan->batch, scan->entries, &scan->count, err))
        return false;
    if (scan->count == 0)
        return true;
    for (uint32_t i = 0; i < scan->count; i++)
        scan->addresses[i] = scan->entries[i].address;
    if (!rdb_table_fetch(&scan->relation->table, scan->txn, &scan->snapshot, scan->addresses, scan->count, scan->columns,
                         scan->relation->column_count, scan->rows, scan->vectors, scan->found, scan->recheck, scan->versions, err))
        return false;
    for (uint32_t i = 0; i < scan->count; i++)
        if (scan->found[i] && scan->recheck[i] && !entry_counts(scan, i, &scan->found[i], err))
            return false;
    return true;
}

bool rdb_catalog_scan_next(rdb_catalog_scan *scan, rdb_catalog_row *row, bool *found, rdb_error *err)
{
    *found = false;
    for (;;) {
        while (scan->next < scan->count && !scan->found[scan->next])
            scan->next++;
        if (scan->next < scan->count)
            break;
        if (!next_batch(scan, err))
            return false;
        if (scan->count == 0)
            return rdb_arena_check(scan->rows, err);
    }
    const uint16_t column_count = scan->relation->column_count;
    const uint32_t row_no = scan->next++;
    row->address = scan->addresses[row_no];
    row->version = scan->versions[row_no];
    row->columns = scan->relation->columns;
    row->values = RDB_NEW_ARRAY(scan->rows, rdb_datum, column_count);
    row->is_null = RDB_NEW_ARRAY(scan->rows, bool, column_count);
    for (uint16_t i = 0; i < column_count; i++) {
        row->is_null[i] = rdb_vector_is_null(scan->vectors[i], row_no);
        if (!row->is_null[i])
            row->values[i] = rdb_vector_get(scan->vectors[i], row_no);
    }
    *found = true;
    return true;
}

void rdb_catalog_scan_close(rdb_catalog_scan **scan)
{
    if (*scan == NULL)
        return;
    if ((*scan)->table_scan != NULL)
        rdb_table_scan_close(&(*scan)->table_scan);
    if ((*scan)->cursor != NULL)
        rdb_index_cursor_close(&(*scan)->cursor);
    rdb_arena_destroy((*scan)->batch);
    *scan = NULL;
}

bool catalog_find_row(rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count,
                      rdb_arena *arena, rdb_catalog_row *row, bool *found, rdb_error *err)
{
    rdb_catalog_scan *scan;
    *found = false;
    if (!rdb_catalog_scan_open(&scan, access, catalog_oid, index_oid, keys, key_count, arena, err))
        return false;
    bool ok = rdb_catalog_scan_next(scan, row, found, err);
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* ---- changes ------------------------------------------------------------------------------------------------------------- */
/* Which objects' descriptors a changed row of a system table belongs to. */
static bool note_change(rdb_access *access, uint32_t catalog_oid, const rdb_datum *values, rdb_error *err)
{
#define VALUE(column) (values[(column)-1].oid)
    switch (catalog_oid) {
    case RDB_PG_CLASS:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_class_oid), err);
    case RDB_PG_ATTRIBUTE:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_attribute_attrelid), err);
    case RDB_PG_ATTRDEF:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_attrdef_adrelid), err);
    case RDB_PG_INDEX:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_index_indrelid), err) &&
               overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_index_indexrelid), err);
    case RDB_PG_CONSTRAINT:
        return (VALUE(RDB_pg_constraint_conrelid) == 0 ||
                overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_constraint_conrelid), err)) &&
               (VALUE(RDB_pg_constraint_confrelid) == 0 ||
                overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_constraint_confrelid), err)) &&
               (VALUE(RDB_pg_constraint_contypid) == 0 ||
                overlay_note(access, RDB_PG_TYPE, VALUE(RDB_pg_constraint_contypid), err));
    case RDB_PG_REWRITE:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_rewrite_ev_class), err);
    case RDB_PG_TRIGGER:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_trigger_tgrelid), err);
    case RDB_PG_INHERITS:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_inherits_inhrelid), err) &&
               overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_inherits_inhparent), err);
    case RDB_PG_PARTITIONED_TABLE:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_partitioned_table_partrelid), err);
    case RDB_PG_STATISTIC:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_statistic_starelid), err);
    case RDB_PG_STATISTIC_EXT:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_pg_statistic_ext_stxrelid), err);
    case RDB_LAYOUT:
        return overlay_note(access, RDB_PG_CLASS, VALUE(RDB_rdb_layout_layrelid), err);
    case RDB_PG_TYPE:
        return overlay_note(access, RDB_PG_TYPE, VALUE(RDB_pg_type_oid), err);
    case RDB_PG_ENUM:
        return overlay_note(access, RDB_PG_TYPE, VALUE(RDB_pg_enum_enumtypid), err);
    case RDB_PG_PROC:
        return overlay_note(access, RDB_PG_PROC, VALUE(RDB_pg_proc_oid), err);
    case RDB_PG_AGGREGATE:
        return overlay_note(access, RDB_PG_PROC, VALUE(RDB_pg_aggregate_aggfnoid), err);
    case RDB_PG_OPERATOR:
        return overlay_note(access, RDB_PG_OPERATOR, VALUE(RDB_pg_operator_oid), err);
    case RDB_PG_OPCLASS: /* what orders a type, and by which operators: found by name */
        return overlay_note(access, RDB_PG_OPERATOR, VALUE(RDB_pg_opclass_oid), err) && overlay_note(access, RDB_PG_TYPE, VALUE(RDB_pg_opclass_opcintype), err);
    case 2603: /* pg_amproc */
        return overlay_note(access, RDB_PG_TYPE, VALUE(RDB_pg_amproc_amproclefttype), err);
    case 2602: /* pg_amop */
        return overlay_note(access, RDB_PG_OPERATOR, VALUE(RDB_pg_amop_amopopr), err);
    case RDB_PG_CAST:
        return overlay_note(access, RDB_PG_CAST, VALUE(RDB_pg_cast_oid), err);
    case RDB_PG_NAMESPACE:
        return overlay_note(access, RDB_PG_NAMESPACE, VALUE(RDB_pg_namespace_oid), err);
    default:
        return true; /* nothing is cached of it */
    }
#undef VALUE
}

static bool begin_change(rdb_access *access, uint32_t catalog_oid, rdb_row_writer *writer, rdb_snapshot *snapshot, rdb_arena **arena, rdb_error *err)
{
    const rdb_relation *relation = system_relation(access->context.database, catalog_oid);
    *arena = NULL;
    if (relation == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "table %u is not a system table", catalog_oid);
    rdb_txn *txn;
    if (!access_txn_for(access, relation, true, &txn, err))
        return false;
    *arena = rdb_arena_create("catalog change", NULL, NULL);
    if (*arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_txn_latest_snapshot(txn, snapshot);
    *writer = (rdb_row_writer){.txn = txn, .snapshot = snapshot, .relation = relation, .arena = *arena};
    return true;
}

/* An object that an extension's script makes is a part of the extension, but for what is a part of another object. */
static bool note_member(rdb_access *access, uint32_t catalog_oid, const rdb_datum *values, rdb_error *err)
{
    enum { PG_OPFAMILY = 2753, PG_EXTENSION = 3079 };
    if (access->extension_oid == 0 || (catalog_oid != RDB_PG_PROC && catalog_oid != RDB_PG_TYPE && catalog_oid != RDB_PG_OPERATOR && catalog_oid != RDB_PG_CAST &&
                                       catalog_oid != RDB_PG_OPCLASS && catalog_oid != PG_OPFAMILY))
        return true;
    if (catalog_oid == RDB_PG_TYPE && (!values[RDB_pg_type_typisdefined - 1].b || values[RDB_pg_type_typrelid - 1].oid != 0 || values[RDB_pg_type_typcategory - 1].i8 == 'A'))
        return true;
    return rdb_ddl_depend(access, (rdb_object_address){catalog_oid, values[0].oid, 0}, (rdb_object_address){PG_EXTENSION, access->extension_oid, 0}, 'e', err);
}

bool rdb_catalog_insert(rdb_access *access, uint32_t catalog_oid, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    rdb_row_writer writer;
    rdb_snapshot snapshot;
    rdb_arena *arena;
    rdb_row_address address;
    bool ok = begin_change(access, catalog_oid, &writer, &snapshot, &arena, err) &&
              rdb_row_insert(&writer, values, is_null, NULL, RDB_CONFLICT_ERROR, &address, NULL, err) &&
              note_change(access, catalog_oid, values, err) && note_member(access, catalog_oid, values, err);
    rdb_arena_destroy(arena);
    return ok;
}

/* The row as it stands now, which must be the version that the caller saw. */
static bool fetch_old(const rdb_row_writer *writer, const rdb_catalog_row *row, rdb_datum **values, bool **is_null, rdb_error *err)
{
    const rdb_relation *relation = writer->relation;
    rdb_vector *storage = RDB_NEW_ARRAY(writer->arena, rdb_vector, relation->column_count);
    rdb_vector **vectors = RDB_NEW_ARRAY(writer->arena, rdb_vector *, relation->column_count);
    int16_t *columns = RDB_NEW_ARRAY(writer->arena, int16_t, relation->column_count);
    bool found, recheck;
    rdb_row_version version;
    *values = RDB_NEW_ARRAY(writer->arena, rdb_datum, relation->column_count);
    *is_null = RDB_NEW_ARRAY(writer->arena, bool, relation->column_count);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        columns[i] = (int16_t)(i + 1);
        vectors[i] = &storage[i];
        if (!rdb_vector_init(vectors[i], writer->arena, (rdb_rep)relation->table.reps[i], 1, err))
            return false;
    }
    if (!rdb_table_fetch(&relation->table, writer->txn, writer->snapshot, &row->address, 1, columns, relation->column_count, writer->arena,
                         vectors, &found, &recheck, &version, err))
        return false;
    if (!found || version.xid != row->version.xid || version.undo != row->version.undo)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "tuple concurrently updated");
    for (uint16_t i = 0; i < relation->column_count; i++) {
        (*is_null)[i] = rdb_vector_is_null(vectors[i], 0);
        if (!(*is_null)[i])
            (*values)[i] = rdb_vector_get(vectors[i], 0);
    }
    return true;
}

static bool check_outcome(rdb_write_outcome outcome, rdb_error *err)
{
    if (outcome == RDB_WRITE_DONE)
        return true;
    return rdb_error_set(err, RDB_INTERNAL_ERROR, outcome == RDB_WRITE_GONE ? "tuple concurrently deleted" : "tuple concurrently updated");
}

bool rdb_catalog_update(rdb_access *access, uint32_t catalog_oid, const rdb_catalog_row *row, rdb_error *err)
{
    rdb_row_writer writer;
    rdb_snapshot snapshot;
    rdb_arena *arena;
    rdb_datum *old_values;
    bool *old_is_null;
    rdb_write_outcome outcome;
    bool ok = begin_change(access, catalog_oid, &writer, &snapshot, &arena, err) && fetch_old(&writer, row, &old_values, &old_is_null, err) &&
              rdb_row_update(&writer, row->address, row->version, old_values, old_is_null, row->values, row->is_null, NULL, NULL, &outcome, err) &&
              check_outcome(outcome, err) && note_change(access, catalog_oid, old_values, err) && note_change(access, catalog_oid, row->values, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_catalog_delete(rdb_access *access, uint32_t catalog_oid, const rdb_catalog_row *row, rdb_error *err)
{
    rdb_row_writer writer;
    rdb_snapshot snapshot;
    rdb_arena *arena;
    rdb_datum *old_values;
    bool *old_is_null;
    rdb_write_outcome outcome;
    bool ok = begin_change(access, catalog_oid, &writer, &snapshot, &arena, err) && fetch_old(&writer, row, &old_values, &old_is_null, err) &&
              rdb_row_delete(&writer, row->address, row->version, old_values, old_is_null, NULL, &outcome, err) && check_outcome(outcome, err) &&
              note_change(access, catalog_oid, old_values, err);
    rdb_arena_destroy(arena);
    return ok;
}
