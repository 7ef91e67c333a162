-- What ANALYZE finds in arrays, and conditions that ask for elements.
create table arrays (id int, tags text[], nums int[], few int[], none text[], days date[]);
insert into arrays select g, array['t' || g % 5, 'u' || g % 100, 'w' || g], array[g % 3, g % 50, g % 3], case when g % 10 > 0 then array_fill(7, array[g % 4]) end,
  null, case when g % 2 = 0 then array[date '2020-01-01' + g % 4, null] else '{}' end from generate_series(1, 20000) g;
analyze arrays;
\x on
select attname, array_length(most_common_elems::text::text[], 1) as elements, (most_common_elems::text::text[])[1:8] as first, most_common_elem_freqs[1:6] as freqs,
  most_common_elem_freqs[array_length(most_common_elem_freqs, 1) - 2:] as last, elem_count_histogram[1:4] as counts, elem_count_histogram[array_length(elem_count_histogram, 1)] as mean,
  array_length(elem_count_histogram, 1) as bounds
from pg_stats where tablename = 'arrays' order by attname;
\x off
select staattnum, stakind1, stakind2, stakind3, stakind4, stakind5, staop1, staop2, staop3, staop4, staop5, stacoll1, stacoll2, stacoll3, stacoll4, stacoll5
from pg_statistic where starelid = 'arrays'::regclass order by 1;
create table arrays_less as select * from arrays where id <= 500;
alter table arrays_less alter nums set statistics 2;
analyze arrays_less;
select (most_common_elems::text::int[])[1:3], array_length(most_common_elems::text::int[], 1), most_common_elem_freqs, elem_count_histogram from pg_stats where tablename = 'arrays_less' and attname = 'nums';
-- Few rows by a nested loop, many by a hash join.
create table others as select g as id, 'row ' || g as v from generate_series(1, 20000) g;
create index others_id on others (id);
analyze others;
set enable_memoize = off;
set enable_mergejoin = off;
explain (costs off) select * from arrays join others using (id) where tags @> '{t1}';
explain (costs off) select * from arrays join others using (id) where tags @> '{w17}';
explain (costs off) select * from arrays join others using (id) where tags @> '{t1,t2,u4}';
explain (costs off) select * from arrays join others using (id) where '{t1}' <@ tags;
explain (costs off) select * from arrays join others using (id) where tags && '{t1,w5}';
explain (costs off) select * from arrays join others using (id) where tags && '{w4,w5}';
explain (costs off) select * from arrays join others using (id) where tags <@ '{t1,u5}';
explain (costs off) select * from arrays join others using (id) where few <@ '{7}';
explain (costs off) select * from arrays join others using (id) where few <@ '{8}';
explain (costs off) select * from arrays join others using (id) where nums <@ '{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30}';
explain (costs off) select * from arrays join others using (id) where nums @> '{1,null}';
explain (costs off) select * from arrays join others using (id) where 't1' = any (tags);
explain (costs off) select * from arrays join others using (id) where 'w1' = any (tags);
explain (costs off) select * from arrays join others using (id) where 7 = all (few);
explain (costs off) select * from arrays join others using (id) where 7 <> all (few);
explain (costs off) select * from arrays join others using (id) where date '2020-01-03' = any (days);
select count(*) from arrays where tags @> '{t1}';
select count(*) from arrays where few <@ '{7}';
drop table arrays, arrays_less, others;
