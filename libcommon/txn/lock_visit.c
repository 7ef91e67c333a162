/* SPDX-License-Identifier: Apache-2.0
 * Shows the locks (pg_locks). The visitor is called under a partition's latch: it copies and returns. */
#include "txn/lock_int.h"

typedef struct visitor {
    void (*visit)(void *context, const rdb_lock_info *info);
    void *context;
} visitor;

static rdb_lock_info info_of(const lock_owner *owner, rdb_lock_tag tag)
{
    return (rdb_lock_info){.tag = tag,
                           .granted = true,
                           .holder_xid = atomic_load_explicit(&owner->xid, memory_order_relaxed),
                           .txn = atomic_load_explicit(&owner->txn, memory_order_relaxed),
                           .process_id = atomic_load_explicit(&owner->process_id, memory_order_relaxed)};
}

/* Rows count their strengths from 1. */
static rdb_lock_mode shown_mode(uint8_t kind, unsigned mode)
{
    static const uint8_t OF_ROW[] = {RDB_LOCK_NONE, RDB_LOCK_ACCESS_SHARE, RDB_LOCK_ROW_SHARE, RDB_LOCK_EXCLUSIVE,
                                     RDB_LOCK_ACCESS_EXCLUSIVE};
    return (rdb_lock_mode)(kind == RDB_LOCK_ROW ? OF_ROW[mode] : mode);
}

static void show_modes(const visitor *v, rdb_lock_info *info, uint16_t modes)
{
    for (unsigned mode = 1; mode < LOCK_MODES; mode++)
        if ((modes & LOCK_BIT(mode)) != 0) {
            info->mode = shown_mode(info->tag.kind, mode);
            v->visit(v->context, info);
        }
}

static void show_grant(const visitor *v, const lock_object *object, const lock_grant *grant)
{
    rdb_lock_info info = info_of(grant->owner, object->tag);
    if (object->tag.kind != RDB_LOCK_ROW) {
        show_modes(v, &info, grant->modes);
        return;
    }
    for (unsigned word = 0; word < LOCK_WINDOW_SLOTS / 64; word++)
        for (uint64_t bits = grant->slots[word]; bits != 0; bits &= bits - 1) {
            unsigned slot = grant->window * LOCK_WINDOW_SLOTS + word * 64 + (unsigned)__builtin_ctzll(bits);
            info.tag.b = object->tag.b << 16 | slot;
            show_modes(v, &info, grant->modes);
        }
}

static void show_object(const visitor *v, const lock_object *object)
{
    for (const lock_grant *grant = object->grants; grant != NULL; grant = grant->next)
        show_grant(v, object, grant);
    for (const lock_request *request = object->first_waiter; request != NULL; request = request->next) {
        rdb_lock_info info = info_of(request->owner, object->tag);
        info.granted = false;
        info.waiting_since_us = request->since_us;
        if (object->tag.kind == RDB_LOCK_ROW)
            info.tag.b = object->tag.b << 16 | request->slot;
        show_modes(v, &info, LOCK_BIT(request->mode));
    }
}

static void show_fast_slots(const visitor *v, const lock_owner *owner)
{
    for (unsigned i = 0; i < LOCK_FAST_SLOTS; i++) {
        const lock_fast_slot *slot = &owner->fast[i];
        uint64_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
        uint64_t key = atomic_load_explicit(&slot->key, memory_order_acquire);
        if ((state & LOCK_FAST_MODES) == 0 || (state & LOCK_FAST_MOVED) != 0 ||
            atomic_load_explicit(&slot->state, memory_order_relaxed) != state)
            continue;
        rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = (uint32_t)(key >> 32), .a = key & UINT32_MAX};
        rdb_lock_info info = info_of(owner, tag);
        info.fast_path = true;
        show_modes(v, &info, (uint16_t)(state & LOCK_FAST_MODES));
    }
}

void lock_table_visit(rdb_lock_table *table, void (*visit)(void *context, const rdb_lock_info *info), void *context)
{
    visitor v = {.visit = visit, .context = context};
    uint32_t owner_count = atomic_load_explicit(&table->owner_count, memory_order_acquire);
    for (uint32_t i = 0; i < owner_count; i++)
        show_fast_slots(&v, table->owner_chunks[i / LOCK_OWNERS_CHUNK][i % LOCK_OWNERS_CHUNK]);
    for (unsigned i = 0; i < LOCK_PARTITIONS; i++) {
        lock_partition *partition = &table->partitions[i];
        rdb_latch_lock_shared(&partition->latch);
        for (uint32_t bucket = 0; bucket < partition->bucket_count; bucket++)
            for (const lock_object *object = partition->buckets[bucket]; object != NULL; object = object->next)
                show_object(&v, object);
        rdb_latch_unlock_shared(&partition->latch);
    }
}
