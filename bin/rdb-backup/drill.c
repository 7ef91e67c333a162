/* SPDX-License-Identifier: Apache-2.0
 * A drill: the newest backup is restored beside, its log replayed, the result verified and asked, and what came of it written down in
 * the repository as drills/<time>.json. verify --level replay does the same and records nothing. */
#include "options.h"

#include "backup.h"

#include "backup/rdb_backup_server.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct drill {
    backup_work *work;
    rdb_manifest *manifest;
    char home[1024];
    rdb_restore_report restored;
    rdb_backup_moment reached;
    double restore_seconds, replay_seconds, verify_seconds;
    uint64_t relations;
    char answer[400];
} drill;

static double since(int64_t begun_us)
{
    return (double)(rdb_time_monotonic_us() - begun_us) / 1e6;
}

/* The end of the log where the repository has one as a server writes it, else the end of the backup. */
static bool restore(drill *d)
{
    backup_work *work = d->work;
    rdb_recovery_target target = {.kind = RDB_TARGET_END};
    rdb_recovery_reach reach;
    rdb_manifest *chosen = NULL;
    rdb_error no_log = {0};
    rdb_repository_archive_directory(work->repository, target.archive_directory, sizeof target.archive_directory);
    bool has_log = target.archive_directory[0] != '\0' && rdb_backup_choose(work->repository, d->manifest->id, &target, work->arena, &chosen, &reach, NULL, &no_log);
    rdb_error_clear(&no_log);
    if (!has_log)
        target = (rdb_recovery_target){.kind = RDB_TARGET_IMMEDIATE};
    rdb_restore_options options = {.home = d->home, .thread_count = work->thread_count, .watch = &work->console.watch, .stop_archiving = true, .log_from_archive = has_log,
                                   .target = has_log || d->manifest->was_running ? &target : NULL};
    int64_t begun_us = rdb_time_monotonic_us();
    bool ok = rdb_backup_restore(work->repository, d->manifest, &options, &d->restored, &work->err);
    d->restore_seconds = since(begun_us);
    return ok;
}

/* Opens it, counts what is there in every database, and asks the question that was given. */
static bool ask(drill *d)
{
    backup_work *work = d->work;
    rdb_scratch *scratch = NULL;
    PGconn *connection = NULL;
    int64_t begun_us = rdb_time_monotonic_us();
    bool ok = rdb_scratch_start(&scratch, d->home, work->console.watch.is_interrupted, work->console.watch.context, &work->err) &&
              rdb_server_connect(&connection, d->home, "rustydb", &work->err);
    d->replay_seconds = since(begun_us);
    PGresult *result = ok ? PQexec(connection, "select count(*), rdb_current_scn() from pg_class") : NULL;
    ok = ok && (PQresultStatus(result) == PGRES_TUPLES_OK || rdb_server_failed(connection, result, "the restored copy does not answer", &work->err));
    if (ok) {
        d->relations = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
        d->reached.scn = strtoull(PQgetvalue(result, 0, 1), NULL, 10);
        PQclear(result);
    }
    if (ok && work->arguments->query != NULL) {
        result = PQexec(connection, work->arguments->query);
        ok = PQresultStatus(result) == PGRES_TUPLES_OK || rdb_server_failed(connection, result, "the question was not answered", &work->err);
        if (ok) {
            snprintf(d->answer, sizeof d->answer, "%s", PQntuples(result) > 0 && PQnfields(result) > 0 ? PQgetvalue(result, 0, 0) : "");
            PQclear(result);
        }
    }
    if (connection != NULL)
        PQfinish(connection);
    rdb_scratch_stop(&scratch);
    return ok;
}

/* rdb-vacuum --verify from beside this program looks at pages, log, rows, indexes and undo. */
static bool verify(drill *d)
{
    char program[PATH_MAX];
    int status = -1;
    int64_t begun_us = rdb_time_monotonic_us();
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 16);
    program[RDB_MAX(length, 0)] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL)
        return rdb_error_set(&d->work->err, RDB_IO_ERROR, "the directory of this program cannot be found");
    strcpy(slash + 1, "rdb-vacuum");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO); /* our stdout is the result's */
        execl(program, "rdb-vacuum", "--home", d->home, "--verify", (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    d->verify_seconds = since(begun_us);
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    rdb_error_set(&d->work->err, RDB_DATA_CORRUPTED, "the restored copy is not sound");
    return rdb_error_detail(&d->work->err, "rdb-vacuum --verify ended with %d.", pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static json_t *evidence(const drill *d, bool ok)
{
    char now[40], lsn[24];
    rdb_backup_moment moment = {.time_us = rdb_time_wall_us()};
    rdb_backup_format_moment(&moment, now, lsn);
    json_t *json = json_pack("{s:s, s:s, s:s, s:b, s:i, s:I, s:I, s:I, s:f, s:f, s:f}", "time", now, "backup_id", d->manifest->id, "manifest_sha256", d->manifest->sha256, "sound", (int)ok,
                             "chain_length", (int)d->restored.chain_length, "restored_bytes", (json_int_t)d->restored.bytes_written, "relation_count", (json_int_t)d->relations, "reached_scn",
                             (json_int_t)d->reached.scn, "restore_seconds", d->restore_seconds, "replay_seconds", d->replay_seconds, "verify_seconds", d->verify_seconds);
    if (json != NULL && d->work->arguments->query != NULL)
        json_object_set_new(json, "answer", json_string(d->answer));
    if (json != NULL && !ok)
        json_object_set_new(json, "problem", json_string(rdb_error_message(&d->work->err)));
    return json;
}

/* A directory of its own, in which everything is done. */
static bool begin(drill *d)
{
    const char *top = d->work->arguments->scratch != NULL ? d->work->arguments->scratch : "/tmp";
    snprintf(d->home, sizeof d->home, "%.900s/rdb-drill-XXXXXX", top);
    if (mkdtemp(d->home) != NULL)
        return true;
    d->home[0] = '\0';
    return rdb_error_set_errno(&d->work->err, errno, "no directory can be made for the drill");
}

static void end(drill *d)
{
    rdb_error ignored = {0};
    if (d->home[0] != '\0' && !rdb_path_remove_tree(d->home, &ignored))
        rdb_error_clear(&ignored);
}

bool replay_backup(backup_work *work, rdb_manifest *manifest)
{
    drill d = {.work = work, .manifest = manifest};
    bool ok = begin(&d) && restore(&d) && ask(&d) && verify(&d);
    end(&d);
    return ok;
}

int command_drill(backup_work *work)
{
    drill d = {.work = work};
    if (!open_repository(work) || !rdb_backup_find(work->repository, work->arguments->backup, work->arena, &d.manifest, &work->err) || !begin(&d))
        return rdb_backup_work_report(work);
    bool ok = restore(&d) && ask(&d) && verify(&d);
    json_t *json = evidence(&d, ok);
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
    rdb_error unwritten = {0};
    bool recorded = text != NULL && rdb_repository_record(work->repository, "drills", text, &unwritten);
    end(&d);
    uint32_t count;
    rdb_error behind = {0};
    if (recorded && !rdb_catalog_refresh(work->repository, NULL, false, &count, &behind))
        rdb_error_clear(&behind); /* it is a cache */
    if (work->arguments->json)
        rdb_backup_print_json(json_incref(json));
    else if (ok)
        printf("drill of backup %s: restored in %.1f s, opened in %.1f s, sound (%llu relations, SCN %llu)%s%s\n", d.manifest->id, d.restore_seconds, d.replay_seconds,
               (unsigned long long)d.relations, (unsigned long long)d.reached.scn, work->arguments->query != NULL ? "; the answer: " : "", d.answer);
    json_decref(json);
    free(text);
    int exit_code = ok ? RDB_EXIT_DONE : rdb_backup_work_report(work);
    if (!recorded) {
        fprintf(stderr, "%s: the drill is not on record: %s\n", work->program->name, rdb_error_message(&unwritten));
        rdb_error_clear(&unwritten);
        exit_code = exit_code == RDB_EXIT_DONE ? RDB_EXIT_PARTIAL : exit_code;
    }
    return exit_code;
}
