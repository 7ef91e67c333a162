-- the first rows of an order, found by several threads: those of each, then the first of them
create table wares (id int, shop int, price numeric(10, 2), name text);
insert into wares select i, i % 100, (i * 7919 % 10007) / 100.0, case when i % 1000 = 0 then null else 'ware ' || (i * 31 % 60000) end from generate_series(1, 60000) i;
create table shops (shop int, town text);
insert into shops select i, 'town ' || i % 10 from generate_series(0, 99) i;
analyze wares, shops;
set min_parallel_table_scan_size = 0;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set max_parallel_workers_per_gather = 2;
explain (costs off) select * from wares order by price desc, id limit 5 \g |grep -o 'Workers Planned: [0-9]\|Parallel Seq Scan'
select * from wares order by price desc, id limit 5;
select id, name from wares order by name nulls first, id limit 3 offset 58;
select id, name from wares order by name desc nulls last, id limit 3;
select w.id, s.town from wares w join shops s using (shop) where s.town = 'town 3' order by w.price, w.id desc limit 4;
select * from (select id from wares order by price, id limit 4) x order by id;
select s.shop, (select max(price) from (select price from wares w where w.id > s.shop order by price desc limit 3) x) from shops s where s.shop < 3 order by 1;
select id from wares order by id limit 0;
select id from wares order by -id limit 2 offset 59999;
prepare top(int) as select id from wares order by price, id limit $1;
execute top(2);
execute top(4);
-- every row of a few keys: as many as are asked for, whichever they are
select count(*), sum(shop) from (select shop from wares order by shop limit 600) x;
-- one row fails
\set VERBOSITY terse
select 1 / (id - 30000) from wares order by price limit 3;
\set VERBOSITY default
-- read again from the start, with another bound
begin;
declare c scroll cursor for select id from wares order by price, id limit 3;
fetch all from c;
move absolute 0 from c;
fetch 2 from c;
rollback;
set work_mem = '64kB';
select count(*), sum(id) from (select id, name from wares order by price, id limit 20000) x;
