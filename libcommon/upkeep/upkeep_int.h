/* SPDX-License-Identifier: Apache-2.0
 * Inside of room upkeep. */
#ifndef UPKEEP_INT_H
#define UPKEEP_INT_H

#include "instance/rdb_instance.h"
#include "upkeep/rdb_upkeep.h"

struct rdb_upkeep {
    rdb_upkeep_config config RDB_SET_ONCE;
    char home[900] RDB_SET_ONCE;
    char wal_directory[1000] RDB_SET_ONCE, data_directory[1000] RDB_SET_ONCE;
    rdb_wal_config wal_config RDB_SET_ONCE;
    rdb_storage *storage RDB_SET_ONCE;
    rdb_wal *wal RDB_SET_ONCE;
    rdb_recovery_result recovery RDB_SET_ONCE;

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

    rdb_thread *checkpointer;
    _Atomic uint32_t wake;     /* futex */
    _Atomic uint32_t stopping;
};

enum { UPKEEP_CONTROL_PART_BYTES = 24 }; /* drawn in rdb_upkeep.h */
/* Registers the log's own resource. */
void upkeep_register_redo(void);
/* One checkpoint; state is what the control file says after it. */
bool upkeep_checkpoint(rdb_upkeep *upkeep, int64_t spread_us, uint32_t state, rdb_error *err);

#endif
