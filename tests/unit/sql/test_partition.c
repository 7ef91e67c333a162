/* SPDX-License-Identifier: Apache-2.0
 * Bounds of partitions: which one a key belongs to, and how the ends of ranges order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "sql/rdb_partition.h"

static rdb_type int4 = {.oid = RDB_INT4OID, .name = "int4", .rep = RDB_REP_INT32, .kind = 'b', .typlen = 4};
static const rdb_type *const TYPES[] = {&int4, &int4};
static const uint32_t COLLATIONS[] = {0, 0};
static const rdb_expr_const *constant(int32_t value)
{
    static rdb_expr_const pool[256];
    static uint32_t used;
    rdb_expr_const *made = &pool[used++ % 256];
    *made = (rdb_expr_const){.head = {.kind = RDB_EXPR_CONST, .type = &int4, .typmod = -1}, .value = {.i32 = value}};
    return made;
}

static int set_up(void **state)
{
    (void)state;
    int4.ops = rdb_type_ops_find(&int4);
    return int4.ops == NULL;
}

static int32_t find(const rdb_partition_map *map, int32_t first, int32_t second, bool null)
{
    const rdb_datum keys[] = {{.i32 = first}, {.i32 = second}};
    const bool is_null[] = {null, false};
    int32_t entry_no = -2;
    rdb_error err = {0};
    assert_true(rdb_partition_find(map, keys, is_null, &entry_no, &err));
    return entry_no;
}

/* [MINVALUE, 10), [10, 20), [30, MAXVALUE): a lower end belongs to its range, an upper one does not; gaps belong to none. */
static void test_ranges(void **state)
{
    (void)state;
    static const int8_t from_min[] = {-1}, value[] = {0}, to_max[] = {1};
    const rdb_expr_const *none[] = {NULL}, *ten[] = {constant(10)}, *twenty[] = {constant(20)}, *thirty[] = {constant(30)};
    const rdb_partition_entry entries[] = {
        {1, {.strategy = 'r', .value_count = 1, .values = none, .upper = ten, .lower_ends = from_min, .upper_ends = value}},
        {2, {.strategy = 'r', .value_count = 1, .values = ten, .upper = twenty, .lower_ends = value, .upper_ends = value}},
        {3, {.strategy = 'r', .value_count = 1, .values = thirty, .upper = none, .lower_ends = value, .upper_ends = to_max}},
        {4, {.strategy = 'd'}},
    };
    rdb_partition_map map = {.strategy = 'r', .key_count = 1, .types = TYPES, .collations = COLLATIONS, .count = 3, .entries = entries, .default_no = -1, .null_no = -1};
    assert_int_equal(find(&map, INT32_MIN, 0, false), 0);
    assert_int_equal(find(&map, 9, 0, false), 0);
    assert_int_equal(find(&map, 10, 0, false), 1);
    assert_int_equal(find(&map, 19, 0, false), 1);
    assert_int_equal(find(&map, 20, 0, false), -1);
    assert_int_equal(find(&map, 30, 0, false), 2);
    assert_int_equal(find(&map, INT32_MAX, 0, false), 2);
    assert_int_equal(find(&map, 5, 0, true), -1);
    map.count = 4;
    map.default_no = 3;
    assert_int_equal(find(&map, 20, 0, false), 3);
    assert_int_equal(find(&map, 5, 0, true), 3);
    assert_int_equal(find(&map, 19, 0, false), 1);
}

/* Keys compare column by column; what stands behind MINVALUE or MAXVALUE does not count; an upper end stands before an equal lower one. */
static void test_ends(void **state)
{
    (void)state;
    static const int8_t both[] = {0, 0}, then_max[] = {0, 1}, then_min[] = {0, -1};
    const rdb_expr_const *low[] = {constant(1), constant(5)}, *high[] = {constant(1), constant(7)}, *open[] = {constant(1), NULL};
    const rdb_partition_map map = {.strategy = 'r', .key_count = 2, .types = TYPES, .collations = COLLATIONS, .default_no = -1, .null_no = -1};
    assert_true(rdb_partition_compare_ends(&map, low, both, true, high, both, true) < 0);
    assert_true(rdb_partition_compare_ends(&map, high, both, true, low, both, true) > 0);
    assert_int_equal(rdb_partition_compare_ends(&map, low, both, true, low, both, true), 0);
    assert_true(rdb_partition_compare_ends(&map, low, both, false, low, both, true) < 0);
    assert_true(rdb_partition_compare_ends(&map, high, both, true, open, then_max, true) < 0);
    assert_true(rdb_partition_compare_ends(&map, open, then_min, true, low, both, true) < 0);
    assert_int_equal(rdb_partition_compare_ends(&map, open, then_max, true, open, then_max, true), 0);
}

static void test_lists(void **state)
{
    (void)state;
    const rdb_expr_const *few[] = {constant(2), constant(9)}, *one[] = {constant(4)};
    const rdb_partition_entry entries[] = {{1, {.strategy = 'l', .value_count = 2, .values = few}}, {2, {.strategy = 'l', .value_count = 1, .values = one}}, {3, {.strategy = 'd'}}};
    const rdb_partition_item items[] = {{few[0], 0}, {one[0], 1}, {few[1], 0}};
    rdb_partition_map map = {.strategy = 'l', .key_count = 1, .types = TYPES, .collations = COLLATIONS, .count = 3, .entries = entries, .item_count = 3, .items = items, .default_no = 2, .null_no = -1};
    assert_int_equal(find(&map, 2, 0, false), 0);
    assert_int_equal(find(&map, 4, 0, false), 1);
    assert_int_equal(find(&map, 9, 0, false), 0);
    assert_int_equal(find(&map, 3, 0, false), 2);
    assert_int_equal(find(&map, 0, 0, true), 2);
    map.null_no = 1;
    assert_int_equal(find(&map, 0, 0, true), 1);
}

/* Where PostgreSQL 15 puts 1 to 8 among four partitions of a hash of one integer. */
static void test_hash(void **state)
{
    (void)state;
    static const int32_t places[] = {0, 2, 1, 3, 1, 3, 3, 1};
    rdb_partition_entry entries[4];
    for (int32_t i = 0; i < 4; i++)
        entries[i] = (rdb_partition_entry){(uint32_t)i + 1, {.strategy = 'h', .modulus = 4, .remainder = i}};
    const rdb_partition_map map = {.strategy = 'h', .key_count = 1, .types = TYPES, .collations = COLLATIONS, .count = 4, .entries = entries, .default_no = -1, .null_no = -1, .greatest_modulus = 4};
    for (int32_t i = 0; i < 8; i++)
        assert_int_equal(find(&map, i + 1, 0, false), places[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranges), cmocka_unit_test(test_ends), cmocka_unit_test(test_lists), cmocka_unit_test(test_hash)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
