/* SPDX-License-Identifier: Apache-2.0
 * The log of a closed instance, byte by byte: what recovery only meets where it has to begin earlier than it did. */
#include "wal_int.h"

#include <stdio.h>

typedef struct verification {
    const rdb_wal_config *config;
    rdb_wal_complain complain;
    void *context;
    rdb_wal_checked *checked;
} verification;

static void complain_at(verification *v, uint64_t number, uint64_t offset, const char *problem)
{
    char name[17];
    snprintf(name, sizeof name, "%016llx", (unsigned long long)number);
    v->checked->problems++;
    v->complain(v->context, name, offset, problem);
}

static void complain_lsn(verification *v, rdb_lsn lsn, const char *problem)
{
    complain_at(v, wal_segment_number(v->config, lsn), lsn & (v->config->segment_bytes - 1), problem);
}

typedef enum header_state { HEADER_GOOD, HEADER_OTHERS, HEADER_BAD } header_state;

/* A whole header of another segment stands in a file that a crash kept from its new name; one of another incarnation is of a life before. */
static bool read_header(const verification *v, uint64_t number, header_state *state, rdb_error *err)
{
    char path[WAL_PATH_BYTES];
    uint8_t header[WAL_SEGMENT_HEADER_BYTES] = {0};
    rdb_file *file = NULL;
    uint64_t bytes = 0;
    size_t got = 0;
    wal_segment_path(path, v->config->directory, number);
    bool ok = rdb_file_open(&file, path, RDB_FILE_READ, err) && rdb_file_size(file, &bytes, err) &&
              rdb_file_read(file, 0, header, sizeof header, &got, err);
    ok = rdb_file_close(&file, err) && ok;
    *state = HEADER_BAD;
    if (bytes != v->config->segment_bytes)
        return ok;
    if (wal_segment_check_header(header, v->config, number))
        *state = HEADER_GOOD;
    else if (memcmp(header, WAL_SEGMENT_MAGIC, 8) == 0 && rdb_get_u32(header + 60) == rdb_crc32c(0, header, 60))
        *state = HEADER_OTHERS;
    return ok;
}

/* Headers of all segments; *first: the number from which on the log runs without a break. */
static bool verify_headers(verification *v, rdb_lsn needed, rdb_lsn last, uint64_t *first, rdb_error *err)
{
    uint64_t *numbers = NULL, last_number = wal_segment_number(v->config, last), needed_number = wal_segment_number(v->config, needed);
    uint32_t count = 0;
    rdb_arena *arena = rdb_arena_create("wal segments", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = wal_segment_list(v->config->directory, arena, &numbers, &count, err);
    *first = last_number + 1;
    for (uint32_t i = ok ? count : 0; ok && i-- > 0;) {
        header_state state;
        ok = read_header(v, numbers[i], &state, err);
        if (!ok)
            break;
        v->checked->segments++;
        if (state == HEADER_BAD || (state == HEADER_OTHERS && numbers[i] >= needed_number))
            complain_at(v, numbers[i], 0, "Its header or its length is not that of a segment of this log");
        if (numbers[i] + 1 == *first && (state == HEADER_GOOD || numbers[i] >= needed_number))
            *first = numbers[i];
    }
    if (ok && *first > needed_number) {
        complain_at(v, *first - 1, 0, "It is missing, or cannot be found by its header");
        *first = RDB_MIN(*first, last_number);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_wal_verify(const rdb_wal_config *config, rdb_lsn needed, rdb_lsn last, rdb_wal_complain complain, void *context,
                    rdb_wal_checked *checked, rdb_error *err)
{
    verification v = {.config = config, .complain = complain, .context = context, .checked = checked};
    rdb_wal_reader *reader = NULL;
    uint64_t first = 0;
    bool found = false;
    *checked = (rdb_wal_checked){0};
    if (!wal_config_check(config, err) || !verify_headers(&v, needed, last, &first, err))
        return false;
    if (!rdb_wal_reader_open(&reader, config, first * config->segment_bytes + WAL_SEGMENT_HEADER_BYTES, err))
        return false;
    /* What a record of a segment that is gone left at the begin of the first one belongs to nobody. */
    bool ok = rdb_wal_reader_seek(reader, RDB_MIN(needed, last), &found, err);
    rdb_lsn at = found ? rdb_wal_reader_end(reader) : RDB_MIN(needed, last);
    checked->first = at;
    while (ok && at <= last) {
        bool valid = false, gap_is_zero = true;
        rdb_lsn next = at;
        wal_reader_move(reader, at);
        ok = wal_reader_check(reader, &valid, &gap_is_zero, &next, err);
        if (!ok)
            break;
        if (valid) {
            checked->records++;
            checked->bytes += next - at;
            if (!gap_is_zero)
                complain_lsn(&v, next - 8, "The bytes behind a record are not zero");
            at = next;
            continue;
        }
        complain_lsn(&v, at, "No valid record stands where one is due");
        wal_reader_move(reader, at + 8);
        ok = rdb_wal_reader_seek(reader, last + 8, &found, err);
        at = found ? rdb_wal_reader_end(reader) : last + 8;
    }
    rdb_wal_reader_close(&reader);
    return ok;
}

/* ---- an archive ------------------------------------------------------------------------------------------------------ */
typedef struct archive_walk {
    const char *directory;
    rdb_wal_config config;
    rdb_wal_history history;
    const rdb_wal_archive_check *check;
    rdb_lsn known_lsn, end_lsn;
} archive_walk;

/* The name that the segment has there, and how long its file is. */
static uint64_t archived_file(const archive_walk *w, uint64_t number, char name[RDB_WAL_ARCHIVE_NAME_BYTES])
{
    char path[WAL_PATH_BYTES];
    rdb_wal_archive_name(name, w->history.timeline, number);
    snprintf(path, sizeof path, "%s/%s", w->directory, name);
    if (!rdb_path_exists(path)) {
        snprintf(name + 24, RDB_WAL_ARCHIVE_NAME_BYTES - 24, ".partial");
        snprintf(path, sizeof path, "%s/%s", w->directory, name);
    }
    return rdb_path_bytes(path);
}

static void complain_archived(const archive_walk *w, rdb_lsn lsn, const char *problem)
{
    char name[RDB_WAL_ARCHIVE_NAME_BYTES];
    archived_file(w, wal_segment_number(&w->config, lsn), name);
    w->check->on_damage(w->check->context, name, lsn & (w->config.segment_bytes - 1), problem);
}

/* A header that is wrong makes the reader take the segment for another's: it is told here. */
static bool check_archived_header(const archive_walk *w, uint64_t number, bool *good, rdb_error *err)
{
    char name[RDB_WAL_ARCHIVE_NAME_BYTES], path[WAL_PATH_BYTES];
    uint8_t header[WAL_SEGMENT_HEADER_BYTES] = {0};
    rdb_file *file = NULL;
    size_t got = 0;
    uint64_t bytes = 0;
    bool ok = false;
    for (int attempt = 0; !ok && attempt < 2; attempt++) { /* a partial one may be getting its final name just now */
        rdb_error mine = {0};
        bytes = archived_file(w, number, name);
        snprintf(path, sizeof path, "%s/%s", w->directory, name);
        ok = rdb_file_open(&file, path, RDB_FILE_READ, &mine);
        if (!ok && (attempt == 1 || !rdb_error_is(&mine, RDB_UNDEFINED_FILE))) {
            rdb_error_move(err, &mine);
            return false;
        }
        rdb_error_clear(&mine);
    }
    bool is_partial = strlen(name) > 24;
    ok = rdb_file_read(file, 0, header, sizeof header, &got, err);
    ok = rdb_file_close(&file, err) && ok;
    *good = false;
    if (!ok)
        return false;
    if (got < sizeof header || !wal_segment_check_header(header, &w->config, number))
        w->check->on_damage(w->check->context, name, 0, "its header is not that of this segment of the log");
    else if (is_partial ? bytes > w->config.segment_bytes : bytes != w->config.segment_bytes)
        w->check->on_damage(w->check->context, name, RDB_MIN(bytes, (uint64_t)w->config.segment_bytes), "its length is not that of a segment");
    else
        *good = true;
    return true;
}

/* Segments first .. last, which all are there. */
static bool verify_run(const archive_walk *w, uint64_t first, uint64_t last, rdb_error *err)
{
    rdb_wal_reader *reader = NULL;
    char name[RDB_WAL_ARCHIVE_NAME_BYTES];
    bool found = false;
    uint64_t length = archived_file(w, last, name);
    rdb_lsn end = RDB_MIN(last * w->config.segment_bytes + RDB_MIN(length, (uint64_t)w->config.segment_bytes), w->end_lsn);
    if (!rdb_wal_reader_open_along(&reader, &w->config, w->directory, &w->history, first * w->config.segment_bytes + WAL_SEGMENT_HEADER_BYTES, err))
        return false;
    /* What a record that began before has left at the front of the first belongs to a segment that is not here. */
    rdb_lsn begin = first * w->config.segment_bytes, limit = w->known_lsn > begin && w->known_lsn < end ? w->known_lsn : end;
    bool ok = rdb_wal_reader_seek(reader, limit, &found, err);
    rdb_lsn at = found ? rdb_wal_reader_end(reader) : limit;
    while (ok && at < end) {
        bool valid = false, gap_is_zero = true;
        rdb_lsn next = at;
        wal_reader_move(reader, at);
        if (!(ok = wal_reader_check(reader, &valid, &gap_is_zero, &next, err)))
            break;
        if (valid) {
            if (!gap_is_zero)
                complain_archived(w, next - 8, "the bytes behind a record are not zero");
            at = next;
            continue;
        }
        uint32_t claimed = 0;
        bool runs_over = false;
        if (!(ok = wal_reader_claims(reader, &claimed, err)))
            break;
        if (claimed >= WAL_RECORD_BYTES_MIN && claimed <= RDB_WAL_RECORD_MAX)
            runs_over = wal_advance(&w->config, at, claimed) > end;
        if (runs_over) /* the rest of it is not archived yet, or the branch cut it off */
            break;
        complain_archived(w, at, "no valid record stands where one is due");
        wal_reader_move(reader, at + 8);
        ok = rdb_wal_reader_seek(reader, end, &found, err);
        at = found ? rdb_wal_reader_end(reader) : end;
    }
    rdb_wal_reader_close(&reader);
    return ok;
}

/* The numbers of a timeline's segments, whole or partial, each once, in order. */
static bool list_archived(const char *directory, uint32_t timeline, rdb_arena *arena, uint64_t **numbers, uint32_t *count, rdb_error *err)
{
    rdb_list names = {0};
    *count = 0;
    if (!rdb_path_list(directory, arena, &names, err))
        return false;
    *numbers = rdb_arena_try_alloc(arena, (names.count + 1) * sizeof **numbers, err);
    if (*numbers == NULL)
        return false;
    for (uint32_t i = 0; i < names.count; i++) { /* by name, which is by timeline and number */
        uint32_t its;
        uint64_t number;
        bool is_partial;
        if (rdb_wal_archive_parse_name(names.items[i], &its, &number, &is_partial) && its == timeline && (*count == 0 || (*numbers)[*count - 1] != number))
            (*numbers)[(*count)++] = number;
    }
    return true;
}

bool rdb_wal_archive_verify(const char *directory, const rdb_wal_config *config, uint32_t timeline, rdb_lsn known_lsn, rdb_lsn end_lsn, const rdb_wal_archive_check *check,
                            rdb_error *err)
{
    archive_walk w = {.directory = directory, .config = *config, .history = {.timeline = timeline}, .check = check, .known_lsn = known_lsn, .end_lsn = end_lsn};
    uint64_t *numbers = NULL, run_begin = 0;
    uint32_t count = 0;
    bool in_run = false;
    w.config.incarnation = timeline;
    w.config.directory = NULL;
    w.config.sync = false;
    rdb_arena *arena = rdb_arena_create("archive", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = list_archived(directory, timeline, arena, &numbers, &count, err);
    for (uint32_t i = 0; ok && i <= count; i++) { /* one more: the last run ends */
        bool good = false, follows = i > 0 && i < count && numbers[i] == numbers[i - 1] + 1;
        if (i > 0 && i < count && !follows)
            check->on_gap(check->context, timeline, numbers[i - 1] + 1, numbers[i] - 1);
        ok = i == count || check_archived_header(&w, numbers[i], &good, err);
        if (ok && in_run && !(good && follows)) {
            in_run = false;
            ok = verify_run(&w, run_begin, numbers[i - 1], err);
        }
        if (good && !in_run) {
            in_run = true;
            run_begin = numbers[i];
        }
    }
    rdb_arena_destroy(arena);
    return ok;
}
