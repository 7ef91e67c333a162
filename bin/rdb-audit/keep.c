/* SPDX-License-Identifier: Apache-2.0
 * prune: old files go, what is left still proves itself. witness: the newest head is carried away. */
#include "audit.h"
#include "options.h"

#include "instance/rdb_instance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The time of the first record in a file; false: it has none. */
typedef struct first_time { int64_t us; bool found; } first_time;

static bool take_first(void *first_at, const char *line, size_t length, const json_t *record, rdb_error *err)
{
    first_time *first = first_at;
    (void)line, (void)length;
    first->found = rdb_audit_parse_time(rdb_audit_field(record, "time"), 0, &first->us);
    return rdb_error_set(err, RDB_QUERY_CANCELED, "enough");
}

/* Files are told by their first record's number; all that begin before the last one whose successor begins in time may go. */
static bool find_first_kept(audit_work *work, int64_t before_us, uint64_t *first_kept, uint32_t *file_count, rdb_error *err)
{
    rdb_list names;
    *first_kept = 0;
    *file_count = 0;
    if (!rdb_audit_files(work->directory, work->arena, &names, err))
        return false;
    for (uint32_t i = 0; i + 1 < names.count; i++) {
        const char *next = names.items[i + 1], *digits = strrchr(next, '.');
        uint64_t first = strtoull(digits + 1, NULL, 10);
        if (strcmp(next, "audit.log") == 0) { /* the running file does not say so in its name */
            char path[PATH_MAX + 32], header[256] = "";
            size_t got = 0;
            rdb_file *file = NULL;
            snprintf(path, sizeof path, "%s/%s", work->directory, next);
            if (!rdb_file_open(&file, path, RDB_FILE_READ, err) || !rdb_file_read(file, 0, header, sizeof header - 1, &got, err))
                return false;
            if (!rdb_file_close(&file, err))
                return false;
            const char *mark = strstr(header, "\"first\":");
            first = mark != NULL ? strtoull(mark + 8, NULL, 10) : 0;
        }
        const rdb_audit_filter filter = {.first = first, .last = first};
        first_time when = {0};
        rdb_error enough = {0};
        bool ok = rdb_audit_search(work->directory, &filter, take_first, &when, &enough);
        if (!ok && !when.found) {
            rdb_error_move(err, &enough);
            return false;
        }
        rdb_error_clear(&enough);
        if (first == 0 || !when.found || when.us > before_us)
            break;
        *first_kept = first;
        *file_count = i + 1;
    }
    return true;
}

int command_prune(audit_work *work)
{
    const audit_arguments *a = work->arguments;
    rdb_instance_lock *lock = NULL;
    rdb_control control;
    rdb_audit_log *log = NULL;
    char hold[PATH_MAX + 32];
    int64_t before_us = 0;
    uint64_t first_kept = 0;
    uint32_t file_count = 0;
    bool is_damaged = false;
    if (a->before == NULL || !rdb_audit_parse_time(a->before, rdb_time_wall_us(), &before_us))
        return rdb_options_refuse(work->program, "prune needs --before TIME");
    if (a->home == NULL)
        return rdb_options_refuse(work->program, "prune signs what it did: it needs --home DIR");
    snprintf(hold, sizeof hold, "%s/audit.hold", work->directory);
    if (rdb_path_exists(hold)) {
        rdb_error_set(&work->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the audit log is under legal hold");
        rdb_error_detail(&work->err, "File \"%s\" is there.", hold);
        audit_report_error(work);
        return RDB_EXIT_REFUSED;
    }
    bool ok = rdb_control_read(a->home, &control, &work->err) && (a->dry_run || rdb_instance_lock_take(&lock, a->home, "rdb-audit", &work->err));
    ok = ok && find_first_kept(work, before_us, &first_kept, &file_count, &work->err);
    if (ok && first_kept > 0 && !a->dry_run) {
        const rdb_audit_log_config config = {.home = a->home, .directory = work->directory, .system_id = control.system_id, .file_bytes_max = UINT64_MAX};
        ok = rdb_audit_log_open(&log, &config, &is_damaged, &work->err) &&
             (!is_damaged || rdb_error_set(&work->err, RDB_DATA_CORRUPTED, "the audit log is damaged: run rdb-audit verify")) && rdb_audit_log_prune(log, first_kept, &work->err);
        rdb_audit_log_close(&log);
    }
    rdb_instance_lock_release(&lock);
    if (!ok)
        return audit_report_error(work);
    if (a->json)
        printf("{\"files\":%u,\"first_kept\":%" PRIu64 ",\"dry_run\":%s}\n", file_count, first_kept, a->dry_run ? "true" : "false");
    else if (file_count == 0)
        puts("no file holds only records of before that time");
    else
        printf("%s%u files: the log begins with record %" PRIu64 "\n", a->dry_run ? "would remove " : "removed ", file_count, first_kept);
    return RDB_EXIT_DONE;
}

/* ---- witness ---------------------------------------------------------------------------------------------------------------- */
static bool last_head(audit_work *work, const char **line, size_t *length, rdb_audit_head *head, rdb_error *err)
{
    char path[PATH_MAX + 32];
    rdb_slice content = {0};
    snprintf(path, sizeof path, "%s/audit.heads", work->directory);
    if (!rdb_path_read(path, work->arena, &content, SIZE_MAX / 2, err))
        return false;
    const char *end = (const char *)content.data + content.length;
    while (end > (const char *)content.data && end[-1] != '\n')
        end--; /* one that is being written */
    const char *begin = end - (end > (const char *)content.data);
    while (begin > (const char *)content.data && begin[-1] != '\n')
        begin--;
    *line = begin;
    *length = end > begin ? (size_t)(end - begin - 1) : 0;
    return rdb_audit_head_parse(begin, *length, head) || rdb_error_set(err, RDB_UNDEFINED_FILE, "there is no head yet");
}

int command_witness(audit_work *work)
{
    const audit_arguments *a = work->arguments;
    rdb_audit_key *key = NULL;
    uint64_t carried = 0;
    bool ok = work->public_key[0] == '\0' || rdb_audit_key_open(&key, work->public_key, false, &work->err);
    while (ok && !audit_interrupted) {
        const char *line = NULL;
        size_t length = 0;
        rdb_audit_head head;
        ok = last_head(work, &line, &length, &head, &work->err);
        if (ok && key != NULL && !rdb_audit_head_is_signed(&head, line, key))
            ok = rdb_error_set(&work->err, RDB_DATA_CORRUPTED, "the newest head is not signed by the key");
        if (ok && head.number > carried) {
            FILE *out = a->to == NULL || strcmp(a->to, "-") == 0 ? stdout : fopen(a->to, "ae");
            if (out == NULL || fwrite(line, 1, length, out) != length || fputc('\n', out) == EOF || fflush(out) != 0)
                ok = rdb_error_set(&work->err, RDB_IO_ERROR, "the head cannot be written to \"%s\"", a->to != NULL ? a->to : "stdout");
            if (out != NULL && out != stdout && fclose(out) != 0 && ok)
                ok = rdb_error_set(&work->err, RDB_IO_ERROR, "the head cannot be written to \"%s\"", a->to);
            carried = head.number;
        }
        rdb_arena_reset(work->arena);
        if (a->interval == 0)
            break;
        for (int64_t tenths = 0; tenths < a->interval * 10 && !audit_interrupted; tenths++)
            rdb_time_sleep_us(100000);
    }
    rdb_audit_key_close(&key);
    return ok ? RDB_EXIT_DONE : audit_report_error(work);
}
