-- keys of grouping sets that fold to equal constants are keys of their own
select s::text from (select (false and true) a, coalesce(false, false) b, count(*), grouping((false and true)), grouping(coalesce(false, false)) from generate_series(1, 3) group by cube ((false and true), coalesce(false, false)) offset 0) s order by 1;
select 1 + 1 a, 2 b, 3 - 1 c, sum(i), grouping(1 + 1, 3 - 1) g from generate_series(1, 3) i group by grouping sets ((1 + 1, 3 - 1), (3 - 1), ()) order by 5, 1, 3;
-- arrays of rows know the names of their fields
select array_to_json(array_agg(q)) from (select 1 as x, 'a' as y) q;
select to_jsonb(array_agg(q order by x desc)) from (values (1, 'a'), (2, 'b')) q(x, y);
select to_json(array[q, q]) from (select 1 as x) q;
select to_json(array(select q from (select 1 as x, true as z) q));
