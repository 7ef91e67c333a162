-- DISTINCT inside aggregates whose result does not depend on the order of values: each value counts when it is met first.
create table seen (g int, k int, m bigint, v numeric(8, 2), s text, d date);
insert into seen select i % 7, nullif(i::bigint * 7919 % 1000, 13), i::bigint * 104729 % 9000, (i % 501) / 4.0, 'value ' || i % 3001, date '2024-01-01' + i % 90 from generate_series(1, 30000) i;
insert into seen values (null, null, null, null, null, null), (null, 1, 1, 1, '', '2024-01-01'), (7, null, null, null, null, null);
analyze seen;
-- one group, several groups by hashing and of sorted rows, none at all
select count(distinct k), count(distinct m), count(distinct v), count(distinct s), count(distinct d), count(distinct g), count(*) from seen;
select g, count(distinct k), count(distinct m), count(distinct v), count(distinct s), count(distinct d) from seen group by g order by g;
set enable_sort = off;
select g, count(distinct k), count(distinct m), count(distinct v), count(distinct s), count(distinct d) from seen group by g order by g;
reset enable_sort;
select d, count(distinct k), sum(distinct m), min(distinct s), max(distinct v) from seen group by d order by d nulls first limit 7;
select count(distinct k), count(distinct s), sum(distinct k), min(distinct s) from seen where false;
-- values that are equal and not the same, sums and means of exact numbers, least and greatest
select sum(distinct k), avg(distinct k), sum(distinct v), round(avg(distinct v), 6), min(distinct s), max(distinct s), sum(distinct m) from seen;
select count(distinct x), count(distinct y), count(distinct z) from (values (1.0, 0.0::float8, 'a'::char(3)), (1.00, -0.0, 'a  '), (1.000, 'nan', 'b'), (2, 'nan', 'B')) w(x, y, z);
-- with conditions, over sets of groups, beside those that do not ask for different values and those that ask for an order
select g, count(distinct k) filter (where m < 4000), count(distinct k), count(k), string_agg(distinct d::text, ',' order by d::text) filter (where k = 500) from seen group by g order by g;
select g, d < '2024-02-01', count(distinct k), count(distinct s), grouping(g) from seen group by grouping sets ((g, d < '2024-02-01'), (g), ()) order by 5, 1, 2, 3, 4;
select array_agg(distinct g), string_agg(distinct left(s, 1), '|'), count(distinct g) from seen;
select count(distinct (g, k)), count(distinct array[g, k]), count(distinct row(d)) from seen;
-- more of them than the memory may keep: the others are sorted
set work_mem = '64kB';
select count(distinct k), count(distinct m), count(distinct v), count(distinct s), sum(distinct m), min(distinct s) from seen;
select g, count(distinct k), count(distinct m), count(distinct s), sum(distinct m) from seen group by g order by g;
select d, count(distinct k), count(distinct s) from seen group by rollup (d) order by d nulls first limit 5;
select m, count(distinct s), sum(distinct k) from seen group by m order by 2 desc, 3 desc nulls last, 1 limit 5;
reset work_mem;
-- asked for again, in a sub-query of each row
select n, (select count(distinct k) from seen where g < n), (select sum(distinct m) from seen where g = n) from generate_series(0, 3) n;
prepare different(int) as select count(distinct k), count(distinct s) from seen where g = $1;
execute different(1);
execute different(2);
execute different(100);
drop table seen;
