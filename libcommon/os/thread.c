/* SPDX-License-Identifier: Apache-2.0
 * Threads and futexes. A thread started here takes no signals: they belong to the main thread, which decides. */
#include "os/os_int.h"

#include <malloc.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PROMPT_SLICE_NS UINT64_C(100000) /* the shortest that there is */
#define STACK_BYTES ((size_t)8 << 20)

struct rdb_thread {
    pthread_t thread;
    void (*run)(void *argument);
    void *argument;
    char name[16];
};

static void *thread_main(void *argument)
{
    rdb_thread *thread = argument;
    pthread_setname_np(pthread_self(), thread->name);
    os_worker worker;
    os_worker_begin(&worker, thread->name);
    thread->run(thread->argument);
    os_worker_end(&worker);
    return NULL;
}

bool rdb_thread_start(rdb_thread **thread, const char *name, void (*run)(void *argument), void *argument, rdb_error *err)
{
    *thread = NULL;
    rdb_thread *started = malloc(sizeof *started);
    if (started == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    started->run = run;
    started->argument = argument;
    snprintf(started->name, sizeof started->name, "%s", name);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int reason = pthread_create(&started->thread, &attributes, thread_main, started);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (reason != 0) {
        free(started);
        rdb_error_set(err, RDB_INSUFFICIENT_RESOURCES, "could not start thread \"%s\"", name);
        return rdb_error_detail(err, "pthread_create: %s.", strerror(reason));
    }
    *thread = started;
    return true;
}

void rdb_thread_trim_memory(void)
{
    malloc_trim(0);
}

void rdb_thread_join(rdb_thread **thread)
{
    if (*thread == NULL)
        return;
    pthread_join((*thread)->thread, NULL);
    free(*thread);
    *thread = NULL;
}

_Thread_local rdb_usage rdb_thread_usage __attribute__((tls_model("initial-exec")));

static _Thread_local struct {
    const rdb_sleep_watch *watch;
    unsigned depth;
} sleeping;

void rdb_thread_watch_sleep(const rdb_sleep_watch *watch)
{
    sleeping.watch = watch;
    sleeping.depth = 0;
}

void rdb_thread_sleep_begin(void)
{
    if (sleeping.watch != NULL && sleeping.depth++ == 0)
        sleeping.watch->begins(sleeping.watch->context);
}

void rdb_thread_sleep_end(void)
{
    if (sleeping.watch != NULL && --sleeping.depth == 0)
        sleeping.watch->ends(sleeping.watch->context);
}

/* What sched_setattr(2) takes, in its first form; the kernel's header for it and the C library's <sched.h> do not go together. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period; /* ns; Linux 6.12 and later: runtime is the slice of an ordinary task */
};
_Static_assert(sizeof(struct scheduling) == 48, "SCHED_ATTR_SIZE_VER0");

static bool get_scheduling(struct scheduling *own)
{
    return syscall(SYS_sched_getattr, 0, own, sizeof *own, 0) == 0;
}

/* A task that is woken, and is owed time, takes the processor from one whose slice is longer; from others it gets it when their slice
 * is over. */
void rdb_thread_be_prompt(void)
{
    struct scheduling own;
    if (!get_scheduling(&own))
        return;
    own.runtime = PROMPT_SLICE_NS;
    (void)syscall(SYS_sched_setattr, 0, &own, 0); /* refused: it is as prompt as before */
}

int64_t rdb_thread_slice_us(void)
{
    struct scheduling own;
    return get_scheduling(&own) ? (int64_t)(own.runtime / 1000) : 0;
}

static _Thread_local unsigned stripe_plus_one;

void rdb_thread_set_stripe(unsigned stripe)
{
    stripe_plus_one = stripe % RDB_STRIPES + 1;
}

unsigned rdb_thread_stripe(void)
{
    static _Atomic unsigned next_stripe; /* relaxed: any spread is good */
    if (stripe_plus_one == 0)
        stripe_plus_one = atomic_fetch_add_explicit(&next_stripe, 1, memory_order_relaxed) % RDB_STRIPES + 1;
    return stripe_plus_one - 1;
}

void rdb_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t timeout_us)
{
    struct timespec timeout = {.tv_sec = timeout_us / 1000000, .tv_nsec = timeout_us % 1000000 * 1000};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_us < 0 ? NULL : &timeout, NULL, 0);
}

void rdb_futex_wake(_Atomic uint32_t *word, uint32_t count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count > INT_MAX ? INT_MAX : (int)count, NULL, NULL, 0);
}
