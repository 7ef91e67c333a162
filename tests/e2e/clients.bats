#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    start_server
}
teardown() { remove_home; }

@test "clients: psycopg2" {
    run -0 timeout 60 /usr/bin/python3 "$BATS_TEST_DIRNAME/clients.py" "$HOME_DIR/run/sockets" "$PORT"
    [[ "$output" == *"checks"* ]]
}

@test "clients: psql's backslash commands" {
    sql "create table t (a int primary key, b text not null default 'x', c numeric(10,2))"
    sql "create index t_b on t (b)"
    run -0 psql -X -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c '\d t'
    echo "$output"
    [[ "$output" == *'Table "public.t"'* && "$output" == *"not null"* && "$output" == *"t_pkey"*"PRIMARY KEY, btree (a)"* && "$output" == *"t_b"*"btree (b)"* ]]
    for command in '\dt+' '\di' '\l' '\du' '\dn' '\d' '\df lower' '\dv'; do
        run -0 psql -X -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "$command"
        [[ "$output" != *ERROR* ]]
    done
}
