-- CREATE STATISTICS and ANALYZE: what is found, and what is expected of conditions and groups by it
create table e (a int, b int, c int, d text);
insert into e select i % 100, i % 50, i % 25, 'x' || (i % 10) from generate_series(1, 10000) i;
analyze e;
-- without: as if the columns had nothing to do with each other
explain select * from e where a = 1 and b = 1 and c = 1 \g |grep -o -m1 'rows=[0-9]*'
explain select a, b, c, count(*) from e group by a, b, c \g |grep -o -m1 'rows=[0-9]*'

-- how many different values
create statistics en (ndistinct) on a, b, c from e;
select stxdndistinct from pg_statistic_ext_data;
analyze e;
select statistics_name, attnames, exprs, kinds, inherited, n_distinct, dependencies, most_common_vals from pg_stats_ext;
explain select a, b, c, count(*) from e group by a, b, c \g |grep -o -m1 'rows=[0-9]*'
explain select a, b, count(*) from e group by a, b \g |grep -o -m1 'rows=[0-9]*'
explain select a, d, count(*) from e group by a, d \g |grep -o -m1 'rows=[0-9]*'
explain select distinct a, b, c, d from e \g |grep -o -m1 'rows=[0-9]*'
explain select a, b, c, count(*) from e where a < 10 group by a, b, c \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a = 1 and b = 1 and c = 1 \g |grep -o -m1 'rows=[0-9]*'
drop statistics en;
select count(*) from pg_statistic_ext_data;
explain select a, b, c, count(*) from e group by a, b, c \g |grep -o -m1 'rows=[0-9]*'

-- what follows from what
create statistics ed (dependencies) on a, b, c from e;
analyze e;
select n_distinct, dependencies from pg_stats_ext;
explain select * from e where a = 1 and b = 1 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a = 1 and b = 1 and c = 1 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where 1 = a and b = 1 and c = 1 and d = 'x1' \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a in (1, 51) and b = 1 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where (a = 1 or a = 51) and (b = 1 or b = 2) \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a = any (array[1, 2, 51, 52]) and b = any ('{1,2}') and c = 1 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a < 10 and b = 1 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a = 1 and b = 1 and c < 10 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where b = 1 and c = 1 \g |grep -o -m1 'rows=[0-9]*'
prepare p(int, int) as select * from e where a = $1 and b = $2;
set plan_cache_mode = force_generic_plan;
explain execute p(1, 1) \g |grep -o -m1 'rows=[0-9]*'
deallocate p;
reset plan_cache_mode;
-- an index serves a part of the conditions: as many rows
create index on e (a);
set enable_seqscan = off;
explain select * from e where a = 1 and b = 1 and c = 1 \g |grep -o -m1 'rows=[0-9]*'
reset enable_seqscan;
drop statistics ed;

-- common rows
truncate e;
insert into e select i % 100, i % 50, i % 25, case when i % 100 < 30 then null else 'x' || (i % 100) end from generate_series(1, 5000) i;
analyze e;
explain select * from e where a = 1 and b = 1 \g |grep -o -m1 'rows=[0-9]*'
create statistics em (mcv) on a, b, c, d from e;
analyze e;
select m.index, m.values, m.nulls, m.frequency, m.base_frequency from pg_statistic_ext_data, lateral pg_mcv_list_items(stxdmcv) m where m.values[1]::int in (1, 55) order by m.values[1]::int;
select count(*), sum(m.frequency)::numeric(10, 6), sum(m.base_frequency)::numeric(10, 8) from pg_statistic_ext_data, lateral pg_mcv_list_items(stxdmcv) m;
explain select * from e where a = 1 and b = 1 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a = 1 and b = 2 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a = 1 and b = 1 and c = 1 and d is null \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a = 51 and d = 'x51' \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a = 51 and d <> 'x51' \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a <= 10 and b < 5 and c <= 4 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a < 10 and b > 20 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a in (1, 51, 52) and b in (1, 2) \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a not in (1, 51, 52) and b in (1, 2) \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where (a = 1 and b = 1) or (a = 51 and b = 1) \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a = 1 or b = 1 or c = 1 \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where (a = 1 or b = 1) and not (c = 2) \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a < 20 and d is not null \g |grep -o -m1 'rows=[0-9]*'
explain select * from e where a = 1 and b = 1 or d = 'x77' \g |grep -o -m1 'rows=[0-9]*'
explain update e set c = 1 where a = 1 and b = 1 \g |grep -o 'rows=[0-9]*'
drop statistics em;
drop table e;

-- expressions
create table x (a int, b int, t timestamp);
insert into x select i, i % 7, timestamp '2020-01-01' + i * interval '1 hour' from generate_series(1, 5000) i;
create statistics xs on (a % 10), (b * 2), (date_trunc('day', t)) from x;
create statistics xo on (a / 100) from x;
analyze x;
select statistics_name, exprs, kinds, n_distinct, dependencies from pg_stats_ext order by 1;
select statistics_name, expr, inherited, null_frac, avg_width, n_distinct, most_common_freqs, array_length(histogram_bounds::text::text[], 1) as bounds, correlation::numeric(6, 3)
  from pg_stats_ext_exprs where expr not like '%date_trunc%' order by statistics_name, expr;
select expr, n_distinct, correlation from pg_stats_ext_exprs where expr like '%date_trunc%';
explain select * from x where a % 10 = 3 \g |grep -o -m1 'rows=[0-9]*'
explain select * from x where a / 100 < 5 \g |grep -o -m1 'rows=[0-9]*'
explain select * from x where a % 10 = 3 and b * 2 = 4 \g |grep -o -m1 'rows=[0-9]*'
explain select * from x where date_trunc('day', t) = '2020-02-01' \g |grep -o -m1 'rows=[0-9]*'
explain select a % 10, b * 2, count(*) from x group by 1, 2 \g |grep -o -m1 'rows=[0-9]*'
explain select a / 100, count(*) from x group by 1 \g |grep -o -m1 'rows=[0-9]*'
explain select date_trunc('day', t), count(*) from x group by 1 \g |grep -o -m1 'rows=[0-9]*'

-- what cannot be done; columns left out; dropped with the table
analyze x (a);
alter table x alter column b type bigint;
select count(*) from pg_statistic_ext;
select statistics_name, exprs, n_distinct from pg_stats_ext;
explain select * from x where a % 10 = 3 and b * 2 = 4 \g |grep -o -m1 'rows=[0-9]*'
analyze x;
select statistics_name, exprs, n_distinct from pg_stats_ext order by 1;
explain select * from x where a % 10 = 3 and b * 2 = 4 \g |grep -o -m1 'rows=[0-9]*'
create statistics xp on a, b from x;
analyze x (a);
select '1'::pg_ndistinct;
select '1'::pg_dependencies;
select '1'::pg_mcv_list;
drop table x;
select count(*) from pg_statistic_ext_data;

-- nulls, values too wide to look at, a table without rows, one with tables below it
create table w (a int, b text, c text);
insert into w select case when i % 4 = 0 then null else i % 4 end, case when i % 4 = 0 then null else 'b' || i % 4 end, repeat('w', 2000) || i from generate_series(1, 400) i;
create statistics ws on a, b from w;
create statistics wc on a, c from w;
create table nothing (a int, b int);
create statistics ns on a, b from nothing;
analyze w, nothing;
select statistics_name, n_distinct, dependencies, most_common_vals, most_common_val_nulls, most_common_freqs, most_common_base_freqs from pg_stats_ext order by 1;
explain select * from w where a is null and b is null \g |grep -o -m1 'rows=[0-9]*'
explain select * from w where a = 1 and b = 'b1' \g |grep -o -m1 'rows=[0-9]*'
drop table w, nothing;
create table o (a int, b int);
create table o1 () inherits (o);
create table o2 () inherits (o);
create statistics os on a, b from o;
insert into o1 select i % 20, i % 20 from generate_series(1, 2000) i;
insert into o2 select i % 20, i % 20 from generate_series(1, 2000) i;
insert into o values (1, 2);
analyze o, o1, o2;
select inherited, n_distinct, dependencies from pg_stats_ext order by 1;
explain select a, b, count(*) from o group by a, b \g |grep -o -m1 'rows=[0-9]*'
drop table o cascade;
