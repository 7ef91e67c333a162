/* SPDX-License-Identifier: Apache-2.0
 * Weak relation locks in their owner's own slots: no shared line is written while nobody wants a strong lock.
 *
 * What always holds: a weak locker publishes its slot and then reads the strong counter; a strong locker raises the counter
 * and then reads all slots; both sequentially consistent, so at least one of them sees the other (Dekker). The weak one
 * withdraws and queues in the table; the strong one moves what it finds into the table, where conflicts, queues and
 * deadlock detection see it. */
#include "txn/lock_int.h"

#define RELATION_WEAK_MAX RDB_LOCK_ROW_EXCLUSIVE

bool lock_fast_eligible(rdb_lock_tag tag, rdb_lock_mode mode)
{
    return tag.kind == RDB_LOCK_RELATION && mode <= RELATION_WEAK_MAX && tag.a <= UINT32_MAX && tag.b == 0;
}

/* SHARE UPDATE EXCLUSIVE is neither weak nor strong: it conflicts with no weak mode. */
bool lock_strong(rdb_lock_tag tag, rdb_lock_mode mode)
{
    return tag.kind == RDB_LOCK_RELATION && mode > RDB_LOCK_SHARE_UPDATE_EXCLUSIVE;
}

static _Atomic uint32_t *strong_counter(rdb_lock_table *table, uint64_t hash)
{
    return &table->strong[hash % LOCK_STRONG_COUNTERS];
}

void lock_strong_raise(rdb_lock_table *table, uint64_t hash)
{
    atomic_fetch_add(strong_counter(table, hash), 1);
}

void lock_strong_lower(rdb_lock_table *table, uint64_t hash)
{
    uint32_t before = atomic_fetch_sub(strong_counter(table, hash), 1);
    RDB_ASSERT(before > 0);
    (void)before;
}

static uint64_t slot_key(rdb_lock_tag tag)
{
    return (uint64_t)tag.pdb << 32 | tag.a;
}

static void free_slot(lock_owner *owner, lock_local *local)
{
    owner->fast_used &= (uint16_t)~(1u << (local->fast_slot - 1));
    local->fast_slot = 0;
}

bool lock_fast_acquire(lock_owner *owner, lock_local *local, rdb_lock_mode mode)
{
    _Atomic uint32_t *strong = strong_counter(owner->table, local->hash);
    if (atomic_load_explicit(strong, memory_order_relaxed) != 0) /* only a shortcut: asked again below */
        return false;
    bool is_new = local->fast_slot == 0;
    if (is_new) {
        if (owner->fast_used == UINT16_MAX)
            return false;
        unsigned slot_no = (unsigned)__builtin_ctz(~(unsigned)owner->fast_used);
        owner->fast_used |= (uint16_t)(1u << slot_no);
        local->fast_slot = (uint8_t)(slot_no + 1);
    }
    lock_fast_slot *slot = &owner->fast[local->fast_slot - 1];
    uint64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    uint64_t added = LOCK_BIT(mode);
    if (is_new) {
        /* Release on the state below orders the key before it; a mover compares both by the state's version. */
        atomic_store_explicit(&slot->key, slot_key(local->tag), memory_order_relaxed);
        atomic_store(&slot->state, ((state & ~(LOCK_FAST_VERSION - 1)) + LOCK_FAST_VERSION) | added);
    } else if ((state & LOCK_FAST_MOVED) != 0 || !atomic_compare_exchange_strong(&slot->state, &state, state | added)) {
        return false; /* moved: the table has it */
    }
    if (atomic_load(strong) == 0)
        return true;
    /* Somebody wants a strong lock: take the mode back, unless it was moved into the table meanwhile, which is a grant. */
    state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    while ((state & LOCK_FAST_MOVED) == 0)
        if (atomic_compare_exchange_weak(&slot->state, &state, state & ~added)) {
            if (is_new)
                free_slot(owner, local);
            return false;
        }
    return true;
}

bool lock_fast_release(lock_owner *owner, lock_local *local, rdb_lock_mode mode)
{
    lock_fast_slot *slot = &owner->fast[local->fast_slot - 1];
    uint64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    while ((state & LOCK_FAST_MOVED) == 0) {
        uint64_t rest = state & ~(uint64_t)LOCK_BIT(mode);
        if (!atomic_compare_exchange_weak(&slot->state, &state, rest))
            continue;
        if ((rest & LOCK_FAST_MODES) == 0)
            free_slot(owner, local);
        return true;
    }
    return false;
}

/* Looks at one slot; true where all is well (moved, or not ours to move). */
static bool move_slot(lock_owner *owner, lock_fast_slot *slot, uint64_t key, lock_partition *partition, lock_object *object)
{
    for (;;) {
        uint64_t state = atomic_load(&slot->state);
        if ((state & LOCK_FAST_MODES) == 0 || (state & LOCK_FAST_MOVED) != 0 ||
            atomic_load_explicit(&slot->key, memory_order_relaxed) != key)
            return true;
        lock_grant *grant = lock_take_grant(partition);
        if (grant == NULL)
            return false;
        if (atomic_compare_exchange_strong(&slot->state, &state, state | LOCK_FAST_MOVED)) {
            grant->owner = owner;
            lock_link_grant(object, grant);
            lock_add_modes(grant, (uint16_t)(state & LOCK_FAST_MODES));
            return true;
        }
        lock_give_grant(partition, grant);
    }
}

bool lock_fast_settle(lock_owner *owner, lock_local *local, lock_partition *partition, lock_object *object)
{
    lock_fast_slot *slot = &owner->fast[local->fast_slot - 1];
    if (!move_slot(owner, slot, slot_key(local->tag), partition, object))
        return false;
    lock_grant *grant = object->grants;
    while (grant->owner != owner)
        grant = grant->next;
    local->grant = grant;
    atomic_store_explicit(&slot->state, atomic_load_explicit(&slot->state, memory_order_relaxed) & ~(LOCK_FAST_VERSION - 1),
                          memory_order_relaxed);
    free_slot(owner, local);
    return true;
}

bool lock_fast_move(rdb_lock_table *table, lock_partition *partition, lock_object *object)
{
    uint64_t key = slot_key(object->tag);
    uint32_t owner_count = atomic_load(&table->owner_count);
    for (uint32_t i = 0; i < owner_count; i++) {
        lock_owner *owner = table->owner_chunks[i / LOCK_OWNERS_CHUNK][i % LOCK_OWNERS_CHUNK];
        for (unsigned slot_no = 0; slot_no < LOCK_FAST_SLOTS; slot_no++)
            if (!move_slot(owner, &owner->fast[slot_no], key, partition, object))
                return false;
    }
    return true;
}
