-- How much ALTER TABLE locks: no more than it needs.
create table ll_a (a int primary key, b text);
create table ll_b (c int);
create view ll_locks as select relation::regclass::text as relation, mode from pg_locks where pid = pg_backend_pid() and locktype = 'relation'
    and relation::regclass::text in ('ll_a', 'll_b') and mode <> 'AccessShareLock';
begin; alter table ll_a alter b set statistics 10; select * from ll_locks order by 1, 2; rollback;
begin; alter table ll_a set (fillfactor = 90, autovacuum_enabled = off); select * from ll_locks order by 1, 2; rollback;
begin; alter table ll_a set (user_catalog_table = true); select * from ll_locks order by 1, 2; rollback;
begin; alter table ll_a cluster on ll_a_pkey; select * from ll_locks order by 1, 2; rollback;
begin; alter table ll_a add c int; select * from ll_locks order by 1, 2; rollback;
begin; alter table ll_a alter b set statistics 10, alter b set default 'x'; select * from ll_locks order by 1, 2; rollback;
begin; alter table ll_b add constraint ll_fk foreign key (c) references ll_a not valid; select * from ll_locks order by 1, 2; rollback;
begin; select pg_current_xact_id() is not null as has; select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'transactionid' and transactionid = pg_current_xact_id()::xid; rollback;
-- names of array types give way
create table ll_arr (a int);
create table ll_arr2 (a int);
alter table ll_arr2 rename to _ll_arr;
select oid::regtype, typname from pg_type where oid in ('ll_arr[]'::regtype, '_ll_arr[]'::regtype) order by 2;
drop table _ll_arr;
alter table ll_arr rename to _ll_arr;
select typname from pg_type where oid = '_ll_arr[]'::regtype;
create type __ll_arr as enum ('a');
select typname from pg_type where typname like '%\_ll\_arr' order by 1;
create domain ll_dom as int;
alter domain ll_dom rename to ll_dim;
select typname from pg_type where typname like '%ll\_di%' order by 1;
-- ALTER INDEX renames tables, and indexes of partitioned tables
create table ll_part (a int primary key) partition by range (a);
alter index ll_part_pkey rename to ll_part_index;
alter index ll_a rename to ll_aa;
alter index ll_a_pkey rename to ll_aa_pkey;
comment on index ll_part_index is 'of all';
select obj_description('ll_part_index'::regclass, 'pg_class');
alter view ll_b rename to ll_bb;
