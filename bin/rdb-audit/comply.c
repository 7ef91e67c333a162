/* SPDX-License-Identifier: Apache-2.0
 * comply: checks of a profile over facts of the machine, the files and the server, with the command that mends what fails.
 * policy explain: the server is asked which policies would record a statement. Both connect to the instance's socket. */
#include "audit.h"
#include "options.h"

#include "diag/rdb_diag.h"
#include "instance/rdb_instance.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEADLINE_US = 30000000 };

/* The instance of --home, served; false: *exit_code, all is said. */
static bool take_place(audit_work *work, rdb_client_place *place, int *exit_code)
{
    const audit_arguments *a = work->arguments;
    const rdb_client_arguments server = {.home = a->home, .home_given = a->home_given, .user = a->user, .port = 5432, .tls = "prefer"};
    *exit_code = RDB_EXIT_USAGE;
    if (a->home == NULL) {
        rdb_options_refuse(work->program, "no instance was named: use --home DIR or set RUSTYDB_HOME");
        return false;
    }
    return rdb_client_place_take(place, work->program, &server, a->database != NULL ? a->database : "rustydb", exit_code);
}

/* ---- comply ---------------------------------------------------------------------------------------------------------------------------- */
static void print_check(const audit_work *work, const rdb_check *check, const char *status, const rdb_list *findings)
{
    const bool is_open = work->arguments->json || strcmp(status, "pass") != 0;
    if (work->arguments->json) {
        json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s}", "check", check->rule.id, "status", status, "severity", rdb_severity_text(check->rule.severity), "requirement", check->requirement, "title",
                                 check->rule.title);
        json_t *list = json_array();
        for (uint32_t i = 0; i < findings->count; i++) {
            const rdb_finding *finding = findings->items[i];
            json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "object", finding->object, "evidence", finding->evidence, "fix", finding->fix));
        }
        json_object_set_new(json, "findings", list);
        json_dumpf(json, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(json);
    } else if (is_open || !work->arguments->quiet) {
        printf("%-10s  %-8s  %s  (%s; %s)\n", status, rdb_severity_text(check->rule.severity), check->rule.title, check->rule.id, check->requirement);
        for (uint32_t i = 0; i < findings->count; i++) {
            const rdb_finding *finding = findings->items[i];
            printf("            %s: %s\n            do: %s\n", finding->object, finding->evidence, finding->fix);
        }
    }
}

int command_comply(audit_work *work)
{
    static const struct { const char *name; unsigned bit; } PROFILES[] = {{"cis", RDB_PROFILE_CIS}, {"stig", RDB_PROFILE_STIG}};
    const audit_arguments *a = work->arguments;
    rdb_client_place place = {0};
    rdb_facts *facts = NULL;
    unsigned profile = RDB_PROFILE_CIS | RDB_PROFILE_STIG, passed = 0, failed = 0, unjudged = 0;
    int exit_code;
    for (size_t i = 0; i < RDB_COUNT_OF(PROFILES) && a->profile != NULL; i++)
        if (strcmp(PROFILES[i].name, a->profile) == 0)
            profile = PROFILES[i].bit;
    if (!take_place(work, &place, &exit_code))
        return exit_code;
    place.only_served = true; /* one at rest is looked at by its files */
    char home[PATH_MAX];
    if (!rdb_instance_resolve(a->home, home, sizeof home, &work->err)) {
        rdb_client_place_free(&place);
        return audit_report_error(work);
    }
    const rdb_diag_scope scope = {.home = home, .place = &place, .deadline_us = rdb_time_monotonic_us() + DEADLINE_US};
    bool ok = rdb_facts_create(&facts, &work->err) && rdb_diag_collect(facts, &scope, &work->err);
    for (uint32_t i = 0; ok && i < RDB_COMPLY_CHECK_COUNT; i++) {
        const rdb_check *check = &RDB_COMPLY_CHECKS[i];
        rdb_list findings = {0};
        uint32_t missing = 0;
        if ((check->profiles & profile) == 0)
            continue;
        ok = rdb_diag_judge(facts, &check->rule, 1, work->arena, &findings, &missing, &work->err);
        if (!ok)
            break;
        unsigned *count = missing > 0 ? &unjudged : findings.count > 0 ? &failed : &passed;
        ++*count;
        print_check(work, check, missing > 0 ? "not judged" : findings.count > 0 ? "fail" : "pass", &findings);
    }
    rdb_facts_close(&facts);
    rdb_client_place_free(&place);
    if (!ok)
        return audit_report_error(work);
    if (a->json)
        printf("{\"checks\":%u,\"passed\":%u,\"failed\":%u,\"not_judged\":%u}\n", passed + failed + unjudged, passed, failed, unjudged);
    else
        printf("%u checks: %u pass, %u fail, %u not judged%s\n", passed + failed + unjudged, passed, failed, unjudged, unjudged > 0 ? " (serve the instance, and ask as a superuser)" : "");
    return failed > 0 ? RDB_EXIT_DAMAGE : unjudged > 0 ? RDB_EXIT_PARTIAL : RDB_EXIT_DONE;
}

/* ---- policy explain -------------------------------------------------------------------------------------------------------------------- */
int command_policy(audit_work *work)
{
    rdb_client_place place = {0};
    rdb_client *client = NULL;
    rdb_strbuf sql;
    rdb_list rows = {0};
    int exit_code;
    if (work->operands.count != 2 || strcmp(work->operands.items[0], "explain") != 0)
        return rdb_options_refuse(work->program, "policy takes: explain STATEMENT");
    if (!take_place(work, &place, &exit_code))
        return exit_code;
    rdb_strbuf_init(&sql, work->arena);
    rdb_strbuf_adds(&sql, "select rdb_audit_explain(");
    rdb_client_add_literal(&sql, work->operands.items[1]);
    rdb_strbuf_addc(&sql, ')');
    place.only_served = true;
    const bool is_open = rdb_client_connect(&client, &place, &RDB_CLIENT_SILENT, &exit_code, &work->err);
    const bool ok = is_open && rdb_strbuf_check(&sql, &work->err) && rdb_client_rows(client, sql.data, work->arena, &rows, &work->err);
    rdb_client_disconnect(&client, &place);
    rdb_client_place_free(&place);
    if (!ok) {
        const int code = audit_report_error(work);
        return !is_open ? exit_code : code == RDB_EXIT_GENERAL ? RDB_EXIT_SQL : code;
    }
    const char *text = rows.count > 0 ? *(const char *const *)rows.items[0] : NULL;
    for (const char *line = text; line != NULL && *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        const char *colon = memmem(line, length, ": ", 2);
        if (!work->arguments->json || colon == NULL) {
            printf("%.*s\n", (int)length, line);
        } else {
            json_t *json = json_pack("{s:s%, s:s%}", "policy", line, (size_t)(colon - line), "answer", colon + 2, length - (size_t)(colon - line) - 2);
            json_dumpf(json, stdout, JSON_COMPACT);
            putchar('\n');
            json_decref(json);
        }
        line += length + (line[length] == '\n');
    }
    return RDB_EXIT_DONE;
}
