/* SPDX-License-Identifier: Apache-2.0
 * The archiver: one thread ships what is durable, in order, and nothing else: what lies in an archive was acknowledged or could have
 * been. A segment goes first under its partial name, which only ever grows, and gets its final name when it is whole and synced; so a
 * crash at any point leaves a beginning that is true, and the next life goes on where it ends. The log keeps every segment until it
 * is in the archive; what the archive holds of it already must be the same bytes, else another instance writes there, and nothing is
 * overwritten.
 *
 * The state file: "<8: timeline><16: segment>\n", the last segment that is in the archive. It may lag: shipping again changes nothing. */
#include "wal_int.h"

#include "base/rdb_log.h"
#include "os/rdb_process.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOOK_US = 200000, BACKOFF_MIN_US = 1000000, BACKOFF_MAX_US = 60000000, COPY_BYTES = 1 << 20, STOP_PATIENCE_US = 10000000 };

struct rdb_wal_archiver {
    rdb_wal *wal RDB_SET_ONCE;
    char directory[WAL_PATH_BYTES - 64] RDB_SET_ONCE, state_path[WAL_PATH_BYTES] RDB_SET_ONCE;
    char command[2048] RDB_SET_ONCE;
    int64_t timeout_us RDB_SET_ONCE, partial_us RDB_SET_ONCE;
    rdb_wal_history history RDB_SET_ONCE; /* of the log's timeline */

    _Atomic uint64_t next_segment; /* the first that is not in the archive; moved by the thread */
    _Atomic uint64_t shipped_lsn;

    /* The thread's own. */
    uint8_t *buffer;             /* two of COPY_BYTES */
    rdb_file *partial;           /* of segment partial_segment, its first partial_bytes checked or written here */
    uint64_t partial_segment, partial_bytes;
    bool history_shipped;
    int64_t partial_shipped_us, segment_since_us, backoff_us, not_before_us;
    uint64_t timed_segment;

    rdb_thread *thread;
    _Atomic uint32_t wake; /* futex */
    _Atomic uint32_t stopping;
    _Atomic int64_t stop_by_us;

    rdb_mutex lock; /* RDB_RANK_LEAF */
    rdb_wal_archiver_statistics statistics RDB_GUARDED_BY(lock);
};

static uint32_t segment_bytes_of(const rdb_wal_archiver *archiver)
{
    return archiver->wal->config.segment_bytes;
}

static void archive_path(const rdb_wal_archiver *archiver, char path[WAL_PATH_BYTES], const char *name, const char *ending)
{
    snprintf(path, WAL_PATH_BYTES, "%s/%s%s", archiver->directory, name, ending);
}

static void note_success(rdb_wal_archiver *archiver, const char *name)
{
    rdb_mutex_lock(&archiver->lock);
    archiver->statistics.archived_count++;
    snprintf(archiver->statistics.last_archived, sizeof archiver->statistics.last_archived, "%s", name);
    archiver->statistics.last_archived_us = rdb_time_wall_us();
    rdb_mutex_unlock(&archiver->lock);
}

static void note_failure(rdb_wal_archiver *archiver, const char *name, const rdb_error *err)
{
    rdb_mutex_lock(&archiver->lock);
    archiver->statistics.failed_count++;
    snprintf(archiver->statistics.last_failed, sizeof archiver->statistics.last_failed, "%s", name);
    archiver->statistics.last_failed_us = rdb_time_wall_us();
    snprintf(archiver->statistics.last_error, sizeof archiver->statistics.last_error, "%s", rdb_error_message(err));
    rdb_mutex_unlock(&archiver->lock);
}

static void gap_path(const rdb_wal_archiver *archiver, char path[WAL_PATH_BYTES + 8])
{
    snprintf(path, WAL_PATH_BYTES + 8, "%s" RDB_WAL_GAP_ENDING, archiver->state_path);
}

static void keep_gap(const rdb_wal_archiver *archiver, uint64_t first, uint64_t last)
{
    char path[WAL_PATH_BYTES + 8], line[64];
    rdb_error err = {0};
    const int length = snprintf(line, sizeof line, "%016llx %016llx\n", (unsigned long long)first, (unsigned long long)last);
    gap_path(archiver, path);
    if (!rdb_path_write_atomic(path, line, (size_t)length, 0600, &err))
        rdb_log_error(RDB_LOG_WARN, "wal", &err); /* the alarm is lost with the process only */
    rdb_error_clear(&err);
}

/* Log that will never be in the archive is an alarm: it counts as a failure, and the gap is remembered until a backup closes it. */
static void note_lost(rdb_wal_archiver *archiver, uint64_t first, uint64_t last)
{
    char name[RDB_WAL_ARCHIVE_NAME_BYTES];
    rdb_error lost = {0};
    rdb_wal_archive_name(name, archiver->history.timeline, last);
    RDB_LOG(RDB_LOG_ERROR, "wal", "WAL segments %016llx to %016llx were never archived and are gone: recovery to a point in time cannot pass them until the next backup, an incremental one too",
            (unsigned long long)first, (unsigned long long)last);
    rdb_error_set(&lost, RDB_UNDEFINED_FILE, "WAL segments %016llx to %016llx were never archived and are gone", (unsigned long long)first, (unsigned long long)last);
    note_failure(archiver, name, &lost);
    rdb_error_clear(&lost);
    rdb_mutex_lock(&archiver->lock);
    rdb_wal_archiver_statistics *s = &archiver->statistics;
    s->gap_first = s->gap_last != 0 ? RDB_MIN(s->gap_first, first) : first;
    s->gap_last = RDB_MAX(s->gap_last, last);
    first = s->gap_first;
    last = s->gap_last;
    rdb_mutex_unlock(&archiver->lock);
    keep_gap(archiver, first, last);
}

static bool read_gap(rdb_wal_archiver *archiver, rdb_arena *arena, rdb_error *err)
{
    char path[WAL_PATH_BYTES + 8];
    unsigned long long first, last;
    rdb_slice content = {0};
    gap_path(archiver, path);
    if (!rdb_path_exists(path))
        return true;
    if (!rdb_path_read(path, arena, &content, 256, err))
        return false;
    const char *text = rdb_arena_strndup(arena, (const char *)content.data, content.length);
    if (text != NULL && sscanf(text, "%16llx %16llx", &first, &last) == 2 && first <= last) {
        archiver->statistics.gap_first = first;
        archiver->statistics.gap_last = last;
    } else {
        RDB_LOG(RDB_LOG_WARN, "wal", "the file \"%s\" is malformed: whether the archive has a gap says rdb-backup verify", path);
    }
    return rdb_arena_check(arena, err);
}

void rdb_wal_archiver_close_gap(rdb_wal_archiver *archiver, rdb_lsn lsn)
{
    char path[WAL_PATH_BYTES + 8];
    rdb_error err = {0};
    rdb_mutex_lock(&archiver->lock);
    const uint64_t last = archiver->statistics.gap_last;
    const bool closes = last != 0 && lsn >= (last + 1) * segment_bytes_of(archiver);
    if (closes)
        archiver->statistics.gap_first = archiver->statistics.gap_last = 0;
    rdb_mutex_unlock(&archiver->lock);
    if (!closes)
        return;
    RDB_LOG(RDB_LOG_INFO, "wal", "a backup closes the gap of the archive that ends with segment %016llx", (unsigned long long)last);
    gap_path(archiver, path);
    if (!rdb_path_remove(path, true, &err))
        rdb_log_error(RDB_LOG_WARN, "wal", &err);
    rdb_error_clear(&err);
}

/* ---- the operator's command ------------------------------------------------------------------------------------------ */

static bool gives_up(void *context)
{
    const rdb_wal_archiver *archiver = context;
    return atomic_load(&archiver->stopping) != 0 && rdb_time_monotonic_us() > atomic_load(&archiver->stop_by_us);
}

static bool run_command(rdb_wal_archiver *archiver, const char *path, const char *name, rdb_error *err)
{
    rdb_strbuf text;
    int status = 0;
    rdb_strbuf_init(&text, NULL);
    for (const char *c = archiver->command; *c != '\0'; c++) {
        if (c[0] == '%' && c[1] == 'p')
            rdb_strbuf_adds(&text, path), c++;
        else if (c[0] == '%' && c[1] == 'f')
            rdb_strbuf_adds(&text, name), c++;
        else if (c[0] == '%' && c[1] == '%')
            rdb_strbuf_addc(&text, '%'), c++;
        else
            rdb_strbuf_addc(&text, *c);
    }
    bool ok = rdb_strbuf_check(&text, err) && rdb_process_run_shell(text.data, gives_up, archiver, &status, err);
    if (ok && status != 0) {
        rdb_error_set(err, RDB_SYSTEM_ERROR, "archive command failed with exit code %d", status);
        ok = rdb_error_detail(err, "The failed archive command was: %s", text.data);
    }
    rdb_strbuf_free(&text);
    return ok;
}

/* ---- bytes to the archive --------------------------------------------------------------------------------------------- */

static bool differs(const rdb_wal_archiver *archiver, const char *path, rdb_error *err)
{
    rdb_error_set(err, RDB_DUPLICATE_FILE, "the WAL archive holds another file of this name");
    rdb_error_detail(err, "File \"%s\" differs from the one in \"%s\".", path, archiver->wal->directory);
    return rdb_error_hint(err, "Does another instance write to this archive? Each instance needs an archive of its own.");
}

/* Both files have the same first bytes. */
static bool compare_files(rdb_wal_archiver *archiver, rdb_file *source, rdb_file *target, uint64_t bytes, const char *path, rdb_error *err)
{
    for (uint64_t at = 0; at < bytes; at += COPY_BYTES) {
        size_t part = RDB_MIN((uint64_t)COPY_BYTES, bytes - at);
        if (!rdb_file_read(source, at, archiver->buffer, part, NULL, err) ||
            !rdb_file_read(target, at, archiver->buffer + COPY_BYTES, part, NULL, err))
            return false;
        if (memcmp(archiver->buffer, archiver->buffer + COPY_BYTES, part) != 0)
            return differs(archiver, path, err);
    }
    return true;
}

static bool close_partial(rdb_wal_archiver *archiver, rdb_error *err)
{
    archiver->partial_bytes = 0;
    return rdb_file_close(&archiver->partial, err);
}

/* The partial file of the segment, open, with partial_bytes true bytes in it. */
static bool open_partial(rdb_wal_archiver *archiver, rdb_file *source, const char *name, uint64_t segment, uint64_t upto, rdb_error *err)
{
    char path[WAL_PATH_BYTES];
    uint64_t bytes = 0;
    if (archiver->partial != NULL && archiver->partial_segment == segment)
        return true;
    archive_path(archiver, path, name, ".partial");
    bool existed = rdb_path_exists(path);
    if (!close_partial(archiver, err) || !rdb_file_open(&archiver->partial, path, RDB_FILE_CREATE, err) ||
        !rdb_file_size(archiver->partial, &bytes, err))
        return false;
    /* What a crash of the archive's machine left behind the bytes that were synced is written again. */
    bytes = RDB_MIN(bytes, upto);
    if (!compare_files(archiver, source, archiver->partial, bytes, path, err)) {
        rdb_error ignored = {0};
        close_partial(archiver, &ignored);
        rdb_error_clear(&ignored);
        return false;
    }
    archiver->partial_segment = segment;
    archiver->partial_bytes = bytes;
    return existed || rdb_path_sync_directory(archiver->directory, err);
}

/* Brings the segment's archived copy up to so many bytes; all of them make it whole, and final is then its name. */
static bool ship_to_directory(rdb_wal_archiver *archiver, rdb_file *source, const char *name, uint64_t segment, uint64_t upto, bool final,
                              rdb_error *err)
{
    char path[WAL_PATH_BYTES], partial[WAL_PATH_BYTES];
    archive_path(archiver, path, name, "");
    archive_path(archiver, partial, name, ".partial");
    if (rdb_path_exists(path)) { /* a former life got so far */
        rdb_file *there = NULL;
        uint64_t bytes = 0;
        bool same = rdb_file_open(&there, path, RDB_FILE_READ, err) && rdb_file_size(there, &bytes, err) &&
                    (bytes >= upto || differs(archiver, path, err)) && compare_files(archiver, source, there, upto, path, err);
        same = rdb_file_close(&there, err) && same;
        return same && close_partial(archiver, err) && rdb_path_remove(partial, true, err);
    }
    if (!open_partial(archiver, source, name, segment, upto, err))
        return false;
    bool changed = archiver->partial_bytes < upto;
    while (archiver->partial_bytes < upto) {
        size_t part = RDB_MIN((uint64_t)COPY_BYTES, upto - archiver->partial_bytes);
        if (!rdb_file_read(source, archiver->partial_bytes, archiver->buffer, part, NULL, err) ||
            !rdb_file_write(archiver->partial, archiver->partial_bytes, archiver->buffer, part, err))
            return false;
        archiver->partial_bytes += part;
    }
    if ((changed || final) && !rdb_file_sync(archiver->partial, err)) {
        rdb_error ignored = {0}; /* what was written may be gone: the next try looks at what is there */
        close_partial(archiver, &ignored);
        rdb_error_clear(&ignored);
        return false;
    }
    return !final || (close_partial(archiver, err) && rdb_path_rename(partial, path, err) && rdb_path_sync_directory(archiver->directory, err));
}

static bool save_state(rdb_wal_archiver *archiver, const char *name, rdb_error *err)
{
    char line[RDB_WAL_ARCHIVE_NAME_BYTES + 1];
    int length = snprintf(line, sizeof line, "%s\n", name);
    return rdb_path_write_atomic(archiver->state_path, line, (size_t)length, 0600, err);
}

/* ---- what there is to ship --------------------------------------------------------------------------------------------- */

/* The local file of a segment, open, with the timeline its header names. *timeline 0: it is not there (any more). */
static bool open_segment(const rdb_wal_archiver *archiver, uint64_t segment, rdb_file **file, uint32_t *timeline, rdb_error *err)
{
    char path[WAL_PATH_BYTES];
    uint8_t header[WAL_SEGMENT_HEADER_BYTES];
    rdb_wal_config config = archiver->wal->config;
    size_t got = 0;
    *file = NULL;
    *timeline = 0;
    wal_segment_path(path, archiver->wal->directory, segment);
    if (!rdb_path_exists(path))
        return true;
    if (!rdb_file_open(file, path, RDB_FILE_READ, err) || !rdb_file_read(*file, 0, header, sizeof header, &got, err)) {
        rdb_error ignored = {0};
        rdb_file_close(file, &ignored);
        rdb_error_clear(&ignored);
        return false;
    }
    config.incarnation = rdb_get_u32(header + 28);
    if (got == sizeof header && wal_segment_check_header(header, &config, segment))
        *timeline = config.incarnation;
    else
        return rdb_file_close(file, err);
    return true;
}

/* How much of a segment counts: a timeline of the past ends where the next one branched off. */
static uint64_t bytes_of_segment(const rdb_wal_archiver *archiver, uint64_t segment, uint32_t timeline)
{
    uint32_t whole = segment_bytes_of(archiver);
    for (uint32_t i = 0; i < archiver->history.branch_count; i++) {
        const rdb_wal_branch *branch = &archiver->history.branches[i];
        if (branch->timeline == timeline && (branch->end_lsn - 1) / whole == segment)
            return branch->end_lsn - segment * whole;
    }
    return whole;
}

static bool ship_history(rdb_wal_archiver *archiver, rdb_error *err)
{
    char name[RDB_WAL_ARCHIVE_NAME_BYTES], path[WAL_PATH_BYTES], target[WAL_PATH_BYTES];
    if (archiver->history_shipped || archiver->history.branch_count == 0)
        return true;
    rdb_wal_history_name(name, archiver->history.timeline);
    bool ok = true, found = false;
    if (archiver->directory[0] != '\0') {
        rdb_wal_history there;
        archive_path(archiver, target, name, "");
        ok = rdb_wal_history_read(archiver->directory, archiver->history.timeline, &there, &found, err) &&
             (found || rdb_wal_history_write(archiver->directory, &archiver->history, err));
        if (ok && found && (there.branch_count != archiver->history.branch_count ||
                            memcmp(there.branches, archiver->history.branches, sizeof there.branches[0] * there.branch_count) != 0))
            ok = differs(archiver, target, err);
    } else {
        snprintf(path, sizeof path, "%s/%s", archiver->wal->directory, name);
        ok = run_command(archiver, path, name, err);
    }
    if (!ok) {
        note_failure(archiver, name, err);
        return false;
    }
    archiver->history_shipped = true;
    if (!found)
        note_success(archiver, name);
    return true;
}

/* Ships the segment, whole or its durable beginning. *moved: it is done with. */
static bool ship_segment(rdb_wal_archiver *archiver, uint64_t segment, rdb_lsn durable, bool *moved, rdb_error *err)
{
    char name[RDB_WAL_ARCHIVE_NAME_BYTES];
    uint32_t whole = segment_bytes_of(archiver), timeline = 0;
    rdb_file *file = NULL;
    *moved = false;
    if (!open_segment(archiver, segment, &file, &timeline, err))
        return false;
    if (timeline == 0) {
        if (segment >= wal_segment_number(&archiver->wal->config, durable))
            return true;
        note_lost(archiver, segment, segment);
        *moved = true;
        return true;
    }
    bool finished = durable >= (segment + 1) * whole, is_old = timeline != archiver->history.timeline;
    uint64_t upto = is_old ? bytes_of_segment(archiver, segment, timeline) : finished ? whole : durable - segment * whole;
    rdb_wal_archive_name(name, timeline, segment);
    bool ok = true, final = upto == whole;
    if (archiver->directory[0] != '\0') {
        ok = ship_to_directory(archiver, file, name, segment, upto, final, err);
    } else if (finished || is_old) {
        char path[WAL_PATH_BYTES];
        wal_segment_path(path, archiver->wal->directory, segment);
        if (!final)
            snprintf(name + 24, sizeof name - 24, ".partial");
        ok = run_command(archiver, path, name, err);
    }
    ok = rdb_file_close(&file, err) && ok;
    *moved = ok && (finished || is_old);
    if (ok)
        atomic_store(&archiver->shipped_lsn, segment * whole + upto);
    ok = ok && (!*moved || save_state(archiver, name, err));
    *moved = *moved && ok;
    if (!ok)
        note_failure(archiver, name, err);
    else if (*moved)
        note_success(archiver, name);
    return ok;
}

static bool ship_what_is_there(rdb_wal_archiver *archiver, bool partial_too, rdb_error *err)
{
    uint32_t whole = segment_bytes_of(archiver);
    if (archiver->directory[0] != '\0' && !rdb_path_is_directory(archiver->directory)) {
        char name[RDB_WAL_ARCHIVE_NAME_BYTES];
        rdb_wal_archive_name(name, archiver->history.timeline, atomic_load_explicit(&archiver->next_segment, memory_order_relaxed));
        rdb_error_set(err, RDB_UNDEFINED_FILE, "the WAL archive is not there"); /* a mount that is missing must not fill the disk below it */
        rdb_error_detail(err, "Directory \"%s\".", archiver->directory);
        note_failure(archiver, name, err);
        return false;
    }
    if (!ship_history(archiver, err))
        return false;
    for (;;) {
        bool moved = false;
        rdb_lsn durable = rdb_wal_durable_lsn(archiver->wal);
        uint64_t segment = atomic_load_explicit(&archiver->next_segment, memory_order_relaxed);
        bool finished = durable >= (segment + 1) * whole;
        if (!finished && (!partial_too || archiver->directory[0] == '\0' || durable <= segment * whole + WAL_SEGMENT_HEADER_BYTES))
            return true;
        if (!ship_segment(archiver, segment, durable, &moved, err))
            return false;
        if (!moved)
            return true;
        atomic_store(&archiver->next_segment, segment + 1);
    }
}

/* Finishes a segment that was begun long enough ago, so that what is in it reaches the archive. */
static bool switch_by_time(rdb_wal_archiver *archiver, int64_t now_us, rdb_error *err)
{
    rdb_lsn insert = rdb_wal_insert_lsn(archiver->wal), end = 0;
    uint64_t segment = wal_segment_number(&archiver->wal->config, insert);
    bool is_empty = (insert & (segment_bytes_of(archiver) - 1)) == WAL_SEGMENT_HEADER_BYTES;
    if (segment != archiver->timed_segment || is_empty) {
        archiver->timed_segment = segment;
        archiver->segment_since_us = now_us;
    }
    if (archiver->timeout_us <= 0 || now_us - archiver->segment_since_us < archiver->timeout_us)
        return true;
    return rdb_wal_switch(archiver->wal, &end, err) && rdb_wal_flush(archiver->wal, end, err);
}

static void run_archiver(void *argument)
{
    rdb_wal_archiver *archiver = argument;
    int64_t look_us = archiver->partial_us > 0 ? RDB_MIN(archiver->partial_us, (int64_t)LOOK_US) : LOOK_US;
    rdb_worker_declare(RDB_WORKER_ARCHIVER);
    for (bool last = false; !last;) {
        rdb_error err = {0};
        if (atomic_load(&archiver->stopping) == 0) {
            const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_ARCHIVER_MAIN);
            rdb_futex_wait(&archiver->wake, 0, look_us);
            rdb_wait_end(mark);
        }
        bool roused = atomic_exchange(&archiver->wake, 0) != 0;
        last = atomic_load(&archiver->stopping) != 0;
        int64_t now_us = rdb_time_monotonic_us();
        if (!roused && !last && now_us < archiver->not_before_us)
            continue;
        bool partial_due = archiver->partial_us > 0 && (last || roused || now_us - archiver->partial_shipped_us >= archiver->partial_us);
        if ((last || switch_by_time(archiver, now_us, &err)) && ship_what_is_there(archiver, partial_due, &err)) {
            if (partial_due)
                archiver->partial_shipped_us = now_us;
            archiver->backoff_us = 0;
            archiver->not_before_us = 0;
        } else {
            archiver->backoff_us = RDB_MAX((int64_t)BACKOFF_MIN_US, RDB_MIN(2 * archiver->backoff_us, (int64_t)BACKOFF_MAX_US));
            archiver->not_before_us = now_us + archiver->backoff_us;
            rdb_log_error(RDB_LOG_WARN, "wal", &err);
            RDB_LOG(RDB_LOG_WARN, "wal", "archiving is behind: the log is kept from segment %016llx on, next try in %lld s",
                    (unsigned long long)atomic_load(&archiver->next_segment), (long long)(archiver->backoff_us / 1000000));
        }
        rdb_error_clear(&err);
    }
}

/* ---- life ----------------------------------------------------------------------------------------------------------------- */

/* Where shipping goes on: behind the state's segment, or with the oldest one there is. */
static bool find_next(rdb_wal_archiver *archiver, rdb_error *err)
{
    uint64_t current = wal_segment_number(&archiver->wal->config, rdb_wal_durable_lsn(archiver->wal)), next = 0, *numbers = NULL;
    uint32_t timeline = 0, count = 0;
    rdb_slice content = {0};
    bool partial = false, known = false;
    rdb_arena *arena = rdb_arena_create("archiver", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = read_gap(archiver, arena, err) && wal_segment_list(archiver->wal->directory, arena, &numbers, &count, err);
    if (ok && rdb_path_exists(archiver->state_path)) {
        ok = rdb_path_read(archiver->state_path, arena, &content, 256, err);
        char name[RDB_WAL_ARCHIVE_NAME_BYTES] = "";
        if (ok && content.length > 0 && content.length < sizeof name && content.data[content.length - 1] == '\n')
            memcpy(name, content.data, content.length - 1);
        known = ok && rdb_wal_archive_parse_name(name, &timeline, &next, &partial);
        next++;
        if (known && timeline != archiver->history.timeline && archiver->history.branch_count > 0) /* it may have been shipped past the branch */
            next = RDB_MIN(next, (archiver->history.branches[archiver->history.branch_count - 1].end_lsn - 1) / segment_bytes_of(archiver) + 1);
        if (ok && !known)
            RDB_LOG(RDB_LOG_WARN, "wal", "the file \"%s\" is malformed: archiving begins with the oldest segment", archiver->state_path);
    }
    uint64_t oldest = count > 0 ? RDB_MIN(numbers[0], current) : current;
    for (uint32_t i = 0; ok && i < count && !known; i++) { /* names that an unfinished recycling left are no segments */
        rdb_file *file = NULL;
        if (!(ok = open_segment(archiver, numbers[i], &file, &timeline, err)))
            break;
        ok = rdb_file_close(&file, err);
        oldest = numbers[i];
        if (timeline != 0)
            break;
    }
    rdb_arena_destroy(arena);
    if (!known)
        next = oldest;
    if (known && next < oldest) {
        note_lost(archiver, next, oldest - 1);
    }
    next = RDB_MIN(RDB_MAX(next, oldest), current);
    atomic_store(&archiver->next_segment, next);
    atomic_store(&archiver->shipped_lsn, next * segment_bytes_of(archiver));
    return ok;
}

bool rdb_wal_archiver_open(rdb_wal_archiver **out, rdb_wal *wal, const rdb_wal_archiver_config *config, rdb_error *err)
{
    bool found = false;
    *out = NULL;
    rdb_wal_archiver *archiver = calloc(1, sizeof *archiver);
    if (archiver == NULL || (archiver->buffer = malloc(2 * COPY_BYTES)) == NULL) {
        free(archiver);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    rdb_mutex_init(&archiver->lock, RDB_RANK_LEAF);
    archiver->wal = wal;
    archiver->timeout_us = config->timeout_us;
    archiver->partial_us = config->partial_us;
    archiver->statistics.reset_us = rdb_time_wall_us();
    *out = archiver;
    if ((size_t)snprintf(archiver->directory, sizeof archiver->directory, "%s", config->directory) >= sizeof archiver->directory ||
        (size_t)snprintf(archiver->state_path, sizeof archiver->state_path, "%s", config->state_path) >= sizeof archiver->state_path ||
        (size_t)snprintf(archiver->command, sizeof archiver->command, "%s", config->command) >= sizeof archiver->command) {
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "the path or the command of the WAL archive is too long");
    } else if (archiver->directory[0] == '\0' && archiver->command[0] == '\0') {
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "archiving is on, but neither a directory nor a command is set for it");
    } else if ((archiver->directory[0] == '\0' || rdb_path_make_directories(archiver->directory, 0, 0700, err)) &&
               rdb_wal_history_read(wal->directory, wal->config.incarnation, &archiver->history, &found, err) && find_next(archiver, err)) {
        return true;
    }
    rdb_wal_archiver_close(out);
    return false;
}

bool rdb_wal_archiver_start(rdb_wal_archiver *archiver, rdb_error *err)
{
    atomic_store(&archiver->stopping, 0);
    archiver->segment_since_us = rdb_time_monotonic_us();
    return rdb_thread_start(&archiver->thread, "archiver", run_archiver, archiver, err);
}

static void rouse(rdb_wal_archiver *archiver)
{
    atomic_store(&archiver->wake, 1);
    rdb_futex_wake(&archiver->wake, 1);
}

void rdb_wal_archiver_stop(rdb_wal_archiver *archiver)
{
    if (archiver == NULL || archiver->thread == NULL)
        return;
    atomic_store(&archiver->stop_by_us, rdb_time_monotonic_us() + STOP_PATIENCE_US);
    atomic_store(&archiver->stopping, 1);
    rouse(archiver);
    rdb_thread_join(&archiver->thread);
}

void rdb_wal_archiver_close(rdb_wal_archiver **handle)
{
    rdb_wal_archiver *archiver = *handle;
    rdb_error err = {0};
    *handle = NULL;
    if (archiver == NULL)
        return;
    rdb_wal_archiver_stop(archiver);
    rdb_file_close(&archiver->partial, &err);
    rdb_error_clear(&err);
    rdb_mutex_deinit(&archiver->lock);
    free(archiver->buffer);
    free(archiver);
}

rdb_lsn rdb_wal_archiver_keeps(const rdb_wal_archiver *archiver)
{
    return atomic_load(&archiver->next_segment) * segment_bytes_of(archiver);
}

bool rdb_wal_archiver_wait(rdb_wal_archiver *archiver, rdb_lsn lsn, int64_t timeout_us, bool (*cancelled)(void *context), void *context,
                           rdb_error *err)
{
    int64_t begin_us = rdb_time_monotonic_us();
    for (uint32_t tries = 0;; tries++) {
        rdb_lsn whole = rdb_wal_archiver_keeps(archiver) + WAL_SEGMENT_HEADER_BYTES, shipped = atomic_load(&archiver->shipped_lsn);
        if (RDB_MAX(whole, shipped) >= lsn)
            return true;
        if ((timeout_us >= 0 && rdb_time_monotonic_us() - begin_us > timeout_us) || (cancelled != NULL && cancelled(context)))
            break;
        if (tries % 50 == 0)
            rouse(archiver);
        rdb_time_sleep_us(10000);
    }
    rdb_mutex_lock(&archiver->lock);
    rdb_error_set(err, RDB_QUERY_CANCELED, "the log is not in the archive yet");
    if (archiver->statistics.failed_count > 0)
        rdb_error_detail(err, "The last failure of the archiver: %s.", archiver->statistics.last_error);
    rdb_mutex_unlock(&archiver->lock);
    return false;
}

void rdb_wal_archiver_get_statistics(rdb_wal_archiver *archiver, rdb_wal_archiver_statistics *statistics)
{
    rdb_mutex_lock(&archiver->lock);
    *statistics = archiver->statistics;
    rdb_mutex_unlock(&archiver->lock);
    statistics->archived_lsn = rdb_wal_archiver_keeps(archiver);
    statistics->shipped_lsn = RDB_MAX(atomic_load(&archiver->shipped_lsn), statistics->archived_lsn);
}

void rdb_wal_archiver_reset_statistics(rdb_wal_archiver *archiver)
{
    rdb_mutex_lock(&archiver->lock);
    const rdb_wal_archiver_statistics was = archiver->statistics;
    archiver->statistics = (rdb_wal_archiver_statistics){.reset_us = rdb_time_wall_us(), .gap_first = was.gap_first, .gap_last = was.gap_last};
    rdb_mutex_unlock(&archiver->lock);
}
