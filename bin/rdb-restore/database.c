/* SPDX-License-Identifier: Apache-2.0
 * One database out of a backup into a running instance, under a name of its own: the backup is restored beside the instance, served for
 * ourselves alone, and carried over by pg_dump and psql, PostgreSQL's own clients, in one transaction. */
#include "options.h"

#include "restore.h"

#include "backup/rdb_backup_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool has_program(const char *name)
{
    const char *path = getenv("PATH");
    char whole[4200];
    for (const char *at = path; at != NULL && *at != '\0'; at += strcspn(at, ":"), at += *at == ':') {
        snprintf(whole, sizeof whole, "%.*s/%s", (int)RDB_MIN(strcspn(at, ":"), (size_t)4000), at, name);
        if (access(whole, X_OK) == 0)
            return true;
    }
    return false;
}

static pid_t spawn(const char *const *arguments, int input, int output, int other)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (input >= 0)
        dup2(input, STDIN_FILENO);
    dup2(output >= 0 ? output : STDERR_FILENO, STDOUT_FILENO); /* our stdout is the result's */
    if (input >= 0)
        close(input);
    if (output >= 0)
        close(output);
    close(other);
    execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static bool await(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool carry_over(restore_work *work, PGconn *from, PGconn *to, const char *database, const char *name)
{
    const char *const dump[] = {"pg_dump", "-h", PQhost(from), "-p", PQport(from), "-U", "admin", "-d", database, NULL};
    const char *const load[] = {"psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-h", PQhost(to), "-p", PQport(to), "-U", "admin", "-d", name, NULL};
    int ends[2];
    if (pipe(ends) != 0)
        return rdb_error_set_errno(&work->err, errno, "no pipe can be made");
    pid_t dumping = spawn(dump, -1, ends[1], ends[0]), loading = spawn(load, ends[0], -1, ends[1]);
    close(ends[0]);
    close(ends[1]);
    bool dumped = dumping > 0 && await(dumping), loaded = loading > 0 && await(loading);
    if (dumped && loaded)
        return true;
    rdb_error_set(&work->err, RDB_DATA_EXCEPTION, "the database cannot be carried over");
    return rdb_error_detail(&work->err, "%s ended with an error; what it said stands above.", !dumped ? "pg_dump" : "psql");
}

int command_database(restore_work *work)
{
    const restore_arguments *a = work->arguments;
    const char *name = a->as != NULL ? a->as : a->database;
    scratch_copy copy = {0};
    PGconn *from = NULL, *control = NULL, *to = NULL;
    bool ok = false, made = false;
    int64_t begun_us = rdb_time_monotonic_us();
    if (!has_program("pg_dump") || !has_program("psql"))
        return rdb_options_refuse(work->program, "--database needs pg_dump and psql in PATH: they are PostgreSQL's clients");
    char *quoted = NULL;
    if (rdb_server_connect(&control, a->home, "postgres", &work->err) && scratch_make(work, &copy)) {
        quoted = PQescapeIdentifier(control, name, strlen(name));
        made = rdb_server_connect(&from, copy.home, a->database, &work->err) &&
               rdb_server_run(control, rdb_arena_printf(work->arena, "create database %s", quoted), "the database cannot be made", &work->err);
        if (!made && rdb_error_is(&work->err, "42P04"))
            rdb_error_hint(&work->err, "Restore it beside the one that is there with --as NAME.");
        ok = made && rdb_server_connect(&to, a->home, name, &work->err) && carry_over(work, from, to, a->database, name);
    }
    PQfinish(to);
    PQfinish(from);
    rdb_error ignored = {0};
    if (made && !ok && !rdb_server_run(control, rdb_arena_printf(work->arena, "drop database %s", quoted), "", &ignored))
        rdb_error_clear(&ignored);
    PQfreemem(quoted);
    PQfinish(control);
    scratch_drop(&copy);
    if (!ok)
        return rdb_backup_work_report(work);
    double seconds = (double)(rdb_time_monotonic_us() - begun_us) / 1e6;
    if (work->json)
        rdb_backup_print_json(json_pack("{s:s, s:s, s:s, s:f}", "backup_id", copy.manifest->id, "database", a->database, "restored_as", name, "elapsed_seconds", seconds));
    else
        printf("database %s of backup %s restored as %s, %.1f s\n", a->database, copy.manifest->id, name, seconds);
    return RDB_EXIT_DONE;
}
