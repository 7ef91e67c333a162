-- GROUP BY columns that others of the keys decide: through a primary key, and through equalities with one.
create table lands (land int primary key, name char(12), region int);
create table clients (client int primary key, land int, name text, score numeric(6,2));
create table bills (bill int primary key, client int, day date, state char(1));
create table lines (bill int, line int, pieces int, price numeric(8,2), note text, primary key (bill, line));
insert into lands select n, 'land ' || n / 2, n % 3 from generate_series(0, 9) n;
insert into clients select n, case when n % 17 = 0 then null else n % 10 end, case when n % 5 = 0 then null else 'client ' || n % 40 end, n % 9 / 2.0 from generate_series(1, 300) n;
insert into bills select n, n % 350, date '2023-03-01' + n % 90, chr(97 + n % 3) from generate_series(1, 2000) n;
insert into lines select 1 + n % 2100, n / 2100, n % 13, n % 77 / 4.0, 'note ' || n % 3 from generate_series(0, 8399) n;
create index on lines (bill);
analyze lands, clients, bills, lines;
set enable_sort = off;
select c.client, c.name, c.score, count(*), sum(b.bill) from clients c join bills b on b.client = c.client group by c.client, c.name, c.score order by 1 limit 5;
select c.name, c.score, count(*) from clients c join bills b on b.client = c.client group by c.name, c.score order by 1, 2 limit 5;
select c.name, c.client, b.bill, b.day, sum(l.pieces) from clients c, bills b, lines l where c.client = b.client and b.bill = l.bill group by c.name, c.client, b.bill, b.day having sum(l.pieces) > 40 order by 3 limit 6;
select l.bill, b.day, b.state, sum(price * pieces) from bills b, lines l where l.bill = b.bill and b.state = 'b' group by l.bill, b.day, b.state order by 4 desc, 1 limit 5;
select c.client, c.name, n.name, n.region, count(*) from clients c join bills b on b.client = c.client join lands n on n.land = c.land group by c.client, c.name, n.name, n.region order by 5 desc, 1 limit 5;
select n.name, count(*), count(distinct c.client) from clients c join lands n on n.land = c.land group by n.name order by 1;
-- where a partner may be missing nothing follows from the join's equality
select b.client, c.name, count(*) from bills b left join clients c on c.client = b.client where b.client > 297 group by b.client, c.name order by 1, 2;
select c.client, c.name, b.state, count(*) from clients c full join bills b on b.client = c.client where coalesce(c.client, 400) > 296 group by c.client, c.name, b.state order by 1, 2, 3;
select b.bill, c.client, c.name, count(*) from bills b left join clients c on c.client = b.client and c.score > 3 where b.bill < 6 group by b.bill, c.client, c.name order by 1;
select c.client, c.score, c.name is null, count(*) from clients c group by c.client, c.score, c.name is null having count(*) > 1;
select l.bill, l.line, l.note, count(*) from lines l group by l.bill, l.note, l.line having count(*) > 1;
select l.bill, l.note, count(*) from lines l where bill < 3 group by l.bill, l.note order by 1, 2;
select x.client, x.name, count(*) from (select client, name from clients) x join bills b using (client) group by x.client, x.name order by 3 desc, 1 limit 3;
select distinct c.client, c.name, c.score from clients c join bills b on b.client = c.client order by 1 limit 3;
select c.client, c.name, max(b.day) from clients c, bills b where b.client = c.client group by rollup (c.client, c.name) order by 1 desc nulls first, 2 nulls first limit 4;
set work_mem = '64kB';
select count(*), sum(n), min(name) from (select l.bill, b.day, b.client, c.name, count(*) as n from lines l, bills b, clients c where l.bill = b.bill and b.client = c.client group by l.bill, b.day, b.client, c.name) x;
reset work_mem;
-- an inherited column's key says nothing of the children
create table parent (id int primary key, kind int);
create table child () inherits (parent);
insert into parent values (1, 1), (2, 2);
insert into child values (1, 7), (2, 2);
select id, kind, count(*) from parent group by id, kind order by 1, 2;
drop table lines, bills, clients, lands, child, parent;
