/* SPDX-License-Identifier: Apache-2.0
 * Threads, mutexes with ranks, conditions, latches, events. */
#ifndef RDB_THREAD_H
#define RDB_THREAD_H

#include "base/rdb_base.h"
#include <pthread.h>
#include <stdatomic.h>

typedef struct rdb_thread rdb_thread;
/* name: at most 15 characters, shown by top and gdb. The stack has 8 MiB less a guard. */
RDB_CHECKED bool rdb_thread_start(rdb_thread **thread, const char *name, void (*run)(void *argument), void *argument, rdb_error *err);
/* The calling thread works for some microseconds at a time and others wait for it: from now on it gets a processor as soon as it is woken,
 * where the system knows slices (Linux 6.12). */
void rdb_thread_be_prompt(void);
int64_t rdb_thread_slice_us(void); /* of the calling thread; 0: the system knows none */
void rdb_thread_trim_memory(void); /* gives the system back what freed memory holds: after many threads have ended */
void rdb_thread_join(rdb_thread **thread); /* NULL inside is fine; becomes NULL */

/* A mutex carries its rank: debug builds stop at once when a thread locks a mutex whose rank is not above the ranks of
 * those it holds. The ranks are listed once, in libcommon/README.md, and here. */
typedef enum rdb_lock_rank {
    RDB_RANK_SESSION = 10,
    RDB_RANK_COMMAND = 20,
    RDB_RANK_CATALOG = 30,
    RDB_RANK_CHECKPOINT = 35,
    RDB_RANK_FLUSH = 37,
    RDB_RANK_UPKEEP = 40,
    RDB_RANK_TXN = 50,
    RDB_RANK_LOCK_TABLE = 55,
    RDB_RANK_UNDO = 60,
    RDB_RANK_STORAGE_RELATION = 70,
    RDB_RANK_BUFFER = 75,
    RDB_RANK_STORAGE_FILE = 80,
    RDB_RANK_WAL = 90,
    RDB_RANK_WAL_FILE = 95,
    RDB_RANK_TASK = 100,
    RDB_RANK_LOG = 110,
    RDB_RANK_LEAF = 120 /* guards a few lines that call nothing */
} rdb_lock_rank;

typedef struct rdb_mutex {
    _Atomic uint32_t word; /* 0 free, 1 locked, 2 locked and somebody may sleep on it */
    uint8_t rank;
} rdb_mutex;
void rdb_mutex_init(rdb_mutex *mutex, rdb_lock_rank rank);
void rdb_mutex_deinit(rdb_mutex *mutex);
void rdb_mutex_lock(rdb_mutex *mutex);
bool rdb_mutex_try_lock(rdb_mutex *mutex);
void rdb_mutex_unlock(rdb_mutex *mutex);

/* Who waits looks at what he waits for again: he may be woken for nothing. What is waited for changes under the mutex; the signal may follow
 * when it is given up. */
typedef struct rdb_condition {
    _Atomic uint32_t word;    /* changes with every signal; who waits sleeps on it */
    _Atomic uint32_t waiting; /* grows under the mutex */
} rdb_condition;
void rdb_condition_init(rdb_condition *condition);
void rdb_condition_deinit(rdb_condition *condition);
void rdb_condition_wait(rdb_condition *condition, rdb_mutex *mutex);
/* False when timeout_us passed first. */
bool rdb_condition_wait_for(rdb_condition *condition, rdb_mutex *mutex, int64_t timeout_us);
void rdb_condition_signal(rdb_condition *condition);
void rdb_condition_broadcast(rdb_condition *condition);

/* A latch guards a page or a small structure for microseconds: shared or exclusive, or read optimistically. One 64-bit
 * word: bit 0 exclusive, bit 1 contended, bits 2..15 shared holders, bits 16..63 version. The version grows at every
 * exclusive release, so that a reader that took no lock can tell whether what it read was whole. Waiters spin a little,
 * then sleep on a futex; not fair, not recursive, no deadlock detection: order is the caller's (leaf, heap, undo, xact). */
typedef struct rdb_latch {
    _Atomic uint64_t word;
} rdb_latch;
void rdb_latch_init(rdb_latch *latch);
void rdb_latch_lock_shared(rdb_latch *latch);
void rdb_latch_lock_exclusive(rdb_latch *latch);
bool rdb_latch_try_exclusive(rdb_latch *latch);
bool rdb_latch_try_shared(rdb_latch *latch);
void rdb_latch_unlock_shared(rdb_latch *latch);
void rdb_latch_unlock_exclusive(rdb_latch *latch);
/* Optimistic reading: *version for a later validate; false while someone holds it exclusively. What is read between
 * the two may be torn: copy, bound every offset, and use nothing before validate said true. */
bool rdb_latch_read_begin(const rdb_latch *latch, uint64_t *version);
bool rdb_latch_read_validate(const rdb_latch *latch, uint64_t version);
/* From an optimistic read to exclusive, true only where nothing changed since *version was taken. */
bool rdb_latch_upgrade(rdb_latch *latch, uint64_t version);

/* Sleep until *word is no longer expected, a wake, a signal, or timeout_us (negative: no limit). May wake early. */
void rdb_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t timeout_us);
void rdb_futex_wake(_Atomic uint32_t *word, uint32_t count); /* UINT32_MAX: all */
static inline void rdb_cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}
/* Who hands work to threads may want to know when one of them is going to sleep in the middle of it (for a lock, for the disk, for a
 * client), so that another can take its place meanwhile. Waits tell it: sleep_begin and sleep_end nest; without a watch they cost a
 * look at a variable of the thread. */
typedef struct rdb_sleep_watch {
    void (*begins)(void *context);
    void (*ends)(void *context);
    void *context;
} rdb_sleep_watch;
void rdb_thread_watch_sleep(const rdb_sleep_watch *watch); /* of the calling thread, from now on; NULL: nobody watches */
void rdb_thread_sleep_begin(void);
void rdb_thread_sleep_end(void);

/* A small number of the calling thread, for striped counters: 0 .. RDB_STRIPES - 1. */
#define RDB_STRIPES 16
unsigned rdb_thread_stripe(void);
void rdb_thread_set_stripe(unsigned stripe); /* from now on; for who serves one session now, another then: it finds its own places again */

/* What the calling thread has used since it began, for who measures a piece of work by the difference: a statement may go on with
 * another thread, so only between two points without a suspension. Counted in blocks, temporary files in bytes. */
typedef struct rdb_usage {
    uint64_t blocks_hit, blocks_read, blocks_dirtied, blocks_written;
    uint64_t temp_bytes_read, temp_bytes_written;
    uint64_t wal_records, wal_images, wal_bytes;
    uint64_t blocks_extended;
    uint64_t read_us, write_us, temp_read_us, temp_write_us; /* in reads and writes of relations and of temporary files */
} rdb_usage;
extern _Thread_local rdb_usage rdb_thread_usage __attribute__((tls_model("initial-exec")));

#endif
