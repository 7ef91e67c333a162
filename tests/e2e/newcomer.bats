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
    for _ in $(seq 100); do
        follow rdb-audit "DROP TABLE" >"$WORK/found" 2>/dev/null && grep -q "drop table orders" "$WORK/found" && break
        sleep 0.1
    done
    cat "$WORK/found"
    grep -q "orders" "$WORK/found"
}

@test "a newcomer asks: why is it slow now?" {
    sql "create table orders (n int)"
    "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "begin" -c "lock table orders" -c "select pg_sleep(60)" >/dev/null 2>&1 &
    local holder=$!
    sleep 1
    "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "select * from orders" >/dev/null 2>&1 &
    local waiter=$!
    sleep 3
    run follow rdb-diag "why slow"
    kill "$holder" "$waiter"
    wait "$holder" "$waiter" || :
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
    follow rdb-backup "--home"
    run -0 --separate-stderr follow rdb-backup "list"
    echo "$output"
    [[ $output == *"$(date -u +%Y%m%dT)"* || $output == *"$(date -u +%Y-%m-%d)"* ]]
}

@test "a newcomer collects a bundle for support" {
    follow rdb-diag "bundle"
    zstd -dcq "$WORK/db.tar.zst" | tar -t | grep -q index.json
    follow rdb-diag "doctor" >/dev/null || [ $? -eq 9 ]
}
