-- The digits that floats are written with where the shortest lies half way between two of them.
select 1e23::float8, 18014398509481988::float8, 18014398509481992::float8, 36028797018963976::float8, 9007199254740993::float8, 9007199254740995::float8, 5e22::float8;
select x, x::float8 from (values (18014398509482012::numeric), (72057594037927945), (144115188075855890), (2e22), (4e22), (8e22), (1e22), (1.6e23), (3e23), (9e22), (7e22), (1e24)) v(x);
select 2 ^ n::float8 from generate_series(50, 90, 4) n;
select 2 ^ n::float8 * 3 from generate_series(-1074, -1000, 15) n;
select 16777216::float4, 33554436::float4, 67108872::float4, 134217744::float4, 1e10::float4, 4294967296::float4, 8589934592::float4, 85899345920::float4, 33554428::float4, 9e9::float4;
select sum(x) from (values (9007199254740993::float8), (9007199254740993), (4)) v(x);
select interval '1-2 ago', interval '1:30 ago', interval '3 days 4 hours ago', interval '@ 1 minute 2 secs ago';
select interval '99 ago';
select interval '1 day 3 ago';
select interval 'ago';
select interval '1 day ago ago';
select interval '1 day ago 2 hours';
select interval 'ago 1 day', interval '1 day ago 5', interval '1 hour ago 2-3';
select interval 'ago 3 ago';
select 9007199254740994.5::float8, 0.1::float4, 1.5e-5::float4, 3.4028235e38::float4, 1.17549435e-38::float4, 1e-45::float4, 2.2250738585072014e-308::float8, 1.7976931348623157e308::float8, 123456.7::float4, 0.3::float8, 100::float8, 1e15::float8, 1e16::float8;
select count(*) from generate_series(1, 60) n where (2::float8 ^ n * 1.1)::text::float8 <> 2::float8 ^ n * 1.1;
select string_agg((n * 1e19::float8)::text, ' ' order by n) from generate_series(1, 99, 7) n;
select string_agg((n * 2147483649::float8 * 8388609)::float4::text, ' ' order by n) from generate_series(1, 99, 7) n;
