/* SPDX-License-Identifier: Apache-2.0
 * The entries that make cron or systemd take a week of backups, expire them and drill: shown, or put where they work. What was put there
 * for the same instance goes: in a crontab it stands between two marks, units bear a name that comes from the instance's directory. */
#include "options.h"

#include "backup.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS = 4 };
typedef struct job {
    const char *name, *what, *cron_when, *systemd_when;
    char *command;
} job;

/* An argument as a shell and systemd both read it. */
static const char *quote(backup_work *work, const char *text)
{
    if (text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@=+,-")] == '\0' && text[0] != '\0')
        return text;
    rdb_strbuf quoted;
    rdb_strbuf_init(&quoted, work->arena);
    rdb_strbuf_addc(&quoted, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr("\"\\$`", *c) != NULL)
            rdb_strbuf_addc(&quoted, '\\');
        rdb_strbuf_addc(&quoted, *c);
    }
    rdb_strbuf_addc(&quoted, '"');
    return quoted.data;
}

static bool plan(backup_work *work, job jobs[JOBS], char home[PATH_MAX])
{
    const backup_arguments *a = work->arguments;
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0 || !rdb_instance_resolve(a->home, home, PATH_MAX, &work->err))
        return rdb_error_is_set(&work->err) ? false : rdb_error_set(&work->err, RDB_IO_ERROR, "the path of this program cannot be found");
    program[length] = '\0';
    const char *key = a->passphrase_file != NULL ? " --passphrase-file " : a->key_file != NULL ? " --key-file " : a->identity != NULL ? " --identity " : "";
    const char *file = a->passphrase_file != NULL ? a->passphrase_file : a->key_file != NULL ? a->key_file : a->identity != NULL ? a->identity : "";
    const char *keys = rdb_arena_printf(work->arena, "%s%s", key, file[0] != '\0' ? quote(work, file) : "");
    const char *tool = quote(work, program), *output = quote(work, a->output), *instance = quote(work, home);
    long long days = a->keep_days > 0 ? (long long)a->keep_days : 30;
    jobs[0] = (job){"full", "full backup", "0 2 * * 0", "Sun *-*-* 02:00:00", rdb_arena_printf(work->arena, "%s --home %s --output %s%s --type full --verify", tool, instance, output, keys)};
    jobs[1] = (job){"incremental", "incremental backup", "0 2 * * 1-6", "Mon..Sat *-*-* 02:00:00", rdb_arena_printf(work->arena, "%s --home %s --output %s%s --type incremental", tool, instance, output, keys)};
    jobs[2] = (job){"expire", "retention of backups", "0 4 * * *", "*-*-* 04:00:00", rdb_arena_printf(work->arena, "%s expire --output %s%s --keep-days %lld --keep-yearly 7", tool, output, keys, days)};
    jobs[3] = (job){"drill", "drill with the newest backup", "0 5 * * 1", "Mon *-*-* 05:00:00", rdb_arena_printf(work->arena, "%s drill --output %s%s", tool, output, keys)};
    return rdb_arena_check(work->arena, &work->err);
}

/* ---- cron ---------------------------------------------------------------------------------------------------------------------- */
static const char *cron_text(backup_work *work, const job jobs[JOBS], const char *home)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, work->arena);
    rdb_strbuf_addf(&text, "# begin of rdb-backup schedule for %s\n", home);
    for (int i = 0; i < JOBS; i++) {
        rdb_strbuf_addf(&text, "%s ", jobs[i].cron_when);
        for (const char *c = jobs[i].command; *c != '\0'; c++) /* a bare % ends a command in a crontab */
            rdb_strbuf_adds(&text, *c == '%' ? "\\%" : (const char[]){*c, '\0'});
        rdb_strbuf_addc(&text, '\n');
    }
    rdb_strbuf_addf(&text, "# end of rdb-backup schedule for %s\n", home);
    return text.data;
}

/* The crontab without what stands between our marks. */
static const char *read_crontab(backup_work *work, const char *home)
{
    const char *begin = rdb_arena_printf(work->arena, "# begin of rdb-backup schedule for %s\n", home), *end = rdb_arena_printf(work->arena, "# end of rdb-backup schedule for %s\n", home);
    rdb_strbuf text;
    char line[8192];
    bool ours = false;
    rdb_strbuf_init(&text, work->arena);
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

static bool install_cron(backup_work *work, const char *text, const char *home)
{
    const char *before = read_crontab(work, home);
    fflush(NULL);
    FILE *pipe = popen("crontab -", "we");
    bool ok = pipe != NULL && fputs(before, pipe) >= 0 && fputs(text, pipe) >= 0;
    int status = pipe != NULL ? pclose(pipe) : -1;
    if (ok && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    rdb_error_set(&work->err, RDB_IO_ERROR, "the crontab cannot be written");
    return rdb_error_hint(&work->err, "Is cron installed? Without it: rdb-backup schedule systemd --install");
}

/* ---- systemd ------------------------------------------------------------------------------------------------------------------- */
/* rdb-backup-srv-db-full, for the instance /srv/db */
static const char *unit_name(backup_work *work, const char *home, const job *j)
{
    char *name = rdb_arena_printf(work->arena, "rdb-backup%s-%s", home, j->name);
    for (char *c = name; *c != '\0'; c++)
        *c = isalnum((unsigned char)*c) || *c == '.' || *c == '_' ? *c : '-';
    return name;
}

static const char *unit_text(backup_work *work, const job *j, const char *home, bool is_timer)
{
    if (is_timer)
        return rdb_arena_printf(work->arena, "[Unit]\nDescription=RustyDB: %s of %s\n\n[Timer]\nOnCalendar=%s\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n", j->what, home, j->systemd_when);
    rdb_strbuf command;
    rdb_strbuf_init(&command, work->arena);
    for (const char *c = j->command; *c != '\0'; c++)
        rdb_strbuf_adds(&command, *c == '%' ? "%%" : (const char[]){*c, '\0'});
    return rdb_arena_printf(work->arena, "[Unit]\nDescription=RustyDB: %s of %s\n\n[Service]\nType=oneshot\nExecStart=%s\n", j->what, home, command.data);
}

static bool each_unit(backup_work *work, const job jobs[JOBS], const char *home, bool (*run)(backup_work *work, const char *path, const char *text))
{
    for (int i = 0; i < JOBS; i++)
        for (int is_timer = 0; is_timer < 2; is_timer++) {
            const char *path = rdb_arena_printf(work->arena, "%s/%s.%s", work->arguments->unit_directory, unit_name(work, home, &jobs[i]), is_timer ? "timer" : "service");
            if (!run(work, path, unit_text(work, &jobs[i], home, is_timer)))
                return false;
        }
    return true;
}

static bool write_unit(backup_work *work, const char *path, const char *text)
{
    return rdb_path_write_atomic(path, text, strlen(text), 0644, &work->err);
}

static bool print_unit(backup_work *work, const char *path, const char *text)
{
    (void)work;
    printf("# %s\n%s\n", path, text);
    return true;
}

int command_schedule(backup_work *work)
{
    const backup_arguments *a = work->arguments;
    job jobs[JOBS];
    char home[PATH_MAX];
    if (a->home == NULL)
        return rdb_options_refuse(work->program, "no instance directory was named: use --home DIR or set RUSTYDB_HOME");
    bool is_cron = work->operands.count == 0 || strcmp(work->operands.items[0], "cron") == 0;
    if (work->operands.count > 1 || (!is_cron && strcmp(work->operands.items[0], "systemd") != 0))
        return rdb_options_refuse(work->program, "schedule is followed by cron or systemd");
    if (!plan(work, jobs, home))
        return rdb_backup_work_report(work);
    bool install = a->install && !a->dry_run;
    if (is_cron) {
        const char *text = cron_text(work, jobs, home);
        fputs(text, stdout);
        if (install && !install_cron(work, text, home))
            return rdb_backup_work_report(work);
    } else {
        if (!each_unit(work, jobs, home, print_unit) || (install && !each_unit(work, jobs, home, write_unit)))
            return rdb_backup_work_report(work);
        if (install) {
            fprintf(stderr, "%s: the units are in %s; make them run with: systemctl daemon-reload && systemctl enable --now", work->program->name, a->unit_directory);
            for (int i = 0; i < JOBS; i++)
                fprintf(stderr, " %s.timer", unit_name(work, home, &jobs[i]));
            fprintf(stderr, "\n");
        }
    }
    if (!a->install)
        fprintf(stderr, "%s: nothing was changed; --install puts this where %s finds it\n", work->program->name, is_cron ? "cron" : "systemd");
    return RDB_EXIT_DONE;
}
