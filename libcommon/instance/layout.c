/* SPDX-License-Identifier: Apache-2.0
 * Layout v1.0: making it whole or not at all, and telling what a directory is. */
#include "instance/rdb_instance.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LAYOUT_VERSION "1.0"
#define DATA_FORMAT "4"

static const char *const DIRECTORIES[] = {
    "conf", "conf/overrides.d", "conf/secrets", "conf/secrets/tls", "conf/secrets/auth", "conf/secrets/keys",
    "data", "data/meta", "data/tables", "data/indexes", "data/undo", "data/xact", "data/wal",
    "logs", "run", "run/sockets", "cache", "tmp", "backup", "diag"};

bool rdb_instance_resolve(const char *home, char *path, size_t size, rdb_error *err)
{
    char current[PATH_MAX] = "";
    if (home == NULL || home[0] == '\0')
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "no instance directory was named") ||
               rdb_error_hint(err, "Use --home DIR or set RUSTYDB_HOME.");
    if (home[0] != '/' && getcwd(current, sizeof current) == NULL)
        return rdb_error_set_errno(err, errno, "could not find the working directory");
    if ((size_t)snprintf(path, size, "%s%s%s", current, current[0] ? "/" : "", home) >= size)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "the instance directory's path is too long");
    for (size_t length = strlen(path); length > 1 && path[length - 1] == '/'; length--)
        path[length - 1] = '\0';
    return true;
}

bool rdb_instance_meta(const char *home, const char *name, char value[64], rdb_error *err)
{
    char path[PATH_MAX], tail[64];
    value[0] = '\0';
    snprintf(tail, sizeof tail, "data/meta/%s", name);
    rdb_arena *arena = rdb_arena_create("meta", NULL, NULL);
    rdb_slice content = {0};
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_instance_path(home, tail, path, sizeof path, err) && rdb_path_read(path, arena, &content, 63, err);
    if (ok) {
        memcpy(value, content.data, content.length);
        value[content.length] = '\0';
        value[strcspn(value, "\r\n \t")] = '\0';
    }
    rdb_arena_destroy(arena);
    return ok;
}

static bool write_meta(const char *home, const char *name, const char *value, rdb_error *err)
{
    char path[PATH_MAX], tail[64], line[128];
    snprintf(tail, sizeof tail, "data/meta/%s", name);
    snprintf(line, sizeof line, "%s\n", value);
    return rdb_instance_path(home, tail, path, sizeof path, err) && rdb_path_write_atomic(path, line, strlen(line), 0600, err);
}

static bool lay_out(const char *home, const rdb_instance_options *options, rdb_error *err)
{
    char path[PATH_MAX], id[37], created[32];
    time_t now = time(NULL);
    struct tm utc;
    if (!rdb_path_make_directory(home, 0700, false, err))
        return false;
    for (size_t i = 0; i < RDB_COUNT_OF(DIRECTORIES); i++)
        if (!rdb_instance_path(home, DIRECTORIES[i], path, sizeof path, err) || !rdb_path_make_directory(path, 0700, false, err))
            return false;
    rdb_uuid_v4(id);
    gmtime_r(&now, &utc);
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", &utc);
    rdb_control control = {.layout_version = 1, .data_format = 2, .page_bytes = options->page_bytes, .wal_segment_bytes = options->wal_segment_bytes,
                           .incarnation = 1, .state = RDB_CONTROL_NEW};
    rdb_random_bytes(&control.system_id, sizeof control.system_id);
    return write_meta(home, "layout-version", LAYOUT_VERSION, err) && write_meta(home, "data-format-version", DATA_FORMAT, err) &&
           write_meta(home, "instance-id", id, err) && write_meta(home, "created-at", created, err) && rdb_control_write(home, &control, err) &&
           rdb_instance_path(home, "conf/rustydb.toml", path, sizeof path, err) &&
           rdb_path_write_atomic(path, options->configuration, strlen(options->configuration), 0600, err);
}

/* Every directory of the tree, so that all names in it are durable. */
static bool sync_tree(const char *home, rdb_error *err)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < RDB_COUNT_OF(DIRECTORIES); i++)
        if (!rdb_instance_path(home, DIRECTORIES[i], path, sizeof path, err) || !rdb_path_sync_directory(path, err))
            return false;
    return rdb_path_sync_directory(home, err);
}

bool rdb_instance_create(const char *home, const rdb_instance_options *options, bool (*fill)(void *context, const char *home, rdb_error *err),
                         void *context, rdb_error *err)
{
    char sibling[PATH_MAX], parent[PATH_MAX];
    rdb_home_kind kind;
    if (!rdb_instance_look(home, &kind, err))
        return false;
    if (kind == RDB_HOME_INSTANCE)
        return rdb_error_set(err, RDB_DUPLICATE_FILE, "\"%s\" is already an instance", home);
    if (kind == RDB_HOME_OTHER)
        return rdb_error_set(err, RDB_DUPLICATE_FILE, "directory \"%s\" exists but is not empty", home);
    snprintf(parent, sizeof parent, "%s", home);
    char *slash = strrchr(parent, '/');
    const char *name = slash != NULL ? home + (slash - parent) + 1 : home;
    if (slash == parent)
        slash[1] = '\0';
    else if (slash != NULL)
        *slash = '\0';
    if ((size_t)snprintf(sibling, sizeof sibling, "%s/.%s.new", parent, name) >= sizeof sibling)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "the instance directory's path is too long");
    /* What a killed attempt left goes first. */
    if (rdb_path_exists(sibling) && !rdb_path_remove_tree(sibling, err))
        return false;
    bool ok = lay_out(sibling, options, err) && (fill == NULL || fill(context, sibling, err)) && sync_tree(sibling, err);
    if (ok && kind == RDB_HOME_EMPTY)
        ok = rdb_path_remove(home, true, err);
    ok = ok && rdb_path_rename(sibling, home, err) && rdb_path_sync_directory(parent, err);
    if (!ok) {
        rdb_error ignored = {0};
        if (rdb_path_exists(sibling) && !rdb_path_remove_tree(sibling, &ignored))
            rdb_error_clear(&ignored);
    }
    return ok;
}

bool rdb_instance_look(const char *home, rdb_home_kind *kind, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_list names = {0};
    *kind = RDB_HOME_MISSING;
    if (!rdb_path_exists(home))
        return true;
    if (!rdb_path_is_directory(home)) {
        *kind = RDB_HOME_OTHER;
        return true;
    }
    if (!rdb_instance_path(home, "data/meta/layout-version", path, sizeof path, err))
        return false;
    if (rdb_path_exists(path)) {
        *kind = RDB_HOME_INSTANCE;
        return true;
    }
    rdb_arena *arena = rdb_arena_create("look", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_list(home, arena, &names, err);
    *kind = names.count == 0 ? RDB_HOME_EMPTY : RDB_HOME_OTHER;
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_instance_check_versions(const char *home, rdb_error *err)
{
    char layout[64], format[64];
    rdb_home_kind kind;
    char marker[PATH_MAX];
    if (!rdb_instance_path(home, "data/RESTORING", marker, sizeof marker, err))
        return false;
    if (rdb_path_exists(marker)) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the instance is not whole: it is being restored, or its restore was cut short");
        rdb_error_detail(err, "File \"%s\" says which backup.", marker);
        return rdb_error_hint(err, "Run rdb-restore again: it begins anew.");
    }
    if (!rdb_instance_look(home, &kind, err))
        return false;
    if (kind != RDB_HOME_INSTANCE) {
        rdb_error_set(err, RDB_UNDEFINED_FILE, "\"%s\" is not an instance", home);
        return rdb_error_hint(err, "Make one with: rdb-init --home %s", home);
    }
    if (!rdb_instance_meta(home, "layout-version", layout, err) || !rdb_instance_meta(home, "data-format-version", format, err))
        return false;
    if (strcmp(layout, LAYOUT_VERSION) != 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "instance has layout version %s; this program knows " LAYOUT_VERSION, layout);
    if (strcmp(format, DATA_FORMAT) != 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "instance has data format %s; this program knows " DATA_FORMAT, format);
    return true;
}
