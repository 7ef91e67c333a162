#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Checkpoints as an operator meets them: when they come, how long they take, what the log and the views say of them.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
}
teardown() {
    remove_home
}
log() {
    cat "$HOME_DIR/logs/rustydb.log"
}
# configure LINES of the section wal
configure() {
    printf '[wal]\n%s\n' "$1" >"$HOME_DIR/conf/overrides.d/wal.toml"
}

@test "checkpoint: max_size brings them by volume of log, and data/wal stays near it" {
    configure $'max_size = "32MB"\ncheckpoint_interval_ms = 600000'
    start_server
    [ "$(sql 'show max_wal_size')" = 32MB ]
    sql 'create table t (n int primary key, v text)'
    for i in $(seq 30); do # the second begins when the first has kept step with the log to its end
        sql "insert into t select g, md5(g::text) from generate_series($i * 100000, $i * 100000 + 99999) g"
        [ "$(sql 'select checkpoints_req from pg_stat_bgwriter')" -lt 2 ] || break
    done
    [ "$(sql 'select checkpoints_req from pg_stat_bgwriter')" -ge 2 ]
    [ "$(sql 'select checkpoints_timed from pg_stat_bgwriter')" = 0 ]
    log | grep -q '"checkpoint starting: wal"'
    complete='"checkpoint complete: wrote [0-9]+ buffers \([0-9.]+%\); [0-9]+ WAL file\(s\) added, [0-9]+ removed, [0-9]+ recycled; write=[0-9.]+ s, sync=[0-9.]+ s, total=[0-9.]+ s; sync files=[1-9][0-9]*, longest=[0-9.]+ s, average=[0-9.]+ s; distance=[0-9]+ kB, estimate=[0-9]+ kB; lsn=[0-9A-F]+/[0-9A-F]+, redo lsn=[0-9A-F]+/[0-9A-F]+"'
    wait_for grep -qE "$complete" "$HOME_DIR/logs/rustydb.log"
    sql 'checkpoint'
    # the log that a start needs, what is recycled ahead, the reserve
    [ "$(du -sm "$HOME_DIR/data/wal" | cut -f1)" -le 208 ]
}

@test "checkpoint: the statement is done at once, also while one spreads its writes over minutes" {
    configure $'checkpoint_interval_ms = 20000\ncheckpoint_completion_percent = 100\nmax_size = "10GB"'
    start_server
    sql "create table t (n int primary key, v text); insert into t select g, md5(g::text) from generate_series(1, 20000) g"
    wait_for grep -q 'checkpoint starting: time' "$HOME_DIR/logs/rustydb.log"
    sql 'update t set v = v'
    before=$(date +%s%N)
    sql 'checkpoint'
    [ $((($(date +%s%N) - before) / 1000000)) -lt 15000 ]
    log | grep -q 'checkpoint starting: immediate force wait'
    [ "$(log | grep -c 'checkpoint complete')" -ge 2 ]
}

@test "checkpoint: pg_stat_bgwriter and pg_stat_wal tell what was written, by whom, and how long it took" {
    start_server
    sql "create table t (n int primary key, v text)"
    before=$(sql 'select buffers_checkpoint, checkpoints_req from pg_stat_bgwriter')
    sql "insert into t select g, md5(g::text) from generate_series(1, 20000) g"
    sql 'checkpoint'
    [ "$(sql "select buffers_checkpoint - ${before%|*} >= 100 and checkpoints_req = ${before#*|} + 1 and checkpoint_write_time > 0 and checkpoint_sync_time > 0 from pg_stat_bgwriter")" = t ]
    [ "$(sql 'select stats_reset = pg_postmaster_start_time() from pg_stat_bgwriter')" = t ]
    # far more pages than the pool has: the cleaner and those who need frames write them
    sql "insert into t select g, repeat(md5(g::text), 20) from generate_series(20001, 180000) g"
    [ "$(sql 'select buffers_clean + buffers_backend > 1000 and buffers_alloc > 10000 from pg_stat_bgwriter')" = t ]
    [ "$(sql 'select wal_records > 1000 and wal_bytes > 1000000 and wal_write > 0 and wal_sync > 0 and wal_write_time > 0 and wal_sync_time > 0 and stats_reset is not null from pg_stat_wal')" = t ]
}

@test "checkpoint: a reload changes the pace" {
    start_server
    [ "$(sql 'show max_wal_size')|$(sql 'show checkpoint_timeout')|$(sql 'show checkpoint_completion_target')" = "1GB|1min|0.9" ]
    configure $'max_size = "4GB"\ncheckpoint_interval_ms = 120000\ncheckpoint_completion_percent = 50'
    rdb-serve --home "$HOME_DIR" --reload
    wait_for_answer 4GB 'show max_wal_size'
    [ "$(sql 'show max_wal_size')|$(sql 'show checkpoint_timeout')|$(sql 'show checkpoint_completion_target')" = "4GB|2min|0.5" ]
}
