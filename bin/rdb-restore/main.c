/* SPDX-License-Identifier: Apache-2.0
 * rdb-restore: makes an instance of a backup. */
#include "options.h"

#include "backup/rdb_backup_console.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void report(const restore_arguments *arguments, const rdb_manifest *manifest, const rdb_restore_report *done, double seconds)
{
    char written[24], fetched[24], stopped[40], lsn[24];
    rdb_backup_format_size(done->bytes_written, written);
    rdb_backup_format_size(done->bytes_fetched, fetched);
    rdb_backup_format_moment(&manifest->stopped, stopped, lsn);
    if (arguments->json) {
        json_t *json = json_pack("{s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:s, s:s, s:b, s:b, s:f}", "home", arguments->home, "backup_id", manifest->id, "chain_length",
                                 (int)done->chain_length, "file_count", (int)done->files, "object_count", (int)done->objects, "written_bytes", (json_int_t)done->bytes_written,
                                 "fetched_bytes", (json_int_t)done->bytes_fetched, "consistent_at", stopped, "consistent_lsn", lsn, "made_secrets", (int)done->made_secrets, "dry_run",
                                 (int)arguments->dry_run, "elapsed_seconds", seconds);
        char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
        puts(text != NULL ? text : "{}");
        free(text);
        return;
    }
    if (arguments->dry_run) {
        printf("would restore backup %s: %u backups, %u objects, %u files; consistent at %s (%s)\n", manifest->id, done->chain_length, done->objects, done->files, stopped, lsn);
        return;
    }
    printf("backup %s restored into %s: %u files, %s fetched, %s written, %.1f s\n", manifest->id, arguments->home, done->files, fetched, written, seconds);
    if (done->made_secrets)
        printf("  the backup has no secrets: a new certificate is in conf/secrets/tls; roles and their passwords are as they were\n");
    printf("  serve it: rdb-serve --home %s\n", arguments->home);
}

int main(int argc, char **argv)
{
    restore_arguments arguments = {0};
    rdb_operands operands;
    rdb_error err = {0};
    rdb_repository *repository = NULL;
    rdb_manifest *manifest = NULL;
    rdb_restore_report done;
    rdb_backup_console console;
    int exit_code = RDB_EXIT_DONE;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &operands, &exit_code))
        return exit_code;
    if (arguments.input == NULL)
        return rdb_options_refuse(&PROGRAM, "no repository was named: use --input PATH or set RUSTYDB_BACKUP");
    if (arguments.home == NULL)
        return rdb_options_refuse(&PROGRAM, "no instance directory was named: use --home DIR or set RUSTYDB_HOME");
    rdb_arena *arena = rdb_arena_create("restore", NULL, NULL);
    rdb_backup_console_begin(&console, &PROGRAM, arguments.json);
    rdb_repository_options place = {.url = arguments.input, .keys = {arguments.key_file, arguments.passphrase_file, NULL, arguments.identity, rdb_backup_ask_passphrase, NULL}};
    rdb_restore_options options = {.home = arguments.home, .dry_run = arguments.dry_run, .watch = &console.watch,
                                   .thread_count = arguments.thread_count > 0 ? (uint32_t)arguments.thread_count : rdb_backup_standard_threads()};
    int64_t begun_us = rdb_time_monotonic_us();
    bool ok = arena != NULL || rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_repository_open(&repository, &place, &err) && rdb_backup_find(repository, arguments.backup, arena, &manifest, &err) &&
         rdb_backup_restore(repository, manifest, &options, &done, &err);
    rdb_backup_console_end(&console);
    if (ok)
        report(&arguments, manifest, &done, (double)(rdb_time_monotonic_us() - begun_us) / 1e6);
    else
        exit_code = rdb_backup_report_error(&PROGRAM, arguments.json, &err);
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
    rdb_error_clear(&err);
    return exit_code;
}
