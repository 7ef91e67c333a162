-- set-returning calls: after ORDER BY and DISTINCT ON where these do not ask for them; rows of arguments spread into columns
create table compos (f1 int, f2 text);
create function fc1(v compos) returns void as $$ insert into compos values (v.*); $$ language sql;
create function fc2(v compos) returns void as $$ select fc1(v); $$ language sql;
create function fc3(v compos) returns void as $$ select fc1(fc3.v.*); $$ language sql;
create function fc4(v compos) returns compos as $$ select v.* $$ language sql;
select fc1(row(1,'one')); select fc2(row(2,'two')); select fc3(row(3,'three'));
select * from compos; select fc4(row(1,'x')), * from fc4(row(2,'y'));
select distinct on (a) a, b, generate_series(1,3) g from (values (3, 2), (3,1), (1,1), (1,4), (5,3), (5,1)) as t(a, b) order by a, b desc;
select distinct on (a, b) a, b, generate_series(1,2) g from (values (3, 2), (3,1), (1,1)) as t(a, b) order by a, b desc limit 3;
select distinct on (a, g) a, b, generate_series(1,2) g from (values (3, 2), (3,1), (1,1)) as t(a, b) order by a, g, b;
select a, generate_series(1, a) from (values (2),(1),(3)) t(a) order by a desc;
select a, sum(b), generate_series(1, a) + 1, count(*) over () from (values (2,1),(1,1),(2,5)) t(a,b) group by a order by a desc;
select a, generate_series(1, a) g from (values (2),(1),(3)) t(a) order by g, a desc;
select a, unnest(array[a, b]) from (values (2,1),(1,1),(2,5)) t(a,b) order by b desc, a limit 2 offset 1;
select * from generate_series(1, generate_series(1, 3));
select min(generate_series(1, 3)) over() from compos;
select * from abs(generate_series(1,2));
select sum(generate_series(1,3)) from compos;
