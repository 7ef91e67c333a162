# SPDX-License-Identifier: Apache-2.0
# What end-to-end tests share: an instance and a server of their own, on the Unix socket and a free loopback port.
bats_require_minimum_version 1.5.0
TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BIN=${BIN_DIR:-$TOP/build/bin}
PATH=$BIN:$PATH
PSQL=$(command -v psql)

# A home short enough for a Unix socket.
make_home() {
    HOME_DIR=$(mktemp -d /tmp/rdb.XXXXXX)/i
}
# Where much is synced and nothing is about disks: in memory, if there is room (containers often have 64 MB there).
quick_place() {
    local free_kb
    free_kb=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
    if [ -w /dev/shm ] && [ "${free_kb:-0}" -gt $((1 << 20)) ]; then echo /dev/shm; else echo /tmp; fi
}
# steady: the instance analyses nothing and makes no checkpoint by itself, for tests whose counts, plans, locks or sizes that would change.
steady() {
    printf '[optimizer]\nauto_analyze_interval_ms = 86400000\n[wal]\ncheckpoint_interval_ms = 600000\n' >"$HOME_DIR/conf/overrides.d/00-steady.toml"
}

# listens PORT: somebody does.
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
    local port
    for port in $(shuf -i 20000-29999 -n 50); do
        listens "$port" || { echo "$port"; return; }
    done
}

# start_server [flags]: returns when it accepts connections.
start_server() {
    PORT=${PORT:-$(free_port)}
    : >"$HOME_DIR.out" # what an earlier server said is not taken for this one's word
    local deadline=$((SECONDS + 120))
    rdb-serve --home "$HOME_DIR" --port "$PORT" "$@" >"$HOME_DIR.out" 2>&1 3>&- &
    SERVER_PID=$!
    while [ "$SECONDS" -lt "$deadline" ]; do
        grep -q "Server listening" "$HOME_DIR.out" && return 0
        kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.05
    done
    cat "$HOME_DIR.out" >&2
    return 1
}

stop_server() {
    [ -n "${SERVER_PID:-}" ] || return 0
    kill "-${1:-TERM}" "$SERVER_PID" 2>/dev/null
    wait "$SERVER_PID" 2>/dev/null
    local status=$?
    SERVER_PID=
    return $status
}

# ends_with STATUS COMMAND...: so and not otherwise.
ends_with() {
    local expected=$1 status=0
    shift
    "$@" || status=$?
    [ "$status" -eq "$expected" ] || { echo "$* ended with $status, not $expected"; return 1; }
}
kill_server() { ends_with 137 stop_server KILL; }

# wait_for COMMAND...: until it succeeds, two minutes at most. What a test needs is waited for, never slept for: the machine may be busy.
wait_for() {
    local deadline=$((SECONDS + 120))
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "never: $*" >&2; return 1; }
        sleep 0.05
    done
}
# wait_for_answer ANSWER STATEMENT: until the server gives it.
wait_for_answer() {
    wait_for answers "$@" && return 0
    echo "but $(sql "$2")" >&2
    return 1
}
answers() { [ "$(sql "$2")" = "$1" ]; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }

# What the server said last, and what it left if it crashed: for whoever reads of a failed test.
tell_of_failure() {
    [ -z "${BATS_TEST_COMPLETED:-}" ] || return 0
    { tail -n 5 "$HOME_DIR.out"; tail -n 5 "$HOME_DIR/logs/rustydb.log"; head -n 60 "$HOME_DIR"/diag/incident-*-crash.txt; } 2>/dev/null || :
}

# Tests of a file that share a server may have started it anew: the one that has the home now is named there.
remove_home() {
    tell_of_failure
    local pid
    for pid in ${WORKERS:-}; do kill "$pid" 2>/dev/null || :; done
    for pid in "${SERVER_PID:-}" "$(grep -om1 '^[0-9]*' "$HOME_DIR/run/rustydb.pid" 2>/dev/null)"; do
        [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null || continue
        wait "$pid" 2>/dev/null
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
    done
    rm -rf "$(dirname "$HOME_DIR")"
}

# sql STATEMENT: unaligned, tuples only.
sql() {
    "$PSQL" -X -A -t -q -v ON_ERROR_STOP=1 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin "${DATABASE:-rustydb}" -c "$1"
}
psql_file() {
    "$PSQL" -X -A -t -q -v ON_ERROR_STOP=1 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin "${DATABASE:-rustydb}" -f "$1"
}

# in_background NAME SQL...: a session that runs the statements and stays, in its transaction where one is open, and runs what
# then_in NAME SQL... tells it later. It ends with the test at the latest.
in_background() {
    local name=$1
    shift
    printf '%s\n' "$@" >"$HOME_DIR.$name.sql"
    tail -f -n +1 --pid=$$ "$HOME_DIR.$name.sql" 3>&- | PGAPPNAME=$name "$PSQL" -X -A -t -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >"$HOME_DIR.$name" 2>&1 3>&- &
    WORKERS="${WORKERS:-} $!"
}
then_in() { printf '%s\n' "${@:2}" >>"$HOME_DIR.$1.sql"; }

# pgbench comes with the server package, which is unpacked and never installed. (What Debian's client package calls pgbench is a
# wrapper that looks for the server's.)
find_pgbench() {
    local candidate
    for candidate in /usr/lib/postgresql/15/bin/pgbench "$TOP/build/peer/usr/lib/postgresql/15/bin/pgbench" "$(command -v pgbench)"; do
        "$candidate" --version >/dev/null 2>&1 && { echo "$candidate"; return; }
    done
    mkdir -p "$TOP/build/peer"
    (cd "$TOP/build/peer" && apt-get download -q postgresql-15 >/dev/null && dpkg -x postgresql-15_*.deb . && rm -f postgresql-15_*.deb) || return 1
    echo "$TOP/build/peer/usr/lib/postgresql/15/bin/pgbench"
}
