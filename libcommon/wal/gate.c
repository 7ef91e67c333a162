/* SPDX-License-Identifier: Apache-2.0
 * The redo gate (R19). A change is inside from its decision on full-page images until its pages are marked dirty. The
 * checkpoint closes the gate, waits until all stripes are empty, takes the insert position and opens it again: every
 * change is either wholly before the redo point, its pages dirty and so flushed by this checkpoint, or decides on its
 * images with the new point. */
#include "wal_int.h"

#include <sched.h>

void rdb_wal_gate_enter(rdb_wal *wal)
{
    _Atomic uint32_t *inside = &wal->gate[rdb_thread_stripe()].inside;
    for (;;) {
        /* Sequentially consistent on both sides: either the closer sees this entry or the entrant sees the closed gate. */
        atomic_fetch_add(inside, 1);
        if (RDB_LIKELY(atomic_load(&wal->gate_closed) == 0))
            return;
        atomic_fetch_sub(inside, 1);
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_REDO_GATE);
        rdb_futex_wait(&wal->gate_closed, 1, -1);
        rdb_wait_end(mark);
    }
}

void rdb_wal_gate_leave(rdb_wal *wal)
{
    atomic_fetch_sub_explicit(&wal->gate[rdb_thread_stripe()].inside, 1, memory_order_release);
}

rdb_lsn rdb_wal_redo_point(const rdb_wal *wal)
{
    return atomic_load_explicit(&wal->redo_point, memory_order_relaxed); /* entering the gate orders it */
}

void rdb_wal_set_redo_point(rdb_wal *wal, rdb_lsn lsn)
{
    atomic_store(&wal->redo_point, lsn);
}

rdb_lsn rdb_wal_fix_redo_point(rdb_wal *wal)
{
    rdb_mutex_lock(&wal->gate_lock);
    atomic_store(&wal->gate_closed, 1);
    for (unsigned i = 0; i < RDB_STRIPES; i++) {
        for (uint32_t tries = 0; atomic_load(&wal->gate[i].inside) != 0; tries++) {
            if (tries < 100)
                rdb_cpu_relax();
            else if (tries < 1000)
                sched_yield();
            else
                rdb_time_sleep_us(100);
        }
    }
    rdb_lsn point = atomic_load(&wal->insert_lsn);
    atomic_store(&wal->redo_point, point);
    atomic_store(&wal->gate_closed, 0);
    rdb_futex_wake(&wal->gate_closed, UINT32_MAX);
    rdb_mutex_unlock(&wal->gate_lock);
    return point;
}
