-- Objects named for people, for programs, and by address.
create schema sch;
create table sch.tab(a int primary key, b text default 'x', constraint pos check (a > 0));
create view sch.vw as select a from sch.tab;
create function sch.fun(int, text[]) returns int language sql as 'select 1';
create procedure sch.proc(int) language sql as 'select 1';
create aggregate sch.agg(int) (sfunc = int4pl, stype = int);
create operator sch.@#@ (leftarg = int, rightarg = int, function = int4pl);
create type sch.comp as (x int);
create domain sch.dom as int constraint dpos check (value > 0);
create cast (sch.comp as int) with inout;
create operator family sch.fam using btree;
alter operator family sch.fam using btree add operator 1 < (int4, int8), function 1 btint48cmp(int4, int8);
create statistics sch.st on a, b from sch.tab;
create policy pol on sch.tab;
create temporary view addresses as
select v.n, x.* from (values
  (1, 'table', array['sch', 'tab'], array[]::text[]), (2, 'table column', '{sch,tab,b}', '{}'), (3, 'view', '{sch,vw}', '{}'), (4, 'index', '{sch,tab_pkey}', '{}'),
  (5, 'function', '{sch,fun}', '{int4,text[]}'), (6, 'procedure', '{sch,proc}', '{int4}'), (7, 'aggregate', '{sch,agg}', '{int4}'), (8, 'operator', '{sch,@#@}', '{int4,int4}'),
  (9, 'operator', '{+}', '{int4,int4}'), (10, 'type', '{sch.comp}', '{}'), (11, 'type', '{int4}', '{}'), (12, 'cast', '{sch.comp}', '{int4}'),
  (13, 'table constraint', '{sch,tab,pos}', '{}'), (14, 'default value', '{sch,tab,b}', '{}'), (15, 'rule', '{sch,vw,_RETURN}', '{}'), (16, 'policy', '{sch,tab,pol}', '{}'),
  (17, 'operator family', '{btree,sch,fam}', '{}'), (18, 'operator class', '{hash,text_ops}', '{}'), (19, 'operator of access method', '{btree,sch,fam,1}', '{int4,int8}'),
  (20, 'function of access method', '{btree,sch,fam,1}', '{int4,int8}'), (21, 'schema', '{sch}', '{}'), (22, 'language', '{sql}', '{}'), (23, 'access method', '{gist}', '{}'),
  (24, 'collation', '{"C"}', '{}'), (25, 'text search dictionary', '{simple}', '{}'), (26, 'statistics object', '{sch,st}', '{}')) v(n, t, names, args),
  lateral pg_get_object_address(t, names, args) x;
select n, pg_describe_object(classid, objid, objsubid) from addresses order by n;
select n, i.* from addresses, pg_identify_object(classid, objid, objsubid) i order by n;
select n, i.* from addresses, pg_identify_object_as_address(classid, objid, objsubid) i order by n;
select count(*) from addresses, pg_identify_object_as_address(classid, objid, objsubid) i, pg_get_object_address(i.type, i.object_names, i.object_args) b
  where (addresses.classid, addresses.objid, addresses.objsubid) = (b.classid, b.objid, b.objsubid);
select pg_describe_object('pg_class'::regclass, 1, 0), pg_describe_object('pg_cast'::regclass, 1, 0), pg_describe_object('pg_type'::regclass, 1, 0);
select * from pg_get_object_address('nonsense', '{a}', '{}');
select * from pg_get_object_address('toast table', '{a}', '{}');
select * from pg_get_object_address('table', '{}', '{}');
select * from pg_get_object_address('table', '{null}', '{}');
select * from pg_get_object_address('table', '{nothing}', '{}');
select * from pg_get_object_address('view', '{sch,tab}', '{}');
select * from pg_get_object_address('table column', '{tab}', '{}');
select * from pg_get_object_address('table column', '{sch,tab,z}', '{}');
select * from pg_get_object_address('function', '{sch,fun}', '{int4}');
select * from pg_get_object_address('aggregate', '{sch,agg}', '{}');
select * from pg_get_object_address('operator', '{+}', '{int4}');
select * from pg_get_object_address('schema', '{a,b}', '{}');
select * from pg_get_object_address('schema', '{nothing}', '{}');
select * from pg_get_object_address('policy', '{sch,tab,none}', '{}');
select * from pg_get_object_address('rule', '{none}', '{}');
select * from pg_get_object_address('operator class', '{btree}', '{}');
select * from pg_get_object_address('operator class', '{btree,none}', '{}');
select * from pg_get_object_address('operator of access method', '{btree,integer_ops,9}', '{int4,int4}');
select * from pg_get_object_address('cast', '{int4}', '{}');
select * from pg_get_object_address('type', '{nothing}', '{}');
select pg_describe_object(3, 4, 0);
