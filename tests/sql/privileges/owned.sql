-- What hangs on a role, and privileges of objects to come.
\set here :DBNAME
create role zz_a login; create role zz_b;
create schema zz_s authorization zz_a;
create table zz_t(a int, b int); create table zz_t2(a int);
grant select (a) on zz_t to zz_a; grant update on zz_t2 to zz_a;
create function zz_f() returns int language sql as 'select 1';
grant execute on function zz_f() to zz_a;
create type zz_comp as (a int); alter type zz_comp owner to zz_a;
create type zz_en as enum ('a'); alter type zz_en owner to zz_a;
create sequence zz_seq; alter sequence zz_seq owner to zz_a;
create table zz_own(a int primary key); alter table zz_own owner to zz_a;
create database zz_d; grant temp on database template1 to zz_a;
alter default privileges for role zz_a grant select on tables to zz_b;
alter default privileges for role zz_a in schema zz_s grant select on tables to zz_b;
alter default privileges grant select on tables to zz_a;
grant usage on language sql to zz_a;
drop role zz_a, zz_b;
drop role zz_b;
\c zz_d
drop role zz_a;
\c :here
\ddp
drop owned by zz_b;
\ddp
drop role zz_b;
reassign owned by zz_a to admin;
\dt zz*
\dp zz*
drop role zz_a;
drop owned by zz_a;
drop role zz_a;
\ddp
\dp zz*
create role zz_a; create role zz_b;
alter default privileges grant select, insert on tables to zz_a with grant option;
alter default privileges in schema zz_s grant usage on sequences to zz_b;
alter default privileges revoke execute on functions from public;
alter default privileges grant all on types to zz_a;
alter default privileges revoke usage on types from public;
alter default privileges grant all on schemas to zz_a;
create table zz_s.t1(a serial); create table t2(); create view zz_v as select 1; create schema zz_n;
create function zz_s.f() returns int language sql as 'select 1';
create domain zz_dom as int; create type zz_e as enum ('a');
create index on zz_s.t1(a);
\dp zz_s.*
\dp zz_v
\df+ zz_s.f
\dn+ zz_n
select typname, typacl from pg_type where typname ~ 'zz_|_?t2$' order by 1;
select proname, proacl from pg_proc where proname = 'f' and pronamespace = 'zz_s'::regnamespace;
alter default privileges in schema zz_s grant usage on schemas to zz_b;
alter default privileges grant select (a) on tables to zz_b;
alter default privileges grant usage on tables to zz_b;
alter default privileges grant execute on sequences to zz_b;
alter default privileges in schema nono grant select on tables to zz_b;
alter default privileges for role nono grant select on tables to zz_b;
alter default privileges grant select on tables to nono;
alter default privileges grant all on tables to public with grant option;
\ddp
set role zz_a;
alter default privileges for role zz_b grant select on tables to zz_a;
alter default privileges for role zz_a grant select on tables to zz_b;
reassign owned by zz_b to zz_a;
drop owned by zz_b;
reset role;
drop database zz_d;
drop owned by zz_b;
drop role zz_b;
