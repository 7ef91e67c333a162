/* SPDX-License-Identifier: Apache-2.0
 * Frames and volumes: what was packed comes back, and no damage passes for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backup/backup_int.h"

#include <stdio.h>
#include <stdlib.h>

#define PIECE_BYTES 300001u

static const rdb_compression COMPRESSIONS[] = {RDB_COMPRESS_NONE, RDB_COMPRESS_LZ4, RDB_COMPRESS_ZSTD, RDB_COMPRESS_SNAPPY};

/* Half noise, half runs, so that snappy has chunks of both kinds. */
static uint8_t *make_bytes(size_t length, uint64_t seed)
{
    uint8_t *bytes = malloc(length);
    rdb_random random;
    rdb_random_seed(&random, seed);
    for (size_t i = 0; i < length; i++)
        bytes[i] = i / 65536 % 2 == 0 ? (uint8_t)rdb_random_next(&random) : (uint8_t)(i / 1000);
    return bytes;
}

static void pack(rdb_compression compression, const uint8_t *bytes, size_t length, size_t step, rdb_strbuf *packed)
{
    rdb_error err = {0};
    backup_frame *frame;
    rdb_strbuf_init(packed, NULL);
    assert_true(backup_frame_create(&frame, compression, 0, packed, &err));
    for (size_t at = 0; at < length; at += step)
        assert_true(backup_frame_write(frame, bytes + at, RDB_MIN(step, length - at), &err));
    assert_true(backup_frame_finish(frame, &err));
    backup_frame_destroy(&frame);
}

/* True where the frame was whole; then all of it is in out. */
static bool unpack(rdb_compression compression, const rdb_strbuf *packed, rdb_strbuf *out)
{
    rdb_error err = {0};
    backup_unframe *unframe;
    bool ok;
    rdb_strbuf_init(out, NULL);
    assert_true(unframe_create(&unframe, compression, packed->data, packed->length, &err));
    for (size_t length = 1; (ok = true) && length > 0;) {
        const void *bytes;
        ok = unframe_next(unframe, &bytes, &length, &err);
        if (!ok)
            break;
        rdb_strbuf_add(out, bytes, length);
    }
    unframe_destroy(&unframe);
    assert_true(ok || rdb_error_is(&err, RDB_DATA_CORRUPTED));
    rdb_error_clear(&err);
    return ok;
}

static void test_frames_come_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 65536, PIECE_BYTES, 3u << 20};
    for (size_t c = 0; c < RDB_COUNT_OF(COMPRESSIONS); c++) {
        for (size_t i = 0; i < RDB_COUNT_OF(lengths); i++) {
            rdb_strbuf packed, out;
            uint8_t *bytes = make_bytes(lengths[i] + 1, i);
            pack(COMPRESSIONS[c], bytes, lengths[i], 70000, &packed);
            assert_true(unpack(COMPRESSIONS[c], &packed, &out));
            assert_int_equal(out.length, lengths[i]);
            assert_true(lengths[i] == 0 || memcmp(out.data, bytes, lengths[i]) == 0);
            rdb_strbuf_free(&packed);
            rdb_strbuf_free(&out);
            free(bytes);
        }
    }
}

/* A cut frame is never taken for a whole one; a flipped byte gives an error or, where a frame has bits that mean nothing, the same bytes. */
static void test_damaged_frames_are_told(void **state)
{
    (void)state;
    uint8_t *bytes = make_bytes(PIECE_BYTES, 7);
    rdb_random random;
    rdb_random_seed(&random, 11);
    for (size_t c = 1; c < RDB_COUNT_OF(COMPRESSIONS); c++) {
        rdb_strbuf packed, out;
        pack(COMPRESSIONS[c], bytes, PIECE_BYTES, 70000, &packed);
        for (int i = 0; i < 200; i++) {
            size_t at = rdb_random_next(&random) % packed.length;
            char before = packed.data[at];
            packed.data[at] = (char)(before ^ 1 << i % 8);
            if (unpack(COMPRESSIONS[c], &packed, &out))
                assert_true(out.length == PIECE_BYTES && memcmp(out.data, bytes, PIECE_BYTES) == 0);
            rdb_strbuf_free(&out);
            packed.data[at] = before;
        }
        for (size_t cut = 1; cut < packed.length; cut += packed.length / 50) {
            rdb_strbuf shorter = packed;
            shorter.length -= cut;
            bool whole = unpack(COMPRESSIONS[c], &shorter, &out);
            assert_true(!whole || out.length < PIECE_BYTES); /* snappy's frame has no end mark: the digest of the part tells */
            assert_true(COMPRESSIONS[c] == RDB_COMPRESS_SNAPPY || !whole);
            rdb_strbuf_free(&out);
        }
        rdb_strbuf_free(&packed);
    }
    free(bytes);
}

typedef struct seen {
    char path[64];
    uint64_t offset, length;
    uint8_t bytes[65536];
    uint64_t data_bytes;
    uint32_t members, ends;
} seen;

static bool see_member(void *context, const char *path, uint64_t offset, uint64_t length, bool *wanted, rdb_error *err)
{
    seen *s = context;
    (void)err;
    snprintf(s->path, sizeof s->path, "%s", path);
    s->offset = offset;
    s->length = length;
    *wanted = strcmp(path, "data/skipped") != 0;
    s->members++;
    return true;
}

static bool see_data(void *context, uint64_t offset, const void *bytes, size_t length, rdb_error *err)
{
    seen *s = context;
    (void)err;
    assert_true(offset + length <= sizeof s->bytes);
    memcpy(s->bytes + offset, bytes, length);
    s->data_bytes += length;
    return true;
}

static bool see_end(void *context, rdb_error *err)
{
    (void)err;
    ((seen *)context)->ends++;
    return true;
}

/* Holes stay holes: only data is told, at its place, and what lies under holes is left as it was. */
static void test_sparse_members(void **state)
{
    (void)state;
    static const backup_range ranges[] = {{4096, 4096}, {16384, 8192}};
    uint8_t *data = make_bytes(12288, 3);
    for (size_t c = 0; c < RDB_COUNT_OF(COMPRESSIONS); c++) {
        rdb_error err = {0};
        backup_volume *volume;
        rdb_strbuf *bytes;
        seen s = {.members = 0};
        backup_visitor visitor = {see_member, see_data, see_end, &s};
        memset(s.bytes, 0xee, sizeof s.bytes);
        assert_true(volume_create(&volume, COMPRESSIONS[c], 0, &err));
        assert_true(volume_add(volume, "data/skipped", 5, NULL, 0, "aaaaa", &err));
        assert_true(volume_add(volume, "data/tables/1/2@0000000000800000", 40960, ranges, 2, data, &err));
        assert_int_equal(volume_bytes_in(volume), 5 + 12288);
        assert_true(volume_finish(volume, &bytes, &err));
        assert_true(volume_visit(COMPRESSIONS[c], bytes->data, bytes->length, &visitor, &err));
        assert_string_equal(s.path, "data/tables/1/2");
        assert_true(s.offset == 0x800000 && s.length == 40960 && s.data_bytes == 12288 && s.members == 2 && s.ends == 1);
        assert_memory_equal(s.bytes + 4096, data, 4096);
        assert_memory_equal(s.bytes + 16384, data + 4096, 8192);
        assert_true(s.bytes[0] == 0xee && s.bytes[8192] == 0xee && s.bytes[24576] == 0xee);
        volume_destroy(&volume);
    }
    free(data);
}

static void test_seals(void **state)
{
    (void)state;
    rdb_error err = {0};
    uint8_t key[BACKUP_KEY_BYTES] = {1, 2, 3}, other[BACKUP_KEY_BYTES] = {9};
    uint8_t *bytes = make_bytes(PIECE_BYTES, 5);
    rdb_strbuf sealed, opened;
    rdb_strbuf_init(&sealed, NULL);
    rdb_strbuf_init(&opened, NULL);
    assert_true(seal_bytes(key, bytes, PIECE_BYTES, &sealed, &err));
    assert_true(seal_open(key, sealed.data, sealed.length, &opened, &err));
    assert_true(opened.length == PIECE_BYTES && memcmp(opened.data, bytes, PIECE_BYTES) == 0);
    rdb_strbuf_clear(&opened);
    assert_false(seal_open(other, sealed.data, sealed.length, &opened, &err));
    assert_true(rdb_error_is(&err, RDB_DATA_CORRUPTED));
    rdb_error_clear(&err);
    /* Of a small one every bit: what the cipher does not cover neither. */
    rdb_strbuf_clear(&sealed);
    assert_true(seal_bytes(key, bytes, 40, &sealed, &err));
    for (size_t bit = 0; bit < sealed.length * 8; bit++) {
        sealed.data[bit / 8] = (char)(sealed.data[bit / 8] ^ 1 << bit % 8);
        rdb_strbuf_clear(&opened);
        if (seal_open(key, sealed.data, sealed.length, &opened, &err))
            fail_msg("bit %zu of byte %zu may change unseen", bit % 8, bit / 8);
        rdb_error_clear(&err);
        sealed.data[bit / 8] = (char)(sealed.data[bit / 8] ^ 1 << bit % 8);
    }
    assert_true(seal_open(key, sealed.data, sealed.length, &opened, &err));
    assert_false(seal_open(key, sealed.data, sealed.length - 1, &opened, &err));
    rdb_error_clear(&err);
    rdb_strbuf_free(&sealed);
    rdb_strbuf_free(&opened);
    free(bytes);
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const good[] = {"data/tables/1/2", "conf/rustydb.toml", "data/meta/x..y"};
    static const char *const bad[] = {"", "/etc/passwd", "data", "data/", "data//x", "data/../x", "data/./x", "logs/x", "data/x/..", "data/a@b"};
    rdb_page_tag tag;
    for (size_t i = 0; i < RDB_COUNT_OF(good); i++)
        assert_true(backup_path_is_safe(good[i]));
    for (size_t i = 0; i < RDB_COUNT_OF(bad); i++)
        assert_false(backup_path_is_safe(bad[i]));
    assert_true(page_tag_of("data/indexes/17/16384", &tag));
    assert_true(tag.pdb == 17 && tag.file == RDB_FILE_NO(RDB_FILE_INDEX, 16384) && tag.fork == RDB_FORK_MAIN);
    assert_true(page_tag_of("data/tables/1/2.space", &tag) && tag.fork == RDB_FORK_SPACE);
    assert_false(page_tag_of("data/meta/control", &tag));
    assert_false(page_tag_of("data/tables/1/x", &tag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_come_back), cmocka_unit_test(test_damaged_frames_are_told), cmocka_unit_test(test_sparse_members),
        cmocka_unit_test(test_seals),            cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
