/* SPDX-License-Identifier: Apache-2.0
 * The short form that records have in the log: whatever a record says comes back, of any bytes nothing else does, and what an ordinary
 * change takes. */
#include "undo/undo_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define PAGE_BYTES 8192u
enum { KEYS = 4, HEADS = 3, SLOTS = 9 };

static rdb_random rng;

static uint64_t draw(uint64_t most) /* of every width */
{
    const uint64_t number = rdb_random_next(&rng) >> rdb_random_next(&rng) % 64;
    return most == UINT64_MAX ? number : number % (most + 1);
}

typedef struct drawn {
    rdb_undo_record record;
    rdb_undo_head heads[2][HEADS];
    rdb_undo_key keys[KEYS];
    uint16_t slots[SLOTS];
    uint8_t bytes[600];
    rdb_page_tag first, own;
    uint32_t position, short_bytes;
    rdb_undo_address address, older;
} drawn;

static void draw_record(drawn *d)
{
    for (uint32_t i = 0; i < sizeof d->bytes; i++)
        d->bytes[i] = (uint8_t)rdb_random_next(&rng);
    for (uint32_t i = 0; i < HEADS; i++)
        d->heads[0][i] = d->heads[1][i] = (rdb_undo_head){draw(UINT64_MAX), draw(UINT64_MAX)};
    for (uint32_t i = 0; i < SLOTS; i++)
        d->slots[i] = (uint16_t)draw(UINT16_MAX);
    for (uint32_t i = 0; i < KEYS; i++)
        d->keys[i] = (rdb_undo_key){.index_file = RDB_FILE_NO(RDB_FILE_INDEX, draw(UINT64_MAX) >> 8), .old_key = {d->bytes, draw(50)}, .new_key = {d->bytes + 9, draw(50)}, .slot = (uint16_t)draw(UINT16_MAX)};
    const bool has_previous = draw(1);
    d->record = (rdb_undo_record){.kind = (uint8_t)(RDB_UNDO_INSERT + draw(RDB_UNDO_FILE_DROP - RDB_UNDO_INSERT)),
                                  .flags = draw(1) ? RDB_UNDO_IS_DELTA : 0,
                                  .row_flags = (uint16_t)draw(UINT16_MAX),
                                  .layout = (uint16_t)draw(UINT16_MAX),
                                  .xid = draw(UINT64_MAX),
                                  .previous_xid = has_previous ? draw(UINT64_MAX) : 0, /* above its own too: nothing depends on the order */
                                  .previous = has_previous ? draw(UINT64_MAX) : 0,
                                  .file = RDB_FILE_NO(RDB_FILE_TABLE, draw(UINT64_MAX) >> 8),
                                  .home = draw(UINT64_MAX),
                                  .image = {d->bytes + 70, draw(500)},
                                  .old_heads = d->heads[0],
                                  .new_heads = d->heads[1],
                                  .slots = d->slots,
                                  .keys = d->keys,
                                  .old_head_count = (uint16_t)(draw(1) ? draw(HEADS) : 0),
                                  .new_head_count = (uint16_t)(draw(1) ? draw(HEADS) : 0),
                                  .slot_count = (uint16_t)(draw(1) ? draw(SLOTS) : 0),
                                  .key_count = (uint16_t)(draw(1) ? draw(KEYS) : 0)};
    if (d->record.flags != 0) {
        d->record.shared_start = (uint16_t)draw(UINT16_MAX);
        d->record.new_middle = (uint16_t)draw(UINT16_MAX);
    }
    d->first = (rdb_page_tag){.file = d->record.file, .block = d->record.home >> 16};
    if (draw(2) == 0)
        d->first.file++;
    else if (draw(2) == 0)
        d->first.block++;
    const uint64_t log = RDB_UNDO_ADDRESS((uint16_t)(1 + draw(40000)), 0), page_no = draw(100000);
    d->position = RDB_PAGE_HEADER_BYTES + 8 * (uint32_t)draw(700);
    d->own = (rdb_page_tag){.file = RDB_FILE_NO(RDB_FILE_UNDO, (log >> 48) << 32 | (page_no / UNDO_SEGMENT_PAGES + 1)), .block = page_no % UNDO_SEGMENT_PAGES};
    d->address = log | (page_no * PAGE_BYTES + d->position);
    d->older = draw(1) ? log | (draw(RDB_UNDO_OFFSET(d->address) - 1) + 1) : 0;
}

static rdb_redo redo_of(const drawn *d)
{
    return (rdb_redo){.xid = d->record.xid, .page_bytes = PAGE_BYTES, .tag = d->own, .first_file = d->first.file, .first_block = d->first.block};
}

static void check_header(const drawn *d, const uint8_t *bytes)
{
    const rdb_undo_record *r = &d->record;
    undo_header h;
    memcpy(&h, bytes, sizeof h);
    assert_true(h.xid == r->xid && h.previous_xid == r->previous_xid && h.previous == r->previous && h.previous_of_txn == d->older && h.file == r->file && h.home == r->home);
    assert_true(h.kind == r->kind && h.flags == r->flags && h.row_flags == r->row_flags && h.layout == r->layout && h.zero == 0);
    assert_true(h.image_bytes == r->image.length && h.shared_start == r->shared_start && h.new_middle == r->new_middle);
    assert_true(h.old_heads == r->old_head_count && h.new_heads == r->new_head_count && h.slots == r->slot_count && h.key_count == r->key_count);
    assert_int_equal(h.crc, rdb_crc32c(0, bytes + 4, h.bytes - 4));
}

static void check_rest(const drawn *d, const uint8_t *bytes, uint32_t padded)
{
    const rdb_undo_record *r = &d->record;
    const uint8_t *at = bytes + UNDO_HEADER_BYTES;
    assert_memory_equal(at, r->image.data, r->image.length);
    for (at += r->image.length; (at - bytes) % 8 != 0; at++)
        assert_int_equal(*at, 0);
    assert_memory_equal(at, r->old_heads, r->old_head_count * sizeof *r->old_heads);
    at += r->old_head_count * sizeof *r->old_heads;
    assert_memory_equal(at, r->new_heads, r->new_head_count * sizeof *r->new_heads);
    at += r->new_head_count * sizeof *r->new_heads;
    assert_memory_equal(at, r->slots, r->slot_count * sizeof *r->slots);
    at += r->slot_count * sizeof *r->slots;
    rdb_undo_record read = {.key_bytes = {at, rdb_get_u32(bytes + 4) - (size_t)(at - bytes)}};
    rdb_undo_key key;
    size_t cursor = 0;
    for (uint32_t i = 0; i < r->key_count; i++) {
        assert_true(rdb_undo_next_key(&read, &cursor, &key));
        assert_true(key.index_file == d->keys[i].index_file && key.slot == d->keys[i].slot);
        assert_true(key.old_key.length == d->keys[i].old_key.length && key.new_key.length == d->keys[i].new_key.length);
        assert_memory_equal(key.old_key.data, d->keys[i].old_key.data, key.old_key.length);
        assert_memory_equal(key.new_key.data, d->keys[i].new_key.data, key.new_key.length);
    }
    assert_false(rdb_undo_next_key(&read, &cursor, &key));
    assert_int_equal(cursor, read.key_bytes.length);
    for (at += cursor; at < bytes + padded; at++)
        assert_int_equal(*at, 0);
}

/* In memory of exact size, for the address sanitizer. False: refused. */
static bool expand(const drawn *d, const uint8_t *data, uint32_t length, uint8_t *made, uint32_t *padded)
{
    const rdb_redo redo = redo_of(d);
    uint8_t *exact = malloc(RDB_MAX(length, 1u));
    memcpy(exact, data, RDB_MIN(length, d->short_bytes));
    if (length > d->short_bytes)
        exact[d->short_bytes] = 0;
    const bool fits = undo_expand(&redo, d->position, exact, length, made, padded);
    free(exact);
    return fits;
}

static void test_records_come_back(void **state)
{
    (void)state;
    static drawn d;
    uint32_t refused = 0;
    rdb_random_seed(&rng, 11);
    for (uint32_t round = 0; round < 20000; round++) {
        draw_record(&d);
        uint64_t length = UNDO_HEADER_BYTES + RDB_ALIGN_UP(d.record.image.length, 8u) + 16u * (d.record.old_head_count + d.record.new_head_count) + 2u * d.record.slot_count;
        for (uint32_t i = 0; i < d.record.key_count; i++)
            length += 16 + d.keys[i].old_key.length + d.keys[i].new_key.length;
        const uint32_t most = undo_short_bytes_max(&d.record, (uint32_t)length);
        uint8_t *data = malloc(most), *made = malloc(PAGE_BYTES - d.position);
        uint32_t padded = 0;
        const uint32_t short_bytes = undo_shorten(&d.record, draw(3) == 0 ? NULL : &d.first, d.address, d.older, data);
        assert_true(short_bytes <= most);
        d.short_bytes = short_bytes;
        assert_false(expand(&d, data, short_bytes + 1, made, &padded)); /* more than a record */
        assert_true(expand(&d, data, short_bytes, made, &padded));
        assert_int_equal(padded, RDB_ALIGN_UP(length, 8u));
        assert_int_equal(rdb_get_u32(made + 4), length);
        check_header(&d, made);
        check_rest(&d, made, padded);
        const uint32_t cut = (uint32_t)draw(short_bytes - 1);
        assert_false(expand(&d, data, cut, made, &padded)); /* every byte counts */
        data[draw(short_bytes - 1)] ^= (uint8_t)(1 + draw(254));
        refused += !expand(&d, data, short_bytes, made, &padded);
        free(made);
        free(data);
    }
    assert_in_range(refused, 100, 19900);
}

/* What does not fit behind the position is refused, to the byte. */
static void test_room_of_the_page(void **state)
{
    (void)state;
    static drawn d;
    static uint8_t data[2048], made[PAGE_BYTES];
    uint32_t padded = 0, tried = 0;
    rdb_random_seed(&rng, 12);
    for (uint32_t round = 0; round < 3000; round++) {
        draw_record(&d);
        d.older = 0;
        const uint32_t short_bytes = undo_shorten(&d.record, &d.first, d.address, d.older, data);
        d.short_bytes = short_bytes;
        d.position = RDB_PAGE_HEADER_BYTES;
        assert_true(expand(&d, data, short_bytes, made, &padded));
        const uint32_t bytes = padded;
        for (uint32_t less = 0; less <= 8; less += 8) {
            d.position = PAGE_BYTES - bytes + less;
            uint8_t *exact = malloc(PAGE_BYTES - d.position);
            assert_int_equal(expand(&d, data, short_bytes, exact, &padded), less == 0);
            free(exact);
        }
        tried++;
    }
    assert_int_equal(tried, 3000);
}

/* An update of four bytes of a row, late in the life of a large instance. */
static void test_a_small_change_is_short(void **state)
{
    (void)state;
    static const uint8_t image[4] = {1, 2, 3, 4};
    const rdb_page_tag first = {.file = RDB_FILE_NO(RDB_FILE_TABLE, 20000), .block = 1000000};
    const rdb_undo_record record = {.kind = RDB_UNDO_UPDATE, .flags = RDB_UNDO_IS_DELTA, .layout = 1, .shared_start = 8, .new_middle = 4, .xid = 5000000000, .previous_xid = 4999990000,
                                    .previous = RDB_UNDO_ADDRESS(30, 4000000000), .file = first.file, .home = first.block << 16 | 60, .image = {image, 4}};
    uint8_t data[256];
    assert_in_range(undo_shorten(&record, &first, RDB_UNDO_ADDRESS(20, 5000000000), RDB_UNDO_ADDRESS(20, 4999999000), data), 1, 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_records_come_back), cmocka_unit_test(test_room_of_the_page), cmocka_unit_test(test_a_small_change_is_short)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
