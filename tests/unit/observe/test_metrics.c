/* SPDX-License-Identifier: Apache-2.0
 * Metrics and health, letter by letter. */
#include "observe/rdb_metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_families_values_and_labels(void **state)
{
    (void)state;
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    rdb_metrics_one(&text, "a_total", RDB_METRIC_COUNTER, "All of a.", 12);
    rdb_metrics_value(&text, "b", "x", "q\"\\\n", "y", "2", 0.25);
    rdb_metrics_value(&text, "c", NULL, NULL, NULL, NULL, 1e300);
    rdb_strbuf_addc(&text, '\0');
    assert_string_equal(text.data, "# HELP a_total All of a.\n# TYPE a_total counter\na_total 12\nb{x=\"q\\\"\\\\\\n\",y=\"2\"} 0.25\nc 1e+300\n");
    rdb_strbuf_free(&text);
}

static void test_a_histogram_adds_up(void **state)
{
    (void)state;
    const double bounds[] = {0.001, 1};
    const uint64_t counts[] = {5, 3, 2};
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    rdb_metrics_histogram(&text, "h_seconds", "H.", bounds, counts, 2, 7.5);
    rdb_strbuf_addc(&text, '\0');
    assert_string_equal(text.data, "# HELP h_seconds H.\n# TYPE h_seconds histogram\nh_seconds_bucket{le=\"0.001\"} 5\nh_seconds_bucket{le=\"1\"} 8\n"
                                   "h_seconds_bucket{le=\"+Inf\"} 10\nh_seconds_sum 7.5\nh_seconds_count 10\n");
    rdb_strbuf_free(&text);
}

static void test_health_is_its_worst_check(void **state)
{
    (void)state;
    rdb_health health = {.version = "1", .state = "serving", .uptime_seconds = 3};
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    assert_int_equal(rdb_health_overall(&health), RDB_HEALTHY);
    rdb_health_add(&health, "one", RDB_HEALTHY, "%s", "");
    rdb_health_add(&health, "two", RDB_DEGRADED, "%d \"left\"", 4);
    assert_int_equal(rdb_health_overall(&health), RDB_DEGRADED);
    rdb_health_write(&health, 99, &text);
    rdb_strbuf_addc(&text, '\0');
    assert_string_equal(text.data, "{\"status\":\"degraded\",\"version\":\"1\",\"state\":\"serving\",\"uptime_seconds\":3,\"checks\":{\"one\":{\"status\":\"healthy\",\"last_check\":99},"
                                   "\"two\":{\"status\":\"degraded\",\"message\":\"4 \\\"left\\\"\",\"last_check\":99}}}\n");
    for (int i = 0; i < 2 * RDB_HEALTH_CHECKS_MAX; i++)
        rdb_health_add(&health, "more", RDB_UNHEALTHY, "%s", "");
    assert_int_equal(health.count, RDB_HEALTH_CHECKS_MAX);
    rdb_strbuf_free(&text);
}

static void test_the_machine_has_figures(void **state)
{
    (void)state;
    rdb_system_figures figures;
    rdb_disk_figures disk;
    rdb_system_read(&figures);
    assert_true(figures.process_memory_bytes > 1 << 20 && figures.machine_memory_bytes > figures.machine_available_bytes && figures.threads >= 1 && figures.open_files >= 3);
    assert_true(figures.processors >= 1 && figures.machine_idle_seconds > 0);
    assert_true(rdb_disk_read("/", &disk) && disk.bytes > disk.free_bytes);
    assert_false(rdb_disk_read("/no/such/place", &disk));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families_values_and_labels),
        cmocka_unit_test(test_a_histogram_adds_up),
        cmocka_unit_test(test_health_is_its_worst_check),
        cmocka_unit_test(test_the_machine_has_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
