-- WITH items that read the query around them are computed anew for each of its rows
select x, (with c as materialized (select x as y) select y from c) from generate_series(1,3) x;
select x, (with c as materialized (select x + n as y from generate_series(1, x) n), d as materialized (select sum(y) as s from c) select s + (select max(y) from c) from d) from generate_series(1,3) x;
select x, l.y from generate_series(1,3) x, lateral (with c as materialized (select x as y) select a.y + b.y as y from c a, c b) l;
select x, (with recursive r(n) as (select x union all select n + 1 from r where n < 4) select string_agg(n::text, ',' order by n) from r) from generate_series(1,4) x;
-- inside the recursive half: for each turn
with recursive r(n) as (
  select 1
  union all (with a as materialized (select n + 1 as n from r where n < 5), b as materialized (select n from a) select a.n from a join b using (n)))
select * from r;
-- of the statement itself: once
with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select a.n, b.n from t a, t b where a.n <> b.n order by 1, 2;
-- read twice around: what stands in place of a WITH item reads the outer query as well
create table i4(f1 int);
insert into i4 values (0), (5), (-5);
select (with cte(foo) as (values (f1)) select (select foo from cte)) from i4;
select (with cte(foo) as (values (f1)) values ((select foo from cte))) from i4;
-- items that write, which nobody but another one reads
create table y (a int);
create table yy (a int);
insert into y values (1), (2);
with recursive t1 as (insert into y select a from y returning *), t2 as (insert into yy select * from t1 returning *) select 1;
select a from y order by a;
select a from yy order by a;
with recursive t1 as (insert into yy select * from t2 returning *), t2 as (insert into y select 10 returning *) select 1;
select a from yy order by a;

-- junk columns of an item (sort and partition keys) are kept with its rows by types of their own
create temp table word(a int, b varchar(10));
insert into word select i, 'v' || i % 4 from generate_series(1, 300) i;
with w as (select b, sum(a) over (partition by a % 2 = 0) as s from word)
select w1.b, count(*) from w w1 join w w2 on w1.b::text = w2.b::text group by 1 order by 1;
with w as materialized (select b from word order by a % 3 = 0, a limit 200)
select w1.b, count(*) from w w1 join w w2 on w1.b::text = w2.b::text group by 1 order by 1;
