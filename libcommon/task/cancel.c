/* SPDX-License-Identifier: Apache-2.0
 * See rdb_cancel.h. The race that matters: a cancel that comes while the owner is about to sleep. The owner publishes the word
 * it will sleep on, then looks at the reason; the canceller sets the reason, then looks for a sleeper: one of the two sees
 * the other, because both are sequentially consistent. */
#include "task/rdb_task.h"

void rdb_cancel_init(rdb_cancel *cancel)
{
    memset(cancel, 0, sizeof *cancel);
}

static bool stays(uint32_t reason)
{
    return reason == RDB_CANCEL_TERMINATE || reason == RDB_CANCEL_CLIENT_GONE;
}

void rdb_cancel_begin_statement(rdb_cancel *cancel, int64_t timeout_us)
{
    uint32_t reason = atomic_load(&cancel->reason);
    while (!stays(reason) && reason != RDB_CANCEL_NONE &&
           !atomic_compare_exchange_weak(&cancel->reason, &reason, RDB_CANCEL_NONE)) {
    }
    cancel->deadline_us = timeout_us > 0 ? rdb_time_monotonic_us() + timeout_us : 0;
    atomic_store(&cancel->is_running, 1);
}

void rdb_cancel_end_statement(rdb_cancel *cancel)
{
    atomic_store(&cancel->is_running, 0);
    cancel->deadline_us = 0;
}

void rdb_cancel_retime_statement(rdb_cancel *cancel, int64_t timeout_us)
{
    if (timeout_us <= 0)
        cancel->deadline_us = 0;
    else if (cancel->deadline_us == 0)
        cancel->deadline_us = rdb_time_monotonic_us() + timeout_us;
}

bool rdb_cancel_set(rdb_cancel *cancel, rdb_cancel_reason reason)
{
    if (!stays(reason) && !atomic_load(&cancel->is_running))
        return false;
    uint32_t current = atomic_load(&cancel->reason);
    while (!stays(current) && !atomic_compare_exchange_weak(&cancel->reason, &current, reason)) {
    }
    _Atomic uint32_t *sleeper = atomic_load(&cancel->sleeper);
    if (sleeper != NULL)
        rdb_futex_wake(sleeper, UINT32_MAX);
    return true;
}

/* One of the two sees the other: each stores its word first. */
void rdb_cancel_mind_client(rdb_cancel *cancel, bool minds)
{
    if (atomic_load_explicit(&cancel->minds_client, memory_order_relaxed) == minds)
        return;
    atomic_store(&cancel->minds_client, minds);
    if (minds && atomic_load(&cancel->client_gone))
        (void)rdb_cancel_set(cancel, RDB_CANCEL_CLIENT_GONE);
}

void rdb_cancel_client_gone(rdb_cancel *cancel)
{
    atomic_store(&cancel->client_gone, 1);
    if (atomic_load(&cancel->minds_client))
        (void)rdb_cancel_set(cancel, RDB_CANCEL_CLIENT_GONE);
}

bool rdb_cancel_is_final(const rdb_cancel *cancel)
{
    return stays(atomic_load(&cancel->reason));
}

bool rdb_cancel_check(rdb_cancel *cancel, rdb_error *err)
{
    if (cancel == NULL)
        return true;
    uint32_t reason = atomic_load_explicit(&cancel->reason, memory_order_relaxed);
    if (RDB_LIKELY(reason == RDB_CANCEL_NONE)) {
        if (RDB_LIKELY(cancel->deadline_us == 0) || rdb_time_monotonic_us() < cancel->deadline_us)
            return true;
        reason = RDB_CANCEL_TIMEOUT;
    }
    switch (reason) {
    case RDB_CANCEL_TIMEOUT:
        return rdb_error_set(err, RDB_QUERY_CANCELED, "canceling statement due to statement timeout");
    case RDB_CANCEL_TERMINATE:
        return rdb_error_set(err, RDB_ADMIN_SHUTDOWN, "terminating connection due to administrator command");
    case RDB_CANCEL_CLIENT_GONE:
        return rdb_error_set(err, RDB_CONNECTION_FAILURE, "connection to client lost");
    case RDB_CANCEL_IDLE_TIMEOUT:
        return rdb_error_set(err, RDB_IDLE_IN_TRANSACTION_SESSION_TIMEOUT, "terminating connection due to idle-in-transaction timeout");
    default:
        return rdb_error_set(err, RDB_QUERY_CANCELED, "canceling statement due to user request");
    }
}

void rdb_cancel_sleep(rdb_cancel *cancel, rdb_wait event, _Atomic uint32_t *word, uint32_t expected, int64_t timeout_us)
{
    const rdb_wait_mark mark = rdb_wait_begin(event);
    if (cancel == NULL) {
        rdb_thread_sleep_begin();
        rdb_futex_wait(word, expected, timeout_us);
        rdb_thread_sleep_end();
        rdb_wait_end(mark);
        return;
    }
    atomic_store(&cancel->sleeper, word);
    if (atomic_load(&cancel->reason) == RDB_CANCEL_NONE) {
        int64_t wait_us = timeout_us;
        if (cancel->deadline_us != 0) {
            int64_t left_us = RDB_MAX(cancel->deadline_us - rdb_time_monotonic_us(), 0);
            wait_us = wait_us < 0 ? left_us : RDB_MIN(wait_us, left_us);
        }
        /* Between the look above and the sleep a cancel may still slip in, its wake lost: so no sleep is longer than this. */
        int64_t bounded_us = wait_us < 0 ? 100000 : RDB_MIN(wait_us, INT64_C(100000));
        rdb_thread_sleep_begin();
        rdb_futex_wait(word, expected, bounded_us);
        rdb_thread_sleep_end();
    }
    atomic_store(&cancel->sleeper, NULL);
    rdb_wait_end(mark);
}
