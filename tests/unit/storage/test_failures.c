/* SPDX-License-Identifier: Apache-2.0
 * Storage under failures: each allocation and each call of the file layer fails once (sweep.h) while files come and go and grow, pages are
 * read, changed and written, and the map of changed blocks is kept. What fails leaves the pages as they were, and the next try works. */
#define SWEEP_FILES
#define SWEEP_SPARES_SYNCS
#include "../sweep.h"
#include "storage/rdb_change_map.h"
#include "storage/rdb_storage_salvage.h"
#include "toy.h"

#include <unistd.h>

typedef struct scene {
    toy t;
    uint64_t file;    /* the one at hand */
    uint64_t values;  /* written to slot 2 of page 0 */
    uint64_t blocks;
    rdb_lsn redo;
    uint32_t problems;
    _Alignas(8) uint8_t image[4096]; /* of a page that is broken on disk */
} scene;

static rdb_page_tag tag_of(uint64_t file, uint64_t block)
{
    return (rdb_page_tag){.file = file, .block = block, .pdb = 3};
}

static uint64_t slot_of(scene *s, uint64_t file, uint64_t block, uint64_t slot)
{
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire(s->t.storage, tag_of(file, block), RDB_BUFFER_SHARED, &buffer, &s->t.err))
        fail_msg("%s %s", s->t.err.message, s->t.err.detail);
    assert_true(rdb_buffer_page(buffer)->type == RDB_PAGE_FREE || toy_is_whole(rdb_buffer_page(buffer)));
    const uint64_t value = toy_slots(rdb_buffer_page(buffer))[slot];
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return value;
}

/* So many other pages that none of those before is in the pool any more. */
static void wash_out(scene *s)
{
    rdb_error err = {0};
    rdb_flush_result result;
    assert_true(rdb_storage_flush_paced(s->t.storage, NULL, NULL, &result, &err));
    for (unsigned round = 0; round < 4; round++)
        for (uint64_t block = 0; block < 160; block++)
            (void)slot_of(s, TOY_FILE, block, 1);
}

static void scene_begin(scene *s)
{
    memset(s, 0, sizeof *s);
    toy_begin(&s->t, 64);
    toy_fill(&s->t, 160);
    s->file = TOY_FILE + 1;
}

/* ---- files and pages ------------------------------------------------------------------------------------------------------------------ */
static bool use_file(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_lsn end_lsn;
    uint64_t blocks = 0, found_block = 0, bytes = 0;
    bool found = false;
    s->file++;
    if (!rdb_storage_create_file(s->t.storage, 3, s->file, 0, err))
        return false;
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t block;
        rdb_buffer *buffer = NULL;
        if (!rdb_buffer_extend(s->t.storage, 3, s->file, 0, &block, &buffer, err))
            return false;
        assert_int_equal(block, i);
        const bool ok = toy_set(s->t.storage, buffer, 1, i + 1, true, &end_lsn, err);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        if (!ok)
            return false;
    }
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire_new(s->t.storage, tag_of(s->file, 9), &buffer, err))
        return false;
    bool ok = toy_set(s->t.storage, buffer, 1, 10, true, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    rdb_space_note(s->t.storage, 3, s->file, 2, 2000);
    if (!ok || !rdb_space_find(s->t.storage, 3, s->file, 1500, &found_block, &found, err))
        return false;
    assert_true(!found || found_block < 10); /* a hint: it may be forgotten */
    if (!rdb_storage_truncate_file(s->t.storage, 3, s->file, RDB_FORK_MAIN, 2, err) || !rdb_storage_block_count(s->t.storage, 3, s->file, RDB_FORK_MAIN, &blocks, err))
        return false;
    assert_int_equal(blocks, 2);
    if (!rdb_storage_measure_pdb(s->t.storage, 3, &bytes, err))
        return false;
    assert_true(bytes >= 160 * 4096);
    return rdb_storage_drop_file(s->t.storage, 3, s->file, err);
}

static void look_at_files(void *context, bool ok)
{
    scene *s = context;
    if (ok)
        assert_false(rdb_storage_file_exists(s->t.storage, 3, s->file));
    assert_true(rdb_storage_drop_file(s->t.storage, 3, s->file, &s->t.err)); /* whatever of it is there */
    assert_false(rdb_storage_file_exists(s->t.storage, 3, s->file));
    assert_int_equal(toy_pinned(s->t.storage), 0);
    assert_int_equal(slot_of(s, TOY_FILE, 17, 1), 18);
}

static void test_files(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s);
    assert_true(sweep(use_file, look_at_files, &s) > 10);
    toy_end(&s.t);
}

/* Pages that are read and changed while there is no room for all of them: others' pages are written for it. */
static bool change_pages(void *context, rdb_error *err)
{
    scene *s = context;
    for (uint64_t block = 0; block < 100; block++) {
        rdb_buffer *buffer = NULL;
        rdb_lsn end_lsn;
        if (!rdb_buffer_acquire(s->t.storage, tag_of(TOY_FILE, block), RDB_BUFFER_EXCLUSIVE, &buffer, err))
            return false;
        const bool ok = toy_slots(rdb_buffer_page(buffer))[2] == s->values + 1 || toy_set(s->t.storage, buffer, 2, s->values + 1, false, &end_lsn, err);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        if (!ok)
            return false;
    }
    s->values++;
    return true;
}

static void look_at_pages(void *context, bool ok)
{
    scene *s = context;
    for (uint64_t block = 0; block < 100; block++) {
        const uint64_t value = slot_of(s, TOY_FILE, block, 2);
        assert_true(value == s->values || (!ok && value == s->values + 1));
        assert_int_equal(slot_of(s, TOY_FILE, block, 1), block + 1);
    }
    assert_int_equal(toy_pinned(s->t.storage), 0);
}

/* What a checkpoint does. A sync that fails would end the process, so files are not synced here. */
static bool flush(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_flush_result result;
    return rdb_storage_flush_paced(s->t.storage, NULL, NULL, &result, err);
}

static void look_at_flushed(void *context, bool ok)
{
    scene *s = context;
    (void)ok;
    look_at_pages(s, true);
    rdb_error err = {0};
    for (uint64_t block = 0; block < 40; block++) { /* something to flush again */
        rdb_buffer *buffer = NULL;
        rdb_lsn end_lsn;
        assert_true(rdb_buffer_acquire(s->t.storage, tag_of(TOY_FILE, block), RDB_BUFFER_EXCLUSIVE, &buffer, &err));
        assert_true(toy_set(s->t.storage, buffer, 3, s->values, false, &end_lsn, &err));
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
}

static void test_pages(void **state)
{
    (void)state;
    scene s;
    memset(&s, 0, sizeof s);
    toy_begin(&s.t, 64);
    rdb_storage_close(&s.t.storage);
    s.t.config.sync = false;
    assert_true(rdb_storage_open(&s.t.storage, &s.t.config, &s.t.err));
    toy_fill(&s.t, 160);
    wash_out(&s);
    assert_true(sweep(change_pages, look_at_pages, &s) >= 5);
    assert_true(sweep(flush, look_at_flushed, &s) >= 2);
    wash_out(&s);
    look_at_pages(&s, true);
    toy_end(&s.t);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------------------------ */
static bool open_storage(void *context, rdb_error *err)
{
    scene *s = context;
    return rdb_storage_open(&s->t.storage, &s->t.config, err);
}
static void look_at_opened(void *context, bool ok)
{
    scene *s = context;
    if (ok) {
        assert_int_equal(slot_of(s, TOY_FILE, 17, 1), 18);
        rdb_storage_close(&s->t.storage);
    }
    assert_null(s->t.storage);
}

static void complain(void *context, const char *file, rdb_page_tag tag, const char *problem)
{
    (void)file, (void)tag, (void)problem;
    ((scene *)context)->problems++;
}
static bool verify_files(void *context, rdb_error *err)
{
    scene *s = context;
    const rdb_storage_check check = {.data_directory = s->t.data_directory, .page_bytes = 4096, .storage = s->t.storage, .complain = complain, .context = s};
    rdb_storage_checked checked = {0};
    s->problems = 0;
    return rdb_storage_verify_files(&check, &checked, err);
}
static void look_at_verified(void *context, bool ok)
{
    (void)ok;
    assert_int_equal(((scene *)context)->problems, 0);
}

static void test_opening(void **state)
{
    (void)state;
    scene s;
    rdb_error err = {0};
    rdb_storage *storage = NULL;
    scene_begin(&s);
    assert_true(flush(&s, &s.t.err));
    assert_true(sweep(verify_files, look_at_verified, &s) >= 3);
    assert_string_equal(rdb_storage_data_directory(s.t.storage), s.t.data_directory);
    /* A page is sealed for its place, and for no other. */
    uint8_t page[4096] = {0};
    const char *what = NULL;
    rdb_page_seal(page, tag_of(TOY_FILE, 7), sizeof page);
    assert_true(rdb_page_verify(page, tag_of(TOY_FILE, 7), sizeof page, &what));
    assert_false(rdb_page_verify(page, tag_of(TOY_FILE, 8), sizeof page, &what));
    assert_non_null(what);
    static const struct {
        size_t at;
        const char *problem;
    } DAMAGE[] = {{offsetof(rdb_page, version), "version"}, {offsetof(rdb_page, key_epoch), "encrypted"}};
    for (uint32_t i = 0; i < RDB_COUNT_OF(DAMAGE); i++) { /* with a checksum that fits */
        rdb_page_seal(page, tag_of(TOY_FILE, 7), sizeof page);
        page[DAMAGE[i].at] ^= 2;
        rdb_put_u32(page, rdb_crc32c(0, page + 4, sizeof page - 4));
        assert_false(rdb_page_verify(page, tag_of(TOY_FILE, 7), sizeof page, &what));
        assert_non_null(strstr(what, DAMAGE[i].problem));
        page[DAMAGE[i].at] ^= 2;
    }
    rdb_storage_close(&s.t.storage);
    assert_true(sweep(open_storage, look_at_opened, &s) > 5);
    /* Sizes that no pool has, and a path that no file has. */
    char *long_path = malloc(3000);
    memset(long_path, 'p', 2999);
    long_path[2999] = '\0';
    for (uint32_t i = 0; i < 5; i++) {
        rdb_storage_config config = s.t.config;
        if (i < 2)
            config.page_bytes = i == 0 ? 2048 : 12288;
        else if (i < 4)
            config.frame_count = i == 2 ? 8 : 1u << 31;
        else
            config.data_directory = long_path;
        assert_false(rdb_storage_open(&storage, &config, &err));
        assert_string_equal(err.sqlstate, RDB_INVALID_PARAMETER_VALUE);
        assert_null(storage);
        rdb_error_clear(&err);
    }
    free(long_path);
    /* Without a log nothing is changed, and that is said. */
    rdb_storage_config config = s.t.config;
    rdb_buffer *buffer = NULL;
    rdb_lsn end_lsn;
    config.wal = NULL;
    assert_true(rdb_storage_open(&storage, &config, &s.t.err));
    assert_true(rdb_buffer_acquire(storage, tag_of(TOY_FILE, 3), RDB_BUFFER_EXCLUSIVE, &buffer, &s.t.err));
    assert_false(toy_set(storage, buffer, 2, 9, false, &end_lsn, &err));
    assert_string_equal(err.sqlstate, RDB_READ_ONLY_SQL_TRANSACTION);
    rdb_error_clear(&err);
    assert_int_equal(toy_slots(rdb_buffer_page(buffer))[2], 0);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    assert_false(rdb_storage_create_file(storage, 3, TOY_FILE + 9, 0, &err));
    assert_string_equal(err.sqlstate, RDB_READ_ONLY_SQL_TRANSACTION);
    rdb_error_clear(&err);
    assert_false(rdb_storage_file_exists(storage, 3, TOY_FILE + 9));
    rdb_storage_close(&storage);
    assert_true(open_storage(&s, &s.t.err));
    toy_end(&s.t);
}

/* ---- redo ---------------------------------------------------------------------------------------------------------------------------- */
enum { REPLAYED_BLOCKS = 90, NOISE_AT = RDB_PAGE_HEADER_BYTES + 8 * TOY_SLOTS };

static uint8_t noise_at(uint32_t i)
{
    return (uint8_t)rdb_hash64(&i, sizeof i, 0);
}

/* All of the log, from its beginning: what an earlier try did already is found done. */
static bool replay_log(void *context, rdb_error *err)
{
    scene *s = context;
    static rdb_wal_record record;
    rdb_wal_config config = s->t.wal_config;
    rdb_wal_reader *reader = NULL;
    bool found = true, ok = true;
    config.sync = false;
    if (!rdb_wal_reader_open(&reader, &config, TOY_SEGMENT + 64, err))
        return false;
    while (ok && found)
        ok = rdb_wal_reader_next(reader, &record, &found, err) && (!found || rdb_storage_replay(s->t.storage, &record, err));
    rdb_wal_reader_close(&reader);
    return ok;
}

static void begin_life_without_files(scene *s)
{
    rdb_storage_close(&s->t.storage);
    assert_true(rdb_path_remove_tree(s->t.data_directory, &s->t.err) && rdb_path_make_directory(s->t.data_directory, 0700, true, &s->t.err));
    assert_true(rdb_storage_open(&s->t.storage, &s->t.config, &s->t.err));
}

static void look_at_replayed(void *context, bool ok)
{
    scene *s = context;
    uint64_t blocks = 0;
    assert_int_equal(toy_pinned(s->t.storage), 0);
    if (!ok)
        return;
    for (uint64_t block = 0; block < REPLAYED_BLOCKS; block++) {
        assert_int_equal(slot_of(s, TOY_FILE, block, 1), block + 1);
        assert_int_equal(slot_of(s, TOY_FILE, block, 2), block % 3 == 0 ? 7 : 0);
    }
    rdb_buffer *buffer = NULL;
    assert_true(rdb_buffer_acquire(s->t.storage, tag_of(TOY_FILE, 3), RDB_BUFFER_SHARED, &buffer, &s->t.err));
    for (uint32_t i = NOISE_AT; i < 4096; i++)
        assert_int_equal(((uint8_t *)rdb_buffer_page(buffer))[i], noise_at(i));
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    assert_true(rdb_storage_block_count(s->t.storage, 3, TOY_FILE + 1, RDB_FORK_MAIN, &blocks, &s->t.err));
    assert_int_equal(blocks, 1);
    assert_false(rdb_storage_file_exists(s->t.storage, 3, TOY_FILE + 2));
    begin_life_without_files(s);
}

/* The log alone brings all files back, whatever fails on the way, once the next try gets through: pages from nothing, from an image
 * that hardly compresses and from short ones, files cut and files gone. */
static void test_replaying(void **state)
{
    (void)state;
    scene s;
    rdb_lsn end_lsn = 0;
    memset(&s, 0, sizeof s);
    toy_begin(&s.t, 64);
    toy_fill(&s.t, REPLAYED_BLOCKS);
    for (uint64_t file = TOY_FILE + 1; file <= TOY_FILE + 2; file++) {
        assert_true(rdb_storage_create_file(s.t.storage, 3, file, 0, &s.t.err));
        for (uint64_t i = 0; i < 4; i++) {
            uint64_t block;
            rdb_buffer *buffer = NULL;
            assert_true(rdb_buffer_extend(s.t.storage, 3, file, 0, &block, &buffer, &s.t.err) && toy_set(s.t.storage, buffer, 1, i + 1, true, &end_lsn, &s.t.err));
            rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        }
    }
    (void)rdb_wal_fix_redo_point(s.t.wal);
    for (uint64_t block = 0; block < REPLAYED_BLOCKS; block += 3) {
        rdb_buffer *buffer = NULL;
        assert_true(rdb_buffer_acquire(s.t.storage, tag_of(TOY_FILE, block), RDB_BUFFER_EXCLUSIVE, &buffer, &s.t.err));
        if (block == 3) {
            for (uint32_t i = NOISE_AT; i < 4096; i++)
                ((uint8_t *)rdb_buffer_page(buffer))[i] = noise_at(i);
            for (uint32_t i = 3; i < TOY_SLOTS; i++) { /* these too, so that only zeroes in its head compress */
                const uint64_t value = rdb_hash64(&i, sizeof i, 1);
                toy_slots(rdb_buffer_page(buffer))[0] += value - toy_slots(rdb_buffer_page(buffer))[i];
                toy_slots(rdb_buffer_page(buffer))[i] = value;
            }
            rdb_buffer_page(buffer)->lower = 4096;
        }
        const rdb_lsn before = rdb_wal_insert_lsn(s.t.wal);
        assert_true(toy_set(s.t.storage, buffer, 2, 7, false, &end_lsn, &s.t.err));
        assert_int_equal(end_lsn - before > 4096, block == 3); /* an image about as long as the page */
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    assert_true(rdb_storage_truncate_file(s.t.storage, 3, TOY_FILE + 1, RDB_FORK_MAIN, 1, &s.t.err));
    assert_true(rdb_storage_drop_file(s.t.storage, 3, TOY_FILE + 2, &s.t.err));
    assert_true(rdb_wal_flush(s.t.wal, rdb_wal_insert_lsn(s.t.wal), &s.t.err));
    s.t.config.wal = NULL;
    s.t.config.sync = false;
    begin_life_without_files(&s);
    assert_true(sweep(replay_log, look_at_replayed, &s) > 15);
    toy_end(&s.t);
}

/* What redo of files refuses, and what is said of their records. */
static void test_records_of_files(void **state)
{
    (void)state;
    toy t;
    rdb_error err = {0};
    static _Alignas(8) uint8_t page[4096];
    static const char *const TEXTS[] = {"?", "create tables/3/20000", "drop tables/3/20000", "truncate tables/3/20000 to 5 blocks", "number", "page", "?"};
    toy_begin(&t, 64);
    const rdb_resource_ops *ops = rdb_resource_find(RDB_RESOURCE_STORAGE);
    uint8_t data[17] = {0};
    rdb_put_u64(data, TOY_FILE);
    rdb_put_u64(data + 8, 5);
    for (uint8_t operation = 0; operation < RDB_COUNT_OF(TEXTS); operation++) {
        const rdb_wal_record record = {.resource = RDB_RESOURCE_STORAGE, .operation = operation, .pdb = 3, .data = data, .data_bytes = operation == 0 ? 4 : operation == 3 ? 17 : 8};
        rdb_strbuf text;
        rdb_strbuf_init(&text, NULL);
        ops->describe(&record, &text);
        assert_string_equal(text.data, TEXTS[operation]);
        rdb_strbuf_free(&text);
    }
    rdb_redo redo = {.operation = 4, .page_bytes = 4096, .data = data, .data_bytes = 7};
    assert_false(ops->redo(&redo, (rdb_page *)(void *)page, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    redo.data_bytes = 8;
    assert_true(ops->redo(&redo, (rdb_page *)(void *)page, &err));
    assert_int_equal(((rdb_page *)(void *)page)->type, RDB_PAGE_META);
    redo.operation = 5; /* a page is whole, or none */
    assert_false(ops->redo(&redo, (rdb_page *)(void *)page, &err));
    rdb_error_clear(&err);
    toy_end(&t);
}

/* ---- numbers of files, and the ends of files ------------------------------------------------------------------------------------------- */
static bool draw_numbers(void *context, rdb_error *err)
{
    scene *s = context;
    s->blocks = 0; /* here: the last number */
    for (unsigned i = 0; i < 3; i++) {
        uint64_t file = 0;
        if (!rdb_storage_next_file(s->t.storage, (uint32_t)s->values, RDB_FILE_INDEX, &file, err)) {
            assert_int_equal(file, 0);
            return false;
        }
        assert_int_equal(RDB_FILE_CLASS(file), RDB_FILE_INDEX);
        assert_true(file > s->blocks);
        s->blocks = file;
    }
    return true;
}
/* In each database anew: its first number makes the file that they are counted in. */
static void look_at_numbers(void *context, bool ok)
{
    scene *s = context;
    uint64_t file = 0;
    (void)ok;
    assert_true(rdb_storage_next_file(s->t.storage, (uint32_t)s->values, RDB_FILE_INDEX, &file, &s->t.err));
    assert_true(file > s->blocks);
    s->values++;
}

static void test_numbers_of_files(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s);
    s.values = 100;
    assert_true(sweep(draw_numbers, look_at_numbers, &s) > 10);
    toy_end(&s.t);
}

static bool is_marked(const rdb_page *page)
{
    return ((const uint64_t *)(const void *)((const uint8_t *)page + RDB_PAGE_HEADER_BYTES))[2] == 1;
}

static bool cut_end(void *context, rdb_error *err)
{
    scene *s = context;
    uint64_t blocks = 0;
    const bool ok = rdb_storage_cut_tail(s->t.storage, 3, s->file, 2, is_marked, &blocks, err);
    if (ok)
        assert_int_equal(blocks, 3); /* block 2 has no mark */
    return ok;
}

/* A file of three blocks and five that are marked as empty, most of which are not in the pool. */
static void make_file_with_end(scene *s)
{
    rdb_lsn end_lsn;
    s->file++;
    assert_true(rdb_storage_create_file(s->t.storage, 3, s->file, 0, &s->t.err));
    for (uint64_t i = 0; i < 8; i++) {
        uint64_t block;
        rdb_buffer *buffer = NULL;
        assert_true(rdb_buffer_extend(s->t.storage, 3, s->file, 0, &block, &buffer, &s->t.err) && toy_set(s->t.storage, buffer, 1, i + 1, true, &end_lsn, &s->t.err) &&
                    toy_set(s->t.storage, buffer, 2, i > 2, false, &end_lsn, &s->t.err));
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    wash_out(s);
}
static void look_at_end(void *context, bool ok)
{
    scene *s = context;
    uint64_t blocks = 0;
    assert_int_equal(toy_pinned(s->t.storage), 0);
    assert_true(rdb_storage_block_count(s->t.storage, 3, s->file, RDB_FORK_MAIN, &blocks, &s->t.err));
    assert_in_range(blocks, 3, ok ? 3 : 8);
    for (uint64_t block = 0; block < blocks; block++)
        assert_int_equal(slot_of(s, s->file, block, 1), block + 1);
    if (ok)
        make_file_with_end(s);
}

static void test_cutting_ends(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s);
    make_file_with_end(&s);
    assert_true(sweep(cut_end, look_at_end, &s) >= 3);
    toy_end(&s.t);
}

/* ---- repairing a page ------------------------------------------------------------------------------------------------------------------- */
enum { BROKEN_BLOCK = 3 };

/* Of a new file, on disk; the pool does not have it. */
static void make_broken_page(scene *s)
{
    char path[160];
    rdb_file *file = NULL;
    make_file_with_end(s);
    snprintf(path, sizeof path, "%s/tables/3/%llu", s->t.data_directory, (unsigned long long)(s->file & 0xffffffff));
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &s->t.err) && rdb_file_read(file, BROKEN_BLOCK * 4096, s->image, 4096, NULL, &s->t.err));
    assert_true(rdb_file_write(file, BROKEN_BLOCK * 4096 + 200, "?", 1, &s->t.err) && rdb_file_close(&file, &s->t.err));
}

static bool repair_page(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_page_repair *repair = NULL;
    rdb_lsn end_lsn;
    const char *what;
    if (!rdb_page_repair_begin(s->t.storage, tag_of(s->file, BROKEN_BLOCK), &repair, err))
        return false;
    assert_int_equal(rdb_page_repair_state(repair, &what), RDB_PAGE_BROKEN);
    return rdb_page_repair_finish(&repair, s->image, &end_lsn, err);
}

/* Whole for good, or broken as before; where the log has it and the file does not take it, it is whole in the pool. */
static void look_at_repair(void *context, bool ok)
{
    scene *s = context;
    rdb_buffer *buffer = NULL;
    rdb_error err = {0};
    assert_int_equal(toy_pinned(s->t.storage), 0);
    const bool is_whole = rdb_buffer_acquire(s->t.storage, tag_of(s->file, BROKEN_BLOCK), RDB_BUFFER_SHARED, &buffer, &err);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    assert_true(is_whole || (!ok && rdb_error_is(&err, RDB_DATA_CORRUPTED)));
    rdb_error_clear(&err);
    if (is_whole) {
        assert_int_equal(slot_of(s, s->file, BROKEN_BLOCK, 1), BROKEN_BLOCK + 1);
        make_broken_page(s);
    }
}

static void test_repair(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s);
    make_broken_page(&s);
    assert_true(sweep(repair_page, look_at_repair, &s) >= 4);
    toy_end(&s.t);
}

/* ---- the map of changed blocks ---------------------------------------------------------------------------------------------------- */
/* One answer to a question: every block that was written is in it, or the question is refused. */
static bool ask(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_change_map *map = NULL;
    if (!rdb_storage_changes_since(s->t.storage, 1000, &map, err))
        return false;
    uint32_t cursor = 0, blocks_seen = 0;
    rdb_changed_blocks blocks;
    while (rdb_change_map_next(map, &cursor, &blocks))
        if (blocks.file == TOY_FILE)
            for (uint64_t block = 0; block < s->blocks; block++)
                blocks_seen += block / 64 < blocks.word_count && (blocks.words[block / 64] >> block % 64 & 1) != 0;
    rdb_change_map_free(map);
    assert_int_equal(blocks_seen, s->blocks);
    return true;
}
static void look_at_answer(void *context, bool ok)
{
    (void)context, (void)ok;
}

/* A checkpoint that may not be able to save: then what it had is remembered on, or questions over it are refused. */
static bool save(void *context, rdb_error *err)
{
    scene *s = context;
    (void)err;
    s->redo += 8;
    rdb_storage_changes_save(s->t.storage, s->redo);
    return true;
}
static void look_at_saved(void *context, bool ok)
{
    scene *s = context;
    rdb_error err = {0};
    (void)ok;
    if (!ask(s, &err)) {
        assert_string_equal(err.sqlstate, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE);
        rdb_error_clear(&err);
        rdb_storage_changes_start(s->t.storage, 1000); /* as a start after it would */
        for (uint64_t block = 0; block < s->blocks; block++)
            changes_note(s->t.storage, 3, TOY_FILE, RDB_FORK_MAIN, block, 1);
    }
    changes_note(s->t.storage, 3, TOY_FILE, RDB_FORK_MAIN, s->blocks++, 1);
    changes_note(s->t.storage, 3, TOY_FILE + 77, RDB_FORK_MAIN, s->blocks * 100, 1); /* of a file that is gone by now */
}

static void test_changed_blocks(void **state)
{
    (void)state;
    scene s;
    rdb_error err = {0};
    rdb_change_map *map = NULL;
    memset(&s, 0, sizeof s);
    toy_begin(&s.t, 64);
    rdb_storage_close(&s.t.storage);
    s.t.config.sync = false;
    assert_true(rdb_storage_open(&s.t.storage, &s.t.config, &s.t.err));
    char meta[160];
    snprintf(meta, sizeof meta, "%s/meta", s.t.data_directory);
    assert_true(rdb_path_make_directory(meta, 0700, true, &s.t.err));
    assert_true(rdb_storage_create_file(s.t.storage, 3, TOY_FILE, 0, &s.t.err));
    s.redo = 1000;
    rdb_storage_changes_start(s.t.storage, s.redo);
    for (uint32_t i = 0; i < 130; i++) { /* more than there may be files: the older ones become one */
        changes_note(s.t.storage, 3, TOY_FILE, RDB_FORK_MAIN, s.blocks++, 1);
        assert_true(save(&s, &err));
        if (i == 3)
            assert_true(sweep(ask, look_at_answer, &s) > 10);
    }
    for (uint64_t nth = 1; nth < 300; nth += nth < 20 ? 1 : 31) {
        sweep_arm(nth);
        assert_true(save(&s, &err));
        look_at_saved(&s, sweep_disarm() == NULL);
    }
    assert_true(save(&s, &err) && ask(&s, &s.t.err));
    /* From before the first of them nothing is known; nor where a file is damaged. */
    assert_false(rdb_storage_changes_since(s.t.storage, 500, &map, &err));
    assert_string_equal(err.sqlstate, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert_null(map);
    rdb_error_clear(&err);
    assert_true(rdb_change_map_read(s.t.data_directory, 1000, s.redo, &map, &s.t.err));
    assert_true(rdb_change_map_count(map) >= s.blocks - 1);
    rdb_change_map_free(map);
    char path[200];
    rdb_file *file = NULL;
    uint8_t byte = 0;
    snprintf(path, sizeof path, "%s/meta/changes/%016llX", s.t.data_directory, (unsigned long long)s.redo);
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &s.t.err) && rdb_file_read(file, 12, &byte, 1, NULL, &s.t.err));
    byte ^= 1;
    assert_true(rdb_file_write(file, 12, &byte, 1, &s.t.err) && rdb_file_close(&file, &s.t.err));
    assert_false(ask(&s, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    toy_end(&s.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),            cmocka_unit_test(test_pages),            cmocka_unit_test(test_opening),      cmocka_unit_test(test_replaying),
        cmocka_unit_test(test_records_of_files), cmocka_unit_test(test_numbers_of_files), cmocka_unit_test(test_cutting_ends), cmocka_unit_test(test_repair), cmocka_unit_test(test_changed_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
