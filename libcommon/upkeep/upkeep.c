/* SPDX-License-Identifier: Apache-2.0
 * Opening and closing an instance's log and storage. Recovery works on storage without a log; when the end is found the
 * log is opened there and handed over, and the redo point stays where the control file has it until a checkpoint moves it:
 * pages that the new life changes get their images as if there had been no crash. */
#include "upkeep_int.h"

#include "base/rdb_log.h"
#include "storage/rdb_change_map.h"

#include <stdio.h>
#include <stdlib.h>

bool rdb_upkeep_open(rdb_upkeep **out, const rdb_upkeep_config *config, rdb_error *err)
{
    *out = NULL;
    rdb_upkeep *upkeep = calloc(1, sizeof *upkeep);
    if (upkeep == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    upkeep->config = *config;
    rdb_mutex_init(&upkeep->checkpoint_lock, RDB_RANK_CHECKPOINT);
    upkeep->highest_scn = config->highest_scn;
    upkeep->scn_context = config->scn_context;
    *out = upkeep;
    if (strlen(config->home) >= sizeof upkeep->home) {
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "path of the instance is too long");
        goto fail;
    }
    strcpy(upkeep->home, config->home);
    upkeep->config.home = upkeep->home;
    if (!rdb_instance_path(upkeep->home, "data", upkeep->data_directory, sizeof upkeep->data_directory, err) ||
        !rdb_instance_path(upkeep->home, "data/wal", upkeep->wal_directory, sizeof upkeep->wal_directory, err) ||
        !rdb_upkeep_read_control(upkeep->home, &upkeep->control, err))
        goto fail;
    upkeep->wal_config = (rdb_wal_config){.directory = upkeep->wal_directory, .system_id = upkeep->control.system_id,
                                          .segment_bytes = upkeep->control.wal_segment_bytes, .ring_bytes = config->wal_ring_bytes,
                                          .incarnation = upkeep->control.incarnation, .thread_no = 1, .sync = config->sync,
                                          .on_failure = config->on_failure, .failure_context = config->failure_context};
    rdb_storage_config storage_config = {.data_directory = upkeep->data_directory, .page_bytes = upkeep->control.page_bytes,
                                         .frame_count = config->frame_count, .sync = config->sync,
                                         .on_failure = config->on_failure, .failure_context = config->failure_context};
    if (!rdb_storage_open(&upkeep->storage, &storage_config, err))
        goto fail;
    rdb_lsn redo_lsn = upkeep->control.redo_lsn != 0 ? upkeep->control.redo_lsn : (rdb_lsn)upkeep->control.wal_segment_bytes + 64;
    rdb_storage_changes_start(upkeep->storage, redo_lsn);
    if (!rdb_recovery_run(upkeep->storage, &upkeep->wal_config, redo_lsn, &upkeep->recovery, err))
        goto fail;
    if (upkeep->recovery.end_lsn <= upkeep->control.checkpoint_lsn) {
        /* The control file was written after that record was durable. */
        rdb_error_set(err, RDB_DATA_CORRUPTED, "the write-ahead log ends at %llX, before its last checkpoint at %llX",
                      (unsigned long long)upkeep->recovery.end_lsn, (unsigned long long)upkeep->control.checkpoint_lsn);
        goto fail;
    }
    upkeep->recovery.was_clean = upkeep->control.state == RDB_CONTROL_CLEAN;
    if (!upkeep->recovery.was_clean && upkeep->recovery.records > 0)
        RDB_LOG(RDB_LOG_INFO, "upkeep", "recovery complete: %llu records from %llX to %llX in %.3f s",
                (unsigned long long)upkeep->recovery.records, (unsigned long long)redo_lsn,
                (unsigned long long)upkeep->recovery.end_lsn, (double)upkeep->recovery.elapsed_us / 1e6);
    if (!rdb_wal_open(&upkeep->wal, &upkeep->wal_config, upkeep->recovery.end_lsn, err))
        goto fail;
    rdb_wal_set_redo_point(upkeep->wal, redo_lsn);
    rdb_storage_set_wal(upkeep->storage, upkeep->wal);
    atomic_store(&upkeep->redo_lsn, redo_lsn);
    atomic_store(&upkeep->checkpoint_lsn, upkeep->control.checkpoint_lsn);
    atomic_store(&upkeep->checkpoint_wall_us, upkeep->control.checkpoint_us);
    atomic_store(&upkeep->checkpoint_monotonic_us, rdb_time_monotonic_us());
    if (upkeep->recovery.was_clean && upkeep->recovery.records == 1)
        upkeep->end_of_checkpoint = upkeep->recovery.end_lsn; /* an idle life needs no checkpoint */
    if (upkeep->control.state != RDB_CONTROL_RUNNING) {
        upkeep->control.state = RDB_CONTROL_RUNNING;
        if (!rdb_control_write(upkeep->home, &upkeep->control, err))
            goto fail;
    }
    return true;
fail:
    rdb_upkeep_close(out, false, err);
    return false;
}

rdb_storage *rdb_upkeep_storage(rdb_upkeep *upkeep)
{
    return upkeep->storage;
}

rdb_wal *rdb_upkeep_wal(rdb_upkeep *upkeep)
{
    return upkeep->wal;
}

const rdb_recovery_result *rdb_upkeep_recovery(const rdb_upkeep *upkeep)
{
    return &upkeep->recovery;
}

bool rdb_upkeep_close(rdb_upkeep **handle, bool clean, rdb_error *err)
{
    rdb_upkeep *upkeep = *handle;
    bool ok = true;
    *handle = NULL;
    if (upkeep == NULL)
        return true;
    rdb_upkeep_stop(upkeep);
    if (clean && upkeep->wal != NULL)
        ok = upkeep_checkpoint(upkeep, 0, RDB_CONTROL_CLEAN, err);
    rdb_storage_close(&upkeep->storage);
    ok = rdb_wal_close(&upkeep->wal, err) && ok;
    rdb_mutex_deinit(&upkeep->checkpoint_lock);
    free(upkeep);
    return ok;
}
