-- A view over a function that gives rows of a table depends on that table's columns.
create table users(name text, seq int, gone bool, more int, enabled bool);
insert into users values ('one', 1, false, 11, true);
create function all_users() returns setof users language sql as 'select * from users order by seq';
alter table users drop column gone;
create view u as select * from rows from (all_users(), generate_series(10, 10)) with ordinality;
select * from u;
alter table users drop column more;
alter table users alter column seq type numeric;
alter table users add column extra int;
select * from u;
create function pair(out int, out numeric) language sql as 'select (1, 2.5)';
select * from pair();
create or replace function pair(out int, out numeric) language sql as 'select (1, 2.5, 3)';
select * from pair();
with v(b) as (values (row(1, 2, 3))) select c.* from v, coalesce(b) as c(d int, e int, f int);
with v(b) as (values (row(1, 2, 3))) select c.* from v, coalesce(b) as c(d int, e int);
