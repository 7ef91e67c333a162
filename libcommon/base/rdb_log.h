/* SPDX-License-Identifier: Apache-2.0
 * The application log: one line a message, JSON or text, to a file that is rotated by size and age or to a descriptor. Lines of
 * concurrent threads never mix, and a message never makes its caller fail. */
#ifndef RDB_LOG_H
#define RDB_LOG_H

#include "base/rdb_base.h"

typedef enum rdb_log_level { RDB_LOG_TRACE, RDB_LOG_DEBUG, RDB_LOG_INFO, RDB_LOG_WARN, RDB_LOG_ERROR } rdb_log_level;
typedef enum rdb_log_format { RDB_LOG_JSON, RDB_LOG_TEXT } rdb_log_format;

typedef struct rdb_log rdb_log;

typedef struct rdb_log_options {
    rdb_log_level level;
    rdb_log_format format;
    bool rotate;
    uint32_t files_max;        /* with the current one: name, name.1 (the newest of the old), name.2, ... */
    uint64_t file_bytes_max;
    int64_t file_seconds_max;  /* at the next line a file that was begun (its first line written) longer ago is rotated; 0: whatever its age */
    bool omit_timestamps;
    bool include_source;       /* file:line of the call */
} rdb_log_options;

/* path NULL: to fd, which stays the caller's. The options are copied. */
RDB_CHECKED bool rdb_log_open(rdb_log **log, const char *path, int fd, const rdb_log_options *options, rdb_error *err);
void rdb_log_close(rdb_log **log);
/* Opens the file anew (for logrotate, at SIGHUP). */
RDB_CHECKED bool rdb_log_reopen(rdb_log *log, rdb_error *err);
void rdb_log_set_level(rdb_log *log, rdb_log_level level);

/* The log that rdb_log_write and its macros go to; stderr in text form, level info, while none was set. Set it while
 * one thread runs. */
void rdb_log_set_default(rdb_log *log);
bool rdb_log_wants(rdb_log_level level);
void rdb_log_write(rdb_log_level level, const char *source, int line, const char *room, const char *format, ...)
    RDB_PRINTF(5, 6);
/* An error with its SQLSTATE, detail and hint as fields of the line. */
void rdb_log_error(rdb_log_level level, const char *room, const rdb_error *err);
/* What a session did: a message (NULL: the error's), or an error, and more fields of the line; those without a text are left out. It is
 * not among the last messages: it may hold what users wrote. */
typedef struct rdb_log_field { const char *name, *text; } rdb_log_field;
void rdb_log_session(rdb_log_level level, const char *room, const char *message, const rdb_error *err, const rdb_log_field *fields, size_t field_count);
/* A whole line that the caller made (audit, slow queries): written and rotated as it is. */
void rdb_log_raw_line(rdb_log *log, const char *line, size_t length);
/* The last messages, oldest first, a line each: to be called from a signal handler, which may meet one half written. */
void rdb_log_dump_recent(int fd);
const char *rdb_log_level_name(rdb_log_level level);

#define RDB_LOG(level, room, ...) \
    (rdb_log_wants(level) ? rdb_log_write((level), __FILE__, __LINE__, (room), __VA_ARGS__) : (void)0)

#endif
