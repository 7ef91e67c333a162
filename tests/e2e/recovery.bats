#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Archiving, copies taken from a running server, and recovery of such a copy to a point in time, along timelines.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    ARCHIVE=$(dirname "$HOME_DIR")/archive
    cat >"$HOME_DIR/conf/overrides.d/archive.toml" <<TOML
[wal]
archive_enabled = true
archive_directory = "$ARCHIVE"
archive_partial_ms = 100
TOML
}
teardown() {
    remove_home
}

# take_copy TARGET: a base backup of the running server by plain file copies, page by page while it writes.
take_copy() {
    local target=$1
    mkdir -p "$target"
    "$PSQL" -X -A -t -q -v ON_ERROR_STOP=1 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >"$target.out" 2>"$target.err" <<SQL
select pg_backup_start('a copy', true);
\! cp -a $HOME_DIR/conf $HOME_DIR/share $target/ 2>/dev/null; mkdir -m 700 -p $target/data/wal $target/run/sockets $target/logs $target/tmp $target/cache
\! for f in meta tables indexes undo xact; do cp -a $HOME_DIR/data/\$f $target/data/; done; rm -rf $target/data/meta/control $target/data/meta/changes $target/data/meta/archived
\o $target.label
select labelfile from pg_backup_stop(true);
SQL
    head -c -1 "$target.label" >"$target/data/meta/backup_label"
}
# restore COPY LINES...: starts a server on a fresh copy of COPY that recovers as the lines say; its socket is in $RESTORED.
restore() {
    RESTORED=$1.restored
    rm -rf "$RESTORED"
    cp -a "$1" "$RESTORED"
    printf '%s\n' "restore_directory = '$ARCHIVE'" "${@:2}" >"$RESTORED/data/recovery.conf"
    # The branch goes to an archive of its own, unless a test wants otherwise.
    sed -i "s|^archive_directory.*|archive_directory = \"${BRANCH_ARCHIVE:-$ARCHIVE.branch}\"|" "$RESTORED/conf/overrides.d/archive.toml"
    RESTORED_PORT=$(free_port)
    : >"$RESTORED.out" # what an earlier server said is not taken for this one's word
    rdb-serve --home "$RESTORED" --port "$RESTORED_PORT" >"$RESTORED.out" 2>&1 3>&- &
    RESTORED_PID=$!
    WORKERS="${WORKERS:-} $RESTORED_PID" # ends with the test, however that ends
    wait_for listens_or_ends
    grep -q "Server listening" "$RESTORED.out" && return 0
    wait "$RESTORED_PID"
    return 1
}
listens_or_ends() { grep -q "Server listening" "$RESTORED.out" || is_gone "$RESTORED_PID"; }
end_restored() {
    kill "-${1:-TERM}" "$RESTORED_PID"
    wait "$RESTORED_PID" || [ "${1:-TERM}" = KILL ]
}
restored_sql() {
    "$PSQL" -X -A -t -q -v ON_ERROR_STOP=1 -h "$RESTORED/run/sockets" -p "$RESTORED_PORT" -U admin rustydb -c "$1"
}
# restores_to STATE COPY LINES...: what comes back by that is this state, and the server ends well.
restores_to() {
    restore "${@:2}"
    [ "$(restored_sql "$(state)")" = "$1" ]
    end_restored
}
state() { echo 'select count(*), coalesce(max(n), 0) from moment'; }
wait_archived() { # all that is logged now
    local lsn
    lsn=$(sql 'select pg_switch_wal()')
    wait_for_answer t "select last_archived_wal >= pg_walfile_name('$lsn') from (select substr(last_archived_wal, 9) as last_archived_wal from pg_stat_archiver) a"
}

@test "recovery: a copy taken under load goes to each kind of target, and nothing further" {
    start_server
    sql 'create table moment (n int primary key, filler text)'
    sql "insert into moment select i, repeat('x', 400) from generate_series(1, 5000) i"
    # Changes everywhere while files are copied; every statement keeps the table's sum.
    sql 'create table account (id int primary key, balance int)'
    sql 'insert into account select i, 100 from generate_series(1, 2000) i'
    (for _ in $(seq 400); do echo "begin; update account set balance = balance - 1 where id % 97 = 1; update account set balance = balance + 1 where id % 97 = 2 and id < 2000; delete from account where id = 0; commit;"; done) >"$HOME_DIR.load"
    "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -f "$HOME_DIR.load" >/dev/null 2>&1 3>&- &
    local load=$! copy=$HOME_DIR.copy
    take_copy "$copy"
    wait "$load"
    grep -q 'all required WAL segments have been archived' "$copy.err"
    local sum
    sum=$(sql 'select sum(balance) from account')

    sql 'insert into moment values (10001)'
    local lsn_a scn_a xid_b time_b
    scn_a=$(sql 'select rdb_current_scn()')
    sql "select rdb_create_restore_point('after a')"
    sleep 0.05
    time_b=$(sql 'select now()')
    sleep 0.05
    xid_b=$(sql 'begin; insert into moment values (10002); select pg_current_xact_id(); commit')
    lsn_a=$(sql 'select pg_current_wal_lsn()')
    sql 'insert into moment values (10003)'
    sql 'drop table account'
    wait_archived
    stop_server

    restore "$copy" "recovery_target_name = 'after a'"
    [ "$(restored_sql "$(state)")" = "5001|10001" ]
    [ "$(restored_sql 'select sum(balance) from account')" = "$sum" ]
    [ ! -e "$RESTORED/data/recovery.conf" ] && [ -e "$RESTORED/data/recovery.done" ] && [ ! -e "$RESTORED/data/meta/backup_label" ]
    # It is a whole instance: it takes work, and keeps it over a crash.
    restored_sql 'insert into moment values (20000)'
    end_restored KILL
    : >"$RESTORED.out"
    rdb-serve --home "$RESTORED" --port "$RESTORED_PORT" >"$RESTORED.out" 2>&1 3>&- &
    RESTORED_PID=$!
    wait_for grep -q "Server listening" "$RESTORED.out"
    [ "$(restored_sql "$(state)")" = "5002|20000" ]
    end_restored

    restores_to "5001|10001" "$copy" "recovery_target_scn = '$scn_a'"
    restores_to "5000|5000" "$copy" "recovery_target_scn = '$scn_a'" "recovery_target_inclusive = off"
    restores_to "5001|10001" "$copy" "recovery_target_time = '$time_b'"
    restores_to "5002|10002" "$copy" "recovery_target_xid = '$xid_b'"
    restores_to "5001|10001" "$copy" "recovery_target_xid = '$xid_b'" "recovery_target_inclusive = 'off'"
    restores_to "5002|10002" "$copy" "recovery_target_lsn = '$lsn_a'" "recovery_target_inclusive = 'off'"
    restores_to "5000|5000" "$copy" "recovery_target = 'immediate'"
    restore "$copy" # to the end
    [ "$(restored_sql "$(state)")" = "5003|10003" ]
    [ "$(restored_sql "select count(*) from pg_class where relname = 'account'")" = 0 ]
    end_restored
}

@test "recovery: what cannot be reached is refused, and a copy without its log does not start" {
    start_server
    sql 'create table moment (n int)'
    sql "select rdb_create_restore_point('too early')"
    local copy=$HOME_DIR.copy
    take_copy "$copy"
    sql 'insert into moment values (1)'
    wait_archived
    stop_server
    RESTORED=$copy.restored
    run ! restore "$copy" "recovery_target_name = 'nobody made it'"
    grep -q 'recovery ended before configured recovery target was reached' "$RESTORED.out"
    run ! restore "$copy" "recovery_target_lsn = '0/1000000'" 'recovery_target_inclusive = off'
    grep -q 'requested recovery stop point is before consistent recovery point' "$RESTORED.out"
    run ! restore "$copy" "recovery_target_time = '2026-11-21 10:00:00'"
    grep -q 'has no time zone' "$RESTORED.out"
    run ! restore "$copy" "recovery_target_tim = '1'"
    grep -q 'unrecognized recovery parameter' "$RESTORED.out"
    mv "$ARCHIVE" "$ARCHIVE.away"
    run ! restore "$copy"
    grep -q 'before this copy is consistent\|before its last checkpoint' "$RESTORED.out"
    mv "$ARCHIVE.away" "$ARCHIVE"
    # A hole in the archive is never taken for its end.
    start_server
    sql 'insert into moment values (2)'
    wait_archived
    sql 'insert into moment values (3)'
    wait_archived
    local hole
    hole=$(ls "$ARCHIVE" | grep -v '\.' | tail -2 | head -1)
    stop_server
    mv "$ARCHIVE/$hole" "$HOME_DIR.hole"
    rm -f "$ARCHIVE"/*.partial
    run ! restore "$copy"
    grep -q "gap: segment $hole is missing\|is damaged at" "$RESTORED.out"
    mv "$HOME_DIR.hole" "$ARCHIVE/$hole"
    restores_to "3|3" "$copy"
}

@test "recovery: timelines branch, and each can be followed" {
    start_server
    sql 'create table moment (n int)'
    local copy=$HOME_DIR.copy
    take_copy "$copy"
    sql 'insert into moment values (1)'
    sql "select rdb_create_restore_point('fork')"
    sql 'insert into moment values (2)'
    wait_archived
    stop_server
    # The branch writes to the same archive: timeline 2 stands beside timeline 1.
    BRANCH_ARCHIVE=$ARCHIVE restore "$copy" "recovery_target_name = 'fork'"
    restored_sql 'insert into moment values (100)'
    restored_sql "select rdb_create_restore_point('on the branch')"
    restored_sql 'insert into moment values (101)'
    local logged
    logged=$(restored_sql "select file_name, file_offset from pg_walfile_name_offset(pg_current_wal_lsn())")
    is_shipped() { [ "$(stat -c %s "$ARCHIVE/00000002${logged%|*}.partial" || echo 0)" -ge "${logged#*|}" ]; }
    wait_for is_shipped # the running segment's beginning, by itself
    end_restored KILL
    ls "$ARCHIVE" | grep -q '^00000002.history$'
    grep -q '^00000001 ' "$ARCHIVE/00000002.history"
    restore "$copy" "recovery_target_timeline = 'current'"
    [ "$(restored_sql 'select array_agg(n order by n) from moment')" = "{1,2}" ]
    end_restored
    restore "$copy"
    [ "$(restored_sql 'select array_agg(n order by n) from moment')" = "{1,100,101}" ]
    end_restored
    BRANCH_ARCHIVE=$ARCHIVE restore "$copy" "recovery_target_name = 'on the branch'"
    [ "$(restored_sql 'select array_agg(n order by n) from moment')" = "{1,100}" ]
    restored_sql 'insert into moment values (1000)'
    end_restored
    restore "$copy" "recovery_target_timeline = '3'"
    [ "$(restored_sql 'select array_agg(n order by n) from moment')" = "{1,100,1000}" ]
    end_restored
    restore "$copy" "recovery_target_timeline = '2'"
    [ "$(restored_sql 'select array_agg(n order by n) from moment')" = "{1,100,101}" ]
    end_restored
}

@test "recovery: an archive that is away keeps the log, and gets all of it when it is back" {
    start_server
    sql 'create table moment (n int)'
    wait_archived
    mv "$ARCHIVE" "$ARCHIVE.away"
    for i in 1 2 3 4; do
        sql "insert into moment values ($i)"
        sql 'select pg_switch_wal()'
        sql 'checkpoint'
    done
    wait_for_answer t 'select failed_count > 0 and last_failed_wal is not null or archived_count >= 1 from pg_stat_archiver'
    local before
    before=$(ls "$ARCHIVE.away" | grep -vc '\.')
    kill_server
    mv "$ARCHIVE.away" "$ARCHIVE"
    start_server
    wait_archived
    [ "$(ls "$ARCHIVE" | grep -vc '\.')" -ge $((before + 4)) ]
    # No number is missing.
    local first last
    first=$((16#$(ls "$ARCHIVE" | grep -v '\.' | head -1 | cut -c9-)))
    last=$((16#$(ls "$ARCHIVE" | grep -v '\.' | tail -1 | cut -c9-)))
    [ $((last - first + 1)) = "$(ls "$ARCHIVE" | grep -vc '\.')" ]
}

@test "recovery: an archive command ships segments, and is tried again" {
    cat >"$HOME_DIR/conf/overrides.d/archive.toml" <<TOML
[wal]
archive_enabled = true
archive_command = "test -e $ARCHIVE.ready && test ! -f $ARCHIVE/%f && cp %p $ARCHIVE/%f"
TOML
    mkdir "$ARCHIVE"
    start_server
    sql 'create table moment (n int)'
    sql 'select pg_switch_wal()'
    wait_for_answer t 'select failed_count > 0 and archived_count = 0 from pg_stat_archiver'
    touch "$ARCHIVE.ready"
    wait_for_answer t 'select archived_count > 0 from pg_stat_archiver'
    [ "$(stat -c %s "$ARCHIVE/$(sql 'select last_archived_wal from pg_stat_archiver')")" = 16777216 ]
    [ "$(sql 'show archive_mode')" = on ]
}

@test "recovery: synchronous_commit = off loses the last moments at most, and what stays is a prefix" {
    start_server
    sql 'create table moment (n int primary key)'
    seq 1 3000 | sed 's/.*/insert into moment values (&);/; 1i set synchronous_commit = off;' >"$HOME_DIR.off"
    "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -f "$HOME_DIR.off" >/dev/null 2>&1 3>&- &
    local client=$!
    sleep 0.4
    kill_server
    wait "$client" || [ $? -eq 2 ] # psql lost its connection
    start_server
    [ "$(sql 'select count(*) = coalesce(max(n), 0) from moment')" = t ]
    # What is older than the log writer's pause is safe.
    sql 'set synchronous_commit = off; insert into moment values (100000)'
    wait_for_answer t 'select pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()'
    kill_server
    start_server
    [ "$(sql 'select count(*) from moment where n = 100000')" = 1 ]
}
