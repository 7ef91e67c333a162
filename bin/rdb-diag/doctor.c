/* SPDX-License-Identifier: Apache-2.0
 * health and doctor: rules over the facts. Health asks those alone that are critical, and nothing of the single databases, so that a
 * load balancer may ask it every second. */
#include "diag.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void print_json(json_t *json)
{
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    puts(text != NULL ? text : "{}");
    free(text);
}

static void print_finding(const diag_work *work, const rdb_finding *finding)
{
    if (work->arguments->json) {
        print_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "rule", finding->rule->id, "severity", rdb_severity_text(finding->rule->severity), "title", finding->rule->title, "object", finding->object,
                             "evidence", finding->evidence, "fix", finding->fix));
        return;
    }
    printf("%-8s  %s\n          %s: %s\n", rdb_severity_text(finding->rule->severity), finding->rule->title, finding->object, finding->evidence);
    if (finding->fix[0] != '\0')
        printf("          do: %s\n", finding->fix);
    printf("          (%s)\n", finding->rule->id);
}

static rdb_severity gravest(const rdb_list *findings)
{
    return findings->count > 0 ? ((const rdb_finding *)findings->items[0])->rule->severity : RDB_SEVERITY_NOTICE;
}

int command_doctor(diag_work *work)
{
    rdb_list findings = {0};
    uint32_t unjudged = 0;
    if (!diag_gather(work, false) || !rdb_diag_judge(work->facts, RDB_DOCTOR_RULES, RDB_DOCTOR_RULE_COUNT, work->arena, &findings, &unjudged, &work->err))
        return diag_report(work);
    for (uint32_t i = 0; i < findings.count; i++)
        print_finding(work, findings.items[i]);
    const uint32_t missing = work->arguments->facts != NULL ? 0 : diag_tell_missing(work);
    if (work->arguments->json)
        print_json(json_pack("{s:i, s:i, s:i, s:i}", "rules", (int)RDB_DOCTOR_RULE_COUNT, "judged", (int)(RDB_DOCTOR_RULE_COUNT - unjudged), "findings", (int)findings.count, "not_collected", (int)missing));
    else
        printf("%u findings; %u of %u rules judged\n", findings.count, RDB_DOCTOR_RULE_COUNT - unjudged, RDB_DOCTOR_RULE_COUNT);
    return gravest(&findings) == RDB_SEVERITY_CRITICAL ? RDB_EXIT_DAMAGE : findings.count > 0 || missing > 0 ? RDB_EXIT_PARTIAL : RDB_EXIT_DONE;
}

int command_health(diag_work *work)
{
    rdb_list findings = {0};
    uint32_t unjudged = 0, critical = 0;
    if (!diag_gather(work, true) || !rdb_diag_judge(work->facts, RDB_DOCTOR_RULES, RDB_DOCTOR_RULE_COUNT, work->arena, &findings, &unjudged, &work->err))
        return diag_report(work);
    const bool answers = work->arguments->files_only || diag_server_answered(work);
    json_t *problems = json_array();
    for (uint32_t i = 0; i < findings.count; i++) {
        const rdb_finding *finding = findings.items[i];
        if (finding->rule->severity != RDB_SEVERITY_CRITICAL)
            break;
        critical++;
        json_array_append_new(problems, json_pack("{s:s, s:s, s:s}", "rule", finding->rule->id, "object", finding->object, "evidence", finding->evidence));
        if (!work->arguments->json)
            printf("%s: %s: %s\n", finding->rule->title, finding->object, finding->evidence);
    }
    const char *status = !answers ? "down" : critical > 0 ? "critical" : "ok";
    if (work->arguments->json)
        print_json(json_pack("{s:s, s:O}", "status", status, "problems", problems));
    else
        puts(status);
    json_decref(problems);
    return !answers ? RDB_EXIT_CONNECTION : critical > 0 ? RDB_EXIT_DAMAGE : RDB_EXIT_DONE;
}
