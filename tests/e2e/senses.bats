#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the server knows of itself: waits, workers, statements, files.
load helper

setup_file() {
    make_home
    export HOME_DIR
    rdb-init --home "$HOME_DIR" >/dev/null
    steady
    start_server
    export PORT SERVER_PID
}
teardown_file() { remove_home; }

@test "a session that waits for a row says so, and the wait is counted" {
    sql "create table w(a int primary key, b int); insert into w values (1, 1)"
    in_background holder "begin \\; update w set b = 2 \\; select pg_sleep(100);"
    wait_for_answer "Timeout|PgSleep" "select wait_event_type, wait_event from pg_stat_activity where application_name = 'holder'"
    sql "update w set b = 3" >/dev/null 3>&- &
    local waiter=$!
    wait_for_answer "Lock|transactionid|active" "select wait_event_type, wait_event, state from pg_stat_activity where query = 'update w set b = 3'"
    wait_for_answer t "select waitstart < now() - interval '0.6 s' from pg_locks where not granted"
    sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holder'"
    wait $waiter
    [ "$(sql "select waits > 0 and wait_time > 500 from rdb_stat_waits where wait_event = 'transactionid'")" = t ]
}

@test "an idle session waits for its client, and shows no snapshot" {
    local client
    coproc P { "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb; }
    client=$P_PID
    echo "select 'idle one' as x;" >&"${P[1]}"
    wait_for_answer "idle|Client|ClientRead|t" "select state, wait_event_type, wait_event, backend_xmin is null from pg_stat_activity where query like '%idle one%' and pid <> pg_backend_pid()"
    echo "begin isolation level repeatable read; select 1 as held;" >&"${P[1]}"
    wait_for_answer "idle in transaction|f" "select state, backend_xmin is null from pg_stat_activity where query like '%as held%' and pid <> pg_backend_pid()"
    echo '\q' >&"${P[1]}"
    ends_with 0 wait "$client"
}

@test "the server's own threads are listed with what they wait for" {
    wait_for_answer "autovacuum launcher,background writer,checkpointer,purge worker,sampler,walwriter" "select string_agg(backend_type, ',' order by backend_type) from pg_stat_activity where datid is null"
    wait_for_answer t "select count(*) <= 1 from pg_stat_activity where datid is null and (wait_event is null and backend_type <> 'purge worker' or backend_start is null)"
}

@test "pg_stat_io says who wrote what, and a reset starts anew" {
    sql "create table io(a int, b text); insert into io select i, repeat('x', 100) from generate_series(1, 20000) i; checkpoint"
    [ "$(sql "select sum(writes) > 0 and sum(write_bytes) > 400000 from pg_stat_io where object = 'relation'")" = t ]
    [ "$(sql "select sum(extends) > 100 from pg_stat_io where object = 'relation' and backend_type = 'client backend'")" = t ]
    [ "$(sql "select sum(write_bytes) > 2000000 from pg_stat_io where object = 'wal'")" = t ]
    sql "select rdb_stat_reset('io')"
    [ "$(sql "select coalesce(sum(extends), 0) from pg_stat_io")" = 0 ]
    run sql "select rdb_stat_reset('nonsense')"
    [ "$status" -ne 0 ] && [[ "$output" == *"unrecognized reset target"* ]]
}

@test "pg_stat_reset and its kin begin the shown figures anew, and nothing the server goes by" {
    sql "create table r1(a int primary key); create table r2(a int); insert into r1 select generate_series(1, 500); insert into r2 select generate_series(1, 300)"
    sql "vacuum r1"; sql checkpoint; sql "create database elsewhere"
    [ "$(sql "select string_agg(n_tup_ins || ' ' || n_live_tup || ' ' || (last_vacuum is null), ',' order by relname) from pg_stat_user_tables where relname in ('r1', 'r2')")" = "500 500 false,300 300 true" ]
    [ "$(sql "select stats_reset is null from pg_stat_database where datname = 'rustydb'")" = t ]
    sql "select pg_stat_reset_single_table_counters('r1'::regclass)"
    [ "$(sql "select string_agg(n_tup_ins || ' ' || n_live_tup || ' ' || (last_vacuum is null), ',' order by relname) from pg_stat_user_tables where relname in ('r1', 'r2')")" = "0 500 true,300 300 true" ]
    [ "$(sql "select tup_inserted >= 800, now() - stats_reset < interval '1 minute' from pg_stat_database where datname = 'rustydb'")" = "t|t" ]
    sql "select pg_stat_reset()"
    sql "insert into r1 values (501)"
    [ "$(sql "select tup_inserted, xact_commit < 20, stats_reset is not null from pg_stat_database where datname = 'rustydb'")" = "1|t|t" ]
    [ "$(sql "select stats_reset is null from pg_stat_database where datname = 'elsewhere'")" = t ]
    [ "$(sql "select string_agg(n_tup_ins || ' ' || n_live_tup || ' ' || n_mod_since_analyze, ',' order by relname) from pg_stat_user_tables where relname in ('r1', 'r2')")" = "1 501 501,0 300 300" ]
    [ "$(sql "select checkpoints_req > 0 and buffers_checkpoint > 0, (select wal_records > 800 from pg_stat_wal) from pg_stat_bgwriter")" = "t|t" ]
    sql "select pg_stat_reset_shared('bgwriter'), pg_stat_reset_shared('wal')"
    [ "$(sql "select checkpoints_req, buffers_checkpoint, checkpoint_write_time, (select wal_records < 100 and wal_bytes < 100000 from pg_stat_wal) from pg_stat_bgwriter")" = "0|0|0|t" ]
    [ "$(sql "select count(*) from pg_stat_bgwriter b, pg_stat_wal w, pg_stat_archiver a where b.stats_reset > pg_postmaster_start_time() and w.stats_reset > pg_postmaster_start_time()")" = 1 ]
    sql checkpoint
    [ "$(sql "select checkpoints_req from pg_stat_bgwriter")" = 1 ]
    run sql "select pg_stat_reset_shared('all')"
    [[ "$output" == *'unrecognized reset target: "all"'*'Target must be "archiver", "bgwriter", "recovery_prefetch", or "wal".'* ]]
    sql "create role onlooker"
    for function in "pg_stat_reset()" "pg_stat_reset_shared('wal')" "pg_stat_reset_single_table_counters(1)"; do
        run sql "set role onlooker; select $function"
        [[ "$output" == *"permission denied for function"* ]]
    done
}

@test "pg_stat_statements counts statements that differ in constants as one, with PostgreSQL's columns" {
    sql "create extension pg_stat_statements; create table s(a int primary key, b text); insert into s select i, 'x' from generate_series(1, 100) i"
    [ "$(sql "select count(*) from pg_attribute where attrelid = 'pg_stat_statements'::regclass")" = 43 ]
    sql "select pg_stat_statements_reset()"
    for i in 1 2 3 4 5; do sql "select b from s where a = $i and b <> 'it''s $i'" >/dev/null; done
    "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "select b from s where a = -7 and b <> E'a\\'b'" -c "SELECT b FROM s  WHERE a=8 AND b <> \$x\$it\$x\$" \
        -c "prepare p(int, text) as select b from s where a = \$1 and b <> \$2" -c "execute p(9, '')" -c "select b from s as t where t.a = 10 and t.b <> ''" >/dev/null
    [ "$(sql "select calls, rows, query from pg_stat_statements where query ilike 'select b from s %'")" = '9|8|select b from s where a = $1 and b <> $2' ]
    # the same text in one session, run from a template: still one statement
    for i in $(seq 10); do echo "select count(*) as c from s where a = $i;"; done | "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null
    [ "$(sql "select calls from pg_stat_statements where query like 'select count(*) as c%'")" = 10 ]
    # another schema's table of the same name is another statement
    sql "create schema other; create table other.s(a int, b text)"
    sql "set search_path = other; select b from s where a = 1 and b <> ''"
    [ "$(sql "select count(*) from pg_stat_statements where query like '%select b from s where%' and calls > 0")" = 2 ]
}

@test "pg_stat_statements.track = none counts nothing: for a session, a role, an instance; the slow log is written all the same" {
    counted() { sql "select count(*) from rdb_stat_statements where query like '%as tracked%'"; }
    sql "set pg_stat_statements.track = none; select 1 as tracked; set log_min_duration_statement = 0; select 2 as tracked_slowly; create table tracked as select 3 as tracked" >/dev/null
    [ "$(counted)" = 0 ]
    grep -q "as tracked_slowly" "$HOME_DIR/logs/slow-query.log"
    sql "select 1 as tracked" >/dev/null
    [ "$(counted)" = 1 ]
    [ "$(sql "show pg_stat_statements.track")" = top ]
    run sql "set pg_stat_statements.track = some_of_them"
    [[ "$output" == *'invalid value for parameter "pg_stat_statements.track": "some_of_them"'*"Available values: none, top, all."* ]]
    run sql "set pg_stat_statements.track = 'all'"
    [[ "$output" == *"is not supported yet"* ]]
    sql "create role untracked login; alter role untracked set pg_stat_statements.track = none"
    run sql "set role untracked; set pg_stat_statements.track = top"
    [[ "$output" == *'permission denied to set parameter "pg_stat_statements.track"'* ]]
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server --set diagnostics.statement_statistics=false
    sql "select 1 as tracked" >/dev/null
    [ "$(sql "select count(*) from rdb_stat_statements")|$(sql "select setting || context from pg_settings where name = 'pg_stat_statements.track'")" = "0|nonesuperuser" ]
    sql "set pg_stat_statements.track = top; select 1 as tracked" >/dev/null
    [ "$(counted)" = 1 ]
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server
}

@test "errors, refused logins, connections and their ends are in the log as the settings ask, without passwords" {
    local log="$HOME_DIR/logs/rustydb.log"
    run sql "select errors_1"
    run sql "set log_min_error_statement = log; select errors_2"
    run sql "set log_min_error_statement = fatal; select errors_3"
    run sql "set log_min_messages = log; select errors_4"
    run sql "set log_error_verbosity = terse; select lower(errors_5) from pg_class where errors_5(1)"
    run sql "create role errors_6 password 'geheim-6' nonsense"
    run sql "alter role errors_7 with password 'geheim-7'"
    "$(find_pgbench)" -n -M extended -t 1 -D value=bound -f <(echo "select :value::int as errors_9;") -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null 2>&1 && return 1
    printf '%s\n' "create table errors_11 (a int);" "copy errors_11 from stdin;" "not one" '\.' >"$BATS_TEST_TMPDIR/copy.sql"
    run psql_file "$BATS_TEST_TMPDIR/copy.sql"
    run "$PSQL" -X -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin no_such_database -c "select 1"
    run sql "select 1"
    ! grep -q "connection authorized\|disconnection" "$log"
    sql "create role errors_8 login"
    PGOPTIONS="-c log_connections=on -c log_disconnections=on" sql "select 8" >/dev/null
    run env PGOPTIONS="-c log_connections=on" "$PSQL" -X -h "$HOME_DIR/run/sockets" -p "$PORT" -U errors_8 rustydb -c "select 1"
    [[ "$output" == *'permission denied to set parameter "log_connections"'* ]]
    run sql "set log_connections = on"
    [[ "$output" == *'parameter "log_connections" cannot be set after connection start'* ]]
    wait_for grep -q disconnection "$log"
    python3 - "$log" <<'PYTHON'
import json, re, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert "geheim" not in open(sys.argv[1]).read()
def one(part):
    found = [l for l in lines if part in l["message"]]
    assert len(found) == 1, (part, found)
    return found[0]
first = one('"errors_1" does not exist')
assert [first[k] for k in ("level", "room", "severity", "sqlstate", "user", "database", "client", "application")] == \
    ["warn", "session", "ERROR", "42703", "admin", "rustydb", "[local]", "psql"] and first["statement"] == "select errors_1" and int(first["pid"]) > 0, first
assert "statement" not in one("errors_2") and "statement" not in one("errors_3")
assert not any("errors_4" in l["message"] for l in lines)
assert "hint" not in one("errors_5")
assert one("unrecognized role option \"nonsense\"")["statement"].startswith("create role errors_6 password '***'")
assert one('role "errors_7" does not exist')["statement"] == "alter role errors_7 with password '***'"
assert one("invalid input syntax for type integer: \"bound\"")["statement"] == "select $1::int as errors_9;"
assert one('invalid input syntax for type integer: "not one"')["statement"] == "copy errors_11 from stdin;" # whose rows have come where it stood
refused = one('database "no_such_database" does not exist')
assert [refused[k] for k in ("level", "severity", "sqlstate", "user")] == ["error", "FATAL", "3D000", "admin"] and "statement" not in refused
one('permission denied to set parameter "log_connections"')
assert one("connection authorized")["message"] == "connection authorized: user=admin database=rustydb application_name=psql"
assert re.fullmatch(r"disconnection: session time: 0:\d\d:\d\d\.\d{3} user=admin database=rustydb host=\[local\]", one("disconnection")["message"])
PYTHON
    # by configuration, as text
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; : >"$log"
    start_server --set logging.format=text --set logging.connections=true --set logging.disconnections=true --set logging.min_error_statement=panic
    run sql "select errors_10"
    wait_for grep -q disconnection "$log"
    grep -q 'info  session: connection received: host=\[local\] | ' "$log"
    grep -q 'info  session: connection authorized: user=admin database=rustydb application_name=psql | ' "$log"
    grep -q 'warn  session: 42703 column "errors_10" does not exist | severity: ERROR | user: admin | database: rustydb | client: \[local\] | application: psql | pid: [0-9]*$' "$log"
    [ "$(sql "select string_agg(setting, ',' order by name) from pg_settings where name in ('log_connections', 'log_disconnections', 'log_min_error_statement', 'log_min_messages')")" = "on,on,panic,warning" ]
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server
}

@test "query_id of pg_stat_activity leads to the statement" {
    in_background sleeper "select pg_sleep(1.5), 4711 as marker;" # and shows it for as long as it stays
    wait_for_answer 'select pg_sleep($1), $2 as marker' "select s.query from pg_stat_activity a join rdb_stat_statements s on s.queryid = a.query_id where a.application_name = 'sleeper'"
    wait_for_answer '1|select pg_sleep($1), $2 as marker|t' "select calls, query, total_time >= 1500 and p50_time between 0.87 * total_time and 1.13 * total_time and p99_time >= p50_time
        from rdb_stat_statements where query like '%as marker' and query not like '%rdb_stat%'"
}

@test "plans of a statement are told apart, errors counted, passwords never kept" {
    sql "create table pl(a int, b int); insert into pl select i, i from generate_series(1, 20000) i; analyze pl"
    sql "select b from pl where a = 5" >/dev/null
    sql "create index on pl(a)"
    sql "select b from pl where a = 6" >/dev/null
    [ "$(sql "select calls, plans, plan_changes from rdb_stat_statements where query = 'select b from pl where a = \$1'")" = "2|2|1" ]
    [ "$(sql "select count(distinct p.planid), sum(p.calls) from rdb_stat_statement_plans p join rdb_stat_statements s using (queryid) where s.query = 'select b from pl where a = \$1'")" = "2|2" ]
    run sql "select a / (a - 6) from pl where a = 6"
    [ "$status" -ne 0 ]
    [ "$(sql "select errors from rdb_stat_statements where query like 'select a / (a - %) from pl%'")" = 1 ]
    sql "create role kept login password 'geheim-4711'; alter role kept password 'geheim-4712'"
    [ "$(sql "select count(*) from rdb_stat_statements where query like '%geheim%' and query not like '%rdb_stat%'")" = 0 ]
    [ "$(sql "select count(*) from rdb_stat_statements where query like '%<REDACTED>%' and query not like '%rdb_stat%'")" = 2 ]
    # others see that something ran, not what
    [ "$("$PSQL" -X -A -t -h "$HOME_DIR/run/sockets" -p "$PORT" -U kept rustydb -c "select count(*) from rdb_stat_statements where query like '%from pl%'")" = 0 ]
}

@test "metrics are Prometheus's, move with what happens, and health tells of the state" {
    local metrics=$(free_port) text
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server --set metrics.listen_port="$metrics"
    ends_with 1 sql "select 1/0" 2>/dev/null
    text=$(curl -sf -m 30 "http://127.0.0.1:$metrics/metrics")
    if command -v promtool >/dev/null; then promtool check metrics <<<"$text"; fi
    [ "$(grep -c '^# TYPE rustydb_query_duration_seconds histogram' <<<"$text")" = 1 ]
    local before=$(sed -n 's/^rustydb_transactions_total{status="committed"} //p' <<<"$text")
    for i in $(seq 20); do echo "select $i;"; done | "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null
    text=$(curl -sf -m 30 "http://127.0.0.1:$metrics/metrics")
    [ $(($(sed -n 's/^rustydb_transactions_total{status="committed"} //p' <<<"$text") - before)) -ge 20 ]
    [ "$(sed -n 's/^rustydb_up //p' <<<"$text")" = 1 ]
    [ "$(curl -s -m 30 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$metrics/health/live")" = 200 ]
    [ "$(curl -s -m 30 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$metrics/health/ready")" = 200 ]
    [ "$(curl -s -m 30 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$metrics/health/primary")" = 200 ]
    [ "$(curl -s -m 30 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$metrics/secrets")" = 404 ]
    curl -s -m 30 "http://127.0.0.1:$metrics/health" | python3 -c 'import json, sys; h = json.load(sys.stdin); assert h["state"] == "serving" and h["checks"]["database"]["status"] == "healthy" and h["uptime_seconds"] >= 0'
    # loopback alone
    ! curl -s -m 2 -o /dev/null "http://$(hostname -I | cut -d' ' -f1):$metrics/metrics"
    # off by configuration; and an address that is taken is no reason not to serve
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server --set metrics.listen_port="$metrics" --set metrics.enabled=false
    ! curl -s -m 2 -o /dev/null "http://127.0.0.1:$metrics/metrics"
    python3 -c "import socket, time; s = socket.create_server(('127.0.0.1', $metrics)); time.sleep(100)" 3>&- &
    local taker=$!
    wait_for listens "$metrics"
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server --set metrics.listen_port="$metrics"
    [ "$(sql "select 1")" = 1 ]
    grep -q 'metrics could not listen on' "$HOME_DIR/logs/rustydb.log"
    kill $taker
}

@test "a statement over the threshold is in the slow log with its plan, without passwords" {
    local log="$HOME_DIR/logs/slow-query.log"
    : >"$log"
    sql "create table slow(a int primary key, b text); insert into slow values (1, 'x')"
    sql "select pg_sleep(1.1), b from slow where a = 1" >/dev/null
    sql "select pg_sleep(0.2)" >/dev/null
    "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "set log_min_duration_statement = 0" -c "create role slowly password 'geheim-1'" \
        -c "alter role slowly with encrypted password E'geh\\'eim-2' valid until 'infinity'" -c "alter user slowly password \$x\$geheim-3\$x\$" >/dev/null
    python3 - "$log" <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
slow = [l for l in lines if "pg_sleep" in l["query"]]
slow[1:] = [l for l in slow[1:] if l["duration_ms"] < 1000] # the shorter one, unless the machine held it up
assert len(slow) == 1 and slow[0]["duration_ms"] > 1100 and "Index Scan using slow_pkey" in slow[0]["plan"] and slow[0]["rows"] == 1, slow
assert slow[0]["user"] == "admin" and slow[0]["database"] == "rustydb" and slow[0]["query_id"] != 0
roles = [l["query"] for l in lines if "role" in l["query"] or "user" in l["query"]]
assert len(roles) == 3 and all("<REDACTED>" in q and "geh" not in q for q in roles), roles
assert roles[1].endswith("valid until 'infinity'")
PYTHON
    # text, by configuration; and none at all
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server --set logging.format=text --set logging.slow_query_threshold_ms=100
    sql "select pg_sleep(0.2) as again" >/dev/null
    grep -A2 'user=admin db=rustydb .* duration: \([2-9][0-9][0-9]\|[1-9][0-9]\{3,\}\)' "$log" | grep -q 'select pg_sleep(0.2) as again'
    grep -q $'^\tResult' "$log"
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; rm "$log"; start_server --set logging.slow_query_enabled=false
    sql "select pg_sleep(1.1)" >/dev/null
    [ ! -e "$log" ]
}

@test "what was done each second is there after a crash" {
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server
    in_background sampled "begin \\; select pg_sleep(600) as sampled \\; commit;"
    wait_for_answer t "select count(*) >= 3 and bool_and(query_id <> 0) from rdb_activity_history where wait_event = 'PgSleep' and state = 'active'"
    sql "select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'sampled'" >/dev/null
    wait_for_answer t "select count(*) >= 1 from rdb_activity_history h join rdb_stat_statements s on s.queryid = h.query_id where s.query = 'select pg_sleep(\$1) as sampled'"
    local pid
    pid=$(cat "$HOME_DIR/run/rustydb.pid" 2>/dev/null || rdb-serve --home "$HOME_DIR" --status | grep -o 'PID [0-9]*' | cut -d' ' -f2)
    kill -KILL "${pid%%[^0-9]*}"
    wait_for is_gone "${pid%%[^0-9]*}"
    start_server
    [ "$(sql "select count(*) >= 2 from rdb_activity_history where wait_event = 'PgSleep'")" = t ]
    [ "$(sql "select count(*) >= 2 and max(active) >= 1 and min(memory_bytes) > 1000000 from rdb_system_history")" = t ]
    [ "$(stat -c %a "$HOME_DIR/diag/activity")" = 700 ]
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server --set diagnostics.activity_history=false
    [ "$(sql "select count(*) from rdb_activity_history")" = 0 ]
}

@test "a statement that is executed by name has the text it was prepared with, wherever EXECUTE stands" {
    sql "prepare named as select 4711 as prepared; select 1 as something_long_that_stands_in_front, 2 as and_more_of_it_still; execute named; execute named" >/dev/null
    "$PSQL" -X -q -v ON_ERROR_STOP=1 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "prepare short as select 815 as brief" -c "select repeat('x', 10) as something_long_that_stands_in_front_of_it; execute short; deallocate short" >/dev/null
    [ "$(sql "select count(*) from rdb_stat_statements where query ~ 'as prepared' and query !~ 'rdb_stat' and calls >= 2")" -ge 1 ]
}

@test "a long command tells how far it is, and nothing once it is over" {
    sql "create table far(a int)"
    in_background copier "copy far from stdin where a % 2 = 0;" $(seq 30000)
    wait_for_answer "rustydb|far|COPY FROM|PIPE|t" \
        "select datname, relid::regclass, command, type, tuples_processed >= 512 and bytes_processed > 10000 and tuples_excluded = tuples_processed and tuples_processed % 512 = 0 from pg_stat_progress_copy"
    then_in copier '\.'
    wait_for_answer 0 "select count(*) from pg_stat_progress_copy where command = 'COPY FROM'"
    sql "begin; create table built(a int); insert into built select generate_series(1, 200); commit"
    "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "create function slowly(int) returns int immutable language sql as 'select \$1 from pg_sleep(0.5)'" -c "create index on built(slowly(a))" 3>&- &
    local builder=$!
    wait_for_answer "built|CREATE INDEX|building index|t" "select relid::regclass, command, phase, blocks_total > 0 from pg_stat_progress_create_index"
    sql "select pg_cancel_backend(pid) from pg_stat_progress_create_index" >/dev/null # it would take minutes
    ends_with 1 wait "$builder"
    sql "drop table built"
    # Commands that are over sooner: run until one look of a hundred a second meets them.
    sql "create table short as select i as a, md5(i::text) as b from generate_series(1, 60000) i; create index short_a on short(a)"
    "$PSQL" -X -q -A -t -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >"$HOME_DIR.seen" <<-'END' 3>&- &
	select 'vacuum', relid::regclass, phase, heap_blks_total > 0 from pg_stat_progress_vacuum
	union all select 'analyze', relid::regclass, phase, sample_blks_total > 0 from pg_stat_progress_analyze
	union all select command, relid::regclass, phase, heap_blks_total > 0 and cluster_index_relid::regclass::text = case command when 'CLUSTER' then 'short_a' else '-' end from pg_stat_progress_cluster
	\watch 0.01
	END
    local watcher=$! command
    declare -A WANTED=(["vacuum short"]="^vacuum|short|.*|t$" ["analyze short"]="^analyze|short|.*|t$"
        ["cluster short using short_a"]="^CLUSTER|short|.*|t$" ["vacuum full short"]="^VACUUM FULL|short|.*|t$")
    for command in "vacuum short" "analyze short" "cluster short using short_a" "vacuum full short"; do
        for _ in $(seq 1000); do
            sql "update short set b = md5(b) || repeat('x', (random() * 9)::int) where a % 7 = (random() * 6)::int" # as many rows as before
            sql "$command"
            grep -q "${WANTED[$command]}" "$HOME_DIR.seen" && break
        done
        grep -q "${WANTED[$command]}" "$HOME_DIR.seen" || { kill "$watcher"; echo "never seen: $command"; sort "$HOME_DIR.seen" | uniq -c; return 1; }
    done
    kill "$watcher"
    ends_with 143 wait "$watcher"
    rm "$HOME_DIR.seen"
    for view in vacuum analyze cluster basebackup; do [ "$(sql "select count(*) from pg_stat_progress_$view")" = 0 ]; done
    run sql "select pg_stat_get_progress_info('nothing')"
    [ "$status" -ne 0 ] && [[ "$output" == *'invalid command name: "nothing"'* ]]
}

# at_least VALUE QUERY: within a while the query gives a number as large; who served another session may still have something to tell.
at_least() {
    wait_for is_at_least "$@" || { sql "$2"; return 1; }
}
is_at_least() { [ "$(sql "$2")" -ge "$1" ]; }

@test "blocks that were found and read are counted, by relation and by database" {
    sql "create table st(a int primary key, b text); insert into st select i, repeat('x', 200) from generate_series(1, 5000) i; create table other(a int)"
    at_least 100 "select heap_blks_hit from pg_statio_user_tables where relname = 'st'"
    at_least 10 "select idx_blks_hit from pg_statio_user_tables where relname = 'st'"
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server
    local pages
    pages=$(sql "select pg_relation_size('st') / current_setting('block_size')::int")
    # who describes the table looks at the first blocks of its files
    [ "$(sql "select heap_blks_read <= 1, heap_blks_hit, idx_blks_read <= 1, toast_blks_read is null from pg_statio_user_tables where relname = 'st'")" = "t|0|t|t" ]
    [ "$(sql "select count(*) from st")" = 5000 ]
    at_least "$pages" "select heap_blks_read from pg_statio_user_tables where relname = 'st'"
    [ "$(sql "select heap_blks_read = $pages, idx_blks_read <= 1 from pg_statio_user_tables where relname = 'st'")" = "t|t" ]
    sql "set enable_seqscan = off; select b from st where a = 7" >/dev/null
    at_least 2 "select idx_blks_read from pg_statio_user_indexes where indexrelname = 'st_pkey'"
    at_least 1 "select heap_blks_hit from pg_statio_all_tables where relname = 'st'"
    [ "$(sql "select heap_blks_read + heap_blks_hit from pg_statio_all_tables where relname = 'other'")" -lt 5 ]
    [ "$(sql "select blks_read >= $pages, blks_hit > 0 from pg_stat_database where datname = 'rustydb'")" = "t|t" ]
    [ "$(sql "select blks_read from pg_stat_database where datname = 'template1'")" = 0 ]
    # a new file, and back to the old one: the relation's figures go on
    sql "begin; truncate st; insert into st values (1); rollback; truncate other; insert into other select generate_series(1, 3000)"
    at_least 3 "select heap_blks_hit from pg_statio_user_tables where relname = 'other'"
    local before
    before=$(sql "select heap_blks_hit from pg_statio_user_tables where relname = 'st'")
    sql "select count(*) from st" >/dev/null
    at_least $((before + pages)) "select heap_blks_hit from pg_statio_user_tables where relname = 'st'"
    sql "select pg_stat_reset_single_table_counters('st'::regclass)" >/dev/null
    [ "$(sql "select heap_blks_read, heap_blks_hit < $pages from pg_statio_user_tables where relname = 'st'")" = "0|t" ]
    sql "select pg_stat_reset()" >/dev/null
    [ "$(sql "select blks_read < $pages from pg_stat_database where datname = 'rustydb'")" = t ]
}

@test "temporary files are counted where they were written, and rdb-diag sees them" {
    [ "$(sql "select temp_files, temp_bytes from pg_stat_database where datname = 'template1'")" = "0|0" ]
    local before
    before=$(sql "select temp_files from pg_stat_database where datname = 'rustydb'")
    sql "set work_mem = '64kB'; select count(*) from (select i from generate_series(1, 300000) i order by i desc offset 0) s" >/dev/null
    at_least $((before + 1)) "select temp_files from pg_stat_database where datname = 'rustydb'"
    at_least 1000000 "select temp_bytes from pg_stat_database where datname = 'rustydb'"
    [ "$(sql "select temp_files, temp_bytes from pg_stat_database where datname = 'template1'")" = "0|0" ]
    # one that stays open between statements counts when it ends
    before=$(sql "select temp_files from pg_stat_database where datname = 'rustydb'")
    sql "set work_mem = '64kB'; begin; declare c cursor for select i from generate_series(1, 300000) i order by i desc; fetch c; close c; commit" >/dev/null
    at_least $((before + 1)) "select temp_files from pg_stat_database where datname = 'rustydb'"
    sql "select pg_stat_reset()" >/dev/null
    [ "$(sql "select temp_files, temp_bytes from pg_stat_database where datname = 'rustydb'")" = "0|0" ]
}

@test "a session whose commit is on its way to the disk is active and says what it waits for" {
    sql "create table held(a int)"
    rdb-serve --home "$HOME_DIR" --stop >/dev/null
    RDB_FAULT="sync:/data/wal/:nth=1:count=0:delay=600000" start_server
    meets_commit() { # before it is over
        local writer row
        sql "insert into held values (1)" 3>&- &
        writer=$!
        while kill -0 "$writer" 2>/dev/null; do
            row=$(sql "select state, wait_event_type, wait_event, xact_start is not null, state_change = query_start from pg_stat_activity where query = 'insert into held values (1)'")
            [ "$row" != "active|IPC|WalFlush|t|t" ] || { wait "$writer"; return; }
            echo "$row"
        done
        return 1
    }
    wait_for meets_commit
    [ "$(sql "select wal_sync_time > 200 and wal_write_time > 0 from pg_stat_wal")" = t ]
    sql "select pg_stat_reset_shared('wal')" >/dev/null
    [ "$(sql "select wal_sync_time < 200000 from pg_stat_wal")" = t ]
    rdb-serve --home "$HOME_DIR" --stop >/dev/null; start_server
}
