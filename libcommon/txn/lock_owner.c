/* SPDX-License-Identifier: Apache-2.0
 * What an owner holds: per tag which modes, how often, in which level. What always holds: a mode of a local has a count
 * exactly while the lock stands in the table or in a fast slot for this owner; holds of transaction levels stand in the
 * array in the order of their levels, those of the session in between. */
#include "txn/lock_int.h"

#include <stdlib.h>

#define LOCALS_MIN 32u
#define LOCALS_KEEP 4096u /* more are given back at the end of a transaction */

/* ---- the owner's own books --------------------------------------------------------------------------------------------- */
static bool same_tag(const lock_local *local, rdb_lock_tag tag)
{
    return local->tag.a == tag.a && local->tag.b == tag.b && local->tag.pdb == tag.pdb && local->tag.kind == tag.kind;
}

static lock_local *find_local(const lock_owner *owner, rdb_lock_tag tag, uint64_t hash)
{
    if (owner->local_count == 0)
        return NULL;
    uint32_t mask = owner->local_capacity * 2 - 1;
    for (uint32_t at = (uint32_t)hash & mask; owner->index[at] != 0; at = (at + 1) & mask) {
        lock_local *local = &owner->locals[owner->index[at] - 1];
        if (local->hash == hash && same_tag(local, tag))
            return local;
    }
    return NULL;
}

static void index_local(lock_owner *owner, uint32_t local_no)
{
    uint32_t mask = owner->local_capacity * 2 - 1;
    uint32_t at = (uint32_t)owner->locals[local_no].hash & mask;
    while (owner->index[at] != 0)
        at = (at + 1) & mask;
    owner->index[at] = local_no + 1;
    owner->locals[local_no].index_position = at;
}

static bool grow_locals(lock_owner *owner)
{
    uint32_t capacity = owner->local_capacity == 0 ? LOCALS_MIN : owner->local_capacity * 2;
    lock_local *locals = realloc(owner->locals, capacity * sizeof *locals);
    if (locals == NULL)
        return false;
    owner->locals = locals;
    uint32_t *index = calloc((size_t)capacity * 2, sizeof *index);
    if (index == NULL)
        return false;
    free(owner->index);
    owner->index = index;
    owner->local_capacity = capacity;
    for (uint32_t i = 0; i < owner->local_count; i++)
        index_local(owner, i);
    return true;
}

static lock_local *ensure_local(lock_owner *owner, rdb_lock_tag tag, uint64_t hash)
{
    lock_local *local = find_local(owner, tag, hash);
    if (local != NULL)
        return local;
    if (owner->local_count == owner->local_capacity && !grow_locals(owner))
        return NULL;
    local = &owner->locals[owner->local_count];
    memset(local, 0, sizeof *local);
    local->tag = tag;
    local->hash = hash;
    index_local(owner, owner->local_count++);
    return local;
}

static bool reserve_hold(lock_owner *owner)
{
    if (owner->hold_count < owner->hold_capacity)
        return true;
    uint32_t capacity = owner->hold_capacity == 0 ? LOCALS_MIN : owner->hold_capacity * 2;
    lock_hold *holds = realloc(owner->holds, capacity * sizeof *holds);
    if (holds == NULL)
        return false;
    owner->holds = holds;
    owner->hold_capacity = capacity;
    return true;
}

/* Room was reserved. */
static void note_hold(lock_owner *owner, lock_local *local, uint8_t mode, uint32_t level)
{
    local->modes |= LOCK_BIT(mode);
    local->count[mode]++;
    for (uint32_t at = local->first_hold; at != 0; at = owner->holds[at - 1].next) {
        lock_hold *hold = &owner->holds[at - 1];
        if (hold->mode == mode && hold->level == level && hold->count > 0) {
            hold->count++;
            return;
        }
    }
    owner->holds[owner->hold_count++] = (lock_hold){.local_no = (uint32_t)(local - owner->locals),
                                                   .next = local->first_hold,
                                                   .level = level,
                                                   .count = 1,
                                                   .mode = mode};
    local->first_hold = owner->hold_count;
}

/* ---- taking -------------------------------------------------------------------------------------------------------------- */
static bool out_of_memory(rdb_error *err)
{
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of shared memory");
}

static bool acquire_in_table(lock_owner *owner, lock_local *local, rdb_lock_mode mode, uint32_t level, rdb_lock_policy policy,
                             int64_t lock_timeout_us, const char *name, bool *taken, rdb_error *err)
{
    rdb_lock_table *table = owner->table;
    lock_partition *partition = lock_partition_of(table, local->hash);
    bool strong = lock_strong(local->tag, mode);
    if (owner->age == 0)
        owner->age = atomic_fetch_add_explicit(&table->next_age, 1, memory_order_relaxed);
    if (strong)
        lock_strong_raise(table, local->hash);
    rdb_latch_lock_exclusive(&partition->latch);
    bool ok = false;
    lock_object *object = lock_ensure_object(partition, local->tag, local->hash);
    lock_request request = {.owner = owner, .object = object, .level = level, .mode = (uint8_t)mode};
    if (object == NULL) {
        rdb_latch_unlock_exclusive(&partition->latch);
        out_of_memory(err);
        goto out;
    }
    if ((local->fast_slot != 0 && !lock_fast_settle(owner, local, partition, object)) ||
        (strong && !lock_fast_move(table, partition, object)) ||
        (local->grant == NULL && (request.spare = lock_take_grant(partition)) == NULL)) {
        lock_discard_object_if_idle(partition, object);
        rdb_latch_unlock_exclusive(&partition->latch);
        out_of_memory(err);
        goto out;
    }
    request.own = local->grant;
    ok = lock_obtain(partition, &request, policy, lock_timeout_us, name, taken, err);
    if (*taken)
        local->grant = request.own;
out:
    if (strong && !*taken)
        lock_strong_lower(table, local->hash);
    return ok;
}

bool lock_owner_acquire(lock_owner *owner, rdb_lock_tag tag, rdb_lock_mode mode, uint32_t level, rdb_lock_policy policy,
                        int64_t lock_timeout_us, const char *name, bool *taken, rdb_error *err)
{
    RDB_ASSERT(mode > RDB_LOCK_NONE && mode <= RDB_LOCK_ACCESS_EXCLUSIVE);
    *taken = false;
    lock_local *local = ensure_local(owner, tag, lock_tag_hash(tag));
    if (local == NULL || !reserve_hold(owner))
        return out_of_memory(err);
    bool ok = true;
    if ((local->modes & LOCK_BIT(mode)) != 0)
        *taken = true;
    else if (local->grant == NULL && lock_fast_eligible(tag, mode) && lock_fast_acquire(owner, local, mode))
        *taken = true;
    else
        ok = acquire_in_table(owner, local, mode, level, policy, lock_timeout_us, name, taken, err);
    if (*taken)
        note_hold(owner, local, (uint8_t)mode, level);
    return ok;
}

/* ---- giving back ---------------------------------------------------------------------------------------------------------- */
static void drop_mode(lock_owner *owner, lock_local *local, rdb_lock_mode mode)
{
    local->modes &= (uint16_t)~LOCK_BIT(mode);
    if (local->fast_slot != 0 && lock_fast_release(owner, local, mode))
        return;
    lock_partition *partition = lock_partition_of(owner->table, local->hash);
    rdb_latch_lock_exclusive(&partition->latch);
    if (local->fast_slot != 0) {
        bool settled = lock_fast_settle(owner, local, partition, lock_find_object(partition, local->tag, local->hash));
        RDB_VERIFY(settled); /* the slot was moved already: nothing to allocate */
    }
    lock_grant *grant = local->grant;
    if (grant->modes == LOCK_BIT(mode))
        local->grant = NULL;
    lock_drop_modes(partition, grant, LOCK_BIT(mode));
    rdb_latch_unlock_exclusive(&partition->latch);
    if (lock_strong(local->tag, mode))
        lock_strong_lower(owner->table, local->hash);
}

static void drop_hold(lock_owner *owner, lock_hold *hold, uint32_t count)
{
    lock_local *local = &owner->locals[hold->local_no];
    hold->count -= count;
    local->count[hold->mode] -= count;
    if (local->count[hold->mode] == 0)
        drop_mode(owner, local, (rdb_lock_mode)hold->mode);
}

bool lock_owner_release(lock_owner *owner, rdb_lock_tag tag, rdb_lock_mode mode, bool of_session)
{
    lock_local *local = find_local(owner, tag, lock_tag_hash(tag));
    if (local == NULL)
        return false;
    for (uint32_t at = local->first_hold; at != 0; at = owner->holds[at - 1].next) {
        lock_hold *hold = &owner->holds[at - 1];
        if (hold->count > 0 && hold->mode == mode && (hold->level == LOCK_LEVEL_SESSION) == of_session) {
            drop_hold(owner, hold, 1);
            return true;
        }
    }
    return false;
}

bool lock_owner_holds(const lock_owner *owner, rdb_lock_tag tag, rdb_lock_mode mode)
{
    const lock_local *local = find_local(owner, tag, lock_tag_hash(tag));
    return local != NULL && (local->modes & LOCK_BIT(mode)) != 0;
}

/* Holds with a count of zero at the end of the array go, so that early releases do not pile up. */
static void trim_holds(lock_owner *owner)
{
    while (owner->hold_count > 0 && owner->holds[owner->hold_count - 1].count == 0) {
        lock_hold *hold = &owner->holds[owner->hold_count - 1];
        lock_local *local = &owner->locals[hold->local_no];
        RDB_ASSERT(local->first_hold == owner->hold_count);
        local->first_hold = hold->next;
        owner->hold_count--;
    }
}

void lock_owner_release_level(lock_owner *owner, uint32_t level)
{
    for (uint32_t i = owner->hold_count; i > 0; i--) {
        lock_hold *hold = &owner->holds[i - 1];
        if (hold->count == 0 || hold->level == LOCK_LEVEL_SESSION)
            continue;
        if (hold->level < level)
            break;
        drop_hold(owner, hold, hold->count);
    }
    trim_holds(owner);
    lock_grants_release(owner, level);
}

void lock_owner_merge_level(lock_owner *owner, uint32_t level)
{
    RDB_ASSERT(level > 0);
    for (uint32_t i = owner->hold_count; i > 0; i--) {
        lock_hold *hold = &owner->holds[i - 1];
        if (hold->count == 0 || hold->level == LOCK_LEVEL_SESSION)
            continue;
        if (hold->level < level)
            break;
        hold->level = level - 1;
    }
    lock_grants_merge(owner, level);
}

void lock_owner_release_session(lock_owner *owner, uint8_t kind)
{
    for (uint32_t i = owner->hold_count; i > 0; i--) {
        lock_hold *hold = &owner->holds[i - 1];
        if (hold->count > 0 && hold->level == LOCK_LEVEL_SESSION &&
            (kind == 0 || owner->locals[hold->local_no].tag.kind == kind))
            drop_hold(owner, hold, hold->count);
    }
    trim_holds(owner);
}

void lock_owner_attach(lock_owner *owner, const rdb_txn *txn)
{
    atomic_store_explicit(&owner->txn, txn, memory_order_relaxed);
    atomic_store_explicit(&owner->xid, 0, memory_order_relaxed);
}

/* Forgets locals without locks; what the session holds stays, in order. */
static void compact(lock_owner *owner)
{
    uint32_t kept_holds = 0, kept_locals = 0;
    for (uint32_t i = 0; i < owner->local_count; i++)
        owner->index[owner->locals[i].index_position] = 0;
    for (uint32_t i = 0; i < owner->hold_count; i++)
        if (owner->holds[i].count > 0)
            owner->holds[kept_holds++] = owner->holds[i];
    owner->hold_count = kept_holds;
    if (kept_holds == 0) {
        owner->local_count = 0;
        if (owner->local_capacity > LOCALS_KEEP) {
            free(owner->locals);
            free(owner->index);
            free(owner->holds);
            owner->locals = NULL;
            owner->index = NULL;
            owner->holds = NULL;
            owner->local_capacity = owner->hold_capacity = 0;
        }
        return;
    }
    for (uint32_t i = 0; i < owner->local_count; i++)
        if (owner->locals[i].modes != 0)
            owner->locals[i].index_position = kept_locals++; /* its new number, for the holds */
    for (uint32_t at = 0; at < kept_holds; at++)
        owner->holds[at].local_no = owner->locals[owner->holds[at].local_no].index_position;
    kept_locals = 0;
    for (uint32_t i = 0; i < owner->local_count; i++)
        if (owner->locals[i].modes != 0) {
            owner->locals[kept_locals] = owner->locals[i];
            owner->locals[kept_locals++].first_hold = 0;
        }
    owner->local_count = kept_locals;
    for (uint32_t i = 0; i < kept_locals; i++)
        index_local(owner, i);
    for (uint32_t at = 0; at < kept_holds; at++) {
        lock_local *local = &owner->locals[owner->holds[at].local_no];
        owner->holds[at].next = local->first_hold;
        local->first_hold = at + 1;
    }
}

void lock_owner_release_all(lock_owner *owner, bool with_session)
{
    for (uint32_t i = owner->hold_count; i > 0; i--) {
        lock_hold *hold = &owner->holds[i - 1];
        if (hold->count > 0 && (with_session || hold->level != LOCK_LEVEL_SESSION))
            drop_hold(owner, hold, hold->count);
    }
    lock_grants_release(owner, 0);
    compact(owner);
    owner->place_file = 0;
    owner->age = 0;
    lock_end_turn(owner);
}

/* ---- prepared transactions --------------------------------------------------------------------------------------------------- */
static void save_lock(rdb_strbuf *bytes, rdb_lock_tag tag, unsigned mode, uint64_t b)
{
    const lock_saved saved = {.kind = tag.kind, .mode = (uint8_t)mode, .pdb = tag.pdb, .a = tag.a, .b = b};
    rdb_strbuf_add(bytes, &saved, sizeof saved);
}

uint32_t lock_owner_save(const lock_owner *owner, rdb_strbuf *bytes)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < owner->local_count; i++)
        for (unsigned mode = 1; mode < LOCK_MODES; mode++)
            if ((owner->locals[i].modes & LOCK_BIT(mode)) != 0) {
                save_lock(bytes, owner->locals[i].tag, mode, owner->locals[i].tag.b);
                count++;
            }
    for (const lock_grant *grant = owner->grants; grant != NULL; grant = grant->owner_next) {
        const rdb_lock_tag tag = grant->object->tag;
        if (tag.kind != RDB_LOCK_ROW)
            continue;
        for (unsigned slot = 0; slot < LOCK_WINDOW_SLOTS; slot++)
            if ((grant->slots[slot / 64] >> slot % 64 & 1) != 0) {
                save_lock(bytes, tag, (unsigned)__builtin_ctz(grant->modes), tag.b << 16 | (grant->window * LOCK_WINDOW_SLOTS + slot));
                count++;
            }
    }
    return count;
}

bool lock_owner_restore(lock_owner *owner, const uint8_t *saved, uint32_t count, rdb_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        lock_saved lock;
        bool taken, ok;
        memcpy(&lock, saved + i * sizeof lock, sizeof lock);
        const rdb_lock_tag tag = {.kind = lock.kind, .pdb = lock.pdb, .a = lock.a, .b = lock.b};
        if (lock.mode == 0 || lock.mode >= LOCK_MODES || (lock.kind == RDB_LOCK_ROW && lock.mode > 1 + RDB_ROW_UPDATE))
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "a record of a prepared transaction is malformed");
        if (lock.kind == RDB_LOCK_ROW) {
            ok = lock_row_acquire(owner, lock.pdb, lock.a, lock.b, (rdb_row_lock)(lock.mode - 1), 0, RDB_LOCK_NOWAIT, 0, NULL, &taken, err);
            if (ok)
                lock_row_confirm(owner, lock.pdb, lock.a, lock.b);
        } else {
            ok = lock_owner_acquire(owner, tag, (rdb_lock_mode)lock.mode, 0, RDB_LOCK_NOWAIT, 0, NULL, &taken, err);
        }
        if (!ok)
            return false;
    }
    return true;
}

static void levels_of(const lock_owner *owner, const lock_local *local, bool *of_session, bool *of_txn)
{
    *of_session = *of_txn = false;
    for (uint32_t at = local->first_hold; at != 0; at = owner->holds[at - 1].next) {
        const lock_hold *hold = &owner->holds[at - 1];
        if (hold->count > 0)
            *(hold->level == LOCK_LEVEL_SESSION ? of_session : of_txn) = true;
    }
}

/* Nobody sees the lock fall: its grant changes hands under the latch. */
static void move_local(lock_owner *owner, lock_local *local, lock_owner *other, lock_local *moved)
{
    lock_partition *partition = lock_partition_of(owner->table, local->hash);
    rdb_latch_lock_exclusive(&partition->latch);
    RDB_ASSERT(local->fast_slot == 0 && local->grant != NULL); /* no kind of the session level takes the fast path */
    local->grant->owner = other;
    moved->grant = local->grant;
    local->grant = NULL;
    rdb_latch_unlock_exclusive(&partition->latch);
    for (uint32_t at = local->first_hold; at != 0; at = owner->holds[at - 1].next) {
        lock_hold *hold = &owner->holds[at - 1];
        for (; hold->count > 0; hold->count--)
            note_hold(other, moved, hold->mode, LOCK_LEVEL_SESSION);
    }
    memset(local->count, 0, sizeof local->count);
    local->modes = 0;
}

bool lock_owner_move_session(lock_owner *owner, lock_owner *other, rdb_error *err)
{
    bool of_session, of_txn;
    for (uint32_t i = 0; i < owner->local_count; i++) {
        levels_of(owner, &owner->locals[i], &of_session, &of_txn);
        if (of_session && of_txn)
            return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE,
                                 "cannot PREPARE while holding both session-level and transaction-level locks on the same object");
        if (of_session && ensure_local(other, owner->locals[i].tag, owner->locals[i].hash) == NULL)
            return out_of_memory(err);
    }
    while (other->hold_capacity < owner->hold_count) { /* room for all of them, so that nothing fails half way */
        lock_hold *holds = realloc(other->holds, owner->hold_count * sizeof *holds);
        if (holds == NULL)
            return out_of_memory(err);
        other->holds = holds;
        other->hold_capacity = owner->hold_count;
    }
    for (uint32_t i = 0; i < owner->local_count; i++) {
        levels_of(owner, &owner->locals[i], &of_session, &of_txn);
        if (of_session)
            move_local(owner, &owner->locals[i], other, find_local(other, owner->locals[i].tag, owner->locals[i].hash));
    }
    return true;
}
