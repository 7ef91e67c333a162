/* SPDX-License-Identifier: Apache-2.0
 * The application log. A line is built outside the lock and written with one call under it. When writing fails, the line
 * is lost and counted; the next one that succeeds is preceded by a line that says how many were lost.
 * This room stands below os, so it makes its own plain system calls; nothing durable hangs on them. */
#include "base/rdb_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct rdb_log {
    pthread_mutex_t lock; /* a leaf: nothing is called under it but write and rename */
    char *path RDB_SET_ONCE;
    int fd RDB_GUARDED_BY(lock);
    uint64_t bytes RDB_GUARDED_BY(lock);
    int64_t begun_s RDB_GUARDED_BY(lock); /* wall clock; of a file that was there: its birth, or its last change where none is told */
    uint64_t lost_count RDB_GUARDED_BY(lock);
    rdb_log_options options RDB_SET_ONCE;
    _Atomic int level; /* relaxed: a change may reach a thread late */
};

static rdb_log fallback_log = {.lock = PTHREAD_MUTEX_INITIALIZER,
                               .fd = STDERR_FILENO,
                               .options = {.format = RDB_LOG_TEXT, .omit_timestamps = true},
                               .level = RDB_LOG_INFO};
static rdb_log *_Atomic default_log = &fallback_log;

static const char *const LEVEL_NAMES[] = {"trace", "debug", "info", "warn", "error"};

const char *rdb_log_level_name(rdb_log_level level)
{
    return LEVEL_NAMES[level];
}

static int64_t begin_of_file(int fd, const struct stat *status)
{
    struct statx more;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &more) == 0 && (more.stx_mask & STATX_BTIME) != 0)
        return more.stx_btime.tv_sec;
    return status->st_mtim.tv_sec;
}

static bool open_file(rdb_log *log, rdb_error *err)
{
    int fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        rdb_error_set_errno(err, errno, "could not open file \"%s\"", log->path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (log->fd >= 0)
        close(log->fd);
    log->fd = fd;
    log->bytes = (uint64_t)status.st_size;
    log->begun_s = status.st_size > 0 ? begin_of_file(fd, &status) : (int64_t)time(NULL);
    return true;
}

bool rdb_log_open(rdb_log **log, const char *path, int fd, const rdb_log_options *options, rdb_error *err)
{
    *log = NULL;
    rdb_log *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    pthread_mutex_init(&opened->lock, NULL);
    opened->options = *options;
    opened->fd = path != NULL ? -1 : fd;
    atomic_init(&opened->level, (int)options->level);
    if (path != NULL) {
        opened->path = strdup(path);
        if (opened->path == NULL || !open_file(opened, err)) {
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
            free(opened->path);
            free(opened);
            return false;
        }
    }
    *log = opened;
    return true;
}

void rdb_log_close(rdb_log **log)
{
    rdb_log *closing = *log;
    *log = NULL;
    if (closing == NULL)
        return;
    if (atomic_load(&default_log) == closing)
        atomic_store(&default_log, &fallback_log);
    if (closing->path != NULL && closing->fd >= 0)
        close(closing->fd);
    pthread_mutex_destroy(&closing->lock);
    free(closing->path);
    free(closing);
}

bool rdb_log_reopen(rdb_log *log, rdb_error *err)
{
    if (log->path == NULL)
        return true;
    pthread_mutex_lock(&log->lock);
    bool ok = open_file(log, err);
    pthread_mutex_unlock(&log->lock);
    return ok;
}

void rdb_log_set_level(rdb_log *log, rdb_log_level level)
{
    atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
}

void rdb_log_set_default(rdb_log *log)
{
    atomic_store(&default_log, log != NULL ? log : &fallback_log);
}

static bool wants(rdb_log *log, rdb_log_level level)
{
    return (int)level >= atomic_load_explicit(&log->level, memory_order_relaxed);
}

bool rdb_log_wants(rdb_log_level level)
{
    return wants(atomic_load_explicit(&default_log, memory_order_acquire), level);
}

/* name.N-1 is dropped, name.k becomes name.k+1, name becomes name.1; with the lock held. */
static void rotate_files(rdb_log *log)
{
    char from[PATH_MAX], to[PATH_MAX];
    for (uint32_t old_no = log->options.files_max; old_no-- > 1;) {
        snprintf(to, sizeof to, "%s.%u", log->path, old_no);
        if (old_no == 1)
            snprintf(from, sizeof from, "%s", log->path);
        else
            snprintf(from, sizeof from, "%s.%u", log->path, old_no - 1);
        (void)rename(from, to); /* a gap in the numbers is no error */
    }
    if (log->options.files_max <= 1)
        (void)unlink(log->path);
    (void)open_file(log, NULL); /* where it fails the old file goes on */
}

/* ---- the last messages, for incidents -------------------------------------------------------------------------------------- */
enum { RECENT_LINES = 64, RECENT_BYTES = 320 };
static char recent[RECENT_LINES][RECENT_BYTES];
static uint64_t recent_count;
static pthread_mutex_t recent_lock = PTHREAD_MUTEX_INITIALIZER;

static void keep_recent(const char *line, size_t length)
{
    pthread_mutex_lock(&recent_lock);
    char *slot = recent[recent_count++ % RECENT_LINES];
    const size_t kept = RDB_MIN(length, (size_t)RECENT_BYTES - 2);
    memcpy(slot, line, kept);
    if (kept > 0 && slot[kept - 1] != '\n') {
        slot[kept] = '\n';
        slot[kept + 1] = '\0';
    } else {
        slot[kept] = '\0';
    }
    pthread_mutex_unlock(&recent_lock);
}

void rdb_log_dump_recent(int fd)
{
    const uint64_t count = recent_count;
    for (uint64_t i = count > RECENT_LINES ? count - RECENT_LINES : 0; i < count; i++) {
        const char *line = recent[i % RECENT_LINES];
        if (write(fd, line, strnlen(line, RECENT_BYTES)) < 0)
            return;
    }
}

/* With the lock held. A file of which nothing is known but that it is empty begins with this line. */
static bool is_full_or_old(rdb_log *log, size_t length)
{
    if (log->path == NULL || !log->options.rotate)
        return false;
    if (log->options.file_seconds_max == 0)
        return log->bytes > 0 && log->bytes + length > log->options.file_bytes_max;
    const int64_t now_s = (int64_t)time(NULL);
    if (log->bytes == 0)
        log->begun_s = now_s;
    return log->bytes > 0 && (log->bytes + length > log->options.file_bytes_max || now_s - log->begun_s >= log->options.file_seconds_max);
}

static void write_line(rdb_log *log, const char *line, size_t length)
{
    pthread_mutex_lock(&log->lock);
    if (is_full_or_old(log, length))
        rotate_files(log);
    if (log->lost_count > 0) {
        char told[128];
        int told_length = snprintf(told, sizeof told,
                                   log->options.format == RDB_LOG_JSON
                                       ? "{\"level\":\"warn\",\"room\":\"log\",\"message\":\"%llu lines were lost\"}\n"
                                       : "warn  log: %llu lines were lost\n",
                                   (unsigned long long)log->lost_count);
        if (write(log->fd, told, (size_t)told_length) == told_length) {
            log->lost_count = 0;
            log->bytes += (uint64_t)told_length;
        }
    }
    for (size_t done = 0; done < length;) {
        ssize_t count = write(log->fd, line + done, length - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            log->lost_count++;
            break;
        }
        done += (size_t)count;
        log->bytes += (uint64_t)count;
    }
    pthread_mutex_unlock(&log->lock);
}

void rdb_log_raw_line(rdb_log *log, const char *line, size_t length)
{
    write_line(log, line, length);
}

static void add_timestamp(rdb_strbuf *buf)
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    rdb_strbuf_addf(buf, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                    parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec / 1000);
}

static void add_json_field(rdb_strbuf *buf, const char *name, const char *text)
{
    if (buf->data[buf->length - 1] != '{')
        rdb_strbuf_addc(buf, ',');
    rdb_strbuf_addf(buf, "\"%s\":", name);
    rdb_strbuf_add_json(buf, text, strlen(text));
}

/* A line of text must stay a line, whatever a message quotes. */
static void add_text(rdb_strbuf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            rdb_strbuf_adds(buf, "\\n");
        else if ((unsigned char)*text < 0x20)
            rdb_strbuf_addf(buf, "\\x%02x", (unsigned char)*text);
        else
            rdb_strbuf_addc(buf, *text);
    }
}

static void compose(rdb_log *log, rdb_log_level level, const char *source, int line, const char *room,
                    const char *message, const rdb_error *err, const rdb_log_field *fields, size_t field_count)
{
    rdb_strbuf buf;
    rdb_strbuf_init(&buf, NULL);
    if (log->options.format == RDB_LOG_JSON) {
        rdb_strbuf_addc(&buf, '{');
        if (!log->options.omit_timestamps) {
            rdb_strbuf_adds(&buf, "\"time\":\"");
            add_timestamp(&buf);
            rdb_strbuf_addc(&buf, '"');
        }
        if (buf.failed)
            goto out;
        add_json_field(&buf, "level", LEVEL_NAMES[level]);
        add_json_field(&buf, "room", room);
        rdb_strbuf_addf(&buf, ",\"thread\":%ld", (long)syscall(SYS_gettid));
        add_json_field(&buf, "message", message);
        if (err != NULL) {
            add_json_field(&buf, "sqlstate", err->sqlstate);
            if (err->detail[0] != '\0')
                add_json_field(&buf, "detail", rdb_error_detail_text(err));
            if (err->hint[0] != '\0')
                add_json_field(&buf, "hint", err->hint);
            if (err->context != NULL)
                add_json_field(&buf, "context", err->context);
        }
        for (size_t i = 0; i < field_count; i++)
            if (fields[i].text != NULL)
                add_json_field(&buf, fields[i].name, fields[i].text);
        if (log->options.include_source && source != NULL) {
            add_json_field(&buf, "source", source);
            rdb_strbuf_addf(&buf, ",\"line\":%d", line);
        }
        rdb_strbuf_adds(&buf, "}\n");
    } else {
        if (!log->options.omit_timestamps) {
            add_timestamp(&buf);
            rdb_strbuf_addc(&buf, ' ');
        }
        rdb_strbuf_addf(&buf, "%-5s %s: ", LEVEL_NAMES[level], room);
        if (err != NULL)
            rdb_strbuf_addf(&buf, "%s ", err->sqlstate);
        add_text(&buf, message);
        if (err != NULL && err->detail[0] != '\0') {
            rdb_strbuf_adds(&buf, " | ");
            add_text(&buf, rdb_error_detail_text(err));
        }
        if (err != NULL && err->hint[0] != '\0') {
            rdb_strbuf_adds(&buf, " | ");
            add_text(&buf, err->hint);
        }
        for (size_t i = 0; i < field_count; i++)
            if (fields[i].text != NULL) {
                rdb_strbuf_addf(&buf, " | %s: ", fields[i].name);
                add_text(&buf, fields[i].text);
            }
        if (log->options.include_source && source != NULL)
            rdb_strbuf_addf(&buf, " (%s:%d)", source, line);
        rdb_strbuf_addc(&buf, '\n');
    }
    if (!buf.failed) {
        if (field_count == 0)
            keep_recent(buf.data, buf.length);
        write_line(log, buf.data, buf.length);
    }
out:
    if (buf.failed) {
        pthread_mutex_lock(&log->lock);
        log->lost_count++;
        pthread_mutex_unlock(&log->lock);
    }
    rdb_strbuf_free(&buf);
}

void rdb_log_write(rdb_log_level level, const char *source, int line, const char *room, const char *format, ...)
{
    rdb_log *log = atomic_load_explicit(&default_log, memory_order_acquire);
    if (!wants(log, level))
        return;
    char small[1024], *message = small;
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(small, sizeof small, format, arguments);
    if (length >= (int)sizeof small) {
        message = malloc((size_t)length + 1);
        if (message != NULL)
            vsnprintf(message, (size_t)length + 1, format, again);
        else
            message = small; /* cut is better than silent */
    }
    va_end(again);
    va_end(arguments);
    compose(log, level, source, line, room, message, NULL, NULL, 0);
    if (message != small)
        free(message);
}

void rdb_log_error(rdb_log_level level, const char *room, const rdb_error *err)
{
    rdb_log *log = atomic_load_explicit(&default_log, memory_order_acquire);
    if (wants(log, level))
        compose(log, level, NULL, 0, room, rdb_error_message(err), err, NULL, 0);
}

void rdb_log_session(rdb_log_level level, const char *room, const char *message, const rdb_error *err, const rdb_log_field *fields, size_t field_count)
{
    rdb_log *log = atomic_load_explicit(&default_log, memory_order_acquire);
    if (wants(log, level))
        compose(log, level, NULL, 0, room, message != NULL ? message : rdb_error_message(err), err, fields, field_count);
}
