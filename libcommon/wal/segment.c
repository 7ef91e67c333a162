/* SPDX-License-Identifier: Apache-2.0
 * Segment files: made whole (zero-filled, headed, synced, named) before a byte is reserved in them; recycled by a new
 * header and a new name. A recycled segment keeps its old bytes: they carry the checksums of other LSNs, so they end the
 * log like zeroes do. One file more, the reserve, lies beside them for the checkpoint that a full disk must not stop: only
 * a checkpoint gives segments back. */
#include "wal_int.h"

#include <stdio.h>
#include <stdlib.h>

void wal_segment_path(char path[WAL_PATH_BYTES], const char *directory, uint64_t number)
{
    snprintf(path, WAL_PATH_BYTES, "%s/%016llx", directory, (unsigned long long)number);
}

void rdb_wal_locate(const rdb_wal *wal, rdb_lsn lsn, char file_name[17], uint32_t *offset)
{
    snprintf(file_name, 17, "%016llx", (unsigned long long)wal_segment_number(&wal->config, lsn - (lsn > 0)));
    *offset = (uint32_t)(lsn & (wal->config.segment_bytes - 1));
}

void wal_segment_make_header(uint8_t header[WAL_SEGMENT_HEADER_BYTES], const rdb_wal_config *config, uint64_t number)
{
    memset(header, 0, WAL_SEGMENT_HEADER_BYTES);
    memcpy(header, WAL_SEGMENT_MAGIC, 8);
    rdb_put_u64(header + 8, config->system_id);
    rdb_put_u64(header + 16, number);
    rdb_put_u32(header + 24, config->segment_bytes);
    rdb_put_u32(header + 28, config->incarnation);
    rdb_put_u16(header + 32, config->thread_no);
    rdb_put_u32(header + 60, rdb_crc32c(0, header, 60));
}

bool wal_segment_check_header(const uint8_t header[WAL_SEGMENT_HEADER_BYTES], const rdb_wal_config *config, uint64_t number)
{
    uint8_t expected[WAL_SEGMENT_HEADER_BYTES];
    wal_segment_make_header(expected, config, number);
    return memcmp(header, expected, WAL_SEGMENT_HEADER_BYTES) == 0;
}

bool wal_config_check(const rdb_wal_config *config, rdb_error *err)
{
    uint32_t segment = config->segment_bytes, ring = config->ring_bytes;
    if (segment < (1u << 20) || segment > (256u << 20) || (segment & (segment - 1)) != 0)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE,
                             "WAL segment size %u is not a power of two between 1 MiB and 256 MiB", segment);
    if (ring < (16u << 10) || ring > (1u << 30) || (ring & (ring - 1)) != 0)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE,
                             "WAL buffer size %u is not a power of two between 16 KiB and 1 GiB", ring);
    if (config->directory != NULL && strlen(config->directory) >= WAL_PATH_BYTES - 64)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "path of the WAL directory is too long");
    return true;
}

bool wal_segment_list(const char *directory, rdb_arena *arena, uint64_t **numbers, uint32_t *count, rdb_error *err)
{
    rdb_list names = {0};
    *numbers = NULL;
    *count = 0;
    if (!rdb_path_list(directory, arena, &names, err))
        return false;
    *numbers = rdb_arena_try_alloc(arena, sizeof(uint64_t) * (names.count + 1), err);
    if (*numbers == NULL)
        return false;
    for (uint32_t i = 0; i < names.count; i++) { /* sorted by name is sorted by number */
        if (wal_parse_segment_name(rdb_list_get(&names, i), &(*numbers)[*count]))
            (*count)++;
    }
    return true;
}

static void reserve_path(char path[WAL_PATH_BYTES], const rdb_wal *wal)
{
    snprintf(path, WAL_PATH_BYTES, "%s/reserve", wal->directory);
}

/* A whole new segment under its final name, durable. */
static bool create_segment(rdb_wal *wal, uint64_t number, const char *path, rdb_error *err)
{
    char temporary[WAL_PATH_BYTES];
    uint8_t header[WAL_SEGMENT_HEADER_BYTES];
    rdb_file *file = NULL;
    bool ok = false;
    snprintf(temporary, sizeof temporary, "%s/prepare.tmp", wal->directory);
    wal_segment_make_header(header, &wal->config, number);
    if (!rdb_file_open(&file, temporary, RDB_FILE_CREATE | RDB_FILE_TRUNCATE | RDB_FILE_LOG, err))
        goto out;
    ok = rdb_file_zero_fill(file, 0, wal->config.segment_bytes, err) && rdb_file_write(file, 0, header, sizeof header, err) &&
         (!wal->config.sync || rdb_file_sync(file, err));
out:
    ok = rdb_file_close(&file, err) && ok;
    ok = ok && rdb_path_rename(temporary, path, err) && (!wal->config.sync || rdb_path_sync_directory(wal->directory, err));
    if (!ok) { /* gives the space back at once: a disk that is nearly full needs it */
        rdb_error ignored = {0};
        (void)!rdb_path_remove(temporary, true, &ignored);
        rdb_error_clear(&ignored);
    }
    return ok;
}

/* Gives the file at old_path a new life as segment new_number. The header goes first: a crash before the rename leaves
 * an old, unneeded name whose header says that it is nobody's. */
static bool recycle_segment(rdb_wal *wal, const char *old_path, uint64_t new_number, rdb_error *err)
{
    char new_path[WAL_PATH_BYTES];
    uint8_t header[WAL_SEGMENT_HEADER_BYTES];
    rdb_file *file = NULL;
    bool ok = false;
    wal_segment_path(new_path, wal->directory, new_number);
    wal_segment_make_header(header, &wal->config, new_number);
    if (!rdb_file_open(&file, old_path, RDB_FILE_WRITE | RDB_FILE_LOG, err))
        return false;
    ok = rdb_file_write(file, 0, header, sizeof header, err) && (!wal->config.sync || rdb_file_sync(file, err));
    ok = rdb_file_close(&file, err) && ok;
    ok = ok && rdb_path_rename(old_path, new_path, err);
    return ok && (!wal->config.sync || rdb_path_sync_directory(wal->directory, err));
}

bool wal_prepare_until(rdb_wal *wal, rdb_lsn stop, bool use_reserve, rdb_error *err)
{
    bool ok = true;
    rdb_mutex_lock(&wal->segment_lock);
    for (;;) {
        rdb_lsn prepared = atomic_load_explicit(&wal->prepared_lsn, memory_order_relaxed);
        uint64_t number = wal_segment_number(&wal->config, prepared);
        char path[WAL_PATH_BYTES];
        if (prepared >= stop)
            break;
        wal_segment_path(path, wal->directory, number);
        ok = create_segment(wal, number, path, err);
        if (ok)
            atomic_fetch_add_explicit(&wal->created_count, 1, memory_order_relaxed);
        if (!ok && use_reserve && wal->has_reserve && strcmp(err->sqlstate, RDB_DISK_FULL) == 0) {
            rdb_error_clear(err);
            reserve_path(path, wal);
            ok = recycle_segment(wal, path, number, err);
            wal->has_reserve = !ok && rdb_path_exists(path);
        }
        if (!ok)
            break;
        atomic_store_explicit(&wal->prepared_lsn, prepared + wal->config.segment_bytes, memory_order_release);
    }
    rdb_mutex_unlock(&wal->segment_lock);
    return ok;
}

bool rdb_wal_secure_room(rdb_wal *wal, uint64_t bytes, rdb_error *err)
{
    rdb_lsn from = atomic_load_explicit(&wal->insert_lsn, memory_order_relaxed);
    return wal_prepare_until(wal, wal_advance(&wal->config, from, bytes), true, err);
}

/* Sets the reserve aside where the disk has room to spare: what is scarce already is left to the log and the tables. */
static bool make_reserve(rdb_wal *wal, rdb_error *err)
{
    enum { PLENTY = 4 }; /* segments */
    char path[WAL_PATH_BYTES];
    uint64_t free_bytes = 0;
    if (wal->has_reserve)
        return true;
    reserve_path(path, wal);
    if (!rdb_path_free_bytes(wal->directory, &free_bytes, err))
        return false;
    if (free_bytes < PLENTY * (uint64_t)wal->config.segment_bytes)
        return true;
    wal->has_reserve = create_segment(wal, 0, path, err);
    return wal->has_reserve;
}

/* Zeroes the file from offset to its end where it is not zero already. What a crash left there may be whole records that
 * were never durable; new records would grow up to them and revive them. */
static bool wipe_tail(rdb_wal *wal, rdb_file *file, uint64_t offset, rdb_error *err)
{
    enum { CHUNK = 256 << 10 };
    uint8_t *bytes = malloc(2 * CHUNK), *zeroes = bytes + CHUNK;
    bool ok = true, dirty = false;
    if (bytes == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    memset(zeroes, 0, CHUNK);
    while (ok && offset < wal->config.segment_bytes) {
        size_t length = RDB_MIN((uint64_t)CHUNK, wal->config.segment_bytes - offset);
        ok = rdb_file_read(file, offset, bytes, length, NULL, err);
        if (ok && memcmp(bytes, zeroes, length) != 0) {
            ok = rdb_file_write(file, offset, zeroes, length, err);
            dirty = true;
        }
        offset += length;
    }
    if (ok && dirty && wal->config.sync)
        ok = rdb_file_sync(file, err);
    free(bytes);
    return ok;
}

/* Makes the log's directory where it is missing; its name is durable before a segment in it counts. */
static bool make_directory(rdb_wal *wal, rdb_error *err)
{
    char parent[sizeof wal->directory];
    if (rdb_path_exists(wal->directory))
        return true;
    if (!rdb_path_make_directory(wal->directory, 0700, true, err))
        return false;
    snprintf(parent, sizeof parent, "%s", wal->directory);
    char *slash = strrchr(parent, '/');
    if (slash != NULL && slash != parent)
        *slash = '\0';
    return !wal->config.sync || rdb_path_sync_directory(slash == NULL ? "." : slash == parent ? "/" : parent, err);
}

bool wal_segments_begin(rdb_wal *wal, rdb_lsn end_lsn, rdb_error *err)
{
    uint64_t number = wal_segment_number(&wal->config, end_lsn), *numbers = NULL;
    uint32_t count = 0;
    char path[WAL_PATH_BYTES];
    bool exists = false, ok = false, removed = false;
    rdb_file *file = NULL;
    rdb_arena *arena = rdb_arena_create("wal segments", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!make_directory(wal, err) || !wal_segment_list(wal->directory, arena, &numbers, &count, err))
        goto out;
    wal->oldest_segment = count > 0 && numbers[0] < number ? numbers[0] : number;
    reserve_path(path, wal);
    wal->has_reserve = rdb_path_exists(path);
    for (uint32_t i = count; i > 0; i--) { /* from the end, so that a crash here leaves no gap */
        if (numbers[i - 1] == number)
            exists = true;
        if (numbers[i - 1] <= number)
            continue;
        wal_segment_path(path, wal->directory, numbers[i - 1]);
        if (!rdb_path_remove(path, true, err))
            goto out;
        removed = true;
    }
    if (removed && wal->config.sync && !rdb_path_sync_directory(wal->directory, err))
        goto out;
    atomic_store(&wal->prepared_lsn, number * wal->config.segment_bytes);
    if (!exists) {
        if ((end_lsn & (wal->config.segment_bytes - 1)) != WAL_SEGMENT_HEADER_BYTES) {
            wal_segment_path(path, wal->directory, number);
            rdb_error_set(err, RDB_UNDEFINED_FILE, "the last WAL segment is missing");
            rdb_error_detail(err, "File \"%s\".", path);
            goto out;
        }
        ok = wal_prepare_until(wal, (number + 1) * wal->config.segment_bytes, true, err);
        goto out;
    }
    uint8_t header[WAL_SEGMENT_HEADER_BYTES];
    wal_segment_path(path, wal->directory, number);
    if (!rdb_file_open(&file, path, RDB_FILE_WRITE | RDB_FILE_LOG, err) || !rdb_file_read(file, 0, header, sizeof header, NULL, err))
        goto out;
    if (!wal_segment_check_header(header, &wal->config, number)) {
        if ((end_lsn & (wal->config.segment_bytes - 1)) != WAL_SEGMENT_HEADER_BYTES) {
            rdb_error_set(err, RDB_DATA_CORRUPTED, "the last WAL segment has a wrong header");
            rdb_error_detail(err, "File \"%s\".", path);
            goto out;
        }
        ok = rdb_file_close(&file, err) && wal_prepare_until(wal, (number + 1) * wal->config.segment_bytes, true, err);
        goto out;
    }
    ok = wipe_tail(wal, file, end_lsn & (wal->config.segment_bytes - 1), err);
    atomic_store(&wal->prepared_lsn, (number + 1) * wal->config.segment_bytes);
out:
    ok = rdb_file_close(&file, err) && ok;
    ok = ok && make_reserve(wal, err);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_wal_release(rdb_wal *wal, rdb_lsn below, rdb_error *err)
{
    bool ok = true, changed = false;
    rdb_mutex_lock(&wal->segment_lock);
    /* Nothing at or above what is durable goes, whatever the caller says: write_out may still have it open. */
    rdb_lsn durable = atomic_load_explicit(&wal->durable_lsn, memory_order_acquire);
    uint64_t limit = wal_segment_number(&wal->config, RDB_MIN(below, durable));
    while (ok && wal->oldest_segment < limit) {
        char path[WAL_PATH_BYTES];
        uint64_t number = wal->oldest_segment;
        rdb_lsn prepared = atomic_load_explicit(&wal->prepared_lsn, memory_order_relaxed);
        rdb_lsn inserted = atomic_load_explicit(&wal->insert_lsn, memory_order_relaxed);
        wal_segment_path(path, wal->directory, number);
        uint64_t ahead = prepared > inserted ? (prepared - inserted) / wal->config.segment_bytes : 0;
        if (!rdb_path_exists(path)) {
            /* a gap: removed by hand or by an earlier life */
        } else if (!wal->has_reserve) {
            char reserve[WAL_PATH_BYTES];
            reserve_path(reserve, wal);
            ok = wal->has_reserve = rdb_path_rename(path, reserve, err);
            changed = true;
        } else if (ahead < WAL_SPARE_SEGMENTS_MAX) {
            ok = recycle_segment(wal, path, wal_segment_number(&wal->config, prepared), err);
            if (ok)
                atomic_store_explicit(&wal->prepared_lsn, prepared + wal->config.segment_bytes, memory_order_release);
            atomic_fetch_add_explicit(&wal->recycled_count, ok, memory_order_relaxed);
        } else {
            ok = rdb_path_remove(path, true, err);
            atomic_fetch_add_explicit(&wal->removed_count, ok, memory_order_relaxed);
            changed = true;
        }
        if (ok)
            wal->oldest_segment++;
    }
    if (ok && changed && wal->config.sync)
        ok = rdb_path_sync_directory(wal->directory, err);
    rdb_mutex_unlock(&wal->segment_lock);
    return ok;
}
