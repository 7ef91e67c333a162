#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Somebody dropped a table; the audit log tells who and when, and the table comes back as it was just before. Usage: just-before.sh DIRECTORY
# The directory is made, and holds the instance and its repository afterwards; the server is stopped at the end.
set -euo pipefail
top=${1:?usage: just-before.sh DIRECTORY}
home=$top/db repository=$top/backup
mkdir -p "$repository"
sql() { rdb-cli --home "$home" --user admin --tuples-only --output unaligned --command "$1"; }

rdb-init --home "$home" --insecure --tune small
# Changes of definitions are audited, and the log is archived into the repository, at most a second behind.
cat >"$home/conf/overrides.d/audit.toml" <<TOML
[security.audit]
enable = true
[wal]
archive_enabled = true
archive_directory = "$repository/wal"
archive_partial_ms = 1000
TOML
rdb-serve --home "$home" --port "${PORT:-25432}" >"$top/serve.out" 2>&1 &
server=$!
trap 'kill $server; wait $server || true' EXIT
until grep -q 'Server listening' "$top/serve.out"; do sleep 0.1; done

rdb-backup --home "$home" --output "$repository"
sql "create table orders (id serial primary key, item text)"
sql "insert into orders (item) values ('lamp'), ('chair'), ('table')"
sql "begin; delete from orders where id > 1; drop table orders; commit"    # the mistake
# What was logged until now is in the archive before a restore looks for it there.
end=$(sql "select right(pg_walfile_name(pg_switch_wal()), 16)")
until [ "$(sql "select substr(last_archived_wal, 9, 16) >= '$end' from pg_stat_archiver")" = t ]; do sleep 0.1; done

# Who was it? A record tells the commit's SCN too, and the restore stops just before that.
until rdb-audit search --home "$home" --action "DROP TABLE" --object orders; do sleep 0.1; done
scn=$(rdb-audit search --home "$home" --action "DROP TABLE" --object orders --json | sed -n '$s/.*"scn":\([0-9]*\).*/\1/p')
rdb-restore --input "$repository" --home "$home" --table orders --target-scn "$scn" --exclusive
sql "select id, item from orders order by id"
