/* SPDX-License-Identifier: Apache-2.0
 * The pace of a backup: never above the rate, behind clients who feel it, and at full speed where there are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backup/backup_int.h"

static void test_clients_decide_how_much_is_rested(void **state)
{
    (void)state;
    uint32_t rest = PACE_REST_MIN;
    for (int i = 0; i < 20; i++) { /* they feel it: more, up to a bound */
        uint32_t before = rest;
        rest = pace_judge(rest, PACE_RATIO_MAX + 0.1);
        assert_true(rest > before || rest == PACE_REST_MAX);
    }
    assert_int_equal(rest, PACE_REST_MAX);
    for (int i = 0; i < 40; i++) { /* they do not: less, but the disk is never the backup's alone */
        uint32_t before = rest;
        rest = pace_judge(rest, 1.0);
        assert_true(rest < before || rest == PACE_REST_MIN);
    }
    assert_int_equal(rest, PACE_REST_MIN);
    uint32_t middle = 300; /* chance: above the bound no oftener than below */
    for (int i = 0; i < 40; i++)
        middle = pace_judge(middle, i % 2 == 0 ? PACE_RATIO_MAX + 0.5 : 0.5);
    assert_true(middle <= 300);
    assert_int_equal(pace_judge(PACE_REST_MAX, 0), 0); /* nobody is at work */
    assert_true(pace_judge(0, PACE_RATIO_MAX + 0.1) >= PACE_REST_MIN && pace_judge(0, 1.0) >= PACE_REST_MIN); /* somebody is again */
}

static bool always(void *context)
{
    (void)context;
    return true;
}

static void test_rate_is_kept(void **state)
{
    (void)state;
    enum { RATE = 10000000, PIECE = 250000, PIECES = 8 };
    const rdb_backup_watch ended = {.is_interrupted = always};
    rdb_error err = {0};
    backup_pace *pace;
    int64_t step_us;
    int64_t begun_us = rdb_time_monotonic_us();
    assert_true(pace_open(&pace, NULL, RATE, false, NULL, &err));
    for (int i = 0; i < PIECES; i++)
        pace_pass(pace, PIECE);
    assert_true(rdb_time_monotonic_us() - begun_us >= INT64_C(1000000) * PIECE * PIECES / RATE - 1000);
    assert_int_equal(pace_passed(pace), PIECE * PIECES);
    pace_begin(pace, &step_us);
    pace_rest(pace, &step_us);
    assert_int_equal(pace_rested_us(pace), 0); /* the rate's waits are no rests */
    pace_close(&pace);

    assert_true(pace_open(&pace, NULL, 1, false, &ended, &err));
    pace_pass(pace, UINT64_C(1) << 40); /* who is interrupted does not wait 30,000 years */
    pace_close(&pace);
    pace_begin(NULL, &step_us);
    pace_rest(NULL, &step_us);
    pace_close(&pace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_clients_decide_how_much_is_rested), cmocka_unit_test(test_rate_is_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
