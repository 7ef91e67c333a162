-- GROUPING of keys that are texts computed from columns
select grouping(upper(c)), upper(c), count(*) from (values ('a'), ('b'), ('B')) v(c) group by rollup (upper(c)) order by 1, 2;
select grouping(c || 'x', n + 1), c || 'x' as k, n + 1 as m, count(*) from (values ('a', 1), ('b', 2), ('a', 2)) v(c, n) group by cube (c || 'x', n + 1) order by 1, 2, 3;
select grouping(lower(c) collate "C"), count(*) from (values ('a'), ('A')) v(c) group by grouping sets ((lower(c) collate "C"), ()) order by 1;
select substr(c, 1, 1) as k, sum(n) from (values ('ab', 1), ('ac', 2), ('b', 3)) v(c, n) group by rollup (substr(c, 1, 1)) having grouping(substr(c, 1, 1)) = 0 order by grouping(substr(c, 1, 1)), 1;
select grouping(lower(c)) from (values ('a')) v(c) group by rollup (upper(c));
-- slices and ordered aggregates that are written twice
select grouping(a[1:2]), a[1:2], count(*) from (values (array[1, 2, 3]), (array[1, 2, 4]), (array[5])) v(a) group by rollup (a[1:2]) order by 1, 2;
select a[2:], a[:2], a[2:][1:] from (values (array[1, 2, 3]), (array[1, 2, 3])) v(a) group by a[2:], a[:2], a[2:][1:];
select a[2:] from (values (array[1, 2, 3])) v(a) group by a[:2];
select distinct array_agg(n order by n desc) from generate_series(1, 3) n order by array_agg(n order by n desc);
select distinct array_agg(n order by n desc) from generate_series(1, 3) n order by array_agg(n order by n);
select string_agg(n::text, ',' order by n), string_agg(n::text, ',' order by n desc) from generate_series(1, 3) n having string_agg(n::text, ',' order by n) < string_agg(n::text, ',' order by n desc);
-- sub-selects that are written twice
create table g (a int, b int);
insert into g select i, i % 3 from generate_series(1, 9) i;
select (select max(a) from g h where h.b = g.b) as m, count(*) from g group by rollup ((select max(a) from g h where h.b = g.b)) order by 1, 2;
select (select max(a) from g h where h.b = g.b) + 1 as m, count(*) from g group by (select max(a) from g h where h.b = g.b) order by 1;
select exists (select 1 from g h where h.a = g.b) as e, grouping(exists (select 1 from g h where h.a = g.b)), count(*) from g group by cube (exists (select 1 from g h where h.a = g.b)) order by 1, 2;
select b in (select a from g) as i, sum(a) from g group by grouping sets ((b in (select a from g)), ()) having b in (select a from g) is not false order by 1;
select array(select a from g h where h.b = g.b order by 1) as r, count(*) from g group by array(select a from g h where h.b = g.b order by 1) order by 1;
select (select max(a) from g h where h.b = g.b) from g group by (select min(a) from g h where h.b = g.b);
select distinct (select max(a) from g h where h.b = g.b) from g order by (select max(a) from g h where h.b = g.b);
-- a domain's own collation
create domain ctext as text collate "C";
create view gv as select case when b > 1 then 'x' else b::text end::ctext as t, a::text::ctext as u from g;
select attname, attcollation::regcollation from pg_attribute where attrelid = 'gv'::regclass order by attnum;
