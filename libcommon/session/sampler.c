/* SPDX-License-Identifier: Apache-2.0
 * See sampler.h. It reads counters and the list of sessions, never their texts; a second takes some tens of microseconds. */
#include "session/sampler.h"

#include "observe/rdb_metrics.h"
#include "observe/rdb_samples.h"
#include "session/activity.h"
#include "session/digest.h"
#include "upkeep/rdb_upkeep.h"
#include "wal/rdb_wal.h"

#include <time.h>

#define PERIOD_US INT64_C(1000000)
#define BYTES_MAX (UINT64_C(512) << 20)

/* The processor time of a thread that served a session at the last sample. */
typedef struct seen {
    uint32_t pid;
    int32_t clock;
    int64_t cpu_ns;
    uint32_t query_ms;
} seen;

struct sampler {
    rdb_engine *engine;
    rdb_samples *samples;
    rdb_thread *thread;
    _Atomic uint32_t word;
    seen before[RDB_SAMPLE_SESSIONS_MAX];
    uint32_t before_count;
    rdb_system_figures system;
    int64_t taken_us; /* monotonic, of system; 0: not yet */
};

static int64_t cpu_of(int32_t clock)
{
    struct timespec used;
    return clock != 0 && clock_gettime((clockid_t)clock, &used) == 0 ? used.tv_sec * INT64_C(1000000000) + used.tv_nsec : -1;
}

/* A thread serves one session now, another then: only what it used for a statement that ran all the while is that session's. */
static void measure_processors(sampler *own, rdb_sample_session *items, const int32_t *clocks, uint32_t count)
{
    seen now[RDB_SAMPLE_SESSIONS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        now[i] = (seen){.pid = items[i].pid, .clock = clocks[i], .cpu_ns = cpu_of(clocks[i]), .query_ms = items[i].query_ms};
        for (uint32_t k = 0; k < own->before_count; k++) {
            const seen *was = &own->before[k];
            if (was->pid == now[i].pid && was->clock == now[i].clock && was->cpu_ns >= 0 && now[i].cpu_ns >= was->cpu_ns && items[i].query_ms >= PERIOD_US / 1000 &&
                items[i].state == RDB_SAMPLE_ACTIVE)
                items[i].cpu_us = (uint32_t)RDB_MIN((now[i].cpu_ns - was->cpu_ns) / 1000, (int64_t)UINT32_MAX - 1);
        }
    }
    memcpy(own->before, now, count * sizeof *now);
    own->before_count = count;
}

static uint32_t permille(double part, double whole)
{
    return whole > 0 && part > 0 ? (uint32_t)RDB_MIN(1000 * part / whole, 1000.0) : 0;
}

static void take(sampler *own)
{
    rdb_sample_session items[RDB_SAMPLE_SESSIONS_MAX];
    int32_t clocks[RDB_SAMPLE_SESSIONS_MAX];
    session_counts counts;
    rdb_statement_totals statements;
    rdb_storage_statistics storage;
    rdb_wal_statistics wal;
    rdb_disk_figures disk;
    rdb_system_figures system;
    const char *data = session_engine_fact(own->engine, "data_directory");
    const uint32_t count = session_registry_sample(session_engine_registry(own->engine), items, clocks, RDB_SAMPLE_SESSIONS_MAX, &counts);
    measure_processors(own, items, clocks, count);
    rdb_statements_totals(session_engine_statements(own->engine), &statements);
    rdb_storage_get_statistics(rdb_engine_storage(own->engine), &storage);
    rdb_wal_get_statistics(rdb_upkeep_wal(session_engine_upkeep(own->engine)), &wal);
    rdb_system_read(&system);
    (void)rdb_disk_read(data != NULL ? data : ".", &disk);
    const int64_t now_us = rdb_time_monotonic_us();
    rdb_sample_system sample = {.wall_us = rdb_time_wall_us(),
                                .memory_bytes = system.process_memory_bytes,
                                .available_bytes = system.machine_available_bytes,
                                .disk_free_bytes = disk.free_bytes,
                                .statements = statements.count,
                                .commits = rdb_txn_visible_scn(rdb_engine_txns(own->engine)),
                                .wal_bytes = wal.bytes,
                                .read_bytes = system.process_read_bytes,
                                .write_bytes = system.process_write_bytes,
                                .active = counts.active,
                                .idle = counts.idle,
                                .in_transaction = counts.in_transaction,
                                .waiting = counts.waiting,
                                .dirty_pages = storage.dirty,
                                .load_milli = (uint32_t)(system.load1 * 1000)};
    if (own->taken_us != 0) {
        const double busy = system.machine_cpu_seconds - own->system.machine_cpu_seconds, idle = system.machine_idle_seconds - own->system.machine_idle_seconds;
        sample.cpu_permille = permille(busy, busy + idle);
        sample.own_cpu_permille = permille(system.process_cpu_seconds - own->system.process_cpu_seconds, (double)(now_us - own->taken_us) / 1e6 * system.processors);
    }
    own->system = system;
    own->taken_us = now_us;
    (void)rdb_samples_write(own->samples, &sample, items, count); /* where it fails, one second is missing */
}

static void run(void *argument)
{
    sampler *own = argument;
    rdb_worker_declare(RDB_WORKER_SAMPLER);
    for (int64_t due_us = rdb_time_monotonic_us() + PERIOD_US; atomic_load(&own->word) == 0;) {
        const int64_t left_us = due_us - rdb_time_monotonic_us();
        if (left_us > 0) {
            const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_SAMPLER_MAIN);
            rdb_futex_wait(&own->word, 0, left_us);
            rdb_wait_end(mark);
            continue;
        }
        take(own);
        due_us = RDB_MAX(due_us + PERIOD_US, rdb_time_monotonic_us()); /* seconds that were missed are not made up */
    }
}

bool sampler_start(sampler **started, rdb_engine *engine, const char *directory, rdb_error *err)
{
    sampler *own = calloc(1, sizeof *own);
    *started = NULL;
    if (own == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    own->engine = engine;
    if (!rdb_samples_open(&own->samples, directory, BYTES_MAX, err) || !rdb_thread_start(&own->thread, "sampler", run, own, err)) {
        rdb_samples_close(&own->samples);
        free(own);
        return false;
    }
    *started = own;
    return true;
}

void sampler_stop(sampler **started)
{
    sampler *own = *started;
    if (own == NULL)
        return;
    *started = NULL;
    atomic_store(&own->word, 1);
    rdb_futex_wake(&own->word, 1);
    rdb_thread_join(&own->thread);
    rdb_samples_close(&own->samples);
    free(own);
}
