-- grouping sets whose keys are equal expressions, or equal constants
select g as alias1, g as alias2 from generate_series(1, 3) g group by alias1, rollup(alias2) order by 1, 2;
select g as a, g as b, g as c, count(*), grouping(g) from generate_series(1, 2) g group by rollup(a, b, c) order by 1, 2, 3;
select * from (select true as a, true as b, count(*) from generate_series(1, 3) group by cube(a, b) offset 0) q order by 1, 2;
select * from (select 1 as a, 1 as b, 1 as c, sum(g) from generate_series(1, 3) g group by grouping sets ((a), (b, c), ()) offset 0) q order by 1, 2, 3;
select g % 2 as k, g % 2 as l, sum(g) from generate_series(1, 5) g group by rollup(k, l) having count(*) > 0 order by 1, 2, 3;
-- HAVING alone: no row of the table is looked at
create table th (a int, b int);
insert into th values (0, 1), (0, 2);
select 1 as one from th where 1 / a = 1 having 1 < 2;
select 1 as one from th having 1 > 2;
select 1 as one from th having (select max(b) from th) = 2;
select 1 as one having true;
select 1 as one from th where false having true;
select count(*) from th having 1 > 2;
select count(*) from th where false having true;
select 1 as one from th group by () having true;
select 1 as one from th group by a having true;
select x, (select 1 from th having x > 1) from generate_series(1, 2) x;
select row_number() over () from th having true;
select exists (select from th having false), exists (select from th where false having true);
explain (costs off) select 1 as one from th having true;
