/* SPDX-License-Identifier: Apache-2.0
 * Reading the log: records from a position on, each checked before it is handed out, and the judgement where it ends. */
#include "wal_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { WINDOW_BYTES = 256 << 10, JUDGE_BYTES = 1 << 20 };

struct rdb_wal_reader {
    rdb_wal_config config;
    char directory[WAL_PATH_BYTES - 64]; /* "": the archive alone */
    char archive[WAL_PATH_BYTES - 64];   /* "": none */
    rdb_wal_history history;             /* whose timeline counts where */
    rdb_file *file;       /* of segment file_number, its header checked; NULL: that segment is not there */
    uint64_t file_number; /* UINT64_MAX: none tried yet */
    uint64_t file_bytes;  /* a partial one of an archive is shorter than a segment: zeroes follow */
    uint8_t *window;      /* log bytes window_lsn .. + window_bytes, of one segment */
    rdb_lsn window_lsn;
    uint64_t window_bytes;
    uint8_t *record;
    uint64_t record_capacity;
    rdb_lsn position;
};

static bool malformed(rdb_error *err, rdb_lsn lsn, const char *what)
{
    rdb_error_set(err, RDB_DATA_CORRUPTED, "malformed WAL record at %llX", (unsigned long long)lsn);
    return rdb_error_detail(err, "%s.", what);
}

bool rdb_wal_record_decode(const uint8_t *bytes, uint32_t length, rdb_lsn lsn, rdb_wal_record *record, rdb_error *err)
{
    memset(record, 0, offsetof(rdb_wal_record, blocks));
    record->data = NULL;
    record->data_bytes = 0;
    if (length < WAL_RECORD_BYTES_MIN || rdb_get_u32(bytes) != length)
        return malformed(err, lsn, "Its length is wrong");
    uint64_t pdb = 0;
    const uint8_t *cursor = bytes + 11;
    record->lsn = lsn;
    record->resource = bytes[8];
    record->operation = bytes[9];
    record->block_count = bytes[10];
    if (!rdb_wal_get_number(&cursor, bytes + length, UINT64_MAX, &record->xid) || !rdb_wal_get_number(&cursor, bytes + length, UINT32_MAX, &pdb))
        return malformed(err, lsn, "Its header is cut");
    record->pdb = (uint32_t)pdb;
    if (record->resource == 0 || record->resource >= RDB_RESOURCE_COUNT)
        return malformed(err, lsn, "Its resource is unknown");
    if (record->block_count > RDB_WAL_BLOCKS_MAX)
        return malformed(err, lsn, "It has too many block references");
    for (unsigned i = 0; i < record->block_count; i++)
        if (!wal_get_block(&cursor, bytes + length, &record->blocks[i]))
            return malformed(err, lsn, "Its block references are cut, or pass its end");
    uint64_t at = (uint64_t)(cursor - bytes);
    for (unsigned i = 0; i < record->block_count; i++) {
        rdb_wal_block *block = &record->blocks[i];
        if ((block->flags & ~(RDB_WAL_BLOCK_IMAGE | RDB_WAL_BLOCK_IMAGE_LZ4 | RDB_WAL_BLOCK_INIT | RDB_WAL_BLOCK_DATA_LZ4 | RDB_WAL_BLOCK_DATA_PACKED)) != 0 ||
            (block->flags & (RDB_WAL_BLOCK_DATA_LZ4 | RDB_WAL_BLOCK_DATA_PACKED)) == (RDB_WAL_BLOCK_DATA_LZ4 | RDB_WAL_BLOCK_DATA_PACKED))
            return malformed(err, lsn, "A block reference has unknown flags");
        bool image = (block->flags & (RDB_WAL_BLOCK_IMAGE | RDB_WAL_BLOCK_IMAGE_LZ4)) != 0;
        if (image != (block->image_bytes > 0))
            return malformed(err, lsn, "A block reference's flags do not agree with its image");
        if (block->image_bytes > length - at)
            return malformed(err, lsn, "A page image passes its end");
        block->image = image ? bytes + at : NULL;
        at += block->image_bytes;
        if (block->data_bytes > length - at)
            return malformed(err, lsn, "A block's data passes its end");
        block->data = bytes + at;
        at += block->data_bytes;
        if ((block->flags & RDB_WAL_BLOCK_DATA_LZ4) != 0 &&
            (block->data_bytes < 4 || rdb_get_u32(block->data) > RDB_WAL_BLOCK_DATA_PLAIN_MAX))
            return malformed(err, lsn, "A block's compressed data has no length");
    }
    record->data = bytes + at;
    record->data_bytes = (uint32_t)(length - at);
    return true;
}

bool rdb_wal_reader_open(rdb_wal_reader **out, const rdb_wal_config *config, rdb_lsn start, rdb_error *err)
{
    const rdb_wal_history history = {.timeline = config->incarnation};
    return rdb_wal_reader_open_along(out, config, NULL, &history, start, err);
}

bool rdb_wal_reader_open_along(rdb_wal_reader **out, const rdb_wal_config *config, const char *archive_directory,
                               const rdb_wal_history *history, rdb_lsn start, rdb_error *err)
{
    *out = NULL;
    if (!wal_config_check(config, err))
        return false;
    if (archive_directory != NULL && strlen(archive_directory) >= sizeof (*out)->archive)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "path of the WAL archive is too long");
    if (start % 8 != 0 || start < config->segment_bytes)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%llX is not a WAL position", (unsigned long long)start);
    rdb_wal_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL || (reader->window = malloc(WINDOW_BYTES)) == NULL) {
        free(reader);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    reader->config = *config;
    snprintf(reader->directory, sizeof reader->directory, "%s", config->directory != NULL ? config->directory : "");
    snprintf(reader->archive, sizeof reader->archive, "%s", archive_directory != NULL ? archive_directory : "");
    reader->config.directory = reader->directory;
    reader->history = *history;
    reader->file_number = UINT64_MAX;
    reader->position = wal_normalise(config, start);
    *out = reader;
    return true;
}

void rdb_wal_reader_close(rdb_wal_reader **handle)
{
    rdb_wal_reader *reader = *handle;
    rdb_error err = {0};
    *handle = NULL;
    if (reader == NULL)
        return;
    rdb_file_close(&reader->file, &err);
    rdb_error_clear(&err);
    free(reader->window);
    free(reader->record);
    free(reader);
}

rdb_lsn rdb_wal_reader_end(const rdb_wal_reader *reader)
{
    return reader->position;
}

/* Opens a file where it is there and is that segment of the log. Local bytes are made durable first with config.sync: recovery
 * writes pages by what it reads here, and must not run ahead of the disk; an archive's are. */
static bool try_file(rdb_wal_reader *reader, const char *path, uint64_t number, bool local, bool partial, rdb_error *err)
{
    uint8_t header[WAL_SEGMENT_HEADER_BYTES];
    uint64_t bytes = 0;
    bool sync = local && reader->config.sync;
    if (!rdb_path_exists(path))
        return true;
    if (!rdb_file_open(&reader->file, path, (sync ? RDB_FILE_WRITE : RDB_FILE_READ) | RDB_FILE_LOG, err) || (sync && !rdb_file_sync(reader->file, err)) ||
        !rdb_file_size(reader->file, &bytes, err))
        return false;
    bool fits = bytes == reader->config.segment_bytes || (partial && bytes >= sizeof header && bytes < reader->config.segment_bytes);
    if (fits && !rdb_file_read(reader->file, 0, header, sizeof header, NULL, err))
        return false;
    reader->file_bytes = bytes;
    if (!fits || !wal_segment_check_header(header, &reader->config, number))
        return rdb_file_close(&reader->file, err);
    return true;
}

static bool find_segment(rdb_wal_reader *reader, uint64_t number, rdb_error *err)
{
    char path[WAL_PATH_BYTES], name[RDB_WAL_ARCHIVE_NAME_BYTES];
    reader->config.incarnation = rdb_wal_history_timeline_at(&reader->history, reader->config.segment_bytes, number);
    if (reader->directory[0] != '\0') {
        wal_segment_path(path, reader->directory, number);
        if (!try_file(reader, path, number, true, false, err))
            return false;
    }
    rdb_wal_archive_name(name, reader->config.incarnation, number);
    for (unsigned partial = 0; partial < 2 && reader->file == NULL && reader->archive[0] != '\0'; partial++) {
        snprintf(path, sizeof path, "%s/%s%s", reader->archive, name, partial ? ".partial" : "");
        if (!try_file(reader, path, number, false, partial, err))
            return false;
    }
    return true;
}

/* Makes segment number the open one. *there false: no such file, or its header is another log's. */
static bool use_segment(rdb_wal_reader *reader, uint64_t number, bool *there, rdb_error *err)
{
    if (reader->file_number != number) {
        reader->file_number = UINT64_MAX; /* who fails here and asks again does not take a file for one that was looked into */
        reader->window_bytes = 0;
        if (!rdb_file_close(&reader->file, err))
            return false;
        if (!find_segment(reader, number, err)) {
            rdb_error ignored = {0};
            rdb_file_close(&reader->file, &ignored);
            rdb_error_clear(&ignored);
            return false;
        }
        reader->file_number = number;
    }
    *there = reader->file != NULL;
    return true;
}

/* *bytes points to what the window has from lsn on, *length tells how much; nothing where the segment is not there. */
static bool peek(rdb_wal_reader *reader, rdb_lsn lsn, const uint8_t **bytes, uint64_t *length, rdb_error *err)
{
    bool there = false;
    *length = 0;
    if (!use_segment(reader, wal_segment_number(&reader->config, lsn), &there, err))
        return false;
    if (!there)
        return true;
    if (reader->window_bytes == 0 || lsn < reader->window_lsn || lsn >= reader->window_lsn + reader->window_bytes) {
        uint64_t offset = lsn & (reader->config.segment_bytes - 1);
        uint64_t want = RDB_MIN((uint64_t)WINDOW_BYTES, reader->config.segment_bytes - offset);
        reader->window_bytes = 0;
        uint64_t there_bytes = offset >= reader->file_bytes ? 0 : RDB_MIN(want, reader->file_bytes - offset);
        if (there_bytes > 0 && !rdb_file_read(reader->file, offset, reader->window, there_bytes, NULL, err))
            return false;
        memset(reader->window + there_bytes, 0, want - there_bytes);
        reader->window_lsn = lsn;
        reader->window_bytes = want;
    }
    *bytes = reader->window + (lsn - reader->window_lsn);
    *length = reader->window_lsn + reader->window_bytes - lsn;
    return true;
}

/* Copies length bytes of the log from lsn on; *whole false where it ends before. */
static bool fetch(rdb_wal_reader *reader, rdb_lsn lsn, uint8_t *target, uint64_t length, bool *whole, rdb_error *err)
{
    *whole = false;
    while (length > 0) {
        const uint8_t *bytes = NULL;
        uint64_t got = 0;
        lsn = wal_normalise(&reader->config, lsn);
        if (!peek(reader, lsn, &bytes, &got, err))
            return false;
        if (got == 0)
            return true;
        got = RDB_MIN(got, length);
        memcpy(target, bytes, got);
        target += got;
        lsn += got;
        length -= got;
    }
    *whole = true;
    return true;
}

/* Reads the record at lsn into reader->record where there is a valid one. *stop is where a record whose header looks
 * right would end, else lsn. */
static bool load_record(rdb_wal_reader *reader, rdb_lsn lsn, bool *valid, uint32_t *length, rdb_lsn *stop, rdb_error *err)
{
    uint8_t header[WAL_RECORD_BYTES_MIN];
    bool whole = false;
    *valid = false;
    *length = 0;
    *stop = lsn;
    if (!fetch(reader, lsn, header, sizeof header, &whole, err))
        return false;
    uint32_t bytes = rdb_get_u32(header);
    if (!whole || bytes < sizeof header || bytes > RDB_WAL_RECORD_MAX)
        return true;
    bool looks_right = header[8] != 0 && header[8] < RDB_RESOURCE_COUNT && header[10] <= RDB_WAL_BLOCKS_MAX;
    /* Where the header itself crosses into the next segment, a crash may have kept its length and nothing behind. */
    if (!looks_right && wal_segment_number(&reader->config, lsn + sizeof header - 1) == wal_segment_number(&reader->config, lsn))
        return true;
    rdb_lsn end = wal_advance(&reader->config, lsn, bytes);
    if (wal_segment_number(&reader->config, end - 1) != wal_segment_number(&reader->config, lsn)) {
        /* Its last segment must be there before a length that may be garbage makes us allocate. */
        if (!use_segment(reader, wal_segment_number(&reader->config, end - 1), &whole, err))
            return false;
        if (!whole)
            return true;
    }
    *stop = end;
    if (!looks_right)
        return true;
    if (bytes > reader->record_capacity) {
        uint64_t capacity = RDB_MAX(UINT64_C(64) << 10, (uint64_t)bytes + bytes / 4);
        uint8_t *grown = realloc(reader->record, capacity);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        reader->record = grown;
        reader->record_capacity = capacity;
    }
    if (!fetch(reader, lsn, reader->record, bytes, &whole, err))
        return false;
    if (!whole)
        return true;
    rdb_wal_config at_begin = reader->config; /* the segment in hand may be the one it ends in */
    at_begin.incarnation = rdb_wal_history_timeline_at(&reader->history, reader->config.segment_bytes, wal_segment_number(&reader->config, lsn));
    uint32_t crc = rdb_crc32c(wal_record_seed(&at_begin, lsn), reader->record + 8, bytes - 8);
    *valid = crc == rdb_get_u32(reader->record + 4);
    *length = bytes;
    return true;
}

/* The log stops at reader->position. A segment is synced before the next one is written, so valid records in a segment
 * after the one in which the broken record (as far as its header can be believed) would end prove damage. */
static bool judge_end(rdb_wal_reader *reader, rdb_lsn stop, rdb_error *err)
{
    uint64_t number = wal_segment_number(&reader->config, stop > reader->position ? stop - 1 : stop) + 1;
    rdb_lsn at = number * reader->config.segment_bytes + WAL_SEGMENT_HEADER_BYTES;
    /* Its first MiB is enough but for a record still larger that runs into it; a restart must not take long over a
     * recycled segment full of old records. */
    rdb_lsn limit = number * reader->config.segment_bytes + RDB_MIN((uint64_t)JUDGE_BYTES, reader->config.segment_bytes);
    while (at < limit) {
        const uint8_t *bytes = NULL;
        uint64_t got = 0, skip = 0;
        if (!peek(reader, at, &bytes, &got, err))
            return false;
        if (got == 0)
            return true; /* no such segment */
        while (skip + 8 <= got && rdb_get_u64(bytes + skip) == 0)
            skip += 8;
        at += skip;
        if (skip > 0)
            continue;
        bool valid = false;
        uint32_t length = 0;
        rdb_lsn end = 0;
        /* Cheap refusals first: most of a recycled segment looks like nothing at all. */
        uint32_t claimed = rdb_get_u32(bytes);
        if (claimed < WAL_RECORD_BYTES_MIN || claimed > limit - at) {
            at += 8;
            continue;
        }
        if (!load_record(reader, at, &valid, &length, &end, err))
            return false;
        if (valid) {
            rdb_error_set(err, RDB_DATA_CORRUPTED, "the WAL is damaged at %llX", (unsigned long long)reader->position);
            rdb_error_detail(err, "No valid record is there, but %llX in a later segment holds one. Directory \"%s\".",
                             (unsigned long long)at, reader->directory);
            return rdb_error_hint(err, "Restore the segment from the archive, or recover to a point before the damage.");
        }
        at += 8;
    }
    return true;
}

bool rdb_wal_reader_seek(rdb_wal_reader *reader, rdb_lsn limit, bool *found, rdb_error *err)
{
    *found = false;
    for (rdb_lsn at = reader->position; at < limit; at += 8) {
        const uint8_t *bytes = NULL;
        uint64_t got = 0;
        uint32_t length = 0;
        rdb_lsn end = 0;
        at = wal_normalise(&reader->config, at);
        if (at >= limit || !peek(reader, at, &bytes, &got, err))
            return at >= limit;
        if (got < 8 || rdb_get_u32(bytes) < WAL_RECORD_BYTES_MIN || rdb_get_u32(bytes) > RDB_WAL_RECORD_MAX)
            continue;
        if (!load_record(reader, at, found, &length, &end, err))
            return false;
        if (*found) {
            reader->position = at;
            return true;
        }
    }
    return true;
}

bool rdb_wal_look_at(const char *directory, rdb_wal_look *look, bool *found, rdb_error *err)
{
    uint64_t *numbers;
    uint32_t count;
    rdb_arena *arena = rdb_arena_create("wal segments", NULL, NULL);
    *found = false;
    *look = (rdb_wal_look){0};
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = wal_segment_list(directory, arena, &numbers, &count, err);
    for (uint32_t i = count; ok && i-- > 0;) { /* the newest first: older ones of another log do not count */
        char path[WAL_PATH_BYTES];
        uint8_t header[WAL_SEGMENT_HEADER_BYTES] = {0};
        rdb_file *file = NULL;
        size_t got = 0;
        wal_segment_path(path, directory, numbers[i]);
        ok = rdb_file_open(&file, path, RDB_FILE_READ, err) && rdb_file_read(file, 0, header, sizeof header, &got, err);
        ok = rdb_file_close(&file, err) && ok;
        if (!ok || got != sizeof header || memcmp(header, WAL_SEGMENT_MAGIC, 8) != 0)
            continue;
        rdb_wal_config config = {.system_id = rdb_get_u64(header + 8), .segment_bytes = rdb_get_u32(header + 24),
                                 .incarnation = rdb_get_u32(header + 28), .thread_no = rdb_get_u16(header + 32)};
        if (!wal_segment_check_header(header, &config, numbers[i]) || (*found && (config.system_id != look->system_id || config.incarnation != look->incarnation)))
            continue;
        if (!*found)
            *look = (rdb_wal_look){.system_id = config.system_id, .last_segment = numbers[i], .segment_bytes = config.segment_bytes,
                                   .incarnation = config.incarnation, .thread_no = config.thread_no};
        look->first_segment = numbers[i];
        *found = true;
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* Where a timeline of the past ended, the next one begins with the segment behind. */
static rdb_lsn follow_branch(const rdb_wal_reader *reader, rdb_lsn lsn)
{
    for (uint32_t i = 0; i < reader->history.branch_count; i++) {
        rdb_lsn end = reader->history.branches[i].end_lsn;
        uint64_t last = (end - 1) / reader->config.segment_bytes;
        if (lsn >= end && wal_segment_number(&reader->config, lsn - 1) == last)
            lsn = (last + 1) * reader->config.segment_bytes + WAL_SEGMENT_HEADER_BYTES;
    }
    return lsn;
}

uint32_t rdb_wal_reader_timeline(const rdb_wal_reader *reader)
{
    return rdb_wal_history_timeline_at(&reader->history, reader->config.segment_bytes, wal_segment_number(&reader->config, reader->position - 1));
}

bool rdb_wal_reader_next(rdb_wal_reader *reader, rdb_wal_record *record, bool *found, rdb_error *err)
{
    uint32_t length = 0;
    rdb_lsn stop = 0;
    *found = false;
    rdb_lsn next = follow_branch(reader, reader->position);
    if (next != reader->position) {
        bool there = false;
        if (!use_segment(reader, wal_segment_number(&reader->config, next), &there, err))
            return false;
        if (!there) /* the branch was made and nothing logged on it */
            return true;
        reader->position = next;
    }
    if (!load_record(reader, reader->position, found, &length, &stop, err))
        return false;
    if (!*found)
        return judge_end(reader, stop, err);
    *found = false;
    if (!rdb_wal_record_decode(reader->record, length, reader->position, record, err))
        return false;
    stop = wal_advance(&reader->config, reader->position, RDB_ALIGN_UP((uint64_t)length, UINT64_C(8)));
    record->thread_no = reader->config.thread_no;
    record->end_lsn = reader->position = wal_normalise(&reader->config, stop);
    *found = true;
    return true;
}

void wal_reader_move(rdb_wal_reader *reader, rdb_lsn lsn)
{
    reader->position = wal_normalise(&reader->config, lsn);
}

bool wal_reader_claims(rdb_wal_reader *reader, uint32_t *bytes, rdb_error *err)
{
    uint8_t length[4] = {0};
    bool whole = false;
    *bytes = 0;
    if (!fetch(reader, reader->position, length, sizeof length, &whole, err))
        return false;
    if (whole)
        *bytes = rdb_get_u32(length);
    return true;
}

bool wal_reader_check(rdb_wal_reader *reader, bool *valid, bool *gap_is_zero, rdb_lsn *next, rdb_error *err)
{
    uint32_t length = 0;
    rdb_lsn stop = 0;
    bool whole = false;
    uint8_t gap[8] = {0};
    *gap_is_zero = true;
    *next = reader->position;
    if (!load_record(reader, reader->position, valid, &length, &stop, err) || !*valid)
        return !rdb_error_is_set(err);
    uint32_t gap_bytes = (uint32_t)(RDB_ALIGN_UP((uint64_t)length, UINT64_C(8)) - length);
    if (!fetch(reader, stop, gap, gap_bytes, &whole, err))
        return false;
    *gap_is_zero = !whole || rdb_get_u64(gap) == 0;
    *next = wal_normalise(&reader->config, wal_advance(&reader->config, reader->position, (uint64_t)length + gap_bytes));
    return true;
}
