/* SPDX-License-Identifier: Apache-2.0
 * Where a restore shall stop, where the archived log is, and what the history of a repository looks like. */
#include "options.h"

#include "restore.h"

#include "wal/rdb_wal_archive.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool read_number(const char *text, const char *option, uint64_t *number, rdb_error *err)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return (end != text && *end == '\0' && errno == 0 && text[0] != '-') || rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%s: \"%s\" is not a number", option, text);
}

static bool read_xid(const char *text, rdb_recovery_target *target, rdb_error *err)
{
    const char *colon = strchr(text, ':');
    target->pdb = colon != NULL ? (uint32_t)strtoul(text, NULL, 10) : 0;
    return read_number(colon != NULL ? colon + 1 : text, "--target-xid", &target->xid, err);
}

static bool read_lsn(const char *text, rdb_lsn *lsn, rdb_error *err)
{
    unsigned high, low;
    char rest;
    if (sscanf(text, "%8X/%8X%c", &high, &low, &rest) != 2)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "--target-lsn: \"%s\" is not a position such as 0/1A2B3C8", text);
    *lsn = (uint64_t)high << 32 | low;
    return true;
}

static bool read_timeline(const char *text, uint32_t *timeline, rdb_error *err)
{
    uint64_t number = 0;
    if (strcmp(text, "latest") != 0 && strcmp(text, "current") != 0 && !read_number(text, "--target-timeline", &number, err))
        return false;
    *timeline = strcmp(text, "current") == 0 ? RDB_TIMELINE_CURRENT : (uint32_t)number;
    return true;
}

bool read_target(restore_work *work, rdb_recovery_target *target, bool *has_target)
{
    const restore_arguments *a = work->arguments;
    int count = (a->target_time != NULL) + (a->target_scn != NULL) + (a->target_xid != NULL) + (a->target_lsn != NULL) + (a->target_name != NULL) + a->target_immediate + a->target_latest;
    *target = (rdb_recovery_target){.kind = RDB_TARGET_IMMEDIATE, .exclusive = a->exclusive, .shut_down = strcmp(a->action, "shutdown") == 0};
    *has_target = count > 0 && !a->target_immediate;
    if (count > 1)
        return rdb_error_set(&work->err, RDB_INVALID_PARAMETER_VALUE, "there is one target at most");
    if (!read_timeline(a->target_timeline, &target->timeline, &work->err))
        return false;
    if (a->target_time != NULL) {
        target->kind = RDB_TARGET_TIME;
        return rdb_recovery_parse_time(a->target_time, &target->time_us, &work->err);
    }
    if (a->target_scn != NULL) {
        target->kind = RDB_TARGET_SCN;
        return read_number(a->target_scn, "--target-scn", &target->scn, &work->err);
    }
    if (a->target_xid != NULL) {
        target->kind = RDB_TARGET_XID;
        return read_xid(a->target_xid, target, &work->err);
    }
    if (a->target_lsn != NULL) {
        target->kind = RDB_TARGET_LSN;
        return read_lsn(a->target_lsn, &target->lsn, &work->err);
    }
    if (a->target_name != NULL) {
        target->kind = RDB_TARGET_NAME;
        if ((size_t)snprintf(target->name, sizeof target->name, "%s", a->target_name) >= sizeof target->name)
            return rdb_error_set(&work->err, RDB_INVALID_PARAMETER_VALUE, "a restore point's name has at most %u characters", RDB_RESTORE_POINT_BYTES_MAX);
    }
    if (a->target_latest)
        target->kind = RDB_TARGET_END;
    return true;
}

/* Whether every file there is as a server writes it. */
static bool is_plain_archive(const char *directory, rdb_arena *arena, rdb_error *err)
{
    rdb_list names = {0};
    if (!rdb_path_list(directory, arena, &names, err))
        return false;
    for (uint32_t i = 0; i < names.count; i++)
        if (strstr(names.items[i], ".zst") != NULL || strstr(names.items[i], ".cms") != NULL)
            return false;
    return names.count > 0;
}

bool find_archive(restore_work *work, const char *home, char directory[1024], char staged[1024])
{
    uint32_t count = 0;
    staged[0] = '\0';
    if (work->arguments->archive != NULL) {
        if (!rdb_instance_resolve(work->arguments->archive, directory, 1024, &work->err))
            return false;
        return rdb_path_is_directory(directory) || rdb_error_set(&work->err, RDB_UNDEFINED_FILE, "there is no archive in \"%s\"", directory);
    }
    rdb_repository_archive_directory(work->repository, directory, 1024);
    if (directory[0] != '\0' && is_plain_archive(directory, work->arena, &work->err))
        return true;
    if (rdb_error_is_set(&work->err))
        return false;
    snprintf(staged, 1024, "%.1000s.wal-XXXXXX", home);
    if (mkdtemp(staged) == NULL) {
        staged[0] = '\0';
        return rdb_error_set_errno(&work->err, errno, "no directory for the archived log can be made beside \"%s\"", home);
    }
    snprintf(directory, 1024, "%s", staged);
    if (!rdb_archive_fetch(work->repository, staged, &count, &work->err))
        return false;
    if (count > 0)
        return true;
    rdb_error_set(&work->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "there is no archived log");
    rdb_error_detail(&work->err, "Repository \"%s\" has none in wal/: without it nothing but the ends of backups can be reached.", rdb_repository_url(work->repository));
    return rdb_error_hint(&work->err, "Name the archive's directory with --archive.");
}

/* ---- timeline --------------------------------------------------------------------------------------------------------------------- */
static void print_backups(const rdb_list *manifests, uint32_t timeline)
{
    for (uint32_t i = 0; i < manifests->count; i++) {
        const rdb_manifest *m = manifests->items[i];
        char time_text[40], lsn[24];
        if (m->timeline != timeline)
            continue;
        rdb_backup_format_moment(&m->stopped, time_text, lsn);
        printf("  |  %s  %s  %-12s %s\n", lsn, time_text, RDB_BACKUP_TYPES[m->type], m->id);
    }
}

/* The first of the timeline whose end lies behind a position; NULL: none. */
static const rdb_manifest *next_backup(const rdb_list *manifests, uint32_t timeline, rdb_lsn behind)
{
    for (uint32_t i = 0; i < manifests->count; i++) {
        const rdb_manifest *m = manifests->items[i];
        if (m->timeline == timeline && m->stopped.lsn > behind)
            return m;
    }
    return NULL;
}

static void print_window(const restore_work *work, uint32_t timeline, const rdb_manifest *from, const rdb_backup_moment *end, const rdb_manifest *next, bool has_gap)
{
    char begin_time[40], begin_lsn[24], end_time[40], end_lsn[24];
    rdb_backup_format_moment(&from->stopped, begin_time, begin_lsn);
    rdb_backup_format_moment(end, end_time, end_lsn);
    if (work->json)
        rdb_backup_print_json(json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:s*}", "timeline", (int)timeline, "backup_id", from->id, "from_time", begin_time, "from_lsn", begin_lsn, "to_time", end_time,
                                        "to_lsn", end_lsn, "gap_behind", (int)has_gap, "next_backup_id", next != NULL ? next->id : NULL));
    else if (!has_gap)
        printf("  '- %s  %s  end of the archived log\n", end_lsn, end_time);
    else if (next != NULL)
        printf("  x  %s  %s  archived log is missing from here on: no moment before the end of backup %s can be reached\n", end_lsn, end_time, next->id);
    else
        printf("  x  %s  %s  archived log is missing from here on: nothing later can be reached until the next backup, an incremental one too\n", end_lsn, end_time);
}

/* The windows in which every moment can be reached: each begins with a backup and ends with the log, or where a part of it is missing. */
static bool draw_windows(restore_work *work, const rdb_list *manifests, uint32_t timeline, const char *archive)
{
    rdb_lsn reached = 0;
    for (const rdb_manifest *from = next_backup(manifests, timeline, 0); from != NULL; from = next_backup(manifests, timeline, reached)) {
        rdb_recovery_target target = {.kind = RDB_TARGET_END, .timeline = RDB_TIMELINE_CURRENT};
        rdb_recovery_reach reach;
        rdb_list points = {0};
        snprintf(target.archive_directory, sizeof target.archive_directory, "%s", archive);
        bool is_whole = rdb_backup_look(from, &target, work->arena, &reach, &points, &work->err), has_log = reach.end_lsn >= from->stopped.lsn;
        if (!is_whole && !rdb_error_is(&work->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE) && !rdb_error_is(&work->err, RDB_UNDEFINED_FILE) &&
            !rdb_error_is(&work->err, RDB_DATA_CORRUPTED))
            return false;
        rdb_error_clear(&work->err);
        for (uint32_t i = 0; has_log && i < points.count && !work->json; i++)
            printf("  +- restore point %s\n", (const char *)points.items[i]);
        rdb_backup_moment end = has_log ? (rdb_backup_moment){.time_us = reach.last_commit_us != 0 ? reach.last_commit_us : from->stopped.time_us, .lsn = reach.end_lsn} : from->stopped;
        reached = end.lsn;
        const rdb_manifest *next = next_backup(manifests, timeline, reached);
        print_window(work, timeline, from, &end, next, !is_whole || !has_log || reach.missing_lsn != 0 || next != NULL);
    }
    return true;
}

static bool draw_timeline(restore_work *work, const rdb_list *manifests, uint32_t timeline, const char *archive)
{
    rdb_wal_history history = {.timeline = timeline};
    bool found = false;
    if (archive[0] != '\0' && !rdb_wal_history_read(archive, timeline, &history, &found, &work->err))
        return false;
    if (!work->json) {
        printf("timeline %u", timeline);
        if (history.branch_count > 0) {
            char lsn[24], ignored[40];
            const rdb_wal_branch *branch = &history.branches[history.branch_count - 1];
            rdb_backup_moment at = {.lsn = branch->end_lsn};
            rdb_backup_format_moment(&at, ignored, lsn);
            printf(", branched off timeline %u at %s", branch->timeline, lsn);
        }
        printf("\n");
        print_backups(manifests, timeline);
    }
    return archive[0] == '\0' || draw_windows(work, manifests, timeline, archive);
}

int command_timeline(restore_work *work)
{
    rdb_list manifests = {0}, broken = {0};
    char archive[1024] = "", staged[1024] = "";
    uint32_t newest = 0;
    if (!rdb_backup_list(work->repository, work->arena, &manifests, &broken, &work->err))
        return rdb_backup_work_report(work);
    if (!find_archive(work, work->arguments->home != NULL ? work->arguments->home : "/tmp/rdb-restore", archive, staged)) {
        if (!rdb_error_is(&work->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE))
            return rdb_backup_work_report(work);
        rdb_error_clear(&work->err);
        archive[0] = '\0';
    }
    for (uint32_t i = 0; i < manifests.count; i++)
        newest = RDB_MAX(newest, ((const rdb_manifest *)manifests.items[i])->timeline);
    uint32_t archived = 0;
    bool ok = archive[0] == '\0' || rdb_wal_archive_newest_timeline(archive, &archived, &work->err);
    for (uint32_t timeline = 1; ok && timeline <= RDB_MAX(newest, archived); timeline++)
        ok = draw_timeline(work, &manifests, timeline, archive);
    rdb_error ignored = {0};
    if (staged[0] != '\0' && !rdb_path_remove_tree(staged, &ignored))
        rdb_error_clear(&ignored);
    return ok ? RDB_EXIT_DONE : rdb_backup_work_report(work);
}

int command_fetch(restore_work *work)
{
    bool found;
    if (work->operands.count != 2)
        return rdb_options_refuse(work->program, "fetch needs the name of an archived file and where to put it");
    if (!rdb_archive_get(work->repository, work->operands.items[0], work->operands.items[1], &found, &work->err))
        return rdb_backup_work_report(work);
    return found ? RDB_EXIT_DONE : RDB_EXIT_GENERAL;
}
