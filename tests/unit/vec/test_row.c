/* SPDX-License-Identifier: Apache-2.0
 * Row images: what was written is read back, whatever the columns; images that lie about their offsets are refused. */
#include "vec/rdb_vec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define COLUMNS_MAX 1600

/* Numbers that look random and are the same at every run (splitmix64). */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

typedef struct model {
    rdb_rep reps[COLUMNS_MAX];
    rdb_datum values[COLUMNS_MAX];
    bool is_null[COLUMNS_MAX];
    uint16_t count;
} model;

static void fill_model(model *m, uint64_t *random, rdb_arena *arena, uint16_t count, uint32_t bytes_max, unsigned null_chance)
{
    m->count = count;
    for (uint16_t i = 0; i < count; i++) {
        m->reps[i] = (rdb_rep)(next_random(random) % RDB_REP_COUNT);
        m->is_null[i] = null_chance > 0 && next_random(random) % 100 < null_chance;
        m->values[i].words[0] = next_random(random);
        m->values[i].words[1] = next_random(random);
        if (m->reps[i] == RDB_REP_BYTES) {
            uint32_t length = (uint32_t)(next_random(random) % (bytes_max + 1));
            uint8_t *data = rdb_arena_alloc(arena, length + 1);
            for (uint32_t k = 0; k < length; k++)
                data[k] = (uint8_t)next_random(random);
            m->values[i].bytes = (rdb_bytes){.data = data, .length = length};
        }
    }
}

static void check_round_trip(const model *m, rdb_arena *arena)
{
    rdb_row_layout *layout = rdb_row_layout_create(arena, m->reps, m->count);
    unsigned flags = 99;
    uint32_t bytes = rdb_row_measure(layout, m->values, m->is_null, &flags);
    uint8_t *image = malloc((size_t)bytes + 8);
    memset(image, 0xA5, (size_t)bytes + 8);
    rdb_row_write(layout, m->values, m->is_null, flags, image);
    for (uint32_t k = 0; k < 8; k++)
        assert_int_equal(image[bytes + k], 0xA5); /* exactly the measured bytes are written */
    assert_true(rdb_row_check(layout, image, bytes, flags));
    assert_false(rdb_row_check(layout, image, bytes - 1, flags));
    assert_false(rdb_row_check(layout, image, bytes + 1, flags));
    bool any_null = false;
    for (uint16_t i = 0; i < m->count; i++) {
        rdb_datum got;
        bool there = rdb_row_read(layout, image, flags, i, &got);
        any_null |= m->is_null[i];
        assert_int_equal(there, !m->is_null[i]);
        if (!there)
            continue;
        if (m->reps[i] == RDB_REP_BYTES) {
            assert_int_equal(got.bytes.length, m->values[i].bytes.length);
            if (got.bytes.length > 0)
                assert_memory_equal(got.bytes.data, m->values[i].bytes.data, got.bytes.length);
        } else {
            assert_memory_equal(&got, &m->values[i], rdb_rep_width(m->reps[i]));
        }
    }
    assert_int_equal((flags & RDB_ROW_HAS_NULLS) != 0, any_null);
    free(image);
}

static void test_random_rows(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    uint64_t random = 20261121;
    static model m;
    for (int round = 0; round < 2000; round++) {
        fill_model(&m, &random, arena, (uint16_t)(1 + next_random(&random) % 40), 200, round % 3 == 0 ? 0 : 30);
        check_round_trip(&m, arena);
        rdb_arena_reset(arena);
    }
    rdb_arena_destroy(arena);
}

static void test_sixteen_hundred_columns_and_wide_rows(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    uint64_t random = 7;
    static model m;
    fill_model(&m, &random, arena, COLUMNS_MAX, 20, 10);
    check_round_trip(&m, arena);
    fill_model(&m, &random, arena, COLUMNS_MAX, 2000, 10); /* past 64 KiB: four-byte offsets */
    check_round_trip(&m, arena);
    rdb_arena_destroy(arena);
}

static void test_offsets_widen_exactly_past_64k(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_rep reps[] = {RDB_REP_BYTES};
    bool is_null[] = {false};
    rdb_row_layout *layout = rdb_row_layout_create(arena, reps, 1);
    uint8_t *data = calloc(1, 65536);
    rdb_datum value = {.bytes = {.data = data, .length = 65535}};
    unsigned flags;
    assert_int_equal(rdb_row_measure(layout, &value, is_null, &flags), 65537);
    assert_int_equal(flags, 0);
    value.bytes.length = 65536;
    assert_int_equal(rdb_row_measure(layout, &value, is_null, &flags), 65540);
    assert_int_equal(flags, RDB_ROW_WIDE);
    free(data);
    rdb_arena_destroy(arena);
}

static void test_layout_puts_wide_fixed_slots_first(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_rep reps[] = {RDB_REP_BOOL, RDB_REP_BYTES, RDB_REP_INT64, RDB_REP_INT32, RDB_REP_BYTES, RDB_REP_INT64};
    rdb_row_layout *layout = rdb_row_layout_create(arena, reps, 6);
    assert_int_equal(layout->slots[2].position, 0);
    assert_int_equal(layout->slots[5].position, 8);
    assert_int_equal(layout->slots[3].position, 16);
    assert_int_equal(layout->slots[0].position, 20);
    assert_int_equal(layout->fixed_bytes, 21);
    assert_int_equal(layout->slots[4].position, 1);
    assert_int_equal(layout->variable_count, 2);
    rdb_arena_destroy(arena);
}

static void test_broken_images_are_refused(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_rep reps[] = {RDB_REP_INT32, RDB_REP_BYTES, RDB_REP_BYTES};
    bool is_null[] = {false, false, false};
    rdb_row_layout *layout = rdb_row_layout_create(arena, reps, 3);
    rdb_datum values[3] = {{.i32 = 1}, {.bytes = {.data = (const uint8_t *)"abc", .length = 3}},
                           {.bytes = {.data = (const uint8_t *)"de", .length = 2}}};
    unsigned flags;
    uint32_t bytes = rdb_row_measure(layout, values, is_null, &flags);
    uint8_t image[64];
    rdb_row_write(layout, values, is_null, flags, image);
    assert_int_equal(bytes, 13);
    assert_true(rdb_row_check(layout, image, bytes, flags));
    assert_false(rdb_row_check(layout, image, bytes, flags | 4));
    image[4] = 6; /* the first value would end after the second */
    assert_false(rdb_row_check(layout, image, bytes, flags));
    image[4] = 3;
    image[6] = 200; /* past the image */
    assert_false(rdb_row_check(layout, image, bytes, flags));
    rdb_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_rows),
        cmocka_unit_test(test_sixteen_hundred_columns_and_wide_rows),
        cmocka_unit_test(test_offsets_widen_exactly_past_64k),
        cmocka_unit_test(test_layout_puts_wide_fixed_slots_first),
        cmocka_unit_test(test_broken_images_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
