/* SPDX-License-Identifier: Apache-2.0
 * The redo gate (R19). A change is inside from its decision on full-page images until its pages are marked dirty. The
 * checkpoint closes the gate, waits until all stripes are empty, takes the insert position and opens it again: every
 * change is either wholly before the redo point, its pages dirty and so flushed by this checkpoint, or decides on its
 * images with the new point. Who holds the redo point stands in a gate of its own, outside of that one: a record that refers to earlier
 * ones is a change itself, and must not wait inside the one gate for a closer who waits for it there. */
#include "wal_int.h"
#include "wal/rdb_wal_reference.h"

#include <sched.h>

static void enter(wal_gate *gate)
{
    _Atomic uint32_t *inside = &gate->stripes[rdb_thread_stripe()].inside;
    for (;;) {
        /* Sequentially consistent on both sides: either the closer sees this entry or the entrant sees the closed gate. */
        atomic_fetch_add(inside, 1);
        if (RDB_LIKELY(atomic_load(&gate->is_closed) == 0))
            return;
        atomic_fetch_sub(inside, 1);
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_REDO_GATE);
        rdb_futex_wait(&gate->is_closed, 1, -1);
        rdb_wait_end(mark);
    }
}

static void leave(wal_gate *gate)
{
    atomic_fetch_sub_explicit(&gate->stripes[rdb_thread_stripe()].inside, 1, memory_order_release);
}

/* Returns when nobody is inside; nobody comes in until it is opened. */
static void close_gate(wal_gate *gate)
{
    atomic_store(&gate->is_closed, 1);
    for (unsigned i = 0; i < RDB_STRIPES; i++) {
        for (uint32_t tries = 0; atomic_load(&gate->stripes[i].inside) != 0; tries++) {
            if (tries < 100)
                rdb_cpu_relax();
            else if (tries < 1000)
                sched_yield();
            else
                rdb_time_sleep_us(100);
        }
    }
}

static void open_gate(wal_gate *gate)
{
    atomic_store(&gate->is_closed, 0);
    rdb_futex_wake(&gate->is_closed, UINT32_MAX);
}

void rdb_wal_gate_enter(rdb_wal *wal)
{
    enter(&wal->gate);
}

void rdb_wal_gate_leave(rdb_wal *wal)
{
    leave(&wal->gate);
}

rdb_lsn rdb_wal_hold_redo_point(rdb_wal *wal)
{
    enter(&wal->references);
    return rdb_wal_redo_point(wal);
}

void rdb_wal_let_redo_point(rdb_wal *wal)
{
    leave(&wal->references);
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
    close_gate(&wal->references);
    close_gate(&wal->gate);
    rdb_lsn point = atomic_load(&wal->insert_lsn);
    atomic_store(&wal->redo_point, point);
    open_gate(&wal->gate);
    open_gate(&wal->references);
    rdb_mutex_unlock(&wal->gate_lock);
    return point;
}
