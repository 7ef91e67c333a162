/* SPDX-License-Identifier: Apache-2.0
 * One page of an instance, made again: the page out of a backup's objects, and the records of the log that name it, archived ones and the
 * instance's own, up to the log's end. It is the page as it would be, not as it was when the backup was taken; where the log does not reach so
 * far nothing is written. At rest the page goes into its file; a served instance gets it through its server, which keeps the page's place from
 * everybody meanwhile, proves that no record behind the replayed ones changes it, and logs it whole. */
#include "backup/backup_int.h"
#include "backup/rdb_backup_server.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct repairing {
    rdb_repository *repository;
    const rdb_repair_options *options;
    rdb_repair_report *report;
    rdb_arena *arena;
    backup_source *source; /* at rest it holds the instance's lock */
    PGconn *connection;    /* served: to the relation's database */
    const char *relation;  /* served: its OID */
    const char *path;      /* of its file, from data/ on */
    rdb_page_tag tag;
    uint32_t page_bytes;
    uint8_t *page;
    rdb_lsn until; /* the log is replayed up to there */
} repairing;

/* ---- the page out of a backup ------------------------------------------------------------------------------------------------ */
typedef struct page_search {
    const repairing *r;
    const rdb_manifest_part *part;
    uint64_t at;  /* of the page in the part */
    uint32_t got; /* bytes of it: a page that the part has as a hole gives none */
} page_search;

static bool search_member(void *context, const char *path, uint64_t offset, uint64_t length, bool *wanted, rdb_error *err)
{
    const page_search *s = context;
    (void)length, (void)err;
    *wanted = strcmp(path, s->r->path) == 0 && offset == s->part->offset;
    return true;
}

static bool search_data(void *context, uint64_t offset, const void *bytes, size_t length, rdb_error *err)
{
    page_search *s = context;
    const uint64_t first = RDB_MAX(offset, s->at), end = RDB_MIN(offset + length, s->at + s->r->page_bytes);
    (void)err;
    if (first < end) {
        memcpy(s->r->page + (first - s->at), (const uint8_t *)bytes + (first - offset), end - first);
        s->got += (uint32_t)(end - first);
    }
    return true;
}

static bool search_part(repairing *r, const rdb_manifest *manifest, const rdb_manifest_part *part, uint64_t offset, bool *found, rdb_error *err)
{
    char name[200], sha256[RDB_DIGEST_TEXT_BYTES];
    rdb_strbuf bytes;
    page_search search = {.r = r, .part = part, .at = offset - part->offset};
    const backup_visitor visitor = {search_member, search_data, NULL, &search};
    const rdb_manifest_object *object = manifest->objects.items[part->object_no];
    rdb_strbuf_init(&bytes, NULL);
    bool ok = manifest_object_name(manifest, object, name, sizeof name) && repository_get(r->repository, name, object, &bytes, sha256, err) &&
              volume_visit(manifest->compression, bytes.data, bytes.length, &visitor, err);
    if (!ok)
        rdb_error_add_context(err, "object \"%s\"", name);
    rdb_strbuf_free(&bytes);
    *found = search.got == r->page_bytes;
    return ok;
}

/* As the newest of the chain that has it. What a backup does not have yet was made since: it begins as zeroes. *is_known false: it is broken
 * there. */
static bool fetch_page(repairing *r, const rdb_list *chain, bool *is_known, rdb_error *err)
{
    const rdb_manifest *newest = chain->items[chain->count - 1];
    const rdb_manifest_file *file = manifest_find_file(newest, r->path);
    const uint64_t offset = r->tag.block * r->page_bytes;
    const char *what;
    bool found = false;
    memset(r->page, 0, r->page_bytes);
    *is_known = file == NULL || offset + r->page_bytes > file->length;
    if (*is_known)
        return true;
    for (uint32_t level = chain->count; !found && level > 0; level--) {
        const rdb_manifest *manifest = chain->items[level - 1];
        file = manifest_find_file(manifest, r->path);
        if (file == NULL)
            break;
        for (uint32_t i = 0; !found && i < file->part_count; i++) {
            const rdb_manifest_part *part = &file->parts[i];
            if (part->data_bytes > 0 && offset >= part->offset && offset < part->offset + part->length && !search_part(r, manifest, part, offset, &found, err))
                return false;
        }
    }
    *is_known = found && rdb_page_verify(r->page, r->tag, r->page_bytes, &what);
    return true;
}

/* ---- the page as it would be --------------------------------------------------------------------------------------------------- */
static bool make_from(repairing *r, rdb_manifest *manifest, rdb_error *err)
{
    char wal_directory[PATH_MAX];
    rdb_list chain = {0};
    bool is_known;
    const rdb_backup_watch *watch = r->options->watch;
    if (manifest->system_id != source_control(r->source)->system_id)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "backup %s is of another instance", manifest->id);
    if (!rdb_backup_chain(r->repository, manifest, r->arena, &chain, err) || !fetch_page(r, &chain, &is_known, err) ||
        !rdb_instance_path(source_home(r->source), "data/wal", wal_directory, sizeof wal_directory, err))
        return false;
    const rdb_page_recovery recovery = {.label = manifest->label_file, .wal_directory = wal_directory, .archive_directory = r->options->archive_directory,
                                        .timeline = source_timeline(r->source), .until = r->until, .tag = r->tag,
                                        .is_interrupted = watch != NULL ? watch->is_interrupted : NULL, .context = watch != NULL ? watch->context : NULL};
    if (!rdb_recovery_redo_page(&recovery, r->page, is_known, err))
        return rdb_error_add_context(err, "backup %s", manifest->id), false;
    snprintf(r->report->backup_id, sizeof r->report->backup_id, "%s", manifest->id);
    return true;
}

/* Of the backup that was named, or the newest from which it can be made; the first reason counts where none will do. */
static bool make_page(repairing *r, rdb_manifest *named, rdb_error *err)
{
    rdb_list manifests = {0}, broken = {0};
    if (named != NULL)
        return make_from(r, named, err);
    if (!rdb_backup_list(r->repository, r->arena, &manifests, &broken, err))
        return false;
    for (uint32_t i = manifests.count; i > 0; i--) {
        rdb_error mine = {0};
        if (make_from(r, manifests.items[i - 1], rdb_error_is_set(err) ? &mine : err)) {
            rdb_error_clear(err);
            return true;
        }
        const bool is_final = rdb_error_is(rdb_error_is_set(&mine) ? &mine : err, RDB_QUERY_CANCELED);
        rdb_error_clear(&mine);
        if (is_final)
            return false;
    }
    return !rdb_error_is_set(err) ? rdb_error_set(err, RDB_UNDEFINED_FILE, "there is no backup in \"%s\"", rdb_repository_url(r->repository)) : false;
}

/* ---- at rest ------------------------------------------------------------------------------------------------------------------- */
static bool open_own_file(repairing *r, rdb_file **file, unsigned flags, rdb_error *err)
{
    char path[PATH_MAX];
    return rdb_instance_path(source_home(r->source), r->path, path, sizeof path, err) && rdb_file_open(file, path, flags, err);
}

static bool read_page(repairing *r, const char **what, rdb_error *err)
{
    rdb_file *file = NULL;
    size_t got = 0;
    if (!open_own_file(r, &file, RDB_FILE_READ, err))
        return false;
    bool ok = rdb_file_read(file, r->tag.block * r->page_bytes, r->page, r->page_bytes, &got, err);
    ok = rdb_file_close(&file, err) && ok;
    *what = "The file ends before it";
    r->report->was_sound = ok && got == r->page_bytes && rdb_page_verify(r->page, r->tag, r->page_bytes, what);
    return ok;
}

static bool write_page(repairing *r, rdb_error *err)
{
    rdb_file *file = NULL;
    if (!open_own_file(r, &file, RDB_FILE_WRITE, err))
        return false;
    bool ok = rdb_file_write(file, r->tag.block * r->page_bytes, r->page, r->page_bytes, err) && rdb_file_sync(file, err);
    return rdb_file_close(&file, err) && ok;
}

static bool name_file(repairing *r, rdb_error *err)
{
    const char *page = r->options->page;
    r->path = rdb_arena_printf(r->arena, "%s%.1000s", strncmp(page, "data/", 5) == 0 ? "" : "data/", page);
    if (backup_path_is_safe(r->path) && page_tag_of(r->path, &r->tag)) {
        r->tag.block = r->options->block;
        return true;
    }
    rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is no file of pages", page);
    return rdb_error_hint(err, "Write the file below data/ and the block, as the message of the damage names them: tables/17/16384:2.");
}

static bool repair_at_rest(repairing *r, rdb_manifest *named, rdb_error *err)
{
    rdb_backup_moment started, stopped;
    const char *what;
    if (!name_file(r, err) || !read_page(r, &what, err) || r->report->was_sound)
        return !rdb_error_is_set(err);
    snprintf(r->report->what, sizeof r->report->what, "%s", what);
    if (!source_begin(r->source, NULL, true, &started, err) || !source_end(r->source, &stopped, err))
        return false;
    r->until = stopped.lsn;
    if (!make_page(r, named, err))
        return false;
    r->report->lsn = ((const rdb_page *)(const void *)r->page)->lsn;
    if (r->options->dry_run)
        return true;
    const bool ok = write_page(r, err);
    source_tell_audit(r->source, "rdb-restore", "REPAIR PAGE", ok, rdb_arena_printf(r->arena, "block %llu of %s", (unsigned long long)r->tag.block, r->path));
    return ok;
}

/* ---- served ------------------------------------------------------------------------------------------------------------------------ */
/* Asks for one row; NULL with an error where there is none but one. */
static PGresult *ask_row(repairing *r, const char *sql, int count, const char *const *values, const int *lengths, const int *formats, const char *what, rdb_error *err)
{
    PGresult *result = PQexecParams(r->connection, sql, count, NULL, values, lengths, formats, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
        return result;
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        rdb_error_set(err, RDB_UNDEFINED_TABLE, "%s", what);
        PQclear(result);
    } else {
        rdb_server_failed(r->connection, result, what, err);
    }
    return NULL;
}

#define SELECT_RELATION "select c.oid, format('%I.%I.%I', current_database(), n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where "

static bool take_relation(repairing *r, const char *sql, const char *value, rdb_error *err)
{
    const char *parameters[1] = {value};
    PGresult *result = ask_row(r, sql, 1, parameters, NULL, NULL, "the relation of the page cannot be found", err);
    if (result == NULL)
        return false;
    r->relation = rdb_arena_strdup(r->arena, PQgetvalue(result, 0, 0));
    r->report->relation = rdb_arena_strdup(r->report->arena, PQgetvalue(result, 0, 1));
    PQclear(result);
    return rdb_arena_check(r->arena, err) && rdb_arena_check(r->report->arena, err);
}

/* [DATABASE.][SCHEMA.]RELATION, as SQL spells names. */
static bool find_named(repairing *r, rdb_error *err)
{
    char *name = rdb_arena_strdup(r->arena, r->options->page), *dot = strchr(name, '.');
    const char *database = "rustydb";
    if (dot != NULL && strchr(dot + 1, '.') != NULL) {
        *dot = '\0';
        database = name;
        name = dot + 1;
    }
    return rdb_server_connect(&r->connection, source_home(r->source), database, err) && take_relation(r, SELECT_RELATION "c.oid = $1::regclass", name, err);
}

/* The database whose relation has the file. Undo and the commit log belong to none: their pages come and go with transactions. */
static bool find_by_file(repairing *r, rdb_error *err)
{
    rdb_list databases = {0};
    if (!name_file(r, err) || !source_databases(r->source, r->arena, &databases, err))
        return false;
    for (uint32_t i = 0; i < databases.count; i++) {
        if (!rdb_server_connect(&r->connection, source_home(r->source), databases.items[i], err))
            return false;
        if (take_relation(r, SELECT_RELATION "pg_relation_filepath(c.oid) = $1", r->path, err))
            return true;
        if (!rdb_error_is(err, RDB_UNDEFINED_TABLE))
            return false;
        rdb_error_clear(err);
        PQfinish(r->connection);
        r->connection = NULL;
    }
    rdb_error_set(err, RDB_UNDEFINED_TABLE, "no relation of the running instance has the file \"%s\"", r->path);
    return rdb_error_hint(err, "It was dropped or rewritten; or it is of the undo store or the commit log, whose pages are made again at rest: stop the instance first.");
}

static bool look_served(repairing *r, bool *is_in_memory, rdb_error *err)
{
    char block[24];
    const char *parameters[2] = {r->relation, block};
    snprintf(block, sizeof block, "%llu", (unsigned long long)r->options->block);
    PGresult *result = ask_row(r, "select file, state, problem, log_end from rdb_page_state($1::regclass, $2)", 2, parameters, NULL, NULL, "the server cannot look at the page", err);
    if (result == NULL)
        return false;
    r->path = rdb_arena_strdup(r->arena, PQgetvalue(result, 0, 0));
    r->report->was_sound = strcmp(PQgetvalue(result, 0, 1), "sound") == 0;
    *is_in_memory = strcmp(PQgetvalue(result, 0, 1), "in memory") == 0;
    snprintf(r->report->what, sizeof r->report->what, "%s", PQgetvalue(result, 0, 2));
    const bool has_end = backup_parse_lsn(PQgetvalue(result, 0, 3), &r->until);
    PQclear(result);
    r->report->was_in_memory = *is_in_memory;
    r->tag = (rdb_page_tag){0};
    return (page_tag_of(r->path, &r->tag) && has_end) || rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "the server's answer about the page cannot be read");
}

static bool repair_served(repairing *r, rdb_manifest *named, rdb_error *err)
{
    bool is_in_memory = false;
    char block[24], until[24];
    if (!(strchr(r->options->page, '/') != NULL ? find_by_file(r, err) : find_named(r, err)) || !look_served(r, &is_in_memory, err))
        return false;
    r->tag.block = r->options->block;
    if (r->report->was_sound || (!is_in_memory && !make_page(r, named, err)) || r->options->dry_run)
        return !rdb_error_is_set(err);
    snprintf(block, sizeof block, "%llu", (unsigned long long)r->options->block);
    backup_format_lsn(r->until, until);
    const char *values[4] = {r->relation, block, is_in_memory ? NULL : (const char *)r->page, is_in_memory ? NULL : until};
    const int lengths[4] = {0, 0, (int)r->page_bytes, 0}, formats[4] = {0, 0, 1, 0};
    PGresult *result = ask_row(r, "select state, lsn from rdb_repair_page($1::regclass, $2, $3, $4)", 4, values, lengths, formats, "the server does not take the page", err);
    if (result == NULL)
        return false;
    r->report->was_sound = strcmp(PQgetvalue(result, 0, 0), "sound") == 0; /* somebody else was quicker */
    r->report->was_in_memory = strcmp(PQgetvalue(result, 0, 0), "in memory") == 0;
    const bool has_lsn = PQgetisnull(result, 0, 1) || backup_parse_lsn(PQgetvalue(result, 0, 1), &r->report->lsn);
    PQclear(result);
    return has_lsn || rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "the server's answer about the page cannot be read");
}

bool rdb_backup_repair_page(rdb_repository *repository, rdb_manifest *manifest, const rdb_repair_options *options, rdb_arena *arena, rdb_repair_report *report, rdb_error *err)
{
    repairing r = {.repository = repository, .options = options, .report = report};
    backup_lease *lease = NULL;
    *report = (rdb_repair_report){.arena = arena, .relation = ""};
    r.arena = rdb_arena_create("repair", NULL, NULL);
    if (r.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = lease_take_reader(&lease, repository, err) && source_open(&r.source, options->home, err);
    r.page_bytes = ok ? source_control(r.source)->page_bytes : 0;
    r.page = ok ? aligned_alloc(r.page_bytes, r.page_bytes) : NULL;
    ok = ok && (r.page != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory"));
    report->was_served = ok && source_is_running(r.source);
    ok = ok && (report->was_served ? repair_served(&r, manifest, err) : repair_at_rest(&r, manifest, err));
    report->path = ok ? rdb_arena_strdup(arena, r.path) : "";
    PQfinish(r.connection);
    source_close(&r.source);
    lease_give(&lease);
    free(r.page);
    rdb_arena_destroy(r.arena);
    return ok && rdb_arena_check(arena, err);
}
