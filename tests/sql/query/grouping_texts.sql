-- GROUPING of keys that are texts computed from columns
select grouping(upper(c)), upper(c), count(*) from (values ('a'), ('b'), ('B')) v(c) group by rollup (upper(c)) order by 1, 2;
select grouping(c || 'x', n + 1), c || 'x' as k, n + 1 as m, count(*) from (values ('a', 1), ('b', 2), ('a', 2)) v(c, n) group by cube (c || 'x', n + 1) order by 1, 2, 3;
select grouping(lower(c) collate "C"), count(*) from (values ('a'), ('A')) v(c) group by grouping sets ((lower(c) collate "C"), ()) order by 1;
select substr(c, 1, 1) as k, sum(n) from (values ('ab', 1), ('ac', 2), ('b', 3)) v(c, n) group by rollup (substr(c, 1, 1)) having grouping(substr(c, 1, 1)) = 0 order by grouping(substr(c, 1, 1)), 1;
select grouping(lower(c)) from (values ('a')) v(c) group by rollup (upper(c));
