/* SPDX-License-Identifier: Apache-2.0
 * Work spaces: what one session may take to compute its answers, in memory (an account) and in temporary files.
 *
 * A work file is unlinked as soon as it is open: the system takes it back whatever happens to the statement or to the
 * server, and rdb_work_space_clean removes at start-up what a crash between the two calls has left. */
#ifndef RDB_WORK_H
#define RDB_WORK_H

#include "task/rdb_task.h"

typedef struct rdb_work_space {
    rdb_account account;           /* memory of the session's statements, inside the server's */
    const char *directory;         /* of temporary files; NULL: nothing spills */
    int64_t limit_bytes;           /* temp_file_limit; negative: none */
    double hash_mem_multiplier;    /* 0: 2 */
    _Atomic int64_t used_bytes;    /* in files open now */
    _Atomic uint64_t ended_files, ended_bytes; /* of files that were written and are closed, or used anew; relaxed, and its owner takes them out */
} rdb_work_space;

typedef struct rdb_work_file rdb_work_file; /* used by one thread at a time */
/* *file is NULL on failure. Errors: 53100 no room, 58030. */
RDB_CHECKED bool rdb_work_file_open(rdb_work_file **file, rdb_work_space *space, rdb_error *err);
void rdb_work_file_close(rdb_work_file **file); /* NULL inside is fine */
/* At the end of the file; *offset is where. 53400 beyond temp_file_limit. */
RDB_CHECKED bool rdb_work_file_append(rdb_work_file *file, const void *bytes, size_t length, uint64_t *offset, rdb_error *err);
RDB_CHECKED bool rdb_work_file_read(rdb_work_file *file, uint64_t offset, void *buffer, size_t bytes, rdb_error *err);
uint64_t rdb_work_file_bytes(const rdb_work_file *file);
/* Forgets what was written, for another use of the file. */
RDB_CHECKED bool rdb_work_file_clear(rdb_work_file *file, rdb_error *err);

/* Removes files that a crashed server left. Only when no server works in the directory. */
RDB_CHECKED bool rdb_work_space_clean(const char *directory, rdb_error *err);

#endif
