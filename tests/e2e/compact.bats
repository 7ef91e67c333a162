#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Compaction: the file gets small while others work, nothing is lost, and a server that dies in the middle leaves nothing behind.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    steady
    start_server
}
teardown() { remove_home; }
# so many rows, of which six in ten go; accounts, whose sum is always the same, lie among them
load_table() {
    sql "create table t (id int primary key, k int, v int, a text)"
    sql "create index t_k on t (k)"
    sql "create index t_part on t ((v + 1)) where k < 10"
    sql "insert into t select i, i % 100, 100, repeat('x', 40 + i % 90) from generate_series(1, $1) i"
    sql "delete from t where id % 10 < 6"
}
blocks() { sql "select pg_relation_size('t') / 4096"; }
sum_of() { sql "select count(*), sum(id::bigint), sum(v) from t"; }

@test "compact: the file shrinks to what lives, by heap, index and large values, and nothing else changes" {
    load_table 30000
    sql "create table big (id int primary key, a text)"
    sql "insert into big select i, (select string_agg(md5((i * j)::text), '') from generate_series(1, 300) j) from generate_series(1, 120) i"
    sql "delete from big where id <= 80"
    before=$(blocks) sums=$(sum_of) big=$(sql "select sum(hashtext(a)) from big")
    big_before=$(sql "select pg_relation_size('big')")
    run -0 --separate-stderr rdb-vacuum compact --home "$HOME_DIR" --json rustydb
    [[ "$output" == *'"table":"public.t","command":"compact","bytes_before":'* ]]
    [ "$(blocks)" -lt $((before / 2)) ]
    [ "$(sum_of)" = "$sums" ]
    [ "$(sql "select sum(hashtext(a)) from big")" = "$big" ]
    [ "$(sql "select pg_relation_size('big')")" -lt $((big_before / 2)) ]
    [ "$(sql "set enable_seqscan = off; select count(*) from t where k = 7")" = 300 ]
    [ "$(sql "set enable_seqscan = off; select count(*) from t where v + 1 = 101 and k < 10")" = "$(sql "select count(*) from t where k < 10")" ]
    live=$(rdb-vacuum estimate --home "$HOME_DIR" --json --table t rustydb | grep '"kind":"table"' | sed 's/.*"live_bytes":\([0-9]*\).*/\1/')
    [ $((live * 11 / 10 + 4 * 4096)) -ge "$(sql "select pg_relation_size('t')")" ] # in one go
    run -0 rdb-vacuum verify --home "$HOME_DIR" rustydb
    kill_server
    start_server
    [ "$(sum_of)" = "$sums" ]
}

@test "compact: indexes shrink to what lives, whatever their method, and go on serving" {
    load_table 0
    sql "create index t_hash on t using hash (id)"
    sql "create index t_words on t using gin ((string_to_array(a, 'xx')))"
    sql "insert into t select i, i % 100, 100, repeat(i::text, 9) from generate_series(1, 30000) i"
    sql "delete from t where id % 10 < 6"
    sql "create table big (k text primary key)" # long keys, whose pages stay
    sql "insert into big select repeat('k', 1200) || i from generate_series(1, 300) i"
    sql "delete from big where k not like '%7'"
    before=$(sql "select string_agg(pg_relation_size(indexrelid)::text, ' ' order by indexrelid::regclass::text) from pg_index where indrelid = 't'::regclass")
    run -0 --separate-stderr rdb-vacuum compact --home "$HOME_DIR" --json rustydb
    [[ "$output" == *'"table":"public.t","command":"compact",'*'"index_bytes_before":'*'"index_bytes_after":'* ]]
    after=$(sql "select string_agg(pg_relation_size(indexrelid)::text, ' ' order by indexrelid::regclass::text) from pg_index where indrelid = 't'::regclass")
    read -ra was <<<"$before"
    read -ra is <<<"$after"
    for i in "${!was[@]}"; do [ "${is[i]}" -lt $((was[i] * 6 / 10)) ] || { echo "$before" "$after" >&2; false; }; done
    run -0 rdb-vacuum verify --home "$HOME_DIR" rustydb
    [ "$(sql "set enable_seqscan = off; select count(*) from t where k = 7")" = 300 ]
    [ "$(sql "set enable_seqscan = off; select count(*) from big where k like 'k%7'")" = 30 ]
    sql "insert into t select i, i % 100, 100, 'y' from generate_series(30001, 60000) i"
    run -0 rdb-vacuum verify --home "$HOME_DIR" rustydb
}

@test "compact: estimate tells what a count of the bytes tells" {
    load_table 20000
    sql "vacuum t"
    counted=$(sql "select sum(pg_column_size(t.*)) from t")
    live=$(rdb-vacuum estimate --home "$HOME_DIR" --json --table t rustydb | grep '"kind":"table"' | sed 's/.*"live_bytes":\([0-9]*\).*/\1/')
    [ "$live" -gt $((counted / 2)) ] && [ "$live" -lt $((counted * 2)) ]
    sql "delete from t"
    sql "vacuum t"
    run -0 rdb-vacuum estimate --home "$HOME_DIR" --json --table t rustydb
    [[ "$output" == *'"kind":"table","file_bytes":'*'"live_bytes":0,"dead_bytes":0,'* ]]
}

# Moves between accounts until told to stop; what fails is tried again.
move_money() {
    local n=$RANDOM
    while [ ! -e "$HOME_DIR.stop" ]; do
        n=$((n * 7 + 13)) a=$(((n % 2000 + 2000) % 2000 * 10 + 6)) b=$(((n / 7 % 2000 + 2000) % 2000 * 10 + 7))
        echo "begin; update t set v = v - 1, a = a || '' where id = $a; update t set v = v + 1, k = (k + 1) % 100 where id = $b; commit;"
    done | "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >>"$HOME_DIR.money" 2>&1
}

@test "compact: money that moves meanwhile is all there in every snapshot; older snapshots see what they saw" {
    load_table 20000
    sums=$(sum_of)
    for _ in 1 2; do move_money & WORKERS+=" $!"; done
    run -0 --separate-stderr rdb-vacuum compact --home "$HOME_DIR" --wait 5 rustydb
    for _ in 1 2 3; do [ "$(sum_of)" = "$sums" ]; sql "update t set a = a || 'y' where id % 3 = 0"; rdb-vacuum compact --home "$HOME_DIR" --wait 5 rustydb; done
    touch "$HOME_DIR.stop"
    wait $WORKERS
    WORKERS=
    [ "$(sum_of)" = "$sums" ]
    grep -vE 'deadlock|^(DETAIL|HINT|CONTEXT)|transaction is aborted' "$HOME_DIR.money" | grep -q ERROR && { cat "$HOME_DIR.money" >&2; return 1; }
    run -0 rdb-vacuum verify --home "$HOME_DIR" rustydb
}

@test "compact: a server that is killed in the middle, again and again, leaves every row and no leftovers" {
    load_table 20000
    sums=$(sum_of)
    for round in 1 2 3 4 5 6; do
        ("$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "vacuum (compact, rate 4000) t" >/dev/null 2>&1 3>&-) &
        local client=$! status=0
        sleep 0.$((RANDOM % 9 + 1))
        kill_server
        wait "$client" || status=$?
        [ "$status" -eq 0 ] || [ "$status" -eq 2 ] # done before, or cut off
        start_server
        [ "$(sum_of)" = "$sums" ]
    done
    run -0 rdb-vacuum compact --home "$HOME_DIR" rustydb
    [ "$(sum_of)" = "$sums" ]
    live=$(rdb-vacuum estimate --home "$HOME_DIR" --json --table t rustydb | grep '"kind":"table"' | sed 's/.*"live_bytes":\([0-9]*\).*/\1/')
    [ $((live * 13 / 10)) -gt "$(sql "select pg_relation_size('t')")" ]
    run -0 rdb-vacuum verify --home "$HOME_DIR" rustydb
}

@test "compact: why names the session that keeps old places, and the command it gives ends it" {
    load_table 5000
    in_background reader "begin isolation level repeatable read;" "select count(*) from t;"
    wait_for_answer t "select query ~ 'count' from pg_stat_activity where state = 'idle in transaction'"
    sql "update t set v = v + 1"
    sql "begin; insert into t values (0, 0, 0, ''); prepare transaction 'left'"
    run -0 rdb-vacuum why t --home "$HOME_DIR" --json
    [[ "$output" == *'"kind":"session","who":"pid '*'idle in transaction'* && "$output" == *"rollback prepared 'left'"* ]]
    fix=$(grep '"kind":"session"' <<<"$output" | sed 's/.*"fix":"\([^"]*\)".*/\1/')
    sql "$fix"
    sql "rollback prepared 'left'"
    is_free() { rdb-vacuum why t --home "$HOME_DIR" | grep -q "nothing holds purge back"; }
    wait_for is_free # once the session has ended
}

@test "compact: several tables at a time, hours of the day, and entries for cron and systemd" {
    for i in 1 2 3 4; do sql "create table part_$i as select * from generate_series(1, 500) id"; done
    run -0 rdb-vacuum vacuum --home "$HOME_DIR" --jobs 3 --json --table 'part_*' rustydb
    [ "$(grep -c '"command":"vacuum"' <<<"$output")" = 4 ]
    [ "$(sql "select count(*) from pg_stat_user_tables where relname like 'part_%' and last_vacuum is not null")" = 4 ]
    run -2 rdb-vacuum --home "$HOME_DIR" --window 1-2
    run -2 rdb-vacuum --home "$HOME_DIR" --rate 5
    run -2 rdb-vacuum compact --home "$HOME_DIR" --keep-p99 5
    run -2 rdb-vacuum why --home "$HOME_DIR"
    run -0 rdb-vacuum reindex --home "$HOME_DIR" --concurrently rustydb
    run -0 rdb-vacuum checkpoint --home "$HOME_DIR"
    run -0 rdb-vacuum compact --home "$HOME_DIR" --keep-p99 +50% --table part_1 rustydb
    run -0 --separate-stderr rdb-vacuum schedule --home "$HOME_DIR" --at 02:15 --window 02:00-04:00
    [[ "$output" == *"15 2 * * * "*" vacuum --analyze --home "*" --window 02:00-04:00"* && "$output" == *"45 2 * * 0 "*" compact --home "* ]]
    run -0 --separate-stderr rdb-vacuum schedule systemd --home "$HOME_DIR" --install --unit-dir "$HOME_DIR/run"
    ls "$HOME_DIR"/run/rdb-vacuum*-compact.timer
    grep -q 'OnCalendar=\*-\*-\* 03:00:00' "$HOME_DIR"/run/rdb-vacuum*-vacuum.timer
}
