-- Joins, aggregates and sub-queries over two small tables; errors with their positions.
create table item (id int primary key, name text not null, price numeric(10,2), tags text[]);
create table sale (item_id int references item, day date, amount int check (amount > 0));
insert into item values (1, 'apple', 0.50, '{fruit,red}'), (2, 'pear', 0.75, '{fruit}'), (3, 'brick', 3.20, null);
insert into sale select 1 + n % 2, date '2024-01-01' + n, n + 1 from generate_series(0, 9) n;
select name, count(amount), sum(amount * price) from item left join sale on id = item_id group by name order by name;
select * from item where not exists (select from sale where item_id = id);
select day, amount, sum(amount) over (order by day rows 2 preceding) from sale where item_id = 1 order by day;
with recursive walk(n) as (values (1) union all select n + 1 from walk where n < 5) select array_agg(n) from walk;
select name from item where 'red' = any (tags);
insert into item values (1, 'again', 1, null);
insert into sale values (1, '2024-02-01', 0);
insert into sale values (9, '2024-02-01', 1);
select nosuch from item;
select 1 / (id - 1) from item;
-- Schemas that every path implies are no current ones; the words of plans.
create temp table aside (a int);
select current_schema, current_schemas(false);
explain (costs off) select name from item where price > 1;
explain (costs off) select name from item where id = 2;
explain (costs off) select name, count(*) from item group by name order by count(*);
