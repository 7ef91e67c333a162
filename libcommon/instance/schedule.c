/* SPDX-License-Identifier: Apache-2.0
 * Entries for cron and systemd: see rdb_schedule.h. */
#include "instance/rdb_schedule.h"
#include "os/rdb_os.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

const char *rdb_schedule_quote(rdb_arena *arena, const char *text)
{
    if (text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@=+,-")] == '\0' && text[0] != '\0')
        return text;
    rdb_strbuf quoted;
    rdb_strbuf_init(&quoted, arena);
    rdb_strbuf_addc(&quoted, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr("\"\\$`", *c) != NULL)
            rdb_strbuf_addc(&quoted, '\\');
        rdb_strbuf_addc(&quoted, *c);
    }
    rdb_strbuf_addc(&quoted, '"');
    return quoted.data;
}

const char *rdb_schedule_program_path(rdb_arena *arena, rdb_error *err)
{
    char program[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) {
        rdb_error_set(err, RDB_IO_ERROR, "the path of this program cannot be found");
        return NULL;
    }
    program[length] = '\0';
    return rdb_arena_strdup(arena, program);
}

/* A command in which % means something to the reader. */
static const char *escape_percent(rdb_arena *arena, const char *command, const char *percent)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, arena);
    for (const char *c = command; *c != '\0'; c++)
        rdb_strbuf_adds(&text, *c == '%' ? percent : (const char[]){*c, '\0'});
    return text.data != NULL ? text.data : "";
}

/* ---- cron ---------------------------------------------------------------------------------------------------------------------- */
static const char *mark(const rdb_schedule *schedule, rdb_arena *arena, const char *which)
{
    return rdb_arena_printf(arena, "# %s of %s schedule for %s\n", which, schedule->program, schedule->home);
}

static const char *cron_text(const rdb_schedule *schedule, rdb_arena *arena)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, arena);
    rdb_strbuf_adds(&text, mark(schedule, arena, "begin"));
    for (uint32_t i = 0; i < schedule->job_count; i++) /* a bare % ends a command in a crontab */
        rdb_strbuf_addf(&text, "%s %s\n", schedule->jobs[i].cron_when, escape_percent(arena, schedule->jobs[i].command, "\\%"));
    rdb_strbuf_adds(&text, mark(schedule, arena, "end"));
    return text.data;
}

/* The crontab without what stands between our marks. */
static const char *read_crontab(const rdb_schedule *schedule, rdb_arena *arena)
{
    const char *begin = mark(schedule, arena, "begin"), *end = mark(schedule, arena, "end");
    rdb_strbuf text;
    char line[8192];
    bool ours = false;
    rdb_strbuf_init(&text, arena);
    FILE *pipe = popen("crontab -l 2>/dev/null", "re");
    while (pipe != NULL && fgets(line, sizeof line, pipe) != NULL) {
        ours = ours || strcmp(line, begin) == 0;
        if (!ours)
            rdb_strbuf_adds(&text, line);
        ours = ours && strcmp(line, end) != 0;
    }
    if (pipe != NULL)
        pclose(pipe);
    return text.data != NULL ? text.data : "";
}

static bool install_cron(const rdb_schedule *schedule, const char *text, rdb_arena *arena, rdb_error *err)
{
    const char *before = read_crontab(schedule, arena);
    fflush(NULL);
    FILE *pipe = popen("crontab -", "we");
    bool ok = pipe != NULL && fputs(before, pipe) >= 0 && fputs(text, pipe) >= 0;
    int status = pipe != NULL ? pclose(pipe) : -1;
    if (ok && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    rdb_error_set(err, RDB_IO_ERROR, "the crontab cannot be written");
    return rdb_error_hint(err, "Is cron installed? Without it: %s schedule systemd --install", schedule->program);
}

/* ---- systemd ------------------------------------------------------------------------------------------------------------------- */
/* rdb-backup-srv-db-full, for the instance /srv/db */
static const char *unit_name(const rdb_schedule *schedule, rdb_arena *arena, const rdb_schedule_job *job)
{
    char *name = rdb_arena_printf(arena, "%s%s-%s", schedule->program, schedule->home, job->name);
    for (char *c = name; *c != '\0'; c++)
        *c = isalnum((unsigned char)*c) || *c == '.' || *c == '_' ? *c : '-';
    return name;
}

static const char *unit_text(const rdb_schedule *schedule, rdb_arena *arena, const rdb_schedule_job *job, bool is_timer)
{
    if (is_timer)
        return rdb_arena_printf(arena, "[Unit]\nDescription=RustyDB: %s of %s\n\n[Timer]\nOnCalendar=%s\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n", job->what, schedule->home, job->systemd_when);
    return rdb_arena_printf(arena, "[Unit]\nDescription=RustyDB: %s of %s\n\n[Service]\nType=oneshot\nExecStart=%s\n", job->what, schedule->home, escape_percent(arena, job->command, "%%"));
}

static bool run_systemd(const rdb_schedule *schedule, rdb_arena *arena, rdb_error *err)
{
    for (uint32_t i = 0; i < schedule->job_count; i++)
        for (int is_timer = 0; is_timer < 2; is_timer++) {
            const char *path = rdb_arena_printf(arena, "%s/%s.%s", schedule->unit_directory, unit_name(schedule, arena, &schedule->jobs[i]), is_timer ? "timer" : "service");
            const char *text = unit_text(schedule, arena, &schedule->jobs[i], is_timer);
            if (!rdb_arena_check(arena, err))
                return false;
            printf("# %s\n%s\n", path, text);
            if (schedule->installs && !rdb_path_write_atomic(path, text, strlen(text), 0644, err))
                return false;
        }
    if (!schedule->installs)
        return true;
    fprintf(stderr, "%s: the units are in %s; make them run with: systemctl daemon-reload && systemctl enable --now", schedule->program, schedule->unit_directory);
    for (uint32_t i = 0; i < schedule->job_count; i++)
        fprintf(stderr, " %s.timer", unit_name(schedule, arena, &schedule->jobs[i]));
    fprintf(stderr, "\n");
    return true;
}

bool rdb_schedule_run(const rdb_schedule *schedule, rdb_arena *arena, rdb_error *err)
{
    if (schedule->is_systemd)
        return run_systemd(schedule, arena, err);
    const char *text = cron_text(schedule, arena);
    if (!rdb_arena_check(arena, err))
        return false;
    fputs(text, stdout);
    return !schedule->installs || install_cron(schedule, text, arena, err);
}
