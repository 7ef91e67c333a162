-- merge joins of every kind: runs of equal keys, nulls, conditions besides the keys, runs longer than a batch
create table l(k int, v int);
create table r(k int, w int);
insert into l select case when i % 7 = 0 then null else i % 11 end, i from generate_series(1, 40) i;
insert into r select case when i % 5 = 0 then null else i % 13 end, i * 2 from generate_series(1, 30) i;
analyze l;
analyze r;
set enable_hashjoin = off;
set enable_nestloop = off;
explain (costs off) select * from l join r using (k);
select k, v, w from l join r using (k) order by 1, 2, 3 limit 12;
select count(*), sum(v), sum(w) from l join r using (k);
select count(*), sum(v), sum(w), count(l.k), count(r.k) from l left join r using (k);
select count(*), sum(v), sum(w), count(l.k), count(r.k) from l right join r using (k);
select count(*), sum(v), sum(w), count(l.k), count(r.k) from l full join r using (k);
select count(*), sum(v), sum(w), count(r.w) from l left join r on l.k = r.k and v + w > 40;
select count(*), sum(v) from l where exists (select from r where r.k = l.k);
select count(*), sum(v) from l where exists (select from r where r.k = l.k and w + v > 60);
select count(*), sum(v) from l where not exists (select from r where r.k = l.k);
select count(*), sum(v) from l where not exists (select from r where r.k = l.k and w + v > 60);
-- in the order of the keys
select l.k, r.k from (select distinct k from l) l full join (select distinct k from r) r on l.k = r.k;
-- no key at all
select count(*), sum(v), sum(w) from l full join r on true;
select count(*), sum(v), sum(w) from l full join r on false;
select count(*), count(v) from (select * from l where false) l full join r on true;
select * from l full join r on v < w;
-- two keys, one of them text; an index gives the order of one side
create table a(t text, n int, x int);
create table b(t text, n int, y int);
insert into a select 'k' || i % 9, i % 4, i from generate_series(1, 200) i;
insert into b select 'k' || i % 7, i % 5, i from generate_series(1, 150) i;
create index b_order on b(t, n);
analyze a;
analyze b;
select count(*), sum(x), sum(y), min(a.t), max(b.n) from a join b on a.t = b.t and a.n = b.n;
select count(*), sum(x), sum(y), count(b.t) from a left join b on a.n = b.n and a.t = b.t and x < y;
-- a run of thousands of rows meets several left rows
create table many as select 1 as k, i as v from generate_series(1, 3000) i union all select 2, i from generate_series(1, 1500) i;
create table few(k int, m int);
insert into few values (0, 0), (1, 1), (1, 2), (2, 3), (2, 4), (2, 5), (3, 6);
select few.k, m, count(v), sum(v) from few left join many using (k) group by 1, 2 order by 2;
select few.k, count(*), sum(v) from many full join few on many.k = few.k group by 1 order by 1;
select m from few where not exists (select from many where many.k = few.k and many.v > 2000 + m) order by 1;
select few.k, m, v from few join many using (k) order by few.k desc, v desc, m limit 3;
drop table l, r, a, b, many, few;
