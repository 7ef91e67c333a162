/* SPDX-License-Identifier: Apache-2.0
 * Who may open the instance: flock on run/lock, which the system drops with the process however it ends; so no stale lock
 * can be left behind. The file's text says who holds it. */
#include "instance/rdb_instance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

struct rdb_instance_lock {
    int fd;
    char pid_path[PATH_MAX];
};

static int open_lock(const char *home, bool create, rdb_error *err)
{
    char path[PATH_MAX];
    if (!rdb_instance_path(home, "run/lock", path, sizeof path, err))
        return -1;
    int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
    if (fd < 0 && (create || errno != ENOENT))
        rdb_error_set_errno(err, errno, "could not open \"%s\"", path);
    return fd;
}

static int64_t read_holder(int fd)
{
    char text[64] = "";
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    return got > 0 ? strtoll(text, NULL, 10) : 0;
}

bool rdb_instance_lock_take(rdb_instance_lock **lock_out, const char *home, const char *program, rdb_error *err)
{
    *lock_out = NULL;
    rdb_instance_lock *lock = calloc(1, sizeof *lock);
    if (lock == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    lock->fd = open_lock(home, true, err);
    if (lock->fd < 0 || !rdb_instance_path(home, "run/rustydb.pid", lock->pid_path, sizeof lock->pid_path, err))
        goto failed;
    /* Whoever asks who holds it takes the lock for a moment: that is not a holder, so a refusal is asked again for a while. */
    int refused = -1;
    for (int attempt = 0; attempt < 10 && (refused = flock(lock->fd, LOCK_EX | LOCK_NB)) != 0 && errno == EWOULDBLOCK; attempt++)
        rdb_time_sleep_us(5000);
    if (refused != 0) {
        if (errno != EWOULDBLOCK) {
            rdb_error_set_errno(err, errno, "could not lock \"%s\"", home);
            goto failed;
        }
        rdb_error_set(err, RDB_OBJECT_IN_USE, "another program (PID %lld) is running on this instance", (long long)read_holder(lock->fd));
        rdb_error_detail(err, "It holds \"%s/run/lock\".", home);
        rdb_error_hint(err, "Stop it with: rdb-serve --home %s --stop", home);
        goto failed;
    }
    char text[128];
    int length = snprintf(text, sizeof text, "%lld\n%s\n", (long long)getpid(), program);
    if (ftruncate(lock->fd, 0) != 0 || pwrite(lock->fd, text, (size_t)length, 0) != length) {
        rdb_error_set_errno(err, errno, "could not write \"%s/run/lock\"", home);
        goto failed;
    }
    length = snprintf(text, sizeof text, "%lld\n", (long long)getpid());
    if (!rdb_path_write_atomic(lock->pid_path, text, (size_t)length, 0600, err))
        goto failed;
    *lock_out = lock;
    return true;
failed:
    if (lock->fd >= 0)
        close(lock->fd);
    free(lock);
    return false;
}

void rdb_instance_lock_release(rdb_instance_lock **lock)
{
    if (*lock == NULL)
        return;
    rdb_error ignored = {0};
    if (!rdb_path_remove((*lock)->pid_path, true, &ignored))
        rdb_error_clear(&ignored);
    close((*lock)->fd);
    free(*lock);
    *lock = NULL;
}

bool rdb_instance_holder(const char *home, int64_t *pid, rdb_error *err)
{
    *pid = 0;
    int fd = open_lock(home, false, err);
    if (fd < 0)
        return !rdb_error_is_set(err);
    if (flock(fd, LOCK_SH | LOCK_NB) != 0)
        *pid = read_holder(fd);
    close(fd); /* gives the lock back too */
    return true;
}
