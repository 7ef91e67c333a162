/* SPDX-License-Identifier: Apache-2.0
 * Insertion: a place is reserved under a latch held for some instructions, then each thread checks and copies its record
 * in parallel and announces it by a link. Nothing is reserved that could later find no room on disk. */
#include "wal_int.h"

#include <stdio.h>
#include <sched.h>

uint32_t wal_record_seed(const rdb_wal_config *config, rdb_lsn lsn)
{
    uint8_t place[22];
    rdb_put_u64(place, lsn);
    rdb_put_u16(place + 8, config->thread_no);
    rdb_put_u32(place + 10, config->incarnation);
    rdb_put_u64(place + 14, config->system_id);
    return rdb_crc32c(0, place, sizeof place);
}

static inline _Atomic uint64_t *link_of(rdb_wal *wal, rdb_lsn lsn)
{
    return &wal->links[(lsn >> 4) & wal->link_mask];
}

/* Copies bytes (NULL: zeroes) to the log's position, stepping over segment headers and the ring's end. */
static rdb_lsn copy_in(rdb_wal *wal, rdb_lsn at, const uint8_t *bytes, uint64_t length)
{
    while (length > 0) {
        at = wal_normalise(&wal->config, at);
        uint64_t segment_room = wal->config.segment_bytes - (at & (wal->config.segment_bytes - 1));
        uint64_t ring_room = wal->config.ring_bytes - (at & wal->ring_mask);
        uint64_t part = RDB_MIN(length, RDB_MIN(segment_room, ring_room));
        if (bytes != NULL) {
            memcpy(wal->ring + (at & wal->ring_mask), bytes, part);
            bytes += part;
        } else {
            memset(wal->ring + (at & wal->ring_mask), 0, part);
        }
        at += part;
        length -= part;
    }
    return at;
}

/* Makes progress where the ring is full: writes what is complete, or waits a moment for those who still copy. */
static bool make_room(rdb_wal *wal, rdb_error *err)
{
    rdb_lsn before = atomic_load_explicit(&wal->written_lsn, memory_order_relaxed);
    rdb_mutex_lock(&wal->write_lock);
    bool ok = wal_write_out(wal, err);
    rdb_mutex_unlock(&wal->write_lock);
    if (ok && atomic_load_explicit(&wal->written_lsn, memory_order_relaxed) == before)
        sched_yield();
    return ok;
}

/* How many bytes fill the segment that lsn lies in; 0: it has just begun. Where too few are left for a record it runs over a little. */
static uint64_t bytes_to_segment_end(const rdb_wal *wal, rdb_lsn lsn)
{
    uint64_t offset = lsn & (wal->config.segment_bytes - 1);
    return offset == WAL_SEGMENT_HEADER_BYTES ? 0 : RDB_MAX((uint64_t)RDB_ALIGN_UP(WAL_RECORD_BYTES_MIN, 8u), wal->config.segment_bytes - offset);
}

/* Reserves total bytes, or (FILL_SEGMENT) what fills the running segment. Where the record fits the ring there is room for it when
 * this returns. *end equals *begin where there is nothing to fill. */
#define FILL_SEGMENT UINT64_MAX
static bool reserve(rdb_wal *wal, uint64_t wanted, bool streamed, rdb_wal_at_position at_position, void *context,
                    rdb_lsn *begin, rdb_lsn *end, rdb_error *err)
{
    bool was_full = false;
    for (;;) {
        rdb_latch_lock_exclusive(&wal->reserve);
        rdb_lsn from = atomic_load_explicit(&wal->insert_lsn, memory_order_relaxed);
        uint64_t total = wanted != FILL_SEGMENT ? wanted : bytes_to_segment_end(wal, from);
        if (total == 0) {
            rdb_latch_unlock_exclusive(&wal->reserve);
            *begin = *end = from;
            return true;
        }
        rdb_lsn stop = wal_advance(&wal->config, from, total);
        if (stop > atomic_load_explicit(&wal->prepared_lsn, memory_order_acquire)) {
            rdb_latch_unlock_exclusive(&wal->reserve);
            if (!wal_prepare_until(wal, stop, false, err))
                return false;
            continue;
        }
        rdb_lsn next = wal_normalise(&wal->config, stop);
        if (!streamed && next - atomic_load_explicit(&wal->written_lsn, memory_order_acquire) > wal->config.ring_bytes) {
            rdb_latch_unlock_exclusive(&wal->reserve);
            if (!was_full)
                atomic_fetch_add_explicit(&wal->ring_full_count, 1, memory_order_relaxed);
            was_full = true;
            if (!make_room(wal, err))
                return false;
            continue;
        }
        if (at_position != NULL)
            at_position(context, from);
        atomic_store_explicit(&wal->insert_lsn, next, memory_order_release);
        atomic_store_explicit(&wal->record_count, atomic_load_explicit(&wal->record_count, memory_order_relaxed) + 1,
                              memory_order_relaxed);
        atomic_store_explicit(&wal->byte_count, atomic_load_explicit(&wal->byte_count, memory_order_relaxed) + total,
                              memory_order_relaxed);
        rdb_latch_unlock_exclusive(&wal->reserve);
        *begin = from;
        *end = next;
        return true;
    }
}

/* A streamed record has its place and others have theirs behind it: the log cannot go on without its bytes. A failed
 * write is tried again for a while (the ring still holds everything), then the process ends. */
static void wait_for_room(rdb_wal *wal, rdb_lsn until)
{
    enum { TRIES = 200, PAUSE_US = 10000 };
    uint32_t failures = 0;
    while (until - atomic_load_explicit(&wal->written_lsn, memory_order_acquire) > wal->config.ring_bytes) {
        rdb_error err = {0};
        if (!make_room(wal, &err)) {
            if (++failures >= TRIES)
                wal_fail(wal, &err);
            rdb_time_sleep_us(PAUSE_US);
        }
        rdb_error_clear(&err);
    }
}

typedef struct wal_stream { /* a large record on its way: what is copied is announced chunk by chunk */
    rdb_lsn announced, at;
} wal_stream;

static void stream_bytes(rdb_wal *wal, wal_stream *stream, const uint8_t *bytes, uint64_t length)
{
    uint64_t chunk = wal->config.ring_bytes / 4;
    while (length > 0) {
        stream->at = wal_normalise(&wal->config, stream->at);
        if (stream->at - stream->announced >= chunk) {
            /* Keeps some bytes back: the last range announced must not be shorter than a record can be. */
            rdb_lsn until = (stream->at - 32) & ~UINT64_C(15);
            if (wal_normalise(&wal->config, until) != until)
                until -= WAL_SEGMENT_HEADER_BYTES;
            atomic_store_explicit(link_of(wal, stream->announced), until, memory_order_release);
            stream->announced = until;
        }
        uint64_t part = RDB_MIN(length, chunk - (stream->at - stream->announced));
        wait_for_room(wal, wal_normalise(&wal->config, wal_advance(&wal->config, stream->at, part)));
        stream->at = copy_in(wal, stream->at, bytes, part);
        if (bytes != NULL)
            bytes += part;
        length -= part;
    }
}

bool rdb_wal_insert(rdb_wal *wal, const rdb_wal_piece *pieces, uint32_t piece_count, rdb_wal_at_position at_position,
                    void *context, rdb_lsn *lsn, rdb_lsn *end_lsn, rdb_error *err)
{
    *lsn = *end_lsn = 0;
    RDB_ASSERT(piece_count > 0 && pieces[0].length >= RDB_WAL_HEADER_BYTES);
    uint8_t head[WAL_HEAD_BYTES_MAX];
    const uint32_t head_bytes = wal_put_head(head, pieces[0].bytes);
    const rdb_wal_piece first = {(const uint8_t *)pieces[0].bytes + RDB_WAL_HEADER_BYTES, pieces[0].length - RDB_WAL_HEADER_BYTES}; /* behind it */
    uint64_t length = head_bytes + (uint64_t)first.length;
    for (uint32_t i = 1; i < piece_count; i++)
        length += pieces[i].length;
    if (length > RDB_WAL_RECORD_MAX)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "WAL record of %llu bytes is larger than %u",
                             (unsigned long long)length, RDB_WAL_RECORD_MAX);
    uint64_t total = RDB_ALIGN_UP(length, UINT64_C(8));
    bool streamed = total > wal->config.ring_bytes / 4;
    if (!reserve(wal, total, streamed, at_position, context, lsn, end_lsn, err))
        return false;

    rdb_thread_usage.wal_records++;
    rdb_thread_usage.wal_bytes += length;
    uint32_t crc = wal_record_seed(&wal->config, *lsn);
    crc = rdb_crc32c(crc, head + 8, head_bytes - 8);
    crc = rdb_crc32c(crc, first.bytes, first.length);
    for (uint32_t i = 1; i < piece_count; i++) {
        if (pieces[i].length > 0)
            crc = rdb_crc32c(crc, pieces[i].bytes, pieces[i].length);
    }
    rdb_put_u32(head, (uint32_t)length);
    rdb_put_u32(head + 4, crc);

    if (!streamed) {
        rdb_lsn at = copy_in(wal, *lsn, head, head_bytes);
        at = copy_in(wal, at, first.bytes, first.length);
        for (uint32_t i = 1; i < piece_count; i++)
            at = copy_in(wal, at, pieces[i].bytes, pieces[i].length);
        copy_in(wal, at, NULL, total - length);
        atomic_store_explicit(link_of(wal, *lsn), *end_lsn, memory_order_release);
    } else {
        wal_stream stream = {*lsn, *lsn};
        stream_bytes(wal, &stream, head, head_bytes);
        stream_bytes(wal, &stream, first.bytes, first.length);
        for (uint32_t i = 1; i < piece_count; i++)
            stream_bytes(wal, &stream, pieces[i].bytes, pieces[i].length);
        stream_bytes(wal, &stream, NULL, total - length);
        atomic_store_explicit(link_of(wal, stream.announced), *end_lsn, memory_order_release);
    }
    if (*end_lsn - atomic_load_explicit(&wal->written_lsn, memory_order_relaxed) > wal->config.ring_bytes / 4 ||
        *end_lsn + wal->config.segment_bytes / 2 > atomic_load_explicit(&wal->prepared_lsn, memory_order_relaxed))
        wal_wake_writer(wal);
    return true;
}

bool rdb_wal_switch(rdb_wal *wal, rdb_lsn *end_lsn, rdb_error *err)
{
    static const uint8_t zeroes[4096];
    uint8_t header[RDB_WAL_HEADER_BYTES] = {0}, head[WAL_HEAD_BYTES_MAX];
    rdb_lsn lsn = 0;
    *end_lsn = 0;
    if (!reserve(wal, FILL_SEGMENT, true, NULL, NULL, &lsn, end_lsn, err))
        return false;
    if (*end_lsn == lsn)
        return true;
    uint64_t total = bytes_to_segment_end(wal, lsn);
    header[20] = RDB_RESOURCE_WAL;
    header[21] = RDB_WAL_OP_SWITCH;
    const uint32_t head_bytes = wal_put_head(head, header);
    uint32_t crc = rdb_crc32c(wal_record_seed(&wal->config, lsn), head + 8, head_bytes - 8);
    for (uint64_t left = total - head_bytes; left > 0;) {
        uint64_t part = RDB_MIN(left, (uint64_t)sizeof zeroes);
        crc = rdb_crc32c(crc, zeroes, part);
        left -= part;
    }
    rdb_put_u32(head, (uint32_t)total);
    rdb_put_u32(head + 4, crc);
    wal_stream stream = {lsn, lsn};
    stream_bytes(wal, &stream, head, head_bytes);
    stream_bytes(wal, &stream, NULL, total - head_bytes);
    atomic_store_explicit(link_of(wal, stream.announced), *end_lsn, memory_order_release);
    wal_wake_writer(wal);
    return true;
}
