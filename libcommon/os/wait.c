/* SPDX-License-Identifier: Apache-2.0
 * See rdb_wait.h. Counting is an addition to the thread's own stripe: sessions that wait at once share no cache line. A reset
 * remembers what the sums were instead of writing to the stripes, so that nothing is lost between two threads. */
#include "os/os_int.h"
#include "os/rdb_wait.h"

#include <assert.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static_assert(RDB_WAIT_FILE_SYNC == RDB_WAIT_DATA_FILE_READ + RDB_IO_CLASSES * RDB_IO_OPS - 1, "the waits for files stand class by class");

static const char *const TYPES[] = {
    NULL,
#define RDB_WAIT_EVENT(id, type, name) type,
#include "os/wait_events.def"
#undef RDB_WAIT_EVENT
};
static const char *const NAMES[] = {
    NULL,
#define RDB_WAIT_EVENT(id, type, name) name,
#include "os/wait_events.def"
#undef RDB_WAIT_EVENT
};

const char *rdb_wait_type(rdb_wait event)
{
    return event < RDB_WAIT_COUNT ? TYPES[event] : NULL;
}

const char *rdb_wait_name(rdb_wait event)
{
    return event < RDB_WAIT_COUNT ? NAMES[event] : NULL;
}

const char *rdb_worker_kind_name(rdb_worker_kind kind)
{
    static const char *const KINDS[] = {
        [RDB_WORKER_OTHER] = "background worker", [RDB_WORKER_CLIENT] = "client backend",   [RDB_WORKER_PARALLEL] = "parallel worker",
        [RDB_WORKER_AUTOVACUUM] = "autovacuum launcher", [RDB_WORKER_CLEANER] = "background writer", [RDB_WORKER_CHECKPOINTER] = "checkpointer",
        [RDB_WORKER_WAL_WRITER] = "walwriter",    [RDB_WORKER_ARCHIVER] = "archiver",       [RDB_WORKER_PURGE] = "purge worker",
        [RDB_WORKER_STARTUP] = "startup",         [RDB_WORKER_SAMPLER] = "sampler"};
    return kind < RDB_WORKER_KINDS ? KINDS[kind] : KINDS[RDB_WORKER_OTHER];
}

/* ---- counting ------------------------------------------------------------------------------------------------------------- */
typedef struct figure {
    _Atomic uint64_t count, bytes, us;
} figure;
static struct {
    _Alignas(64) figure waits[RDB_WAIT_COUNT];
    figure io[RDB_WORKER_KINDS][RDB_IO_CLASSES][RDB_IO_OPS];
    _Atomic uint64_t hits[RDB_WORKER_KINDS], dirtied[RDB_WORKER_KINDS], evicted[RDB_WORKER_KINDS], extended[RDB_WORKER_KINDS];
} stripes[RDB_STRIPES];

static pthread_mutex_t reset_lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf */
static rdb_wait_total waits_before[RDB_WAIT_COUNT] RDB_GUARDED_BY(reset_lock);
static rdb_io_figures io_before[RDB_WORKER_KINDS] RDB_GUARDED_BY(reset_lock);
static int64_t waits_reset_us RDB_GUARDED_BY(reset_lock), io_reset_us RDB_GUARDED_BY(reset_lock);

_Thread_local rdb_waiter *rdb_thread_waiter __attribute__((tls_model("initial-exec")));

static void add(figure *to, uint64_t bytes, int64_t us)
{
    /* relaxed: statistics order nothing */
    atomic_fetch_add_explicit(&to->count, 1, memory_order_relaxed);
    if (bytes != 0)
        atomic_fetch_add_explicit(&to->bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&to->us, (uint64_t)us, memory_order_relaxed);
}

rdb_wait_mark rdb_wait_begin(rdb_wait event)
{
    rdb_wait_mark mark = {.began_us = rdb_time_monotonic_us(), .event = event};
    rdb_waiter *waiter = rdb_thread_waiter;
    if (event < RDB_WAIT_CLIENT_READ) /* a worker rests */
        rdb_io_note_usage();
    if (waiter != NULL) {
        mark.outer = atomic_load_explicit(&waiter->event, memory_order_relaxed);
        if (mark.outer == event) { /* a long wait in short sleeps: the whole of it is counted */
            mark.event = RDB_WAIT_NONE;
            return mark;
        }
        atomic_store_explicit(&waiter->since_us, mark.began_us, memory_order_relaxed);
        atomic_store_explicit(&waiter->event, event, memory_order_relaxed);
    }
    return mark;
}

static int64_t end(rdb_wait_mark mark)
{
    rdb_waiter *waiter = rdb_thread_waiter;
    if (waiter != NULL)
        atomic_store_explicit(&waiter->event, mark.outer, memory_order_relaxed);
    return RDB_MAX(rdb_time_monotonic_us() - mark.began_us, INT64_C(0));
}

void rdb_wait_end(rdb_wait_mark mark)
{
    const int saved = errno;
    const int64_t us = end(mark);
    if (mark.event != RDB_WAIT_NONE)
        add(&stripes[rdb_thread_stripe()].waits[mark.event], 0, us);
    errno = saved;
}

static rdb_worker_kind own_kind(void)
{
    return rdb_thread_waiter != NULL ? rdb_thread_waiter->kind : RDB_WORKER_OTHER;
}

void rdb_io_end(rdb_wait_mark mark, uint64_t bytes)
{
    const int saved = errno; /* the operation's, for its caller to look at */
    const int64_t us = end(mark);
    const unsigned stripe = rdb_thread_stripe(), at = mark.event - RDB_WAIT_DATA_FILE_READ;
    add(&stripes[stripe].waits[mark.event], 0, us);
    switch (mark.event) {
    case RDB_WAIT_DATA_FILE_READ:
        rdb_thread_usage.read_us += (uint64_t)us;
        break;
    case RDB_WAIT_DATA_FILE_WRITE:
        rdb_thread_usage.write_us += (uint64_t)us;
        break;
    case RDB_WAIT_TEMP_FILE_READ:
        rdb_thread_usage.temp_read_us += (uint64_t)us;
        break;
    case RDB_WAIT_TEMP_FILE_WRITE:
        rdb_thread_usage.temp_write_us += (uint64_t)us;
        break;
    default:
        break;
    }
    add(&stripes[stripe].io[own_kind()][at / RDB_IO_OPS][at % RDB_IO_OPS], bytes, us);
    errno = saved;
}

static _Atomic(void (*)(void)) usage_watch;

void rdb_io_watch_usage(void (*noted)(void))
{
    atomic_store(&usage_watch, noted);
}

void rdb_io_note_usage(void)
{
    static _Thread_local rdb_usage noted;
    const rdb_usage *now = &rdb_thread_usage;
    const uint64_t hits = now->blocks_hit - noted.blocks_hit, dirtied = now->blocks_dirtied - noted.blocks_dirtied, written = now->blocks_written - noted.blocks_written,
                   extended = now->blocks_extended - noted.blocks_extended;
    if ((hits | dirtied | written | (now->blocks_read - noted.blocks_read)) == 0)
        return;
    void (*watch)(void) = atomic_load_explicit(&usage_watch, memory_order_relaxed);
    if (watch != NULL)
        watch();
    const unsigned stripe = rdb_thread_stripe();
    const rdb_worker_kind kind = own_kind();
    atomic_fetch_add_explicit(&stripes[stripe].hits[kind], hits, memory_order_relaxed);
    if (dirtied != 0)
        atomic_fetch_add_explicit(&stripes[stripe].dirtied[kind], dirtied, memory_order_relaxed);
    if (written != 0)
        atomic_fetch_add_explicit(&stripes[stripe].evicted[kind], written, memory_order_relaxed);
    if (extended != 0)
        atomic_fetch_add_explicit(&stripes[stripe].extended[kind], extended, memory_order_relaxed);
    noted = *now;
}

static uint64_t read_one(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void sum_waits(rdb_wait_total totals[RDB_WAIT_COUNT])
{
    memset(totals, 0, RDB_WAIT_COUNT * sizeof *totals);
    for (unsigned s = 0; s < RDB_STRIPES; s++)
        for (unsigned i = 0; i < RDB_WAIT_COUNT; i++) {
            totals[i].count += read_one(&stripes[s].waits[i].count);
            totals[i].us += read_one(&stripes[s].waits[i].us);
        }
}

void rdb_wait_totals(rdb_wait_total totals[RDB_WAIT_COUNT])
{
    pthread_mutex_lock(&reset_lock);
    sum_waits(totals);
    for (unsigned i = 0; i < RDB_WAIT_COUNT; i++) {
        totals[i].count -= waits_before[i].count;
        totals[i].us -= waits_before[i].us;
    }
    pthread_mutex_unlock(&reset_lock);
}

static void sum_io(rdb_worker_kind kind, rdb_io_figures *figures)
{
    memset(figures, 0, sizeof *figures);
    for (unsigned s = 0; s < RDB_STRIPES; s++) {
        figures->hits += read_one(&stripes[s].hits[kind]);
        figures->dirtied += read_one(&stripes[s].dirtied[kind]);
        figures->evicted_writes += read_one(&stripes[s].evicted[kind]);
        figures->extended += read_one(&stripes[s].extended[kind]);
        for (unsigned c = 0; c < RDB_IO_CLASSES; c++)
            for (unsigned o = 0; o < RDB_IO_OPS; o++) {
                figures->io[c][o].count += read_one(&stripes[s].io[kind][c][o].count);
                figures->io[c][o].bytes += read_one(&stripes[s].io[kind][c][o].bytes);
                figures->io[c][o].us += read_one(&stripes[s].io[kind][c][o].us);
            }
    }
}

void rdb_io_totals(rdb_worker_kind kind, rdb_io_figures *figures)
{
    pthread_mutex_lock(&reset_lock);
    sum_io(kind, figures);
    const rdb_io_figures *before = &io_before[kind];
    figures->hits -= before->hits;
    figures->dirtied -= before->dirtied;
    figures->evicted_writes -= before->evicted_writes;
    figures->extended -= before->extended;
    for (unsigned c = 0; c < RDB_IO_CLASSES; c++)
        for (unsigned o = 0; o < RDB_IO_OPS; o++) {
            figures->io[c][o].count -= before->io[c][o].count;
            figures->io[c][o].bytes -= before->io[c][o].bytes;
            figures->io[c][o].us -= before->io[c][o].us;
        }
    pthread_mutex_unlock(&reset_lock);
}

void rdb_wait_reset(unsigned what)
{
    pthread_mutex_lock(&reset_lock);
    if ((what & RDB_RESET_WAITS) != 0) {
        sum_waits(waits_before);
        waits_reset_us = rdb_time_wall_us();
    }
    if ((what & RDB_RESET_IO) != 0) {
        for (unsigned kind = 0; kind < RDB_WORKER_KINDS; kind++)
            sum_io((rdb_worker_kind)kind, &io_before[kind]);
        io_reset_us = rdb_time_wall_us();
    }
    pthread_mutex_unlock(&reset_lock);
}

int64_t rdb_wait_reset_us(unsigned what)
{
    pthread_mutex_lock(&reset_lock);
    const int64_t us = what == RDB_RESET_WAITS ? waits_reset_us : io_reset_us;
    pthread_mutex_unlock(&reset_lock);
    return us;
}

/* ---- workers -------------------------------------------------------------------------------------------------------------- */
static pthread_mutex_t workers_lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf */
static os_worker *first_worker RDB_GUARDED_BY(workers_lock), **last_worker RDB_GUARDED_BY(workers_lock) = &first_worker;
static _Thread_local os_worker *own_worker;

static int32_t own_clock(void)
{
    static _Thread_local int32_t clock; /* asked for once a thread */
    clockid_t found;
    if (clock == 0 && pthread_getcpuclockid(pthread_self(), &found) == 0)
        clock = (int32_t)found;
    return clock;
}

void os_worker_begin(os_worker *worker, const char *name)
{
    memset(worker, 0, sizeof *worker);
    worker->name = name;
    own_worker = worker;
    rdb_thread_waiter = &worker->waiter;
    atomic_store_explicit(&worker->waiter.cpu_clock, own_clock(), memory_order_relaxed);
}

static void delist(os_worker *worker)
{
    if (!worker->is_listed)
        return;
    pthread_mutex_lock(&workers_lock);
    os_worker **at = &first_worker;
    while (*at != worker)
        at = &(*at)->next;
    *at = worker->next;
    if (last_worker == &worker->next)
        last_worker = at;
    worker->next = NULL;
    pthread_mutex_unlock(&workers_lock);
    worker->is_listed = false;
}

void os_worker_end(os_worker *worker)
{
    rdb_io_note_usage();
    own_worker = NULL;
    rdb_thread_waiter = NULL;
    delist(worker);
}

void rdb_worker_declare(rdb_worker_kind kind)
{
    os_worker *worker = own_worker;
    if (worker == NULL)
        return;
    rdb_io_note_usage(); /* what was done so far was done as something else */
    if (kind == RDB_WORKER_OTHER)
        delist(worker);
    worker->waiter.kind = kind;
    if (worker->is_listed || kind == RDB_WORKER_OTHER)
        return;
    worker->tid = (int32_t)syscall(SYS_gettid);
    worker->start_us = rdb_time_wall_us();
    worker->is_listed = true;
    pthread_mutex_lock(&workers_lock);
    *last_worker = worker;
    last_worker = &worker->next;
    pthread_mutex_unlock(&workers_lock);
}

void rdb_worker_visit(void (*visit)(void *context, const rdb_worker_info *info), void *context)
{
    pthread_mutex_lock(&workers_lock);
    for (const os_worker *worker = first_worker; worker != NULL; worker = worker->next) {
        const rdb_worker_info info = {.name = worker->name, .tid = worker->tid, .start_us = worker->start_us, .waiter = &worker->waiter};
        visit(context, &info);
    }
    pthread_mutex_unlock(&workers_lock);
}

rdb_waiter *rdb_waiter_adopt(rdb_waiter *waiter)
{
    rdb_waiter *before = rdb_thread_waiter, *own = own_worker != NULL ? &own_worker->waiter : NULL;
    if (before != NULL && before != own)
        atomic_store_explicit(&before->cpu_clock, 0, memory_order_relaxed);
    rdb_thread_waiter = waiter != NULL ? waiter : own;
    if (waiter != NULL)
        atomic_store_explicit(&waiter->cpu_clock, own_clock(), memory_order_relaxed);
    return before;
}
