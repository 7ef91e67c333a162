#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Exported snapshots: several sessions read one moment.
load helper

setup() {
    make_home
    rdb-init --home "$HOME_DIR" >/dev/null
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
\! (echo "begin isolation level repeatable read; set transaction snapshot '\$SNAPSHOT';"; echo "select 'one', sum(i), count(*) from t;"; sleep 1.5; echo "select 'two', sum(i), count(*) from t; commit; select 'now', sum(i), count(*) from t;") | psql -X -Atq -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb >$HOME_DIR.seen 2>&1 &
select pg_sleep(0.7);
commit;
update t set i = i + 100;
vacuum t;
\! sleep 1.5
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
