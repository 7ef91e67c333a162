-- LIKE ... INCLUDING STATISTICS: extended statistics are made anew under names of their own
create table src (a int, b int, c text, d int);
create statistics both_ab on a, b from src;
create statistics few (dependencies, mcv) on d, a from src;
create statistics third (mcv) on a, (b + d), lower(c) from src;
create statistics alone on (a * 2) from src;
comment on statistics both_ab is 'of both';
create table without (like src);
create table copy (like src including statistics);
create table told (z int, like src including all);
create temp table passing (like src including statistics excluding comments);
create table excluded (like src including all excluding statistics);
select stxrelid::regclass, stxname, stxkeys, stxkind, obj_description(oid, 'pg_statistic_ext') from pg_statistic_ext order by stxrelid::regclass::text, stxname;
select pg_get_statisticsobjdef(oid) from pg_statistic_ext where stxrelid <> 'passing'::regclass order by stxrelid::regclass::text, stxname;
drop table copy;
select count(*) from pg_statistic_ext;
drop table src, without, told, excluded;
