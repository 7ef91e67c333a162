/* SPDX-License-Identifier: Apache-2.0
 * Row locks and waits for transactions. Both may come by the million in one transaction, so the owner keeps no local for
 * them, only the list of its grants, deepest level first. The rows of one heap block share a lock object, and one grant
 * spans a window of 256 of its slots as a bitmap. A transaction holds its xid EXCLUSIVE; who waits for it asks for SHARE
 * and keeps nothing. */
#include "txn/lock_int.h"

#define ADDRESS_BLOCK(address) ((address) >> 16)
#define ADDRESS_SLOT(address) ((uint16_t)(address))

/* Almost always at the head: only an xid may come for a lower level than the newest locks have. */
static void list_grant(lock_owner *owner, lock_grant *grant)
{
    lock_grant **at = &owner->grants;
    while (*at != NULL && (*at)->level > grant->level)
        at = &(*at)->owner_next;
    grant->owner_next = *at;
    *at = grant;
}

static bool has_slot(const lock_grant *grant, uint16_t slot)
{
    return grant->window == slot / LOCK_WINDOW_SLOTS &&
           (grant->slots[slot % LOCK_WINDOW_SLOTS / 64] >> slot % 64 & 1) != 0;
}

static bool acquire(lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address, rdb_row_lock strength, uint32_t level, bool is_writer,
                    rdb_lock_policy policy, int64_t lock_timeout_us, const char *name, bool *taken, rdb_error *err)
{
    *taken = false;
    rdb_lock_table *table = owner->table;
    rdb_lock_tag tag = {.kind = RDB_LOCK_ROW, .pdb = pdb, .a = file, .b = ADDRESS_BLOCK(address)};
    uint64_t hash = lock_tag_hash(tag);
    uint16_t slot = ADDRESS_SLOT(address);
    uint8_t mode = (uint8_t)(1 + strength);
    if (owner->age == 0)
        owner->age = atomic_fetch_add_explicit(&table->next_age, 1, memory_order_relaxed);
    lock_partition *partition = lock_partition_of(table, hash);
    rdb_latch_lock_exclusive(&partition->latch);
    lock_object *object = lock_ensure_object(partition, tag, hash);
    lock_request request = {.owner = owner, .object = object, .level = level, .mode = mode, .slot = slot, .is_writer = is_writer};
    if (object == NULL) {
        rdb_latch_unlock_exclusive(&partition->latch);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of shared memory");
    }
    for (lock_grant *grant = object->grants; grant != NULL; grant = grant->next) {
        if (grant->owner != owner)
            continue;
        /* A stronger one says it all, and falls no earlier than this level would. */
        if (grant->modes >= LOCK_BIT(mode) && has_slot(grant, slot)) {
            rdb_latch_unlock_exclusive(&partition->latch);
            *taken = true;
            return true;
        }
        if (grant->modes == LOCK_BIT(mode) && grant->level == level && grant->window == slot / LOCK_WINDOW_SLOTS)
            request.own = grant;
    }
    bool extends = request.own != NULL;
    if (!extends && (request.spare = lock_take_grant(partition)) == NULL) {
        lock_discard_object_if_idle(partition, object);
        rdb_latch_unlock_exclusive(&partition->latch);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of shared memory");
    }
    bool ok = lock_obtain(partition, &request, policy, lock_timeout_us, name, taken, err);
    if (*taken && !extends)
        list_grant(owner, request.own);
    return ok;
}

bool lock_row_acquire(lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address, rdb_row_lock strength, uint32_t level,
                      rdb_lock_policy policy, int64_t lock_timeout_us, const char *name, bool *taken, rdb_error *err)
{
    return acquire(owner, pdb, file, address, strength, level, false, policy, lock_timeout_us, name, taken, err);
}

bool lock_row_acquire_for_writer(lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address, rdb_row_lock strength, uint32_t level,
                                 rdb_lock_policy policy, int64_t lock_timeout_us, bool *taken, rdb_error *err)
{
    return acquire(owner, pdb, file, address, strength, level, true, policy, lock_timeout_us, NULL, taken, err);
}

void lock_row_confirm(lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address)
{
    rdb_lock_tag tag = {.kind = RDB_LOCK_ROW, .pdb = pdb, .a = file, .b = ADDRESS_BLOCK(address)};
    uint64_t hash = lock_tag_hash(tag);
    uint16_t slot = ADDRESS_SLOT(address);
    lock_partition *partition = lock_partition_of(owner->table, hash);
    rdb_latch_lock_exclusive(&partition->latch);
    lock_object *object = lock_find_object(partition, tag, hash);
    for (lock_grant *grant = object != NULL ? object->grants : NULL; grant != NULL; grant = grant->next)
        if (grant->owner == owner && has_slot(grant, slot))
            grant->tentative[slot % LOCK_WINDOW_SLOTS / 64] &= ~(UINT64_C(1) << slot % 64);
    rdb_latch_unlock_exclusive(&partition->latch);
}

static void unlist_grant(lock_owner *owner, const lock_grant *grant)
{
    lock_grant **at = &owner->grants;
    while (*at != grant)
        at = &(*at)->owner_next;
    *at = grant->owner_next;
}

void lock_row_leave(lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address)
{
    const rdb_lock_tag tag = {.kind = RDB_LOCK_ROW, .pdb = pdb, .a = file, .b = ADDRESS_BLOCK(address)};
    const uint64_t hash = lock_tag_hash(tag);
    const uint16_t slot = ADDRESS_SLOT(address);
    const unsigned word = slot % LOCK_WINDOW_SLOTS / 64;
    lock_partition *partition = lock_partition_of(owner->table, hash);
    bool must_wake = false;
    rdb_latch_lock_exclusive(&partition->latch);
    lock_object *object = lock_find_object(partition, tag, hash);
    for (lock_grant *grant = object != NULL ? object->grants : NULL, *next; grant != NULL; grant = next) {
        next = grant->next;
        if (grant->owner != owner || !has_slot(grant, slot) || !lock_is_tentative(grant, slot))
            continue;
        grant->slots[word] &= ~(UINT64_C(1) << slot % 64);
        grant->tentative[word] &= ~(UINT64_C(1) << slot % 64);
        must_wake = true;
        for (unsigned i = 0; i < LOCK_WINDOW_SLOTS / 64; i++)
            if (grant->slots[i] != 0)
                goto kept;
        unlist_grant(owner, grant);
        must_wake = false;
        lock_drop_modes(partition, grant, grant->modes); /* wakes; and the object may be gone */
    kept:;
    }
    if (must_wake)
        lock_wake_waiters(partition, object);
    rdb_latch_unlock_exclusive(&partition->latch);
}

bool lock_row_is_free(rdb_lock_table *table, const lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address,
                      rdb_row_lock strength, bool is_writer)
{
    rdb_lock_tag tag = {.kind = RDB_LOCK_ROW, .pdb = pdb, .a = file, .b = ADDRESS_BLOCK(address)};
    uint64_t hash = lock_tag_hash(tag);
    lock_partition *partition = lock_partition_of(table, hash);
    /* The caller holds the page exclusively. A locker counts its object before it looks at the page, so either it is
     * counted here, or it will find what the caller is about to write. */
    if (atomic_load(&partition->row_objects) == 0)
        return true;
    bool is_free = true;
    rdb_latch_lock_shared(&partition->latch);
    lock_object *object = lock_find_object(partition, tag, hash);
    if (object != NULL) {
        lock_request request = {
            .owner = (lock_owner *)owner, .object = object, .mode = (uint8_t)(1 + strength), .slot = ADDRESS_SLOT(address), .is_writer = is_writer};
        is_free = !lock_blocked_by_grants(&request);
    }
    rdb_latch_unlock_shared(&partition->latch);
    return is_free;
}

bool lock_xid_register(lock_owner *owner, uint32_t pdb, rdb_xid xid, uint32_t level, rdb_error *err)
{
    rdb_lock_tag tag = {.kind = RDB_LOCK_XID, .pdb = pdb, .a = xid};
    uint64_t hash = lock_tag_hash(tag);
    lock_partition *partition = lock_partition_of(owner->table, hash);
    if (owner->age == 0)
        owner->age = atomic_fetch_add_explicit(&owner->table->next_age, 1, memory_order_relaxed);
    rdb_latch_lock_exclusive(&partition->latch);
    lock_object *object = lock_ensure_object(partition, tag, hash);
    lock_grant *grant = object != NULL ? lock_take_grant(partition) : NULL;
    if (grant != NULL) {
        grant->owner = owner;
        grant->level = level;
        lock_link_grant(object, grant);
        lock_add_modes(grant, LOCK_BIT(RDB_LOCK_EXCLUSIVE));
    } else if (object != NULL) {
        lock_discard_object_if_idle(partition, object);
    }
    rdb_latch_unlock_exclusive(&partition->latch);
    if (grant == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of shared memory");
    list_grant(owner, grant);
    atomic_store_explicit(&owner->xid, xid, memory_order_relaxed);
    return true;
}

bool lock_xid_wait(lock_owner *owner, uint32_t pdb, rdb_xid xid, rdb_lock_policy policy, int64_t lock_timeout_us, bool *ended,
                   rdb_error *err)
{
    rdb_lock_tag tag = {.kind = RDB_LOCK_XID, .pdb = pdb, .a = xid};
    uint64_t hash = lock_tag_hash(tag);
    lock_partition *partition = lock_partition_of(owner->table, hash);
    if (owner->age == 0)
        owner->age = atomic_fetch_add_explicit(&owner->table->next_age, 1, memory_order_relaxed);
    rdb_latch_lock_exclusive(&partition->latch);
    lock_object *object = lock_find_object(partition, tag, hash);
    if (object == NULL) {
        rdb_latch_unlock_exclusive(&partition->latch);
        *ended = true;
        return true;
    }
    lock_request request = {.owner = owner, .object = object, .mode = RDB_LOCK_SHARE};
    return lock_obtain(partition, &request, policy, lock_timeout_us, NULL, ended, err);
}

void lock_grants_release(lock_owner *owner, uint32_t level)
{
    while (owner->grants != NULL && owner->grants->level >= level) {
        lock_grant *grant = owner->grants;
        owner->grants = grant->owner_next;
        lock_partition *partition = lock_partition_of(owner->table, grant->object->hash);
        rdb_latch_lock_exclusive(&partition->latch);
        lock_drop_modes(partition, grant, grant->modes);
        rdb_latch_unlock_exclusive(&partition->latch);
    }
}

void lock_grants_merge(lock_owner *owner, uint32_t level)
{
    for (lock_grant *grant = owner->grants; grant != NULL && grant->level >= level; grant = grant->owner_next)
        grant->level = level - 1;
}
