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
