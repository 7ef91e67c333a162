/* SPDX-License-Identifier: Apache-2.0
 * Room wal: the redo log alone: insert, flush, read. It knows records and bytes, no pages.
 *
 * The log is a run of bytes cut into segments of equal size, zero-filled before use and recycled after. An LSN is the
 * byte position of a record in it. One record format serves recovery, archiving, standbys and incremental backup.
 *
 * Segment file "<16 hex digits of its number>", first 64 bytes:
 *    0  8  magic "RDBWAL03"        8  8  system id          16  8  segment number
 *   24  4  segment bytes          28  4  incarnation        32  2  thread      34 26 zero      60  4  crc32c of 0..59
 * LSN of a segment's first byte = number * segment bytes; a record may run over into the next segment's byte 64.
 *
 * Record, starting at a multiple of 8, the gap zero:
 *    0  4  bytes of the record, this header included, the gap not
 *    4  4  crc32c of: LSN 8, thread 2, incarnation 4, system id 8 (as bytes), then the record from byte 8 on. So neither
 *          a recycled segment nor another instance's can replay (R23).
 *    8  1  resource                 9  1  operation, the resource's own       10  1  block references
 *   11     numbers (7 bits a byte, the lowest first, bit 7: more follow): xid, 0 = none; pdb, 0 = the instance
 *     .    block references, each (pack.c):
 *            1  flags RDB_WAL_BLOCK_*          1  fork, only with RDB_WAL_BLOCK_FORK
 *            1  which of the file's 8 bytes are not zero, and these
 *            numbers: block, change number of the page before this change (R21), bytes of data, and with an image its bytes
 *         with RDB_WAL_BLOCK_DATA_LZ4 the data is: plain bytes 4, then the compressed ones
 *         with RDB_WAL_BLOCK_DATA_PACKED: plain bytes (a number), then for each 8 of them 1 byte: which are not zero, and these
 *     .    for each reference its image then its data
 *     .    main data, to the end
 */
#ifndef RDB_WAL_H
#define RDB_WAL_H

#include "os/rdb_os.h"

typedef uint64_t rdb_lsn; /* 0 is before every record */
typedef uint64_t rdb_scn; /* system change number; 0 = none, the first commit has 1 */
typedef uint64_t rdb_xid; /* transaction id of one PDB; 0 = none */

typedef struct rdb_wal rdb_wal;

/* Who owns a record: one redo function each, registered with storage (pages) and upkeep (records without pages). */
typedef enum rdb_resource {
    RDB_RESOURCE_WAL = 1,    /* checkpoints, no-ops */
    RDB_RESOURCE_STORAGE,    /* create, drop, truncate of files; raw page images */
    RDB_RESOURCE_TXN,        /* commit, abort, prepare, xid blocks, xact slots */
    RDB_RESOURCE_UNDO,       /* undo pages and log meta pages */
    RDB_RESOURCE_HEAP,
    RDB_RESOURCE_BTREE,
    RDB_RESOURCE_SEQUENCE,
    RDB_RESOURCE_CATALOG,
    RDB_RESOURCE_AUDIT,      /* events of the audit that are no part of a commit (audit/rdb_audit.h) */
    RDB_RESOURCE_COUNT
} rdb_resource;

#define RDB_WAL_SEGMENT_HEADER_BYTES 64u
/* The header as inserters hand it in:
 *    0  8  the log's                 8  8  xid                16  4  pdb
 *   20  1  resource                 21  1  operation         22  1  block references      23  1  zero */
#define RDB_WAL_HEADER_BYTES 24u
#define RDB_WAL_BLOCK_BYTES_MAX 40u
#define RDB_WAL_NUMBER_BYTES_MAX 10u
#define RDB_WAL_BLOCKS_MAX 32u
#define RDB_WAL_RECORD_MAX (UINT32_C(1) << 30)
#define RDB_WAL_BLOCK_IMAGE 1u     /* the page before the change */
#define RDB_WAL_BLOCK_IMAGE_LZ4 2u /* ... compressed; the page's hole between lower and upper is zeroed first */
#define RDB_WAL_BLOCK_INIT 4u      /* the redo function builds the page from nothing: no image, no change number check */
#define RDB_WAL_BLOCK_DATA_LZ4 8u  /* the block's data is compressed: what builds a page anew, mostly */
#define RDB_WAL_BLOCK_DATA_PACKED 16u /* the block's data without its zero bytes: small changes */
#define RDB_WAL_BLOCK_FORK 64u     /* in the log only: another fork than the first */
#define RDB_WAL_PACKED_PLAIN_MAX 1024u
#define RDB_WAL_BLOCK_DATA_PLAIN_MAX (UINT32_C(1) << 20) /* bytes of data that are worth it; more stays as it is */

typedef struct rdb_wal_config {
    const char *directory;
    uint64_t system_id;
    uint32_t segment_bytes; /* power of two, 1 MiB .. 256 MiB */
    uint32_t ring_bytes;    /* of the insert buffer, a power of two; a record larger than it is streamed through */
    uint32_t incarnation;
    uint16_t thread_no;
    bool sync;              /* false: storage.fsync off; a reader with it makes a segment durable before reading it */
    /* Called once when a sync failed or the log cannot go on, just before the process ends: for a line in the log. */
    void (*on_failure)(void *context, const rdb_error *err);
    void *failure_context;
} rdb_wal_config;

/* Opens for inserting at end_lsn (where rdb_wal_reader found the end; segment_bytes + 64 for a new log), zeroing what lies
 * behind it in its segment. Starts the writer thread, which writes the ring out every so often so that few bytes wait
 * when a commit asks. */
RDB_CHECKED bool rdb_wal_open(rdb_wal **wal, const rdb_wal_config *config, rdb_lsn end_lsn, rdb_error *err);
/* Flushes what is there and closes. */
bool rdb_wal_close(rdb_wal **wal, rdb_error *err);
uint16_t rdb_wal_thread_no(const rdb_wal *wal);
/* The file that holds the byte before lsn, and where in a file lsn stands. */
void rdb_wal_locate(const rdb_wal *wal, rdb_lsn lsn, char file_name[17], uint32_t *offset);

typedef struct rdb_wal_piece {
    const void *bytes;
    uint32_t length;
} rdb_wal_piece;

/* Called inside the reservation, in LSN order over all threads: the place where a commit's SCN is drawn (R17). It may
 * change the bytes of the pieces, those of the header excepted, and must be short. */
typedef void (*rdb_wal_at_position)(void *context, rdb_lsn lsn);

/* Copies the pieces (the first begins with the 24-byte header) into the log as one record.
 * *lsn is where it begins, *end_lsn where it ends: wait for that to be durable. Threads insert in parallel. Waits for
 * room in the ring. Fails with nothing inserted (53100, 58030) when the log cannot be written any more; the failure of a
 * sync is final and ends the process after the log line (the kernel may have dropped the bytes). */
RDB_CHECKED bool rdb_wal_insert(rdb_wal *wal, const rdb_wal_piece *pieces, uint32_t piece_count,
                                rdb_wal_at_position at_position, void *context, rdb_lsn *lsn, rdb_lsn *end_lsn,
                                rdb_error *err);

/* Sees to it that the next record of so many bytes has its room on disk, by the file kept in reserve where the disk is
 * full: for the record that lets the log shrink again, a checkpoint's. Who inserts between may take the room. */
RDB_CHECKED bool rdb_wal_secure_room(rdb_wal *wal, uint64_t bytes, rdb_error *err);

/* Returns when all up to lsn is durable. One of the waiting threads leads: it writes and syncs for all (group flush).
 * False (58030): a write failed; the bytes stay in the ring, so the record may become durable yet: its outcome is unknown. */
RDB_CHECKED bool rdb_wal_flush(rdb_wal *wal, rdb_lsn lsn, rdb_error *err);
/* Would a flush begin now though another one runs? It does where syncs take long. A hint. */
bool rdb_wal_syncs_overlap(const rdb_wal *wal);
rdb_lsn rdb_wal_durable_lsn(const rdb_wal *wal); /* one atomic load */
rdb_lsn rdb_wal_insert_lsn(const rdb_wal *wal);  /* where the next record would begin */
/* Called after every advance of the durable LSN, on the leader's thread (any thread that flushes, an evicting reader too, so it
 * takes no lock of a rank below LEAF; several at a time, not always in the order of what they report); the barrier and the publishing of commits hang on it.
 * When this returns nobody is inside the former hook any more; NULL ends it. Not to be called from a hook. */
void rdb_wal_set_durable_hook(rdb_wal *wal, void (*hook)(void *context, rdb_lsn durable), void *context);

/* The redo gate (R19). A change enters the gate before it decides on full-page images and leaves it when its pages are
 * marked dirty; fixing a redo point waits until nobody is inside, takes the insert position, and lets the next ones in
 * with it. Entering is striped and cheap; do not sleep on a client or a lock inside, and do not enter twice (rdb_change_apply
 * enters by itself). Enter and leave on the same thread. */
void rdb_wal_gate_enter(rdb_wal *wal);
void rdb_wal_gate_leave(rdb_wal *wal);
rdb_lsn rdb_wal_redo_point(const rdb_wal *wal); /* a page with an LSN <= it gets an image; valid inside the gate */
rdb_lsn rdb_wal_fix_redo_point(rdb_wal *wal);   /* the checkpoint's first step */
void rdb_wal_set_redo_point(rdb_wal *wal, rdb_lsn lsn); /* after recovery */

/* Finishes the running segment: a record of zeroes fills it, and the next one begins a new segment. *end_lsn is where it ends; at a
 * segment's very beginning there is nothing to finish, and it is there already. */
RDB_CHECKED bool rdb_wal_switch(rdb_wal *wal, rdb_lsn *end_lsn, rdb_error *err);
enum { RDB_WAL_OP_SWITCH = 3 }; /* of RDB_RESOURCE_WAL; means nothing */

/* Segments below this LSN are needed no more: recycled or removed. */
RDB_CHECKED bool rdb_wal_release(rdb_wal *wal, rdb_lsn below, rdb_error *err);

typedef struct rdb_wal_statistics {
    uint64_t records, bytes, images, syncs, flush_waits; /* flush_waits / syncs: how many commits a sync carries */
    uint64_t writes, ring_full; /* transfers to the files; records that had to write the ring out to find room in it */
    uint64_t write_us, sync_us; /* what those took */
    uint64_t segments_created, segments_recycled, segments_removed;
} rdb_wal_statistics;
void rdb_wal_count_images(rdb_wal *wal, uint32_t images); /* of the record just inserted */
void rdb_wal_get_statistics(const rdb_wal *wal, rdb_wal_statistics *statistics);

/* ---- reading ---------------------------------------------------------------------------------------------------- */
typedef struct rdb_wal_block {
    uint64_t file, block, previous_change_no;
    const uint8_t *image, *data;
    uint32_t image_bytes, data_bytes;
    uint8_t fork, flags;
} rdb_wal_block;
/* One record taken apart; pointers hold until the next call on the reader. */
typedef struct rdb_wal_record {
    rdb_lsn lsn, end_lsn;
    rdb_xid xid;
    uint32_t pdb;
    uint16_t thread_no; /* of the log it was read from; 0 from rdb_wal_record_decode */
    uint8_t resource, operation, block_count;
    rdb_wal_block blocks[RDB_WAL_BLOCKS_MAX];
    const uint8_t *data;
    uint32_t data_bytes;
} rdb_wal_record;
/* Takes the bytes of one whole record apart, every length checked; false: XX001. Also for fuzzing. */
RDB_CHECKED bool rdb_wal_record_decode(const uint8_t *bytes, uint32_t length, rdb_lsn lsn, rdb_wal_record *record, rdb_error *err);

/* A number in the log, RDB_WAL_NUMBER_BYTES_MAX at most; where it ends. */
static inline uint8_t *rdb_wal_put_number(uint8_t *at, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *at++ = (uint8_t)(number | 0x80);
    *at++ = (uint8_t)number;
    return at;
}
/* pack.c. *at moves behind what was read; false: it passes the end, or the number is above max. */
bool rdb_wal_get_number(const uint8_t **at, const uint8_t *end, uint64_t max, uint64_t *number);
/* Writes a block reference (image and data are not looked at, only their lengths); its length, RDB_WAL_BLOCK_BYTES_MAX at most. */
uint32_t rdb_wal_put_block(uint8_t *at, const rdb_wal_block *block);
/* Data without its zero bytes, RDB_WAL_PACKED_PLAIN_MAX at most; takes length + length / 8 + 3 bytes at most. */
uint32_t rdb_wal_pack_data(const uint8_t *data, uint32_t length, uint8_t *target);
/* Back, into RDB_WAL_PACKED_PLAIN_MAX bytes; false: these are no packed data. */
bool rdb_wal_unpack_data(const uint8_t *packed, uint32_t packed_length, uint8_t *plain, uint32_t *length);

typedef struct rdb_wal_reader rdb_wal_reader;
RDB_CHECKED bool rdb_wal_reader_open(rdb_wal_reader **reader, const rdb_wal_config *config, rdb_lsn start, rdb_error *err);
void rdb_wal_reader_close(rdb_wal_reader **reader);
/* What the segments in a directory say of their log, without anything known of it: the newest system whose headers are whole.
 * *found false: no segment's header is. */
typedef struct rdb_wal_look {
    uint64_t system_id, first_segment, last_segment;
    uint32_t segment_bytes, incarnation;
    uint16_t thread_no;
} rdb_wal_look;
RDB_CHECKED bool rdb_wal_look_at(const char *directory, rdb_wal_look *look, bool *found, rdb_error *err);
/* Moves to the first valid record at or after where the reader stands and before limit; *found false: there is none. */
RDB_CHECKED bool rdb_wal_reader_seek(rdb_wal_reader *reader, rdb_lsn limit, bool *found, rdb_error *err);
/* *found false: the log ends here, and rdb_wal_reader_end is where inserting may go on. A record that is cut or torn
 * at the end of the log is its end; one with a valid record in a later segment is damage, XX001 (a segment is synced
 * before the next one is written). */
RDB_CHECKED bool rdb_wal_reader_next(rdb_wal_reader *reader, rdb_wal_record *record, bool *found, rdb_error *err);
rdb_lsn rdb_wal_reader_end(const rdb_wal_reader *reader);
uint32_t rdb_wal_reader_timeline(const rdb_wal_reader *reader); /* of the byte before the end: the incarnation it was written in */

/* ---- checking (verify.c) ------------------------------------------------------------------------------------------
 * The log of an instance that nobody has open: the headers of its segments, and every record from the oldest one on that is whole
 * up to the one at last, which there must be. needed: from here on no segment may be missing. What lies behind last was never
 * written or is an older life of the file: it cannot be judged. */
typedef struct rdb_wal_checked {
    uint64_t segments, records, bytes, problems;
    rdb_lsn first; /* of the first record that was looked at */
} rdb_wal_checked;
typedef void (*rdb_wal_complain)(void *context, const char *file_name, uint64_t offset, const char *problem);
RDB_CHECKED bool rdb_wal_verify(const rdb_wal_config *config, rdb_lsn needed, rdb_lsn last, rdb_wal_complain complain, void *context,
                                rdb_wal_checked *checked, rdb_error *err);

#endif
