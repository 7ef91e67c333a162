/* SPDX-License-Identifier: Apache-2.0
 * Serializable transactions and the conflicts between them. The rules stand in rdb_ssi.h. */
#include "txn/ssi_int.h"
#include "txn/lock_int.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- lists -------------------------------------------------------------------------------------------------------------------- */
static bool list_has(const ssi_list *list, const ssi_txn *member)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] == member)
            return true;
    return false;
}

static bool list_reserve(ssi_list *list)
{
    if (list->count < list->capacity)
        return true;
    uint32_t capacity = RDB_MAX(4u, list->capacity * 2);
    ssi_txn **items = realloc(list->items, capacity * sizeof *items);
    if (items == NULL)
        return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

/* Both or neither. */
static bool link_lists(ssi_list *a, ssi_txn *of_a, ssi_list *b, ssi_txn *of_b)
{
    if (!list_reserve(a) || !list_reserve(b))
        return false;
    a->items[a->count++] = of_a;
    b->items[b->count++] = of_b;
    return true;
}

static void list_remove(ssi_list *list, const ssi_txn *member)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] == member) {
            list->items[i] = list->items[--list->count];
            return;
        }
}

static void ring_init(ssi_txn *head)
{
    head->next = head->previous = head;
}

static void ring_append(ssi_txn *head, ssi_txn *member)
{
    member->previous = head->previous;
    member->next = head;
    head->previous->next = member;
    head->previous = member;
}

static void ring_remove(ssi_txn *member)
{
    member->previous->next = member->next;
    member->next->previous = member->previous;
}

/* ---- order ------------------------------------------------------------------------------------------------------------------------ */
static rdb_scn scn_of(const ssi_txn *txn)
{
    return atomic_load_explicit(&txn->commit_scn, memory_order_acquire);
}
static bool is_committed(const ssi_txn *txn)
{
    return txn->end_no != 0 || scn_of(txn) != 0; /* an aborted one is in no list */
}
static bool is_read_only(const ssi_txn *txn)
{
    return txn->is_declared_read_only || (txn->end_no != 0 && !txn->has_written);
}

/* Did, or may, `first` commit before `other`, in the sense that matters for a dangerous structure that ends in `first`? */
static bool commits_before(const ssi_txn *first, const ssi_txn *other)
{
    rdb_scn scn = scn_of(first);
    if (first == other)
        return true;
    if (is_read_only(other))
        return scn != 0 && scn <= other->snapshot_scn;
    rdb_scn other_scn = scn_of(other);
    if (other_scn != 0)
        return scn != 0 && scn < other_scn;
    return scn != 0 || first->is_prepared;
}

/* Has txn a conflict to one that committed before both txn and reader? */
static bool has_first_out(const ssi_txn *txn, const ssi_txn *reader)
{
    if (txn->forgotten_out_scn != UINT64_MAX) {
        rdb_scn scn = scn_of(txn);
        bool before_txn = scn == 0 || txn->forgotten_out_scn < scn;
        if (before_txn && (!is_read_only(reader) || txn->forgotten_out_scn <= reader->snapshot_scn))
            return true;
    }
    for (uint32_t i = 0; i < txn->out.count; i++) {
        const ssi_txn *last = txn->out.items[i];
        if ((last->is_prepared || is_committed(last)) && commits_before(last, txn) && commits_before(last, reader))
            return true;
    }
    return false;
}

/* ---- the manager ----------------------------------------------------------------------------------------------------------------- */
ssi_manager *ssi_create(void)
{
    ssi_manager *ssi = calloc(1, sizeof *ssi);
    if (ssi == NULL)
        return NULL;
    rdb_mutex_init(&ssi->lock, RDB_RANK_LEAF);
    ring_init(&ssi->running);
    ring_init(&ssi->ended);
    return ssi;
}

static uint32_t xid_bucket(uint32_t pdb, rdb_xid xid)
{
    return (uint32_t)((xid * UINT64_C(0x9E3779B97F4A7C15) + pdb) >> 40) % SSI_BUCKETS;
}

/* Takes a transaction out of everything; what others must still know of it stays with them. */
static void forget(ssi_manager *ssi, ssi_txn *old)
{
    rdb_scn scn = atomic_load_explicit(&old->commit_scn, memory_order_relaxed);
    for (uint32_t i = 0; i < old->in.count; i++) {
        ssi_txn *reader = old->in.items[i];
        list_remove(&reader->out, old);
        if (scn != 0)
            reader->forgotten_out_scn = RDB_MIN(reader->forgotten_out_scn, scn);
    }
    for (uint32_t i = 0; i < old->out.count; i++)
        list_remove(&old->out.items[i]->in, old);
    for (uint32_t i = 0; i < old->possible.count; i++)
        list_remove(&old->possible.items[i]->possible, old);
    ssi_release_locks(ssi, old);
    for (ssi_xid *xid = old->xids, *next; xid != NULL; xid = next) {
        next = xid->next_of_txn;
        ssi_xid **at = &ssi->xids[xid_bucket(xid->pdb, xid->xid)];
        while (*at != xid)
            at = &(*at)->next;
        *at = xid->next;
        free(xid);
    }
    ring_remove(old);
    free(old->in.items);
    free(old->out.items);
    free(old->possible.items);
    free(old);
}

void ssi_destroy(ssi_manager *ssi)
{
    while (ssi->running.next != &ssi->running)
        forget(ssi, ssi->running.next);
    while (ssi->ended.next != &ssi->ended)
        forget(ssi, ssi->ended.next);
    rdb_mutex_deinit(&ssi->lock);
    free(ssi);
}

/* Those that ended before everyone who runs began, and that all snapshots to come will see, are nobody's concern any more. */
static void forget_ended(rdb_txn_manager *manager)
{
    ssi_manager *ssi = manager->ssi;
    uint64_t oldest_no = UINT64_MAX;
    rdb_scn seen_scn = rdb_txn_visible_scn(manager);
    ssi_txn *oldest = NULL;
    for (ssi_txn *txn = ssi->running.next; txn != &ssi->running; txn = txn->next)
        if (!txn->is_safe) {
            oldest = txn; /* the ring is in order of beginning */
            oldest_no = txn->begin_no;
            seen_scn = RDB_MIN(seen_scn, txn->snapshot_scn);
            break;
        }
    while (ssi->ended.next != &ssi->ended && ssi->ended.next->end_no < oldest_no && scn_of(ssi->ended.next) <= seen_scn) {
        forget(ssi, ssi->ended.next);
        ssi->ended_count--;
    }
    if (ssi->ended_count > SSI_REMEMBERED_MAX && oldest != NULL && !oldest->is_prepared)
        oldest->is_doomed = true; /* it alone keeps them; a serialization failure may come at any time */
}

static bool refuse(rdb_error *err, const char *reason)
{
    rdb_error_set(err, RDB_SERIALIZATION_FAILURE, "could not serialize access due to read/write dependencies among transactions");
    rdb_error_detail(err, "Reason code: %s", reason);
    return rdb_error_hint(err, "The transaction might succeed if retried.");
}

static bool out_of_memory(rdb_error *err)
{
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of shared memory");
}

/* reader read what writer overwrote; own is one of the two. Fails, or dooms the writer, where that completes a structure. */
static bool add_conflict(ssi_txn *reader, ssi_txn *writer, const ssi_txn *own, rdb_error *err)
{
    bool is_dangerous = has_first_out(writer, reader); /* reader → writer → one that was first */
    if (!is_dangerous && (writer->is_prepared || is_committed(writer)) && !is_read_only(reader)) {
        for (uint32_t i = 0; i < reader->in.count && !is_dangerous; i++) { /* someone → reader → writer, the writer first */
            const ssi_txn *before = reader->in.items[i];
            is_dangerous = !before->is_doomed && commits_before(writer, before);
        }
    }
    if (is_dangerous) {
        if (own == writer)
            return refuse(err, "Canceled on identification as a pivot, during write.");
        if (writer->is_prepared || is_committed(writer)) {
            char reason[96];
            snprintf(reason, sizeof reason, "Canceled on conflict out to pivot %llu, during read.", (unsigned long long)writer->xid);
            return refuse(err, reason);
        }
        writer->is_doomed = true;
    }
    return link_lists(&reader->out, writer, &writer->in, reader) || out_of_memory(err);
}

/* ---- begin ------------------------------------------------------------------------------------------------------------------------ */
static void remove_running(rdb_txn_manager *manager, ssi_txn *gone)
{
    forget(manager->ssi, gone); /* nothing of what it did counts */
    forget_ended(manager);
}

static void decide(ssi_manager *ssi, ssi_txn *reader, bool safe)
{
    reader->is_safe = safe;
    reader->is_unsafe = !safe;
    for (uint32_t i = 0; i < reader->possible.count; i++)
        list_remove(&reader->possible.items[i]->possible, reader);
    reader->possible.count = 0;
    if (safe)
        ssi_release_locks(ssi, reader);
    atomic_fetch_add(&reader->changed, 1);
    rdb_futex_wake(&reader->changed, UINT32_MAX);
}

static ssi_txn *begin(ssi_manager *ssi, rdb_txn *txn, int32_t process_id, rdb_snapshot *snapshot)
{
    ssi_txn *own = calloc(1, sizeof *own);
    if (own == NULL)
        return NULL;
    own->pdb = txn->pdb->pdb;
    own->process_id = process_id;
    own->is_declared_read_only = txn->is_read_only;
    own->forgotten_out_scn = UINT64_MAX;
    rdb_mutex_lock(&ssi->lock);
    own->begin_no = ++ssi->last_no;
    rdb_txn_take_snapshot(txn, snapshot); /* whoever commits after it is still in the ring of the running ones */
    own->snapshot_scn = snapshot->scn;
    bool ok = true;
    for (ssi_txn *other = ssi->running.next; ok && other != &ssi->running; other = other->next)
        if (own->is_declared_read_only && !other->is_declared_read_only && other->pdb == own->pdb)
            ok = link_lists(&own->possible, other, &other->possible, own);
    /* One that has ended and is not published yet is not in the snapshot: what it did is decided already. */
    for (const ssi_txn *other = ssi->ended.previous; ok && own->is_declared_read_only && other != &ssi->ended; other = other->previous)
        own->is_unsafe = own->is_unsafe || (other->pdb == own->pdb && scn_of(other) > own->snapshot_scn && has_first_out(other, own));
    ring_append(&ssi->running, own);
    if (!ok) {
        remove_running(txn->manager, own);
        own = NULL;
    } else if (own->is_unsafe) {
        decide(ssi, own, false);
    } else if (own->is_declared_read_only && own->possible.count == 0) {
        decide(ssi, own, true);
    }
    rdb_mutex_unlock(&ssi->lock);
    return own;
}

bool rdb_ssi_take_snapshot(rdb_txn *txn, bool deferrable, int32_t process_id, rdb_snapshot *snapshot, rdb_error *err)
{
    ssi_manager *ssi = txn->manager->ssi;
    RDB_ASSERT(txn->ssi == NULL);
    for (;;) {
        ssi_txn *own = begin(ssi, txn, process_id, snapshot);
        if (own == NULL)
            return out_of_memory(err);
        txn->ssi = own;
        snapshot->tracks_reads = true;
        if (!deferrable || !txn->is_read_only)
            return true;
        rdb_txn_hold_snapshot(txn, snapshot); /* the wait is long */
        rdb_mutex_lock(&ssi->lock);
        own->is_waiting = true;
        while (!own->is_safe && !own->is_unsafe) {
            uint32_t seen = atomic_load(&own->changed);
            rdb_mutex_unlock(&ssi->lock);
            bool go_on = rdb_cancel_check(txn->cancel, err);
            if (go_on)
                rdb_cancel_sleep(txn->cancel, RDB_WAIT_SAFE_SNAPSHOT, &own->changed, seen, 1000000);
            rdb_mutex_lock(&ssi->lock);
            if (!go_on)
                break;
        }
        own->is_waiting = false;
        bool safe = own->is_safe, unsafe = own->is_unsafe;
        if (!safe) {
            remove_running(txn->manager, own);
            txn->ssi = NULL;
        }
        rdb_mutex_unlock(&ssi->lock);
        rdb_txn_drop_snapshot(txn, snapshot);
        if (safe)
            return true;
        if (!unsafe)
            return false; /* cancelled */
        _Atomic uint32_t nothing = 0;
        rdb_cancel_sleep(txn->cancel, RDB_WAIT_SAFE_SNAPSHOT, &nothing, 0, 500); /* what made it unsafe may still have to be published */
    }
}

bool ssi_note_xid(rdb_txn *txn, rdb_xid xid, rdb_error *err)
{
    ssi_txn *own = txn->ssi;
    if (own == NULL)
        return true;
    ssi_manager *ssi = txn->manager->ssi;
    ssi_xid *noted = malloc(sizeof *noted);
    if (noted == NULL)
        return out_of_memory(err);
    rdb_mutex_lock(&ssi->lock);
    ssi_xid **bucket = &ssi->xids[xid_bucket(own->pdb, xid)];
    *noted = (ssi_xid){.next = *bucket, .next_of_txn = own->xids, .pdb = own->pdb, .xid = xid, .owner = own};
    *bucket = noted;
    own->xids = noted;
    if (own->xid == 0)
        own->xid = xid;
    rdb_mutex_unlock(&ssi->lock);
    return true;
}

/* ---- reads ------------------------------------------------------------------------------------------------------------------------ */
static bool is_tracked(const ssi_txn *own, uint32_t relation_oid)
{
    return own != NULL && relation_oid >= SSI_FIRST_USER_OID && !own->is_safe;
}

bool rdb_ssi_read_relation(rdb_txn *txn, uint32_t relation_oid, rdb_error *err)
{
    ssi_manager *ssi = txn->manager->ssi;
    if (txn->ssi == NULL || relation_oid < SSI_FIRST_USER_OID)
        return true;
    rdb_mutex_lock(&ssi->lock);
    bool ok = !is_tracked(txn->ssi, relation_oid) || ssi_hold_relation(ssi, txn->ssi, relation_oid);
    rdb_mutex_unlock(&ssi->lock);
    return ok || out_of_memory(err);
}

/* Compaction: see rdb_ssi_keep_wide. Under the mutex. */
static bool is_wide(const ssi_manager *ssi, uint32_t pdb, uint32_t relation_oid)
{
    for (uint32_t i = 0; i < ssi->wide_count; i++)
        if (ssi->wide[i].count > 0 && ssi->wide[i].relation_oid == relation_oid && ssi->wide[i].pdb == pdb)
            return true;
    return ssi->all_wide;
}

void rdb_ssi_keep_wide(rdb_txn_manager *manager, uint32_t pdb, uint32_t relation_oid, bool on)
{
    ssi_manager *ssi = manager->ssi;
    uint32_t at = 0;
    rdb_mutex_lock(&ssi->lock);
    while (at < ssi->wide_count && (ssi->wide[at].pdb != pdb || ssi->wide[at].relation_oid != relation_oid))
        at++;
    if (at == ssi->wide_count && on)
        for (at = 0; at < ssi->wide_count && ssi->wide[at].count > 0;)
            at++;
    if (on && at < SSI_WIDE_MAX) {
        ssi->wide[at].pdb = pdb;
        ssi->wide[at].relation_oid = relation_oid;
        ssi->wide[at].count++;
        ssi->wide_count = RDB_MAX(ssi->wide_count, at + 1);
        ssi_widen_relation(ssi, pdb, relation_oid);
    } else if (on) {
        ssi->all_wide = true;
        ssi_widen_relation(ssi, pdb, relation_oid);
    } else if (at < ssi->wide_count && ssi->wide[at].count > 0) {
        ssi->wide[at].count--;
    }
    rdb_mutex_unlock(&ssi->lock);
}

bool rdb_ssi_read_rows(rdb_txn *txn, uint32_t relation_oid, const uint64_t *addresses, uint32_t count, rdb_error *err)
{
    ssi_manager *ssi = txn->manager->ssi;
    if (txn->ssi == NULL || relation_oid < SSI_FIRST_USER_OID)
        return true;
    rdb_mutex_lock(&ssi->lock);
    bool ok = true;
    if (count > 0 && is_tracked(txn->ssi, relation_oid) && is_wide(ssi, rdb_txn_pdb(txn), relation_oid))
        ok = ssi_hold_relation(ssi, txn->ssi, relation_oid);
    for (uint32_t i = 0; ok && i < count && is_tracked(txn->ssi, relation_oid); i++)
        ok = ssi_hold_row(ssi, txn->ssi, relation_oid, addresses[i]);
    rdb_mutex_unlock(&ssi->lock);
    return ok || out_of_memory(err);
}

bool rdb_ssi_read_range(rdb_txn *txn, uint32_t relation_oid, uint32_t index_oid, rdb_slice lower, bool lower_exclusive, rdb_slice upper,
                        bool upper_exclusive, rdb_error *err)
{
    ssi_manager *ssi = txn->manager->ssi;
    if (txn->ssi == NULL || relation_oid < SSI_FIRST_USER_OID)
        return true;
    const ssi_range range = {.index_oid = index_oid,
                             .lower_bytes = (uint16_t)RDB_MIN(lower.length, (size_t)SSI_KEY_MAX),
                             .upper_bytes = (uint16_t)RDB_MIN(upper.length, (size_t)SSI_KEY_MAX),
                             .lower_exclusive = lower_exclusive && lower.length <= SSI_KEY_MAX,
                             .upper_exclusive = upper_exclusive && upper.length <= SSI_KEY_MAX};
    rdb_mutex_lock(&ssi->lock);
    bool ok = !is_tracked(txn->ssi, relation_oid) || ssi_hold_range(ssi, txn->ssi, relation_oid, &range, lower.data, upper.data);
    rdb_mutex_unlock(&ssi->lock);
    return ok || out_of_memory(err);
}

bool rdb_ssi_read_past(rdb_txn *txn, uint32_t pdb, rdb_xid xid, rdb_error *err)
{
    ssi_manager *ssi = txn->manager->ssi;
    ssi_txn *own = txn->ssi;
    bool ok = true;
    if (own == NULL)
        return true;
    rdb_mutex_lock(&ssi->lock);
    if (own->is_doomed) {
        ok = refuse(err, "Canceled on identification as a pivot, during conflict out checking.");
    } else if (!own->is_safe) {
        ssi_txn *writer = NULL;
        for (ssi_xid *at = ssi->xids[xid_bucket(pdb, xid)]; at != NULL && writer == NULL; at = at->next)
            if (at->xid == xid && at->pdb == pdb)
                writer = at->owner;
        bool is_moot = writer == NULL || writer == own || writer->is_doomed || list_has(&own->out, writer);
        /* A read-only reader stands before a committed writer, unless that one has a conflict to an even earlier commit. */
        if (!is_moot && own->is_declared_read_only && is_committed(writer) && !has_first_out(writer, own))
            is_moot = true;
        ok = is_moot || add_conflict(own, writer, own, err);
    }
    rdb_mutex_unlock(&ssi->lock);
    return ok;
}

/* ---- writes ----------------------------------------------------------------------------------------------------------------------- */
typedef struct write_check {
    ssi_txn *own;
    rdb_error *err;
} write_check;

static bool meet_reader(void *context, ssi_txn *reader)
{
    write_check *check = context;
    ssi_txn *own = check->own;
    bool is_past = reader->end_no != 0 && reader->end_no < own->begin_no && scn_of(reader) <= own->snapshot_scn;
    if (reader == own || reader->is_doomed || is_past || list_has(&own->in, reader))
        return true;
    return add_conflict(reader, own, own, check->err);
}

static bool check_write(rdb_txn *txn, const ssi_write *write, rdb_error *err)
{
    ssi_manager *ssi = txn->manager->ssi;
    write_check check = {txn->ssi, err};
    rdb_mutex_lock(&ssi->lock);
    bool ok;
    if (txn->ssi->is_doomed) {
        ok = refuse(err, "Canceled on identification as a pivot, during conflict in checking.");
    } else {
        txn->ssi->has_written = true;
        ok = ssi_each_reader(ssi, write, meet_reader, &check);
    }
    rdb_mutex_unlock(&ssi->lock);
    return ok;
}

bool rdb_ssi_write_row(rdb_txn *txn, uint32_t relation_oid, uint64_t address, rdb_xid seen_xid, rdb_error *err)
{
    rdb_scn seen_scn = 0;
    rdb_xid_state state;
    if (txn->ssi == NULL || relation_oid < SSI_FIRST_USER_OID)
        return true;
    if (seen_xid != 0 && !rdb_txn_is_own(txn, seen_xid)) {
        if (!rdb_txn_resolve(txn->manager, txn->pdb->pdb, seen_xid, &state, &seen_scn, err))
            return false;
        if (state != RDB_XID_COMMITTED)
            seen_scn = 0;
    }
    const ssi_write write = {.pdb = txn->pdb->pdb, .relation_oid = relation_oid, .kind = address != 0 ? SSI_WRITE_ROW : SSI_WRITE_NEW_ROW,
                             .address = address, .seen_scn = seen_scn};
    return check_write(txn, &write, err);
}

bool rdb_ssi_write_key(rdb_txn *txn, uint32_t relation_oid, uint32_t index_oid, rdb_slice key, rdb_error *err)
{
    if (txn->ssi == NULL || relation_oid < SSI_FIRST_USER_OID)
        return true;
    const ssi_write write = {.pdb = txn->pdb->pdb, .relation_oid = relation_oid, .kind = SSI_WRITE_KEY, .index_oid = index_oid, .key = key};
    return check_write(txn, &write, err);
}

bool rdb_ssi_write_relation(rdb_txn *txn, uint32_t relation_oid, rdb_error *err)
{
    if (txn->ssi == NULL || relation_oid < SSI_FIRST_USER_OID)
        return true;
    const ssi_write write = {.pdb = txn->pdb->pdb, .relation_oid = relation_oid, .kind = SSI_WRITE_ALL};
    return check_write(txn, &write, err);
}

void rdb_ssi_widen(rdb_txn_manager *manager, uint32_t pdb, uint32_t relation_oid)
{
    rdb_mutex_lock(&manager->ssi->lock);
    ssi_widen_relation(manager->ssi, pdb, relation_oid);
    rdb_mutex_unlock(&manager->ssi->lock);
}

/* ---- the end ---------------------------------------------------------------------------------------------------------------------- */
bool ssi_before_commit(rdb_txn *txn, rdb_error *err)
{
    ssi_txn *own = txn->ssi;
    ssi_manager *ssi = txn->manager->ssi;
    bool ok = true;
    if (own == NULL)
        return true;
    rdb_mutex_lock(&ssi->lock);
    if (own->is_doomed)
        ok = refuse(err, "Canceled on identification as a pivot, during commit attempt.");
    /* Being the first to commit completes someone → near → own. Of those it is near that fails, so that a retry gets on. */
    for (uint32_t i = 0; ok && i < own->in.count; i++) {
        ssi_txn *near = own->in.items[i];
        if (is_committed(near) || near->is_doomed)
            continue;
        for (uint32_t j = 0; j < near->in.count; j++) {
            const ssi_txn *far = near->in.items[j];
            if (far != own && (is_committed(far) || is_read_only(far) || far->is_doomed))
                continue;
            if (near->is_prepared)
                ok = refuse(err, "Canceled on commit attempt with conflict in from prepared pivot.");
            else
                near->is_doomed = true;
            break;
        }
    }
    own->is_prepared = ok;
    rdb_mutex_unlock(&ssi->lock);
    return ok;
}

void ssi_committing(rdb_txn *txn, rdb_scn scn)
{
    if (txn->ssi != NULL)
        atomic_store_explicit(&txn->ssi->commit_scn, scn, memory_order_release);
}

void ssi_end(rdb_txn *txn, bool committed)
{
    ssi_txn *own = txn->ssi;
    rdb_txn_manager *manager = txn->manager;
    ssi_manager *ssi = manager->ssi;
    if (own == NULL)
        return;
    txn->ssi = NULL;
    rdb_mutex_lock(&ssi->lock);
    /* Read-only ones that waited for this end: it made them unsafe, or is one less to do so. */
    while (!own->is_declared_read_only && own->possible.count > 0) {
        ssi_txn *reader = own->possible.items[own->possible.count - 1];
        own->possible.count--;
        list_remove(&reader->possible, own);
        if (committed && own->has_written && has_first_out(own, reader))
            decide(ssi, reader, false);
        else if (reader->possible.count == 0 && !reader->is_unsafe)
            decide(ssi, reader, true);
    }
    if (!committed || own->is_safe) {
        atomic_store_explicit(&own->commit_scn, 0, memory_order_relaxed); /* a record that failed was no commit */
        remove_running(manager, own);
    } else {
        for (uint32_t i = 0; i < own->possible.count; i++)
            list_remove(&own->possible.items[i]->possible, own);
        own->possible.count = 0;
        own->end_no = ++ssi->last_no;
        ring_remove(own);
        ring_append(&ssi->ended, own);
        ssi->ended_count++;
        forget_ended(manager);
    }
    rdb_mutex_unlock(&ssi->lock);
}

uint32_t ssi_save_relations(const rdb_txn *txn, rdb_strbuf *bytes)
{
    uint32_t count = 0;
    if (txn->ssi == NULL)
        return 0;
    rdb_mutex_lock(&txn->manager->ssi->lock);
    for (const ssi_held *held = txn->ssi->held; held != NULL; held = held->next_of_txn, count++)
        rdb_strbuf_add(bytes, &held->relation_oid, sizeof held->relation_oid);
    rdb_mutex_unlock(&txn->manager->ssi->lock);
    return count;
}

bool ssi_revive(rdb_txn *txn, const uint8_t *relation_oids, uint32_t count, rdb_error *err)
{
    ssi_manager *ssi = txn->manager->ssi;
    ssi_txn *own = calloc(1, sizeof *own);
    if (own == NULL)
        return out_of_memory(err);
    bool ok = true;
    own->pdb = txn->pdb->pdb;
    own->has_written = own->is_prepared = true;
    own->forgotten_out_scn = 1; /* as if it had a conflict to the very first commit */
    own->snapshot_scn = rdb_txn_published_scn(txn->manager);
    rdb_mutex_lock(&ssi->lock);
    own->begin_no = ++ssi->last_no;
    ring_append(&ssi->running, own);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = ssi_hold_relation(ssi, own, rdb_get_u32(relation_oids + i * sizeof(uint32_t)));
    rdb_mutex_unlock(&ssi->lock);
    txn->ssi = own;
    return ok || out_of_memory(err);
}

void ssi_tidy(rdb_txn_manager *manager)
{
    rdb_mutex_lock(&manager->ssi->lock);
    forget_ended(manager);
    rdb_mutex_unlock(&manager->ssi->lock);
}

uint32_t rdb_ssi_blockers(rdb_txn_manager *manager, int32_t process_id, int32_t *process_ids, uint32_t max)
{
    ssi_manager *ssi = manager->ssi;
    uint32_t count = 0;
    rdb_mutex_lock(&ssi->lock);
    for (const ssi_txn *txn = ssi->running.next; txn != &ssi->running; txn = txn->next)
        if (txn->is_waiting && txn->process_id == process_id)
            for (uint32_t i = 0; i < txn->possible.count; i++) {
                if (count < max)
                    process_ids[count] = txn->possible.items[i]->process_id;
                count++;
            }
    rdb_mutex_unlock(&ssi->lock);
    return count;
}
