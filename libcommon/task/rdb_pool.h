/* SPDX-License-Identifier: Apache-2.0
 * A pool of long-lived threads that grows with need: a job that finds no idle thread starts one, up to the limit, and
 * waits in line beyond it. Threads stay until the pool is destroyed, because libraries below keep per-thread state that
 * is costly to make (and one of them leaks a little of it). And striped counters. */
#ifndef RDB_POOL_H
#define RDB_POOL_H

#include "os/rdb_os.h"

typedef struct rdb_pool rdb_pool;

/* name: at most 10 characters; threads are called <name>-<number>. */
RDB_CHECKED bool rdb_pool_create(rdb_pool **pool, const char *name, uint32_t threads_max, rdb_error *err);
/* False only where no thread runs at all and none could be started, or memory is out; else the job will run. */
RDB_CHECKED bool rdb_pool_submit(rdb_pool *pool, void (*run)(void *argument), void *argument, rdb_error *err);
/* Waits until every submitted job has run, those that jobs submit included. */
void rdb_pool_drain(rdb_pool *pool);
/* Drains, then ends the threads. */
void rdb_pool_destroy(rdb_pool **pool); /* NULL inside is fine */
typedef struct rdb_pool_state {
    uint32_t threads, idle, queued, running;
} rdb_pool_state;
rdb_pool_state rdb_pool_get_state(rdb_pool *pool);

/* A counter that many threads add to without sharing a cache line: exact once they are at rest, slightly behind while
 * they run. Zeroed is a counter. */
typedef struct rdb_counter {
    struct {
        _Alignas(64) _Atomic uint64_t value;
    } stripes[RDB_STRIPES];
} rdb_counter;
static inline void rdb_counter_add(rdb_counter *counter, uint64_t more)
{
    /* relaxed: a statistic orders nothing */
    atomic_fetch_add_explicit(&counter->stripes[rdb_thread_stripe()].value, more, memory_order_relaxed);
}
uint64_t rdb_counter_read(const rdb_counter *counter);

#endif
