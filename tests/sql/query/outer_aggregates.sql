-- aggregates and GROUPING of a query around the one that they stand in
create table t1(a int, b int); insert into t1 select i, i%3 from generate_series(1,10) i;
create table t2(c int); insert into t2 values (1),(2),(3);
select (select max(a)) from t1;
select b, (select sum(t1.a) + t2.c from t2 order by 1 limit 1) from t1 group by b order by b;
select b, sum(distinct a) from t1 group by b having exists (select 1 from t2 where sum(distinct t1.a) > t2.c + 15) order by b;
select (select count(*) filter (where o <> 0) from (values (1)) t0(i)) from (values (2),(3)) t1(o);
select (select max((select t2.c from t2 where t2.c = o.b))) from t1 o;
select (select (select sum(o.a) from t2 limit 1)) from t1 o;
select (select grouping(o.b) from t2 limit 1), o.b from t1 o group by rollup(b) order by b;
select (select array_agg(o.a order by o.a desc) from t2 limit 1) from t1 o where a < 4;
select t2.c, (select count(t2.c) + max(t1.a) from t1) from t2 group by c order by c;
select t2.c, (select max(t1.a + t2.c) from t1) from t2 order by c;
select sum(a), (select sum(sum(a)) from t2) from t1;
select (select sum(a) from t2 where t2.c = min(t1.b)+1) from t1;
select (select string_agg(t1.a::text, ',' order by t1.a) from t2 where c = 1) from t1 group by b order by b;
select 1 from t1 where (select sum(t1.a)) > 1;
select (select rank(2) within group (order by t1.a)) from t1;
select (select count(*) from t2 where t2.c < count(t1.a)) from t1;
-- a routine's argument with a sub-query, put into a query of the routine's body
create function plus(x int) returns int language sql as 'select (select $1 + c from t2 order by c limit 1)';
select plus((select max(c) from t2 where c < t1.a)) from t1 where a > 1 order by a;
