/* SPDX-License-Identifier: Apache-2.0
 * Descriptors of the system tables of one database, made from the built-in columns and indexes when it opens. They never
 * change: a system table keeps its columns, its one layout and its files, whose numbers are the OIDs of table and indexes
 * (user files are numbered from 16384). So the catalog can be read without the catalog. */
#include "catalog/catalog_int.h"

uint32_t system_collation(const rdb_type *type)
{
    const rdb_type *of = type->element != NULL ? type->element : type;
    return of->collation != 0 ? RDB_C_COLLATION_OID : 0;
}

static bool make_table(rdb_database *database, const catalog_blob_relation *source, rdb_relation *relation, rdb_error *err)
{
    rdb_arena *arena = database->system_arena;
    const uint16_t count = (uint16_t)source->column_count;
    rdb_column *columns = RDB_NEW_ARRAY(arena, rdb_column, count);
    rdb_rep *reps = RDB_NEW_ARRAY(arena, rdb_rep, count);
    uint8_t *short_reps = RDB_NEW_ARRAY(arena, uint8_t, count);
    int16_t *slots = RDB_NEW_ARRAY(arena, int16_t, count);
    for (uint16_t i = 0; i < count; i++) {
        const catalog_blob_column *column = builtin_column_at(source, i);
        const rdb_type *type = objects_type_get(column->type_oid);
        RDB_VERIFY(type != NULL);
        snprintf(columns[i].name, sizeof columns[i].name, "%s", builtin_text(column->name));
        columns[i].type = type;
        columns[i].typmod = -1;
        columns[i].collation = system_collation(type);
        columns[i].number = (int16_t)(i + 1);
        columns[i].not_null = column->not_null != 0;
        reps[i] = (rdb_rep)type->rep;
        short_reps[i] = type->rep;
        slots[i] = (int16_t)i;
    }
    rdb_table_layout *layout = RDB_NEW(arena, rdb_table_layout);
    layout->rows = rdb_row_layout_create(arena, reps, count);
    layout->slots = slots;
    layout->missing = RDB_NEW_ARRAY(arena, rdb_datum, count);
    bool *missing_is_null = RDB_NEW_ARRAY(arena, bool, count);
    memset(missing_is_null, true, count);
    layout->missing_is_null = missing_is_null;
    const rdb_table_layout **layouts = RDB_NEW_ARRAY(arena, const rdb_table_layout *, 1);
    layouts[0] = layout;
    relation->columns = columns;
    relation->column_count = count;
    relation->file = CATALOG_TABLE_FILE(source->oid);
    relation->table = (rdb_table){.storage = database->catalog->storage,
                                  .txns = database->catalog->txns,
                                  .undo = database->catalog->undo,
                                  .pdb = database->pdb,
                                  .relation_oid = source->oid,
                                  .file = relation->file,
                                  .undo_class = RDB_UNDO_CATALOG,
                                  .attribute_count = count,
                                  .layout_count = 1,
                                  .layouts = layouts,
                                  .reps = short_reps};
    return rdb_arena_check(arena, err);
}

static void make_indexes(rdb_database *database, const catalog_blob_relation *source, rdb_relation *relation)
{
    rdb_arena *arena = database->system_arena;
    rdb_relation_index *indexes = RDB_NEW_ARRAY(arena, rdb_relation_index, source->index_count);
    for (uint32_t i = 0; i < source->index_count; i++) {
        const catalog_blob_index *from = builtin_index_at(source, i);
        rdb_relation_index *index = &indexes[i];
        rdb_index_column *columns = RDB_NEW_ARRAY(arena, rdb_index_column, from->key_count);
        for (uint32_t k = 0; k < from->key_count; k++) {
            const catalog_blob_key *key = builtin_key_at(from, k);
            const rdb_column *column = &relation->columns[key->column_no - 1];
            columns[k] = (rdb_index_column){.column_number = (int16_t)key->column_no,
                                            .type = column->type,
                                            .collation = column->collation,
                                            .opclass_oid = key->opclass_oid};
        }
        index->oid = from->oid;
        snprintf(index->name, sizeof index->name, "%s", builtin_text(from->name));
        index->index = (rdb_index){.storage = database->catalog->storage,
                                   .txns = database->catalog->txns,
                                   .pdb = database->pdb,
                                   .index_oid = from->oid,
                                   .file = CATALOG_INDEX_FILE(from->oid),
                                   .is_unique = (from->flags & CATALOG_BLOB_UNIQUE) != 0};
        index->is_unique = index->index.is_unique;
        index->is_primary = (from->flags & CATALOG_BLOB_PRIMARY) != 0;
        index->is_immediate = true;
        index->is_valid = index->is_ready = index->is_live = true;
        index->key_count = (uint16_t)from->key_count;
        index->column_count = (uint16_t)from->key_count;
        index->columns = columns;
        catalog_note_stored(index);
    }
    relation->indexes = indexes;
    relation->index_count = (uint16_t)source->index_count;
}

bool system_relations_make(rdb_database *database, rdb_error *err)
{
    rdb_catalog *catalog = database->catalog;
    database->system_arena = rdb_arena_create("system tables", NULL, NULL);
    if (database->system_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    database->system = RDB_NEW_ARRAY(database->system_arena, rdb_relation *, builtin_relation_count());
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        const catalog_blob_relation *source = builtin_relation_at(i);
        bool is_shared = (source->flags & CATALOG_BLOB_SHARED) != 0;
        if (is_shared && database->pdb != RDB_PDB_ROOT) {
            database->system[i] = catalog->root->system[i];
            continue;
        }
        rdb_relation *relation = RDB_NEW(database->system_arena, rdb_relation);
        relation->oid = source->oid;
        snprintf(relation->name, sizeof relation->name, "%s", builtin_text(source->name));
        relation->namespace_oid = RDB_NAMESPACE_PG_CATALOG;
        strcpy(relation->namespace_name, "pg_catalog");
        relation->kind = 'r';
        relation->persistence = 'p';
        relation->owner_oid = RDB_ROLE_ADMIN_OID;
        relation->row_type_oid = source->row_type_oid;
        relation->is_shared = is_shared;
        relation->is_system = true;
        relation->tuples = source->row_count;
        relation->pages = 1 + source->row_count / 40;
        if (!make_table(database, source, relation, err))
            return false;
        make_indexes(database, source, relation);
        database->system[i] = relation;
    }
    return rdb_arena_check(database->system_arena, err);
}

const rdb_relation *system_relation(const rdb_database *database, uint32_t oid)
{
    for (uint32_t i = 0; i < builtin_relation_count(); i++)
        if (database->system[i]->oid == oid)
            return database->system[i];
    return NULL;
}

const rdb_relation *system_relation_by_name(const rdb_database *database, const char *name)
{
    if (strncmp(name, "pg_", 3) != 0 && strncmp(name, "rdb_", 4) != 0) /* as all of them begin: most names asked for are users' */
        return NULL;
    for (uint32_t i = 0; i < builtin_relation_count(); i++)
        if (strcmp(database->system[i]->name, name) == 0)
            return database->system[i];
    return NULL;
}
