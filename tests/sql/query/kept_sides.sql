-- Sides of loops that are kept, with sub-selects in them: read anew only where something from outside is read.
create table outers (a int, b int);
create table inners (c int, d int);
create table others (e int, f int);
insert into outers select n, n % 3 from generate_series(1, 6) n;
insert into inners select n % 8, n from generate_series(1, 24) n;
insert into others select n % 5, n * 2 from generate_series(1, 20) n;
create index on others (e);
analyze outers, inners, others;
set enable_hashjoin = off;
set enable_mergejoin = off;
select a, count(*), sum(d) from outers, inners where d > (select min(f) from others where e = c) and a < c group by a order by a;
select a, (select count(*) from outers y, inners where d > (select min(f) from others where e = c) and y.a < c and y.b = x.b) from outers x order by a;
select a, (select count(*) from outers y, inners where d > (select min(f) from others where e = c and f > x.a) and y.a < c) from outers x order by a;
select a, (select sum((select count(*) from others, inners where e < c and d > (select max(f) from others o where o.e = c and o.f < y.a + x.a * 3))) from outers y where y.b = x.b) from outers x order by a;
select a, s from outers x, lateral (select sum(d) as s from inners, others where c < e and f > (select min(d) + x.b from inners i where i.c = e)) z order by a;
select a, count(*) from outers left join inners on a < c and exists (select from others where e = c and f > d) group by a order by a;
select a, count(*) from outers join inners on a < c where d in (select f from others where e = c or f = d) group by a order by a;
drop table outers, inners, others;
