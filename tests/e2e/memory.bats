#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Memory: what outgrows work_mem goes to files that leave nothing behind, and one statement cannot take the server down.
load helper

setup_file() {
    make_home
    rdb-init --home "$HOME_DIR" --insecure >/dev/null
    steady
    start_server --set resources.max_memory_mb=256
    export HOME_DIR PORT SERVER_PID
    sql "create table wide (i int, k int, s text)"
    sql "insert into wide select i, i * 7919::bigint % 10007, repeat(md5(i::text), 3) from generate_series(1, 200000) i"
    sql "select count(*) from wide"
}

teardown_file() {
    stop_server
    rm -rf "${HOME_DIR%/i}"
}

sql() {
    "$PSQL" -X -q -At -v ON_ERROR_STOP=1 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -v VERBOSITY=verbose "${@/#/-c}"
}

memory_kb() { # VmRSS or VmHWM
    awk -v name="$1:" '$1 == name { print $2 }' "/proc/$SERVER_PID/status"
}

# stays_below KB STATEMENT EXPECTED: the server's peak grows by less than that while the statement runs at work_mem = 1MB
stays_below() {
    local before after answer
    echo 5 >"/proc/$SERVER_PID/clear_refs"
    before=$(memory_kb VmRSS)
    answer=$(sql "set work_mem = '1MB'" "$2")
    after=$(memory_kb VmHWM)
    echo "answer $answer, peak grew by $((after - before)) kB"
    [ "$answer" = "$3" ] && [ $((after - before)) -lt "$1" ]
}

left_over() { # files in tmp/, and files without a name that the server still has open
    find "$HOME_DIR/tmp" -type f | wc -l
    find "/proc/$SERVER_PID/fd" -lname '*/tmp/work.*' | wc -l
}

@test "memory: a sort of twenty times work_mem stays bounded" {
    stays_below 12000 "select i from wide order by s, i offset 199999" "$(sql "select i from wide order by s desc, i desc limit 1")"
}

@test "memory: a hash aggregate and a hash join of twenty times work_mem stay bounded" {
    stays_below 16000 "select count(*) from (select s from wide group by s) x" 200000
    stays_below 16000 "select count(*) from wide a join wide b using (s)" 200000
}

@test "memory: nothing is left of temporary files, after an end, an error and a cancel" {
    run sql "set work_mem = '64kB'" "select i from wide order by s offset 199999"
    run sql "set work_mem = '64kB'" "select 1 / (i - i) from (select * from wide order by s) x"
    [[ "$output" == *22012* ]]
    run sql "set work_mem = '64kB'" "set statement_timeout = '50ms'" "select count(*) from wide a join wide b on a.s = b.s join wide c on b.s = c.s"
    [[ "$output" == *57014* ]]
    [ "$(left_over)" = $'0\n0' ]
}

@test "memory: a statement beyond the server's memory gets 53200 and the server stays" {
    run sql "select length(array_agg(a.s || b.s)::text) from wide a join wide b on a.k = b.k"
    [[ "$output" == *53200* ]]
    [ "$(sql "select count(*) from wide where i <= 10")" = 10 ]
}

@test "memory: a merge join keeps the rows of one key, not all that it has read" {
    stays_below 16000 "set enable_hashjoin = off; select count(*) from wide a join wide b using (s)" 200000
    stays_below 16000 "set enable_hashjoin = off; select count(*) from wide a full join wide b on a.s = b.s and a.i % 3 = 0" 333334
}

@test "memory: plans that are kept for single rows hold 60 KiB each at most" {
    local before n
    sql "create table keyed as select i, i as k, md5(i::text) as t from generate_series(1, 1000) i" "alter table keyed add primary key (i)" "analyze keyed"
    for n in $(seq 300); do echo "select k + $n, t from keyed where i = $n;"; done >"$BATS_TEST_TMPDIR/points.sql"
    echo 5 >"/proc/$SERVER_PID/clear_refs"
    before=$(memory_kb VmRSS)
    "$(dirname "$PSQL")/pgbench" -n -M prepared -c 1 -t 8 -f "$BATS_TEST_TMPDIR/points.sql" -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb
    echo "peak grew by $(($(memory_kb VmHWM) - before)) kB"
    [ $(($(memory_kb VmHWM) - before)) -lt $((300 * 60)) ]
}

@test "memory: memory.work_mem is what sessions start with, at once and after a reload; SET goes over it" {
    cp "$HOME_DIR/conf/rustydb.toml" "$BATS_TEST_TMPDIR/before.toml"
    [ "$(sql "show work_mem")" = 4MB ]
    sed -i 's/^# work_mem = .*/work_mem = "96MB"/' "$HOME_DIR/conf/rustydb.toml"
    kill -HUP "$SERVER_PID"
    wait_for_answer 96MB "show work_mem"
    [ "$(sql "set work_mem = '1MB'" "reset work_mem" "show work_mem")" = 96MB ]
    cp "$BATS_TEST_TMPDIR/before.toml" "$HOME_DIR/conf/rustydb.toml"
    kill -HUP "$SERVER_PID"
}

@test "memory: an idle server with a gigabyte of buffers holds 33 MB at most" {
    local busy_home=$HOME_DIR busy_port=$PORT busy_pid=$SERVER_PID kb
    HOME_DIR=$(dirname "$HOME_DIR")/idle PORT=
    rdb-init --home "$HOME_DIR" --insecure >/dev/null
    start_server --set memory.shared_buffers=1GB
    sql 'select count(*) from pg_class'
    is_small() { kb=$(memory_kb VmRSS) && [ "$kb" -le $((33 * 1024)) ]; }
    wait_for is_small || :
    stop_server
    HOME_DIR=$busy_home PORT=$busy_port SERVER_PID=$busy_pid
    echo "$kb kB"
    [ "$kb" -le $((33 * 1024)) ]
}
