/* SPDX-License-Identifier: Apache-2.0
 * The operations catalog, data/meta/catalog.db: a SQLite database that scripts and people may read. What stands in it can
 * be lost without losing data: nothing that recovery needs is here alone. Today it holds the runs of programs and jobs,
 * restore points, and the backups in each repository that one of this instance was put into; tools add their tables as further steps of its schema (operations.c). Times are RFC 3339, UTC. */
#ifndef RDB_OPERATIONS_H
#define RDB_OPERATIONS_H

#include "os/rdb_os.h"

typedef struct rdb_operations rdb_operations; /* one thread at a time */

/* Opens, creating it or bringing its schema up to date. A schema newer than this program is refused (0A000), a damaged
 * file is XX001. */
RDB_CHECKED bool rdb_operations_open(rdb_operations **operations, const char *home, rdb_error *err);
void rdb_operations_close(rdb_operations **operations);

/* A run that never ends shows as what it is: its end stays empty. */
RDB_CHECKED bool rdb_operations_begin_run(rdb_operations *operations, const char *program, const char *what, int64_t *run_id,
                                          rdb_error *err);
/* outcome: "done", "failed", "interrupted"; detail: free text, or NULL. */
RDB_CHECKED bool rdb_operations_end_run(rdb_operations *operations, int64_t run_id, const char *outcome, const char *detail,
                                        rdb_error *err);
typedef struct rdb_operations_run {
    int64_t run_id;
    const char *program, *what, *started_at, *ended_at, *outcome, *detail; /* "" where empty */
} rdb_operations_run;
/* The newest first, at most count_max; program NULL: of all. Items are rdb_operations_run in the arena. */
RDB_CHECKED bool rdb_operations_list_runs(rdb_operations *operations, const char *program, uint32_t count_max,
                                          rdb_arena *arena, rdb_list *runs, rdb_error *err);

typedef struct rdb_restore_point {
    const char *name, *created_at;
    uint64_t scn, lsn;
} rdb_restore_point;
/* A name that exists is 42710. */
RDB_CHECKED bool rdb_operations_add_restore_point(rdb_operations *operations, const char *name, uint64_t scn, uint64_t lsn,
                                                  rdb_error *err);
/* *found false: there was none. */
RDB_CHECKED bool rdb_operations_drop_restore_point(rdb_operations *operations, const char *name, bool *found, rdb_error *err);
/* By SCN. Items are rdb_restore_point in the arena. */
RDB_CHECKED bool rdb_operations_list_restore_points(rdb_operations *operations, rdb_arena *arena, rdb_list *points,
                                                    rdb_error *err);

typedef struct rdb_operations_backup {
    const char *backup_id, *type, *label, *parent_id, *started_at, *stopped_at, *stopped_lsn, *manifest_sha256; /* parent_id NULL: none */
    uint64_t stopped_scn, size_bytes, stored_bytes;
    uint32_t timeline;
} rdb_operations_backup;
/* These are the backups of the repository, and no others. */
RDB_CHECKED bool rdb_operations_replace_backups(rdb_operations *operations, const char *repository, const rdb_operations_backup *backups, uint32_t count, rdb_error *err);

#endif
