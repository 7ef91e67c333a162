-- outer joins: those that add nothing, those that are anti-joins, those whose order is free
create table base(id int primary key, k int, t text);
create table dim(id int primary key, name text, other int);
create table part(a int, b int, v int, unique (a, b));
insert into base select i, i % 20, 't' || i % 5 from generate_series(1, 100) i;
insert into dim select i, 'd' || i, nullif(i % 3, 0) from generate_series(0, 14) i;
insert into part select i % 10, i / 10, i from generate_series(0, 59) i;
analyze base;
analyze dim;
analyze part;
create view wide as select b.id, b.k, d.name, d.other, p.v, g.n from base b left join dim d on d.id = b.k left join part p on p.a = b.k and p.b = 1
    left join (select k, count(*) n from base group by k) g on g.k = b.k;
explain (costs off) select id, k from wide;
select count(*), sum(id) from wide;
explain (costs off) select w.id from wide w where w.k = 3 and w.id < 50;
select sum(id), count(n) from wide;
-- not those: a part of the key, a column that is read, rows that are locked, keys of another type's equality
explain (costs off) select b.id from base b left join part p on p.a = b.k where b.id = 5;
select count(*) from base b left join part p on p.a = b.k;
select count(*) from base b left join part p on p.a = b.k and p.b = p.v;
select b.id, (select d.name) from base b left join dim d on d.id = b.k where b.id < 3 order by 1;
select b.id from base b left join dim d using (id) where b.id in (3, 99) order by id;
select id from base b full join dim d using (id) order by 1 desc limit 2;
select b.id from base b left join dim d on d.id = b.k order by d.name desc nulls last, 1 limit 3;
select count(*) from base b left join (select distinct k, t from base) s on s.k = b.k and s.t = b.t;
select count(*) from base b left join (select distinct k, t from base) s on s.k = b.k;
select count(*) from base b left join (select max(k) m from base) s on true;
select count(*) from base b left join (select generate_series(1, 2) from base group by k) s on true;
-- an anti-join in other words
explain (costs off) select b.* from base b left join dim d on d.id = b.k where d.id is null;
select count(*), sum(b.id), count(d.name), count(d) from base b left join dim d on d.id = b.k where d.id is null;
select b.id, d.*, coalesce(d.name, '-') from base b left join dim d on d.id = b.k where d.id is null and b.id < 40 order by 1 limit 4;
select b.id, d.* from base b left join dim d on d.id = b.k where d.id is null and d.other is null and b.id < 40 order by 1 limit 2;
-- not one: the column may be null by itself
select count(*) from base b left join dim d on d.id = b.k where d.other is null;
select count(*) from base b left join dim d on d.id = b.k and d.other > 1 where d.other is null;
select count(*) from base b left join dim d on d.id = b.k or d.other = b.k where d.id is null;
select count(*) from dim d right join base b on d.id = b.k where d.id is null;
select b.id, p.v, d.name from base b left join dim d on d.id = b.k left join part p on p.a = d.id where d.id is null and b.id < 20 order by 1, 2;
select b.id, p.v, d.name from base b left join (dim d join part p on p.a = d.id) on d.id = b.k where p.a is null and b.id < 16 order by 1, 2;
select b.id, d.id, p.a from base b left join dim d on d.id = b.k left join part p on p.a = d.id and p.b = 2 where p.a is null and b.id < 14 order by 1;
set enable_hashjoin = off;
select b.id, d.* from base b left join dim d on d.id = b.k where d.id is null and b.id < 40 order by 1 limit 2;
set enable_mergejoin = off;
select b.id, d.* from base b left join dim d on d.id = b.k where d.id is null and b.id < 40 order by 1 limit 2;
reset enable_hashjoin;
reset enable_mergejoin;
-- orders that are free, and orders that are not
select count(*), count(d.id), count(p.v) from base b left join dim d on d.id = b.k left join part p on p.a = d.other and p.b = 0;
select count(*), count(d.id), count(p.v) from base b left join (dim d left join part p on p.a = d.other and p.b = 0) on d.id = b.k;
select count(*), count(d.id), count(p.v) from base b left join dim d on d.id = b.k left join part p on p.a = coalesce(d.other, 4) and p.b = 0;
select count(*), count(d.id), count(p.v) from (base b left join dim d on d.id = b.k) join part p on p.a = b.k and p.b = 2;
select count(*), count(d.id), count(p.v) from (base b left join dim d on d.id = b.k) join part p on p.a = coalesce(d.id, 7) and p.b = 2;
select count(*), count(d.id), count(p.v) from base b left join (dim d join part p on p.a = d.id) on d.id = b.k and p.v > b.id;
select count(*) from base b left join dim d on d.id = b.k where exists (select from part p where p.a = b.k) and not exists (select from part q where q.v = b.id);
select count(*), count(d.id) from base b left join dim d on d.id = b.k and exists (select from part p where p.a = d.id and p.v > 40) where b.k in (select a from part);
select count(*) from dim d full join base b on d.id = b.k where coalesce(d.id, b.k) > 12;
drop view wide;
drop table base, dim, part;
