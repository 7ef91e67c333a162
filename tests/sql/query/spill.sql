-- What does not fit work_mem gives the same rows from temporary files.
set work_mem = '64kB';
create table many (i int, k int, s text);
insert into many select i, (i * 7919) % 10007, md5(i::text) from generate_series(1, 30000) i;
insert into many select i, null, null from generate_series(30001, 30100) i;
-- sorts
select sum(r * (i % 1000)), md5(string_agg(s, '' order by r)) from (select i, s, row_number() over () r from (select * from many order by s desc nulls last, i) x) y;
select i, s from many order by s nulls first, i limit 3;
select i, s from many order by s nulls first, i offset 20000 limit 3;
-- hash joins of every kind
select count(*), sum(a.i) from many a join many b on a.k = b.k;
select count(*), sum(a.i), count(b.i) from many a left join (select * from many where i % 3 = 0) b on a.s = b.s;
select count(*), sum(a.i), sum(b.i) from (select * from many where i % 2 = 0) a full join (select * from many where i % 3 = 0) b on a.s = b.s;
select count(*), sum(a.i), sum(b.i) from (select * from many where i % 2 = 0) a right join many b on a.s = b.s and a.i % 5 = 0;
select count(*) from many a where exists (select 1 from many b where b.k = a.k and b.i <> a.i);
select count(*) from many a where not exists (select 1 from many b where b.s = a.s and b.i % 5 = 0);
-- one value only: no partition is small
select count(*) from (select 1 k, i from many where i <= 3000) a join (select 1 k, s from many where i <= 2000) b using (k);
-- aggregates
select count(*), sum(n), max(s) from (select k, count(*) n, min(s) s from many group by k) x;
select count(*), sum(c) from (select k, s, count(*) c from many group by grouping sets ((k), (s), ())) z;
select i % 3 g, count(distinct s), count(distinct k), min(s) from many group by 1 order by 1;
select md5(string_agg(s, ',' order by s desc)) from many;
select count(*) from (select distinct s from many) x;
-- set operations
select count(*), sum(i) from (select i, s from many where i % 2 = 0 intersect select i, s from many where i % 3 = 0) x;
select count(*), sum(i) from (select i, s from many where i % 2 = 0 except all select i, s from many where i % 3 = 0) x;
select count(*), count(s) from (select s from many union select s || 'x' from many) x;
-- rows kept: a CTE read twice, a recursion, a cursor
with m as materialized (select * from many) select count(*), sum(a.i), (select count(*) from m) from m a join m b on a.i = b.i + 1;
with recursive r(i, s) as (select 1, repeat('x', 100) union all select i + 1, s from r where i < 5000) select count(*), sum(a.i), sum(b.i) from r a join r b on a.i = b.i;
-- limits
set temp_file_limit = '100kB';
select sum(r) from (select row_number() over (order by s) r from many) x;
reset temp_file_limit;
show hash_mem_multiplier;
show temp_file_limit;
set hash_mem_multiplier = 0.5;
