/* SPDX-License-Identifier: Apache-2.0
 * How long opening takes after a clean end and after a crash: build/bench/bench_recovery [directory]. */
#include "upkeep/upkeep_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGES = 5000, CHANGES = 600000, SET = 1 };
#define FILE_NO RDB_FILE_NO(RDB_FILE_TABLE, 20000)

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
    page->lower = 1000;
    page->upper = (uint16_t)redo->page_bytes;
    return true;
}

static void change_page(rdb_storage *storage, rdb_buffer *buffer, unsigned flags)
{
    static const uint8_t data[80] = {3};
    rdb_change change;
    rdb_lsn end_lsn = 0;
    rdb_error err = {0};
    rdb_change_init(&change, storage, 3, 0, RDB_RESOURCE_HEAP, SET);
    rdb_change_block(&change, buffer, flags);
    rdb_change_block_data(&change, data, sizeof data);
    must(rdb_change_apply(&change, NULL, NULL, &end_lsn, &err), &err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
}

static void change_many(rdb_storage *storage)
{
    rdb_error err = {0};
    for (uint64_t i = 0; i < CHANGES; i++) {
        rdb_page_tag tag = {.file = FILE_NO, .block = i * 7919 % PAGES, .pdb = 3};
        rdb_buffer *buffer = NULL;
        must(rdb_buffer_acquire(storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, &err), &err);
        change_page(storage, buffer, 0);
    }
}

int main(int argc, char **argv)
{
    char home[256], path[300];
    rdb_error err = {0};
    static const rdb_resource_ops ops = {.name = "bench", .redo = redo_set};
    static const char *const folders[] = {"data", "data/meta", "data/wal"};
    rdb_control control = {.system_id = 1, .layout_version = 1, .data_format = 1, .page_bytes = 4096,
                           .wal_segment_bytes = 16 << 20, .incarnation = 1, .state = RDB_CONTROL_NEW};
    snprintf(home, sizeof home, "%s/rdb-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (mkdtemp(home) == NULL)
        return 1;
    for (unsigned i = 0; i < RDB_COUNT_OF(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", home, folders[i]);
        must(rdb_path_make_directory(path, 0700, true, &err), &err);
    }
    must(rdb_control_write(home, &control, &err), &err);
    rdb_resource_register(RDB_RESOURCE_HEAP, &ops);
    for (unsigned life = 0; life < 4; life++) {
        rdb_upkeep *upkeep = NULL;
        rdb_upkeep_config config = {.home = home, .frame_count = 32768, .wal_ring_bytes = 4 << 20, .sync = true};
        int64_t begin_us = rdb_time_monotonic_us();
        must(rdb_upkeep_open(&upkeep, &config, &err), &err);
        const rdb_recovery_result *result = rdb_upkeep_recovery(upkeep);
        printf("opened in %6.1f ms after %s: %llu records, %.1f MB replayed in %.1f ms\n",
               (double)(rdb_time_monotonic_us() - begin_us) / 1000, life == 0 ? "nothing" : result->was_clean ? "a clean end" : "a crash",
               (unsigned long long)result->records, (double)result->bytes / 1e6, (double)result->elapsed_us / 1000);
        rdb_storage *storage = rdb_upkeep_storage(upkeep);
        if (life == 0) {
            must(rdb_storage_create_file(storage, 3, FILE_NO, 0, &err), &err);
            for (unsigned i = 0; i < PAGES; i++) {
                uint64_t block = 0;
                rdb_buffer *buffer = NULL;
                must(rdb_buffer_extend(storage, 3, FILE_NO, 0, &block, &buffer, &err), &err);
                change_page(storage, buffer, RDB_WAL_BLOCK_INIT);
            }
        }
        if (life < 3) {
            change_many(storage);
            must(life == 2 || rdb_upkeep_checkpoint(upkeep, 0, &err), &err);
        }
        must(rdb_upkeep_close(&upkeep, life != 2, &err), &err);
    }
    must(rdb_path_remove_tree(home, &err), &err);
    return 0;
}
