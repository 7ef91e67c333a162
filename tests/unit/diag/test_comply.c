/* SPDX-License-Identifier: Apache-2.0
 * Each check of rdb-audit comply passes what complies and fails what does not: comply_rules.facts. */
#include "facts_file.h"

static void test_checks(void **state)
{
    (void)state;
    rdb_rule *rules = calloc(RDB_COMPLY_CHECK_COUNT, sizeof *rules);
    assert_non_null(rules);
    for (uint32_t i = 0; i < RDB_COMPLY_CHECK_COUNT; i++) {
        rules[i] = RDB_COMPLY_CHECKS[i].rule;
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(rules[k].id, rules[i].id);
        assert_true(RDB_COMPLY_CHECKS[i].requirement[0] != '\0' && RDB_COMPLY_CHECKS[i].profiles != 0);
    }
    facts_check_rules("tests/unit/diag/comply_rules.facts", rules, RDB_COMPLY_CHECK_COUNT);
    free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_checks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
