/* SPDX-License-Identifier: Apache-2.0
 * Purge: follows committed undo in the order of SCNs up to the horizon (the reasons: rdb_purge.h), and cuts logs and commit
 * log behind itself. What always holds: a PDB's purged SCN is logged before the tails that follow from it; no tail passes
 * work of an aborted xid that is not taken back. */
#include "upkeep/purge_int.h"

#include "base/rdb_log.h"

#include <stdlib.h>

#define PURGE_BATCH 4096u              /* transactions between two looks at stopping and writings of tails */
#define PURGE_WORK_US 5000             /* between two rests in the background, each as long */
#define PURGE_BACKLOG_BYTES (64u << 20) /* left behind: no more rests */
#define CUT_XIDS (UINT64_C(1) << 18)   /* the commit log is cut when so many xids would go */

static bool run_for_others(void *context, rdb_cancel *cancel, rdb_error *err);
static bool run_at_rest(void *context, rdb_cancel *cancel, rdb_undo_visit_at_rest visit, void *visit_context, bool *ran, rdb_error *err);

bool purge_may_go_on(rdb_purge *purge, rdb_error *err)
{
    if (RDB_UNLIKELY(atomic_load(&purge->stopping)))
        return rdb_error_set(err, RDB_QUERY_CANCELED, "purge was stopped");
    return rdb_cancel_check(purge->cancel, err);
}

bool rdb_purge_open(rdb_purge **opened, const rdb_purge_config *config, rdb_error *err)
{
    rdb_purge *purge = calloc(1, sizeof *purge);
    *opened = purge;
    if (purge == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    purge->config = *config;
    purge->txns = rdb_undo_txns(config->undo);
    atomic_store(&purge->bytes_max, config->bytes_max);
    rdb_mutex_init(&purge->lock, RDB_RANK_UPKEEP - 1);
    rdb_undo_set_purger(config->undo, run_for_others, purge);
    rdb_undo_set_rester(config->undo, run_at_rest, purge);
    return true;
}

void rdb_purge_close(rdb_purge **opened)
{
    rdb_purge *purge = *opened;
    *opened = NULL;
    if (purge == NULL)
        return;
    rdb_purge_stop(purge);
    rdb_undo_set_purger(purge->config.undo, NULL, NULL);
    rdb_undo_set_rester(purge->config.undo, NULL, NULL);
    rdb_mutex_deinit(&purge->lock);
    free(purge->mark.ends);
    free(purge->logs);
    free(purge);
}

/* ---- the logs -------------------------------------------------------------------------------------------------------- */
static void meet_log(void *context, const rdb_undo_log_info *info)
{
    rdb_purge *purge = context;
    purge_log *log = NULL;
    for (uint32_t i = 0; i < purge->log_count && log == NULL; i++)
        if (purge->logs[i].pdb == info->pdb && purge->logs[i].log == info->log)
            log = &purge->logs[i];
    if (log == NULL) {
        if (purge->log_count == purge->log_capacity) {
            uint32_t capacity = purge->log_capacity == 0 ? 16 : purge->log_capacity * 2;
            purge_log *grown = realloc(purge->logs, capacity * sizeof *grown);
            if (grown == NULL) {
                purge->failed = true;
                return;
            }
            purge->logs = grown;
            purge->log_capacity = capacity;
        }
        log = &purge->logs[purge->log_count++];
        *log = (purge_log){.pdb = info->pdb, .log = info->log, .at = info->tail};
    }
    log->tail = info->tail;
    log->end = info->end;
}

/* The transaction whose records begin at `at`: the SCN of its commit; *aborted: it has none. *next: where another begins. */
static bool look_at_head(rdb_purge *purge, const purge_log *log, rdb_undo_address at, bool to_the_end, bool *aborted, rdb_scn *scn,
                         bool *all_reverted, rdb_undo_address *last, rdb_undo_address *next, rdb_error *err)
{
    rdb_undo *undo = purge->config.undo;
    rdb_undo_reader reader;
    bool ok = true;
    rdb_xid last_xid = 0;
    *aborted = *all_reverted = true;
    *scn = 0;
    *last = at;
    *next = log->end;
    rdb_undo_reader_init(&reader);
    for (rdb_undo_address here = at; ok && here < log->end;) {
        rdb_undo_record record;
        bool found;
        ok = rdb_undo_read(undo, log->pdb, here, &reader, &record, &found, err);
        if (ok && !found)
            ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "an undo log has lost records above its tail");
        if (!ok)
            break;
        if (here != at && record.previous_of_txn == 0) {
            *next = here;
            break;
        }
        *last = here;
        if (record.xid != last_xid) {
            rdb_xid_state state;
            rdb_scn its_scn;
            bool reverted = false;
            ok = rdb_txn_resolve(purge->txns, log->pdb, record.xid, &state, &its_scn, err);
            last_xid = record.xid;
            if (ok && state == RDB_XID_COMMITTED) {
                *aborted = false;
                *scn = RDB_MAX(*scn, its_scn);
                if (!to_the_end)
                    break;
            } else if (ok) {
                ok = rdb_txn_is_reverted(purge->txns, log->pdb, record.xid, &reverted, err);
                *all_reverted = *all_reverted && reverted;
            }
        }
        here = rdb_undo_after(undo, here, record.bytes);
    }
    rdb_undo_reader_deinit(&reader);
    return ok;
}

/* Once a log: queues what a crash, or a stop before the reverter came, has left in it. */
static bool search_log(rdb_purge *purge, purge_log *log, rdb_error *err)
{
    for (rdb_undo_address at = log->at, next; at < log->end; at = next) {
        bool aborted, all_reverted;
        rdb_scn scn;
        rdb_undo_address last;
        if (!purge_may_go_on(purge, err))
            return false;
        if (!look_at_head(purge, log, at, true, &aborted, &scn, &all_reverted, &last, &next, err))
            return false;
        if (!all_reverted) {
            rdb_undo_job job = {.pdb = log->pdb, .last = last, .begin = at, .is_found = true};
            rdb_undo_reader reader;
            rdb_undo_record record;
            bool found;
            rdb_undo_reader_init(&reader);
            bool ok = rdb_undo_read(purge->config.undo, log->pdb, last, &reader, &record, &found, err);
            job.xid = ok && found ? record.xid : 0;
            rdb_undo_reader_deinit(&reader);
            if (!ok)
                return false;
            if (found)
                rdb_undo_add_job(purge->config.undo, &job);
        }
    }
    log->searched = true;
    return true;
}

/* ---- how fast, how much ------------------------------------------------------------------------------------------------ */
/* Bytes of finished transactions that are still there when this round's tails are written. */
static uint64_t bytes_left(const rdb_purge *purge)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < purge->log_count; i++)
        if (purge->logs[i].end > purge->logs[i].at)
            bytes += purge->logs[i].end - purge->logs[i].at;
    return bytes;
}

/* In the background, after some work: leaves the processor to others, unless it falls behind or is waited for. */
static void rest(rdb_purge *purge)
{
    if (!purge->is_background)
        return;
    int64_t now = rdb_time_monotonic_us(), worked_us = now - purge->work_began_us;
    if (worked_us < PURGE_WORK_US)
        return;
    uint64_t bytes_max = atomic_load_explicit(&purge->bytes_max, memory_order_relaxed);
    uint64_t allowed = bytes_max == 0 ? PURGE_BACKLOG_BYTES : RDB_MIN(bytes_max / 2, (uint64_t)PURGE_BACKLOG_BYTES);
    uint32_t word = atomic_load(&purge->wake);
    if (atomic_load(&purge->hurried) == 0 && !atomic_load(&purge->stopping) && bytes_left(purge) < allowed) {
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_PURGE_DELAY);
        rdb_futex_wait(&purge->wake, word, RDB_MIN(worked_us, INT64_C(100000)));
        rdb_wait_end(mark);
    }
    purge->work_began_us = rdb_time_monotonic_us();
}

/* ---- one transaction --------------------------------------------------------------------------------------------------- */
static bool purge_transaction(rdb_purge *purge, purge_log *log, rdb_error *err)
{
    rdb_undo *undo = purge->config.undo;
    rdb_table_cleanup cleanup = {undo, log->pdb, purge->config.remove_entry, purge->histories};
    bool is_done = log->head_scn <= rdb_undo_purged_scn(undo, log->pdb), aborted = false, ok = true;
    rdb_xid last_xid = 0;
    rdb_undo_reader reader;
    rdb_undo_reader_init(&reader);
    rdb_undo_address at = log->at;
    while (ok && at < log->end) {
        rdb_undo_record record;
        bool found;
        ok = rdb_undo_read(undo, log->pdb, at, &reader, &record, &found, err);
        if (ok && !found)
            ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "an undo log has lost records above its tail");
        if (!ok || (at != log->at && record.previous_of_txn == 0))
            break;
        if (record.xid != last_xid) {
            rdb_xid_state state;
            rdb_scn scn;
            ok = rdb_txn_resolve(purge->txns, log->pdb, record.xid, &state, &scn, err);
            last_xid = record.xid;
            aborted = ok && state != RDB_XID_COMMITTED;
        }
        /* Savepoints that were rolled back inside it are taken back already: the reverter was here first. */
        if (ok && !is_done && !aborted && rdb_undo_work_begin(undo, log->pdb)) {
            ok = rdb_table_purge_record(&cleanup, &record, at, err);
            rdb_undo_work_end(undo, log->pdb);
        }
        if (ok) {
            at = rdb_undo_after(undo, at, record.bytes);
            if (atomic_fetch_add_explicit(&purge->purged_records, 1, memory_order_relaxed) % 64 == 63)
                rest(purge);
        }
    }
    rdb_undo_reader_deinit(&reader);
    if (ok) {
        log->at = at;
        log->has_head = false;
        atomic_fetch_add_explicit(&purge->purged_transactions, 1, memory_order_relaxed);
    }
    return ok;
}

/* Steps over aborted transactions, whose work is taken back, to the next committed one. *blocked: work is not taken back yet. */
static bool find_head(rdb_purge *purge, purge_log *log, bool *blocked, rdb_error *err)
{
    *blocked = false;
    while (!log->has_head && log->at < log->end) {
        bool aborted, all_reverted;
        rdb_scn scn;
        rdb_undo_address last, next;
        if (!look_at_head(purge, log, log->at, false, &aborted, &scn, &all_reverted, &last, &next, err))
            return false;
        if (!aborted) {
            log->has_head = true;
            log->head_scn = scn;
        } else if (all_reverted) {
            log->at = next;
        } else {
            *blocked = true;
            return true;
        }
    }
    return true;
}

/* ---- tails ----------------------------------------------------------------------------------------------------------- */
static bool write_tails(rdb_purge *purge, rdb_scn purged, rdb_error *err)
{
    rdb_undo *undo = purge->config.undo;
    for (uint32_t i = 0; i < purge->log_count; i++) {
        purge_log *log = &purge->logs[i];
        if (log->at <= log->tail)
            continue;
        if (purged > rdb_undo_purged_scn(undo, log->pdb) && !rdb_undo_set_purged_scn(undo, log->pdb, purged, err))
            return false;
        if (!rdb_undo_set_tail(undo, log->pdb, log->at, err))
            return false;
        log->tail = log->at;
    }
    return true;
}

/* Cuts the commit log: below the oldest running xid all have ended, and when every record that was there at that time is
 * purged or taken back, nobody has to ask about them again. */
static bool cut_commit_log(rdb_purge *purge, rdb_error *err)
{
    purge_mark *mark = &purge->mark;
    if (mark->is_set) {
        for (uint32_t i = 0; i < mark->log_count; i++)
            if (purge->logs[i].pdb == mark->pdb && purge->logs[i].tail < mark->ends[i])
                return true;
        mark->is_set = false;
        return rdb_txn_cut(purge->txns, mark->pdb, mark->xid, err);
    }
    for (uint32_t i = 0; i < purge->log_count; i++) {
        rdb_xid oldest;
        uint32_t pdb = purge->logs[i].pdb;
        if (!rdb_txn_oldest_xid(purge->txns, pdb, &oldest, err))
            return false;
        if (oldest < rdb_txn_tail(purge->txns, pdb) + CUT_XIDS)
            continue;
        /* The ends are looked at after the xids: records of an xid that had ended lie below them. */
        rdb_undo_visit_logs(purge->config.undo, meet_log, purge);
        rdb_undo_address *ends = realloc(mark->ends, RDB_MAX(purge->log_count, 1u) * sizeof *ends);
        if (ends == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        for (uint32_t j = 0; j < purge->log_count; j++)
            ends[j] = purge->logs[j].end;
        *mark = (purge_mark){.is_set = true, .pdb = pdb, .xid = oldest, .log_count = purge->log_count, .ends = ends};
        return true;
    }
    return true;
}

/* ---- rounds ---------------------------------------------------------------------------------------------------------- */
static bool purge_commits(rdb_purge *purge, bool *worked, rdb_error *err)
{
    rdb_scn horizon = rdb_txn_horizon(purge->txns), purged = purge->unwritten_scn;
    bool done = true, blocked = false, ok = true;
    uint32_t in_batch = 0;
    purge->failed = purge->is_clean = false;
    atomic_store(&purge->horizon, horizon);
    atomic_fetch_add_explicit(&purge->rounds, 1, memory_order_relaxed);
    rdb_undo_visit_logs(purge->config.undo, meet_log, purge);
    if (purge->failed)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t i = 0; i < purge->log_count; i++)
        if (!purge->logs[i].searched && !search_log(purge, &purge->logs[i], err))
            return false;
    if (!reverter_run(purge, &done, err))
        return false;
    while (ok && done && !blocked && !atomic_load(&purge->stopping)) {
        purge_log *first = NULL;
        for (uint32_t i = 0; ok && i < purge->log_count && !blocked; i++) {
            purge_log *log = &purge->logs[i];
            ok = find_head(purge, log, &blocked, err);
            if (ok && log->has_head && (first == NULL || log->head_scn < first->head_scn))
                first = log;
        }
        if (!ok || blocked || first == NULL)
            break;
        if (first->head_scn > horizon) {
            uint64_t bytes_max = atomic_load_explicit(&purge->bytes_max, memory_order_relaxed);
            if (bytes_max == 0 || first->head_scn > rdb_txn_published_scn(purge->txns) || bytes_left(purge) <= bytes_max)
                break;
            horizon = rdb_txn_expire(purge->txns, first->head_scn);
            atomic_store(&purge->horizon, horizon);
            if (first->head_scn > horizon) /* a transaction that has no list of what it holds: not this time */
                break;
        }
        if (!purge_may_go_on(purge, err)) /* the next round writes the tails */
            return false;
        /* In all the logs that it wrote, whoever wants purge to stop: the purged SCN says so of every one of them. */
        const rdb_scn scn = first->head_scn;
        for (uint32_t i = 0; ok && i < purge->log_count; i++)
            if (purge->logs[i].has_head && purge->logs[i].head_scn == scn)
                ok = purge_transaction(purge, &purge->logs[i], err);
        purge->unwritten_scn = purged = RDB_MAX(purged, scn);
        *worked = true;
        if (ok && ++in_batch % PURGE_BATCH == 0)
            ok = write_tails(purge, purged, err);
    }
    if (!ok)
        return false;
    purge->is_clean = done && !blocked && !atomic_load(&purge->stopping);
    if (purged > atomic_load(&purge->purged_scn))
        atomic_store(&purge->purged_scn, purged);
    ok = write_tails(purge, purged, err);
    if (ok)
        purge->unwritten_scn = 0;
    return ok && cut_commit_log(purge, err);
}

static bool run_round(rdb_purge *purge, bool *worked, rdb_error *err)
{
    bool ok = rdb_table_histories_create(&purge->histories, err) && purge_commits(purge, worked, err);
    if (purge->histories != NULL)
        atomic_fetch_add_explicit(&purge->chain_steps, rdb_table_histories_steps(purge->histories), memory_order_relaxed);
    rdb_table_histories_destroy(&purge->histories);
    return ok;
}

static bool run_hurried(rdb_purge *purge, rdb_cancel *cancel, rdb_error *err)
{
    bool worked = false;
    purge->is_background = false;
    purge->cancel = cancel;
    bool ok = run_round(purge, &worked, err);
    purge->cancel = NULL;
    return ok;
}

/* The round that runs may take its time: whoever waits for its end can be cancelled. */
static bool lock_hurried(rdb_purge *purge, rdb_cancel *cancel, rdb_error *err)
{
    bool locked = false, ok = true;
    atomic_fetch_add(&purge->hurried, 1);
    atomic_fetch_add(&purge->wake, 1); /* out of its rest */
    rdb_futex_wake(&purge->wake, UINT32_MAX);
    if (cancel == NULL) {
        rdb_mutex_lock(&purge->lock);
        locked = true;
    }
    while (ok && !locked && !(locked = rdb_mutex_try_lock(&purge->lock))) {
        _Atomic uint32_t never = 0;
        rdb_cancel_sleep(cancel, RDB_WAIT_PURGE_DELAY, &never, 0, 2000);
        ok = rdb_cancel_check(cancel, err);
    }
    atomic_fetch_sub(&purge->hurried, 1);
    return locked;
}

static bool run_for_others(void *context, rdb_cancel *cancel, rdb_error *err)
{
    rdb_purge *purge = context;
    if (!lock_hurried(purge, cancel, err))
        return false;
    bool ok = run_hurried(purge, cancel, err);
    rdb_mutex_unlock(&purge->lock);
    return ok;
}

bool rdb_purge_run(rdb_purge *purge, rdb_error *err)
{
    return run_for_others(purge, NULL, err);
}

/* The reverter has done all that was queued when the round began; what is aborted from now on stays on its pages until the next one. */
static bool run_at_rest(void *context, rdb_cancel *cancel, rdb_undo_visit_at_rest visit, void *visit_context, bool *ran, rdb_error *err)
{
    rdb_purge *purge = context;
    if (!lock_hurried(purge, cancel, err))
        return false;
    bool ok = run_hurried(purge, cancel, err);
    *ran = ok && purge->is_clean;
    ok = ok && (!*ran || visit(visit_context, err));
    rdb_mutex_unlock(&purge->lock);
    return ok;
}

void rdb_purge_set_bytes_max(rdb_purge *purge, uint64_t bytes_max)
{
    atomic_store(&purge->bytes_max, bytes_max);
}

static void run_thread(void *argument)
{
    rdb_purge *purge = argument;
    rdb_worker_declare(RDB_WORKER_PURGE);
    while (!atomic_load(&purge->stopping)) {
        rdb_error err = {0};
        bool worked = false;
        uint32_t word = atomic_load(&purge->wake);
        rdb_mutex_lock(&purge->lock);
        purge->is_background = true;
        purge->work_began_us = rdb_time_monotonic_us();
        bool ok = run_round(purge, &worked, &err);
        rdb_mutex_unlock(&purge->lock);
        int64_t pause_us = purge->config.interval_us;
        if (!ok && !atomic_load(&purge->stopping)) {
            rdb_log_error(RDB_LOG_WARN, "upkeep", &err);
            pause_us = RDB_MAX(pause_us, 1000000);
        }
        rdb_error_clear(&err);
        if (!atomic_load(&purge->stopping)) {
            const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_PURGE_MAIN);
            rdb_futex_wait(&purge->wake, word, worked && ok ? RDB_MIN(pause_us, 10000) : pause_us);
            rdb_wait_end(mark);
        }
    }
}

bool rdb_purge_start(rdb_purge *purge, rdb_error *err)
{
    atomic_store(&purge->stopping, false);
    return rdb_thread_start(&purge->thread, "purge", run_thread, purge, err);
}

void rdb_purge_stop(rdb_purge *purge)
{
    if (purge->thread == NULL)
        return;
    atomic_store(&purge->stopping, true);
    atomic_fetch_add(&purge->wake, 1);
    rdb_futex_wake(&purge->wake, UINT32_MAX);
    rdb_thread_join(&purge->thread);
    atomic_store(&purge->stopping, false);
}

void rdb_purge_get_statistics(const rdb_purge *purge, rdb_purge_statistics *statistics)
{
    *statistics = (rdb_purge_statistics){
        .rounds = atomic_load_explicit(&purge->rounds, memory_order_relaxed),
        .reverted_records = atomic_load_explicit(&purge->reverted_records, memory_order_relaxed),
        .purged_transactions = atomic_load_explicit(&purge->purged_transactions, memory_order_relaxed),
        .purged_records = atomic_load_explicit(&purge->purged_records, memory_order_relaxed),
        .purged_scn = atomic_load_explicit(&purge->purged_scn, memory_order_relaxed),
        .horizon = atomic_load_explicit(&purge->horizon, memory_order_relaxed),
        .chain_steps = atomic_load_explicit(&purge->chain_steps, memory_order_relaxed),
        .bytes_max = atomic_load_explicit(&purge->bytes_max, memory_order_relaxed),
    };
}
