-- Set operations by hashing and by sorting; what stands in EXPLAIN for sub-queries; equal sort keys; joins with nothing.
create table l(a int primary key, b int, c text); create table r(a int primary key, b int, c text);
insert into l select i, i % 4, 'v' || i from generate_series(1, 40) i;
insert into r select i, i % 3, 'v' || i from generate_series(21, 60) i;
analyze l, r;
explain (costs off) select b from l union select b from r;
explain (costs off) select b from l intersect select b from r;
explain (costs off) select a, b from l except all select a, b from r;
explain (costs off) select count(*) from (select b from l except select b from r) s;
explain (costs off) select x from (values (1::money)) v(x) union select x from (values (2::money)) w(x);
explain (costs off) select x from (values (array[1::money])) v(x) intersect select x from (values (array[2::money])) w(x);
explain (costs off) select from l union select from r;
select b from l union select b from r order by 1;
select b from l intersect all select b from r order by 1;
select b from l except all select b from r order by 1;
set enable_hashagg = off;
explain (costs off) select b from l union select b from r order by 1;
explain (costs off) select b from l intersect select b from r;
select b, count(*) from (select b from l intersect all select b from r) s group by b order by b;
select b, count(*) from (select b from l except all select b from r) s group by b order by b;
select b from l except select b from r where b > 1 order by b;
select 1 intersect all select 1 union all select 2 except select 2;
select from l except select from r;
select from l except all select from r limit 1;
reset enable_hashagg;
-- keys that are settled by an equality
explain (costs off) select * from l join r on l.a = r.a order by l.a, r.a desc, l.b;
explain (costs off) select * from l where b = 1 order by b, c;
explain (costs off) select * from l left join r on l.a = r.a order by l.a, r.a;
-- joins of nothing
explain (costs off) select * from l join r using (a) where l.a = 1 and l.a = 2;
explain (costs off) select * from l left join r on false where l.a < 3;
explain (costs off) select q.a from (select a, b from l order by c limit 3) q;
explain (costs off) select q.a, q.n from (select a, 1 + b as n from l offset 0) q order by q.n;
