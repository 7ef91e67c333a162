/* SPDX-License-Identifier: Apache-2.0
 * All file input and output goes through here: nothing above calls open, pread, rename or fsync itself. Under the
 * functions stands one table of system calls that a test can replace by a layer that fails the n-th call, tears a
 * write, loses what was not synced, or logs every call so that a crash at any point can be replayed (rdb_fault.h). */
#ifndef RDB_FILE_H
#define RDB_FILE_H

#include "base/rdb_base.h"

typedef struct rdb_file rdb_file; /* thread-safe: positional reads and writes only */

typedef enum rdb_file_flags {
    RDB_FILE_READ = 1,        /* must exist; read only */
    RDB_FILE_WRITE = 2,       /* must exist; read and write */
    RDB_FILE_CREATE = 4,      /* create where missing (0600), read and write */
    RDB_FILE_EXCLUSIVE = 8,   /* with CREATE: an existing file is an error, 58P02 */
    RDB_FILE_TRUNCATE = 16,   /* with WRITE or CREATE */
    RDB_FILE_DIRECT = 32,     /* O_DIRECT where the file system allows, silently without it elsewhere */
    RDB_FILE_TEMPORARY = 64,  /* may be lost at a crash: syncs on it do nothing */
    RDB_FILE_DATA = 128,      /* pages of relations; this and the next say only how its waits are called and counted */
    RDB_FILE_LOG = 256,       /* the write-ahead log */
} rdb_file_flags;

/* *file is NULL on failure. Errors: 58P01 no such file, 58P02 exists, 42501, 53100, 58030. */
RDB_CHECKED bool rdb_file_open(rdb_file **file, const char *path, unsigned flags, rdb_error *err);
/* Closes; *file becomes NULL whatever the answer. False where the system reported a late write error. NULL is fine. */
bool rdb_file_close(rdb_file **file, rdb_error *err);
/* Exactly bytes or an error; retries short transfers and EINTR. read: end of file inside the range is an error
 * (XX001) unless *got is given, which then tells how many bytes there were. */
RDB_CHECKED bool rdb_file_read(rdb_file *file, uint64_t offset, void *buffer, size_t bytes, size_t *got, rdb_error *err);
/* Parts of one length that stand one after the other in the file, each to its own place; *got: how many whole ones there were. */
#define RDB_FILE_PARTS_MAX 64u
RDB_CHECKED bool rdb_file_read_parts(rdb_file *file, uint64_t offset, void *const *parts, size_t part_bytes, uint32_t count, uint32_t *got, rdb_error *err);
RDB_CHECKED bool rdb_file_write(rdb_file *file, uint64_t offset, const void *buffer, size_t bytes, rdb_error *err);
/* From now on a failed sync of a file or directory below path (absolute) is told to that function as well, whoever asked for it; it may
 * end the process. One guard at a time; NULL: none. */
void rdb_file_guard_syncs(const char *path, void (*failed)(void *context, const rdb_error *err), void *context);
/* fdatasync. A failed one is final: the kernel may have dropped the dirty pages, so the caller must stop trusting the
 * file (the server stops: see wal and upkeep). */
RDB_CHECKED bool rdb_file_sync(rdb_file *file, rdb_error *err);
bool rdb_file_is_direct(const rdb_file *file); /* does it pass the kernel's cache now? */
RDB_CHECKED bool rdb_file_size(rdb_file *file, uint64_t *bytes, rdb_error *err);
RDB_CHECKED bool rdb_file_truncate(rdb_file *file, uint64_t bytes, rdb_error *err);
/* Makes the file at least so long, its new bytes written as zeroes (not only allocated). */
RDB_CHECKED bool rdb_file_zero_fill(rdb_file *file, uint64_t offset, uint64_t bytes, rdb_error *err);
/* The same where it need not be written but must be there: a later write into it finds its room. Zeroes are written where the file
 * system can not reserve. */
RDB_CHECKED bool rdb_file_reserve(rdb_file *file, uint64_t offset, uint64_t bytes, rdb_error *err);
void rdb_file_prefetch(rdb_file *file, uint64_t offset, uint64_t bytes); /* advice only */
/* Asks the system to begin with writing these bytes to the disk, so that a later sync finds little to do. Advice only. */
void rdb_file_begin_writeback(rdb_file *file, uint64_t offset, uint64_t bytes);
/* The same, and waits until it is there; durable is only what was synced. The system tells an error of the disk once: here, not at the sync. */
RDB_CHECKED bool rdb_file_write_back(rdb_file *file, uint64_t offset, uint64_t bytes, rdb_error *err);
const char *rdb_file_path(const rdb_file *file);

/* Names. Each that changes a directory is durable only after rdb_path_sync_directory on that directory. */
RDB_CHECKED bool rdb_path_make_directory(const char *path, unsigned mode, bool existing_is_fine, rdb_error *err);
/* A directory and those above it that are missing, each durable in the one above. The first existing_length bytes of path are not made. */
RDB_CHECKED bool rdb_path_make_directories(const char *path, size_t existing_length, unsigned mode, rdb_error *err);
RDB_CHECKED bool rdb_path_rename(const char *from, const char *to, rdb_error *err);
RDB_CHECKED bool rdb_path_remove(const char *path, bool missing_is_fine, rdb_error *err); /* file or empty directory */
RDB_CHECKED bool rdb_path_remove_tree(const char *path, rdb_error *err);
RDB_CHECKED bool rdb_path_sync_directory(const char *path, rdb_error *err);
/* Everything written to the file system that path is on, names and bytes: cheaper than a thousand files one by one. */
RDB_CHECKED bool rdb_path_sync_file_system(const char *path, rdb_error *err);
bool rdb_path_exists(const char *path);
bool rdb_path_is_directory(const char *path);
uint64_t rdb_path_bytes(const char *path); /* of a file, 0 where there is none (any more) */
/* Names in the directory without "." and "..", sorted bytewise, in the arena (items are char *). */
RDB_CHECKED bool rdb_path_list(const char *path, rdb_arena *arena, rdb_list *names, rdb_error *err);
/* Whole small files. write_atomic: temporary name, sync, rename, sync of the directory. */
RDB_CHECKED bool rdb_path_read(const char *path, rdb_arena *arena, rdb_slice *content, size_t bytes_max, rdb_error *err);
RDB_CHECKED bool rdb_path_write_atomic(const char *path, const void *bytes, size_t length, unsigned mode, rdb_error *err);
RDB_CHECKED bool rdb_path_free_bytes(const char *path, uint64_t *bytes, rdb_error *err);

#endif
