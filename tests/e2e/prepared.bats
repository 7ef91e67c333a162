#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Two-phase commit: prepared transactions belong to no session, keep their locks, and outlive the server.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    start_server
    sql "create table account (id int primary key, balance int); insert into account select i, 100 from generate_series(1, 10) i"
}
teardown() { remove_home; }

# sqlstate STATEMENT: of its error, or "ok".
sqlstate() {
    "$PSQL" -X -A -t -q -v VERBOSITY=sqlstate -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "$1" 2>&1 | sed -n 's/^ERROR:  //p' | grep . || echo ok
}
transfer() { # FROM TO GID: prepares it
    sql "begin; update account set balance = balance - 10 where id = $1; savepoint s; delete from account where id = 10; rollback to s;
         update account set balance = balance + 10 where id = $2; prepare transaction '$3'"
}
prepared() { sql "select string_agg(gid || ' ' || owner || ' ' || database, ',' order by gid) from pg_prepared_xacts"; }

@test "prepared: another session ends it, either way" {
    transfer 1 2 one
    transfer 3 4 two
    [ "$(prepared)" = "one admin rustydb,two admin rustydb" ]
    [ "$(sql 'select sum(balance), count(*) filter (where balance <> 100) from account')" = "1000|0" ]
    [ "$(sqlstate "set lock_timeout = 50; update account set balance = 0 where id = 1")" = 55P03 ]
    [ "$(sql "select count(*) from pg_locks where virtualtransaction like '-1/%' and pid is null and granted")" -ge 4 ]
    [ "$(sqlstate "set lock_timeout = 50; alter table account add column x int")" = 55P03 ]
    sql "commit prepared 'one'"
    sql "rollback prepared 'two'"
    [ -z "$(prepared)" ]
    [ "$(sql 'select string_agg(balance::text, $$ $$ order by id) from account where id < 5')" = "90 110 100 100" ]
    [ "$(sql 'select count(*) from account')" = 10 ]
}

@test "prepared: kill -9, with and without a checkpoint between, a clean end, and all of them once more" {
    transfer 1 2 one
    sql "begin; create table made (n int primary key); insert into made select generate_series(1, 1000); prepare transaction 'made'"
    sql "begin; select * from account where id = 5 for update; prepare transaction 'locks'"
    for way in KILL checkpoint TERM TERM; do
        case $way in
            TERM) ends_with 0 stop_server ;;
            checkpoint) sql checkpoint; kill_server ;;
            KILL) kill_server ;;
        esac
        start_server
        [ "$(prepared)" = "locks admin rustydb,made admin rustydb,one admin rustydb" ]
        [ "$(sql 'select balance from account where id = 1')" = 100 ]
        [ "$(sqlstate 'select * from account where id = 1 for share nowait')" = 55P03 ]
        [ "$(sqlstate 'select * from account where id = 5 for share nowait')" = 55P03 ]
        [ "$(sqlstate 'select * from account where id = 6 for share nowait')" = ok ]
        [ "$(sqlstate 'select * from made')" = 42P01 ]
        [ "$(sqlstate 'set lock_timeout = 50; lock table account in share mode')" = 55P03 ]
        sql "insert into account values (100, 1); delete from account where id = 100" # the log goes on
    done
    sql "commit prepared 'made'"
    [ "$(sql 'select count(*) from made where n between 1 and 1000')" = 1000 ]
    sql "rollback prepared 'locks'"
    [ "$(sqlstate 'select * from account where id = 5 for share nowait')" = ok ]
    kill_server
    start_server
    [ "$(prepared)" = "one admin rustydb" ]
    [ "$(sql 'select count(*) from made')" = 1000 ]
    sql "commit prepared 'one'"
    kill_server
    start_server
    [ -z "$(prepared)" ]
    [ "$(sql 'select string_agg(balance::text, $$ $$ order by id) from account where id < 3')" = "90 110" ]
    [ "$(sql 'select count(*) from account')" = 10 ]
}

@test "prepared: one that is rolled back after a crash leaves nothing behind" {
    sql "begin; create table gone (t text); insert into gone select repeat('x', 1000) from generate_series(1, 5000);
         update account set balance = 0; prepare transaction 'large'"
    kill_server
    start_server
    sql "rollback prepared 'large'"
    sql "update account set balance = balance + 1" # over rows that are still to be taken back
    [ "$(sql 'select sum(balance) from account')" = 1010 ]
    sql "vacuum"
    kill_server
    start_server
    [ "$(sql 'select sum(balance) from account')" = 1010 ]
    [ "$(sqlstate 'select * from gone')" = 42P01 ]
}

@test "prepared: what PostgreSQL refuses is refused, and the transaction is over" {
    transfer 1 2 one
    [ "$(sqlstate "begin; insert into account values (11, 1); prepare transaction 'one'")" = 42710 ]
    [ "$(sql 'select count(*) from account')" = 10 ]
    [ "$(sqlstate "commit prepared 'nobody'")" = 42704 ]
    [ "$(sqlstate "begin; commit prepared 'one'")" = 25001 ]
    run "$PSQL" -X -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "begin" -c "insert into account values (99, 0)" -c "prepare transaction 'told'" -c "commit prepared 'told'"
    [ "$output" = $'BEGIN\nINSERT 0 1\nPREPARE TRANSACTION\nCOMMIT PREPARED' ]
    [ "$(sqlstate "begin; create temp table t (n int); prepare transaction 't'")" = 0A000 ]
    [ "$(sqlstate "begin; notify c; prepare transaction 't'")" = 0A000 ]
    [ "$(sqlstate "begin; declare c cursor with hold for select 1; prepare transaction 't'")" = 0A000 ]
    [ "$(sqlstate "begin; select pg_export_snapshot(); prepare transaction 't'")" = 0A000 ]
    [ "$(sqlstate "begin; create role made_by_nobody; prepare transaction 't'")" = 0A000 ]
    [ "$(sqlstate "begin; prepare transaction '$(printf 'x%.0s' $(seq 200))'")" = 22023 ]
    sql "create role other login; grant all on account to other"
    echo "set role other; rollback prepared 'one'" >"$HOME_DIR.sql"
    run psql_file "$HOME_DIR.sql"
    [ "$status" -ne 0 ] && [[ "$output" == *"permission denied to finish prepared transaction"* ]]
    [ "$(DATABASE=postgres sql "select count(*) from pg_prepared_xacts")" = 1 ]
    [ "$(sql "prepare transaction 'nothing'" 2>&1)" = "WARNING:  there is no transaction in progress" ]
    [ "$(prepared)" = "one admin rustydb" ]
}

@test "prepared: locks of the session's own level stay with the session" {
    echo "select pg_advisory_lock(7); begin; insert into account values (11, 1); prepare transaction 'one'; select pg_advisory_unlock(7), count(*) from pg_locks where locktype = 'advisory';
          select count(*) from pg_locks where locktype = 'advisory';
          begin; select pg_advisory_lock(8), pg_advisory_xact_lock(8); prepare transaction 'two'" >"$HOME_DIR.sql"
    run psql_file "$HOME_DIR.sql"
    [[ "$output" == *"t|1"*"0"*"cannot PREPARE while holding both session-level and transaction-level locks on the same object"* ]]
    sql "commit prepared 'one'"
    [ "$(sql 'select count(*) from account')" = 11 ]
}

@test "prepared: a database that one uses is not dropped" {
    sql "create database used"
    DATABASE=used sql "create table t (n int); begin; insert into t values (1); prepare transaction 'here'"
    run sql "drop database used"
    [ "$status" -ne 0 ] && [[ "$output" == *"is being accessed by other users"*"There is 1 prepared transaction using the database."* ]]
    DATABASE=used sql "rollback prepared 'here'"
    sql "drop database used"
}

@test "prepared: serializable ones count as readers and writers after a restart" {
    sql "create table pairs (id int primary key, n int); insert into pairs values (1, 1), (2, 1)"
    sql "begin isolation level serializable; select sum(n) from pairs; update pairs set n = 0 where id = 1; prepare transaction 'skew'"
    kill_server
    start_server
    [ "$(sqlstate "begin isolation level serializable; select sum(n) from pairs; update pairs set n = 0 where id = 2; commit")" = 40001 ]
    sql "commit prepared 'skew'"
    [ "$(sql 'select sum(n) from pairs')" = 1 ]
    sql "begin isolation level serializable; select sum(n) from pairs; update pairs set n = 0 where id = 2; commit"
    [ "$(sql 'select sum(n) from pairs')" = 0 ]
}

@test "prepared: a row that another waited for and that matches no more by then is free for the next at once" {
    sql "create table t (k int, v int); insert into t values (1, 0)"
    sql "begin; update t set v = 1 where k = 1; prepare transaction 'has it'"
    coproc waits { "$PSQL" -X -A -t -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb 2>&1 3>&-; }
    local client=$waits_PID said
    echo "begin; update t set v = 2 where k = 1 and v = 0; select 'looked';" >&"${waits[1]}"
    wait_for_answer "transactionid" "select wait_event from pg_stat_activity where query like 'update t set v = 2%' and wait_event_type = 'Lock'"
    sql "commit prepared 'has it'"
    read -r said <&"${waits[0]}" && [ "$said" = looked ]
    [ "$(sql "set lock_timeout = '20s'; update t set v = v + 5 where k = 1 returning v")" = 6 ]
    echo "commit;" >&"${waits[1]}"
    echo '\q' >&"${waits[1]}"
    ends_with 0 wait "$client"
}
