/* SPDX-License-Identifier: Apache-2.0
 * The registry of running transactions, and the horizon over their snapshots.
 *
 * Entries are handed out from one free list a stripe, so that begin and commit touch lines of their own processor only;
 * whoever wants to know all of them (the horizon, pg_stat_activity) walks the chunks without a lock.
 *
 * A snapshot and the horizon meet without a lock (R32): a taker writes its SCN into its entry and then looks at
 * horizon_claim; the horizon writes the claim and then looks at the entries. All four are sequentially consistent, so
 * either the taker sees the claim and takes a newer SCN, or the horizon sees the entry and stays below it.
 *
 * Where old versions take too much room, the oldest snapshots are expired: expired_scn says so first, the horizon passes them
 * after that. A reader looks at it when it has read a page, so that it either read what purge had not touched, or hears of it. */
#include "txn/txn_int.h"

#include <stdlib.h>

static bool make_chunk(rdb_txn_manager *manager, unsigned stripe_no, rdb_error *err)
{
    rdb_mutex_lock(&manager->lock);
    uint32_t chunk_no = atomic_load_explicit(&manager->chunk_count, memory_order_relaxed);
    txn_entry *chunk = NULL;
    if (chunk_no == TXN_ENTRY_CHUNKS)
        rdb_error_set(err, RDB_TOO_MANY_CONNECTIONS, "too many running transactions");
    else if ((chunk = aligned_alloc(64, sizeof(txn_entry) * TXN_ENTRY_CHUNK)) == NULL)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (chunk != NULL) {
        memset(chunk, 0, sizeof(txn_entry) * TXN_ENTRY_CHUNK);
        txn_stripe *stripe = &manager->stripes[stripe_no];
        rdb_mutex_lock(&stripe->lock);
        for (uint32_t i = 0; i < TXN_ENTRY_CHUNK; i++) {
            chunk[i].stripe = stripe_no;
            rdb_mutex_init(&chunk[i].held_lock, RDB_RANK_LEAF);
            chunk[i].next_free = stripe->free_entries;
            stripe->free_entries = &chunk[i];
        }
        rdb_mutex_unlock(&stripe->lock);
        atomic_store_explicit(&manager->chunks[chunk_no], chunk, memory_order_relaxed);
        atomic_store(&manager->chunk_count, chunk_no + 1);
    }
    rdb_mutex_unlock(&manager->lock);
    return chunk != NULL;
}

bool txn_entry_take(rdb_txn_manager *manager, txn_entry **entry, rdb_error *err)
{
    unsigned stripe_no = rdb_thread_stripe() % RDB_STRIPES;
    txn_stripe *stripe = &manager->stripes[stripe_no];
    *entry = NULL;
    for (;;) {
        rdb_mutex_lock(&stripe->lock);
        *entry = stripe->free_entries;
        if (*entry != NULL)
            stripe->free_entries = (*entry)->next_free;
        rdb_mutex_unlock(&stripe->lock);
        if (*entry != NULL)
            return true;
        if (!make_chunk(manager, stripe_no, err))
            return false;
    }
}

void txn_entry_give(rdb_txn_manager *manager, txn_entry *entry)
{
    atomic_store_explicit(&entry->current_scn, 0, memory_order_release);
    atomic_store_explicit(&entry->latest_scn, 0, memory_order_release);
    atomic_store_explicit(&entry->held_scn, 0, memory_order_release);
    atomic_store_explicit(&entry->xid, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->in_use, 0, memory_order_release);
    txn_stripe *stripe = &manager->stripes[entry->stripe];
    rdb_mutex_lock(&stripe->lock);
    entry->next_free = stripe->free_entries;
    stripe->free_entries = entry;
    rdb_mutex_unlock(&stripe->lock);
}

void txn_entries_close(rdb_txn_manager *manager)
{
    uint32_t count = atomic_load(&manager->chunk_count);
    for (uint32_t i = 0; i < count; i++) {
        txn_entry *chunk = atomic_load(&manager->chunks[i]);
        for (uint32_t j = 0; j < TXN_ENTRY_CHUNK; j++) {
            rdb_txn *txn = chunk[j].txn;
            rdb_mutex_deinit(&chunk[j].held_lock);
            if (txn != NULL) {
                rdb_arena_destroy(txn->arena);
                rdb_strbuf_free(&txn->payload);
                free(txn->subs);
                free(txn);
            }
        }
        free(chunk);
    }
}

/* The oldest snapshot that an entry holds and that is not expired; UINT64_MAX: none. */
static rdb_scn oldest_of(txn_entry *entry, rdb_scn expired)
{
    rdb_scn oldest = UINT64_MAX;
    rdb_scn current = atomic_load(&entry->current_scn), latest = atomic_load(&entry->latest_scn), held = atomic_load(&entry->held_scn);
    if (current != 0 && current - 1 >= expired)
        oldest = current - 1;
    if (latest != 0 && latest - 1 >= expired)
        oldest = RDB_MIN(oldest, latest - 1);
    if (held != 0 && held - 1 >= expired) {
        oldest = RDB_MIN(oldest, held - 1);
    } else if (held != 0) {
        rdb_mutex_lock(&entry->held_lock);
        const rdb_txn *txn = entry->txn;
        for (uint32_t i = 0; i < txn->held_count; i++)
            if (txn->held[i].scn >= expired)
                oldest = RDB_MIN(oldest, txn->held[i].scn);
        rdb_mutex_unlock(&entry->held_lock);
    }
    return oldest;
}

rdb_scn rdb_txn_oldest_snapshot(rdb_txn_manager *manager)
{
    rdb_scn oldest = UINT64_MAX, expired = atomic_load(&manager->expired_scn);
    rdb_mutex_lock(&manager->exports_lock); /* see export.c */
    uint32_t count = atomic_load(&manager->chunk_count);
    for (uint32_t i = 0; i < count; i++) {
        txn_entry *chunk = atomic_load_explicit(&manager->chunks[i], memory_order_relaxed);
        for (uint32_t j = 0; j < TXN_ENTRY_CHUNK; j++)
            oldest = RDB_MIN(oldest, oldest_of(&chunk[j], expired));
    }
    rdb_mutex_unlock(&manager->exports_lock);
    return oldest;
}

rdb_scn rdb_txn_horizon(rdb_txn_manager *manager)
{
    rdb_scn horizon = atomic_load(&manager->published_scn);
    int64_t retention_us = atomic_load_explicit(&manager->retention_us, memory_order_relaxed);
    if (retention_us > 0) /* no longer kept than expiry lets it */
        horizon = RDB_MIN(horizon, RDB_MAX(rdb_txn_scn_at_time(manager, rdb_time_wall_us() - retention_us), atomic_load(&manager->expired_scn)));
    rdb_scn claim = atomic_load(&manager->horizon_claim);
    while (claim < horizon && !atomic_compare_exchange_weak(&manager->horizon_claim, &claim, horizon))
        ;
    return RDB_MIN(horizon, rdb_txn_oldest_snapshot(manager));
}

static uint64_t count_between(rdb_txn_manager *manager, rdb_scn from, rdb_scn to)
{
    uint64_t found = 0;
    uint32_t count = atomic_load(&manager->chunk_count);
    for (uint32_t i = 0; i < count; i++) {
        txn_entry *chunk = atomic_load_explicit(&manager->chunks[i], memory_order_relaxed);
        for (uint32_t j = 0; j < TXN_ENTRY_CHUNK; j++) {
            rdb_scn oldest = oldest_of(&chunk[j], from);
            found += oldest < to;
        }
    }
    return found;
}

rdb_scn rdb_txn_expire(rdb_txn_manager *manager, rdb_scn scn)
{
    rdb_scn old = atomic_load(&manager->expired_scn);
    RDB_ASSERT(scn <= atomic_load(&manager->published_scn));
    if (old < scn) { /* purge's thread alone */
        atomic_fetch_add_explicit(&manager->expired_count, count_between(manager, old, scn), memory_order_relaxed);
        atomic_store(&manager->expired_scn, scn);
    }
    return rdb_txn_horizon(manager);
}

bool txn_snapshot_too_old(rdb_error *err)
{
    return rdb_error_set(err, RDB_SNAPSHOT_TOO_OLD, "snapshot too old");
}

bool rdb_txn_check_snapshot(const rdb_txn_manager *manager, const rdb_snapshot *snapshot, rdb_error *err)
{
    return RDB_LIKELY(snapshot->scn >= atomic_load_explicit(&manager->expired_scn, memory_order_acquire)) || txn_snapshot_too_old(err);
}

/* Entries hold scn + 1, so that a snapshot of SCN 0 (an empty instance) is one too. */
static void set_held_scn(rdb_txn *txn)
{
    rdb_scn oldest = UINT64_MAX;
    for (uint32_t i = 0; i < txn->held_count; i++)
        oldest = RDB_MIN(oldest, txn->held[i].scn + 1);
    atomic_store(&txn->entry->held_scn, oldest == UINT64_MAX ? 0 : oldest);
}

/* Takes the newest SCN that read() offers and protects it in *protected_scn (as scn + 1). */
static rdb_scn protect_newest(rdb_txn *txn, const _Atomic rdb_scn *source, rdb_scn not_below, _Atomic rdb_scn *protected_scn)
{
    rdb_txn_manager *manager = txn->manager;
    for (;;) {
        rdb_scn scn = RDB_MAX(atomic_load(source), not_below);
        atomic_store(protected_scn, scn + 1);
        if (atomic_load(&manager->horizon_claim) <= scn)
            return scn;
    }
}

static void fill_own(const rdb_txn *txn, rdb_snapshot *snapshot, rdb_scn scn, bool all_of_own)
{
    snapshot->scn = scn;
    snapshot->own_xid = txn->xid;
    snapshot->reads_uncommitted = false;
    snapshot->tracks_reads = false;
    for (unsigned i = 0; i < RDB_UNDO_CLASS_COUNT; i++)
        snapshot->own_undo[i] = all_of_own ? UINT64_MAX : txn->undo_next[i];
}

void rdb_txn_take_snapshot(rdb_txn *txn, rdb_snapshot *snapshot)
{
    rdb_scn scn = protect_newest(txn, &txn->manager->visible_scn, txn->session_scn, &txn->entry->current_scn);
    fill_own(txn, snapshot, scn, false);
    snapshot->reads_uncommitted = txn->isolation == RDB_READ_UNCOMMITTED;
}

void rdb_txn_join_recorded(rdb_txn *txn)
{
    rdb_scn scn = atomic_load(&txn->manager->recorded_scn);
    if (scn > atomic_load(&txn->manager->published_scn)) {
        rdb_txn_set_session_scn(txn, scn);
        rdb_txn_note_met(txn, scn);
    }
}

void rdb_txn_latest_snapshot(rdb_txn *txn, rdb_snapshot *snapshot)
{
    rdb_scn scn = protect_newest(txn, &txn->manager->recorded_scn, 0, &txn->entry->latest_scn);
    fill_own(txn, snapshot, scn, true);
}

void rdb_txn_hold_snapshot(rdb_txn *txn, const rdb_snapshot *snapshot)
{
    for (uint32_t i = 0; i < txn->held_count; i++)
        if (txn->held[i].scn == snapshot->scn) {
            txn->held[i].count++;
            return;
        }
    rdb_mutex_lock(&txn->entry->held_lock);
    if (txn->held_count == txn->held_capacity) {
        uint32_t capacity = txn->held_capacity == 0 ? 8 : txn->held_capacity * 2;
        /* of the arena, which has a reserve: a snapshot that purge runs over would give wrong answers */
        txn_held *held = rdb_arena_alloc(txn->arena, capacity * sizeof *held);
        if (txn->held_count > 0)
            memcpy(held, txn->held, txn->held_count * sizeof *held);
        txn->held = held;
        txn->held_capacity = capacity;
    }
    txn->held[txn->held_count++] = (txn_held){snapshot->scn, 1};
    rdb_mutex_unlock(&txn->entry->held_lock);
    set_held_scn(txn);
}

void rdb_txn_drop_snapshot(rdb_txn *txn, const rdb_snapshot *snapshot)
{
    for (uint32_t i = 0; i < txn->held_count; i++)
        if (txn->held[i].scn == snapshot->scn) {
            if (--txn->held[i].count == 0) {
                rdb_mutex_lock(&txn->entry->held_lock);
                txn->held[i] = txn->held[--txn->held_count];
                rdb_mutex_unlock(&txn->entry->held_lock);
                set_held_scn(txn);
            }
            return;
        }
}

bool rdb_txn_snapshot_as_of(rdb_txn *txn, const rdb_snapshot *now, rdb_scn scn, rdb_snapshot *snapshot, rdb_error *err)
{
    rdb_txn_manager *manager = txn->manager;
    if (scn > rdb_txn_visible_scn(manager)) {
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "the SCN lies in the future");
        return rdb_error_detail(err, "The newest SCN is %llu.", (unsigned long long)rdb_txn_visible_scn(manager));
    }
    *snapshot = *now;
    snapshot->scn = scn;
    memset(snapshot->own_undo, 0, sizeof snapshot->own_undo); /* a moment of the database, not of this transaction */
    snapshot->reads_uncommitted = false;
    rdb_txn_hold_snapshot(txn, snapshot);
    /* Older than the claim, its versions may be gone or going. */
    if (atomic_load(&manager->horizon_claim) <= scn)
        return true;
    rdb_txn_drop_snapshot(txn, snapshot);
    return txn_snapshot_too_old(err);
}

rdb_scn rdb_txn_own_oldest(const rdb_txn *txn)
{
    /* Its own thread wrote both. */
    const rdb_scn current = atomic_load_explicit(&txn->entry->current_scn, memory_order_relaxed), held = atomic_load_explicit(&txn->entry->held_scn, memory_order_relaxed);
    return RDB_MIN(current - 1, held - 1); /* 0, none, becomes UINT64_MAX */
}

void rdb_txn_end_statement(rdb_txn *txn)
{
    txn_entry *entry = txn->entry;
    if (atomic_load_explicit(&entry->current_scn, memory_order_relaxed) != 0)
        atomic_store_explicit(&entry->current_scn, 0, memory_order_release);
    if (atomic_load_explicit(&entry->latest_scn, memory_order_relaxed) != 0)
        atomic_store_explicit(&entry->latest_scn, 0, memory_order_release);
}

void txn_release_snapshots(rdb_txn *txn)
{
    if (txn->has_exported)
        txn_withdraw_exports(txn);
    rdb_mutex_lock(&txn->entry->held_lock);
    txn->held = NULL; /* the arena ends next */
    txn->held_count = txn->held_capacity = 0;
    rdb_mutex_unlock(&txn->entry->held_lock);
    atomic_store(&txn->entry->held_scn, 0);
    rdb_txn_end_statement(txn);
}

void rdb_txn_visit(rdb_txn_manager *manager, void (*visit)(void *context, const rdb_txn_info *info), void *context)
{
    uint32_t count = atomic_load(&manager->chunk_count);
    for (uint32_t i = 0; i < count; i++) {
        txn_entry *chunk = atomic_load_explicit(&manager->chunks[i], memory_order_relaxed);
        for (uint32_t j = 0; j < TXN_ENTRY_CHUNK; j++) {
            txn_entry *entry = &chunk[j];
            if (atomic_load_explicit(&entry->in_use, memory_order_acquire) == 0)
                continue;
            rdb_scn scn = oldest_of(entry, 0);
            rdb_txn_info info = {
                .pdb = atomic_load_explicit(&entry->pdb, memory_order_relaxed),
                .xid = atomic_load_explicit(&entry->xid, memory_order_relaxed),
                .snapshot_scn = scn == UINT64_MAX ? 0 : scn,
                .started_us = atomic_load_explicit(&entry->started_us, memory_order_relaxed),
                .isolation = (rdb_isolation)atomic_load_explicit(&entry->isolation, memory_order_relaxed),
            };
            visit(context, &info);
        }
    }
}
