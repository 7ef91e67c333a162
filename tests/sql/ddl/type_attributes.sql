-- SPDX-License-Identifier: Apache-2.0
-- Attributes of composite types: what reads them depends on them, and values of domains over the type keep it from being altered.
create type ct as (a int, b text, c int);
create domain dt as ct check ((value).a > 0);
create domain dt2 as ct check ((value).b is not null and (value).c > 0);
create table u (d dt, e dt2);
insert into u values (row(1,'x',2), row(1, 'x', 2));
alter type ct drop attribute a;
alter type ct drop attribute a cascade;
\dD
select * from u;
alter type ct drop attribute c;
alter type ct drop attribute c cascade;
\dD
alter type ct alter attribute b type varchar;
alter type ct rename attribute b to bb;
\dD
drop table u;
create domain d3 as ct check (value is not null);
alter type ct drop attribute bb;
alter type ct rename attribute bb to b;
alter type ct add attribute z int;
alter type ct alter attribute b type int;
alter type ct drop attribute z;
\dD
create type outer_t as (i ct, k int);
create domain d4 as outer_t check (((value).i).b <> 'q');
alter type ct drop attribute b;
alter type ct drop attribute b cascade;
\dD
create function f(x ct) returns bool language sql immutable return x is not null;
create domain d5 as ct check (f(value));
drop function f;
drop function f cascade;
\dD
select pg_describe_object(refclassid, refobjid, refobjsubid), deptype from pg_depend where classid = 'pg_constraint'::regclass and objid > 16383 order by 1, 2;
create type k as (x int, y text);
create table tk (v k, ar k[]);
create view vk as select (v).x, (ar[1]).y from tk;
create view vk2 as select (v).y as q from tk;
alter type k drop attribute x;
alter type k drop attribute x cascade;
create table rt (a int, b text);
create function fr(rt) returns int language sql as 'select 1';
create view vr as select (r).a from (select r from rt r) z;
alter table rt drop column a;
alter table rt drop column b;
create domain dk as k check ((value).y <> '');
drop type k;
drop table tk cascade;
drop type k cascade;
\dD
create type k2 as (x int, y int);
create domain dk2 as k2 check ((value).x > 0) check ((value).y > 0);
alter type k2 drop attribute x, drop attribute y;
alter type k2 drop attribute x cascade, drop attribute y cascade;
alter type k2 drop attribute if exists x;
alter type k2 drop attribute x;
create type cu as (x int);
create domain du as cu;
create domain du2 as du[];
create table tu (v du2);
alter type cu alter attribute x type bigint;
drop table tu;
alter type cu alter attribute x type bigint;
create table tu (v du[]);
alter type cu add attribute y int, alter attribute x type text;
\d cu
create type ru as range (subtype = du);
