/* SPDX-License-Identifier: Apache-2.0
 * Checkpoints: fix the redo point, write what was dirty, log a record, point the control file there, let old segments go.
 * Each step rests on the one before being durable; a failure in between leaves the former checkpoint in force. */
#include "upkeep_int.h"

#include "base/rdb_log.h"
#include "storage/rdb_change_map.h"

static bool make_record(const rdb_control *control, rdb_lsn redo_lsn, int64_t wall_us, rdb_scn scn, rdb_strbuf *bytes, rdb_error *err)
{
    uint8_t header[RDB_WAL_HEADER_BYTES + 16] = {0};
    header[20] = RDB_RESOURCE_WAL;
    header[21] = RDB_WAL_OP_CHECKPOINT;
    rdb_put_u64(header + RDB_WAL_HEADER_BYTES, redo_lsn);
    rdb_put_u64(header + RDB_WAL_HEADER_BYTES + 8, (uint64_t)wall_us);
    rdb_strbuf_add(bytes, header, sizeof header);
    uint8_t own[8 + UPKEEP_CONTROL_PART_BYTES] = {RDB_RESOURCE_WAL};
    rdb_put_u32(own + 4, UPKEEP_CONTROL_PART_BYTES);
    rdb_put_u32(own + 8, control->layout_version);
    rdb_put_u32(own + 12, control->data_format);
    rdb_put_u32(own + 16, control->page_bytes);
    rdb_put_u64(own + 24, scn);
    rdb_strbuf_add(bytes, own, sizeof own);
    for (unsigned resource = 1; resource < RDB_RESOURCE_COUNT; resource++) {
        const rdb_checkpoint_part *part = rdb_checkpoint_find_part(resource);
        uint8_t part_header[8] = {(uint8_t)resource};
        if (part == NULL || part->save == NULL)
            continue;
        size_t at = bytes->length;
        rdb_strbuf_add(bytes, part_header, sizeof part_header);
        part->save(part->save_context, bytes);
        if (!bytes->failed)
            rdb_put_u32(bytes->data + at + 4, (uint32_t)(bytes->length - at - 8));
    }
    return rdb_strbuf_check(bytes, err);
}

/* How much of a checkpoint should be written by now: as much as of its time, or of the log that may come meanwhile, has gone by. */
typedef struct checkpoint_clock {
    const rdb_upkeep *upkeep;
    const checkpoint_reason *reason;
    int64_t begin_us;
    rdb_lsn begin_lsn;
} checkpoint_clock;

static double part_due(void *context)
{
    const checkpoint_clock *clock = context;
    double by_time = 0, by_volume = 0;
    if (clock->reason->spread_us > 0)
        by_time = (double)(rdb_time_monotonic_us() - clock->begin_us) / (double)clock->reason->spread_us;
    if (clock->reason->spread_bytes > 0)
        by_volume = (double)(rdb_wal_insert_lsn(clock->upkeep->wal) - clock->begin_lsn) / (double)clock->reason->spread_bytes;
    return RDB_MAX(by_time, by_volume);
}

/* What PostgreSQL logs of one, in its words. */
static void log_end(rdb_upkeep *upkeep, const rdb_flush_result *flush, int64_t elapsed_us, rdb_lsn former_redo_lsn)
{
    rdb_wal_statistics wal, *before = &upkeep->wal_before;
    rdb_storage_statistics storage;
    rdb_wal_get_statistics(upkeep->wal, &wal);
    rdb_storage_get_statistics(upkeep->storage, &storage);
    double distance = former_redo_lsn != 0 ? (double)(upkeep->control.redo_lsn - former_redo_lsn) : 0;
    double *estimate = &upkeep->distance_estimate;
    *estimate = *estimate < distance ? distance : 0.9 * *estimate + 0.1 * distance;
    RDB_LOG(RDB_LOG_INFO, "upkeep",
            "checkpoint complete: wrote %llu buffers (%.1f%%); %llu WAL file(s) added, %llu removed, %llu recycled; write=%.3f s, sync=%.3f s, "
            "total=%.3f s; sync files=%llu, longest=%.3f s, average=%.3f s; distance=%.0f kB, estimate=%.0f kB; lsn=%X/%X, redo lsn=%X/%X",
            (unsigned long long)flush->pages, 100.0 * (double)flush->pages / storage.frames,
            (unsigned long long)(wal.segments_created - before->segments_created), (unsigned long long)(wal.segments_removed - before->segments_removed),
            (unsigned long long)(wal.segments_recycled - before->segments_recycled), (double)flush->write_us / 1e6, (double)flush->sync_us / 1e6,
            (double)elapsed_us / 1e6, (unsigned long long)flush->files, (double)flush->longest_sync_us / 1e6,
            flush->files > 0 ? (double)flush->sync_us / 1e6 / (double)flush->files : 0.0, distance / 1024, *estimate / 1024,
            (unsigned)(upkeep->control.checkpoint_lsn >> 32), (unsigned)upkeep->control.checkpoint_lsn, (unsigned)(upkeep->control.redo_lsn >> 32),
            (unsigned)upkeep->control.redo_lsn);
    upkeep->wal_before = wal;
}

bool upkeep_checkpoint(rdb_upkeep *upkeep, const checkpoint_reason *reason, rdb_error *err)
{
    rdb_strbuf bytes;
    rdb_lsn lsn = 0, end_lsn = 0;
    rdb_flush_result flush = {0};
    bool spread = reason->spread_us > 0 || reason->spread_bytes > 0;
    rdb_strbuf_init(&bytes, NULL);
    if (!spread) /* one that spreads its writes may be running: it need not any more */
        rdb_storage_hurry_flush(upkeep->storage, true);
    rdb_mutex_lock(&upkeep->checkpoint_lock);
    if (!spread)
        rdb_storage_hurry_flush(upkeep->storage, false);
    RDB_LOG(RDB_LOG_INFO, "upkeep", "checkpoint starting: %s", reason->name);
    rdb_control control = upkeep->control;
    int64_t begin_us = rdb_time_monotonic_us();
    atomic_store(&upkeep->checkpoint_monotonic_us, begin_us);
    rdb_lsn redo_lsn = rdb_wal_fix_redo_point(upkeep->wal), former_redo_lsn = control.redo_lsn;
    checkpoint_clock clock = {upkeep, reason, begin_us, redo_lsn};
    int64_t wall_us = rdb_time_wall_us();
    /* Commits with a higher SCN stand behind the redo point: recovery meets them. */
    rdb_scn scn = upkeep->highest_scn != NULL ? RDB_MAX(control.scn, upkeep->highest_scn(upkeep->scn_context)) : control.scn;
    bool ok = make_record(&control, redo_lsn, wall_us, scn, &bytes, err) && rdb_storage_flush_paced(upkeep->storage, spread ? part_due : NULL, &clock, &flush, err);
    atomic_fetch_add(&upkeep->pages_written, flush.pages);
    atomic_fetch_add(&upkeep->files_synced, flush.files);
    atomic_fetch_add(&upkeep->write_us, (uint64_t)flush.write_us);
    atomic_fetch_add(&upkeep->sync_us, (uint64_t)flush.sync_us);
    if (ok) {
        rdb_storage_changes_save(upkeep->storage, redo_lsn);
        rdb_wal_piece piece = {bytes.data, (uint32_t)bytes.length};
        ok = rdb_wal_secure_room(upkeep->wal, bytes.length + 8, err) &&
             rdb_wal_insert(upkeep->wal, &piece, 1, NULL, NULL, &lsn, &end_lsn, err) && rdb_wal_flush(upkeep->wal, end_lsn, err);
    }
    if (ok) {
        control.redo_lsn = redo_lsn;
        control.checkpoint_lsn = lsn;
        control.checkpoint_us = wall_us;
        control.state = reason->state;
        control.consistent_lsn = 0;
        if (upkeep->highest_scn != NULL)
            control.scn = RDB_MAX(control.scn, upkeep->highest_scn(upkeep->scn_context));
        /* Both copies, before segments go that only the former checkpoint needs: either one alone leads to a start. */
        ok = rdb_control_write(upkeep->home, &control, err) && rdb_control_write(upkeep->home, &control, err);
    }
    if (ok) {
        rdb_lsn below = redo_lsn;
        upkeep->control = control;
        upkeep->end_of_checkpoint = end_lsn;
        atomic_store(&upkeep->redo_lsn, redo_lsn);
        atomic_store(&upkeep->checkpoint_lsn, lsn);
        atomic_store(&upkeep->checkpoint_wall_us, wall_us);
        if (upkeep->wal_keeper != NULL)
            below = RDB_MIN(below, upkeep->wal_keeper(upkeep->keeper_context));
        if (upkeep->archiver != NULL)
            below = RDB_MIN(below, rdb_wal_archiver_keeps(upkeep->archiver));
        below = RDB_MIN(below, base_backup_keeps(upkeep));
        ok = rdb_wal_release(upkeep->wal, below, err);
    }
    if (ok) {
        log_end(upkeep, &flush, rdb_time_monotonic_us() - begin_us, former_redo_lsn);
    } else {
        atomic_fetch_add(&upkeep->failed, 1);
        rdb_log_error(RDB_LOG_ERROR, "upkeep", err); /* nobody may be waiting for its answer */
    }
    rdb_mutex_unlock(&upkeep->checkpoint_lock);
    rdb_strbuf_free(&bytes);
    return ok;
}

void rdb_upkeep_set_pace(rdb_upkeep *upkeep, const rdb_checkpoint_pace *pace)
{
    atomic_store_explicit(&upkeep->interval_us, pace->interval_us, memory_order_relaxed);
    atomic_store_explicit(&upkeep->wal_bytes, pace->wal_bytes, memory_order_relaxed);
    atomic_store_explicit(&upkeep->percent, RDB_MIN(pace->percent, 100u), memory_order_relaxed);
}

void rdb_upkeep_get_pace(rdb_upkeep *upkeep, rdb_checkpoint_pace *pace)
{
    pace->interval_us = atomic_load_explicit(&upkeep->interval_us, memory_order_relaxed);
    pace->wal_bytes = atomic_load_explicit(&upkeep->wal_bytes, memory_order_relaxed);
    pace->percent = atomic_load_explicit(&upkeep->percent, memory_order_relaxed);
}

int64_t upkeep_spread_us(rdb_upkeep *upkeep)
{
    return atomic_load_explicit(&upkeep->interval_us, memory_order_relaxed) / 100 * atomic_load_explicit(&upkeep->percent, memory_order_relaxed);
}

static uint64_t upkeep_spread_bytes(rdb_upkeep *upkeep)
{
    return atomic_load_explicit(&upkeep->wal_bytes, memory_order_relaxed) / 100 * atomic_load_explicit(&upkeep->percent, memory_order_relaxed);
}

bool rdb_upkeep_checkpoint(rdb_upkeep *upkeep, int64_t spread_us, rdb_error *err)
{
    atomic_fetch_add(&upkeep->by_request, 1);
    const checkpoint_reason reason = {.name = spread_us > 0 ? "force wait" : "immediate force wait",
                                      .spread_us = spread_us,
                                      .spread_bytes = spread_us > 0 ? upkeep_spread_bytes(upkeep) : 0,
                                      .state = RDB_CONTROL_RUNNING};
    return upkeep_checkpoint(upkeep, &reason, err);
}

void rdb_upkeep_set_wal_keeper(rdb_upkeep *upkeep, rdb_lsn (*keeper)(void *context), void *context)
{
    rdb_mutex_lock(&upkeep->checkpoint_lock);
    upkeep->wal_keeper = keeper;
    upkeep->keeper_context = context;
    rdb_mutex_unlock(&upkeep->checkpoint_lock);
}

void rdb_upkeep_set_highest_scn(rdb_upkeep *upkeep, rdb_scn (*highest_scn)(void *context), void *context)
{
    rdb_mutex_lock(&upkeep->checkpoint_lock);
    upkeep->highest_scn = highest_scn;
    upkeep->scn_context = context;
    rdb_mutex_unlock(&upkeep->checkpoint_lock);
}

/* Something was logged since the last checkpoint's own record. */
static bool is_due(rdb_upkeep *upkeep)
{
    rdb_mutex_lock(&upkeep->checkpoint_lock);
    bool due = rdb_wal_insert_lsn(upkeep->wal) != upkeep->end_of_checkpoint;
    rdb_mutex_unlock(&upkeep->checkpoint_lock);
    return due;
}

static void run_checkpointer(void *argument)
{
    enum { LOOK_US = 1000000, RETRY_US = 10000000, OFTEN_US = 30000000 };
    rdb_upkeep *upkeep = argument;
    int64_t not_before_us = 0;
    rdb_worker_declare(RDB_WORKER_CHECKPOINTER);
    while (atomic_load(&upkeep->stopping) == 0) {
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_CHECKPOINTER_MAIN);
        rdb_futex_wait(&upkeep->wake, 0, LOOK_US);
        rdb_wait_end(mark);
        atomic_store(&upkeep->wake, 0);
        rdb_checkpoint_pace pace;
        rdb_upkeep_get_pace(upkeep, &pace);
        int64_t now_us = rdb_time_monotonic_us(), since_us = now_us - atomic_load(&upkeep->checkpoint_monotonic_us);
        uint64_t volume = rdb_wal_insert_lsn(upkeep->wal) - atomic_load(&upkeep->redo_lsn);
        bool by_time = pace.interval_us > 0 && since_us >= pace.interval_us;
        bool by_volume = pace.wal_bytes > 0 && volume >= pace.wal_bytes;
        if (atomic_load(&upkeep->stopping) != 0 || now_us < not_before_us || !(by_time || by_volume) || !is_due(upkeep))
            continue;
        rdb_error err = {0};
        const checkpoint_reason reason = {.name = by_volume ? "wal" : "time",
                                          .spread_us = upkeep_spread_us(upkeep),
                                          .spread_bytes = upkeep_spread_bytes(upkeep),
                                          .state = RDB_CONTROL_RUNNING};
        if (by_volume && atomic_load(&upkeep->by_volume) > 0 && since_us < OFTEN_US)
            RDB_LOG(RDB_LOG_WARN, "upkeep", "checkpoints are occurring too frequently (%lld seconds apart): consider increasing wal.max_size",
                    (long long)(since_us / 1000000));
        atomic_fetch_add(by_volume ? &upkeep->by_volume : &upkeep->by_time, 1);
        if (!upkeep_checkpoint(upkeep, &reason, &err))
            not_before_us = rdb_time_monotonic_us() + RETRY_US; /* counted as failed; the log keeps its segments */
        rdb_error_clear(&err);
    }
}

bool rdb_upkeep_start(rdb_upkeep *upkeep, rdb_error *err)
{
    atomic_store(&upkeep->stopping, 0);
    if (upkeep->archiver != NULL && !rdb_wal_archiver_start(upkeep->archiver, err))
        return false;
    return rdb_thread_start(&upkeep->checkpointer, "checkpointer", run_checkpointer, upkeep, err);
}

void rdb_upkeep_stop(rdb_upkeep *upkeep)
{
    atomic_store(&upkeep->stopping, 1);
    atomic_store(&upkeep->wake, 1);
    rdb_futex_wake(&upkeep->wake, 1);
    if (upkeep->storage != NULL)
        rdb_storage_hurry_flush(upkeep->storage, true);
    rdb_thread_join(&upkeep->checkpointer);
    if (upkeep->storage != NULL)
        rdb_storage_hurry_flush(upkeep->storage, false);
}

void rdb_upkeep_get_statistics(rdb_upkeep *upkeep, rdb_upkeep_statistics *statistics)
{
    statistics->checkpoints_by_time = atomic_load(&upkeep->by_time);
    statistics->checkpoints_by_volume = atomic_load(&upkeep->by_volume);
    statistics->checkpoints_by_request = atomic_load(&upkeep->by_request);
    statistics->checkpoints_failed = atomic_load(&upkeep->failed);
    statistics->redo_lsn = atomic_load(&upkeep->redo_lsn);
    statistics->checkpoint_lsn = atomic_load(&upkeep->checkpoint_lsn);
    statistics->checkpoint_us = atomic_load(&upkeep->checkpoint_wall_us);
    statistics->pages_written = atomic_load(&upkeep->pages_written);
    statistics->files_synced = atomic_load(&upkeep->files_synced);
    statistics->write_us = (int64_t)atomic_load(&upkeep->write_us);
    statistics->sync_us = (int64_t)atomic_load(&upkeep->sync_us);
}
