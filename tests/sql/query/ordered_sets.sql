-- Ordered-set and hypothetical-set aggregates.
create table o (g int, i int, f float8, n numeric, t text, v interval);
insert into o select x % 3, case when x % 7 = 0 then null else x * 37 % 19 end, x / 8.0, x * 1.25, 'k' || x * 7 % 5, x * interval '7 hours' from generate_series(1, 40) x;
select percentile_disc(0.5) within group (order by i), percentile_cont(0.5) within group (order by i), percentile_cont(0.25) within group (order by f desc), percentile_disc(0.9) within group (order by t), percentile_disc(0) within group (order by n), percentile_disc(1) within group (order by n) from o;
select g, percentile_disc(0.3) within group (order by t), percentile_cont(0.75) within group (order by v), mode() within group (order by t), mode() within group (order by i desc) from o group by g order by g;
select percentile_cont(array[0, 0.1, 0.5, null, 1]) within group (order by f), percentile_disc(array[0.25, 0.75]) within group (order by t), percentile_cont(array[[0.1::float8, 0.9], [null, 0.5::float8]]) within group (order by n::float8), percentile_cont(array[0.5]) within group (order by v) from o;
select percentile_cont(0.5) within group (order by f), mode() within group (order by i), rank(3) within group (order by i), dense_rank(3) within group (order by i), percent_rank(3) within group (order by i), cume_dist(3) within group (order by i) from o where false;
select percentile_cont(null) within group (order by f), percentile_disc(null::float8[]) within group (order by i) from o;
select rank(5) within group (order by i), dense_rank(5) within group (order by i), percent_rank(5) within group (order by i), cume_dist(5) within group (order by i) from o;
select rank(5) within group (order by i desc), dense_rank(null) within group (order by i nulls first), cume_dist(5.5) within group (order by i desc nulls last) from o;
select g, rank('k2', 5) within group (order by t desc, i), dense_rank('k2', 5) within group (order by t, i desc) from o group by g order by g;
select g, rank(g) within group (order by i), percentile_disc(g / 4.0) within group (order by i) from o group by g order by g;
select percentile_disc(0.5) within group (order by i) filter (where i > 10), mode() within group (order by t) filter (where g = 1) from o;
select g, percentile_disc(0.5) within group (order by i) from o group by rollup (g) order by g;
-- errors
select percentile_cont(1.5) within group (order by f) from o;
select percentile_disc(array[0.5, -0.1]) within group (order by i) from o;
select percentile_cont(0.5) within group (order by t) from o;
select rank(1, 2) within group (order by i) from o;
select rank('x') within group (order by i) from o;
select mode() from o;
select percentile_disc(0.5) within group (order by i) over () from o;
select sum(i) within group (order by i) from o;
select percentile_disc(i) within group (order by f) from o;
