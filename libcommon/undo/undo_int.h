/* SPDX-License-Identifier: Apache-2.0
 * The inside of the undo store. */
#ifndef RDB_UNDO_INT_H
#define RDB_UNDO_INT_H

#include "undo/rdb_undo.h"

#define UNDO_SEGMENT_PAGES 1024u
#define UNDO_LOGS_MAX 16383u
#define UNDO_HEADER_BYTES 80u
#define UNDO_BUCKETS 256u
enum { UNDO_OP_META_INIT = 1, UNDO_OP_TAIL, UNDO_OP_APPEND, UNDO_OP_PURGED };
/* The data of an undo page's reference in the log: 1 byte UNDO_PART_*; then, but for SHORT, 2 bytes position and the bytes that go there.
 * SHORT: a record that fits its page, which goes behind what is there. What the WAL record says (its xid, and for a row the file and
 * block of its first reference) and what follows from the record's own address and length is left out. Numbers are the WAL's:
 *    1 byte   SHORT_*
 *    numbers  slot of the row (HAS_PLACE: file, turned left by 8 bits, and home); row flags; layout; bytes of image
 *    numbers  HAS_PREVIOUS: xid less that of the version before; log and offset of the version before
 *             HAS_OLDER: how far before this record the transaction's record before it begins
 *             IS_DELTA: shared start, new middle
 *             HAS_LISTS: old heads, new heads, slots, keys; of each key: index file, turned left by 8 bits, old and new length, slot
 *    .        image, heads and slots as in the record, of each key its old and new bytes */
#define UNDO_PART_FRESH 1u /* the page is built from nothing */
#define UNDO_PART_SHORT 2u
#define UNDO_SHORT_KIND 7u
#define UNDO_SHORT_IS_DELTA 8u
#define UNDO_SHORT_HAS_PREVIOUS 16u
#define UNDO_SHORT_HAS_OLDER 32u
#define UNDO_SHORT_HAS_LISTS 64u
#define UNDO_SHORT_HAS_PLACE 128u /* it is of another file or page than the WAL record's first reference */
#define UNDO_SHORT_NUMBERS_MAX 17u /* without those of keys */

typedef struct undo_meta { /* as on the page */
    uint64_t owner_xid, begin, tail;
} undo_meta;
_Static_assert(sizeof(undo_meta) == 24, "the drawing in rdb_undo.h and the struct disagree");

typedef struct undo_header { /* as in the log */
    uint32_t crc, bytes;
    uint64_t xid, previous_xid, previous, previous_of_txn, file, home;
    uint8_t kind, flags;
    uint16_t row_flags, layout, key_count;
    uint32_t image_bytes;
    uint16_t shared_start, new_middle, old_heads, new_heads, slots, zero;
} undo_header;
_Static_assert(sizeof(undo_header) == UNDO_HEADER_BYTES, "the drawing in rdb_undo.h and the struct disagree");
_Static_assert(offsetof(undo_header, kind) == 56 && offsetof(undo_header, image_bytes) == 64 && offsetof(undo_header, slots) == 76,
               "the drawing in rdb_undo.h and the struct disagree");

typedef struct undo_pdb undo_pdb;
/* While owned, next, begin and last_record change by the owner's thread alone; the atomics are what others look at. */
typedef struct undo_log {
    undo_pdb *pdb;
    uint16_t number;          /* class and number: the top 16 bits of its addresses */
    _Atomic uint64_t next;    /* offset where the next record begins */
    _Atomic uint64_t tail;    /* offsets below are gone */
    _Atomic uint64_t end;     /* records below belong to finished transactions */
    uint64_t begin;           /* of the owner's records */
    rdb_undo_address last_record;
    uint64_t first_segment;   /* files below are gone; it falls behind the tail's where one could not be removed */
    uint64_t segments;        /* files made so far */
    uint64_t kept_page;       /* pages before it that lie below the tail have left the pool; purge's thread alone */
    uint64_t old_pages;       /* pages before it were there when the log was opened: a crash may have torn them on disk */
    bool has_written;         /* the owner's name stands in the meta page */
    struct undo_log *next_free;
} undo_log;

struct undo_pdb {
    undo_pdb *next;
    uint32_t pdb;
    _Atomic rdb_scn purged_scn;
    _Atomic bool is_retired;    /* its database is being dropped: its files are not to be touched */
    _Atomic uint32_t workers;   /* who touches them right now on undo's behalf */
    rdb_mutex lock; /* RDB_RANK_UNDO: free lists, making logs */
    undo_log *free_logs[RDB_UNDO_CLASS_COUNT] RDB_GUARDED_BY(lock);
    undo_log *_Atomic *logs[RDB_UNDO_CLASS_COUNT]; /* [number - 1], read without the lock */
    _Atomic uint32_t log_count[RDB_UNDO_CLASS_COUNT];
};

typedef struct undo_job {
    struct undo_job *next;
    rdb_undo_job job;
    bool taken;
} undo_job;

struct rdb_undo {
    rdb_storage *storage;
    rdb_txn_manager *txns;
    uint32_t page_bytes, page_shift;
    rdb_mutex lock;                       /* RDB_RANK_UPKEEP: attaching PDBs */
    _Atomic(undo_pdb *) pdbs[UNDO_BUCKETS];
    bool (*purger)(void *context, rdb_cancel *cancel, rdb_error *err); /* set while one thread runs */
    void *purger_context;
    bool (*rester)(void *context, rdb_cancel *cancel, rdb_undo_visit_at_rest visit, void *visit_context, bool *ran, rdb_error *err);
    void *rester_context;
    rdb_mutex jobs_lock;                  /* RDB_RANK_LEAF */
    undo_job *jobs RDB_GUARDED_BY(jobs_lock), **jobs_end RDB_GUARDED_BY(jobs_lock);
    uint64_t job_count RDB_GUARDED_BY(jobs_lock), next_job_id RDB_GUARDED_BY(jobs_lock);
};

/* short.c. The bytes that a record of this length takes in its short form at most; makes it; makes the record of it, in at least what is
 * left of a page behind position, its gap included. False: the bytes are no record that fits there. first: of the change; older: the
 * transaction's record before, in the same log. */
uint32_t undo_short_bytes_max(const rdb_undo_record *record, uint32_t length);
uint32_t undo_shorten(const rdb_undo_record *record, const rdb_page_tag *first, rdb_undo_address address, rdb_undo_address older, uint8_t *bytes);
bool undo_expand(const rdb_redo *redo, uint32_t position, const uint8_t *data, uint32_t data_bytes, uint8_t *record, uint32_t *padded);

/* logs.c */
bool undo_find_pdb(rdb_undo *undo, uint32_t pdb, undo_pdb **found, rdb_error *err);
undo_log *undo_find_log(undo_pdb *pdb, uint16_t number);
rdb_page_tag undo_page_tag(const rdb_undo *undo, const undo_log *log, uint64_t offset);
rdb_page_tag undo_meta_tag(const undo_log *log);
/* The log that the transaction owns in this class; takes one at the first call. */
bool undo_own_log(rdb_undo *undo, rdb_txn *txn, unsigned undo_class, undo_log **log, rdb_error *err);
bool undo_ensure_segment(rdb_undo *undo, undo_log *log, uint64_t offset, rdb_error *err);
/* offset + bytes, stepping over page headers; never the very end of a page. */
uint64_t undo_advance(const rdb_undo *undo, uint64_t offset, uint32_t bytes);

#endif
