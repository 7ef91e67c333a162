/* SPDX-License-Identifier: Apache-2.0
 * The instance that is copied. Files are read where they lie, by us, whether it is served or not; a server is only asked to keep
 * its log from a checkpoint on and to say how far the log must be replayed. One at rest is held by its lock, and its log ends
 * where its last record does. */
#include "backup/backup_int.h"

#include "audit/rdb_audit.h"
#include "base/rdb_log.h"
#include "backup/rdb_backup_server.h"
#include "storage/rdb_change_map.h"
#include "upkeep/rdb_recovery.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define CONTROL_FILE_BYTES 8192u

struct backup_source {
    char home[PATH_MAX], instance_id[64];
    rdb_control control;
    rdb_instance_lock *lock; /* at rest */
    PGconn *connection;      /* served */
    uint8_t anchor[CONTROL_FILE_BYTES]; /* what the copy starts from: control file or backup label */
    size_t anchor_length;
    char label[2048];                   /* as rdb_recovery_look wants it, of one at rest too */
    uint32_t timeline;
};

/* ---- opening ----------------------------------------------------------------------------------------------------------------- */
bool source_open(backup_source **source, const char *home, rdb_error *err)
{
    backup_source *s = *source = calloc(1, sizeof *s);
    int64_t holder = 0;
    if (s == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!rdb_instance_resolve(home, s->home, sizeof s->home, err) || !rdb_instance_check_versions(s->home, err) || !rdb_instance_holder(s->home, &holder, err))
        goto fail;
    if (holder != 0 ? !rdb_server_connect(&s->connection, s->home, "postgres", err) : !rdb_instance_lock_take(&s->lock, s->home, "rdb-backup", err))
        goto fail;
    if (!rdb_control_read(s->home, &s->control, err) || !rdb_instance_meta(s->home, "instance-id", s->instance_id, err))
        goto fail;
    s->timeline = s->control.incarnation;
    return true;
fail:
    source_close(source);
    return false;
}

void source_close(backup_source **source)
{
    if (*source == NULL)
        return;
    rdb_instance_lock_release(&(*source)->lock);
    if ((*source)->connection != NULL)
        PQfinish((*source)->connection);
    free(*source);
    *source = NULL;
}

const char *source_home(const backup_source *source)
{
    return source->home;
}

bool source_is_running(const backup_source *source)
{
    return source->connection != NULL;
}

const rdb_control *source_control(const backup_source *source)
{
    return &source->control;
}

const char *source_instance_id(const backup_source *source)
{
    return source->instance_id;
}

uint32_t source_timeline(const backup_source *source)
{
    return source->timeline;
}

const char *source_label(const backup_source *source)
{
    return source->label;
}

bool source_audit_head(const backup_source *source, rdb_arena *arena, const char **head, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_slice content = {0};
    rdb_audit_head parsed;
    *head = "";
    if (!rdb_instance_path(source->home, "data/meta/audit.heads", path, sizeof path, err))
        return false;
    if (!rdb_path_exists(path))
        return true;
    if (!rdb_path_read(path, arena, &content, 4096, err))
        return false;
    size_t length = content.length;
    while (length > 0 && strchr(" \n", content.data[length - 1]) != NULL)
        length--;
    if (rdb_audit_head_parse((const char *)content.data, length, &parsed)) /* half written: the next backup has one again */
        *head = rdb_arena_strndup(arena, (const char *)content.data, length);
    return rdb_arena_check(arena, err);
}

void source_close_gap(backup_source *source)
{
    char path[PATH_MAX];
    rdb_error err = {0};
    if (source->connection == NULL && (!rdb_instance_path(source->home, "data/meta/archived" RDB_WAL_GAP_ENDING, path, sizeof path, &err) ||
                                       (rdb_path_exists(path) && !rdb_path_remove(path, true, &err))))
        rdb_log_error(RDB_LOG_WARN, "backup", &err);
    rdb_error_clear(&err);
}

void source_tell_audit(backup_source *source, const char *program, const char *action, bool succeeded, const char *what)
{
    rdb_error err = {0};
    if (source->connection != NULL) {
        const char *parameters[] = {program, action, succeeded ? "t" : "f", what};
        PGresult *result = PQexecParams(source->connection, "select rdb_audit_tool($1, $2, $3, $4)", 4, NULL, parameters, NULL, NULL, 0);
        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            RDB_LOG(RDB_LOG_WARN, "backup", "the audit has no record of this %s: %s", action, PQerrorMessage(source->connection));
        PQclear(result);
    } else if (rdb_audit_was_on(source->home) && !rdb_audit_note_at_rest(source->home, program, action, succeeded, what, &err)) {
        rdb_log_error(RDB_LOG_WARN, "backup", &err);
    }
    rdb_error_clear(&err);
}

rdb_slice source_anchor(const backup_source *source, const char **path)
{
    *path = source->connection != NULL ? "data/meta/backup_label" : "data/meta/control";
    return (rdb_slice){source->anchor, source->anchor_length};
}

/* ---- begin and end ------------------------------------------------------------------------------------------------------------ */
static bool begin_served(backup_source *source, const char *label, bool fast, rdb_backup_moment *started, rdb_error *err)
{
    const char *parameters[2] = {label != NULL ? label : "", fast ? "t" : "f"};
    rdb_lsn start = 0;
    PGresult *result = PQexecParams(source->connection, "select pg_backup_start($1, $2), rdb_current_scn()", 2, NULL, parameters, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        return rdb_server_failed(source->connection, result, "the server does not begin a backup", err);
    bool ok = backup_parse_lsn(PQgetvalue(result, 0, 0), &start) ||
              rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "the server's answer to the beginning of a backup cannot be read");
    *started = (rdb_backup_moment){.time_us = rdb_time_wall_us(), .lsn = start, .scn = strtoull(PQgetvalue(result, 0, 1), NULL, 10)};
    PQclear(result);
    return ok;
}

/* The session stays: the log is kept until it ends. */
static bool end_served(backup_source *source, rdb_backup_moment *stopped, rdb_error *err)
{
    rdb_base_backup_result base;
    rdb_control control;
    PGresult *result = PQexec(source->connection, "select labelfile, rdb_current_scn() from pg_backup_stop(false)");
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        return rdb_server_failed(source->connection, result, "the server does not end the backup", err);
    const char *text = PQgetvalue(result, 0, 0);
    size_t length = (size_t)PQgetlength(result, 0, 0);
    bool ok = length < sizeof source->anchor || rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "the server's label of the backup is too long");
    ok = ok && rdb_base_backup_parse_label(text, length, &base, &control, err);
    if (ok) {
        memcpy(source->anchor, text, length);
        source->anchor_length = length;
        memcpy(source->label, base.label_file, base.label_bytes + 1);
        source->timeline = base.timeline;
        *stopped = (rdb_backup_moment){.time_us = base.stop_us, .lsn = base.stop_lsn, .scn = strtoull(PQgetvalue(result, 0, 1), NULL, 10)};
    }
    PQclear(result);
    return ok;
}

/* Where the log of an instance at rest ends. */
static bool find_log_end(backup_source *source, rdb_lsn *end, rdb_error *err)
{
    char directory[PATH_MAX];
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    bool found = true;
    rdb_wal_config config = {.directory = directory, .system_id = source->control.system_id, .segment_bytes = source->control.wal_segment_bytes,
                             .ring_bytes = 1u << 20, .incarnation = source->control.incarnation, .thread_no = 1, .sync = false};
    bool ok = rdb_instance_path(source->home, "data/wal", directory, sizeof directory, err) &&
              rdb_wal_reader_open(&reader, &config, source->control.redo_lsn, err);
    while (ok && found)
        ok = rdb_wal_reader_next(reader, &record, &found, err);
    if (ok)
        *end = rdb_wal_reader_end(reader);
    rdb_wal_reader_close(&reader);
    return ok;
}

/* What a server would have said of such a copy (rdb_recovery.h). */
static void write_label(backup_source *source, const rdb_backup_moment *stopped)
{
    const rdb_control *c = &source->control;
    int length = snprintf(source->label, sizeof source->label,
                          "label = \nsystem_id = %llu\nlayout_version = %u\ndata_format = %u\npage_bytes = %u\nsegment_bytes = %u\nincarnation = %u\n"
                          "start_lsn = %llX\ncheckpoint_lsn = %llX\nstop_lsn = %llX\nscn = %llu\nstart_time = %lld\nstop_time = %lld\n",
                          (unsigned long long)c->system_id, c->layout_version, c->data_format, c->page_bytes, c->wal_segment_bytes, c->incarnation,
                          (unsigned long long)c->redo_lsn, (unsigned long long)c->checkpoint_lsn, (unsigned long long)stopped->lsn, (unsigned long long)c->scn,
                          (long long)c->checkpoint_us, (long long)stopped->time_us);
    snprintf(source->label + length, sizeof source->label - (size_t)length, "crc = %08x\n", rdb_crc32c(0, source->label, (size_t)length));
}

bool source_begin(backup_source *source, const char *label, bool fast, rdb_backup_moment *started, rdb_error *err)
{
    if (source->connection != NULL)
        return begin_served(source, label, fast, started, err);
    char path[PATH_MAX];
    rdb_file *file = NULL;
    bool ok = rdb_instance_path(source->home, "data/meta/control", path, sizeof path, err) && rdb_file_open(&file, path, RDB_FILE_READ, err) &&
              rdb_file_read(file, 0, source->anchor, sizeof source->anchor, &source->anchor_length, err);
    ok = rdb_file_close(&file, err) && ok;
    *started = (rdb_backup_moment){.time_us = rdb_time_wall_us(), .lsn = source->control.redo_lsn, .scn = source->control.scn};
    if (ok && source->control.redo_lsn == 0)
        ok = rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the instance was never opened: there is nothing to back up");
    return ok;
}

bool source_end(backup_source *source, rdb_backup_moment *stopped, rdb_error *err)
{
    if (source->connection != NULL)
        return end_served(source, stopped, err);
    *stopped = (rdb_backup_moment){.time_us = rdb_time_wall_us(), .scn = source->control.scn};
    if (!find_log_end(source, &stopped->lsn, err))
        return false;
    write_label(source, stopped);
    return true;
}

/* ---- what there is -------------------------------------------------------------------------------------------------------------- */
/* What of an instance is no part of a backup: what a start makes anew, and what is true of this copy alone. */
static bool is_left_out(const char *path, bool with_secrets)
{
    static const char *const names[] = {"data/wal", "data/RESTORING", "data/recovery.conf", "data/recovery.done", "data/meta/changes",
                                        "data/meta/control", "data/meta/backup_label", "data/meta/archived"};
    for (size_t i = 0; i < RDB_COUNT_OF(names); i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    size_t length = strlen(path);
    const char *const endings[] = {".tmp", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < RDB_COUNT_OF(endings); i++)
        if (length > strlen(endings[i]) && strcmp(path + length - strlen(endings[i]), endings[i]) == 0)
            return true;
    return !with_secrets && strcmp(path, "conf/secrets") == 0;
}

static bool list_tree(backup_source *source, const char *path, bool with_secrets, rdb_arena *arena, rdb_list *files, rdb_list *directories, rdb_error *err)
{
    char whole[PATH_MAX];
    rdb_list names = {0};
    if (!rdb_instance_path(source->home, path, whole, sizeof whole, err))
        return false;
    if (!rdb_path_is_directory(whole)) /* dropped meanwhile */
        return true;
    if (strchr(path, '/') != NULL)
        rdb_list_push(arena, directories, rdb_arena_strdup(arena, path));
    if (!rdb_path_list(whole, arena, &names, err))
        return false;
    for (uint32_t i = 0; i < names.count; i++) {
        const char *child = rdb_arena_printf(arena, "%s/%s", path, (const char *)names.items[i]);
        rdb_page_tag tag;
        if (is_left_out(child, with_secrets))
            continue;
        if (!rdb_instance_path(source->home, child, whole, sizeof whole, err))
            return false;
        if (rdb_path_is_directory(whole)) {
            if (!list_tree(source, child, with_secrets, arena, files, directories, err))
                return false;
            continue;
        }
        if (!backup_path_is_safe(child)) {
            rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "a file of the instance has a name that cannot be backed up");
            return rdb_error_detail(err, "File \"%s\".", child);
        }
        backup_source_file *file = RDB_NEW(arena, backup_source_file);
        file->path = child;
        file->length = rdb_path_bytes(whole);
        file->has_pages = page_tag_of(child, &tag);
        if (file->has_pages) /* a file that grows just now ends with its last whole page */
            file->length -= file->length % source->control.page_bytes;
        rdb_list_push(arena, files, file);
    }
    return true;
}

bool source_list(backup_source *source, bool with_secrets, rdb_arena *arena, rdb_list *files, rdb_list *directories, rdb_error *err)
{
    return list_tree(source, "data", with_secrets, arena, files, directories, err) && list_tree(source, "conf", with_secrets, arena, files, directories, err) &&
           rdb_arena_check(arena, err);
}

bool source_databases(backup_source *source, rdb_arena *arena, rdb_list *names, rdb_error *err)
{
    if (source->connection == NULL)
        return true;
    PGresult *result = PQexec(source->connection, "select datname from pg_database where not datistemplate order by datname");
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return rdb_server_failed(source->connection, result, "the server does not list its databases", err);
    for (int row = 0; row < PQntuples(result); row++)
        rdb_list_push(arena, names, rdb_arena_strdup(arena, PQgetvalue(result, row, 0)));
    PQclear(result);
    return true;
}

void source_report(backup_source *source, source_phase phase, int64_t total, uint64_t done)
{
    char texts[3][24];
    const char *const parameters[3] = {texts[0], texts[1], texts[2]};
    if (source->connection == NULL)
        return;
    snprintf(texts[0], sizeof texts[0], "%d", (int)phase);
    snprintf(texts[1], sizeof texts[1], "%lld", (long long)total);
    snprintf(texts[2], sizeof texts[2], "%llu", (unsigned long long)done);
    /* An instance that an earlier version made has no such function: its view stays empty. */
    PQclear(PQexecParams(source->connection, "select rdb_backup_progress($1, $2, $3)", 3, NULL, parameters, NULL, NULL, 0));
}

/* Of an instance that ended cleanly the change map's files say it all; of one that crashed, pages' LSNs do. */
static bool changes_at_rest(backup_source *source, rdb_lsn since, rdb_arena *arena, rdb_map *changes, bool *known, rdb_error *err)
{
    char directory[PATH_MAX];
    rdb_change_map *map = NULL;
    rdb_changed_blocks blocks;
    uint32_t cursor = 0;
    rdb_error mine = {0};
    if (source->control.state != RDB_CONTROL_CLEAN || !rdb_instance_path(source->home, "data", directory, sizeof directory, err))
        return !rdb_error_is_set(err);
    if (!rdb_change_map_read(directory, since, source->control.redo_lsn, &map, &mine)) {
        rdb_error_clear(&mine); /* it does not reach back so far, or is damaged: nothing is lost but time */
        return true;
    }
    bool ok = true;
    while (ok && rdb_change_map_next(map, &cursor, &blocks)) {
        rdb_slice *bits = RDB_NEW(arena, rdb_slice);
        char *path = rdb_arena_printf(arena, "data/%s", blocks.path);
        bits->length = blocks.word_count * 8u;
        uint8_t *bytes = rdb_arena_try_alloc(arena, bits->length + 1, err);
        ok = bytes != NULL && (rdb_map_put(changes, path, strlen(path), bits, NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory"));
        for (uint32_t i = 0; ok && i < blocks.word_count; i++)
            rdb_put_u64(bytes + i * 8u, blocks.words[i]);
        bits->data = bytes;
    }
    rdb_change_map_free(map);
    *known = ok;
    return ok;
}

bool source_changes(backup_source *source, rdb_lsn since, rdb_arena *arena, rdb_map *changes, bool *known, rdb_error *err)
{
    char lsn[24];
    const char *parameters[1] = {lsn};
    *known = false;
    if (source->connection == NULL)
        return changes_at_rest(source, since, arena, changes, known, err);
    backup_format_lsn(since, lsn);
    PGresult *result = PQexecParams(source->connection, "select path, blocks from rdb_changed_blocks($1::pg_lsn)", 1, NULL, parameters, NULL, NULL, 1);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (state != NULL && (strcmp(state, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE) == 0 || strcmp(state, RDB_UNDEFINED_FUNCTION) == 0)) {
            PQclear(result);
            return true;
        }
        return rdb_server_failed(source->connection, result, "the server does not say what changed", err);
    }
    for (int row = 0; row < PQntuples(result); row++) {
        rdb_slice *bits = RDB_NEW(arena, rdb_slice);
        bits->length = (size_t)PQgetlength(result, row, 1);
        bits->data = rdb_arena_try_alloc(arena, bits->length + 1, err);
        char *path = rdb_arena_printf(arena, "data/%s", PQgetvalue(result, row, 0));
        if (bits->data == NULL || !rdb_map_put(changes, path, strlen(path), bits, NULL)) {
            PQclear(result);
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        }
        memcpy((void *)(uintptr_t)bits->data, PQgetvalue(result, row, 1), bits->length);
    }
    PQclear(result);
    *known = true;
    return true;
}
