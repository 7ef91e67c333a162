/* SPDX-License-Identifier: Apache-2.0
 * The reverter: takes back what aborted transactions and rolled-back savepoints did, from the queue of the undo store.
 * Nobody waits for it: readers step over aborted versions and writers build under them. When all records of an xid are
 * taken back that is remembered in the commit log, so that a restart does not do it again over what came after. */
#include "upkeep/purge_int.h"

#include <stdlib.h>

bool reverter_revert_record(rdb_purge *purge, uint32_t pdb, rdb_table_histories *histories, const rdb_undo_record *record,
                            rdb_undo_address address, rdb_error *err)
{
    rdb_table_cleanup cleanup = {purge->config.undo, pdb, purge->config.remove_entry, histories};
    if (!rdb_undo_work_begin(purge->config.undo, pdb))
        return true;
    atomic_fetch_add_explicit(&purge->reverted_records, 1, memory_order_relaxed);
    bool ok = rdb_table_revert_record(&cleanup, record, address, err);
    rdb_undo_work_end(purge->config.undo, pdb);
    return ok;
}

typedef struct xid_set { /* the aborted xids of a job: few, and in runs */
    rdb_xid *xids;
    uint32_t count, capacity;
} xid_set;

static bool add_xid(xid_set *set, rdb_xid xid, rdb_error *err)
{
    for (uint32_t i = set->count; i-- > 0 && set->count - i < 16;)
        if (set->xids[i] == xid)
            return true;
    if (set->count == set->capacity) {
        uint32_t capacity = set->capacity == 0 ? 16 : set->capacity * 2;
        rdb_xid *grown = realloc(set->xids, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        set->xids = grown;
        set->capacity = capacity;
    }
    set->xids[set->count++] = xid;
    return true;
}

static int compare_xids(const void *a, const void *b)
{
    rdb_xid x = *(const rdb_xid *)a, y = *(const rdb_xid *)b;
    return x < y ? -1 : x > y;
}

/* The records of one log; set gathers the xids met. */
static bool run_job(rdb_purge *purge, const rdb_undo_job *job, rdb_table_histories *histories, xid_set *set, rdb_error *err)
{
    rdb_undo *undo = purge->config.undo;
    rdb_undo_reader reader;
    rdb_xid last_xid = 0;
    bool ok = true, last_aborted = false, last_reverted = false;
    rdb_undo_reader_init(&reader);
    for (rdb_undo_address at = job->last; ok && at != 0;) {
        rdb_undo_record record;
        bool found;
        if (!purge_may_go_on(purge, err)) { /* the next life, or the next round, begins this job anew */
            ok = false;
            break;
        }
        ok = rdb_undo_read(undo, job->pdb, at, &reader, &record, &found, err);
        if (!ok || !found) /* below the tail: purge has been there and found it done */
            break;
        if (record.xid != last_xid) {
            rdb_xid_state state;
            rdb_scn scn;
            ok = rdb_txn_resolve(purge->txns, job->pdb, record.xid, &state, &scn, err) &&
                 rdb_txn_is_reverted(purge->txns, job->pdb, record.xid, &last_reverted, err);
            last_xid = record.xid;
            last_aborted = ok && state == RDB_XID_ABORTED;
        }
        /* What lies below belongs to the transaction, which may have been aborted meanwhile: that is a job of its own,
         * and an xid is remembered as taken back only by the job that met all of its records. */
        if (ok && job->is_savepoint && record.xid < job->xid)
            break;
        rdb_undo_address next = record.previous_of_txn;
        if (ok && last_aborted && !last_reverted)
            ok = add_xid(set, record.xid, err) && reverter_revert_record(purge, job->pdb, histories, &record, at, err);
        at = next;
    }
    rdb_undo_reader_deinit(&reader);
    return ok;
}

/* A transaction has a log of each class it wrote. Only when its records in all of them are taken back may its xids be remembered
 * as reverted: the mark keeps any other job away. */
static bool run_jobs(rdb_purge *purge, rdb_undo_job *jobs, uint32_t count, rdb_error *err)
{
    xid_set set = {0};
    rdb_table_histories *histories = NULL;
    bool ok = rdb_table_histories_create(&histories, err);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = rdb_undo_find_last(purge->config.undo, &jobs[i], err) && run_job(purge, &jobs[i], histories, &set, err);
    if (histories != NULL)
        atomic_fetch_add_explicit(&purge->chain_steps, rdb_table_histories_steps(histories), memory_order_relaxed);
    rdb_table_histories_destroy(&histories);
    if (ok && set.count > 0) {
        qsort(set.xids, set.count, sizeof *set.xids, compare_xids);
        for (uint32_t i = 0; ok && i < set.count; i++)
            if (i == 0 || set.xids[i] != set.xids[i - 1])
                ok = rdb_txn_mark_reverted(purge->txns, jobs[0].pdb, set.xids[i], err);
    }
    free(set.xids);
    return ok;
}

typedef struct job_list { /* of one transaction, or all that a restart found */
    rdb_undo_job *jobs;
    uint32_t count, capacity;
} job_list;

static bool add_job(job_list *list, const rdb_undo_job *job, rdb_error *err)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? RDB_UNDO_CLASS_COUNT : list->capacity * 2;
        rdb_undo_job *grown = realloc(list->jobs, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        list->jobs = grown;
        list->capacity = capacity;
    }
    list->jobs[list->count++] = *job;
    return true;
}

static bool take_siblings(rdb_undo *undo, const rdb_undo_job *job, job_list *list, rdb_error *err)
{
    rdb_undo_job sibling;
    bool ok = add_job(list, job, err);
    while (ok && rdb_undo_take_sibling(undo, job, &sibling)) {
        ok = add_job(list, &sibling, err);
        if (!ok)
            rdb_undo_finish_job(undo, &sibling, false);
    }
    return ok;
}

bool reverter_run(rdb_purge *purge, bool *done, rdb_error *err)
{
    rdb_undo *undo = purge->config.undo;
    rdb_undo_job job;
    *done = true;
    while (rdb_undo_take_job(undo, &job)) {
        rdb_xid_state state = RDB_XID_RUNNING;
        rdb_scn scn;
        bool ok = true;
        /* The mark follows the queueing at once; what takes longer is looked at again in the next round. */
        for (unsigned tries = 0; ok && state == RDB_XID_RUNNING && tries < 100; tries++) {
            ok = rdb_txn_resolve(purge->txns, job.pdb, job.xid, &state, &scn, err);
            if (ok && state == RDB_XID_RUNNING)
                rdb_time_sleep_us(100);
        }
        if (ok && state == RDB_XID_RUNNING) {
            rdb_undo_finish_job(undo, &job, false);
            *done = false;
            return true;
        }
        job_list list = {0};
        ok = take_siblings(undo, &job, &list, err) && ok && run_jobs(purge, list.jobs, list.count, err);
        if (list.count == 0)
            rdb_undo_finish_job(undo, &job, false);
        for (uint32_t i = 0; i < list.count; i++)
            rdb_undo_finish_job(undo, &list.jobs[i], ok);
        free(list.jobs);
        if (!ok)
            return false;
    }
    return true;
}
