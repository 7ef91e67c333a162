/* SPDX-License-Identifier: Apache-2.0
 * Room os, for its own files: the system calls of the file layer as they look when fault injection is armed. Unarmed,
 * file.c and path.c make the plain system call after one relaxed load. */
#ifndef RDB_OS_INT_H
#define RDB_OS_INT_H

#include "os/rdb_fault.h"
#include "os/rdb_os.h"

#include "os/rdb_wait.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/types.h>

extern _Atomic bool os_fault_is_armed; /* relaxed: arming while others do I/O may miss a call, which is the test's affair */

static inline bool os_fault_armed(void)
{
    return __builtin_expect(atomic_load_explicit(&os_fault_is_armed, memory_order_relaxed), 0);
}

/* A sync below the guarded directory failed. */
void os_tell_sync_failure(const char *path, const rdb_error *err);

/* As the calls they are named after, -1 with errno on failure. */
int os_fault_open(const char *path, int flags, unsigned mode);
ssize_t os_fault_read(int fd, const char *path, void *buffer, size_t bytes, off_t offset);
ssize_t os_fault_write(int fd, const char *path, const void *buffer, size_t bytes, off_t offset);
int os_fault_sync(int fd, const char *path);
int os_fault_truncate(int fd, const char *path, off_t bytes);
int os_fault_rename(const char *from, const char *to);
int os_fault_remove(const char *path);
int os_fault_make_directory(const char *path, unsigned mode);
int os_fault_sync_directory(int fd, const char *path);
int os_fault_list(const char *path); /* before a directory is read */

/* A thread's own entry among the workers (wait.c); on its stack, from its first line to its last. */
typedef struct os_worker {
    struct os_worker *next;
    const char *name;
    int32_t tid;
    int64_t start_us;
    rdb_waiter waiter;
    bool is_listed;
} os_worker;
void os_worker_begin(os_worker *worker, const char *name);
void os_worker_end(os_worker *worker);

#endif
