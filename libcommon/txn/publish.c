/* SPDX-License-Identifier: Apache-2.0
 * The way of a commit's SCN: given out at its record's place in the log, recorded when its slot is written, published when
 * the log is durable past it (R17). A commit that does not wait for the log (synchronous_commit = off) is seen by others as soon as it
 * is recorded and all before it are seen: that is the third mark, which snapshots take. All move in SCN order, over a ring that holds what is on its way: at most
 * TXN_RECORDING_SLOTS / 2 commits, so two of them never share a place. Beside it the map from SCN to wall time (R18). */
#include "txn/txn_int.h"

#include <stdlib.h>

static void advance(rdb_txn_manager *manager, rdb_lsn durable)
{
    bool moved = false;
    rdb_mutex_lock(&manager->publish_lock);
    rdb_scn recorded = atomic_load_explicit(&manager->recorded_scn, memory_order_relaxed);
    for (;;) {
        if (manager->gap_count > 0 && recorded == manager->gap_from) /* nobody ever gets the numbers inside a gap */
            recorded = manager->gap_to;
        txn_recording *slot = &manager->recordings[(recorded + 1) & (TXN_RECORDING_SLOTS - 1)];
        if (atomic_load_explicit(&slot->scn, memory_order_acquire) != recorded + 1)
            break;
        recorded++;
    }
    if (recorded != atomic_load_explicit(&manager->recorded_scn, memory_order_relaxed)) {
        atomic_store_explicit(&manager->recorded_scn, recorded, memory_order_release);
        moved = true;
    }
    rdb_scn visible = atomic_load_explicit(&manager->visible_scn, memory_order_relaxed), was_visible = visible;
    for (;;) { /* never behind the published one: it passes all that is durable too */
        if (manager->gap_count > 0 && visible == manager->gap_from && recorded >= manager->gap_to)
            visible = manager->gap_to;
        if (visible >= recorded)
            break;
        txn_recording *slot = &manager->recordings[(visible + 1) & (TXN_RECORDING_SLOTS - 1)];
        if (atomic_load_explicit(&slot->end_lsn, memory_order_relaxed) > durable && !atomic_load_explicit(&slot->is_async, memory_order_relaxed))
            break;
        visible++;
    }
    if (visible != was_visible) {
        /* Sequentially consistent: a snapshot and the horizon agree on who came first (entry.c). */
        atomic_store(&manager->visible_scn, visible);
        moved = true;
    }
    rdb_scn published = atomic_load_explicit(&manager->published_scn, memory_order_relaxed);
    for (;;) {
        if (manager->gap_count > 0 && published == manager->gap_from && recorded >= manager->gap_to) {
            published = manager->gap_to;
            manager->gap_count = 0;
        }
        if (published >= recorded)
            break;
        txn_recording *slot = &manager->recordings[(published + 1) & (TXN_RECORDING_SLOTS - 1)];
        if (atomic_load_explicit(&slot->end_lsn, memory_order_relaxed) > durable)
            break;
        published++;
        atomic_fetch_sub_explicit(&manager->commits_in_flight, 1, memory_order_relaxed);
    }
    if (published != atomic_load_explicit(&manager->published_scn, memory_order_relaxed)) {
        atomic_store(&manager->published_scn, published);
        moved = true;
    }
    rdb_mutex_unlock(&manager->publish_lock);
    if (moved) {
        atomic_fetch_add(&manager->publish_word, 1);
        if (atomic_load(&manager->publish_waiters) > 0)
            rdb_futex_wake(&manager->publish_word, UINT32_MAX);
    }
}

static void durable_advanced(void *context, rdb_lsn durable)
{
    advance(context, durable);
}

bool txn_publish_open(rdb_txn_manager *manager, rdb_error *err)
{
    rdb_mutex_init(&manager->publish_lock, RDB_RANK_LEAF);
    rdb_mutex_init(&manager->times_lock, RDB_RANK_LEAF);
    manager->recordings = calloc(TXN_RECORDING_SLOTS, sizeof *manager->recordings);
    manager->times = calloc(TXN_TIMES, sizeof *manager->times);
    if (manager->recordings == NULL || manager->times == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (manager->wal != NULL)
        rdb_wal_set_durable_hook(manager->wal, durable_advanced, manager);
    return txn_committer_start(manager, err);
}

void txn_publish_close(rdb_txn_manager *manager)
{
    txn_committer_stop(manager);
    if (manager->wal != NULL)
        rdb_wal_set_durable_hook(manager->wal, NULL, NULL);
    free(manager->recordings);
    free(manager->times);
    rdb_mutex_deinit(&manager->publish_lock);
    rdb_mutex_deinit(&manager->times_lock);
}

/* Sleeps until something moved since word was read; the limit covers a wake that came between. */
void txn_publish_wait_for_move(rdb_txn_manager *manager, uint32_t word)
{
    atomic_fetch_add(&manager->publish_waiters, 1);
    rdb_thread_sleep_begin();
    const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_COMMIT_PUBLISH);
    rdb_futex_wait(&manager->publish_word, word, 10000);
    rdb_wait_end(mark);
    rdb_thread_sleep_end();
    atomic_fetch_sub(&manager->publish_waiters, 1);
}

bool txn_publish_reserve(rdb_txn_manager *manager, rdb_error *err)
{
    for (;;) {
        if (atomic_fetch_add_explicit(&manager->commits_in_flight, 1, memory_order_relaxed) < TXN_RECORDING_SLOTS / 2)
            return true;
        atomic_fetch_sub_explicit(&manager->commits_in_flight, 1, memory_order_relaxed);
        uint32_t word = atomic_load(&manager->publish_word);
        if (!rdb_wal_flush(manager->wal, rdb_wal_insert_lsn(manager->wal), err))
            return false;
        advance(manager, rdb_wal_durable_lsn(manager->wal));
        if (atomic_load(&manager->commits_in_flight) >= TXN_RECORDING_SLOTS / 2)
            txn_publish_wait_for_move(manager, word);
    }
}

void txn_publish_unreserve(rdb_txn_manager *manager)
{
    atomic_fetch_sub_explicit(&manager->commits_in_flight, 1, memory_order_relaxed);
}

rdb_scn txn_publish_draw(rdb_txn_manager *manager)
{
    return atomic_fetch_add_explicit(&manager->last_scn, 1, memory_order_relaxed) + 1;
}

void txn_publish_record(rdb_txn_manager *manager, rdb_scn scn, rdb_lsn end_lsn, bool is_async)
{
    txn_recording *slot = &manager->recordings[scn & (TXN_RECORDING_SLOTS - 1)];
    atomic_store_explicit(&slot->end_lsn, end_lsn, memory_order_relaxed);
    atomic_store_explicit(&slot->is_async, is_async, memory_order_relaxed);
    atomic_store_explicit(&slot->scn, scn, memory_order_release);
    advance(manager, rdb_wal_durable_lsn(manager->wal));
}

void txn_publish_wait_recorded(rdb_txn_manager *manager, rdb_scn scn)
{
    while (atomic_load_explicit(&manager->recorded_scn, memory_order_acquire) < scn) {
        uint32_t word = atomic_load(&manager->publish_word);
        if (atomic_load_explicit(&manager->recorded_scn, memory_order_acquire) >= scn)
            break;
        txn_publish_wait_for_move(manager, word);
    }
}

/* How far the log must be durable for a recorded commit to be published: to its own end, since those with lower numbers lie before it.
 * So who waits for a commit that he met joins the round that its writer waits for. */
rdb_lsn txn_publish_end_of(rdb_txn_manager *manager, rdb_scn scn)
{
    const txn_recording *slot = &manager->recordings[scn & (TXN_RECORDING_SLOTS - 1)];
    bool is_its_own = atomic_load_explicit(&slot->scn, memory_order_acquire) == scn; /* else it is published, or a gap */
    rdb_lsn end_lsn = is_its_own ? atomic_load_explicit(&slot->end_lsn, memory_order_relaxed) : 0;
    return end_lsn != 0 ? end_lsn : rdb_wal_insert_lsn(manager->wal);
}

bool txn_publish_wait(rdb_txn_manager *manager, rdb_scn scn, rdb_error *err)
{
    txn_publish_wait_recorded(manager, scn);
    while (atomic_load(&manager->published_scn) < scn) {
        uint32_t word = atomic_load(&manager->publish_word);
        if (!rdb_wal_flush(manager->wal, txn_publish_end_of(manager, scn), err))
            return false;
        advance(manager, rdb_wal_durable_lsn(manager->wal));
        if (atomic_load(&manager->published_scn) < scn)
            txn_publish_wait_for_move(manager, word);
    }
    return true;
}

void txn_publish_raise(rdb_txn_manager *manager, rdb_scn scn)
{
    /* One gap at a time: an earlier one closes as soon as the commits before it are published. */
    for (;;) {
        rdb_mutex_lock(&manager->publish_lock);
        rdb_scn last = atomic_load(&manager->last_scn);
        if (last >= scn) {
            rdb_mutex_unlock(&manager->publish_lock);
            return;
        }
        if (manager->gap_count == 0) {
            /* A whole number of rings, so that the places of what is on its way stay apart. */
            rdb_scn target = last + (scn - last + TXN_RECORDING_SLOTS - 1) / TXN_RECORDING_SLOTS * TXN_RECORDING_SLOTS;
            if (atomic_compare_exchange_strong(&manager->last_scn, &last, target)) {
                manager->gap_count = 1;
                manager->gap_from = last;
                manager->gap_to = target;
            }
        }
        rdb_mutex_unlock(&manager->publish_lock);
        advance(manager, manager->wal != NULL ? rdb_wal_durable_lsn(manager->wal) : UINT64_MAX);
    }
}

rdb_scn rdb_txn_published_scn(const rdb_txn_manager *manager)
{
    return atomic_load(&manager->published_scn);
}

rdb_scn rdb_txn_recorded_scn(const rdb_txn_manager *manager)
{
    return atomic_load(&manager->recorded_scn);
}

rdb_scn rdb_txn_visible_scn(const rdb_txn_manager *manager)
{
    return atomic_load(&manager->visible_scn);
}

/* ---- times --------------------------------------------------------------------------------------------------------- */
/* One entry a second is what people ask for; a retention that the ring would not reach over takes fewer. */
static int64_t time_step_us(const rdb_txn_manager *manager)
{
    return RDB_MAX(INT64_C(1000000), rdb_txn_retention(manager) / (TXN_TIMES / 4));
}

static const txn_time *time_at(const rdb_txn_manager *manager, uint32_t no) /* 0: the oldest */
{
    return &manager->times[(manager->time_next + TXN_TIMES - manager->time_count + no) % TXN_TIMES];
}

static void add_time(rdb_txn_manager *manager, txn_time time)
{
    manager->times[manager->time_next] = time;
    manager->time_next = (manager->time_next + 1) % TXN_TIMES;
    if (manager->time_count < TXN_TIMES)
        manager->time_count++;
}

void txn_note_time(rdb_txn_manager *manager, rdb_scn scn, int64_t wall_us)
{
    rdb_mutex_lock(&manager->times_lock);
    const txn_time newest = manager->newest_time, *last = manager->time_count > 0 ? time_at(manager, manager->time_count - 1) : NULL;
    const int64_t step_us = time_step_us(manager);
    if (last == NULL || (scn > last->scn && wall_us >= last->wall_us + step_us)) {
        /* Who asks for a moment of the quiet time between means the last commit before it. */
        if (last != NULL && newest.scn > last->scn && newest.scn < scn && newest.wall_us > last->wall_us && wall_us - newest.wall_us >= step_us / 4)
            add_time(manager, newest);
        add_time(manager, (txn_time){scn, wall_us});
    }
    if (scn > newest.scn) /* a clock that jumped back stands still */
        manager->newest_time = (txn_time){scn, RDB_MAX(wall_us, newest.wall_us)};
    rdb_mutex_unlock(&manager->times_lock);
}

void txn_load_time(rdb_txn_manager *manager, rdb_scn scn, int64_t wall_us)
{
    rdb_mutex_lock(&manager->times_lock);
    const uint32_t first = manager->time_next, ring = TXN_TIMES;
    manager->times[first] = (txn_time){scn, wall_us};
    manager->time_next = (first + 1) % ring;
    if (manager->time_count < ring)
        manager->time_count++;
    /* To its place: those that were there before and are newer move up. */
    for (uint32_t no = manager->time_count - 1; no > 0; no--) {
        txn_time *at = &manager->times[(manager->time_next + ring - manager->time_count + no) % ring];
        txn_time *before = &manager->times[(manager->time_next + ring - manager->time_count + no - 1) % ring];
        if (before->scn <= at->scn)
            break;
        const txn_time swapped = *at;
        *at = *before;
        *before = swapped;
    }
    rdb_mutex_unlock(&manager->times_lock);
}

rdb_scn rdb_txn_scn_at_time(rdb_txn_manager *manager, int64_t wall_us)
{
    rdb_mutex_lock(&manager->times_lock);
    rdb_scn scn = 0;
    uint32_t low = 0, high = manager->time_count; /* entries are in ascending order of both */
    if (manager->newest_time.scn != 0 && manager->newest_time.wall_us <= wall_us) {
        scn = manager->newest_time.scn;
        low = high;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const txn_time *time = time_at(manager, middle);
        if (time->wall_us <= wall_us) {
            scn = time->scn;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    rdb_mutex_unlock(&manager->times_lock);
    return scn;
}

bool rdb_txn_time_of_scn(rdb_txn_manager *manager, rdb_scn scn, int64_t *wall_us)
{
    rdb_mutex_lock(&manager->times_lock);
    uint32_t low = 0, high = manager->time_count;
    while (low < high) { /* the first entry above it */
        uint32_t middle = low + (high - low) / 2;
        if (time_at(manager, middle)->scn <= scn)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_known = low > 0 && scn <= RDB_MAX(manager->newest_time.scn, atomic_load(&manager->visible_scn));
    *wall_us = !is_known ? 0 : scn >= manager->newest_time.scn ? manager->newest_time.wall_us : time_at(manager, low - 1)->wall_us;
    rdb_mutex_unlock(&manager->times_lock);
    return is_known;
}
