-- What is too large, too deep or not text gets an error of its own, and the session goes on.
\set VERBOSITY sqlstate
\set ECHO none
\pset format unaligned
\pset tuples_only on
\echo columns
select 'create table wide (' || string_agg('c' || i || ' int', ', ' order by i) || ')' from generate_series(1, 1600) i \gexec
select 'insert into wide values (' || string_agg(i::text, ', ' order by i) || ')' from generate_series(1, 1600) i \gexec
select c1, c2, c799, c1600 from wide;
update wide set c1600 = c1 + c1600, c800 = null;
select c800 is null, c1600, c1599 from wide;
select 'select ' || string_agg('c' || i, ' + ' order by i) || ' from wide' from generate_series(1, 700) i \gexec
select 'create table wider (' || string_agg('c' || i || ' int', ', ' order by i) || ')' from generate_series(1, 1601) i \gexec
alter table wide add column one_more int;
select 'select ' || string_agg(i::text, ', ') from generate_series(1, 1665) i \gexec
select 'select count(*) from (select ' || string_agg(i::text || ' as c' || i, ', ') || ') t' from generate_series(1, 1664) i \gexec
\echo lists
create table number (n int primary key, t text);
insert into number select i, 'x' || i from generate_series(1, 20000) i;
select 'select count(*), sum(n) from number where n in (' || string_agg((i * 3)::text, ', ') || ')' from generate_series(1, 10000) i \gexec
select 'select count(*) from number where n + 0 not in (' || string_agg((i * 3)::text, ', ') || ')' from generate_series(1, 10000) i \gexec
select 'select count(*) from number where n + 0 not in (' || string_agg((i * 3)::text, ', ') || ', null)' from generate_series(1, 10000) i \gexec
select 'select count(*) from number where t in (' || string_agg(quote_literal('x' || i * 3), ', ') || ', null)' from generate_series(1, 10000) i \gexec
select 'select count(*) from number where (t in (' || string_agg(quote_literal('x' || i * 3), ', ') || ', null)) is null' from generate_series(1, 10000) i \gexec
select 'select count(*) from number where n::numeric in (' || string_agg(i || '.00', ', ') || ')' from generate_series(1, 50) i \gexec
select 'select count(*) from number where n::float8 in (' || string_agg(i || '.5', ', ') || ', ''nan'', 7)' from generate_series(1, 50) i \gexec
select 'select count(*) from number where t::char(8) in (' || string_agg(quote_literal('x' || i || '  '), ', ') || ')' from generate_series(1, 50) i \gexec
prepare listed(int[]) as select count(*) from number where n + 0 = any ($1);
select 'execute listed(''{' || string_agg((i * 2)::text, ',') || ',null}'')' from generate_series(1, 1000) i \gexec
execute listed('{1,2,3,4,5,6,7,8,9,10,11,12,12,12}');
execute listed(null);
select 'insert into number values ' || string_agg(format('(%s, %L)', i + 20000, 'y'), ', ') from generate_series(1, 10000) i \gexec
select count(*) from number;
\echo length
select 'select length(' || quote_literal(repeat('x', 1000000)) || ')' \gexec
select 'select 1 as ' || repeat('x', 63) \gexec
select repeat('x', 1200000000);
\echo depth
select 'select ' || repeat('(', 100000) || '1' || repeat(')', 100000) \gexec
select 'select ' || repeat('(select ', 100000) || '1' || repeat(')', 100000) \gexec
select 'select 1' || repeat(' + 1', 100000) \gexec
select 'select 1' || repeat('::int', 100000) \gexec
select 'select ' || repeat('case when true then ', 100000) || '1' || repeat(' end', 100000) \gexec
select 'select ' || repeat('not ', 100000) || 'true' \gexec
select 'select true' || repeat(' and true', 100000) \gexec
select 'select ' || repeat('array[', 7) || '1' || repeat(']', 7) \gexec
select 'select ' || quote_literal(repeat('{', 7) || '1' || repeat('}', 7)) || '::int[]' \gexec
select repeat('[', 100000)::json;
select repeat('[', 100000)::jsonb;
select repeat('{"a":', 100000)::jsonb;
select 'x' ~ repeat('(', 100000);
select 'x' ~ (repeat('(', 100000) || 'x' || repeat(')', 100000));
\echo text
select E'\xff';
select E'a\xc3';
select E'\xed\xa0\x80';
select E'\xf4\x90\x80\x80';
select E'\xc0\x80';
select E'\u0000';
select convert_from('\xc328', 'UTF8');
select chr(0);
\echo numbers
select 2147483647 + 1;
select (-2147483648) / -1;
select 9223372036854775807 + 1;
select (-9223372036854775808)::int8 / -1;
select (-9223372036854775808)::int8 % -1;
select abs((-2147483648)::int4);
select 32768::int2;
select 1e309::float8;
select 1e300::float8 * 1e300::float8;
select 1e40::float8::float4;
select 'nan'::float8::int;
select 1 / 0;
select 1.0 / 0;
select 1e131072::numeric;
select length((10 ^ 100000::numeric)::text);
select 10 ^ 200000::numeric;
select exp(1000000::numeric);
select exp(-1000000::numeric);
select round((1 - 1.5e-1000) ^ 1.45e1003 * 1e1000);
select 2 ^ 1e30::numeric;
select 0.5 ^ 1e30::numeric;
select factorial(100000);
select 12345.6::numeric(4, 1);
select 99999999999999999999::int8;
select sum(n) from (values (9223372036854775807), (9223372036854775807)) v(n);
select 1::int4 << 40;
select interval '178000000 years' * 10;
select date '5874897-12-31' + 1;
select timestamp '294276-12-31' + interval '2 days';
select make_date(2023, 2, 29);
