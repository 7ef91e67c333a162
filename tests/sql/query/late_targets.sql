-- Volatile targets are computed after the rows are sorted and no more often than rows are given; what nobody reads is not computed.
create sequence s; create table t(a int, b int);
insert into t select i, 10 - i from generate_series(1, 9) i;
select a, nextval('s') from t order by b limit 3;
select currval('s');
select a, nextval('s') as n, a + 1 as c from t order by b desc, c limit 2;
select a, nextval('s') as n from t order by n desc limit 2;
select currval('s');
select a from (select a, (select b from t) as many from t where a < 3) q order by a;
select a from (with w as (select * from t) select a, (select b from w) as many from t where a < 3) q order by a;
select count(*) from (select 1 / (a - a) as never from t offset 0) q;
select count(*) from (select distinct 1 / (a - a) as always from t) q;
prepare later as select 1 / 0;
execute later;
create table made as execute later;
with recursive r(n) as (select 1 union all select count(*) from r) select * from r;
with recursive r(n) as (select 1::money union select n + '1' from r where n < '5'::money) select * from r;
