/* SPDX-License-Identifier: Apache-2.0
 * A full backup made of the newest one and what it builds on, in the repository alone: the instance is not asked. What incrementals
 * changed is laid out in a scratch file, as large as they are; then the volumes of the full backup pass by, each part gets what
 * changed in it, and goes into a new volume. What is read is checked as a restore checks it. */
#include "backup/backup_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct merging_file {
    const rdb_manifest_file *file;  /* as the newest backup has it */
    rdb_manifest_file *made;
    uint32_t oldest;                /* the first backup of the chain whose parts are needed */
    uint64_t place;                 /* where the scratch file has its bytes */
    uint8_t *covered;               /* a bit for each page that stands there; NULL: none does */
} merging_file;

typedef struct merging {
    rdb_repository *repository;
    const rdb_merge_options *options;
    rdb_arena *arena;
    rdb_manifest *made;
    rdb_list chain;
    char scratch_path[1024];
    rdb_file *scratch; /* a sparse file: each file of the instance has a place in it */
    merging_file *files;
    uint32_t file_count;
    volume_set set;
    rdb_mutex lock; /* guards what several threads may make of one file: covered and its bits */
    /* of the backup that passes by */
    const rdb_manifest *manifest;
    uint32_t level;
    bool *is_needed;
    /* parts without a base: from scratch alone */
    struct alone {
        merging_file *file;
        uint64_t offset;
    } *alone;
    uint32_t alone_count;
    _Atomic uint32_t next;
} merging;

/* What one thread has in hand. */
typedef struct passing {
    merging *m;
    volume_pack pack;
    backup_digest *digest;
    uint8_t *buffer; /* of BACKUP_PART_BYTES */
    /* the member */
    merging_file *target;
    const rdb_manifest_part *part;
    uint32_t object_no;
    uint64_t data_bytes;
} passing;

static merging_file *find_target(merging *m, const char *path)
{
    const uint32_t file_no = manifest_file_no(m->chain.items[m->chain.count - 1], path);
    return file_no != UINT32_MAX ? &m->files[file_no] : NULL;
}

static bool find_needs(merging *m, rdb_error *err)
{
    const rdb_manifest *newest = m->chain.items[m->chain.count - 1];
    uint64_t place = 0;
    m->file_count = newest->files.count;
    m->files = rdb_arena_try_alloc(m->arena, sizeof *m->files * (m->file_count + 1), err);
    if (m->files == NULL)
        return false;
    for (uint32_t i = 0; i < m->file_count; i++) {
        m->files[i] = (merging_file){.file = newest->files.items[i]};
        m->files[i].oldest = manifest_oldest_needed(&m->chain, m->files[i].file->path);
        m->files[i].made = manifest_add_file(m->arena, m->made, m->files[i].file->path, m->files[i].file->length);
        m->files[i].place = place;
        place += RDB_ALIGN_UP(m->files[i].file->length + 1, BACKUP_PART_BYTES);
        uint64_t count = (m->files[i].file->length + BACKUP_PART_BYTES - 1) / BACKUP_PART_BYTES;
        m->files[i].made->parts = rdb_arena_try_alloc(m->arena, sizeof *m->files[i].made->parts * (count + 1), err);
        if (m->files[i].made->parts == NULL)
            return false;
        memset(m->files[i].made->parts, 0, sizeof *m->files[i].made->parts * (count + 1));
        m->files[i].made->part_count = (uint32_t)count;
    }
    return true;
}

/* ---- what changed ----------------------------------------------------------------------------------------------------------------- */
static bool begin_member(void *context, const char *path, uint64_t offset, uint64_t length, bool *wanted, rdb_error *err)
{
    passing *p = context;
    merging *m = p->m;
    p->part = manifest_find_part(m->manifest, path, offset, p->object_no);
    p->target = p->part != NULL ? find_target(m, path) : NULL;
    *wanted = p->target != NULL && p->target->oldest <= m->level;
    if (!*wanted)
        return true;
    if (p->part->length != length || offset % BACKUP_PART_BYTES != 0 || length > BACKUP_PART_BYTES)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "\"%s\" is not as long in its object as in its manifest", path);
    p->data_bytes = 0;
    digest_reset(p->digest);
    return true;
}

static bool check_member(passing *p, rdb_error *err)
{
    char sha256[RDB_DIGEST_TEXT_BYTES];
    digest_finish(p->digest, sha256);
    if (p->data_bytes == p->part->data_bytes && strcmp(sha256, p->part->sha256) == 0)
        return true;
    rdb_error_set(err, RDB_DATA_CORRUPTED, "a part of \"%s\" is not what its manifest says", p->target->file->path);
    return rdb_error_detail(err, "From byte %llu of it on.", (unsigned long long)p->part->offset);
}

static bool make_room(merging *m, merging_file *file, rdb_error *err)
{
    size_t bytes = (size_t)((file->file->length / m->made->page_bytes + 8) / 8 + 1);
    if (file->covered != NULL)
        return true;
    file->covered = rdb_arena_try_alloc(m->arena, bytes, err);
    if (file->covered != NULL)
        memset(file->covered, 0, bytes);
    return file->covered != NULL;
}

static bool lay_out(void *context, uint64_t offset, const void *bytes, size_t length, rdb_error *err)
{
    passing *p = context;
    merging *m = p->m;
    uint32_t page_bytes = m->made->page_bytes;
    digest_add(p->digest, bytes, length);
    p->data_bytes += length;
    rdb_mutex_lock(&m->lock);
    bool ok = make_room(m, p->target, err);
    if (ok) { /* a run may begin and end inside a page: the rest of it comes with its neighbours */
        uint64_t first = (p->part->offset + offset) / page_bytes, last = (p->part->offset + offset + length - 1) / page_bytes;
        for (uint64_t page = first; page <= last && page * page_bytes < p->target->file->length; page++)
            p->target->covered[page / 8] = (uint8_t)(p->target->covered[page / 8] | 1u << page % 8);
    }
    rdb_mutex_unlock(&m->lock);
    uint64_t at = p->part->offset + offset; /* a file that was longer once must not reach into its neighbour's place */
    length = at < p->target->file->length ? RDB_MIN((uint64_t)length, p->target->file->length - at) : 0;
    return ok && (length == 0 || rdb_file_write(m->scratch, p->target->place + at, bytes, length, err));
}

static bool end_layer(void *context, rdb_error *err)
{
    passing *p = context;
    watch_done(p->m->options->watch, p->data_bytes);
    return check_member(p, err);
}

static bool visit_object(passing *p, uint32_t object_no, const backup_visitor *visitor, rdb_error *err)
{
    merging *m = p->m;
    const rdb_manifest_object *object = m->manifest->objects.items[object_no];
    char name[200], sha256[RDB_DIGEST_TEXT_BYTES];
    rdb_strbuf bytes;
    if (!m->is_needed[object_no])
        return true;
    if (!watch_interrupted(m->options->watch, err))
        return false;
    p->object_no = object_no;
    rdb_strbuf_init(&bytes, NULL);
    bool ok = manifest_object_name(m->manifest, object, name, sizeof name) && repository_get(m->repository, name, object, &bytes, sha256, err) &&
              volume_visit(m->manifest->compression, bytes.data, bytes.length, visitor, err);
    if (!ok)
        rdb_error_add_context(err, "object \"%s\"", name);
    rdb_strbuf_free(&bytes);
    return ok;
}

static bool lay_out_object(void *context, uint32_t object_no, rdb_error *err)
{
    passing p = {.m = context};
    const backup_visitor visitor = {begin_member, lay_out, end_layer, &p};
    bool ok = digest_create(&p.digest, err) && visit_object(&p, object_no, &visitor, err);
    digest_destroy(&p.digest);
    return ok;
}

/* Which objects of the backup at hand hold something that is needed. */
static bool choose_objects(merging *m, uint32_t level, rdb_error *err)
{
    uint64_t bytes = 0;
    m->level = level;
    m->manifest = m->chain.items[level];
    m->is_needed = rdb_arena_try_alloc(m->arena, m->manifest->objects.count + 1, err);
    if (m->is_needed == NULL)
        return false;
    memset(m->is_needed, 0, m->manifest->objects.count + 1);
    for (uint32_t i = 0; i < m->file_count; i++) {
        const rdb_manifest_file *file = m->files[i].oldest <= level ? manifest_find_file(m->manifest, m->files[i].file->path) : NULL;
        for (uint32_t part_no = 0; file != NULL && part_no < file->part_count; part_no++) {
            m->is_needed[file->parts[part_no].object_no] = true;
            bytes += file->parts[part_no].data_bytes;
        }
    }
    watch_total(m->options->watch, m->manifest->id, bytes);
    return true;
}

/* ---- packing ------------------------------------------------------------------------------------------------------------------------ */
/* Puts what changed over the part's bytes in the buffer: those from base_bytes on come from there alone. */
static bool put_over(passing *p, merging_file *file, uint64_t offset, uint64_t length, uint64_t base_bytes, rdb_error *err)
{
    uint32_t page_bytes = p->m->made->page_bytes;
    if (base_bytes < length)
        memset(p->buffer + base_bytes, 0, length - base_bytes);
    if (file->covered == NULL)
        return base_bytes >= length || rdb_error_set(err, RDB_DATA_CORRUPTED, "\"%s\" is not whole in its backups", file->file->path);
    for (uint64_t at = 0; at < length; at += page_bytes) {
        uint64_t page = (offset + at) / page_bytes, bytes = RDB_MIN((uint64_t)page_bytes, length - at);
        if ((file->covered[page / 8] >> page % 8 & 1) == 0) {
            if (at + bytes > base_bytes)
                return rdb_error_set(err, RDB_DATA_CORRUPTED, "\"%s\" is not whole in its backups", file->file->path);
            continue;
        }
        uint64_t run = bytes; /* as far as pages follow each other */
        while (at + run < length && (file->covered[(offset + at + run) / page_bytes / 8] >> (offset + at + run) / page_bytes % 8 & 1) != 0)
            run += RDB_MIN((uint64_t)page_bytes, length - at - run);
        size_t got = 0;
        if (!rdb_file_read(p->m->scratch, file->place + offset + at, p->buffer + at, run, &got, err))
            return false;
        if (got < run) /* the end of the scratch file */
            memset(p->buffer + at + got, 0, run - got);
        at += run - RDB_MIN(run, (uint64_t)page_bytes);
    }
    return true;
}

static bool pack_part(passing *p, merging_file *file, uint64_t offset, uint64_t base_bytes, rdb_error *err)
{
    uint64_t length = RDB_MIN(file->file->length - offset, BACKUP_PART_BYTES);
    rdb_manifest_part *part = &file->made->parts[offset / BACKUP_PART_BYTES];
    if (!put_over(p, file, offset, length, RDB_MIN(base_bytes, length), err))
        return false;
    *part = (rdb_manifest_part){.offset = offset, .length = length, .data_bytes = length};
    digest_of(p->buffer, length, part->sha256);
    if (!pack_add(&p->pack, file->file->path, file->made->part_count == 1, offset, length, NULL, 0, p->buffer, err))
        return false;
    part->object_no = p->pack.object_no;
    return !pack_is_full(&p->pack) || pack_close(&p->pack, err);
}

static bool collect(void *context, uint64_t offset, const void *bytes, size_t length, rdb_error *err)
{
    passing *p = context;
    (void)err;
    digest_add(p->digest, bytes, length);
    p->data_bytes += length;
    memcpy(p->buffer + offset, bytes, length); /* inside the part: volume_visit saw to that */
    return true;
}

static bool end_base(void *context, rdb_error *err)
{
    passing *p = context;
    watch_done(p->m->options->watch, p->data_bytes);
    if (!check_member(p, err))
        return false;
    if (p->data_bytes != p->part->length)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a full backup holds \"%s\" with holes", p->target->file->path);
    return p->part->offset >= p->target->file->length || pack_part(p, p->target, p->part->offset, p->part->length, err);
}

/* A thread: objects of the full backup until there are none. */
static bool pass_bases(void *context, uint32_t thread_no, rdb_error *err)
{
    merging *m = context;
    passing p = {.m = m, .pack = {.set = &m->set}, .buffer = malloc(BACKUP_PART_BYTES)};
    const backup_visitor visitor = {begin_member, collect, end_base, &p};
    (void)thread_no;
    bool ok = (p.buffer != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) && digest_create(&p.digest, err);
    while (ok) {
        uint32_t object_no = atomic_fetch_add_explicit(&m->next, 1, memory_order_relaxed);
        if (object_no >= m->manifest->objects.count)
            break;
        ok = visit_object(&p, object_no, &visitor, err);
    }
    ok = ok && pack_close(&p.pack, err);
    pack_abandon(&p.pack);
    digest_destroy(&p.digest);
    free(p.buffer);
    return ok;
}

static bool pass_alone(void *context, uint32_t thread_no, rdb_error *err)
{
    merging *m = context;
    passing p = {.m = m, .pack = {.set = &m->set}, .buffer = malloc(BACKUP_PART_BYTES)};
    (void)thread_no;
    bool ok = p.buffer != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    while (ok) {
        uint32_t number = atomic_fetch_add_explicit(&m->next, 1, memory_order_relaxed);
        if (number >= m->alone_count)
            break;
        ok = watch_interrupted(m->options->watch, err) && pack_part(&p, m->alone[number].file, m->alone[number].offset, 0, err);
    }
    ok = ok && pack_close(&p.pack, err);
    pack_abandon(&p.pack);
    free(p.buffer);
    return ok;
}

/* Parts that no object of the full backup has made. */
static bool gather_alone(merging *m, rdb_error *err)
{
    uint32_t count = 0;
    for (int counting = 1; counting >= 0; counting--) {
        m->alone_count = 0;
        for (uint32_t i = 0; i < m->file_count; i++)
            for (uint32_t part_no = 0; part_no < m->files[i].made->part_count; part_no++) {
                if (m->files[i].made->parts[part_no].length > 0)
                    continue;
                if (!counting)
                    m->alone[m->alone_count] = (struct alone){&m->files[i], part_no * BACKUP_PART_BYTES};
                m->alone_count++;
            }
        if (counting) {
            count = m->alone_count;
            m->alone = rdb_arena_try_alloc(m->arena, sizeof *m->alone * (count + 1), err);
            if (m->alone == NULL)
                return false;
        }
    }
    return true;
}

static bool pack_all(merging *m, rdb_error *err)
{
    uint32_t thread_count = m->options->thread_count;
    if (!choose_objects(m, 0, err))
        return false;
    atomic_store(&m->next, 0);
    if (!run_in_threads(thread_count, RDB_MIN(thread_count, m->manifest->objects.count), pass_bases, m, err) || !gather_alone(m, err))
        return false;
    atomic_store(&m->next, 0);
    return run_in_threads(thread_count, RDB_MIN(thread_count, m->alone_count), pass_alone, m, err);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------------------- */
static bool describe(merging *m, rdb_error *err)
{
    const rdb_manifest *newest = m->chain.items[m->chain.count - 1];
    *m->made = *newest;
    m->made->type = RDB_BACKUP_FULL;
    m->made->is_synthetic = true;
    m->made->parent[0] = m->made->parent_sha256[0] = '\0';
    m->made->objects = m->made->files = (rdb_list){0};
    m->made->bytes_read = m->made->bytes_stored = 0;
    if (m->options->label != NULL)
        m->made->label = m->options->label;
    if (m->options->compression_given) {
        m->made->compression = m->options->compression;
        m->made->compression_level = m->options->compression_level;
    }
    return manifest_choose_id(m->repository, RDB_BACKUP_FULL, m->arena, m->made->id, err);
}

static bool merge(merging *m, backup_lease *lease, rdb_error *err)
{
    if (!describe(m, err) || !find_needs(m, err))
        return false;
    for (uint32_t level = 1; level < m->chain.count; level++)
        if (!choose_objects(m, level, err) || !run_in_threads(m->options->thread_count, m->manifest->objects.count, lay_out_object, m, err))
            return false;
    if (!pack_all(m, err))
        return false;
    manifest_sort(m->made);
    for (uint32_t i = 0; i < m->made->objects.count; i++)
        m->made->bytes_stored += ((const rdb_manifest_object *)m->made->objects.items[i])->bytes;
    return rdb_arena_check(m->arena, err) && lease_check(lease, err) && manifest_write(m->repository, m->made, err);
}

bool rdb_backup_merge(rdb_repository *repository, const rdb_merge_options *options, rdb_arena *arena, rdb_manifest **manifest, bool *made, rdb_error *err)
{
    merging m = {.repository = repository, .options = options, .arena = arena};
    backup_lease *lease = NULL;
    rdb_manifest *newest;
    *made = false;
    if (!options->dry_run && !lease_take(&lease, repository, "merge", err))
        return false;
    rdb_mutex_init(&m.lock, RDB_RANK_TASK);
    m.made = RDB_NEW(arena, rdb_manifest);
    volume_set_init(&m.set, repository, m.made, arena);
    bool ok = rdb_backup_find(repository, "latest", arena, &newest, err) && rdb_backup_chain(repository, newest, arena, &m.chain, err);
    *manifest = ok ? newest : NULL;
    if (ok && m.chain.count > 1 && !options->dry_run) {
        snprintf(m.scratch_path, sizeof m.scratch_path, "%.900s/rdb-merge-XXXXXX", options->scratch != NULL ? options->scratch : getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
        int fd = mkstemp(m.scratch_path);
        ok = fd >= 0 || rdb_error_set_errno(err, errno, "no file can be made for what the incrementals changed");
        if (fd >= 0)
            close(fd);
        else
            m.scratch_path[0] = '\0';
        ok = ok && rdb_file_open(&m.scratch, m.scratch_path, RDB_FILE_WRITE | RDB_FILE_TEMPORARY, err);
        ok = ok && merge(&m, lease, err);
        *made = ok;
        if (ok) {
            *manifest = m.made;
            note_catalog(repository, NULL, options->watch);
        }
    }
    rdb_error ignored = {0};
    rdb_file_close(&m.scratch, &ignored);
    if (m.scratch_path[0] != '\0' && !rdb_path_remove(m.scratch_path, true, &ignored))
        rdb_error_clear(&ignored);
    rdb_error_clear(&ignored);
    volume_set_deinit(&m.set);
    rdb_mutex_deinit(&m.lock);
    lease_give(&lease);
    return ok;
}
