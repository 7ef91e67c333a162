/* SPDX-License-Identifier: Apache-2.0
 * What a small query meets while others work: a child process asks for one row of the catalog a hundred times a second and writes down how
 * long each answer took. */
#include "os/rdb_os.h"
#include "vacuum.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAUSE_US = 10000, ANSWERS_MIN = 50, ANSWERS_MAX = 8192 };

struct vacuum_probe {
    pid_t pid;
    int fd; /* 4 bytes an answer, in microseconds */
};

static _Noreturn void ask(const vacuum_run *run, int fd)
{
    vacuum_run own = *run;
    rdb_error err = {0};
    int exit_code;
    own.client = NULL;
    own.arena = rdb_arena_create("probe", NULL, NULL);
    if (own.arena == NULL || !vacuum_connect(&own, run->database, &exit_code, &err))
        _exit(1);
    for (;;) {
        rdb_list rows = {0};
        const int64_t begin_us = rdb_time_monotonic_us();
        rdb_arena_reset(own.arena);
        if (rdb_client_interrupted || getppid() == 1 || !vacuum_query(&own, "select relname from pg_catalog.pg_class where oid = 1259", &rows, &err))
            _exit(0);
        const uint32_t took_us = (uint32_t)(rdb_time_monotonic_us() - begin_us);
        if (write(fd, &took_us, sizeof took_us) < 0 && errno == EPIPE)
            _exit(0);
        rdb_time_sleep_us(PAUSE_US);
    }
}

bool vacuum_probe_start(vacuum_probe **opened, const vacuum_run *run, rdb_error *err)
{
    int ends[2];
    *opened = NULL;
    if (run->place.server_pid != 0) /* a server of our own: nobody is disturbed */
        return true;
    vacuum_probe *probe = malloc(sizeof *probe);
    if (probe == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        free(probe);
        return rdb_error_set(err, RDB_INSUFFICIENT_RESOURCES, "no pipe could be made");
    }
    probe->fd = ends[0];
    probe->pid = fork();
    if (probe->pid == 0) {
        close(ends[0]);
        ask(run, ends[1]);
    }
    close(ends[1]);
    *opened = probe;
    if (probe->pid > 0)
        return true;
    vacuum_probe_stop(opened);
    return rdb_error_set(err, RDB_INSUFFICIENT_RESOURCES, "no process could be started");
}

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int64_t vacuum_probe_p99_us(vacuum_probe *probe)
{
    static uint32_t answers[ANSWERS_MAX];
    uint32_t count = 0;
    while (count < ANSWERS_MAX && read(probe->fd, &answers[count], sizeof answers[0]) == sizeof answers[0])
        count++;
    if (count < ANSWERS_MIN)
        return 0;
    qsort(answers, count, sizeof answers[0], compare);
    return answers[(uint64_t)count * 99 / 100];
}

void vacuum_probe_stop(vacuum_probe **opened)
{
    vacuum_probe *probe = *opened;
    int status;
    *opened = NULL;
    if (probe == NULL)
        return;
    if (probe->pid > 0) {
        kill(probe->pid, SIGKILL);
        while (waitpid(probe->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    close(probe->fd);
    free(probe);
}
