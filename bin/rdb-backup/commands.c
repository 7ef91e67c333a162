/* SPDX-License-Identifier: Apache-2.0
 * Taking backups, listing, describing and checking them, and who may open them. */
#include "options.h"

#include "backup.h"

#include "backup/rdb_backup_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- what a backup is ------------------------------------------------------------------------------------------------------ */
static json_t *moment_json(const rdb_backup_moment *moment)
{
    char time_text[40], lsn[24];
    rdb_backup_format_moment(moment, time_text, lsn);
    return json_pack("{s:s, s:s, s:I}", "time", time_text, "lsn", lsn, "scn", (json_int_t)moment->scn);
}

static uint64_t data_bytes(const rdb_manifest *manifest)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < manifest->files.count; i++)
        bytes += ((const rdb_manifest_file *)manifest->files.items[i])->length;
    return bytes;
}

json_t *summarise(const rdb_manifest *m)
{
    json_t *databases = json_array();
    for (uint32_t i = 0; i < m->databases.count; i++)
        json_array_append_new(databases, json_string(m->databases.items[i]));
    json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:i, s:I, s:I, s:I, s:s, s:b, s:b, s:i, s:i, s:i, s:s, s:o, s:s, s:b}", "backup_id", m->id, "type",
                             RDB_BACKUP_TYPES[m->type], "label", m->label, "started", moment_json(&m->started), "stopped", moment_json(&m->stopped), "timeline", (int)m->timeline,
                             "size_bytes", (json_int_t)data_bytes(m), "read_bytes", (json_int_t)m->bytes_read, "stored_bytes", (json_int_t)m->bytes_stored,
                             "compression_algorithm", RDB_COMPRESSIONS[m->compression], "encryption_enabled", (int)m->is_encrypted, "was_running", (int)m->was_running,
                             "page_bytes", (int)m->page_bytes, "file_count", (int)m->files.count, "degraded_pages", (int)m->degraded.count,
                             "database_version", m->rdb_version, "databases", databases, "manifest_sha256", m->sha256, "synthetic", (int)m->is_synthetic);
    if (json != NULL)
        json_object_set_new(json, "parent_id", m->parent[0] != '\0' ? json_string(m->parent) : json_null());
    return json;
}

static json_t *degraded_json(const rdb_manifest *m)
{
    json_t *degraded = json_array();
    for (uint32_t i = 0; i < m->degraded.count; i++) {
        const rdb_manifest_page *page = m->degraded.items[i];
        json_array_append_new(degraded, json_pack("{s:s, s:I, s:s, s:s}", "path", page->path, "block", (json_int_t)page->block, "what", page->what, "relation", page->relation));
    }
    return degraded;
}

/* ---- backup ------------------------------------------------------------------------------------------------------------------ */
static void report_backup(const backup_work *work, const rdb_manifest *manifest, double seconds)
{
    char read[24], stored[24], stopped[40], lsn[24];
    rdb_backup_format_size(manifest->bytes_read, read);
    rdb_backup_format_size(manifest->bytes_stored, stored);
    rdb_backup_format_moment(&manifest->stopped, stopped, lsn);
    bool is_stream = strcmp(work->arguments->output, "-") == 0; /* stdout is the backup then */
    if (work->arguments->json && !is_stream) {
        json_t *json = summarise(manifest);
        json_object_set_new(json, "degraded", degraded_json(manifest));
        json_object_set_new(json, "dry_run", json_boolean(work->arguments->dry_run));
        json_object_set_new(json, "elapsed_seconds", json_real(seconds));
        json_object_set_new(json, "rested_seconds", json_real((double)manifest->rested_us / 1e6));
        rdb_backup_print_json(json);
    } else if (work->arguments->dry_run) {
        fprintf(is_stream ? stderr : stdout, "would make a backup of type %s of %s in %u files\n", RDB_BACKUP_TYPES[manifest->type], read, manifest->files.count);
    } else {
        fprintf(is_stream ? stderr : stdout, "backup %s: %s read, %s stored, %.1f s; consistent at %s (%s)\n", manifest->id, read, stored, seconds, stopped, lsn);
    }
}

int command_backup(backup_work *work)
{
    const backup_arguments *a = work->arguments;
    rdb_backup_options options = {.home = a->home, .label = a->name, .parent = a->base, .thread_count = work->thread_count, .threads_given = a->thread_count > 0, .include_secrets = a->include_secrets,
                                  .dry_run = a->dry_run, .steps_back = !a->full_speed, .watch = &work->console.watch};
    rdb_control control;
    rdb_manifest *manifest = NULL;
    if (a->home == NULL)
        return rdb_options_refuse(work->program, "no instance directory was named: use --home DIR or set RUSTYDB_HOME");
    if (strcmp(a->output, "-") == 0 && isatty(STDOUT_FILENO))
        return rdb_options_refuse(work->program, "a backup is no text for a terminal: pipe it somewhere");
    for (int i = 0; RDB_BACKUP_TYPES[i] != NULL; i++)
        if (strcmp(a->type, RDB_BACKUP_TYPES[i]) == 0)
            options.type = (rdb_backup_type)i;
    if (!rdb_compression_parse(a->compress, &options.compression, &options.compression_level, &work->err) ||
        (a->rate != NULL && !rdb_backup_parse_size(a->rate, &options.rate, &work->err)) || !rdb_control_read(a->home, &control, &work->err))
        return rdb_backup_work_report(work);
    rdb_repository_options place = {.url = a->output, .keys = work->keys, .create = true, .encrypt = a->encrypt, .system_id = control.system_id};
    int64_t begun_us = rdb_time_monotonic_us();
    if (!rdb_repository_open(&work->repository, &place, &work->err) || !rdb_backup_take(work->repository, &options, work->arena, &manifest, &work->err))
        return rdb_backup_work_report(work);
    report_backup(work, manifest, (double)(rdb_time_monotonic_us() - begun_us) / 1e6);
    if (!a->json)
        rdb_backup_tell_broken_pages(work->program, manifest);
    int exit_code = a->verify && !a->dry_run && strcmp(a->output, "-") != 0 ? check_backup(work, manifest, VERIFY_PAGE) : RDB_EXIT_DONE;
    return exit_code != RDB_EXIT_DONE ? exit_code : manifest->degraded.count > 0 ? RDB_EXIT_DAMAGE : RDB_EXIT_DONE;
}

int command_merge(backup_work *work)
{
    const backup_arguments *a = work->arguments;
    rdb_merge_options options = {.scratch = a->scratch, .label = a->name, .compression_given = a->compress_given, .thread_count = work->thread_count, .dry_run = a->dry_run, .watch = &work->console.watch};
    rdb_manifest *manifest;
    bool made;
    char stored[24], stopped[40], lsn[24];
    int64_t begun_us = rdb_time_monotonic_us();
    if (!rdb_compression_parse(a->compress, &options.compression, &options.compression_level, &work->err) || !open_repository(work) ||
        !rdb_backup_merge(work->repository, &options, work->arena, &manifest, &made, &work->err))
        return rdb_backup_work_report(work);
    rdb_backup_format_size(manifest->bytes_stored, stored);
    rdb_backup_format_moment(&manifest->stopped, stopped, lsn);
    if (a->json) {
        json_t *json = summarise(manifest);
        json_object_set_new(json, "made", json_boolean(made));
        json_object_set_new(json, "elapsed_seconds", json_real((double)(rdb_time_monotonic_us() - begun_us) / 1e6));
        rdb_backup_print_json(json);
    } else if (made) {
        printf("backup %s: a full one of what was there, %s stored, %.1f s; consistent at %s (%s)\n", manifest->id, stored, (double)(rdb_time_monotonic_us() - begun_us) / 1e6, stopped, lsn);
    } else if (manifest->parent[0] != '\0') {
        printf("would make a full backup of %s and what it builds on\n", manifest->id);
    } else {
        printf("backup %s is full already\n", manifest->id);
    }
    return RDB_EXIT_DONE;
}

/* ---- list and info ------------------------------------------------------------------------------------------------------------- */
int command_list(backup_work *work)
{
    rdb_list manifests = {0}, broken = {0};
    if (!open_repository(work) || !rdb_backup_list(work->repository, work->arena, &manifests, &broken, &work->err))
        return rdb_backup_work_report(work);
    if (!work->arguments->json && manifests.count > 0)
        printf("%-22s %-12s %-20s %10s %10s  %-22s %s\n", "BACKUP", "TYPE", "CONSISTENT AT", "SIZE", "STORED", "BUILDS ON", "LABEL");
    for (uint32_t i = 0; i < manifests.count; i++) {
        const rdb_manifest *m = manifests.items[i];
        char size[24], stored[24], stopped[40], lsn[24];
        if (work->arguments->json) {
            rdb_backup_print_json(summarise(m));
            continue;
        }
        rdb_backup_format_size(data_bytes(m), size);
        rdb_backup_format_size(m->bytes_stored, stored);
        rdb_backup_format_moment(&m->stopped, stopped, lsn);
        memcpy(stopped + 19, "Z", 2);
        printf("%-22s %-12s %-20s %10s %10s  %-22s %s%s\n", m->id, RDB_BACKUP_TYPES[m->type], stopped, size, stored, m->parent[0] != '\0' ? m->parent : "-", m->label,
               m->degraded.count > 0 ? " (degraded)" : "");
    }
    for (uint32_t i = 0; i < broken.count; i++)
        fprintf(stderr, "%s: %s\n", work->program->name, (const char *)broken.items[i]);
    return broken.count > 0 ? RDB_EXIT_DAMAGE : RDB_EXIT_DONE;
}

int command_info(backup_work *work)
{
    rdb_manifest *m;
    if (!open_repository(work) || !rdb_backup_find(work->repository, work->arguments->backup, work->arena, &m, &work->err))
        return rdb_backup_work_report(work);
    json_t *json = summarise(m), *objects = json_array();
    for (uint32_t i = 0; i < m->objects.count; i++) {
        const rdb_manifest_object *object = m->objects.items[i];
        json_array_append_new(objects, json_pack("{s:s, s:I, s:s}", "name", object->name, "stored_bytes", (json_int_t)object->bytes, "sha256", object->sha256));
    }
    json_object_set_new(json, "objects", objects);
    json_object_set_new(json, "degraded", degraded_json(m));
    if (work->arguments->json) {
        rdb_backup_print_json(json);
        return RDB_EXIT_DONE;
    }
    char *text = json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    puts(text != NULL ? text : "{}");
    free(text);
    return RDB_EXIT_DONE;
}

/* ---- verify ------------------------------------------------------------------------------------------------------------------------ */
static void print_finding(const backup_work *work, const rdb_manifest *manifest, const rdb_verify_finding *finding)
{
    if (!work->arguments->json) {
        printf("%s: %s\n", finding->object, finding->what);
        return;
    }
    json_t *json = json_pack("{s:s, s:s, s:s, s:I}", "backup_id", manifest->id, "object", finding->object, "problem", finding->what, "offset_bytes", (json_int_t)finding->offset);
    if (finding->path != NULL)
        json_object_set_new(json, "path", json_string(finding->path));
    rdb_backup_print_json(json);
}

int check_backup(backup_work *work, rdb_manifest *manifest, verify_level level)
{
    rdb_list findings = {0};
    if (!rdb_backup_verify(work->repository, manifest, (rdb_verify_level)RDB_MIN((int)level, RDB_VERIFY_PAGE), work->thread_count, &work->console.watch, work->arena, &findings, &work->err))
        return rdb_backup_work_report(work);
    for (uint32_t i = 0; i < findings.count; i++)
        print_finding(work, manifest, findings.items[i]);
    if (level == VERIFY_REPLAY && findings.count == 0 && !replay_backup(work, manifest)) {
        if (!rdb_error_is(&work->err, RDB_DATA_CORRUPTED))
            return rdb_backup_work_report(work);
        rdb_verify_finding *finding = RDB_NEW(work->arena, rdb_verify_finding);
        *finding = (rdb_verify_finding){.object = manifest->id, .what = rdb_arena_printf(work->arena, "%s: %s", rdb_error_message(&work->err), rdb_error_detail_text(&work->err))};
        rdb_list_push(work->arena, &findings, finding);
        print_finding(work, manifest, finding);
        rdb_error_clear(&work->err);
    }
    if (work->arguments->json)
        rdb_backup_print_json(json_pack("{s:s, s:s, s:b, s:i}", "backup_id", manifest->id, "level", VERIFY_LEVELS[level], "sound", (int)(findings.count == 0), "problem_count", (int)findings.count));
    else if (findings.count == 0)
        printf("backup %s and what it builds on: sound (%s)\n", manifest->id, VERIFY_LEVELS[level]);
    return findings.count > 0 ? RDB_EXIT_DAMAGE : RDB_EXIT_DONE;
}

int command_verify(backup_work *work)
{
    rdb_manifest *manifest;
    verify_level level = VERIFY_HASH;
    for (int i = 0; VERIFY_LEVELS[i] != NULL; i++)
        if (strcmp(work->arguments->level, VERIFY_LEVELS[i]) == 0)
            level = (verify_level)i;
    if (!open_repository(work) || !rdb_backup_find(work->repository, work->arguments->backup, work->arena, &manifest, &work->err))
        return rdb_backup_work_report(work);
    return check_backup(work, manifest, level);
}

/* ---- expire ---------------------------------------------------------------------------------------------------------------------------- */
int command_expire(backup_work *work)
{
    const backup_arguments *a = work->arguments;
    bool is_question = strcmp(work->command, "why-kept") == 0, dry_run = a->dry_run || is_question;
    rdb_retention retention = {.full_count = (uint32_t)a->keep_full, .days = (uint32_t)a->keep_days, .daily = (uint32_t)a->keep_daily, .weekly = (uint32_t)a->keep_weekly,
                               .monthly = (uint32_t)a->keep_monthly, .yearly = (uint32_t)a->keep_yearly};
    rdb_list verdicts = {0}, broken = {0};
    uint32_t log_count, gone = 0;
    uint64_t freed = 0;
    char size[24];
    if (a->keep_size != NULL && !rdb_backup_parse_size(a->keep_size, &retention.size_bytes, &work->err))
        return rdb_backup_work_report(work);
    if (a->keep_full + a->keep_days + a->keep_daily + a->keep_weekly + a->keep_monthly + a->keep_yearly == 0 && retention.size_bytes == 0)
        return rdb_options_refuse(work->program, "no rule says what to keep: use --keep-full, --keep-days, --keep-daily ... or --keep-size");
    if (!open_repository(work) || !rdb_backup_expire(work->repository, &retention, dry_run, work->arena, &verdicts, &broken, &log_count, &work->err))
        return rdb_backup_work_report(work);
    for (uint32_t i = 0; i < verdicts.count; i++) {
        const rdb_verdict *verdict = verdicts.items[i];
        gone += verdict->reason == NULL;
        freed += verdict->reason == NULL ? verdict->manifest->bytes_stored : 0;
        if (a->json)
            rdb_backup_print_json(json_pack("{s:s, s:b, s:s, s:I, s:b}", "backup_id", verdict->manifest->id, "kept", (int)(verdict->reason != NULL), "reason", verdict->reason != NULL ? verdict->reason : "no rule keeps it",
                                 "stored_bytes", (json_int_t)verdict->manifest->bytes_stored, "dry_run", (int)dry_run));
        else if (verdict->reason != NULL)
            printf("%-22s kept: %s\n", verdict->manifest->id, verdict->reason);
        else
            printf("%-22s %s: no rule keeps it\n", verdict->manifest->id, dry_run ? "would go" : "removed");
    }
    rdb_backup_format_size(freed, size);
    if (!a->json)
        printf("%u backups (%s) and %u archived segments %s\n", gone, size, log_count, dry_run ? "would go" : "removed");
    for (uint32_t i = 0; i < broken.count; i++)
        fprintf(stderr, "%s: left alone: %s\n", work->program->name, (const char *)broken.items[i]);
    return broken.count > 0 ? RDB_EXIT_DAMAGE : RDB_EXIT_DONE;
}

int command_catalog(backup_work *work)
{
    uint32_t count;
    if (!open_repository(work) || !rdb_catalog_refresh(work->repository, work->arguments->home, true, &count, &work->err))
        return rdb_backup_work_report(work);
    if (work->arguments->json)
        rdb_backup_print_json(json_pack("{s:s, s:i}", "repository", rdb_repository_url(work->repository), "backup_count", (int)count));
    else
        printf("the catalog of %s says what its manifests say: %u backups\n", rdb_repository_url(work->repository), count);
    return RDB_EXIT_DONE;
}

/* ---- archive and point ---------------------------------------------------------------------------------------------------------------- */
int command_archive(backup_work *work)
{
    if (work->operands.count != 1)
        return rdb_options_refuse(work->program, "archive needs the path of a finished segment (wal.archive_command = \"rdb-backup archive %%p --output PATH\")");
    if (!open_repository(work) || !rdb_archive_put(work->repository, work->operands.items[0], &work->err))
        return rdb_backup_work_report(work);
    return RDB_EXIT_DONE;
}

int command_point(backup_work *work)
{
    PGconn *connection = NULL;
    const char *home = work->arguments->home, *parameters[1] = {work->operands.count == 1 ? work->operands.items[0] : NULL};
    if (home == NULL || parameters[0] == NULL)
        return rdb_options_refuse(work->program, "point needs --home DIR and the restore point's name");
    if (!rdb_server_connect(&connection, home, "postgres", &work->err))
        return rdb_backup_work_report(work);
    PGresult *result = PQexecParams(connection, "select rdb_create_restore_point($1)", 1, NULL, parameters, NULL, NULL, 0);
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK || rdb_server_failed(connection, result, "the restore point was not made", &work->err);
    if (ok && work->arguments->json)
        rdb_backup_print_json(json_pack("{s:s, s:s}", "name", parameters[0], "lsn", PQgetvalue(result, 0, 0)));
    else if (ok)
        printf("restore point \"%s\" at %s\n", parameters[0], PQgetvalue(result, 0, 0));
    if (ok)
        PQclear(result);
    PQfinish(connection);
    return ok ? RDB_EXIT_DONE : rdb_backup_work_report(work);
}

/* ---- recipients ---------------------------------------------------------------------------------------------------------------------- */
int command_recipients(backup_work *work)
{
    const char *verb = work->operands.count > 0 ? work->operands.items[0] : "list";
    rdb_list recipients = {0};
    uint32_t number = 0;
    if (strcmp(verb, "add") == 0 && work->operands.count == 1) {
        rdb_backup_keys added = {work->arguments->new_key_file, work->arguments->new_passphrase_file, work->arguments->certificate, NULL, rdb_backup_ask_passphrase, NULL};
        if (!open_repository(work) || !rdb_recipient_add(work->repository, &added, &number, &work->err))
            return rdb_backup_work_report(work);
        printf("recipient %u added\n", number);
        return RDB_EXIT_DONE;
    }
    if (strcmp(verb, "remove") == 0 && work->operands.count == 2) {
        number = (uint32_t)strtoul(work->operands.items[1], NULL, 10);
        if (!open_repository(work) || !rdb_recipient_remove(work->repository, number, &work->err))
            return rdb_backup_work_report(work);
        printf("recipient %u removed\n", number);
        return RDB_EXIT_DONE;
    }
    if (strcmp(verb, "list") != 0 || work->operands.count > 1)
        return rdb_options_refuse(work->program, "recipients is followed by nothing, by add, or by remove and a number");
    if (!open_repository(work) || !rdb_recipient_list(work->repository, work->arena, &recipients, &work->err))
        return rdb_backup_work_report(work);
    for (uint32_t i = 0; i < recipients.count; i++) {
        const rdb_recipient *recipient = recipients.items[i];
        if (work->arguments->json)
            rdb_backup_print_json(json_pack("{s:i, s:s}", "number", (int)recipient->number, "kind", recipient->kind));
        else
            printf("%u %s\n", recipient->number, recipient->kind);
    }
    return RDB_EXIT_DONE;
}
