/* SPDX-License-Identifier: Apache-2.0
 * Objects as files under a directory. A put makes a temporary file beside, syncs it and renames it; what a kill leaves of it
 * ends with ".tmp" and is no object. */
#include "backup/backup_int.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct directory_store {
    backup_store base;
    char root[PATH_MAX];
} directory_store;

static bool make_path(const directory_store *store, const char *name, char path[PATH_MAX], rdb_error *err)
{
    return (size_t)snprintf(path, PATH_MAX, "%s/%s", store->root, name) < PATH_MAX ||
           rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "a path in the repository is too long");
}

/* A step of an object. Where others come first it is waited for, so that never more of ours lies before the disk than that. */
static bool write_step(rdb_file *file, size_t at, const uint8_t *bytes, size_t length, backup_pace *pace, int64_t *step_us, rdb_error *err)
{
    if (!rdb_file_write(file, at, bytes, length, err))
        return false;
    if (!pace_steps_back(pace)) {
        rdb_file_begin_writeback(file, at, length);
        return true;
    }
    bool ok = rdb_file_write_back(file, at, length, err);
    pace_rest(pace, step_us);
    return ok;
}

/* As rdb_path_write_atomic does it; but what was written is on its way to the disk while the rest is still copied, so that the sync is
 * no long burst behind which a server's log has to wait. */
static bool write_object(const char *path, const uint8_t *bytes, size_t length, backup_pace *pace, rdb_error *err)
{
    char temporary[PATH_MAX], directory[PATH_MAX];
    rdb_file *file = NULL;
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "a path in the repository is too long");
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = '\0';
    int64_t step_us;
    bool ok = rdb_file_open(&file, temporary, RDB_FILE_CREATE | RDB_FILE_TRUNCATE, err);
    pace_begin(pace, &step_us);
    for (size_t at = 0; ok && at < length; at += PACE_STEP_BYTES)
        ok = write_step(file, at, bytes + at, RDB_MIN(length - at, PACE_STEP_BYTES), pace, &step_us, err);
    ok = ok && rdb_file_sync(file, err);
    ok = rdb_file_close(&file, err) && ok;
    ok = ok && rdb_path_rename(temporary, path, err);
    if (!ok) {
        bool removed = rdb_path_remove(temporary, true, err); /* if that fails too: the first error stays */
        return removed && ok;
    }
    return rdb_path_sync_directory(directory, err);
}

static bool directory_put(backup_store *base, const char *name, const void *bytes, size_t length, rdb_error *err)
{
    const directory_store *store = (const directory_store *)base;
    char path[PATH_MAX], folder[PATH_MAX];
    if (!rdb_path_is_directory(store->root)) {
        rdb_error_set(err, RDB_IO_ERROR, "the repository is gone");
        return rdb_error_detail(err, "There is no directory \"%s\".", store->root);
    }
    if (!make_path(store, name, path, err))
        return false;
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    return rdb_path_make_directories(folder, strlen(store->root), 0700, err) && write_object(path, bytes, length, base->pace, err);
}

static bool directory_get(backup_store *base, const char *name, rdb_strbuf *content, bool *found, rdb_error *err)
{
    const directory_store *store = (const directory_store *)base;
    char path[PATH_MAX];
    rdb_file *file = NULL;
    uint64_t size = 0;
    size_t got = 0;
    *found = false;
    if (!make_path(store, name, path, err))
        return false;
    rdb_error mine = {0};
    if (!rdb_file_open(&file, path, RDB_FILE_READ, &mine)) {
        bool is_missing = rdb_error_is(&mine, RDB_UNDEFINED_FILE);
        if (!is_missing)
            rdb_error_move(err, &mine);
        rdb_error_clear(&mine);
        return is_missing;
    }
    bool ok = rdb_file_size(file, &size, err);
    if (ok && size > BACKUP_OBJECT_BYTES_MAX)
        ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "object \"%s\" is larger than any of a backup", name);
    if (ok && !rdb_strbuf_reserve(content, size + 1))
        ok = rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_file_read(file, 0, content->data + content->length, size, &got, err);
    if (ok) {
        content->length += got;
        content->data[content->length] = '\0';
        *found = true;
    }
    return rdb_file_close(&file, err) && ok;
}

static bool list_folder(const directory_store *store, const char *name, const char *prefix, rdb_arena *arena, rdb_list *objects, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_list names = {0};
    if (!make_path(store, name, path, err))
        return false;
    if (!rdb_path_is_directory(path))
        return true;
    if (!rdb_path_list(path, arena, &names, err))
        return false;
    for (uint32_t i = 0; i < names.count; i++) {
        const char *one = names.items[i];
        char *whole = rdb_arena_printf(arena, "%s%s", name, one);
        size_t length = strlen(one);
        if (one[0] == '.' || (length > 4 && strcmp(one + length - 4, ".tmp") == 0) || !make_path(store, whole, path, err)) {
            if (rdb_error_is_set(err))
                return false;
            continue;
        }
        size_t common = RDB_MIN(strlen(whole), strlen(prefix));
        if (rdb_path_is_directory(path)) {
            if (strncmp(whole, prefix, common) == 0 && !list_folder(store, rdb_arena_printf(arena, "%s/", whole), prefix, arena, objects, err))
                return false;
        } else if (strncmp(whole, prefix, strlen(prefix)) == 0) {
            backup_object *object = RDB_NEW(arena, backup_object);
            object->name = whole;
            object->bytes = rdb_path_bytes(path);
            rdb_list_push(arena, objects, object);
        }
    }
    return true;
}

static int compare_objects(const void *left, const void *right)
{
    return strcmp((*(const backup_object *const *)left)->name, (*(const backup_object *const *)right)->name);
}

static bool directory_list(backup_store *base, const char *prefix, rdb_arena *arena, rdb_list *objects, rdb_error *err)
{
    const directory_store *store = (const directory_store *)base;
    const char *slash = strrchr(prefix, '/');
    if (!list_folder(store, rdb_arena_strndup(arena, prefix, slash != NULL ? (size_t)(slash - prefix) + 1 : 0), prefix, arena, objects, err))
        return false;
    if (objects->count > 1)
        qsort(objects->items, objects->count, sizeof *objects->items, compare_objects);
    return rdb_arena_check(arena, err);
}

static bool directory_remove(backup_store *base, const char *name, rdb_error *err)
{
    const directory_store *store = (const directory_store *)base;
    char path[PATH_MAX];
    if (!make_path(store, name, path, err) || !rdb_path_remove(path, true, err))
        return false;
    /* Folders that are empty now go too; one that is not says so and stays. */
    for (char *slash = strrchr(path, '/'); slash != NULL && (size_t)(slash - path) > strlen(store->root); slash = strrchr(path, '/')) {
        rdb_error ignored = {0};
        *slash = '\0';
        bool gone = rdb_path_remove(path, true, &ignored);
        rdb_error_clear(&ignored);
        if (!gone)
            break;
    }
    return true;
}

static void directory_close(backup_store *base)
{
    free(base);
}

bool store_open_directory(backup_store **store, const char *path, bool create, rdb_error *err)
{
    static const backup_store_calls calls = {directory_put, directory_get, directory_list, directory_remove, directory_close};
    directory_store *s = calloc(1, sizeof *s);
    *store = NULL;
    if (s == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    s->base.calls = &calls;
    bool ok = rdb_instance_resolve(path, s->root, sizeof s->root, err);
    if (ok && !rdb_path_is_directory(s->root)) {
        if (!create) {
            rdb_error_set(err, RDB_UNDEFINED_FILE, "there is no repository in \"%s\"", s->root);
            ok = false;
        } else {
            char parent[PATH_MAX];
            snprintf(parent, sizeof parent, "%s", s->root);
            char *slash = strrchr(parent, '/');
            slash[slash == parent] = '\0';
            ok = rdb_path_make_directory(s->root, 0700, true, err) && rdb_path_sync_directory(parent, err);
        }
    }
    if (!ok) {
        free(s);
        return false;
    }
    snprintf(s->base.url, sizeof s->base.url, "%s", s->root);
    *store = &s->base;
    return true;
}
