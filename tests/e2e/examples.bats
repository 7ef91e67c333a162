#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The examples of examples/sql run as they stand, and print what they are there to show.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    start_server
}
teardown() {
    remove_home
}

@test "examples: a partitioned log is routed, pruned and taken apart" {
    run -0 psql_file "$TOP/examples/sql/partitions.sql"
    [[ $output == *"visit_2026_10|744"*"visit_2026_11|720"*"visit_other|37"* ]]
    [[ $output == *"on visit_2026_11"* && $output != *"on visit_other"* ]]
    [[ $output == *$'\n757\n744' ]]
}

@test "examples: words of texts are found, ranked and marked" {
    run -0 psql_file "$TOP/examples/sql/text-search.sql"
    [ "${#lines[@]}" -eq 2 ]
    [[ ${lines[0]} == "Backups|"*"*restored*"* && ${lines[1]} == "Restoring a table|"*"*backup*"* ]]
}

@test "examples: tenants see and write rows of their own" {
    run -0 psql_file "$TOP/examples/sql/row-security.sql"
    [ "$output" = $'lamp|76.00\nchair|85.50\nlamp|40.00\nshop_north|125.50\nshop_south|76.00' ]
}

@test "examples: a lost table comes back, and last night's backup answers" {
    run -0 --separate-stderr env PORT="$(free_port)" "$TOP/examples/backup/lost-table.sh" "$(dirname "$HOME_DIR")/lost"
    [[ "$output" == *$'1|lamp\n2|chair\n3|table' ]]
    run -0 --separate-stderr "$TOP/examples/backup/nightly.sh" "$(dirname "$HOME_DIR")/lost/backup" "select count(*) from orders"
    [ "${lines[-1]}" = 2 ]
}

@test "examples: the audit log tells who dropped a table, and it comes back as it was just before" {
    run -0 --separate-stderr env PORT="$(free_port)" "$TOP/examples/audit/just-before.sh" "$(dirname "$HOME_DIR")/dropped"
    [[ "$output" == *"DROP TABLE  committed  orders"*$'1|lamp\n2|chair\n3|table' ]]
}

@test "examples: tables that hold much air are found and compacted, the others left alone" {
    sql "create table airy (id int, a text); insert into airy select i, repeat('x', 100) from generate_series(1, 20000) i; delete from airy where id % 10 < 7"
    sql "create table full_one as select i, repeat('x', 100) as a from generate_series(1, 20000) i"
    sql "vacuum airy"
    before=$(sql "select pg_relation_size('airy')") other=$(sql "select pg_relation_size('full_one')")
    run -0 --separate-stderr "$TOP/examples/vacuum/air.sh" "$HOME_DIR" rustydb
    [[ "$output" == *'"table":"public.airy","command":"compact"'* && "$output" != *full_one* ]]
    [ "$(sql "select pg_relation_size('airy')")" -lt $((before / 2)) ]
    [ "$(sql "select pg_relation_size('full_one')")" = "$other" ]
}

@test "examples: a week of backups, and a clone through a pipe" {
    rdb-cli --home "$HOME_DIR" --user admin --command "create table kept as select 7 as n" >/dev/null
    run -0 --separate-stderr "$TOP/examples/backup/week.sh" "$HOME_DIR" "$(dirname "$HOME_DIR")/backup"
    [[ "$output" == *"drill of backup"*"sound"*"merged"*"0 2 * * 0 "*"OnCalendar=Sun"* ]]
    [ "$(grep -c ' full ' <<<"$(grep -E '^[0-9]{8}T' <<<"$output" | tail -1)")" -eq 1 ]
    run -0 --separate-stderr "$TOP/examples/backup/clone.sh" "$HOME_DIR" "$(dirname "$HOME_DIR")/clone"
    [ "$(rdb-cli --home "$(dirname "$HOME_DIR")/clone" --user admin --tuples-only --output unaligned --command 'select n from kept')" = 7 ]
}
