-- SPDX-License-Identifier: Apache-2.0
-- WITH items that change data, recursive ones beside them, and what each of them sees.
create table q (id int, parent int, n text);
insert into q values (1, null, 'root'), (2, 1, 'a'), (3, 1, 'b'), (4, 2, 'c');
with recursive t as (select id, n::text from q where parent is null union all select q.id, t.n || '/' || q.n from q join t on q.parent = t.id) select * from t order by id;
with recursive t as (select id from q where id = 2 union select q.id from q, t where q.parent = t.id), d as (delete from q using t where q.id = t.id returning q.*) select * from d order by id;
select * from q order by id;
with i as (insert into q values (10, 1, 'x'), (11, 10, 'y') returning *), u as (update q set n = n || '!' where id = 1 returning *) select * from i union all select * from u order by 1;
select * from q order by id;
with a as (insert into q values (20, null, 'z') returning id) insert into q select id + 1, id, 'child' from a returning *;
with t as materialized (select * from q) select count(*) from t where id > 1;
with t as not materialized (select * from q) select count(*) from t where id > 1;
with recursive f(a, b) as (values (0, 1) union all select b, a + b from f where b < 50) select array_agg(a) from f;
with recursive f(n) as (select 1 union all select n + 1 from f) select * from f limit 5;
with recursive f(n) as (select 1 union all select n + 1 from f where n < 3), g as (select n * 2 as m from f) select * from g, f where m = n;
with d as (delete from q returning *) select * from d where exists (select from q where q.id = d.id) order by 1;
select count(*) from q;
with recursive w as (select 1 as a, array[1] as p union all select a % 3 + 1, p || a from w where array_length(p, 1) < 5) select * from w;
with recursive t(n) as (select 1 union select n % 2 from t) select * from t order by 1;
with w(a) as (select 1), w(b) as (select 2) select * from w;
with recursive t as (select 1 as x union all select x + 1.5 from t where x < 3) select * from t;
with t as (insert into q values (1) returning 1 as a) select (select a from t);
select (with t as (insert into q values (1) returning 1) select 1);
with recursive a as (select 1 as n union all (select n + 1 from a where n < 3 order by n limit 1)) select * from a;
create view rv as with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select n from t;
select * from rv;
select pg_get_viewdef('rv');
