/* SPDX-License-Identifier: Apache-2.0
 * Dirty pages on their way to disk: one page from a private copy, the cleaner thread that keeps a share of frames clean
 * (R25), and the checkpoint's flush of all. */
#include "storage_int.h"

#include <sched.h>
#include <stdlib.h>

enum { CLEANER_PAUSE_US = 100000, CLEANER_AHEAD_MAX = 512, ADMIT_PATIENCE_US = 30000000 };

/* True: WRITING is ours. False: the frame is clean, or (where wait is false) somebody else writes it. */
static bool claim_writing(rdb_buffer *frame, bool wait)
{
    for (uint32_t tries = 0;; tries++) {
        uint32_t state = atomic_load_explicit(&frame->state, memory_order_acquire);
        if ((state & FRAME_WRITING) != 0) {
            if (!wait)
                return false;
            if (tries < 100)
                sched_yield();
            else
                rdb_time_sleep_us(100);
            continue;
        }
        if ((state & FRAME_DIRTY) == 0)
            return false;
        if (atomic_compare_exchange_weak_explicit(&frame->state, &state, state | FRAME_WRITING, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    }
}

bool frame_write(rdb_buffer *frame, frame_write_mode mode, uint8_t *copy, bool *clean, rdb_error *err)
{
    return frame_write_counted(frame, mode, copy, NULL, clean, err);
}

/* A private copy of the page of a pinned frame where it is dirty; WRITING is ours then. False: it is clean, or it is not to be had so. The
 * copy holds what DIRTY stood for; a change that comes after the latch falls sets it again. */
static bool take_copy(rdb_buffer *frame, bool wait, uint8_t *copy)
{
    if (!claim_writing(frame, wait))
        return false;
    if (wait) {
        rdb_latch_lock_shared(&frame->latch);
    } else if (!rdb_latch_try_shared(&frame->latch)) {
        atomic_fetch_and_explicit(&frame->state, ~FRAME_WRITING, memory_order_release);
        return false;
    }
    const bool dirty = (atomic_fetch_and_explicit(&frame->state, ~FRAME_DIRTY, memory_order_acquire) & FRAME_DIRTY) != 0;
    if (dirty)
        page_copy(copy, frame->page, frame->storage->page_bytes);
    rdb_latch_unlock_shared(&frame->latch);
    if (dirty)
        atomic_fetch_sub_explicit(&frame->storage->dirty_count, 1, memory_order_relaxed);
    else
        atomic_fetch_and_explicit(&frame->state, ~FRAME_WRITING, memory_order_release);
    return dirty;
}

/* Writes the copies of pages that follow one another in their file. False: all are dirty again. */
static bool write_copies(rdb_buffer *const *frames, uint32_t count, uint8_t *copies, _Atomic uint64_t *counter, rdb_error *err)
{
    rdb_storage *storage = frames[0]->storage;
    const rdb_page_tag first = frames[0]->tag;
    storage_relation *relation = NULL;
    rdb_lsn lsn = 0;
    for (uint32_t i = 0; i < count; i++)
        lsn = RDB_MAX(lsn, ((const rdb_page *)(const void *)(copies + (size_t)i * storage->page_bytes))->lsn);
    bool ok = storage_pass_barrier(storage, lsn, err);
    for (uint32_t i = 0; ok && i < count; i++)
        page_stamp((rdb_page *)(void *)(copies + (size_t)i * storage->page_bytes), frames[i]->tag, storage->page_bytes);
    ok = ok && relation_get(storage, first.pdb, first.file, first.fork, RELATION_EXISTING, &relation, err) &&
         relation_write(storage, relation, first.block, copies, count, err);
    relation_put(relation);
    if (ok) {
        atomic_fetch_add_explicit(&storage->write_count, count, memory_order_relaxed);
        if (counter != NULL)
            atomic_fetch_add_explicit(counter, count, memory_order_relaxed);
        rdb_thread_usage.blocks_written += count;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!ok && (atomic_fetch_or_explicit(&frames[i]->state, FRAME_DIRTY, memory_order_relaxed) & FRAME_DIRTY) == 0)
            atomic_fetch_add_explicit(&storage->dirty_count, 1, memory_order_relaxed);
        atomic_fetch_and_explicit(&frames[i]->state, ~FRAME_WRITING, memory_order_release);
    }
    return ok;
}

bool frame_write_counted(rdb_buffer *frame, frame_write_mode mode, uint8_t *copy, _Atomic uint64_t *counter, bool *clean, rdb_error *err)
{
    rdb_wal *wal = storage_wal(frame->storage);
    *clean = false;
    if (mode == WRITE_IF_EASY && wal != NULL && atomic_load_explicit(&frame->lsn, memory_order_relaxed) > rdb_wal_durable_lsn(wal))
        return true;
    const bool ok = !take_copy(frame, mode == WRITE_WAIT, copy) || write_copies(&frame, 1, copy, counter, err);
    *clean = (atomic_load_explicit(&frame->state, memory_order_acquire) & (FRAME_DIRTY | FRAME_WRITING)) == 0;
    return ok;
}

/* ---- the checkpoint ------------------------------------------------------------------------------------------------- */

typedef struct dirty_page {
    rdb_page_tag tag;
    uint32_t frame_no;
} dirty_page;

static int compare_dirty_pages(const void *left, const void *right)
{
    const rdb_page_tag *a = &((const dirty_page *)left)->tag, *b = &((const dirty_page *)right)->tag;
    if (a->pdb != b->pdb)
        return a->pdb < b->pdb ? -1 : 1;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->fork != b->fork)
        return a->fork < b->fork ? -1 : 1;
    return a->block < b->block ? -1 : a->block > b->block;
}

/* The frame again, where it still holds that page. */
static bool pin_if_same(rdb_buffer *frame, const rdb_page_tag *tag)
{
    if (!frame_pin(frame))
        return false;
    if (storage_tag_equal(&frame->tag, tag))
        return true;
    frame_unpin(frame);
    return false;
}

/* Collects what is dirty now, in the order of files and blocks. */
static uint32_t collect_dirty(rdb_storage *storage, dirty_page *pages)
{
    uint32_t count = 0;
    for (uint32_t i = 0, used = storage_used_frames(storage); i < used; i++) { /* one used later holds nothing that was dirty now */
        rdb_buffer *frame = &storage->frames[i];
        /* A BUSY frame is clean and nobody writes it; one that is being written counts: its write may still fail. */
        if ((atomic_load_explicit(&frame->state, memory_order_acquire) & (FRAME_DIRTY | FRAME_WRITING)) == 0 || !frame_pin(frame))
            continue;
        pages[count].tag = frame->tag;
        pages[count++].frame_no = i;
        frame_unpin(frame);
    }
    qsort(pages, count, sizeof *pages, compare_dirty_pages);
    return count;
}

static bool same_file(const rdb_page_tag *a, const rdb_page_tag *b)
{
    return a->file == b->file && a->pdb == b->pdb && a->fork == b->fork;
}

/* Waits until that part of the pages is due, or somebody hurries. */
static void wait_until_due(rdb_storage *storage, double part, double (*due)(void *context), void *context)
{
    enum { LOOK_US = 20000 };
    while (due(context) < part && atomic_load_explicit(&storage->flush_hurry, memory_order_relaxed) == 0) {
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_CHECKPOINT_DELAY);
        rdb_futex_wait(&storage->flush_hurry, 0, LOOK_US);
        rdb_wait_end(mark);
    }
}

/* Blocks next to each other that were written and that the system has not been asked to bring to the disk yet. No file is held over
 * them: it may be dropped during a pause. */
typedef struct flush_run {
    rdb_page_tag first;
    uint64_t count;
} flush_run;

static bool end_run(rdb_storage *storage, flush_run *run, bool with_file, rdb_flush_result *result, rdb_error *err)
{
    storage_relation *relation = run->count > 0 ? relation_find(storage, run->first.pdb, run->first.file, run->first.fork) : NULL;
    bool ok = true;
    if (relation != NULL) {
        relation_begin_writeback(storage, relation, run->first.block, run->count);
        ok = !with_file || relation_sync(storage, relation, result, err);
        relation_put(relation);
    }
    run->count = 0;
    return ok;
}

enum { COPIES_MAX = 16 };

/* Writes the first of these pages by one call, together with those behind it that follow it in its file and can be had without waiting:
 * who holds the writing of one page shall not wait for another. *taken: how many were seen to, those included that are clean by now. */
static bool write_run(rdb_storage *storage, const dirty_page *pages, uint32_t count, uint8_t *copies, _Atomic uint64_t *counter, uint32_t *taken, rdb_error *err)
{
    rdb_buffer *frames[COPIES_MAX];
    uint32_t held = 0;
    bool ok = true;
    for (*taken = 0; *taken < count; ++*taken) {
        const dirty_page *page = &pages[*taken];
        rdb_buffer *frame = &storage->frames[page->frame_no];
        const bool is_first = *taken == 0;
        if (!is_first && (held < *taken || !same_file(&pages->tag, &page->tag) || page->tag.block != pages->tag.block + *taken))
            break;
        const bool is_there = pin_if_same(frame, &page->tag); /* else written by an evictor meanwhile */
        if (is_there && take_copy(frame, is_first, copies + (size_t)held * storage->page_bytes)) {
            frames[held++] = frame;
            continue;
        }
        if (is_there)
            frame_unpin(frame);
        if (!is_first) /* the next run begins with it */
            break;
    }
    if (held > 0)
        ok = write_copies(frames, held, copies, counter, err);
    while (held > 0)
        frame_unpin(frames[--held]);
    return ok;
}

bool rdb_storage_flush_paced(rdb_storage *storage, double (*due)(void *context), void *context, rdb_flush_result *result, rdb_error *err)
{
    enum { RUN_BLOCKS_MAX = 64 };
    bool ok = true;
    uint8_t *copies = NULL;
    flush_run run = {.count = 0};
    _Atomic uint64_t written = 0;
    dirty_page *pages = malloc(sizeof *pages * storage->frame_count);
    *result = (rdb_flush_result){0};
    if (pages == NULL || posix_memalign((void **)&copies, 4096, (size_t)COPIES_MAX * storage->page_bytes) != 0) {
        free(pages);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    rdb_mutex_lock(&storage->flush_lock);
    int64_t begin_us = rdb_time_monotonic_us();
    uint32_t count = collect_dirty(storage, pages);
    /* One sync of the log up to here, instead of one for each page that is newer than the last. */
    if (count > 0 && storage_wal(storage) != NULL)
        ok = storage_pass_barrier(storage, rdb_wal_insert_lsn(storage_wal(storage)), err);
    for (uint32_t i = 0, taken; ok && i < count; i += taken) {
        const rdb_page_tag *tag = &pages[i].tag;
        const bool in_hurry = due == NULL || atomic_load_explicit(&storage->flush_hurry, memory_order_relaxed) != 0;
        ok = write_run(storage, &pages[i], in_hurry ? RDB_MIN(count - i, (uint32_t)COPIES_MAX) : 1u, copies, &written, &taken, err);
        if (run.count == 0)
            run.first = *tag;
        run.count = tag->block + taken - run.first.block;
        bool last_of_file = i + taken == count || !same_file(tag, &pages[i + taken].tag);
        bool last_of_run = last_of_file || pages[i + taken].tag.block != tag->block + taken || run.count >= RUN_BLOCKS_MAX;
        if (ok && last_of_run)
            ok = end_run(storage, &run, last_of_file && due != NULL, result, err);
        if (ok && due != NULL)
            wait_until_due(storage, (double)(i + taken) / count, due, context);
    }
    /* Paced, each file was synced when its pages were through, for the disk's sake. In a hurry all come here, side by side; so do files
     * that others wrote to, and those whose dirty pages were all written before this began. */
    ok = ok && relation_sync_all(storage, result, err);
    result->pages = atomic_load_explicit(&written, memory_order_relaxed);
    result->write_us = rdb_time_monotonic_us() - begin_us - result->sync_us;
    rdb_mutex_unlock(&storage->flush_lock);
    free(pages);
    free(copies);
    return ok;
}

typedef struct even_pace {
    int64_t begin_us, spread_us;
} even_pace;

static double due_evenly(void *context)
{
    const even_pace *pace = context;
    return (double)(rdb_time_monotonic_us() - pace->begin_us) / (double)pace->spread_us;
}

bool rdb_storage_flush_all(rdb_storage *storage, int64_t spread_us, rdb_error *err)
{
    even_pace pace = {rdb_time_monotonic_us(), spread_us};
    rdb_flush_result result;
    return rdb_storage_flush_paced(storage, spread_us > 0 ? due_evenly : NULL, &pace, &result, err);
}

void rdb_storage_hurry_flush(rdb_storage *storage, bool hurry)
{
    if (!hurry)
        atomic_fetch_sub_explicit(&storage->flush_hurry, 1, memory_order_relaxed);
    else if (atomic_fetch_add_explicit(&storage->flush_hurry, 1, memory_order_relaxed) == 0)
        rdb_futex_wake(&storage->flush_hurry, UINT32_MAX);
}

/* ---- the cleaner ------------------------------------------------------------------------------------------------------- */

void cleaner_wake(rdb_storage *storage)
{
    if (atomic_load_explicit(&storage->cleaner_word, memory_order_relaxed) == 0 &&
        atomic_exchange_explicit(&storage->cleaner_word, 1, memory_order_release) == 0)
        rdb_futex_wake(&storage->cleaner_word, 1);
}

/* Copies up to max frame numbers from the end where frames leave the queue. */
static uint32_t look_ahead(rdb_storage *storage, const storage_queue *queue, uint32_t *frame_nos, uint32_t max)
{
    uint32_t count = RDB_MIN(queue->count, max);
    for (uint32_t i = 0; i < count; i++)
        frame_nos[i] = queue->frames[(queue->head + i) % storage->frame_count];
    return count;
}

static bool clean_frame(rdb_storage *storage, uint32_t frame_no, frame_write_mode mode, uint8_t *copy, rdb_error *err)
{
    rdb_buffer *frame = &storage->frames[frame_no];
    bool clean = false;
    if ((atomic_load_explicit(&frame->state, memory_order_relaxed) & FRAME_DIRTY) == 0 || !frame_pin(frame))
        return true;
    bool ok = frame_write_counted(frame, mode, copy, &storage->cleaner_writes, &clean, err);
    frame_unpin(frame);
    return ok;
}

/* One round: what is next to leave the pool; and where the share of dirty frames is high, a walk over all of them. */
static bool clean_round(rdb_storage *storage, uint32_t *hand, uint32_t *frame_nos, uint8_t *copy, rdb_error *err)
{
    uint32_t ahead = RDB_MIN((uint32_t)CLEANER_AHEAD_MAX, storage->frame_count / 8 + 1);
    rdb_mutex_lock(&storage->queue_lock);
    uint32_t count = 0;
    uint32_t used = storage_used_frames(storage);
    if (storage->frame_count - used < 2 * ahead) { /* else nothing leaves soon; a page written now may have to be written again */
        count = look_ahead(storage, &storage->small_queue, frame_nos, ahead);
        count += look_ahead(storage, &storage->main_queue, frame_nos + count, ahead);
        count += look_ahead(storage, &storage->scan_queue, frame_nos + count, ahead);
    }
    rdb_mutex_unlock(&storage->queue_lock);
    for (uint32_t i = 0; i < count; i++) {
        if (atomic_load_explicit(&storage->frames[frame_nos[i]].usage, memory_order_relaxed) < FRAME_USAGE_HOT &&
            !clean_frame(storage, frame_nos[i], WRITE_IF_EASY, copy, err))
            return false;
    }
    /* Redo has no readers whose frames must stay clean: what it makes dirty is written by need alone. */
    uint32_t spare = storage_wal(storage) != NULL ? storage->dirty_max / 4 : storage->dirty_max / 16;
    uint32_t high = storage->dirty_max - spare, low = storage->dirty_max - 2 * spare;
    if (atomic_load_explicit(&storage->dirty_count, memory_order_relaxed) < high)
        return true;
    if (storage_wal(storage) != NULL && !storage_pass_barrier(storage, rdb_wal_insert_lsn(storage_wal(storage)), err))
        return false;
    for (uint32_t seen = 0; seen < used; seen++) {
        if (atomic_load_explicit(&storage->dirty_count, memory_order_relaxed) <= low)
            break;
        *hand = (*hand + 1) % used;
        if (!clean_frame(storage, *hand, WRITE_NO_LATCH, copy, err))
            return false;
    }
    return true;
}

static void run_cleaner(void *argument)
{
    rdb_storage *storage = argument;
    uint32_t hand = 0, *frame_nos = calloc(3 * CLEANER_AHEAD_MAX, sizeof *frame_nos);
    uint8_t *copy = NULL;
    rdb_worker_declare(RDB_WORKER_CLEANER);
    if (posix_memalign((void **)&copy, 4096, storage->page_bytes) != 0)
        copy = NULL;
    while (atomic_load(&storage->stopping) == 0 && copy != NULL && frame_nos != NULL) {
        rdb_error err = {0};
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_CLEANER_MAIN);
        rdb_futex_wait(&storage->cleaner_word, 0, CLEANER_PAUSE_US);
        rdb_wait_end(mark);
        atomic_store(&storage->cleaner_word, 0);
        if (atomic_load_explicit(&storage->dirty_count, memory_order_relaxed) == 0)
            continue;
        const uint64_t round = atomic_fetch_add(&storage->cleaner_rounds, 1) + 1;
        bool ok = clean_round(storage, &hand, frame_nos, copy, &err);
        rdb_mutex_lock(&storage->cleaner_lock);
        rdb_error_clear(&storage->cleaner_error);
        if (!ok) {
            rdb_error_move(&storage->cleaner_error, &err);
            storage->cleaner_failed_round = round;
        }
        rdb_mutex_unlock(&storage->cleaner_lock);
        rdb_error_clear(&err);
        if (!ok)
            rdb_time_sleep_us(10000);
    }
    free(frame_nos);
    free(copy);
}

bool cleaner_admit(rdb_storage *storage, uint32_t count, rdb_error *err)
{
    int64_t begin_us = 0;
    uint64_t rounds = 0; /* begun before: what they met says nothing of now, however long the cleaner sleeps */
    while (RDB_UNLIKELY(atomic_load_explicit(&storage->dirty_count, memory_order_relaxed) + count > storage->dirty_max)) {
        int64_t now_us = rdb_time_monotonic_us();
        if (begin_us == 0) {
            begin_us = now_us;
            rounds = atomic_load(&storage->cleaner_rounds);
        }
        cleaner_wake(storage);
        rdb_mutex_lock(&storage->cleaner_lock);
        bool failing = rdb_error_is_set(&storage->cleaner_error) && storage->cleaner_failed_round > rounds;
        if (failing && now_us - begin_us > 100000) {
            rdb_error_set(err, storage->cleaner_error.sqlstate, "%s", rdb_error_message(&storage->cleaner_error));
            rdb_error_detail(err, "The buffer pool's share of dirty pages is used up, and they can not be written.");
        }
        rdb_mutex_unlock(&storage->cleaner_lock);
        if (rdb_error_is_set(err))
            return false;
        if (now_us - begin_us > ADMIT_PATIENCE_US)
            return rdb_error_set(err, RDB_INSUFFICIENT_RESOURCES, "too many pages of the buffer pool wait to be written");
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_CLEAN_PAGES);
        rdb_time_sleep_us(200);
        rdb_wait_end(mark);
    }
    return true;
}

bool cleaner_start(rdb_storage *storage, rdb_error *err)
{
    return rdb_thread_start(&storage->cleaner, "cleaner", run_cleaner, storage, err);
}

void cleaner_stop(rdb_storage *storage)
{
    atomic_store(&storage->stopping, 1);
    atomic_store(&storage->cleaner_word, 1);
    rdb_futex_wake(&storage->cleaner_word, 1);
    rdb_thread_join(&storage->cleaner);
}
