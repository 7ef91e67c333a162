/* SPDX-License-Identifier: Apache-2.0
 * SERIALIZABLE: serializable snapshot isolation (Cahill, Röhm, Fekete, SIGMOD 2008; Ports, Grittner, VLDB 2012).
 *
 * Snapshot isolation alone lets a history through that no serial order explains only where it has a *dangerous structure*: T1 read what
 * T2 then overwrote, T2 read what T3 then overwrote (rw-conflicts T1 → T2 → T3, T1 may be T3), and T3 committed first of the
 * three. If T1 writes nothing, T3 must also have committed before T1's snapshot. So each serializable transaction remembers what it
 * read (SIREAD locks: they keep nobody waiting), conflicts are noted when they appear, and one of the structure is made to fail
 * (40001) before the second of its commits that would complete it. Nothing waits, and other levels neither pay nor take part.
 *
 * - What is read: a relation as a whole (sequential scan), a range of an index's keys, a row by its home address. Rows of one
 *   page become a page, many of a relation the relation. Ranges are byte ranges of normalised keys, not leaf pages: splits do not
 *   concern them, and an insert beside a range does not conflict with it. A lock is noted *before* the pages are looked at.
 * - What is written: after the row (or the entry) stands, the writer looks for the locks of others on it. Since both sides act
 *   before they look, either the writer finds the lock or the reader meets the version.
 * - A reader that steps past a version because its snapshot is too old has a conflict with the version's writer.
 * - Commit order is that of SCNs, told inside the reservation of the log, so that it is exactly what snapshots see.
 * - What a committed transaction read and its conflicts are remembered while one runs that was concurrent with it.
 * - A READ ONLY transaction is *safe* when all read-write ones that ran at its snapshot have ended without a conflict to one that
 *   committed before the snapshot; from then on it is tracked no more. DEFERRABLE waits for that before its first statement.
 *
 * All of it stands under one mutex of the manager (rank LEAF: it is taken under page latches). */
#ifndef RDB_SSI_H
#define RDB_SSI_H

#include "txn/rdb_txn.h"

/* The snapshot of a SERIALIZABLE transaction, taken once; snapshot->tracks_reads says that reads through it are to be told. Waits
 * for a safe one where deferrable and read only. process_id is for pg_locks and pg_safe_snapshot_blocking_pids. */
RDB_CHECKED bool rdb_ssi_take_snapshot(rdb_txn *txn, bool deferrable, int32_t process_id, rdb_snapshot *snapshot, rdb_error *err);

/* Reads; asked for where snapshot->tracks_reads. Before the pages are read: */
RDB_CHECKED bool rdb_ssi_read_relation(rdb_txn *txn, uint32_t relation_oid, rdb_error *err);
RDB_CHECKED bool rdb_ssi_read_rows(rdb_txn *txn, uint32_t relation_oid, const uint64_t *addresses, uint32_t count, rdb_error *err);
/* Bounds as those of rdb_index_range. */
RDB_CHECKED bool rdb_ssi_read_range(rdb_txn *txn, uint32_t relation_oid, uint32_t index_oid, rdb_slice lower, bool lower_exclusive,
                                    rdb_slice upper, bool upper_exclusive, rdb_error *err);
/* A version that xid wrote is not in the snapshot. */
RDB_CHECKED bool rdb_ssi_read_past(rdb_txn *txn, uint32_t pdb, rdb_xid xid, rdb_error *err);

/* Writes; cheap where the transaction is not serializable. After the write. seen_xid wrote the version that was overwritten: who has
 * an older snapshot never read that one. A new row has address and seen_xid 0. */
RDB_CHECKED bool rdb_ssi_write_row(rdb_txn *txn, uint32_t relation_oid, uint64_t address, rdb_xid seen_xid, rdb_error *err);
RDB_CHECKED bool rdb_ssi_write_key(rdb_txn *txn, uint32_t relation_oid, uint32_t index_oid, rdb_slice key, rdb_error *err);
RDB_CHECKED bool rdb_ssi_write_relation(rdb_txn *txn, uint32_t relation_oid, rdb_error *err); /* TRUNCATE: all of it */
/* The rows of a relation get new homes (a rewrite), or an index goes: what was read of it becomes the whole relation. */
void rdb_ssi_widen(rdb_txn_manager *manager, uint32_t pdb, uint32_t relation_oid);
/* Compaction gives rows of a relation new homes one by one: until it is told off again, who reads any of it has read the relation. Off when no
 * snapshot is left that sees one of the old homes. Calls count. */
void rdb_ssi_keep_wide(rdb_txn_manager *manager, uint32_t pdb, uint32_t relation_oid, bool on);

/* For pg_locks: one call a lock. kind 'r' the relation, 'p' a page (block), 't' a row (address), 'k' a range of an index. */
typedef struct rdb_ssi_lock {
    uint32_t pdb, relation_oid; /* 'k': the index's oid */
    uint64_t place;
    int32_t process_id; /* 0: of a transaction that has ended */
    char kind;
} rdb_ssi_lock;
void rdb_ssi_visit(rdb_txn_manager *manager, void (*visit)(void *context, const rdb_ssi_lock *lock), void *context);
/* Whom a DEFERRABLE transaction of this process waits for; the number of them, at most max are stored. */
uint32_t rdb_ssi_blockers(rdb_txn_manager *manager, int32_t process_id, int32_t *process_ids, uint32_t max);

#endif
