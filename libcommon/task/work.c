/* SPDX-License-Identifier: Apache-2.0
 * Work files: temporary files that are unlinked at birth, counted against the session's temp_file_limit. */
#include "task/rdb_work.h"
#include "os/rdb_file.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_PREFIX "work."

struct rdb_work_file {
    rdb_file *file;
    rdb_work_space *space;
    uint64_t end;
};

static _Atomic uint64_t next_file_no; /* relaxed: only has to differ */

bool rdb_work_file_open(rdb_work_file **out, rdb_work_space *space, rdb_error *err)
{
    char path[4096];
    rdb_work_file *file = calloc(1, sizeof *file);
    *out = NULL;
    if (file == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    unsigned long long number = (unsigned long long)atomic_fetch_add_explicit(&next_file_no, 1, memory_order_relaxed);
    int length = snprintf(path, sizeof path, "%s/" NAME_PREFIX "%llu", space->directory, number);
    if (length < 0 || (size_t)length >= sizeof path) {
        free(file);
        return rdb_error_set(err, RDB_IO_ERROR, "path of the directory of temporary files is too long");
    }
    if (!rdb_file_open(&file->file, path, RDB_FILE_CREATE | RDB_FILE_TRUNCATE | RDB_FILE_TEMPORARY, err) || !rdb_path_remove(path, false, err)) {
        rdb_error ignored = {0};
        if (!rdb_file_close(&file->file, &ignored))
            rdb_error_clear(&ignored);
        free(file);
        return false;
    }
    file->space = space;
    *out = file;
    return true;
}

/* What stands in the file is wanted no more. */
static void give_back(rdb_work_file *file)
{
    if (file->end == 0)
        return;
    atomic_fetch_sub_explicit(&file->space->used_bytes, (int64_t)file->end, memory_order_relaxed);
    atomic_fetch_add_explicit(&file->space->ended_bytes, file->end, memory_order_relaxed);
    atomic_fetch_add_explicit(&file->space->ended_files, 1, memory_order_relaxed);
    file->end = 0;
}

void rdb_work_file_close(rdb_work_file **out)
{
    rdb_work_file *file = *out;
    rdb_error ignored = {0};
    *out = NULL;
    if (file == NULL)
        return;
    give_back(file);
    if (!rdb_file_close(&file->file, &ignored))
        rdb_error_clear(&ignored); /* nothing in it is wanted any more */
    free(file);
}

bool rdb_work_file_append(rdb_work_file *file, const void *bytes, size_t length, uint64_t *offset, rdb_error *err)
{
    rdb_work_space *space = file->space;
    int64_t used = atomic_load_explicit(&space->used_bytes, memory_order_relaxed) + (int64_t)length;
    if (space->limit_bytes >= 0 && used > space->limit_bytes)
        return rdb_error_set(err, RDB_CONFIGURATION_LIMIT_EXCEEDED, "temporary file size exceeds temp_file_limit (%lldkB)", (long long)(space->limit_bytes / 1024));
    if (!rdb_file_write(file->file, file->end, bytes, length, err))
        return false;
    atomic_fetch_add_explicit(&space->used_bytes, (int64_t)length, memory_order_relaxed);
    rdb_thread_usage.temp_bytes_written += length;
    *offset = file->end;
    file->end += length;
    return true;
}

bool rdb_work_file_read(rdb_work_file *file, uint64_t offset, void *buffer, size_t bytes, rdb_error *err)
{
    rdb_thread_usage.temp_bytes_read += bytes;
    return rdb_file_read(file->file, offset, buffer, bytes, NULL, err);
}

uint64_t rdb_work_file_bytes(const rdb_work_file *file)
{
    return file->end;
}

bool rdb_work_file_clear(rdb_work_file *file, rdb_error *err)
{
    give_back(file);
    return rdb_file_truncate(file->file, 0, err);
}

bool rdb_work_space_clean(const char *directory, rdb_error *err)
{
    rdb_list names = {0};
    if (!rdb_path_is_directory(directory))
        return true;
    rdb_arena *arena = rdb_arena_create("names", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_list(directory, arena, &names, err);
    for (uint32_t i = 0; ok && i < names.count; i++)
        if (strncmp(names.items[i], NAME_PREFIX, sizeof NAME_PREFIX - 1) == 0)
            ok = rdb_path_remove(rdb_arena_printf(arena, "%s/%s", directory, (const char *)names.items[i]), true, err);
    rdb_arena_destroy(arena);
    return ok;
}
