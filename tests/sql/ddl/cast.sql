-- Casts by function, by text, by nothing at all; when they apply by themselves.
create type temperature as (degrees numeric);
create function to_degrees(temperature) returns numeric language sql immutable as 'select $1.degrees';
create function from_int(int) returns temperature language sql immutable as 'select row($1)::temperature';
create function from_text(text) returns temperature language sql immutable as 'select row($1::numeric)::temperature';
select row(3)::temperature + 1;
create cast (temperature as numeric) with function to_degrees(temperature) as implicit;
select row(3)::temperature + 1, round(row(2.6)::temperature), 5 > row(3)::temperature;
create cast (int as temperature) with function from_int(int) as assignment;
create cast (text as temperature) with function from_text(text);
create table m(t temperature);
insert into m values (20);
insert into m values ('30'::text);
insert into m values ('30'::text::temperature), (cast(7 as temperature));
update m set t = 21 where t = row(20)::temperature;
select * from m order by t;
select sum(t) from m;
select case when true then 3 else row(3)::temperature end;
create view readings as select t::numeric + 1 as more, 5::temperature as five from m;
\d+ readings
\dC temperature
select castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext, castmethod from pg_cast where oid >= 16384 order by 1, 2;
comment on cast (int as temperature) is 'degrees';
select pg_describe_object('pg_cast'::regclass, oid, 0) from pg_cast where oid >= 16384 order by 1;
create cast (int as temperature) with inout;
drop function from_int(int);
drop cast (text as temperature);
select '30'::text::temperature;
drop cast if exists (text as temperature);
drop cast (text as temperature);
drop function to_degrees(temperature) cascade;
select row(3)::temperature + 1;
drop type temperature cascade;
-- through text
create type mood as enum ('sad', 'happy');
create cast (text as mood) with inout as implicit;
create function cheer(mood) returns text language sql as 'select $1::text || ''!''';
select cheer('happy'::text), 'sad'::text::mood < 'happy'::mood;
create cast (int as mood) with inout;
select 3::mood;
drop cast (text as mood);
select cheer('happy'::text);
-- more arguments: a length, and whether it was asked for
create type label as (t text);
create function cut(label, int, boolean) returns varchar language sql immutable as 'select left($1.t, greatest($2 - 4, 0))::varchar || case when $3 then '''' else ''.'' end';
create cast (label as varchar) with function cut(label, int, boolean) as assignment;
select row('a long one')::label::varchar(6);
create table l(c varchar(4));
insert into l values (row('abcdef')::label);
select * from l;
-- refused
create cast (int as text) without function;
create cast (int as oid) without function;
create cast (label as mood) without function;
create cast (int as mood) without function;
create cast (int as anyelement) with inout;
create cast (int as int) with inout;
create cast (label as int) with function cut(label, int, boolean);
create cast (mood as varchar) with function cut(label, int, boolean);
create cast (label as text) with function nothing(label);
create cast (nowhere as text) with inout;
create domain d as int;
create cast (d as mood) with inout;
