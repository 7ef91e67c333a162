#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes an instance, serves it, loads this machine's package index and asks it a few questions. Leaves the server running.
# A second run finds the instance and goes on from there. HOME_DIR: where the instance lies.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${BIN_DIR:-$here/../build/bin}
home=${HOME_DIR:-$here/../build/quickstart}
psql=$(command -v psql || ls /usr/lib/postgresql/15/bin/psql)
mkdir -p "$(dirname "$home")"
home=$(cd "$(dirname "$home")" && pwd)/$(basename "$home")

say() { printf '\n== %s\n' "$*"; }

say "an instance"
"$bin/rdb-init" --home "$home" --if-needed

say "a server"
if "$bin/rdb-serve" --home "$home" --status >/dev/null 2>&1; then
    port=$(basename "$(ls -d "$home"/run/sockets/.s.PGSQL.* | head -1)" | sed 's/.*\.//')
    echo "already running on port $port"
else
    port=5432
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
    # Its own session: it must outlive this script and the terminal.
    setsid "$bin/rdb-serve" --home "$home" --port "$port" >"$home/logs/serve.out" 2>&1 </dev/null &
    for _ in $(seq 200); do
        grep -q "Server listening" "$home/logs/serve.out" && break
        sleep 0.05
    done
    grep "Server listening" "$home/logs/serve.out" || { cat "$home/logs/serve.out" >&2; exit 1; }
fi
sql() { "$psql" -X -q -v ON_ERROR_STOP=1 -h "$home/run/sockets" -p "$port" -U admin rustydb "$@"; }

say "real data: the package index of this machine"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
indexes=(/var/lib/apt/lists/*_Packages*)
[ -e "${indexes[0]}" ] || { echo "no package index here: run apt-get update first" >&2; exit 1; }
for index in "${indexes[@]}"; do
    /usr/lib/apt/apt-helper cat-file "$index"
    echo
done | awk -v packages="$work/package.csv" -v dependencies="$work/dependency.csv" -f "$here/debian-packages/index-to-csv.awk"
sql -f "$here/debian-packages/schema.sql"
sql -c "\\copy package FROM '$work/package.csv' (FORMAT csv)" -c "\\copy dependency FROM '$work/dependency.csv' (FORMAT csv)"
sql -c "CREATE INDEX ON dependency (package, kind)" -c "CREATE INDEX ON dependency (target)" -c "ANALYZE"
wc -l <"$work/package.csv" | xargs printf '%s packages, '
wc -l <"$work/dependency.csv" | xargs printf '%s dependencies loaded\n'

say "questions"
sql -e -f "$here/debian-packages/queries.sql"

say "it is yours"
cat <<EOT
connect:  psql -h $home/run/sockets -p $port -U admin rustydb
          psql "host=127.0.0.1 port=$port user=admin dbname=rustydb password=\$(cat $home/conf/secrets/auth/admin.password)"
stop:     $bin/rdb-serve --home $home --stop
EOT
