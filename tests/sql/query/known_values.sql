-- Estimates that decide of plans: columns of sub-queries and WITH items, conditions over several tables, expressions of a column.
create table sale(kind text, year int, item int, amount int);
insert into sale select case when i % 3 = 0 then 's' when i % 3 = 1 then 'c' else 'w' end, 1998 + i % 5, i % 500, i % 97 from generate_series(1, 20000) i;
create table part(a int, b int, c int, primary key (a, b));
insert into part select i / 10, i % 10, i from generate_series(1, 10000) i;
analyze sale;
analyze part;

-- constants on both sides of ANY are computed while planning
explain (costs off) select 1 where 3 = any ('{1,2,3}'::int[]);
explain (costs off) select * from part where 4 <> all ('{1,2,3}'::int[]) and a = 1;
select 'b' = any ('{a,b}'::text[]), 4 <> all ('{4}'::int[]), 4 = any ('{1,null}'::int[]);
select 1 / 0 = any ('{1}'::int[]);

-- hundreds of rows on either side are hashed, not looped over
with total as materialized (
    select kind, year, item, sum(amount) as amount from sale group by kind, year, item
)
select count(*), sum(one.amount), sum(two.amount) from total one, total two
where one.item = two.item and one.kind = 's' and two.kind = 'c' and one.year = 2000 and two.year = 2001;

-- what an OR says of each table is asked of it first
select count(*) from sale, part where sale.item = part.a and ((sale.kind = 's' and part.b = 3) or (sale.kind = 'c' and part.b = 5));

select count(*) from sale, part one, part two where one.a = two.a and one.b = two.b and sale.item = one.a and sale.year = 1999;
select count(*) from (select kind, item from sale union all select 'x', a from part) u where kind = 'x';
select count(*) from (select kind from sale intersect select kind from sale where year = 2000) u;
select extract(year from date '2020-01-01' + item) as y, count(*) from sale group by 1 order by 1;
