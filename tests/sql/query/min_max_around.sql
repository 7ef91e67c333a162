-- min and max in sub-queries of sub-selects that read rows around them
create table t1(a int primary key, b int, c text, d numeric(10,2), e bool);
insert into t1 select i, i % 7, 'v' || i % 6, i, i % 3 = 0 from generate_series(1, 20) i;
create index on t1 (c, d);
set enable_seqscan = off;
select a, (select array[max, min] from (select max(q1.a), min(q1.a) from t1 q1 where t1.e) x) from t1 where a < 4 order by a;
select a, (select max from (select max(q1.a) from t1 q1 where t1.e) x) from t1 where a < 4 order by a;
select a, (select max from (select max(q1.a) from t1 q1 where t1.b = q1.b) x) from t1 where a < 4 order by a;
select a, (select min from (select min(q1.c) from t1 q1 where t1.e) x) from t1 where a < 4 order by a;
select a, (select min from (select min(q1.c) from t1 q1 where t1.b = q1.b) x) from t1 where a < 4 order by a;
select a, (select min from (select min(q1.c) from t1 q1 where t1.b = q1.b offset 0) x) from t1 where a < 4 order by a;
select a, (select (select max(q1.a) from t1 q1 where t1.e) as m from t1 b where b.a = t1.a) from t1 where a < 4 order by a;
select a, (select (select max(q1.a) from t1 q1 where t1.e) as m offset 0) from t1 where a < 4 order by a;
select a, (select max(q1.a) from t1 q1 where t1.e) from t1 where a < 4 order by a;
select a, (select min(q1.c) from t1 q1 where t1.e) from t1 where a < 4 order by a;
select a, (select array[max(q1.a), min(q1.a)] from t1 q1 where t1.e) from t1 where a < 4 order by a;
select a, (select max(q1.a) + min(q1.a) from t1 q1 where t1.e) from t1 where a < 4 order by a;
select a, (select row(max, min)::text from (select max(q1.a), min(q1.c) from t1 q1 where t1.e) x) from t1 where a < 4 order by a;
