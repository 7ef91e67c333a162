/* SPDX-License-Identifier: Apache-2.0
 * Each rule of the doctor objects to what it should and to nothing else: doctor_rules.facts. */
#include "facts_file.h"

#define FACTS_PATH "tests/unit/diag/doctor_rules.facts"

static void test_rules(void **state)
{
    (void)state;
    facts_check_rules(FACTS_PATH, RDB_DOCTOR_RULES, RDB_DOCTOR_RULE_COUNT);
    assert_true(RDB_DOCTOR_RULE_COUNT >= 100);
}

static void test_nothing_known(void **state)
{
    (void)state;
    rdb_facts *facts;
    rdb_error err = {0};
    rdb_list findings = {0};
    uint32_t unjudged;
    rdb_arena *arena = rdb_arena_create("doctor", NULL, NULL);
    assert_true(rdb_facts_create(&facts, &err));
    assert_true(rdb_diag_judge(facts, RDB_DOCTOR_RULES, RDB_DOCTOR_RULE_COUNT, arena, &findings, &unjudged, &err));
    assert_int_equal(unjudged, RDB_DOCTOR_RULE_COUNT);
    assert_int_equal(findings.count, 0);
    rdb_facts_close(&facts);
    rdb_arena_destroy(arena);
}

static void test_gravest_first(void **state)
{
    (void)state;
    rdb_facts *facts = facts_make_empty();
    rdb_error err = {0};
    rdb_list findings = {0};
    uint32_t unjudged;
    rdb_arena *arena = rdb_arena_create("doctor", NULL, NULL);
    facts_add_line(facts, "area name=logs bytes=9000000000");
    facts_add_line(facts, "undo snapshots_expired=3");
    facts_add_line(facts, "database name=d checksum_failures=1");
    assert_true(rdb_diag_judge(facts, RDB_DOCTOR_RULES, RDB_DOCTOR_RULE_COUNT, arena, &findings, &unjudged, &err));
    assert_int_equal(findings.count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(((const rdb_finding *)findings.items[i])->rule->severity, RDB_SEVERITY_CRITICAL - i);
    rdb_facts_close(&facts);
    rdb_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules), cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_gravest_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
