/* SPDX-License-Identifier: Apache-2.0
 * why: the causes of a complaint, the likeliest first, each with what shows it and what ends it. diff: what changed from one bundle to
 * another, in the same form. */
#include "diag.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void print_cause(const diag_work *work, const rdb_finding *finding, const rdb_rule *previous)
{
    if (work->arguments->json) {
        json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s}", "cause", finding->rule->id, "title", finding->rule->title, "object", finding->object, "evidence", finding->evidence, "fix", finding->fix);
        char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
        puts(text != NULL ? text : "{}");
        free(text);
        return;
    }
    if (finding->rule != previous)
        printf("%s%s\n", finding->rule->severity == RDB_SEVERITY_CRITICAL ? "* " : finding->rule->severity == RDB_SEVERITY_WARNING ? "+ " : "- ", finding->rule->title);
    printf("    %s: %s\n", finding->object, finding->evidence);
    if (finding->fix[0] != '\0')
        printf("      do: %s\n", finding->fix);
}

static void print_causes(const diag_work *work, const rdb_list *findings)
{
    const rdb_rule *previous = NULL;
    for (uint32_t i = 0; i < findings->count; i++) {
        print_cause(work, findings->items[i], previous);
        previous = ((const rdb_finding *)findings->items[i])->rule;
    }
}

int command_why(diag_work *work)
{
    rdb_list findings = {0};
    uint32_t unjudged = 0, rule_count = 0;
    const rdb_rule *rules = work->operands.count == 1 ? rdb_diag_question(work->operands.items[0], &rule_count) : NULL;
    if (rules == NULL)
        return rdb_options_refuse(work->program, "why takes one of: blocked, full, slow, waiting");
    if (!diag_gather(work, false) || !rdb_diag_judge(work->facts, rules, rule_count, work->arena, &findings, &unjudged, &work->err))
        return diag_report(work);
    const uint32_t missing = work->arguments->facts != NULL ? 0 : diag_tell_missing(work);
    print_causes(work, &findings);
    const bool has_cause = findings.count > 0 && ((const rdb_finding *)findings.items[0])->rule->severity > RDB_SEVERITY_NOTICE;
    if (!has_cause && !work->arguments->json)
        printf("no cause was found%s\n", missing > 0 ? ", but not everything could be looked at" : "");
    return missing > 0 ? RDB_EXIT_PARTIAL : RDB_EXIT_DONE;
}

int command_diff(diag_work *work)
{
    rdb_list findings = {0};
    uint32_t unjudged = 0;
    if (work->operands.count != 2)
        return rdb_options_refuse(work->program, "diff takes two bundles: the earlier and the later");
    if (!rdb_facts_create(&work->facts, &work->err) || !rdb_facts_read(work->facts, work->operands.items[0], "a_", &work->err) || !rdb_facts_read(work->facts, work->operands.items[1], "b_", &work->err) ||
        !rdb_diag_judge(work->facts, RDB_DIFF_RULES, RDB_DIFF_RULE_COUNT, work->arena, &findings, &unjudged, &work->err))
        return diag_report(work);
    print_causes(work, &findings);
    if (findings.count == 0 && !work->arguments->json)
        puts("nothing changed");
    return unjudged > 0 ? RDB_EXIT_PARTIAL : RDB_EXIT_DONE;
}
