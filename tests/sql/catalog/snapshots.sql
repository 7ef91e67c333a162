-- pg_snapshot, txid_snapshot, and what became of transactions.
select pg_snapshot '12:18:14,16', txid_snapshot '12:13:', pg_snapshot '12:16:14,14';
select pg_snapshot '31:12:';
select pg_snapshot '0:1:';
select pg_snapshot '12:13:0';
select pg_snapshot '12:16:14,13';
select pg_snapshot '1,2';
select pg_snapshot_xmin(s), pg_snapshot_xmax(s), array(select pg_snapshot_xip(s)) from (values ('12:20:13,15,18'::pg_snapshot), ('5:5:')) v(s);
select id, pg_visible_in_snapshot(id::text::xid8, '12:20:13,15,18') from generate_series(11, 21) id;
select txid_visible_in_snapshot(13, '12:20:13,15,18'), txid_snapshot_xmin('12:20:13'), txid_snapshot_xmax('12:20:13');
select pg_snapshot_xmin(pg_current_snapshot()) <= pg_snapshot_xmax(pg_current_snapshot());
begin;
select pg_current_xact_id_if_assigned() is null;
select pg_current_xact_id() = pg_current_xact_id_if_assigned();
select pg_xact_status(pg_current_xact_id()), txid_status(txid_current());
select pg_visible_in_snapshot(pg_current_xact_id(), pg_current_snapshot());
select pg_current_xact_id() as inner_xid \gset
commit;
select pg_xact_status(:'inner_xid'::xid8), pg_visible_in_snapshot(:'inner_xid'::xid8, pg_current_snapshot());
begin;
select pg_current_xact_id() as lost_xid \gset
rollback;
select pg_xact_status(:'lost_xid'::xid8);
select txid_status(1), txid_status(2), txid_status(0);
create table snaps (id int, s pg_snapshot);
insert into snaps values (1, '12:13:'), (2, '12:20:13,15,18');
select * from snaps order by id;
drop table snaps;
