-- SPDX-License-Identifier: Apache-2.0
-- What the error of a unique index over expressions tells of the key that is there already.
create table e (id int, name text, "Odd" text, d date);
create unique index e_lower on e (lower(name));
create unique index e_two on e ((id + 1), "Odd");
create unique index e_case on e ((case when id > 50 then 1 end)) where id > 50;
create unique index e_more on e (coalesce(name, 'none'), ("Odd" || 'x'), id) nulls not distinct;
insert into e values (1, 'X', 'a', '2024-01-01');
insert into e values (2, 'x', 'b');
insert into e values (1, 'y', 'a');
insert into e select 60 + i, 'r' || i, 'z' from generate_series(1, 2) i;
insert into e values (7, 'q', 'q'), (8, 'Q', 'r');
insert into e values (3, 'three', 'c'), (4, 'four', 'd');
update e set name = 'THREE' where id = 4;
update e set id = 2, "Odd" = 'c' where id = 4;
update e set id = 3, "Odd" = 'c' where id = 4;
insert into e values (4, 'X', 'n') on conflict ((id + 1), "Odd") do nothing;
copy e (id, name, "Odd") from stdin;
9	FOUR	x
\.
merge into e using (values (4)) s(id) on e.id = s.id when matched then update set name = 'x';
drop index e_lower;
insert into e values (1, 'X', 'b', '2024-01-01');
drop index e_two;
insert into e values (1, 'X', 'b', '2024-01-01');
create unique index e_two on e ((id + 1), "Odd");
-- of partitions, where the columns stand elsewhere
create table p (a int, b text) partition by list (a);
create table p1 (b text, dropped int, a int);
alter table p1 drop column dropped;
alter table p attach partition p1 for values in (1, 2);
create unique index on p (a, upper(b));
insert into p values (1, 'x'), (2, 'x');
insert into p values (1, 'X');
update p set a = 1 where a = 2;
insert into p1 values ('X', 2);
-- those who may not see the whole table are told less
create role expression_reader;
grant insert, select (id) on e to expression_reader;
set role expression_reader;
insert into e values (3, 'new', 'c');
reset role;
grant select on e to expression_reader;
set role expression_reader;
insert into e values (3, 'new', 'c');
reset role;
drop table e;
drop role expression_reader;
