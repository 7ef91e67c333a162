#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rdb-vacuum: VACUUM and ANALYZE from the command line, and the check of an instance, served or at rest.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
}
teardown() {
    remove_home
}
load_tables() {
    sql "create table t (id int primary key, a text)"
    sql "insert into t select i, 'name ' || i from generate_series(1, 2000) i"
    sql "create table other (n int); insert into other values (1)"
}

@test "rdb-vacuum: an unknown option exits 2, is explained on stderr, and leaves stdout empty" {
    run -2 --separate-stderr rdb-vacuum --no-such-option
    [ -z "$output" ] && [[ "$stderr" == *"rdb-vacuum --help"* ]]
}

@test "rdb-vacuum: options that exclude one another exit 2; no instance and no server exit 4" {
    run -2 rdb-vacuum --home "$HOME_DIR" --verify --full
    run -2 rdb-vacuum --home "$HOME_DIR" --files-only
    run -2 rdb-vacuum
    run -4 rdb-vacuum --home "$HOME_DIR.none" --verify
    run -4 rdb-vacuum --host "$HOME_DIR" --port 1
}

@test "rdb-vacuum: vacuums and analyses through the server: all databases, one, or tables by pattern" {
    start_server
    load_tables
    run -0 --separate-stderr rdb-vacuum --home "$HOME_DIR" --json
    [[ "$output" == *'"database":"rustydb"'* && "$output" == *'"database":"postgres"'* ]]
    [ "$(sql "select reltuples from pg_class where relname = 't'")" = 2000 ]
    sql "delete from t where id > 1000"
    run -0 --separate-stderr rdb-vacuum --home "$HOME_DIR" --analyze --verbose --table 'o*' --table public.t rustydb
    [[ "$stderr" == *'analyzing "public.t"'* && "$stderr" == *'analyzing "public.other"'* && -z "$output" ]]
    [ "$(sql "select count(*) from pg_stats where tablename = 't'")" = 2 ]
    before=$(sql "select pg_relation_filenode('t')")
    run -0 rdb-vacuum --home "$HOME_DIR" --full --table t rustydb
    [ "$(sql "select pg_relation_filenode('t')")" != "$before" ]
    run -4 rdb-vacuum --home "$HOME_DIR" none_such
    [[ "$output" == *'database "none_such" does not exist'* ]]
    stop_server
}

@test "rdb-vacuum: --verify finds nothing in a sound instance: served, stopped, killed, and changes nothing" {
    start_server
    load_tables
    run -0 --separate-stderr rdb-vacuum --home "$HOME_DIR" --verify
    [ -z "$output" ] && [[ "$stderr" == *"no damage found"* ]]
    run -8 rdb-vacuum --home "$HOME_DIR" --verify --files-only
    sql "update t set a = a || '.' where id % 2 = 0"
    kill_server
    run -0 --separate-stderr rdb-vacuum --home "$HOME_DIR" --verify --verbose
    [[ "$stderr" == *"recovering it first"*"no damage found"* ]]
    run -0 --separate-stderr rdb-vacuum --home "$HOME_DIR" --verify --json --table t rustydb
    [[ "$output" == *'"findings":0,"tables":1,'* ]]
    sums=$(cd "$HOME_DIR/data" && find tables indexes undo xact wal -type f | sort | xargs sha256sum)
    run -0 rdb-vacuum --home "$HOME_DIR" --verify --files-only
    [ "$sums" = "$(cd "$HOME_DIR/data" && find tables indexes undo xact wal -type f | sort | xargs sha256sum)" ]
}

@test "rdb-vacuum: --verify names damage by relation and block, and exits 6" {
    start_server
    load_tables
    table=$(sql "select 'tables/' || plgnumber || '/' || pg_relation_filenode('t') from rdb_pluggable, pg_database d where plgdatabase = d.oid and datname = current_database()")
    index=$(sql "select 'indexes/' || plgnumber || '/' || pg_relation_filenode('t_pkey') from rdb_pluggable, pg_database d where plgdatabase = d.oid and datname = current_database()")
    stop_server
    printf 'X' | dd of="$HOME_DIR/data/$table" bs=1 seek=$((3 * 4096 + 100)) conv=notrunc status=none
    printf 'X' | dd of="$HOME_DIR/data/$index" bs=1 seek=$((2 * 4096 + 4000)) conv=notrunc status=none
    run -6 --separate-stderr rdb-vacuum --home "$HOME_DIR" --verify --files-only
    [[ "$output" == *"$table: block 3: Its checksum does not match"* && "$output" == *"$index: block 2: Its checksum does not match"* ]]
    [ "$(wc -l <<<"$output")" -eq 2 ]
    run -6 --separate-stderr rdb-vacuum --home "$HOME_DIR" --verify rustydb
    [[ "$output" == *"rustydb: t: block 3: "* && "$output" == *"rustydb: t_pkey: block 2: "* ]]
    start_server # under a server too
    run -6 --separate-stderr rdb-vacuum --home "$HOME_DIR" --verify --json rustydb
    [[ "$output" == *'{"database":"rustydb","relation":"t","block":3,"problem":"'* ]]
    [[ "$output" == *"{\"database\":\"rustydb\",\"relation\":\"t_pkey\",\"file\":\"$index\",\"block\":2,\"problem\":\"Its checksum does not match\"}"* ]]
    stop_server
}

@test "rdb-vacuum: single damaged bytes anywhere in the files are found and named" {
    BIN_DIR=$BIN "$TOP/tests/random/damage" --count 300 --open 2
}
