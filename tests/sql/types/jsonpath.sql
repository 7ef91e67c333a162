-- text in, canonical text out
select p::jsonpath from (values ('$'), ('strict $.a'), ('lax $.a.b[*]'), ('$.*.**{1 to last}'), ('$.**{last}'), ('$[0, 2 to last - 1]'), ('-(1)'),
    ('$--+1'), ('-(1).a'), ('(($.a + 1)) * 2'), ('1 + ($.a * 2).c'), ('$ ? (@.a == 1 || @.b > 2 && !(exists (@.c)))'), ('($.a > 1) is unknown'),
    ('$ ? (@ like_regex "^a" flag "smiq")'), ('$ ? (@ starts with $x)'), ('$.datetime("yyyy").type()'), ('"\x41\u0062\u{63}\t\"\z"'), ('$"a b"."c d"'),
    ('$.strict.lax.null.size.type()'), ('1.5e2.abs()'), ('.5'), ('$.a\u0062c')) t(p);
select '$.a'::jsonpath::text || '!';
-- text that is no path
select ''::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '@'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select 'last'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '$[last'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '$ abc'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '$ = 1'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '$.a.b('::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '1a'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '1e+'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '"abc'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '"\u12"'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '"\x1"'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '"\u0000"'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '"\ud83d\u0061"'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '$ /* open'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select 'true && false'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '$ ? (@.a)'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '$ ? (@ like_regex "(")'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '$ ? (@ like_regex "a" flag "x")'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '$ ? (@ like_regex "a" flag "z")'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select '$.**{99999999999}'::jsonpath;
\echo :LAST_ERROR_SQLSTATE
select length(repeat('(', 100) || '$' || repeat(')', 100)), (repeat('(', 100) || '$' || repeat(')', 100))::jsonpath;
-- lax and strict
create temp table d (id int, j jsonb);
insert into d values (1, '{"a": 1, "b": [1, 2, 3], "c": [[1], [2, {"x": "y"}]], "d": {"e": 2}, "s": "abc", "n": null}'),
    (2, '[{"a": 5}, {"a": "x"}, 7]'), (3, '"text"'), (4, '[]');
select id, jsonb_path_query_array(j, '$.a') from d;
select id, jsonb_path_query_array(j, 'strict $.a', silent => true) from d;
select id, jsonb_path_query_array(j, '$[*].type()') from d;
select id, jsonb_path_query_array(j, '$.**') from d;
select id, jsonb_path_query_array(j, '$.**{2 to last} ? (@.type() == "number")') from d;
select id, jsonb_path_exists(j, '$.b[*] ? (@ > $n)', '{"n": 2}'), j @? '$[1]', j @@ '$.a == 1', jsonb_path_match(j, 'exists($.d)') from d;
select jsonb_path_query('{"a": 1}', 'strict $.b');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('1', 'strict $[0]');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('1', 'strict $[*]');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('[1]', 'strict $.*');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('[1]', 'strict $[1]');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('[1]', '$["a"]');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('[1]', '$[10000000000]');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('1', 'strict $.size()');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('[1, 2]', '$ + 1');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('"a"', '-$');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('1', '$ / 0');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('1', '$ / 0', silent => true);
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('1', '$x');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('1', '$x', '[1]');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_match('1', '$');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_match('1', '$', silent => true);
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_exists('1', '$x');
\echo :LAST_ERROR_SQLSTATE
select jsonb '1' @? '$x ? (@ == null)';
-- arithmetic, comparison, predicates
select jsonb_path_query('{"a": [1, 2], "b": 7}', p::jsonpath) from (values ('$.b + 1.50'), ('$.b % 4'), ('-$.a[*]'), ('$.b / 2'), ('$.a[*] > $.b'),
    ('$.b == 7.0'), ('null == 1'), ('null != 1'), ('"a" < "b"'), ('"a" < 1'), ('($.b > "x") is unknown'), ('!($.b == 7)'),
    ('exists($.c)'), ('"abc" like_regex "^A" flag "i"'), ('"a.c" like_regex "a.c" flag "q"'), ('"abc" starts with "ab"'), ('1 starts with "a"')) t(p);
select a, b, jsonb_path_query_array('[true, false, null]', '$[*] ? (($x == true && $y == true) || @ == $x)', jsonb_build_object('x', a, 'y', b))
from (values (1, 'true'::jsonb), (2, 'false'), (3, '"n"')) x(i, a), (values (1, 'true'::jsonb), (2, 'false'), (3, '"n"')) y(k, b) order by i, k;
-- methods
select jsonb_path_query('[1.7, -1.2, 0]', p::jsonpath) from (values ('$.floor()'), ('$[*].ceiling()'), ('$.abs()'), ('$.size()'), ('$.type()'), ('$[2].size()')) t(p);
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('["1.5e1", "x", true]', '$[*].double()');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('"inf"', '$.double()');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('true', '$.floor()');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('1', '$.keyvalue()');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('[{"a": 1, "b": [1, 2]}, {"c": {"a": "bbb"}}]', '$[*].keyvalue()');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('[1.5, 100000, 1e70, 0.00001, "xyz", true, {"c": {"a": "bbb", "dd": {}}}]', '$.**{1 to 2} ? (@.type() == "object").keyvalue()');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('{"a": {"b": 1}}', '$.keyvalue().value.keyvalue()');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('{}', '$x.b.keyvalue()', '{"x": {"a": 1, "b": {"c": 2}}}');
\echo :LAST_ERROR_SQLSTATE
-- dates and times
set timezone = 'Europe/Rome';
select jsonb_path_query(v::jsonb, '$.datetime()'), jsonb_path_query(v::jsonb, '$.datetime().type()') from (values ('"2017-03-10"'), ('"12:34:56"'),
    ('"12:34:56.789 +3"'), ('"2017-03-10 12:34:56.5"'), ('"2017-03-10T12:34:56-05:20"')) t(v);
select jsonb_path_query('"10-03-2017 12:34 am"', '$.datetime("dd-mm-yyyy HH12:MI AM")');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('"2017-03-10 1"', '$.datetime()');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('1', '$.datetime()');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('"2017-03-10x"', '$.datetime("yyyy-mm-dd")');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('"2017-03"', '$.datetime("yyyy-mm-dd")');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('"2017:03:10"', '$.datetime("yyyy-mm-dd")');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('"a017-03-10"', '$.datetime("yyyy-mm-dd")');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('"2017-13-10"', '$.datetime("yyyy-mm-dd")');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('"2017"', '$.datetime("yyyyX")');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query('"+3"', '$.datetime("TZH")');
\echo :LAST_ERROR_SQLSTATE
select jsonb_path_query_array('["2017-03-10", "2017-03-11", "2017-03-10 00:00:00", "12:00:00", "2017-03-10 00:00:00+03"]', '$[*].datetime() ? (@ == "2017-03-10".datetime())');
select jsonb_path_query_array_tz('["2017-03-10", "2017-03-11", "2017-03-10 00:00:00", "12:00:00", "2017-03-10 00:00:00+01"]', '$[*].datetime() ? (@ == "2017-03-10".datetime())');
select jsonb_path_exists_tz('["12:00:00", "12:00:00+01"]', '$[*].datetime() ? (@ < "12:00:00+00".datetime("HH24:MI:SSTZH"))');
select jsonb_path_query_first_tz('"2017-03-10"', '$.datetime() < "2017-03-10 01:00:00+01".datetime()'), jsonb_path_match_tz('"2017-03-10"', '$.datetime() >= "2017-03-10 01:00:00+01".datetime()');
select jsonb_path_match('"2017-03-10"', '$.datetime() >= "2017-03-10 01:00:00+01".datetime()', silent => true);
\echo :LAST_ERROR_SQLSTATE
