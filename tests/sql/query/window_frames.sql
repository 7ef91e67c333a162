-- Frames: RANGE and GROUPS with offsets, EXCLUDE, nulls, descending orders, each type that RANGE knows.
create table w (id int, g int, i int, b bigint, f float8, n numeric, d date, t timestamp, z timestamptz, v interval, h time);
insert into w select x, x % 3, nullif(x * x % 17, 4), x * 1000000000000, x / 4.0, x * 1.5, date '2020-01-28' + x, timestamp '2020-01-31 12:00' + x * interval '9 days',
  timestamptz '2020-03-28 12:00+00' + x * interval '8 hours', x * interval '1 day 5 hours', time '00:10' + x * interval '57 minutes' from generate_series(1, 20) x;
select id, i, sum(i) over (order by i range between 3 preceding and 2 following), count(*) over (order by i range between 3 preceding and 2 following) from w order by i, id;
select id, i, count(*) over (order by i desc range between 3 preceding and 2 following), count(*) over (order by i nulls first range between 5 preceding and 1 preceding) from w order by i, id;
select id, i, count(*) over (partition by g order by i desc nulls last range between unbounded preceding and 2 following), first_value(id) over (order by b range between 2000000000000 preceding and current row) from w order by id;
select id, i, count(i) over (order by i range between 2::bigint following and 4::bigint following), count(*) over (order by f range between 0.5 preceding and 1 following), count(*) over (order by n range 2.5 preceding) from w order by id;
select id, count(*) over (order by d range between '3 days' preceding and '1 month' following), count(*) over (order by t range between interval '1 month' preceding and current row),
  count(*) over (order by z range between '1 day' preceding and '1 day' following), count(*) over (order by v range between '2 days' preceding and current row), count(*) over (order by h range between '2 hours' preceding and '1 hour' following) from w order by id;
select id, i, count(*) over (order by id / 3 rows between 2 preceding and 2 following exclude current row), count(*) over (order by id / 3 rows between 2 preceding and 2 following exclude group),
  count(*) over (order by id / 3 rows between 2 preceding and 2 following exclude ties) from w order by id;
select id, i, sum(id) over (order by i range between 2 preceding and 2 following exclude ties) from w where i is not null order by id;
select g, count(*) over (order by g groups between 1 preceding and 1 following exclude group), sum(id) over (order by g groups between 1 following and unbounded following), min(id) over (order by g groups current row exclude current row) from w order by g, id;
select id, first_value(id) over q, last_value(id) over q, nth_value(id, 2) over q, nth_value(id, 4) over q from w window q as (order by id rows between 3 preceding and 3 following exclude current row) order by id;
select id, array_agg(id) over (partition by g order by id groups between 1 preceding and 2 following exclude ties) from w where id < 12 order by id;
select x, count(*) over (order by x range between 1 preceding and 'infinity' following), count(*) over (order by x range between 'infinity' preceding and 1 following) from (values ('-infinity'::float8), (1), (2.5), ('infinity'), ('nan'), (null)) v(x) order by x;
select x, count(*) over (order by x range between 1 preceding and 1 following) from (values ('-infinity'::numeric), (1), (2), ('infinity'), ('nan')) v(x) order by x;
select x, count(*) over (order by x range between 2147483647 preceding and 9223372036854775807 following) from (values (1), (2147483647), (-2147483648)) v(x) order by x;
-- errors
select sum(i) over (order by i range between -1 preceding and current row) from w;
select sum(i) over (order by i range between null preceding and current row) from w;
select sum(i) over (order by i rows between -1 preceding and current row) from w;
select sum(i) over (order by i groups between 1 preceding and null::int following) from w;
select sum(i) over (order by t range between interval '-1 day' preceding and current row) from w;
select sum(i) over (order by i, id range between 1 preceding and current row) from w;
select sum(i) over (range between 1 preceding and current row) from w;
select sum(i) over (order by id::text range between 1 preceding and current row) from w;
select sum(i) over (order by n range between 1.5::float8 preceding and current row) from w;
select sum(i) over (order by d range between 3 preceding and current row) from w;
select sum(i) over (order by i range between i preceding and current row) from w;
select sum(i) over (groups between 1 preceding and current row) from w;
select in_range(5, 3, 2, false, true), in_range(5, 3, 1, false, true), in_range(1::bigint, 3, 1, true, false);
