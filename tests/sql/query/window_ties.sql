-- Frames that lose the row's peers: the last value where the frame ends among them, with the row inside and outside of it.
create table ties (id int, k int);
insert into ties select g, g / 3 from generate_series(1, 10) g;
select id, k,
       last_value(id) over (order by k rows between unbounded preceding and 1 preceding exclude ties) as before,
       last_value(id) over (order by k rows between 1 preceding and 1 following exclude ties) as around,
       last_value(id) over (order by k rows between 1 following and unbounded following exclude ties) as behind,
       last_value(id) over (order by k rows between 2 preceding and current row exclude ties) as up_to,
       last_value(id) over (order by k groups between 1 preceding and current row exclude ties) as peers
  from (select * from ties order by id) t order by id;
select id, k,
       first_value(id) over (order by k rows between unbounded preceding and 1 preceding exclude ties) as before,
       first_value(id) over (order by k rows between 1 following and unbounded following exclude ties) as behind,
       nth_value(id, 2) over (order by k rows between unbounded preceding and 1 preceding exclude ties) as second,
       nth_value(id, 2) over (order by k rows between 1 following and unbounded following exclude ties) as second_behind,
       nth_value(id, 1) over (order by k rows between 2 preceding and 1 preceding exclude ties) as nearest,
       sum(id) over (order by k rows between unbounded preceding and 1 preceding exclude ties) as sum
  from (select * from ties order by id) t order by id;
select id, last_value(id) over (order by k rows between unbounded preceding and 1 preceding exclude group) as no_group,
       last_value(id) over (order by k rows between unbounded preceding and 1 preceding exclude current row) as no_row
  from (select * from ties order by id) t order by id;
