/* SPDX-License-Identifier: Apache-2.0
 * Redo by several threads. One thread reads the log, checks it and deals out its steps: a step is one block of a record, and all steps
 * of a page go to the same worker, in the order of the log. Redo of a block is a function of the page and the record and of nothing
 * else, so workers never wait for each other; the blocks of a record may be done at different moments, since nobody reads pages
 * before the end. What concerns files is done by the dealing thread alone, with all workers at rest.
 *
 * Steps travel in batches: a batch holds copies of its records' bytes and a list of steps for each worker. The dealer fills batch n
 * while the workers are at batches before it; a batch is filled again when all are done with it. */
#include "upkeep_int.h"

#include <stdlib.h>
#include <unistd.h>

enum { BATCHES = 8, BATCH_BYTES = 512 << 10, BATCH_STEPS = 4096, WORKERS_MAX = 16, RECENT_PAGES = 8192 };

typedef struct crew_batch {
    uint8_t *bytes;
    uint64_t bytes_used, bytes_capacity;
    rdb_replay_step *steps;
    uint32_t step_count, step_capacity;
    uint32_t *lists[WORKERS_MAX]; /* numbers of steps, BATCH_STEPS and some each */
    uint32_t list_counts[WORKERS_MAX];
} crew_batch;

typedef struct crew_worker {
    replay_crew *crew;
    rdb_thread *thread;
    uint32_t no;
    _Alignas(64) _Atomic uint64_t done; /* batches */
} crew_worker;

struct replay_crew {
    rdb_storage *storage;
    uint32_t worker_count;
    uint64_t filling; /* number of the batch in hand; the dealer's own */
    uint32_t recent[RECENT_PAGES]; /* by hash: pages with a step dealt already; they are asked for, or made, or in the pool */
    crew_batch batches[BATCHES];
    crew_worker workers[WORKERS_MAX];
    _Alignas(64) _Atomic uint32_t published; /* futex: low bits of how many batches may be worked on */
    _Alignas(64) _Atomic uint32_t progress;  /* futex: some worker finished a batch */
    _Atomic uint32_t failed, stopping;
    rdb_mutex lock; /* RDB_RANK_LEAF */
    rdb_error err RDB_GUARDED_BY(lock); /* the first in the log's order that was met */
    rdb_lsn err_lsn RDB_GUARDED_BY(lock);
};

static void note_failure(replay_crew *crew, rdb_lsn lsn, rdb_error *err)
{
    rdb_mutex_lock(&crew->lock);
    if (atomic_load(&crew->failed) == 0 || lsn < crew->err_lsn) {
        rdb_error_clear(&crew->err);
        rdb_error_move(&crew->err, err);
        crew->err_lsn = lsn;
    }
    atomic_store(&crew->failed, 1);
    rdb_mutex_unlock(&crew->lock);
    rdb_error_clear(err);
}

static void work_batch(crew_worker *worker, const crew_batch *batch)
{
    replay_crew *crew = worker->crew;
    for (uint32_t i = 0; i < batch->list_counts[worker->no]; i++) {
        const rdb_replay_step *step = &batch->steps[batch->lists[worker->no][i]];
        rdb_error err = {0};
        if (RDB_UNLIKELY(!rdb_storage_replay_step(crew->storage, step, &err))) {
            note_failure(crew, step->lsn, &err);
            return;
        }
    }
}

static void run_worker(void *argument)
{
    crew_worker *worker = argument;
    replay_crew *crew = worker->crew;
    rdb_worker_declare(RDB_WORKER_STARTUP);
    for (;;) {
        uint64_t done = atomic_load_explicit(&worker->done, memory_order_relaxed);
        uint32_t published = atomic_load_explicit(&crew->published, memory_order_acquire);
        if (published == (uint32_t)done) {
            if (atomic_load(&crew->stopping) != 0)
                return;
            const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_RECOVERY_STREAM);
            rdb_futex_wait(&crew->published, published, 100000);
            rdb_wait_end(mark);
            continue;
        }
        if (atomic_load_explicit(&crew->failed, memory_order_relaxed) == 0)
            work_batch(worker, &crew->batches[done % BATCHES]);
        atomic_store_explicit(&worker->done, done + 1, memory_order_release);
        atomic_fetch_add(&crew->progress, 1);
        rdb_futex_wake(&crew->progress, 1);
    }
}

/* Waits until every worker has done so many batches. */
static void wait_for(replay_crew *crew, uint64_t batches)
{
    for (uint32_t i = 0; i < crew->worker_count; i++) {
        for (;;) {
            uint32_t progress = atomic_load(&crew->progress);
            if (atomic_load_explicit(&crew->workers[i].done, memory_order_acquire) >= batches)
                break;
            const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_REDO_PROGRESS);
            rdb_futex_wait(&crew->progress, progress, 100000);
            rdb_wait_end(mark);
        }
    }
}

static void publish(replay_crew *crew)
{
    crew->filling++;
    atomic_store_explicit(&crew->published, (uint32_t)crew->filling, memory_order_release);
    rdb_futex_wake(&crew->published, UINT32_MAX);
    if (crew->filling >= BATCHES) /* the next one to fill must be free */
        wait_for(crew, crew->filling - BATCHES + 1);
    crew_batch *batch = &crew->batches[crew->filling % BATCHES];
    batch->bytes_used = 0;
    batch->step_count = 0;
    memset(batch->list_counts, 0, sizeof batch->list_counts);
}

static bool tell_failure(replay_crew *crew, rdb_error *err)
{
    if (RDB_LIKELY(atomic_load_explicit(&crew->failed, memory_order_acquire) == 0))
        return true;
    wait_for(crew, crew->filling); /* one before it in the log may yet fail */
    rdb_mutex_lock(&crew->lock);
    rdb_error_move(err, &crew->err);
    rdb_mutex_unlock(&crew->lock);
    return false;
}

static uint32_t choose_count(uint32_t asked)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t count = asked != 0 ? asked : (uint32_t)RDB_MIN(RDB_MAX(processors, 2), 8);
    return RDB_MIN(count, (uint32_t)WORKERS_MAX);
}

bool replay_crew_create(replay_crew **out, rdb_storage *storage, uint32_t threads, rdb_error *err)
{
    replay_crew *crew = NULL;
    *out = NULL;
    if (posix_memalign((void **)&crew, 64, sizeof *crew) != 0)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    memset(crew, 0, sizeof *crew);
    crew->storage = storage;
    rdb_mutex_init(&crew->lock, RDB_RANK_LEAF);
    *out = crew;
    uint32_t count = choose_count(threads);
    for (uint32_t i = 0; i < BATCHES; i++) {
        crew_batch *batch = &crew->batches[i];
        batch->bytes_capacity = BATCH_BYTES;
        batch->step_capacity = BATCH_STEPS;
        batch->bytes = malloc(batch->bytes_capacity);
        batch->steps = malloc(batch->step_capacity * sizeof *batch->steps);
        bool ok = batch->bytes != NULL && batch->steps != NULL;
        for (uint32_t j = 0; j < count; j++) {
            batch->lists[j] = malloc(batch->step_capacity * sizeof *batch->lists[j]);
            ok = ok && batch->lists[j] != NULL;
        }
        if (!ok) {
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
            replay_crew_destroy(out);
            return false;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        crew->workers[i] = (crew_worker){.crew = crew, .no = i};
        if (!rdb_thread_start(&crew->workers[i].thread, "redo", run_worker, &crew->workers[i], err)) {
            replay_crew_destroy(out);
            return false;
        }
        crew->worker_count++;
    }
    return true;
}

void replay_crew_destroy(replay_crew **handle)
{
    replay_crew *crew = *handle;
    *handle = NULL;
    if (crew == NULL)
        return;
    atomic_store(&crew->stopping, 1);
    rdb_futex_wake(&crew->published, UINT32_MAX);
    for (uint32_t i = 0; i < crew->worker_count; i++)
        rdb_thread_join(&crew->workers[i].thread);
    for (uint32_t i = 0; i < BATCHES; i++) {
        for (uint32_t j = 0; j < WORKERS_MAX; j++)
            free(crew->batches[i].lists[j]);
        free(crew->batches[i].bytes);
        free(crew->batches[i].steps);
    }
    rdb_error_clear(&crew->err);
    rdb_mutex_deinit(&crew->lock);
    free(crew);
}

static const uint8_t *keep(crew_batch *batch, const uint8_t *bytes, uint32_t length)
{
    uint8_t *copy = batch->bytes + batch->bytes_used;
    if (length > 0)
        memcpy(copy, bytes, length);
    batch->bytes_used += length;
    return copy;
}

bool replay_crew_deal(replay_crew *crew, const rdb_wal_record *record, rdb_error *err)
{
    uint64_t bytes = record->data_bytes;
    if (rdb_storage_replay_is_for_files(record))
        return replay_crew_rest(crew, err) && rdb_storage_replay_files(crew->storage, record, err);
    for (unsigned i = 0; i < record->block_count; i++)
        bytes += (uint64_t)record->blocks[i].image_bytes + record->blocks[i].data_bytes;
    crew_batch *batch = &crew->batches[crew->filling % BATCHES];
    if (batch->step_count > 0 && (batch->bytes_used + bytes > batch->bytes_capacity || batch->step_count + record->block_count > batch->step_capacity)) {
        publish(crew);
        batch = &crew->batches[crew->filling % BATCHES];
        if (!tell_failure(crew, err))
            return false;
    }
    if (bytes > batch->bytes_capacity) { /* a record larger than a batch; the batch is empty */
        uint8_t *grown = realloc(batch->bytes, bytes);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        batch->bytes = grown;
        batch->bytes_capacity = bytes;
    }
    const uint8_t *main_data = record->block_count > 0 ? keep(batch, record->data, record->data_bytes) : NULL;
    for (unsigned i = 0; i < record->block_count; i++) {
        rdb_replay_step *step = &batch->steps[batch->step_count];
        rdb_replay_step_take(step, record, i);
        step->main_data = main_data;
        if (step->block.image != NULL)
            step->block.image = keep(batch, step->block.image, step->block.image_bytes);
        step->block.data = keep(batch, step->block.data, step->block.data_bytes);
        uint32_t hash = rdb_replay_step_hash(step), worker = hash % crew->worker_count, *recent = &crew->recent[hash % RECENT_PAGES];
        batch->lists[worker][batch->list_counts[worker]++] = batch->step_count++;
        if (*recent != hash) { /* one forgotten or mistaken for another costs a look, or a read without its prefetch */
            *recent = hash;
            rdb_storage_replay_prefetch(crew->storage, step);
        }
    }
    return true;
}

bool replay_crew_rest(replay_crew *crew, rdb_error *err)
{
    if (crew->batches[crew->filling % BATCHES].step_count > 0)
        publish(crew);
    wait_for(crew, crew->filling);
    return tell_failure(crew, err);
}
