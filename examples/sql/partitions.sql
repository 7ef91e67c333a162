-- SPDX-License-Identifier: Apache-2.0
-- A log that is kept by month: rows find their partition, queries read only what they need, old months are taken away at once.
begin;
create table visit (at timestamptz not null, page text not null, visitor int not null) partition by range (at);
create table visit_2026_10 partition of visit for values from ('2026-10-01') to ('2026-11-01');
create table visit_2026_11 partition of visit for values from ('2026-11-01') to ('2026-12-01');
create table visit_other partition of visit default;
create index on visit (visitor, at);
insert into visit
select timestamptz '2026-10-01 00:00' + i * interval '1 hour', '/page/' || i % 7, i % 50 from generate_series(0, 1500) i;
commit;
analyze visit;

select tableoid::regclass as partition, count(*) from visit group by 1 order by 1;
explain (costs off) select count(*) from visit where at >= '2026-11-01' and at < '2026-11-08';

-- October goes to the archive: detached, it is a table like any other.
alter table visit detach partition visit_2026_10;
select count(*) as kept from visit;
select count(*) as archived from visit_2026_10;
