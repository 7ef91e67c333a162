/* SPDX-License-Identifier: Apache-2.0
 * Points in time: which backup and which archived log reach a target, found by reading both before a byte is written; and the
 * repository's own archive of log. */
#include "backup/backup_int.h"

#include "wal/rdb_wal_archive.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the archive ------------------------------------------------------------------------------------------------------------- */
static bool is_archive_name(const char *name, size_t length)
{
    return (length == 24 && strspn(name, "0123456789abcdefABCDEF") >= 24) ||
           (length == 32 && strncmp(name + 24, ".partial", 8) == 0 && strspn(name, "0123456789abcdefABCDEF") >= 24) ||
           (length == 16 && strncmp(name + 8, ".history", 8) == 0 && strspn(name, "0123456789abcdefABCDEF") >= 8);
}

void rdb_repository_archive_directory(const rdb_repository *repository, char *path, size_t size)
{
    path[0] = '\0';
    if (repository->store->url[0] == '/' && ((size_t)snprintf(path, size, "%s/wal", repository->store->url) >= size || !rdb_path_is_directory(path)))
        path[0] = '\0';
}

bool rdb_archive_put(rdb_repository *repository, const char *path, rdb_error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char object[120];
    rdb_manifest_object stored;
    rdb_slice content;
    rdb_strbuf pressed;
    backup_frame *frame = NULL;
    rdb_arena *arena = rdb_arena_create("archive", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&pressed, NULL);
    bool ok = is_archive_name(name, strlen(name)) || rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is no name of archived log", name);
    snprintf(object, sizeof object, "wal/%.40s.zst%s", name, repository_seal_extension(repository));
    ok = ok && rdb_path_read(path, arena, &content, BACKUP_OBJECT_BYTES_MAX, err) && backup_frame_create(&frame, RDB_COMPRESS_ZSTD, 0, &pressed, err) &&
         backup_frame_write(frame, content.data, content.length, err) && backup_frame_finish(frame, err) &&
         repository_put(repository, object, pressed.data, pressed.length, &stored, NULL, err);
    backup_frame_destroy(&frame);
    rdb_strbuf_free(&pressed);
    rdb_arena_destroy(arena);
    return ok;
}

static bool write_unpressed(const rdb_strbuf *bytes, bool is_pressed, const char *path, rdb_error *err)
{
    backup_unframe *unframe = NULL;
    rdb_strbuf whole;
    rdb_strbuf_init(&whole, NULL);
    bool ok = unframe_create(&unframe, is_pressed ? RDB_COMPRESS_ZSTD : RDB_COMPRESS_NONE, bytes->data, bytes->length, err);
    for (size_t length = 1; ok && length > 0;) {
        const void *at;
        ok = unframe_next(unframe, &at, &length, err);
        if (ok)
            rdb_strbuf_add(&whole, at, length);
    }
    ok = ok && rdb_strbuf_check(&whole, err) && rdb_path_write_atomic(path, whole.data != NULL ? whole.data : "", whole.length, 0600, err);
    unframe_destroy(&unframe);
    rdb_strbuf_free(&whole);
    return ok;
}

/* One object of wal/, whichever way it was put there. */
static bool fetch_object(rdb_repository *repository, const char *object, const char *path, bool *found, rdb_error *err)
{
    size_t length = strlen(object);
    bool is_sealed = length > 4 && strcmp(object + length - 4, ".cms") == 0;
    size_t bare = length - (is_sealed ? 4 : 0);
    bool is_pressed = bare > 4 && strncmp(object + bare - 4, ".zst", 4) == 0;
    rdb_strbuf bytes, opened;
    rdb_strbuf_init(&bytes, NULL);
    rdb_strbuf_init(&opened, NULL);
    bool ok = repository->store->calls->get(repository->store, object, &bytes, found, err);
    if (ok && *found && is_sealed)
        ok = seal_open(repository->key, bytes.data, bytes.length, &opened, err);
    ok = ok && (!*found || write_unpressed(is_sealed ? &opened : &bytes, is_pressed, path, err));
    rdb_strbuf_free(&bytes);
    rdb_strbuf_free(&opened);
    return ok;
}

bool rdb_archive_get(rdb_repository *repository, const char *name, const char *path, bool *found, rdb_error *err)
{
    static const char *const endings[] = {".zst.cms", ".zst", ""};
    *found = false;
    for (size_t i = 0; i < RDB_COUNT_OF(endings) && !*found; i++) {
        char object[200];
        snprintf(object, sizeof object, "wal/%.100s%s", name, endings[i]);
        if (!fetch_object(repository, object, path, found, err))
            return false;
    }
    return true;
}

bool archive_fetch_object(rdb_repository *repository, const char *object, const char *directory, bool *found, rdb_error *err)
{
    char path[PATH_MAX];
    const char *name = object + strlen("wal/"), *ending = strstr(name, ".zst");
    size_t length = ending != NULL ? (size_t)(ending - name) : strlen(name);
    *found = false;
    if (!is_archive_name(name, length))
        return true;
    snprintf(path, sizeof path, "%s/%.*s", directory, (int)length, name);
    return fetch_object(repository, object, path, found, err);
}

bool rdb_archive_fetch(rdb_repository *repository, const char *directory, uint32_t *count, rdb_error *err)
{
    rdb_list objects = {0};
    rdb_arena *arena = rdb_arena_create("archive", NULL, NULL);
    *count = 0;
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = repository->store->calls->list(repository->store, "wal/", arena, &objects, err) && rdb_path_make_directory(directory, 0700, true, err);
    for (uint32_t i = 0; ok && i < objects.count; i++) {
        bool found = false;
        ok = archive_fetch_object(repository, ((const backup_object *)objects.items[i])->name, directory, &found, err);
        *count += found;
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- reaching ----------------------------------------------------------------------------------------------------------------------- */
typedef struct gathering {
    rdb_arena *arena;
    rdb_list *points;
} gathering;

static void gather_point(void *context, const char *name, rdb_lsn lsn, int64_t wall_us)
{
    gathering *g = context;
    char lsn_text[24], time_text[40];
    backup_format_lsn(lsn, lsn_text);
    backup_format_time(wall_us, time_text);
    if (g->points != NULL)
        rdb_list_push(g->arena, g->points, rdb_arena_printf(g->arena, "%s (%s, %s)", name, time_text, lsn_text));
}

/* A backup that ends behind the target cannot go back to it. */
static bool ends_behind(const rdb_manifest *manifest, const rdb_recovery_target *target)
{
    switch (target->kind) {
    case RDB_TARGET_TIME:
        return manifest->stopped.time_us > target->time_us - target->exclusive;
    case RDB_TARGET_SCN:
        return manifest->stopped.scn > target->scn - target->exclusive;
    case RDB_TARGET_LSN:
        return manifest->stopped.lsn > target->lsn;
    default:
        return false;
    }
}

static bool refuse(const char *repository_url, const rdb_list *manifests, const rdb_recovery_target *target, const rdb_recovery_reach *best, const rdb_manifest *best_from, const char *damage, rdb_error *err)
{
    char wanted[160], first[40], first_lsn[24], last[40] = "", last_lsn[24], gap[80] = "";
    const rdb_manifest *oldest = manifests->items[0];
    rdb_recovery_target_describe(target, wanted);
    rdb_backup_moment end = best_from != NULL && best->last_commit_us != 0 ? (rdb_backup_moment){.time_us = best->last_commit_us, .lsn = best->end_lsn, .scn = best->last_scn}
                            : best_from != NULL ? best_from->stopped : ((const rdb_manifest *)manifests->items[manifests->count - 1])->stopped;
    backup_format_time(oldest->stopped.time_us, first);
    backup_format_lsn(oldest->stopped.lsn, first_lsn);
    backup_format_time(end.time_us, last);
    backup_format_lsn(end.lsn, last_lsn);
    if (best_from != NULL && best->missing_lsn != 0) {
        char missing[24];
        backup_format_lsn(best->missing_lsn, missing);
        snprintf(gap, sizeof gap, " The archive lacks the segment of %s.", missing);
    }
    rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "recovery %s cannot be reached", wanted);
    rdb_error_detail(err, "The earliest moment is the end of backup %s: %s, LSN %s, SCN %llu. The latest is %s, LSN %s, SCN %llu.%s%s%s%s", oldest->id, first, first_lsn,
                     (unsigned long long)oldest->stopped.scn, last, last_lsn, (unsigned long long)end.scn, gap, damage[0] != '\0' ? " Of the archived log: " : "", damage, damage[0] != '\0' ? "." : "");
    return rdb_error_hint(err, "Nothing was changed. See what can be reached with: rdb-restore timeline --input %s", repository_url);
}

bool rdb_backup_look(const rdb_manifest *manifest, const rdb_recovery_target *target, rdb_arena *arena, rdb_recovery_reach *reach, rdb_list *points, rdb_error *err)
{
    rdb_base_backup_result base = {0};
    gathering g = {arena, points};
    if (strlen(manifest->label_file) >= sizeof base.label_file)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "the label of backup %s is too long", manifest->id);
    base.label_bytes = (uint32_t)strlen(manifest->label_file);
    memcpy(base.label_file, manifest->label_file, base.label_bytes + 1);
    return rdb_recovery_look(NULL, &base, target, gather_point, &g, reach, err);
}

bool rdb_backup_choose(rdb_repository *repository, const char *id, const rdb_recovery_target *target, rdb_arena *arena, rdb_manifest **manifest,
                       rdb_recovery_reach *reach, rdb_list *points, rdb_error *err)
{
    rdb_list manifests = {0}, broken = {0};
    rdb_manifest *best_from = NULL;
    rdb_recovery_reach best = {0};
    char damage[160] = "";
    if (id != NULL) {
        rdb_manifest *one;
        if (!rdb_backup_find(repository, id, arena, &one, err))
            return false;
        rdb_list_push(arena, &manifests, one);
    } else if (!rdb_backup_list(repository, arena, &manifests, &broken, err)) {
        return false;
    }
    if (manifests.count == 0)
        return rdb_error_set(err, RDB_UNDEFINED_FILE, "there is no backup in \"%s\"", repository->store->url);
    for (uint32_t i = manifests.count; i > 0; i--) {
        rdb_manifest *one = manifests.items[i - 1];
        rdb_error mine = {0};
        rdb_list chain = {0};
        if (ends_behind(one, target) || !rdb_backup_chain(repository, one, arena, &chain, &mine)) {
            rdb_error_clear(&mine);
            continue;
        }
        if (points != NULL)
            points->count = 0;
        if (!rdb_backup_look(one, target, arena, reach, points, &mine)) {
            bool is_other_history = rdb_error_is(&mine, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE) || rdb_error_is(&mine, RDB_UNDEFINED_FILE), is_damaged = rdb_error_is(&mine, RDB_DATA_CORRUPTED);
            if (!is_other_history && !is_damaged) {
                rdb_error_move(err, &mine);
                return false;
            }
            if (is_damaged)
                snprintf(damage, sizeof damage, "%s", rdb_error_message(&mine));
            rdb_error_clear(&mine);
            if (is_other_history)
                continue;
            reach->reached = false; /* it goes as far as it is whole */
        }
        if (reach->reached) {
            *manifest = one;
            return true;
        }
        if (best_from == NULL || reach->end_lsn > best.end_lsn) {
            best_from = one;
            best = *reach;
        }
    }
    return refuse(repository->store->url, &manifests, target, &best, best_from, damage, err);
}
