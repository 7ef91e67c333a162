/* SPDX-License-Identifier: Apache-2.0
 * Names in directories, and whole small files. */
#include "os/os_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

bool rdb_path_make_directory(const char *path, unsigned mode, bool existing_is_fine, rdb_error *err)
{
    int result = os_fault_armed() ? os_fault_make_directory(path, mode) : mkdir(path, mode);
    if (result == 0 || (errno == EEXIST && existing_is_fine && rdb_path_is_directory(path)))
        return true;
    return rdb_error_set_errno(err, errno, "could not create directory \"%s\"", path);
}

bool rdb_path_make_directories(const char *path, size_t existing_length, unsigned mode, rdb_error *err)
{
    char part[PATH_MAX], above[PATH_MAX];
    const size_t length = strlen(path);
    if (length >= sizeof part)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "path \"%.100s...\" is too long", path);
    for (size_t at = existing_length + 1; at <= length; at++) {
        if (path[at] != '/' && path[at] != '\0')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)at, path);
        if (rdb_path_is_directory(part))
            continue;
        snprintf(above, sizeof above, "%s", part);
        char *slash = strrchr(above, '/');
        if (slash == NULL)
            snprintf(above, sizeof above, ".");
        else
            slash[slash == above] = '\0';
        if (!rdb_path_make_directory(part, mode, true, err) || !rdb_path_sync_directory(above, err))
            return false;
    }
    return true;
}

bool rdb_path_rename(const char *from, const char *to, rdb_error *err)
{
    int result = os_fault_armed() ? os_fault_rename(from, to) : rename(from, to);
    return result == 0 || rdb_error_set_errno(err, errno, "could not rename file \"%s\" to \"%s\"", from, to);
}

bool rdb_path_remove(const char *path, bool missing_is_fine, rdb_error *err)
{
    int result = os_fault_armed() ? os_fault_remove(path) : remove(path);
    if (result == 0 || (errno == ENOENT && missing_is_fine))
        return true;
    return rdb_error_set_errno(err, errno, "could not remove file \"%s\"", path);
}

/* Whether path itself is a directory: a link to one is removed as a link. */
static bool is_real_directory(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool rdb_path_remove_tree(const char *path, rdb_error *err)
{
    if (!is_real_directory(path))
        return rdb_path_remove(path, true, err);
    rdb_arena *arena = rdb_arena_create("remove tree", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    /* Depth first without recursion: a directory is pushed again under its content, and removed when met empty. */
    bool ok = true;
    rdb_list left = {0};
    rdb_list_push(arena, &left, rdb_arena_strdup(arena, path));
    while (ok && left.count > 0) {
        const char *at = left.items[left.count - 1];
        rdb_list names = {0};
        if (is_real_directory(at)) {
            ok = rdb_path_list(at, arena, &names, err);
            if (ok && names.count > 0) {
                for (uint32_t name_no = 0; name_no < names.count; name_no++)
                    rdb_list_push(arena, &left, rdb_arena_printf(arena, "%s/%s", at, (char *)names.items[name_no]));
                continue;
            }
        }
        ok = ok && rdb_path_remove(at, true, err) && rdb_arena_check(arena, err);
        left.count--;
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_path_sync_directory(const char *path, rdb_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return rdb_error_set_errno(err, errno, "could not open directory \"%s\"", path);
    int result;
    do {
        result = os_fault_armed() ? os_fault_sync_directory(fd, path) : fsync(fd);
    } while (result != 0 && errno == EINTR);
    int reason = errno;
    close(fd);
    if (result == 0)
        return true;
    rdb_error_set_errno(err, reason, "could not fsync directory \"%s\"", path);
    os_tell_sync_failure(path, err);
    return false;
}

bool rdb_path_sync_file_system(const char *path, rdb_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return rdb_error_set_errno(err, errno, "could not open directory \"%s\"", path);
    int result = syncfs(fd), reason = errno;
    close(fd);
    return result == 0 || rdb_error_set_errno(err, reason, "could not synchronize the file system of \"%s\"", path);
}

bool rdb_path_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

uint64_t rdb_path_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
}

bool rdb_path_is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

bool rdb_path_list(const char *path, rdb_arena *arena, rdb_list *names, rdb_error *err)
{
    *names = (rdb_list){0};
    DIR *directory = os_fault_armed() && os_fault_list(path) != 0 ? NULL : opendir(path);
    if (directory == NULL)
        return rdb_error_set_errno(err, errno, "could not open directory \"%s\"", path);
    struct dirent *entry;
    while ((errno = 0, entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rdb_list_push(arena, names, rdb_arena_strdup(arena, entry->d_name));
    int reason = errno;
    closedir(directory);
    if (reason != 0)
        return rdb_error_set_errno(err, reason, "could not read directory \"%s\"", path);
    if (names->count > 1)
        qsort(names->items, names->count, sizeof *names->items, compare_names);
    return rdb_arena_check(arena, err);
}

bool rdb_path_read(const char *path, rdb_arena *arena, rdb_slice *content, size_t bytes_max, rdb_error *err)
{
    *content = (rdb_slice){0};
    rdb_file *file = NULL;
    bool ok = false;
    uint64_t bytes;
    uint8_t *data;
    if (!rdb_file_open(&file, path, RDB_FILE_READ, err) || !rdb_file_size(file, &bytes, err))
        goto out;
    if (bytes > bytes_max) {
        rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "file \"%s\" is too large", path);
        rdb_error_detail(err, "It has %llu bytes; at most %zu are accepted.", (unsigned long long)bytes, bytes_max);
        goto out;
    }
    /* One zero byte past the end, so that a text file can be read as a C string. */
    data = rdb_arena_try_alloc(arena, (size_t)bytes + 1, err);
    size_t got;
    if (data == NULL || !rdb_file_read(file, 0, data, (size_t)bytes, &got, err))
        goto out;
    data[got] = 0;
    *content = (rdb_slice){data, got};
    ok = true;
out:
    return rdb_file_close(&file, err) && ok;
}

bool rdb_path_write_atomic(const char *path, const void *bytes, size_t length, unsigned mode, rdb_error *err)
{
    /* A fixed suffix: what a crash leaves behind is overwritten by the next attempt and does not pile up. */
    char temporary[PATH_MAX], directory[PATH_MAX];
    int written = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    if (written < 0 || (size_t)written >= sizeof temporary)
        return rdb_error_set_errno(err, ENAMETOOLONG, "could not open file \"%s\"", path);
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash == NULL)
        strcpy(directory, ".");
    else
        slash[slash == directory ? 1 : 0] = '\0';

    rdb_file *file = NULL;
    if (!rdb_file_open(&file, temporary, RDB_FILE_CREATE | RDB_FILE_TRUNCATE, err))
        return false;
    bool ok = rdb_file_write(file, 0, bytes, length, err);
    if (ok && chmod(temporary, mode) != 0)
        ok = rdb_error_set_errno(err, errno, "could not set permissions of file \"%s\"", temporary);
    ok = ok && rdb_file_sync(file, err);
    ok = rdb_file_close(&file, err) && ok;
    ok = ok && rdb_path_rename(temporary, path, err);
    if (!ok) {
        bool removed = rdb_path_remove(temporary, true, err); /* if that fails too: the first error stays */
        return removed && ok;
    }
    return rdb_path_sync_directory(directory, err);
}

bool rdb_path_free_bytes(const char *path, uint64_t *bytes, rdb_error *err)
{
    struct statvfs status;
    *bytes = 0;
    if (statvfs(path, &status) != 0)
        return rdb_error_set_errno(err, errno, "could not stat file system of \"%s\"", path);
    *bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return true;
}
