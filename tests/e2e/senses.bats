#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the server knows of itself: waits, workers, statements, files.
load helper

setup_file() {
    make_home
    export HOME_DIR
    rdb-init --home "$HOME_DIR" >/dev/null
    start_server
    export PORT SERVER_PID
}
teardown_file() { remove_home; }

@test "a session that waits for a row says so, and the wait is counted" {
    sql "create table w(a int primary key, b int); insert into w values (1, 1)"
    sql "begin; update w set b = 2; select pg_sleep(2); commit" >/dev/null 3>&- &
    local holder=$! row=
    sleep 0.4
    sql "update w set b = 3" >/dev/null 3>&- &
    local waiter=$!
    for _ in $(seq 40); do
        row=$(sql "select wait_event_type, wait_event, state from pg_stat_activity where query = 'update w set b = 3'")
        [ "$row" = "Lock|transactionid|active" ] && break
        sleep 0.05
    done
    [ "$row" = "Lock|transactionid|active" ]
    [ "$(sql "select wait_event_type, wait_event from pg_stat_activity where query like 'begin; update w%'")" = "Timeout|PgSleep" ]
    wait $holder $waiter
    [ "$(sql "select waits > 0 and wait_time > 500 from rdb_stat_waits where wait_event = 'transactionid'")" = t ]
}

@test "an idle session waits for its client, and shows no snapshot" {
    coproc P { "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb; }
    echo "select 'idle one' as x;" >&"${P[1]}"
    local row=
    for _ in $(seq 40); do
        row=$(sql "select state, wait_event_type, wait_event, backend_xmin is null from pg_stat_activity where query like '%idle one%' and pid <> pg_backend_pid()")
        [ "$row" = "idle|Client|ClientRead|t" ] && break
        sleep 0.05
    done
    [ "$row" = "idle|Client|ClientRead|t" ]
    echo "begin isolation level repeatable read; select 1 as held;" >&"${P[1]}"
    for _ in $(seq 40); do
        row=$(sql "select state, backend_xmin is null from pg_stat_activity where query like '%as held%' and pid <> pg_backend_pid()")
        [ "$row" = "idle in transaction|f" ] && break
        sleep 0.05
    done
    [ "$row" = "idle in transaction|f" ]
    echo '\q' >&"${P[1]}"
    wait "$P_PID" 2>/dev/null || true
}

@test "the server's own threads are listed with what they wait for" {
    [ "$(sql "select string_agg(backend_type, ',' order by backend_type) from pg_stat_activity where datid is null")" = "autovacuum launcher,background writer,checkpointer,purge worker,walwriter" ]
    [ "$(sql "select count(*) from pg_stat_activity where datid is null and (wait_event is null and backend_type <> 'purge worker' or backend_start is null)")" -le 1 ]
}

@test "pg_stat_io says who wrote what, and a reset starts anew" {
    sql "create table io(a int, b text); insert into io select i, repeat('x', 100) from generate_series(1, 20000) i; checkpoint"
    [ "$(sql "select sum(writes) > 100 and sum(write_bytes) = sum(writes * op_bytes) from pg_stat_io where object = 'relation'")" = t ]
    [ "$(sql "select sum(extends) > 100 from pg_stat_io where object = 'relation' and backend_type = 'client backend'")" = t ]
    [ "$(sql "select sum(write_bytes) > 2000000 from pg_stat_io where object = 'wal'")" = t ]
    sql "select rdb_stat_reset('io')"
    [ "$(sql "select coalesce(sum(extends), 0) from pg_stat_io")" = 0 ]
    run sql "select rdb_stat_reset('nonsense')"
    [ "$status" -ne 0 ] && [[ "$output" == *"unrecognized reset target"* ]]
}
