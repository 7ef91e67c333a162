-- domains: rules wherever a value becomes one
create domain positive as integer check (value > 0);
select 5::positive, '7'::positive;
select (-1)::positive;
select '-1'::positive;
select null::positive is null as null_is_fine;
create domain named as text default 'nobody' not null constraint has_letters check (value ~ '[a-z]');
create table people (id positive, name named, tags positive[]);
insert into people values (1, 'ann', '{1,2}');
insert into people (id) values (2);
insert into people values (0, 'bob');
insert into people values (3, null);
insert into people values (3, '123');
insert into people values (3, 'c', '{1,0}');
insert into people select g, 'n' || g from generate_series(3, 4) g;
update people set id = id - 3 where id = 3;
update people set name = default where id = 4;
select * from people order by id;
select id + 1 as sum, name || '!' as shout from people order by id;
copy people from stdin;
5	eve	{3}
\.
copy people from stdin;
-5	eve	{3}
\.
copy people (id, name) from stdin;
6	\N
\.
select count(*) from people;
-- a domain over a domain asks the inner rules first
create domain small_positive as positive check (value < 10) check (value <> 7);
select 9::small_positive;
select 10::small_positive;
select 0::small_positive;
select 7::small_positive;
-- altering
create table uses (a small_positive);
insert into uses values (3), (null);
alter domain small_positive set not null;
delete from uses where a is null;
alter domain small_positive set not null;
insert into uses values (null);
alter domain small_positive drop not null;
alter domain small_positive add constraint not_three check (value <> 3);
alter domain small_positive add constraint not_three check (value <> 3) not valid;
insert into uses values (3);
alter domain small_positive validate constraint not_three;
update uses set a = 4;
alter domain small_positive validate constraint not_three;
alter domain small_positive rename constraint not_three to no_three;
alter domain small_positive drop constraint nothing;
alter domain small_positive drop constraint if exists nothing;
alter domain small_positive drop constraint no_three;
insert into uses values (3);
alter domain small_positive set default 5;
insert into uses default values;
alter domain small_positive drop default;
insert into uses default values;
select * from uses order by a;
alter domain positive add check (value < 1000);
alter domain positive rename to positive_integer;
select conname, contype, convalidated from pg_constraint where contypid = 'positive_integer'::regtype order by 1;
comment on domain positive_integer is 'more than nothing';
comment on constraint positive_check on domain positive_integer is 'the rule';
select obj_description('positive_integer'::regtype, 'pg_type');
create schema other;
alter domain named set schema other;
select name from people order by id limit 1;
-- errors
create domain positive_integer as text;
create domain bad as nothing;
create domain bad as int unique;
create domain bad as int primary key;
create domain bad as int null not null;
create domain bad as int check (value > 0) no inherit;
create domain bad as int default 1 default 2;
create domain bad as int check (other > 0);
create domain bad as int check (value > (select 1));
create domain bad as int collate "C";
create domain bad as record;
alter domain people add check (value is null);
alter domain missing drop not null;
drop domain missing;
drop domain if exists missing;
drop domain int4;
drop domain small_positive;
drop domain small_positive cascade;
drop domain positive_integer;
drop type positive_integer cascade;
select * from people order by name;
-- rolled back, as all definitions
begin;
create domain gone as int;
create table with_gone (a gone);
rollback;
select 1::gone;
