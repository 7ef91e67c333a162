-- ANALYZE: what it says of each column when every row is in the sample.
create table measured (id int primary key, name text, day date, flag bool, score float8, tags int[], extra json, code varchar(10), shade char(4));
insert into measured select i, 'name ' || i % 7, date '2024-01-01' + i % 40, i % 3 = 0, case when i % 5 = 0 then null else i * 1.5 end,
    array[i, i % 3], '{}', 'c' || i, 'ab' from generate_series(1, 2000) i;
select count(*) from pg_stats where tablename = 'measured';
analyze measured;
select reltuples, relpages > 0 from pg_class where relname = 'measured';
select reltuples from pg_class where relname = 'measured_pkey';
select attname, inherited, null_frac, avg_width, n_distinct, array_length(most_common_freqs, 1) as common, array_length(histogram_bounds::text::text[], 1) as bounds,
    correlation is not null as correlated
from pg_stats where tablename = 'measured' order by attname;
select most_common_vals, most_common_freqs from pg_stats where tablename = 'measured' and attname in ('name', 'flag', 'shade') order by attname;
select histogram_bounds from pg_stats where tablename = 'measured' and attname = 'id';
select staattnum, stakind1, stakind2, stakind3, staop1, staop2, staop3, stacoll1 from pg_statistic where starelid = 'measured'::regclass and staattnum <> 6 order by 1;
-- Some columns alone; columns with a target of their own.
create table parted (a int, b int, c int);
insert into parted select i, i % 50, i % 200 from generate_series(1, 1000) i;
analyze parted (b);
select attname, n_distinct from pg_stats where tablename = 'parted' order by 1;
alter table parted alter c set statistics 10, alter a set statistics 0;
analyze parted;
select attname, n_distinct, array_length(most_common_freqs, 1) as common, array_length(histogram_bounds::text::int[], 1) as bounds from pg_stats where tablename = 'parted' order by 1;
-- They follow the column.
alter table parted rename b to bb;
alter table parted drop column c;
select attname from pg_stats where tablename = 'parted' order by 1;
begin;
insert into parted select 1, 1 from generate_series(1, 100);
analyze parted (bb);
select n_distinct, most_common_freqs[1] from pg_stats where tablename = 'parted' and attname = 'bb';
rollback;
select n_distinct, most_common_freqs[1] from pg_stats where tablename = 'parted' and attname = 'bb';
-- Nothing to look at.
create table empty (a int, b text);
analyze empty;
select reltuples from pg_class where relname = 'empty';
select count(*) from pg_stats where tablename = 'empty';
create table nulls (a int, b text);
insert into nulls select null, repeat('x', 2000) || i from generate_series(1, 10) i;
analyze nulls;
select attname, null_frac, n_distinct, most_common_vals, histogram_bounds from pg_stats where tablename = 'nulls' order by 1;
-- What it refuses.
analyze parted (a, a);
analyze parted (nothing);
analyze missing;
vacuum parted (a);
vacuum (analyze, quickly) parted;
analyze (quickly) parted;
vacuum analyze parted (a);
create view seen as select 1;
analyze seen;
drop table parted;
select count(*) from pg_statistic s left join pg_class c on c.oid = s.starelid where c.oid is null;
