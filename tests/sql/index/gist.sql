-- GiST and SP-GiST indexes: what they give equals what the table gives; EXCLUDE stands on them.
create extension btree_gist;
create table spans (id int primary key, r int4range, n numrange, t tsrange, m int4multirange, net inet, p point, b box, c circle, g polygon, w tsvector, name text);
insert into spans select i, int4range(i * 7 % 1000, i * 7 % 1000 + i % 50), numrange(i, i + 0.5), tsrange('2024-01-01'::timestamp + i * interval '1 hour', '2024-01-01'::timestamp + (i + i % 30) * interval '1 hour', '[]'),
  int4multirange(int4range(i % 300, i % 300 + 5), int4range(i % 300 + 20, i % 300 + 25)), ('10.' || i % 3 || '.' || i % 200 || '.0/24')::inet, point(i * 37 % 101, i * 53 % 97),
  box(point(i * 37 % 101, i * 53 % 97), point(i * 37 % 101 + i % 9, i * 53 % 97 + i % 7)), circle(point(i % 100, i / 10), i % 5), polygon(box(point(i % 50, i % 60), point(i % 50 + 3, i % 60 + 4))),
  to_tsvector('simple', 'w' || i % 20 || ' v' || i % 33), 'name ' || i % 40 from generate_series(1, 1000) i;
insert into spans values (2001, 'empty', null, '(,)', '{}', '::1', null, null, null, null, '', null), (2002, '(,5)', '[3,)', '(,2024-01-05)', '{(,3),[500,)}', 'fe80::/10', point(-1.5, 1e300), box '((-1e10,-1e10),(1e10,1e10))', circle '<(0,0),1e6>', null, null, 'zz');
create table answers as select 0 as no, 0::bigint as count, 0::bigint as sum limit 0;
create table questions (no int, q text);
insert into questions values (1, 'r && int4range(100, 120)'), (2, 'r @> 500'), (3, 'r @> int4range(500, 510)'), (4, 'r <@ int4range(200, 300)'), (5, 'r << int4range(10, 20)'),
  (6, 'r >> int4range(980, 990)'), (7, 'r &< int4range(0, 20)'), (8, 'r &> int4range(990, 995)'), (9, 'r -|- int4range(100, 107)'), (10, 'r = int4range(707, 708)'),
  (11, $$r @> 'empty'::int4range$$), (12, $$r <@ 'empty'::int4range$$), (13, $$r && 'empty'::int4range$$), (14, $$r = 'empty'::int4range$$), (15, 'r && int4range(null, 10)'),
  (16, 'n @> 17.25'), (17, 'n && numrange(17.3, 19.1)'), (18, $$t @> '2024-01-10 12:30'::timestamp$$), (19, $$t && tsrange('2024-01-10', '2024-01-11')$$), (20, $$t <@ tsrange('2024-01-10', '2024-01-12')$$),
  (21, 'm && int4range(100, 102)'), (22, 'm @> 104'), (23, 'm @> int4multirange(int4range(100, 102))'), (24, 'm <@ int4multirange(int4range(100, 160))'),
  (25, $$net << '10.1.0.0/16'$$), (26, $$net >> '10.1.7.5'$$), (27, $$net && '10.2.4.0/22'$$), (28, $$net = '10.1.7.0/24'$$), (29, $$net >>= '::1'$$), (30, $$net <<= '::/0'$$),
  (31, $$p <@ box '((10,10),(20,20))'$$), (32, $$p <@ polygon '((10,10),(20,10),(15,30))'$$), (33, $$p <@ circle '<(50,50),10>'$$), (34, $$p << point '(3,0)'$$), (35, $$p >> point '(97,0)'$$),
  (36, $$p <<| point '(0,2)'$$), (37, $$p |>> point '(0,94)'$$), (38, $$p ~= point '(37,53)'$$), (39, $$b && box '((10,10),(20,20))'$$), (40, $$b <@ box '((10,10),(40,40))'$$), (41, $$b @> box '((37,53),(37,53))'$$),
  (42, $$b << box '((3,3),(4,4))'$$), (43, $$b &> box '((95,3),(96,4))'$$), (44, $$b |>> box '((0,80),(1,90))'$$), (45, $$c && circle '<(50,50),3>'$$), (46, $$c @> circle '<(50,50),1>'$$),
  (47, $$g && polygon '((10,10),(20,20),(20,10))'$$), (48, $$g @> polygon '((11,11),(11.5,11.5),(11.5,11))'$$), (49, $$w @@ 'w3 & v4'::tsquery$$), (50, 'id < 10'), (51, 'id = 500'), (52, 'id >= 990'),
  (53, $$name = 'name 7'$$), (54, $$name > 'name 38'$$), (55, $$name ^@ 'name 3'$$), (56, $$name ~>=~ 'name 39'$$), (57, 'id <> 4');
select format('insert into answers select %s, count(*), sum(id) from spans where %s', no, q) from questions order by no
\gexec
create index on spans using gist (r);
create index on spans using gist (n);
create index on spans using gist (t);
create index on spans using gist (m);
create index on spans using gist (net inet_ops);
create index on spans using gist (p);
create index on spans using gist (b);
create index on spans using gist (c);
create index on spans using gist (g);
create index on spans using gist (w);
create index on spans using gist (id);
create index on spans using spgist (name);
alter table spans drop constraint spans_pkey;
set enable_seqscan = off;
set enable_indexscan = off;
explain (costs off) select * from spans where r && int4range(100, 120);
select format('insert into answers select %s, count(*), sum(id) from spans where %s', no, q) from questions order by no
\gexec
select no, q, array_agg(count || '/' || coalesce(sum, 0)) from answers join questions using (no) group by no, q having count(distinct (count, coalesce(sum, 0))) > 1;
select count(*) filter (where count > 0), sum(count) from answers;
drop index spans_r_idx, spans_p_idx, spans_b_idx, spans_g_idx, spans_net_idx;
create index on spans using spgist (r);
create index on spans using spgist (p);
create index on spans using spgist (b);
create index on spans using spgist (g);
create index on spans using spgist (net);
explain (costs off) select * from spans where p <@ box '((10,10),(20,20))';
select format('insert into answers select %s, count(*), sum(id) from spans where %s', no, q) from questions order by no
\gexec
select no, q, array_agg(count || '/' || coalesce(sum, 0)) from answers join questions using (no) group by no, q having count(distinct (count, coalesce(sum, 0))) > 1;
drop index spans_p_idx;
create index on spans using spgist (p kd_point_ops);
select count(*) from spans where p <@ box '((10,10),(20,20))';

-- bookings
create table bookings (room int, during tsrange, who text, exclude using gist (room with =, during with &&));
insert into bookings values (1, '[2024-01-01 10:00, 2024-01-01 12:00)', 'ann');
insert into bookings values (1, '[2024-01-01 12:00, 2024-01-01 13:00)', 'bob');
insert into bookings values (2, '[2024-01-01 11:00, 2024-01-01 12:00)', 'cid');
insert into bookings values (1, '[2024-01-01 11:30, 2024-01-01 12:30)', 'dan');
insert into bookings values (null, '[2024-01-01 11:30, 2024-01-01 12:30)', 'eve'), (null, '[2024-01-01 11:30, 2024-01-01 12:30)', 'eve');
update bookings set during = '[2024-01-01 09:00, 2024-01-01 10:30)' where who = 'bob';
update bookings set room = 3, during = '[2024-01-01 09:00, 2024-01-01 10:30)' where who = 'bob';
delete from bookings where who = 'ann';
insert into bookings values (1, '[2024-01-01 11:30, 2024-01-01 12:30)', 'dan');
select room, who from bookings order by 1, 2;
\d bookings
create table holes (c circle, exclude using gist (c with &&) where (radius(c) > 1));
insert into holes values ('<(0,0),5>'), ('<(1,1),1>');
insert into holes values ('<(20,20),5>');
insert into holes values ('<(21,21),2>');
create table later (r int4range);
insert into later values ('[1,5)'), ('[4,8)');
alter table later add constraint apart exclude using gist (r with &&);
delete from later where r = '[4,8)';
alter table later add constraint apart exclude using gist (r with &&);
insert into later values ('[2,3)');
insert into later values ('[5,9)');
alter table later add exclude using gist (r with <<);
select conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'x' order by 1;

-- how they are shown, what is refused
select indexdef from pg_indexes where tablename in ('spans', 'bookings') order by 1;
create unique index on spans using gist (r);
create index on spans using spgist (r, m);
create index on spans using gist (name, r);
create index on later using gist (r) include (r);
create table plain (j json);
create index on plain using gist (j);
create index on spans using spgist (id);
create index on spans using gist (r) with (fillfactor = 60, buffering = on);
