#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A table is lost, and comes back: a backup, some work, a mistake, and one command. Usage: lost-table.sh DIRECTORY
# The directory is made, and holds the instance and its repository afterwards; the server is stopped at the end.
set -euo pipefail
top=${1:?usage: lost-table.sh DIRECTORY}
home=$top/db repository=$top/backup
mkdir -p "$repository"
sql() { rdb-cli --home "$home" --user admin --tuples-only --output unaligned --command "$1"; }

rdb-init --home "$home" --insecure --tune small
# The server archives its log into the repository, at most a second behind.
cat >"$home/conf/overrides.d/archive.toml" <<TOML
[wal]
archive_enabled = true
archive_directory = "$repository/wal"
archive_partial_ms = 1000
TOML
rdb-serve --home "$home" --port "${PORT:-25432}" >"$top/serve.out" 2>&1 &
server=$!
trap 'kill $server; wait $server || true' EXIT
until grep -q 'Server listening' "$top/serve.out"; do sleep 0.1; done

sql "create table orders (id serial primary key, item text)"
sql "insert into orders (item) values ('lamp'), ('chair')"
rdb-backup --home "$home" --output "$repository"                 # once a week, say
sql "insert into orders (item) values ('table')"
sleep 0.1; moment=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ | sed 's/...Z$/Z/'); sleep 0.1
sql "drop table orders"                                          # the mistake
# What was logged until now is in the archive before a restore looks for it there.
end=$(sql "select right(pg_walfile_name(pg_switch_wal()), 16)")
until [ "$(sql "select substr(last_archived_wal, 9, 16) >= '$end' from pg_stat_archiver")" = t ]; do sleep 0.1; done

rdb-restore --input "$repository" --home "$home" --table orders --target-time "$moment"
sql "select id, item from orders order by id"
