#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Indexes made, built anew and dropped while others write: under load, with the server killed in each phase, cancelled, in a deadlock.
load helper

setup() {
    make_home
    rdb-init --home "$HOME_DIR" >/dev/null
    steady
    start_server
}
teardown() { remove_home; }

until_true() { wait_for_answer t "$1"; }
# until_waits PHASE: the builder waits there for those it found; who comes now is none of them.
until_waits() { until_true "select exists (select 1 from pg_stat_progress_create_index where phase = '$1' and lockers_total > 0)"; }

load_table() {
    sql "create table t (id int primary key, v int, n int default 0); insert into t select i, i from generate_series(1, ${1:-2000}) i; create index t_n on t (n)"
}

# What stands by the table equals what stands by the index.
check_table() {
    [ -z "$(sql "select * from rdb_verify('t')")" ]
    [ "$(sql "set enable_seqscan = off; select count(*), sum(id) from t where v >= 0")" = "$(sql "set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off; select count(*), sum(id) from t where v >= 0")" ]
}

@test "concurrently: under updates, inserts, deletes and rollbacks of others indexes come, are built anew and go, and always agree with the table" {
    load_table 3000
    sql "alter table t add c text; update t set c = 'n' || id"
    cat >"$HOME_DIR.sql" <<'SQL'
\set k random(1, 2990)
\set v random(1, 100000)
\set r random(1, 10)
begin;
update t set v = :v, c = 'n' || :v where id = :k;
update t set n = n + 1 where id = :k + 1;
\if :r < 3
delete from t where id = :k + 7;
insert into t values (:k + 7, :v, 0, 'm' || :v) on conflict do nothing;
\endif
\if :r = 9
rollback;
\else
commit;
\endif
SQL
    "$(find_pgbench)" -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin -n -c 5 -j 2 -T 6 --max-tries=100 -f "$HOME_DIR.sql" rustydb >"$HOME_DIR.bench" 2>&1 3>&- &
    local bench=$! rounds=0
    WORKERS=$bench
    while kill -0 "$bench" 2>/dev/null; do
        for index in t_v t_u t_e t_c; do sql "drop index concurrently if exists $index" 2>/dev/null; done
        sql "create index concurrently t_v on t (v)"
        sql "create unique index concurrently t_u on t (id, v)"
        sql "create index concurrently t_e on t ((v % 100)) where n > 2"
        sql "create index concurrently t_c on t using gin (to_tsvector('simple', c))"
        sql "reindex table concurrently t"
        cat >"$HOME_DIR.compare" <<'SQL'
begin isolation level repeatable read;
set enable_seqscan = off; set enable_bitmapscan = off;
select count(*), sum(v::bigint) from t where v >= 0 \gset i_
select count(*) as part from t where v % 100 >= 0 and n > 2 \gset i_
set enable_seqscan = on; set enable_indexscan = off; set enable_indexonlyscan = off;
select count(*), sum(v::bigint) from t where v >= 0 \gset s_
select count(*) as part from t where v % 100 >= 0 and n > 2 \gset s_
select (:i_count, :i_sum, :i_part) = (:s_count, :s_sum, :s_part);
commit;
SQL
        run -0 psql_file "$HOME_DIR.compare"
        [ "$output" = t ]
        rounds=$((rounds + 1))
    done
    wait "$bench"
    WORKERS=
    [ "$rounds" -ge 1 ]
    ! grep -E "ERROR|aborted" "$HOME_DIR.bench"
    [ "$(sql "select count(*), bool_and(indisvalid) from pg_index where indrelid = 't'::regclass")" = "6|t" ]
    [ -z "$(sql "select * from rdb_verify('t')")" ]
    sql "vacuum t"
    run -0 rdb-vacuum verify --home "$HOME_DIR" rustydb
}

# kill_in_phase PHASE STATEMENT: the server, when the statement is there (empty: it is). Someone keeps it waiting.
kill_in_phase() {
    in_background builder "$2"
    [ -z "$1" ] || until_waits "$1"
    kill_and_check
}
kill_and_check() {
    kill_server
    WORKERS=
    start_server
    check_table
    sql "insert into t (id, v) select max(id) + 1, 5 from t"
    sql "update t set v = v + 1, n = n + 1 where id < 50"
    check_table
    for index in $(sql "select indexrelid::regclass from pg_index where not indisvalid"); do sql "drop index $index"; done
    run -0 rdb-vacuum verify --home "$HOME_DIR" rustydb
}

@test "concurrently: a server killed in any phase leaves a whole table, and an invalid index that can be dropped" {
    load_table
    in_background writer "begin\\; update t set n = 7 where id = 3;"
    until_true "select exists (select 1 from pg_stat_activity where state = 'idle in transaction')"
    kill_in_phase "waiting for writers before build" "create index concurrently t_v on t (v);"
    # those who come while the first are waited for are those that are waited for next
    in_background first "begin\\; update t set n = 7 where id = 3;"
    until_true "select exists (select 1 from pg_stat_activity where state = 'idle in transaction')"
    in_background builder "create index concurrently t_v on t (v);"
    until_waits "waiting for writers before build"
    in_background second "begin\\; update t set n = 8 where id = 4;"
    until_true "select count(*) = 2 from pg_stat_activity where state = 'idle in transaction'"
    sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'first'"
    until_waits "waiting for writers before validation"
    [ "$(sql "select indisready, indisvalid from pg_index where indexrelid = 't_v'::regclass")" = "t|f" ]
    kill_in_phase "waiting for writers before validation" "select 1;"
    in_background reader "begin\\; select count(*) from t;"
    until_true "select exists (select 1 from pg_stat_activity where state = 'idle in transaction')"
    kill_in_phase "waiting for readers before marking dead" "reindex index concurrently t_pkey;"
    [ "$(sql "select indisvalid from pg_index where indexrelid = 't_pkey'::regclass")" = t ]
    in_background reader "begin\\; select count(*) from t;"
    until_true "select exists (select 1 from pg_stat_activity where state = 'idle in transaction')"
    in_background builder "drop index concurrently t_n;"
    until_true "select exists (select 1 from pg_stat_activity where application_name = 'builder' and wait_event = 'virtualxid')"
    kill_in_phase "" "select 1;"
    [ "$(sql "select count(*) from pg_index where indrelid = 't'::regclass")" = 1 ]
}

@test "concurrently: a server killed anywhere in the build, while others write, leaves a whole table" {
    load_table 10000
    cat >"$HOME_DIR.sql" <<'SQL'
\set k random(1, 10000)
update t set v = v + 1, n = :k where id = :k;
SQL
    for index in "index concurrently t_v on t (v)" "unique index concurrently t_v on t (id, v)" "index concurrently t_v on t ((n % 7)) where v > 5"; do
        sql "update t set n = 0 where n <> 0"
        "$(find_pgbench)" -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin -n -c 2 -T 60 -f "$HOME_DIR.sql" rustydb >"$HOME_DIR.bench" 2>&1 3>&- &
        local bench=$!
        until_true "select exists (select 1 from t where n > 0)"
        in_background builder "create $index;"
        until_true "select exists (select 1 from pg_index where indexrelid = to_regclass('t_v'))"
        sleep 0.$((RANDOM % 3))$((RANDOM % 10)) # wherever it is then
        kill_and_check
        wait "$bench" || :
        sql "drop index if exists t_v"
    done
}

@test "concurrently: a cancelled one leaves an invalid index, which REINDEX makes good" {
    load_table
    in_background writer "begin\\; update t set n = 7 where id = 3;"
    until_true "select exists (select 1 from pg_stat_activity where state = 'idle in transaction')"
    in_background builder "create unique index concurrently t_v on t (v);"
    until_true "select exists (select 1 from pg_stat_progress_create_index where command = 'CREATE INDEX CONCURRENTLY' and phase = 'waiting for writers before build' and lockers_total = 1 and lockers_done = 0)"
    wait_for_answer virtualxid "select wait_event from pg_stat_activity where application_name = 'builder'"
    sql "select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'builder'"
    until_true "select not exists (select 1 from pg_stat_progress_create_index)"
    wait_for grep -q "canceling statement due to user request" "$HOME_DIR.builder"
    [ "$(sql "select indisvalid, indisready from pg_index where indexrelid = 't_v'::regclass")" = "f|f" ]
    sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'writer'"
    until_true "select not exists (select 1 from pg_stat_activity where application_name = 'writer')"
    sql "insert into t values (90001, 5)" # nobody enters anything in it
    sql "delete from t where id = 90001"
    sql "reindex index t_v"
    [ "$(sql "select indisvalid, indisready, indislive from pg_index where indexrelid = 't_v'::regclass")" = "t|t|t" ]
    run ! sql "insert into t values (90001, 5)"
    check_table
}

@test "concurrently: two on one table come one after the other; a deadlock ends one, and the other goes on" {
    load_table
    in_background writer "begin\\; update t set n = 7 where id = 3;"
    until_true "select exists (select 1 from pg_stat_activity where state = 'idle in transaction')"
    in_background builder "create index concurrently t_v on t (v);"
    until_waits "waiting for writers before build"
    in_background other "create index concurrently t_v2 on t (v);"
    until_true "select exists (select 1 from pg_stat_activity where application_name = 'other' and wait_event = 'relation')"
    sql "update t set n = 9 where id = 10" # nobody else waits
    sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'writer'"
    until_true "select count(*) = 2 from pg_index where indexrelid::regclass::text in ('t_v', 't_v2') and indisvalid"
    in_background locker "set deadlock_timeout = '100ms';" "begin;" "lock table t in row exclusive mode;" "\\! while [ ! -e $HOME_DIR.go ]; do sleep 0.05; done" \
        "lock table t in share update exclusive mode;" "commit;"
    until_true "select exists (select 1 from pg_stat_activity where application_name = 'locker' and state = 'idle in transaction')"
    in_background third "set deadlock_timeout = '100ms';" "create index concurrently t_v3 on t (v);"
    until_true "select exists (select 1 from pg_stat_activity where application_name = 'third' and wait_event = 'virtualxid')"
    touch "$HOME_DIR.go"
    wait_for grep -q "deadlock detected" "$HOME_DIR.locker" "$HOME_DIR.third"
    run -0 grep -h "Process" "$HOME_DIR.locker" "$HOME_DIR.third"
    [[ "$output" == *"waits for ShareLock on virtual transaction "*"; blocked by process "* && "$output" == *"waits for ShareUpdateExclusiveLock on relation "* ]]
    until_true "select not exists (select 1 from pg_stat_progress_create_index) and not exists (select 1 from pg_stat_activity where wait_event_type = 'Lock')"
    check_table
}

@test "concurrently: rdb-vacuum reindex does not keep writers waiting" {
    load_table
    in_background reader "begin\\; select count(*) from t;"
    until_true "select exists (select 1 from pg_stat_activity where state = 'idle in transaction')"
    rdb-vacuum reindex --home "$HOME_DIR" --concurrently rustydb >"$HOME_DIR.vacuum" 2>&1 3>&- &
    local vacuum=$!
    WORKERS="$WORKERS $vacuum"
    until_true "select exists (select 1 from pg_stat_progress_create_index where command = 'REINDEX CONCURRENTLY' and phase = 'waiting for readers before marking dead')"
    sql "update t set v = v + 1, n = n + 1"
    sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reader'"
    wait "$vacuum"
    [ "$(sql "select count(*), bool_and(indisvalid) from pg_index where indrelid = 't'::regclass")" = "2|t" ]
    check_table
}

# write_late V END: who looked at the catalog before index t_v was ready, and waits for row 5, sets v to V behind who looked when it was ready,
# and sets v to 1005 and ENDs. A snapshot keeps purge away until the index is filled; then what nobody sees any more is taken away.
write_late() {
    load_table 100
    in_background old "begin isolation level repeatable read\\; select 1;"
    until_true "select exists (select 1 from pg_stat_activity where application_name = 'old' and state = 'idle in transaction')"
    in_background newer "begin\\; select 1 from t where id = 5 for update;"
    in_background first "begin\\; update t set n = 7 where id = 3;"
    until_true "select count(*) = 3 from pg_stat_activity where state = 'idle in transaction'"
    in_background builder "create index concurrently t_v on t (v);"
    until_waits "waiting for writers before build"
    in_background older "update t set v = $1 where id = 5;"
    until_true "select exists (select 1 from pg_stat_activity where application_name = 'older' and wait_event_type = 'Lock')"
    then_in first "commit;"
    until_waits "waiting for writers before validation"
    then_in newer "update t set v = 1005 where id = 5;" "$2;"
    until_true "select not exists (select 1 from pg_stat_progress_create_index)"
    [ "$(sql "select indisvalid, (select v from t where id = 5) from pg_index where indexrelid = 't_v'::regclass")" = "t|$1" ]
    then_in old "commit;"
    until_true "select not exists (select 1 from pg_stat_activity where state = 'idle in transaction')"
    sql "vacuum t"
    check_table
    [ "$(sql "set enable_seqscan = off; select id from t where v = $1")" = 5 ]
}

# Where the one who waited did not name the keys, purge of the first change would take the entry of a row that has its key again.
@test "concurrently: who looked before an index was ready, and brings back a key that a later one took away, enters it" {
    write_late 5 commit
}

# Where it named them as it found the gate before its wait, the reverter would take the entry of a key that has come all the same.
@test "concurrently: who looked before an index was ready, and brings the key that a later one brought and rolled back, enters it" {
    write_late 1005 rollback
}
