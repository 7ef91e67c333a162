#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load helper
setup_file() {
    load helper
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    start_server
    export HOME_DIR PORT SERVER_PID
}
teardown_file() { remove_home; }
cli() { rdb-cli --home "$HOME_DIR" "$@"; }

@test "rdb-cli: an unknown option exits 2, is explained on stderr, and leaves stdout empty" {
    run -2 --separate-stderr rdb-cli --no-such-option
    [ -z "$output" ] && [[ "$stderr" == *"rdb-cli --help"* ]]
}

@test "rdb-cli: no server named is a usage error" {
    run -2 env -u RUSTYDB_HOME -u PGHOST rdb-cli -c 'select 1'
    [[ "$output" == *"--home DIR"* ]]
}

@test "rdb-cli: a directory that is no instance exits 4 with what to do" {
    idle=$(mktemp -d /tmp/rdb.XXXXXX)
    run -4 rdb-cli --home "$idle" -c 'select 1'
    rm -rf "$idle"
    [[ "$output" == *"is not an instance"* && "$output" == *"rdb-init --home $idle"* ]]
}

@test "rdb-cli: an instance without a server is opened for the shell alone, and closed after it" {
    idle=$(mktemp -d /tmp/rdb.XXXXXX)
    rdb-init --home "$idle/i" --tune small >/dev/null
    run -0 rdb-cli --home "$idle/i" -t -o csv -c 'create table kept (a int)' -c 'insert into kept values (41)' -c 'select a + 1 from kept' -c '\c postgres' -c 'select current_database()'
    [ "$output" = $'42\npostgres' ]
    run -4 rdb-serve --home "$idle/i" --status
    run -0 rdb-cli --home "$idle/i" -t -o csv -c '\conninfo' -c 'select count(*) from kept'
    [[ "$output" == *embedded*$'\n1' ]]
    run -4 rdb-cli --home "$idle/i" -d nowhere -c 'select 1'
    [[ "$output" == *'database "nowhere" does not exist'* ]]
    # a second one at the same time is told who has it
    rdb-cli --home "$idle/i" -c "select 'begun'" -c 'select pg_sleep(100)' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    client=$!
    wait_for grep -q begun "$BATS_TEST_TMPDIR/out"
    run -8 rdb-cli --home "$idle/i" -c 'select 1'
    [[ "$output" == *"in use"* || "$output" == *"locked"* || "$output" == *"PID"* ]]
    kill -INT "$client"
    status=0
    wait "$client" || status=$?
    [ "$status" -eq 130 ] && grep -q 'ERROR 57014' "$BATS_TEST_TMPDIR/out"
    run -4 rdb-serve --home "$idle/i" --status
    rm -rf "$idle"
}

@test "rdb-cli: \\g, \\gx, \\gset, \\gexec and variables" {
    printf '%s\n' '\output unaligned' '\t' "\\set who 'it''s'" "select :'who', 3 as n \\gset" 'select :n + 1, 1::int;' '\g' "select 'select ' || g from generate_series(7, 8) g \\gexec" \
        "select 'a:n', \$\$:n\$\$, 1 -- :n" ';' "select 5 as five \\g $BATS_TEST_TMPDIR/g.out" 'select 6 as six \gx' >"$BATS_TEST_TMPDIR/v.sql"
    run -0 cli -f "$BATS_TEST_TMPDIR/v.sql"
    [ "$output" = $'4|1\n4|1\n7\n8\na:n|:n|1\nsix | 6' ]
    [ "$(cat "$BATS_TEST_TMPDIR/g.out")" = 5 ]
    run -0 cli -t -o csv -v limit=2 -c 'select g from generate_series(1, 9) g limit :limit'
    [ "$output" = $'1\n2' ]
    run -7 cli -c 'select 1 where false \gset'
    [[ "$output" == *"no rows returned"* ]]
}

@test "rdb-cli: \\copy reads and writes files and programs of this side" {
    cli -c 'create table cli_file (a int, b text)'
    printf '1,x\n2,"y, z"\n' >"$BATS_TEST_TMPDIR/in file.csv"
    cli -c "\\copy cli_file from '$BATS_TEST_TMPDIR/in file.csv' with (format csv)" -c "\\copy cli_file (a) from program 'seq 3 5'"
    run -0 cli -c "\\copy (select a, b from cli_file where b is not null order by a) to $BATS_TEST_TMPDIR/out.csv csv header" -c '\copy (select count(*) from cli_file) to stdout'
    [[ "$output" == *5 ]]
    [ "$(cat "$BATS_TEST_TMPDIR/out.csv")" = $'a,b\n1,x\n2,"y, z"' ]
    run -7 cli -c '\copy cli_file from /nowhere/at/all'
    [[ "$output" == *"/nowhere/at/all cannot be opened"* ]]
}

@test "rdb-cli: \\watch repeats until it is interrupted" {
    rdb-cli --home "$HOME_DIR" <<<'select 7 as seven \watch 0.1' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    client=$!
    thrice() { [ "$(grep -c seven "$BATS_TEST_TMPDIR/out")" -ge 3 ]; }
    wait_for thrice
    kill -INT "$client"
    wait "$client" || true
}

@test "rdb-cli: tables and records are laid out as psql lays them out" {
    local statements="select 1 as a, 'x' as long_header_name, null as n; select; select 1 where false; select E'a\\nbc' as x, 5 as y, E'q\\nr\\ns' as z;
        select E'tab\\there' as t, E'\\r' as cr, 'é漢' as w; select g, repeat('x', g) from generate_series(1, 3) g; select array[1, 2], true, 1.50; create table laid (a int);
        insert into laid values (1), (2); update laid set a = 3; select * from laid; drop table laid"
    for mode in '' '\x' '\a' '\pset footer off' '\pset null NULL'; do
        printf '%s\n%s;\n' "$mode" "$statements" >"$BATS_TEST_TMPDIR/laid.sql"
        psql -X -q -P pager=off -v QUIET=0 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -f "$BATS_TEST_TMPDIR/laid.sql" |
            grep -vE '^(Expanded display|Output format|Null display|Default footer)' | sed -E 's/ +\+$/ +/' >"$BATS_TEST_TMPDIR/psql.out"
        # psql 15.20 pads records of several lines up to their header, those before it do not
        cli -f "$BATS_TEST_TMPDIR/laid.sql" | sed -E 's/ +\+$/ +/' >"$BATS_TEST_TMPDIR/cli.out"
        diff "$BATS_TEST_TMPDIR/psql.out" "$BATS_TEST_TMPDIR/cli.out"
    done
}

@test "rdb-cli: a table is aligned by characters, numbers to the right, NULL empty, rows counted" {
    run -0 cli -c "select 'é漢' as t, 7 as number, null as n, 'z' as z"
    [ "${lines[0]}" = "  t  | number | n | z " ]
    [ "${lines[1]}" = "-----+--------+---+---" ]
    [ "${lines[2]}" = " é漢 |      7 |   | z" ]
    [ "${lines[3]}" = "(1 row)" ]
}

@test "rdb-cli: a value of several lines goes on below itself" {
    run -0 cli -t -c "select E'a\nbc' as x, 5 as y"
    [ "${lines[0]}" = " a +| 5" ] && [ "${lines[1]}" = " bc |" ]
}

@test "rdb-cli: CSV quotes what must be quoted and tells NULL from an empty text" {
    run -0 cli -o csv -c "select 1 as a, 'x,\"y' as b, null as c, '' as d"
    [ "${lines[0]}" = 'a,b,c,d' ] && [ "${lines[1]}" = '1,"x,""y",,""' ]
}

@test "rdb-cli: JSON is one object a line with numbers, booleans and nulls of its own" {
    run -0 cli -o json -c "select 1.50 as a, 'x\"y' as b, null as c, true as d, 'NaN'::float8 as e"
    [ "$output" = '{"a":1.50,"b":"x\"y","c":null,"d":true,"e":"NaN"}' ]
}

@test "rdb-cli: expanded shows a record's columns below one another" {
    run -0 cli -o expanded -c "select 1 as a, 'two' as bcd"
    [ "${lines[0]}" = '-[ RECORD 1 ]' ] && [ "${lines[1]}" = 'a   | 1' ] && [ "${lines[2]}" = 'bcd | two' ]
}

@test "rdb-cli: a script stops at its first error with file, line, column and SQLSTATE" {
    printf 'select 1 as one;\n/* ; */ select $$;$$,\n   nope;\nselect 3 as three;\n' >"$BATS_TEST_TMPDIR/s.sql"
    run -7 --separate-stderr cli -f "$BATS_TEST_TMPDIR/s.sql"
    [[ "$output" == *one* && "$output" != *three* ]]
    [[ "$stderr" == "$BATS_TEST_TMPDIR/s.sql:3:4: ERROR 42703: "*'column "nope" does not exist'* ]]
}

@test "rdb-cli: commands run in their order, and not after a failed one" {
    run -7 --separate-stderr cli -t -c 'select 10' -c 'select 1/0' -c 'select 30'
    [[ "$output" == *10* && "$output" != *30* && "$stderr" == *"22012"* ]]
}

@test "rdb-cli: semicolons inside quotes, comments and parentheses end nothing" {
    run -0 cli -t -o csv -c "select ';' as a, E'\\';' as b, \$q\$;\$x\$;\$q\$ as c /* ; /* ; */ ; */ -- ;
; select 2"
    [ "${lines[0]}" = ";,';,;\$x\$;" ] && [ "${lines[1]}" = 2 ]
}

@test "rdb-cli: COPY takes stdin, a script's own lines, and gives to stdout" {
    cli -c 'create table cli_copy(a int, b text)'
    printf '1\tx\n2\t\\N\n' | cli -c 'copy cli_copy from stdin'
    printf 'copy cli_copy from stdin;\n3\tz;\n\\.\nselect count(*) from cli_copy;\n' >"$BATS_TEST_TMPDIR/c.sql"
    run -0 cli -t -o csv -f "$BATS_TEST_TMPDIR/c.sql"
    [ "$output" = 3 ]
    run -0 cli -o csv -c 'copy cli_copy to stdout'
    [ "${lines[1]}" = $'2\t\\N' ] && [ "${lines[2]}" = $'3\tz;' ]
}

@test "rdb-cli: a COPY that fails undoes its rows and exits 7" {
    cli -c 'create table cli_bad(a int)'
    run -7 cli -c 'copy cli_bad from stdin' <<<$'1\nx'
    run -0 cli -t -o csv -c 'select count(*) from cli_bad'
    [ "$output" = 0 ]
}

@test "rdb-cli: \\d shows columns, indexes and constraints" {
    cli -c 'create table cli_d(id int primary key, name text not null)'
    run -0 cli -c '\d cli_d'
    [[ "$output" == *"Columns of \"public.cli_d\""* && "$output" == *"not null"* && "$output" == *"cli_d_pkey"* && "$output" == *"PRIMARY KEY (id)"* ]]
    run -0 cli -c '\dt cli_*'
    [[ "$output" == *"cli_d "* ]]
    run -7 cli -c '\d no_such_table'
    [[ "$output" == *'no relation matches "no_such_table"'* ]]
}

@test "rdb-cli: every catalog command answers" {
    cli -c "create view cli_v as select 1 as a" -c "create type cli_mood as enum ('sad', 'ok')" -c "create sequence cli_s" -c "comment on view cli_v is 'said'"
    for command in '\d' '\d+' '\dt' '\dt+' '\di' '\dv+' '\dm' '\ds' '\df lower' '\da sum' '\dT' '\dT cli_mood' '\dD' '\dn' '\du' '\dp' '\dx' '\l' '\d+ cli_v' '\sv cli_v'; do
        run -0 cli -c "$command"
        echo "$command: $output"
        [[ "$output" != *ERROR* ]]
    done
    [[ "$output" == *"CREATE OR REPLACE VIEW cli_v AS"*"SELECT 1 AS a"* ]]
    run -0 cli -c '\dv+ cli_*'
    [[ "$output" == *said* ]]
    run -0 cli -c '\df pg_catalog.lower'
    [[ "$output" == *"text"*"(3 rows)"* ]]
    run -0 cli -c '\dT cli_mood'
    [[ "$output" == *"sad, ok"* ]]
}

@test "rdb-cli: \\l and \\dn list databases and schemas" {
    run -0 cli -t -c '\l' -c '\dn'
    [[ "$output" == *rustydb* && "$output" == *postgres* && "$output" == *public* ]]
}

@test "rdb-cli: \\i, \\o and \\output work from a script" {
    echo 'select 11 as eleven;' >"$BATS_TEST_TMPDIR/inner.sql"
    printf '\\output csv\n\\o %s\n\\i %s\n' "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/inner.sql" >"$BATS_TEST_TMPDIR/outer.sql"
    run -0 cli -f "$BATS_TEST_TMPDIR/outer.sql"
    [ -z "$output" ] && [ "$(cat "$BATS_TEST_TMPDIR/out")" = $'eleven\n11' ]
}

@test "rdb-cli: over TCP the password decides, with TLS and without" {
    password=$(cat "$HOME_DIR/conf/secrets/auth/admin.password")
    for mode in require disable; do
        PGPASSWORD=$password run -0 rdb-cli -h 127.0.0.1 -p "$PORT" --tls "$mode" -t -o csv -c 'select 2'
        [ "$output" = 2 ]
        PGPASSWORD=wrong run -4 rdb-cli -h 127.0.0.1 -p "$PORT" --tls "$mode" -c 'select 2'
        [[ "$output" == *"password authentication failed"* ]]
    done
    run -0 rdb-cli -h 127.0.0.1 -p "$PORT" --password-file "$HOME_DIR/conf/secrets/auth/admin.password" -t -o csv -c 'select 3'
    [ "$output" = 3 ]
}

@test "rdb-cli: is under a megabyte without its debug information" {
    strip -o "$BATS_TEST_TMPDIR/stripped" "$BIN/rdb-cli"
    [ "$(stat -c %s "$BATS_TEST_TMPDIR/stripped")" -lt 1000000 ]
}

@test "rdb-cli: an interrupt cancels the running statement on the server and exits 130" {
    rdb-cli --home "$HOME_DIR" -c 'select count(*) from pg_proc a, pg_proc b, pg_proc c where a.pronargs + b.pronargs + c.pronargs = 1000' \
        >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    client=$!
    wait_for_answer 1 "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_proc a, pg_proc b%' and pid <> pg_backend_pid()"
    kill -INT "$client"
    status=0
    wait "$client" || status=$?
    [ "$status" -eq 130 ]
    grep -q 'ERROR 57014' "$BATS_TEST_TMPDIR/out"
}

@test "rdb-cli: the shell joins lines, completes keywords, and keeps passwords out of its history" {
    run -0 env HOME="$BATS_TEST_TMPDIR" TERM=xterm timeout 500 script -qec "rdb-cli --home $HOME_DIR" /dev/null \
        < <(sleep 0.5; printf 'sel\t40\n+ 2 as answer;\n'; sleep 0.5; printf "select 'password';\n"; sleep 0.5; printf '\\q\n'; sleep 0.5)
    [[ "$output" == *answer* && "$output" == *42* && "$output" == *'?column?'* ]]
    grep -q answer "$BATS_TEST_TMPDIR/.rdb_history"
    ! grep -qi password "$BATS_TEST_TMPDIR/.rdb_history"
}
