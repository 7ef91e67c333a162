/* SPDX-License-Identifier: Apache-2.0
 * From the ring to the disk. write_out moves the completed prefix into the segment files, in whole blocks and past the kernel's
 * cache, which would copy them, read what a block has already, and write in its own time; a waiting thread leads a flush
 * round: it writes, syncs and reports for everybody whose bytes were in. A waiter sleeps with the round that will cover it, so that the
 * end of a round wakes those it served and one leader for the next, nobody else.
 *
 * Where a sync takes long, the next round begins while the one before still syncs: a commit then waits for its own sync and not for the
 * rest of another's too. Writes follow each other; a sync begins when its round's write and all writes before are through, so it covers
 * them whichever sync ends first, and the durable LSN is the greatest that any round reported.
 *
 * A segment is synced before the first byte of the next one is written: so a hole in front of a later segment's valid
 * records is damage, not a crash (the reader relies on it). */
#include "wal_int.h"

#include "base/rdb_incident.h"
#include "base/rdb_log.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define SLOW_SYNC_US 3000000
#define OVERLAP_FROM_US 150 /* a sync that takes less is not worth another one's CPU time: what waits for it is carried by the next */
#define OVERLAP_UNTIL_US 75

void wal_fail(const rdb_wal *wal, const rdb_error *err)
{
    if (wal->config.on_failure != NULL)
        wal->config.on_failure(wal->config.failure_context, err);
    rdb_log_error(RDB_LOG_ERROR, "wal", err);
    RDB_LOG(RDB_LOG_ERROR, "wal", "the write-ahead log can not be kept, the process ends");
    _exit(1);
}

wal_segment *wal_segment_use(wal_segment *segment)
{
    if (segment != NULL)
        atomic_fetch_add_explicit(&segment->uses, 1, memory_order_relaxed);
    return segment;
}

void wal_segment_drop(wal_segment *segment)
{
    if (segment == NULL || atomic_fetch_sub_explicit(&segment->uses, 1, memory_order_acq_rel) != 1)
        return;
    rdb_error err = {0};
    rdb_file_close(&segment->file, &err); /* synced before; a late error has nothing left to lose */
    rdb_error_clear(&err);
    free(segment);
}

static bool open_segment(rdb_wal *wal, uint64_t number, rdb_error *err)
{
    char path[WAL_PATH_BYTES];
    wal_segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    wal_segment_path(path, wal->directory, number);
    if (!rdb_file_open(&segment->file, path, RDB_FILE_WRITE | (wal->config.sync ? RDB_FILE_DIRECT : 0) | RDB_FILE_LOG, err)) {
        free(segment);
        return false;
    }
    segment->number = number;
    atomic_init(&segment->uses, 1);
    wal->current = segment;
    return true;
}

static void sync_or_fail(rdb_wal *wal, rdb_file *file)
{
    rdb_error err = {0};
    if (!wal->config.sync)
        return;
    const int64_t begin_us = rdb_time_monotonic_us();
    if (!rdb_file_sync(file, &err))
        wal_fail(wal, &err);
    const int64_t elapsed_us = rdb_time_monotonic_us() - begin_us;
    const uint32_t average_us = atomic_load_explicit(&wal->sync_us, memory_order_relaxed);
    atomic_store_explicit(&wal->sync_us, (uint32_t)((average_us * UINT64_C(15) + (uint64_t)RDB_MIN(elapsed_us, INT64_C(1000000))) / 16), memory_order_relaxed);
    if (elapsed_us > SLOW_SYNC_US)
        rdb_incident_note("slow-sync", "a sync of the log took %lld ms", (long long)elapsed_us / 1000);
    atomic_fetch_add_explicit(&wal->sync_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&wal->sync_total_us, (uint64_t)elapsed_us, memory_order_relaxed);
}

/* The bytes before at in its block, into tail. */
static bool load_tail(rdb_wal *wal, rdb_lsn at, rdb_error *err)
{
    const rdb_lsn block = at & ~(rdb_lsn)(WAL_BLOCK_BYTES - 1);
    const uint64_t offset = block & (wal->config.segment_bytes - 1);
    if (at == block || wal->tail_block == block)
        return true;
    if (offset == 0 && at - block == WAL_SEGMENT_HEADER_BYTES)
        wal_segment_make_header(wal->tail, &wal->config, wal_segment_number(&wal->config, at));
    else if (!rdb_file_read(wal->current->file, offset, wal->tail, WAL_BLOCK_BYTES, NULL, err))
        return false;
    wal->tail_block = block;
    return true;
}

/* Writes at most length bytes of the log, from at on, in whole blocks; what lies behind them in the last one is zeroes. *written: how
 * many they were. Large runs go as they stand in the ring, the rest through tail. */
static bool write_blocks(rdb_wal *wal, rdb_lsn at, uint64_t length, uint64_t *written, rdb_error *err)
{
    const rdb_lsn block = at & ~(rdb_lsn)(WAL_BLOCK_BYTES - 1);
    const uint64_t offset = block & (wal->config.segment_bytes - 1), lead = at - block;
    const uint8_t *from = wal->ring + (at & wal->ring_mask);
    if (lead == 0 && length >= WAL_TAIL_BYTES) {
        *written = length & ~(uint64_t)(WAL_BLOCK_BYTES - 1);
        return rdb_file_write(wal->current->file, offset, from, *written, err);
    }
    if (!load_tail(wal, at, err))
        return false;
    *written = RDB_MIN(length, (lead > 0 && length >= WAL_TAIL_BYTES ? WAL_BLOCK_BYTES : WAL_TAIL_BYTES) - lead);
    const uint64_t end = lead + *written, blocks_end = RDB_ALIGN_UP(end, (uint64_t)WAL_BLOCK_BYTES);
    memcpy(wal->tail + lead, from, *written);
    memset(wal->tail + end, 0, blocks_end - end);
    if (!rdb_file_write(wal->current->file, offset, wal->tail, blocks_end, err))
        return false;
    const uint64_t last = end & ~(uint64_t)(WAL_BLOCK_BYTES - 1); /* the block that is not full */
    if (last > 0 && last < end)
        memcpy(wal->tail, wal->tail + last, end - last);
    wal->tail_block = last < end ? block + last : UINT64_MAX; /* full: a next segment's first block has a header */
    return true;
}

bool wal_write_out(rdb_wal *wal, rdb_error *err)
{
    for (;;) { /* follows the links: acquire pairs with the inserter's release, so its bytes are in the ring */
        rdb_lsn next = atomic_load_explicit(&wal->links[(wal->completed_lsn >> 4) & wal->link_mask], memory_order_acquire);
        if (next <= wal->completed_lsn)
            break;
        wal->completed_lsn = next;
    }
    rdb_lsn at = atomic_load_explicit(&wal->written_lsn, memory_order_relaxed);
    while (at < wal->completed_lsn) {
        uint64_t number = wal_segment_number(&wal->config, at);
        if (wal->current != NULL && wal->current->number != number) {
            sync_or_fail(wal, wal->current->file);
            wal_segment_drop(wal->current);
            wal->current = NULL;
        }
        if (wal->current == NULL && !open_segment(wal, number, err))
            return false;
        uint64_t offset = at & (wal->config.segment_bytes - 1);
        uint64_t length = RDB_MIN(wal->completed_lsn - at, wal->config.segment_bytes - offset), written = 0;
        length = RDB_MIN(length, wal->config.ring_bytes - (at & wal->ring_mask));
        const int64_t begin_us = rdb_time_monotonic_us();
        if (!write_blocks(wal, at, length, &written, err))
            return false;
        atomic_fetch_add_explicit(&wal->write_count, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&wal->write_total_us, (uint64_t)(rdb_time_monotonic_us() - begin_us), memory_order_relaxed);
        at += written;
        /* At a segment's end the next position lies behind a header; that segment may not even be there yet. */
        at = RDB_MIN(wal_normalise(&wal->config, at), wal->completed_lsn);
        atomic_store_explicit(&wal->written_lsn, at, memory_order_release);
    }
    return true;
}

/* May a sync begin beside another one? Only past the cache: there a write that failed has told so itself, while of several syncs of one
 * file in the cache just one is told of it. */
static void judge_overlap(rdb_wal *wal, const wal_segment *segment)
{
    const bool overlaps = atomic_load_explicit(&wal->syncs_overlap, memory_order_relaxed);
    const uint32_t bound_us = overlaps ? OVERLAP_UNTIL_US : OVERLAP_FROM_US;
    atomic_store_explicit(&wal->syncs_overlap, atomic_load_explicit(&wal->sync_us, memory_order_relaxed) >= bound_us && rdb_file_is_direct(segment->file),
                          memory_order_relaxed);
}

static void raise_durable(rdb_wal *wal, rdb_lsn lsn)
{
    rdb_lsn durable = atomic_load_explicit(&wal->durable_lsn, memory_order_relaxed);
    while (durable < lsn && !atomic_compare_exchange_weak_explicit(&wal->durable_lsn, &durable, lsn, memory_order_release, memory_order_relaxed))
        continue;
}

/* Under flush_lock, as the next ones. */
static bool may_lead(const rdb_wal *wal)
{
    return wal->flush_leaders == 0 ||
           (!wal->flush_is_writing && wal->flush_leaders < WAL_LEADERS_MAX && atomic_load_explicit(&wal->syncs_overlap, memory_order_relaxed));
}

/* Who waits for a round that nobody leads yet: one of them leads it. */
static void name_leader(rdb_wal *wal)
{
    struct wal_round *next = &wal->flush_rounds[wal->flush_gathering];
    if (next->waiting > 0 && may_lead(wal))
        rdb_condition_signal(&next->done);
}

/* One round, led by the caller: everything completed becomes durable, lsn among it. */
static bool lead_round(rdb_wal *wal, struct wal_round *round, rdb_lsn lsn, rdb_error *err)
{
    rdb_lsn written = 0;
    wal_segment *segment = NULL;
    bool ok = true;
    for (uint32_t tries = 0; ok; tries++) {
        rdb_mutex_lock(&wal->write_lock);
        ok = wal_write_out(wal, err);
        written = atomic_load_explicit(&wal->written_lsn, memory_order_relaxed);
        if (ok && written >= lsn)
            segment = wal_segment_use(wal->current);
        rdb_mutex_unlock(&wal->write_lock);
        if (written >= lsn)
            break;
        if (tries < 50) /* somebody in front of lsn still copies */
            rdb_cpu_relax();
        else if (tries < 200)
            sched_yield();
        else
            rdb_time_sleep_us(50);
    }
    rdb_mutex_lock(&wal->flush_lock);
    round->target = ok ? written : 0; /* who comes during the sync and lies behind this waits for the next round */
    wal->flush_is_writing = false;
    name_leader(wal);
    rdb_mutex_unlock(&wal->flush_lock);
    if (ok && segment != NULL) {
        sync_or_fail(wal, segment->file);
        judge_overlap(wal, segment);
    }
    wal_segment_drop(segment);
    if (!ok)
        return false;
    raise_durable(wal, written);
    if (wal->durable_hook != NULL)
        wal->durable_hook(wal->durable_context, written);
    return true;
}

/* A running round that covers lsn, else the one that gathers. */
static struct wal_round *round_of(rdb_wal *wal, rdb_lsn lsn)
{
    for (unsigned i = 0; i <= WAL_LEADERS_MAX; i++) {
        if (wal->flush_rounds[i].is_running && wal->flush_rounds[i].target >= lsn)
            return &wal->flush_rounds[i];
    }
    return &wal->flush_rounds[wal->flush_gathering];
}

/* Makes a round of those who gathered, and another place to gather. */
static struct wal_round *begin_round(rdb_wal *wal)
{
    struct wal_round *round = &wal->flush_rounds[wal->flush_gathering];
    round->is_running = true;
    round->target = atomic_load_explicit(&wal->insert_lsn, memory_order_relaxed); /* most likely */
    wal->flush_leaders++;
    wal->flush_is_writing = true;
    wal->flush_gathering = 0; /* fewer rounds run than there are places */
    while (wal->flush_rounds[wal->flush_gathering].is_running)
        wal->flush_gathering++;
    return round;
}

bool rdb_wal_flush(rdb_wal *wal, rdb_lsn lsn, rdb_error *err)
{
    bool ok = true;
    if (atomic_load_explicit(&wal->durable_lsn, memory_order_acquire) >= lsn)
        return true;
    if (lsn > atomic_load_explicit(&wal->insert_lsn, memory_order_acquire))
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "flush of WAL position %llX asked for, but the log ends at %llX",
                             (unsigned long long)lsn, (unsigned long long)atomic_load(&wal->insert_lsn));
    atomic_fetch_add_explicit(&wal->flush_wait_count, 1, memory_order_relaxed);
    rdb_thread_sleep_begin(); /* for the disk, whoever syncs */
    const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_WAL_FLUSH);
    rdb_mutex_lock(&wal->flush_lock);
    while (ok && atomic_load_explicit(&wal->durable_lsn, memory_order_acquire) < lsn) {
        struct wal_round *round = round_of(wal, lsn);
        if (round->is_running || !may_lead(wal)) {
            round->waiting++;
            rdb_condition_wait(&round->done, &wal->flush_lock);
            round->waiting--;
            continue;
        }
        round = begin_round(wal);
        rdb_mutex_unlock(&wal->flush_lock);
        ok = lead_round(wal, round, lsn, err);
        rdb_mutex_lock(&wal->flush_lock);
        round->is_running = false;
        wal->flush_leaders--;
        if (round->waiting > 0)
            rdb_condition_broadcast(&round->done);
    }
    name_leader(wal); /* the one that was woken may have found itself served */
    rdb_mutex_unlock(&wal->flush_lock);
    rdb_wait_end(mark);
    rdb_thread_sleep_end();
    return ok;
}

bool rdb_wal_syncs_overlap(const rdb_wal *wal)
{
    return atomic_load_explicit(&wal->syncs_overlap, memory_order_relaxed);
}

rdb_lsn rdb_wal_durable_lsn(const rdb_wal *wal)
{
    return atomic_load_explicit(&wal->durable_lsn, memory_order_acquire);
}

rdb_lsn rdb_wal_insert_lsn(const rdb_wal *wal)
{
    return atomic_load_explicit(&wal->insert_lsn, memory_order_acquire);
}

void rdb_wal_set_durable_hook(rdb_wal *wal, void (*hook)(void *context, rdb_lsn durable), void *context)
{
    /* A leader calls the hook without the lock: when this returns nobody is inside the old one, and every later leader sees
     * the new one. */
    rdb_mutex_lock(&wal->flush_lock);
    while (wal->flush_leaders > 0) {
        rdb_mutex_unlock(&wal->flush_lock);
        rdb_time_sleep_us(50);
        rdb_mutex_lock(&wal->flush_lock);
    }
    wal->durable_context = context;
    wal->durable_hook = hook;
    rdb_mutex_unlock(&wal->flush_lock);
}
