/* SPDX-License-Identifier: Apache-2.0
 * Entries that make cron or systemd run a program's commands for one instance: shown, or put where they work. What was put there for the
 * same program and instance goes: in a crontab it stands between two marks, units bear a name that comes from the instance's directory. */
#ifndef RDB_SCHEDULE_H
#define RDB_SCHEDULE_H

#include "base/rdb_base.h"

typedef struct rdb_schedule_job {
    const char *name, *what; /* "full", "full backup" */
    const char *cron_when, *systemd_when;
    const char *command;
} rdb_schedule_job;
typedef struct rdb_schedule {
    const char *program; /* "rdb-backup" */
    const char *home;    /* of the instance, absolute */
    const rdb_schedule_job *jobs;
    uint32_t job_count;
    const char *unit_directory;
    bool is_systemd, installs;
} rdb_schedule;

/* An argument as a shell and systemd both read it. */
const char *rdb_schedule_quote(rdb_arena *arena, const char *text);
/* The path of the running program. NULL: *err. */
const char *rdb_schedule_program_path(rdb_arena *arena, rdb_error *err);
/* Prints the entries, and with installs puts them in place. */
RDB_CHECKED bool rdb_schedule_run(const rdb_schedule *schedule, rdb_arena *arena, rdb_error *err);

#endif
