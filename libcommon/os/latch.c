/* SPDX-License-Identifier: Apache-2.0
 * Latches. The word is drawn in rdb_thread.h. Sleepers wait on its low half (the first four bytes: little-endian), so
 * every change of holders or of the contended bit is seen by the kernel's comparison.
 *
 * What always holds: a sleeper has set the contended bit in the very word it went to sleep on; whoever makes the latch
 * free (the exclusive holder, or the last shared one) clears the bit and wakes all sleepers, who compete anew. Readers
 * that meet sleeping writers let them pass for a while before they push in, so that neither side starves and a reader
 * never depends on a writer that waits for another reader. */
#include "os/rdb_thread.h"
#include "os/rdb_wait.h"

#define EXCLUSIVE UINT64_C(1)
#define CONTENDED UINT64_C(2)
#define ONE_SHARED UINT64_C(4)
#define SHARED_MASK UINT64_C(0xFFFC)
#define ONE_VERSION UINT64_C(0x10000)
#define VERSION_SHIFT 16

#define SPINS 100
#define POLITE_SPINS 50

static _Atomic uint32_t *low_half(rdb_latch *latch)
{
    return (_Atomic uint32_t *)(void *)&latch->word;
}

void rdb_latch_init(rdb_latch *latch)
{
    atomic_init(&latch->word, 0);
}

/* Returns when the word may have changed from seen. */
static void sleep_on(rdb_latch *latch, uint64_t seen)
{
    if ((seen & CONTENDED) == 0 &&
        !atomic_compare_exchange_strong_explicit(&latch->word, &seen, seen | CONTENDED, memory_order_relaxed,
                                                 memory_order_relaxed))
        return;
    const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_LATCH);
    rdb_futex_wait(low_half(latch), (uint32_t)(seen | CONTENDED), -1);
    rdb_wait_end(mark);
}

static void wake_sleepers(rdb_latch *latch)
{
    atomic_fetch_and_explicit(&latch->word, ~CONTENDED, memory_order_relaxed);
    rdb_futex_wake(low_half(latch), UINT32_MAX);
}

/* The holder's writes must not be seen by an optimistic reader before the exclusive bit is. */
static void order_after_exclusive(void)
{
#if !defined(__SANITIZE_THREAD__)
    atomic_thread_fence(memory_order_release);
#endif
}

static bool take_exclusive(rdb_latch *latch, uint64_t word)
{
    if (!atomic_compare_exchange_strong_explicit(&latch->word, &word, word | EXCLUSIVE, memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    order_after_exclusive();
    return true;
}

bool rdb_latch_try_exclusive(rdb_latch *latch)
{
    uint64_t word;
    do {
        word = atomic_load_explicit(&latch->word, memory_order_relaxed);
        if ((word & (EXCLUSIVE | SHARED_MASK)) != 0)
            return false;
    } while (!take_exclusive(latch, word));
    return true;
}

void rdb_latch_lock_exclusive(rdb_latch *latch)
{
    for (unsigned spin = 0;; spin++) {
        if (rdb_latch_try_exclusive(latch))
            return;
        if (spin < SPINS) {
            rdb_cpu_relax();
            continue;
        }
        uint64_t word = atomic_load_explicit(&latch->word, memory_order_relaxed);
        if ((word & (EXCLUSIVE | SHARED_MASK)) != 0)
            sleep_on(latch, word);
    }
}

static bool try_shared(rdb_latch *latch, bool polite)
{
    uint64_t word = atomic_load_explicit(&latch->word, memory_order_relaxed);
    while ((word & EXCLUSIVE) == 0) {
        if (polite && (word & CONTENDED) != 0)
            return false;
        RDB_VERIFY((word & SHARED_MASK) != SHARED_MASK);
        if (atomic_compare_exchange_weak_explicit(&latch->word, &word, word + ONE_SHARED, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

bool rdb_latch_try_shared(rdb_latch *latch)
{
    return try_shared(latch, false);
}

void rdb_latch_lock_shared(rdb_latch *latch)
{
    for (unsigned spin = 0;; spin++) {
        if (try_shared(latch, spin < POLITE_SPINS))
            return;
        if (spin < SPINS) {
            rdb_cpu_relax();
            continue;
        }
        uint64_t word = atomic_load_explicit(&latch->word, memory_order_relaxed);
        if ((word & EXCLUSIVE) != 0)
            sleep_on(latch, word);
    }
}

void rdb_latch_unlock_shared(rdb_latch *latch)
{
    uint64_t before = atomic_fetch_sub_explicit(&latch->word, ONE_SHARED, memory_order_release);
    RDB_ASSERT((before & SHARED_MASK) != 0);
    if ((before & SHARED_MASK) == ONE_SHARED && (before & CONTENDED) != 0)
        wake_sleepers(latch);
}

void rdb_latch_unlock_exclusive(rdb_latch *latch)
{
    /* Nobody else changes anything but the contended bit meanwhile, so one addition clears bit 0 and counts a version. */
    uint64_t before = atomic_fetch_add_explicit(&latch->word, ONE_VERSION - EXCLUSIVE, memory_order_release);
    RDB_ASSERT((before & EXCLUSIVE) != 0);
    if ((before & CONTENDED) != 0)
        wake_sleepers(latch);
}

bool rdb_latch_read_begin(const rdb_latch *latch, uint64_t *version)
{
    uint64_t word = atomic_load_explicit(&latch->word, memory_order_acquire);
    *version = word >> VERSION_SHIFT;
    return (word & EXCLUSIVE) == 0;
}

bool rdb_latch_read_validate(const rdb_latch *latch, uint64_t version)
{
#if defined(__SANITIZE_THREAD__)
    /* the thread sanitizer does not know fences; an addition of nothing orders as much for it */
    uint64_t word = atomic_fetch_add_explicit(&((rdb_latch *)(uintptr_t)latch)->word, 0, memory_order_acq_rel);
#else
    atomic_thread_fence(memory_order_acquire); /* what was read stays before this look at the word */
    uint64_t word = atomic_load_explicit(&latch->word, memory_order_relaxed);
#endif
    return word >> VERSION_SHIFT == version && (word & EXCLUSIVE) == 0;
}

bool rdb_latch_upgrade(rdb_latch *latch, uint64_t version)
{
    uint64_t word;
    do { /* the contended bit may come or go meanwhile; anything else ends it */
        word = atomic_load_explicit(&latch->word, memory_order_relaxed);
        if (word >> VERSION_SHIFT != version || (word & (EXCLUSIVE | SHARED_MASK)) != 0)
            return false;
    } while (!take_exclusive(latch, word));
    return true;
}
