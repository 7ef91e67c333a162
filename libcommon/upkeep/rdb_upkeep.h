/* SPDX-License-Identifier: Apache-2.0
 * Room upkeep: what keeps an instance going: opening with recovery, checkpoints, and (in files of their own) purge and
 * the reverter.
 *
 * Checkpoint record: resource RDB_RESOURCE_WAL, operation RDB_WAL_OP_CHECKPOINT, main data:
 *    0  8  redo LSN               8  8  wall time (timestamptz us)
 *   16  .  parts: resource 1, zero 3, bytes 4, then the bytes (rdb_checkpoint_part)
 * The part of resource RDB_RESOURCE_WAL is what else the control file says, so that it can be made again (R23):
 *    0  4  layout version    4  4  data format    8  4  page bytes   12  4  zero   16  8  highest SCN
 * The control file points to the redo LSN; recovery starts there and meets the record of its checkpoint on its way.
 *
 * Restore point: operation RDB_WAL_OP_RESTORE_POINT, main data: wall time 8, then the name. RDB_WAL_OP_SWITCH fills a segment. */
#ifndef RDB_UPKEEP_H
#define RDB_UPKEEP_H

#include "instance/rdb_instance.h"
#include "storage/rdb_storage.h"
#include "wal/rdb_wal_archive.h"

enum { RDB_WAL_OP_CHECKPOINT = 1, RDB_WAL_OP_RESTORE_POINT = 2 /* 3: RDB_WAL_OP_SWITCH */ };

typedef struct rdb_upkeep rdb_upkeep; /* an open instance's log and storage, and their upkeep */

typedef struct rdb_upkeep_config {
    const char *home;
    uint32_t frame_count;
    uint32_t wal_ring_bytes;
    bool sync;                      /* storage.fsync */
    int64_t checkpoint_interval_us; /* from begin to begin; 0: no checkpoints by time */
    uint64_t checkpoint_wal_bytes;  /* of log since the last redo point; 0: none by volume */
    uint32_t checkpoint_percent;    /* over how much of that time, or that log, a checkpoint spreads its writes; whichever runs out first */
    void (*on_failure)(void *context, const rdb_error *err); /* as rdb_wal_config's */
    void *failure_context;
    /* The instance's highest SCN, for the control file; may be NULL. */
    rdb_scn (*highest_scn)(void *context);
    void *scn_context;
    const rdb_wal_archiver_config *archive; /* state_path does not count; NULL: nothing is archived */
    uint32_t recovery_threads; /* that apply records; 0: as the machine has processors, 1: none beside the one that reads the log */
} rdb_upkeep_config;

typedef struct rdb_recovery_result {
    rdb_lsn redo_lsn, end_lsn, checkpoint_lsn; /* checkpoint_lsn: the last checkpoint record met, 0 = none */
    uint64_t records, bytes;
    int64_t elapsed_us;
    bool was_clean; /* the last life ended with its checkpoint */
    uint32_t timeline;   /* that the log was read on; another one from here on where a target was asked for */
    rdb_scn last_scn;    /* of the last commit met, 0: none; and its time */
    int64_t last_commit_us;
} rdb_recovery_result;

/* The control file as it is; where it is missing or both copies are bad, made anew from the last checkpoint record in the log,
 * and written. XX001 with the reason where that cannot be done either. */
RDB_CHECKED bool rdb_upkeep_read_control(const char *home, rdb_control *control, rdb_error *err);

/* Reads the control file, replays the log from its redo LSN, opens the log for inserting where it ended. The caller holds
 * the instance's lock and has registered every resource. Changes may be made when it returns; nothing runs in the
 * background before rdb_upkeep_start. */
RDB_CHECKED bool rdb_upkeep_open(rdb_upkeep **upkeep, const rdb_upkeep_config *config, rdb_error *err);
rdb_storage *rdb_upkeep_storage(rdb_upkeep *upkeep);
rdb_wal *rdb_upkeep_wal(rdb_upkeep *upkeep);
const rdb_recovery_result *rdb_upkeep_recovery(const rdb_upkeep *upkeep);
/* The highest SCN is asked from here on: set it when transactions are open, NULL before they close. */
void rdb_upkeep_set_highest_scn(rdb_upkeep *upkeep, rdb_scn (*highest_scn)(void *context), void *context);
/* Starts the checkpointer; the rooms above are open and have set their checkpoint parts. */
RDB_CHECKED bool rdb_upkeep_start(rdb_upkeep *upkeep, rdb_error *err);
/* Ends the background threads; the rooms above close after this and before rdb_upkeep_close. */
void rdb_upkeep_stop(rdb_upkeep *upkeep);
/* With clean a last checkpoint first, so that the next start has nothing to replay; without, as a crash would leave it. */
bool rdb_upkeep_close(rdb_upkeep **upkeep, bool clean, rdb_error *err);

/* A checkpoint now. spread_us 0: as fast as can be (CHECKPOINT). One runs at a time; a second caller waits its
 * turn, and one in a hurry makes the running one hurry. False:
 * the former one still counts and nothing is lost. */
RDB_CHECKED bool rdb_upkeep_checkpoint(rdb_upkeep *upkeep, int64_t spread_us, rdb_error *err);
/* When checkpoints come by themselves, from now on: as in the configuration. The running one goes on as it began. */
typedef struct rdb_checkpoint_pace {
    int64_t interval_us;
    uint64_t wal_bytes;
    uint32_t percent;
} rdb_checkpoint_pace;
void rdb_upkeep_set_pace(rdb_upkeep *upkeep, const rdb_checkpoint_pace *pace);
void rdb_upkeep_get_pace(rdb_upkeep *upkeep, rdb_checkpoint_pace *pace);
/* Segments of the log are kept from the lowest LSN that keeper returns on (archive, standbys); NULL: the redo point alone. */
void rdb_upkeep_set_wal_keeper(rdb_upkeep *upkeep, rdb_lsn (*keeper)(void *context), void *context);

typedef struct rdb_upkeep_statistics {
    uint64_t checkpoints_by_time, checkpoints_by_volume, checkpoints_by_request, checkpoints_failed;
    rdb_lsn redo_lsn, checkpoint_lsn;
    int64_t checkpoint_us; /* wall time of the last one */
    uint64_t pages_written, files_synced; /* by checkpoints */
    int64_t write_us, sync_us;            /* spent in them, pauses of the writing included */
} rdb_upkeep_statistics;
void rdb_upkeep_get_statistics(rdb_upkeep *upkeep, rdb_upkeep_statistics *statistics);

/* Reads the running log from a position on, over former timelines too where their segments are there; up to a position that is durable. */
RDB_CHECKED bool rdb_upkeep_read_log(rdb_upkeep *upkeep, rdb_lsn start, rdb_wal_reader **reader, rdb_error *err);
/* NULL: nothing is archived. */
rdb_wal_archiver *rdb_upkeep_archiver(rdb_upkeep *upkeep);
uint32_t rdb_upkeep_timeline(const rdb_upkeep *upkeep);

/* Recovery alone, for tools: brings the pages of storage (which has no log) to where the log ends. */
RDB_CHECKED bool rdb_recovery_run(rdb_storage *storage, const rdb_wal_config *wal, rdb_lsn redo_lsn, rdb_recovery_result *result,
                                  rdb_error *err);

/* ---- checking the files of an instance that nobody serves, whose lock the caller holds (verify.c) ---------------------------------
 * Nothing is changed. One that was not closed cleanly may hold pages that recovery would mend: open and close it first. */
typedef struct rdb_file_problem {
    const char *file;    /* below the data directory */
    bool is_page;        /* position is a block of the file in tag, else an offset */
    uint64_t position;
    rdb_page_tag tag;
    const char *problem; /* a sentence without its period */
} rdb_file_problem;
typedef struct rdb_files_checked {
    rdb_storage_checked storage;
    rdb_wal_checked wal;
    uint64_t problems; /* in all */
} rdb_files_checked;
RDB_CHECKED bool rdb_upkeep_verify_files(const char *home, void (*complain)(void *context, const rdb_file_problem *problem), void *context,
                                         rdb_files_checked *checked, rdb_error *err);

#endif
