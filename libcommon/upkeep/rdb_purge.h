/* SPDX-License-Identifier: Apache-2.0
 * The reverter and purge: one background thread that follows the undo store.
 *
 * A round: the horizon is taken; the reverter does all aborted work that is known by then; purge takes the commits up to
 * the horizon, merged over the logs in the order of their SCNs (R32), removes index entries and slots that nobody can ask
 * for any more, and moves the logs' tails. In this order, because a commit may have built on a row whose aborted version's
 * index entries are still there: were its undo gone first, the reverter could not tell whose an entry is.
 *
 * In the background it rests as long as it worked, so that it takes half a processor at most, until what is left behind has grown
 * past PURGE_BACKLOG_BYTES or half of what may be kept. Where old versions take more room than they may, undo_retention
 * is given up first and then the oldest snapshots are expired, just as far as the room asks for: each gets 72000 at its next read. */
#ifndef RDB_PURGE_H
#define RDB_PURGE_H

#include "table/rdb_table_cleanup.h"

typedef struct rdb_purge rdb_purge;

typedef struct rdb_purge_config {
    rdb_undo *undo;
    rdb_index_remover remove_entry; /* rdb_index_remove; NULL: there are no indexes */
    int64_t interval_us;            /* between rounds that found nothing to do */
    uint64_t bytes_max;             /* that old versions of finished transactions may take; 0: no limit */
} rdb_purge_config;
RDB_CHECKED bool rdb_purge_open(rdb_purge **purge, const rdb_purge_config *config, rdb_error *err);
void rdb_purge_close(rdb_purge **purge); /* stops it first */
/* The thread. Failures go to the log and are tried again. */
RDB_CHECKED bool rdb_purge_start(rdb_purge *purge, rdb_error *err);
void rdb_purge_stop(rdb_purge *purge);
/* One round now, on the calling thread (VACUUM; tests). One runs at a time. */
RDB_CHECKED bool rdb_purge_run(rdb_purge *purge, rdb_error *err);

void rdb_purge_set_bytes_max(rdb_purge *purge, uint64_t bytes_max);

typedef struct rdb_purge_statistics {
    uint64_t rounds, reverted_records, purged_transactions, purged_records;
    uint64_t chain_steps; /* versions stepped over to tell who still needs an index entry */
    uint64_t bytes_max;
    rdb_scn purged_scn, horizon; /* of the newest round */
} rdb_purge_statistics;
void rdb_purge_get_statistics(const rdb_purge *purge, rdb_purge_statistics *statistics);

#endif
