/* SPDX-License-Identifier: Apache-2.0
 * Vectors: constants read the same at every row, nulls appear and disappear bit by bit, copies own their bytes. */
#include "vec/rdb_vec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_constant_reads_at_every_row(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_vector vector;
    rdb_vector_set_constant(&vector, arena, RDB_REP_INT32, (rdb_datum){.i32 = 42}, false);
    for (uint32_t row = 0; row < 5000; row += 777) {
        assert_int_equal(rdb_vector_get(&vector, row).i32, 42);
        assert_int_equal(RDB_AT(&vector, int32_t, row), 42);
        assert_false(rdb_vector_is_null(&vector, row));
    }
    rdb_vector_set_constant(&vector, arena, RDB_REP_BYTES, (rdb_datum){.words = {0, 0}}, true);
    assert_true(rdb_vector_is_null(&vector, 0));
    assert_true(rdb_vector_is_null(&vector, 999));
    rdb_arena_destroy(arena);
}

static void test_each_representation_keeps_its_value(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_error err = {0};
    for (int rep = 0; rep < RDB_REP_COUNT; rep++) {
        rdb_vector vector, copy;
        assert_true(rdb_vector_init(&vector, arena, (rdb_rep)rep, RDB_BATCH_ROWS, &err));
        assert_true(rdb_vector_init(&copy, arena, (rdb_rep)rep, RDB_BATCH_ROWS, &err));
        uint32_t width = rdb_rep_width((rdb_rep)rep);
        for (uint32_t row = 0; row < RDB_BATCH_ROWS; row++) {
            rdb_datum value = {.words = {row * UINT64_C(0x9E3779B97F4A7C15), row}};
            rdb_vector_put(&vector, row, value, row % 7 == 3);
        }
        for (uint32_t row = 0; row < RDB_BATCH_ROWS; row++)
            rdb_vector_copy_row(&copy, RDB_BATCH_ROWS - 1 - row, &vector, row);
        for (uint32_t row = 0; row < RDB_BATCH_ROWS; row++) {
            rdb_datum value = {.words = {row * UINT64_C(0x9E3779B97F4A7C15), row}};
            assert_int_equal(rdb_vector_is_null(&copy, RDB_BATCH_ROWS - 1 - row), row % 7 == 3);
            if (row % 7 != 3) {
                rdb_datum got = rdb_vector_get(&copy, RDB_BATCH_ROWS - 1 - row);
                assert_memory_equal(&got, &value, width);
            }
        }
    }
    rdb_arena_destroy(arena);
}

static void test_null_bits_come_and_go(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_error err = {0};
    rdb_vector vector;
    assert_true(rdb_vector_init(&vector, arena, RDB_REP_INT64, 130, &err));
    assert_null(vector.nulls);
    rdb_vector_set_null(&vector, 129);
    rdb_vector_set_null(&vector, 64);
    for (uint32_t row = 0; row < 130; row++)
        assert_int_equal(rdb_vector_is_null(&vector, row), row == 129 || row == 64);
    rdb_vector_put(&vector, 64, (rdb_datum){.i64 = 5}, false);
    assert_false(rdb_vector_is_null(&vector, 64));
    rdb_vector_clear_nulls(&vector);
    rdb_vector_set_null(&vector, 1);
    assert_false(rdb_vector_is_null(&vector, 129)); /* a cleared bitmap starts empty again */
    rdb_arena_destroy(arena);
}

static void test_copied_bytes_are_owned(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_error err = {0};
    uint8_t source[] = "first";
    rdb_datum value = {.bytes = {.data = source, .length = 5}}, copy;
    assert_true(rdb_datum_copy(arena, RDB_REP_BYTES, value, &copy, &err));
    memcpy(source, "xxxxx", 5);
    assert_memory_equal(copy.bytes.data, "first", 5);
    value.bytes = (rdb_bytes){.data = NULL, .length = 0};
    assert_true(rdb_datum_copy(arena, RDB_REP_BYTES, value, &copy, &err));
    assert_non_null(copy.bytes.data);
    assert_int_equal(copy.bytes.length, 0);
    rdb_arena_destroy(arena);
}

static void test_selection_visits_rows_in_order(void **state)
{
    (void)state;
    uint32_t rows[] = {1, 5, 9}, seen[4], count = 0;
    rdb_selection some = {.rows = rows, .count = 3}, all = {.rows = NULL, .count = 4}, none = {.rows = rows, .count = 0};
    RDB_FOR_SELECTED (&some, row)
        seen[count++] = row;
    assert_int_equal(count, 3);
    assert_int_equal(seen[2], 9);
    count = 0;
    RDB_FOR_SELECTED (&all, row)
        seen[count++] = row;
    assert_int_equal(count, 4);
    assert_int_equal(seen[3], 3);
    RDB_FOR_SELECTED (&none, row)
        seen[count++] = row;
    assert_int_equal(count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_reads_at_every_row), cmocka_unit_test(test_each_representation_keeps_its_value),
        cmocka_unit_test(test_null_bits_come_and_go),       cmocka_unit_test(test_copied_bytes_are_owned),
        cmocka_unit_test(test_selection_visits_rows_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
