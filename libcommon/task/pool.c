/* SPDX-License-Identifier: Apache-2.0
 * The pool. What always holds under its lock: queued jobs wait only while every thread runs a job, or an idle one has
 * been signalled and not yet come; so a job never waits while the pool could still grow. */
#include "task/rdb_pool.h"

#include "base/rdb_log.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct job {
    struct job *next;
    void (*run)(void *argument);
    void *argument;
} job;

struct rdb_pool {
    rdb_mutex lock; /* rank task: jobs run without it */
    rdb_condition job_came, all_done;
    job *first, **last RDB_GUARDED_BY(lock);
    job *spare RDB_GUARDED_BY(lock); /* used job structs, for the next ones */
    rdb_thread **threads RDB_GUARDED_BY(lock);
    uint32_t threads_max RDB_SET_ONCE;
    uint32_t thread_count, idle_count, queued_count, running_count RDB_GUARDED_BY(lock);
    bool ending RDB_GUARDED_BY(lock);
    char name[11] RDB_SET_ONCE;
};

static void run_thread(void *argument)
{
    rdb_pool *pool = argument;
    rdb_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->first == NULL && !pool->ending) {
            pool->idle_count++;
            rdb_condition_wait(&pool->job_came, &pool->lock);
            pool->idle_count--;
        }
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
    rdb_mutex_unlock(&pool->lock);
}

bool rdb_pool_create(rdb_pool **pool, const char *name, uint32_t threads_max, rdb_error *err)
{
    *pool = NULL;
    RDB_VERIFY(threads_max > 0);
    rdb_pool *made = calloc(1, sizeof *made);
    rdb_thread **threads = calloc(threads_max, sizeof(rdb_thread *));
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
        if (rdb_thread_start(&pool->threads[pool->thread_count], name, run_thread, pool, &failure)) {
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
    uint32_t count = ending->thread_count;
    rdb_mutex_unlock(&ending->lock);
    for (uint32_t thread_no = 0; thread_no < count; thread_no++)
        rdb_thread_join(&ending->threads[thread_no]);
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
