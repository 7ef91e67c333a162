/* SPDX-License-Identifier: Apache-2.0
 * Restoring a whole instance, to the end of a backup or to a target. */
#include "options.h"

#include "restore.h"

#include "audit/rdb_audit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define RESTORED_WAL "backup/restored-wal"

static void report_restore(const restore_work *work, const rdb_manifest *manifest, const rdb_restore_report *done, const char *goal, bool target_needs_archive, double seconds)
{
    const restore_arguments *a = work->arguments;
    char written[24], fetched[24], stopped[40], lsn[24];
    rdb_backup_format_size(done->bytes_written, written);
    rdb_backup_format_size(done->bytes_fetched, fetched);
    rdb_backup_format_moment(&manifest->stopped, stopped, lsn);
    if (a->json) {
        rdb_backup_print_json(json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:s, s:s, s:s, s:b, s:i, s:b, s:f, s:I, s:I}", "home", a->home, "backup_id", manifest->id, "target", goal, "chain_length",
                             (int)done->chain_length, "file_count", (int)done->files, "object_count", (int)done->objects, "written_bytes", (json_int_t)done->bytes_written,
                             "kept_bytes", (json_int_t)done->bytes_kept, "fetched_bytes", (json_int_t)done->bytes_fetched, "consistent_at", stopped, "consistent_lsn", lsn,
                             "kept_aside", done->kept_aside, "made_secrets", (int)done->made_secrets, "degraded_pages", (int)manifest->degraded.count, "dry_run", (int)a->dry_run, "elapsed_seconds", seconds, "total_bytes", (json_int_t)done->bytes_total,
                             "free_bytes", (json_int_t)done->bytes_free));
        return;
    }
    rdb_backup_tell_broken_pages(work->program, manifest);
    if (a->dry_run) {
        char size[24], space[24], started[40], first_lsn[24];
        rdb_backup_format_size(done->bytes_total, size);
        rdb_backup_format_size(done->bytes_free, space);
        rdb_backup_format_moment(&manifest->started, started, first_lsn);
        printf("would restore backup %s: %u backups, %u objects, %s into %u files; consistent at %s (%s)\n", manifest->id, done->chain_length, done->objects, size, done->files, stopped, lsn);
        printf("  log: from %s on, %s\n  key: %s\n  space: %s are free there%s\n", first_lsn, target_needs_archive ? "archived" : "with the backup",
               manifest->is_encrypted ? "one of the repository's recipients, which was given" : "none is needed", space, done->bytes_free < done->bytes_total ? ", which is not enough" : "");
        printf("  time: about %.0f s, as the first object was read\n  the first start goes %s\n", done->seconds_guess, goal);
        return;
    }
    printf("backup %s restored into %s: %u files, %s fetched, %s written, %.1f s\n", manifest->id, a->home, done->files, fetched, written, seconds);
    if (done->kept_aside[0] != '\0')
        printf("  what was there: %s/%s, to be removed when the new one serves\n", a->home, done->kept_aside);
    if (done->made_secrets)
        printf("  the backup has no secrets: a new certificate is in conf/secrets/tls; roles and their passwords are as they were\n");
    if (manifest->degraded.count > 0)
        printf("  %u pages were broken already when they were backed up: they are named above; an older backup may make them again (--page)\n", manifest->degraded.count);
    printf("  the first start goes %s\n  serve it: rdb-serve --home %s\n", goal, a->home);
}

bool choose_backup(restore_work *work, const char *home, rdb_recovery_target *target, bool has_target, rdb_manifest **manifest, char staged[1024])
{
    const restore_arguments *a = work->arguments;
    rdb_recovery_reach reach;
    if (!has_target)
        return rdb_backup_find(work->repository, a->backup, work->arena, manifest, &work->err);
    if (!find_archive(work, home, target->archive_directory, staged))
        return false;
    return rdb_backup_choose(work->repository, a->backup_given ? a->backup : NULL, target, work->arena, manifest, &reach, NULL, &work->err);
}

/* The archived log that was fetched becomes the new instance's own. */
static bool adopt_staged(const char *home, const char *staged, rdb_error *err)
{
    char path[PATH_MAX], parent[PATH_MAX];
    return rdb_instance_path(home, RESTORED_WAL, path, sizeof path, err) && rdb_instance_path(home, "backup", parent, sizeof parent, err) &&
           (!rdb_path_exists(path) || rdb_path_remove_tree(path, err)) && rdb_path_rename(staged, path, err) && rdb_path_sync_directory(parent, err);
}

int command_restore(restore_work *work)
{
    const restore_arguments *a = work->arguments;
    char home[PATH_MAX], staged[1024] = "", goal[200];
    rdb_manifest *manifest = NULL;
    rdb_restore_report done;
    rdb_recovery_target target;
    bool has_target;
    int64_t begun_us = rdb_time_monotonic_us();
    if ((a->table != NULL) + (a->database != NULL) + (a->page != NULL) > 1)
        return rdb_options_refuse(work->program, "one of --table, --database and --page at most");
    if (a->table != NULL)
        return command_table(work);
    if (a->database != NULL)
        return command_database(work);
    if (a->page != NULL)
        return command_page(work);
    bool ok = rdb_instance_resolve(a->home, home, sizeof home, &work->err) && read_target(work, &target, &has_target) && choose_backup(work, home, &target, has_target, &manifest, staged);
    if (ok) {
        rdb_restore_options options = {.home = home, .thread_count = work->thread_count, .dry_run = a->dry_run, .replace = a->replace, .delta = a->delta, .watch = &work->console.watch};
        /* A copy of a served instance goes on in a timeline of its own: what it will archive can never be taken for its origin's. */
        options.target = has_target || manifest->was_running ? &target : NULL;
        options.log_from_archive = has_target;
        options.stop_archiving = manifest->was_running && !a->keep_archiving && !a->replace && !a->delta;
        options.settings = a->map.items;
        options.setting_count = a->map.count;
        if (staged[0] != '\0')
            ok = rdb_instance_path(home, RESTORED_WAL, target.archive_directory, sizeof target.archive_directory, &work->err);
        if (has_target)
            rdb_recovery_target_describe(&target, goal);
        else
            snprintf(goal, sizeof goal, "to the end of the backup");
        ok = ok && rdb_backup_restore(work->repository, manifest, &options, &done, &work->err) && (staged[0] == '\0' || a->dry_run || adopt_staged(home, staged, &work->err));
    }
    if (staged[0] != '\0' && rdb_path_exists(staged)) {
        rdb_error ignored = {0};
        if (!rdb_path_remove_tree(staged, &ignored))
            rdb_error_clear(&ignored);
    }
    if (ok && !a->dry_run && rdb_audit_was_on(home)) { /* its first record when it is served */
        char what[300];
        snprintf(what, sizeof what, "%s, %s", manifest->id, goal);
        ok = rdb_audit_note_at_rest(home, work->program->name, "RESTORE", true, what, &work->err);
    }
    if (!ok)
        return rdb_backup_work_report(work);
    report_restore(work, manifest, &done, goal, has_target, (double)(rdb_time_monotonic_us() - begun_us) / 1e6);
    return RDB_EXIT_DONE;
}
