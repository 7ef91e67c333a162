-- What one side of an outer join has computed for sorting or hashing is not what the same expression gives above the join.
create table a(x int); insert into a values (1), (2), (3);
create table b(y int); insert into b values (null), (2), (2);
set enable_hashjoin = off; set enable_nestloop = off;
select x, y from a left join b on x = coalesce(y, 1) where coalesce(y, 1) > 0 order by 1, 2;
select x, y, coalesce(y, 7) as c from a left join b on x = coalesce(y, 7) order by 1, 2;
select x, coalesce(y, -1) as c from a full join b on x = coalesce(y, -1) order by 1, 2;
set enable_mergejoin = off; set enable_hashjoin = on;
select x, y from a left join b on x = coalesce(y, 1) where coalesce(y, 1) > 0 order by 1, 2;
select x, coalesce(y, -1) as c from a full join b on x = coalesce(y, -1) order by 1, 2;
select coalesce(x, 9) as c, y from a right join b on coalesce(x, 9) = y where coalesce(x, 9) < 10 order by 1, 2;
