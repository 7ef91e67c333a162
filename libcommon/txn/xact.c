/* SPDX-License-Identifier: Apache-2.0
 * The commit log: its pages, new xids, and what became of an xid.
 *
 * A page of slots exists (logged) before any xid in it is handed out, so that after a crash the first xid to hand out is
 * that of the first page that is not there: an unfinished xid below it was lost with its process and counts as aborted. */
#include "txn/txn_int.h"

#include <stdlib.h>

static uint64_t meta_file(void)
{
    return RDB_FILE_NO(RDB_FILE_XACT, 0);
}
static uint64_t segment_file(uint64_t segment)
{
    return RDB_FILE_NO(RDB_FILE_XACT, 1 + segment);
}

/* ---- redo ---------------------------------------------------------------------------------------------------------- */
static void init_page(rdb_page *page, uint32_t page_bytes, uint8_t type)
{
    page->type = type;
    page->version = 1;
    page->flags = 0;
    page->lower = (uint16_t)page_bytes;
    page->upper = (uint16_t)page_bytes;
}

static uint32_t times_of_page(uint32_t page_bytes)
{
    return (page_bytes - RDB_PAGE_HEADER_BYTES - (uint32_t)sizeof(txn_meta)) / (uint32_t)sizeof(txn_time);
}

static bool damaged(rdb_error *err, const rdb_redo *redo)
{
    return rdb_error_set(err, RDB_DATA_CORRUPTED, "a commit log record at %llX does not fit its page", (unsigned long long)redo->lsn);
}

bool txn_redo(const rdb_redo *redo, rdb_page *page, rdb_error *err)
{
    uint8_t *body = (uint8_t *)page + RDB_PAGE_HEADER_BYTES;
    if (redo->operation == TXN_OP_PAGE) {
        init_page(page, redo->page_bytes, RDB_PAGE_XACT);
        memset(body, 0, redo->page_bytes - RDB_PAGE_HEADER_BYTES);
        return true;
    }
    if (redo->operation == TXN_OP_META_INIT || redo->operation == TXN_OP_META) {
        if (redo->operation == TXN_OP_META_INIT) {
            init_page(page, redo->page_bytes, RDB_PAGE_META);
            memset(body, 0, redo->page_bytes - RDB_PAGE_HEADER_BYTES);
        }
        if (redo->data_bytes != sizeof(txn_meta) && redo->data_bytes != sizeof(txn_meta) + sizeof(txn_time))
            return damaged(err, redo);
        memcpy(body, redo->data, sizeof(txn_meta));
        if (redo->data_bytes > sizeof(txn_meta)) { /* the newest entry of the ring, just behind time_next */
            txn_meta meta;
            memcpy(&meta, redo->data, sizeof meta);
            uint32_t times = times_of_page(redo->page_bytes);
            if (meta.time_next >= times)
                return damaged(err, redo);
            uint32_t at = (meta.time_next + times - 1) % times;
            memcpy(body + sizeof(txn_meta) + at * sizeof(txn_time), redo->data + sizeof(txn_meta), sizeof(txn_time));
        }
        return true;
    }
    uint32_t slots = (redo->page_bytes - RDB_PAGE_HEADER_BYTES) / TXN_SLOT_BYTES;
    if (redo->data_bytes % TXN_SLOT_CHANGE_BYTES != 0 || page->type != RDB_PAGE_XACT)
        return damaged(err, redo);
    for (uint32_t at = 0; at < redo->data_bytes; at += TXN_SLOT_CHANGE_BYTES) {
        txn_slot_change change;
        memcpy(&change, redo->data + at, TXN_SLOT_CHANGE_BYTES);
        if (change.slot_no >= slots)
            return damaged(err, redo);
        memcpy(body + change.slot_no * TXN_SLOT_BYTES, &change.state, sizeof change.state);
        if (change.undo != 0)
            memcpy(body + change.slot_no * TXN_SLOT_BYTES + 8, &change.undo, sizeof change.undo);
    }
    return true;
}

/* ---- meta page and PDBs ---------------------------------------------------------------------------------------------- */
static rdb_page_tag meta_tag(uint32_t pdb)
{
    return (rdb_page_tag){.file = meta_file(), .block = 0, .pdb = pdb, .fork = RDB_FORK_MAIN};
}

/* Changes the meta page by change(meta, context) in one record; *time, where not NULL, goes into the ring. */
static bool change_meta(rdb_txn_manager *manager, uint32_t pdb, void (*change_it)(txn_meta *meta, uint64_t value),
                        uint64_t value, const txn_time *time, rdb_error *err)
{
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire(manager->storage, meta_tag(pdb), RDB_BUFFER_EXCLUSIVE, &buffer, err))
        return false;
    txn_meta meta;
    memcpy(&meta, (uint8_t *)rdb_buffer_page(buffer) + RDB_PAGE_HEADER_BYTES, sizeof meta);
    change_it(&meta, value);
    if (time != NULL) {
        uint32_t times = times_of_page(manager->page_bytes);
        meta.time_next = (meta.time_next + 1) % times;
        if (meta.time_count < times)
            meta.time_count++;
    }
    rdb_change change;
    rdb_lsn end_lsn;
    rdb_change_init(&change, manager->storage, pdb, 0, RDB_RESOURCE_TXN, TXN_OP_META);
    rdb_change_block(&change, buffer, 0);
    rdb_change_block_data(&change, &meta, sizeof meta);
    if (time != NULL)
        rdb_change_block_data(&change, time, sizeof *time);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    return ok;
}
static void set_segment_count(txn_meta *meta, uint64_t value)
{
    meta->segment_count = RDB_MAX(meta->segment_count, value);
}
static void set_bound(txn_meta *meta, uint64_t value)
{
    meta->scn_bound = RDB_MAX(meta->scn_bound, value);
}
static void set_tail(txn_meta *meta, uint64_t value)
{
    meta->tail = RDB_MAX(meta->tail, value);
}
static void set_first_segment(txn_meta *meta, uint64_t value)
{
    meta->first_segment = RDB_MAX(meta->first_segment, value);
}

bool txn_raise_bound(rdb_txn_manager *manager, txn_pdb *pdb, rdb_error *err)
{
    rdb_scn needed = atomic_load_explicit(&manager->last_scn, memory_order_relaxed) + TXN_RECORDING_SLOTS;
    if (atomic_load_explicit(&pdb->scn_bound, memory_order_relaxed) >= needed)
        return true;
    rdb_scn bound = needed + TXN_SCN_STEP;
    txn_time time = {atomic_load(&manager->published_scn), rdb_time_wall_us()};
    if (!change_meta(manager, pdb->pdb, set_bound, bound, &time, err))
        return false;
    rdb_scn old = atomic_load(&pdb->scn_bound);
    while (old < bound && !atomic_compare_exchange_weak(&pdb->scn_bound, &old, bound))
        ;
    return true;
}

bool rdb_txn_create_pdb(rdb_txn_manager *manager, uint32_t pdb, rdb_error *err)
{
    if (!rdb_storage_create_file(manager->storage, pdb, meta_file(), 0, err))
        return false;
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire_new(manager->storage, meta_tag(pdb), &buffer, err))
        return false;
    txn_meta meta = {.scn_bound = atomic_load(&manager->last_scn), .tail = TXN_FIRST_XID};
    rdb_change change;
    rdb_lsn end_lsn;
    rdb_change_init(&change, manager->storage, pdb, 0, RDB_RESOURCE_TXN, TXN_OP_META_INIT);
    rdb_change_block(&change, buffer, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, &meta, sizeof meta);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    txn_pdb *found;
    return ok && txn_find_pdb(manager, pdb, &found, err);
}

static bool load_pdb(rdb_txn_manager *manager, txn_pdb *pdb, rdb_error *err)
{
    if (!rdb_storage_file_exists(manager->storage, pdb->pdb, meta_file()))
        return rdb_error_set(err, RDB_INVALID_CATALOG_NAME, "database number %u does not exist", (unsigned)pdb->pdb);
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire(manager->storage, meta_tag(pdb->pdb), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    const uint8_t *body = (const uint8_t *)rdb_buffer_page(buffer) + RDB_PAGE_HEADER_BYTES;
    txn_meta meta;
    memcpy(&meta, body, sizeof meta);
    uint32_t times = times_of_page(manager->page_bytes);
    for (uint32_t i = 0; i < meta.time_count && i < times; i++) {
        txn_time time;
        memcpy(&time, body + sizeof meta + (meta.time_next + times - meta.time_count + i) % times * sizeof time, sizeof time);
        txn_load_time(manager, time.scn, time.wall_us);
    }
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    uint64_t page_no = 0;
    if (meta.segment_count > 0) {
        uint64_t blocks;
        if (!rdb_storage_block_count(manager->storage, pdb->pdb, segment_file(meta.segment_count - 1), RDB_FORK_MAIN, &blocks, err))
            return false;
        page_no = (meta.segment_count - 1) * TXN_SEGMENT_PAGES + RDB_MIN(blocks, (uint64_t)TXN_SEGMENT_PAGES);
    }
    pdb->next_xid = pdb->limit_xid = pdb->recovered_below = page_no * manager->slots_per_page;
    atomic_store(&pdb->segment_count, meta.segment_count);
    atomic_store(&pdb->first_segment, meta.first_segment);
    atomic_store(&pdb->tail, RDB_MAX(meta.tail, (uint64_t)TXN_FIRST_XID));
    atomic_store(&pdb->scn_bound, meta.scn_bound);
    txn_publish_raise(manager, meta.scn_bound);
    return true;
}

bool txn_find_pdb(rdb_txn_manager *manager, uint32_t pdb, txn_pdb **found, rdb_error *err)
{
    _Atomic(txn_pdb *) *bucket = &manager->pdbs[pdb % TXN_PDB_BUCKETS];
    for (*found = atomic_load_explicit(bucket, memory_order_acquire); *found != NULL; *found = (*found)->next)
        if ((*found)->pdb == pdb)
            return true;
    txn_pdb *made = NULL;
    rdb_mutex_lock(&manager->lock);
    for (*found = atomic_load_explicit(bucket, memory_order_acquire); *found != NULL; *found = (*found)->next)
        if ((*found)->pdb == pdb)
            break;
    if (*found == NULL) {
        made = calloc(1, sizeof *made);
        if (made == NULL) {
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        } else {
            made->pdb = pdb;
            rdb_mutex_init(&made->lock, RDB_RANK_TXN);
            if (load_pdb(manager, made, err)) {
                made->next = atomic_load_explicit(bucket, memory_order_relaxed);
                atomic_store_explicit(bucket, made, memory_order_release);
                *found = made;
            } else {
                rdb_mutex_deinit(&made->lock);
                free(made);
            }
        }
    }
    rdb_mutex_unlock(&manager->lock);
    return *found != NULL;
}

/* ---- xids ---------------------------------------------------------------------------------------------------------- */
rdb_page_tag txn_slot_tag(const rdb_txn_manager *manager, const txn_pdb *pdb, rdb_xid xid, uint16_t *slot_no)
{
    uint64_t page_no = xid / manager->slots_per_page;
    *slot_no = (uint16_t)(xid % manager->slots_per_page);
    return (rdb_page_tag){.file = segment_file(page_no / TXN_SEGMENT_PAGES),
                          .block = page_no % TXN_SEGMENT_PAGES,
                          .pdb = pdb->pdb,
                          .fork = RDB_FORK_MAIN};
}

static bool add_slot_page(rdb_txn_manager *manager, txn_pdb *pdb, rdb_error *err)
{
    uint16_t slot_no;
    rdb_page_tag tag = txn_slot_tag(manager, pdb, pdb->limit_xid, &slot_no);
    uint64_t segment = pdb->limit_xid / manager->slots_per_page / TXN_SEGMENT_PAGES;
    if (segment >= atomic_load_explicit(&pdb->segment_count, memory_order_relaxed)) {
        if (!rdb_storage_create_file(manager->storage, pdb->pdb, tag.file, 0, err) ||
            !change_meta(manager, pdb->pdb, set_segment_count, segment + 1, NULL, err))
            return false;
        atomic_store(&pdb->segment_count, segment + 1);
    }
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire_new(manager->storage, tag, &buffer, err))
        return false;
    rdb_change change;
    rdb_lsn end_lsn;
    rdb_change_init(&change, manager->storage, pdb->pdb, 0, RDB_RESOURCE_TXN, TXN_OP_PAGE);
    rdb_change_block(&change, buffer, RDB_WAL_BLOCK_INIT);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    if (ok)
        pdb->limit_xid += manager->slots_per_page;
    return ok;
}

bool txn_new_xid(rdb_txn_manager *manager, txn_pdb *pdb, _Atomic rdb_xid *publish, rdb_xid *xid, rdb_error *err)
{
    rdb_mutex_lock(&pdb->lock);
    bool ok = pdb->next_xid < pdb->limit_xid || add_slot_page(manager, pdb, err);
    if (ok) {
        pdb->next_xid = RDB_MAX(pdb->next_xid, (uint64_t)TXN_FIRST_XID);
        *xid = pdb->next_xid++;
        if (publish != NULL)
            atomic_store_explicit(publish, *xid, memory_order_relaxed);
    }
    rdb_mutex_unlock(&pdb->lock);
    return ok;
}

bool txn_mark_xids(rdb_txn_manager *manager, txn_pdb *pdb, rdb_xid top, uint8_t operation, const rdb_xid *xids,
                   uint32_t count, uint64_t state, rdb_error *err)
{
    for (uint32_t first = 0; first < count;) { /* one record for each run of xids of one page */
        enum { RUN_MAX = 64 };
        uint8_t slots[RUN_MAX * TXN_SLOT_CHANGE_BYTES];
        uint16_t slot_no;
        rdb_page_tag tag = txn_slot_tag(manager, pdb, xids[first], &slot_no);
        uint32_t run = 0;
        while (first + run < count && run < RUN_MAX &&
               xids[first + run] / manager->slots_per_page == xids[first] / manager->slots_per_page) {
            const txn_slot_change slot = {.state = state, .slot_no = (uint16_t)(xids[first + run] % manager->slots_per_page)};
            memcpy(slots + run * TXN_SLOT_CHANGE_BYTES, &slot, TXN_SLOT_CHANGE_BYTES);
            run++;
        }
        rdb_buffer *buffer = NULL;
        if (!rdb_buffer_acquire(manager->storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, err))
            return false;
        rdb_change change;
        rdb_lsn end_lsn;
        rdb_change_init(&change, manager->storage, pdb->pdb, top, RDB_RESOURCE_TXN, operation);
        rdb_change_block(&change, buffer, 0);
        rdb_change_block_data(&change, slots, run * TXN_SLOT_CHANGE_BYTES);
        bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        if (!ok)
            return false;
        first += run;
    }
    return true;
}

bool rdb_txn_cut(rdb_txn_manager *manager, uint32_t pdb_no, rdb_xid below, rdb_error *err)
{
    txn_pdb *pdb;
    if (!txn_find_pdb(manager, pdb_no, &pdb, err))
        return false;
    rdb_mutex_lock(&pdb->lock);
    bool ok = below <= RDB_MAX(pdb->next_xid, (uint64_t)TXN_FIRST_XID);
    rdb_mutex_unlock(&pdb->lock);
    RDB_VERIFY(ok); /* an xid that is still to come cannot be finished */
    uint64_t new_segment = below / manager->slots_per_page / TXN_SEGMENT_PAGES;
    if (!change_meta(manager, pdb_no, set_tail, below, NULL, err))
        return false;
    /* Only whole segments go; the tail is moved first, so that nobody looks into one that is going. */
    rdb_xid tail = atomic_load(&pdb->tail);
    while (tail < below && !atomic_compare_exchange_weak(&pdb->tail, &tail, below))
        ;
    const uint64_t first_segment = atomic_load(&pdb->first_segment); /* moved by whoever cuts, one at a time */
    for (uint64_t segment = first_segment; segment < new_segment; segment++)
        if (!rdb_storage_drop_file(manager->storage, pdb_no, segment_file(segment), err))
            return false;
    if (first_segment >= new_segment)
        return true;
    if (!change_meta(manager, pdb_no, set_first_segment, new_segment, NULL, err))
        return false;
    atomic_store(&pdb->first_segment, new_segment);
    return true;
}

bool rdb_txn_oldest_xid(rdb_txn_manager *manager, uint32_t pdb_no, rdb_xid *xid, rdb_error *err)
{
    txn_pdb *pdb;
    *xid = 0;
    if (!txn_find_pdb(manager, pdb_no, &pdb, err))
        return false;
    rdb_mutex_lock(&pdb->lock); /* an xid below next_xid stands in its entry, or has ended */
    *xid = RDB_MAX(pdb->next_xid, (uint64_t)TXN_FIRST_XID);
    rdb_mutex_unlock(&pdb->lock);
    uint32_t count = atomic_load(&manager->chunk_count);
    for (uint32_t i = 0; i < count; i++) {
        txn_entry *chunk = atomic_load_explicit(&manager->chunks[i], memory_order_relaxed);
        for (uint32_t j = 0; j < TXN_ENTRY_CHUNK; j++) {
            rdb_xid running = atomic_load(&chunk[j].xid);
            if (running != 0 && atomic_load_explicit(&chunk[j].pdb, memory_order_relaxed) == pdb_no)
                *xid = RDB_MIN(*xid, running);
        }
    }
    return true;
}

bool rdb_txn_next_xid(rdb_txn_manager *manager, uint32_t pdb_no, rdb_xid *xid, rdb_error *err)
{
    txn_pdb *pdb;
    *xid = 0;
    if (!txn_find_pdb(manager, pdb_no, &pdb, err))
        return false;
    rdb_mutex_lock(&pdb->lock);
    *xid = RDB_MAX(pdb->next_xid, (uint64_t)TXN_FIRST_XID);
    rdb_mutex_unlock(&pdb->lock);
    return true;
}

rdb_xid rdb_txn_tail(rdb_txn_manager *manager, uint32_t pdb_no)
{
    rdb_error err;
    rdb_error_init(&err);
    txn_pdb *pdb;
    if (txn_find_pdb(manager, pdb_no, &pdb, &err))
        return atomic_load(&pdb->tail);
    rdb_error_clear(&err);
    return 0;
}

/* ---- outcomes -------------------------------------------------------------------------------------------------------- */
static uint64_t outcome_key(uint32_t pdb, rdb_xid xid)
{
    return (xid ^ (uint64_t)pdb << 40) + 1; /* xids of one PDB never meet another's below 2^40 of them; beyond, see below */
}
static size_t outcome_place(uint32_t pdb, rdb_xid xid)
{
    return (size_t)((xid + (uint64_t)pdb * UINT64_C(0x9E3779B97F4A7C15)) & (TXN_OUTCOME_SLOTS - 1));
}
static bool outcome_fits(uint32_t pdb, rdb_xid xid)
{
    return xid < UINT64_C(1) << 40 && pdb < 1u << 23; /* others are read from their page each time */
}

void txn_cache_outcome(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid, rdb_xid_state state, rdb_scn scn)
{
    if (!outcome_fits(pdb, xid))
        return;
    size_t at = outcome_place(pdb, xid);
    uint64_t value = scn << 2 | (uint64_t)state;
    /* Two relaxed stores: a reader that meets halves of two entries computes a key that is neither's. */
    atomic_store_explicit(&manager->outcomes[at].mixed, outcome_key(pdb, xid) ^ value, memory_order_relaxed);
    atomic_store_explicit(&manager->outcomes[at].value, value, memory_order_relaxed);
}

static bool find_cached(const rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid, rdb_xid_state *state, rdb_scn *scn)
{
    if (!outcome_fits(pdb, xid))
        return false;
    size_t at = outcome_place(pdb, xid);
    uint64_t value = atomic_load_explicit(&manager->outcomes[at].value, memory_order_relaxed);
    if ((atomic_load_explicit(&manager->outcomes[at].mixed, memory_order_relaxed) ^ value) != outcome_key(pdb, xid))
        return false;
    *state = (rdb_xid_state)(value & 3);
    *scn = value >> 2;
    return true;
}

void txn_note_unmarked(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid)
{
    rdb_mutex_lock(&manager->lock);
    uint32_t count = atomic_load(&manager->unmarked_count);
    /* Each is an abort that the log refused to take; once the log is that broken no commit passes any more either. */
    if (count < RDB_COUNT_OF(manager->unmarked)) {
        manager->unmarked[count].pdb = pdb;
        manager->unmarked[count].xid = xid;
        atomic_store(&manager->unmarked_count, count + 1);
    }
    rdb_mutex_unlock(&manager->lock);
}

static bool is_unmarked(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid)
{
    uint32_t count = atomic_load(&manager->unmarked_count);
    for (uint32_t i = 0; i < count; i++)
        if (manager->unmarked[i].pdb == pdb && manager->unmarked[i].xid == xid)
            return true;
    return false;
}

static bool read_slot(rdb_txn_manager *manager, txn_pdb *pdb, rdb_xid xid, uint64_t *word, rdb_error *err)
{
    uint16_t slot_no;
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire(manager->storage, txn_slot_tag(manager, pdb, xid, &slot_no), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    memcpy(word, (uint8_t *)rdb_buffer_page(buffer) + RDB_PAGE_HEADER_BYTES + slot_no * TXN_SLOT_BYTES, sizeof *word);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return true;
}

bool txn_is_prepared(rdb_txn_manager *manager, uint32_t pdb_no, rdb_xid xid, bool *prepared, rdb_error *err)
{
    txn_pdb *pdb;
    uint64_t word;
    *prepared = false;
    if (!rdb_storage_file_exists(manager->storage, pdb_no, meta_file()))
        return true;
    if (!txn_find_pdb(manager, pdb_no, &pdb, err))
        return false;
    if (xid < atomic_load(&pdb->tail) || xid >= pdb->recovered_below)
        return true;
    if (!read_slot(manager, pdb, xid, &word, err))
        return false;
    *prepared = TXN_SLOT_STATE(word) == TXN_SLOT_PREPARED;
    return true;
}

bool rdb_txn_mark_reverted(rdb_txn_manager *manager, uint32_t pdb_no, rdb_xid xid, rdb_error *err)
{
    txn_pdb *pdb;
    return txn_find_pdb(manager, pdb_no, &pdb, err) &&
           (xid < atomic_load(&pdb->tail) ||
            txn_mark_xids(manager, pdb, xid, TXN_OP_ABORT, &xid, 1, TXN_SLOT(TXN_SLOT_ABORTED, 1), err));
}

bool rdb_txn_is_reverted(rdb_txn_manager *manager, uint32_t pdb_no, rdb_xid xid, bool *reverted, rdb_error *err)
{
    txn_pdb *pdb;
    uint64_t word;
    *reverted = false;
    if (!txn_find_pdb(manager, pdb_no, &pdb, err))
        return false;
    if (xid < atomic_load(&pdb->tail))
        return true;
    if (!read_slot(manager, pdb, xid, &word, err))
        return false;
    *reverted = word == TXN_SLOT(TXN_SLOT_ABORTED, 1);
    return true;
}

bool rdb_txn_resolve_top(rdb_txn_manager *manager, uint32_t pdb_no, rdb_xid xid, rdb_xid_state *state, rdb_scn *scn,
                         rdb_xid *top, rdb_error *err)
{
    *top = xid;
    *scn = 0;
    if (find_cached(manager, pdb_no, xid, state, scn))
        return true;
    txn_pdb *pdb;
    if (!txn_find_pdb(manager, pdb_no, &pdb, err))
        return false;
    for (unsigned depth = 0; depth < 2; depth++) { /* a subtransaction's slot names the top transaction */
        if (*top < atomic_load(&pdb->tail)) {
            *state = RDB_XID_COMMITTED;
            break;
        }
        uint64_t word;
        if (!read_slot(manager, pdb, *top, &word, err)) {
            if (*top >= atomic_load(&pdb->tail))
                return false;
            rdb_error_clear(err); /* the tail passed it meanwhile */
            continue;
        }
        if (TXN_SLOT_STATE(word) == TXN_SLOT_COMMITTED) {
            *state = RDB_XID_COMMITTED;
            *scn = TXN_SLOT_VALUE(word);
        } else if (TXN_SLOT_STATE(word) == TXN_SLOT_ABORTED) {
            *state = RDB_XID_ABORTED;
        } else if (TXN_SLOT_STATE(word) == TXN_SLOT_SUBTRANSACTION && depth == 0) {
            *top = TXN_SLOT_VALUE(word);
            if (find_cached(manager, pdb_no, *top, state, scn))
                break;
            continue;
        } else if (TXN_SLOT_STATE(word) == TXN_SLOT_UNKNOWN || TXN_SLOT_STATE(word) == TXN_SLOT_PREPARED) {
            bool lost = TXN_SLOT_STATE(word) == TXN_SLOT_UNKNOWN &&
                        (*top < pdb->recovered_below || is_unmarked(manager, pdb_no, *top));
            *state = lost ? RDB_XID_ABORTED : RDB_XID_RUNNING;
        } else {
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "the commit log has a wrong entry for transaction %llu",
                                 (unsigned long long)*top);
        }
        break;
    }
    /* Between the two looks a savepoint may have been rolled back and its transaction committed: a subtransaction's own slot was marked
     * before that, and has the last word. */
    if (*state == RDB_XID_COMMITTED && *top != xid && xid >= atomic_load(&pdb->tail)) {
        uint64_t word = 0;
        atomic_thread_fence(memory_order_seq_cst); /* the outcome of the top may come from the cache, which orders nothing */
        if (!read_slot(manager, pdb, xid, &word, err)) {
            if (xid >= atomic_load(&pdb->tail))
                return false;
            rdb_error_clear(err);
        }
        if (TXN_SLOT_STATE(word) == TXN_SLOT_ABORTED || is_unmarked(manager, pdb_no, xid)) {
            *state = RDB_XID_ABORTED;
            *scn = 0;
        }
    }
    if (*state != RDB_XID_RUNNING)
        txn_cache_outcome(manager, pdb_no, xid, *state, *scn);
    return true;
}

bool rdb_txn_resolve(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid, rdb_xid_state *state, rdb_scn *scn, rdb_error *err)
{
    rdb_xid top;
    return rdb_txn_resolve_top(manager, pdb, xid, state, scn, &top, err);
}

bool rdb_txn_sees(rdb_txn_manager *manager, uint32_t pdb, const rdb_snapshot *snapshot, const rdb_txn *own, rdb_xid xid,
                  rdb_undo_address undo, bool *visible, rdb_error *err)
{
    if (own != NULL && own->xid != 0 && own->pdb->pdb == pdb && rdb_txn_is_own(own, xid)) {
        *visible = undo < snapshot->own_undo[RDB_UNDO_CLASS(undo)] && !rdb_txn_is_own_aborted(own, xid);
        return true;
    }
    rdb_xid_state state;
    rdb_scn scn;
    *visible = false;
    if (!rdb_txn_resolve(manager, pdb, xid, &state, &scn, err))
        return false;
    *visible = (state == RDB_XID_COMMITTED && scn <= snapshot->scn) || (state == RDB_XID_RUNNING && snapshot->reads_uncommitted);
    return true;
}
