/* SPDX-License-Identifier: Apache-2.0
 * The rows of damaged tables, and which databases there are (rdb_catalog_salvage.h). */
#include "catalog/salvage_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { FETCH_ROWS = 64 };

void salvage_tell(rdb_salvage_work *work, rdb_salvage_finding finding)
{
    *(finding.is_kept ? &work->kept : &work->lost) += 1;
    work->find(work->context, &finding);
}

/* ---- rows of one table ------------------------------------------------------------------------------------------------------- */
typedef struct reading {
    salvage_source *source;
    const salvage_table *of;
    rdb_table table;
    rdb_txn *txn;
    rdb_snapshot snapshot;
    int16_t *columns;
    rdb_vector **vectors;
    rdb_datum *values;
    bool *is_null;
    rdb_arena *arena, *batch;
    salvage_taker take;
    void *context;
    uint64_t *rows, *losses;
} reading;

static void tell(const reading *r, uint64_t block, bool has_slot, uint16_t slot, uint64_t rows, bool is_kept, const char *problem)
{
    *r->losses += !is_kept;
    salvage_tell(r->source->work, (rdb_salvage_finding){.database = r->of->database, .relation = r->of->name, .has_block = block != UINT64_MAX, .block = block, .has_slot = has_slot, .slot = slot,
                                                        .rows = rows, .is_kept = is_kept, .problem = problem});
}

static bool begin_reading(reading *r, rdb_error *err)
{
    const rdb_relation *relation = r->of->relation;
    const uint16_t count = relation->column_count;
    r->table = relation->table;
    r->table.storage = r->source->storage;
    r->table.txns = r->source->txns;
    r->table.undo = r->source->undo;
    r->table.pdb = r->of->pdb;
    r->table.file = r->of->file;
    r->table.data_since_scn = 0;
    r->table.made_by = 0;
    r->table.older_file = 0;
    if ((r->arena = ddl_arena(err)) == NULL || (r->batch = ddl_arena(err)) == NULL)
        return false;
    r->columns = RDB_NEW_ARRAY(r->arena, int16_t, count + 1u);
    r->vectors = RDB_NEW_ARRAY(r->arena, rdb_vector *, count + 1u);
    r->values = RDB_NEW_ARRAY(r->arena, rdb_datum, count + 1u);
    r->is_null = RDB_NEW_ARRAY(r->arena, bool, count + 1u);
    rdb_vector *storage = RDB_NEW_ARRAY(r->arena, rdb_vector, count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        r->columns[i] = (int16_t)(i + 1);
        r->vectors[i] = &storage[i];
        if (!rdb_vector_init(r->vectors[i], r->arena, (rdb_rep)relation->table.reps[i], FETCH_ROWS, err))
            return false;
    }
    if (!rdb_txn_begin(r->source->txns, r->of->pdb, RDB_REPEATABLE_READ, true, NULL, &r->txn, err))
        return false;
    rdb_txn_take_snapshot(r->txn, &r->snapshot);
    rdb_txn_hold_snapshot(r->txn, &r->snapshot);
    return rdb_arena_check(r->arena, err);
}

static void end_reading(reading *r)
{
    if (r->txn != NULL) {
        rdb_txn_drop_snapshot(r->txn, &r->snapshot);
        rdb_txn_abort(&r->txn);
    }
    rdb_arena_destroy(r->batch);
    rdb_arena_destroy(r->arena);
}

static bool fetch(reading *r, const rdb_row_address *addresses, uint32_t count, bool *found, rdb_error *err)
{
    for (uint16_t i = 0; i < r->of->relation->column_count; i++)
        rdb_vector_clear_nulls(r->vectors[i]);
    return rdb_table_fetch(&r->table, r->txn, &r->snapshot, addresses, count, r->columns, r->of->relation->column_count, r->batch, r->vectors, found, NULL, NULL, err) &&
           rdb_arena_check(r->batch, err);
}

static bool take_rows(reading *r, const bool *found, uint32_t count, rdb_error *err)
{
    for (uint32_t row = 0; row < count; row++) {
        if (!found[row])
            continue;
        for (uint16_t i = 0; i < r->of->relation->column_count; i++) {
            r->is_null[i] = rdb_vector_is_null(r->vectors[i], row);
            if (!r->is_null[i])
                r->values[i] = rdb_vector_get(r->vectors[i], row);
        }
        if (!r->take(r->context, r->values, r->is_null, err))
            return false;
        ++*r->rows;
    }
    return true;
}

static bool is_fatal(const rdb_error *err)
{
    return rdb_error_is(err, RDB_OUT_OF_MEMORY);
}

/* Rows of one page together; where one of them cannot be read, one by one. */
static bool take_some(reading *r, const rdb_row_address *addresses, uint32_t count, rdb_error *err)
{
    bool found[FETCH_ROWS] = {false};
    rdb_error trouble = {0};
    rdb_arena_reset(r->batch);
    if (fetch(r, addresses, count, found, &trouble))
        return take_rows(r, found, count, err);
    for (uint32_t i = 0; i < count; i++) {
        if (is_fatal(&trouble)) {
            rdb_error_move(err, &trouble);
            return false;
        }
        rdb_error_clear(&trouble);
        rdb_arena_reset(r->batch);
        found[0] = false;
        if (fetch(r, &addresses[i], 1, found, &trouble)) {
            if (!take_rows(r, found, 1, err))
                return false;
        } else {
            tell(r, RDB_ROW_BLOCK(addresses[i]), true, RDB_ROW_SLOT(addresses[i]), 1, false, rdb_error_message(&trouble));
        }
    }
    if (is_fatal(&trouble)) {
        rdb_error_move(err, &trouble);
        return false;
    }
    rdb_error_clear(&trouble);
    return true;
}

static bool take_block(reading *r, uint64_t block, rdb_error *err)
{
    rdb_table_look_result look;
    rdb_row_address addresses[FETCH_ROWS];
    rdb_error trouble = {0};
    uint32_t count = 0;
    bool ok = true;
    rdb_arena_mark mark = rdb_arena_get_mark(r->arena);
    if (!rdb_table_look(r->source->storage, r->of->pdb, r->of->file, block, r->arena, &look, &trouble)) {
        ok = !is_fatal(&trouble);
        if (ok)
            tell(r, block, false, 0, 0, false, rdb_error_message(&trouble));
        else
            rdb_error_move(err, &trouble);
        rdb_error_clear(&trouble);
        rdb_arena_rewind(r->arena, mark);
        return ok;
    }
    if (rdb_salvage_is_stale(r->source->work->from, r->of->pdb, r->of->file, block))
        tell(r, block, false, 0, 0, true, "The log has changes for it that do not fit it: its rows may be older than what was committed");
    for (uint32_t i = 0; ok && i < look.row_count; i++) {
        const rdb_table_look_row *row = &look.rows[i];
        if (!row->is_settled && rdb_salvage_lost_xid(r->source->work->from, r->of->pdb, row->xid))
            tell(r, block, true, row->slot, 0, true, "Whether its last change was committed is not known: it was taken as if it had been");
        addresses[count++] = RDB_ROW_ADDRESS(block, row->slot);
        if (count == FETCH_ROWS || i + 1 == look.row_count) {
            ok = take_some(r, addresses, count, err);
            count = 0;
        }
    }
    rdb_arena_rewind(r->arena, mark);
    return ok;
}

bool salvage_read(salvage_source *source, const salvage_table *table, salvage_taker take, void *context, uint64_t *rows, uint64_t *losses, rdb_error *err)
{
    reading r = {.source = source, .of = table, .take = take, .context = context, .rows = rows, .losses = losses};
    rdb_error trouble = {0};
    uint64_t blocks = 0;
    if (!rdb_storage_file_exists(source->storage, table->pdb, table->file) || !rdb_storage_block_count(source->storage, table->pdb, table->file, RDB_FORK_MAIN, &blocks, &trouble)) {
        tell(&r, UINT64_MAX, false, 0, 0, false, rdb_error_is_set(&trouble) ? rdb_error_message(&trouble) : "Its file is missing");
        rdb_error_clear(&trouble);
        return true;
    }
    bool ok = begin_reading(&r, err);
    for (uint64_t block = 1; ok && block < blocks; block++)
        ok = take_block(&r, block, err);
    if (ok && !table->relation->is_system && table->relation->pages > (double)RDB_MAX(blocks, 1u))
        tell(&r, blocks, false, 0, 0, false, "The file is shorter than it was: what stood from here on is lost");
    end_reading(&r);
    return ok;
}

/* ---- shared tables and databases ----------------------------------------------------------------------------------------------- */
typedef struct found_database {
    uint32_t oid, pdb;
    char name[RDB_NAMEDATALEN];
    rdb_datum *values; /* of pg_database; NULL: its row is lost */
    bool *is_null;
} found_database;

typedef struct shared_rows {
    rdb_arena *arena;
    rdb_access *access; /* of the new instance's root */
    const rdb_relation *relation;
    rdb_list databases, pluggables;
    salvage_source *source;
    rdb_error err;
} shared_rows;

typedef struct kept_values {
    rdb_datum *values;
    bool *is_null;
} kept_values;

static kept_values *keep(rdb_arena *arena, const rdb_relation *relation, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    kept_values *kept = RDB_NEW(arena, kept_values);
    kept->values = RDB_NEW_ARRAY(arena, rdb_datum, relation->column_count);
    kept->is_null = rdb_arena_memdup(arena, is_null, relation->column_count * sizeof *is_null);
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (!is_null[i] && !rdb_datum_copy(arena, (rdb_rep)relation->table.reps[i], values[i], &kept->values[i], err))
            return NULL;
    return kept;
}

static bool names_user_object(const rdb_relation *relation, const rdb_datum *values, const bool *is_null)
{
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (relation->columns[i].type->oid == RDB_OIDOID && !is_null[i] && values[i].oid >= RDB_FIRST_NORMAL_OID)
            return true;
    return false;
}

static bool take_shared(void *context, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    shared_rows *s = context;
    if (s->relation->oid == RDB_PG_DATABASE || s->relation->oid == RDB_PLUGGABLE) {
        kept_values *kept = keep(s->arena, s->relation, values, is_null, err);
        if (kept == NULL)
            return false;
        rdb_list_push(s->arena, s->relation->oid == RDB_PG_DATABASE ? &s->databases : &s->pluggables, kept);
        return true;
    }
    return !names_user_object(s->relation, values, is_null) || rdb_catalog_insert(s->access, s->relation->oid, values, is_null, err);
}

static bool read_shared(shared_rows *s, rdb_error *err)
{
    const rdb_database *root = s->source->work->catalog->root;
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        uint64_t rows = 0, losses = 0;
        s->relation = root->system[i];
        if (!s->relation->is_shared)
            continue;
        const salvage_table table = {.database = "", .name = rdb_arena_printf(s->arena, "pg_catalog.%s", s->relation->name), .relation = s->relation, .pdb = RDB_PDB_ROOT, .file = s->relation->file};
        if (!salvage_read(s->source, &table, take_shared, s, &rows, &losses, err))
            return false;
    }
    return rdb_arena_check(s->arena, err);
}

/* Every PDB with system tables is a database: under its name, or where that is lost under a number. */
static bool list_databases(shared_rows *s, rdb_list *found, rdb_error *err)
{
    uint32_t count;
    const uint32_t *pdbs = rdb_salvage_pdbs(s->source->work->from, &count);
    for (uint32_t i = 0; i < count; i++) {
        found_database *database = RDB_NEW(s->arena, found_database);
        database->pdb = pdbs[i];
        if (pdbs[i] == RDB_PDB_ROOT || !rdb_storage_file_exists(s->source->storage, pdbs[i], CATALOG_TABLE_FILE(RDB_PG_CLASS)))
            continue;
        for (uint32_t k = 0; k < s->pluggables.count; k++) {
            const kept_values *pluggable = s->pluggables.items[k];
            if ((uint32_t)pluggable->values[RDB_rdb_pluggable_plgnumber - 1].i32 == pdbs[i])
                database->oid = pluggable->values[RDB_rdb_pluggable_plgdatabase - 1].oid;
        }
        for (uint32_t k = 0; k < s->databases.count; k++) {
            const kept_values *row = s->databases.items[k];
            if (database->oid == 0 || row->values[RDB_pg_database_oid - 1].oid != database->oid)
                continue;
            const rdb_bytes name = row->values[RDB_pg_database_datname - 1].bytes;
            snprintf(database->name, sizeof database->name, "%.*s", (int)name.length, (const char *)name.data);
            database->values = row->values;
            database->is_null = row->is_null;
        }
        if (database->values == NULL) {
            snprintf(database->name, sizeof database->name, "salvaged_%u", (unsigned)pdbs[i]);
            salvage_tell(s->source->work, (rdb_salvage_finding){.database = database->name, .is_kept = true, .problem = "Its name is lost: it is called by a number"});
        }
        rdb_list_push(s->arena, found, database);
    }
    return rdb_arena_check(s->arena, err);
}

/* The new PDB takes the place of a database of that name, or becomes one. *old_pdb: whose files are to go, 0: none. */
static bool name_database(rdb_catalog *catalog, const found_database *database, uint32_t pdb, uint32_t *old_pdb, rdb_error *err)
{
    enum { INDEX_DATABASE_NAME = 2671, INDEX_PLUGGABLE_DATABASE = 8013 };
    rdb_txn *txn;
    rdb_access *access;
    rdb_catalog_row row, pluggable, template_row;
    bool found = false, ok = false;
    const rdb_datum key = datum_text(database->name), template_key = datum_text("template1");
    *old_pdb = 0;
    if (!catalog_begin_root(catalog, &txn, &access, err))
        return false;
    if (!catalog_find_row(access, RDB_PG_DATABASE, INDEX_DATABASE_NAME, &key, 1, access->arena, &row, &found, err))
        goto out;
    if (found) { /* made with every instance, under the same number */
        const rdb_datum number = datum_oid(row_oid(&row, RDB_pg_database_oid));
        ok = need_row(access, RDB_PLUGGABLE, INDEX_PLUGGABLE_DATABASE, &number, 1, access->arena, &pluggable, err);
        if (!ok)
            goto out;
        *old_pdb = (uint32_t)row_int32(&pluggable, RDB_rdb_pluggable_plgnumber);
        pluggable.values[RDB_rdb_pluggable_plgnumber - 1].i32 = (int32_t)pdb;
        if (database->values != NULL) {
            row.values = database->values;
            row.is_null = database->is_null;
            row.values[RDB_pg_database_oid - 1] = number;
        }
        ok = rdb_catalog_update(access, RDB_PLUGGABLE, &pluggable, err) && rdb_catalog_update(access, RDB_PG_DATABASE, &row, err);
        goto out;
    }
    uint32_t oid = database->oid;
    const new_row made = row_begin(access, RDB_PG_DATABASE, access->arena);
    if (database->values != NULL) {
        memcpy(made.values, database->values, RDB_pg_database_COLUMNS * sizeof *made.values);
        memcpy(made.is_null, database->is_null, RDB_pg_database_COLUMNS * sizeof *made.is_null);
    } else {
        if ((oid == 0 && !rdb_catalog_new_oid(access, &oid, err)) ||
            !catalog_find_row(access, RDB_PG_DATABASE, INDEX_DATABASE_NAME, &template_key, 1, access->arena, &template_row, &found, err) || !found)
            goto out;
        memcpy(made.values, template_row.values, RDB_pg_database_COLUMNS * sizeof *made.values);
        memcpy(made.is_null, template_row.is_null, RDB_pg_database_COLUMNS * sizeof *made.is_null);
        set_oid(&made, RDB_pg_database_oid, oid);
        set_text(&made, RDB_pg_database_datname, database->name);
        set_bool(&made, RDB_pg_database_datistemplate, false);
    }
    const new_row number = row_begin(access, RDB_PLUGGABLE, access->arena);
    set_oid(&number, RDB_rdb_pluggable_plgdatabase, oid);
    set_int32(&number, RDB_rdb_pluggable_plgnumber, (int32_t)pdb);
    ok = row_insert(&made, err) && row_insert(&number, err);
out:
    return catalog_end_root(&txn, &access, ok, err);
}

static bool drop_files(rdb_catalog *catalog, uint32_t pdb, const char *name, rdb_error *err)
{
    const database_facts facts = {.pdb = pdb};
    rdb_database *database;
    uint64_t *files = NULL;
    uint32_t count = 0;
    (void)name;
    if (!catalog_open_pdb(catalog, &facts, &database, err))
        return false;
    bool ok = clone_list_files(database, &files, &count, err);
    rdb_database_close(&database);
    ok = ok && rdb_undo_retire(catalog->undo, pdb, err);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = rdb_storage_drop_file(catalog->storage, pdb, files[i], err);
    free(files);
    return ok;
}

static bool salvage_one(shared_rows *s, const found_database *found, rdb_database *pristine, rdb_error *err)
{
    rdb_catalog *catalog = s->source->work->catalog;
    rdb_database *target = NULL;
    rdb_access *access;
    rdb_txn *txn;
    uint32_t pdb = 0, old_pdb = 0;
    if (!catalog_begin_root(catalog, &txn, &access, err))
        return false;
    bool ok = catalog_free_pdb(access, &pdb, err);
    ok = catalog_end_root(&txn, &access, ok, err) && catalog_make_database(catalog, pdb, found->oid, found->name, &target, err) &&
         salvage_pdb(s->source, found->pdb, target, pristine, err);
    catalog_free_database(target);
    ok = ok && name_database(catalog, found, pdb, &old_pdb, err) && (old_pdb == 0 || drop_files(catalog, old_pdb, found->name, err));
    s->source->work->databases += ok;
    return ok;
}

static bool salvage_all(salvage_source *source, rdb_error *err)
{
    rdb_catalog *catalog = source->work->catalog;
    shared_rows s = {.source = source};
    rdb_database *pristine = NULL;
    rdb_list found = {0};
    rdb_txn *txn;
    s.arena = ddl_arena(err);
    if (s.arena == NULL || !catalog_begin_root(catalog, &txn, &s.access, err)) {
        rdb_arena_destroy(s.arena);
        return false;
    }
    bool ok = read_shared(&s, err);
    ok = catalog_end_root(&txn, &s.access, ok, err) && list_databases(&s, &found, err) && rdb_database_open_any(catalog, "template0", &pristine, err);
    for (uint32_t i = 0; ok && i < found.count; i++) {
        const found_database *database = found.items[i];
        if (strcmp(database->name, "template0") != 0)
            ok = salvage_one(&s, database, pristine, err);
    }
    rdb_database_close(&pristine);
    rdb_arena_destroy(s.arena);
    return ok;
}

bool rdb_catalog_salvage(rdb_salvage_work *work, rdb_error *err)
{
    salvage_source source = {.work = work, .storage = rdb_salvage_storage(work->from), .txns = rdb_salvage_txns(work->from), .undo = rdb_salvage_undo(work->from)};
    return salvage_all(&source, err);
}
