-- Grouping sets: columns that depend on a key in every set, direct arguments, conditions from outside, types that cannot be grouped.
create table k(a int primary key, b int, c int, d int);
insert into k values (1, 1, 1, 10), (2, 2, 2, 20);
select a, d, grouping(a, b, c) from k group by grouping sets ((a, b), (a, c)) order by 3, 1;
select a, d from k group by rollup (a);
select a, d from k group by grouping sets (rollup (a), (a, b));
select a, d from k group by a, rollup (b) order by 1, b;
select a, rank(a) within group (order by b) as r, grouping(a) from (values (1, 1), (1, 4), (1, 5), (3, 1), (3, 2)) v(a, b) group by rollup (a) order by 3, 1;
select a, percentile_disc(a / 10.0) within group (order by b) as p from (values (1, 1), (1, 4), (3, 1), (3, 2)) v(a, b) group by grouping sets ((a), ()) order by 1;
select * from (select 1 as x, a, sum(b) from k group by grouping sets (1, 2)) s where x = 1 and a = 1;
select * from (select 1 as x, a, sum(b) from k group by grouping sets (1, 2)) s where x = 1;
select * from (select a, a as again, sum(b) from k group by grouping sets ((a), (2))) s where again = 1;
create table odd(h bit(4), s xid, v int); insert into odd values (b'0001', '1', 1);
select count(*) from odd group by rollup (h, s);
select h, count(*) from odd group by h;
select s, count(*) from odd group by s;
select array_agg(v order by v) from odd group by grouping sets ((s));
select array(select percentile_disc(a) within group (order by x) from (values (0.3), (0.7)) v(a) group by a) from generate_series(1, 5) g(x);
-- a view of such columns holds the key
create view dependent as select a, b, count(*) from k group by a;
alter table k drop constraint k_pkey;
alter table k drop constraint k_pkey cascade;
select a, b from k group by a;
