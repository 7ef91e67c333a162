/* SPDX-License-Identifier: Apache-2.0
 * Reads facts written as lines: "table column=value ...", a blank inside a value as %20, "table*3" for three equal rows. */
#ifndef RDB_TEST_FACTS_FILE_H
#define RDB_TEST_FACTS_FILE_H

#include "diag/rdb_diag.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static inline void facts_add_line(rdb_facts *facts, const char *line)
{
    char table[64], copy[1024], *rest = NULL;
    rdb_error err = {0};
    rdb_strbuf sql, values;
    snprintf(copy, sizeof copy, "%s", line);
    snprintf(table, sizeof table, "%s", strtok_r(copy, " \n", &rest));
    char *star = strchr(table, '*');
    const int times = star != NULL ? atoi(star + 1) : 1;
    if (star != NULL)
        *star = '\0';
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_init(&values, NULL);
    rdb_strbuf_addf(&sql, "insert into %s (", table);
    for (char *item = strtok_r(NULL, " \n", &rest), *first = item; item != NULL; item = strtok_r(NULL, " \n", &rest)) {
        char *value = strchr(item, '=');
        assert_non_null(value);
        rdb_strbuf_addf(&sql, "%s\"%.*s\"", item == first ? "" : ", ", (int)(value - item), item);
        rdb_strbuf_adds(&values, item == first ? "'" : ", '");
        for (value++; *value != '\0'; value++)
            if (strncmp(value, "%20", 3) == 0) {
                rdb_strbuf_addc(&values, ' ');
                value += 2;
            } else {
                rdb_strbuf_addc(&values, *value);
            }
        rdb_strbuf_addc(&values, '\'');
    }
    rdb_strbuf_addf(&sql, ") values (%s)", values.data);
    for (int i = 0; i < times; i++)
        if (!rdb_facts_run(facts, sql.data, &err))
            fail_msg("%s: %s", line, rdb_error_message(&err));
    rdb_strbuf_free(&sql);
    rdb_strbuf_free(&values);
}

static inline rdb_facts *facts_make_empty(void)
{
    rdb_facts *facts;
    rdb_error err = {0};
    assert_true(rdb_facts_create(&facts, &err));
    assert_true(rdb_diag_make_tables(facts, &err));
    return facts;
}

/* How many things the rule objects to; each finding says what, why and what to do. */
static inline uint32_t facts_judge(rdb_facts *facts, const rdb_rule *rules, uint32_t rule_count, const char *rule, rdb_arena *arena)
{
    rdb_error err = {0};
    rdb_list findings = {0};
    uint32_t unjudged, count = 0;
    if (!rdb_diag_judge(facts, rules, rule_count, arena, &findings, &unjudged, &err))
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

/* Both kinds of lines of one rule. */
static inline void facts_check_rule(const rdb_rule *rules, uint32_t rule_count, const char *rule, char *const *lines, uint32_t count, rdb_arena *arena)
{
    for (const char *sign = "+-"; *sign != '\0'; sign++) {
        rdb_facts *facts = facts_make_empty();
        uint32_t used = 0;
        for (uint32_t i = 0; i < count; i++)
            if (lines[i][0] == *sign) {
                facts_add_line(facts, lines[i] + 2);
                used++;
            }
        const uint32_t found = facts_judge(facts, rules, rule_count, rule, arena);
        if (used == 0 || (*sign == '+') != (found > 0))
            fail_msg("%s: %u findings with the %u lines of %c", rule, found, used, *sign);
        rdb_facts_close(&facts);
        rdb_arena_reset(arena);
    }
}

/* Every rule has facts in the file that it objects to, and facts that it does not. */
static inline void facts_check_rules(const char *path, const rdb_rule *rules, uint32_t rule_count)
{
    FILE *file = fopen(path, "r");
    rdb_arena *arena = rdb_arena_create("rules", NULL, NULL);
    bool seen[512] = {false};
    char line[1024], rule[64] = "", *lines[400];
    uint32_t count = 0;
    assert_non_null(file);
    assert_true(rule_count <= RDB_COUNT_OF(seen));
    for (bool more = true; more;) {
        more = fgets(line, sizeof line, file) != NULL;
        if (more && (line[0] == '+' || line[0] == '-')) {
            lines[count++] = strdup(line);
            continue;
        }
        if (more && (line[0] == '#' || line[0] == '\n'))
            continue;
        if (rule[0] != '\0')
            facts_check_rule(rules, rule_count, rule, lines, count, arena);
        while (count > 0)
            free(lines[--count]);
        snprintf(rule, sizeof rule, "%.*s", (int)strcspn(line, "\n"), line);
        for (uint32_t i = 0; more && i < rule_count; i++)
            seen[i] = seen[i] || strcmp(rules[i].id, rule) == 0;
    }
    fclose(file);
    for (uint32_t i = 0; i < rule_count; i++)
        if (!seen[i])
            fail_msg("rule %s has no facts in %s", rules[i].id, path);
    rdb_arena_destroy(arena);
}

#endif
