-- Sub-selects beside columns of the left side in what LATERAL computes
select x, u from (values (1), (2)) v(x) cross join lateral unnest((select array[7, 8]) || x) u;
select x, u from (values (1), (2)) v(x) cross join lateral generate_series(x, (select 3) + x) u;
select x, u from (values (1), (2)) v(x) cross join lateral unnest(array[x] || array(select 5)) u;
select x, u from (values (1), (2)) v(x) cross join lateral unnest(array(select x + n from generate_series(1, 2) n) || (select max(n) from generate_series(1, x) n)) u;
select x, y from (values (1), (2)) v(x), lateral (values ((select 10) + x), ((select count(*) from generate_series(1, x)))) w(y);
select x, u from (values (1), (2), (3)) v(x), lateral generate_series(1, case when x in (select 2) then 2 else 0 end) u;
