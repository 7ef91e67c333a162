-- a series of decimals that is longer than a batch of rows
select count(*), sum(x), min(x), max(x) from generate_series(1.5::numeric, 20000.5::numeric, 0.5) x;
select count(*), sum(x) from generate_series(5000, -5000::numeric, -12345678901234567890.5 / 12345678901234567890.5) x;
select x from generate_series(0.0::numeric, 4.0::numeric) x;
select x from generate_series(1, 1000::numeric, 0.25) with ordinality as s(x, n) where n % 500 = 1 order by n;
select '{}'::int4multirange, to_regprocedure('now()'), 'now()'::regprocedure;
