-- Partitions left out by values that are known only when the statement runs.
create table pr (region text not null, day int not null, n int) partition by list (region);
create table pr_eu partition of pr for values in ('de', 'fr') partition by range (day);
create table pr_eu_1 partition of pr_eu for values from (0) to (100);
create table pr_eu_2 partition of pr_eu for values from (100) to (200);
create table pr_eu_x partition of pr_eu default;
create table pr_us partition of pr for values in ('us');
create table pr_other partition of pr default;
insert into pr select (array['de', 'fr', 'us', 'jp'])[i % 4 + 1], i, i from generate_series(1, 250) i;
analyze pr;
select relname, reltuples from pg_class where relname like 'pr%' order by 1;
select tablename, inherited, n_distinct from pg_stats where tablename like 'pr%' and attname = 'region' order by 1;
-- parameters: before the run begins
set plan_cache_mode = force_generic_plan;
prepare one(text) as select count(*), sum(n) from pr where region = $1;
explain (costs off) execute one('us');
execute one('us');
execute one('jp');
execute one(null);
execute one('de');
prepare two(text, int) as select n from pr where region = $1 and day between $2 and $2 + 3 order by n;
explain (costs off) execute two('de', 120);
execute two('de', 120);
execute two('us', 6);
execute two('fr', 98);
prepare three(text[]) as select region, count(*) from pr where region = any ($1) group by region order by region;
execute three('{us,jp}');
execute three('{}');
prepare four(int) as select count(*) from pr where region = 'de' and (day < $1 or day > 180);
explain (costs off) execute four(10);
execute four(10);
-- all of them
explain (costs off) execute one(null);
-- a child that one run leaves out is there for the next one
execute one('fr');
execute one('us');
reset plan_cache_mode;
-- answers of sub-plans, and values of a nested loop: at each turn
explain (analyze, costs off, timing off, summary off) select count(*) from pr where region = (select 'us' || '');
explain (analyze, costs off, timing off, summary off) select count(*) from pr where day < (select 50) and region = (select 'de' || '');
select count(*) from pr where region = (select 'de' || '') and day < (select 50);
create index on pr (region, day);
create table wanted (region text, day int);
insert into wanted values ('us', 2), ('us', 6), ('jp', 3);
analyze wanted;
set enable_hashjoin = off;
set enable_mergejoin = off;
select w.region, w.day, pr.n from wanted w join pr on pr.region = w.region and pr.day = w.day order by 1, 2;
reset enable_hashjoin;
reset enable_mergejoin;
-- stable functions are asked once
select set_config('my.region', 'us', false);
explain (costs off) select count(*) from pr where region = current_setting('my.region');
select count(*) from pr where region = current_setting('my.region');
set enable_partition_pruning = off;
explain (costs off) select count(*) from pr where region = 'us' and day = 1000;
reset enable_partition_pruning;
-- what a bound further up says of the rows further down
create table up (a int, b int) partition by range (a);
create table up_1 partition of up for values from (0) to (10) partition by list (b);
create table up_1_1 partition of up_1 for values in (1);
create table up_1_x partition of up_1 default;
create table up_2 partition of up for values from (10) to (20) partition by range (a);
create table up_2_1 partition of up_2 for values from (10) to (15);
create table up_2_x partition of up_2 default;
explain (costs off) select * from up where a = 12 or b = 1;
explain (costs off) select * from up where a = 5 and a = 6;
explain (costs off) select * from up where a <= 10;
explain (costs off) select * from up where a < 3000000000 and a > 17;
explain (costs off) select * from up where a = 3000000000;
-- truth values
create table truth (b bool, n int) partition by list (b);
create table truth_t partition of truth for values in (true);
create table truth_f partition of truth for values in (false);
create table truth_n partition of truth default;
insert into truth values (true, 1), (false, 2), (null, 3);
explain (costs off) select * from truth where b is not true;
explain (costs off) select * from truth where b = false;
explain (costs off) select * from truth where not b = false;
select n from truth where b is not true order by n;
select n from truth where not b = false;
select n from truth where not (b is not false) order by n;
select n from truth where not (b or n = 2) order by n;
-- several keys, one of them bounded after the other
create table keys2 (a int, b int) partition by range (a, b);
create table keys2_1 partition of keys2 for values from (minvalue, minvalue) to (10, 10);
create table keys2_2 partition of keys2 for values from (10, 10) to (10, 20);
create table keys2_3 partition of keys2 for values from (10, 20) to (maxvalue, maxvalue);
explain (costs off) select * from keys2 where a <= 10 and b < 10;
explain (costs off) select * from keys2 where a >= 10 and b >= 20;
explain (costs off) select * from keys2 where a >= 10;
drop table pr, wanted, up, truth, keys2;
