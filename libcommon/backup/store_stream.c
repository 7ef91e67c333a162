/* SPDX-License-Identifier: Apache-2.0
 * A repository as one stream: a pax tar whose members are its objects in the order in which they are put, the manifest last. Unpacked
 * with tar it is a repository; rdb-restore does that by itself. */
#include "backup/backup_int.h"

#include <archive.h>
#include <archive_entry.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct stream_store {
    backup_store base;
    struct archive *archive;
    rdb_mutex lock; /* guards the archive */
} stream_store;

static bool stream_failed(struct archive *archive, rdb_error *err)
{
    const char *why = archive_error_string(archive);
    rdb_error_set(err, RDB_IO_ERROR, "the stream could not be written");
    return rdb_error_detail(err, "%s.", why != NULL ? why : "No reason was given");
}

static bool stream_put(backup_store *base, const char *name, const void *bytes, size_t length, rdb_error *err)
{
    stream_store *store = (stream_store *)base;
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_size(entry, (la_int64_t)length);
    rdb_mutex_lock(&store->lock);
    bool ok = archive_write_header(store->archive, entry) == ARCHIVE_OK;
    for (const char *at = bytes; ok && length > 0;) {
        la_ssize_t got = archive_write_data(store->archive, at, length);
        ok = got > 0;
        at += ok ? got : 0;
        length -= ok ? (size_t)got : 0;
    }
    ok = (ok && archive_write_finish_entry(store->archive) == ARCHIVE_OK) || stream_failed(store->archive, err);
    rdb_mutex_unlock(&store->lock);
    archive_entry_free(entry);
    return ok;
}

/* Nothing can be read back from a stream: it begins empty. */
static bool stream_get(backup_store *base, const char *name, rdb_strbuf *content, bool *found, rdb_error *err)
{
    (void)base, (void)name, (void)content, (void)err;
    *found = false;
    return true;
}

static bool stream_list(backup_store *base, const char *prefix, rdb_arena *arena, rdb_list *objects, rdb_error *err)
{
    (void)base, (void)prefix, (void)arena, (void)objects, (void)err;
    return true;
}

static bool stream_remove(backup_store *base, const char *name, rdb_error *err)
{
    (void)base, (void)name, (void)err;
    return true;
}

static void stream_close(backup_store *base)
{
    stream_store *store = (stream_store *)base;
    archive_write_free(store->archive); /* which ends the tar */
    rdb_mutex_deinit(&store->lock);
    free(store);
}

bool store_open_stream(backup_store **store, int fd, rdb_error *err)
{
    static const backup_store_calls calls = {stream_put, stream_get, stream_list, stream_remove, stream_close};
    stream_store *s = calloc(1, sizeof *s);
    *store = NULL;
    if (s == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    s->base.calls = &calls;
    rdb_mutex_init(&s->lock, RDB_RANK_LOG); /* held over a write; nothing is locked under it */
    s->archive = archive_write_new();
    snprintf(s->base.url, sizeof s->base.url, "-");
    if (s->archive == NULL || archive_write_set_format_pax_restricted(s->archive) != ARCHIVE_OK || archive_write_set_bytes_per_block(s->archive, 64 << 10) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(s->archive, 1) != ARCHIVE_OK || archive_write_open_fd(s->archive, fd) != ARCHIVE_OK) {
        stream_close(&s->base);
        return rdb_error_set(err, RDB_IO_ERROR, "the stream could not be opened");
    }
    *store = &s->base;
    return true;
}

static bool is_object_name(const char *name)
{
    if (name == NULL || name[0] == '/' || name[0] == '.' || strlen(name) > 500)
        return false;
    for (const char *step = name; step != NULL; step = strchr(step, '/') != NULL ? strchr(step, '/') + 1 : NULL)
        if (step[0] == '.' || step[0] == '/' || step[0] == '\0')
            return false;
    return true;
}

static bool spool_member(struct archive *archive, struct archive_entry *entry, backup_store *store, rdb_error *err)
{
    const char *name = archive_entry_pathname(entry);
    rdb_strbuf bytes;
    la_int64_t length = archive_entry_size(entry);
    if (!is_object_name(name) || archive_entry_filetype(entry) != AE_IFREG || length < 0 || (uint64_t)length > BACKUP_OBJECT_BYTES_MAX)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "the stream is none of a backup");
    rdb_strbuf_init(&bytes, NULL);
    bool ok = rdb_strbuf_reserve(&bytes, (size_t)length + 1) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    while (ok && bytes.length < (size_t)length) {
        la_ssize_t got = archive_read_data(archive, bytes.data + bytes.length, (size_t)length - bytes.length);
        ok = got > 0 || rdb_error_set(err, RDB_DATA_CORRUPTED, "the stream ends early");
        bytes.length += ok ? (size_t)got : 0;
    }
    ok = ok && store->calls->put(store, name, bytes.data, bytes.length, err);
    rdb_strbuf_free(&bytes);
    return ok;
}

bool rdb_repository_spool(int fd, const char *directory, rdb_error *err)
{
    backup_store *store = NULL;
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    int answer = ARCHIVE_OK;
    bool ok = (archive != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) && store_open_directory(&store, directory, true, err);
    ok = ok && ((archive_read_support_format_tar(archive) == ARCHIVE_OK && archive_read_open_fd(archive, fd, 64 << 10) == ARCHIVE_OK) ||
                rdb_error_set(err, RDB_DATA_CORRUPTED, "the stream is none of a backup"));
    while (ok && (answer = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
        ok = spool_member(archive, entry, store, err);
    if (ok && answer != ARCHIVE_EOF)
        ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "the stream is cut or none of a backup");
    if (store != NULL)
        store->calls->close(store);
    archive_read_free(archive);
    return ok;
}
