#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rdb-diag: a fresh instance is healthy; a dead, a hung and a damaged one are told as what they are, in time.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
}
teardown() {
    [ -z "${held:-}" ] || kill -CONT "$held" 2>/dev/null || :
    remove_home
}

# Rules of the machine that the tests run on: its disks, its memory, its processors.
OF_THE_MACHINE="(side-)?volume-[a-z-]+|memory-short|swap-in-use|server-swapped|load-high|slow-syncs"
# of_the_instance: the rules by which the doctor found something, those of the machine aside.
of_the_instance() { grep -oP '^ *\(\K[a-z-]+(?=\)$)' | grep -vxE "$OF_THE_MACHINE" | sort -u; }

# health_is ok|down [OPTION]...: the word and the exit code of it, and no problem but the machine's (data in memory, a full disk), which alone make "ok" "critical".
health_is() {
    local word=$1 problems
    local -A exits=([ok]=0 [critical]=6 [down]=4)
    shift
    run --separate-stderr rdb-diag health --home "$HOME_DIR" --json "$@"
    problems=$(jq -r '.problems[].rule' <<<"$output")
    [ -z "$problems" ] || [ "$word" = down ] || word=critical
    [ "$(jq -r .status <<<"$output")" = "$word" ] && [ -z "$(grep -vxE "$OF_THE_MACHINE" <<<"$problems")" ] || { echo "$output"; return 1; }
    run "-${exits[$word]}" --separate-stderr rdb-diag health --home "$HOME_DIR" "$@"
    [ "${lines[-1]}" = "$word" ]
}

@test "rdb-diag: mistakes on the command line exit 2 and leave stdout empty" {
    run -2 --separate-stderr rdb-diag
    [ -z "$output" ]
    run -2 --separate-stderr rdb-diag docter --home "$HOME_DIR"
    [[ "$stderr" == *'did you mean "doctor"'* ]]
    run -2 rdb-diag why tired --home "$HOME_DIR"
    run -2 rdb-diag bundle --home "$HOME_DIR"
    run -2 rdb-diag diff one
    run -4 rdb-diag doctor --home "$HOME_DIR.none"
}

@test "rdb-diag: a fresh instance has no findings, and all rules are judged" {
    start_server
    health_is ok
    run rdb-diag doctor --home "$HOME_DIR" --deadline 120 --json
    echo "$output"
    [ -z "$(jq -r 'select(.rule) | .rule' <<<"$output" | grep -vxE "$OF_THE_MACHINE")" ]
    [ "$(jq -c 'select(.rules) | [.rules == .judged, .not_collected]' <<<"$output")" = "[true,0]" ]
    stop_server
}

@test "rdb-diag: an instance at rest is not opened, and a killed one is told as crashed" {
    health_is down
    health_is ok --files-only
    start_server
    pid=$(cat "$HOME_DIR/run/rustydb.pid")
    kill -9 "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    before=$(sha256sum "$HOME_DIR/data/meta/control")
    run --separate-stderr rdb-diag doctor --home "$HOME_DIR"
    [[ "$status" == @(6|9) && "$output" == *"(crashed)"* && "$stderr" == *"not collected: connection: unreachable"* ]]
    [ "$before" = "$(sha256sum "$HOME_DIR/data/meta/control")" ]
    # both in one file: a finding, what is missing, the count, in the order in which they were written
    rdb-diag doctor --home "$HOME_DIR" >"$BATS_TEST_TMPDIR/both" 2>&1 || [[ $? == @(6|9) ]] # 6: the machine has something critical
    [ "$(grep -oE "\(crashed\)|not collected: connection|rules judged" "$BATS_TEST_TMPDIR/both" | paste -sd' ')" = "(crashed) not collected: connection rules judged" ]
}

@test "rdb-diag: a stopped server costs the deadline and no more, and the files are told" {
    start_server
    held=$(cat "$HOME_DIR/run/rustydb.pid")
    kill -STOP "$held"
    local begun=$SECONDS
    run -9 --separate-stderr rdb-diag bundle --home "$HOME_DIR" --deadline 5 --output "$BATS_TEST_TMPDIR/hung.tar.zst"
    [ $((SECONDS - begun)) -le 60 ]
    [[ "$stderr" == *"connection: timed out"* ]]
    tar --zstd -tf "$BATS_TEST_TMPDIR/hung.tar.zst" | grep -qx facts/control.json
    run -6 rdb-diag doctor --facts "$BATS_TEST_TMPDIR/hung.tar.zst"
    [[ "$output" == *"(server-stopped)"* ]]
    kill -CONT "$held"
    held=
    stop_server
}

@test "rdb-diag: a crash and a deadlock leave incidents, and the doctor tells of the crash" {
    start_server
    sql "create table t (id int primary key, n int); insert into t values (1, 0), (2, 0)"
    for id in 1 2; do in_background "owner$id" "begin \\; update t set n = 1 where id = $id;"; done
    wait_for_answer 2 "select count(*) from pg_stat_activity where state = 'idle in transaction'"
    for id in 1 2; do then_in "owner$id" "update t set n = 1 where id = $((3 - id));"; done
    tells_of_deadlock() { [[ "$(rdb-diag incidents --home "$HOME_DIR")" == *" deadlock "*"waits for "*"blocked by process"* ]]; }
    wait_for tells_of_deadlock
    kill -SEGV "$SERVER_PID"
    wait "$SERVER_PID" || [ $? -eq 139 ]
    SERVER_PID=
    file=$(basename "$HOME_DIR"/diag/*-crash.txt)
    run -0 rdb-diag incidents --home "$HOME_DIR" "$file"
    [[ "$output" == *"reason: SIGSEGV"*"rdb-serve("*"accepting connections"* ]]
    run -6 rdb-diag doctor --home "$HOME_DIR" --files-only
    [[ "$output" == *"(crashes)"* ]]
    start_server
    [ "$(sql "select count(*) from t")" = 2 ]
    stop_server
}

@test "rdb-diag: logs are digested from an instance, files and a pipe, and make a page" {
    start_server
    stop_server
    run -0 rdb-diag logs --home "$HOME_DIR"
    [[ "$output" == *"0 errors"*" 1  info serve: stopped"* ]]
    run -0 rdb-diag logs --home "$HOME_DIR" --json
    while read -r line; do python3 -m json.tool <<<"$line" >/dev/null; done <<<"$output"
    run -0 rdb-diag logs - <"$HOME_DIR/logs/rustydb.log"
    run -0 rdb-diag logs "$HOME_DIR/logs/rustydb.log" --output "$BATS_TEST_TMPDIR/page.html"
    grep -q '<svg' "$BATS_TEST_TMPDIR/page.html"
    run -9 rdb-diag logs "$HOME_DIR/conf/rustydb.toml"
    run -2 rdb-diag logs
    run -1 --separate-stderr rdb-diag logs "$HOME_DIR/none"
    [[ "$stderr" == *none* ]]
}

@test "rdb-diag: why blocked names the session at the root, and what ends it" {
    start_server
    sql "create table t (id int primary key); insert into t values (1)"
    in_background root "begin \\; update t set id = 2;"
    wait_for_answer 1 "select count(*) from pg_stat_activity where state = 'idle in transaction'"
    psql -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "set lock_timeout = '100s'; update t set id = 3" >/dev/null 2>&1 3>&- &
    local waiter=$!
    wait_for_answer t "select count(*) > 0 from pg_locks where not granted and waitstart < now() - interval '1.1 s'"
    backend=$(sql "select pid from pg_stat_activity where state = 'idle in transaction'")
    run -0 rdb-diag top --home "$HOME_DIR" --count 2
    [[ "$output" == *"waiting for locks 1"*"Lock:"*"$backend"*"update t set id = 3"*"commits "*"/s"* ]]
    run -0 rdb-diag why blocked --home "$HOME_DIR" --deadline 120
    [[ "$output" == *"* a session that does nothing holds what others wait for"*"pid $backend: 1 sessions wait"*"select pg_terminate_backend($backend)"* ]]
    sql "select pg_terminate_backend($backend)" >/dev/null
    wait "$waiter"
    stop_server
}

@test "rdb-diag: why blocked names a prepared transaction, which is process 0 to those that wait for it" {
    start_server
    sql "create table p (id int primary key); insert into p values (1)"
    psql -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "begin" -c "update p set id = 2" -c "prepare transaction 'forgotten'"
    psql -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "set lock_timeout = '100s'; update p set id = 3" >/dev/null 2>&1 3>&- &
    local waiter=$!
    wait_for_answer t "select count(*) > 0 from pg_locks where not granted and waitstart < now() - interval '1.1 s'"
    [ "$(sql "select pg_blocking_pids(pid) from pg_locks where not granted")" = "{0}" ]
    run -0 rdb-diag why blocked --home "$HOME_DIR" --deadline 120
    [[ "$output" == *"* a prepared transaction holds what others wait for"*"forgotten: 1 sessions wait"* ]]
    sql "rollback prepared 'forgotten'"
    wait "$waiter"
    stop_server
}

@test "rdb-diag: why names what the log tells: errors of a kind, and servers that refuse" {
    start_server --set server.max_connections=3
    run sql "set statement_timeout = 10; select pg_sleep(5)"
    run sql "set statement_timeout = 10; select pg_sleep(5)"
    run -0 rdb-diag why slow --home "$HOME_DIR" --deadline 120
    [[ "$output" != *"statements are cancelled"* ]]
    run sql "set statement_timeout = 10; select pg_sleep(5)"
    run -0 rdb-diag why slow --home "$HOME_DIR" --deadline 120
    [[ "$output" == *"+ statements are cancelled before they end"*"57014: 3 times, the last at 20"*"canceling statement due to statement timeout"* ]]
    stop_server
    run -9 rdb-diag why slow --home "$HOME_DIR"
    [[ "$output" == *"* no server serves the instance"* ]]
}

# hold_connection N: the N-th of those who are connected and stay. Whoever was there before may be on its way out: it is tried until it is in.
hold_connection() {
    local out="$HOME_DIR.holder$1" pid
    echo "select 'connected';" >"$out.sql"
    for _ in $(seq 200); do
        : >"$out"
        tail -f -n +1 --pid=$$ "$out.sql" 2>/dev/null 3>&- | psql -X -A -t -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >"$out" 2>&1 3>&- &
        pid=$!
        while kill -0 "$pid" 2>/dev/null; do
            grep -q '^connected' "$out" && { HOLDERS="${HOLDERS:-} $pid"; return 0; }
            sleep 0.05
        done
    done
    cat "$out"
    return 1
}

@test "rdb-diag: why names the full house, and what ended it when there is room again" {
    start_server --set server.max_connections=3
    for n in 1 2 3; do hold_connection "$n"; done
    run -9 rdb-diag why slow --home "$HOME_DIR" # nobody gets in while the three stay
    [[ "$output" == *"* every connection is taken"*"server.max_connections: sorry, too many clients already"* ]]
    for pid in $HOLDERS; do kill "$pid"; wait "$pid" || :; done
    hold_connection 4 # there is room again
    wait_for_answer 2 "select count(*) from pg_stat_activity where backend_type = 'client backend'" # it and who asks
    run -0 rdb-diag why slow --home "$HOME_DIR" --deadline 120
    [[ "$output" != *"every connection is taken"* && "$output" == *"+ connections were refused for want of places"*"53300: "* ]]
    for pid in $HOLDERS; do kill "$pid" 2>/dev/null || :; done
    stop_server
}

@test "rdb-diag: a busy instance that is well gives no cause that is not true, and no finding" {
    start_server
    local connect=(-h "$HOME_DIR/run/sockets" -p "$PORT" -U admin)
    "$(find_pgbench)" "${connect[@]}" -i -q -s 2 rustydb >/dev/null 2>&1
    sql "create table copied (id int, a text); create index copied_id on copied (id)"
    sql "alter table pgbench_history add column n bigserial primary key" # however many rows it gets
    sql "vacuum analyze"
    run rdb-diag doctor --home "$HOME_DIR" --deadline 120
    [[ "$output" == *" rules judged" && "$output" != *"not collected"* && -z "$(of_the_instance <<<"$output")" ]]
    "$(find_pgbench)" "${connect[@]}" -n -c 8 -j 2 -T 600 rustydb >"$HOME_DIR.bench" 2>&1 3>&- &
    local jobs=($!)
    (
        for n in 1 2 3; do
            sql "copy (select i, repeat('x', 50) from generate_series(1, 5000) i) to '$HOME_DIR.copy'"
            sql "copy copied from '$HOME_DIR.copy'"
            sql "create index concurrently busy_$n on pgbench_accounts (abalance, aid)"
            sql "vacuum pgbench_accounts"
            sql "reindex index concurrently busy_$n"
            rdb-backup --home "$HOME_DIR" --output "$HOME_DIR.repository"
            sql "drop index concurrently busy_$n"
        done
    ) >"$HOME_DIR.work" 2>&1 3>&- &
    local worker=$!
    while kill -0 "$worker" 2>/dev/null; do
        for question in slow blocked full waiting; do
            run rdb-diag why "$question" --home "$HOME_DIR" --deadline 120
            [ "$status" -eq 0 ] || [[ "$status" -eq 9 && "$output" == *"not collected: "* ]] # what has a lock for more than a second is passed by
            echo "$output" >>"$HOME_DIR.said"
        done
        run rdb-diag doctor --home "$HOME_DIR"
        echo "$output" >>"$HOME_DIR.doctor"
    done
    wait "$worker"
    kill "${jobs[@]}"
    wait "${jobs[@]}" || :
    # what a slow machine may make true is not asked: its disk, its processors, a lock that is waited for a second, times that are far apart
    ! grep -hE -A2 "does nothing|prepared transaction|is stopped|connection is taken|no server|refused|cancelled|collide|give up|deadlock|no room|no memory|given up|old versions are kept|archiving fails|client does not take|read whole" "$HOME_DIR.said" >"$HOME_DIR.untrue" || { head -20 "$HOME_DIR.untrue" >&2; false; }
    for finding in $(of_the_instance <"$HOME_DIR.doctor"); do
        [ "$finding" = statistics-stale ] || { grep -B3 "($finding)" "$HOME_DIR.doctor" | head -8 >&2; false; }
    done
    stop_server
}

@test "rdb-diag: a bundle holds no name, statement or password of a user, and two of them can be compared" {
    start_server
    sql "create table canary_table (canary_column text); create role canary_role password 'canary_password'; insert into canary_table values ('canary_value')"
    sql "create index canary_index on canary_table (canary_column)"
    run -0 rdb-diag bundle --home "$HOME_DIR" --output "$BATS_TEST_TMPDIR/one.tar.zst"
    mkdir "$BATS_TEST_TMPDIR/one"
    tar --zstd -xf "$BATS_TEST_TMPDIR/one.tar.zst" -C "$BATS_TEST_TMPDIR/one"
    [ -n "$(find "$BATS_TEST_TMPDIR/one" -name README.txt -newermt "10 minutes ago")" ] # the members carry the time
    run -1 grep -r canary "$BATS_TEST_TMPDIR/one"
    run -1 grep -rF "$HOME_DIR" "$BATS_TEST_TMPDIR/one"
    run -1 grep -rF "$(hostname)" "$BATS_TEST_TMPDIR/one"
    for file in "$BATS_TEST_TMPDIR/one"/facts/*.json; do python3 -m json.tool "$file" >/dev/null; done
    rdb-diag bundle --home "$HOME_DIR" --preview 2>/dev/null | grep -q '^== facts/relation.json'
    sql "drop index canary_index"
    run -0 rdb-diag bundle --home "$HOME_DIR" --output "$BATS_TEST_TMPDIR/two.tar.zst"
    run -0 rdb-diag diff "$BATS_TEST_TMPDIR/one.tar.zst" "$BATS_TEST_TMPDIR/two.tar.zst"
    [[ "$output" == *"an index is gone"* ]]
    run -1 --separate-stderr rdb-diag diff "$BATS_TEST_TMPDIR/one.tar.zst" "$HOME_DIR/conf/rustydb.toml"
    [ -n "$stderr" ]
    stop_server
}
