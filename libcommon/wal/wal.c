/* SPDX-License-Identifier: Apache-2.0
 * The life of a log: open, the writer thread, close, statistics. */
#include "wal_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { WRITER_PAUSE_US = 200000, PREPARE_RETRY_US = 1000000 };

void wal_wake_writer(rdb_wal *wal)
{
    if (atomic_load_explicit(&wal->writer_word, memory_order_relaxed) != 0)
        return;
    if (atomic_exchange_explicit(&wal->writer_word, 1, memory_order_release) == 0)
        rdb_futex_wake(&wal->writer_word, 1);
}

/* Keeps the ring nearly empty and a segment ready ahead, and makes durable what nobody waits for. Its errors are not
 * told: whoever needs the log meets them himself. */
static void run_writer(void *argument)
{
    rdb_wal *wal = argument;
    int64_t prepare_again_us = 0, flushed_us = rdb_time_monotonic_us();
    rdb_worker_declare(RDB_WORKER_WAL_WRITER);
    while (atomic_load(&wal->stopping) == 0) {
        rdb_error err = {0};
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_WAL_WRITER_MAIN);
        rdb_futex_wait(&wal->writer_word, 0, WRITER_PAUSE_US);
        rdb_wait_end(mark);
        atomic_store(&wal->writer_word, 0);
        rdb_mutex_lock(&wal->write_lock);
        bool ok = wal_write_out(wal, &err);
        rdb_mutex_unlock(&wal->write_lock);
        rdb_lsn insert = atomic_load(&wal->insert_lsn);
        int64_t now_us = rdb_time_monotonic_us();
        if (insert + wal->config.segment_bytes / 2 > atomic_load(&wal->prepared_lsn) && now_us >= prepare_again_us &&
            !wal_prepare_until(wal, insert + wal->config.segment_bytes / 2, false, &err))
            prepare_again_us = now_us + PREPARE_RETRY_US;
        if (now_us - flushed_us >= WRITER_PAUSE_US) {
            rdb_lsn written = atomic_load(&wal->written_lsn);
            if (ok && written > atomic_load(&wal->durable_lsn))
                (void)!rdb_wal_flush(wal, written, &err);
            flushed_us = now_us;
        }
        rdb_error_clear(&err);
    }
}

bool rdb_wal_open(rdb_wal **out, const rdb_wal_config *config, rdb_lsn end_lsn, rdb_error *err)
{
    rdb_wal *wal = NULL;
    *out = NULL;
    if (!wal_config_check(config, err))
        return false;
    if (end_lsn != wal_normalise(config, end_lsn) || end_lsn % 8 != 0 || end_lsn < config->segment_bytes)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%llX is not a WAL position", (unsigned long long)end_lsn);
    if (posix_memalign((void **)&wal, 64, sizeof *wal) != 0)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    memset(wal, 0, sizeof *wal);
    wal->config = *config;
    snprintf(wal->directory, sizeof wal->directory, "%s", config->directory);
    wal->config.directory = wal->directory;
    wal->ring_mask = config->ring_bytes - 1;
    wal->link_mask = config->ring_bytes / 16 - 1;
    rdb_latch_init(&wal->reserve);
    rdb_mutex_init(&wal->write_lock, RDB_RANK_WAL);
    rdb_mutex_init(&wal->flush_lock, RDB_RANK_WAL);
    rdb_mutex_init(&wal->gate_lock, RDB_RANK_WAL);
    rdb_mutex_init(&wal->segment_lock, RDB_RANK_WAL_FILE);
    for (unsigned i = 0; i <= WAL_LEADERS_MAX; i++)
        rdb_condition_init(&wal->flush_rounds[i].done);
    *out = wal;
    wal->tail_block = UINT64_MAX;
    if (posix_memalign((void **)&wal->ring, WAL_BLOCK_BYTES, config->ring_bytes) != 0 || posix_memalign((void **)&wal->tail, WAL_BLOCK_BYTES, WAL_TAIL_BYTES) != 0 ||
        (wal->links = calloc(config->ring_bytes / 16, sizeof *wal->links)) == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        goto fail;
    }
    atomic_init(&wal->insert_lsn, end_lsn);
    atomic_init(&wal->written_lsn, end_lsn);
    atomic_init(&wal->durable_lsn, end_lsn);
    atomic_init(&wal->redo_point, end_lsn);
    wal->completed_lsn = end_lsn;
    if (!wal_segments_begin(wal, end_lsn, err) || !rdb_thread_start(&wal->writer, "wal writer", run_writer, wal, err))
        goto fail;
    return true;
fail:
    rdb_wal_close(out, err);
    return false;
}

bool rdb_wal_close(rdb_wal **handle, rdb_error *err)
{
    rdb_wal *wal = *handle;
    bool ok = true;
    *handle = NULL;
    if (wal == NULL)
        return true;
    if (wal->writer != NULL) {
        atomic_store(&wal->stopping, 1);
        atomic_store(&wal->writer_word, 1);
        rdb_futex_wake(&wal->writer_word, 1);
        rdb_thread_join(&wal->writer);
        ok = rdb_wal_flush(wal, atomic_load(&wal->insert_lsn), err);
    }
    wal_segment_drop(wal->current);
    for (unsigned i = 0; i <= WAL_LEADERS_MAX; i++)
        rdb_condition_deinit(&wal->flush_rounds[i].done);
    rdb_mutex_deinit(&wal->write_lock);
    rdb_mutex_deinit(&wal->flush_lock);
    rdb_mutex_deinit(&wal->gate_lock);
    rdb_mutex_deinit(&wal->segment_lock);
    free(wal->ring);
    free(wal->tail);
    free(wal->links);
    free(wal);
    return ok;
}

uint16_t rdb_wal_thread_no(const rdb_wal *wal)
{
    return wal->config.thread_no;
}

void rdb_wal_count_images(rdb_wal *wal, uint32_t images)
{
    atomic_fetch_add_explicit(&wal->image_count, images, memory_order_relaxed);
}

void rdb_wal_get_statistics(const rdb_wal *wal, rdb_wal_statistics *statistics)
{
    statistics->records = atomic_load_explicit(&wal->record_count, memory_order_relaxed);
    statistics->bytes = atomic_load_explicit(&wal->byte_count, memory_order_relaxed);
    statistics->writes = atomic_load_explicit(&wal->write_count, memory_order_relaxed);
    statistics->ring_full = atomic_load_explicit(&wal->ring_full_count, memory_order_relaxed);
    statistics->segments_created = atomic_load_explicit(&wal->created_count, memory_order_relaxed);
    statistics->segments_recycled = atomic_load_explicit(&wal->recycled_count, memory_order_relaxed);
    statistics->segments_removed = atomic_load_explicit(&wal->removed_count, memory_order_relaxed);
    statistics->images = atomic_load_explicit(&wal->image_count, memory_order_relaxed);
    statistics->write_us = atomic_load_explicit(&wal->write_total_us, memory_order_relaxed);
    statistics->sync_us = atomic_load_explicit(&wal->sync_total_us, memory_order_relaxed);
    statistics->syncs = atomic_load_explicit(&wal->sync_count, memory_order_relaxed);
    statistics->flush_waits = atomic_load_explicit(&wal->flush_wait_count, memory_order_relaxed);
}
