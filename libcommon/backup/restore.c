/* SPDX-License-Identifier: Apache-2.0
 * Making an instance of a backup and what it builds on. The order is what makes it safe: data/RESTORING before the first byte, each
 * object checked whole before one of its bytes is used, older backups of the chain before newer ones, the control file after
 * everything, all on disk, and only then the marker goes. */
#include "backup/backup_int.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CONTROL "data/meta/control"
#define LABEL "data/meta/backup_label" /* of a copy of a served instance: the first start makes the control file of it */
const char *const RESTORE_DIRECTORIES[] = {"conf", "conf/overrides.d", "conf/secrets", "conf/secrets/tls", "conf/secrets/auth", "conf/secrets/keys",
                                          "data", "data/meta", "data/tables", "data/indexes", "data/undo", "data/xact", "data/wal",
                                          "logs", "run", "run/sockets", "cache", "tmp", "backup", "diag"};
_Static_assert(RDB_COUNT_OF(RESTORE_DIRECTORIES) == RESTORE_DIRECTORY_COUNT, "the header and the list disagree");

#define LEFT_OUT UINT32_MAX

typedef struct restoring_file {
    const rdb_manifest_file *file; /* as the newest backup has it */
    uint32_t oldest;               /* the first of the chain whose parts are needed; LEFT_OUT: none */
    _Atomic uint32_t parts_done;   /* of the backup at hand; relaxed: read when the threads are joined */
    bool is_right;                 /* delta: what lies there is what shall */
} restoring_file;

typedef struct restoring {
    rdb_repository *repository;
    const rdb_restore_options *options;
    rdb_restore_report *report;
    char home[PATH_MAX];
    rdb_arena *arena;
    rdb_list chain;
    restoring_file *files; /* one for each of the newest manifest's */
    uint32_t file_count;
    /* of the backup at hand */
    const rdb_manifest *manifest;
    uint32_t level;
    bool *is_needed; /* by object number */
    rdb_slice control;
    _Atomic uint64_t bytes_written, bytes_fetched, bytes_kept; /* relaxed: sums */
    rdb_mutex lock;
    void *buffers RDB_GUARDED_BY(lock); /* of BACKUP_PART_BYTES, aligned, that nobody uses now: each begins with the next one's place */
} restoring;

/* ---- parts on their way to the disk -------------------------------------------------------------------------------------------- */
/* Large runs of pages pass the kernel's cache by: copying them there, and writing them from there, costs as much as unpacking them, and
 * nobody will read most of them soon. A part is then gathered whole, its digest proved, and a thread beside writes it while the next is
 * unpacked. */
#define PASS_BY_BYTES_MIN (UINT64_C(1) << 20)
#define PASS_BY_ALIGNMENT 4096u

typedef struct part_writer {
    rdb_thread *thread; /* has the following until it is joined */
    rdb_file *file;
    uint8_t *buffer;
    uint64_t offset, length;
    bool ok;
    rdb_error err;
} part_writer;

static uint8_t *take_buffer(restoring *r, rdb_error *err)
{
    rdb_mutex_lock(&r->lock);
    void *buffer = r->buffers;
    if (buffer != NULL)
        memcpy(&r->buffers, buffer, sizeof r->buffers);
    rdb_mutex_unlock(&r->lock);
    if (buffer == NULL && posix_memalign(&buffer, PASS_BY_ALIGNMENT, BACKUP_PART_BYTES) != 0) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    return buffer;
}

static void give_buffer(restoring *r, uint8_t *buffer)
{
    if (buffer == NULL)
        return;
    rdb_mutex_lock(&r->lock);
    memcpy(buffer, &r->buffers, sizeof r->buffers);
    r->buffers = buffer;
    rdb_mutex_unlock(&r->lock);
}

static void write_part(void *argument)
{
    part_writer *w = argument;
    w->ok = rdb_file_write(w->file, w->offset, w->buffer, w->length, &w->err);
    w->ok = rdb_file_close(&w->file, &w->err) && w->ok;
}

/* What was being written is in its file, or the error says why not. */
static bool await_writer(restoring *r, part_writer *w, rdb_error *err)
{
    rdb_thread_join(&w->thread);
    give_buffer(r, w->buffer);
    w->buffer = NULL;
    if (w->ok)
        return true;
    rdb_error_move(err, &w->err);
    w->ok = true;
    return false;
}

/* ---- one object -------------------------------------------------------------------------------------------------------------- */
typedef struct unpacking {
    restoring *r;
    const rdb_manifest_part *part;
    restoring_file *target;
    rdb_file *file;
    backup_digest *digest;
    rdb_strbuf control; /* held back */
    bool is_control;
    uint32_t object_no;
    uint64_t data_bytes;
    uint8_t *buffer;    /* where the part is gathered; NULL: it is written as it comes */
    part_writer writer; /* of the one before */
} unpacking;

static restoring_file *find_target(restoring *r, const char *path)
{
    const uint32_t file_no = manifest_file_no(r->chain.items[r->chain.count - 1], path);
    return file_no != UINT32_MAX ? &r->files[file_no] : NULL;
}

static bool is_anchor(const char *path)
{
    return strcmp(path, CONTROL) == 0 || strcmp(path, LABEL) == 0;
}

static bool passes_cache_by(const rdb_manifest_part *part)
{
    return part->data_bytes == part->length && part->length >= PASS_BY_BYTES_MIN && part->length <= BACKUP_PART_BYTES && part->length % PASS_BY_ALIGNMENT == 0 &&
           part->offset % PASS_BY_ALIGNMENT == 0;
}

static bool unpack_member(void *context, const char *path, uint64_t offset, uint64_t length, bool *wanted, rdb_error *err)
{
    unpacking *u = context;
    char whole[PATH_MAX];
    u->part = manifest_find_part(u->r->manifest, path, offset, u->object_no);
    if (u->part == NULL) { /* of an attempt that was gone on from, and newer by now; what is missing is seen at the end */
        *wanted = false;
        return true;
    }
    if (u->part->length != length)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "\"%s\" is not as long in its object as in its manifest", path);
    u->target = find_target(u->r, path);
    *wanted = u->target != NULL && u->target->oldest <= u->r->level && !u->target->is_right;
    if (!*wanted)
        return true;
    u->data_bytes = 0;
    u->is_control = is_anchor(path);
    digest_reset(u->digest);
    if (u->is_control)
        return true;
    const bool passes_by = passes_cache_by(u->part);
    if (passes_by && (u->buffer = take_buffer(u->r, err)) == NULL)
        return false;
    return rdb_instance_path(u->r->home, path, whole, sizeof whole, err) && rdb_file_open(&u->file, whole, RDB_FILE_CREATE | (passes_by ? RDB_FILE_DIRECT : 0), err);
}

static bool unpack_data(void *context, uint64_t offset, const void *bytes, size_t length, rdb_error *err)
{
    unpacking *u = context;
    digest_add(u->digest, bytes, length);
    u->data_bytes += length;
    if (u->is_control) {
        rdb_strbuf_add(&u->control, bytes, length);
        return rdb_strbuf_check(&u->control, err);
    }
    if (u->buffer != NULL) {
        memcpy(u->buffer + offset, bytes, length); /* inside the part: volume_visit saw to that */
        return true;
    }
    return rdb_file_write(u->file, u->part->offset + offset, bytes, length, err);
}

/* The part goes to be written when the one before is. */
static bool hand_over(unpacking *u, rdb_error *err)
{
    part_writer *w = &u->writer;
    rdb_error refused = {0};
    if (!await_writer(u->r, w, err))
        return false;
    w->file = u->file;
    w->buffer = u->buffer;
    w->offset = u->part->offset;
    w->length = u->part->length;
    u->file = NULL;
    u->buffer = NULL;
    if (!rdb_thread_start(&w->thread, "write", write_part, w, &refused)) {
        rdb_error_clear(&refused);
        write_part(w);
    }
    return true;
}

static bool unpack_end(void *context, rdb_error *err)
{
    unpacking *u = context;
    char sha256[RDB_DIGEST_TEXT_BYTES];
    digest_finish(u->digest, sha256);
    if (u->buffer == NULL && !rdb_file_close(&u->file, err))
        return false;
    if (u->data_bytes != u->part->data_bytes || strcmp(sha256, u->part->sha256) != 0) {
        rdb_error_set(err, RDB_DATA_CORRUPTED, "a part of \"%s\" is not what its manifest says", u->target->file->path);
        return rdb_error_detail(err, "From byte %llu on: SHA-256 %s, expected %s.", (unsigned long long)u->part->offset, sha256, u->part->sha256);
    }
    if (u->buffer != NULL && !hand_over(u, err))
        return false;
    atomic_fetch_add_explicit(&u->target->parts_done, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&u->r->bytes_written, u->data_bytes, memory_order_relaxed);
    watch_done(u->r->options->watch, u->data_bytes);
    return true;
}

static bool unpack_object(void *context, uint32_t object_no, rdb_error *err)
{
    restoring *r = context;
    const rdb_manifest_object *object = r->manifest->objects.items[object_no];
    char name[200], sha256[RDB_DIGEST_TEXT_BYTES];
    rdb_strbuf bytes;
    unpacking u = {.r = r, .object_no = object_no, .writer.ok = true};
    if (!r->is_needed[object_no])
        return true;
    if (!watch_interrupted(r->options->watch, err))
        return false;
    rdb_strbuf_init(&bytes, NULL);
    rdb_strbuf_init(&u.control, NULL);
    backup_visitor visitor = {unpack_member, unpack_data, unpack_end, &u};
    bool ok = digest_create(&u.digest, err) && manifest_object_name(r->manifest, object, name, sizeof name) &&
              repository_get(r->repository, name, object, &bytes, sha256, err);
    atomic_fetch_add_explicit(&r->bytes_fetched, object->bytes, memory_order_relaxed);
    ok = ok && volume_visit(r->manifest->compression, bytes.data, bytes.length, &visitor, err);
    ok = await_writer(r, &u.writer, err) && ok;
    give_buffer(r, u.buffer);
    if (!ok)
        rdb_error_add_context(err, "object \"%s\"", name);
    if (ok && u.control.length > 0) /* one object alone has it */
        r->control = (rdb_slice){(const uint8_t *)u.control.data, u.control.length};
    else
        rdb_strbuf_free(&u.control);
    rdb_error ignored = {0};
    rdb_file_close(&u.file, &ignored);
    rdb_error_clear(&ignored);
    rdb_strbuf_free(&bytes);
    digest_destroy(&u.digest);
    return ok;
}

/* ---- the chain ---------------------------------------------------------------------------------------------------------------- */
/* From the newest backwards: what stands whole in a backup needs none before it. */
static bool find_needs(restoring *r, rdb_error *err)
{
    const rdb_manifest *newest = r->chain.items[r->chain.count - 1];
    r->file_count = newest->files.count;
    r->files = rdb_arena_try_alloc(r->arena, sizeof *r->files * (r->file_count + 1), err);
    if (r->files == NULL)
        return false;
    for (uint32_t i = 0; i < r->file_count; i++) {
        restoring_file *target = &r->files[i];
        *target = (restoring_file){.file = newest->files.items[i]};
        if (r->options->log_from_archive && strncmp(target->file->path, "data/wal/", 9) == 0) {
            target->oldest = LEFT_OUT;
            continue;
        }
        target->oldest = manifest_oldest_needed(&r->chain, target->file->path);
    }
    return true;
}

/* ---- delta ---------------------------------------------------------------------------------------------------------------------- */
/* The file as one backup of the chain has it whole, if no later one changed it; NULL: it is made of several. */
static const rdb_manifest_file *find_sole(const restoring *r, const restoring_file *target)
{
    const rdb_manifest_file *sole = manifest_find_file(r->chain.items[target->oldest], target->file->path);
    for (uint32_t level = target->oldest + 1; sole != NULL && level < r->chain.count; level++) {
        const rdb_manifest_file *later = manifest_find_file(r->chain.items[level], target->file->path);
        if (later == NULL || later->part_count > 0 || later->length != sole->length)
            return NULL;
    }
    return sole;
}

/* Whether the file at home is, part by part, the one that stands whole in one of the backups. A file that is made of several is
 * written anew. */
static bool compare_file(void *context, uint32_t file_no, rdb_error *err)
{
    restoring *r = context;
    restoring_file *target = &r->files[file_no];
    char path[PATH_MAX], sha256[RDB_DIGEST_TEXT_BYTES];
    rdb_file *file = NULL;
    rdb_error mine = {0};
    uint64_t length = 0;
    const rdb_manifest_file *sole = target->oldest != LEFT_OUT && !is_anchor(target->file->path) ? find_sole(r, target) : NULL;
    if (sole == NULL || sole->part_count == 0)
        return true;
    if (!watch_interrupted(r->options->watch, err) || !rdb_instance_path(r->home, target->file->path, path, sizeof path, err))
        return false;
    uint8_t *buffer = malloc(BACKUP_PART_BYTES);
    bool same = buffer != NULL && rdb_file_open(&file, path, RDB_FILE_READ, &mine) && rdb_file_size(file, &length, &mine) && length == sole->length;
    for (uint32_t i = 0; same && i < sole->part_count; i++) {
        const rdb_manifest_part *part = &sole->parts[i];
        same = part->data_bytes == part->length && part->length <= BACKUP_PART_BYTES && rdb_file_read(file, part->offset, buffer, part->length, NULL, &mine);
        if (same)
            digest_of(buffer, part->length, sha256);
        same = same && strcmp(sha256, part->sha256) == 0;
    }
    target->is_right = same;
    if (same)
        atomic_fetch_add_explicit(&r->bytes_kept, length, memory_order_relaxed);
    rdb_error_clear(&mine);
    rdb_file_close(&file, &mine);
    rdb_error_clear(&mine);
    free(buffer);
    return true;
}

/* What the backup does not have goes: the log, what recovery makes anew, and files of relations made since. */
static bool remove_surplus(restoring *r, const char *folder, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_list names = {0};
    if (!rdb_instance_path(r->home, folder, path, sizeof path, err) || !rdb_path_list(path, r->arena, &names, err))
        return false;
    for (uint32_t i = 0; i < names.count; i++) {
        const char *child = rdb_arena_printf(r->arena, "%s/%s", folder, (const char *)names.items[i]);
        if (strcmp(child, "data/RESTORING") == 0)
            continue;
        if (!rdb_instance_path(r->home, child, path, sizeof path, err))
            return false;
        bool is_log = strncmp(child, "data/wal/", 9) == 0;
        if (rdb_path_is_directory(path)) {
            if (strcmp(child, "data/meta/changes") == 0 ? !rdb_path_remove_tree(path, err) : !remove_surplus(r, child, err))
                return false;
        } else if ((is_log || is_anchor(child) || find_target(r, child) == NULL) && !rdb_path_remove(path, true, err)) {
            return false;
        }
    }
    return true;
}

static bool compare_home(restoring *r, rdb_error *err)
{
    char path[PATH_MAX];
    if (!r->options->delta || r->options->dry_run || !rdb_instance_path(r->home, "data", path, sizeof path, err))
        return !rdb_error_is_set(err);
    return remove_surplus(r, "data", err) && run_in_threads(r->options->thread_count, r->file_count, compare_file, r, err);
}

static bool choose_objects(restoring *r, rdb_error *err)
{
    uint64_t bytes = 0;
    r->is_needed = rdb_arena_try_alloc(r->arena, r->manifest->objects.count + 1, err);
    if (r->is_needed == NULL)
        return false;
    memset(r->is_needed, 0, r->manifest->objects.count + 1);
    for (uint32_t i = 0; i < r->file_count; i++) {
        restoring_file *target = &r->files[i];
        const rdb_manifest_file *file = target->oldest <= r->level && !target->is_right ? manifest_find_file(r->manifest, target->file->path) : NULL;
        atomic_store_explicit(&target->parts_done, 0, memory_order_relaxed);
        for (uint32_t part_no = 0; file != NULL && part_no < file->part_count; part_no++) {
            r->is_needed[file->parts[part_no].object_no] = true;
            bytes += file->parts[part_no].data_bytes;
        }
    }
    for (uint32_t i = 0; i < r->manifest->objects.count; i++)
        r->report->objects += r->is_needed[i];
    r->report->bytes_total += bytes;
    watch_total(r->options->watch, r->manifest->id, bytes);
    return true;
}

static bool check_parts(const restoring *r, rdb_error *err)
{
    for (uint32_t i = 0; i < r->file_count; i++) {
        const restoring_file *target = &r->files[i];
        const rdb_manifest_file *file = target->oldest <= r->level && !target->is_right ? manifest_find_file(r->manifest, target->file->path) : NULL;
        uint32_t done = atomic_load_explicit(&target->parts_done, memory_order_relaxed);
        if (file != NULL && done != file->part_count) {
            rdb_error_set(err, RDB_DATA_CORRUPTED, "\"%s\" is not whole in backup %s", file->path, r->manifest->id);
            return rdb_error_detail(err, "%u of %u parts stand in its objects.", done, file->part_count);
        }
    }
    return true;
}

static bool restore_level(restoring *r, uint32_t level, rdb_error *err)
{
    r->level = level;
    r->manifest = r->chain.items[level];
    return choose_objects(r, err) && (r->options->dry_run || (run_in_threads(r->options->thread_count, r->manifest->objects.count, unpack_object, r, err) && check_parts(r, err)));
}

/* ---- the directory --------------------------------------------------------------------------------------------------------------- */
static bool write_home(const restoring *r, const char *name, const void *bytes, size_t length, rdb_error *err)
{
    char path[PATH_MAX];
    return rdb_instance_path(r->home, name, path, sizeof path, err) && rdb_path_write_atomic(path, bytes, length, 0600, err);
}

static bool make_home_directory(const restoring *r, const char *name, rdb_error *err)
{
    char path[PATH_MAX];
    return rdb_instance_path(r->home, name, path, sizeof path, err) && rdb_path_make_directory(path, 0700, true, err);
}

static bool make_parents(const restoring *r, const char *path, rdb_error *err)
{
    char name[PATH_MAX];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(name, sizeof name, "%.*s", (int)(slash - path), path);
        if (!make_home_directory(r, name, err))
            return false;
    }
    return true;
}

/* What a restore leaves that was cut short before its marker stood: nothing in data/, or no data/ since the old one went aside. */
static bool has_only_begun(const char *home, bool *begun, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_list names = {0}, inside = {0};
    rdb_arena *arena = rdb_arena_create("restore", NULL, NULL);
    *begun = false;
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_list(home, arena, &names, err) && rdb_instance_path(home, "data", path, sizeof path, err) &&
              (!rdb_path_is_directory(path) || rdb_path_list(path, arena, &inside, err));
    bool is_fresh = ok && (names.count == 0 || (names.count == 1 && strcmp(names.items[0], "data") == 0));
    for (uint32_t i = 0; ok && i < names.count; i++)
        is_fresh = is_fresh || strncmp(names.items[i], "data.before-", 12) == 0;
    for (uint32_t i = 0; ok && i < inside.count; i++)
        is_fresh = is_fresh && strncmp(inside.items[i], "RESTORING", 9) == 0;
    *begun = is_fresh;
    rdb_arena_destroy(arena);
    return ok;
}

bool restore_look_at_home(const char *home, const rdb_restore_options *options, bool *is_half, bool *has_instance, rdb_error *err)
{
    rdb_home_kind kind;
    char path[PATH_MAX];
    int64_t holder = 0;
    *is_half = *has_instance = false;
    if (!rdb_instance_look(home, &kind, err))
        return false;
    if (kind == RDB_HOME_MISSING || kind == RDB_HOME_EMPTY)
        return true;
    if (!rdb_instance_path(home, "data/RESTORING", path, sizeof path, err))
        return false;
    if (!has_only_begun(home, is_half, err))
        return false;
    *is_half = *is_half || rdb_path_exists(path); /* what a restore left that was cut short has no more worth than an empty directory */
    *has_instance = kind == RDB_HOME_INSTANCE && !*is_half;
    if (kind == RDB_HOME_OTHER && !*is_half)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "directory \"%s\" is not empty and no instance", home);
    if (*has_instance && !options->replace && !options->delta) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "there is an instance in \"%s\" already", home);
        return rdb_error_hint(err, "Restore into an empty directory, or over it with --replace (its data is kept aside) or --delta (what is right already stays).");
    }
    if (!rdb_instance_holder(home, &holder, err))
        return false;
    if (holder != 0) {
        rdb_error_set(err, RDB_OBJECT_IN_USE, "another program (PID %lld) is running on this instance", (long long)holder);
        return rdb_error_hint(err, "Stop it first: rdb-serve --home %s --stop", home);
    }
    return true;
}

/* Over an instance: with replace its data goes aside whole, with delta it stays and is made right. */
static bool clear_home(restoring *r, rdb_error *err)
{
    char data[PATH_MAX], aside[PATH_MAX], now[40];
    bool is_half, has_instance;
    if (!restore_look_at_home(r->home, r->options, &is_half, &has_instance, err) || r->options->dry_run)
        return !rdb_error_is_set(err);
    if (!rdb_instance_path(r->home, "data", data, sizeof data, err))
        return false;
    if (is_half && !r->options->delta)
        return !rdb_path_exists(data) || rdb_path_remove_tree(data, err);
    if (!has_instance || r->options->delta)
        return true;
    backup_format_time(rdb_time_wall_us(), now);
    now[19] = '\0';
    for (int number = 1; number == 1 || rdb_path_exists(aside); number++) { /* twice in a second */
        snprintf(r->report->kept_aside, sizeof r->report->kept_aside, number == 1 ? "data.before-%s" : "data.before-%s-%d", now, number);
        if (!rdb_instance_path(r->home, r->report->kept_aside, aside, sizeof aside, err))
            return false;
    }
    return rdb_path_rename(data, aside, err) && rdb_path_sync_directory(r->home, err);
}

static bool prepare_home(restoring *r, rdb_error *err)
{
    const rdb_manifest *newest = r->chain.items[r->chain.count - 1];
    char now[40], marker[200];
    backup_format_time(rdb_time_wall_us(), now);
    snprintf(marker, sizeof marker, "backup %s\nbegun %s\n", newest->id, now);
    if (!rdb_path_make_directory(r->home, 0700, true, err) || !make_home_directory(r, "data", err) || !write_home(r, "data/RESTORING", marker, strlen(marker), err))
        return false;
    for (size_t i = 0; i < RESTORE_DIRECTORY_COUNT; i++)
        if (!make_home_directory(r, RESTORE_DIRECTORIES[i], err))
            return false;
    for (uint32_t i = 0; i < newest->directories.count; i++)
        if (!make_parents(r, newest->directories.items[i], err) || !make_home_directory(r, newest->directories.items[i], err))
            return false;
    for (uint32_t i = 0; i < newest->files.count; i++)
        if (!make_parents(r, ((const rdb_manifest_file *)newest->files.items[i])->path, err))
            return false;
    return true;
}

/* Lengths as the newest backup says; files that have no bytes are made here. */
static bool settle_lengths(restoring *r, rdb_error *err)
{
    for (uint32_t i = 0; i < r->file_count; i++) {
        const rdb_manifest_file *file = r->files[i].file;
        char path[PATH_MAX];
        rdb_file *opened = NULL;
        uint64_t length = 0;
        if (is_anchor(file->path) || r->files[i].oldest == LEFT_OUT)
            continue;
        if (!rdb_instance_path(r->home, file->path, path, sizeof path, err) || !rdb_file_open(&opened, path, RDB_FILE_CREATE, err))
            return false;
        bool ok = rdb_file_size(opened, &length, err) && (length == file->length || rdb_file_truncate(opened, file->length, err));
        ok = rdb_file_close(&opened, err) && ok;
        if (!ok)
            return false;
    }
    return true;
}

/* A backup without secrets: the server gets new ones of its own. Roles and their passwords are in the data. */
static bool make_secrets(restoring *r, const char *name, rdb_error *err)
{
    char path[PATH_MAX];
    uint8_t secret[32];
    if (!rdb_instance_path(r->home, "conf/secrets/auth/scram.secret", path, sizeof path, err))
        return false;
    if (rdb_path_exists(path))
        return true;
    rdb_random_bytes(secret, sizeof secret);
    r->report->made_secrets = true;
    return rdb_path_write_atomic(path, secret, sizeof secret, 0600, err) && rdb_instance_path(r->home, "conf/secrets/tls", path, sizeof path, err) &&
           rdb_certificate_create(path, name, err);
}

static bool write_control(restoring *r, rdb_error *err)
{
    rdb_control control;
    bool is_label = manifest_find_file(r->chain.items[r->chain.count - 1], LABEL) != NULL;
    if (r->control.length == 0)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "the backup has nothing to start from");
    return write_home(r, is_label ? LABEL : CONTROL, r->control.data, r->control.length, err) && (is_label || rdb_control_read(r->home, &control, err));
}

static bool skip_member(void *context, const char *path, uint64_t offset, uint64_t length, bool *wanted, rdb_error *err)
{
    (void)context, (void)path, (void)offset, (void)length, (void)err;
    *wanted = false;
    return true;
}

static bool is_bare(const char *value)
{
    char *end;
    strtod(value, &end);
    return (*end == '\0' && end != value) || strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
}

static bool check_settings(const rdb_restore_options *options, rdb_error *err)
{
    for (uint32_t i = 0; i < options->setting_count; i++) {
        const char *text = options->settings[i], *equals = strchr(text, '='), *dot = strchr(text, '.');
        if (equals == NULL || dot == NULL || dot > equals || dot == text || dot + 1 == equals || text[strcspn(text, "\"\\\n")] != '\0')
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is no setting: write section.key=value", text);
    }
    return true;
}

/* What is different in the new place: a file that is read after the others. */
static bool write_overrides(const restoring *r, rdb_error *err)
{
    const rdb_restore_options *options = r->options;
    rdb_strbuf text;
    if (!options->stop_archiving && options->setting_count == 0)
        return true;
    rdb_strbuf_init(&text, r->arena);
    rdb_strbuf_adds(&text, "# Written by rdb-restore for the new place of this instance.\n");
    if (options->stop_archiving)
        rdb_strbuf_adds(&text, "# It must not archive its log where its origin does: name an archive of its own, or remove this when the origin is gone for good.\n"
                               "wal.archive_enabled = false\n");
    for (uint32_t i = 0; i < options->setting_count; i++) {
        const char *equals = strchr(options->settings[i], '=');
        const char *quote = is_bare(equals + 1) ? "" : "\"";
        rdb_strbuf_addf(&text, "%.*s = %s%s%s\n", (int)(equals - options->settings[i]), options->settings[i], quote, equals + 1, quote);
    }
    return rdb_strbuf_check(&text, err) && write_home(r, "conf/overrides.d/zz-restored.toml", text.data, text.length, err);
}

/* How long the rest takes if it goes as one object did: what it takes to write is like what it takes to read and unpack. */
static bool guess_time(restoring *r, rdb_error *err)
{
    const rdb_manifest *oldest = r->chain.items[0];
    char name[200], sha256[RDB_DIGEST_TEXT_BYTES];
    rdb_strbuf bytes;
    if (oldest->objects.count == 0)
        return true;
    rdb_strbuf_init(&bytes, NULL);
    const rdb_manifest_object *object = oldest->objects.items[0];
    uint64_t data = 0;
    for (uint32_t i = 0; i < oldest->files.count; i++) {
        const rdb_manifest_file *file = oldest->files.items[i];
        for (uint32_t part_no = 0; part_no < file->part_count; part_no++)
            data += file->parts[part_no].object_no == 0 ? file->parts[part_no].data_bytes : 0;
    }
    const backup_visitor visitor = {skip_member, NULL, NULL, NULL};
    int64_t begun_us = rdb_time_monotonic_us();
    bool ok = manifest_object_name(oldest, object, name, sizeof name) && repository_get(r->repository, name, object, &bytes, sha256, err) &&
              volume_visit(oldest->compression, bytes.data, bytes.length, &visitor, err);
    double seconds = (double)(rdb_time_monotonic_us() - begun_us) / 1e6;
    if (ok && data > 0)
        r->report->seconds_guess = 2 * seconds * (double)r->report->bytes_total / (double)data / RDB_MAX(r->options->thread_count, 1);
    rdb_strbuf_free(&bytes);
    return ok;
}

/* As much as the new place has: of the nearest directory that is there. */
static void measure_space(restoring *r)
{
    char path[PATH_MAX];
    rdb_error ignored = {0};
    snprintf(path, sizeof path, "%s", r->home);
    while (!rdb_path_is_directory(path) && strrchr(path, '/') != NULL && strrchr(path, '/') != path)
        *strrchr(path, '/') = '\0';
    if (!rdb_path_free_bytes(path, &r->report->bytes_free, &ignored))
        rdb_error_clear(&ignored);
}

static bool finish_home(restoring *r, rdb_error *err)
{
    char path[PATH_MAX];
    const rdb_manifest *newest = r->chain.items[r->chain.count - 1];
    const char *name = strrchr(r->home, '/') != NULL ? strrchr(r->home, '/') + 1 : r->home;
    if (!settle_lengths(r, err) || (newest->secrets_left_out && !make_secrets(r, name, err)))
        return false;
    if (!write_overrides(r, err))
        return false;
    if (r->options->target != NULL && !rdb_recovery_target_write(r->home, r->options->target, err))
        return false;
    return rdb_path_sync_file_system(r->home, err) && write_control(r, err) && rdb_path_sync_file_system(r->home, err) &&
           rdb_instance_path(r->home, "data/RESTORING", path, sizeof path, err) && rdb_path_remove(path, false, err) &&
           rdb_instance_path(r->home, "data", path, sizeof path, err) && rdb_path_sync_directory(path, err);
}

bool rdb_backup_restore(rdb_repository *repository, rdb_manifest *newest, const rdb_restore_options *options, rdb_restore_report *report, rdb_error *err)
{
    restoring r = {.repository = repository, .options = options, .report = report};
    *report = (rdb_restore_report){0};
    r.arena = rdb_arena_create("restore", NULL, NULL);
    if (r.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    backup_lease *lease = NULL;
    if (!lease_take_reader(&lease, repository, err)) {
        rdb_arena_destroy(r.arena);
        return false;
    }
    rdb_mutex_init(&r.lock, RDB_RANK_LEAF);
    bool ok = check_settings(options, err) && rdb_instance_resolve(options->home, r.home, sizeof r.home, err) && rdb_backup_chain(repository, newest, r.arena, &r.chain, err) &&
              clear_home(&r, err) && (measure_space(&r), true) && find_needs(&r, err) && (options->dry_run || prepare_home(&r, err)) && compare_home(&r, err);
    for (uint32_t level = 0; ok && level < r.chain.count; level++)
        ok = restore_level(&r, level, err);
    ok = ok && (options->dry_run ? guess_time(&r, err) : finish_home(&r, err));
    report->chain_length = r.chain.count;
    report->files = r.file_count;
    report->bytes_written = atomic_load(&r.bytes_written);
    report->bytes_fetched = atomic_load(&r.bytes_fetched);
    report->bytes_kept = atomic_load(&r.bytes_kept);
    lease_give(&lease);
    free((void *)(uintptr_t)r.control.data);
    rdb_error ignored = {0};
    while (r.buffers != NULL)
        free(take_buffer(&r, &ignored));
    rdb_mutex_deinit(&r.lock);
    rdb_arena_destroy(r.arena);
    return ok;
}
