/* SPDX-License-Identifier: Apache-2.0
 * The inside of the lock manager; other files of this room know `struct lock_owner` as a pointer only.
 *
 * A lock object is a tag with its grants and its queue of waiters; objects hang in 64 partitions, each under one latch.
 * What always holds:
 *   - a waiter is granted by whoever removes its last obstacle, in queue order; nobody overtakes a waiter that conflicts
 *     with it, except an owner whom that waiter waits for anyway (an upgrade), or to resolve a deadlock, or at a row;
 *   - while the strong counter of a relation's tag is zero, its weak locks (up to ROW EXCLUSIVE) may stand only in their
 *     owners' fast slots; who wants a strong one raises the counter and then moves those locks into the table;
 *   - `waiting` of an owner changes under the latch of the partition it waits in, so that a detector holding all latches
 *     sees the whole graph standing still.
 * Latches are taken below page latches and in partition order. An owner is used by one thread at a time; others touch only
 * its fast slots (by compare-and-swap), its wake word and what a latch guards. */
#ifndef RDB_LOCK_INT_H
#define RDB_LOCK_INT_H

#include "txn/txn_int.h"

#define LOCK_PARTITIONS 64u
#define LOCK_BUCKETS_MIN 64u      /* of a partition; doubles as objects come */
#define LOCK_STRONG_COUNTERS 1024u
#define LOCK_FAST_SLOTS 16u
#define LOCK_MODES 9u
#define LOCK_WINDOW_SLOTS 256u    /* row slots that one grant's bitmap spans */
#define LOCK_LEVEL_SESSION UINT32_MAX
#define LOCK_BIT(mode) ((uint16_t)(1u << (mode)))

typedef struct lock_owner lock_owner;
typedef struct lock_object lock_object;
typedef struct lock_request lock_request;

/* One owner's hold on an object: the modes, or for rows one strength (as 1 + rdb_row_lock) on a window of slots. */
typedef struct lock_grant {
    lock_owner *owner;
    lock_object *object;
    struct lock_grant *next, *previous;           /* of the object; next alone in a free list */
    struct lock_grant *owner_next;                /* rows and xids: of the owner, deepest level first */
    uint32_t level;                               /* rows and xids */
    uint16_t modes;
    uint16_t window;                              /* rows: slot / LOCK_WINDOW_SLOTS */
    uint64_t slots[LOCK_WINDOW_SLOTS / 64];       /* rows */
    uint64_t tentative[LOCK_WINDOW_SLOTS / 64];   /* rows: of these, who has them may still have to wait for a writer's end */
} lock_grant;

struct lock_object {
    lock_object *next; /* of the bucket, or of the free list */
    rdb_lock_tag tag;  /* rows: b is the block */
    uint64_t hash;
    lock_grant *grants;
    lock_request *first_waiter, *last_waiter;
    uint32_t granted[LOCK_MODES]; /* owners that hold each mode; rows: grants of each strength */
    uint16_t granted_modes;       /* modes whose count is not zero */
};

typedef enum lock_wake { LOCK_WAKE_NONE, LOCK_WAKE_WAITING, LOCK_WAKE_GRANTED, LOCK_WAKE_VICTIM } lock_wake;

/* One wish; lives on its thread's stack while it waits. */
struct lock_request {
    lock_owner *owner;
    lock_object *object;
    lock_request *next, *previous;
    lock_grant *spare;      /* becomes the grant; NULL for a passing wait (xid) or where the owner's own grant is there */
    lock_grant *own;        /* the grant of this owner that takes the mode; kinds other than rows */
    int64_t since_us;
    bool is_mutual; /* with one that waits already: a deadlock, looked for at once */
    bool is_writer; /* rows: a change of this owner's stands there, for whose end those wait who have tentative locks, and those who queue */
    uint32_t level;
    uint16_t slot;          /* rows */
    uint8_t mode;
    char *deadlock_detail;  /* malloc'ed, set with LOCK_WAKE_VICTIM; NULL when there was no memory */
};

/* A weak relation lock outside the table. key is written while state says free, by the owner alone. state: bits 0..3 the
 * modes as bits 1..3, bit 4 "moved into the table", from bit 8 a version, so that a mover's swap can not hit a slot that
 * was freed and reused. */
typedef struct lock_fast_slot {
    _Atomic uint64_t key; /* pdb << 32 | oid */
    _Atomic uint64_t state;
} lock_fast_slot;
#define LOCK_FAST_MODES UINT64_C(0x0f)
#define LOCK_FAST_MOVED UINT64_C(0x10)
#define LOCK_FAST_VERSION UINT64_C(0x100)

/* What an owner remembers about a tag (rows and xids excepted). Used by its own thread alone. */
typedef struct lock_local {
    rdb_lock_tag tag;
    uint64_t hash;
    lock_grant *grant;         /* in the table, or NULL */
    uint32_t first_hold;       /* 1 + position in holds, newest first */
    uint32_t index_position;   /* in the owner's index */
    uint32_t count[LOCK_MODES]; /* holds of all levels */
    uint16_t modes;            /* with a count */
    uint8_t fast_slot;         /* 1 + slot; 0: none */
} lock_local;
/* One mode taken in one level, so many times. In time order; count 0 was released early. */
typedef struct lock_hold {
    uint32_t local_no, next; /* 1 + position of the next older hold of the same local */
    uint32_t level, count;
    uint8_t mode;
} lock_hold;

struct lock_owner {
    lock_fast_slot fast[LOCK_FAST_SLOTS];
    rdb_lock_table *table;
    rdb_cancel *cancel;
    const rdb_txn *_Atomic txn;    /* identity only */
    _Atomic uint64_t xid;          /* newest xid registered; for reports */
    _Atomic int32_t process_id;    /* what messages call it */
    _Atomic uint32_t wake;         /* lock_wake; the futex of its waits */
    lock_request *waiting;         /* under the latch of the partition; NULL: runs */
    uint64_t age;                  /* grows with the start of its first hard work: larger is younger; read under all latches */
    uint32_t owner_no;             /* its place among all of the table's, from 1 */
    _Atomic uint64_t ended;        /* transactions that it has ended: the number of the one at hand (lock_holders.c) */
    _Atomic uint32_t is_awaited;   /* someone waits for the end of the one at hand, or of one before */
    uint32_t graph_no;             /* detector's scratch, under all latches */
    bool belongs_to_session;       /* outlives its transactions */
    int64_t deadlock_timeout_us;   /* of the session; 0: the table's */
    int64_t lock_timeout_us;       /* of the session; 0: none */
    uint64_t place_file, place_address; /* the row in whose queue it stands as one that wants to write; file 0: none */
    bool has_waited;               /* for another since it was asked last */
    bool in_use;
    uint16_t fast_used;            /* slots taken, as bits */
    lock_local *locals;
    uint32_t local_count, local_capacity;
    uint32_t *index;               /* 1 + local_no, open addressing; 2 * local_capacity positions */
    lock_hold *holds;
    uint32_t hold_count, hold_capacity;
    lock_grant *grants;            /* rows and xids */
    lock_owner *next_free;
};

typedef struct lock_partition {
    rdb_latch latch;
    uint32_t object_count, bucket_count;
    lock_object **buckets;
    lock_object *free_objects;
    lock_grant *free_grants;
    uint32_t free_object_count, free_grant_count;
    _Atomic uint32_t row_objects;  /* read without the latch: zero says that no row here is locked */
} __attribute__((aligned(64))) lock_partition;

#define LOCK_OWNERS_CHUNK 256u
#define LOCK_OWNER_CHUNKS 256u
typedef struct lock_owner_pool {
    rdb_latch latch;
    lock_owner *free;
} __attribute__((aligned(64))) lock_owner_pool;

struct rdb_lock_table {
    lock_partition partitions[LOCK_PARTITIONS];
    _Atomic uint32_t strong[LOCK_STRONG_COUNTERS];
    lock_owner_pool pools[RDB_STRIPES];
    rdb_latch registry;                          /* guards growth of the list of owners */
    lock_owner **owner_chunks[LOCK_OWNER_CHUNKS]; /* every owner ever made; none is freed before the table */
    _Atomic uint32_t owner_count;
    _Atomic uint64_t next_age;
    _Atomic int64_t deadlock_timeout_us;
    _Atomic uint64_t deadlocks, waits;
};

/* lock_table_create, lock_owner_begin and their kin that the transaction manager calls stand in txn_int.h. */

/* lock_table.c: objects, queues, the wait. */
uint64_t lock_tag_hash(rdb_lock_tag tag);
static inline lock_partition *lock_partition_of(rdb_lock_table *table, uint64_t hash)
{
    return &table->partitions[hash >> 58];
}
_Static_assert(LOCK_PARTITIONS == 64, "lock_partition_of takes the top six bits");
uint16_t lock_conflicts(uint8_t kind, uint8_t mode); /* modes as bits */
lock_object *lock_find_object(lock_partition *partition, rdb_lock_tag tag, uint64_t hash);
/* Under the partition's latch; NULL: no memory. */
lock_object *lock_ensure_object(lock_partition *partition, rdb_lock_tag tag, uint64_t hash);
lock_grant *lock_take_grant(lock_partition *partition);
void lock_give_grant(lock_partition *partition, lock_grant *grant);
void lock_link_grant(lock_object *object, lock_grant *grant);
void lock_add_modes(lock_grant *grant, uint16_t modes);
/* Takes the modes from the grant; the grant goes when it has none left, the object when nobody needs it; wakes waiters. */
void lock_drop_modes(lock_partition *partition, lock_grant *grant, uint16_t modes);
void lock_wake_waiters(lock_partition *partition, lock_object *object);
void lock_discard_object_if_idle(lock_partition *partition, lock_object *object);
/* Obstacles of a request: grants of others, or waiters ahead of it (all, when it is not queued, up to before). */
bool lock_is_tentative(const lock_grant *grant, uint16_t slot);
bool lock_blocked_by_grant(const lock_request *request, const lock_grant *grant);
bool lock_blocked_by_waiter(const lock_request *request, const lock_request *ahead);
bool lock_blocked_by_grants(const lock_request *request);
void lock_grant_request(lock_partition *partition, lock_request *request);
void lock_dequeue(lock_request *request);
/* Takes a waiter out of its queue unanswered, or answered as a deadlock's victim (detail: malloc'ed, or NULL). */
void lock_withdraw(lock_partition *partition, lock_request *request);
void lock_make_victim(lock_partition *partition, lock_request *request, char *detail);
/* Grants at once, or queues and waits as policy and timeout say. Enters with the latch held, leaves without. *taken may
 * be true with an error (granted while a cancel came): the grant is the owner's to record all the same. */
bool lock_obtain(lock_partition *partition, lock_request *request, rdb_lock_policy policy, int64_t lock_timeout_us,
                 const char *name, bool *taken, rdb_error *err);

/* lock_owner.c: what an owner holds. name: for messages, may be NULL. */
bool lock_owner_acquire(lock_owner *owner, rdb_lock_tag tag, rdb_lock_mode mode, uint32_t level, rdb_lock_policy policy,
                        int64_t lock_timeout_us, const char *name, bool *taken, rdb_error *err);
bool lock_owner_release(lock_owner *owner, rdb_lock_tag tag, rdb_lock_mode mode, bool of_session);
bool lock_owner_holds(const lock_owner *owner, rdb_lock_tag tag, rdb_lock_mode mode);
/* Levels at or above this one; lock_owner_merge_level hands them to the level below instead. with_session: session locks
 * too. */
void lock_owner_release_level(lock_owner *owner, uint32_t level);
void lock_owner_release_all(lock_owner *owner, bool with_session);
void lock_owner_release_session(lock_owner *owner, uint8_t kind);
void lock_owner_attach(lock_owner *owner, const rdb_txn *txn); /* the session's next transaction; NULL: it ended */

/* What a prepared transaction's record says of one lock. Rows: mode is 1 + rdb_row_lock, b the address. */
typedef struct lock_saved {
    uint8_t kind, mode;
    uint16_t zero;
    uint32_t pdb;
    uint64_t a, b;
} lock_saved;
_Static_assert(sizeof(lock_saved) == 24, "the drawing in prepare.c and the struct disagree");
/* Appends every lock but those on xids; how many. */
uint32_t lock_owner_save(const lock_owner *owner, rdb_strbuf *bytes);
bool lock_owner_restore(lock_owner *owner, const uint8_t *saved, uint32_t count, rdb_error *err);
/* Gives the locks of the session level to another owner, all or none. 55000: the transaction has one of them too. */
bool lock_owner_move_session(lock_owner *owner, lock_owner *other, rdb_error *err);

/* lock_fast.c: weak relation locks outside the table. */
bool lock_fast_eligible(rdb_lock_tag tag, rdb_lock_mode mode);
bool lock_fast_acquire(lock_owner *owner, lock_local *local, rdb_lock_mode mode);
/* False: the slot was moved into the table; settle, then release there. */
bool lock_fast_release(lock_owner *owner, lock_local *local, rdb_lock_mode mode);
/* Under the latch of the tag's partition: the table has what this owner's slot had, local->grant is it, the slot is free.
 * So no owner ever has both a slot and a grant for one tag. False: no memory, nothing changed. */
bool lock_fast_settle(lock_owner *owner, lock_local *local, lock_partition *partition, lock_object *object);
bool lock_strong(rdb_lock_tag tag, rdb_lock_mode mode);
void lock_strong_raise(rdb_lock_table *table, uint64_t hash);
void lock_strong_lower(rdb_lock_table *table, uint64_t hash);
/* Under the latch of the tag's partition, after raising: moves every owner's fast lock on the tag into object. */
bool lock_fast_move(rdb_lock_table *table, lock_partition *partition, lock_object *object);

/* lock_row.c: rows and xids, which stand in the owner's list of grants. */
bool lock_row_acquire(lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address, rdb_row_lock strength, uint32_t level,
                      rdb_lock_policy policy, int64_t lock_timeout_us, const char *name, bool *taken, rdb_error *err);
/* is_writer: the owner's own change stands in the row already, so tentative locks and waiters are behind it. */
bool lock_row_is_free(rdb_lock_table *table, const lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address,
                      rdb_row_lock strength, bool is_writer);
/* As lock_row_acquire, for an owner whose own change stands in the row. */
bool lock_row_acquire_for_writer(lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address, rdb_row_lock strength, uint32_t level,
                                 rdb_lock_policy policy, int64_t lock_timeout_us, bool *taken, rdb_error *err);
void lock_row_confirm(lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address);
void lock_row_leave(lock_owner *owner, uint32_t pdb, uint64_t file, uint64_t address); /* what is tentative of it */
bool lock_xid_wait(lock_owner *owner, uint32_t pdb, rdb_xid xid, rdb_lock_policy policy, int64_t lock_timeout_us, bool *ended,
                   rdb_error *err);
void lock_grants_release(lock_owner *owner, uint32_t level); /* rows and xids of this level and above */
void lock_grants_merge(lock_owner *owner, uint32_t level);

/* lock_holders.c: transactions waited for as a whole. */
bool lock_wait_holders(lock_owner *owner, rdb_lock_tag tag, rdb_lock_mode mode, rdb_lock_progress *progress, void *context, rdb_error *err);
void lock_end_turn(lock_owner *owner); /* the owner's transaction has ended, its locks have fallen */

/* lock_deadlock.c. Called by a waiter that holds no latch. */
void lock_detect_deadlocks(rdb_lock_table *table, lock_owner *detector);
/* Every lock and every wait; one partition at a time, so the whole is no moment's picture. */
void lock_table_visit(rdb_lock_table *table, void (*visit)(void *context, const rdb_lock_info *info), void *context);
/* PostgreSQL's words: "AccessShareLock", and "relation 16384 of database 5". */
const char *lock_mode_name(uint8_t kind, uint8_t mode);
void lock_describe_tag(rdb_lock_tag tag, uint16_t slot, char *text, size_t bytes);

#endif
