/* SPDX-License-Identifier: Apache-2.0
 * Files of relations, their numbers and free space; records as changes make them; replay by change numbers. */
#include "os/rdb_fault.h"
#include "toy.h"

static void test_create_truncate_drop(void **state)
{
    (void)state;
    toy t;
    uint64_t blocks = 0;
    rdb_buffer *buffer = NULL;
    toy_begin(&t, 64);
    assert_false(rdb_storage_file_exists(t.storage, 3, TOY_FILE));
    assert_false(rdb_storage_block_count(t.storage, 3, TOY_FILE, 0, &blocks, &t.err));
    assert_string_equal(t.err.sqlstate, RDB_UNDEFINED_FILE);
    rdb_error_clear(&t.err);
    toy_fill(&t, 50);
    assert_true(rdb_storage_file_exists(t.storage, 3, TOY_FILE));
    assert_true(rdb_storage_truncate_file(t.storage, 3, TOY_FILE, 0, 20, &t.err));
    assert_true(rdb_storage_block_count(t.storage, 3, TOY_FILE, 0, &blocks, &t.err));
    assert_int_equal(blocks, 20);
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(20), RDB_BUFFER_SHARED, &buffer, &t.err)); /* who comes by an old way finds a free page */
    assert_int_equal(rdb_buffer_page(buffer)->type, RDB_PAGE_FREE);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    assert_false(rdb_space_is_open(t.storage, toy_tag(20), true)); /* which nobody may fill */
    uint64_t block = 0;
    assert_true(rdb_buffer_extend(t.storage, 3, TOY_FILE, 0, &block, &buffer, &t.err));
    assert_int_equal(block, 20);
    assert_true(page_is_zero(rdb_buffer_page(buffer), 4096)); /* nothing of the old block 20 */
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    rdb_storage_statistics statistics;
    assert_true(rdb_storage_drop_file(t.storage, 3, TOY_FILE, &t.err));
    assert_true(rdb_storage_drop_file(t.storage, 3, TOY_FILE, &t.err)); /* missing is fine */
    assert_false(rdb_storage_file_exists(t.storage, 3, TOY_FILE));
    rdb_storage_get_statistics(t.storage, &statistics);
    assert_int_equal(statistics.dirty, 0);
    toy_fill(&t, 3); /* under the same number nothing old shows */
    assert_true(rdb_storage_block_count(t.storage, 3, TOY_FILE, 0, &blocks, &t.err));
    assert_int_equal(blocks, 3);
    toy_end(&t);
}

static void test_file_numbers_are_never_reused(void **state)
{
    (void)state;
    toy t;
    uint64_t file = 0, last = 0;
    toy_begin(&t, 64);
    for (unsigned life = 0; life < 4; life++) {
        for (unsigned i = 0; i < 20; i++) {
            assert_true(rdb_storage_next_file(t.storage, 5, i % 2 ? RDB_FILE_TABLE : RDB_FILE_INDEX, &file, &t.err));
            assert_int_equal(RDB_FILE_CLASS(file), i % 2 ? RDB_FILE_TABLE : RDB_FILE_INDEX);
            uint64_t number = file & ((UINT64_C(1) << 56) - 1);
            assert_true(number >= 16384 && number > last);
            last = number;
        }
        assert_true(rdb_storage_flush_all(t.storage, 0, &t.err));
        rdb_storage_close(&t.storage);
        assert_true(rdb_storage_open(&t.storage, &t.config, &t.err));
    }
    assert_true(rdb_storage_next_file(t.storage, 6, RDB_FILE_TABLE, &file, &t.err)); /* each PDB has its own */
    assert_int_equal(file, RDB_FILE_NO(RDB_FILE_TABLE, 16384));
    toy_end(&t);
}

/* More forks than handles may be open: they are closed and opened again as needed, and nothing written is lost. */
static void test_many_files_few_handles(void **state)
{
    (void)state;
    enum { FILES = RELATION_HANDLES_MAX + 300 };
    toy t;
    rdb_buffer *buffer = NULL;
    toy_begin(&t, 256);
    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < FILES; i++) {
            rdb_page_tag tag = {.file = RDB_FILE_NO(RDB_FILE_INDEX, 1000 + i), .pdb = 3};
            uint64_t block = 0;
            rdb_lsn end_lsn = 0;
            if (round == 0) {
                assert_true(rdb_storage_create_file(t.storage, 3, tag.file, 0, &t.err));
                assert_true(rdb_buffer_extend(t.storage, 3, tag.file, 0, &block, &buffer, &t.err));
                assert_true(toy_set(t.storage, buffer, 1, i + 7, true, &end_lsn, &t.err));
                rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
            } else {
                if (!rdb_buffer_acquire(t.storage, tag, RDB_BUFFER_SHARED, &buffer, &t.err))
                    fail_msg("%s %s", t.err.message, t.err.detail);
                assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1], i + 7);
                rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
            }
        }
        assert_true(rdb_storage_flush_all(t.storage, 0, &t.err));
        assert_in_range(atomic_load(&t.storage->handle_count), 1, RELATION_HANDLES_MAX + 1);
    }
    toy_end(&t);
}

static void test_space_hints(void **state)
{
    (void)state;
    toy t;
    uint64_t block = 0, seen[64] = {0};
    bool found = false;
    toy_begin(&t, 64);
    toy_fill(&t, 60);
    assert_true(rdb_space_find(t.storage, 3, TOY_FILE, 1000, &block, &found, &t.err)); /* the last block, to begin with */
    assert_true(found && block == 59);
    assert_true(rdb_space_find(t.storage, 3, TOY_FILE, 1, &block, &found, &t.err));
    assert_false(found);
    for (uint64_t i = 0; i < 60; i++) {
        rdb_space_note(t.storage, 3, TOY_FILE, i, 100);
        rdb_space_note(t.storage, 3, TOY_FILE, i, i < 30 ? 600 : 3000); /* the newest note counts */
    }
    for (unsigned i = 0; i < 30; i++) { /* each inserter gets another page, with room enough */
        assert_true(rdb_space_find(t.storage, 3, TOY_FILE, 2000, &block, &found, &t.err));
        assert_true(found && block >= 30 && seen[block]++ == 0);
    }
    assert_true(rdb_space_find(t.storage, 3, TOY_FILE, 2000, &block, &found, &t.err));
    assert_false(found);
    assert_true(rdb_space_find(t.storage, 3, TOY_FILE, 400, &block, &found, &t.err));
    assert_true(found && block < 30);
    rdb_space_note(t.storage, 3, TOY_FILE, 45, 2500);
    assert_true(rdb_storage_truncate_file(t.storage, 3, TOY_FILE, 0, 20, &t.err));
    assert_true(rdb_space_find(t.storage, 3, TOY_FILE, 2000, &block, &found, &t.err));
    assert_false(found); /* cut off */
    for (unsigned i = 0; i < 21; i++) {
        assert_true(rdb_space_find(t.storage, 3, TOY_FILE, 100, &block, &found, &t.err));
        assert_true(!found || block < 20);
    }
    assert_false(found);
    /* many notes of many blocks neither grow without bound nor slow down */
    for (uint64_t i = 0; i < 300000; i++)
        rdb_space_note(t.storage, 3, TOY_FILE, i % 100000, (uint32_t)(i * 37 % 4000));
    toy_end(&t);
}

/* What the log says about a page: an image of the page before the change on the first touch after the redo point, none
 * after, the change number it had; and replay on the old page gives the very page, hole aside. */
static void test_images_and_change_numbers(void **state)
{
    (void)state;
    toy t;
    rdb_buffer *buffer = NULL;
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    rdb_lsn end_lsn = 0, start = 0;
    bool found = false;
    uint8_t before[4096], after[4096];
    toy_begin(&t, 64);
    toy_fill(&t, 3);
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(1), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
    for (uint32_t i = 300; i < 592; i++) /* bytes that do not compress, before the hole */
        ((uint8_t *)rdb_buffer_page(buffer))[i] = (uint8_t)(rdb_hash64(&i, 4, 0));
    start = rdb_wal_fix_redo_point(t.wal);
    memcpy(before, rdb_buffer_page(buffer), 4096);
    uint64_t number = rdb_buffer_page(buffer)->change_no;
    rdb_buffer_settle(buffer, 99);
    assert_int_equal(rdb_buffer_page(buffer)->settled_scn, 99);
    assert_true(toy_set(t.storage, buffer, 5, 55, false, &end_lsn, &t.err));
    assert_int_equal(rdb_buffer_page(buffer)->settled_scn, 0);
    assert_int_equal(rdb_buffer_page(buffer)->lsn, end_lsn);
    uint64_t second = rdb_buffer_page(buffer)->change_no;
    assert_true(second > number);
    assert_true(toy_set(t.storage, buffer, 6, 66, false, &end_lsn, &t.err));
    memcpy(after, rdb_buffer_page(buffer), 4096);
    assert_true(rdb_wal_flush(t.wal, end_lsn, &t.err));
    assert_true(rdb_wal_reader_open(&reader, &t.wal_config, start, &t.err));
    assert_true(rdb_wal_reader_next(reader, &record, &found, &t.err) && found);
    assert_int_equal(record.blocks[0].previous_change_no, number);
    assert_true(record.blocks[0].image_bytes > 0);
    assert_int_equal(record.blocks[0].data_bytes, 16);
    /* the page is broken: the record alone brings it back */
    memset(rdb_buffer_page(buffer), 0, 4096);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    assert_true(rdb_storage_replay(t.storage, &record, &t.err));
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(1), RDB_BUFFER_SHARED, &buffer, &t.err));
    assert_int_equal(toy_slots(rdb_buffer_page(buffer))[5], 55);
    assert_int_equal(rdb_buffer_page(buffer)->change_no, second);
    assert_memory_equal((uint8_t *)rdb_buffer_page(buffer) + 300, before + 300, 292);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    assert_true(rdb_storage_replay(t.storage, &record, &t.err)); /* again: nothing */
    assert_true(rdb_wal_reader_next(reader, &record, &found, &t.err) && found);
    assert_int_equal(record.blocks[0].image_bytes, 0);
    assert_int_equal(record.blocks[0].previous_change_no, second);
    assert_true(rdb_storage_replay(t.storage, &record, &t.err));
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(1), RDB_BUFFER_SHARED, &buffer, &t.err));
    assert_memory_equal(rdb_buffer_page(buffer), after, 4096);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    rdb_wal_reader_close(&reader);
    /* an older record, its image too, leaves the newer page alone */
    assert_true(rdb_wal_reader_open(&reader, &t.wal_config, start, &t.err));
    assert_true(rdb_wal_reader_next(reader, &record, &found, &t.err) && found);
    assert_true(rdb_storage_replay(t.storage, &record, &t.err));
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(1), RDB_BUFFER_SHARED, &buffer, &t.err));
    assert_memory_equal(rdb_buffer_page(buffer), after, 4096);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    rdb_wal_reader_close(&reader);
    toy_end(&t);
}

/* A change that the log refuses leaves its pages as they were. */
static void test_refused_change_changes_nothing(void **state)
{
    (void)state;
    toy t;
    rdb_buffer *buffer = NULL;
    rdb_lsn end_lsn = 0;
    uint8_t before[4096];
    bool refused = false;
    toy_begin(&t, 64);
    toy_fill(&t, 3);
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(1), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
    assert_true(rdb_fault_arm("write:prepare:count=0:ENOSPC", &t.err));
    for (unsigned i = 0; i < 40000 && !refused; i++) {
        memcpy(before, rdb_buffer_page(buffer), 4096);
        refused = !toy_set(t.storage, buffer, 1 + i % 60, i, false, &end_lsn, &t.err);
    }
    assert_true(refused);
    assert_string_equal(t.err.sqlstate, RDB_DISK_FULL);
    rdb_error_clear(&t.err);
    assert_memory_equal(rdb_buffer_page(buffer), before, 4096);
    rdb_fault_disarm();
    assert_true(toy_set(t.storage, buffer, 1, 7, false, &end_lsn, &t.err));
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    toy_end(&t);
}

/* Data of a block that is long and alike lies compressed in the log, and means the same to redo; short data lies there without its zero bytes. */
static void test_long_data_is_compressed(void **state)
{
    (void)state;
    enum { PAIRS = 1000 };
    toy t;
    rdb_buffer *buffer = NULL;
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    rdb_lsn end_lsn = 0, start = 0;
    bool found = false;
    uint64_t pairs[2 * PAIRS];
    uint8_t after[4096];
    toy_begin(&t, 64);
    toy_fill(&t, 3);
    for (unsigned is_short = 0; is_short < 2; is_short++) {
        uint64_t block = 1 + is_short;
        uint32_t count = is_short ? 60 : PAIRS, bytes = count * 16;
        for (uint64_t i = 0; i < count; i++) {
            pairs[2 * i] = 1 + i % (TOY_SLOTS - 1);
            pairs[2 * i + 1] = 5 + i / 100;
        }
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
        start = rdb_wal_fix_redo_point(t.wal);
        rdb_change change;
        rdb_change_init(&change, t.storage, 3, 0, RDB_RESOURCE_HEAP, TOY_SET);
        rdb_change_block(&change, buffer, 0);
        rdb_change_block_data(&change, pairs, 16);
        rdb_change_block_data(&change, pairs + 2, bytes - 16);
        assert_true(rdb_change_apply(&change, NULL, NULL, &end_lsn, &t.err));
        assert_true(toy_is_whole(rdb_buffer_page(buffer)));
        assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1 + (count - 1) % (TOY_SLOTS - 1)], pairs[2 * count - 1]);
        memcpy(after, rdb_buffer_page(buffer), 4096);
        assert_true(rdb_wal_flush(t.wal, end_lsn, &t.err));
        assert_true(rdb_wal_reader_open(&reader, &t.wal_config, start, &t.err));
        assert_true(rdb_wal_reader_next(reader, &record, &found, &t.err) && found);
        bool compressed = (record.blocks[0].flags & RDB_WAL_BLOCK_DATA_LZ4) != 0;
        assert_int_equal(compressed, !is_short);
        if (compressed)
            assert_in_range(record.blocks[0].data_bytes, 5, bytes / 2);
        else { /* without its zero bytes */
            uint8_t plain[RDB_WAL_PACKED_PLAIN_MAX];
            uint32_t length = 0;
            assert_true((record.blocks[0].flags & RDB_WAL_BLOCK_DATA_PACKED) != 0);
            assert_in_range(record.blocks[0].data_bytes, bytes / 8, bytes / 3);
            assert_true(rdb_wal_unpack_data(record.blocks[0].data, record.blocks[0].data_bytes, plain, &length));
            assert_int_equal(length, bytes);
            assert_memory_equal(plain, pairs, bytes);
        }
        memset(rdb_buffer_page(buffer), 0, 4096); /* the page is broken: the record alone brings it back */
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        assert_true(rdb_storage_replay(t.storage, &record, &t.err));
        assert_true(rdb_buffer_acquire(t.storage, toy_tag(block), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
        assert_memory_equal(rdb_buffer_page(buffer), after, 4096);
        memset(rdb_buffer_page(buffer), 0, 4096);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        { /* cut short, it does not unpack */
            record.blocks[0].data_bytes -= 9;
            assert_false(rdb_storage_replay(t.storage, &record, &t.err));
            assert_string_equal(t.err.sqlstate, RDB_DATA_CORRUPTED);
            rdb_error_clear(&t.err);
        }
        rdb_wal_reader_close(&reader);
    }
    toy_end(&t);
}

/* Records that are whole but wrong are refused: a reference, an image, data that do not fit. */
static void test_replay_refuses_what_does_not_fit(void **state)
{
    (void)state;
    toy t;
    uint8_t data[16] = {0};
    toy_begin(&t, 64);
    toy_fill(&t, 2);
    rdb_wal_record record = {.lsn = TOY_SEGMENT * 9, .end_lsn = TOY_SEGMENT * 9 + 80, .pdb = 3, .resource = RDB_RESOURCE_HEAP,
                             .operation = TOY_SET, .block_count = 1, .data = data};
    record.blocks[0] = (rdb_wal_block){.file = TOY_FILE, .block = 1, .previous_change_no = 5, .data = data, .data_bytes = 16};
    assert_false(rdb_storage_replay(t.storage, &record, &t.err)); /* change numbers disagree */
    assert_string_equal(t.err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&t.err);
    record.blocks[0].flags = RDB_WAL_BLOCK_IMAGE_LZ4;
    record.blocks[0].image = data;
    record.blocks[0].image_bytes = 16;
    assert_false(rdb_storage_replay(t.storage, &record, &t.err)); /* no image */
    assert_string_equal(t.err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&t.err);
    record.blocks[0].flags = RDB_WAL_BLOCK_INIT;
    record.blocks[0].image = NULL;
    record.blocks[0].image_bytes = 0;
    assert_false(rdb_storage_replay(t.storage, &record, &t.err)); /* slot 0: redo bounds its offsets */
    assert_string_equal(t.err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&t.err);
    record.blocks[0].file = RDB_FILE_NO(9, 1);
    assert_false(rdb_storage_replay(t.storage, &record, &t.err)); /* no such class of files */
    rdb_error_clear(&t.err);
    record.resource = RDB_RESOURCE_STORAGE;
    record.operation = STORAGE_OP_TRUNCATE;
    record.block_count = 0;
    record.data_bytes = 8;
    assert_false(rdb_storage_replay(t.storage, &record, &t.err));
    rdb_error_clear(&t.err);
    rdb_storage_statistics statistics;
    rdb_storage_get_statistics(t.storage, &statistics);
    assert_int_equal(toy_pinned(t.storage), 0);
    toy_end(&t);
}

/* ---- files come and go beside checkpoints ------------------------------------------------------------------------------ */

typedef struct flusher {
    toy *t;
    _Atomic bool stop;
    uint64_t rounds;
} flusher;

static void run_flusher(void *argument)
{
    flusher *f = argument;
    rdb_error err = {0};
    while (!atomic_load(&f->stop)) {
        rdb_wal_fix_redo_point(f->t->wal);
        toy_must(rdb_storage_flush_all(f->t->storage, 0, &err), &err);
        f->rounds++;
    }
}

static void test_files_come_and_go_beside_checkpoints(void **state)
{
    (void)state;
    toy t;
    rdb_thread *thread = NULL;
    toy_begin(&t, 64);
    flusher f = {.t = &t};
    assert_true(rdb_thread_start(&thread, "flusher", run_flusher, &f, &t.err));
    for (unsigned round = 0; round < 60; round++) {
        toy_fill(&t, 40);
        for (uint64_t left = 40; left > 0; left /= 2) {
            uint64_t blocks = 0;
            rdb_buffer *buffer = NULL;
            assert_true(rdb_storage_truncate_file(t.storage, 3, TOY_FILE, 0, left, &t.err));
            assert_true(rdb_storage_block_count(t.storage, 3, TOY_FILE, 0, &blocks, &t.err));
            assert_int_equal(blocks, left);
            assert_true(rdb_buffer_acquire(t.storage, toy_tag(left - 1), RDB_BUFFER_SHARED, &buffer, &t.err));
            assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1], left);
            rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        }
        assert_true(rdb_storage_drop_file(t.storage, 3, TOY_FILE, &t.err));
    }
    atomic_store(&f.stop, true);
    rdb_thread_join(&thread);
    assert_true(f.rounds > 5);
    toy_end(&t);
}

/* ---- the end is cut while others extend ----------------------------------------------------------------------------------- */

typedef struct cutter {
    toy *t;
    _Atomic bool stop;
    _Atomic uint64_t cuts;
} cutter;

static bool is_nothing(const rdb_page *page)
{
    (void)page;
    return false; /* free pages alone go */
}

static void run_cutter(void *argument)
{
    cutter *c = argument;
    rdb_error err = {0};
    uint64_t before = 0, blocks = 0;
    while (!atomic_load(&c->stop)) {
        toy_must(rdb_storage_block_count(c->t->storage, 3, TOY_FILE, 0, &before, &err), &err);
        toy_must(rdb_storage_cut_tail(c->t->storage, 3, TOY_FILE, 1, is_nothing, &blocks, &err), &err);
        atomic_fetch_add(&c->cuts, blocks < before);
    }
}

/* A new block is latched when it is handed out, and lies within the file: whoever writes it can count on being read. */
static void test_nobody_extends_behind_an_end_that_was_cut(void **state)
{
    (void)state;
    toy t;
    rdb_thread *thread = NULL;
    toy_begin(&t, 256);
    toy_fill(&t, 1);
    cutter c = {.t = &t};
    assert_true(rdb_thread_start(&thread, "cutter", run_cutter, &c, &t.err));
    const int64_t until_us = rdb_time_monotonic_us() + 30000000;
    uint64_t extended = 0;
    while (atomic_load(&c.cuts) < 10 || ((extended < 1000 || atomic_load(&c.cuts) < 200) && rdb_time_monotonic_us() < until_us)) {
        uint64_t block, blocks = 0;
        rdb_buffer *buffer = NULL;
        assert_true(rdb_buffer_extend(t.storage, 3, TOY_FILE, 0, &block, &buffer, &t.err));
        assert_true(rdb_storage_block_count(t.storage, 3, TOY_FILE, 0, &blocks, &t.err));
        assert_true(block < blocks);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        extended++;
        if (blocks > 50) /* not too far ahead of the cutter */
            rdb_time_sleep_us(1000);
    }
    atomic_store(&c.stop, true);
    rdb_thread_join(&thread);
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_truncate_drop),
        cmocka_unit_test(test_file_numbers_are_never_reused),
        cmocka_unit_test(test_many_files_few_handles),
        cmocka_unit_test(test_space_hints),
        cmocka_unit_test(test_images_and_change_numbers),
        cmocka_unit_test(test_refused_change_changes_nothing),
        cmocka_unit_test(test_files_come_and_go_beside_checkpoints),
        cmocka_unit_test(test_nobody_extends_behind_an_end_that_was_cut),
        cmocka_unit_test(test_long_data_is_compressed),
        cmocka_unit_test(test_replay_refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
