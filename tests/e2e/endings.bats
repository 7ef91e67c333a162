#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whatever runs or waits ends when it is told to; see endings.py.
load helper

setup() {
    make_home
    rdb-init --home "$HOME_DIR" >/dev/null
    start_server
}
teardown() { remove_home; }

@test "endings: every wait and every long work ends soon by timeouts, cancel, terminate and a client that goes, with its SQLSTATE and no lock left" {
    # Each by the timeouts and one other way, in turn (tests/long/endings.bats: by every way). A quiet machine needs a second at most; tests/long/endings.bats says how soon.
    run timeout 550 /usr/bin/python3 "$TOP/tests/e2e/endings.py" "$HOME_DIR/run/sockets" "$PORT" --slow 60
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *" 0 of them wrong"* ]]
}

@test "endings: without client_connection_check_interval a statement is finished though its client has gone" {
    sql "create table t (i int)"
    "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "insert into t select 1 from pg_sleep(3)" 3>&- &
    local client=$!
    wait_for_answer PgSleep "select wait_event from pg_stat_activity where query ~ '^insert into t'"
    kill -KILL "$client"
    wait_for_answer 1 "select count(*) from t"
}
