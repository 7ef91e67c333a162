/* SPDX-License-Identifier: Apache-2.0
 * Which relations broken pages belong to. A server is asked in each of its databases; of an instance at rest the files that system catalogs
 * lie in are copied aside and served there for a moment, so that nothing of the instance changes. Whatever keeps the catalogs from being read
 * keeps the pages without names, and nothing else. */
#include "backup/backup_int.h"
#include "backup/rdb_backup_server.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_USER_FILE 16384u /* numbers of files from here on are drawn: for users' relations, and for catalogs that were rewritten */
#define COPY_BYTES ((size_t)1 << 20)

static void name_relations_of(PGconn *connection, rdb_arena *arena, const rdb_list *pages)
{
    for (uint32_t i = 0; i < pages->count; i++) {
        rdb_manifest_page *page = pages->items[i];
        const char *space = strstr(page->path, ".space"), *parameters[1] = {space != NULL ? rdb_arena_strndup(arena, page->path, (size_t)(space - page->path)) : page->path};
        if (page->relation[0] != '\0')
            continue;
        PGresult *result = PQexecParams(connection, "select format('%I.%I.%I', current_database(), n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                                                    "where pg_relation_filepath(c.oid) = $1", 1, NULL, parameters, NULL, NULL, 0);
        if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
            page->relation = rdb_arena_strdup(arena, PQgetvalue(result, 0, 0));
        PQclear(result);
    }
}

/* In every database that the server of that instance lets in. */
static bool ask_server(const char *home, rdb_arena *arena, const rdb_list *pages, rdb_error *err)
{
    PGconn *connection = NULL;
    if (!rdb_server_connect(&connection, home, "postgres", err))
        return false;
    PGresult *result = PQexec(connection, "select datname from pg_database where datallowconn order by datname");
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        rdb_server_failed(connection, result, "the server does not list its databases", err);
        PQfinish(connection);
        return false;
    }
    for (int row = 0; row < PQntuples(result); row++) {
        rdb_error ignored = {0}; /* the page that is broken may be the catalog's */
        PGconn *inside = NULL;
        if (rdb_server_connect(&inside, home, PQgetvalue(result, row, 0), &ignored)) {
            name_relations_of(inside, arena, pages);
            PQfinish(inside);
        }
        rdb_error_clear(&ignored);
    }
    PQclear(result);
    PQfinish(connection);
    return true;
}

/* ---- at rest ---------------------------------------------------------------------------------------------------------------------- */
static bool is_of_catalogs(const char *path)
{
    rdb_page_tag tag;
    return !page_tag_of(path, &tag) || RDB_FILE_CLASS(tag.file) == RDB_FILE_UNDO || RDB_FILE_CLASS(tag.file) == RDB_FILE_XACT || (tag.file & ((UINT64_C(1) << 56) - 1)) < FIRST_USER_FILE;
}

static bool copy_file(const char *from, const char *to, const char *path, uint8_t *buffer, rdb_error *err)
{
    char source_path[PATH_MAX], target_path[PATH_MAX];
    rdb_file *source = NULL, *target = NULL;
    bool ok = rdb_instance_path(from, path, source_path, sizeof source_path, err) && rdb_instance_path(to, path, target_path, sizeof target_path, err) &&
              rdb_file_open(&source, source_path, RDB_FILE_READ, err) && rdb_file_open(&target, target_path, RDB_FILE_CREATE | RDB_FILE_TEMPORARY, err);
    for (uint64_t at = 0, got = COPY_BYTES; ok && got == COPY_BYTES; at += got) {
        size_t read = 0;
        ok = rdb_file_read(source, at, buffer, COPY_BYTES, &read, err) && (read == 0 || rdb_file_write(target, at, buffer, read, err));
        got = read;
    }
    ok = rdb_file_close(&target, err) && ok;
    return rdb_file_close(&source, err) && ok;
}

static bool make_directory(const char *home, const char *name, rdb_error *err)
{
    char path[PATH_MAX];
    return rdb_instance_path(home, name, path, sizeof path, err) && rdb_path_make_directory(path, 0700, true, err);
}

/* The log that a start reads: from the segment of its redo point on. */
static bool copy_log(const backup_source *source, const char *scratch, uint8_t *buffer, rdb_arena *arena, rdb_error *err)
{
    char folder[PATH_MAX];
    rdb_list names = {0};
    const rdb_control *control = source_control(source);
    if (!rdb_instance_path(source_home(source), "data/wal", folder, sizeof folder, err) || !rdb_path_list(folder, arena, &names, err))
        return false;
    for (uint32_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        const bool is_needed = strlen(name) != 16 || strtoull(name, NULL, 16) >= control->redo_lsn / control->wal_segment_bytes; /* histories too */
        if (is_needed && !copy_file(source_home(source), scratch, rdb_arena_printf(arena, "data/wal/%s", name), buffer, err))
            return false;
    }
    return true;
}

static bool copy_catalogs(backup_source *source, const char *scratch, rdb_arena *arena, rdb_error *err)
{
    rdb_list files = {0}, directories = {0};
    uint8_t *buffer = malloc(COPY_BYTES);
    bool ok = (buffer != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) && source_list(source, true, arena, &files, &directories, err);
    for (uint32_t i = 0; ok && i < RESTORE_DIRECTORY_COUNT; i++)
        ok = make_directory(scratch, RESTORE_DIRECTORIES[i], err);
    for (uint32_t i = 0; ok && i < directories.count; i++)
        ok = make_directory(scratch, directories.items[i], err);
    for (uint32_t i = 0; ok && i < files.count; i++) {
        const backup_source_file *file = files.items[i];
        ok = !is_of_catalogs(file->path) || copy_file(source_home(source), scratch, file->path, buffer, err);
    }
    ok = ok && copy_file(source_home(source), scratch, "data/meta/control", buffer, err) && copy_log(source, scratch, buffer, arena, err);
    free(buffer);
    return ok;
}

static bool ask_copy(backup_source *source, rdb_arena *arena, const rdb_list *pages, const rdb_backup_watch *watch, rdb_error *err)
{
    char scratch[PATH_MAX];
    rdb_scratch *server = NULL;
    snprintf(scratch, sizeof scratch, "%.4000s.names-XXXXXX", source_home(source));
    if (mkdtemp(scratch) == NULL)
        return rdb_error_set(err, RDB_IO_ERROR, "no directory can be made beside \"%s\"", source_home(source));
    const bool ok = copy_catalogs(source, scratch, arena, err) && rdb_scratch_start(&server, scratch, watch != NULL ? watch->is_interrupted : NULL, watch != NULL ? watch->context : NULL, err) && ask_server(scratch, arena, pages, err);
    rdb_error ignored = {0};
    rdb_scratch_stop(&server);
    if (!rdb_path_remove_tree(scratch, &ignored))
        rdb_error_clear(&ignored);
    return ok;
}

void name_relations(backup_source *source, rdb_arena *arena, const rdb_list *pages, const rdb_backup_watch *watch)
{
    rdb_error err = {0};
    bool is_any = false;
    for (uint32_t i = 0; i < pages->count; i++)
        is_any = is_any || ((const rdb_manifest_page *)pages->items[i])->relation[0] == '\0';
    if (is_any && !(source_is_running(source) ? ask_server(source_home(source), arena, pages, &err) : ask_copy(source, arena, pages, watch, &err)))
        watch_note(watch, "the catalogs do not say which relations the broken pages are of: %s", rdb_error_message(&err));
    rdb_error_clear(&err);
}
