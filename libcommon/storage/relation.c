/* SPDX-License-Identifier: Apache-2.0
 * The forks of relations as files: where each lies, how long it is, its open handle, and its syncs. A file on disk is
 * never shorter than its count of blocks: room is taken, reading as zeroes, before a block is handed out, so that a full disk
 * refuses the statement that grows a table and not the checkpoint after it. */
#include "storage_int.h"

#include "base/rdb_log.h"
#include "os/rdb_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void storage_fail(const rdb_storage *storage, const rdb_error *err)
{
    if (storage->config.on_failure != NULL)
        storage->config.on_failure(storage->config.failure_context, err);
    rdb_log_error(RDB_LOG_ERROR, "storage", err);
    RDB_LOG(RDB_LOG_ERROR, "storage", "a data file can not be kept, the process ends");
    _exit(1);
}

static const char *class_folder(unsigned file_class)
{
    static const char *const folders[] = {NULL, "tables", "indexes", "undo", "xact"};
    return file_class < RDB_COUNT_OF(folders) ? folders[file_class] : NULL;
}

bool relation_path(const rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, char path[1200], rdb_error *err)
{
    const char *folder = class_folder(RDB_FILE_CLASS(file));
    if (folder == NULL || fork > RDB_FORK_SPACE)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "file number %llX, fork %u is of no known class",
                             (unsigned long long)file, fork);
    snprintf(path, 1200, "%s/%s/%u/%llu%s", storage->directory, folder, pdb,
             (unsigned long long)(file & ((UINT64_C(1) << 56) - 1)), fork == RDB_FORK_SPACE ? ".space" : "");
    return true;
}

uint32_t relation_birth_tag(uint32_t pdb, uint64_t file)
{
    uint64_t birth[2] = {file, pdb};
    uint64_t hash = rdb_hash64(birth, sizeof birth, 1);
    return (uint32_t)hash != 0 ? (uint32_t)hash : 1;
}

static inline uint32_t bucket_of(uint32_t pdb, uint64_t file, uint8_t fork)
{
    rdb_page_tag tag = {.file = file, .pdb = pdb, .fork = fork};
    return (uint32_t)(storage_tag_hash(tag) >> 20) % RELATION_BUCKETS;
}

static inline rdb_latch *bucket_latch(rdb_storage *storage, uint32_t bucket)
{
    return &storage->relation_latches[bucket % RELATION_LATCHES];
}

static storage_relation *find_relation(rdb_storage *storage, uint32_t bucket, uint32_t pdb, uint64_t file, uint8_t fork)
{
    storage_relation *relation = storage->relations[bucket];
    while (relation != NULL && (relation->file != file || relation->pdb != pdb || relation->fork != fork))
        relation = relation->next;
    if (relation != NULL)
        atomic_fetch_add_explicit(&relation->uses, 1, memory_order_relaxed);
    return relation;
}

static void free_relation(storage_relation *relation)
{
    rdb_error err = {0};
    rdb_file_close(&relation->handle, &err);
    rdb_error_clear(&err);
    space_destroy(relation->space);
    rdb_mutex_deinit(&relation->extend_lock);
    free(relation);
}

/* How many blocks the file has, without those at its end that were added and never written: the zero-filled room. */
static bool count_blocks(rdb_storage *storage, storage_relation *relation, rdb_error *err)
{
    uint64_t bytes = 0;
    if (!rdb_file_size(relation->handle, &bytes, err))
        return false;
    uint64_t blocks = bytes / storage->page_bytes;
    relation->physical_blocks = blocks;
    rdb_page *page = malloc(storage->page_bytes);
    if (page == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = true;
    for (uint32_t seen = 0; ok && blocks > 0 && seen < EXTEND_BLOCKS_MAX; seen++) {
        ok = rdb_file_read(relation->handle, (blocks - 1) * storage->page_bytes, page, storage->page_bytes, NULL, err);
        if (!ok || !page_is_zero(page, storage->page_bytes))
            break;
        blocks--;
    }
    free(page);
    atomic_init(&relation->block_count, blocks);
    return ok;
}

/* The folder of a PDB's files of that class, its name durable. Whoever makes it is inside the redo gate until it is, so a
 * redo point never passes a file in a folder that could be lost. */
static bool make_pdb_folder(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_error *err)
{
    char outer[1200], inner[1200];
    snprintf(outer, sizeof outer, "%s/%s", storage->directory, class_folder(RDB_FILE_CLASS(file)));
    snprintf(inner, sizeof inner, "%s/%s/%u", storage->directory, class_folder(RDB_FILE_CLASS(file)), pdb);
    if (rdb_path_exists(inner))
        return true;
    return rdb_path_make_directory(outer, 0700, true, err) &&
           (!storage->config.sync || rdb_path_sync_directory(storage->directory, err)) &&
           rdb_path_make_directory(inner, 0700, true, err) && (!storage->config.sync || rdb_path_sync_directory(outer, err));
}

static bool sync_pdb_folder(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_error *err)
{
    char folder[1200];
    snprintf(folder, sizeof folder, "%s/%s/%u", storage->directory, class_folder(RDB_FILE_CLASS(file)), pdb);
    return !storage->config.sync || rdb_path_sync_directory(folder, err);
}

bool rdb_storage_measure_pdb(rdb_storage *storage, uint32_t pdb, uint64_t *bytes, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("measure", NULL, NULL);
    bool ok = arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    *bytes = 0;
    for (unsigned file_class = 1; ok && class_folder(file_class) != NULL; file_class++) {
        char folder[1200];
        rdb_list names = {0};
        snprintf(folder, sizeof folder, "%s/%s/%u", storage->directory, class_folder(file_class), pdb);
        if (!rdb_path_is_directory(folder))
            continue;
        ok = rdb_path_list(folder, arena, &names, err);
        for (uint32_t i = 0; ok && i < names.count; i++) {
            const char *path = rdb_arena_printf(arena, "%s/%s", folder, (const char *)names.items[i]);
            ok = rdb_arena_check(arena, err);
            *bytes += ok ? rdb_path_bytes(path) : 0;
        }
    }
    rdb_arena_destroy(arena);
    return ok;
}

static void close_idle_handles(rdb_storage *storage);

static bool open_handle(rdb_storage *storage, storage_relation *relation, relation_open how, rdb_error *err)
{
    char path[1200];
    if (!relation_path(storage, relation->pdb, relation->file, relation->fork, path, err))
        return false;
    if (how == RELATION_OR_CREATE && !rdb_path_exists(path)) {
        if (!make_pdb_folder(storage, relation->pdb, relation->file, err) ||
            !rdb_file_open(&relation->handle, path, RDB_FILE_CREATE | RDB_FILE_DATA, err) ||
            !sync_pdb_folder(storage, relation->pdb, relation->file, err))
            return false;
    } else if (!rdb_file_open(&relation->handle, path, RDB_FILE_WRITE | RDB_FILE_DATA, err)) {
        return false;
    }
    if (atomic_fetch_add_explicit(&storage->handle_count, 1, memory_order_relaxed) >= RELATION_HANDLES_MAX)
        close_idle_handles(storage);
    return true;
}

storage_relation *relation_find(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork)
{
    uint32_t bucket = bucket_of(pdb, file, fork);
    rdb_latch *latch = bucket_latch(storage, bucket);
    rdb_latch_lock_shared(latch);
    storage_relation *relation = find_relation(storage, bucket, pdb, file, fork);
    rdb_latch_unlock_shared(latch);
    return relation;
}

bool relation_get(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, relation_open how,
                  storage_relation **out, rdb_error *err)
{
    uint32_t bucket = bucket_of(pdb, file, fork);
    rdb_latch *latch = bucket_latch(storage, bucket);
    *out = relation_find(storage, pdb, file, fork);
    if (*out != NULL)
        return true;
    storage_relation *relation = calloc(1, sizeof *relation);
    if (relation == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    relation->pdb = pdb;
    relation->file = file;
    relation->fork = fork;
    relation->birth_tag = relation_birth_tag(pdb, file);
    atomic_init(&relation->uses, 1);
    rdb_latch_init(&relation->io);
    rdb_mutex_init(&relation->extend_lock, RDB_RANK_STORAGE_RELATION);
    if (!open_handle(storage, relation, how, err) || !count_blocks(storage, relation, err)) {
        if (relation->handle != NULL)
            atomic_fetch_sub_explicit(&storage->handle_count, 1, memory_order_relaxed);
        free_relation(relation);
        return false;
    }
    rdb_latch_lock_exclusive(latch);
    *out = find_relation(storage, bucket, pdb, file, fork);
    if (*out == NULL) {
        relation->next = storage->relations[bucket];
        storage->relations[bucket] = relation;
        *out = relation;
        relation = NULL;
    }
    rdb_latch_unlock_exclusive(latch);
    if (relation != NULL) { /* another thread was quicker */
        atomic_fetch_sub_explicit(&storage->handle_count, 1, memory_order_relaxed);
        free_relation(relation);
    }
    return true;
}

void relation_put(storage_relation *relation)
{
    if (relation != NULL)
        atomic_fetch_sub_explicit(&relation->uses, 1, memory_order_release);
}

/* ---- handles ---------------------------------------------------------------------------------------------------------- */

static bool begin_io(rdb_storage *storage, storage_relation *relation, rdb_error *err)
{
    for (;;) {
        rdb_latch_lock_shared(&relation->io);
        if (RDB_LIKELY(relation->handle != NULL))
            return true;
        rdb_latch_unlock_shared(&relation->io);
        rdb_latch_lock_exclusive(&relation->io);
        bool ok = relation->handle != NULL || open_handle(storage, relation, RELATION_EXISTING, err);
        rdb_latch_unlock_exclusive(&relation->io);
        if (!ok)
            return false;
    }
}

static void end_io(storage_relation *relation)
{
    rdb_latch_unlock_shared(&relation->io);
}

/* A failed sync is final: the kernel may have dropped the bytes. */
static void sync_handle(rdb_storage *storage, storage_relation *relation)
{
    rdb_error err = {0};
    if (storage->config.sync && !rdb_file_sync(relation->handle, &err))
        storage_fail(storage, &err);
}

/* Closes some handles nobody is using right now, going round the table. */
static void close_idle_handles(rdb_storage *storage)
{
    for (uint32_t seen = 0; seen < RELATION_BUCKETS; seen++) {
        if (atomic_load_explicit(&storage->handle_count, memory_order_relaxed) <= RELATION_HANDLES_MAX - RELATION_HANDLES_MAX / 8)
            return;
        uint32_t bucket = atomic_fetch_add_explicit(&storage->handle_hand, 1, memory_order_relaxed) % RELATION_BUCKETS;
        rdb_latch *latch = bucket_latch(storage, bucket);
        if (!rdb_latch_try_shared(latch))
            continue;
        for (storage_relation *relation = storage->relations[bucket]; relation != NULL; relation = relation->next) {
            if (!rdb_latch_try_exclusive(&relation->io))
                continue;
            if (relation->handle != NULL) {
                rdb_error err = {0};
                /* No writer is in, and the mark falls after the sync: a checkpoint that sees none may rely on it. */
                if (atomic_load_explicit(&relation->needs_sync, memory_order_acquire) != 0) {
                    sync_handle(storage, relation);
                    atomic_fetch_add_explicit(&storage->evictor_syncs, 1, memory_order_relaxed);
                }
                atomic_store_explicit(&relation->needs_sync, 0, memory_order_release);
                rdb_file_close(&relation->handle, &err);
                rdb_error_clear(&err);
                atomic_fetch_sub_explicit(&storage->handle_count, 1, memory_order_relaxed);
            }
            rdb_latch_unlock_exclusive(&relation->io);
        }
        rdb_latch_unlock_shared(latch);
    }
}

bool relation_read(rdb_storage *storage, storage_relation *relation, uint64_t block, void *page, size_t *got, rdb_error *err)
{
    *got = 0;
    if (!begin_io(storage, relation, err))
        return false;
    bool ok = rdb_file_read(relation->handle, block * storage->page_bytes, page, storage->page_bytes, got, err);
    end_io(relation);
    return ok;
}

bool relation_read_run(rdb_storage *storage, storage_relation *relation, uint64_t block, void *const *pages, uint32_t count, uint32_t *got, rdb_error *err)
{
    *got = 0;
    if (!begin_io(storage, relation, err))
        return false;
    bool ok = rdb_file_read_parts(relation->handle, block * storage->page_bytes, pages, storage->page_bytes, count, got, err);
    end_io(relation);
    return ok;
}

bool relation_write(rdb_storage *storage, storage_relation *relation, uint64_t block, const void *pages, uint32_t count, rdb_error *err)
{
    if (!begin_io(storage, relation, err))
        return false;
    bool ok = rdb_file_write(relation->handle, block * storage->page_bytes, pages, (size_t)count * storage->page_bytes, err);
    changes_note(storage, relation->pdb, relation->file, relation->fork, block, count);
    atomic_store_explicit(&relation->needs_sync, 1, memory_order_release);
    end_io(relation);
    return ok;
}

/* Takes room on disk for so many blocks, and some more where the file is large already. Needs extend_lock. */
static bool make_room(rdb_storage *storage, storage_relation *relation, uint64_t blocks, rdb_error *err)
{
    uint64_t physical = relation->physical_blocks;
    if (blocks <= physical)
        return true;
    uint64_t target = blocks + RDB_MIN(EXTEND_BLOCKS_MAX - 1, physical / 4);
    if (!begin_io(storage, relation, err))
        return false;
    bool ok = rdb_file_reserve(relation->handle, physical * storage->page_bytes, (target - physical) * storage->page_bytes, err);
    changes_note(storage, relation->pdb, relation->file, relation->fork, physical, target - physical);
    atomic_store_explicit(&relation->needs_sync, 1, memory_order_release);
    end_io(relation);
    if (ok)
        relation->physical_blocks = target;
    return ok;
}

bool relation_extend(rdb_storage *storage, storage_relation *relation, uint64_t *block, rdb_error *err)
{
    rdb_mutex_lock(&relation->extend_lock);
    uint64_t count = atomic_load_explicit(&relation->block_count, memory_order_relaxed);
    bool ok = make_room(storage, relation, count + 1, err);
    if (ok) {
        *block = count;
        atomic_store_explicit(&relation->block_count, count + 1, memory_order_release);
    }
    rdb_mutex_unlock(&relation->extend_lock);
    return ok;
}

bool relation_grow(rdb_storage *storage, storage_relation *relation, uint64_t blocks, rdb_error *err)
{
    if (atomic_load_explicit(&relation->block_count, memory_order_acquire) >= blocks)
        return true;
    rdb_mutex_lock(&relation->extend_lock);
    bool ok = make_room(storage, relation, blocks, err);
    if (ok && atomic_load_explicit(&relation->block_count, memory_order_relaxed) < blocks)
        atomic_store_explicit(&relation->block_count, blocks, memory_order_release);
    rdb_mutex_unlock(&relation->extend_lock);
    return ok;
}

bool relation_truncate_locked(rdb_storage *storage, storage_relation *relation, uint64_t blocks, rdb_error *err)
{
    bool ok = true;
    if (relation->physical_blocks > blocks) {
        ok = begin_io(storage, relation, err);
        if (ok) {
            ok = rdb_file_truncate(relation->handle, blocks * storage->page_bytes, err);
            atomic_store_explicit(&relation->needs_sync, 1, memory_order_release);
            end_io(relation);
        }
        if (ok)
            relation->physical_blocks = blocks;
    }
    if (ok && atomic_load_explicit(&relation->block_count, memory_order_relaxed) > blocks)
        atomic_store_explicit(&relation->block_count, blocks, memory_order_release);
    if (ok && relation->space != NULL)
        space_cut(relation->space, blocks);
    return ok;
}

bool relation_truncate(rdb_storage *storage, storage_relation *relation, uint64_t blocks, rdb_error *err)
{
    rdb_mutex_lock(&relation->extend_lock);
    const bool ok = relation_truncate_locked(storage, relation, blocks, err);
    rdb_mutex_unlock(&relation->extend_lock);
    return ok;
}

bool relation_sync(rdb_storage *storage, storage_relation *relation, rdb_flush_result *result, rdb_error *err)
{
    if (atomic_load_explicit(&relation->needs_sync, memory_order_acquire) == 0)
        return true;
    if (!begin_io(storage, relation, err))
        return false;
    int64_t begin_us = rdb_time_monotonic_us();
    /* The mark falls first: a write that comes during the sync sets it again. */
    atomic_store_explicit(&relation->needs_sync, 0, memory_order_seq_cst);
    sync_handle(storage, relation);
    end_io(relation);
    int64_t elapsed_us = rdb_time_monotonic_us() - begin_us;
    result->files++;
    result->sync_us += elapsed_us;
    result->longest_sync_us = RDB_MAX(result->longest_sync_us, elapsed_us);
    return true;
}

void relation_begin_writeback(rdb_storage *storage, storage_relation *relation, uint64_t block, uint64_t count)
{
    rdb_error err = {0};
    if (count > 0 && storage->config.sync && begin_io(storage, relation, &err)) {
        rdb_file_begin_writeback(relation->handle, block * storage->page_bytes, count * storage->page_bytes);
        end_io(relation);
    }
    rdb_error_clear(&err);
}

/* Syncs wait for the disk, which serves several at once: what is due is shared among some threads. */
typedef struct sync_crew {
    rdb_storage *storage;
    storage_relation **relations;
    uint32_t count;
    _Atomic uint32_t next;
    rdb_mutex lock; /* RDB_RANK_LEAF */
    rdb_flush_result result RDB_GUARDED_BY(lock);
    rdb_error err RDB_GUARDED_BY(lock);
    bool failed RDB_GUARDED_BY(lock);
} sync_crew;

static void run_syncs(void *argument)
{
    sync_crew *crew = argument;
    for (uint32_t i; (i = atomic_fetch_add_explicit(&crew->next, 1, memory_order_relaxed)) < crew->count;) {
        rdb_flush_result result = {0};
        rdb_error err = {0};
        const bool ok = relation_sync(crew->storage, crew->relations[i], &result, &err);
        relation_put(crew->relations[i]); /* whoever drops it waits no longer than for its turn */
        rdb_mutex_lock(&crew->lock);
        crew->result.files += result.files;
        crew->result.longest_sync_us = RDB_MAX(crew->result.longest_sync_us, result.longest_sync_us);
        if (!ok && !crew->failed)
            crew->err = err;
        else
            rdb_error_clear(&err);
        crew->failed = crew->failed || !ok;
        rdb_mutex_unlock(&crew->lock);
    }
}

/* The relations that were written to, held, in the order of the table. */
static bool collect_unsynced(rdb_storage *storage, storage_relation ***relations, uint32_t *count, rdb_error *err)
{
    uint32_t capacity = 0;
    *relations = NULL;
    *count = 0;
    for (uint32_t bucket = 0; bucket < RELATION_BUCKETS; bucket++) {
        rdb_latch *latch = bucket_latch(storage, bucket);
        bool ok = true;
        rdb_latch_lock_shared(latch);
        for (storage_relation *relation = storage->relations[bucket]; ok && relation != NULL; relation = relation->next) {
            if (atomic_load_explicit(&relation->needs_sync, memory_order_acquire) == 0)
                continue;
            if (*count == capacity) {
                const uint32_t more = capacity == 0 ? 64 : 2 * capacity;
                storage_relation **grown = realloc(*relations, more * sizeof(storage_relation *));
                ok = grown != NULL;
                if (!ok)
                    break;
                *relations = grown;
                capacity = more;
            }
            atomic_fetch_add_explicit(&relation->uses, 1, memory_order_relaxed);
            (*relations)[(*count)++] = relation;
        }
        rdb_latch_unlock_shared(latch);
        if (!ok)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    return true;
}

bool relation_sync_all(rdb_storage *storage, rdb_flush_result *result, rdb_error *err)
{
    enum { CREW_MAX = 8 };
    rdb_thread *threads[CREW_MAX] = {NULL};
    sync_crew crew = {.storage = storage};
    const int64_t begin_us = rdb_time_monotonic_us();
    rdb_mutex_init(&crew.lock, RDB_RANK_LEAF);
    bool ok = collect_unsynced(storage, &crew.relations, &crew.count, err);
    /* Where the calls are counted or recorded they come one after the other, the same in each run. */
    const uint32_t helpers = !ok || crew.count < 2 || !storage->config.sync || rdb_fault_is_armed() ? 0 : RDB_MIN(crew.count, (uint32_t)CREW_MAX) - 1;
    for (uint32_t i = 0; i < helpers; i++) {
        rdb_error none = {0};
        if (!rdb_thread_start(&threads[i], "file sync", run_syncs, &crew, &none)) {
            rdb_error_clear(&none); /* then with fewer */
            break;
        }
    }
    if (ok)
        run_syncs(&crew);
    for (uint32_t i = 0; i < helpers && threads[i] != NULL; i++)
        rdb_thread_join(&threads[i]);
    for (uint32_t i = 0; !ok && i < crew.count; i++)
        relation_put(crew.relations[i]);
    free(crew.relations);
    if (ok && crew.failed) {
        *err = crew.err;
        ok = false;
    }
    rdb_mutex_deinit(&crew.lock);
    result->files += crew.result.files;
    result->sync_us += rdb_time_monotonic_us() - begin_us;
    result->longest_sync_us = RDB_MAX(result->longest_sync_us, crew.result.longest_sync_us);
    return ok;
}

/* ---- create, drop --------------------------------------------------------------------------------------------------------- */

/* Takes the fork out of the table and waits until nobody uses it. */
static void forget_relation(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork)
{
    uint32_t bucket = bucket_of(pdb, file, fork);
    rdb_latch *latch = bucket_latch(storage, bucket);
    rdb_latch_lock_exclusive(latch);
    storage_relation **at = &storage->relations[bucket], *relation = NULL;
    while (*at != NULL && ((*at)->file != file || (*at)->pdb != pdb || (*at)->fork != fork))
        at = &(*at)->next;
    relation = *at;
    if (relation != NULL) {
        *at = relation->next;
        relation->dropped = true;
    }
    rdb_latch_unlock_exclusive(latch);
    if (relation == NULL)
        return;
    while (atomic_load_explicit(&relation->uses, memory_order_acquire) > 0)
        rdb_time_sleep_us(50);
    if (relation->handle != NULL)
        atomic_fetch_sub_explicit(&storage->handle_count, 1, memory_order_relaxed);
    free_relation(relation);
}

bool relation_create(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_error *err)
{
    char path[1200];
    rdb_file *handle = NULL;
    if (!relation_path(storage, pdb, file, RDB_FORK_MAIN, path, err) || !make_pdb_folder(storage, pdb, file, err))
        return false;
    forget_relation(storage, pdb, file, RDB_FORK_MAIN);
    bool existed = rdb_path_exists(path); /* a crash's leftover: its old length must not come back; a new file has nothing to sync */
    bool ok = rdb_file_open(&handle, path, RDB_FILE_CREATE | RDB_FILE_TRUNCATE | RDB_FILE_DATA, err) &&
              (!existed || !storage->config.sync || rdb_file_sync(handle, err));
    ok = rdb_file_close(&handle, err) && ok;
    return ok && sync_pdb_folder(storage, pdb, file, err);
}

bool relation_drop(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_error *err)
{
    bool there = false;
    for (int fork = RDB_FORK_SPACE; fork >= RDB_FORK_MAIN; fork--) { /* the main fork last: while it is there, so is the file */
        char path[1200];
        if (!relation_path(storage, pdb, file, (uint8_t)fork, path, err))
            return false;
        forget_relation(storage, pdb, file, (uint8_t)fork);
        there = there || rdb_path_exists(path);
        if (!rdb_path_remove(path, true, err))
            return false;
    }
    /* Durable before a redo point may pass the record: else a crash brings the file back for good. */
    return !there || sync_pdb_folder(storage, pdb, file, err);
}

void relation_close_all(rdb_storage *storage)
{
    for (uint32_t bucket = 0; bucket < RELATION_BUCKETS; bucket++) {
        while (storage->relations[bucket] != NULL) {
            storage_relation *relation = storage->relations[bucket];
            storage->relations[bucket] = relation->next;
            free_relation(relation);
        }
    }
}

void relation_prefetch(rdb_storage *storage, rdb_page_tag tag, uint32_t block_count, rdb_error *err)
{
    storage_relation *relation = NULL;
    if (!relation_get(storage, tag.pdb, tag.file, tag.fork, RELATION_EXISTING, &relation, err))
        return;
    if (begin_io(storage, relation, err)) {
        rdb_file_prefetch(relation->handle, tag.block * storage->page_bytes, (uint64_t)block_count * storage->page_bytes);
        end_io(relation);
    }
    relation_put(relation);
}
