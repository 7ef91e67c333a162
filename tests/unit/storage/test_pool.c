/* SPDX-License-Identifier: Apache-2.0
 * The pool: pages come back as they left, through few frames and many threads; what is broken on disk is told; readers
 * go on where writing stands still. */
#include "os/rdb_fault.h"
#include "toy.h"

static void test_pages_return_through_few_frames(void **state)
{
    (void)state;
    toy t;
    toy_begin(&t, 16);
    toy_fill(&t, 300);
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t block = 0; block < 300; block++) {
            rdb_buffer *buffer = NULL;
            if (!rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err))
                fail_msg("block %u: %s %s", (unsigned)block, t.err.message, t.err.detail);
            assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1], block + 1);
            assert_true(toy_is_whole(rdb_buffer_page(buffer)));
            rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        }
    }
    rdb_storage_statistics statistics;
    rdb_storage_get_statistics(t.storage, &statistics);
    assert_true(statistics.evictions > 600 && statistics.writes >= 280);
    assert_int_equal(toy_pinned(t.storage), 0);
    rdb_buffer *buffer = NULL;
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(300), RDB_BUFFER_SHARED, &buffer, &t.err)); /* beyond the end of a table */
    assert_int_equal(rdb_buffer_page(buffer)->type, RDB_PAGE_FREE);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    rdb_page_tag of_undo = toy_tag(300);
    of_undo.file = RDB_FILE_NO(RDB_FILE_UNDO, 17);
    assert_true(rdb_storage_create_file(t.storage, of_undo.pdb, of_undo.file, 0, &t.err));
    assert_false(rdb_buffer_acquire(t.storage, of_undo, RDB_BUFFER_SHARED, &buffer, &t.err)); /* of other files */
    assert_string_equal(t.err.sqlstate, RDB_DATA_CORRUPTED);
    assert_null(buffer);
    rdb_error_clear(&t.err);
    toy_end(&t);
}

static void test_frames_of_dropped_files_serve_again(void **state)
{
    (void)state;
    toy t;
    rdb_storage_statistics statistics;
    toy_begin(&t, 128);
    for (unsigned round = 0; round < 4; round++) {
        toy_fill(&t, 40);
        for (uint64_t block = 0; block < 40; block++) {
            rdb_buffer *buffer = NULL;
            assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err));
            assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1], block + 1);
            rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        }
        rdb_storage_get_statistics(t.storage, &statistics);
        assert_int_equal(statistics.used, 40);
        assert_true(rdb_storage_drop_file(t.storage, 3, TOY_FILE, &t.err));
    }
    toy_fill(&t, 200); /* more than the pool holds */
    assert_true(rdb_storage_drop_file(t.storage, 3, TOY_FILE, &t.err));
    toy_fill(&t, 200);
    rdb_storage_get_statistics(t.storage, &statistics);
    assert_int_equal(statistics.used, 128);
    assert_int_equal(toy_pinned(t.storage), 0);
    toy_end(&t);
}

static uint64_t first_slot(toy *t, uint64_t block)
{
    rdb_buffer *buffer = NULL;
    assert_true(rdb_buffer_acquire(t->storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t->err));
    const uint64_t value = toy_slots(rdb_buffer_page(buffer))[1];
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return value;
}

static void test_forgotten_pages_make_room(void **state)
{
    (void)state;
    toy t;
    rdb_storage_statistics before, after;
    toy_begin(&t, 128);
    toy_fill(&t, 128); /* the pool is full */
    assert_true(rdb_storage_flush_all(t.storage, 0, &t.err));
    for (uint64_t block = 80; block < 120; block++) {
        rdb_buffer *buffer = NULL;
        rdb_lsn end_lsn = 0;
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
        assert_true(toy_set(t.storage, buffer, 1, block + 1000, false, &end_lsn, &t.err));
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    rdb_storage_get_statistics(t.storage, &before);
    assert_true(rdb_storage_forget(t.storage, toy_tag(80), 20, false, &t.err));
    rdb_storage_get_statistics(t.storage, &after);
    assert_int_equal(after.writes, before.writes);
    assert_int_equal(after.dirty, before.dirty - 20);
    assert_true(rdb_storage_forget(t.storage, toy_tag(100), 20, true, &t.err));
    rdb_storage_get_statistics(t.storage, &after);
    assert_int_equal(after.writes, before.writes + 20);
    assert_int_equal(after.dirty, before.dirty - 40);
    for (uint64_t block = 80; block < 120; block++) /* as the disk has them: as they were, and as they became */
        assert_int_equal(first_slot(&t, block), block < 100 ? block + 1 : block + 1000);
    rdb_storage_get_statistics(t.storage, &after);
    assert_int_equal(after.evictions, before.evictions); /* in the frames of those that left, not of others */
    assert_true(rdb_storage_forget(t.storage, toy_tag(0), 300, true, &t.err)); /* those that are not there too */
    assert_int_equal(toy_pinned(t.storage), 0);
    toy_end(&t);
}

static void test_all_pinned_is_an_error_and_heals(void **state)
{
    (void)state;
    toy t;
    rdb_buffer *held[16], *more = NULL;
    toy_begin(&t, 16);
    toy_fill(&t, 40);
    for (unsigned i = 0; i < 16; i++)
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(i), RDB_BUFFER_PIN, &held[i], &t.err));
    assert_false(rdb_buffer_acquire(t.storage, toy_tag(30), RDB_BUFFER_SHARED, &more, &t.err));
    assert_string_equal(t.err.sqlstate, RDB_INSUFFICIENT_RESOURCES);
    rdb_error_clear(&t.err);
    rdb_buffer_release(held[5], RDB_BUFFER_PIN);
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(30), RDB_BUFFER_SHARED, &more, &t.err));
    assert_int_equal(toy_slots(rdb_buffer_page(more))[1], 31);
    rdb_buffer_release(more, RDB_BUFFER_SHARED);
    for (unsigned i = 0; i < 16; i++)
        rdb_buffer_release(i == 5 ? NULL : held[i], RDB_BUFFER_PIN);
    toy_end(&t);
}

/* More pages are pinned than the queue of newcomers is meant to hold, and all others are in the other queue. */
static void test_pins_among_newcomers_leave_the_rest_usable(void **state)
{
    (void)state;
    toy t;
    rdb_buffer *held[16], *buffer = NULL;
    toy_begin(&t, 32);
    toy_fill(&t, 80);
    assert_true(rdb_storage_flush_all(t.storage, 0, &t.err));
    for (unsigned round = 0; round < 40; round++) /* so often that they are not newcomers any more */
        for (uint64_t block = 0; block < 26; block++) {
            assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err));
            rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
            if (block % 8 == 0) {
                assert_true(rdb_buffer_acquire(t.storage, toy_tag(26 + round % 38), RDB_BUFFER_SHARED, &buffer, &t.err));
                rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
            }
        }
    for (unsigned i = 0; i < 16; i++)
        if (!rdb_buffer_acquire(t.storage, toy_tag(64 + i), RDB_BUFFER_PIN, &held[i], &t.err))
            fail_msg("pin %u: %s", i, t.err.message);
    for (uint64_t block = 26; block < 64; block++) {
        if (!rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err))
            fail_msg("block %u: %s", (unsigned)block, t.err.message);
        assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1], block + 1);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    for (unsigned i = 0; i < 16; i++)
        rdb_buffer_release(held[i], RDB_BUFFER_PIN);
    toy_end(&t);
}

/* Pages that are hit again and again survive one long scan. */
static void test_scan_does_not_wash_out(void **state)
{
    (void)state;
    toy t;
    rdb_storage_statistics before, after;
    rdb_buffer *buffer = NULL;
    toy_begin(&t, 128);
    toy_fill(&t, 2000);
    assert_true(rdb_storage_flush_all(t.storage, 0, &t.err)); /* clean frames are taken before dirty ones: there shall be no other */
    for (unsigned round = 0; round < 6; round++) {
        for (uint64_t block = 0; block < 40; block++) {
            assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err));
            rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        }
    }
    for (uint64_t block = 100; block < 2000; block++) {
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err));
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    rdb_storage_get_statistics(t.storage, &before);
    for (uint64_t block = 0; block < 40; block++) {
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err));
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    rdb_storage_get_statistics(t.storage, &after);
    assert_in_range(after.misses - before.misses, 0, 8);
    toy_end(&t);
}

/* ---- many threads, few frames ---------------------------------------------------------------------------------------- */

enum { THREADS = 4, PAGES = 60, CHANGES = 2500 };

typedef struct changer {
    toy *t;
    uint64_t seed;
    uint64_t added[PAGES];
    uint64_t optimistic, retried;
} changer;

static void run_changer(void *argument)
{
    changer *c = argument;
    rdb_storage *storage = c->t->storage;
    rdb_random random;
    rdb_error err = {0};
    rdb_random_seed(&random, c->seed);
    for (unsigned i = 0; i < CHANGES; i++) {
        uint64_t block = rdb_random_next(&random) % PAGES;
        rdb_buffer *buffer = NULL;
        rdb_lsn end_lsn = 0;
        uint64_t kind = rdb_random_next(&random) % 8;
        if (kind < 3) {
            toy_must(rdb_buffer_acquire(storage, toy_tag(block), RDB_BUFFER_EXCLUSIVE, &buffer, &err), &err);
            uint64_t *slots = toy_slots(rdb_buffer_page(buffer)), slot = 2 + rdb_random_next(&random) % 60;
            toy_must(toy_set(storage, buffer, slot, slots[slot] + 1, false, &end_lsn, &err), &err);
            rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
            c->added[block]++;
        } else if (kind < 7) {
            toy_must(rdb_buffer_acquire(storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &err), &err);
            toy_must(toy_is_whole(rdb_buffer_page(buffer)) && toy_slots(rdb_buffer_page(buffer))[1] == block + 1, &err);
            rdb_buffer_settle(buffer, i);
            rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        } else { /* optimistically: the frame cannot be another page's while the pin is held */
            uint64_t version = 0, first = 0;
            toy_must(rdb_buffer_acquire(storage, toy_tag(block), RDB_BUFFER_PIN, &buffer, &err), &err);
            if (rdb_latch_read_begin(rdb_buffer_latch(buffer), &version)) {
                first = __atomic_load_n(&toy_slots(rdb_buffer_page(buffer))[1], __ATOMIC_RELAXED);
                if (rdb_latch_read_validate(rdb_buffer_latch(buffer), version)) {
                    toy_must(first == block + 1, &err);
                    c->optimistic++;
                } else {
                    c->retried++;
                }
            }
            rdb_buffer_release(buffer, RDB_BUFFER_PIN);
        }
        if (i % 500 == 250 && c->seed == 1) {
            rdb_wal_fix_redo_point(c->t->wal);
            toy_must(rdb_storage_flush_all(storage, 0, &err), &err);
        }
    }
}

static void test_many_threads_few_frames(void **state)
{
    (void)state;
    toy t;
    changer *changers = calloc(THREADS, sizeof *changers);
    rdb_thread *threads[THREADS];
    uint64_t optimistic = 0;
    toy_begin(&t, 24);
    toy_fill(&t, PAGES);
    for (unsigned i = 0; i < THREADS; i++) {
        changers[i] = (changer){.t = &t, .seed = i + 1};
        assert_true(rdb_thread_start(&threads[i], "changer", run_changer, &changers[i], &t.err));
    }
    for (unsigned i = 0; i < THREADS; i++)
        rdb_thread_join(&threads[i]);
    for (uint64_t block = 0; block < PAGES; block++) {
        rdb_buffer *buffer = NULL;
        uint64_t expected = block + 1;
        for (unsigned i = 0; i < THREADS; i++)
            expected += changers[i].added[block];
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err));
        assert_true(toy_is_whole(rdb_buffer_page(buffer)));
        assert_int_equal(toy_slots(rdb_buffer_page(buffer))[0], expected);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    for (unsigned i = 0; i < THREADS; i++)
        optimistic += changers[i].optimistic;
    assert_true(optimistic > 0);
    rdb_storage_statistics statistics;
    assert_int_equal(toy_pinned(t.storage), 0);
    assert_true(rdb_storage_flush_all(t.storage, 0, &t.err));
    rdb_storage_get_statistics(t.storage, &statistics);
    assert_int_equal(statistics.dirty, 0);
    free(changers);
    toy_end(&t);
}

/* ---- damage, and disks that refuse ---------------------------------------------------------------------------------------- */

static void poke(const toy *t, uint64_t offset, const void *bytes, size_t length)
{
    char path[160];
    rdb_file *file = NULL;
    rdb_error err = {0};
    snprintf(path, sizeof path, "%s/tables/3/20000", t->data_directory);
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &err));
    assert_true(rdb_file_write(file, offset, bytes, length, &err));
    assert_true(rdb_file_close(&file, &err));
}

static void reopen_storage(toy *t)
{
    assert_true(rdb_storage_flush_all(t->storage, 0, &t->err));
    rdb_storage_close(&t->storage);
    assert_true(rdb_storage_open(&t->storage, &t->config, &t->err));
}

static void test_broken_pages_are_told(void **state)
{
    (void)state;
    toy t;
    uint8_t page[4096];
    char path[160];
    rdb_file *file = NULL;
    rdb_buffer *buffer = NULL;
    toy_begin(&t, 16);
    toy_fill(&t, 8);
    reopen_storage(&t);
    snprintf(path, sizeof path, "%s/tables/3/20000", t.data_directory);
    assert_true(rdb_file_open(&file, path, RDB_FILE_READ, &t.err));
    assert_true(rdb_file_read(file, 2 * 4096, page, 4096, NULL, &t.err));
    assert_true(rdb_file_close(&file, &t.err));
    poke(&t, 3 * 4096 + 1000, "x", 1); /* one byte */
    poke(&t, 5 * 4096, page, 4096);    /* a good page in a wrong place */
    static const uint64_t broken[] = {3, 5};
    for (unsigned i = 0; i < 2; i++) {
        assert_false(rdb_buffer_acquire(t.storage, toy_tag(broken[i]), RDB_BUFFER_SHARED, &buffer, &t.err));
        assert_string_equal(t.err.sqlstate, RDB_DATA_CORRUPTED);
        assert_non_null(strstr(t.err.message, "tables/3/20000"));
        assert_non_null(strstr(t.err.detail, i == 0 ? "checksum" : "another place"));
        rdb_error_clear(&t.err);
    }
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(4), RDB_BUFFER_SHARED, &buffer, &t.err)); /* the others serve on */
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    /* a read that fails is told and may be tried again */
    assert_true(rdb_fault_arm("read:20000:nth=1:EIO", &t.err));
    assert_false(rdb_buffer_acquire(t.storage, toy_tag(6), RDB_BUFFER_SHARED, &buffer, &t.err));
    assert_string_equal(t.err.sqlstate, RDB_IO_ERROR);
    rdb_error_clear(&t.err);
    rdb_fault_disarm();
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(6), RDB_BUFFER_SHARED, &buffer, &t.err));
    assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1], 7);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    toy_end(&t);
}

/* What a run cannot read or finds broken is left to whoever asks for the page. */
static void test_runs_leave_errors_to_readers(void **state)
{
    (void)state;
    toy t;
    rdb_buffer *buffer = NULL;
    rdb_storage_statistics before, after;
    toy_begin(&t, 256);
    toy_fill(&t, 24);
    reopen_storage(&t);
    poke(&t, 3 * 4096 + 1000, "x", 1);
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(6), RDB_BUFFER_SHARED, &buffer, &t.err)); /* there already, and held */
    rdb_storage_load(t.storage, toy_tag(0), 1000);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    rdb_storage_get_statistics(t.storage, &before);
    for (uint64_t block = 0; block < 24; block++) {
        if (block == 3) {
            assert_false(rdb_buffer_try_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer));
            assert_false(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err));
            assert_string_equal(t.err.sqlstate, RDB_DATA_CORRUPTED);
            rdb_error_clear(&t.err);
            continue;
        }
        assert_true(rdb_buffer_try_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer));
        assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1], block + 1);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    rdb_storage_get_statistics(t.storage, &after);
    assert_int_equal(after.misses - before.misses, 1);
    reopen_storage(&t);
    assert_true(rdb_fault_arm("read:20000:nth=5:EIO", &t.err));
    rdb_storage_load(t.storage, toy_tag(4), 8);
    rdb_fault_disarm();
    for (uint64_t block = 4; block < 12; block++) { /* every one, read then or now */
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err));
        assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1], block + 1);
        assert_false(rdb_buffer_try_acquire(t.storage, toy_tag(block), RDB_BUFFER_EXCLUSIVE, &(rdb_buffer *){NULL}));
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    toy_end(&t);
}

/* Of more pages than there are frames, read round after round, most of those that the pool can hold stay in it. */
static void test_large_scans_keep_what_fits(void **state)
{
    (void)state;
    enum { FRAMES = 512, BLOCKS = 640, RUN = 16 };
    toy t;
    rdb_storage_statistics before, after;
    rdb_buffer *buffer = NULL;
    toy_begin(&t, FRAMES);
    toy_fill(&t, BLOCKS);
    reopen_storage(&t);
    for (unsigned round = 0; round < 4; round++) {
        rdb_storage_get_statistics(t.storage, &before);
        for (uint64_t block = 0; block < BLOCKS; block++) {
            if (block % RUN == 0)
                rdb_storage_load(t.storage, toy_tag(block), RUN);
            assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err));
            assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1], block + 1);
            rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        }
        rdb_storage_get_statistics(t.storage, &after);
        if (round > 0)
            assert_in_range(after.misses - before.misses, BLOCKS - FRAMES, BLOCKS / 2);
    }
    toy_end(&t);
}

static void test_full_disk_refuses_growth(void **state)
{
    (void)state;
    toy t;
    uint64_t block = 0, blocks = 0;
    rdb_buffer *buffer = NULL;
    rdb_lsn end_lsn = 0;
    toy_begin(&t, 64);
    toy_fill(&t, 3);
    assert_true(rdb_fault_arm("write:tables/3:count=0:ENOSPC", &t.err));
    bool ok = true;
    for (unsigned i = 0; ok && i < 100; i++) {
        ok = rdb_buffer_extend(t.storage, 3, TOY_FILE, 0, &block, &buffer, &t.err);
        if (ok)
            rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    assert_false(ok);
    assert_null(buffer);
    assert_string_equal(t.err.sqlstate, RDB_DISK_FULL);
    rdb_error_clear(&t.err);
    /* a flush is refused too, and its pages stay dirty until there is room */
    assert_false(rdb_storage_flush_all(t.storage, 0, &t.err));
    assert_string_equal(t.err.sqlstate, RDB_DISK_FULL);
    rdb_error_clear(&t.err);
    rdb_fault_disarm();
    assert_true(rdb_buffer_extend(t.storage, 3, TOY_FILE, 0, &block, &buffer, &t.err));
    assert_true(toy_set(t.storage, buffer, 1, block + 1, true, &end_lsn, &t.err));
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    reopen_storage(&t);
    assert_true(rdb_storage_block_count(t.storage, 3, TOY_FILE, 0, &blocks, &t.err));
    assert_int_equal(blocks, block + 1);
    for (uint64_t i = 0; i <= block; i++) {
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(i), RDB_BUFFER_SHARED, &buffer, &t.err));
        assert_true(i > 2 && i < block ? rdb_buffer_page(buffer)->type == RDB_PAGE_FREE : toy_slots(rdb_buffer_page(buffer))[1] == i + 1);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    toy_end(&t);
}

static _Atomic bool barrier_stands;
static bool standing_barrier(void *context, rdb_lsn lsn, rdb_error *err)
{
    if (atomic_load(&barrier_stands))
        return rdb_error_set(err, RDB_IO_ERROR, "nothing passes");
    return rdb_wal_flush(context, lsn, err);
}

/* R25: with the barrier standing, changes are refused before the clean frames are used up, and readers go on. */
static void test_a_share_of_frames_stays_clean(void **state)
{
    (void)state;
    toy t;
    rdb_buffer *buffer = NULL;
    rdb_lsn end_lsn = 0;
    bool ok = true;
    uint64_t changed = 0;
    rdb_storage_statistics statistics;
    toy_begin(&t, 64);
    toy_fill(&t, 200);
    reopen_storage(&t);
    rdb_storage_set_barrier(t.storage, standing_barrier, t.wal);
    atomic_store(&barrier_stands, true);
    for (; ok && changed < 200; changed += ok) {
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(changed), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
        ok = toy_set(t.storage, buffer, 2, 7, false, &end_lsn, &t.err);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    assert_false(ok);
    rdb_error_clear(&t.err);
    rdb_storage_get_statistics(t.storage, &statistics);
    assert_in_range(statistics.dirty, 16, 56);
    for (uint64_t block = 0; block < 200; block++) {
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &t.err));
        assert_int_equal(toy_slots(rdb_buffer_page(buffer))[2], block < changed ? 7 : 0);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    atomic_store(&barrier_stands, false);
    for (uint64_t block = 0; block < 200; block++) {
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
        assert_true(toy_set(t.storage, buffer, 3, 8, false, &end_lsn, &t.err));
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    toy_end(&t);
}

/* What stood in the way has gone, and the cleaner takes its time over its next round: who waits for it is not told of the failure before. */
static _Atomic uint32_t slow_rounds;
static bool slowly_passed_barrier(void *context, rdb_lsn lsn, rdb_error *err)
{
    if (atomic_load(&barrier_stands))
        return standing_barrier(context, lsn, err);
    atomic_fetch_add(&slow_rounds, 1);
    rdb_time_sleep_us(300000);
    return rdb_wal_flush(context, lsn, err);
}

static void test_waits_for_a_round_of_its_own(void **state)
{
    (void)state;
    toy t;
    rdb_buffer *buffer = NULL;
    rdb_lsn end_lsn = 0;
    bool ok = true;
    uint64_t block = 0;
    toy_begin(&t, 64);
    toy_fill(&t, 200);
    reopen_storage(&t);
    rdb_storage_set_barrier(t.storage, slowly_passed_barrier, t.wal);
    atomic_store(&barrier_stands, true);
    for (; ok; block += ok) {
        assert_in_range(block, 0, 63);
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
        ok = toy_set(t.storage, buffer, 2, 7, false, &end_lsn, &t.err);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    rdb_error_clear(&t.err);
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
    atomic_store(&slow_rounds, 0);
    atomic_store(&barrier_stands, false);
    if (!toy_set(t.storage, buffer, 2, 7, false, &end_lsn, &t.err))
        fail_msg("%s %s", t.err.sqlstate, rdb_error_message(&t.err));
    assert_true(atomic_load(&slow_rounds) > 0);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    rdb_storage_set_barrier(t.storage, standing_barrier, t.wal);
    toy_end(&t);
}

/* A page that somebody else is writing is no longer dirty, but a checkpoint waits for it: its write may still fail. */
static _Atomic uint32_t slow_writer_state; /* 1: in the barrier, 2: may go on */
static _Atomic bool flush_ended;
static _Thread_local bool is_slow_writer;

static bool slow_barrier(void *context, rdb_lsn lsn, rdb_error *err)
{
    if (is_slow_writer) {
        atomic_store(&slow_writer_state, 1);
        while (atomic_load(&slow_writer_state) != 2)
            rdb_time_sleep_us(1000);
    }
    return rdb_wal_flush(context, lsn, err);
}

static void run_slow_writer(void *argument)
{
    toy *t = argument;
    rdb_buffer *buffer = NULL;
    rdb_error err = {0};
    bool clean = false;
    uint8_t copy[4096];
    is_slow_writer = true;
    toy_must(rdb_buffer_acquire(t->storage, toy_tag(1), RDB_BUFFER_PIN, &buffer, &err), &err);
    toy_must(frame_write(buffer, WRITE_WAIT, copy, &clean, &err), &err);
    rdb_buffer_release(buffer, RDB_BUFFER_PIN);
}

static void run_flush(void *argument)
{
    toy *t = argument;
    rdb_error err = {0};
    toy_must(rdb_storage_flush_all(t->storage, 0, &err), &err);
    atomic_store(&flush_ended, true);
}

static void test_checkpoint_waits_for_writes_under_way(void **state)
{
    (void)state;
    toy t;
    rdb_thread *writer = NULL, *flush = NULL;
    rdb_buffer *buffer = NULL;
    rdb_lsn end_lsn = 0;
    toy_begin(&t, 64);
    toy_fill(&t, 4);
    assert_true(rdb_storage_flush_all(t.storage, 0, &t.err));
    rdb_storage_set_barrier(t.storage, slow_barrier, t.wal);
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(1), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
    atomic_store(&buffer->usage, FRAME_USAGE_MAX); /* the cleaner lets it be */
    assert_true(toy_set(t.storage, buffer, 9, 99, false, &end_lsn, &t.err));
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    assert_true(rdb_thread_start(&writer, "writer", run_slow_writer, &t, &t.err));
    while (atomic_load(&slow_writer_state) != 1)
        rdb_time_sleep_us(1000);
    assert_true(rdb_thread_start(&flush, "flush", run_flush, &t, &t.err));
    rdb_time_sleep_us(50000);
    bool early = atomic_load(&flush_ended);
    atomic_store(&slow_writer_state, 2);
    rdb_thread_join(&writer);
    rdb_thread_join(&flush);
    assert_false(early);
    assert_true(atomic_load(&flush_ended));
    toy_end(&t);
}

typedef struct slow_pace {
    toy *t;
    uint32_t calls;
    uint64_t written[400]; /* by how many calls before */
} slow_pace;

/* A hundredth of the pages more becomes due at each look. */
static double due_slowly(void *context)
{
    slow_pace *pace = context;
    rdb_storage_statistics statistics;
    rdb_storage_get_statistics(pace->t->storage, &statistics);
    if (pace->calls < RDB_COUNT_OF(pace->written))
        pace->written[pace->calls] = statistics.writes;
    return ++pace->calls / 100.0;
}

/* A flush writes no faster than is due, syncs each file once, and counts what it did. */
static void test_paced_flush_keeps_its_pace(void **state)
{
    (void)state;
    enum { FILE_PAGES = 100, FILES = 3 };
    toy t;
    rdb_buffer *buffer = NULL;
    rdb_flush_result result;
    rdb_storage_statistics before, after;
    static slow_pace pace;
    toy_begin(&t, 1024);
    for (uint64_t file = 0; file < FILES; file++) {
        uint64_t number = RDB_FILE_NO(RDB_FILE_INDEX, 500 + file), block = 0;
        rdb_lsn end_lsn = 0;
        assert_true(rdb_storage_create_file(t.storage, 3, number, 0, &t.err));
        for (unsigned i = 0; i < FILE_PAGES; i++) {
            assert_true(rdb_buffer_extend(t.storage, 3, number, 0, &block, &buffer, &t.err));
            assert_true(toy_set(t.storage, buffer, 1, i, true, &end_lsn, &t.err));
            rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        }
    }
    rdb_storage_get_statistics(t.storage, &before);
    pace = (slow_pace){.t = &t};
    assert_true(rdb_fault_arm("sync:/none:EIO", &t.err)); /* counts the calls */
    assert_true(rdb_storage_flush_paced(t.storage, due_slowly, &pace, &result, &t.err));
    uint64_t syncs = rdb_fault_calls("sync");
    rdb_fault_disarm();
    rdb_storage_get_statistics(t.storage, &after);
    assert_int_equal(result.pages, after.writes - before.writes);
    assert_in_range(result.pages, FILES * FILE_PAGES, FILES * FILE_PAGES + 8);
    assert_in_range(result.files, FILES, FILES + 1); /* numbers of files come from one more */
    assert_in_range(syncs, FILES, FILES + 3);        /* and the log's */
    assert_true(result.longest_sync_us <= result.sync_us && result.write_us > 0);
    for (uint32_t i = 0; i < 100; i++) /* at look i no more than i hundredths and the page in hand are written */
        assert_in_range(pace.written[i] - before.writes, 0, (i + 1) * (result.pages + 1) / 100 + 1);
    assert_true(rdb_storage_flush_paced(t.storage, NULL, NULL, &result, &t.err)); /* nothing is left */
    assert_int_equal(result.pages + result.files, 0);
    toy_end(&t);
}

/* In a hurry all files are written first and then synced by several threads: each once, and none is left out. */
static void test_hurried_flush_syncs_each_file_once(void **state)
{
    (void)state;
    enum { FILES = 40 };
    toy t;
    rdb_buffer *buffer = NULL;
    rdb_flush_result result;
    toy_begin(&t, 256);
    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t file = 0; file < FILES; file++) {
            uint64_t number = RDB_FILE_NO(RDB_FILE_INDEX, 500 + file), block = 0;
            rdb_lsn end_lsn = 0;
            if (round == 0)
                assert_true(rdb_storage_create_file(t.storage, 3, number, 0, &t.err));
            assert_true(rdb_buffer_extend(t.storage, 3, number, 0, &block, &buffer, &t.err));
            assert_true(toy_set(t.storage, buffer, 1, (unsigned)file, true, &end_lsn, &t.err));
            rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        }
        if (round == 1)
            assert_true(rdb_fault_arm("sync:/none:EIO", &t.err)); /* counted calls come one after the other */
        assert_true(rdb_storage_flush_paced(t.storage, NULL, NULL, &result, &t.err));
        if (round == 1)
            assert_in_range(rdb_fault_calls("sync"), FILES, FILES + 3);
        rdb_fault_disarm();
        assert_in_range(result.files, FILES, FILES + 1);
        assert_true(result.longest_sync_us <= result.sync_us);
        assert_true(rdb_storage_flush_paced(t.storage, NULL, NULL, &result, &t.err));
        assert_int_equal(result.pages + result.files, 0);
    }
    toy_end(&t);
}

/* Neighbours go to disk by one call, each to its place; where that fails all of them are still to be written. */
static void test_hurried_flush_writes_runs(void **state)
{
    (void)state;
    enum { COUNT = 100, CLEAN = 50 };
    toy t;
    rdb_flush_result result;
    rdb_storage_statistics statistics;
    rdb_buffer *held = NULL;
    toy_begin(&t, 256);
    toy_fill(&t, COUNT);
    assert_true(rdb_storage_forget(t.storage, toy_tag(CLEAN), 1, true, &t.err)); /* a gap in what is dirty */
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(20), RDB_BUFFER_PIN, &held, &t.err));
    assert_true(rdb_fault_arm("write:/tables/:nth=3:ENOSPC", &t.err));
    assert_false(rdb_storage_flush_paced(t.storage, NULL, NULL, &result, &t.err));
    assert_int_equal(rdb_fault_fired(), 1);
    rdb_error_clear(&t.err);
    rdb_storage_get_statistics(t.storage, &statistics);
    assert_int_equal(statistics.dirty, COUNT - 1 - 32);
    assert_int_equal(statistics.pinned, 1);
    assert_true(rdb_fault_arm("write:/none:EIO", &t.err));
    assert_true(rdb_storage_flush_paced(t.storage, NULL, NULL, &result, &t.err));
    assert_in_range(rdb_fault_calls("write"), 1, 10);
    rdb_fault_disarm();
    rdb_buffer_release(held, RDB_BUFFER_PIN);
    rdb_storage_get_statistics(t.storage, &statistics);
    assert_int_equal(statistics.dirty, 0);
    assert_int_equal(result.pages, COUNT - 1 - 32);
    assert_true(rdb_storage_forget(t.storage, toy_tag(0), COUNT, false, &t.err));
    for (uint64_t block = 0; block < COUNT; block++)
        assert_int_equal(first_slot(&t, block), block + 1);
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_return_through_few_frames),
        cmocka_unit_test(test_frames_of_dropped_files_serve_again),
        cmocka_unit_test(test_forgotten_pages_make_room),
        cmocka_unit_test(test_all_pinned_is_an_error_and_heals),
        cmocka_unit_test(test_pins_among_newcomers_leave_the_rest_usable),
        cmocka_unit_test(test_scan_does_not_wash_out),
        cmocka_unit_test(test_many_threads_few_frames),
        cmocka_unit_test(test_broken_pages_are_told),
        cmocka_unit_test(test_runs_leave_errors_to_readers),
        cmocka_unit_test(test_large_scans_keep_what_fits),
        cmocka_unit_test(test_full_disk_refuses_growth),
        cmocka_unit_test(test_checkpoint_waits_for_writes_under_way),
        cmocka_unit_test(test_a_share_of_frames_stays_clean),
        cmocka_unit_test(test_waits_for_a_round_of_its_own),
        cmocka_unit_test(test_paced_flush_keeps_its_pace),
        cmocka_unit_test(test_hurried_flush_syncs_each_file_once),
        cmocka_unit_test(test_hurried_flush_writes_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
