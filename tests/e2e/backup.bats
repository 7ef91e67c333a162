#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rdb-backup and rdb-restore: a backup is something that has been restored.
load helper

# One instance to copy: most tests need no other.
setup_file() {
    export TEMPLATE=$(mktemp -d "$(quick_place)/rdb.XXXXXX")/i
    fill_instance "$TEMPLATE"
}
teardown_file() { rm -rf "$(dirname "$TEMPLATE")"; }
setup() {
    HOME_DIR=$(mktemp -d "$(quick_place)/rdb.XXXXXX")/i
    REPO=$(dirname "$HOME_DIR")/repo AGAIN=$(dirname "$HOME_DIR")/again
}
teardown() {
    [ -z "${SSHD:-}" ] || kill "$SSHD"
    remove_home
}

fill_instance() {
    rdb-init --home "$1" --insecure --tune small "${@:2}" >/dev/null
    ask "$1" "create table t as select i, md5(i::text) as m from generate_series(1, 20000) i; create index on t (m)" >/dev/null
}
make_instance() { cp -a "$TEMPLATE" "$HOME_DIR"; }
# ask HOME SQL: of an instance at rest.
ask() { rdb-cli --home "$1" --user admin --tuples-only --output unaligned --command "$2"; }
SUM="select count(*), sum(i), min(m) from t where m > '5'"

# Every file of pages equal, the log aside.
same_pages() {
    diff -r --exclude wal --exclude changes --exclude '*.db' "$1/data" "$2/data"
}

# flip FILE BLOCK: one byte of a page, which its checksum then denies.
flip() {
    local byte
    byte=$(dd if="$1" bs=1 skip=$(($2 * 4096 + 3000)) count=1 status=none | od -An -tu1)
    printf "\\x$(printf %02x $((byte ^ 255)))" | dd of="$1" bs=1 seek=$(($2 * 4096 + 3000)) conv=notrunc status=none
}

@test "rdb-backup, rdb-restore: an unknown option exits 2, is explained on stderr, and leaves stdout empty" {
    for program in rdb-backup rdb-restore; do
        run -2 --separate-stderr $program --no-such-option
        [ -z "$output" ] && [[ "$stderr" == *"$program --help"* ]]
    done
    run -2 rdb-backup lisst --output /nowhere
    [[ "$output" == *'did you mean "list"'* ]]
}

@test "rdb-backup: an instance at rest comes back page by page, whatever the compression" {
    make_instance
    for compress in zstd none lz4:3 snappy; do
        rm -rf "$REPO" "$AGAIN"
        rdb-backup --home "$HOME_DIR" --output "$REPO" --compress $compress
        run -0 rdb-restore --input "$REPO" --home "$AGAIN"
        same_pages "$HOME_DIR" "$AGAIN"
    done
    [ "$(ask "$AGAIN" "$SUM")" = "$(ask "$HOME_DIR" "$SUM")" ]
    [ ! -e "$AGAIN/data/RESTORING" ]
}

@test "rdb-backup: page sizes other than the standard one" {
    fill_instance "$HOME_DIR" --page-size 16384
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    rdb-restore --input "$REPO" --home "$AGAIN"
    same_pages "$HOME_DIR" "$AGAIN"
}

@test "rdb-backup: archives open with tar and zstd, the manifest with any JSON reader" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO" --name first
    mkdir "$REPO/x"
    for volume in "$REPO"/backup/*/*.tar.zst; do tar --zstd -xf "$volume" -C "$REPO/x"; done
    run -0 python3 - "$REPO" <<'PYTHON'
import hashlib, json, glob, sys
folder = glob.glob(sys.argv[1] + '/backup/*/manifest.json')[0]
m = json.load(open(folder))
assert m['label'] == 'first' and m['type'] == 'full' and m['format'] == 'rdb-backup'
for o in m['objects']:
    assert hashlib.sha256(open(folder.replace('manifest.json', o['name']), 'rb').read()).hexdigest() == o['sha256']
for f in m['files']:
    for number, offset, length, data, digest in f['parts']:
        name = f['path'] if len(f['parts']) == 1 else '%s@%016x' % (f['path'], offset)
        content = open(sys.argv[1] + '/x/' + name, 'rb').read()
        assert len(content) == length and hashlib.sha256(content).hexdigest() == digest, name
print(len(m['files']) > 500)
PYTHON
    [ "$output" = True ]
}

@test "rdb-backup: an incremental holds what changed, and its chain restores like one" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    ask "$HOME_DIR" "update t set m = 'changed' where i = 7; create table u as select 1 as x; checkpoint" >/dev/null
    run -0 --separate-stderr rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental --json
    small=$(python3 -c 'import json,sys; print(json.loads(sys.argv[1].splitlines()[-1])["stored_bytes"])' "$output")
    ask "$HOME_DIR" "drop table u; delete from t where i > 19000; vacuum t; insert into t select i, 'late' from generate_series(50000, 50100) i" >/dev/null
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type differential
    run -0 rdb-backup list --output "$REPO" --json
    [ "${#lines[@]}" -eq 4 ]
    run -0 python3 - "$small" "${lines[@]}" <<'PYTHON'
import json, sys
full, one, two, differential = map(json.loads, sys.argv[2:])
print(one['parent_id'] == full['backup_id'], two['parent_id'] == one['backup_id'], differential['parent_id'] == full['backup_id'], int(sys.argv[1]) < full['stored_bytes'] / 5)
PYTHON
    [ "$output" = "True True True True" ]
    for type in D I; do
        id=$(ls "$REPO/backup" | grep -- "-$type" | tail -1)
        rm -rf "$AGAIN"
        rdb-backup verify --output "$REPO" --backup "$id" --level page
        rdb-restore --input "$REPO" --home "$AGAIN" --backup "$id"
        same_pages "$HOME_DIR" "$AGAIN"
    done
    [ "$(ask "$AGAIN" "$SUM")" = "$(ask "$HOME_DIR" "$SUM")" ]
}

@test "rdb-backup: an encrypted repository opens with openssl, with each recipient's key, and with no other" {
    make_instance
    work=$(dirname "$HOME_DIR")
    openssl rand -hex 32 >"$work/key" && openssl rand -hex 32 >"$work/other" && echo "correct horse" >"$work/pass"
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/id.pem" -out "$work/cert.pem" -subj /CN=auditor -days 2 2>/dev/null
    rdb-backup --home "$HOME_DIR" --output "$REPO" --encrypt --passphrase-file "$work/pass"
    ! grep -rq 'rdb-backup' "$REPO/backup"
    openssl cms -decrypt -inform DER -in "$REPO/keys/1.cms" -pwri_password "correct horse" -binary -out "$work/k"
    for object in "$REPO"/backup/*/*.cms; do
        openssl cms -decrypt -inform DER -in "$object" -secretkey "$(xxd -p -c 99 "$work/k")" -secretkeyid 01 -binary -out "$work/$(basename "${object%.cms}")"
    done
    python3 -m json.tool "$work/manifest.json" >/dev/null
    zstd -qt "$work"/*.tar.zst
    rdb-backup recipients add --output "$REPO" --passphrase-file "$work/pass" --new-key-file "$work/key"
    rdb-backup recipients add --output "$REPO" --key-file "$work/key" --certificate "$work/cert.pem"
    before=$(find "$REPO/backup" -type f | sort | xargs sha256sum)
    rdb-backup recipients remove 1 --output "$REPO" --key-file "$work/key"
    run -5 rdb-restore --input "$REPO" --home "$AGAIN" --passphrase-file "$work/pass"
    [ ! -e "$AGAIN" ]
    run -5 rdb-backup verify --output "$REPO" --key-file "$work/other"
    run -0 rdb-backup verify --output "$REPO" --identity "$work/id.pem"
    [ "$before" = "$(find "$REPO/backup" -type f | sort | xargs sha256sum)" ]
    rdb-backup recipients remove 2 --output "$REPO" --identity "$work/id.pem"
    run -10 rdb-backup recipients remove 3 --output "$REPO" --identity "$work/id.pem"
    rdb-restore --input "$REPO" --home "$AGAIN" --identity "$work/id.pem"
    same_pages "$HOME_DIR" "$AGAIN"
}

@test "rdb-restore: damage is refused before it is served, and a half-restored instance does not start" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    volume=$(ls "$REPO"/backup/*/vol-000001*)
    printf '\x55' | dd of="$volume" bs=1 seek=100000 conv=notrunc status=none
    run -6 rdb-backup verify --output "$REPO"
    [[ "$output" == *"vol-000001"* ]]
    run -6 rdb-restore --input "$REPO" --home "$AGAIN"
    [[ "$output" == *"vol-000001"* ]]
    run ! timeout 120 rdb-serve --home "$AGAIN" --port "$(free_port)"
    [[ "$output" == *"not whole"* ]]
    rm -r "$REPO"
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    rdb-restore --input "$REPO" --home "$AGAIN"
    same_pages "$HOME_DIR" "$AGAIN"
}

@test "rdb-restore: an instance or other things in the directory are left alone" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    run -10 rdb-restore --input "$REPO" --home "$HOME_DIR"
    mkdir "$AGAIN" && echo mine >"$AGAIN/file"
    run -10 rdb-restore --input "$REPO" --home "$AGAIN"
    [ "$(ls -A "$AGAIN")" = file ]
    rm "$AGAIN/file"
    run -0 rdb-restore --input "$REPO" --home "$AGAIN" --dry-run
    [ -z "$(ls -A "$AGAIN")" ]
}

@test "rdb-backup: a broken page is named, the backup goes on, and exits 6" {
    make_instance
    table=$(find "$HOME_DIR/data/tables" -type f -size +400k | head -1)
    dd if=/dev/urandom of="$table" bs=4096 seek=20 count=1 conv=notrunc status=none
    before=$(find "$HOME_DIR"/data "$HOME_DIR"/conf -type f -not -name "*.db" -exec sha256sum {} + | sort)
    run -6 rdb-backup --home "$HOME_DIR" --output "$REPO"
    [[ "$output" == *"broken page: ${table#"$HOME_DIR"/} of rustydb.public.t, block 20: "* ]]
    # What served the catalogs for that is gone, and the instance as it was.
    [ "$(find "$HOME_DIR"/data "$HOME_DIR"/conf -type f -not -name "*.db" -exec sha256sum {} + | sort)" = "$before" ]
    [ "$(ls -d "$HOME_DIR".*/ 2>/dev/null | wc -l)" -eq 0 ]
    run -0 rdb-backup list --output "$REPO"
    [[ "$output" == *degraded* ]]
}

@test "rdb-backup: a broken page of a running instance is named with its relation, beside the JSON in the manifest, and exits 6" {
    make_instance
    start_server
    table=$(sql "checkpoint; select pg_relation_filepath('t')") index=$(sql "select pg_relation_filepath('t_m_idx')")
    dd if=/dev/urandom of="$HOME_DIR/$table" bs=4096 seek=20 count=1 conv=notrunc status=none
    run -6 rdb-backup --home "$HOME_DIR" --output "$REPO" --full-speed
    [[ "$output" == *"broken page: $table of rustydb.public.t, block 20: "* ]]
    dd if=/dev/urandom of="$HOME_DIR/$index" bs=4096 seek=3 count=1 conv=notrunc status=none
    run -6 --separate-stderr rdb-backup --home "$HOME_DIR" --output "$REPO" --json
    [ "$(jq -c '.degraded_pages, (.degraded | sort_by(.block)[] | [.relation, .path, .block])' <<<"$output")" = "2
[\"rustydb.public.t_m_idx\",\"$index\",3]
[\"rustydb.public.t\",\"$table\",20]" ]
    run -0 rdb-backup info --output "$REPO"
    [ "$(jq -r '.degraded | sort_by(.block)[].relation' <<<"$output" | xargs)" = "rustydb.public.t_m_idx rustydb.public.t" ]
}

@test "rdb-backup: what builds on a broken page says so, by the change map too, until the page is whole again" {
    make_instance
    start_server
    sql "create table other as select i from generate_series(1, 100) i"
    rdb-backup --home "$HOME_DIR" --output "$REPO" --full-speed
    table=$(sql "checkpoint; select pg_relation_filepath('t')")
    flip "$HOME_DIR/$table" 20
    broken="broken page: $table of rustydb.public.t, block 20: Its checksum does not match"
    run -6 rdb-backup --home "$HOME_DIR" --output "$REPO" --full-speed --type full
    [[ "$output" == *"$broken"* ]]
    # The map does not name the page: nothing of it is read, and what says so is the backup before.
    for round in 1 2; do
        sql "update other set i = i + $round"
        run -6 rdb-backup --home "$HOME_DIR" --output "$REPO" --full-speed --type incremental
        [[ "$output" == *"$broken"* ]]
    done
    run -0 rdb-backup verify --output "$REPO" --level page
    run -0 rdb-backup merge --output "$REPO"
    run -0 rdb-backup info --output "$REPO"
    [ "$(jq -c '[.synthetic, (.degraded[] | [.relation, .block])]' <<<"$output")" = '[true,["rustydb.public.t",20]]' ]
    run -0 rdb-restore --input "$REPO" --home "$AGAIN"
    [[ "$output" == *"$broken"*"1 pages were broken already when they were backed up"* ]]
    # Dropped, or whole again: the next one is as good as any.
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --page t:20
    run -0 rdb-backup --home "$HOME_DIR" --output "$REPO" --full-speed --type incremental
    [[ "$output" != *"broken"* ]]
}

@test "rdb-backup: pg_stat_progress_basebackup tells how far a backup of a running instance is" {
    make_instance
    start_server
    ROW="select phase, backup_streamed <= backup_total, tablespaces_total from pg_stat_progress_basebackup where backup_streamed > 0"
    rdb-backup --home "$HOME_DIR" --output "$REPO" --rate 2MB >/dev/null 3>&- &
    local backup=$! seen=
    while [ "$seen" != "streaming database files|t|1" ] && kill -0 $backup 2>/dev/null; do seen=$(sql "$ROW"); done
    [ "$seen" = "streaming database files|t|1" ]
    wait $backup
    wait_for_answer 0 "select count(*) from pg_stat_progress_basebackup"
    sql "create role plain"
    run sql "set role plain; select rdb_backup_progress(3, 1, 1)"
    [[ "$output" == *"permission denied for function rdb_backup_progress"* ]]
    run sql "select rdb_backup_progress(6, 1, 1)"
    [[ "$output" == *"no such progress"* ]]
}

@test "rdb-backup: the repository of another instance is refused" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    rdb-init --home "$AGAIN" --insecure --tune small >/dev/null
    ask "$AGAIN" "select 1" >/dev/null
    run -10 rdb-backup --home "$AGAIN" --output "$REPO"
    [[ "$output" == *"another instance"* ]]
}

# A server that archives into the repository, and a table with one commit a number.
start_archiving() {
    rdb-init --home "$HOME_DIR" --insecure --tune small >/dev/null
    mkdir -p "$REPO"
    printf '[wal]\narchive_enabled = true\narchive_directory = "%s/wal"\narchive_partial_ms = 100\n' "$REPO" >"$HOME_DIR/conf/overrides.d/archive.toml"
    start_server
    sql "create table m (n int primary key)"
}
# Everything logged so far is in the archive.
await_archive() {
    local lsn
    lsn=$(sql "select pg_switch_wal()")
    wait_for_answer t "select right(last_archived_wal, 16) >= right(pg_walfile_name('$lsn'), 16) from pg_stat_archiver"
}
state() { ask "$AGAIN" "select count(*), max(n) from m"; }
restore() {
    rm -rf "$AGAIN"
    rdb-restore --input "$REPO" --home "$AGAIN" "$@"
}

@test "rdb-backup: under load, each backup of a running instance is a moment of its own, and the books balance" {
    rdb-init --home "$HOME_DIR" --insecure --tune small >/dev/null
    start_server
    local pgbench load
    pgbench=$(find_pgbench)
    "$pgbench" -q -i -s 1 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null 2>&1
    "$pgbench" -n -c 3 -T 600 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null 2>&1 3>&- &
    load=$!
    local before=0 count
    # more: until the load has done something since.
    more() {
        has_done() { count=$(sql "select count(*) from pgbench_history") && [ "$count" -gt "$((before + 20))" ]; }
        wait_for has_done && before=$count
    }
    more
    run -0 rdb-backup --home "$HOME_DIR" --output "$REPO" --json
    [ "$(jq '.rested_seconds > 0' <<<"$output")" = true ] # behind the load
    more
    run -0 rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental --compress lz4 --full-speed --json
    [ "$(jq '.rested_seconds == 0' <<<"$output")" = true ]
    more
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    more
    kill $load
    local status_of_load=0
    wait "$load" || status_of_load=$?
    [ "$status_of_load" -eq 143 ]
    before=0
    for id in $(ls "$REPO/backup" | grep Z-); do
        restore --backup "$id"
        run -0 ask "$AGAIN" "select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history), (select count(*) from pgbench_history)"
        [[ "$output" == "t|"* ]]
        count=${output#t|}
        [ "$count" -gt "$before" ]
        before=$count
    done
    [ "$before" -lt "$(sql "select count(*) from pgbench_history")" ]
}

@test "rdb-restore: each kind of target is met exactly, and one that cannot be reached is refused before a byte is touched" {
    start_archiving
    sql "insert into m values (0)"
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    for n in 1 2 3 4 5; do sql "insert into m values ($n)"; done
    local scn moment lsn
    scn=$(sql "select rdb_current_scn()") lsn=$(sql "select pg_current_wal_insert_lsn()")
    sql "select rdb_create_restore_point('before the mistake')" >/dev/null
    sleep 0.05; moment=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ); sleep 0.05
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    for n in 6 7; do sql "insert into m values ($n)"; done
    sql "truncate m"
    sql "insert into m values (100)"
    await_archive
    stop_server
    restore; [ "$(state)" = "6|5" ]
    restore --target-time "$moment"; [ "$(state)" = "6|5" ]
    restore --target-scn "$scn"; [ "$(state)" = "6|5" ]
    restore --target-scn "$scn" --exclusive; [ "$(state)" = "5|4" ]
    restore --target-lsn "$lsn"; [ "$(state)" = "6|5" ]
    restore --target-name "before the mistake"; [ "$(state)" = "6|5" ]
    restore --target-latest; [ "$(state)" = "1|100" ]
    run -0 rdb-restore timeline --input "$REPO"
    [[ "$output" == *"timeline 1"*"restore point before the mistake"*"end of the archived log"* ]]
    rm -rf "$AGAIN"
    for target in --target-time=2001-01-01T00:00:00Z --target-time=2099-01-01T00:00:00Z --target-name=none --target-scn=1 --target-lsn=FF/0; do
        run -10 rdb-restore --input "$REPO" --home "$AGAIN" "$target"
        [[ "$output" == *"cannot be reached"*"The earliest moment is"*"The latest is"* ]]
        [ ! -e "$AGAIN" ]
    done
    run rdb-restore --input "$REPO" --home "$AGAIN" --target-time "2026-01-01 00:00:00"
    [ "$status" -ne 0 ] && [[ "$output" == *"no time zone"* ]] && [ ! -e "$AGAIN" ]
}

@test "rdb-restore timeline: a gap of archived log is an alarm, a window that cannot be reached, and closed by the next incremental" {
    start_archiving
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    for n in 1 2 3; do
        sql "insert into m values ($n)"
        await_archive
    done
    local gap
    gap=$(ls "$REPO/wal" | grep -v '\.' | tail -2 | head -1)
    rm "$REPO/wal/$gap"
    run -6 rdb-backup verify --output "$REPO"
    [[ "$output" == *"wal/$gap"*"no moment behind it"* ]]
    run -0 rdb-restore timeline --input "$REPO"
    [[ "$output" == *"archived log is missing from here on: nothing later can be reached"* ]]
    run -10 rdb-restore --input "$REPO" --home "$AGAIN" --target-latest
    [[ "$output" == *"cannot be reached"*"Of the archived log:"* || "$output" == *"The archive lacks the segment"* ]]
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    sql "insert into m values (4)"
    await_archive
    run -0 rdb-backup verify --output "$REPO"
    [[ "$output" == *"has a gap: segments $gap to $gap"* ]]
    run -0 rdb-restore timeline --input "$REPO"
    [[ "$output" == *"no moment before the end of backup"*"end of the archived log"* ]]
    restore --target-latest
    [ "$(state)" = "4|4" ]
    # The server says so too, when it finds that log was lost before it was archived.
    sql checkpoint
    kill_server
    [[ "$(ls "$HOME_DIR/data/wal" | head -1)" > 0000000000000002 ]]
    echo 000000010000000000000001 >"$HOME_DIR/data/meta/archived"
    start_server
    wait_for_answer t "select failed_count > 0 from pg_stat_archiver"
    grep -q 'never archived and are gone' "$HOME_DIR/logs/rustydb.log"
    # It stays an alarm, over a restart and newer segments that were archived, until a backup closes it: one of the server, or one at rest.
    sql "insert into m values (5)"
    await_archive
    rdb-serve --home "$HOME_DIR" --stop >/dev/null
    gap=$(cat "$HOME_DIR/data/meta/archived-gap")
    [[ "$gap" == "0000000000000002 "* ]]
    cp "$HOME_DIR/data/meta/archived-gap" "$HOME_DIR.gap"
    local metrics
    metrics=$(free_port)
    start_server --set metrics.listen_port="$metrics"
    alarm() { rdb-diag health --home "$HOME_DIR" --json | jq -r '.problems[].rule' | grep -cx archive-gap; }
    metric() { curl -s "http://127.0.0.1:$metrics/metrics" | sed -n 's/^rustydb_archive_gap_segments //p'; }
    [ "$(alarm)" = 1 ] && [ "$(metric)" -ge 1 ]
    [[ "$(curl -s "http://127.0.0.1:$metrics/health" | jq -r '.checks.archive.message // .checks[] | tostring' | tr -d '\n')" == *"segments 0000000000000002 to"* ]]
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    [ "$(alarm || :)" = 0 ] && [ "$(metric)" = 0 ] && [ ! -e "$HOME_DIR/data/meta/archived-gap" ]
    grep -q 'a backup closes the gap' "$HOME_DIR/logs/rustydb.log"
    rdb-serve --home "$HOME_DIR" --stop >/dev/null
    cp "$HOME_DIR.gap" "$HOME_DIR/data/meta/archived-gap"
    [ "$(alarm)" = 1 ]
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    [ "$(alarm || :)" = 0 ]
    rm "$HOME_DIR.gap"
}

@test "rdb-restore: --replace keeps what was there aside, and refuses a served instance" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    ask "$HOME_DIR" "drop table t" >/dev/null
    start_server
    run -8 rdb-restore --input "$REPO" --home "$HOME_DIR" --replace
    stop_server
    rdb-restore --input "$REPO" --home "$HOME_DIR" --replace
    [ "$(ask "$HOME_DIR" "select count(*) from t")" = 20000 ]
    [ -d "$HOME_DIR"/data.before-*/tables ]
}

@test "rdb-restore --table: a table that was dropped at 14:03 is back, beside the living or in its place" {
    start_archiving
    sql "create table customer (id int primary key); insert into customer values (1), (2)"
    sql "create table orders (id serial primary key, customer int references customer, note text default 'none', total numeric check (total > 0))"
    sql "create index on orders (note); insert into orders (customer, note, total) select 1 + i % 2, E'tab\t' || i, i from generate_series(1, 500) i"
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    sql "insert into orders (customer, total) values (2, 7)"
    local moment before
    before=$(sql "select md5(string_agg(o::text, ',' order by id)) from orders o")
    sleep 0.05; moment=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ); sleep 0.05
    sql "drop table orders"
    await_archive
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --table orders --target-time "$moment"
    [[ "$output" == *"501 rows"* && "$output" != *"left out"* ]]
    [ "$(sql "select md5(string_agg(o::text, ',' order by id)) from orders o")" = "$before" ]
    [ "$(sql "insert into orders (customer, total) values (1, 1) returning id > 501, note")" = "t|none" ]
    [ "$(sql "select string_agg(contype::text, '' order by contype) from pg_constraint where conrelid = 'orders'::regclass")" = cfp ]
    run rdb-restore --input "$REPO" --home "$HOME_DIR" --table orders
    [ "$status" -ne 0 ] && [[ "$output" == *"already exists"*"--as"* ]]
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --table rustydb.public.orders --as orders_old
    [ "$(sql "select count(*) from orders_old")" = 500 ]
    [ "$(ls -d "$HOME_DIR".*/ 2>/dev/null | wc -l)" -eq 0 ]
}

@test "rdb-restore --database: a database comes back beside the living one" {
    start_archiving
    sql "create database shop"
    DATABASE=shop sql "create table item (id int primary key, name text); insert into item values (1, 'lamp'); create view v as select name from item"
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    DATABASE=shop sql "drop view v; delete from item"
    run -1 rdb-restore --input "$REPO" --home "$HOME_DIR" --database shop
    [[ "$output" == *"--as"* ]]
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --database shop --as shop_before
    [ "$(DATABASE=shop_before sql "select name from v")" = lamp ]
    [ "$(DATABASE=shop sql "select count(*) from item")" = 0 ]
    [ "$(ls -d "$HOME_DIR".*/ 2>/dev/null | wc -l)" -eq 0 ]
}

@test "rdb-restore --page: a broken page is made again as it would be, by the backup and all log since" {
    start_archiving
    sql "create table t as select i, md5(i::text) as m from generate_series(1, 20000) i"
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    sql "update t set m = 'late' where i % 100 = 3"
    await_archive
    sql "update t set m = 'later' where i % 100 = 4"
    stop_server
    local table before
    before=$(ask "$HOME_DIR" "select md5(string_agg(t::text, ',' order by i)) from t")
    table=$(find "$HOME_DIR/data/tables" -type f -size +1000k | head -1)
    cp "$table" "$table.good" && mv "$table.good" "$HOME_DIR.good"
    dd if=/dev/urandom of="$table" bs=4096 seek=20 count=1 conv=notrunc status=none
    run -6 rdb-vacuum --home "$HOME_DIR" --verify
    local name=${table#"$HOME_DIR"/data/}
    run rdb-restore --input "$REPO" --home "$HOME_DIR" --page "$name:20"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"was made again"* ]]
    run -0 rdb-vacuum --home "$HOME_DIR" --verify
    [ "$(ask "$HOME_DIR" "select md5(string_agg(t::text, ',' order by i)) from t")" = "$before" ]
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --page "$name:20"
    [[ "$output" == *"is sound"* ]]
    run -2 rdb-restore --input "$REPO" --home "$HOME_DIR" --page data/meta/control:0
    # Without the log between nothing is touched.
    dd if=/dev/urandom of="$table" bs=4096 seek=20 count=1 conv=notrunc status=none
    mv "$REPO/wal" "$REPO/wal.away"
    rm -f "$HOME_DIR/data/wal/0000000000000002"
    before=$(sha256sum <"$table")
    run rdb-restore --input "$REPO" --home "$HOME_DIR" --page "$name:20"
    [ "$status" -ne 0 ] && [ "$(sha256sum <"$table")" = "$before" ]
}

@test "rdb-restore --page: a broken page of a served table is made again under load, with what only the running log has" {
    start_archiving
    printf '[security.audit]\nenable = true\n' >"$HOME_DIR/conf/overrides.d/50-audit.toml"
    stop_server
    start_server
    local pgbench table edge load
    pgbench="$(find_pgbench) -n -h $HOME_DIR/run/sockets -p $PORT -U admin"
    "$(find_pgbench)" -q -i -s 1 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null 2>&1
    rdb-backup --home "$HOME_DIR" --output "$REPO" --full-speed
    cat >"$HOME_DIR.bench" <<'END'
\set aid random(:edge + 1, 100000)
\set delta random(-5000, 5000)
begin;
update pgbench_accounts set abalance = abalance + :delta where aid = :aid;
insert into pgbench_history (tid, bid, aid, delta, mtime) values (1, 1, :aid, :delta, now());
end;
END
    $pgbench -c 2 -t 100 -f "$HOME_DIR.bench" -D edge=0 rustydb >/dev/null
    sql "update pgbench_accounts set abalance = 7000000 + aid where aid < 5000"
    # Block 20 is broken on the disk alone while no server has it; no client of the load below needs it.
    table=$HOME_DIR/$(sql "select pg_relation_filepath('pgbench_accounts')")
    edge=$(sql "select max(aid) from pgbench_accounts where (ctid::text::point)[0] <= 20")
    [ "$(sql "select count(*) > 10 from pgbench_accounts where (ctid::text::point)[0] = 20 and abalance > 7000000")" = t ]
    local before expected
    before=$(sql "select md5(string_agg(a::text, ',' order by aid)) from pgbench_accounts a where aid <= $edge")
    expected=$(sql "select (select sum(abalance) from pgbench_accounts) - (select sum(delta) from pgbench_history)")
    stop_server
    flip "$table" 20
    start_server
    $pgbench -c 3 -T 600 -f "$HOME_DIR.bench" -D edge="$edge" rustydb >"$HOME_DIR.load" 2>&1 3>&- &
    load=$!
    run sql "select sum(abalance) from pgbench_accounts"
    [ "$status" -ne 0 ] && [[ "$output" == *"invalid page in block 20 of relation"* ]]
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --page pgbench_accounts:20 --dry-run
    [[ "$output" == *"can be made again from backup"* ]]
    run sql "select sum(abalance) from pgbench_accounts where aid <= $edge"
    [ "$status" -ne 0 ]
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --page pgbench_accounts:20
    [[ "$output" == *"block 20 of data/tables/"*" of rustydb.public.pgbench_accounts (Its checksum does not match) was made again from backup "*"; its LSN is "* ]]
    [ "$(sql "select md5(string_agg(a::text, ',' order by aid)) from pgbench_accounts a where aid <= $edge")" = "$before" ]
    kill -0 "$load"
    # It can be changed as ever, is whole on the disk, and comes again after a crash.
    sql "update pgbench_accounts set abalance = abalance + 1 where (ctid::text::point)[0] = 20"
    expected=$((expected + $(sql "select count(*) from pgbench_accounts where (ctid::text::point)[0] = 20")))
    kill "$load"
    wait "$load" || :
    ! grep -q "aborted" "$HOME_DIR.load"
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --page "tables/${table#*/tables/}:20"
    [[ "$output" == *"is sound: nothing was changed"* ]]
    kill_server
    start_server
    [ "$(sql "select (select sum(abalance) from pgbench_accounts) - (select sum(delta) from pgbench_history)")" = "$expected" ]
    run -0 rdb-vacuum --home "$HOME_DIR" --verify
    is_recorded() { [ "$(rdb-audit search --home "$HOME_DIR" --action "REPAIR PAGE" --json | jq -r '[.class, .outcome, .detail.program, .detail.what] | join(" ")')" = "tool success rdb-restore block 20 of public.pgbench_accounts" ]; }
    wait_for is_recorded
    # The archived log has the page too: a copy that recovers ends with it.
    await_archive
    restore --target-latest
    [ "$(ask "$AGAIN" "select (select sum(abalance) from pgbench_accounts) - (select sum(delta) from pgbench_history)")" = "$expected" ]
}

@test "rdb-restore --page: of a served index; what is broken on disk alone, is sound, is no page or is not allowed" {
    make_instance
    start_server
    local index table answer
    answer=$(sql "$SUM")
    rdb-backup --home "$HOME_DIR" --output "$REPO" --full-speed
    sql "insert into t select i, md5(i::text) from generate_series(20001, 21000) i"
    answer=$(sql "set enable_seqscan = off; select count(m), max(m) from t where m > '1'")
    index=$HOME_DIR/$(sql "select pg_relation_filepath('t_m_idx')") table=$HOME_DIR/$(sql "select pg_relation_filepath('t')")
    stop_server
    flip "$index" 3
    start_server
    run sql "set enable_seqscan = off; select count(m), max(m) from t where m > '1'"
    [ "$status" -ne 0 ] && [[ "$output" == *"invalid page in block 3 of relation indexes/"* ]]
    # The instance's own log goes back to the backup: no archive is needed. The message's own words name the page.
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --page "indexes/${index#*/indexes/}:3" --json
    [ "$(jq -c '[.relation, .block, .was_served, .was_sound, .was_in_memory, .problem]' <<<"$output")" = '["rustydb.public.t_m_idx",3,true,false,false,"Its checksum does not match"]' ]
    [ "$(sql "set enable_seqscan = off; select count(m), max(m) from t where m > '1'")" = "$answer" ]
    [ -z "$(sql "select * from rdb_verify('t')")" ]
    # In memory it is whole: no backup is looked for.
    sql "select count(*) from t" >/dev/null
    flip "$table" 9
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --page rustydb.public.t:9
    [[ "$output" == *"of rustydb.public.t (Its checksum does not match) was written again by its server, which has it in memory"* ]]
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --page rustydb.public.t:9
    [[ "$output" == *"is sound: nothing was changed"* ]]
    [ "$(sql "select count(*) from rdb_verify_database()")" = 0 ]
    # What is none.
    run -2 rdb-restore --input "$REPO" --home "$HOME_DIR" --page t:100000
    [[ "$output" == *"has no block 100000"* ]]
    run -1 rdb-restore --input "$REPO" --home "$HOME_DIR" --page nothing:1
    [[ "$output" == *'relation "nothing" does not exist'* ]]
    run -1 rdb-restore --input "$REPO" --home "$HOME_DIR" --page tables/1/99999999:1
    [[ "$output" == *"no relation of the running instance has the file"* ]]
    run -2 rdb-restore --input "$REPO" --home "$HOME_DIR" --page t
    sql "create role guest login"
    for call in "rdb_page_state('t', 9)" "rdb_repair_page('t', 9, null, null)"; do
        run sql "set role guest; select $call"
        [ "$status" -ne 0 ] && [[ "$output" == *"permission denied for function rdb_"* ]]
    done
    run sql "select rdb_repair_page('t', 9, 'short', '0/1')"
    [ "$status" -ne 0 ] && [[ "$output" == *"the image of a page has 4096 bytes here, not 5"* ]]
    # One whose table is dropped meanwhile is not put anywhere.
    sql "create table brief as select i from generate_series(1, 5000) i; checkpoint"
    rdb-backup --home "$HOME_DIR" --output "$REPO" --full-speed
    local brief
    brief=$HOME_DIR/$(sql "select pg_relation_filepath('brief')")
    flip "$brief" 5
    coproc dropping { "$PSQL" -X -A -t -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb 2>&1 3>&-; }
    local said
    echo "begin; drop table brief; select 'dropped';" >&"${dropping[1]}"
    read -r said <&"${dropping[0]}" && [ "$said" = dropped ]
    rdb-restore --input "$REPO" --home "$HOME_DIR" --page brief:5 >"$HOME_DIR.late" 2>&1 3>&- &
    local late=$!
    wait_for_answer 1 "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%rdb_page_state%'"
    echo "commit;" >&"${dropping[1]}"
    ends_with 1 wait "$late"
    grep -q "could not open relation" "$HOME_DIR.late"
    wait_for test ! -e "$brief" # the broken page goes with its file, which stays until what the drop left is purged
    # A broken page of a backup that has it broken too is made of an older one.
    run -0 rdb-backup --home "$HOME_DIR" --output "$REPO" --full-speed
    stop_server
    flip "$table" 11
    run -6 rdb-backup --home "$HOME_DIR" --output "$REPO"
    start_server
    run -0 rdb-restore --input "$REPO" --home "$HOME_DIR" --page t:11
    [[ "$output" == *"was made again from backup"* ]]
    [ -z "$(sql "select * from rdb_verify('t')")" ]
}

@test "rdb-restore: a copy in a new place has settings of its own, does not archive, and is planned before it is made" {
    start_archiving
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    run -0 rdb-restore --input "$REPO" --home "$AGAIN" --dry-run
    [[ "$output" == *"log: from"*"key: none"*"are free there"*"time: about"* ]]
    [ ! -e "$AGAIN" ]
    run -2 rdb-restore --input "$REPO" --home "$AGAIN" --map nothing
    [ ! -e "$AGAIN" ]
    restore --map server.max_connections=17 --map logging.level=warn
    [ "$(ask "$AGAIN" "show max_connections")" = 17 ]
    [ "$(ask "$AGAIN" "show archive_mode")" = off ]
}

@test "rdb-backup: a stream through a pipe clones an instance; a cut one is refused" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output - 2>"$HOME_DIR.err" | rdb-restore --input - --home "$AGAIN"
    same_pages "$HOME_DIR" "$AGAIN"
    rdb-backup --home "$HOME_DIR" --output - 2>/dev/null >"$HOME_DIR.tar"
    mkdir "$REPO" && tar -xf "$HOME_DIR.tar" -C "$REPO"
    run -0 rdb-backup verify --output "$REPO"
    rm -rf "$AGAIN"
    run -6 rdb-restore --input - --home "$AGAIN" < <(head -c 1000000 "$HOME_DIR.tar")
    [ ! -e "$AGAIN" ]
    [ -z "$(ls -d "$AGAIN".stream* 2>/dev/null)" ]
}

@test "rdb-backup: sftp, against OpenSSH's server; a host that is not known is refused" {
    make_instance
    local work port
    work=$(dirname "$HOME_DIR") port=$(free_port)
    mkdir -p /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f "$work/host" && ssh-keygen -q -t ed25519 -N '' -f "$work/id"
    printf '%s\n' "Port $port" "ListenAddress 127.0.0.1" "HostKey $work/host" "AuthorizedKeysFile $work/id.pub" "StrictModes no" "PasswordAuthentication no" \
        "PidFile none" "Subsystem sftp internal-sftp" "UsePAM no" >"$work/config"
    /usr/sbin/sshd -f "$work/config" -D -E "$work/log" 3>&- &
    SSHD=$!
    export RUSTYDB_SSH_KNOWN_HOSTS=$work/known RUSTYDB_SSH_KEY=$work/id
    local place=sftp://127.0.0.1:$port$REPO
    : >"$work/known"
    wait_for listens "$port"
    run ! rdb-backup --home "$HOME_DIR" --output "$place"
    echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$work/host.pub")" >"$work/known"
    rdb-backup --home "$HOME_DIR" --output "$place"
    rdb-backup --home "$HOME_DIR" --output "$place" --type incremental
    run -0 rdb-backup list --output "$place" --json
    [ "${#lines[@]}" -eq 2 ]
    rdb-restore --input "$place" --home "$AGAIN"
    same_pages "$HOME_DIR" "$AGAIN"
    rdb-backup --home "$HOME_DIR" --output "$place"
    run -0 rdb-backup expire --output "$place" --keep-full 1
    run -0 rdb-backup verify --output "$place"
    run -0 rdb-backup list --output "$place" --json
    [ "${#lines[@]}" -eq 1 ]
}

@test "rdb-backup expire: says why each stays, keeps parents of what stays, and changes nothing when asked only" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    run -2 rdb-backup expire --output "$REPO"
    run -0 rdb-backup why-kept --output "$REPO" --keep-full 2
    [ "$(grep -c 'kept: among the newest 2' <<<"$output")" -eq 4 ]
    run -0 rdb-backup expire --output "$REPO" --keep-daily 7 --dry-run
    [ "$(grep -c 'would go' <<<"$output")" -eq 3 ]
    [[ "$output" == *"builds on it"* ]]
    [ "$(ls "$REPO/backup" | grep -c Z-)" -eq 4 ]
    mkdir "$REPO/backup/20200101T000000Z-F" && echo junk >"$REPO/backup/20200101T000000Z-F/vol-000001.tar"
    run -0 rdb-backup expire --output "$REPO" --keep-full 1
    [ "$(ls "$REPO/backup" | grep -c Z-)" -eq 2 ]
    rdb-backup verify --output "$REPO"
    rdb-restore --input "$REPO" --home "$AGAIN"
    same_pages "$HOME_DIR" "$AGAIN"
}

@test "rdb-backup: two at once: one works, the other says who does; a killed one keeps nobody away" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    rdb-init --home "$AGAIN" --insecure --tune small >/dev/null
    rdb-backup --home "$HOME_DIR" --output "$REPO" --rate 1MB 3>&- &
    local first=$!
    wait_for eval 'ls "$REPO"/leases/*.json >/dev/null 2>&1'
    run -8 rdb-backup expire --output "$REPO" --keep-full 1
    [[ "$output" == *"Process $first"* ]]
    kill -KILL $first
    local status_of_first=0
    wait "$first" || status_of_first=$?
    [ "$status_of_first" -eq 137 ]
    run -0 rdb-backup expire --output "$REPO" --keep-full 1
    [ "$(ls "$REPO/backup" | grep -c Z-)" -eq 1 ]
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    rdb-backup verify --output "$REPO"
}

@test "rdb-restore --delta: writes what differs, removes what came since, and leaves what is right" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    rdb-restore --input "$REPO" --home "$AGAIN"
    ask "$HOME_DIR" "drop table t; create table later as select 1 as x" >/dev/null
    run -10 rdb-restore --input "$REPO" --home "$HOME_DIR"
    run -0 --separate-stderr rdb-restore --input "$REPO" --home "$HOME_DIR" --delta --json
    python3 -c 'import json,sys; d=json.loads(sys.argv[1]); assert d["kept_bytes"] > 10e6 and d["written_bytes"] < d["kept_bytes"], d' "$output"
    same_pages "$AGAIN" "$HOME_DIR"
    [ "$(ask "$HOME_DIR" "$SUM")" = "$(ask "$AGAIN" "$SUM")" ]
    # Of a chain, what the increments did not touch is not written again.
    ask "$HOME_DIR" "update t set m = 'later' where i = 1; checkpoint" >/dev/null
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    rm -rf "$AGAIN"
    rdb-restore --input "$REPO" --home "$AGAIN"
    ask "$HOME_DIR" "update t set m = 'lost' where i = 2" >/dev/null
    run -0 --separate-stderr rdb-restore --input "$REPO" --home "$HOME_DIR" --delta --json
    python3 -c 'import json,sys; d=json.loads(sys.argv[1]); assert d["kept_bytes"] > d["written_bytes"] > 0, d' "$output"
    same_pages "$AGAIN" "$HOME_DIR"
}

@test "rdb-backup merge: a chain becomes a full backup in the repository, without the instance; later ones build on it" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    ask "$HOME_DIR" "update t set m = 'changed' where i % 500 = 7; create table u as select 1 as x; checkpoint" >/dev/null
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    ask "$HOME_DIR" "drop table u; delete from t where i > 15000; vacuum t; insert into t select i, 'late' from generate_series(50000, 50100) i" >/dev/null
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    mv "$HOME_DIR" "$HOME_DIR.away"
    run -0 rdb-backup merge --output "$REPO"
    [ "$(ls "$REPO/backup" | grep -c -- -F)" -eq 2 ]
    run -0 rdb-backup merge --output "$REPO"
    [[ "$output" == *"full already"* ]]
    mv "$HOME_DIR.away" "$HOME_DIR"
    rdb-backup expire --output "$REPO" --keep-full 1
    [ "$(ls "$REPO/backup" | grep -c -- '-[FI]')" -eq 1 ]
    run -0 rdb-backup verify --output "$REPO" --level replay --scratch "$(dirname "$HOME_DIR")"
    rdb-restore --input "$REPO" --home "$AGAIN"
    same_pages "$HOME_DIR" "$AGAIN"
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    run -0 rdb-backup list --output "$REPO" --json
    [[ "${lines[1]}" == *'"parent_id": "'*'-F"'* || "${lines[1]}" == *'"parent_id":"'*'-F"'* ]]
}

@test "rdb-backup catalog: backups and drills as SQLite, here and in the instance; made again from the repository alone" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO" --name first
    rdb-backup --home "$HOME_DIR" --output "$REPO" --type incremental
    rdb-backup drill --output "$REPO" --scratch "$(dirname "$HOME_DIR")"
    catalog() { python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())' "$@"; }
    run -0 catalog "$REPO/backup/catalog.db" "select type, label, parent_id is null, (select count(*) from drill where sound) from backup"
    [ "$output" = "[('full', 'first', 1, 1), ('incremental', '', 0, 1)]" ]
    run -0 catalog "$HOME_DIR/data/meta/catalog.db" "select type, repository = '$REPO' from backup"
    [ "$output" = "[('full', 1), ('incremental', 1)]" ]
    local before
    before=$(sha256sum <"$REPO/backup/catalog.db")
    rm "$REPO/backup/catalog.db"
    rdb-backup verify --output "$REPO"
    run -0 rdb-backup catalog --output "$REPO"
    [[ "$output" == *"2 backups"* ]]
    [ "$(sha256sum <"$REPO/backup/catalog.db")" = "$before" ]
    printf '\x55' | dd of="$REPO/backup/catalog.db" bs=1 seek=5000 conv=notrunc status=none
    run -6 rdb-backup verify --output "$REPO"
    [[ "$output" == "backup/catalog.db: "* ]]
    rdb-backup expire --output "$REPO" --keep-full 1
    run -0 rdb-backup verify --output "$REPO"
}

@test "rdb-backup schedule --install: entries go where cron and systemd find them, in place of the earlier ones, beside others" {
    local place
    place=$(dirname "$HOME_DIR")
    mkdir "$place/bin" "$place/units"
    printf '#!/bin/sh\ncase $1 in -l) cat %s/tab ;; -) cat >%s/new && mv %s/new %s/tab ;; esac\n' "$place" "$place" "$place" "$place" >"$place/bin/crontab"
    chmod +x "$place/bin/crontab"
    echo '@daily somebody else' >"$place/tab"
    for days in 14 7; do
        PATH=$place/bin:$PATH run -0 --separate-stderr rdb-backup schedule --home "$HOME_DIR" --output "$REPO" --keep-days $days --install
    done
    [ "$(grep -cE '^[0-9*]+ [0-9*]+ [0-9*]+ [0-9*]+ [0-9*-]+ /' "$place/tab")" -eq 4 ]
    grep -q 'keep-days 7' "$place/tab" && grep -q '^@daily somebody else$' "$place/tab"
    ! grep -q 'keep-days 14' "$place/tab"
    run -0 rdb-backup schedule --home "$HOME_DIR" --output "$REPO" systemd --install --unit-dir "$place/units"
    [ "$(ls "$place/units" | wc -l)" -eq 8 ]
    grep -q '^OnCalendar=Sun' "$place"/units/*-full.timer && grep -q "^ExecStart=.*--home $HOME_DIR" "$place"/units/*-full.service
}

@test "rdb-backup: a killed backup is gone on with, and what it had stored is not stored again" {
    make_instance
    ask "$HOME_DIR" "create table wide as select i, md5(i::text) || md5((i + 1)::text) as m from generate_series(1, 400000) i" >/dev/null
    RDB_FAULT="write:$REPO/backup/*vol-000002*:delay=60000000" rdb-backup --home "$HOME_DIR" --output "$REPO" --threads 1 3>&- &
    local first=$!
    wait_for eval 'ls "$REPO"/backup/*/progress.json >/dev/null 2>&1'
    kill -KILL $first
    local status_of_first=0
    wait "$first" || status_of_first=$?
    [ "$status_of_first" -eq 137 ]
    local id stored
    id=$(ls "$REPO/backup" | grep Z-)
    stored=$(stat -c '%Y %i' "$REPO/backup/$id/vol-000001.tar.zst")
    sleep 1.1
    run -0 rdb-backup --home "$HOME_DIR" --output "$REPO"
    [[ "$output" == *"goes on with backup $id"* ]]
    [ "$(ls "$REPO/backup" | grep Z-)" = "$id" ]
    [ "$(stat -c '%Y %i' "$REPO/backup/$id/vol-000001.tar.zst")" = "$stored" ]
    [ ! -e "$REPO/backup/$id/progress.json" ]
    rdb-backup verify --output "$REPO" --level page
    rdb-restore --input "$REPO" --home "$AGAIN"
    same_pages "$HOME_DIR" "$AGAIN"
}

@test "rdb-backup drill: restores, opens, verifies, asks, and puts it on record; schedule prints what cron takes" {
    make_instance
    rdb-backup --home "$HOME_DIR" --output "$REPO"
    mkdir "$AGAIN"
    run -0 --separate-stderr rdb-backup drill --output "$REPO" --scratch "$AGAIN" --query "select count(*) from t" --json
    python3 -c 'import json,sys; d=json.loads(sys.argv[1]); assert d["sound"] is True and d["answer"] == "20000" and d["relation_count"] > 100, d' "$output"
    [ -z "$(ls -A "$AGAIN")" ] && [ "$(ls "$REPO/drills" | wc -l)" -eq 1 ]
    run -0 --separate-stderr rdb-backup schedule --home "$HOME_DIR" --output "$REPO"
    [ "$(grep -cE '^[0-9*]+ [0-9*]+ [0-9*]+ [0-9*]+ [0-9*-]+ /' <<<"$output")" -eq 4 ]
    run -0 rdb-backup schedule --home "$HOME_DIR" --output "$REPO" systemd
    [ "$(grep -c '^OnCalendar=' <<<"$output")" -eq 4 ]
    rm "$REPO"/backup/*/vol-000001*
    run -6 rdb-backup drill --output "$REPO" --scratch "$AGAIN"
    grep -q '"sound": false' "$REPO"/drills/*
}
