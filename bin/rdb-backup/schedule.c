/* SPDX-License-Identifier: Apache-2.0
 * schedule: the entries that make cron or systemd take a week of backups, expire them and drill. */
#include "options.h"

#include "backup.h"
#include "instance/rdb_schedule.h"

#include <limits.h>
#include <stdio.h>

enum { JOBS = 4 };

static bool plan(backup_work *work, rdb_schedule_job jobs[JOBS], char home[PATH_MAX])
{
    const backup_arguments *a = work->arguments;
    const char *program = rdb_schedule_program_path(work->arena, &work->err);
    if (program == NULL || !rdb_instance_resolve(a->home, home, PATH_MAX, &work->err))
        return false;
    const char *key = a->passphrase_file != NULL ? " --passphrase-file " : a->key_file != NULL ? " --key-file " : a->identity != NULL ? " --identity " : "";
    const char *file = a->passphrase_file != NULL ? a->passphrase_file : a->key_file != NULL ? a->key_file : a->identity != NULL ? a->identity : "";
    const char *keys = rdb_arena_printf(work->arena, "%s%s", key, file[0] != '\0' ? rdb_schedule_quote(work->arena, file) : "");
    const char *tool = rdb_schedule_quote(work->arena, program), *output = rdb_schedule_quote(work->arena, a->output), *instance = rdb_schedule_quote(work->arena, home);
    long long days = a->keep_days > 0 ? (long long)a->keep_days : 30;
    jobs[0] = (rdb_schedule_job){"full", "full backup", "0 2 * * 0", "Sun *-*-* 02:00:00", rdb_arena_printf(work->arena, "%s --home %s --output %s%s --type full --verify", tool, instance, output, keys)};
    jobs[1] = (rdb_schedule_job){"incremental", "incremental backup", "0 2 * * 1-6", "Mon..Sat *-*-* 02:00:00", rdb_arena_printf(work->arena, "%s --home %s --output %s%s --type incremental", tool, instance, output, keys)};
    jobs[2] = (rdb_schedule_job){"expire", "retention of backups", "0 4 * * *", "*-*-* 04:00:00", rdb_arena_printf(work->arena, "%s expire --output %s%s --keep-days %lld --keep-yearly 7", tool, output, keys, days)};
    jobs[3] = (rdb_schedule_job){"drill", "drill with the newest backup", "0 5 * * 1", "Mon *-*-* 05:00:00", rdb_arena_printf(work->arena, "%s drill --output %s%s", tool, output, keys)};
    return rdb_arena_check(work->arena, &work->err);
}

int command_schedule(backup_work *work)
{
    const backup_arguments *a = work->arguments;
    rdb_schedule_job jobs[JOBS];
    char home[PATH_MAX];
    if (a->home == NULL)
        return rdb_options_refuse(work->program, "no instance directory was named: use --home DIR or set RUSTYDB_HOME");
    bool is_cron = work->operands.count == 0 || strcmp(work->operands.items[0], "cron") == 0;
    if (work->operands.count > 1 || (!is_cron && strcmp(work->operands.items[0], "systemd") != 0))
        return rdb_options_refuse(work->program, "schedule is followed by cron or systemd");
    if (!plan(work, jobs, home))
        return rdb_backup_work_report(work);
    const rdb_schedule schedule = {work->program->name, home, jobs, JOBS, a->unit_directory, !is_cron, a->install && !a->dry_run};
    if (!rdb_schedule_run(&schedule, work->arena, &work->err))
        return rdb_backup_work_report(work);
    if (!a->install)
        fprintf(stderr, "%s: nothing was changed; --install puts this where %s finds it\n", work->program->name, is_cron ? "cron" : "systemd");
    return RDB_EXIT_DONE;
}
