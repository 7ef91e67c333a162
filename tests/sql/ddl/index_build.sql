-- Indexes over tables that have rows: keys that agree in their first bytes, nulls, repeated keys, rows in every order.
create table x (i int, j int8, t text, n numeric, d date, f float8);
insert into x select (i * 7919) % 5003, (i * 104729::int8) % 3 - 1, 'a long common beginning ' || (i * 31) % 997, ((i * 17) % 501) / 4.0, date '2000-01-01' + (i * 13) % 700, sin(i)
    from generate_series(1, 5000) i;
insert into x values (null, null, null, null, null, null), (0, 0, '', 0, 'infinity', 'nan'), (-2147483648, -9223372036854775808, 'a', -1e30, '-infinity', '-inf'),
    (2147483647, 9223372036854775807, 'a long', 1e30, '4000-01-01', 'inf'), (null, 5, 'a long common beginning ', null, null, 0);
create index x_i on x (i);
create index x_j on x (j desc nulls last, i);
create index x_t on x (t);
create index x_n on x (n, t);
create index x_d on x (d desc);
create index x_f on x (f) where i > 100;
create index x_e on x ((i % 10), upper(t));
create unique index x_u on x (i, t, n, d);
set enable_seqscan = off;
set enable_bitmapscan = off;
set enable_sort = off;
select i from x order by i limit 3;
select i from x order by i desc limit 3;
select i from x order by i offset 2500 limit 3;
select j, i from x order by j desc nulls last, i limit 3;
select j, i from x order by j desc nulls last, i offset 3000 limit 3;
select j, i from x order by j desc nulls last, i offset 5002;
select t from x where t >= '' order by t limit 4;
select t from x order by t offset 4990 limit 3;
select count(*) from x where t = 'a long common beginning 500';
select count(*) from x where t >= 'a long common beginning 5' and t < 'a long common beginning 6';
select n, t from x order by n, t offset 10 limit 3;
select d from x order by d desc limit 3;
select d from x order by d desc offset 2000 limit 2;
select count(*), count(distinct f) from x where f between -0.5 and 0.5 and i > 100;
select count(*) from x where i % 10 = 3 and upper(t) = 'A LONG COMMON BEGINNING 42';
select count(*) from (select i, lag(i) over (order by i) before from x where i >= -2147483648) s where i < before;
insert into x values (1, 2, 'late', 3, '2001-01-01', 0);
select t from x where i = 1 order by t;
drop table x;
-- unique over what repeats
create table y (a int, b text);
insert into y select i, 'k' || i % 4000 from generate_series(1, 4001) i;
create unique index y_b on y (b);
delete from y where a = 4001;
create unique index y_b on y (b);
create unique index y_n on y (nullif(a, a));
drop table y;
