/* SPDX-License-Identifier: Apache-2.0
 * A transaction's life: begin, savepoint levels, commit, abort, and what upper rooms hang on it.
 *
 * The order at a commit: the callbacks that may still refuse; the record, whose place in the log gives the SCN and whose
 * redo writes the slot; the undo room; callbacks; locks fall; then the wait for the log (R17). An abort is one mark. */
#include "txn/ssi_int.h"
#include "wal/rdb_wal_reference.h"

#include <stdlib.h>

/* ---- recovery -------------------------------------------------------------------------------------------------------- */
typedef struct payload_handler {
    void (*replay)(void *context, uint32_t pdb, const void *bytes, uint32_t length);
    void *context;
} payload_handler;

/* Filled at start-up, before any instance opens; what recovery met only ever grows. */
static payload_handler payload_handlers[256];
static _Atomic rdb_scn replayed_scn;

void rdb_txn_register_payload(uint16_t kind, void (*replay)(void *context, uint32_t pdb, const void *bytes, uint32_t length), void *context)
{
    RDB_VERIFY(kind < RDB_COUNT_OF(payload_handlers));
    payload_handlers[kind] = (payload_handler){replay, context};
}

/* False: they are cut. */
static bool replay_payloads(uint32_t pdb, const uint8_t *bytes, uint64_t length)
{
    for (uint64_t at = 0; at < length;) {
        uint16_t kind = 0;
        uint32_t part = 0;
        if (at + 8 <= length) {
            kind = rdb_get_u16(bytes + at);
            part = rdb_get_u32(bytes + at + 4);
        }
        if (at + 8 + part > length)
            return false;
        if (kind < RDB_COUNT_OF(payload_handlers) && payload_handlers[kind].replay != NULL)
            payload_handlers[kind].replay(payload_handlers[kind].context, pdb, bytes + at + 8, part);
        at += 8 + (uint64_t)part;
    }
    return true;
}

static bool find_payload(const uint8_t *bytes, uint64_t length, uint16_t wanted, rdb_slice *payload)
{
    for (uint64_t at = 0; at + 8 <= length;) {
        const uint16_t kind = rdb_get_u16(bytes + at);
        const uint64_t part = rdb_get_u32(bytes + at + 4);
        if (at + 8 + part > length)
            return false;
        *payload = (rdb_slice){bytes + at + 8, part};
        if (kind == wanted)
            return true;
        at += 8 + part;
    }
    return false;
}

/* The header of a commit record's main data, and where the rest begins; false: it is cut. */
static bool read_commit_header(const rdb_wal_record *record, txn_commit_header *header, uint64_t *rest)
{
    const bool is_short = record->data_bytes == TXN_COMMIT_SHORT_BYTES;
    *header = (txn_commit_header){0};
    *rest = is_short ? TXN_COMMIT_SHORT_BYTES : sizeof *header;
    if (record->data_bytes < *rest)
        return false;
    memcpy(header, record->data, *rest);
    return true;
}

bool rdb_txn_record_payload(const rdb_wal_record *record, uint16_t kind, rdb_slice *payload, rdb_txn_end *end, bool *found, rdb_error *err)
{
    txn_commit_header header;
    *found = false;
    if (record->resource != RDB_RESOURCE_TXN || record->operation != TXN_OP_COMMIT)
        return true;
    uint64_t at;
    const bool ok = read_commit_header(record, &header, &at);
    at += (uint64_t)header.sub_count * sizeof(rdb_xid);
    if (!ok || at > record->data_bytes)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "the commit record at %llX is cut", (unsigned long long)record->lsn);
    *end = (rdb_txn_end){.committed = true, .pdb = record->pdb, .xid = record->xid, .scn = header.scn, .wall_us = header.wall_us};
    *found = (header.flags & TXN_COMMIT_AUDIT) != 0 && find_payload(record->data + at, record->data_bytes - at, kind, payload);
    return true;
}

static bool replay(void *context, const rdb_wal_record *record, rdb_error *err)
{
    (void)context;
    if (record->operation == TXN_OP_PREPARE)
        return txn_prepared_meet(record->pdb, record->data, record->data_bytes, err);
    if (record->operation != TXN_OP_COMMIT)
        return true;
    txn_commit_header header;
    uint64_t at;
    if (!read_commit_header(record, &header, &at))
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "the commit record at %llX is cut", (unsigned long long)record->lsn);
    rdb_scn old = atomic_load(&replayed_scn);
    while (old < header.scn && !atomic_compare_exchange_weak(&replayed_scn, &old, header.scn))
        ;
    at += (uint64_t)header.sub_count * sizeof(rdb_xid);
    if (at > record->data_bytes || !replay_payloads(record->pdb, record->data + at, record->data_bytes - at))
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "the commit record at %llX is cut", (unsigned long long)record->lsn);
    return true;
}

bool rdb_txn_record_is_end(const rdb_wal_record *record, uint32_t page_bytes, rdb_txn_end *end)
{
    *end = (rdb_txn_end){.pdb = record->pdb, .xid = record->xid};
    if (record->resource != RDB_RESOURCE_TXN)
        return false;
    if (record->operation == TXN_OP_COMMIT) {
        txn_commit_header header;
        uint64_t at;
        if (!read_commit_header(record, &header, &at))
            return false;
        end->committed = true;
        end->scn = header.scn;
        end->wall_us = header.wall_us;
        return true;
    }
    if (record->operation != TXN_OP_ABORT || record->block_count != 1 || RDB_FILE_CLASS(record->blocks[0].file) != RDB_FILE_XACT)
        return false;
    /* Savepoints are marked under the transaction's xid, but in slots of their own. */
    const rdb_wal_block *block = &record->blocks[0];
    uint64_t slots = (page_bytes - RDB_PAGE_HEADER_BYTES) / TXN_SLOT_BYTES;
    uint64_t page_no = (block->file - RDB_FILE_NO(RDB_FILE_XACT, 1)) * TXN_SEGMENT_PAGES + block->block;
    for (uint32_t at = 0; at + TXN_SLOT_CHANGE_BYTES <= block->data_bytes; at += TXN_SLOT_CHANGE_BYTES)
        if (page_no * slots + rdb_get_u16(block->data + at + offsetof(txn_slot_change, slot_no)) == record->xid)
            return true;
    return false;
}

static void describe(const rdb_wal_record *record, rdb_strbuf *text)
{
    static const char *const names[] = {"?", "commit", "abort", "subtransaction", "new page", "meta", "meta init", "prepare"};
    rdb_strbuf_adds(text, record->operation < RDB_COUNT_OF(names) ? names[record->operation] : "?");
    txn_commit_header header;
    uint64_t at;
    if (record->operation == TXN_OP_COMMIT && read_commit_header(record, &header, &at)) {
        rdb_strbuf_addf(text, " xid %llu scn %llu subtransactions %u payload %u bytes", (unsigned long long)record->xid,
                        (unsigned long long)header.scn, header.sub_count, header.payload_bytes);
    }
}

void rdb_txn_register_redo(void)
{
    rdb_resource_ops ops = {.name = "txn", .redo = txn_redo, .replay = replay, .describe = describe};
    rdb_resource_register(RDB_RESOURCE_TXN, &ops);
    txn_prepared_register(NULL);
}

/* ---- manager --------------------------------------------------------------------------------------------------------- */
bool rdb_txn_open(rdb_txn_manager **opened, const rdb_txn_config *config, rdb_error *err)
{
    static _Atomic uint64_t instances;
    *opened = NULL;
    rdb_txn_register_redo();
    rdb_txn_manager *manager = calloc(1, sizeof *manager);
    if (manager == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    manager->storage = config->storage;
    manager->wal = rdb_storage_wal(config->storage);
    manager->page_bytes = rdb_storage_page_bytes(config->storage);
    manager->slots_per_page = (manager->page_bytes - RDB_PAGE_HEADER_BYTES) / TXN_SLOT_BYTES;
    manager->instance_no = atomic_fetch_add(&instances, 1) + 1;
    atomic_store(&manager->retention_us, config->retention_us);
    rdb_mutex_init(&manager->lock, RDB_RANK_TXN - 1);
    rdb_mutex_init(&manager->exports_lock, RDB_RANK_LEAF - 1); /* the entries' held_lock is taken under it */
    for (unsigned i = 0; i < RDB_STRIPES; i++)
        rdb_mutex_init(&manager->stripes[i].lock, RDB_RANK_LEAF);
    rdb_scn scn = RDB_MAX(atomic_load(&replayed_scn), config->scn);
    atomic_store(&manager->last_scn, scn);
    atomic_store(&manager->recorded_scn, scn);
    atomic_store(&manager->published_scn, scn);
    atomic_store(&manager->visible_scn, scn);
    manager->outcomes = calloc(TXN_OUTCOME_SLOTS, sizeof *manager->outcomes);
    manager->locks = lock_table_create();
    manager->ssi = ssi_create();
    bool ok = txn_publish_open(manager, err);
    if (ok && (manager->outcomes == NULL || manager->locks == NULL || manager->ssi == NULL))
        ok = rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && txn_prepared_open(manager, err);
    if (ok && scn > 0)
        txn_note_time(manager, scn, rdb_time_wall_us()); /* it is as old as this at least */
    if (!ok) {
        rdb_txn_close(&manager);
        return false;
    }
    *opened = manager;
    return true;
}

void rdb_txn_close(rdb_txn_manager **opened)
{
    rdb_txn_manager *manager = *opened;
    *opened = NULL;
    if (manager == NULL)
        return;
    txn_prepared_close(manager);
    txn_publish_close(manager);
    txn_entries_close(manager);
    if (manager->locks != NULL)
        lock_table_destroy(manager->locks);
    if (manager->ssi != NULL)
        ssi_destroy(manager->ssi);
    for (unsigned i = 0; i < TXN_PDB_BUCKETS; i++) {
        for (txn_pdb *pdb = atomic_load(&manager->pdbs[i]), *next; pdb != NULL; pdb = next) {
            next = pdb->next;
            rdb_mutex_deinit(&pdb->lock);
            free(pdb);
        }
    }
    for (unsigned i = 0; i < RDB_STRIPES; i++)
        rdb_mutex_deinit(&manager->stripes[i].lock);
    rdb_mutex_deinit(&manager->exports_lock);
    rdb_mutex_deinit(&manager->lock);
    free(manager->outcomes);
    free(manager);
}

void rdb_txn_set_retention(rdb_txn_manager *manager, int64_t retention_us)
{
    atomic_store(&manager->retention_us, retention_us);
}
int64_t rdb_txn_retention(const rdb_txn_manager *manager)
{
    return atomic_load(&manager->retention_us);
}
uint64_t rdb_txn_expired_count(const rdb_txn_manager *manager)
{
    return atomic_load_explicit(&manager->expired_count, memory_order_relaxed);
}
rdb_scn rdb_txn_highest_scn(const rdb_txn_manager *manager)
{
    return atomic_load(&manager->last_scn);
}
uint64_t rdb_txn_instance_no(const rdb_txn_manager *manager)
{
    return manager->instance_no;
}
rdb_txn_manager *rdb_txn_manager_of(const rdb_txn *txn)
{
    return txn->manager;
}
rdb_cancel *rdb_txn_cancel(const rdb_txn *txn)
{
    return txn->cancel;
}
void rdb_txn_set_undo_ops(rdb_txn_manager *manager, const rdb_txn_undo_ops *ops)
{
    manager->undo_ops = *ops;
}
void *rdb_txn_undo_context(const rdb_txn_manager *manager)
{
    return manager->undo_ops.context;
}
void *rdb_txn_get_undo_state(const rdb_txn *txn, unsigned undo_class)
{
    return txn->undo_state[undo_class];
}
void rdb_txn_set_undo_state(rdb_txn *txn, unsigned undo_class, void *state)
{
    txn->undo_state[undo_class] = state;
}
void rdb_txn_note_undo(rdb_txn *txn, unsigned undo_class, rdb_undo_address written, rdb_undo_address next)
{
    if (txn->undo_first == 0)
        txn->undo_first = written;
    txn->undo_last[undo_class] = written;
    txn->undo_next[undo_class] = next;
}

/* ---- begin ----------------------------------------------------------------------------------------------------------- */
bool rdb_txn_begin(rdb_txn_manager *manager, uint32_t pdb_no, rdb_isolation isolation, bool read_only, rdb_cancel *cancel,
                   rdb_txn **begun, rdb_error *err)
{
    *begun = NULL;
    txn_pdb *pdb;
    txn_entry *entry;
    if (!txn_find_pdb(manager, pdb_no, &pdb, err) || !txn_entry_take(manager, &entry, err))
        return false;
    rdb_txn *txn = entry->txn;
    if (txn == NULL) {
        txn = calloc(1, sizeof *txn);
        if (txn != NULL && (txn->arena = rdb_arena_create("transaction", NULL, NULL)) == NULL) {
            free(txn);
            txn = NULL;
        }
        if (txn == NULL) {
            txn_entry_give(manager, entry);
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        }
        rdb_strbuf_init(&txn->payload, NULL);
        entry->txn = txn;
    }
    txn->manager = manager;
    txn->entry = entry;
    txn->pdb = pdb;
    txn->cancel = cancel;
    txn->isolation = isolation;
    txn->is_read_only = read_only;
    txn->xid = 0;
    txn->level = 0;
    txn->sub_count = txn->hook_count = 0;
    txn->session_scn = 0;
    atomic_store_explicit(&txn->met_scn, 0, memory_order_relaxed);
    memset(txn->undo_next, 0, sizeof txn->undo_next);
    memset(txn->undo_state, 0, sizeof txn->undo_state);
    txn->undo_first = 0;
    memset(txn->undo_last, 0, sizeof txn->undo_last);
    txn->is_prepared = false;
    txn->locks = NULL; /* the lock manager's business from the first lock on */
    txn->ssi = NULL;
    txn->has_exported = false;
    atomic_store_explicit(&entry->pdb, pdb_no, memory_order_relaxed);
    atomic_store_explicit(&entry->isolation, (uint32_t)isolation, memory_order_relaxed);
    atomic_store_explicit(&entry->started_us, rdb_time_wall_us(), memory_order_relaxed);
    atomic_store_explicit(&entry->in_use, 1, memory_order_release);
    *begun = txn;
    return true;
}

uint32_t rdb_txn_pdb(const rdb_txn *txn)
{
    return txn->pdb->pdb;
}
rdb_isolation rdb_txn_get_isolation(const rdb_txn *txn)
{
    return txn->isolation;
}
bool rdb_txn_is_read_only(const rdb_txn *txn)
{
    return txn->is_read_only;
}
rdb_arena *rdb_txn_arena(rdb_txn *txn)
{
    return txn->arena;
}
void rdb_txn_set_session_scn(rdb_txn *txn, rdb_scn scn)
{
    txn->session_scn = RDB_MAX(txn->session_scn, scn);
}
void rdb_txn_note_met(rdb_txn *txn, rdb_scn scn)
{
    rdb_scn old = atomic_load_explicit(&txn->met_scn, memory_order_relaxed);
    while (old < scn && !atomic_compare_exchange_weak_explicit(&txn->met_scn, &old, scn, memory_order_relaxed, memory_order_relaxed))
        ;
}
rdb_scn rdb_txn_met_scn(const rdb_txn *txn)
{
    return atomic_load_explicit(&txn->met_scn, memory_order_relaxed);
}
bool rdb_txn_wait_met(rdb_txn *txn, rdb_error *err)
{
    return txn_publish_wait(txn->manager, rdb_txn_met_scn(txn), err);
}

/* ---- xids and levels --------------------------------------------------------------------------------------------------- */
txn_sub *txn_find_sub(const rdb_txn *txn, rdb_xid xid)
{
    uint32_t low = 0, high = txn->sub_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (txn->subs[middle].xid == xid)
            return &txn->subs[middle];
        if (txn->subs[middle].xid < xid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool rdb_txn_is_own(const rdb_txn *txn, rdb_xid xid)
{
    return txn->xid != 0 && xid >= txn->xid && (xid == txn->xid || txn_find_sub(txn, xid) != NULL);
}
bool rdb_txn_is_own_aborted(const rdb_txn *txn, rdb_xid xid)
{
    const txn_sub *sub = txn->sub_count > 0 ? txn_find_sub(txn, xid) : NULL;
    return sub != NULL && sub->aborted;
}

rdb_xid rdb_txn_xid(const rdb_txn *txn)
{
    if (txn->level == 0)
        return txn->xid;
    for (uint32_t i = txn->sub_count; i-- > 0;)
        if (!txn->subs[i].aborted && txn->subs[i].level == txn->level)
            return txn->subs[i].xid;
    return 0;
}

rdb_xid rdb_txn_top_xid(const rdb_txn *txn)
{
    return txn->xid;
}

bool rdb_txn_assign_xid(rdb_txn *txn, rdb_xid *xid, rdb_error *err)
{
    *xid = rdb_txn_xid(txn);
    if (*xid != 0)
        return true;
    if (txn->is_read_only)
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot write in a read-only transaction");
    if (txn->locks == NULL && (txn->locks = lock_owner_begin(txn->manager->locks, txn, txn->cancel)) == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of shared memory");
    if (txn->xid == 0) {
        rdb_xid top;
        if (!txn_new_xid(txn->manager, txn->pdb, &txn->entry->xid, &top, err) ||
            !lock_xid_register(txn->locks, txn->pdb->pdb, top, 0, err) || !ssi_note_xid(txn, top, err))
            return false; /* an xid without a lock is never stamped on anything */
        txn->xid = top;
    }
    if (txn->level == 0) {
        *xid = txn->xid;
        return true;
    }
    if (txn->sub_count == txn->sub_capacity) {
        uint32_t capacity = txn->sub_capacity == 0 ? 8 : txn->sub_capacity * 2;
        txn_sub *subs = realloc(txn->subs, capacity * sizeof *subs);
        if (subs == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        txn->subs = subs;
        txn->sub_capacity = capacity;
    }
    rdb_xid sub;
    if (!txn_new_xid(txn->manager, txn->pdb, NULL, &sub, err) ||
        !lock_xid_register(txn->locks, txn->pdb->pdb, sub, txn->level, err) || !ssi_note_xid(txn, sub, err) ||
        !txn_mark_xids(txn->manager, txn->pdb, txn->xid, TXN_OP_SUBTRANSACTION, &sub, 1,
                       TXN_SLOT(TXN_SLOT_SUBTRANSACTION, txn->xid), err))
        return false;
    txn->subs[txn->sub_count++] = (txn_sub){sub, txn->level, false};
    *xid = sub;
    return true;
}

bool rdb_txn_push_level(rdb_txn *txn, uint32_t *level, rdb_error *err)
{
    if (txn->level == UINT32_MAX - 1)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many savepoints");
    *level = ++txn->level;
    return true;
}

uint32_t rdb_txn_current_level(const rdb_txn *txn)
{
    return txn->level;
}

/* Marks the subtransactions of this level and above as aborted, in memory and in the log. */
static void abort_subs(rdb_txn *txn, uint32_t level)
{
    rdb_error err = {0};
    for (uint32_t i = 0; i < txn->sub_count; i++) {
        txn_sub *sub = &txn->subs[i];
        if (sub->aborted || sub->level < level)
            continue;
        sub->aborted = true;
        if (!txn_mark_xids(txn->manager, txn->pdb, txn->xid, TXN_OP_ABORT, &sub->xid, 1, TXN_SLOT(TXN_SLOT_ABORTED, 0), &err)) {
            txn_note_unmarked(txn->manager, txn->pdb->pdb, sub->xid);
            rdb_error_clear(&err);
        }
        txn_cache_outcome(txn->manager, txn->pdb->pdb, sub->xid, RDB_XID_ABORTED, 0);
    }
}

/* Calls the hooks of this level and above, newest first. */
static void fire(rdb_txn *txn, rdb_txn_event event, uint32_t level)
{
    rdb_error err;
    rdb_error_init(&err);
    for (uint32_t i = txn->hook_count; i-- > 0;)
        if (txn->hooks[i].level >= level || txn->hooks[i].is_whole) {
            (void)txn->hooks[i].callback(txn->hooks[i].context, txn, event, level, &err);
            rdb_error_clear(&err); /* only PRE_COMMIT may refuse */
        }
}

void rdb_txn_release_level(rdb_txn *txn, uint32_t level)
{
    RDB_ASSERT(level >= 1 && level <= txn->level);
    fire(txn, RDB_TXN_LEVEL_RELEASED, level);
    for (uint32_t i = 0; i < txn->sub_count; i++)
        if (txn->subs[i].level >= level)
            txn->subs[i].level = level - 1;
    for (uint32_t i = 0; i < txn->hook_count; i++)
        if (txn->hooks[i].level >= level)
            txn->hooks[i].level = level - 1;
    if (txn->locks != NULL)
        lock_owner_merge_level(txn->locks, level);
    txn->level = level - 1;
}

void rdb_txn_rollback_level(rdb_txn *txn, uint32_t level)
{
    RDB_ASSERT(level >= 1 && level <= txn->level);
    rdb_txn_manager *manager = txn->manager;
    for (uint32_t i = 0; i < txn->sub_count && manager->undo_ops.aborting != NULL; i++)
        if (!txn->subs[i].aborted && txn->subs[i].level >= level) {
            manager->undo_ops.aborting(manager->undo_ops.context, txn, txn->subs[i].xid);
            break; /* one call for all of them */
        }
    abort_subs(txn, level);
    fire(txn, RDB_TXN_LEVEL_ABORTED, level);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < txn->hook_count; i++)
        if (txn->hooks[i].level < level)
            txn->hooks[kept++] = txn->hooks[i];
    txn->hook_count = kept;
    rdb_lock_release_level(txn, level);
    txn->level = level - 1;
}

void rdb_txn_add_callback(rdb_txn *txn, rdb_txn_callback callback, void *context)
{
    if (txn->hook_count == txn->hook_capacity) {
        uint32_t capacity = txn->hook_capacity == 0 ? 8 : txn->hook_capacity * 2;
        /* of the arena, which has a reserve: a commit without its callbacks would leave caches wrong */
        txn_hook *hooks = rdb_arena_alloc(txn->arena, capacity * sizeof *hooks);
        if (txn->hook_count > 0)
            memcpy(hooks, txn->hooks, txn->hook_count * sizeof *hooks);
        txn->hooks = hooks;
        txn->hook_capacity = capacity;
    }
    txn->hooks[txn->hook_count++] = (txn_hook){.callback = callback, .context = context, .level = txn->level};
}

void rdb_txn_add_whole_callback(rdb_txn *txn, rdb_txn_callback callback, void *context)
{
    rdb_txn_add_callback(txn, callback, context);
    txn->hooks[txn->hook_count - 1].level = 0;
    txn->hooks[txn->hook_count - 1].is_whole = true;
}

void rdb_txn_get_undo_ends(const rdb_txn *txn, rdb_undo_address ends[RDB_UNDO_CLASS_COUNT])
{
    memcpy(ends, txn->undo_next, sizeof txn->undo_next);
}

void rdb_txn_watch_payload(rdb_txn_manager *manager, const rdb_txn_payload_watch *watch)
{
    manager->payload_watch = watch != NULL ? *watch : (rdb_txn_payload_watch){0};
}

void rdb_txn_set_payload_references(rdb_txn_manager *manager, const rdb_txn_payload_references *references)
{
    manager->payload_references = references != NULL ? *references : (rdb_txn_payload_references){0};
}

void rdb_txn_add_commit_payload(rdb_txn *txn, uint16_t kind, const void *bytes, uint32_t length)
{
    uint8_t head[8] = {0};
    rdb_put_u16(head, kind);
    rdb_put_u32(head + 4, length);
    rdb_strbuf_add(&txn->payload, head, sizeof head);
    rdb_strbuf_add(&txn->payload, bytes, length); /* out of memory is met at the commit */
}

/* ---- the ends ---------------------------------------------------------------------------------------------------------- */
static void finish(rdb_txn **handle)
{
    rdb_txn *txn = *handle;
    *handle = NULL;
    RDB_ASSERT(txn->locks == NULL);
    txn_release_snapshots(txn);
    rdb_arena_reset(txn->arena);
    txn->hooks = NULL;
    txn->hook_count = txn->hook_capacity = 0;
    rdb_strbuf_clear(&txn->payload);
    txn->payload.failed = false;
    txn_entry_give(txn->manager, txn->entry);
}

void rdb_txn_abort(rdb_txn **handle)
{
    rdb_txn *txn = *handle;
    if (txn == NULL)
        return;
    rdb_txn_manager *manager = txn->manager;
    if (txn->xid != 0) {
        rdb_error err = {0};
        if (manager->undo_ops.aborting != NULL)
            manager->undo_ops.aborting(manager->undo_ops.context, txn, txn->xid);
        abort_subs(txn, 0);
        if (!txn_mark_xids(manager, txn->pdb, txn->xid, TXN_OP_ABORT, &txn->xid, 1, TXN_SLOT(TXN_SLOT_ABORTED, 0), &err)) {
            txn_note_unmarked(manager, txn->pdb->pdb, txn->xid);
            rdb_error_clear(&err);
        }
        txn_cache_outcome(manager, txn->pdb->pdb, txn->xid, RDB_XID_ABORTED, 0);
    }
    fire(txn, RDB_TXN_ABORTED, 0);
    ssi_end(txn, false);
    if (txn->xid != 0 && manager->undo_ops.ended != NULL)
        manager->undo_ops.ended(manager->undo_ops.context, txn, false, 0);
    rdb_lock_release_all(txn);
    finish(handle);
}

typedef struct commit_position {
    rdb_txn *txn;
    txn_commit_header *header;
    txn_slot_change *slot;
    void *watched; /* the watcher's copy of a payload */
} commit_position;

static void draw_scn(void *context, rdb_lsn lsn)
{
    commit_position *position = context;
    position->header->scn = txn_publish_draw(position->txn->manager);
    if (position->watched != NULL) {
        const rdb_txn_payload_watch *watch = &position->txn->manager->payload_watch;
        const rdb_txn_end end = {.committed = true, .pdb = position->txn->pdb->pdb, .xid = position->txn->xid, .scn = position->header->scn, .wall_us = position->header->wall_us};
        watch->placed(watch->context, position->watched, lsn, &end);
    }
    ssi_committing(position->txn, position->header->scn);
    position->slot->state = TXN_SLOT(TXN_SLOT_COMMITTED, position->header->scn);
}

/* Where the payload refers to from on; 0: to nothing. */
static rdb_lsn oldest_reference(const rdb_txn *txn)
{
    const rdb_txn_payload_references *references = &txn->manager->payload_references;
    rdb_slice payload;
    if (references->oldest == NULL || !find_payload((const uint8_t *)txn->payload.data, txn->payload.length, references->kind, &payload))
        return 0;
    return references->oldest(payload.data, (uint32_t)payload.length);
}

/* Puts the payload that refers to something in again as one that refers to nothing. */
static bool expand_payload(rdb_txn *txn, rdb_error *err)
{
    const rdb_txn_payload_references *references = &txn->manager->payload_references;
    rdb_strbuf whole, all;
    rdb_slice payload;
    rdb_strbuf_init(&whole, NULL);
    rdb_strbuf_init(&all, NULL);
    RDB_VERIFY(find_payload((const uint8_t *)txn->payload.data, txn->payload.length, references->kind, &payload));
    bool ok = references->expand(references->context, payload.data, (uint32_t)payload.length, &whole, err);
    if (ok) {
        const size_t begin = (size_t)((const char *)payload.data - txn->payload.data), end = begin + payload.length;
        rdb_strbuf_add(&all, txn->payload.data, begin);
        rdb_strbuf_add(&all, whole.data, whole.length);
        rdb_strbuf_add(&all, txn->payload.data + end, txn->payload.length - end);
        ok = rdb_strbuf_check(&all, err);
    }
    if (ok) {
        rdb_put_u32(all.data + ((const char *)payload.data - txn->payload.data) - 4, (uint32_t)whole.length);
        rdb_strbuf_clear(&txn->payload);
        rdb_strbuf_add(&txn->payload, all.data, all.length);
        ok = rdb_strbuf_check(&txn->payload, err);
    }
    rdb_strbuf_free(&whole);
    rdb_strbuf_free(&all);
    return ok;
}

static bool apply_commit(rdb_txn *txn, txn_commit_header *header, txn_slot_change *slot, const rdb_xid *subs, rdb_buffer *buffer, rdb_lsn *end_lsn, rdb_error *err)
{
    rdb_txn_manager *manager = txn->manager;
    const rdb_txn_payload_watch *watch = &manager->payload_watch;
    rdb_change change;
    commit_position position = {txn, header, slot, NULL};
    rdb_slice watched;
    header->payload_bytes = (uint32_t)txn->payload.length;
    if (watch->made != NULL && header->payload_bytes > 0 && find_payload((const uint8_t *)txn->payload.data, txn->payload.length, watch->kind, &watched)) {
        header->flags |= TXN_COMMIT_AUDIT;
        position.watched = watch->made(watch->context, watched.data, (uint32_t)watched.length);
        if (position.watched == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    rdb_change_init(&change, manager->storage, txn->pdb->pdb, txn->xid, RDB_RESOURCE_TXN, TXN_OP_COMMIT);
    rdb_change_block(&change, buffer, 0);
    rdb_change_block_data(&change, slot, TXN_SLOT_CHANGE_BYTES);
    const bool is_short = header->flags == 0 && header->sub_count == 0 && header->payload_bytes == 0 && header->origin == 0 && header->origin_lsn == 0;
    rdb_change_main_data(&change, header, is_short ? TXN_COMMIT_SHORT_BYTES : sizeof *header);
    if (header->sub_count > 0)
        rdb_change_main_data(&change, subs, (uint32_t)(header->sub_count * sizeof *subs));
    if (header->payload_bytes > 0)
        rdb_change_main_data(&change, txn->payload.data, header->payload_bytes);
    const bool ok = rdb_change_apply(&change, draw_scn, &position, end_lsn, err);
    if (position.watched != NULL)
        watch->ended(watch->context, position.watched, ok ? *end_lsn : 0);
    return ok;
}

/* Logs the commit and writes its slot. *scn stays 0 where it failed before the record was placed. */
static bool record_commit(rdb_txn *txn, txn_commit_header *header, rdb_commit_wait wait, rdb_lsn *end_lsn, rdb_error *err)
{
    rdb_txn_manager *manager = txn->manager;
    rdb_buffer *buffer = NULL;
    rdb_xid *subs = NULL;
    txn_slot_change slot = {.undo = txn->undo_first};
    rdb_page_tag tag = txn_slot_tag(manager, txn->pdb, txn->xid, &slot.slot_no);
    bool ok = false, reserved = false;
    *header = (txn_commit_header){.wall_us = rdb_time_wall_us()};
    if (!rdb_strbuf_check(&txn->payload, err))
        goto out;
    if (txn->sub_count > 0) {
        subs = malloc(txn->sub_count * sizeof *subs);
        if (subs == NULL) {
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
            goto out;
        }
        for (uint32_t i = 0; i < txn->sub_count; i++)
            if (!txn->subs[i].aborted)
                subs[header->sub_count++] = txn->subs[i].xid;
    }
    reserved = txn_publish_reserve(manager, err);
    if (!reserved || !txn_raise_bound(manager, txn->pdb, err) ||
        !rdb_buffer_acquire(manager->storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, err))
        goto out;
    /* From the look at what the payload refers to until the record has its place no redo point is fixed. */
    const rdb_lsn oldest = oldest_reference(txn);
    ok = oldest == 0 || oldest >= rdb_wal_hold_redo_point(manager->wal) || expand_payload(txn, err);
    ok = ok && apply_commit(txn, header, &slot, subs, buffer, end_lsn, err);
    if (oldest != 0)
        rdb_wal_let_redo_point(manager->wal);
    if (ok) {
        txn_cache_outcome(manager, txn->pdb->pdb, txn->xid, RDB_XID_COMMITTED, header->scn);
        /* Before the commit can be published: who sees it below the horizon finds its undo among the finished. */
        if (manager->undo_ops.ended != NULL)
            manager->undo_ops.ended(manager->undo_ops.context, txn, true, header->scn);
    }
out:
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    if (header->scn != 0)
        txn_publish_record(manager, header->scn, ok ? *end_lsn : 0, wait == RDB_COMMIT_NO_WAIT); /* a failed one is a number that nobody has */
    else if (reserved)
        txn_publish_unreserve(manager);
    free(subs);
    return ok;
}

/* What follows the record: the commit can no longer be undone. *met_scn: the newest commit that it built on. */
static bool complete_commit(rdb_txn **handle, const txn_commit_header *header, rdb_lsn end_lsn, rdb_commit_wait wait, rdb_scn *met_scn, rdb_error *err)
{
    rdb_txn *txn = *handle;
    rdb_txn_manager *manager = txn->manager;
    bool was_serializable = txn->ssi != NULL;
    if (txn->hook_count > 0 || txn->is_prepared) {
        if (wait == RDB_COMMIT_LATER) /* rare, and who hung them on may count on more */
            wait = RDB_COMMIT_LOCAL;
        if (header->scn != 0)
            txn_publish_wait_recorded(manager, header->scn); /* who reads anew what the hooks make stale must meet the commit */
    }
    ssi_end(txn, true);
    fire(txn, RDB_TXN_COMMITTED, 0);
    if (txn->is_prepared)
        RDB_VERIFY(replay_payloads(txn->pdb->pdb, (const uint8_t *)txn->payload.data, txn->payload.length));
    rdb_lock_release_all(txn);
    *met_scn = rdb_txn_met_scn(txn);
    bool raised = header->scn == 0 || header->scn <= atomic_load(&txn->pdb->scn_bound) || txn_raise_bound(manager, txn->pdb, err);
    finish(handle);
    /* Only a log that cannot be written stops what is left, and that ends the process. */
    if (wait == RDB_COMMIT_LATER)
        return raised;
    if (wait == RDB_COMMIT_NO_WAIT) {
        txn_publish_wait_recorded(manager, header->scn);
        return raised;
    }
    if (header->scn != 0 && !rdb_wal_flush(manager->wal, end_lsn, err))
        return false;
    bool published = txn_publish_wait(manager, RDB_MAX(header->scn, *met_scn), err);
    if (was_serializable)
        ssi_tidy(manager);
    return raised && published;
}

bool txn_fire_before_commit(rdb_txn *txn, rdb_error *err)
{
    for (uint32_t i = txn->hook_count; i-- > 0;)
        if (!txn->hooks[i].callback(txn->hooks[i].context, txn, RDB_TXN_PRE_COMMIT, 0, err))
            return false;
    return true;
}

void txn_fire_prepared(rdb_txn *txn)
{
    fire(txn, RDB_TXN_PREPARED, 0);
    txn->hook_count = 0;
}

bool txn_commit_prepared(rdb_txn **handle, rdb_commit_wait wait, rdb_scn *scn, rdb_error *err)
{
    rdb_txn *txn = *handle;
    txn_commit_header header = {0};
    rdb_lsn end_lsn = 0;
    *scn = 0;
    if (!record_commit(txn, &header, wait, &end_lsn, err)) {
        if (txn->ssi != NULL)
            atomic_store_explicit(&txn->ssi->commit_scn, 0, memory_order_release);
        return false;
    }
    *scn = header.scn;
    txn_note_time(txn->manager, header.scn, header.wall_us);
    rdb_scn met_scn;
    return complete_commit(handle, &header, end_lsn, wait, &met_scn, err);
}

bool rdb_txn_commit(rdb_txn **handle, rdb_commit_wait wait, rdb_scn *scn, rdb_error *err)
{
    rdb_txn *txn = *handle;
    txn_commit_header header = {0};
    rdb_lsn end_lsn = 0;
    rdb_xid unused;
    *scn = 0;
    bool ok = txn_fire_before_commit(txn, err) && ssi_before_commit(txn, err);
    if (ok && txn->level > 0)
        rdb_txn_release_level(txn, 1);
    ok = ok && (txn->xid != 0 || txn->payload.length == 0 || rdb_txn_assign_xid(txn, &unused, err)) &&
         (txn->xid == 0 || record_commit(txn, &header, wait, &end_lsn, err));
    if (!ok) {
        rdb_txn_abort(handle);
        return false;
    }
    *scn = header.scn;
    if (header.scn != 0)
        txn_note_time(txn->manager, header.scn, header.wall_us);
    rdb_scn met_scn = 0;
    ok = complete_commit(handle, &header, end_lsn, wait, &met_scn, err);
    if (wait == RDB_COMMIT_LATER)
        *scn = RDB_MAX(*scn, met_scn);
    return ok;
}
