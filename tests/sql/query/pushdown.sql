-- conditions over a sub-query are checked inside it where that leaves out the same rows
create table sales(id int primary key, region int, amount int, note text);
insert into sales select i, i % 10, i * 7 % 100, case when i % 3 = 0 then 'n' || i end from generate_series(1, 500) i;
create table returned(id int primary key, region int, amount int);
insert into returned select i, i % 7, i % 50 from generate_series(1, 200) i;
create index on sales(region);
analyze sales;
analyze returned;
create view by_region as select region, count(*) as n, sum(amount) as total from sales group by region;
create view moves as select id, region, amount, 'out' as kind from sales union all select id, region, -amount, 'in' from returned;
select * from by_region where region = 3 and n > 2;
select * from by_region where region in (1, 2) and total > 0 order by 1;
explain (costs off) select * from moves where id = 7;
select * from moves where id = 7 order by kind;
select kind, count(*), sum(amount) from moves where region = 3 and amount <> 5 group by kind order by 1;
-- INTERSECT yes, EXCEPT no, LIMIT no
select * from (select region from sales intersect select region from returned) s where region > 4 order by 1;
select * from (select region from sales except select region from returned) s where region > 4 order by 1;
select * from (select id, amount from sales order by id limit 5) s where id > 3;
select * from (select id, amount from sales order by id offset 495) s where id > 3 and amount < 50 order by 1;
-- DISTINCT ON and windows: their keys alone
select * from (select distinct on (region) region, id from sales order by region, id desc) s where region = 4;
select * from (select distinct on (region) region, id from sales order by region, id desc) s where id < 495 order by 1;
select * from (select region, id, row_number() over (partition by region order by id) r from sales) s where region = 5 and r <= 2 order by id;
select * from (select region, id, row_number() over (partition by region order by id) r from sales) s where id < 12 and r <= 2 order by id;
select * from (select region, id, count(*) over () n, row_number() over (partition by region order by id) r from sales) s where region = 5 and r < 3 order by id;
-- grouping sets: a key that is null in some sets
select * from (select region, count(*) n from sales group by rollup(region)) s where region is null or region = 1 order by 1;
-- an outer join's nullable side: only what its own condition says
select s.id, b.n from sales s left join by_region b on b.region = s.region and b.region = 2 where s.id < 4 order by 1;
select s.id, b.n from sales s left join by_region b on b.region = s.region where s.id < 4 and coalesce(b.region, 0) < 3 order by 1;
-- values that differ each time, sets, sub-selects
select count(*) from (select id, random() r from sales) s where r >= 0 and id <= 10;
select * from (select id, generate_series(1, 3) g from sales where id < 4) s where g = 2 and id > 1 order by 1;
select * from (select region, count(*) n from sales group by region) s where region = (select max(region) from returned);
select * from (select id, (select count(*) from returned r where r.region = s.region) c from sales s) q where c > 28 and id < 20 order by 1;
-- members of other types, nested ones, WITH
select * from (select id::bigint as v from sales union all select amount from returned) s where v = 49 order by 1;
select * from (select * from (select id, region from sales union select id, region from returned) a where region = 3 union all select 1, 3) b where id < 20 order by 1;
with w as (select region, max(amount) m from sales group by region) select * from w where region = 8;
with w as materialized (select region, max(amount) m from sales group by region) select * from w where region = 8;
select s.id, l.t from returned s, lateral (select sum(amount) t, region from sales where region = s.region group by region) l where l.region = 6 and s.id < 20 order by 1;
-- HAVING that reads keys alone
select region, count(*) from sales group by region having region = 2 and count(*) > 1;
select count(*) from sales having 1 = 0;
drop view moves, by_region;
drop table sales, returned;
