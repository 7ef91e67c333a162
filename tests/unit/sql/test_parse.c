/* SPDX-License-Identifier: Apache-2.0
 * The reader of statements: what trees it gives, which errors, and that no text, deep or long, can hurt it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <limits.h>
#include <pthread.h>

#include "sql/rdb_sql.h"

/* The dump of the only statement of a text, or the error as "SQLSTATE position message"; malloc'ed. */
static char *dump(const char *text, const rdb_sql_reading *reading)
{
    static const rdb_sql_reading STANDARD = {true, RDB_SQL_BACKSLASH_QUOTE_SAFE_ENCODING};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_ast_list statements;
    rdb_error err = {0};
    rdb_strbuf buf;
    rdb_strbuf_init(&buf, NULL);
    if (!rdb_sql_parse_reading(arena, text, strlen(text), reading == NULL ? &STANDARD : reading, &statements, &err))
        rdb_strbuf_addf(&buf, "%s %d %s", err.sqlstate, err.position, err.message);
    for (uint32_t at = 0; at < statements.count; at++)
        rdb_ast_print(&buf, statements.items[at].body);
    if (buf.data == NULL)
        rdb_strbuf_adds(&buf, "");
    char *copy = strdup(buf.data);
    rdb_strbuf_free(&buf);
    rdb_error_clear(&err);
    rdb_arena_destroy(arena);
    return copy;
}

#define CHECK_DUMP(text, expected)        \
    do {                                  \
        char *got_ = dump(text, NULL);    \
        assert_string_equal(got_, expected); \
        free(got_);                       \
    } while (0)

static void test_expressions(void **state)
{
    (void)state;
    CHECK_DUMP("select 1 + 2 * 3", "(select :targets ((target :value (op :name [\"+\"] :left (const 1) :right "
                                   "(op :name [\"*\"] :left (const 2) :right (const 3))))))");
    CHECK_DUMP("select -5, - a", "(select :targets ((target :value (const -5)) "
                                 "(target :value (op :name [\"-\"] :right (column :names [\"a\"])))))");
    CHECK_DUMP("select 1.50, 2147483648, 'x', null, true, b'01', x'1F'",
               "(select :targets ((target :value (const #1.50)) (target :value (const #2147483648)) "
               "(target :value (const \"x\")) (target :value (const null)) "
               "(target :value (const true)) "
               "(target :value (const %b01)) (target :value (const %x1F))))");
    CHECK_DUMP("select *, t.*, s.t.a", "(select :targets ((target :value (column :is_star)) (target :value (column "
                                       ":names [\"t\"] :is_star)) (target :value (column :names [\"s\" \"t\" \"a\"]))))");
    /* A chain of AND is one node. */
    CHECK_DUMP("select a and b and c or not d",
               "(select :targets ((target :value (bool :kind 1 :args ((bool :args ((column :names [\"a\"]) (column :names "
               "[\"b\"]) (column :names [\"c\"]))) (bool :kind 2 :args ((column :names [\"d\"]))))))))");
    CHECK_DUMP("select set_config('a', $2, x => 1)",
               "(select :targets ((target :value (call :name [\"set_config\"] :args ((const \"a\") (param :number 2) "
               "(named_arg :name \"x\" :arg (const 1)))))))");
}

static void test_distinct(void **state)
{
    (void)state;
    CHECK_DUMP("select a", "(select :targets ((target :value (column :names [\"a\"]))))");
    CHECK_DUMP("select distinct a", "(select :is_distinct :targets ((target :value (column :names [\"a\"]))))");
    CHECK_DUMP("select distinct on (b) a", "(select :is_distinct :distinct_on ((column :names [\"b\"])) "
                                           ":targets ((target :value (column :names [\"a\"]))))");
}

/* The three options of LIMIT have other numbers in the server's headers than in the library. */
static void test_limit_options(void **state)
{
    (void)state;
    CHECK_DUMP("select", "(select)");
    CHECK_DUMP("select limit 2", "(select :limit_count (const 2) :limit_option 1)");
    CHECK_DUMP("select order by 1 fetch first 2 rows with ties",
               "(select :sort ((sort :expr (const 1))) :limit_count (const 2) :limit_option 2)");
}

static void test_statements(void **state)
{
    (void)state;
    CHECK_DUMP("begin", "(transaction)");
    CHECK_DUMP("rollback to s", "(transaction :kind 6 :savepoint \"s\")");
    CHECK_DUMP("drop table if exists s.t, u cascade",
               "(drop :objects (((value \"s\") (value \"t\")) ((value \"u\"))) :object_type 41 :behavior 1 :missing_ok)");
    CHECK_DUMP("fetch backward all from c", "(fetch :direction 1 :count 9223372036854775807 :name \"c\")");
    CHECK_DUMP("alter table t alter a type int",
               "(alter_table :table (table :name \"t\" :inherits :persistence 'p') :commands ((alter_command :kind 15 "
               ":name \"a\" :def (column_def :type (type :names [\"pg_catalog\" \"int4\"] :typmod -1)))) "
               ":object_type 41)");
    CHECK_DUMP("insert into t values (1, default) returning a",
               "(insert :table (table :name \"t\" :inherits :persistence 'p') :query (select :values (((const 1) (default)))) "
               ":returning ((target :value (column :names [\"a\"]))))");
    CHECK_DUMP("", "");
    CHECK_DUMP(" ; -- nothing\n ;", "");
}

static void test_statement_ranges(void **state)
{
    (void)state;
    const char *text = "select 1;  select 'é;'; begin";
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_ast_list list;
    rdb_error err = {0};
    assert_true(rdb_sql_parse(arena, text, strlen(text), &list, &err));
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[0].start, 0);
    assert_int_equal(list.items[0].length, 8);
    assert_int_equal(list.items[1].start + list.items[1].length, strlen(text) - strlen("; begin"));
    assert_int_equal(list.items[2].start + list.items[2].length, strlen(text));
    /* A location is a byte, a position a character. */
    const rdb_ast_select *select = (const rdb_ast_select *)list.items[1].body;
    const rdb_ast_target *target = rdb_list_get(&select->targets, 0);
    assert_int_equal(target->node.location, strstr(text, "'é") - text);
    assert_int_equal(rdb_sql_position("éa", 3, 2), 2);
    assert_int_equal(rdb_sql_position("éa", 3, -1), 0);
    /* Only so many bytes are read. */
    assert_true(rdb_sql_parse(arena, text, 8, &list, &err));
    assert_int_equal(list.count, 1);
    rdb_arena_destroy(arena);
}

static void test_errors(void **state)
{
    (void)state;
    CHECK_DUMP("selct 1", "42601 1 syntax error at or near \"selct\"");
    CHECK_DUMP("select 'é' from", "42601 16 syntax error at end of input");
    CHECK_DUMP("select 1; select 2 3", "42601 20 syntax error at or near \"3\"");
    CHECK_DUMP("select 'a", "42601 8 unterminated quoted string at or near \"'a\"");
    CHECK_DUMP("select /* a", "42601 8 unterminated /* comment at or near \"/* a\"");
    CHECK_DUMP("select \"\"", "42601 8 zero-length delimited identifier at or near \"\"\"\"");
    CHECK_DUMP("select 0x10", "42601 8 trailing junk after numeric literal at or near \"0x\"");
    CHECK_DUMP("select E'\\u12'", "22025 10 invalid Unicode escape");
    CHECK_DUMP("select U&'\\zz'", "42601 11 invalid Unicode escape");
    CHECK_DUMP("select sum(a) over (rows between current row and 1 preceding) from t",
               "42P20 50 frame starting from current row cannot have preceding rows");
    CHECK_DUMP("create table t (a float(60))", "22023 25 precision for type float must be less than 54 bits");
    CHECK_DUMP("create tablespace x location 'y'", "0A000 0 CREATE TABLESPACE is not supported");
    CHECK_DUMP("select xmlforest(a)", "0A000 8 unsupported XML feature");
}

/* The library takes $n where PostgreSQL's grammar wants a literal. */
static void test_params_where_postgresql_has_none(void **state)
{
    (void)state;
    CHECK_DUMP("set x = $1", "42601 9 syntax error at or near \"$1\"");
    CHECK_DUMP("alter role x password $1", "42601 23 syntax error at or near \"$1\"");
    CHECK_DUMP("select extract($1 from now())", "42601 16 syntax error at or near \"$1\"");
    CHECK_DUMP("select interval $1, extract($2 from x)", "42601 17 syntax error at or near \"$1\"");
    CHECK_DUMP("select interval $1", "42601 17 syntax error at or near \"$1\"");
    CHECK_DUMP("select cast($1 as interval)",
               "(select :targets ((target :value (cast :arg (param :number 1) :type "
               "(type :names [\"pg_catalog\" \"interval\"] :typmod -1)))))");
}

static void test_settings_of_the_scanner(void **state)
{
    (void)state;
    rdb_sql_reading reading = {true, RDB_SQL_BACKSLASH_QUOTE_SAFE_ENCODING};
    char *got = dump("select 'a\\nb'", &reading);
    assert_string_equal(got, "(select :targets ((target :value (const \"a\\\\nb\"))))");
    free(got);
    reading.standard_conforming_strings = false;
    got = dump("select 'a\\nb'", &reading);
    assert_string_equal(got, "(select :targets ((target :value (const \"a\\nb\"))))");
    free(got);
    reading.backslash_quote = RDB_SQL_BACKSLASH_QUOTE_OFF;
    got = dump("select E'a\\'b'", &reading);
    assert_memory_equal(got, "22P06", 5);
    free(got);
    /* The thread's next parse is a standard one again. */
    CHECK_DUMP("select E'a\\'b'", "(select :targets ((target :value (const \"a'b\"))))");
}

static char *repeat(const char *head, const char *item, size_t count, const char *tail)
{
    size_t item_length = strlen(item);
    char *text = malloc(strlen(head) + count * item_length + strlen(tail) + 1), *at = text;
    at = stpcpy(at, head);
    for (size_t n = 0; n < count; n++)
        at = stpcpy(at, item);
    stpcpy(at, tail);
    return text;
}

static void check_shape(const char *head, const char *item, size_t count, const char *tail, const char *opening)
{
    char *text = repeat(head, item, count, tail);
    char *got = dump(text, NULL);
    if (strncmp(got, opening, strlen(opening)) != 0)
        fail_msg("%.100s", got);
    free(got);
    free(text);
}

static void test_depth_is_limited(void **state)
{
    (void)state;
    check_shape("select 1", "+1", 1000, "", "(select");
    check_shape("select 1", "+1", RDB_SQL_DEPTH_MAX + 1, "", "54001 0 stack depth limit exceeded");
    check_shape("select 1", "+1", 100000, "", "54001 0 stack depth limit exceeded");
    check_shape("select ", "not ", 5000, "a", "54001");
    check_shape("select ", "(", 100000, "", "42601");
    check_shape("select 1", " union select 1", 5000, "", "54001");
    check_shape("select a", " and a", 100000, "", "(select"); /* flat */
}

static void test_long_statements(void **state)
{
    (void)state;
    char *text = repeat("select * from t where a in (0", ", 17", 10000, ")");
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_ast_list list;
    rdb_error err = {0};
    assert_true(rdb_sql_parse(arena, text, strlen(text), &list, &err));
    const rdb_ast_op *op = (const rdb_ast_op *)((const rdb_ast_select *)list.items[0].body)->where;
    const rdb_ast_items *right = (const rdb_ast_items *)op->right;
    assert_int_equal(right->node.tag, RDB_AST_LIST);
    assert_int_equal(right->items.count, 10001);
    assert_int_equal(((const rdb_ast_value *)rdb_list_get(&right->items, 10000))->integer, 17);
    free(text);
    text = repeat("select '", "0123456789", 300000, "'");
    assert_true(rdb_sql_parse(arena, text, strlen(text), &list, &err));
    const rdb_ast_target *target = rdb_list_get(&((const rdb_ast_select *)list.items[0].body)->targets, 0);
    assert_int_equal(strlen(((const rdb_ast_value *)target->value)->text), 3000000);
    free(text);
    assert_false(rdb_sql_parse(arena, "select \0 1", 10, &list, &err));
    assert_string_equal(err.sqlstate, "22021");
    rdb_error_clear(&err);
    rdb_arena_destroy(arena);
}

static void *parse_once(void *result)
{
    char *got = dump("select a from t where b = $1", NULL);
    *(bool *)result = strncmp(got, "(select", 7) == 0;
    free(got);
    got = dump("select from from", NULL);
    *(bool *)result &= strncmp(got, "42601", 5) == 0;
    free(got);
    return NULL;
}

/* Threads that parse and end leave no pthread key behind: the process has 1,024 of them. */
static void test_short_lived_threads(void **state)
{
    (void)state;
    for (int n = 0; n < 1100; n++) {
        pthread_t thread;
        bool ok = false;
        assert_int_equal(pthread_create(&thread, NULL, parse_once, &ok), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(ok);
    }
    pthread_key_t keys[900];
    for (int n = 0; n < 900; n++)
        assert_int_equal(pthread_key_create(&keys[n], NULL), 0);
    for (int n = 0; n < 900; n++)
        pthread_key_delete(keys[n]);
}

/* The pieces of a script, each in <>, and how it ended. */
static void check_cut(const char *script, const char *expected, rdb_sql_cut_end expected_end)
{
    rdb_strbuf buf;
    rdb_strbuf_init(&buf, NULL);
    rdb_strbuf_adds(&buf, "");
    size_t length = strlen(script);
    rdb_sql_piece piece = {0};
    rdb_sql_cut_end end;
    for (size_t at = 0;; at += piece.next) {
        end = rdb_sql_cut(script + at, length - at, true, &piece);
        if (piece.length > 0) {
            rdb_strbuf_addc(&buf, '<');
            rdb_strbuf_add(&buf, script + at + piece.start, piece.length);
            rdb_strbuf_addc(&buf, '>');
        }
        if (end != RDB_SQL_CUT_SEMICOLON)
            break;
    }
    assert_string_equal(buf.data, expected);
    assert_int_equal(end, expected_end);
    rdb_strbuf_free(&buf);
}

static void test_cut(void **state)
{
    (void)state;
    check_cut("", "", RDB_SQL_CUT_NOTHING);
    check_cut(" ; ;-- a;\n /* b; /* c; */ ; */ ;", "", RDB_SQL_CUT_NOTHING);
    check_cut("select 1; begin", "<select 1><begin>", RDB_SQL_CUT_TEXT);
    check_cut("select ';' ; selct $$;$$ /*;*/; x", "<select ';'><selct $$;$$><x>", RDB_SQL_CUT_TEXT);
    check_cut("select 'a;''b;', \"c;\"\"d;\"; -- x", "<select 'a;''b;', \"c;\"\"d;\">", RDB_SQL_CUT_NOTHING);
    check_cut("select 'a\\'; b;", "<select 'a\\'><b>", RDB_SQL_CUT_NOTHING);
    check_cut("select E'a\\'; b'; c;", "<select E'a\\'; b'><c>", RDB_SQL_CUT_NOTHING);
    check_cut("select $a$ $b$; $a$; $1; a$b$c; 1$$x;", "<select $a$ $b$; $a$><$1><a$b$c><1$$x>", RDB_SQL_CUT_NOTHING);
    check_cut("create rule r as on insert to t do (a; b); c", "<create rule r as on insert to t do (a; b)><c>",
              RDB_SQL_CUT_TEXT);
    check_cut("create or replace function f() begin atomic select case when a then 1 end; b; end; begin; end;",
              "<create or replace function f() begin atomic select case when a then 1 end; b; end><begin><end>",
              RDB_SQL_CUT_NOTHING);
    check_cut("a; 'b", "<a><'b>", RDB_SQL_CUT_IN_QUOTE);
    check_cut("a \"b", "<a \"b>", RDB_SQL_CUT_IN_NAME);
    check_cut("a $x$ b $y$", "<a $x$ b $y$>", RDB_SQL_CUT_IN_DOLLAR);
    check_cut("a /* /* */ b", "<a>", RDB_SQL_CUT_IN_COMMENT);
    check_cut("a (b; c", "<a (b; c>", RDB_SQL_CUT_IN_BRACKETS);
    check_cut("E'\\", "<E'\\>", RDB_SQL_CUT_IN_QUOTE);
}

static void test_fingerprint(void **state)
{
    (void)state;
    uint64_t one, two, three;
    rdb_error err = {0};
    assert_true(rdb_sql_fingerprint("select a from t where b = 1", 27, &one, &err));
    assert_true(rdb_sql_fingerprint("SELECT a FROM t  WHERE b=22", 27, &two, &err));
    assert_true(rdb_sql_fingerprint("select b from t where b = 1", 27, &three, &err));
    assert_int_equal(one, two);
    assert_int_not_equal(one, three);
    assert_false(rdb_sql_fingerprint("selct", 5, &one, &err));
    assert_string_equal(err.sqlstate, "42601");
    rdb_error_clear(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_distinct),
        cmocka_unit_test(test_limit_options),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_statement_ranges),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_params_where_postgresql_has_none),
        cmocka_unit_test(test_settings_of_the_scanner),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_long_statements),
        cmocka_unit_test(test_short_lived_threads),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
