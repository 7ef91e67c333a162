\set k random_zipfian(1, :rows, 1.01)
\set n random(1, 100)
select * from usertable where ycsb_key >= :k order by ycsb_key limit :n;
