-- Bodies in the form of the SQL standard: stored as trees, shown as statements, with the arguments' names.
create table kept(a int primary key, b text, c int[]);
create table numbered(a int, d int generated always as identity);
create function whole(x int, y text default 'q') returns int language sql
begin atomic
  insert into kept values (x, y, array[1, 2]) on conflict (a) do update set b = excluded.b || 'z', c[1] = 7 where kept.a > 0 returning a;
  update kept as k set b = y, c[2] = x from numbered n where n.a = k.a and k.b <> y;
  delete from kept using numbered where numbered.a = kept.a and kept.a > 100;
  with w as (select * from kept where a = x) insert into numbered (a) select a from w union all select 1;
  insert into numbered (a) values (x + 1), (x + 2);
  select count(*)::int from kept where b like y || '%' or a in (select a from numbered);
end;
select whole(1), whole(1), whole(5, 'r');
select * from kept order by a;
select a from numbered order by d;
select pg_get_functiondef('whole'::regproc);
create function mere(a text, b int) returns boolean language sql immutable return a = 'x' and b > 3;
create function part(a text) returns boolean language sql begin atomic select 1; return a is null; end;
create procedure nothing() language sql begin atomic end;
create function rows_of(n int) returns table(i int, j text) language sql stable begin atomic select g, b from generate_series(1, n) g left join kept k on k.a = g; end;
select mere('x', 4), part(null), part('');
call nothing();
select * from rows_of(2);
select pg_get_functiondef(f) from unnest(array['mere', 'part', 'nothing', 'rows_of']::regproc[]) f;
select pg_get_function_sqlbody('mere'::regproc), pg_get_function_sqlbody('int4pl'::regproc) is null, prosrc from pg_proc where proname = 'mere';
alter table kept rename column b to renamed;
alter table kept rename to stored;
select pg_get_function_sqlbody('rows_of'::regproc);
select * from rows_of(1);
drop table numbered;
drop table stored cascade;
create function bad(x int) returns int language sql begin atomic create table q(); end;
create function bad(x anyelement) returns anyelement language sql return x;
create function bad(x int) returns int language sql begin atomic select 'a'; end;
create function bad(x int) returns int language sql as 'select 1' return 2;
-- columns get the length and precision of what is returned
create type priced as (code varchar(3), price numeric(6, 2));
create function price() returns priced language sql as $$ select 'abc', 1.239 $$;
create function prices() returns setof priced language sql as $$ values ('abc', 1.239), ('b', 2) $$;
create function any_price() returns setof record language sql stable as $$ select 'abcdef'::text, 1.239 $$;
select price(), (price()).price;
select * from price();
select * from prices();
select prices();
select * from any_price() as (code varchar(4), price numeric(5, 1));
select * from any_price() as (code text, price int);
select * from any_price() as (code point, price int);
