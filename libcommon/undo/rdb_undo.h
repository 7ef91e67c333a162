/* SPDX-License-Identifier: Apache-2.0
 * Room undo: the version store. Every row change writes one immutable, self-contained record before it is done (R10);
 * purge and the reverter read nothing else. A running transaction owns one undo log of each class it writes (R11).
 *
 * An address is class (2 bits), log number in the class (14 bits, from 1), offset (48 bits). Offsets count the bytes of the
 * log's pages, headers included, and are never reused: offset / page size is the page, below the tail is gone. Pages lie in
 * segment files RDB_FILE_NO(RDB_FILE_UNDO, class and log number << 32 | segment + 1), 1,024 pages each, dropped whole.
 * File number 0: block 0 is the PDB's meta page, after the page header:
 *    0  8  purged SCN: commits up to it are purged, though tails may lag behind
 * and block 1 + (number - 1) * 4 + class is the meta page of a log:
 *    0  8  xid of the newest owner   8  8  offset where its records begin   16  8  tail
 *
 * Record, at a multiple of 8, running over page ends; the gap after it zero:
 *    0  4  crc32c of bytes 4 to the end          4  4  bytes
 *    8  8  xid of the writer                    16  8  xid of the version before
 *   24  8  undo address of the version before   32  8  record before in this transaction and class, 0 = its first
 *   40  8  file                                 48  8  home address of the row
 *   56  1  kind        57  1  flags             58  2  row flags of the version before
 *   60  2  its layout  62  2  keys              64  4  bytes of image
 *   68  2  delta: bytes at the start that both versions share
 *   70  2  delta: bytes between the shared ones in the newer version
 *   72  2  old overflow heads                   74  2  new overflow heads
 *   76  2  slots (bulk insert)                  78  2  zero
 *   80     image or delta, padded to 8; overflow heads {block 8, xid of their writer 8}; slots 2 each;
 *          keys {index file 8, old length 2, new length 2, slot 2, zero 2, old, new} */
#ifndef RDB_UNDO_H
#define RDB_UNDO_H

#include "txn/rdb_txn.h"

typedef struct rdb_undo rdb_undo; /* the undo store of an instance: logs of every PDB */

#define RDB_UNDO_OFFSET(address) ((address) & ((UINT64_C(1) << 48) - 1))
#define RDB_UNDO_LOG(address) ((uint16_t)((address) >> 48))
#define RDB_UNDO_ADDRESS(log, offset) ((uint64_t)(log) << 48 | (offset))

typedef enum rdb_undo_kind {
    RDB_UNDO_INSERT = 1,
    RDB_UNDO_INSERT_MANY, /* slots of the block in home */
    RDB_UNDO_UPDATE,
    RDB_UNDO_DELETE,
    RDB_UNDO_FILE_CREATE, /* an abort drops the file */
    RDB_UNDO_FILE_DROP    /* the file goes when purge comes here (R36) */
} rdb_undo_kind;
#define RDB_UNDO_IS_DELTA 1u /* image is the old bytes between the shared start and the shared end */

typedef struct rdb_undo_head { /* of a chain of overflow pages */
    uint64_t block;
    rdb_xid xid;
} rdb_undo_head;
typedef struct rdb_undo_key {
    uint64_t index_file;
    rdb_slice old_key, new_key;
    uint16_t slot; /* bulk insert: whose key */
} rdb_undo_key;

/* What a record says. When read, slices point into the reader; keys are met by rdb_undo_next_key. */
typedef struct rdb_undo_record {
    uint8_t kind, flags;
    uint16_t row_flags, layout;
    uint16_t shared_start, new_middle;
    rdb_xid xid, previous_xid;
    rdb_undo_address previous, previous_of_txn;
    uint64_t file, home;
    rdb_slice image;
    const rdb_undo_head *old_heads, *new_heads;
    const uint16_t *slots;
    const rdb_undo_key *keys; /* for writing */
    uint16_t old_head_count, new_head_count, slot_count, key_count;
    rdb_slice key_bytes;      /* from reading */
    uint32_t bytes;           /* of the record, from reading */
} rdb_undo_record;

typedef struct rdb_undo_config {
    rdb_storage *storage;
    rdb_txn_manager *txns;
} rdb_undo_config;
/* Hangs itself on the transaction manager. A PDB's logs are found at the first need. */
RDB_CHECKED bool rdb_undo_open(rdb_undo **undo, const rdb_undo_config *config, rdb_error *err);
void rdb_undo_close(rdb_undo **undo);
void rdb_undo_register_redo(void);
rdb_undo *rdb_undo_of(const rdb_txn_manager *manager);
rdb_txn_manager *rdb_undo_txns(const rdb_undo *undo);
rdb_storage *rdb_undo_storage(const rdb_undo *undo);
/* Purge and the reverter touch a PDB's files between these two; false: the PDB is retired, its records count as done. */
bool rdb_undo_work_begin(rdb_undo *undo, uint32_t pdb);
void rdb_undo_work_end(rdb_undo *undo, uint32_t pdb);
/* Before the files of a PDB are dropped: when it returns nobody touches them any more. A change logged behind the drop
 * would find no page when it is replayed. */
RDB_CHECKED bool rdb_undo_retire(rdb_undo *undo, uint32_t pdb, rdb_error *err);
/* Meets a PDB's logs now: what a crash left is queued for the reverter. */
RDB_CHECKED bool rdb_undo_attach(rdb_undo *undo, uint32_t pdb, rdb_error *err);

/* ---- appending: part of the logged change that it undoes -----------------------------------------------------------
 * begin (the heap's pages are latched, the change is set up but for its undo blocks), add, apply, end. */
#define RDB_UNDO_PAGES_MAX 8u
typedef struct rdb_undo_append {
    rdb_undo_address address, next;
    void *log;
    rdb_txn *txn;
    uint8_t *bytes;
    uint32_t page_count;
    const rdb_undo_record *record; /* the caller's, to the end */
    bool is_short; /* bytes gets it as it goes into the log, on one page; else they have it as it goes into the store */
    rdb_buffer *buffers[RDB_UNDO_PAGES_MAX];
    struct { uint8_t head[3]; uint32_t from, length; } parts[RDB_UNDO_PAGES_MAX];
    rdb_buffer *meta;
    uint64_t meta_data[2];
    uint8_t inline_bytes[1024];
} rdb_undo_append;
/* What takes long, before any latch: the transaction's xid and its log of this class. */
RDB_CHECKED bool rdb_undo_prepare(rdb_txn *txn, unsigned undo_class, rdb_xid *xid, rdb_error *err);
/* Encodes the record (previous_of_txn is filled in) and latches its pages. 54000: too large for one change. The change is one of the
 * record's xid, and short in the log where its first block is the row's home page. */
RDB_CHECKED bool rdb_undo_append_begin(rdb_undo_append *append, rdb_txn *txn, unsigned undo_class,
                                       const rdb_undo_record *record, rdb_error *err);
void rdb_undo_append_add(rdb_undo_append *append, rdb_change *change);
void rdb_undo_append_end(rdb_undo_append *append, bool applied);
/* Bytes that a record's image, keys, slots and heads may have together at most. */
uint32_t rdb_undo_bytes_max(const rdb_undo *undo);
/* Redo of an undo page in another room's record: every block whose file is of the class RDB_FILE_UNDO. */
bool rdb_undo_redo(const rdb_redo *redo, rdb_page *page, rdb_error *err);
/* A record that stands alone: a file made or dropped by this transaction. */
RDB_CHECKED bool rdb_undo_note_file(rdb_txn *txn, rdb_undo_kind kind, uint64_t file, rdb_error *err);

/* ---- reading ------------------------------------------------------------------------------------------------------- */
typedef struct rdb_undo_reader {
    uint8_t *bytes;
    uint32_t capacity;
    _Alignas(8) uint8_t inline_bytes[1024];
} rdb_undo_reader;
void rdb_undo_reader_init(rdb_undo_reader *reader);
void rdb_undo_reader_deinit(rdb_undo_reader *reader);
/* *found false: it lies below the tail. XX001 where the bytes are no record. */
RDB_CHECKED bool rdb_undo_read(rdb_undo *undo, uint32_t pdb, rdb_undo_address address, rdb_undo_reader *reader,
                               rdb_undo_record *record, bool *found, rdb_error *err);
/* *cursor starts at 0; false at the end. */
bool rdb_undo_next_key(const rdb_undo_record *record, size_t *cursor, rdb_undo_key *key);
/* The address after a record. */
rdb_undo_address rdb_undo_after(const rdb_undo *undo, rdb_undo_address address, uint32_t record_bytes);

/* ---- for the reverter and purge (upkeep) ------------------------------------------------------------------------------ */
typedef struct rdb_undo_job { /* aborted work of one transaction in one log */
    uint64_t id;            /* in the queue */
    uint32_t pdb;
    rdb_xid xid;            /* may still be about to be marked as aborted: wait while it counts as running */
    rdb_undo_address last;  /* its newest record; older ones through previous_of_txn; 0: rdb_undo_find_last tells */
    rdb_undo_address begin; /* the transaction's first record */
    bool is_savepoint;      /* xid is the oldest of its subtransactions: the first record of an older xid ends it */
    bool is_found;          /* met in the logs, after a restart: nobody knows any more which other logs hold its xids */
} rdb_undo_job;
/* Takes the oldest job; false: none. */
bool rdb_undo_take_job(rdb_undo *undo, rdb_undo_job *job);
/* The same transaction's (or savepoint's) work in another log, and for found work all that was found in the PDB: the xid of a
 * rolled-back savepoint names no parent by which its logs could be told apart. False: none is left. */
bool rdb_undo_take_sibling(rdb_undo *undo, const rdb_undo_job *job, rdb_undo_job *sibling);
/* The job is done, or given back after a failure. */
void rdb_undo_finish_job(rdb_undo *undo, const rdb_undo_job *job, bool done);
/* Fills in job->last where a restart left it open; 0 still: there is nothing (left). */
RDB_CHECKED bool rdb_undo_find_last(rdb_undo *undo, rdb_undo_job *job, rdb_error *err);
/* True while the aborted work that begins at this address is in the queue. */
bool rdb_undo_has_job(rdb_undo *undo, uint32_t pdb, rdb_undo_address begin);
/* Calls visit for each log of every attached PDB: records in [tail, end) belong to finished transactions. */
typedef struct rdb_undo_log_info {
    uint32_t pdb;
    uint16_t log;
    rdb_undo_address tail, end, next;
    uint64_t file_bytes;
} rdb_undo_log_info;
void rdb_undo_visit_logs(rdb_undo *undo, void (*visit)(void *context, const rdb_undo_log_info *info), void *context);
/* Everything below is purged: forgets it, drops whole segments. */
RDB_CHECKED bool rdb_undo_set_tail(rdb_undo *undo, uint32_t pdb, rdb_undo_address tail, rdb_error *err);

/* Commits up to scn are purged: logged before the tails that follow from it, so that none is purged twice after a crash
 * (the second time later versions would be missing from the chains). */
RDB_CHECKED bool rdb_undo_set_purged_scn(rdb_undo *undo, uint32_t pdb, rdb_scn scn, rdb_error *err);
rdb_scn rdb_undo_purged_scn(rdb_undo *undo, uint32_t pdb);
/* Queues aborted work that is not in the queue: what stood in the logs before a restart. */
void rdb_undo_add_job(rdb_undo *undo, const rdb_undo_job *job);

/* Reads every record that the logs of a PDB still keep (verify.c): each must be whole, and its predecessors older than it. */
typedef void (*rdb_undo_complain)(void *context, rdb_undo_address address, const char *problem);
RDB_CHECKED bool rdb_undo_verify(rdb_undo *undo, uint32_t pdb, rdb_cancel *cancel, rdb_undo_complain complain, void *context, uint64_t *records,
                                 rdb_error *err);

/* Purge, which lies above, can be asked to run now: VACUUM. Set by whoever opens it; NULL: there is none. cancel: of who waits, or NULL. */
void rdb_undo_set_purger(rdb_undo *undo, bool (*run)(void *context, rdb_cancel *cancel, rdb_error *err), void *context);
RDB_CHECKED bool rdb_undo_purge_now(rdb_undo *undo, rdb_cancel *cancel, rdb_error *err);
/* Runs visit when a round of purge has taken back all aborted work that there was, and before another one begins. *ran false: some of it
 * has to wait, or nobody purges. */
typedef bool (*rdb_undo_visit_at_rest)(void *context, rdb_error *err);
void rdb_undo_set_rester(rdb_undo *undo, bool (*run)(void *context, rdb_cancel *cancel, rdb_undo_visit_at_rest visit, void *visit_context, bool *ran, rdb_error *err), void *context);
RDB_CHECKED bool rdb_undo_at_rest(rdb_undo *undo, rdb_cancel *cancel, rdb_undo_visit_at_rest visit, void *context, bool *ran, rdb_error *err);

typedef struct rdb_undo_statistics {
    uint64_t logs, bytes;  /* above the tails */
    uint64_t bytes_finished; /* ... of transactions that have ended: what waits for purge */
    uint64_t file_bytes;   /* of the segments that are there */
    uint64_t jobs;         /* aborted transactions not yet reverted */
} rdb_undo_statistics;
void rdb_undo_get_statistics(rdb_undo *undo, rdb_undo_statistics *statistics);

#endif
