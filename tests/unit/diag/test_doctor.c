/* SPDX-License-Identifier: Apache-2.0
 * Each rule of the doctor objects to what it should and to nothing else: doctor_rules.facts. */
#include "facts_file.h"

#define FACTS_PATH "tests/unit/diag/doctor_rules.facts"

static uint32_t judge(rdb_facts *facts, const char *rule, rdb_arena *arena)
{
    rdb_error err = {0};
    rdb_list findings = {0};
    uint32_t unjudged, count = 0;
    if (!rdb_diag_judge(facts, RDB_DOCTOR_RULES, RDB_DOCTOR_RULE_COUNT, arena, &findings, &unjudged, &err))
        fail_msg("%s: %s", rule, rdb_error_message(&err));
    assert_int_equal(unjudged, 0);
    for (uint32_t i = 0; i < findings.count; i++) {
        const rdb_finding *finding = findings.items[i];
        if (strcmp(finding->rule->id, rule) != 0)
            continue;
        count++;
        if (finding->object[0] == '\0' || finding->evidence[0] == '\0' || finding->fix[0] == '\0')
            fail_msg("%s: object \"%s\", evidence \"%s\", fix \"%s\"", rule, finding->object, finding->evidence, finding->fix);
    }
    return count;
}

static rdb_facts *empty_facts(void)
{
    rdb_facts *facts;
    rdb_error err = {0};
    assert_true(rdb_facts_create(&facts, &err));
    assert_true(rdb_diag_make_tables(facts, &err));
    return facts;
}

/* Runs both kinds of lines of one rule. */
static void check_rule(const char *rule, char *const *lines, uint32_t count, rdb_arena *arena)
{
    for (const char *sign = "+-"; *sign != '\0'; sign++) {
        rdb_facts *facts = empty_facts();
        uint32_t used = 0;
        for (uint32_t i = 0; i < count; i++)
            if (lines[i][0] == *sign) {
                facts_add_line(facts, lines[i] + 2);
                used++;
            }
        const uint32_t found = judge(facts, rule, arena);
        if (used == 0 || (*sign == '+') != (found > 0))
            fail_msg("%s: %u findings with the %u lines of %c", rule, found, used, *sign);
        rdb_facts_close(&facts);
        rdb_arena_reset(arena);
    }
}

static void test_rules(void **state)
{
    (void)state;
    FILE *file = fopen(FACTS_PATH, "r");
    rdb_arena *arena = rdb_arena_create("doctor", NULL, NULL);
    bool seen[512] = {false};
    char line[1024], rule[64] = "", *lines[400];
    uint32_t count = 0;
    assert_non_null(file);
    for (bool more = true; more;) {
        more = fgets(line, sizeof line, file) != NULL;
        if (more && (line[0] == '+' || line[0] == '-')) {
            lines[count++] = strdup(line);
            continue;
        }
        if (more && (line[0] == '#' || line[0] == '\n'))
            continue;
        if (rule[0] != '\0')
            check_rule(rule, lines, count, arena);
        while (count > 0)
            free(lines[--count]);
        snprintf(rule, sizeof rule, "%.*s", (int)strcspn(line, "\n"), line);
        for (uint32_t i = 0; more && i < RDB_DOCTOR_RULE_COUNT; i++)
            seen[i] = seen[i] || strcmp(RDB_DOCTOR_RULES[i].id, rule) == 0;
    }
    fclose(file);
    for (uint32_t i = 0; i < RDB_DOCTOR_RULE_COUNT; i++)
        if (!seen[i])
            fail_msg("rule %s has no facts in " FACTS_PATH, RDB_DOCTOR_RULES[i].id);
    assert_true(RDB_DOCTOR_RULE_COUNT >= 100);
    rdb_arena_destroy(arena);
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
    rdb_facts *facts = empty_facts();
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
