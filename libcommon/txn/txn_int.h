/* SPDX-License-Identifier: Apache-2.0
 * The inside of the transaction manager; the lock manager of this room (lock_int.h) hangs on it by two pointers.
 *
 * Files of a PDB's commit log, all RDB_FILE_XACT: number 0 is one meta page, number 1 + s is segment s of the slots.
 * Meta page, after the page header:
 *    0  8  first segment that exists        8  8  segments made so far (number of the next one)
 *   16  8  scn bound: no commit of this PDB has an SCN above it. Raised ahead of need, so that SCNs go on above every
 *          one that was ever given out, whatever part of the log recovery had to read
 *   24  8  tail: xids below it are committed and visible to all
 *   32  4  entries in the ring of times      36  4  next entry
 *   40     ring of (scn 8, wall time 8): the coarse SCN to time map that outlives a restart (R18)
 * Slot page: header, then 16-byte slots (the drawing in rdb_txn.h); xid x stands in page x / slots_per_page.
 *
 * Commit record (operation TXN_OP_COMMIT, of the xid in its header): block 0 is the xact page with data {state 8, undo 8, slot 2}; main data:
 *    0  8  SCN        8  8  wall time, and there it ends where the rest is zero
 *   16  4  flags     20  4  sub-xids   24  4  bytes of payloads   28  4  origin   32  8  origin LSN
 *   40     sub-xids, 8 each, then payloads {kind 2, zero 2, length 4, bytes}
 * SCN and state are filled in at the record's position in the log: redo writes what the log says.
 * The record of a PREPARE is drawn in prepare.c. */
#ifndef RDB_TXN_INT_H
#define RDB_TXN_INT_H

#include "txn/rdb_lock.h"
#include "txn/rdb_txn_payload.h"

enum { TXN_OP_COMMIT = 1, TXN_OP_ABORT, TXN_OP_SUBTRANSACTION, TXN_OP_PAGE, TXN_OP_META, TXN_OP_META_INIT, TXN_OP_PREPARE };
enum { TXN_SLOT_UNKNOWN, TXN_SLOT_COMMITTED, TXN_SLOT_ABORTED, TXN_SLOT_SUBTRANSACTION, TXN_SLOT_PREPARED };
#define TXN_SLOT(state, value) ((uint64_t)(value) << 3 | (uint64_t)(state))
#define TXN_SLOT_STATE(word) ((unsigned)((word) & 7))
#define TXN_SLOT_VALUE(word) ((word) >> 3)
#define TXN_SLOT_BYTES 16u
#define TXN_SEGMENT_PAGES 4096u
#define TXN_FIRST_XID 3u          /* 1 and 2 are PostgreSQL's bootstrap and frozen ids */
#define TXN_SCN_STEP 8192u        /* how far the bound is raised at a time */
#define TXN_OUTCOME_SLOTS 32768u  /* of the cache, a power of two */
#define TXN_COMMITTERS 4u         /* as many syncs of the log as run beside each other */
#define TXN_RECORDING_SLOTS 8192u /* commits between their SCN and its publishing, a power of two */
#define TXN_PDB_BUCKETS 256u
#define TXN_ENTRY_CHUNK 64u
#define TXN_ENTRY_CHUNKS 1024u
#define TXN_TIMES 4096u

typedef struct txn_meta { /* as on the page */
    uint64_t first_segment, segment_count, scn_bound, tail;
    uint32_t time_count, time_next;
} txn_meta;
_Static_assert(sizeof(txn_meta) == 40, "the drawing above and the struct disagree");
typedef struct txn_time {
    rdb_scn scn;
    int64_t wall_us;
} txn_time;

typedef struct txn_slot_change { /* data of an xact block, once or more; what is behind the slot is not logged */
    uint64_t state;
    uint64_t undo;
    uint16_t slot_no;
} txn_slot_change;
#define TXN_SLOT_CHANGE_BYTES 18u
_Static_assert(offsetof(txn_slot_change, slot_no) + 2 == TXN_SLOT_CHANGE_BYTES, "the drawing above and the struct disagree");

typedef struct txn_commit_header { /* main data of a commit record */
    rdb_scn scn;
    int64_t wall_us;
    uint32_t flags, sub_count, payload_bytes, origin;
    uint64_t origin_lsn;
} txn_commit_header;
enum { TXN_COMMIT_AUDIT = 1 }; /* flags: one of the payloads is watched (rdb_txn_watch_payload) */
#define TXN_COMMIT_SHORT_BYTES 16u
_Static_assert(sizeof(txn_commit_header) == 40 && offsetof(txn_commit_header, flags) == TXN_COMMIT_SHORT_BYTES, "the drawing above and the struct disagree");

/* What the manager knows of one PDB. Never freed before the manager. */
typedef struct txn_pdb {
    struct txn_pdb *next; /* of the bucket */
    uint32_t pdb;
    rdb_mutex lock;                           /* rank RDB_RANK_TXN */
    rdb_xid next_xid RDB_GUARDED_BY(lock);
    rdb_xid limit_xid RDB_GUARDED_BY(lock);   /* end of the slots that exist */
    _Atomic uint64_t first_segment, segment_count; /* below the first they are gone; it falls behind the tail's where one could not be removed */
    _Atomic rdb_xid tail;
    _Atomic rdb_scn scn_bound;
    rdb_xid recovered_below RDB_SET_ONCE;     /* an unfinished xid below it was lost in a crash: aborted */
} txn_pdb;

/* One per running transaction; cache line of its own, kept for reuse with its rdb_txn. */
typedef struct txn_entry {
    /* 1 + the SCN of the statement's snapshot, of the one for catalogs, and of the oldest held; 0: none. Looked at in this order, for
     * a snapshot is held before the statement's moves on. */
    _Alignas(64) _Atomic rdb_scn current_scn;
    _Atomic rdb_scn latest_scn, held_scn;
    _Atomic rdb_xid xid;
    _Atomic int64_t started_us;
    _Atomic uint32_t in_use;
    _Atomic uint32_t pdb;
    _Atomic uint32_t isolation;
    uint32_t stripe;
    rdb_mutex held_lock; /* RDB_RANK_LEAF: the list in txn, which the horizon reads when its oldest are expired */
    struct txn_entry *next_free;
    rdb_txn *txn;
} txn_entry;

typedef struct txn_stripe {
    _Alignas(64) rdb_mutex lock; /* RDB_RANK_LEAF */
    txn_entry *free_entries RDB_GUARDED_BY(lock);
} txn_stripe;

typedef struct txn_recording { /* one commit on its way from recorded to published */
    _Atomic rdb_scn scn;       /* the SCN whose slot this is, once recorded; else an older one */
    _Atomic rdb_lsn end_lsn;   /* durable up to here before it is published; 0: its insert failed, nothing to wait for */
    _Atomic bool is_async;     /* its writer did not wait for the log (synchronous_commit = off): seen before it is durable */
} txn_recording;

struct lock_owner;
struct ssi_manager;
struct ssi_txn;
typedef struct txn_export txn_export; /* export.c */
typedef struct txn_prepared txn_prepared; /* prepare.c */

struct rdb_txn_manager {
    rdb_storage *storage;
    rdb_wal *wal;
    uint32_t page_bytes, slots_per_page;
    uint64_t instance_no; /* differs from every other manager of this process */
    _Atomic(txn_pdb *) pdbs[TXN_PDB_BUCKETS];
    rdb_mutex lock;        /* rank below RDB_RANK_TXN: attaching PDBs, making entries */

    _Atomic rdb_scn last_scn;      /* given out; changes in WAL order, inside the log's reservation */
    _Atomic rdb_scn recorded_scn;  /* all slots up to it are written */
    _Atomic rdb_scn published_scn; /* ... and durable */
    _Atomic rdb_scn visible_scn;   /* published, or recorded by who does not wait for the log; what snapshots take */
    _Atomic uint32_t commits_in_flight; /* begun and not yet published */
    _Atomic uint32_t publish_waiters;
    rdb_thread *committers[TXN_COMMITTERS] RDB_SET_ONCE; /* committer.c; NULL: there is no log */
    _Atomic(rdb_publish_ticket *) tickets; /* newest first, not seen by a committer yet */
    _Atomic uint32_t committer_word; /* futex; 1: a committer will look at the tickets, 0: who leaves one wakes one */
    _Atomic bool committer_stops;
    rdb_mutex publish_lock;        /* RDB_RANK_LEAF: one publisher at a time */
    _Atomic uint32_t publish_word; /* futex: grows with published_scn */
    txn_recording *recordings;
    uint32_t gap_count RDB_GUARDED_BY(publish_lock);             /* 0 or 1: SCNs in (gap_from, gap_to] are nobody's */
    rdb_scn gap_from RDB_GUARDED_BY(publish_lock), gap_to RDB_GUARDED_BY(publish_lock);

    _Atomic rdb_scn horizon_claim; /* a snapshot older than it takes another */
    _Atomic rdb_scn expired_scn;   /* snapshots older than it are expired: they hold nothing back, and reads through them fail */
    _Atomic uint64_t expired_count; /* of snapshots held then */
    _Atomic int64_t retention_us;
    _Atomic uint32_t chunk_count;
    txn_entry *_Atomic chunks[TXN_ENTRY_CHUNKS];
    txn_stripe stripes[RDB_STRIPES];

    struct { /* direct-mapped: key ^ value and value, so that a torn pair does not match */
        _Atomic uint64_t mixed, value;
    } *outcomes;
    _Atomic uint32_t unmarked_count;        /* aborts whose mark could not be logged */
    struct { uint32_t pdb; rdb_xid xid; } unmarked[64];

    rdb_mutex times_lock; /* RDB_RANK_LEAF */
    txn_time *times RDB_GUARDED_BY(times_lock);
    uint32_t time_count RDB_GUARDED_BY(times_lock), time_next RDB_GUARDED_BY(times_lock);
    txn_time newest_time RDB_GUARDED_BY(times_lock); /* the last commit, in the map or not */

    rdb_txn_undo_ops undo_ops RDB_SET_ONCE;
    rdb_txn_payload_watch payload_watch; /* changed while no transaction runs */
    rdb_txn_payload_references payload_references; /* the same */
    rdb_lock_table *locks RDB_SET_ONCE; /* the lock manager's */
    struct ssi_manager *ssi RDB_SET_ONCE; /* ssi_int.h */
    rdb_mutex exports_lock; /* RDB_RANK_LEAF - 1 */
    txn_export *exports RDB_GUARDED_BY(exports_lock);
    uint32_t export_no RDB_GUARDED_BY(exports_lock);
    rdb_mutex prepared_lock; /* RDB_RANK_LEAF */
    txn_prepared *prepared RDB_GUARDED_BY(prepared_lock);
};

typedef struct txn_sub { /* a subtransaction that wrote */
    rdb_xid xid;
    uint32_t level;
    bool aborted;
} txn_sub;

typedef struct txn_hook {
    rdb_txn_callback callback;
    void *context;
    uint32_t level;
    bool is_whole; /* of the transaction, not of a level */
} txn_hook;

typedef struct txn_held { /* a snapshot that someone holds */
    rdb_scn scn;
    uint32_t count;
} txn_held;

struct rdb_txn {
    rdb_txn_manager *manager;
    txn_entry *entry;
    txn_pdb *pdb;
    rdb_arena *arena;
    rdb_cancel *cancel;
    rdb_isolation isolation;
    bool is_read_only;
    rdb_xid xid;      /* top level; 0: none yet */
    uint32_t level;   /* current savepoint level */
    struct lock_owner *locks; /* the lock manager's; NULL while there is none */
    bool has_exported;        /* snapshots; they go with it */
    bool is_prepared;         /* has no hooks and no session any more */
    struct ssi_txn *ssi;      /* SERIALIZABLE, from its snapshot on; else NULL */

    txn_sub *subs;    /* ascending xids */
    uint32_t sub_count, sub_capacity;
    txn_hook *hooks;
    uint32_t hook_count, hook_capacity;
    rdb_strbuf payload;
    txn_held *held; /* changes under the entry's held_lock, by its owner alone */
    uint32_t held_count, held_capacity;
    rdb_scn session_scn;             /* snapshots are not older than this */
    _Atomic rdb_scn met_scn;         /* newest unpublished commit that it built on */
    rdb_undo_address undo_next[RDB_UNDO_CLASS_COUNT];
    rdb_undo_address undo_first;     /* of the permanent class, or of whichever came first */
    rdb_undo_address undo_last[RDB_UNDO_CLASS_COUNT];
    void *undo_state[RDB_UNDO_CLASS_COUNT];
};

/* xact.c: pages and slots, resolving. */
bool txn_redo(const rdb_redo *redo, rdb_page *page, rdb_error *err);
bool txn_find_pdb(rdb_txn_manager *manager, uint32_t pdb, txn_pdb **found, rdb_error *err);
/* publish, where not NULL, shows the xid to rdb_txn_oldest_xid before any later one is given out. */
bool txn_new_xid(rdb_txn_manager *manager, txn_pdb *pdb, _Atomic rdb_xid *publish, rdb_xid *xid, rdb_error *err);
rdb_page_tag txn_slot_tag(const rdb_txn_manager *manager, const txn_pdb *pdb, rdb_xid xid, uint16_t *slot_no);
/* Logs one new state for each of the xids (ascending or not); not flushed. */
bool txn_mark_xids(rdb_txn_manager *manager, txn_pdb *pdb, rdb_xid top, uint8_t operation, const rdb_xid *xids,
                   uint32_t count, uint64_t state, rdb_error *err);
bool txn_raise_bound(rdb_txn_manager *manager, txn_pdb *pdb, rdb_error *err);
void txn_cache_outcome(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid, rdb_xid_state state, rdb_scn scn);
void txn_note_unmarked(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid);

/* Does the commit log say that this xid is prepared? False also where its PDB is gone. */
bool txn_is_prepared(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid, bool *prepared, rdb_error *err);

/* txn.c: parts of the two ends of a prepared transaction. */
bool txn_fire_before_commit(rdb_txn *txn, rdb_error *err);
void txn_fire_prepared(rdb_txn *txn); /* and forgets the hooks */
/* As rdb_txn_commit; the handle stays where nothing was logged. */
bool txn_commit_prepared(rdb_txn **txn, rdb_commit_wait wait, rdb_scn *scn, rdb_error *err);

/* prepare.c. What recovery meets; then whatever of it lives is taken in, and given back at the close. */
bool txn_prepared_meet(uint32_t pdb, const uint8_t *content, uint32_t bytes, rdb_error *err);
void txn_prepared_register(rdb_txn_manager *manager); /* NULL before one is open */
bool txn_prepared_open(rdb_txn_manager *manager, rdb_error *err);
void txn_prepared_close(rdb_txn_manager *manager);

/* publish.c: SCNs from given out through recorded to published, and the time map. */
bool txn_publish_open(rdb_txn_manager *manager, rdb_error *err);
void txn_publish_close(rdb_txn_manager *manager);
/* Waits until one more commit fits between recorded and published. */
bool txn_publish_reserve(rdb_txn_manager *manager, rdb_error *err);
rdb_scn txn_publish_draw(rdb_txn_manager *manager); /* at the record's position */
void txn_publish_unreserve(rdb_txn_manager *manager);
void txn_publish_record(rdb_txn_manager *manager, rdb_scn scn, rdb_lsn end_lsn, bool is_async);
void txn_publish_wait_recorded(rdb_txn_manager *manager, rdb_scn scn);
bool txn_publish_wait(rdb_txn_manager *manager, rdb_scn scn, rdb_error *err); /* flushed up to end_lsn before */
rdb_lsn txn_publish_end_of(rdb_txn_manager *manager, rdb_scn scn); /* how far the log must be durable for it */
void txn_publish_wait_for_move(rdb_txn_manager *manager, uint32_t word); /* until something moved since publish_word was read, 10 ms at most */
/* committer.c */
RDB_CHECKED bool txn_committer_start(rdb_txn_manager *manager, rdb_error *err);
void txn_committer_stop(rdb_txn_manager *manager); /* calls all tickets before */
void txn_publish_raise(rdb_txn_manager *manager, rdb_scn scn); /* nothing runs at or below it: a PDB came in */
void txn_note_time(rdb_txn_manager *manager, rdb_scn scn, int64_t wall_us);
void txn_load_time(rdb_txn_manager *manager, rdb_scn scn, int64_t wall_us); /* of an earlier life */

/* entry.c: the registry of running transactions and the horizon. */
bool txn_entry_take(rdb_txn_manager *manager, txn_entry **entry, rdb_error *err);
void txn_entry_give(rdb_txn_manager *manager, txn_entry *entry);
void txn_entries_close(rdb_txn_manager *manager);
void txn_release_snapshots(rdb_txn *txn);
bool txn_snapshot_too_old(rdb_error *err);
void txn_withdraw_exports(rdb_txn *txn);

static inline bool txn_is_top(const rdb_txn *txn, rdb_xid xid)
{
    return xid == txn->xid;
}
/* The subtransaction of this xid, or NULL. */
txn_sub *txn_find_sub(const rdb_txn *txn, rdb_xid xid);

/* The lock manager's side (lock_int.h). */
rdb_lock_table *lock_table_create(void);
void lock_table_destroy(rdb_lock_table *table);
struct lock_owner *lock_owner_begin(rdb_lock_table *table, const rdb_txn *txn, rdb_cancel *cancel);
void lock_owner_end(struct lock_owner *owner);
void lock_owner_merge_level(struct lock_owner *owner, uint32_t level);
bool lock_xid_register(struct lock_owner *owner, uint32_t pdb, rdb_xid xid, uint32_t level, rdb_error *err);

#endif
