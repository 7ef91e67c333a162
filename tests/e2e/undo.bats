#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What users see of the undo store: reading the past within storage.undo_retention_secs, what happens when old versions take more than
# storage.undo_max_size, and pg_stat_undo.
load helper

setup() { make_home; }
teardown() { remove_home; }

# serve KEY=VALUE...: keys of section storage.
serve() {
    rdb-init --home "$HOME_DIR" >/dev/null
    steady
    printf '[storage]\n' >"$HOME_DIR/conf/overrides.d/50-undo.toml"
    printf '%s\n' "$@" >>"$HOME_DIR/conf/overrides.d/50-undo.toml"
    start_server
}

@test "undo: AS OF SCN and AS OF TIMESTAMP read the past, joined with now" {
    serve "undo_retention_secs = 600"
    sql "create table t (id int primary key, v text); insert into t select g, 'old' from generate_series(1, 1000) g"
    local scn
    scn=$(sql "select rdb_current_scn()")
    wait_for_answer t "select timestamp_to_scn(now()) >= $scn" # the map from times to SCNs has an entry a second
    local moment
    moment=$(sql "select now()")
    sleep 1.1
    sql "update t set v = 'new' where id <= 10; delete from t where id > 500; insert into t values (2000, 'late')"
    [ "$(sql "select count(*), min(v) from t")" = "501|late" ]
    [ "$(sql "select count(*), min(v), max(id) from t as of scn $scn")" = "1000|old|1000" ]
    [ "$(sql "select count(*), max(v) from t AS OF TIMESTAMP '$moment'")" = "1000|old" ]
    [ "$(sql "select count(*) from t as of timestamp now() - interval '1' second * 3600 * 0 - interval '0 seconds' x where x.id = 2000")" = "1" ]
    [ "$(sql "select n.id, p.v, n.v from t n join t as of scn $scn as p on n.id = p.id where n.v <> p.v order by 1 limit 1")" = "1|old|new" ]
    [ "$(sql "select count(*) from (select * from t as of scn $scn except select * from t) d")" = "510" ]
    # Through a view, a prepared statement and a cursor.
    sql "create view past as select * from t as of scn ($scn) p where p.id > 990"
    [ "$(sql "select count(*) from past")" = "10" ]
    [ "$(sql "prepare q (bigint) as select count(*) from t as of scn \$1; execute q ($scn); execute q (rdb_current_scn())")" = $'1000\n501' ]
    [ "$(sql "begin; declare c cursor for select id from t as of scn $scn order by id; move 999 c; delete from t; fetch c; rollback")" = "1000" ]
    [[ "$(sql "explain select * from t as of scn $scn")" == *"As Of: SCN ("* ]]
    # One's own changes are not of that time.
    [ "$(sql "begin; delete from t; select count(*) from t as of scn $scn; rollback")" = "1000" ]
    # Taken back.
    sql "insert into t select * from t as of scn $scn on conflict (id) do update set v = excluded.v"
    [ "$(sql "select count(*) from t where v = 'old'")" = "1000" ]
}

@test "undo: moments that cannot be read are refused" {
    serve "undo_retention_secs = 0"
    sql "create table t (id int primary key, v text); insert into t values (1, 'a')"
    run sql "select * from t as of scn 9000000000"
    [[ "$output" == *"the SCN lies in the future"* ]]
    run sql "select * from t as of timestamp now() + interval '1 hour'"
    [[ "$output" == *"AS OF wants a moment of the past"* ]]
    run sql "select * from t as of scn null"
    [[ "$output" == *"AS OF wants a moment of the past"* ]]
    run sql "select * from t as of scn 1 for update"
    [[ "$output" == *"rows of the past cannot be locked"* ]]
    run sql "select * from t as of scn"
    [[ "$output" == *"syntax error"* ]]
    local scn
    scn=$(sql "select rdb_current_scn()")
    sql "update t set v = 'b'"
    sql "vacuum t"
    run sql "select * from t as of scn $scn"
    [[ "$output" == *"snapshot too old"* ]]
    sql "truncate t" # what is written anew has no past
    run sql "select * from t as of scn $scn"
    [[ "$output" == *"snapshot too old"* ]]
}

@test "undo: over the size cap the oldest snapshot is expired, and the store comes back to its size" {
    serve 'undo_max_size = "8MB"'
    sql "create table t (id int primary key, v text); insert into t select g, repeat('x', 200) from generate_series(1, 10000) g; create table r (i int)"
    cat >"$HOME_DIR.sql" <<SQL
\set ON_ERROR_STOP 0
\set VERBOSITY verbose
begin isolation level repeatable read;
select count(*) from t;
\! for i in 1 2 3 4 5 6 7 8; do psql -X -q -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c "update t set v = repeat('\$i', 200)"; done
\! for i in $(seq -s' ' 2400); do [ \$(psql -X -At -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c 'select snapshots_expired from pg_stat_undo') -ge 1 ] && break; sleep 0.05; done
select count(*) from t;
rollback;
begin isolation level repeatable read;
select count(*) from t where id > 0;
\! for i in 1 2 3 4 5 6 7 8; do psql -X -q -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c "update t set v = repeat('\$i', 200)"; done
\! for i in $(seq -s' ' 2400); do [ \$(psql -X -At -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c 'select snapshots_expired from pg_stat_undo') -ge 2 ] && break; sleep 0.05; done
select * from t where id = 77 for share;
rollback;
begin isolation level repeatable read;
select count(*) from t where id > 0;
\! for i in 1 2 3 4 5 6 7 8; do psql -X -q -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c "update t set v = repeat('\$i', 200)"; done
\! for i in $(seq -s' ' 2400); do [ \$(psql -X -At -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c 'select snapshots_expired from pg_stat_undo') -ge 3 ] && break; sleep 0.05; done
select id from t where id = -77;
rollback;
SQL
    "$PSQL" -X -A -t -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -f "$HOME_DIR.sql" >"$HOME_DIR.seen" 2>&1
    [ "$(grep -c '72000: snapshot too old' "$HOME_DIR.seen")" = 3 ]
    wait_for_answer "t|3|8388608" "select backlog_bytes <= limit_bytes, snapshots_expired, limit_bytes from pg_stat_undo"
    # With nobody in the way the backlog goes, the files with it.
    sql "vacuum t"
    wait_for_answer "t|t" "select backlog_bytes < 1000000, oldest_snapshot_scn is not null from pg_stat_undo"
    is_small() { [ "$(du -sm "$HOME_DIR/data/undo" | cut -f1)" -lt 30 ]; }
    wait_for is_small
    [ "$(sql "select count(*), min(length(v)), max(v) = repeat('8', 200) from t")" = "10000|200|t" ]
}

@test "undo: a reload changes retention and cap" {
    serve "undo_retention_secs = 0"
    [ "$(sql "select retention_secs, limit_bytes is null from pg_stat_undo")" = "0|t" ]
    printf '[storage]\nundo_retention_secs = 77\nundo_max_size = "64MB"\n' >"$HOME_DIR/conf/overrides.d/50-undo.toml"
    kill -HUP "$SERVER_PID"
    wait_for_answer "77|67108864" "select retention_secs, limit_bytes from pg_stat_undo"
}
