/* SPDX-License-Identifier: Apache-2.0
 * Waiting for transactions as a whole, whether or not they have an xid: those that hold a relation lock at one moment.
 *
 * A transaction's turn is its owner and the number of transactions that this owner ended before. Nobody locks his own turn: who wants to
 * wait for one puts the grant there on its owner's behalf, so that deadlocks are found in the one graph, and says so in `is_awaited`.
 * What always holds: the waiter sets is_awaited and then reads `ended`, the owner counts `ended` up and then reads is_awaited, both
 * sequentially consistent, so at least one of them sees the other and takes the grant away, under the partition's latch. */
#include "txn/lock_int.h"

#include <stdlib.h>

typedef struct turn {
    lock_owner *owner;
    uint64_t number;
} turn;
typedef struct turn_list {
    turn *items;
    uint32_t count, capacity;
} turn_list;

static rdb_lock_tag tag_of(const lock_owner *owner, uint64_t number)
{
    return (rdb_lock_tag){.kind = RDB_LOCK_VIRTUAL, .a = owner->owner_no, .b = number};
}

static bool out_of_memory(rdb_error *err)
{
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of shared memory");
}

static bool add_turn(turn_list *list, lock_owner *owner)
{
    if (list->count == list->capacity) {
        const uint32_t capacity = list->capacity * 2 + 16;
        turn *grown = realloc(list->items, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        list->items = grown;
        list->capacity = capacity;
    }
    /* An owner's locks fall before it counts: what still holds one has this number. */
    list->items[list->count++] = (turn){owner, atomic_load(&owner->ended)};
    return true;
}

static bool list_holders(lock_owner *owner, rdb_lock_tag tag, rdb_lock_mode mode, turn_list *list, rdb_error *err)
{
    rdb_lock_table *table = owner->table;
    const uint64_t hash = lock_tag_hash(tag);
    lock_partition *partition = lock_partition_of(table, hash);
    lock_strong_raise(table, hash); /* for the look: weak locks come into the table */
    rdb_latch_lock_exclusive(&partition->latch);
    lock_object *object = lock_ensure_object(partition, tag, hash);
    bool ok = object != NULL && lock_fast_move(table, partition, object);
    for (const lock_grant *grant = ok ? object->grants : NULL; ok && grant != NULL; grant = grant->next)
        if (grant->owner != owner && (lock_conflicts(tag.kind, (uint8_t)mode) & grant->modes) != 0)
            ok = add_turn(list, grant->owner);
    if (object != NULL)
        lock_discard_object_if_idle(partition, object);
    rdb_latch_unlock_exclusive(&partition->latch);
    lock_strong_lower(table, hash);
    return ok || out_of_memory(err);
}

static lock_grant *find_grant(const lock_object *object, const lock_owner *owner)
{
    lock_grant *grant = object != NULL ? object->grants : NULL;
    while (grant != NULL && grant->owner != owner)
        grant = grant->next;
    return grant;
}

static bool wait_for_turn(lock_owner *owner, const turn *awaited, rdb_error *err)
{
    const rdb_lock_tag tag = tag_of(awaited->owner, awaited->number);
    const uint64_t hash = lock_tag_hash(tag);
    lock_partition *partition = lock_partition_of(owner->table, hash);
    bool taken;
    if (owner->age == 0)
        owner->age = atomic_fetch_add_explicit(&owner->table->next_age, 1, memory_order_relaxed);
    rdb_latch_lock_exclusive(&partition->latch);
    lock_object *object = lock_ensure_object(partition, tag, hash);
    lock_grant *grant = find_grant(object, awaited->owner);
    if (object != NULL && grant == NULL && (grant = lock_take_grant(partition)) != NULL) {
        grant->owner = awaited->owner;
        lock_link_grant(object, grant);
        lock_add_modes(grant, LOCK_BIT(RDB_LOCK_EXCLUSIVE));
    }
    if (grant == NULL) {
        if (object != NULL)
            lock_discard_object_if_idle(partition, object);
        rdb_latch_unlock_exclusive(&partition->latch);
        return out_of_memory(err);
    }
    atomic_store(&awaited->owner->is_awaited, 1);
    if (atomic_load(&awaited->owner->ended) != awaited->number) {
        lock_drop_modes(partition, grant, grant->modes);
        rdb_latch_unlock_exclusive(&partition->latch);
        return true;
    }
    lock_request request = {.owner = owner, .object = object, .mode = RDB_LOCK_SHARE}; /* a passing wait */
    return lock_obtain(partition, &request, RDB_LOCK_WAIT, 0, NULL, &taken, err);
}

bool lock_wait_holders(lock_owner *owner, rdb_lock_tag tag, rdb_lock_mode mode, rdb_lock_progress *progress, void *context, rdb_error *err)
{
    turn_list list = {0};
    bool ok = list_holders(owner, tag, mode, &list, err);
    for (uint32_t i = 0; ok && i < list.count; i++) {
        if (progress != NULL)
            progress(context, list.count, i, atomic_load_explicit(&list.items[i].owner->process_id, memory_order_relaxed));
        ok = wait_for_turn(owner, &list.items[i], err);
    }
    if (ok && progress != NULL)
        progress(context, list.count, list.count, 0);
    free(list.items);
    return ok;
}

void lock_end_turn(lock_owner *owner)
{
    const uint64_t number = atomic_load_explicit(&owner->ended, memory_order_relaxed);
    atomic_store(&owner->ended, number + 1);
    if (RDB_LIKELY(atomic_load(&owner->is_awaited) == 0))
        return;
    atomic_store(&owner->is_awaited, 0);
    const rdb_lock_tag tag = tag_of(owner, number);
    const uint64_t hash = lock_tag_hash(tag);
    lock_partition *partition = lock_partition_of(owner->table, hash);
    rdb_latch_lock_exclusive(&partition->latch);
    lock_grant *grant = find_grant(lock_find_object(partition, tag, hash), owner);
    if (grant != NULL)
        lock_drop_modes(partition, grant, grant->modes);
    rdb_latch_unlock_exclusive(&partition->latch);
}
