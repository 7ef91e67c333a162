/* SPDX-License-Identifier: Apache-2.0
 * Judging: each rule is a query that gives a row for each thing it objects to. */
#include "diag/rdb_diag.h"

#include <stdlib.h>

const rdb_rule RDB_DOCTOR_RULES[] = {
#define RULE(id, severity, title, query) {id, title, RDB_SEVERITY_##severity, query},
#include "diag/doctor_rules.def"
#undef RULE
};
const uint32_t RDB_DOCTOR_RULE_COUNT = RDB_COUNT_OF(RDB_DOCTOR_RULES);

const rdb_rule RDB_DIFF_RULES[] = {
#define RULE(id, severity, title, query) {id, title, RDB_SEVERITY_##severity, query},
#include "diag/diff_rules.def"
#undef RULE
};
const uint32_t RDB_DIFF_RULE_COUNT = RDB_COUNT_OF(RDB_DIFF_RULES);

#define PROFILES_CIS RDB_PROFILE_CIS
#define PROFILES_STIG RDB_PROFILE_STIG
#define PROFILES_BOTH (RDB_PROFILE_CIS | RDB_PROFILE_STIG)
const rdb_check RDB_COMPLY_CHECKS[] = {
#define CHECK(id, profiles, requirement, severity, title, query) {{id, title, RDB_SEVERITY_##severity, query}, PROFILES_##profiles, requirement},
#include "diag/comply_rules.def"
#undef CHECK
};
const uint32_t RDB_COMPLY_CHECK_COUNT = RDB_COUNT_OF(RDB_COMPLY_CHECKS);

#define RULE(id, severity, title, query) {id, title, RDB_SEVERITY_##severity, query},
#define QUESTION_BLOCKED
static const rdb_rule WHY_BLOCKED[] = {
#include "diag/why_rules.def"
};
#undef QUESTION_BLOCKED
#define QUESTION_FULL
static const rdb_rule WHY_FULL[] = {
#include "diag/why_rules.def"
};
#undef QUESTION_FULL
#define QUESTION_SLOW
static const rdb_rule WHY_SLOW[] = {
#include "diag/why_rules.def"
};
#undef QUESTION_SLOW
#undef RULE

const rdb_rule *rdb_diag_question(const char *question, uint32_t *rule_count)
{
    static const struct { const char *name; const rdb_rule *rules; uint32_t count; } QUESTIONS[] = {
        {"blocked", WHY_BLOCKED, RDB_COUNT_OF(WHY_BLOCKED)}, {"waiting", WHY_BLOCKED, RDB_COUNT_OF(WHY_BLOCKED)}, {"full", WHY_FULL, RDB_COUNT_OF(WHY_FULL)}, {"slow", WHY_SLOW, RDB_COUNT_OF(WHY_SLOW)}};
    for (size_t i = 0; i < RDB_COUNT_OF(QUESTIONS); i++)
        if (strcmp(question, QUESTIONS[i].name) == 0) {
            *rule_count = QUESTIONS[i].count;
            return QUESTIONS[i].rules;
        }
    return NULL;
}

const char *rdb_severity_text(rdb_severity severity)
{
    static const char *const TEXTS[] = {"notice", "warning", "critical"};
    return TEXTS[severity];
}

/* Graver before milder; of one rule in the order of its query, which stable insertion keeps. */
static void add_finding(rdb_arena *arena, rdb_list *findings, const rdb_finding *finding)
{
    rdb_finding *copy = RDB_NEW(arena, rdb_finding);
    *copy = *finding;
    rdb_list_push(arena, findings, copy);
    for (uint32_t i = findings->count - 1; i > 0 && ((const rdb_finding *)findings->items[i - 1])->rule->severity < copy->rule->severity; i--) {
        findings->items[i] = findings->items[i - 1];
        findings->items[i - 1] = copy;
    }
}

bool rdb_diag_judge(rdb_facts *facts, const rdb_rule *rules, uint32_t rule_count, rdb_arena *arena, rdb_list *findings, uint32_t *unjudged, rdb_error *err)
{
    *unjudged = 0;
    for (uint32_t i = 0; i < rule_count; i++) {
        rdb_list rows = {0};
        if (!rdb_facts_query(facts, rules[i].query, arena, &rows, err)) {
            if (!rdb_error_is(err, RDB_UNDEFINED_TABLE))
                return false;
            rdb_error_clear(err);
            ++*unjudged;
            continue;
        }
        for (uint32_t row_no = 0; row_no < rows.count; row_no++) {
            const char *const *row = rows.items[row_no];
            add_finding(arena, findings, &(rdb_finding){&rules[i], row[0] != NULL ? row[0] : "", row[1] != NULL ? row[1] : "", row[2] != NULL ? row[2] : ""});
        }
    }
    return rdb_arena_check(arena, err);
}
