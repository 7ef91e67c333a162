/* SPDX-License-Identifier: Apache-2.0
 * One page of an instance, served or at rest, made again by a backup and all log since. */
#include "options.h"

#include "restore.h"

#include "session/rdb_session.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static void report_page(const restore_work *work, const rdb_repair_options *options, const rdb_repair_report *done)
{
    char lsn[24], ignored_time[40];
    const rdb_backup_moment at = {.lsn = done->lsn};
    const bool has_relation = done->relation[0] != '\0';
    rdb_backup_format_moment(&at, ignored_time, lsn);
    if (work->arguments->json) {
        rdb_backup_print_json(json_pack("{s:s, s:s, s:s, s:I, s:b, s:b, s:b, s:s, s:s, s:b}", "backup_id", done->backup_id, "file", done->path, "relation", done->relation, "block", (json_int_t)options->block,
                                        "was_served", (int)done->was_served, "was_sound", (int)done->was_sound, "was_in_memory", (int)done->was_in_memory, "problem", done->what, "lsn", lsn,
                                        "dry_run", (int)options->dry_run));
        return;
    }
    printf("block %llu of %s%s%s", (unsigned long long)options->block, done->path, has_relation ? " of " : "", done->relation);
    if (done->was_sound)
        printf(" is sound: nothing was changed\n");
    else if (done->was_in_memory)
        printf(" (%s) %s written again by its server, which has it in memory\n", done->what, options->dry_run ? "can be" : "was");
    else
        printf(" (%s) %s made again from backup %s and the log since%s%s\n", done->what, options->dry_run ? "can be" : "was", done->backup_id, options->dry_run ? "" : "; its LSN is ",
               options->dry_run ? "" : lsn);
}

int command_page(restore_work *work)
{
    const restore_arguments *a = work->arguments;
    char home[PATH_MAX], archive[1024] = "", staged[1024] = "", *end = NULL;
    char *page = rdb_arena_strdup(work->arena, a->page), *colon = strrchr(page, ':');
    rdb_repair_options options = {.home = home, .page = page, .archive_directory = archive, .dry_run = a->dry_run, .watch = &work->console.watch};
    rdb_repair_report done;
    rdb_manifest *manifest = NULL;
    if (colon != NULL) {
        *colon = '\0';
        options.block = strtoull(colon + 1, &end, 10);
    }
    if (colon == NULL || colon == page || end == colon + 1 || *end != '\0')
        return rdb_options_refuse(work->program, "--page needs a relation or a file below data/, and a block, as in orders:20 or tables/17/16384:2");
    rdb_engine_register();
    bool ok = rdb_instance_resolve(a->home, home, sizeof home, &work->err) && (!a->backup_given || rdb_backup_find(work->repository, a->backup, work->arena, &manifest, &work->err));
    if (ok && !find_archive(work, home, archive, staged)) { /* without archived log the instance's own may do */
        ok = rdb_error_is(&work->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE);
        if (ok)
            rdb_error_clear(&work->err);
        archive[0] = '\0';
    }
    ok = ok && rdb_backup_repair_page(work->repository, manifest, &options, work->arena, &done, &work->err);
    rdb_error ignored = {0};
    if (staged[0] != '\0' && rdb_path_exists(staged) && !rdb_path_remove_tree(staged, &ignored))
        rdb_error_clear(&ignored);
    if (!ok)
        return rdb_backup_work_report(work);
    report_page(work, &options, &done);
    return RDB_EXIT_DONE;
}
