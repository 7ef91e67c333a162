create table sc (a int, b text, c int, check (sc is not null));
insert into sc values (1, 'x', 2);
insert into sc values (1, null, 2);
alter table sc drop column b;
insert into sc values (1, 2);
insert into sc values (1, null);
create function total(sc) returns int language sql immutable as 'select $1.a + $1.c';
alter table sc add constraint total_small check (total(sc) < 10);
insert into sc values (5, 4);
insert into sc values (5, 5);
update sc set c = 8 where a = 5;
select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'sc'::regclass order by 1, 2;
select sc is not null as whole, sc is null as none, (select s is not null from (select sc as s offset 0) x) as as_value from sc order by a;
create table gc (a int, g text generated always as (gc::text) stored);
create index on sc ((total(sc)));
select a from sc where total(sc) = 9;
insert into sc values (6, 3);
select a from sc where total(sc) = 9 order by a;
create table ec (a int, b int);
insert into ec values (1, 2), (1, null);
alter table ec add check (ec is not null);
alter table ec add constraint fine check (ec is not null) not valid;
insert into ec values (2, null);
insert into ec values (2, 3);
copy ec from stdin;
4	\N
\.
drop table ec;
drop table sc cascade;
