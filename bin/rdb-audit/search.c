/* SPDX-License-Identifier: Apache-2.0
 * tail and search: records that pass the conditions, as they come or as they stand. */
#include "audit.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct search_run {
    audit_printer *printer;
    uint64_t count, last;
} search_run;

static const char *format_of(const audit_work *work, const char *standard)
{
    const char *format = work->arguments->format;
    return format != NULL ? format : work->arguments->json ? "json" : standard;
}

static bool print_match(void *run_at, const char *line, size_t length, const json_t *record, rdb_error *err)
{
    search_run *run = run_at;
    run->count++;
    run->last = (uint64_t)json_integer_value(json_object_get(record, "seq"));
    audit_print(run->printer, line, length, record);
    return !audit_interrupted || rdb_error_set(err, RDB_QUERY_CANCELED, "interrupted");
}

/* The number that a checkpoint file names; 0: there is none yet. */
bool audit_read_checkpoint(const char *path, rdb_arena *arena, uint64_t *number, rdb_error *err)
{
    rdb_slice content = {0};
    *number = 0;
    if (path == NULL || !rdb_path_exists(path))
        return true;
    if (!rdb_path_read(path, arena, &content, 64, err))
        return false;
    char text[32] = "";
    memcpy(text, content.data, RDB_MIN(content.length, sizeof text - 1));
    char *end;
    *number = strtoull(text, &end, 10);
    return (end != text && (*end == '\n' || *end == '\0')) || rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is no checkpoint of rdb-audit", path);
}

bool audit_write_checkpoint(const char *path, uint64_t number, rdb_error *err)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%llu\n", (unsigned long long)number);
    return rdb_path_write_atomic(path, text, (size_t)length, 0600, err);
}

int command_search(audit_work *work)
{
    const char *path = work->arguments->checkpoint;
    uint64_t from = 0;
    search_run run = {.printer = audit_printer_open(format_of(work, "table"))};
    if (run.printer == NULL) {
        rdb_error_set(&work->err, RDB_OUT_OF_MEMORY, "out of memory");
        return audit_report_error(work);
    }
    bool ok = audit_read_checkpoint(path, work->arena, &from, &work->err);
    work->filter.first = RDB_MAX(work->filter.first, from + (from > 0));
    ok = ok && rdb_audit_search(work->directory, &work->filter, print_match, &run, &work->err);
    audit_printer_close(run.printer);
    if (ok && path != NULL && run.last > 0)
        ok = fflush(stdout) == 0 && audit_write_checkpoint(path, run.last, &work->err);
    if (!ok)
        return audit_interrupted ? RDB_EXIT_INTERRUPTED : audit_report_error(work);
    return run.count > 0 ? RDB_EXIT_DONE : RDB_EXIT_GENERAL;
}

int command_tail(audit_work *work)
{
    rdb_audit_follower *follower = NULL;
    audit_printer *printer = audit_printer_open(format_of(work, "line"));
    bool ok = printer != NULL || rdb_error_set(&work->err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_audit_follower_open(&follower, work->directory, (uint64_t)work->arguments->count, &work->err);
    while (ok && !audit_interrupted) {
        const char *line;
        size_t length;
        bool found;
        json_t *record;
        ok = rdb_audit_follower_next(follower, &line, &length, &found, &work->err);
        if (ok && found && rdb_audit_matches(&work->filter, line, length, &record)) {
            audit_print(printer, line, length, record);
            json_decref(record);
        }
        if (ok && !found) {
            if (fflush(stdout) != 0)
                break; /* nobody reads any more */
            if (!work->arguments->follow)
                break;
            rdb_time_sleep_us(100000);
        }
    }
    rdb_audit_follower_close(&follower);
    audit_printer_close(printer);
    return ok ? RDB_EXIT_DONE : audit_report_error(work);
}
