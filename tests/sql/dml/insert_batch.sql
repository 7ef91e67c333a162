-- Rows that come many at a time are refused as if they came one by one.
create table b (a int primary key, k int unique, t text not null check (t <> 'bad'), n numeric(6,2) default 1.5, g int generated always as (a * 2) stored);
insert into b (a, k, t) select i, i, 'row ' || i from generate_series(1, 3000) i;
select count(*), sum(a), sum(k), min(t), max(t), sum(n), sum(g) from b;
-- the first row that is wrong is the one that is told, whatever is wrong with it
insert into b (a, k, t) values (4001, 4001, 'x'), (4002, 7, 'y'), (8, 4003, 'z');
insert into b (a, k, t) values (4001, 4001, 'x'), (9, 4002, 'y'), (4003, 10, 'z');
insert into b (a, k, t) values (4001, 4001, 'x'), (4002, 11, 'y'), (4003, 4003, 'bad');
insert into b (a, k, t) values (4001, 4001, 'x'), (4002, 4002, 'bad'), (4003, 12, 'z');
insert into b (a, k, t) values (4001, 4001, 'x'), (4002, 4002, null), (13, 4003, 'z');
insert into b (a, k, t) values (4001, 4001, 'x'), (4001, 4002, 'y');
insert into b (a, k, t, n) select i, i, 'x', case when i = 4005 then 12345.6 else 1 end from generate_series(4000, 4010) i;
select count(*) from b where a > 3000;
-- a statement does not see its own rows
insert into b (a, k, t) select a + 10000, k + 10000, t from b;
select count(*), max(a) from b;
insert into b (a, k, t) select a + 20000, k + 20000, case when a = 2500 then 'bad' else t end from b where a < 10000;
select count(*), max(a) from b;
-- defaults that differ from row to row
create sequence s;
create table d (a int default nextval('s'), b text, c int default 7);
insert into d (b) select 'x' || i from generate_series(1, 2000) i;
select count(distinct a), min(a), max(a), sum(c) from d;
insert into d (b) values ('p'), ('q'), ('r');
select * from d order by a desc limit 3;
-- expressions, predicates and foreign keys
create table e (a int references b, t text);
create unique index e_lower on e (lower(t)) where a < 100;
insert into e select a, t from b where a <= 2000;
insert into e values (1, 'new'), (9999, 'newer');
insert into e values (200, 'ROW 200'), (201, 'ROW 201');
select count(*) from e;
set enable_seqscan = off;
select a, t from e where lower(t) = 'row 50' and a < 100;
select a, k, g from b where k = 12345 or k = 11000;
drop table e, d, b;
drop sequence s;
-- wide values among narrow ones
create table w (a int, t text);
insert into w select i, repeat(chr(97 + i % 26), case when i % 50 = 0 then 20000 when i % 7 = 0 then 1500 else 10 end) from generate_series(1, 400) i;
select count(*), sum(length(t)), sum(length(t)) filter (where a % 50 = 0), min(left(t, 3)) from w;
drop table w;
-- COPY: quotes, escapes and plain lines side by side
create table c (a int, t text, n numeric(12,3), f float8);
copy c from stdin;
1	plain	1.5	2.25
-2	tab\there	-0.001	-1e5
+3	back\\slash	123456789.125	0
0	\N	\N	\N
 7 	new\nline	1e3	nan
000000000042	ümlaut	.5	1
\.
copy c from stdin (format csv);
1,plain,5.,1
2,"quo""ted, and",1000000,2
3,"two
lines",-5.5,3
4,,,
5,"",0,4
2147483647,max,999999999.999,1
-2147483648,min,-999999999.999,1
\.
copy c from stdin;
1234567890123	x	1	1
\.
copy c from stdin;
1	x	1234567890	1
\.
copy c from stdin;
1	x	1.5.5	1
\.
copy c from stdin;
-	x	1	1
\.
copy c from stdin;
1	x	-	1
\.
select * from c;
drop table c;
