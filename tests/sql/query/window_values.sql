-- Values of running aggregates stay what they were when their row was computed
select x, min(x) over (order by i), max(x) over (order by i) from (values (1, 1000.0), (2, 1000.0), (3, 500.0), (4, null), (5, 100)) v(i, x);
select x, min(x) over (order by i), max(x) over (order by i) from (values (1, 'a'), (2, 'b'), (3, 'cc'), (4, null), (5, 'dddddd'), (6, 'c')) v(i, x);
select x, sum(x) over (order by i), max(x) over (order by i) from (values (1, interval '9 days'), (2, '8 days'), (3, '17 days'), (4, null), (5, '1 day')) v(i, x);
select x, array_agg(x) over (order by i), string_agg(x::text, ',') over (order by i) from (values (1, 1000.0), (2, 1000.0), (3, 500.0), (4, null), (5, 100)) v(i, x);
-- rows of equal keys, and of several windows, in the order that the sort leaves them in
create table pay (part text, no int, salary int, since date);
insert into pay values ('dev', 10, 5200, '2007-08-01'), ('sales', 1, 5000, '2006-10-01'), ('staff', 5, 3500, '2007-12-10'), ('sales', 4, 4800, '2007-08-08'),
  ('staff', 2, 3900, '2006-12-23'), ('dev', 7, 4200, '2008-01-01'), ('dev', 9, 4500, '2008-01-01'), ('sales', 3, 4800, '2007-08-01'), ('dev', 8, 6000, '2006-10-01'), ('dev', 11, 5200, '2007-08-15');
select part, no, sum(salary) over (partition by part) from pay;
select part, no, rank() over (partition by part order by salary) from pay order by 3;
select no, first_value(salary) over (order by since), last_value(salary) over (order by since desc), lag(no) over (partition by part) from pay;
select sum(salary), row_number() over (order by part), sum(sum(salary)) over (order by part desc) from pay group by part;
select no, row_number() over (order by part), count(*) over (partition by part order by salary), min(no) over (partition by since), max(no) over () from pay;
select g % 7 as k, g from generate_series(1, 100) g order by 1;
select g % 3 as k, g from generate_series(1, 30) g order by 1 desc limit 31;
-- rows of arrays become an array of one dimension more
select array(select array[i, i / 2] from generate_series(1, 5) i), array(select array['Hello', i::text] from generate_series(9, 11) i), array(select array[[1, 2], [i, 4]] from generate_series(9, 11) i);
select array(select array[1, i] from generate_series(9, 11) i where i > 20);
select array(select null::int[] from generate_series(9, 11) i);
select array(select '{}'::int[] from generate_series(9, 11) i);
select array(select (array[1, 2, 3])[1:i] from generate_series(1, 3) i);
select x, array(select array[x, y] from generate_series(1, x) y) from generate_series(0, 2) x;
select array_agg(a) from (values (null::int[])) v(a);
