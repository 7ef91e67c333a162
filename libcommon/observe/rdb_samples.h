/* SPDX-License-Identifier: Apache-2.0
 * A sample a second of what every busy session does and how the system fares, for 24 hours, in files of one hour each. They can be read
 * while the server writes them, after it crashed, and without it.
 *
 * A file, <directory>/<hour since 1970>.act, little-endian, of the machine that wrote it:
 *    "RDBACT1\n"
 *     8  2  count of names, then as many texts ended by a zero byte, at 10: what the numbers of waits mean, "type/name", from 0; padded to 8
 *    then records, the last one perhaps torn:
 *     0  4  magic "smpl"
 *     4  4  length of the record, this header included
 *     8  4  crc32c of what follows the crc
 *    12  4  count of sessions
 *    16     rdb_sample_system, then so many rdb_sample_session
 * A file that has reached its limit takes no more until the next hour. */
#ifndef RDB_SAMPLES_H
#define RDB_SAMPLES_H

#include "os/rdb_os.h"

#include <assert.h>

typedef enum rdb_sample_state { RDB_SAMPLE_ACTIVE, RDB_SAMPLE_IN_TRANSACTION, RDB_SAMPLE_FAILED, RDB_SAMPLE_IDLE } rdb_sample_state;
const char *rdb_sample_state_name(unsigned state); /* pg_stat_activity's words */

typedef struct rdb_sample_session {
    int64_t query_id;             /* 0: not known */
    uint32_t pid, database_oid, role_oid;
    uint16_t wait;                /* of the file's names; 0: none */
    uint8_t state, kind;          /* rdb_sample_state, rdb_worker_kind */
    uint32_t cpu_us;              /* in the second before; UINT32_MAX: not known */
    uint32_t wait_ms, query_ms, transaction_ms; /* since when it waits, runs, is in its transaction */
} rdb_sample_session;
static_assert(sizeof(rdb_sample_session) == 40, "the format of the files");

typedef struct rdb_sample_system {
    int64_t wall_us;              /* timestamptz */
    uint64_t memory_bytes, available_bytes, disk_free_bytes;
    uint64_t commits, statements, wal_bytes, read_bytes, write_bytes; /* since the start */
    uint32_t active, idle, in_transaction, waiting;
    uint32_t dirty_pages, load_milli;
    uint32_t cpu_permille, own_cpu_permille; /* of all processors, in the second before */
} rdb_sample_system;
static_assert(sizeof(rdb_sample_system) == 104, "the format of the files");

enum { RDB_SAMPLE_SESSIONS_MAX = 256, RDB_SAMPLE_HOURS = 24 };

typedef struct rdb_samples rdb_samples; /* who writes: one thread */
/* bytes_max: of all files together. Makes the directory where it is missing. */
RDB_CHECKED bool rdb_samples_open(rdb_samples **samples, const char *directory, uint64_t bytes_max, rdb_error *err);
void rdb_samples_close(rdb_samples **samples);
/* False: this one is lost (a full disk, a file at its limit); try the next. */
bool rdb_samples_write(rdb_samples *samples, const rdb_sample_system *system, const rdb_sample_session *sessions, uint32_t count);

/* Calls visit for every whole record from from_us to to_us (timestamptz), oldest first. names: what wait numbers mean in that file.
 * visit false: stops. A directory that is not there has no samples; a damaged record ends its file. */
typedef struct rdb_sample_names {
    uint32_t count;
    const char *const *names; /* "type/name"; NULL at 0 */
} rdb_sample_names;
RDB_CHECKED bool rdb_samples_read(const char *directory, int64_t from_us, int64_t to_us,
                                  bool (*visit)(void *context, const rdb_sample_system *system, const rdb_sample_session *sessions, uint32_t count, const rdb_sample_names *names),
                                  void *context, rdb_error *err);

#endif
