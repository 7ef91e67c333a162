/* SPDX-License-Identifier: Apache-2.0
 * A copy of a backup beside the instance, served for ourselves alone: what single tables and databases are taken from. */
#include "options.h"

#include "restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

bool scratch_make(restore_work *work, scratch_copy *copy)
{
    rdb_restore_report done;
    rdb_recovery_target target;
    bool has_target;
    char home[4200];
    *copy = (scratch_copy){.manifest = NULL};
    if (!rdb_instance_resolve(work->arguments->home, home, sizeof home, &work->err) || !read_target(work, &target, &has_target) ||
        !choose_backup(work, home, &target, has_target, &copy->manifest, copy->staged))
        return false;
    snprintf(copy->home, sizeof copy->home, "%.4000s.copy-XXXXXX", home);
    if (mkdtemp(copy->home) == NULL) {
        copy->home[0] = '\0';
        return rdb_error_set_errno(&work->err, errno, "no directory can be made beside \"%s\"", home);
    }
    rdb_restore_options options = {.home = copy->home, .thread_count = work->thread_count, .stop_archiving = true, .log_from_archive = has_target, .watch = &work->console.watch,
                                   .target = has_target || copy->manifest->was_running ? &target : NULL};
    return rdb_backup_restore(work->repository, copy->manifest, &options, &done, &work->err) &&
           rdb_scratch_start(&copy->server, copy->home, work->console.watch.is_interrupted, work->console.watch.context, &work->err);
}

void scratch_drop(scratch_copy *copy)
{
    rdb_error ignored = {0};
    rdb_scratch_stop(&copy->server);
    if (copy->home[0] != '\0' && !rdb_path_remove_tree(copy->home, &ignored))
        rdb_error_clear(&ignored);
    if (copy->staged[0] != '\0' && rdb_path_exists(copy->staged) && !rdb_path_remove_tree(copy->staged, &ignored))
        rdb_error_clear(&ignored);
}
