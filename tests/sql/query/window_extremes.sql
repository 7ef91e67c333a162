-- Extremes over frames that grow: values of variable length must not change once they are handed out.
select i, x, max(x) over (partition by g order by i rows between unbounded preceding and current row),
       min(-x) over (partition by g order by i)
from (select i, i % 2 as g, case when i % 3 <> 0 then i * 1.5 end as x from generate_series(1, 14) i) s order by g, i;
select i, max(t) over w, min(t) over w, max(b) over w from
  (select i, repeat(chr(96 + i), 30) as t, convert_to(lpad(i::text, 3, '0'), 'UTF8') as b from generate_series(1, 6) i) s
  window w as (order by i rows unbounded preceding);
select i, min(t) over (order by i), max(a) over (order by i rows 1 preceding), max(a) over (order by i)
from (select i, (10 - i)::text as t, array[i, -i] as a from generate_series(1, 5) i) s;
with w as (select g, d, sum(sum(n)) over (partition by g order by d rows unbounded preceding) as c
           from (select i % 3 as g, date '2024-01-01' + i % 7 as d, i * 0.25 as n from generate_series(1, 40) i) s group by g, d)
select *, max(c) over (partition by g order by d rows between unbounded preceding and current row) from w order by g, d;
