#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Statistics follow the data without anyone's ANALYZE.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    sed -i '/^\[optimizer\]/d' "$HOME_DIR/conf/rustydb.toml"
    printf '\n[optimizer]\nauto_analyze_interval_ms = 100\n' >>"$HOME_DIR/conf/rustydb.toml"
    start_server
}
teardown() { remove_home; }
soon() { # CONDITION as SQL
    wait_for_answer t "select $1" && return 0
    sql "select relname, n_mod_since_analyze, autoanalyze_count, analyze_count, last_autoanalyze from pg_stat_user_tables"
    return 1
}

@test "autoanalyze: a plan corrects itself after a bulk load" {
    sql "create table t (k int primary key, kind text); insert into t select i, 'common' from generate_series(1, 20) i; analyze t"
    sql "insert into t select i, case when i % 1000 = 0 then 'rare' else 'common' end from generate_series(21, 20000) i"
    soon "autoanalyze_count > 0 and analyze_count = 1 and last_autoanalyze is not null and n_mod_since_analyze = 0 from pg_stat_user_tables"
    soon "reltuples = 20000 from pg_class where relname = 't'"
    [ "$(sql "select reltuples from pg_class where relname = 't'")" = 20000 ]
    [[ "$(sql "explain select * from t where kind = 'rare'")" =~ rows=([0-9]+) ]]
    [ "${BASH_REMATCH[1]}" -lt 100 ]
    [[ "$(sql "explain select * from t where kind = 'common'")" =~ rows=([0-9]+) ]]
    [ "${BASH_REMATCH[1]}" -gt 15000 ]
    before=$(sql "select autoanalyze_count from pg_stat_user_tables")
    sql "update t set kind = kind where k < 100" # less than a tenth
    sleep 0.5
    [ "$(sql "select autoanalyze_count from pg_stat_user_tables")" = "$before" ]
}

@test "autoanalyze: storage parameters of a table, quoted names, other databases; a lock is not waited for" {
    sql "create table \"Odd Name\" (n int); create table off (n int) with (autovacuum_enabled = off); create table late (n int) with (autovacuum_analyze_threshold = 5000)"
    sql "create table held (n int); create temp table local (n int)"
    sql "insert into \"Odd Name\" select generate_series(1, 1000); insert into off select generate_series(1, 1000); insert into late select generate_series(1, 1000)"
    sql "create database other"
    DATABASE=other sql "create table o (n int); insert into o select generate_series(1, 1000)"
    in_background holder "begin;" "lock table held in access exclusive mode;" "insert into held select generate_series(1, 1000);"
    soon "autoanalyze_count > 0 from pg_stat_user_tables where relname = 'Odd Name'"
    DATABASE=other soon "autoanalyze_count > 0 from pg_stat_user_tables where relname = 'o'"
    [ "$(sql "select sum(autoanalyze_count) from pg_stat_user_tables where relname in ('off', 'late', 'held')")" = 0 ]
    then_in holder "commit;"
    sql "insert into held select generate_series(1, 1000)"
    soon "autoanalyze_count > 0 from pg_stat_user_tables where relname = 'held'"
    sql "drop database other" # the server's own session is not in the way
    stop_server
}
