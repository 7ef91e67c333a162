#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Exported snapshots: several sessions read one moment.
load helper

setup() {
    make_home
    rdb-init --home "$HOME_DIR" >/dev/null
    steady
    start_server
}
teardown() { remove_home; }

@test "snapshots: who imports one sees the exporter's moment, through updates, VACUUM and the exporter's end" {
    sql "create table t (i int); insert into t values (1), (2)"
    cat >"$HOME_DIR.sql" <<SQL
begin isolation level repeatable read;
select pg_export_snapshot() as id \gset
\setenv SNAPSHOT :id
\! psql -X -Atq -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c "update t set i = i + 10" -c "insert into t values (3)" -c "vacuum t"
\! (echo "begin isolation level repeatable read; set transaction snapshot '\$SNAPSHOT';"; echo "select 'one', sum(i), count(*) from t;"; for i in $(seq -s' ' 2400); do [ -e $HOME_DIR.go ] && break; sleep 0.05; done; echo "select 'two', sum(i), count(*) from t; commit; select 'now', sum(i), count(*) from t;") | psql -X -Atq -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb >$HOME_DIR.seen 2>&1 &
\! for i in $(seq -s' ' 2400); do grep -q one $HOME_DIR.seen && break; sleep 0.05; done
commit;
update t set i = i + 100;
vacuum t;
\! touch $HOME_DIR.go; for i in $(seq -s' ' 2400); do grep -q now $HOME_DIR.seen && break; sleep 0.05; done
\! psql -X -Atq -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c "begin isolation level repeatable read; set transaction snapshot '\$SNAPSHOT'" 2>&1 | sed "s/\$SNAPSHOT/ID/"
SQL
    run -0 psql_file "$HOME_DIR.sql"
    [[ "$output" == *'invalid snapshot identifier: "ID"'* ]]
    [ "$(cat "$HOME_DIR.seen")" = $'one|3|2\ntwo|3|2\nnow|326|3' ]
}

@test "snapshots: importing one has PostgreSQL's conditions" {
    run sql "begin; set transaction snapshot 'x'"
    [[ "$output" == *"a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ"* ]]
    run sql "begin isolation level repeatable read; select 1; set transaction snapshot 'x'"
    [[ "$output" == *"SET TRANSACTION SNAPSHOT must be called before any query"* ]]
    run sql "begin; savepoint a; select pg_export_snapshot()"
    [[ "$output" == *"cannot export a snapshot from a subtransaction"* ]]
}

@test "snapshots: pg_dump --jobs dumps one moment" {
    sql "create table a as select generate_series(1, 1000) i; create table b as select generate_series(1, 1000) i"
    run -0 pg_dump -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin -Fd -j 2 -f "$HOME_DIR.dump" rustydb
    [ "$(ls "$HOME_DIR.dump"/*.dat.gz | wc -l)" -eq 2 ]
}

@test "snapshots: one from before TRUNCATE, CLUSTER and VACUUM FULL reads the rows it had; a table of other columns is refused" {
    sql "create table t (id int primary key, v int); insert into t select i, i from generate_series(1, 500) i; create table w as table t"
    cat >"$HOME_DIR.sql" <<SQL
\set ON_ERROR_STOP off
\set VERBOSITY sqlstate
begin isolation level repeatable read;
select 'one';
\! psql -X -Atq -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c "update t set v = -v" -c "truncate t" -c "insert into t select i, 0 from generate_series(1, 9) i" -c "cluster t using t_pkey" -c "vacuum full t" -c "alter table w alter v type bigint"
select 'all', count(*), sum(v) from t;
select 'point', v from t where id = 7;
select 'place', v from t where ctid = (select ctid from t where id = 8);
savepoint a;
update t set v = 1 where id = 7;
rollback to a;
delete from t where id = 400;
rollback to a;
select id from t where id = 400 for update;
rollback to a;
insert into t values (1000, 1);
rollback to a;
select count(*) from w;
rollback;
select 'now', count(*), sum(v), (select count(*) from w) from t;
SQL
    run -0 psql_file "$HOME_DIR.sql"
    run -0 sed "s/^psql:[^ ]* //" <<<"$output"
    echo "$output"
    [ "$output" = $'one\nall|500|125250\npoint|7\nplace|8\nERROR:  40001\nERROR:  40001\nERROR:  40001\nERROR:  40001\nERROR:  72000\nnow|9|0|500' ]
}

@test "snapshots: AS OF a moment before TRUNCATE gives the rows back, also after a crash" {
    stop_server
    printf '\n[storage]\nundo_retention_secs = 3600\n' >"$HOME_DIR/conf/overrides.d/50-retention.toml"
    start_server
    sql "create table t (id int primary key, v int); insert into t select i, i from generate_series(1, 500) i"
    scn=$(sql "select rdb_current_scn()")
    sql "update t set v = 0 where id < 100; truncate t; insert into t values (1, 1)"
    [ "$(sql "select count(*), sum(v) from t as of scn $scn")" = "500|125250" ]
    kill_server
    start_server
    [ "$(sql "select count(*), sum(v) from t as of scn $scn")" = "500|125250" ]
    [ "$(sql "select count(*), sum(v) from t")" = "1|1" ]
}

@test "snapshots: a unique index proves nothing about the rows from before it" {
    sql "create table pairs (k int, v int); insert into pairs values (1, 1), (1, 2), (2, 3)"
    cat >"$HOME_DIR.sql" <<SQL
begin isolation level repeatable read;
select 'one';
\! psql -X -Atq -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c "delete from pairs where v = 2" -c "alter table pairs add primary key (k)" -c "analyze pairs"
select count(*) from generate_series(1, 2) x left join pairs on pairs.k = x;
select pairs.v from generate_series(1, 2) x join pairs on pairs.k = x order by 1;
commit;
select count(*) from generate_series(1, 2) x left join pairs on pairs.k = x;
\! psql -X -Atq -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c "create index concurrently pairs_v on pairs (v)"
SQL
    run -0 psql_file "$HOME_DIR.sql"
    [ "$output" = $'one\n3\n1\n2\n3\n2' ]
}

@test "snapshots: an imported snapshot is not read through an index that is newer" {
    sql "create table t (id int, v int); insert into t select i, i from generate_series(1, 500) i; analyze t"
    cat >"$HOME_DIR.sql" <<SQL
begin isolation level repeatable read;
select pg_export_snapshot() as id \gset
\setenv SNAPSHOT :id
\! psql -X -Atq -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c "update t set id = -id" -c "create index concurrently t_id on t (id)" -c "analyze t"
\! (echo "begin isolation level repeatable read; set transaction snapshot '\$SNAPSHOT';"; echo "select 'imported', v from t where id = 7; explain (costs off) select v from t where id = 7; commit; explain (costs off) select v from t where id = 7") | psql -X -Atq -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb
commit;
SQL
    run -0 psql_file "$HOME_DIR.sql"
    [[ "$output" == $'imported|7\nSeq Scan on t\n  Filter: (id = 7)\nIndex Scan using t_id on t'* ]]
}
