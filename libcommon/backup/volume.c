/* SPDX-License-Identifier: Apache-2.0
 * Volumes: a pax tar in a frame, made and taken apart in memory by libarchive. Holes of sparse members cost nothing: they are
 * told to libarchive and never exist as bytes. */
#include "backup/backup_int.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define HOLE_BYTES (size_t)(1u << 20)

struct backup_volume {
    struct archive *archive;
    backup_frame *frame;
    rdb_strbuf bytes;
    rdb_error *err; /* of the call that is going on */
    uint64_t bytes_in;
    backup_pace *pace;
};

static la_ssize_t write_frame(struct archive *archive, void *context, const void *bytes, size_t length)
{
    backup_volume *volume = context;
    if (backup_frame_write(volume->frame, bytes, length, volume->err))
        return (la_ssize_t)length;
    archive_set_error(archive, -1, "frame");
    return ARCHIVE_FATAL;
}

static bool archive_failed(struct archive *archive, const char *sqlstate, const char *what, rdb_error *err)
{
    const char *why = archive_error_string(archive);
    if (rdb_error_is_set(err))
        return false; /* the frame said more */
    rdb_error_set(err, sqlstate, "%s", what);
    return rdb_error_detail(err, "%s.", why != NULL ? why : "No reason was given");
}

bool volume_create(backup_volume **volume, rdb_compression compression, int level, rdb_error *err)
{
    backup_volume *v = *volume = calloc(1, sizeof *v);
    if (v == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&v->bytes, NULL);
    v->err = err;
    v->archive = archive_write_new();
    bool ok = v->archive != NULL && backup_frame_create(&v->frame, compression, level, &v->bytes, err) &&
              archive_write_set_format_pax_restricted(v->archive) == ARCHIVE_OK && archive_write_set_bytes_per_block(v->archive, 256 << 10) == ARCHIVE_OK &&
              archive_write_set_bytes_in_last_block(v->archive, 1) == ARCHIVE_OK &&
              archive_write_open(v->archive, v, NULL, write_frame, NULL) == ARCHIVE_OK;
    if (!ok) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        volume_destroy(volume);
    }
    return ok;
}

void volume_set_pace(backup_volume *v, backup_pace *pace)
{
    v->pace = pace;
}

static bool write_all(backup_volume *v, const void *bytes, uint64_t length, rdb_error *err)
{
    int64_t step_us;
    pace_begin(v->pace, &step_us);
    for (const uint8_t *at = bytes; length > 0;) {
        la_ssize_t got = archive_write_data(v->archive, at, RDB_MIN((size_t)length, PACE_STEP_BYTES));
        if (got <= 0)
            return archive_failed(v->archive, RDB_IO_ERROR, "a volume could not be written", err);
        at += got;
        length -= (uint64_t)got;
        pace_rest(v->pace, &step_us);
    }
    return true;
}

/* libarchive counts a hole's bytes and does not look at them. */
static bool write_hole(backup_volume *v, uint64_t length, rdb_error *err)
{
    static const uint8_t zeroes[HOLE_BYTES];
    for (; length > 0; length -= RDB_MIN(length, HOLE_BYTES))
        if (!write_all(v, zeroes, RDB_MIN(length, HOLE_BYTES), err))
            return false;
    return true;
}

bool volume_add(backup_volume *v, const char *path, uint64_t length, const backup_range *ranges, uint32_t range_count, const void *data, rdb_error *err)
{
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    v->err = err;
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_size(entry, (la_int64_t)length);
    archive_entry_set_mtime(entry, 0, 0);
    uint64_t data_bytes = range_count == 0 ? length : 0;
    for (uint32_t i = 0; i < range_count; i++) {
        archive_entry_sparse_add_entry(entry, (la_int64_t)ranges[i].offset, (la_int64_t)ranges[i].length);
        data_bytes += ranges[i].length;
    }
    bool ok = archive_write_header(v->archive, entry) == ARCHIVE_OK || archive_failed(v->archive, RDB_IO_ERROR, "a volume could not be written", err);
    archive_entry_free(entry);
    if (ok && range_count == 0) {
        ok = write_all(v, data, length, err);
    } else if (ok) {
        const uint8_t *from = data;
        uint64_t at = 0;
        for (uint32_t i = 0; ok && i < range_count; i++) {
            ok = write_hole(v, ranges[i].offset - at, err) && write_all(v, from, ranges[i].length, err);
            from += ranges[i].length;
            at = ranges[i].offset + ranges[i].length;
        }
        ok = ok && write_hole(v, length - at, err);
    }
    v->bytes_in += data_bytes;
    return ok && (archive_write_finish_entry(v->archive) == ARCHIVE_OK || archive_failed(v->archive, RDB_IO_ERROR, "a volume could not be written", err));
}

bool volume_finish(backup_volume *v, rdb_strbuf **bytes, rdb_error *err)
{
    v->err = err;
    *bytes = &v->bytes;
    return (archive_write_close(v->archive) == ARCHIVE_OK || archive_failed(v->archive, RDB_IO_ERROR, "a volume could not be written", err)) &&
           backup_frame_finish(v->frame, err) && rdb_strbuf_check(&v->bytes, err);
}

uint64_t volume_bytes_in(const backup_volume *v)
{
    return v->bytes_in;
}

void volume_destroy(backup_volume **volume)
{
    if (*volume == NULL)
        return;
    rdb_error ignored = {0}; /* freeing closes, which may still write */
    (*volume)->err = &ignored;
    if ((*volume)->archive != NULL)
        archive_write_free((*volume)->archive);
    rdb_error_clear(&ignored);
    backup_frame_destroy(&(*volume)->frame);
    rdb_strbuf_free(&(*volume)->bytes);
    free(*volume);
    *volume = NULL;
}

/* ---- taking apart ------------------------------------------------------------------------------------------------------- */
typedef struct reading {
    backup_unframe *unframe;
    rdb_error *err;
} reading;

static la_ssize_t read_frame(struct archive *archive, void *context, const void **bytes)
{
    reading *r = context;
    size_t length;
    if (unframe_next(r->unframe, bytes, &length, r->err))
        return (la_ssize_t)length;
    archive_set_error(archive, -1, "frame");
    return ARCHIVE_FATAL;
}

static bool visit_member(struct archive *archive, struct archive_entry *entry, const backup_visitor *visitor, rdb_error *err)
{
    char path[1200];
    const char *name = archive_entry_pathname(entry);
    uint64_t offset = 0, length = (uint64_t)archive_entry_size(entry);
    bool wanted = true;
    if (name == NULL || archive_entry_filetype(entry) != AE_IFREG || (size_t)snprintf(path, sizeof path, "%s", name) >= sizeof path)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a volume holds a member that is none of a backup");
    char *mark = strrchr(path, '@');
    if (mark != NULL && strlen(mark) == 17 && strspn(mark + 1, "0123456789abcdef") == 16) {
        offset = strtoull(mark + 1, NULL, 16);
        *mark = '\0';
    }
    if (!visitor->member(visitor->context, path, offset, length, &wanted, err))
        return false;
    while (wanted) {
        const void *bytes;
        size_t got;
        la_int64_t at;
        int answer = archive_read_data_block(archive, &bytes, &got, &at);
        if (answer == ARCHIVE_EOF)
            break;
        if (answer != ARCHIVE_OK || at < 0 || (uint64_t)at > length || got > length - (uint64_t)at)
            return archive_failed(archive, RDB_DATA_CORRUPTED, "a volume is damaged", err);
        if (got > 0 && !visitor->data(visitor->context, (uint64_t)at, bytes, got, err))
            return false;
    }
    return !wanted || visitor->end == NULL || visitor->end(visitor->context, err);
}

bool volume_visit(rdb_compression compression, const void *bytes, size_t length, const backup_visitor *visitor, rdb_error *err)
{
    reading r = {.err = err};
    struct archive *archive = archive_read_new();
    bool ok = false;
    if (archive == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        goto out;
    }
    if (!unframe_create(&r.unframe, compression, bytes, length, err))
        goto out;
    if (archive_read_support_format_tar(archive) != ARCHIVE_OK || archive_read_open(archive, &r, NULL, read_frame, NULL) != ARCHIVE_OK) {
        archive_failed(archive, RDB_DATA_CORRUPTED, "a volume is damaged", err);
        goto out;
    }
    for (;;) {
        struct archive_entry *entry;
        int answer = archive_read_next_header(archive, &entry);
        if (answer == ARCHIVE_EOF)
            break;
        if (answer != ARCHIVE_OK) {
            archive_failed(archive, RDB_DATA_CORRUPTED, "a volume is damaged", err);
            goto out;
        }
        if (!visit_member(archive, entry, visitor, err))
            goto out;
    }
    /* What libarchive did not ask for is the frame's end: its checksum is looked at too. */
    ok = true;
    for (size_t got = 1; ok && got > 0;) {
        const void *rest;
        ok = unframe_next(r.unframe, &rest, &got, err);
    }
out:
    if (archive != NULL)
        archive_read_free(archive);
    unframe_destroy(&r.unframe);
    return ok;
}
