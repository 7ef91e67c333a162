/* SPDX-License-Identifier: Apache-2.0
 * Checking a backup without restoring it. Whatever is wrong with an object is a finding that names it; a check goes on to the
 * next one. meta: the manifests of the chain, and each object's presence and size. hash: each object's SHA-256, its seal, its
 * frame, and the SHA-256 of every part in it. page: beside that every page's own checksum and place. */
#include "backup/backup_int.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct checking {
    rdb_repository *repository;
    const rdb_manifest *manifest;
    rdb_verify_level level;
    const rdb_backup_watch *watch;
    rdb_mutex lock;
    rdb_arena *arena RDB_GUARDED_BY(lock);
    rdb_list *findings RDB_GUARDED_BY(lock);
} checking;

typedef struct unpacked {
    checking *c;
    const char *object;
    uint32_t object_no, parts;
    const rdb_manifest_file *file;
    const rdb_manifest_part *part;
    backup_digest *digest;
    uint64_t data_bytes;
    rdb_page_tag tag;
    bool has_pages;
    uint8_t *page; /* a page that came in pieces */
    uint32_t page_length;
} unpacked;

static void find(checking *c, const char *object, const char *path, uint64_t offset, const char *format, ...) RDB_PRINTF(5, 6);
static void find(checking *c, const char *object, const char *path, uint64_t offset, const char *format, ...)
{
    char text[1600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rdb_mutex_lock(&c->lock);
    rdb_verify_finding *finding = RDB_NEW(c->arena, rdb_verify_finding);
    finding->object = rdb_arena_strdup(c->arena, object);
    finding->what = rdb_arena_strdup(c->arena, text);
    finding->path = path != NULL ? rdb_arena_strdup(c->arena, path) : NULL;
    finding->offset = offset;
    rdb_list_push(c->arena, c->findings, finding);
    rdb_mutex_unlock(&c->lock);
}

/* An error about damage becomes a finding; any other stays one. */
static bool found_damage(checking *c, const char *object, rdb_error *mine, rdb_error *err)
{
    if (!rdb_error_is(mine, RDB_DATA_CORRUPTED)) {
        rdb_error_move(err, mine);
        return false;
    }
    unsigned long long place = 0;
    if (sscanf(mine->detail, REPOSITORY_DAMAGE_PLACE "%llu", &place) != 1)
        place = 0;
    find(c, object, NULL, place, "%s%s%s", rdb_error_message(mine), mine->detail[0] != '\0' ? ": " : "", rdb_error_detail_text(mine));
    rdb_error_clear(mine);
    return true;
}

static bool is_broken_already(const rdb_manifest *manifest, const char *path, uint64_t block)
{
    for (uint32_t i = 0; i < manifest->degraded.count; i++) {
        const rdb_manifest_page *page = manifest->degraded.items[i];
        if (page->block == block && strcmp(page->path, path) == 0)
            return true;
    }
    return false;
}

static bool check_member(void *context, const char *path, uint64_t offset, uint64_t length, bool *wanted, rdb_error *err)
{
    unpacked *u = context;
    u->file = manifest_find_file(u->c->manifest, path);
    u->part = NULL;
    for (uint32_t i = 0; u->file != NULL && i < u->file->part_count; i++)
        if (u->file->parts[i].offset == offset && u->file->parts[i].object_no == u->object_no)
            u->part = &u->file->parts[i];
    if (u->part == NULL) { /* of an attempt that was gone on from, and newer by now */
        *wanted = false;
        return true;
    }
    if (u->part->length != length)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "\"%s\" is not as long as the manifest says", path);
    u->has_pages = u->c->level >= RDB_VERIFY_PAGE && page_tag_of(path, &u->tag);
    u->data_bytes = 0;
    u->page_length = 0;
    u->parts++;
    digest_reset(u->digest);
    return true;
}

static void check_page(unpacked *u, const void *page, uint64_t offset)
{
    const char *what;
    uint32_t page_bytes = u->c->manifest->page_bytes;
    u->tag.block = (u->part->offset + offset) / page_bytes;
    if (!rdb_page_verify(page, u->tag, page_bytes, &what) && !is_broken_already(u->c->manifest, u->file->path, u->tag.block))
        find(u->c, u->object, u->file->path, u->tag.block * page_bytes, "block %llu of %s is broken: %s", (unsigned long long)u->tag.block, u->file->path, what);
}

static bool check_data(void *context, uint64_t offset, const void *bytes, size_t length, rdb_error *err)
{
    unpacked *u = context;
    uint32_t page_bytes = u->c->manifest->page_bytes;
    (void)err;
    digest_add(u->digest, bytes, length);
    u->data_bytes += length;
    for (const uint8_t *at = bytes; u->has_pages && length > 0;) {
        size_t step = RDB_MIN(length, (size_t)(page_bytes - u->page_length));
        memcpy(u->page + u->page_length, at, step); /* aligned as a page must be */
        u->page_length += (uint32_t)step;
        at += step;
        offset += step;
        length -= step;
        if (u->page_length == page_bytes) {
            check_page(u, u->page, offset - page_bytes);
            u->page_length = 0;
        }
    }
    return true;
}

static bool check_end(void *context, rdb_error *err)
{
    unpacked *u = context;
    char sha256[RDB_DIGEST_TEXT_BYTES];
    digest_finish(u->digest, sha256);
    if (u->data_bytes == u->part->data_bytes && strcmp(sha256, u->part->sha256) == 0)
        return true;
    rdb_error_set(err, RDB_DATA_CORRUPTED, "a part of \"%s\" is not what the manifest says", u->file->path);
    return rdb_error_detail(err, "From byte %llu on: SHA-256 %s, expected %s.", (unsigned long long)u->part->offset, sha256, u->part->sha256);
}

static uint32_t parts_of(const rdb_manifest *manifest, uint32_t object_no)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < manifest->files.count; i++) {
        const rdb_manifest_file *file = manifest->files.items[i];
        for (uint32_t part_no = 0; part_no < file->part_count; part_no++)
            count += file->parts[part_no].object_no == object_no;
    }
    return count;
}

static bool check_object(void *context, uint32_t object_no, rdb_error *err)
{
    checking *c = context;
    const rdb_manifest_object *object = c->manifest->objects.items[object_no];
    char name[200], sha256[RDB_DIGEST_TEXT_BYTES];
    unpacked u = {.c = c, .object = name, .object_no = object_no};
    backup_visitor visitor = {check_member, check_data, check_end, &u};
    rdb_error mine = {0};
    rdb_strbuf bytes;
    if (!watch_interrupted(c->watch, err))
        return false;
    rdb_strbuf_init(&bytes, NULL);
    u.page = malloc(c->manifest->page_bytes);
    bool ok = (u.page != NULL || rdb_error_set(&mine, RDB_OUT_OF_MEMORY, "out of memory")) && digest_create(&u.digest, &mine) &&
              manifest_object_name(c->manifest, object, name, sizeof name) && repository_get(c->repository, name, object, &bytes, sha256, &mine) &&
              volume_visit(c->manifest->compression, bytes.data, bytes.length, &visitor, &mine);
    if (ok && u.parts != parts_of(c->manifest, object_no))
        find(c, name, NULL, 0, "it holds %u parts of files; the manifest says %u", u.parts, parts_of(c->manifest, object_no));
    watch_done(c->watch, object->bytes);
    ok = ok || found_damage(c, name, &mine, err);
    digest_destroy(&u.digest);
    rdb_strbuf_free(&bytes);
    free(u.page);
    return ok;
}

static bool check_presence(checking *c, rdb_error *err)
{
    char prefix[80], name[200];
    rdb_list objects = {0};
    uint32_t at = 0;
    snprintf(prefix, sizeof prefix, "backup/%s/", c->manifest->id);
    if (!c->repository->store->calls->list(c->repository->store, prefix, c->arena, &objects, err))
        return false;
    for (uint32_t i = 0; i < c->manifest->objects.count; i++) {
        const rdb_manifest_object *object = c->manifest->objects.items[i];
        const backup_object *seen = NULL;
        manifest_object_name(c->manifest, object, name, sizeof name);
        for (at = 0; at < objects.count && seen == NULL; at++)
            if (strcmp(((const backup_object *)objects.items[at])->name, name) == 0)
                seen = objects.items[at];
        if (seen == NULL)
            find(c, name, NULL, 0, "it is missing");
        else if (seen->bytes != object->bytes)
            find(c, name, NULL, RDB_MIN(seen->bytes, object->bytes), "it has %llu bytes; the manifest says %llu", (unsigned long long)seen->bytes, (unsigned long long)object->bytes);
    }
    return true;
}

static void find_key(void *context, const char *name, const char *what)
{
    find(context, name, NULL, 0, "%s", what);
}

bool rdb_backup_verify(rdb_repository *repository, const rdb_manifest *manifest, rdb_verify_level level, uint32_t thread_count, const rdb_backup_watch *watch,
                       rdb_arena *arena, rdb_list *findings, rdb_error *err)
{
    checking c = {.repository = repository, .level = level, .watch = watch, .arena = arena, .findings = findings};
    rdb_list chain = {0};
    rdb_error mine = {0};
    rdb_manifest *newest = NULL;
    char name[80];
    rdb_mutex_init(&c.lock, RDB_RANK_LEAF);
    bool ok = repository_check_keys(repository, find_key, &c, err);
    snprintf(name, sizeof name, "backup/%s/manifest.json%s", manifest->id, repository_seal_extension(repository));
    if (ok && (!manifest_read(repository, manifest->id, arena, &newest, &mine) || !rdb_backup_chain(repository, newest, arena, &chain, &mine))) {
        ok = found_damage(&c, name, &mine, err);
        if (newest != NULL && newest->id[0] != '\0' && chain.count == 0)
            rdb_list_push(arena, &chain, newest);
    }
    for (uint32_t i = 0; ok && i < chain.count; i++) {
        uint64_t bytes = 0;
        c.manifest = chain.items[i];
        for (uint32_t object_no = 0; object_no < c.manifest->objects.count; object_no++)
            bytes += ((const rdb_manifest_object *)c.manifest->objects.items[object_no])->bytes;
        watch_total(watch, c.manifest->id, bytes);
        ok = level == RDB_VERIFY_META ? check_presence(&c, err) : run_in_threads(thread_count, c.manifest->objects.count, check_object, &c, err);
    }
    rdb_mutex_deinit(&c.lock);
    return ok;
}
