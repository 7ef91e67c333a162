/* SPDX-License-Identifier: Apache-2.0
 * Taking a backup. Files are cut into parts; each thread reads parts, keeps the pages that are wanted, and packs them into a volume
 * of its own until that is full. A full one is stored beside while the next is packed: a sync is waited for by nobody who could
 * compress. The server is told nothing of all this: what changes under the reading is made good by the log,
 * which comes last, and then the manifest, which makes it a backup. */
#include "backup/backup_int.h"
#include "base/rdb_options.h"
#include "os/rdb_process.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TORN_READS 20          /* of a page of a served instance: it may be just being written */
#define TORN_WAIT_US INT64_C(50000)
#define PROGRESS_US INT64_C(1000000)
#define WAL_HEADER_BYTES 64u   /* of a segment: rdb_wal.h */

typedef struct taking_file {
    rdb_manifest_file *file;
    const backup_source_file *source; /* NULL: bytes */
    rdb_slice bytes;
    const rdb_slice *changed; /* bitmap, NULL: unknown */
    uint64_t parent_length;   /* blocks from here on are new */
    bool is_incremental;      /* the parent has it: only changed pages are wanted */
    _Atomic bool is_gone;     /* relaxed: read when the threads are joined */
} taking_file;

typedef struct taking_part {
    taking_file *file;
    uint64_t offset, length;
    uint32_t part_no;
} taking_part;

/* A part that an earlier attempt, which was killed, has stored already. */
typedef struct resumed_part {
    uint32_t object_no;
    uint64_t length;
    char sha256[RDB_DIGEST_TEXT_BYTES];
} resumed_part;

typedef struct taking {
    rdb_repository *repository;
    const rdb_backup_options *options;
    backup_source *source;
    rdb_arena *arena;
    rdb_manifest *manifest;
    rdb_lsn since; /* pages up to it are in the parent */
    taking_part *parts;
    uint32_t part_count, part_capacity;
    _Atomic uint32_t next_part;
    backup_pace *pace;
    _Atomic uint64_t bytes_done; /* of the parts at hand; relaxed: a sum */
    uint64_t bytes_total;
    source_phase phase;
    _Atomic uint32_t reporter_ends; /* futex */
    uint32_t thread_count;
    rdb_map *resumed;              /* "path@offset" to resumed_part *; NULL: nothing to go on from */
    uint32_t first_volume_no;      /* after those of the earlier attempt */
    rdb_mutex progress_lock;       /* before lock; held over a put */
    json_t *progress RDB_GUARDED_BY(progress_lock); /* volumes that stand */
    int64_t progress_us RDB_GUARDED_BY(progress_lock);
    volume_set set; /* its lock guards the manifest's lists and its arena */
} taking;

/* What one thread has in hand. */
typedef struct packing {
    taking *t;
    volume_pack pack;
    uint8_t *buffer;
    backup_range *ranges;
    backup_digest *digest;
    json_t *parts;  /* of the volume, for the progress */
    rdb_thread *storer; /* has the following until it is joined */
    volume_pack stored;
    json_t *stored_parts;
    bool store_ok;
    rdb_error store_err;
    rdb_file *open; /* of open_file */
    const taking_file *open_file;
} packing;

/* ---- progress ----------------------------------------------------------------------------------------------------------------- */
/* progress.json: {"type", "parent", "compression", "volumes": [{"name", "bytes", "sha256", "crc32c", "parts": [[path, offset, length, sha256]]}]},
 * written again about every second. Holds the progress lock. */
static bool write_progress(taking *t, rdb_error *err)
{
    char name[80];
    rdb_manifest_object stored;
    if (t->repository->store->url[0] == '-' || json_array_size(t->progress) == 0)
        return true;
    snprintf(name, sizeof name, "backup/%s/progress.json%s", t->manifest->id, repository_seal_extension(t->repository));
    json_t *json = json_pack("{s:s, s:s, s:s, s:O}", "type", RDB_BACKUP_TYPES[t->manifest->type], "parent", t->manifest->parent, "compression", RDB_COMPRESSIONS[t->manifest->compression], "volumes", t->progress);
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    bool ok = text != NULL ? repository_put(t->repository, name, text, strlen(text), &stored, NULL, err) : rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    json_decref(json);
    free(text);
    t->progress_us = rdb_time_monotonic_us();
    return ok;
}

static bool note_volume(packing *p, rdb_error *err)
{
    taking *t = p->t;
    bool ok = true;
    if (p->stored_parts != NULL && strcmp(t->set.name, "vol") == 0) {
        rdb_mutex_lock(&t->progress_lock);
        json_array_append_new(t->progress, json_pack("{s:s, s:I, s:s, s:s, s:O}", "name", p->stored.object->name, "bytes", (json_int_t)p->stored.object->bytes, "sha256", p->stored.object->sha256,
                                                        "crc32c", p->stored.object->crc32c, "parts", p->stored_parts));
        ok = rdb_time_monotonic_us() - t->progress_us < PROGRESS_US || write_progress(t, err);
        rdb_mutex_unlock(&t->progress_lock);
    }
    json_decref(p->stored_parts);
    p->stored_parts = NULL;
    return ok;
}

static void store_volume(void *argument)
{
    packing *p = argument;
    p->store_ok = pack_close(&p->stored, &p->store_err) && note_volume(p, &p->store_err);
}

/* What was being stored stands, or the error says why not. */
static bool await_stored(packing *p, rdb_error *err)
{
    rdb_thread_join(&p->storer);
    if (p->store_ok)
        return true;
    rdb_error_move(err, &p->store_err);
    return false;
}

/* The volume at hand goes to be stored when the one before it stands. */
static bool end_volume(packing *p, rdb_error *err)
{
    rdb_error refused = {0};
    if (p->pack.volume == NULL)
        return true;
    if (!await_stored(p, err))
        return false;
    p->stored = p->pack;
    p->stored_parts = p->parts;
    p->pack = (volume_pack){.set = &p->t->set};
    p->parts = NULL;
    if (!rdb_thread_start(&p->storer, "store", store_volume, p, &refused)) {
        rdb_error_clear(&refused);
        store_volume(p);
    }
    return true;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------ */
static bool note_broken(packing *p, const taking_file *file, uint64_t block, const char *what)
{
    taking *t = p->t;
    rdb_mutex_lock(&t->set.lock);
    rdb_manifest_page *page = RDB_NEW(t->set.arena, rdb_manifest_page);
    page->path = file->file->path;
    page->block = block;
    page->what = rdb_arena_strdup(t->set.arena, what);
    page->relation = "";
    rdb_list_push(t->set.arena, &t->manifest->degraded, page);
    rdb_mutex_unlock(&t->set.lock);
    watch_note(t->options->watch, "%s block %llu is broken: %s", file->file->path, (unsigned long long)block, what);
    return true;
}

/* A page as it is on disk, whole: one that is being written is read again. */
static bool settle_page(packing *p, const taking_file *file, rdb_page_tag tag, uint64_t offset, uint8_t *page, rdb_error *err)
{
    uint32_t page_bytes = p->t->manifest->page_bytes;
    const char *what = NULL;
    tag.block = offset / page_bytes;
    for (int attempt = 0;; attempt++) {
        size_t got = page_bytes;
        if (attempt > 0 && !rdb_file_read(p->open, offset, page, page_bytes, &got, err))
            return false;
        if (got < page_bytes) { /* cut off meanwhile: the log says so too */
            memset(page, 0, page_bytes);
            return true;
        }
        if (rdb_page_verify(page, tag, page_bytes, &what))
            return true;
        if (attempt == (source_is_running(p->t->source) ? TORN_READS : 1))
            return note_broken(p, file, tag.block, what);
        rdb_time_sleep_us(attempt == 0 ? 0 : TORN_WAIT_US);
    }
}

static bool open_part_file(packing *p, taking_file *file, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_error mine = {0};
    if (p->open_file == file && p->open != NULL)
        return true;
    p->open_file = file;
    if (!rdb_file_close(&p->open, err) || !rdb_instance_path(source_home(p->t->source), file->file->path, path, sizeof path, err))
        return false;
    if (rdb_file_open(&p->open, path, RDB_FILE_READ, &mine))
        return true;
    if (rdb_error_is(&mine, RDB_UNDEFINED_FILE) && source_is_running(p->t->source)) {
        atomic_store_explicit(&file->is_gone, true, memory_order_relaxed); /* dropped; the log says so too */
        rdb_error_clear(&mine);
        return true;
    }
    rdb_error_move(err, &mine);
    return false;
}

/* page: needed where no change map speaks for it. */
static bool is_wanted(const taking *t, const taking_file *file, uint64_t offset, const rdb_page *page)
{
    uint64_t block = offset / t->manifest->page_bytes;
    if (!file->is_incremental || offset >= file->parent_length)
        return true;
    if (file->changed != NULL)
        return block / 8 < file->changed->length && (file->changed->data[block / 8] >> (block % 8) & 1) != 0;
    return page->lsn == 0 || page->lsn > t->since; /* a page of zeroes says nothing of when it became one */
}

static void add_range(packing *p, uint64_t at, uint32_t *range_count, uint64_t *data_bytes)
{
    uint32_t page_bytes = p->t->manifest->page_bytes;
    if (*range_count > 0 && p->ranges[*range_count - 1].offset + p->ranges[*range_count - 1].length == at)
        p->ranges[*range_count - 1].length += page_bytes;
    else
        p->ranges[(*range_count)++] = (backup_range){at, page_bytes};
    *data_bytes += page_bytes;
}

/* As much of the part as there is. */
static bool read_part(packing *p, const taking_part *part, size_t *read, rdb_error *err)
{
    int64_t step_us;
    *read = 0;
    pace_begin(p->t->pace, &step_us);
    for (size_t got = PACE_STEP_BYTES; got == PACE_STEP_BYTES && *read < part->length;) {
        got = RDB_MIN(part->length - *read, PACE_STEP_BYTES);
        if (!rdb_file_read(p->open, part->offset + *read, p->buffer + *read, got, &got, err))
            return false;
        *read += got;
        pace_pass(p->t->pace, got);
        pace_rest(p->t->pace, &step_us);
    }
    return true;
}

/* Reads the whole part and keeps its wanted pages at the front of the buffer. *got: as much as the file has of it. */
static bool read_all_pages(packing *p, const taking_part *part, uint64_t *got, uint32_t *range_count, uint64_t *data_bytes, rdb_error *err)
{
    uint32_t page_bytes = p->t->manifest->page_bytes;
    rdb_page_tag tag;
    size_t read = 0;
    page_tag_of(part->file->file->path, &tag);
    if (!read_part(p, part, &read, err))
        return false;
    *got = read - read % page_bytes;
    for (uint64_t at = 0; at < *got; at += page_bytes) {
        uint8_t *page = p->buffer + at;
        if (!settle_page(p, part->file, tag, part->offset + at, page, err))
            return false;
        if (!is_wanted(p->t, part->file, part->offset + at, (const rdb_page *)(const void *)page))
            continue;
        if (*data_bytes != at)
            memmove(p->buffer + *data_bytes, page, page_bytes);
        add_range(p, at, range_count, data_bytes);
    }
    return true;
}

/* Reads the pages alone that the change map names, runs of them at once; all are asked for before the first is waited for. */
static bool read_changed_pages(packing *p, const taking_part *part, uint32_t *range_count, uint64_t *data_bytes, rdb_error *err)
{
    uint32_t page_bytes = p->t->manifest->page_bytes;
    rdb_page_tag tag;
    page_tag_of(part->file->file->path, &tag);
    for (uint64_t at = 0; at < part->length; at += page_bytes)
        if (is_wanted(p->t, part->file, part->offset + at, NULL))
            add_range(p, at, range_count, data_bytes);
    for (uint32_t i = 0; i < *range_count; i++)
        rdb_file_prefetch(p->open, part->offset + p->ranges[i].offset, p->ranges[i].length);
    uint8_t *to = p->buffer;
    for (uint32_t i = 0; i < *range_count; i++) {
        size_t read = 0;
        if (!rdb_file_read(p->open, part->offset + p->ranges[i].offset, to, p->ranges[i].length, &read, err))
            return false;
        memset(to + read, 0, p->ranges[i].length - read); /* cut off meanwhile: the log says so too */
        for (uint64_t at = 0; at + page_bytes <= read; at += page_bytes)
            if (!settle_page(p, part->file, tag, part->offset + p->ranges[i].offset + at, to + at, err))
                return false;
        to += p->ranges[i].length;
        pace_pass(p->t->pace, read);
    }
    return true;
}

/* SQLite's own way to read a database that others may write. */
static bool read_database(packing *p, const char *path, uint64_t *got, rdb_error *err)
{
    char whole[PATH_MAX];
    sqlite3 *database = NULL;
    sqlite3_int64 length = 0;
    if (!rdb_instance_path(source_home(p->t->source), path, whole, sizeof whole, err))
        return false;
    bool ok = sqlite3_open_v2(whole, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK;
    sqlite3_busy_timeout(database, 5000);
    unsigned char *bytes = ok ? sqlite3_serialize(database, "main", &length, 0) : NULL;
    ok = bytes != NULL && (uint64_t)length <= BACKUP_PART_BYTES;
    if (ok)
        memcpy(p->buffer, bytes, (size_t)length);
    else
        rdb_error_set(err, RDB_IO_ERROR, "\"%s\" cannot be read: %s", path, sqlite3_errmsg(database));
    *got = (uint64_t)length;
    sqlite3_free(bytes);
    sqlite3_close(database);
    return ok;
}

static bool is_database(const char *path)
{
    return strncmp(path, "data/meta/", 10) == 0 && strlen(path) > 3 && strcmp(path + strlen(path) - 3, ".db") == 0;
}

/* Whether the earlier attempt has this part, byte by byte. */
static bool take_resumed(taking *t, const char *path, rdb_manifest_part *entry)
{
    char key[1200];
    if (t->resumed == NULL || strcmp(t->set.name, "vol") != 0)
        return false;
    snprintf(key, sizeof key, "%s@%llx", path, (unsigned long long)entry->offset);
    const resumed_part *before = rdb_map_get(t->resumed, key, strlen(key));
    if (before == NULL || before->length != entry->length || strcmp(before->sha256, entry->sha256) != 0)
        return false;
    entry->object_no = before->object_no;
    return true;
}

static bool pack_part(packing *p, taking_part *part, rdb_error *err)
{
    taking_file *file = part->file;
    uint64_t got = 0, data_bytes;
    uint32_t range_count = 0;
    if (file->source == NULL) {
        got = RDB_MIN(part->length, file->bytes.length - part->offset);
        memcpy(p->buffer, file->bytes.data + part->offset, got);
    } else if (is_database(file->file->path)) {
        if (!read_database(p, file->file->path, &got, err))
            return false;
        pace_pass(p->t->pace, got);
    } else {
        if (!open_part_file(p, file, err))
            return false;
        if (atomic_load_explicit(&file->is_gone, memory_order_relaxed))
            return true;
        got = part->length;
        size_t read = 0;
        if (!file->source->has_pages && !read_part(p, part, &read, err))
            return false;
        if (!file->source->has_pages)
            got = read;
    }
    data_bytes = got;
    if (file->source != NULL && file->source->has_pages) {
        data_bytes = 0;
        bool by_map = file->is_incremental && file->changed != NULL;
        if (by_map ? !read_changed_pages(p, part, &range_count, &data_bytes, err) : !read_all_pages(p, part, &got, &range_count, &data_bytes, err))
            return false;
    }
    watch_done(p->t->options->watch, part->length);
    atomic_fetch_add_explicit(&p->t->bytes_done, part->length, memory_order_relaxed);
    rdb_manifest_part *entry = &file->file->parts[part->part_no];
    *entry = (rdb_manifest_part){.offset = part->offset, .length = got, .data_bytes = data_bytes};
    if (data_bytes == 0)
        return true;
    if (data_bytes == got)
        range_count = 0;
    digest_add(p->digest, p->buffer, data_bytes);
    digest_finish(p->digest, entry->sha256);
    bool is_whole = file->file->part_count == 1 && range_count == 0;
    if (range_count == 0 && take_resumed(p->t, file->file->path, entry))
        return true;
    if (!pack_add(&p->pack, file->file->path, is_whole, part->offset, got, p->ranges, range_count, p->buffer, err))
        return false;
    entry->object_no = p->pack.object_no;
    if (p->parts == NULL)
        p->parts = json_array();
    if (range_count == 0) /* one with holes is packed again: its digest does not say where they are */
        json_array_append_new(p->parts, json_pack("[s, I, I, s]", file->file->path, (json_int_t)part->offset, (json_int_t)got, entry->sha256));
    return !pack_is_full(&p->pack) || end_volume(p, err);
}

/* Takes parts until there are none. */
static bool pack(void *context, uint32_t thread_no, rdb_error *err)
{
    taking *t = context;
    packing p = {.t = t, .pack.set = &t->set, .stored.set = &t->set, .store_ok = true};
    (void)thread_no;
    p.buffer = malloc(BACKUP_PART_BYTES);
    p.ranges = malloc(sizeof *p.ranges * (BACKUP_PART_BYTES / t->manifest->page_bytes));
    bool ok = (p.buffer != NULL && p.ranges != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && digest_create(&p.digest, err);
    while (ok) {
        uint32_t part_no = atomic_fetch_add_explicit(&t->next_part, 1, memory_order_relaxed);
        if (part_no >= t->part_count)
            break;
        ok = watch_interrupted(t->options->watch, err) && pack_part(&p, &t->parts[part_no], err);
        if (!ok)
            rdb_error_add_context(err, "file \"%s\"", t->parts[part_no].file->file->path);
    }
    ok = ok && end_volume(&p, err);
    rdb_error late = {0};
    bool stored = await_stored(&p, &late);
    if (ok && !stored)
        rdb_error_move(err, &late);
    rdb_error_clear(&late);
    ok = ok && stored;
    pack_abandon(&p.pack);
    pack_abandon(&p.stored);
    json_decref(p.parts);
    json_decref(p.stored_parts);
    ok = rdb_file_close(&p.open, err) && ok;
    digest_destroy(&p.digest);
    free(p.ranges);
    free(p.buffer);
    return ok;
}

/* ---- planning ------------------------------------------------------------------------------------------------------------------- */
/* Whether the bitmap has a block of [from, to). */
static bool has_change(const rdb_slice *bits, uint64_t from, uint64_t to)
{
    for (uint64_t block = from; block < to && block / 8 < bits->length; block++)
        if ((bits->data[block / 8] >> (block % 8) & 1) != 0)
            return true;
    return false;
}

static bool plan_file(taking *t, taking_file *file, rdb_error *err)
{
    uint64_t length = file->source != NULL ? file->source->length : file->bytes.length;
    uint32_t page_bytes = t->manifest->page_bytes, first = t->part_count;
    for (uint64_t offset = 0; offset < length; offset += BACKUP_PART_BYTES) {
        uint64_t part_bytes = RDB_MIN(length - offset, BACKUP_PART_BYTES);
        if (file->is_incremental && file->changed != NULL && offset + part_bytes <= file->parent_length &&
            !has_change(file->changed, offset / page_bytes, (offset + part_bytes) / page_bytes))
            continue;
        if (t->part_count == t->part_capacity) {
            uint32_t capacity = RDB_MAX(t->part_capacity * 2, 1024u);
            taking_part *parts = rdb_arena_try_grow(t->arena, t->parts, t->part_count * sizeof *parts, capacity * sizeof *parts, err);
            if (parts == NULL)
                return false;
            t->parts = parts;
            t->part_capacity = capacity;
        }
        t->parts[t->part_count] = (taking_part){.file = file, .offset = offset, .length = part_bytes, .part_no = t->part_count - first};
        t->part_count++;
    }
    file->file->part_count = t->part_count - first;
    file->file->parts = RDB_NEW_ARRAY(t->arena, rdb_manifest_part, file->file->part_count);
    return true;
}

static taking_file *add_file(taking *t, const char *path, uint64_t length)
{
    taking_file *file = RDB_NEW(t->arena, taking_file);
    file->file = manifest_add_file(t->arena, t->manifest, path, length);
    return file;
}

/* Drops parts that turned out empty and files that went, and settles the lengths. */
static void settle_files(taking *t, const rdb_list *files)
{
    rdb_list kept = {0};
    for (uint32_t i = 0; i < files->count; i++) {
        taking_file *file = files->items[i];
        rdb_manifest_file *m = file->file;
        uint32_t count = 0;
        uint64_t end = file->is_incremental ? m->length : 0;
        for (uint32_t part_no = 0; part_no < m->part_count; part_no++) {
            end = RDB_MAX(end, m->parts[part_no].offset + m->parts[part_no].length);
            if (m->parts[part_no].data_bytes > 0)
                m->parts[count++] = m->parts[part_no];
        }
        m->length = end;
        m->part_count = count;
        if (!atomic_load_explicit(&file->is_gone, memory_order_relaxed))
            rdb_list_push(t->arena, &kept, m);
    }
    t->manifest->files = kept;
}

/* Tells the server about every second how far it is. */
static void report_progress(void *argument)
{
    taking *t = argument;
    while (atomic_load(&t->reporter_ends) == 0) {
        source_report(t->source, t->phase, (int64_t)t->bytes_total, atomic_load_explicit(&t->bytes_done, memory_order_relaxed));
        rdb_futex_wait(&t->reporter_ends, 0, PROGRESS_US);
    }
}

static bool copy_parts(taking *t, source_phase phase, rdb_error *err)
{
    rdb_thread *reporter = NULL;
    rdb_error refused = {0};
    t->phase = phase;
    t->bytes_total = 0;
    for (uint32_t i = 0; i < t->part_count; i++)
        t->bytes_total += t->parts[i].length;
    watch_total(t->options->watch, phase == SOURCE_DATA ? "data" : "log", t->bytes_total);
    atomic_store(&t->next_part, 0);
    atomic_store(&t->bytes_done, 0);
    atomic_store(&t->reporter_ends, 0);
    if (t->options->dry_run)
        return true;
    if (source_is_running(t->source) && !rdb_thread_start(&reporter, "report", report_progress, t, &refused))
        rdb_error_clear(&refused);
    bool ok = run_in_threads(t->thread_count, RDB_MIN(t->thread_count, t->part_count), pack, t, err);
    atomic_store(&t->reporter_ends, 1);
    rdb_futex_wake(&t->reporter_ends, 1);
    rdb_thread_join(&reporter);
    return ok;
}

/* For a dry run. Where the change map says nothing every page would be looked at. */
static uint64_t bytes_wanted(const taking *t, const taking_file *file)
{
    uint64_t length = file->file->length, bytes = 0;
    if (!file->is_incremental || file->changed == NULL)
        return length;
    for (uint64_t offset = 0; offset < length; offset += t->manifest->page_bytes)
        bytes += is_wanted(t, file, offset, NULL) ? t->manifest->page_bytes : 0;
    return bytes;
}

static bool plan_data(taking *t, const rdb_manifest *parent, rdb_list *files, rdb_error *err)
{
    rdb_list sources = {0};
    rdb_map *changes = NULL;
    bool known = false, ok = false;
    if (!source_list(t->source, t->manifest->has_secrets, t->arena, &sources, &t->manifest->directories, err))
        return false;
    if (parent != NULL) {
        changes = rdb_map_create();
        if (changes == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        if (!source_changes(t->source, t->since, t->arena, changes, &known, err))
            goto out;
        if (!known && source_is_running(t->source))
            watch_note(t->options->watch, "the change map does not reach back to the last backup: every page is looked at");
    }
    static const rdb_slice no_bits = {0};
    for (uint32_t i = 0; i < sources.count; i++) {
        const backup_source_file *source = sources.items[i];
        taking_file *file = add_file(t, source->path, source->length);
        const rdb_manifest_file *before = parent != NULL && source->has_pages ? manifest_find_file(parent, source->path) : NULL;
        file->source = source;
        if (before != NULL) {
            const rdb_slice *bits = rdb_map_get(changes, source->path, strlen(source->path));
            file->is_incremental = true;
            file->parent_length = before->length;
            file->changed = !known ? NULL : bits != NULL ? bits : &no_bits;
        }
        rdb_list_push(t->arena, files, file);
        if (!plan_file(t, file, err))
            goto out;
    }
    ok = rdb_arena_check(t->arena, err);
out:
    rdb_map_destroy(changes);
    return ok;
}

/* Broken pages of the parent that were not looked at, as the change map says that they stand as they did: this backup builds on them. */
static void carry_broken_pages(taking *t, const rdb_manifest *parent, const rdb_list *files)
{
    for (uint32_t i = 0; parent != NULL && i < parent->degraded.count; i++) {
        const rdb_manifest_page *page = parent->degraded.items[i];
        const uint64_t offset = page->block * t->manifest->page_bytes;
        for (uint32_t n = 0; n < files->count; n++) {
            const taking_file *file = files->items[n];
            if (strcmp(file->file->path, page->path) == 0 && file->changed != NULL && offset < file->file->length && !is_wanted(t, file, offset, NULL))
                rdb_list_push(t->arena, &t->manifest->degraded, rdb_arena_memdup(t->arena, page, sizeof *page));
        }
    }
}

/* What the copy starts from, and the log from where replay begins to where it must get; what lies before and behind is zeroes but for the segment's header. */
static bool plan_log(taking *t, rdb_list *files, rdb_error *err)
{
    uint64_t segment_bytes = t->manifest->wal_segment_bytes;
    uint64_t first = t->manifest->started.lsn / segment_bytes, last = (t->manifest->stopped.lsn - 1) / segment_bytes;
    t->part_count = 0;
    t->set.number = 0;
    t->set.name = "wal";
    const char *anchor_path;
    rdb_slice anchor_bytes = source_anchor(t->source, &anchor_path);
    taking_file *anchor = add_file(t, anchor_path, anchor_bytes.length);
    anchor->bytes = anchor_bytes;
    rdb_list_push(t->arena, files, anchor);
    if (!plan_file(t, anchor, err))
        return false;
    for (uint64_t number = first; number <= last; number++) {
        char name[40], path[PATH_MAX];
        rdb_file *opened = NULL;
        size_t got = 0, wanted = (size_t)RDB_MIN(segment_bytes, t->manifest->stopped.lsn - number * segment_bytes);
        snprintf(name, sizeof name, "data/wal/%016llx", (unsigned long long)number);
        uint8_t *bytes = rdb_arena_try_alloc(t->arena, segment_bytes, err);
        if (bytes == NULL || !rdb_instance_path(source_home(t->source), name, path, sizeof path, err))
            return false;
        if (wanted == WAL_HEADER_BYTES && !rdb_path_exists(path)) /* the log ends with the segment before: this one was never begun */
            break;
        if (!rdb_file_open(&opened, path, RDB_FILE_READ, err))
            return false;
        bool ok = rdb_file_read(opened, 0, bytes, wanted, &got, err);
        ok = rdb_file_close(&opened, err) && ok;
        if (!ok)
            return false;
        if (got < wanted) {
            rdb_error_set(err, RDB_DATA_CORRUPTED, "the write-ahead log is shorter than it says");
            return rdb_error_detail(err, "File \"%s\" ends at byte %zu of %zu.", name, got, wanted);
        }
        memset(bytes + got, 0, segment_bytes - got);
        pace_pass(t->pace, got);
        if (number == first && t->manifest->started.lsn % segment_bytes > WAL_HEADER_BYTES)
            memset(bytes + WAL_HEADER_BYTES, 0, t->manifest->started.lsn % segment_bytes - WAL_HEADER_BYTES);
        taking_file *file = add_file(t, name, segment_bytes);
        file->bytes = (rdb_slice){bytes, segment_bytes};
        rdb_list_push(t->arena, files, file);
        if (!plan_file(t, file, err))
            return false;
    }
    return true;
}

/* ---- parents --------------------------------------------------------------------------------------------------------------------- */
/* What an incremental builds on; NULL where there is nothing, which makes it a full one. */
static bool choose_parent(taking *t, rdb_manifest **parent, rdb_error *err)
{
    const rdb_backup_options *options = t->options;
    rdb_list manifests = {0}, broken = {0};
    *parent = NULL;
    if (options->type != RDB_BACKUP_INCREMENTAL && options->type != RDB_BACKUP_DIFFERENTIAL)
        return true;
    if (options->parent != NULL) {
        if (!rdb_backup_find(t->repository, options->parent, t->arena, parent, err))
            return false;
        if ((*parent)->timeline == source_timeline(t->source))
            return true;
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "backup %s cannot be built on", (*parent)->id);
        return rdb_error_detail(err, "It is of timeline %u, the instance is on timeline %u.", (*parent)->timeline, source_timeline(t->source));
    }
    if (!rdb_backup_list(t->repository, t->arena, &manifests, &broken, err))
        return false;
    for (uint32_t i = manifests.count; i > 0 && *parent == NULL; i--) {
        rdb_manifest *one = manifests.items[i - 1];
        rdb_list chain = {0};
        rdb_error mine = {0};
        if (one->timeline != source_timeline(t->source) || (options->type == RDB_BACKUP_DIFFERENTIAL && one->parent[0] != '\0'))
            continue;
        if (rdb_backup_chain(t->repository, one, t->arena, &chain, &mine))
            *parent = one;
        else
            watch_note(options->watch, "backup %s is not built on: %s", one->id, rdb_error_message(&mine));
        rdb_error_clear(&mine);
    }
    return true;
}

static bool describe(taking *t, const rdb_manifest *parent, rdb_error *err)
{
    const rdb_control *control = source_control(t->source);
    rdb_manifest *m = t->manifest;
    m->type = t->options->type;
    if (parent == NULL && (m->type == RDB_BACKUP_INCREMENTAL || m->type == RDB_BACKUP_DIFFERENTIAL)) {
        watch_note(t->options->watch, "there is no backup to build on: this one is full");
        m->type = RDB_BACKUP_FULL;
    }
    if (parent != NULL) {
        memcpy(m->parent, parent->id, sizeof m->parent);
        memcpy(m->parent_sha256, parent->sha256, sizeof m->parent_sha256);
        t->since = parent->started.lsn;
    }
    m->label = t->options->label != NULL ? t->options->label : "";
    m->compression = t->options->compression;
    m->compression_level = t->options->compression_level;
    m->instance_id = source_instance_id(t->source);
    m->rdb_version = rdb_version();
    m->system_id = control->system_id;
    m->page_bytes = control->page_bytes;
    m->wal_segment_bytes = control->wal_segment_bytes;
    m->timeline = source_timeline(t->source);
    m->was_running = source_is_running(t->source);
    m->is_encrypted = t->repository->is_encrypted;
    m->has_secrets = m->is_encrypted || t->options->include_secrets;
    char path[PATH_MAX];
    if (!rdb_instance_path(source_home(t->source), "conf/secrets/auth/scram.secret", path, sizeof path, err))
        return false;
    m->secrets_left_out = !m->has_secrets && rdb_path_exists(path);
    return manifest_choose_id(t->repository, t->manifest->type, t->arena, t->manifest->id, err);
}

/* ---- going on ---------------------------------------------------------------------------------------------------------------------- */
static bool take_over_volume(taking *t, json_t *volume, const rdb_list *objects)
{
    const char *name, *sha256, *crc32c;
    json_int_t bytes;
    json_t *parts, *part;
    size_t i;
    char whole[200];
    bool is_there = false;
    if (json_unpack(volume, "{s:s, s:I, s:s, s:s, s:o}", "name", &name, "bytes", &bytes, "sha256", &sha256, "crc32c", &crc32c, "parts", &parts) != 0 || strlen(sha256) + 1 != RDB_DIGEST_TEXT_BYTES)
        return true;
    snprintf(whole, sizeof whole, "backup/%s/%.100s", t->manifest->id, name);
    for (uint32_t n = 0; n < objects->count; n++) {
        const backup_object *object = objects->items[n];
        is_there = is_there || (strcmp(object->name, whole) == 0 && object->bytes == (uint64_t)bytes);
    }
    if (!is_there)
        return true;
    rdb_manifest_object *object = RDB_NEW(t->arena, rdb_manifest_object);
    object->name = rdb_arena_strdup(t->arena, name);
    object->bytes = (uint64_t)bytes;
    memcpy(object->sha256, sha256, sizeof object->sha256);
    object->crc32c = rdb_arena_strdup(t->arena, crc32c);
    t->first_volume_no = RDB_MAX(t->first_volume_no, (uint32_t)strtoul(name + strcspn(name, "0123456789"), NULL, 10));
    json_array_foreach(parts, i, part)
    {
        const char *path, *digest;
        json_int_t offset, length;
        char key[1200];
        if (json_unpack(part, "[s, I, I, s]", &path, &offset, &length, &digest) != 0 || strlen(digest) + 1 != RDB_DIGEST_TEXT_BYTES)
            continue;
        resumed_part *before = RDB_NEW(t->arena, resumed_part);
        before->object_no = t->manifest->objects.count;
        before->length = (uint64_t)length;
        memcpy(before->sha256, digest, sizeof before->sha256);
        snprintf(key, sizeof key, "%s@%llx", path, (unsigned long long)offset);
        if (!rdb_map_put(t->resumed, key, strlen(key), before, NULL))
            return false;
    }
    rdb_list_push(t->arena, &t->manifest->objects, object);
    json_array_append(t->progress, volume);
    return true;
}

/* The newest attempt at such a backup that has no manifest, if no backup was made since: this one goes on under its id. What it has
 * stored counts only where the instance's bytes are still the same. */
static bool find_earlier_attempt(taking *t, rdb_error *err)
{
    rdb_list objects = {0};
    char id[RDB_BACKUP_ID_BYTES] = "", name[80], sha256[RDB_DIGEST_TEXT_BYTES];
    const char *type = "", *parent = "", *compression = "";
    json_t *volumes = NULL, *volume;
    json_error_t trouble;
    rdb_strbuf text;
    size_t i;
    if (t->options->no_resume || t->options->dry_run)
        return true;
    if (!t->repository->store->calls->list(t->repository->store, "backup/", t->arena, &objects, err))
        return false;
    const char *last = NULL;
    for (uint32_t n = 0; n < objects.count; n++)
        if (manifest_is_folder(((const backup_object *)objects.items[n])->name + strlen("backup/")))
            last = ((const backup_object *)objects.items[n])->name + strlen("backup/");
    if (last == NULL)
        return true;
    if (strcspn(last, "/") >= sizeof id)
        return true;
    snprintf(id, sizeof id, "%.*s", (int)strcspn(last, "/"), last);
    snprintf(name, sizeof name, "backup/%s/manifest.json%s", id, repository_seal_extension(t->repository));
    for (uint32_t n = 0; n < objects.count; n++)
        if (strcmp(((const backup_object *)objects.items[n])->name, name) == 0)
            return true;
    snprintf(name, sizeof name, "backup/%s/progress.json%s", id, repository_seal_extension(t->repository));
    rdb_strbuf_init(&text, NULL);
    rdb_error mine = {0};
    bool ok = true;
    json_t *json = repository_get(t->repository, name, NULL, &text, sha256, &mine) ? json_loadb(text.data, text.length, 0, &trouble) : NULL;
    rdb_error_clear(&mine); /* nothing to go on from, or damaged: begin anew */
    rdb_strbuf_free(&text);
    if (json != NULL && json_unpack(json, "{s:s, s:s, s:s, s:o}", "type", &type, "parent", &parent, "compression", &compression, "volumes", &volumes) == 0 &&
        strcmp(type, RDB_BACKUP_TYPES[t->manifest->type]) == 0 && strcmp(parent, t->manifest->parent) == 0 && strcmp(compression, RDB_COMPRESSIONS[t->manifest->compression]) == 0) {
        memcpy(t->manifest->id, id, sizeof t->manifest->id);
        t->resumed = rdb_map_create();
        ok = t->resumed != NULL;
        json_array_foreach(volumes, i, volume)
            ok = ok && take_over_volume(t, volume, &objects);
        if (!ok)
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        watch_note(t->options->watch, "goes on with backup %s, which was cut short: %u volumes stand", id, t->manifest->objects.count);
    }
    json_decref(json);
    return ok;
}

bool rdb_backup_take(rdb_repository *repository, const rdb_backup_options *options, rdb_arena *arena, rdb_manifest **manifest, rdb_error *err)
{
    taking t = {.repository = repository, .options = options, .arena = arena};
    rdb_manifest *parent = NULL;
    rdb_list files = {0};
    backup_lease *lease = NULL;
    bool ok = false, steps_back;
    t.manifest = *manifest = RDB_NEW(arena, rdb_manifest);
    volume_set_init(&t.set, repository, t.manifest, arena);
    rdb_mutex_init(&t.progress_lock, RDB_RANK_TASK);
    t.progress = json_array();
    if ((!options->dry_run && !lease_take(&lease, repository, "backup", err)) || !source_open(&t.source, options->home, err))
        goto out;
    steps_back = options->steps_back && source_is_running(t.source);
    if (steps_back)
        rdb_process_step_back();
    t.thread_count = steps_back && !options->threads_given ? RDB_MAX(options->thread_count / 2, 1u) : options->thread_count;
    if (repository->system_id != source_control(t.source)->system_id) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the repository belongs to another instance");
        goto out;
    }
    source_report(t.source, SOURCE_CHECKPOINT, -1, 0);
    if (!source_begin(t.source, options->label, !steps_back, &t.manifest->started, err) || !choose_parent(&t, &parent, err) || !describe(&t, parent, err) || !find_earlier_attempt(&t, err))
        goto out;
    t.set.number = t.first_volume_no;
    if (!pace_open(&t.pace, source_home(t.source), options->rate, steps_back, options->watch, err))
        goto out;
    t.set.pace = repository->store->pace = t.pace;
    source_report(t.source, SOURCE_PLAN, -1, 0);
    if (!source_databases(t.source, arena, &t.manifest->databases, err) || !plan_data(&t, parent, &files, err) || !copy_parts(&t, SOURCE_DATA, err))
        goto out;
    carry_broken_pages(&t, parent, &files);
    name_relations(t.source, arena, &t.manifest->degraded, options->watch);
    source_report(t.source, SOURCE_END, (int64_t)t.bytes_total, t.bytes_total);
    if (!source_end(t.source, &t.manifest->stopped, err) || !plan_log(&t, &files, err) || !copy_parts(&t, SOURCE_LOG, err))
        goto out;
    t.manifest->label_file = rdb_arena_strdup(arena, source_label(t.source));
    t.manifest->instance_id = rdb_arena_strdup(arena, t.manifest->instance_id);
    if (!source_audit_head(t.source, arena, &t.manifest->audit_head, err))
        goto out;
    if (options->dry_run) {
        for (uint32_t i = 0; i < files.count; i++)
            t.manifest->bytes_read += bytes_wanted(&t, files.items[i]);
        ok = true;
        goto out;
    }
    settle_files(&t, &files);
    t.manifest->bytes_read = pace_passed(t.pace);
    t.manifest->rested_us = pace_rested_us(t.pace);
    manifest_sort(t.manifest);
    for (uint32_t i = 0; i < t.manifest->objects.count; i++)
        t.manifest->bytes_stored += ((rdb_manifest_object *)t.manifest->objects.items[i])->bytes;
    ok = rdb_arena_check(arena, err) && lease_check(lease, err) && manifest_write(repository, t.manifest, err);
    if (ok) {
        char progress[80];
        rdb_error ignored = {0};
        snprintf(progress, sizeof progress, "backup/%s/progress.json%s", t.manifest->id, repository_seal_extension(repository));
        if (!repository->store->calls->remove(repository->store, progress, &ignored)) /* it says nothing any more */
            rdb_error_clear(&ignored);
        note_catalog(repository, source_home(t.source), options->watch);
        source_close_gap(t.source);
    }
out:
    if (t.source != NULL && !options->dry_run)
        source_tell_audit(t.source, "rdb-backup", "BACKUP", ok, t.manifest->id);
    if (!ok) {
        rdb_error ignored = {0};
        rdb_mutex_lock(&t.progress_lock);
        if (!write_progress(&t, &ignored))
            rdb_error_clear(&ignored);
        rdb_mutex_unlock(&t.progress_lock);
    }
    source_close(&t.source);
    repository->store->pace = NULL;
    pace_close(&t.pace);
    lease_give(&lease);
    rdb_map_destroy(t.resumed);
    json_decref(t.progress);
    rdb_mutex_deinit(&t.progress_lock);
    volume_set_deinit(&t.set);
    return ok;
}
