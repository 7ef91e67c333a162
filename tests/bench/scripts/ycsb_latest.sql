\set k random_zipfian(1, :rows, 1.01)
select * from usertable where ycsb_key = :rows + 1 - :k;
