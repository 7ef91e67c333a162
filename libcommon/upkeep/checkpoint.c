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

bool upkeep_checkpoint(rdb_upkeep *upkeep, int64_t spread_us, uint32_t state, rdb_error *err)
{
    rdb_strbuf bytes;
    rdb_lsn lsn = 0, end_lsn = 0;
    rdb_strbuf_init(&bytes, NULL);
    if (spread_us == 0) /* one that spreads its writes may be running: it need not any more */
        rdb_storage_hurry_flush(upkeep->storage, true);
    rdb_mutex_lock(&upkeep->checkpoint_lock);
    if (spread_us == 0)
        rdb_storage_hurry_flush(upkeep->storage, false);
    rdb_control control = upkeep->control;
    rdb_storage_statistics before, after;
    int64_t begin_us = rdb_time_monotonic_us();
    rdb_storage_get_statistics(upkeep->storage, &before);
    rdb_lsn redo_lsn = rdb_wal_fix_redo_point(upkeep->wal);
    int64_t wall_us = rdb_time_wall_us();
    /* Commits with a higher SCN stand behind the redo point: recovery meets them. */
    rdb_scn scn = upkeep->highest_scn != NULL ? RDB_MAX(control.scn, upkeep->highest_scn(upkeep->scn_context)) : control.scn;
    bool ok = make_record(&control, redo_lsn, wall_us, scn, &bytes, err) && rdb_storage_flush_all(upkeep->storage, spread_us, err);
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
        control.state = state;
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
        rdb_storage_get_statistics(upkeep->storage, &after);
        RDB_LOG(RDB_LOG_INFO, "upkeep", "checkpoint complete: redo from %llX, %llu pages written in %.3f s",
                (unsigned long long)redo_lsn, (unsigned long long)(after.writes - before.writes),
                (double)(rdb_time_monotonic_us() - begin_us) / 1e6);
    } else {
        atomic_fetch_add(&upkeep->failed, 1);
        rdb_log_error(RDB_LOG_ERROR, "upkeep", err); /* nobody may be waiting for its answer */
    }
    atomic_store(&upkeep->checkpoint_monotonic_us, rdb_time_monotonic_us());
    rdb_mutex_unlock(&upkeep->checkpoint_lock);
    rdb_strbuf_free(&bytes);
    return ok;
}

bool rdb_upkeep_checkpoint(rdb_upkeep *upkeep, int64_t spread_us, rdb_error *err)
{
    atomic_fetch_add(&upkeep->by_request, 1);
    return upkeep_checkpoint(upkeep, spread_us, RDB_CONTROL_RUNNING, err);
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
    enum { LOOK_US = 1000000, RETRY_US = 10000000 };
    rdb_upkeep *upkeep = argument;
    int64_t not_before_us = 0;
    rdb_worker_declare(RDB_WORKER_CHECKPOINTER);
    while (atomic_load(&upkeep->stopping) == 0) {
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_CHECKPOINTER_MAIN);
        rdb_futex_wait(&upkeep->wake, 0, LOOK_US);
        rdb_wait_end(mark);
        atomic_store(&upkeep->wake, 0);
        int64_t now_us = rdb_time_monotonic_us(), since_us = now_us - atomic_load(&upkeep->checkpoint_monotonic_us);
        uint64_t volume = rdb_wal_insert_lsn(upkeep->wal) - atomic_load(&upkeep->redo_lsn);
        bool by_time = upkeep->config.checkpoint_interval_us > 0 && since_us >= upkeep->config.checkpoint_interval_us;
        bool by_volume = upkeep->config.checkpoint_wal_bytes > 0 && volume >= upkeep->config.checkpoint_wal_bytes;
        if (atomic_load(&upkeep->stopping) != 0 || now_us < not_before_us || !(by_time || by_volume) || !is_due(upkeep))
            continue;
        rdb_error err = {0};
        atomic_fetch_add(by_volume ? &upkeep->by_volume : &upkeep->by_time, 1);
        if (!upkeep_checkpoint(upkeep, upkeep->config.checkpoint_spread_us, RDB_CONTROL_RUNNING, &err))
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
}
