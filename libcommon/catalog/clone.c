/* SPDX-License-Identifier: Apache-2.0
 * CREATE DATABASE and DROP DATABASE. A new database is a new pluggable database: the rows of its template, as one snapshot
 * sees them, go into new files with new indexes, in a transaction of the new PDB. Only then do the shared tables name it, in a
 * transaction of the root; a crash between the two leaves files that nobody names, and their number is passed over. */
#include "catalog/bootstrap.h"
#include "catalog/ddl_int.h"

#include <stdlib.h>

typedef struct file_pair { /* relfilenode in the template and in the clone, of one relation */
    uint32_t oid, old_node, new_node;
    char kind;
} file_pair;

typedef struct clone_job {
    rdb_database *source, *target;
    rdb_txn *source_txn, *target_txn;
    rdb_access *access;    /* on the source */
    rdb_snapshot snapshot; /* the one that all is read with */
    rdb_arena *arena;      /* of the whole */
    file_pair *pairs;
    uint32_t pair_count, pair_capacity;
} clone_job;

static const file_pair *find_pair(const clone_job *c, uint32_t oid)
{
    for (uint32_t i = 0; i < c->pair_count; i++)
        if (c->pairs[i].oid == oid)
            return &c->pairs[i];
    return NULL;
}

/* A row of the source's pg_class: gives a relation that is no system table a file in the clone. */
static bool renumber(clone_job *c, rdb_datum *values, const bool *is_null, rdb_error *err)
{
    const char kind = (char)values[RDB_pg_class_relkind - 1].i8;
    const uint32_t oid = values[RDB_pg_class_oid - 1].oid, node = values[RDB_pg_class_relfilenode - 1].oid;
    const bool is_system = system_relation(c->source, oid) != NULL || (kind == 'i' && builtin_index_by_oid(oid) != NULL);
    uint64_t file;
    (void)is_null;
    if (node == 0 || is_system)
        return true;
    if (c->pair_count == c->pair_capacity) {
        uint32_t capacity = c->pair_capacity * 2 + 64;
        file_pair *grown = realloc(c->pairs, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        c->pairs = grown;
        c->pair_capacity = capacity;
    }
    if (!rdb_storage_next_file(c->target->catalog->storage, c->target->pdb, kind == 'i' ? RDB_FILE_INDEX : RDB_FILE_TABLE, &file, err))
        return false;
    c->pairs[c->pair_count++] = (file_pair){oid, node, ddl_filenode(file), kind};
    values[RDB_pg_class_relfilenode - 1].oid = ddl_filenode(file);
    return true;
}

/* All rows of source, as the snapshot sees them, into target. */
static bool copy_table(clone_job *c, const rdb_relation *source, const rdb_relation *target, rdb_error *err)
{
    const uint16_t count = source->column_count;
    rdb_arena *arena = ddl_arena(err), *batch = ddl_arena(err);
    table_filler *filler = NULL;
    rdb_table_scan *scan = NULL;
    bool ok = false;
    if (arena == NULL || batch == NULL || !table_filler_open(&filler, target, c->target_txn, err))
        goto out;
    int16_t *columns = RDB_NEW_ARRAY(arena, int16_t, count + 1u);
    rdb_vector *storage = RDB_NEW_ARRAY(arena, rdb_vector, count + 1u), **vectors = RDB_NEW_ARRAY(arena, rdb_vector *, count + 1u);
    rdb_datum *values = RDB_NEW_ARRAY(arena, rdb_datum, count + 1u);
    bool *is_null = RDB_NEW_ARRAY(arena, bool, count + 1u);
    enum { ROWS = 128 };
    for (uint16_t i = 0; i < count; i++) {
        columns[i] = (int16_t)(i + 1);
        vectors[i] = &storage[i];
        if (!rdb_vector_init(vectors[i], arena, (rdb_rep)source->table.reps[i], ROWS, err))
            goto out;
    }
    if (!rdb_table_scan_open(&scan, &source->table, c->source_txn, &c->snapshot, columns, count, 0, UINT64_MAX, arena, err))
        goto out;
    for (;;) {
        uint32_t row_count;
        rdb_arena_reset(batch);
        for (uint16_t i = 0; i < count; i++)
            rdb_vector_clear_nulls(vectors[i]);
        if (!rdb_table_scan_next(scan, ROWS, batch, vectors, NULL, NULL, &row_count, err))
            goto out;
        if (row_count == 0)
            break;
        for (uint32_t row = 0; row < row_count; row++) {
            for (uint16_t i = 0; i < count; i++) {
                is_null[i] = rdb_vector_is_null(vectors[i], row);
                if (!is_null[i])
                    values[i] = rdb_vector_get(vectors[i], row);
            }
            if ((source->oid == RDB_PG_CLASS && !renumber(c, values, is_null, err)) || !table_filler_add(filler, values, is_null, err))
                goto out;
        }
    }
    ok = table_filler_finish(&filler, err);
out:
    if (scan != NULL)
        rdb_table_scan_close(&scan);
    table_filler_abandon(&filler);
    rdb_arena_destroy(batch);
    rdb_arena_destroy(arena);
    return ok;
}

/* The same relation at its place in the clone. */
static bool relocate(clone_job *c, const rdb_relation *source, rdb_relation *target, rdb_error *err)
{
    const file_pair *pair = find_pair(c, source->oid);
    if (pair == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "relation \"%s\" has no file in the clone", source->name);
    rdb_relation_index *indexes = RDB_NEW_ARRAY(c->arena, rdb_relation_index, source->index_count + 1u);
    *target = *source;
    target->file = target->table.file = CATALOG_TABLE_FILE(pair->new_node);
    target->table.pdb = c->target->pdb;
    for (uint16_t i = 0; i < source->index_count; i++) {
        const file_pair *index_pair = find_pair(c, source->indexes[i].oid);
        if (index_pair == NULL)
            return rdb_error_set(err, RDB_INTERNAL_ERROR, "index \"%s\" has no file in the clone", source->indexes[i].name);
        if (source->indexes[i].expression_tree != NULL || source->indexes[i].predicate_tree != NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "a template database with an index over expressions (\"%s\") cannot be cloned yet",
                                 source->indexes[i].name);
        indexes[i] = source->indexes[i];
        indexes[i].index.file = CATALOG_INDEX_FILE(index_pair->new_node);
        indexes[i].index.pdb = c->target->pdb;
    }
    target->indexes = indexes;
    return true;
}

static bool copy_sequence(clone_job *c, const file_pair *pair, rdb_error *err)
{
    int64_t last_value;
    bool is_called;
    return rdb_sequence_get(c->access, pair->oid, &last_value, &is_called, err) &&
           sequence_create_file(c->target->catalog->storage, c->target_txn, CATALOG_TABLE_FILE(pair->new_node), last_value, is_called, err);
}

static bool copy_relation(clone_job *c, const file_pair *pair, rdb_error *err)
{
    rdb_storage *storage = c->target->catalog->storage;
    const rdb_relation *source;
    rdb_relation target;
    if (pair->kind == 'i')
        return true; /* with its table */
    if (pair->kind == 'S')
        return copy_sequence(c, pair, err);
    if (!need_relation(c->access, pair->oid, &source, err) || !relocate(c, source, &target, err) ||
        !rdb_table_create(storage, c->target_txn, target.table.file, err))
        return false;
    for (uint16_t i = 0; i < target.index_count; i++)
        if (!rdb_index_create(storage, c->target_txn, target.indexes[i].index.file, err))
            return false;
    return copy_table(c, source, &target, err);
}

static bool copy_database(clone_job *c, rdb_error *err)
{
    if (!bootstrap_create_files(c->target, c->target_txn, err))
        return false;
    for (uint32_t i = 0; i < builtin_relation_count(); i++)
        if (bootstrap_holds(c->target, c->target->system[i]) && !copy_table(c, c->source->system[i], c->target->system[i], err))
            return false;
    for (uint32_t i = 0; i < c->pair_count; i++)
        if (!copy_relation(c, &c->pairs[i], err))
            return false;
    return true;
}

bool clone_pdb(rdb_database *source, rdb_database *target, rdb_error *err)
{
    rdb_txn_manager *txns = source->catalog->txns;
    clone_job c = {.source = source, .target = target};
    rdb_scn scn;
    bool ok = false;
    c.arena = ddl_arena(err);
    if (c.arena == NULL || !rdb_txn_begin(txns, source->pdb, RDB_REPEATABLE_READ, true, NULL, &c.source_txn, err))
        goto out;
    rdb_txn_latest_snapshot(c.source_txn, &c.snapshot);
    rdb_txn_hold_snapshot(c.source_txn, &c.snapshot);
    const rdb_access_context context = {.catalog = source->catalog, .database = source, .txn = c.source_txn, .role_oid = RDB_ROLE_ADMIN_OID};
    ok = rdb_access_begin(&c.access, &context, err) && rdb_txn_create_pdb(txns, target->pdb, err) &&
         rdb_txn_begin(txns, target->pdb, RDB_READ_COMMITTED, false, NULL, &c.target_txn, err) && copy_database(&c, err);
    if (ok)
        ok = rdb_txn_commit(&c.target_txn, RDB_COMMIT_LOCAL, &scn, err);
    else if (c.target_txn != NULL)
        rdb_txn_abort(&c.target_txn);
    rdb_access_end(&c.access);
    rdb_txn_drop_snapshot(c.source_txn, &c.snapshot);
    rdb_txn_abort(&c.source_txn);
out:
    free(c.pairs);
    rdb_arena_destroy(c.arena);
    return ok;
}

/* ---- dropping -------------------------------------------------------------------------------------------------------------------- */
typedef struct file_list {
    uint64_t *files;
    uint32_t count, capacity;
} file_list;

static bool add_file(file_list *list, uint64_t file, rdb_error *err)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity * 2 + 256;
        uint64_t *grown = realloc(list->files, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        list->files = grown;
        list->capacity = capacity;
    }
    list->files[list->count++] = file;
    return true;
}

static bool note_file(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const uint32_t node = row_oid(row, RDB_pg_class_relfilenode);
    (void)access;
    (void)catalog_oid;
    if (node == 0 || row_bool(row, RDB_pg_class_relisshared))
        return true;
    return add_file(context, row_char(row, RDB_pg_class_relkind) == 'i' ? CATALOG_INDEX_FILE(node) : CATALOG_TABLE_FILE(node), err);
}

bool clone_list_files(rdb_database *database, uint64_t **files, uint32_t *count, rdb_error *err)
{
    rdb_txn *txn;
    rdb_access *access;
    file_list list = {0};
    if (!rdb_txn_begin(database->catalog->txns, database->pdb, RDB_READ_COMMITTED, true, NULL, &txn, err))
        return false;
    const rdb_access_context context = {.catalog = database->catalog, .database = database, .txn = txn, .role_oid = RDB_ROLE_ADMIN_OID};
    bool ok = rdb_access_begin(&access, &context, err) && visit_rows(access, RDB_PG_CLASS, 0, NULL, 0, note_file, &list, err);
    rdb_access_end(&access);
    rdb_txn_abort(&txn);
    *files = list.files;
    *count = list.count;
    return ok;
}
