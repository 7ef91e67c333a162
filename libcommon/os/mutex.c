/* SPDX-License-Identifier: Apache-2.0
 * Mutexes with ranks, and conditions. With RDB_DEBUG each thread keeps the ranks it holds and stops the process where
 * one is locked out of order; a try-lock cannot deadlock and may break the order. */
#include "os/rdb_thread.h"
#include "os/rdb_wait.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#ifdef RDB_DEBUG
#define HELD_MAX 32
static _Thread_local const rdb_mutex *held[HELD_MAX];
static _Thread_local unsigned held_count;

static void check_rank(const rdb_mutex *mutex)
{
    for (unsigned held_no = 0; held_no < held_count; held_no++)
        if (held[held_no]->rank >= mutex->rank) {
            fprintf(stderr, "lock order: rank %u is locked while rank %u is held\n", mutex->rank, held[held_no]->rank);
            rdb_verify_failed("lock ranks grow", __FILE__, __LINE__, __func__);
        }
}

static void note_locked(const rdb_mutex *mutex)
{
    RDB_VERIFY(held_count < HELD_MAX);
    held[held_count++] = mutex;
}

static void note_unlocked(const rdb_mutex *mutex)
{
    unsigned held_no = held_count;
    while (held_no > 0 && held[held_no - 1] != mutex)
        held_no--;
    RDB_VERIFY(held_no > 0); /* else this thread never locked it */
    held_count--;
    for (; held_no <= held_count; held_no++)
        held[held_no - 1] = held[held_no];
}
#else
#define check_rank(mutex) ((void)0)
#define note_locked(mutex) ((void)0)
#define note_unlocked(mutex) ((void)0)
#endif

void rdb_mutex_init(rdb_mutex *mutex, rdb_lock_rank rank)
{
    pthread_mutex_init(&mutex->mutex, NULL);
    mutex->rank = (uint8_t)rank;
}

void rdb_mutex_deinit(rdb_mutex *mutex)
{
    pthread_mutex_destroy(&mutex->mutex);
}

/* The name of a wait for a mutex is its rank's. The few leaves and the log's are too small to be told apart. */
static rdb_wait wait_of(const rdb_mutex *mutex)
{
    switch ((rdb_lock_rank)mutex->rank) {
    case RDB_RANK_SESSION:
        return RDB_WAIT_MUTEX_SESSION;
    case RDB_RANK_CATALOG:
        return RDB_WAIT_MUTEX_CATALOG;
    case RDB_RANK_CHECKPOINT:
    case RDB_RANK_FLUSH:
        return RDB_WAIT_MUTEX_CHECKPOINT;
    case RDB_RANK_UPKEEP:
        return RDB_WAIT_MUTEX_UPKEEP;
    case RDB_RANK_TXN:
        return RDB_WAIT_MUTEX_TXN;
    case RDB_RANK_LOCK_TABLE:
        return RDB_WAIT_MUTEX_LOCK_TABLE;
    case RDB_RANK_UNDO:
        return RDB_WAIT_MUTEX_UNDO;
    case RDB_RANK_STORAGE_RELATION:
    case RDB_RANK_STORAGE_FILE:
        return RDB_WAIT_MUTEX_STORAGE;
    case RDB_RANK_BUFFER:
        return RDB_WAIT_MUTEX_BUFFER;
    case RDB_RANK_WAL:
    case RDB_RANK_WAL_FILE:
        return RDB_WAIT_MUTEX_WAL;
    case RDB_RANK_TASK:
        return RDB_WAIT_MUTEX_TASK;
    default:
        return RDB_WAIT_MUTEX_OTHER;
    }
}

static void lock_waiting(rdb_mutex *mutex)
{
    const rdb_wait_mark mark = rdb_wait_begin(wait_of(mutex));
    RDB_VERIFY(pthread_mutex_lock(&mutex->mutex) == 0);
    rdb_wait_end(mark);
}

void rdb_mutex_lock(rdb_mutex *mutex)
{
    check_rank(mutex);
    if (pthread_mutex_trylock(&mutex->mutex) != 0)
        lock_waiting(mutex);
    note_locked(mutex);
}

bool rdb_mutex_try_lock(rdb_mutex *mutex)
{
    if (pthread_mutex_trylock(&mutex->mutex) != 0)
        return false;
    note_locked(mutex);
    return true;
}

void rdb_mutex_unlock(rdb_mutex *mutex)
{
    note_unlocked(mutex);
    RDB_VERIFY(pthread_mutex_unlock(&mutex->mutex) == 0);
}

void rdb_condition_init(rdb_condition *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition->condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

void rdb_condition_deinit(rdb_condition *condition)
{
    pthread_cond_destroy(&condition->condition);
}

void rdb_condition_wait(rdb_condition *condition, rdb_mutex *mutex)
{
    note_unlocked(mutex);
    pthread_cond_wait(&condition->condition, &mutex->mutex);
    note_locked(mutex);
}

bool rdb_condition_wait_for(rdb_condition *condition, rdb_mutex *mutex, int64_t timeout_us)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    if (timeout_us < 0)
        timeout_us = 0;
    until.tv_sec += timeout_us / 1000000;
    until.tv_nsec += timeout_us % 1000000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    note_unlocked(mutex);
    int reason = pthread_cond_timedwait(&condition->condition, &mutex->mutex, &until);
    note_locked(mutex);
    return reason != ETIMEDOUT;
}

void rdb_condition_signal(rdb_condition *condition)
{
    pthread_cond_signal(&condition->condition);
}

void rdb_condition_broadcast(rdb_condition *condition)
{
    pthread_cond_broadcast(&condition->condition);
}
