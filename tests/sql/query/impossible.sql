-- Conditions that are null or false whatever the row, beside others that ask outer queries: nothing is asked for each row.
create table few (a int, b int);
insert into few select g, g % 3 from generate_series(1, 9) g;
select count(*) from few where b = 1 and null;
select count(*) from few where b = 1 and a between 2 and array_length('{}'::int[], 1);
select a, exists (select 1 from few x where x.a = f.b and null) as e from few f where a < 4 order by a;
select a, (select count(*) from few x where f.b between x.a and array_length('{}'::int[], 1)) as n from few f where a < 4 order by a;
select a, exists (select 1 from few x where x.a > (select max(y.b) from few y where y.a = f.a and x.b = y.b and null)) as e from few f where a < 4 order by a;
select a, (select sum(x.b) from few x where x.a = f.a and null having f.a > 1) as s from few f where a < 4 order by a;
