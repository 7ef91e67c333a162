/* SPDX-License-Identifier: Apache-2.0
 * Retention. Every backup gets a reason to stay or none; what a kept backup builds on stays with it, and so does the newest chain,
 * whatever the rules say. A backup that cannot be read is left alone. A manifest goes before its objects, a child before its
 * parent: whenever it is cut short, what is listed is whole, and the rest is swept by the next run. */
#include "backup/backup_int.h"

#include "wal/rdb_wal_archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DAY_US INT64_C(86400000000)

typedef struct judging {
    const rdb_retention *retention;
    rdb_arena *arena;
    rdb_list *verdicts;
    int64_t now_us;
} judging;

static rdb_verdict *verdict_of(const judging *j, const char *id)
{
    for (uint32_t i = 0; i < j->verdicts->count; i++) {
        rdb_verdict *verdict = j->verdicts->items[i];
        if (strcmp(verdict->manifest->id, id) == 0)
            return verdict;
    }
    return NULL;
}

/* The first reason stands; holds_log: the log from this backup on is kept for points in time. */
static void keep(rdb_verdict *verdict, bool holds_log, char *reason)
{
    if (verdict->reason == NULL)
        verdict->reason = reason;
    verdict->holds_log = verdict->holds_log || holds_log;
}

static bool is_base(const rdb_manifest *manifest)
{
    return manifest->parent[0] == '\0';
}

/* The newest n full backups, and all that was made since the oldest of them. */
static void keep_count(judging *j)
{
    uint32_t seen = 0;
    for (uint32_t i = j->verdicts->count; i > 0 && seen < j->retention->full_count; i--) {
        rdb_verdict *verdict = j->verdicts->items[i - 1];
        seen += is_base(verdict->manifest);
        keep(verdict, true, rdb_arena_printf(j->arena, "among the newest %u full backups and what was made since", j->retention->full_count));
    }
}

/* Every moment of the last days: the backups of that time, and the newest one that ended before it. */
static void keep_window(judging *j)
{
    int64_t begin_us = j->now_us - (int64_t)j->retention->days * DAY_US;
    for (uint32_t i = j->verdicts->count; j->retention->days > 0 && i > 0; i--) {
        rdb_verdict *verdict = j->verdicts->items[i - 1];
        bool is_before = verdict->manifest->stopped.time_us <= begin_us;
        keep(verdict, true, rdb_arena_printf(j->arena, is_before ? "the last %u days begin with it" : "within the last %u days", j->retention->days));
        if (is_before)
            break;
    }
}

/* The newest backup of each of the last n days, weeks, months or years. */
static void keep_periods(judging *j, uint32_t count, const char *format, const char *what)
{
    char last[32] = "";
    uint32_t seen = 0;
    for (uint32_t i = j->verdicts->count; i > 0 && seen < count; i--) {
        rdb_verdict *verdict = j->verdicts->items[i - 1];
        time_t ended = (time_t)((verdict->manifest->stopped.time_us - RDB_UNIX_EPOCH_US) / 1000000);
        struct tm utc;
        char period[32];
        gmtime_r(&ended, &utc);
        strftime(period, sizeof period, format, &utc);
        if (strcmp(period, last) == 0)
            continue;
        strcpy(last, period);
        seen++;
        keep(verdict, false, rdb_arena_printf(j->arena, "the newest of %s %s", what, period));
    }
}

static void keep_parents(judging *j)
{
    for (uint32_t i = j->verdicts->count; i > 0; i--) { /* parents are older than their children */
        const rdb_verdict *verdict = j->verdicts->items[i - 1];
        rdb_verdict *parent = verdict->reason != NULL && !is_base(verdict->manifest) ? verdict_of(j, verdict->manifest->parent) : NULL;
        if (parent != NULL)
            keep(parent, false, rdb_arena_printf(j->arena, "%s builds on it", verdict->manifest->id));
    }
}

/* While the kept ones take more than the cap, the oldest full backup goes with what builds on it; the newest chain stays. */
static void keep_size(judging *j)
{
    for (;;) {
        uint64_t bytes = 0;
        rdb_verdict *oldest = NULL, *newest = j->verdicts->items[j->verdicts->count - 1];
        uint32_t bases = 0;
        for (uint32_t i = 0; i < j->verdicts->count; i++) {
            rdb_verdict *verdict = j->verdicts->items[i];
            if (verdict->reason == NULL)
                continue;
            bytes += verdict->manifest->bytes_stored;
            bases += is_base(verdict->manifest);
            if (oldest == NULL && is_base(verdict->manifest))
                oldest = verdict;
        }
        if (bytes <= j->retention->size_bytes || bases <= 1 || oldest == NULL)
            return;
        oldest->reason = NULL;
        for (uint32_t i = 0; i < j->verdicts->count; i++) {
            rdb_verdict *verdict = j->verdicts->items[i], *parent = is_base(verdict->manifest) ? NULL : verdict_of(j, verdict->manifest->parent);
            if (parent != NULL && parent->reason == NULL)
                verdict->reason = NULL;
        }
        if (newest->reason == NULL) { /* cannot be: the newest chain has a base of its own */
            keep(newest, true, rdb_arena_strdup(j->arena, "the newest backup"));
            keep_parents(j);
            return;
        }
    }
}

bool rdb_backup_judge(rdb_repository *repository, const rdb_retention *retention, rdb_arena *arena, rdb_list *verdicts, rdb_list *broken, rdb_error *err)
{
    rdb_list manifests = {0};
    judging j = {.retention = retention, .arena = arena, .verdicts = verdicts, .now_us = rdb_time_wall_us()};
    if (!rdb_backup_list(repository, arena, &manifests, broken, err))
        return false;
    for (uint32_t i = 0; i < manifests.count; i++) {
        rdb_verdict *verdict = RDB_NEW(arena, rdb_verdict);
        verdict->manifest = manifests.items[i];
        rdb_list_push(arena, verdicts, verdict);
    }
    if (verdicts->count == 0)
        return true;
    bool has_rule = retention->full_count > 0 || retention->days > 0 || retention->daily > 0 || retention->weekly > 0 || retention->monthly > 0 || retention->yearly > 0;
    for (uint32_t i = 0; !has_rule && i < verdicts->count; i++)
        keep(verdicts->items[i], true, rdb_arena_strdup(arena, "no rule takes it"));
    keep_count(&j);
    keep_window(&j);
    keep_periods(&j, retention->daily, "%Y-%m-%d", "day");
    keep_periods(&j, retention->weekly, "%G-W%V", "week");
    keep_periods(&j, retention->monthly, "%Y-%m", "month");
    keep_periods(&j, retention->yearly, "%Y", "year");
    keep(verdicts->items[verdicts->count - 1], true, rdb_arena_strdup(arena, "the newest backup"));
    keep_parents(&j);
    if (retention->size_bytes > 0)
        keep_size(&j);
    return rdb_arena_check(arena, err);
}

/* ---- removing ---------------------------------------------------------------------------------------------------------------------- */
static bool remove_folder(rdb_repository *repository, const char *id, rdb_error *err)
{
    char name[80];
    rdb_list objects = {0};
    rdb_arena *arena = rdb_arena_create("expire", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    snprintf(name, sizeof name, "backup/%s/manifest.json%s", id, repository_seal_extension(repository));
    bool ok = repository->store->calls->remove(repository->store, name, err);
    snprintf(name, sizeof name, "backup/%s/", id);
    ok = ok && repository->store->calls->list(repository->store, name, arena, &objects, err);
    for (uint32_t i = 0; ok && i < objects.count; i++)
        ok = repository->store->calls->remove(repository->store, ((const backup_object *)objects.items[i])->name, err);
    rdb_arena_destroy(arena);
    return ok;
}

/* Whether it is there, whatever a listing says: some places list late what they hold. */
static bool find_manifest(rdb_repository *repository, const char *id, bool *found, rdb_error *err)
{
    char name[80];
    rdb_strbuf content;
    rdb_strbuf_init(&content, NULL);
    snprintf(name, sizeof name, "backup/%s/manifest.json%s", id, repository_seal_extension(repository));
    bool ok = repository->store->calls->get(repository->store, name, &content, found, err);
    rdb_strbuf_free(&content);
    return ok;
}

/* Folders that no manifest names: what a backup or an expire that was cut short left. Nobody else writes now. */
static bool sweep(rdb_repository *repository, rdb_arena *arena, rdb_error *err)
{
    rdb_list objects = {0};
    char current[RDB_BACKUP_ID_BYTES] = "";
    bool has_manifest = false;
    if (!repository->store->calls->list(repository->store, "backup/", arena, &objects, err))
        return false;
    for (uint32_t i = 0; i <= objects.count; i++) {
        const char *name = i < objects.count ? ((const backup_object *)objects.items[i])->name + strlen("backup/") : "";
        if (i < objects.count && !manifest_is_folder(name))
            continue; /* the catalog */
        size_t length = strcspn(name, "/");
        if (current[0] != '\0' && (strlen(current) != length || strncmp(current, name, length) != 0)) {
            if ((!has_manifest && !find_manifest(repository, current, &has_manifest, err)) || (!has_manifest && !remove_folder(repository, current, err)))
                return false;
            current[0] = '\0';
            has_manifest = false;
        }
        if (length > 0 && length < sizeof current)
            snprintf(current, sizeof current, "%.*s", (int)length, name);
        has_manifest = has_manifest || strncmp(name + length, "/manifest.json", 14) == 0;
    }
    return true;
}

/* Log that nothing kept needs: of a timeline, the segments before the first backup whose log is held. */
static bool expire_log(rdb_repository *repository, const rdb_list *verdicts, bool dry_run, uint32_t *count, rdb_arena *arena, rdb_error *err)
{
    rdb_list objects = {0};
    uint32_t first_timeline = UINT32_MAX;
    for (uint32_t i = 0; i < verdicts->count; i++) {
        const rdb_verdict *verdict = verdicts->items[i];
        if (verdict->reason != NULL && verdict->holds_log)
            first_timeline = RDB_MIN(first_timeline, verdict->manifest->timeline);
    }
    if (first_timeline == UINT32_MAX)
        return true;
    if (!repository->store->calls->list(repository->store, "wal/", arena, &objects, err))
        return false;
    for (uint32_t i = 0; i < objects.count; i++) {
        const char *name = ((const backup_object *)objects.items[i])->name;
        char bare[48];
        uint32_t timeline;
        uint64_t segment, first = UINT64_MAX;
        bool partial;
        snprintf(bare, sizeof bare, "%.32s", name + strlen("wal/"));
        if (strstr(bare, ".zst") != NULL)
            *strstr(bare, ".zst") = '\0';
        if (!rdb_wal_archive_parse_name(bare, &timeline, &segment, &partial))
            continue;
        for (uint32_t n = 0; n < verdicts->count; n++) {
            const rdb_verdict *verdict = verdicts->items[n];
            if (verdict->reason != NULL && verdict->holds_log && verdict->manifest->timeline == timeline)
                first = RDB_MIN(first, verdict->manifest->started.lsn / verdict->manifest->wal_segment_bytes);
        }
        /* A timeline behind the first one is reached from an older one's backup: it stays. */
        if (first == UINT64_MAX ? timeline >= first_timeline : segment >= first)
            continue;
        (*count)++;
        if (!dry_run && !repository->store->calls->remove(repository->store, name, err))
            return false;
    }
    return true;
}

bool rdb_backup_expire(rdb_repository *repository, const rdb_retention *retention, bool dry_run, rdb_arena *arena, rdb_list *verdicts, rdb_list *broken,
                       uint32_t *log_count, rdb_error *err)
{
    backup_lease *lease = NULL;
    *log_count = 0;
    if (!dry_run && !lease_take(&lease, repository, "expire", err))
        return false;
    bool ok = rdb_backup_judge(repository, retention, arena, verdicts, broken, err);
    for (uint32_t i = verdicts->count; ok && !dry_run && i > 0; i--) {
        const rdb_verdict *verdict = verdicts->items[i - 1];
        if (verdict->reason == NULL)
            ok = lease_check(lease, err) && remove_folder(repository, verdict->manifest->id, err);
    }
    ok = ok && expire_log(repository, verdicts, dry_run, log_count, arena, err) && (dry_run || sweep(repository, arena, err));
    if (ok && !dry_run)
        note_catalog(repository, NULL, NULL);
    lease_give(&lease);
    return ok;
}
