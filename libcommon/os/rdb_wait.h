/* SPDX-License-Identifier: Apache-2.0
 * Named waits, and who waits. Every place that may sleep says what for, around the sleep:
 *
 *     const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_WAL_SYNC);
 *     fdatasync(...);
 *     rdb_wait_end(mark);
 *
 * What that is worth: anyone sees what each session and worker waits for now (pg_stat_activity), and how often and how long each
 * wait was since the start (rdb_stat_waits). Waits nest: the inner one shows, and both are counted; an inner one of the same
 * name is part of the outer one, so that a long wait in short sleeps counts once.
 * A session belongs to no thread: whoever serves it lends it its waits (rdb_waiter_adopt). */
#ifndef RDB_WAIT_H
#define RDB_WAIT_H

#include "base/rdb_base.h"

#include <stdatomic.h>

typedef enum rdb_wait {
    RDB_WAIT_NONE,
#define RDB_WAIT_EVENT(id, type, name) RDB_WAIT_##id,
#include "os/wait_events.def"
#undef RDB_WAIT_EVENT
    RDB_WAIT_COUNT
} rdb_wait;
const char *rdb_wait_type(rdb_wait event); /* NULL of RDB_WAIT_NONE */
const char *rdb_wait_name(rdb_wait event);

/* What a thread of the server is for; pg_stat_activity's backend_type and pg_stat_io's rows. */
typedef enum rdb_worker_kind {
    RDB_WORKER_OTHER,
    RDB_WORKER_CLIENT,
    RDB_WORKER_PARALLEL,
    RDB_WORKER_AUTOVACUUM,
    RDB_WORKER_CLEANER,
    RDB_WORKER_CHECKPOINTER,
    RDB_WORKER_WAL_WRITER,
    RDB_WORKER_ARCHIVER,
    RDB_WORKER_PURGE,
    RDB_WORKER_STARTUP,
    RDB_WORKER_SAMPLER,
    RDB_WORKER_KINDS
} rdb_worker_kind;
const char *rdb_worker_kind_name(rdb_worker_kind kind); /* PostgreSQL's words where it has them */

/* One session or worker, as others see it. Its owner writes; all fields relaxed, a reader sees a moment ago. */
typedef struct rdb_waiter {
    _Atomic uint32_t event;      /* rdb_wait */
    _Atomic int32_t cpu_clock;   /* clockid_t of the thread that works for it now; 0: none does */
    _Atomic int64_t since_us;    /* monotonic, of the event */
    rdb_worker_kind kind;
} rdb_waiter;

extern _Thread_local rdb_waiter *rdb_thread_waiter __attribute__((tls_model("initial-exec"))); /* NULL: nobody's */

typedef struct rdb_wait_mark {
    int64_t began_us;
    uint32_t event, outer;
} rdb_wait_mark;
rdb_wait_mark rdb_wait_begin(rdb_wait event);
void rdb_wait_end(rdb_wait_mark mark);

/* From now on the calling thread works for that waiter (NULL: for itself again); answers whom it worked for before. */
rdb_waiter *rdb_waiter_adopt(rdb_waiter *waiter);
/* Says what the calling thread, one that rdb_thread_start made, is for from now on. Of a pool: RDB_WORKER_OTHER again, which is not
 * listed, when the job is done. */
void rdb_worker_declare(rdb_worker_kind kind);

/* The threads that declared themselves, in the order in which they began. Called under a mutex: visit calls nothing that sleeps. */
typedef struct rdb_worker_info {
    const char *name;
    int32_t tid;
    int64_t start_us; /* wall clock */
    const rdb_waiter *waiter;
} rdb_worker_info;
void rdb_worker_visit(void (*visit)(void *context, const rdb_worker_info *info), void *context);

/* Since the start, or the last reset. */
typedef struct rdb_wait_total {
    uint64_t count, us;
} rdb_wait_total;
void rdb_wait_totals(rdb_wait_total totals[RDB_WAIT_COUNT]);

/* ---- what goes to and comes from files, by who did it ------------------------------------------------------------------- */
typedef enum rdb_io_class { RDB_IO_DATA, RDB_IO_LOG, RDB_IO_TEMPORARY, RDB_IO_FILE, RDB_IO_CLASSES } rdb_io_class;
typedef enum rdb_io_op { RDB_IO_READ, RDB_IO_WRITE, RDB_IO_SYNC, RDB_IO_OPS } rdb_io_op;
/* The wait of an operation; end counts it with its bytes, for the kind of worker that did it. */
static inline rdb_wait_mark rdb_io_begin(rdb_io_class file_class, rdb_io_op op)
{
    return rdb_wait_begin((rdb_wait)(RDB_WAIT_DATA_FILE_READ + (int)file_class * RDB_IO_OPS + (int)op));
}
void rdb_io_end(rdb_wait_mark mark, uint64_t bytes);
typedef struct rdb_io_total {
    uint64_t count, bytes, us;
} rdb_io_total;
typedef struct rdb_io_figures {
    rdb_io_total io[RDB_IO_CLASSES][RDB_IO_OPS];
    uint64_t hits, dirtied, evicted_writes, extended; /* in blocks, from rdb_usage */
} rdb_io_figures;
void rdb_io_totals(rdb_worker_kind kind, rdb_io_figures *figures);
/* Adds what the calling thread has used since its last call to the figures of the kind it works for. Workers do so when they rest
 * (RDB_WAIT_..._MAIN), sessions at the end of a statement. */
void rdb_io_note_usage(void);
/* Called by it where the thread has used blocks since; for figures that this room does not know. */
void rdb_io_watch_usage(void (*noted)(void));

/* Forgets: what = 1 waits, 2 input and output, 3 both. The time of the last reset, or of the start, on the wall clock. */
enum { RDB_RESET_WAITS = 1, RDB_RESET_IO = 2 };
void rdb_wait_reset(unsigned what);
int64_t rdb_wait_reset_us(unsigned what);

#endif
