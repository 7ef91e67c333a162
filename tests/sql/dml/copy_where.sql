-- COPY FROM ... WHERE
create table x (a int, b int default 7, c text, g int generated always as (a * 2) stored, d int default (random() * 0));
copy x (a, b, c) from stdin where a > 2 and c <> 'skip';
1	10	one
3	30	three
4	40	skip
5	\N	five
\.
select a, b, c, g from x order by a;
copy x (a, c) from stdin (delimiter ',') where b = 7 and length(c) = 1;
6,a
7,bb
8,c
\.
select a, b, c from x order by a;
copy x (a) from stdin where false;
1
\.
copy x (a) from stdin where 1 / (a - 3) > 0;
4
3
\.
copy x from '/dev/null' where f > 60003;
copy x from '/dev/null' where a = max(x.b);
copy x from '/dev/null' where a in (select 1 from x);
copy x from '/dev/null' where a in (generate_series(1, 5));
copy x from '/dev/null' where a = row_number() over (order by b);
copy x from '/dev/null' where a;
copy x from '/dev/null' where g > 1;
copy x to stdout where a > 1;
select count(*) from x;
-- which line it was
create table z (a int primary key, b text check (length(b) < 5), c int not null);
copy z from stdin;
1	one	1
2	two	2
1	three	3
\.
copy z from stdin;
1	one	1
1	two	2
\.
copy z from stdin;
1	one	1
2	twotwo	2
3	x	3
\.
copy z from stdin;
1	one	1
2	two	\N
3	x	3
\.
copy z from stdin (format csv);
1,one,1
2,"two
two",5
\.
copy z from stdin;
1	one	x
\.
copy z from stdin;
1	one
\.
copy z from stdin;
1	one	1	1
\.
