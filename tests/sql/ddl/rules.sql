-- Rules: what happens beside or instead of a change.
create table goods (id int primary key, name text default 'nameless', price numeric(8,2) not null default 1.00);
create table goods_log (at serial, what text, id int, old_price numeric, new_price numeric);
create view cheap as select id, name, price from goods where price < 10;
-- ALSO, with conditions
create rule log_price as on update to goods where new.price <> old.price
    do also insert into goods_log (what, id, old_price, new_price) values ('price', old.id, old.price, new.price);
create rule log_gone as on delete to goods do insert into goods_log (what, id, old_price) values ('gone', old.id, old.price);
create rule log_new as on insert to goods do also insert into goods_log (what, id, new_price) values ('new', new.id, new.price);
insert into goods values (1, 'nail', 0.10), (2, 'saw', 19.90);
insert into goods (id) values (3);
insert into goods select n, 'thing ' || n, n from generate_series(4, 6) n;
update goods set price = price * 2 where id in (1, 2, 3);
update goods set name = upper(name);
delete from goods where id = 6;
select what, id, old_price, new_price from goods_log order by at;
select * from goods order by id;
-- several actions, and an order by name
create table first (a int, b text);
create table second (a int, b text);
create rule b_rule as on insert to first do also (
    insert into second values (new.a, 'b ' || new.b);
    insert into second values (new.a + 1, 'b again ' || new.b)
);
create rule a_rule as on insert to first do also insert into second select new.a, 'a ' || new.b;
insert into first values (1, 'x'), (2, 'y');
select * from second order by a, b;
-- INSTEAD with conditions: each row goes one way
create table low (a int);
create table high (a int);
create table numbers (a int);
create rule to_low as on insert to numbers where new.a < 10 do instead insert into low values (new.a);
create rule to_high as on insert to numbers where new.a > 100 do instead insert into high values (new.a);
create rule none as on insert to numbers where new.a = 50 do instead nothing;
insert into numbers select * from unnest(array[1, 20, 50, 200, null, 9]) u(a);
select 'low' as t, a from low union all select 'high', a from high union all select 'numbers', a from numbers order by 1, 2;
-- a view made writable, with RETURNING
create view joined as select g.id, g.name, g.price, count(l.id) as logged from goods g left join goods_log l on l.id = g.id group by g.id, g.name, g.price;
create rule joined_ins as on insert to joined do instead insert into goods values (new.id, new.name, new.price) returning id, name, price, 0::bigint;
create rule joined_upd as on update to joined do instead update goods set name = new.name, price = new.price where id = old.id returning id, name, price, 0::bigint;
create rule joined_del as on delete to joined do instead delete from goods where id = old.id;
insert into joined values (10, 'lamp', 5) returning *;
update joined set price = price + 1 where name = 'lamp' returning id, price as now;
update joined set name = 'LAMP' where id = 10;
delete from joined where id = 10;
delete from joined where id = 1 returning id;
select * from goods where id >= 10;
-- an automatically updatable view keeps its way beside ALSO rules, and with INSTEAD ones it leaves it
create rule cheap_also as on insert to cheap do also insert into goods_log (what, id) values ('through cheap', new.id);
insert into cheap values (20, 'pin', 0.5) returning name;
create rule cheap_del as on delete to cheap do instead nothing;
delete from cheap;
create rule cheap_upd as on update to cheap where old.id > 5 do instead nothing;
update cheap set name = 'x';
select id, name from cheap order by id;
-- what rules cannot be
create rule bad as on insert to goods where old.id = 1 do nothing;
create rule bad as on delete to goods where new.id = 1 do nothing;
create rule bad as on update to goods where exists (select 1 from first) do nothing;
create rule bad as on update to goods where id = 1 do nothing;
create rule bad as on update to goods do also insert into first values (1) returning *;
create rule bad as on update to goods do instead insert into first values (1) returning *;
create rule bad as on update to goods do instead (update first set a = 1 returning a, b; update second set a = 1 returning a, b);
create rule bad as on insert to goods do also select new.id union select 1;
create rule bad as on update to goods do also select 1 union select 2;
create rule bad as on update to goods where old.id = 1 do also select 1 union select 2;
create rule "_RETURN" as on insert to goods do nothing;
create rule log_new as on insert to goods do nothing;
create rule bad as on insert to goods_log_at_seq do nothing;
create rule bad as on insert to no_such_table do nothing;
create rule bad as on insert to pg_class do nothing;
drop rule no_such_rule on goods;
drop rule if exists no_such_rule on goods;
drop rule if exists no_such_rule on no_such_table;
alter table goods disable rule no_such_rule;
-- on and off, by another name, replaced
alter table goods disable rule log_new;
insert into goods values (30, 'glue', 3);
alter table goods enable always rule log_new;
insert into goods values (31, 'tape', 4);
alter rule log_new on goods rename to log_fresh;
alter rule log_fresh on goods rename to log_gone;
create or replace rule log_fresh as on insert to goods do also insert into goods_log (what, id) values ('fresh', new.id);
insert into goods values (32, 'wire', 5);
select what, id from goods_log where id >= 30 order by at;
comment on rule log_fresh on goods is 'tells of new goods';
select obj_description(oid, 'pg_rewrite') from pg_rewrite where rulename = 'log_fresh';
-- recursion
create table ping (a int);
create table pong (a int);
create rule to_pong as on insert to ping do instead insert into pong values (new.a);
create rule to_ping as on insert to pong do instead insert into ping values (new.a);
insert into ping values (1);
-- statements that cannot go with rules
with gone as (delete from goods where id = 30 returning id) select * from gone;
with gone as (delete from joined where id = 30) select 1;
with few as (select 31 as id) delete from goods where id in (select id from few);
insert into goods values (1, 'x', 1) on conflict do nothing;
merge into goods using (select 1 as id) s on goods.id = s.id when matched then delete;
explain (costs off) insert into numbers values (5);
explain (costs off) delete from cheap;
-- as text
select pg_get_ruledef(oid) from pg_rewrite where rulename in ('to_low', 'none', 'b_rule', 'a_rule', 'joined_upd', 'cheap_upd') order by rulename;
select pg_get_ruledef(oid, true) from pg_rewrite where rulename = 'log_price';
create rule shapes as on update to first do also (
    update second s set b = new.b from low l where s.a = old.a and l.a = s.a;
    delete from second using high h where h.a = second.a and second.a = new.a;
    insert into low default values;
    insert into second (a) with w as (select 7 as x) select x from w;
    notify first_changed, 'it''s new';
    select new.*, old.a as was
);
select definition from pg_rules where rulename = 'shapes';
update first set b = 'z' where a = 1;
-- with its table, and with what it names
drop table low;
drop table low cascade;
drop table first;
-- settings change by their view
update pg_settings set setting = '5s' where name = 'statement_timeout';
show statement_timeout;
-- whose rights
create role rule_user;
create table secret (a int);
create table open_door (a int);
create rule through as on insert to open_door do instead insert into secret values (new.a);
grant insert on open_door to rule_user;
set role rule_user;
insert into open_door values (1);
insert into secret values (2);
reset role;
select * from secret;
drop table secret, open_door;
drop role rule_user;
-- what the catalog says of views with rules
create view nine as select 9 as n;
create view over_nine as select n from nine where n > 0;
select relname, pg_relation_is_updatable(oid, false), pg_column_is_updatable(oid, 1::smallint, false) from pg_class where relname in ('nine', 'over_nine', 'joined', 'cheap', 'goods') order by 1;
create rule nine_ins as on insert to nine do instead nothing;
create rule nine_upd as on update to nine where old.n = 1 do instead nothing;
create rule nine_del as on delete to nine do instead nothing;
select table_name, is_updatable, is_insertable_into from information_schema.views where table_name in ('nine', 'over_nine', 'joined', 'cheap') order by 1;
select relname, pg_relation_is_updatable(oid, false), pg_column_is_updatable(oid, 1::smallint, false) from pg_class where relname in ('nine', 'over_nine') order by 1;
insert into over_nine values (1);
delete from over_nine;
update over_nine set n = 2;
