/* SPDX-License-Identifier: Apache-2.0
 * The buffer pool: the table from tags to frames, pins and latches, and replacement. The life of a frame is told in
 * storage_int.h. Acquiring a page that is there takes no lock and allocates nothing. */
#include "storage_int.h"

#include "base/rdb_incident.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

/* ---- the table ----------------------------------------------------------------------------------------------------- */

static inline storage_partition *partition_of(rdb_storage *storage, uint64_t hash)
{
    return &storage->partitions[(hash >> 24) & storage->partition_mask];
}

static inline uint64_t table_entry(uint64_t hash, const rdb_storage *storage, const rdb_buffer *frame)
{
    return (hash & UINT64_C(0xffffffff00000000)) | (uint64_t)(frame - storage->frames + 1);
}

/* The pinned frame of the tag. NULL proves absence only under the partition's latch: a removal moves entries. */
static inline rdb_buffer *find_frame(rdb_storage *storage, const rdb_page_tag *tag, uint64_t hash)
{
    storage_partition *partition = partition_of(storage, hash);
    for (uint32_t i = storage_home_slot(storage, hash), seen = 0; seen <= storage->slot_mask; seen++) {
        /* relaxed: the pin's acquire orders the frame's fields, the entry only says where to look */
        uint64_t entry = atomic_load_explicit(&partition->slots[i], memory_order_relaxed);
        if (entry == 0)
            return NULL;
        if ((entry ^ hash) >> 32 == 0) {
            rdb_buffer *frame = &storage->frames[(uint32_t)entry - 1];
            if (frame_pin(frame)) {
                if (RDB_LIKELY(storage_tag_equal(&frame->tag, tag)))
                    return frame;
                frame_unpin(frame);
            }
        }
        i = (i + 1) & storage->slot_mask;
    }
    return NULL;
}

static void table_insert(rdb_storage *storage, uint64_t hash, const rdb_buffer *frame)
{
    storage_partition *partition = partition_of(storage, hash);
    uint32_t i = storage_home_slot(storage, hash), seen = 0;
    while (atomic_load_explicit(&partition->slots[i], memory_order_relaxed) != 0) {
        i = (i + 1) & storage->slot_mask;
        RDB_VERIFY(++seen <= storage->slot_mask); /* two slots a frame at least: a partition never fills */
    }
    atomic_store_explicit(&partition->slots[i], table_entry(hash, storage, frame), memory_order_release);
}

/* Takes the frame's entry out, if it is in; what was probed past it moves up. */
static void table_remove(rdb_storage *storage, uint64_t hash, const rdb_buffer *frame)
{
    storage_partition *partition = partition_of(storage, hash);
    uint64_t wanted = table_entry(hash, storage, frame), entry = 0;
    uint32_t hole = storage_home_slot(storage, hash);
    while ((entry = atomic_load_explicit(&partition->slots[hole], memory_order_relaxed)) != wanted) {
        if (entry == 0)
            return;
        hole = (hole + 1) & storage->slot_mask;
    }
    for (uint32_t i = (hole + 1) & storage->slot_mask;; i = (i + 1) & storage->slot_mask) {
        entry = atomic_load_explicit(&partition->slots[i], memory_order_relaxed);
        if (entry == 0)
            break;
        const uint32_t home = storage_home_slot(storage, entry); /* an entry keeps the bits of its hash that say so */
        if (((i - home) & storage->slot_mask) >= ((i - hole) & storage->slot_mask)) {
            atomic_store_explicit(&partition->slots[hole], entry, memory_order_release);
            hole = i;
        }
    }
    atomic_store_explicit(&partition->slots[hole], 0, memory_order_release);
}

/* ---- replacement ----------------------------------------------------------------------------------------------------- */

static void queue_push(rdb_storage *storage, storage_queue *queue, uint32_t frame_no)
{
    queue->frames[(queue->head + queue->count) % storage->frame_count] = frame_no;
    queue->count++;
    storage->frames[frame_no].queue = queue == &storage->small_queue ? QUEUE_SMALL : queue == &storage->main_queue ? QUEUE_MAIN : QUEUE_SCAN;
}

#define POP_AHEAD 6u /* frames whose heads come from memory meanwhile */

static uint32_t queue_pop(rdb_storage *storage, storage_queue *queue)
{
    uint32_t frame_no = queue->frames[queue->head];
    __builtin_prefetch(&storage->frames[queue->frames[(queue->head + POP_AHEAD) % storage->frame_count]], 1);
    queue->head = (queue->head + 1) % storage->frame_count;
    queue->count--;
    return frame_no;
}

static void ghost_note(rdb_storage *storage, uint64_t hash)
{
    storage->ghosts[hash & storage->ghost_mask] = (hash & UINT64_C(0xffffffff00000000)) | ++storage->eviction_no;
}

static bool ghost_knows(const rdb_storage *storage, uint64_t hash)
{
    uint64_t ghost = storage->ghosts[hash & storage->ghost_mask];
    return ghost != 0 && (ghost ^ hash) >> 32 == 0 && storage->eviction_no - (uint32_t)ghost < storage->frame_count;
}

#define SCAN_PAGES_KEPT 8u /* one of so many */
#define LOAD_PAGES 32u
_Static_assert(LOAD_PAGES <= RDB_FILE_PARTS_MAX, "a run is read by one call");

/* Claims the frame where nobody holds it and it is clean. */
static bool claim_frame(rdb_buffer *frame)
{
    uint32_t state = atomic_load_explicit(&frame->state, memory_order_relaxed);
    if ((state & (FRAME_PINS | FRAME_BUSY | FRAME_DIRTY | FRAME_WRITING)) != 0)
        return false;
    /* acquire: pairs with the release of the last unpin */
    return atomic_compare_exchange_strong_explicit(&frame->state, &state, state | FRAME_BUSY, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* Writes a dirty candidate, popped from its queue. Lets go of queue_lock meanwhile. */
static bool clean_candidate(rdb_storage *storage, rdb_buffer *frame, frame_write_mode mode, uint8_t **copy, rdb_error *err)
{
    bool clean = false, ok = true;
    if (!frame_pin(frame))
        return true;
    rdb_mutex_unlock(&storage->queue_lock);
    cleaner_wake(storage);
    if (*copy == NULL && posix_memalign((void **)copy, 4096, storage->page_bytes) != 0)
        *copy = NULL, ok = rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && frame_write_counted(frame, mode, *copy, &storage->evictor_writes, &clean, err);
    frame_unpin(frame);
    rdb_mutex_lock(&storage->queue_lock);
    return ok;
}

/* A frame that was never used, BUSY. Made so late because an idle server shall not hold memory for frames that it has no pages for.
 * Needs queue_lock. */
static rdb_buffer *make_frame(rdb_storage *storage, uint32_t frame_no)
{
    rdb_buffer *frame = &storage->frames[frame_no];
    atomic_init(&frame->state, FRAME_BUSY);
    rdb_latch_init(&frame->latch);
    frame->storage = storage;
    frame->page = (rdb_page *)(void *)(storage->pages + (size_t)frame_no * storage->page_bytes);
    atomic_store_explicit(&storage->used_count, frame_no + 1, memory_order_release);
    return frame;
}

/* A frame whose page was discarded, BUSY, still queued where it was: its memory is there already and may be in a cache, that of a new
 * frame has to be found and zeroed by the kernel. NULL: none. Needs queue_lock. */
static rdb_buffer *take_dead_frame(rdb_storage *storage)
{
    while (storage->dead_count > 0) {
        rdb_buffer *frame = &storage->frames[storage->dead_frames[--storage->dead_count]];
        frame->is_listed = false;
        if ((atomic_load_explicit(&frame->state, memory_order_relaxed) & FRAME_VALID) == 0 && claim_frame(frame))
            return frame;
    }
    return NULL;
}

/* One that a queue brings back before it is taken from here is passed over there. */
static void list_dead_frame(rdb_storage *storage, rdb_buffer *frame)
{
    rdb_mutex_lock(&storage->queue_lock);
    if (!frame->is_listed) {
        frame->is_listed = true;
        storage->dead_frames[storage->dead_count++] = (uint32_t)(frame - storage->frames);
    }
    rdb_mutex_unlock(&storage->queue_lock);
}

/* A frame of one's own, BUSY, already queued for its new page; the table may still lead to it from its old one. Clean frames first, then
 * dirty ones that can be written at once, then any: so readers go on while the barrier or the disk stand still (R25). A scan's page takes
 * the place of one that a scan brought: what does not fit the pool shall not drive all out that does. A few of them stay, so that in time
 * the pool follows what is scanned. *copy: room to write from, made at need, the caller's to free. Needs queue_lock, which is let go of
 * while a page is written. */
static rdb_buffer *pick_frame(rdb_storage *storage, uint64_t new_hash, bool for_scan, uint8_t **copy, rdb_error *err)
{
    enum { PASS_CLEAN, PASS_EASY, PASS_ANY, PASS_RETRY_LAST = 40 };
    rdb_buffer *taken = NULL;
    uint32_t visited = 0, pass = PASS_CLEAN;
    uint32_t used = atomic_load_explicit(&storage->used_count, memory_order_relaxed);
    taken = take_dead_frame(storage);
    if (taken != NULL)
        return taken;
    if (used < storage->frame_count) {
        for_scan = false;
        taken = make_frame(storage, used);
    }
    for_scan = for_scan && ++storage->scan_turn % SCAN_PAGES_KEPT != 0;
    while (taken == NULL) {
        storage_queue *const queues[] = {&storage->scan_queue, &storage->small_queue, &storage->main_queue};
        unsigned from = storage->scan_queue.count > storage->scan_target ? 0
                        : storage->small_queue.count > 0 && (storage->small_queue.count > storage->small_target || storage->main_queue.count == 0) ? 1 : 2;
        /* All of that queue may be pinned while another is full of frames that nobody holds. */
        from = (from + visited / (2 * storage->frame_count)) % 3;
        for (unsigned tries = 0; tries < 2 && queues[from]->count == 0; tries++)
            from = (from + 1) % 3;
        const bool from_small = from < 2;
        storage_queue *queue = queues[from];
        if (queue->count == 0 || visited >= 6 * storage->frame_count) {
            visited = 0;
            if (++pass > PASS_RETRY_LAST)
                break;
            if (pass > PASS_ANY) { /* everything is pinned: others may let go */
                rdb_mutex_unlock(&storage->queue_lock);
                rdb_time_sleep_us(500 * (int64_t)pass);
                rdb_mutex_lock(&storage->queue_lock);
            }
            continue;
        }
        visited++;
        uint32_t frame_no = queue_pop(storage, queue);
        rdb_buffer *frame = &storage->frames[frame_no];
        uint32_t state = atomic_load_explicit(&frame->state, memory_order_relaxed);
        uint8_t usage = atomic_load_explicit(&frame->usage, memory_order_relaxed);
        if ((state & (FRAME_PINS | FRAME_BUSY)) != 0) {
            queue_push(storage, queue, frame_no);
            continue;
        }
        if (from_small && usage >= FRAME_USAGE_HOT) {
            atomic_store_explicit(&frame->usage, 0, memory_order_relaxed);
            queue_push(storage, &storage->main_queue, frame_no);
            continue;
        }
        if (!from_small && usage > 0) {
            atomic_store_explicit(&frame->usage, (uint8_t)(usage - 1), memory_order_relaxed);
            queue_push(storage, queue, frame_no);
            continue;
        }
        if ((state & (FRAME_DIRTY | FRAME_WRITING)) != 0 && pass >= PASS_EASY &&
            !clean_candidate(storage, frame, pass == PASS_EASY ? WRITE_IF_EASY : WRITE_NO_LATCH, copy, err)) {
            queue_push(storage, queue, frame_no);
            return NULL;
        }
        if (!claim_frame(frame)) {
            if ((state & FRAME_DIRTY) != 0)
                cleaner_wake(storage);
            queue_push(storage, queue, frame_no);
            continue;
        }
        if (from_small && (state & FRAME_VALID) != 0)
            ghost_note(storage, storage_tag_hash(frame->tag));
        taken = frame;
    }
    if (taken == NULL) {
        rdb_error_set(err, RDB_INSUFFICIENT_RESOURCES, "no unpinned buffers available");
        return NULL;
    }
    queue_push(storage, for_scan ? &storage->scan_queue : ghost_knows(storage, new_hash) ? &storage->main_queue : &storage->small_queue,
               (uint32_t)(taken - storage->frames));
    return taken;
}

/* The frames for pages of these hashes, BUSY and out of the table; how many: fewer where no more can be had, which err tells. */
static uint32_t take_frames(rdb_storage *storage, const uint64_t *new_hashes, uint32_t count, bool for_scan, rdb_buffer **taken, rdb_error *err)
{
    uint8_t *copy = NULL;
    uint32_t got = 0;
    for (uint32_t i = 0; i < count; i++) /* memory answers side by side, and not under the lock */
        __builtin_prefetch(&storage->ghosts[new_hashes[i] & storage->ghost_mask]);
    rdb_mutex_lock(&storage->queue_lock);
    while (got < count && (taken[got] = pick_frame(storage, new_hashes[got], for_scan, &copy, err)) != NULL)
        got++;
    rdb_mutex_unlock(&storage->queue_lock);
    free(copy);
    for (uint32_t i = 0; i < got; i++) {
        const uint64_t hash = storage_tag_hash(taken[i]->tag);
        __builtin_prefetch((const void *)&partition_of(storage, hash)->slots[storage_home_slot(storage, hash)], 1);
    }
    for (uint32_t i = 0; i < got; i++) {
        if ((atomic_load_explicit(&taken[i]->state, memory_order_relaxed) & FRAME_VALID) == 0)
            continue;
        const uint64_t old_hash = storage_tag_hash(taken[i]->tag);
        storage_partition *partition = partition_of(storage, old_hash);
        rdb_latch_lock_exclusive(&partition->latch);
        table_remove(storage, old_hash, taken[i]);
        rdb_latch_unlock_exclusive(&partition->latch);
        atomic_fetch_and_explicit(&taken[i]->state, ~FRAME_VALID, memory_order_relaxed);
        atomic_fetch_add_explicit(&storage->eviction_count, 1, memory_order_relaxed);
    }
    return got;
}

/* ---- getting a page in ------------------------------------------------------------------------------------------------ */

static bool read_page(rdb_storage *storage, storage_relation *relation, rdb_buffer *frame, frame_load load, rdb_error *err)
{
    size_t got = 0;
    const char *what = NULL;
    rdb_page_tag tag = frame->tag;
    memset(frame->page, 0, RDB_PAGE_HEADER_BYTES);
    if (!relation_read(storage, relation, tag.block, frame->page, &got, err))
        return false;
    atomic_fetch_add_explicit(&storage->read_count, 1, memory_order_relaxed);
    rdb_thread_usage.blocks_read++;
    storage_tally_of(&tag)->reads++;
    if (got == storage->page_bytes && page_verify(frame->page, tag, storage->page_bytes, &what))
        return true;
    if (got == 0 || load == LOAD_REPLAY) { /* a block that was added and never written; or the record brings the page */
        memset(frame->page, 0, storage->page_bytes);
        return true;
    }
    char name[96];
    storage_tag_name(name, tag);
    rdb_error_set(err, RDB_DATA_CORRUPTED, "invalid page in block %llu of relation %s", (unsigned long long)tag.block, name);
    rdb_incident_note("damaged-page", "%s: %s", rdb_error_message(err), what != NULL ? what : "too short");
    rdb_error_hint(err, "A backup and the log since make it again: rdb-restore --page %s:%llu.", name, (unsigned long long)tag.block);
    if (what != NULL)
        return rdb_error_detail(err, "%s.", what);
    return rdb_error_detail(err, "Read only %zu of %u bytes.", got, storage->page_bytes);
}

/* Gives the frame its new page in the table, pinned and latched exclusively. Needs the partition's latch. */
static void place_frame(rdb_storage *storage, uint64_t hash, rdb_buffer *taken, rdb_page_tag tag)
{
    taken->tag = tag;
    atomic_store_explicit(&taken->usage, 0, memory_order_relaxed);
    atomic_store_explicit(&taken->is_ahead, 0, memory_order_relaxed);
    atomic_store_explicit(&taken->lsn, 0, memory_order_relaxed);
    rdb_latch_lock_exclusive(&taken->latch); /* nobody can hold it: no pins but vain ones */
    /* BUSY goes and our pin comes in one step; release publishes the tag to whoever pins from now on */
    atomic_fetch_add_explicit(&taken->state, 1u - FRAME_BUSY, memory_order_release);
    table_insert(storage, hash, taken);
}

/* The pinned frame of the tag: the one that is in the table (*fresh false), or the taken one, which enters it here, latched exclusively and
 * without a page yet. */
static rdb_buffer *enter_frame(rdb_storage *storage, rdb_page_tag tag, uint64_t hash, rdb_buffer *taken, bool *fresh)
{
    storage_partition *partition = partition_of(storage, hash);
    rdb_latch_lock_exclusive(&partition->latch);
    rdb_buffer *frame = find_frame(storage, &tag, hash);
    *fresh = frame == NULL;
    if (*fresh)
        place_frame(storage, hash, taken, tag);
    rdb_latch_unlock_exclusive(&partition->latch);
    if (*fresh)
        return taken;
    /* Another thread was quicker; the frame stays queued as a dead one and is taken next time. */
    atomic_fetch_and_explicit(&taken->state, ~FRAME_BUSY, memory_order_release);
    return frame;
}

/* The same with a frame taken for it. NULL: none can be had. */
static rdb_buffer *enter_alone(rdb_storage *storage, rdb_page_tag tag, uint64_t hash, bool *fresh, rdb_error *err)
{
    rdb_buffer *taken = NULL;
    *fresh = false;
    return take_frames(storage, &hash, 1, false, &taken, err) == 1 ? enter_frame(storage, tag, hash, taken, fresh) : NULL;
}

/* The page could not be read: the frame leaves the table. */
static void drop_frame(rdb_storage *storage, rdb_buffer *frame)
{
    const uint64_t hash = storage_tag_hash(frame->tag);
    storage_partition *partition = partition_of(storage, hash);
    rdb_latch_lock_exclusive(&partition->latch);
    table_remove(storage, hash, frame);
    rdb_latch_unlock_exclusive(&partition->latch);
    rdb_latch_unlock_exclusive(&frame->latch);
    frame_unpin(frame);
}

bool pool_get(rdb_storage *storage, rdb_page_tag tag, frame_load load, rdb_buffer **out, bool *fresh, rdb_error *err)
{
    uint64_t hash = storage_tag_hash(tag);
    storage_relation *relation = NULL;
    bool ok = false;
    *out = NULL;
    *fresh = false;
    rdb_buffer *frame = find_frame(storage, &tag, hash);
    if (frame != NULL) {
        *out = frame;
        return true;
    }
    atomic_fetch_add_explicit(&storage->miss_count, 1, memory_order_relaxed);
    if (!relation_get(storage, tag.pdb, tag.file, tag.fork, load == LOAD_REPLAY ? RELATION_OR_CREATE : RELATION_EXISTING,
                      &relation, err))
        return false;
    const bool is_behind = load == LOAD_READ && tag.block >= atomic_load_explicit(&relation->block_count, memory_order_acquire);
    if (is_behind && (RDB_FILE_CLASS(tag.file) == RDB_FILE_TABLE || RDB_FILE_CLASS(tag.file) == RDB_FILE_INDEX)) {
        load = LOAD_ZERO; /* the way here was found before the file was cut */
    } else if (is_behind) {
        char name[96];
        storage_tag_name(name, tag);
        rdb_error_set(err, RDB_DATA_CORRUPTED, "block %llu of relation %s does not exist", (unsigned long long)tag.block, name);
        goto out;
    }
    rdb_buffer *taken = enter_alone(storage, tag, hash, fresh, err);
    if (taken == NULL)
        goto out;
    if (!*fresh) {
        *out = taken;
        ok = true;
        goto out;
    }

    /* The frame is in the table: who makes the file longer from here on comes to it. Who did before may have written the page already. */
    if (is_behind && tag.block < atomic_load_explicit(&relation->block_count, memory_order_acquire))
        load = LOAD_READ;
    if (load == LOAD_ZERO) {
        memset(taken->page, 0, storage->page_bytes);
        ok = true;
    } else {
        ok = read_page(storage, relation, taken, load, err);
    }
    if (ok) {
        atomic_store_explicit(&taken->lsn, taken->page->lsn, memory_order_relaxed);
        atomic_fetch_or_explicit(&taken->state, FRAME_VALID, memory_order_release);
        *out = taken;
    } else {
        *fresh = false;
        drop_frame(storage, taken);
    }
out:
    relation_put(relation);
    return ok;
}

/* ---- runs of pages, for scans ------------------------------------------------------------------------------------------ */
/* Reads the pages of frames that follow one another. A page that is not as it should be leaves the pool again: whoever asks for it
 * reads it alone and is told. */
static void end_load(rdb_storage *storage, storage_relation *relation, rdb_buffer *const *frames, uint32_t count)
{
    void *pages[LOAD_PAGES] = {NULL};
    rdb_error err = {0};
    const char *what = NULL;
    uint32_t got = 0;
    for (uint32_t i = 0; i < count; i++)
        pages[i] = frames[i]->page;
    if (!relation_read_run(storage, relation, frames[0]->tag.block, pages, count, &got, &err)) {
        rdb_error_clear(&err);
        got = 0;
    }
    atomic_fetch_add_explicit(&storage->miss_count, count, memory_order_relaxed);
    atomic_fetch_add_explicit(&storage->read_count, got, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        rdb_buffer *frame = frames[i];
        if (i < got && page_verify(frame->page, frame->tag, storage->page_bytes, &what)) {
            atomic_store_explicit(&frame->lsn, frame->page->lsn, memory_order_relaxed);
            atomic_store_explicit(&frame->is_ahead, 1, memory_order_relaxed);
            atomic_fetch_or_explicit(&frame->state, FRAME_VALID, memory_order_release);
            rdb_latch_unlock_exclusive(&frame->latch);
            frame_unpin(frame);
        } else {
            drop_frame(storage, frame);
        }
    }
}

/* Reads blocks of these hashes that follow one another and were not in the pool, as far as frames can be had. */
static void load_run(rdb_storage *storage, storage_relation *relation, rdb_page_tag first, const uint64_t *hashes, uint32_t count)
{
    rdb_buffer *taken[LOAD_PAGES], *entered[LOAD_PAGES];
    rdb_error err = {0};
    const uint32_t got = take_frames(storage, hashes, count, true, taken, &err);
    uint32_t held = 0;
    rdb_error_clear(&err);
    for (uint32_t i = 0; i < got; i++, first.block++) {
        bool fresh;
        rdb_buffer *frame = enter_frame(storage, first, hashes[i], taken[i], &fresh);
        if (fresh) {
            entered[held++] = frame;
            continue;
        }
        frame_unpin(frame); /* another thread brought it meanwhile */
        if (held > 0)
            end_load(storage, relation, entered, held);
        held = 0;
    }
    if (held > 0)
        end_load(storage, relation, entered, held);
}

void rdb_storage_load(rdb_storage *storage, rdb_page_tag first, uint32_t count)
{
    storage_relation *relation = NULL;
    rdb_error err = {0};
    uint64_t hashes[LOAD_PAGES];
    const uint32_t most = RDB_MIN(LOAD_PAGES, storage->frame_count / 32);
    if (!relation_get(storage, first.pdb, first.file, first.fork, RELATION_EXISTING, &relation, &err)) {
        rdb_error_clear(&err);
        return;
    }
    const uint64_t blocks = atomic_load_explicit(&relation->block_count, memory_order_acquire);
    const uint64_t end = RDB_MIN(blocks, first.block + count);
    rdb_page_tag tag = first;
    while (tag.block < end && most > 0) {
        uint32_t absent = 0;
        for (; absent < most && tag.block + absent < end; absent++) {
            const rdb_page_tag next = {.pdb = tag.pdb, .file = tag.file, .block = tag.block + absent, .fork = tag.fork};
            hashes[absent] = storage_tag_hash(next);
            rdb_buffer *frame = find_frame(storage, &next, hashes[absent]);
            if (frame == NULL)
                continue;
            frame_unpin(frame);
            break;
        }
        if (absent > 0)
            load_run(storage, relation, tag, hashes, absent);
        tag.block += absent < most ? absent + 1 : absent; /* what stopped the run is there */
    }
    relation_put(relation);
}

static inline void latch_frame(rdb_buffer *frame, rdb_buffer_mode mode)
{
    if (mode == RDB_BUFFER_SHARED)
        rdb_latch_lock_shared(&frame->latch);
    else if (mode == RDB_BUFFER_EXCLUSIVE)
        rdb_latch_lock_exclusive(&frame->latch);
}

/* Waits for the thread that reads the page in. False: it failed; the pin is gone. */
static bool wait_until_valid(rdb_buffer *frame)
{
    rdb_latch_lock_shared(&frame->latch);
    rdb_latch_unlock_shared(&frame->latch);
    if ((atomic_load_explicit(&frame->state, memory_order_acquire) & FRAME_VALID) != 0)
        return true;
    frame_unpin(frame);
    return false;
}

static inline void note_use(rdb_buffer *frame)
{
    uint8_t usage = atomic_load_explicit(&frame->usage, memory_order_relaxed);
    if (usage < FRAME_USAGE_MAX)
        atomic_store_explicit(&frame->usage, (uint8_t)(usage + 1), memory_order_relaxed);
}

static inline void note_hit(rdb_storage *storage, rdb_buffer *frame)
{
    if (atomic_load_explicit(&frame->is_ahead, memory_order_relaxed) != 0) {
        atomic_store_explicit(&frame->is_ahead, 0, memory_order_relaxed);
        rdb_thread_usage.blocks_read++;
        storage_tally_of(&frame->tag)->reads++;
        return;
    }
    storage_count_hit(storage, &frame->tag);
}

bool rdb_buffer_try_acquire(rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **out)
{
    rdb_buffer *frame = find_frame(storage, &tag, storage_tag_hash(tag));
    *out = NULL;
    if (frame == NULL)
        return false;
    if ((atomic_load_explicit(&frame->state, memory_order_acquire) & FRAME_VALID) == 0 || !rdb_buffer_try_lock(frame, mode)) {
        frame_unpin(frame);
        return false;
    }
    note_use(frame);
    note_hit(storage, frame);
    *out = frame;
    return true;
}

bool rdb_buffer_acquire(rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **out, rdb_error *err)
{
    for (;;) {
        rdb_buffer *frame = find_frame(storage, &tag, storage_tag_hash(tag));
        if (RDB_LIKELY(frame != NULL)) {
            note_use(frame);
            if (RDB_UNLIKELY((atomic_load_explicit(&frame->state, memory_order_acquire) & FRAME_VALID) == 0) &&
                !wait_until_valid(frame))
                continue;
            note_hit(storage, frame);
            latch_frame(frame, mode);
            *out = frame;
            return true;
        }
        bool fresh = false;
        *out = NULL;
        if (!pool_get(storage, tag, LOAD_READ, &frame, &fresh, err))
            return false;
        if (fresh) {
            if (mode != RDB_BUFFER_EXCLUSIVE) {
                rdb_latch_unlock_exclusive(&frame->latch);
                latch_frame(frame, mode);
            }
        } else {
            if ((atomic_load_explicit(&frame->state, memory_order_acquire) & FRAME_VALID) == 0 && !wait_until_valid(frame))
                continue;
            latch_frame(frame, mode);
        }
        *out = frame;
        return true;
    }
}

bool rdb_buffer_acquire_new(rdb_storage *storage, rdb_page_tag tag, rdb_buffer **out, rdb_error *err)
{
    storage_relation *relation = NULL;
    *out = NULL;
    if (!relation_get(storage, tag.pdb, tag.file, tag.fork, RELATION_EXISTING, &relation, err))
        return false;
    bool ok = relation_grow(storage, relation, tag.block + 1, err);
    relation_put(relation);
    while (ok) {
        bool fresh = false;
        rdb_buffer *frame = NULL;
        ok = pool_get(storage, tag, LOAD_ZERO, &frame, &fresh, err);
        if (!ok)
            break;
        if (!fresh) {
            if ((atomic_load_explicit(&frame->state, memory_order_acquire) & FRAME_VALID) == 0 && !wait_until_valid(frame))
                continue;
            rdb_latch_lock_exclusive(&frame->latch);
        }
        *out = frame;
        return true;
    }
    return false;
}

bool rdb_buffer_extend(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t *block, rdb_buffer **buffer,
                       rdb_error *err)
{
    storage_relation *relation = NULL;
    bool fresh = false, ok = false;
    *buffer = NULL;
    *block = 0;
    if (!relation_get(storage, pdb, file, fork, RELATION_EXISTING, &relation, err))
        return false;
    while (*buffer == NULL && relation_extend(storage, relation, block, err)) {
        rdb_thread_usage.blocks_extended++;
        rdb_page_tag tag = {.file = file, .block = *block, .pdb = pdb, .fork = fork};
        do { /* a scan that runs ahead of the file's use may have the page already */
            ok = pool_get(storage, tag, LOAD_ZERO, buffer, &fresh, err);
        } while (ok && !fresh && (atomic_load_explicit(&(*buffer)->state, memory_order_acquire) & FRAME_VALID) == 0 &&
                 !wait_until_valid(*buffer));
        if (ok && !fresh)
            rdb_latch_lock_exclusive(&(*buffer)->latch);
        /* Before it was latched somebody may have met the new block as free space and taken it, or cut it off again as an empty end. */
        if (ok && ((!fresh && (*buffer)->page->type != RDB_PAGE_FREE) || *block >= atomic_load_explicit(&relation->block_count, memory_order_acquire))) {
            rdb_buffer_release(*buffer, RDB_BUFFER_EXCLUSIVE);
            *buffer = NULL;
            ok = false;
            continue;
        }
        if (!ok) { /* the block stays, zeroed; somebody else may use it */
            rdb_space_note(storage, pdb, file, *block, storage->page_bytes - RDB_PAGE_HEADER_BYTES);
            break;
        }
    }
    relation_put(relation);
    return ok;
}

/* ---- for repairs --------------------------------------------------------------------------------------------------------- */
bool pool_hold(rdb_storage *storage, rdb_page_tag tag, rdb_buffer **out, bool *fresh, rdb_error *err)
{
    const uint64_t hash = storage_tag_hash(tag);
    for (;; rdb_time_sleep_us(100)) {
        *fresh = false;
        rdb_buffer *frame = find_frame(storage, &tag, hash);
        if (frame == NULL)
            frame = enter_alone(storage, tag, hash, fresh, err);
        *out = frame;
        if (frame == NULL || *fresh)
            return frame != NULL;
        if (!wait_until_valid(frame))
            continue;
        rdb_latch_lock_exclusive(&frame->latch);
        const uint32_t state = atomic_load_explicit(&frame->state, memory_order_acquire);
        if ((state & FRAME_VALID) != 0 && (state & FRAME_WRITING) == 0)
            return true;
        rdb_buffer_release(frame, RDB_BUFFER_EXCLUSIVE);
    }
}

void pool_fill(rdb_buffer *frame)
{
    atomic_fetch_or_explicit(&frame->state, FRAME_VALID, memory_order_release);
}

void pool_leave(rdb_storage *storage, rdb_buffer *frame)
{
    drop_frame(storage, frame);
}

void rdb_buffer_lock(rdb_buffer *buffer, rdb_buffer_mode mode)
{
    latch_frame(buffer, mode);
}

void rdb_buffer_unlock(rdb_buffer *buffer, rdb_buffer_mode mode)
{
    if (mode == RDB_BUFFER_SHARED)
        rdb_latch_unlock_shared(&buffer->latch);
    else if (mode == RDB_BUFFER_EXCLUSIVE)
        rdb_latch_unlock_exclusive(&buffer->latch);
}

void rdb_buffer_release(rdb_buffer *buffer, rdb_buffer_mode mode)
{
    if (buffer == NULL)
        return;
    rdb_buffer_unlock(buffer, mode);
    RDB_ASSERT((atomic_load_explicit(&buffer->state, memory_order_relaxed) & FRAME_PINS) > 0);
    frame_unpin(buffer);
}

bool rdb_buffer_try_lock(rdb_buffer *buffer, rdb_buffer_mode mode)
{
    if (mode == RDB_BUFFER_SHARED)
        return rdb_latch_try_shared(&buffer->latch);
    return mode != RDB_BUFFER_EXCLUSIVE || rdb_latch_try_exclusive(&buffer->latch);
}

rdb_page *rdb_buffer_page(rdb_buffer *buffer)
{
    return buffer->page;
}

rdb_latch *rdb_buffer_latch(rdb_buffer *buffer)
{
    return &buffer->latch;
}

rdb_page_tag rdb_buffer_tag(const rdb_buffer *buffer)
{
    return buffer->tag;
}

void rdb_buffer_settle(rdb_buffer *buffer, rdb_scn scn)
{
    if (__atomic_load_n(&buffer->page->settled_scn, __ATOMIC_RELAXED) != scn)
        __atomic_store_n(&buffer->page->settled_scn, scn, __ATOMIC_RELAXED);
}

void frame_mark_dirty(rdb_buffer *frame)
{
    if ((atomic_load_explicit(&frame->state, memory_order_relaxed) & FRAME_DIRTY) != 0)
        return;
    if ((atomic_fetch_or_explicit(&frame->state, FRAME_DIRTY, memory_order_release) & FRAME_DIRTY) != 0)
        return;
    atomic_fetch_add_explicit(&frame->storage->dirty_count, 1, memory_order_relaxed);
    rdb_thread_usage.blocks_dirtied++;
}

/* ---- forgetting pages ----------------------------------------------------------------------------------------------------- */

static void discard_frame(rdb_storage *storage, rdb_buffer *frame)
{
    uint64_t hash = storage_tag_hash(frame->tag);
    storage_partition *partition = partition_of(storage, hash);
    for (;;) { /* not waiting under the latch: who claimed the writing may still want it */
        rdb_latch_lock_exclusive(&frame->latch);
        if ((atomic_load_explicit(&frame->state, memory_order_acquire) & FRAME_WRITING) == 0)
            break;
        rdb_latch_unlock_exclusive(&frame->latch);
        rdb_time_sleep_us(20);
    }
    rdb_latch_lock_exclusive(&partition->latch);
    table_remove(storage, hash, frame);
    rdb_latch_unlock_exclusive(&partition->latch);
    atomic_store_explicit(&frame->usage, 0, memory_order_relaxed); /* nothing of it shall stay in the pool */
    uint32_t before = atomic_fetch_and_explicit(&frame->state, ~(FRAME_DIRTY | FRAME_VALID), memory_order_acq_rel);
    if ((before & FRAME_DIRTY) != 0)
        atomic_fetch_sub_explicit(&storage->dirty_count, 1, memory_order_relaxed);
    rdb_latch_unlock_exclusive(&frame->latch);
}

bool rdb_storage_forget(rdb_storage *storage, rdb_page_tag first, uint64_t count, bool written, rdb_error *err)
{
    uint8_t *copy = NULL;
    bool ok = true, clean = false;
    if (written && posix_memalign((void **)&copy, 4096, storage->page_bytes) != 0)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (rdb_page_tag tag = first; ok && tag.block < first.block + count; tag.block++) {
        rdb_buffer *frame = find_frame(storage, &tag, storage_tag_hash(tag));
        if (frame == NULL)
            continue;
        ok = !written || frame_write(frame, WRITE_WAIT, copy, &clean, err);
        if (ok)
            discard_frame(storage, frame);
        frame_unpin(frame);
        if (ok)
            list_dead_frame(storage, frame);
    }
    free(copy);
    return ok;
}

void pool_discard(rdb_storage *storage, uint32_t pdb, uint64_t file, int fork, uint64_t from_block)
{
    for (uint32_t i = 0, used = storage_used_frames(storage); i < used; i++) {
        rdb_buffer *frame = &storage->frames[i];
        if ((atomic_load_explicit(&frame->state, memory_order_relaxed) & (FRAME_VALID | FRAME_BUSY)) != FRAME_VALID ||
            !frame_pin(frame))
            continue;
        const bool is_meant = (atomic_load_explicit(&frame->state, memory_order_acquire) & FRAME_VALID) != 0 && frame->tag.pdb == pdb &&
                              frame->tag.file == file && (fork < 0 || frame->tag.fork == fork) && frame->tag.block >= from_block;
        if (is_meant)
            discard_frame(storage, frame);
        frame_unpin(frame);
        if (is_meant)
            list_dead_frame(storage, frame);
    }
}

bool pool_is_at_rest(const rdb_buffer *frame)
{
    return (atomic_load_explicit(&frame->state, memory_order_acquire) & FRAME_WRITING) == 0;
}

void pool_blank(rdb_buffer *frame)
{
    memset(frame->page, 0, frame->storage->page_bytes);
    atomic_store_explicit(&frame->lsn, 0, memory_order_relaxed);
    /* Who claimed the writing meanwhile waits for the latch that we hold, and finds nothing to write. */
    if ((atomic_fetch_and_explicit(&frame->state, ~FRAME_DIRTY, memory_order_acq_rel) & FRAME_DIRTY) != 0)
        atomic_fetch_sub_explicit(&frame->storage->dirty_count, 1, memory_order_relaxed);
}

/* ---- open and close --------------------------------------------------------------------------------------------------------- */

static uint32_t power_of_two_from(uint32_t value)
{
    uint32_t power = 1;
    while (power < value)
        power <<= 1;
    return power;
}

/* Huge pages where the kernel gives them, for what is touched all over at random: a walk of the page table a touch costs more than the
 * touch. */
static void want_huge_pages(void *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    (void)madvise(memory, bytes, MADV_HUGEPAGE); /* refused: small pages serve */
#else
    (void)memory, (void)bytes;
#endif
}

/* Zeroed memory; untouched parts cost nothing. */
static void *map_memory(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Redo fills the pool page by page, soon after the machine or the server came up: small pages are there at once, while huge ones are
 * zeroed whole, and a hypervisor has to find their memory first (half of the time of a recovery was spent so). What redo has touched the
 * kernel joins to huge pages in its own time. */
void pool_recovered(rdb_storage *storage)
{
    want_huge_pages(storage->pages, (size_t)storage->frame_count * storage->page_bytes);
}

static void unmap_memory(void *memory, size_t bytes)
{
    if (memory != NULL)
        munmap(memory, bytes);
}

static size_t slots_bytes(const rdb_storage *storage)
{
    return ((size_t)storage->partition_mask + 1) * ((size_t)storage->slot_mask + 1) * sizeof(uint64_t);
}

bool pool_open(rdb_storage *storage, rdb_error *err)
{
    uint32_t count = storage->frame_count, partitions = count >= 8192 ? 16 : 1;
    uint32_t slots = RDB_MAX(64u, power_of_two_from(2 * (count / partitions)));
    rdb_mutex_init(&storage->queue_lock, RDB_RANK_BUFFER);
    storage->partition_mask = partitions - 1;
    storage->slot_mask = slots - 1;
    storage->ghost_mask = power_of_two_from(2 * count) - 1;
    storage->small_target = RDB_MAX(1u, count / 10);
    storage->scan_target = RDB_MIN(RDB_MAX(1u, count / 16), 2048u);
    storage->pages = map_memory((size_t)count * storage->page_bytes);
    storage->frames = map_memory(sizeof(rdb_buffer) * count);
    storage->slots = map_memory(slots_bytes(storage));
    if (storage->frames != NULL)
        want_huge_pages(storage->frames, sizeof(rdb_buffer) * count);
    if (storage->slots != NULL)
        want_huge_pages(storage->slots, slots_bytes(storage));
    if (posix_memalign((void **)&storage->partitions, 64, sizeof(storage_partition) * partitions) != 0)
        storage->partitions = NULL;
    storage->small_queue.frames = calloc(count, sizeof(uint32_t));
    storage->main_queue.frames = calloc(count, sizeof(uint32_t));
    storage->scan_queue.frames = calloc(count, sizeof(uint32_t));
    storage->dead_frames = calloc(count, sizeof(uint32_t));
    storage->ghosts = calloc(storage->ghost_mask + 1, sizeof(uint64_t));
    bool ok = storage->pages != NULL && storage->frames != NULL && storage->slots != NULL && storage->partitions != NULL && storage->small_queue.frames != NULL &&
              storage->main_queue.frames != NULL && storage->scan_queue.frames != NULL && storage->dead_frames != NULL && storage->ghosts != NULL;
    if (storage->partitions != NULL)
        memset(storage->partitions, 0, sizeof(storage_partition) * partitions);
    for (uint32_t i = 0; ok && i < partitions; i++) {
        rdb_latch_init(&storage->partitions[i].latch);
        storage->partitions[i].slots = storage->slots + (size_t)i * slots;
    }
    if (!ok)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return true;
}

void pool_close(rdb_storage *storage)
{
    unmap_memory(storage->pages, (size_t)storage->frame_count * storage->page_bytes);
    unmap_memory(storage->frames, sizeof(rdb_buffer) * storage->frame_count);
    unmap_memory(storage->slots, slots_bytes(storage));
    free(storage->partitions);
    free(storage->small_queue.frames);
    free(storage->main_queue.frames);
    free(storage->scan_queue.frames);
    free(storage->dead_frames);
    free(storage->ghosts);
    rdb_mutex_deinit(&storage->queue_lock);
}
