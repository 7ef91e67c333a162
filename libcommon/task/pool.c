/* SPDX-License-Identifier: Apache-2.0
 * The pool. What always holds under its lock: queued jobs wait only while every thread runs a job, or an idle one has
 * been signalled and not yet come; so a job never waits while the pool could still grow. */
#include "task/rdb_pool.h"

#include "base/rdb_log.h"
#include "os/rdb_os.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct job {
    struct job *next;
    void (*run)(void *argument);
    void *argument;
} job;

#define KEPT_THREADS 4u       /* as many idle ones stay */
#define LOOK_US INT64_C(2000000) /* how long threads must have been idle, all of that time, before they end */

typedef struct pool_thread {
    rdb_pool *pool;
    rdb_thread *thread; /* NULL: none was started here, or it was joined */
    bool is_over;       /* it has left the pool: to be joined, then the place is free */
} pool_thread;

struct rdb_pool {
    rdb_mutex lock; /* rank task: jobs run without it */
    rdb_condition job_came, all_done;
    job *first, **last RDB_GUARDED_BY(lock);
    job *spare RDB_GUARDED_BY(lock); /* used job structs, for the next ones */
    pool_thread *threads RDB_GUARDED_BY(lock); /* threads_max places */
    uint32_t idle_low, surplus RDB_GUARDED_BY(lock); /* the fewest idle ones since looked_us; how many may end */
    int64_t looked_us RDB_GUARDED_BY(lock);
    uint32_t threads_max RDB_SET_ONCE;
    uint32_t thread_count, idle_count, queued_count, running_count RDB_GUARDED_BY(lock);
    bool ending RDB_GUARDED_BY(lock);
    char name[11] RDB_SET_ONCE;
};

/* Waiting threads are woken in turn, so none of them is idle for long while there is any work: what counts is how many
 * were idle at every moment of the last while. Those end, whoever comes by first. */
static bool is_surplus(rdb_pool *pool)
{
    int64_t now_us = rdb_time_monotonic_us();
    if (now_us - pool->looked_us >= LOOK_US) {
        pool->surplus = pool->idle_low > KEPT_THREADS ? pool->idle_low - KEPT_THREADS : 0;
        pool->idle_low = pool->idle_count;
        pool->looked_us = now_us;
    }
    if (pool->surplus == 0 || pool->thread_count <= KEPT_THREADS)
        return false;
    pool->surplus--;
    return true;
}

static void run_thread(void *argument)
{
    pool_thread *self = argument;
    rdb_pool *pool = self->pool;
    bool is_over = false, is_last = false;
    rdb_mutex_lock(&pool->lock);
    while (!is_over) {
        while (pool->first == NULL && !pool->ending && !is_over) {
            pool->idle_count++;
            if (pool->thread_count <= KEPT_THREADS)
                rdb_condition_wait(&pool->job_came, &pool->lock);
            else
                rdb_condition_wait_for(&pool->job_came, &pool->lock, LOOK_US);
            pool->idle_count--;
            pool->idle_low = RDB_MIN(pool->idle_low, pool->idle_count);
            is_over = pool->first == NULL && !pool->ending && is_surplus(pool);
        }
        if (is_over)
            break;
        job *next = pool->first;
        if (next == NULL)
            break;
        pool->first = next->next;
        if (pool->first == NULL)
            pool->last = &pool->first;
        pool->queued_count--;
        pool->running_count++;
        job taken = *next;
        next->next = pool->spare;
        pool->spare = next;
        rdb_mutex_unlock(&pool->lock);
        taken.run(taken.argument);
        rdb_mutex_lock(&pool->lock);
        pool->running_count--;
        if (pool->running_count == 0 && pool->queued_count == 0)
            rdb_condition_broadcast(&pool->all_done);
    }
    if (is_over) {
        self->is_over = true;
        is_last = --pool->thread_count <= KEPT_THREADS;
    }
    rdb_mutex_unlock(&pool->lock);
    if (is_last)
        rdb_thread_trim_memory(); /* what the many left behind */
}

/* A place for one more thread, one that ended joined first (it is past its last look at the pool). */
static pool_thread *free_place(rdb_pool *pool)
{
    for (uint32_t i = 0; i < pool->threads_max; i++) {
        pool_thread *place = &pool->threads[i];
        if (place->is_over)
            rdb_thread_join(&place->thread);
        place->is_over = false;
        if (place->thread == NULL)
            return place;
    }
    return NULL;
}

bool rdb_pool_create(rdb_pool **pool, const char *name, uint32_t threads_max, rdb_error *err)
{
    *pool = NULL;
    RDB_VERIFY(threads_max > 0);
    rdb_pool *made = calloc(1, sizeof *made);
    pool_thread *threads = calloc(threads_max, sizeof *threads);
    if (made == NULL || threads == NULL) {
        free(made);
        free(threads);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    rdb_mutex_init(&made->lock, RDB_RANK_TASK);
    rdb_condition_init(&made->job_came);
    rdb_condition_init(&made->all_done);
    made->last = &made->first;
    made->threads = threads;
    made->threads_max = threads_max;
    snprintf(made->name, sizeof made->name, "%s", name);
    *pool = made;
    return true;
}

bool rdb_pool_submit(rdb_pool *pool, void (*run)(void *argument), void *argument, rdb_error *err)
{
    bool ok = true;
    rdb_mutex_lock(&pool->lock);
    job *added = pool->spare;
    if (added != NULL)
        pool->spare = added->next;
    else
        added = malloc(sizeof *added);
    if (added == NULL) {
        rdb_mutex_unlock(&pool->lock);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    /* idle threads that were signalled for earlier jobs still count as idle: compare with all that wait */
    if (pool->idle_count <= pool->queued_count && pool->thread_count < pool->threads_max) {
        char name[16];
        rdb_error failure = {0};
        snprintf(name, sizeof name, "%s-%u", pool->name, (pool->thread_count + 1) % 10000);
        pool_thread *place = free_place(pool);
        RDB_VERIFY(place != NULL);
        place->pool = pool;
        if (rdb_thread_start(&place->thread, name, run_thread, place, &failure)) {
            pool->thread_count++;
        } else if (pool->thread_count == 0) {
            ok = false;
            if (err != NULL && !rdb_error_is_set(err))
                rdb_error_move(err, &failure);
        } else {
            rdb_log_error(RDB_LOG_WARN, "task", &failure); /* the job waits for a thread that runs */
        }
        rdb_error_clear(&failure);
    }
    if (ok) {
        *added = (job){NULL, run, argument};
        *pool->last = added;
        pool->last = &added->next;
        pool->queued_count++;
        rdb_condition_signal(&pool->job_came);
    } else {
        added->next = pool->spare;
        pool->spare = added;
    }
    rdb_mutex_unlock(&pool->lock);
    return ok;
}

void rdb_pool_drain(rdb_pool *pool)
{
    rdb_mutex_lock(&pool->lock);
    while (pool->queued_count > 0 || pool->running_count > 0)
        rdb_condition_wait(&pool->all_done, &pool->lock);
    rdb_mutex_unlock(&pool->lock);
}

void rdb_pool_destroy(rdb_pool **pool)
{
    rdb_pool *ending = *pool;
    *pool = NULL;
    if (ending == NULL)
        return;
    rdb_pool_drain(ending);
    rdb_mutex_lock(&ending->lock);
    ending->ending = true;
    rdb_condition_broadcast(&ending->job_came);
    rdb_mutex_unlock(&ending->lock);
    for (uint32_t thread_no = 0; thread_no < ending->threads_max; thread_no++)
        rdb_thread_join(&ending->threads[thread_no].thread);
    for (job *at = ending->spare, *next; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    rdb_condition_deinit(&ending->job_came);
    rdb_condition_deinit(&ending->all_done);
    rdb_mutex_deinit(&ending->lock);
    free(ending->threads);
    free(ending);
}

rdb_pool_state rdb_pool_get_state(rdb_pool *pool)
{
    rdb_mutex_lock(&pool->lock);
    rdb_pool_state state = {pool->thread_count, pool->idle_count, pool->queued_count, pool->running_count};
    rdb_mutex_unlock(&pool->lock);
    return state;
}

uint64_t rdb_counter_read(const rdb_counter *counter)
{
    uint64_t sum = 0;
    for (unsigned stripe_no = 0; stripe_no < RDB_STRIPES; stripe_no++)
        sum += atomic_load_explicit(&counter->stripes[stripe_no].value, memory_order_relaxed);
    return sum;
}
