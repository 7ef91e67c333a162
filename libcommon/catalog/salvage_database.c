/* SPDX-License-Identifier: Apache-2.0
 * One database of a damaged instance (rdb_catalog_salvage.h): first its system tables, held in memory so that what lacks a part that it
 * cannot be without is left away, then the rows of its tables. */
#include "catalog/salvage_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { LARGEOBJECT = 2613 };

/* ANALYZE finds it again. */
static bool is_found_again(uint32_t catalog_oid)
{
    return catalog_oid == RDB_PG_STATISTIC || catalog_oid == RDB_PG_STATISTIC_EXT_DATA;
}

typedef struct kept_row {
    rdb_datum *values;
    bool *is_null;
    bool is_out; /* belongs to what is left away */
} kept_row;

typedef struct kept_table { /* a system table */
    const rdb_relation *relation;
    rdb_list rows;
    uint64_t losses;
    rdb_map **keys; /* of each unique index: which there are */
} kept_table;

typedef struct moved_file {
    uint32_t oid, old_node, new_node;
    char kind;
} moved_file;

typedef struct rescue {
    salvage_source *source;
    rdb_database *target, *pristine;
    uint32_t from;
    rdb_txn *txn;
    rdb_access *access;
    rdb_arena *arena;
    kept_table *tables; /* by position among the built-in relations */
    kept_table *taking;
    rdb_map *excluded;  /* OIDs of what is left away */
    rdb_list files;     /* moved_file */
    table_filler *filler;
    uint64_t catalog_losses;
} rescue;

static void tell(rescue *r, const char *relation, bool is_kept, const char *problem)
{
    salvage_tell(r->source->work, (rdb_salvage_finding){.database = r->target->name, .relation = relation, .is_kept = is_kept, .problem = problem});
}

static kept_table *table_of(const rescue *r, uint32_t catalog_oid)
{
    for (uint32_t i = 0; i < builtin_relation_count(); i++)
        if (r->tables[i].relation->oid == catalog_oid)
            return &r->tables[i];
    return NULL;
}

static uint32_t value_oid(const kept_row *row, int column)
{
    return row->is_null[column - 1] ? 0 : row->values[column - 1].oid;
}

static char value_char(const kept_row *row, int column)
{
    return row->is_null[column - 1] ? 0 : (char)row->values[column - 1].i8;
}

/* ---- reading the system tables ---------------------------------------------------------------------------------------------- */
static bool no_memory(rdb_error *err)
{
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

/* *is_new false: a row with one of its unique keys is there. NULLs make no key. */
static bool note_keys(rescue *r, kept_table *table, const rdb_datum *values, const bool *is_null, bool *is_new, rdb_error *err)
{
    const rdb_relation *relation = table->relation;
    rdb_strbuf keys[16];
    uint16_t count = RDB_MIN(relation->index_count, RDB_COUNT_OF(keys));
    *is_new = true;
    for (uint16_t i = 0; i < count; i++) {
        bool has_null = false;
        rdb_strbuf_init(&keys[i], r->arena);
        if (!relation->indexes[i].is_unique)
            continue;
        for (uint16_t k = 0; k < relation->indexes[i].key_count; k++)
            has_null = has_null || is_null[relation->indexes[i].columns[k].column_number - 1];
        if (has_null)
            continue;
        if (!rdb_index_key_encode_row(&relation->indexes[i], values, is_null, &keys[i], err))
            return false;
        *is_new = *is_new && rdb_map_get(table->keys[i], keys[i].data, keys[i].length) == NULL;
    }
    for (uint16_t i = 0; *is_new && i < count; i++)
        if (keys[i].length > 0 && !rdb_map_put(table->keys[i], keys[i].data, keys[i].length, table, NULL))
            return no_memory(err);
    return true;
}

static bool take_row(void *context, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    rescue *r = context;
    kept_table *table = r->taking;
    const rdb_relation *relation = table->relation;
    bool is_new;
    if (!note_keys(r, table, values, is_null, &is_new, err))
        return false;
    if (!is_new) {
        tell(r, rdb_arena_printf(r->arena, "pg_catalog.%s", relation->name), false, "Two of its rows have the same key: one of them is left away");
        return true;
    }
    kept_row *row = RDB_NEW(r->arena, kept_row);
    row->values = RDB_NEW_ARRAY(r->arena, rdb_datum, relation->column_count);
    row->is_null = rdb_arena_memdup(r->arena, is_null, relation->column_count * sizeof *is_null);
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (!is_null[i] && !rdb_datum_copy(r->arena, (rdb_rep)relation->table.reps[i], values[i], &row->values[i], err))
            return false;
    rdb_list_push(r->arena, &table->rows, row);
    return rdb_arena_check(r->arena, err);
}

static salvage_table place_of(rescue *r, const rdb_relation *relation)
{
    return (salvage_table){.database = r->target->name, .name = rdb_arena_printf(r->arena, "pg_catalog.%s", relation->name), .relation = relation, .pdb = r->from, .file = relation->file};
}

/* Built-in rows that are missing in a damaged system table, as a new database has them. */
static bool put_back(rescue *r, kept_table *table, rdb_error *err)
{
    rdb_catalog_scan *scan = NULL;
    rdb_access *access = NULL;
    rdb_txn *txn = NULL;
    rdb_catalog_row row;
    bool found = true, is_new, has_key = false;
    for (uint16_t i = 0; i < table->relation->index_count; i++)
        has_key = has_key || table->relation->indexes[i].is_unique;
    if (!has_key)
        return true;
    if (!rdb_txn_begin(r->pristine->catalog->txns, r->pristine->pdb, RDB_READ_COMMITTED, true, NULL, &txn, err))
        return false;
    const rdb_access_context context = {.catalog = r->pristine->catalog, .database = r->pristine, .txn = txn, .role_oid = RDB_ROLE_ADMIN_OID};
    bool ok = rdb_access_begin(&access, &context, err) && rdb_catalog_scan_open(&scan, access, table->relation->oid, 0, NULL, 0, r->arena, err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        /* A table with a file of its own that is no system table: its rows would be missing. */
        if (table->relation->oid == RDB_PG_CLASS && row_oid(&row, RDB_pg_class_relfilenode) != 0 && system_relation(r->target, row_oid(&row, RDB_pg_class_oid)) == NULL &&
            builtin_index_by_oid(row_oid(&row, RDB_pg_class_oid)) == NULL)
            continue;
        ok = note_keys(r, table, row.values, row.is_null, &is_new, err);
        if (ok && is_new) {
            kept_row *kept = RDB_NEW(r->arena, kept_row);
            *kept = (kept_row){row.values, row.is_null, false};
            rdb_list_push(r->arena, &table->rows, kept);
        }
    }
    if (scan != NULL)
        rdb_catalog_scan_close(&scan);
    rdb_access_end(&access);
    rdb_txn_abort(&txn);
    return ok && rdb_arena_check(r->arena, err);
}

static bool read_system_tables(rescue *r, rdb_error *err)
{
    r->tables = RDB_NEW_ARRAY(r->arena, kept_table, builtin_relation_count());
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        kept_table *table = &r->tables[i];
        uint64_t rows = 0;
        table->relation = r->target->system[i];
        if (!bootstrap_holds(r->target, table->relation) || is_found_again(table->relation->oid) || table->relation->oid == LARGEOBJECT)
            continue;
        table->keys = RDB_NEW_ARRAY(r->arena, rdb_map *, table->relation->index_count + 1u);
        for (uint16_t k = 0; k < table->relation->index_count; k++)
            if ((table->keys[k] = rdb_map_create()) == NULL)
                return no_memory(err);
        r->taking = table;
        const salvage_table place = place_of(r, table->relation);
        if (!salvage_read(r->source, &place, take_row, r, &rows, &table->losses, err) || (table->losses > 0 && !put_back(r, table, err)))
            return false;
        r->catalog_losses += table->losses;
    }
    return true;
}

/* ---- what cannot stand alone -------------------------------------------------------------------------------------------------- */
static bool exclude(rescue *r, uint32_t oid, rdb_error *err)
{
    return rdb_map_put_u64(r->excluded, oid, r) || no_memory(err);
}

static bool is_excluded(const rescue *r, uint32_t oid)
{
    return oid >= RDB_FIRST_NORMAL_OID && rdb_map_get_u64(r->excluded, oid) != NULL;
}

static const kept_row *find_row(const rescue *r, uint32_t catalog_oid, int column, uint32_t oid)
{
    const kept_table *table = table_of(r, catalog_oid);
    for (uint32_t i = 0; i < table->rows.count; i++)
        if (value_oid(table->rows.items[i], column) == oid)
            return table->rows.items[i];
    return NULL;
}

/* schema.name of a relation, by its row of pg_class. */
static const char *name_of(rescue *r, const kept_row *class)
{
    const kept_row *schema = find_row(r, RDB_PG_NAMESPACE, RDB_pg_namespace_oid, value_oid(class, RDB_pg_class_relnamespace));
    const rdb_bytes name = class->values[RDB_pg_class_relname - 1].bytes;
    const rdb_bytes in = schema != NULL ? schema->values[RDB_pg_namespace_nspname - 1].bytes : (rdb_bytes){(const uint8_t *)"?", 1, 0};
    return rdb_arena_printf(r->arena, "%.*s.%.*s", (int)in.length, (const char *)in.data, (int)name.length, (const char *)name.data);
}

/* Temporary tables end with their sessions; a relation that lacks columns is none. */
static bool choose_relations(rescue *r, rdb_error *err)
{
    kept_table *classes = table_of(r, RDB_PG_CLASS), *attributes = table_of(r, RDB_PG_ATTRIBUTE), *indexes = table_of(r, RDB_PG_INDEX);
    rdb_map *columns = rdb_map_create(), *lost = rdb_map_create();
    bool ok = (columns != NULL && lost != NULL) || no_memory(err);
    for (uint32_t i = 0; ok && i < attributes->rows.count; i++) {
        const kept_row *row = attributes->rows.items[i];
        const uint32_t oid = value_oid(row, RDB_pg_attribute_attrelid);
        if (oid >= RDB_FIRST_NORMAL_OID && row->values[RDB_pg_attribute_attnum - 1].i16 > 0)
            ok = rdb_map_put_u64(columns, oid, (void *)((uintptr_t)rdb_map_get_u64(columns, oid) + 1)) || no_memory(err);
    }
    for (uint32_t i = 0; ok && i < classes->rows.count; i++) {
        kept_row *row = classes->rows.items[i];
        const uint32_t oid = value_oid(row, RDB_pg_class_oid);
        const uintptr_t wanted = (uintptr_t)row->values[RDB_pg_class_relnatts - 1].i16;
        if (oid < RDB_FIRST_NORMAL_OID)
            continue;
        if (value_char(row, RDB_pg_class_relpersistence) == 't') {
            ok = exclude(r, oid, err);
        } else if ((uintptr_t)rdb_map_get_u64(columns, oid) != wanted) {
            tell(r, name_of(r, row), false, "Rows that say what its columns are are lost");
            ok = exclude(r, oid, err);
        } else if (find_row(r, RDB_PG_NAMESPACE, RDB_pg_namespace_oid, value_oid(row, RDB_pg_class_relnamespace)) == NULL) {
            row->values[RDB_pg_class_relnamespace - 1].oid = RDB_NAMESPACE_PUBLIC;
            tell(r, name_of(r, row), true, "Its schema is lost: it stands in schema public");
        } else if ((value_char(row, RDB_pg_class_relkind) == 'v' || value_char(row, RDB_pg_class_relkind) == 'm') &&
                   find_row(r, RDB_PG_REWRITE, RDB_pg_rewrite_ev_class, oid) == NULL) {
            tell(r, name_of(r, row), false, "Its query is lost");
            ok = exclude(r, oid, err);
        } else if (value_char(row, RDB_pg_class_relkind) == 'S' && find_row(r, 2224, RDB_pg_sequence_seqrelid, oid) == NULL) {
            tell(r, name_of(r, row), false, "Its bounds are lost");
            ok = exclude(r, oid, err);
        } else if (value_char(row, RDB_pg_class_relkind) == 'i' && find_row(r, RDB_PG_INDEX, RDB_pg_index_indexrelid, oid) == NULL) {
            tell(r, name_of(r, row), false, "What it is an index of is lost");
            ok = exclude(r, oid, err);
        }
    }
    /* Columns of a relation that pg_class does not know. */
    for (uint32_t i = 0; ok && r->catalog_losses > 0 && i < attributes->rows.count; i++) {
        const kept_row *row = attributes->rows.items[i];
        const uint32_t oid = value_oid(row, RDB_pg_attribute_attrelid);
        if (oid < RDB_FIRST_NORMAL_OID || rdb_map_get_u64(lost, oid) != NULL || is_excluded(r, oid) || find_row(r, RDB_PG_CLASS, RDB_pg_class_oid, oid) != NULL)
            continue;
        tell(r, rdb_arena_printf(r->arena, "%u", oid), false, "A relation of that OID has columns, and its name and place are lost");
        ok = (rdb_map_put_u64(lost, oid, r) || no_memory(err)) && exclude(r, oid, err);
    }
    for (uint32_t i = 0; ok && i < indexes->rows.count; i++) {
        const kept_row *row = indexes->rows.items[i];
        const uint32_t table = value_oid(row, RDB_pg_index_indrelid), index = value_oid(row, RDB_pg_index_indexrelid);
        const bool has_both = index < RDB_FIRST_NORMAL_OID || r->catalog_losses == 0 ||
                              (find_row(r, RDB_PG_CLASS, RDB_pg_class_oid, index) != NULL && find_row(r, RDB_PG_CLASS, RDB_pg_class_oid, table) != NULL);
        if (is_excluded(r, table) || is_excluded(r, index) || !has_both)
            ok = exclude(r, index, err);
    }
    rdb_map_destroy(columns);
    rdb_map_destroy(lost);
    return ok;
}

static void leave_out(rescue *r, kept_table *table)
{
    const rdb_relation *relation = table->relation;
    for (uint32_t i = 0; i < table->rows.count; i++) {
        kept_row *row = table->rows.items[i];
        for (uint16_t c = 0; c < relation->column_count && !row->is_out; c++)
            row->is_out = relation->columns[c].type->oid == RDB_OIDOID && !row->is_null[c] && is_excluded(r, row->values[c].oid);
    }
}

/* A default that is lost is none. */
static void drop_lost_defaults(rescue *r)
{
    kept_table *attributes = table_of(r, RDB_PG_ATTRIBUTE), *defaults = table_of(r, RDB_PG_ATTRDEF);
    if (defaults->losses == 0)
        return;
    for (uint32_t i = 0; i < attributes->rows.count; i++) {
        kept_row *row = attributes->rows.items[i];
        bool found = false;
        if (row->is_null[RDB_pg_attribute_atthasdef - 1] || !row->values[RDB_pg_attribute_atthasdef - 1].b)
            continue;
        for (uint32_t k = 0; k < defaults->rows.count && !found; k++) {
            const kept_row *of = defaults->rows.items[k];
            found = value_oid(of, RDB_pg_attrdef_adrelid) == value_oid(row, RDB_pg_attribute_attrelid) &&
                    of->values[RDB_pg_attrdef_adnum - 1].i16 == row->values[RDB_pg_attribute_attnum - 1].i16;
        }
        if (found || row->is_out)
            continue;
        const kept_row *class = find_row(r, RDB_PG_CLASS, RDB_pg_class_oid, value_oid(row, RDB_pg_attribute_attrelid));
        const rdb_bytes name = row->values[RDB_pg_attribute_attname - 1].bytes;
        row->values[RDB_pg_attribute_atthasdef - 1].b = 0;
        tell(r, class != NULL ? name_of(r, class) : NULL, true, rdb_arena_printf(r->arena, "The default of column %.*s is lost", (int)name.length, (const char *)name.data));
    }
}

/* ---- the new database ------------------------------------------------------------------------------------------------------------ */
/* A row of pg_class gets a file of its own, as in a clone. */
static bool renumber(rescue *r, kept_row *row, rdb_error *err)
{
    const char kind = value_char(row, RDB_pg_class_relkind);
    const uint32_t oid = value_oid(row, RDB_pg_class_oid), node = value_oid(row, RDB_pg_class_relfilenode);
    uint64_t file;
    if (node == 0 || system_relation(r->target, oid) != NULL || (kind == 'i' && builtin_index_by_oid(oid) != NULL))
        return true;
    if (!rdb_storage_next_file(r->target->catalog->storage, r->target->pdb, kind == 'i' ? RDB_FILE_INDEX : RDB_FILE_TABLE, &file, err))
        return false;
    moved_file *moved = RDB_NEW(r->arena, moved_file);
    *moved = (moved_file){oid, node, ddl_filenode(file), kind};
    rdb_list_push(r->arena, &r->files, moved);
    row->values[RDB_pg_class_relfilenode - 1].oid = moved->new_node;
    return true;
}

static bool fill_row(void *context, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    rescue *r = context;
    return table_filler_add(r->filler, values, is_null, err);
}

static bool fill_system_tables(rescue *r, rdb_error *err)
{
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        kept_table *table = &r->tables[i];
        if (!bootstrap_holds(r->target, table->relation) || is_found_again(table->relation->oid))
            continue;
        if (!table_filler_open(&r->filler, table->relation, r->txn, err))
            return false;
        bool ok = true;
        if (table->relation->oid == LARGEOBJECT) {
            uint64_t rows = 0, losses = 0;
            const salvage_table place = place_of(r, table->relation);
            ok = salvage_read(r->source, &place, fill_row, r, &rows, &losses, err);
        }
        for (uint32_t k = 0; ok && k < table->rows.count; k++) {
            kept_row *row = table->rows.items[k];
            if (!row->is_out)
                ok = (table->relation->oid != RDB_PG_CLASS || renumber(r, row, err)) && table_filler_add(r->filler, row->values, row->is_null, err);
        }
        ok = ok && table_filler_finish(&r->filler, err);
        table_filler_abandon(&r->filler);
        if (!ok)
            return false;
    }
    return true;
}

static bool make_file(rescue *r, const moved_file *moved, rdb_error *err)
{
    rdb_storage *storage = r->target->catalog->storage;
    int64_t last_value = 1;
    bool is_called = false;
    rdb_error trouble = {0};
    if (moved->kind == 'i')
        return rdb_index_create(storage, r->txn, CATALOG_INDEX_FILE(moved->new_node), err);
    if (moved->kind != 'S')
        return rdb_table_create(storage, r->txn, CATALOG_TABLE_FILE(moved->new_node), err);
    if (!sequence_read_file(r->source->storage, r->from, CATALOG_TABLE_FILE(moved->old_node), &last_value, &is_called, &trouble)) {
        const kept_row *bounds = find_row(r, 2224, RDB_pg_sequence_seqrelid, moved->oid), *class = find_row(r, RDB_PG_CLASS, RDB_pg_class_oid, moved->oid);
        last_value = bounds != NULL ? bounds->values[RDB_pg_sequence_seqstart - 1].i64 : 1;
        is_called = false;
        tell(r, class != NULL ? name_of(r, class) : NULL, false, "Where the sequence stood is lost: it begins anew");
        rdb_error_clear(&trouble);
    }
    return sequence_create_file(storage, r->txn, CATALOG_TABLE_FILE(moved->new_node), last_value, is_called, err);
}

static bool forget_index(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const rdb_datum key = datum_oid(row_oid(row, RDB_pg_index_indexrelid));
    (void)context;
    (void)catalog_oid;
    return delete_rows(access, RDB_PG_CLASS, INDEX_CLASS_OID, &key, 1, err);
}

/* What makes a descriptor impossible goes, piece by piece, until there is one: indexes and constraints first, then the relation. */
static bool describe(rescue *r, uint32_t oid, const char *name, const rdb_relation **relation, rdb_error *err)
{
    static const char *const PROBLEMS[] = {"Its indexes and constraints cannot be understood: it stands without them", "Its definition cannot be understood"};
    const rdb_datum key = datum_oid(oid);
    for (unsigned tries = 0;; tries++) {
        rdb_error trouble = {0};
        if (rdb_relation_get(r->access, oid, relation, &trouble))
            return true;
        const bool fatal = rdb_error_is(&trouble, RDB_OUT_OF_MEMORY);
        if (fatal)
            rdb_error_move(err, &trouble);
        rdb_error_clear(&trouble);
        *relation = NULL;
        if (fatal || tries == 2)
            return !fatal;
        tell(r, name, tries == 0, PROBLEMS[tries]);
        const bool ok = tries == 0 ? visit_rows(r->access, RDB_PG_INDEX, INDEX_INDEX_RELATION, &key, 1, forget_index, NULL, err) &&
                                         delete_rows(r->access, RDB_PG_INDEX, INDEX_INDEX_RELATION, &key, 1, err) &&
                                         delete_rows(r->access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_RELATION, &key, 1, err)
                                   : delete_rows(r->access, RDB_PG_CLASS, INDEX_CLASS_OID, &key, 1, err);
        if (!ok)
            return false;
    }
}

static bool fill_table(rescue *r, const moved_file *moved, rdb_error *err)
{
    const kept_row *class = find_row(r, RDB_PG_CLASS, RDB_pg_class_oid, moved->oid);
    const char *name = name_of(r, class);
    const rdb_relation *relation;
    rdb_relation bare;
    uint64_t rows = 0, losses = 0;
    if (!describe(r, moved->oid, name, &relation, err))
        return false;
    if (relation == NULL)
        return true;
    bare = *relation; /* its indexes are built behind it */
    bare.index_count = 0;
    const salvage_table place = {.database = r->target->name, .name = name, .relation = &bare, .pdb = r->from, .file = CATALOG_TABLE_FILE(moved->old_node)};
    bool ok = table_filler_open(&r->filler, &bare, r->txn, err) && salvage_read(r->source, &place, fill_row, r, &rows, &losses, err) && table_filler_finish(&r->filler, err);
    table_filler_abandon(&r->filler);
    if (ok && moved->oid >= RDB_FIRST_NORMAL_OID) {
        r->source->work->tables++;
        r->source->work->rows += rows;
        if (r->source->work->progress != NULL)
            r->source->work->progress(r->source->work->context, r->target->name, name, rows);
    }
    return ok;
}

/* Relations without a file (views, partitioned tables, composite types) must be understood too. */
static bool check_others(rescue *r, rdb_error *err)
{
    const kept_table *classes = table_of(r, RDB_PG_CLASS);
    for (uint32_t i = 0; i < classes->rows.count; i++) {
        const kept_row *row = classes->rows.items[i];
        const rdb_relation *relation;
        const char kind = value_char(row, RDB_pg_class_relkind);
        if (!row->is_out && value_oid(row, RDB_pg_class_oid) >= RDB_FIRST_NORMAL_OID && (kind == 'v' || kind == 'p' || kind == 'c') &&
            !describe(r, value_oid(row, RDB_pg_class_oid), name_of(r, row), &relation, err))
            return false;
    }
    return true;
}

/* Files of tables that no row of pg_class leads to. */
static bool tell_orphans(rescue *r, rdb_error *err)
{
    const kept_table *classes = table_of(r, RDB_PG_CLASS);
    uint64_t *files;
    uint32_t count;
    if (classes->losses == 0)
        return true;
    if (!rdb_salvage_tables(r->source->work->from, r->from, r->arena, &files, &count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t blocks = 0, rows = 0;
        rdb_error trouble = {0};
        bool is_known = files[i] < RDB_FIRST_NORMAL_OID;
        for (uint32_t k = 0; k < classes->rows.count && !is_known; k++)
            is_known = value_char(classes->rows.items[k], RDB_pg_class_relkind) != 'i' && !((const kept_row *)classes->rows.items[k])->is_out &&
                       value_oid(classes->rows.items[k], RDB_pg_class_relfilenode) == files[i];
        for (uint32_t k = 0; k < r->files.count && !is_known; k++)
            is_known = ((const moved_file *)r->files.items[k])->kind != 'i' && ((const moved_file *)r->files.items[k])->old_node == files[i];
        if (is_known || !rdb_storage_block_count(r->source->storage, r->from, CATALOG_TABLE_FILE(files[i]), RDB_FORK_MAIN, &blocks, &trouble)) {
            rdb_error_clear(&trouble);
            continue;
        }
        for (uint64_t block = 1; block < blocks; block++) {
            rdb_table_look_result look;
            rdb_arena_mark mark = rdb_arena_get_mark(r->arena);
            if (rdb_table_look(r->source->storage, r->from, CATALOG_TABLE_FILE(files[i]), block, r->arena, &look, &trouble))
                rows += look.row_count;
            rdb_error_clear(&trouble);
            rdb_arena_rewind(r->arena, mark);
        }
        if (rows > 0)
            salvage_tell(r->source->work, (rdb_salvage_finding){.database = r->target->name, .file = rdb_arena_printf(r->arena, "tables/%u/%llu", (unsigned)r->from, (unsigned long long)files[i]),
                                                                .rows = rows, .problem = "It holds rows, and which table it belongs to is lost"});
    }
    return true;
}

static bool rescue_all(rescue *r, rdb_error *err)
{
    if (!read_system_tables(r, err) || !choose_relations(r, err))
        return false;
    for (uint32_t i = 0; i < builtin_relation_count(); i++)
        leave_out(r, &r->tables[i]);
    drop_lost_defaults(r);
    if (!bootstrap_create_files(r->target, r->txn, err) || !fill_system_tables(r, err))
        return false;
    for (uint32_t i = 0; i < r->files.count; i++)
        if (!make_file(r, r->files.items[i], err))
            return false;
    for (uint32_t i = 0; i < r->files.count; i++) {
        const moved_file *moved = r->files.items[i];
        if (moved->kind != 'i' && moved->kind != 'S' && !fill_table(r, moved, err))
            return false;
    }
    return check_others(r, err) && tell_orphans(r, err);
}

bool salvage_pdb(salvage_source *source, uint32_t from, rdb_database *target, rdb_database *pristine, rdb_error *err)
{
    rdb_txn_manager *txns = target->catalog->txns;
    rescue r = {.source = source, .from = from, .target = target, .pristine = pristine};
    rdb_scn scn;
    bool ok = (r.arena = ddl_arena(err)) != NULL && ((r.excluded = rdb_map_create()) != NULL || no_memory(err)) && rdb_txn_create_pdb(txns, target->pdb, err) &&
              rdb_txn_begin(txns, target->pdb, RDB_READ_COMMITTED, false, NULL, &r.txn, err);
    if (ok) {
        const rdb_access_context context = {.catalog = target->catalog, .database = target, .txn = r.txn, .role_oid = RDB_ROLE_ADMIN_OID};
        ok = rdb_access_begin(&r.access, &context, err) && rescue_all(&r, err);
        rdb_access_end(&r.access);
        if (ok)
            ok = rdb_txn_commit(&r.txn, RDB_COMMIT_LOCAL, &scn, err);
        else
            rdb_txn_abort(&r.txn);
    }
    for (uint32_t i = 0; r.tables != NULL && i < builtin_relation_count(); i++)
        for (uint16_t k = 0; r.tables[i].keys != NULL && k < r.tables[i].relation->index_count; k++)
            rdb_map_destroy(r.tables[i].keys[k]);
    rdb_map_destroy(r.excluded);
    rdb_arena_destroy(r.arena);
    return ok;
}
