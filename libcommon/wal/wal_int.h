/* SPDX-License-Identifier: Apache-2.0
 * Inside of room wal.
 *
 * The ring is addressed by LSN: byte lsn of the log stands at ring[lsn & ring_mask] (the 64 bytes of a segment's header
 * have a place in it too, never used). Four positions chase each other and never cross:
 *
 *     durable_lsn <= written_lsn <= insert_lsn <= prepared_lsn,   insert_lsn - written_lsn <= ring_bytes
 *
 * (a record too large for the ring is the exception to the last: its inserter keeps to it chunk by chunk). A range
 * of bytes that was copied in is announced by a link: links[(start / 16) & link_mask] = its end. Ranges start at
 * multiples of 8 and are at least 16 long, so no two starts share a slot; a value left from an earlier lap is not above
 * the position that asks. Whoever holds write_lock follows the links to find the completed prefix. Segments are
 * zero-filled up to prepared_lsn before a byte is reserved there: so the disk can be full at a reservation, which fails
 * cleanly, and not at a commit's flush. */
#ifndef WAL_INT_H
#define WAL_INT_H

#include "wal/rdb_wal_archive.h"

#define WAL_SEGMENT_HEADER_BYTES RDB_WAL_SEGMENT_HEADER_BYTES
#define WAL_SEGMENT_MAGIC "RDBWAL03"
#define WAL_PATH_BYTES 1024
#define WAL_BLOCK_BYTES 4096u /* of writes; segments and ring are multiples of it */
#define WAL_TAIL_BYTES (16u * WAL_BLOCK_BYTES)
#define WAL_LEADERS_MAX 4u /* syncs beside each other */
#define WAL_SPARE_SEGMENTS_MAX 8 /* recycled segments kept ahead of the insert position */

typedef struct wal_segment { /* an open segment file; counted, because a leader syncs outside of write_lock */
    rdb_file *file;
    uint64_t number;
    _Atomic uint32_t uses;
} wal_segment;

typedef struct wal_gate {
    struct {
        _Alignas(64) _Atomic uint32_t inside;
    } stripes[RDB_STRIPES];
    _Alignas(64) _Atomic uint32_t is_closed; /* futex */
} wal_gate;

struct rdb_wal {
    rdb_wal_config config RDB_SET_ONCE; /* directory points to the bytes below */
    char directory[WAL_PATH_BYTES - 64] RDB_SET_ONCE;
    uint8_t *ring RDB_SET_ONCE;
    _Atomic uint64_t *links RDB_SET_ONCE;
    uint64_t ring_mask RDB_SET_ONCE, link_mask RDB_SET_ONCE;
    void (*durable_hook)(void *context, rdb_lsn durable); /* changed under flush_lock while nobody leads, read by the leader */
    void *durable_context;

    /* Reservation: every change of insert_lsn happens under this latch, and at_position is called under it. */
    _Alignas(64) rdb_latch reserve;
    _Atomic uint64_t insert_lsn;
    _Atomic uint64_t record_count, byte_count, image_count; /* relaxed: statistics */

    /* Written: release by the holder of write_lock; acquire by inserters, who may reuse ring space below it. */
    _Alignas(64) _Atomic uint64_t written_lsn;
    _Atomic uint64_t prepared_lsn; /* release under segment_lock, acquire at the reservation */
    _Atomic uint32_t writer_word;  /* futex: the writer thread is wanted */

    _Alignas(64) rdb_mutex write_lock; /* RDB_RANK_WAL */
    wal_segment *current RDB_GUARDED_BY(write_lock);
    rdb_lsn completed_lsn RDB_GUARDED_BY(write_lock);
    /* Writes are whole blocks, so that they can go past the kernel's cache. The one that is not full yet is written again, grown: its
     * bytes up to written_lsn stand at the beginning of tail, for the ring may have others in their place by then. */
    uint8_t *tail RDB_SET_ONCE;                          /* WAL_TAIL_BYTES */
    rdb_lsn tail_block RDB_GUARDED_BY(write_lock);       /* where that block begins; UINT64_MAX: not known yet */

    rdb_mutex segment_lock; /* RDB_RANK_WAL_FILE: preparing, recycling and removing of segment files */
    uint64_t oldest_segment RDB_GUARDED_BY(segment_lock);
    bool has_reserve RDB_GUARDED_BY(segment_lock); /* a file as large as a segment lies ready for rdb_wal_secure_room */

    _Alignas(64) _Atomic uint64_t durable_lsn;
    rdb_mutex flush_lock; /* RDB_RANK_WAL; never held together with write_lock */
    /* Rounds run beside each other, WAL_LEADERS_MAX of them at most; each has a place here, and one more place gathers those whom none of
     * the running rounds will cover: the next round is theirs. */
    struct wal_round {
        rdb_condition done;
        uint32_t waiting;
        rdb_lsn target; /* of a running round: what it will most likely cover; who guessed wrong waits again */
        bool is_running;
    } flush_rounds[WAL_LEADERS_MAX + 1] RDB_GUARDED_BY(flush_lock);
    uint32_t flush_gathering RDB_GUARDED_BY(flush_lock); /* which of them */
    uint32_t flush_leaders RDB_GUARDED_BY(flush_lock);
    bool flush_is_writing RDB_GUARDED_BY(flush_lock);    /* one of the leaders has not yet come to its sync */
    _Atomic uint32_t sync_us;                            /* what a sync takes, averaged over some; relaxed: a hint */
    _Atomic bool syncs_overlap;                          /* relaxed: flush.c, judge_overlap() */
    _Atomic uint64_t sync_count, sync_total_us, flush_wait_count;
    _Atomic uint64_t write_count, write_total_us, ring_full_count, created_count, recycled_count, removed_count; /* relaxed: statistics */

    wal_gate references; /* who holds the redo point; entered before the gate */
    wal_gate gate;
    rdb_mutex gate_lock; /* one redo point is fixed at a time */
    _Atomic uint64_t redo_point;

    rdb_thread *writer;
    _Atomic uint32_t stopping;
};

static inline uint64_t wal_segment_number(const rdb_wal_config *config, rdb_lsn lsn)
{
    return lsn / config->segment_bytes;
}
/* Where a position that lies in a segment's header really is: behind the header. */
static inline rdb_lsn wal_normalise(const rdb_wal_config *config, rdb_lsn lsn)
{
    uint64_t offset = lsn & (config->segment_bytes - 1);
    return offset < WAL_SEGMENT_HEADER_BYTES ? lsn - offset + WAL_SEGMENT_HEADER_BYTES : lsn;
}
/* The position bytes behind lsn, headers stepped over; exactly a segment's end where it ends there. */
static inline rdb_lsn wal_advance(const rdb_wal_config *config, rdb_lsn lsn, uint64_t bytes)
{
    for (;;) {
        uint64_t room = config->segment_bytes - (lsn & (config->segment_bytes - 1));
        if (bytes <= room)
            return lsn + bytes;
        bytes -= room;
        lsn += room + WAL_SEGMENT_HEADER_BYTES;
    }
}
/* Start value of a record's checksum: what ties it to its place (R23). */
uint32_t wal_record_seed(const rdb_wal_config *config, rdb_lsn lsn);

bool wal_parse_segment_name(const char *name, uint64_t *number);
void wal_segment_path(char path[WAL_PATH_BYTES], const char *directory, uint64_t number);
void wal_segment_make_header(uint8_t header[WAL_SEGMENT_HEADER_BYTES], const rdb_wal_config *config, uint64_t number);
/* False without an error where the bytes are not the header of that segment of that log. */
bool wal_segment_check_header(const uint8_t header[WAL_SEGMENT_HEADER_BYTES], const rdb_wal_config *config, uint64_t number);
bool wal_config_check(const rdb_wal_config *config, rdb_error *err);
/* Numbers of the segment files in the directory, sorted, in the arena. */
bool wal_segment_list(const char *directory, rdb_arena *arena, uint64_t **numbers, uint32_t *count, rdb_error *err);

/* read.c, for verify.c: the reader stands at lsn from here on; is there a valid record where it stands, does nothing follow it up
 * to the next one (*next), which stands at a multiple of 8? */
void wal_reader_move(rdb_wal_reader *reader, rdb_lsn lsn);
bool wal_reader_check(rdb_wal_reader *reader, bool *valid, bool *gap_is_zero, rdb_lsn *next, rdb_error *err);
/* The length that the bytes there would give a record; 0: they are not there. */
bool wal_reader_claims(rdb_wal_reader *reader, uint32_t *bytes, rdb_error *err);

/* Makes prepared_lsn at least stop, out of the reserve where that may be used and the disk is full.
 * False: 53100, 58030; nothing half made stays under a segment's name. */
bool wal_prepare_until(rdb_wal *wal, rdb_lsn stop, bool use_reserve, rdb_error *err);
/* At open: the segment of end_lsn with nothing behind it, and no later segments. */
bool wal_segments_begin(rdb_wal *wal, rdb_lsn end_lsn, rdb_error *err);

/* Writes the completed prefix to the segment files. Needs write_lock. */
bool wal_write_out(rdb_wal *wal, rdb_error *err);
wal_segment *wal_segment_use(wal_segment *segment);
void wal_segment_drop(wal_segment *segment);
/* Ends the process: the kernel may have dropped bytes that a sync refused. */
_Noreturn void wal_fail(const rdb_wal *wal, const rdb_error *err);
void wal_wake_writer(rdb_wal *wal);

/* pack.c. The header that an inserter hands in, as it stands in the log, at most WAL_HEAD_BYTES_MAX; its length, at least WAL_RECORD_BYTES_MIN.
 * Bytes 0 to 7 are left to the caller. */
#define WAL_RECORD_BYTES_MIN 13u
#define WAL_HEAD_BYTES_MAX (11u + 2 * RDB_WAL_NUMBER_BYTES_MAX)
uint32_t wal_put_head(uint8_t head[WAL_HEAD_BYTES_MAX], const uint8_t header[RDB_WAL_HEADER_BYTES]);
/* *at moves behind what was read; false: it passes the end, or a number in it is too large. */
bool wal_get_block(const uint8_t **at, const uint8_t *end, rdb_wal_block *block);

#endif
