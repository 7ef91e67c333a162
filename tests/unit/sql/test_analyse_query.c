/* SPDX-License-Identifier: Apache-2.0
 * Queries analysed over the real built-in catalog: the names and types of their columns, which tell what every function and
 * operator was taken for, and the errors with SQLSTATE, position and hint. The expectations are PostgreSQL 15's answers to
 * the same texts (\\gdesc, and the error as it came). */
#include <stdio.h>

#include "../catalog/fixture.h"
#include "expr/rdb_expr.h"
#include "sql/rdb_query.h"
#include "sql/rdb_sql.h"

typedef struct expectation {
    const char *text, *answer;
} expectation;

static const expectation COLUMNS[] = {
    {"select 1+1",
     "?column? integer"},
    {"select 1+'2'",
     "?column? integer"},
    {"select 1::int2 + 1::int8, 1 + 1.5, 1 + 1.5::float8",
     "?column? bigint, ?column? numeric, ?column? double precision"},
    {"select 2147483648, 9223372036854775808, 1e3, -9223372036854775808",
     "?column? bigint, ?column? numeric, ?column? numeric, ?column? bigint"},
    {"select 'a', null, true",
     "?column? text, ?column? text, ?column? boolean"},
    {"select 'a' || 1, 1 || 'a', 'a' || 'b'",
     "?column? text, ?column? text, ?column? text"},
    {"select 1 = 1.0, 'a' < 'b', 1 < '2'",
     "?column? boolean, ?column? boolean, ?column? boolean"},
    {"select date '2020-01-01' + 1, date '2020-01-01' - date '2019-01-01', date '2020-01-01' + interval '1 day'",
     "?column? date, ?column? integer, ?column? timestamp without time zone"},
    {"select timestamp '2020-01-01' - timestamp '2019-01-01', now() - interval '1 day'",
     "?column? interval, ?column? timestamp with time zone"},
    {"select round(1.5), round(1.567, 2), ceil(1.2), floor(1.2::float8), abs(-1)",
     "round numeric, round numeric, ceil numeric, floor double precision, abs integer"},
    {"select length('abc'), upper('a'), lower('B') as low, substring('abc' from 2 for 1)",
     "length integer, upper text, low text, substring text"},
    {"select sum(1), sum(1::int8), sum(1.5), sum(1::float8), avg(1), count(*), max('a')",
     "sum bigint, sum numeric, sum numeric, sum double precision, avg numeric, count bigint, max text"},
    {"select coalesce(1, 2.5), coalesce(null, 'x'), greatest(1, 2.5), nullif(1, 2)",
     "coalesce numeric, coalesce text, greatest numeric, nullif integer"},
    {"select case when true then 1 else 2.5 end, case 1 when 1 then 'x' end",
     "case numeric, case text"},
    {"select array[1, 2.5], array['a'], array[[1],[2]], array[]::text[]",
     "array numeric[], array text[], array integer[], array text[]"},
    {"select (array[1,2])[1], (array[1,2])[1:1]",
     "array integer, array integer[]"},
    {"select array[1] || 2, array_append(array[1], 2), array_length(array[1], 1)",
     "?column? integer[], array_append integer[], array_length integer"},
    {"select 1 in (1, 2), 1 = any(array[1]), 1 between 0 and 2, 'a' like 'b'",
     "?column? boolean, ?column? boolean, ?column? boolean, ?column? boolean"},
    {"select row(1, 2) = row(1, 2), row(1, 2) < row(1, 3)",
     "?column? boolean, ?column? boolean"},
    {"select exists(select 1), (select 1 as q), array(select 1)",
     "exists boolean, q integer, array integer[]"},
    {"select 'x'::varchar(3), 1.5::numeric(5,2), 'x'::char(2), '1'::int",
     "varchar character varying(3), numeric numeric(5,2), bpchar character(2), int4 integer"},
    {"select current_date, current_timestamp, localtime(0), current_user",
     "current_date date, current_timestamp timestamp with time zone, localtime time(0) without time zone, current_user name"},
    {"select relname, oid as o, c.relkind from pg_class c",
     "relname name, o oid, relkind \"char\""},
    {"select * from (values (1, 'a'), (2.5, 'b')) v(n, t)",
     "n numeric, t text"},
    {"select n.nspname, count(*) from pg_namespace n group by n.nspname",
     "nspname name, count bigint"},
    {"select n.nspname, n.oid, count(*) from pg_namespace n group by n.oid, n.nspname having count(*) > 0",
     "nspname name, oid oid, count bigint"},
    {"select 1 union select 2.5",
     "?column? numeric"},
    {"select null union all select 1",
     "?column? integer"},
    {"select 'a' union select 'b' order by 1",
     "?column? text"},
    {"with w(a) as (select 1), v as (select a + 1.5 as b from w) select * from v",
     "b numeric"},
    {"with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select n from r",
     "n integer"},
    {"select * from generate_series(1, 3) g(x)",
     "x integer"},
    {"select * from generate_series(1, 3) with ordinality",
     "generate_series integer, ordinality bigint"},
    {"select a.nspname, b.relname from pg_namespace a join pg_class b on b.relnamespace = a.oid",
     "nspname name, relname name"},
    {"select oid from pg_class join pg_index on oid = indexrelid",
     "oid oid"},
    {"select row_number() over (order by relname), sum(oid::int8) over (partition by relkind) from pg_class",
     "row_number bigint, sum numeric"},
    {"select string_agg(nspname, ',' order by nspname) from pg_namespace",
     "string_agg text"},
    {"select x.* from pg_namespace n, lateral (select n.nspname || 'x' as y) x",
     "y text"},
    {"select distinct on (relkind) relkind, relname from pg_class order by relkind, relname",
     "relkind \"char\", relname name"},
    {"select extract(year from date '2020-01-01'), date_part('year', now())",
     "extract numeric, date_part double precision"},
    {"select make_date(year => 2020, month => 1, day => 2)",
     "make_date date"},
    {"select now() at time zone 'UTC', timestamp '2020-01-01' at time zone 'UTC'",
     "timezone timestamp without time zone, timezone timestamp with time zone"},
    {"select 'pg_class'::regclass, 1259::regclass::text",
     "regclass regclass, text text"},
};

static const expectation ERRORS[] = {
    {"select 1 + text 'a'",
     "42883 10 operator does not exist: integer + text / No operator matches the given name and argument types. You might need to add explicit type casts."},
    {"select nosuch",
     "42703 8 column \"nosuch\" does not exist"},
    {"select c.nosuch from pg_class c",
     "42703 8 column c.nosuch does not exist"},
    {"select relnam from pg_class",
     "42703 8 column \"relnam\" does not exist / Perhaps you meant to reference the column \"pg_class.relname\" or the column \"pg_class.relam\"."},
    {"select foo.a from pg_class",
     "42P01 8 missing FROM-clause entry for table \"foo\""},
    {"select pg_class.relname from pg_class x",
     "42P01 8 invalid reference to FROM-clause entry for table \"pg_class\" / Perhaps you meant to reference the table alias \"x\"."},
    {"select f(1)",
     "42883 8 function f(integer) does not exist / No function matches the given name and argument types. You might need to add explicit type casts."},
    {"select upper(1)",
     "42883 8 function upper(integer) does not exist / No function matches the given name and argument types. You might need to add explicit type casts."},
    {"select '1' + '2'",
     "42725 12 operator is not unique: unknown + unknown / Could not choose a best candidate operator. You might need to add explicit type casts."},
    {"select - 'a'",
     "42725 8 operator is not unique: - unknown / Could not choose a best candidate operator. You might need to add explicit type casts."},
    {"select length(1, 2)",
     "42883 8 function length(integer, integer) does not exist / No function matches the given name and argument types. You might need to add explicit type casts."},
    {"select case when 1 then 2 end",
     "42804 18 argument of CASE/WHEN must be type boolean, not type integer"},
    {"select coalesce(1, 'x')",
     "22P02 20 invalid input syntax for type integer: \"x\""},
    {"select coalesce(1, true)",
     "42804 20 COALESCE types integer and boolean cannot be matched"},
    {"select array[]",
     "42P18 8 cannot determine type of empty array / Explicitly cast to the desired type, for example ARRAY[]::integer[]."},
    {"select array[1, true]",
     "42804 17 ARRAY types integer and boolean cannot be matched"},
    {"select 1[1]",
     "42601 9 syntax error at or near \"[\""},
    {"select (1).a",
     "42809 9 column notation .a applied to type integer, which is not a composite type"},
    {"select date '2020-13-01'",
     "22008 13 date/time field value out of range: \"2020-13-01\" / Perhaps you need a different \"datestyle\" setting."},
    {"select 'x'::int",
     "22P02 8 invalid input syntax for type integer: \"x\""},
    {"select 1::date",
     "42846 9 cannot cast type integer to date"},
    {"select 1::nosuch",
     "42704 11 type \"nosuch\" does not exist"},
    {"select row(1, 2) = row(1)",
     "42601 18 unequal number of entries in row expressions"},
    {"select (select 1, 2)",
     "42601 8 subquery must return only one column"},
    {"select relname from pg_class where count(*) > 1",
     "42803 36 aggregate functions are not allowed in WHERE"},
    {"select relname, count(*) from pg_class",
     "42803 8 column \"pg_class.relname\" must appear in the GROUP BY clause or be used in an aggregate function"},
    {"select sum(sum(1))",
     "42803 12 aggregate function calls cannot be nested"},
    {"select relname from pg_class group by count(*)",
     "42803 39 aggregate functions are not allowed in GROUP BY"},
    {"select sum(relname) from pg_class",
     "42883 8 function sum(name) does not exist / No function matches the given name and argument types. You might need to add explicit type casts."},
    {"select count()",
     "42809 8 count(*) must be used to call a parameterless aggregate function"},
    {"select abs(*)",
     "42883 8 function abs() does not exist / No function matches the given name and argument types. You might need to add explicit type casts."},
    {"select abs(distinct 1)",
     "42809 8 DISTINCT specified, but abs is not an aggregate function"},
    {"select row_number()",
     "42809 8 window function row_number requires an OVER clause"},
    {"select row_number() over w",
     "42704 26 window \"w\" does not exist"},
    {"select 1 where row_number() over () = 1",
     "42P20 16 window functions are not allowed in WHERE"},
    {"select relname from pg_class where relname",
     "42804 36 argument of WHERE must be type boolean, not type name"},
    {"select relname from pg_class where relname + 1",
     "42883 44 operator does not exist: name + integer / No operator matches the given name and argument types. You might need to add explicit type casts."},
    {"select not 1",
     "42804 12 argument of NOT must be type boolean, not type integer"},
    {"select relname from pg_class limit relnatts",
     "42P10 36 argument of LIMIT must not contain variables"},
    {"select relname from pg_class order by 2",
     "42P10 39 ORDER BY position 2 is not in select list"},
    {"select relname from pg_class order by 'x'",
     "42601 39 non-integer constant in ORDER BY"},
    {"select distinct relkind from pg_class order by relname",
     "42P10 48 for SELECT DISTINCT, ORDER BY expressions must appear in select list"},
    {"select distinct on (relkind) relkind from pg_class order by relname",
     "42P10 21 SELECT DISTINCT ON expressions must match initial ORDER BY expressions"},
    {"select relname as q, relkind as q from pg_class order by q",
     "42702 58 ORDER BY \"q\" is ambiguous"},
    {"select 1 union select 'a'",
     "22P02 23 invalid input syntax for type integer: \"a\""},
    {"select 1 union select 1, 2",
     "42601 23 each UNION query must have the same number of columns"},
    {"select relname from pg_class union select 'a' order by relname || 'x'",
     "0A000 56 invalid UNION/INTERSECT/EXCEPT ORDER BY clause / Add the expression/function to every SELECT, or move the UNION into a FROM clause."},
    {"values (1), (1, 2)",
     "42601 14 VALUES lists must all be the same length"},
    {"select * from pg_class, pg_class",
     "42712 0 table name \"pg_class\" specified more than once"},
    {"select oid from pg_class, pg_namespace",
     "42702 8 column reference \"oid\" is ambiguous"},
    {"select * from pg_class join pg_namespace using (nosuch)",
     "42703 0 column \"nosuch\" specified in USING clause does not exist in left table"},
    {"select * from nosuch",
     "42P01 15 relation \"nosuch\" does not exist"},
    {"select * from nosuch.t",
     "42P01 15 relation \"nosuch.t\" does not exist"},
    {"select * from pg_class c, (select c.oid) x",
     "42P01 35 invalid reference to FROM-clause entry for table \"c\" / There is an entry for table \"c\", but it cannot be referenced from this part of the query."},
    {"select *",
     "42601 8 SELECT * with no tables specified is not valid"},
    {"select a from (select 1 as a, 2 as a) x",
     "42702 8 column reference \"a\" is ambiguous"},
    {"with w as (select * from v), v as (select 1) select * from w",
     "42P01 26 relation \"v\" does not exist / Use WITH RECURSIVE, or re-order the WITH items to remove forward references."},
    {"with w as (select 1), w as (select 2) select 1",
     "42712 23 WITH query name \"w\" specified more than once"},
    {"with recursive r as (select 1 as n union all select n + 1.5 from r) select * from r",
     "42804 29 recursive query \"r\" column 1 has type integer in non-recursive term but type numeric overall / Cast the output of the non-recursive term to the correct type."},
    {"with recursive r as (select n from r) select * from r",
     "42P19 16 recursive query \"r\" does not have the form non-recursive-term UNION [ALL] recursive-term"},
    {"select * from generate_series(1, 2) as x(a int)",
     "42601 42 a column definition list is only allowed for functions returning \"record\""},
    {"select case when true then generate_series(1, 2) end",
     "0A000 28 set-returning functions are not allowed in CASE / You might be able to move the set-returning function into a LATERAL FROM item."},
    {"select 1 from pg_class where generate_series(1, 2) = 1",
     "0A000 30 set-returning functions are not allowed in WHERE"},
    {"select make_date(2020, month => 1, 1)",
     "42601 36 positional argument cannot follow named argument"},
    {"select make_date(2020, month => 1, nosuch => 1)",
     "42883 8 function make_date(integer, month => integer, nosuch => integer) does not exist / No function matches the given name and argument types. You might need to add explicit type casts."},
    {"select count(*) from pg_class for update",
     "0A000 0 FOR UPDATE is not allowed with aggregate functions"},
    {"select relname from pg_class for update of nosuch",
     "42P01 44 relation \"nosuch\" in FOR UPDATE clause not found in FROM clause"},
    {"select $1",
     "42P02 8 there is no parameter $1"},
    {"select relname collate nosuch from pg_class",
     "42704 16 collation \"nosuch\" for encoding \"UTF8\" does not exist"},
    {"select 1 collate \"C\"",
     "42804 10 collations are not supported by type integer"},
    {"select 'a' collate \"C\" < 'b' collate \"POSIX\"",
     "42P21 30 collation mismatch between explicit collations \"C\" and \"POSIX\""},
    {"select 1 operator(nosuch.+) 2",
     "3F000 10 schema \"nosuch\" does not exist"},
};

static instance INSTANCE;

static void answer(session *s, const char *text, uint32_t *types, uint32_t type_count, bool infer, rdb_strbuf *got)
{
    rdb_arena *arena = rdb_arena_create("analysis", NULL, NULL);
    rdb_error err = {0};
    rdb_ast_list statements;
    rdb_query *query = NULL;
    rdb_analysis analysis = {.arena = arena, .access = s->access, .text = text, .format = rdb_format_default(), .parameter_types = types,
                             .parameter_count = type_count, .infer_parameters = infer};
    rdb_strbuf_clear(got);
    if (!rdb_sql_parse(arena, text, strlen(text), &statements, &err) || !rdb_query_analyse(&analysis, statements.items[0].body, &query, &err)) {
        rdb_strbuf_addf(got, "%s %d %s", err.sqlstate, err.position, err.message);
        if (err.hint[0] != '\0')
            rdb_strbuf_addf(got, " / %s", err.hint);
    } else {
        const rdb_list *targets = rdb_query_result_targets(query);
        for (uint32_t at = 0; at < targets->count; at++) {
            const rdb_target *target = targets->items[at];
            if (target->is_junk)
                continue;
            rdb_strbuf_addf(got, "%s%s ", at > 0 ? ", " : "", target->name);
            rdb_type_format_name(target->expr->type, target->expr->typmod, true, got);
        }
        for (uint32_t at = 0; infer && at < analysis.parameter_count; at++)
            rdb_strbuf_addf(got, " $%u=%u", at + 1, analysis.parameter_types[at]);
    }
    rdb_error_clear(&err);
    rdb_arena_destroy(arena);
}

static void check_all(const expectation *expectations, size_t count)
{
    session s = session_begin(&INSTANCE);
    rdb_strbuf got;
    rdb_strbuf_init(&got, NULL);
    uint32_t wrong = 0;
    for (size_t at = 0; at < count; at++) {
        answer(&s, expectations[at].text, NULL, 0, false, &got);
        if (strcmp(got.data, expectations[at].answer) == 0)
            continue;
        wrong++;
        print_error("%s\n  wanted %s\n  got    %s\n", expectations[at].text, expectations[at].answer, got.data);
    }
    rdb_strbuf_free(&got);
    session_abort(&s);
    assert_int_equal(wrong, 0);
}

static void test_columns(void **state)
{
    (void)state;
    check_all(COLUMNS, RDB_COUNT_OF(COLUMNS));
}

static void test_errors(void **state)
{
    (void)state;
    check_all(ERRORS, RDB_COUNT_OF(ERRORS));
}

/* An undeclared parameter takes the type of its first use; one that has none, or two, is refused. */
static void test_parameters(void **state)
{
    (void)state;
    static const expectation INFERRED[] = {
        {"select $1 + 1", "?column? integer $1=23"},
        {"select relname from pg_class where oid = $1 and relname = $2", "relname name $1=26 $2=19"},
        {"select $2 || 'x', $1::int8", "?column? text, int8 bigint $1=20 $2=25"},
        {"select 1 from pg_class where oid = any($1)", "?column? integer $1=1028"},
        {"select $1::int4, $1::text", "int4 integer, text text $1=23"},
        {"select $1 in ($1::int4, 1.5)", "42P08 8 inconsistent types deduced for parameter $1"},
        {"select $2::int4", "42P18 0 could not determine data type of parameter $1"},
    };
    session s = session_begin(&INSTANCE);
    rdb_strbuf got;
    rdb_strbuf_init(&got, NULL);
    for (size_t at = 0; at < RDB_COUNT_OF(INFERRED); at++) {
        answer(&s, INFERRED[at].text, NULL, 0, true, &got);
        assert_string_equal(got.data, INFERRED[at].answer);
    }
    uint32_t declared[] = {RDB_INT8OID};
    answer(&s, "select $1 + 1", declared, 1, false, &got);
    assert_string_equal(got.data, "?column? bigint");
    answer(&s, "select $2", declared, 1, false, &got);
    assert_string_equal(got.data, "42P02 8 there is no parameter $2");
    rdb_strbuf_free(&got);
    session_abort(&s);
}

/* A join's merged column is what its kind of join makes it; an output that shows a table's column says which. */
static void test_origins(void **state)
{
    (void)state;
    session s = session_begin(&INSTANCE);
    const char *text = "select oid, relname || 'x', q.nspname from pg_class, (select nspname from pg_namespace) q";
    rdb_ast_list statements;
    rdb_query *query;
    rdb_arena *arena = rdb_arena_create("analysis", NULL, NULL);
    rdb_analysis analysis = {.arena = arena, .access = s.access, .text = text, .format = rdb_format_default()};
    assert_true(rdb_sql_parse(arena, text, strlen(text), &statements, &INSTANCE.err));
    assert_true(rdb_query_analyse(&analysis, statements.items[0].body, &query, &INSTANCE.err));
    const rdb_target *oid = query->targets.items[0], *made = query->targets.items[1], *through = query->targets.items[2];
    assert_int_equal(oid->origin_table, RDB_PG_CLASS);
    assert_int_equal(oid->origin_column, 1);
    assert_int_equal(made->origin_table, 0);
    assert_int_equal(through->origin_table, RDB_PG_NAMESPACE);
    assert_int_equal(through->origin_column, 2);
    const rdb_range *range = query->ranges.items[0];
    assert_true(range->required_privileges == 2);             /* SELECT */
    assert_true(range->selected_columns[0] >> (1 + 7) & 1);   /* oid */
    assert_true(range->selected_columns[0] >> (2 + 7) & 1);   /* relname */
    assert_false(range->selected_columns[0] >> (3 + 7) & 1);
    rdb_arena_destroy(arena);
    session_abort(&s);
}

static int begin(void **state)
{
    (void)state;
    rdb_expr_register_kernels();
    instance_begin(&INSTANCE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    instance_end(&INSTANCE);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_origins),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
