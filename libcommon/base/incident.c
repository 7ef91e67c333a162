/* SPDX-License-Identifier: Apache-2.0
 * Incidents. All that runs in the handler is system calls on buffers that are there: no memory is asked for, no lock taken, and it
 * writes once even when it crashes itself (the handlers are gone by then). backtrace() is called once before, which loads what it needs. */
#include "base/rdb_incident.h"

#include "base/rdb_log.h"
#include "base/rdb_options.h"

#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FRAMES_MAX 64
#define KINDS_MAX 16
#define QUIET_SECONDS 60
#define THREADS_MAX 64

static const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
static char directory[PATH_MAX - 128]; /* empty: nothing is watched */
static char reason[512];
static struct sigaction before[RDB_COUNT_OF(SIGNALS)];
static uint8_t handler_stack[1 << 16] __attribute__((aligned(16)));

static struct {
    char name[32];
    int64_t noted_s;
} kinds[KINDS_MAX];
static pthread_mutex_t kinds_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- writing, also from a handler --------------------------------------------------------------------------------------------------- */
static void put(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t done = write(fd, text, left);
        if (done <= 0)
            return;
        text += done;
        left -= (size_t)done;
    }
}

static void put_number(int fd, uint64_t value, unsigned base)
{
    char digits[24], *at = digits + sizeof digits - 1;
    *at = '\0';
    do
        *--at = "0123456789abcdef"[value % base];
    while ((value /= base) > 0);
    put(fd, at);
}

static char *add(char *at, const char *text)
{
    while (*text != '\0')
        *at++ = *text++;
    return at;
}

static char *add_digits(char *at, int64_t value, int width)
{
    for (int i = width; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + width;
}

/* 20261121T101500Z, by the civil calendar (gmtime takes locks). Source: H. Hinnant, "chrono-compatible low-level date algorithms". */
static char *add_time(char *at, int64_t seconds)
{
    const int64_t day = seconds / 86400, z = day + 719468, era = z / 146097, doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    const int64_t month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);
    at = add_digits(at, year, 4);
    at = add_digits(at, month, 2);
    at = add_digits(at, doy - (153 * mp + 2) / 5 + 1, 2);
    *at++ = 'T';
    at = add_digits(at, seconds / 3600 % 24, 2);
    at = add_digits(at, seconds / 60 % 60, 2);
    at = add_digits(at, seconds % 60, 2);
    *at++ = 'Z';
    return at;
}

static int open_incident(const char *kind, char path[PATH_MAX], char when[24])
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char *end = add_time(when, now.tv_sec);
    *end = '\0';
    char *at = add(add(path, directory), "/incident-");
    at = add(add(at, when), "-");
    char pid[24], *digits = pid + sizeof pid - 1;
    *digits = '\0';
    for (uint64_t value = (uint64_t)getpid(); value > 0; value /= 10)
        *--digits = (char)('0' + value % 10);
    at = add(add(add(add(at, digits), "-"), kind), ".txt");
    *at = '\0';
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/* Name and state of each thread: /proc/self/task/N/stat. */
static void put_threads(int fd)
{
    char entries[8192], path[64], stat[256];
    int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long length = tasks >= 0 ? syscall(SYS_getdents64, tasks, entries, sizeof entries) : 0;
    unsigned count = 0;
    put(fd, "threads:\n");
    for (long at = 0; at < length && count < THREADS_MAX;) {
        const char *name = entries + at + 19;
        at += *(const unsigned short *)(const void *)(entries + at + 16);
        if (name[0] == '.')
            continue;
        *add(add(add(path, "/proc/self/task/"), name), "/stat") = '\0';
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = file >= 0 ? read(file, stat, 64) : 0;
        if (file >= 0)
            close(file);
        if (got <= 0)
            continue;
        stat[got] = '\0';
        char *end = strchr(stat, ')');
        if (end != NULL && end[1] == ' ')
            end[3] = '\0';
        put(fd, "  ");
        put(fd, stat);
        put(fd, "\n");
        count++;
    }
    if (tasks >= 0)
        close(tasks);
}

static void write_incident(int fd, const char *kind, const char *when, const char *why)
{
    void *frames[FRAMES_MAX];
    put(fd, "kind: ");
    put(fd, kind);
    put(fd, "\ntime: ");
    put(fd, when);
    put(fd, "\nprogram: ");
    put(fd, program_invocation_short_name);
    put(fd, " ");
    put(fd, rdb_version());
    put(fd, "\npid: ");
    put_number(fd, (uint64_t)getpid(), 10);
    put(fd, "\nthread: ");
    put_number(fd, (uint64_t)syscall(SYS_gettid), 10);
    put(fd, "\nreason: ");
    put(fd, why);
    put(fd, "\nstack:\n");
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), fd);
    put_threads(fd);
    put(fd, "messages:\n");
    rdb_log_dump_recent(fd);
}

/* ---- crashes ------------------------------------------------------------------------------------------------------------------------------ */
static const char *signal_name(int signal_no)
{
    switch (signal_no) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    default: return "SIGABRT";
    }
}

static void on_crash(int signal_no, siginfo_t *info, void *context)
{
    static atomic_flag taken = ATOMIC_FLAG_INIT;
    char path[PATH_MAX], when[24], why[640], *at = why;
    (void)context;
    for (size_t i = 0; i < RDB_COUNT_OF(SIGNALS); i++)
        sigaction(SIGNALS[i], &before[i], NULL);
    if (!atomic_flag_test_and_set(&taken)) {
        int fd = open_incident("crash", path, when);
        at = add(at, signal_name(signal_no));
        if (reason[0] != '\0')
            at = add(add(at, ": "), reason);
        *at = '\0';
        if (fd >= 0) {
            write_incident(fd, "crash", when, why);
            if (signal_no == SIGSEGV || signal_no == SIGBUS) {
                put(fd, "address: 0x");
                put_number(fd, (uint64_t)(uintptr_t)info->si_addr, 16);
                put(fd, "\n");
            }
            close(fd);
        }
    }
    raise(signal_no);
}

void rdb_incident_set_reason(const char *text)
{
    snprintf(reason, sizeof reason, "%s", text);
}

/* ---- pruning ------------------------------------------------------------------------------------------------------------------------------ */
static int is_incident(const struct dirent *entry)
{
    return strncmp(entry->d_name, "incident-", 9) == 0;
}

static void drop_oldest(void)
{
    struct dirent **names = NULL;
    int count = scandir(directory, &names, is_incident, alphasort); /* names begin with their time */
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX + 256];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]->d_name);
        if (count - i >= RDB_INCIDENTS_MAX)
            (void)unlink(path);
        free(names[i]);
    }
    free(names);
}

/* ---- life ---------------------------------------------------------------------------------------------------------------------------------- */
void rdb_incident_watch(const char *path)
{
    void *frame[1];
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    if (strlen(path) >= sizeof directory)
        return;
    snprintf(directory, sizeof directory, "%s", path);
    drop_oldest();
    (void)backtrace(frame, 1);
    sigaltstack(&stack, NULL); /* of this thread; the others use their own stacks */
    for (size_t i = 0; i < RDB_COUNT_OF(SIGNALS); i++)
        sigaction(SIGNALS[i], &action, &before[i]);
}

void rdb_incident_unwatch(void)
{
    if (directory[0] == '\0')
        return;
    for (size_t i = 0; i < RDB_COUNT_OF(SIGNALS); i++)
        sigaction(SIGNALS[i], &before[i], NULL);
    directory[0] = '\0';
}

/* Has the kind its turn? */
static bool take_turn(const char *kind)
{
    struct timespec now;
    bool ok = false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&kinds_lock);
    for (size_t i = 0; i < KINDS_MAX; i++) {
        if (kinds[i].name[0] != '\0' && strcmp(kinds[i].name, kind) != 0)
            continue;
        ok = kinds[i].name[0] == '\0' || now.tv_sec - kinds[i].noted_s >= QUIET_SECONDS;
        snprintf(kinds[i].name, sizeof kinds[i].name, "%s", kind);
        if (ok)
            kinds[i].noted_s = now.tv_sec;
        break;
    }
    pthread_mutex_unlock(&kinds_lock);
    return ok;
}

void rdb_incident_note(const char *kind, const char *format, ...)
{
    char path[PATH_MAX], when[24], why[512];
    va_list arguments;
    if (directory[0] == '\0' || !take_turn(kind))
        return;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    for (char *at = why; *at != '\0'; at++)
        if (*at == '\n')
            *at = ' ';
    drop_oldest();
    int fd = open_incident(kind, path, when);
    if (fd < 0)
        return;
    write_incident(fd, kind, when, why);
    close(fd);
}
