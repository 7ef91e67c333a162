#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the machine does to a database: a full disk, damaged files, failing syncs, killed processes, cut connections. Each gets a
# clear error, other work goes on where it can, and nothing that was acknowledged is lost.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
}
teardown() {
    if [ -n "${MOUNTED:-}" ]; then
        tell_of_failure
        [ -z "${SERVER_PID:-}" ] || kill_server
        umount "$MOUNTED"
        HOME_DIR=$(dirname "$MOUNTED")/i
    fi
    remove_home
}

# sqlstate STATEMENT: the state of its error.
sqlstate() {
    "$PSQL" -X -A -t -q -v VERBOSITY=sqlstate -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin "${DATABASE:-rustydb}" -c "$1" 2>&1 >/dev/null | sed -n 's/^ERROR:  //p'
}
# The server has ended or does so by itself.
server_ends() {
    wait_for is_gone "$SERVER_PID"
}
# Where a table's rows lie on disk.
table_file() {
    ls -S "$HOME_DIR"/data/tables/*/"$(sql "select relfilenode from pg_class where relname = '$1'")" | head -1
}
# overwrite FILE OFFSET BYTES: garbage in the middle of a file.
overwrite() {
    head -c "$3" /dev/urandom | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
load_balances() {
    sql 'create table account (id int primary key, balance int)'
    sql 'insert into account select i, 100 from generate_series(1, 1000) i'
}
books_balance() {
    [ "$(sql 'select count(*), sum(balance) from account')" = "1000|100000" ]
}

@test "faults: a full disk fails COPY with 53100, not what was there before, and heals" {
    MOUNTED=$(dirname "$HOME_DIR")/small
    mkdir "$MOUNTED"
    if ! mount -t tmpfs -o size=104m rdbtest "$MOUNTED" 2>/dev/null; then MOUNTED=; skip "no right to mount a small file system"; fi
    mv "$HOME_DIR" "$MOUNTED/i"
    HOME_DIR=$MOUNTED/i
    start_server --buffer-pool-size 2000
    head -c 24M /dev/zero >"$MOUNTED/ballast"
    load_balances
    sql 'create table big (n int, t text)'
    run "$PSQL" -X -q -v VERBOSITY=verbose -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb \
        -c "\\copy big from program 'seq 1 3000000 | sed \"s/\$/\\tsome text that takes room/\"'"
    [ "$status" -ne 0 ] && [[ "$output" == *"53100"*"No space left on device"* ]]
    [ "$(sql 'select count(*) from big')" = 0 ]
    books_balance
    rm "$MOUNTED/ballast" # the operator makes a little room: for a segment of the log, and pages that change
    sql 'update account set balance = balance + 1 where id = 1; update account set balance = balance - 1 where id = 2'
    kill_server
    start_server --buffer-pool-size 2000
    books_balance
    [ "$(sql 'select count(*) from big')" = 0 ]
    sql 'drop table big'
    has_room() { sql 'checkpoint' && [ "$(df --output=avail -m "$MOUNTED" | tail -1)" -gt 10 ]; }
    wait_for has_room # purge takes the file away
    sql 'create table again (n int)'
    sql 'insert into again select generate_series(1, 10000)'
    [ "$(sql 'select count(*) from again')" = 10000 ]
}

@test "faults: no room for the log refuses changes with 53100 until there is room again" {
    start_server
    load_balances
    stop_server
    export RDB_FAULT="create:/data/wal/:nth=1:count=0:ENOSPC"
    start_server
    sql 'create table big (t text)'
    run sqlstate "insert into big select md5(i::text) from generate_series(1, 1000000) i"
    [ "$output" = 53100 ]
    [ "$(sql 'select count(*) from big')" = 0 ]
    books_balance
    unset RDB_FAULT
    kill_server
    start_server
    books_balance
    [ "$(sql 'select count(*) from big')" = 0 ]
    sql "insert into big select md5(i::text) from generate_series(1, 1000000) i"
    [ "$(sql 'select count(*) from big')" = 1000000 ]
}

@test "faults: a failing write of a table fails the checkpoint, and the next one succeeds" {
    start_server
    load_balances
    stop_server
    RDB_FAULT="write:/data/tables/:nth=1:count=3:EIO" start_server
    sql 'update account set balance = balance + 1 where id <= 500; update account set balance = balance - 1 where id <= 500'
    [ "$(sqlstate checkpoint)" = 58030 ]
    books_balance
    for _ in 1 2 3 4; do sqlstate checkpoint; done
    [ "$(sqlstate checkpoint)" = "" ]
    kill_server
    start_server
    books_balance
}

@test "faults: a failing sync of the log stops the server, which says why, and the next start recovers" {
    start_server
    load_balances
    stop_server
    RDB_FAULT="sync:/data/wal/:nth=12:count=0:EIO" start_server
    sql 'create table told (n int primary key)'
    told=0
    for n in $(seq 100); do
        sql "insert into told values ($n)" 2>/dev/null || break
        told=$n
    done
    [ "$told" -lt 100 ]
    wait "$SERVER_PID" && false # not a clean end
    SERVER_PID=
    grep -q '"level":"error".*sync' "$HOME_DIR/logs/rustydb.log"
    start_server
    books_balance
    [ "$(sql 'select count(*) from told')" -ge "$told" ]
    [ "$(sql 'select count(*) from told')" -le $((told + 1)) ]
}

@test "faults: an answer waits for the log, and a pipeline's commits for one sync" {
    local pgbench pipeline="$BATS_TEST_TMPDIR/pipeline.sql"
    pgbench=$(find_pgbench)
    start_server
    sql 'create table told (n int)'
    stop_server
    RDB_FAULT="sync:/data/wal/:nth=1:count=0:delay=400000" start_server
    begin=$(date +%s%N)
    sql 'insert into told values (1)'
    [ $((($(date +%s%N) - begin) / 1000000)) -ge 400 ]
    # More than one read of the server takes: what it has left in the socket when it holds the answers back is served too.
    { echo '\startpipeline'; for _ in $(seq 60); do echo 'begin;'; echo 'insert into told values (3);'; echo 'commit;'; done; echo '\endpipeline'; } >"$pipeline"
    local syncs
    syncs=$(sql 'select wal_sync from pg_stat_wal')
    begin=$(date +%s%N)
    "$pgbench" -n -M extended -t 1 -f "$pipeline" -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb
    [ $((($(date +%s%N) - begin) / 1000000)) -ge 400 ]
    [ $(($(sql 'select wal_sync from pg_stat_wal') - syncs)) -lt 30 ] # each commit for itself: 60
    kill_server
    start_server
    [ "$(sql 'select count(*) from told')" = 61 ]
}

@test "faults: a failing sync of a table stops the server rather than forgetting the pages" {
    start_server
    load_balances
    stop_server
    RDB_FAULT="sync:/data/tables/:nth=1:count=0:EIO" start_server
    sql 'update account set balance = balance + 1 where id <= 500; update account set balance = balance - 1 where id <= 500'
    run sql checkpoint
    [ "$status" -ne 0 ]
    server_ends
    wait "$SERVER_PID" && false
    SERVER_PID=
    start_server
    books_balance
}

# Every place that syncs: the log, its directory, each class of files, their directories, the control file, the map of changed blocks.
# What fails there ends the server with a line that names the file; nothing that was told before is lost, and the next start goes on.
@test "faults: a failing sync stops the server wherever it comes, and the next start recovers" {
    start_server
    load_balances
    stop_server
    round=0
    for rule in sync:/data/wal/:nth=30 syncdir:/data/wal:nth=1 sync:/data/tables/:nth=1 sync:/data/indexes/:nth=1 sync:/data/undo/:nth=1 \
        sync:/data/xact/:nth=1 syncdir:/data/tables:nth=1 syncdir:/data/indexes:nth=1 sync:/data/meta/control:nth=2 sync:/data/meta/changes:nth=1; do
        echo "$rule"
        round=$((round + 1))
        : >"$HOME_DIR/logs/rustydb.log"
        if RDB_FAULT="$rule:count=1:EIO" start_server 2>/dev/null; then # some come at the start already
            sql "create table told$round (n int primary key)" 2>/dev/null || server_ends
        fi
        told=0
        for n in $(seq 40); do
            sql "insert into told$round values ($n)" 2>/dev/null || break
            told=$n
            [ $((n % 10)) -ne 0 ] || sql 'checkpoint' 2>/dev/null || break
        done
        if kill -0 "$SERVER_PID" 2>/dev/null; then # a new segment of the log, and what only its end reaches
            sql "create table filler (t text); insert into filler select repeat(md5(i::text), 10) from generate_series(1, 150000) i; drop table filler" 2>/dev/null || server_ends
        fi
        server_ends
        wait "$SERVER_PID" && false # not a clean end
        SERVER_PID=
        part=${rule#*:}
        grep -q "\"level\":\"error\".*could not fsync [a-z]* .*${part%%:*}" "$HOME_DIR/logs/rustydb.log"
        start_server
        books_balance
        found=$(sql "select count(*) from told$round" 2>/dev/null || echo 0)
        [ "$found" -ge "$told" ] && [ "$found" -le $((told + 1)) ]
        stop_server
    done
}

@test "faults: a damaged page is XX001 with file and block, and everything else works" {
    start_server
    load_balances
    sql 'create table hurt (n int)'
    sql 'insert into hurt select generate_series(1, 10000)'
    file=$(table_file hurt)
    stop_server
    overwrite "$file" 8500 20
    start_server
    [ "$(sqlstate 'select sum(n) from hurt')" = XX001 ]
    run sql 'select sum(n) from hurt'
    [[ "$output" == *"invalid page in block 2 of relation"*"checksum does not match"* && "$output" == *"/$(basename "$file")"* ]]
    [ "$(sqlstate 'insert into hurt values (1)')" = "" ] || [ "$(sqlstate 'insert into hurt values (1)')" = XX001 ]
    books_balance
    [ "$(sqlstate 'drop table hurt')" = "" ]
    [ "$(sql "select count(*) from pg_class where relname = 'hurt'")" = 0 ]
    stop_server
}

@test "faults: a page written to the wrong place is told" {
    start_server
    sql 'create table hurt (n int)'
    sql 'insert into hurt select generate_series(1, 10000)'
    file=$(table_file hurt)
    stop_server
    dd if="$file" of="$file" bs=4096 skip=3 seek=5 count=1 conv=notrunc status=none
    start_server
    [ "$(sqlstate 'select sum(n) from hurt')" = XX001 ]
}

@test "faults: a table's file that is gone is an error of that table alone" {
    start_server
    load_balances
    sql 'create table hurt (n int)'
    sql 'insert into hurt select generate_series(1, 10000)'
    gone=$(table_file hurt)
    stop_server
    rm "$gone"
    start_server
    [[ "$(sqlstate 'select sum(n) from hurt')" == @(XX001|58P01) ]]
    books_balance
}

@test "faults: one bad copy of the control file is as good as none" {
    start_server
    load_balances
    stop_server
    for offset in 0 4096; do
        cp "$HOME_DIR/data/meta/control" "$HOME_DIR.control"
        overwrite "$HOME_DIR/data/meta/control" $((offset + 20)) 60
        start_server
        books_balance
        stop_server
    done
}

@test "faults: a control file with both copies bad, or none, is made anew from the log" {
    start_server
    load_balances
    stop_server
    overwrite "$HOME_DIR/data/meta/control" 10 60
    overwrite "$HOME_DIR/data/meta/control" 4110 60
    start_server
    grep -q 'the control file was made anew' "$HOME_DIR/logs/rustydb.log" "$HOME_DIR.out"
    books_balance
    sql 'insert into account values (1001, 0)'
    sql 'checkpoint'
    sql 'insert into account values (1002, 0)'
    kill_server
    rm "$HOME_DIR/data/meta/control"
    start_server
    [ "$(sql 'select count(*), sum(balance) from account')" = "1002|100000" ]
    stop_server
    start_server
    [ "$(sql 'select count(*), sum(balance) from account')" = "1002|100000" ]
    stop_server
    # Without a log it cannot be, and nothing is touched.
    truncate -s 0 "$HOME_DIR/data/meta/control"
    mv "$HOME_DIR/data/wal" "$HOME_DIR.wal"
    mkdir "$HOME_DIR/data/wal"
    run rdb-serve --home "$HOME_DIR" --port "$PORT"
    [ "$status" -ne 0 ] && [[ "$output" == *"control file"* && "$output" == *"no segment of the write-ahead log"* ]]
    [ ! -s "$HOME_DIR/data/meta/control" ]
    rmdir "$HOME_DIR/data/wal"
    mv "$HOME_DIR.wal" "$HOME_DIR/data/wal"
    start_server
    [ "$(sql 'select count(*), sum(balance) from account')" = "1002|100000" ]
}

@test "faults: garbage behind the end of the log is an end, in its middle it is damage" {
    start_server
    load_balances
    sql 'checkpoint'
    first=$(ls "$HOME_DIR/data/wal" | head -1)
    for i in 1 2 3; do sql "create table filler$i (t text); insert into filler$i select (select string_agg(md5((i * k)::text), '') from generate_series(1, 10) k) from generate_series(1, 40000) i"; done # what the log cannot compress
    sql 'insert into account values (1001, 0)'
    kill_server
    [ "$(ls "$HOME_DIR/data/wal" | wc -l)" -gt 2 ]
    cp -a "$HOME_DIR" "$HOME_DIR.copy"
    # The middle: a byte of a segment that is followed by others.
    second=$(ls "$HOME_DIR/data/wal" | sed -n 2p)
    overwrite "$HOME_DIR/data/wal/$second" 5000000 1000
    run rdb-serve --home "$HOME_DIR" --port "$PORT"
    [ "$status" -ne 0 ] && [[ "$output" == *"the WAL is damaged at"* ]]
    rm -rf "$HOME_DIR"
    mv "$HOME_DIR.copy" "$HOME_DIR"
    start_server
    [ "$(sql 'select count(*) from account')" = 1001 ]
    kill_server
    # The end: find the last bytes that are not zero and add garbage behind them.
    last=$(for f in "$HOME_DIR"/data/wal/*; do [ -n "$(tail -c +65 "$f" | tr -d '\0' | head -c 1)" ] && echo "$f"; done | tail -1)
    end=$(python3 -c 'import sys; print(len(open(sys.argv[1], "rb").read().rstrip(b"\0")))' "$last")
    overwrite "$last" $((end + 64)) 300
    start_server
    [ "$(sql 'select count(*) from account')" = 1001 ]
}

@test "faults: killed at rest and at work, it comes back in a moment" {
    local quickest=1000000 took
    start_server
    load_balances
    for ending in KILL:137 QUIT:1 ABRT:134; do
        "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c 'begin; update account set balance = 0; select pg_sleep(600)' >/dev/null 2>&1 3>&- &
        client=$!
        wait_for_answer 1 "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        ends_with "${ending#*:}" stop_server "${ending%:*}"
        ends_with 2 wait "$client" # psql's word for a lost connection
        begin=$(date +%s%N)
        start_server
        took=$((($(date +%s%N) - begin) / 1000000))
        [ "$took" -ge "$quickest" ] || quickest=$took
        books_balance
    done
    [ "$quickest" -lt 10000 ] # a machine busy with other work is slow now and then
}

@test "faults: a connection cut in a transaction, a message or a COPY leaves nothing behind" {
    start_server
    load_balances
    python3 - "$HOME_DIR/run/sockets/.s.PGSQL.$PORT" <<'PY'
import socket, struct, sys, time
def connect():
    s = socket.socket(socket.AF_UNIX); s.settimeout(120); s.connect(sys.argv[1])
    body = struct.pack(">I", 196608) + b"user\0admin\0database\0rustydb\0\0"
    s.sendall(struct.pack(">I", len(body) + 4) + body)
    until(s, b"Z")
    return s
def until(s, kind):
    data = b""
    while True:
        while len(data) < 5 or len(data) < 1 + struct.unpack(">I", data[1:5])[0]:
            data += s.recv(65536)
        size = 1 + struct.unpack(">I", data[1:5])[0]
        found, data = data[:1], data[size:]
        if found == kind: return
def query(s, text, kind=b"Z"):
    body = text.encode() + b"\0"
    s.sendall(b"Q" + struct.pack(">I", len(body) + 4) + body)
    until(s, kind)
for round in range(20):
    s = connect(); query(s, "begin"); query(s, "update account set balance = 0"); s.close()
    s = connect(); query(s, "begin"); query(s, "update account set balance = 0"); s.sendall(b"Q\0\0\1\0commit"); s.close()
    s = connect(); query(s, "copy account from stdin", b"G"); s.sendall(b"d" + struct.pack(">I", 4 + 12) + b"%d\t1\n%d\t1\n" % (2000 + round, 3000 + round)); s.close()
    s = connect(); query(s, "copy account from stdin", b"G"); s.sendall(b"d\0\0\xff\xff" + b"5000\t1\n"); s.close()
    s = connect(); s.sendall(b"P\0\0\0\x20\0insert"); s.close()
PY
    wait_for_answer 0 "select count(*) from pg_stat_activity where state <> 'active'"
    books_balance
    sql 'update account set balance = balance' # nobody holds a lock any more
    stop_server
}

@test "faults: a client that does not read does not stop the server's end" {
    start_server
    sql 'create table big (t text)'
    sql "insert into big select repeat('x', 500) from generate_series(1, 20000)"
    python3 - "$HOME_DIR/run/sockets/.s.PGSQL.$PORT" 3>&- <<'PY' &
import socket, struct, sys, time
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
body = struct.pack(">I", 196608) + b"user\0admin\0database\0rustydb\0\0"
s.sendall(struct.pack(">I", len(body) + 4) + body)
text = b"select * from big\0"
s.sendall(b"Q" + struct.pack(">I", len(text) + 4) + text)
time.sleep(600)
PY
    client=$!
    wait_for_answer ClientWrite "select wait_event from pg_stat_activity where query = 'select * from big'"
    begin=$(date +%s)
    stop_server INT
    [ $(($(date +%s) - begin)) -lt 60 ]
    kill "$client"
    ends_with 143 wait "$client"
}

@test "faults: clients that say nothing are let go: at login, in a transaction, between two" {
    start_server --set server.request_timeout_ms=1000
    run timeout 120 bash -c 'exec 3<>/dev/tcp/127.0.0.1/$0; cat <&3; echo gone' "$PORT"
    [ "$output" = gone ]
    wait_for_answer 1 "select count(*) from pg_stat_activity where datname is not null"
    # Those who are let go see their own end in the list of sessions.
    local gone="\\! for i in $(seq -s' ' 2400); do [ \$(PGAPPNAME=asker psql -X -At -h $HOME_DIR/run/sockets -p $PORT -U admin rustydb -c \"select count(*) from pg_stat_activity where application_name = 'idler'\") = 0 ] && break; sleep 0.05; done"
    psql_says() { printf '%s\n' "$@" | PGAPPNAME=idler "$PSQL" -X -A -t -q -v VERBOSITY=verbose -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb 2>&1; }
    run psql_says "set idle_in_transaction_session_timeout = '200ms';" '\! sleep 0.5' 'begin \; select 1;' "$gone" 'select 2;'
    echo "$output"
    [[ $output == *"FATAL:  25P03: terminating connection due to idle-in-transaction timeout"* && $output == 1* && $output != *$'\n2'* ]]
    run psql_says "set idle_session_timeout = '200ms' \\; begin;" '\! sleep 0.5' 'select 1;' 'commit;' "$gone" 'select 2;'
    echo "$output"
    [[ $output == *"FATAL:  57P05: terminating connection due to idle-session timeout"* && $output == 1* && $output != *$'\n2'* ]]
    [ "$(sql 'select 3')" = 3 ]
    stop_server
}

@test "faults: where the log's directory is gone, clients are told so, nobody runs in circles, and work goes on when it is back" {
    start_server
    sql "create table t (i int, x text)"
    mv "$HOME_DIR/data/wal" "$HOME_DIR/data/wal.away"
    # more than what is left of the segment, and of the next one, should that be open already
    run timeout 300 "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb -c "insert into t select 1, string_agg(md5(g::text || i), '') from generate_series(1, 20000) i, generate_series(1, 60) g group by i"
    [[ "$status" -eq 1 || "$status" -eq 2 ]]
    [[ "$output" == *"could not open file"*"data/wal/"*"No such file or directory"* ]]
    ticks() { awk '{print $14 + $15}' "/proc/$SERVER_PID/stat"; }
    is_calm() { # once the rows are taken back: less than 30 ticks of 100
        local before
        before=$(ticks)
        sleep 1
        [ $(($(ticks) - before)) -lt 30 ]
    }
    wait_for is_calm
    mv "$HOME_DIR/data/wal.away" "$HOME_DIR/data/wal"
    sql "insert into t values (0, 'after')"
    [ "$(sql "select count(*) from t where i = 0")" = 1 ]
}
