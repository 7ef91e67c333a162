-- Large objects: bytes under a number, with a place of reading and writing, transactional, and owned.
create role lo_anna;
create role lo_bert;
select lo_create(70001);
select lo_create(70001); -- taken
select lo_from_bytea(70002, 'twelve bytes');
select lo_get(70001), lo_get(70002), lo_get(70002, 7, 3), lo_get(70002, 100, 3);
select lo_get(70002, 0, -1);
select lo_get(70002, -1, 1);
select lo_get(79999);
-- descriptors end with the transaction
begin;
select lo_open(70002, x'60000'::int) as a, lo_open(70002, x'40000'::int) as b;
select loread(0, 6), lo_tell(0), lo_tell(1);
select lowrite(0, 'BYTES, and more') as written, lo_tell64(0);
select lowrite(1, 'x'); -- for reading only
rollback;
select lo_tell(0);
select lo_get(70002);
begin;
select lo_open(70002, x'20000'::int);
select lo_lseek(0, 5000, 0), lowrite(0, 'far') ; -- a hole
select length(lo_get(70002)), lo_get(70002, 4998, 5), lo_get(70002, 2047, 3);
select lo_lseek(0, -3, 2), loread(0, 10), lo_lseek64(0, -1, 1), lo_tell(0);
select lo_lseek(0, -1, 0);
rollback;
begin;
select lo_open(70002, x'20000'::int);
savepoint s;
select lo_open(70001, x'20000'::int);
select lo_truncate(0, 6), lo_truncate64(1, 2100);
rollback to s;
select lo_close(0);
select lo_close(1); -- went with the savepoint
rollback;
begin;
select lo_open(70001, x'20000'::int);
select lo_truncate64(0, 4096), lo_lseek(0, 0, 2);
select lo_truncate(0, 4095), lo_lseek(0, 0, 2);
select lo_truncate(0, -1);
rollback;
select lo_open(70001, 1);
select lo_lseek(lo_open(70001, x'40000'::int), 0, 7);
select lo_put(70001, 2046, 'across');
select length(lo_get(70001)), lo_get(70001, 2044, 8);
select loid, pageno, length(data) from pg_largeobject where loid in (70001, 70002) order by 1, 2;
-- owners and grants
comment on large object 70001 is 'across two pages';
select obj_description(70001, 'pg_largeobject');
grant select on large object 70001, 70002 to lo_anna;
grant update on large object 70002 to lo_anna with grant option;
grant insert on large object 70002 to lo_anna;
grant select on large object 79999 to lo_anna;
select oid, lomacl is not null as granted from pg_largeobject_metadata where oid between 70000 and 70100 order by 1;
set role lo_anna;
select lo_get(70002);
select lo_put(70001, 0, 'no');
select lo_put(70002, 0, 'Twelve');
select lo_unlink(70002);
select lo_import('/etc/passwd');
grant update on large object 70002 to lo_bert;
reset role;
set role lo_bert;
select lo_get(70002);
reset role;
alter large object 70001 owner to lo_bert;
set role lo_bert;
select lo_unlink(70001);
reset role;
select obj_description(70001, 'pg_largeobject');
select type, identity from pg_identify_object('pg_largeobject'::regclass, 70002, 0);
select pg_describe_object('pg_largeobject'::regclass, 70002, 0);
drop role lo_anna;
revoke all on large object 70002 from lo_anna cascade;
select lo_unlink(70002);
select lo_unlink(70002);
select count(*) from pg_largeobject where loid between 70000 and 70100;
drop role lo_anna;
drop role lo_bert;
