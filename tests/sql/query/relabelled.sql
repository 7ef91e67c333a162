-- a cast to the type without its modifier is kept, and the result has no modifier
create table sized (f1 numeric(18, 3), f2 numeric, f3 character(16) unique, f4 varchar(5));
create view sized_view as select f1, f1::numeric(16, 4) as f1s, f1::numeric as f1n, f2::numeric as f2n, f3::bpchar as f3n, f3::character(14) as f3s, f4::varchar as f4n, f4::text as f4t, f4::varchar(5) as f4s, f4::varchar(7) as f4l from sized;
\d sized_view
select pg_get_viewdef('sized_view');
insert into sized values (1.5, 2.5, 'abc', 'xyz');
insert into sized select f1::numeric, f1, f3::bpchar || 'x', f4::varchar from sized;
select * from sized_view;
explain (costs off) select * from sized where f3::bpchar = 'abc';
with recursive foo(i) as (select i::numeric(3, 0) from (values (1), (2)) t(i) union all select (i + 1)::numeric(10, 0) from foo where i < 10) select * from foo;
-- schemas named in search_path
set search_path to pg_catalog;
select current_schema, current_schemas(true);
set search_path to nosuch, public;
select current_schema, current_schemas(false);
reset search_path;
-- format() with numbered widths
select format('>>%*1$s<<', 10, 'Hello'), format('>>%2$*1$s<<', 10, 'Hello'), format('>>%*s<<', 10, 'Hello'), format('%1$s %s %2$s %s', 'a', 'b', 'c');
-- rounding at the ends of what numeric holds
select round(4.4e131071, -131071) = 4e131071, round(4.5e131071, -131071) = 5e131071, round(4.5e131071, -131072), round(5.5e131071, -131073), round(5.5e131071, -1000000);
select round(5.5e131071, -131072);
select round(5e-16383, 1000000) = 5e-16383, round(5e-16383, 16382) = 1e-16382, trunc(9.9e131071, -131071) = 9e131071, trunc(9.9e131071, -131072), trunc(5e-16383, 16383) = 5e-16383;
select power(float8 '-inf', float8 '3.5');
