/* SPDX-License-Identifier: Apache-2.0
 * Measures the B+tree and the lock manager alone, in memory, without syncs:
 *     bench_index [entries [threads]]
 * Prints one line a measurement: name, nanoseconds for one operation of one thread, operations a second over all. */
#include "index/btree_int.h"
#include "txn/lock_int.h"

#include <stdio.h>
#include <stdlib.h>

#define PDB 5u
#define FILE_NO(n) RDB_FILE_NO(RDB_FILE_INDEX, 30000 + (n))

static rdb_storage *storage;
static uint64_t entries = 1000000;
static unsigned threads = 2;

static void must(bool ok, const rdb_error *err)
{
    if (!ok) {
        fprintf(stderr, "bench_index: %s %s %s\n", err->sqlstate, err->message, err->detail);
        exit(1);
    }
}

static rdb_index_entry entry_of(uint8_t key[9], uint64_t number)
{
    key[0] = 1;
    rdb_put_u64(key + 1, __builtin_bswap64(number ^ UINT64_C(1) << 63));
    return (rdb_index_entry){.key = {key, 9}, .address = 1 + number};
}

static uint64_t spread(uint64_t number)
{
    return number * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

typedef struct work {
    rdb_thread *thread;
    unsigned no;
    uint64_t count;
    rdb_index index;
    rdb_lock_table *locks;
} work;

static void insert_ascending(void *argument)
{
    work *w = argument;
    rdb_error err = {0};
    uint8_t key[9];
    for (uint64_t i = 0; i < w->count; i++) {
        rdb_index_entry entry = entry_of(key, i * threads + w->no);
        must(rdb_index_insert(&w->index, 3, &entry, &err), &err);
    }
}

static void insert_random(void *argument)
{
    work *w = argument;
    rdb_error err = {0};
    uint8_t key[9];
    for (uint64_t i = 0; i < w->count; i++) {
        rdb_index_entry entry = entry_of(key, spread(i * threads + w->no));
        must(rdb_index_insert(&w->index, 3, &entry, &err), &err);
    }
}

static void look_up(void *argument)
{
    work *w = argument;
    rdb_error err = {0};
    uint8_t key[9];
    rdb_random random;
    rdb_arena *arena = rdb_arena_create("cursor", NULL, NULL), *batch = rdb_arena_create("batch", NULL, NULL);
    rdb_index_cursor *cursor;
    rdb_index_range range = {0};
    rdb_index_entry found;
    uint32_t count;
    rdb_random_seed(&random, w->no + 1);
    must(rdb_index_cursor_open(&cursor, &w->index, &range, false, arena, &err), &err);
    for (uint64_t i = 0; i < w->count; i++) {
        rdb_index_entry entry = entry_of(key, rdb_random_next(&random) % (entries / threads * threads));
        range.lower = range.upper = entry.key;
        must(rdb_index_cursor_seek(cursor, &range, &err), &err);
        must(rdb_index_cursor_next(cursor, 1, false, batch, &found, &count, &err), &err);
        RDB_VERIFY(count == 1 && found.address == entry.address);
    }
    rdb_arena_destroy(arena);
    rdb_arena_destroy(batch);
}

static void scan(void *argument)
{
    work *w = argument;
    rdb_error err = {0};
    rdb_arena *arena = rdb_arena_create("cursor", NULL, NULL), *batch = rdb_arena_create("batch", NULL, NULL);
    rdb_index_cursor *cursor;
    rdb_index_range all = {0};
    static _Thread_local rdb_index_entry found[1024];
    uint32_t count;
    must(rdb_index_cursor_open(&cursor, &w->index, &all, false, arena, &err), &err);
    do {
        rdb_arena_reset(batch);
        must(rdb_index_cursor_next(cursor, 1024, false, batch, found, &count, &err), &err);
    } while (count > 0);
    rdb_arena_destroy(arena);
    rdb_arena_destroy(batch);
}

static void build(void *argument)
{
    work *w = argument;
    rdb_error err = {0};
    rdb_index_builder *builder;
    uint8_t key[9];
    must(rdb_index_builder_open(&builder, &w->index, 3, &err), &err);
    for (uint64_t i = 0; i < w->count; i++) {
        rdb_index_entry entry = entry_of(key, i);
        must(rdb_index_builder_add(builder, &entry, &err), &err);
    }
    must(rdb_index_builder_finish(&builder, &err), &err);
}

static void lock_relation(void *argument)
{
    work *w = argument;
    rdb_error err = {0};
    rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = 16384};
    for (uint64_t i = 0; i < w->count; i++) {
        lock_owner *owner = lock_owner_begin(w->locks, NULL, NULL);
        bool taken;
        must(lock_owner_acquire(owner, tag, RDB_LOCK_ACCESS_SHARE, 0, RDB_LOCK_WAIT, 0, NULL, &taken, &err), &err);
        lock_owner_release_all(owner, false);
        lock_owner_end(owner);
    }
}

static void lock_again(void *argument)
{
    work *w = argument;
    rdb_error err = {0};
    rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = 16384};
    lock_owner *owner = lock_owner_begin(w->locks, NULL, NULL);
    for (uint64_t i = 0; i < w->count; i++) {
        bool taken;
        must(lock_owner_acquire(owner, tag, RDB_LOCK_ACCESS_SHARE, 0, RDB_LOCK_WAIT, 0, NULL, &taken, &err), &err);
    }
    lock_owner_release_all(owner, false);
    lock_owner_end(owner);
}

static void lock_xid(void *argument)
{
    work *w = argument;
    rdb_error err = {0};
    for (uint64_t i = 0; i < w->count; i++) {
        lock_owner *owner = lock_owner_begin(w->locks, NULL, NULL);
        must(lock_xid_register(owner, PDB, 10 + i * threads + w->no, 0, &err), &err);
        lock_owner_release_all(owner, false);
        lock_owner_end(owner);
    }
}

static void measure(const char *name, void (*run)(void *argument), unsigned thread_count, uint64_t count, unsigned file_no,
                    rdb_lock_table *locks)
{
    work workers[64];
    rdb_error err = {0};
    int64_t begin = rdb_time_monotonic_us();
    for (unsigned i = 0; i < thread_count; i++) {
        workers[i] = (work){.no = i, .count = count / thread_count, .locks = locks,
                            .index = {.storage = storage, .pdb = PDB, .file = FILE_NO(file_no)}};
        must(rdb_thread_start(&workers[i].thread, "bench", run, &workers[i], &err), &err);
    }
    for (unsigned i = 0; i < thread_count; i++)
        rdb_thread_join(&workers[i].thread);
    double us = (double)(rdb_time_monotonic_us() - begin);
    printf("%-40s %2u thread%s %9.0f ns %12.0f /s\n", name, thread_count, thread_count == 1 ? " " : "s",
           us * 1000.0 * thread_count / (double)count, (double)count * 1e6 / us);
    fflush(stdout);
}

static void new_tree(unsigned file_no)
{
    rdb_error err = {0};
    must(rdb_storage_create_file(storage, PDB, FILE_NO(file_no), 3, &err), &err);
    must(btree_create_root(storage, PDB, FILE_NO(file_no), 3, &err), &err);
}

int main(int argc, char **argv)
{
    char root[64] = "/tmp/rdb-bench-XXXXXX", wal_directory[96], data_directory[96];
    rdb_error err = {0};
    rdb_wal *wal;
    if (argc > 1)
        entries = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        threads = (unsigned)strtoul(argv[2], NULL, 10);
    if (entries < 1000 || threads < 1 || threads > 64 || mkdtemp(root) == NULL) {
        fprintf(stderr, "usage: bench_index [entries [threads]]\n");
        return 2;
    }
    snprintf(wal_directory, sizeof wal_directory, "%s/wal", root);
    snprintf(data_directory, sizeof data_directory, "%s/data", root);
    must(rdb_path_make_directory(data_directory, 0700, true, &err), &err);
    rdb_index_register_redo();
    rdb_wal_config wal_config = {.directory = wal_directory, .system_id = 9, .segment_bytes = 16 << 20, .ring_bytes = 16 << 20,
                                 .incarnation = 1, .thread_no = 1, .sync = false};
    must(rdb_wal_open(&wal, &wal_config, (16 << 20) + 64, &err), &err);
    rdb_storage_config config = {.data_directory = data_directory, .page_bytes = 4096,
                                 .frame_count = (uint32_t)(entries / 25 + 10000), .wal = wal, .sync = false};
    must(rdb_storage_open(&storage, &config, &err), &err);
    for (unsigned i = 0; i < 6; i++)
        new_tree(i);
    measure("insert, ascending", insert_ascending, 1, entries, 4, NULL);
    measure("insert, ascending", insert_ascending, threads, entries, 0, NULL);
    measure("insert, random", insert_random, 1, entries, 1, NULL);
    measure("insert, random", insert_random, threads, entries, 2, NULL);
    measure("build, sorted", build, 1, entries, 3, NULL);
    measure("point lookup, tree of inserts", look_up, 1, entries, 0, NULL);
    measure("point lookup, tree of inserts", look_up, threads, entries, 0, NULL);
    measure("scan, an entry", scan, 1, entries, 0, NULL);
    rdb_lock_table *locks = lock_table_create();
    measure("ACCESS SHARE, whole transaction", lock_relation, 1, entries, 0, locks);
    measure("ACCESS SHARE, whole transaction", lock_relation, threads, entries, 0, locks);
    measure("ACCESS SHARE held already", lock_again, threads, entries * 4, 0, locks);
    measure("xid, taken and released", lock_xid, threads, entries, 0, locks);
    lock_table_destroy(locks);
    rdb_storage_close(&storage);
    must(rdb_wal_close(&wal, &err), &err);
    must(rdb_path_remove_tree(root, &err), &err);
    return 0;
}
