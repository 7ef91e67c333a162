/* SPDX-License-Identifier: Apache-2.0
 * How long the runs of equal values in a sorted column are, found from sampled rows that share pages: within a tenth of the truth, whether
 * the runs have one length or many. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "command/analyze.h"

enum { PAGE_ROWS = 60, PAGES_SAMPLED = 40000, PAGE_STEP = 17 /* of the table's pages each so many-th is sampled */ };

static uint64_t seed = 1;
static uint32_t draw_below(uint32_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % bound;
}

/* Of a table whose runs are shortest to longest rows long: the rows of every PAGE_STEP-th page, each by a chance of one in chance. Gives the pairs. */
static uint32_t sample_table(uint32_t shortest, uint32_t longest, uint32_t chance, sample_pair *pairs, uint32_t capacity)
{
    uint64_t row = 0, before = 0, run_before = 0, run_no = 0, run_end = 0;
    uint32_t count = 0;
    bool has_before = false;
    for (uint64_t page = 0; page < PAGES_SAMPLED; page++)
        for (uint32_t slot = 0; slot < PAGE_ROWS; slot++) {
            row = page * PAGE_STEP * PAGE_ROWS + slot;
            for (; run_end <= row; run_no++)
                run_end += shortest + draw_below(longest - shortest + 1);
            if (draw_below(chance) != 0 || count == capacity)
                continue;
            if (has_before)
                pairs[count++] = (sample_pair){(double)(row - before), run_no == run_before};
            before = row;
            run_before = run_no;
            has_before = true;
        }
    return count;
}

static void check_length(uint32_t shortest, uint32_t longest)
{
    enum { CAPACITY = 40000 };
    sample_pair *pairs = calloc(CAPACITY, sizeof *pairs);
    assert_non_null(pairs);
    const uint32_t count = sample_table(shortest, longest, 80, pairs, CAPACITY);
    const double mean = (shortest + longest) / 2.0, found = sample_run_length(pairs, count, (double)PAGES_SAMPLED * PAGE_STEP * PAGE_ROWS);
    assert_true(count > 20000);
    if (!(found > 0.87 * mean && found < 1.15 * mean))
        fail_msg("runs of %u to %u rows: %g on average were found, of %u pairs", shortest, longest, found, count);
    free(pairs);
}

static void test_runs_of_one_length(void **state)
{
    (void)state;
    check_length(4, 4);
    check_length(25, 25);
    check_length(500, 500); /* over several pages, most of which are not sampled */
}

static void test_runs_of_many_lengths(void **state)
{
    (void)state;
    check_length(1, 7); /* as the lines of TPC-H's orders */
    check_length(1, 60);
}

/* Where no two are equal, or all, how far apart they stand says nothing. */
static void test_pairs_that_do_not_tell(void **state)
{
    (void)state;
    const sample_pair equal[] = {{1, true}, {2, true}}, different[] = {{1, false}, {2, false}}, both[] = {{1, true}, {1, false}};
    assert_true(sample_run_length(equal, 2, 1000) == 0);
    assert_true(sample_run_length(different, 2, 1000) == 0);
    assert_true(sample_run_length(NULL, 0, 1000) == 0);
    assert_true(fabs(sample_run_length(both, 2, 1000) - 2) < 0.01); /* every second one of the next rows is equal: runs of two */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs_of_one_length), cmocka_unit_test(test_runs_of_many_lengths), cmocka_unit_test(test_pairs_that_do_not_tell)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
