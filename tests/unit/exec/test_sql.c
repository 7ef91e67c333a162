/* SPDX-License-Identifier: Apache-2.0
 * Statements from text to rows, against what PostgreSQL 15 gave for the same statements (*.cases beside this file): "-- " and
 * the statement, then its rows, or what came before the error and the error. Each file starts with empty tables
 * t and u (a integer primary key, b integer, c text); a statement that fails changes nothing. */
#include "builder.h"

#include "sql/rdb_sql.h"

static instance the;

static int setup(void **state)
{
    (void)state;
    rdb_exec_register();
    instance_begin(&the);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    instance_end(&the);
    return 0;
}

static void tell_error(rdb_strbuf *out)
{
    rdb_strbuf_addf(out, "ERROR %s %s%s%s", the.err.sqlstate, rdb_error_message(&the.err), the.err.detail[0] ? " / " : "", the.err.detail);
    rdb_error_clear(&the.err);
}

static const char *run_text(maker *m, const char *text)
{
    rdb_ast_list list = {0};
    rdb_strbuf out;
    rdb_strbuf_init(&out, m->arena);
    rdb_strbuf_adds(&out, "");
    rdb_eval eval = {.access = m->s.access, .format = rdb_format_default(), .current_user = "admin", .session_user = "admin", .database_name = "rustydb", .txn = m->s.txn};
    rdb_analysis analysis = {.arena = m->arena, .access = m->s.access, .text = text, .format = rdb_format_default(), .session = &eval};
    const rdb_plan_context context = {.arena = m->arena, .access = m->s.access, .format = rdb_format_default(), .session = &eval};
    rdb_plan *plan = NULL;
    if (!rdb_sql_parse(m->arena, text, strlen(text), &list, &the.err) || !rdb_query_analyse(&analysis, list.items[0].body, &m->query, &the.err) ||
        !rdb_query_rewrite(&analysis, &m->query, &the.err) || !rdb_plan_make(&context, m->query, &plan, &the.err)) {
        tell_error(&out);
        return out.data;
    }
    return run_plan(m, plan, NULL, 0, 0, NULL);
}

static void run_cases(const char *name)
{
    static const uint32_t types[] = {RDB_INT4OID, RDB_INT4OID, RDB_TEXTOID};
    char path[256];
    maker m = maker_begin(&the);
    create_table(&m, "t", types, 3, true);
    create_table(&m, "u", types, 3, true);
    maker_end(&m, true);
    snprintf(path, sizeof path, "tests/unit/exec/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    rdb_arena *arena = rdb_arena_create("cases", NULL, NULL);
    rdb_strbuf all;
    rdb_strbuf_init(&all, arena);
    char line[4096];
    while (fgets(line, sizeof line, file) != NULL)
        rdb_strbuf_adds(&all, line);
    fclose(file);
    uint32_t count = 0, failed = 0;
    for (char *at = all.data, *next = NULL; at != NULL && *at != '\0'; at = next) {
        next = strstr(at + 1, "\n-- ");
        if (next != NULL)
            *next++ = '\0';
        char *statement = at + 3, *expected = strstr(statement, ";\n");
        assert_non_null(expected);
        expected[0] = '\0';
        expected += 2;
        m = maker_begin(&the);
        const char *given = run_text(&m, statement);
        size_t given_length = strlen(given), expected_length = strlen(expected);
        while (given_length > 0 && given[given_length - 1] == '\n')
            given_length--;
        while (expected_length > 0 && expected[expected_length - 1] == '\n')
            expected_length--;
        if (given_length != expected_length || memcmp(given, expected, given_length) != 0) {
            fprintf(stderr, "%s: %s\n  expected: %.*s\n  given:    %.*s\n", name, statement, (int)expected_length, expected, (int)given_length, given);
            failed++;
        }
        count++;
        maker_end(&m, strstr(given, "ERROR") == NULL);
    }
    rdb_arena_destroy(arena);
    assert_true(count > 30);
    assert_int_equal(failed, 0);
    m = maker_begin(&the);
    const char *const tables[] = {"t", "u"};
    for (int i = 0; i < 2; i++) {
        const rdb_relation *relation = NULL;
        MUST(&the, rdb_relation_find(m.s.access, NULL, tables[i], &relation, &the.err));
        const rdb_object_address object = {RDB_PG_CLASS, relation->oid, 0};
        MUST(&the, rdb_ddl_drop(m.s.access, &object, 1, true, NULL, NULL, &the.err));
    }
    maker_end(&m, true);
}

static void test_statements(void **state)
{
    (void)state;
    run_cases("statements.cases");
}

static void test_queries(void **state)
{
    (void)state;
    run_cases("queries.cases");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_statements), cmocka_unit_test(test_queries)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
