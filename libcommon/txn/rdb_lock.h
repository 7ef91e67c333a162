/* SPDX-License-Identifier: Apache-2.0
 * The lock manager: every wait of a transaction for another goes through it, so that deadlocks are found in one graph.
 * Table locks have PostgreSQL's eight modes and conflict table; row locks its four strengths; a wait for a writer is a
 * wait for its xid. Locks are held to the end of the transaction; those taken in a rolled-back level fall with it. */
#ifndef RDB_LOCK_H
#define RDB_LOCK_H

#include "txn/rdb_txn.h"

typedef enum rdb_lock_mode { /* PostgreSQL's numbers */
    RDB_LOCK_NONE,
    RDB_LOCK_ACCESS_SHARE,
    RDB_LOCK_ROW_SHARE,
    RDB_LOCK_ROW_EXCLUSIVE,
    RDB_LOCK_SHARE_UPDATE_EXCLUSIVE,
    RDB_LOCK_SHARE,
    RDB_LOCK_SHARE_ROW_EXCLUSIVE,
    RDB_LOCK_EXCLUSIVE,
    RDB_LOCK_ACCESS_EXCLUSIVE
} rdb_lock_mode;
typedef enum rdb_row_lock { RDB_ROW_KEY_SHARE, RDB_ROW_SHARE, RDB_ROW_NO_KEY_UPDATE, RDB_ROW_UPDATE } rdb_row_lock;
typedef enum rdb_lock_policy { RDB_LOCK_WAIT, RDB_LOCK_NOWAIT, RDB_LOCK_SKIP } rdb_lock_policy;

typedef enum rdb_lock_kind { RDB_LOCK_RELATION = 1, RDB_LOCK_ROW, RDB_LOCK_XID, RDB_LOCK_ADVISORY, RDB_LOCK_OBJECT, RDB_LOCK_DATABASE, RDB_LOCK_VIRTUAL } rdb_lock_kind;
typedef struct rdb_lock_tag {
    uint8_t kind; /* rdb_lock_kind */
    uint32_t pdb;
    uint64_t a, b; /* relation: oid, 0; row: file, address; xid: xid, 0; advisory: key, class; object: class oid, oid; virtual: owner, which of its transactions */
} rdb_lock_tag;

typedef struct rdb_lock_table rdb_lock_table;

/* Takes the lock (counted; a mode already held is cheap). NOWAIT: 55P03. SKIP: *taken false. Waiting can end with 40P01,
 * 57014, 55P03 (lock_timeout_us > 0 passed). Fair: a waiter is not overtaken by one that conflicts with it. Weak table
 * locks (up to ROW EXCLUSIVE) take a striped fast path while nobody wants a strong one. */
RDB_CHECKED bool rdb_lock_acquire(rdb_txn *txn, rdb_lock_tag tag, rdb_lock_mode mode, rdb_lock_policy policy,
                                  int64_t lock_timeout_us, bool *taken, rdb_error *err);
/* As rdb_lock_acquire, with the relation's name for the message of NOWAIT. */
RDB_CHECKED bool rdb_lock_acquire_relation(rdb_txn *txn, uint32_t pdb, uint32_t oid, const char *name, rdb_lock_mode mode,
                                           rdb_lock_policy policy, int64_t lock_timeout_us, bool *taken, rdb_error *err);
/* Row locks of one home block share an entry (a slot bitmap) where they can. */
RDB_CHECKED bool rdb_lock_acquire_row(rdb_txn *txn, uint64_t file, uint64_t address, rdb_row_lock strength,
                                      rdb_lock_policy policy, int64_t lock_timeout_us, bool *taken, rdb_error *err);
/* Does any other transaction hold a row lock here that conflicts with strength? Writers ask before they write in place; cheap where the table holds no row lock at all (one atomic load). */
bool rdb_lock_row_is_free(rdb_txn *txn, uint64_t file, uint64_t address, rdb_row_lock strength);
/* A row lock is tentative until the row was looked at: its taker may find a running writer's change there and wait for its
 * end, lock in hand to keep its place in the queue. So a writer whose own change stands in the row asks _for_writer, which passes over
 * tentative locks and waiters: all of them wait for this writer. Whoever found the row as it should be confirms the lock
 * before it lets go of the row's page. */
bool rdb_lock_row_is_free_for_writer(rdb_txn *txn, uint64_t file, uint64_t address, rdb_row_lock strength);
void rdb_lock_confirm_row(rdb_txn *txn, uint64_t file, uint64_t address);
/* Gives a lock back that is tentative still, whatever its strength; confirmed ones stay. */
void rdb_lock_leave_row(rdb_txn *txn, uint64_t file, uint64_t address);
/* For a transaction whose own change stands in the row: passes over tentative locks and waiters too. */
RDB_CHECKED bool rdb_lock_acquire_row_for_writer(rdb_txn *txn, uint64_t file, uint64_t address, rdb_row_lock strength,
                                                 rdb_lock_policy policy, int64_t lock_timeout_us, bool *taken, rdb_error *err);
/* Those who want to write a row that another has stand in a queue and get it in the order they came: each takes the row's lock, tentatively,
 * and the first of them waits for the writer's end (its xid; 0: others hold row locks, no writer). Who was let go on has the place still:
 * it keeps it to its own end when it has written (so the next one is called then, and nobody before), and leaves it when it does not write after
 * all, which a wait that failed has done by itself, and so does waiting for another row. Keys are not changed before the writer's end,
 * so a place is never stronger than NO KEY UPDATE: references to the row pass. Without a place keep and leave do nothing. */
RDB_CHECKED bool rdb_lock_wait_for_row(rdb_txn *txn, uint64_t file, uint64_t address, rdb_row_lock strength, rdb_xid writer,
                                       int64_t lock_timeout_us, rdb_error *err);
void rdb_lock_keep_place(rdb_txn *txn);
void rdb_lock_leave_place(rdb_txn *txn);
/* Waits until xid (of this transaction's PDB) has ended; one's own xid counts as ended. SKIP: true whether or not it has. */
RDB_CHECKED bool rdb_lock_wait_xid(rdb_txn *txn, rdb_xid xid, rdb_lock_policy policy, int64_t lock_timeout_us, rdb_error *err);
/* Waits until every other transaction that holds a lock on the relation now which conflicts with mode has ended, with or without an xid;
 * who comes later is neither waited for nor kept waiting. A deadlock is found as in any wait. progress (NULL: nobody asks): before each
 * wait and at the end, of how many so many have gone, and whose turn it is (0: nobody's). */
typedef void rdb_lock_progress(void *context, uint32_t total, uint32_t gone, int32_t process_id);
RDB_CHECKED bool rdb_lock_wait_holders(rdb_txn *txn, uint32_t relation_oid, rdb_lock_mode mode, rdb_lock_progress *progress, void *context, rdb_error *err);
/* Session-level and early release: advisory locks, LOCK_DATABASE. False: it was not held. */
bool rdb_lock_release(rdb_txn *txn, rdb_lock_tag tag, rdb_lock_mode mode);
bool rdb_lock_is_held(rdb_txn *txn, rdb_lock_tag tag, rdb_lock_mode mode);

/* What locks have in common over the transactions of one session: a number for messages and session-level locks. Optional:
 * a transaction without one is an owner of its own. Attach right after rdb_txn_begin; close when no transaction runs. */
typedef struct lock_owner rdb_lock_session;
RDB_CHECKED bool rdb_lock_session_open(rdb_lock_session **session, rdb_txn_manager *manager, rdb_cancel *cancel, int32_t process_id,
                                       rdb_error *err);
void rdb_lock_session_attach(rdb_lock_session *session, rdb_txn *txn);
/* The transaction goes on with all of its locks as an owner of its own; *session is a new owner with the locks of the session level. A
 * session that is NULL stays so. 55000: both levels hold a lock on the same object. */
RDB_CHECKED bool rdb_lock_session_split(rdb_lock_session **session, rdb_txn *txn, rdb_error *err);
/* Inside a transaction of the session: as rdb_lock_acquire and rdb_lock_release, held until released or the session's end
 * (pg_advisory_lock). release_all: every lock of the session level (pg_advisory_unlock_all). */
RDB_CHECKED bool rdb_lock_session_acquire(rdb_txn *txn, rdb_lock_tag tag, rdb_lock_mode mode, rdb_lock_policy policy,
                                          int64_t lock_timeout_us, bool *taken, rdb_error *err);
bool rdb_lock_session_release(rdb_txn *txn, rdb_lock_tag tag, rdb_lock_mode mode);
void rdb_lock_session_release_all(rdb_lock_session *session, uint8_t kind); /* an rdb_lock_kind, or 0: all */
void rdb_lock_session_close(rdb_lock_session **session);
/* How long a waiter waits before it looks for a deadlock (deadlock_timeout); 1 s until set. */
void rdb_lock_set_deadlock_timeout(rdb_txn_manager *manager, int64_t timeout_us);
/* A session's own: deadlock_timeout (0: the manager's), and lock_timeout for waits whose caller names none (0: none). */
void rdb_lock_session_set_timeouts(rdb_lock_session *session, int64_t deadlock_us, int64_t lock_us);

/* The relations that the transaction has locks on, in any order, each once. */
void rdb_lock_visit_relations(const rdb_txn *txn, void (*visit)(void *context, uint32_t oid), void *context);

/* Called by txn at the ends: wakes who waits. */
void rdb_lock_release_all(rdb_txn *txn);
void rdb_lock_release_level(rdb_txn *txn, uint32_t level);

typedef struct rdb_lock_info {
    rdb_lock_tag tag;
    rdb_lock_mode mode;
    bool granted;
    rdb_xid holder_xid;
    const rdb_txn *txn; /* identity only */
    int32_t process_id; /* of the session, 0 unknown */
    bool fast_path;
    int64_t waiting_since_us;
} rdb_lock_info;
/* Rows: mode is the table mode that PostgreSQL shows for the strength, b the row's address. */
/* Since the start: waits for locks of any kind, and deadlocks found. */
void rdb_lock_get_counts(const rdb_txn_manager *manager, uint64_t *waits, uint64_t *deadlocks);
void rdb_lock_visit(rdb_txn_manager *manager, void (*visit)(void *context, const rdb_lock_info *info), void *context);

#endif
