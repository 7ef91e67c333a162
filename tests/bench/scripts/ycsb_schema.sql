-- YCSB's table: a key and ten fields of a hundred bytes.
create table usertable (ycsb_key int primary key, f0 text, f1 text, f2 text, f3 text, f4 text, f5 text, f6 text, f7 text, f8 text, f9 text);
insert into usertable select k, repeat('a', 100), repeat('b', 100), repeat('c', 100), repeat('d', 100), repeat('e', 100), repeat('f', 100), repeat('g', 100),
    repeat('h', 100), repeat('i', 100), repeat('j', 100) from generate_series(1, :rows) k;
create sequence ycsb_next start :rows;
analyze usertable;
