-- columns that only a window or ORDER BY needs are no columns of the query around
create table t1(a int primary key);
insert into t1 select generate_series(1, 10);
select w1.*, w2.* from (select 4 as c0, max(q1.a) over (order by q1.a)::int as c2 from t1 q1 where a < 3) w1,
  (select 4 as c0, max(q1.a) over (order by q1.a)::int as c2 from t1 q1 where a < 3) w2 order by 1, 2, 3, 4;
select distinct a % 2 as m, sum(a) over (partition by a % 3 = 0) as s from t1 order by 1, 2;
-- rows of mixed types are compared by the types' own equality
select count(*) from (values (1::bigint, 2), (null, 2), (-5, 3)) v(x, y) where (-3, 1) >= (x, y);
-- a constant among grouping sets is null where its set is not
select 1 as one, count(*) from t1 group by rollup (coalesce(1, 1)) order by 1;
select * from (select coalesce(1, 1) as c, a % 2 as m, count(*) from t1 group by cube (coalesce(1, 1), a % 2)) z order by 1, 2;
-- an outer join stays one under NOT (... AND ...)
select l.a, r.a as ra from t1 l left join (select a from t1 where a < 3) r on r.a = l.a where not (l.a = 1 and r.a = 1) and l.a < 5 order by 1;
-- constants are folded before rows are met, but not where they cannot be reached
select case when a > 100 then 1/0 else 0 end from t1;
select case 1 when 0 then 1/0 when 1 then 1 else 2/0 end, coalesce(null, 5, 1/0);
select * from t1 where a = 1 and false and 1/0 = 1;
