/* SPDX-License-Identifier: Apache-2.0
 * Opening and closing an instance's log and storage. Recovery works on storage without a log; when the end is found the
 * log is opened there and handed over, and the redo point stays where the control file has it until a checkpoint moves it:
 * pages that the new life changes get their images as if there had been no crash. */
#include "upkeep_int.h"

#include "base/rdb_log.h"
#include "storage/rdb_change_map.h"

#include <stdio.h>
#include <stdlib.h>

/* Behind this position the files may hold changes that came later than the target: no page leaves the pool before the control file says
 * how far its log must be replayed by whoever starts from here. */
typedef struct recovery_barrier {
    rdb_upkeep *upkeep;
    rdb_mutex lock; /* RDB_RANK_WAL */
    _Atomic uint64_t position;
} recovery_barrier;

static bool pass_recovery_barrier(void *context, rdb_lsn lsn, rdb_error *err)
{
    recovery_barrier *barrier = context;
    bool ok = true;
    rdb_mutex_lock(&barrier->lock);
    rdb_control *control = &barrier->upkeep->control;
    if (lsn > control->consistent_lsn) {
        rdb_lsn before = control->consistent_lsn;
        control->consistent_lsn = RDB_MAX(lsn, atomic_load_explicit(&barrier->position, memory_order_acquire));
        ok = rdb_control_write(barrier->upkeep->home, control, err);
        if (!ok)
            control->consistent_lsn = before;
    }
    rdb_mutex_unlock(&barrier->lock);
    return ok;
}

/* An instance that crashed, asked to stop at a target: its pages may be as new as its own log's end. */
static bool measure_own_log(rdb_upkeep *upkeep, rdb_lsn redo_lsn, const rdb_wal_history *history, rdb_lsn *end_lsn, rdb_error *err)
{
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    bool ok, found = true;
    if (!rdb_wal_reader_open_along(&reader, &upkeep->wal_config, NULL, history, redo_lsn, err))
        return false;
    do
        ok = rdb_wal_reader_next(reader, &record, &found, err);
    while (ok && found);
    *end_lsn = rdb_wal_reader_end(reader);
    rdb_wal_reader_close(&reader);
    return ok;
}

/* What a start without a target does: the log's end, wherever that is. */
static bool recover_crash(rdb_upkeep *upkeep, rdb_lsn redo_lsn, rdb_error *err)
{
    rdb_wal_history history = {.timeline = upkeep->control.incarnation};
    const recovery_plan plan = {.history = &history, .consistent_lsn = upkeep->control.consistent_lsn, .threads = upkeep->config.recovery_threads};
    return recovery_run(upkeep->storage, &upkeep->wal_config, redo_lsn, &plan, &upkeep->recovery, err);
}

/* Recovery to the target, every page of it on disk, and the branch where the log goes on at *begin_lsn. */
static bool recover_to_target(rdb_upkeep *upkeep, rdb_lsn redo_lsn, const rdb_recovery_target *target, rdb_lsn *begin_lsn, rdb_error *err)
{
    recovery_barrier barrier = {.upkeep = upkeep};
    rdb_control *control = &upkeep->control;
    rdb_wal_history history;
    char text[160];
    rdb_lsn least = RDB_MAX(control->consistent_lsn, control->checkpoint_lsn + 1); /* the control file points to that record */
    if (control->checkpoint_lsn == 0)
        least = control->consistent_lsn;
    if (!timeline_find(upkeep, target, least, &history, err))
        return false;
    if (control->state == RDB_CONTROL_RUNNING) {
        rdb_lsn end = 0;
        if (!measure_own_log(upkeep, redo_lsn, &history, &end, err))
            return false;
        least = RDB_MAX(least, end);
    }
    if (control->state != RDB_CONTROL_RECOVERING || control->consistent_lsn < least) {
        control->state = RDB_CONTROL_RECOVERING;
        control->consistent_lsn = least;
        if (!rdb_control_write(upkeep->home, control, err))
            return false;
    }
    rdb_recovery_target_describe(target, text);
    RDB_LOG(RDB_LOG_INFO, "upkeep", "recovery %s begins at %X/%X on timeline %u", text, (unsigned)(redo_lsn >> 32), (unsigned)redo_lsn, history.timeline);
    rdb_mutex_init(&barrier.lock, RDB_RANK_WAL);
    rdb_storage_set_barrier(upkeep->storage, pass_recovery_barrier, &barrier);
    const recovery_plan plan = {.history = &history, .archive_directory = target->archive_directory[0] != '\0' ? target->archive_directory : NULL,
                                .target = target, .consistent_lsn = least, .threads = upkeep->config.recovery_threads, .position = &barrier.position};
    bool ok = recovery_run(upkeep->storage, &upkeep->wal_config, redo_lsn, &plan, &upkeep->recovery, err) &&
              rdb_storage_flush_all(upkeep->storage, 0, err);
    rdb_storage_set_barrier(upkeep->storage, NULL, NULL);
    rdb_mutex_deinit(&barrier.lock);
    if (!ok)
        return false;
    RDB_LOG(RDB_LOG_INFO, "upkeep", "recovery stopped at %X/%X, last commit SCN %llu", (unsigned)(upkeep->recovery.end_lsn >> 32),
            (unsigned)upkeep->recovery.end_lsn, (unsigned long long)upkeep->recovery.last_scn);
    if (target->shut_down) {
        control->consistent_lsn = upkeep->recovery.end_lsn;
        if (!rdb_control_write(upkeep->home, control, err))
            return false;
        rdb_error_set(err, RDB_ADMIN_SHUTDOWN, "recovery has reached its target");
        return rdb_error_hint(err, "Set recovery_target_action to promote in data/recovery.conf to open the instance, or set a later target to go on.");
    }
    return timeline_branch(upkeep, plan.archive_directory, &history, upkeep->recovery.end_lsn, upkeep->recovery.timeline,
                           &upkeep->wal_config.incarnation, begin_lsn, err);
}

/* recovery.conf has been carried out. Until the name is gone the control file remembers it. */
static bool put_target_away(rdb_upkeep *upkeep, rdb_error *err)
{
    char from[1200], to[1200];
    if (!rdb_instance_path(upkeep->home, "data/recovery.conf", from, sizeof from, err) ||
        !rdb_instance_path(upkeep->home, "data/recovery.done", to, sizeof to, err) || !rdb_path_rename(from, to, err) ||
        !rdb_path_sync_directory(upkeep->data_directory, err))
        return false;
    upkeep->control.recovered_target = 0;
    return rdb_control_write(upkeep->home, &upkeep->control, err);
}

/* The branch counts from the checkpoint on that begins it; until then a start recovers as if nothing had been. */
static bool enter_branch(rdb_upkeep *upkeep, rdb_lsn begin_lsn, uint32_t target_crc, rdb_error *err)
{
    rdb_wal_set_redo_point(upkeep->wal, begin_lsn);
    upkeep->control.incarnation = upkeep->wal_config.incarnation;
    upkeep->control.recovered_target = target_crc;
    const checkpoint_reason reason = {.name = "end-of-recovery immediate wait", .state = RDB_CONTROL_RUNNING};
    return upkeep_checkpoint(upkeep, &reason, err) && put_target_away(upkeep, err);
}

bool rdb_upkeep_open(rdb_upkeep **out, const rdb_upkeep_config *config, rdb_error *err)
{
    *out = NULL;
    rdb_upkeep *upkeep = calloc(1, sizeof *upkeep);
    if (upkeep == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    upkeep->config = *config;
    rdb_mutex_init(&upkeep->checkpoint_lock, RDB_RANK_CHECKPOINT);
    rdb_mutex_init(&upkeep->backup_lock, RDB_RANK_UPKEEP);
    upkeep->highest_scn = config->highest_scn;
    upkeep->scn_context = config->scn_context;
    const rdb_checkpoint_pace pace = {config->checkpoint_interval_us, config->checkpoint_wal_bytes, config->checkpoint_percent};
    rdb_upkeep_set_pace(upkeep, &pace);
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
    rdb_recovery_target target;
    rdb_lsn begin_lsn = 0; /* of a new timeline */
    bool to_target = false, was_clean = upkeep->control.state == RDB_CONTROL_CLEAN;
    uint32_t target_crc = 0;
    if (!target_read(upkeep->home, &target, &target_crc, &to_target, err))
        goto fail;
    if (to_target && upkeep->control.recovered_target == target_crc) { /* a crash came between the branch and the name's end */
        to_target = false;
        if (!put_target_away(upkeep, err))
            goto fail;
    }
    if (!(to_target ? recover_to_target(upkeep, redo_lsn, &target, &begin_lsn, err) : recover_crash(upkeep, redo_lsn, err)))
        goto fail;
    if (upkeep->recovery.end_lsn <= upkeep->control.checkpoint_lsn) {
        /* The control file was written after that record was durable. */
        rdb_error_set(err, RDB_DATA_CORRUPTED, "the write-ahead log ends at %llX, before its last checkpoint at %llX",
                      (unsigned long long)upkeep->recovery.end_lsn, (unsigned long long)upkeep->control.checkpoint_lsn);
        goto fail;
    }
    upkeep->recovery.was_clean = was_clean && !to_target;
    if (!upkeep->recovery.was_clean && upkeep->recovery.records > 0)
        RDB_LOG(RDB_LOG_INFO, "upkeep", "recovery complete: %llu records from %llX to %llX in %.3f s",
                (unsigned long long)upkeep->recovery.records, (unsigned long long)redo_lsn,
                (unsigned long long)upkeep->recovery.end_lsn, (double)upkeep->recovery.elapsed_us / 1e6);
    if (!rdb_wal_open(&upkeep->wal, &upkeep->wal_config, to_target ? begin_lsn : upkeep->recovery.end_lsn, err))
        goto fail;
    rdb_wal_set_redo_point(upkeep->wal, redo_lsn);
    rdb_storage_set_wal(upkeep->storage, upkeep->wal);
    if (config->archive != NULL) {
        char state_path[1200];
        rdb_wal_archiver_config archive = *config->archive;
        archive.state_path = state_path;
        if (!rdb_instance_path(upkeep->home, "data/meta/archived", state_path, sizeof state_path, err) ||
            !rdb_wal_archiver_open(&upkeep->archiver, upkeep->wal, &archive, err))
            goto fail;
    }
    if (to_target && !enter_branch(upkeep, begin_lsn, target_crc, err))
        goto fail;
    redo_lsn = upkeep->control.redo_lsn != 0 ? upkeep->control.redo_lsn : redo_lsn;
    atomic_store(&upkeep->redo_lsn, redo_lsn);
    atomic_store(&upkeep->checkpoint_lsn, upkeep->control.checkpoint_lsn);
    atomic_store(&upkeep->checkpoint_wall_us, upkeep->control.checkpoint_us);
    atomic_store(&upkeep->checkpoint_monotonic_us, rdb_time_monotonic_us());
    if (upkeep->recovery.was_clean && upkeep->recovery.records == 1)
        upkeep->end_of_checkpoint = upkeep->recovery.end_lsn; /* an idle life needs no checkpoint */
    if (upkeep->control.state != RDB_CONTROL_RUNNING) {
        upkeep->control.state = RDB_CONTROL_RUNNING;
        upkeep->control.consistent_lsn = 0;
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

rdb_wal_archiver *rdb_upkeep_archiver(rdb_upkeep *upkeep)
{
    return upkeep->archiver;
}

uint32_t rdb_upkeep_timeline(const rdb_upkeep *upkeep)
{
    return upkeep->wal_config.incarnation;
}

bool rdb_upkeep_read_log(rdb_upkeep *upkeep, rdb_lsn start, rdb_wal_reader **reader, rdb_error *err)
{
    rdb_wal_history history = {.timeline = upkeep->wal_config.incarnation};
    bool found = false;
    *reader = NULL;
    return rdb_wal_history_read(upkeep->wal_directory, history.timeline, &history, &found, err) &&
           rdb_wal_reader_open_along(reader, &upkeep->wal_config, NULL, &history, start, err);
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
    const checkpoint_reason reason = {.name = "shutdown immediate", .state = RDB_CONTROL_CLEAN};
    if (clean && upkeep->wal != NULL)
        ok = upkeep_checkpoint(upkeep, &reason, err);
    rdb_wal_archiver_close(&upkeep->archiver);
    rdb_storage_close(&upkeep->storage);
    ok = rdb_wal_close(&upkeep->wal, err) && ok;
    rdb_mutex_deinit(&upkeep->checkpoint_lock);
    rdb_mutex_deinit(&upkeep->backup_lock);
    free(upkeep);
    return ok;
}
