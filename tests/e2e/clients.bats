#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Stock clients, unchanged. Each program of tests/clients checks answers against values, ends with how many it checked, and gives the
# same on PostgreSQL 15.
load helper
load ../clients/peers
setup_file() {
    load helper
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    start_server
    export HOME_DIR PORT SERVER_PID
}
teardown_file() { remove_home; }
password() { cat "$HOME_DIR/conf/secrets/auth/admin.password"; }
psql_here() { psql -X -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb "$@"; }

@test "clients: psycopg2" {
    run -0 timeout 500 /usr/bin/python3 "$TOP/tests/e2e/clients.py" "$HOME_DIR/run/sockets" "$PORT"
    [[ "$output" == *"checks"* ]]
}

@test "clients: psycopg 3 by socket, SCRAM and verified TLS; binary, pipelined, COPY by rows, cursors" {
    run -0 timeout 500 /usr/bin/python3 "$TOP/tests/clients/psycopg3.py" 127.0.0.1 "$PORT" "$HOME_DIR/run/sockets" "$(password)" "$HOME_DIR/conf/secrets/tls/ca.crt"
    echo "$output"
    [[ "$output" == *"checks"* ]]
}

@test "clients: node-postgres by socket, SCRAM and verified TLS; prepared, pipelined, cursors, pools" {
    need_npm $NPM_PEERS
    run -0 timeout 500 node "$TOP/tests/clients/node_postgres.js" 127.0.0.1 "$PORT" "$HOME_DIR/run/sockets" "$(password)"
    echo "$output"
    [[ "$output" == *"checks"* ]]
}

@test "clients: JDBC by SCRAM and verified TLS; types in text and binary, batches, keys, portions, metadata, COPY, cancel" {
    run -0 timeout 500 java -cp /usr/share/java/postgresql.jar "$TOP/tests/clients/Jdbc.java" localhost "$PORT" "$(password)" "$HOME_DIR/conf/secrets/tls/ca.crt" metadata
    echo "$output"
    [[ "$output" == *"checks"* ]]
}

@test "clients: psql's backslash commands" {
    sql "create table t (a int primary key, b text not null default 'x', c numeric(10,2))"
    sql "create index t_b on t (b)"
    run -0 psql_here -c '\d t'
    echo "$output"
    [[ "$output" == *'Table "public.t"'* && "$output" == *"not null"* && "$output" == *"t_pkey"*"PRIMARY KEY, btree (a)"* && "$output" == *"t_b"*"btree (b)"* ]]
    for command in '\dt+' '\di+' '\ds+' '\dv' '\l' '\du' '\dg+' '\dn+' '\d' '\d+' '\df lower' '\df+ lower' '\do+ =' '\dT+' '\dC int4' '\da sum' '\dc' '\dd' '\ddp' '\dp' \
        '\dD' '\dF' '\dL' '\dP' '\drds' '\dRp' '\dRs' '\dx' '\dy' '\dA' '\dAc' '\dAf' '\dE' '\dm' '\dX' '\dtS+' '\diS+' '\dfS' '\dvS'; do
        run -0 psql_here -c "$command"
        echo "$command: $output"
        [[ "$output" != *ERROR* ]]
    done
}

@test "clients: psql's \\copy, \\watch, \\gexec, \\gset, and its tab completion" {
    printf '1,one\n2,"two, three"\n' >"$BATS_TEST_TMPDIR/in.csv"
    sql "create table copied_table (a int, b text)"
    run -0 psql_here -q -A -t -v ON_ERROR_STOP=1 <<SQL
\\copy copied_table from '$BATS_TEST_TMPDIR/in.csv' csv
\\copy (select b, a from copied_table order by a) to '$BATS_TEST_TMPDIR/out.csv' csv
select count(*) as n from copied_table \\gset
select :n + 1, :'n';
select format('select %s', a) from copied_table order by a \\gexec
\\set ECHO none
SQL
    [ "$output" = $'3|2\n1\n2' ]
    [ "$(cat "$BATS_TEST_TMPDIR/out.csv")" = $'one,1\n"two, three",2' ]
    psql -X -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -A -t <<<'select 7 as seven \watch 0.2' >"$BATS_TEST_TMPDIR/watched" 3>&- &
    local watcher=$!
    thrice() { [ "$(grep -c '^7$' "$BATS_TEST_TMPDIR/watched")" -ge 3 ]; }
    wait_for thrice
    kill "$watcher"
    ends_with 143 wait "$watcher"
    run -0 env HOME="$BATS_TEST_TMPDIR" TERM=xterm PSQL_PAGER= timeout 500 script -qec "psql -X -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb" /dev/null \
        < <(sleep 1; printf 'select a from copied_ta\twhere a = 2;\n'; sleep 1; printf 'alter table copied_table drop colu\t'; sleep 1; printf 'b\t;\n'; sleep 1; printf '\\q\n'; sleep 0.5)
    echo "$output"
    [[ "$output" == *"copied_table where a = 2;"* && "$output" == *"(1 row)"* && "$output" == *"drop column"*"ALTER TABLE"* ]]
}
