/* SPDX-License-Identifier: Apache-2.0
 * Policies: how statements about them are read, which records they ask for, and that no text makes the reader leave its bounds. */
#include "audit/rdb_audit_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static rdb_audit_policy_statement read_text(rdb_arena *arena, const char *text, bool expected, const char *code)
{
    rdb_audit_policy_statement s;
    rdb_error err = {0};
    bool found = false;
    const bool ok = rdb_audit_policy_read(arena, text, strlen(text), &s, &found, &err);
    if (found != expected || ok != (code == NULL) || (code != NULL && strcmp(err.sqlstate, code) != 0))
        fail_msg("\"%s\": found %d, %s %s", text, found, err.sqlstate, rdb_error_message(&err));
    rdb_error_clear(&err);
    return s;
}

static void test_statements_are_read(void **state)
{
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    (void)state;
    rdb_audit_policy_statement s =
        read_text(arena, "CREATE AUDIT POLICY \"My P\" ACTIONS select (Salary, \"B\") ON hr.Emp, drop table, all ON x /* c */ WHEN 'rows > 5' EVALUATE PER STATEMENT;", true, NULL);
    assert_int_equal(s.verb, RDB_AUDIT_CREATE);
    assert_string_equal(s.name, "My P");
    assert_int_equal(s.actions.count, 3);
    assert_string_equal(s.actions.items[0], "SELECT(salary,B) ON hr.emp");
    assert_string_equal(s.actions.items[1], "DROP TABLE");
    assert_string_equal(s.actions.items[2], "ALL ON x");
    assert_string_equal(s.condition, "rows > 5");
    s = read_text(arena, "audit policy p except joe, ann whenever not successful", true, NULL);
    assert_true(s.verb == RDB_AUDIT_ENABLE && s.excepts && s.on_failure && !s.on_success && s.roles.count == 2);
    s = read_text(arena, "noaudit policy p by joe", true, NULL);
    assert_true(s.verb == RDB_AUDIT_DISABLE && s.roles.count == 1);
    assert_int_equal(read_text(arena, "alter audit policy p drop actions select on t", true, NULL).verb, RDB_AUDIT_REMOVE);
    assert_int_equal(read_text(arena, "drop audit policy p", true, NULL).verb, RDB_AUDIT_DROP);
    read_text(arena, "create policy p on t", false, NULL);
    read_text(arena, "drop table audit", false, NULL);
    read_text(arena, "audit", false, NULL);
    read_text(arena, "create audit policy p", true, "42601");
    read_text(arena, "create audit policy p actions select on t when colour = 'red'", true, "42601");
    read_text(arena, "create audit policy p actions select on t when 'rows > '", true, "42601");
    read_text(arena, "audit policy p whenever", true, "42601");
    rdb_arena_destroy(arena);
}

typedef struct question {
    const char *action_list; /* by ; */
    const char *condition, *roles;
    bool excepts, on_success, on_failure;
    bool asks;
} question;

static rdb_audit_facts facts_of(void)
{
    static const char *const columns[] = {"id", "salary"};
    static const rdb_audit_object objects[] = {{.schema = "hr", .name = "emp", .columns = columns, .column_count = 2, .access = "SELECT "},
                                               {.schema = "public", .name = "log", .access = "INSERT "}};
    return (rdb_audit_facts){.class = RDB_AUDIT_WRITE, .action = "INSERT", .login = "joe", .role = "clerk", .database = "shop", .client = "10.1.2.3:4000", .application = "psql",
                             .session = "1.2", .code = "", .statement = "insert into log select salary from hr.emp", .rows = 20, .objects = objects, .object_count = 2};
}

static bool ask(const rdb_audit_facts *facts, const question *q)
{
    const char *actions[8], *roles[8];
    uint32_t action_count = 0, role_count = 0;
    rdb_audit_policies *policies;
    rdb_error err = {0};
    rdb_strbuf text;
    char copy[200], role_copy[100];
    snprintf(copy, sizeof copy, "%s", q->action_list);
    snprintf(role_copy, sizeof role_copy, "%s", q->roles != NULL ? q->roles : "");
    for (char *item = strtok(copy, ";"); item != NULL; item = strtok(NULL, ";"))
        actions[action_count++] = item;
    for (char *item = strtok(role_copy, ";"); item != NULL; item = strtok(NULL, ";"))
        roles[role_count++] = item;
    assert_true(rdb_audit_policies_create(&policies, &err));
    if (!rdb_audit_policies_add(policies, "p", actions, action_count, q->condition, roles, role_count, q->excepts, q->on_success, q->on_failure, &err))
        fail_msg("%s", rdb_error_message(&err));
    rdb_strbuf_init(&text, NULL);
    const bool asks = rdb_audit_policies_match(policies, facts, &text);
    assert_string_equal(text.data != NULL ? text.data : "", asks ? ",\"policies\":[\"p\"]" : "");
    rdb_strbuf_free(&text);
    rdb_audit_policies_destroy(&policies);
    return asks;
}

static void test_what_is_asked_for(void **state)
{
    static const question questions[] = {
        {"ALL", NULL, NULL, false, true, true, true},
        {"INSERT", NULL, NULL, false, true, false, true},
        {"INSERT", NULL, NULL, false, false, true, false},
        {"WRITE", NULL, NULL, false, true, true, true},
        {"READ", NULL, NULL, false, true, true, false},
        {"SELECT", NULL, NULL, false, true, true, true},
        {"DELETE", NULL, NULL, false, true, true, false},
        {"SELECT ON hr.emp", NULL, NULL, false, true, true, true},
        {"SELECT ON emp", NULL, NULL, false, true, true, true},
        {"SELECT ON public.emp", NULL, NULL, false, true, true, false},
        {"SELECT ON log", NULL, NULL, false, true, true, false},
        {"INSERT ON log", NULL, NULL, false, true, true, true},
        {"INSERT ON emp", NULL, NULL, false, true, true, false},
        {"ALL ON emp", NULL, NULL, false, true, true, true},
        {"SELECT(salary) ON emp", NULL, NULL, false, true, true, true},
        {"SELECT(name) ON emp", NULL, NULL, false, true, true, false},
        {"SELECT(salary)", NULL, NULL, false, true, true, true},
        {"SELECT(name)", NULL, NULL, false, true, true, false},
        {"DROP TABLE;INSERT ON l*", NULL, NULL, false, true, true, true},
        {"DROP TABLE;CREATE ANY", NULL, NULL, false, true, true, false},
        {"INSERT", NULL, "joe", false, true, true, true},
        {"INSERT", NULL, "clerk", false, true, true, true},
        {"INSERT", NULL, "ann;bob", false, true, true, false},
        {"INSERT", NULL, "ann;bob", true, true, true, true},
        {"INSERT", NULL, "ann;joe", true, true, true, false},
        {"INSERT", "rows > 5 and client like '10.%'", NULL, false, true, true, true},
        {"INSERT", "rows > 50 or application in ('x', 'psql')", NULL, false, true, true, true},
        {"INSERT", "not (rows >= 20)", NULL, false, true, true, false},
        {"INSERT", "SYS_CONTEXT('USERENV', 'SESSION_USER') <> 'joe'", NULL, false, true, true, false},
        {"INSERT", "code is null", NULL, false, true, true, true},
        {"INSERT", "database not like 'sh_p'", NULL, false, true, true, false},
    };
    (void)state;
    for (size_t i = 0; i < RDB_COUNT_OF(questions); i++) {
        const rdb_audit_facts facts = facts_of();
        if (ask(&facts, &questions[i]) != questions[i].asks)
            fail_msg("question %zu: %s", i, questions[i].action_list);
    }
    rdb_audit_facts drop = facts_of();
    drop.class = RDB_AUDIT_DDL;
    drop.action = "DROP TABLE";
    drop.object_count = 0;
    assert_true(ask(&drop, &(question){"DROP TABLE;CREATE ANY", NULL, "admin;joe", false, true, false, true}));
    drop.action = "CREATE INDEX";
    assert_true(ask(&drop, &(question){"DROP TABLE;CREATE ANY", NULL, NULL, false, true, false, true}));
    drop.class = RDB_AUDIT_SESSION;
    drop.action = "LOGIN";
    drop.failed = true;
    assert_true(ask(&drop, &(question){"LOGON", NULL, NULL, false, false, true, true}));
}

/* Any beginning of a statement, with any byte of it changed: an answer, never a word beyond its end. */
static void test_reader_is_bounded(void **state)
{
    static const char text[] = "create audit policy p actions select (a, \"b\") on t.u, all when not (rows > 5 or client like '10.%' and role in ('a', 'b')) evaluate per statement";
    (void)state;
    for (size_t length = 0; length <= strlen(text); length++)
        for (unsigned n = 0; n < 12; n++) {
            rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
            rdb_audit_policy_statement s;
            rdb_error err = {0};
            bool found;
            char *copy = malloc(length + 1);
            memcpy(copy, text, length);
            if (n > 0 && length > 0)
                copy[(length * n * 7) % length] = "'\"(),;*x<\xff-/"[n];
            if (!rdb_audit_policy_read(arena, copy, length, &s, &found, &err))
                rdb_error_clear(&err);
            free(copy);
            rdb_arena_destroy(arena);
        }
    char deep[1000];
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    memset(deep, '(', sizeof deep);
    memcpy(deep, "create audit policy p actions all when ", 39);
    deep[999] = '\0';
    read_text(arena, deep, true, "54001");
    rdb_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_statements_are_read), cmocka_unit_test(test_what_is_asked_for), cmocka_unit_test(test_reader_is_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
