#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Five things that someone new to it wants to know, each by the first example of a man page that is about it, taken from the page as it
# stands, but for the places.
load helper

setup() {
    make_home
    WORK=$(dirname "$HOME_DIR")
    rdb-init --home "$HOME_DIR" --insecure --tune small >/dev/null
    printf "[security.audit]\nenable = true\n[metrics]\nenabled = false\n" >"$HOME_DIR/conf/overrides.d/50-audit.toml"
    start_server
}

teardown() {
    remove_home
}

# example PAGE WORDS: the page's first example with these words.
example() {
    sed -n '/^\.SH EXAMPLES/,/^\.fi/p' "$TOP/man/$1.1" | grep -m 1 -F -- "$2" | sed -E "s/\\\\//g; s/ +#.*//; s|/srv/db|$HOME_DIR|g; s|/backup/db|$WORK/backup|g; s|db\\.tar|$WORK/db.tar|g"
}

# follow PAGE WORDS: runs it in a shell.
follow() {
    local command
    command=$(example "$1" "$2")
    [ -n "$command" ]
    bash -c "$command"
}

@test "a newcomer asks: who dropped the table?" {
    sql "create role clerk login; grant create on schema public to clerk"
    "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "set role clerk" -c "create table orders (n int)" -c "drop table orders"
    finds_it() { follow rdb-audit "DROP TABLE" 2>/dev/null | grep "drop table orders"; }
    wait_for finds_it
}

@test "a newcomer asks: why is it slow now?" {
    sql "create table orders (n int)"
    in_background holder "begin;" "lock table orders;" "select pg_sleep(100);"
    wait_for_answer PgSleep "select wait_event from pg_stat_activity where application_name = 'holder'"
    in_background waiter "select * from orders;"
    wait_for_answer t "select waitstart < now() - interval '3 s' from pg_locks where not granted"
    run follow rdb-diag "why slow"
    echo "$output"
    [[ $output == *lock* && $output == *"do: "* ]]
}

@test "a newcomer asks: what is bloated?" {
    sql "create table orders (n int, v text); insert into orders select i, repeat('x', 200) from generate_series(1, 20000) i; delete from orders where n > 1000; create table lean as select i, repeat('x', 200) as v from generate_series(1, 5000) i"
    run -0 --separate-stderr follow rdb-vacuum "estimate"
    echo "$output"
    [[ $output == *orders* && $output != *lean* ]]
}

@test "a newcomer asks: is the backup fresh?" {
    local before
    before=$(date -u +%Y%m%dT; date -u +%Y-%m-%d)
    follow rdb-backup "--home"
    run -0 --separate-stderr follow rdb-backup "list"
    echo "$output"
    grep -qF "$before" <<<"$output" || grep -qF "$(date -u +%Y%m%dT; date -u +%Y-%m-%d)" <<<"$output" # midnight may have come
}

@test "a newcomer collects a bundle for support" {
    follow rdb-diag "bundle"
    zstd -dcq "$WORK/db.tar.zst" | tar -t | grep -q index.json
    follow rdb-diag "doctor" >/dev/null || [ $? -eq 9 ]
}
