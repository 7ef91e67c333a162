/* SPDX-License-Identifier: Apache-2.0
 * The inside of purge and the reverter. */
#ifndef RDB_PURGE_INT_H
#define RDB_PURGE_INT_H

#include "upkeep/rdb_purge.h"

typedef struct purge_log { /* what purge remembers of one undo log */
    uint32_t pdb;
    uint16_t log;
    bool searched;            /* aborted work of before the restart is queued */
    rdb_undo_address at, end; /* next record, and where finished ones end, in this round */
    rdb_undo_address tail;    /* as it stands in the log */
    bool has_head;
    rdb_scn head_scn;         /* of the transaction at `at` */
} purge_log;

typedef struct purge_mark { /* when every log's tail has passed this, the commit log is cut below xid */
    bool is_set;
    uint32_t pdb;
    rdb_xid xid;
    uint32_t log_count;
    rdb_undo_address *ends;
} purge_mark;

struct rdb_purge {
    rdb_purge_config config;
    rdb_txn_manager *txns;
    rdb_mutex lock; /* rank RDB_RANK_UPKEEP - 1: over a whole round */
    purge_log *logs;
    uint32_t log_count, log_capacity;
    bool failed; /* out of memory while visiting logs */
    bool is_clean; /* the last round left no aborted work that it had found */
    purge_mark mark;
    rdb_thread *thread;
    bool is_background;       /* this round runs on the thread: it may rest */
    int64_t work_began_us;    /* since the last rest */
    _Atomic uint32_t hurried; /* who waits for a round of his own */
    _Atomic uint64_t bytes_max;
    _Atomic uint32_t wake; /* futex */
    _Atomic bool stopping;
    rdb_scn unwritten_scn;           /* commits up to it are purged, and no tail says so yet */
    rdb_cancel *cancel;              /* of whoever runs this round for itself */
    rdb_table_histories *histories; /* of this round of purge */
    _Atomic uint64_t chain_steps;
    _Atomic uint64_t rounds, reverted_records, purged_transactions, purged_records;
    _Atomic rdb_scn purged_scn, horizon;
};

/* False (57014 and its kin): the thread is to stop, or who runs the round was cancelled. Asked between two records. */
bool purge_may_go_on(rdb_purge *purge, rdb_error *err);

/* reverter.c. Does what is queued; *done false: some of it has to wait (a transaction is about to be marked), nothing may be
 * purged now. */
bool reverter_run(rdb_purge *purge, bool *done, rdb_error *err);
/* Takes back one record where that was not done before. */
bool reverter_revert_record(rdb_purge *purge, uint32_t pdb, rdb_table_histories *histories, const rdb_undo_record *record, rdb_undo_address address, rdb_error *err);

#endif
