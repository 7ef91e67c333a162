/* SPDX-License-Identifier: Apache-2.0
 * The life of a storage: open, close, the barrier, statistics. */
#include "storage_int.h"

#include <stdio.h>
#include <stdlib.h>

static bool wait_until_durable(void *context, rdb_lsn lsn, rdb_error *err)
{
    return rdb_wal_flush(context, lsn, err);
}

void rdb_storage_set_wal(rdb_storage *storage, rdb_wal *wal)
{
    atomic_store_explicit(&storage->wal, wal, memory_order_release);
    if (wal != NULL)
        pool_recovered(storage);
    if (wal != NULL && atomic_load_explicit(&storage->barrier, memory_order_relaxed) == NULL)
        rdb_storage_set_barrier(storage, wait_until_durable, wal);
}

void rdb_storage_set_barrier(rdb_storage *storage, bool (*wait)(void *context, rdb_lsn lsn, rdb_error *err), void *context)
{
    atomic_store_explicit(&storage->barrier_context, context, memory_order_relaxed);
    atomic_store_explicit(&storage->barrier, wait, memory_order_release);
}

bool rdb_storage_open(rdb_storage **out, const rdb_storage_config *config, rdb_error *err)
{
    uint32_t page_bytes = config->page_bytes;
    rdb_storage *storage = NULL;
    *out = NULL;
    if (page_bytes < 4096 || page_bytes > 32768 || (page_bytes & (page_bytes - 1)) != 0)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "page size %u is not 4096, 8192, 16384 or 32768", page_bytes);
    if (config->frame_count < 16 || config->frame_count > (1u << 30))
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%u is not a number of buffers between 16 and 2^30", config->frame_count);
    if (strlen(config->data_directory) >= sizeof storage->directory)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "path of the data directory is too long");
    if (posix_memalign((void **)&storage, 64, sizeof *storage) != 0)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    memset(storage, 0, sizeof *storage);
    storage->config = *config;
    snprintf(storage->directory, sizeof storage->directory, "%s", config->data_directory);
    storage->config.data_directory = storage->directory;
    storage->page_bytes = page_bytes;
    storage->frame_count = config->frame_count;
    storage->dirty_max = config->frame_count - RDB_MAX(config->frame_count / 8, RDB_MIN(config->frame_count / 2, 32u));
    rdb_mutex_init(&storage->number_lock, RDB_RANK_UNDO); /* below RELATION: a change is made under it */
    rdb_mutex_init(&storage->flush_lock, RDB_RANK_FLUSH);
    rdb_mutex_init(&storage->cleaner_lock, RDB_RANK_LEAF);
    for (unsigned i = 0; i < RELATION_LATCHES; i++)
        rdb_latch_init(&storage->relation_latches[i]);
    files_register();
    rdb_io_watch_usage(rdb_block_uses_note);
    *out = storage;
    if (!changes_open(storage, err) || !pool_open(storage, err) || !cleaner_start(storage, err)) {
        rdb_storage_close(out);
        return false;
    }
    rdb_storage_set_wal(storage, config->wal);
    return true;
}

void rdb_storage_close(rdb_storage **handle)
{
    rdb_storage *storage = *handle;
    *handle = NULL;
    if (storage == NULL)
        return;
    cleaner_stop(storage);
    relation_close_all(storage);
    pool_close(storage);
    changes_close(storage);
    rdb_error_clear(&storage->cleaner_error);
    rdb_mutex_deinit(&storage->number_lock);
    rdb_mutex_deinit(&storage->flush_lock);
    rdb_mutex_deinit(&storage->cleaner_lock);
    free(storage);
}

uint32_t rdb_storage_page_bytes(const rdb_storage *storage)
{
    return storage->page_bytes;
}

uint32_t rdb_storage_frame_count(const rdb_storage *storage)
{
    return storage->frame_count;
}

rdb_wal *rdb_storage_wal(const rdb_storage *storage)
{
    return storage_wal(storage);
}

void rdb_storage_get_statistics(rdb_storage *storage, rdb_storage_statistics *statistics)
{
    memset(statistics, 0, sizeof *statistics);
    for (unsigned i = 0; i < RDB_STRIPES; i++)
        statistics->hits += atomic_load_explicit(&storage->stripes[i].hits, memory_order_relaxed);
    statistics->misses = atomic_load_explicit(&storage->miss_count, memory_order_relaxed);
    statistics->reads = atomic_load_explicit(&storage->read_count, memory_order_relaxed);
    statistics->writes = atomic_load_explicit(&storage->write_count, memory_order_relaxed);
    statistics->writes_cleaner = atomic_load_explicit(&storage->cleaner_writes, memory_order_relaxed);
    statistics->writes_evictor = atomic_load_explicit(&storage->evictor_writes, memory_order_relaxed);
    statistics->evictor_syncs = atomic_load_explicit(&storage->evictor_syncs, memory_order_relaxed);
    statistics->evictions = atomic_load_explicit(&storage->eviction_count, memory_order_relaxed);
    statistics->frames = storage->frame_count;
    statistics->dirty = atomic_load_explicit(&storage->dirty_count, memory_order_relaxed);
    statistics->used = storage_used_frames(storage);
    for (uint32_t i = 0; i < statistics->used; i++)
        statistics->pinned += (atomic_load_explicit(&storage->frames[i].state, memory_order_relaxed) & FRAME_PINS) != 0;
}
