/* SPDX-License-Identifier: Apache-2.0
 * Redo of heap, undo and commit log pages takes any bytes: it applies them to a page that stays whole, or refuses. Random
 * edits, most of them nearly right; run under the address sanitizer it shows that no offset is trusted. */
#include "table/table_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static rdb_random rng;
static uint32_t pick(uint32_t n)
{
    return (uint32_t)(rdb_random_next(&rng) % n);
}

static void test_random_edits(void **state)
{
    (void)state;
    uint64_t seed = getenv("RDB_TEST_SEED") != NULL ? strtoull(getenv("RDB_TEST_SEED"), NULL, 10) : (uint64_t)rdb_time_wall_us();
    printf("seed %llu\n", (unsigned long long)seed);
    rdb_random_seed(&rng, seed);
    uint32_t applied = 0, refused = 0;
    for (uint32_t page_bytes = 4096; page_bytes <= 32768; page_bytes *= 2) {
        rdb_page *page = calloc(1, page_bytes), *before = calloc(1, page_bytes);
        rdb_redo redo = {.page_bytes = page_bytes, .operation = HEAP_OP_EDIT, .tag = {.file = RDB_FILE_NO(RDB_FILE_TABLE, 1), .pdb = 1}};
        for (uint32_t step = 0; step < 20000; step++) {
            heap_edits edits;
            uint8_t bytes[3000];
            rdb_error err = {0};
            heap_edits_init(&edits);
            for (uint32_t i = 0; i < sizeof bytes; i += 8)
                rdb_put_u64(bytes + i, rdb_random_next(&rng));
            uint32_t slots = page->type == RDB_PAGE_HEAP ? heap_slot_count(page) : 0, slot = pick(slots + 2);
            if (step == 0 || pick(500) == 0)
                heap_edit_init_page(&edits);
            for (uint32_t n = pick(3); n > 0; n--) {
                switch (pick(7)) {
                case 0:
                    heap_edit_free(&edits, slot);
                    break;
                case 1:
                    heap_edit_splice(&edits, slot, pick(60), pick(60), bytes, pick(100));
                    break;
                case 2:
                    heap_edit_undo(&edits, rdb_random_next(&rng));
                    break;
                case 3:
                    heap_edit_stamp(&edits, slot, HEAP_KEYS_CHANGED, 1);
                    break;
                case 4:
                    heap_edit_new_row(&edits, slot, 0, 1, bytes, pick(pick(9) == 0 ? 2500 : 150));
                    break;
                default:
                    heap_edit_put(&edits, pick(4) == 0 ? HEAP_SLOT_BODY : HEAP_SLOT_ROW, slot, bytes, HEAP_STUB_BYTES + pick(pick(9) == 0 ? 2500 : 150), NULL, 0);
                    break;
                }
            }
            if (pick(10) == 0 && edits.length > 0) /* a byte is off, or the end is */
                edits.bytes[pick(edits.length)] ^= (uint8_t)(1 + pick(255));
            if (pick(30) == 0 && edits.length > 0)
                edits.length = pick(edits.length);
            uint8_t *copy = malloc(RDB_MAX(edits.length, 1u)); /* of exact size, for the sanitizer */
            memcpy(copy, edits.bytes, edits.length);
            redo.data = copy;
            redo.data_bytes = edits.length;
            memcpy(before, page, page_bytes);
            if (heap_redo(&redo, page, &err)) {
                applied++;
            } else {
                assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
                rdb_error_clear(&err);
                memcpy(page, before, page_bytes); /* recovery stops there */
                refused++;
            }
            free(copy);
            heap_edits_deinit(&edits);
            if (page->type != RDB_PAGE_HEAP)
                continue;
            /* What holds on any page: cells inside, their sum and the free slots as counted, none over another. */
            heap_page_head head = heap_get_head(page);
            uint32_t sum = 0, free_slots = 0, offset, length;
            static uint8_t used[32768];
            memset(used, 0, page_bytes);
            assert_true(page->lower <= page->upper && page->upper <= page_bytes);
            for (uint32_t i = 0; i < heap_slot_count(page); i++) {
                if (heap_slot(page, i, &offset, &length) == HEAP_SLOT_FREE) {
                    free_slots++;
                    continue;
                }
                assert_true(offset >= page->upper && offset + length <= page_bytes);
                for (uint32_t b = 0; b < length; b++)
                    assert_int_equal(used[offset + b]++, 0);
                sum += length;
            }
            assert_int_equal(sum, head.cell_bytes);
            assert_int_equal(free_slots, head.free_slots);
        }
        free(page);
        free(before);
    }
    printf("%u applied, %u refused\n", applied, refused);
    assert_true(applied > 1000 && refused > 1000);
}

/* A header is never put where a cell has no room for one. */
static void test_stamp_of_a_short_cell(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t bytes[4096];
    const uint8_t cell[HEAP_BODY_PREFIX] = {0};
    for (uint32_t is_row = 0; is_row <= 1; is_row++) {
        heap_edits edits;
        rdb_error err = {0};
        heap_edits_init(&edits);
        heap_edit_init_page(&edits);
        if (is_row)
            heap_edit_new_row(&edits, 0, 0, 1, cell, sizeof cell);
        else
            heap_edit_put(&edits, HEAP_SLOT_ROW, 0, cell, sizeof cell, NULL, 0);
        heap_edit_stamp(&edits, 0, 0, 1);
        const rdb_redo redo = {.page_bytes = sizeof bytes, .operation = HEAP_OP_EDIT, .tag = {.file = RDB_FILE_NO(RDB_FILE_TABLE, 1), .pdb = 1}, .data = edits.bytes, .data_bytes = edits.length};
        assert_int_equal(heap_redo(&redo, (rdb_page *)(void *)bytes, &err), is_row);
        rdb_error_clear(&err);
        heap_edits_deinit(&edits);
    }
}

/* Redo of undo pages bounds what it is told, too. */
static void test_random_undo(void **state)
{
    (void)state;
    rdb_page *page = calloc(1, 4096);
    uint32_t applied = 0;
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t length = pick(5000);
        uint8_t *data = malloc(RDB_MAX(length, 4u));
        for (uint32_t i = 0; i < length; i++)
            data[i] = (uint8_t)rdb_random_next(&rng);
        if (length >= 4 && pick(2)) {
            data[0] = (uint8_t)pick(4);
            rdb_put_u16(data + 1, (uint16_t)(page->type == RDB_PAGE_UNDO && pick(2) ? page->lower : 80u + pick(5000)));
        }
        rdb_error err = {0};
        rdb_redo redo = {.page_bytes = 4096, .tag = {.file = RDB_FILE_NO(RDB_FILE_UNDO, pick(9)), .pdb = 1}, .data = data, .data_bytes = length};
        if (rdb_undo_redo(&redo, page, &err))
            applied++;
        else
            assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
        rdb_error_clear(&err);
        free(data);
    }
    assert_true(applied > 100);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_edits), cmocka_unit_test(test_stamp_of_a_short_cell), cmocka_unit_test(test_random_undo)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
