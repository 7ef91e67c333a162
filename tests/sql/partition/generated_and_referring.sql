-- SPDX-License-Identifier: Apache-2.0
-- Partitions with generated columns and foreign keys, keys that are expressions, partitions detached and attached again.
create table r (id int primary key);
insert into r select generate_series(1, 20);
create table p (id int not null, k int references r, g int generated always as (id * 10) stored, t text default 'dd', primary key (id, k)) partition by range (k);
create table p1 partition of p for values from (minvalue) to (10);
create table p2 (t text default 'p2', k int, id int not null, g int generated always as (id * 10) stored);
alter table p attach partition p2 for values from (10) to (maxvalue);
insert into p (id, k) values (1, 1), (2, 10), (3, 21);
insert into p (id, k) values (1, 1), (2, 10);
insert into p2 (id, k) values (3, 11);
select tableoid::regclass, id, k, g, t from p order by id;
update p set k = 15 where id = 1 returning tableoid::regclass, *;
delete from r where id = 15;
create table c (x int, y int, foreign key (x, y) references p on delete cascade on update cascade);
insert into c values (1, 15), (2, 10);
update p set k = 5 where id = 1;
select * from c order by 1;
delete from p where id = 2;
select * from c;
alter table p detach partition p1;
insert into c values (1, 5);
\d p1
alter table p1 alter g drop expression;
alter table p attach partition p1 for values from (minvalue) to (10);
alter table p add column z int generated always as (k + 1) stored;
select * from p order by id;
alter table p drop column g;
\d p2
create table p3 partition of p (t default 'p3') for values from (1) to (5);
create table dflt partition of p default;
truncate p cascade;
create table lp (a text, b int) partition by list (lower(a));
create table lpa partition of lp for values in ('a', null);
create table lpb partition of lp for values in ('b') partition by hash (b);
create table lpb0 partition of lpb for values with (modulus 2, remainder 0);
insert into lp values ('A', 1), ('B', 1), ('b', 2), (null, 3);
create table lpb1 partition of lpb for values with (modulus 2, remainder 1);
insert into lp values ('A', 1), ('B', 1), ('b', 2), ('B', 3), (null, 3);
select tableoid::regclass, count(*) from lp group by tableoid order by (tableoid::regclass)::text collate "C";
select * from pg_partition_tree('lp');
explain (costs off) select * from lp where lower(a) = 'b';
update lp set a = 'A' where b = 3 returning tableoid::regclass, *;
alter table lp add primary key (a);
alter table lp add unique (b);
create unique index on lp (lower(a));
