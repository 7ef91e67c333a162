/* SPDX-License-Identifier: Apache-2.0
 * schedule: the entries that make cron or systemd vacuum an instance every night and compact it once a week. */
#include "instance/rdb_instance.h"
#include "instance/rdb_schedule.h"
#include "vacuum.h"

#include <limits.h>
#include <stdio.h>

bool vacuum_schedule(vacuum_run *run, const char *kind, rdb_error *err)
{
    const vacuum_arguments *a = run->arguments;
    char home[PATH_MAX];
    int hour, minute, used = 0;
    const bool is_systemd = kind != NULL && strcmp(kind, "systemd") == 0;
    if (kind != NULL && !is_systemd && strcmp(kind, "cron") != 0)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "schedule is followed by cron or systemd");
    if (run->place.home == NULL)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "schedule needs --home DIR");
    if (sscanf(a->at, "%2d:%2d%n", &hour, &minute, &used) != 2 || a->at[used] != '\0' || hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "--at takes a time of the day, such as 03:00");
    const char *program = rdb_schedule_program_path(run->arena, err);
    if (program == NULL || !rdb_instance_resolve(run->place.home, home, sizeof home, err))
        return false;
    const char *tool = rdb_schedule_quote(run->arena, program), *instance = rdb_schedule_quote(run->arena, home);
    const char *window = a->window != NULL ? rdb_arena_printf(run->arena, " --window %s", a->window) : "", *rate = a->rate != NULL ? rdb_arena_printf(run->arena, " --rate %s", a->rate) : "";
    const char *keep = a->keep_p99 != NULL ? rdb_arena_printf(run->arena, " --keep-p99 %s", a->keep_p99) : "";
    rdb_strbuf tables;
    rdb_strbuf_init(&tables, run->arena);
    for (uint32_t i = 0; i < a->tables.count; i++)
        rdb_strbuf_addf(&tables, " --table \"%s\"", a->tables.items[i]); /* a pattern: the shell must not meet it bare */
    const char *chosen = tables.data != NULL ? tables.data : "";
    const rdb_schedule_job jobs[2] = {
        {"vacuum", "vacuum and statistics", rdb_arena_printf(run->arena, "%d %d * * *", minute, hour), rdb_arena_printf(run->arena, "*-*-* %02d:%02d:00", hour, minute),
         rdb_arena_printf(run->arena, "%s vacuum --analyze --home %s --jobs %lld%s%s", tool, instance, (long long)a->jobs, window, chosen)},
        {"compact", "compaction", rdb_arena_printf(run->arena, "%d %d * * 0", (minute + 30) % 60, (hour + (minute + 30) / 60) % 24),
         rdb_arena_printf(run->arena, "Sun *-*-* %02d:%02d:00", (hour + (minute + 30) / 60) % 24, (minute + 30) % 60),
         rdb_arena_printf(run->arena, "%s compact --home %s%s%s%s%s", tool, instance, window, rate, keep, chosen)},
    };
    const rdb_schedule schedule = {run->program->name, home, jobs, 2, a->unit_directory, is_systemd, a->install};
    if (!rdb_schedule_run(&schedule, run->arena, err))
        return false;
    if (!a->install)
        fprintf(stderr, "rdb-vacuum: nothing was changed; --install puts this where %s finds it\n", is_systemd ? "systemd" : "cron");
    return true;
}
