-- MERGE: every action, conditions in order, what each side may see, and its errors
create table tgt(id int primary key, bal int, note text default 'dflt', g int generated always as (bal * 2) stored);
create table src(sid int, delta int);
insert into tgt values (1, 10), (2, 20), (3, 30);
insert into src values (2, 5), (3, -30), (4, 40), (5, null);
merge into tgt t using src s on t.id = s.sid
  when matched and t.bal + s.delta = 0 then delete
  when matched then update set bal = t.bal + s.delta, note = 'upd'
  when not matched and s.delta is not null then insert (id, bal) values (s.sid, s.delta)
  when not matched then do nothing;
select * from tgt order by id;
-- one target row, two source rows
merge into tgt using (values (1, 1), (1, 2)) v(a, b) on id = a when matched then update set bal = b;
-- the target is not there for a row without a partner
merge into tgt t using src s on t.id = s.sid when not matched then insert values (s.sid, t.bal);
merge into tgt t using src s on t.id = s.sid when matched then delete when matched then do nothing;
merge into tgt using tgt on true when matched then delete;
-- the source is a WITH item, the value a sub-select, DEFAULT among the values
with w as (select 9 as x)
merge into tgt t using w on id = x when not matched then insert values (x, (select max(bal) from tgt), default);
merge into tgt t using src s on t.id = s.sid when not matched then insert default values;
merge into tgt t using src s on t.id = s.sid
  when matched and (select count(*) from src) > 3 then update set (bal, note) = (select delta, 'multi' from src where sid = t.id)
  when not matched then insert (id, note) values (sid, 'i');
select * from tgt order by id;
-- nothing matches, nothing is done; DEFAULT in SET
merge into tgt t using (select 100 as k where false) s on t.id = s.k when not matched then insert values (k);
merge into tgt t using src s on t.id = s.sid and s.delta > 0 when matched then update set note = default, bal = 0;
select * from tgt order by id;
-- inside of a transaction that is rolled back
begin;
merge into tgt t using src s on t.id = s.sid when matched then delete;
select count(*) from tgt;
rollback;
select count(*) from tgt;
-- a view is no target; generated columns are not written
create view tv as select id, bal from tgt;
merge into tv using src on tv.id = sid when matched then delete;
merge into tgt t using src s on t.id = s.sid when matched then update set g = 1;
merge into tgt t using src s on t.id = s.sid when not matched then insert (id, g) values (sid, 1);
with m as (merge into tgt using src on id = sid when matched then delete) select 1;
with recursive r as (select 1) merge into tgt using src on id = sid when matched then delete;
merge into tgt t using src s on t.id = s.sid when matched then update set nope = 1;
merge into nope t using src s on t.id = s.sid when matched then delete;
merge into tgt t using src s on t.id = s.sid when matched and count(*) > 1 then delete;
