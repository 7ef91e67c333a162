/* SPDX-License-Identifier: Apache-2.0
 * The inside of serializable snapshot isolation: ssi.c has transactions and conflicts, ssi_locks.c what was read. */
#ifndef RDB_SSI_INT_H
#define RDB_SSI_INT_H

#include "txn/rdb_ssi.h"
#include "txn/txn_int.h"

#define SSI_BUCKETS 1024u
#define SSI_ROWS_OF_PAGE_MAX 2u   /* max_pred_locks_per_page: more become a page */
#define SSI_LOCKS_MAX 32u         /* rows and pages of one relation: more become the relation */
#define SSI_RANGES_MAX 16u
#define SSI_KEY_MAX 200u          /* a longer bound is cut, which only widens the range */
#define SSI_FIRST_USER_OID 16384u /* system catalogs are not tracked */
#define SSI_REMEMBERED_MAX 65536u

typedef struct ssi_txn ssi_txn;

typedef struct ssi_list { /* of transactions, without order */
    ssi_txn **items;
    uint32_t count, capacity;
} ssi_list;

typedef struct ssi_range {
    uint32_t index_oid;
    uint16_t lower_bytes, upper_bytes; /* 0: open */
    bool lower_exclusive, upper_exclusive;
    uint8_t *bytes; /* lower, then upper */
} ssi_range;

/* What one transaction read of one relation. */
typedef struct ssi_held {
    struct ssi_held *next_of_relation, *next_of_txn;
    ssi_txn *owner;
    uint32_t pdb, relation_oid;
    bool is_whole;
    uint16_t row_count, page_count, range_count;
    uint64_t rows[SSI_LOCKS_MAX], pages[SSI_LOCKS_MAX];
    ssi_range *ranges;
} ssi_held;

typedef struct ssi_xid { /* an xid of a remembered transaction, a subtransaction's too */
    struct ssi_xid *next, *next_of_txn;
    uint32_t pdb;
    rdb_xid xid;
    ssi_txn *owner;
} ssi_xid;

struct ssi_txn {
    ssi_txn *next, *previous; /* of the running ones, or of those that ended, oldest first */
    uint32_t pdb;
    int32_t process_id;
    rdb_xid xid;               /* top; 0: none yet */
    uint64_t begin_no, end_no; /* moments in the order of the mutex; end_no 0: runs */
    rdb_scn snapshot_scn;
    _Atomic rdb_scn commit_scn;  /* set at the record's place in the log: the order of commits */
    rdb_scn forgotten_out_scn;   /* the first commit among those it had a conflict to and that are forgotten; UINT64_MAX: none */
    bool is_declared_read_only, has_written;
    bool is_prepared;            /* its last check is behind it: it can no longer be made to fail */
    bool is_doomed;              /* made to fail, at its next step */
    bool is_safe, is_unsafe;     /* read only ones */
    bool is_waiting;             /* for safety */
    _Atomic uint32_t changed;    /* futex: safe or unsafe was decided */
    ssi_list in, out;            /* rw-conflicts: who read what this overwrote; who overwrote what this read */
    ssi_list possible;           /* read only: read-write ones that may make it unsafe; those: whom they may make so */
    ssi_held *held;
    ssi_xid *xids;
};

#define SSI_WIDE_MAX 64u
typedef struct ssi_manager {
    rdb_mutex lock; /* RDB_RANK_LEAF */
    uint64_t last_no RDB_GUARDED_BY(lock);
    ssi_txn running RDB_GUARDED_BY(lock), ended RDB_GUARDED_BY(lock); /* heads of rings */
    uint32_t ended_count RDB_GUARDED_BY(lock);
    ssi_held *relations[SSI_BUCKETS];
    ssi_xid *xids[SSI_BUCKETS];
    struct {
        uint32_t pdb, relation_oid, count; /* count 0: free */
    } wide[SSI_WIDE_MAX] RDB_GUARDED_BY(lock);
    uint32_t wide_count RDB_GUARDED_BY(lock); /* places of wide in use, from the first on */
    bool all_wide RDB_GUARDED_BY(lock);       /* more than fit were asked for: all relations, for good */
} ssi_manager;

/* ssi_locks.c; under the mutex. False: no memory. */
bool ssi_hold_relation(ssi_manager *ssi, ssi_txn *owner, uint32_t relation_oid);
bool ssi_hold_row(ssi_manager *ssi, ssi_txn *owner, uint32_t relation_oid, uint64_t address);
bool ssi_hold_range(ssi_manager *ssi, ssi_txn *owner, uint32_t relation_oid, const ssi_range *range, const uint8_t *lower, const uint8_t *upper);
void ssi_release_locks(ssi_manager *ssi, ssi_txn *owner);
void ssi_widen_relation(ssi_manager *ssi, uint32_t pdb, uint32_t relation_oid);
/* Calls found for each holder of a lock on what is written, until one returns false. */
typedef struct ssi_write {
    uint32_t pdb, relation_oid;
    enum { SSI_WRITE_ROW, SSI_WRITE_NEW_ROW, SSI_WRITE_KEY, SSI_WRITE_ALL } kind;
    uint64_t address;
    rdb_scn seen_scn; /* readers with an older snapshot are not meant */
    uint32_t index_oid;
    rdb_slice key;
} ssi_write;
bool ssi_each_reader(ssi_manager *ssi, const ssi_write *write, bool (*found)(void *context, ssi_txn *reader), void *context);

/* ssi.c: the steps of txn.c. */
ssi_manager *ssi_create(void);
void ssi_destroy(ssi_manager *ssi);
bool ssi_note_xid(rdb_txn *txn, rdb_xid xid, rdb_error *err);
bool ssi_before_commit(rdb_txn *txn, rdb_error *err); /* 40001, or from here on it can commit whatever others do */
void ssi_committing(rdb_txn *txn, rdb_scn scn);       /* inside the reservation of the log */
void ssi_end(rdb_txn *txn, bool committed);
/* For a prepared transaction: appends the oids of the relations it read; how many. After a restart all of each counts as read, and
 * whoever reads past what it wrote fails: which conflicts it had is not known any more. */
uint32_t ssi_save_relations(const rdb_txn *txn, rdb_strbuf *bytes);
bool ssi_revive(rdb_txn *txn, const uint8_t *relation_oids, uint32_t count, rdb_error *err);
void ssi_tidy(rdb_txn_manager *manager); /* a commit was published: what was kept for it alone goes */

#endif
