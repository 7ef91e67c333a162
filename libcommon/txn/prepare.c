/* SPDX-License-Identifier: Apache-2.0
 * Two-phase commit. PREPARE writes all that the transaction still needs for its end into one record, durable before it answers;
 * from then on it belongs to no session and runs on in the manager's list, with its locks, until someone ends it by its name.
 *
 * A restart meets the records in the log, or in the checkpoint, whose part holds those of the list: an item enters the list
 * before its record is placed and leaves it after its end is logged. So what is met may be over, or may never have begun: the
 * slot in the commit log, which says "prepared" for those that are to live again and for no other, decides.
 *
 * Main data of the record (operation TXN_OP_PREPARE, block 0 as in a commit record), and an item of the checkpoint's part after
 * {pdb 4, bytes 4}:
 *    0  8  xid         8  8  wall time     16  4  role that prepared    20  2  bytes of gid    22  2  flags (1 serializable)
 *   24  4  sub-xids   28  4  locks         32  4  relations read        36  4  bytes of payloads
 *   40  8*4  newest undo record of each class
 *   72     gid; from here each at a multiple of 8: sub-xids 8 each; locks {kind 1, mode 1, zero 2, pdb 4, a 8, b 8};
 *          oids of relations read 4 each; payloads as in a commit record */
#include "txn/lock_int.h"
#include "txn/ssi_int.h"

#include <stdlib.h>

typedef struct prepare_header {
    rdb_xid xid;
    int64_t wall_us;
    uint32_t role_oid;
    uint16_t gid_bytes, flags;
    uint32_t sub_count, lock_count, read_count, payload_bytes;
    rdb_undo_address undo_last[RDB_UNDO_CLASS_COUNT];
} prepare_header;
_Static_assert(sizeof(prepare_header) == 72, "the drawing above and the struct disagree");
enum { PREPARE_IS_SERIALIZABLE = 1 };

struct txn_prepared {
    txn_prepared *next;
    rdb_txn *txn;       /* NULL while it is being prepared, and before the manager has taken it in */
    bool is_busy;       /* someone prepares or ends it */
    uint32_t pdb, bytes;
    uint8_t *content;   /* as in the record */
};

/* What recovery met and no open manager has yet; what a manager leaves behind for the checkpoint that ends the instance's life.
 * Touched while an instance opens or closes only. */
static txn_prepared *met;

static prepare_header header_of(const txn_prepared *prepared)
{
    prepare_header header;
    memcpy(&header, prepared->content, sizeof header);
    return header;
}

static rdb_slice gid_of(const txn_prepared *prepared)
{
    return (rdb_slice){prepared->content + sizeof(prepare_header), header_of(prepared).gid_bytes};
}

static void free_prepared(txn_prepared *prepared)
{
    free(prepared->content);
    free(prepared);
}

/* ---- what recovery meets ------------------------------------------------------------------------------------------------ */
typedef struct content_parts { /* where the arrays of a content stand */
    const uint8_t *subs, *locks, *reads, *payload;
} content_parts;

static bool find_parts(const uint8_t *content, uint32_t bytes, content_parts *parts)
{
    prepare_header header;
    if (bytes < sizeof header)
        return false;
    memcpy(&header, content, sizeof header);
    uint64_t at = sizeof header + RDB_ALIGN_UP((uint64_t)header.gid_bytes, 8u);
    parts->subs = content + at;
    at += (uint64_t)header.sub_count * sizeof(rdb_xid);
    parts->locks = content + at;
    at += (uint64_t)header.lock_count * sizeof(lock_saved);
    parts->reads = content + at;
    at += RDB_ALIGN_UP((uint64_t)header.read_count * sizeof(uint32_t), 8u);
    parts->payload = content + at;
    return header.gid_bytes > 0 && header.gid_bytes <= RDB_GID_BYTES_MAX && at + header.payload_bytes == bytes;
}

bool txn_prepared_meet(uint32_t pdb, const uint8_t *content, uint32_t bytes, rdb_error *err)
{
    content_parts parts;
    if (!find_parts(content, bytes, &parts))
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a record of a prepared transaction is malformed");
    uint8_t *copy = malloc(bytes);
    txn_prepared *prepared = copy != NULL ? calloc(1, sizeof *prepared) : NULL;
    if (prepared == NULL) {
        free(copy);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    memcpy(copy, content, bytes);
    *prepared = (txn_prepared){.pdb = pdb, .bytes = bytes, .content = copy};
    txn_prepared **at = &met;
    while (*at != NULL && ((*at)->pdb != pdb || header_of(*at).xid != header_of(prepared).xid))
        at = &(*at)->next;
    if (*at != NULL) { /* the log and the checkpoint both have it */
        prepared->next = (*at)->next;
        free_prepared(*at);
    }
    *at = prepared;
    return true;
}

static void save_part(void *context, rdb_strbuf *bytes)
{
    rdb_txn_manager *manager = context;
    if (manager != NULL)
        rdb_mutex_lock(&manager->prepared_lock);
    for (const txn_prepared *at = manager != NULL ? manager->prepared : met; at != NULL; at = at->next) {
        uint32_t head[2] = {at->pdb, at->bytes};
        rdb_strbuf_add(bytes, head, sizeof head);
        rdb_strbuf_add(bytes, at->content, at->bytes);
    }
    if (manager != NULL)
        rdb_mutex_unlock(&manager->prepared_lock);
}

static bool load_part(void *context, const uint8_t *bytes, uint32_t length, rdb_error *err)
{
    (void)context;
    for (uint32_t at = 0; at < length;) {
        uint32_t head[2] = {0};
        if (length - at >= sizeof head)
            memcpy(head, bytes + at, sizeof head);
        if (length - at < sizeof head || head[1] > length - at - sizeof head)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "the checkpoint's list of prepared transactions is malformed");
        if (!txn_prepared_meet(head[0], bytes + at + sizeof head, head[1], err))
            return false;
        at += (uint32_t)sizeof head + head[1];
    }
    return true;
}

void txn_prepared_register(rdb_txn_manager *manager)
{
    const rdb_checkpoint_part part = {.save = save_part, .load = load_part, .save_context = manager};
    rdb_checkpoint_set_part(RDB_RESOURCE_TXN, &part);
}

/* The list is in the order of their coming. */
static void append_to_list(rdb_txn_manager *manager, txn_prepared *prepared)
{
    txn_prepared **end = &manager->prepared;
    while (*end != NULL)
        end = &(*end)->next;
    prepared->next = NULL;
    *end = prepared;
}

/* A transaction as it was when it was prepared: xids, locks, what it read. */
static bool revive(rdb_txn_manager *manager, txn_prepared *prepared, rdb_error *err)
{
    prepare_header header = header_of(prepared);
    content_parts parts = {0};
    rdb_txn *txn = NULL;
    RDB_VERIFY(find_parts(prepared->content, prepared->bytes, &parts));
    if (!rdb_txn_begin(manager, prepared->pdb, RDB_READ_COMMITTED, false, NULL, &txn, err))
        return false;
    prepared->txn = txn;
    txn->is_prepared = true;
    txn->xid = header.xid;
    atomic_store(&txn->entry->xid, header.xid);
    memcpy(txn->undo_last, header.undo_last, sizeof txn->undo_last);
    txn->subs = malloc((header.sub_count + 1) * sizeof *txn->subs);
    txn->locks = lock_owner_begin(manager->locks, txn, NULL);
    if (txn->subs == NULL || txn->locks == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    txn->sub_capacity = header.sub_count + 1;
    for (uint32_t i = 0; i < header.sub_count; i++)
        txn->subs[txn->sub_count++] = (txn_sub){.xid = rdb_get_u64(parts.subs + i * sizeof(rdb_xid))};
    rdb_strbuf_add(&txn->payload, parts.payload, header.payload_bytes);
    bool ok = rdb_strbuf_check(&txn->payload, err) && lock_xid_register(txn->locks, prepared->pdb, header.xid, 0, err) &&
              ((header.flags & PREPARE_IS_SERIALIZABLE) == 0 || ssi_revive(txn, parts.reads, header.read_count, err)) &&
              ssi_note_xid(txn, header.xid, err);
    for (uint32_t i = 0; ok && i < txn->sub_count; i++)
        ok = lock_xid_register(txn->locks, prepared->pdb, txn->subs[i].xid, 0, err) && ssi_note_xid(txn, txn->subs[i].xid, err);
    return ok && lock_owner_restore(txn->locks, parts.locks, header.lock_count, err);
}

bool txn_prepared_open(rdb_txn_manager *manager, rdb_error *err)
{
    bool ok = true;
    rdb_mutex_init(&manager->prepared_lock, RDB_RANK_LEAF);
    while (ok && met != NULL) {
        txn_prepared *prepared = met;
        bool lives = false;
        ok = txn_is_prepared(manager, prepared->pdb, header_of(prepared).xid, &lives, err);
        if (!ok)
            break;
        met = prepared->next;
        if (lives)
            append_to_list(manager, prepared);
        else
            free_prepared(prepared);
        ok = !lives || revive(manager, prepared, err);
    }
    txn_prepared_register(manager);
    return ok;
}

void txn_prepared_close(rdb_txn_manager *manager)
{
    txn_prepared **end = &met;
    while (*end != NULL)
        end = &(*end)->next;
    while (manager->prepared != NULL) {
        txn_prepared *prepared = manager->prepared;
        manager->prepared = prepared->next;
        if (prepared->txn != NULL) {
            prepared->txn->ssi = NULL; /* it goes with all others */
            rdb_lock_release_all(prepared->txn);
        }
        prepared->txn = NULL;
        *end = prepared;
        end = &prepared->next;
    }
    *end = NULL;
    txn_prepared_register(NULL);
    rdb_mutex_deinit(&manager->prepared_lock);
}

/* ---- the list ------------------------------------------------------------------------------------------------------------- */
/* Under prepared_lock. */
static txn_prepared **find_place(rdb_txn_manager *manager, const char *gid)
{
    txn_prepared **at = &manager->prepared;
    while (*at != NULL && (gid_of(*at).length != strlen(gid) || memcmp(gid_of(*at).data, gid, strlen(gid)) != 0))
        at = &(*at)->next;
    return at;
}

static bool add_to_list(rdb_txn_manager *manager, txn_prepared *prepared, const char *gid, uint32_t count_max, rdb_error *err)
{
    uint32_t count = 0;
    rdb_mutex_lock(&manager->prepared_lock);
    bool is_used = *find_place(manager, gid) != NULL;
    for (const txn_prepared *at = manager->prepared; at != NULL; at = at->next)
        count++;
    bool ok = !is_used && count < count_max;
    if (ok)
        append_to_list(manager, prepared);
    rdb_mutex_unlock(&manager->prepared_lock);
    if (is_used)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "transaction identifier \"%s\" is already in use", gid);
    if (!ok) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "maximum number of prepared transactions reached");
        rdb_error_hint(err, "Increase max_prepared_transactions (currently %u).", count_max);
    }
    return ok;
}

static void remove_from_list(rdb_txn_manager *manager, txn_prepared *prepared)
{
    rdb_mutex_lock(&manager->prepared_lock);
    txn_prepared **at = &manager->prepared;
    while (*at != prepared)
        at = &(*at)->next;
    *at = prepared->next;
    rdb_mutex_unlock(&manager->prepared_lock);
    free_prepared(prepared);
}

static void fill_info(const txn_prepared *prepared, rdb_prepared_info *info)
{
    prepare_header header = header_of(prepared);
    *info = (rdb_prepared_info){.pdb = prepared->pdb, .xid = header.xid, .role_oid = header.role_oid, .prepared_us = header.wall_us};
    memcpy(info->gid, gid_of(prepared).data, header.gid_bytes);
}

bool rdb_txn_find_prepared(rdb_txn_manager *manager, const char *gid, rdb_prepared_info *info)
{
    rdb_mutex_lock(&manager->prepared_lock);
    const txn_prepared *found = *find_place(manager, gid);
    if (found != NULL && found->txn == NULL)
        found = NULL; /* still on its way */
    if (found != NULL)
        fill_info(found, info);
    rdb_mutex_unlock(&manager->prepared_lock);
    return found != NULL;
}

uint32_t rdb_txn_count_prepared(rdb_txn_manager *manager, uint32_t pdb)
{
    uint32_t count = 0;
    rdb_mutex_lock(&manager->prepared_lock);
    for (const txn_prepared *at = manager->prepared; at != NULL; at = at->next)
        count += at->pdb == pdb;
    rdb_mutex_unlock(&manager->prepared_lock);
    return count;
}

bool rdb_txn_list_prepared(rdb_txn_manager *manager, rdb_arena *arena, rdb_prepared_info **list, uint32_t *count, rdb_error *err)
{
    *count = 0;
    *list = NULL;
    for (uint32_t capacity = 0;; capacity = *count) { /* what came meanwhile needs another round */
        *list = rdb_arena_try_alloc(arena, (capacity + 1) * sizeof **list, err);
        if (*list == NULL)
            return false;
        *count = 0;
        rdb_mutex_lock(&manager->prepared_lock);
        for (const txn_prepared *at = manager->prepared; at != NULL; at = at->next) {
            if (at->txn == NULL)
                continue;
            if (*count < capacity)
                fill_info(at, &(*list)[*count]);
            (*count)++;
        }
        rdb_mutex_unlock(&manager->prepared_lock);
        if (*count <= capacity)
            return true;
    }
}

rdb_txn *rdb_txn_owner_of_undo_log(rdb_txn_manager *manager, uint32_t pdb, uint16_t log_number, rdb_undo_address *last)
{
    rdb_txn *owner = NULL;
    rdb_mutex_lock(&manager->prepared_lock);
    for (const txn_prepared *at = manager->prepared; at != NULL && owner == NULL; at = at->next)
        for (unsigned undo_class = 0; at->pdb == pdb && at->txn != NULL && undo_class < RDB_UNDO_CLASS_COUNT; undo_class++)
            if (at->txn->undo_last[undo_class] != 0 && at->txn->undo_last[undo_class] >> 48 == log_number) {
                owner = at->txn;
                *last = at->txn->undo_last[undo_class];
            }
    rdb_mutex_unlock(&manager->prepared_lock);
    return owner;
}

/* ---- PREPARE -------------------------------------------------------------------------------------------------------------- */
static void pad(rdb_strbuf *bytes)
{
    static const uint8_t zeroes[8];
    rdb_strbuf_add(bytes, zeroes, RDB_ALIGN_UP(bytes->length, 8u) - bytes->length);
}

static bool encode(const rdb_txn *txn, const char *gid, uint32_t role_oid, rdb_strbuf *bytes, rdb_error *err)
{
    prepare_header header = {.xid = txn->xid,
                             .wall_us = rdb_time_wall_us(),
                             .role_oid = role_oid,
                             .gid_bytes = (uint16_t)strlen(gid),
                             .flags = txn->ssi != NULL ? PREPARE_IS_SERIALIZABLE : 0,
                             .payload_bytes = (uint32_t)txn->payload.length};
    memcpy(header.undo_last, txn->undo_last, sizeof header.undo_last);
    rdb_strbuf_add(bytes, &header, sizeof header);
    rdb_strbuf_add(bytes, gid, header.gid_bytes);
    pad(bytes);
    for (uint32_t i = 0; i < txn->sub_count; i++)
        if (!txn->subs[i].aborted) {
            rdb_strbuf_add(bytes, &txn->subs[i].xid, sizeof txn->subs[i].xid);
            header.sub_count++;
        }
    header.lock_count = lock_owner_save(txn->locks, bytes);
    header.read_count = ssi_save_relations(txn, bytes);
    pad(bytes);
    rdb_strbuf_add(bytes, txn->payload.data, txn->payload.length);
    if (!rdb_strbuf_check(bytes, err) || !rdb_strbuf_check(&txn->payload, err))
        return false;
    memcpy(bytes->data, &header, sizeof header);
    return true;
}

static bool log_prepare(rdb_txn *txn, const txn_prepared *prepared, rdb_lsn *end_lsn, rdb_error *err)
{
    rdb_txn_manager *manager = txn->manager;
    rdb_buffer *buffer = NULL;
    txn_slot_change slot = {.state = TXN_SLOT(TXN_SLOT_PREPARED, 0), .undo = txn->undo_first};
    rdb_page_tag tag = txn_slot_tag(manager, txn->pdb, txn->xid, &slot.slot_no);
    if (!rdb_buffer_acquire(manager->storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, err))
        return false;
    rdb_change change;
    rdb_change_init(&change, manager->storage, txn->pdb->pdb, txn->xid, RDB_RESOURCE_TXN, TXN_OP_PREPARE);
    rdb_change_block(&change, buffer, 0);
    rdb_change_block_data(&change, &slot, TXN_SLOT_CHANGE_BYTES);
    rdb_change_main_data(&change, prepared->content, prepared->bytes);
    bool ok = rdb_change_apply(&change, NULL, NULL, end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

static txn_prepared *make_prepared(const rdb_txn *txn, const char *gid, uint32_t role_oid, rdb_error *err)
{
    rdb_strbuf bytes;
    rdb_strbuf_init(&bytes, NULL);
    txn_prepared *prepared = NULL;
    if (encode(txn, gid, role_oid, &bytes, err)) {
        prepared = calloc(1, sizeof *prepared);
        if (prepared == NULL)
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    if (prepared == NULL) {
        rdb_strbuf_free(&bytes);
        return NULL;
    }
    *prepared = (txn_prepared){.is_busy = true, .pdb = rdb_txn_pdb(txn), .bytes = (uint32_t)bytes.length, .content = (uint8_t *)bytes.data};
    return prepared;
}

bool rdb_txn_prepare(rdb_txn **handle, rdb_lock_session **session, const char *gid, uint32_t role_oid, uint32_t count_max, rdb_error *err)
{
    rdb_txn *txn = *handle;
    rdb_txn_manager *manager = txn->manager;
    txn_prepared *prepared = NULL;
    rdb_xid unused;
    rdb_lsn end_lsn = 0;
    bool ok = true;
    if (strlen(gid) > RDB_GID_BYTES_MAX)
        ok = rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "transaction identifier \"%s\" is too long", gid);
    if (txn->has_exported)
        ok = rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot PREPARE a transaction that has exported snapshots");
    ok = ok && txn_fire_before_commit(txn, err) && ssi_before_commit(txn, err);
    if (ok && txn->level > 0)
        rdb_txn_release_level(txn, 1);
    ok = ok && rdb_txn_assign_xid(txn, &unused, err) && rdb_lock_session_split(session, txn, err) &&
         (prepared = make_prepared(txn, gid, role_oid, err)) != NULL && add_to_list(manager, prepared, gid, count_max, err);
    if (!ok) {
        if (prepared != NULL)
            free_prepared(prepared);
        rdb_txn_abort(handle);
        return false;
    }
    if (!log_prepare(txn, prepared, &end_lsn, err)) {
        remove_from_list(manager, prepared);
        rdb_txn_abort(handle);
        return false;
    }
    /* The record is placed: it is prepared, whether or not the wait below goes well. */
    txn_fire_prepared(txn);
    txn_release_snapshots(txn);
    txn->is_prepared = true;
    txn->cancel = NULL;
    rdb_scn met_scn = atomic_load_explicit(&txn->met_scn, memory_order_relaxed);
    rdb_mutex_lock(&manager->prepared_lock);
    prepared->txn = txn;
    prepared->is_busy = false;
    rdb_mutex_unlock(&manager->prepared_lock);
    *handle = NULL;
    return rdb_wal_flush(manager->wal, end_lsn, err) && txn_publish_wait(manager, met_scn, err);
}

/* ---- COMMIT PREPARED, ROLLBACK PREPARED ------------------------------------------------------------------------------------ */
bool rdb_txn_end_prepared(rdb_txn_manager *manager, const char *gid, bool commits, rdb_commit_wait wait, rdb_scn *scn, rdb_error *err)
{
    *scn = 0;
    rdb_mutex_lock(&manager->prepared_lock);
    txn_prepared *prepared = *find_place(manager, gid);
    bool is_busy = prepared != NULL && prepared->is_busy;
    if (prepared != NULL && !is_busy)
        prepared->is_busy = true;
    rdb_mutex_unlock(&manager->prepared_lock);
    if (prepared == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "prepared transaction with identifier \"%s\" does not exist", gid);
    if (is_busy)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "prepared transaction with identifier \"%s\" is busy", gid);
    rdb_txn *txn = prepared->txn;
    /* Its undo logs are its own again before it ends. */
    bool ok = manager->undo_ops.attach == NULL || manager->undo_ops.attach(manager->undo_ops.context, prepared->pdb, err);
    if (ok && commits)
        ok = txn_commit_prepared(&txn, wait, scn, err);
    else if (ok)
        rdb_txn_abort(&txn);
    if (ok && !commits) /* who is told that it is gone does not find it prepared after a crash */
        ok = rdb_wal_flush(manager->wal, rdb_wal_insert_lsn(manager->wal), err);
    if (txn != NULL) { /* nothing was logged: it stays prepared */
        rdb_mutex_lock(&manager->prepared_lock);
        prepared->is_busy = false;
        rdb_mutex_unlock(&manager->prepared_lock);
    } else {
        remove_from_list(manager, prepared);
    }
    return ok;
}
