/* SPDX-License-Identifier: Apache-2.0
 * Lock objects, their queues and the wait. What always holds: a request stands in its object's queue exactly while its
 * owner's `waiting` names it and its wake word says waiting, all three changing together under the partition's latch. */
#include "txn/lock_int.h"

#include "base/rdb_incident.h"

#include <stdlib.h>

#define FREE_LIST_MAX 256u
#define DEADLOCK_TIMEOUT_US 1000000

uint64_t lock_tag_hash(rdb_lock_tag tag)
{
    uint64_t hash = (tag.a ^ (uint64_t)tag.kind << 56) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= (tag.b + ((uint64_t)tag.pdb << 32 | tag.pdb)) * UINT64_C(0xc2b2ae3d27d4eb4f);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 29;
}

static bool tags_equal(rdb_lock_tag a, rdb_lock_tag b)
{
    return a.a == b.a && a.b == b.b && a.pdb == b.pdb && a.kind == b.kind;
}

/* PostgreSQL's table: which modes exclude which (chapter "Explicit Locking" of its manual). */
uint16_t lock_conflicts(uint8_t kind, uint8_t mode)
{
    enum {
        AS = 1 << RDB_LOCK_ACCESS_SHARE,
        RS = 1 << RDB_LOCK_ROW_SHARE,
        RX = 1 << RDB_LOCK_ROW_EXCLUSIVE,
        SUX = 1 << RDB_LOCK_SHARE_UPDATE_EXCLUSIVE,
        S = 1 << RDB_LOCK_SHARE,
        SRX = 1 << RDB_LOCK_SHARE_ROW_EXCLUSIVE,
        X = 1 << RDB_LOCK_EXCLUSIVE,
        AX = 1 << RDB_LOCK_ACCESS_EXCLUSIVE
    };
    static const uint16_t OF_TABLE[LOCK_MODES] = {
        [RDB_LOCK_ACCESS_SHARE] = AX,
        [RDB_LOCK_ROW_SHARE] = X | AX,
        [RDB_LOCK_ROW_EXCLUSIVE] = S | SRX | X | AX,
        [RDB_LOCK_SHARE_UPDATE_EXCLUSIVE] = SUX | S | SRX | X | AX,
        [RDB_LOCK_SHARE] = RX | SUX | SRX | X | AX,
        [RDB_LOCK_SHARE_ROW_EXCLUSIVE] = RX | SUX | S | SRX | X | AX,
        [RDB_LOCK_EXCLUSIVE] = RS | RX | SUX | S | SRX | X | AX,
        [RDB_LOCK_ACCESS_EXCLUSIVE] = AS | RS | RX | SUX | S | SRX | X | AX,
    };
    enum {
        KEY_SHARE = 1 << (1 + RDB_ROW_KEY_SHARE),
        SHARE = 1 << (1 + RDB_ROW_SHARE),
        NO_KEY_UPDATE = 1 << (1 + RDB_ROW_NO_KEY_UPDATE),
        UPDATE = 1 << (1 + RDB_ROW_UPDATE)
    };
    static const uint16_t OF_ROW[LOCK_MODES] = {
        [1 + RDB_ROW_KEY_SHARE] = UPDATE,
        [1 + RDB_ROW_SHARE] = NO_KEY_UPDATE | UPDATE,
        [1 + RDB_ROW_NO_KEY_UPDATE] = SHARE | NO_KEY_UPDATE | UPDATE,
        [1 + RDB_ROW_UPDATE] = KEY_SHARE | SHARE | NO_KEY_UPDATE | UPDATE,
    };
    RDB_ASSERT(mode < LOCK_MODES);
    return kind == RDB_LOCK_ROW ? OF_ROW[mode] : OF_TABLE[mode];
}

/* ---- the table and its owners ------------------------------------------------------------------------------------ */
rdb_lock_table *lock_table_create(void)
{
    rdb_lock_table *table = aligned_alloc(64, sizeof *table);
    if (table == NULL)
        return NULL;
    memset(table, 0, sizeof *table);
    for (unsigned i = 0; i < LOCK_PARTITIONS; i++) {
        lock_partition *partition = &table->partitions[i];
        rdb_latch_init(&partition->latch);
        partition->buckets = calloc(LOCK_BUCKETS_MIN, sizeof *partition->buckets);
        partition->bucket_count = LOCK_BUCKETS_MIN;
        if (partition->buckets == NULL) {
            lock_table_destroy(table);
            return NULL;
        }
    }
    for (unsigned i = 0; i < RDB_STRIPES; i++)
        rdb_latch_init(&table->pools[i].latch);
    rdb_latch_init(&table->registry);
    atomic_store_explicit(&table->next_age, 1, memory_order_relaxed);
    atomic_store_explicit(&table->deadlock_timeout_us, DEADLOCK_TIMEOUT_US, memory_order_relaxed);
    return table;
}

void lock_table_destroy(rdb_lock_table *table)
{
    if (table == NULL)
        return;
    for (unsigned i = 0; i < LOCK_PARTITIONS; i++) {
        lock_partition *partition = &table->partitions[i];
        for (uint32_t bucket = 0; partition->buckets != NULL && bucket < partition->bucket_count; bucket++)
            for (lock_object *object = partition->buckets[bucket], *next; object != NULL; object = next) {
                next = object->next;
                for (lock_grant *grant = object->grants, *next_grant; grant != NULL; grant = next_grant) {
                    next_grant = grant->next;
                    free(grant);
                }
                free(object);
            }
        for (lock_object *object = partition->free_objects, *next; object != NULL; object = next) {
            next = object->next;
            free(object);
        }
        for (lock_grant *grant = partition->free_grants, *next; grant != NULL; grant = next) {
            next = grant->next;
            free(grant);
        }
        free(partition->buckets);
    }
    uint32_t owner_count = atomic_load_explicit(&table->owner_count, memory_order_acquire);
    for (uint32_t i = 0; i < owner_count; i++) {
        lock_owner *owner = table->owner_chunks[i / LOCK_OWNERS_CHUNK][i % LOCK_OWNERS_CHUNK];
        free(owner->locals);
        free(owner->index);
        free(owner->holds);
        free(owner);
    }
    for (uint32_t i = 0; i < LOCK_OWNER_CHUNKS; i++)
        free(table->owner_chunks[i]);
    free(table);
}

static lock_owner *make_owner(rdb_lock_table *table)
{
    lock_owner *owner = aligned_alloc(64, RDB_ALIGN_UP(sizeof *owner, 64));
    if (owner == NULL)
        return NULL;
    memset(owner, 0, sizeof *owner);
    owner->table = table;
    rdb_latch_lock_exclusive(&table->registry);
    uint32_t owner_no = atomic_load_explicit(&table->owner_count, memory_order_relaxed);
    owner->owner_no = owner_no + 1;
    lock_owner ***chunk = &table->owner_chunks[owner_no / LOCK_OWNERS_CHUNK % LOCK_OWNER_CHUNKS];
    bool ok = owner_no < LOCK_OWNERS_CHUNK * LOCK_OWNER_CHUNKS;
    if (ok && *chunk == NULL) {
        *chunk = calloc(LOCK_OWNERS_CHUNK, sizeof **chunk);
        ok = *chunk != NULL;
    }
    if (ok) {
        (*chunk)[owner_no % LOCK_OWNERS_CHUNK] = owner;
        /* Release: who reads the count finds the pointer. Sequentially consistent with the strong counters: a mover that
         * does not see this owner raised its counter before the owner's first look at it. */
        atomic_store(&table->owner_count, owner_no + 1);
    }
    rdb_latch_unlock_exclusive(&table->registry);
    if (!ok) {
        free(owner);
        return NULL;
    }
    return owner;
}

lock_owner *lock_owner_begin(rdb_lock_table *table, const rdb_txn *txn, rdb_cancel *cancel)
{
    lock_owner_pool *pool = &table->pools[rdb_thread_stripe()];
    rdb_latch_lock_exclusive(&pool->latch);
    lock_owner *owner = pool->free;
    if (owner != NULL)
        pool->free = owner->next_free;
    rdb_latch_unlock_exclusive(&pool->latch);
    if (owner == NULL && (owner = make_owner(table)) == NULL)
        return NULL;
    RDB_ASSERT(!owner->in_use && owner->fast_used == 0 && owner->grants == NULL && owner->local_count == 0);
    atomic_store_explicit(&owner->txn, txn, memory_order_relaxed);
    owner->cancel = cancel;
    owner->age = 0;
    owner->belongs_to_session = owner->has_waited = false;
    owner->deadlock_timeout_us = owner->lock_timeout_us = 0;
    owner->in_use = true;
    atomic_store_explicit(&owner->xid, 0, memory_order_relaxed);
    atomic_store_explicit(&owner->process_id, 0, memory_order_relaxed);
    return owner;
}

void lock_owner_end(lock_owner *owner)
{
    RDB_ASSERT(owner->in_use && owner->waiting == NULL && owner->grants == NULL && owner->fast_used == 0);
    owner->in_use = false;
    atomic_store_explicit(&owner->txn, NULL, memory_order_relaxed);
    owner->cancel = NULL;
    lock_owner_pool *pool = &owner->table->pools[rdb_thread_stripe()];
    rdb_latch_lock_exclusive(&pool->latch);
    owner->next_free = pool->free;
    pool->free = owner;
    rdb_latch_unlock_exclusive(&pool->latch);
}

/* ---- objects and grants: all under the partition's latch ------------------------------------------------------------ */
lock_object *lock_find_object(lock_partition *partition, rdb_lock_tag tag, uint64_t hash)
{
    lock_object *object = partition->buckets[hash & (partition->bucket_count - 1)];
    while (object != NULL && !(object->hash == hash && tags_equal(object->tag, tag)))
        object = object->next;
    return object;
}

static void grow_buckets(lock_partition *partition)
{
    uint32_t count = partition->bucket_count * 2;
    lock_object **buckets = calloc(count, sizeof(lock_object *));
    if (buckets == NULL)
        return; /* longer chains, no harm */
    for (uint32_t i = 0; i < partition->bucket_count; i++)
        for (lock_object *object = partition->buckets[i], *next; object != NULL; object = next) {
            next = object->next;
            object->next = buckets[object->hash & (count - 1)];
            buckets[object->hash & (count - 1)] = object;
        }
    free(partition->buckets);
    partition->buckets = buckets;
    partition->bucket_count = count;
}

lock_object *lock_ensure_object(lock_partition *partition, rdb_lock_tag tag, uint64_t hash)
{
    lock_object *object = lock_find_object(partition, tag, hash);
    if (object != NULL)
        return object;
    object = partition->free_objects;
    if (object != NULL) {
        partition->free_objects = object->next;
        partition->free_object_count--;
    } else if ((object = malloc(sizeof *object)) == NULL) {
        return NULL;
    }
    memset(object, 0, sizeof *object);
    object->tag = tag;
    object->hash = hash;
    if (partition->object_count >= partition->bucket_count)
        grow_buckets(partition);
    lock_object **bucket = &partition->buckets[hash & (partition->bucket_count - 1)];
    object->next = *bucket;
    *bucket = object;
    partition->object_count++;
    if (tag.kind == RDB_LOCK_ROW)
        atomic_fetch_add(&partition->row_objects, 1); /* before the row's page is looked at: see lock_row_is_free */
    return object;
}

void lock_discard_object_if_idle(lock_partition *partition, lock_object *object)
{
    if (object->grants != NULL || object->first_waiter != NULL)
        return;
    lock_object **at = &partition->buckets[object->hash & (partition->bucket_count - 1)];
    while (*at != object)
        at = &(*at)->next;
    *at = object->next;
    partition->object_count--;
    if (object->tag.kind == RDB_LOCK_ROW)
        atomic_fetch_sub(&partition->row_objects, 1);
    if (partition->free_object_count >= FREE_LIST_MAX) {
        free(object);
        return;
    }
    object->next = partition->free_objects;
    partition->free_objects = object;
    partition->free_object_count++;
}

lock_grant *lock_take_grant(lock_partition *partition)
{
    lock_grant *grant = partition->free_grants;
    if (grant != NULL) {
        partition->free_grants = grant->next;
        partition->free_grant_count--;
    } else if ((grant = malloc(sizeof *grant)) == NULL) {
        return NULL;
    }
    memset(grant, 0, sizeof *grant);
    return grant;
}

void lock_give_grant(lock_partition *partition, lock_grant *grant)
{
    if (partition->free_grant_count >= FREE_LIST_MAX) {
        free(grant);
        return;
    }
    grant->next = partition->free_grants;
    partition->free_grants = grant;
    partition->free_grant_count++;
}

void lock_link_grant(lock_object *object, lock_grant *grant)
{
    grant->object = object;
    grant->previous = NULL;
    grant->next = object->grants;
    if (grant->next != NULL)
        grant->next->previous = grant;
    object->grants = grant;
}

void lock_add_modes(lock_grant *grant, uint16_t modes)
{
    lock_object *object = grant->object;
    for (unsigned mode = 1; mode < LOCK_MODES; mode++)
        if ((modes & ~grant->modes) & LOCK_BIT(mode))
            object->granted[mode]++;
    grant->modes |= modes;
    object->granted_modes |= modes;
}

void lock_drop_modes(lock_partition *partition, lock_grant *grant, uint16_t modes)
{
    lock_object *object = grant->object;
    RDB_ASSERT((grant->modes & modes) == modes);
    for (unsigned mode = 1; mode < LOCK_MODES; mode++)
        if (modes & LOCK_BIT(mode) && --object->granted[mode] == 0)
            object->granted_modes &= (uint16_t)~LOCK_BIT(mode);
    grant->modes &= (uint16_t)~modes;
    if (grant->modes == 0) {
        if (grant->previous != NULL)
            grant->previous->next = grant->next;
        else
            object->grants = grant->next;
        if (grant->next != NULL)
            grant->next->previous = grant->previous;
        lock_give_grant(partition, grant);
    }
    if (object->first_waiter != NULL)
        lock_wake_waiters(partition, object);
    lock_discard_object_if_idle(partition, object);
}

/* ---- obstacles ------------------------------------------------------------------------------------------------------- */
static bool covers_slot(const lock_grant *grant, uint16_t slot)
{
    return grant->window == slot / LOCK_WINDOW_SLOTS &&
           (grant->slots[slot % LOCK_WINDOW_SLOTS / 64] >> slot % 64 & 1) != 0;
}

bool lock_is_tentative(const lock_grant *grant, uint16_t slot)
{
    return (grant->tentative[slot % LOCK_WINDOW_SLOTS / 64] >> slot % 64 & 1) != 0;
}

/* A tentative lock that is no more than its owner's place: who asks is the writer whom it waits for, or it waits for a stronger one. */
static bool is_place_alone(const lock_request *request, const lock_grant *grant)
{
    if (!lock_is_tentative(grant, request->slot))
        return false;
    bool waits = request->is_writer;
    for (const lock_request *at = request->object->first_waiter; !waits && at != NULL; at = at->next)
        waits = at->owner == grant->owner && at->slot == request->slot;
    return waits;
}

bool lock_blocked_by_grant(const lock_request *request, const lock_grant *grant)
{
    uint8_t kind = request->object->tag.kind;
    return grant->owner != request->owner && (lock_conflicts(kind, request->mode) & grant->modes) != 0 &&
           (kind != RDB_LOCK_ROW || (covers_slot(grant, request->slot) && !is_place_alone(request, grant)));
}

bool lock_blocked_by_waiter(const lock_request *request, const lock_request *ahead)
{
    uint8_t kind = request->object->tag.kind;
    return ahead->owner != request->owner && (lock_conflicts(kind, request->mode) & LOCK_BIT(ahead->mode)) != 0 &&
           (kind != RDB_LOCK_ROW || ahead->slot == request->slot);
}

bool lock_blocked_by_grants(const lock_request *request)
{
    const lock_object *object = request->object;
    uint16_t against = lock_conflicts(object->tag.kind, request->mode) & object->granted_modes;
    if (against == 0)
        return false;
    if (object->tag.kind == RDB_LOCK_ROW || object->tag.kind == RDB_LOCK_XID) {
        for (const lock_grant *grant = object->grants; grant != NULL; grant = grant->next)
            if (lock_blocked_by_grant(request, grant))
                return true;
        return false;
    }
    uint16_t own_modes = request->own != NULL ? request->own->modes : 0;
    for (unsigned mode = 1; mode < LOCK_MODES; mode++)
        if (against & LOCK_BIT(mode) && object->granted[mode] > (own_modes & LOCK_BIT(mode) ? 1u : 0u))
            return true;
    return false;
}

/* The modes that the owner of the request already has on what it asks for. */
static uint16_t own_modes_of(const lock_request *request)
{
    if (request->object->tag.kind != RDB_LOCK_ROW)
        return request->own != NULL ? request->own->modes : 0;
    uint16_t modes = 0;
    for (const lock_grant *grant = request->object->grants; grant != NULL; grant = grant->next)
        if (grant->owner == request->owner && covers_slot(grant, request->slot))
            modes |= grant->modes;
    return modes;
}

/* The first waiter that waits for what the request's owner already has: behind it, both would wait for each other. */
static lock_request *place_in_queue(const lock_request *request)
{
    lock_request *at = request->object->first_waiter;
    if (request->is_writer)
        return at;
    uint16_t own_modes = own_modes_of(request);
    if (own_modes == 0)
        return NULL;
    bool of_row = request->object->tag.kind == RDB_LOCK_ROW;
    while (at != NULL && !((!of_row || at->slot == request->slot) &&
                           (lock_conflicts(request->object->tag.kind, at->mode) & own_modes) != 0))
        at = at->next;
    return at;
}

/* Two that hold a lock and want more of it, each waiting for the other: nothing but a deadlock can come of it, so why wait. */
static bool is_mutual(const lock_request *request)
{
    const uint16_t own_modes = own_modes_of(request);
    const bool of_row = request->object->tag.kind == RDB_LOCK_ROW;
    for (const lock_request *at = request->object->first_waiter; own_modes != 0 && at != NULL; at = at->next)
        if ((!of_row || at->slot == request->slot) && at->own != NULL && (lock_conflicts(request->object->tag.kind, at->mode) & own_modes) != 0 &&
            lock_blocked_by_grant(request, at->own))
            return true;
    return false;
}

/* ---- the queue ---------------------------------------------------------------------------------------------------------- */
static void enqueue(lock_request *request, lock_request *before)
{
    lock_object *object = request->object;
    request->next = before;
    request->previous = before != NULL ? before->previous : object->last_waiter;
    if (request->previous != NULL)
        request->previous->next = request;
    else
        object->first_waiter = request;
    if (before != NULL)
        before->previous = request;
    else
        object->last_waiter = request;
    atomic_store_explicit(&request->owner->wake, LOCK_WAKE_WAITING, memory_order_relaxed); /* the latch orders it */
    request->owner->waiting = request;
}

void lock_dequeue(lock_request *request)
{
    lock_object *object = request->object;
    if (request->previous != NULL)
        request->previous->next = request->next;
    else
        object->first_waiter = request->next;
    if (request->next != NULL)
        request->next->previous = request->previous;
    else
        object->last_waiter = request->previous;
    request->owner->waiting = NULL;
}

static void give(lock_request *request)
{
    lock_grant *grant = request->own;
    if (grant == NULL) {
        grant = request->spare;
        if (grant == NULL)
            return; /* a passing wait */
        request->spare = NULL;
        request->own = grant;
        grant->owner = request->owner;
        grant->level = request->level;
        lock_link_grant(request->object, grant);
    }
    lock_add_modes(grant, LOCK_BIT(request->mode));
    if (request->object->tag.kind == RDB_LOCK_ROW) {
        unsigned word = request->slot % LOCK_WINDOW_SLOTS / 64;
        uint64_t bit = UINT64_C(1) << request->slot % 64;
        grant->window = request->slot / LOCK_WINDOW_SLOTS;
        grant->tentative[word] |= bit & ~grant->slots[word];
        grant->slots[word] |= bit;
    }
}

static void wake_owner(lock_owner *owner, lock_wake why)
{
    /* Release: what was written for the waiter is there when it sees the word. Owners are never freed, so the futex call
     * is safe even where the waiter has gone on already. */
    atomic_store_explicit(&owner->wake, why, memory_order_release);
    rdb_futex_wake(&owner->wake, 1);
}

void lock_grant_request(lock_partition *partition, lock_request *request)
{
    lock_owner *owner = request->owner;
    if (request->own != NULL && request->spare != NULL) {
        lock_give_grant(partition, request->spare);
        request->spare = NULL;
    }
    lock_dequeue(request);
    give(request);
    wake_owner(owner, LOCK_WAKE_GRANTED);
}

void lock_wake_waiters(lock_partition *partition, lock_object *object)
{
    bool of_row = object->tag.kind == RDB_LOCK_ROW;
    uint16_t ahead_modes = 0; /* of those who stay; enough to compare with, as an owner queues once */
    for (lock_request *request = object->first_waiter, *next; request != NULL; request = next) {
        next = request->next;
        bool blocked = lock_blocked_by_grants(request);
        if (!of_row)
            blocked = blocked || (lock_conflicts(object->tag.kind, request->mode) & ahead_modes) != 0;
        else
            for (lock_request *ahead = object->first_waiter; !blocked && ahead != request; ahead = ahead->next)
                blocked = lock_blocked_by_waiter(request, ahead);
        if (blocked)
            ahead_modes |= LOCK_BIT(request->mode);
        else
            lock_grant_request(partition, request);
    }
}

void lock_withdraw(lock_partition *partition, lock_request *request)
{
    lock_object *object = request->object;
    lock_dequeue(request);
    if (request->spare != NULL)
        lock_give_grant(partition, request->spare);
    request->spare = NULL;
    lock_wake_waiters(partition, object);
    lock_discard_object_if_idle(partition, object);
}

void lock_make_victim(lock_partition *partition, lock_request *request, char *detail)
{
    lock_owner *owner = request->owner;
    request->deadlock_detail = detail;
    lock_withdraw(partition, request);
    wake_owner(owner, LOCK_WAKE_VICTIM);
}

/* ---- the wait -------------------------------------------------------------------------------------------------------------- */
static bool refuse_without_wait(rdb_lock_tag tag, const char *name, rdb_error *err)
{
    if (tag.kind == RDB_LOCK_ROW && name != NULL)
        return rdb_error_set(err, RDB_LOCK_NOT_AVAILABLE, "could not obtain lock on row in relation \"%s\"", name);
    if (tag.kind == RDB_LOCK_ROW || tag.kind == RDB_LOCK_XID)
        return rdb_error_set(err, RDB_LOCK_NOT_AVAILABLE, "could not obtain lock on row in relation");
    if (tag.kind == RDB_LOCK_RELATION && name != NULL)
        return rdb_error_set(err, RDB_LOCK_NOT_AVAILABLE, "could not obtain lock on relation \"%s\"", name);
    if (tag.kind == RDB_LOCK_RELATION)
        return rdb_error_set(err, RDB_LOCK_NOT_AVAILABLE, "could not obtain lock on relation with OID %llu",
                             (unsigned long long)tag.a);
    return rdb_error_set(err, RDB_LOCK_NOT_AVAILABLE, "could not obtain lock");
}

static rdb_wait wait_of(uint8_t kind)
{
    static const rdb_wait WAITS[] = {/* PostgreSQL's wait events of type Lock */
        [RDB_LOCK_RELATION] = RDB_WAIT_LOCK_RELATION, [RDB_LOCK_ROW] = RDB_WAIT_LOCK_TUPLE,     [RDB_LOCK_XID] = RDB_WAIT_LOCK_TRANSACTION,
        [RDB_LOCK_ADVISORY] = RDB_WAIT_LOCK_ADVISORY, [RDB_LOCK_OBJECT] = RDB_WAIT_LOCK_OBJECT, [RDB_LOCK_DATABASE] = RDB_WAIT_LOCK_OBJECT,
        [RDB_LOCK_VIRTUAL] = RDB_WAIT_LOCK_VIRTUAL};
    return WAITS[kind];
}

/* Sleeps until the request was answered or must be given up; true: answered. */
static bool await_answer(lock_request *request, uint8_t kind, int64_t lock_timeout_us, rdb_error *err)
{
    lock_owner *owner = request->owner;
    int64_t detect_after_us = owner->deadlock_timeout_us > 0 ? owner->deadlock_timeout_us
                                                             : atomic_load_explicit(&owner->table->deadlock_timeout_us, memory_order_relaxed);
    int64_t detect_at = request->is_mutual ? request->since_us : request->since_us + detect_after_us;
    for (;;) {
        /* Acquire: pairs with wake_owner. */
        if (atomic_load_explicit(&owner->wake, memory_order_acquire) != LOCK_WAKE_WAITING)
            return true;
        if (!rdb_cancel_check(owner->cancel, err))
            return false;
        int64_t now = rdb_time_monotonic_us();
        if (lock_timeout_us > 0 && now - request->since_us >= lock_timeout_us)
            return rdb_error_set(err, RDB_LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout");
        if (now >= detect_at) {
            lock_detect_deadlocks(owner->table, owner);
            /* A cycle is closed by its last waiter, who looks after it; looking again is for the unforeseen, so rarely. */
            detect_after_us = RDB_MAX(detect_after_us * 2, 1000);
            detect_at = rdb_time_monotonic_us() + detect_after_us;
            continue;
        }
        int64_t sleep_us = detect_at - now;
        if (lock_timeout_us > 0)
            sleep_us = RDB_MIN(sleep_us, request->since_us + lock_timeout_us - now);
        rdb_cancel_sleep(owner->cancel, wait_of(kind), &owner->wake, LOCK_WAKE_WAITING, sleep_us);
    }
}

bool lock_obtain(lock_partition *partition, lock_request *request, rdb_lock_policy policy, int64_t lock_timeout_us,
                 const char *name, bool *taken, rdb_error *err)
{
    lock_owner *owner = request->owner;
    lock_object *object = request->object;
    rdb_lock_tag tag = object->tag;
    lock_request *before = place_in_queue(request);
    bool blocked = lock_blocked_by_grants(request);
    if (tag.kind != RDB_LOCK_ROW) /* whoever gets along with all who have a row goes past those who wait for it */
        for (lock_request *ahead = object->first_waiter; !blocked && ahead != before; ahead = ahead->next)
            blocked = lock_blocked_by_waiter(request, ahead);
    *taken = !blocked;
    if (!blocked || policy != RDB_LOCK_WAIT) {
        if (!blocked)
            give(request);
        if (request->spare != NULL)
            lock_give_grant(partition, request->spare);
        request->spare = NULL;
        lock_discard_object_if_idle(partition, object);
        rdb_latch_unlock_exclusive(&partition->latch);
        return !blocked || policy == RDB_LOCK_SKIP || refuse_without_wait(tag, name, err);
    }
    request->since_us = rdb_time_monotonic_us();
    request->is_mutual = is_mutual(request);
    enqueue(request, before);
    rdb_latch_unlock_exclusive(&partition->latch);
    atomic_fetch_add_explicit(&owner->table->waits, 1, memory_order_relaxed);
    const rdb_wait_mark mark = rdb_wait_begin(wait_of(tag.kind));
    bool answered = await_answer(request, tag.kind, lock_timeout_us > 0 ? lock_timeout_us : owner->lock_timeout_us, err);
    rdb_wait_end(mark);
    if (!answered) {
        rdb_latch_lock_exclusive(&partition->latch);
        if (owner->waiting == request)
            lock_withdraw(partition, request);
        else
            answered = true; /* the answer came first */
        rdb_latch_unlock_exclusive(&partition->latch);
    }
    lock_wake answer = atomic_exchange_explicit(&owner->wake, LOCK_WAKE_NONE, memory_order_acquire);
    if (answered && answer == LOCK_WAKE_GRANTED) {
        /* Granted while giving up: the lock is held and falls with the level; a cancel is reported all the same. */
        *taken = true;
        owner->has_waited = true;
        return !rdb_error_is_set(err);
    }
    if (answered && !rdb_error_is_set(err)) {
        rdb_error_set(err, RDB_DEADLOCK_DETECTED, "deadlock detected");
        rdb_error_detail(err, "%s", request->deadlock_detail != NULL ? request->deadlock_detail : "");
        rdb_error_hint(err, "See server log for query details.");
        rdb_incident_note("deadlock", "%s", rdb_error_detail_text(err));
    }
    free(request->deadlock_detail);
    request->deadlock_detail = NULL;
    return false;
}
