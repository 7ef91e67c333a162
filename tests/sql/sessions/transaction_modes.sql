-- properties of transactions under savepoints, BINARY cursors, INTO where it may not stand
begin; declare b binary cursor for select 65::"char" as a, 'abc'::text as b, 'x'::bpchar as c; select name, is_binary from pg_cursors; fetch b; move b; rollback;
begin; declare b cursor for select 65::int4; select name, is_binary from pg_cursors; fetch b; rollback;
DECLARE foo CURSOR FOR SELECT 1 INTO int4_tbl;
begin; DECLARE foo CURSOR FOR SELECT 1 INTO int4_tbl; rollback;
COPY (SELECT 1 INTO frak UNION SELECT 2) TO stdout;
SELECT * FROM (SELECT 1 INTO f) bar;
CREATE VIEW foo AS SELECT 1 INTO int4_tbl;
create table i4(a int); INSERT INTO i4 SELECT 1 INTO f;
create table i5 as select 1 into f;
with w as (select 1 into f) select * from w;
begin; set transaction read only; set transaction read write; rollback;
begin read only; savepoint a; set transaction read write; rollback to a; show transaction_read_only; rollback;
begin; savepoint a; set transaction read only; show transaction_read_only; rollback to a; show transaction_read_only; rollback;
begin read only; select 1 from i4 for update; rollback;
begin read only; create table nope(a int); rollback;
begin read only; create temp table nope(a int); rollback;
begin read only; prepare pp as insert into i4 values (1); execute pp; rollback;
begin read only; copy i4 from stdin; rollback;
\.
begin read only; select nextval('i4s'); rollback;
set session characteristics as transaction read only; insert into i4 values (1); set transaction_read_only = off; start transaction; drop table i4; set transaction read write; drop table i4; rollback; set session characteristics as transaction read write;
begin; savepoint one; declare c cursor for select 1/0; savepoint two; fetch 10 from c; rollback to two; fetch 10 from c; rollback;
start transaction deferrable; show transaction_deferrable; commit and chain; show transaction_deferrable; rollback;
start transaction isolation level serializable, read write, deferrable; show transaction_isolation; show transaction_deferrable; rollback and chain; show transaction_deferrable; show transaction_isolation; commit;
begin; select 1; set transaction isolation level serializable; rollback;
begin; select 1; set transaction deferrable; rollback;
begin; savepoint a; set transaction isolation level serializable; rollback;
begin; savepoint a; set transaction deferrable; rollback;
