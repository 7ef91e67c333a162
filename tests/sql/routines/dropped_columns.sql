-- a routine that returns a table's row type, one of whose columns was dropped
create table u (id text, seq int, gone bool, n int);
insert into u values ('a', 1, true, 11), ('b', 2, false, 12);
alter table u drop column gone;
create function first_u() returns u language sql stable as $$ select * from u order by id limit 1 $$;
create function all_u() returns setof u language sql stable as $$ select * from u order by id $$;
create function new_u(text) returns setof u language sql as $$ insert into u values ($1, 3, 13) returning * $$;
select first_u();
select * from first_u();
select all_u();
select * from all_u() with ordinality;
select * from rows from (generate_series(10, 11), all_u());
select * from new_u('c');
