/* SPDX-License-Identifier: Apache-2.0
 * The operations catalog. What always holds: user_version is the number of schema steps taken, each step and its number
 * committed together. */
#include "instance/rdb_operations.h"

#include "instance/rdb_instance.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define BUSY_MS 5000
#define NOW "strftime('%Y-%m-%dT%H:%M:%fZ','now')"

struct rdb_operations {
    sqlite3 *database;
};

/* Only ever added to: a step that was published stays as it is. */
static const char *const STEPS[] = {
    "CREATE TABLE run (run_id INTEGER PRIMARY KEY AUTOINCREMENT, program TEXT NOT NULL, what TEXT NOT NULL,"
    " started_at TEXT NOT NULL, ended_at TEXT, outcome TEXT CHECK (outcome IN ('done', 'failed', 'interrupted')), detail TEXT,"
    " CHECK ((ended_at IS NULL) = (outcome IS NULL)));"
    "CREATE INDEX run_by_program ON run (program, run_id);"
    "CREATE TABLE restore_point (name TEXT PRIMARY KEY, scn INTEGER NOT NULL, lsn INTEGER NOT NULL, created_at TEXT NOT NULL);",
    "CREATE TABLE backup (repository TEXT NOT NULL, backup_id TEXT NOT NULL, type TEXT NOT NULL, label TEXT NOT NULL, parent_id TEXT, started_at TEXT NOT NULL,"
    " stopped_at TEXT NOT NULL, stopped_lsn TEXT NOT NULL, stopped_scn INTEGER NOT NULL, timeline INTEGER NOT NULL, size_bytes INTEGER NOT NULL,"
    " stored_bytes INTEGER NOT NULL, manifest_sha256 TEXT NOT NULL, PRIMARY KEY (repository, backup_id));",
};

static bool refuse(rdb_operations *operations, int result, rdb_error *err)
{
    int kind = result & 0xFF;
    const char *sqlstate = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB      ? RDB_DATA_CORRUPTED
                           : kind == SQLITE_FULL                                ? RDB_DISK_FULL
                           : kind == SQLITE_BUSY || kind == SQLITE_LOCKED       ? RDB_LOCK_NOT_AVAILABLE
                           : kind == SQLITE_NOMEM                               ? RDB_OUT_OF_MEMORY
                           : kind == SQLITE_PERM || kind == SQLITE_READONLY     ? RDB_INSUFFICIENT_PRIVILEGE
                                                                                : RDB_IO_ERROR;
    rdb_error_set(err, sqlstate, "the operations catalog cannot be used");
    rdb_error_detail(err, "SQLite: %s.", operations->database != NULL ? sqlite3_errmsg(operations->database) : sqlite3_errstr(result));
    return rdb_error_hint(err, "It holds no data of tables: it may be moved away, and a new one is made.");
}

static bool run_text(rdb_operations *operations, const char *sql, rdb_error *err)
{
    int result = sqlite3_exec(operations->database, sql, NULL, NULL, NULL);
    return result == SQLITE_OK || refuse(operations, result, err);
}

static bool take_steps(rdb_operations *operations, rdb_error *err)
{
    sqlite3_stmt *statement = NULL;
    /* the writer's lock first: two programs that start together take each step once */
    if (!run_text(operations, "BEGIN IMMEDIATE", err))
        return false;
    int result = sqlite3_prepare_v2(operations->database, "PRAGMA user_version", -1, &statement, NULL);
    int version = result == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    sqlite3_finalize(statement);
    bool ok = version >= 0 || refuse(operations, result, err);
    if (ok && version > (int)RDB_COUNT_OF(STEPS))
        ok = rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "the operations catalog has schema version %d; this program knows %zu",
                           version, RDB_COUNT_OF(STEPS));
    for (size_t step_no = ok ? (size_t)version : 0; ok && step_no < RDB_COUNT_OF(STEPS); step_no++) {
        char number[64];
        snprintf(number, sizeof number, "PRAGMA user_version = %zu", step_no + 1);
        ok = run_text(operations, STEPS[step_no], err) && run_text(operations, number, err);
    }
    if (ok)
        return run_text(operations, "COMMIT", err);
    (void)sqlite3_exec(operations->database, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

bool rdb_operations_open(rdb_operations **operations, const char *home, rdb_error *err)
{
    char path[PATH_MAX];
    *operations = NULL;
    if (!rdb_instance_path(home, "data/meta/catalog.db", path, sizeof path, err))
        return false;
    rdb_operations *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    int result = sqlite3_open_v2(path, &opened->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    bool ok = result == SQLITE_OK || refuse(opened, result, err);
    if (ok)
        sqlite3_busy_timeout(opened->database, BUSY_MS);
    ok = ok && run_text(opened, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", err) && take_steps(opened, err);
    if (!ok) {
        rdb_operations_close(&opened);
        return false;
    }
    *operations = opened;
    return true;
}

void rdb_operations_close(rdb_operations **operations)
{
    if (*operations == NULL)
        return;
    sqlite3_close((*operations)->database);
    free(*operations);
    *operations = NULL;
}

static bool prepare(rdb_operations *operations, const char *sql, sqlite3_stmt **statement, rdb_error *err)
{
    int result = sqlite3_prepare_v2(operations->database, sql, -1, statement, NULL);
    return result == SQLITE_OK || refuse(operations, result, err);
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    if (text != NULL)
        sqlite3_bind_text(statement, place, text, -1, SQLITE_TRANSIENT);
}

/* Runs a statement that gives no rows and ends it. */
static bool finish(rdb_operations *operations, sqlite3_stmt *statement, rdb_error *err)
{
    int result = sqlite3_step(statement);
    bool ok = result == SQLITE_DONE || refuse(operations, result, err);
    sqlite3_finalize(statement);
    return ok;
}

bool rdb_operations_begin_run(rdb_operations *operations, const char *program, const char *what, int64_t *run_id, rdb_error *err)
{
    sqlite3_stmt *statement;
    *run_id = 0;
    if (!prepare(operations, "INSERT INTO run (program, what, started_at) VALUES (?, ?, " NOW ")", &statement, err))
        return false;
    bind_text(statement, 1, program);
    bind_text(statement, 2, what);
    if (!finish(operations, statement, err))
        return false;
    *run_id = sqlite3_last_insert_rowid(operations->database);
    return true;
}

bool rdb_operations_end_run(rdb_operations *operations, int64_t run_id, const char *outcome, const char *detail, rdb_error *err)
{
    sqlite3_stmt *statement;
    if (!prepare(operations, "UPDATE run SET ended_at = " NOW ", outcome = ?, detail = ? WHERE run_id = ? AND ended_at IS NULL",
                 &statement, err))
        return false;
    bind_text(statement, 1, outcome);
    bind_text(statement, 2, detail);
    sqlite3_bind_int64(statement, 3, run_id);
    if (!finish(operations, statement, err))
        return false;
    return sqlite3_changes(operations->database) == 1 ||
           rdb_error_set(err, RDB_UNDEFINED_OBJECT, "run %lld does not exist or has ended", (long long)run_id);
}

static const char *copy_column(rdb_arena *arena, sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return rdb_arena_strdup(arena, text != NULL ? (const char *)text : "");
}

/* The end of a listing: result is the last step's. */
static bool end_listing(rdb_operations *operations, sqlite3_stmt *statement, int result, rdb_arena *arena, rdb_error *err)
{
    bool ok = result == SQLITE_DONE || refuse(operations, result, err);
    sqlite3_finalize(statement);
    return ok && rdb_arena_check(arena, err);
}

bool rdb_operations_list_runs(rdb_operations *operations, const char *program, uint32_t count_max, rdb_arena *arena,
                              rdb_list *runs, rdb_error *err)
{
    sqlite3_stmt *statement;
    int result;
    *runs = (rdb_list){0};
    if (!prepare(operations, "SELECT run_id, program, what, started_at, ended_at, outcome, detail FROM run"
                             " WHERE ?1 IS NULL OR program = ?1 ORDER BY run_id DESC LIMIT ?2", &statement, err))
        return false;
    bind_text(statement, 1, program);
    sqlite3_bind_int64(statement, 2, count_max);
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        rdb_operations_run *run = RDB_NEW(arena, rdb_operations_run);
        run->run_id = sqlite3_column_int64(statement, 0);
        const char **fields[] = {&run->program, &run->what, &run->started_at, &run->ended_at, &run->outcome, &run->detail};
        for (int field_no = 0; field_no < (int)RDB_COUNT_OF(fields); field_no++)
            *fields[field_no] = copy_column(arena, statement, field_no + 1);
        rdb_list_push(arena, runs, run);
    }
    return end_listing(operations, statement, result, arena, err);
}

bool rdb_operations_add_restore_point(rdb_operations *operations, const char *name, uint64_t scn, uint64_t lsn, rdb_error *err)
{
    sqlite3_stmt *statement;
    if (!prepare(operations, "INSERT INTO restore_point (name, scn, lsn, created_at) VALUES (?, ?, ?, " NOW ")", &statement, err))
        return false;
    bind_text(statement, 1, name);
    sqlite3_bind_int64(statement, 2, (int64_t)scn);
    sqlite3_bind_int64(statement, 3, (int64_t)lsn);
    int result = sqlite3_step(statement);
    if ((result & 0xFF) == SQLITE_CONSTRAINT)
        rdb_error_set(err, RDB_DUPLICATE_OBJECT, "restore point \"%s\" already exists", name);
    else if (result != SQLITE_DONE)
        refuse(operations, result, err);
    sqlite3_finalize(statement);
    return result == SQLITE_DONE;
}

bool rdb_operations_drop_restore_point(rdb_operations *operations, const char *name, bool *found, rdb_error *err)
{
    sqlite3_stmt *statement;
    *found = false;
    if (!prepare(operations, "DELETE FROM restore_point WHERE name = ?", &statement, err))
        return false;
    bind_text(statement, 1, name);
    if (!finish(operations, statement, err))
        return false;
    *found = sqlite3_changes(operations->database) == 1;
    return true;
}

bool rdb_operations_list_restore_points(rdb_operations *operations, rdb_arena *arena, rdb_list *points, rdb_error *err)
{
    sqlite3_stmt *statement;
    int result;
    *points = (rdb_list){0};
    if (!prepare(operations, "SELECT name, created_at, scn, lsn FROM restore_point ORDER BY scn, name", &statement, err))
        return false;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        rdb_restore_point *point = RDB_NEW(arena, rdb_restore_point);
        point->name = copy_column(arena, statement, 0);
        point->created_at = copy_column(arena, statement, 1);
        point->scn = (uint64_t)sqlite3_column_int64(statement, 2);
        point->lsn = (uint64_t)sqlite3_column_int64(statement, 3);
        rdb_list_push(arena, points, point);
    }
    return end_listing(operations, statement, result, arena, err);
}

static bool insert_backup(rdb_operations *operations, const char *repository, const rdb_operations_backup *b, rdb_error *err)
{
    sqlite3_stmt *statement;
    if (!prepare(operations, "INSERT INTO backup VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &statement, err))
        return false;
    const char *const texts[] = {repository, b->backup_id, b->type, b->label, b->parent_id, b->started_at, b->stopped_at, b->stopped_lsn};
    const uint64_t numbers[] = {b->stopped_scn, b->timeline, b->size_bytes, b->stored_bytes};
    int place = 1;
    for (size_t i = 0; i < RDB_COUNT_OF(texts); i++)
        bind_text(statement, place++, texts[i]);
    for (size_t i = 0; i < RDB_COUNT_OF(numbers); i++)
        sqlite3_bind_int64(statement, place++, (int64_t)numbers[i]);
    bind_text(statement, place, b->manifest_sha256);
    return finish(operations, statement, err);
}

bool rdb_operations_replace_backups(rdb_operations *operations, const char *repository, const rdb_operations_backup *backups, uint32_t count, rdb_error *err)
{
    sqlite3_stmt *statement;
    if (!run_text(operations, "BEGIN IMMEDIATE", err))
        return false;
    bool ok = prepare(operations, "DELETE FROM backup WHERE repository = ?", &statement, err);
    if (ok) {
        bind_text(statement, 1, repository);
        ok = finish(operations, statement, err);
    }
    for (uint32_t i = 0; ok && i < count; i++)
        ok = insert_backup(operations, repository, &backups[i], err);
    if (ok)
        return run_text(operations, "COMMIT", err);
    (void)sqlite3_exec(operations->database, "ROLLBACK", NULL, NULL, NULL);
    return false;
}
