/* SPDX-License-Identifier: Apache-2.0
 * Costs of the log and the pool on this machine: build/bench/bench_store [directory]. One line each on stdout. */
#include "storage/storage_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEGMENT = 16 << 20, SET = 1 };
#define FILE_NO RDB_FILE_NO(RDB_FILE_TABLE, 20000)

static rdb_wal *wal;
static rdb_storage *storage;
static _Atomic uint32_t stop;

static void must(bool ok, const rdb_error *err)
{
    if (!ok) {
        fprintf(stderr, "%s: %s %s\n", err->sqlstate, err->message, err->detail);
        exit(1);
    }
}

static bool redo_set(const rdb_redo *redo, rdb_page *page, rdb_error *err)
{
    if (redo->data_bytes > redo->page_bytes - RDB_PAGE_HEADER_BYTES)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "record of %u bytes", redo->data_bytes);
    memcpy((uint8_t *)page + RDB_PAGE_HEADER_BYTES, redo->data, redo->data_bytes);
    return true;
}

static void acquire_pages(uint64_t count, uint64_t pages, rdb_buffer_mode mode, const char *name)
{
    rdb_error err = {0};
    int64_t begin_us = rdb_time_monotonic_us();
    for (uint64_t i = 0; i < count; i++) {
        rdb_page_tag tag = {.file = FILE_NO, .block = i * 7 % pages, .pdb = 3};
        rdb_buffer *buffer = NULL;
        must(rdb_buffer_acquire(storage, tag, mode, &buffer, &err), &err);
        rdb_buffer_release(buffer, mode);
    }
    printf("%-44s %8.1f ns\n", name, (double)(rdb_time_monotonic_us() - begin_us) * 1000 / (double)count);
}

static void change_pages(uint64_t count, uint64_t pages, uint32_t bytes)
{
    rdb_error err = {0};
    uint8_t data[256] = {1};
    int64_t begin_us = rdb_time_monotonic_us();
    for (uint64_t i = 0; i < count; i++) {
        rdb_page_tag tag = {.file = FILE_NO, .block = i * 7 % pages, .pdb = 3};
        rdb_buffer *buffer = NULL;
        rdb_change change;
        rdb_lsn end_lsn = 0;
        must(rdb_buffer_acquire(storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, &err), &err);
        rdb_change_init(&change, storage, 3, 0, RDB_RESOURCE_HEAP, SET);
        rdb_change_block(&change, buffer, 0);
        rdb_change_block_data(&change, data, bytes);
        must(rdb_change_apply(&change, NULL, NULL, &end_lsn, &err), &err);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    printf("%-44s %8.1f ns\n", "logged change of 100 bytes, one page", (double)(rdb_time_monotonic_us() - begin_us) * 1000 / (double)count);
}

typedef struct committer {
    uint64_t commits;
} committer;

static void run_committer(void *argument)
{
    committer *c = argument;
    uint8_t record[200] = {0};
    rdb_wal_piece piece = {record, sizeof record};
    rdb_error err = {0};
    record[20] = RDB_RESOURCE_TXN;
    while (atomic_load(&stop) == 0) {
        rdb_lsn lsn = 0, end_lsn = 0;
        must(rdb_wal_insert(wal, &piece, 1, NULL, NULL, &lsn, &end_lsn, &err), &err);
        must(rdb_wal_flush(wal, end_lsn, &err), &err);
        c->commits++;
    }
}

static void commit_with(unsigned threads)
{
    rdb_thread *running[64];
    committer committers[64] = {{0}};
    rdb_wal_statistics before, after;
    uint64_t commits = 0;
    rdb_error err = {0};
    rdb_wal_get_statistics(wal, &before);
    atomic_store(&stop, 0);
    int64_t begin_us = rdb_time_monotonic_us();
    for (unsigned i = 0; i < threads; i++)
        must(rdb_thread_start(&running[i], "committer", run_committer, &committers[i], &err), &err);
    rdb_time_sleep_us(1000000);
    atomic_store(&stop, 1);
    for (unsigned i = 0; i < threads; i++) {
        rdb_thread_join(&running[i]);
        commits += committers[i].commits;
    }
    rdb_wal_get_statistics(wal, &after);
    printf("insert 200 bytes + flush, %2u threads          %8.0f /s, %.1f a sync\n", threads,
           (double)commits * 1e6 / (double)(rdb_time_monotonic_us() - begin_us),
           (double)commits / (double)RDB_MAX(after.syncs - before.syncs, 1u));
}

/* Pages added, initialised and filled by several threads through a pool that holds a sixteenth of them, as a load does. */
static uint64_t fill_file;
static void run_filler(void *argument)
{
    uint64_t pages = *(uint64_t *)argument;
    rdb_error err = {0};
    uint8_t data[3900] = {1};
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t block = 0;
        rdb_lsn end_lsn = 0;
        rdb_buffer *buffer = NULL;
        rdb_change change;
        must(rdb_buffer_extend(storage, 3, fill_file, 0, &block, &buffer, &err), &err);
        rdb_change_init(&change, storage, 3, 0, RDB_RESOURCE_HEAP, SET);
        rdb_change_block(&change, buffer, RDB_WAL_BLOCK_INIT);
        rdb_change_block_data(&change, data, sizeof data);
        must(rdb_change_apply(&change, NULL, NULL, &end_lsn, &err), &err);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
}

static void fill_with(unsigned threads, uint64_t pages)
{
    rdb_thread *running[64];
    rdb_error err = {0};
    uint64_t each = pages / threads;
    fill_file = RDB_FILE_NO(RDB_FILE_TABLE, 30000 + threads);
    must(rdb_storage_create_file(storage, 3, fill_file, 0, &err), &err);
    int64_t begin_us = rdb_time_monotonic_us();
    for (unsigned i = 0; i < threads; i++)
        must(rdb_thread_start(&running[i], "filler", run_filler, &each, &err), &err);
    for (unsigned i = 0; i < threads; i++)
        rdb_thread_join(&running[i]);
    printf("pages added and filled, %2u threads            %8.0f /s\n", threads,
           (double)pages * 1e6 / (double)(rdb_time_monotonic_us() - begin_us));
    begin_us = rdb_time_monotonic_us();
    for (uint64_t i = 0; i < pages; i++) {
        rdb_page_tag tag = {.file = fill_file, .block = i, .pdb = 3};
        rdb_buffer *buffer = NULL;
        must(rdb_buffer_acquire(storage, tag, RDB_BUFFER_SHARED, &buffer, &err), &err);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    printf("pages read in turn, from the system's cache    %8.0f /s\n", (double)pages * 1e6 / (double)(rdb_time_monotonic_us() - begin_us));
}

int main(int argc, char **argv)
{
    char root[256], wal_directory[300], data_directory[300];
    rdb_error err = {0};
    snprintf(root, sizeof root, "%s/rdb-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (mkdtemp(root) == NULL)
        return 1;
    snprintf(wal_directory, sizeof wal_directory, "%s/wal", root);
    snprintf(data_directory, sizeof data_directory, "%s/data", root);
    must(rdb_path_make_directory(data_directory, 0700, true, &err), &err);
    rdb_wal_config wal_config = {.directory = wal_directory, .system_id = 1, .segment_bytes = SEGMENT, .ring_bytes = 4 << 20,
                                 .incarnation = 1, .thread_no = 1, .sync = true};
    must(rdb_wal_open(&wal, &wal_config, SEGMENT + 64, &err), &err);
    rdb_storage_config config = {.data_directory = data_directory, .page_bytes = 4096, .frame_count = 32768, .wal = wal, .sync = true};
    must(rdb_storage_open(&storage, &config, &err), &err);
    static const rdb_resource_ops ops = {.name = "bench", .redo = redo_set};
    rdb_resource_register(RDB_RESOURCE_HEAP, &ops);
    must(rdb_storage_create_file(storage, 3, FILE_NO, 0, &err), &err);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t block = 0;
        rdb_lsn end_lsn = 0;
        rdb_buffer *buffer = NULL;
        rdb_change change;
        must(rdb_buffer_extend(storage, 3, FILE_NO, 0, &block, &buffer, &err), &err);
        rdb_change_init(&change, storage, 3, 0, RDB_RESOURCE_HEAP, SET);
        rdb_change_block(&change, buffer, RDB_WAL_BLOCK_INIT);
        rdb_change_block_data(&change, &block, sizeof block);
        must(rdb_change_apply(&change, NULL, NULL, &end_lsn, &err), &err);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    acquire_pages(5000000, 100, RDB_BUFFER_SHARED, "acquire shared + release, 100 pages");
    acquire_pages(5000000, 20000, RDB_BUFFER_SHARED, "acquire shared + release, 20,000 pages");
    acquire_pages(5000000, 100, RDB_BUFFER_PIN, "pin + release, 100 pages");
    change_pages(1000000, 100, 100);
    for (unsigned threads = 1; threads <= 32; threads *= 2)
        commit_with(threads);
    rdb_storage_close(&storage);
    config.frame_count = 2048;
    must(rdb_storage_open(&storage, &config, &err), &err);
    fill_with(1, 32768);
    fill_with(4, 32768);
    int64_t begin_us = rdb_time_monotonic_us();
    must(rdb_storage_flush_all(storage, 0, &err), &err);
    printf("flush of what is left, with sync               %8.0f ms\n", (double)(rdb_time_monotonic_us() - begin_us) / 1000);
    rdb_storage_close(&storage);
    must(rdb_wal_close(&wal, &err) && rdb_path_remove_tree(root, &err), &err);
    return 0;
}
