/* SPDX-License-Identifier: Apache-2.0
 * The operations catalog of a repository: backup/catalog.db, a SQLite database for scripts and people. Nothing here trusts it: it is made
 * again from the manifests whenever something changed, rows of backups that it knows already are taken over by the digest of their
 * manifest. It is made in memory, row by row in the order of keys, so that equal rows are equal bytes, which verify relies on. */
#include "backup/backup_int.h"
#include "instance/rdb_operations.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME "backup/catalog.db"
enum { FIELDS_MAX = 20, SHA256_FIELD = 18 };

typedef struct catalog_table {
    const char *name, *columns; /* the key comes first; every value is bound as text and becomes what its column is */
    int column_count;
} catalog_table;

static const catalog_table BACKUPS = {
    "backup",
    "backup_id TEXT NOT NULL PRIMARY KEY, type TEXT NOT NULL, label TEXT NOT NULL, parent_id TEXT, started_at TEXT NOT NULL, stopped_at TEXT NOT NULL, started_lsn TEXT NOT NULL, "
    "stopped_lsn TEXT NOT NULL, stopped_scn INTEGER NOT NULL, timeline INTEGER NOT NULL, size_bytes INTEGER NOT NULL, read_bytes INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, "
    "compression TEXT NOT NULL, encrypted INTEGER NOT NULL, synthetic INTEGER NOT NULL, degraded_pages INTEGER NOT NULL, database_version TEXT NOT NULL, manifest_sha256 TEXT NOT NULL",
    19};
static const catalog_table DRILLS = {"drill", "recorded_at TEXT NOT NULL PRIMARY KEY, backup_id TEXT, sound INTEGER, evidence TEXT NOT NULL", 4};

typedef struct catalog_row {
    const char *values[FIELDS_MAX]; /* NULL: none */
} catalog_row;

static bool refuse(sqlite3 *database, rdb_error *err)
{
    rdb_error_set(err, RDB_IO_ERROR, "the catalog cannot be made");
    return rdb_error_detail(err, "SQLite: %s.", database != NULL ? sqlite3_errmsg(database) : "out of memory");
}

/* ---- rows ------------------------------------------------------------------------------------------------------------------- */
static catalog_row *row_of_backup(const rdb_manifest *m, rdb_arena *arena)
{
    catalog_row *row = RDB_NEW(arena, catalog_row);
    char started[40], stopped[40], started_lsn[24], stopped_lsn[24];
    uint64_t size = 0;
    for (uint32_t i = 0; i < m->files.count; i++)
        size += ((const rdb_manifest_file *)m->files.items[i])->length;
    backup_format_time(m->started.time_us, started);
    backup_format_time(m->stopped.time_us, stopped);
    backup_format_lsn(m->started.lsn, started_lsn);
    backup_format_lsn(m->stopped.lsn, stopped_lsn);
    const uint64_t numbers[] = {m->stopped.scn, m->timeline, size, m->bytes_read, m->bytes_stored};
    const char *const texts[] = {m->id, RDB_BACKUP_TYPES[m->type], m->label, m->parent[0] != '\0' ? m->parent : NULL, started, stopped, started_lsn, stopped_lsn};
    *row = (catalog_row){0};
    int n = 0;
    for (size_t i = 0; i < RDB_COUNT_OF(texts); i++)
        row->values[n++] = texts[i] != NULL ? rdb_arena_strdup(arena, texts[i]) : NULL;
    for (size_t i = 0; i < RDB_COUNT_OF(numbers); i++)
        row->values[n++] = rdb_arena_printf(arena, "%llu", (unsigned long long)numbers[i]);
    row->values[n++] = RDB_COMPRESSIONS[m->compression];
    row->values[n++] = m->is_encrypted ? "1" : "0";
    row->values[n++] = m->is_synthetic ? "1" : "0";
    row->values[n++] = rdb_arena_printf(arena, "%u", m->degraded.count);
    row->values[n++] = m->rdb_version;
    row->values[n++] = m->sha256;
    return row;
}

static bool list_drills(rdb_repository *repository, rdb_arena *arena, rdb_list *rows, rdb_error *err)
{
    rdb_list objects = {0};
    if (!repository->store->calls->list(repository->store, "drills/", arena, &objects, err))
        return false;
    for (uint32_t i = 0; i < objects.count; i++) {
        const char *name = ((const backup_object *)objects.items[i])->name, *ending = strstr(name, ".json");
        const char *backup_id = NULL;
        int sound = -1;
        rdb_strbuf text;
        bool found = false;
        json_error_t trouble;
        rdb_strbuf_init(&text, arena);
        if (!repository->store->calls->get(repository->store, name, &text, &found, err))
            return false;
        json_t *json = found ? json_loadb(text.data, text.length, 0, &trouble) : NULL;
        if (json != NULL && ending != NULL && json_unpack(json, "{s:s, s:b}", "backup_id", &backup_id, "sound", &sound) == 0) {
            catalog_row *row = RDB_NEW(arena, catalog_row);
            *row = (catalog_row){{rdb_arena_strndup(arena, name + strlen("drills/"), (size_t)(ending - name) - strlen("drills/")), rdb_arena_strdup(arena, backup_id), sound ? "1" : "0",
                                  rdb_arena_strndup(arena, text.data, text.length)}};
            rdb_list_push(arena, rows, row);
        }
        json_decref(json);
    }
    return rdb_arena_check(arena, err);
}

/* ---- the database ------------------------------------------------------------------------------------------------------------- */
static bool fill(sqlite3 *database, const catalog_table *table, const rdb_list *rows, rdb_error *err)
{
    char sql[1400];
    sqlite3_stmt *insert = NULL;
    snprintf(sql, sizeof sql, "CREATE TABLE %s (%s) WITHOUT ROWID", table->name, table->columns);
    bool ok = sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK || refuse(database, err);
    int length = snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (?", table->name);
    for (int i = 1; i < table->column_count; i++)
        length += snprintf(sql + length, sizeof sql - (size_t)length, ", ?");
    snprintf(sql + length, sizeof sql - (size_t)length, ")");
    ok = ok && (sqlite3_prepare_v2(database, sql, -1, &insert, NULL) == SQLITE_OK || refuse(database, err));
    for (uint32_t i = 0; ok && i < rows->count; i++) {
        const catalog_row *row = rows->items[i];
        for (int n = 0; n < table->column_count; n++)
            sqlite3_bind_text(insert, n + 1, row->values[n], -1, SQLITE_STATIC); /* NULL is NULL */
        ok = sqlite3_step(insert) == SQLITE_DONE || refuse(database, err);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    return ok;
}

static bool make(const rdb_list *backups, const rdb_list *drills, rdb_strbuf *bytes, rdb_error *err)
{
    sqlite3 *database = NULL;
    sqlite3_int64 length = 0;
    bool ok = (sqlite3_open(":memory:", &database) == SQLITE_OK && sqlite3_exec(database, "PRAGMA user_version = 1; BEGIN", NULL, NULL, NULL) == SQLITE_OK) || refuse(database, err);
    ok = ok && fill(database, &BACKUPS, backups, err) && fill(database, &DRILLS, drills, err) && (sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK || refuse(database, err));
    unsigned char *image = ok ? sqlite3_serialize(database, "main", &length, 0) : NULL;
    if (ok && image == NULL)
        ok = refuse(database, err);
    if (ok)
        rdb_strbuf_add(bytes, (const char *)image, (size_t)length);
    sqlite3_free(image);
    sqlite3_close(database);
    return ok && rdb_strbuf_check(bytes, err);
}

/* Rows of a table in an image; false: it is none of ours, or damaged. */
static bool read_rows(sqlite3 *database, const catalog_table *table, rdb_arena *arena, rdb_list *rows)
{
    char sql[80];
    sqlite3_stmt *select = NULL;
    snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1", table->name);
    bool ok = sqlite3_prepare_v2(database, sql, -1, &select, NULL) == SQLITE_OK && sqlite3_column_count(select) == table->column_count;
    int result = SQLITE_DONE;
    while (ok && (result = sqlite3_step(select)) == SQLITE_ROW) {
        catalog_row *row = RDB_NEW(arena, catalog_row);
        *row = (catalog_row){0};
        for (int n = 0; n < table->column_count; n++) {
            const char *text = (const char *)sqlite3_column_text(select, n);
            row->values[n] = text != NULL ? rdb_arena_strdup(arena, text) : NULL;
        }
        rdb_list_push(arena, rows, row);
    }
    sqlite3_finalize(select);
    return ok && result == SQLITE_DONE;
}

static bool read_image(const rdb_strbuf *image, rdb_arena *arena, rdb_list *backups, rdb_list *drills)
{
    sqlite3 *database = NULL;
    unsigned char *copy = image->length > 0 ? sqlite3_malloc64(image->length) : NULL;
    if (copy == NULL)
        return false;
    memcpy(copy, image->data, image->length);
    bool ok = sqlite3_open(":memory:", &database) == SQLITE_OK;
    if (!ok)
        sqlite3_free(copy);
    ok = ok && sqlite3_deserialize(database, "main", copy, (sqlite3_int64)image->length, (sqlite3_int64)image->length, SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY) == SQLITE_OK &&
         read_rows(database, &BACKUPS, arena, backups) && read_rows(database, &DRILLS, arena, drills);
    sqlite3_close(database);
    return ok;
}

static void name_object(const rdb_repository *repository, char name[40])
{
    snprintf(name, 40, NAME "%s", repository_seal_extension(repository));
}

/* What the repository's catalog says; *found false: there is none. Damage is an answer too. */
static bool load(rdb_repository *repository, rdb_arena *arena, rdb_strbuf *image, rdb_list *backups, rdb_list *drills, bool *found, bool *sound, rdb_error *err)
{
    char name[40], sha256[RDB_DIGEST_TEXT_BYTES];
    rdb_error mine = {0};
    name_object(repository, name);
    *found = *sound = repository_get(repository, name, NULL, image, sha256, &mine);
    if (!*found && rdb_error_is(&mine, RDB_DATA_CORRUPTED))
        *found = true;
    else if (!*found && !rdb_error_is(&mine, RDB_UNDEFINED_FILE)) {
        rdb_error_move(err, &mine);
        return false;
    }
    rdb_error_clear(&mine);
    *sound = *sound && read_image(image, arena, backups, drills);
    return true;
}

static const catalog_row *find_row(const rdb_list *rows, const char *key)
{
    for (uint32_t low = 0, high = rows->count; low < high;) {
        uint32_t middle = (low + high) / 2;
        const catalog_row *row = rows->items[middle];
        int order = row->values[0] != NULL ? strcmp(row->values[0], key) : -1;
        if (order == 0)
            return row;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- the instance's own catalog ------------------------------------------------------------------------------------------------- */
static bool mirror(const rdb_repository *repository, const char *home, const rdb_list *rows, rdb_arena *arena, rdb_error *err)
{
    rdb_operations *operations = NULL;
    rdb_operations_backup *backups = rdb_arena_try_alloc(arena, (rows->count + 1) * sizeof *backups, err);
    if (backups == NULL || !rdb_operations_open(&operations, home, err))
        return false;
    for (uint32_t i = 0; i < rows->count; i++) {
        const char *const *v = ((const catalog_row *)rows->items[i])->values;
        backups[i] = (rdb_operations_backup){.backup_id = v[0], .type = v[1], .label = v[2], .parent_id = v[3], .started_at = v[4], .stopped_at = v[5], .stopped_lsn = v[7],
                                             .stopped_scn = strtoull(v[8], NULL, 10), .timeline = (uint32_t)strtoul(v[9], NULL, 10), .size_bytes = strtoull(v[10], NULL, 10),
                                             .stored_bytes = strtoull(v[12], NULL, 10), .manifest_sha256 = v[SHA256_FIELD]};
    }
    bool ok = rdb_operations_replace_backups(operations, repository->store->url, backups, rows->count, err);
    rdb_operations_close(&operations);
    return ok;
}

bool rdb_catalog_refresh(rdb_repository *repository, const char *home, bool from_scratch, uint32_t *backup_count, rdb_error *err)
{
    rdb_list ids = {0}, known = {0}, known_drills = {0}, rows = {0}, drills = {0};
    rdb_strbuf image, bytes;
    rdb_manifest_object stored;
    bool found = false, sound = false;
    char name[40];
    *backup_count = 0;
    if (repository->store->url[0] == '-')
        return true;
    rdb_arena *arena = rdb_arena_create("catalog", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&image, NULL);
    rdb_strbuf_init(&bytes, NULL);
    bool ok = manifest_list_ids(repository, arena, &ids, err) && load(repository, arena, &image, &known, &known_drills, &found, &sound, err);
    if (from_scratch || !sound)
        known = (rdb_list){0};
    for (uint32_t i = 0; ok && i < ids.count; i++) {
        const catalog_row *row = find_row(&known, ids.items[i]);
        rdb_manifest *m = NULL;
        rdb_error mine = {0};
        if (row == NULL && manifest_read(repository, ids.items[i], arena, &m, &mine)) {
            row = row_of_backup(m, arena);
        } else if (row == NULL && !rdb_error_is(&mine, RDB_DATA_CORRUPTED)) {
            rdb_error_move(err, &mine);
            ok = false;
        }
        rdb_error_clear(&mine); /* what is damaged is told by verify and list, and not in here */
        if (row != NULL)
            rdb_list_push(arena, &rows, (void *)(uintptr_t)row);
    }
    name_object(repository, name);
    ok = ok && list_drills(repository, arena, &drills, err) && make(&rows, &drills, &bytes, err);
    if (ok && !(sound && bytes.length == image.length && memcmp(bytes.data, image.data, bytes.length) == 0))
        ok = repository_put(repository, name, bytes.data, bytes.length, &stored, NULL, err);
    *backup_count = rows.count;
    ok = ok && (home == NULL || mirror(repository, home, &rows, arena, err));
    rdb_strbuf_free(&image);
    rdb_strbuf_free(&bytes);
    rdb_arena_destroy(arena);
    return ok;
}

bool catalog_check(rdb_repository *repository, void (*on_damage)(void *context, const char *name, const char *what), void *context, rdb_error *err)
{
    rdb_list backups = {0}, drills = {0};
    rdb_strbuf image, bytes;
    bool found = false, sound = false;
    char name[40];
    rdb_arena *arena = rdb_arena_create("catalog", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&image, NULL);
    rdb_strbuf_init(&bytes, NULL);
    name_object(repository, name);
    bool ok = load(repository, arena, &image, &backups, &drills, &found, &sound, err);
    if (ok && sound)
        ok = make(&backups, &drills, &bytes, err);
    /* Its bytes are what its rows make, and its rows are what manifests say, of those that are there still. */
    bool same = ok && sound && bytes.length == image.length && memcmp(bytes.data, image.data, bytes.length) == 0;
    for (uint32_t i = 0; same && i < backups.count; i++) {
        const catalog_row *row = backups.items[i];
        rdb_manifest *m = NULL;
        rdb_error mine = {0};
        if (row->values[0] != NULL && strlen(row->values[0]) < RDB_BACKUP_ID_BYTES && manifest_read(repository, row->values[0], arena, &m, &mine)) {
            const catalog_row *right = row_of_backup(m, arena);
            for (int n = 0; n < BACKUPS.column_count; n++)
                same = same && (row->values[n] == NULL) == (right->values[n] == NULL) && (row->values[n] == NULL || strcmp(row->values[n], right->values[n]) == 0);
        }
        rdb_error_clear(&mine);
    }
    rdb_list fresh = {0};
    ok = ok && list_drills(repository, arena, &fresh, err);
    for (uint32_t i = 0; ok && same && i < drills.count; i++) {
        const catalog_row *row = drills.items[i], *right = row->values[0] != NULL ? find_row(&fresh, row->values[0]) : NULL;
        for (int n = 0; right != NULL && n < DRILLS.column_count; n++)
            same = same && row->values[n] != NULL && strcmp(row->values[n], right->values[n]) == 0;
    }
    if (ok && found && !same)
        on_damage(context, name, "it is damaged; nothing is lost: rdb-backup catalog makes it again");
    rdb_strbuf_free(&image);
    rdb_strbuf_free(&bytes);
    rdb_arena_destroy(arena);
    return ok;
}
