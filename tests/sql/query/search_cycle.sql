-- SEARCH and CYCLE of recursive WITH items
create table arcs (f int, t int, label text);
insert into arcs values (1, 2, 'arc 1 -> 2'), (1, 3, 'arc 1 -> 3'), (2, 3, 'arc 2 -> 3'), (1, 4, 'arc 1 -> 4'), (4, 5, 'arc 4 -> 5');
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) search depth first by f, t set seq
select * from g order by seq;
with recursive g(f, t, label) as (select * from arcs union select a.* from arcs a join g on a.f = g.t) search breadth first by f, t set seq
select * from g order by seq;
with recursive g as (select f, t from arcs where f = 1 union all select a.f, a.t from arcs a, g as x where a.f = x.t) search depth first by t set "Seq No"
select *, pg_typeof("Seq No") from g order by "Seq No";
insert into arcs values (5, 1, 'arc 5 -> 1');
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) cycle f, t set is_cycle using path
select * from g order by path;
with recursive g(f, t, label) as (select * from arcs union distinct select a.* from arcs a, g where a.f = g.t) cycle f, t set is_cycle to 'Y' default 'N' using path
select f, t, is_cycle, path from g where f = 1 order by path;
with recursive g(f, t) as (select f, t from arcs where f = 1 union all select a.f, a.t from arcs a, g where a.f = g.t)
  search breadth first by f, t set seq cycle f set done to 10000000000 default 0 using path
select * from g order by seq;
-- the added columns are there in the item itself, but * passes over them
with recursive n(i) as (select 1 union all select n.* from n where i < 3 and not mark) cycle i set mark using path select * from n;
create view v as with recursive g(f, t) as (select f, t from arcs where f = 4 union all select a.f, a.t from arcs a, g where a.f = g.t) cycle f set c using p select f, t, c from g;
select * from v order by f, t, c;
-- errors
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) search depth first by foo, t set seq select * from g;
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) search depth first by f, t set label select * from g;
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) search depth first by f, f set seq select * from g;
with recursive g(f, t, label) as (select * from arcs union all select * from arcs union all select a.* from arcs a, g where a.f = g.t) search depth first by f, t set seq select * from g;
with recursive g(f, t, label) as (select * from arcs union all (select * from arcs union all select a.* from arcs a, g where a.f = g.t)) search depth first by f, t set seq select * from g;
with recursive x(c) as (select 1 union (with x as (select * from x) select * from x)) search depth first by c set seq select * from x;
with x(c) as (select 1) search depth first by c set seq select * from x;
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) cycle foo, t set is_cycle using path select * from g;
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) cycle f, t set is_cycle to true default 55 using path select * from g;
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) cycle f, t set label using path select * from g;
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) cycle f, t set m using label select * from g;
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) cycle f, t set foo using foo select * from g;
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) cycle f, t, f set m using path select * from g;
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) search depth first by f set foo cycle f set foo using path select * from g;
with recursive g(f, t, label) as (select * from arcs union all select a.* from arcs a, g where a.f = g.t) search depth first by f set foo cycle f set m using foo select * from g;
select array[row(1,2)] < array[row(1,3)], array[row(1,2)] = array[row(1,2)];
select x from (values (array[row(1,2)]),(array[row(1,1)])) v(x) order by x;
select 1 where row(1,2) = any (array[row(1,2)]);
select array[row(1,2)] || array[row(1,3)];
select array[row(1,2)] || row(1,3);
