/* SPDX-License-Identifier: Apache-2.0
 * See rdb_process.h. The child is made by posix_spawn, which copies no memory: the parent may be a server of many gigabytes. */
#include "os/rdb_process.h"

#include "os/rdb_os.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* True: the child has ended and *status says how. */
static bool has_ended(pid_t child, int *status)
{
    int raw = 0;
    pid_t got = waitpid(child, &raw, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR))
        return false;
    *status = got < 0 ? 127 : WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    return true;
}

bool rdb_process_run_shell(const char *command, bool (*give_up)(void *context), void *context, int *status, rdb_error *err)
{
    enum { LOOK_US = 5000, MERCY_US = 1000000 };
    char *arguments[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    pid_t child = 0;
    int64_t asked_us = 0;
    bool killed = false;
    *status = 0;
    sigemptyset(&none);
    sigfillset(&defaults);
    int code = posix_spawnattr_init(&attributes);
    if (code == 0) {
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &defaults);
        code = posix_spawn(&child, "/bin/sh", NULL, &attributes, arguments, environ);
        posix_spawnattr_destroy(&attributes);
    }
    if (code != 0) {
        rdb_error_set(err, RDB_SYSTEM_ERROR, "could not run a command");
        return rdb_error_detail(err, "Command \"%s\": %s.", command, strerror(code));
    }
    while (!has_ended(child, status)) {
        int64_t now_us = rdb_time_monotonic_us();
        if (asked_us == 0 && give_up != NULL && give_up(context)) {
            kill(-child, SIGTERM);
            asked_us = now_us;
        } else if (asked_us != 0 && !killed && now_us - asked_us > MERCY_US) {
            kill(-child, SIGKILL);
            killed = true;
        }
        rdb_time_sleep_us(LOOK_US);
    }
    if (asked_us == 0)
        return true;
    rdb_error_set(err, RDB_QUERY_CANCELED, "a command was given up");
    return rdb_error_detail(err, "Command \"%s\".", command);
}

/* ioprio_set has no wrapper: whose 1 (a process), class 2 (ordinary) in the bits from 13 on, priority 7 of 0 to 7. */
void rdb_process_step_back(void)
{
    enum { WHO_PROCESS = 1, CLASS_ORDINARY = 2, CLASS_SHIFT = 13, LOWEST = 7, STEPS = 10 };
    (void)setpriority(PRIO_PROCESS, 0, STEPS + RDB_MAX(getpriority(PRIO_PROCESS, 0), 0));
    (void)syscall(SYS_ioprio_set, WHO_PROCESS, 0, CLASS_ORDINARY << CLASS_SHIFT | LOWEST);
}
