/* SPDX-License-Identifier: Apache-2.0
 * The hash map against a plain array as its model. */
#include "base/rdb_base.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { KEYS = 3000 };

static size_t make_key(char key[80], uint32_t key_no)
{
    /* short ones stand inline, long ones on the heap; some are prefixes of others */
    return (size_t)snprintf(key, 80, "%u%s", key_no, key_no % 3 == 0 ? "-a key that is longer than sixteen bytes" : "");
}

static void test_random_walk_against_a_model(void **state)
{
    (void)state;
    rdb_map *map = rdb_map_create();
    void *model[KEYS] = {0};
    uint32_t count = 0;
    uint64_t seed = 42;
    for (int step = 0; step < 200000; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t key_no = (uint32_t)(seed >> 33) % KEYS;
        char key[80];
        size_t length = make_key(key, key_no);
        assert_ptr_equal(rdb_map_get(map, key, length), model[key_no]);
        /* phases of growth and of shrinking, so that dead entries pile up and are rebuilt away */
        if ((seed >> 20) % 100 < ((step / 20000) % 2 ? 30 : 70)) {
            void *value = (void *)(uintptr_t)(step + 1), *old;
            assert_true(rdb_map_put(map, key, length, value, &old));
            assert_ptr_equal(old, model[key_no]);
            count += model[key_no] == NULL;
            model[key_no] = value;
        } else {
            assert_ptr_equal(rdb_map_remove(map, key, length), model[key_no]);
            count -= model[key_no] != NULL;
            model[key_no] = NULL;
        }
        assert_int_equal(rdb_map_count(map), count);
    }
    uint32_t cursor = 0, met = 0;
    rdb_slice key;
    void *value;
    while (rdb_map_next(map, &cursor, &key, &value)) {
        uint32_t key_no = (uint32_t)strtoul((const char *)key.data, NULL, 10);
        assert_ptr_equal(model[key_no], value);
        met++;
        assert_ptr_equal(rdb_map_remove(map, key.data, key.length), value); /* the one at hand may go */
    }
    assert_int_equal(met, count);
    assert_int_equal(rdb_map_count(map), 0);
    rdb_map_destroy(map);
    rdb_map_destroy(NULL);
}

static void test_numbers_and_the_empty_key(void **state)
{
    (void)state;
    rdb_map *map = rdb_map_create();
    for (uint64_t key = 0; key < 1000; key++)
        assert_true(rdb_map_put_u64(map, key << 40, (void *)(uintptr_t)(key + 1)));
    assert_true(rdb_map_put(map, NULL, 0, "empty", NULL));
    assert_string_equal(rdb_map_get(map, "", 0), "empty");
    for (uint64_t key = 0; key < 1000; key++)
        assert_ptr_equal(rdb_map_get_u64(map, key << 40), (void *)(uintptr_t)(key + 1));
    assert_null(rdb_map_get_u64(map, 1));
    assert_ptr_equal(rdb_map_remove_u64(map, 0), (void *)1);
    assert_null(rdb_map_remove_u64(map, 0));
    assert_int_equal(rdb_map_count(map), 1000);
    rdb_map_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_walk_against_a_model),
        cmocka_unit_test(test_numbers_and_the_empty_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
