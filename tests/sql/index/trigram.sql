-- gin_trgm_ops and gist_trgm_ops: patterns and likeness by trigrams give what the table gives.
create extension pg_trgm;
create table words (id int primary key, t text);
insert into words select i, 'item ' || md5(i::text) || ' of group' || i % 7 from generate_series(1, 800) i;
insert into words values (900, 'The quick brown fox'), (901, 'Quick, brown: foxes!'), (902, null), (903, ''), (904, 'größe Ünder straße'), (905, 'a'), (906, 'under_score 100%'), (907, 'ab'), (908, E'back\\slash');
create table questions (no int, q text);
insert into questions values (1, $$t like '%quick%'$$), (2, $$t ilike '%QUICK%'$$), (3, $$t like 'The%fox'$$), (4, $$t like '%group3'$$), (5, $$t like 'item c%'$$), (6, $$t ilike '%ÜNDER%'$$),
  (7, $$t ~ 'qu.*fox'$$), (8, $$t ~* '^THE QUICK'$$), (9, $$t ~ 'fox(es)?'$$), (10, $$t ~ 'brown|slash'$$), (11, $$t ~ 'gro[uö][pß]'$$), (12, $$t like '%\%%'$$), (13, $$t like '%r\_s%'$$), (14, $$t ~ 'group[3-5]$'$$),
  (15, $$t % 'quick brown fox'$$), (16, $$t % 'item of group3'$$), (17, $$t like 'a'$$), (18, $$t like '%'$$), (19, $$t = 'The quick brown fox'$$), (20, $$t like ''$$), (21, $$t %> 'quick'$$), (22, $$'brown' <% t$$),
  (23, $$t %>> 'brown fox'$$), (24, $$t ~ 'b+r?own'$$), (25, $$t ~ 'x{0,1}quick'$$), (26, $$t ~ '\mfox\M'$$), (27, $$t ~ 'a{2,}'$$), (28, $$t like '%straße'$$), (29, $$t ~ '(?i)QUICK'$$), (30, $$t ~ 'back\\slash'$$),
  (31, $$t like '%uick brow%'$$), (32, $$t ~ '***=quick'$$), (33, $$t ~ ''$$), (34, $$t not like '%quick%'$$), (35, $$t ~ 'f.x'$$), (36, $$t ~ '[[:alpha:]]*fox'$$), (37, $$t ~ 'q\wick'$$);
create table answers (no int, count bigint, sum bigint);
select format('insert into answers select %s, count(*), sum(id) from words where %s', no, q) from questions order by no
\gexec
create index words_gin on words using gin (t gin_trgm_ops);
set enable_seqscan = off;
set enable_indexscan = off;
explain (costs off) select * from words where t like '%quick%';
explain (costs off) select * from words where t % 'quick brown fox';
select format('insert into answers select %s, count(*), sum(id) from words where %s', no, q) from questions order by no
\gexec
select no, q, array_agg(count || '/' || coalesce(sum, 0)) from answers join questions using (no) group by no, q having count(distinct (count, coalesce(sum, 0))) > 1;
drop index words_gin;
create index words_gist on words using gist (t gist_trgm_ops);
explain (costs off) select * from words where t ilike '%quick%';
select format('insert into answers select %s, count(*), sum(id) from words where %s', no, q) from questions order by no
\gexec
select no, q, array_agg(count || '/' || coalesce(sum, 0)) from answers join questions using (no) group by no, q having count(distinct (count, coalesce(sum, 0))) > 1;
select no, min(count) from answers group by no having count(distinct count) = 1 and no in (1, 2, 3, 7, 9, 15, 21, 23, 37) order by no;
create extension btree_gin;
create table mixed (id int, tags text[], at date);
insert into mixed select i, array['t' || i % 5], date '2024-01-01' + i % 50 from generate_series(1, 300) i;
create index on mixed using gin (id, tags, at);
explain (costs off) select * from mixed where tags @> '{t3}' and id < 50 and at >= '2024-02-10';
select id from mixed where tags @> '{t3}' and id < 50 and at >= '2024-02-10' order by id;
select count(*) from mixed where id between 20 and 30;
select opcname, amname from pg_opclass c join pg_am a on a.oid = opcmethod where opcname like '%trgm%' order by 1;
drop extension pg_trgm;
drop index words_gist;
drop extension pg_trgm;
