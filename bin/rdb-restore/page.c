/* SPDX-License-Identifier: Apache-2.0
 * One page of an instance at rest, made again by a backup and all log since. */
#include "options.h"

#include "restore.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

int command_page(restore_work *work)
{
    const restore_arguments *a = work->arguments;
    char home[PATH_MAX], archive[1024] = "", staged[1024] = "", lsn[24], ignored_time[40], *end = NULL;
    char *path = rdb_arena_strdup(work->arena, a->page), *colon = strrchr(path, ':');
    rdb_repair_options options = {.path = path, .archive_directory = archive, .thread_count = work->thread_count, .dry_run = a->dry_run, .watch = &work->console.watch};
    rdb_repair_report done;
    rdb_manifest *manifest;
    if (colon != NULL) {
        *colon = '\0';
        options.block = strtoull(colon + 1, &end, 10);
    }
    if (colon == NULL || end == colon + 1 || *end != '\0')
        return rdb_options_refuse(work->program, "--page needs a file below data/ and a block, as in tables/17/16384:2");
    bool ok = rdb_instance_resolve(a->home, home, sizeof home, &work->err) && rdb_backup_find(work->repository, a->backup, work->arena, &manifest, &work->err);
    options.home = home;
    if (ok && !find_archive(work, home, archive, staged)) { /* without archived log the instance's own may do */
        ok = rdb_error_is(&work->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE);
        if (ok)
            rdb_error_clear(&work->err);
        archive[0] = '\0';
    }
    ok = ok && rdb_backup_repair_page(work->repository, manifest, &options, &done, &work->err);
    rdb_error ignored = {0};
    if (staged[0] != '\0' && rdb_path_exists(staged) && !rdb_path_remove_tree(staged, &ignored))
        rdb_error_clear(&ignored);
    if (!ok)
        return rdb_backup_work_report(work);
    const rdb_backup_moment at = {.lsn = done.lsn};
    rdb_backup_format_moment(&at, ignored_time, lsn);
    if (a->json)
        rdb_backup_print_json(json_pack("{s:s, s:s, s:I, s:b, s:s, s:s, s:b}", "backup_id", manifest->id, "file", path, "block", (json_int_t)options.block, "was_sound", (int)done.was_sound, "problem", done.what,
                                        "lsn", lsn, "dry_run", (int)a->dry_run));
    else if (done.was_sound)
        printf("block %llu of %s is sound: nothing was changed\n", (unsigned long long)options.block, path);
    else
        printf("block %llu of %s (%s) %s made again from backup %s and the log since; its LSN is %s\n", (unsigned long long)options.block, path, done.what, a->dry_run ? "can be" : "was", manifest->id, lsn);
    return RDB_EXIT_DONE;
}
