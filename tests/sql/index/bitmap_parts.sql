-- of a side of an OR indexes may answer a part: the rest is a filter
create table n (a int primary key, t text, b int);
insert into n select i, 't' || i, i from generate_series(0, 20000) i;
create index on n (b);
analyze n;
explain (costs off) select * from n where a = 1 or (a = 15 and t = 'x');
select * from n where a = 1 or (a = 15 and t = 'x');
select * from n where a = 1 or (b = 15 and t = 'x');
select * from n where (a = 1 or (b = 15 and t = 'x')) and b < 100 ;
select * from n where (a = 1 or (b = 15 and (a = 7 or t = 'x'))) and b < 100 ;
select count(*) from n x join n y on x.a = y.a or (y.a = 15 and x.b = 0) where x.a < 30;
explain (costs off) select * from n where (a = 1 and t = 'x') or (b = 15 and t = 'y');
explain (costs off) select * from n x join n y on x.a = y.a or (y.a = 15 and x.b = 0) where x.a < 30;
