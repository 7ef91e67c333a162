-- What EXPLAIN takes besides the statement, and the statements it takes.
create table et (a int primary key, b text);
insert into et select i, 'row ' || i from generate_series(1, 100) i;
analyze et;
explain (wal) select 1;
explain (timing) select 1;
explain (nonsense) select 1;
explain (buffers maybe) select 1;
explain (costs off, buffers off, wal off, settings off, timing off, summary off) select * from et;
-- settings that differ from what they are at first
set enable_hashjoin = off;
set work_mem = '8MB';
explain (costs off, settings) select * from et where b = 'x';
explain (costs off, settings, format json) select * from et where b = 'x';
reset enable_hashjoin;
reset work_mem;
explain (costs off, settings) select 1;
-- prepared statements: with the values of this run, or for any
prepare q(int) as select * from et where b < $1::text;
explain (costs off) execute q(7);
set plan_cache_mode = force_generic_plan;
explain (costs off) execute q(7);
reset plan_cache_mode;
explain (costs off) execute q;
explain (costs off) execute q('x');
explain (costs off) execute nobody(7);
explain (analyze, costs off, timing off, summary off) execute q(0);
prepare u as update et set b = 'changed' where b = 'row 3';
begin;
explain (analyze, costs off, timing off, summary off, buffers off) execute u;
select b from et where a = 3;
rollback;
-- a table is made where the statement is run
explain (costs off) create table made as select a from et where b = 'row 1';
select * from made;
explain (analyze, costs off, timing off, summary off) create table made as select a from et where b = 'row 1';
select * from made;
explain (analyze, costs off, timing off, summary off) create table made as select 2;
explain (analyze, costs off, timing off, summary off) create table if not exists made as select 2;
explain (analyze, costs off, timing off, summary off) create table other as execute q(200);
select count(*) from other;
drop table et, made, other;
