-- Inverted indexes: which rows they give, that plans use them, that changes and rollbacks reach them.
set enable_seqscan = off;
create table docs (id int primary key, tags text[], n int[], data jsonb, body tsvector, note text);
insert into docs select i, array['t' || i % 10, 'u' || i % 7], array[i % 5, i % 11, null],
    jsonb_build_object('k' || i % 4, i % 6, 'list', jsonb_build_array('e' || i % 3, i % 9), 'deep', jsonb_build_object('x', (i % 2 = 0))),
    to_tsvector('simple', 'word' || i % 8 || ' other' || i % 5 || ' common'), 'Note ' || i from generate_series(1, 300) i;
insert into docs values (1001, null, null, null, null, null), (1002, '{}', '{}', '{}', '', ''), (1003, '{null}', '{null}', '[]', 'single', 'x');
create index docs_tags on docs using gin (tags);
create index docs_n on docs using gin (n);
create index docs_data on docs using gin (data);
create index docs_body on docs using gin (body);

explain (costs off) select id from docs where tags @> array['t3'];
select count(*), min(id), max(id) from docs where tags @> array['t3'];
select count(*), min(id), max(id) from docs where tags @> array['t3', 'u2'];
select count(*) from docs where tags && array['t3', 'u2'];
select count(*) from docs where tags && '{}';
select count(*) from docs where tags @> '{}';
select count(*) from docs where tags <@ array['t1', 'u1', 't2', 'u2'];
select count(*) from docs where tags = array['t1', 'u1'];
select count(*) from docs where array['t1', 'u1'] <@ tags;
select id from docs where tags = '{}';
select id from docs where tags = '{null}';
select id from docs where tags <@ '{}';
select count(*) from docs where n @> array[2, 7];
select count(*) from docs where n @> array[2, null];
select count(*) from docs where n && array[2, null];
select id from docs where n = array[1, 1, null]::int[] order by id limit 3;

explain (costs off) select id from docs where data @> '{"k1": 3}';
select count(*) from docs where data @> '{"k1": 3}';
select count(*) from docs where data @> '{"list": ["e1"]}';
select count(*) from docs where data @> '{"list": ["e1", 4]}';
select count(*) from docs where data @> '{"deep": {"x": true}}';
select count(*) from docs where data @> '{}';
select id from docs where data @> '[]';
select count(*) from docs where data ? 'k2';
select count(*) from docs where data ?| array['k2', 'k3'];
select count(*) from docs where data ?& array['k2', 'list'];
select count(*) from docs where data ?& array['k2', 'k3'];
select count(*) from docs where data @? '$.k1 ? (@ == 3)';
select count(*) from docs where data @@ '$.k1 == 3 || $.k2 == 4';
select count(*) from docs where data @@ '$.list[*] == "e2" && $.deep.x == true';
select count(*) from docs where data @@ '$.k1 > 2';
select count(*) from docs where data @? '$.deep';
select count(*) from docs where data @? '$.**.x ? (@ == false)';
drop index docs_data;
create index docs_path on docs using gin (data jsonb_path_ops);
explain (costs off) select id from docs where data @> '{"k1": 3}';
select count(*) from docs where data @> '{"k1": 3}';
select count(*) from docs where data @> '{"list": ["e1", 4]}';
select count(*) from docs where data @> '{"k1": 3.0}';
select count(*) from docs where data @> '{"deep": {}}';
select count(*) from docs where data @? '$.k1 ? (@ == 3)';
select count(*) from docs where data @@ '$.list[*] == "e2" && $.deep.x == true';
select count(*) from docs where data @@ '$.* == 3';

explain (costs off) select id from docs where body @@ 'word3 & common'::tsquery;
select count(*) from docs where body @@ 'word3 & common'::tsquery;
select count(*) from docs where body @@ 'word3 & !other1'::tsquery;
select count(*) from docs where body @@ 'word3 | other1'::tsquery;
select count(*) from docs where body @@ 'wor:*'::tsquery;
select count(*) from docs where body @@ 'word1 <-> other1'::tsquery;
select count(*) from docs where body @@ 'word1:A'::tsquery;
select count(*) from docs where body @@ '!word1'::tsquery;
select id from docs where body @@ to_tsquery('simple', 'single');

-- two indexes at once, and either of two
explain (costs off) select id from docs where tags @> array['t3'] or body @@ 'word5'::tsquery;
select count(*) from docs where tags @> array['t3'] or body @@ 'word5'::tsquery;
select count(*) from docs where tags @> array['t3'] and body @@ 'word5'::tsquery and id > 100;

-- changes
update docs set tags = tags || 'new' where id % 50 = 0;
select count(*) from docs where tags @> '{new}';
begin;
update docs set tags = array['gone'] where tags @> '{new}';
select count(*) from docs where tags @> '{gone}';
select count(*) from docs where tags @> '{new}';
savepoint s;
delete from docs where tags @> '{gone}';
select count(*) from docs where tags @> '{gone}';
rollback to s;
select count(*) from docs where tags @> '{gone}';
rollback;
select count(*) from docs where tags @> '{gone}';
select count(*) from docs where tags @> '{new}';
delete from docs where tags @> '{new}';
select count(*) from docs where tags @> '{new}';
vacuum docs;
select count(*) from docs where tags && array['t0', 't5'];
insert into docs (id, tags) select 2000 + i, array['bulk', 'b' || i] from generate_series(1, 50) i;
select count(*), max(id) from docs where tags @> '{bulk}';
reindex index docs_tags;
select count(*), max(id) from docs where tags @> '{bulk}';
truncate docs;
select count(*) from docs where tags @> '{bulk}';
insert into docs (id, tags) values (1, '{bulk}');
select count(*) from docs where tags @> '{bulk}';

-- several columns, expressions, a part of a table
create table logs (id int, kind text, words text[], message text);
insert into logs select i, 'k' || i % 3, array['a' || i % 13], 'line ' || i || ' of ' || i % 17 from generate_series(1, 500) i;
create index logs_both on logs using gin (words, to_tsvector('simple', message)) where kind = 'k1';
explain (costs off) select id from logs where words @> '{a4}' and to_tsvector('simple', message) @@ '13'::tsquery and kind = 'k1';
select id from logs where words @> '{a4}' and to_tsvector('simple', message) @@ '13'::tsquery and kind = 'k1' order by id;
select count(*) from logs where to_tsvector('simple', message) @@ '13'::tsquery and kind = 'k1';
select count(*) from logs where words @> '{a4}';
update logs set kind = 'k1' where id = 4;
select count(*) from logs where words @> '{a4}' and kind = 'k1';
explain (costs off) select l.id from (values ('{a4}'::text[]), ('{a5}')) v (w), logs l where l.words @> v.w and kind = 'k1';
select count(*) from (values ('{a4}'::text[]), ('{a5}')) v (w), logs l where l.words @> v.w and kind = 'k1';

-- how they are shown
select indexdef from pg_indexes where schemaname = 'public' and tablename in ('docs', 'logs') order by 1;
\d logs
create index docs_fast on docs using gin (n) with (fastupdate = off, gin_pending_list_limit = 128);
select pg_get_indexdef('docs_fast'::regclass);
create table docs_like (like docs including indexes);
select indexdef from pg_indexes where tablename = 'docs_like' order by 1;
select amname, pg_indexam_has_property(a.oid, 'can_order') o, pg_indexam_has_property(a.oid, 'can_multi_col') m, pg_indexam_has_property(a.oid, 'can_include') i
  from pg_am a where amtype = 'i' order by 1;
select pg_index_has_property('docs_n'::regclass, 'bitmap_scan') b, pg_index_has_property('docs_n'::regclass, 'index_scan') s,
  pg_index_column_has_property('docs_n'::regclass, 1, 'search_nulls') n;

-- refusals
create index on docs using gin (id);
create index on docs using gin (note);
create unique index on docs using gin (tags);
create index on docs using gin (tags desc);
create index on docs using gin (tags nulls first);
create index on docs using gin (tags) include (id);
create index on docs using gin (tags jsonb_ops);
create index on docs using gin (tags nonsense_ops);
create index on docs using gin (tags) with (fillfactor = 50);
create index on docs using gin (tags) with (gin_pending_list_limit = 1);
create table points (p point[]);
create index on points using gin (p);
cluster docs using docs_n;
create table parts (id int, tags int[]) partition by range (id);
create table parts_1 partition of parts for values from (0) to (100);
create table parts_2 partition of parts for values from (100) to (200);
create index on parts using gin (tags);
insert into parts select i, array[i % 10] from generate_series(0, 199) i;
explain (costs off) select * from parts where tags @> '{7}';
select count(*) from parts where tags @> '{7}';

-- a column changes its type, a table is written anew
create table altered (a int[], t text);
insert into altered select array[i % 7], 'x' from generate_series(1, 70) i;
create index on altered using gin (a);
alter table altered alter a type bigint[];
select count(*) from altered where a @> '{3}';
alter table altered alter a type text using 'x';
alter table altered add b int default random() * 10;
select count(*) from altered where a @> '{3}';
vacuum full altered;
select count(*) from altered where a && '{3,4}';
alter index docs_n set (fastupdate = off);
alter index docs_n set (fillfactor = 50);
alter index docs_n reset (fastupdate);
drop index docs_fast;
explain (costs off) select id from docs where array[1] <@ n;
