-- CALL: procedures are named by all of their arguments; what is only given is not computed.
create table log(t text);
create procedure note(x text) language sql as 'insert into log values (x)';
create procedure twice(x text) language sql as 'call note(x); call note($1 || x)';
call note('a');
call twice('b');
select * from log order by t;
create procedure give(out a int, b int, inout c int default 3) language sql as 'select b + c, c * 2';
call give(null, 1, 2);
call give(1/0, 1);
call give(b => 4, a => null, c => 5);
call give(null, c => 7, b => 1);
call give(1);
create procedure first_of(a anyelement, out b anyelement, out c anyarray) language sql as 'select $1, array[$1, $1]';
call first_of(1.5, null, null);
call first_of('x'::text, null, null);
create procedure total(out a int, variadic b int[]) language sql as 'select b[1] + b[array_length(b, 1)]';
call total(null, 1, 2, 3);
call total(null, variadic array[4, 5]);
create procedure outer_call(inout a int) language sql as 'call give(null, 1, a); select 1';
create procedure bad(a int default 1, out b int) language sql as 'select a';
create procedure bad() language sql immutable as 'select 1';
create procedure give(a int, b int, c int) language sql as 'select 1';
drop procedure give(int, int, int);
drop procedure give(out int, int, inout int);
drop procedure give(int, int, int);
call note();
select note('x');
call lower('x');
\df note|twice|total
-- what is taken and what is given may share a name
create function same(a int, out a int) language sql as 'select $1 + 1';
select same(3), (select a from same(4));
create function twice_named(a int, a int) returns int language sql as 'select 1';
create function unknown_out(a int, out b anyelement) language sql as 'select 1';
create function unknown_out(a anyarray, out b anycompatible) language sql as 'select 1';
-- replaced: what it gives must stay, what it takes must keep its name
create function pair(a int, out b int, out c text) language sql as $$ select 1, 'x' $$;
create or replace function pair(a int, out b int, out d text) language sql as $$ select 1, 'x' $$;
create or replace function pair(z int, out b int, out c text) language sql as $$ select 1, 'x' $$;
create or replace function pair(a int, out b int, out c text) language sql as $$ select 2, 'y' $$;
select * from pair(1);
-- a built-in function under another name
create function plus(int, int) returns int language internal immutable strict as 'int4pl';
select plus(3, 4), plus(null, 4);
create function plus(int, text) returns int language internal as 'nothing_like_this';
\sf plus(int, int)
