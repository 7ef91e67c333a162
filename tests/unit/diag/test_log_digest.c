/* SPDX-License-Identifier: Apache-2.0
 * The digest of logs: shapes, totals and hours are right, memory stays bounded whatever is said, and the page escapes what it quotes. */
#include "facts_file.h"

static void add(rdb_log_digest *digest, const char *line)
{
    rdb_error err = {0};
    assert_true(rdb_log_digest_add(digest, line, &err));
}

static void test_counts(void **state)
{
    (void)state;
    rdb_log_digest *digest = rdb_log_digest_create();
    rdb_arena *arena = rdb_arena_create("digest", NULL, NULL);
    rdb_list shapes = {0};
    rdb_error err = {0};
    for (int i = 0; i < 5; i++) {
        char line[300];
        snprintf(line, sizeof line, "{\"time\":\"2026-11-21T1%d:15:03.122015Z\",\"level\":\"info\",\"room\":\"serve\",\"thread\":7,\"message\":\"took %d ms for \\\"t%d\\\"\"}\n", i, i * 17, i);
        add(digest, line);
    }
    add(digest, "{\"time\":\"2026-11-21T14:15:03.122015Z\",\"level\":\"error\",\"room\":\"wal\",\"thread\":7,\"message\":\"lost\",\"sqlstate\":\"58030\"}\n");
    add(digest, "2026-11-21T14:15:03.122015Z warn  upkeep: the checkpoint of 12 pages is late\n");
    add(digest, "neither\n");
    const rdb_log_totals *totals = rdb_log_digest_totals(digest);
    assert_int_equal(totals->lines, 8);
    assert_int_equal(totals->errors, 1);
    assert_int_equal(totals->warnings, 1);
    assert_int_equal(totals->unreadable, 1);
    assert_int_equal(totals->hour_count, 5);
    assert_string_equal(totals->first_time, "2026-11-21T10:15:03.122015Z");
    assert_int_equal(rdb_log_digest_hour(digest, 0, false), 1);
    assert_int_equal(rdb_log_digest_hour(digest, 4, false), 3);
    assert_int_equal(rdb_log_digest_hour(digest, 4, true), 2);
    assert_true(rdb_log_digest_shapes(digest, 10, arena, &shapes, &err));
    assert_int_equal(shapes.count, 3);
    const rdb_log_shape *first = shapes.items[0];
    assert_int_equal(first->count, 5);
    assert_string_equal(first->shape, "info serve: took # ms for \"*\"");
    assert_string_equal(first->sample, "took 0 ms for \"t0\"");
    assert_string_equal(((const rdb_log_shape *)shapes.items[1])->shape, "error wal 58030: lost");
    assert_string_equal(((const rdb_log_shape *)shapes.items[2])->shape, "warn upkeep: the checkpoint of # pages is late");
    rdb_log_digest_destroy(&digest);
    rdb_arena_destroy(arena);
}

/* A hundred thousand different messages beside one that comes often: that one is counted to the line. */
static void test_bounded(void **state)
{
    (void)state;
    rdb_log_digest *digest = rdb_log_digest_create();
    rdb_arena *arena = rdb_arena_create("digest", NULL, NULL);
    rdb_list shapes = {0};
    rdb_error err = {0};
    uint64_t counted = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        char line[200], name[8];
        uint32_t n = i;
        for (int j = 0; j < 7; j++, n /= 20)
            name[j] = (char)('g' + n % 20);
        name[7] = '\0';
        snprintf(line, sizeof line, "info serve: %s\n", name);
        add(digest, line);
        if (i % 10 == 0)
            add(digest, "warn serve: often\n");
    }
    assert_true(rdb_log_digest_shapes(digest, UINT32_MAX, arena, &shapes, &err));
    assert_true(shapes.count <= 4096);
    assert_string_equal(((const rdb_log_shape *)shapes.items[0])->shape, "warn serve: often");
    assert_int_equal(((const rdb_log_shape *)shapes.items[0])->count, 10000);
    for (uint32_t i = 0; i < shapes.count; i++)
        counted += ((const rdb_log_shape *)shapes.items[i])->count;
    assert_int_equal(counted + rdb_log_digest_totals(digest)->forgotten, 110000);
    rdb_log_digest_destroy(&digest);
    rdb_arena_destroy(arena);
}

static void test_page(void **state)
{
    (void)state;
    rdb_log_digest *digest = rdb_log_digest_create();
    rdb_strbuf page;
    rdb_error err = {0};
    rdb_strbuf_init(&page, NULL);
    add(digest, "2026-11-21T14:15:03.122015Z error wire: <script>alert(1)</script> & more\n");
    assert_true(rdb_log_digest_page(digest, &page, &err));
    assert_null(strstr(page.data, "<script"));
    assert_non_null(strstr(page.data, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"));
    assert_non_null(strstr(page.data, "<rect "));
    assert_null(strstr(page.data, "http"));
    rdb_strbuf_free(&page);
    rdb_log_digest_destroy(&digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_bounded), cmocka_unit_test(test_page)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
