/* SPDX-License-Identifier: Apache-2.0
 * The lock manager as the other rooms call it: finds the owner of a transaction and hands on. */
#include "txn/lock_int.h"

static lock_owner *owner_of(rdb_txn *txn, rdb_error *err)
{
    if (txn->locks == NULL && (txn->locks = lock_owner_begin(txn->manager->locks, txn, txn->cancel)) == NULL)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of shared memory");
    return txn->locks;
}

/* Whoever was waited for has recorded its commit, which may not be published yet: what it did is to be seen from here on. Whoever
 * asks for a strong lock by name or for an advisory one means the same of holders that were gone before it came. */
static bool joined(rdb_txn *txn, bool ok, bool is_strong)
{
    if (ok && (is_strong || txn->locks->has_waited))
        rdb_txn_join_recorded(txn);
    if (txn->locks != NULL)
        txn->locks->has_waited = false;
    return ok;
}

bool rdb_lock_acquire(rdb_txn *txn, rdb_lock_tag tag, rdb_lock_mode mode, rdb_lock_policy policy, int64_t lock_timeout_us,
                      bool *taken, rdb_error *err)
{
    *taken = false;
    lock_owner *owner = owner_of(txn, err);
    bool is_strong = tag.kind == RDB_LOCK_ADVISORY || (tag.kind == RDB_LOCK_RELATION && mode > RDB_LOCK_ROW_EXCLUSIVE);
    return joined(txn, owner != NULL && lock_owner_acquire(owner, tag, mode, txn->level, policy, lock_timeout_us, NULL, taken, err), is_strong);
}

bool rdb_lock_acquire_relation(rdb_txn *txn, uint32_t pdb, uint32_t oid, const char *name, rdb_lock_mode mode,
                               rdb_lock_policy policy, int64_t lock_timeout_us, bool *taken, rdb_error *err)
{
    *taken = false;
    lock_owner *owner = owner_of(txn, err);
    rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = pdb, .a = oid};
    return joined(txn, owner != NULL && lock_owner_acquire(owner, tag, mode, txn->level, policy, lock_timeout_us, name, taken, err),
                  mode > RDB_LOCK_ROW_EXCLUSIVE);
}

bool rdb_lock_acquire_row(rdb_txn *txn, uint64_t file, uint64_t address, rdb_row_lock strength, rdb_lock_policy policy,
                          int64_t lock_timeout_us, bool *taken, rdb_error *err)
{
    *taken = false;
    lock_owner *owner = owner_of(txn, err);
    return joined(txn, owner != NULL && lock_row_acquire(owner, rdb_txn_pdb(txn), file, address, strength, txn->level, policy,
                                                        lock_timeout_us, NULL, taken, err), false);
}

bool rdb_lock_row_is_free(rdb_txn *txn, uint64_t file, uint64_t address, rdb_row_lock strength)
{
    return lock_row_is_free(txn->manager->locks, txn->locks, rdb_txn_pdb(txn), file, address, strength, false);
}

bool rdb_lock_row_is_free_for_writer(rdb_txn *txn, uint64_t file, uint64_t address, rdb_row_lock strength)
{
    return lock_row_is_free(txn->manager->locks, txn->locks, rdb_txn_pdb(txn), file, address, strength, true);
}

bool rdb_lock_acquire_row_for_writer(rdb_txn *txn, uint64_t file, uint64_t address, rdb_row_lock strength, rdb_lock_policy policy,
                                     int64_t lock_timeout_us, bool *taken, rdb_error *err)
{
    *taken = false;
    lock_owner *owner = owner_of(txn, err);
    return joined(txn, owner != NULL && lock_row_acquire_for_writer(owner, rdb_txn_pdb(txn), file, address, strength, txn->level, policy,
                                                                   lock_timeout_us, taken, err), false);
}

void rdb_lock_confirm_row(rdb_txn *txn, uint64_t file, uint64_t address)
{
    if (txn->locks != NULL)
        lock_row_confirm(txn->locks, rdb_txn_pdb(txn), file, address);
}

void rdb_lock_leave_row(rdb_txn *txn, uint64_t file, uint64_t address)
{
    if (txn->locks != NULL)
        lock_row_leave(txn->locks, rdb_txn_pdb(txn), file, address);
}

bool rdb_lock_wait_for_row(rdb_txn *txn, uint64_t file, uint64_t address, rdb_row_lock strength, rdb_xid writer, int64_t lock_timeout_us,
                           rdb_error *err)
{
    bool taken;
    lock_owner *owner = owner_of(txn, err);
    if (owner == NULL)
        return false;
    if (owner->place_file != file || owner->place_address != address)
        rdb_lock_leave_place(txn);
    owner->place_file = file;
    owner->place_address = address;
    const rdb_row_lock place = writer != 0 ? RDB_MIN(strength, RDB_ROW_NO_KEY_UPDATE) : strength;
    if (rdb_lock_acquire_row(txn, file, address, place, RDB_LOCK_WAIT, lock_timeout_us, &taken, err) &&
        (writer == 0 || rdb_lock_wait_xid(txn, writer, RDB_LOCK_WAIT, lock_timeout_us, err)))
        return true;
    rdb_lock_leave_place(txn);
    return false;
}

void rdb_lock_keep_place(rdb_txn *txn)
{
    lock_owner *owner = txn->locks;
    if (RDB_LIKELY(owner == NULL || owner->place_file == 0))
        return;
    lock_row_confirm(owner, rdb_txn_pdb(txn), owner->place_file, owner->place_address);
    owner->place_file = 0;
}

void rdb_lock_leave_place(rdb_txn *txn)
{
    lock_owner *owner = txn->locks;
    if (owner == NULL || owner->place_file == 0)
        return;
    lock_row_leave(owner, rdb_txn_pdb(txn), owner->place_file, owner->place_address);
    owner->place_file = 0;
}

bool rdb_lock_wait_xid(rdb_txn *txn, rdb_xid xid, rdb_lock_policy policy, int64_t lock_timeout_us, rdb_error *err)
{
    bool ended;
    lock_owner *owner = owner_of(txn, err);
    return joined(txn, owner != NULL && lock_xid_wait(owner, rdb_txn_pdb(txn), xid, policy, lock_timeout_us, &ended, err), false);
}

bool rdb_lock_wait_holders(rdb_txn *txn, uint32_t relation_oid, rdb_lock_mode mode, rdb_lock_progress *progress, void *context, rdb_error *err)
{
    const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(txn), .a = relation_oid};
    lock_owner *owner = owner_of(txn, err);
    return joined(txn, owner != NULL && lock_wait_holders(owner, tag, mode, progress, context, err), true);
}

bool rdb_lock_release(rdb_txn *txn, rdb_lock_tag tag, rdb_lock_mode mode)
{
    return txn->locks != NULL && lock_owner_release(txn->locks, tag, mode, false);
}

bool rdb_lock_is_held(rdb_txn *txn, rdb_lock_tag tag, rdb_lock_mode mode)
{
    return txn->locks != NULL && lock_owner_holds(txn->locks, tag, mode);
}

void rdb_lock_release_all(rdb_txn *txn)
{
    lock_owner *owner = txn->locks;
    if (owner == NULL)
        return;
    txn->locks = NULL;
    lock_owner_release_all(owner, false);
    if (!owner->belongs_to_session)
        lock_owner_end(owner);
    else
        lock_owner_attach(owner, NULL);
}

void rdb_lock_release_level(rdb_txn *txn, uint32_t level)
{
    if (txn->locks != NULL)
        lock_owner_release_level(txn->locks, level);
}

void rdb_lock_visit_relations(const rdb_txn *txn, void (*visit)(void *context, uint32_t oid), void *context)
{
    for (uint32_t i = 0; txn->locks != NULL && i < txn->locks->local_count; i++)
        if (txn->locks->locals[i].modes != 0 && txn->locks->locals[i].tag.kind == RDB_LOCK_RELATION)
            visit(context, (uint32_t)txn->locks->locals[i].tag.a);
}

/* ---- sessions -------------------------------------------------------------------------------------------------------- */
bool rdb_lock_session_open(rdb_lock_session **session, rdb_txn_manager *manager, rdb_cancel *cancel, int32_t process_id,
                           rdb_error *err)
{
    *session = lock_owner_begin(manager->locks, NULL, cancel);
    if (*session == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of shared memory");
    (*session)->belongs_to_session = true;
    atomic_store_explicit(&(*session)->process_id, process_id, memory_order_relaxed);
    return true;
}

void rdb_lock_session_attach(rdb_lock_session *session, rdb_txn *txn)
{
    RDB_ASSERT(session->belongs_to_session && txn->locks == NULL);
    txn->locks = session;
    lock_owner_attach(session, txn);
}

bool rdb_lock_session_split(rdb_lock_session **session, rdb_txn *txn, rdb_error *err)
{
    lock_owner *former = *session, *made = NULL;
    if (former == NULL || txn->locks != former)
        return true;
    if (!rdb_lock_session_open(&made, txn->manager, former->cancel, atomic_load_explicit(&former->process_id, memory_order_relaxed), err))
        return false;
    rdb_lock_session_set_timeouts(made, former->deadlock_timeout_us, former->lock_timeout_us);
    if (!lock_owner_move_session(former, made, err)) {
        rdb_lock_session_close(&made);
        return false;
    }
    former->belongs_to_session = false;
    former->cancel = NULL;
    atomic_store_explicit(&former->process_id, 0, memory_order_relaxed);
    *session = made;
    return true;
}

bool rdb_lock_session_acquire(rdb_txn *txn, rdb_lock_tag tag, rdb_lock_mode mode, rdb_lock_policy policy,
                              int64_t lock_timeout_us, bool *taken, rdb_error *err)
{
    *taken = false;
    if (txn->locks == NULL || !txn->locks->belongs_to_session)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "session-level locks need a session");
    return joined(txn, lock_owner_acquire(txn->locks, tag, mode, LOCK_LEVEL_SESSION, policy, lock_timeout_us, NULL, taken, err), true);
}

bool rdb_lock_session_release(rdb_txn *txn, rdb_lock_tag tag, rdb_lock_mode mode)
{
    return txn->locks != NULL && lock_owner_release(txn->locks, tag, mode, true);
}

void rdb_lock_session_release_all(rdb_lock_session *session, uint8_t kind)
{
    lock_owner_release_session(session, kind);
}

void rdb_lock_session_close(rdb_lock_session **session)
{
    if (*session == NULL)
        return;
    RDB_ASSERT((*session)->txn == NULL);
    lock_owner_release_all(*session, true);
    lock_owner_end(*session);
    *session = NULL;
}

void rdb_lock_session_set_timeouts(rdb_lock_session *session, int64_t deadlock_us, int64_t lock_us)
{
    session->deadlock_timeout_us = deadlock_us;
    session->lock_timeout_us = lock_us;
}

void rdb_lock_set_deadlock_timeout(rdb_txn_manager *manager, int64_t timeout_us)
{
    atomic_store_explicit(&manager->locks->deadlock_timeout_us, timeout_us, memory_order_relaxed);
}

void rdb_lock_get_counts(const rdb_txn_manager *manager, uint64_t *waits, uint64_t *deadlocks)
{
    *waits = atomic_load_explicit(&manager->locks->waits, memory_order_relaxed);
    *deadlocks = atomic_load_explicit(&manager->locks->deadlocks, memory_order_relaxed);
}

void rdb_lock_visit(rdb_txn_manager *manager, void (*visit)(void *context, const rdb_lock_info *info), void *context)
{
    lock_table_visit(manager->locks, visit, context);
}
