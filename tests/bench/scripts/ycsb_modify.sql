\set k random_zipfian(1, :rows, 1.01)
begin;
select * from usertable where ycsb_key = :k for update;
update usertable set f5 = repeat('m', 100) where ycsb_key = :k;
commit;
