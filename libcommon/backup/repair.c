/* SPDX-License-Identifier: Apache-2.0
 * One page of an instance at rest, made again: a backup is restored beside, the archived log and the instance's own are replayed on it to
 * their very end, and the page is taken from there. It is the page as it would be, not as it was when the backup was taken; where the log
 * does not reach the instance's end nothing is written. */
#include "backup/backup_int.h"
#include "backup/rdb_backup_server.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct repairing {
    rdb_repository *repository;
    const rdb_repair_options *options;
    rdb_arena *arena;
    backup_source *source; /* holds the instance's lock */
    char path[1100], scratch[PATH_MAX];
    rdb_page_tag tag;
    uint32_t page_bytes;
    rdb_lsn end_lsn; /* of the instance's log */
} repairing;

static bool read_page(repairing *r, const char *home, uint8_t *page, bool *sound, const char **what, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_file *file = NULL;
    size_t got = 0;
    *what = "the file ends before it";
    if (!rdb_instance_path(home, r->path, path, sizeof path, err) || !rdb_file_open(&file, path, RDB_FILE_READ, err))
        return false;
    bool ok = rdb_file_read(file, r->options->block * r->page_bytes, page, r->page_bytes, &got, err);
    ok = rdb_file_close(&file, err) && ok;
    *sound = ok && got == r->page_bytes && rdb_page_verify(page, r->tag, r->page_bytes, what);
    return ok;
}

static bool write_page(repairing *r, const uint8_t *page, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_file *file = NULL;
    if (!rdb_instance_path(source_home(r->source), r->path, path, sizeof path, err) || !rdb_file_open(&file, path, RDB_FILE_WRITE, err))
        return false;
    bool ok = rdb_file_write(file, r->options->block * r->page_bytes, page, r->page_bytes, err) && rdb_file_sync(file, err);
    return rdb_file_close(&file, err) && ok;
}

/* The instance's own segments take the place of the same ones of the backup, which end earlier. */
static bool copy_log(repairing *r, rdb_error *err)
{
    char from[PATH_MAX], to[PATH_MAX];
    rdb_list names = {0};
    if (!rdb_instance_path(source_home(r->source), "data/wal", from, sizeof from, err) || !rdb_path_list(from, r->arena, &names, err))
        return false;
    for (uint32_t i = 0; i < names.count; i++) {
        const char *name = rdb_arena_printf(r->arena, "data/wal/%s", (const char *)names.items[i]);
        rdb_slice content;
        if (!rdb_instance_path(source_home(r->source), name, from, sizeof from, err) || !rdb_instance_path(r->scratch, name, to, sizeof to, err))
            return false;
        rdb_arena *mine = rdb_arena_create("segment", NULL, NULL);
        bool ok = mine != NULL && rdb_path_read(from, mine, &content, BACKUP_OBJECT_BYTES_MAX, err) && rdb_path_write_atomic(to, content.data, content.length, 0600, err);
        rdb_arena_destroy(mine);
        if (!ok)
            return mine != NULL ? false : rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    return true;
}

static bool replay_beside(repairing *r, rdb_manifest *manifest, rdb_error *err)
{
    rdb_restore_report report;
    rdb_control control;
    rdb_recovery_target target = {.kind = RDB_TARGET_END, .shut_down = true, .timeline = source_timeline(r->source)};
    snprintf(target.archive_directory, sizeof target.archive_directory, "%s", r->options->archive_directory);
    rdb_restore_options options = {.home = r->scratch, .thread_count = r->options->thread_count, .stop_archiving = true, .target = &target, .watch = r->options->watch,
                                   .log_from_archive = target.archive_directory[0] != '\0'}; /* the backup's own log ends inside a segment */
    const rdb_backup_watch *watch = r->options->watch;
    if (!rdb_backup_restore(r->repository, manifest, &options, &report, err) || !copy_log(r, err) ||
        !rdb_scratch_recover(r->scratch, watch != NULL ? watch->is_interrupted : NULL, watch != NULL ? watch->context : NULL, err) || !rdb_control_read(r->scratch, &control, err))
        return false;
    if (control.consistent_lsn >= r->end_lsn)
        return true;
    char reached[24], end[24];
    backup_format_lsn(control.consistent_lsn, reached);
    backup_format_lsn(r->end_lsn, end);
    rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the page cannot be made again: the log does not reach so far");
    return rdb_error_detail(err, "Replay from backup %s ends at %s, the instance's log at %s. Nothing was changed.", manifest->id, reached, end);
}

static bool find_page(repairing *r, rdb_error *err)
{
    bool has_prefix = strncmp(r->options->path, "data/", 5) == 0;
    snprintf(r->path, sizeof r->path, "%s%.1000s", has_prefix ? "" : "data/", r->options->path);
    if (!backup_path_is_safe(r->path) || !page_tag_of(r->path, &r->tag)) {
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is no file of pages", r->options->path);
        return rdb_error_hint(err, "Write the file below data/ and the block, as the message of the damage names them: tables/17/16384:2.");
    }
    r->tag.block = r->options->block;
    return true;
}

bool rdb_backup_repair_page(rdb_repository *repository, rdb_manifest *manifest, const rdb_repair_options *options, rdb_repair_report *report, rdb_error *err)
{
    repairing r = {.repository = repository, .options = options};
    rdb_backup_moment started, stopped;
    const char *what;
    bool sound = false;
    *report = (rdb_repair_report){.was_sound = false};
    r.arena = rdb_arena_create("repair", NULL, NULL);
    if (r.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    uint8_t *page = NULL;
    bool ok = find_page(&r, err) && source_open(&r.source, options->home, err);
    if (ok && source_is_running(r.source)) {
        rdb_error_set(err, RDB_OBJECT_IN_USE, "the instance is being served");
        ok = rdb_error_hint(err, "Stop it first: rdb-serve --home %s --stop", options->home);
    }
    r.page_bytes = ok ? source_control(r.source)->page_bytes : 0;
    page = ok ? aligned_alloc(r.page_bytes, r.page_bytes) : NULL;
    ok = ok && (page != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) && read_page(&r, source_home(r.source), page, &report->was_sound, &what, err) &&
         source_begin(r.source, NULL, true, &started, err) && source_end(r.source, &stopped, err);
    if (ok && !report->was_sound) {
        snprintf(report->what, sizeof report->what, "%s", what);
        r.end_lsn = stopped.lsn;
        snprintf(r.scratch, sizeof r.scratch, "%.4000s.page-XXXXXX", source_home(r.source));
        ok = mkdtemp(r.scratch) != NULL || rdb_error_set_errno(err, errno, "no directory can be made beside \"%s\"", options->home);
        if (!ok)
            r.scratch[0] = '\0';
        ok = ok && replay_beside(&r, manifest, err) && read_page(&r, r.scratch, page, &sound, &what, err);
        if (ok && !sound)
            ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "the page is broken in the restored copy too: %s", what);
        report->lsn = ok ? ((const rdb_page *)(const void *)page)->lsn : 0;
        ok = ok && (options->dry_run || write_page(&r, page, err));
    }
    rdb_error ignored = {0};
    if (r.scratch[0] != '\0' && !rdb_path_remove_tree(r.scratch, &ignored))
        rdb_error_clear(&ignored);
    source_close(&r.source);
    free(page);
    rdb_arena_destroy(r.arena);
    return ok;
}
