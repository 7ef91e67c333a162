-- nested loops whose inner side keeps its rows by the values that it was asked for
create table o (id int primary key, k int, n numeric, t text);
insert into o select i, case when i % 50 = 0 then null else i % 50 end, case i % 3 when 0 then 1.0 when 1 then 1.00 else 2 end, 't' || i % 7 from generate_series(1, 2000) i;
create table i (id int primary key, k int, t text, v int);
insert into i select i, i % 50, 't' || i % 7, i from generate_series(1, 20000) i;
create index on i (k);
create index on i (t);
analyze o, i;
explain (analyze, costs off, timing off, summary off) select count(*), sum(x.c) from o, lateral (select count(*) c, max(v) from i where i.k = o.k) x where x.max > 0 \g |grep -o 'Memoize\|Cache .*\|Hits: [0-9]*  Misses: [0-9]*  Evictions: [0-9]*  Overflows: [0-9]*'
select count(*), sum(x.c) from o, lateral (select count(*) c from i where i.k = o.k) x;
select count(*), sum(x.c), count(x.m) from o left join lateral (select count(*) c, max(v) m from i where i.k = o.k having count(*) > 0) x on true;
select o.k, x.* from o left join lateral (select v, t from i where i.k = o.k order by v desc limit 2) x on true where o.id <= 52 order by o.id, v limit 8;
select o.t, count(*), sum(x.v) from o, lateral (select sum(v) v from i where i.t = o.t and i.k < 10) x group by o.t order by o.t;
-- values that are equal and not the same
select x.w, count(*) from o, lateral (select o.n::text as w, count(*) from i where i.k = 1) x group by 1 order by 1;
-- two values
select count(*), sum(x.s) from o, lateral (select sum(v) s from i where i.k = o.k and i.t = o.t) x;
-- an index that gives many rows
set enable_hashjoin = off;
set enable_mergejoin = off;
set enable_bitmapscan = off;
explain (analyze, costs off, timing off, summary off) select count(*), sum(i.v) from o join i on i.k = o.k \g |grep -o 'Memoize\|Cache .*\|Hits: [0-9]*  Misses: [0-9]*  Evictions: [0-9]*  Overflows: [0-9]*'
select count(*), sum(i.v) from o join i on i.k = o.k;
select count(*), sum(i.v), count(i.id) from o left join i on i.k = o.k and i.v > 19000;
select count(*) from o where exists (select 1 from i where i.k = o.k and i.v > 19960);
select count(*), sum(i.v) from o join i on i.k = o.k and i.v > o.id;
set enable_memoize = off;
explain (costs off) select count(*), sum(i.v) from o join i on i.k = o.k \g |grep -c Memoize
select count(*), sum(i.v) from o join i on i.k = o.k;
reset enable_memoize;
reset enable_hashjoin;
reset enable_mergejoin;
reset enable_bitmapscan;
-- less memory than is wanted
set work_mem = '64kB';
set hash_mem_multiplier = 1;
select count(*), sum(x.s), count(distinct x.t) from o, lateral (select sum(v) over (order by v) s, t from i where i.k = o.k) x;
select count(*), sum(length(x.s)) from o, lateral (select string_agg(t || v, ',') s from i where i.k >= o.k and i.k < o.k + 20) x;
select count(*), sum(x.v) from (select * from o order by id % 97) o, lateral (select repeat(t, 20), v from i where i.k = o.k and i.v < 2000 order by v) x;
reset work_mem;
reset hash_mem_multiplier;
-- an error of the inner side
select sum(x.q) from o, lateral (select 1 / (count(*) - 400) q from i where i.k = o.k) x;
-- inside of recursion and of a correlated sub-query; twice with other parameters
with recursive r(n, s) as (select 1, 0::bigint union all select n + 1, x.s from r, lateral (select sum(v) s from i where i.k = r.n % 3) x where n < 20) select sum(n), sum(s) from r;
select o.id, (select sum(x.c) from o p, lateral (select count(*) c from i where i.k = p.k and i.v < o.id * 100) x where p.id <= 100) from o where o.id in (1, 7, 30) order by 1;
prepare q(int) as select count(*), sum(x.c) from o, lateral (select count(*) c from i where i.k = o.k and i.v < $1) x;
execute q(1000);
execute q(2000);
begin;
declare c scroll cursor for select o.id, x.c from o, lateral (select count(*) c from i where i.k = o.k) x order by o.id;
fetch 3 from c;
move absolute 0 from c;
fetch 2 from c;
delete from i where k = 1;
fetch 1 from c;
select sum(x.c) from o, lateral (select count(*) c from i where i.k = o.k) x;
rollback;
update o set t = x.m from (select max(t) m, k from i group by k) x where x.k = o.k and o.id < 5;
select t from o where id < 6 order by id;
