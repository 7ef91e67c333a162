#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rdb-diag salvage: what is whole in a damaged instance is in the new one, what is not is listed. The random damages are those of
# tests/random/salvage; tests/long tries many.
load helper
setup() {
    make_home
}
teardown() {
    remove_home
}

@test "rdb-diag salvage: rows around random damages come through, others are listed" {
    BIN_DIR=$BIN "$TOP/tests/random/salvage" --count 4 --seed 7
}

@test "rdb-diag salvage: one row's page, both control copies and all of the log" {
    rdb-init --home "$HOME_DIR" --insecure --tune small >/dev/null
    rdb-cli --home "$HOME_DIR" --command "create table t (id int primary key, a text); insert into t select i, repeat('x', 100) from generate_series(1, 1000) i" >/dev/null
    file=$(rdb-cli --home "$HOME_DIR" --tuples-only --output unaligned --command "select 'tables/' || plgnumber || '/' || relfilenode from pg_class, rdb_pluggable p, pg_database d where relname = 't' and plgdatabase = d.oid and datname = current_database()")
    printf 'damage' | dd of="$HOME_DIR/data/$file" bs=1 seek=$((3 * 4096 + 2000)) conv=notrunc status=none
    rm "$HOME_DIR/data/meta/control" "$HOME_DIR"/data/wal/*
    run -9 --separate-stderr rdb-diag salvage --home "$HOME_DIR" --output "$HOME_DIR.new"
    [[ $output == *"lost: rustydb: public.t: block 3: "* && $output == *"damaged: meta/control: "* ]]
    [[ $stderr == *"1 losses, 0 doubts"* ]]
    [ "$(rdb-cli --home "$HOME_DIR.new" --tuples-only --output unaligned --command "select count(*) between 950 and 980, count(*) filter (where a = repeat('x', 100)) = count(*) from t")" = "t|t" ]
    [ "$(rdb-cli --home "$HOME_DIR.new" --tuples-only --output unaligned --command "select count(*) from t where id = 1000")" = 1 ]
    rdb-vacuum --home "$HOME_DIR.new" --verify
}

@test "rdb-diag salvage: refuses an instance that is served, and a place that is taken" {
    rdb-init --home "$HOME_DIR" --insecure --tune small >/dev/null
    run --separate-stderr rdb-diag salvage --home "$HOME_DIR" --output "$HOME_DIR"
    [ "$status" -ne 0 ] && [[ $stderr == *"is there already"* ]]
    start_server
    run --separate-stderr rdb-diag salvage --home "$HOME_DIR" --output "$HOME_DIR.new"
    [ "$status" -ne 0 ] && [[ $stderr == *"in use by process"* && ! -e "$HOME_DIR.new" ]]
    run -2 rdb-diag salvage --home "$HOME_DIR"
}
