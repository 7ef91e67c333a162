-- SPDX-License-Identifier: Apache-2.0
-- tableoid in CHECK constraints and generated columns; other system columns may not stand there, and none in an index.
create table t (a int, t oid generated always as (tableoid) stored);
insert into t values (1);
select a, t::regclass from t;
create table g (a int, t text generated always as (tableoid::regclass::text) stored);
create table g2 (a int, t oid generated always as (ctid) stored);
create table c (a int, check (tableoid = 'c'::regclass));
create table c2 (a int, check (tableoid <> 0 and a > 0));
insert into c2 values (1);
insert into c2 values (0);
create table c3 (a int, check (xmin is null));
create table p (a int, t oid generated always as (tableoid) stored) partition by list (a);
create table p1 partition of p for values in (1);
create table p2 partition of p for values in (2);
insert into p values (1), (2);
select a, t::regclass, t = tableoid from p order by 1;
alter table c2 add check (tableoid > 5);
alter table c2 add b oid generated always as (tableoid) stored;
select a, b::regclass from c2 order by a;
create index on c2 (tableoid);
create index on c2 ((tableoid::text));
copy c2 (a) from stdin;
5
\.
select a, b::regclass from c2 order by a;
select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'c2'::regclass order by conname;
\d c2
create table pc (a int, check (tableoid <> 0)) partition by list (a);
create table pc1 partition of pc for values in (1);
insert into pc values (1);
select * from pc;
update c2 set a = 7 where a = 5 returning a, b::regclass;
insert into c2 (a) values (8) on conflict do nothing returning a, b::regclass;
merge into c2 using (values (7)) s(x) on c2.a = s.x when matched then update set a = 9;
select a, b::regclass from c2 order by a;
create domain dd as int check (tableoid > 0);
alter table c2 drop column a;
\d c2
alter table c2 set unlogged;
select b::regclass from c2;
create table lk (like c2 including all);
insert into lk values (default) returning b::regclass;
create table inh () inherits (t);
insert into inh values (4) returning a, t::regclass;
select a, t::regclass from t;
create table sc (a int, check (sc.tableoid > 0), check (a > 0 and a < tableoid));
select conname from pg_constraint where conrelid = 'sc'::regclass order by 1;
insert into sc values (1);
create index on sc (a) where tableoid > 0;
create index on sc (a) where ctid is not null;
create table pt1 (a int, b text, check (tableoid = 'pt1'::regclass));
create table pt1 (a int, t oid generated always as (tableoid) stored);
alter table pt1 add constraint own check (tableoid = 'pt1'::regclass);
create table pt2 (like pt1 including all);
insert into pt1 values (1) returning a, t::regclass;
insert into pt2 values (1);
alter table pt1 alter a type bigint;
select a, t::regclass from pt1 order by a;
