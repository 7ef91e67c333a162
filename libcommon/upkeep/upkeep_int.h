/* SPDX-License-Identifier: Apache-2.0
 * Inside of room upkeep. */
#ifndef UPKEEP_INT_H
#define UPKEEP_INT_H

#include "instance/rdb_instance.h"
#include "upkeep/rdb_recovery.h"
#include "upkeep/rdb_upkeep.h"

struct rdb_upkeep {
    rdb_upkeep_config config RDB_SET_ONCE;
    char home[900] RDB_SET_ONCE;
    char wal_directory[1000] RDB_SET_ONCE, data_directory[1000] RDB_SET_ONCE;
    rdb_wal_config wal_config RDB_SET_ONCE;
    rdb_storage *storage RDB_SET_ONCE;
    rdb_wal *wal RDB_SET_ONCE;
    rdb_recovery_result recovery RDB_SET_ONCE;
    rdb_wal_archiver *archiver RDB_SET_ONCE; /* NULL: nothing is archived */

    rdb_mutex backup_lock; /* RDB_RANK_UPKEEP */
    rdb_base_backup *backups RDB_GUARDED_BY(backup_lock);

    rdb_mutex checkpoint_lock; /* RDB_RANK_CHECKPOINT: held over a whole checkpoint */
    rdb_control control RDB_GUARDED_BY(checkpoint_lock);
    rdb_lsn end_of_checkpoint RDB_GUARDED_BY(checkpoint_lock); /* nothing was logged since where this is the insert LSN */
    rdb_scn (*highest_scn)(void *context) RDB_GUARDED_BY(checkpoint_lock);
    void *scn_context RDB_GUARDED_BY(checkpoint_lock);
    rdb_lsn (*wal_keeper)(void *context) RDB_GUARDED_BY(checkpoint_lock);
    void *keeper_context RDB_GUARDED_BY(checkpoint_lock);

    /* Copies for statistics and for the checkpointer's clock; relaxed. */
    _Atomic uint64_t redo_lsn, checkpoint_lsn;
    _Atomic int64_t checkpoint_wall_us, checkpoint_monotonic_us;
    _Atomic uint64_t by_time, by_volume, by_request, failed;
    _Atomic uint64_t pages_written, files_synced, write_us, sync_us;
    /* The pace; relaxed: one of them may be seen before the other. */
    _Atomic int64_t interval_us;
    _Atomic uint64_t wal_bytes;
    _Atomic uint32_t percent;
    double distance_estimate RDB_GUARDED_BY(checkpoint_lock);   /* bytes of log between two checkpoints, smoothed */
    rdb_wal_statistics wal_before RDB_GUARDED_BY(checkpoint_lock); /* when the last one ended */

    rdb_thread *checkpointer;
    _Atomic uint32_t wake;     /* futex */
    _Atomic uint32_t stopping;
};

/* How a recovery goes, beyond what a crash needs. */
typedef struct recovery_plan {
    const rdb_wal_history *history;       /* the timelines to follow */
    const char *archive_directory;        /* NULL: none */
    const rdb_recovery_target *target;    /* NULL: the end of the log, wherever that is */
    rdb_lsn consistent_lsn;               /* stopping before it is an error */
    uint32_t threads;                     /* 0: as many as there are processors; 1: the reading thread applies by itself */
    _Atomic uint64_t *position;           /* where it is: moved before a record is applied; may be NULL */
} recovery_plan;
bool recovery_run(rdb_storage *storage, const rdb_wal_config *wal, rdb_lsn redo_lsn, const recovery_plan *plan,
                  rdb_recovery_result *result, rdb_error *err);
/* Threads that apply records (replay_crew.c); 0 threads: as many as there are processors. */
typedef struct replay_crew replay_crew;
bool replay_crew_create(replay_crew **crew, rdb_storage *storage, uint32_t threads, rdb_error *err);
void replay_crew_destroy(replay_crew **crew); /* what was dealt out and not rested for may be left undone only after a failure */
bool replay_crew_deal(replay_crew *crew, const rdb_wal_record *record, rdb_error *err); /* its bytes are copied; an error may be of a record before */
bool replay_crew_rest(replay_crew *crew, rdb_error *err); /* all that was dealt out is applied */
/* Where a recovery to a target stops (target.c). */
typedef enum stop_verdict { STOP_NOT, STOP_BEFORE, STOP_BEHIND } stop_verdict;
bool target_read(const char *home, rdb_recovery_target *target, uint32_t *crc, bool *found, rdb_error *err);
stop_verdict target_judge(const rdb_recovery_target *target, const rdb_wal_record *record, uint32_t page_bytes);
bool target_missed(const rdb_recovery_target *target, rdb_lsn end_lsn, rdb_error *err); /* always false */
/* The label's copy becomes the control file (base_backup.c). *found false: there is no label. */
bool base_backup_take_label(const char *home, rdb_control *control, bool *found, rdb_error *err);
rdb_lsn base_backup_keeps(rdb_upkeep *upkeep); /* the log is kept from here on */
/* The new timeline after a recovery that stopped where the log may go on (timeline.c). */
bool timeline_find(const rdb_upkeep *upkeep, const rdb_recovery_target *target, rdb_lsn from, rdb_wal_history *history, rdb_error *err);
bool timeline_branch(const rdb_upkeep *upkeep, const char *archive_directory, const rdb_wal_history *followed, rdb_lsn end_lsn,
                     uint32_t end_timeline, uint32_t *timeline, rdb_lsn *begin_lsn, rdb_error *err);

enum { UPKEEP_CONTROL_PART_BYTES = 24 }; /* drawn in rdb_upkeep.h */
/* Registers the log's own resource. */
void upkeep_register_redo(void);
/* One checkpoint; the control file says state after it. */
typedef struct checkpoint_reason {
    const char *name;     /* for the log */
    int64_t spread_us;    /* both 0: as fast as can be */
    uint64_t spread_bytes;
    uint32_t state;
} checkpoint_reason;
int64_t upkeep_spread_us(rdb_upkeep *upkeep); /* of one that nobody waits for */
bool upkeep_checkpoint(rdb_upkeep *upkeep, const checkpoint_reason *reason, rdb_error *err);

#endif
