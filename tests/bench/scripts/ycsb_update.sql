\set k random_zipfian(1, :rows, 1.01)
update usertable set f3 = repeat('x', 100) where ycsb_key = :k;
