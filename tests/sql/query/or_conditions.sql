-- Conditions whose ORs share parts, or say something of one table: the same rows, whatever is drawn out of them.
create table thing (id int, kind text, size int);
create table place (thing_id int, town text, amount int);
insert into thing select n, case n % 3 when 0 then 'a' when 1 then 'b' end, n % 7 from generate_series(1, 60) n;
insert into place select 1 + n % 60, case n % 4 when 0 then 'x' when 1 then 'y' when 2 then 'z' end, n % 11 from generate_series(1, 200) n;
select count(*), sum(amount), sum(size) from thing, place
where (id = thing_id and kind = 'a' and town = 'x' and amount > 3) or (id = thing_id and kind = 'b' and town in ('y', 'z') and size between 1 and 4);
select count(*), sum(amount) from thing, place where (id = thing_id and kind = 'a') or (id = thing_id and kind = 'a' and town = 'x');
select count(*) from thing, place where (id = thing_id) or (id = thing_id and town = 'x');
select count(*) from thing where (kind = 'a' and size > 2) or (size > 2 and kind is null) or (size > 2 and id < 10);
select count(*), count(thing_id) from thing left join place on (id = thing_id and town = 'x' and size = 1) or (id = thing_id and town = 'y' and kind = 'b');
select count(*), count(kind) from thing right join place on (id = thing_id and town = 'x') or (id + 1 = thing_id and kind is null and size < 3);
select count(*) from thing where (kind = 'a' or kind = 'b') and (size = 1 or (size = 2 and kind = 'a') or kind is null);
select count(*) from thing, place where id = thing_id and (kind = 'a' and amount = (select max(amount) from place p where p.town = place.town) or kind = 'b' and amount = 0);
select count(*) from thing where not ((kind = 'a' and size > 2) or (kind = 'a' and id > 30));
