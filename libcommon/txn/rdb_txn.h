/* SPDX-License-Identifier: Apache-2.0
 * Room txn: transaction ids, SCNs, snapshots, commit, the commit log (xact/). Locks stand in rdb_lock.h.
 *
 * xids are 64-bit, one sequence a PDB, never reused; a row's stamp is its writer's xid for life. xact/<pdb> maps an xid
 * to what became of it, 16 bytes each, in pages of the buffer pool (RDB_FILE_XACT, page header then slots):
 *    0  8  bits 0..2 state (0 unknown = running or lost in a crash, 1 committed, 2 aborted, 3 subtransaction, 4 prepared),
 *          bits 3..63 SCN of the commit, or the xid of the transaction for a subtransaction (R9), or of an aborted one
 *          whether its work is reverted (1)
 *    8  8  first undo address
 * An xid below the tail means "committed, visible to all" (R6).
 *
 * Every commit gets the next SCN together with the position of its record in the WAL; a snapshot is one SCN and a place
 * in the transaction's own undo. Commits are published in SCN order once the flush barrier has passed them (R17). */
#ifndef RDB_TXN_H
#define RDB_TXN_H

#include "storage/rdb_storage.h"
#include "task/rdb_task.h"

typedef struct rdb_txn_manager rdb_txn_manager; /* one an instance */
typedef struct rdb_txn rdb_txn;                 /* one running transaction; belongs to a session, used by one thread at a time */

/* An undo address: log number (16 bits) and offset in it (48 bits); never reused; 0 = none (R11). */
typedef uint64_t rdb_undo_address;
enum { RDB_UNDO_PERMANENT, RDB_UNDO_CATALOG, RDB_UNDO_UNLOGGED, RDB_UNDO_TEMPORARY, RDB_UNDO_CLASS_COUNT };

/* Sees every commit up to scn, and of its own transaction what was written before own_undo (R8): so a statement does not
 * meet its own changes and a cursor sees its moment. */
typedef struct rdb_snapshot {
    rdb_scn scn;
    rdb_xid own_xid; /* top-level xid of the owner, 0 while it has none */
    rdb_undo_address own_undo[RDB_UNDO_CLASS_COUNT]; /* next address of each log at the time; UINT64_MAX: all of one's own */
    bool reads_uncommitted; /* meets the version in place, committed or not */
    bool tracks_reads;      /* SERIALIZABLE: what is read through it is told to rdb_ssi.h */
} rdb_snapshot;

typedef enum rdb_isolation {
    RDB_READ_UNCOMMITTED,
    RDB_READ_COMMITTED,
    RDB_REPEATABLE_READ,
    RDB_SERIALIZABLE
} rdb_isolation;

typedef struct rdb_txn_config {
    rdb_storage *storage;
    rdb_scn scn;          /* no commit has one at or below it: the control file's, 0 = unknown */
    int64_t retention_us; /* undo_retention: the horizon stays so far behind now */
} rdb_txn_config;
/* Registers the room's redo and opens over recovered storage: scn and xids go on above what recovery met. */
RDB_CHECKED bool rdb_txn_open(rdb_txn_manager **manager, const rdb_txn_config *config, rdb_error *err);
void rdb_txn_close(rdb_txn_manager **manager);
void rdb_txn_register_redo(void); /* before recovery */
/* What a record of the log says of the end of a transaction; false: nothing. For recovery to a point. */
typedef struct rdb_txn_end {
    bool committed; /* else aborted: scn and wall_us are 0 */
    uint32_t pdb;
    rdb_xid xid;
    rdb_scn scn;
    int64_t wall_us;
} rdb_txn_end;
bool rdb_txn_record_is_end(const rdb_wal_record *record, uint32_t page_bytes, rdb_txn_end *end);
/* The first transaction ids and xact file of a new PDB. */
RDB_CHECKED bool rdb_txn_create_pdb(rdb_txn_manager *manager, uint32_t pdb, rdb_error *err);
rdb_scn rdb_txn_published_scn(const rdb_txn_manager *manager); /* durable; one atomic load */
rdb_scn rdb_txn_recorded_scn(const rdb_txn_manager *manager); /* outcomes up to it are known, locks have fallen; not all durable yet */
rdb_scn rdb_txn_visible_scn(const rdb_txn_manager *manager); /* what a snapshot taken now has: commits that do not wait for the log too */
/* No snapshot older than this will ever be asked for: what purge may remove (undo_retention keeps it back). */
rdb_scn rdb_txn_horizon(rdb_txn_manager *manager);
/* The oldest snapshot that anyone holds, which the horizon does not pass; UINT64_MAX: nobody holds one. */
rdb_scn rdb_txn_oldest_snapshot(rdb_txn_manager *manager);
/* Old versions take more room than they may: snapshots older than this published SCN are expired, undo_retention is given up for what lies
 * below it. Reads through them get 72000 from here on. The horizon then. For purge's thread alone. */
rdb_scn rdb_txn_expire(rdb_txn_manager *manager, rdb_scn scn);
uint64_t rdb_txn_expired_count(const rdb_txn_manager *manager); /* how many snapshots that befell */
/* 72000 where the snapshot is expired. Asked after a page was read and before what was found in it is used: purge may have been there. */
RDB_CHECKED bool rdb_txn_check_snapshot(const rdb_txn_manager *manager, const rdb_snapshot *snapshot, rdb_error *err);
/* Wall time (timestamptz microseconds) near which an SCN was committed, and back; for AS OF and PITR. */
rdb_scn rdb_txn_scn_at_time(rdb_txn_manager *manager, int64_t wall_us);
bool rdb_txn_time_of_scn(rdb_txn_manager *manager, rdb_scn scn, int64_t *wall_us); /* false: not known any more, or not yet */

/* cancel and waits: what a wait inside listens to; both outlive the transaction. */
RDB_CHECKED bool rdb_txn_begin(rdb_txn_manager *manager, uint32_t pdb, rdb_isolation isolation, bool read_only,
                               rdb_cancel *cancel, rdb_txn **txn, rdb_error *err);
uint32_t rdb_txn_pdb(const rdb_txn *txn);
rdb_isolation rdb_txn_get_isolation(const rdb_txn *txn);
bool rdb_txn_is_read_only(const rdb_txn *txn);
/* The current (sub)transaction's xid, assigned at the first write; 0 while there is none. */
rdb_xid rdb_txn_xid(const rdb_txn *txn);
rdb_xid rdb_txn_top_xid(const rdb_txn *txn); /* the transaction's own; 0 while there is none */
RDB_CHECKED bool rdb_txn_assign_xid(rdb_txn *txn, rdb_xid *xid, rdb_error *err);
bool rdb_txn_is_own(const rdb_txn *txn, rdb_xid xid); /* top or any of its subtransactions, aborted ones too */

/* The session's last commit: no later snapshot of this transaction is older, published or not (R17). */
void rdb_txn_set_session_scn(rdb_txn *txn, rdb_scn scn);
/* The transaction built on this commit, which may be recorded and not yet published. rdb_txn_wait_met returns when all
 * such are published: a session calls it before a reply leaves, except under synchronous_commit = off. */
void rdb_txn_note_met(rdb_txn *txn, rdb_scn scn);
RDB_CHECKED bool rdb_txn_wait_met(rdb_txn *txn, rdb_error *err);

/* A snapshot of now, for a statement (READ COMMITTED) or the transaction (higher levels: the caller keeps it). While the
 * transaction holds a snapshot the horizon stays at or below it; hold/drop count, as cursors need. The one taken last needs
 * no hold; a statement that runs others inside holds its own. */
void rdb_txn_take_snapshot(rdb_txn *txn, rdb_snapshot *snapshot);
void rdb_txn_hold_snapshot(rdb_txn *txn, const rdb_snapshot *snapshot);
void rdb_txn_drop_snapshot(rdb_txn *txn, const rdb_snapshot *snapshot);
/* The database as it was when scn was published (AS OF), for one who holds the snapshot now; held until it is dropped. 72000: undo_retention
 * does not reach so far back; 22023: a future one. What the transaction itself did is not in it. */
RDB_CHECKED bool rdb_txn_snapshot_as_of(rdb_txn *txn, const rdb_snapshot *now, rdb_scn scn, rdb_snapshot *snapshot, rdb_error *err);
/* The oldest snapshot that the transaction reads with from here on, among those it holds or took last; UINT64_MAX: it has none. */
rdb_scn rdb_txn_own_oldest(const rdb_txn *txn);
/* Between statements: only what is held keeps the horizon back, so that a session that idles in a transaction does not. */
void rdb_txn_end_statement(rdb_txn *txn);
/* Others may take the snapshot by its name while this transaction runs. Import: before the transaction has one; it is held from then on.
 * 22023: there is none of that name (any more). */
RDB_CHECKED bool rdb_txn_export_snapshot(rdb_txn *txn, const rdb_snapshot *snapshot, uint32_t process_id, char id[40], rdb_error *err);
RDB_CHECKED bool rdb_txn_import_snapshot(rdb_txn *txn, const char *id, rdb_snapshot *snapshot, rdb_error *err);
/* From here on snapshots of this transaction have every commit whose locks have fallen, published or not; replies wait for those. For
 * whoever got a lock: what its former holder did must be seen. Checks of foreign keys need it with every look. */
void rdb_txn_join_recorded(rdb_txn *txn);
/* The latest committed state plus all of one's own: catalog reads (R44). Good until the next one, and the statement's end. */
void rdb_txn_latest_snapshot(rdb_txn *txn, rdb_snapshot *snapshot);

/* synchronous_commit; LATER: the caller sees to it that no reply leaves before *scn is published, and needs no thread for that. */
typedef enum rdb_commit_wait { RDB_COMMIT_NO_WAIT, RDB_COMMIT_LOCAL, RDB_COMMIT_LATER } rdb_commit_wait;
/* True: durable (as commit_wait asks) and published; the handle is gone. False: it is aborted, the handle is gone too. *scn: its own, 0 where
 * it wrote nothing; with LATER the newest commit that it built on where that is newer. */
bool rdb_txn_commit(rdb_txn **txn, rdb_commit_wait wait, rdb_scn *scn, rdb_error *err);
rdb_scn rdb_txn_met_scn(const rdb_txn *txn); /* what rdb_txn_wait_met would wait for */
/* Returns when all up to scn is recorded: a snapshot of it may be taken. */
void rdb_txn_wait_recorded(rdb_txn_manager *manager, rdb_scn scn);
/* Returns when all up to scn is published. False (58030): the log cannot be written, it may become durable yet. */
RDB_CHECKED bool rdb_txn_wait_published(rdb_txn_manager *manager, rdb_scn scn, rdb_error *err);
/* The same without a thread that sleeps: call is made on the committer's thread, after a sync that it leads for all who asked, and must not
 * wait for anything. The ticket is the caller's, and its own again when call begins. failure: NULL where it is published. */
typedef struct rdb_publish_ticket {
    rdb_scn scn;
    void (*call)(void *context, const rdb_error *failure);
    void *context;
    struct rdb_publish_ticket *next;
} rdb_publish_ticket;
void rdb_txn_when_published(rdb_txn_manager *manager, rdb_publish_ticket *ticket);
/* Marks it aborted and returns at once, whatever its size: readers step over its stamps, the reverter follows. */
void rdb_txn_abort(rdb_txn **txn);

/* Savepoints: a level that writes gets an xid of its own. Levels count from 1 (0 = the transaction itself). */
RDB_CHECKED bool rdb_txn_push_level(rdb_txn *txn, uint32_t *level, rdb_error *err);
void rdb_txn_release_level(rdb_txn *txn, uint32_t level);     /* its work joins the level below; levels above go too */
void rdb_txn_rollback_level(rdb_txn *txn, uint32_t level);    /* undoes it and those above; the level is gone */
uint32_t rdb_txn_current_level(const rdb_txn *txn);

/* What upper rooms hang on a transaction. At commit: bytes that go into the commit record (R18) and calls made after the
 * record is inserted and before locks fall; at abort (of the level or the whole): calls too. Newest first. */
typedef enum rdb_txn_event { RDB_TXN_PRE_COMMIT, RDB_TXN_COMMITTED, RDB_TXN_ABORTED, RDB_TXN_LEVEL_RELEASED, RDB_TXN_LEVEL_ABORTED, RDB_TXN_PREPARED } rdb_txn_event;
/* PRE_COMMIT may fail (deferred checks): then the transaction aborts with err. PREPARED is the last event that a hook hears: what is to be
 * done at the commit must stand in a payload. level: of the event. */
typedef bool (*rdb_txn_callback)(void *context, rdb_txn *txn, rdb_txn_event event, uint32_t level, rdb_error *err);
void rdb_txn_add_callback(rdb_txn *txn, rdb_txn_callback callback, void *context);
/* The same for what belongs to the transaction as a whole, whichever level it begins in: it stays when that level is rolled back, and is
 * told of the events of all levels. */
void rdb_txn_add_whole_callback(rdb_txn *txn, rdb_txn_callback callback, void *context);
void rdb_txn_add_commit_payload(rdb_txn *txn, uint16_t kind, const void *bytes, uint32_t length); /* copied */
/* Recovery and standbys meet the payloads through this, and COMMIT PREPARED before locks fall. */
void rdb_txn_register_payload(uint16_t kind, void (*replay)(void *context, uint32_t pdb, const void *bytes, uint32_t length), void *context);
/* Who wants to have the payloads of one kind in the order of the log without reading it: made gets a copy ready, placed is told its
 * place (inside the reservation: it must be short), ended where the record ends; 0: it was not logged after all. */
typedef struct rdb_txn_payload_watch {
    uint16_t kind;
    void *(*made)(void *context, const void *bytes, uint32_t length); /* NULL: no memory, the commit fails */
    void (*placed)(void *context, void *copy, rdb_lsn lsn, const rdb_txn_end *end);
    void (*ended)(void *context, void *copy, rdb_lsn end_lsn);
    void *context;
} rdb_txn_payload_watch;
void rdb_txn_watch_payload(rdb_txn_manager *manager, const rdb_txn_payload_watch *watch); /* NULL: nobody any more; no transaction runs */
/* The payload of that kind in a commit record read from the log. *found false: it is none, or has none. XX001: it is cut. */
RDB_CHECKED bool rdb_txn_record_payload(const rdb_wal_record *record, uint16_t kind, rdb_slice *payload, rdb_txn_end *end, bool *found, rdb_error *err);
rdb_arena *rdb_txn_arena(rdb_txn *txn); /* lives to the end of the transaction */

/* ---- two-phase commit (prepare.c) ----------------------------------------------------------------------------------
 * A prepared transaction has a name, survives restarts with its locks, and belongs to no session; anyone may end it. */
#define RDB_GID_BYTES_MAX 199u
typedef struct rdb_prepared_info {
    uint32_t pdb, role_oid; /* who prepared it */
    rdb_xid xid;
    int64_t prepared_us;
    char gid[RDB_GID_BYTES_MAX + 1];
} rdb_prepared_info;
struct lock_owner;
/* True: durable, and the handle is gone; *session (may point to NULL) is another one from here on, with the locks of the session's own
 * level. False: it is aborted and the handle is gone, but where waiting for the log failed (58030), as in rdb_txn_commit.
 * 42710, 53200 (count_max are prepared already), 22023, 0A000 (exported snapshots), 55000 (a lock of the session's level and its own). */
bool rdb_txn_prepare(rdb_txn **txn, struct lock_owner **session, const char *gid, uint32_t role_oid, uint32_t count_max, rdb_error *err);
bool rdb_txn_find_prepared(rdb_txn_manager *manager, const char *gid, rdb_prepared_info *info);
RDB_CHECKED bool rdb_txn_list_prepared(rdb_txn_manager *manager, rdb_arena *arena, rdb_prepared_info **list, uint32_t *count, rdb_error *err);
uint32_t rdb_txn_count_prepared(rdb_txn_manager *manager, uint32_t pdb);
/* 42704: there is none; 55000: someone is at it. When a commit cannot be logged it stays prepared. */
RDB_CHECKED bool rdb_txn_end_prepared(rdb_txn_manager *manager, const char *gid, bool commits, rdb_commit_wait wait, rdb_scn *scn, rdb_error *err);

/* ---- what became of an xid ---------------------------------------------------------------------------------------- */
typedef enum rdb_xid_state { RDB_XID_RUNNING, RDB_XID_COMMITTED, RDB_XID_ABORTED } rdb_xid_state;
/* Resolves subtransactions through their parents. COMMITTED: *scn is its SCN (0: below the tail, visible to all). It may
 * be recorded and not yet published. */
RDB_CHECKED bool rdb_txn_resolve(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid, rdb_xid_state *state, rdb_scn *scn, rdb_error *err);
/* The one visibility test: is the version that xid wrote at undo (its own record's address) part of the snapshot? */
RDB_CHECKED bool rdb_txn_sees(rdb_txn_manager *manager, uint32_t pdb, const rdb_snapshot *snapshot, const rdb_txn *own,
                              rdb_xid xid, rdb_undo_address undo, bool *visible, rdb_error *err);

/* As resolve, and for a subtransaction also which transaction it belongs to: what a waiter waits for. */
RDB_CHECKED bool rdb_txn_resolve_top(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid, rdb_xid_state *state, rdb_scn *scn,
                                     rdb_xid *top, rdb_error *err);
/* Is xid one of this transaction's that a rolled-back savepoint undid? */
bool rdb_txn_is_own_aborted(const rdb_txn *txn, rdb_xid xid);
/* xids below X are finished, their aborts are reverted and their commits lie below every horizon: forgets them (R6). */
RDB_CHECKED bool rdb_txn_cut(rdb_txn_manager *manager, uint32_t pdb, rdb_xid below, rdb_error *err);
/* An aborted xid whose work is all reverted: remembered in its slot, so that a restart does not revert it again over what
 * came after. False in *reverted also for xids that did not abort. */
RDB_CHECKED bool rdb_txn_mark_reverted(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid, rdb_error *err);
RDB_CHECKED bool rdb_txn_is_reverted(rdb_txn_manager *manager, uint32_t pdb, rdb_xid xid, bool *reverted, rdb_error *err);
/* Every xid of the PDB below it has ended. */
RDB_CHECKED bool rdb_txn_oldest_xid(rdb_txn_manager *manager, uint32_t pdb, rdb_xid *xid, rdb_error *err);
RDB_CHECKED bool rdb_txn_next_xid(rdb_txn_manager *manager, uint32_t pdb, rdb_xid *xid, rdb_error *err); /* all that were given out lie below */
rdb_xid rdb_txn_tail(rdb_txn_manager *manager, uint32_t pdb); /* where the commit log begins */
rdb_scn rdb_txn_highest_scn(const rdb_txn_manager *manager); /* given out */
void rdb_txn_set_retention(rdb_txn_manager *manager, int64_t retention_us);
int64_t rdb_txn_retention(const rdb_txn_manager *manager);
/* Differs between any two managers that this process ever opened: a key for caches. */
uint64_t rdb_txn_instance_no(const rdb_txn_manager *manager);
rdb_txn_manager *rdb_txn_manager_of(const rdb_txn *txn);
rdb_cancel *rdb_txn_cancel(const rdb_txn *txn);

/* ---- for the undo room ---------------------------------------------------------------------------------------------
 * What it keeps with a transaction, one pointer a class; told at the end what became of it. */
typedef struct rdb_txn_undo_ops {
    /* Called before xid (the transaction's, or that of a subtransaction that is being rolled back, with it all above) is
     * marked as aborted: once it is, others build over its work, and the work to revert must be known by then. */
    void (*aborting)(void *context, rdb_txn *txn, rdb_xid xid);
    /* The outcome is recorded; scn is 0 for an abort. */
    void (*ended)(void *context, rdb_txn *txn, bool committed, rdb_scn scn);
    /* Meets the PDB's logs: those of transactions that a restart found prepared are theirs again. */
    bool (*attach)(void *context, uint32_t pdb, rdb_error *err);
    void *context;
} rdb_txn_undo_ops;
void rdb_txn_set_undo_ops(rdb_txn_manager *manager, const rdb_txn_undo_ops *ops); /* before the first write */
void *rdb_txn_undo_context(const rdb_txn_manager *manager);
void *rdb_txn_get_undo_state(const rdb_txn *txn, unsigned undo_class);
void rdb_txn_set_undo_state(rdb_txn *txn, unsigned undo_class, void *state);
/* A record was appended: where it stands, and where the next one of this class will. */
void rdb_txn_note_undo(rdb_txn *txn, unsigned undo_class, rdb_undo_address written, rdb_undo_address next);
/* The prepared transaction that writes this log (the top 16 bits of its addresses), with its newest record; NULL: none does. */
rdb_txn *rdb_txn_owner_of_undo_log(rdb_txn_manager *manager, uint32_t pdb, uint16_t log_number, rdb_undo_address *last);
/* Where its next record of each class will stand; equal twice: it logged no undo between. */
void rdb_txn_get_undo_ends(const rdb_txn *txn, rdb_undo_address ends[RDB_UNDO_CLASS_COUNT]);
/* The class an address belongs to: its top two bits. */
#define RDB_UNDO_CLASS(address) ((unsigned)((address) >> 62))

/* For pg_stat_activity and pg_locks: calls visit for every running transaction. */
typedef struct rdb_txn_info {
    uint32_t pdb;
    rdb_xid xid;
    rdb_scn snapshot_scn;
    int64_t started_us;
    rdb_isolation isolation;
} rdb_txn_info;
void rdb_txn_visit(rdb_txn_manager *manager, void (*visit)(void *context, const rdb_txn_info *info), void *context);

#endif
