/* SPDX-License-Identifier: Apache-2.0
 * Manifests as JSON: written last, read with every field checked. A manifest that was read has a path for each file that is safe
 * to write below an instance, parts in order that lie inside their file, and objects that exist in its own list. */
#include "backup/backup_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *const RDB_BACKUP_TYPES[] = {"full", "incremental", "differential", "pitr-base", NULL};

#define SEAL ",\"content_sha256\":\""

/* ---- texts of values ---------------------------------------------------------------------------------------------------- */
void backup_format_lsn(rdb_lsn lsn, char text[24])
{
    snprintf(text, 24, "%X/%X", (unsigned)(lsn >> 32), (unsigned)lsn);
}

bool backup_parse_lsn(const char *text, rdb_lsn *lsn)
{
    char *end;
    unsigned long high = strtoul(text, &end, 16);
    if (end == text || *end != '/' || high > UINT32_MAX)
        return false;
    text = end + 1;
    unsigned long low = strtoul(text, &end, 16);
    *lsn = (uint64_t)high << 32 | low;
    return end != text && *end == '\0' && low <= UINT32_MAX;
}

void backup_format_time(int64_t time_us, char text[40])
{
    int64_t unix_us = time_us - RDB_UNIX_EPOCH_US;
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t length = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, 40 - length, ".%06dZ", (int)(unix_us % 1000000));
}

bool backup_parse_time(const char *text, int64_t *time_us)
{
    struct tm utc = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    int fraction = 0;
    if (rest == NULL || (*rest == '.' ? sscanf(rest, ".%6dZ", &fraction) != 1 : strcmp(rest, "Z") != 0))
        return false;
    *time_us = (int64_t)timegm(&utc) * 1000000 + fraction + RDB_UNIX_EPOCH_US;
    return true;
}

bool backup_path_is_safe(const char *path)
{
    if (strncmp(path, "data/", 5) != 0 && strncmp(path, "conf/", 5) != 0)
        return false;
    for (const char *step = path; step != NULL; step = strchr(step, '/') != NULL ? strchr(step, '/') + 1 : NULL) {
        size_t length = strcspn(step, "/");
        if (length == 0 || (length == 1 && step[0] == '.') || (length == 2 && step[0] == '.' && step[1] == '.'))
            return false;
    }
    return strpbrk(path, "@\n") == NULL && strlen(path) < 1024;
}

/* ---- building ------------------------------------------------------------------------------------------------------------ */
rdb_manifest_file *manifest_add_file(rdb_arena *arena, rdb_manifest *manifest, const char *path, uint64_t length)
{
    rdb_manifest_file *file = RDB_NEW(arena, rdb_manifest_file);
    file->path = rdb_arena_strdup(arena, path);
    file->length = length;
    rdb_list_push(arena, &manifest->files, file);
    return file;
}

static int compare_files(const void *left, const void *right)
{
    return strcmp((*(const rdb_manifest_file *const *)left)->path, (*(const rdb_manifest_file *const *)right)->path);
}

static int compare_parts(const void *left, const void *right)
{
    const rdb_manifest_part *a = left, *b = right;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

void manifest_sort(rdb_manifest *manifest)
{
    if (manifest->files.count > 1)
        qsort(manifest->files.items, manifest->files.count, sizeof *manifest->files.items, compare_files);
    for (uint32_t i = 0; i < manifest->files.count; i++) {
        rdb_manifest_file *file = manifest->files.items[i];
        if (file->part_count > 1)
            qsort(file->parts, file->part_count, sizeof *file->parts, compare_parts);
    }
}

uint32_t manifest_file_no(const rdb_manifest *manifest, const char *path)
{
    rdb_manifest_file wanted = {.path = path}, *key = &wanted;
    rdb_manifest_file **files = (rdb_manifest_file **)(void *)manifest->files.items;
    rdb_manifest_file **found = manifest->files.count == 0 ? NULL : bsearch(&key, files, manifest->files.count, sizeof *files, compare_files);
    return found != NULL ? (uint32_t)(found - files) : UINT32_MAX;
}

rdb_manifest_file *manifest_find_file(const rdb_manifest *manifest, const char *path)
{
    const uint32_t file_no = manifest_file_no(manifest, path);
    return file_no != UINT32_MAX ? manifest->files.items[file_no] : NULL;
}

const rdb_manifest_part *manifest_find_part(const rdb_manifest *manifest, const char *path, uint64_t offset, uint32_t object_no)
{
    const rdb_manifest_file *file = manifest_find_file(manifest, path);
    uint32_t low = 0, high = file != NULL ? file->part_count : 0;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (file->parts[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return file != NULL && low < file->part_count && file->parts[low].offset == offset && file->parts[low].object_no == object_no ? &file->parts[low] : NULL;
}

static bool is_whole(const rdb_manifest_file *file)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < file->part_count; i++)
        bytes += file->parts[i].data_bytes;
    return bytes == file->length;
}

uint32_t manifest_oldest_needed(const rdb_list *chain, const char *path)
{
    uint32_t oldest = 0;
    for (uint32_t level = chain->count; level > 0; level--) {
        const rdb_manifest_file *file = manifest_find_file(chain->items[level - 1], path);
        if (file == NULL)
            break;
        oldest = level - 1;
        if (is_whole(file) && (file->part_count > 0 || level == 1))
            break;
    }
    return oldest;
}

bool manifest_choose_id(rdb_repository *repository, rdb_backup_type type, rdb_arena *arena, char id[RDB_BACKUP_ID_BYTES], rdb_error *err)
{
    static const char letters[] = {'F', 'I', 'D', 'P'};
    const char *newest = "";
    rdb_list objects = {0};
    if (!repository->store->calls->list(repository->store, "backup/", arena, &objects, err))
        return false;
    for (uint32_t i = 0; i < objects.count; i++) /* by name: the last that is one */
        if (manifest_is_folder(((const backup_object *)objects.items[i])->name + strlen("backup/")))
            newest = ((const backup_object *)objects.items[i])->name + strlen("backup/");
    for (int64_t seconds = (rdb_time_wall_us() - RDB_UNIX_EPOCH_US) / 1000000;; seconds++) {
        time_t now = (time_t)seconds;
        struct tm utc;
        char stamp[20];
        gmtime_r(&now, &utc);
        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
        snprintf(id, RDB_BACKUP_ID_BYTES, "%s-%c", stamp, letters[type]);
        if (strncmp(stamp, newest, strlen(stamp)) > 0)
            return true;
        /* A clock that went back must not put a child before its parent: its last second is where the next begins. */
        struct tm last = {0};
        if (strptime(newest, "%Y%m%dT%H%M%SZ", &last) != NULL && (int64_t)timegm(&last) > seconds)
            seconds = (int64_t)timegm(&last);
    }
}

bool manifest_is_folder(const char *name)
{
    struct tm moment = {0};
    const char *rest = strptime(name, "%Y%m%dT%H%M%SZ", &moment);
    return rest != NULL && rest[0] == '-' && rest[1] >= 'A' && rest[1] <= 'Z' && (rest[2] == '/' || rest[2] == '\0');
}

bool manifest_object_name(const rdb_manifest *manifest, const rdb_manifest_object *object, char *name, size_t size)
{
    return (size_t)snprintf(name, size, "backup/%s/%s", manifest->id, object->name) < size;
}

/* ---- writing -------------------------------------------------------------------------------------------------------------- */
static json_t *text_list(const rdb_list *list)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

static json_t *moment_to_json(const rdb_backup_moment *moment)
{
    char lsn[24], time_text[40];
    backup_format_lsn(moment->lsn, lsn);
    backup_format_time(moment->time_us, time_text);
    return json_pack("{s:s, s:s, s:I}", "time", time_text, "lsn", lsn, "scn", (json_int_t)moment->scn);
}

static json_t *files_to_json(const rdb_list *files)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < files->count; i++) {
        const rdb_manifest_file *file = files->items[i];
        json_t *parts = json_array();
        for (uint32_t part_no = 0; part_no < file->part_count; part_no++) {
            const rdb_manifest_part *part = &file->parts[part_no];
            json_array_append_new(parts, json_pack("[I, I, I, I, s]", (json_int_t)part->object_no, (json_int_t)part->offset, (json_int_t)part->length,
                                                   (json_int_t)part->data_bytes, part->sha256));
        }
        json_array_append_new(array, json_pack("{s:s, s:I, s:o}", "path", file->path, "length", (json_int_t)file->length, "parts", parts));
    }
    return array;
}

json_t *manifest_to_json(const rdb_manifest *m)
{
    char system_id[24];
    snprintf(system_id, sizeof system_id, "%llu", (unsigned long long)m->system_id);
    json_t *objects = json_array(), *degraded = json_array();
    for (uint32_t i = 0; i < m->objects.count; i++) {
        const rdb_manifest_object *object = m->objects.items[i];
        json_array_append_new(objects, json_pack("{s:s, s:I, s:s, s:s}", "name", object->name, "bytes", (json_int_t)object->bytes, "sha256", object->sha256, "crc32c", object->crc32c));
    }
    for (uint32_t i = 0; i < m->degraded.count; i++) {
        const rdb_manifest_page *page = m->degraded.items[i];
        json_array_append_new(degraded, json_pack("{s:s, s:I, s:s, s:s}", "path", page->path, "block", (json_int_t)page->block, "what", page->what, "relation", page->relation));
    }
    json_t *json = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:i, s:s, s:o, s:o, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:I}",
                             "format", "rdb-backup", "version", 1, "id", m->id, "type", RDB_BACKUP_TYPES[m->type], "label", m->label != NULL ? m->label : "",
                             "system_id", system_id, "timeline", (int)m->timeline, "page_bytes", (int)m->page_bytes, "wal_segment_bytes", (int)m->wal_segment_bytes,
                             "instance_id", m->instance_id != NULL ? m->instance_id : "", "compression", RDB_COMPRESSIONS[m->compression],
                             "compression_level", m->compression_level, "encryption", m->is_encrypted ? "aes-256-gcm" : "none",
                             "started", moment_to_json(&m->started), "stopped", moment_to_json(&m->stopped), "was_running", (int)m->was_running,
                             "has_secrets", (int)m->has_secrets, "is_synthetic", (int)m->is_synthetic, "databases", text_list(&m->databases),
                             "directories", text_list(&m->directories), "objects", objects, "files", files_to_json(&m->files), "degraded", degraded,
                             "bytes_read", (json_int_t)m->bytes_read, "bytes_stored", (json_int_t)m->bytes_stored);
    if (json == NULL)
        return NULL;
    json_object_set_new(json, "label_file", json_string(m->label_file != NULL ? m->label_file : ""));
    json_object_set_new(json, "audit_head", json_string(m->audit_head != NULL ? m->audit_head : ""));
    json_object_set_new(json, "secrets_left_out", json_boolean(m->secrets_left_out));
    json_object_set_new(json, "rdb_version", json_string(m->rdb_version != NULL ? m->rdb_version : ""));
    if (m->parent[0] != '\0') {
        json_object_set_new(json, "parent", json_string(m->parent));
        json_object_set_new(json, "parent_manifest_sha256", json_string(m->parent_sha256));
    }
    return json;
}

static void manifest_name(const rdb_repository *repository, const char *id, char name[80])
{
    snprintf(name, 80, "backup/%s/manifest.json%s", id, repository_seal_extension(repository));
}

bool manifest_write(rdb_repository *repository, rdb_manifest *manifest, rdb_error *err)
{
    char name[80];
    rdb_manifest_object stored;
    manifest_name(repository, manifest->id, name);
    json_t *json = manifest_to_json(manifest);
    char *body = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL, digest[RDB_DIGEST_TEXT_BYTES];
    json_decref(json);
    if (body == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    rdb_strbuf_add(&text, body, strlen(body) - 1); /* without its brace */
    digest_of(text.data, text.length, digest);
    rdb_strbuf_addf(&text, SEAL "%s\"}", digest);
    bool ok = rdb_strbuf_check(&text, err) && repository_put(repository, name, text.data, text.length, &stored, NULL, err);
    if (ok)
        memcpy(manifest->sha256, stored.sha256, sizeof manifest->sha256);
    rdb_strbuf_free(&text);
    free(body);
    return ok;
}

/* The last member is the digest of all before it: nobody else says of the newest manifest that it is whole. */
static bool is_as_written(const rdb_strbuf *text)
{
    size_t end = sizeof SEAL - 1 + RDB_DIGEST_TEXT_BYTES - 1 + 2;
    char digest[RDB_DIGEST_TEXT_BYTES];
    if (text->length <= end)
        return false;
    const char *at = text->data + text->length - end;
    digest_of(text->data, text->length - end, digest);
    return memcmp(at, SEAL, sizeof SEAL - 1) == 0 && memcmp(at + sizeof SEAL - 1, digest, RDB_DIGEST_TEXT_BYTES - 1) == 0 && memcmp(text->data + text->length - 2, "\"}", 2) == 0;
}

/* ---- reading -------------------------------------------------------------------------------------------------------------- */
static bool read_moment(json_t *json, rdb_backup_moment *moment)
{
    const char *time_text, *lsn;
    json_int_t scn;
    if (json_unpack(json, "{s:s, s:s, s:I}", "time", &time_text, "lsn", &lsn, "scn", &scn) != 0)
        return false;
    moment->scn = (rdb_scn)scn;
    return backup_parse_time(time_text, &moment->time_us) && backup_parse_lsn(lsn, &moment->lsn);
}

static bool is_digest(const char *text)
{
    return strlen(text) == RDB_DIGEST_TEXT_BYTES - 1 && strspn(text, "0123456789abcdef") == RDB_DIGEST_TEXT_BYTES - 1;
}

static bool read_texts(json_t *array, rdb_arena *arena, rdb_list *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        if (!json_is_string(item))
            return false;
        rdb_list_push(arena, list, rdb_arena_strdup(arena, json_string_value(item)));
    }
    return json_is_array(array);
}

static bool read_objects(json_t *array, rdb_arena *arena, rdb_list *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        const char *name, *sha256, *crc32c;
        json_int_t bytes;
        if (json_unpack(item, "{s:s, s:I, s:s, s:s}", "name", &name, "bytes", &bytes, "sha256", &sha256, "crc32c", &crc32c) != 0 || !is_digest(sha256) || bytes < 0 ||
            strlen(crc32c) != ((uint64_t)bytes + RDB_OBJECT_PIECE_BYTES - 1) / RDB_OBJECT_PIECE_BYTES * 8 || strchr(name, '/') != NULL || name[0] == '.')
            return false;
        rdb_manifest_object *object = RDB_NEW(arena, rdb_manifest_object);
        object->name = rdb_arena_strdup(arena, name);
        object->bytes = (uint64_t)bytes;
        memcpy(object->sha256, sha256, sizeof object->sha256);
        object->crc32c = rdb_arena_strdup(arena, crc32c);
        rdb_list_push(arena, list, object);
    }
    return json_is_array(array);
}

static bool read_part(json_t *item, rdb_manifest_part *part, uint64_t file_length, uint32_t object_count)
{
    json_int_t object_no, offset, length, data_bytes;
    const char *sha256;
    if (json_unpack(item, "[I, I, I, I, s]", &object_no, &offset, &length, &data_bytes, &sha256) != 0 || !is_digest(sha256))
        return false;
    if (object_no < 0 || object_no >= object_count || offset < 0 || length < 0 || data_bytes < 0 || data_bytes > length ||
        (uint64_t)offset > file_length || (uint64_t)length > file_length - (uint64_t)offset)
        return false;
    *part = (rdb_manifest_part){.object_no = (uint32_t)object_no, .offset = (uint64_t)offset, .length = (uint64_t)length, .data_bytes = (uint64_t)data_bytes};
    memcpy(part->sha256, sha256, sizeof part->sha256);
    return true;
}

static bool read_files(json_t *array, rdb_arena *arena, rdb_manifest *manifest)
{
    size_t i, part_no;
    json_t *item, *parts, *part;
    json_array_foreach(array, i, item)
    {
        const char *path;
        json_int_t length;
        if (json_unpack(item, "{s:s, s:I, s:o}", "path", &path, "length", &length, "parts", &parts) != 0 || length < 0 || !backup_path_is_safe(path) || !json_is_array(parts))
            return false;
        rdb_manifest_file *file = manifest_add_file(arena, manifest, path, (uint64_t)length);
        file->part_count = (uint32_t)json_array_size(parts);
        rdb_error refused = {0};
        file->parts = file->part_count > 0 ? rdb_arena_try_alloc(arena, file->part_count * sizeof *file->parts, &refused) : NULL;
        rdb_error_clear(&refused);
        if (file->part_count > 0 && file->parts == NULL)
            return false;
        json_array_foreach(parts, part_no, part)
        {
            if (!read_part(part, &file->parts[part_no], file->length, manifest->objects.count))
                return false;
            if (part_no > 0 && file->parts[part_no].offset < file->parts[part_no - 1].offset + file->parts[part_no - 1].length)
                return false;
        }
    }
    manifest_sort(manifest);
    for (uint32_t file_no = 1; file_no < manifest->files.count; file_no++)
        if (compare_files(&manifest->files.items[file_no - 1], &manifest->files.items[file_no]) == 0)
            return false;
    return json_is_array(array);
}

static bool read_pages(json_t *array, rdb_arena *arena, rdb_list *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        const char *path, *what, *relation = ""; /* earlier ones have none */
        json_int_t block;
        if (json_unpack(item, "{s:s, s:I, s:s, s?s}", "path", &path, "block", &block, "what", &what, "relation", &relation) != 0)
            return false;
        rdb_manifest_page *page = RDB_NEW(arena, rdb_manifest_page);
        page->path = rdb_arena_strdup(arena, path);
        page->what = rdb_arena_strdup(arena, what);
        page->relation = rdb_arena_strdup(arena, relation);
        page->block = (uint64_t)block;
        rdb_list_push(arena, list, page);
    }
    return json_is_array(array);
}

static int choose(const char *const *names, const char *name)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static bool malformed(const char *what, rdb_error *err)
{
    rdb_error_set(err, RDB_DATA_CORRUPTED, "the manifest is damaged");
    return rdb_error_detail(err, "%s cannot be read.", what);
}

bool manifest_from_json(json_t *json, rdb_arena *arena, rdb_manifest *m, rdb_error *err)
{
    const char *format, *id, *type, *label, *system_id, *instance_id, *compression, *encryption, *rdb_version = "", *label_file = "", *audit_head = "", *parent = "", *parent_sha256 = "";
    int version, timeline, page_bytes, segment_bytes, level, was_running, has_secrets, is_synthetic, secrets_left_out = 0;
    json_int_t bytes_read, bytes_stored;
    json_t *started, *stopped, *databases, *directories, *objects, *files, *degraded;
    json_error_t trouble;
    *m = (rdb_manifest){0};
    if (json_unpack_ex(json, &trouble, 0, "{s:s, s:i}", "format", &format, "version", &version) != 0 || strcmp(format, "rdb-backup") != 0)
        return malformed("Its format", err);
    if (version != 1)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "the manifest has version %d; this program knows 1", version);
    if (json_unpack_ex(json, &trouble, 0,
                       "{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:i, s:s, s:o, s:o, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s?s, s?s, s?s, s?b, s?s, s?s}",
                       "id", &id, "type", &type, "label", &label, "system_id", &system_id, "timeline", &timeline, "page_bytes", &page_bytes, "wal_segment_bytes", &segment_bytes,
                       "instance_id", &instance_id, "compression", &compression, "compression_level", &level, "encryption", &encryption, "started", &started, "stopped", &stopped,
                       "was_running", &was_running, "has_secrets", &has_secrets, "is_synthetic", &is_synthetic, "databases", &databases, "directories", &directories, "objects", &objects, "files", &files,
                       "degraded", &degraded, "bytes_read", &bytes_read, "bytes_stored", &bytes_stored, "rdb_version", &rdb_version, "parent", &parent, "parent_manifest_sha256", &parent_sha256,
                       "secrets_left_out", &secrets_left_out, "label_file", &label_file, "audit_head", &audit_head) != 0)
        return malformed(trouble.text, err);
    int type_no = choose(RDB_BACKUP_TYPES, type), compression_no = choose(RDB_COMPRESSIONS, compression);
    if (strlen(id) >= sizeof m->id || strlen(parent) >= sizeof m->parent || type_no < 0 || compression_no < 0 || (parent[0] != '\0' && !is_digest(parent_sha256)))
        return malformed("What it is", err);
    if (page_bytes < 4096 || page_bytes > 32768 || (page_bytes & (page_bytes - 1)) != 0 || segment_bytes < 1 << 20 || (segment_bytes & (segment_bytes - 1)) != 0)
        return malformed("A size", err);
    snprintf(m->id, sizeof m->id, "%s", id);
    snprintf(m->parent, sizeof m->parent, "%s", parent);
    snprintf(m->parent_sha256, sizeof m->parent_sha256, "%s", parent_sha256);
    m->type = (rdb_backup_type)type_no;
    m->compression = (rdb_compression)compression_no;
    m->compression_level = level;
    m->label = rdb_arena_strdup(arena, label);
    m->instance_id = rdb_arena_strdup(arena, instance_id);
    m->rdb_version = rdb_arena_strdup(arena, rdb_version);
    m->label_file = rdb_arena_strdup(arena, label_file);
    m->audit_head = rdb_arena_strdup(arena, audit_head);
    m->system_id = strtoull(system_id, NULL, 10);
    m->timeline = (uint32_t)timeline;
    m->page_bytes = (uint32_t)page_bytes;
    m->wal_segment_bytes = (uint32_t)segment_bytes;
    m->was_running = was_running;
    m->has_secrets = has_secrets;
    m->secrets_left_out = secrets_left_out;
    m->is_synthetic = is_synthetic;
    m->is_encrypted = strcmp(encryption, "none") != 0;
    m->bytes_read = (uint64_t)bytes_read;
    m->bytes_stored = (uint64_t)bytes_stored;
    if (!read_moment(started, &m->started) || !read_moment(stopped, &m->stopped))
        return malformed("A moment", err);
    if (!read_texts(databases, arena, &m->databases) || !read_texts(directories, arena, &m->directories))
        return malformed("A list of names", err);
    for (uint32_t i = 0; i < m->directories.count; i++)
        if (!backup_path_is_safe(m->directories.items[i]))
            return malformed("A directory", err);
    return (read_objects(objects, arena, &m->objects) || malformed("The list of objects", err)) &&
           (read_files(files, arena, m) || malformed("The list of files", err)) &&
           (read_pages(degraded, arena, &m->degraded) || malformed("The list of broken pages", err)) && rdb_arena_check(arena, err);
}

bool manifest_read(rdb_repository *repository, const char *id, rdb_arena *arena, rdb_manifest **manifest, rdb_error *err)
{
    char name[80], sha256[RDB_DIGEST_TEXT_BYTES];
    rdb_strbuf text;
    json_error_t trouble;
    rdb_strbuf_init(&text, NULL);
    manifest_name(repository, id, name);
    rdb_manifest *m = *manifest = RDB_NEW(arena, rdb_manifest);
    bool ok = repository_get(repository, name, NULL, &text, sha256, err);
    if (ok && !is_as_written(&text))
        ok = malformed("It is not as it was written and", err);
    json_t *json = ok ? json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, &trouble) : NULL;
    if (ok && json == NULL)
        ok = malformed("Its JSON", err);
    ok = ok && manifest_from_json(json, arena, m, err);
    if (ok && strcmp(m->id, id) != 0)
        ok = malformed("It is another backup's and", err);
    if (ok && m->is_encrypted != repository->is_encrypted)
        ok = malformed("What it says of its encryption", err);
    if (ok)
        memcpy(m->sha256, sha256, sizeof m->sha256);
    else
        rdb_error_hint(err, "Object \"%s\" of \"%s\".", name, repository->store->url);
    json_decref(json);
    rdb_strbuf_free(&text);
    return ok;
}

/* ---- backups of a repository ------------------------------------------------------------------------------------------------ */
bool manifest_list_ids(rdb_repository *repository, rdb_arena *arena, rdb_list *ids, rdb_error *err)
{
    char ending[40];
    rdb_list objects = {0};
    if (!repository->store->calls->list(repository->store, "backup/", arena, &objects, err))
        return false;
    snprintf(ending, sizeof ending, "manifest.json%s", repository_seal_extension(repository));
    for (uint32_t i = 0; i < objects.count; i++) {
        const char *name = ((const backup_object *)objects.items[i])->name + strlen("backup/");
        const char *slash = strchr(name, '/');
        if (slash != NULL && strcmp(slash + 1, ending) == 0 && slash - name < RDB_BACKUP_ID_BYTES)
            rdb_list_push(arena, ids, rdb_arena_strndup(arena, name, (size_t)(slash - name)));
    }
    return true;
}

bool rdb_backup_list(rdb_repository *repository, rdb_arena *arena, rdb_list *manifests, rdb_list *broken, rdb_error *err)
{
    rdb_list ids = {0};
    if (!manifest_list_ids(repository, arena, &ids, err))
        return false;
    for (uint32_t i = 0; i < ids.count; i++) {
        rdb_manifest *manifest;
        rdb_error mine = {0};
        if (manifest_read(repository, ids.items[i], arena, &manifest, &mine)) {
            rdb_list_push(arena, manifests, manifest);
        } else if (broken != NULL && rdb_error_is(&mine, RDB_DATA_CORRUPTED)) {
            rdb_list_push(arena, broken, rdb_arena_printf(arena, "backup/%s: %s (%s)", (const char *)ids.items[i], rdb_error_message(&mine), rdb_error_detail_text(&mine)));
            rdb_error_clear(&mine);
        } else {
            rdb_error_move(err, &mine);
            return false;
        }
    }
    return true;
}

bool rdb_backup_find(rdb_repository *repository, const char *id, rdb_arena *arena, rdb_manifest **manifest, rdb_error *err)
{
    rdb_list ids = {0};
    const char *found = NULL;
    uint32_t matches = 0;
    if (!manifest_list_ids(repository, arena, &ids, err))
        return false;
    for (uint32_t i = 0; i < ids.count; i++) {
        const char *one = ids.items[i];
        bool is_full = one[strlen(one) - 1] == 'F' || one[strlen(one) - 1] == 'P';
        bool is_newest = strcmp(id, "latest") == 0 || (strcmp(id, "latest-full") == 0 && is_full);
        if (strcmp(one, id) == 0)
            return manifest_read(repository, one, arena, manifest, err);
        if (!is_newest && strncmp(one, id, strlen(id)) != 0)
            continue;
        found = one;
        matches = is_newest ? 1 : matches + 1;
    }
    if (matches == 1)
        return manifest_read(repository, found, arena, manifest, err);
    rdb_error_set(err, RDB_UNDEFINED_FILE, matches == 0 ? "there is no backup \"%s\" in \"%s\"" : "\"%s\" is the beginning of several backups in \"%s\"", id, repository->store->url);
    return rdb_error_hint(err, "See what there is with: rdb-backup list --output %s", repository->store->url);
}

bool rdb_backup_chain(rdb_repository *repository, rdb_manifest *newest, rdb_arena *arena, rdb_list *chain, rdb_error *err)
{
    rdb_list backwards = {0};
    rdb_list_push(arena, &backwards, newest);
    for (rdb_manifest *child = newest; child->parent[0] != '\0';) {
        rdb_manifest *parent;
        if (!manifest_read(repository, child->parent, arena, &parent, err)) {
            rdb_error_add_context(err, "backup %s builds on %s", child->id, child->parent);
            return false;
        }
        if (strcmp(parent->sha256, child->parent_sha256) != 0) {
            rdb_error_set(err, RDB_DATA_CORRUPTED, "the manifest of backup %s is not the one that %s builds on", parent->id, child->id);
            return rdb_error_detail(err, "Its SHA-256 is %s; the child says %s.", parent->sha256, child->parent_sha256);
        }
        if (backwards.count > 100000 || parent->system_id != child->system_id || parent->page_bytes != child->page_bytes || strcmp(parent->id, child->id) >= 0)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "backup %s cannot build on %s", child->id, parent->id);
        rdb_list_push(arena, &backwards, parent);
        child = parent;
    }
    for (uint32_t i = backwards.count; i > 0; i--)
        rdb_list_push(arena, chain, backwards.items[i - 1]);
    return true;
}
