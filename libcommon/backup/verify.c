/* SPDX-License-Identifier: Apache-2.0
 * Checking a backup without restoring it. Whatever is wrong with an object is a finding that names it; a check goes on to the
 * next one. meta: the manifests of the chain, and each object's presence and size. hash: each object's SHA-256, its seal, its
 * frame, and the SHA-256 of every part in it, and every record of archived log. page: beside that every page's own checksum and place. */
#include "backup/backup_int.h"

#include "audit/rdb_audit.h"
#include "wal/rdb_wal_archive.h"

#include <errno.h>
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
    u->part = manifest_find_part(u->c->manifest, path, offset, u->object_no);
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

/* ---- archived log ---------------------------------------------------------------------------------------------------------------- */
typedef struct log_check {
    checking *c;
    const rdb_list *backups; /* rdb_manifest *, the oldest first */
    rdb_list objects;        /* of wal/ */
} log_check;

/* The object that bears a file's name, whatever its endings are. */
static const char *object_of(const log_check *l, const char *file_name)
{
    size_t length = strlen(file_name);
    for (uint32_t i = 0; i < l->objects.count; i++) {
        const char *name = ((const backup_object *)l->objects.items[i])->name, *bare = name + strlen("wal/");
        if (strncmp(bare, file_name, length) == 0 && (bare[length] == '\0' || strncmp(bare + length, ".zst", 4) == 0))
            return name;
    }
    return "wal/";
}

static void find_log_damage(void *context, const char *file_name, uint64_t offset, const char *problem)
{
    log_check *l = context;
    find(l->c, object_of(l, file_name), NULL, offset, "from byte %llu of the segment on: %s", (unsigned long long)offset, problem);
}

/* A gap that no backup after it closes keeps newer moments from being reached: that is a problem. One that is closed is a window. */
static void find_log_gap(void *context, uint32_t timeline, uint64_t first, uint64_t last)
{
    log_check *l = context;
    char name[RDB_WAL_ARCHIVE_NAME_BYTES], last_name[RDB_WAL_ARCHIVE_NAME_BYTES];
    const rdb_manifest *closes = NULL;
    rdb_wal_archive_name(name, timeline, first);
    rdb_wal_archive_name(last_name, timeline, last);
    for (uint32_t i = l->backups->count; i > 0; i--) {
        const rdb_manifest *m = l->backups->items[i - 1];
        if (m->timeline == timeline && m->started.lsn / m->wal_segment_bytes > last)
            closes = m;
    }
    if (closes != NULL) {
        watch_note(l->c->watch, "archived log has a gap: segments %s to %s; moments in it cannot be reached, those from backup %s on can", name, last_name, closes->id);
        return;
    }
    char object[RDB_WAL_ARCHIVE_NAME_BYTES + 4];
    snprintf(object, sizeof object, "wal/%s", name);
    find(l->c, object, NULL, 0, "it is missing, with all up to %s: no moment behind it can be reached until the next backup, an incremental one too, closes the gap", last_name);
}

/* The log as files that can be walked: where it lies, or a copy beside. What cannot be unpacked is a finding. */
static bool stage_log(log_check *l, char directory[1024], bool *is_copy, rdb_error *err)
{
    bool is_plain = true;
    for (uint32_t i = 0; i < l->objects.count; i++) {
        const char *name = ((const backup_object *)l->objects.items[i])->name;
        is_plain = is_plain && strstr(name, ".zst") == NULL && strstr(name, ".cms") == NULL;
    }
    *is_copy = false;
    rdb_repository_archive_directory(l->c->repository, directory, 1024);
    if (directory[0] != '\0' && is_plain)
        return true;
    snprintf(directory, 1024, "%.900s/rdb-verify-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    if (mkdtemp(directory) == NULL)
        return rdb_error_set_errno(err, errno, "no directory can be made for the archived log");
    *is_copy = true;
    for (uint32_t i = 0; i < l->objects.count; i++) {
        const char *object = ((const backup_object *)l->objects.items[i])->name;
        bool found = false;
        rdb_error mine = {0};
        if (!watch_interrupted(l->c->watch, err))
            return false;
        if (!archive_fetch_object(l->c->repository, object, directory, &found, &mine) && !found_damage(l->c, object, &mine, err))
            return false;
    }
    return true;
}

/* Where the timeline ends because a later one branched off it. */
static bool find_branch(const char *directory, uint32_t timeline, uint32_t newest, rdb_lsn *end_lsn, rdb_error *err)
{
    *end_lsn = UINT64_MAX;
    for (uint32_t later = timeline + 1; later <= newest; later++) {
        rdb_wal_history history;
        bool found = false;
        if (!rdb_wal_history_read(directory, later, &history, &found, err))
            return false;
        for (uint32_t i = 0; found && i < history.branch_count; i++)
            if (history.branches[i].timeline == timeline)
                *end_lsn = *end_lsn == UINT64_MAX ? history.branches[i].end_lsn : RDB_MAX(*end_lsn, history.branches[i].end_lsn);
    }
    return true;
}

static bool check_log(checking *c, const rdb_list *backups, rdb_error *err)
{
    log_check l = {.c = c, .backups = backups};
    const rdb_wal_archive_check calls = {find_log_damage, find_log_gap, &l};
    char directory[1024];
    bool is_copy = false;
    uint32_t newest = 0;
    if (!c->repository->store->calls->list(c->repository->store, "wal/", c->arena, &l.objects, err))
        return false;
    if (l.objects.count == 0 || backups->count == 0)
        return true;
    const rdb_manifest *any = backups->items[0];
    const rdb_wal_config config = {.system_id = any->system_id, .segment_bytes = any->wal_segment_bytes, .ring_bytes = 1u << 20, .thread_no = 1};
    bool ok = stage_log(&l, directory, &is_copy, err) && rdb_wal_archive_newest_timeline(directory, &newest, err);
    for (uint32_t timeline = 1; ok && timeline <= newest; timeline++) {
        rdb_lsn known = 0, end;
        for (uint32_t i = backups->count; i > 0; i--)
            if (((const rdb_manifest *)backups->items[i - 1])->timeline == timeline)
                known = ((const rdb_manifest *)backups->items[i - 1])->started.lsn;
        ok = watch_interrupted(c->watch, err) && find_branch(directory, timeline, newest, &end, err) && rdb_wal_archive_verify(directory, &config, timeline, known, end, &calls, err);
    }
    rdb_error ignored = {0};
    if (is_copy && !rdb_path_remove_tree(directory, &ignored))
        rdb_error_clear(&ignored);
    return ok;
}

static void find_whole(void *context, const char *name, const char *what)
{
    find(context, name, NULL, 0, "%s", what);
}

/* The manifests from the one asked for back to its full backup, as far as they can be read; the oldest comes first. */
static bool check_chain(checking *c, const char *id, rdb_list *chain, rdb_error *err)
{
    rdb_list backwards = {0};
    const rdb_manifest *child = NULL;
    while (id[0] != '\0') {
        rdb_manifest *m = NULL;
        rdb_error mine = {0};
        char name[80];
        snprintf(name, sizeof name, "backup/%s/manifest.json%s", id, repository_seal_extension(c->repository));
        if (!manifest_read(c->repository, id, c->arena, &m, &mine)) {
            if (!rdb_error_is(&mine, RDB_UNDEFINED_FILE))
                return found_damage(c, name, &mine, err);
            rdb_error_clear(&mine);
            find(c, name, NULL, 0, child != NULL ? "it is missing, and %s builds on it" : "it is missing", child != NULL ? child->id : "");
            return true;
        }
        if (child != NULL && strcmp(m->sha256, child->parent_sha256) != 0)
            find(c, name, NULL, 0, "it is not the manifest that %s builds on: its SHA-256 is %s, the child says %s", child->id, m->sha256, child->parent_sha256);
        rdb_list_push(c->arena, &backwards, m);
        if (backwards.count > 100000 || (child != NULL && strcmp(m->id, child->id) >= 0))
            break;
        child = m;
        id = m->parent;
    }
    for (uint32_t i = backwards.count; i > 0; i--)
        rdb_list_push(c->arena, chain, backwards.items[i - 1]);
    return rdb_arena_check(c->arena, err);
}

/* Whose key signed it is rdb-audit's to ask; that it is a head of this instance can be told here. */
static void check_audit_head(checking *c)
{
    const char *text = c->manifest->audit_head;
    rdb_audit_head head;
    char object[64];
    if (text == NULL || text[0] == '\0' || (rdb_audit_head_parse(text, strlen(text), &head) && head.system_id == c->manifest->system_id))
        return;
    snprintf(object, sizeof object, "%s/manifest.json", c->manifest->id);
    find(c, object, NULL, 0, "the audit head in it is none of this instance");
}

bool rdb_backup_verify(rdb_repository *repository, const rdb_manifest *manifest, rdb_verify_level level, uint32_t thread_count, const rdb_backup_watch *watch,
                       rdb_arena *arena, rdb_list *findings, rdb_error *err)
{
    checking c = {.repository = repository, .level = level, .watch = watch, .arena = arena, .findings = findings};
    rdb_list chain = {0};
    backup_lease *lease = NULL;
    if (!lease_take_reader(&lease, repository, err))
        return false;
    rdb_mutex_init(&c.lock, RDB_RANK_LEAF);
    bool ok = repository_check_keys(repository, find_whole, &c, err) && catalog_check(repository, find_whole, &c, err) && check_chain(&c, manifest->id, &chain, err);
    for (uint32_t i = 0; ok && i < chain.count; i++) {
        uint64_t bytes = 0;
        c.manifest = chain.items[i];
        for (uint32_t object_no = 0; object_no < c.manifest->objects.count; object_no++)
            bytes += ((const rdb_manifest_object *)c.manifest->objects.items[object_no])->bytes;
        watch_total(watch, c.manifest->id, bytes);
        check_audit_head(&c);
        ok = level == RDB_VERIFY_META ? check_presence(&c, err) : run_in_threads(thread_count, c.manifest->objects.count, check_object, &c, err);
    }
    if (ok && level >= RDB_VERIFY_HASH) {
        rdb_list all = {0}, broken = {0};
        ok = rdb_backup_list(repository, arena, &all, &broken, err) && check_log(&c, &all, err);
    }
    lease_give(&lease);
    rdb_mutex_deinit(&c.lock);
    return ok;
}
