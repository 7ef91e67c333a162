/* SPDX-License-Identifier: Apache-2.0
 * A toy resource for tests: a page is an array of 64-bit counters behind the header. A change sets some of them; every
 * page keeps the sum of its counters in the first, so that a torn read shows. */
#ifndef TOY_H
#define TOY_H

#include "storage/storage_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { TOY_SET = 1, TOY_SLOTS = 64, TOY_SEGMENT = 1 << 20 };

static inline uint64_t *toy_slots(rdb_page *page)
{
    return (uint64_t *)(void *)((uint8_t *)page + RDB_PAGE_HEADER_BYTES);
}

/* data: pairs of slot 8 and value 8; the sum is kept. */
static bool toy_redo(const rdb_redo *redo, rdb_page *page, rdb_error *err)
{
    uint64_t *slots = toy_slots(page);
    if (redo->operation != TOY_SET || redo->data_bytes % 16 != 0)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "toy record of %u bytes", redo->data_bytes);
    page->type = RDB_PAGE_HEAP;
    page->lower = RDB_PAGE_HEADER_BYTES + 8 * TOY_SLOTS;
    page->upper = (uint16_t)redo->page_bytes;
    for (uint32_t i = 0; i < redo->data_bytes; i += 16) {
        uint64_t slot = rdb_get_u64(redo->data + i), value = rdb_get_u64(redo->data + i + 8);
        if (slot == 0 || slot >= TOY_SLOTS)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "toy slot %llu", (unsigned long long)slot);
        slots[0] += value - slots[slot];
        slots[slot] = value;
    }
    return true;
}

static inline void toy_register(void)
{
    static const rdb_resource_ops ops = {.name = "toy", .redo = toy_redo};
    rdb_resource_register(RDB_RESOURCE_HEAP, &ops);
}

/* Sets one slot of an exclusively latched page. */
static inline bool toy_set(rdb_storage *storage, rdb_buffer *buffer, uint64_t slot, uint64_t value, bool init, rdb_lsn *end_lsn, rdb_error *err)
{
    rdb_change change;
    uint64_t pair[2] = {slot, value};
    rdb_change_init(&change, storage, rdb_buffer_tag(buffer).pdb, 0, RDB_RESOURCE_HEAP, TOY_SET);
    rdb_change_block(&change, buffer, init ? RDB_WAL_BLOCK_INIT : 0);
    rdb_change_block_data(&change, &pair[0], 8); /* in two pieces, which redo meets as one */
    rdb_change_block_data(&change, &pair[1], 8);
    return rdb_change_apply(&change, NULL, NULL, end_lsn, err);
}

/* Asserts by the sum that the page is whole. */
static inline bool toy_is_whole(rdb_page *page)
{
    uint64_t sum = 0;
    for (unsigned i = 1; i < TOY_SLOTS; i++)
        sum += toy_slots(page)[i];
    return sum == toy_slots(page)[0];
}

typedef struct toy {
    char root[64], wal_directory[96], data_directory[96];
    rdb_wal_config wal_config;
    rdb_storage_config config;
    rdb_wal *wal;
    rdb_storage *storage;
    rdb_error err;
} toy;

static inline void toy_paths(toy *t)
{
    snprintf(t->wal_directory, sizeof t->wal_directory, "%s/wal", t->root);
    snprintf(t->data_directory, sizeof t->data_directory, "%s/data", t->root);
    t->wal_config = (rdb_wal_config){.directory = t->wal_directory, .system_id = 9, .segment_bytes = TOY_SEGMENT,
                                     .ring_bytes = 256 << 10, .incarnation = 1, .thread_no = 1, .sync = true};
    t->config = (rdb_storage_config){.data_directory = t->data_directory, .page_bytes = 4096, .frame_count = 64, .sync = true};
}

static inline void toy_open(toy *t)
{
    t->config.wal = NULL;
    if (!rdb_wal_open(&t->wal, &t->wal_config, TOY_SEGMENT + 64, &t->err))
        fail_msg("%s %s", t->err.message, t->err.detail);
    t->config.wal = t->wal;
    assert_true(rdb_storage_open(&t->storage, &t->config, &t->err));
}

static inline void toy_begin(toy *t, uint32_t frames)
{
    memset(t, 0, sizeof *t);
    snprintf(t->root, sizeof t->root, "/tmp/rdb-storage-XXXXXX");
    assert_non_null(mkdtemp(t->root));
    toy_paths(t);
    t->config.frame_count = frames;
    assert_true(rdb_path_make_directory(t->data_directory, 0700, true, &t->err));
    toy_register();
    toy_open(t);
}

static inline void toy_end(toy *t)
{
    rdb_storage_close(&t->storage);
    assert_true(rdb_wal_close(&t->wal, &t->err));
    assert_true(rdb_path_remove_tree(t->root, &t->err));
    rdb_error_clear(&t->err);
}

/* cmocka's asserts jump, which a thread of our own cannot. */
static inline void toy_must(bool ok, const rdb_error *err)
{
    if (!ok) {
        fprintf(stderr, "in a thread: %s %s %s\n", err->sqlstate, err->message, err->detail);
        abort();
    }
}

/* Frames that stay pinned: the cleaner holds one for a moment now and then. */
static inline uint32_t toy_pinned(rdb_storage *storage)
{
    rdb_storage_statistics statistics = {.pinned = 1};
    for (unsigned tries = 0; tries < 2000 && statistics.pinned > 0; tries++) {
        rdb_storage_get_statistics(storage, &statistics);
        if (statistics.pinned > 0)
            rdb_time_sleep_us(1000);
    }
    return statistics.pinned;
}

#define TOY_FILE RDB_FILE_NO(RDB_FILE_TABLE, 20000)
static inline rdb_page_tag toy_tag(uint64_t block)
{
    return (rdb_page_tag){.file = TOY_FILE, .block = block, .pdb = 3};
}

/* The file with so many initialised pages, slot 1 of each holding its number + 1. */
static inline void toy_fill(toy *t, uint64_t pages)
{
    assert_true(rdb_storage_create_file(t->storage, 3, TOY_FILE, 0, &t->err));
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t block = 0;
        rdb_buffer *buffer = NULL;
        rdb_lsn end_lsn = 0;
        if (!rdb_buffer_extend(t->storage, 3, TOY_FILE, 0, &block, &buffer, &t->err))
            fail_msg("%s %s", t->err.message, t->err.detail);
        assert_int_equal(block, i);
        assert_true(toy_set(t->storage, buffer, 1, i + 1, true, &end_lsn, &t->err));
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
}

#endif
