/* SPDX-License-Identifier: Apache-2.0
 * Mutexes with ranks, and conditions. With RDB_DEBUG each thread keeps the ranks it holds and stops the process where
 * one is locked out of order; a try-lock cannot deadlock and may break the order.
 *
 * They stand on futexes (Drepper, Futexes Are Tricky): the C library's take an uncontended mutex with four times the instructions, and
 * whoever comes back from one of its conditions holds the mutex as if others slept on it, so that giving it up is a system call. */
#include "os/rdb_thread.h"
#include "os/rdb_wait.h"

#include <stdio.h>
#include <time.h>

enum { FREE, LOCKED, AWAITED };
enum { SPINS = 30 }; /* before sleeping: what mutexes guard is short */

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
    atomic_init(&mutex->word, FREE);
    mutex->rank = (uint8_t)rank;
}

void rdb_mutex_deinit(rdb_mutex *mutex)
{
    RDB_ASSERT(atomic_load_explicit(&mutex->word, memory_order_relaxed) == FREE);
    (void)mutex;
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

/* Acquire pairs with the release of who unlocks. */
static bool take(rdb_mutex *mutex)
{
    uint32_t word = FREE;
    return atomic_compare_exchange_strong_explicit(&mutex->word, &word, LOCKED, memory_order_acquire, memory_order_relaxed);
}

static void take_waiting(rdb_mutex *mutex)
{
    for (unsigned i = 0; i < SPINS; i++) {
        rdb_cpu_relax();
        if (atomic_load_explicit(&mutex->word, memory_order_relaxed) == FREE && take(mutex))
            return;
    }
    const rdb_wait_mark mark = rdb_wait_begin(wait_of(mutex));
    while (atomic_exchange_explicit(&mutex->word, AWAITED, memory_order_acquire) != FREE) /* others may sleep too: it stays AWAITED */
        rdb_futex_wait(&mutex->word, AWAITED, -1);
    rdb_wait_end(mark);
}

void rdb_mutex_lock(rdb_mutex *mutex)
{
    check_rank(mutex);
    if (RDB_UNLIKELY(!take(mutex)))
        take_waiting(mutex);
    note_locked(mutex);
}

bool rdb_mutex_try_lock(rdb_mutex *mutex)
{
    if (!take(mutex))
        return false;
    note_locked(mutex);
    return true;
}

void rdb_mutex_unlock(rdb_mutex *mutex)
{
    note_unlocked(mutex);
    const uint32_t was = atomic_exchange_explicit(&mutex->word, FREE, memory_order_release);
    RDB_VERIFY(was != FREE);
    if (RDB_UNLIKELY(was == AWAITED))
        rdb_futex_wake(&mutex->word, 1);
}

void rdb_condition_init(rdb_condition *condition)
{
    atomic_init(&condition->word, 0);
    atomic_init(&condition->waiting, 0);
}

void rdb_condition_deinit(rdb_condition *condition)
{
    RDB_ASSERT(atomic_load_explicit(&condition->waiting, memory_order_relaxed) == 0);
    (void)condition;
}

/* The word is read under the mutex: a signal for what changes after it is given up finds us counted, and the word another one. */
static bool wait_for_signal(rdb_condition *condition, rdb_mutex *mutex, int64_t timeout_us)
{
    atomic_fetch_add_explicit(&condition->waiting, 1, memory_order_relaxed);
    const uint32_t word = atomic_load_explicit(&condition->word, memory_order_relaxed);
    rdb_mutex_unlock(mutex);
    rdb_futex_wait(&condition->word, word, timeout_us);
    const bool is_signalled = atomic_load_explicit(&condition->word, memory_order_relaxed) != word;
    if (!take(mutex))
        take_waiting(mutex);
    note_locked(mutex);
    atomic_fetch_sub_explicit(&condition->waiting, 1, memory_order_relaxed);
    return is_signalled;
}

void rdb_condition_wait(rdb_condition *condition, rdb_mutex *mutex)
{
    (void)wait_for_signal(condition, mutex, -1);
}

bool rdb_condition_wait_for(rdb_condition *condition, rdb_mutex *mutex, int64_t timeout_us)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (wait_for_signal(condition, mutex, RDB_MAX(timeout_us, INT64_C(0))))
        return true;
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - begin.tv_sec) * INT64_C(1000000) + (end.tv_nsec - begin.tv_nsec) / 1000 < timeout_us; /* woken early, for nothing */
}

static void wake(rdb_condition *condition, uint32_t count)
{
    if (atomic_load_explicit(&condition->waiting, memory_order_relaxed) == 0) /* whoever waits for what we changed was counted under the mutex before us */
        return;
    atomic_fetch_add_explicit(&condition->word, 1, memory_order_relaxed);
    rdb_futex_wake(&condition->word, count);
}

void rdb_condition_signal(rdb_condition *condition)
{
    wake(condition, 1);
}

void rdb_condition_broadcast(rdb_condition *condition)
{
    wake(condition, UINT32_MAX);
}
