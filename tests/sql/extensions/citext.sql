-- citext: texts that compare without regard to case.
create schema ext;
create extension citext schema ext;
create extension citext;
create extension if not exists citext;
select typname, typlen, typcategory, typcollation, typinput, typdelim from pg_type where typname = 'citext';
select count(*) from pg_depend where refclassid = 'pg_extension'::regclass and refobjid = (select oid from pg_extension where extname = 'citext') and deptype = 'e';
set search_path = public, ext;
create table people (id int primary key, email citext unique, name citext not null);
insert into people values (1, 'Foo@Example.com', 'Ann'), (2, 'bar@x.org', 'BOB'), (3, null, 'Zoe');
insert into people values (4, 'FOO@example.COM', 'c');
insert into people values (4, 'FOO@example.COM', 'c') on conflict (email) do update set name = excluded.name returning *;
select * from people where email = 'foo@EXAMPLE.com';
select * from people where name in ('bob', 'zoE', 'none') order by id;
select name, count(*) from (values ('A'::citext), ('a'), ('B')) v (name) group by name order by 1;
select distinct lower(name) from (values ('A'::citext), ('a'), ('B')) v (name) order by 1;
select min(name), max(name) from people;
select id, name like 'b%' as "like", name ~ '^B' as "match", name !~~ 'B%' as "unlike", name ~~* 'b_b' as "ilike", lower(name), name || 'x' as joined, pg_typeof(name || 'x') from people order by id;
select 'a'::citext = 'A'::text, 'a'::citext = 'A'::citext, 'a'::citext <> 'A', 'abc'::citext < 'ABD'::citext, 'B'::citext >= 'b', citext_cmp('a', 'B');
select p.id from people p join (values ('ANN'::citext), ('ZOE')) v (n) on p.name = v.n order by 1;
select regexp_replace('This'::citext, 'T', 'x'), strpos('hello'::citext, 'L'), replace('abcABC'::citext, 'B', '-'), split_part('aXbxc'::citext, 'x', 2),
       translate('abcABC'::citext, 'bC', 'xy'), regexp_match('Foo'::citext, 'o+'), regexp_split_to_array('aXbxc'::citext, 'x');
select 'x'::citext::varchar, 'y'::varchar::citext, 'z  '::char(3)::citext, true::citext, '10.0.0.1'::inet::citext;
select array['a', 'B']::citext[] && array['b']::citext[] as overlap, 'A' = any (array['a', 'B']::citext[]) as within;
create index people_name on people (name, id);
create index people_name_hash on people using hash (name);
select id from people where name = 'ann';
select id, name from people order by name desc, id;
create domain mail as citext check (value ~ '@');
create table mails (m mail primary key);
insert into mails values ('A@b'), ('a@B');
insert into mails values ('nothing');
insert into mails values ('A@b');
select * from mails where m = 'a@b';
select name from people where name like 'ANN';
\d people
drop table mails;
drop domain mail;
drop type citext;
drop extension citext;
drop extension citext cascade;
\d people
drop table people;
drop schema ext;
