-- FROM of UPDATE and USING of DELETE cannot read the table that is written.
create table x(x1 int, x2 int); create table y(f int);
update x set x2 = f from (select * from y where f = x1) s;
update x set x2 = f from (select * from y where f = x.x1) s;
update x set x2 = f from lateral (select * from y where f = x1) s;
delete from x using (select * from y where f = x1) s;
delete from x using lateral (select * from y where f = x1) s;
update x set x2 = f from y, lateral (select f + 1 as g) s where x1 = g;
select * from (x join y on x1 = f) s(a, b, c, d);
select * from x a join x b using (x1) as a;
select * from (x a join x b using (x1) as u) as v where u.x1 = 1;
